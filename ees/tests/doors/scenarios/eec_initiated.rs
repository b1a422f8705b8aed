//! EEC initiated ACR (TS 23.558 clause 8.8.2.2).

use super::*;

/// Scenario A (clause 8.8.2.2): no EAS is told; only the context moves.
#[tokio::test]
async fn only_the_context_moves() {
    let scene = Scene::set().await;
    scene.doors.others.answer("push", json!({}));
    let mut request = scene.executed_via_source(TARGET);
    request["easNotifInd"] = false.into();
    request.as_object_mut().unwrap().remove("sEasEndpoint");
    scene.eec.post(INITIATE, request).await.done();
    scene.doors.settled().await;
    assert!(scene.doors.subscribers.told().is_empty());
    assert_eq!(scene.doors.others.asked().len(), 1);
    // A report is welcome, and told.
    scene.eas.post(ACR_STATUS, scene.report("SUCCESSFUL")).await.done();
    assert_eq!(scene.eec_told().await.len(), 1);
}

/// To ask for the same target with the EASs told is not the same request.
#[tokio::test]
async fn the_eas_is_told_when_that_is_asked_for_afterwards() {
    let scene = Scene::set().await;
    scene.doors.others.answer("push", json!({}));
    let mut request = scene.executed_via_source(TARGET);
    request["easNotifInd"] = false.into();
    scene.eec.post(INITIATE, request).await.done();
    scene.doors.settled().await;
    scene.eec.post(INITIATE, scene.executed_via_source(TARGET)).await.done();
    assert_eq!(scene.eas_told().await, [start(TARGET)]);
}
