//! Bundles of EASs (TS 23.558 clauses 8.8.1.6 and 8.8.2.7 to 8.8.2.9): the chess game and the chat beside it.

use super::{decided_here::determine, *};
use crate::scene::ACR_EVENTS;

const CHAT: &str = "eas.chat.example";
const CHAT_SOURCE: &str = "chat.edge-a.example";
const CHAT_TARGET: &str = "chat.edge-b.example";
const CHAT_HEARS: &str = "https://chat.edge-a.example/acr";

/// The bundle, with what its members need of each other.
fn bundle(requirements: Value) -> Value {
    json!({"bdlType": "DIRECT", "bdlId": "b1", "easIdsList": ["eas.chess.example", CHAT], "easBdlReqs": requirements})
}

fn coordinated(action: &str, affinity: &str) -> Value {
    json!({"coordinatedAcr": {"coordinatedAcrInd": true, "failureAction": action}, "affinity": affinity})
}

fn registration(eas_id: &str, host: &str, bundle: &Value) -> Value {
    json!({"easProf": {"easId": eas_id, "endPt": {"fqdn": host}, "provId": "games-inc", "easBdlInfos": [bundle],
        "svcArea": {"topServAr": {"tais": [{"plmnId": {"mcc": "001", "mnc": "01"}, "tac": "000001"}]}}}})
}

struct Two {
    scene: Scene,
    chat: crate::harness::Caller,
}

/// Both EASs are here and listen, and the EEC listens to news of both.
async fn two(requirements: Value) -> Two {
    let scene = Scene::set().await;
    let bundle = bundle(requirements);
    let chat = scene.doors.eas("eas.chat.example#c1");
    for (eas, id, host) in [(&scene.eas, "eas.chess.example", SOURCE), (&chat, CHAT, CHAT_SOURCE)] {
        let made = eas.post(
            "/eees-easregistration/v1/registrations",
            registration(id, host, &bundle),
        );
        made.await.created();
    }
    let orders =
        json!({"easId": CHAT, "eventSubscs": [{"event": "ACT_START_STOP"}], "notificationDestination": CHAT_HEARS});
    chat.post(ACR_MANAGEMENT, orders).await.created();
    for event in ["ACR_COMPLETE", "TARGET_INFORMATION"] {
        let news = json!({"eecId": "eec-1", "easIds": [CHAT], "eventIds": event, "notificationDestination": EEC_HEARS});
        scene.eec.post(ACR_EVENTS, news).await.created();
    }
    scene.doors.others.answer("push", json!({}));
    Two { scene, chat }
}

impl Two {
    /// The EEC asks for both.
    fn wish(&self, requirements: Value) -> Value {
        let mut request = self.scene.executed_via_source(TARGET);
        request["easBundleInfo"] = bundle(requirements);
        request["tEasEndPointBundleList"] = json!([{"fqdn": TARGET}, {"fqdn": CHAT_TARGET}]);
        request
    }

    async fn chat_reports(&self, result: &str) {
        let report = json!({"easId": CHAT, "acId": "ac.chess",
            "actResultInfo": {"actResult": result, "ueId": UE, "easEndPoint": {"fqdn": CHAT_TARGET}}});
        self.chat.post(ACR_STATUS, report).await.done();
    }

    async fn chess_reports(&self, result: &str) {
        let report = self.scene.report(result);
        self.scene.eas.post(ACR_STATUS, report).await.done();
    }

    /// What all were told since the last look: chess, chat, and of the EEC the application with the result.
    async fn told(&self) -> (Vec<String>, Vec<String>, Vec<(String, bool)>) {
        self.scene.doors.settled().await;
        let told = self.scene.doors.subscribers.told();
        let orders = |at: &str| {
            let to = told.iter().filter(|told| told.at == at);
            to.map(|told| {
                let report = &told.body["eventReports"][0];
                let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                format!(
                    "{} {}",
                    word(&report["actStatus"]),
                    word(&report["easEndPoint"]["fqdn"])
                )
            })
            .collect()
        };
        let ends = told.iter().filter(|told| told.body["eventId"] == "ACR_COMPLETE");
        let mut ends: Vec<(String, bool)> = ends
            .map(|told| {
                assert_eq!(told.body["easBundleInfo"]["bdlId"], "b1", "{}", told.body);
                assert_eq!(told.body["tEasEndPointBundleList"][1]["fqdn"], CHAT_TARGET);
                let result = told.body["acrStatus"]["acrRes"].as_bool().unwrap();
                (told.body["easId"].as_str().unwrap().to_owned(), result)
            })
            .collect();
        ends.sort();
        (orders(EAS_HEARS), orders(CHAT_HEARS), ends)
    }
}

fn both(result: bool) -> Vec<(String, bool)> {
    vec![(CHAT.to_owned(), result), ("eas.chess.example".to_owned(), result)]
}

/// Clause 8.8.2.7, a direct bundle by the EEC: each S-EAS is told its own target, and the EEC hears of success when both have moved.
#[tokio::test]
async fn both_move_together() {
    let two = two(json!({})).await;
    let wish = two.wish(coordinated("CANCEL", "STRONG"));
    for _ in 0..2 {
        two.scene.eec.post(INITIATE, wish.clone()).await.done();
    }
    let (chess, chat, ends) = two.told().await;
    assert_eq!(
        (chess, chat),
        (
            vec![format!("ACT_START {TARGET}")],
            vec![format!("ACT_START {CHAT_TARGET}")]
        )
    );
    assert!(ends.is_empty());
    two.chess_reports("SUCCESSFUL").await;
    assert!(two.told().await.2.is_empty(), "one alone is no success");
    two.chat_reports("SUCCESSFUL").await;
    assert_eq!(two.told().await.2, both(true));
}

/// CANCEL: one fails, so the other stops, although it had succeeded, and the EEC hears that neither has moved.
#[tokio::test]
async fn with_cancel_the_failure_of_one_is_that_of_both() {
    let two = two(json!({})).await;
    let wish = two.wish(coordinated("CANCEL", "STRONG"));
    two.scene.eec.post(INITIATE, wish.clone()).await.done();
    two.told().await;
    two.chess_reports("SUCCESSFUL").await;
    two.chat_reports("FAILED").await;
    let (chess, chat, ends) = two.told().await;
    assert_eq!(chess, [format!("ACT_STOP {TARGET}")]);
    assert!(chat.is_empty(), "it knows: {chat:?}");
    assert_eq!(ends, both(false));
    // It says that it has stopped, as clause 8.9.5.3 of TS 29.558 has it.
    let mut stopped = two.scene.report("FAILED");
    stopped["actResultInfo"]["actFailureCause"] = "ACR_CANCELLATION".into();
    two.scene.eas.post(ACR_STATUS, stopped).await.done();
    // Both may try again.
    two.scene.eec.post(INITIATE, wish).await.done();
    assert_eq!(two.told().await.0, [format!("ACT_START {TARGET}")]);
}

/// CANCEL: a member that nobody reports on in time fails both.
#[tokio::test]
async fn with_cancel_silence_of_one_is_the_failure_of_both() {
    let two = two(json!({})).await;
    two.scene
        .eec
        .post(INITIATE, two.wish(coordinated("CANCEL", "WEAK")))
        .await
        .done();
    two.told().await;
    two.chess_reports("SUCCESSFUL").await;
    two.scene.doors.pass(31).await;
    assert_eq!(two.told().await.2, both(false));
    assert!(two.scene.doors.keys("acr/").await.is_empty());
}

/// PROCEED: the one that can goes on.
#[tokio::test]
async fn with_proceed_each_goes_its_own_way() {
    let two = two(json!({})).await;
    two.scene
        .eec
        .post(INITIATE, two.wish(coordinated("PROCEED", "WEAK")))
        .await
        .done();
    two.told().await;
    two.chat_reports("FAILED").await;
    assert_eq!(two.told().await.2, [(CHAT.to_owned(), false)]);
    two.chess_reports("SUCCESSFUL").await;
    assert_eq!(two.told().await.2, [("eas.chess.example".to_owned(), true)]);
}

/// What does not fit together is pointed at, and nothing begins.
#[tokio::test]
async fn a_list_that_does_not_fit_is_refused() {
    let two = two(json!({})).await;
    let good = two.wish(json!({}));
    let with = |pointer: &str, value: Value| {
        let mut wish = good.clone();
        *wish.pointer_mut(pointer).unwrap() = value;
        wish
    };
    let mut bare = good.clone();
    bare.as_object_mut().unwrap().remove("easBundleInfo");
    for (wish, pointer) in [
        (bare, "/easBundleInfo"),
        (
            with("/tEasEndPointBundleList", json!([{"fqdn": TARGET}])),
            "/tEasEndPointBundleList",
        ),
        (
            with("/tEasEndPointBundleList/0/fqdn", json!("other.example")),
            "/tEasEndPointBundleList/0",
        ),
        (
            with("/easBundleInfo/easIdsList/0", json!("eas.go.example")),
            "/easBundleInfo/easIdsList",
        ),
        (
            with("/easBundleInfo/easIdsList/1", json!("eas.chess.example")),
            "/easBundleInfo/easIdsList",
        ),
    ] {
        let answer = two.scene.eec.post(INITIATE, wish).await;
        answer.refused(400, "OPTIONAL_IE_INCORRECT", pointer);
    }
    let answer = two
        .scene
        .eec
        .post(INITIATE, with("/easBundleInfo/easIdsList/1", json!("eas.go.example")))
        .await;
    answer.refused(404, "RESOURCE_NOT_FOUND", "/easBundleInfo/easIdsList/1");
    let mut proxy = with("/easBundleInfo/bdlType", json!("PROXY"));
    proxy["easBundleInfo"]["mainEasId"] = CHAT.into();
    let answer = two.scene.eec.post(INITIATE, proxy).await;
    answer.refused(400, "OPTIONAL_IE_INCORRECT", "/easBundleInfo/mainEasId");
    assert!(two.scene.doors.keys("acr/").await.is_empty());
}

/// One of them relocates already: the bundle does not begin, not even in part.
#[tokio::test]
async fn a_bundle_begins_whole_or_not_at_all() {
    let two = two(json!({})).await;
    let chat_alone = json!({"requestorId": "eec-1", "ueId": UE, "acId": "ac.chess", "easId": CHAT, "easNotifInd": true,
        "sEasEndpoint": {"fqdn": CHAT_SOURCE}, "tEasEndpoint": {"fqdn": "chat.edge-c.example"}});
    two.scene.eec.post(INITIATE, chat_alone).await.done();
    let answer = two.scene.eec.post(INITIATE, two.wish(json!({}))).await;
    answer.refused(403, "ACR_IN_PROGRESS", "");
    assert_eq!(two.scene.doors.keys("acr/").await.len(), 1);
}

/// Clause 8.8.2.8, by the S-EAS: the others of its own bundle are told to start, and the EEC where they go.
#[tokio::test]
async fn an_s_eas_declares_for_its_bundle() {
    let two = two(json!({})).await;
    let mut declared = json!({"ueId": UE, "acId": "ac.chess", "tEasId": "eas.chess.example", "tEasEndpoint": {"fqdn": TARGET},
        "easBundleInfo": bundle(coordinated("CANCEL", "WEAK")),
        "tEasEndPointBundleList": [{"fqdn": TARGET}, {"fqdn": CHAT_TARGET}]});
    let mut stranger = declared.clone();
    stranger["easBundleInfo"]["bdlId"] = "b2".into();
    two.scene
        .eas
        .post(DECLARE, stranger)
        .await
        .refused(403, "OWNER_MISMATCH", "");
    two.scene.eas.post(DECLARE, declared.clone()).await.done();
    let (chess, chat, _) = two.told().await;
    assert_eq!((chess.len(), chat), (0, vec![format!("ACT_START {CHAT_TARGET}")]));
    two.chess_reports("SUCCESSFUL").await;
    two.chat_reports("SUCCESSFUL").await;
    assert_eq!(two.told().await.2, both(true));
    declared["easBundleInfo"]["easIdsList"] = json!(["eas.chess.example", "eas.go.example"]);
    declared["tEasEndpoint"]["fqdn"] = "chess.edge-c.example".into();
    declared["tEasEndPointBundleList"][0]["fqdn"] = "chess.edge-c.example".into();
    let answer = two.scene.eas.post(DECLARE, declared).await;
    answer.refused(404, "RESOURCE_NOT_FOUND", "/easBundleInfo/easIdsList/1");
}

/// Clause 8.8.2.9, by the S-EES: what the registration of the EAS says about its bundle counts.
#[tokio::test]
async fn the_s_ees_moves_a_coordinated_bundle() {
    let two = two(coordinated("CANCEL", "STRONG")).await;
    offered(&two, &[("eas.chess.example", TARGET), (CHAT, CHAT_TARGET)]);
    two.scene.eec.post(DETERMINE, determine("eec-1", "000002")).await.done();
    let (chess, chat, _) = two.told().await;
    assert_eq!(
        (chess, chat),
        (
            vec![format!("ACT_START {TARGET}")],
            vec![format!("ACT_START {CHAT_TARGET}")]
        )
    );
    two.chat_reports("SUCCESSFUL").await;
    two.chess_reports("SUCCESSFUL").await;
    assert_eq!(two.told().await.2, both(true));
}

/// STRONG: an edge data network that lacks one of them is no target for any.
#[tokio::test]
async fn strong_affinity_never_splits_a_bundle() {
    for (affinity, begun) in [("STRONG", 0), ("WEAK", 1)] {
        let two = two(coordinated("PROCEED", affinity)).await;
        offered(&two, &[("eas.chess.example", TARGET)]);
        two.scene.eec.post(DETERMINE, determine("eec-1", "000002")).await.done();
        two.scene.doors.settled().await;
        assert_eq!(two.scene.doors.keys("acr/").await.len(), begun, "{affinity}");
    }
}

fn offered(two: &Two, eass: &[(&str, &str)]) {
    let others = &two.scene.doors.others;
    others.answer(
        "target-ees",
        json!({"ednCnfgInfo": [{"ednConInfo": {"dnn": "edge-b"},
        "eess": [{"eesId": T_EES, "endPt": {"uri": "https://ees-b.example"}, "eecRegConf": true}]}]}),
    );
    let eass: Vec<Value> = eass
        .iter()
        .map(|(id, host)| json!({"eas": {"easId": id, "endPt": {"fqdn": host}}}))
        .collect();
    others.answer("discover", json!({"discoveredEas": eass}));
}
