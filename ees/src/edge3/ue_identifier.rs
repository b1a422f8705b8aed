//! Eees_UEIdentifier over EDGE-3, and over EDGE-1 for EECs (TS 29.558 clause 8.3; TS 24.558 clause 5.6).

use axum::extract::State;
use edgeapp_core::operation;
use edgeapp_ees_domain::ue_identifier::UeIdentifiers;
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::Found,
    request::{Body, Permit},
};
use edgeapp_openapi::{
    ids::Gpsi,
    ue_identifier::{UeIdInfo, UserInfo, UserInformation},
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation!(GetUeId = "eees-ueidentifier:get", FetchUeId = "eees-ueidentifier:fetch",);

type Identifiers = State<Arc<dyn UeIdentifiers>>;

/// The API over these identifiers.
pub fn api(identifiers: Arc<dyn UeIdentifiers>) -> Api {
    let routes = OpenApiRouter::new()
        .routes(routes!(get_ue_id))
        .routes(routes!(fetch_ue_id))
        .with_state(identifiers);
    Api::new(
        "eees-ueidentifier",
        "Eees_UEIdentifier",
        "Identifiers by which Edge Application Servers may know UEs (TS 29.558 clause 8.3).",
        routes,
    )
}

/// Tells the identifiers by which EASs may know a user, who is named or found by an address (TS 29.558 clause 8.3.3.3).
#[utoipa::path(post, path = "/get", operation_id = "GetUEId", request_body = UserInfo,
    responses((status = 200, description = "The identifiers.", body = UeIdInfo), CommonProblems))]
async fn get_ue_id(
    State(identifiers): Identifiers,
    permit: Permit<GetUeId>,
    Body(request): Body<UserInfo>,
) -> Result<Found<UeIdInfo>, Problem> {
    Ok(Found(identifiers.identify(permit.principal(), request).await?))
}

/// Tells the identifier that the core network gives for an address; the older form of the operation (TS 29.558 clause 8.3.3.2).
#[utoipa::path(post, path = "/fetch", operation_id = "FetchUEId", request_body = UserInformation,
    responses((status = 200, description = "The identifier.", body = Gpsi), CommonProblems))]
async fn fetch_ue_id(
    State(identifiers): Identifiers,
    permit: Permit<FetchUeId>,
    Body(request): Body<UserInformation>,
) -> Result<Found<Gpsi>, Problem> {
    Ok(Found(identifiers.fetch(permit.principal(), request).await?))
}
