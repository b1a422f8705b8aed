//! Eecs_TargetEESDiscovery (TS 29.558 clause 9.2).

use axum::extract::State;
use edgeapp_core::{error::Error, operation};
use edgeapp_ecs_domain::target_ees_discovery::TargetEesDiscovery;
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::Found,
    request::{Permit, QueryPairs},
};
use edgeapp_openapi::{
    eas_registration::BdlType,
    eec_context_relocation::EecSrvContinuitySupport,
    ees_registration::AcrScenario,
    ids::{Dnai, Gpsi},
    location::LocationArea5G,
    service_provisioning::EcsServProvResp,
    target_ees_discovery::EesProfilesQuery,
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation! {
    FetchEesProfiles = "eecs-targeteesdiscovery:fetch",
}

/// The API over this room.
pub fn api(discovery: Arc<dyn TargetEesDiscovery>) -> Api {
    let routes = OpenApiRouter::new()
        .routes(routes!(fetch_ees_profiles))
        .with_state(discovery);
    Api::new(
        "eecs-targeteesdiscovery",
        "Eecs_TargetEESDiscovery",
        "An EES asks the ECS which EES the application contexts of a UE may move to (TS 29.558 clause 9.2).",
        routes,
    )
    .schema::<Gpsi>()
    .schema::<EecSrvContinuitySupport>()
}

/// Finds the EESs that may take over from the one that asks.
#[utoipa::path(get, path = "/ees-profiles", operation_id = "GetEESProfiles",
    params(
        ("ees-id" = String, Query, description = "The EES that asks, the source."),
        ("eas-id" = String, Query, description = "The application whose contexts are to move."),
        ("target-dnai" = Option<Dnai>, Query, description = "The place where user plane traffic will be."),
        ("ue-id" = Option<Gpsi>, Query, description = "The UE."),
        ("ue-location" = Option<LocationArea5G>, Query, description = "Where the UE is, as JSON text."),
        ("eec-srv-cont-supp" = Option<EecSrvContinuitySupport>, Query, description = "What the EEC can do, as JSON text."),
        ("ac-svc-cont-supp" = Option<Vec<AcrScenario>>, Query,
            description = "The relocation scenarios that the application client can play its part in."),
        ("bdl-id" = Option<String>, Query, description = "The bundle that has to move as a whole."),
        ("bdl-type" = Option<BdlType>, Query, description = "Its type."),
        ("ens-ind" = Option<bool>, Query, description = "Whether edge node sharing is asked for; false when absent."),
        ("app-grp-id" = Option<String>, Query, description = "The group of UEs that one EAS has to serve."),
    ),
    responses((status = 200, description = "The EESs that may take over.", body = EcsServProvResp), CommonProblems))]
async fn fetch_ees_profiles(
    State(discovery): State<Arc<dyn TargetEesDiscovery>>,
    permit: Permit<FetchEesProfiles>,
    QueryPairs(pairs): QueryPairs,
) -> Result<Found<EcsServProvResp>, Problem> {
    let query = EesProfilesQuery::from_pairs(pairs).map_err(Error::from)?;
    Ok(Found(discovery.discover(permit.principal(), query).await?))
}
