mod index;

use super::*;
use edgeapp_openapi::{eas_registration::EasProfile, eec_registration::AcServiceKpis};
use serde_json::{Value, json};

fn profile(members: Value) -> EasProfile {
    let mut profile = json!({"easId": "eas.chess", "endPt": {"fqdn": "a.example"}});
    profile
        .as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    serde_json::from_value(profile).unwrap()
}

fn filter(json: Value) -> Selection {
    Selection::of_filter(serde_json::from_value(json).unwrap())
}

fn like(json: Value) -> Selection {
    filter(json!({"easChars": [json]}))
}

fn ac(json: Value) -> Selection {
    let mut profile = json!({"acId": "ac.chess"});
    profile
        .as_object_mut()
        .unwrap()
        .extend(json.as_object().unwrap().clone());
    filter(json!({"acChars": [{"acProf": profile}]}))
}

fn request(members: Value) -> Selection {
    let mut request = json!({"requestorId": {"eecId": "eec-1"}});
    request
        .as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    Selection::of_request(serde_json::from_value(request).unwrap())
}

#[track_caller]
fn only(wanted: &Selection, fits: Value, other: Value) {
    assert!(
        matching::judge(&profile(fits.clone()), wanted).is_some(),
        "{fits} fits {wanted:?}"
    );
    assert!(
        matching::judge(&profile(other.clone()), wanted).is_none(),
        "{other} does not fit {wanted:?}"
    );
}

fn tai(tac: &str) -> Value {
    json!({"plmnId": {"mcc": "001", "mnc": "01"}, "tac": tac})
}

/// One test per row of the table of filter members (TS 24.558 clause 6.3.5.2.7), the row being the only difference.
mod characteristics {
    use super::*;

    #[test]
    fn each_member_alone_tells_two_eass_apart() {
        for (wanted, fits, other) in [
            (json!({"easId": "eas.chess"}), json!({}), json!({"easId": "eas.go"})),
            (json!({"easSyncInd": true}), json!({"easSyncSupp": true}), json!({})),
            (json!({"easProvId": "inc"}), json!({"provId": "inc"}), json!({})),
            (
                json!({"stdEasType": "V2X"}),
                json!({"type": "V2X"}),
                json!({"flexEasType": "V2X"}),
            ),
            (
                json!({"easType": "game"}),
                json!({"flexEasType": "game"}),
                json!({"type": "UAS"}),
            ),
            (
                json!({"easSvcContinuity": ["EEC_INITIATED", "NEW"]}),
                json!({"svcContSupp": ["NEW"]}),
                json!({}),
            ),
            (
                json!({"svcPermLevel": "GOLD"}),
                json!({"permLvl": ["TRIAL", "GOLD"]}),
                json!({"permLvl": ["TRIAL"]}),
            ),
            (
                json!({"svcFeats": ["a", "b"]}),
                json!({"easFeats": ["c", "b", "a"]}),
                json!({"easFeats": ["a"]}),
            ),
            (
                json!({"easBundleInfo": {"bdlType": "DIRECT", "bdlId": "b1"}}),
                json!({"easBdlInfos": [{"bdlType": "DIRECT", "bdlId": "b1"}]}),
                json!({"easBdlInfos": [{"bdlType": "PROXY", "bdlId": "b1"}]}),
            ),
            (
                json!({"easBundleInfo": {"bdlType": "DIRECT", "easIdsList": ["x"]}}),
                json!({"easBdlInfos": [{"bdlType": "DIRECT", "bdlId": "b1", "easIdsList": ["y", "x"]}]}),
                json!({"easBdlInfos": [{"bdlType": "DIRECT", "bdlId": "b1"}]}),
            ),
            (
                json!({"easSched": {"startTime": "2026-01-05T09:00:00Z", "stopTime": "2026-01-05T10:00:00Z"}}),
                json!({"scheds": [{"daysOfWeek": [1]}]}),
                json!({"scheds": [{"daysOfWeek": [2]}]}),
            ),
            (
                json!({"svcArea": {"nwAreaInfo": {"tais": [tai("000001")]}}}),
                json!({"svcArea": {"topServAr": {"tais": [tai("000001")]}}}),
                json!({"svcArea": {"topServAr": {"tais": [tai("000002")]}}}),
            ),
        ] {
            only(&like(wanted), fits, other);
        }
    }

    #[test]
    fn what_an_eas_does_not_restrict_does_not_exclude_it() {
        let window = json!({"startTime": "2026-01-05T09:00:00Z", "stopTime": "2026-01-05T10:00:00Z"});
        for open in [
            json!({"easSched": window}),
            json!({"svcArea": {"nwAreaInfo": {"tais": [tai("000001")]}}}),
            json!({}),
        ] {
            assert!(matching::judge(&profile(json!({})), &like(open)).is_some());
        }
    }

    #[test]
    fn entries_are_alternatives_and_both_lists_count() {
        let wanted = filter(
            json!({"easChars": [{"easId": "eas.go"}, {"easProvId": "inc", "svcFeats": ["a"]}],
            "acChars": [{"acProf": {"acId": "ac.one"}}, {"acProf": {"acId": "ac.two"}}]}),
        );
        only(
            &wanted,
            json!({"easId": "eas.go", "acIds": ["ac.two"]}),
            json!({"easId": "eas.go", "acIds": ["ac.three"]}),
        );
        only(
            &wanted,
            json!({"provId": "inc", "easFeats": ["a"]}),
            json!({"provId": "inc"}),
        );
    }

    #[test]
    fn members_of_release_18_count_only_where_they_were_not_left_out() {
        let without = request(json!({"suppFeat": "3", "easDiscoveryFilter": {"easChars": [{"easSyncInd": true}]}}));
        assert!(matching::judge(&profile(json!({})), &without).is_some());
        let with = request(json!({"suppFeat": "4", "easDiscoveryFilter": {"easChars": [{"easSyncInd": true}]}}));
        assert!(matching::judge(&profile(json!({})), &with).is_none());
    }
}

mod application_clients {
    use super::*;

    #[test]
    fn each_member_alone_tells_two_eass_apart() {
        for (wanted, fits, other) in [
            (json!({}), json!({"acIds": ["ac.chess"]}), json!({"acIds": ["ac.go"]})),
            (json!({}), json!({}), json!({"acIds": ["ac.go"]})),
            (
                json!({"eass": [{"easId": "eas.chess"}]}),
                json!({}),
                json!({"easId": "eas.go"}),
            ),
            (
                json!({"acSvcContSupp": ["EEC_INITIATED"]}),
                json!({"svcContSupp": ["EEC_INITIATED"]}),
                json!({}),
            ),
            (
                json!({"acSchedule": {"daysOfWeek": [1, 2]}}),
                json!({"scheds": [{"daysOfWeek": [2, 3]}]}),
                json!({"scheds": [{"daysOfWeek": [3]}]}),
            ),
            (
                json!({"expAcGeoServArea": {"nwAreaInfo": {"tais": [tai("000001")]}}}),
                json!({}),
                json!({"svcArea": {"topServAr": {"tais": [tai("000002")]}}}),
            ),
            (
                json!({"easBundleInfos": [{"bdlType": "DIRECT", "bdlId": "b2"}, {"bdlType": "DIRECT", "bdlId": "b1"}]}),
                json!({"easBdlInfos": [{"bdlType": "DIRECT", "bdlId": "b1"}]}),
                json!({}),
            ),
        ] {
            only(&ac(wanted), fits, other);
        }
    }

    #[test]
    fn needs_are_compared_in_their_own_units() {
        for (needed, has, enough) in [
            (json!({"connBand": "100 Mbps"}), json!({"connBand": "0.1 Gbps"}), true),
            (json!({"connBand": "100 Mbps"}), json!({"connBand": "9000 Kbps"}), false),
            (json!({"reqRate": 50}), json!({"maxReqRate": 50}), true),
            (json!({"reqRate": 51}), json!({"maxReqRate": 50}), false),
            (json!({"respTime": 1}), json!({"maxRespTime": 1000}), true),
            (json!({"respTime": 1}), json!({"maxRespTime": 1001}), false),
            (json!({"avail": 95}), json!({"avail": 94}), false),
            (json!({"reqMem": "64"}), json!({"avlMem": 63}), false),
            (json!({"reqMem": "64 GB"}), json!({"avlMem": 1}), true),
            (json!({"reqComp": "2"}), json!({"avlComp": 2}), true),
            (json!({"reqGrapComp": "2"}), json!({"avlGraComp": 1}), false),
            (json!({"reqStrg": "2"}), json!({"avlStrg": 1}), false),
            (json!({"reqRate": 50, "avail": 99}), json!({"avail": 99}), true),
        ] {
            let least: AcServiceKpis = serde_json::from_value(needed.clone()).unwrap();
            let offered = serde_json::from_value(has.clone()).unwrap();
            assert_eq!(meets(&least, Some(&offered)), enough, "{needed} of {has}");
            assert!(meets(&least, None));
        }
    }

    #[test]
    fn expectations_rank_and_refuse_nobody() {
        let wanted = ac(
            json!({"eass": [{"easId": "eas.chess", "minimumReqSvcKPIs": {"avail": 90},
            "expectedSvcKPIs": {"avail": 99, "reqRate": 100}}]}),
        );
        let rank = |kpi: Value| matching::judge(&profile(json!({"svcKpi": kpi})), &wanted);
        assert_eq!(rank(json!({"avail": 80})), None);
        assert!(rank(json!({"avail": 95, "maxReqRate": 10})) > rank(json!({"avail": 99, "maxReqRate": 10})));
        assert!(rank(json!({"avail": 99, "maxReqRate": 10})) > rank(json!({"avail": 99, "maxReqRate": 100})));
    }
}

mod requests {
    use super::*;

    #[test]
    fn each_member_alone_tells_two_eass_apart() {
        let position = json!({"trackingAreaId": "00101000001"});
        for (wanted, fits, other) in [
            (
                json!({}),
                json!({"status": "ENABLED"}),
                json!({"status": "disabled (maintenance)"}),
            ),
            (
                json!({"easTDnai": "edge-b"}),
                json!({"appLocs": [{"dnai": "edge-b", "routeProfId": "1"}]}),
                json!({"appLocs": [{"dnai": "edge-a", "routeProfId": "1"}]}),
            ),
            (
                json!({"locInf": position}),
                json!({"svcArea": {"topServAr": {"tais": [tai("000001")]}}}),
                json!({"svcArea": {"topServAr": {"tais": [tai("000002")]}}}),
            ),
            (
                json!({"servingPLMNInfo": {"mcc": "001", "mnc": "01"}}),
                json!({"allowedPlmnId": {"mcc": "001", "mnc": "01"}}),
                json!({"allowedPlmnId": {"mcc": "001", "mnc": "02"}}),
            ),
            (
                json!({"eecSvcContinuity": ["EEC_INITIATED", "NEW"], "easSvcContinuity": ["NEW", "OTHER"]}),
                json!({"svcContSupp": ["NEW"]}),
                json!({"svcContSupp": ["EEC_INITIATED", "OTHER"]}),
            ),
            (
                json!({"easDiscoveryFilter": {"appGroupProfile": {"appGrpId": "team", "easId": "eas.chess"}}}),
                json!({}),
                json!({"easId": "eas.go"}),
            ),
        ] {
            only(&request(wanted), fits, other);
        }
    }

    #[test]
    fn lists_without_a_common_scenario_fit_nobody() {
        let wanted = request(json!({"eecSvcContinuity": ["A"], "eesSvcContinuity": ["B"]}));
        assert!(matching::judge(&profile(json!({"svcContSupp": ["A", "B"]})), &wanted).is_none());
    }

    #[test]
    fn an_unknown_position_excludes_nobody_unless_the_policy_is_strict() {
        let restricted = profile(json!({"svcArea": {"topServAr": {"tais": [tai("000001")]}}}));
        assert!(
            matching::judge(&restricted, &request(json!({})))
                > matching::judge(&profile(json!({})), &request(json!({})))
        );
        let strict = Selection {
            strict_area: true,
            ..Selection::default()
        };
        assert!(matching::judge(&restricted, &strict).is_none());
        assert!(matching::judge(&profile(json!({})), &strict).is_some());
    }
}
