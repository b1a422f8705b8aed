//! What a subscriber may know of UEs (TS 23.558 clause 8.6.4: subject to access control and privacy).

use super::*;
use crate::scene::{CONTEXTS, T_EES};
use edgeapp_core::{
    consent::Purpose,
    network::{CoreReport, LocationReport},
};
use edgeapp_testkit::network::FakeCore;
use std::sync::Arc;

const PLMN: &str = r#"{"mcc": "001", "mnc": "01"}"#;

fn area(cell: &str) -> Value {
    serde_json::from_str(&format!(
        r#"{{"geographicAreas": [], "civicAddresses": [], "nwAreaInfo": {{"ncgis": [{{"plmnId": {PLMN}, "nrCellId": "{cell}"}}]}}}}"#
    ))
    .unwrap()
}

/// The network part of an area.
fn cells(area: &Value) -> Value {
    area["nwAreaInfo"]["ncgis"].clone()
}

fn named(told: &[Value]) -> Vec<Value> {
    told.iter().map(|told| told["acInfs"][0]["ueIds"].clone()).collect()
}

/// Without consent a UE has no name; with consent it has one that is no telephone number, the same each time.
///
/// Proves: WP-64, WP-30
#[tokio::test]
async fn a_ue_is_named_only_with_consent_and_never_by_its_number() {
    let doors = site().await;
    subscribe(&doors, subscription(json!({}))).await;
    register(&doors, 1, json!([{"acId": "a"}])).await;
    assert_eq!(named(&raw(&doors).await), [Value::Null]);
    doors.agreements.agree(&ue(1), Purpose::Location);
    register(&doors, 1, json!([{"acId": "b"}])).await;
    assert_eq!(named(&raw(&doors).await), [Value::Null], "consent to another purpose");
    doors.agreements.agree(&ue(1), Purpose::Identifier);
    register(&doors, 1, json!([{"acId": "c"}])).await;
    register(&doors, 1, json!([{"acId": "d"}])).await;
    let names = named(&raw(&doors).await);
    let name = names[0][0].as_str().unwrap();
    assert!(name.starts_with("edgeueid-"), "{name}");
    assert_eq!(names.iter().filter(|other| **other == names[0]).count(), names.len());
}

/// A filter by UE finds those alone whose users agreed, by their name or by the one that this EES made up for this EAS.
#[tokio::test]
async fn a_filter_by_ue_finds_whose_user_agreed() {
    let doors = site().await;
    doors.agreements.agree(&ue(1), Purpose::Identifier);
    subscribe(&doors, to_clients(&["ac.first"])).await;
    register(&doors, 1, json!([{"acId": "ac.first"}])).await;
    let name = named(&raw(&doors).await)[0][0].clone();
    for (names, clients) in [
        (json!([ue(1), ue(2)]), &["ac.number"]),
        (json!([name]), &["ac.edge-ue-id"]),
    ] {
        let at = subscribe(&doors, subscription(json!({"acFltrs": [{"ueIds": names}]}))).await;
        for n in [1, 2] {
            register(&doors, n, json!([{"acId": clients[0]}])).await;
        }
        assert_eq!(told(&doors).await, [clients], "{names}");
        doors.eas(EAS).delete(&at).await.done();
    }
}

/// An Edge UE ID of another EAS, or of nobody, is not understood.
#[tokio::test]
async fn a_name_that_is_not_the_callers_is_refused() {
    let doors = site().await;
    doors.agreements.agree(&ue(1), Purpose::Identifier);
    subscribe(&doors, subscription(json!({}))).await;
    register(&doors, 1, json!([{"acId": "a"}])).await;
    let name = named(&raw(&doors).await)[0][0].clone();
    let other = doors.eas("eas.go.example#1");
    let profile = json!({"easId": "eas.go.example", "endPt": {"fqdn": "go.example"}});
    let registration = json!({"easProf": profile});
    other
        .post("/eees-easregistration/v1/registrations", registration)
        .await
        .created();
    let mut wanted = subscription(json!({"acFltrs": [{"acIds": ["a"]}, {"ueIds": [name]}]}));
    wanted["easId"] = "eas.go.example".into();
    let answer = other.post(SUBSCRIPTIONS, wanted.clone()).await;
    answer.refused(404, "UE_NOT_FOUND", "/acFltrs/1/ueIds/0");
    wanted["acFltrs"][1]["ueIds"] = json!(["edgeueid-00"]);
    let answer = other.post(SUBSCRIPTIONS, wanted).await;
    answer.refused(404, "UE_NOT_FOUND", "/acFltrs/1/ueIds/0");
}

/// Where a UE is, as its context says, is told and compared only with consent.
///
/// Proves: WP-64, WP-30
#[tokio::test]
async fn a_location_is_told_and_compared_only_with_consent() {
    let doors = site().await;
    let here = json!({"acFltrs": [{"locInfs": area("000000001")}]});
    subscribe(&doors, subscription(here)).await;
    let push = |n: u32, cell: &str| {
        let context = json!({"eecId": format!("eec-{n}"), "cntxId": format!("ctx-{n}"), "ueId": ue(n), "ueLoc": area(cell),
            "acProfs": [{"acId": format!("ac-{n}")}]});
        json!({"eesId": T_EES, "eecCntx": context})
    };
    for n in [1, 2] {
        doors.agreements.agree(&ue(n), Purpose::Location);
    }
    for (n, cell) in [(1, "000000001"), (2, "000000002"), (3, "000000001")] {
        doors.ees(T_EES).post(CONTEXTS, push(n, cell)).await.found();
    }
    let told = raw(&doors).await;
    assert_eq!(told.len(), 1, "{told:?}");
    let told = &told[0]["acInfs"][0];
    assert_eq!(told["acProfs"][0]["acId"], "ac-1");
    assert_eq!(cells(&told["ueLocInfs"]), cells(&area("000000001")));
    assert_eq!(told["ueIds"], Value::Null, "consent to a location is none to a name");
}

/// What the core network reported last counts more than a context.
#[tokio::test]
async fn the_last_location_of_the_core_network_is_told() {
    let core = Arc::new(FakeCore::default());
    let doors = Doors::with(Settings {
        core: core.clone(),
        ..Settings::default()
    })
    .await;
    let eas = doors.eas(EAS);
    register_eas(&eas, "a.example").await;
    doors.agreements.agree(&ue(1), Purpose::Location);
    let watch =
        json!({"easId": "eas.chess.example", "ueId": ue(1), "notificationDestination": "https://a.example/locations"});
    eas.post("/eees-uelocation/v1/subscriptions", watch).await.created();
    let seen = LocationReport {
        ue: None,
        location: Some(serde_json::from_value(json!({"cellId": "001-01-000000007"})).unwrap()),
        failure: None,
        at: None,
    };
    let path = format!("/edge2/reports/{}", core.runs()[0].token.reveal());
    let report = serde_json::to_value([CoreReport::Location(Box::new(seen))]).unwrap();
    doors.nef().post(&path, report).await.done();
    let there = json!({"acFltrs": [{"locInfs": area("000000007")}]});
    subscribe(&doors, subscription(there)).await;
    register(&doors, 1, json!([{"acId": "a"}])).await;
    let told = raw(&doors).await;
    assert_eq!(cells(&told[0]["acInfs"][0]["ueLocInfs"]), cells(&area("000000007")));
}
