//! Eees_EASDiscovery (TS 24.558 clause 6.3): which EASs are there for a UE. Whole over EDGE-1; the request alone also over EDGE-3,
//! for EASs that look for their target, and over EDGE-9, for EESs that look for one (TS 29.558 clause 5.7).

use axum::extract::State;
use edgeapp_core::{collection::Change, operation};
use edgeapp_ees_domain::{discovery::EasDiscovery, discovery_subscriptions::EasDiscoverySubscriptions};
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::{Created, Found, FoundJson, NoContent},
    request::{Body, MergePatch, PathId, Permit, ResourceUri},
};
use edgeapp_openapi::{
    eas_discovery::{
        EasDiscoveryNotification, EasDiscoveryReq, EasDiscoveryResp, EasDiscoverySubscription,
        EasDiscoverySubscriptionPatch,
    },
    ids::SubscriptionId,
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation!(
    RequestEasDiscovery = "eees-easdiscovery:request",
    SubscribeEasDiscovery = "eees-easdiscovery:subscribe",
    ReplaceEasDiscoverySubscription = "eees-easdiscovery:replace",
    ModifyEasDiscoverySubscription = "eees-easdiscovery:modify",
    UnsubscribeEasDiscovery = "eees-easdiscovery:unsubscribe",
);

const NAME: &str = "eees-easdiscovery";
const TITLE: &str = "Eees_EASDiscovery";
const DESCRIPTION: &str =
    "Discovery of Edge Application Servers, asked once or told of changes (TS 24.558 clause 6.3).";

type Subscriptions = State<Arc<dyn EasDiscoverySubscriptions>>;

fn request_routes(discovery: Arc<dyn EasDiscovery>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(request_eas_discovery))
        .with_state(discovery)
}

/// The API over this discovery and these subscriptions.
pub fn api(discovery: Arc<dyn EasDiscovery>, subscriptions: Arc<dyn EasDiscoverySubscriptions>) -> Api {
    let subscriptions = OpenApiRouter::new()
        .routes(routes!(subscribe_eas_discovery))
        .routes(routes!(
            replace_eas_discovery_subscription,
            modify_eas_discovery_subscription,
            unsubscribe_eas_discovery
        ))
        .with_state(subscriptions);
    Api::new(NAME, TITLE, DESCRIPTION, subscriptions.merge(request_routes(discovery)))
        .callback::<EasDiscoveryNotification>(
            "CreateEASDiscSub",
            "notificationDestination",
            "{$request.body#/notificationDestination}",
        )
}

/// The request alone, for reference points without subscriptions.
pub fn request_api(discovery: Arc<dyn EasDiscovery>) -> Api {
    Api::new(NAME, TITLE, DESCRIPTION, request_routes(discovery))
}

/// Finds the EASs that fit.
#[utoipa::path(post, path = "/eas-profiles/request-discovery", operation_id = "GetEASDiscInfo", request_body = EasDiscoveryReq,
    responses((status = 200, description = "The EASs that fit, best first.", body = EasDiscoveryResp), CommonProblems))]
async fn request_eas_discovery(
    State(discovery): State<Arc<dyn EasDiscovery>>,
    permit: Permit<RequestEasDiscovery>,
    Body(request): Body<EasDiscoveryReq>,
) -> Result<FoundJson, Problem> {
    Ok(FoundJson(discovery.request(permit.principal(), request).await?))
}

/// Subscribes an EEC to changes among EASs.
#[utoipa::path(post, path = "/subscriptions", operation_id = "CreateEASDiscSub", request_body = EasDiscoverySubscription,
    responses(
        (status = 201, description = "Subscribed.", body = EasDiscoverySubscription,
            headers(("Location" = String, description = "Absolute URI of the subscription."))),
        CommonProblems))]
async fn subscribe_eas_discovery(
    State(subscriptions): Subscriptions,
    permit: Permit<SubscribeEasDiscovery>,
    here: ResourceUri,
    Body(request): Body<EasDiscoverySubscription>,
) -> Result<Created<EasDiscoverySubscription>, Problem> {
    let (id, made) = subscriptions
        .subscribe(permit.principal(), request, &|id| here.child(id))
        .await?;
    Ok(Created::at(here.child(id), made))
}

/// Replaces a subscription; its EEC and UE never change.
#[utoipa::path(put, path = "/subscriptions/{subscriptionId}", operation_id = "UpdateIndEASDiscSub",
    request_body = EasDiscoverySubscription,
    params(("subscriptionId" = String, Path, description = "Id of the subscription.")),
    responses(
        (status = 200, description = "Replaced.", body = EasDiscoverySubscription),
        (status = 204, description = "Replaced as asked."),
        CommonProblems))]
async fn replace_eas_discovery_subscription(
    State(subscriptions): Subscriptions,
    permit: Permit<ReplaceEasDiscoverySubscription>,
    PathId(id): PathId<SubscriptionId>,
    Body(request): Body<EasDiscoverySubscription>,
) -> Result<Found<EasDiscoverySubscription>, Problem> {
    Ok(Found(
        subscriptions
            .change(permit.principal(), id.as_str(), Change::Replace(request))
            .await?,
    ))
}

/// Changes parts of a subscription.
#[utoipa::path(patch, path = "/subscriptions/{subscriptionId}", operation_id = "ModifyIndEASDiscSub",
    request_body(content = EasDiscoverySubscriptionPatch, content_type = "application/merge-patch+json"),
    params(("subscriptionId" = String, Path, description = "Id of the subscription.")),
    responses(
        (status = 200, description = "Changed.", body = EasDiscoverySubscription),
        (status = 204, description = "Changed as asked."),
        CommonProblems))]
async fn modify_eas_discovery_subscription(
    State(subscriptions): Subscriptions,
    permit: Permit<ModifyEasDiscoverySubscription>,
    PathId(id): PathId<SubscriptionId>,
    MergePatch(patch): MergePatch,
) -> Result<Found<EasDiscoverySubscription>, Problem> {
    Ok(Found(
        subscriptions
            .change(permit.principal(), id.as_str(), Change::Patch(patch))
            .await?,
    ))
}

/// Ends a subscription.
#[utoipa::path(delete, path = "/subscriptions/{subscriptionId}", operation_id = "DeleteIndEASDiscSub",
    params(("subscriptionId" = String, Path, description = "Id of the subscription.")),
    responses((status = 204, description = "Ended."), CommonProblems))]
async fn unsubscribe_eas_discovery(
    State(subscriptions): Subscriptions,
    permit: Permit<UnsubscribeEasDiscovery>,
    PathId(id): PathId<SubscriptionId>,
) -> Result<NoContent, Problem> {
    subscriptions.unsubscribe(permit.principal(), id.as_str()).await?;
    Ok(NoContent)
}
