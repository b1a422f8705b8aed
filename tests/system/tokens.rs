//! Access tokens between real servers: issued, used, stolen, revoked in mid-connection, and all of that across restarts and kills.

use crate::support::EEC_REGISTRATIONS;
use edgeapp_core::{
    principal::Role,
    store::{Commit, Store},
    token::{from_base64url, resource_of},
};
use edgeapp_system_tests::{
    caller::{Answer, Caller},
    lab::{Lab, Plan},
    process::{Process, program},
    wait::{until, until_it_is_so},
};
use eec_sim::configuration::registry_of;
use http::{Method, StatusCode, header};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};
use tokio::process::Command;

/// What was revoked has to be refused within this time.
const BOUND: Duration = Duration::from_secs(10);
const FORM: &str = "application/x-www-form-urlencoded";
const EES: &str = "ees-a.example";

/// An ECS that issues tokens, and an EES that demands them.
struct Site {
    lab: Lab,
    ecs_plan: Plan,
    ees_plan: Plan,
    registry: PathBuf,
}

impl Site {
    fn new() -> Self {
        let lab = Lab::new();
        let registry = lab.path().join("clients.toml");
        let ecs_plan = lab
            .ecs()
            .with(&format!("[tokens]\nregistry = {:?}\n", registry.display().to_string()));
        let token_mode = "[authorization]\nmode = \"token\"\nissuer = \"https://ecs.example\"\npull_seconds = 1\n";
        let ees_plan = lab.ees("a").with(token_mode);
        let site = Self {
            lab,
            ecs_plan,
            ees_plan,
            registry,
        };
        site.registers(&["eec-1", "eec-2"]);
        site
    }

    fn registers(&self, eecs: &[&str]) {
        fs::write(&self.registry, registry_of([EES], true, eecs.iter().copied())).expect("a registry");
    }

    async fn start(&mut self) -> (Process, Process) {
        let ecs = self.ecs_plan.start().await;
        // At the same address when it starts again: the EES has it in its configuration.
        for point in ["edge4", "edge6"] {
            let address = ecs.root(point).trim_start_matches("https://").to_owned();
            self.ecs_plan = self
                .ecs_plan
                .clone()
                .with(&format!("[{point}]\nlisten = \"{address}\"\n"));
        }
        self.ees_plan = self.ees_plan.clone().at_ecs(ecs.root("edge6"));
        let ees = self.ees_plan.start().await;
        (ecs, ees)
    }

    fn at_ecs(&self, eec: &str, ecs: &Process) -> Caller {
        Caller::new(&self.lab, &self.lab.who(Role::Eec, eec), Role::Ecs, ecs.root("edge4"))
    }

    /// What the ECS says to have revoked.
    async fn revoked(&self, ecs: &Process) -> BTreeSet<String> {
        let ees = Caller::new(&self.lab, &self.lab.pki.files("ees-a"), Role::Ecs, ecs.root("edge6"));
        let list = ees.get("/oauth2/revocations").await;
        let list = claims(list.body.as_str().expect("a JWT"));
        let tokens = list["tokens"].as_array().expect("tokens");
        tokens
            .iter()
            .map(|token| token["jti"].as_str().expect("jti").to_owned())
            .collect()
    }
}

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).and_then(from_base64url).expect("a JWT");
    serde_json::from_slice(&payload).expect("JSON")
}

fn jti(token: &str) -> String {
    claims(token)["jti"].as_str().expect("jti").to_owned()
}

fn request_of(eec: &str) -> String {
    let resource = resource_of(EES).replace(':', "%3A").replace('/', "%2F");
    format!("grant_type=client_credentials&client_id={eec}&resource={resource}")
}

/// The latest time that servers wrote down lies ahead: their clocks are behind.
async fn ran_in_the_future(plan: &Plan) {
    let store = edgeapp_store::RedbStore::open(plan.state()).expect("a state");
    let ahead = jiff::Timestamp::now() + Duration::from_secs(3600);
    let commit = Commit::new().put("clock/high-water", ahead.to_string());
    store.commit(commit).await.expect("stored");
}

/// T-32: servers that are started with a clock behind the time that they have seen issue and judge no token, until an operator vouches
/// for the clock.
///
/// Proves: T-32, WP-59
#[tokio::test]
async fn no_token_is_issued_or_judged_by_a_clock_that_is_back() {
    let mut site = Site::new();
    let (ecs, ees) = site.start().await;
    let token = token_of("eec-1", &site.at_ecs("eec-1", &ecs)).await;
    let eec = |ees: &Process| site.lab.eec("eec-1", ees.root("edge1")).bearing(&token);
    until_it_is_so("the token is taken", async || {
        register(&eec(&ees), "eec-1").await.status == StatusCode::CREATED
    })
    .await;
    assert!(ecs.stop().await.success() && ees.stop().await.success());
    ran_in_the_future(&site.ecs_plan).await;
    ran_in_the_future(&site.ees_plan).await;
    let (ecs, ees) = (site.ecs_plan.start().await, site.ees_plan.start().await);
    let at_ecs = site.at_ecs("eec-1", &ecs);
    let refused = at_ecs
        .send(Method::POST, "/oauth2/token", FORM, request_of("eec-1"))
        .await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{}", refused.body);
    assert!(refused.headers.contains_key(header::RETRY_AFTER));
    let refused = register(&eec(&ees), "eec-1").await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{}", refused.body);
    // What does not rest on dates goes on.
    let ees_at_ecs = Caller::new(&site.lab, &site.lab.pki.files("ees-a"), Role::Ecs, ecs.root("edge6"));
    assert_eq!(ees_at_ecs.get("/jwks").await.status, StatusCode::OK);
    for (role, server) in [(Role::Ecs, &ecs), (Role::Ees, &ees)] {
        let operator = site.lab.operator(role, server.root("operator"));
        assert_eq!(operator.get("/clock").await.found()["trusted"], false);
        assert_eq!(operator.post("/clock", &json!({})).await.found()["trusted"], true);
    }
    token_of("eec-1", &at_ecs).await;
    until_it_is_so("the token is taken again", async || {
        register(&eec(&ees), "eec-1").await.status == StatusCode::CREATED
    })
    .await;
}

async fn token_of(eec: &str, at_ecs: &Caller) -> String {
    let answer = at_ecs.send(Method::POST, "/oauth2/token", FORM, request_of(eec)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.body["access_token"].as_str().expect("a token").to_owned()
}

async fn revoke(token: &str, at_ecs: &Caller) {
    let answer = at_ecs
        .send(Method::POST, "/oauth2/revoke", FORM, format!("token={token}"))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
}

async fn register(eec: &Caller, id: &str) -> Answer {
    eec.post(EEC_REGISTRATIONS, &json!({"eecId": id})).await
}

#[track_caller]
fn invalid(answer: &Answer) {
    answer.refused(401, "UNAUTHENTICATED");
    let challenge = &answer.headers[header::WWW_AUTHENTICATE];
    assert_eq!(challenge, "Bearer realm=\"ees-a.example\", error=\"invalid_token\"");
}

/// T-01, T-22: used, stolen, and refused on the open connection soon after it was revoked.
///
/// Proves: WP-12, WP-17, WP-22, T-01
#[tokio::test]
async fn a_token_serves_its_owner_until_it_is_revoked() {
    let mut site = Site::new();
    let (ecs, ees) = site.start().await;
    let (one, two) = (site.at_ecs("eec-1", &ecs), site.at_ecs("eec-2", &ecs));
    let (token, spare) = (token_of("eec-1", &one).await, token_of("eec-1", &one).await);
    let root = ees.root("edge1");
    let (eec, thief) = (site.lab.eec("eec-1", root), site.lab.eec("eec-2", root));

    let without = register(&eec, "eec-1").await;
    without.refused(401, "UNAUTHENTICATED");
    assert_eq!(
        without.headers[header::WWW_AUTHENTICATE],
        "Bearer realm=\"ees-a.example\""
    );
    register(&eec.bearing(&token), "eec-1").await.created();
    invalid(&register(&thief.bearing(&token), "eec-2").await);
    invalid(&register(&thief.bearing(&token), "eec-1").await);
    register(&thief.bearing(&token_of("eec-2", &two).await), "eec-2")
        .await
        .created();

    // Nobody revokes what is somebody else's.
    revoke(&token, &two).await;
    assert!(site.revoked(&ecs).await.is_empty());

    revoke(&token, &one).await;
    let began = Instant::now();
    let refused = until("the revoked token is refused", async || {
        let answer = register(&eec.bearing(&token), "eec-1").await;
        (answer.status != StatusCode::CREATED).then_some(answer)
    })
    .await;
    assert!(began.elapsed() < BOUND, "after {:?}", began.elapsed());
    invalid(&refused);
    register(&eec.bearing(&spare), "eec-1").await.created();
    for (server, log) in [("ECS", ecs.log()), ("EES", ees.log())] {
        for secret in [&token, &spare] {
            assert!(!log.contains(secret.as_str()), "the log of the {server} has a token");
        }
    }
}

/// WP-16, WP-22, WP-48: with the ECS away, and after restarts of both.
///
/// Proves: WP-16, WP-22, WP-48
#[tokio::test]
async fn what_was_good_and_what_was_revoked_survive_restarts_and_an_absent_ecs() {
    let mut site = Site::new();
    let (ecs, ees) = site.start().await;
    let one = site.at_ecs("eec-1", &ecs);
    let (good, void) = (token_of("eec-1", &one).await, token_of("eec-1", &one).await);
    let eec = site.lab.eec("eec-1", ees.root("edge1"));
    revoke(&void, &one).await;
    until_it_is_so("the revoked token is refused", async || {
        register(&eec.bearing(&void), "eec-1").await.status == StatusCode::UNAUTHORIZED
    })
    .await;

    ecs.kill().await;
    register(&eec.bearing(&good), "eec-1").await.created();
    ees.kill().await;
    let ees = site.ees_plan.start().await;
    let eec = eec.at(ees.root("edge1"));
    register(&eec.bearing(&good), "eec-1").await.created();
    invalid(&register(&eec.bearing(&void), "eec-1").await);

    let ecs = site.ecs_plan.start().await;
    assert_eq!(site.revoked(&ecs).await, [jti(&void)].into());
    let one = site.at_ecs("eec-1", &ecs);
    let fresh = token_of("eec-1", &one).await;
    register(&eec.bearing(&fresh), "eec-1").await.created();
    register(&eec.bearing(&good), "eec-1").await.created();
    revoke(&fresh, &one).await;
    until_it_is_so("revocations are heard of again", async || {
        register(&eec.bearing(&fresh), "eec-1").await.status == StatusCode::UNAUTHORIZED
    })
    .await;
    invalid(&register(&eec.bearing(&void), "eec-1").await);
}

/// A client that an operator takes out of the registry is out within the bound, with a token or without.
///
/// Proves: WP-15
#[tokio::test]
async fn a_client_that_leaves_the_registry_is_refused_everywhere() {
    let mut site = Site::new();
    let (ecs, ees) = site.start().await;
    let (one, two) = (site.at_ecs("eec-1", &ecs), site.at_ecs("eec-2", &ecs));
    let (leaving, staying) = (token_of("eec-1", &one).await, token_of("eec-2", &two).await);
    let root = ees.root("edge1");
    let (eec, other) = (site.lab.eec("eec-1", root), site.lab.eec("eec-2", root));
    register(&eec.bearing(&leaving), "eec-1").await.created();
    site.registers(&["eec-2"]);
    let began = Instant::now();
    until_it_is_so("the client is out", async || {
        register(&eec.bearing(&leaving), "eec-1").await.status == StatusCode::UNAUTHORIZED
    })
    .await;
    assert!(began.elapsed() < BOUND, "after {:?}", began.elapsed());
    let refused = one.send(Method::POST, "/oauth2/token", FORM, request_of("eec-1")).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["error"]),
        (401, &json!("invalid_client"))
    );
    register(&other.bearing(&staying), "eec-2").await.created();

    // A file with an error changes nothing.
    fs::write(&site.registry, "[[client]]\nidentity = 7\n").expect("a registry");
    until_it_is_so("the error is logged", async || {
        ecs.log().contains("the client registry stays as it was")
    })
    .await;
    token_of("eec-2", &two).await;
}

/// A client that may have less than before loses what it has within the bound, also where the ECS was started again meanwhile, and an EES
/// that is started afterwards; it gets tokens of what is left at once.
///
/// Proves: WP-15, WP-22
#[tokio::test]
async fn a_client_that_may_have_less_loses_what_it_has() {
    let mut site = Site::new();
    let (ecs, ees) = site.start().await;
    let wide = token_of("eec-1", &site.at_ecs("eec-1", &ecs)).await;
    let staying = token_of("eec-2", &site.at_ecs("eec-2", &ecs)).await;
    let root = ees.root("edge1");
    let (eec, other) = (site.lab.eec("eec-1", root), site.lab.eec("eec-2", root));
    register(&eec.bearing(&wide), "eec-1").await.created();

    let written = fs::read_to_string(&site.registry).expect("a registry");
    let mut registry: toml::Table = written.parse().expect("TOML");
    registry["client"][0]["scopes"] = toml::Value::from(vec!["eees-easdiscovery"]);
    fs::write(&site.registry, registry.to_string()).expect("a registry");
    let began = Instant::now();
    until_it_is_so("the wide token is void", async || {
        register(&eec.bearing(&wide), "eec-1").await.status == StatusCode::UNAUTHORIZED
    })
    .await;
    assert!(began.elapsed() < BOUND, "after {:?}", began.elapsed());
    let narrow = token_of("eec-1", &site.at_ecs("eec-1", &ecs)).await;
    register(&eec.bearing(&narrow), "eec-1")
        .await
        .refused(403, "UNAUTHORIZED");
    register(&other.bearing(&staying), "eec-2").await.created();

    // Nothing comes back with a restart of either.
    ecs.kill().await;
    ees.kill().await;
    let (ecs, ees) = (site.ecs_plan.start().await, site.ees_plan.start().await);
    let (eec, other) = (eec.at(ees.root("edge1")), other.at(ees.root("edge1")));
    invalid(&register(&eec.bearing(&wide), "eec-1").await);
    register(&other.bearing(&staying), "eec-2").await.created();

    // Narrowed while the ECS was away.
    assert!(ecs.stop().await.success());
    registry["client"][1]["scopes"] = toml::Value::from(vec!["eees-easdiscovery"]);
    fs::write(&site.registry, registry.to_string()).expect("a registry");
    let ecs = site.ecs_plan.start().await;
    let began = Instant::now();
    until_it_is_so("the other one is void too", async || {
        register(&other.bearing(&staying), "eec-2").await.status == StatusCode::UNAUTHORIZED
    })
    .await;
    assert!(began.elapsed() < BOUND, "after {:?}", began.elapsed());
    drop(ecs);
}

/// A key that is rotated is no event for anybody; when keys are withdrawn, all tokens until then are void.
#[tokio::test]
async fn keys_rotate_and_are_withdrawn_while_tokens_are_used() {
    let mut site = Site::new();
    let (ecs, ees) = site.start().await;
    let one = site.at_ecs("eec-1", &ecs);
    let eec = site.lab.eec("eec-1", ees.root("edge1"));
    let operator = site.lab.operator(Role::Ecs, ecs.root("operator"));
    let rotate = async |body: &'static str| {
        operator
            .send(Method::POST, "/oauth2/rotate-keys", FORM, body)
            .await
            .done()
    };
    let first = token_of("eec-1", &one).await;
    rotate("").await;
    let second = token_of("eec-1", &one).await;
    for token in [&first, &second, &first] {
        register(&eec.bearing(token), "eec-1").await.created();
    }
    rotate("compromised=true").await;
    until_it_is_so("tokens of the withdrawn key are void", async || {
        register(&eec.bearing(&second), "eec-1").await.status == StatusCode::UNAUTHORIZED
    })
    .await;
    invalid(&register(&eec.bearing(&first), "eec-1").await);
    // The fresh keys were not announced: the EES hears of them when it asks the next time.
    let third = token_of("eec-1", &one).await;
    until_it_is_so("tokens of the fresh key are good", async || {
        register(&eec.bearing(&third), "eec-1").await.status == StatusCode::CREATED
    })
    .await;
}

/// Kill -9 while tokens are issued and revoked: whatever was answered holds.
///
/// Proves: WP-47, T-33
#[tokio::test]
async fn no_kill_loses_a_revocation_or_a_key() {
    let mut site = Site::new();
    let (mut ecs, ees) = site.start().await;
    let eec = site.lab.eec("eec-1", ees.root("edge1"));
    let (mut void, mut good) = (BTreeSet::new(), Vec::new());
    for round in 0..8 {
        let one = site.at_ecs("eec-1", &ecs);
        // The server dies under the last request of each round.
        for _ in 0..=round {
            good.push(token_of("eec-1", &one).await);
            let token = token_of("eec-1", &one).await;
            revoke(&token, &one).await;
            void.insert(jti(&token));
        }
        let last = token_of("eec-1", &one).await;
        let dying = tokio::spawn({
            let one = one.clone();
            async move {
                let revoked = one
                    .try_send(Method::POST, "/oauth2/revoke", FORM, format!("token={last}"))
                    .await;
                (revoked.is_ok_and(|answer| answer.status == StatusCode::OK), jti(&last))
            }
        });
        tokio::task::yield_now().await;
        ecs.kill().await;
        let (acknowledged, jti) = dying.await.expect("an outcome");
        if acknowledged {
            void.insert(jti);
        }
        ecs = site.ecs_plan.start().await;
        let listed = site.revoked(&ecs).await;
        assert!(
            listed.is_superset(&void),
            "round {round}: {:?} are missing",
            void.difference(&listed)
        );
    }
    for token in &good {
        register(&eec.bearing(token), "eec-1").await.created();
    }
}

/// The simulator's EEC gets its tokens by itself.
#[tokio::test]
async fn a_relocation_is_played_in_token_mode() {
    let ran = Command::new(program("eec-sim"))
        .args(["run", "a-eec-initiated", "--tokens", "--json"])
        .kill_on_drop(true)
        .output();
    let ran = tokio::time::timeout(Duration::from_secs(600), ran).await;
    let ran = ran.expect("it ends").expect("eec-sim can be started");
    let lines = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(
        ran.status.success(),
        "{lines}\n{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let of_messages = lines.lines().filter(|line| line.starts_with("{\"type\":\"message\""));
    let tokens = of_messages.filter(|line| line.contains("/oauth2/token")).count();
    assert_eq!(tokens, 2, "one for each EES:\n{lines}");
}
