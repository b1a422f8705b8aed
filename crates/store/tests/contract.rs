//! The battery, run by both stores of this crate.

use edgeapp_store::{MemoryStore, RedbStore};
use edgeapp_testkit::store::keeps_the_contract;
use std::sync::atomic::{AtomicUsize, Ordering};

#[tokio::test]
async fn memory_keeps_the_contract() {
    keeps_the_contract(async || MemoryStore::new()).await;
}

/// Proves: WP-47
#[tokio::test]
async fn redb_keeps_the_contract() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let made = AtomicUsize::new(0);
    keeps_the_contract(async || {
        let name = format!("{}.redb", made.fetch_add(1, Ordering::Relaxed));
        RedbStore::open(folder.path().join(name)).expect("a new store")
    })
    .await;
}
