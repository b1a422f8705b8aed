//! CAPIF_Security_API (TS 29.222 clause 8.5). Refusals of the token operation are those of RFC 6749.

use crate::proof;
use axum::{
    body::Body as HttpBody,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use edgeapp_capif::{core_function::CoreFunction, token::NoToken};
use edgeapp_core::{error::Error, operation};
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem, SaysItself},
    reply::{Created, Found, NoContent},
    request::{Body, PathId, Permit, QueryPairs, ResourceUri, read_at_most},
};
use edgeapp_openapi::{
    capif::{
        ApiInvokerId,
        security::{AccessTokenErr, AccessTokenReq, AccessTokenRsp, SecurityNotification, ServiceSecurity, TokenError},
    },
    query::Parameters,
};
use serde::Serialize;
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation! {
    AgreeOnMethods = "capif-security:create",
    UpdateMethods = "capif-security:update",
    ReadTrusted = "capif-security:read",
    RevokeTrusted = "capif-security:revoke",
    RevokeApis = "capif-security:revoke-apis",
    IssueToken = "capif-security:token",
}

/// Largest form, in bytes.
const MAX_FORM: usize = 64 * 1024;

type Core = State<Arc<CoreFunction>>;

/// The API of this core function.
pub fn api(core: Arc<CoreFunction>) -> Api {
    let routes = OpenApiRouter::new()
        .routes(routes!(agree_on_methods, read_trusted, revoke_trusted))
        .routes(routes!(update_methods))
        .routes(routes!(revoke_apis))
        .routes(routes!(issue_token))
        .with_state(core);
    Api::new(
        "capif-security",
        "CAPIF_Security_API",
        "An API invoker agrees on security methods and gets tokens; exposing functions learn and revoke (TS 29.222 clause 8.5).",
        routes,
    )
    .callback::<SecurityNotification>(
        "CreateSecurityContext",
        "notificationDestination",
        "{$request.body#/notificationDestination}",
    )
    .schema::<AccessTokenErr>()
}

/// Agrees on a method for each interface, in place of what was agreed on before.
#[utoipa::path(put, path = "/trustedInvokers/{apiInvokerId}", operation_id = "CreateSecurityContext",
    params(("apiInvokerId" = String, Path, description = "The API invoker.")),
    request_body = ServiceSecurity,
    responses(
        (status = 201, description = "The methods; an entry without one has none in common.", body = ServiceSecurity,
            headers(("Location" = String, description = "The URI of the security context."))),
        CommonProblems))]
async fn agree_on_methods(
    State(core): Core,
    permit: Permit<AgreeOnMethods>,
    PathId(id): PathId<ApiInvokerId>,
    here: ResourceUri,
    Body(request): Body<ServiceSecurity>,
) -> Result<Created<ServiceSecurity>, Problem> {
    let agreed = core.agree(&proof(&permit), &id, &request, false).await?;
    Ok(Created::at(here.as_str().to_owned(), agreed))
}

/// Agrees on methods anew.
#[utoipa::path(post, path = "/trustedInvokers/{apiInvokerId}/update", operation_id = "UpdateSecurityContext",
    params(("apiInvokerId" = String, Path, description = "The API invoker.")),
    request_body = ServiceSecurity,
    responses((status = 200, description = "The methods.", body = ServiceSecurity), CommonProblems))]
async fn update_methods(
    State(core): Core,
    permit: Permit<UpdateMethods>,
    PathId(id): PathId<ApiInvokerId>,
    Body(request): Body<ServiceSecurity>,
) -> Result<Found<ServiceSecurity>, Problem> {
    Ok(Found(core.agree(&proof(&permit), &id, &request, true).await?))
}

/// What the calling exposing function has to know of an invoker.
#[utoipa::path(get, path = "/trustedInvokers/{apiInvokerId}", operation_id = "ReadSecurityContext",
    params(("apiInvokerId" = String, Path, description = "The API invoker."),
        ("authenticationInfo" = Option<bool>, Query, description = "Tell what the invoker is known by."),
        ("authorizationInfo" = Option<bool>, Query, description = "Tell what the invoker may use.")),
    responses((status = 200, description = "The entries that are about the caller.", body = ServiceSecurity), CommonProblems))]
async fn read_trusted(
    State(core): Core,
    permit: Permit<ReadTrusted>,
    PathId(id): PathId<ApiInvokerId>,
    QueryPairs(pairs): QueryPairs,
) -> Result<Found<ServiceSecurity>, Problem> {
    let given = Parameters::new(pairs);
    let authentication = given.flag("authenticationInfo").map_err(Error::from)?;
    let authorization = given.flag("authorizationInfo").map_err(Error::from)?;
    Ok(Found(
        core.trusted(&proof(&permit), &id, authentication, authorization)
            .await?,
    ))
}

/// Takes back all that an invoker may use of the calling exposing function.
#[utoipa::path(delete, path = "/trustedInvokers/{apiInvokerId}", operation_id = "DeleteSecurityContext",
    params(("apiInvokerId" = String, Path, description = "The API invoker.")),
    responses((status = 204, description = "The invoker may use nothing of the caller any more."), CommonProblems))]
async fn revoke_trusted(
    State(core): Core,
    permit: Permit<RevokeTrusted>,
    PathId(id): PathId<ApiInvokerId>,
) -> Result<NoContent, Problem> {
    core.take_back(&proof(&permit), &id, None).await?;
    Ok(NoContent)
}

/// Takes back what an invoker may do with some APIs of the calling exposing function.
#[utoipa::path(post, path = "/trustedInvokers/{apiInvokerId}/delete", operation_id = "RevokeAuthorization",
    params(("apiInvokerId" = String, Path, description = "The API invoker.")),
    request_body = SecurityNotification,
    responses((status = 204, description = "The invoker may not use these APIs any more."), CommonProblems))]
async fn revoke_apis(
    State(core): Core,
    permit: Permit<RevokeApis>,
    PathId(id): PathId<ApiInvokerId>,
    Body(request): Body<SecurityNotification>,
) -> Result<NoContent, Problem> {
    core.take_back(&proof(&permit), &id, Some(&request)).await?;
    Ok(NoContent)
}

fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    let Ok(body) = serde_json::to_vec(value) else {
        return Problem::from(Error::internal("an answer cannot be written")).into_response();
    };
    let media = HeaderValue::from_static("application/json");
    let mut response = (status, [(header::CONTENT_TYPE, media)], body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

fn reason(error: TokenError) -> &'static str {
    match error {
        TokenError::InvalidRequest => "invalid_request",
        TokenError::InvalidClient => "invalid_client",
        TokenError::InvalidGrant => "invalid_grant",
        TokenError::UnauthorizedClient => "unauthorized_client",
        TokenError::UnsupportedGrantType => "unsupported_grant_type",
        TokenError::InvalidScope => "invalid_scope",
    }
}

/// A refusal as RFC 6749 clause 5.2 says it: 401 where the client tried to authenticate by the header or with a wrong secret.
fn refused(error: &AccessTokenErr, by_header: bool) -> Response {
    let secret = error
        .error_description
        .as_deref()
        .is_some_and(|why| why.starts_with("the secret"));
    let unauthorized = error.error == TokenError::InvalidClient && (by_header || secret);
    let status = match unauthorized {
        true => StatusCode::UNAUTHORIZED,
        false => StatusCode::BAD_REQUEST,
    };
    let mut response = json(status, error);
    if by_header && unauthorized {
        let challenge = HeaderValue::from_static("Basic realm=\"capif-security\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response.extensions_mut().insert(SaysItself {
        reason: reason(error.error),
    });
    response
}

fn unreadable(description: &str) -> Response {
    let error = AccessTokenErr {
        error: TokenError::InvalidRequest,
        error_description: Some(description.to_owned()),
        error_uri: None,
    };
    refused(&error, false)
}

/// The parameters in a body.
async fn form(headers: &HeaderMap, body: HttpBody) -> Result<Vec<(String, String)>, Box<Response>> {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = media
        .and_then(|media| media.split(';').next())
        .unwrap_or_default()
        .trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
        || headers.contains_key(header::CONTENT_ENCODING)
    {
        return Err(Box::new(unreadable(
            "send the parameters as application/x-www-form-urlencoded",
        )));
    }
    let body = read_at_most(body, MAX_FORM)
        .await
        .map_err(|problem| Box::new(problem.into_response()))?;
    if std::str::from_utf8(&body).is_err() {
        return Err(Box::new(unreadable("the parameters are not UTF-8")));
    }
    Ok(url::form_urlencoded::parse(&body).into_owned().collect())
}

/// Identifier and secret of an `Authorization: Basic` header, `None` when there is none.
fn basic(headers: &HeaderMap) -> Result<Option<(String, String)>, Box<Response>> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let Some(first) = given.next() else { return Ok(None) };
    let wrong = || {
        Box::new(unreadable(
            "the Authorization header is not one Basic header of identifier and onboarding secret",
        ))
    };
    if given.next().is_some() {
        return Err(wrong());
    }
    let text = first.to_str().map_err(|_| wrong())?;
    let (scheme, coded) = text.split_once(' ').ok_or_else(wrong)?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return Err(wrong());
    }
    let plain = STANDARD.decode(coded.trim()).map_err(|_| wrong())?;
    let plain = String::from_utf8(plain).map_err(|_| wrong())?;
    let (id, secret) = plain.split_once(':').ok_or_else(wrong)?;
    Ok(Some((id.to_owned(), secret.to_owned())))
}

/// Issues a token, bound to the certificate of the connection.
#[utoipa::path(post, path = "/securities/{securityId}/token", operation_id = "ObtainAccessToken",
    params(("securityId" = String, Path, description = "The API invoker.")),
    request_body(content = AccessTokenReq, content_type = "application/x-www-form-urlencoded"),
    responses(
        CommonProblems,
        (status = 200, description = "The token.", body = AccessTokenRsp),
        (status = 400, description = "Why there is none.", body = AccessTokenErr),
        (status = 401, description = "The client is not who it says.", body = AccessTokenErr)))]
async fn issue_token(
    State(core): Core,
    permit: Permit<IssueToken>,
    PathId(id): PathId<ApiInvokerId>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let basic = match basic(&parts.headers) {
        Ok(basic) => basic,
        Err(refused) => return *refused,
    };
    let form = match form(&parts.headers, body).await {
        Ok(form) => form,
        Err(refused) => return *refused,
    };
    let by_header = basic.is_some();
    let basic = basic.as_ref().map(|(id, secret)| (id.as_str(), secret.as_str()));
    match core.issue_token(&proof(&permit), id.as_str(), &form, basic).await {
        Ok(token) => json(StatusCode::OK, &token),
        Err(NoToken::Refused(error)) => refused(&error, by_header),
        Err(NoToken::Problem(error)) => Problem::from(error).into_response(),
    }
}
