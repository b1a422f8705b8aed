//! A clock that jumps: forward, everything whose time is over is gone at once; back, nothing of it returns, not by a restart either.

use crate::{
    harness::{Doors, Settings},
    scene::{REGISTRATIONS, UE, chess, register_eas},
};
use edgeapp_core::store::Store;
use edgeapp_store::MemoryStore;
use serde_json::{Value, json};
use std::sync::Arc;

const DISCOVERY: &str = "/eees-easdiscovery/v1/eas-profiles/request-discovery";
const HOUR: u32 = 3_600;
const YEAR: u32 = 365 * 24 * HOUR;

/// An EES on this state whose clock stands at the beginning of every test.
async fn start(store: &Arc<dyn Store>) -> Doors {
    Doors::with(Settings {
        store: store.clone(),
        ..Settings::default()
    })
    .await
}

/// What anybody can see of what was registered: the paths of an EAS and an EEC, and discovery.
async fn visible(doors: &Doors, eas: &str, eec: &str) -> [u16; 3] {
    let eecs = doors.eec("eec-1");
    let found = eecs.post(DISCOVERY, json!({"requestorId": {"eecId": "eec-1"}})).await;
    [
        doors.eas("eas.chess.example#1").get(eas).await.status.as_u16(),
        eecs.patch(eec, json!({})).await.status.as_u16(),
        found.status.as_u16(),
    ]
}

async fn register(doors: &Doors) -> [String; 2] {
    let eas = register_eas(&doors.eas("eas.chess.example#1"), "a.example").await;
    let request = json!({"eecId": "eec-1", "ueId": UE});
    let eec = doors.eec("eec-1").post(REGISTRATIONS, request).await.created();
    [eas, eec]
}

/// Proves: T-32, WP-59
#[tokio::test]
async fn what_a_jump_forward_ends_is_gone_before_it_is_swept() {
    for jump in [HOUR, YEAR] {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let doors = start(&store).await;
        let [eas, eec] = register(&doors).await;
        assert_eq!(visible(&doors, &eas, &eec).await, [200; 3]);
        doors.clock.advance(jump);
        assert_eq!(visible(&doors, &eas, &eec).await, [404; 3], "after {jump} s");
    }
}

/// The machine is started again with a clock that was set back by as much as it had jumped forward.
///
/// Proves: T-32, WP-47, WP-59
#[tokio::test]
async fn a_restart_in_the_past_brings_nothing_back() {
    for jump in [HOUR, YEAR] {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let doors = start(&store).await;
        let [eas, eec] = register(&doors).await;
        doors.pass(jump).await;
        drop(doors);
        let doors = start(&store).await;
        assert_eq!(visible(&doors, &eas, &eec).await, [404; 3], "{jump} s back");
        let left = [doors.keys("eas/").await, doors.keys("eec/").await];
        assert!(left.iter().all(Vec::is_empty), "{left:?}");
        // And the places that it held are free again.
        register(&doors).await;
    }
}

/// What was granted while the clock was ahead does not grow longer by a renewal in the past, and never beyond the maximum.
///
/// Proves: T-32, T-36
#[tokio::test]
async fn what_was_granted_in_the_future_is_granted_anew_from_now() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let doors = start(&store).await;
    doors.clock.advance(YEAR);
    let [eas, _] = register(&doors).await;
    drop(doors);
    let doors = start(&store).await;
    let owner = doors.eas("eas.chess.example#1");
    let expiry = |body: Value| body["expTime"].clone();
    let renewed = owner
        .patch(&eas, json!({"expTime": "9999-12-31T23:59:59Z"}))
        .await
        .found();
    assert_eq!(expiry(renewed), "2026-01-05T13:00:00Z");
    let mut again = chess("a.example");
    again["expTime"] = json!("9999-12-31T23:59:59Z");
    assert_eq!(expiry(owner.put(&eas, again).await.found()), "2026-01-05T13:00:00Z");
}
