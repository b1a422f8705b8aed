use super::*;
use crate::ac_information::filters::{Ue, fits};
use edgeapp_core::{
    follow::View,
    kept::Kept,
    principal::Principal,
    store::{Change, Entry, Key, Revision},
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn some_of(prefix: &'static str) -> impl Strategy<Value = Option<Vec<String>>> {
    let name = (0..4u8).prop_map(move |n| format!("{prefix}{n}"));
    prop::option::of(prop::collection::vec(name, 1..3))
}

fn any_filter() -> impl Strategy<Value = Value> {
    let names = ["msisdn-491700000001", "extid-a@b.example", "edgeueid-1", "edgeueid-2"];
    let ues = prop::option::of(prop::sample::subsequence(names.to_vec(), 1..3));
    (some_of("ac"), some_of("type"), some_of("ecsp"), ues).prop_map(|(clients, types, providers, ues)| {
        let mut filter = json!({});
        for (member, list) in [
            ("acIds", clients.map(|list| json!(list))),
            ("acTypes", types.map(|list| json!(list))),
            ("ecspIds", providers.map(|list| json!(list))),
            ("ueIds", ues.map(|list| json!(list))),
        ] {
            if let Some(list) = list {
                filter[member] = list;
            }
        }
        filter
    })
}

fn any_subscription() -> impl Strategy<Value = AcInfoSubscription> {
    let triggers = ["EEC_REGISTRATION", "EAS_DISCOVERY", "UNSPECIFIED"];
    let triggers = prop::option::of(prop::sample::subsequence(triggers.to_vec(), 1..3));
    (prop::option::of(prop::collection::vec(any_filter(), 1..4)), triggers).prop_map(|(filters, triggers)| {
        let mut subscription = json!({"easId": "eas.chess.example"});
        if let Some(filters) = filters {
            subscription["acFltrs"] = json!(filters);
        }
        if let Some(triggers) = triggers {
            subscription["trigCondParams"] = json!(triggers);
        }
        serde_json::from_value(subscription).unwrap()
    })
}

fn any_profile() -> impl Strategy<Value = AcProfile> {
    let kind = prop::option::of(0..4u8);
    (0..4u8, kind, prop::collection::vec(0..4u8, 0..3)).prop_map(|(id, kind, providers)| {
        let mut profile = json!({"acId": format!("ac{id}")});
        if let Some(kind) = kind {
            profile["acType"] = format!("type{kind}").into();
        }
        profile["prefEcsps"] = providers.iter().map(|n| format!("ecsp{n}")).collect();
        serde_json::from_value(profile).unwrap()
    })
}

fn entry(n: usize, subscription: &AcInfoSubscription) -> Entry {
    let owner = Principal::from_names(["urn:edgeapp:eas:eas.chess.example#1"], []).unwrap();
    Entry {
        key: Key::from(format!("s/{n:03}")),
        value: Kept::new(&owner, None, subscription.clone()).to_bytes().unwrap(),
        revision: Revision(1),
    }
}

proptest! {
    /// What is found under the terms of an event, and then matches, is what matches of all.
    #[test]
    fn filing_loses_nothing(
        before in prop::collection::vec(any_subscription(), 0..24),
        after in prop::collection::vec(any_subscription(), 0..24),
        profiles in prop::collection::vec(any_profile(), 1..4),
        made_up in prop::option::of(1..3u8),
        by in prop::sample::select(vec![Trigger::Registration, Trigger::Discovery]),
    ) {
        let filed = filed();
        filed.reset(before.iter().enumerate().map(|(n, subscription)| entry(n, subscription)).collect());
        // Every one that is replaced is filed anew; what is not replaced is removed.
        let mut changes: Vec<Change> = after.iter().enumerate().map(|(n, subscription)| Change::Put(entry(n, subscription))).collect();
        let removed = after.len()..before.len().max(after.len());
        changes.extend(removed.map(|n| Change::Deleted(Key::from(format!("s/{n:03}")), Revision(2))));
        filed.apply(changes);

        let mut names: Vec<Gpsi> = vec!["msisdn-491700000001".parse().unwrap()];
        names.extend(made_up.map(|n| format!("edgeueid-{n}").parse().unwrap()));
        let ue = Ue { names: names.clone(), place: None };
        let matches = |subscription: &AcInfoSubscription| {
            triggers(subscription).contains(&by) && profiles.iter().any(|profile| fits(subscription, profile, &ue))
        };
        let all = after.iter().enumerate().filter(|(_, subscription)| matches(subscription));
        let expected: BTreeSet<String> = all.map(|(n, _)| format!("s/{n:03}")).collect();
        let terms = AcTerm::of_news(by, &profiles, &names);
        let found = filed.candidates(&terms);
        let found: BTreeSet<String> = found.iter().filter(|(_, kept)| matches(&kept.value)).map(|(key, _)| key.to_string()).collect();
        prop_assert_eq!(&found, &expected);
        // Whether anybody could care is decided before the names that the EES made up are known.
        let mut hasty = AcTerm::of_news(by, &profiles, &names[..1]);
        hasty.push(AcTerm { by, what: What::OnNamedUe });
        prop_assert!(expected.is_empty() || filed.has_any(&hasty));
    }
}

#[test]
fn a_subscription_is_filed_under_the_demand_that_fewest_meet() {
    let filed_under = |json: Value| AcTerm::of_subscription(&serde_json::from_value(json).unwrap());
    let by = Trigger::Registration;
    let under = |what| AcTerm { by, what };
    let both =
        json!({"easId": "e", "acFltrs": [{"acIds": ["a"], "acTypes": ["t"]}, {"acTypes": ["t"], "ecspIds": ["p"]}]});
    assert_eq!(
        filed_under(both),
        [
            under(What::Client("a".parse().unwrap())),
            under(What::Type("t".to_owned()))
        ]
    );
    assert_eq!(filed_under(json!({"easId": "e"})), [under(What::Any)]);
    assert_eq!(
        filed_under(json!({"easId": "e", "acFltrs": [{}, {"acIds": ["a"]}]}))[0],
        under(What::Any)
    );
    let discovery = filed_under(json!({"easId": "e", "trigCondParams": ["EAS_DISCOVERY"]}));
    assert_eq!(
        discovery.iter().map(|term| term.by).collect::<Vec<_>>(),
        [Trigger::Discovery]
    );
}
