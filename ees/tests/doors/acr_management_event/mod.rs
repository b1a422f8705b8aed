//! Eees_ACRManagementEvent (TS 29.558 clauses 5.8 and 8.6): here without a core network, in the modules below with one.

mod answers;
mod availability;
mod change_of_events;
mod options;
mod paths;
mod planned;
mod site;
mod targets;

use crate::{
    harness::Doors,
    scene::{ACR_MANAGEMENT, EAS_HEARS, SOURCE, UE, id_of, register_eas, subscribe_eas},
};
use serde_json::{Value, json};

fn subscription(events: Value) -> Value {
    json!({"easId": "eas.chess.example", "eventSubscs": events, "notificationDestination": EAS_HEARS})
}

fn served() -> Value {
    subscription(json!([{"event": "ACT_START_STOP"}]))
}

mod create {
    use super::*;

    /// The answer carries the URI of the subscription.
    #[tokio::test]
    async fn a_subscription_is_kept_and_read_where_it_says() {
        let doors = Doors::open().await;
        let eas = doors.eas("eas.chess.example#a1");
        let made = eas.post(ACR_MANAGEMENT, served()).await;
        let mut expected = served();
        expected["self"] = made.created().into();
        assert_eq!(made.body, expected);
        assert_eq!(eas.get(&made.created()).await.found(), expected);
        assert_eq!(eas.get(ACR_MANAGEMENT).await.found(), json!([expected]));
    }

    /// Clause 5.8.2.2.2: events that need the user plane are reported as failed beside those that can be served.
    #[tokio::test]
    async fn an_event_that_needs_the_user_plane_is_reported() {
        let doors = Doors::open().await;
        let events = json!([{"event": "UP_PATH_CHG", "easAckInd": true}, {"event": "ACT_START_STOP"},
            {"event": "ACR_MONITORING", "easAckSvcCont": true}, {"event": "ACR_SELECTION"}, {"event": "UP_PATH_CHG"}]);
        let made = doors
            .eas("eas.chess.example#a1")
            .post(ACR_MANAGEMENT, subscription(events.clone()))
            .await;
        made.created();
        let code = "3GPP_UP_PATH_CHANGE_MON_NOT_AVAILABLE";
        let failed =
            json!([{"event": "UP_PATH_CHG", "failureCode": code}, {"event": "ACR_MONITORING", "failureCode": code}]);
        assert_eq!(made.body["failEventReports"], failed);
        assert_eq!(
            made.body["availabilityInfo"],
            json!({"availabilityStatus": "NOT_AVAILABLE"})
        );
        assert_eq!(made.body["eventSubscs"], events);
    }

    /// When no event at all can be watched, nothing is subscribed.
    #[tokio::test]
    async fn events_that_all_need_the_user_plane_are_refused() {
        let doors = Doors::open().await;
        let events = json!([{"event": "UP_PATH_CHG"}, {"event": "ACR_FACILITATION"}]);
        let answer = doors
            .eas("eas.chess.example#a1")
            .post(ACR_MANAGEMENT, subscription(events))
            .await;
        answer.refused(403, "MONITORING_NOT_AVAILABLE", "");
        assert!(doors.keys("").await.is_empty());
    }

    /// Members that are missing, contradict each other or are somebody else's.
    #[tokio::test]
    async fn what_cannot_be_served_is_refused() {
        let doors = Doors::open().await;
        let eas = doors.eas("eas.chess.example#a1");
        for member in ["easId", "eventSubscs", "notificationDestination"] {
            let mut request = served();
            request.as_object_mut().unwrap().remove(member);
            eas.post(ACR_MANAGEMENT, request)
                .await
                .refused(400, "MANDATORY_IE_MISSING", &format!("/{member}"));
        }
        let start = json!({"event": "ACT_START_STOP"});
        for (events, cause, pointer) in [
            (json!([]), "MANDATORY_IE_INCORRECT", "/eventSubscs"),
            (json!([{}]), "MANDATORY_IE_MISSING", "/eventSubscs/0/event"),
            (
                json!([start, {"event": "ACT_PAUSE"}]),
                "MANDATORY_IE_INCORRECT",
                "/eventSubscs/1/event",
            ),
            (
                json!([{"event": "ACT_START_STOP", "easAckInd": true}]),
                "OPTIONAL_IE_INCORRECT",
                "/eventSubscs/0/easAckInd",
            ),
            (
                json!([{"event": "UP_PATH_CHG", "easAckSvcCont": true}]),
                "OPTIONAL_IE_INCORRECT",
                "/eventSubscs/0/easAckSvcCont",
            ),
            (
                json!([{"event": "UP_PATH_CHG", "servContPlanInd": true}]),
                "OPTIONAL_IE_INCORRECT",
                "/eventSubscs/0/servContPlanInd",
            ),
            (
                json!([{"event": "UP_PATH_CHG", "eventFilter": "ANY_MOBILITY"}]),
                "OPTIONAL_IE_INCORRECT",
                "/eventSubscs/0/eventFilter",
            ),
            (
                json!([{"event": "UP_PATH_CHG", "dnaiChgType": "SOON"}]),
                "OPTIONAL_IE_INCORRECT",
                "/eventSubscs/0/dnaiChgType",
            ),
            (
                json!([{"event": "UP_PATH_CHG", "evtReq": {"notifMethod": "PERIODIC"}}]),
                "OPTIONAL_IE_INCORRECT",
                "/eventSubscs/0/evtReq/repPeriod",
            ),
            (
                json!([{"event": "ACT_START_STOP", "tgtUeId": {"extGrpId": "extgroupid-a@b.example"}}]),
                "OPTIONAL_IE_INCORRECT",
                "/eventSubscs/0/tgtUeId",
            ),
            (
                json!([{"event": "ACT_START_STOP", "evtReq": {"notifMethod": "PERIODIC", "repPeriod": 5}}]),
                "OPTIONAL_IE_INCORRECT",
                "/eventSubscs/0/evtReq/notifMethod",
            ),
            (
                json!([{"event": "ACR_SELECTION", "evtReq": {"notifFlag": "DEACTIVATE"}}]),
                "OPTIONAL_IE_INCORRECT",
                "/eventSubscs/0/evtReq/notifFlag",
            ),
        ] {
            eas.post(ACR_MANAGEMENT, subscription(events))
                .await
                .refused(400, cause, pointer);
        }
        let mut foreign = served();
        foreign["easId"] = "eas.go.example".into();
        eas.post(ACR_MANAGEMENT, foreign)
            .await
            .refused(403, "OWNER_MISMATCH", "/easId");
        let mut inside = served();
        inside["notificationDestination"] = "https://10.1.2.3/".into();
        eas.post(ACR_MANAGEMENT, inside)
            .await
            .refused(403, "CALLBACK_NOT_ALLOWED", "/notificationDestination");
    }

    /// Answer members in a request are not taken for granted.
    #[tokio::test]
    async fn answer_members_in_a_request_are_not_believed() {
        let doors = Doors::open().await;
        let mut request = served();
        request["self"] = "https://evil.example/1".into();
        request["failEventReports"] = json!([{"event": "ACT_START_STOP", "failureCode": "OTHER_REASONS"}]);
        request["availabilityInfo"] = json!({"availabilityStatus": "AVAILABLE"});
        request["eventReports"] = json!([{"event": "ACT_START_STOP"}]);
        let made = doors.eas("eas.chess.example#a1").post(ACR_MANAGEMENT, request).await;
        let mut expected = served();
        expected["self"] = made.created().into();
        assert_eq!(made.body, expected);
    }

    /// Features are negotiated; a test notification follows them.
    #[tokio::test]
    async fn a_test_notification_is_sent_when_negotiated() {
        let doors = Doors::open().await;
        let eas = doors.eas("eas.chess.example#a1");
        let mut asked = served();
        asked["requestTestNotification"] = true.into();
        asked["suppFeat"] = "7".into();
        let made = eas.post(ACR_MANAGEMENT, asked).await;
        assert_eq!(made.body["suppFeat"], "5");
        doors.settled().await;
        assert_eq!(
            doors.subscribers.told_at(EAS_HEARS),
            [json!({"subscription": made.created()})]
        );
    }
}

mod read {
    use super::*;

    /// The standard forbids an empty list.
    #[tokio::test]
    async fn a_caller_without_subscriptions_has_no_list() {
        let doors = Doors::open().await;
        doors
            .eas("eas.chess.example#a1")
            .post(ACR_MANAGEMENT, served())
            .await
            .created();
        let other = doors.eas("eas.chess.example#a2");
        other
            .get(ACR_MANAGEMENT)
            .await
            .refused(404, "SUBSCRIPTION_NOT_FOUND", "");
        other.get(&format!("{ACR_MANAGEMENT}?supp-feat=xyz")).await.refused(
            400,
            "OPTIONAL_QUERY_PARAM_INCORRECT",
            "supp-feat",
        );
    }
}

mod change {
    use super::*;

    /// A patch of the events replaces them all; the report follows.
    #[tokio::test]
    async fn patch_replaces_the_events_and_renews_the_report() {
        let doors = Doors::open().await;
        let eas = doors.eas("eas.chess.example#a1");
        let at = eas.post(ACR_MANAGEMENT, served()).await.created();
        let both = json!({"eventSubscs": [{"event": "ACR_FACILITATION"}, {"event": "ACR_SELECTION"}]});
        let after = eas.patch(&at, both.clone()).await.found();
        assert_eq!(
            (&after["eventSubscs"], &after["self"]),
            (&both["eventSubscs"], &json!(at))
        );
        assert_eq!(after["failEventReports"][0]["event"], "ACR_FACILITATION");
        let one = json!({"eventSubscs": [{"event": "ACR_SELECTION"}]});
        let after = eas.patch(&at, one).await.found();
        assert_eq!(
            (&after["failEventReports"], &after["availabilityInfo"]),
            (&Value::Null, &Value::Null)
        );
        let none = json!({"eventSubscs": [{"event": "UP_PATH_CHG"}]});
        eas.patch(&at, none).await.refused(403, "MONITORING_NOT_AVAILABLE", "");
        assert_eq!(eas.get(&at).await.found(), after);
    }

    /// The EAS stays the same, and the address is checked again.
    #[tokio::test]
    async fn what_is_fixed_or_forbidden_is_refused() {
        let doors = Doors::open().await;
        let eas = doors.eas("eas.chess.example#a1");
        let at = eas.post(ACR_MANAGEMENT, served()).await.created();
        let mut other = served();
        other["easId"] = "eas.go.example".into();
        eas.put(&at, other)
            .await
            .refused(403, "MODIFICATION_NOT_ALLOWED", "/easId");
        for (patch, status, cause, pointer) in [
            (
                json!({"easId": "eas.go.example"}),
                403,
                "MODIFICATION_NOT_ALLOWED",
                "/easId",
            ),
            (json!({"self": null}), 403, "MODIFICATION_NOT_ALLOWED", "/self"),
            (
                json!({"eventSubscs": []}),
                400,
                "MANDATORY_IE_INCORRECT",
                "/eventSubscs",
            ),
            (
                json!({"eventSubscs": null}),
                400,
                "OPTIONAL_IE_INCORRECT",
                "/eventSubscs",
            ),
            (
                json!({"notificationDestination": "https://[::1]/"}),
                403,
                "CALLBACK_NOT_ALLOWED",
                "/notificationDestination",
            ),
        ] {
            eas.patch(&at, patch).await.refused(status, cause, pointer);
        }
        let put = eas.put(&at, served()).await.found();
        assert_eq!(put["self"], at);
    }

    /// Only the instance that subscribed sees, changes and ends its subscription.
    #[tokio::test]
    async fn a_subscription_ends_once_and_for_its_owner_only() {
        let doors = Doors::open().await;
        let eas = doors.eas("eas.chess.example#a1");
        let mut about = served();
        about["eventSubscs"][0]["tgtUeId"] = json!({"gpsi": UE});
        let at = eas.post(ACR_MANAGEMENT, about).await.created();
        for stranger in [doors.eas("eas.chess.example#a2"), doors.eas("eas.go.example#g1")] {
            stranger.get(&at).await.refused(404, "SUBSCRIPTION_NOT_FOUND", "");
            stranger
                .patch(&at, json!({}))
                .await
                .refused(404, "SUBSCRIPTION_NOT_FOUND", "");
            stranger.delete(&at).await.refused(404, "SUBSCRIPTION_NOT_FOUND", "");
        }
        eas.delete(&at).await.done();
        eas.get(&format!("{ACR_MANAGEMENT}/{}", id_of(&at)))
            .await
            .refused(404, "SUBSCRIPTION_NOT_FOUND", "");
    }
}

/// Subscriptions without an expiry of their own end with the last registration of their EAS.
mod end_of_the_registration {
    use super::*;

    #[tokio::test]
    async fn deregistration_ends_subscriptions_of_this_instance_only() {
        let doors = Doors::open().await;
        let (one, other) = (doors.eas("eas.chess.example#a1"), doors.eas("eas.chess.example#a2"));
        let registration = register_eas(&one, SOURCE).await;
        register_eas(&other, "chess-2.edge-a.example").await;
        let (ends, stays) = (
            subscribe_eas(&one, EAS_HEARS).await,
            subscribe_eas(&other, EAS_HEARS).await,
        );
        one.delete(&registration).await.done();
        doors.settled().await;
        one.get(&ends).await.refused(404, "SUBSCRIPTION_NOT_FOUND", "");
        other.get(&stays).await.found();
    }

    #[tokio::test]
    async fn while_another_registration_of_the_instance_lives_nothing_ends() {
        let doors = Doors::open().await;
        let eas = doors.eas("eas.chess.example#a1");
        let first = register_eas(&eas, SOURCE).await;
        let second = register_eas(&eas, "chess-2.edge-a.example").await;
        let subscription = subscribe_eas(&eas, EAS_HEARS).await;
        eas.delete(&first).await.done();
        doors.settled().await;
        eas.get(&subscription).await.found();
        eas.delete(&second).await.done();
        doors.settled().await;
        eas.get(&subscription).await.refused(404, "SUBSCRIPTION_NOT_FOUND", "");
        assert!(doors.keys("acr-management-subscription/").await.is_empty());
    }

    #[tokio::test]
    async fn expiry_ends_subscriptions() {
        let doors = Doors::open().await;
        let eas = doors.eas("eas.chess.example#a1");
        register_eas(&eas, SOURCE).await;
        let subscriptions = [
            subscribe_eas(&eas, EAS_HEARS).await,
            subscribe_eas(&eas, EAS_HEARS).await,
        ];
        doors.pass(601).await;
        doors.settled().await;
        for subscription in subscriptions {
            eas.get(&subscription).await.refused(404, "SUBSCRIPTION_NOT_FOUND", "");
        }
    }

    /// What expired may lose its endpoint to another instance before it is swept.
    #[tokio::test]
    async fn an_expired_registration_that_is_taken_over_ends_subscriptions() {
        let doors = Doors::open().await;
        let (old, new) = (doors.eas("eas.chess.example#a1"), doors.eas("eas.chess.example#a2"));
        register_eas(&old, SOURCE).await;
        let subscription = subscribe_eas(&old, EAS_HEARS).await;
        doors.clock.advance(601);
        register_eas(&new, SOURCE).await;
        doors.settled().await;
        old.get(&subscription).await.refused(404, "SUBSCRIPTION_NOT_FOUND", "");
    }
}
