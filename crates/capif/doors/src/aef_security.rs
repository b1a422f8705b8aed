//! AEF_Security_API (TS 29.222 clause 9.1): served by an exposing function to invokers and to its core function.

use axum::extract::State;
use edgeapp_capif::exposing::AefSecurity;
use edgeapp_core::operation;
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::Found,
    request::{Body, Permit},
};
use edgeapp_openapi::capif::aef_security::{
    CheckAuthenticationReq, CheckAuthenticationRsp, RevokeAuthorizationReq, RevokeAuthorizationRsp,
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation! {
    CheckAuthentication = "aef-security:check-authentication",
    RevokeAuthorization = "aef-security:revoke-authorization",
}

/// The API of this exposing function.
pub fn api(aef: Arc<dyn AefSecurity>) -> Api {
    let routes = OpenApiRouter::new()
        .routes(routes!(check_authentication))
        .routes(routes!(revoke_authorization))
        .with_state(aef);
    Api::new(
        "aef-security",
        "AEF_Security_API",
        "An exposing function makes sure that it knows an invoker, and takes authorizations back (TS 29.222 clause 9.1).",
        routes,
    )
}

/// Makes sure that the invoker is known here.
#[utoipa::path(post, path = "/check-authentication", operation_id = "CheckAuthentication",
    request_body = CheckAuthenticationReq,
    responses((status = 200, description = "The invoker is known.", body = CheckAuthenticationRsp), CommonProblems))]
async fn check_authentication(
    State(aef): State<Arc<dyn AefSecurity>>,
    permit: Permit<CheckAuthentication>,
    Body(request): Body<CheckAuthenticationReq>,
) -> Result<Found<CheckAuthenticationRsp>, Problem> {
    Ok(Found(aef.check_authentication(permit.principal(), &request).await?))
}

/// Takes authorizations of an invoker back.
#[utoipa::path(post, path = "/revoke-authorization", operation_id = "RevokeAuthorizationAtAEF",
    request_body = RevokeAuthorizationReq,
    responses((status = 200, description = "The authorizations are taken back.", body = RevokeAuthorizationRsp), CommonProblems))]
async fn revoke_authorization(
    State(aef): State<Arc<dyn AefSecurity>>,
    permit: Permit<RevokeAuthorization>,
    Body(request): Body<RevokeAuthorizationReq>,
) -> Result<Found<RevokeAuthorizationRsp>, Problem> {
    Ok(Found(aef.revoke_authorization(permit.principal(), &request).await?))
}
