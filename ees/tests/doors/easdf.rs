//! N88: what SMFs ask of the EASDF (TS 29.556).

use crate::harness::{Caller, DNS_SERVER, Doors, Settings};
use axum::http::StatusCode;
use edgeapp_core::notifier::NotDelivered;
use edgeapp_ees_domain::easdf::{
    rules::{Query, Response, Way},
    steering::Verdict,
};
use serde_json::{Value, json};
use std::{net::IpAddr, time::Duration};

const CONTEXTS: &str = "/neasdf-dnscontext/v1/dns-contexts";
const PATTERN: &str =
    "/neasdf-baselinednspattern/v1/base-dns-patterns/smfInstanceId=4ace9d34-2c69-4f99-92d5-a73a3fe8e23b/edge/west";
const NOTIFY: &str = "https://smf.example/n";
const UE: [u8; 4] = [10, 45, 0, 7];
const NAME: &str = "chess.edge.example";

fn context(rules: Value) -> Value {
    json!({"ueIpv4Addr": "10.45.0.7", "dnn": "edge", "sNssai": {"sst": 1}, "notifyUri": NOTIFY, "dnsRules": rules})
}

fn rule(action: Value) -> Value {
    json!({"r": {"dnsRuleId": "7", "actionList": {"a": action}}})
}

fn discard() -> Value {
    rule(json!({"applyAction": "DISCARD"}))
}

fn respond(address: &str) -> Value {
    json!({"applyAction": "RESPOND", "respParas": {"easIpv4Addresses": [address]}})
}

fn responded(address: [u8; 4]) -> Verdict {
    Verdict::Respond(vec![IpAddr::from(address)])
}

/// What becomes of a query of the UE.
async fn query(doors: &Doors) -> Option<Verdict> {
    let from = IpAddr::from(UE);
    let context = doors.steering.context_of(from)?;
    Some(doors.steering.query(&context, Query { name: NAME, from }).await)
}

/// What becomes of a response with this address.
async fn response(doors: &Doors, address: [u8; 4], server: Option<IpAddr>) -> Option<Verdict> {
    let context = doors.steering.context_of(IpAddr::from(UE))?;
    let addresses = [IpAddr::from(address)];
    let response = Response {
        name: NAME,
        addresses: &addresses,
        network: Some("192.0.2.0/24".parse().unwrap()),
        server,
    };
    Some(doors.steering.response(&context, response).await)
}

/// The reports that arrived, once there are so many.
async fn reports(doors: &Doors, at_least: usize) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    let come = async {
        while all.len() < at_least {
            for body in doors.subscribers.told_at(NOTIFY) {
                all.extend(body["eventreportList"].as_array().unwrap().clone());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), come).await.unwrap();
    all
}

async fn create(smf: &Caller, rules: Value) -> String {
    smf.post(CONTEXTS, context(rules)).await.created()
}

fn once(message: &Value, action: &Value) -> Value {
    json!([{"op": "add", "path": "/dnsRules/once", "value": {"dnsMsgId": message, "actionList": {"x": action}}}])
}

mod create {
    use super::*;

    /// A1.
    #[tokio::test]
    async fn rules_are_at_work_when_it_is_answered() {
        let doors = Doors::open().await;
        let mut body = context(discard());
        body["supportedFeatures"] = "F".into();
        let answer = doors.smf("smf-1").post(CONTEXTS, body).await;
        let location = answer.created();
        assert!(
            location.starts_with(&format!("https://ees.example{CONTEXTS}/")),
            "{location}"
        );
        assert_eq!(
            answer.body,
            json!({"easdfIpv4Addr": "192.0.2.5", "supportedFeatures": "0"})
        );
        assert_eq!(query(&doors).await, Some(Verdict::Discard));
    }

    /// A2.
    #[tokio::test]
    async fn each_mandatory_member_is_missed() {
        let doors = Doors::open().await;
        let smf = doors.smf("smf-1");
        for member in ["dnn", "sNssai", "dnsRules"] {
            let mut body = context(discard());
            body.as_object_mut().unwrap().remove(member);
            let answer = smf.post(CONTEXTS, body).await;
            answer.refused(400, "MANDATORY_IE_MISSING", &format!("/{member}"));
        }
        let mut body = context(discard());
        body.as_object_mut().unwrap().remove("ueIpv4Addr");
        let answer = smf.post(CONTEXTS, body).await;
        assert_eq!(
            (answer.status, &answer.body["cause"]),
            (StatusCode::BAD_REQUEST, &json!("MANDATORY_IE_MISSING"))
        );
        let mut body = context(rule(json!({"applyAction": "REPORT"})));
        body.as_object_mut().unwrap().remove("notifyUri");
        let answer = smf.post(CONTEXTS, body).await;
        answer.refused(400, "MANDATORY_IE_MISSING", "/notifyUri");
    }

    /// A3, A14, A20.
    #[tokio::test]
    async fn what_contradicts_itself_or_takes_for_ever_is_refused() {
        let doors = Doors::open().await;
        let smf = doors.smf("smf-1");
        let template = json!({"m": {"mdtId": "m"}});
        let mixed = json!({"r": {"dnsQueryMdtList": template, "dnsRspMdtList": template,
            "actionList": {"a": {"applyAction": "DISCARD"}}}});
        let both = rule(json!({"applyAction": "FORWARD", "fwdParas": {
            "ecsOptionInfo": {"ecsOption": {"sourcePrefixLength": 24, "ipAddr": {"ipv4Addr": "192.0.2.0"}}},
            "dnsServerAddressInfo": {"dnsServerAddressList": [{"ipv4Addr": DNS_SERVER}]}}}));
        let bomb = json!({"r": {"actionList": {"a": {"applyAction": "DISCARD"}},
            "dnsQueryMdtList": {"m": {"mdtId": "m", "fqdnPatternList": [{"regex": "(a{1000}){1000}"}]}}}});
        let elsewhere = rule(json!({"applyAction": "FORWARD", "fwdParas": {
            "dnsServerAddressInfo": {"dnsServerAddressList": [{"ipv4Addr": "198.51.100.1"}]}}}));
        for rules in [mixed, both, bomb, elsewhere] {
            let answer = smf.post(CONTEXTS, context(rules.clone())).await;
            let at_fault = answer.body["invalidParams"][0]["param"].as_str().unwrap_or_default();
            assert!(
                answer.status == StatusCode::BAD_REQUEST && at_fault.starts_with("/dnsRules/r"),
                "{rules} {answer:?}"
            );
        }
        assert_eq!(query(&doors).await, None);
    }

    #[tokio::test]
    async fn reports_go_to_hosts_of_the_smf_and_there_are_so_many_contexts() {
        let mut settings = Settings::default();
        settings.quotas.dns_contexts = 1_u32.try_into().unwrap();
        let doors = Doors::with(settings).await;
        let smf = doors.smf("smf-1");
        let mut body = context(discard());
        body["notifyUri"] = "https://other.test/n".into();
        smf.post(CONTEXTS, body)
            .await
            .refused(403, "CALLBACK_NOT_ALLOWED", "/notifyUri");
        let first = create(&smf, discard()).await;
        smf.post(CONTEXTS, context(discard()))
            .await
            .refused(403, "QUOTA_EXCEEDED", "");
        smf.delete(&first).await.done();
        create(&smf, discard()).await;
    }

    #[tokio::test]
    async fn only_smfs_may() {
        let doors = Doors::open().await;
        let nef = doors.caller(
            edgeapp_core::authorizer::ReferencePoint::N88,
            &["urn:edgeapp:nef:nef-1"],
        );
        nef.post(CONTEXTS, context(discard()))
            .await
            .refused(403, "UNAUTHORIZED", "");
    }
}

mod change {
    use super::*;

    /// A4.
    #[tokio::test]
    async fn one_action_in_the_map_is_changed() {
        let doors = Doors::open().await;
        let smf = doors.smf("smf-1");
        let context = create(&smf, rule(respond("192.0.2.1"))).await;
        assert_eq!(query(&doors).await, Some(responded([192, 0, 2, 1])));
        let patch = json!([{"op": "replace", "path": "/dnsRules/r/actionList/a", "value": respond("192.0.2.2")}]);
        smf.json_patch(&context, patch).await.done();
        assert_eq!(query(&doors).await, Some(responded([192, 0, 2, 2])));
        smf.patch(&context, json!({}))
            .await
            .refused(415, "UNSUPPORTED_MEDIA_TYPE", "");
        smf.json_patch(&context, json!({}))
            .await
            .refused(400, "INVALID_MSG_FORMAT", "");
    }

    /// A5.
    #[tokio::test]
    async fn what_fails_is_reported_and_the_rest_is_at_work() {
        let doors = Doors::open().await;
        let smf = doors.smf("smf-1");
        let context = create(&smf, discard()).await;
        let patch = json!([
            {"op": "remove", "path": "/dnsRules/none"},
            {"op": "replace", "path": "/dnsRules/r/actionList/a", "value": respond("192.0.2.2")},
        ]);
        let report = smf.json_patch(&context, patch).await.found();
        assert_eq!(report["report"][0]["path"], "/dnsRules/none");
        assert_eq!(query(&doors).await, Some(responded([192, 0, 2, 2])));
        let answer = smf
            .json_patch(&context, json!([{"op": "remove", "path": "/dnsRules/none"}]))
            .await;
        answer.refused(400, "OPTIONAL_IE_INCORRECT", "/dnsRules/none");
    }

    /// A6, A7, A21.
    #[tokio::test]
    async fn contexts_are_replaced_and_end_but_never_come_about_by_put() {
        let doors = Doors::open().await;
        let smf = doors.smf("smf-1");
        smf.put(&format!("{CONTEXTS}/none"), context(discard()))
            .await
            .refused(404, "RESOURCE_NOT_FOUND", "");
        let mut nowhere = context(discard());
        nowhere["ueIpv4Addr"] = "0.0.0.0".into();
        let made = smf.post(CONTEXTS, nowhere).await.created();
        assert_eq!(query(&doors).await, None);
        smf.put(&made, context(discard())).await.done();
        assert_eq!(query(&doors).await, Some(Verdict::Discard));
        for (caller, status) in [("smf-2", 404), ("smf-1", 204)] {
            assert_eq!(doors.smf(caller).delete(&made).await.status.as_u16(), status);
        }
        assert_eq!(query(&doors).await, None);
        smf.json_patch(&made, json!([{"op": "remove", "path": "/label"}]))
            .await
            .refused(404, "RESOURCE_NOT_FOUND", "");
    }
}

mod messages {
    use super::*;

    /// A8, A19.
    #[tokio::test]
    async fn reports_are_told_once_again_after_a_reset_and_with_numbers_where_rules_have_them() {
        let doors = Doors::open().await;
        let smf = doors.smf("smf-1");
        let report = |once: bool| json!({"applyAction": "REPORT", "reportingOnceInd": once});
        let context = create(&smf, rule(report(false))).await;
        query(&doors).await;
        query(&doors).await;
        let told = reports(&doors, 2).await;
        assert_eq!(
            (&told[0]["dnsRuleId"], &told[0]["dnsQueryReport"]["fqdn"]),
            (&json!(7), &json!(NAME))
        );
        smf.json_patch(
            &context,
            json!([
                {"op": "replace", "path": "/dnsRules/r/actionList/a", "value": report(true)},
                {"op": "replace", "path": "/dnsRules/r/dnsRuleId", "value": "seven"},
            ]),
        )
        .await
        .done();
        for _ in 0..3 {
            query(&doors).await;
        }
        assert!(reports(&doors, 1).await[0].get("dnsRuleId").is_none());
        smf.json_patch(
            &context,
            json!([
                {"op": "add", "path": "/dnsRules/r/actionList/a/resetReportingOnceInd", "value": true},
            ]),
        )
        .await
        .done();
        query(&doors).await;
        assert_eq!(reports(&doors, 1).await.len(), 1);
    }

    /// A9.
    #[tokio::test]
    async fn a_response_is_held_reported_and_let_go_once() {
        let doors = Doors::open().await;
        let smf = doors.smf("smf-1");
        let rules = json!({"r": {"dnsRspMdtList": {"m": {"mdtId": "m",
            "easIpv4AddrRanges": [{"start": "192.0.2.0", "end": "192.0.2.99"}]}},
            "actionList": {"a": {"applyAction": "REPORT"}, "b": {"applyAction": "BUFFER"}}}});
        let context = create(&smf, rules).await;
        assert_eq!(
            response(&doors, [198, 51, 100, 1], None).await,
            Some(Verdict::NoRule(Way::default()))
        );
        let let_go = async {
            let told = reports(&doors, 1).await.remove(0);
            assert_eq!(told["dnsRspReport"]["easIpv4Addresses"], json!(["192.0.2.7"]));
            assert_eq!(told["dnsRspReport"]["ecsOption"]["sourcePrefixLength"], 24);
            let patch = once(&told["dnsMsgId"], &json!({"applyAction": "FORWARD"}));
            smf.json_patch(&context, patch.clone()).await.done();
            smf.json_patch(&context, patch).await.done();
        };
        let began = std::time::Instant::now();
        let (verdict, ()) = tokio::join!(response(&doors, [192, 0, 2, 7], None), let_go);
        assert_eq!(verdict, Some(Verdict::Forward(Way::default())));
        assert!(began.elapsed() < Duration::from_secs(2), "nobody waited for the end");
    }

    /// A10, A12.
    #[tokio::test]
    async fn what_is_held_can_be_dropped_or_answered() {
        let doors = Doors::open().await;
        let smf = doors.smf("smf-1");
        let rules = json!({"r": {"actionList": {"a": {"applyAction": "REPORT"}, "b": {"applyAction": "BUFFER"}}}});
        let context = create(&smf, rules).await;
        for (action, expected) in [
            (json!({"applyAction": "DISCARD"}), Verdict::Discard),
            (respond("192.0.2.9"), responded([192, 0, 2, 9])),
        ] {
            let decide = async {
                let told = reports(&doors, 1).await.remove(0);
                smf.json_patch(&context, once(&told["dnsMsgId"], &action)).await.done();
            };
            let (verdict, ()) = tokio::join!(query(&doors), decide);
            assert_eq!(verdict, Some(expected));
        }
    }

    /// A17.
    #[tokio::test]
    async fn an_smf_that_is_away_holds_up_nobody() {
        let doors = Doors::open().await;
        let away = NotDelivered::Later {
            reason: "away".to_owned(),
            after: None,
        };
        doors.subscribers.refuse(NOTIFY, away);
        create(&doors.smf("smf-1"), rule(json!({"applyAction": "REPORT"}))).await;
        let began = std::time::Instant::now();
        for _ in 0..1000 {
            assert_eq!(query(&doors).await, Some(Verdict::Forward(Way::default())));
        }
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    }

    /// A13, and the later action that asks once more.
    #[tokio::test]
    async fn queries_go_for_a_network_or_to_a_server() {
        let doors = Doors::open().await;
        let smf = doors.smf("smf-1");
        let ecs =
            json!({"ecsOptionInfo": {"ecsOption": {"sourcePrefixLength": 24, "ipAddr": {"ipv4Addr": "192.0.2.77"}}}});
        let server = json!({"dnsServerAddressInfo": {"dnsServerAddressList": [{"ipv4Addr": DNS_SERVER}]}});
        let forward = |parameters: &Value| json!({"applyAction": "FORWARD", "fwdParas": parameters});
        let context = create(&smf, rule(forward(&ecs))).await;
        let network = Way {
            network: Some("192.0.2.0/24".parse().unwrap()),
            servers: Vec::new(),
        };
        assert_eq!(query(&doors).await, Some(Verdict::Forward(network)));
        let to_server = Way {
            network: None,
            servers: vec![DNS_SERVER.parse().unwrap()],
        };
        let again = json!({"applyAction": "SEND_ANOTHER_DNS_QUERY", "fwdParas": server});
        smf.json_patch(
            &context,
            json!([
                {"op": "replace", "path": "/dnsRules/r/actionList/a", "value": forward(&server)},
                {"op": "add", "path": "/dnsRules/s", "value": {"dnsRspMdtList": {"m": {"mdtId": "m",
                    "dnsServerSrcAddrList": [{"ipv4Addr": "198.51.100.53"}]}}, "actionList": {"a": again}}},
            ]),
        )
        .await
        .done();
        assert_eq!(query(&doors).await, Some(Verdict::Forward(to_server.clone())));
        let elsewhere = "198.51.100.53".parse().ok();
        assert_eq!(
            response(&doors, [192, 0, 2, 1], elsewhere).await,
            Some(Verdict::Again(to_server))
        );
    }
}

mod patterns {
    use super::*;

    fn pattern(address: &str) -> Value {
        json!({
            "baseDnsMdtList": {"k": {"mdtId": "m", "dnsQueryMdtList": {"q": {"mdtId": "q", "fqdnPatternList": [
                {"stringMatchingRule": {"stringMatchingConditions": [
                    {"matchingOperator": "ENDS_WITH", "matchingString": ".edge.example"}]}}]}}}},
            "baseDnsAitList": {"k": {"aitId": "i", "ecsOption":
                {"sourcePrefixLength": 24, "ipAddr": {"ipv4Addr": address}}}},
        })
    }

    fn by_pattern() -> Value {
        let uri = format!("https://ees.example{PATTERN}");
        json!({"r": {
            "baseDnsQueryMdtList": [{"baseDnsMdtList": [{"baseDnsPatternUri": uri, "mdtId": "m"}]}],
            "actionList": {"a": {"applyAction": "FORWARD", "fwdParas": {"ecsOptionInfo":
                {"baseDnsAitId": {"baseDnsPatternUri": [uri], "aitId": "i"}}}}}}})
    }

    fn for_network(network: &str) -> Option<Verdict> {
        Some(Verdict::Forward(Way {
            network: Some(network.parse().unwrap()),
            servers: Vec::new(),
        }))
    }

    /// A15, A16.
    #[tokio::test]
    async fn one_change_moves_all_contexts_and_what_is_gone_matches_nothing() {
        let doors = Doors::open().await;
        let smf = doors.smf("smf-1");
        create(&smf, by_pattern()).await;
        let no_rule = Some(Verdict::NoRule(Way::default()));
        assert_eq!(query(&doors).await, no_rule, "it is not there yet");
        let answer = smf.put(PATTERN, pattern("192.0.2.0")).await;
        assert_eq!(answer.created(), format!("https://ees.example{PATTERN}"));
        assert_eq!(query(&doors).await, for_network("192.0.2.0/24"));
        smf.put(PATTERN, pattern("198.51.100.0")).await.done();
        assert_eq!(query(&doors).await, for_network("198.51.100.0/24"));
        let length = "/baseDnsAitList/k/ecsOption/sourcePrefixLength";
        smf.json_patch(PATTERN, json!([{"op": "replace", "path": length, "value": 20}]))
            .await
            .done();
        assert_eq!(query(&doors).await, for_network("198.51.96.0/20"));
        smf.delete(PATTERN).await.done();
        assert_eq!(query(&doors).await, no_rule);
        smf.delete(PATTERN).await.refused(404, "RESOURCE_NOT_FOUND", "");
        smf.json_patch(PATTERN, json!([{"op": "remove", "path": "/label"}]))
            .await
            .refused(404, "RESOURCE_NOT_FOUND", "");
    }

    #[tokio::test]
    async fn a_pattern_says_where_queries_go_that_no_rule_is_about() {
        let doors = Doors::open().await;
        let smf = doors.smf("smf-1");
        let other = json!({"r": {"dnsQueryMdtList": {"m": {"mdtId": "m", "fqdnPatternList": [{"regex": "^other[.]"}]}},
            "actionList": {"a": {"applyAction": "DISCARD"}}}});
        create(&smf, other).await;
        smf.put(PATTERN, pattern("192.0.2.0")).await.created();
        let way = Way {
            network: Some("192.0.2.0/24".parse().unwrap()),
            servers: Vec::new(),
        };
        assert_eq!(query(&doors).await, Some(Verdict::NoRule(way)));
    }

    #[tokio::test]
    async fn what_others_keep_is_theirs() {
        let doors = Doors::open().await;
        let (one, other) = (doors.smf("smf-1"), doors.smf("smf-2"));
        one.put(PATTERN, pattern("192.0.2.0")).await.created();
        other.put(PATTERN, pattern("198.51.100.0")).await.created();
        create(&one, by_pattern()).await;
        assert_eq!(query(&doors).await, for_network("192.0.2.0/24"));
        other.delete(PATTERN).await.done();
        assert_eq!(query(&doors).await, for_network("192.0.2.0/24"));
    }

    #[tokio::test]
    async fn who_keeps_it_has_to_be_said_and_what_is_kept_has_to_be_good() {
        let doors = Doors::open().await;
        let smf = doors.smf("smf-1");
        let base = "/neasdf-baselinednspattern/v1/base-dns-patterns";
        for path in [
            format!("{base}/smf-1/a"),
            format!("{base}/setId=/a"),
            format!("{base}/setId=a/..%2fb"),
        ] {
            smf.put(&path, pattern("192.0.2.0"))
                .await
                .refused(404, "RESOURCE_URI_STRUCTURE_NOT_FOUND", "");
        }
        for path in [
            format!("{base}/setId=set1/a"),
            format!("{base}/smfSetId=set1.smfset.5gc.mnc001.mcc001/a/b/c/d"),
        ] {
            smf.put(&path, pattern("192.0.2.0")).await.created();
        }
        let mut both = pattern("192.0.2.0");
        both["baseDnsMdtList"]["k"]["dnsRspMdtList"] = json!({"q": {"mdtId": "q"}});
        smf.put(PATTERN, both)
            .await
            .refused(400, "OPTIONAL_IE_INCORRECT", "/baseDnsMdtList/k");
        let mut elsewhere = pattern("192.0.2.0");
        elsewhere["baseDnsAitList"]["k"]["dnsServerAddressList"] = json!([{"ipv4Addr": "198.51.100.1"}]);
        let at = "/baseDnsAitList/k/dnsServerAddressList/0";
        smf.put(PATTERN, elsewhere)
            .await
            .refused(400, "OPTIONAL_IE_INCORRECT", at);
    }
}
