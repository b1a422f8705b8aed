//! The cells that follow from a way through points: the nearest one, with a little reluctance to change.

use super::{Cell, Stay};
use serde::Deserialize;

/// A point on a way, in metres.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waypoint {
    /// To the east.
    pub x: f64,
    /// To the north.
    pub y: f64,
    /// How long it stays there, in milliseconds.
    #[serde(default)]
    pub stay_ms: u64,
}

/// How often the cell is looked at, in milliseconds.
const STEP_MS: u64 = 50;
/// How much nearer another cell has to be, as a part of the distance to the present one.
const RELUCTANCE: f64 = 0.9;

fn distance(cell: &Cell, (x, y): (f64, f64)) -> f64 {
    cell.at.map_or(f64::INFINITY, |[cx, cy]| (cx - x).hypot(cy - y))
}

/// The cell of somebody at a point who was in `present`.
fn cell_at<'a>(cells: &'a [Cell], at: (f64, f64), present: Option<&'a Cell>) -> Option<&'a Cell> {
    let nearest = cells
        .iter()
        .min_by(|a, b| distance(a, at).total_cmp(&distance(b, at)))
        .filter(|cell| cell.at.is_some())?;
    match present {
        Some(present) if distance(nearest, at) >= RELUCTANCE * distance(present, at) => Some(present),
        _ => Some(nearest),
    }
}

/// The stays on a way through these points at this speed, in metres per second.
pub(super) fn stays(points: &[Waypoint], speed: f64, cells: &[Cell]) -> Vec<Stay> {
    let mut stays: Vec<Stay> = Vec::new();
    let mut present = None;
    let mut pass = |at: (f64, f64), ms: u64| {
        let Some(cell) = cell_at(cells, at, present) else {
            return;
        };
        present = Some(cell);
        match stays.last_mut() {
            Some(last) if last.cell == cell.name => last.dwell_ms += ms,
            _ => stays.push(Stay {
                cell: cell.name.clone(),
                dwell_ms: ms,
            }),
        }
    };
    for (n, point) in points.iter().enumerate() {
        pass((point.x, point.y), point.stay_ms);
        let Some(next) = points.get(n + 1) else { continue };
        let length = (next.x - point.x).hypot(next.y - point.y);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "minutes in milliseconds"
        )]
        let steps = (length / speed * 1000.0 / STEP_MS as f64).ceil().max(1.0) as u32;
        for step in 1..=steps {
            let part = f64::from(step) / f64::from(steps);
            let at = (point.x + (next.x - point.x) * part, point.y + (next.y - point.y) * part);
            pass(at, STEP_MS);
        }
    }
    stays
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(name: &str, x: f64) -> Cell {
        let cell = format!(
            "name = {name:?}\nnr_cell_id = \"000000a01\"\ntai = {{ mcc = \"001\", mnc = \"01\", tac = \"000001\" }}\nat = [{x:?}, 0.0]"
        );
        toml::from_str(&cell).unwrap()
    }

    fn point(x: f64) -> Waypoint {
        Waypoint { x, y: 0.0, stay_ms: 0 }
    }

    #[test]
    fn the_nearest_cell_serves_with_some_reluctance() {
        let cells = [cell("west", 0.0), cell("east", 100.0)];
        let way = stays(&[point(0.0), point(100.0)], 10.0, &cells);
        let names: Vec<_> = way.iter().map(|stay| stay.cell.as_str()).collect();
        assert_eq!(names, ["west", "east"]);
        assert!(way[0].dwell_ms > 5000, "not in the middle: {way:?}");
        assert_eq!(way.iter().map(|stay| stay.dwell_ms).sum::<u64>(), 10_000);
        // Around the middle the UE stays where it is, whichever side it came from.
        let way = stays(&[point(49.0), point(51.0), point(49.0), point(51.0)], 10.0, &cells);
        assert_eq!(way.len(), 1);
    }
}
