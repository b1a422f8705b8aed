//! CAPIF_Routing_Info_API (TS 29.222 clause 8.10).

use crate::proof;
use axum::extract::State;
use edgeapp_capif::core_function::CoreFunction;
use edgeapp_core::{error::Error, operation};
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::Found,
    request::{PathId, Permit, QueryPairs},
};
use edgeapp_openapi::{
    capif::{FunctionId, ServiceApiId, routing_info::RoutingInfo},
    common::SupportedFeatures,
    query::Parameters,
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation! { ReadRouting = "capif-routing-info:read" }

/// The API of this core function.
pub fn api(core: Arc<CoreFunction>) -> Api {
    let routes = OpenApiRouter::new().routes(routes!(read_routing)).with_state(core);
    Api::new(
        "capif-routing-info",
        "CAPIF_Routing_Info_API",
        "An entry point learns where it forwards invocations to (TS 29.222 clause 8.10).",
        routes,
    )
}

/// Where invocations of an API are forwarded to by the calling exposing function.
#[utoipa::path(get, path = "/service-apis/{serviceApiId}", operation_id = "ReadRoutingInfo",
    params(("serviceApiId" = String, Path, description = "The API."),
        ("aef-id" = String, Query, description = "The exposing function that asks."),
        ("supp-feat" = Option<String>, Query, description = "Features of this API that the caller knows.")),
    responses((status = 200, description = "The rules.", body = RoutingInfo), CommonProblems))]
async fn read_routing(
    State(core): State<Arc<CoreFunction>>,
    permit: Permit<ReadRouting>,
    PathId(id): PathId<ServiceApiId>,
    QueryPairs(pairs): QueryPairs,
) -> Result<Found<RoutingInfo>, Problem> {
    let given = Parameters::new(pairs);
    let aef_id: FunctionId = given.required("aef-id").map_err(Error::from)?;
    given.optional::<SupportedFeatures>("supp-feat").map_err(Error::from)?;
    Ok(Found(core.routing_info(&proof(&permit), id.as_str(), &aef_id).await?))
}
