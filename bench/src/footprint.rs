//! What one registration of an EEC changes in the store: learned from the room itself, so that the reference commits the same keys and
//! bytes.

use crate::{Failure, bodies};
use async_trait::async_trait;
use bytes::Bytes;
use edgeapp_core::{
    clock::{Lifetimes, SystemClock},
    parse,
    principal::Principal,
    room::{Room, fresh_id},
    store::{Commit, Entry, Key, Range, Revision, Span, Store, StoreError, Watch},
};
use edgeapp_ees_domain::{
    context::ContextPolicy,
    eec::{AcProfileService, EecRegistrations, EecService, Service},
    peers::NoPeers,
};
use edgeapp_openapi::eec_registration::{AcProfile, EecRegistration};
use edgeapp_store::MemoryStore;
use std::sync::{Arc, Mutex, PoisonError};

/// What every further registration of one EEC changes: its index and context in place, the registration and its expiry under new keys.
pub(crate) struct Footprint {
    in_place: Vec<(Key, Bytes)>,
    /// Text before and after the id of the registration.
    fresh: Vec<(String, String, Bytes)>,
    older: Vec<Key>,
}

impl Footprint {
    /// Registers this EEC twice in a store in memory, and keeps what the second time changed.
    pub(crate) async fn of_registration(eec: &str) -> Result<Self, Failure> {
        let store = Arc::new(Recorder::default());
        let room = Room::new(store.clone(), Arc::new(SystemClock::default()));
        let day = Lifetimes {
            max: Some(86_400),
            default: Some(3600),
            spread_percent: 0,
        };
        let contexts = ContextPolicy {
            register_implicitly: true,
            stale_seconds: 600,
        };
        let eecs = EecService::new(
            room,
            day,
            "ees-a.example".parse()?,
            contexts,
            Arc::new(Willing),
            Arc::new(NoPeers),
        );
        let principal = Principal::from_names([format!("urn:edgeapp:eec:{eec}").as_str()], [])?;
        let mut id = String::new();
        for _ in 0..2 {
            let request: EecRegistration = parse::from_slice(&bodies::eec_registration(eec))?;
            id = eecs.register(&principal, request).await?.id;
        }
        let commit = store.last().ok_or("the room committed nothing")?;
        let mut footprint = Self {
            in_place: Vec::new(),
            fresh: Vec::new(),
            older: Vec::new(),
        };
        for (key, value) in commit.puts {
            match key.as_str().split_once(&id) {
                Some((before, after)) => footprint.fresh.push((before.to_owned(), after.to_owned(), value)),
                None => footprint.in_place.push((key, value)),
            }
        }
        // The reference's own store has not seen the registration that this commit removed.
        if commit.deletes.len() != footprint.fresh.len() {
            return Err("a registration removes other keys than it adds; the reference has to follow".into());
        }
        Ok(footprint)
    }

    /// The next registration of this EEC: it removes what the one before had put.
    pub(crate) fn next(&mut self) -> Commit {
        let id = fresh_id();
        let mut commit = Commit::new();
        commit.puts.clone_from(&self.in_place);
        let mut added = Vec::with_capacity(self.fresh.len());
        for (before, after, value) in &self.fresh {
            let key = Key::from(format!("{before}{id}{after}"));
            commit.puts.push((key.clone(), value.clone()));
            added.push(key);
        }
        commit.deletes = std::mem::replace(&mut self.older, added);
        commit
    }

    /// Bytes of keys and values that a registration puts.
    pub(crate) fn bytes(&self) -> usize {
        let in_place = self
            .in_place
            .iter()
            .map(|(key, value)| key.as_str().len() + value.len());
        let fresh = self
            .fresh
            .iter()
            .map(|(before, after, value)| before.len() + fresh_id().len() + after.len() + value.len());
        in_place.chain(fresh).sum()
    }
}

/// Serves every application client.
struct Willing;

impl AcProfileService for Willing {
    fn service(&self, _: &AcProfile) -> Service {
        Service::NothingAsked
    }
}

/// A store in memory that remembers the last commit.
#[derive(Default)]
struct Recorder {
    store: MemoryStore,
    last: Mutex<Option<Commit>>,
}

impl Recorder {
    fn last(&self) -> Option<Commit> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Store for Recorder {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        self.store.get(key).await
    }

    async fn range(&self, span: Span) -> Result<Range, StoreError> {
        self.store.range(span).await
    }

    async fn commit(&self, commit: Commit) -> Result<Revision, StoreError> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(commit.clone());
        self.store.commit(commit).await
    }

    async fn watch(&self, prefix: &str, from: Revision) -> Result<Watch, StoreError> {
        self.store.watch(prefix, from).await
    }

    fn is_shared(&self) -> bool {
        self.store.is_shared()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn however_often_an_eec_registers_the_store_holds_it_once() {
        let mut footprint = Footprint::of_registration("eec-1.example").await.unwrap();
        assert!(footprint.bytes() > 1400, "{}", footprint.bytes());
        let store = MemoryStore::new();
        store.commit(footprint.next()).await.unwrap();
        let once = store.range(Span::prefix("")).await.unwrap().entries;
        for _ in 0..20 {
            store.commit(footprint.next()).await.unwrap();
        }
        let often = store.range(Span::prefix("")).await.unwrap().entries;
        let bytes = |entries: &[Entry]| entries.iter().map(|entry| entry.value.len()).sum::<usize>();
        assert_eq!((often.len(), bytes(&often)), (once.len(), bytes(&once)));
    }
}
