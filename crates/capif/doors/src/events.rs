//! CAPIF_Events_API (TS 29.222 clause 8.3).

use crate::proof;
use axum::extract::State;
use edgeapp_capif::core_function::CoreFunction;
use edgeapp_core::{collection::Change, operation};
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::{Created, Found, NoContent},
    request::{Body, MergePatch, PathId, PathIds, Permit, ResourceUri},
};
use edgeapp_openapi::{
    capif::{
        FunctionId,
        events::{EventNotification, EventSubscription, EventSubscriptionPatch},
    },
    ids::SubscriptionId,
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation! {
    Subscribe = "capif-events:subscribe",
    ReplaceSubscription = "capif-events:replace",
    ModifySubscription = "capif-events:modify",
    Unsubscribe = "capif-events:unsubscribe",
}

type Core = State<Arc<CoreFunction>>;

/// The API of this core function.
pub fn api(core: Arc<CoreFunction>) -> Api {
    let routes = OpenApiRouter::new()
        .routes(routes!(subscribe))
        .routes(routes!(replace_subscription, modify_subscription, unsubscribe))
        .with_state(core);
    Api::new(
        "capif-events",
        "CAPIF_Events_API",
        "Invokers and functions of providers are told of what happens (TS 29.222 clause 8.3).",
        routes,
    )
    .callback::<EventNotification>(
        "CreateEventSubscription",
        "notificationDestination",
        "{$request.body#/notificationDestination}",
    )
    .clearable("EventSubscriptionPatch", "eventFilters")
    .clearable("EventSubscriptionPatch", "eventReq")
}

/// Subscribes to events.
#[utoipa::path(post, path = "/{subscriberId}/subscriptions", operation_id = "CreateEventSubscription",
    params(("subscriberId" = String, Path, description = "The API invoker or the function of a provider that calls.")),
    request_body = EventSubscription,
    responses(
        (status = 201, description = "The subscription.", body = EventSubscription,
            headers(("Location" = String, description = "The URI of the subscription."))),
        CommonProblems))]
async fn subscribe(
    State(core): Core,
    permit: Permit<Subscribe>,
    PathId(subscriber): PathId<FunctionId>,
    here: ResourceUri,
    Body(request): Body<EventSubscription>,
) -> Result<Created<EventSubscription>, Problem> {
    let (id, made) = core.subscribe(&proof(&permit), subscriber.as_str(), request).await?;
    Ok(Created::at(here.child(id), made))
}

/// Replaces a subscription.
#[utoipa::path(put, path = "/{subscriberId}/subscriptions/{subscriptionId}", operation_id = "UpdateEventSubscription",
    params(("subscriberId" = String, Path, description = "The subscriber."),
        ("subscriptionId" = String, Path, description = "The subscription.")),
    request_body = EventSubscription,
    responses(
        (status = 200, description = "The subscription as it is now.", body = EventSubscription),
        (status = 204, description = "Replaced as asked for; this server answers 200."),
        CommonProblems))]
async fn replace_subscription(
    State(core): Core,
    permit: Permit<ReplaceSubscription>,
    PathIds(subscriber, id): PathIds<FunctionId, SubscriptionId>,
    Body(request): Body<EventSubscription>,
) -> Result<Found<EventSubscription>, Problem> {
    let (proof, change) = (proof(&permit), Change::Replace(request));
    let changed = core.change_subscription(&proof, subscriber.as_str(), id.as_str(), &change);
    Ok(Found(changed.await?))
}

/// Changes parts of a subscription.
#[utoipa::path(patch, path = "/{subscriberId}/subscriptions/{subscriptionId}", operation_id = "ModifyEventSubscription",
    params(("subscriberId" = String, Path, description = "The subscriber."),
        ("subscriptionId" = String, Path, description = "The subscription.")),
    request_body(content = EventSubscriptionPatch, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, description = "The subscription as it is now.", body = EventSubscription),
        (status = 204, description = "Changed as asked for; this server answers 200."),
        CommonProblems))]
async fn modify_subscription(
    State(core): Core,
    permit: Permit<ModifySubscription>,
    PathIds(subscriber, id): PathIds<FunctionId, SubscriptionId>,
    MergePatch(patch): MergePatch,
) -> Result<Found<EventSubscription>, Problem> {
    let (proof, change) = (proof(&permit), Change::Patch(patch));
    let changed = core.change_subscription(&proof, subscriber.as_str(), id.as_str(), &change);
    Ok(Found(changed.await?))
}

/// Ends a subscription.
#[utoipa::path(delete, path = "/{subscriberId}/subscriptions/{subscriptionId}", operation_id = "DeleteEventSubscription",
    params(("subscriberId" = String, Path, description = "The subscriber."),
        ("subscriptionId" = String, Path, description = "The subscription.")),
    responses((status = 204, description = "The subscription has ended."), CommonProblems))]
async fn unsubscribe(
    State(core): Core,
    permit: Permit<Unsubscribe>,
    PathIds(subscriber, id): PathIds<FunctionId, SubscriptionId>,
) -> Result<NoContent, Problem> {
    core.unsubscribe(&proof(&permit), subscriber.as_str(), id.as_str())
        .await?;
    Ok(NoContent)
}
