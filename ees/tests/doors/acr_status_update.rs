//! Eees_ACRStatusUpdate (TS 29.558 clauses 5.12 and 8.9).

use crate::{
    harness::Doors,
    scene::{ACR_MANAGEMENT, ACR_STATUS, EAS_HEARS, INITIATE, Scene, TARGET, UE, id_of, subscribe_eas},
};
use serde_json::{Value, json};

/// A report that contradicts itself, or comes in another's name, is refused.
#[tokio::test]
async fn what_contradicts_itself_is_refused() {
    let doors = Doors::open().await;
    let eas = doors.eas("eas.chess.example#a1");
    let report = |members: Value| {
        let mut result = json!({"actResult": "SUCCESSFUL", "ueId": UE, "easEndPoint": {"fqdn": TARGET}});
        for (name, value) in members.as_object().unwrap() {
            result[name.as_str()] = value.clone();
        }
        json!({"easId": "eas.chess.example", "actResultInfo": result})
    };
    for (request, status, cause, pointer) in [
        (json!({}), 400, "MANDATORY_IE_MISSING", "/easId"),
        (json!({"easId": "eas.chess.example"}), 400, "MANDATORY_IE_MISSING", ""),
        (
            json!({"easId": "eas.chess.example", "e3SubscIds": []}),
            400,
            "OPTIONAL_IE_INCORRECT",
            "/e3SubscIds",
        ),
        (
            json!({"easId": "eas.go.example", "e3SubscIds": ["s"]}),
            403,
            "OWNER_MISMATCH",
            "/easId",
        ),
        (
            report(json!({"actResult": "PERHAPS"})),
            400,
            "OPTIONAL_IE_INCORRECT",
            "/actResultInfo/actResult",
        ),
        (
            report(json!({"actFailureCause": "OTHER"})),
            400,
            "OPTIONAL_IE_INCORRECT",
            "/actResultInfo/actFailureCause",
        ),
        (
            report(json!({"ueId": null})),
            400,
            "OPTIONAL_IE_INCORRECT",
            "/actResultInfo/ueId",
        ),
    ] {
        let answer = eas.post(ACR_STATUS, request).await;
        let said = (
            answer.status.as_u16(),
            answer.body["invalidParams"][0]["param"].as_str().unwrap_or_default(),
        );
        assert_eq!(said, (status, pointer), "{}", answer.body);
        assert!(
            [cause, "MANDATORY_IE_INCORRECT"].contains(&answer.body["cause"].as_str().unwrap()),
            "{}",
            answer.body
        );
    }
}

/// EASs may transfer without the EES: a report about an unknown relocation is taken, and nobody is told.
#[tokio::test]
async fn a_report_about_an_unknown_relocation_is_taken() {
    let scene = Scene::set().await;
    scene.eas.post(ACR_STATUS, scene.report("SUCCESSFUL")).await.done();
    assert!(scene.eec_told().await.is_empty());
}

/// The same report twice changes nothing; a contradicting one is refused.
#[tokio::test]
async fn a_second_report_must_not_contradict_the_first() {
    let scene = Scene::set().await;
    let mut request = scene.executed_via_source(TARGET);
    request.as_object_mut().unwrap().remove("eecCtxtReloc");
    scene.eec.post(INITIATE, request).await.done();
    for _ in 0..2 {
        scene.eas.post(ACR_STATUS, scene.report("SUCCESSFUL")).await.done();
    }
    scene
        .eas
        .post(ACR_STATUS, scene.report("FAILED"))
        .await
        .refused(403, "ACR_RESULT_CONFLICT", "");
    assert_eq!(scene.eec_told().await.len(), 1);
}

/// An EAS that does not name the AC means the relocation that runs; one that names another peer means another relocation.
#[tokio::test]
async fn a_report_finds_the_relocation_it_means() {
    let scene = Scene::set().await;
    scene.eec.post(INITIATE, scene.executed_via_source(TARGET)).await.done();
    let mut elsewhere = scene.report("FAILED");
    elsewhere["actResultInfo"]["easEndPoint"]["fqdn"] = "chess.edge-z.example".into();
    scene.eas.post(ACR_STATUS, elsewhere).await.done();
    assert!(scene.eec_told().await.is_empty());
    let mut unnamed = scene.report("FAILED");
    unnamed.as_object_mut().unwrap().remove("acId");
    scene.eas.post(ACR_STATUS, unnamed).await.done();
    assert_eq!(scene.eec_told().await.len(), 1);
}

/// Clause 5.12.2.2.2: subscriptions over EDGE-3 go to a new address, the caller's own only.
#[tokio::test]
async fn subscriptions_are_pointed_to_a_new_address() {
    let doors = Doors::open().await;
    let (eas, other) = (doors.eas("eas.chess.example#a1"), doors.eas("eas.chess.example#a2"));
    let (first, second) = (
        subscribe_eas(&eas, EAS_HEARS).await,
        subscribe_eas(&eas, EAS_HEARS).await,
    );
    let theirs = subscribe_eas(&other, EAS_HEARS).await;
    let address = "https://chess.edge-b.example/acr";
    let update = |ids: &[&str]| json!({"easId": "eas.chess.example", "e3SubscIds": ids.iter().map(|at| id_of(at)).collect::<Vec<_>>(), "e3NotificationUri": address});
    let taken = eas.post(ACR_STATUS, update(&[&first, &theirs])).await.found();
    assert_eq!(
        taken,
        json!({"e3SubscsStatus": "SUCCESSFUL", "e3SubscIds": [id_of(&first)]})
    );
    assert_eq!(eas.get(&first).await.found()["notificationDestination"], address);
    for (caller, at) in [(&eas, &second), (&other, &theirs)] {
        assert_eq!(caller.get(at).await.found()["notificationDestination"], EAS_HEARS);
    }
    assert_eq!(
        eas.post(ACR_STATUS, update(&[&theirs])).await.found(),
        json!({"e3SubscsStatus": "FAILED"})
    );
    let all = json!({"easId": "eas.chess.example", "e3NotificationUri": address});
    let taken = eas.post(ACR_STATUS, all).await.found();
    assert_eq!(taken["e3SubscIds"].as_array().unwrap().len(), 2);
    assert_eq!(eas.get(&second).await.found()["notificationDestination"], address);
}

/// An address that must not be called refuses the whole update: the report in it does not count either.
#[tokio::test]
async fn an_address_that_must_not_be_called_leaves_everything_as_it_was() {
    let scene = Scene::set().await;
    scene.eec.post(INITIATE, scene.executed_via_source(TARGET)).await.done();
    let mut update = scene.report("FAILED");
    update["e3NotificationUri"] = "https://127.0.0.1/".into();
    scene
        .eas
        .post(ACR_STATUS, update)
        .await
        .refused(403, "CALLBACK_NOT_ALLOWED", "/e3NotificationUri");
    assert!(scene.eec_told().await.is_empty());
    let all = scene.eas.get(ACR_MANAGEMENT).await.found();
    assert_eq!(all[0]["notificationDestination"], EAS_HEARS);
}
