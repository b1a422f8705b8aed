//! The life of a subscription (clauses 5.5.2.2 to 5.5.2.4), and what is refused.

use super::*;
use crate::scene::chess;

mod create {
    use super::*;

    /// Clause 5.5.2.2: what was asked for, with a lifetime.
    #[tokio::test]
    async fn a_subscription_is_kept_as_asked_with_a_lifetime() {
        let doors = site().await;
        let asked = subscription(
            json!({"acFltrs": [{"acIds": ["a"], "easBundInd": {"bdlType": "DIRECT"}}], "suppFeat": "F",
            "trigCondParams": ["EEC_REGISTRATION"], "websockNotifConfig": {"requestWebsocketUri": true}}),
        );
        let made = doors.eas(EAS).post(SUBSCRIPTIONS, asked.clone()).await;
        let at = made.created();
        assert!(
            at.starts_with("https://ees.example/eees-appclientinformation/v1/subscriptions/"),
            "{at}"
        );
        let mut expected = asked;
        expected["suppFeat"] = "5".into();
        expected["expTime"] = "2026-01-05T12:10:00Z".into();
        expected.as_object_mut().unwrap().remove("websockNotifConfig");
        assert_eq!(made.body, expected);
        assert_eq!(doors.eas(EAS).get(&at).await.found(), expected);
    }

    /// Who negotiates features without EdgeApp_2 gets none of its members.
    #[tokio::test]
    async fn members_of_a_feature_that_was_not_negotiated_do_not_count() {
        let doors = site().await;
        let asked = subscription(
            json!({"acFltrs": [{"acIds": ["a"], "easBundInd": {"bdlType": "DIRECT"}}], "suppFeat": "1",
            "trigCondParams": ["ANALYTICS_INFO"]}),
        );
        let made = doors.eas(EAS).post(SUBSCRIPTIONS, asked).await;
        made.created();
        assert_eq!(made.body["acFltrs"], json!([{"acIds": ["a"]}]));
        assert_eq!(
            (&made.body["suppFeat"], &made.body["trigCondParams"]),
            (&json!("1"), &Value::Null)
        );
    }

    /// Clause 5.5.2.2 and TS 29.122 clause 5.2.7: what cannot be done is refused whole, with the member at fault.
    #[tokio::test]
    async fn what_cannot_be_served_is_refused_with_its_member() {
        let doors = site().await;
        let before = doors.keys("").await;
        let eas = doors.eas(EAS);
        let optional = "OPTIONAL_IE_INCORRECT";
        for (members, status, cause, pointer) in [
            (json!({"easId": "eas.go.example"}), 403, "OWNER_MISMATCH", "/easId"),
            (json!({"acFltrs": []}), 400, optional, "/acFltrs"),
            (json!({"acFltrs": [{"acIds": []}]}), 400, optional, "/acFltrs/0/acIds"),
            (
                json!({"acFltrs": [{"easBundInd": {}}]}),
                400,
                optional,
                "/acFltrs/0/easBundInd",
            ),
            (json!({"trigCondParams": []}), 400, optional, "/trigCondParams"),
            (
                json!({"trigCondParams": ["EEC_REGISTRATION", "ANALYTICS_INFO"]}),
                400,
                optional,
                "/trigCondParams/1",
            ),
            (
                json!({"trigCondParams": ["MOONRISE"]}),
                400,
                optional,
                "/trigCondParams/0",
            ),
            (
                json!({"acFltrs": [{"minAcKpi": {"reqRate": 3}, "maxAcKpi": {"reqRate": 2}}]}),
                400,
                optional,
                "/acFltrs/0/minAcKpi/reqRate",
            ),
            (
                json!({"eventReq": {"notifMethod": "PERIODIC"}}),
                400,
                optional,
                "/eventReq/repPeriod",
            ),
            (
                json!({"eventReq": {"partitionCriteria": ["TAC"]}}),
                400,
                optional,
                "/eventReq/partitionCriteria",
            ),
            (json!({"expTime": "2026-01-05T11:00:00Z"}), 400, optional, "/expTime"),
            (
                json!({"notificationDestination": "http://a.example/"}),
                400,
                "CALLBACK_NOT_ALLOWED",
                "/notificationDestination",
            ),
        ] {
            let answer = eas.post(SUBSCRIPTIONS, subscription(members)).await;
            answer.refused(status, cause, pointer);
        }
        let answer = eas.post(SUBSCRIPTIONS, json!({"easId": "eas.chess.example"})).await;
        answer.refused(400, "MANDATORY_IE_MISSING", "/notificationDestination");
        assert_eq!(doors.keys("").await, before);
    }

    /// TS 23.558 clause 8.6: for registered EASs.
    #[tokio::test]
    async fn an_eas_that_is_not_registered_is_refused() {
        let doors = Doors::open().await;
        let answer = doors.eas(EAS).post(SUBSCRIPTIONS, subscription(json!({}))).await;
        answer.refused(403, "NOT_REGISTERED", "");
        assert!(doors.keys("").await.is_empty());
    }

    /// TS 29.122 clause 5.2.5.3: a test notification goes out when it is asked for and negotiated.
    #[tokio::test]
    async fn a_test_notification_is_sent_when_negotiated() {
        let doors = site().await;
        let mut asked = subscription(json!({"requestTestNotification": true}));
        subscribe(&doors, asked.clone()).await;
        assert!(raw(&doors).await.is_empty());
        asked["suppFeat"] = "1".into();
        let at = subscribe(&doors, asked).await;
        assert_eq!(raw(&doors).await, [json!({"subscription": at})]);
    }
}

mod change {
    use super::*;

    /// Clause 5.5.2.3: new filters count from then on; where that is asked for, what fits them already is told, what was told is not.
    #[tokio::test]
    async fn new_filters_count_and_what_fits_them_is_told_where_that_is_asked_for() {
        let doors = site().await;
        register(&doors, 1, json!([{"acId": "a"}, {"acId": "b"}])).await;
        let mut asked = to_clients(&["a"]);
        asked["eventReq"] = json!({"immRep": true});
        let at = subscribe(&doors, asked).await;
        assert_eq!(told(&doors).await, [["a"]]);
        let eas = doors.eas(EAS);
        let changed = eas
            .patch(&at, json!({"acFltrs": [{"acIds": ["a", "b"]}]}))
            .await
            .found();
        assert_eq!(changed["eventReq"], json!({"immRep": true}));
        assert_eq!(told(&doors).await, [["b"]]);
        eas.put(&at, to_clients(&["c"])).await.found();
        register(&doors, 1, json!([{"acId": "a", "acType": "game"}, {"acId": "c"}])).await;
        assert_eq!(told(&doors).await, [["c"]]);
    }

    /// Notifications go to the new address; the rest goes on as it was.
    #[tokio::test]
    async fn a_new_address_changes_nothing_else() {
        let doors = site().await;
        let mut asked = to_clients(&["a"]);
        asked["eventReq"] = json!({"immRep": true});
        let at = subscribe(&doors, asked).await;
        register(&doors, 1, json!([{"acId": "a"}])).await;
        assert_eq!(told(&doors).await.len(), 1);
        let moved = json!({"notificationDestination": "https://chess.edge-a.example/moved"});
        doors.eas(EAS).patch(&at, moved).await.found();
        assert!(doors.keys("event/").await.is_empty());
        register(&doors, 2, json!([{"acId": "a"}])).await;
        doors.settled().await;
        let told = doors.subscribers.told_at("https://chess.edge-a.example/moved");
        assert_eq!(told.len(), 1);
    }

    /// Clause 8.4.5.2.3: what identifies a subscription, and what is said once at its beginning, never changes.
    #[tokio::test]
    async fn what_never_changes_is_refused() {
        let doors = site().await;
        let eas = doors.eas(EAS);
        let at = subscribe(&doors, to_clients(&["a"])).await;
        let before = eas.get(&at).await.found();
        let (forbidden, optional) = ("MODIFICATION_NOT_ALLOWED", "OPTIONAL_IE_INCORRECT");
        for (patch, status, cause, pointer) in [
            (json!({"easId": "eas.go.example"}), 403, forbidden, "/easId"),
            (json!({"suppFeat": "4"}), 403, forbidden, "/suppFeat"),
            (
                json!({"requestTestNotification": true}),
                403,
                forbidden,
                "/requestTestNotification",
            ),
            (json!({"acFltrs": null}), 400, optional, "/acFltrs"),
            (json!({"acFltrs": []}), 400, optional, "/acFltrs"),
            (
                json!({"trigCondParams": ["ANALYTICS_INFO"]}),
                400,
                optional,
                "/trigCondParams/0",
            ),
            (
                json!({"eventReq": {"maxReportNbr": 0}}),
                400,
                optional,
                "/eventReq/maxReportNbr",
            ),
        ] {
            eas.patch(&at, patch).await.refused(status, cause, pointer);
        }
        let mut other = to_clients(&["a"]);
        other["easId"] = "eas.go.example".into();
        eas.put(&at, other).await.refused(403, forbidden, "/easId");
        let mut without = to_clients(&["a"]);
        without.as_object_mut().unwrap().remove("notificationDestination");
        let answer = eas.put(&at, without).await;
        answer.refused(400, "MANDATORY_IE_MISSING", "/notificationDestination");
        assert_eq!(eas.get(&at).await.found(), before);
    }
}

mod end {
    use super::*;

    /// Clause 5.5.2.4: nothing is sent any more, and nothing is left.
    #[tokio::test]
    async fn an_ended_subscription_is_told_nothing_and_leaves_nothing() {
        let doors = site().await;
        let before = doors.keys("").await;
        let mut asked = to_clients(&["a"]);
        asked["eventReq"] = json!({"notifMethod": "PERIODIC", "repPeriod": 50});
        let at = subscribe(&doors, asked).await;
        let registered = register(&doors, 1, json!([{"acId": "a"}])).await;
        doors.pass(51).await;
        assert_eq!(told(&doors).await.len(), 1);
        let eas = doors.eas(EAS);
        eas.delete(&at).await.done();
        eas.get(&at).await.refused(404, "SUBSCRIPTION_NOT_FOUND", "");
        register(&doors, 1, json!([{"acId": "a", "acType": "game"}])).await;
        doors.pass(51).await;
        assert!(told(&doors).await.is_empty());
        eec(&doors, 1).delete(&registered).await;
        for left in ["ac-", "progress/", "timer/"] {
            assert!(doors.keys(left).await.iter().all(|key| before.contains(key)), "{left}");
        }
    }

    /// A stranger's subscription is not there, nor that of another instance.
    #[tokio::test]
    async fn a_strangers_subscription_is_not_there() {
        let doors = site().await;
        let at = subscribe(&doors, to_clients(&["a"])).await;
        for stranger in ["eas.go.example#1", "eas.chess.example#b1"] {
            let eas = doors.eas(stranger);
            let profile = chess(&format!("{}.example", stranger.replace('#', "-")));
            if stranger.starts_with("eas.chess") {
                eas.post("/eees-easregistration/v1/registrations", profile)
                    .await
                    .created();
            }
            eas.get(&at).await.refused(404, "SUBSCRIPTION_NOT_FOUND", "");
            eas.delete(&at).await.refused(404, "SUBSCRIPTION_NOT_FOUND", "");
            eas.put(&at, to_clients(&["a"]))
                .await
                .refused(404, "SUBSCRIPTION_NOT_FOUND", "");
            eas.patch(&at, json!({}))
                .await
                .refused(404, "SUBSCRIPTION_NOT_FOUND", "");
        }
    }

    /// Everything ends with the last registration of the EAS.
    #[tokio::test]
    async fn it_ends_with_the_last_registration_of_the_eas() {
        let doors = Doors::open().await;
        let eas = doors.eas(EAS);
        let registered = register_eas(&eas, "a.example").await;
        let at = subscribe(&doors, to_clients(&["a"])).await;
        register(&doors, 1, json!([{"acId": "a"}])).await;
        assert_eq!(told(&doors).await.len(), 1);
        eas.delete(&registered).await.done();
        doors.settled().await;
        eas.get(&at).await.refused(404, "SUBSCRIPTION_NOT_FOUND", "");
        assert!(doors.keys("ac-").await.is_empty());
    }

    /// An expiry is an end too.
    #[tokio::test]
    async fn an_expired_subscription_leaves_nothing() {
        let doors = site().await;
        let mut asked = to_clients(&["a"]);
        asked["expTime"] = "2026-01-05T12:01:00Z".into();
        subscribe(&doors, asked).await;
        register(&doors, 1, json!([{"acId": "a"}])).await;
        assert_eq!(told(&doors).await.len(), 1);
        doors.pass(61).await;
        doors.settled().await;
        assert!(doors.keys("ac-").await.is_empty());
    }
}
