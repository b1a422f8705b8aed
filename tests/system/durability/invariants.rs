//! What is true of the state on disk after every crash.

use edgeapp_core::{
    room::{EVENT, EXPIRY, expiry_key},
    store::{Key, Span, Store},
};
use edgeapp_openapi::common::DateTime;
use edgeapp_store::RedbStore;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Checks a copy of the file, which the next start of the server has to recover by itself.
pub(super) async fn hold_in_a_copy(file: &Path) {
    let copy = file.with_extension("copy");
    fs::copy(file, &copy).unwrap();
    check(&copy).await;
    fs::remove_file(&copy).unwrap();
}

/// Asserts what is always true. Answers with the keys of what is still to be done: events, tasks, relocations.
pub(super) async fn check(file: &Path) -> Vec<String> {
    let store = RedbStore::open(file).unwrap();
    let entries: BTreeMap<String, Value> = store
        .range(Span::prefix(""))
        .await
        .unwrap()
        .entries
        .into_iter()
        .map(|entry| {
            (
                entry.key.as_str().to_owned(),
                serde_json::from_slice(&entry.value).unwrap_or_default(),
            )
        })
        .collect();
    endpoints_agree(&entries);
    expiries_agree(&entries);
    counts_agree(&entries);
    let strange: Vec<_> = under(&entries, "dead/").collect();
    assert!(strange.is_empty(), "events that nobody understands: {strange:?}");
    let waiting = |key: &&String| [EVENT, "lane/", "acr/"].iter().any(|prefix| key.starts_with(prefix));
    entries.keys().filter(waiting).cloned().collect()
}

fn under<'a>(entries: &'a BTreeMap<String, Value>, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    entries
        .iter()
        .filter_map(move |(key, value)| Some((key.strip_prefix(prefix)?, value)))
}

/// Each registration of an EAS holds its endpoint, and nothing else holds one.
fn endpoints_agree(entries: &BTreeMap<String, Value>) {
    let held: Vec<_> = under(entries, "eas-endpoint/")
        .map(|(_, kept)| kept["value"].as_str().unwrap().to_owned())
        .collect();
    let holders: BTreeSet<_> = held.iter().cloned().collect();
    assert_eq!(held.len(), holders.len(), "a registration holds two endpoints");
    let registrations: BTreeSet<_> = under(entries, "eas/").map(|(id, _)| format!("eas/{id}")).collect();
    assert_eq!(holders, registrations, "endpoints and registrations differ");
}

/// What callers have of each kind is counted.
fn counts_agree(entries: &BTreeMap<String, Value>) {
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for (kind, _) in under(entries, "quota-counted/") {
        for (_, kept) in under(entries, &format!("{kind}/")) {
            let owner = Key::part(kept["owner"].as_str().unwrap());
            *expected.entry(format!("{kind}/{owner}")).or_default() += 1;
        }
    }
    let counted: BTreeMap<String, u64> = under(entries, "quota/")
        .map(|(key, count)| (key.to_owned(), count.as_u64().unwrap()))
        .collect();
    assert_eq!(counted, expected, "counts differ from what is there");
}

/// What expires is in the index of expiries, and nothing else is.
fn expiries_agree(entries: &BTreeMap<String, Value>) {
    let expires = |kept: &Value| kept["expires_at"].as_str().map(|at| at.parse::<DateTime>().unwrap());
    let stored = entries
        .iter()
        .filter(|(key, kept)| !key.starts_with(EXPIRY) && kept["owner"].is_string());
    let expected: BTreeSet<_> = stored
        .filter_map(|(key, kept)| Some(expiry_key(expires(kept)?, &Key::new(key.as_str())).as_str().to_owned()))
        .collect();
    let indexed: BTreeSet<_> = entries.keys().filter(|key| key.starts_with(EXPIRY)).cloned().collect();
    assert_eq!(indexed, expected, "the index of expiries differs from what expires");
}
