//! CAPIF_Auditing_API (TS 29.222 clause 8.8).

use crate::proof;
use axum::extract::State;
use edgeapp_capif::core_function::CoreFunction;
use edgeapp_core::{error::Error, operation};
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::Found,
    request::{Permit, QueryPairs},
};
use edgeapp_openapi::{
    capif::{
        auditing::{AuditQuery, InvocationLogsRetrieveRes},
        publish_service::{InterfaceDescription, Operation, Protocol},
    },
    common::DateTime,
    query::Parameters,
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation! { AuditInvocations = "logs:audit" }

/// The API of this core function.
pub fn api(core: Arc<CoreFunction>) -> Api {
    let routes = OpenApiRouter::new().routes(routes!(audit_invocations)).with_state(core);
    Api::new(
        "logs",
        "CAPIF_Auditing_API",
        "A management function looks at how the APIs of its domain were used (TS 29.222 clause 8.8).",
        routes,
    )
    .schema::<InterfaceDescription>()
    .schema::<Operation>()
    .schema::<Protocol>()
    .schema::<DateTime>()
}

/// The invocations that fit, at the exposing functions of the caller's domain. 404 when none does.
#[utoipa::path(get, path = "/apiInvocationLogs", operation_id = "ReadInvocationLogs",
    params(
        ("aef-id" = Option<String>, Query, description = "The exposing function."),
        ("api-invoker-id" = Option<String>, Query, description = "The API invoker."),
        ("time-range-start" = Option<DateTime>, Query, description = "From when."),
        ("time-range-end" = Option<DateTime>, Query, description = "Until when."),
        ("api-id" = Option<String>, Query, description = "The API."),
        ("api-name" = Option<String>, Query, description = "The name of the API."),
        ("api-version" = Option<String>, Query, description = "The version of the API."),
        ("protocol" = Option<Protocol>, Query, description = "The protocol."),
        ("operation" = Option<Operation>, Query, description = "The HTTP method."),
        ("result" = Option<String>, Query, description = "The status code."),
        ("resource-name" = Option<String>, Query, description = "The name of the resource."),
        ("src-interface" = Option<InterfaceDescription>, Query, description = "Where the invoker is."),
        ("dest-interface" = Option<InterfaceDescription>, Query, description = "Where the API is."),
        ("supported-features" = Option<String>, Query, description = "Features of this API that the caller knows.")),
    responses((status = 200, description = "The invocations.", body = InvocationLogsRetrieveRes), CommonProblems))]
async fn audit_invocations(
    State(core): State<Arc<CoreFunction>>,
    permit: Permit<AuditInvocations>,
    QueryPairs(pairs): QueryPairs,
) -> Result<Found<InvocationLogsRetrieveRes>, Problem> {
    let query = AuditQuery::parse(&Parameters::new(pairs)).map_err(Error::from)?;
    Ok(Found(core.audit(&proof(&permit), &query).await?))
}
