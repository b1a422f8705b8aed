//! How much one caller may keep: a maximum per owner and kind of resource.
//!
//! Beside the resources of a kind stands a count per owner, `quota/<kind>/<owner>`. [`Room::commit`] changes it in the very transaction
//! that makes or removes resources, whichever room or sweep asked for that: the count is a precondition like everything that was looked
//! at. So it is exact under concurrency, among replicas and after a crash, and no operation reads more than one key for it. Creations
//! of one caller and kind take turns; nobody else waits for them.
//!
//! Resources from before there were counts are counted once, when a server starts ([`Quotas::prepare`]).

use crate::{
    error::{Cause, Error},
    principal::Owner,
    room::{Decision, Room, Seen},
    store::{Commit, Entry, Expect, Key, Span, StoreError},
    turns::Turns,
};
use bytes::Bytes;
use serde::Deserialize;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};
use tokio::sync::MutexGuard;

/// Counts: `quota/<kind>/<owner>`.
const COUNT: &str = "quota/";
/// Kinds whose resources have been counted: `quota-counted/<kind>`.
const COUNTED: &str = "quota-counted/";
/// Locks behind the turns of callers.
const LOCKS: usize = 1024;
/// Resources read, and counts written, at a time.
const PAGE: usize = 64;

/// A kind of resource of which each caller may have so many.
#[derive(Clone, Debug)]
pub struct Kind {
    /// First part of the keys of its resources, with a slash at the end.
    pub prefix: &'static str,
    /// What they are, in the plural, as a refusal names them.
    pub what: &'static str,
    /// The key of the configuration that sets the maximum.
    pub setting: &'static str,
    /// How many one caller may have.
    pub most: u32,
}

impl Kind {
    fn count_key(&self, owner: &Owner) -> Key {
        Key::from(format!("{COUNT}{}{}", self.prefix, Key::part(owner.as_str())))
    }

    fn counted_key(&self) -> Key {
        Key::from(format!("{COUNTED}{}", self.prefix.trim_end_matches('/')))
    }

    fn exceeded(&self) -> Error {
        let Self {
            what, setting, most, ..
        } = self;
        Error::forbidden(
            Cause::QuotaExceeded,
            format!(
                "one caller may have {most} {what} here, and this one has as many: remove one or wait until one has expired; the \
                 operator sets the number with {setting}"
            ),
        )
    }
}

/// Who owns a resource, whatever it is.
#[derive(Deserialize)]
struct Owned {
    owner: Option<Owner>,
}

fn owner_of(value: &[u8]) -> Option<Owner> {
    serde_json::from_slice::<Owned>(value)
        .ok()
        .and_then(|owned| owned.owner)
}

/// The maxima that hold in a room. The default has none.
#[derive(Clone, Debug)]
pub struct Quotas {
    kinds: Arc<[Kind]>,
    turns: Arc<Turns>,
}

impl Default for Quotas {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

/// By how much a commit changes the count of an owner.
struct Difference<'a> {
    kind: &'a Kind,
    by: i64,
}

impl Quotas {
    /// These maxima.
    pub fn new(kinds: Vec<Kind>) -> Self {
        let locks = if kinds.is_empty() { 1 } else { LOCKS };
        Self {
            kinds: kinds.into(),
            turns: Arc::new(Turns::new(locks)),
        }
    }

    fn kind_of(&self, key: &Key) -> Option<&Kind> {
        self.kinds.iter().find(|kind| key.as_str().starts_with(kind.prefix))
    }

    /// Whether this owner may have one more under keys that begin with `prefix`, as things are now: to refuse early, before anybody
    /// else is asked for anything. What counts is the commit.
    ///
    /// # Errors
    /// [`Cause::QuotaExceeded`]; when the store cannot be read.
    pub async fn allow_another(&self, room: &Room, prefix: &str, owner: &Owner) -> Result<(), Error> {
        let Some(kind) = self.kinds.iter().find(|kind| kind.prefix == prefix) else {
            return Ok(());
        };
        let entry = room.store().get(&kind.count_key(owner)).await?;
        match entry.as_ref().map(count_in).transpose()?.unwrap_or_default() >= i64::from(kind.most) {
            true => Err(kind.exceeded()),
            false => Ok(()),
        }
    }

    /// Adds the changes of the counts to a decision. What comes back has to be held until the decision is committed.
    pub(crate) async fn count<R>(
        &self,
        seen: &mut Seen,
        decision: &mut Decision<R>,
    ) -> Result<Vec<MutexGuard<'_, ()>>, Error> {
        if self.kinds.is_empty() {
            return Ok(Vec::new());
        }
        let mut differences = self.differences(seen, decision).await?;
        differences.retain(|_, difference| difference.by != 0);
        let turns = self.turns.all(differences.keys().map(Key::as_str)).await;
        for (key, Difference { kind, by }) in differences {
            let before = seen.entry(&key).await?;
            let count = before.as_ref().map(count_in).transpose()?.unwrap_or_default() + by;
            if by > 0 && count > i64::from(kind.most) {
                return Err(kind.exceeded());
            }
            decision.note(&key, (count > 0).then(|| Bytes::from(count.to_string())));
        }
        Ok(turns)
    }

    /// What this decision makes and removes, by the counts that it changes.
    async fn differences<R>(
        &self,
        seen: &mut Seen,
        decision: &Decision<R>,
    ) -> Result<BTreeMap<Key, Difference<'_>>, Error> {
        let mut differences: BTreeMap<Key, Difference<'_>> = BTreeMap::new();
        let mut add = |kind, owner: Option<&Owner>, by| {
            if let Some(owner) = owner {
                let difference = differences.entry(Kind::count_key(kind, owner));
                difference.or_insert(Difference { kind, by: 0 }).by += by;
            }
        };
        let mut removed = HashSet::new();
        for key in decision.deleted() {
            if let Some(kind) = self.kind_of(key)
                && removed.insert(key.clone())
            {
                add(kind, seen.owner_of(key).await?.as_ref(), -1);
            }
        }
        let mut kept: HashMap<&Key, (&Kind, &[u8])> = HashMap::new();
        for (key, value) in decision.kept() {
            if let Some(kind) = self.kind_of(key)
                && !removed.contains(key)
            {
                kept.insert(key, (kind, value));
            }
        }
        for (key, (kind, value)) in kept {
            let before = seen.owner_of(key).await?;
            // What is only changed has been counted, and never changes hands.
            if before.is_none() {
                add(kind, owner_of(value).as_ref(), 1);
            }
        }
        Ok(differences)
    }

    /// Counts what was kept before there were counts. Has to be done before anything is served from this store; where it was done
    /// before, it costs one look per kind.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn prepare(&self, room: &Room) -> Result<(), Error> {
        for kind in self.kinds.iter() {
            let mark = kind.counted_key();
            if room.store().get(&mark).await?.is_none() {
                match self.count_all(room, kind, &mark).await {
                    // Another replica was faster: its counts hold.
                    Err(StoreError::Conflict) => {}
                    done => done?,
                }
            }
        }
        Ok(())
    }

    /// Nothing is written once the mark is there: counts that others keep already stay as they are.
    async fn count_all(&self, room: &Room, kind: &Kind, mark: &Key) -> Result<(), StoreError> {
        let store = room.store();
        let begun = || Commit::new().expect(Expect::Absent(mark.clone()));
        let mut counts: BTreeMap<Owner, u64> = BTreeMap::new();
        let mut after: Option<Key> = None;
        loop {
            let mut span = Span::prefix(kind.prefix).limit(PAGE);
            span.after = after.take();
            let page = store.range(span).await?;
            for owner in page.entries.iter().filter_map(|entry| owner_of(&entry.value)) {
                *counts.entry(owner).or_default() += 1;
            }
            after = page.entries.last().map(|entry| entry.key.clone());
            if !page.more {
                break;
            }
        }
        let counts: Vec<_> = counts.into_iter().collect();
        for some in counts.chunks(PAGE) {
            let commit = some.iter().fold(begun(), |commit, (owner, count)| {
                commit.put(kind.count_key(owner), count.to_string())
            });
            store.commit(commit).await?;
        }
        store.commit(begun().put(mark.clone(), Bytes::new())).await?;
        tracing::info!(
            kind = kind.prefix,
            owners = counts.len(),
            "what callers have was counted"
        );
        Ok(())
    }
}

fn count_in(entry: &Entry) -> Result<i64, Error> {
    std::str::from_utf8(&entry.value)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Error::internal(format_args!("{} is no count", entry.key)))
}
