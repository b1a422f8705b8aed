//! Eees_UELocation (TS 29.558 clauses 5.3 and 8.2), with a core network that does as it is told.

use crate::harness::{Doors, Settings};
use edgeapp_core::{
    consent::Purpose,
    network::{CoreReport, LocationReport, NetworkError, Token},
};
use edgeapp_testkit::network::FakeCore;
use serde_json::{Value, json};
use std::sync::Arc;

const FETCH: &str = "/eees-uelocation/v1/fetch";
const SUBSCRIPTIONS: &str = "/eees-uelocation/v1/subscriptions";
const UE: &str = "extid-ue1@operator.example";
const HEARS: &str = "https://chess.edge-a.example/locations";
const REVOKED: &str = "https://chess.edge-a.example/revoked";
const EAS: &str = "eas.chess.example#a1";

/// The EASs that ask: only a registered one is told about UEs.
async fn register(doors: &Doors) {
    for (eas, name) in [(EAS, "a"), ("eas.chess.example#b1", "b"), ("eas.go.example#a1", "go")] {
        let profile = json!({"easId": eas.split('#').next().unwrap(), "endPt": {"fqdn": format!("{name}.example")}});
        let registration = json!({"easProf": profile});
        let eas = doors.eas(eas);
        eas.post("/eees-easregistration/v1/registrations", registration)
            .await
            .created();
    }
}

async fn site() -> (Doors, Arc<FakeCore>) {
    let core = Arc::new(FakeCore::one_per_ue());
    let settings = Settings {
        core: core.clone(),
        ..Settings::default()
    };
    let doors = Doors::with(settings).await;
    register(&doors).await;
    doors.agreements.agree(UE, Purpose::Location);
    (doors, core)
}

fn subscription() -> Value {
    json!({"easId": "eas.chess.example", "ueId": UE, "notificationDestination": HEARS})
}

fn with(member: &str, value: Value) -> Value {
    let mut body = subscription();
    body[member] = value;
    body
}

fn seen_in(cell: &str) -> LocationReport {
    LocationReport {
        ue: None,
        location: Some(serde_json::from_value(json!({"cellId": cell})).unwrap()),
        failure: None,
        at: None,
    }
}

/// The UE is seen in a cell: the core reports to whoever watches.
async fn walk(doors: &Doors, core: &FakeCore, cell: &str) {
    let reports = [CoreReport::Location(Box::new(seen_in(cell)))];
    for kept in core.runs() {
        report(doors, &kept.token, &reports).await.done();
    }
}

async fn report(doors: &Doors, token: &Token, reports: &[CoreReport]) -> crate::harness::Answer {
    let path = format!("/edge2/reports/{}", token.reveal());
    doors.nef().post(&path, serde_json::to_value(reports).unwrap()).await
}

fn event(cell: &str) -> Value {
    json!({"ueId": UE, "locInf": {"cellId": cell}})
}

fn events_of(told: Vec<Value>) -> Vec<Value> {
    told.into_iter()
        .flat_map(|told| told["locEvs"].as_array().unwrap().clone())
        .collect()
}

mod fetch {
    use super::*;

    /// Clause 5.3.2.2.2: the core is asked where the UE is.
    #[tokio::test]
    async fn tells_where_the_ue_is() {
        let (doors, core) = site().await;
        core.place(UE.parse().unwrap(), seen_in("000000001"));
        let answer = doors
            .eas(EAS)
            .post(FETCH, json!({"ueId": UE, "gran": "CGI_ECGI"}))
            .await;
        assert_eq!(answer.found(), json!({"ueLocation": {"cellId": "000000001"}}));
    }

    /// Clause 5.3.2.2.2: a location that was reported just now may answer.
    #[tokio::test]
    async fn asks_nobody_when_the_location_was_reported_just_now() {
        let (doors, core) = site().await;
        let eas = doors.eas(EAS);
        eas.post(SUBSCRIPTIONS, subscription()).await.created();
        walk(&doors, &core, "000000007").await;
        let answer = eas.post(FETCH, json!({"ueId": UE})).await;
        assert_eq!(answer.found(), json!({"ueLocation": {"cellId": "000000007"}}));
        assert_eq!(core.questions(), 0);
        doors.clock.advance(60);
        eas.post(FETCH, json!({"ueId": UE}))
            .await
            .refused(404, "UE_NOT_FOUND", "");
        assert_eq!(core.questions(), 1);
    }

    /// Clause 5.3.2.2.3.
    ///
    /// Proves: WP-30, H-74
    #[tokio::test]
    async fn without_consent_is_refused_and_nobody_is_asked() {
        let (doors, core) = site().await;
        let other = json!({"ueId": "extid-ue2@operator.example"});
        let answer = doors.eas(EAS).post(FETCH, other).await;
        answer.refused(403, "USER_CONSENT_NOT_GRANTED", "/ueId");
        assert_eq!(core.questions(), 0);
    }

    /// TS 23.558 clause 8.6: the capabilities are for registered EASs.
    #[tokio::test]
    async fn an_eas_that_is_not_registered_is_refused() {
        let (doors, core) = site().await;
        let stranger = doors.eas("eas.other.example#a1");
        let answer = stranger.post(FETCH, json!({"ueId": UE})).await;
        answer.refused(403, "NOT_REGISTERED", "");
        assert_eq!(core.questions(), 0);
    }

    #[tokio::test]
    async fn without_a_core_network_is_refused_at_once() {
        let doors = Doors::open().await;
        register(&doors).await;
        doors.agreements.agree(UE, Purpose::Location);
        let answer = doors.eas(EAS).post(FETCH, json!({"ueId": UE})).await;
        answer.refused(503, "CORE_NETWORK_NOT_CONFIGURED", "");
    }

    /// The core's trouble is told as it is.
    #[tokio::test]
    async fn a_core_that_fails_or_refuses_is_told_apart() {
        let (doors, core) = site().await;
        let eas = doors.eas(EAS);
        let unavailable = NetworkError::Unavailable {
            reason: "time-out".to_owned(),
            after: None,
        };
        core.fail_next(unavailable);
        let answer = eas.post(FETCH, json!({"ueId": UE})).await;
        answer.refused(503, "CORE_NETWORK_UNAVAILABLE", "");
        core.fail_next(NetworkError::Refused {
            cause: "REQUEST_NOT_AUTHORIZED".to_owned(),
        });
        let answer = eas.post(FETCH, json!({"ueId": UE})).await;
        answer.refused(403, "CORE_NETWORK_REFUSED", "");
        for (failure, status, cause) in [
            ("POSITIONING_DENIED", 403, "CORE_NETWORK_REFUSED"),
            ("NOT_REGISTED_UE", 404, "UE_NOT_FOUND"),
            ("UNSPECIFIED", 503, "CORE_NETWORK_UNAVAILABLE"),
        ] {
            let failed = LocationReport {
                location: None,
                failure: Some(failure.to_owned()),
                ..seen_in("")
            };
            core.place(UE.parse().unwrap(), failed);
            eas.post(FETCH, json!({"ueId": UE})).await.refused(status, cause, "");
        }
    }
}

mod create {
    use super::*;

    /// Clause 5.3.2.4: each report of the core reaches the subscriber, once.
    #[tokio::test]
    async fn reports_of_the_core_reach_the_subscriber() {
        let (doors, core) = site().await;
        let made = doors.eas(EAS).post(SUBSCRIPTIONS, subscription()).await;
        let uri = made.created();
        for cell in ["000000001", "000000002"] {
            walk(&doors, &core, cell).await;
        }
        doors.settled().await;
        let told = doors.subscribers.told_at(HEARS);
        let id = uri.rsplit('/').next().unwrap();
        let expected = |cell| json!({"subId": id, "locEvs": [event(cell)]});
        assert_eq!(told, [expected("000000001"), expected("000000002")]);
    }

    /// Two EASs may watch one UE while the core allows one watch.
    #[tokio::test]
    async fn two_subscriptions_to_one_ue_share_a_watch() {
        let (doors, core) = site().await;
        let (a, b) = (doors.eas(EAS), doors.eas("eas.chess.example#b1"));
        let first = a.post(SUBSCRIPTIONS, subscription()).await.created();
        b.post(SUBSCRIPTIONS, subscription()).await.created();
        assert_eq!(core.runs().len(), 1);
        a.delete(&first).await.done();
        walk(&doors, &core, "000000001").await;
        doors.settled().await;
        assert_eq!(events_of(doors.subscribers.told_at(HEARS)), [event("000000001")]);
    }

    #[tokio::test]
    async fn immediate_reporting_tells_where_the_ue_is_at_once() {
        let (doors, core) = site().await;
        core.place(UE.parse().unwrap(), seen_in("000000005"));
        let body = with("eventReq", json!({"immRep": true}));
        doors.eas(EAS).post(SUBSCRIPTIONS, body).await.created();
        doors.settled().await;
        assert_eq!(events_of(doors.subscribers.told_at(HEARS)), [event("000000005")]);
    }

    /// One report, and the subscription is over; so is the watch at the core.
    #[tokio::test]
    async fn one_time_ends_after_its_report() {
        let (doors, core) = site().await;
        let eas = doors.eas(EAS);
        let body = with("eventReq", json!({"notifMethod": "ONE_TIME"}));
        let uri = eas.post(SUBSCRIPTIONS, body).await.created();
        walk(&doors, &core, "000000001").await;
        doors.settled().await;
        assert_eq!(events_of(doors.subscribers.told_at(HEARS)), [event("000000001")]);
        eas.get(&uri).await.refused(404, "SUBSCRIPTION_NOT_FOUND", "");
        assert_eq!(core.runs(), []);
    }

    #[tokio::test]
    async fn a_number_of_reports_ends_it_too() {
        let (doors, core) = site().await;
        let body = with("eventReq", json!({"maxReportNbr": 2}));
        doors.eas(EAS).post(SUBSCRIPTIONS, body).await.created();
        for cell in ["000000001", "000000002"] {
            walk(&doors, &core, cell).await;
        }
        doors.settled().await;
        assert_eq!(events_of(doors.subscribers.told_at(HEARS)).len(), 2);
        assert_eq!(core.runs(), []);
    }

    /// Between periods nothing is told; at each period what happened since, or where the UE was last.
    #[tokio::test]
    async fn periodic_reports_come_by_the_period() {
        let (doors, core) = site().await;
        let body = with("eventReq", json!({"notifMethod": "PERIODIC", "repPeriod": 10}));
        doors.eas(EAS).post(SUBSCRIPTIONS, body).await.created();
        walk(&doors, &core, "000000001").await;
        doors.settled().await;
        assert_eq!(doors.subscribers.told_at(HEARS), [] as [Value; 0]);
        for _ in 0..2 {
            doors.pass(11).await;
            doors.settled().await;
            assert_eq!(events_of(doors.subscribers.told_at(HEARS)), [event("000000001")]);
        }
    }

    /// The subscription ends with the monitoring duration.
    #[tokio::test]
    async fn the_monitoring_duration_is_its_expiry() {
        let (doors, core) = site().await;
        let eas = doors.eas(EAS);
        let body = with("eventReq", json!({"monDur": "2026-01-05T12:01:00Z"}));
        let made = eas.post(SUBSCRIPTIONS, body).await;
        let uri = made.created();
        assert_eq!(made.body["expTime"], "2026-01-05T12:01:00Z");
        doors.pass(61).await;
        doors.settled().await;
        eas.get(&uri).await.refused(404, "SUBSCRIPTION_NOT_FOUND", "");
        assert_eq!(core.runs(), []);
    }

    /// TS 29.122 clause 5.2.5.3.
    #[tokio::test]
    async fn a_test_notification_comes_when_asked_for() {
        let (doors, _) = site().await;
        let mut body = with("requestTestNotification", json!(true));
        body["suppFeat"] = json!("1");
        let uri = doors.eas(EAS).post(SUBSCRIPTIONS, body).await.created();
        doors.settled().await;
        assert_eq!(doors.subscribers.told_at(HEARS), [json!({"subscription": uri})]);
    }

    #[tokio::test]
    async fn what_the_core_refuses_leaves_nothing() {
        let (doors, core) = site().await;
        core.fail_next(NetworkError::UnknownUe);
        let answer = doors.eas(EAS).post(SUBSCRIPTIONS, subscription()).await;
        answer.refused(404, "UE_NOT_FOUND", "");
        assert_eq!(core.runs(), []);
        for prefix in ["location-subscription/", "core-link/", "core-share/", "core-held/"] {
            assert_eq!(doors.keys(prefix).await, [] as [String; 0], "{prefix}");
        }
    }

    #[tokio::test]
    async fn refusals_name_the_member() {
        let (doors, core) = site().await;
        let eas = doors.eas(EAS);
        let cases = [
            (
                with("easId", json!("eas.other.example")),
                403,
                "OWNER_MISMATCH",
                "/easId",
            ),
            (
                with("ueId", json!("extid-x@y.example")),
                403,
                "USER_CONSENT_NOT_GRANTED",
                "/ueId",
            ),
            (
                with("notificationDestination", json!("https://127.0.0.1/x")),
                403,
                "CALLBACK_NOT_ALLOWED",
                "/notificationDestination",
            ),
            (
                with("revocationNotifUri", json!("http://a.example/x")),
                400,
                "CALLBACK_NOT_ALLOWED",
                "/revocationNotifUri",
            ),
            (
                with("eventReq", json!({"notifMethod": "PERIODIC"})),
                400,
                "OPTIONAL_IE_INCORRECT",
                "/eventReq/repPeriod",
            ),
        ];
        for (body, status, cause, pointer) in cases {
            eas.post(SUBSCRIPTIONS, body).await.refused(status, cause, pointer);
        }
        let mut without = subscription();
        without.as_object_mut().unwrap().remove("notificationDestination");
        let answer = eas.post(SUBSCRIPTIONS, without).await;
        answer.refused(400, "MANDATORY_IE_MISSING", "/notificationDestination");
        assert_eq!(core.runs(), []);
    }
}

mod group {
    use super::*;

    /// Of a group only those are told who agreed.
    #[tokio::test]
    async fn only_members_who_agreed_are_told_of() {
        let (doors, core) = site().await;
        let mut body = with("extGrpId", json!("extgroupid-fleet@operator.example"));
        body.as_object_mut().unwrap().remove("ueId");
        doors.eas(EAS).post(SUBSCRIPTIONS, body).await.created();
        let token = core.runs()[0].token.clone();
        let of = |ue: &str| {
            let mut seen = seen_in("000000001");
            seen.ue = Some(ue.parse().unwrap());
            CoreReport::Location(Box::new(seen))
        };
        let reports = [of(UE), of("extid-ue2@operator.example")];
        report(&doors, &token, &reports).await.done();
        doors.settled().await;
        assert_eq!(events_of(doors.subscribers.told_at(HEARS)), [event("000000001")]);
    }

    /// A telephone number is told to nobody who did not know it.
    #[tokio::test]
    async fn a_member_with_a_telephone_number_only_is_left_out() {
        let (doors, core) = site().await;
        doors.agreements.agree("msisdn-491700000009", Purpose::Location);
        let mut body = with("extGrpId", json!("extgroupid-fleet@operator.example"));
        body.as_object_mut().unwrap().remove("ueId");
        doors.eas(EAS).post(SUBSCRIPTIONS, body).await.created();
        let mut seen = seen_in("000000001");
        seen.ue = Some("msisdn-491700000009".parse().unwrap());
        let token = core.runs()[0].token.clone();
        report(&doors, &token, &[CoreReport::Location(Box::new(seen))])
            .await
            .done();
        doors.settled().await;
        assert_eq!(doors.subscribers.told_at(HEARS), [] as [Value; 0]);
    }

    /// An internal group has to be configured.
    #[tokio::test]
    async fn an_unknown_internal_group_is_refused() {
        let (doors, _) = site().await;
        let mut body = with("intGrpId", json!("0a1b2c3d-001-01-0102"));
        body.as_object_mut().unwrap().remove("ueId");
        let answer = doors.eas(EAS).post(SUBSCRIPTIONS, body).await;
        answer.refused(403, "CORE_NETWORK_REFUSED", "");
    }
}

mod change {
    use super::*;

    /// What identifies a subscription stays.
    #[tokio::test]
    async fn the_ue_never_changes() {
        let (doors, _) = site().await;
        doors.agreements.agree("extid-ue2@operator.example", Purpose::Location);
        let eas = doors.eas(EAS);
        let uri = eas.post(SUBSCRIPTIONS, subscription()).await.created();
        let other = with("ueId", json!("extid-ue2@operator.example"));
        eas.put(&uri, other)
            .await
            .refused(403, "MODIFICATION_NOT_ALLOWED", "/ueId");
    }

    /// Clause 5.3.2.5: a finer granularity is asked of the core.
    #[tokio::test]
    async fn a_finer_granularity_reaches_the_core() {
        let (doors, core) = site().await;
        let eas = doors.eas(EAS);
        let uri = eas.post(SUBSCRIPTIONS, with("locGran", json!("TA_RA"))).await.created();
        let changed = eas.patch(&uri, json!({"locGran": "CGI_ECGI"})).await.found();
        assert_eq!(changed["locGran"], "CGI_ECGI");
        assert_eq!(core.counts(), (1, 1));
    }

    /// Clause 5.3.2.5.3: consent is asked for again.
    #[tokio::test]
    async fn without_consent_nothing_changes() {
        let (doors, _) = site().await;
        let eas = doors.eas(EAS);
        let uri = eas.post(SUBSCRIPTIONS, subscription()).await.created();
        doors.agreements.withdraw(UE, Purpose::Location);
        let answer = eas.patch(&uri, json!({"locGran": "CGI_ECGI"})).await;
        answer.refused(403, "USER_CONSENT_NOT_GRANTED", "/ueId");
    }

    #[tokio::test]
    async fn a_stranger_finds_nothing() {
        let (doors, _) = site().await;
        let uri = doors.eas(EAS).post(SUBSCRIPTIONS, subscription()).await.created();
        let stranger = doors.eas("eas.chess.example#b1");
        stranger.get(&uri).await.refused(404, "SUBSCRIPTION_NOT_FOUND", "");
        stranger.delete(&uri).await.refused(404, "SUBSCRIPTION_NOT_FOUND", "");
    }
}

mod consent {
    use super::*;

    /// Clause 5.3.2.4.3: reports stop, the subscriber is told, the core is released.
    ///
    /// Proves: WP-30
    #[tokio::test]
    async fn a_withdrawal_ends_the_subscription_and_tells_the_subscriber() {
        let (doors, core) = site().await;
        let eas = doors.eas(EAS);
        let uri = eas
            .post(SUBSCRIPTIONS, with("revocationNotifUri", json!(REVOKED)))
            .await
            .created();
        let withdrawal = doors.agreements.withdraw(UE, Purpose::Location);
        doors.locations.withdrawn(&withdrawal).await.unwrap();
        doors.settled().await;
        let told = doors.subscribers.told_at(REVOKED);
        let id = uri.rsplit('/').next().unwrap();
        let revoked = json!([{"ucPurpose": "EDGEAPP_UE_LOCATION", "ueId": UE}]);
        assert_eq!(told, [json!({"subscriptionId": id, "consentsRevoked": revoked})]);
        eas.get(&uri).await.refused(404, "SUBSCRIPTION_NOT_FOUND", "");
        assert_eq!(core.runs(), []);
    }

    /// A withdrawal of something else, or of somebody else, ends nothing; the right one ends it, under the name the EAS knows.
    #[tokio::test]
    async fn only_the_withdrawal_of_this_consent_counts() {
        let (doors, core) = site().await;
        let eas = doors.eas(EAS);
        let body = with("revocationNotifUri", json!(REVOKED));
        let uri = eas.post(SUBSCRIPTIONS, body).await.created();
        let token = core.runs()[0].token.clone();
        let of = |purpose: &str, ue: &str| {
            let revoked = json!({"ucPurpose": purpose, "ueId": ue});
            [CoreReport::Revoked(vec![serde_json::from_value(revoked).unwrap()])]
        };
        report(&doors, &token, &[CoreReport::Revoked(Vec::new())]).await.done();
        report(&doors, &token, &of("ANALYTICS", UE)).await.done();
        report(&doors, &token, &of("EDGEAPP_UE_LOCATION", "extid-ue2@operator.example"))
            .await
            .done();
        eas.get(&uri).await.found();
        report(&doors, &token, &of("EDGEAPP_UE_LOCATION", "msisdn-491700000001"))
            .await
            .done();
        doors.settled().await;
        let told = doors.subscribers.told_at(REVOKED);
        assert_eq!(
            told[0]["consentsRevoked"],
            json!([{"ucPurpose": "EDGEAPP_UE_LOCATION", "ueId": UE}])
        );
        eas.get(&uri).await.refused(404, "SUBSCRIPTION_NOT_FOUND", "");
    }

    /// A report that is on its way when the user changes their mind is not told.
    #[tokio::test]
    async fn a_report_after_the_withdrawal_is_not_told() {
        let (doors, core) = site().await;
        doors.eas(EAS).post(SUBSCRIPTIONS, subscription()).await.created();
        doors.agreements.withdraw(UE, Purpose::Location);
        walk(&doors, &core, "000000001").await;
        doors.settled().await;
        assert_eq!(doors.subscribers.told_at(HEARS), [] as [Value; 0]);
    }
}

mod reports {
    use super::*;

    /// A report for nothing of ours is refused, whatever it says.
    ///
    /// Proves: T-38
    #[tokio::test]
    async fn an_unknown_token_is_refused() {
        let (doors, _) = site().await;
        let answer = report(&doors, &Token::new("guess"), &[]).await;
        answer.refused(404, "SUBSCRIPTION_NOT_FOUND", "");
    }

    /// Only the core network may report.
    #[tokio::test]
    async fn an_eas_may_not_report() {
        let (doors, core) = site().await;
        doors.eas(EAS).post(SUBSCRIPTIONS, subscription()).await.created();
        let path = format!("/edge2/reports/{}", core.runs()[0].token.reveal());
        let pretender = doors.caller(
            edgeapp_core::authorizer::ReferencePoint::Edge2,
            &["urn:edgeapp:eas:eas.chess.example"],
        );
        pretender.post(&path, json!([])).await.refused(403, "UNAUTHORIZED", "");
    }

    /// A report is about the UE that is watched at its address, whomever its body names.
    ///
    /// Proves: T-38
    #[tokio::test]
    async fn a_report_is_matched_by_where_it_arrives() {
        let (doors, core) = site().await;
        doors.agreements.agree("extid-ue2@operator.example", Purpose::Location);
        let eas = doors.eas(EAS);
        eas.post(SUBSCRIPTIONS, subscription()).await.created();
        let mut seen = seen_in("000000001");
        seen.ue = Some("extid-ue2@operator.example".parse().unwrap());
        let token = core.runs()[0].token.clone();
        report(&doors, &token, &[CoreReport::Location(Box::new(seen))])
            .await
            .done();
        doors.settled().await;
        assert_eq!(events_of(doors.subscribers.told_at(HEARS)), [event("000000001")]);
        let other = json!({"ueId": "extid-ue2@operator.example"});
        eas.post(FETCH, other).await.refused(404, "UE_NOT_FOUND", "");
    }

    /// What the core lost is made again by the upkeep, under the same address.
    #[tokio::test]
    async fn a_core_that_forgot_is_reminded() {
        let (doors, core) = site().await;
        doors.eas(EAS).post(SUBSCRIPTIONS, subscription()).await.created();
        core.lose_everything();
        doors.upkeep().await;
        walk(&doors, &core, "000000003").await;
        doors.settled().await;
        assert_eq!(events_of(doors.subscribers.told_at(HEARS)), [event("000000003")]);
    }
}
