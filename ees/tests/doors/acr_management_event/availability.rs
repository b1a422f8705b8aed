//! Whether user plane paths are watched at all (TS 29.558 clause 5.8.2.5.3).

use super::site::*;
use edgeapp_core::network::{CoreReport, NetworkError};
use serde_json::{Value, json};

fn says(status: &str) -> Value {
    json!({"availabilityStatus": status})
}

/// A watch that the core lost and does not make again is told once; so is its return. GET tells the present state.
#[tokio::test]
async fn a_lost_watch_and_its_return_are_told_once() {
    let (doors, core) = site().await;
    let uri = subscribe(&doors, one("UP_PATH_CHG", json!({}))).await;
    core.lose_everything();
    for _ in 0..2 {
        let refused = NetworkError::Refused {
            cause: "NO_5GC".to_owned(),
        };
        core.refuse_to_begin(Some(refused));
        doors.upkeep().await;
    }
    doors.settled().await;
    assert_eq!(doors.subscribers.told_at(HEARS_AVAILABILITY), [says("NOT_AVAILABLE")]);
    let eas = doors.eas(EAS);
    assert_eq!(eas.get(&uri).await.found()["availabilityInfo"], says("NOT_AVAILABLE"));
    core.refuse_to_begin(None);
    for _ in 0..2 {
        doors.upkeep().await;
    }
    doors.settled().await;
    assert_eq!(doors.subscribers.told_at(HEARS_AVAILABILITY), [says("AVAILABLE")]);
    assert_eq!(eas.get(&uri).await.found()["availabilityInfo"], says("AVAILABLE"));
    moves(&doors, &core, "LATE", AWAY, false).await;
    assert_eq!(heard(&doors).await, [told("UP_PATH_CHG", "LATE", AWAY)]);
}

/// A core that does not answer at all is not watching; when it answers again, it is.
#[tokio::test]
async fn a_core_that_is_silent_is_told_of() {
    let (doors, core) = site().await;
    subscribe(&doors, one("UP_PATH_CHG", json!({}))).await;
    for _ in 0..2 {
        for _ in 0..3 {
            core.fail_next(NetworkError::Unavailable {
                reason: "down".to_owned(),
                after: None,
            });
        }
        doors.upkeep().await;
    }
    doors.settled().await;
    assert_eq!(doors.subscribers.told_at(HEARS_AVAILABILITY), [says("NOT_AVAILABLE")]);
    // It is left alone for a while.
    doors.clock.advance(60);
    for _ in 0..2 {
        doors.upkeep().await;
    }
    doors.settled().await;
    assert_eq!(doors.subscribers.told_at(HEARS_AVAILABILITY), [says("AVAILABLE")]);
    assert_eq!((core.runs().len(), core.counts()), (1, (1, 0)));
}

/// A core that ends a watch itself says so; it is asked again at once.
#[tokio::test]
async fn a_watch_that_the_core_ends_is_begun_again() {
    let (doors, core) = site().await;
    subscribe(&doors, one("UP_PATH_CHG", json!({}))).await;
    let [(token, _)] = &paths(&core)[..] else {
        panic!("one watch")
    };
    core.lose_everything();
    send(&doors, token, &[CoreReport::Ended]).await.done();
    doors.settled().await;
    assert_eq!(
        doors.subscribers.told_at(HEARS_AVAILABILITY),
        [says("NOT_AVAILABLE"), says("AVAILABLE")]
    );
    assert_eq!(core.runs().len(), 1);
}

/// What a crash of the core made it forget, and it takes again, is no change of availability.
#[tokio::test]
async fn a_watch_that_is_made_again_is_no_news() {
    let (doors, core) = site().await;
    subscribe(&doors, one("UP_PATH_CHG", json!({}))).await;
    core.lose_everything();
    doors.upkeep().await;
    doors.settled().await;
    assert_eq!(doors.subscribers.told(), []);
    assert_eq!(core.runs().len(), 1);
}
