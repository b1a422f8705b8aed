//! A change of the events adds and drops what the core network watches.

use super::site::*;
use edgeapp_core::network::NetworkError;
use serde_json::{Value, json};

/// TS 29.558 clause 5.8.2.3: what stays is left alone, what is new is begun, what is gone ends.
#[tokio::test]
async fn watches_follow_the_events() {
    let (doors, core) = site().await;
    let uri = subscribe(&doors, one("UP_PATH_CHG", json!({}))).await;
    let [(first, _)] = &paths(&core)[..] else {
        panic!("one watch")
    };
    let about = |event: &str| json!({"event": event, "tgtUeId": {"gpsi": UE}});
    let eas = doors.eas(EAS);
    let both = json!({"eventSubscs": [about("ACR_MONITORING"), about("UP_PATH_CHG")]});
    eas.patch(&uri, both).await.found();
    doors.settled().await;
    let now = paths(&core);
    assert_eq!((now.len(), now.iter().any(|(token, _)| token == first)), (2, true));
    let other = eas.put(&uri, one("ACR_MONITORING", json!({}))).await.found();
    assert_eq!(other["self"], uri);
    doors.settled().await;
    assert_eq!(paths(&core).len(), 1);
    assert_ne!(&paths(&core)[0].0, first);
    let orders = json!({"eventSubscs": [{"event": "ACT_START_STOP"}]});
    let after = eas.patch(&uri, orders).await.found();
    assert_eq!(after["availabilityInfo"], Value::Null);
    doors.settled().await;
    assert_eq!(core.runs(), []);
    eas.patch(&uri, json!({"eventSubscs": [about("UP_PATH_CHG")]}))
        .await
        .found();
    moves(&doors, &core, "LATE", AWAY, false).await;
    assert_eq!(heard(&doors).await, [told("UP_PATH_CHG", "LATE", AWAY)]);
}

/// What cannot be watched at all is refused, and everything is as before.
#[tokio::test]
async fn a_change_that_cannot_be_watched_changes_nothing() {
    let (doors, core) = site().await;
    let uri = subscribe(&doors, one("UP_PATH_CHG", json!({}))).await;
    let eas = doors.eas(EAS);
    let before = eas.get(&uri).await.found();
    core.fail_next(NetworkError::Refused { cause: "NO".to_owned() });
    let monitoring = json!({"eventSubscs": [{"event": "ACR_MONITORING", "tgtUeId": {"gpsi": UE}}]});
    eas.patch(&uri, monitoring)
        .await
        .refused(403, "MONITORING_NOT_AVAILABLE", "");
    let stranger =
        json!({"eventSubscs": [{"event": "UP_PATH_CHG", "tgtUeId": {"gpsi": "extid-ue2@operator.example"}}]});
    eas.patch(&uri, stranger)
        .await
        .refused(403, "USER_CONSENT_NOT_GRANTED", "/eventSubscs/0/tgtUeId");
    assert_eq!(eas.get(&uri).await.found(), before);
    doors.settled().await;
    assert_eq!(core.runs().len(), 1);
    moves(&doors, &core, "LATE", AWAY, false).await;
    assert_eq!(heard(&doors).await, [told("UP_PATH_CHG", "LATE", AWAY)]);
}
