//! EDGE-1 in token mode: rows 49 and 55 to 63 of the corpus as an EEC meets them.

use crate::{
    harness::{Answer, Doors, thumbprint_of},
    scene::{REGISTRATIONS, UE},
};
use axum::http::{Method, header};
use edgeapp_authz::{
    RoleOfReferencePoint,
    config::AuthorizationConfig,
    token::{
        TokenAuthorizer,
        keys::KeySet,
        verifier::{Known, Verifier},
    },
};
use edgeapp_core::{
    authorizer::{Authorizer, ReferencePoint},
    clock::{Clock, ManualClock},
    evidence::NoEvidence,
    token::scope,
};
use edgeapp_testkit::issuer::Issuer;
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

const ISSUER: &str = "https://ecs.example";
const EES: &str = "ees-a.example";
const EEC: &str = "urn:edgeapp:eec:eec-1";
const DISCOVERY: &str = "/eees-easdiscovery/v1/eas-profiles/request-discovery";

struct TokenMode {
    doors: Doors,
    issuer: Issuer,
    now: i64,
    authorizer: Arc<dyn Authorizer>,
}

impl TokenMode {
    async fn open() -> Self {
        let clock = ManualClock::at("2026-01-05T12:00:00Z".parse().unwrap());
        let now = clock.now().0.as_second();
        let issuer = Issuer::new(ISSUER);
        let config = AuthorizationConfig {
            issuer: Some(ISSUER.to_owned()),
            ..AuthorizationConfig::default()
        };
        let verifier = Verifier::new(config.rules(EES));
        let mut known = Known::default();
        known.keys = KeySet::parse(&serde_json::to_vec(&issuer.jwks()).unwrap()).unwrap();
        (known.keys_heard, known.revocations_heard) = (u64::try_from(now).ok(), u64::try_from(now).ok());
        verifier.learn(known);
        let behind = Arc::new(RoleOfReferencePoint);
        let points = vec![ReferencePoint::Edge1];
        let authorizer = TokenAuthorizer::new(points, Arc::new(verifier), clock, Arc::new(NoEvidence), behind);
        Self {
            doors: Doors::open().await,
            issuer,
            now,
            authorizer: Arc::new(authorizer),
        }
    }

    fn claims(&self, scope: &str) -> Value {
        self.issuer.claims("eec-1", EES, &thumbprint_of(EEC), scope, self.now)
    }

    fn token(&self, scope: &str) -> String {
        self.issuer.sign(&self.issuer.header(), &self.claims(scope))
    }

    async fn register(&self, credentials: &[&str], path: &str, body: Value) -> Answer {
        let names = [EEC, "urn:edgeapp:gpsi:msisdn-491700000001"];
        let eec = self
            .doors
            .caller_asked_by(self.authorizer.clone(), ReferencePoint::Edge1, &names);
        let media = "application/json";
        eec.presenting(credentials, Method::POST, path, media, body.to_string())
            .await
    }

    async fn with(&self, token: &str) -> Answer {
        let body = json!({"eecId": "eec-1", "ueId": UE});
        self.register(&[&format!("Bearer {token}")], REGISTRATIONS, body).await
    }
}

#[track_caller]
fn challenged(answer: &Answer, status: u16, cause: &str, challenge: &str) {
    answer.refused(status, cause, "");
    assert_eq!(answer.headers[header::WWW_AUTHENTICATE], challenge);
}

const INVALID: &str = "Bearer realm=\"ees-a.example\", error=\"invalid_token\"";

#[tokio::test]
async fn a_token_for_the_operation_lets_it_happen() {
    let mode = TokenMode::open().await;
    for scope in [
        "eees-eecregistration",
        "eees-eecregistration:create",
        "eees-uelocation eees-eecregistration:create",
    ] {
        mode.with(&mode.token(scope)).await.created();
    }
}

/// Rows 55 and 56: before the body is looked at.
///
/// Proves: WP-12
#[tokio::test]
async fn without_a_token_nothing_is_looked_at() {
    let mode = TokenMode::open().await;
    let none = "Bearer realm=\"ees-a.example\"";
    for (credentials, path) in [
        (&[][..], REGISTRATIONS.to_owned()),
        (
            &[],
            format!("{REGISTRATIONS}?access_token={}", mode.token("eees-eecregistration")),
        ),
        (&["Basic ZWVjLTE6cHc="], REGISTRATIONS.to_owned()),
    ] {
        let answer = mode
            .register(credentials, &path, json!({"not": "a registration"}))
            .await;
        challenged(&answer, 401, "UNAUTHENTICATED", none);
    }
    let elsewhere = mode.register(&[], DISCOVERY, json!({})).await;
    challenged(&elsewhere, 401, "UNAUTHENTICATED", none);
}

/// Rows 49 and 56.
///
/// Proves: WP-13
#[tokio::test]
async fn two_credentials_or_half_of_one_are_a_bad_request() {
    let mode = TokenMode::open().await;
    let bearer = format!("Bearer {}", mode.token("eees-eecregistration"));
    let in_query = format!("{REGISTRATIONS}?access_token=x");
    let unclear = "Bearer realm=\"ees-a.example\", error=\"invalid_request\"";
    for (credentials, path) in [
        (&[bearer.as_str(), bearer.as_str()][..], REGISTRATIONS),
        (&[&bearer, "Basic ZWVjLTE6cHc="], REGISTRATIONS),
        (&[&bearer], &in_query),
        (&["Bearer"], REGISTRATIONS),
        (&["Bearer "], REGISTRATIONS),
    ] {
        let answer = mode.register(credentials, path, json!({"eecId": "eec-1"})).await;
        challenged(&answer, 400, "INVALID_MSG_FORMAT", unclear);
    }
}

/// Rows 57 to 61: one answer for all of them.
///
/// Proves: T-06
#[tokio::test]
async fn every_bad_token_gets_the_same_answer() {
    let mode = TokenMode::open().await;
    let good = mode.token("eees-eecregistration");
    let claims = |name: &str, value: Value| {
        let mut claims = mode.claims("eees-eecregistration");
        claims[name] = value;
        mode.issuer.sign(&mode.issuer.header(), &claims)
    };
    let header = |name: &str, value: Value| {
        let mut header = mode.issuer.header();
        header[name] = value;
        mode.issuer.sign(&header, &mode.claims("eees-eecregistration"))
    };
    let mut details = BTreeSet::new();
    for token in [
        format!("{good}.x"),
        good[..good.len() / 2].to_owned(),
        format!("{good}=="),
        good.replacen('.', ". ", 1),
        header("alg", json!("none")),
        header("alg", json!("HS256")),
        header("jku", json!("https://evil.example/")),
        header("crit", json!(["exp"])),
        header("kid", json!("../../etc/passwd")),
        header("kid", json!("' OR 1=1")),
        header("kid", Value::Null),
        claims("exp", json!(mode.now - 31)),
        claims("exp", json!("soon")),
        claims("exp", json!(300)),
        claims("nbf", json!(mode.now + 31)),
        claims("iat", json!(mode.now + 31)),
        claims("aud", json!("ees-b.example")),
        claims("iss", json!("https://evil.example")),
        claims("sub", json!("eec-2")),
        claims("cnf", json!({"x5t#S256": thumbprint_of("somebody else").to_text()})),
        claims("cnf", Value::Null),
    ] {
        let answer = mode.with(&token).await;
        challenged(&answer, 401, "UNAUTHENTICATED", INVALID);
        details.insert(answer.body["detail"].as_str().unwrap().to_owned());
    }
    assert_eq!(details.len(), 1, "{details:?}");
    mode.with(&good).await.created();
}

/// Row 63, T-07: for each operation of EDGE-1, every scope but its own.
///
/// Proves: WP-18, T-07
#[tokio::test]
async fn a_token_of_another_scope_is_not_enough() {
    let mode = TokenMode::open().await;
    let needed = "eees-eecregistration:create";
    for other in scope::all().into_iter().filter(|scope| !scope::covers(scope, needed)) {
        let challenge = format!("Bearer realm=\"ees-a.example\", error=\"insufficient_scope\", scope=\"{needed}\"");
        challenged(&mode.with(&mode.token(other)).await, 403, "UNAUTHORIZED", &challenge);
    }
    mode.with(&mode.token(needed)).await.created();
}

/// The token opens the door; whose things are inside is another question.
#[tokio::test]
async fn a_token_does_not_make_an_eec_another_one() {
    let mode = TokenMode::open().await;
    let bearer = format!("Bearer {}", mode.token("eees-eecregistration"));
    let answer = mode
        .register(&[&bearer], REGISTRATIONS, json!({"eecId": "eec-2"}))
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.body["cause"].as_str()),
        (403, Some("OWNER_MISMATCH"))
    );
}

/// WP-19, WP-28: the list of scopes is that of the operations which the doors really have.
///
/// Proves: WP-19, WP-28
#[test]
fn every_scope_is_that_of_an_operation_and_the_other_way_round() {
    fn visit(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let names = text.split("operation!").skip(1).flat_map(|rest| {
                    let block = rest.split([')', '}']).next().unwrap_or_default();
                    let words = block.split('"').skip(1).step_by(2);
                    words.map(str::to_owned).collect::<Vec<_>>()
                });
                found.extend(names.filter(|name| name.starts_with("eees-") || name.starts_with("neasdf-")));
            }
        }
    }
    let mut found = BTreeSet::new();
    visit(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    let listed: BTreeSet<String> = scope::OPERATIONS.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(found, listed);
}
