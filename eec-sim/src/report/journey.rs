//! The two sites, the cells below them and the way of the device.

use super::svg::Drawing;
use crate::{milestone::Milestone, run::Run, scenario::Site};

const WIDTH: f64 = 1120.0;
const GROUND: f64 = 318.0;

/// Draws the journey.
pub(super) fn draw(run: &Run) -> String {
    let crossing = run.crossing();
    let mut drawing = Drawing::new(WIDTH);
    let sides = [(crossing.source, "a", 20.0), (crossing.target, "b", 580.0)];
    drawing.rect("box-n", (450.0, 8.0), (220.0, 44.0), 10.0);
    drawing.text("mid strong", (560.0, 27.0), "ECS: the directory");
    drawing.text("mid faint small", (560.0, 43.0), "knows which site serves where");
    for (site, letter, left) in sides {
        place(&mut drawing, site, letter, left);
    }
    // Their common directory.
    for x in [225.0, 785.0] {
        let start = if x < 560.0 { 450.0 } else { 670.0 };
        drawing.path("link", &format!("M {start} 36 C {x} 36 {x} 60 {x} 112"));
    }
    if run.milestones.contains_key(&Milestone::ActDone) {
        drawing.path("carry", "M 470 170 C 520 218 900 218 962 180");
        drawing.path("carry head", "M 971 172 l -14 3 l 8 9 z");
        drawing.text("halo mid label", (712.0, 202.0), "the game's state");
    }
    cells(&mut drawing, run);
    drawing.finish(GROUND + 72.0, "The two edge sites and the way of the device")
}

fn place(drawing: &mut Drawing, site: Site<'_>, letter: &str, left: f64) {
    drawing.rect(&format!("area-{letter}"), (left, 76.0), (520.0, GROUND - 60.0), 16.0);
    drawing.text(
        &format!("strong site-text-{letter}"),
        (left + 18.0, 98.0),
        format!("Edge site {}", site.edn.site),
    );
    drawing.rect(&format!("box-{letter}"), (left + 18.0, 112.0), (212.0, 58.0), 10.0);
    drawing.text("mid strong", (left + 124.0, 136.0), "EES: the enabler server");
    drawing.text("mid faint small", (left + 124.0, 155.0), &site.edn.ees);
    drawing.rect(&format!("box-{letter}"), (left + 290.0, 112.0), (212.0, 58.0), 10.0);
    drawing.text(
        "mid strong",
        (left + 396.0, 136.0),
        format!("EAS: game server {:?}", site.eas.instance),
    );
    drawing.text("mid faint small", (left + 396.0, 155.0), &site.eas.eas_id);
    drawing.path("link", &format!("M {} 141 L {} 141", left + 230.0, left + 290.0));
}

/// A cell on the map: on which side, where, and how long the UE stayed there each time.
struct Spot<'a> {
    cell: &'a str,
    letter: &'static str,
    x: f64,
    stays: Vec<u64>,
}

/// Each cell once, within its site; a cell of neither site is drawn where the UE came through it.
fn spots(run: &Run) -> (Vec<Spot<'_>>, Vec<usize>) {
    let scenario = &run.scenario;
    let crossing = run.crossing();
    let mut spots: Vec<Spot<'_>> = Vec::new();
    let mut way = Vec::new();
    for (index, stay) in run.ue().route.iter().enumerate() {
        let edn = scenario.cell(&stay.cell).and_then(|cell| scenario.edn_of(cell));
        let letter = match edn {
            Some(edn) if edn.dnn == crossing.source.edn.dnn => "a",
            Some(edn) if edn.dnn == crossing.target.edn.dnn => "b",
            _ if index < crossing.stay => "a",
            _ => "b",
        };
        let known = spots
            .iter()
            .position(|spot| spot.cell == stay.cell && spot.letter == letter);
        let spot = known.unwrap_or_else(|| {
            spots.push(Spot {
                cell: &stay.cell,
                letter,
                x: 0.0,
                stays: Vec::new(),
            });
            spots.len() - 1
        });
        spots[spot].stays.push(stay.dwell_ms);
        way.push(spot);
    }
    for (letter, left) in [("a", 20.0), ("b", 580.0)] {
        let count = spots.iter().filter(|spot| spot.letter == letter).count();
        let here = spots.iter_mut().filter(|spot| spot.letter == letter);
        for (n, spot) in here.enumerate() {
            #[allow(clippy::cast_precision_loss, reason = "a handful of cells")]
            let part = (n as f64 + 0.5) / count as f64;
            spot.x = left + 520.0 * part;
        }
    }
    (spots, way)
}

/// The cells along the way, the way, and the device in the last.
fn cells(drawing: &mut Drawing, run: &Run) {
    let scenario = &run.scenario;
    let (spots, way) = spots(run);
    let crowd = ["a", "b"].map(|letter| spots.iter().filter(|spot| spot.letter == letter).count());
    #[allow(clippy::cast_precision_loss, reason = "a handful of cells")]
    let half = (520.0 / crowd.into_iter().max().unwrap_or(1).max(1) as f64 / 2.0 - 4.0).min(88.0);
    for spot in &spots {
        drawing.path(&format!("cell-{}", spot.letter), &hexagon(spot.x, GROUND - 36.0, half));
        drawing.text("mid strong", (spot.x, GROUND - 52.0), spot.cell);
        if let Some(cell) = scenario.cell(spot.cell) {
            let area = if half < 80.0 { "area" } else { "tracking area" };
            drawing.text(
                "mid faint small",
                (spot.x, GROUND - 37.0),
                format!("{area} {}", cell.tai.tac),
            );
        }
        let stays: Vec<_> = spot.stays.iter().take(4).map(ToString::to_string).collect();
        let more = if spot.stays.len() > stays.len() { " …" } else { "" };
        drawing.text(
            "mid faint small",
            (spot.x, GROUND + 44.0),
            format!("{}{more} ms here", stays.join(", ")),
        );
    }
    // Each time that it turns back its way is drawn a little lower.
    let mut road = GROUND - 14.0;
    let lowest = GROUND + 4.0;
    let mut ahead = None;
    let last = way.last().map_or(0.0, |spot| spots[*spot].x);
    for (n, pair) in way.windows(2).enumerate() {
        let (from, to) = (spots[pair[0]].x, spots[pair[1]].x);
        let forward = to > from;
        if ahead.is_some_and(|ahead| ahead != forward) && road < lowest {
            drawing.line("road", (from, road), (from, road + 6.0));
            road += 6.0;
        }
        ahead = Some(forward);
        let end = n + 2 == way.len();
        let aside = if forward { 1.0 } else { -1.0 };
        let until = if end { to - aside * 24.0 } else { to };
        drawing.line("road", (from, road), (until, road));
        if end {
            let tip = to - aside * 16.0;
            drawing.path(
                "road head",
                &format!("M {tip:.1} {road:.1} l {:.1} -5 l 0 10 z", -9.0 * aside),
            );
        } else {
            drawing.circle("stop", (to, road), 4.0, spots[pair[1]].cell);
        }
    }
    if let Some(first) = way.first().filter(|_| way.len() > 1) {
        drawing.circle("stop", (spots[*first].x, GROUND - 14.0), 4.0, spots[*first].cell);
    }
    drawing.line("border", (560.0, 66.0), (560.0, GROUND + 30.0));
    drawing.text("halo mid small strong", (560.0, GROUND + 46.0), "border of the sites");
    drawing.rect("phone", (last - 9.0, road - 15.0), (18.0, 30.0), 4.0);
    drawing.rect("screen", (last - 6.5, road - 11.0), (13.0, 20.0), 1.5);
    let under = format!("UE {} with EEC {}", run.ue().gpsi, run.ue().eec_id);
    drawing.text(
        "mid faint small",
        (last.clamp(160.0, WIDTH - 160.0), GROUND + 62.0),
        under,
    );
}

fn hexagon(x: f64, y: f64, half: f64) -> String {
    let (h, slope) = (44.0, half / 2.0);
    format!(
        "M {:.1} {y:.1} l {slope:.1} -{h} l {half:.1} 0 l {slope:.1} {h} l -{slope:.1} {h} l -{half:.1} 0 z",
        x - half
    )
}
