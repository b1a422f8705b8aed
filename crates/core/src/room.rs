//! Load, decide, commit: the three steps of every change, with the events that leave from the same transaction.
//!
//! ```
//! # use edgeapp_core::{error::Error, kept::Kept, principal::Principal, room::{Decision, Room, contended}, store::Key};
//! # async fn example(room: &Room, caller: &Principal) -> Result<u32, Error> {
//! let key = Key::new("thing/1");
//! for mut seen in room.attempts() {
//!     let kept: Option<Kept<u32>> = seen.kept(&key).await?; // load
//!     let next = kept.map_or(1, |kept| kept.value + 1); // decide
//!     let decision = Decision::of(next).put(&key, &Kept::new(caller, None, next))?;
//!     if let Some((answer, _)) = room.commit(seen, decision).await? {
//!         return Ok(answer); // committed
//!     } // somebody was faster: begin again
//! }
//! Err(contended())
//! # }
//! ```

use crate::{
    clock::Clock,
    error::Error,
    kept::Kept,
    principal::Owner,
    quota::Quotas,
    store::{Commit, Entry, Expect, Key, Revision, Store, StoreError},
};
use bytes::Bytes;
use edgeapp_openapi::common::DateTime;
use serde::{Serialize, de::DeserializeOwned};
use std::sync::Arc;

/// Where expiring keys are indexed: `expiry/<instant>/<key>`.
pub const EXPIRY: &str = "expiry/";
/// Where committed events wait: `event/<id>`.
pub const EVENT: &str = "event/";

/// How often a change is decided anew when others were faster: one of those that meet at a resource gets through each time.
const ATTEMPTS: usize = 128;

/// The store and the clock that a room works with.
#[derive(Clone)]
pub struct Room {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    quotas: Quotas,
}

/// What a decision came to: the answer, the changes, and the events to tell.
#[derive(Debug)]
pub struct Decision<R> {
    /// What the caller gets once the rest is committed.
    pub answer: R,
    puts: Vec<(Key, Bytes, Option<DateTime>)>,
    deletes: Vec<Key>,
    events: Vec<Bytes>,
}

impl<R> Decision<R> {
    /// Nothing changes; this is the answer.
    pub fn of(answer: R) -> Self {
        Self {
            answer,
            puts: Vec::new(),
            deletes: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Also keeps this resource. It expires when it says.
    ///
    /// # Errors
    /// When the resource cannot be written as JSON.
    pub fn put<T: Serialize>(mut self, key: &Key, kept: &Kept<T>) -> Result<Self, Error> {
        self.puts.push((key.clone(), kept.to_bytes()?, kept.expires_at));
        Ok(self)
    }

    /// Also keeps these bytes, which expire at this instant if there is one.
    pub fn put_bytes(mut self, key: &Key, value: Bytes, expires_at: Option<DateTime>) -> Self {
        self.puts.push((key.clone(), value, expires_at));
        self
    }

    /// Also removes this key.
    pub fn delete(mut self, key: &Key) -> Self {
        self.deletes.push(key.clone());
        self
    }

    /// Also tells this event, once the change is committed.
    ///
    /// # Errors
    /// When the event cannot be written as JSON.
    pub fn tell<E: Serialize>(mut self, event: &E) -> Result<Self, Error> {
        self.events
            .push(serde_json::to_vec(event).map(Bytes::from).map_err(Error::internal)?);
        Ok(self)
    }

    /// The changes of `other` too; its answer is dropped.
    pub fn and<S>(mut self, other: Decision<S>) -> Self {
        self.puts.extend(other.puts);
        self.deletes.extend(other.deletes);
        self.events.extend(other.events);
        self
    }

    /// The same changes with another answer.
    pub fn answer<S>(self, answer: S) -> Decision<S> {
        Decision {
            answer,
            puts: self.puts,
            deletes: self.deletes,
            events: self.events,
        }
    }

    /// Whether something is kept under this key.
    pub fn keeps(&self, key: &Key) -> bool {
        self.puts.iter().any(|(put, ..)| put == key)
    }

    /// What would be kept.
    pub(crate) fn kept(&self) -> impl Iterator<Item = (&Key, &[u8])> {
        self.puts.iter().map(|(key, value, _)| (key, &**value))
    }

    /// What would be removed.
    pub(crate) fn deleted(&self) -> impl Iterator<Item = &Key> {
        self.deletes.iter()
    }

    /// Also keeps these bytes, or removes what is there.
    pub(crate) fn note(&mut self, key: &Key, value: Option<Bytes>) {
        match value {
            Some(value) => self.puts.push((key.clone(), value, None)),
            None => self.deletes.push(key.clone()),
        }
    }

    /// Whether nothing would change.
    pub fn changes_nothing(&self) -> bool {
        self.puts.is_empty() && self.deletes.is_empty() && self.events.is_empty()
    }
}

/// What one attempt has looked at. A commit holds only if none of it changed meanwhile.
pub struct Seen {
    store: Arc<dyn Store>,
    now: DateTime,
    keys: Vec<(Key, Option<Known>)>,
}

/// What was seen of a key that exists.
struct Known {
    revision: Revision,
    expires_at: Option<DateTime>,
    owner: Option<Owner>,
}

/// Only what is around a kept resource, whatever it is.
#[derive(Default, serde::Deserialize)]
struct Around {
    #[serde(default)]
    owner: Option<Owner>,
    #[serde(default)]
    expires_at: Option<DateTime>,
}

impl Seen {
    /// The instant at which this attempt decides.
    pub fn now(&self) -> DateTime {
        self.now
    }

    /// Loads an entry as it is, expired or not.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn entry(&mut self, key: &Key) -> Result<Option<Entry>, Error> {
        let entry = self.store.get(key).await?;
        let known = entry.as_ref().map(|entry| {
            let Around { owner, expires_at } = serde_json::from_slice(&entry.value).unwrap_or_default();
            Known {
                revision: entry.revision,
                expires_at,
                owner,
            }
        });
        self.note(key, known);
        Ok(entry)
    }

    /// Loads a resource; one that expired is not there.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn kept<T: DeserializeOwned>(&mut self, key: &Key) -> Result<Option<Kept<T>>, Error> {
        let kept = self.even_expired::<T>(key).await?;
        Ok(kept.filter(|kept| kept.is_live(self.now)))
    }

    /// Loads a resource, expired or not: for its removal.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn even_expired<T: DeserializeOwned>(&mut self, key: &Key) -> Result<Option<Kept<T>>, Error> {
        let Some(entry) = self.store.get(key).await? else {
            self.note(key, None);
            return Ok(None);
        };
        let kept = Kept::<T>::from_entry(&entry)?;
        let known = Known {
            revision: entry.revision,
            expires_at: kept.expires_at,
            owner: Some(kept.owner.clone()),
        };
        self.note(key, Some(known));
        Ok(Some(kept))
    }

    /// What was seen first counts: a later look that differs makes the commit fail, as it should.
    fn note(&mut self, key: &Key, known: Option<Known>) {
        if !self.keys.iter().any(|(seen, _)| seen == key) {
            self.keys.push((key.clone(), known));
        }
    }

    /// When a resource that was loaded expires.
    pub fn expiry_of(&self, key: &Key) -> Option<DateTime> {
        self.keys
            .iter()
            .find(|(seen, _)| seen == key)
            .and_then(|(_, known)| known.as_ref()?.expires_at)
    }

    /// Whose resource is under this key, loading it if that was not done before; `None` when there is none.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn owner_of(&mut self, key: &Key) -> Result<Option<Owner>, Error> {
        if !self.keys.iter().any(|(seen, _)| seen == key) {
            self.entry(key).await?;
        }
        let known = self.keys.iter().find(|(seen, _)| seen == key);
        Ok(known.and_then(|(_, known)| known.as_ref()?.owner.clone()))
    }

    /// Takes note that this key must not exist, without a look: for fresh random ids.
    pub fn fresh(&mut self, key: &Key) {
        self.keys.push((key.clone(), None));
    }

    fn into_commit<R>(self, decision: Decision<R>) -> (Commit, R) {
        let mut commit = Commit::new();
        for (key, known) in &self.keys {
            commit.expect.push(match known {
                Some(known) => Expect::At(key.clone(), known.revision),
                None => Expect::Absent(key.clone()),
            });
        }
        for (key, value, expires_at) in decision.puts {
            let before = self.expiry_of(&key);
            if before != expires_at {
                commit.deletes.extend(before.map(|at| expiry_key(at, &key)));
                commit
                    .puts
                    .extend(expires_at.map(|at| (expiry_key(at, &key), Bytes::new())));
            }
            commit.puts.push((key, value));
        }
        for key in decision.deletes {
            commit
                .deletes
                .extend(self.expiry_of(&key).map(|at| expiry_key(at, &key)));
            commit.deletes.push(key);
        }
        let id = (!decision.events.is_empty()).then(fresh_id);
        for (n, event) in decision.events.into_iter().enumerate() {
            commit.puts.push((
                Key::from(format!("{EVENT}{}-{n:04}", id.as_deref().unwrap_or_default())),
                event,
            ));
        }
        (commit, decision.answer)
    }
}

/// The key under which the expiry of `key` is indexed.
pub fn expiry_key(at: DateTime, key: &Key) -> Key {
    Key::from(format!("{EXPIRY}{:020}/{key}", at.0.as_microsecond().max(0)))
}

/// What is answered when every attempt lost against others.
pub fn contended() -> Error {
    StoreError::Conflict.into()
}

/// A random identifier that nobody can guess: 122 random bits, safe in a path.
pub fn fresh_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

impl Room {
    /// A room over this store and this clock.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            quotas: Quotas::default(),
        }
    }

    /// The same, with a maximum of what each caller may keep. What is in the store has to be counted, see [`Quotas::prepare`].
    pub fn with_quotas(self, quotas: Quotas) -> Self {
        Self { quotas, ..self }
    }

    /// How much each caller may keep.
    pub fn quotas(&self) -> &Quotas {
        &self.quotas
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Now.
    pub fn now(&self) -> DateTime {
        self.clock.now()
    }

    /// Attempts at one change: as many as are worth making when others keep being faster.
    pub fn attempts(&self) -> impl Iterator<Item = Seen> + Send + '_ {
        std::iter::repeat_with(|| self.look()).take(ATTEMPTS)
    }

    /// Begins one attempt.
    pub fn look(&self) -> Seen {
        Seen {
            store: self.store.clone(),
            now: self.clock.now(),
            keys: Vec::new(),
        }
    }

    /// Commits a decision together with its events; `None` when something it had looked at changed meanwhile.
    ///
    /// # Errors
    /// When the caller would have more than it may ([`Cause::QuotaExceeded`](crate::error::Cause::QuotaExceeded)); when the store fails.
    pub async fn commit<R>(&self, mut seen: Seen, mut decision: Decision<R>) -> Result<Option<(R, Revision)>, Error> {
        let _turns = self.quotas.count(&mut seen, &mut decision).await?;
        let (commit, answer) = seen.into_commit(decision);
        if commit.is_empty() {
            return Ok(Some((answer, Revision::default())));
        }
        match self.store.commit(commit).await {
            Ok(revision) => Ok(Some((answer, revision))),
            Err(StoreError::Conflict) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// One resource, without the wish to change it. What expired is not there.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn read<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<Kept<T>>, Error> {
        self.look().kept(key).await
    }
}
