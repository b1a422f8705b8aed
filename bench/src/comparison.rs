//! Rates, ratios, medians and percentiles, as a table and as JSON.

use crate::{Report, load};
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use std::{fmt::Write, time::Duration};

/// One round of one side.
pub(crate) struct Round {
    /// What the load saw.
    pub(crate) load: load::Round,
    /// CPU time that the server used meanwhile, where the system tells.
    pub(crate) cpu: Option<Duration>,
}

impl Round {
    /// Requests per second.
    pub(crate) fn rate(&self) -> f64 {
        as_f64(self.load.requests) / self.load.took.as_secs_f64()
    }

    /// CPU time per request in microseconds.
    pub(crate) fn cpu_per_request(&self) -> Option<f64> {
        let requests = as_f64(self.load.requests);
        self.cpu
            .filter(|_| requests > 0.0)
            .map(|cpu| cpu.as_secs_f64() * 1e6 / requests)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "requests of one round are far fewer than 2^52"
)]
fn as_f64(count: u64) -> f64 {
    count as f64
}

/// An alternation: a round of the EES and one of the reference.
pub(crate) struct Alternation {
    /// The EES.
    pub(crate) ees: Round,
    /// The reference.
    pub(crate) reference: Round,
}

impl Alternation {
    /// Which part of the reference's rate the EES reaches.
    pub(crate) fn ratio(&self) -> f64 {
        self.ees.rate() / self.reference.rate()
    }
}

/// A measurement with all its alternations.
pub(crate) struct Comparison {
    /// What was measured.
    pub(crate) title: String,
    /// What the reference is called.
    pub(crate) reference: &'static str,
    /// The alternations, at least one.
    pub(crate) alternations: Vec<Alternation>,
}

/// The one in the middle, or between the two in the middle; not a number without any.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// p50, p95 and p99 in milliseconds.
fn percentiles<'a>(rounds: impl IntoIterator<Item = &'a Round>) -> [f64; 3] {
    let mut all: Option<Histogram<u64>> = None;
    for round in rounds {
        match &mut all {
            None => all = Some(round.load.latencies.clone()),
            // All have the same bounds: nothing can be out of range.
            Some(all) => all.add(&round.load.latencies).unwrap_or_default(),
        }
    }
    let at = |quantile| {
        all.as_ref()
            .map_or(f64::NAN, |all| as_f64(all.value_at_quantile(quantile)) / 1000.0)
    };
    [at(0.50), at(0.95), at(0.99)]
}

impl Comparison {
    fn median_of(&self, value: impl Fn(&Alternation) -> f64) -> f64 {
        median(self.alternations.iter().map(value))
    }

    fn cpu(&self, side: impl Fn(&Alternation) -> &Round) -> Option<f64> {
        let known: Option<Vec<f64>> = self
            .alternations
            .iter()
            .map(|both| side(both).cpu_per_request())
            .collect();
        known.map(median)
    }

    /// The ratio that counts: the median over the alternations.
    pub(crate) fn ratio(&self) -> f64 {
        self.median_of(Alternation::ratio)
    }

    /// Both forms of the result.
    pub(crate) fn report(&self) -> Report {
        Report {
            table: self.table(),
            json: self.json(),
        }
    }

    fn table(&self) -> String {
        let mut text = format!("{}\n\n", self.title);
        let name = self.reference;
        let _ = writeln!(
            text,
            "{:>3} {:>12} {:>12} {:>7} {:>12} {:>12}",
            "",
            "EES /s",
            format!("{name} /s"),
            "ratio",
            "EES us",
            format!("{name} us")
        );
        let mut line = |head: &str, ees: f64, reference: f64, ratio: f64, cpu: [Option<f64>; 2]| {
            let [ees_cpu, reference_cpu] = cpu.map(|cpu| cpu.map_or_else(|| "-".to_owned(), |cpu| format!("{cpu:.1}")));
            let _ = writeln!(
                text,
                "{head:>3} {ees:>12.0} {reference:>12.0} {ratio:>7.3} {ees_cpu:>12} {reference_cpu:>12}"
            );
        };
        for (number, both) in self.alternations.iter().enumerate() {
            let cpu = [both.ees.cpu_per_request(), both.reference.cpu_per_request()];
            line(
                &(number + 1).to_string(),
                both.ees.rate(),
                both.reference.rate(),
                both.ratio(),
                cpu,
            );
        }
        let cpu = [self.cpu(|both| &both.ees), self.cpu(|both| &both.reference)];
        let rates = [
            self.median_of(|both| both.ees.rate()),
            self.median_of(|both| both.reference.rate()),
        ];
        line("med", rates[0], rates[1], self.ratio(), cpu);
        let _ = writeln!(
            text,
            "\n(us: CPU time of the server per request; med: median of each column)\n"
        );
        for (name, latency) in self.latencies() {
            let [p50, p95, p99] = latency;
            let _ = writeln!(
                text,
                "{name:>8} latency  p50 {p50:.2} ms  p95 {p95:.2} ms  p99 {p99:.2} ms"
            );
        }
        text
    }

    fn latencies(&self) -> [(&str, [f64; 3]); 2] {
        [
            ("EES", percentiles(self.alternations.iter().map(|both| &both.ees))),
            (
                self.reference,
                percentiles(self.alternations.iter().map(|both| &both.reference)),
            ),
        ]
    }

    fn json(&self) -> Value {
        let [(_, ees), (_, reference)] = self.latencies();
        let latency = |[p50, p95, p99]: [f64; 3]| json!({"p50Ms": p50, "p95Ms": p95, "p99Ms": p99});
        let alternations: Vec<Value> = self
            .alternations
            .iter()
            .map(|both| json!({"eesRate": both.ees.rate(), "referenceRate": both.reference.rate(), "ratio": both.ratio()}))
            .collect();
        json!({
            "title": self.title,
            "reference": self.reference,
            "ratio": self.ratio(),
            "eesRate": self.median_of(|both| both.ees.rate()),
            "referenceRate": self.median_of(|both| both.reference.rate()),
            "eesCpuMicros": self.cpu(|both| &both.ees),
            "referenceCpuMicros": self.cpu(|both| &both.reference),
            "eesLatency": latency(ees),
            "referenceLatency": latency(reference),
            "alternations": alternations,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(requests: u64, cpu_ms: u64) -> Round {
        let mut latencies = load::latencies().unwrap();
        for n in 1..=requests {
            latencies.saturating_record(n * 10);
        }
        let load = load::Round {
            requests,
            took: Duration::from_secs(2),
            latencies,
        };
        Round {
            load,
            cpu: Some(Duration::from_millis(cpu_ms)),
        }
    }

    fn comparison(rates: &[(u64, u64)]) -> Comparison {
        let both = |(ees, reference): &(u64, u64)| Alternation {
            ees: round(*ees, 200),
            reference: round(*reference, 100),
        };
        Comparison {
            title: "a title".to_owned(),
            reference: "bare",
            alternations: rates.iter().map(both).collect(),
        }
    }

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median([4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!(median([]).is_nan());
    }

    #[test]
    fn percentiles_cover_all_rounds() {
        let [p50, p95, p99] = percentiles([&round(1000, 1), &round(1000, 1)]);
        for (has, wanted) in [(p50, 5.0), (p95, 9.5), (p99, 9.9)] {
            assert!((has - wanted).abs() / wanted < 0.02, "{has} instead of {wanted}");
        }
    }

    #[test]
    fn the_ratio_is_the_median_of_the_ratios_and_not_the_ratio_of_the_medians() {
        let comparison = comparison(&[(800, 1000), (900, 1000), (300, 1000)]);
        assert!((comparison.ratio() - 0.8).abs() < 1e-9);
        assert_eq!(comparison.json()["ratio"].as_f64(), Some(0.8));
        assert_eq!(comparison.json()["alternations"].as_array().map(Vec::len), Some(3));
    }

    #[test]
    fn the_table_has_a_line_for_each_alternation_and_the_median() {
        let table = comparison(&[(800, 1000), (900, 1000)]).table();
        assert!(
            table.contains("  1          400          500   0.800        250.0        100.0"),
            "{table}"
        );
        assert!(
            table.contains("med          425          500   0.850        236.1        100.0"),
            "{table}"
        );
        assert!(table.contains("bare latency"), "{table}");
    }

    #[test]
    fn without_proc_there_is_no_cpu_time() {
        let mut comparison = comparison(&[(800, 1000)]);
        comparison.alternations[0].ees.cpu = None;
        assert!(comparison.table().contains("-        100.0"));
        assert!(comparison.json()["eesCpuMicros"].is_null());
    }
}
