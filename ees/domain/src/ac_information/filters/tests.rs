use super::*;
use serde_json::{Value, json};

const SUBSCRIBER: &str = "eas.chess.example";

fn subscription(filters: Value) -> AcInfoSubscription {
    serde_json::from_value(json!({"easId": SUBSCRIBER, "acFltrs": filters})).unwrap()
}

fn profile(members: Value) -> AcProfile {
    let mut profile = json!({"acId": "ac.chess"});
    profile
        .as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    serde_json::from_value(profile).unwrap()
}

/// Whether a client with these members fits one filter.
fn fit(filter: Value, members: Value) -> bool {
    let (subscription, profile) = (subscription(json!([filter])), profile(members));
    let fit = fits(&subscription, &profile, &Ue::default());
    assert!(!fit || may_fit(&subscription, &profile));
    fit
}

#[test]
fn no_filter_and_an_empty_one_fit_everything() {
    let all: AcInfoSubscription = serde_json::from_value(json!({"easId": SUBSCRIBER})).unwrap();
    assert!(fits(&all, &profile(json!({})), &Ue::default()));
    assert!(fit(json!({}), json!({})));
}

#[test]
fn a_list_fits_with_one_element_and_what_is_not_told_does_not() {
    let filter = json!({"acTypes": ["work", "game"]});
    assert!(fit(filter.clone(), json!({"acType": "game"})));
    assert!(!fit(filter.clone(), json!({"acType": "Game"})));
    assert!(!fit(filter, json!({})));
    let filter = json!({"ecspIds": ["e1", "e2"]});
    assert!(fit(filter.clone(), json!({"prefEcsps": ["e3", "e2"]})));
    assert!(!fit(filter.clone(), json!({"prefEcsps": ["e3"]})));
    assert!(!fit(filter, json!({})));
    assert!(!fit(json!({"acIds": ["ac.go"]}), json!({})));
}

#[test]
fn members_of_a_filter_are_demanded_together_and_filters_are_alternatives() {
    let both = json!({"acIds": ["ac.chess"], "acTypes": ["game"]});
    assert!(!fit(both.clone(), json!({})));
    assert!(fit(both.clone(), json!({"acType": "game"})));
    let either = subscription(json!([both, {"ecspIds": ["e1"]}]));
    let with_provider = profile(json!({"prefEcsps": ["e1"]}));
    assert!(fits(&either, &with_provider, &Ue::default()));
}

#[test]
fn an_expected_area_has_to_lie_within_the_one_of_the_filter() {
    let circle = |metres: u32| json!([{"shape": "POINT_UNCERTAINTY_CIRCLE", "point": {"lon": 8.5, "lat": 47.4}, "uncertainty": metres}]);
    let within = json!({"svcArea": {"geoServAr": {"geoArs": circle(1000)}}});
    let expects = |metres| json!({"expAcGeoServArea": {"geographicAreas": circle(metres)}});
    assert!(fit(within.clone(), expects(100)));
    assert!(!fit(within.clone(), expects(5000)));
    for nowhere in [
        json!({}),
        json!({"expAcGeoServArea": {}}),
        json!({"expAcGeoServArea": {"nwAreaInfo": {"gRanNodeIds": [{"plmnId": {"mcc": "001", "mnc": "01"}, "wagfId": "a"}]}}}),
    ] {
        assert!(!fit(within.clone(), nowhere.clone()), "{nowhere}");
        assert!(
            fit(json!({"svcArea": {}}), nowhere),
            "an area that states nothing is everywhere"
        );
    }
}

#[test]
fn expectations_lie_between_the_bounds() {
    let expects = |eas: &str, kpis: Value| json!({"eass": [{"easId": eas, "expectedSvcKPIs": kpis}]});
    let filter = json!({"minAcKpi": {"connBand": "10 Mbps", "reqRate": 5}, "maxAcKpi": {"reqRate": 9, "reqMem": "16"}});
    let good = json!({"connBand": "0.01 Gbps", "reqRate": 5, "reqMem": "8"});
    assert!(fit(filter.clone(), expects(SUBSCRIBER, good.clone())));
    assert!(fit(filter.clone(), expects("eas.other.example", good.clone())));
    for (member, value) in [
        ("connBand", json!("9 Mbps")),
        ("reqRate", json!(4)),
        ("reqRate", json!(10)),
        ("reqMem", json!("17")),
        ("reqMem", json!("a lot")),
        ("reqMem", Value::Null),
    ] {
        let mut bad = good.clone();
        bad[member] = value.clone();
        if value.is_null() {
            bad.as_object_mut().unwrap().remove(member);
        }
        assert!(!fit(filter.clone(), expects(SUBSCRIBER, bad)), "{member} {value}");
    }
    assert!(!fit(filter.clone(), json!({})));
    // What the client expects of the subscriber counts where it says so.
    let of_both = json!({"eass": [{"easId": "eas.other.example", "expectedSvcKPIs": good}, {"easId": SUBSCRIBER}]});
    assert!(!fit(filter, of_both));
    let words = json!({"minAcKpi": {"reqComp": "a GPU"}});
    assert!(fit(words.clone(), expects(SUBSCRIBER, json!({"reqComp": "a GPU"}))));
    assert!(!fit(words, expects(SUBSCRIBER, json!({"reqComp": "7"}))));
}

#[test]
fn bounds_that_nothing_can_meet_are_found() {
    let filter =
        |least: Value, most: Value| serde_json::from_value(json!({"minAcKpi": least, "maxAcKpi": most})).unwrap();
    for (member, least, most) in [
        ("connBand", json!("2 Mbps"), json!("1999 Kbps")),
        ("reqRate", json!(2), json!(1)),
        ("respTime", json!(2), json!(1)),
        ("avail", json!(99), json!(98)),
    ] {
        assert_eq!(
            contradiction(&filter(json!({member: least}), json!({member: most}))),
            Some(member)
        );
        assert_eq!(
            contradiction(&filter(json!({member: most}), json!({member: least}))),
            None
        );
    }
    assert_eq!(contradiction(&filter(json!({"avail": 99}), json!({}))), None);
}

#[test]
fn schedules_have_to_overlap_and_without_one_a_client_is_always_in_use() {
    let mornings = json!({"opSchds": [{"timeOfDayStart": "06:00:00", "timeOfDayEnd": "12:00:00"}]});
    let from = |start: &str, end: &str| json!({"acSchedule": {"timeOfDayStart": start, "timeOfDayEnd": end}});
    assert!(fit(mornings.clone(), from("11:00:00", "13:00:00")));
    assert!(!fit(mornings.clone(), from("12:00:00", "13:00:00")));
    assert!(fit(mornings, json!({})));
}

#[test]
fn a_bundle_fits_by_what_is_said_of_it() {
    let has = |bundle: Value| json!({"eass": [{"easId": SUBSCRIBER}], "easBundleInfos": [bundle]});
    let wants = |bundle: Value| json!({"easBundInd": bundle});
    let named = has(json!({"bdlType": "DIRECT", "bdlId": "b1", "easBdlReqs": {"affinity": "STRONG"}}));
    assert!(fit(wants(json!({"bdlType": "DIRECT"})), named.clone()));
    assert!(fit(
        wants(json!({"bdlId": "b1", "easBdlReqs": {"affinity": "STRONG"}})),
        named.clone()
    ));
    for other in [
        json!({"bdlType": "PROXY"}),
        json!({"bdlId": "b2"}),
        json!({"easBdlReqs": {"affinity": "WEAK"}}),
    ] {
        assert!(!fit(wants(other.clone()), named.clone()), "{other}");
    }
    let part = has(json!({"bdlType": "DIRECT", "easIdsList": [SUBSCRIBER]}));
    assert!(!fit(wants(json!({"bdlId": "b1"})), part.clone()));
    assert!(fit(wants(json!({"bdlId": "b1", "parBundDet": true})), part));
    let of_others = has(json!({"bdlType": "DIRECT", "easIdsList": ["eas.other.example"]}));
    assert!(!fit(wants(json!({"bdlId": "b1", "parBundDet": true})), of_others));
    assert!(
        !fit(wants(json!({"parBundDet": true})), json!({})),
        "a client without any bundle"
    );
}

#[test]
fn a_ue_fits_by_the_names_and_the_place_that_may_be_known() {
    let place = |json: Value| {
        let area: LocationArea5G = serde_json::from_value(json).unwrap();
        let position = Position::of_area(&area);
        Some(Place { position, area })
    };
    let cell = |id: &str| json!({"nwAreaInfo": {"ncgis": [{"plmnId": {"mcc": "001", "mnc": "01"}, "nrCellId": id}]}});
    let known = Ue {
        names: vec!["extid-a@b.example".parse().unwrap()],
        place: place(cell("000000001")),
    };
    let one = |filter: Value, ue: &Ue| fits(&subscription(json!([filter])), &profile(json!({})), ue);
    let by_name = json!({"ueIds": ["msisdn-491700000001", "extid-a@b.example"]});
    assert!(one(by_name.clone(), &known) && !one(by_name, &Ue::default()));
    let here = json!({"locInfs": cell("000000001")});
    assert!(one(here.clone(), &known) && !one(here, &Ue::default()));
    assert!(!one(json!({"locInfs": cell("000000002")}), &known));
    let node = json!({"nwAreaInfo": {"gRanNodeIds": [{"plmnId": {"mcc": "001", "mnc": "01"}, "wagfId": "a"}]}});
    assert!(!one(json!({"locInfs": node}), &known));
    let at_node = Ue {
        place: place(node.clone()),
        ..Ue::default()
    };
    assert!(one(json!({"locInfs": node}), &at_node));
}
