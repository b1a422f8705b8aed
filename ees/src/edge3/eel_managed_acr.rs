//! Eees_EELManagedACR over EDGE-3 (TS 29.558 clause 8.8): an EAS leaves a relocation to the enabler layer and hears how it ended.

use super::app_contexts;
use axum::extract::State;
use edgeapp_core::operation;
use edgeapp_ees_domain::{acr::managed::EelManagedAcrs, act_status::ActStatusSubscriptions};
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::{Created, Found},
    request::{Body, PathId, Permit, ResourceUri},
};
use edgeapp_openapi::{
    eel_managed_acr::{ActStatusNotif, ActStatusSubsc, EelAcrReq, EelAcrResp},
    ids::SubscriptionId,
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation!(
    RequestEelManagedAcr = "eees-eel-acr:request",
    SubscribeActStatus = "eees-eel-acr:subscribe",
    ListActStatusSubscriptions = "eees-eel-acr:list",
    ReadActStatusSubscription = "eees-eel-acr:read",
);

const NAME: &str = "eees-eel-acr";
const REQUEST: &str = "/request-eelacr";

type Relocations = State<Arc<dyn EelManagedAcrs>>;
type Subscriptions = State<Arc<dyn ActStatusSubscriptions>>;

/// The API over these relocations and subscriptions.
pub fn api(relocations: Arc<dyn EelManagedAcrs>, subscriptions: Arc<dyn ActStatusSubscriptions>) -> Api {
    let requests = OpenApiRouter::new()
        .routes(routes!(request_eel_managed_acr))
        .with_state(relocations);
    let routes = OpenApiRouter::new()
        .routes(routes!(subscribe_act_status, list_act_status_subscriptions))
        .routes(routes!(read_act_status_subscription))
        .with_state(subscriptions);
    Api::new(
        NAME,
        "Eees_EELManagedACR",
        "Relocations that Edge Application Servers leave to the edge enabler layer (TS 29.558 clause 8.8).",
        requests.merge(routes),
    )
    .callback::<ActStatusNotif>(
        "CreateACTStatusSubsc",
        "ACTStatusNotification",
        "{$request.body#/notificationUri}/act-status",
    )
}

/// Leaves the relocation of an application of a UE to this EES.
///
/// The EES finds the EAS at the other end and hands over where the application context lies. Without `appCtxtStoreAddr` it makes
/// storage of its own and answers with its address: the context is put there with PUT, before the time for the relocation is over.
#[utoipa::path(post, path = "/request-eelacr", operation_id = "RequestEELManagedACR", request_body = EelAcrReq,
    responses(
        (status = 200, description = "Taken over; where the application context lies or has to be put.", body = EelAcrResp),
        CommonProblems))]
async fn request_eel_managed_acr(
    State(relocations): Relocations,
    permit: Permit<RequestEelManagedAcr>,
    here: ResourceUri,
    Body(request): Body<EelAcrReq>,
) -> Result<Found<EelAcrResp>, Problem> {
    let own = format!("/{NAME}/v1{REQUEST}");
    let root = here.as_str().strip_suffix(own.as_str()).unwrap_or_default();
    let uri_of = |token: &str| format!("{root}{}{token}", app_contexts::PATH);
    Ok(Found(relocations.request(permit.principal(), request, &uri_of).await?))
}

/// Subscribes an EAS to how its managed relocations end.
#[utoipa::path(post, path = "/subscriptions", operation_id = "CreateACTStatusSubsc", request_body = ActStatusSubsc,
    responses(
        (status = 201, description = "Subscribed.", body = ActStatusSubsc,
            headers(("Location" = String, description = "Absolute URI of the subscription."))),
        CommonProblems))]
async fn subscribe_act_status(
    State(subscriptions): Subscriptions,
    permit: Permit<SubscribeActStatus>,
    here: ResourceUri,
    Body(request): Body<ActStatusSubsc>,
) -> Result<Created<ActStatusSubsc>, Problem> {
    let (id, made) = subscriptions.subscribe(permit.principal(), request).await?;
    Ok(Created::at(here.child(id), made))
}

/// Shows all subscriptions of the calling EAS.
#[utoipa::path(get, path = "/subscriptions", operation_id = "GetACTStatusSubscriptions",
    responses((status = 200, description = "The subscriptions; none is an empty list.", body = [ActStatusSubsc]), CommonProblems))]
async fn list_act_status_subscriptions(
    State(subscriptions): Subscriptions,
    permit: Permit<ListActStatusSubscriptions>,
) -> Result<Found<Vec<ActStatusSubsc>>, Problem> {
    Ok(Found(subscriptions.all(permit.principal()).await?))
}

/// Shows one subscription.
#[utoipa::path(get, path = "/subscriptions/{subscriptionId}", operation_id = "GetACTStatusSubscription",
    params(("subscriptionId" = String, Path, description = "Id of the subscription.")),
    responses((status = 200, description = "The subscription.", body = ActStatusSubsc), CommonProblems))]
async fn read_act_status_subscription(
    State(subscriptions): Subscriptions,
    permit: Permit<ReadActStatusSubscription>,
    PathId(id): PathId<SubscriptionId>,
) -> Result<Found<ActStatusSubsc>, Problem> {
    Ok(Found(subscriptions.read(permit.principal(), id.as_str()).await?))
}
