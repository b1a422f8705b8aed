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
    let subscription = json!({"eecId": "eec-1", "easEventType": "EAS_AVAILABILITY_CHANGE",
        "notificationDestination": "https://ue.example/cb"});
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

mod a_ue_whose_place_is_not_told {
    use super::*;
    use edgeapp_core::{
        consent::Purpose,
        network::{LocationReport, NetworkError},
    };
    use edgeapp_testkit::network::FakeCore;

    const UE: &str = "extid-ue1@operator.example";

    fn in_area(tac: &str) -> LocationReport {
        let plmn = json!({"mcc": "001", "mnc": "01"});
        let nr = json!({"tai": {"plmnId": plmn, "tac": tac}, "ncgi": {"plmnId": plmn, "nrCellId": "000000001"}});
        LocationReport {
            ue: None,
            location: Some(serde_json::from_value(json!({"userLocation": {"nrLocation": nr}})).unwrap()),
            failure: None,
            at: None,
        }
    }

    /// Two EASs of the same application, for one tracking area each.
    async fn site() -> (Doors, Arc<FakeCore>) {
        let core = Arc::new(FakeCore::default());
        let doors = Doors::with(Settings {
            core: core.clone(),
            ..Settings::default()
        })
        .await;
        for (instance, tac) in [("a", "000001"), ("b", "000002")] {
            let mut profile = eas("eas.chess.example", &format!("{instance}.example"));
            let tai = json!({"plmnId": {"mcc": "001", "mnc": "01"}, "tac": tac});
            profile["svcArea"] = json!({"topServAr": {"tais": [tai]}});
            register(&doors, &format!("eas.chess.example#{instance}"), profile).await;
        }
        (doors, core)
    }

    async fn found(doors: &Doors) -> Vec<String> {
        let names = ["urn:edgeapp:eec:eec-1", &format!("urn:edgeapp:gpsi:{UE}")];
        let eec = doors.caller(edgeapp_core::authorizer::ReferencePoint::Edge1, &names);
        let request = json!({"requestorId": {"eecId": "eec-1"}, "ueId": UE});
        let found = eec.post(API, request).await.found();
        hosts(&found).into_iter().map(str::to_owned).collect()
    }

    /// TS 24.558 clause 5.3.2.2.2: the EES may ask the core network where the UE is.
    #[tokio::test]
    async fn is_asked_for_at_the_core_network() {
        let (doors, core) = site().await;
        doors.agreements.agree(UE, Purpose::Location);
        core.place(UE.parse().unwrap(), in_area("000002"));
        assert_eq!(found(&doors).await, ["b.example"]);
        core.place(UE.parse().unwrap(), in_area("000001"));
        assert_eq!(found(&doors).await, ["a.example"]);
    }

    #[tokio::test]
    async fn is_not_asked_for_without_consent() {
        let (doors, core) = site().await;
        core.place(UE.parse().unwrap(), in_area("000002"));
        assert_eq!(found(&doors).await, ["a.example", "b.example"]);
        assert_eq!(core.questions(), 0);
    }

    /// A core network that does not serve is left alone for ten seconds, and nobody waits for it.
    #[tokio::test]
    async fn is_left_open_while_the_core_network_does_not_serve() {
        let (doors, core) = site().await;
        doors.agreements.agree(UE, Purpose::Location);
        core.place(UE.parse().unwrap(), in_area("000002"));
        core.fail_next(NetworkError::Unavailable {
            reason: "down".to_owned(),
            after: None,
        });
        assert_eq!(found(&doors).await, ["a.example", "b.example"]);
        assert_eq!(found(&doors).await, ["a.example", "b.example"]);
        assert_eq!(core.questions(), 1);
        doors.clock.advance(10);
        assert_eq!(found(&doors).await, ["b.example"]);
    }

    #[tokio::test]
    async fn is_left_open_when_the_core_network_does_not_know_the_ue() {
        let (doors, _core) = site().await;
        doors.agreements.agree(UE, Purpose::Location);
        assert_eq!(found(&doors).await, ["a.example", "b.example"]);
    }
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
