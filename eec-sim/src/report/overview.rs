//! A scenario on the whole: the map with its cells and the UEs that move over it, and how its values are distributed.

use super::svg::{Drawing, escape};
use crate::{
    milestone::Derived,
    run::Play,
    scenario::{Ending, Scenario},
    statistics::{VALUES, quantiles},
};
use std::{collections::BTreeMap, fmt::Write as _};

const WIDTH: f64 = 1120.0;
const MAP: f64 = 300.0;
/// Most UEs that are drawn.
const DRAWN: usize = 60;

/// Where each cell lies in the drawing: as the scenario says, or site by site from left to right.
fn places(scenario: &Scenario) -> BTreeMap<&str, (f64, f64)> {
    let given: Vec<_> = scenario.cell.iter().filter_map(|cell| cell.at).collect();
    if given.len() == scenario.cell.len() && given.len() > 1 {
        let span = |n: usize| {
            let of = given.iter().map(|at| at[n]);
            let (low, high) = of.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), at| {
                (low.min(at), high.max(at))
            });
            (low, (high - low).max(1.0))
        };
        let ((left, width), (bottom, height)) = (span(0), span(1));
        let place = |at: [f64; 2]| {
            let x = 120.0 + (at[0] - left) / width * (WIDTH - 240.0);
            (x, MAP - 90.0 - (at[1] - bottom) / height * (MAP - 180.0))
        };
        let all = scenario
            .cell
            .iter()
            .filter_map(|cell| Some((cell.name.as_str(), place(cell.at?))));
        return all.collect();
    }
    #[allow(clippy::cast_precision_loss, reason = "a handful of cells")]
    let step = (WIDTH - 240.0) / (scenario.cell.len().max(2) - 1) as f64;
    let mut cells: Vec<_> = scenario.cell.iter().collect();
    let site = |cell: &crate::scenario::Cell| scenario.edn.iter().position(|edn| edn.tais.contains(&cell.tai));
    cells.sort_by_key(|cell| site(cell).unwrap_or(usize::MAX));
    let mut places = BTreeMap::new();
    for (n, cell) in cells.into_iter().enumerate() {
        #[allow(clippy::cast_precision_loss, reason = "a handful of cells")]
        let x = 120.0 + n as f64 * step;
        places.insert(cell.name.as_str(), (x, if n % 2 == 0 { 130.0 } else { 170.0 }));
    }
    places
}

/// Draws the map; UEs go over it again and again.
pub(super) fn map(play: &Play) -> String {
    let scenario = &play.scenario;
    let places = places(scenario);
    let mut drawing = Drawing::new(WIDTH);
    for cell in &scenario.cell {
        let Some((x, y)) = places.get(cell.name.as_str()).copied() else {
            continue;
        };
        let edn = scenario.edn.iter().position(|edn| edn.tais.contains(&cell.tai));
        let class = match edn {
            Some(n) if n % 2 == 0 => "cell-a",
            Some(_) => "cell-b",
            None => "cell-n",
        };
        drawing.path(
            class,
            &format!("M {:.1} {y:.1} l 44 -60 l 88 0 l 44 60 l -44 60 l -88 0 z", x - 88.0),
        );
        drawing.text("mid strong", (x, y - 26.0), &cell.name);
        let below = edn.map_or("nobody is in charge".to_owned(), |n| scenario.edn[n].site.clone());
        drawing.text("mid faint small", (x, y - 10.0), below);
    }
    for (n, ue) in scenario.ue.iter().enumerate().take(DRAWN) {
        #[allow(clippy::cast_precision_loss, reason = "at most sixty")]
        let aside = (n % 8) as f64 * 5.0 - 17.5;
        let stops: Vec<_> = ue
            .route
            .iter()
            .filter_map(|stay| Some((places.get(stay.cell.as_str())?, stay.dwell_ms)))
            .map(|((x, y), ms)| (*x + aside, *y + 18.0 + aside / 2.0, ms))
            .collect();
        let failed = play.runs.iter().any(|run| run.ue == n && !run.held());
        drawing.traveller(
            if failed { "ue bad" } else { "ue" },
            &stops,
            ue.eec_id.as_str(),
            ue.delay_ms,
        );
    }
    drawing.finish(MAP, "The cells, and the UEs on their way")
}

/// How often each value fell into which part of its span.
fn histogram(values: &[f64]) -> Vec<(f64, usize)> {
    let (low, high) = values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(*value), high.max(*value))
        });
    let bins = 24_u32;
    let width = ((high - low) / f64::from(bins)).max(1e-9);
    let mut counts = vec![0; bins as usize];
    for value in values {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a number of a bin"
        )]
        let bin = (((value - low) / width) as usize).min(bins as usize - 1);
        counts[bin] += 1;
    }
    let start = |n: usize| low + width * f64::from(u32::try_from(n).unwrap_or_default());
    counts
        .into_iter()
        .enumerate()
        .map(|(n, count)| (start(n), count))
        .collect()
}

/// Draws the distribution of every value that more than one relocation has.
pub(super) fn distributions(complete: &[&Derived]) -> Option<String> {
    let shown: Vec<_> = VALUES
        .into_iter()
        .filter(|(name, _)| *name != "lost requests")
        .filter_map(|(name, find)| {
            let values: Vec<f64> = complete.iter().copied().filter_map(find).collect();
            (values.len() > 1).then_some((name, values))
        })
        .collect();
    if shown.is_empty() {
        return None;
    }
    let (wide, high) = (264.0, 128.0);
    let mut drawing = Drawing::new(WIDTH);
    let mut bottom: f64 = 0.0;
    for (n, (name, values)) in shown.iter().enumerate() {
        #[allow(clippy::cast_precision_loss, reason = "at most eight")]
        let (left, top) = (
            (n % 4) as f64 * (wide + 20.0) + 4.0,
            (n / 4) as f64 * (high + 44.0) + 20.0,
        );
        bottom = bottom.max(top + high);
        let bars = histogram(values);
        let most = bars.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
        drawing.text("strong small", (left, top - 6.0), *name);
        #[allow(clippy::cast_precision_loss, reason = "counts of relocations")]
        for (bin, (from, count)) in bars.iter().enumerate() {
            let height = *count as f64 / most as f64 * (high - 24.0);
            let x = left + bin as f64 * wide / 24.0;
            if *count > 0 {
                let title = format!("{count} from {from:.1} ms");
                drawing.bar(
                    "bar",
                    (x, top + high - 20.0 - height),
                    (wide / 24.0 - 1.5, height),
                    &title,
                );
            }
        }
        drawing.line("grid", (left, top + high - 20.0), (left + wide, top + high - 20.0));
        let last = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        drawing.text("faint small", (left, top + high - 5.0), format!("{:.1} ms", bars[0].0));
        drawing.text(
            "end faint small",
            (left + wide, top + high - 5.0),
            format!("{last:.1} ms"),
        );
    }
    Some(drawing.finish(bottom + 8.0, "How the values are distributed"))
}

/// The section of a scenario on the whole.
pub(super) fn section(play: &Play) -> String {
    let scenario = &play.scenario;
    let complete: Vec<_> = play
        .runs
        .iter()
        .filter(|run| run.ending == Ending::Complete)
        .map(|run| &run.derived)
        .collect();
    let mut text = format!(
        "<section id=\"whole-{}\"><header><h2>{}: on the whole</h2><p class=\"key\">{} UE(s), {} relocation(s)</p></header>",
        escape(&scenario.name),
        escape(&scenario.title),
        scenario.ue.len(),
        play.runs.len()
    );
    text.push_str(&super::page::failed(&play.whole));
    let _ = write!(
        text,
        "<figure>{}<figcaption>The cells, in the colours of the sites in charge, and the UEs on their way, at the pace of the scenario. \
         Red: something of it did not hold.</figcaption></figure>",
        map(play)
    );
    if !play.whole.is_empty() {
        text.push_str("<h3>What had to hold on the whole</h3>");
        text.push_str(&super::page::assertions(&play.whole));
    }
    if complete.len() > 1 {
        let mut rows = String::new();
        for (name, of) in quantiles(complete.iter().copied()) {
            let unit = if name == "lost requests" { "" } else { " ms" };
            let _ = write!(rows, "<tr><td>{name}</td><td class=\"number\">{}</td>", of.count);
            for value in [of.p50, of.p95, of.p99, of.max] {
                let _ = write!(rows, "<td class=\"number\">{value:.1}{unit}</td>");
            }
            rows.push_str("</tr>");
        }
        let _ = write!(
            text,
            r#"<h3>Percentiles</h3><div class="scroll"><table><thead><tr><th>Value</th><th class="number">count</th><th class="number">p50</th>
<th class="number">p95</th><th class="number">p99</th><th class="number">max</th></tr></thead><tbody>{rows}</tbody></table></div>"#
        );
    }
    if let Some(drawn) = distributions(&complete) {
        let _ = write!(
            text,
            "<h3>Distributions</h3><figure>{drawn}<figcaption>How many relocations took how long. Rest on a bar to see its number.</figcaption></figure>"
        );
    }
    text.push_str("</section>");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_in_one_bar() {
        let bars = histogram(&[1.0, 1.5, 9.0, 25.0]);
        assert_eq!(bars.iter().map(|(_, count)| count).sum::<usize>(), 4);
        assert!(bars[0].0 <= 1.0 && bars[23].1 == 1);
    }

    #[test]
    fn cells_without_a_place_stand_side_by_side() {
        let text = crate::scenario::SHIPPED[0].text;
        let scenario = Scenario::parse(text, "a").unwrap();
        let places = places(&scenario);
        assert!(places["quay"].0 < places["bridge"].0 && places["bridge"].0 < places["market"].0);
    }
}
