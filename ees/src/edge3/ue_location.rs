//! Eees_UELocation over EDGE-3 (TS 29.558 clause 8.2): where UEs are.

use axum::extract::State;
use edgeapp_core::{collection::Change, operation};
use edgeapp_ees_domain::ue_location::UeLocations;
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::{Created, Found, NoContent},
    request::{Body, MergePatch, PathId, Permit, ResourceUri},
};
use edgeapp_openapi::{
    ids::SubscriptionId,
    ue_location::{
        ConsentRevocNotif, LocationNotification, LocationRequest, LocationResponse, LocationSubscription,
        LocationSubscriptionPatch,
    },
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation!(
    FetchUeLocation = "eees-uelocation:fetch",
    SubscribeUeLocation = "eees-uelocation:subscribe",
    ReadUeLocationSubscription = "eees-uelocation:read",
    ReplaceUeLocationSubscription = "eees-uelocation:replace",
    ModifyUeLocationSubscription = "eees-uelocation:modify",
    UnsubscribeUeLocation = "eees-uelocation:unsubscribe",
);

type Locations = State<Arc<dyn UeLocations>>;

/// The API over these locations.
pub fn api(locations: Arc<dyn UeLocations>) -> Api {
    let routes = OpenApiRouter::new()
        .routes(routes!(fetch_ue_location))
        .routes(routes!(subscribe_ue_location))
        .routes(routes!(
            read_ue_location_subscription,
            replace_ue_location_subscription,
            modify_ue_location_subscription,
            unsubscribe_ue_location
        ))
        .with_state(locations);
    Api::new(
        "eees-uelocation",
        "Eees_UELocation",
        "Locations of UEs for Edge Application Servers (TS 29.558 clause 8.2).",
        routes,
    )
    .callback::<LocationNotification>(
        "CreateLocationInfoSubscription",
        "LocationInformationNotification",
        "{$request.body#/notificationDestination}",
    )
    .callback::<ConsentRevocNotif>(
        "CreateLocationInfoSubscription",
        "UserConsentRevocationNotif",
        "{$request.body#/revocationNotifUri}",
    )
}

/// Tells where a UE is now, or was last (TS 29.558 clause 8.2.3.2).
#[utoipa::path(post, path = "/fetch", operation_id = "FetchUELocation", request_body = LocationRequest,
    responses((status = 200, description = "The location.", body = LocationResponse), CommonProblems))]
async fn fetch_ue_location(
    State(locations): Locations,
    permit: Permit<FetchUeLocation>,
    Body(request): Body<LocationRequest>,
) -> Result<Found<LocationResponse>, Problem> {
    Ok(Found(locations.fetch(permit.principal(), request).await?))
}

/// Subscribes an EAS to the location of a UE or a group of UEs (TS 29.558 clause 8.2.2.2).
#[utoipa::path(post, path = "/subscriptions", operation_id = "CreateLocationInfoSubscription", request_body = LocationSubscription,
    responses(
        (status = 201, description = "Subscribed: the core network watches.", body = LocationSubscription,
            headers(("Location" = String, description = "Absolute URI of the subscription."))),
        CommonProblems))]
async fn subscribe_ue_location(
    State(locations): Locations,
    permit: Permit<SubscribeUeLocation>,
    here: ResourceUri,
    Body(request): Body<LocationSubscription>,
) -> Result<Created<LocationSubscription>, Problem> {
    let (id, made) = locations
        .subscribe(permit.principal(), request, &|id| here.child(id))
        .await?;
    Ok(Created::at(here.child(id), made))
}

/// Shows one subscription.
#[utoipa::path(get, path = "/subscriptions/{subscriptionId}", operation_id = "ReadIndLocationInfoSubscription",
    params(("subscriptionId" = String, Path, description = "Id of the subscription.")),
    responses((status = 200, description = "The subscription.", body = LocationSubscription), CommonProblems))]
async fn read_ue_location_subscription(
    State(locations): Locations,
    permit: Permit<ReadUeLocationSubscription>,
    PathId(id): PathId<SubscriptionId>,
) -> Result<Found<LocationSubscription>, Problem> {
    Ok(Found(locations.read(permit.principal(), id.as_str()).await?))
}

/// Replaces a subscription; its EAS and whom it is about never change.
#[utoipa::path(put, path = "/subscriptions/{subscriptionId}", operation_id = "UpdateIndLocationInfoSubscription",
    request_body = LocationSubscription,
    params(("subscriptionId" = String, Path, description = "Id of the subscription.")),
    responses(
        (status = 200, description = "Replaced.", body = LocationSubscription),
        (status = 204, description = "Replaced as asked; this server always answers 200."),
        CommonProblems))]
async fn replace_ue_location_subscription(
    State(locations): Locations,
    permit: Permit<ReplaceUeLocationSubscription>,
    PathId(id): PathId<SubscriptionId>,
    Body(request): Body<LocationSubscription>,
) -> Result<Found<LocationSubscription>, Problem> {
    let change = Change::Replace(request);
    Ok(Found(locations.change(permit.principal(), id.as_str(), change).await?))
}

/// Changes parts of a subscription.
#[utoipa::path(patch, path = "/subscriptions/{subscriptionId}", operation_id = "ModifyIndLocationInfoSubscription",
    request_body(content = LocationSubscriptionPatch, content_type = "application/merge-patch+json"),
    params(("subscriptionId" = String, Path, description = "Id of the subscription.")),
    responses(
        (status = 200, description = "Changed.", body = LocationSubscription),
        (status = 204, description = "Changed as asked; this server always answers 200."),
        CommonProblems))]
async fn modify_ue_location_subscription(
    State(locations): Locations,
    permit: Permit<ModifyUeLocationSubscription>,
    PathId(id): PathId<SubscriptionId>,
    MergePatch(patch): MergePatch,
) -> Result<Found<LocationSubscription>, Problem> {
    let change = Change::Patch(patch);
    Ok(Found(locations.change(permit.principal(), id.as_str(), change).await?))
}

/// Ends a subscription.
#[utoipa::path(delete, path = "/subscriptions/{subscriptionId}", operation_id = "DeleteIndLocationInfoSubscription",
    params(("subscriptionId" = String, Path, description = "Id of the subscription.")),
    responses((status = 204, description = "Ended."), CommonProblems))]
async fn unsubscribe_ue_location(
    State(locations): Locations,
    permit: Permit<UnsubscribeUeLocation>,
    PathId(id): PathId<SubscriptionId>,
) -> Result<NoContent, Problem> {
    locations.unsubscribe(permit.principal(), id.as_str()).await?;
    Ok(NoContent)
}
