//! Eees_AppContextRelocation (TS 24.558 clauses 5.5 and 6.5): who may ask for what. The course of relocations is in `scenarios`.

use crate::{
    harness::{Doors, Settings},
    scene::{DECLARE, DETERMINE, INITIATE, REGISTRATIONS, SOURCE, Scene, T_EES, TARGET, UE},
};
use edgeapp_core::authorizer::ReferencePoint;
use serde_json::{Value, json};

fn without(mut request: Value, member: &str) -> Value {
    request.as_object_mut().unwrap().remove(member);
    request
}

fn with(mut request: Value, member: &str, value: Value) -> Value {
    request[member] = value;
    request
}

mod initiate {
    use super::*;

    /// Required members, and members that need each other.
    #[tokio::test]
    async fn what_is_incomplete_is_pointed_at() {
        let scene = Scene::set().await;
        let request = scene.executed_via_source(TARGET);
        for member in ["requestorId", "tEasEndpoint", "easNotifInd"] {
            let answer = scene.eec.post(INITIATE, without(request.clone(), member)).await;
            answer.refused(400, "MANDATORY_IE_MISSING", &format!("/{member}"));
        }
        let nobody = with(request.clone(), "eecCtxtReloc", json!({"eecCtxtId": scene.context}));
        let ourselves = with(
            request.clone(),
            "eecCtxtReloc",
            json!({"eecCtxtId": scene.context, "tEesId": "ees-a.example"}),
        );
        for (request, pointer) in [
            (without(request.clone(), "sEasEndpoint"), "/sEasEndpoint"),
            (
                with(request.clone(), "prevEasNotifInd", json!(true)),
                "/prevTEasEndpoint",
            ),
            (nobody, "/eecCtxtReloc"),
            (ourselves, "/eecCtxtReloc"),
            (
                with(request.clone(), "tEasEndPointBundleList", json!([])),
                "/tEasEndPointBundleList",
            ),
        ] {
            scene
                .eec
                .post(INITIATE, request)
                .await
                .refused(400, "OPTIONAL_IE_INCORRECT", pointer);
        }
        assert!(scene.doors.keys("acr/").await.is_empty());
    }

    /// Requestor, UE and context are the caller's own.
    #[tokio::test]
    async fn what_is_of_somebody_else_is_refused() {
        let scene = Scene::set().await;
        let request = scene.executed_via_source(TARGET);
        let as_other = with(request.clone(), "requestorId", json!("eec-2"));
        scene
            .eec
            .post(INITIATE, as_other.clone())
            .await
            .refused(403, "OWNER_MISMATCH", "/requestorId");
        let other_ue = with(request.clone(), "ueId", json!("msisdn-491700000002"));
        scene
            .eec
            .post(INITIATE, other_ue)
            .await
            .refused(403, "UE_ID_NOT_VERIFIED", "/ueId");
        let other = scene.doors.eec("eec-2");
        other
            .post(INITIATE, as_other.clone())
            .await
            .refused(403, "NOT_REGISTERED", "");
        other.post(REGISTRATIONS, json!({"eecId": "eec-2"})).await.created();
        other
            .post(INITIATE, as_other)
            .await
            .refused(403, "OWNER_MISMATCH", "/eecCtxtReloc/eecCtxtId");
        let reloc = json!({"eecCtxtId": "ctx-none", "tEesId": T_EES});
        let unknown = with(request, "eecCtxtReloc", reloc);
        scene
            .eec
            .post(INITIATE, unknown)
            .await
            .refused(404, "CONTEXT_NOT_FOUND", "");
    }

    /// An EAS does not initiate; it declares.
    #[tokio::test]
    async fn an_eas_is_refused() {
        let scene = Scene::set().await;
        let request = with(
            scene.executed_via_source(TARGET),
            "requestorId",
            json!("eas.chess.example"),
        );
        scene.eas.post(INITIATE, request).await.refused(403, "UNAUTHORIZED", "");
    }

    /// An EAS that is to be told has to be registered here.
    #[tokio::test]
    async fn an_eas_that_is_not_here_cannot_be_told() {
        let scene = Scene::set().await;
        let request = with(
            scene.executed_via_source(TARGET),
            "sEasEndpoint",
            json!({"fqdn": "nowhere.example"}),
        );
        scene
            .eec
            .post(INITIATE, request)
            .await
            .refused(404, "RESOURCE_NOT_FOUND", "/sEasEndpoint");
        let request = with(scene.executed_via_source(TARGET), "easId", json!("eas.go.example"));
        scene
            .eec
            .post(INITIATE, request)
            .await
            .refused(404, "RESOURCE_NOT_FOUND", "/sEasEndpoint");
        let mut unnamed = without(scene.executed_via_source(TARGET), "easId");
        unnamed["easNotifInd"] = false.into();
        unnamed["sEasEndpoint"] = json!({"fqdn": "nowhere.example"});
        scene
            .eec
            .post(INITIATE, unnamed)
            .await
            .refused(400, "MANDATORY_IE_MISSING", "/easId");
    }

    /// The UE may be left to the certificate; without one it has to be somewhere.
    #[tokio::test]
    async fn the_ue_comes_from_the_certificate_when_not_named() {
        let scene = Scene::set().await;
        let request = without(scene.executed_via_source(TARGET), "ueId");
        let bare = scene.doors.caller(ReferencePoint::Edge1, &["urn:edgeapp:eec:eec-1"]);
        bare.post(INITIATE, request.clone())
            .await
            .refused(400, "MANDATORY_IE_MISSING", "/ueId");
        scene.eec.post(INITIATE, request).await.done();
        assert_eq!(scene.doors.keys("acr/").await.len(), 1);
    }

    /// Where the ECS tells EECs that they need not register, they need not.
    #[tokio::test]
    async fn an_unregistered_eec_is_served_where_that_is_the_rule() {
        let mut settings = Settings::default();
        settings.acr.eec_registration_required = false;
        let scene = Scene::with(settings).await;
        scene.eec.delete(&scene.registration).await.done();
        let request = without(scene.executed_via_source(TARGET), "eecCtxtReloc");
        scene.eec.post(INITIATE, request).await.done();
    }
}

mod determine {
    use super::*;

    fn request() -> Value {
        json!({"requestorId": "eec-1", "ueId": UE, "easId": "eas.chess.example", "sEasEndpoint": {"fqdn": SOURCE}})
    }

    /// Requestor, EAS and UE have to be known and the caller's own.
    #[tokio::test]
    async fn what_is_unknown_or_of_somebody_else_is_refused() {
        let scene = Scene::set().await;
        let (eec, eas) = (&scene.eec, &scene.eas);
        eec.post(DETERMINE, without(request(), "requestorId")).await.refused(
            400,
            "MANDATORY_IE_MISSING",
            "/requestorId",
        );
        eec.post(DETERMINE, without(request(), "sEasEndpoint")).await.refused(
            400,
            "MANDATORY_IE_MISSING",
            "/sEasEndpoint",
        );
        let as_other = with(request(), "requestorId", json!("eec-2"));
        eec.post(DETERMINE, as_other.clone())
            .await
            .refused(403, "OWNER_MISMATCH", "/requestorId");
        let other_ue = with(request(), "ueId", json!("msisdn-491700000002"));
        eec.post(DETERMINE, other_ue)
            .await
            .refused(403, "UE_ID_NOT_VERIFIED", "/ueId");
        let nowhere = with(request(), "sEasEndpoint", json!({"fqdn": "nowhere.example"}));
        assert_eq!(eec.post(DETERMINE, nowhere).await.status, 404);
        scene
            .doors
            .eec("eec-2")
            .post(DETERMINE, as_other)
            .await
            .refused(403, "NOT_REGISTERED", "");
        let by_eas = with(request(), "requestorId", json!("eas.chess.example"));
        eas.post(DETERMINE, without(by_eas.clone(), "ueId"))
            .await
            .refused(400, "MANDATORY_IE_MISSING", "/ueId");
        let stranger = with(by_eas.clone(), "ueId", json!("msisdn-491700000009"));
        eas.post(DETERMINE, stranger).await.refused(404, "UE_NOT_FOUND", "");
        let go = scene.doors.eas("eas.go.example#g1");
        let in_anothers_place = with(by_eas, "requestorId", json!("eas.go.example"));
        go.post(DETERMINE, in_anothers_place)
            .await
            .refused(403, "OWNER_MISMATCH", "/sEasEndpoint");
    }

    /// Nothing is known of where the UE will be: nothing happens.
    #[tokio::test]
    async fn a_ue_that_stays_is_left_alone() {
        let scene = Scene::set().await;
        scene.eec.post(DETERMINE, request()).await.done();
        scene.doors.settled().await;
        assert!(scene.doors.others.asked().is_empty());
        assert!(scene.doors.keys("acr/").await.is_empty());
    }
}

mod declare {
    use super::*;

    fn request() -> Value {
        json!({"ueId": UE, "acId": "ac.chess", "tEasId": "eas.chess.example", "tEasEndpoint": {"fqdn": TARGET}})
    }

    /// An EAS declares for its own application and for UEs that are known here; an EEC does not declare.
    #[tokio::test]
    async fn what_is_unknown_or_of_somebody_else_is_refused() {
        let scene = Scene::set().await;
        for member in ["ueId", "tEasId", "tEasEndpoint"] {
            let answer = scene.eas.post(DECLARE, without(request(), member)).await;
            answer.refused(400, "MANDATORY_IE_MISSING", &format!("/{member}"));
        }
        scene
            .doors
            .eas("eas.go.example#g1")
            .post(DECLARE, request())
            .await
            .refused(403, "OWNER_MISMATCH", "/tEasId");
        scene
            .eec
            .post(DECLARE, request())
            .await
            .refused(403, "UNAUTHORIZED", "");
        let stranger = with(request(), "ueId", json!("msisdn-491700000009"));
        scene.eas.post(DECLARE, stranger).await.refused(404, "UE_NOT_FOUND", "");
        // An EEC whose registration has expired is as unknown as one that never came.
        scene.doors.clock.advance(599);
        scene
            .eas
            .post("/eees-easregistration/v1/registrations", crate::scene::chess(SOURCE))
            .await
            .created();
        scene.doors.clock.advance(1);
        scene
            .eas
            .post(DECLARE, request())
            .await
            .refused(404, "UE_NOT_FOUND", "");
    }

    /// The message names no requestor: who declares is registered here, and the UE uses its application. About other UEs an EAS hears
    /// the same as about those that never came.
    #[tokio::test]
    async fn an_eas_declares_for_ues_that_it_serves() {
        let doors = Doors::open().await;
        let eas = doors.eas("eas.chess.example#a1");
        let go = json!({"easProf": {"easId": "eas.go.example", "endPt": {"fqdn": "go.edge-a.example"}}});
        let of_go = doors.eas("eas.go.example#a1");
        of_go.post("/eees-easregistration/v1/registrations", go).await.created();
        let player_of_go = json!({"eecId": "eec-1", "ueId": UE, "acProfs": [{"acId": "ac.go", "eass": [{"easId": "eas.go.example"}]}]});
        doors.eec("eec-1").post(REGISTRATIONS, player_of_go).await.created();
        eas.post(DECLARE, request()).await.refused(403, "NOT_REGISTERED", "");
        crate::scene::register_eas(&eas, SOURCE).await;
        let (served, unknown) = (request(), with(request(), "ueId", json!("msisdn-491700000009")));
        let mut told = Vec::new();
        for request in [served, unknown] {
            let answer = eas.post(DECLARE, request).await;
            let mut body = answer.body.clone();
            body["instance"].take();
            answer.refused(404, "UE_NOT_FOUND", "");
            told.push(body);
        }
        assert_eq!(told[0], told[1]);
        // Nor does it have a target determined for them.
        let determine = json!({"requestorId": "eas.chess.example", "ueId": UE, "easId": "eas.chess.example", "sEasEndpoint": {"fqdn": SOURCE}});
        eas.post(DETERMINE, determine).await.refused(404, "UE_NOT_FOUND", "");
        assert!(doors.keys("acr/").await.is_empty());
    }

    /// What an EEC has begun is not taken over by an EAS with another target.
    #[tokio::test]
    async fn another_target_than_the_eecs_is_refused() {
        let scene = Scene::set().await;
        scene.eec.post(INITIATE, scene.executed_via_source(TARGET)).await.done();
        let other = with(request(), "tEasEndpoint", json!({"fqdn": "chess.edge-c.example"}));
        scene.eas.post(DECLARE, other).await.refused(403, "ACR_IN_PROGRESS", "");
        scene.eas.post(DECLARE, request()).await.done();
    }
}

/// Nobody without a certificate asks for anything.
#[tokio::test]
async fn without_a_certificate_nothing_is_served() {
    let doors = Doors::open().await;
    for point in [ReferencePoint::Edge1, ReferencePoint::Edge3] {
        for path in [DETERMINE, INITIATE, DECLARE] {
            doors
                .caller(point, &[])
                .post(path, json!({}))
                .await
                .refused(401, "UNAUTHENTICATED", "");
        }
    }
}
