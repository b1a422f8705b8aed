//! EEC executed ACR via the S-EES (TS 23.558 clause 8.8.2.3).

use super::*;

/// Scenario B (clause 8.8.2.3), every message: the S-EAS is told, the context goes, the result comes back once.
#[tokio::test]
async fn from_the_request_to_the_end() {
    let scene = Scene::set().await;
    let (doors, subscribers) = (&scene.doors, &scene.doors.subscribers);
    doors.others.answer(
        "push",
        json!({"implReg": {"regId": "reg-b", "expTime": "2026-01-05T12:30:00Z"}}),
    );
    scene.eec.post(INITIATE, scene.executed_via_source(TARGET)).await.done();
    doors.settled().await;

    let told = subscribers.told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].at, EAS_HEARS);
    let report = json!({"event": "ACT_START_STOP", "timeStamp": "2026-01-05T12:00:00Z", "easEndPoint": {"fqdn": TARGET},
        "actStatus": "ACT_START", "acId": "ac.chess", "ueId": {"gpsi": UE}});
    assert_eq!(
        told[0].body,
        json!({"subpId": id_of(&scene.eas_subscription), "eventReports": [report]})
    );

    let asked = doors.others.asked();
    assert_eq!((asked.len(), asked[0].what, asked[0].of.as_str()), (1, "push", T_EES));
    let session = json!({"easId": "eas.chess.example", "endPt": {"fqdn": SOURCE}, "acId": "ac.chess",
        "acrList": ["EEC_EXECUTED_VIA_SOURCE_EES"]});
    let context = json!({"eecId": "eec-1", "cntxId": scene.context, "ueId": UE, "acProfs": [crate::scene::player()],
        "sessCntxs": {"sessCntxs": [session]},
        "eecSrvContSupp": {"srvContSupp": true, "acrScenarios": ["EEC_EXECUTED_VIA_SOURCE_EES"]}});
    let pushed = json!({"eesId": "ees-a.example", "eecCntx": context, "tgtEas": {"fqdn": TARGET}});
    assert_eq!(asked[0].body, pushed);

    for _ in 0..2 {
        scene.eas.post(ACR_STATUS, scene.report("SUCCESSFUL")).await.done();
        doors.settled().await;
    }
    let told = subscribers.told();
    assert_eq!((told.len(), told[0].at.as_str()), (1, EEC_HEARS), "{told:?}");
    let complete = json!({"subId": id_of(&scene.complete), "easId": "eas.chess.example", "acId": "ac.chess",
        "eventId": "ACR_COMPLETE", "acrStatus": {"acrRes": true, "tEasEndpoint": {"fqdn": TARGET}},
        "eecCtxtReloc": {"implReg": {"regId": "reg-b", "expTime": "2026-01-05T12:30:00Z"}}});
    assert_eq!(told[0].body, complete);
    doors.pass(61).await;
    assert!(
        doors.keys("acr/").await.is_empty(),
        "a finished relocation is forgotten"
    );
}

/// The result waits for the context: success is told once, with what came of it.
#[tokio::test]
async fn success_is_told_even_when_the_context_stays_behind() {
    let scene = Scene::set().await;
    scene
        .doors
        .others
        .fail("push", PeerError::Unreachable("no route".into()));
    scene.eec.post(INITIATE, scene.executed_via_source(TARGET)).await.done();
    scene.eas.post(ACR_STATUS, scene.report("SUCCESSFUL")).await.done();
    let told = scene.eec_told().await;
    assert_eq!(
        (told.len(), &told[0]["acrStatus"]["acrRes"], &told[0]["eecCtxtReloc"]),
        (1, &json!(true), &Value::Null)
    );
    assert_eq!(scene.doors.others.asked().len(), 2, "it was tried once more");
}

/// The same request again does not begin a second transfer, neither while it runs nor right after.
#[tokio::test]
async fn the_same_request_again_changes_nothing() {
    let scene = Scene::set().await;
    scene.doors.others.answer("push", json!({}));
    for _ in 0..2 {
        scene.eec.post(INITIATE, scene.executed_via_source(TARGET)).await.done();
    }
    assert_eq!(scene.eas_told().await, [start(TARGET)]);
    scene.eas.post(ACR_STATUS, scene.report("SUCCESSFUL")).await.done();
    scene.doors.settled().await;
    scene.eec.post(INITIATE, scene.executed_via_source(TARGET)).await.done();
    assert!(scene.eas_told().await.is_empty());
    assert_eq!(scene.doors.others.asked().len(), 1);
}

/// A UE that came back may leave again to the same target, however soon.
#[tokio::test]
async fn a_ue_that_came_back_relocates_anew() {
    let scene = Scene::set().await;
    scene.doors.others.answer("push", json!({}));
    scene.eec.post(INITIATE, scene.executed_via_source(TARGET)).await.done();
    assert_eq!(scene.eas_told().await, [start(TARGET)]);
    scene.eas.post(ACR_STATUS, scene.report("SUCCESSFUL")).await.done();
    let back = json!({"eesId": T_EES, "eecCntx": {"eecId": "eec-1", "cntxId": scene.context, "ueId": UE},
        "tgtEas": {"fqdn": SOURCE}});
    scene.doors.ees(T_EES).post(CONTEXTS, back).await.found();
    scene.eec.post(INITIATE, scene.executed_via_source(TARGET)).await.done();
    assert_eq!(scene.eas_told().await, [start(TARGET)]);
}

/// Another target while one runs is refused, unless the request names the running one as the one it replaces.
#[tokio::test]
async fn another_target_replaces_the_first_only_when_that_is_named() {
    let scene = Scene::set().await;
    scene.doors.others.answer("push", json!({}));
    scene.eec.post(INITIATE, scene.executed_via_source(TARGET)).await.done();
    let third = "chess.edge-c.example";
    let mut other = scene.executed_via_source(third);
    scene
        .eec
        .post(INITIATE, other.clone())
        .await
        .refused(403, "ACR_IN_PROGRESS", "");
    other["prevTEasEndpoint"] = json!({"fqdn": "never.example"});
    scene
        .eec
        .post(INITIATE, other.clone())
        .await
        .refused(403, "ACR_IN_PROGRESS", "");
    assert_eq!(scene.eas_told().await, [start(TARGET)]);
    other["prevTEasEndpoint"] = json!({"fqdn": TARGET});
    other["prevEasNotifInd"] = true.into();
    scene.eec.post(INITIATE, other).await.done();
    assert_eq!(scene.eas_told().await, [stop(TARGET), start(third)]);
    // A late report about the abandoned target is not the result of the new one.
    scene.eas.post(ACR_STATUS, scene.report("SUCCESSFUL")).await.done();
    assert!(scene.eec_told().await.is_empty());
    let mut report = scene.report("SUCCESSFUL");
    report["actResultInfo"]["easEndPoint"]["fqdn"] = third.into();
    scene.eas.post(ACR_STATUS, report).await.done();
    let told = scene.eec_told().await;
    assert_eq!(
        (told.len(), &told[0]["acrStatus"]["tEasEndpoint"]["fqdn"]),
        (1, &json!(third))
    );
}

/// An earlier relocation that has ended can be taken back as well.
#[tokio::test]
async fn an_earlier_target_is_stopped_after_its_end_too() {
    let scene = Scene::set().await;
    scene.doors.others.answer("push", json!({}));
    scene.eec.post(INITIATE, scene.executed_via_source(TARGET)).await.done();
    assert_eq!(scene.eas_told().await, [start(TARGET)]);
    scene.eas.post(ACR_STATUS, scene.report("SUCCESSFUL")).await.done();
    let third = "chess.edge-c.example";
    let mut other = scene.executed_via_source(third);
    other["prevTEasEndpoint"] = json!({"fqdn": TARGET});
    other["prevEasNotifInd"] = true.into();
    scene.eec.post(INITIATE, other).await.done();
    assert_eq!(scene.eas_told().await, [stop(TARGET), start(third)]);
}

/// A failure that the S-EAS reports is told at once, with its cause; the EEC may try again.
#[tokio::test]
async fn a_failure_that_is_reported_is_told() {
    let scene = Scene::set().await;
    scene.eec.post(INITIATE, scene.executed_via_source(TARGET)).await.done();
    let mut report = scene.report("FAILED");
    report["actResultInfo"]["actFailureCause"] = "ACR_CANCELLATION".into();
    scene.eas.post(ACR_STATUS, report).await.done();
    let told = scene.eec_told().await;
    let status = json!({"acrRes": false, "tEasEndpoint": {"fqdn": TARGET}, "failReason": "ACR_CANCELLATION"});
    assert_eq!((told.len(), &told[0]["acrStatus"]), (1, &status));
    scene.eec.post(INITIATE, scene.executed_via_source(TARGET)).await.done();
    assert_eq!(scene.eas_told().await, [start(TARGET)]);
}

/// Nobody reported in time: the relocation has failed, and the S-EAS is told to stop.
#[tokio::test]
async fn a_relocation_that_nobody_finishes_fails_at_its_deadline() {
    let scene = Scene::set().await;
    scene.doors.others.answer("push", json!({}));
    scene.eec.post(INITIATE, scene.executed_via_source(TARGET)).await.done();
    scene.doors.settled().await;
    scene.doors.subscribers.told();
    scene.doors.pass(29).await;
    scene.doors.settled().await;
    assert!(scene.doors.subscribers.told().is_empty());
    scene.doors.pass(2).await;
    scene.doors.settled().await;
    let told = scene.doors.subscribers.told();
    assert_eq!(told.len(), 2, "{told:?}");
    let to_eec = told.iter().find(|told| told.at == EEC_HEARS).unwrap();
    assert_eq!(to_eec.body["acrStatus"]["acrRes"], false);
    let to_eas = told.iter().find(|told| told.at == EAS_HEARS).unwrap();
    assert_eq!(to_eas.body["eventReports"][0]["actStatus"], "ACT_STOP");
    assert!(scene.doors.keys("acr/").await.is_empty());
    // A report that comes too late changes nothing any more.
    scene.eas.post(ACR_STATUS, scene.report("SUCCESSFUL")).await.done();
    assert!(scene.eec_told().await.is_empty());
}

/// A start that did not reach the S-EAS by the deadline is not sent afterwards.
#[tokio::test]
async fn a_start_that_comes_too_late_is_not_sent() {
    let scene = Scene::set().await;
    scene.eec.post(INITIATE, scene.executed_via_source(TARGET)).await.done();
    // The outbox was down all the while.
    scene.doors.pass(31).await;
    assert_eq!(scene.eas_told().await, [stop(TARGET)]);
}

/// An EAS that did not subscribe cannot be told, and that is known at once.
#[tokio::test]
async fn an_eas_that_does_not_listen_fails_the_relocation() {
    let scene = Scene::set().await;
    scene.eas.delete(&scene.eas_subscription).await.done();
    scene.eec.post(INITIATE, scene.executed_via_source(TARGET)).await.done();
    let told = scene.eec_told().await;
    assert_eq!((told.len(), &told[0]["acrStatus"]["acrRes"]), (1, &json!(false)));
    assert!(
        told[0]["acrStatus"]["failReason"]
            .as_str()
            .unwrap()
            .contains("not subscribed")
    );
}

/// An EAS that refuses the notification again and again has refused the relocation.
#[tokio::test]
async fn an_eas_that_refuses_fails_the_relocation() {
    let scene = Scene::set().await;
    scene.doors.subscribers.refuse(EAS_HEARS, NotDelivered::Refused(500));
    scene.eec.post(INITIATE, scene.executed_via_source(TARGET)).await.done();
    let told = scene.eec_told().await;
    assert_eq!((told.len(), &told[0]["acrStatus"]["acrRes"]), (1, &json!(false)));
    assert!(told[0]["acrStatus"]["failReason"].as_str().unwrap().contains("500"));
}

/// Only the instance that serves the UE is told, not the others of the same application; nor one that watches another UE.
#[tokio::test]
async fn other_instances_are_not_told() {
    let scene = Scene::set().await;
    let other = scene.doors.eas("eas.chess.example#a2");
    register_eas(&other, "other.edge-a.example").await;
    subscribe_eas(&other, "https://other.edge-a.example/acr").await;
    let elsewhere = json!({"easId": "eas.chess.example", "notificationDestination": "https://chess.edge-a.example/other-ue",
        "eventSubscs": [{"event": "ACT_START_STOP", "tgtUeId": {"gpsi": "msisdn-491700000002"}}]});
    scene.eas.post(ACR_MANAGEMENT, elsewhere).await.created();
    scene.eec.post(INITIATE, scene.executed_via_source(TARGET)).await.done();
    scene.doors.settled().await;
    let told = scene.doors.subscribers.told();
    assert_eq!(
        told.iter().map(|told| told.at.as_str()).collect::<Vec<_>>(),
        [EAS_HEARS]
    );
}

/// Who asked for other applications or other ACs hears nothing, nor who has unsubscribed.
#[tokio::test]
async fn only_who_asked_for_it_is_told() {
    let scene = Scene::set().await;
    for (member, value) in [("easIds", json!(["eas.go.example"])), ("acIds", json!(["ac.go"]))] {
        let mut other = json!({"eecId": "eec-1", "easIds": ["eas.chess.example"], "eventIds": "ACR_COMPLETE",
            "notificationDestination": "https://ue.example/other"});
        other[member] = value;
        scene.eec.post(crate::scene::ACR_EVENTS, other).await.created();
    }
    scene.eec.post(INITIATE, scene.executed_via_source(TARGET)).await.done();
    scene.eas.post(ACR_STATUS, scene.report("FAILED")).await.done();
    scene.eec.delete(&scene.complete).await.done();
    scene.doors.settled().await;
    let told = scene.doors.subscribers.told();
    assert!(told.iter().all(|told| told.at == EAS_HEARS), "{told:?}");
    assert_ne!(scene.target, scene.complete);
}
