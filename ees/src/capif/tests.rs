//! The gate around a route, with an issuer that signs whatever it is told to.

use super::{Gate, Journal, Link, gate, guarded};
use async_trait::async_trait;
use axum::{Router, body::Body, extract::Request, http::StatusCode, routing::get};
use edgeapp_capif::{
    admission::{Admission, Policies},
    exposing::{AefSecurity, Exposing, TokenRules, Trusted},
    scope::Scope,
};
use edgeapp_core::{
    authorizer::{Ask, Authorizer, ReferencePoint},
    clock::{ManualClock, trust::Trust as ClockTrust},
    error::Error,
    evidence::NoEvidence,
    principal::Principal,
    room::Room,
    store::Span,
    token::Thumbprint,
};
use edgeapp_http::{
    request::Peer,
    stack::{Stack, stack},
};
use edgeapp_openapi::capif::{ServiceApiId, aef_security::RevokeAuthorizationReq};
use edgeapp_store::MemoryStore;
use edgeapp_testkit::issuer::Issuer;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};
use tokio::sync::watch;

const NOW: i64 = 1_800_000_000;
const HERE: &str = "/eees-easregistration/v1/registrations/1";
const OWN: Thumbprint = Thumbprint::new([1; 32]);

/// What the core function says of invokers; nothing, where it is away.
#[derive(Default)]
struct Core {
    contexts: Mutex<HashMap<String, Scope>>,
    away: Mutex<bool>,
    asked: Mutex<u32>,
}

#[async_trait]
impl Trusted for Core {
    async fn authorization(&self, invoker: &str) -> Result<Option<Scope>, Error> {
        *self.asked.lock().expect("a lock") += 1;
        if *self.away.lock().expect("a lock") {
            return Err(Error::unavailable("away"));
        }
        Ok(self.contexts.lock().expect("a lock").get(invoker).cloned())
    }
}

struct Everybody;

impl Authorizer for Everybody {
    fn authorize(&self, _: &Ask<'_>) -> Result<(), Error> {
        Ok(())
    }
}

struct Lab {
    issuer: Issuer,
    clock: Arc<ManualClock>,
    room: Room,
    core: Arc<Core>,
    exposing: Arc<Exposing>,
    admission: Arc<Admission>,
    link: watch::Sender<Link>,
    stack: Stack,
}

impl Lab {
    async fn new() -> Self {
        Self::with(false).await
    }

    async fn with(unbound: bool) -> Self {
        let now = jiff::Timestamp::from_second(NOW).expect("an instant");
        let clock = ManualClock::at(edgeapp_openapi::common::DateTime(now));
        let room = Room::new(Arc::new(MemoryStore::new()), clock.clone());
        let core = Arc::<Core>::default();
        let rules = TokenRules { longest: 600, unbound };
        let aef_id = "AEF1"
            .parse::<edgeapp_openapi::capif::FunctionId>()
            .expect("an identifier");
        let exposing = Exposing::start_with(room.clone(), Some(aef_id), rules, core.clone())
            .await
            .expect("exposing");
        let issuer = Issuer::new("ccf");
        exposing.goes_by(issuer.jwks());
        let id = |id: &str| id.parse::<ServiceApiId>().expect("an identifier");
        exposing.publishes(BTreeMap::from([
            (id("1"), "eees-easregistration".to_owned()),
            (id("2"), "eees-uelocation".to_owned()),
        ]));
        let admission = Arc::new(Admission::default());
        let journal = Journal::open(room.clone(), admission.clone()).await.expect("a journal");
        let link = watch::Sender::new(Link {
            registered: true,
            trouble: None,
        });
        let gate = Gate::new(gate::Parts {
            exposing: exposing.clone(),
            admission: admission.clone(),
            journal: Some(journal.writer()),
            room: room.clone(),
            by_certificate: true,
            realm: "ees-a.example".to_owned(),
            root: "https://ees-a.example".to_owned(),
            unknown_key: Arc::default(),
            clock: ClockTrust::open(room.store().clone(), clock.clone())
                .await
                .expect("a clock"),
            exposed: ["eees-easregistration", "eees-uelocation"].map(str::to_owned).into(),
            link: link.subscribe(),
        });
        tokio::spawn(journal.run());
        let routes = Router::new()
            .route(
                "/eees-easregistration/v1/registrations/{registrationId}",
                get(async || "served"),
            )
            .route(
                "/eees-uelocation/v1/subscriptions/{subscriptionId}",
                get(async || "served"),
            )
            .route("/app-contexts/{secret}", get(async || "served"));
        let stack = stack(guarded(routes, Arc::new(gate)), ReferencePoint::Edge3);
        Self {
            issuer,
            clock,
            room,
            core,
            exposing,
            admission,
            link,
            stack,
        }
    }

    fn claims(&self) -> Value {
        json!({"iss": "INV1", "client_id": "INV1", "scope": "3gpp#AEF1:eees-easregistration", "iat": NOW, "exp": NOW + 300,
            "cnf": {"x5t#S256": OWN.to_text()}})
    }

    fn token(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = self.claims();
        change(&mut claims);
        self.issuer.sign(&self.issuer.header(), &claims)
    }

    /// What becomes of a request: status, challenge and cause.
    async fn asks(&self, path: &str, token: Option<&str>, who: &str, proved: Thumbprint) -> (u16, String, String) {
        let principal = Principal::from_names([who], []).expect("an identity");
        let peer = Peer {
            principal: Ok(Arc::new(principal)),
            thumbprint: Some(proved),
            point: ReferencePoint::Edge3,
            authorizer: Arc::new(Everybody),
            from: Some("192.0.2.9".parse().expect("an address")),
            evidence: Arc::new(NoEvidence),
            api_root: None,
        };
        let mut request = Request::builder().uri(path).extension(Arc::new(peer));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let answer = self.stack.answer(request.body(Body::empty()).expect("a request")).await;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let challenge = parts.headers.get("www-authenticate");
        let challenge = challenge.map(|text| text.to_str().expect("text").to_owned());
        let cause = body["cause"].as_str().unwrap_or_default().to_owned();
        (parts.status.as_u16(), challenge.unwrap_or_default(), cause)
    }

    async fn shows(&self, token: &str) -> (u16, String, String) {
        self.asks(HERE, Some(token), "urn:edgeapp:eas:eas.example#INV1", OWN)
            .await
    }

    async fn revokes(&self, apis: &[&str]) {
        let ccf = Principal::from_names(["urn:edgeapp:ccf:ccf"], []).expect("an identity");
        let request: RevokeAuthorizationReq = serde_json::from_value(json!({"revokeInfo": {"apiInvokerId": "INV1",
            "apiIds": apis, "cause": "UNEXPECTED_REASON"}, "supportedFeatures": "0"}))
        .expect("a request");
        self.exposing
            .revoke_authorization(&ccf, &request)
            .await
            .expect("revoked");
    }

    /// The invocations that wait to be told.
    async fn logged(&self) -> Vec<Value> {
        let events = self
            .room
            .store()
            .range(Span::prefix("event/"))
            .await
            .expect("events")
            .entries;
        let event = |entry: edgeapp_core::store::Entry| serde_json::from_slice::<Value>(&entry.value).expect("JSON");
        let events = events.into_iter().map(event);
        events
            .flat_map(|event| event["Invoked"].as_array().cloned().unwrap_or_default())
            .flat_map(|log| log["logs"].as_array().cloned().unwrap_or_default())
            .collect()
    }
}

#[tokio::test]
async fn a_good_token_comes_in_and_is_written_down() {
    let lab = Lab::new().await;
    let token = lab.token(|_| ());
    for _ in 0..2 {
        assert_eq!(lab.shows(&token).await.0, 200);
    }
    let logs = lab.logged().await;
    assert_eq!(logs.len(), 2);
    assert_eq!(logs[0]["apiId"], "1");
    assert_eq!(logs[0]["resourceName"], "/registrations/{registrationId}");
    assert_eq!(
        logs[0]["uri"],
        "https://ees-a.example/eees-easregistration/v1/registrations/1"
    );
    assert_eq!(
        (&logs[0]["operation"], &logs[0]["result"]),
        (&json!("GET"), &json!("200"))
    );
    assert_eq!(logs[0]["srcInterface"]["ipv4Addr"], "192.0.2.9");
}

/// After a restart an API can have another identifier.
#[tokio::test]
async fn what_was_taken_back_stays_so_when_an_api_is_published_anew() {
    let lab = Lab::new().await;
    let token = lab.token(|_| ());
    lab.revokes(&["1"]).await;
    let ids = BTreeMap::from([("9".parse().expect("an identifier"), "eees-easregistration".to_owned())]);
    lab.exposing.publishes(ids);
    assert_eq!(lab.shows(&token).await.0, 401);
}

/// An invoker can find an API before the core function has answered the EES that published it.
#[tokio::test]
async fn an_invocation_waits_for_the_publication_to_be_confirmed() {
    let lab = Lab::new().await;
    let token = lab.token(|_| ());
    lab.exposing.publishes(BTreeMap::new());
    let confirmed = async {
        let ids = BTreeMap::from([("7".parse().expect("an identifier"), "eees-easregistration".to_owned())]);
        lab.exposing.publishes(ids);
        lab.link.send_modify(|_| ());
    };
    let (answer, ()) = tokio::join!(biased; lab.shows(&token), confirmed);
    assert_eq!(answer.0, 200);
    assert_eq!(
        lab.logged().await[0]["apiId"],
        "7",
        "it is written down by what the core function calls it"
    );
    lab.exposing.publishes(BTreeMap::new());
    tokio::time::pause();
    let (status, _, cause) = lab.shows(&token).await;
    assert_eq!(
        (status, cause.as_str()),
        (503, "INSUFFICIENT_RESOURCES"),
        "never confirmed"
    );
    assert_eq!(lab.logged().await.len(), 1);
    let stale = lab.token(|claims| claims["exp"] = json!(NOW - 31));
    assert_eq!(lab.shows(&stale).await.0, 401, "strangers do not wait");
}

/// Stale, for another AEF, for another API, of another certificate, of two invokers, bound to none, living too long, forged, and none.
#[tokio::test]
async fn every_other_token_is_refused() {
    let lab = Lab::new().await;
    let invalid = |lab: &Lab, change: fn(&mut Value)| lab.token(change);
    let changes: [fn(&mut Value); 7] = [
        |claims| claims["exp"] = json!(NOW - 31),
        |claims| claims["iat"] = json!(NOW + 31),
        |claims| claims["client_id"] = json!("INV2"),
        |claims| claims["cnf"] = json!({"x5t#S256": Thumbprint::new([2; 32]).to_text()}),
        |claims| drop(claims.as_object_mut().expect("claims").remove("cnf")),
        |claims| claims["exp"] = json!(NOW + 700),
        |claims| claims["exp"] = json!(300),
    ];
    for change in changes {
        let (status, challenge, cause) = lab.shows(&invalid(&lab, change)).await;
        assert_eq!((status, cause.as_str()), (401, "UNAUTHENTICATED"));
        assert_eq!(challenge, "Bearer realm=\"ees-a.example\", error=\"invalid_token\"");
    }
    let forged = Issuer::new("ccf");
    let forged = forged.sign(&lab.issuer.header(), &lab.claims());
    assert_eq!(lab.shows(&forged).await.0, 401);
    for scope in ["3gpp#AEF2:eees-easregistration", "3gpp#AEF1:eees-uelocation"] {
        let token = lab.token(|claims| claims["scope"] = json!(scope));
        let (status, challenge, _) = lab.shows(&token).await;
        assert_eq!(status, 403, "{scope}");
        assert!(
            challenge.ends_with("error=\"insufficient_scope\", scope=\"3gpp#AEF1:eees-easregistration\""),
            "{challenge}"
        );
    }
    let eas = "urn:edgeapp:eas:eas.example#a";
    let (status, challenge, _) = lab.asks(HERE, None, eas, OWN).await;
    assert_eq!((status, challenge.as_str()), (401, "Bearer realm=\"ees-a.example\""));
    assert!(lab.logged().await.is_empty(), "nobody was served");
}

#[tokio::test]
async fn a_token_that_was_good_is_refused_once_it_is_not() {
    let lab = Lab::new().await;
    let token = lab.token(|_| ());
    assert_eq!(lab.shows(&token).await.0, 200);
    let thief = Thumbprint::new([3; 32]);
    let stolen = lab
        .asks(HERE, Some(&token), "urn:edgeapp:eas:eas.example#INV2", thief)
        .await;
    assert_eq!(stolen.0, 401, "the connection of somebody else");
    lab.revokes(&["2"]).await;
    assert_eq!(lab.shows(&token).await.0, 200, "another API");
    lab.revokes(&["1"]).await;
    assert_eq!(lab.shows(&token).await.0, 401);

    let lab = Lab::new().await;
    let token = lab.token(|_| ());
    assert_eq!(lab.shows(&token).await.0, 200);
    lab.clock.advance(329);
    assert_eq!(lab.shows(&token).await.0, 200);
    lab.clock.advance(1);
    assert_eq!(lab.shows(&token).await.0, 401, "past its time");

    let lab = Lab::new().await;
    let token = lab.token(|_| ());
    assert_eq!(lab.shows(&token).await.0, 200);
    lab.exposing.goes_by(Issuer::new("ccf").jwks());
    assert_eq!(lab.shows(&token).await.0, 401, "the core function has other keys");
    lab.exposing.is_now(None);
    assert_eq!(lab.shows(&token).await.0, 401, "registered nowhere");
}

#[tokio::test]
async fn a_token_for_nobody_in_particular_counts_where_that_is_said() {
    let unbound = |lab: &Lab| lab.token(|claims| drop(claims.as_object_mut().expect("claims").remove("cnf")));
    let lab = Lab::with(true).await;
    assert_eq!(lab.shows(&unbound(&lab)).await.0, 200);
}

#[tokio::test]
async fn application_contexts_belong_to_managed_relocation() {
    let lab = Lab::new().await;
    let eas = "urn:edgeapp:eas:eas.example#INV1";
    let token = lab.token(|_| ());
    assert_eq!(lab.asks("/app-contexts/x", Some(&token), eas, OWN).await.0, 403);
    let token = lab.token(|claims| claims["scope"] = json!("3gpp#AEF1:eees-eel-acr"));
    assert_eq!(lab.asks("/app-contexts/x", Some(&token), eas, OWN).await.0, 200);
}

#[tokio::test]
async fn policies_bound_what_is_used() {
    let lab = Lab::new().await;
    let policies =
        json!({"1": [{"apiInvokerId": "INV1", "allowedTotalInvocations": 3, "allowedInvocationsPerSecond": 2}]});
    let policies: Policies = serde_json::from_value(policies).expect("policies");
    lab.admission.goes_by(&policies);
    let token = lab.token(|_| ());
    for expected in [(200, ""), (200, ""), (429, "NF_CONGESTION_RISK")] {
        let (status, _, cause) = lab.shows(&token).await;
        assert_eq!((status, cause.as_str()), expected);
    }
    lab.clock.advance(1);
    assert_eq!(lab.shows(&token).await.0, 200);
    lab.clock.advance(1);
    assert_eq!(lab.shows(&token).await.2, "QUOTA_EXCEEDED");
    // A restart brings nothing back.
    let admission = Arc::new(Admission::default());
    drop(
        Journal::open(lab.room.clone(), admission.clone())
            .await
            .expect("a journal"),
    );
    admission.goes_by(&policies);
    assert!(admission.admit("INV1", "1", lab.room.now()).is_err());
}

#[tokio::test]
async fn a_certificate_is_enough_where_the_core_function_says_so() {
    let lab = Lab::new().await;
    let invoker = "urn:edgeapp:eas:eas.example#INV1";
    let comes = async || lab.asks(HERE, None, invoker, OWN).await.0;
    assert_eq!(comes().await, 401, "no context");
    let mut scope = Scope::default();
    scope.add("AEF1", "eees-easregistration");
    lab.core
        .contexts
        .lock()
        .expect("a lock")
        .insert("INV1".to_owned(), scope);
    assert_eq!(comes().await, 401, "what was said counts for a while");
    lab.clock.advance(31);
    assert_eq!(comes().await, 200);
    let other = lab
        .asks("/eees-uelocation/v1/subscriptions/1", None, invoker, OWN)
        .await;
    assert_eq!(other.0, 401, "another API");
    let asked = *lab.core.asked.lock().expect("a lock");
    for _ in 0..5 {
        assert_eq!(comes().await, 200);
    }
    assert_eq!(*lab.core.asked.lock().expect("a lock"), asked, "not with each request");
    *lab.core.away.lock().expect("a lock") = true;
    lab.clock.advance(3000);
    assert_eq!(comes().await, 200, "away, and its word still counts");
    lab.clock.advance(700);
    assert_eq!(
        comes().await,
        u16::from(StatusCode::SERVICE_UNAVAILABLE),
        "away for too long"
    );
    *lab.core.away.lock().expect("a lock") = false;
    assert_eq!(comes().await, 200);
    lab.revokes(&["1"]).await;
    assert_eq!(comes().await, 401, "taken back");
}
