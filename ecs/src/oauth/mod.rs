//! The authorization server over HTTP: OAuth 2.0 by client credentials and mutual TLS (RFC 6749, RFC 8705), its metadata (RFC 8414),
//! keys (RFC 7517), revocation (RFC 7009), and the list of what was revoked, for EESs. No 3GPP API: refusals are those of OAuth, and
//! there is no OpenAPI document. `docs/tokens.md` describes it.

pub mod registry_file;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use edgeapp_core::{authorizer::Operation, error::Error, operation};
use edgeapp_ecs_domain::tokens::{
    refusal::{OauthError, Refusal},
    request::{MOST_PARAMETERS, compromised},
    service::{By, TokenService},
};
use edgeapp_http::{
    problem::{Problem, SaysItself},
    request::{Permit, ResourceUri, read_at_most},
};
use serde::Serialize;
use std::sync::Arc;

operation! {
    IssueToken = "oauth2:token",
    RevokeToken = "oauth2:revoke",
    ReadMetadata = "oauth2:metadata",
    ReadKeys = "oauth2:keys",
    ReadRevocations = "oauth2:revocations",
    RevokeAnyToken = "oauth2:revoke-any",
    RotateKeys = "oauth2:rotate-keys",
}

/// Largest body of a request, in bytes.
const MAX_FORM: usize = 16 * 1024;
/// Where the metadata is.
const METADATA: &str = "/.well-known/oauth-authorization-server";
/// How long keys and metadata may be kept, in seconds.
const MAX_AGE: &str = "max-age=300";

type Tokens = State<Arc<TokenService>>;

/// What clients ask for: on EDGE-4.
pub fn for_clients(service: Arc<TokenService>) -> Router {
    Router::new()
        .route("/oauth2/token", post(issue))
        .route("/oauth2/revoke", post(revoke))
        .route("/jwks", get(keys))
        .route(METADATA, get(metadata))
        .with_state(service)
}

/// What EESs ask for: the same, as clients, and what was revoked of the tokens for them. On EDGE-6.
pub fn for_eess(service: Arc<TokenService>) -> Router {
    let list = Router::new().route("/oauth2/revocations", get(revocations));
    for_clients(service.clone()).merge(list.with_state(service))
}

/// What operators ask for: on their own port.
pub fn for_operators(service: Arc<TokenService>) -> Router {
    Router::new()
        .route("/oauth2/revoke", post(revoke_any))
        .route("/oauth2/rotate-keys", post(rotate))
        .with_state(service)
}

/// A refusal on its way out, with the certain status and headers of RFC 6749 clause 5.2.
struct Refused {
    refusal: Refusal,
    /// The client tried the `Authorization` header.
    by_header: bool,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self {
            refusal,
            by_header: false,
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let error = self.refusal.error;
        let status = match error {
            OauthError::InvalidClient => StatusCode::UNAUTHORIZED,
            OauthError::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        let mut response = json(status, &self.refusal);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if self.by_header {
            let challenge = HeaderValue::from_static("Basic realm=\"none: use a client certificate\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        not_stored(&mut response);
        response.extensions_mut().insert(SaysItself { reason: error.as_str() });
        response
    }
}

fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => {
            let media = HeaderValue::from_static("application/json");
            (status, [(header::CONTENT_TYPE, media)], body).into_response()
        }
        Err(error) => Problem::from(Error::internal(error)).into_response(),
    }
}

fn not_stored(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
}

fn kept_for_a_while(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static(MAX_AGE));
    response
}

/// The parameters in a body. Those of the query do not count: addresses end up in logs.
async fn form(headers: &HeaderMap, body: Body) -> Result<Vec<(String, String)>, Box<Response>> {
    let refuse = |description| {
        let refusal = Refusal::new(OauthError::InvalidRequest, description);
        Box::new(Refused::from(refusal).into_response())
    };
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = media
        .and_then(|media| media.split(';').next())
        .unwrap_or_default()
        .trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
        || headers.contains_key(header::CONTENT_ENCODING)
    {
        return Err(refuse("send the parameters as application/x-www-form-urlencoded"));
    }
    let body = read_at_most(body, MAX_FORM)
        .await
        .map_err(|problem| Box::new(problem.into_response()))?;
    if std::str::from_utf8(&body).is_err() {
        return Err(refuse("the parameters are not UTF-8"));
    }
    // One more than there may be: that many are refused.
    let parameters = url::form_urlencoded::parse(&body).into_owned();
    Ok(parameters.take(MOST_PARAMETERS + 1).collect())
}

/// No parameters: a body without a type has to be empty.
async fn nothing(body: Body) -> Result<Vec<(String, String)>, Box<Response>> {
    match read_at_most(body, MAX_FORM).await {
        Ok(body) if body.is_empty() => Ok(Vec::new()),
        Ok(_) => {
            let description = "send the parameters as application/x-www-form-urlencoded";
            let refusal = Refusal::new(OauthError::InvalidRequest, description);
            Err(Box::new(Refused::from(refusal).into_response()))
        }
        Err(problem) => Err(Box::new(problem.into_response())),
    }
}

fn by<Op: Operation>(permit: &Permit<Op>) -> By<'_> {
    By {
        principal: permit.principal(),
        from: permit.from(),
    }
}

async fn issue(State(tokens): Tokens, permit: Permit<IssueToken>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if parts.headers.contains_key(header::AUTHORIZATION) {
        let description = "the certificate authenticates the client; leave the Authorization header out";
        return Refused {
            refusal: Refusal::new(OauthError::InvalidClient, description),
            by_header: true,
        }
        .into_response();
    }
    let parameters = match form(&parts.headers, body).await {
        Ok(parameters) => parameters,
        Err(refused) => return *refused,
    };
    let Some(thumbprint) = permit.thumbprint() else {
        return Problem::from(Error::internal("a request without a certificate")).into_response();
    };
    match tokens.issue(by(&permit), thumbprint, &parameters).await {
        Ok(issued) => {
            let mut response = json(StatusCode::OK, &issued);
            not_stored(&mut response);
            response
        }
        Err(refusal) => Refused::from(refusal).into_response(),
    }
}

async fn revoke(State(tokens): Tokens, permit: Permit<RevokeToken>, request: Request) -> Response {
    revoke_for(&tokens, by(&permit), request).await
}

async fn revoke_any(State(tokens): Tokens, permit: Permit<RevokeAnyToken>, request: Request) -> Response {
    revoke_for(&tokens, by(&permit), request).await
}

async fn revoke_for(tokens: &TokenService, by: By<'_>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let parameters = match form(&parts.headers, body).await {
        Ok(parameters) => parameters,
        Err(refused) => return *refused,
    };
    match tokens.revoke(by, &parameters).await {
        Ok(()) => {
            let mut response = StatusCode::OK.into_response();
            not_stored(&mut response);
            response
        }
        Err(refusal) => Refused::from(refusal).into_response(),
    }
}

/// `compromised=true`: all keys are withdrawn, and with them all tokens. Without parameters the body may be absent.
async fn rotate(State(tokens): Tokens, permit: Permit<RotateKeys>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let parameters = if parts.headers.contains_key(header::CONTENT_TYPE) {
        form(&parts.headers, body).await
    } else {
        nothing(body).await
    };
    let compromised = match parameters.map(|parameters| compromised(&parameters)) {
        Ok(Ok(compromised)) => compromised,
        Ok(Err(refusal)) => return Refused::from(refusal).into_response(),
        Err(refused) => return *refused,
    };
    match tokens.rotate(by(&permit), compromised).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => Problem::from(error).into_response(),
    }
}

async fn keys(State(tokens): Tokens, _: Permit<ReadKeys>) -> Response {
    kept_for_a_while(json(StatusCode::OK, &tokens.keys()))
}

async fn metadata(State(tokens): Tokens, _: Permit<ReadMetadata>, here: ResourceUri) -> Response {
    let root = here.as_str().strip_suffix(METADATA).unwrap_or_default();
    kept_for_a_while(json(StatusCode::OK, &tokens.metadata(root)))
}

async fn revocations(State(tokens): Tokens, permit: Permit<ReadRevocations>) -> Response {
    match tokens.revocations(permit.principal().id()).await {
        Ok(list) => {
            let media = HeaderValue::from_static("application/jwt");
            let mut response = ([(header::CONTENT_TYPE, media)], list).into_response();
            not_stored(&mut response);
            response
        }
        Err(error) => Problem::from(error).into_response(),
    }
}
