//! Updates of a registration (TS 24.558 clause 5.2.2.3).

use super::*;

/// PUT replaces everything but the identity, and matches the profiles anew.
#[tokio::test]
async fn put_replaces_all_but_the_identity() {
    let doors = with_chess().await;
    let eec = doors.eec("eec-1");
    let made = eec.post(REGISTRATIONS, with(json!({"ueType": "CONSTRAINED_UE"}))).await;
    doors.clock.advance(60);
    let next =
        with(json!({"eecSvcContSupp": ["EEC_INITIATED"], "acProfs": [player(), wants("ac.go", "eas.go.example")]}));
    let after = eec.put(&made.created(), next.clone()).await.found();
    assert_eq!(after["expTime"], "2026-01-05T12:11:00Z");
    assert_eq!(
        (&after["ueType"], &after["eecCntxId"]),
        (&Value::Null, &made.body["eecCntxId"])
    );
    assert_eq!(after["unfulfilledAcProfs"]["acId"], "ac.go");
    // Repeated, it is the same.
    assert_eq!(eec.put(&made.created(), next).await.found(), after);
}

/// Who it is about never changes; a UE may be named later.
#[tokio::test]
async fn put_of_another_identity_is_refused() {
    let doors = Doors::open().await;
    let eec = doors.eec("eec-1");
    let at = eec.post(REGISTRATIONS, json!({"eecId": "eec-1"})).await.created();
    eec.put(&at, json!({"eecId": "eec-2"}))
        .await
        .refused(403, "MODIFICATION_NOT_ALLOWED", "/eecId");
    eec.put(&at, registration()).await.found();
    let other = with(json!({"ueId": "msisdn-491700000002"}));
    eec.put(&at, other)
        .await
        .refused(403, "MODIFICATION_NOT_ALLOWED", "/ueId");
    assert_eq!(doors.keys("eec-by-ue/").await.len(), 1);
}

/// A change that nothing can serve is refused, and the old registration stays as it was.
#[tokio::test]
async fn a_change_that_nothing_can_serve_leaves_the_registration_alone() {
    let doors = with_chess().await;
    let eec = doors.eec("eec-1");
    let at = eec
        .post(REGISTRATIONS, with(json!({"acProfs": [player()]})))
        .await
        .created();
    let patch = json!({"acProfs": [wants("ac.go", "eas.go.example")]});
    eec.patch(&at, patch).await.refused(404, "RESOURCE_NOT_FOUND", "");
    assert_eq!(eec.patch(&at, json!({})).await.found()["acProfs"], json!([player()]));
}

/// PATCH changes what it names; lists are replaced whole, the lifetime only when named.
#[tokio::test]
async fn patch_changes_what_it_names_and_nothing_else() {
    let doors = with_chess().await;
    let eec = doors.eec("eec-1");
    let made = eec
        .post(
            REGISTRATIONS,
            with(json!({"acProfs": [player()], "eecSvcContSupp": ["EEC_INITIATED"]})),
        )
        .await;
    doors.clock.advance(60);
    let patch = json!({"acProfs": [{"acId": "ac.other"}], "ueMobilityReq": true, "hat": "red"});
    let after = eec.patch(&made.created(), patch).await.found();
    let mut expected = made.body.clone();
    expected["acProfs"] = json!([{"acId": "ac.other"}]);
    expected["ueMobilityReq"] = true.into();
    assert_eq!(after, expected);
    let longer = eec
        .patch(&made.created(), json!({"expTime": "2026-01-05T12:30:00Z"}))
        .await
        .found();
    assert_eq!(longer["expTime"], "2026-01-05T12:30:00Z");
}

/// A selection is part of the answer, not of what is kept.
#[tokio::test]
async fn patch_can_ask_for_a_selection() {
    let doors = with_chess().await;
    let eec = doors.eec("eec-1");
    let at = eec
        .post(REGISTRATIONS, with(json!({"acProfs": [player()]})))
        .await
        .created();
    let after = eec.patch(&at, json!({"easSelReqInd": true})).await.found();
    assert_eq!(
        after["discoveredEas"][0]["eas"]["endPt"],
        chess("a.example")["easProf"]["endPt"]
    );
    assert_eq!(
        eec.patch(&at, json!({"easSelReqInd": false})).await.found()["discoveredEas"],
        Value::Null
    );
}

/// Identity members may be repeated in a patch, not exchanged; null removes nothing here.
#[tokio::test]
async fn patch_of_what_is_fixed_is_refused() {
    let doors = Doors::open().await;
    let eec = doors.eec("eec-1");
    let at = eec.post(REGISTRATIONS, registration()).await.created();
    eec.patch(&at, json!({"eecId": "eec-1", "ueId": UE})).await.found();
    for (member, value) in [
        ("eecId", json!("other")),
        ("eecId", json!(null)),
        ("ueId", json!("msisdn-491700000002")),
        ("ueId", json!(null)),
        ("eecSvcContSupp", json!(["EEC_INITIATED"])),
        ("eecCntxId", json!("ctx-b")),
        ("srcEesId", json!("ees-b.example")),
    ] {
        let answer = eec.patch(&at, json!({member: value})).await;
        answer.refused(403, "MODIFICATION_NOT_ALLOWED", &format!("/{member}"));
    }
    eec.patch(&at, json!({"expTime": null}))
        .await
        .refused(400, "OPTIONAL_IE_INCORRECT", "/expTime");
    eec.patch(&at, json!({"acProfs": [{}]}))
        .await
        .refused(400, "OPTIONAL_IE_INCORRECT", "/acProfs/0/acId");
}

/// A patch is a merge patch: an object, under its own media type.
#[tokio::test]
async fn a_patch_of_another_kind_is_refused() {
    let doors = Doors::open().await;
    let eec = doors.eec("eec-1");
    let at = eec.post(REGISTRATIONS, registration()).await.created();
    let answer = eec.send(Method::PATCH, &at, "application/json", "{}".into()).await;
    answer.refused(415, "UNSUPPORTED_MEDIA_TYPE", "");
    eec.patch(&at, json!([{"op": "remove", "path": "/ueId"}]))
        .await
        .refused(400, "INVALID_MSG_FORMAT", "");
}
