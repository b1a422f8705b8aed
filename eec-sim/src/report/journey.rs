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
    for x in [144.0, 704.0] {
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

/// The cells along the way, and the device in the last.
fn cells(drawing: &mut Drawing, run: &Run) {
    let scenario = &run.scenario;
    let crossing = run.crossing();
    let stays = &run.ue().route;
    #[allow(clippy::cast_precision_loss, reason = "a handful of cells")]
    let middle = |index: usize| {
        let (before, after) = (crossing.stay as f64, (stays.len() - crossing.stay) as f64);
        if index < crossing.stay {
            20.0 + 520.0 * (index as f64 + 0.5) / before
        } else {
            580.0 + 520.0 * ((index - crossing.stay) as f64 + 0.5) / after
        }
    };
    for (index, stay) in stays.iter().enumerate() {
        let (x, letter) = (middle(index), if index < crossing.stay { "a" } else { "b" });
        drawing.path(&format!("cell-{letter}"), &hexagon(x, GROUND - 36.0));
        drawing.text("mid strong", (x, GROUND - 52.0), &stay.cell);
        if let Some(cell) = scenario.cell(&stay.cell) {
            drawing.text(
                "mid faint small",
                (x, GROUND - 37.0),
                format!("tracking area {}", cell.tai.tac),
            );
        }
        drawing.text(
            "mid faint small",
            (x, GROUND + 44.0),
            format!("{} ms here", stay.dwell_ms),
        );
    }
    let (first, last) = (middle(0), middle(stays.len() - 1));
    let road = GROUND - 14.0;
    drawing.line("road", (first, road), (last - 24.0, road));
    drawing.path("road head", &format!("M {:.1} {road:.1} l -9 -5 l 0 10 z", last - 16.0));
    for (index, stay) in stays.iter().enumerate() {
        drawing.circle("stop", (middle(index), road), 4.0, &stay.cell);
    }
    drawing.line("border", (560.0, 66.0), (560.0, GROUND + 30.0));
    drawing.text("halo mid small strong", (560.0, GROUND + 46.0), "border of the sites");
    drawing.rect("phone", (last - 9.0, road - 15.0), (18.0, 30.0), 4.0);
    drawing.rect("screen", (last - 6.5, road - 11.0), (13.0, 20.0), 1.5);
    let under = format!("UE {} with EEC {}", run.ue().gpsi, run.ue().eec_id);
    drawing.text("mid faint small", (last, GROUND + 62.0), under);
}

fn hexagon(x: f64, y: f64) -> String {
    let (w, h) = (88.0, 44.0);
    format!(
        "M {:.1} {y:.1} l 44 -{h} l {w} 0 l 44 {h} l -44 {h} l -{w} 0 z",
        x - 88.0
    )
}
