//! Eees_EECRegistration (TS 24.558 clauses 5.2 and 6.2).

mod change;
mod context_pull;
mod end;
mod profiles;

use crate::{
    harness::{Doors, Settings},
    scene::{CONTEXTS, REGISTRATIONS, T_EES, UE, chess, id_of, player, register_eas},
};
use axum::http::{Method, header};
use edgeapp_core::clock::Lifetimes;
use edgeapp_ees_domain::peers::PeerError;
use serde_json::{Value, json};

fn registration() -> Value {
    json!({"eecId": "eec-1", "ueId": UE})
}

fn with(members: Value) -> Value {
    let mut request = registration();
    for (name, value) in members.as_object().unwrap() {
        request[name.as_str()] = value.clone();
    }
    request
}

fn wants(ac: &str, eas: &str) -> Value {
    json!({"acId": ac, "eass": [{"easId": eas}]})
}

/// An EES with one chess server.
async fn with_chess() -> Doors {
    let doors = Doors::open().await;
    register_eas(&doors.eas("eas.chess.example#a1"), "a.example").await;
    doors
}

mod create {
    use super::*;

    /// Clause 5.2.2.2.2: the answer is the registration with the granted lifetime and the id of the new context.
    #[tokio::test]
    async fn a_registration_is_granted_a_lifetime_and_a_context() {
        let doors = Doors::open().await;
        let request = with(json!({"acProfs": [{"acId": "ac.chess"}], "ueType": "NORMAL_UE", "shoeSize": 43}));
        let made = doors.eec("eec-1").post(REGISTRATIONS, request).await;
        let at = made.created();
        assert!(
            at.starts_with("https://ees.example/eees-eecregistration/v1/registrations/"),
            "{at}"
        );
        let context = made.body["eecCntxId"].clone();
        assert!(context.as_str().is_some_and(|id| id.len() >= 32));
        let expected = with(
            json!({"acProfs": [{"acId": "ac.chess"}], "ueType": "NORMAL_UE", "expTime": "2026-01-05T12:10:00Z",
            "eecCntxId": context}),
        );
        assert_eq!(made.body, expected);
    }

    /// A lifetime asked for is kept, cut at the maximum, and never in the past.
    ///
    /// Proves: T-36
    #[tokio::test]
    async fn a_lifetime_is_granted_up_to_the_maximum() {
        let doors = Doors::open().await;
        let eec = doors.eec("eec-1");
        let short = eec
            .post(REGISTRATIONS, with(json!({"expTime": "2026-01-05T13:01:00+01:00"})))
            .await;
        assert_eq!(short.body["expTime"], "2026-01-05T12:01:00Z");
        let long = eec
            .post(REGISTRATIONS, with(json!({"expTime": "2027-01-01T00:00:00Z"})))
            .await;
        assert_eq!(long.body["expTime"], "2026-01-05T13:00:00Z");
        for bad in ["2026-01-05T12:00:00Z", "tomorrow"] {
            let answer = eec.post(REGISTRATIONS, with(json!({"expTime": bad}))).await;
            answer.refused(400, "OPTIONAL_IE_INCORRECT", "/expTime");
        }
    }

    /// Where the server grants registrations for ever, none carries an expiry.
    #[tokio::test]
    async fn a_registration_without_an_end_has_no_expiry() {
        let lifetimes = Lifetimes {
            max: None,
            default: None,
            spread_percent: 0,
        };
        let doors = Doors::with(Settings {
            lifetimes,
            ..Settings::default()
        })
        .await;
        let made = doors.eec("eec-1").post(REGISTRATIONS, registration()).await;
        made.created();
        assert_eq!(made.body["expTime"], Value::Null);
    }

    /// What is not JSON, not an object, or says a thing twice.
    #[tokio::test]
    async fn a_body_that_cannot_be_read_is_refused() {
        let doors = Doors::open().await;
        let eec = doors.eec("eec-1");
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let bodies = [
            "",
            "{",
            "[]",
            r#"{"eecId": "eec-1"} x"#,
            r#"{"eecId": "eec-1", "eecId": "eec-2"}"#,
            "\u{feff}{}",
            &deep,
        ];
        for body in bodies {
            let answer = eec
                .send(Method::POST, REGISTRATIONS, "application/json", body.to_owned())
                .await;
            answer.refused(400, "INVALID_MSG_FORMAT", "");
        }
        let lone = r#"{"eecId": "\ud800"}"#.to_owned();
        eec.send(Method::POST, REGISTRATIONS, "application/json", lone)
            .await
            .refused(400, "INVALID_MSG_FORMAT", "");
        let answer = eec
            .send(Method::POST, REGISTRATIONS, "text/plain", registration().to_string())
            .await;
        answer.refused(415, "UNSUPPORTED_MEDIA_TYPE", "");
        let big = with(json!({"acProfs": vec![json!({"acId": "ac"}); 100_000]}));
        eec.post(REGISTRATIONS, big).await.refused(413, "PAYLOAD_TOO_LARGE", "");
        assert!(doors.keys("eec").await.is_empty());
    }

    /// Members that are absent, empty or of the wrong type are pointed at.
    #[tokio::test]
    async fn members_that_are_wrong_are_pointed_at() {
        let doors = Doors::open().await;
        let eec = doors.eec("eec-1");
        eec.post(REGISTRATIONS, json!({}))
            .await
            .refused(400, "MANDATORY_IE_MISSING", "/eecId");
        for bad in [json!(null), json!(7), json!(""), json!("x".repeat(10_000))] {
            let answer = eec.post(REGISTRATIONS, json!({"eecId": bad})).await;
            answer.refused(400, "MANDATORY_IE_INCORRECT", "/eecId");
        }
        for (members, pointer) in [
            (json!({"ueId": ""}), "/ueId"),
            (json!({"acProfs": {}}), "/acProfs"),
            (
                json!({"acProfs": [{"acId": "a"}, {"acId": "b", "eass": []}]}),
                "/acProfs/1/eass",
            ),
            (
                json!({"acProfs": [{"acId": "a", "eass": [{"easId": 1}]}]}),
                "/acProfs/0/eass/0/easId",
            ),
            (json!({"ueMobilityReq": "yes"}), "/ueMobilityReq"),
            (json!({"discoveredEas": []}), "/discoveredEas"),
        ] {
            eec.post(REGISTRATIONS, with(members))
                .await
                .refused(400, "OPTIONAL_IE_INCORRECT", pointer);
        }
        let both = with(json!({"unfulfilledAcProfs": {}, "unfulfillAcProfs": [{}]}));
        assert_eq!(eec.post(REGISTRATIONS, both).await.status, 400);
    }

    /// Identities in the body are the caller's own, and the UE is the one that the certificate vouches for.
    ///
    /// Proves: T-09, H-04
    #[tokio::test]
    async fn an_identity_of_somebody_else_is_refused() {
        let doors = Doors::open().await;
        let eec = doors.eec("eec-1");
        eec.post(REGISTRATIONS, with(json!({"eecId": "eec-2"})))
            .await
            .refused(403, "OWNER_MISMATCH", "/eecId");
        let other_ue = with(json!({"ueId": "msisdn-491700000002"}));
        eec.post(REGISTRATIONS, other_ue)
            .await
            .refused(403, "UE_ID_NOT_VERIFIED", "/ueId");
        let nobody = doors.caller(edgeapp_core::authorizer::ReferencePoint::Edge1, &[]);
        nobody
            .post(REGISTRATIONS, registration())
            .await
            .refused(401, "UNAUTHENTICATED", "");
        let eas = doors.caller(
            edgeapp_core::authorizer::ReferencePoint::Edge1,
            &["urn:edgeapp:eas:eec-1"],
        );
        eas.post(REGISTRATIONS, registration())
            .await
            .refused(403, "UNAUTHORIZED", "");
    }

    /// The API has no GET.
    #[tokio::test]
    async fn a_method_that_does_not_exist_is_refused_with_those_that_do() {
        let doors = Doors::open().await;
        let answer = doors.eec("eec-1").get(REGISTRATIONS).await;
        answer.refused(405, "METHOD_NOT_ALLOWED", "");
        assert_eq!(answer.headers[header::ALLOW], "POST");
    }

    /// An EEC that lost its registration registers again: one registration is left, with the same context.
    #[tokio::test]
    async fn a_second_registration_replaces_the_first_and_keeps_the_context() {
        let doors = Doors::open().await;
        let eec = doors.eec("eec-1");
        let first = eec.post(REGISTRATIONS, registration()).await;
        let second = eec.post(REGISTRATIONS, registration()).await;
        assert_eq!(first.body["eecCntxId"], second.body["eecCntxId"]);
        eec.put(&first.created(), registration())
            .await
            .refused(404, "RESOURCE_NOT_FOUND", "");
        eec.put(&second.created(), registration()).await.found();
        assert_eq!(
            (doors.keys("eec/").await.len(), doors.keys("context/").await.len()),
            (1, 1)
        );
    }

    /// Two EECs on one UE: the older one leaves without taking the younger one's way to its UE along.
    #[tokio::test]
    async fn another_eec_on_the_same_ue_is_still_found_when_the_first_leaves() {
        let doors = Doors::open().await;
        let (first, second) = (doors.eec("eec-1"), doors.eec("eec-2"));
        let at = first.post(REGISTRATIONS, registration()).await.created();
        second
            .post(REGISTRATIONS, with(json!({"eecId": "eec-2"})))
            .await
            .created();
        first.delete(&at).await.done();
        assert_eq!(doors.keys("eec-by-ue/").await.len(), 1);
    }

    /// A registration without the UE leaves nothing behind that leads from the UE to it.
    #[tokio::test]
    async fn a_registration_without_its_ue_is_not_found_by_it() {
        let doors = Doors::open().await;
        let eec = doors.eec("eec-1");
        eec.post(REGISTRATIONS, registration()).await.created();
        eec.post(REGISTRATIONS, json!({"eecId": "eec-1"})).await.created();
        assert!(doors.keys("eec-by-ue/").await.is_empty());
    }
}
