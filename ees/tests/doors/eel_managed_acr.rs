//! Eees_EELManagedACR through the doors of one EES (TS 29.558 clauses 5.11 and 8.8), and the storage that goes with it.

use crate::{
    harness::{APP_CONTEXT_BYTES, Answer, Caller, Doors, OWN_ID, Settings},
    scene::{
        ACR_STATUS, CONTEXTS, EAS_HEARS, INITIATE, REGISTRATIONS, SOURCE, Scene, T_EES, TARGET, UE, chess, id_of,
        subscribe_eas,
    },
};
use axum::http::{Method, StatusCode};
use edgeapp_core::notifier::NotDelivered;
use edgeapp_ees_domain::peers::PeerError;
use edgeapp_openapi::ees_registration::AcrScenario;
use serde_json::{Value, json};

const REQUEST: &str = "/eees-eel-acr/v1/request-eelacr";
const SUBSCRIPTIONS: &str = "/eees-eel-acr/v1/subscriptions";
const EAS_REGISTRATIONS: &str = "/eees-easregistration/v1/registrations";
/// Where the S-EAS hears how transfers end.
const STATUS: &str = "https://chess.edge-a.example/managed";
/// Where an EAS keeps its application contexts itself.
const OWN_STORE: &str = "https://chess.edge-a.example/contexts/7";
/// Where the T-EAS hears of relocations.
const T_EAS_HEARS: &str = "https://chess.edge-b.example/acr";

fn managed(host: &str) -> Value {
    let mut chess = chess(host);
    chess["easProf"]["svcContSupp"] = json!(["EEL_MANAGED_ACR"]);
    chess
}

fn wish() -> Value {
    json!({"ueId": UE, "easCharacs": [{"easId": "eas.chess.example"}]})
}

fn with_own_store() -> Value {
    json!({"ueId": UE, "easCharacs": [{}], "appCtxtStoreAddr": OWN_STORE})
}

/// The cast, with an S-EAS that takes part in managed relocations and wants to hear how they end.
async fn scene() -> Scene {
    with(Settings::default()).await
}

async fn with(settings: Settings) -> Scene {
    let scene = Scene::with(settings).await;
    scene.eas.post(EAS_REGISTRATIONS, managed(SOURCE)).await.created();
    scene
}

async fn subscribe(eas: &Caller, at: &str) -> String {
    let request = json!({"easId": "eas.chess.example", "notificationUri": at});
    eas.post(SUBSCRIPTIONS, request).await.created()
}

/// Another instance, registered here as well, that listens at [`T_EAS_HEARS`].
async fn target_here(doors: &Doors) -> Caller {
    let eas = doors.eas("eas.chess.example#b1");
    eas.post(EAS_REGISTRATIONS, managed(TARGET)).await.created();
    subscribe_eas(&eas, T_EAS_HEARS).await;
    eas
}

/// The ECS knows another EES with a T-EAS.
fn target_elsewhere(scene: &Scene) {
    let others = &scene.doors.others;
    others.answer("target-ees", json!({"ednCnfgInfo": [{"ednConInfo": {"dnn": "edge-b"},
        "eess": [{"eesId": T_EES, "endPt": {"uri": "https://ees-b.example"}, "eecRegConf": true}], "lifeTime": "2026-01-05T13:00:00Z"}]}));
    let eas = |host: &str, scenarios: Value| json!({"eas": {"easId": "eas.chess.example", "endPt": {"fqdn": host}, "svcContSupp": scenarios}});
    others.answer(
        "discover",
        json!({"discoveredEas": [eas("no.example", json!(["EEC_INITIATED"])), eas(SOURCE, json!(["EEL_MANAGED_ACR"])),
            eas(TARGET, json!(["EEL_MANAGED_ACR"]))]}),
    );
    others.answer("push", json!({"implReg": {"regId": "reg-b"}}));
}

async fn put(eas: &Caller, at: &str, context: &str) -> Answer {
    eas.send(Method::PUT, at, "application/json", context.to_owned()).await
}

/// How transfers ended, as it was told at this address since the last look.
async fn ends(doors: &Doors, at: &str) -> Vec<Value> {
    doors.settled().await;
    doors.subscribers.told_at(&format!("{at}/act-status"))
}

mod request {
    use super::*;

    /// Everything between the EASs is done here: the T-EAS is told where the context lies, takes it, and all hear of it once.
    #[tokio::test]
    async fn a_target_that_is_registered_here_takes_the_context() {
        let scene = scene().await;
        let subscription = subscribe(&scene.eas, STATUS).await;
        let t_eas = target_here(&scene.doors).await;
        subscribe(&t_eas, "https://chess.edge-b.example/managed").await;
        let place = scene.eas.post(REQUEST, wish()).await.found()["appCtxtStoreAddr"].clone();
        let place = place.as_str().unwrap();
        assert!(place.starts_with("https://ees.example/app-contexts/"), "{place}");
        scene.doors.settled().await;
        let told = scene.doors.subscribers.told();
        // Nothing is there yet: only the EEC hears of the target.
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].body["eventId"], "TARGET_INFORMATION");
        assert_eq!(told[0].body["trgtInfo"]["trgetEASInfo"]["eas"]["endPt"]["fqdn"], TARGET);
        t_eas.get(place).await.refused(404, "RESOURCE_NOT_FOUND", "");

        put(&scene.eas, place, r#"{"move": 17}"#).await.done();
        scene.doors.settled().await;
        let told = scene.doors.subscribers.told();
        assert_eq!((told.len(), told[0].at.as_str()), (1, T_EAS_HEARS), "{told:?}");
        let report = &told[0].body["eventReports"][0];
        assert_eq!(
            (
                &report["actStatus"],
                &report["easEndPoint"],
                &report["ueId"],
                &report["acId"]
            ),
            (
                &json!("ACT_START"),
                &json!({"uri": place}),
                &json!({"gpsi": UE}),
                &json!("ac.chess")
            )
        );
        for _ in 0..2 {
            assert_eq!(t_eas.get(place).await.found(), json!({"move": 17}));
        }
        scene.doors.settled().await;
        let told = scene.doors.subscribers.told();
        assert_eq!(told.len(), 3, "{told:?}");
        let at = |at: &str| told.iter().find(|told| told.at == at).map(|told| &told.body);
        let end = json!({"subscriptionId": id_of(&subscription), "actStatus": "SUCCESSFUL"});
        assert_eq!(at(&format!("{STATUS}/act-status")), Some(&end));
        assert!(at("https://chess.edge-b.example/managed/act-status").is_some());
        let complete = at(crate::scene::EEC_HEARS).unwrap();
        assert_eq!(
            complete["acrStatus"],
            json!({"acrRes": true, "tEasEndpoint": {"fqdn": TARGET}})
        );
        // It is over: nothing can be changed any more, and soon nothing is left.
        put(&scene.eas, place, "{}")
            .await
            .refused(404, "RESOURCE_NOT_FOUND", "");
        scene.doors.pass(11).await;
        for prefix in ["app-context/", "app-context-bytes/"] {
            assert!(scene.doors.keys(prefix).await.is_empty(), "{prefix}");
        }
        scene.doors.pass(91).await;
        for prefix in ["acr/", "app-context/", "app-context-bytes/"] {
            assert!(scene.doors.keys(prefix).await.is_empty(), "{prefix}");
        }
        assert!(scene.doors.others.asked().is_empty(), "nobody else had to be asked");
    }

    /// A T-EAS at another EES: its EES gets the address with the EEC context, in the place of an S-EAS.
    #[tokio::test]
    async fn the_address_goes_to_the_target_ees_with_the_eec_context() {
        let scene = scene().await;
        subscribe(&scene.eas, STATUS).await;
        target_elsewhere(&scene);
        let mut request = wish();
        request["easCharacs"][0]["svcFeats"] = json!(["ranked"]);
        let place = scene.eas.post(REQUEST, request).await.found()["appCtxtStoreAddr"].clone();
        scene.doors.settled().await;
        let asked = scene.doors.others.asked();
        assert_eq!(
            asked.iter().map(|asked| asked.what).collect::<Vec<_>>(),
            ["target-ees", "discover"]
        );
        assert_eq!(
            asked[1].body,
            json!({"requestorId": {"eesId": OWN_ID}, "ueId": UE, "eesSvcContinuity": ["EEL_MANAGED_ACR"],
                "easDiscoveryFilter": {"easChars": [{"easId": "eas.chess.example", "svcFeats": ["ranked"]}]}})
        );
        put(&scene.eas, place.as_str().unwrap(), "17").await.done();
        scene.doors.settled().await;
        let asked = scene.doors.others.asked();
        assert_eq!((asked.len(), asked[0].what, asked[0].of.as_str()), (1, "push", T_EES));
        let session = json!({"easId": "eas.chess.example", "endPt": {"uri": place}, "acId": "ac.chess", "acrList": ["EEL_MANAGED_ACR"]});
        assert_eq!(asked[0].body["eecCntx"]["sessCntxs"]["sessCntxs"], json!([session]));
        assert_eq!(asked[0].body["tgtEas"], json!({"fqdn": TARGET}));
        // The S-EAS has nothing to do: it is told neither to start nor to whom.
        assert!(scene.eas_told().await.is_empty());
        // The T-EAS comes from elsewhere, with the address only.
        let t_eas = scene.doors.eas("eas.chess.example#b1");
        assert_eq!(t_eas.get(place.as_str().unwrap()).await.found(), json!(17));
        scene.doors.settled().await;
        let told = scene.doors.subscribers.told();
        let ends: Vec<_> = told.iter().filter(|told| told.at.ends_with("/act-status")).collect();
        assert_eq!((ends.len(), &ends[0].body["actStatus"]), (1, &json!("SUCCESSFUL")));
        let complete = told.iter().find(|told| told.at == crate::scene::EEC_HEARS).unwrap();
        assert_eq!(complete.body["eecCtxtReloc"]["implReg"]["regId"], "reg-b");
    }

    /// An EAS may keep its context itself: its address is handed over as it is, and its report counts.
    #[tokio::test]
    async fn the_place_that_the_eas_names_is_handed_over() {
        let scene = scene().await;
        subscribe(&scene.eas, STATUS).await;
        target_here(&scene.doors).await;
        let answer = scene.eas.post(REQUEST, with_own_store()).await.found();
        assert_eq!(answer, json!({"appCtxtStoreAddr": OWN_STORE}));
        scene.doors.settled().await;
        let told = scene.doors.subscribers.told_at(T_EAS_HEARS);
        assert_eq!(told[0]["eventReports"][0]["easEndPoint"], json!({"uri": OWN_STORE}));
        scene.eas.post(ACR_STATUS, scene.report("SUCCESSFUL")).await.done();
        assert_eq!(ends(&scene.doors, STATUS).await.len(), 1);
        scene.eas.post(ACR_STATUS, scene.report("SUCCESSFUL")).await.done();
        assert!(ends(&scene.doors, STATUS).await.is_empty(), "it is told once");
    }

    /// A report of success before anything has moved is no result; one of failure calls the relocation off.
    #[tokio::test]
    async fn nothing_succeeds_before_it_has_begun() {
        let scene = scene().await;
        subscribe(&scene.eas, STATUS).await;
        target_here(&scene.doors).await;
        scene.eas.post(REQUEST, wish()).await.found();
        scene.doors.settled().await;
        scene.eas.post(ACR_STATUS, scene.report("SUCCESSFUL")).await.done();
        assert!(ends(&scene.doors, STATUS).await.is_empty());
        scene.eas.post(ACR_STATUS, scene.report("FAILED")).await.done();
        assert_eq!(ends(&scene.doors, STATUS).await[0]["actStatus"], "FAILED");
        scene.eas.post(REQUEST, wish()).await.found();
    }

    /// Nobody reported in time: it has failed, for all who wait for it; the T-EAS need not go on.
    #[tokio::test]
    async fn what_nobody_finishes_fails_at_its_deadline() {
        let scene = scene().await;
        subscribe(&scene.eas, STATUS).await;
        let t_eas = target_here(&scene.doors).await;
        let place = scene.eas.post(REQUEST, wish()).await.found()["appCtxtStoreAddr"].clone();
        put(&scene.eas, place.as_str().unwrap(), "17").await.done();
        scene.doors.settled().await;
        scene.doors.subscribers.told();
        scene.doors.pass(31).await;
        scene.doors.settled().await;
        let told = scene.doors.subscribers.told();
        assert_eq!(told.len(), 3, "{told:?}");
        let at = |at: &str| &told.iter().find(|told| told.at == at).unwrap().body;
        assert_eq!(at(&format!("{STATUS}/act-status"))["actStatus"], "FAILED");
        assert_eq!(at(T_EAS_HEARS)["eventReports"][0]["actStatus"], "ACT_STOP");
        assert_eq!(at(crate::scene::EEC_HEARS)["acrStatus"]["acrRes"], false);
        // Nobody goes on from a context whose relocation has failed.
        t_eas
            .get(place.as_str().unwrap())
            .await
            .refused(404, "RESOURCE_NOT_FOUND", "");
    }

    /// No EAS fits, here or elsewhere: the EAS hears it at once; the EEC has never heard of a target.
    #[tokio::test]
    async fn without_a_target_it_fails() {
        let scene = scene().await;
        subscribe(&scene.eas, STATUS).await;
        let other = scene.doors.eas("eas.chess.example#b1");
        other.post(EAS_REGISTRATIONS, chess(TARGET)).await.created();
        scene.eas.post(REQUEST, wish()).await.found();
        scene.doors.settled().await;
        let told = scene.doors.subscribers.told();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].body["actStatus"], "FAILED");
        scene.eas.post(REQUEST, wish()).await.found();
    }

    /// A T-EAS that does not listen cannot be told.
    #[tokio::test]
    async fn a_target_that_does_not_listen_makes_it_fail() {
        let scene = scene().await;
        subscribe(&scene.eas, STATUS).await;
        let other = scene.doors.eas("eas.chess.example#b1");
        other.post(EAS_REGISTRATIONS, managed(TARGET)).await.created();
        scene.eas.post(REQUEST, with_own_store()).await.found();
        assert_eq!(ends(&scene.doors, STATUS).await[0]["actStatus"], "FAILED");
    }

    /// An EES of the target that refuses what is handed over, or does not come back in time.
    #[tokio::test]
    async fn a_target_ees_that_refuses_makes_it_fail() {
        let scene = scene().await;
        subscribe(&scene.eas, STATUS).await;
        target_elsewhere(&scene);
        scene.doors.others.fail("push", PeerError::Refused("no".into()));
        scene.eas.post(REQUEST, with_own_store()).await.found();
        assert_eq!(ends(&scene.doors, STATUS).await[0]["actStatus"], "FAILED");
    }

    /// What was accepted before a crash is done after it.
    #[tokio::test]
    async fn what_was_accepted_is_kept() {
        let scene = scene().await;
        target_here(&scene.doors).await;
        scene.eas.post(REQUEST, with_own_store()).await.found();
        assert!(!scene.doors.keys("acr/").await.is_empty() && !scene.doors.keys("event/").await.is_empty());
        scene.doors.settled().await;
        assert_eq!(scene.doors.subscribers.told_at(T_EAS_HEARS).len(), 1);
    }

    /// One relocation of an application of a UE at a time, whoever began it.
    #[tokio::test]
    async fn a_second_one_has_to_wait() {
        let scene = scene().await;
        target_here(&scene.doors).await;
        scene.eas.post(REQUEST, wish()).await.found();
        scene
            .eas
            .post(REQUEST, wish())
            .await
            .refused(403, "ACR_IN_PROGRESS", "");
        scene.doors.settled().await;
        let mut other = scene.executed_via_source("chess.edge-c.example");
        other["prevTEasEndpoint"] = json!({"fqdn": TARGET});
        scene
            .eec
            .post(INITIATE, other)
            .await
            .refused(403, "ACR_IN_PROGRESS", "");
    }

    #[tokio::test]
    async fn one_that_an_eec_began_has_to_end_first() {
        let scene = scene().await;
        scene.eec.post(INITIATE, scene.executed_via_source(TARGET)).await.done();
        scene
            .eas
            .post(REQUEST, wish())
            .await
            .refused(403, "ACR_IN_PROGRESS", "");
    }

    #[tokio::test]
    async fn an_eas_that_is_not_registered_or_takes_no_part_is_refused() {
        let scene = Scene::set().await;
        scene
            .eas
            .post(REQUEST, wish())
            .await
            .refused(403, "ACR_SCENARIO_NOT_SUPPORTED", "");
        let other = scene.doors.eas("eas.chess.example#z9");
        other.post(REQUEST, wish()).await.refused(403, "NOT_REGISTERED", "");
    }

    #[tokio::test]
    async fn an_ees_that_takes_no_part_refuses() {
        let settings = Settings {
            scenarios: Some(vec![AcrScenario::EecInitiated]),
            ..Settings::default()
        };
        let scene = with(settings).await;
        scene
            .eas
            .post(REQUEST, wish())
            .await
            .refused(403, "ACR_SCENARIO_NOT_SUPPORTED", "");
    }

    /// A UE that nobody knows, and one that does not use the application.
    #[tokio::test]
    async fn a_ue_that_the_eas_does_not_serve_is_not_there() {
        let scene = scene().await;
        let mut unknown = wish();
        unknown["ueId"] = "msisdn-491700000009".into();
        scene.eas.post(REQUEST, unknown).await.refused(404, "UE_NOT_FOUND", "");
        let plays_go = json!({"eecId": "eec-1", "ueId": UE, "acProfs": [{"acId": "ac.go"}]});
        scene.eec.post(REGISTRATIONS, plays_go).await.created();
        scene.eas.post(REQUEST, wish()).await.refused(404, "UE_NOT_FOUND", "");
    }

    #[tokio::test]
    async fn a_bad_wish_is_refused_whole() {
        let scene = scene().await;
        let with = |member: &str, value: Value| {
            let mut wish = wish();
            wish[member] = value;
            wish
        };
        for (request, status, cause, pointer) in [
            (json!({"easCharacs": [{}]}), 400, "MANDATORY_IE_MISSING", "/ueId"),
            (json!({"ueId": UE}), 400, "MANDATORY_IE_MISSING", "/easCharacs"),
            (
                with("easCharacs", json!([])),
                400,
                "MANDATORY_IE_INCORRECT",
                "/easCharacs",
            ),
            (
                with("easCharacs", json!([{}, {"easId": "eas.go.example"}])),
                400,
                "MANDATORY_IE_INCORRECT",
                "/easCharacs/1/easId",
            ),
            (
                with("appCtxtStoreAddr", json!("http://chess.edge-a.example/c")),
                400,
                "CALLBACK_NOT_ALLOWED",
                "/appCtxtStoreAddr",
            ),
            (
                with("appCtxtStoreAddr", json!("https://10.0.0.1/c")),
                403,
                "CALLBACK_NOT_ALLOWED",
                "/appCtxtStoreAddr",
            ),
        ] {
            scene.eas.post(REQUEST, request).await.refused(status, cause, pointer);
        }
        assert!(scene.doors.keys("acr/").await.is_empty() && scene.doors.keys("app-context/").await.is_empty());
    }

    /// There are no features: what is offered comes back as none.
    #[tokio::test]
    async fn no_feature_is_negotiated() {
        let scene = scene().await;
        let mut request = with_own_store();
        request["suppFeat"] = "f".into();
        assert_eq!(scene.eas.post(REQUEST, request).await.found()["suppFeat"], "0");
    }
}

mod storage {
    use super::*;

    async fn place(scene: &Scene) -> String {
        let answer = scene.eas.post(REQUEST, wish()).await.found();
        answer["appCtxtStoreAddr"].as_str().unwrap().to_owned()
    }

    /// The owner writes and reads; a stranger, and an instance that is not told yet, find nothing.
    #[tokio::test]
    async fn it_is_the_owners() {
        let scene = scene().await;
        let place = place(&scene).await;
        scene.eas.get(&place).await.refused(404, "RESOURCE_NOT_FOUND", "");
        put(&scene.eas, &place, "1").await.done();
        put(&scene.eas, &place, "2").await.done();
        assert_eq!(scene.eas.get(&place).await.found(), json!(2));
        let sibling = scene.doors.eas("eas.chess.example#b1");
        let stranger = scene.doors.eas("eas.go.example#1");
        for other in [&sibling, &stranger] {
            put(other, &place, "3").await.refused(404, "RESOURCE_NOT_FOUND", "");
            other.get(&place).await.refused(404, "RESOURCE_NOT_FOUND", "");
        }
        assert_eq!(scene.eas.get(&place).await.found(), json!(2));
        scene.eas.delete(&place).await.refused(405, "METHOD_NOT_ALLOWED", "");
        let nowhere = "/app-contexts/0123456789abcdef0123456789abcdef";
        put(&scene.eas, nowhere, "1")
            .await
            .refused(404, "RESOURCE_NOT_FOUND", "");
    }

    /// Larger than other bodies may be, but not beyond the limit. What is too large replaces nothing.
    #[tokio::test]
    async fn it_takes_so_much_and_no_more() {
        let scene = scene().await;
        let place = place(&scene).await;
        let text = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
        put(&scene.eas, &place, &text(APP_CONTEXT_BYTES)).await.done();
        put(&scene.eas, &place, &text(APP_CONTEXT_BYTES + 1))
            .await
            .refused(413, "PAYLOAD_TOO_LARGE", "");
        let kept = scene.eas.get(&place).await;
        assert_eq!(kept.status, StatusCode::OK);
        assert_eq!(kept.body.as_str().unwrap().len(), APP_CONTEXT_BYTES - 2);
    }

    /// A context may change until it is taken: the T-EAS is told once and gets the newest.
    #[tokio::test]
    async fn the_newest_is_handed_out() {
        let scene = scene().await;
        let t_eas = target_here(&scene.doors).await;
        let place = place(&scene).await;
        put(&scene.eas, &place, "1").await.done();
        scene.doors.settled().await;
        put(&scene.eas, &place, "2").await.done();
        scene.doors.settled().await;
        assert_eq!(scene.doors.subscribers.told_at(T_EAS_HEARS).len(), 1);
        assert_eq!(t_eas.get(&place).await.found(), json!(2));
    }
}

mod subscriptions {
    use super::*;

    #[tokio::test]
    async fn they_are_shown_to_their_owner_only() {
        let scene = scene().await;
        assert_eq!(scene.eas.get(SUBSCRIPTIONS).await.found(), json!([]));
        let request = json!({"easId": "eas.chess.example", "notificationUri": STATUS, "suppFeat": "1"});
        let made = scene.eas.post(SUBSCRIPTIONS, request).await;
        let uri = made.created();
        let kept = json!({"easId": "eas.chess.example", "notificationUri": STATUS, "suppFeat": "0"});
        assert_eq!(made.body, kept);
        assert_eq!(scene.eas.get(&uri).await.found(), kept);
        assert_eq!(scene.eas.get(SUBSCRIPTIONS).await.found(), json!([kept]));
        let sibling = scene.doors.eas("eas.chess.example#b1");
        sibling.get(&uri).await.refused(404, "SUBSCRIPTION_NOT_FOUND", "");
        assert_eq!(sibling.get(SUBSCRIPTIONS).await.found(), json!([]));
        scene.eas.delete(&uri).await.refused(405, "METHOD_NOT_ALLOWED", "");
    }

    #[tokio::test]
    async fn a_bad_one_is_refused() {
        let scene = scene().await;
        for (request, status, cause, pointer) in [
            (
                json!({"notificationUri": STATUS}),
                400,
                "MANDATORY_IE_MISSING",
                "/easId",
            ),
            (
                json!({"easId": "eas.chess.example"}),
                400,
                "MANDATORY_IE_MISSING",
                "/notificationUri",
            ),
            (
                json!({"easId": "eas.go.example", "notificationUri": STATUS}),
                403,
                "OWNER_MISMATCH",
                "/easId",
            ),
            (
                json!({"easId": "eas.chess.example", "notificationUri": "http://chess.edge-a.example/n"}),
                400,
                "CALLBACK_NOT_ALLOWED",
                "/notificationUri",
            ),
        ] {
            scene
                .eas
                .post(SUBSCRIPTIONS, request)
                .await
                .refused(status, cause, pointer);
        }
        let unregistered = scene.doors.eas("eas.chess.example#z9");
        let request = json!({"easId": "eas.chess.example", "notificationUri": STATUS});
        unregistered
            .post(SUBSCRIPTIONS, request)
            .await
            .refused(403, "NOT_REGISTERED", "");
    }

    /// They end with the last registration of their EAS.
    #[tokio::test]
    async fn they_end_with_their_eas() {
        let scene = scene().await;
        let uri = subscribe(&scene.eas, STATUS).await;
        let registration = scene.eas.post(EAS_REGISTRATIONS, managed(SOURCE)).await.created();
        scene.doors.settled().await;
        scene.eas.get(&uri).await.found();
        scene.eas.delete(&registration).await.done();
        scene.doors.settled().await;
        scene.eas.get(&uri).await.refused(404, "SUBSCRIPTION_NOT_FOUND", "");
    }

    /// Relocations that are not managed end without a word to them.
    #[tokio::test]
    async fn other_relocations_do_not_concern_them() {
        let scene = scene().await;
        subscribe(&scene.eas, STATUS).await;
        scene.eec.post(INITIATE, scene.executed_via_source(TARGET)).await.done();
        scene.eas.post(ACR_STATUS, scene.report("FAILED")).await.done();
        assert!(ends(&scene.doors, STATUS).await.is_empty());
    }

    /// A subscriber that refuses is given up after some attempts, and the rest goes on.
    #[tokio::test]
    async fn one_that_refuses_does_not_disturb_the_others() {
        let scene = scene().await;
        subscribe(&scene.eas, "https://chess.edge-a.example/gone").await;
        subscribe(&scene.eas, STATUS).await;
        let gone = "https://chess.edge-a.example/gone/act-status";
        scene.doors.subscribers.refuse(gone, NotDelivered::Refused(410));
        scene.eas.post(REQUEST, wish()).await.found();
        assert_eq!(ends(&scene.doors, STATUS).await.len(), 1);
    }
}

mod at_the_target {
    use super::*;

    const STORE: &str = "https://ees-b.example/app-contexts/42";

    /// Here the EAS of the scene is the target.
    fn push() -> Value {
        let session = json!({"easId": "eas.chess.example", "endPt": {"uri": STORE}, "acId": "ac.chess", "acrList": ["EEL_MANAGED_ACR"]});
        json!({"eesId": T_EES, "tgtEas": {"fqdn": SOURCE}, "eecCntx": {"eecId": "eec-2", "cntxId": "ctx-2",
            "ueId": "msisdn-491700000002", "sessCntxs": {"sessCntxs": [session]}}})
    }

    /// The T-EAS is told where to take its context from, and its report is told to who subscribed here.
    #[tokio::test]
    async fn the_target_is_told_where_the_context_lies() {
        let scene = scene().await;
        subscribe(&scene.eas, STATUS).await;
        let s_ees = scene.doors.ees(T_EES);
        for _ in 0..2 {
            s_ees.post(CONTEXTS, push()).await.found();
        }
        scene.doors.settled().await;
        let told = scene.doors.subscribers.told_at(EAS_HEARS);
        assert_eq!(told.len(), 1, "{told:?}");
        let report = &told[0]["eventReports"][0];
        assert_eq!(
            (&report["actStatus"], &report["easEndPoint"], &report["ueId"]["gpsi"]),
            (
                &json!("ACT_START"),
                &json!({"uri": STORE}),
                &json!("msisdn-491700000002")
            )
        );
        let result = json!({"actResult": "SUCCESSFUL", "ueId": "msisdn-491700000002", "easEndPoint": {"uri": STORE}});
        let report = json!({"easId": "eas.chess.example", "acId": "ac.chess", "actResultInfo": result});
        scene.eas.post(ACR_STATUS, report).await.done();
        assert_eq!(ends(&scene.doors, STATUS).await[0]["actStatus"], "SUCCESSFUL");
        // Its address is nobody else's business: who asks for the context later does not find it there.
        let context = s_ees
            .get(&format!("{CONTEXTS}?ees-id={T_EES}&eec-cntx-id=ctx-2"))
            .await
            .found();
        assert!(context.get("sessCntxs").is_none(), "{context}");
        // The same once more changes nothing, also afterwards.
        s_ees.post(CONTEXTS, push()).await.found();
        assert!(scene.eas_told().await.is_empty());
    }

    #[tokio::test]
    async fn what_the_target_does_not_report_fails_here_too() {
        let scene = scene().await;
        subscribe(&scene.eas, STATUS).await;
        scene.doors.ees(T_EES).post(CONTEXTS, push()).await.found();
        scene.doors.settled().await;
        scene.doors.pass(31).await;
        assert_eq!(ends(&scene.doors, STATUS).await[0]["actStatus"], "FAILED");
    }

    /// Without the T-EAS nothing is taken over, not even the context.
    #[tokio::test]
    async fn what_cannot_be_done_is_refused_whole() {
        let scene = scene().await;
        let s_ees = scene.doors.ees(T_EES);
        let mut elsewhere = push();
        elsewhere["tgtEas"] = json!({"fqdn": "nobody.example"});
        s_ees
            .post(CONTEXTS, elsewhere)
            .await
            .refused(404, "RESOURCE_NOT_FOUND", "");
        let mut nobody = push();
        nobody["eecCntx"].as_object_mut().unwrap().remove("ueId");
        s_ees
            .post(CONTEXTS, nobody)
            .await
            .refused(400, "MANDATORY_IE_MISSING", "/eecCntx/ueId");
        s_ees.post(CONTEXTS, push()).await.found();
        let mut other = push();
        other["eecCntx"]["sessCntxs"]["sessCntxs"][0]["endPt"]["uri"] = "https://ees-b.example/app-contexts/43".into();
        s_ees.post(CONTEXTS, other).await.refused(403, "ACR_IN_PROGRESS", "");
        assert_eq!(scene.doors.keys("acr/").await.len(), 1);
    }
}
