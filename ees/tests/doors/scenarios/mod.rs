//! Whole relocations through the doors of one EES (TS 23.558 clause 8.8.2), with the other servers and the subscribers at hand.

mod at_the_same_time;
mod bundles;
mod decided_by_the_eas;
mod decided_here;
mod decisions;
mod eec_initiated;
mod via_source_ees;
mod via_target_ees;

use crate::{
    harness::Doors,
    scene::{
        ACR_MANAGEMENT, ACR_STATUS, CONTEXTS, DECLARE, DETERMINE, EAS_HEARS, EEC_HEARS, INITIATE, REGISTRATIONS,
        SOURCE, Scene, T_EES, TARGET, UE, id_of, register_eas, subscribe_eas, subscribe_eec,
    },
};
use edgeapp_core::notifier::NotDelivered;
use edgeapp_ees_domain::peers::PeerError;
use serde_json::{Value, json};

fn start(host: &str) -> (String, String) {
    ("ACT_START".to_owned(), host.to_owned())
}

fn stop(host: &str) -> (String, String) {
    ("ACT_STOP".to_owned(), host.to_owned())
}

/// What was committed before a crash is done after it: the work is in the store, not in memory.
#[tokio::test]
async fn what_was_asked_for_before_a_crash_is_done_after_it() {
    let scene = Scene::set().await;
    scene.eec.post(INITIATE, scene.executed_via_source(TARGET)).await.done();
    assert!(!scene.doors.keys("event/").await.is_empty());
    // The outbox begins only now, with nothing but the store.
    assert_eq!(scene.eas_told().await, [start(TARGET)]);
    assert!(scene.doors.keys("dead/").await.is_empty());
}

/// An EEC that subscribes at the T-EES before it has a registration there hears of a relocation that begins there.
#[tokio::test]
async fn a_subscription_needs_no_registration() {
    let doors = Doors::open().await;
    subscribe_eec(&doors.eec("eec-1"), "ACR_COMPLETE").await;
}

/// Registrations of the EEC, a push of its context, its request and the report of its EAS at the same time: one registration, one
/// index, one context that counts, and nothing that failed for the sake of the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_happens_at_the_same_time_leaves_one_state() {
    let scene = std::sync::Arc::new(Scene::set().await);
    scene.doors.others.answer("push", json!({}));
    let push = json!({"eesId": T_EES, "eecCntx": {"eecId": "eec-1", "cntxId": scene.context, "ueId": UE}});
    let mut running = tokio::task::JoinSet::new();
    for n in 0..24 {
        let (scene, push) = (scene.clone(), push.clone());
        running.spawn(async move {
            let answer = match n % 4 {
                0 => {
                    let again = json!({"eecId": "eec-1", "ueId": UE});
                    scene.eec.post(REGISTRATIONS, again).await
                }
                1 => scene.doors.ees(T_EES).post(CONTEXTS, push).await,
                2 => scene.eec.post(INITIATE, scene.executed_via_source(TARGET)).await,
                _ => scene.eas.post(ACR_STATUS, scene.report("SUCCESSFUL")).await,
            };
            assert!(answer.status.is_success(), "{n}: {}", answer.body);
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
    scene.doors.settled().await;
    for (prefix, count) in [
        ("eec/", 1),
        ("eec-by-id/", 1),
        ("eec-by-ue/", 1),
        ("context/", 1),
        ("dead/", 0),
    ] {
        assert_eq!(scene.doors.keys(prefix).await.len(), count, "{prefix}");
    }
}
