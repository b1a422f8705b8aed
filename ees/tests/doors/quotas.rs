//! How much one caller may keep (`[quotas]`): refused with 403 `QUOTA_EXCEEDED`, freed by removal and expiry.

use crate::harness::{Caller, Doors, Settings};
use edgeapp_core::consent::Purpose;
use edgeapp_ees_domain::quotas::QuotaSettings;
use edgeapp_testkit::network::FakeCore;
use serde_json::{Value, json};
use std::sync::Arc;

const EAS: &str = "eas.chess.example#a1";
const UE: &str = "extid-ue1@operator.example";
const REGISTRATIONS: &str = "/eees-easregistration/v1/registrations";
const SESSIONS: &str = "/eees-session-with-qos/v1/sessions";
const LOCATIONS: &str = "/eees-uelocation/v1/subscriptions";
const DISCOVERY: &str = "/eees-easdiscovery/v1/subscriptions";

fn registration(endpoint: &str) -> Value {
    json!({"easProf": {"easId": "eas.chess.example", "endPt": {"fqdn": endpoint}, "appLocs": [{"dnai": "d1", "routeProfId": "r"}]}})
}

/// Everybody may have two of everything.
async fn site() -> (Doors, Arc<FakeCore>) {
    let core = Arc::new(FakeCore::default());
    let two = 2.try_into().expect("a number");
    let settings = Settings {
        core: core.clone(),
        quotas: QuotaSettings {
            eas_registrations: two,
            discovery_subscriptions: two,
            acr_events_subscriptions: two,
            acr_management_subscriptions: two,
            location_subscriptions: two,
            ac_information_subscriptions: two,
            act_status_subscriptions: two,
            app_contexts: two,
            qos_sessions: two,
            traffic_influences: two,
            dns_contexts: two,
            baseline_dns_patterns: two,
        },
        ..Settings::default()
    };
    let doors = Doors::with(settings).await;
    for purpose in [Purpose::Location, Purpose::Qos] {
        doors.agreements.agree(UE, purpose);
    }
    let eas = doors.eas(EAS);
    eas.post(REGISTRATIONS, registration("a.example")).await.created();
    (doors, core)
}

/// The first two are made, the third is not, and after the end of one there is room again.
async fn has_room_for_two(caller: &Caller, path: &str, body: &Value) {
    let first = caller.post(path, body.clone()).await.created();
    caller.post(path, body.clone()).await.created();
    let refusal = caller.post(path, body.clone()).await;
    refusal.refused(403, "QUOTA_EXCEEDED", "");
    let detail = refusal.body["detail"].as_str().expect("a detail");
    assert!(detail.contains("may have 2 ") && detail.contains("quotas."), "{detail}");
    caller.delete(&first).await.done();
    caller.post(path, body.clone()).await.created();
    caller.post(path, body.clone()).await.refused(403, "QUOTA_EXCEEDED", "");
}

/// Proves: WP-42, T-36
#[tokio::test]
async fn of_subscriptions_and_sessions_of_an_eas() {
    let (doors, core) = site().await;
    let eas = doors.eas(EAS);
    let location =
        json!({"easId": "eas.chess.example", "ueId": UE, "notificationDestination": "https://chess.example/l"});
    let session = json!({"easId": "eas.chess.example", "ueId": UE, "ipFlows": ["permit in ip from any to any"],
        "qosReference": "gold"});
    let relocations = json!({"easId": "eas.chess.example", "eventSubscs": [{"event": "ACR_SELECTION"}],
        "notificationDestination": "https://chess.example/a"});
    let clients = json!({"easId": "eas.chess.example", "acFltrs": [{"acIds": ["ac.chess"]}],
        "notificationDestination": "https://chess.example/c"});
    for (path, body) in [
        (LOCATIONS, location),
        (SESSIONS, session),
        ("/eees-acrmgntevent/v1/subscriptions", relocations),
        ("/eees-tie/v1/instances", json!({"tgtUes": [{"gpsi": UE}]})),
        ("/eees-appclientinformation/v1/subscriptions", clients),
    ] {
        has_room_for_two(&eas, path, &body).await;
    }
    doors.settled().await;
    // One shared watch, two sessions, two influences: what was refused was not asked of the core.
    assert_eq!(core.runs().len(), 5);
}

/// Proves: WP-42, T-36, H-71
#[tokio::test]
async fn of_subscriptions_of_an_eec() {
    let (doors, _) = site().await;
    let discovery = json!({"eecId": "registered-1", "easEventType": "EAS_AVAILABILITY_CHANGE",
        "notificationDestination": "https://ue.example/d"});
    let relocations = json!({"eecId": "registered-1", "easIds": ["eas.chess.example"], "eventIds": "ACR_COMPLETE",
        "notificationDestination": "https://ue.example/a"});
    let eec = doors.eec("registered-1");
    has_room_for_two(&eec, DISCOVERY, &discovery).await;
    has_room_for_two(&eec, "/eees-acrevents/v1/subscriptions", &relocations).await;
    let mut other = discovery.clone();
    other["eecId"] = "registered-2".into();
    doors.eec("registered-2").post(DISCOVERY, other).await.created();
    doors.pass(3601).await;
    eec.post(DISCOVERY, discovery).await.created();
}

/// An instance that registers again with the same endpoint takes its own place.
#[tokio::test]
async fn of_registrations_counts_endpoints() {
    let (doors, _) = site().await;
    let (eas, other) = (doors.eas(EAS), doors.eas("eas.chess.example#b1"));
    eas.post(REGISTRATIONS, registration("b.example")).await.created();
    eas.post(REGISTRATIONS, registration("b.example")).await.created();
    eas.post(REGISTRATIONS, registration("c.example"))
        .await
        .refused(403, "QUOTA_EXCEEDED", "");
    other.post(REGISTRATIONS, registration("c.example")).await.created();
    doors.pass(601).await;
    // The place of an expired registration is free for another instance, and each has its own count.
    other.post(REGISTRATIONS, registration("a.example")).await.created();
    eas.post(REGISTRATIONS, registration("d.example")).await.created();
}

/// Of many at once, as many as there is room for get through; the core runs no more than is kept.
///
/// Proves: WP-42
#[tokio::test]
async fn holds_for_many_at_once() {
    let (doors, core) = site().await;
    let eas = doors.eas(EAS);
    let session = json!({"easId": "eas.chess.example", "ueId": UE, "ipFlows": ["permit in ip from any to any"],
        "qosReference": "gold"});
    let all = (0..20).map(|_| eas.post(SESSIONS, session.clone()));
    let answers = futures_util::future::join_all(all).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 2);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.refused(403, "QUOTA_EXCEEDED", "");
    }
    doors.settled().await;
    assert_eq!((core.runs().len(), doors.keys("qos-session/").await.len()), (2, 2));
}

/// These end with the registration of the EAS only.
#[tokio::test]
async fn of_subscriptions_to_managed_relocations() {
    const MANAGED: &str = "/eees-eel-acr/v1/subscriptions";
    let (doors, _) = site().await;
    let eas = doors.eas(EAS);
    let status = json!({"easId": "eas.chess.example", "notificationUri": "https://chess.example/m"});
    eas.post(MANAGED, status.clone()).await.created();
    eas.post(MANAGED, status.clone()).await.created();
    eas.post(MANAGED, status).await.refused(403, "QUOTA_EXCEEDED", "");
}

/// Who has used up its share takes nothing from another: of the same application or of another one.
///
/// Proves: WP-57, WP-42
#[tokio::test]
async fn of_one_caller_is_not_that_of_another() {
    let (doors, _) = site().await;
    let eas = doors.eas(EAS);
    eas.post(REGISTRATIONS, registration("b.example")).await.created();
    eas.post(REGISTRATIONS, registration("c.example"))
        .await
        .refused(403, "QUOTA_EXCEEDED", "");
    let instance = doors.eas("eas.chess.example#a2");
    instance.post(REGISTRATIONS, registration("d.example")).await.created();
    let other = json!({"easProf": {"easId": "eas.other.example", "endPt": {"fqdn": "e.example"}}});
    doors
        .eas("eas.other.example#1")
        .post(REGISTRATIONS, other)
        .await
        .created();
}
