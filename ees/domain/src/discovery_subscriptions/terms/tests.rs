use super::*;
use crate::discovery_subscriptions::notifications_for;
use edgeapp_core::{
    follow::View,
    kept::Kept,
    principal::Principal,
    store::{Entry, Key, Revision},
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;

fn name(prefix: &'static str) -> impl Strategy<Value = String> {
    (0..3u8).prop_map(move |n| format!("{prefix}{n}"))
}

fn put(object: &mut Value, member: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object[member] = value.into();
    }
}

fn any_characteristics() -> impl Strategy<Value = Value> {
    let features = prop::option::of(prop::collection::vec(name("feat"), 1..3));
    let kind = prop::option::of((any::<bool>(), name("type")));
    (
        prop::option::of(name("eas")),
        prop::option::of(name("prov")),
        kind,
        features,
    )
        .prop_map(|(eas, provider, kind, features)| {
            let mut like = json!({});
            put(&mut like, "easId", eas);
            put(&mut like, "easProvId", provider);
            if let Some((standard, kind)) = kind {
                like[if standard { "stdEasType" } else { "easType" }] = kind.into();
            }
            put(&mut like, "svcFeats", features);
            like
        })
}

fn any_client() -> impl Strategy<Value = Value> {
    let eass = prop::option::of(prop::collection::vec(name("eas"), 1..3));
    (name("ac"), eass).prop_map(|(id, eass)| {
        let mut profile = json!({"acId": id});
        let details = |eass: Vec<String>| eass.into_iter().map(|id| json!({"easId": id})).collect::<Vec<_>>();
        put(&mut profile, "eass", eass.map(details));
        json!({"acProf": profile})
    })
}

fn any_subscription() -> impl Strategy<Value = EasDiscoverySubscription> {
    let likes = prop::option::of(prop::collection::vec(any_characteristics(), 1..3));
    let clients = prop::option::of(prop::collection::vec(any_client(), 1..3));
    let watched = prop::option::of(prop::collection::vec(name("eas"), 1..3));
    let features = prop::option::of(prop::sample::select(vec!["1", "5"]));
    (likes, clients, prop::option::of(name("eas")), watched, features).prop_map(
        |(likes, clients, group, watched, features)| {
            let mut subscription = json!({"eecId": "eec-1", "easEventType": "EAS_AVAILABILITY_CHANGE",
                "notificationDestination": "https://ue.example/cb", "easDiscoveryFilter": {}});
            put(&mut subscription, "suppFeat", features);
            let filter = &mut subscription["easDiscoveryFilter"];
            put(filter, "easChars", likes);
            put(filter, "acChars", clients);
            put(
                filter,
                "appGroupProfile",
                group.map(|id| json!({"appGrpId": "g", "easId": id})),
            );
            if let Some(watched) = watched {
                let watch = |id: String| json!({"eecId": id, "easStatus": true});
                subscription["easEventType"] = "EAS_DYNAMIC_INFO_CHANGE".into();
                subscription["easDynInfoFilter"] =
                    json!({"dynInfoFilter": watched.into_iter().map(watch).collect::<Vec<_>>()});
            }
            serde_json::from_value(subscription).unwrap()
        },
    )
}

fn any_profile() -> impl Strategy<Value = EasProfile> {
    let kind = prop::option::of((any::<bool>(), name("type")));
    let features = prop::collection::vec(name("feat"), 0..3);
    let clients = prop::collection::vec(name("ac"), 0..3);
    let status = prop::option::of(name("status"));
    (
        name("eas"),
        prop::option::of(name("prov")),
        kind,
        features,
        clients,
        status,
    )
        .prop_map(|(id, provider, kind, features, clients, status)| {
            let mut profile = json!({"easId": id, "endPt": {"fqdn": "a.example"}});
            put(&mut profile, "provId", provider);
            if let Some((standard, kind)) = kind {
                profile[if standard { "type" } else { "flexEasType" }] = kind.into();
            }
            put(&mut profile, "easFeats", Some(features).filter(|list| !list.is_empty()));
            put(&mut profile, "acIds", Some(clients).filter(|list| !list.is_empty()));
            put(&mut profile, "status", status);
            serde_json::from_value(profile).unwrap()
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Who is told is the same whether all subscriptions are looked at or those alone that are filed under the terms of the change.
    #[test]
    fn filing_loses_nothing(
        subscriptions in prop::collection::vec(any_subscription(), 0..24),
        before in prop::option::of(any_profile()),
        after in prop::option::of(any_profile()),
    ) {
        let owner = Principal::from_names(["urn:edgeapp:eec:eec-1"], []).unwrap();
        let all: Vec<_> = subscriptions
            .into_iter()
            .enumerate()
            .map(|(n, subscription)| (Key::from(format!("s/{n:03}")), Arc::new(Kept::new(&owner, None, subscription))))
            .collect();
        let entry = |(key, kept): &(Key, Arc<Kept<EasDiscoverySubscription>>)| Entry {
            key: key.clone(),
            value: kept.to_bytes().unwrap(),
            revision: Revision(1),
        };
        let filed = filed();
        filed.reset(all.iter().map(entry).collect());
        let now = "2026-01-05T12:00:00Z".parse().unwrap();
        let (before, after) = (before.as_ref(), after.as_ref());
        let told = |to: &[_]| notifications_for(before, after, None, to, now);
        let candidates = filed.candidates(&terms_of_change(before, after));
        prop_assert_eq!(told(&candidates), told(&all));
    }
}
