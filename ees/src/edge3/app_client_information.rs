//! Eees_AppClientInformation over EDGE-3 (TS 29.558 clause 8.4): which application clients there are.

use axum::extract::State;
use edgeapp_core::{collection::Change, operation};
use edgeapp_ees_domain::ac_information::AcInformation;
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::{Created, Found, NoContent},
    request::{Body, MergePatch, PathId, Permit, ResourceUri},
};
use edgeapp_openapi::{
    app_client_information::{AcInfoNotification, AcInfoSubscription, AcInfoSubscriptionPatch},
    ids::SubscriptionId,
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation!(
    SubscribeAppClientInfo = "eees-appclientinformation:subscribe",
    ReadAppClientInfoSubscription = "eees-appclientinformation:read",
    ReplaceAppClientInfoSubscription = "eees-appclientinformation:replace",
    ModifyAppClientInfoSubscription = "eees-appclientinformation:modify",
    UnsubscribeAppClientInfo = "eees-appclientinformation:unsubscribe",
);

type Clients = State<Arc<dyn AcInformation>>;

/// The API over these subscriptions.
pub fn api(clients: Arc<dyn AcInformation>) -> Api {
    let routes = OpenApiRouter::new()
        .routes(routes!(subscribe_app_client_info))
        .routes(routes!(
            read_app_client_info_subscription,
            replace_app_client_info_subscription,
            modify_app_client_info_subscription,
            unsubscribe_app_client_info
        ))
        .with_state(clients);
    Api::new(
        "eees-appclientinformation",
        "Eees_AppClientInformation",
        "Application clients, told to Edge Application Servers (TS 29.558 clause 8.4).",
        routes,
    )
    .callback::<AcInfoNotification>(
        "CreateAppClientInfoSubscription",
        "ACInformationNotification",
        "{$request.body#/notificationDestination}",
    )
}

/// Subscribes an EAS to what is known of application clients (TS 29.558 clause 8.4.2.2).
#[utoipa::path(post, path = "/subscriptions", operation_id = "CreateAppClientInfoSubscription", request_body = AcInfoSubscription,
    responses(
        (status = 201, description = "Subscribed.", body = AcInfoSubscription,
            headers(("Location" = String, description = "Absolute URI of the subscription."))),
        CommonProblems))]
async fn subscribe_app_client_info(
    State(clients): Clients,
    permit: Permit<SubscribeAppClientInfo>,
    here: ResourceUri,
    Body(request): Body<AcInfoSubscription>,
) -> Result<Created<AcInfoSubscription>, Problem> {
    let (id, made) = clients
        .subscribe(permit.principal(), request, &|id| here.child(id))
        .await?;
    Ok(Created::at(here.child(id), made))
}

/// Shows one subscription.
#[utoipa::path(get, path = "/subscriptions/{subscriptionId}", operation_id = "ReadIndAppClientInfoSubscription",
    params(("subscriptionId" = String, Path, description = "Id of the subscription.")),
    responses((status = 200, description = "The subscription.", body = AcInfoSubscription), CommonProblems))]
async fn read_app_client_info_subscription(
    State(clients): Clients,
    permit: Permit<ReadAppClientInfoSubscription>,
    PathId(id): PathId<SubscriptionId>,
) -> Result<Found<AcInfoSubscription>, Problem> {
    Ok(Found(clients.read(permit.principal(), id.as_str()).await?))
}

/// Replaces a subscription; its EAS never changes.
#[utoipa::path(put, path = "/subscriptions/{subscriptionId}", operation_id = "UpdateIndAppClientInfoSubscription",
    request_body = AcInfoSubscription,
    params(("subscriptionId" = String, Path, description = "Id of the subscription.")),
    responses(
        (status = 200, description = "Replaced.", body = AcInfoSubscription),
        (status = 204, description = "Replaced as asked; this server always answers 200."),
        CommonProblems))]
async fn replace_app_client_info_subscription(
    State(clients): Clients,
    permit: Permit<ReplaceAppClientInfoSubscription>,
    PathId(id): PathId<SubscriptionId>,
    Body(request): Body<AcInfoSubscription>,
) -> Result<Found<AcInfoSubscription>, Problem> {
    let change = Change::Replace(request);
    Ok(Found(clients.change(permit.principal(), id.as_str(), change).await?))
}

/// Changes parts of a subscription.
#[utoipa::path(patch, path = "/subscriptions/{subscriptionId}", operation_id = "ModifyIndAppClientInfoSubscription",
    request_body(content = AcInfoSubscriptionPatch, content_type = "application/merge-patch+json"),
    params(("subscriptionId" = String, Path, description = "Id of the subscription.")),
    responses(
        (status = 200, description = "Changed.", body = AcInfoSubscription),
        (status = 204, description = "Changed as asked; this server always answers 200."),
        CommonProblems))]
async fn modify_app_client_info_subscription(
    State(clients): Clients,
    permit: Permit<ModifyAppClientInfoSubscription>,
    PathId(id): PathId<SubscriptionId>,
    MergePatch(patch): MergePatch,
) -> Result<Found<AcInfoSubscription>, Problem> {
    let change = Change::Patch(patch);
    Ok(Found(clients.change(permit.principal(), id.as_str(), change).await?))
}

/// Ends a subscription.
#[utoipa::path(delete, path = "/subscriptions/{subscriptionId}", operation_id = "DeleteIndAppClientInfoSubscription",
    params(("subscriptionId" = String, Path, description = "Id of the subscription.")),
    responses((status = 204, description = "Ended."), CommonProblems))]
async fn unsubscribe_app_client_info(
    State(clients): Clients,
    permit: Permit<UnsubscribeAppClientInfo>,
    PathId(id): PathId<SubscriptionId>,
) -> Result<NoContent, Problem> {
    clients.unsubscribe(permit.principal(), id.as_str()).await?;
    Ok(NoContent)
}
