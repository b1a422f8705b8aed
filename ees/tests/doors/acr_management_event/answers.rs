//! The core network waits for what the EAS says (TS 29.558 clause 5.8.2.5, `easAckInd`).

use super::site::*;
use crate::{harness::Doors, scene::EAS_HEARS};
use edgeapp_core::{
    network::{NetworkError, Verdict},
    notifier::NotDelivered,
};
use edgeapp_testkit::network::FakeCore;
use serde_json::{Value, json};
use std::sync::Arc;

async fn asked() -> (Doors, Arc<FakeCore>) {
    let (doors, core) = site().await;
    subscribe(&doors, one("UP_PATH_CHG", json!({"easAckInd": true}))).await;
    assert!(paths(&core)[0].1.acknowledged);
    (doors, core)
}

fn verdicts(core: &FakeCore) -> Vec<Verdict> {
    core.acknowledged().into_iter().map(|(_, verdict)| verdict).collect()
}

/// The answer of the EAS goes to where the core waits, once: accepted, rejected, and 204 is a yes.
#[tokio::test]
async fn the_answer_goes_to_the_core_once() {
    for (answer, verdict) in [
        (Some(json!({"resCode": "ACCEPTED"})), Verdict::Accepted),
        (Some(json!({"resCode": "REJECTED"})), Verdict::Rejected),
        (None, Verdict::Accepted),
    ] {
        let (doors, core) = asked().await;
        if let Some(answer) = answer {
            doors.subscribers.answer(EAS_HEARS, answer);
        }
        moves(&doors, &core, "EARLY", AWAY, true).await;
        assert_eq!(heard(&doors).await, [told("UP_PATH_CHG", "EARLY", AWAY)]);
        let [(to, said)] = &core.acknowledged()[..] else {
            panic!("one answer")
        };
        assert_eq!(
            (to.uri.as_str(), to.transaction.as_deref(), *said),
            ("https://nef.example/ack/1", Some("42"), verdict)
        );
        // Afterwards the core does not wait: it is told, and nobody is asked.
        moves(&doors, &core, "LATE", AWAY, false).await;
        assert_eq!(heard(&doors).await, [told("UP_PATH_CHG", "LATE", AWAY)]);
        assert_eq!(verdicts(&core).len(), 1);
        assert_eq!(doors.keys("path-change/").await, [] as [String; 0]);
    }
}

/// An EAS that fails, refuses or cannot be reached does not agree.
#[tokio::test]
async fn an_eas_that_does_not_answer_does_not_agree() {
    for how in [
        NotDelivered::Refused(500),
        NotDelivered::Later {
            reason: "time-out".to_owned(),
            after: None,
        },
    ] {
        let (doors, core) = asked().await;
        doors.subscribers.refuse(EAS_HEARS, how);
        moves(&doors, &core, "EARLY", AWAY, true).await;
        doors.settled().await;
        assert_eq!(verdicts(&core), [Verdict::Rejected]);
    }
}

/// Whatever keeps us from asking in time: when the time is over the core hears no, and nobody is asked any more.
#[tokio::test]
async fn when_the_time_is_over_the_answer_is_no() {
    let (doors, core) = asked().await;
    moves(&doors, &core, "EARLY", AWAY, true).await;
    doors.pass(3).await;
    assert_eq!(heard(&doors).await, [] as [Value; 0]);
    assert_eq!(verdicts(&core), [Verdict::Rejected]);
    doors.pass(3).await;
    doors.settled().await;
    assert_eq!(verdicts(&core).len(), 1);
}

/// A core that does not take the answer at once gets it later; the EAS is not asked again.
#[tokio::test]
async fn an_answer_that_the_core_did_not_take_is_offered_again() {
    let (doors, core) = asked().await;
    moves(&doors, &core, "EARLY", AWAY, true).await;
    core.fail_next(NetworkError::Unavailable {
        reason: "time-out".to_owned(),
        after: None,
    });
    assert_eq!(heard(&doors).await.len(), 1);
    assert_eq!(verdicts(&core), [Verdict::Accepted]);
}

/// Where the core waits and nobody wants to be asked, or nobody is told, it need not wait.
#[tokio::test]
async fn where_nobody_is_asked_the_core_need_not_wait() {
    let (doors, core) = site().await;
    let uri = subscribe(&doors, one("UP_PATH_CHG", json!({"dnaiChgType": "EARLY"}))).await;
    moves(&doors, &core, "EARLY", AWAY, true).await;
    assert_eq!(heard(&doors).await.len(), 1);
    assert_eq!(verdicts(&core), [Verdict::Accepted]);
    // Not of the kind of mobility that was asked for.
    let filtered = json!({"eventSubscs": [{"event": "UP_PATH_CHG", "tgtUeId": {"gpsi": UE}, "easAckInd": true,
        "eventFilter": "INTRA_EDN_MOBILITY"}]});
    doors.eas(EAS).patch(&uri, filtered).await.found();
    doors.settled().await;
    moves(&doors, &core, "EARLY", AWAY, true).await;
    assert_eq!(heard(&doors).await, [] as [Value; 0]);
    assert_eq!(verdicts(&core), [Verdict::Accepted; 2]);
    // Held back by the EAS's own wish.
    let muted = json!({"eventSubscs": [{"event": "UP_PATH_CHG", "tgtUeId": {"gpsi": UE}, "easAckInd": true}],
        "evtReq": {"notifFlag": "DEACTIVATE"}});
    doors.eas(EAS).patch(&uri, muted).await.found();
    doors.settled().await;
    moves(&doors, &core, "EARLY", AWAY, true).await;
    assert_eq!(heard(&doors).await, [] as [Value; 0]);
    assert_eq!(verdicts(&core), [Verdict::Accepted; 3]);
}

/// The subscription went while the report was on its way: nobody is there to be asked.
#[tokio::test]
async fn an_eas_that_unsubscribed_is_not_asked() {
    let (doors, core) = site().await;
    let uri = subscribe(&doors, one("UP_PATH_CHG", json!({"easAckInd": true}))).await;
    moves(&doors, &core, "EARLY", AWAY, true).await;
    doors.eas(EAS).delete(&uri).await.done();
    assert_eq!(heard(&doors).await, [] as [Value; 0]);
    assert_eq!(verdicts(&core), [Verdict::Accepted]);
    assert_eq!(core.runs(), []);
}
