//! CAPIF_Discover_Service_API (TS 29.222 clause 8.1).

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
        discover_service::{DiscoveredApis, DiscoveryQuery, IpAddrInfo},
        publish_service::{AefLocation, CommunicationType, DataFormat, Protocol, ServiceKpis},
    },
    query::Parameters,
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation! { DiscoverApis = "service-apis:discover" }

/// The API of this core function.
pub fn api(core: Arc<CoreFunction>) -> Api {
    let routes = OpenApiRouter::new().routes(routes!(discover_apis)).with_state(core);
    Api::new(
        "service-apis",
        "CAPIF_Discover_Service_API",
        "An API invoker looks for service APIs (TS 29.222 clause 8.1).",
        routes,
    )
    .schema::<CommunicationType>()
    .schema::<Protocol>()
    .schema::<DataFormat>()
    .schema::<AefLocation>()
    .schema::<IpAddrInfo>()
    .schema::<ServiceKpis>()
}

/// The published APIs that fit. Each has the profiles and versions that do; when nothing fits the list is left out.
#[utoipa::path(get, path = "/allServiceAPIs", operation_id = "DiscoverServiceAPIs",
    params(
        ("api-invoker-id" = String, Query, description = "The identifier of the caller; no filter."),
        ("api-name" = Option<String>, Query, description = "The name of the API."),
        ("api-version" = Option<String>, Query, description = "The version, such as v1."),
        ("comm-type" = Option<CommunicationType>, Query, description = "How a resource communicates."),
        ("protocol" = Option<Protocol>, Query, description = "The protocol."),
        ("aef-id" = Option<String>, Query, description = "The exposing function."),
        ("data-format" = Option<DataFormat>, Query, description = "How data is written."),
        ("api-cat" = Option<String>, Query, description = "The category."),
        ("preferred-aef-loc" = Option<AefLocation>, Query, description = "Where it should be; does not matter when nothing is there."),
        ("req-api-prov-name" = Option<String>, Query, description = "The name of the provider."),
        ("supported-features" = Option<String>, Query, description = "Features of this API that the caller knows."),
        ("api-supported-features" = Option<String>, Query, description = "Features that the API has; only with api-name."),
        ("ue-ip-addr" = Option<IpAddrInfo>, Query, description = "The address of a UE that is served."),
        ("service-kpis" = Option<ServiceKpis>, Query, description = "What it delivers at least.")),
    responses((status = 200, description = "The APIs that fit.", body = DiscoveredApis), CommonProblems))]
async fn discover_apis(
    State(core): State<Arc<CoreFunction>>,
    permit: Permit<DiscoverApis>,
    QueryPairs(pairs): QueryPairs,
) -> Result<Found<DiscoveredApis>, Problem> {
    let query = DiscoveryQuery::parse(&Parameters::new(pairs)).map_err(Error::from)?;
    Ok(Found(core.discover(&proof(&permit), &query).await?))
}
