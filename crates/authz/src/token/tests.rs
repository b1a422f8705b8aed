//! The authorizer as a whole, against an issuer that signs whatever it is told to.

use super::{
    TokenAuthorizer,
    claims::Expected,
    follow::{Follower, Issuer as IssuerPort, NotHeard},
    revocations::BadList,
    verifier::{Rules, Verifier},
};
use crate::RoleOfReferencePoint;
use async_trait::async_trait;
use edgeapp_core::{
    authorizer::{Ask, Authorizer, Credentials, ReferencePoint},
    clock::{Clock, ManualClock},
    error::{ChallengeError, Error, Kind},
    evidence::{Evidence, SecurityEvent},
    principal::Principal,
    store::Store,
    token::{REVOCATIONS, Thumbprint, to_base64url},
};
use edgeapp_store::MemoryStore;
use edgeapp_testkit::issuer::Issuer;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

const ISSUER: &str = "https://ecs.example";
const EES: &str = "ees-a.example";
const DISCOVER: &str = "eees-easdiscovery:request";

/// What an issuer answers at present; nothing while it is down.
#[derive(Default)]
struct Answers(Mutex<Option<(String, String)>>);

#[async_trait]
impl IssuerPort for Answers {
    async fn keys(&self) -> Result<Vec<u8>, String> {
        let answers = self.0.lock().unwrap();
        answers
            .as_ref()
            .map(|(keys, _)| keys.clone().into())
            .ok_or("down".into())
    }

    async fn revocations(&self) -> Result<String, String> {
        let answers = self.0.lock().unwrap();
        answers.as_ref().map(|(_, list)| list.clone()).ok_or("down".into())
    }
}

#[derive(Default)]
struct Told(Mutex<Vec<String>>, Mutex<Vec<Option<IpAddr>>>);

impl Evidence for Told {
    fn record(&self, event: SecurityEvent) {
        self.0.lock().unwrap().push(format!("{} {}", event.kind, event.reason));
        self.1.lock().unwrap().push(event.from);
    }
}

struct Lab {
    clock: Arc<ManualClock>,
    store: Arc<MemoryStore>,
    answers: Arc<Answers>,
    told: Arc<Told>,
    issuer: Issuer,
    verifier: Arc<Verifier>,
    follower: Follower,
    authorizer: TokenAuthorizer,
}

fn thumbprint(n: u8) -> Thumbprint {
    Thumbprint::new([n; 32])
}

fn eec(id: &str) -> Principal {
    Principal::from_names([format!("urn:edgeapp:eec:{id}").as_str()], []).unwrap()
}

impl Lab {
    async fn new() -> Self {
        Self::over(
            Arc::new(MemoryStore::new()),
            ManualClock::at("2026-01-01T12:00:00Z".parse().unwrap()),
            Issuer::new(ISSUER),
            true,
        )
        .await
    }

    async fn over(store: Arc<MemoryStore>, clock: Arc<ManualClock>, issuer: Issuer, up: bool) -> Self {
        let (answers, told) = (Arc::new(Answers::default()), Arc::new(Told::default()));
        let verifier = Arc::new(Verifier::new(Rules {
            expected: Expected {
                issuer: ISSUER.to_owned(),
                audience: EES.to_owned(),
            },
            stale_after: 3600,
            accept_typ_jwt: false,
        }));
        if up {
            let list = issuer.list(1, clock.now().0.as_second(), &[], &[]);
            *answers.0.lock().unwrap() = Some((serde_json::to_string(&issuer.jwks()).unwrap(), list));
        }
        let every = Duration::from_secs(3);
        let started = Follower::start(
            verifier.clone(),
            answers.clone(),
            store.clone() as Arc<dyn Store>,
            clock.clone(),
            told.clone(),
            every,
        );
        let follower = started.await.unwrap();
        let points = vec![ReferencePoint::Edge1];
        let behind = Arc::new(RoleOfReferencePoint);
        let authorizer = TokenAuthorizer::new(points, verifier.clone(), clock.clone(), told.clone(), behind);
        Self {
            clock,
            store,
            answers,
            told,
            issuer,
            verifier,
            follower,
            authorizer,
        }
    }

    fn now(&self) -> i64 {
        self.clock.now().0.as_second()
    }

    fn says(&self, list: String) {
        *self.answers.0.lock().unwrap() = Some((serde_json::to_string(&self.issuer.jwks()).unwrap(), list));
    }

    fn claims(&self) -> Value {
        let scope = "eees-easdiscovery eees-eecregistration:create";
        self.issuer.claims("eec-1", EES, &thumbprint(1), scope, self.now())
    }

    fn good(&self) -> String {
        self.issuer.sign(&self.issuer.header(), &self.claims())
    }

    fn ask(&self, who: &Principal, certificate: u8, token: &str, operation: &'static str) -> Result<(), Error> {
        let thumbprint = thumbprint(certificate);
        let ask = Ask::new(who, ReferencePoint::Edge1, operation);
        self.authorizer
            .authorize(&ask.presenting(Credentials::Bearer(token), Some(&thumbprint)))
    }

    /// Asserts that the token is void, that the caller hears no more than that, and that the evidence has the reason.
    #[track_caller]
    fn void(&self, token: &str, event: &str) {
        self.void_for(&eec("eec-1"), 1, token, event);
    }

    #[track_caller]
    fn void_for(&self, who: &Principal, certificate: u8, token: &str, event: &str) {
        self.told.0.lock().unwrap().clear();
        let error = self.ask(who, certificate, token, DISCOVER).expect_err(event);
        assert_eq!(error.kind, Kind::Unauthenticated, "{event}");
        assert_eq!(error.detail, "the access token is not good here and now");
        let challenge = error.challenge.expect("a challenge");
        assert_eq!(
            (&*challenge.realm, challenge.error),
            (EES, Some(ChallengeError::InvalidToken))
        );
        assert_eq!(*self.told.0.lock().unwrap(), [event]);
    }
}

/// Proves: WP-18
#[tokio::test]
async fn a_good_token_allows_its_scopes_and_nothing_else() {
    let lab = Lab::new().await;
    let token = lab.good();
    for _ in 0..2 {
        for operation in [DISCOVER, "eees-easdiscovery:subscribe", "eees-eecregistration:create"] {
            lab.ask(&eec("eec-1"), 1, &token, operation).unwrap();
        }
        let refused = lab
            .ask(&eec("eec-1"), 1, &token, "eees-eecregistration:delete")
            .unwrap_err();
        assert_eq!(refused.kind, Kind::Forbidden);
        let needed = Some(ChallengeError::InsufficientScope("eees-eecregistration:delete"));
        assert_eq!(refused.challenge.unwrap().error, needed);
    }
}

#[tokio::test]
async fn there_is_no_way_around_the_token() {
    let lab = Lab::new().await;
    let (who, thumbprint) = (eec("eec-1"), thumbprint(1));
    let ask = |point, credentials| {
        let ask = Ask::new(&who, point, DISCOVER).presenting(credentials, Some(&thumbprint));
        lab.authorizer.authorize(&ask)
    };
    let refused = ask(ReferencePoint::Edge1, Credentials::None).unwrap_err();
    assert_eq!(
        (refused.kind, refused.challenge.unwrap().error),
        (Kind::Unauthenticated, None)
    );
    let refused = ask(ReferencePoint::Edge1, Credentials::Unclear).unwrap_err();
    let unclear = Some(ChallengeError::InvalidRequest);
    assert_eq!(
        (refused.kind, refused.challenge.unwrap().error),
        (Kind::Invalid, unclear)
    );
    // Elsewhere the role decides, with a token or without.
    let elsewhere = ask(ReferencePoint::Edge3, Credentials::Bearer(&lab.good())).unwrap_err();
    assert_eq!((elsewhere.kind, elsewhere.challenge), (Kind::Forbidden, None));
}

/// Proves: WP-32
#[tokio::test]
async fn events_say_from_where_a_caller_came() {
    let lab = Lab::new().await;
    let (who, thumbprint) = (eec("eec-1"), thumbprint(1));
    let from: IpAddr = "192.0.2.7".parse().unwrap();
    for credentials in [Credentials::None, Credentials::Unclear, Credentials::Bearer("x")] {
        let ask = Ask::new(&who, ReferencePoint::Edge1, DISCOVER)
            .presenting(credentials, Some(&thumbprint))
            .coming_from(Some(from));
        lab.authorizer.authorize(&ask).unwrap_err();
    }
    assert_eq!(*lab.told.1.lock().unwrap(), [Some(from); 3]);
}

/// A client of another role with the same name is another client, whatever certificate it has.
#[tokio::test]
async fn a_token_for_another_role_is_of_no_use() {
    let lab = Lab::new().await;
    let with = |role: &str| {
        let mut claims = lab.claims();
        claims["edgeapp_role"] = json!(role);
        lab.issuer.sign(&lab.issuer.header(), &claims)
    };
    lab.ask(&eec("eec-1"), 1, &with("eec"), DISCOVER).unwrap();
    for role in ["ees", "eas", "EEC", ""] {
        lab.void(&with(role), "TOKEN_BINDING_MISMATCH OTHER_CLIENT");
    }
}

/// T-01.
///
/// Proves: T-01
#[tokio::test]
async fn a_stolen_token_is_of_no_use() {
    let lab = Lab::new().await;
    let token = lab.good();
    lab.ask(&eec("eec-1"), 1, &token, DISCOVER).unwrap();
    lab.void_for(&eec("eec-2"), 2, &token, "TOKEN_BINDING_MISMATCH OTHER_CERTIFICATE");
    // Another certificate of the same name is another certificate.
    lab.void_for(&eec("eec-1"), 2, &token, "TOKEN_BINDING_MISMATCH OTHER_CERTIFICATE");
    lab.void_for(&eec("eec-2"), 1, &token, "TOKEN_BINDING_MISMATCH OTHER_CLIENT");
    let mut claims = lab.claims();
    claims["client_id"] = json!("eec-2");
    lab.void(
        &lab.issuer.sign(&lab.issuer.header(), &claims),
        "TOKEN_BINDING_MISMATCH OTHER_CLIENT",
    );
    for unbound in ["", "=", "not base64url!"] {
        let mut claims = lab.claims();
        claims["cnf"] = json!({"x5t#S256": unbound});
        let event = match unbound {
            "" => "TOKEN_BINDING_MISMATCH OTHER_CERTIFICATE",
            _ => "TOKEN_INVALID UNBOUND",
        };
        lab.void(&lab.issuer.sign(&lab.issuer.header(), &claims), event);
    }
}

/// T-02, T-03, T-04 and rows 58 and 59: what a header must not say.
///
/// Proves: T-02, T-03, T-04
#[tokio::test]
async fn headers_that_lead_elsewhere_are_refused() {
    let lab = Lab::new().await;
    let with = |member: &str, value: Value| {
        let mut header = lab.issuer.header();
        header[member] = value;
        lab.issuer.sign(&header, &lab.claims())
    };
    for alg in [
        "none", "None", "nOnE", "HS256", "HS384", "ES384", "RS256", "es256", "", "ES256 ",
    ] {
        lab.void(&with("alg", json!(alg)), "TOKEN_INVALID ALGORITHM");
    }
    lab.void(&with("alg", Value::Null), "TOKEN_INVALID ALGORITHM");
    for member in ["crit", "jku", "jwk", "x5u", "x5c", "x5t", "zip", "b64", "cty", "enc"] {
        lab.void(
            &with(member, json!("https://evil.example/keys")),
            "TOKEN_INVALID HEADER",
        );
    }
    for typ in ["JWT", "at+JWT", "application/at+jwt", "revocations+jwt", ""] {
        lab.void(&with("typ", json!(typ)), "TOKEN_INVALID TYPE");
    }
    let megabyte = "k".repeat(1 << 20);
    for kid in [
        "../../etc/passwd",
        "' OR 1=1",
        "https://evil.example",
        "a\0b",
        "",
        "ключ",
    ] {
        lab.void(&with("kid", json!(kid)), "TOKEN_INVALID KEY_NAME");
    }
    lab.void(&with("kid", Value::Null), "TOKEN_INVALID KEY_NAME");
    lab.void(&with("kid", json!(megabyte)), "TOKEN_INVALID TOO_LONG");
    lab.void(&with("kid", json!("unknown")), "TOKEN_INVALID UNKNOWN_KEY");
    for header in [
        "[\"ES256\",\"at+jwt\",\"k\"]",
        "{\"alg\":\"ES256\",\"alg\":\"ES256\"}",
        "null",
        "{",
    ] {
        let token = lab.issuer.sign_text(header, &lab.claims().to_string());
        lab.void(&token, "TOKEN_INVALID HEADER");
    }
}

/// T-02, T-03: no signature, and the public key as the secret of an HMAC.
///
/// Proves: T-02, T-03
#[tokio::test]
async fn nobody_signs_without_the_private_key() {
    let lab = Lab::new().await;
    let token = lab.good();
    let (signed, _) = token.rsplit_once('.').unwrap();
    lab.void(&format!("{signed}."), "TOKEN_INVALID FORM");
    lab.void(signed, "TOKEN_INVALID FORM");
    for length in [1, 32, 63, 65, 70, 72] {
        let token = format!("{signed}.{}", to_base64url(&vec![0; length]));
        lab.void(&token, "TOKEN_INVALID SIGNATURE");
    }
    let none = json!({"alg": "none", "typ": "at+jwt", "kid": lab.issuer.key_name()});
    let part = |value: &Value| to_base64url(value.to_string().as_bytes());
    lab.void(
        &format!("{}.{}.", part(&none), part(&lab.claims())),
        "TOKEN_INVALID FORM",
    );

    let mut header = lab.issuer.header();
    let signed_with_hs256 = {
        header["alg"] = json!("HS256");
        format!("{}.{}", part(&header), part(&lab.claims()))
    };
    let jwks = serde_json::to_vec(&lab.issuer.jwks()).unwrap();
    for secret in [lab.issuer.public_key(), &jwks[..]] {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
        let tag = aws_lc_rs::hmac::sign(&key, signed_with_hs256.as_bytes());
        let token = format!("{signed_with_hs256}.{}", to_base64url(tag.as_ref()));
        lab.void(&token, "TOKEN_INVALID ALGORITHM");
    }
    let other = Issuer::new(ISSUER);
    lab.void(
        &other.sign(&lab.issuer.header(), &lab.claims()),
        "TOKEN_INVALID SIGNATURE",
    );
}

/// Row 57.
#[tokio::test]
async fn other_forms_are_refused() {
    let lab = Lab::new().await;
    let token = lab.good();
    let (head, tail) = token.split_at(token.len() / 2);
    for text in [
        format!("{token}."),
        format!("{token}.a"),
        format!("{token}.a.b"),
        format!("{token}=="),
        format!("{head} {tail}"),
        format!("{head}\t{tail}"),
        format!("{head}+{tail}"),
        "a.b".to_owned(),
        "..".to_owned(),
    ] {
        lab.void(&text, "TOKEN_INVALID FORM");
    }
}

/// Row 60 and 61, with the clock moved.
///
/// Proves: WP-21, T-05
#[tokio::test]
async fn a_token_that_was_good_ends_with_its_time() {
    let lab = Lab::new().await;
    let token = lab.good();
    lab.ask(&eec("eec-1"), 1, &token, DISCOVER).unwrap();
    lab.clock.advance(329);
    lab.ask(&eec("eec-1"), 1, &token, DISCOVER).unwrap();
    lab.clock.advance(1);
    lab.void(&token, "TOKEN_INVALID EXPIRED");
    lab.verifier.forget();
    lab.void(&token, "TOKEN_INVALID EXPIRED");
    for (claim, value, event) in [
        ("aud", json!("ees-b.example"), "TOKEN_INVALID AUDIENCE"),
        ("iss", json!("https://evil.example"), "TOKEN_INVALID ISSUER"),
        ("sub", json!("eec-2"), "TOKEN_BINDING_MISMATCH OTHER_CLIENT"),
        ("cnf", json!({}), "TOKEN_INVALID CLAIMS"),
        ("iat", json!(lab.now() + 31), "TOKEN_INVALID NOT_YET"),
    ] {
        let mut claims = lab.claims();
        claims[claim] = value;
        lab.void(&lab.issuer.sign(&lab.issuer.header(), &claims), event);
    }
}

/// T-22, row 62: also a token that was used before; and after a restart, with the issuer down.
///
/// Proves: WP-22
#[tokio::test]
async fn a_revoked_token_stays_void() {
    let lab = Lab::new().await;
    let token = lab.good();
    lab.ask(&eec("eec-1"), 1, &token, DISCOVER).unwrap();
    let expires = lab.now() + 300;
    lab.says(lab.issuer.list(2, lab.now(), &[("jti-of-eec-1", expires)], &[]));
    lab.follower.pull(false).await.unwrap();
    lab.void(&token, "TOKEN_INVALID REVOKED");

    // Sent again: an older list; and one by somebody else.
    lab.says(lab.issuer.list(1, lab.now(), &[], &[]));
    let refused = lab.follower.pull(false).await.unwrap_err();
    assert!(matches!(refused, NotHeard::List(BadList::Older)), "{refused}");
    lab.says(Issuer::new(ISSUER).list(9, lab.now(), &[], &[]));
    let refused = lab.follower.pull(false).await.unwrap_err();
    assert!(matches!(refused, NotHeard::List(BadList::NotSigned)), "{refused}");
    lab.void(&token, "TOKEN_INVALID REVOKED");

    let mut claims = lab.claims();
    claims["jti"] = json!("another");
    let another = lab.issuer.sign(&lab.issuer.header(), &claims);
    let lab = Lab::over(lab.store, lab.clock, lab.issuer, false).await;
    lab.void(&token, "TOKEN_INVALID REVOKED");
    lab.ask(&eec("eec-1"), 1, &another, DISCOVER).unwrap();
}

#[tokio::test]
async fn a_client_that_was_revoked_gets_in_with_later_tokens_only() {
    let lab = Lab::new().await;
    let token = lab.good();
    lab.ask(&eec("eec-1"), 1, &token, DISCOVER).unwrap();
    lab.says(lab.issuer.list(2, lab.now(), &[], &[("eec-1", lab.now())]));
    lab.follower.pull(false).await.unwrap();
    lab.void(&token, "TOKEN_INVALID REVOKED");
    lab.clock.advance(1);
    let mut claims = lab.claims();
    claims["jti"] = json!("later");
    lab.ask(
        &eec("eec-1"),
        1,
        &lab.issuer.sign(&lab.issuer.header(), &claims),
        DISCOVER,
    )
    .unwrap();
}

/// WP-48: what was heard counts for a while, and not for ever.
///
/// Proves: WP-48
#[tokio::test]
async fn what_is_known_of_the_issuer_grows_old() {
    let lab = Lab::new().await;
    *lab.answers.0.lock().unwrap() = None;
    lab.clock.advance(3600);
    assert!(lab.follower.pull(false).await.is_err());
    lab.ask(&eec("eec-1"), 1, &lab.good(), DISCOVER).unwrap();
    lab.clock.advance(1);
    let refused = lab.ask(&eec("eec-1"), 1, &lab.good(), DISCOVER).unwrap_err();
    assert_eq!(refused.kind, Kind::Unavailable);
    let trouble = lab.verifier.trouble(u64::try_from(lab.now()).unwrap()).unwrap();
    assert!(trouble.contains("are 3601 s old"), "{trouble}");

    let nothing = Lab::over(Arc::new(MemoryStore::new()), lab.clock, lab.issuer, false).await;
    let refused = nothing.ask(&eec("eec-1"), 1, &nothing.good(), DISCOVER).unwrap_err();
    assert_eq!(refused.kind, Kind::Unavailable);
}

/// An issuer that says what cannot be taken is noticed before what is known of the right one has grown old; one that is away is not.
#[tokio::test]
async fn an_issuer_that_says_nothing_good_is_noticed() {
    let lab = Lab::new().await;
    let now = u64::try_from(lab.now()).unwrap();
    *lab.answers.0.lock().unwrap() = None;
    for _ in 0..9 {
        assert!(lab.follower.pull(false).await.is_err());
    }
    assert_eq!(lab.verifier.trouble(now), None);
    lab.says(Issuer::new(ISSUER).list(9, lab.now(), &[], &[]));
    for n in 1..=5 {
        assert!(lab.follower.pull(false).await.is_err());
        assert_eq!(lab.verifier.trouble(now).is_none(), n < 5);
    }
    let trouble = lab.verifier.trouble(now).unwrap();
    assert!(
        trouble.contains("the last 5 answers") && trouble.contains("not signed by the issuer"),
        "{trouble}"
    );
    lab.says(lab.issuer.list(9, lab.now(), &[], &[]));
    lab.follower.pull(false).await.unwrap();
    assert_eq!(lab.verifier.trouble(now), None);
}

/// A new key is learnt from the list; one that is withdrawn is void at once, whatever was remembered.
#[tokio::test]
async fn keys_come_and_go() {
    let lab = Lab::new().await;
    let token = lab.good();
    lab.ask(&eec("eec-1"), 1, &token, DISCOVER).unwrap();
    let next = Issuer::new(ISSUER);
    let by_next = next.sign(&next.header(), &lab.claims());
    lab.void(&by_next, "TOKEN_INVALID UNKNOWN_KEY");
    let keys = serde_json::to_string(&next.jwks()).unwrap();
    *lab.answers.0.lock().unwrap() = Some((keys, next.list(2, lab.now(), &[], &[])));
    lab.follower.pull(false).await.unwrap();
    lab.ask(&eec("eec-1"), 1, &by_next, DISCOVER).unwrap();
    lab.void(&token, "TOKEN_INVALID UNKNOWN_KEY");

    // An issuer that was restored signs with the withdrawn key again: before a restart and after it, that counts for nothing.
    lab.says(lab.issuer.list(3, lab.now(), &[], &[]));
    let refused = lab.follower.pull(true).await.unwrap_err();
    assert!(matches!(refused, NotHeard::List(BadList::NotSigned)), "{refused}");
    lab.void(&token, "TOKEN_INVALID UNKNOWN_KEY");
    let lab = Lab::over(lab.store, lab.clock, lab.issuer, true).await;
    lab.void(&token, "TOKEN_INVALID UNKNOWN_KEY");
    // Nor does it when a good key vouches for it.
    let both = json!({"iss": ISSUER, "iat": lab.now(), "seq": 4, "keys": [next.key_name(), lab.issuer.key_name()],
        "tokens": [], "clients": []});
    let list = next.sign(
        &json!({"alg": "ES256", "typ": REVOCATIONS, "kid": next.key_name()}),
        &both,
    );
    let mut keys = next.jwks();
    keys.keys.extend(lab.issuer.jwks().keys);
    *lab.answers.0.lock().unwrap() = Some((serde_json::to_string(&keys).unwrap(), list));
    lab.follower.pull(true).await.unwrap();
    lab.ask(&eec("eec-1"), 1, &by_next, DISCOVER).unwrap();
    lab.void(&token, "TOKEN_INVALID UNKNOWN_KEY");
}

/// WP-16: any one byte of a token that is another makes it void.
///
/// Proves: WP-16
#[tokio::test]
async fn any_changed_byte_makes_a_token_void() {
    let lab = Lab::new().await;
    let token = lab.good();
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(lab.ask(&eec("eec-1"), 1, &changed, DISCOVER).is_err(), "byte {at}");
    }
    lab.ask(&eec("eec-1"), 1, &token, DISCOVER).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_is_refused(text in "[A-Za-z0-9._=-]{0,80}|\\PC{0,40}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let refused = runtime.block_on(async {
            let lab = Lab::new().await;
            lab.ask(&eec("eec-1"), 1, &text, DISCOVER).unwrap_err()
        });
        prop_assert_eq!(refused.kind, Kind::Unauthenticated);
    }
}
