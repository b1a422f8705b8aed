//! Eees_EASDiscovery, the request (TS 24.558 clause 5.3.2.2).

use crate::harness::{Doors, Settings};
use edgeapp_core::error::Error;
use edgeapp_ees_domain::discovery::{DiscoveryPolicy, EmptyDiscovery, TargetSearch};
use edgeapp_openapi::eas_discovery::{DiscoveredEas, EasDiscoveryReq};
use serde_json::{Value, json};
use std::sync::Arc;

const API: &str = "/eees-easdiscovery/v1/eas-profiles/request-discovery";
const REGISTRATIONS: &str = "/eees-easregistration/v1/registrations";

fn eas(id: &str, host: &str) -> Value {
    json!({"easId": id, "endPt": {"fqdn": host}})
}

async fn register(doors: &Doors, instance: &str, profile: Value) -> String {
    doors
        .eas(instance)
        .post(REGISTRATIONS, json!({"easProf": profile}))
        .await
        .created()
}

fn by_eec(filter: Value) -> Value {
    json!({"requestorId": {"eecId": "eec-1"}, "easDiscoveryFilter": filter})
}

fn hosts(found: &Value) -> Vec<&str> {
    let found = found["discoveredEas"].as_array().unwrap();
    found
        .iter()
        .map(|found| found["eas"]["endPt"]["fqdn"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn what_is_registered_is_found_with_its_lifetime() {
    let doors = Doors::open().await;
    register(&doors, "eas.chess.example#a1", eas("eas.chess.example", "a.example")).await;
    register(&doors, "eas.go.example#a1", eas("eas.go.example", "b.example")).await;
    let found = doors
        .eec("eec-1")
        .post(API, by_eec(json!({"easChars": [{"easId": "eas.chess.example"}]})))
        .await
        .found();
    let expected =
        json!({"discoveredEas": [{"eas": eas("eas.chess.example", "a.example"), "lifeTime": "2026-01-05T12:10:00Z"}]});
    assert_eq!(found, expected);
    let all = doors
        .eec("eec-1")
        .post(API, json!({"requestorId": {"eecId": "eec-1"}}))
        .await
        .found();
    assert_eq!(hosts(&all), ["a.example", "b.example"]);
}

#[tokio::test]
async fn an_expired_or_disabled_eas_is_not_found() {
    let doors = Doors::open().await;
    let at = register(&doors, "eas.chess.example#a1", eas("eas.chess.example", "a.example")).await;
    let eec = doors.eec("eec-1");
    let wanted = || by_eec(json!({"easChars": [{"easId": "eas.chess.example"}]}));
    let instance = doors.eas("eas.chess.example#a1");
    instance
        .patch(&at, json!({"easProf": {"status": "Disabled for maintenance"}}))
        .await
        .found();
    eec.post(API, wanted()).await.refused(404, "NO_SUITABLE_EAS", "");
    instance
        .patch(&at, json!({"easProf": {"status": "ENABLED"}}))
        .await
        .found();
    assert_eq!(hosts(&eec.post(API, wanted()).await.found()), ["a.example"]);
    doors.clock.advance(600);
    eec.post(API, wanted()).await.refused(404, "NO_SUITABLE_EAS", "");
}

#[tokio::test]
async fn an_empty_list_is_answered_where_the_policy_says_so() {
    let discovery = DiscoveryPolicy {
        empty: EmptyDiscovery::List,
        ..DiscoveryPolicy::default()
    };
    let doors = Doors::with(Settings {
        discovery,
        ..Settings::default()
    })
    .await;
    let found = doors.eec("eec-1").post(API, by_eec(json!({}))).await.found();
    assert_eq!(found, json!({"discoveredEas": []}));
}

#[tokio::test]
async fn the_requestor_is_the_caller() {
    let doors = Doors::open().await;
    let eec = doors.eec("eec-1");
    for other in [
        json!({"eecId": "eec-2"}),
        json!({"easId": "eec-1"}),
        json!({"eesId": "eec-1"}),
    ] {
        eec.post(API, json!({"requestorId": other}))
            .await
            .refused(403, "OWNER_MISMATCH", "/requestorId");
    }
    let two = json!({"requestorId": {"eecId": "eec-1", "easId": "eec-1"}});
    eec.post(API, two)
        .await
        .refused(400, "MANDATORY_IE_INCORRECT", "/requestorId");
}

#[tokio::test]
async fn an_eec_speaks_for_its_own_ue_alone() {
    let doors = Doors::open().await;
    register(&doors, "eas.chess.example#a1", eas("eas.chess.example", "a.example")).await;
    let of = |ue: &str| json!({"requestorId": {"eecId": "eec-1"}, "ueId": ue});
    doors.eec("eec-1").post(API, of("msisdn-491700000001")).await.found();
    doors
        .eec("eec-1")
        .post(API, of("msisdn-491700000002"))
        .await
        .refused(403, "UE_ID_NOT_VERIFIED", "/ueId");
}

#[tokio::test]
async fn an_eec_that_must_register_is_told_so() {
    let discovery = DiscoveryPolicy {
        eec_registration_required: true,
        ..DiscoveryPolicy::default()
    };
    let doors = Doors::with(Settings {
        discovery,
        ..Settings::default()
    })
    .await;
    register(&doors, "eas.chess.example#a1", eas("eas.chess.example", "a.example")).await;
    doors
        .eec("eec-1")
        .post(API, by_eec(json!({})))
        .await
        .refused(403, "NOT_REGISTERED", "");
    doors
        .eec("registered-1")
        .post(API, json!({"requestorId": {"eecId": "registered-1"}}))
        .await
        .found();
    let subscription = json!({"eecId": "eec-1", "easEventType": "EAS_AVAILABILITY_CHANGE"});
    let answer = doors
        .eec("eec-1")
        .post("/eees-easdiscovery/v1/subscriptions", subscription)
        .await;
    answer.refused(403, "NOT_REGISTERED", "");
}

#[tokio::test]
async fn the_area_and_the_position_decide() {
    let doors = Doors::open().await;
    let tai = |tac: &str| json!({"plmnId": {"mcc": "001", "mnc": "01"}, "tac": tac});
    for (instance, tac) in [("a", "000001"), ("b", "000002")] {
        let mut profile = eas("eas.chess.example", &format!("{instance}.example"));
        profile["svcArea"] = json!({"topServAr": {"tais": [tai(tac)]}});
        register(&doors, &format!("eas.chess.example#{instance}"), profile).await;
    }
    let eec = doors.eec("eec-1");
    let at = |tac: &str| {
        json!({"requestorId": {"eecId": "eec-1"}, "locInf": {"userLocation": {"nrLocation": {"tai": tai(tac),
            "ncgi": {"plmnId": {"mcc": "001", "mnc": "01"}, "nrCellId": "000000001"}}}}})
    };
    assert_eq!(hosts(&eec.post(API, at("000001")).await.found()), ["a.example"]);
    assert_eq!(hosts(&eec.post(API, at("000002")).await.found()), ["b.example"]);
    eec.post(API, at("000003")).await.refused(404, "NO_SUITABLE_EAS", "");
    assert_eq!(
        hosts(&eec.post(API, by_eec(json!({}))).await.found()),
        ["a.example", "b.example"]
    );
}

#[tokio::test]
async fn one_eas_for_each_application_is_selected_when_asked_for() {
    let doors = Doors::open().await;
    for (id, host) in [
        ("eas.chess.example", "a.example"),
        ("eas.chess.example", "b.example"),
        ("eas.go.example", "c.example"),
    ] {
        register(&doors, &format!("{id}#{host}"), eas(id, host)).await;
    }
    let mut request = by_eec(json!({}));
    request["easSelSupInd"] = true.into();
    let found = doors.eec("eec-1").post(API, request.clone()).await.found();
    assert_eq!(hosts(&found), ["a.example", "c.example"]);
    // The member belongs to Release 18: not negotiated, not honoured.
    request["suppFeat"] = "1".into();
    assert_eq!(hosts(&doors.eec("eec-1").post(API, request).await.found()).len(), 3);
}

struct Elsewhere;

#[async_trait::async_trait]
impl TargetSearch for Elsewhere {
    async fn find(&self, _: &EasDiscoveryReq) -> Result<Vec<DiscoveredEas>, Error> {
        let found = json!([{"eas": eas("eas.chess.example", "a.example")}, {"eas": eas("eas.chess.example", "far.example")},
            {"eas": eas("eas.go.example", "go.example")}]);
        Ok(serde_json::from_value(found).unwrap())
    }
}

#[tokio::test]
async fn an_eas_finds_other_instances_of_itself_here_first() {
    let doors = Doors::with(Settings {
        elsewhere: Arc::new(Elsewhere),
        ..Settings::default()
    })
    .await;
    register(&doors, "eas.chess.example#a1", eas("eas.chess.example", "a.example")).await;
    register(&doors, "eas.go.example#a1", eas("eas.go.example", "b.example")).await;
    let source = doors.eas("eas.chess.example#a1");
    let request = || json!({"requestorId": {"easId": "eas.chess.example"}, "ueId": "msisdn-491700000009"});
    assert_eq!(hosts(&source.post(API, request()).await.found()), ["far.example"]);
    register(&doors, "eas.chess.example#a2", eas("eas.chess.example", "near.example")).await;
    assert_eq!(hosts(&source.post(API, request()).await.found()), ["near.example"]);
}

#[tokio::test]
async fn another_ees_finds_what_is_here_and_nobody_subscribes_beyond_edge_1() {
    let doors = Doors::open().await;
    register(&doors, "eas.chess.example#a1", eas("eas.chess.example", "a.example")).await;
    let ees = doors.ees("ees-b.example");
    let found = ees
        .post(API, json!({"requestorId": {"eesId": "ees-b.example"}}))
        .await
        .found();
    assert_eq!(hosts(&found), ["a.example"]);
    let answer = ees.post("/eees-easdiscovery/v1/subscriptions", json!({})).await;
    answer.refused(404, "RESOURCE_URI_STRUCTURE_NOT_FOUND", "");
}
