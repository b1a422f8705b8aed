//! CAPIF_Access_Control_Policy_API (TS 29.222 clause 8.6).

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
    capif::{ApiInvokerId, FunctionId, ServiceApiId, access_control_policy::AccessControlPolicyList},
    common::SupportedFeatures,
    query::Parameters,
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation! { ReadPolicies = "access-control-policy:read" }

/// The API of this core function.
pub fn api(core: Arc<CoreFunction>) -> Api {
    let routes = OpenApiRouter::new().routes(routes!(read_policies)).with_state(core);
    Api::new(
        "access-control-policy",
        "CAPIF_Access_Control_Policy_API",
        "An exposing function learns how much invokers may use its APIs (TS 29.222 clause 8.6).",
        routes,
    )
}

/// How much invokers may use an API; who is not in the list may use it without limit.
#[utoipa::path(get, path = "/accessControlPolicyList/{serviceApiId}", operation_id = "ReadAccessControlPolicies",
    params(("serviceApiId" = String, Path, description = "The API."),
        ("aef-id" = String, Query, description = "The exposing function that asks."),
        ("api-invoker-id" = Option<String>, Query, description = "Of this invoker only."),
        ("supported-features" = Option<String>, Query, description = "Features of this API that the caller knows.")),
    responses((status = 200, description = "The policies.", body = AccessControlPolicyList), CommonProblems))]
async fn read_policies(
    State(core): State<Arc<CoreFunction>>,
    permit: Permit<ReadPolicies>,
    PathId(id): PathId<ServiceApiId>,
    QueryPairs(pairs): QueryPairs,
) -> Result<Found<AccessControlPolicyList>, Problem> {
    let given = Parameters::new(pairs);
    let aef_id: FunctionId = given.required("aef-id").map_err(Error::from)?;
    let invoker: Option<ApiInvokerId> = given.optional("api-invoker-id").map_err(Error::from)?;
    given
        .optional::<SupportedFeatures>("supported-features")
        .map_err(Error::from)?;
    let proof = proof(&permit);
    let policies = core.access_control_policies(&proof, id.as_str(), &aef_id, invoker.as_ref());
    Ok(Found(policies.await?))
}
