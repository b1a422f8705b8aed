//! The application's replies over time: which site answered, with which state, and where it had to wait.

use super::{svg::Drawing, timeline::step};
use crate::{
    milestone::{Milestone, Reply, milliseconds},
    run::Run,
};
use std::time::Duration;

const WIDTH: f64 = 1120.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 1104.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 236.0;
/// What is shown before the move and after the first reply of the new server, in milliseconds.
const AROUND: (f64, f64) = (260.0, 320.0);

struct Scale {
    time: (f64, f64),
    counter: (f64, f64),
}

impl Scale {
    fn x(&self, time: f64) -> f64 {
        LEFT + (time - self.time.0) / (self.time.1 - self.time.0).max(1.0) * (RIGHT - LEFT)
    }

    fn y(&self, counter: f64) -> f64 {
        BOTTOM - (counter - self.counter.0) / (self.counter.1 - self.counter.0).max(1.0) * (BOTTOM - TOP)
    }
}

#[allow(clippy::cast_precision_loss, reason = "counters of a run are far below 2^52")]
fn counter(reply: &Reply) -> Option<f64> {
    reply.good.as_ref().map(|good| good.counter as f64)
}

/// Draws the replies around the move; nothing when there was no move or no reply.
pub(super) fn draw(run: &Run) -> Option<String> {
    let start = milliseconds(*run.milestones.get(&Milestone::Move)?);
    let since = |time| milliseconds(time) - start;
    let switched = run
        .milestones
        .get(&Milestone::FirstTReply)
        .map_or(400.0, |at| since(*at));
    let time = (-AROUND.0, switched + AROUND.1);
    let shown: Vec<_> = run
        .replies
        .iter()
        .filter(|reply| (time.0..=time.1).contains(&since(reply.done)))
        .collect();
    let counters: Vec<_> = shown.iter().filter_map(|reply| counter(reply)).collect();
    let low = counters.iter().copied().reduce(f64::min)?;
    let high = counters.iter().copied().reduce(f64::max)?;
    let scale = Scale {
        time,
        counter: (low - 1.0, high + 1.0),
    };
    let mut drawing = Drawing::new(WIDTH);
    axes(&mut drawing, &scale);
    if let Some((from, to)) = switch(run) {
        let (from, to) = (since(from), since(to));
        drawing.rect(
            "silence",
            (scale.x(from), TOP),
            (scale.x(to) - scale.x(from), BOTTOM - TOP),
            0.0,
        );
        let text = format!("{:.1} ms between the two answers at the switch", to - from);
        drawing.text("halo small", (scale.x(to) + 6.0, BOTTOM - 10.0), text);
    }
    let marks = [
        (
            Milestone::Move,
            "halo end small strong",
            -6.0,
            "leaves the old site's area",
        ),
        (
            Milestone::FirstTReply,
            "halo small strong",
            6.0,
            "served by the new site",
        ),
    ];
    for (milestone, class, aside, text) in marks {
        if let Some(at) = run.milestones.get(&milestone) {
            let x = scale.x(since(*at));
            drawing.line("border", (x, TOP - 6.0), (x, BOTTOM));
            drawing.text(class, (x + aside, TOP - 12.0), format!("{} {text}", milestone.id()));
        }
    }
    let target = &run.crossing().target.eas.instance;
    for reply in shown {
        let x = scale.x(since(reply.done));
        match (counter(reply), &reply.good) {
            (Some(counter), Some(good)) => {
                let class = if good.instance == *target { "dot-b" } else { "dot-a" };
                let title = format!(
                    "request {}: server {}, state {}, answered in {:.1} ms",
                    reply.number,
                    good.instance,
                    good.counter,
                    milliseconds(reply.done.saturating_sub(reply.sent))
                );
                drawing.circle(class, (x, scale.y(counter)), 4.5, &title);
            }
            _ => drawing.text("bad mid strong", (x, BOTTOM - 4.0), "✗"),
        }
    }
    Some(drawing.finish(BOTTOM + 40.0, "Replies of the application over time"))
}

/// The last answer of the old server and the first of the new one.
fn switch(run: &Run) -> Option<(Duration, Duration)> {
    let good: Vec<_> = run
        .replies
        .iter()
        .filter_map(|reply| Some((reply.done, &reply.good.as_ref()?.instance)))
        .collect();
    let pair = good.windows(2).find(|pair| pair[0].1 != pair[1].1)?;
    Some((pair[0].0, pair[1].0))
}

fn axes(drawing: &mut Drawing, scale: &Scale) {
    let step_of = step(scale.time.1 - scale.time.0) / 2.0;
    let mut at = (scale.time.0 / step_of).ceil() * step_of;
    while at <= scale.time.1 {
        drawing.line("grid", (scale.x(at), TOP), (scale.x(at), BOTTOM));
        drawing.text("mid faint small", (scale.x(at), BOTTOM + 16.0), format!("{at:.0} ms"));
        at += step_of;
    }
    let step_of = step(scale.counter.1 - scale.counter.0).max(1.0);
    let mut at = (scale.counter.0 / step_of).ceil() * step_of;
    while at <= scale.counter.1 {
        drawing.line("grid", (LEFT, scale.y(at)), (RIGHT, scale.y(at)));
        drawing.text("end faint small", (LEFT - 8.0, scale.y(at) + 3.5), format!("{at:.0}"));
        at += step_of;
    }
    drawing.text("faint small", (6.0, TOP - 12.0), "state counter");
    drawing.text(
        "mid faint small",
        (f64::midpoint(LEFT, RIGHT), BOTTOM + 34.0),
        "time since the device crossed the border",
    );
}
