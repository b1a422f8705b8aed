//! Eees_ACRParameterInformation through the doors of one EES (TS 29.558 clauses 5.13 and 8.10), and relocations that rest on a
//! prediction (TS 23.558 clause 8.8.1.4).

use crate::harness::Settings;
use crate::scene::{ACR_MANAGEMENT, ACR_STATUS, EAS_HEARS, INITIATE, SOURCE, Scene, T_EES, TARGET, UE, id_of};
use edgeapp_ees_domain::peers::PeerError;
use edgeapp_testkit::network::FakeCore;
use serde_json::{Value, json};
use std::sync::Arc;

const SEND: &str = "/eees-acr-param/v1/send-acrparamsinfo";
/// In a hundred seconds, in two hundred: the EAS and the EEC are registered for longer.
const SOON: &str = "2026-01-05T12:01:40Z";
const LATER: &str = "2026-01-05T12:03:20Z";

/// Here the EAS of the scene is the target.
fn info(predicted: &str) -> Value {
    json!({"requestorId": T_EES, "eecId": "eec-1", "acId": "ac.chess", "sAsEndPoint": {"fqdn": TARGET},
        "tAsEndPoint": {"fqdn": SOURCE}, "acrParams": {"predictExpTime": predicted}})
}

fn arrived() -> Value {
    let mut info = info(SOON);
    info["acrParams"] = json!({});
    info
}

/// What a notification tells an EAS: event, status, peer, until when the prediction holds, and whether it is about a plan.
fn said(told: &Value) -> Value {
    let report = &told["eventReports"][0];
    json!([
        report["event"],
        report["actStatus"],
        report["easEndPoint"]["fqdn"],
        report["acrParams"]["predictExpTime"],
        report["servContPlanInd"]
    ])
}

/// What the EAS was told since the last look.
async fn told(scene: &Scene) -> Vec<Value> {
    scene.doors.settled().await;
    scene.doors.subscribers.told_at(EAS_HEARS).iter().map(said).collect()
}

/// What the EAS was told when it was the only one that was told anything.
async fn told_alone(scene: &Scene) -> Value {
    scene.doors.settled().await;
    let told = scene.doors.subscribers.told();
    assert_eq!((told.len(), told[0].at.as_str()), (1, EAS_HEARS), "{told:?}");
    said(&told[0].body)
}

fn start(peer: &str, predicted: &str) -> Value {
    json!(["ACT_START_STOP", "ACT_START", peer, predicted, true])
}

fn stop(peer: &str, predicted: &str) -> Value {
    json!(["ACT_START_STOP", "ACT_STOP", peer, predicted, true])
}

mod send {
    use super::*;

    /// The EAS hears of a prediction once, and again when it changes; without the UE it is told to stop when its time is over.
    #[tokio::test]
    async fn a_prediction_is_told_and_ends() {
        let scene = Scene::set().await;
        let other = scene.doors.ees(T_EES);
        for _ in 0..2 {
            other.post(SEND, info(SOON)).await.done();
        }
        assert_eq!(told(&scene).await, [start(TARGET, SOON)]);
        other.post(SEND, info(LATER)).await.done();
        assert_eq!(told(&scene).await, [start(TARGET, LATER)]);
        scene.doors.pass(101).await;
        assert!(told(&scene).await.is_empty(), "the timer was set anew");
        scene.doors.pass(101).await;
        assert_eq!(told_alone(&scene).await, stop(TARGET, LATER));
        assert!(scene.doors.keys("acr/").await.is_empty());
    }

    /// Also where the EAS that is registered here is the source.
    #[tokio::test]
    async fn the_source_is_told_too() {
        let scene = Scene::set().await;
        let mut info = info(SOON);
        (info["sAsEndPoint"], info["tAsEndPoint"]) = (json!({"fqdn": SOURCE}), json!({"fqdn": TARGET}));
        scene.doors.ees(T_EES).post(SEND, info).await.done();
        assert_eq!(told(&scene).await, [start(TARGET, SOON)]);
    }

    /// An EAS that subscribed to ACR_FACILITATION only hears of it that way; one subscription hears of it once.
    #[tokio::test]
    async fn who_wants_facilitation_is_told_that_way() {
        let core = Arc::new(FakeCore::default());
        let scene = Scene::with(Settings {
            core,
            ..Settings::default()
        })
        .await;
        scene.eas.delete(&scene.eas_subscription).await.done();
        let events = json!([{"event": "ACR_FACILITATION"}, {"event": "ACR_SELECTION"}]);
        let request =
            json!({"easId": "eas.chess.example", "eventSubscs": events, "notificationDestination": EAS_HEARS});
        scene.eas.post(ACR_MANAGEMENT, request).await.created();
        scene.doors.ees(T_EES).post(SEND, info(SOON)).await.done();
        let facilitation = json!(["ACR_FACILITATION", null, TARGET, SOON, true]);
        assert_eq!(told(&scene).await, [facilitation]);
        let events = json!([{"event": "ACR_FACILITATION"}, {"event": "ACT_START_STOP"}]);
        let request = json!({"easId": "eas.chess.example", "eventSubscs": events, "notificationDestination": "https://chess.edge-a.example/both"});
        let both = scene.eas.post(ACR_MANAGEMENT, request).await.created();
        scene.doors.ees(T_EES).post(SEND, info(LATER)).await.done();
        scene.doors.settled().await;
        let told = scene.doors.subscribers.told();
        let at_both: Vec<_> = told.iter().filter(|told| told.at.ends_with("/both")).collect();
        assert_eq!((at_both.len(), &at_both[0].body["subpId"]), (1, &json!(id_of(&both))));
        assert_eq!(at_both[0].body["eventReports"][0]["event"], "ACT_START_STOP");
    }

    /// What one EES told is not another's to change, for the same EASs or for others.
    #[tokio::test]
    async fn another_ees_displaces_nothing() {
        let scene = Scene::set().await;
        scene.doors.ees(T_EES).post(SEND, info(SOON)).await.done();
        assert_eq!(told(&scene).await, [start(TARGET, SOON)]);
        for target in [TARGET, "chess.edge-c.example"] {
            let mut other = info(LATER);
            other["requestorId"] = "ees-c.example".into();
            other["sAsEndPoint"] = json!({"fqdn": target});
            let answer = scene.doors.ees("ees-c.example").post(SEND, other).await;
            answer.refused(403, "ACR_IN_PROGRESS", "");
        }
        assert!(told(&scene).await.is_empty());
    }

    /// The UE has arrived: nothing ends with the prediction any more. Only the EES that told it can say so.
    #[tokio::test]
    async fn a_ue_that_arrived_is_left_alone() {
        let scene = Scene::set().await;
        scene.doors.ees(T_EES).post(SEND, info(SOON)).await.done();
        assert_eq!(told(&scene).await.len(), 1);
        let mut from_another = arrived();
        from_another["requestorId"] = "ees-c.example".into();
        scene.doors.ees("ees-c.example").post(SEND, from_another).await.done();
        assert_eq!(scene.doors.keys("acr/").await.len(), 1);
        scene.doors.ees(T_EES).post(SEND, arrived()).await.done();
        assert!(scene.doors.keys("acr/").await.is_empty());
        scene.doors.pass(201).await;
        assert!(told(&scene).await.is_empty());
    }

    /// Without a prediction, and without one before, there is nothing to do.
    #[tokio::test]
    async fn parameters_that_say_nothing_change_nothing() {
        let scene = Scene::set().await;
        scene.doors.ees(T_EES).post(SEND, arrived()).await.done();
        assert!(told(&scene).await.is_empty() && scene.doors.keys("acr/").await.is_empty());
    }

    /// Another pair for the same UE: the newer prediction counts, and the EAS of the earlier one is told to stop.
    #[tokio::test]
    async fn a_prediction_about_another_pair_takes_the_place_of_the_first() {
        let scene = Scene::set().await;
        scene.doors.ees(T_EES).post(SEND, info(SOON)).await.done();
        assert_eq!(told(&scene).await.len(), 1);
        let mut other = info(LATER);
        other["sAsEndPoint"]["fqdn"] = "chess.edge-c.example".into();
        scene.doors.ees(T_EES).post(SEND, other).await.done();
        assert_eq!(
            told(&scene).await,
            [stop(TARGET, SOON), start("chess.edge-c.example", LATER)]
        );
    }

    /// A relocation that runs is no longer planned.
    #[tokio::test]
    async fn a_relocation_that_runs_is_not_planned() {
        let scene = Scene::set().await;
        scene.eec.post(INITIATE, scene.executed_via_source(TARGET)).await.done();
        scene
            .doors
            .ees(T_EES)
            .post(SEND, info(SOON))
            .await
            .refused(403, "ACR_IN_PROGRESS", "");
    }

    #[tokio::test]
    async fn a_bad_message_is_refused() {
        let scene = Scene::set().await;
        let other = scene.doors.ees(T_EES);
        let with = |pointer: &str, value: Value| {
            let mut info = info(SOON);
            *info.pointer_mut(pointer).unwrap() = value;
            info
        };
        for (message, status, cause, pointer) in [
            (
                with("/requestorId", json!("ees-c.example")),
                403,
                "OWNER_MISMATCH",
                "/requestorId",
            ),
            (
                with("/acrParams/predictExpTime", json!("2026-01-05T12:00:00Z")),
                400,
                "OPTIONAL_IE_INCORRECT",
                "/acrParams/predictExpTime",
            ),
            (
                with("/tAsEndPoint", json!({"fqdn": "nobody.example"})),
                404,
                "RESOURCE_NOT_FOUND",
                "",
            ),
            (with("/eecId", json!("eec-unknown")), 404, "UE_NOT_FOUND", ""),
        ] {
            other.post(SEND, message).await.refused(status, cause, pointer);
        }
        for member in [
            "requestorId",
            "eecId",
            "acId",
            "sAsEndPoint",
            "tAsEndPoint",
            "acrParams",
        ] {
            let mut without = info(SOON);
            without.as_object_mut().unwrap().remove(member);
            let pointer = format!("/{member}");
            other
                .post(SEND, without)
                .await
                .refused(400, "MANDATORY_IE_MISSING", &pointer);
        }
        assert!(scene.doors.keys("acr/").await.is_empty());
    }
}

mod planned_by_an_eec {
    use super::*;

    fn planned(scene: &Scene, predicted: &str) -> Value {
        let mut request = scene.executed_via_source(TARGET);
        request["acrParams"] = json!({"predictExpTime": predicted});
        request
    }

    fn changed(scene: &Scene, predicted: &str) -> Value {
        let mut request = planned(scene, SOON);
        request["acrModificationParams"] = json!({"acrParams": {"predictExpTime": predicted}});
        request
    }

    fn answering(scene: &Scene) {
        scene.doors.others.answer("push", json!({}));
        scene.doors.others.answer("acr-params", Value::Null);
    }

    /// What the other EES was told: until when the prediction holds.
    fn told_to_peer(scene: &Scene) -> Vec<Value> {
        let asked = scene.doors.others.asked();
        let words = asked.iter().filter(|asked| asked.what == "acr-params");
        words
            .map(|word| word.body["acrParams"]["predictExpTime"].clone())
            .collect()
    }

    /// The EAS here and the other EES hear of the prediction with every member, and of every change of it.
    #[tokio::test]
    async fn both_ends_hear_of_the_prediction_and_of_its_change() {
        let scene = Scene::set().await;
        answering(&scene);
        for _ in 0..2 {
            scene.eec.post(INITIATE, planned(&scene, SOON)).await.done();
        }
        assert_eq!(told(&scene).await, [start(TARGET, SOON)]);
        let asked = scene.doors.others.asked();
        let words: Vec<_> = asked.iter().filter(|asked| asked.what == "acr-params").collect();
        assert_eq!((words.len(), words[0].of.as_str()), (1, T_EES));
        assert_eq!(
            words[0].body,
            json!({"requestorId": "ees-a.example", "eecId": "eec-1", "acId": "ac.chess", "sAsEndPoint": {"fqdn": SOURCE},
                "tAsEndPoint": {"fqdn": TARGET}, "acrParams": {"predictExpTime": SOON}})
        );
        scene.eec.post(INITIATE, changed(&scene, LATER)).await.done();
        assert_eq!(told(&scene).await, [start(TARGET, LATER)]);
        assert_eq!(told_to_peer(&scene), [json!(LATER)]);
        assert_eq!(scene.doors.keys("acr/").await.len(), 1);
    }

    /// The context was copied, the UE never came: the EAS drops it when the prediction is over; the EEC has heard of the copy only.
    #[tokio::test]
    async fn a_prediction_that_does_not_come_true_ends_with_a_stop() {
        let scene = Scene::set().await;
        answering(&scene);
        scene.eec.post(INITIATE, planned(&scene, SOON)).await.done();
        scene.eas.post(ACR_STATUS, scene.report("SUCCESSFUL")).await.done();
        assert_eq!(scene.eec_told().await.len(), 1);
        scene.doors.pass(99).await;
        scene.doors.settled().await;
        assert!(scene.doors.subscribers.told().is_empty());
        scene.doors.pass(2).await;
        assert_eq!(told_alone(&scene).await, stop(TARGET, SOON));
        assert!(scene.doors.keys("acr/").await.is_empty());
    }

    /// A prediction that is over before the copy is: the relocation is called off.
    #[tokio::test]
    async fn a_copy_that_comes_too_late_is_called_off() {
        let scene = Scene::set().await;
        answering(&scene);
        scene
            .eec
            .post(INITIATE, planned(&scene, "2026-01-05T12:00:10Z"))
            .await
            .done();
        scene.doors.settled().await;
        scene.doors.subscribers.told();
        scene.doors.pass(11).await;
        let told = scene.eec_told().await;
        let status = json!({"acrRes": false, "tEasEndpoint": {"fqdn": TARGET}, "failReason": "ACR_CANCELLATION"});
        assert_eq!((told.len(), &told[0]["acrStatus"]), (1, &status));
    }

    /// The UE has arrived: the relocation is asked for without a prediction. It runs as always, and the other EES hears of it.
    #[tokio::test]
    async fn a_ue_that_arrives_relocates() {
        let scene = Scene::set().await;
        answering(&scene);
        scene.eec.post(INITIATE, planned(&scene, SOON)).await.done();
        scene.eas.post(ACR_STATUS, scene.report("SUCCESSFUL")).await.done();
        scene.doors.settled().await;
        scene.doors.subscribers.told();
        scene.doors.others.asked();
        scene.eec.post(INITIATE, scene.executed_via_source(TARGET)).await.done();
        assert_eq!(
            told(&scene).await,
            [json!(["ACT_START_STOP", "ACT_START", TARGET, null, null])]
        );
        assert_eq!(told_to_peer(&scene), [Value::Null]);
        scene.eas.post(ACR_STATUS, scene.report("SUCCESSFUL")).await.done();
        assert_eq!(scene.eec_told().await.len(), 1);
        scene.doors.pass(201).await;
        assert!(told(&scene).await.is_empty(), "nothing is stopped any more");
    }

    /// The other EES is told until it can be reached, or refuses; the relocation does not wait for that.
    #[tokio::test]
    async fn the_other_ees_is_told_again_until_it_answers() {
        let scene = Scene::set().await;
        answering(&scene);
        scene
            .doors
            .others
            .fail("acr-params", PeerError::NotFound("no such EEC yet".into()));
        scene.eec.post(INITIATE, planned(&scene, SOON)).await.done();
        scene.doors.settled().await;
        assert_eq!(told_to_peer(&scene).len(), 8, "its context may be on the way");
        scene.doors.others.fail("acr-params", PeerError::Refused("no".into()));
        scene.eec.post(INITIATE, changed(&scene, LATER)).await.done();
        scene.doors.settled().await;
        assert_eq!(told_to_peer(&scene).len(), 1);
    }

    /// At the T-EES of a relocation that the S-EES told of, the EEC may ask itself.
    #[tokio::test]
    async fn what_another_ees_told_may_be_asked_for_here() {
        let scene = Scene::set().await;
        scene.doors.ees(T_EES).post(SEND, info(SOON)).await.done();
        assert_eq!(told(&scene).await.len(), 1);
        let request = json!({"requestorId": "eec-1", "ueId": UE, "acId": "ac.chess", "easId": "eas.chess.example",
            "easNotifInd": true, "sEasEndpoint": {"fqdn": TARGET}, "tEasEndpoint": {"fqdn": SOURCE}});
        scene.eec.post(INITIATE, request).await.done();
        assert_eq!(
            told(&scene).await,
            [json!(["ACT_START_STOP", "ACT_START", TARGET, null, null])]
        );
    }

    /// What another EES predicted does not stand in the way of what an EEC asks for.
    #[tokio::test]
    async fn a_prediction_gives_way_to_a_relocation() {
        let scene = Scene::set().await;
        answering(&scene);
        scene.doors.ees(T_EES).post(SEND, info(SOON)).await.done();
        assert_eq!(told(&scene).await.len(), 1);
        scene.eec.post(INITIATE, scene.executed_via_source(TARGET)).await.done();
        assert_eq!(
            told(&scene).await,
            [
                json!(["ACT_START_STOP", "ACT_STOP", TARGET, SOON, true]),
                json!(["ACT_START_STOP", "ACT_START", TARGET, null, null])
            ],
            "what the prediction had prepared is void"
        );
    }

    #[tokio::test]
    async fn a_prediction_that_makes_no_sense_is_refused() {
        let scene = Scene::set().await;
        let past = "2026-01-05T11:59:59Z";
        let without = |member: &str| {
            let mut request = planned(&scene, SOON);
            request.as_object_mut().unwrap().remove(member);
            request["easNotifInd"] = false.into();
            request
        };
        let contradicting = |member: &str| {
            let mut request = changed(&scene, LATER);
            request["acrModificationParams"][member] = json!({"fqdn": "other.example"});
            request
        };
        for (request, cause, pointer) in [
            (
                planned(&scene, past),
                "OPTIONAL_IE_INCORRECT",
                "/acrParams/predictExpTime",
            ),
            (
                changed(&scene, past),
                "OPTIONAL_IE_INCORRECT",
                "/acrModificationParams/acrParams/predictExpTime",
            ),
            (without("acId"), "MANDATORY_IE_MISSING", "/acId"),
            (without("sEasEndpoint"), "MANDATORY_IE_MISSING", "/sEasEndpoint"),
            (
                contradicting("tEasEndpoint"),
                "OPTIONAL_IE_INCORRECT",
                "/acrModificationParams/tEasEndpoint",
            ),
            (
                contradicting("sEasEndpoint"),
                "OPTIONAL_IE_INCORRECT",
                "/acrModificationParams/sEasEndpoint",
            ),
        ] {
            scene.eec.post(INITIATE, request).await.refused(400, cause, pointer);
        }
        assert!(scene.doors.keys("acr/").await.is_empty());
    }
}
