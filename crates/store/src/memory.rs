//! A map in memory.

use crate::feed::Feed;
use async_trait::async_trait;
use bytes::Bytes;
use edgeapp_core::store::{Batch, Change, Commit, Entry, Expect, Key, Range, Revision, Span, Store, StoreError, Watch};
use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// A store that is gone with the process: for tests and demonstrations.
pub struct MemoryStore {
    state: Mutex<State>,
}

struct State {
    entries: BTreeMap<Key, (Revision, Bytes)>,
    revision: Revision,
    feed: Feed,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        let revision = Revision(0);
        let state = State {
            entries: BTreeMap::new(),
            revision,
            feed: Feed::starting_at(revision),
        };
        Self {
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing below leaves the state half changed, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    fn holds(&self, expect: &Expect) -> bool {
        match expect {
            Expect::Absent(key) => !self.entries.contains_key(key),
            Expect::At(key, wanted) => self.entries.get(key).is_some_and(|(revision, _)| revision == wanted),
        }
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        let entry = |(revision, value): &(Revision, Bytes)| entry(key, *revision, value);
        Ok(self.state().entries.get(key).map(entry))
    }

    async fn range(&self, span: Span) -> Result<Range, StoreError> {
        let state = self.state();
        let lower = match span.after {
            Some(after) if after.as_str() >= span.prefix.as_str() => Bound::Excluded(after),
            _ => Bound::Included(Key::new(span.prefix.as_str())),
        };
        let mut found = state
            .entries
            .range((lower, Bound::Unbounded))
            .take_while(|(key, _)| key.as_str().starts_with(&span.prefix))
            .take_while(|(key, _)| span.before.as_ref().is_none_or(|before| *key < before))
            .map(|(key, (revision, value))| entry(key, *revision, value));
        let entries = found.by_ref().take(span.limit.unwrap_or(usize::MAX)).collect();
        Ok(Range {
            entries,
            more: found.next().is_some(),
            revision: state.revision,
        })
    }

    async fn commit(&self, mut commit: Commit) -> Result<Revision, StoreError> {
        let mut state = self.state();
        if !commit.expect.iter().all(|expect| state.holds(expect)) {
            return Err(StoreError::Conflict);
        }
        commit.settle();
        let revision = Revision(state.revision.0 + 1);
        let mut changes = Vec::with_capacity(commit.puts.len() + commit.deletes.len());
        for (key, value) in commit.puts {
            state.entries.insert(key.clone(), (revision, value.clone()));
            changes.push(Change::Put(Entry { key, value, revision }));
        }
        for key in commit.deletes {
            if state.entries.remove(&key).is_some() {
                changes.push(Change::Deleted(key, revision));
            }
        }
        if !changes.is_empty() {
            state.revision = revision;
            state.feed.publish([Batch { revision, changes }]);
        }
        Ok(state.revision)
    }

    async fn watch(&self, prefix: &str, from: Revision) -> Result<Watch, StoreError> {
        self.state().feed.watch(prefix, from)
    }

    fn is_shared(&self) -> bool {
        false
    }
}

fn entry(key: &Key, revision: Revision, value: &Bytes) -> Entry {
    Entry {
        key: key.clone(),
        value: value.clone(),
        revision,
    }
}
