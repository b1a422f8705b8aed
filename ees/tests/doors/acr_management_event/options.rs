//! How often and how long is reported (`evtReq`, TS 29.523).

use super::site::*;
use crate::scene::{INITIATE, Scene, TARGET};
use serde_json::{Value, json};

fn with(rules: Value) -> Value {
    one("UP_PATH_CHG", json!({"evtReq": rules}))
}

/// The last known path is in the answer, not in a notification.
#[tokio::test]
async fn what_is_known_is_in_the_answer_when_asked_for() {
    let (doors, core) = site().await;
    subscribe(&doors, one("UP_PATH_CHG", json!({}))).await;
    moves(&doors, &core, "LATE", AWAY, false).await;
    assert_eq!(heard(&doors).await.len(), 1);
    let path = crate::scene::ACR_MANAGEMENT;
    let made = doors.eas(EAS).post(path, with(json!({"immRep": true}))).await;
    let uri = made.created();
    assert_eq!(made.body["eventReports"], json!([told("UP_PATH_CHG", "LATE", AWAY)]));
    assert_eq!(doors.eas(EAS).get(&uri).await.found()["eventReports"], Value::Null);
    core.report_at_once(vec![report("LATE", ("dnai-b", "dnai-c"), false)]);
    let other = one(
        "UP_PATH_CHG",
        json!({"evtReq": {"immRep": true}, "dnaiChgType": "LATE"}),
    );
    let made = doors.eas(EAS).post(path, other).await;
    assert_eq!(
        made.body["eventReports"],
        json!([told("UP_PATH_CHG", "LATE", ("dnai-b", "dnai-c"))])
    );
    assert_eq!(heard(&doors).await, [] as [Value; 0]);
}

/// One report, and the subscription is over; so is its watch.
#[tokio::test]
async fn one_time_ends_after_its_report() {
    let (doors, core) = site().await;
    let uri = subscribe(&doors, with(json!({"notifMethod": "ONE_TIME"}))).await;
    moves(&doors, &core, "EARLY", AWAY, false).await;
    moves(&doors, &core, "LATE", AWAY, false).await;
    assert_eq!(heard(&doors).await, [told("UP_PATH_CHG", "EARLY", AWAY)]);
    doors
        .eas(EAS)
        .get(&uri)
        .await
        .refused(404, "SUBSCRIPTION_NOT_FOUND", "");
    assert_eq!(core.runs(), []);
}

/// An event that is over ends by itself: the others go on. The options of an event come before those of the subscription.
#[tokio::test]
async fn options_of_an_event_are_its_own() {
    let (doors, core) = site().await;
    let mut body = of(
        json!([{"event": "UP_PATH_CHG", "tgtUeId": {"gpsi": UE}, "evtReq": {"maxReportNbr": 1}},
        {"event": "ACR_MONITORING", "tgtUeId": {"gpsi": UE}, "dnaiChgType": "LATE"}]),
    );
    body["evtReq"] = json!({"maxReportNbr": 2});
    let uri = subscribe(&doors, body).await;
    for _ in 0..2 {
        moves(&doors, &core, "LATE", AWAY, false).await;
        doors.settled().await;
    }
    let events: Vec<Value> = heard(&doors)
        .await
        .into_iter()
        .map(|told| told["event"].clone())
        .collect();
    assert_eq!(events, ["UP_PATH_CHG", "ACR_MONITORING", "ACR_MONITORING"]);
    doors
        .eas(EAS)
        .get(&uri)
        .await
        .refused(404, "SUBSCRIPTION_NOT_FOUND", "");
    assert_eq!(core.runs(), []);
}

/// Between periods nothing is told; at each what happened since, or what is known last.
#[tokio::test]
async fn periodic_reports_come_by_the_period() {
    let (doors, core) = site().await;
    subscribe(&doors, with(json!({"notifMethod": "PERIODIC", "repPeriod": 10}))).await;
    moves(&doors, &core, "LATE", AWAY, false).await;
    assert_eq!(heard(&doors).await, [] as [Value; 0]);
    for _ in 0..2 {
        doors.pass(11).await;
        assert_eq!(heard(&doors).await, [told("UP_PATH_CHG", "LATE", AWAY)]);
    }
}

/// The monitoring duration ends the event, and with the last one the subscription.
#[tokio::test]
async fn the_monitoring_duration_ends_it() {
    let (doors, core) = site().await;
    let uri = subscribe(&doors, with(json!({"monDur": "2026-01-05T12:01:00Z"}))).await;
    doors.pass(61).await;
    doors.settled().await;
    doors
        .eas(EAS)
        .get(&uri)
        .await
        .refused(404, "SUBSCRIPTION_NOT_FOUND", "");
    assert_eq!(core.runs(), []);
}

/// What is held back goes when the EAS lets it go.
#[tokio::test]
async fn muted_reports_go_when_they_are_let_go() {
    let (doors, core) = site().await;
    let uri = subscribe(&doors, with(json!({"notifFlag": "DEACTIVATE"}))).await;
    moves(&doors, &core, "LATE", AWAY, false).await;
    assert_eq!(heard(&doors).await, [] as [Value; 0]);
    let open = json!({"eventSubscs": [{"event": "UP_PATH_CHG", "tgtUeId": {"gpsi": UE}, "evtReq": {"notifFlag": "ACTIVATE"}}]});
    doors.eas(EAS).patch(&uri, open).await.found();
    assert_eq!(heard(&doors).await, [told("UP_PATH_CHG", "LATE", AWAY)]);
}

/// Orders count when they have been delivered; the subscription ends with the last.
#[tokio::test]
async fn orders_are_counted() {
    let scene = Scene::set().await;
    let once = json!({"eventSubscs": [{"event": "ACT_START_STOP"}], "evtReq": {"maxReportNbr": 1}});
    scene.eas.patch(&scene.eas_subscription, once).await.found();
    let request = scene.executed_via_source(TARGET);
    scene.eec.post(INITIATE, request).await.done();
    assert_eq!(scene.eas_told().await, [("ACT_START".to_owned(), TARGET.to_owned())]);
    let gone = scene.eas.get(&scene.eas_subscription).await;
    gone.refused(404, "SUBSCRIPTION_NOT_FOUND", "");
}

/// An order is about a peer: with one that is not registered here it is no mobility within this network.
#[tokio::test]
async fn orders_are_filtered_by_their_peer() {
    for (filter, heard) in [("INTRA_EDN_MOBILITY", 0), ("INTER_EDN_MOBILITY", 1)] {
        let scene = Scene::set().await;
        let filtered = json!({"eventSubscs": [{"event": "ACT_START_STOP", "eventFilter": filter}]});
        scene.eas.patch(&scene.eas_subscription, filtered).await.found();
        let request = scene.executed_via_source(TARGET);
        scene.eec.post(INITIATE, request).await.done();
        assert_eq!(scene.eas_told().await.len(), heard, "{filter}");
    }
}
