//! Who comes in over EDGE-3 when it is exposed through CAPIF: whoever shows a token of the core function for the API, or is trusted by its
//! certificate (method PKI). What roles and local policy say stands behind it and decides as well.

use super::{
    journal::{Invocation, Writer},
    upkeep::Link,
};
use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, Version, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use edgeapp_capif::{
    admission::{Admission, Excess},
    exposing::{Exposing, Flaw},
};
use edgeapp_core::{
    authorizer::Credentials,
    clock::trust::Trust as ClockTrust,
    error::{Cause, Error},
    evidence::{SecurityEvent, SecurityEventKind},
    principal::Principal,
    room::Room,
};
use edgeapp_http::{
    problem::Problem,
    request::{Peer, presented},
};
use edgeapp_openapi::capif::{
    logging::Log,
    publish_service::{InterfaceDescription, Operation, Protocol},
};
use std::{
    collections::BTreeSet,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{Notify, watch};

/// How long an invocation waits for the publication of its API to be confirmed.
const UNTIL_PUBLISHED: Duration = Duration::from_secs(5);

/// What the gate is made of.
pub(crate) struct Parts {
    pub(crate) exposing: Arc<Exposing>,
    pub(crate) admission: Arc<Admission>,
    /// Where invocations are put down; nowhere when nobody wants to know.
    pub(crate) journal: Option<Writer>,
    pub(crate) room: Room,
    /// Whether invokers may come by their certificate alone.
    pub(crate) by_certificate: bool,
    /// Who asks for tokens.
    pub(crate) realm: String,
    /// `apiRoot` of EDGE-3.
    pub(crate) root: String,
    /// Is told when a token is signed by a key that is not known.
    pub(crate) unknown_key: Arc<Notify>,
    /// Whether the clock is to be believed: tokens have an end.
    pub(crate) clock: Arc<ClockTrust>,
    /// The names of the APIs that are exposed.
    pub(crate) exposed: BTreeSet<String>,
    /// Changes after each round of the upkeep.
    pub(crate) link: watch::Receiver<Link>,
}

/// The gate of EDGE-3.
pub(crate) struct Gate {
    parts: Parts,
    here: Option<InterfaceDescription>,
}

/// These routes, behind the gate.
pub(crate) fn guarded(router: Router, gate: Arc<Gate>) -> Router {
    router.layer(middleware::from_fn_with_state(gate, pass))
}

/// Pure: the API that has to be allowed for this path; `None` for what is not exposed and has to do with invokers all the same.
fn api_of(path: &str) -> Option<&str> {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    match first {
        "aef-security" => None,
        // Application contexts lie there that are moved by EEL managed ACR.
        "app-contexts" => Some("eees-eel-acr"),
        api => Some(api),
    }
}

/// Pure: the API invoker that a certificate of a core function names: the instance of the EAS.
fn invoker_of(principal: &Principal) -> Option<&str> {
    principal.owner().as_str().split_once('#').map(|(_, invoker)| invoker)
}

async fn pass(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let Some(api) = api_of(request.uri().path()).map(str::to_owned) else {
        return next.run(request).await;
    };
    let peer = request.extensions().get::<Arc<Peer>>().cloned();
    let Some(peer) = peer else {
        return Problem::from(Error::internal("a request without a peer")).into_response();
    };
    let mut invoker = match gate.who(&peer, request.headers(), request.uri(), &api).await {
        Ok(invoker) => invoker,
        Err(problem) => return problem.into_response(),
    };
    if !gate.is_known(&api) {
        if let Err(problem) = gate.published(&api).await {
            return problem.into_response();
        }
        // What was taken back can be told apart only now.
        invoker = match gate.who(&peer, request.headers(), request.uri(), &api).await {
            Ok(invoker) => invoker,
            Err(problem) => return problem.into_response(),
        };
    }
    gate.served(&peer, &invoker, &api, request, next).await
}

impl Gate {
    pub(crate) fn new(parts: Parts) -> Self {
        let here = super::description::interface_of(&parts.root);
        Self { parts, here }
    }

    /// Whether the identifier of an API is known, if it is exposed at all.
    fn is_known(&self, api: &str) -> bool {
        self.parts.exposing.api_id(api).is_some() || !self.parts.exposed.contains(api)
    }

    /// Waits until the identifier of an exposed API is known. Invokers can find an API before its core function has answered this EES,
    /// but then neither what was taken back from them nor their invocations could be told.
    async fn published(&self, api: &str) -> Result<(), Problem> {
        let mut link = self.parts.link.clone();
        let rounds = async { while !self.is_known(api) && link.changed().await.is_ok() {} };
        let _ = tokio::time::timeout(UNTIL_PUBLISHED, rounds).await;
        match self.is_known(api) {
            true => Ok(()),
            false => Err(Error::unavailable(
                "the CAPIF core function has not confirmed yet that this API is published",
            )
            .into()),
        }
    }

    /// The invoker who may call the API.
    async fn who(&self, peer: &Peer, headers: &HeaderMap, uri: &Uri, api: &str) -> Result<Arc<str>, Box<Problem>> {
        let principal = peer
            .principal
            .as_ref()
            .map_err(|error| Box::new(error.clone().into()))?;
        if !self.parts.clock.is_good() {
            return Err(Box::new(
                Error::unavailable("the clock of this server is not to be believed now").into(),
            ));
        }
        let exposing = &self.parts.exposing;
        match presented(headers, uri) {
            Credentials::Bearer(token) => exposing
                .verify(token, api, peer.thumbprint.as_ref())
                .map_err(|flaw| self.refused(flaw, peer, principal, api)),
            Credentials::Unclear => {
                self.tell(peer, principal, api, SecurityEventKind::TokenInvalid, "UNCLEAR");
                let problem = Problem::new(
                    StatusCode::BAD_REQUEST,
                    Cause::InvalidMsgFormat,
                    "present one access token, in the Authorization header",
                );
                Err(self.challenged(problem, Some("invalid_request"), None))
            }
            Credentials::None => {
                let invoker = invoker_of(principal).filter(|_| self.parts.by_certificate);
                if let Some(invoker) = invoker
                    && exposing
                        .trusts(invoker, api)
                        .await
                        .map_err(|error| Box::new(Problem::from(error)))?
                {
                    return Ok(invoker.into());
                }
                self.tell(peer, principal, api, SecurityEventKind::AuthzDenied, "no token");
                let detail = match invoker {
                    Some(_) => {
                        "the CAPIF core function does not let this invoker use the API by its certificate alone: negotiate a method for this \
                        AEF with it, and show a token where that is OAUTH"
                    }
                    None => "this API is exposed through CAPIF: show an access token of its core function",
                };
                let problem = Problem::new(StatusCode::UNAUTHORIZED, Cause::Unauthenticated, detail);
                Err(self.challenged(problem, None, None))
            }
        }
    }

    fn refused(&self, flaw: Flaw, peer: &Peer, principal: &Principal, api: &str) -> Box<Problem> {
        if flaw == Flaw::NotOurs {
            self.parts.unknown_key.notify_one();
        }
        if flaw.is_about_scope() {
            let scope = self
                .parts
                .exposing
                .aef_id()
                .map(|aef_id| format!("3gpp#{aef_id}:{api}"));
            let detail = "the access token is not for this API of this AEF";
            let problem = Problem::new(StatusCode::FORBIDDEN, Cause::Unauthorized, detail);
            return self.challenged(problem, Some("insufficient_scope"), scope);
        }
        let kind = match flaw {
            Flaw::Bound => SecurityEventKind::TokenBindingMismatch,
            _ => SecurityEventKind::TokenInvalid,
        };
        self.tell(peer, principal, api, kind, flaw.as_str());
        let detail = "the access token is not good here and now";
        let problem = Problem::new(StatusCode::UNAUTHORIZED, Cause::Unauthenticated, detail);
        self.challenged(problem, Some("invalid_token"), None)
    }

    /// RFC 6750 clause 3.
    fn challenged(&self, problem: Problem, error: Option<&str>, scope: Option<String>) -> Box<Problem> {
        let mut text = format!("Bearer realm=\"{}\"", self.parts.realm);
        if let Some(error) = error {
            text.push_str(&format!(", error=\"{error}\""));
        }
        if let Some(scope) = scope {
            text.push_str(&format!(", scope=\"{scope}\""));
        }
        Box::new(match HeaderValue::try_from(text) {
            Ok(challenge) => problem.with_header(header::WWW_AUTHENTICATE, challenge),
            Err(_) => problem,
        })
    }

    fn tell(&self, peer: &Peer, principal: &Principal, api: &str, kind: SecurityEventKind, reason: &'static str) {
        let event = SecurityEvent::new(kind, reason);
        peer.evidence.record(event.by(principal.owner()).about(api.to_owned()));
    }

    /// Serves an invocation within what policies allow, and puts it down.
    async fn served(&self, peer: &Peer, invoker: &str, api: &str, request: Request, next: Next) -> Response {
        let now = self.parts.room.now();
        let api_id = self.parts.exposing.api_id(api);
        let counted = api_id
            .as_ref()
            .map(|id| self.parts.admission.admit(invoker, id.as_str(), now));
        let counts = match counted.transpose() {
            Ok(counted) => counted.flatten().is_some(),
            Err(excess) => return too_much(excess).into_response(),
        };
        let known = api_id.zip(self.parts.exposing.aef_id());
        let (Some(journal), Some((api_id, aef_id)), Ok(id)) = (&self.parts.journal, known, invoker.parse()) else {
            return next.run(request).await;
        };
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let matched = request.extensions().get::<MatchedPath>();
        let resource = matched.map_or(path.as_str(), MatchedPath::as_str);
        let resource = resource
            .strip_prefix(&format!("/{api}/v1"))
            .unwrap_or(resource)
            .to_owned();
        let version = request.version();
        let began = Instant::now();
        let response = next.run(request).await;
        let log = Log {
            api_id,
            api_name: api.to_owned(),
            api_version: "v1".to_owned(),
            resource_name: resource,
            uri: format!("{}{path}", self.parts.root.trim_end_matches('/')).parse().ok(),
            protocol: match version {
                Version::HTTP_2 => Protocol::Http2,
                _ => Protocol::Http11,
            },
            operation: operation(&method),
            result: response.status().as_u16().to_string(),
            invocation_time: Some(now),
            invocation_latency: u64::try_from(began.elapsed().as_millis()).ok(),
            input_parameters: None,
            output_parameters: None,
            src_interface: peer.from.and_then(interface_at),
            dest_interface: self.here.clone(),
            fwd_interface: None,
        };
        journal
            .write(Invocation {
                aef_id,
                invoker: id,
                log,
                counts,
            })
            .await;
        response
    }
}

fn operation(method: &Method) -> Option<Operation> {
    Some(match method.as_str() {
        "GET" => Operation::Get,
        "POST" => Operation::Post,
        "PUT" => Operation::Put,
        "PATCH" => Operation::Patch,
        "DELETE" => Operation::Delete,
        _ => return None,
    })
}

fn interface_at(address: IpAddr) -> Option<InterfaceDescription> {
    let place = InterfaceDescription::default();
    Some(match address.to_canonical() {
        IpAddr::V4(address) => InterfaceDescription {
            ipv4_addr: Some(address.to_string().parse().ok()?),
            ..place
        },
        IpAddr::V6(address) => InterfaceDescription {
            ipv6_addr: Some(address.to_string().parse().ok()?),
            ..place
        },
    })
}

/// What access control policies do not admit.
fn too_much(excess: Excess) -> Problem {
    let (status, cause) = match excess {
        Excess::PerSecond => (StatusCode::TOO_MANY_REQUESTS, Cause::NfCongestionRisk),
        Excess::Total => (StatusCode::TOO_MANY_REQUESTS, Cause::QuotaExceeded),
        Excess::Time => (StatusCode::FORBIDDEN, Cause::Unauthorized),
    };
    let problem = Problem::new(status, cause, excess.to_string());
    match excess {
        Excess::PerSecond => problem.with_header(header::RETRY_AFTER, HeaderValue::from_static("1")),
        _ => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_certificates_name_apis_and_invokers() {
        assert_eq!(
            api_of("/eees-easregistration/v1/registrations"),
            Some("eees-easregistration")
        );
        assert_eq!(api_of("/app-contexts/secret"), Some("eees-eel-acr"));
        assert_eq!(api_of("/aef-security/v1/check-authentication"), None);
        assert_eq!(api_of("/"), Some(""), "nothing is exposed under no name");
        let eas = |uri: &str| Principal::from_names([uri], []).expect("an identity");
        assert_eq!(invoker_of(&eas("urn:edgeapp:eas:eas.chess.example#INV1")), Some("INV1"));
        assert_eq!(invoker_of(&eas("urn:edgeapp:eas:eas.chess.example")), None);
    }

    #[test]
    fn refusals_say_when_to_come_again() {
        assert_eq!(too_much(Excess::PerSecond).status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(too_much(Excess::Time).status(), StatusCode::FORBIDDEN);
    }
}
