//! The page of a fleet: how many moved when and where to, how long it took, what it cost, what had to hold.

use super::{
    overview::distributions,
    page::{assertions, failed, tile, verdict},
    svg::{Drawing, escape},
};
use crate::{
    load::{crossing::Crossed, fleet::Played},
    statistics::{Quantiles, quantiles},
};
use std::fmt::Write as _;

const WIDTH: f64 = 1120.0;

#[allow(clippy::cast_precision_loss, reason = "counts of a run are far below 2^52")]
fn as_f64(count: usize) -> f64 {
    count as f64
}

fn p99(all: &[(&'static str, Quantiles)], name: &str) -> String {
    let of = all.iter().find(|(known, _)| *known == name);
    of.map_or_else(|| "–".to_owned(), |(_, of)| format!("{:.1}", of.p99))
}

/// Its unit, where there is a number.
fn unit(all: &[(&'static str, Quantiles)], name: &str) -> &'static str {
    if all.iter().any(|(known, _)| *known == name) {
        " ms"
    } else {
        ""
    }
}

fn tiles(played: &Played, all: &[(&'static str, Quantiles)]) -> String {
    [
        tile(
            &played.relocations.to_string(),
            &format!(" by {} UEs", played.ues),
            "relocations",
        ),
        tile(
            &played.lost.to_string(),
            &format!(" of {}", played.requests),
            "requests of applications lost",
        ),
        tile(
            &p99(all, "signalling"),
            unit(all, "signalling"),
            "p99 from the decision to the start of the transfer",
        ),
        tile(
            &p99(all, "completion"),
            unit(all, "completion"),
            "p99 from crossing the border to the news that all is done",
        ),
    ]
    .concat()
}

/// How many UEs crossed a border in each part of the time.
fn pace(played: &Played) -> String {
    let (high, most_bars) = (170.0, 240);
    let together = played.per_second.len().div_ceil(most_bars).max(1);
    let bars: Vec<u32> = played
        .per_second
        .chunks(together)
        .map(|part| part.iter().sum())
        .collect();
    let most = bars.iter().copied().max().unwrap_or(1).max(1);
    let mut drawing = Drawing::new(WIDTH);
    let wide = (WIDTH - 60.0) / as_f64(bars.len().max(1));
    drawing.line("grid", (50.0, high), (WIDTH - 10.0, high));
    drawing.text("end faint small", (44.0, 28.0), most);
    for (n, count) in bars.iter().enumerate().filter(|(_, count)| **count > 0) {
        let tall = f64::from(*count) / f64::from(most) * (high - 20.0);
        let second = n * together;
        let title = format!("{count} from second {second}");
        let gap = if wide > 4.0 { 1.5 } else { 0.0 };
        drawing.bar(
            "bar",
            (50.0 + as_f64(n) * wide, high - tall),
            (wide - gap, tall),
            &title,
        );
    }
    drawing.text("faint small", (50.0, high + 16.0), "0 s");
    drawing.text(
        "end faint small",
        (WIDTH - 10.0, high + 16.0),
        format!("{} s", played.per_second.len()),
    );
    drawing.finish(high + 24.0, "Crossings over time")
}

/// The sites on a circle, and a line between two for how many went there and back.
fn map(played: &Played) -> String {
    let sites = played.between.len();
    let (middle, radius, high) = ((WIDTH / 2.0, 250.0), 190.0, 500.0);
    let at = |site: usize| {
        let angle = as_f64(site) / as_f64(sites.max(1)) * std::f64::consts::TAU - std::f64::consts::FRAC_PI_2;
        (middle.0 + 2.0 * radius * angle.cos(), middle.1 + radius * angle.sin())
    };
    let mut drawing = Drawing::new(WIDTH);
    let pairs = (0..sites).flat_map(|from| (from + 1..sites).map(move |to| (from, to)));
    let most = pairs
        .map(|(from, to)| played.between[from][to] + played.between[to][from])
        .max();
    let most = most.unwrap_or(1).max(1);
    for (from, row) in played.between.iter().enumerate() {
        for (to, back) in played.between.iter().enumerate().skip(from + 1) {
            let class = match (row[to] + back[from]) * 3 / most {
                _ if row[to] + back[from] == 0 => continue,
                0 => "flow-1",
                1 => "flow-2",
                _ => "flow-3",
            };
            drawing.line(class, at(from), at(to));
        }
    }
    for site in 0..sites {
        let (x, y) = at(site);
        let came: u32 = played.between.iter().map(|row| row[site]).sum();
        let left: u32 = played.between[site].iter().sum();
        drawing.rect(
            if site % 2 == 0 { "cell-a" } else { "cell-b" },
            (x - 62.0, y - 24.0),
            (124.0, 48.0),
            12.0,
        );
        drawing.text("mid strong", (x, y - 4.0), format!("Site {}", site + 1));
        drawing.text("mid faint small", (x, y + 13.0), format!("{left} left, {came} came"));
    }
    drawing.finish(high, "The sites, and how many UEs left and came")
}

fn table(all: &[(&'static str, Quantiles)]) -> String {
    let mut rows = String::new();
    for (name, of) in all {
        let unit = if *name == "lost requests" { "" } else { " ms" };
        let _ = write!(rows, "<tr><td>{name}</td><td class=\"number\">{}</td>", of.count);
        for value in [of.p50, of.p95, of.p99, of.max] {
            let _ = write!(rows, "<td class=\"number\">{value:.1}{unit}</td>");
        }
        rows.push_str("</tr>");
    }
    format!(
        r#"<div class="scroll"><table><thead><tr><th>Value</th><th class="number">count</th><th class="number">p50</th><th class="number">p95</th><th class="number">p99</th><th class="number">max</th></tr></thead><tbody>{rows}</tbody></table></div>"#
    )
}

fn cost(played: &Played) -> String {
    let mut rows = String::new();
    let seconds = |time: Option<std::time::Duration>| {
        time.map_or_else(|| "–".to_owned(), |time| format!("{:.2} s", time.as_secs_f64()))
    };
    for (phase, cost) in &played.costs {
        let _ = write!(
            rows,
            "<tr><td>{phase}</td><td class=\"number\">{:.2} s</td><td class=\"number\">{}</td><td class=\"number\">{}</td></tr>",
            cost.took.as_secs_f64(),
            seconds(cost.servers),
            seconds(cost.simulator)
        );
    }
    let mut text = format!(
        r#"<div class="scroll"><table><thead><tr><th>Phase</th><th class="number">took</th><th class="number">CPU of the servers</th><th class="number">CPU of the simulator</th></tr></thead><tbody>{rows}</tbody></table></div><p>"#
    );
    if let Some(per) = played
        .moving()
        .and_then(|cost| cost.of_the_servers_per(played.relocations))
    {
        let _ = write!(text, "A crossing cost all servers together {per:.2} ms of CPU. ");
    }
    if let Some(peak) = played.peak {
        let _ = write!(text, "The simulator had {} MiB of memory at most. ", peak / 1024 / 1024);
    }
    let _ = write!(
        text,
        "It sent or got {} messages, and was at most {:.1} ms behind its time table; a UE that sets out late is measured from when it does.</p>",
        played.messages,
        played.latest.as_secs_f64() * 1000.0
    );
    text
}

fn failures(failures: &[Crossed], trouble: &[String]) -> String {
    if failures.is_empty() && trouble.is_empty() {
        return String::new();
    }
    let mut rows = Vec::new();
    for crossed in failures {
        let why = crate::load::show::why(crossed);
        let (id, from, to) = (crossed.id(), crossed.from + 1, crossed.to + 1);
        rows.push(format!(
            "<tr><td class=\"mark bad\">✗</td><td>{id}: site {from} to {to}</td><td class=\"seen\">{}</td></tr>",
            escape(why)
        ));
    }
    for reason in trouble {
        rows.push(format!(
            "<tr><td class=\"mark bad\">✗</td><td></td><td class=\"seen\">{}</td></tr>",
            escape(reason)
        ));
    }
    let table = |rows: &[String]| {
        format!(
            "<table><thead><tr><th></th><th>Who</th><th>What</th></tr></thead><tbody>{}</tbody></table>",
            rows.concat()
        )
    };
    let (first, others) = rows.split_at(rows.len().min(FIRST));
    let mut text = format!("<h3>What went wrong</h3>{}", table(first));
    if !others.is_empty() {
        let _ = write!(
            text,
            "<details><summary>{} more</summary>{}</details>",
            others.len(),
            table(others)
        );
    }
    text
}

/// So many failures are shown at once.
const FIRST: usize = 8;

/// The whole page; `logs` are names and relative paths.
pub(crate) fn page(played: &Played, logs: &[(String, String)]) -> String {
    let held = played.assertions.iter().filter(|assertion| assertion.held).count();
    let all = quantiles(&played.derived);
    let derived: Vec<_> = played.derived.iter().collect();
    let drawn = distributions(&derived).map_or_else(String::new, |drawn| {
        format!(
            "<h3>Distributions</h3><figure>{drawn}<figcaption>How many relocations took how long. Rest on a bar to see its number.</figcaption></figure>"
        )
    });
    let mut links =
        String::from(r#"<li><a href="messages.jsonl">messages.jsonl</a>: every relocation, for machines</li>"#);
    for (name, path) in logs {
        let _ = write!(
            links,
            r#"<li><a href="{}">{}</a>: the log of {0}</li>"#,
            escape(path),
            escape(name)
        );
    }
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Many UEs move between edge sites</title>
<style>{css}</style>
</head>
<body>
<main>
<header class="top">
<p class="kicker">EDGEAPP simulator · 3GPP TS 23.558</p>
<h1>Many UEs move between edge sites</h1>
<p class="lead">{ues} UEs are registered, each with an identity of its own, at {sites} sites with real server processes and real encrypted
connections. They set out {set_out} times{followed}.</p>
{verdict}
{failed}
<div class="tiles">{tiles}</div>
</header>
<section id="{name}"><header><h2>On the whole</h2><p class="key">{name}</p></header>
{failures}
<h3>What had to hold</h3>
{assertions}
<h3>Percentiles</h3>
{table}
{drawn}
<h3>Crossings over time</h3>
<figure>{pace}<figcaption>How many UEs crossed a border in each second. Rest on a bar to see its number.</figcaption></figure>
<h3>The sites</h3>
<figure>{map}<figcaption>A line joins sites between which UEs went; the thicker, the more of them.</figcaption></figure>
<h3>What it cost</h3>
{cost}
</section>
<section><h2>Evidence</h2><ul class="links">{links}</ul></section>
</main>
</body>
</html>
"#,
        css = include_str!("page.css"),
        ues = played.settled,
        sites = played.between.len(),
        set_out = played.set_out,
        followed = match played.failed {
            0 if played.given_up.is_none() => ", and their applications followed them".to_owned(),
            failed => format!("; {failed} did not arrive"),
        },
        verdict = verdict(played.held(), held, played.assertions.len()),
        failed = failed(&played.assertions),
        tiles = tiles(played, &all),
        name = escape(&played.name),
        failures = failures(&played.failures, &played.trouble),
        assertions = assertions(&played.assertions),
        table = table(&all),
        pace = pace(played),
        map = map(played),
        cost = cost(played),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{load::Wish, milestone::Derived};

    #[test]
    fn the_page_says_what_was_seen_and_escapes_it() {
        let mut played = Played {
            name: "load-b".to_owned(),
            ues: 3,
            settled: 3,
            set_out: 2,
            per_second: vec![1, 0, 1],
            between: vec![vec![0, 2], vec![0, 0]],
            relocations: 2,
            derived: vec![
                Derived {
                    signalling_ms: Some(3.0),
                    ..Derived::default()
                };
                2
            ],
            trouble: vec!["<b>".to_owned()],
            holders: [0, 3, 0],
            ..Played::default()
        };
        played.assertions = crate::load::verdict::judge(&Wish::default(), &played);
        let page = page(&played, &[("ecs".to_owned(), "logs/ecs.log".to_owned())]);
        for part in [
            "2 left, 0 came",
            "signalling",
            "&lt;b&gt;",
            "logs/ecs.log",
            "Everything that had to hold did hold",
        ] {
            assert!(page.contains(part), "{part}");
        }
        assert!(!page.contains("<b>\n") && !page.contains("NaN"));
    }
}
