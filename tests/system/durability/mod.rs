//! Kill -9 at any moment, under load: no acknowledged write is lost, nothing is half done, no relocation is left over, no notification
//! is lost.
//!
//! `EDGEAPP_KILLS` says how often (200 when not given), `EDGEAPP_SEED` repeats a run's choices.

#![allow(
    clippy::print_stderr,
    reason = "a seed is printed, so that a failure can be repeated"
)]

mod eas;
mod invariants;
mod items;
mod relocations;

use crate::support::{
    ACR_EVENTS, ACR_MANAGEMENT, DISCOVERY_SUBSCRIPTIONS, EAS_REGISTRATIONS, EEC_REGISTRATIONS, act_start_stop,
    eas_registration, register_eec, status_of,
};
use eas::EasWriter;
use edgeapp_core::principal::Role;
use edgeapp_system_tests::{
    caller::Caller,
    ear::{Ear, Heard},
    lab::{Lab, Plan},
    process::Process,
    wait::{DEADLINE, until_it_is_so},
};
use futures_util::future::join_all;
use items::Items;
use rand::{Rng, SeedableRng, rngs::StdRng};
use relocations::Relocations;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    env,
    time::{Duration, Instant},
};

/// The EEC that has the subscriptions.
const WATCH: &str = "eec-watch";
/// Applications under load.
const LOADED: [&str; 3] = ["eas.load-0.example", "eas.load-1.example", "eas.load-2.example"];
/// The application that relocates.
const MOVING: &str = "eas.moving.example";

/// Where a server that was started again is reached.
#[derive(Clone, Debug)]
struct Roots {
    edge1: String,
    edge3: String,
}

impl Roots {
    fn of(ees: &Process) -> Self {
        Self {
            edge1: ees.root("edge1").to_owned(),
            edge3: ees.root("edge3").to_owned(),
        }
    }
}

/// Everybody who writes.
struct Load {
    eass: Vec<EasWriter>,
    items: Vec<Items>,
    relocations: Relocations,
}

impl Load {
    /// Writes until the server is gone.
    async fn write(&mut self, roots: &Roots) {
        let eass = join_all(self.eass.iter_mut().map(|writer| writer.write(roots)));
        let items = join_all(self.items.iter_mut().map(|writer| writer.write(roots)));
        tokio::join!(eass, items, self.relocations.write(roots));
    }

    /// Asserts that everything is as it was acknowledged.
    async fn check(&mut self, roots: &Roots) {
        let eass = join_all(self.eass.iter_mut().map(|writer| writer.check(roots)));
        let items = join_all(self.items.iter_mut().map(|writer| writer.check(roots)));
        tokio::join!(eass, items);
    }

    /// Everything that has to be heard in the end.
    fn expected(&self) -> BTreeSet<String> {
        let mut all: BTreeSet<String> = self.eass.iter().flat_map(|writer| writer.expected.clone()).collect();
        all.extend(self.relocations.expected.clone());
        all
    }

    fn writes(&self) -> usize {
        self.eass.iter().map(|writer| writer.writes).sum::<usize>()
            + self.items.iter().map(|writer| writer.writes).sum::<usize>()
            + self.relocations.writes
    }
}

/// What a notification tells, in one word.
fn word(heard: &Heard) -> String {
    let eas = &heard.body["discoveredEas"][0]["eas"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match heard.target.as_str() {
        "/availability" if eas["status"] == "DISABLED" => format!("down {}", text(&eas["easFeats"][0])),
        "/availability" => format!("up {}", text(&eas["easFeats"][0])),
        "/status" => format!("status {}", text(&eas["status"])),
        "/acr" => {
            let status = &heard.body["acrStatus"];
            let result = if status["acrRes"] == true { "moved" } else { "failed" };
            format!("{result} {}", text(&status["tEasEndpoint"]["uri"]))
        }
        "/act" => {
            let report = &heard.body["eventReports"][0];
            format!("{} {}", text(&report["actStatus"]), text(&report["easEndPoint"]["uri"]))
        }
        other => format!("? {other}"),
    }
}

fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// Registers who stays registered, and subscribes to everything that is expected.
async fn prepare(lab: &Lab, roots: &Roots, ear: &Ear) {
    let watch = lab.eec(WATCH, &roots.edge1);
    register_eec(&watch, WATCH).await;
    for eas_id in LOADED {
        let filter = json!({"easChars": [{"easId": eas_id}]});
        let availability = json!({"eecId": WATCH, "easEventType": "EAS_AVAILABILITY_CHANGE", "easDiscoveryFilter": filter,
            "notificationDestination": ear.uri("/availability")});
        watch.post(DISCOVERY_SUBSCRIPTIONS, &availability).await.created();
        watch
            .post(DISCOVERY_SUBSCRIPTIONS, &status_of(WATCH, eas_id, &ear.uri("/status")))
            .await
            .created();
    }
    let moving = lab.eas(&format!("{MOVING}#1"), &roots.edge3);
    moving
        .post(EAS_REGISTRATIONS, &eas_registration(MOVING, "moving", "ENABLED"))
        .await
        .created();
    moving
        .post(ACR_MANAGEMENT, &act_start_stop(MOVING, &ear.uri("/act")))
        .await
        .created();
    let events = json!({"eecId": WATCH, "easIds": [MOVING], "eventIds": "ACR_COMPLETE", "notificationDestination": ear.uri("/acr")});
    watch.post(ACR_EVENTS, &events).await.created();
}

fn load(lab: &Lab, ear: &Ear, random: &mut StdRng) -> Load {
    let caller = |role: Role, id: &str| Caller::new(lab, &lab.who(role, id), Role::Ees, "");
    let watch = caller(Role::Eec, WATCH);
    let eass = LOADED.map(|eas_id| {
        let [own, sibling] = ["#1", "#2"].map(|instance| caller(Role::Eas, &format!("{eas_id}{instance}")));
        EasWriter::new(eas_id, own, sibling, watch.clone(), StdRng::from_rng(random))
    });
    let never = ear.uri("/never");
    let items = vec![
        Items::registration(
            "eec-load-0",
            caller(Role::Eec, "eec-load-0"),
            EEC_REGISTRATIONS,
            StdRng::from_rng(random),
        ),
        Items::registration(
            "eec-load-1",
            caller(Role::Eec, "eec-load-1"),
            EEC_REGISTRATIONS,
            StdRng::from_rng(random),
        ),
        Items::management(
            "eas.items.example",
            caller(Role::Eas, "eas.items.example#1"),
            &never,
            StdRng::from_rng(random),
        ),
        Items::discovery(WATCH, watch.clone(), &never, StdRng::from_rng(random)),
        Items::acr_events(WATCH, watch.clone(), &never, StdRng::from_rng(random)),
    ];
    let moving = caller(Role::Eas, &format!("{MOVING}#1"));
    Load {
        eass: eass.into(),
        items,
        relocations: Relocations::new(watch, moving),
    }
}

/// What is still to be heard. Whoever was told to start and never reported is told to stop.
fn missing(expected: &BTreeSet<String>, heard: &BTreeSet<String>) -> Vec<String> {
    let stops = heard
        .iter()
        .filter_map(|word| Some(format!("ACT_STOP {}", word.strip_prefix("failed ")?)));
    let missing = expected.iter().cloned().chain(stops);
    missing.filter(|word| !heard.contains(word)).collect()
}

/// Lets the last things happen, then looks whether anything is left: no event, no task, no relocation.
async fn nothing_is_left(plan: &Plan, ear: &Ear, expected: &BTreeSet<String>) {
    let ees = plan.start().await;
    let (mut heard, mut read) = (BTreeSet::new(), 0);
    let end = Instant::now() + 3 * DEADLINE;
    loop {
        for fresh in ear.since(read) {
            read += 1;
            let word = word(&fresh);
            // However a relocation ended, its end was told.
            let end = word
                .strip_prefix("failed ")
                .or(word.strip_prefix("moved "))
                .map(|uri| format!("ended {uri}"));
            heard.extend(end);
            heard.insert(word);
        }
        let missing = missing(expected, &heard);
        if missing.is_empty() {
            break;
        }
        let some: Vec<_> = missing.iter().take(10).collect();
        assert!(
            Instant::now() < end,
            "{} notifications are lost, such as {some:#?}",
            missing.len()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let starts = heard.iter().filter(|word| word.starts_with("ACT_START ")).count();
    assert!(starts > 0, "no EAS was ever told to start");
    assert!(ees.stop().await.success());
    until_it_is_so("nothing waits, no relocation is left over", async || {
        let left = invariants::check(&plan.state()).await;
        if !left.is_empty() {
            let ees = plan.start().await;
            // Relocations are remembered for a second after their end.
            tokio::time::sleep(Duration::from_millis(500)).await;
            assert!(ees.stop().await.success());
        }
        left.is_empty()
    })
    .await;
}

/// The whole story.
///
/// Proves: T-33, WP-47
#[tokio::test]
async fn a_killed_server_loses_nothing_and_leaves_nothing_half_done() {
    let kills: u32 = setting("EDGEAPP_KILLS").unwrap_or(200);
    let seed: u64 = setting("EDGEAPP_SEED").unwrap_or_else(rand::random);
    eprintln!("{kills} kills, EDGEAPP_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let lab = Lab::new();
    let ear = Ear::open(&lab, &lab.who(Role::Eec, WATCH)).await;
    let plan = lab.ees("a").with(
        "[relocation]\ntransfer_seconds = 2\nremembered_seconds = 1\n[notifications]\nlongest_retry_seconds = 1\n",
    );
    let mut load = load(&lab, &ear, &mut random);
    let ees = plan.start().await;
    prepare(&lab, &Roots::of(&ees), &ear).await;
    ees.kill().await;
    for kill in 1..kills {
        if kill % 10 == 0 {
            // Killed while it starts.
            let ees = plan.spawn();
            tokio::time::sleep(Duration::from_millis(random.random_range(1..60))).await;
            ees.kill().await;
            continue;
        }
        let ees = plan.start().await;
        let roots = Roots::of(&ees);
        load.check(&roots).await;
        let moment = Duration::from_millis(random.random_range(5..250));
        let killed = async {
            // The moment decides nothing but how far the writers get.
            tokio::time::sleep(moment).await;
            ees.kill().await;
        };
        tokio::join!(load.write(&roots), killed);
        if kill % 5 == 0 {
            invariants::hold_in_a_copy(&plan.state()).await;
        }
    }
    let ees = plan.start().await;
    load.check(&Roots::of(&ees)).await;
    ees.kill().await;
    let expected = load.expected();
    eprintln!(
        "{} writes were acknowledged, {} notifications are owed",
        load.writes(),
        expected.len()
    );
    assert!(load.writes() as u32 > kills, "there was no load");
    nothing_is_left(&plan, &ear, &expected).await;
}
