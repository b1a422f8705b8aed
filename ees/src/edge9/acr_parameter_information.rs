//! Eees_ACRParameterInformation over EDGE-9 (TS 29.558 clause 8.10): an EES tells another of the prediction that a relocation rests on.

use axum::extract::State;
use edgeapp_core::operation;
use edgeapp_ees_domain::acr::plan::AcrParameterInformation;
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::NoContent,
    request::{Body, Permit},
};
use edgeapp_openapi::acr_parameter_information::AcrParamsInfo;
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation!(SendAcrParamsInfo = "eees-acr-param:send");

type Relocations = State<Arc<dyn AcrParameterInformation>>;

/// The API over these relocations.
pub fn api(relocations: Arc<dyn AcrParameterInformation>) -> Api {
    let routes = OpenApiRouter::new()
        .routes(routes!(send_acr_params_info))
        .with_state(relocations);
    Api::new(
        "eees-acr-param",
        "Eees_ACRParameterInformation",
        "Parameters of planned relocations between Edge Enabler Servers (TS 29.558 clause 8.10).",
        routes,
    )
}

/// Takes note of until when a UE is expected where its relocation was planned to, and tells the EAS of the pair that is registered here.
#[utoipa::path(post, path = "/send-acrparamsinfo", operation_id = "Request", request_body = AcrParamsInfo,
    responses((status = 204, description = "Taken note of."), CommonProblems))]
async fn send_acr_params_info(
    State(relocations): Relocations,
    permit: Permit<SendAcrParamsInfo>,
    Body(info): Body<AcrParamsInfo>,
) -> Result<NoContent, Problem> {
    relocations.take_note(permit.principal(), info).await?;
    Ok(NoContent)
}
