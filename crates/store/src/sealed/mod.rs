//! State that can be read by nobody who only has its file, a backup or the disk: a store over a store, whatever keeps it.
//!
//! | module | what it holds |
//! |---|---|
//! | `seal` | how one entry is sealed: keys of entries part by part, values whole |
//! | `provider` | who holds the key of keys: [`KeyProvider`], [`KeyFiles`] |
//!
//! The keys of the data are random, made with the state, and lie in it, wrapped by the key of a [`KeyProvider`]: another key of keys
//! costs one entry. Then a new key for values is made as well. What older keys sealed can still be read, and gets the new one when it
//! is written again, as everything is that is renewed.
//!
//! State that lay there in plain is sealed entry by entry when it is opened with a key for the first time, and again from where it
//! stood after a crash. Nobody else may write meanwhile. What is sealed does not open without a key.
//!
//! Ranges without a limit come in the order of their keys, as the port has it. With a limit, parts of keys that nobody may read have an
//! order of the store's own, always the same, so that pages join; instants of the index of expiry have theirs.

mod provider;
mod seal;

pub use self::provider::{KeyFiles, KeyProvider, KeyProviderError};
use self::seal::{Defect, Ring, Seal, keeps};
use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use edgeapp_core::store::{Batch, Change, Commit, Entry, Expect, Key, Range, Revision, Span, Store, StoreError, Watch};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::mpsc;

/// Where the wrapped keys lie.
const KEYS: &str = "sealed/keys";
/// What stores write by themselves, see [`Store::check`].
const HEALTH: &str = "health";
/// The layout of the entry with the wrapped keys.
const VERSION: u32 = 1;
/// Entries that are sealed by one commit, and their bytes: what every store takes.
const ENTRIES: usize = 32;
const BYTES: usize = 512 * 1024;
/// Entries that are looked at at a time while state is sealed.
const PAGE: usize = 256;
/// How often that begins anew when others write meanwhile.
const PASSES: usize = 64;
/// Entries that are opened where the caller runs; more go to a thread of their own.
const SHORT: usize = 256;
/// Batches that a watcher may be behind by, beside those of the store below.
const BEHIND: usize = 16;

/// Why encrypted state does not open.
#[derive(Debug, thiserror::Error)]
pub enum SealedError {
    /// There is no key for it.
    #[error("the state is encrypted, and no key is given: name the file of its key as `store.encryption_key_file`")]
    NoKey,
    /// The key of keys.
    #[error(transparent)]
    Provider(#[from] KeyProviderError),
    /// The store below.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Others write plain entries all the time.
    #[error("somebody writes to the state while it is being encrypted: stop the other replicas first")]
    Contended,
}

impl SealedError {
    /// Whether the state is not what was written.
    pub fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::Provider(KeyProviderError::Changed) | Self::Store(StoreError::Damaged(_))
        )
    }
}

/// The entry with the wrapped keys.
#[derive(Serialize, Deserialize)]
struct Wrapped {
    version: u32,
    /// The name of the key of keys.
    by: String,
    /// The keys, wrapped, in base64.
    keys: String,
}

/// A store whose entries nobody can read without the key.
pub struct SealedStore {
    store: Arc<dyn Store>,
    provider: Arc<dyn KeyProvider>,
    seal: RwLock<Arc<Seal>>,
}

/// Whether state lies here that does not open without a key.
///
/// # Errors
/// When the store cannot be read.
pub async fn is_sealed(store: &dyn Store) -> Result<bool, StoreError> {
    Ok(store.get(&Key::new(KEYS)).await?.is_some())
}

impl SealedStore {
    /// Opens state that is sealed, and seals what is not.
    ///
    /// # Errors
    /// When the keys do not fit, the store fails, or others write meanwhile.
    pub async fn open(store: Arc<dyn Store>, provider: Arc<dyn KeyProvider>) -> Result<Self, SealedError> {
        let (mut ring, mut revision) = ring(store.as_ref(), provider.as_ref()).await?;
        if !ring.complete {
            let seal = ring.seal().ok_or(KeyProviderError::NoRandomness)?;
            seal_all(store.as_ref(), &seal).await?;
            ring.complete = true;
            match keep(store.as_ref(), provider.as_ref(), &ring, Some(revision)).await {
                Ok(now) => revision = now,
                // Another replica has done the same.
                Err(SealedError::Store(StoreError::Conflict)) => {
                    (ring, revision) = self::ring(store.as_ref(), provider.as_ref()).await?;
                }
                Err(error) => return Err(error),
            }
        }
        let seal = ring.seal().ok_or(KeyProviderError::NoRandomness)?;
        tracing::info!(key = provider.newest(), revision = revision.0, "the state is encrypted");
        Ok(Self {
            store,
            provider,
            seal: RwLock::new(Arc::new(seal)),
        })
    }

    fn seal(&self) -> Arc<Seal> {
        self.seal.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The keys anew: another replica may have added one.
    async fn renewed(&self) -> Result<Arc<Seal>, StoreError> {
        let there = there(self.store.as_ref(), self.provider.as_ref())
            .await
            .map_err(unusable)?;
        let (ring, ..) = there.ok_or_else(|| StoreError::Damaged(format!("the entry {KEYS} is gone")))?;
        let seal = Arc::new(ring.seal().ok_or_else(no_randomness)?);
        *self.seal.write().unwrap_or_else(PoisonError::into_inner) = seal.clone();
        Ok(seal)
    }

    /// Opens what was read, with the keys as they are, and again with the newest ones when they are not enough.
    async fn opened<T, R>(
        &self,
        sealed: T,
        length: usize,
        open: fn(&Seal, &T) -> Result<R, Unread>,
    ) -> Result<R, StoreError>
    where
        T: Send + Sync + 'static,
        R: Send + 'static,
    {
        let sealed = Arc::new(sealed);
        match opened_by(self.seal(), &sealed, length, open).await? {
            Err(unread) if matches!(unread.defect, Defect::UnknownKey(_)) => {
                Ok(opened_by(self.renewed().await?, &sealed, length, open).await??)
            }
            opened => Ok(opened?),
        }
    }

    /// The entries of a span that the store below can look for: its beginning ends at a part that is kept readable, or at a slash.
    async fn page(&self, seal: &Seal, folder: String, span: &Span) -> Result<Range, StoreError> {
        let mut below = Span::prefix(folder);
        below.limit = span.limit;
        below.after = span.after.as_ref().map(|key| Key::from(seal.path(key.as_str())));
        below.before = span.before.as_ref().map(|key| Key::from(seal.path(key.as_str())));
        loop {
            let mut range = self.store.range(below.clone()).await?;
            let last = range.entries.last().map(|entry| entry.key.clone());
            range.entries.retain(|entry| !is_own(&entry.key));
            // A page with nothing but what is not shown would look like the end.
            if range.entries.is_empty() && range.more && last.is_some() {
                below.after = last;
                continue;
            }
            return Ok(range);
        }
    }
}

/// An entry that could not be read, by its key as it is kept: no name stands there.
#[derive(Debug)]
struct Unread {
    key: Key,
    defect: Defect,
}

impl From<Unread> for StoreError {
    fn from(unread: Unread) -> Self {
        let key = unread.key;
        StoreError::Damaged(match unread.defect {
            Defect::Changed => format!("the entry {key} is not what was sealed"),
            Defect::UnknownKey(number) => {
                format!("the entry {key} was sealed by key {number}, which the state does not have")
            }
        })
    }
}

/// Opens it here, or on a thread of its own when it is long. The outer error is about the thread.
async fn opened_by<T, R>(
    seal: Arc<Seal>,
    sealed: &Arc<T>,
    length: usize,
    open: fn(&Seal, &T) -> Result<R, Unread>,
) -> Result<Result<R, Unread>, StoreError>
where
    T: Send + Sync + 'static,
    R: Send + 'static,
{
    if length <= SHORT {
        return Ok(open(&seal, sealed));
    }
    let sealed = sealed.clone();
    let opened = tokio::task::spawn_blocking(move || open(&seal, &sealed)).await;
    opened.map_err(|error| StoreError::Unavailable(error.to_string()))
}

/// Keys that are not shown to whoever uses the store.
fn is_own(key: &Key) -> bool {
    matches!(key.as_str(), KEYS | HEALTH)
}

fn open_entry(seal: &Seal, sealed: &Entry) -> Result<Entry, Unread> {
    let unread = |defect| Unread {
        key: sealed.key.clone(),
        defect,
    };
    let key = seal.open_path(sealed.key.as_str()).map_err(unread)?;
    let value = seal.open_value(&key, &sealed.value).map_err(unread)?;
    Ok(Entry {
        key,
        value,
        revision: sealed.revision,
    })
}

fn open_range(seal: &Seal, sealed: &Range) -> Result<Range, Unread> {
    let entries = sealed.entries.iter().map(|entry| open_entry(seal, entry));
    Ok(Range {
        entries: entries.collect::<Result<_, _>>()?,
        revision: sealed.revision,
        more: sealed.more,
    })
}

fn open_batch(seal: &Seal, sealed: &Batch) -> Result<Batch, Unread> {
    let changes = sealed.changes.iter().filter_map(|change| {
        let (Change::Put(Entry { key, .. }) | Change::Deleted(key, _)) = change;
        if is_own(key) {
            return None;
        }
        Some(match change {
            Change::Put(entry) => open_entry(seal, entry).map(Change::Put),
            Change::Deleted(key, revision) => seal
                .open_path(key.as_str())
                .map(|open| Change::Deleted(open, *revision))
                .map_err(|defect| Unread {
                    key: key.clone(),
                    defect,
                }),
        })
    });
    Ok(Batch {
        changes: changes.collect::<Result<_, _>>()?,
        revision: sealed.revision,
    })
}

/// The folder to look in below for what begins with `prefix`, and whether all that lies there begins with it.
fn folder(seal: &Seal, prefix: &str) -> (String, bool) {
    let end = prefix.rfind('/').map_or(0, |slash| slash + 1);
    let (folder, begun) = prefix.split_at(end);
    let sealed = seal.path(folder);
    if keeps(prefix, end) {
        (sealed + begun, true)
    } else {
        (sealed, begun.is_empty())
    }
}

#[async_trait]
impl Store for SealedStore {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        let sealed = Key::from(self.seal().path(key.as_str()));
        match self.store.get(&sealed).await? {
            Some(entry) if !is_own(&entry.key) => self.opened(entry, 1, open_entry).await.map(Some),
            _ => Ok(None),
        }
    }

    async fn range(&self, span: Span) -> Result<Range, StoreError> {
        let seal = self.seal();
        let (folder, exact) = folder(&seal, &span.prefix);
        let sealed = if exact {
            self.page(&seal, folder, &span).await?
        } else {
            self.page(&seal, folder, &Span::prefix("")).await?
        };
        let length = sealed.entries.len();
        let mut range = self.opened(sealed, length, open_range).await?;
        if exact && span.limit.is_some() {
            return Ok(range);
        }
        range.entries.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        if !exact {
            range.entries.retain(|entry| {
                entry.key.as_str().starts_with(&span.prefix)
                    && span.after.as_ref().is_none_or(|after| entry.key > *after)
                    && span.before.as_ref().is_none_or(|before| entry.key < *before)
            });
            let limit = span.limit.unwrap_or(usize::MAX);
            range.more = range.entries.len() > limit;
            range.entries.truncate(limit);
        }
        Ok(range)
    }

    async fn commit(&self, commit: Commit) -> Result<Revision, StoreError> {
        let seal = self.seal();
        let below = |key: &Key| Key::from(seal.path(key.as_str()));
        let mut sealed = Commit::new();
        for expect in &commit.expect {
            sealed.expect.push(match expect {
                Expect::Absent(key) => Expect::Absent(below(key)),
                Expect::At(key, revision) => Expect::At(below(key), *revision),
            });
        }
        for (key, value) in &commit.puts {
            sealed
                .puts
                .push((below(key), seal.value(key, value).ok_or_else(no_randomness)?));
        }
        sealed.deletes = commit.deletes.iter().map(below).collect();
        self.store.commit(sealed).await
    }

    async fn watch(&self, prefix: &str, from: Revision) -> Result<Watch, StoreError> {
        let (folder, exact) = folder(&self.seal(), prefix);
        let mut below = self.store.watch(&folder, from).await?;
        let (sender, watch) = mpsc::channel(BEHIND);
        let opener = Self {
            store: self.store.clone(),
            provider: self.provider.clone(),
            seal: RwLock::new(self.seal()),
        };
        let prefix = prefix.to_owned();
        tokio::spawn(async move {
            loop {
                let batch = tokio::select! {
                    batch = below.recv() => batch,
                    () = sender.closed() => return,
                };
                let Some(batch) = batch else { return };
                let length = batch.changes.len();
                let mut batch = match opener.opened(batch, length, open_batch).await {
                    Ok(batch) => batch,
                    Err(error) => {
                        // The watch ends; whoever watches reads the whole again, and hears of it there.
                        tracing::error!(%error, "a change cannot be read");
                        return;
                    }
                };
                if !exact {
                    batch.changes.retain(|change| {
                        let (Change::Put(Entry { key, .. }) | Change::Deleted(key, _)) = change;
                        key.as_str().starts_with(&prefix)
                    });
                }
                if sender.send(batch).await.is_err() {
                    return;
                }
            }
        });
        Ok(watch)
    }

    fn is_shared(&self) -> bool {
        self.store.is_shared()
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.store.check().await
    }
}

/// The keys of the state as they lie there, when they were written, and the key of keys that they are wrapped by.
async fn there(store: &dyn Store, provider: &dyn KeyProvider) -> Result<Option<(Ring, Revision, String)>, SealedError> {
    let Some(entry) = store.get(&Key::new(KEYS)).await? else {
        return Ok(None);
    };
    let damaged = |what: &str| StoreError::Damaged(format!("the entry {KEYS} {what}"));
    let unreadable = || damaged("cannot be read");
    let wrapped: Wrapped = serde_json::from_slice(&entry.value).map_err(|_| unreadable())?;
    if wrapped.version != VERSION {
        return Err(damaged("has an unknown layout: it is of a newer program").into());
    }
    let keys = BASE64_STANDARD.decode(&wrapped.keys).map_err(|_| unreadable())?;
    let ring = Ring::from_bytes(&provider.unwrap(&wrapped.by, &keys).await?).ok_or_else(unreadable)?;
    Ok(Some((ring, entry.revision, wrapped.by)))
}

/// The keys of the state, made when there are none; wrapped by the newest key of keys from here on.
async fn ring(store: &dyn Store, provider: &dyn KeyProvider) -> Result<(Ring, Revision), SealedError> {
    loop {
        let (ring, seen) = match there(store, provider).await? {
            None => (Ring::generate().ok_or(KeyProviderError::NoRandomness)?, None),
            Some((ring, revision, by)) if by == provider.newest() => return Ok((ring, revision)),
            Some((mut ring, revision, by)) => {
                tracing::info!(old = by, new = provider.newest(), "the state gets another key");
                ring.renew().ok_or(KeyProviderError::NoRandomness)?;
                (ring, Some(revision))
            }
        };
        match keep(store, provider, &ring, seen).await {
            Ok(revision) => return Ok((ring, revision)),
            Err(SealedError::Store(StoreError::Conflict)) => {}
            Err(error) => return Err(error),
        }
    }
}

async fn keep(
    store: &dyn Store,
    provider: &dyn KeyProvider,
    ring: &Ring,
    seen: Option<Revision>,
) -> Result<Revision, SealedError> {
    let wrapped = Wrapped {
        version: VERSION,
        by: provider.newest().to_owned(),
        keys: BASE64_STANDARD.encode(provider.wrap(&ring.to_bytes()).await?),
    };
    let value = serde_json::to_vec(&wrapped).map_err(|error| StoreError::Unavailable(error.to_string()))?;
    let expect = match seen {
        None => Expect::Absent(Key::new(KEYS)),
        Some(revision) => Expect::At(Key::new(KEYS), revision),
    };
    Ok(store.commit(Commit::new().expect(expect).put(KEYS, value)).await?)
}

/// Seals every entry that lies there in plain, until there is none.
async fn seal_all(store: &dyn Store, seal: &Seal) -> Result<(), SealedError> {
    for _ in 0..PASSES {
        let (plain, undisturbed) = seal_once(store, seal).await?;
        if plain > 0 {
            tracing::info!(entries = plain, "plain entries of the state were encrypted");
        }
        if undisturbed && plain == 0 {
            return Ok(());
        }
    }
    Err(SealedError::Contended)
}

/// Goes once through the state; says how much was plain, and whether nobody else wrote.
async fn seal_once(store: &dyn Store, seal: &Seal) -> Result<(usize, bool), SealedError> {
    let (mut plain, mut undisturbed, mut after) = (0, true, None);
    loop {
        let mut span = Span::prefix("").limit(PAGE);
        span.after = after.take();
        let page = store.range(span).await?;
        let mut found = Vec::new();
        for entry in &page.entries {
            if lies_plain(seal, entry).map_err(StoreError::from)? {
                found.push(entry);
            }
        }
        let mut found = found.into_iter().peekable();
        let mut waiting: Vec<&Entry> = Vec::new();
        while let Some(entry) = found.next() {
            waiting.push(entry);
            plain += 1;
            let bytes: usize = waiting.iter().map(|entry| entry.value.len()).sum();
            let room = found.peek().is_some_and(|next| bytes + next.value.len() <= BYTES);
            if waiting.len() < ENTRIES && room {
                continue;
            }
            let mut commit = Commit::new();
            for entry in waiting.drain(..) {
                let sealed = Key::from(seal.path(entry.key.as_str()));
                let value = seal.value(&entry.key, &entry.value).ok_or_else(no_randomness)?;
                commit = commit.expect(Expect::At(entry.key.clone(), entry.revision));
                if sealed != entry.key {
                    commit = commit.delete(entry.key.clone());
                }
                commit = commit.put(sealed, value);
            }
            match store.commit(commit).await {
                Ok(_) => {}
                Err(StoreError::Conflict) => undisturbed = false,
                Err(error) => return Err(error.into()),
            }
        }
        after = page.entries.last().map(|entry| entry.key.clone());
        if !page.more {
            return Ok((plain, undisturbed));
        }
    }
}

/// Whether an entry is still as it was before there was a key.
fn lies_plain(seal: &Seal, entry: &Entry) -> Result<bool, Unread> {
    if is_own(&entry.key) {
        return Ok(false);
    }
    let Ok(key) = seal.open_path(entry.key.as_str()) else {
        return Ok(true);
    };
    match seal.open_value(&key, &entry.value) {
        Ok(_) => Ok(false),
        // Of this key no part is sealed in either form.
        Err(_) if key == entry.key => Ok(true),
        Err(defect) => Err(Unread {
            key: entry.key.clone(),
            defect,
        }),
    }
}

fn no_randomness() -> StoreError {
    StoreError::Unavailable("there is no randomness to encrypt with".into())
}

fn unusable(error: SealedError) -> StoreError {
    match error {
        SealedError::Store(error) => error,
        error if error.is_damage() => StoreError::Damaged(error.to_string()),
        error => StoreError::Unavailable(error.to_string()),
    }
}
