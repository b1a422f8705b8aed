//! EEC executed ACR via the T-EES (TS 23.558 clause 8.8.2.6).

use super::*;

async fn at_target() -> Scene {
    let scene = Scene::set().await;
    scene.eec.delete(&scene.registration).await.done();
    scene
}

fn request() -> Value {
    json!({"requestorId": "eec-1", "ueId": UE, "easId": "eas.chess.example", "easNotifInd": true,
        "sEasEndpoint": {"fqdn": TARGET}, "tEasEndpoint": {"fqdn": SOURCE},
        "eecCtxtReloc": {"eecCtxtId": "ctx-b", "sEesId": T_EES, "sEecEndpoint": {"uri": "https://ees-b.example"}}})
}

/// Scenario E (clause 8.8.2.6), asked of the T-EES: the context comes from the S-EES, the T-EAS is told where to pull from.
#[tokio::test]
async fn from_the_request_to_the_end() {
    let scene = at_target().await;
    scene
        .doors
        .others
        .answer("pull", json!({"eecId": "eec-1", "cntxId": "ctx-b", "ueId": UE}));
    scene.eec.post(INITIATE, request()).await.done();
    // Here the S-EAS of the scene is the target.
    assert_eq!(scene.eas_told().await, [start(TARGET)]);
    let asked = scene.doors.others.asked();
    assert_eq!((asked.len(), asked[0].what, asked[0].of.as_str()), (1, "pull", T_EES));
    assert_eq!(scene.doors.keys("context/ctx-b").await.len(), 1);
    let report = json!({"easId": "eas.chess.example",
        "actResultInfo": {"actResult": "SUCCESSFUL", "ueId": UE, "easEndPoint": {"fqdn": TARGET}}});
    scene.eas.post(ACR_STATUS, report).await.done();
    let told = scene.eec_told().await;
    assert_eq!(told.len(), 1);
    assert_eq!(
        told[0]["acrStatus"],
        json!({"acrRes": true, "tEasEndpoint": {"fqdn": SOURCE}})
    );
}

/// A context that is of another EEC, or cannot be had, does not arrive; the relocation goes on.
#[tokio::test]
async fn a_context_of_another_eec_is_not_taken() {
    let scene = at_target().await;
    scene
        .doors
        .others
        .answer("pull", json!({"eecId": "eec-2", "cntxId": "ctx-b"}));
    scene.eec.post(INITIATE, request()).await.done();
    assert_eq!(scene.eas_told().await, [start(TARGET)]);
    assert!(scene.doors.keys("context/ctx-b").await.is_empty());
}

/// An EEC that registered here with its context needs no second pull.
#[tokio::test]
async fn a_context_that_is_here_already_is_not_fetched_again() {
    let scene = at_target().await;
    scene
        .doors
        .others
        .answer("pull", json!({"eecId": "eec-1", "cntxId": "ctx-b", "ueId": UE}));
    let registration = json!({"eecId": "eec-1", "ueId": UE, "eecCntxId": "ctx-b", "srcEesId": T_EES});
    scene.eec.post(REGISTRATIONS, registration).await.created();
    assert_eq!(scene.doors.others.asked().len(), 1);
    scene.eec.post(INITIATE, request()).await.done();
    scene.doors.settled().await;
    assert!(scene.doors.others.asked().is_empty());
}
