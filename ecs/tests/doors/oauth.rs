//! The authorization server over HTTP: rows 64 to 69 of the corpus, headers, keys, metadata.

use crate::lab::{START, eec, ees, thumbprint_of};
use axum::{
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use edgeapp_authz::RoleOfReferencePoint;
use edgeapp_core::{
    authorizer::ReferencePoint,
    clock::ManualClock,
    evidence::NoEvidence,
    principal::{Owner, Principal},
    token::{from_base64url, scope},
};
use edgeapp_ecs::ecs::{Ecs, EcsRules, NoNotifications};
use edgeapp_ecs_domain::tokens::{registry::Registry, service::TokenRules};
use edgeapp_http::{request::Peer, stack::stack};
use edgeapp_store::MemoryStore;
use http_body_util::BodyExt;
use serde_json::Value;
use std::{collections::BTreeSet, sync::Arc};

const REGISTRY: &str = r#"
[[ees]]
ees_id = "ees-a.example"
authorization = "token"
[[client]]
identity = "urn:edgeapp:eec:eec-1"
audiences = ["ees-a.example"]
scopes = ["eees-easdiscovery"]
[[client]]
identity = "urn:edgeapp:ees:ees-b"
audiences = ["ees-a.example"]
scopes = ["eees-eeccontextreloc"]
[[client]]
identity = "urn:edgeapp:eas:eas.chess.example#a"
audiences = ["ees-a.example"]
scopes = ["eees-easregistration"]
"#;

const GOOD: &str = "grant_type=client_credentials&client_id=eec-1&resource=https%3A%2F%2Fees-a.example%2F";
const FORM: &str = "application/x-www-form-urlencoded";

struct Lab(Ecs);

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(&name).map_or("", |value| value.to_str().unwrap())
    }

    /// A refusal of OAuth: its body, its headers, and nothing of what was sent.
    #[track_caller]
    fn refused(&self, status: u16, error: &str) {
        let body = self.json();
        assert_eq!(
            (self.status.as_u16(), body["error"].as_str()),
            (status, Some(error)),
            "{body}"
        );
        let members: BTreeSet<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["error", "error_description"].into());
        assert_eq!(self.header(header::CONTENT_TYPE), "application/json");
        assert_eq!(self.header(header::CACHE_CONTROL), "no-store");
        assert!(!self.text.contains("canary"));
    }
}

impl Lab {
    async fn new() -> Self {
        let rules = TokenRules {
            server: Owner::ecs("ecs.example"),
            issuer: "https://ecs.example".to_owned(),
            lifetime: 300,
            rotation: 604_800,
        };
        let builder = Ecs::builder(
            EcsRules::default(),
            Arc::new(MemoryStore::new()),
            Arc::new(NoNotifications),
        )
        .clock(ManualClock::at(START.parse().unwrap()))
        .tokens(rules, Registry::parse(REGISTRY).unwrap());
        Self(builder.build().await.unwrap())
    }

    async fn send(
        &self,
        point: ReferencePoint,
        who: &Principal,
        request: axum::http::request::Builder,
        body: &str,
    ) -> Answer {
        let peer = Peer {
            principal: Ok(Arc::new(who.clone())),
            thumbprint: Some(thumbprint_of(who)),
            point,
            from: None,
            authorizer: Arc::new(RoleOfReferencePoint),
            evidence: Arc::new(NoEvidence),
            api_root: Some("https://ecs.example:9304".into()),
        };
        let request = request
            .extension(Arc::new(peer))
            .body(Body::from(body.to_owned()))
            .unwrap();
        let (parts, body) = stack(self.0.router(point), point).answer(request).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    async fn post(&self, point: ReferencePoint, who: &Principal, path: &str, body: &str) -> Answer {
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::CONTENT_TYPE, FORM);
        self.send(point, who, request, body).await
    }

    async fn token(&self, body: &str) -> Answer {
        self.post(ReferencePoint::Edge4, &eec("eec-1"), "/oauth2/token", body)
            .await
    }

    async fn get(&self, point: ReferencePoint, who: &Principal, path: &str) -> Answer {
        self.send(point, who, Request::builder().uri(path), "").await
    }

    async fn list(&self) -> Value {
        let list = self
            .get(ReferencePoint::Edge6, &ees("ees-a.example"), "/oauth2/revocations")
            .await;
        assert_eq!(list.header(header::CONTENT_TYPE), "application/jwt");
        claims(&list.text)
    }
}

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&from_base64url(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn a_token_comes_with_what_it_allows_and_is_stored_by_nobody() {
    let lab = Lab::new().await;
    let answer = lab.token(GOOD).await;
    let body = answer.json();
    assert_eq!(answer.status, StatusCode::OK, "{body}");
    assert_eq!(
        (body["token_type"].as_str(), body["expires_in"].as_u64()),
        (Some("Bearer"), Some(300))
    );
    assert_eq!(body["scope"], "eees-easdiscovery");
    assert!(body.get("refresh_token").is_none());
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
    assert_eq!(answer.header(header::PRAGMA), "no-cache");
    let claims = claims(body["access_token"].as_str().unwrap());
    assert_eq!(claims["cnf"]["x5t#S256"], thumbprint_of(&eec("eec-1")).to_text());
    assert_eq!(claims["sub"], "eec-1");
}

#[tokio::test]
async fn an_ees_and_an_eas_ask_too_where_the_registry_lists_them() {
    let lab = Lab::new().await;
    let body = GOOD.replace("eec-1", "ees-b");
    let answer = lab
        .post(ReferencePoint::Edge6, &ees("ees-b"), "/oauth2/token", &body)
        .await;
    assert_eq!(claims(answer.json()["access_token"].as_str().unwrap())["sub"], "ees-b");
    let eas = Principal::from_names(["urn:edgeapp:eas:eas.chess.example#a"], []).unwrap();
    let body = GOOD.replace("eec-1", "urn%3Aedgeapp%3Aeas%3Aeas.chess.example%23a");
    let answer = lab.post(ReferencePoint::Edge3, &eas, "/oauth2/token", &body).await;
    let sub = claims(answer.json()["access_token"].as_str().unwrap())["sub"].clone();
    assert_eq!(sub, "urn:edgeapp:eas:eas.chess.example#a");
    let body = GOOD.replace("eec-1", "ees-c");
    let stranger = lab
        .post(ReferencePoint::Edge6, &ees("ees-c"), "/oauth2/token", &body)
        .await;
    stranger.refused(401, "invalid_client");
}

/// Rows 64 to 68.
///
/// Proves: WP-13, WP-14
#[tokio::test]
async fn the_token_endpoint_refuses_in_the_words_of_oauth() {
    let lab = Lab::new().await;
    for (from, to, status, error) in [
        ("client_credentials", "password", 400, "unsupported_grant_type"),
        (
            "client_credentials",
            "authorization_code",
            400,
            "unsupported_grant_type",
        ),
        ("client_credentials", "canary", 400, "unsupported_grant_type"),
        ("grant_type=client_credentials", "x=canary", 400, "invalid_request"),
        ("grant_type", "client_id", 400, "invalid_request"),
        ("eec-1", "eec-2", 401, "invalid_client"),
        ("eec-1", "canary", 401, "invalid_client"),
        ("ees-a.example", "ees-b.example", 400, "invalid_target"),
        ("ees-a.example", "canary", 400, "invalid_target"),
    ] {
        lab.token(&GOOD.replace(from, to)).await.refused(status, error);
    }
    for (more, error) in [
        ("&scope=*", "invalid_scope"),
        ("&scope=", "invalid_scope"),
        ("&scope=eees-uelocation", "invalid_scope"),
        ("&scope=eees-easdiscovery%09eees-uelocation", "invalid_scope"),
        ("&scope=canary", "invalid_scope"),
        ("&client_id=eec-1", "invalid_request"),
        ("&client_secret=canary", "invalid_request"),
        ("&resource=https%3A%2F%2Fees-b.example%2F", "invalid_target"),
    ] {
        lab.token(&format!("{GOOD}{more}")).await.refused(400, error);
    }
    lab.token("").await.refused(400, "invalid_request");
}

/// Row 65: other bodies. Row 18: other methods.
#[tokio::test]
async fn only_a_form_in_a_post_is_read() {
    let lab = Lab::new().await;
    let who = eec("eec-1");
    let post = |media: &'static str| {
        let request = Request::builder().method(Method::POST).uri("/oauth2/token");
        request.header(header::CONTENT_TYPE, media)
    };
    for (media, body) in [
        ("application/json", r#"{"grant_type": "client_credentials"}"#),
        ("text/plain", GOOD),
        ("", GOOD),
        ("application/x-www-form-urlencodedx", GOOD),
    ] {
        let answer = lab.send(ReferencePoint::Edge4, &who, post(media), body).await;
        answer.refused(400, "invalid_request");
    }
    let in_query = Request::builder()
        .method(Method::POST)
        .uri(format!("/oauth2/token?{GOOD}"));
    let in_query = in_query.header(header::CONTENT_TYPE, FORM);
    lab.send(ReferencePoint::Edge4, &who, in_query, "")
        .await
        .refused(400, "invalid_request");
    let charset = lab.send(
        ReferencePoint::Edge4,
        &who,
        post("Application/X-WWW-Form-Urlencoded; charset=utf-8"),
        GOOD,
    );
    assert_eq!(charset.await.status, StatusCode::OK);

    let by_header = post(FORM).header(header::AUTHORIZATION, "Basic ZWVjLTE6cHc=");
    let refused = lab.send(ReferencePoint::Edge4, &who, by_header, GOOD).await;
    refused.refused(401, "invalid_client");
    assert!(refused.header(header::WWW_AUTHENTICATE).starts_with("Basic "));

    let get = lab.get(ReferencePoint::Edge4, &who, "/oauth2/token").await;
    assert_eq!(get.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(get.header(header::ALLOW).contains("POST"));
    let long = format!("{GOOD}&x={}", "a".repeat(65 * 1024));
    assert_eq!(lab.token(&long).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn keys_are_public_and_nothing_else_of_them_is() {
    let lab = Lab::new().await;
    for (point, who) in [
        (ReferencePoint::Edge4, eec("eec-1")),
        (ReferencePoint::Edge6, ees("ees-a.example")),
    ] {
        let answer = lab.get(point, &who, "/jwks").await;
        assert_eq!(answer.header(header::CACHE_CONTROL), "max-age=300");
        let keys = answer.json()["keys"].as_array().unwrap().clone();
        assert!(keys.len() >= 2, "one in use, one announced");
        for key in keys {
            let members: BTreeSet<&str> = key.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"].into());
        }
    }
}

/// WP-19.
///
/// Proves: WP-19
#[tokio::test]
async fn metadata_names_every_scope_and_where_to_ask() {
    let lab = Lab::new().await;
    let who = eec("eec-1");
    let metadata = lab
        .get(ReferencePoint::Edge4, &who, "/.well-known/oauth-authorization-server")
        .await
        .json();
    assert_eq!(metadata["issuer"], "https://ecs.example");
    assert_eq!(metadata["token_endpoint"], "https://ecs.example:9304/oauth2/token");
    assert_eq!(metadata["jwks_uri"], "https://ecs.example:9304/jwks");
    assert_eq!(
        metadata["revocation_endpoint"],
        "https://ecs.example:9304/oauth2/revoke"
    );
    assert_eq!(metadata["tls_client_certificate_bound_access_tokens"], true);
    assert_eq!(metadata["token_endpoint_auth_methods_supported"][0], "tls_client_auth");
    let scopes = metadata["scopes_supported"].as_array().unwrap();
    assert!(scopes.iter().map(|scope| scope.as_str().unwrap()).eq(scope::all()));
}

/// Row 69.
#[tokio::test]
async fn revocation_says_little_and_does_what_it_has_to() {
    let lab = Lab::new().await;
    let issued = lab.token(GOOD).await.json();
    let token = issued["access_token"].as_str().unwrap();
    let form = format!("token={token}&token_type_hint=access_token");
    let stranger = lab
        .post(ReferencePoint::Edge4, &eec("eec-2"), "/oauth2/revoke", &form)
        .await;
    assert_eq!((stranger.status, stranger.text.as_str()), (StatusCode::OK, ""));
    let unknown = lab
        .post(ReferencePoint::Edge4, &eec("eec-1"), "/oauth2/revoke", "token=x")
        .await;
    assert_eq!(unknown.status, StatusCode::OK);
    assert_eq!(lab.list().await["tokens"].as_array().map(Vec::len), Some(0));
    let own = lab
        .post(ReferencePoint::Edge4, &eec("eec-1"), "/oauth2/revoke", &form)
        .await;
    assert_eq!(own.status, StatusCode::OK);
    assert_eq!(lab.list().await["tokens"][0]["jti"], claims(token)["jti"]);
    let nothing = lab
        .post(ReferencePoint::Edge4, &eec("eec-1"), "/oauth2/revoke", "")
        .await;
    nothing.refused(400, "invalid_request");
}

#[tokio::test]
async fn operators_revoke_clients_and_withdraw_keys() {
    let lab = Lab::new().await;
    let operator = Principal::from_names(["urn:edgeapp:operator:o"], []).unwrap();
    let all = "client_id=eec-1";
    let revoked = lab
        .post(ReferencePoint::Operator, &operator, "/oauth2/revoke", all)
        .await;
    assert_eq!(revoked.status, StatusCode::OK);
    assert_eq!(lab.list().await["clients"][0]["sub"], "eec-1");
    let before = lab.list().await;
    let rotated = lab
        .post(
            ReferencePoint::Operator,
            &operator,
            "/oauth2/rotate-keys",
            "compromised=true",
        )
        .await;
    assert_eq!(rotated.status, StatusCode::NO_CONTENT);
    let after = lab.list().await;
    assert_ne!(before["keys"][0], after["keys"][0]);
    assert_ne!(before["keys"][1], after["keys"][0], "what was announced lay beside it");
    assert!(after["seq"].as_u64() > before["seq"].as_u64());
    for wrong in ["compromised=yes", "comprimised=true"] {
        let refused = lab
            .post(ReferencePoint::Operator, &operator, "/oauth2/rotate-keys", wrong)
            .await;
        refused.refused(400, "invalid_request");
    }
    assert_eq!(lab.list().await["keys"], after["keys"]);
}

#[tokio::test]
async fn each_reference_point_has_its_own_and_no_more() {
    let lab = Lab::new().await;
    let operator = Principal::from_names(["urn:edgeapp:operator:o"], []).unwrap();
    for (point, who, path) in [
        (ReferencePoint::Edge4, eec("eec-1"), "/oauth2/revocations"),
        (ReferencePoint::Edge4, eec("eec-1"), "/oauth2/rotate-keys"),
        (ReferencePoint::Operator, operator, "/jwks"),
    ] {
        assert_eq!(lab.get(point, &who, path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let stranger = lab
        .get(ReferencePoint::Edge6, &eec("eec-1"), "/oauth2/revocations")
        .await;
    assert_eq!(stranger.status, StatusCode::FORBIDDEN);
    assert_eq!(stranger.header(header::CONTENT_TYPE), "application/problem+json");
}

/// Without `[tokens]` there is nothing.
#[tokio::test]
async fn an_ecs_without_tokens_has_no_endpoints_for_them() {
    let ecs = Ecs::builder(
        EcsRules::default(),
        Arc::new(MemoryStore::new()),
        Arc::new(NoNotifications),
    );
    let lab = Lab(ecs.build().await.unwrap());
    assert_eq!(lab.token(GOOD).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        lab.get(ReferencePoint::Edge4, &eec("eec-1"), "/jwks").await.status,
        StatusCode::NOT_FOUND
    );
}
