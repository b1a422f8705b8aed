//! Two `ees` with the same identity over one etcd (feature `etcd`): one EES to everybody outside.
//!
//! `cargo build -p edgeapp-ees --features etcd`, then `cargo test -p edgeapp-system-tests --features etcd replicas`.

use crate::support::{
    CHESS, DISCOVERY_SUBSCRIPTIONS, EAS_REGISTRATIONS, EEC_REGISTRATIONS, availability, discover, eas_registration,
    end_pt, nothing_waits, register_eec, status_of,
};
use edgeapp_core::principal::Role;
use edgeapp_system_tests::{
    caller::Caller,
    ear::{Ear, Heard},
    lab::{Lab, Plan},
    process::Process,
    wait::{until, until_it_is_so},
};
use edgeapp_testkit::etcd::PrivateEtcd;
use serde_json::{Value, json};

const EEC: &str = "eec-anywhere";

/// What a replica logs when it begins to send.
const LEADS: &str = "this replica now sends what is to be sent";

/// Two replicas, and what they share.
struct Replicas {
    lab: Lab,
    plans: [Plan; 2],
    running: Vec<Process>,
    _etcd: PrivateEtcd,
}

/// Starts a replica, or says how to build one that can be started.
async fn start(plan: &Plan) -> Process {
    match plan.try_start().await {
        Ok(replica) => replica,
        Err(reason) if reason.contains("--features etcd") => {
            panic!(
                "`ees` beside the tests was built without etcd; build it first: cargo build -p edgeapp-ees --features etcd\n{reason}"
            )
        }
        Err(reason) => panic!("{reason}"),
    }
}

impl Replicas {
    /// `None`, and a word about it, where etcd is not installed.
    #[allow(clippy::print_stderr, reason = "a test that did not run must not look as if it had")]
    async fn start() -> Option<Self> {
        let Some(etcd) = PrivateEtcd::start().await else {
            eprintln!("skipped: etcd is not installed; `apt-get install etcd-server`, then run this test again");
            return None;
        };
        let lab = Lab::new();
        let store = format!(
            "[store]\nkind = \"etcd\"\nendpoints = [\"{}\"]\nnamespace = \"system-test\"\n",
            etcd.endpoint()
        );
        let plans = ["left", "right"].map(|name| lab.ees("a").with(&store).named(name));
        let running = vec![start(&plans[0]).await, start(&plans[1]).await];
        Some(Self {
            lab,
            plans,
            running,
            _etcd: etcd,
        })
    }

    /// The EEC at this replica.
    fn eec(&self, at: usize) -> Caller {
        self.lab.eec(EEC, self.running[at].root("edge1"))
    }

    /// The EAS at this replica.
    fn eas(&self, at: usize) -> Caller {
        self.lab.eas(&format!("{CHESS}#1"), self.running[at].root("edge3"))
    }

    async fn ear(&self) -> Ear {
        Ear::open(&self.lab, &self.lab.who(Role::Eec, EEC)).await
    }

    async fn all_is_sent(&self) {
        for replica in &self.running {
            nothing_waits(&self.lab, Role::Ees, replica).await;
        }
    }

    /// How often each replica began to send.
    fn terms(&self) -> Vec<usize> {
        self.running
            .iter()
            .map(|replica| replica.log().matches(LEADS).count())
            .collect()
    }

    /// Kills a replica. Until it is started again the other one stands at index 0.
    async fn kill(&mut self, at: usize) {
        self.running.remove(at).kill().await;
    }

    async fn start_again(&mut self, at: usize) {
        self.running.insert(at, start(&self.plans[at]).await);
    }
}

fn statuses(heard: &[Heard]) -> Vec<&str> {
    let eass = heard.iter().map(|heard| &heard.body["discoveredEas"][0]["eas"]);
    eass.filter_map(|eas| eas["status"].as_str()).collect()
}

/// What one replica acknowledged, the other knows at once.
#[tokio::test]
async fn a_registration_of_one_is_used_at_the_other() {
    let Some(replicas) = Replicas::start().await else {
        return;
    };
    let (left, right) = (replicas.eec(0), replicas.eec(1));
    let registration = register_eec(&left, EEC).await;
    let patched = right.patch(&registration, &json!({"ueMobilityReq": true})).await;
    assert_eq!(patched.found()["ueMobilityReq"], json!(true));
    let context = patched.body["eecCntxId"].clone();
    let replaced = left.put(&registration, &json!({"eecId": EEC})).await;
    assert_eq!(
        (&replaced.found()["eecCntxId"], &replaced.body["ueMobilityReq"]),
        (&context, &Value::Null)
    );
    let stranger = replicas.lab.eec("eec-stranger", right.root());
    stranger.delete(&registration).await.is_a_problem();
    right.delete(&registration).await.done();
    assert_eq!(left.delete(&registration).await.status, 404);
    // A second registration of the same EEC at the other replica takes the place of the first.
    let first = register_eec(&left, EEC).await;
    register_eec(&right, EEC).await;
    assert_eq!(left.delete(&first).await.status, 404);
    assert!(first.starts_with(EEC_REGISTRATIONS));
}

/// EASs are read, changed and discovered at either.
#[tokio::test]
async fn an_eas_is_found_at_both() {
    let Some(replicas) = Replicas::start().await else {
        return;
    };
    let (left, right) = (replicas.eec(0), replicas.eec(1));
    let (eas_left, eas_right) = (replicas.eas(0), replicas.eas(1));
    register_eec(&left, EEC).await;
    let registration = eas_left
        .post(EAS_REGISTRATIONS, &eas_registration(CHESS, "one", "ENABLED"))
        .await
        .created();
    assert_eq!(
        discover(&left, EEC, CHESS).await.len(),
        1,
        "at the same replica at once"
    );
    let found = until("the EAS at the other replica", async || {
        discover(&right, EEC, CHESS).await.pop()
    })
    .await;
    assert_eq!(found["endPt"], end_pt("one"));
    assert_eq!(
        eas_right.get(&registration).await.found()["easProf"]["endPt"],
        end_pt("one")
    );
    eas_right
        .patch(&registration, &json!({"easProf": {"type": "GAMES"}}))
        .await
        .found();
    assert_eq!(
        eas_left.get(&registration).await.found()["easProf"]["type"],
        json!("GAMES")
    );
    eas_right.delete(&registration).await.done();
    until_it_is_so("the EAS is gone", async || discover(&left, EEC, CHESS).await.is_empty()).await;
}

/// Whichever replica was told, each notification leaves once.
#[tokio::test]
async fn a_notification_leaves_once() {
    let Some(replicas) = Replicas::start().await else {
        return;
    };
    let (eec, eass) = (replicas.eec(0), [replicas.eas(0), replicas.eas(1)]);
    register_eec(&eec, EEC).await;
    let ear = replicas.ear().await;
    let registration = eas_registration(CHESS, "one", "s0");
    let registration = eass[1].post(EAS_REGISTRATIONS, &registration).await.created();
    let subscription = status_of(EEC, CHESS, &ear.uri("/"));
    eec.post(DISCOVERY_SUBSCRIPTIONS, &subscription).await.created();
    let mut expected = Vec::new();
    for change in 1..=10 {
        let status = format!("s{change}");
        let patch = json!({"easProf": {"status": status}});
        eass[change % 2].patch(&registration, &patch).await.found();
        expected.push(status);
    }
    let last = |heard: &[Heard]| statuses(heard).contains(&"s10").then_some(());
    ear.hears("the last change", last).await;
    replicas.all_is_sent().await;
    // That of the registration may come too, if it was looked at after the subscription.
    let heard = ear.heard();
    let told: Vec<_> = statuses(&heard).into_iter().filter(|status| *status != "s0").collect();
    assert_eq!(told, expected);
    assert_eq!(replicas.terms().iter().sum::<usize>(), 1, "only one of them sends");
}

/// Whoever sends may be killed: the other goes on, with what happened while nobody sent and with what comes.
#[tokio::test]
async fn the_other_sends_when_one_is_killed() {
    let Some(mut replicas) = Replicas::start().await else {
        return;
    };
    register_eec(&replicas.eec(0), EEC).await;
    let ear = replicas.ear().await;
    let subscription = availability(EEC, &ear.uri("/"));
    replicas
        .eec(0)
        .post(DISCOVERY_SUBSCRIPTIONS, &subscription)
        .await
        .created();
    let terms = until("one of them sends", async || {
        Some(replicas.terms()).filter(|terms| *terms != [0, 0])
    })
    .await;
    assert_eq!(terms.iter().sum::<usize>(), 1, "only one of them sends");
    let (mut sender, mut told) = (terms[1], 0);
    for round in 1..=2 {
        replicas.kill(sender).await;
        come_and_go(&replicas.eas(0), &format!("away-{round}")).await;
        told += 2;
        assert_eq!(
            statuses(&ear.hears_many(told).await[told - 2..]),
            ["ENABLED", "DISABLED"]
        );
        replicas.start_again(sender).await;
        come_and_go(&replicas.eas(sender), &format!("back-{round}")).await;
        told += 2;
        assert_eq!(
            statuses(&ear.hears_many(told).await[told - 2..]),
            ["ENABLED", "DISABLED"]
        );
        replicas.all_is_sent().await;
        assert_eq!(ear.heard().len(), told, "each of them once");
        sender = 1 - sender;
    }
}

/// An instance registers and deregisters: two notifications.
async fn come_and_go(eas: &Caller, name: &str) {
    let registration = eas_registration(CHESS, name, "ENABLED");
    let registration = eas.post(EAS_REGISTRATIONS, &registration).await.created();
    eas.delete(&registration).await.done();
}
