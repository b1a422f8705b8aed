//! The mapping of bodies, both ways; what travels is in `wire`.

mod fake_nef;
mod wire;

use crate::{asked, settings::NefSettings, understood::understand};
use edgeapp_core::network::{Asked, CoreReport, Link, LocationWatch, NetworkError, PathInfluence, Service, Target};
use serde_json::{Value, json};

fn settings() -> NefSettings {
    serde_json::from_value(json!({"api_root": "https://nef.example", "scs_as_id": "ees-a", "dnn": "edn-a"}))
        .expect("settings")
}

fn watch(target: Target) -> Asked {
    Asked::Location(LocationWatch {
        target,
        accuracy: Some("CGI_ECGI".into()),
        qos: None,
        until: "2026-01-01T01:00:00Z".parse().expect("an instant"),
    })
}

fn body(asked: &Asked) -> Value {
    asked::body(asked, "https://ees.example/edge2/reports/t", &settings()).expect("a body")
}

fn reports(service: Service, body: Value) -> Vec<CoreReport> {
    understand(service, None, body.to_string().as_bytes()).expect("reports")
}

#[test]
fn a_watch_names_the_ue_as_the_core_does() {
    let ue = |gpsi: &str| Target::Ue(gpsi.parse().expect("a GPSI"));
    let expected = json!({"externalId": "ue1@example.org", "monitoringType": "LOCATION_REPORTING",
        "locationType": "CURRENT_LOCATION", "accuracy": "CGI_ECGI", "monitorExpireTime": "2026-01-01T01:00:00Z",
        "notificationDestination": "https://ees.example/edge2/reports/t", "revocationNotifUri": "https://ees.example/edge2/reports/t"});
    assert_eq!(body(&watch(ue("extid-ue1@example.org"))), expected);
    assert_eq!(body(&watch(ue("msisdn-491700000001")))["msisdn"], "491700000001");
    let other = asked::body(&watch(ue("something")), "d", &settings()).expect_err("refused");
    assert!(matches!(other, NetworkError::Refused { .. }));
}

#[test]
fn an_influence_names_one_target_and_one_kind_of_traffic() {
    let influence = |target, traffic: Option<Value>| {
        Asked::Path(Box::new(PathInfluence {
            target,
            eas_id: "eas.chess.example".parse().expect("an EASID"),
            traffic: traffic.map(|traffic| serde_json::from_value(traffic).expect("a filter")),
            report: Some("EARLY_LATE".into()),
            acknowledged: true,
            routes: vec![serde_json::from_value(json!({"dnai": "dnai-b", "routeProfId": "p"})).expect("a route")],
            both_paths_seconds: Some(10),
        }))
    };
    let by_application = body(&influence(Target::Any, None));
    let expected = json!({"anyUeInd": true, "afAppId": "eas.chess.example", "afServiceId": "eas.chess.example", "dnn": "edn-a",
        "subscribedEvents": ["UP_PATH_CHANGE"], "dnaiChgType": "EARLY_LATE", "afAckInd": true,
        "notificationDestination": "https://ees.example/edge2/reports/t", "simConnInd": true, "simConnTerm": 10,
        "trafficRoutes": [{"dnai": "dnai-b", "routeProfId": "p"}]});
    assert_eq!(by_application, expected);
    let by_flows = body(&influence(
        Target::Any,
        Some(json!({"ipFlows": ["permit out ip from any to any"]})),
    ));
    assert_eq!(
        by_flows["trafficFilters"],
        json!([{"flowId": 1, "flowDescriptions": ["permit out ip from any to any"]}])
    );
    assert_eq!(by_flows.get("afAppId"), None);
}

#[test]
fn a_session_is_mapped_member_by_member() {
    let session = json!({"easId": "e", "ueIpv4Addr": "198.51.100.4", "ipFlows": ["permit out ip from any to any"],
        "qosReference": "gold", "altQosReference": ["silver"], "events": ["QOS_NOT_GUARANTEED"], "maxbrUl": "1 Mbps",
        "sponsorInformation": {"sponsorId": "s", "aspId": "a"}, "disUeNotif": true});
    let asked = Asked::Qos(Box::new(serde_json::from_value(session).expect("a session")));
    let expected = json!({"notificationDestination": "https://ees.example/edge2/reports/t", "ueIpv4Addr": "198.51.100.4",
        "flowInfo": [{"flowId": 1, "flowDescriptions": ["permit out ip from any to any"]}], "qosReference": "gold",
        "altQoSReferences": ["silver"], "events": ["QOS_NOT_GUARANTEED"], "sponsorInfo": {"sponsorId": "s", "aspId": "a"},
        "disUeNotif": true, "tscQosReq": {"reqMbrUl": "1 Mbps"}, "dnn": "edn-a"});
    assert_eq!(body(&asked), expected);
}

/// TS 29.122 names groups without the prefix that TS 29.571 puts before them.
#[test]
fn a_group_is_named_as_the_northbound_interface_does() {
    let group = || "extgroupid-fleet@operator.example".parse().expect("a group");
    assert_eq!(
        body(&watch(Target::Group(group())))["externalGroupId"],
        "fleet@operator.example"
    );
    let session = json!({"easId": "e", "extGrpId": group(), "ipFlows": ["permit out ip from any to any"], "qosReference": "gold"});
    let session = Asked::Qos(Box::new(serde_json::from_value(session).expect("a session")));
    assert_eq!(body(&session)["extGroupId"], "fleet@operator.example");
}

#[test]
fn a_location_report_may_say_little() {
    let said = json!({"subscription": "https://nef.example/1", "monitoringEventReports": [
        {"monitoringType": "LOCATION_REPORTING", "externalId": "ue1@example.org", "locationInfo": {"cellId": "1"}, "new": true},
        {"locFailureCause": "POSITIONING_DENIED"}]});
    let reports = reports(Service::Location, said);
    let [CoreReport::Location(first), CoreReport::Location(second)] = &reports[..] else {
        panic!("two reports")
    };
    assert_eq!(first.ue.as_ref().map(|ue| ue.as_str()), Some("extid-ue1@example.org"));
    assert!(first.location.is_some());
    assert_eq!(
        (second.location.is_some(), second.failure.as_deref()),
        (false, Some("POSITIONING_DENIED"))
    );
}

#[test]
fn an_end_and_a_withdrawal_are_understood() {
    assert_eq!(
        reports(Service::Location, json!({"subscription": "x:1", "cancelInd": true})),
        [CoreReport::Ended]
    );
    let revoked = json!({"subscriptionId": "1", "consentsRevoked": [{"ucPurpose": "EDGEAPP_UE_LOCATION", "externalId": "ue1@example.org"}]});
    assert!(matches!(&reports(Service::Location, revoked)[..], [CoreReport::Revoked(list)] if list.len() == 1));
}

#[test]
fn a_path_change_carries_how_to_acknowledge_it() {
    let said = json!({"afTransId": "42", "subscribedEvent": "UP_PATH_CHANGE", "dnaiChgType": "EARLY", "sourceDnai": "a",
        "targetDnai": "b", "gpsi": "extid-ue1@example.org", "afAckUri": "https://nef.example/ack/42"});
    let reports = reports(Service::Path, said);
    let [CoreReport::Path(report)] = &reports[..] else {
        panic!("one report")
    };
    let ack = report.acknowledge.as_ref().expect("an acknowledgement is awaited");
    assert_eq!(
        (ack.uri.as_str(), ack.transaction.as_deref()),
        ("https://nef.example/ack/42", Some("42"))
    );
    assert_eq!(report.change.target_dnai.as_ref().map(|dnai| dnai.as_str()), Some("b"));
}

#[test]
fn nonsense_is_refused_where_it_stands() {
    let refused = |service, body: Value| {
        let error = understand(service, None, body.to_string().as_bytes()).expect_err("refused");
        error.invalid[0].param.clone()
    };
    assert_eq!(refused(Service::Qos, json!({"transaction": "x:1"})), "/eventReports");
    assert_eq!(refused(Service::Path, json!({"dnaiChgType": "EARLY"})), "/gpsi");
    let wrong = json!({"monitoringEventReports": [{"locationInfo": 5}]});
    assert_eq!(
        refused(Service::Location, wrong),
        "/monitoringEventReports/0/locationInfo"
    );
    let list = json!({"monitoringEventReports": [{"locationInfo": []}]});
    assert_eq!(
        refused(Service::Location, list),
        "/monitoringEventReports/0/locationInfo"
    );
    assert_eq!(
        refused(Service::Location, json!({"monitoringEventReports": {}})),
        "/monitoringEventReports"
    );
    assert_eq!(
        refused(Service::Location, json!({"monitoringEventReports": [null]})),
        "/monitoringEventReports/0"
    );
    assert_eq!(refused(Service::Location, json!({"cancelInd": "yes"})), "/cancelInd");
    assert_eq!(refused(Service::Location, json!("text")), "");
}

#[test]
fn a_report_about_another_subscription_is_refused() {
    let link = Link {
        service: Service::Location,
        uri: "https://nef.example/a/subscriptions/17".parse().expect("a URI"),
    };
    let of = |subscription: &str| {
        let body = json!({"subscription": subscription, "monitoringEventReports": []});
        understand(Service::Location, Some(&link), body.to_string().as_bytes())
    };
    assert!(
        of("https://inner.nef.example:8080/subscriptions/17").is_ok(),
        "a proxy stands between"
    );
    assert_eq!(
        of("https://nef.example/a/subscriptions/18")
            .expect_err("refused")
            .invalid[0]
            .param,
        "/subscription"
    );
}
