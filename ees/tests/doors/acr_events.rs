//! Eees_ACREvents (TS 24.558 clauses 5.4 and 6.4).

use crate::{
    harness::Doors,
    scene::{ACR_EVENTS, EEC_HEARS, UE, id_of},
};
use axum::http::Method;
use serde_json::{Value, json};

fn subscription() -> Value {
    json!({"eecId": "eec-1", "ueId": UE, "easIds": ["eas.chess.example"], "eventIds": "ACR_COMPLETE",
        "notificationDestination": EEC_HEARS})
}

fn with(member: &str, value: Value) -> Value {
    let mut request = subscription();
    request[member] = value;
    request
}

mod create {
    use super::*;

    /// Clause 5.4.2.2.2.
    #[tokio::test]
    async fn a_subscription_is_kept_as_granted() {
        let doors = Doors::open().await;
        let made = doors.eec("eec-1").post(ACR_EVENTS, with("mood", json!("good"))).await;
        assert!(
            made.created()
                .starts_with("https://ees.example/eees-acrevents/v1/subscriptions/")
        );
        assert_eq!(made.body, with("expTime", json!("2026-01-05T12:10:00Z")));
    }

    /// Each required member, each list, each identity and the event.
    #[tokio::test]
    async fn what_cannot_be_served_is_refused() {
        let doors = Doors::open().await;
        let eec = doors.eec("eec-1");
        for member in ["eecId", "easIds", "eventIds", "notificationDestination"] {
            let mut request = subscription();
            request.as_object_mut().unwrap().remove(member);
            eec.post(ACR_EVENTS, request)
                .await
                .refused(400, "MANDATORY_IE_MISSING", &format!("/{member}"));
        }
        for (request, status, cause, pointer) in [
            (with("easIds", json!([])), 400, "MANDATORY_IE_INCORRECT", "/easIds"),
            (with("easIds", json!([1])), 400, "MANDATORY_IE_INCORRECT", "/easIds/0"),
            (
                with("eventIds", json!(["ACR_COMPLETE"])),
                400,
                "MANDATORY_IE_INCORRECT",
                "/eventIds",
            ),
            (
                with("eventIds", json!("ACR_REGRETTED")),
                400,
                "MANDATORY_IE_INCORRECT",
                "/eventIds",
            ),
            (
                with("expTime", json!("2026-01-05T11:59:59Z")),
                400,
                "OPTIONAL_IE_INCORRECT",
                "/expTime",
            ),
            (with("acIds", json!("ac.chess")), 400, "OPTIONAL_IE_INCORRECT", "/acIds"),
            (with("eecId", json!("eec-2")), 403, "OWNER_MISMATCH", "/eecId"),
            (
                with("ueId", json!("msisdn-491700000002")),
                403,
                "UE_ID_NOT_VERIFIED",
                "/ueId",
            ),
        ] {
            eec.post(ACR_EVENTS, request).await.refused(status, cause, pointer);
        }
        assert!(doors.keys("").await.is_empty());
    }

    /// Callback addresses lead outside, over https.
    #[tokio::test]
    async fn a_callback_that_must_not_be_called_is_refused() {
        let doors = Doors::open().await;
        let eec = doors.eec("eec-1");
        for (address, status) in [
            ("https://127.0.0.1/x", 403),
            ("https://169.254.169.254/", 403),
            ("http://ue.example/", 400),
            ("https://me@ue.example/", 400),
        ] {
            let answer = eec
                .post(ACR_EVENTS, with("notificationDestination", json!(address)))
                .await;
            answer.refused(status, "CALLBACK_NOT_ALLOWED", "/notificationDestination");
        }
    }

    /// Clause 6.4.7: a test notification goes out when it is asked for and negotiated, to the address and with the URI.
    #[tokio::test]
    async fn a_test_notification_is_sent_when_negotiated() {
        let doors = Doors::open().await;
        let eec = doors.eec("eec-1");
        let mut asked = with("requestTestNotification", json!(true));
        eec.post(ACR_EVENTS, asked.clone()).await.created();
        doors.settled().await;
        assert!(doors.subscribers.told().is_empty());
        asked["suppFeat"] = "F".into();
        asked["websockNotifConfig"] = json!({"requestWebsocketUri": true});
        let made = eec.post(ACR_EVENTS, asked).await;
        assert_eq!(
            (&made.body["suppFeat"], &made.body["websockNotifConfig"]),
            (&json!("1"), &Value::Null)
        );
        doors.settled().await;
        assert_eq!(
            doors.subscribers.told_at(EEC_HEARS),
            [json!({"subscription": made.created()})]
        );
    }
}

mod change {
    use super::*;

    /// PUT replaces the subscription, but not whose it is.
    #[tokio::test]
    async fn put_replaces_all_but_the_identity() {
        let doors = Doors::open().await;
        let eec = doors.eec("eec-1");
        let at = eec.post(ACR_EVENTS, with("acIds", json!(["ac.chess"]))).await.created();
        doors.clock.advance(60);
        let after = eec
            .put(&at, with("eventIds", json!("TARGET_INFORMATION")))
            .await
            .found();
        let mut expected = with("eventIds", json!("TARGET_INFORMATION"));
        expected["expTime"] = "2026-01-05T12:11:00Z".into();
        assert_eq!(after, expected);
        eec.put(&at, with("eecId", json!("eec-2")))
            .await
            .refused(403, "MODIFICATION_NOT_ALLOWED", "/eecId");
        let mut no_ue = subscription();
        no_ue.as_object_mut().unwrap().remove("ueId");
        eec.put(&at, no_ue)
            .await
            .refused(403, "MODIFICATION_NOT_ALLOWED", "/ueId");
        let unknown = with("eventIds", json!("ACR_REGRETTED"));
        eec.put(&at, unknown)
            .await
            .refused(400, "MANDATORY_IE_INCORRECT", "/eventIds");
    }

    /// PATCH touches the members of its schema and checks them as a new subscription.
    #[tokio::test]
    async fn patch_changes_what_it_names_and_nothing_else() {
        let doors = Doors::open().await;
        let eec = doors.eec("eec-1");
        let at = eec.post(ACR_EVENTS, with("suppFeat", json!("1"))).await.created();
        doors.clock.advance(60);
        let after = eec
            .patch(&at, json!({"easIds": ["eas.go.example"], "hat": 1}))
            .await
            .found();
        let mut expected = with("easIds", json!(["eas.go.example"]));
        expected["expTime"] = "2026-01-05T12:10:00Z".into();
        expected["suppFeat"] = "1".into();
        assert_eq!(after, expected);
        for (patch, status, cause, pointer) in [
            (
                json!({"notificationDestination": "https://10.0.0.1/"}),
                403,
                "CALLBACK_NOT_ALLOWED",
                "/notificationDestination",
            ),
            (
                json!({"notificationDestination": null}),
                400,
                "OPTIONAL_IE_INCORRECT",
                "/notificationDestination",
            ),
            (json!({"easIds": []}), 400, "MANDATORY_IE_INCORRECT", "/easIds"),
            (
                json!({"eventIds": "ACR_REGRETTED"}),
                400,
                "MANDATORY_IE_INCORRECT",
                "/eventIds",
            ),
            (json!({"eecId": "eec-2"}), 403, "MODIFICATION_NOT_ALLOWED", "/eecId"),
            (json!({"ueId": null}), 403, "MODIFICATION_NOT_ALLOWED", "/ueId"),
            (json!({"acIds": ["ac.go"]}), 403, "MODIFICATION_NOT_ALLOWED", "/acIds"),
            (json!({"suppFeat": "0"}), 403, "MODIFICATION_NOT_ALLOWED", "/suppFeat"),
        ] {
            eec.patch(&at, patch).await.refused(status, cause, pointer);
        }
        assert_eq!(eec.patch(&at, json!({})).await.found(), expected);
        let plain = eec.send(Method::PATCH, &at, "application/json", "{}".into()).await;
        plain.refused(415, "UNSUPPORTED_MEDIA_TYPE", "");
    }
}

mod end {
    use super::*;

    /// A stranger finds nothing; what ended or expired is not there.
    #[tokio::test]
    async fn a_subscription_ends_once_and_for_its_owner_only() {
        let doors = Doors::open().await;
        let (eec, stranger) = (doors.eec("eec-1"), doors.eec("eec-2"));
        let at = eec.post(ACR_EVENTS, subscription()).await.created();
        stranger
            .put(&at, with("eecId", json!("eec-2")))
            .await
            .refused(404, "SUBSCRIPTION_NOT_FOUND", "");
        stranger.delete(&at).await.refused(404, "SUBSCRIPTION_NOT_FOUND", "");
        eec.delete(&at).await.done();
        eec.delete(&at).await.refused(404, "SUBSCRIPTION_NOT_FOUND", "");
        let at = eec.post(ACR_EVENTS, subscription()).await.created();
        doors.clock.advance(599);
        eec.patch(&at, json!({})).await.found();
        doors.clock.advance(1);
        eec.put(&at, subscription())
            .await
            .refused(404, "SUBSCRIPTION_NOT_FOUND", "");
        doors.pass(1).await;
        assert!(doors.keys("").await.is_empty());
        eec.get(&format!("{ACR_EVENTS}/{}", id_of(&at)))
            .await
            .refused(405, "METHOD_NOT_ALLOWED", "");
    }
}
