use super::*;
use crate::proof::{needs, only, refused, same};

const CHANGE: &str = r#"{"ueId": {"externalId": "u1@example.org"}, "dnaiChgType": "EARLY",
    "sourceTrafficRoute": {"dnai": "a1", "routeProfId": "p1"},
    "targetTrafficRoute": {"dnai": "b1", "routeInfo": {"ipv4Addr": "192.0.2.1", "ipv6Addr": "2001:db8::1", "portNumber": 2152}},
    "sourceDnai": "a1", "targetDnai": "b1", "srcUeIpv4Addr": "198.51.100.1", "srcUeIpv6Prefix": "2001:db8:1::/64",
    "tgtUeIpv4Addr": "198.51.100.2", "tgtUeIpv6Prefix": "2001:db8:2::/64"}"#;

fn report() -> String {
    format!(
        r#"{{"event": "UP_PATH_CHG", "timeStamp": "2026-01-01T12:00:00Z", "upPathChgInfo": {CHANGE},
        "easEndPoint": {{"fqdn": "chess.edge-b.example"}}, "actStatus": "ACT_START",
        "acrParams": {{"predictExpTime": "2026-01-01T12:00:00Z"}}, "acId": "ac.chess", "ueId": {{"gpsi": "u"}},
        "selACRScen": [{{"acrList": [], "acId": "ac.chess", "ueId": "u"}}],
        "easInBdlInfoList": [{{"easId": "eas.go", "dnais": ["b1"], "svcArea": {{}}}}], "servContPlanInd": true}}"#
    )
}

fn subscription() -> String {
    format!(
        r#"{{"self": "https://ees.example/eees-acrmgntevent/v1/subscriptions/s1", "easId": "eas.chess",
        "eventSubscs": [{{"event": "UP_PATH_CHG", "eventFilter": "INTER_EDN_MOBILITY", "evtReq": {{"immRep": true}},
            "tgtUeId": {{"edgeUeId": "e1"}}, "dnaiChgType": "EARLY_LATE", "easAckInd": true,
            "easChars": [{{"easId": "eas.chess"}}], "trafFilterInfo": {{"uris": ["https://chess.example/*"]}},
            "servContPlanInd": true, "easAckSvcCont": true}}],
        "evtReq": {{"immRep": true, "notifMethod": "PERIODIC", "maxReportNbr": 5, "monDur": "2026-01-01T12:00:00Z", "repPeriod": 60,
            "sampRatio": 50, "partitionCriteria": ["TAC"], "grpRepTime": 5, "notifFlag": "DEACTIVATE",
            "notifFlagInstruct": {{"bufferedNotifs": "DROP_OLD", "subscription": "CLOSE"}},
            "mutingSetting": {{"maxNoOfNotif": 9, "durationBufferedNotif": 60}}}},
        "notificationDestination": "https://eas.example/acr", "eventReports": [{report}],
        "availabilityInfo": {{"availabilityStatus": "NOT_AVAILABLE"}},
        "failEventReports": [{{"event": "NOT_YET_NAMED", "failureCode": "3GPP_UP_PATH_CHANGE_MON_NOT_AVAILABLE"}}],
        "requestTestNotification": true, "websockNotifConfig": {{"requestWebsocketUri": true}}, "suppFeat": "1"}}"#,
        report = report()
    )
}

#[test]
fn subscription_needs_who_what_and_where() {
    let text = subscription();
    let parsed: AcrMgntEventsSubscription = same(&text);
    assert_eq!(
        parsed.fail_event_reports[0].event,
        AcrMgntEvent::Other("NOT_YET_NAMED".into())
    );
    needs::<AcrMgntEventsSubscription>(&text, &["easId", "eventSubscs", "notificationDestination"]);
    let start = r#"{"easId": "e", "notificationDestination": "https://eas.example""#;
    refused::<AcrMgntEventsSubscription>(&format!(r#"{start}, "eventSubscs": []}}"#));
    for list in ["eventReports", "failEventReports"] {
        refused::<AcrMgntEventsSubscription>(&format!(
            r#"{start}, "eventSubscs": [{{"event": "X"}}], "{list}": []}}"#
        ));
    }
    refused::<AcrMgntEventSubsc>("{}");
    refused::<AcrMgntEventSubsc>(r#"{"event": "X", "easChars": []}"#);
    refused::<ReportingInformation>(r#"{"sampRatio": 0}"#);
    refused::<ReportingInformation>(r#"{"partitionCriteria": []}"#);
    needs::<FailureAcrMgntEventInfo>(
        r#"{"event": "X", "failureCode": "OTHER_REASONS"}"#,
        &["event", "failureCode"],
    );
    needs::<AvailabilityNotif>(r#"{"availabilityStatus": "AVAILABLE"}"#, &["availabilityStatus"]);
}

#[test]
fn patch_has_three_members() {
    let patch = r#"{"eventSubscs": [{"event": "ACR_SELECTION"}], "evtReq": {}, "notificationDestination": "https://eas.example/b"}"#;
    same::<AcrMgntEventsSubscriptionPatch>(patch);
    needs::<AcrMgntEventsSubscriptionPatch>(patch, &[]);
    refused::<AcrMgntEventsSubscriptionPatch>(r#"{"eventSubscs": []}"#);
}

#[test]
fn notification_and_answer() {
    let text = format!(r#"{{"subpId": "s1", "eventReports": [{}]}}"#, report());
    same::<AcrMgntEventsNotification>(&text);
    needs::<AcrMgntEventsNotification>(&text, &["subpId", "eventReports"]);
    refused::<AcrMgntEventsNotification>(r#"{"subpId": "s1", "eventReports": []}"#);
    needs::<AcrMgntEventReport>(&report(), &["event"]);
    for list in ["selACRScen", "easInBdlInfoList"] {
        refused::<AcrMgntEventReport>(&format!(r#"{{"event": "X", "{list}": []}}"#));
    }
    needs::<UpPathChangeInfo>(CHANGE, &["ueId", "dnaiChgType"]);
    let selected = r#"{"acrList": ["EEC_INITIATED"], "acId": "a", "ueId": "u"}"#;
    needs::<SelectedAcrScenarios>(selected, &["acrList", "acId", "ueId"]);
    needs::<EasInBundleInfo>(r#"{"easId": "eas.go", "dnais": ["b1"]}"#, &["easId"]);
    refused::<EasInBundleInfo>(r#"{"easId": "eas.go", "dnais": []}"#);
    same::<EasAckInformation>(r#"{"resCode": "REJECTED"}"#);
    refused::<EasAckInformation>("{}");
}

#[test]
fn a_ue_has_one_name() {
    for one in [
        r#"{"gpsi": "u"}"#,
        r#"{"edgeUeId": "u"}"#,
        r#"{"intGrpId": "0000000a-001-01-0b"}"#,
        r#"{"extGrpId": "extgroupid-drivers@example.org"}"#,
        r#"{"ueIpAddr": {"ipv6Addr": "2001:db8::1"}}"#,
    ] {
        same::<TargetUeIdentification>(one);
    }
    for one in [
        r#"{"gpsi": "u"}"#,
        r#"{"externalId": "u@e"}"#,
        r#"{"ueIpAddr": {"ipv6Prefix": "2001:db8::/64"}}"#,
    ] {
        same::<IndUeIdentification>(one);
    }
    for bad in [
        "{}",
        r#"{"gpsi": "u", "ueIpAddr": {"ipv4Addr": "192.0.2.1"}}"#,
        r#"{"ueIpAddr": {}}"#,
        r#"{"gpsi": ""}"#,
    ] {
        refused::<TargetUeIdentification>(bad);
        refused::<IndUeIdentification>(bad);
    }
    refused::<TargetUeIdentification>(r#"{"intGrpId": "0000000a-001-01-b"}"#);
    refused::<TargetUeIdentification>(r#"{"extGrpId": "drivers@example.org"}"#);
}

#[test]
fn filter_has_traffic_in_it() {
    let text = r#"{"ipFlows": ["permit out ip from any to any"], "dnProtocol": "TSL_SCN"}"#;
    same::<TrafficFilterInfo>(text);
    only::<TrafficFilterInfo>(text, &[], &["ipFlows"]);
    same::<TrafficFilterInfo>(r#"{"uris": ["u"], "domainNames": ["d"]}"#);
    for bad in ["{}", r#"{"ipFlows": []}"#, r#"{"uris": []}"#, r#"{"domainNames": []}"#] {
        refused::<TrafficFilterInfo>(bad);
    }
}
