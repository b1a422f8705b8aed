//! The index finds what looking at everything finds.

use super::{profile, tai};
use crate::selection::*;
use edgeapp_core::{
    follow::View,
    kept::Kept,
    principal::Principal,
    store::{self, Change, Key, Revision},
};
use edgeapp_openapi::eas_registration::{EasProfile, EasRegistration};
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW: &str = "2026-01-05T12:00:00Z";

fn now() -> DateTime {
    NOW.parse().unwrap()
}

fn put(id: u8, profile: EasProfile, expires_at: Option<DateTime>) -> store::Entry {
    let owner = format!("urn:edgeapp:eas:{}%23{}", profile.eas_id, id % 2);
    let owner = Principal::from_names([owner.as_str()], []).unwrap();
    let registration = EasRegistration {
        eas_prof: profile,
        exp_time: expires_at,
        supp_feat: None,
    };
    let kept = Kept::new(&owner, expires_at, registration);
    store::Entry {
        key: Key::from(format!("eas/{id}")),
        value: kept.to_bytes().unwrap(),
        revision: Revision(1),
    }
}

/// What the index must find, by looking at everything.
fn brute_force(wanted: &Selection, known: &Snapshot, now: DateTime) -> Vec<Key> {
    let mut found: Vec<(Rank, &Entry)> = known
        .all()
        .filter(|entry| entry.is_live(now) && wanted.except.as_ref() != Some(&entry.owner))
        .filter_map(|entry| Some((matching::judge(entry.profile(), wanted)?, entry)))
        .collect();
    found.sort_by_key(|(rank, _)| *rank);
    let mut applications = HashSet::new();
    found.retain(|(_, entry)| !wanted.one_per_application || applications.insert(entry.profile().eas_id.clone()));
    found.into_iter().map(|(_, entry)| entry.key.clone()).collect()
}

fn keys(found: &[&Entry]) -> Vec<Key> {
    found.iter().map(|entry| entry.key.clone()).collect()
}

fn some<T: Clone + std::fmt::Debug + 'static>(values: &'static [T]) -> impl Strategy<Value = Vec<T>> {
    prop::sample::subsequence(values, 0..=values.len())
}

const SCENARIOS: &[&str] = &["EEC_INITIATED", "SOURCE_EAS_DECIDED", "NEW"];

fn set(object: &mut Value, member: &str, list: Vec<impl Into<Value>>) {
    if !list.is_empty() {
        object[member] = list.into_iter().map(Into::into).collect::<Vec<Value>>().into();
    }
}

fn area(tacs: Vec<&str>, cells: Vec<&str>, mnc: Option<&str>) -> Value {
    let mut top = json!({});
    set(&mut top, "tais", tacs.into_iter().map(tai).collect());
    let plmn = json!({"mcc": "001", "mnc": "01"});
    set(
        &mut top,
        "ncgis",
        cells
            .into_iter()
            .map(|cell| json!({"plmnId": plmn, "nrCellId": cell}))
            .collect(),
    );
    set(
        &mut top,
        "plmnIds",
        mnc.into_iter().map(|mnc| json!({"mcc": "001", "mnc": mnc})).collect(),
    );
    json!({"topServAr": top})
}

const TACS: &[&str] = &["000001", "000002"];
const CELLS: &[&str] = &["000000001", "000000002"];
const MNCS: &[&str] = &["01", "02"];

fn any_profile() -> impl Strategy<Value = EasProfile> {
    let names = (
        prop::sample::select(&["eas.chess", "eas.go", "eas.quiz"][..]),
        some(&["ac.one", "ac.two"]),
        any::<u8>(),
    );
    let kinds = (
        0..4u8,
        some(&["inc", "gmbh"]),
        some(&["a", "b", "c"]),
        some(&["GOLD", "TRIAL"]),
        some(SCENARIOS),
    );
    let places = (
        some(&["edge-a", "edge-b"]),
        prop::option::of((some(TACS), some(CELLS), prop::option::of(prop::sample::select(MNCS)))),
    );
    let rest = (
        any::<bool>(),
        some(&["b1", "b2"]),
        prop::option::of(80..100u64),
        prop::bool::weighted(0.1),
    );
    (names, kinds, places, rest).prop_map(
        |((id, acs, host), (kind, provider, feats, levels, scenarios), (dnais, svc_area), rest)| {
            let (sync, bundles, avail, disabled) = rest;
            let mut json = json!({"easId": id, "endPt": {"fqdn": format!("h{host}.example")}, "easSyncSupp": sync});
            set(&mut json, "acIds", acs);
            set(&mut json, "easFeats", feats);
            set(&mut json, "permLvl", levels);
            set(&mut json, "svcContSupp", scenarios);
            set(
                &mut json,
                "appLocs",
                dnais
                    .into_iter()
                    .map(|dnai| json!({"dnai": dnai, "routeProfId": "1"}))
                    .collect(),
            );
            set(
                &mut json,
                "easBdlInfos",
                bundles
                    .into_iter()
                    .map(|id| json!({"bdlType": "DIRECT", "bdlId": id}))
                    .collect(),
            );
            match kind {
                0 => json["type"] = "V2X".into(),
                1 => json["flexEasType"] = "game".into(),
                _ => {}
            }
            if let Some(provider) = provider.first() {
                json["provId"] = (*provider).into();
            }
            if let Some((tacs, cells, mnc)) = svc_area {
                json["svcArea"] = area(tacs, cells, mnc);
            }
            if let Some(avail) = avail {
                json["svcKpi"] = json!({"avail": avail});
            }
            if disabled {
                json["status"] = "DISABLED".into();
            }
            serde_json::from_value(json).unwrap()
        },
    )
}

fn any_characteristics() -> impl Strategy<Value = Value> {
    let names = (
        prop::option::of(prop::sample::select(&["eas.chess", "eas.go", "eas.none"][..])),
        0..6u8,
    );
    let lists = (
        some(&["a", "b"]),
        some(SCENARIOS),
        prop::option::of(prop::sample::select(&["GOLD", "SILVER"][..])),
    );
    (names, lists, prop::bool::weighted(0.2), prop::option::of(some(TACS))).prop_map(
        |((id, kind), (feats, scenarios, level), sync, tacs)| {
            let mut json = json!({"easSyncInd": sync});
            if let Some(id) = id {
                json["easId"] = id.into();
            }
            match kind {
                0 => json["stdEasType"] = "V2X".into(),
                1 => json["easType"] = "game".into(),
                2 => json["easProvId"] = "inc".into(),
                3 => json["easBundleInfo"] = json!({"bdlType": "DIRECT", "bdlId": "b1"}),
                _ => {}
            }
            set(&mut json, "svcFeats", feats);
            set(&mut json, "easSvcContinuity", scenarios);
            if let Some(level) = level {
                json["svcPermLevel"] = level.into();
            }
            if let Some(tacs) = tacs.filter(|tacs| !tacs.is_empty()) {
                json["svcArea"] = json!({"nwAreaInfo": {"tais": tacs.into_iter().map(tai).collect::<Vec<_>>()}});
            }
            json
        },
    )
}

fn any_ac() -> impl Strategy<Value = Value> {
    (
        prop::sample::select(&["ac.one", "ac.three"][..]),
        some(&["eas.chess", "eas.quiz"]),
        some(SCENARIOS),
        80..100u64,
    )
        .prop_map(|(id, eass, scenarios, avail)| {
            let mut ac = json!({"acId": id});
            let detail =
                |id| json!({"easId": id, "minimumReqSvcKPIs": {"avail": avail}, "expectedSvcKPIs": {"avail": 99}});
            set(&mut ac, "eass", eass.into_iter().map(detail).collect());
            set(&mut ac, "acSvcContSupp", scenarios);
            json!({"acProf": ac})
        })
}

fn any_selection() -> impl Strategy<Value = Selection> {
    let filters = (
        prop::collection::vec(any_characteristics(), 0..3),
        prop::collection::vec(any_ac(), 0..2),
    );
    let place = (
        prop::option::of(prop::sample::select(TACS)),
        prop::option::of(prop::sample::select(CELLS)),
        prop::sample::select(MNCS),
    );
    let rest = (
        prop::option::of(some(SCENARIOS)),
        prop::option::of(prop::sample::select(&["edge-a", "edge-c"][..])),
    );
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (filters, place, rest, flags).prop_map(
        |((likes, acs), (tac, cell, mnc), (scenarios, dnai), (strict_area, one, except))| {
            let mut request = json!({"easDiscoveryFilter": {}, "locInf": {}, "easSelSupInd": one});
            set(&mut request["easDiscoveryFilter"], "easChars", likes);
            set(&mut request["easDiscoveryFilter"], "acChars", acs);
            if let Some(tac) = tac {
                request["locInf"]["trackingAreaId"] = format!("001-{mnc}-{tac}").into();
            }
            if let Some(cell) = cell {
                request["locInf"]["cellId"] = format!("001-{mnc}-{cell}").into();
            }
            if let Some(scenarios) = scenarios {
                request["eecSvcContinuity"] = scenarios.into();
            }
            if let Some(dnai) = dnai {
                request["easTDnai"] = dnai.into();
            }
            let owner = Principal::from_names(["urn:edgeapp:eas:eas.chess%231"], [])
                .unwrap()
                .owner()
                .clone();
            Selection {
                strict_area,
                except: except.then_some(owner),
                ..super::request(request)
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_index_finds_what_brute_force_finds(
        changes in prop::collection::vec((0..24u8, prop::option::weighted(0.8, any_profile()), 0..4u8), 1..60),
        selections in prop::collection::vec(any_selection(), 1..6),
        batch in 1..9usize,
    ) {
        let (index, whole) = (EasIndex::new(None), EasIndex::new(None));
        let mut state = std::collections::BTreeMap::new();
        let changes: Vec<Change> = changes.into_iter().map(|(id, profile, lease)| {
            let expires_at = match lease {
                0 => Some(now()),
                1 => Some("2026-01-05T12:00:01Z".parse().unwrap()),
                _ => None,
            };
            match profile {
                Some(profile) => {
                    let entry = put(id, profile, expires_at);
                    state.insert(id, entry.clone());
                    Change::Put(entry)
                }
                None => {
                    state.remove(&id);
                    Change::Deleted(Key::from(format!("eas/{id}")), Revision(1))
                }
            }
        }).collect();
        for changes in changes.chunks(batch) {
            index.apply(changes.to_vec());
        }
        whole.reset(state.into_values().collect());
        let (incremental, rebuilt) = (index.snapshot(), whole.snapshot());
        for wanted in &selections {
            let found = keys(&select(wanted, &incremental, now()));
            prop_assert_eq!(&found, &brute_force(wanted, &incremental, now()));
            if !wanted.one_per_application {
                let sorted = |mut keys: Vec<Key>| { keys.sort(); keys };
                prop_assert_eq!(sorted(found), sorted(keys(&select(wanted, &rebuilt, now()))));
            }
        }
    }
}

#[test]
fn an_answer_is_the_json_of_a_response() {
    let index = EasIndex::new(serde_json::from_value(json!({"uri": "https://ees-a.example"})).unwrap());
    index.apply(vec![
        Change::Put(put(1, profile(json!({})), None)),
        Change::Put(put(2, profile(json!({"status": "up"})), None)),
    ]);
    let known = index.snapshot();
    let found = select(&Selection::of_application("eas.chess".parse().unwrap()), &known, now());
    let answer: edgeapp_openapi::eas_discovery::EasDiscoveryResp = serde_json::from_slice(&answer(&found)).unwrap();
    let expected: Vec<_> = found.iter().map(|entry| (*entry.discovered).clone()).collect();
    assert_eq!((answer.discovered_eas.len(), &answer.discovered_eas), (2, &expected));
    assert!(answer.discovered_eas[0].ees_end_pt.is_some());
    assert_eq!(crate::selection::answer(&[]), r#"{"discoveredEas":[]}"#);
}

#[test]
fn a_long_answer_is_given_again_until_something_changes() {
    let index = EasIndex::new(None);
    let long = "x".repeat(20_000);
    let expires = Some("2026-01-05T13:00:00Z".parse().unwrap());
    index.apply(vec![Change::Put(put(1, profile(json!({"easFeats": [long]})), expires))]);
    let (given, wanted) = (
        Given::default(),
        Selection::of_application("eas.chess".parse().unwrap()),
    );
    let known = index.snapshot();
    let at = |time: &str| time.parse().unwrap();
    let found = select(&wanted, &known, at("2026-01-05T12:00:00Z"));
    assert_eq!(found.len(), 1);
    let json = answer(&found);
    assert_eq!(given.find(&wanted, &known, at("2026-01-05T12:00:00Z")), None);
    given.keep(&wanted, &known, &found, &json);
    assert_eq!(given.find(&wanted, &known, at("2026-01-05T12:59:59Z")), Some(json));
    // Not when an EAS in it has expired, to no other question, of no other registrations.
    assert_eq!(given.find(&wanted, &known, at("2026-01-05T13:00:00Z")), None);
    let other = Selection {
        strict_area: true,
        ..wanted.clone()
    };
    assert_eq!(given.find(&other, &known, at("2026-01-05T12:30:00Z")), None);
    index.apply(vec![Change::Put(put(2, profile(json!({})), None))]);
    assert_eq!(given.find(&wanted, &index.snapshot(), at("2026-01-05T12:30:00Z")), None);
}

#[test]
fn an_entry_that_cannot_be_read_is_not_there() {
    let index = EasIndex::new(None);
    index.apply(vec![Change::Put(put(1, profile(json!({})), None))]);
    let broken = store::Entry {
        value: "{}".into(),
        ..put(1, profile(json!({})), None)
    };
    index.apply(vec![Change::Put(broken)]);
    assert_eq!(index.snapshot().all().count(), 0);
}
