//! What is counted of requests: how many per operation and outcome, and how long they took.

use axum::http::StatusCode;
use edgeapp_core::authorizer::ReferencePoint;
use metrics::{Counter, Histogram};
use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
    time::Instant,
};

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It got what it asked for.
    Served,
    /// The caller has to change something.
    Refused,
    /// The server could not do it.
    Failed,
}

impl Outcome {
    pub(crate) fn of(status: StatusCode) -> Self {
        match status.as_u16() {
            0..400 => Self::Served,
            400..500 => Self::Refused,
            _ => Self::Failed,
        }
    }
}

/// The counters of one operation.
struct Meter {
    served: Counter,
    refused: Counter,
    failed: Counter,
    seconds: Histogram,
}

impl Meter {
    fn new(point: ReferencePoint, operation: &'static str) -> Self {
        let point = point.as_str();
        let requests = |outcome: &'static str| metrics::counter!("edgeapp_requests_total", "point" => point, "operation" => operation, "outcome" => outcome);
        Self {
            served: requests("served"),
            refused: requests("refused"),
            failed: requests("failed"),
            seconds: metrics::histogram!("edgeapp_request_seconds", "point" => point, "operation" => operation),
        }
    }

    fn count(&self, outcome: Outcome, began: Instant) {
        match outcome {
            Outcome::Served => self.served.increment(1),
            Outcome::Refused => self.refused.increment(1),
            Outcome::Failed => self.failed.increment(1),
        }
        self.seconds.record(began.elapsed().as_secs_f64());
    }
}

/// The meters of a reference point. Each is looked up in the recorder at the first request of its operation and kept: the lookup
/// costs more than a short request. The recorder has to be installed before that.
pub(crate) struct Meters {
    point: ReferencePoint,
    by_operation: RwLock<HashMap<&'static str, Meter>>,
}

impl Meters {
    /// Of this reference point, nothing counted yet.
    pub(crate) fn of(point: ReferencePoint) -> Self {
        Self {
            point,
            by_operation: RwLock::default(),
        }
    }

    /// Counts a request that began at this instant and has just been answered.
    pub(crate) fn count(&self, operation: &'static str, outcome: Outcome, began: Instant) {
        if let Some(meter) = self
            .by_operation
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(operation)
        {
            return meter.count(outcome, began);
        }
        let mut meters = self.by_operation.write().unwrap_or_else(PoisonError::into_inner);
        let meter = meters
            .entry(operation)
            .or_insert_with(|| Meter::new(self.point, operation));
        meter.count(outcome, began);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use metrics_exporter_prometheus::PrometheusBuilder;

    #[test]
    fn requests_are_counted_by_operation_and_outcome() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let meters = Meters::of(ReferencePoint::Edge1);
        metrics::with_local_recorder(&recorder, || {
            for status in [200, 201, 404, 503] {
                let outcome = Outcome::of(StatusCode::from_u16(status).expect("a status"));
                meters.count("eees-easdiscovery:request", outcome, Instant::now());
            }
        });
        let text = recorder.handle().render();
        for (outcome, count) in [("served", 2), ("refused", 1), ("failed", 1)] {
            let line = format!(
                "edgeapp_requests_total{{point=\"edge1\",operation=\"eees-easdiscovery:request\",outcome=\"{outcome}\"}} {count}"
            );
            assert!(text.contains(&line), "{line} is not in\n{text}");
        }
        assert!(
            text.contains("edgeapp_request_seconds_count{point=\"edge1\",operation=\"eees-easdiscovery:request\"} 4"),
            "{text}"
        );
    }
}
