//! What a handler is given: who asks, for what, with which body. Each extractor refuses by itself.

use crate::problem::Problem;
use axum::{
    body::Body as HttpBody,
    extract::{FromRequest, FromRequestParts, RawPathParams, Request},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header, request::Parts, uri::Authority},
};
use bytes::{Bytes, BytesMut};
use edgeapp_core::{
    authorizer::{Ask, Authorizer, Credentials, Operation, ReferencePoint},
    error::{Cause, Error, Kind},
    evidence::Evidence,
    parse::{self, Wire},
    principal::Principal,
    token::Thumbprint,
};
use edgeapp_openapi::easdf::patch::PatchItem;
use http_body_util::BodyExt;
use std::{
    convert::Infallible,
    marker::PhantomData,
    net::IpAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

/// Largest body accepted, in bytes.
pub const MAX_BODY: usize = 256 * 1024;
/// Bytes of a body that is too large that are still taken, and thrown away: who is sending does not listen yet, and would lose the
/// answer with the connection.
pub const MAX_DISCARDED: usize = 16 * 1024 * 1024;
/// How long a body may take to arrive.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// The media type of PATCH bodies (RFC 7396).
pub const MERGE_PATCH_JSON: &str = "application/merge-patch+json";
/// The media type of those of the core network's APIs (RFC 6902).
pub const JSON_PATCH_JSON: &str = "application/json-patch+json";

/// The connection a request came by: who is at its other end, and by which reference point. One per connection.
pub struct Peer {
    /// Who is there, or why nobody is.
    pub principal: Result<Arc<Principal>, Error>,
    /// The certificate that was proved.
    pub thumbprint: Option<Thumbprint>,
    /// The reference point of the listener.
    pub point: ReferencePoint,
    /// Decides what the peer may use.
    pub authorizer: Arc<dyn Authorizer>,
    /// The address at its other end, where it is known.
    pub from: Option<IpAddr>,
    /// Is told what security asks to be remembered.
    pub evidence: Arc<dyn Evidence>,
    /// `apiRoot` of the listener when it is configured: scheme, authority and prefix without a slash at the end.
    pub api_root: Option<Arc<str>>,
}

/// What is known of one request while it is served; log, metrics and ProblemDetails share it.
#[derive(Debug)]
pub struct Facts {
    pub(crate) number: u64,
    pub(crate) operation: OnceLock<&'static str>,
}

/// Proof that the authorizer allowed the caller this operation. Room methods ask for a principal, and in a door the only one at hand
/// is the permit's: no permit, nothing to call.
pub struct Permit<Op> {
    principal: Arc<Principal>,
    thumbprint: Option<Thumbprint>,
    from: Option<IpAddr>,
    operation: PhantomData<fn() -> Op>,
}

impl<Op: Operation> Permit<Op> {
    /// Asks the authorizer of a connection, for a request that presents these.
    ///
    /// # Errors
    /// When nobody proved to be there, or the authorizer refuses.
    pub fn ask(peer: &Peer, credentials: Credentials<'_>) -> Result<Self, Error> {
        let principal = peer.principal.clone()?;
        let ask = Ask::new(&principal, peer.point, Op::NAME)
            .presenting(credentials, peer.thumbprint.as_ref())
            .coming_from(peer.from);
        peer.authorizer.authorize(&ask)?;
        Ok(Self {
            principal,
            thumbprint: peer.thumbprint,
            from: peer.from,
            operation: PhantomData,
        })
    }

    /// Who got the permit.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The certificate by which that was proved.
    pub fn thumbprint(&self) -> Option<&Thumbprint> {
        self.thumbprint.as_ref()
    }

    /// The address that the request comes from, where it is known: for evidence.
    pub fn from(&self) -> Option<IpAddr> {
        self.from
    }
}

/// What a caller presents who may have no certificate yet: for the operations by which one is got. There is no permit and no principal;
/// who asks is decided by the credential.
pub struct Presented<Op> {
    credential: Option<String>,
    operation: PhantomData<fn() -> Op>,
}

impl<Op> Presented<Op> {
    /// The credential in `Authorization: Bearer`, if there is one that can be read.
    pub fn credential(&self) -> Option<&str> {
        self.credential.as_deref()
    }
}

impl<S: Send + Sync, Op: Operation> FromRequestParts<S> for Presented<Op> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        if let Some(facts) = parts.extensions.get::<Arc<Facts>>() {
            let _ = facts.operation.set(Op::NAME);
        }
        let credential = match credentials(parts) {
            Credentials::Bearer(credential) => Some(credential.to_owned()),
            Credentials::None => None,
            Credentials::Unclear => {
                return Err(Problem::new(
                    StatusCode::BAD_REQUEST,
                    Cause::InvalidMsgFormat,
                    "the Authorization header cannot be read, or is there more than once",
                ));
            }
        };
        Ok(Self {
            credential,
            operation: PhantomData,
        })
    }
}

/// What a request presents in `Authorization` (RFC 6750 clause 2.1). A token anywhere else counts for nothing, except that two are
/// one too many.
pub fn presented<'a>(headers: &'a HeaderMap, uri: &Uri) -> Credentials<'a> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let Some(first) = given.next() else {
        return Credentials::None;
    };
    if given.next().is_some() {
        return Credentials::Unclear;
    }
    let Ok(text) = first.to_str() else {
        return Credentials::Unclear;
    };
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Credentials::None;
    }
    let in_query = |query: &str| url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "access_token");
    match token.trim_matches(' ') {
        "" => Credentials::Unclear,
        _ if uri.query().is_some_and(in_query) => Credentials::Unclear,
        token => Credentials::Bearer(token),
    }
}

fn credentials(parts: &Parts) -> Credentials<'_> {
    presented(&parts.headers, &parts.uri)
}

impl<S: Send + Sync, Op: Operation> FromRequestParts<S> for Permit<Op> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        if let Some(facts) = parts.extensions.get::<Arc<Facts>>() {
            let _ = facts.operation.set(Op::NAME);
        }
        let Some(peer) = parts.extensions.get::<Arc<Peer>>() else {
            return Err(Error::internal("a request without a peer").into());
        };
        Ok(Self::ask(peer, credentials(parts))?)
    }
}

/// A JSON body, parsed. Take it last: who and whether come before what.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: Wire> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        media_type(request.headers(), "application/json")?;
        Ok(Self(parse::from_slice(&read(request.into_body()).await?)?))
    }
}

/// A body of JSON that can be read but was not understood yet: for what is understood further inside. Take it last.
pub struct JsonBytes(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonBytes {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        media_type(request.headers(), "application/json")?;
        let body = read(request.into_body()).await?;
        parse::check_slice(&body)?;
        Ok(Self(body))
    }
}

/// A JSON merge patch (RFC 7396), not yet applied. Take it last.
pub struct MergePatch(pub serde_json::Value);

impl<S: Send + Sync> FromRequest<S> for MergePatch {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        media_type(request.headers(), MERGE_PATCH_JSON)
            .map_err(|problem| problem.with_header(ACCEPT_PATCH, HeaderValue::from_static(MERGE_PATCH_JSON)))?;
        let body = read(request.into_body()).await?;
        // Also refuses repeated members, which plain values would swallow.
        Ok(Self(parse::patch_from_slice(&body)?))
    }
}

/// A JSON patch (RFC 6902), not yet applied. Take it last.
pub struct JsonPatch(pub Vec<PatchItem>);

impl<S: Send + Sync> FromRequest<S> for JsonPatch {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        media_type(request.headers(), JSON_PATCH_JSON)
            .map_err(|problem| problem.with_header(ACCEPT_PATCH, HeaderValue::from_static(JSON_PATCH_JSON)))?;
        let body = read(request.into_body()).await?;
        Ok(Self(parse::json_patch_from_slice(&body)?))
    }
}

const ACCEPT_PATCH: header::HeaderName = header::HeaderName::from_static("accept-patch");

fn media_type(headers: &HeaderMap, wanted: &'static str) -> Result<(), Problem> {
    let refuse = |detail: String| Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, Cause::UnsupportedMediaType, detail);
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(refuse("send the body without a content encoding".to_owned()));
    }
    let given = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(wanted) {
        Ok(())
    } else {
        Err(refuse(format!("send the body as {wanted}")))
    }
}

/// Takes the rest of a body without keeping any of it.
async fn discard(mut body: HttpBody, mut left: usize) {
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        if length > left {
            return;
        }
        left -= length;
    }
}

async fn read(body: HttpBody) -> Result<Bytes, Problem> {
    read_at_most(body, MAX_BODY).await
}

/// A body of any kind, of at most `limit` bytes.
///
/// # Errors
/// 413 when it is longer, 408 when it does not arrive in time, 400 when it breaks off.
pub async fn read_at_most(mut body: HttpBody, limit: usize) -> Result<Bytes, Problem> {
    let too_large = || {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            Cause::PayloadTooLarge,
            format!("a body has at most {limit} bytes"),
        )
    };
    let collect = async {
        let mut first: Option<Bytes> = None;
        let mut rest = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Error::new(Kind::Invalid, Cause::InvalidMsgFormat, "the body broke off"))?;
            let Ok(data) = frame.into_data() else { continue };
            let length = first.as_ref().map_or(0, Bytes::len) + rest.len() + data.len();
            if length > limit {
                discard(body, MAX_DISCARDED.saturating_sub(length)).await;
                return Err(too_large());
            }
            match &first {
                None => first = Some(data),
                Some(head) => {
                    if rest.is_empty() {
                        rest.extend_from_slice(head);
                        first = Some(Bytes::new());
                    }
                    rest.extend_from_slice(&data);
                }
            }
        }
        Ok(if rest.is_empty() {
            first.unwrap_or_default()
        } else {
            rest.freeze()
        })
    };
    match tokio::time::timeout(BODY_TIMEOUT, collect).await {
        Ok(body) => body,
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            Cause::RequestTimeout,
            "the body did not arrive in time",
        )),
    }
}

/// The absolute URI of the resource that a request went to, under the apiRoot the client used.
#[derive(Clone, Debug)]
pub struct ResourceUri(String);

impl ResourceUri {
    /// The URI of a resource below this one.
    pub fn child(&self, id: impl std::fmt::Display) -> String {
        format!("{}/{id}", self.0.trim_end_matches('/'))
    }

    /// The URI itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ResourceUri {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let path = parts
            .extensions
            .get::<axum::extract::OriginalUri>()
            .map_or(parts.uri.path(), |original| original.path());
        match parts
            .extensions
            .get::<Arc<Peer>>()
            .and_then(|peer| peer.api_root.as_ref())
        {
            Some(root) => Ok(Self(format!("{root}{path}"))),
            None => Ok(Self(format!(
                "https://{}{path}",
                authority(&parts.uri, &parts.headers)?
            ))),
        }
    }
}

/// The authority that a request is for: one, and nothing but host and port.
pub(crate) fn authority(uri: &Uri, headers: &HeaderMap) -> Result<Authority, Problem> {
    let refuse = |reason| Problem::new(StatusCode::BAD_REQUEST, Cause::InvalidMsgFormat, reason);
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts
        .next()
        .map(|host| Authority::try_from(host.as_bytes()))
        .transpose();
    let host = host.map_err(|_| refuse("the Host header is no host and port"))?;
    if hosts.next().is_some() {
        return Err(refuse("the request has more than one Host header"));
    }
    match uri.authority().cloned().or(host) {
        Some(authority) if authority.as_str().contains('@') => Err(refuse("the authority carries user information")),
        Some(authority) if !authority.host().is_empty() => Ok(authority),
        _ => Err(refuse("the request does not say which host it is for")),
    }
}

/// The identifier in the path, parsed. One that cannot be an identifier names nothing: 404.
pub struct PathId<T>(pub T);

impl<S: Send + Sync, T: std::str::FromStr> FromRequestParts<S> for PathId<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let nothing = || {
            Problem::new(
                StatusCode::NOT_FOUND,
                Cause::ResourceUriStructureNotFound,
                "the path names no resource",
            )
        };
        let path = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| nothing())?;
        let (_, id) = path.iter().last().ok_or_else(nothing)?;
        if id.contains(['/', '\\', '\0']) || id.contains("..") {
            return Err(nothing());
        }
        id.parse().map(Self).map_err(|_| nothing())
    }
}

/// The first and the last identifier in the path, parsed. What cannot be an identifier names nothing: 404.
pub struct PathIds<A, B>(pub A, pub B);

impl<S: Send + Sync, A: std::str::FromStr, B: std::str::FromStr + Send> FromRequestParts<S> for PathIds<A, B> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let nothing = || {
            Problem::new(
                StatusCode::NOT_FOUND,
                Cause::ResourceUriStructureNotFound,
                "the path names no resource",
            )
        };
        let path = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| nothing())?;
        let first = path.iter().next().map(|(_, id)| id.to_owned()).ok_or_else(nothing)?;
        if first.contains(['/', '\\', '\0']) || first.contains("..") {
            return Err(nothing());
        }
        let PathId(last) = PathId::from_request_parts(parts, state).await?;
        let first = first.parse().map_err(|_| nothing())?;
        Ok(Self(first, last))
    }
}

/// The query string as decoded name and value pairs.
pub struct QueryPairs(pub Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for QueryPairs {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self(
            url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_once_and_in_the_header() {
        let given = |uri: &str, headers: &[&'static str]| {
            let mut request = Request::builder().uri(uri);
            for value in headers {
                request = request.header(header::AUTHORIZATION, *value);
            }
            let (parts, _) = request.body(()).expect("a request").into_parts();
            match credentials(&parts) {
                Credentials::None => "none".to_owned(),
                Credentials::Unclear => "unclear".to_owned(),
                Credentials::Bearer(token) => format!("<{token}>"),
            }
        };
        for (uri, headers, wanted) in [
            ("/a", &[][..], "none"),
            ("/a?access_token=x", &[], "none"),
            ("/a", &["Basic dTpw"], "none"),
            ("/a", &["Bearer x.y.z"], "<x.y.z>"),
            ("/a?b=access_token", &["bearer  x "], "<x>"),
            ("/a", &["Bearer x y"], "<x y>"),
            ("/a", &["Bearer"], "unclear"),
            ("/a", &["Bearer  "], "unclear"),
            ("/a", &["Bearer x", "Bearer x"], "unclear"),
            ("/a?b&access_token=x", &["Bearer x"], "unclear"),
            ("/a?%61ccess_token=x", &["Bearer x"], "unclear"),
        ] {
            assert_eq!(given(uri, headers), wanted, "{uri} {headers:?}");
        }
    }

    #[test]
    fn a_location_begins_with_one_plain_authority() {
        let verdict = |uri: &str, hosts: &[&'static str]| {
            let hosts = hosts
                .iter()
                .map(|host| (header::HOST, HeaderValue::from_static(host)))
                .collect();
            authority(&uri.parse().expect("a URI"), &hosts)
                .ok()
                .map(|authority| authority.to_string())
        };
        assert_eq!(
            verdict("/a", &["ees.example:8443"]).as_deref(),
            Some("ees.example:8443")
        );
        assert_eq!(
            verdict("https://ees.example/a", &["other.example"]).as_deref(),
            Some("ees.example")
        );
        for (uri, hosts) in [
            ("/a", &[][..]),
            ("/a", &[""]),
            ("/a", &["a.example", "b.example"]),
            ("/a", &["evil.example/x?y#z"]),
            ("/a", &["a b"]),
            ("/a", &["user@a.example"]),
            ("https://user@a.example/a", &[]),
        ] {
            assert_eq!(verdict(uri, hosts), None, "{uri} {hosts:?}");
        }
    }
}
