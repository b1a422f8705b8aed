//! The message sequence: who asked whom what, in the order of time.

use super::svg::Drawing;
use crate::{
    milestone::{Milestone, Reply, milliseconds},
    record::{Message, Part, Seen},
    run::Run,
};
use std::time::Duration;

const FIRST: f64 = 208.0;
const STEP: f64 = 167.0;
const MARGIN: f64 = 77.0;
const ROW: f64 = 38.0;
const MARK: f64 = 22.0;
const TOP: f64 = 64.0;

fn column(part: Part) -> f64 {
    let at = Part::ALL.iter().position(|other| *other == part).unwrap_or_default();
    #[allow(clippy::cast_precision_loss, reason = "seven columns")]
    let at = at as f64;
    FIRST + at * STEP
}

/// Whose colour a message has: that of the site it goes to, or comes from.
fn site(message: &Message) -> &'static str {
    let of = |part| match part {
        Part::SEes | Part::SEas => Some("a"),
        Part::TEes | Part::TEas => Some("b"),
        Part::Ue | Part::Ecs | Part::Nef => None,
    };
    of(message.to).or_else(|| of(message.from)).unwrap_or("n")
}

/// Who takes part: the core network only where there is one.
fn parts(run: &Run) -> Vec<Part> {
    let there = |part: &Part| *part != Part::Nef || run.scenario.core.is_some();
    Part::ALL.into_iter().filter(there).collect()
}

fn width(run: &Run) -> f64 {
    parts(run).last().map_or(0.0, |last| column(*last)) + MARGIN
}

enum Row<'a> {
    Message(&'a Message),
    /// The first of the application's numbered requests to this server.
    Requests(Part, String),
    Mark(Milestone),
}

/// The servers in the order in which they answered the application: who, from when, until when.
fn servers(run: &Run) -> Vec<(Part, Duration, Duration)> {
    let crossing = run.crossing();
    let of = |part, instance: &str| {
        let by = |reply: &&Reply| reply.good.as_ref().is_some_and(|good| good.instance == instance);
        Some((
            part,
            run.replies.iter().find(by)?.sent,
            run.replies.iter().rfind(by)?.done,
        ))
    };
    let (source, target) = (&crossing.source.eas.instance, &crossing.target.eas.instance);
    [of(Part::SEas, source), of(Part::TEas, target)]
        .into_iter()
        .flatten()
        .collect()
}

/// Messages and milestones in the order of time; a milestone comes after the message that led to it.
fn rows(run: &Run) -> Vec<(Duration, Row<'_>)> {
    let mut rows: Vec<_> = run
        .messages
        .iter()
        .map(|message| (message.at, Row::Message(message)))
        .collect();
    for (part, from, _) in servers(run) {
        let text = match part {
            Part::SEas => format!("numbered requests, one every {} ms", run.ac().period_ms),
            _ => "numbered requests go on here".to_owned(),
        };
        rows.push((from, Row::Requests(part, text)));
    }
    rows.sort_by_key(|(at, _)| *at);
    for (milestone, at) in &run.milestones {
        let place = rows.iter().position(|(other, _)| other > at).unwrap_or(rows.len());
        rows.insert(place, (*at, Row::Mark(*milestone)));
    }
    rows
}

fn heads(drawing: &mut Drawing, run: &Run) {
    let crossing = run.crossing();
    for part in parts(run) {
        let x = column(part);
        let (class, below) = match part {
            Part::SEes => ("head-a", crossing.source.edn.ees.to_string()),
            Part::TEes => ("head-b", crossing.target.edn.ees.to_string()),
            Part::SEas => ("head-a", format!("game server {}", crossing.source.eas.instance)),
            Part::TEas => ("head-b", format!("game server {}", crossing.target.eas.instance)),
            Part::Ue => ("head-n", "the device".to_owned()),
            Part::Ecs => ("head-n", "the directory".to_owned()),
            Part::Nef => ("head-n", "the core network".to_owned()),
        };
        drawing.rect(class, (x - 74.0, 6.0), (148.0, 42.0), 8.0);
        drawing.text("on mid strong", (x, 24.0), part.name());
        drawing.text("on mid small", (x, 40.0), below);
    }
}

/// How far down the last row lies that is not after this time.
fn place(rows: &[(Duration, f64)], at: Duration) -> f64 {
    rows.iter().rfind(|(time, _)| *time <= at).map_or(TOP, |(_, y)| *y)
}

/// Draws the sequence.
pub(super) fn draw(run: &Run) -> String {
    let width = width(run);
    let mut drawing = Drawing::new(width);
    let rows = rows(run);
    let mut y = TOP;
    let mut places = Vec::new();
    for (at, row) in &rows {
        y += if matches!(row, Row::Mark(_)) { MARK } else { ROW };
        places.push((*at, y));
    }
    let bottom = y + 26.0;
    for part in parts(run) {
        drawing.line("lifeline", (column(part), 48.0), (column(part), bottom));
    }
    serving(&mut drawing, run, &places);
    heads(&mut drawing, run);
    for ((at, row), (_, y)) in rows.iter().zip(&places) {
        match row {
            Row::Message(message) => arrow(&mut drawing, run, message, *y),
            Row::Requests(part, text) => {
                drawing.text("end faint small", (126.0, y + 3.5), since_move(run, *at));
                let class = if *part == Part::SEas {
                    "arrow thick site-a"
                } else {
                    "arrow thick site-b"
                };
                drawing.arrow(class, (column(Part::Ue), column(*part)), *y);
                let middle = f64::midpoint(column(Part::Ue), column(*part));
                drawing.text("halo mid label", (middle, y - 5.0), text);
            }
            Row::Mark(milestone) => {
                if *milestone == Milestone::Move {
                    drawing.line("border", (8.0, *y), (width - 8.0, *y));
                    let text = "the device crosses the border between the sites";
                    drawing.text("halo mid strong", (width / 2.0 + 60.0, y + 4.0), text);
                }
                drawing.rect("chip", (4.0, y - 9.0), (122.0, 17.0), 8.0);
                drawing.text(
                    "chip-text",
                    (11.0, y + 3.5),
                    format!("{} {}", milestone.id(), milestone.name()),
                );
            }
        }
    }
    drawing.finish(bottom + 8.0, "Message sequence diagram")
}

fn arrow(drawing: &mut Drawing, run: &Run, message: &Message, y: f64) {
    let (from, to) = (column(message.from), column(message.to));
    let good = message.error.is_none();
    let class = match (good, message.seen) {
        (false, _) => "arrow bad".to_owned(),
        (true, Seen::AtAnEnd) => format!("arrow site-{}", site(message)),
        (true, Seen::InEffect) => format!("arrow effect site-{}", site(message)),
    };
    if message.seen == Seen::AtAnEnd {
        drawing.text("end faint small", (126.0, y + 3.5), since_move(run, message.at));
    }
    drawing.arrow(&class, (from, to), y);
    let middle = f64::midpoint(from, to);
    drawing.text("halo mid label", (middle, y - 5.0), &message.operation);
    let facts = match (message.seen, &message.error, message.status) {
        (Seen::InEffect, ..) => format!("{} · seen in its effect", message.point),
        (_, Some(error), _) => format!("{} · {}", message.point, error.chars().take(60).collect::<String>()),
        // Of what came to us, only the sender knows how long it waited.
        (_, None, Some(status)) if message.operation.starts_with("Notification") => {
            format!("{} · {status}", message.point)
        }
        (_, None, Some(status)) => format!("{} · {status} · {:.1} ms", message.point, milliseconds(message.took)),
        (_, None, None) => message.point.to_owned(),
    };
    drawing.text("halo mid faint tiny", (middle, y + 11.5), facts);
}

/// A time since the move; since the beginning when there was no move.
fn since_move(run: &Run, at: Duration) -> String {
    let start = run.milestones.get(&Milestone::Move).copied().unwrap_or_default();
    let since = milliseconds(at) - milliseconds(start);
    format!("{}{:.1} ms", if since < 0.0 { "−" } else { "+" }, since.abs())
}

/// Bars on the lifelines of the EASs while they answer the application.
fn serving(drawing: &mut Drawing, run: &Run, places: &[(Duration, f64)]) {
    for (part, from, until) in servers(run) {
        let class = if part == Part::SEas { "serve-a" } else { "serve-b" };
        let (from, until) = (place(places, from), place(places, until));
        drawing.rect(class, (column(part) - 5.0, from), (10.0, (until - from).max(8.0)), 4.0);
    }
}
