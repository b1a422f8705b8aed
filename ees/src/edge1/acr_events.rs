//! Eees_ACREvents over EDGE-1 (TS 24.558 clause 6.4): an EEC hears how the relocation of its applications goes.

use axum::extract::State;
use edgeapp_core::{collection::Change, operation};
use edgeapp_ees_domain::acr_events::AcrEventsSubscriptions;
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::{Created, Found, NoContent},
    request::{Body, MergePatch, PathId, Permit, ResourceUri},
};
use edgeapp_openapi::{
    acr_events::{AcrEventsSubscription, AcrEventsSubscriptionPatch, AcrInfoNotification},
    ids::SubscriptionId,
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation!(
    SubscribeAcrEvents = "eees-acrevents:subscribe",
    ReplaceAcrEventsSubscription = "eees-acrevents:replace",
    ModifyAcrEventsSubscription = "eees-acrevents:modify",
    UnsubscribeAcrEvents = "eees-acrevents:unsubscribe",
);

type Subscriptions = State<Arc<dyn AcrEventsSubscriptions>>;

/// The API over these subscriptions.
pub fn api(subscriptions: Arc<dyn AcrEventsSubscriptions>) -> Api {
    let routes = OpenApiRouter::new()
        .routes(routes!(subscribe_acr_events))
        .routes(routes!(
            replace_acr_events_subscription,
            modify_acr_events_subscription,
            unsubscribe_acr_events
        ))
        .with_state(subscriptions);
    Api::new(
        "eees-acrevents",
        "Eees_ACREvents",
        "Subscription of Edge Enabler Clients to relocations of their applications (TS 24.558 clause 6.4).",
        routes,
    )
    .callback::<AcrInfoNotification>(
        "CreateACREventsSubscripton",
        "notificationDestination",
        "{$request.body#/notificationDestination}",
    )
}

/// Subscribes an EEC to one kind of event.
#[utoipa::path(post, path = "/subscriptions", operation_id = "CreateACREventsSubscripton", request_body = AcrEventsSubscription,
    responses(
        (status = 201, description = "Subscribed.", body = AcrEventsSubscription,
            headers(("Location" = String, description = "Absolute URI of the subscription."))),
        CommonProblems))]
async fn subscribe_acr_events(
    State(subscriptions): Subscriptions,
    permit: Permit<SubscribeAcrEvents>,
    here: ResourceUri,
    Body(request): Body<AcrEventsSubscription>,
) -> Result<Created<AcrEventsSubscription>, Problem> {
    let (id, made) = subscriptions
        .subscribe(permit.principal(), request, &|id| here.child(id))
        .await?;
    Ok(Created::at(here.child(id), made))
}

/// Replaces a subscription; its EEC and UE never change.
#[utoipa::path(put, path = "/subscriptions/{subscriptionId}", operation_id = "UpdateACREventsSubscription",
    request_body = AcrEventsSubscription,
    params(("subscriptionId" = String, Path, description = "Id of the subscription.")),
    responses(
        (status = 200, description = "Replaced.", body = AcrEventsSubscription),
        (status = 204, description = "Replaced as asked."),
        CommonProblems))]
async fn replace_acr_events_subscription(
    State(subscriptions): Subscriptions,
    permit: Permit<ReplaceAcrEventsSubscription>,
    PathId(id): PathId<SubscriptionId>,
    Body(request): Body<AcrEventsSubscription>,
) -> Result<Found<AcrEventsSubscription>, Problem> {
    Ok(Found(
        subscriptions
            .change(permit.principal(), id.as_str(), Change::Replace(request))
            .await?,
    ))
}

/// Changes parts of a subscription.
#[utoipa::path(patch, path = "/subscriptions/{subscriptionId}", operation_id = "ModifyACREventsSubscription",
    request_body(content = AcrEventsSubscriptionPatch, content_type = "application/merge-patch+json"),
    params(("subscriptionId" = String, Path, description = "Id of the subscription.")),
    responses(
        (status = 200, description = "Changed.", body = AcrEventsSubscription),
        (status = 204, description = "Changed as asked."),
        CommonProblems))]
async fn modify_acr_events_subscription(
    State(subscriptions): Subscriptions,
    permit: Permit<ModifyAcrEventsSubscription>,
    PathId(id): PathId<SubscriptionId>,
    MergePatch(patch): MergePatch,
) -> Result<Found<AcrEventsSubscription>, Problem> {
    Ok(Found(
        subscriptions
            .change(permit.principal(), id.as_str(), Change::Patch(patch))
            .await?,
    ))
}

/// Ends a subscription.
#[utoipa::path(delete, path = "/subscriptions/{subscriptionId}", operation_id = "DeleteACREventsSubscription",
    params(("subscriptionId" = String, Path, description = "Id of the subscription.")),
    responses((status = 204, description = "Ended."), CommonProblems))]
async fn unsubscribe_acr_events(
    State(subscriptions): Subscriptions,
    permit: Permit<UnsubscribeAcrEvents>,
    PathId(id): PathId<SubscriptionId>,
) -> Result<NoContent, Problem> {
    subscriptions.unsubscribe(permit.principal(), id.as_str()).await?;
    Ok(NoContent)
}
