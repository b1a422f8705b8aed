//! The `Store` port: where everything that was promised to a caller is kept.
//!
//! A store is an ordered map from [`Key`] to bytes. Every [`Store::commit`] that changes something makes one new [`Revision`], one
//! that changes nothing answers with the present one; each entry knows the revision that wrote it. A commit is all or nothing, and is refused whole ([`StoreError::Conflict`]) when one of its
//! preconditions does not hold: whoever loses loads again and decides again.
//!
//! Adapters: memory and redb (`edgeapp-store`), etcd (`edgeapp-store-etcd`). All pass one battery, `edgeapp_testkit::store`.

use async_trait::async_trait;
use bytes::Bytes;
use std::{collections::HashSet, fmt, sync::Arc};
use tokio::sync::mpsc;

/// A key: path-like ASCII text such as `eas/5f0c…`. Build it from trusted words and [`Key::part`]s.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Arc<str>);

impl Key {
    /// A key of this text; the caller vouches that every part that came from outside went through [`Key::part`].
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// A string from outside made safe as one part of a key: no slash and no surprise can come out of it.
    ///
    /// ```
    /// # use edgeapp_core::store::Key;
    /// assert_eq!(Key::part("eec/../1"), "eec%2F..%2F1");
    /// ```
    pub fn part(text: &str) -> String {
        use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
        const KEEP: &AsciiSet = &NON_ALPHANUMERIC
            .remove(b'-')
            .remove(b'_')
            .remove(b'.')
            .remove(b':')
            .remove(b'@');
        utf8_percent_encode(text, KEEP).to_string()
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

/// A point in the store's history. Later commits have greater revisions; they need not be consecutive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Revision(pub u64);

/// One key with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// The value as it was put.
    pub value: Bytes,
    /// The revision of the commit that put it.
    pub revision: Revision,
}

/// What a range read found.
#[derive(Clone, Debug, Default)]
pub struct Range {
    /// The entries in the order of their keys.
    pub entries: Vec<Entry>,
    /// The revision this is the state of: watching from here misses nothing.
    pub revision: Revision,
    /// Whether the limit cut the list.
    pub more: bool,
}

/// Which keys a range read wants.
#[derive(Clone, Debug)]
pub struct Span {
    /// Keys that begin with this.
    pub prefix: String,
    /// Of these, keys greater than this one only (to go on after a cut list).
    pub after: Option<Key>,
    /// Of these, keys less than this one only.
    pub before: Option<Key>,
    /// At most this many.
    pub limit: Option<usize>,
}

impl Span {
    /// All keys that begin with `prefix`.
    pub fn prefix(prefix: impl Into<String>) -> Self {
        Self {
            prefix: prefix.into(),
            after: None,
            before: None,
            limit: None,
        }
    }

    /// Only keys greater than `key`.
    pub fn after(mut self, key: Key) -> Self {
        self.after = Some(key);
        self
    }

    /// Only keys less than `key`.
    pub fn before(mut self, key: Key) -> Self {
        self.before = Some(key);
        self
    }

    /// At most `limit` entries.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }
}

/// What must be true of a key for a commit to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// The key does not exist.
    Absent(Key),
    /// The key was last put by the commit of this revision.
    At(Key, Revision),
}

/// One atomic change: all of it happens, or none.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// What must hold, checked together with the change.
    pub expect: Vec<Expect>,
    /// Keys to write.
    pub puts: Vec<(Key, Bytes)>,
    /// Keys to remove; removing an absent key is no error.
    pub deletes: Vec<Key>,
}

impl Commit {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Also demands this.
    pub fn expect(mut self, expect: Expect) -> Self {
        self.expect.push(expect);
        self
    }

    /// Also writes this.
    pub fn put(mut self, key: impl Into<Key>, value: impl Into<Bytes>) -> Self {
        self.puts.push((key.into(), value.into()));
        self
    }

    /// Also removes this.
    pub fn delete(mut self, key: impl Into<Key>) -> Self {
        self.deletes.push(key.into());
        self
    }

    /// Gives each key one fate: of several puts of a key the last counts, and a delete counts more than any put. Adapters begin
    /// with it, so that all take a repeated key alike.
    pub fn settle(&mut self) {
        if self.puts.len() + self.deletes.len() < 2 {
            return;
        }
        let mut seen = HashSet::new();
        self.deletes.retain(|key| seen.insert(key.clone()));
        let mut keep: Vec<bool> = self
            .puts
            .iter()
            .rev()
            .map(|(key, _)| seen.insert(key.clone()))
            .collect();
        self.puts.retain(|_| keep.pop().unwrap_or(true));
    }

    /// Whether it would change nothing.
    pub fn is_empty(&self) -> bool {
        self.puts.is_empty() && self.deletes.is_empty()
    }
}

/// A change seen by a watcher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// This entry was put.
    Put(Entry),
    /// This key was removed by the commit of this revision.
    Deleted(Key, Revision),
}

/// All changes of one commit that the watcher asked for, in order. A batch may be empty of changes: it then only says that the
/// watched prefix is complete up to `revision`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The revision of the commit.
    pub revision: Revision,
    /// Its changes under the watched prefix.
    pub changes: Vec<Change>,
}

/// A running watch. When the channel ends, the watcher fell behind or lost the store: it reads the range again and watches anew.
pub type Watch = mpsc::Receiver<Batch>;

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A precondition does not hold any more; nothing was changed.
    #[error("the state changed meanwhile")]
    Conflict,
    /// The store cannot be reached or is shutting down. Whether a commit happened is unknown.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The disk is full or refuses writes; nothing was changed.
    #[error("the store cannot write: {0}")]
    Full(String),
    /// The history asked for is no longer kept: read the range again.
    #[error("revision {} is no longer in the history", .0.0)]
    Compacted(Revision),
    /// What was read is not what was written.
    #[error("the store is damaged: {0}")]
    Damaged(String),
}

/// The port. See the module's words for what an adapter promises.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// The entry of this key.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError>;

    /// The entries of a span, in the order of their keys, as of one revision.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn range(&self, span: Span) -> Result<Range, StoreError>;

    /// Makes the change durable and visible, or refuses it whole. An `Ok` means it is on disk.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a precondition does not hold, [`StoreError::Full`] when nothing could be written (both: nothing
    /// changed), [`StoreError::Unavailable`] when the outcome is unknown.
    async fn commit(&self, commit: Commit) -> Result<Revision, StoreError>;

    /// Every change under `prefix` by commits after `from`, commit by commit, in order.
    ///
    /// # Errors
    /// [`StoreError::Compacted`] when `from` is too long ago.
    async fn watch(&self, prefix: &str, from: Revision) -> Result<Watch, StoreError>;

    /// Whether other processes may use the same state at the same time.
    fn is_shared(&self) -> bool;

    /// A cheap question to tell whether the store works, for readiness.
    ///
    /// # Errors
    /// When it does not.
    async fn check(&self) -> Result<(), StoreError> {
        self.get(&Key::new("health")).await.map(|_| ())
    }
}
