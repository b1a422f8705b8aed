//! Eees_TrafficInfluenceEAS over EDGE-3 (TS 29.558 clause 8.12): an EAS has the traffic of UEs steered to it.

use axum::extract::State;
use edgeapp_core::{collection::Change, operation};
use edgeapp_ees_domain::traffic_influence::TrafficInfluences;
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::{Created, Found, NoContent},
    request::{Body, MergePatch, PathId, Permit, ResourceUri},
};
use edgeapp_openapi::{
    ids::SubscriptionId,
    traffic_influence_eas::{AppTrafficInfluence, AppTrafficInfluencePatch},
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation!(
    CreateTrafficInfluence = "eees-tie:create",
    ReadTrafficInfluence = "eees-tie:read",
    ReplaceTrafficInfluence = "eees-tie:replace",
    ModifyTrafficInfluence = "eees-tie:modify",
    DeleteTrafficInfluence = "eees-tie:delete",
);

type Influences = State<Arc<dyn TrafficInfluences>>;

/// The API over these influences.
pub fn api(influences: Arc<dyn TrafficInfluences>) -> Api {
    let routes = OpenApiRouter::new()
        .routes(routes!(create_traffic_influence))
        .routes(routes!(
            read_traffic_influence,
            replace_traffic_influence,
            modify_traffic_influence,
            delete_traffic_influence
        ))
        .with_state(influences);
    Api::new(
        "eees-tie",
        "Eees_TrafficInfluenceEAS",
        "Steering of application traffic to Edge Application Servers (TS 29.558 clause 8.12).",
        routes,
    )
}

/// Steers the traffic of UEs to the calling EAS.
#[utoipa::path(post, path = "/instances", operation_id = "CreateTraffInfluInstance", request_body = AppTrafficInfluence,
    responses(
        (status = 201, description = "The core network steers it.", body = AppTrafficInfluence,
            headers(("Location" = String, description = "Absolute URI of the instance."))),
        CommonProblems))]
async fn create_traffic_influence(
    State(influences): Influences,
    permit: Permit<CreateTrafficInfluence>,
    here: ResourceUri,
    Body(request): Body<AppTrafficInfluence>,
) -> Result<Created<AppTrafficInfluence>, Problem> {
    let (id, made) = influences.create(permit.principal(), request).await?;
    Ok(Created::at(here.child(id), made))
}

/// Shows one instance.
#[utoipa::path(get, path = "/instances/{instanceId}", operation_id = "GetIndTraffInfluInstance",
    params(("instanceId" = String, Path, description = "Id of the instance.")),
    responses((status = 200, description = "The instance.", body = AppTrafficInfluence), CommonProblems))]
async fn read_traffic_influence(
    State(influences): Influences,
    permit: Permit<ReadTrafficInfluence>,
    PathId(id): PathId<SubscriptionId>,
) -> Result<Found<AppTrafficInfluence>, Problem> {
    Ok(Found(influences.read(permit.principal(), id.as_str()).await?))
}

/// Replaces whom an instance is about.
#[utoipa::path(put, path = "/instances/{instanceId}", operation_id = "UpdateIndTraffInfluInstance",
    request_body = AppTrafficInfluence,
    params(("instanceId" = String, Path, description = "Id of the instance.")),
    responses(
        (status = 200, description = "Replaced.", body = AppTrafficInfluence),
        (status = 204, description = "Replaced as asked."),
        CommonProblems))]
async fn replace_traffic_influence(
    State(influences): Influences,
    permit: Permit<ReplaceTrafficInfluence>,
    PathId(id): PathId<SubscriptionId>,
    Body(request): Body<AppTrafficInfluence>,
) -> Result<Found<AppTrafficInfluence>, Problem> {
    let change = Change::Replace(request);
    Ok(Found(influences.change(permit.principal(), id.as_str(), change).await?))
}

/// Changes whom an instance is about.
#[utoipa::path(patch, path = "/instances/{instanceId}", operation_id = "ModifyIndTraffInfluInstance",
    request_body(content = AppTrafficInfluencePatch, content_type = "application/merge-patch+json"),
    params(("instanceId" = String, Path, description = "Id of the instance.")),
    responses(
        (status = 200, description = "Changed.", body = AppTrafficInfluence),
        (status = 204, description = "Changed as asked."),
        CommonProblems))]
async fn modify_traffic_influence(
    State(influences): Influences,
    permit: Permit<ModifyTrafficInfluence>,
    PathId(id): PathId<SubscriptionId>,
    MergePatch(patch): MergePatch,
) -> Result<Found<AppTrafficInfluence>, Problem> {
    let change = Change::Patch(patch);
    Ok(Found(influences.change(permit.principal(), id.as_str(), change).await?))
}

/// Ends an instance: the traffic goes where the core network sends it by itself.
#[utoipa::path(delete, path = "/instances/{instanceId}", operation_id = "DeleteIndTraffInfluInstance",
    params(("instanceId" = String, Path, description = "Id of the instance.")),
    responses((status = 204, description = "Ended."), CommonProblems))]
async fn delete_traffic_influence(
    State(influences): Influences,
    permit: Permit<DeleteTrafficInfluence>,
    PathId(id): PathId<SubscriptionId>,
) -> Result<NoContent, Problem> {
    influences.remove(permit.principal(), id.as_str()).await?;
    Ok(NoContent)
}
