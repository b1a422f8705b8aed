//! Eees_EASRegistration (TS 29.558 clause 8.1).

use crate::harness::{Doors, Settings};
use serde_json::{Value, json};

const API: &str = "/eees-easregistration/v1/registrations";

fn chess(host: &str) -> Value {
    json!({"easProf": {"easId": "eas.chess.example", "endPt": {"fqdn": host}, "provId": "games-inc", "acIds": ["ac.chess"],
        "svcKpi": {"maxReqRate": 100, "avail": 99}}})
}

fn tais(tacs: &[&str]) -> Value {
    let tais: Vec<_> = tacs
        .iter()
        .map(|tac| json!({"plmnId": {"mcc": "001", "mnc": "01"}, "tac": tac}))
        .collect();
    json!({"topServAr": {"tais": tais}})
}

mod create {
    use super::*;

    #[tokio::test]
    async fn a_registration_is_kept_and_read_where_location_says() {
        let doors = Doors::open().await;
        let eas = doors.eas("eas.chess.example#a1");
        let made = eas.post(API, chess("a.example")).await;
        let at = made.created();
        assert!(
            at.starts_with("https://ees.example/eees-easregistration/v1/registrations/"),
            "{at}"
        );
        let mut expected = chess("a.example");
        expected["expTime"] = "2026-01-05T12:10:00Z".into();
        assert_eq!(made.body, expected);
        assert_eq!(eas.get(&at).await.found(), expected);
    }

    #[tokio::test]
    async fn a_lifetime_is_cut_at_the_maximum_and_never_past() {
        let doors = Doors::open().await;
        let eas = doors.eas("eas.chess.example#a1");
        let mut long = chess("a.example");
        long["expTime"] = "2027-01-01T00:00:00Z".into();
        assert_eq!(eas.post(API, long).await.body["expTime"], "2026-01-05T13:00:00Z");
        let mut past = chess("b.example");
        past["expTime"] = "2026-01-05T12:00:00Z".into();
        eas.post(API, past)
            .await
            .refused(400, "OPTIONAL_IE_INCORRECT", "/expTime");
    }

    /// Proves: T-09
    #[tokio::test]
    async fn an_identity_of_somebody_else_is_refused() {
        let doors = Doors::open().await;
        let go = doors.eas("eas.go.example#a1");
        go.post(API, chess("a.example"))
            .await
            .refused(403, "OWNER_MISMATCH", "/easProf/easId");
        let mut foreign = chess("a.example");
        foreign["easProf"]["provId"] = "others".into();
        let eas = doors.eas("eas.chess.example#a1");
        eas.post(API, foreign)
            .await
            .refused(403, "OWNER_MISMATCH", "/easProf/provId");
    }

    /// Proves: T-10
    #[tokio::test]
    async fn another_instance_with_the_same_endpoint_is_refused_until_the_first_expires() {
        let doors = Doors::open().await;
        let (first, second) = (doors.eas("eas.chess.example#a1"), doors.eas("eas.chess.example#a2"));
        let at = first.post(API, chess("a.example")).await.created();
        second
            .post(API, chess("A.example."))
            .await
            .refused(403, "EAS_ALREADY_REGISTERED", "/easProf/endPt");
        second.post(API, chess("b.example")).await.created();
        doors.clock.advance(600);
        second.post(API, chess("a.example")).await.created();
        first.get(&at).await.refused(404, "RESOURCE_NOT_FOUND", "");
    }

    #[tokio::test]
    async fn a_restarted_instance_takes_the_place_of_its_older_registration() {
        let doors = Doors::open().await;
        let eas = doors.eas("eas.chess.example#a1");
        let old = eas.post(API, chess("a.example")).await.created();
        let new = eas.post(API, chess("a.example")).await.created();
        eas.get(&old).await.refused(404, "RESOURCE_NOT_FOUND", "");
        eas.get(&new).await.found();
        eas.delete(&new).await.done();
        doors
            .eas("eas.chess.example#a2")
            .post(API, chess("a.example"))
            .await
            .created();
    }

    #[tokio::test]
    async fn an_area_outside_that_of_the_ees_is_refused() {
        let area = serde_json::from_value(tais(&["000001", "000002"])).unwrap();
        let doors = Doors::with(Settings {
            service_area: Some(area),
            ..Settings::default()
        })
        .await;
        let eas = doors.eas("eas.chess.example#a1");
        let mut within = chess("a.example");
        within["easProf"]["svcArea"] = tais(&["000002"]);
        let at = eas.post(API, within.clone()).await.created();
        within["easProf"]["svcArea"] = tais(&["000003"]);
        eas.post(API, within.clone())
            .await
            .refused(403, "SERVICE_AREA_NOT_ALLOWED", "/easProf/svcArea");
        eas.put(&at, within)
            .await
            .refused(403, "SERVICE_AREA_NOT_ALLOWED", "/easProf/svcArea");
        eas.patch(&at, json!({"easProf": {"svcArea": tais(&["000003"])}}))
            .await
            .refused(403, "SERVICE_AREA_NOT_ALLOWED", "/easProf/svcArea");
    }

    #[tokio::test]
    async fn features_are_negotiated_and_what_was_not_is_dropped() {
        let doors = Doors::open().await;
        let eas = doors.eas("eas.chess.example#a1");
        let mut request = chess("a.example");
        request["easProf"]["easSyncSupp"] = true.into();
        let made = eas.post(API, request.clone()).await.body;
        assert_eq!(
            (&made["suppFeat"], &made["easProf"]["easSyncSupp"]),
            (&Value::Null, &json!(true))
        );
        request["suppFeat"] = "F1".into();
        assert_eq!(eas.post(API, request.clone()).await.body["suppFeat"], "1");
        request["suppFeat"] = "2".into();
        let made = eas.post(API, request).await.body;
        assert_eq!(
            (&made["suppFeat"], &made["easProf"]["easSyncSupp"]),
            (&json!("0"), &Value::Null)
        );
    }

    #[tokio::test]
    async fn what_contradicts_the_standard_is_pointed_at() {
        let doors = Doors::open().await;
        let eas = doors.eas("eas.chess.example#a1");
        eas.post(API, json!({}))
            .await
            .refused(400, "MANDATORY_IE_MISSING", "/easProf");
        let mut two = chess("a.example");
        two["easProf"]["endPt"]["uri"] = "https://a.example".into();
        eas.post(API, two)
            .await
            .refused(400, "MANDATORY_IE_INCORRECT", "/easProf/endPt");
        let mut empty = chess("a.example");
        empty["easProf"]["acIds"] = json!([]);
        eas.post(API, empty)
            .await
            .refused(400, "OPTIONAL_IE_INCORRECT", "/easProf/acIds");
    }
}

mod change {
    use super::*;

    #[tokio::test]
    async fn patch_changes_what_it_names_and_nothing_else() {
        let doors = Doors::open().await;
        let eas = doors.eas("eas.chess.example#a1");
        let at = eas.post(API, chess("a.example")).await.created();
        let patched = eas
            .patch(&at, json!({"easProf": {"svcKpi": {"avail": 95}, "status": "busy"}}))
            .await
            .found();
        let mut expected = chess("a.example");
        expected["expTime"] = "2026-01-05T12:10:00Z".into();
        expected["easProf"]["svcKpi"]["avail"] = 95.into();
        expected["easProf"]["status"] = "busy".into();
        assert_eq!(patched, expected);
        assert_eq!(eas.get(&at).await.found(), expected);
    }

    #[tokio::test]
    async fn patch_with_a_null_expiry_leaves_the_choice_to_the_ees() {
        let doors = Doors::open().await;
        let eas = doors.eas("eas.chess.example#a1");
        let at = eas.post(API, chess("a.example")).await.created();
        doors.clock.advance(60);
        assert_eq!(
            eas.patch(&at, json!({})).await.found()["expTime"],
            "2026-01-05T12:10:00Z"
        );
        assert_eq!(
            eas.patch(&at, json!({"expTime": null})).await.found()["expTime"],
            "2026-01-05T12:11:00Z"
        );
        eas.patch(&at, json!({"easProf": null}))
            .await
            .refused(400, "OPTIONAL_IE_INCORRECT", "/easProf");
    }

    /// Proves: T-18
    #[tokio::test]
    async fn identifiers_never_change() {
        let doors = Doors::open().await;
        let eas = doors.eas("eas.chess.example#a1");
        let at = eas.post(API, chess("a.example")).await.created();
        eas.patch(&at, json!({"easProf": {"easId": "eas.go.example"}}))
            .await
            .refused(403, "MODIFICATION_NOT_ALLOWED", "/easProf/easId");
        eas.patch(&at, json!({"easProf": {"provId": null}})).await.refused(
            403,
            "MODIFICATION_NOT_ALLOWED",
            "/easProf/provId",
        );
        let mut other = chess("a.example");
        other["easProf"]["easId"] = "eas.go.example".into();
        eas.put(&at, other)
            .await
            .refused(403, "MODIFICATION_NOT_ALLOWED", "/easProf/easId");
    }

    #[tokio::test]
    async fn a_new_endpoint_frees_the_old_one_and_must_be_free_itself() {
        let doors = Doors::open().await;
        let (first, second) = (doors.eas("eas.chess.example#a1"), doors.eas("eas.chess.example#a2"));
        let at = first.post(API, chess("a.example")).await.created();
        second.post(API, chess("b.example")).await.created();
        let to = |host: &str| json!({"easProf": {"endPt": {"fqdn": host}}});
        first
            .patch(&at, to("b.example"))
            .await
            .refused(403, "EAS_ALREADY_REGISTERED", "/easProf/endPt");
        first.patch(&at, to("c.example")).await.found();
        second.post(API, chess("a.example")).await.created();
        second
            .post(API, chess("c.example"))
            .await
            .refused(403, "EAS_ALREADY_REGISTERED", "/easProf/endPt");
    }

    #[tokio::test]
    async fn a_patch_in_plain_json_is_refused() {
        let doors = Doors::open().await;
        let eas = doors.eas("eas.chess.example#a1");
        let at = eas.post(API, chess("a.example")).await.created();
        let answer = eas
            .send(axum::http::Method::PATCH, &at, "application/json", "{}".to_owned())
            .await;
        answer.refused(415, "UNSUPPORTED_MEDIA_TYPE", "");
        assert_eq!(answer.headers["accept-patch"], "application/merge-patch+json");
    }
}

mod end {
    use super::*;

    /// Proves: T-08, T-10, WP-27
    #[tokio::test]
    async fn a_stranger_finds_nothing_and_changes_nothing() {
        let doors = Doors::open().await;
        let (eas, stranger) = (doors.eas("eas.chess.example#a1"), doors.eas("eas.chess.example#a2"));
        let at = eas.post(API, chess("a.example")).await.created();
        stranger.get(&at).await.refused(404, "RESOURCE_NOT_FOUND", "");
        stranger
            .put(&at, chess("b.example"))
            .await
            .refused(404, "RESOURCE_NOT_FOUND", "");
        stranger
            .patch(&at, json!({}))
            .await
            .refused(404, "RESOURCE_NOT_FOUND", "");
        stranger.delete(&at).await.refused(404, "RESOURCE_NOT_FOUND", "");
        eas.get(&at).await.found();
    }

    #[tokio::test]
    async fn what_is_deleted_or_expired_is_not_there() {
        let doors = Doors::open().await;
        let eas = doors.eas("eas.chess.example#a1");
        let at = eas.post(API, chess("a.example")).await.created();
        eas.delete(&at).await.done();
        eas.delete(&at).await.refused(404, "RESOURCE_NOT_FOUND", "");
        let at = eas.post(API, chess("a.example")).await.created();
        doors.clock.advance(600);
        eas.get(&at).await.refused(404, "RESOURCE_NOT_FOUND", "");
        eas.patch(&at, json!({})).await.refused(404, "RESOURCE_NOT_FOUND", "");
    }

    /// Proves: WP-28
    #[tokio::test]
    async fn without_a_certificate_or_with_one_of_another_role_nothing_is_served() {
        let doors = Doors::open().await;
        let point = edgeapp_core::authorizer::ReferencePoint::Edge3;
        doors
            .caller(point, &[])
            .post(API, chess("a.example"))
            .await
            .refused(401, "UNAUTHENTICATED", "");
        doors
            .caller(point, &["urn:edgeapp:eec:eec-1"])
            .post(API, chess("a.example"))
            .await
            .refused(403, "UNAUTHORIZED", "");
    }
}
