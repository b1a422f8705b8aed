//! Eees_AppContextRelocation (TS 24.558 clause 6.5): relocation is asked for, or told. Served over EDGE-1 to EECs and over EDGE-3 to
//! EASs, which declare the target they decided (TS 29.558 clause 5.9).

use axum::extract::State;
use edgeapp_core::operation;
use edgeapp_ees_domain::acr::relocation::AppContextRelocation;
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::NoContent,
    request::{Body, Permit},
};
use edgeapp_openapi::app_context_relocation::{AcrDecReq, AcrDetermReq, AcrInitReq};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation!(
    DetermineAcr = "eees-appctxtreloc:determine",
    InitiateAcr = "eees-appctxtreloc:initiate",
    DeclareTarget = "eees-appctxtreloc:declare",
);

type Relocation = State<Arc<dyn AppContextRelocation>>;

/// The API over these relocations.
pub fn api(relocation: Arc<dyn AppContextRelocation>) -> Api {
    let routes = OpenApiRouter::new()
        .routes(routes!(determine_acr))
        .routes(routes!(initiate_acr))
        .routes(routes!(declare_target))
        .with_state(relocation);
    Api::new(
        "eees-appctxtreloc",
        "Eees_AppContextRelocation",
        "Relocation of application contexts: determine, initiate, declare (TS 24.558 clause 6.5).",
        routes,
    )
}

/// Asks the EES to decide whether a relocation is needed, and to execute it.
#[utoipa::path(post, path = "/determine", operation_id = "Determine", request_body = AcrDetermReq,
    responses((status = 204, description = "Taken; the outcome is told by notifications."), CommonProblems))]
async fn determine_acr(
    State(relocation): Relocation,
    permit: Permit<DetermineAcr>,
    Body(request): Body<AcrDetermReq>,
) -> Result<NoContent, Problem> {
    relocation.determine(permit.principal(), request).await?;
    Ok(NoContent)
}

/// Asks the EES to execute a relocation that the EEC decided.
#[utoipa::path(post, path = "/initiate", operation_id = "Initiate", request_body = AcrInitReq,
    responses((status = 204, description = "Taken; the outcome is told by notifications."), CommonProblems))]
async fn initiate_acr(
    State(relocation): Relocation,
    permit: Permit<InitiateAcr>,
    Body(request): Body<AcrInitReq>,
) -> Result<NoContent, Problem> {
    relocation.initiate(permit.principal(), request).await?;
    Ok(NoContent)
}

/// Tells the EES which target the S-EAS decided.
#[utoipa::path(post, path = "/declare", operation_id = "Declare", request_body = AcrDecReq,
    responses((status = 204, description = "Noted; the EEC is told."), CommonProblems))]
async fn declare_target(
    State(relocation): Relocation,
    permit: Permit<DeclareTarget>,
    Body(request): Body<AcrDecReq>,
) -> Result<NoContent, Problem> {
    relocation.declare(permit.principal(), request).await?;
    Ok(NoContent)
}
