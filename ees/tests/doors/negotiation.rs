//! Features that were agreed on decide which members count and which are sent (TS 29.122 clause 5.2.7), the same in every API.

use crate::harness::{Doors, Settings};
use edgeapp_core::consent::Purpose;
use edgeapp_testkit::network::FakeCore;
use serde_json::{Value, json};
use std::sync::Arc;

const EAS: &str = "eas.chess.example#a1";
const UE: &str = "extid-ue1@operator.example";
const LOCATIONS: &str = "/eees-uelocation/v1/subscriptions";

/// An EAS with members of Release 18 is registered.
async fn site() -> Doors {
    let settings = Settings {
        core: Arc::new(FakeCore::default()),
        ..Settings::default()
    };
    let doors = Doors::with(settings).await;
    let profile = json!({"easId": "eas.chess.example", "endPt": {"fqdn": "a.example"}, "genCtxDur": 5, "easSyncSupp": true,
        "easBdlInfos": [{"bdlType": "DIRECT", "bdlId": "b1"}]});
    let registrations = "/eees-easregistration/v1/registrations";
    doors
        .eas(EAS)
        .post(registrations, json!({"easProf": profile}))
        .await
        .created();
    for purpose in [Purpose::Location, Purpose::Qos] {
        doors.agreements.agree(UE, purpose);
    }
    doors
}

fn with_features(mut body: Value, features: Option<&str>) -> Value {
    if let Some(features) = features {
        body["suppFeat"] = features.into();
    }
    body
}

#[tokio::test]
async fn what_release_18_added_is_not_told_to_who_left_it_out() {
    let doors = site().await;
    let request = json!({"requestorId": {"eecId": "registered-1"}});
    for (features, told) in [(None, true), (Some("4"), true), (Some("1"), false), (Some("0"), false)] {
        let found = doors
            .eec("registered-1")
            .post(
                "/eees-easdiscovery/v1/eas-profiles/request-discovery",
                with_features(request.clone(), features),
            )
            .await
            .found();
        let eas = &found["discoveredEas"][0]["eas"];
        assert_eq!(eas["easId"], "eas.chess.example");
        for member in ["genCtxDur", "easSyncSupp", "easBdlInfos"] {
            assert_eq!(eas.get(member).is_some(), told, "{features:?}: {member} in {eas}");
        }
    }
}

#[tokio::test]
async fn what_release_18_added_is_not_notified_to_who_left_it_out() {
    let doors = site().await;
    for (n, features) in ["1", "5"].into_iter().enumerate() {
        let subscription = json!({"eecId": "registered-1", "easEventType": "EAS_AVAILABILITY_CHANGE",
            "notificationDestination": format!("https://ue.example/{n}")});
        doors
            .eec("registered-1")
            .post(
                "/eees-easdiscovery/v1/subscriptions",
                with_features(subscription, Some(features)),
            )
            .await
            .created();
    }
    let profile = json!({"easId": "eas.go.example", "endPt": {"fqdn": "b.example"}, "genCtxDur": 5});
    doors
        .eas("eas.go.example#b1")
        .post("/eees-easregistration/v1/registrations", json!({"easProf": profile}))
        .await
        .created();
    doors.settled().await;
    let told = doors.subscribers.told();
    let duration = |n: usize| {
        let at = format!("https://ue.example/{n}");
        let told = told.iter().find(|told| told.at == at).expect("a notification");
        told.body["discoveredEas"][0]["eas"].get("genCtxDur").cloned()
    };
    assert_eq!((duration(0), duration(1)), (None, Some(json!(5))));
}

/// An address that would be refused is not looked at where its feature was not agreed on.
#[tokio::test]
async fn a_member_of_a_feature_that_was_left_out_is_ignored() {
    let doors = site().await;
    let eas = doors.eas(EAS);
    let subscription = json!({"easId": "eas.chess.example", "ueId": UE, "notificationDestination": "https://chess.example/l",
        "revocationNotifUri": "http://chess.example/plain"});
    eas.post(LOCATIONS, with_features(subscription.clone(), Some("f")))
        .await
        .refused(400, "CALLBACK_NOT_ALLOWED", "/revocationNotifUri");
    let made = eas.post(LOCATIONS, with_features(subscription, Some("9"))).await;
    let uri = made.created();
    assert_eq!(
        (made.body.get("revocationNotifUri"), &made.body["suppFeat"]),
        (None, &json!("9"))
    );
    let changed = eas
        .patch(&uri, json!({"revocationNotifUri": "http://chess.example/plain"}))
        .await;
    assert_eq!(
        changed.found().get("revocationNotifUri"),
        None,
        "a patch offers no feature"
    );
    let whole = json!({"easId": "eas.chess.example", "ueId": UE, "notificationDestination": "https://chess.example/l",
        "revocationNotifUri": "https://chess.example/r"});
    let changed = eas.put(&uri, whole.clone()).await.found();
    assert_eq!(
        (changed.get("revocationNotifUri"), &changed["suppFeat"]),
        (None, &json!("9"))
    );
    let changed = eas.put(&uri, with_features(whole, Some("4"))).await.found();
    assert_eq!(
        changed["revocationNotifUri"], "https://chess.example/r",
        "PUT may offer anew"
    );
}

/// Delivery over WebSocket is offered by nobody; what asks for it does not come back.
#[tokio::test]
async fn a_web_socket_is_ignored_everywhere() {
    let doors = site().await;
    let (eas, eec) = (doors.eas(EAS), doors.eec("registered-1"));
    let socket = json!({"requestWebsocketUri": true});
    for (caller, path, mut body) in [
        (
            &eas,
            LOCATIONS,
            json!({"easId": "eas.chess.example", "ueId": UE, "notificationDestination": "https://chess.example/l"}),
        ),
        (
            &eas,
            "/eees-session-with-qos/v1/sessions",
            json!({"easId": "eas.chess.example", "ueId": UE, "ipFlows": ["permit in ip from any to any"], "qosReference": "g"}),
        ),
        (
            &eec,
            "/eees-easdiscovery/v1/subscriptions",
            json!({"eecId": "registered-1", "easEventType": "EAS_AVAILABILITY_CHANGE",
                "notificationDestination": "https://ue.example/d"}),
        ),
        (
            &eec,
            "/eees-acrevents/v1/subscriptions",
            json!({"eecId": "registered-1", "easIds": ["eas.chess.example"], "eventIds": "ACR_COMPLETE",
                "notificationDestination": "https://ue.example/a"}),
        ),
    ] {
        body["websockNotifConfig"] = socket.clone();
        body["suppFeat"] = "ff".into();
        let made = caller.post(path, body.clone()).await;
        let uri = made.created();
        assert_eq!(made.body.get("websockNotifConfig"), None, "{path}");
        let put = caller.put(&uri, body).await.found();
        assert_eq!(put.get("websockNotifConfig"), None, "{path}");
        assert_eq!(put["suppFeat"], made.body["suppFeat"], "{path}");
    }
}
