//! What one replica of several knows of what another has written.

use async_trait::async_trait;
use bytes::Bytes;
use edgeapp_core::{
    follow::{Follower, View},
    store::{Change, Commit, Entry, Key, Range, Revision, Span, Store, StoreError, Watch},
};
use edgeapp_store::MemoryStore;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// A store that says that others use it too.
struct Shared(MemoryStore);

#[async_trait]
impl Store for Shared {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        self.0.get(key).await
    }

    async fn range(&self, span: Span) -> Result<Range, StoreError> {
        self.0.range(span).await
    }

    async fn commit(&self, commit: Commit) -> Result<Revision, StoreError> {
        self.0.commit(commit).await
    }

    async fn watch(&self, prefix: &str, from: Revision) -> Result<Watch, StoreError> {
        self.0.watch(prefix, from).await
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.0.check().await
    }
}

/// All keys that it was ever shown.
#[derive(Default)]
struct Keys(Mutex<Vec<String>>);

impl View for Keys {
    fn reset(&self, entries: Vec<Entry>) {
        *self.0.lock().unwrap() = entries.into_iter().map(|entry| entry.key.to_string()).collect();
    }

    fn apply(&self, changes: Vec<Change>) {
        let keys = changes.into_iter().map(|change| match change {
            Change::Put(entry) => entry.key.to_string(),
            Change::Deleted(key, _) => format!("-{key}"),
        });
        self.0.lock().unwrap().extend(keys);
    }
}

/// The event says nothing under the prefix: its revision never arrives there, and the view has to show what came before it.
#[tokio::test]
async fn a_view_shows_what_was_written_before_an_event() {
    let store: Arc<dyn Store> = Arc::new(Shared(MemoryStore::new()));
    let keys = Arc::new(Keys::default());
    let follower = Follower::start(store.clone(), "thing/", keys.clone()).await.unwrap();
    let put = |key: &str| Commit::new().put(key.to_owned(), Bytes::new());
    for round in 0..3 {
        store.commit(put(&format!("thing/{round}"))).await.unwrap();
        let event = store.commit(put(&format!("event/{round}"))).await.unwrap();
        let shown = follower.shows_all_until(event);
        tokio::time::timeout(Duration::from_secs(4), shown)
            .await
            .expect("sooner than it gives up")
            .unwrap();
        assert_eq!(keys.0.lock().unwrap().len(), round + 1, "{keys:?}", keys = keys.0);
    }
    // One that starts now is not shown the mark either.
    let fresh = Arc::new(Keys::default());
    Follower::start(store, "thing/", fresh.clone()).await.unwrap();
    assert_eq!(*fresh.0.lock().unwrap(), ["thing/0", "thing/1", "thing/2"]);
}
