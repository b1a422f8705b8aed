//! Eees_ACRStatusUpdate over EDGE-3 (TS 29.558 clause 8.9): an EAS reports how the transfer of an application context went.

use axum::extract::State;
use edgeapp_core::operation;
use edgeapp_ees_domain::acr::status::AcrStatusUpdates;
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::FoundOrNone,
    request::{Body, Permit},
};
use edgeapp_openapi::acr_status_update::{AcrDataStatus, AcrUpdateData};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation!(RequestAcrUpdate = "eees-acrstatus-update:request");

/// The API over these reports.
pub fn api(updates: Arc<dyn AcrStatusUpdates>) -> Api {
    let routes = OpenApiRouter::new()
        .routes(routes!(request_acr_update))
        .with_state(updates);
    Api::new(
        "eees-acrstatus-update",
        "Eees_ACRStatusUpdate",
        "Reports of Edge Application Servers on transfers of application contexts (TS 29.558 clause 8.9).",
        routes,
    )
}

/// Takes the report of an EAS.
#[utoipa::path(post, path = "/request-acrupdate", operation_id = "RequestACRUpdate", request_body = AcrUpdateData,
    responses(
        (status = 200, description = "Taken; the state of the EDGE-3 subscriptions.", body = AcrDataStatus),
        (status = 204, description = "Taken."),
        CommonProblems))]
async fn request_acr_update(
    State(updates): State<Arc<dyn AcrStatusUpdates>>,
    permit: Permit<RequestAcrUpdate>,
    Body(update): Body<AcrUpdateData>,
) -> Result<FoundOrNone<AcrDataStatus>, Problem> {
    Ok(FoundOrNone(updates.update(permit.principal(), update).await?))
}
