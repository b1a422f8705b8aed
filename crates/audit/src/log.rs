//! The log as an adapter of the port: telling it an event takes a place in a queue, and one thread writes.
//!
//! Who tells an event never waits. Before the queue is full, because the disk is slower than the events or takes nothing, or the folder is
//! full of what the collector has not got, the log says that it takes no more ([`Evidence::takes_more`]), and servers refuse new work. What
//! is told all the same finds its place, or is counted, and the number stands in the log as `LOG_GAP`. The thread takes what has gathered, writes it at once and waits until it is on the disk
//! (`fdatasync`) before it takes more: after a crash the log lacks what happened in the last few milliseconds, never what lies before.

use crate::{
    files::{Folder, FolderError},
    keys::AuditKey,
    verify::Known,
    writer::{Told, Writer},
};
use edgeapp_core::evidence::{Evidence, SecurityEvent};
use jiff::Timestamp;
use std::{
    fmt, io,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// When files change, how often is signed, how much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// A file is not longer than this when another one begins, in bytes.
    pub rotate_bytes: u64,
    /// And not older than this.
    pub rotate_after: Duration,
    /// Records between two checkpoints, at most.
    pub checkpoint_records: u64,
    /// How long a record waits for a checkpoint, at most.
    pub checkpoint_after: Duration,
    /// How much the log may take of the disk, in bytes.
    pub max_bytes: u64,
    /// Events that may wait to be written.
    pub queue: usize,
    /// Events of one kind, one actor and one address that are written one by one within ten seconds; further ones are counted.
    pub burst: u64,
    /// Whether a collector has to have a record before it may be removed.
    pub uploaded: bool,
    /// Whether it never says that it takes no more.
    pub lossy: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            rotate_bytes: 16 * 1024 * 1024,
            rotate_after: Duration::from_secs(24 * 3600),
            checkpoint_records: 1000,
            checkpoint_after: Duration::from_secs(60),
            max_bytes: 1024 * 1024 * 1024,
            queue: 8192,
            burst: 200,
            uploaded: false,
            lossy: false,
        }
    }
}

/// Why a log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The thread cannot be started.
    #[error("no thread can be started: {0}")]
    Thread(io::Error),
}

/// What the writer and those around it share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) folder: Folder,
    /// Events that found no place in the queue.
    pub(crate) lost: AtomicU64,
    /// Events in the queue.
    pub(crate) waiting: AtomicUsize,
    /// The disk takes no more, or soon will not.
    pub(crate) full: AtomicBool,
    /// Nobody waits for more: a disk that takes nothing must not keep the server from ending.
    pub(crate) closing: AtomicBool,
    /// The number of the last record that is on the disk.
    pub(crate) durable: watch::Sender<u64>,
    /// The last checkpoint of this run that is on the disk.
    pub(crate) signed: watch::Sender<Option<Known>>,
    /// The number of the last record that was there when the log was opened.
    pub(crate) began_after: u64,
    /// Up to which record the collector has all.
    pub(crate) uploaded: AtomicU64,
}

/// The log. It ends with [`AuditLog::close`], or when the last of its owners drops it.
pub struct AuditLog {
    queue: Mutex<Option<SyncSender<Told>>>,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    began: Instant,
    lossy: bool,
    /// With more than this many events waiting, no new ones should be made: requests that are under way have places left for theirs.
    busy: usize,
}

impl fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuditLog({})", self.shared.folder.path().display())
    }
}

impl AuditLog {
    /// Opens the log in this folder and goes on where it ends. Checkpoints are signed with this key.
    ///
    /// # Errors
    /// When the folder cannot be used, or another process does.
    pub fn open(folder: &Path, key: AuditKey, policy: Policy) -> Result<Self, OpenError> {
        let folder = Folder::open(folder)?;
        let end = folder.end()?;
        let uploaded = AtomicU64::new(folder.uploaded());
        let shared = Arc::new(Shared {
            folder,
            lost: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            full: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            durable: watch::Sender::new(end.number),
            signed: watch::Sender::new(None),
            began_after: end.number,
            uploaded,
        });
        let began = Instant::now();
        let writer = Writer::new(shared.clone(), key, policy, end, began)
            .map_err(|error| FolderError::Io(shared.folder.path().to_owned(), error))?;
        let (queue, told) = sync_channel(policy.queue.max(1));
        let thread = std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || writer.run(&told))
            .map_err(OpenError::Thread)?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            shared,
            thread: Mutex::new(Some(thread)),
            began,
            lossy: policy.lossy,
            busy: policy.queue / 2,
        })
    }

    /// Writes what waits, signs it and ends. What is told afterwards is lost.
    pub fn close(&self) {
        self.shared.closing.store(true, Ordering::Relaxed);
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the audit log's writer had panicked");
        }
    }

    /// The number of the last record on the disk, now and later.
    pub fn durable(&self) -> watch::Receiver<u64> {
        self.shared.durable.subscribe()
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Evidence for AuditLog {
    fn record(&self, event: SecurityEvent) {
        let told = Told {
            at: Timestamp::now(),
            after: self.began.elapsed(),
            event,
        };
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(queue) = queue.as_ref() else { return };
        // Counted before it is sent: the writer may take it at once.
        self.shared.waiting.fetch_add(1, Ordering::Relaxed);
        if queue.try_send(told).is_err() {
            self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn takes_more(&self) -> bool {
        let crowded = || self.shared.waiting.load(Ordering::Relaxed) > self.busy;
        self.lossy || !(self.shared.full.load(Ordering::Relaxed) || crowded())
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        self.close();
    }
}
