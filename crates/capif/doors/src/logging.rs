//! CAPIF_Logging_API_Invocation_API (TS 29.222 clause 8.7).

use crate::proof;
use axum::extract::State;
use edgeapp_capif::core_function::CoreFunction;
use edgeapp_core::operation;
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::Created,
    request::{Body, PathId, Permit, ResourceUri},
};
use edgeapp_openapi::capif::{FunctionId, logging::InvocationLog};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation! { LogInvocations = "api-invocation-logs:create" }

/// The API of this core function.
pub fn api(core: Arc<CoreFunction>) -> Api {
    let routes = OpenApiRouter::new().routes(routes!(log_invocations)).with_state(core);
    Api::new(
        "api-invocation-logs",
        "CAPIF_Logging_API_Invocation_API",
        "An exposing function tells how its APIs were used (TS 29.222 clause 8.7).",
        routes,
    )
}

/// Keeps a log of invocations.
#[utoipa::path(post, path = "/{aefId}/logs", operation_id = "CreateInvocationLog",
    params(("aefId" = String, Path, description = "The exposing function.")),
    request_body = InvocationLog,
    responses(
        (status = 201, description = "The log is kept.", body = InvocationLog,
            headers(("Location" = String, description = "The URI of the log."))),
        CommonProblems))]
async fn log_invocations(
    State(core): State<Arc<CoreFunction>>,
    permit: Permit<LogInvocations>,
    PathId(aef_id): PathId<FunctionId>,
    here: ResourceUri,
    Body(request): Body<InvocationLog>,
) -> Result<Created<InvocationLog>, Problem> {
    let (id, log) = core.keep_log(&proof(&permit), &aef_id, request).await?;
    Ok(Created::at(here.child(id), log))
}
