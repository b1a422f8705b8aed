//! EDGE-2: what the core network reports, where it may be nonsense, strange or far too much.

use crate::harness::{Answer, Caller, Doors, Settings};
use axum::http::Method;
use edgeapp_core::{
    authorizer::ReferencePoint,
    consent::Purpose,
    network::{CoreReport, LocationReport},
};
use edgeapp_testkit::network::FakeCore;
use serde_json::{Value, json};
use std::sync::Arc;

const SUBSCRIPTIONS: &str = "/eees-uelocation/v1/subscriptions";
const UE: &str = "extid-ue1@operator.example";
const HEARS: &str = "https://chess.edge-a.example/locations";
const EAS: &str = "eas.chess.example#a1";

/// An EES with one watch; the address to which the core reports on it.
async fn watching() -> (Doors, Arc<FakeCore>, String) {
    let core = Arc::new(FakeCore::one_per_ue());
    let settings = Settings {
        core: core.clone(),
        ..Settings::default()
    };
    let doors = Doors::with(settings).await;
    let profile = json!({"easId": "eas.chess.example", "endPt": {"fqdn": "a.example"}});
    let eas = doors.eas(EAS);
    eas.post("/eees-easregistration/v1/registrations", json!({"easProf": profile}))
        .await
        .created();
    doors.agreements.agree(UE, Purpose::Location);
    let subscription = json!({"easId": "eas.chess.example", "ueId": UE, "notificationDestination": HEARS});
    eas.post(SUBSCRIPTIONS, subscription).await.created();
    let address = format!("/edge2/reports/{}", core.runs()[0].token.reveal());
    (doors, core, address)
}

fn seen_in(cell: &str) -> Value {
    let report = LocationReport {
        ue: None,
        location: Some(serde_json::from_value(json!({"cellId": cell})).unwrap()),
        failure: None,
        at: None,
    };
    serde_json::to_value([CoreReport::Location(Box::new(report))]).unwrap()
}

async fn sent(nef: &Caller, address: &str, body: &str) -> Answer {
    nef.send(Method::POST, address, "application/json", body.to_owned())
        .await
}

#[tokio::test]
async fn nesting_without_end_is_refused() {
    let (doors, _, address) = watching().await;
    let nef = doors.nef();
    for depth in [33, 5000] {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        let answer = sent(&nef, &address, &deep).await;
        answer.refused(400, "INVALID_MSG_FORMAT", "");
    }
    let allowed = format!("{}{}", "[".repeat(32), "]".repeat(32));
    let answer = sent(&nef, &address, &allowed).await;
    answer.refused(400, "MANDATORY_IE_INCORRECT", "");
}

#[tokio::test]
async fn what_cannot_be_read_is_refused() {
    let (doors, _, address) = watching().await;
    let (nef, before) = (doors.nef(), doors.keys("").await);
    for body in ["", " ", "{", "<html>", "{\"a\":1,\"a\":2}", "{} {}"] {
        sent(&nef, &address, body).await.refused(400, "INVALID_MSG_FORMAT", "");
    }
    sent(&nef, &address, "{}")
        .await
        .refused(400, "MANDATORY_IE_INCORRECT", "");
    let answer = nef.send(Method::POST, &address, "text/plain", "{}".to_owned()).await;
    answer.refused(415, "UNSUPPORTED_MEDIA_TYPE", "");
    let large = json!({"a": "x".repeat(300_000)}).to_string();
    sent(&nef, &address, &large).await.refused(413, "PAYLOAD_TOO_LARGE", "");
    assert_eq!(doors.keys("").await, before);
}

#[tokio::test]
async fn only_the_core_network_may_report() {
    let (doors, _, address) = watching().await;
    for who in [
        "ees:ees-b.example",
        "eas:eas.chess.example",
        "eec:eec-1",
        "ecs:ecs.example",
        "operator:o",
    ] {
        let other = doors.caller(ReferencePoint::Edge2, &[&format!("urn:edgeapp:{who}")]);
        other
            .post(&address, seen_in("1"))
            .await
            .refused(403, "UNAUTHORIZED", "");
    }
    let nobody = doors.caller(ReferencePoint::Edge2, &[]);
    nobody
        .post(&address, seen_in("1"))
        .await
        .refused(401, "UNAUTHENTICATED", "");
    doors.settled().await;
    assert_eq!(doors.subscribers.told_at(HEARS), [] as [Value; 0]);
}

/// Whoever guesses learns nothing and leaves nothing.
#[tokio::test]
async fn reports_for_nothing_of_ours_leave_no_trace() {
    let (doors, _, address) = watching().await;
    let nef = doors.nef();
    let before = doors.keys("").await;
    for n in 0..500 {
        let guess = format!("/edge2/reports/{n}{}", "0".repeat(31));
        nef.post(&guess, seen_in("1"))
            .await
            .refused(404, "SUBSCRIPTION_NOT_FOUND", "");
    }
    for path in [
        "/edge2/reports/",
        "/edge2/reports/a/b",
        "/edge2/reports/..%2f..",
        "/edge2",
    ] {
        assert_eq!(nef.post(path, seen_in("1")).await.status.as_u16(), 404, "{path}");
    }
    assert_eq!(nef.get(&address).await.status.as_u16(), 405);
    assert_eq!(doors.keys("").await, before);
}

/// All are taken in, none twice, in the order in which they were answered, while nobody listens at the other end yet.
#[tokio::test]
async fn a_flood_of_reports_is_taken_in() {
    let (doors, _, address) = watching().await;
    let doors = Arc::new(doors);
    let flood = (0..400).map(|n| {
        let (doors, address) = (doors.clone(), address.clone());
        tokio::spawn(async move { doors.nef().post(&address, seen_in(&format!("{n:09}"))).await.done() })
    });
    for report in flood.collect::<Vec<_>>() {
        report.await.expect("taken in");
    }
    doors.settled().await;
    let told = doors.subscribers.told_at(HEARS);
    let mut cells: Vec<String> = told
        .iter()
        .flat_map(|told| told["locEvs"].as_array().unwrap())
        .map(|event| event["locInf"]["cellId"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(cells.len(), 400);
    cells.sort();
    cells.dedup();
    assert_eq!(cells.len(), 400);
}

/// A subscription that has ended hears nothing more, and the core is told so.
#[tokio::test]
async fn a_report_for_an_ended_subscription_is_refused() {
    let (doors, core, address) = watching().await;
    let subscription = doors.keys("location-subscription/").await.remove(0);
    let id = subscription.rsplit('/').next().unwrap();
    doors.eas(EAS).delete(&format!("{SUBSCRIPTIONS}/{id}")).await.done();
    doors.settled().await;
    assert_eq!(core.runs(), []);
    let answer = doors.nef().post(&address, seen_in("1")).await;
    answer.refused(404, "SUBSCRIPTION_NOT_FOUND", "");
    for left in ["core-link/", "core-held/", "core-share/", "timer/location", "progress/"] {
        assert_eq!(doors.keys(left).await, [] as [String; 0], "{left}");
    }
}
