//! The milestones on a scale of time, each with a line from the one before it.

use super::svg::Drawing;
use crate::{
    milestone::{Milestone, between},
    run::Run,
};

const WIDTH: f64 = 1120.0;
const LEFT: f64 = 150.0;
const RIGHT: f64 = 570.0;
const ROW: f64 = 25.0;
const TOP: f64 = 34.0;

/// A step of a scale that gives about six lines.
pub(super) fn step(span: f64) -> f64 {
    let rough = (span / 6.0).max(0.1);
    let power = 10_f64.powf(rough.log10().floor());
    let factor = rough / power;
    power
        * if factor < 1.5 {
            1.0
        } else if factor < 3.5 {
            2.0
        } else if factor < 7.5 {
            5.0
        } else {
            10.0
        }
}

/// Draws the timeline; nothing when the UE never moved.
pub(super) fn draw(run: &Run) -> Option<String> {
    let mut reached: Vec<_> = run
        .milestones
        .keys()
        .filter_map(|milestone| Some((between(&run.milestones, Milestone::Move, *milestone)?, *milestone)))
        .collect();
    reached.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let (first, last) = (reached.first()?.0.min(0.0), reached.last()?.0);
    let scale = |time: f64| LEFT + (time - first) / (last - first).max(1.0) * (RIGHT - LEFT);
    #[allow(clippy::cast_precision_loss, reason = "at most seventeen milestones")]
    let bottom = TOP + ROW * reached.len() as f64;
    let mut drawing = Drawing::new(WIDTH);
    let step = step(last - first);
    let mut at = (first / step).ceil() * step;
    while at <= last + step / 1e3 {
        drawing.line("grid", (scale(at), TOP - 8.0), (scale(at), bottom));
        drawing.text("mid faint small", (scale(at), TOP - 14.0), format!("{at:.0} ms"));
        at += step;
    }
    let mut before = scale(first);
    let mut y = TOP + ROW / 2.0;
    for (time, milestone) in reached {
        let x = scale(time);
        drawing.rect("chip", (8.0, y - 9.0), (124.0, 18.0), 9.0);
        drawing.text(
            "chip-text",
            (16.0, y + 3.5),
            format!("{:<4}{}", milestone.id(), milestone.name()),
        );
        drawing.line("since", (before.min(x), y), (x, y));
        let class = match milestone {
            Milestone::FirstTReply | Milestone::ActDone => "dot-b",
            Milestone::LastSReply | Milestone::Move => "dot-a",
            Milestone::Cleaned => "dot-good",
            _ => "dot-n",
        };
        drawing.circle(class, (x, y), 5.0, milestone.plain());
        drawing.text("strong small end", (RIGHT + 92.0, y + 3.5), format!("{time:.1} ms"));
        drawing.text("small", (RIGHT + 106.0, y + 3.5), milestone.plain());
        before = x;
        y += ROW;
    }
    Some(drawing.finish(bottom + 10.0, "Milestones of the relocation over time"))
}

#[cfg(test)]
mod tests {
    use super::step;

    #[test]
    fn scales_have_round_steps() {
        for (span, expected) in [(60.0, 10.0), (104.0, 20.0), (1000.0, 200.0), (250.0, 50.0)] {
            assert!((step(span) - expected).abs() < 1e-9, "{span}: {}", step(span));
        }
    }
}
