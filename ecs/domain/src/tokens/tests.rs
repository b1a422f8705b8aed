//! Tokens by plain calls: the clock is moved by hand, the store is memory.

use super::{
    keys::{MOST_KEYS, Ring},
    refusal::OauthError,
    registry::Registry,
    request::{compromised, decide},
    revoked::{self, MOST_IN_ALL, Sequence},
    service::{By, TokenRules, TokenService},
};
use edgeapp_core::{
    clock::ManualClock,
    evidence::{Evidence, SecurityEvent},
    principal::{Owner, Principal},
    room::Room,
    store::{Commit, Store},
    token::{RevocationList, Thumbprint, from_base64url},
};
use edgeapp_store::MemoryStore;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    net::IpAddr,
    sync::{Arc, Mutex},
};

const EES: &str = "ees-a.example";

const REGISTRY: &str = r#"
[[ees]]
ees_id = "ees-a.example"
authorization = "token"
[[ees]]
ees_id = "ees-b.example"
authorization = "local_policy"
[[ees]]
ees_id = "ees-c.example"
authorization = "token"
[[client]]
identity = "urn:edgeapp:eec:eec-1"
audiences = ["ees-a.example", "ees-b.example"]
scopes = ["eees-easdiscovery", "eees-eecregistration:create"]
[[client]]
identity = "urn:edgeapp:eec:eec-2"
audiences = ["ees-a.example"]
scopes = ["eees-easdiscovery:request"]
lifetime_seconds = 60
"#;

fn principal(uri: &str) -> Principal {
    Principal::from_names([uri], []).unwrap()
}

fn eec(id: &str) -> Principal {
    principal(&format!("urn:edgeapp:eec:{id}"))
}

fn form(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

const GOOD: &str = "grant_type=client_credentials&client_id=eec-1&resource=https://ees-a.example/";

fn refused(text: &str) -> OauthError {
    let registry = Registry::parse(REGISTRY).unwrap();
    let refusal = decide(&registry, &eec("eec-1"), &form(text), 300).expect_err(text);
    assert!(refusal.description.is_ascii() && !refusal.description.contains(['"', '\\']));
    refusal.error
}

#[test]
fn a_grant_is_what_the_registry_says() {
    let registry = Registry::parse(REGISTRY).unwrap();
    let grant = decide(&registry, &eec("eec-1"), &form(GOOD), 300).unwrap();
    assert_eq!(grant.scope, "eees-easdiscovery eees-eecregistration:create");
    assert_eq!((grant.audience.as_str(), grant.lifetime), ("ees-a.example", 300));
    let narrow = "&scope=eees-easdiscovery:request eees-easdiscovery:request&unknown=x";
    let grant = decide(&registry, &eec("eec-1"), &form(&format!("{GOOD}{narrow}")), 300).unwrap();
    assert_eq!(grant.scope, "eees-easdiscovery:request");
    let second = GOOD.replace("eec-1", "eec-2");
    assert_eq!(
        decide(&registry, &eec("eec-2"), &form(&second), 300).unwrap().lifetime,
        60
    );
}

/// Rows 64 and 65.
///
/// Proves: WP-13
#[test]
fn other_grants_and_malformed_requests_are_told_apart() {
    for grant in [
        "password",
        "authorization_code",
        "refresh_token",
        "client_credential",
        "",
    ] {
        let text = GOOD.replace("client_credentials", grant);
        assert_eq!(refused(&text), OauthError::UnsupportedGrantType, "{grant}");
    }
    for text in [
        "",
        "grant_type=client_credentials&resource=https://ees-a.example/",
        "client_id=eec-1&resource=https://ees-a.example/",
        &format!("{GOOD}&grant_type=client_credentials"),
        &format!("{GOOD}&client_id=eec-1"),
        &format!("{GOOD}&x=1&x=2"),
        &(0..14).fold(GOOD.to_owned(), |text, n| format!("{text}&x{n}=1")),
        &format!("{GOOD}&client_secret=s"),
        &format!("{GOOD}&client_assertion=a.b.c"),
    ] {
        assert_eq!(refused(text), OauthError::InvalidRequest, "{text}");
    }
}

/// Row 66: nobody gets a token in somebody else's name, and a stranger hears of nothing else.
///
/// Proves: WP-14
#[test]
fn the_client_is_the_one_of_the_certificate() {
    for client in ["eec-2", "eec-9", "", "EEC-1", "urn:edgeapp:eec:eec-1"] {
        let text = GOOD.replace("client_id=eec-1", &format!("client_id={client}"));
        assert_eq!(refused(&text), OauthError::InvalidClient, "{client}");
    }
    let registry = Registry::parse(REGISTRY).unwrap();
    for stranger in [
        "urn:edgeapp:eec:eec-9",
        "urn:edgeapp:ees:eec-1",
        "urn:edgeapp:eas:eec-1",
    ] {
        let refusal = decide(
            &registry,
            &principal(stranger),
            &form(&GOOD.replace("client_credentials", "x")),
            300,
        );
        assert_eq!(refusal.unwrap_err().error, OauthError::InvalidClient, "{stranger}");
    }
}

/// Row 67, T-07.
///
/// Proves: WP-15, T-07
#[test]
fn no_scope_is_wider_than_registered() {
    for scope in [
        "*",
        "",
        "eees-easdiscovery *",
        "eees-eecregistration",
        "eees-eecregistration:delete",
        "eees-uelocation",
        "eees-easdiscovery  eees-easdiscovery",
        "eees-easdiscovery\teees-uelocation",
        "eees-easdiscovery\u{a0}eees-uelocation",
        "eees-easdiscovery:nothing",
        "eees",
        "EEES-EASDISCOVERY",
    ] {
        assert_eq!(
            refused(&format!("{GOOD}&scope={scope}")),
            OauthError::InvalidScope,
            "{scope:?}"
        );
    }
}

/// Row 68: also no token for an EES that decides by its local policy.
///
/// Proves: WP-25
#[test]
fn the_target_is_one_ees_that_takes_tokens() {
    for resource in [
        "https://ees-b.example/",
        "https://ees-c.example/",
        "https://ees-x.example/",
        "https://ees-a.example",
        "http://ees-a.example/",
        "https://ees-a.example/x/",
        "https://ees-a.example:443/",
        "ees-a.example",
        "",
        "*",
    ] {
        let text = GOOD.replace("https://ees-a.example/", resource);
        assert_eq!(refused(&text), OauthError::InvalidTarget, "{resource}");
    }
    assert_eq!(
        refused("grant_type=client_credentials&client_id=eec-1"),
        OauthError::InvalidTarget
    );
    let two = format!("{GOOD}&resource=https://ees-a.example/");
    assert_eq!(refused(&two), OauthError::InvalidTarget);
}

#[test]
fn a_registry_says_what_is_wrong_with_it() {
    for (from, to, said) in [
        ("eec:eec-1", "nobody:x", "urn:edgeapp:eec:<EECID>"),
        ("eec:eec-1", "operator:x", "the role operator"),
        ("eec:eec-2", "eec:eec-1", "twice; keep one"),
        (
            "ees_id = \"ees-b.example\"",
            "ees_id = \"ees-a.example\"",
            "twice; keep one",
        ),
        ("[\"ees-a.example\"]", "[\"ees-x.example\"]", "is no [[ees]] above"),
        ("\"eees-easdiscovery:request\"", "\"*\"", "is no scope"),
        ("[\"eees-easdiscovery:request\"]", "[]", "has no scopes"),
        ("lifetime_seconds = 60", "lifetime_seconds = 3601", "at most 3600"),
        (
            "lifetime_seconds = 60",
            "default_scopes = [\"eees-uelocation\"]",
            "not within its scopes",
        ),
        ("lifetime_seconds = 60", "lifetime = 60", "unknown field"),
    ] {
        let wrong = Registry::parse(&REGISTRY.replacen(from, to, 1)).expect_err(said);
        assert!(wrong.contains(said), "{wrong}");
    }
}

#[test]
fn a_key_is_announced_long_before_it_signs_and_stays_while_its_tokens_live() {
    const START: u64 = 1_767_268_800;
    const ROTATION: u64 = 7 * 86_400;
    let first = Ring::default().kept_up(START, ROTATION).unwrap();
    let names = first.names();
    assert_eq!(names.len(), 2, "one in use, one announced");
    assert_eq!(first.current(START).map(|key| &key.name), Some(&names[0]));
    let same = first.kept_up(START + ROTATION - 1, ROTATION).unwrap();
    assert_eq!(same, first);
    let second = first.kept_up(START + ROTATION, ROTATION).unwrap();
    assert_eq!(second.current(START + ROTATION).map(|key| &key.name), Some(&names[1]));
    assert_eq!(second.names()[..2], names[..], "the former key still verifies");
    assert_eq!(second.names().len(), 3);
    let later = second.kept_up(START + ROTATION + 3661, ROTATION).unwrap();
    assert_eq!(later.names(), second.names()[1..]);

    let forced = first.rotated(START + 5, ROTATION).unwrap();
    assert_eq!(forced.current(START + 5).map(|key| &key.name), Some(&names[1]));
    assert!(forced.names().contains(&names[0]));
    // What was announced lay beside what was stolen.
    let withdrawn = Ring::replaced(START + 5, ROTATION).unwrap();
    assert!(withdrawn.current(START + 5).is_some() && withdrawn.names().len() == 2);
    assert!(!withdrawn.names().iter().any(|name| names.contains(name)));
    let document = serde_json::to_value(withdrawn.document()).unwrap();
    for key in document["keys"].as_array().unwrap() {
        assert!(key.get("d").is_none() && key["kid"].is_string() && key["x"].is_string());
    }
    assert!(!format!("{withdrawn:?}").contains("private"));
}

proptest! {
    /// Whenever it is looked at: there is a key that signs, one that is announced, and every key that signed within the last hour.
    #[test]
    fn the_ring_is_whole_at_any_time(steps in prop::collection::vec((1u64..3_000, any::<bool>()), 1..30)) {
        let (mut now, rotation) = (1_767_268_800, 1_200);
        let mut ring = Ring::default().kept_up(now, rotation).unwrap();
        let mut signed: Vec<(String, u64)> = Vec::new();
        for (step, forced) in steps {
            let current = ring.current(now).unwrap().name.clone();
            signed.push((current, now));
            now += step;
            let kept_up = ring.kept_up(now, rotation).unwrap();
            ring = match ring.rotated(now, rotation) {
                Ok(rotated) if forced => rotated,
                Ok(_) => kept_up,
                Err(_) => {
                    prop_assert!(kept_up.names().len() >= MOST_KEYS);
                    kept_up
                }
            };
            prop_assert!(ring.names().len() <= 2 * MOST_KEYS);
            prop_assert!(ring.current(now).is_some());
            let names = ring.names();
            prop_assert!(names.len() >= 2);
            for (name, at) in &signed {
                prop_assert!(at + 3600 < now || names.contains(name), "{} signed at {}, it is {}", name, at, now);
            }
        }
    }

    #[test]
    fn numbers_of_lists_only_grow(last in any::<u32>(), second in 0i64..4_000_000_000) {
        let now = edgeapp_openapi::common::DateTime(jiff::Timestamp::from_second(second).unwrap());
        prop_assert!(Sequence(last.into()).next(now) > Sequence(last.into()));
    }
}

#[derive(Default)]
struct Told(Mutex<Vec<String>>, Mutex<Vec<Option<IpAddr>>>);

impl Evidence for Told {
    fn record(&self, event: SecurityEvent) {
        self.0.lock().unwrap().push(event.kind.to_string());
        self.1.lock().unwrap().push(event.from);
    }
}

struct Lab {
    store: Arc<MemoryStore>,
    clock: Arc<ManualClock>,
    told: Arc<Told>,
    service: Arc<TokenService>,
}

impl Lab {
    async fn new() -> Self {
        let clock = ManualClock::at("2026-01-01T12:00:00Z".parse().unwrap());
        Self::over(Arc::new(MemoryStore::new()), clock, REGISTRY).await
    }

    async fn over(store: Arc<MemoryStore>, clock: Arc<ManualClock>, registry: &str) -> Self {
        let told = Arc::new(Told::default());
        let rules = TokenRules {
            server: Owner::ecs("ecs.example"),
            issuer: "https://ecs.example".to_owned(),
            lifetime: 300,
            rotation: 7 * 86_400,
        };
        let room = Room::new(store.clone() as Arc<dyn Store>, clock.clone());
        let registry = Registry::parse(registry).unwrap();
        let service = TokenService::start(room, rules, registry, told.clone()).await.unwrap();
        Self {
            store,
            clock,
            told,
            service,
        }
    }

    async fn token(&self) -> String {
        let issued = self
            .service
            .issue(&eec("eec-1"), &Thumbprint::new([1; 32]), &form(GOOD))
            .await;
        issued.unwrap().access_token
    }

    async fn list(&self) -> RevocationList {
        let list = self.service.revocations(EES).await.unwrap();
        serde_json::from_value(payload(&list)).unwrap()
    }

    async fn revoked(&self) -> BTreeSet<String> {
        self.list().await.tokens.into_iter().map(|token| token.jti).collect()
    }
}

fn part(token: &str, n: usize) -> Value {
    let part = token.split('.').nth(n).unwrap();
    serde_json::from_slice(&from_base64url(part).unwrap()).unwrap()
}

fn payload(token: &str) -> Value {
    part(token, 1)
}

fn jti(token: &str) -> String {
    payload(token)["jti"].as_str().unwrap().to_owned()
}

fn revocation(token: &str) -> Vec<(String, String)> {
    vec![("token".to_owned(), token.to_owned())]
}

#[tokio::test]
async fn a_token_says_who_for_whom_and_for_how_long() {
    let lab = Lab::new().await;
    let token = lab.token().await;
    let (header, claims) = (part(&token, 0), payload(&token));
    assert_eq!(
        (header["alg"].as_str(), header["typ"].as_str()),
        (Some("ES256"), Some("at+jwt"))
    );
    assert_eq!(header["kid"], lab.service.keys().keys[0].kid.as_deref().unwrap());
    assert_eq!(header.as_object().unwrap().len(), 3, "{header}");
    for (claim, value) in [
        ("iss", "https://ecs.example"),
        ("sub", "eec-1"),
        ("client_id", "eec-1"),
        ("aud", "ees-a.example"),
    ] {
        assert_eq!(claims[claim], value);
    }
    assert_eq!(claims["exp"].as_u64(), claims["iat"].as_u64().map(|iat| iat + 300));
    assert_eq!(claims["cnf"]["x5t#S256"], Thumbprint::new([1; 32]).to_text());
    assert_ne!(jti(&token), jti(&lab.token().await));
}

/// Row 69 and RFC 7009.
#[tokio::test]
async fn a_client_revokes_its_own_tokens_and_no_others() {
    let lab = Lab::new().await;
    let (one, other) = (lab.token().await, lab.token().await);
    let before = lab.list().await.seq;
    lab.service.revoke(&eec("eec-2"), &revocation(&one)).await.unwrap();
    lab.service
        .revoke(&eec("eec-1"), &revocation("no.token.at-all"))
        .await
        .unwrap();
    assert!(lab.revoked().await.is_empty());
    lab.service.revoke(&eec("eec-1"), &revocation(&one)).await.unwrap();
    lab.service.revoke(&eec("eec-1"), &revocation(&one)).await.unwrap();
    assert_eq!(lab.revoked().await, [jti(&one)].into());
    assert!(lab.list().await.seq > before);
    lab.service
        .revoke(&principal("urn:edgeapp:operator:o"), &revocation(&other))
        .await
        .unwrap();
    assert_eq!(lab.revoked().await, [jti(&one), jti(&other)].into());
    let nothing = lab.service.revoke(&eec("eec-1"), &[]).await.unwrap_err();
    assert_eq!(nothing.error, OauthError::InvalidRequest);

    // After a restart too, with a greater number; and no longer than it has to be.
    let seq = lab.list().await.seq;
    let lab = Lab::over(lab.store, lab.clock, REGISTRY).await;
    assert_eq!(lab.revoked().await.len(), 2);
    assert!(lab.list().await.seq > seq);
    lab.clock.advance(400);
    assert!(lab.revoked().await.is_empty());
}

#[tokio::test]
async fn who_leaves_the_registry_loses_its_tokens() {
    let lab = Lab::new().await;
    lab.token().await;
    let (without, _) = REGISTRY.split_once("[[client]]").unwrap();
    // Also when the file was changed while nobody looked.
    let lab = Lab::over(lab.store, lab.clock, without).await;
    let clients = lab.list().await.clients;
    let names: BTreeSet<&str> = clients.iter().map(|client| client.sub.as_str()).collect();
    assert_eq!(names, ["eec-1", "eec-2"].into());
    assert!(
        lab.service
            .issue(&eec("eec-1"), &Thumbprint::new([1; 32]), &form(GOOD))
            .await
            .is_err()
    );
    // Back again, it gets tokens that are later than what was revoked.
    lab.service.register(Registry::parse(REGISTRY).unwrap()).await.unwrap();
    assert!(payload(&lab.token().await)["iat"].as_u64() > Some(clients[0].until));
}

/// A registry as it is changed: who may have less than before loses what it has, also when the file was changed while nobody looked; nobody
/// else does.
///
/// Proves: WP-22
#[tokio::test]
async fn who_may_have_less_than_before_loses_its_tokens() {
    for (from, to) in [
        (
            "[\"eees-easdiscovery\", \"eees-eecregistration:create\"]",
            "[\"eees-easdiscovery\"]",
        ),
        ("[\"eees-easdiscovery\",", "[\"eees-easdiscovery:request\","),
        (
            "[\"ees-a.example\", \"ees-b.example\"]",
            "[\"ees-b.example\", \"ees-c.example\"]",
        ),
    ] {
        let narrower = REGISTRY.replacen(from, to, 1);
        assert_ne!(narrower, REGISTRY);
        for restarted in [false, true] {
            let lab = Lab::new().await;
            let iat = payload(&lab.token().await)["iat"].as_u64();
            let lab = match restarted {
                true => Lab::over(lab.store, lab.clock, &narrower).await,
                false => {
                    lab.service.register(Registry::parse(&narrower).unwrap()).await.unwrap();
                    lab
                }
            };
            let clients = lab.list().await.clients;
            assert_eq!(clients.len(), 1, "{to}");
            assert_eq!(clients[0].identity.as_ref(), Some(eec("eec-1").owner()));
            assert!(iat <= Some(clients[0].until));
            // Once: the same registry revokes nobody.
            let seq = lab.list().await.seq;
            lab.service.register(Registry::parse(&narrower).unwrap()).await.unwrap();
            assert_eq!(lab.list().await.seq, seq);
        }
    }
}

#[tokio::test]
async fn who_may_have_more_or_the_same_keeps_its_tokens() {
    let lab = Lab::new().await;
    let wider = REGISTRY
        .replace(
            "[\"eees-easdiscovery:request\"]",
            "[\"eees-easdiscovery\"]\ndefault_scopes = [\"eees-easdiscovery:request\"]",
        )
        .replace("[\"ees-a.example\"]", "[\"ees-a.example\", \"ees-c.example\"]");
    // Of an EES by local policy nobody had tokens.
    let without = wider.replace("[\"ees-a.example\", \"ees-b.example\"]", "[\"ees-a.example\"]");
    for registry in [REGISTRY, &wider, &without] {
        lab.service.register(Registry::parse(registry).unwrap()).await.unwrap();
        assert!(lab.list().await.clients.is_empty(), "{registry}");
    }
}

/// A replica that read the narrower file later than another one issued by the wider one until then.
#[tokio::test]
async fn a_replica_that_is_late_revokes_what_it_issued_meanwhile() {
    let one = Lab::new().await;
    let other = Lab::over(one.store.clone(), one.clock.clone(), REGISTRY).await;
    let narrower = REGISTRY.replacen(", \"eees-eecregistration:create\"]", "]", 1);
    one.service.register(Registry::parse(&narrower).unwrap()).await.unwrap();
    one.clock.advance(2);
    let iat = payload(&other.token().await)["iat"].as_u64();
    assert!(iat > Some(one.list().await.clients[0].until));
    other
        .service
        .register(Registry::parse(&narrower).unwrap())
        .await
        .unwrap();
    assert!(iat <= Some(one.list().await.clients[0].until));
}

const NAMESAKES: &str = r#"
[[ees]]
ees_id = "ees-a.example"
authorization = "token"
[[ees]]
ees_id = "ees-c.example"
authorization = "token"
[[client]]
identity = "urn:edgeapp:eec:x"
audiences = ["ees-a.example", "ees-c.example"]
scopes = ["eees-easdiscovery"]
[[client]]
identity = "urn:edgeapp:ees:x"
audiences = ["ees-a.example"]
scopes = ["eees-eeccontextreloc"]
"#;

async fn namesakes() -> Lab {
    let clock = ManualClock::at("2026-01-01T12:00:00Z".parse().unwrap());
    Lab::over(Arc::new(MemoryStore::new()), clock, NAMESAKES).await
}

/// An EEC and an EES of one name are two clients.
#[tokio::test]
async fn clients_of_different_roles_with_one_name_do_not_share_a_fate() {
    let lab = namesakes().await;
    let (eec, ees, operator) = (
        eec("x"),
        principal("urn:edgeapp:ees:x"),
        principal("urn:edgeapp:operator:o"),
    );
    let asked = form(&GOOD.replace("eec-1", "x"));
    let issued = lab
        .service
        .issue(&eec, &Thumbprint::new([1; 32]), &asked)
        .await
        .unwrap();
    assert_eq!(payload(&issued.access_token)["edgeapp_role"], "eec");
    // The other one cannot take it back, and an operator has to say whom it means.
    lab.service
        .revoke(&ees, &revocation(&issued.access_token))
        .await
        .unwrap();
    assert!(lab.revoked().await.is_empty());
    let unclear = lab.service.revoke(&operator, &form("client_id=x")).await.unwrap_err();
    assert!(unclear.description.contains("several roles"), "{}", unclear.description);
    let one = form("client_id=urn:edgeapp:ees:x");
    lab.service.revoke(&operator, &one).await.unwrap();
    let clients = lab.list().await.clients;
    assert_eq!(clients.len(), 1);
    assert_eq!(clients[0].identity.as_ref(), Some(ees.owner()));
    lab.service
        .revoke(&eec, &revocation(&issued.access_token))
        .await
        .unwrap();
    assert_eq!(lab.revoked().await, [jti(&issued.access_token)].into());
    // One leaves, the other stays.
    let lab = namesakes().await;
    let (without, _) = NAMESAKES.rsplit_once("[[client]]").unwrap();
    lab.service.register(Registry::parse(without).unwrap()).await.unwrap();
    let clients = lab.list().await.clients;
    assert_eq!(clients.len(), 1);
    assert_eq!(clients[0].identity.as_ref(), Some(ees.owner()));
}

/// An EES hears of what concerns it, and of nobody else.
#[tokio::test]
async fn an_ees_hears_of_its_own_tokens_only() {
    let lab = namesakes().await;
    let list = async |ees: &str| -> RevocationList {
        serde_json::from_value(payload(&lab.service.revocations(ees).await.unwrap())).unwrap()
    };
    let eec = eec("x");
    let asked = form("grant_type=client_credentials&client_id=x&resource=https://ees-c.example/");
    let issued = lab
        .service
        .issue(&eec, &Thumbprint::new([1; 32]), &asked)
        .await
        .unwrap();
    lab.service
        .revoke(&eec, &revocation(&issued.access_token))
        .await
        .unwrap();
    let operator = principal("urn:edgeapp:operator:o");
    let one = form("client_id=urn:edgeapp:ees:x");
    lab.service.revoke(&operator, &one).await.unwrap();
    let (a, c, stranger) = (
        list("ees-a.example").await,
        list("ees-c.example").await,
        list("ees-z.example").await,
    );
    assert_eq!((a.tokens.len(), a.clients.len()), (0, 1));
    assert_eq!((c.tokens.len(), c.clients.len()), (1, 0));
    assert_eq!((stranger.tokens.len(), stranger.clients.len()), (0, 0));
    assert_eq!((a.aud.as_deref(), a.seq), (Some("ees-a.example"), c.seq));
    // Taken out of one audience, its tokens there are void all the same.
    let narrower = NAMESAKES.replacen("[\"ees-a.example\", \"ees-c.example\"]", "[\"ees-a.example\"]", 1);
    lab.service.register(Registry::parse(&narrower).unwrap()).await.unwrap();
    assert_eq!(list("ees-c.example").await.clients.len(), 1);
}

/// What an earlier version kept: names of clients without their roles.
#[tokio::test]
async fn state_of_an_earlier_version_is_read() {
    let lab = Lab::new().await;
    let until = payload(&lab.token().await)["iat"].as_u64().unwrap();
    let kept = |value: Value| {
        json!({"owner": "urn:edgeapp:operator:o", "expires_at": "2026-01-01T14:00:00Z", "value": value}).to_string()
    };
    let commit = Commit::new()
        .put("token/registered", json!(["eec-1", "eec-2", "gone"]).to_string())
        .put(
            "token/revoked/eec-1/old",
            kept(json!({"jti": "old", "exp": until + 300})),
        )
        .put(
            "token/revoked-client/eec-2",
            kept(json!({"sub": "eec-2", "until": until, "exp": until + 3600})),
        );
    lab.store.commit(commit).await.unwrap();
    let lab = Lab::over(lab.store, lab.clock, REGISTRY).await;
    let list = lab.list().await;
    assert_eq!(list.tokens[0].jti, "old");
    let by_name = list.clients.iter().find(|client| client.sub == "eec-2").unwrap();
    assert_eq!((&by_name.identity, by_name.until), (&None, until));
    let gone = list.clients.iter().filter_map(|client| client.identity.as_ref());
    let gone: BTreeSet<&str> = gone.map(Owner::as_str).collect();
    assert_eq!(gone, ["urn:edgeapp:eec:gone", "urn:edgeapp:ees:gone"].into());
}

/// Proves: WP-32
#[tokio::test]
async fn evidence_says_from_where_a_client_came() {
    let lab = Lab::new().await;
    let (eec, from) = (eec("eec-1"), "192.0.2.7".parse().ok());
    let by = || By { principal: &eec, from };
    let issued = lab
        .service
        .issue(by(), &Thumbprint::new([1; 32]), &form(GOOD))
        .await
        .unwrap();
    lab.service
        .issue(by(), &Thumbprint::new([1; 32]), &[])
        .await
        .unwrap_err();
    lab.service
        .revoke(by(), &revocation(&issued.access_token))
        .await
        .unwrap();
    assert_eq!(lab.told.1.lock().unwrap()[1..], [from; 3]);
}

/// T-32: tokens that were issued by a clock that was ahead are revoked with the others, also after a restart and by a clock that is back.
///
/// Proves: T-32
#[tokio::test]
async fn a_clock_that_goes_back_leaves_no_token_out_of_a_revocation() {
    let lab = Lab::new().await;
    lab.clock.advance(3000);
    let iat = payload(&lab.token().await)["iat"].as_u64();
    let back = ManualClock::at("2026-01-01T12:00:00Z".parse().unwrap());
    let lab = Lab::over(lab.store, back, REGISTRY).await;
    let operator = principal("urn:edgeapp:operator:o");
    lab.service.revoke(&operator, &form("client_id=eec-1")).await.unwrap();
    assert!(iat <= Some(lab.list().await.clients[0].until));
}

/// More clients lose rights than a list can name: then all tokens are void.
#[tokio::test]
async fn many_clients_that_lose_rights_at_once_lose_their_keys() {
    let client = |n: usize, scope: &str| {
        let name = format!("{n}-{}", "x".repeat(200));
        format!(
            "[[client]]\nidentity = \"urn:edgeapp:eec:{name}\"\naudiences = [\"ees-a.example\"]\nscopes = [\"{scope}\"]\n"
        )
    };
    let many =
        |scope: &str| -> String { REGISTRY.to_owned() + &(0..2_500).map(|n| client(n, scope)).collect::<String>() };
    let clock = ManualClock::at("2026-01-01T12:00:00Z".parse().unwrap());
    let lab = Lab::over(Arc::new(MemoryStore::new()), clock, &many("eees-easdiscovery")).await;
    let before = lab.list().await.keys;
    let narrower = Registry::parse(&many("eees-easdiscovery:request")).unwrap();
    lab.service.register(narrower.clone()).await.unwrap();
    let list = lab.list().await;
    assert!(list.clients.is_empty() && !list.keys.iter().any(|key| before.contains(key)));
    lab.service.register(narrower).await.unwrap();
    assert_eq!(lab.list().await.keys, list.keys, "once");
}

#[tokio::test]
async fn an_operator_revokes_all_of_a_client() {
    let lab = Lab::new().await;
    lab.token().await;
    let all = form("client_id=eec-1");
    let refused = lab.service.revoke(&eec("eec-1"), &all).await.unwrap_err();
    assert_eq!(refused.error, OauthError::InvalidRequest);
    lab.service
        .revoke(&principal("urn:edgeapp:operator:o"), &all)
        .await
        .unwrap();
    assert_eq!(lab.list().await.clients[0].sub, "eec-1");
    // A name that is mistyped is no success.
    let long = format!("client_id={}", "e".repeat(1025));
    for wrong in ["client_id=eec-11", "client_id=", long.as_str()] {
        let operator = principal("urn:edgeapp:operator:o");
        let refused = lab.service.revoke(&operator, &form(wrong)).await.unwrap_err();
        assert_eq!(refused.error, OauthError::InvalidRequest, "{wrong}");
    }
    assert_eq!(lab.list().await.clients.len(), 1);
}

#[tokio::test]
async fn many_revocations_of_one_client_become_one() {
    let lab = Lab::new().await;
    for _ in 0..=100 {
        let token = lab.token().await;
        lab.service.revoke(&eec("eec-1"), &revocation(&token)).await.unwrap();
    }
    let list = lab.list().await;
    assert_eq!((list.tokens.len(), list.clients.len()), (0, 1));
}

/// The list does not grow beyond what EESs read.
#[tokio::test]
async fn with_many_revocations_of_all_clients_the_next_is_of_a_client() {
    let lab = Lab::new().await;
    let token = lab.token().await;
    let (by, exp) = (eec("eec-2"), payload(&token)["exp"].as_u64().unwrap());
    let mut commit = Commit::new();
    for n in 0..MOST_IN_ALL {
        let (client, jti) = (eec(&format!("other-{}", n % 1000)), format!("jti-{n}"));
        let kept = revoked::token(&by, EES, &jti, exp).to_bytes().unwrap();
        commit = commit.put(revoked::token_key(client.owner(), &jti), kept);
    }
    lab.store.commit(commit).await.unwrap();
    lab.clock.advance(1);
    // What is in the store and in the list is one thing only once the number has changed.
    lab.service
        .rotate(&principal("urn:edgeapp:operator:o"), false)
        .await
        .unwrap();
    lab.service.revoke(&eec("eec-1"), &revocation(&token)).await.unwrap();
    let list = lab.list().await;
    assert_eq!((list.tokens.len(), list.clients.len()), (MOST_IN_ALL, 1));
    assert!(lab.service.revocations(EES).await.unwrap().len() < 2 * 1024 * 1024);
}

/// Twice within a second: what was issued between the two is void too.
#[tokio::test]
async fn a_client_revoked_again_at_once_loses_what_it_got_meanwhile() {
    let lab = Lab::new().await;
    let (operator, all) = (principal("urn:edgeapp:operator:o"), form("client_id=eec-1"));
    for _ in 0..3 {
        let iat = payload(&lab.token().await)["iat"].as_u64();
        lab.service.revoke(&operator, &all).await.unwrap();
        assert!(iat <= Some(lab.list().await.clients[0].until));
    }
    assert!(payload(&lab.token().await)["iat"].as_u64() > Some(lab.list().await.clients[0].until));
}

#[tokio::test]
async fn many_clients_leave_the_registry_piece_by_piece() {
    let client = |n: usize| {
        format!(
            "[[client]]\nidentity = \"urn:edgeapp:eec:many-{n}\"\naudiences = [\"ees-a.example\"]\nscopes = [\"eees-easdiscovery\"]\n"
        )
    };
    let many: String = (0..100).map(client).collect();
    let clock = ManualClock::at("2026-01-01T12:00:00Z".parse().unwrap());
    let lab = Lab::over(Arc::new(MemoryStore::new()), clock, &format!("{REGISTRY}{many}")).await;
    lab.service.register(Registry::parse(REGISTRY).unwrap()).await.unwrap();
    assert_eq!(lab.list().await.clients.len(), 100);
    // All of them are done with: the next start revokes nobody.
    let seen = lab.told.0.lock().unwrap().len();
    lab.service.register(Registry::parse(REGISTRY).unwrap()).await.unwrap();
    assert_eq!(lab.told.0.lock().unwrap().len(), seen);
}

#[tokio::test]
async fn keys_are_rotated_by_hand_a_few_times_and_withdrawn_always() {
    let lab = Lab::new().await;
    let operator = principal("urn:edgeapp:operator:o");
    for _ in 2..MOST_KEYS {
        lab.service.rotate(&operator, false).await.unwrap();
    }
    assert_eq!(lab.service.keys().keys.len(), MOST_KEYS);
    assert!(lab.service.rotate(&operator, false).await.is_err());
    lab.token().await;
    let before = lab.list().await.keys;
    lab.service.rotate(&operator, true).await.unwrap();
    let after = lab.list().await.keys;
    assert!(after.len() == 2 && !after.iter().any(|name| before.contains(name)));
}

#[test]
fn a_rotation_says_clearly_whether_keys_are_withdrawn() {
    for (text, wanted) in [
        ("", Some(false)),
        ("compromised=false", Some(false)),
        ("compromised=true", Some(true)),
    ] {
        assert_eq!(compromised(&form(text)).ok(), wanted, "{text}");
    }
    for text in [
        "compromised",
        "compromised=TRUE",
        "compromised=1",
        "comprimised=true",
        "compromised=true&compromised=true",
    ] {
        assert_eq!(
            compromised(&form(text)).unwrap_err().error,
            OauthError::InvalidRequest,
            "{text}"
        );
    }
}

/// Proves: WP-36
#[tokio::test]
async fn what_happens_to_tokens_and_keys_is_told() {
    let lab = Lab::new().await;
    let token = lab.token().await;
    let _ = lab
        .service
        .issue(&eec("eec-9"), &Thumbprint::new([1; 32]), &form(GOOD))
        .await;
    lab.service.revoke(&eec("eec-1"), &revocation(&token)).await.unwrap();
    let signs = lab.service.keys().keys[1].kid.clone();
    lab.service
        .rotate(&principal("urn:edgeapp:operator:o"), false)
        .await
        .unwrap();
    assert_eq!(part(&lab.token().await, 0)["kid"].as_str(), signs.as_deref());
    lab.clock.advance(7 * 86_400);
    lab.service.tick().await.unwrap();
    let told = lab.told.0.lock().unwrap().clone();
    let wanted = [
        "KEY_ROTATED",
        "TOKEN_ISSUED",
        "TOKEN_DENIED",
        "TOKEN_REVOKED",
        "KEY_ROTATED",
        "ADMIN_ACTION",
        "TOKEN_ISSUED",
        "KEY_ROTATED",
    ];
    assert_eq!(told, wanted);
    // A restart changes no key.
    let lab = Lab::over(lab.store, lab.clock, REGISTRY).await;
    assert!(lab.told.0.lock().unwrap().is_empty());
}
