//! Values of many relocations: percentiles, and what two collections of them differ in.

use crate::milestone::Derived;
use serde::Serialize;

/// Percentiles of a value, by nearest rank: each is a value that was measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quantiles {
    /// How many were measured.
    pub count: usize,
    /// Half are not above it.
    pub p50: f64,
    /// 95 of 100 are not above it.
    pub p95: f64,
    /// 99 of 100 are not above it.
    pub p99: f64,
    /// The largest.
    pub max: f64,
}

impl Quantiles {
    /// Of these values; `None` of none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let max = *values.last()?;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rank among what is in memory"
        )]
        let rank = |part: f64| values[((part * values.len() as f64).ceil() as usize).clamp(1, values.len()) - 1];
        Some(Self {
            count: values.len(),
            p50: rank(0.50),
            p95: rank(0.95),
            p99: rank(0.99),
            max,
        })
    }
}

/// A value of a relocation: its name, and how to find it.
pub type NamedValue = (&'static str, fn(&Derived) -> Option<f64>);

/// The values of a relocation that are compared: name, and how to find it. All are times in milliseconds but the last, a number.
pub const VALUES: [NamedValue; 8] = [
    ("detection", |derived| derived.detection_ms),
    ("decision", |derived| derived.decision_ms),
    ("discovery", |derived| derived.discovery_ms),
    ("signalling", |derived| derived.signalling_ms),
    ("transfer", |derived| derived.transfer_ms),
    ("completion", |derived| derived.completion_ms),
    ("interruption", |derived| derived.interruption_ms),
    ("lost requests", |derived| {
        #[allow(clippy::cast_precision_loss, reason = "requests of a run are far fewer than 2^52")]
        let lost = derived.lost_requests as f64;
        Some(lost)
    }),
];

/// The percentiles of every value that was measured.
pub fn quantiles<'a>(derived: impl IntoIterator<Item = &'a Derived> + Clone) -> Vec<(&'static str, Quantiles)> {
    let of = |find: fn(&Derived) -> Option<f64>| Quantiles::of(derived.clone().into_iter().filter_map(find));
    VALUES
        .into_iter()
        .filter_map(|(name, find)| Some((name, of(find)?)))
        .collect()
}

/// Lines of a table for people.
pub fn table(quantiles: &[(&'static str, Quantiles)]) -> Vec<String> {
    let mut lines = vec![format!(
        "{:<16}{:>8}{:>12}{:>12}{:>12}{:>12}",
        "", "count", "p50", "p95", "p99", "max"
    )];
    for (name, of) in quantiles {
        let unit = if *name == "lost requests" { "" } else { " ms" };
        let shown = |value: f64| format!("{value:.1}{unit}");
        lines.push(format!(
            "{name:<16}{:>8}{:>12}{:>12}{:>12}{:>12}",
            of.count,
            shown(of.p50),
            shown(of.p95),
            shown(of.p99),
            shown(of.max)
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranks_are_values_that_were_measured() {
        let of = Quantiles::of((1..=100).map(f64::from)).unwrap();
        assert_eq!(
            (of.count, of.p50, of.p95, of.p99, of.max),
            (100, 50.0, 95.0, 99.0, 100.0)
        );
        assert_eq!(Quantiles::of([7.0]).unwrap().p99, 7.0);
        assert_eq!(Quantiles::of([]), None);
    }

    proptest! {
        #[test]
        fn percentiles_do_not_fall(values in prop::collection::vec(-1e6..1e6_f64, 1..200)) {
            let of = Quantiles::of(values.clone()).unwrap();
            prop_assert!(of.p50 <= of.p95 && of.p95 <= of.p99 && of.p99 <= of.max);
            for part in [of.p50, of.p95, of.p99, of.max] {
                prop_assert!(values.contains(&part));
            }
        }
    }

    #[test]
    fn the_table_names_what_was_measured() {
        let derived = Derived {
            transfer_ms: Some(3.0),
            ..Derived::default()
        };
        let lines = table(&quantiles([&derived]));
        assert!(
            lines[1].starts_with("transfer") && lines[1].contains("3.0 ms"),
            "{lines:?}"
        );
        assert_eq!(lines.len(), 3);
    }
}
