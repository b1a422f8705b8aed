//! The selection alone: each criterion, and what holds for all of them together.

use super::*;
use edgeapp_core::{kept::Kept, principal::Principal};
use edgeapp_openapi::ees_registration::EesRegistration;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;

fn known(id: &str, more: &Value) -> KnownEes {
    let mut body = json!({"eesProf": {"eesId": id, "endPt": {"fqdn": "ees.example"}, "eecRegConf": true}});
    for (name, value) in more.as_object().expect("an object") {
        body["eesProf"][name] = value.clone();
    }
    let registration: EesRegistration = serde_json::from_value(body).expect("a registration");
    let uri = format!("urn:edgeapp:ees:{id}");
    let owner = Principal::from_names([uri.as_str()], []).expect("an identity");
    Arc::new(Kept::new(&owner, None, registration))
}

fn names(chosen: &[Chosen]) -> Vec<&str> {
    chosen.iter().map(|one| one.profile().ees_id.as_str()).collect()
}

fn eas(id: &str) -> EasId {
    id.parse().expect("an id")
}

#[test]
fn nothing_wanted_finds_all_in_order() {
    let all = [known("b", &json!({})), known("a", &json!({}))];
    assert_eq!(names(&select(&Wish::default(), &Edns::default(), &all)), ["a", "b"]);
    let but = "a".parse().expect("an id");
    let wish = Wish {
        but: Some(&but),
        ..Wish::default()
    };
    assert_eq!(names(&select(&wish, &Edns::default(), &all)), ["b"]);
}

#[test]
fn what_was_asked_for_is_told_apart_from_the_rest() {
    let all = [known("a", &json!({"easIds": ["one", "two", "three"]}))];
    let (one, two, four) = (eas("one"), eas("two"), eas("four"));
    let need = |ids| Need {
        eas_ids: ids,
        ..Need::default()
    };
    let wish = Wish {
        needs: vec![need(vec![&one]), need(vec![&two, &four])],
        ..Wish::default()
    };
    let chosen = select(&wish, &Edns::default(), &all);
    assert_eq!(chosen[0].eas_ids, Some(BTreeSet::from([one.clone(), two.clone()])));
    assert!(chosen[0].wants(&one) && !chosen[0].wants(&eas("three")));
    let wish = Wish {
        needs: vec![need(vec![&one]), Need::default()],
        ..Wish::default()
    };
    assert_eq!(
        select(&wish, &Edns::default(), &all)[0].eas_ids,
        None,
        "a client without wishes wants them all"
    );
}

#[test]
fn a_bundle_of_a_client_is_found_by_its_name() {
    let all = [
        known(
            "a",
            &json!({"easBdlInfos": {"one": [{"bdlType": "DIRECT", "bdlId": "b1"}]}}),
        ),
        known("b", &json!({"easIds": ["one"]})),
    ];
    let bundle = "b1".parse().expect("an id");
    let wish = Wish {
        needs: vec![Need {
            bundles: vec![&bundle],
            ..Need::default()
        }],
        ..Wish::default()
    };
    let chosen = select(&wish, &Edns::default(), &all);
    assert_eq!(
        (names(&chosen), &chosen[0].eas_ids),
        (vec!["a"], &Some(BTreeSet::from([eas("one")])))
    );
}

/// Few names, so that wishes and EESs meet often.
fn some(word: &'static str) -> impl Strategy<Value = Vec<String>> {
    prop::collection::btree_set(0u8..4, 0..3).prop_map(move |n| n.into_iter().map(|n| format!("{word}-{n}")).collect())
}

prop_compose! {
    fn an_ees(id: usize)(eas in some("eas"), scenarios in some("s"), places in some("d"), provider in 0u8..4) -> KnownEes {
        let mut more = json!({"provId": format!("p-{provider}")});
        for (name, list) in [("easIds", eas), ("svcContSupp", scenarios), ("appLocs", places)] {
            if !list.is_empty() {
                more[name] = json!(list);
            }
        }
        known(&format!("ees-{id}"), &more)
    }
}

fn some_eess() -> impl Strategy<Value = Vec<KnownEes>> {
    prop::collection::vec(an_ees(0), 0..8).prop_map(|all| {
        let renamed = all.into_iter().enumerate().map(|(n, ees)| {
            let mut kept = (*ees).clone();
            kept.value.ees_prof.ees_id = format!("ees-{n}").parse().expect("an id");
            Arc::new(kept)
        });
        renamed.collect()
    })
}

proptest! {
    #[test]
    fn every_wish_more_finds_a_part_of_what_was_found(
        all in some_eess(), eas in some("eas"), scenarios in some("s"), ecsps in some("p"), place in 0u8..4,
    ) {
        let eas: Vec<EasId> = eas.iter().map(|id| id.parse().expect("an id")).collect();
        let scenarios: Vec<AcrScenario> = scenarios.iter().map(|name| AcrScenario::from(name.as_str())).collect();
        let ecsps: Vec<ProviderId> = ecsps.iter().map(|id| id.parse().expect("an id")).collect();
        let place: Dnai = format!("d-{place}").parse().expect("a DNAI");
        let edns = Edns::default();
        let mut wish = Wish::default();
        let mut before: BTreeSet<String> = all.iter().map(|ees| ees.value.ees_prof.ees_id.to_string()).collect();
        for step in 0..4 {
            match step {
                0 => wish.needs = vec![Need { eas_ids: eas.iter().collect(), ..Need::default() }],
                1 => wish.scenarios = vec![&scenarios],
                2 => wish.ecsps = &ecsps,
                _ => wish.dnai = Some(&place),
            }
            let found = select(&wish, &edns, &all);
            let after: BTreeSet<String> = names(&found).into_iter().map(str::to_owned).collect();
            prop_assert_eq!(after.len(), found.len(), "nobody is found twice");
            prop_assert!(after.is_subset(&before));
            before = after;
        }
        for one in select(&wish, &edns, &all) {
            let profile = one.profile();
            prop_assert!(eas.is_empty() || eas.iter().any(|id| profile.eas_ids.contains(id)));
            prop_assert!(scenarios.is_empty() || scenarios.iter().any(|name| profile.svc_cont_supp.contains(name)));
            prop_assert!(profile.app_locs.contains(&place));
        }
    }

    #[test]
    fn the_order_in_which_eess_are_known_does_not_matter(all in some_eess(), eas in some("eas")) {
        let eas: Vec<EasId> = eas.iter().map(|id| id.parse().expect("an id")).collect();
        let wish = Wish { needs: vec![Need { eas_ids: eas.iter().collect(), ..Need::default() }], ..Wish::default() };
        let edns = Edns::default();
        let reversed: Vec<KnownEes> = all.iter().rev().cloned().collect();
        let (one, other) = (select(&wish, &edns, &all), select(&wish, &edns, &reversed));
        prop_assert_eq!(names(&one), names(&other));
        prop_assert_eq!(edns.describe(&one, true), edns.describe(&other, true));
    }
}
