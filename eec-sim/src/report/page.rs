//! The page.

use super::{
    journey, overview, replies, sequence,
    svg::escape,
    timeline,
    words::{GLOSSARY, story},
};
use crate::{
    milestone::{Milestone, between},
    run::{Play, Run, verdict::Assertion},
};
use std::fmt::Write as _;

pub(super) fn verdict(good: bool, held: usize, all: usize) -> String {
    let (class, mark, words) = match (good, all - held) {
        (true, _) => (
            "good",
            "✓",
            format!("Everything that had to hold did hold: {held} of {all} assertions."),
        ),
        (false, 0) => ("bad", "✗", "Nothing was there to be judged.".to_owned()),
        (false, failed) => ("bad", "✗", format!("{failed} of {all} assertions did not hold.")),
    };
    format!(r#"<p class="verdict {class}"><span>{mark}</span> {words}</p>"#)
}

/// What did not hold, for those who look no further.
pub(super) fn failed<'a>(all: impl IntoIterator<Item = &'a Assertion>) -> String {
    let items: String = all
        .into_iter()
        .filter(|assertion| !assertion.held)
        .map(|assertion| {
            format!(
                "<li><b>{}</b> <span>Seen: {}</span></li>",
                escape(&assertion.text),
                escape(&assertion.seen)
            )
        })
        .collect();
    match items.is_empty() {
        true => items,
        false => format!(r#"<ul class="failed">{items}</ul>"#),
    }
}

pub(super) fn tile(value: &str, unit: &str, what: &str) -> String {
    format!(
        r#"<div class="tile"><b>{}<small>{}</small></b><span>{}</span></div>"#,
        escape(value),
        escape(unit),
        escape(what)
    )
}

fn tiles(run: &Run) -> String {
    let time = |value: Option<f64>| value.map_or_else(|| ("–".to_owned(), ""), |value| (format!("{value:.1}"), " ms"));
    let served = time(between(&run.milestones, Milestone::Move, Milestone::FirstTReply));
    let interruption = time(run.derived.interruption_ms);
    let transfer = time(run.derived.transfer_ms);
    [
        tile(
            &interruption.0,
            interruption.1,
            "service interruption: longest wait for an answer, beyond the usual period",
        ),
        tile(
            &run.derived.lost_requests.to_string(),
            &format!(" of {}", run.derived.requests),
            "requests of the game lost",
        ),
        tile(
            &served.0,
            served.1,
            "from crossing the border to the first answer of the new site",
        ),
        tile(&transfer.0, transfer.1, "to move the state of the game"),
    ]
    .concat()
}

pub(super) fn assertions(all: &[Assertion]) -> String {
    let mut rows = String::new();
    for assertion in all {
        let (class, mark) = if assertion.held {
            ("good", "✓")
        } else {
            ("bad", "✗")
        };
        let (text, seen) = (escape(&assertion.text), escape(&assertion.seen));
        let _ = writeln!(
            rows,
            r#"<tr><td class="mark {class}">{mark}</td><td>{text}</td><td class="seen">{seen}</td></tr>"#
        );
    }
    format!(
        r#"<table class="checks"><thead><tr><th></th><th>What had to hold</th><th>What was seen</th></tr></thead><tbody>{rows}</tbody></table>"#
    )
}

fn derived(run: &Run) -> String {
    let mut rows = String::new();
    for (name, value, meaning) in run.derived.rows() {
        let (value, meaning) = (escape(value), escape(meaning));
        let _ = writeln!(
            rows,
            r#"<tr><td>{name}</td><td class="number">{value}</td><td class="seen">{meaning}</td></tr>"#
        );
    }
    format!("<table><thead><tr><th>Value</th><th></th><th>Meaning</th></tr></thead><tbody>{rows}</tbody></table>")
}

fn told(run: &Run) -> String {
    let mut steps = String::new();
    let mut otherwise = "before";
    for told in story(run) {
        if told.when.is_some() {
            otherwise = "at last";
        }
        let when = told.when.map(|when| {
            if when.abs() < 0.05 {
                "0 ms".to_owned()
            } else {
                format!("+{when:.1} ms")
            }
        });
        let _ = writeln!(
            steps,
            r"<li><time>{}</time><span>{}</span></li>",
            escape(when.unwrap_or_else(|| otherwise.to_owned())),
            escape(told.what)
        );
    }
    format!(r#"<ol class="story">{steps}</ol>"#)
}

fn section(run: &Run) -> String {
    let scenario = &run.scenario;
    let held = run.assertions.iter().filter(|assertion| assertion.held).count();
    let crossing = run.crossing();
    let (old, new) = (escape(&crossing.source.edn.site), escape(&crossing.target.edn.site));
    let timeline = timeline::draw(run).unwrap_or_else(|| "<p>The device never crossed the border.</p>".to_owned());
    let replies = replies::draw(run).unwrap_or_else(|| "<p>There were no replies to draw.</p>".to_owned());
    format!(
        r#"<section id="{name}">
<header><h2>{title}</h2><p class="key">{name} · {acr} · {began}</p></header>
{verdict}
{failed}
<p class="about">{about}</p>
<div class="tiles">{tiles}</div>
<figure>{journey}<figcaption>The journey. Each site has an enabler server and a game server of its own, in its own data network.</figcaption></figure>
<h3>What happened</h3>
{told}
<h3>The game’s answers</h3>
<figure>{replies}<figcaption>Each dot is an answer, <i class="key-a"></i>from {old} or <i class="key-b"></i>from {new}. The state counter
must rise by one from answer to answer, whichever site gives it. The hatched part is the wait at the switch. Rest on a dot to see
the request.</figcaption></figure>
<h3>Milestones</h3>
<figure>{timeline}<figcaption>Milliseconds since the device crossed the border. The names are those of the scenario catalogue (m0 to m16);
a milestone that this way of relocation does not have is left out.</figcaption></figure>
<h3>Every message</h3>
<figure class="wide">{sequence}<figcaption>Time runs downwards, not to scale; at the left, milliseconds since the border. Below each arrow: reference point, status
code, time until the answer. Dashed: a message between two servers, at neither end of which the simulator is; it is known by its effect
only, and its time is a guess. The bars on the right show which game server was answering.</figcaption></figure>
<h3>What had to hold</h3>
{assertions}
<h3>Measured</h3>
{derived}
</section>"#,
        name = escape(run.id()),
        title = escape(&scenario.title),
        acr = escape(&scenario.acr),
        began = escape(run.began.strftime("%Y-%m-%d %H:%M:%S UTC")),
        verdict = verdict(run.held(), held, run.assertions.len()),
        failed = failed(&run.assertions),
        about = escape(scenario.about.trim()),
        tiles = tiles(run),
        journey = journey::draw(run),
        told = told(run),
        sequence = sequence::draw(run),
        assertions = assertions(&run.assertions),
        derived = derived(run),
    )
}

/// So many relocations of a scenario are shown in full.
const SHOWN: usize = 6;

/// The whole page; `logs` are names and relative paths.
pub(super) fn page(plays: &[Play], logs: &[(String, String)]) -> String {
    let all = plays.iter().flat_map(Play::assertions).count();
    let held = plays
        .iter()
        .flat_map(Play::assertions)
        .filter(|assertion| assertion.held)
        .count();
    // Of many relocations those are shown in full that went wrong, and some of the others.
    let runs: Vec<&Run> = plays
        .iter()
        .flat_map(|play| {
            let shown = |(n, run): &(usize, &Run)| *n < SHOWN || !run.held();
            play.runs.iter().enumerate().filter(shown).map(|(_, run)| run)
        })
        .collect();
    let count = plays.iter().map(|play| play.runs.len()).sum::<usize>();
    let mut contents = String::new();
    // What went wrong comes first.
    let mut listed = runs.clone();
    listed.sort_by_key(|run| run.held());
    for run in listed {
        let (class, mark) = if run.held() { ("good", "✓") } else { ("bad", "✗") };
        let (name, title) = (escape(run.id()), escape(&run.scenario.title));
        let interruption = run
            .derived
            .interruption_ms
            .map_or_else(|| "–".to_owned(), |value| format!("{value:.1} ms"));
        let lost = run.derived.lost_requests;
        let scenario = &run.scenario;
        let several = scenario.ue.len() > 1 || scenario.ac.len() > 1;
        let who = match several {
            true => format!("{}, {}: ", escape(&run.ue().eec_id), escape(&run.ac().eas_id)),
            false => String::new(),
        };
        let _ = writeln!(
            contents,
            r##"<li><a href="#{name}"><b class="{class}">{mark}</b> {title}</a> <span>{who}interruption {interruption}, {lost} lost</span></li>"##
        );
    }
    if count > runs.len() {
        let more = count - runs.len();
        let _ = writeln!(
            contents,
            "<li><span>and {more} more, in which everything held: see the section on the whole, and messages.jsonl</span></li>"
        );
    }
    let wholes = plays.iter().map(overview::section);
    let sections: Vec<_> = runs.iter().map(|run| section(run)).chain(wholes).collect();
    let mut links =
        String::from(r#"<li><a href="messages.jsonl">messages.jsonl</a>: every message and value, for machines</li>"#);
    for (name, path) in logs {
        let _ = writeln!(
            links,
            r#"<li><a href="{}">{}</a>: the log of {0}</li>"#,
            escape(path),
            escape(name)
        );
    }
    if logs.is_empty() {
        links.push_str("<li>The servers were not started by this run; their logs are where they were started.</li>");
    }
    let glossary: String = GLOSSARY
        .iter()
        .map(|(word, meaning)| format!("<dt>{}</dt><dd>{}</dd>", escape(word), escape(meaning)))
        .collect();
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>An application moves with its device</title>
<style>{css}</style>
</head>
<body>
<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch" width="2.5" height="7"/></pattern></defs></svg>
<main>
<header class="top">
<p class="kicker">EDGEAPP simulator · 3GPP TS 23.558</p>
<h1>An application moves with its device</h1>
<p class="lead">Servers of an application run near the device, at edge sites. When the device travels on, the application has to follow, with its
state and without being missed. This page shows {count} such {moves}: real server processes, real encrypted connections, a played device.</p>
{verdict}
<ol class="contents">{contents}</ol>
</header>
{sections}
<section><h2>The words</h2><dl>{glossary}</dl></section>
<section><h2>Evidence</h2><ul class="links">{links}</ul></section>
</main>
</body>
</html>
"#,
        css = include_str!("page.css"),
        count = match count {
            1 => "one".to_owned(),
            2 => "two".to_owned(),
            n => n.to_string(),
        },
        moves = if count == 1 { "move" } else { "moves" },
        verdict = verdict(held == all && all > 0, held, all),
        sections = sections.join("\n"),
    )
}
