//! ACR that the S-EAS decides (TS 23.558 clause 8.8.2.4).

use super::*;

fn declared(host: &str) -> Value {
    json!({"ueId": UE, "acId": "ac.chess", "tEasId": "eas.chess.example", "tEasEndpoint": {"fqdn": host}})
}

/// Scenario C (clause 8.8.2.4): the declared target is told to the EEC once, the result when it is reported.
#[tokio::test]
async fn a_target_that_is_declared_is_told() {
    let scene = Scene::set().await;
    for _ in 0..2 {
        scene.eas.post(DECLARE, declared(TARGET)).await.done();
    }
    let told = scene.eec_told().await;
    assert_eq!(told.len(), 1, "{told:?}");
    let info = json!({"trgetEASInfo": {"eas": {"easId": "eas.chess.example", "endPt": {"fqdn": TARGET}}}});
    assert_eq!(
        told[0],
        json!({"subId": id_of(&scene.target), "easId": "eas.chess.example", "acId": "ac.chess",
        "eventId": "TARGET_INFORMATION", "trgtInfo": info})
    );
    scene.eas.post(ACR_STATUS, scene.report("SUCCESSFUL")).await.done();
    let told = scene.eec_told().await;
    assert_eq!((told.len(), &told[0]["eventId"]), (1, &json!("ACR_COMPLETE")));
}

/// The S-EAS may change its mind before it reports.
#[tokio::test]
async fn another_target_takes_the_place_of_the_first() {
    let scene = Scene::set().await;
    scene.eas.post(DECLARE, declared(TARGET)).await.done();
    assert_eq!(scene.eec_told().await.len(), 1);
    scene.eas.post(DECLARE, declared("chess.edge-c.example")).await.done();
    let told = scene.eec_told().await;
    assert_eq!(told.len(), 1);
    assert_eq!(
        told[0]["trgtInfo"]["trgetEASInfo"]["eas"]["endPt"]["fqdn"],
        "chess.edge-c.example"
    );
}
