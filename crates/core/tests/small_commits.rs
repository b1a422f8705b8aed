//! A store whose commits hold little must not stop the outbox, however many tasks one event leads to.

use async_trait::async_trait;
use edgeapp_core::{
    clock::ManualClock,
    error::Error,
    outbox::{Outbox, OutboxSettings, Outcome, Reactions, Task, Todo},
    room::{EVENT, Room},
    store::{Commit, Entry, Key, Range, Revision, Span, Store, StoreError, Watch},
};
use edgeapp_store::MemoryStore;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

/// Takes as many operations in one commit as etcd does by default.
struct Small(MemoryStore);

#[async_trait]
impl Store for Small {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        self.0.get(key).await
    }

    async fn range(&self, span: Span) -> Result<Range, StoreError> {
        self.0.range(span).await
    }

    async fn commit(&self, commit: Commit) -> Result<Revision, StoreError> {
        if commit.puts.len() + commit.deletes.len() > 128 {
            return Err(StoreError::Full("a commit of more than 128 operations".to_owned()));
        }
        self.0.commit(commit).await
    }

    async fn watch(&self, prefix: &str, from: Revision) -> Result<Watch, StoreError> {
        self.0.watch(prefix, from).await
    }

    fn is_shared(&self) -> bool {
        false
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.0.check().await
    }
}

/// Leads from a number to as many tasks, each in a lane of its own.
#[derive(Default)]
struct Many(Mutex<BTreeSet<String>>);

#[async_trait]
impl Reactions for Many {
    type Event = u32;
    type Work = String;

    async fn react(&self, event: u32) -> Result<Vec<Todo<String>>, Error> {
        let todo = |n| Todo {
            lane: format!("{event}/{n}"),
            task: Task {
                work: format!("{event}/{n}"),
                guard: None,
                until: None,
            },
        };
        Ok((0..event).map(todo).collect())
    }

    async fn perform(&self, work: &String, _: u32) -> Outcome {
        self.0.lock().unwrap().insert(work.clone());
        Outcome::Done
    }
}

#[tokio::test]
async fn many_tasks_of_one_event_are_kept_in_parts() {
    let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
    let room = Room::new(Arc::new(Small(MemoryStore::new())), clock);
    for (n, event) in [3_u32, 500, 2].into_iter().enumerate() {
        let event = serde_json::to_vec(&event).unwrap();
        let commit = Commit::new().put(format!("{EVENT}{n}-0000"), event);
        room.store().commit(commit).await.unwrap();
    }
    let many = Arc::new(Many::default());
    let outbox = Outbox::new(room.clone(), many.clone(), OutboxSettings::default());
    let running = tokio::spawn(outbox.run());
    let all = async {
        let waits = async || !room.store().range(Span::prefix("")).await.unwrap().entries.is_empty();
        while waits().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), all).await.unwrap();
    assert_eq!(many.0.lock().unwrap().len(), 505);
    running.abort();
}
