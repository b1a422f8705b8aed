//! Service continuity planning (TS 23.558 clause 8.8.1.2): the EAS hears when a UE is where a planned relocation expects it.

use super::site::*;
use crate::{
    harness::Doors,
    scene::{ACR_STATUS, EAS_HEARS, INITIATE, REGISTRATIONS, SOURCE, TARGET, player},
};
use edgeapp_core::{
    consent::Purpose,
    network::{Asked, CoreReport, LocationReport},
};
use edgeapp_testkit::network::FakeCore;
use serde_json::{Value, json};

const PLANNED_UE: &str = "msisdn-491700000001";

fn area(tac: &str) -> Value {
    json!({"svcArea": {"nwAreaInfo": {"tais": [{"plmnId": {"mcc": "001", "mnc": "01"}, "tac": tac}]}}})
}

/// A relocation to the neighbour is planned for when the UE comes to tracking area 2.
async fn plan(doors: &Doors) {
    doors.agreements.agree(PLANNED_UE, Purpose::Location);
    let eec = doors.eec("eec-1");
    let request = json!({"eecId": "eec-1", "ueId": PLANNED_UE, "acProfs": [player()]});
    eec.post(REGISTRATIONS, request).await.created();
    let request = json!({"requestorId": "eec-1", "ueId": PLANNED_UE, "acId": "ac.chess", "easId": "eas.chess.example",
        "easNotifInd": true, "sEasEndpoint": {"fqdn": SOURCE}, "tEasEndpoint": {"fqdn": TARGET},
        "expectedLocArea": area("000002"), "acrParams": {"predictExpTime": "2026-01-05T12:10:00Z"}});
    eec.post(INITIATE, request).await.done();
    doors.settled().await;
    doors.subscribers.told();
}

fn wanting(more: Value) -> Value {
    let mut monitoring = json!({"event": "ACR_MONITORING", "tgtUeId": {"gpsi": PLANNED_UE}, "servContPlanInd": true});
    for (member, value) in more.as_object().unwrap() {
        monitoring[member] = value.clone();
    }
    of(json!([monitoring, {"event": "ACT_START_STOP"}]))
}

async fn walks(doors: &Doors, core: &FakeCore, tac: &str) {
    let location = json!({"trackingAreaId": tac, "plmnId": "00101"});
    let report = CoreReport::Location(Box::new(LocationReport {
        ue: None,
        location: Some(serde_json::from_value(location).unwrap()),
        failure: None,
        at: None,
    }));
    for kept in core.runs() {
        if matches!(kept.asked, Asked::Location(_)) {
            send(doors, &kept.token, std::slice::from_ref(&report)).await.done();
        }
    }
}

fn watches(core: &FakeCore) -> usize {
    core.runs()
        .iter()
        .filter(|kept| matches!(kept.asked, Asked::Location(_)))
        .count()
}

/// The UE is watched until it is there; then the EAS hears of it, once, and it is watched no longer.
#[tokio::test]
async fn the_eas_hears_when_the_ue_is_where_it_is_expected() {
    let (doors, core) = site().await;
    doors.agreements.agree(PLANNED_UE, Purpose::Location);
    subscribe(&doors, wanting(json!({}))).await;
    plan(&doors).await;
    assert_eq!(watches(&core), 1);
    walks(&doors, &core, "000001").await;
    assert_eq!(heard(&doors).await, [] as [Value; 0]);
    walks(&doors, &core, "000002").await;
    walks(&doors, &core, "000002").await;
    let expected = json!({"event": "ACR_MONITORING", "timeStamp": "2026-01-05T12:00:00Z", "ueId": {"gpsi": PLANNED_UE},
        "acId": "ac.chess", "easEndPoint": {"fqdn": TARGET}, "servContPlanInd": true,
        "acrParams": {"predictExpTime": "2026-01-05T12:10:00Z"}});
    assert_eq!(heard(&doors).await, [expected]);
    assert_eq!(watches(&core), 0);
}

/// Without the flag nobody is watched; a prediction that did not come true is forgotten.
#[tokio::test]
async fn a_prediction_that_did_not_come_true_is_forgotten() {
    let (doors, core) = site().await;
    doors.agreements.agree(PLANNED_UE, Purpose::Location);
    let uri = subscribe(&doors, wanting(json!({"servContPlanInd": false}))).await;
    plan(&doors).await;
    assert_eq!(watches(&core), 0);
    doors.eas(EAS).delete(&uri).await.done();
    let (doors, core) = site().await;
    doors.agreements.agree(PLANNED_UE, Purpose::Location);
    subscribe(&doors, wanting(json!({}))).await;
    plan(&doors).await;
    assert_eq!(watches(&core), 1);
    let copied = json!({"easId": "eas.chess.example", "acId": "ac.chess",
        "actResultInfo": {"actResult": "SUCCESSFUL", "ueId": PLANNED_UE, "easEndPoint": {"fqdn": TARGET}}});
    doors.eas(EAS).post(ACR_STATUS, copied).await.done();
    doors.pass(590).await;
    doors.settled().await;
    assert_eq!(watches(&core), 1);
    doors.pass(11).await;
    doors.settled().await;
    assert_eq!(watches(&core), 0);
}

/// A relocation that failed waits for nobody.
#[tokio::test]
async fn a_failed_relocation_waits_for_nobody() {
    let (doors, core) = site().await;
    doors.agreements.agree(PLANNED_UE, Purpose::Location);
    subscribe(&doors, wanting(json!({}))).await;
    plan(&doors).await;
    doors.pass(31).await;
    doors.settled().await;
    assert_eq!(watches(&core), 0);
}

/// `easAckSvcCont`: a no of the EAS calls the relocation off.
#[tokio::test]
async fn an_eas_that_rejects_calls_the_relocation_off() {
    let (doors, core) = site().await;
    doors.agreements.agree(PLANNED_UE, Purpose::Location);
    subscribe(&doors, wanting(json!({"easAckSvcCont": true}))).await;
    plan(&doors).await;
    doors.subscribers.answer(EAS_HEARS, json!({"resCode": "REJECTED"}));
    walks(&doors, &core, "000002").await;
    let heard = heard(&doors).await;
    let said: Vec<(&Value, &Value)> = heard.iter().map(|told| (&told["event"], &told["actStatus"])).collect();
    assert_eq!(
        said,
        [
            (&json!("ACR_MONITORING"), &Value::Null),
            (&json!("ACT_START_STOP"), &json!("ACT_STOP"))
        ]
    );
}
