//! Eecs_EESRegistration (TS 29.558 clauses 6.2 and 9.1).

use crate::lab::{Lab, MERGE_PATCH, REGISTRATIONS, after, eec, ees, profile, with};
use axum::http::Method;
use serde_json::{Value, json};

fn registration(more: Value) -> Value {
    with(json!({"eesProf": profile("ees-a", json!({}))}), more)
}

mod create {
    use super::*;

    #[tokio::test]
    async fn answers_what_is_kept_and_where() {
        let lab = Lab::new().await;
        let (path, body) = lab
            .post(&ees("ees-a"), REGISTRATIONS, registration(json!({})))
            .await
            .created();
        assert_eq!(body["eesProf"], profile("ees-a", json!({})));
        assert_eq!(body["expTime"], after(3600), "the default life");
        assert_eq!(lab.get(&ees("ees-a"), &path).await.is(200), body);
    }

    /// Proves: T-09
    #[tokio::test]
    async fn for_somebody_else_is_refused() {
        let lab = Lab::new().await;
        let reply = lab.post(&ees("ees-b"), REGISTRATIONS, registration(json!({}))).await;
        reply.refused_at(403, "OWNER_MISMATCH", "/eesProf/eesId");
        let reply = lab.post(&eec("ees-a"), REGISTRATIONS, registration(json!({}))).await;
        reply.refused(403, "UNAUTHORIZED");
    }

    /// Proves: WP-24
    #[tokio::test]
    async fn of_an_ees_that_is_not_on_the_list_is_refused() {
        let mut rules = edgeapp_ecs::ecs::EcsRules::default();
        rules.registration.allowed = Some(["ees-b".parse().unwrap()].into());
        let lab = Lab::with(rules).await;
        lab.post(&ees("ees-a"), REGISTRATIONS, registration(json!({})))
            .await
            .refused(403, "UNAUTHORIZED");
        lab.register("ees-b", json!({})).await;
    }

    #[tokio::test]
    async fn without_required_member_is_refused() {
        let lab = Lab::new().await;
        lab.post(&ees("ees-a"), REGISTRATIONS, json!({}))
            .await
            .refused_at(400, "MANDATORY_IE_MISSING", "/eesProf");
        for member in ["eesId", "endPt", "eecRegConf"] {
            let mut body = registration(json!({}));
            body["eesProf"].as_object_mut().unwrap().remove(member);
            let reply = lab.post(&ees("ees-a"), REGISTRATIONS, body).await;
            reply.refused_at(400, "MANDATORY_IE_MISSING", &format!("/eesProf/{member}"));
        }
    }

    #[tokio::test]
    async fn bad_members_are_pointed_at() {
        let lab = Lab::new().await;
        for (member, value) in [
            ("easIds", json!([])),
            ("appLocs", json!([])),
            ("svcContSupp", json!([])),
            ("easInstInfo", json!({})),
        ] {
            let body = json!({"eesProf": profile("ees-a", json!({member: value}))});
            let reply = lab.post(&ees("ees-a"), REGISTRATIONS, body).await;
            reply.refused_at(400, "OPTIONAL_IE_INCORRECT", &format!("/eesProf/{member}"));
        }
        let both = json!({"fqdn": "ees-a.example", "uri": "https://ees-a.example"});
        let body = json!({"eesProf": profile("ees-a", json!({"endPt": both}))});
        lab.post(&ees("ees-a"), REGISTRATIONS, body)
            .await
            .refused_at(400, "MANDATORY_IE_INCORRECT", "/eesProf/endPt");
        let info = json!({"eas.go/1": {"easId": "eas.other", "status": "INSTANTIATED"}});
        let body = json!({"eesProf": profile("ees-a", json!({"easInstInfo": info}))});
        let reply = lab.post(&ees("ees-a"), REGISTRATIONS, body).await;
        reply.refused_at(400, "OPTIONAL_IE_INCORRECT", "/eesProf/easInstInfo/eas.go~11/easId");
        let bundles = json!({"eas.go": [{"bdlType": "PROXY", "bdlId": "b", "mainEasId": "eas.go"}]});
        let body = json!({"eesProf": profile("ees-a", json!({"easBdlInfos": bundles}))});
        let reply = lab.post(&ees("ees-a"), REGISTRATIONS, body).await;
        reply.refused_at(400, "OPTIONAL_IE_INCORRECT", "/eesProf/easBdlInfos/eas.go/0/mainEasId");
    }

    #[tokio::test]
    async fn what_is_unknown_is_no_error() {
        let lab = Lab::new().await;
        let more = json!({"notYetInvented": 1, "svcContSupp": ["NOT_YET_NAMED"]});
        let body = registration(json!({"notYetInvented": {}, "eesProf": profile("ees-a", more)}));
        let (_, made) = lab.post(&ees("ees-a"), REGISTRATIONS, body).await.created();
        assert_eq!(made["eesProf"]["svcContSupp"], json!(["NOT_YET_NAMED"]));
    }

    #[tokio::test]
    async fn lifetime_is_granted_up_to_the_maximum() {
        let lab = Lab::new().await;
        for (asked, granted) in [(60, 60), (86_400, 86_400), (1_000_000, 86_400)] {
            let body = registration(json!({"expTime": after(asked)}));
            let (_, made) = lab.post(&ees("ees-a"), REGISTRATIONS, body).await.created();
            assert_eq!(made["expTime"], after(granted));
        }
        for past in [0, -1] {
            let reply = lab
                .post(
                    &ees("ees-a"),
                    REGISTRATIONS,
                    registration(json!({"expTime": after(past)})),
                )
                .await;
            reply.refused_at(400, "OPTIONAL_IE_INCORRECT", "/expTime");
        }
    }

    #[tokio::test]
    async fn features_are_those_in_common() {
        let lab = Lab::new().await;
        for (theirs, common) in [
            ("1", "1"),
            ("3", "1"),
            ("0005", "1"),
            ("8", "0"),
            ("", "0"),
            ("F7", "1"),
        ] {
            let (_, made) = lab
                .post(&ees("ees-a"), REGISTRATIONS, registration(json!({"suppFeat": theirs})))
                .await
                .created();
            assert_eq!(made["suppFeat"], common, "{theirs}");
        }
        let (_, made) = lab
            .post(&ees("ees-a"), REGISTRATIONS, registration(json!({})))
            .await
            .created();
        assert_eq!(made["suppFeat"], Value::Null);
        let reply = lab
            .post(&ees("ees-a"), REGISTRATIONS, registration(json!({"suppFeat": "7g"})))
            .await;
        reply.refused_at(400, "OPTIONAL_IE_INCORRECT", "/suppFeat");
    }

    #[tokio::test]
    async fn member_of_a_feature_that_was_not_agreed_on_is_ignored() {
        let lab = Lab::new().await;
        let info = json!({"easInstInfo": {"eas.go": {"easId": "eas.go", "status": "INSTANTIABLE"}}});
        for (features, kept) in [(json!("2"), false), (json!("1"), true)] {
            let body = json!({"eesProf": profile("ees-a", info.clone()), "suppFeat": features});
            let (_, made) = lab.post(&ees("ees-a"), REGISTRATIONS, body).await.created();
            assert_eq!(made["eesProf"]["easInstInfo"].is_object(), kept);
        }
    }

    #[tokio::test]
    async fn again_takes_the_place_of_the_old_one() {
        let lab = Lab::new().await;
        let old = lab.register("ees-a", json!({})).await;
        let new = lab.register("ees-a", json!({"easIds": ["eas.go"]})).await;
        lab.get(&ees("ees-a"), &old).await.refused(404, "RESOURCE_NOT_FOUND");
        lab.get(&ees("ees-a"), &new).await.is(200);
        assert_eq!(lab.found(json!({})).await, ["ees-a"]);
        lab.delete(&ees("ees-a"), &new).await.is(204);
        lab.settle().await;
        assert_eq!(lab.keys().await, [""; 0], "nothing is left behind");
    }

    #[tokio::test]
    async fn again_after_the_end_that_nobody_swept() {
        let lab = Lab::new().await;
        lab.register("ees-a", json!({})).await;
        lab.clock.advance(7200);
        let new = lab.register("ees-a", json!({})).await;
        lab.pass(0).await;
        lab.get(&ees("ees-a"), &new).await.is(200);
        assert_eq!(lab.found(json!({})).await, ["ees-a"]);
    }

    #[tokio::test]
    async fn what_is_no_message_is_refused() {
        let lab = Lab::new().await;
        for body in ["", "{", "[]", "{\"suppFeat\":\"1\",\"suppFeat\":\"1\"}"] {
            let reply = lab
                .send(&ees("ees-a"), Method::POST, REGISTRATIONS, "application/json", body)
                .await;
            reply.refused(400, "INVALID_MSG_FORMAT");
        }
        let reply = lab
            .send(&ees("ees-a"), Method::POST, REGISTRATIONS, "text/plain", "{}")
            .await;
        reply.refused(415, "UNSUPPORTED_MEDIA_TYPE");
        let large = format!("{{}}{}", " ".repeat(300_000));
        let reply = lab
            .send(&ees("ees-a"), Method::POST, REGISTRATIONS, "application/json", &large)
            .await;
        reply.refused(413, "PAYLOAD_TOO_LARGE");
        lab.get(&ees("ees-a"), REGISTRATIONS)
            .await
            .refused(405, "METHOD_NOT_ALLOWED");
    }
}

mod read {
    use super::*;

    /// Proves: T-08
    #[tokio::test]
    async fn by_a_stranger_finds_nothing() {
        let lab = Lab::new().await;
        let path = lab.register("ees-a", json!({})).await;
        lab.get(&ees("ees-b"), &path).await.refused(404, "RESOURCE_NOT_FOUND");
        lab.get(&ees("ees-a"), &format!("{REGISTRATIONS}/nothing"))
            .await
            .refused(404, "RESOURCE_NOT_FOUND");
    }

    #[tokio::test]
    async fn ends_with_the_lifetime() {
        let lab = Lab::new().await;
        let path = lab.register("ees-a", json!({})).await;
        lab.clock.advance(3599);
        lab.get(&ees("ees-a"), &path).await.is(200);
        lab.clock.advance(1);
        lab.get(&ees("ees-a"), &path).await.refused(404, "RESOURCE_NOT_FOUND");
        assert_eq!(
            lab.found(json!({})).await,
            [""; 0],
            "gone from matching at the same instant"
        );
        lab.pass(1).await;
        lab.settle().await;
        assert_eq!(lab.keys().await, [""; 0]);
    }
}

mod update {
    use super::*;

    #[tokio::test]
    async fn replaces_all_and_extends_the_life() {
        let lab = Lab::new().await;
        let path = lab.register("ees-a", json!({"appLocs": ["a1"]})).await;
        lab.clock.advance(1800);
        let body = lab.put(&ees("ees-a"), &path, registration(json!({}))).await.is(200);
        assert_eq!(body["eesProf"]["appLocs"], Value::Null);
        assert_eq!(body["expTime"], after(1800 + 3600));
        lab.clock.advance(3000);
        lab.get(&ees("ees-a"), &path).await.is(200);
    }

    #[tokio::test]
    async fn identity_never_changes() {
        let lab = Lab::new().await;
        let path = lab.register("ees-a", json!({"provId": "ecsp-1"})).await;
        let with_provider = |id: &str, provider| json!({"eesProf": profile(id, json!({"provId": provider}))});
        let reply = lab.put(&ees("ees-a"), &path, with_provider("ees-b", "ecsp-1")).await;
        reply.refused_at(403, "MODIFICATION_NOT_ALLOWED", "/eesProf/eesId");
        let reply = lab.put(&ees("ees-a"), &path, with_provider("ees-a", "ecsp-2")).await;
        reply.refused_at(403, "MODIFICATION_NOT_ALLOWED", "/eesProf/provId");
        lab.put(&ees("ees-a"), &path, with_provider("ees-a", "ecsp-1"))
            .await
            .is(200);
    }

    #[tokio::test]
    async fn of_what_is_not_there_finds_nothing() {
        let lab = Lab::new().await;
        let path = lab.register("ees-a", json!({})).await;
        lab.put(&ees("ees-b"), &path, registration(json!({})))
            .await
            .refused(404, "RESOURCE_NOT_FOUND");
        lab.clock.advance(3600);
        lab.put(&ees("ees-a"), &path, registration(json!({})))
            .await
            .refused(404, "RESOURCE_NOT_FOUND");
    }
}

mod modify {
    use super::*;

    #[tokio::test]
    async fn leaves_what_it_does_not_name() {
        let lab = Lab::new().await;
        let path = lab
            .register("ees-a", json!({"appLocs": ["a1"], "easIds": ["eas.one", "eas.two"]}))
            .await;
        let body = lab
            .patch(&ees("ees-a"), &path, json!({"eesProf": {"easIds": ["eas.three"]}}))
            .await
            .is(200);
        assert_eq!(
            body["eesProf"]["easIds"],
            json!(["eas.three"]),
            "lists are replaced whole"
        );
        assert_eq!(body["eesProf"]["appLocs"], json!(["a1"]));
        assert_eq!(body["expTime"], after(3600), "the end was not asked for anew");
        let body = lab
            .patch(&ees("ees-a"), &path, json!({"eesProf": {"easIds": null}}))
            .await
            .is(200);
        assert_eq!(body["eesProf"]["easIds"], Value::Null);
    }

    #[tokio::test]
    async fn null_expiry_gives_the_default_life_anew() {
        let lab = Lab::new().await;
        let path = lab.register("ees-a", json!({})).await;
        let body = lab
            .patch(&ees("ees-a"), &path, json!({"expTime": after(60)}))
            .await
            .is(200);
        assert_eq!(body["expTime"], after(60));
        lab.clock.advance(30);
        let body = lab.patch(&ees("ees-a"), &path, json!({"expTime": null})).await.is(200);
        assert_eq!(body["expTime"], after(3630));
        lab.clock.advance(3599);
        lab.get(&ees("ees-a"), &path).await.is(200);
        let reply = lab.patch(&ees("ees-a"), &path, json!({"expTime": after(0)})).await;
        reply.refused_at(400, "OPTIONAL_IE_INCORRECT", "/expTime");
    }

    /// Proves: T-18
    #[tokio::test]
    async fn identity_inside_the_profile_never_changes() {
        let lab = Lab::new().await;
        let path = lab.register("ees-a", json!({"provId": "ecsp-1"})).await;
        for (patch, pointer) in [
            (json!({"eesId": "ees-b"}), "/eesProf/eesId"),
            (json!({"eesId": null}), "/eesProf/eesId"),
            (json!({"provId": "ecsp-2"}), "/eesProf/provId"),
            (json!({"provId": null}), "/eesProf/provId"),
        ] {
            let reply = lab.patch(&ees("ees-a"), &path, json!({"eesProf": patch})).await;
            reply.refused_at(403, "MODIFICATION_NOT_ALLOWED", pointer);
        }
        lab.patch(
            &ees("ees-a"),
            &path,
            json!({"eesProf": {"eesId": "ees-a", "provId": "ecsp-1"}}),
        )
        .await
        .is(200);
        let reply = lab.patch(&ees("ees-a"), &path, json!({"suppFeat": "1"})).await;
        reply.refused_at(403, "MODIFICATION_NOT_ALLOWED", "/suppFeat");
    }

    #[tokio::test]
    async fn bad_patches_change_nothing() {
        let lab = Lab::new().await;
        let path = lab.register("ees-a", json!({})).await;
        let before = lab.get(&ees("ees-a"), &path).await.is(200);
        let reply = lab
            .patch(&ees("ees-a"), &path, json!({"eesProf": {"endPt": null}}))
            .await;
        reply.refused_at(400, "MANDATORY_IE_INCORRECT", "/eesProf/endPt");
        lab.patch(&ees("ees-a"), &path, json!({"eesProf": null}))
            .await
            .refused(400, "OPTIONAL_IE_INCORRECT");
        lab.patch(&ees("ees-a"), &path, json!([]))
            .await
            .refused(400, "INVALID_MSG_FORMAT");
        let reply = lab
            .send(&ees("ees-a"), Method::PATCH, &path, "application/json", "{}")
            .await;
        reply.refused(415, "UNSUPPORTED_MEDIA_TYPE");
        let twice = lab
            .send(
                &ees("ees-a"),
                Method::PATCH,
                &path,
                MERGE_PATCH,
                "{\"expTime\":null,\"expTime\":null}",
            )
            .await;
        twice.refused(400, "INVALID_MSG_FORMAT");
        lab.patch(&ees("ees-a"), &path, json!({"notYetInvented": 1}))
            .await
            .is(200);
        assert_eq!(lab.get(&ees("ees-a"), &path).await.is(200), before);
    }
}

mod delete {
    use super::*;

    #[tokio::test]
    async fn removes_it_for_its_owner_only() {
        let lab = Lab::new().await;
        let path = lab.register("ees-a", json!({})).await;
        lab.delete(&ees("ees-b"), &path)
            .await
            .refused(404, "RESOURCE_NOT_FOUND");
        lab.delete(&ees("ees-a"), &path).await.is(204);
        lab.delete(&ees("ees-a"), &path)
            .await
            .refused(404, "RESOURCE_NOT_FOUND");
        assert_eq!(lab.found(json!({})).await, [""; 0]);
    }
}
