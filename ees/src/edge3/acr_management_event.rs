//! Eees_ACRManagementEvent over EDGE-3 (TS 29.558 clause 8.6): an EAS hears what it has to do about relocations.

use axum::extract::State;
use edgeapp_core::{
    collection::Change,
    error::{Cause, Error, Kind},
    operation,
};
use edgeapp_ees_domain::acr_management::AcrManagementSubscriptions;
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::{Created, Found, NoContent},
    request::{Body, MergePatch, PathId, Permit, QueryPairs, ResourceUri},
};
use edgeapp_openapi::{
    acr_management_event::{
        AcrMgntEventsNotification, AcrMgntEventsSubscription, AcrMgntEventsSubscriptionPatch, AvailabilityNotif,
        EasAckInformation,
    },
    common::SupportedFeatures,
    ids::SubscriptionId,
    query::Parameters,
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation!(
    SubscribeAcrManagement = "eees-acrmgntevent:subscribe",
    ListAcrManagementSubscriptions = "eees-acrmgntevent:list",
    ReadAcrManagementSubscription = "eees-acrmgntevent:read",
    ReplaceAcrManagementSubscription = "eees-acrmgntevent:replace",
    ModifyAcrManagementSubscription = "eees-acrmgntevent:modify",
    UnsubscribeAcrManagement = "eees-acrmgntevent:unsubscribe",
);

type Subscriptions = State<Arc<dyn AcrManagementSubscriptions>>;

/// The API over these subscriptions.
pub fn api(subscriptions: Arc<dyn AcrManagementSubscriptions>) -> Api {
    let routes = OpenApiRouter::new()
        .routes(routes!(subscribe_acr_management, list_acr_management_subscriptions))
        .routes(routes!(
            read_acr_management_subscription,
            replace_acr_management_subscription,
            modify_acr_management_subscription,
            unsubscribe_acr_management
        ))
        .with_state(subscriptions);
    Api::new(
        "eees-acrmgntevent",
        "Eees_ACRManagementEvent",
        "Subscription of Edge Application Servers to relocation management events (TS 29.558 clause 8.6).",
        routes,
    )
    .callback_with_answer::<AcrMgntEventsNotification, EasAckInformation>(
        "CreateACRMngEventSubscr",
        "ACRManagementEventsNotification",
        "{$request.body#/notificationDestination}",
    )
    .callback::<AvailabilityNotif>(
        "CreateACRMngEventSubscr",
        "UPPathChangeAvailabilityNotif",
        "{$request.body#/notificationDestination}/report-availability",
    )
}

/// Subscribes an EAS to relocation management events.
#[utoipa::path(post, path = "/subscriptions", operation_id = "CreateACRMngEventSubscr", request_body = AcrMgntEventsSubscription,
    responses(
        (status = 201, description = "Subscribed; events that cannot be watched are reported.", body = AcrMgntEventsSubscription,
            headers(("Location" = String, description = "Absolute URI of the subscription."))),
        (status = 204, description = "Subscribed without a representation; this server always answers 201."),
        CommonProblems))]
async fn subscribe_acr_management(
    State(subscriptions): Subscriptions,
    permit: Permit<SubscribeAcrManagement>,
    here: ResourceUri,
    Body(request): Body<AcrMgntEventsSubscription>,
) -> Result<Created<AcrMgntEventsSubscription>, Problem> {
    let (id, made) = subscriptions
        .subscribe(permit.principal(), request, &|id| here.child(id))
        .await?;
    Ok(Created::at(here.child(id), made))
}

/// Shows all subscriptions of the calling EAS.
#[utoipa::path(get, path = "/subscriptions", operation_id = "GetACRMngEventSubscrs",
    params(("supp-feat" = Option<String>, Query, description = "Features of the API that the caller supports.")),
    responses((status = 200, description = "The subscriptions, at least one.", body = [AcrMgntEventsSubscription]), CommonProblems))]
async fn list_acr_management_subscriptions(
    State(subscriptions): Subscriptions,
    permit: Permit<ListAcrManagementSubscriptions>,
    QueryPairs(query): QueryPairs,
) -> Result<Found<Vec<AcrMgntEventsSubscription>>, Problem> {
    features(query)?;
    let all = subscriptions.all(permit.principal()).await?;
    if all.is_empty() {
        // The standard forbids an empty list and declares no 204.
        return Err(Error::new(
            Kind::NotFound,
            Cause::SubscriptionNotFound,
            "the caller has no subscription",
        )
        .into());
    }
    Ok(Found(all))
}

/// Shows one subscription.
#[utoipa::path(get, path = "/subscriptions/{subscriptionId}", operation_id = "GetIndACRMngEventSubscr",
    params(
        ("subscriptionId" = String, Path, description = "Id of the subscription."),
        ("supp-feat" = Option<String>, Query, description = "Features of the API that the caller supports.")),
    responses((status = 200, description = "The subscription.", body = AcrMgntEventsSubscription), CommonProblems))]
async fn read_acr_management_subscription(
    State(subscriptions): Subscriptions,
    permit: Permit<ReadAcrManagementSubscription>,
    PathId(id): PathId<SubscriptionId>,
    QueryPairs(query): QueryPairs,
) -> Result<Found<AcrMgntEventsSubscription>, Problem> {
    features(query)?;
    Ok(Found(subscriptions.read(permit.principal(), id.as_str()).await?))
}

/// Replaces a subscription; its EAS never changes.
#[utoipa::path(put, path = "/subscriptions/{subscriptionId}", operation_id = "UpdateIndACRMngEventSubscr",
    request_body = AcrMgntEventsSubscription,
    params(("subscriptionId" = String, Path, description = "Id of the subscription.")),
    responses(
        (status = 200, description = "Replaced.", body = AcrMgntEventsSubscription),
        (status = 204, description = "Replaced as asked."),
        CommonProblems))]
async fn replace_acr_management_subscription(
    State(subscriptions): Subscriptions,
    permit: Permit<ReplaceAcrManagementSubscription>,
    PathId(id): PathId<SubscriptionId>,
    Body(request): Body<AcrMgntEventsSubscription>,
) -> Result<Found<AcrMgntEventsSubscription>, Problem> {
    Ok(Found(
        subscriptions
            .change(permit.principal(), id.as_str(), Change::Replace(request))
            .await?,
    ))
}

/// Changes parts of a subscription.
#[utoipa::path(patch, path = "/subscriptions/{subscriptionId}", operation_id = "ModifyIndACRMngEventSubscr",
    request_body(content = AcrMgntEventsSubscriptionPatch, content_type = "application/merge-patch+json"),
    params(("subscriptionId" = String, Path, description = "Id of the subscription.")),
    responses(
        (status = 200, description = "Changed.", body = AcrMgntEventsSubscription),
        (status = 204, description = "Changed as asked."),
        CommonProblems))]
async fn modify_acr_management_subscription(
    State(subscriptions): Subscriptions,
    permit: Permit<ModifyAcrManagementSubscription>,
    PathId(id): PathId<SubscriptionId>,
    MergePatch(patch): MergePatch,
) -> Result<Found<AcrMgntEventsSubscription>, Problem> {
    Ok(Found(
        subscriptions
            .change(permit.principal(), id.as_str(), Change::Patch(patch))
            .await?,
    ))
}

/// Ends a subscription.
#[utoipa::path(delete, path = "/subscriptions/{subscriptionId}", operation_id = "DeleteIndACRMngEventSubscr",
    params(("subscriptionId" = String, Path, description = "Id of the subscription.")),
    responses((status = 204, description = "Ended."), CommonProblems))]
async fn unsubscribe_acr_management(
    State(subscriptions): Subscriptions,
    permit: Permit<UnsubscribeAcrManagement>,
    PathId(id): PathId<SubscriptionId>,
) -> Result<NoContent, Problem> {
    subscriptions.unsubscribe(permit.principal(), id.as_str()).await?;
    Ok(NoContent)
}

/// The features in a query, checked; what is shown does not depend on them.
fn features(query: Vec<(String, String)>) -> Result<(), Error> {
    Parameters::new(query).optional::<SupportedFeatures>("supp-feat")?;
    Ok(())
}
