//! Eees_EASDiscovery, the subscriptions (TS 24.558 clauses 5.3.2.3, 5.3.2.5, 5.3.2.6).

use crate::harness::Doors;
use edgeapp_core::store::Span;
use serde_json::{Value, json};

const API: &str = "/eees-easdiscovery/v1/subscriptions";

fn subscription() -> Value {
    json!({"eecId": "eec-1", "easEventType": "EAS_AVAILABILITY_CHANGE", "notificationDestination": "https://ue.example/cb",
        "easDiscoveryFilter": {"acChars": [{"acProf": {"acId": "ac.chess"}}], "easChars": [{"easId": "eas.chess.example"}]}})
}

async fn events(doors: &Doors) -> usize {
    doors.store.range(Span::prefix("event/")).await.unwrap().entries.len()
}

mod create {
    use super::*;

    #[tokio::test]
    async fn a_subscription_is_kept_as_granted() {
        let doors = Doors::open().await;
        let made = doors.eec("eec-1").post(API, subscription()).await;
        assert!(
            made.created()
                .starts_with("https://ees.example/eees-easdiscovery/v1/subscriptions/")
        );
        let mut expected = subscription();
        expected["expTime"] = "2026-01-05T12:10:00Z".into();
        assert_eq!(made.body, expected);
        assert_eq!(events(&doors).await, 0);
    }

    #[tokio::test]
    async fn a_test_notification_is_sent_when_asked_for_and_negotiated() {
        let doors = Doors::open().await;
        let mut asked = subscription();
        asked["requestTestNotification"] = true.into();
        asked["websockNotifConfig"] = json!({"requestWebsocketUri": true});
        let made = doors.eec("eec-1").post(API, asked.clone()).await;
        assert_eq!(
            (&made.body["requestTestNotification"], events(&doors).await),
            (&Value::Null, 0)
        );
        asked["suppFeat"] = "F".into();
        let made = doors.eec("eec-1").post(API, asked).await;
        assert_eq!(
            (&made.body["suppFeat"], &made.body["websockNotifConfig"]),
            (&json!("5"), &Value::Null)
        );
        let told = doors
            .store
            .range(Span::prefix("event/"))
            .await
            .unwrap()
            .entries
            .remove(0);
        let told: Value = serde_json::from_slice(&told.value).unwrap();
        assert_eq!(told["TestAsked"]["uri"], made.created());
        assert_eq!(told["TestAsked"]["destination"], "https://ue.example/cb");
    }

    #[tokio::test]
    async fn what_cannot_be_served_is_refused() {
        let doors = Doors::open().await;
        let eec = doors.eec("eec-1");
        let with = |member: &str, value: Value| {
            let mut subscription = subscription();
            subscription[member] = value;
            subscription
        };
        for (request, status, cause, pointer) in [
            (with("eecId", json!("eec-2")), 403, "OWNER_MISMATCH", "/eecId"),
            (
                with("ueId", json!("msisdn-491700000002")),
                403,
                "UE_ID_NOT_VERIFIED",
                "/ueId",
            ),
            (
                with("easEventType", json!("EAS_PARTY")),
                400,
                "MANDATORY_IE_INCORRECT",
                "/easEventType",
            ),
            (
                with("easEventType", json!("EAS_DYNAMIC_INFO_CHANGE")),
                400,
                "MANDATORY_IE_MISSING",
                "/easDynInfoFilter",
            ),
            (
                with("notificationDestination", json!("http://ue.example/")),
                400,
                "CALLBACK_NOT_ALLOWED",
                "/notificationDestination",
            ),
            (
                with("notificationDestination", json!("https://127.0.0.1/")),
                403,
                "CALLBACK_NOT_ALLOWED",
                "/notificationDestination",
            ),
            (
                with("expTime", json!("2026-01-05T11:00:00Z")),
                400,
                "OPTIONAL_IE_INCORRECT",
                "/expTime",
            ),
        ] {
            eec.post(API, request).await.refused(status, cause, pointer);
        }
    }
}

mod change {
    use super::*;

    #[tokio::test]
    async fn patch_keeps_what_it_does_not_name() {
        let doors = Doors::open().await;
        let eec = doors.eec("eec-1");
        let at = eec.post(API, subscription()).await.created();
        let patch = json!({"easDiscoveryFilter": {"acChars": [{"acProf": {"acId": "ac.go"}}]}});
        let patched = eec.patch(&at, patch).await.found();
        let mut expected = subscription();
        expected["expTime"] = "2026-01-05T12:10:00Z".into();
        expected["easDiscoveryFilter"]["acChars"][0]["acProf"]["acId"] = "ac.go".into();
        assert_eq!(patched, expected);
    }

    #[tokio::test]
    async fn patch_cannot_leave_an_event_without_its_filter_or_touch_what_is_fixed() {
        let doors = Doors::open().await;
        let eec = doors.eec("eec-1");
        let at = eec.post(API, subscription()).await.created();
        let dynamic = json!({"easEventType": "EAS_DYNAMIC_INFO_CHANGE"});
        eec.patch(&at, dynamic.clone())
            .await
            .refused(400, "MANDATORY_IE_MISSING", "/easDynInfoFilter");
        let mut whole = dynamic;
        whole["easDynInfoFilter"] = json!({"dynInfoFilter": [{"eecId": "eas.chess.example", "easStatus": true}]});
        eec.patch(&at, whole).await.found();
        eec.patch(&at, json!({"eecId": "eec-2"}))
            .await
            .refused(403, "MODIFICATION_NOT_ALLOWED", "/eecId");
        eec.patch(&at, json!({"eecId": "eec-1"})).await.found();
        let elsewhere = json!({"notificationDestination": "https://other.example/"});
        eec.patch(&at, elsewhere)
            .await
            .refused(403, "MODIFICATION_NOT_ALLOWED", "/notificationDestination");
    }

    #[tokio::test]
    async fn put_replaces_all_but_the_identity() {
        let doors = Doors::open().await;
        let eec = doors.eec("eec-1");
        let at = eec.post(API, subscription()).await.created();
        let smaller = json!({"eecId": "eec-1", "easEventType": "EAS_AVAILABILITY_CHANGE",
            "notificationDestination": "https://ue.example/other"});
        let put = eec.put(&at, smaller.clone()).await.found();
        assert_eq!(
            (&put["easDiscoveryFilter"], &put["notificationDestination"]),
            (&Value::Null, &smaller["notificationDestination"])
        );
        let mut inside = smaller.clone();
        inside["notificationDestination"] = "https://10.0.0.1/".into();
        eec.put(&at, inside)
            .await
            .refused(403, "CALLBACK_NOT_ALLOWED", "/notificationDestination");
        let mut of_ue = smaller;
        of_ue["ueId"] = "msisdn-491700000001".into();
        eec.put(&at, of_ue)
            .await
            .refused(403, "MODIFICATION_NOT_ALLOWED", "/ueId");
    }
}

mod end {
    use super::*;

    #[tokio::test]
    async fn a_subscription_ends_once_and_for_its_owner_only() {
        let doors = Doors::open().await;
        let (eec, stranger) = (doors.eec("eec-1"), doors.eec("eec-2"));
        let at = eec.post(API, subscription()).await.created();
        stranger.delete(&at).await.refused(404, "SUBSCRIPTION_NOT_FOUND", "");
        stranger
            .patch(&at, json!({}))
            .await
            .refused(404, "SUBSCRIPTION_NOT_FOUND", "");
        eec.get(&at).await.refused(405, "METHOD_NOT_ALLOWED", "");
        eec.delete(&at).await.done();
        eec.delete(&at).await.refused(404, "SUBSCRIPTION_NOT_FOUND", "");
    }
}

/// TS 24.558 clause 6.3.5: an EEC that nobody can call is woken up through the core network (TS 23.558 clause 8.16).
mod eec_trigger {
    use super::*;
    use crate::harness::{OWN_ID, Settings, WAKE_PORT};
    use edgeapp_testkit::network::FakeCore;
    use std::sync::Arc;

    const UE: &str = "msisdn-491700000001";

    fn to_be_woken() -> Value {
        let mut asked = subscription();
        asked.as_object_mut().unwrap().remove("notificationDestination");
        asked["eecTriggerRequest"] = true.into();
        asked["ueId"] = UE.into();
        asked
    }

    async fn site() -> (Doors, Arc<FakeCore>) {
        let core = Arc::new(FakeCore::default());
        let settings = Settings {
            core: core.clone(),
            ..Settings::default()
        };
        (Doors::with(settings).await, core)
    }

    #[tokio::test]
    async fn wakes_the_ue_once_for_each_change() {
        let (doors, core) = site().await;
        let made = doors.eec("eec-1").post(API, to_be_woken()).await;
        let id = made.created().rsplit('/').next().unwrap().to_owned();
        assert_eq!(made.body["eecTriggerRequest"], true);
        let profile = json!({"easId": "eas.chess.example", "endPt": {"fqdn": "a.example"}, "acIds": ["ac.chess"]});
        let eas = doors.eas("eas.chess.example#a1");
        eas.post("/eees-easregistration/v1/registrations", json!({"easProf": profile}))
            .await
            .created();
        doors.settled().await;
        let [wake] = &core.woken()[..] else {
            panic!("{:?}", core.woken())
        };
        assert_eq!((wake.ue.as_str(), wake.port), (UE, WAKE_PORT));
        let told: Value = serde_json::from_slice(&wake.payload).unwrap();
        assert_eq!(told, json!({"eesId": OWN_ID, "subId": id}));
    }

    #[tokio::test]
    async fn what_can_reach_nobody_is_refused() {
        let (doors, _core) = site().await;
        let eec = doors.eec("eec-1");
        let mut both = to_be_woken();
        both["notificationDestination"] = "https://ue.example/cb".into();
        let answer = eec.post(API, both).await;
        answer.refused(400, "OPTIONAL_IE_INCORRECT", "/eecTriggerRequest");
        let mut nameless = to_be_woken();
        nameless.as_object_mut().unwrap().remove("ueId");
        eec.post(API, nameless)
            .await
            .refused(400, "MANDATORY_IE_MISSING", "/ueId");
        let mut neither = to_be_woken();
        neither.as_object_mut().unwrap().remove("eecTriggerRequest");
        let answer = eec.post(API, neither).await;
        answer.refused(400, "MANDATORY_IE_MISSING", "/notificationDestination");
    }

    #[tokio::test]
    async fn without_a_core_network_is_refused() {
        let doors = Doors::open().await;
        let answer = doors.eec("eec-1").post(API, to_be_woken()).await;
        answer.refused(400, "OPTIONAL_IE_INCORRECT", "/eecTriggerRequest");
    }
}
