//! Eecs_ServiceProvisioning (TS 24.558 clause 8.1).

use axum::extract::State;
use edgeapp_core::{collection::Change, operation};
use edgeapp_ecs_domain::provisioning::ServiceProvisioning;
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::{Created, Found, FoundOrNone, NoContent},
    request::{Body, MergePatch, PathId, Permit, ResourceUri},
};
use edgeapp_openapi::{
    ids::SubscriptionId,
    service_provisioning::{
        EcsServProvReq, EcsServProvResp, EcsServProvSubscription, EcsServProvSubscriptionPatch, ServProvNotification,
    },
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation! {
    RequestServProv = "eecs-serviceprovisioning:request",
    CreateServProvSub = "eecs-serviceprovisioning:subscribe",
    UpdateServProvSub = "eecs-serviceprovisioning:update",
    ModifyServProvSub = "eecs-serviceprovisioning:modify",
    DeleteServProvSub = "eecs-serviceprovisioning:unsubscribe",
}

/// The API over this room.
pub fn api(provisioning: Arc<dyn ServiceProvisioning>) -> Api {
    let routes = OpenApiRouter::new()
        .routes(routes!(request_provisioning))
        .routes(routes!(create_subscription))
        .routes(routes!(update_subscription, modify_subscription, delete_subscription))
        .with_state(provisioning);
    Api::new(
        "eecs-serviceprovisioning",
        "Eecs_ServiceProvisioning",
        "An EEC asks the ECS which edge data networks and EESs there are for it, once or as a subscriber (TS 24.558 clause 8.1).",
        routes,
    )
    .callback::<ServProvNotification>(
        "CreateServProvSub",
        "notificationDestination",
        "{request.body#/notificationDestination}",
    )
}

/// Finds the edge data networks and EESs for an EEC.
#[utoipa::path(post, path = "/request", operation_id = "RequestServProv",
    request_body = EcsServProvReq,
    responses(
        (status = 200, description = "What there is for the EEC.", body = EcsServProvResp),
        (status = 204, description = "There is nothing for the EEC."),
        CommonProblems))]
async fn request_provisioning(
    State(provisioning): State<Arc<dyn ServiceProvisioning>>,
    permit: Permit<RequestServProv>,
    Body(request): Body<EcsServProvReq>,
) -> Result<FoundOrNone<EcsServProvResp>, Problem> {
    Ok(FoundOrNone(provisioning.request(permit.principal(), request).await?))
}

/// Subscribes an EEC to changes of what there is for it.
#[utoipa::path(post, path = "/subscriptions", operation_id = "CreateServProvSub",
    request_body = EcsServProvSubscription,
    responses(
        (status = 201, description = "The EEC is subscribed.", body = EcsServProvSubscription,
            headers(("Location" = String, description = "The URI of the subscription."))),
        CommonProblems))]
async fn create_subscription(
    State(provisioning): State<Arc<dyn ServiceProvisioning>>,
    permit: Permit<CreateServProvSub>,
    here: ResourceUri,
    Body(request): Body<EcsServProvSubscription>,
) -> Result<Created<EcsServProvSubscription>, Problem> {
    let made = provisioning
        .subscribe(permit.principal(), request, here.as_str())
        .await?;
    Ok(Created::at(here.child(made.id), made.subscription))
}

/// Replaces a subscription.
#[utoipa::path(put, path = "/subscriptions/{subscriptionId}", operation_id = "UpdateIndServProvSub",
    params(("subscriptionId" = String, Path, description = "The subscription.")),
    request_body = EcsServProvSubscription,
    responses(
        (status = 200, description = "The subscription as it is now.", body = EcsServProvSubscription),
        CommonProblems))]
async fn update_subscription(
    State(provisioning): State<Arc<dyn ServiceProvisioning>>,
    permit: Permit<UpdateServProvSub>,
    PathId(id): PathId<SubscriptionId>,
    Body(request): Body<EcsServProvSubscription>,
) -> Result<Found<EcsServProvSubscription>, Problem> {
    Ok(Found(
        provisioning
            .change(permit.principal(), &id, Change::Replace(request))
            .await?,
    ))
}

/// Changes parts of a subscription.
#[utoipa::path(patch, path = "/subscriptions/{subscriptionId}", operation_id = "ModifyIndServProvSub",
    params(("subscriptionId" = String, Path, description = "The subscription.")),
    request_body(content = EcsServProvSubscriptionPatch, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, description = "The subscription as it is now.", body = EcsServProvSubscription),
        CommonProblems))]
async fn modify_subscription(
    State(provisioning): State<Arc<dyn ServiceProvisioning>>,
    permit: Permit<ModifyServProvSub>,
    PathId(id): PathId<SubscriptionId>,
    MergePatch(patch): MergePatch,
) -> Result<Found<EcsServProvSubscription>, Problem> {
    Ok(Found(
        provisioning
            .change(permit.principal(), &id, Change::Patch(patch))
            .await?,
    ))
}

/// Ends a subscription.
#[utoipa::path(delete, path = "/subscriptions/{subscriptionId}", operation_id = "DeleteIndServProvSub",
    params(("subscriptionId" = String, Path, description = "The subscription.")),
    responses((status = 204, description = "The EEC is not subscribed any more."), CommonProblems))]
async fn delete_subscription(
    State(provisioning): State<Arc<dyn ServiceProvisioning>>,
    permit: Permit<DeleteServProvSub>,
    PathId(id): PathId<SubscriptionId>,
) -> Result<NoContent, Problem> {
    provisioning.unsubscribe(permit.principal(), &id).await?;
    Ok(NoContent)
}
