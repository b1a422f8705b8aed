//! A core function in memory, and callers with the certificates that it gave them.

use async_trait::async_trait;
use axum::{
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use bytes::Bytes;
use edgeapp_capif::{
    certificate::{Authority, new_authority},
    core_function::{CoreFunction, CoreRules},
    events::CoreReactions,
    exposing::{Exposing, Trusted},
    policy::PolicyRule,
    scope::Scope,
};
use edgeapp_capif_doors::{aef_security, apis, operator, router};
use edgeapp_core::{
    authorizer::{Ask, Authorizer, ReferencePoint},
    callback::CallbackRule,
    clock::ManualClock,
    error::{Cause, Error, Kind},
    evidence::NoEvidence,
    notifier::{Delivered, NotDelivered, Notifier},
    outbox::{Outbox, OutboxSettings},
    principal::{Principal, Role},
    room::Room,
    store::{Span, Store},
};
use edgeapp_http::{
    documents::Api,
    problem::PROBLEM_JSON,
    request::Peer,
    stack::{Stack, stack},
    tls::{principal_of, thumbprint_of},
};
use edgeapp_openapi::common::Uri;
use edgeapp_store::MemoryStore;
use http_body_util::BodyExt;
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// Where the core function is reached.
pub(crate) const ROOT: &str = "https://ccf.example:8443";

/// Each role may use its reference point.
struct RoleOfPoint;

impl Authorizer for RoleOfPoint {
    fn authorize(&self, ask: &Ask<'_>) -> Result<(), Error> {
        match ask.principal.role() == ask.point.caller() {
            true => Ok(()),
            false => Err(Error::forbidden(Cause::Unauthorized, "another role")),
        }
    }
}

/// Remembers what it was told to send.
#[derive(Default)]
pub(crate) struct Remembering(Mutex<Vec<(String, Value)>>);

#[async_trait]
impl Notifier for Remembering {
    async fn notify(&self, destination: &Uri, body: Bytes) -> Result<Delivered, NotDelivered> {
        let body = serde_json::from_slice(&body).expect("JSON");
        self.0.lock().expect("a lock").push((destination.to_string(), body));
        Ok(Delivered {
            status: 204,
            body: Bytes::new(),
            moved_to: None,
        })
    }
}

struct Nobody;

#[async_trait]
impl Trusted for Nobody {
    async fn authorization(&self, _: &str) -> Result<Option<Scope>, Error> {
        Ok(None)
    }
}

pub(crate) struct Doors {
    pub(crate) core: Arc<CoreFunction>,
    store: Arc<dyn Store>,
    room: Room,
    pub(crate) clock: Arc<ManualClock>,
    sent: Arc<Remembering>,
    exposing: Arc<Exposing>,
}

/// Somebody who sends requests.
pub(crate) struct Caller {
    /// Its identifier, where it has one.
    pub(crate) id: String,
    stack: Stack,
    peer: Arc<Peer>,
}

/// An answer with its body as JSON; null when there is none.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

/// A certification request with a fresh key.
pub(crate) fn request() -> String {
    let key = KeyPair::generate().expect("a key");
    let request = CertificateParams::default().serialize_request(&key).expect("a request");
    request.pem().expect("PEM")
}

impl Doors {
    pub(crate) async fn new() -> Self {
        let now = "2026-01-01T00:00:00Z".parse().expect("an instant");
        let (certificate, key) = new_authority("test", now, 365).expect("an authority");
        let authority = Authority::from_pem(&certificate, &key).expect("an authority");
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let clock = ManualClock::at(now);
        let room = Room::new(store.clone(), clock.clone());
        let rules = CoreRules {
            callbacks: CallbackRule::anywhere(),
            policies: vec![PolicyRule {
                api_name: "eees-easregistration".to_owned(),
                eas_id: None,
                invoker: None,
                total: Some(10),
                per_second: Some(2),
                times: Vec::new(),
            }],
            ..CoreRules::default()
        };
        let core = CoreFunction::start(room.clone(), rules, authority, Arc::new(NoEvidence))
            .await
            .expect("a core function");
        let sent = Arc::new(Remembering::default());
        let patience = Duration::from_millis(1);
        let settings = OutboxSettings {
            first_retry: patience,
            longest_retry: patience,
            ..OutboxSettings::default()
        };
        let reactions = CoreReactions::new(core.clone(), sent.clone());
        tokio::spawn(Outbox::new(room.clone(), Arc::new(reactions), settings).run());
        let aef_id = "AEF1".parse().expect("an identifier");
        let of_aef = Room::new(Arc::new(MemoryStore::new()), ManualClock::at(now));
        let exposing = Exposing::start(of_aef, aef_id, 600, Arc::new(Nobody))
            .await
            .expect("an exposing function");
        Self {
            core,
            store,
            room,
            clock,
            sent,
            exposing,
        }
    }

    /// All APIs, that of exposing functions too.
    pub(crate) fn apis(&self) -> Vec<Api> {
        let mut all = apis(&self.core);
        all.push(aef_security::api(self.exposing.clone()));
        all
    }

    fn at(
        &self,
        point: ReferencePoint,
        principal: Result<Principal, Error>,
        certificate: Option<&[u8]>,
        id: &str,
    ) -> Caller {
        let router = match point {
            ReferencePoint::Operator => operator::for_operators(self.core.clone()),
            ReferencePoint::Capif3 => aef_security::api(self.exposing.clone()).router(),
            _ => router(&self.core),
        };
        let peer = Peer {
            principal: principal.map(Arc::new),
            thumbprint: certificate.map(thumbprint_of),
            point,
            from: None,
            authorizer: Arc::new(RoleOfPoint),
            evidence: Arc::new(NoEvidence),
            api_root: Some(ROOT.into()),
        };
        Caller {
            id: id.to_owned(),
            stack: stack(router, point),
            peer: Arc::new(peer),
        }
    }

    /// Somebody without a certificate.
    pub(crate) fn stranger(&self) -> Caller {
        let nobody = Error::new(Kind::Unauthenticated, Cause::Unauthenticated, "no certificate");
        self.at(ReferencePoint::Onboarding, Err(nobody), None, "")
    }

    fn named(&self, point: ReferencePoint, name: &str) -> Caller {
        let principal = Principal::from_names([name], []).expect("an identity");
        self.at(point, Ok(principal), Some(name.as_bytes()), "")
    }

    pub(crate) fn operator(&self) -> Caller {
        self.named(ReferencePoint::Operator, "urn:edgeapp:operator:o")
    }

    /// The core function as an exposing function meets it.
    pub(crate) fn ccf(&self) -> Caller {
        self.named(ReferencePoint::Capif3, "urn:edgeapp:ccf:ccf")
    }

    /// Whom this certificate names.
    pub(crate) fn holder(&self, certificate: &Value, id: &Value) -> Caller {
        let block = pem::parse(certificate.as_str().expect("a certificate")).expect("PEM");
        let principal = principal_of(block.contents()).expect("an identity");
        let point = match principal.role() {
            Role::Provider => ReferencePoint::Capif5,
            _ => ReferencePoint::Capif1,
        };
        let id = id.as_str().expect("an identifier").to_owned();
        self.at(point, Ok(principal), Some(block.contents()), &id)
    }

    /// The secret of a new credential.
    pub(crate) async fn credential(&self, body: Value) -> String {
        let told = self.operator().post("/capif/credentials", body).await;
        assert_eq!(told.status, StatusCode::CREATED, "{}", told.body);
        told.body["secret"].as_str().expect("a secret").to_owned()
    }

    /// A provider with an AMF, an APF and an AEF; the URI of its registration.
    pub(crate) async fn provider(&self) -> ([Caller; 3], String) {
        let secret = self.credential(json!({"role": "provider"})).await;
        let functions =
            ["AMF", "APF", "AEF"].map(|role| json!({"regInfo": {"apiProvPubKey": request()}, "apiProvFuncRole": role}));
        let body = json!({"regSec": secret, "apiProvFuncs": functions});
        let made = self
            .stranger()
            .post("/api-provider-management/v1/registrations", body)
            .await;
        let location = made.created();
        let functions = &made.body["apiProvFuncs"];
        let of = |place: usize| {
            let function = &functions[place];
            self.holder(&function["regInfo"]["apiProvCert"], &function["apiProvFuncId"])
        };
        ([of(0), of(1), of(2)], location)
    }

    /// An onboarded invoker; the URI of its enrolment.
    pub(crate) async fn invoker(&self) -> (Caller, String) {
        let secret = self
            .credential(json!({"role": "invoker", "easId": "eas.chess.example"}))
            .await;
        let made = self.stranger().onboard(Some(&secret)).await;
        let location = made.created();
        let certificate = &made.body["onboardingInformation"]["apiInvokerCertificate"];
        (self.holder(certificate, &made.body["apiInvokerId"]), location)
    }

    /// What was sent to this address, once nothing is left to be sent.
    pub(crate) async fn told(&self, destination: &str) -> Vec<Value> {
        let idle = async {
            while self.waits("event/").await || self.waits("lane/").await {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), idle)
            .await
            .expect("settled");
        let mut sent = self.sent.0.lock().expect("a lock");
        let told = sent.extract_if(.., |(to, _)| to.starts_with(destination));
        told.map(|(_, body)| body).collect()
    }

    async fn waits(&self, prefix: &str) -> bool {
        !self
            .store
            .range(Span::prefix(prefix))
            .await
            .expect("a range")
            .entries
            .is_empty()
    }

    /// Now, in seconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.room.now().0.as_second()
    }
}

impl Caller {
    /// Sends exactly this.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(header::HeaderName, &str)],
        body: String,
    ) -> Answer {
        let path = path.strip_prefix(ROOT).unwrap_or(path);
        let mut request = Request::builder().method(method).uri(path).extension(self.peer.clone());
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let response = self
            .stack
            .answer(request.body(Body::from(body)).expect("a request"))
            .await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&body).unwrap_or_default(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], String::new()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[], String::new()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        let media = (header::CONTENT_TYPE, "application/json");
        self.send(Method::POST, path, &[media], body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        let media = (header::CONTENT_TYPE, "application/json");
        self.send(Method::PUT, path, &[media], body.to_string()).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        let media = (header::CONTENT_TYPE, "application/merge-patch+json");
        self.send(Method::PATCH, path, &[media], body.to_string()).await
    }

    pub(crate) async fn form(&self, path: &str, body: &str) -> Answer {
        let media = (header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(Method::POST, path, &[media], body.to_owned()).await
    }

    /// Asks to be onboarded with this credential.
    pub(crate) async fn onboard(&self, credential: Option<&str>) -> Answer {
        let body = json!({"onboardingInformation": {"apiInvokerPublicKey": request()},
            "notificationDestination": "https://192.0.2.9/invoker"});
        let bearer = credential.map(|credential| format!("Bearer {credential}"));
        let mut headers = vec![(header::CONTENT_TYPE, "application/json")];
        headers.extend(bearer.as_deref().map(|bearer| (header::AUTHORIZATION, bearer)));
        self.send(
            Method::POST,
            "/api-invoker-management/v1/onboardedInvokers",
            &headers,
            body.to_string(),
        )
        .await
    }
}

impl Answer {
    /// The new resource of a 201: its absolute URI.
    #[track_caller]
    pub(crate) fn created(&self) -> String {
        assert_eq!(self.status, StatusCode::CREATED, "{}", self.body);
        self.headers[header::LOCATION].to_str().expect("a location").to_owned()
    }

    /// The representation of a 200.
    #[track_caller]
    pub(crate) fn found(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        self.body
    }

    /// Nothing but a 204.
    #[track_caller]
    pub(crate) fn done(&self) {
        assert_eq!((self.status, &self.body), (StatusCode::NO_CONTENT, &Value::Null));
    }

    /// ProblemDetails with this status and cause.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, cause: &str) {
        let said = (self.status.as_u16(), self.body["cause"].as_str().unwrap_or_default());
        assert_eq!(said, (status, cause), "{}", self.body);
        assert_eq!(self.headers[header::CONTENT_TYPE], PROBLEM_JSON);
    }
}
