//! State that nobody reads who only has the file.

use bytes::Bytes;
use edgeapp_core::store::{Change, Commit, Entry, Expect, Key, Revision, Span, Store, StoreError};
use edgeapp_store::{
    MemoryStore, RedbStore, StoreSettings,
    sealed::{KeyFiles, SealedError, SealedStore},
};
use edgeapp_testkit::store::keeps_the_contract_in_its_own_order;
use proptest::prelude::*;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

const GPSI: &str = "msisdn-491700000001";
const EEC: &str = "alice-s-phone";

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn key_file(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    if !path.exists() {
        KeyFiles::make(&path).expect("a key is made");
    }
    path
}

fn keys(folder: &Path, newest: &str, old: &[&str]) -> Arc<KeyFiles> {
    let old: Vec<_> = old.iter().map(|name| key_file(folder, name)).collect();
    Arc::new(KeyFiles::read(&key_file(folder, newest), &old).expect("keys"))
}

async fn sealed(store: Arc<dyn Store>, keys: Arc<KeyFiles>) -> SealedStore {
    SealedStore::open(store, keys).await.expect("opened")
}

async fn all(store: &dyn Store) -> Vec<Entry> {
    store.range(Span::prefix("")).await.expect("read").entries
}

fn personal() -> Commit {
    Commit::new()
        .put(format!("ue-location/{GPSI}"), "at home")
        .put(format!("eec/{EEC}/r1"), format!("{{\"ueId\":\"{GPSI}\"}}"))
        .put(format!("expiry/00000000000000000007/eec/{EEC}/r1"), "")
        .put("counter", "7")
}

/// Proves: WP-46
#[tokio::test]
async fn sealed_memory_keeps_the_contract() {
    let folder = folder();
    let keys = keys(folder.path(), "a", &[]);
    keeps_the_contract_in_its_own_order(async || sealed(Arc::new(MemoryStore::new()), keys.clone()).await).await;
}

/// Proves: WP-46
#[tokio::test]
async fn sealed_redb_keeps_the_contract() {
    let (folder, made) = (folder(), AtomicUsize::new(0));
    let keys = keys(folder.path(), "a", &[]);
    keeps_the_contract_in_its_own_order(async || {
        let name = format!("{}.redb", made.fetch_add(1, Ordering::Relaxed));
        let store = RedbStore::open(folder.path().join(name)).expect("a new store");
        sealed(Arc::new(store), keys.clone()).await
    })
    .await;
}

/// The file of a store, as whoever copies the disk sees it.
///
/// Proves: WP-46, T-31
#[tokio::test]
async fn no_name_stands_in_the_file() {
    let folder = folder();
    let settings = |key: Option<&Path>| {
        serde_json::from_value::<StoreSettings>(serde_json::json!({
            "kind": "redb", "path": folder.path().join("ees.redb"), "encryption_key_file": key,
        }))
        .expect("settings")
    };
    let key = key_file(folder.path(), "state.key");
    let store = settings(Some(&key)).open().await.expect("opened");
    store.commit(personal()).await.expect("stored");
    store
        .commit(Commit::new().delete(format!("ue-location/{GPSI}")))
        .await
        .expect("stored");
    drop(store);
    let file = std::fs::read(folder.path().join("ees.redb")).expect("the file");
    let secret = std::fs::read_to_string(&key).expect("the key");
    for name in [GPSI, EEC, "at home", secret.trim()] {
        assert!(
            !file.windows(name.len()).any(|bytes| bytes == name.as_bytes()),
            "{name}"
        );
    }

    let refused = settings(None).open().await.err().expect("there is no key").to_string();
    assert!(refused.contains("encryption_key_file"), "{refused}");
    let other = key_file(folder.path(), "other.key");
    let refused = settings(Some(&other)).open().await.err().expect("another key");
    assert!(refused.to_string().contains("old_encryption_key_files"), "{refused}");
    let store = settings(Some(&key)).open().await.expect("the right key");
    assert_eq!(all(store.as_ref()).await.len(), 3);
}

/// A byte that changes anywhere below is found when it is read, and nothing is taken for what it is not.
///
/// Proves: WP-46
#[tokio::test]
async fn whatever_changed_below_is_damage() {
    let folder = folder();
    let below = Arc::new(MemoryStore::new());
    let keys = keys(folder.path(), "a", &[]);
    let store = sealed(below.clone(), keys.clone()).await;
    store.commit(personal()).await.expect("stored");
    let entries: Vec<_> = all(below.as_ref()).await;
    let of = |key: &str| {
        entries
            .iter()
            .find(|entry| entry.key.as_str().starts_with(key))
            .expect("an entry")
    };
    let (location, eec) = (of("ue-location/"), of("eec/"));
    for at in 0..location.value.len() {
        let mut value = location.value.to_vec();
        value[at] ^= 0x40;
        below
            .commit(Commit::new().put(location.key.clone(), value))
            .await
            .expect("changed");
        let read = store.get(&Key::from(format!("ue-location/{GPSI}"))).await;
        assert!(matches!(read, Err(StoreError::Damaged(_))), "byte {at}: {read:?}");
        let read = store.range(Span::prefix("ue-location/")).await;
        assert!(matches!(read, Err(StoreError::Damaged(_))), "byte {at}: {read:?}");
    }
    // The value of another entry, and the name of another folder.
    let swapped = Commit::new().put(location.key.clone(), eec.value.clone());
    below.commit(swapped).await.expect("changed");
    let read = store.get(&Key::from(format!("ue-location/{GPSI}"))).await;
    assert!(matches!(read, Err(StoreError::Damaged(_))), "{read:?}");
    let moved = location.key.as_str().replace("ue-location/", "eec-by-ue/");
    below
        .commit(Commit::new().put(moved, location.value.clone()))
        .await
        .expect("changed");
    assert!(matches!(
        store.range(Span::prefix("eec-by-ue/")).await,
        Err(StoreError::Damaged(_))
    ));
    // The keys themselves.
    let ring = below.get(&"sealed/keys".into()).await.expect("read").expect("keys");
    let mut value: serde_json::Value = serde_json::from_slice(&ring.value).expect("JSON");
    let text = value["keys"].as_str().expect("text");
    let first = if text.starts_with('A') { "B" } else { "A" };
    value["keys"] = format!("{first}{}", &text[1..]).into();
    below
        .commit(Commit::new().put("sealed/keys", value.to_string()))
        .await
        .expect("changed");
    let refused = SealedStore::open(below, keys).await.err().expect("refused");
    assert!(refused.is_damage(), "{refused}");
}

/// Proves: WP-46
#[tokio::test]
async fn another_key_of_keys_takes_one_start_and_old_entries_are_still_read() {
    let folder = folder();
    let below = Arc::new(MemoryStore::new());
    let first = sealed(below.clone(), keys(folder.path(), "a", &["b"])).await;
    first.commit(personal()).await.expect("stored");
    let before = all(&first).await;

    let second = sealed(below.clone(), keys(folder.path(), "b", &["a"])).await;
    assert_eq!(all(&second).await, before);
    second.commit(Commit::new().put("counter", "8")).await.expect("stored");
    // A replica that still runs learns the newer key when it meets it, because it knows both keys of keys.
    let counter = first.get(&"counter".into()).await.expect("read").expect("an entry");
    assert_eq!(counter.value, "8");
    let mut watch = first.watch("", counter.revision).await.expect("a watch");
    let revision = second.commit(Commit::new().put("eas/1", "x")).await.expect("stored");
    assert_eq!(watch.recv().await.expect("a change").revision, revision);

    let third = sealed(below.clone(), keys(folder.path(), "b", &[])).await;
    assert_eq!(all(&third).await.len(), before.len() + 1);
    let old = SealedStore::open(below, keys(folder.path(), "a", &[])).await;
    assert!(matches!(old.err(), Some(SealedError::Provider(_))));
}

/// State from before there was a key, also when a crash came between.
///
/// Proves: WP-46
#[tokio::test]
async fn plain_state_is_sealed_when_it_is_opened_with_a_key() {
    let folder = folder();
    let below = Arc::new(MemoryStore::new());
    below.commit(personal()).await.expect("stored");
    let many = (0..700).fold(Commit::new(), |commit, n| {
        commit.put(format!("eas/{n:03}"), format!("profile {n}"))
    });
    below.commit(many).await.expect("stored");
    let before: Vec<_> = all(below.as_ref())
        .await
        .into_iter()
        .map(|entry| (entry.key, entry.value))
        .collect();
    let keys = keys(folder.path(), "a", &[]);
    let store = sealed(below.clone(), keys.clone()).await;
    let after: Vec<_> = all(&store)
        .await
        .into_iter()
        .map(|entry| (entry.key, entry.value))
        .collect();
    assert_eq!(after, before);
    for entry in all(below.as_ref()).await {
        let key = entry.key.as_str();
        assert!(!key.contains(GPSI) && !key.contains(EEC), "{key}");
        assert!(!entry.value.windows(7).any(|bytes| bytes == b"profile"), "{key}");
    }
    // What is plain now was put there by somebody else.
    below
        .commit(Commit::new().put("eas/forged", "profile"))
        .await
        .expect("stored");
    drop(store);
    let store = sealed(below, keys).await;
    assert!(matches!(
        store.range(Span::prefix("eas/")).await,
        Err(StoreError::Damaged(_))
    ));
}

#[tokio::test]
async fn the_entry_of_health_is_not_shown() {
    let folder = folder();
    let below = Arc::new(MemoryStore::new());
    let store = sealed(below.clone(), keys(folder.path(), "a", &[])).await;
    let mut watch = store.watch("", Revision(0)).await.expect("a watch");
    below.commit(Commit::new().put("health", "")).await.expect("stored");
    let revision = store.commit(Commit::new().put("zone", "1")).await.expect("stored");
    let page = store.range(Span::prefix("").limit(1)).await.expect("read");
    assert_eq!(page.entries.len(), 1, "a page is not empty while there is more");
    assert_eq!(all(&store).await.len(), 1);
    let change = loop {
        let batch = watch.recv().await.expect("a change");
        if batch.revision == revision {
            break batch.changes;
        }
        assert_eq!(batch.changes, []);
    };
    assert!(matches!(&change[..], [Change::Put(entry)] if entry.key.as_str() == "zone"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What lies under a prefix is what would lie there in plain, wherever the prefix ends.
    #[test]
    fn a_prefix_finds_the_same(
        names in prop::collection::btree_set("(eas|eec|expiry)(/[ab]{0,2}){0,3}", 1..20),
        prefix in "(e|eas|eec/|expiry)(/[ab]{0,2}){0,2}",
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let folder = folder();
            let plain = MemoryStore::new();
            let store = sealed(Arc::new(MemoryStore::new()), keys(folder.path(), "a", &[])).await;
            for name in &names {
                let commit = || Commit::new().expect(Expect::Absent(name.as_str().into())).put(name.as_str(), Bytes::from(name.clone()));
                plain.commit(commit()).await.expect("stored");
                store.commit(commit()).await.expect("stored");
            }
            let found = async |store: &dyn Store| {
                let range = store.range(Span::prefix(prefix.as_str())).await.expect("read");
                range.entries.into_iter().map(|entry| (entry.key, entry.value)).collect::<Vec<_>>()
            };
            prop_assert_eq!(found(&store).await, found(&plain).await);
            Ok(())
        })?;
    }
}
