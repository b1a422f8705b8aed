//! What is kept of a subscription, and how its subscriber can be reached, decided without a store.

use super::*;
use edgeapp_core::error::Kind;
use serde_json::{Value, json};

fn subscription(more: &Value) -> EcsServProvSubscription {
    let mut body = json!({"eecId": "eec-1"});
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    serde_json::from_value(body).expect("a subscription")
}

#[test]
fn features_decide_which_members_count() {
    let asked = json!({"requestTestNotification": true, "ecspIds": ["e"], "eecTriggerRequest": true,
        "websockNotifConfig": {"requestWebsocketUri": true}});
    for (features, test, release_18) in [
        (None, false, true),
        (Some("0"), false, false),
        (Some("1"), true, false),
        (Some("5"), true, true),
    ] {
        let mut asked = asked.clone();
        if let Some(features) = features {
            asked["suppFeat"] = features.into();
        }
        let mut kept = subscription(&asked);
        negotiate(&mut kept);
        assert_eq!(kept.request_test_notification, test, "{features:?}");
        assert_eq!(
            (kept.eec_trigger_request, kept.ecsp_ids.len()),
            (release_18, usize::from(release_18)),
            "{features:?}"
        );
        assert_eq!(kept.websock_notif_config, None);
    }
}

#[test]
fn there_is_one_way_to_reach_a_subscriber() {
    let subscriber = Principal::from_names(["urn:edgeapp:eec:eec-1"], ["ue.example"]).expect("an identity");
    let verdict = |more: Value, rule: &CallbackRule| {
        destination(&subscriber, &subscription(&more), rule)
            .map(|_| ())
            .map_err(|error| (error.kind, error.cause))
    };
    let (strict, relaxed) = (&CallbackRule::default(), &CallbackRule::anywhere());
    let there = json!({"notificationDestination": "https://ue.example/"});
    assert_eq!(verdict(there.clone(), strict), Ok(()));
    let foreign = json!({"notificationDestination": "https://victim.example/"});
    assert_eq!(
        verdict(foreign, strict),
        Err((Kind::Forbidden, Cause::CallbackNotAllowed))
    );
    let inside = json!({"notificationDestination": "https://127.0.0.1:8443/"});
    assert_eq!(
        verdict(inside.clone(), strict),
        Err((Kind::Forbidden, Cause::CallbackNotAllowed))
    );
    assert_eq!(verdict(inside, relaxed), Ok(()));
    assert_eq!(
        verdict(json!({}), strict),
        Err((Kind::Invalid, Cause::MandatoryIeMissing))
    );
    let trigger = json!({"eecTriggerRequest": true});
    assert_eq!(
        verdict(trigger, strict),
        Err((Kind::Invalid, Cause::OptionalIeIncorrect))
    );
    let mut both = there;
    both["eecTriggerRequest"] = true.into();
    assert_eq!(verdict(both, strict), Err((Kind::Invalid, Cause::OptionalIeIncorrect)));
}

/// Proves: T-08, T-09
#[test]
fn only_the_eec_itself_on_its_own_ue_asks() {
    let caller = |uris: &[&str]| Principal::from_names(uris.iter().copied(), []).expect("an identity");
    let (bare, on_ue) = (
        caller(&["urn:edgeapp:eec:eec-1"]),
        caller(&["urn:edgeapp:eec:eec-1", "urn:edgeapp:gpsi:msisdn-49"]),
    );
    let (eec, ue): (EecId, Gpsi) = ("eec-1".parse().expect("an id"), "msisdn-49".parse().expect("a GPSI"));
    assert!(identify(&bare, &eec, None).is_ok());
    assert!(identify(&on_ue, &eec, Some(&ue)).is_ok());
    assert_eq!(
        identify(&bare, &eec, Some(&ue)).expect_err("refused").cause,
        Cause::UeIdNotVerified
    );
    let other = caller(&["urn:edgeapp:eec:eec-2"]);
    assert_eq!(
        identify(&other, &eec, None).expect_err("refused").cause,
        Cause::OwnerMismatch
    );
}

#[test]
fn identity_is_what_may_not_become_another() {
    let one = subscription(&json!({"ueId": "u", "ecspIds": ["e"]}));
    let pointer = |next: &Value| {
        Resource::<Ecs>::may_become(&one, &subscription(next))
            .err()
            .map(|e| e.invalid[0].param.clone())
    };
    assert_eq!(pointer(&json!({"ueId": "u"})), None);
    assert_eq!(pointer(&json!({"ueId": "v"})), Some("/ueId".to_owned()));
    assert_eq!(pointer(&json!({})), Some("/ueId".to_owned()));
    assert_eq!(
        pointer(&json!({"ueId": "u", "eecId": "eec-2"})),
        Some("/eecId".to_owned())
    );
}
