//! Matching of AC profiles at registration (TS 24.558 clause 5.2.2.2.2 step 1).

use super::*;

/// A profile that names no EAS cannot fail, even beside one that does.
#[tokio::test]
async fn a_profile_that_asks_for_nothing_is_fulfilled() {
    let doors = Doors::open().await;
    let request = with(json!({"acProfs": [{"acId": "ac.any"}, wants("ac.go", "eas.go.example")]}));
    let made = doors.eec("eec-1").post(REGISTRATIONS, request).await;
    made.created();
    assert_eq!(
        made.body["unfulfilledAcProfs"],
        json!({"acId": "ac.go", "reason": "EAS_NOT_AVAILABLE"})
    );
    assert_eq!(made.body["unfulfillAcProfs"], Value::Null);
}

/// One failure stands alone in its member, several in the list; the reasons tell a missing EAS from a weak one.
#[tokio::test]
async fn what_cannot_be_served_is_reported_by_number_and_reason() {
    let doors = with_chess().await;
    let weak =
        json!({"acId": "ac.fast", "eass": [{"easId": "eas.chess.example", "minimumReqSvcKPIs": {"reqRate": 101}}]});
    let eec = doors.eec("eec-1");
    let one = eec
        .post(REGISTRATIONS, with(json!({"acProfs": [player(), weak]})))
        .await;
    one.created();
    assert_eq!(
        one.body["unfulfilledAcProfs"],
        json!({"acId": "ac.fast", "reason": "REQ_UNFULFILLED"})
    );
    let both = with(json!({"acProfs": [wants("ac.go", "eas.go.example"), player(), weak]}));
    let several = eec.post(REGISTRATIONS, both).await;
    several.created();
    assert_eq!(several.body["unfulfilledAcProfs"], Value::Null);
    assert_eq!(
        several.body["unfulfillAcProfs"],
        json!([{"acId": "ac.go", "reason": "EAS_NOT_AVAILABLE"}, {"acId": "ac.fast", "reason": "REQ_UNFULFILLED"}])
    );
}

/// Nothing can be served: no registration, no context, and no other EES was asked for one.
#[tokio::test]
async fn a_registration_that_nothing_can_serve_is_refused_before_anything_else() {
    let doors = Doors::open().await;
    let all = json!({"acProfs": [wants("ac.go", "eas.go.example")], "eecCntxId": "ctx-b", "srcEesId": T_EES});
    let answer = doors.eec("eec-1").post(REGISTRATIONS, with(all)).await;
    answer.refused(404, "RESOURCE_NOT_FOUND", "");
    assert!(
        answer.body["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("ac.go"))
    );
    assert!(doors.others.asked().is_empty());
    assert!(
        doors
            .keys("")
            .await
            .iter()
            .all(|key| !key.starts_with("eec") && !key.starts_with("context"))
    );
}

/// EASs are selected when asked for, once each, and not otherwise.
#[tokio::test]
async fn eass_are_selected_only_when_asked_for() {
    let doors = with_chess().await;
    let go = json!({"easProf": {"easId": "eas.go.example", "endPt": {"fqdn": "go.example"}}});
    doors
        .eas("eas.go.example#g1")
        .post("/eees-easregistration/v1/registrations", go)
        .await
        .created();
    let profiles = json!([
        player(),
        wants("ac.go", "eas.go.example"),
        wants("ac.again", "eas.chess.example")
    ]);
    let eec = doors.eec("eec-1");
    let told = json!([{"eas": {"easId": "eas.none.example", "endPt": {"fqdn": "made.up"}}}]);
    let without = eec
        .post(REGISTRATIONS, with(json!({"acProfs": profiles, "discoveredEas": told})))
        .await;
    without.created();
    assert_eq!(without.body["discoveredEas"], Value::Null);
    let made = eec
        .post(REGISTRATIONS, with(json!({"acProfs": profiles, "easSelReqInd": true})))
        .await;
    made.created();
    let found: Vec<&str> = made.body["discoveredEas"]
        .as_array()
        .unwrap()
        .iter()
        .map(|eas| eas["eas"]["easId"].as_str().unwrap())
        .collect();
    assert_eq!(found, ["eas.chess.example", "eas.go.example"]);
}

/// An EAS that has expired serves nobody.
#[tokio::test]
async fn an_eas_that_has_expired_is_not_available() {
    let doors = with_chess().await;
    doors.clock.advance(600);
    let request = with(json!({"acProfs": [player()]}));
    doors
        .eec("eec-1")
        .post(REGISTRATIONS, request)
        .await
        .refused(404, "RESOURCE_NOT_FOUND", "");
}
