//! The state machine with a clock moved by hand, and the whole NEF over TLS with a client that behaves like an EES.

mod over_tls;

use super::{
    configuration::SAMPLE,
    model::{Cell, Network, Ue},
    state::{Change, Made, Moment, State},
    want::{Api, Want},
};
use edgeapp_core::error::Cause;
use edgeapp_openapi::common::DateTime;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

const UE1: &str = "msisdn-491700000001";
const UE2: &str = "msisdn-491700000002";
const AT: &str = "https://nef.example/3gpp-x/v1/ees1/subscriptions";

#[derive(Deserialize)]
struct Sample {
    cell: Vec<Cell>,
    ue: Vec<Ue>,
}

fn sample() -> State {
    let Sample { cell, ue } = toml::from_str(SAMPLE).unwrap();
    let mut network = Network::new(cell);
    for ue in ue {
        network.put(ue).unwrap();
    }
    State::new(network)
}

fn at(second: i64) -> DateTime {
    DateTime(jiff::Timestamp::from_second(1_800_000_000 + second).unwrap())
}

fn watch(extra: Value) -> Value {
    let mut body = json!({
        "externalId": "ue1@example.org", "monitoringType": "LOCATION_REPORTING", "maximumNumberOfReports": 10,
        "monitorExpireTime": at(3600).0.to_string(), "notificationDestination": "https://ees.example/cb/1",
    });
    edgeapp_core::patch::merge(&mut body, &extra);
    body
}

fn influence(extra: Value) -> Value {
    let mut body = json!({
        "afAppId": "eas-chess", "gpsi": UE1, "subscribedEvents": ["UP_PATH_CHANGE"], "dnaiChgType": "EARLY_LATE",
        "afTransId": "acr-1", "afAckInd": true, "notificationDestination": "https://ees.example/cb/2",
    });
    edgeapp_core::patch::merge(&mut body, &extra);
    body
}

fn create(state: &mut State, api: Api, body: Value) -> u64 {
    match state.create(api, "ees1", AT, body, at(0)).unwrap() {
        Made::Resource(id) => id,
        Made::Answer(answer) => panic!("answered at once: {answer}"),
    }
}

/// Moves at a second; answers with how many reports that gave.
fn moved(state: &mut State, gpsi: &str, cell: Option<&str>, second: i64) -> usize {
    state.network.move_ue(gpsi, cell).unwrap();
    state.reports(gpsi, None, at(second)).len()
}

mod location {
    use super::*;

    #[test]
    fn one_report_is_an_answer() {
        let body = watch(json!({"maximumNumberOfReports": 1, "monitorExpireTime": null}));
        let Made::Answer(report) = sample().create(Api::Monitoring, "ees1", AT, body, at(0)).unwrap() else {
            panic!("a resource");
        };
        assert_eq!(report["locationInfo"]["cellId"], "000000001");
        assert_eq!(report["externalId"], "ue1@example.org");
    }

    #[test]
    fn what_the_servers_read_is_where_the_ue_is() {
        let info = sample();
        let ue = info.network.ue(UE1).unwrap();
        let location = info
            .network
            .cell_of(ue)
            .unwrap()
            .location(super::super::model::Accuracy::Area);
        let read: edgeapp_openapi::location::LocationInfo = serde_json::from_value(location).unwrap();
        assert!(read.user_location.is_some() && read.geographic_area.is_some());
    }

    #[test]
    fn accuracy_decides_what_is_news() {
        for (accuracy, expected) in [("CGI_ECGI", [1, 1]), ("TA_RA", [1, 0]), ("PLMN", [0, 0])] {
            let mut state = sample();
            create(&mut state, Api::Monitoring, watch(json!({"accuracy": accuracy})));
            let counts = [("000000002", 1), ("000000003", 2)].map(|(cell, at)| moved(&mut state, UE1, Some(cell), at));
            assert_eq!(counts, expected, "{accuracy}");
        }
    }

    #[test]
    fn reports_wait_for_the_interval_and_the_last_place_counts() {
        let mut state = sample();
        create(&mut state, Api::Monitoring, watch(json!({"minimumReportInterval": 10})));
        assert_eq!(moved(&mut state, UE1, Some("000000002"), 0), 1);
        assert_eq!(moved(&mut state, UE1, Some("000000003"), 4), 0);
        assert_eq!(moved(&mut state, UE1, Some("000000001"), 8), 0);
        assert_eq!(state.due(at(9)), []);
        let due = state.due(at(10));
        assert_eq!(due.len(), 1);
        let report = &due[0].body["monitoringEventReports"][0];
        assert_eq!(report["locationInfo"]["cellId"], "000000001");
        assert_eq!(state.due(at(30)), []);
    }

    #[test]
    fn the_last_report_and_the_expiry_end_it() {
        let mut state = sample();
        let id = create(&mut state, Api::Monitoring, watch(json!({"maximumNumberOfReports": 2})));
        assert_eq!(moved(&mut state, UE1, Some("000000002"), 1), 1);
        assert!(state.resource(Api::Monitoring, id).is_some());
        state.network.move_ue(UE1, None).unwrap();
        let last = state.reports(UE1, None, at(2));
        assert!(last[0].last);
        assert_eq!(
            last[0].body["monitoringEventReports"][0]["locFailureCause"],
            "NOT_REGISTED_UE"
        );
        assert!(state.resource(Api::Monitoring, id).is_none());
        let id = create(&mut state, Api::Monitoring, watch(json!({})));
        assert_eq!(moved(&mut state, UE1, Some("000000001"), 3600), 0);
        assert!(state.resource(Api::Monitoring, id).is_none());
    }

    /// TS 29.571 has a prefix before the name of a group that TS 29.122 leaves out.
    #[test]
    fn a_group_is_the_same_with_its_prefix() {
        let mut state = sample();
        let group = json!({"externalId": null, "externalGroupId": "extgroupid-players@example.org"});
        create(&mut state, Api::Monitoring, watch(group));
        assert_eq!(moved(&mut state, UE1, Some("000000002"), 1), 1);
        let other = json!({"externalId": null, "externalGroupId": "extgroupid-others@example.org"});
        let mut state = sample();
        assert!(state.create(Api::Monitoring, "ees1", AT, watch(other), at(0)).is_err());
    }

    #[test]
    fn a_group_is_reported_one_by_one_and_ends_with_its_last() {
        let mut state = sample();
        let group = json!({"externalId": null, "externalGroupId": "players@example.org", "maximumNumberOfReports": 1});
        let id = create(&mut state, Api::Monitoring, watch(group));
        assert_eq!(moved(&mut state, UE1, Some("000000002"), 1), 1);
        assert_eq!(moved(&mut state, UE1, Some("000000003"), 2), 0);
        assert!(state.resource(Api::Monitoring, id).is_some());
        assert_eq!(moved(&mut state, UE2, Some("000000002"), 3), 1);
        assert!(state.resource(Api::Monitoring, id).is_none());
    }

    #[test]
    fn revoked_consent_is_told_and_stops_reports() {
        let mut state = sample();
        let told = json!({"revocationNotifUri": "https://ees.example/cb/9"});
        create(&mut state, Api::Monitoring, watch(told));
        let callbacks = state.consent("ue1@example.org", "EDGEAPP_UE_LOCATION", false);
        assert_eq!(callbacks[0].to, "https://ees.example/cb/9");
        let revoked = json!([{"ucPurpose": "EDGEAPP_UE_LOCATION", "externalId": "ue1@example.org"}]);
        assert_eq!(callbacks[0].body["consentsRevoked"], revoked);
        assert_eq!(moved(&mut state, UE1, Some("000000002"), 1), 0);
        let refused = state
            .create(Api::Monitoring, "ees1", AT, watch(json!({})), at(2))
            .unwrap_err();
        assert_eq!(refused.cause, Cause::UserConsentNotGranted);
        state.consent("ue1@example.org", "EDGEAPP_UE_LOCATION", true);
        assert_eq!(
            moved(&mut state, UE1, Some("000000001"), 3),
            0,
            "back where the last report was from"
        );
        assert_eq!(moved(&mut state, UE1, Some("000000002"), 4), 1);
    }

    proptest! {
        /// However a UE walks: never more reports than allowed, never two within the interval, none that repeats its predecessor.
        #[test]
        fn limits_hold_on_every_way(
            steps in prop::collection::vec((0usize..4, 0i64..8), 1..40),
            most in 1u32..6,
            interval in 0u32..12,
        ) {
            let cells = ["000000001", "000000002", "000000003", "0000004"];
            let mut state = sample();
            let limits = json!({"maximumNumberOfReports": most, "minimumReportInterval": interval});
            create(&mut state, Api::Monitoring, watch(limits));
            let (mut now, mut told) = (0, Vec::new());
            for (cell, pause) in steps {
                now += pause;
                told.extend(state.due(at(now)).into_iter().map(|report| (now, report)));
                state.network.move_ue(UE1, Some(cells[cell])).unwrap();
                told.extend(state.reports(UE1, None, at(now)).into_iter().map(|report| (now, report)));
            }
            prop_assert!(told.len() <= most as usize);
            for pair in told.windows(2) {
                prop_assert!(pair[1].0 - pair[0].0 >= i64::from(interval));
                let cell = |number: usize| pair[number].1.body["monitoringEventReports"][0]["locationInfo"]["cellId"].clone();
                prop_assert_ne!(cell(0), cell(1));
            }
            prop_assert_eq!(state.resources().count() == 0, told.len() == most as usize);
        }
    }
}

mod path {
    use super::*;

    #[test]
    fn it_follows_the_cell_when_nobody_steers() {
        let mut state = sample();
        create(&mut state, Api::Influence, influence(json!({})));
        assert_eq!(state.changes(UE1), []);
        state.network.move_ue(UE1, Some("000000002")).unwrap();
        let changes = state.changes(UE1);
        assert_eq!((changes[0].from.as_str(), changes[0].to.as_str()), ("edge-a", "edge-b"));
        let early = state.events(&changes[0], Moment::Early);
        assert!(early[0].1, "waits for an acknowledgement");
        assert_eq!(early[0].0.body["dnaiChgType"], "EARLY");
        assert_eq!(early[0].0.body["afTransId"], "acr-1");
        state.switch(&changes[0]);
        assert_eq!(state.changes(UE1), []);
    }

    #[test]
    fn it_follows_the_routes_of_the_latest_influence() {
        let mut state = sample();
        create(&mut state, Api::Influence, influence(json!({})));
        let routes = json!({"trafficRoutes": [{"dnai": "edge-b", "routeProfId": "p"}]});
        let steering = create(&mut state, Api::Influence, influence(routes));
        let changes = state.changes(UE1);
        assert_eq!(changes[0].to, "edge-b");
        state.switch(&changes[0]);
        state.network.move_ue(UE1, Some("000000002")).unwrap();
        assert_eq!(state.changes(UE1), [], "it is there already");
        state.network.move_ue(UE1, Some("000000001")).unwrap();
        assert_eq!(state.changes(UE1), [], "it is kept there");
        state.remove(Api::Influence, steering);
        assert_eq!(state.changes(UE1)[0].to, "edge-a");
    }

    #[test]
    fn another_data_network_or_change_type_is_not_told() {
        for (extra, early, late) in [
            (json!({"dnn": "other"}), 0, 0),
            (json!({"dnaiChgType": "LATE"}), 0, 1),
            (json!({"dnaiChgType": "EARLY"}), 1, 0),
            (json!({"subscribedEvents": null}), 0, 0),
        ] {
            let mut state = sample();
            let dnn = Some("edn".parse().unwrap());
            let ue = state.network.ue(UE1).unwrap().clone();
            state.network.put(Ue { dnn, ..ue }).unwrap();
            create(&mut state, Api::Influence, influence(extra.clone()));
            state.network.move_ue(UE1, Some("000000002")).unwrap();
            let told = |moment| state.events(&change(), moment).len();
            assert_eq!((told(Moment::Early), told(Moment::Late)), (early, late), "{extra}");
        }
    }

    /// What a move from the first site to the second brings.
    fn change() -> Change {
        Change {
            gpsi: UE1.to_owned(),
            traffic: "eas-chess".to_owned(),
            from: "edge-a".to_owned(),
            to: "edge-b".to_owned(),
        }
    }

    #[test]
    fn it_ends_silently_outside_the_5g_core() {
        let mut state = sample();
        create(&mut state, Api::Influence, influence(json!({})));
        state.network.move_ue(UE1, Some("0000004")).unwrap();
        assert_eq!(state.changes(UE1), []);
        assert!(state.paths(UE1).is_empty());
    }

    #[test]
    fn two_influences_on_the_same_traffic_are_odd() {
        let mut state = sample();
        let routes = json!({"trafficRoutes": [{"dnai": "edge-b", "routeProfId": "p"}]});
        create(&mut state, Api::Influence, influence(routes.clone()));
        assert!(state.doubled().is_empty());
        create(&mut state, Api::Influence, influence(routes));
        assert_eq!(state.doubled().len(), 1);
    }
}

#[test]
fn a_session_hears_of_crowds_once_and_of_its_end() {
    let mut state = sample();
    let body = json!({
        "notificationDestination": "https://ees.example/cb/3", "ueIpv4Addr": "198.51.100.1", "qosReference": "gold",
        "altQoSReferences": ["silver"], "flowInfo": [{"flowId": 1}],
        "events": ["QOS_GUARANTEED", "QOS_NOT_GUARANTEED", "SESSION_TERMINATION"],
    });
    let id = create(&mut state, Api::Qos, body);
    let mut told = Vec::new();
    for cell in [Some("000000003"), Some("000000003"), Some("000000001"), None] {
        state.network.move_ue(UE1, cell).unwrap();
        let reports = state.session_events(UE1).into_iter();
        told.extend(reports.map(|callback| callback.body["eventReports"][0].clone()));
    }
    let expected = [
        json!({"event": "QOS_NOT_GUARANTEED", "flowIds": [1], "appliedQosRef": "silver"}),
        json!({"event": "QOS_GUARANTEED", "flowIds": [1]}),
        json!({"event": "SESSION_TERMINATION", "flowIds": [1]}),
    ];
    assert_eq!(told, expected);
    for report in told {
        serde_json::from_value::<edgeapp_openapi::session_with_qos::UserPlaneEventReport>(report).unwrap();
    }
    assert!(state.resource(Api::Qos, id).is_none());
}

#[test]
fn predictions_are_the_way_ahead() {
    let mut state = sample();
    let body = json!({
        "notifUri": "https://ees.example/cb/4", "notifId": "an3",
        "analyEventsSubs": [{"analyEvent": "UE_MOBILITY", "tgtUe": {"gpsi": UE1}}],
    });
    create(&mut state, Api::Analytics, body);
    let told = state.predictions(UE1, at(0));
    let mobility = &told[0].body["analyEventNotifs"][0]["ueMobilityInfos"][0];
    assert_eq!(mobility["locInfo"][0]["loc"]["nwAreaInfo"]["tais"][0]["tac"], "000002");
    assert_eq!(mobility["ts"], at(30).0.to_string());
    serde_json::from_value::<edgeapp_openapi::ue_location::UeMobilityExposure>(mobility.clone()).unwrap();
    state.network.move_ue(UE1, Some("000000002")).unwrap();
    assert_eq!(state.predictions(UE1, at(30)), []);
}

/// Every rule of one-of and of presence, with the pointers that the refusal names.
#[test]
fn bodies_against_the_rules_are_refused_with_pointers() {
    for (api, body, expected) in [
        (Api::Monitoring, watch(json!({"externalId": null})), "/externalId"),
        (Api::Monitoring, watch(json!({"msisdn": "491"})), "/externalId /msisdn"),
        (
            Api::Monitoring,
            watch(json!({"maximumNumberOfReports": null, "monitorExpireTime": null})),
            "/maximumNumberOfReports",
        ),
        (
            Api::Monitoring,
            watch(json!({"monitorExpireTime": at(0).0.to_string()})),
            "/monitorExpireTime",
        ),
        (
            Api::Monitoring,
            watch(json!({"notificationDestination": null})),
            "/notificationDestination",
        ),
        (
            Api::Influence,
            influence(json!({"trafficFilters": [{}]})),
            "/afAppId /trafficFilters",
        ),
        (Api::Influence, influence(json!({"anyUeInd": true})), "/gpsi /anyUeInd"),
        (
            Api::Influence,
            influence(json!({"notificationDestination": null})),
            "/notificationDestination",
        ),
        (
            Api::Qos,
            json!({"notificationDestination": "https://a.example/", "gpsi": UE1}),
            "/flowInfo",
        ),
        (
            Api::Analytics,
            json!({"notifUri": "https://a.example/", "notifId": "a", "analyEventsSubs": [{"analyEvent": "UE_MOBILITY", "tgtUe": {}}]}),
            "/analyEventsSubs/0/tgtUe/gpsi",
        ),
        (
            Api::Triggering,
            json!({"externalId": "a", "msisdn": "1"}),
            "/externalId /msisdn",
        ),
    ] {
        let error = Want::read(api, &body, at(0)).expect_err(expected);
        let named: Vec<_> = error.invalid.iter().map(|invalid| invalid.param.as_str()).collect();
        assert!(named.join(" ").starts_with(expected), "{named:?} for {expected}");
    }
}
