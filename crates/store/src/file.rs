//! The file: how it is laid out, opened and read. Writing is in `writer`.
//!
//! Table `state` maps a key to eight bytes of revision (little endian) and the value. Table `meta` holds the last revision, so that
//! revisions grow across restarts, and the number of this layout.

use crate::{
    feed::Feed,
    writer::{self, Message, QUEUE},
};
use async_trait::async_trait;
use bytes::Bytes;
use edgeapp_core::store::{Commit, Entry, Key, Range, Revision, Span, Store, StoreError, Watch};
use redb::{
    Builder, Database, DatabaseError, ReadTransaction, ReadableDatabase, ReadableTable, StorageBackend,
    TableDefinition, TableError,
};
use std::{
    fs::{File, OpenOptions},
    ops::Bound,
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};
use tokio::sync::{mpsc, oneshot};

pub(crate) const STATE: TableDefinition<'static, &'static [u8], &'static [u8]> = TableDefinition::new("state");
pub(crate) const META: TableDefinition<'static, &'static str, u64> = TableDefinition::new("meta");
pub(crate) const LAST_REVISION: &str = "revision";
const LAYOUT: &str = "layout";
const THIS_LAYOUT: u64 = 1;

/// Bytes before each value: the revision that put it.
pub(crate) const HEAD: usize = 8;

/// Ranges up to this many entries are read where they are asked for; longer ones on a thread for blocking work.
const SHORT_RANGE: usize = 32;

/// How to open a [`RedbStore`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RedbOptions {
    /// Memory for pages of the file, in bytes. Default 64 MiB.
    pub cache_bytes: usize,
}

impl Default for RedbOptions {
    fn default() -> Self {
        Self { cache_bytes: 64 << 20 }
    }
}

impl RedbOptions {
    /// With this much memory for pages of the file.
    pub fn cache_bytes(mut self, bytes: usize) -> Self {
        self.cache_bytes = bytes;
        self
    }
}

/// Why a store did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Somebody has it open. Two processes over one state need etcd.
    #[error("the store {} is in use by another process (or opened twice in this one); name another `path` or use etcd", .0.display())]
    InUse(PathBuf),
    /// It was made by a release with another layout.
    #[error("the store {} has layout {found}, this release reads {THIS_LAYOUT}; open it with the release that made it", .path.display())]
    Layout {
        /// Which store.
        path: PathBuf,
        /// Its layout.
        found: u64,
    },
    /// The file cannot be read or written, or is no store.
    #[error(
        "the store {} cannot be opened: {source}; free what is missing or bring back a copy, or move the file away to begin empty",
        .path.display()
    )]
    Failed {
        /// Which store.
        path: PathBuf,
        /// What went wrong.
        source: Box<redb::Error>,
    },
    /// The file is a store, and not as it was written.
    #[error("the store {} is damaged: {what}; bring back a copy, or move the file away to begin empty", .path.display())]
    Damaged {
        /// Which store.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// The writing thread did not start.
    #[error("no thread to write with: {0}")]
    Thread(#[source] std::io::Error),
}

/// A store in one file, for one process. See the crate's words.
///
/// Commits that arrive while the disk is busy go to it together with the next flush: throughput grows with the number of concurrent
/// writers. After a disk error nothing of the failed group is visible, and the file is opened anew at the next use.
pub struct RedbStore {
    shared: Arc<Shared>,
    /// `None` only while dropping.
    messages: Option<mpsc::Sender<Message>>,
    writer: Option<JoinHandle<()>>,
}

/// What readers and the writer share.
pub(crate) struct Shared {
    /// `None` between a disk error and the next opening that works.
    database: RwLock<Option<Database>>,
    feed: Mutex<Feed>,
    /// Whether the last group could not be written.
    refusing: AtomicBool,
}

impl RedbStore {
    /// Opens the file, or makes it (readable by its owner only). Blocks: after a crash the file is checked first, which takes time
    /// in proportion to its size.
    ///
    /// # Errors
    /// [`OpenError::InUse`] when another process has it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(path, RedbOptions::default())
    }

    /// [`open`](Self::open) with other options than the default ones.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn open_with(path: impl AsRef<Path>, options: RedbOptions) -> Result<Self, OpenError> {
        let path = path.as_ref().to_path_buf();
        let name = path.clone();
        let create = move || {
            if create_private(&path)? {
                tracing::info!(path = %path.display(), "made a new store");
            }
            builder(&options).create(&path)
        };
        Self::start(name, create)
    }

    /// A store on storage of the caller's making, such as a disk that fails on purpose. A clone of `backend` is used each time the
    /// store opens again after an error: clones must share their bytes.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn with_backend<B: StorageBackend + Clone>(backend: B, options: RedbOptions) -> Result<Self, OpenError> {
        Self::start(PathBuf::from("(custom)"), move || {
            builder(&options).create_with_backend(backend.clone())
        })
    }

    fn start(
        name: PathBuf,
        create: impl Fn() -> Result<Database, DatabaseError> + Send + 'static,
    ) -> Result<Self, OpenError> {
        let file = name.clone();
        let open = move || open(&name, &create);
        let (database, last) = open()?;
        let database = RwLock::new(Some(read_through(&file, database)?));
        let shared = Arc::new(Shared {
            database,
            feed: Mutex::new(Feed::starting_at(last)),
            refusing: AtomicBool::new(false),
        });
        let (messages, inbox) = mpsc::channel(QUEUE);
        let writer = writer::spawn(shared.clone(), inbox, Box::new(open), last).map_err(OpenError::Thread)?;
        Ok(Self {
            shared,
            messages: Some(messages),
            writer: Some(writer),
        })
    }

    fn messages(&self) -> Result<&mpsc::Sender<Message>, StoreError> {
        self.messages.as_ref().ok_or_else(stopped)
    }

    /// Passes the outcome of a read on; after a disk error it asks the writer to open the file again.
    fn heal<T>(&self, read: Result<T, StoreError>) -> Result<T, StoreError> {
        if let (Err(StoreError::Unavailable(_)), Ok(messages)) = (&read, self.messages()) {
            // When the queue is full the writer is about to find out by itself.
            let _ = messages.try_send(Message::Heal);
        }
        read
    }
}

impl Drop for RedbStore {
    fn drop(&mut self) {
        // The writer finishes what waits and ends; then the file is closed, even if a long read still holds `shared`.
        self.messages = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the store's writer had panicked");
        }
        drop(self.shared.replace_database(None));
    }
}

#[async_trait]
impl Store for RedbStore {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        self.heal(self.shared.get(key))
    }

    async fn range(&self, span: Span) -> Result<Range, StoreError> {
        if span.limit.is_some_and(|limit| limit <= SHORT_RANGE) {
            return self.heal(self.shared.range(&span));
        }
        let shared = self.shared.clone();
        let read = tokio::task::spawn_blocking(move || shared.range(&span)).await;
        self.heal(read.unwrap_or_else(|error| Err(StoreError::Unavailable(error.to_string()))))
    }

    async fn commit(&self, commit: Commit) -> Result<Revision, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.messages()?
            .send(Message::Commit(commit, answer))
            .await
            .map_err(|_| stopped())?;
        answered.await.unwrap_or_else(|_| Err(stopped()))
    }

    async fn watch(&self, prefix: &str, from: Revision) -> Result<Watch, StoreError> {
        self.shared.feed().watch(prefix, from)
    }

    fn is_shared(&self) -> bool {
        false
    }

    async fn check(&self) -> Result<(), StoreError> {
        if self.messages()?.is_closed() {
            return Err(stopped());
        }
        let health = Key::new("health");
        if self.shared.refusing() {
            // Reading may work on a full disk. Whoever asks waits for writes to work again, so try one.
            return self.commit(Commit::new().put(health, Bytes::new())).await.map(|_| ());
        }
        self.get(&health).await.map(|_| ())
    }
}

impl Shared {
    pub(crate) fn feed(&self) -> MutexGuard<'_, Feed> {
        self.feed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the last group could not be written.
    pub(crate) fn refusing(&self) -> bool {
        self.refusing.load(Ordering::Relaxed)
    }

    /// Notes what became of a group.
    pub(crate) fn note(&self, written: bool) {
        self.refusing.store(!written, Ordering::Relaxed);
    }

    /// Puts another database (or none) in the place of the present one.
    pub(crate) fn replace_database(&self, database: Option<Database>) -> Option<Database> {
        std::mem::replace(
            &mut *self.database.write().unwrap_or_else(PoisonError::into_inner),
            database,
        )
    }

    /// Does something brief with the database, if it is open.
    pub(crate) fn database<T>(&self, brief: impl FnOnce(&Database) -> T) -> Option<T> {
        self.database
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .map(brief)
    }

    fn snapshot(&self) -> Result<ReadTransaction, StoreError> {
        let begun = self.database(|database| database.begin_read());
        begun.ok_or_else(closed)?.map_err(read_error)
    }

    fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        let state = self.snapshot()?.open_table(STATE).map_err(read_error)?;
        let Some(stored) = state.get(key.as_str().as_bytes()).map_err(read_error)? else {
            return Ok(None);
        };
        entry(key.clone(), stored.value()).map(Some)
    }

    fn range(&self, span: &Span) -> Result<Range, StoreError> {
        let snapshot = self.snapshot()?;
        let revision = last_revision(&snapshot).map_err(read_error)?;
        let state = snapshot.open_table(STATE).map_err(read_error)?;
        let lower = match &span.after {
            Some(after) if after.as_str() >= span.prefix.as_str() => Bound::Excluded(after.as_str().as_bytes()),
            _ => Bound::Included(span.prefix.as_bytes()),
        };
        let mut range = Range {
            revision,
            ..Range::default()
        };
        for stored in state.range::<&[u8]>((lower, Bound::Unbounded)).map_err(read_error)? {
            let (key, value) = stored.map_err(read_error)?;
            let beyond = |before: &Key| key.value() >= before.as_str().as_bytes();
            if !key.value().starts_with(span.prefix.as_bytes()) || span.before.as_ref().is_some_and(beyond) {
                break;
            }
            if span.limit.is_some_and(|limit| range.entries.len() >= limit) {
                range.more = true;
                break;
            }
            let key = std::str::from_utf8(key.value());
            let key = key.map_err(|_| StoreError::Damaged("a key is not text".into()))?;
            range.entries.push(entry(Key::new(key), value.value())?);
        }
        Ok(range)
    }
}

fn builder(options: &RedbOptions) -> Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(options.cache_bytes);
    builder.set_repair_callback(|repair| {
        let percent = (repair.progress() * 100.0).round();
        tracing::warn!(percent, "the store was not closed properly: checking it");
    });
    builder
}

/// Does something with a file that may not be what was written: redb trusts what it reads, and panics over pages that make no sense.
fn guarded<T>(name: &Path, what: impl FnOnce() -> Result<T, OpenError>) -> Result<T, OpenError> {
    let caught = std::panic::catch_unwind(AssertUnwindSafe(what));
    caught.unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(OpenError::Damaged {
            path: name.to_path_buf(),
            what: format!("its pages make no sense ({})", said.unwrap_or("no reason is known")),
        })
    })
}

/// Reads every entry once, so that damage is found when the server starts and not by whoever asks for what is damaged.
fn read_through(name: &Path, database: Database) -> Result<Database, OpenError> {
    let read = guarded(name, || {
        let all = || -> Result<(), redb::Error> {
            let snapshot = database.begin_read()?;
            for stored in snapshot.open_table(STATE)?.iter()? {
                let (key, value) = stored?;
                if std::str::from_utf8(key.value()).is_err() || value.value().len() < HEAD {
                    return Err(redb::Error::Corrupted("an entry is none of ours".to_owned()));
                }
            }
            Ok(())
        };
        all().map_err(|error| of_redb(name, error))
    });
    match read {
        Ok(()) => Ok(database),
        Err(error) => {
            // Closing it would write to what is damaged.
            std::mem::forget(database);
            Err(error)
        }
    }
}

/// What an error of redb says of the file.
fn of_redb(name: &Path, error: redb::Error) -> OpenError {
    let path = name.to_path_buf();
    match error {
        redb::Error::Corrupted(what) => OpenError::Damaged { path, what },
        // It ends before its pages do.
        redb::Error::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => OpenError::Damaged {
            path,
            what: error.to_string(),
        },
        other => OpenError::Failed {
            path,
            source: Box::new(other),
        },
    }
}

/// Opens the database, makes its tables if it is new, and reads where it stands.
fn open(name: &Path, create: &dyn Fn() -> Result<Database, DatabaseError>) -> Result<(Database, Revision), OpenError> {
    guarded(name, || open_here(name, create))
}

fn open_here(
    name: &Path,
    create: &dyn Fn() -> Result<Database, DatabaseError>,
) -> Result<(Database, Revision), OpenError> {
    let failed = |error| of_redb(name, error);
    let database = create().map_err(|error| match error {
        DatabaseError::DatabaseAlreadyOpen => OpenError::InUse(name.to_path_buf()),
        other => failed(other.into()),
    })?;
    if is_new(&database).map_err(failed)? {
        make_tables(&database).map_err(failed)?;
    }
    let snapshot = database.begin_read().map_err(|error| failed(error.into()))?;
    let layout = meta(&snapshot, LAYOUT).map_err(failed)?;
    if layout != THIS_LAYOUT {
        return Err(OpenError::Layout {
            path: name.to_path_buf(),
            found: layout,
        });
    }
    let last = last_revision(&snapshot).map_err(failed)?;
    drop(snapshot);
    Ok((database, last))
}

fn is_new(database: &Database) -> Result<bool, redb::Error> {
    match database.begin_read()?.open_table(META) {
        Ok(_) => Ok(false),
        Err(TableError::TableDoesNotExist(_)) => Ok(true),
        Err(other) => Err(other.into()),
    }
}

fn make_tables(database: &Database) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    transaction.open_table(STATE)?;
    let mut meta = transaction.open_table(META)?;
    meta.insert(LAYOUT, THIS_LAYOUT)?;
    meta.insert(LAST_REVISION, 0)?;
    drop(meta);
    Ok(transaction.commit()?)
}

fn meta(snapshot: &ReadTransaction, name: &str) -> Result<u64, redb::Error> {
    Ok(snapshot.open_table(META)?.get(name)?.map_or(0, |number| number.value()))
}

fn last_revision(snapshot: &ReadTransaction) -> Result<Revision, redb::Error> {
    meta(snapshot, LAST_REVISION).map(Revision)
}

/// The revision that put a stored value.
pub(crate) fn revision_of(stored: &[u8]) -> Result<Revision, StoreError> {
    let head = stored
        .first_chunk()
        .ok_or_else(|| StoreError::Damaged("an entry has no revision".into()))?;
    Ok(Revision(u64::from_le_bytes(*head)))
}

fn entry(key: Key, stored: &[u8]) -> Result<Entry, StoreError> {
    let revision = revision_of(stored)?;
    Ok(Entry {
        key,
        value: Bytes::copy_from_slice(&stored[HEAD..]),
        revision,
    })
}

/// Makes the file if there is none, and tells whether it did. Its owner alone may read it; its name is on disk before anything is
/// promised.
fn create_private(path: &Path) -> std::io::Result<bool> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => {
            #[cfg(unix)]
            if let Some(folder) = path.parent() {
                let folder = if folder.as_os_str().is_empty() {
                    Path::new(".")
                } else {
                    folder
                };
                File::open(folder)?.sync_all()?;
            }
            Ok(true)
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

fn read_error(error: impl Into<redb::Error>) -> StoreError {
    match error.into() {
        redb::Error::Corrupted(what) => StoreError::Damaged(what),
        other => StoreError::Unavailable(other.to_string()),
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the store's writer has stopped".into())
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed after a disk error".into())
}
