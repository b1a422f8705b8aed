//! The operator's port: health, readiness, metrics, version. Its own listener with its own trust: only the role operator gets in.

use crate::problem::Problem;
use async_trait::async_trait;
use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use edgeapp_core::error::Cause;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use serde::Serialize;
use std::{sync::Arc, time::Duration};

/// One thing that a server needs in order to serve.
#[derive(Clone, Debug, Serialize)]
pub struct Need {
    /// What it is, such as `store` or `ecs`.
    pub name: &'static str,
    /// Whether it is there.
    pub ready: bool,
    /// What is wrong when it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What a server can say about its own readiness.
#[async_trait]
pub trait Readiness: Send + Sync + 'static {
    /// Looks at everything that is needed.
    async fn needs(&self) -> Vec<Need>;
}

/// Name and version of the program.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Version {
    /// `ees` or `ecs`.
    pub server: &'static str,
    /// The version of the release.
    pub version: &'static str,
}

/// Installs the recorder of metrics for this process. Call once, before anything is served.
///
/// # Errors
/// When another recorder is installed already.
pub fn install_metrics() -> Result<PrometheusHandle, String> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(
            Matcher::Full("edgeapp_request_seconds".to_owned()),
            &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0],
        )
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| error.to_string())
}

struct Operator {
    readiness: Arc<dyn Readiness>,
    metrics: PrometheusHandle,
    version: Version,
}

/// How often recorded values are condensed; nobody may come to scrape them.
const UPKEEP: Duration = Duration::from_secs(5);

/// The routes of the operator's port. Inside a runtime it also sees to it that metrics nobody scrapes do not pile up.
pub fn router(readiness: Arc<dyn Readiness>, metrics: PrometheusHandle, version: Version) -> Router {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(condense(metrics.clone()));
    }
    Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(scrape))
        .route("/version", get(show_version))
        .with_state(Arc::new(Operator {
            readiness,
            metrics,
            version,
        }))
}

async fn condense(metrics: PrometheusHandle) {
    let mut ticks = tokio::time::interval(UPKEEP);
    loop {
        ticks.tick().await;
        metrics.run_upkeep();
    }
}

async fn health() -> Json<serde_json::Value> {
    Json(serde_json::json!({"status": "up"}))
}

async fn ready(State(operator): State<Arc<Operator>>) -> Response {
    let needs = operator.readiness.needs().await;
    let ready = needs.iter().all(|need| need.ready);
    let body = Json(serde_json::json!({"ready": ready, "needs": needs}));
    if ready {
        return body.into_response();
    }
    let missing: Vec<String> = needs
        .iter()
        .filter(|need| !need.ready)
        .map(|need| format!("{}: {}", need.name, need.detail.as_deref().unwrap_or("not there")))
        .collect();
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        Cause::InsufficientResources,
        missing.join("; "),
    )
    .into_response()
}

async fn scrape(State(operator): State<Arc<Operator>>) -> String {
    operator.metrics.run_upkeep();
    operator.metrics.render()
}

async fn show_version(State(operator): State<Arc<Operator>>) -> Json<Version> {
    Json(operator.version)
}
