//! Eees_CommonEASAnnouncement over EDGE-9 (TS 29.558 clause 8.11): an EES tells which EAS serves a whole group of UEs.

use axum::extract::State;
use edgeapp_core::operation;
use edgeapp_ees_domain::common_eas::CommonEasAnnouncements;
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::NoContent,
    request::{Body, Permit},
};
use edgeapp_openapi::common_eas_announcement::CommonEasInfo;
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation!(DeclareCommonEas = "eees-cea:declare");

/// The API over these announcements, mounted under these names of other levels of the standard as well.
pub fn api(announcements: Arc<dyn CommonEasAnnouncements>, other_names: &[&'static str]) -> Api {
    let routes = OpenApiRouter::new()
        .routes(routes!(declare_common_eas))
        .with_state(announcements);
    Api::new(
        "eees-cea",
        "Eees_CommonEASAnnouncement",
        "Edge Enabler Servers tell each other which EAS serves a whole group of UEs (TS 29.558 clause 8.11).",
        routes,
    )
    .also_as(other_names)
}

/// Tells which EAS serves a group in common (TS 29.558 clause 5.14.2.2).
#[utoipa::path(post, path = "/declare", operation_id = "Declare", request_body = CommonEasInfo,
    responses(
        (status = 204, description = "Noted: EECs of the group that look for the application are led to this EAS."),
        CommonProblems))]
async fn declare_common_eas(
    State(announcements): State<Arc<dyn CommonEasAnnouncements>>,
    permit: Permit<DeclareCommonEas>,
    Body(common): Body<CommonEasInfo>,
) -> Result<NoContent, Problem> {
    announcements.declare(permit.principal(), common).await?;
    Ok(NoContent)
}
