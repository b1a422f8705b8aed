//! What operators ask a core function for: its state, onboarding credentials, revocations; and what everybody may read: its root and its keys.
//! No 3GPP APIs, and so without OpenAPI documents.

use crate::proof;
use axum::{
    Router,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use edgeapp_capif::{
    core_function::CoreFunction,
    credential::{Credential, NewCredential},
    status::Status,
};
use edgeapp_core::{error::Error, operation};
use edgeapp_http::{
    problem::Problem,
    reply::{Created, Found, NoContent},
    request::{JsonBytes, PathId, Permit, Presented, ResourceUri},
};
use edgeapp_openapi::{capif::ApiInvokerId, ids::RegistrationId};
use public::{ReadKeys, ReadRoot};
use std::sync::Arc;

operation! {
    NewOnboardingCredential = "capif-operator:new-credential",
    ListOnboardingCredentials = "capif-operator:list-credentials",
    RevokeOnboardingCredential = "capif-operator:revoke-credential",
    RevokeInvoker = "capif-operator:revoke-invoker",
    ExpelInvoker = "capif-operator:expel-invoker",
    ReadStatus = "capif-operator:status",
}

/// What everybody may read is no matter of policies.
mod public {
    edgeapp_core::operation! {
        ReadKeys = "capif-public:keys",
        ReadRoot = "capif-public:root",
    }
}

type Core = State<Arc<CoreFunction>>;

/// What operators ask for, on their own port.
pub fn for_operators(core: Arc<CoreFunction>) -> Router {
    Router::new()
        .route("/capif", get(status))
        .route("/capif/credentials", post(new_credential).get(list_credentials))
        .route("/capif/credentials/{id}", delete(revoke_credential))
        .route("/capif/invokers/{id}/authorization", delete(revoke_invoker))
        .route("/capif/invokers/{id}", delete(expel_invoker))
        .with_state(core)
}

/// What everybody may read: the keys that tokens are verified with, and the root of all certificates.
pub fn for_everybody(core: Arc<CoreFunction>) -> Router {
    Router::new()
        .route("/.well-known/jwks.json", get(keys))
        .route("/ca-root", get(root))
        .with_state(core)
}

async fn status(State(core): Core, _: Permit<ReadStatus>) -> Result<Found<Status>, Problem> {
    Ok(Found(core.status().await?))
}

async fn new_credential(
    State(core): Core,
    permit: Permit<NewOnboardingCredential>,
    here: ResourceUri,
    JsonBytes(body): JsonBytes,
) -> Result<Response, Problem> {
    let wanted: NewCredential = serde_json::from_slice(&body)
        .map_err(|error| Error::mandatory_incorrect("", format!("is no credential to be made: {error}")))?;
    let told = core.new_credential(proof(&permit).principal, &wanted).await?;
    let mut response = Created::at(here.child(&told.credential.id), told).into_response();
    let never = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, never);
    Ok(response)
}

async fn list_credentials(
    State(core): Core,
    _: Permit<ListOnboardingCredentials>,
) -> Result<Found<Vec<Credential>>, Problem> {
    Ok(Found(core.credentials().await?))
}

async fn revoke_credential(
    State(core): Core,
    permit: Permit<RevokeOnboardingCredential>,
    PathId(id): PathId<RegistrationId>,
) -> Result<NoContent, Problem> {
    core.revoke_credential(permit.principal(), id.as_str()).await?;
    Ok(NoContent)
}

async fn revoke_invoker(
    State(core): Core,
    permit: Permit<RevokeInvoker>,
    PathId(id): PathId<ApiInvokerId>,
) -> Result<NoContent, Problem> {
    core.revoke_all(permit.principal(), &id).await?;
    Ok(NoContent)
}

async fn expel_invoker(
    State(core): Core,
    permit: Permit<ExpelInvoker>,
    PathId(id): PathId<ApiInvokerId>,
) -> Result<NoContent, Problem> {
    core.expel(permit.principal(), id.as_str()).await?;
    Ok(NoContent)
}

async fn keys(State(core): Core, _: Presented<ReadKeys>) -> Response {
    let mut response = Found(core.jwks()).into_response();
    let a_while = HeaderValue::from_static("max-age=60");
    response.headers_mut().insert(header::CACHE_CONTROL, a_while);
    response
}

async fn root(State(core): Core, _: Presented<ReadRoot>) -> Response {
    let media = HeaderValue::from_static("application/pem-certificate-chain");
    ([(header::CONTENT_TYPE, media)], core.authority().pem().to_owned()).into_response()
}
