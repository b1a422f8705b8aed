//! ACR that the S-EES decides and executes (TS 23.558 clause 8.8.2.5).

use super::*;

/// An EES with an EAS that serves one tracking area.
async fn serving_one_area() -> Scene {
    serves_one_area(Scene::set().await).await
}

/// From now on the EAS serves one tracking area.
pub(super) async fn serves_one_area(scene: Scene) -> Scene {
    let mut chess = crate::scene::chess(SOURCE);
    chess["easProf"]["svcArea"] =
        json!({"topServAr": {"tais": [{"plmnId": {"mcc": "001", "mnc": "01"}, "tac": "000001"}]}});
    scene
        .eas
        .post("/eees-easregistration/v1/registrations", chess)
        .await
        .created();
    scene
}

pub(super) fn determine(requestor: &str, tac: &str) -> Value {
    let tai = json!({"plmnId": {"mcc": "001", "mnc": "01"}, "tac": tac});
    json!({"requestorId": requestor, "ueId": UE, "acId": "ac.chess", "easId": "eas.chess.example",
        "sEasEndpoint": {"fqdn": SOURCE}, "expectedLocArea": {"svcArea": {"nwAreaInfo": {"tais": [tai]}}}})
}

pub(super) fn others(scene: &Scene) {
    let others = &scene.doors.others;
    others.answer("target-ees", json!({"ednCnfgInfo": [{"ednConInfo": {"dnn": "edge-b"},
        "eess": [{"eesId": T_EES, "endPt": {"uri": "https://ees-b.example"}, "eecRegConf": true}], "lifeTime": "2026-01-05T13:00:00Z"}]}));
    let eas = |id: &str, host: &str| json!({"eas": {"easId": id, "endPt": {"fqdn": host}}});
    others.answer(
        "discover",
        json!({"discoveredEas": [eas("eas.go.example", "go.example"), eas("eas.chess.example", SOURCE),
        eas("eas.chess.example", TARGET)]}),
    );
    others.answer("push", json!({"implReg": {"regId": "reg-b"}}));
}

/// Scenario D (clause 8.8.2.5): the UE leaves the area of its EAS; the EES finds the same application elsewhere and executes.
#[tokio::test]
async fn a_ue_that_leaves_the_area_is_relocated_by_the_ees() {
    let scene = serving_one_area().await;
    others(&scene);
    let request = determine("eec-1", "000002");
    scene.eec.post(DETERMINE, request.clone()).await.done();
    scene.doors.settled().await;
    let told = scene.doors.subscribers.told();
    assert_eq!(told.len(), 2, "{told:?}");
    let to_eec = &told.iter().find(|told| told.at == EEC_HEARS).unwrap().body;
    assert_eq!(
        (&to_eec["eventId"], &to_eec["subId"]),
        (&json!("TARGET_INFORMATION"), &json!(id_of(&scene.target)))
    );
    assert_eq!(to_eec["trgtInfo"]["trgetEASInfo"]["eas"]["endPt"]["fqdn"], TARGET);
    assert_eq!(to_eec["trgtInfo"]["trgetEESInfo"]["eess"][0]["eesId"], T_EES);
    let to_eas = &told.iter().find(|told| told.at == EAS_HEARS).unwrap().body["eventReports"][0];
    assert_eq!(
        (&to_eas["actStatus"], &to_eas["easEndPoint"]["fqdn"]),
        (&json!("ACT_START"), &json!(TARGET))
    );
    let asked: Vec<&str> = scene.doors.others.asked().iter().map(|asked| asked.what).collect();
    assert_eq!(asked, ["target-ees", "discover", "push"]);
    // Asked again while it runs, nothing more happens.
    scene.eec.post(DETERMINE, request).await.done();
    scene.doors.settled().await;
    assert!(scene.doors.subscribers.told().is_empty());
    scene.eas.post(ACR_STATUS, scene.report("SUCCESSFUL")).await.done();
    let told = scene.eec_told().await;
    assert_eq!(
        (told.len(), &told[0]["eecCtxtReloc"]["implReg"]["regId"]),
        (1, &json!("reg-b"))
    );
}

/// The same, asked by the S-EAS over EDGE-3.
#[tokio::test]
async fn an_eas_may_ask_too() {
    let scene = serving_one_area().await;
    others(&scene);
    let request = determine("eas.chess.example", "000002");
    scene.eas.post(DETERMINE, request).await.done();
    assert_eq!(scene.eas_told().await, [start(TARGET)]);
}

/// A UE that stays within the area of its EAS is left alone.
#[tokio::test]
async fn a_ue_that_stays_within_the_area_is_left_alone() {
    let scene = serving_one_area().await;
    let request = determine("eec-1", "000001");
    scene.eec.post(DETERMINE, request).await.done();
    scene.doors.settled().await;
    assert!(scene.doors.others.asked().is_empty());
}

/// Nobody has the application: nothing was promised, nothing is told.
#[tokio::test]
async fn without_a_target_nothing_is_told() {
    let scene = serving_one_area().await;
    let request = determine("eec-1", "000002");
    scene.eec.post(DETERMINE, request).await.done();
    scene.doors.settled().await;
    assert_eq!(scene.doors.others.asked().len(), 1);
    assert!(scene.doors.subscribers.told().is_empty());
    assert!(scene.doors.keys("acr/").await.is_empty());
}
