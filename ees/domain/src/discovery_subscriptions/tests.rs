use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn profile(members: Value) -> EasProfile {
    let mut profile = json!({"easId": "eas.chess", "endPt": {"fqdn": "a.example"}});
    profile
        .as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    serde_json::from_value(profile).unwrap()
}

fn at(seconds: i64) -> DateTime {
    DateTime(jiff::Timestamp::from_second(1_800_000_000 + seconds).unwrap())
}

type Subscribed = (Key, Arc<Kept<EasDiscoverySubscription>>);

fn subscribed(members: Value) -> Subscribed {
    let mut subscription = json!({"eecId": "eec-1", "easEventType": "EAS_AVAILABILITY_CHANGE",
        "notificationDestination": "https://ue.example/cb"});
    subscription
        .as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    let owner = Principal::from_names(["urn:edgeapp:eec:eec-1"], []).unwrap();
    let kept = Kept::new(&owner, Some(at(600)), serde_json::from_value(subscription).unwrap());
    (Key::from("eas-discovery-subscription/s1"), Arc::new(kept))
}

fn told(before: Option<&EasProfile>, after: Option<&EasProfile>, to: Subscribed) -> Option<DiscoveredEas> {
    let mut told = notifications_for(before, after, Some(at(300)), &[to], at(0));
    assert!(told.len() <= 1);
    let mut told = told.pop()?;
    assert_eq!(told.notification.sub_id.as_str(), "s1");
    assert_eq!(told.way, Way::Call("https://ue.example/cb".parse().unwrap()));
    assert_eq!(told.notification.discovered_eas.len(), 1);
    told.notification.discovered_eas.pop()
}

mod availability {
    use super::*;

    fn to_chess() -> Subscribed {
        subscribed(json!({"easDiscoveryFilter": {"easChars": [{"easId": "eas.chess", "svcFeats": ["a"]}]}}))
    }

    #[test]
    fn an_eas_that_begins_to_fit_is_shown_as_it_is() {
        let fits = profile(json!({"easFeats": ["a"]}));
        let shown = told(None, Some(&fits), to_chess()).unwrap();
        assert_eq!((&shown.eas, shown.life_time), (&fits, Some(at(300))));
        for before in [
            profile(json!({})),
            profile(json!({"easFeats": ["a"], "status": "DISABLED"})),
        ] {
            assert_eq!(told(Some(&before), Some(&fits), to_chess()).unwrap().eas, fits);
        }
    }

    #[test]
    fn an_eas_that_ceases_to_fit_is_shown_as_it_last_fitted_disabled_and_out_of_date() {
        let fits = profile(json!({"easFeats": ["a"], "status": "up"}));
        let without = profile(json!({"status": "up"}));
        let disabled = profile(json!({"easFeats": ["a"], "status": "disabled"}));
        for after in [None, Some(&without), Some(&disabled)] {
            let shown = told(Some(&fits), after, to_chess()).unwrap();
            assert_eq!(shown.eas, profile(json!({"easFeats": ["a"], "status": "DISABLED"})));
            assert!(shown.life_time.unwrap() < at(0));
        }
    }

    #[test]
    fn what_fits_before_and_after_or_never_is_not_told() {
        let (fits, other) = (profile(json!({"easFeats": ["a"]})), profile(json!({"easId": "eas.go"})));
        let renamed = profile(json!({"easFeats": ["a", "b"]}));
        assert_eq!(told(Some(&fits), Some(&renamed), to_chess()), None);
        assert_eq!(told(None, Some(&other), to_chess()), None);
        assert_eq!(told(Some(&other), None, to_chess()), None);
    }

    #[test]
    fn without_a_filter_every_eas_counts_and_scenarios_restrict() {
        assert!(told(None, Some(&profile(json!({}))), subscribed(json!({}))).is_some());
        let continued = || subscribed(json!({"easSvcContinuity": ["EEC_INITIATED"]}));
        assert!(told(None, Some(&profile(json!({}))), continued()).is_none());
        assert!(
            told(
                None,
                Some(&profile(json!({"svcContSupp": ["EEC_INITIATED"]}))),
                continued()
            )
            .is_some()
        );
    }

    #[test]
    fn an_expired_subscription_and_one_without_a_destination_are_not_told() {
        let eas = profile(json!({}));
        let to = subscribed(json!({}));
        assert_eq!(
            notifications_for(None, Some(&eas), None, std::slice::from_ref(&to), at(600)),
            []
        );
        let mut nowhere = Kept::clone(&to.1);
        nowhere.value.notification_destination = None;
        assert_eq!(
            notifications_for(None, Some(&eas), None, &[(to.0, Arc::new(nowhere))], at(0)),
            []
        );
    }
}

mod dynamic_info {
    use super::*;

    fn watching(flags: Value) -> Subscribed {
        let mut watch = json!({"eecId": "eas.chess"});
        watch
            .as_object_mut()
            .unwrap()
            .extend(flags.as_object().unwrap().clone());
        subscribed(json!({"easEventType": "EAS_DYNAMIC_INFO_CHANGE", "easDynInfoFilter": {"dynInfoFilter": [watch]}}))
    }

    const WATCHED: [(&str, &str); 8] = [
        ("easStatus", r#"{"status": "busy"}"#),
        ("easAcIds", r#"{"acIds": ["ac.chess"]}"#),
        ("easPt", r#"{"endPt": {"fqdn": "b.example"}}"#),
        ("easFeature", r#"{"easFeats": ["a"]}"#),
        ("easSchedule", r#"{"scheds": [{"daysOfWeek": [1]}]}"#),
        (
            "svcArea",
            r#"{"svcArea": {"topServAr": {"plmnIds": [{"mcc": "001", "mnc": "01"}]}}}"#,
        ),
        ("svcKpi", r#"{"svcKpi": {"avail": 99}}"#),
        ("svcCont", r#"{"svcContSupp": ["EEC_INITIATED"]}"#),
    ];

    #[test]
    fn each_flag_watches_its_member_and_no_other() {
        let before = profile(json!({}));
        for (flag, _) in WATCHED {
            for (changed, members) in WATCHED {
                let after = profile(serde_json::from_str(members).unwrap());
                let shown = told(Some(&before), Some(&after), watching(json!({flag: true})));
                assert_eq!(
                    shown.map(|shown| shown.eas),
                    (flag == changed).then_some(after),
                    "{flag} {changed}"
                );
            }
        }
    }

    #[test]
    fn only_the_named_instance_counts() {
        let (before, after) = (profile(json!({})), profile(json!({"status": "busy"})));
        let of = |host: &str| watching(json!({"easStatus": true, "easEndPoint": {"fqdn": host}}));
        assert!(told(Some(&before), Some(&after), of("A.example")).is_some());
        assert!(told(Some(&before), Some(&after), of("b.example")).is_none());
        let other = profile(json!({"easId": "eas.go", "status": "busy"}));
        assert!(
            told(
                Some(&profile(json!({"easId": "eas.go"}))),
                Some(&other),
                watching(json!({"easStatus": true}))
            )
            .is_none()
        );
    }

    #[test]
    fn coming_and_going_are_no_changes_of_information() {
        let eas = profile(json!({"status": "up"}));
        assert_eq!(told(None, Some(&eas), watching(json!({"easStatus": true}))), None);
        assert_eq!(told(Some(&eas), None, watching(json!({"easStatus": true}))), None);
    }
}

proptest! {
    #[test]
    fn nothing_is_told_of_no_change(status in prop::option::of("[a-z]{0,8}"), flags in any::<[bool; 4]>()) {
        let eas = profile(status.map_or(json!({}), |status| json!({"status": status})));
        let watch = json!({"eecId": "eas.chess", "easStatus": flags[0], "easPt": flags[1], "svcKpi": flags[2], "svcArea": flags[3]});
        for to in [
            subscribed(json!({})),
            subscribed(json!({"easEventType": "EAS_DYNAMIC_INFO_CHANGE", "easDynInfoFilter": {"dynInfoFilter": [watch]}})),
        ] {
            prop_assert_eq!(told(Some(&eas), Some(&eas), to), None);
        }
    }
}
