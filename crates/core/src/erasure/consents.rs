//! Consents of those who were forgotten: they have ended, whatever the provider still says.
//!
//! What users agreed to is kept by somebody else, in the operator's file for one. So that whoever was erased is not known as somebody who
//! agreed, a mark in the store says so, over restarts and for all replicas. It holds no name: only a keyed hash of it, by a key that lies in
//! the store as well. When the user agrees anew, an operator takes the mark away.

use crate::{
    consent::{Consent, Purpose, Withdrawal},
    error::Error,
    follow::{Follower, View},
    store::{Change, Commit, Entry, Expect, Key, Store, StoreError},
};
use async_trait::async_trait;
use aws_lc_rs::hmac;
use edgeapp_openapi::ids::Gpsi;
use std::{
    collections::HashSet,
    fmt::Write,
    sync::{Arc, PoisonError, RwLock},
};
use tokio::sync::broadcast;

/// Where the marks lie.
const MARKS: &str = "erased/";
/// Where the key of their hashes lies.
const KEY: &str = "privacy/erased-key";
/// Withdrawals that a slow listener may be behind by.
const BACKLOG: usize = 1024;

/// The marks as they lie in the store.
#[derive(Default)]
struct Marks(RwLock<HashSet<Key>>);

impl Marks {
    fn has(&self, mark: &Key) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(mark)
    }

    fn is_empty(&self) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

impl View for Marks {
    fn reset(&self, entries: Vec<Entry>) {
        let marks = entries.into_iter().map(|entry| entry.key).collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = marks;
    }

    fn apply(&self, changes: Vec<Change>) {
        let mut marks = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            match change {
                Change::Put(entry) => marks.insert(entry.key),
                Change::Deleted(key, _) => marks.remove(&key),
            };
        }
    }
}

/// A provider of consents without those of who was forgotten.
pub struct ConsentsOfTheRemembered {
    provider: Arc<dyn Consent>,
    store: Arc<dyn Store>,
    key: hmac::Key,
    marks: Arc<Marks>,
    follower: Follower,
    withdrawn: broadcast::Sender<Withdrawal>,
}

impl ConsentsOfTheRemembered {
    /// Over this provider; who was forgotten stands in this store.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn over(provider: Arc<dyn Consent>, store: Arc<dyn Store>) -> Result<Arc<Self>, Error> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key(store.as_ref()).await?);
        let marks = Arc::new(Marks::default());
        let follower = Follower::start(store.clone(), MARKS, marks.clone()).await?;
        let withdrawn = broadcast::Sender::new(BACKLOG);
        tokio::spawn(pass_on(provider.withdrawals(), withdrawn.downgrade()));
        Ok(Arc::new(Self {
            provider,
            store,
            key,
            marks,
            follower,
            withdrawn,
        }))
    }

    /// Ends all consents of this UE.
    ///
    /// # Errors
    /// When that cannot be written down; then nothing has ended.
    pub async fn end(&self, ue: &Gpsi) -> Result<(), Error> {
        let revision = self.store.commit(Commit::new().put(self.mark(ue), "")).await?;
        self.follower.caught_up(revision).await;
        let ended = Withdrawal {
            ue: Some(ue.clone()),
            purpose: None,
        };
        // Nobody listens: nothing runs that could be ended.
        let _ = self.withdrawn.send(ended);
        Ok(())
    }

    /// What the provider says of this UE counts again: its user has agreed anew. Says whether it did not count before.
    ///
    /// # Errors
    /// When that cannot be written down.
    pub async fn begin_anew(&self, ue: &Gpsi) -> Result<bool, Error> {
        let mark = self.mark(ue);
        if !self.marks.has(&mark) {
            return Ok(false);
        }
        let revision = self.store.commit(Commit::new().delete(mark)).await?;
        self.follower.caught_up(revision).await;
        Ok(true)
    }

    fn mark(&self, ue: &Gpsi) -> Key {
        let mut text = MARKS.to_owned();
        for byte in hmac::sign(&self.key, ue.as_str().as_bytes()).as_ref() {
            // Writing to a text does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        Key::from(text)
    }
}

#[async_trait]
impl Consent for ConsentsOfTheRemembered {
    async fn granted(&self, ue: &Gpsi, purpose: Purpose) -> bool {
        (self.marks.is_empty() || !self.marks.has(&self.mark(ue))) && self.provider.granted(ue, purpose).await
    }

    async fn everybody_granted(&self, purpose: Purpose) -> bool {
        self.marks.is_empty() && self.provider.everybody_granted(purpose).await
    }

    fn withdrawals(&self) -> broadcast::Receiver<Withdrawal> {
        self.withdrawn.subscribe()
    }
}

/// Passes on what the provider tells, for as long as somebody could listen.
async fn pass_on(mut from: broadcast::Receiver<Withdrawal>, to: broadcast::WeakSender<Withdrawal>) {
    loop {
        let withdrawal = match from.recv().await {
            Ok(withdrawal) => withdrawal,
            Err(broadcast::error::RecvError::Lagged(_)) => Withdrawal {
                ue: None,
                purpose: None,
            },
            Err(broadcast::error::RecvError::Closed) => return,
        };
        let Some(to) = to.upgrade() else { return };
        let _ = to.send(withdrawal);
    }
}

/// The key of the hashes, made when there is none.
async fn key(store: &dyn Store) -> Result<Vec<u8>, Error> {
    let at = Key::new(KEY);
    loop {
        if let Some(entry) = store.get(&at).await? {
            return Ok(entry.value.to_vec());
        }
        let made = rand::random::<[u8; 32]>().to_vec();
        let commit = Commit::new().expect(Expect::Absent(at.clone())).put(at.clone(), made);
        match store.commit(commit).await {
            Ok(_) | Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
