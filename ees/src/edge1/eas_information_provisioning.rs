//! Eees_EASInformationProvisioning over EDGE-1 (TS 24.558 clause 6.6): an EEC tells what it selected, and asks the EES to select.

use axum::extract::State;
use edgeapp_core::operation;
use edgeapp_ees_domain::eas_information::EasInformation;
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::FoundOrNone,
    request::{Body, Permit},
};
use edgeapp_openapi::eas_information_provisioning::{EasInfoProvReq, EasInfoProvResp};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation!(DeclareEasInformation = "eees-easinfoprov:declare");

/// The API over this information.
pub fn api(information: Arc<dyn EasInformation>) -> Api {
    let routes = OpenApiRouter::new()
        .routes(routes!(declare_eas_information))
        .with_state(information);
    Api::new(
        "eees-easinfoprov",
        "Eees_EASInformationProvisioning",
        "An EEC tells which EASs and relocation scenarios it selected, and asks the EES to select (TS 24.558 clause 6.6).",
        routes,
    )
}

/// Tells what the EEC selected, or asks the EES to select.
#[utoipa::path(post, path = "/declare", operation_id = "declare", request_body = EasInfoProvReq,
    responses(
        (status = 200, description = "Noted; what the EES selected, or what else there is to know.", body = EasInfoProvResp),
        (status = 204, description = "Noted."),
        CommonProblems))]
async fn declare_eas_information(
    State(information): State<Arc<dyn EasInformation>>,
    permit: Permit<DeclareEasInformation>,
    Body(request): Body<EasInfoProvReq>,
) -> Result<FoundOrNone<EasInfoProvResp>, Problem> {
    Ok(FoundOrNone(information.declare(permit.principal(), request).await?))
}
