//! Eees_SessionWithQoS (TS 29.558 clauses 5.6 and 8.5), with a core network that does as it is told.

use crate::harness::{Doors, Settings};
use edgeapp_core::{
    consent::Purpose,
    network::{Asked, CoreReport, NetworkError},
};
use edgeapp_testkit::network::FakeCore;
use serde_json::{Value, json};
use std::sync::Arc;

const SESSIONS: &str = "/eees-session-with-qos/v1/sessions";
const EAS: &str = "eas.chess.example#a1";
const UE: &str = "extid-ue1@operator.example";
const HEARS: &str = "https://chess.edge-a.example/qos";

async fn registered(doors: &Doors) -> String {
    let profile = json!({"easId": "eas.chess.example", "endPt": {"fqdn": "a.example"}});
    let made = doors
        .eas(EAS)
        .post("/eees-easregistration/v1/registrations", json!({"easProf": profile}))
        .await;
    made.created()
}

async fn site() -> (Doors, Arc<FakeCore>) {
    let core = Arc::new(FakeCore::default());
    let settings = Settings {
        core: core.clone(),
        ..Settings::default()
    };
    let doors = Doors::with(settings).await;
    registered(&doors).await;
    doors.agreements.agree(UE, Purpose::Qos);
    (doors, core)
}

fn session() -> Value {
    json!({"easId": "eas.chess.example", "ueId": UE, "ipFlows": ["permit out ip from any to any"], "qosReference": "gold",
        "events": ["QOS_NOT_GUARANTEED", "SESSION_TERMINATION"], "notificationDestination": HEARS})
}

async fn report(doors: &Doors, core: &FakeCore, event: &str) {
    let report = serde_json::from_value(json!({"event": event})).unwrap();
    let path = format!("/edge2/reports/{}", core.runs()[0].token.reveal());
    let reports = serde_json::to_value([CoreReport::Qos(vec![report])]).unwrap();
    doors.nef().post(&path, reports).await.done();
}

mod create {
    use super::*;

    /// Clause 5.6.2.2.2: the core grants it, the EAS reads it, alone and in the list.
    #[tokio::test]
    async fn a_session_that_the_core_grants_is_kept() {
        let (doors, core) = site().await;
        let eas = doors.eas(EAS);
        let made = eas.post(SESSIONS, session()).await;
        let uri = made.created();
        let mut expected = session();
        expected["self"] = uri.clone().into();
        assert_eq!(eas.get(&uri).await.found(), expected);
        let list = eas.get(&format!("{SESSIONS}?eas-id=eas.chess.example")).await.found();
        assert_eq!(list, json!([expected]));
        let Asked::Qos(asked) = &core.runs()[0].asked else {
            panic!("a session")
        };
        assert_eq!(asked.qos_reference.as_deref(), Some("gold"));
    }

    /// What the core does not grant is not kept.
    #[tokio::test]
    async fn a_refusal_leaves_nothing() {
        let (doors, core) = site().await;
        core.fail_next(NetworkError::Refused {
            cause: "REQUESTED_QOS_NOT_ACCEPTED".to_owned(),
        });
        let answer = doors.eas(EAS).post(SESSIONS, session()).await;
        answer.refused(403, "CORE_NETWORK_REFUSED", "");
        assert!(
            answer.body["detail"]
                .as_str()
                .unwrap()
                .contains("REQUESTED_QOS_NOT_ACCEPTED")
        );
        assert_eq!(doors.keys("qos-session/").await, [] as [String; 0]);
        assert_eq!(doors.keys("core-link/").await, [] as [String; 0]);
    }

    /// Consent is the user's, whichever way the UE is named.
    ///
    /// Proves: WP-30
    #[tokio::test]
    async fn an_address_or_a_group_is_no_way_around_consent() {
        let (doors, core) = site().await;
        let address: edgeapp_openapi::common::IpAddr =
            serde_json::from_value(json!({"ipv4Addr": "198.51.100.2"})).unwrap();
        core.give_address(
            &serde_json::to_string(&address).unwrap(),
            "ue2@operator.example".parse().unwrap(),
        );
        let eas = doors.eas(EAS);
        let named = |member: &str, value: &str| {
            let mut body = session();
            body.as_object_mut().unwrap().remove("ueId");
            body[member] = json!(value);
            body
        };
        let by_address = named("ueIpv4Addr", "198.51.100.2");
        let answer = eas.post(SESSIONS, by_address.clone()).await;
        answer.refused(403, "USER_CONSENT_NOT_GRANTED", "/ueIpv4Addr");
        let answer = eas
            .post(SESSIONS, named("extGrpId", "extgroupid-fleet@operator.example"))
            .await;
        answer.refused(403, "USER_CONSENT_NOT_GRANTED", "/extGrpId");
        assert_eq!(core.runs(), []);
        doors.agreements.agree("extid-ue2@operator.example", Purpose::Qos);
        eas.post(SESSIONS, by_address).await.created();
        let withdrawal = doors.agreements.withdraw("extid-ue2@operator.example", Purpose::Qos);
        doors.sessions.withdrawn(&withdrawal).await.unwrap();
        doors.settled().await;
        assert_eq!(core.runs(), []);
    }

    #[tokio::test]
    async fn without_a_core_network_is_refused_at_once() {
        let doors = Doors::open().await;
        registered(&doors).await;
        let answer = doors.eas(EAS).post(SESSIONS, session()).await;
        answer.refused(503, "CORE_NETWORK_NOT_CONFIGURED", "");
    }

    #[tokio::test]
    async fn refusals_name_the_member() {
        let (doors, core) = site().await;
        let eas = doors.eas(EAS);
        let with = |member: &str, value: Value| {
            let mut body = session();
            body[member] = value;
            body
        };
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
                with("ueIpv4Addr", json!("198.51.100.4")),
                400,
                "OPTIONAL_IE_INCORRECT",
                "/ueId",
            ),
            (with("ipDomain", json!("a")), 400, "OPTIONAL_IE_INCORRECT", "/ipDomain"),
            (
                with("notificationDestination", json!("https://10.0.0.1/x")),
                403,
                "CALLBACK_NOT_ALLOWED",
                "/notificationDestination",
            ),
        ];
        for (body, status, cause, pointer) in cases {
            eas.post(SESSIONS, body).await.refused(status, cause, pointer);
        }
        let mut without = session();
        without.as_object_mut().unwrap().remove("qosReference");
        eas.post(SESSIONS, without)
            .await
            .refused(400, "MANDATORY_IE_MISSING", "/qosReference");
        eas.get(SESSIONS)
            .await
            .refused(400, "MANDATORY_QUERY_PARAM_MISSING", "eas-id");
        eas.get(&format!("{SESSIONS}?eas-id=eas.chess.example"))
            .await
            .refused(404, "RESOURCE_NOT_FOUND", "");
        assert_eq!(core.runs(), []);
    }

    /// TS 29.122 clause 5.2.5.3.
    #[tokio::test]
    async fn a_test_notification_comes_when_asked_for() {
        let (doors, _) = site().await;
        let mut body = session();
        body["requestTestNotification"] = json!(true);
        body["suppFeat"] = json!("1");
        let uri = doors.eas(EAS).post(SESSIONS, body).await.created();
        doors.settled().await;
        assert_eq!(doors.subscribers.told_at(HEARS), [json!({"subscription": uri})]);
    }
}

mod change {
    use super::*;

    /// Clause 5.6.2.3: the core has the new quality before it is kept.
    #[tokio::test]
    async fn the_core_agrees_first() {
        let (doors, core) = site().await;
        let eas = doors.eas(EAS);
        let uri = eas.post(SESSIONS, session()).await.created();
        let changed = eas.patch(&uri, json!({"qosReference": "silver"})).await.found();
        assert_eq!(changed["qosReference"], "silver");
        let Asked::Qos(asked) = &core.runs()[0].asked else {
            panic!("a session")
        };
        assert_eq!(asked.qos_reference.as_deref(), Some("silver"));
        core.fail_next(NetworkError::Refused { cause: "NO".to_owned() });
        eas.patch(&uri, json!({"qosReference": "gold"}))
            .await
            .refused(403, "CORE_NETWORK_REFUSED", "");
        assert_eq!(eas.get(&uri).await.found()["qosReference"], "silver");
    }

    /// Changes of one session wait for each other; in the end the core has what is kept.
    #[tokio::test]
    async fn many_at_once_take_turns() {
        let (doors, core) = site().await;
        let eas = doors.eas(EAS);
        let uri = eas.post(SESSIONS, session()).await.created();
        let all = (0..40).map(|n| eas.patch(&uri, json!({"qosReference": format!("quality-{n}")})));
        for answer in futures_util::future::join_all(all).await {
            answer.found();
        }
        let kept = eas.get(&uri).await.found();
        let Asked::Qos(asked) = &core.runs()[0].asked else {
            panic!("a session")
        };
        assert_eq!(asked.qos_reference.as_deref(), kept["qosReference"].as_str());
    }

    /// RFC 6733 clause 4.3.1: what is no filter rule is refused with its place, before the core is asked.
    #[tokio::test]
    async fn flows_have_to_be_filter_rules() {
        let (doors, core) = site().await;
        let eas = doors.eas(EAS);
        let mut body = session();
        body["ipFlows"] = json!(["permit in ip from any to any", "tcp from here"]);
        eas.post(SESSIONS, body)
            .await
            .refused(400, "MANDATORY_IE_INCORRECT", "/ipFlows/1");
        assert_eq!(core.runs(), []);
        let uri = eas.post(SESSIONS, session()).await.created();
        eas.patch(&uri, json!({"ipFlows": ["deny in ip from any to any"]}))
            .await
            .refused(400, "MANDATORY_IE_INCORRECT", "/ipFlows/0");
        let flow = "permit out 17 from 192.0.2.20 443 to 198.51.100.0/24 5000-5010";
        assert_eq!(
            eas.patch(&uri, json!({"ipFlows": [flow]})).await.found()["ipFlows"][0],
            flow
        );
    }

    #[tokio::test]
    async fn the_ue_never_changes() {
        let (doors, _) = site().await;
        doors.agreements.agree("extid-ue2@operator.example", Purpose::Qos);
        let eas = doors.eas(EAS);
        let uri = eas.post(SESSIONS, session()).await.created();
        let mut other = session();
        other["ueId"] = json!("extid-ue2@operator.example");
        eas.put(&uri, other)
            .await
            .refused(403, "MODIFICATION_NOT_ALLOWED", "/ueId");
    }

    /// Null takes a limit away.
    #[tokio::test]
    async fn null_removes_a_limit() {
        let (doors, _) = site().await;
        let eas = doors.eas(EAS);
        let mut limited = session();
        limited["maxbrUl"] = json!("1 Mbps");
        let uri = eas.post(SESSIONS, limited).await.created();
        let changed = eas.patch(&uri, json!({"maxbrUl": null})).await.found();
        assert_eq!(changed.get("maxbrUl"), None);
    }
}

mod end {
    use super::*;

    #[tokio::test]
    async fn a_removed_session_ends_at_the_core() {
        let (doors, core) = site().await;
        let eas = doors.eas(EAS);
        let uri = eas.post(SESSIONS, session()).await.created();
        doors
            .eas("eas.chess.example#b1")
            .delete(&uri)
            .await
            .refused(404, "RESOURCE_NOT_FOUND", "");
        eas.delete(&uri).await.done();
        doors.settled().await;
        assert_eq!(core.runs(), []);
        eas.get(&uri).await.refused(404, "RESOURCE_NOT_FOUND", "");
    }

    /// Clause 5.2.2.4 leaves it open: what the EAS asked for ends with its registration.
    #[tokio::test]
    async fn a_session_ends_with_the_registration_of_its_eas() {
        let (doors, core) = site().await;
        let eas = doors.eas(EAS);
        let registration = doors.keys("eas/").await[0].replace("eas/", "/eees-easregistration/v1/registrations/");
        eas.post(SESSIONS, session()).await.created();
        eas.delete(&registration).await.done();
        doors.settled().await;
        assert_eq!(core.runs(), []);
    }
}

mod last_words {
    use super::*;

    async fn used(doors: &Doors, core: &FakeCore, events: Value) -> String {
        let mut body = session();
        body["events"] = events;
        let uri = doors.eas(EAS).post(SESSIONS, body).await.created();
        let usage = json!([{"event": "USAGE_REPORT", "accumulatedUsage": {"totalVolume": 1234}},
            {"event": "SESSION_TERMINATION"}]);
        core.report_at_the_end(vec![CoreReport::Qos(serde_json::from_value(usage).unwrap())]);
        uri
    }

    /// TS 29.122 clause 5.14.3: what was used until the end comes in the answer to the end, and reaches who asked for it.
    #[tokio::test]
    async fn what_was_used_until_the_end_is_told_to_who_asked() {
        let (doors, core) = site().await;
        let uri = used(&doors, &core, json!(["USAGE_REPORT", "SESSION_TERMINATION"])).await;
        doors.eas(EAS).delete(&uri).await.done();
        doors.settled().await;
        let expected = json!({"sessionId": uri.rsplit('/').next().unwrap(),
            "eventReports": [{"event": "USAGE_REPORT", "accumulatedUsage": {"totalVolume": 1234}}]});
        assert_eq!(doors.subscribers.told_at(HEARS), [expected]);
        assert_eq!(doors.keys("core-link/").await, [] as [String; 0]);
    }

    #[tokio::test]
    async fn the_end_of_the_registration_tells_it_too() {
        let (doors, core) = site().await;
        let registration = registered(&doors).await;
        used(&doors, &core, json!(["USAGE_REPORT"])).await;
        doors.eas(EAS).delete(&registration).await.done();
        doors.settled().await;
        assert_eq!(doors.subscribers.told_at(HEARS).len(), 1);
    }

    #[tokio::test]
    async fn who_did_not_ask_is_not_told() {
        let (doors, core) = site().await;
        let uri = used(&doors, &core, json!(["SESSION_TERMINATION"])).await;
        doors.eas(EAS).delete(&uri).await.done();
        doors.settled().await;
        assert_eq!(doors.subscribers.told_at(HEARS), [] as [Value; 0]);
    }

    /// The user took the consent back: of what was used nothing is told either.
    #[tokio::test]
    async fn a_withdrawal_tells_the_end_only() {
        let (doors, core) = site().await;
        used(&doors, &core, json!(["USAGE_REPORT", "SESSION_TERMINATION"])).await;
        let withdrawal = doors.agreements.withdraw(UE, Purpose::Qos);
        doors.sessions.withdrawn(&withdrawal).await.unwrap();
        doors.settled().await;
        assert_eq!(core.runs(), []);
        let told = doors.subscribers.told_at(HEARS);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0]["eventReports"], json!([{"event": "SESSION_TERMINATION"}]));
    }
}

mod reports {
    use super::*;

    /// Clause 5.6.2.5: what the core reports reaches the EAS, once.
    #[tokio::test]
    async fn an_event_reaches_the_eas() {
        let (doors, core) = site().await;
        let uri = doors.eas(EAS).post(SESSIONS, session()).await.created();
        report(&doors, &core, "QOS_NOT_GUARANTEED").await;
        doors.settled().await;
        let id = uri.rsplit('/').next().unwrap();
        let expected = json!({"sessionId": id, "eventReports": [{"event": "QOS_NOT_GUARANTEED"}]});
        assert_eq!(doors.subscribers.told_at(HEARS), [expected]);
    }

    /// A session that the core ended is told of, and stays readable until its EAS removes it.
    #[tokio::test]
    async fn a_terminated_session_is_told_and_stays_readable() {
        let (doors, core) = site().await;
        let eas = doors.eas(EAS);
        let uri = eas.post(SESSIONS, session()).await.created();
        report(&doors, &core, "SESSION_TERMINATION").await;
        doors.settled().await;
        assert_eq!(
            doors.subscribers.told_at(HEARS)[0]["eventReports"][0]["event"],
            "SESSION_TERMINATION"
        );
        assert_eq!(core.runs(), []);
        eas.get(&uri).await.found();
        eas.delete(&uri).await.done();
    }

    /// A user who takes back the consent ends the session; its EAS is told.
    #[tokio::test]
    async fn a_withdrawal_ends_the_session() {
        let (doors, core) = site().await;
        doors.eas(EAS).post(SESSIONS, session()).await.created();
        let withdrawal = doors.agreements.withdraw(UE, Purpose::Qos);
        doors.sessions.withdrawn(&withdrawal).await.unwrap();
        doors.settled().await;
        assert_eq!(
            doors.subscribers.told_at(HEARS)[0]["eventReports"][0]["event"],
            "SESSION_TERMINATION"
        );
        assert_eq!(core.runs(), []);
    }
}
