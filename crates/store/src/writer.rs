//! The one thread that writes.
//!
//! It takes all commits that wait, checks each against the state as changed by those before it in the group, writes those that hold
//! in one transaction, flushes once, publishes, and answers. Callers meanwhile queue up for the next group.
//!
//! After a disk error redb refuses further work on the open file. The writer then closes and opens it again, which rolls back what
//! was not complete, and reads from it what became of the group.

use crate::file::{HEAD, LAST_REVISION, META, OpenError, STATE, Shared, revision_of};
use edgeapp_core::store::{Batch, Change, Commit, Entry, Expect, Revision, StoreError};
use redb::{Database, ReadableTable, Table, WriteTransaction};
use std::{sync::Arc, thread::JoinHandle};
use tokio::sync::{mpsc, oneshot};

/// Messages that may wait for the writer; further callers wait for room.
pub(crate) const QUEUE: usize = 4096;

/// A group is full at this many commits, or when their values come to this many bytes.
const GROUP_COMMITS: usize = 1024;
const GROUP_BYTES: usize = 8 << 20;

type Verdict = Result<Revision, StoreError>;

pub(crate) enum Message {
    /// Do this, and say what came of it.
    Commit(Commit, oneshot::Sender<Verdict>),
    /// A reader met a disk error: see that the file is open.
    Heal,
}

pub(crate) type Open = Box<dyn Fn() -> Result<(Database, Revision), OpenError> + Send>;

struct Writer {
    shared: Arc<Shared>,
    open: Open,
    /// The last revision known to be on disk.
    last: Revision,
}

/// Starts the thread. It ends when all senders are gone and the queue is empty.
pub(crate) fn spawn(
    shared: Arc<Shared>,
    inbox: mpsc::Receiver<Message>,
    open: Open,
    last: Revision,
) -> std::io::Result<JoinHandle<()>> {
    let writer = Writer { shared, open, last };
    std::thread::Builder::new()
        .name("store-writer".into())
        .spawn(move || writer.run(inbox))
}

impl Writer {
    fn run(mut self, mut inbox: mpsc::Receiver<Message>) {
        let mut commits = Vec::with_capacity(GROUP_COMMITS);
        let mut answers = Vec::with_capacity(GROUP_COMMITS);
        while let Some(first) = inbox.blocking_recv() {
            let mut next = Some(first);
            let mut bytes = 0;
            while let Some(message) = next {
                match message {
                    Message::Commit(commit, answer) => {
                        bytes += commit.puts.iter().map(|(_, value)| value.len()).sum::<usize>();
                        commits.push(commit);
                        answers.push(answer);
                    }
                    Message::Heal => self.heal(),
                }
                let room = commits.len() < GROUP_COMMITS && bytes < GROUP_BYTES;
                next = if room { inbox.try_recv().ok() } else { None };
            }
            let verdicts = self.write(&mut commits);
            for (answer, verdict) in answers.drain(..).zip(verdicts) {
                // Whoever does not wait any more has still had its commit done.
                let _ = answer.send(verdict);
            }
        }
    }

    /// Writes a group; one verdict for each commit.
    fn write(&mut self, commits: &mut Vec<Commit>) -> Vec<Verdict> {
        let count = commits.len();
        if count == 0 {
            return Vec::new();
        }
        let failed = match self.begin() {
            Ok(transaction) => match Group::apply(&transaction, self.last, commits) {
                Ok(group) if group.batches.is_empty() => return group.verdicts,
                Ok(group) => match transaction.commit() {
                    Ok(()) => {
                        self.shared.note(true);
                        self.last = group.last;
                        self.shared.feed().publish(group.batches);
                        return group.verdicts;
                    }
                    Err(error) => self.fail(error.into(), true),
                },
                Err(error) => {
                    drop(transaction);
                    self.fail(error, false)
                }
            },
            Err(error) => error,
        };
        self.shared.note(false);
        commits.clear();
        (0..count).map(|_| Err(copy(&failed))).collect()
    }

    /// A transaction, on a newly opened file if the open one is spoiled.
    fn begin(&mut self) -> Result<WriteTransaction, StoreError> {
        if let Some(Ok(transaction)) = self.shared.database(|database| database.begin_write()) {
            return Ok(transaction);
        }
        self.reopen()
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let begun = self.shared.database(|database| database.begin_write());
        let lost = || StoreError::Unavailable("the store is closed".into());
        begun
            .ok_or_else(lost)?
            .map_err(|error| StoreError::Unavailable(error.to_string()))
    }

    /// What to tell a group that met this error. `flushing` says that some of it may be on disk.
    fn fail(&mut self, error: redb::Error, flushing: bool) -> StoreError {
        tracing::error!(%error, "the store could not write");
        let before = self.last;
        let reopened = self.reopen();
        let nothing_changed = if reopened.is_ok() {
            self.last == before
        } else {
            !flushing
        };
        match error {
            redb::Error::Corrupted(what) => StoreError::Damaged(what),
            other if nothing_changed => StoreError::Full(other.to_string()),
            other => StoreError::Unavailable(other.to_string()),
        }
    }

    /// Opens the file again if it is closed or refuses to work.
    fn heal(&mut self) {
        // A transaction that is dropped costs nothing, and only a sound database gives one.
        if !matches!(self.shared.database(|database| database.begin_write()), Some(Ok(_)))
            && let Err(error) = self.reopen()
        {
            tracing::error!(%error, "the store is still closed");
        }
    }

    /// Closes the file and opens it again. Readers are refused meanwhile.
    fn reopen(&mut self) -> Result<(), OpenError> {
        drop(self.shared.replace_database(None));
        let (database, last) = (self.open)()?;
        if last != self.last {
            // The flush failed but its data had arrived. Nobody was told of it, so everybody has to look.
            self.shared.feed().restart_at(last);
            self.last = last;
        }
        self.shared.replace_database(Some(database));
        tracing::info!(revision = last.0, "the store is open again");
        Ok(())
    }
}

/// What a group did inside its transaction.
struct Group {
    verdicts: Vec<Verdict>,
    batches: Vec<Batch>,
    last: Revision,
}

impl Group {
    /// Applies, in order, the commits whose preconditions hold. An error here spoils the whole group.
    fn apply(transaction: &WriteTransaction, last: Revision, commits: &mut Vec<Commit>) -> Result<Self, redb::Error> {
        let mut state = transaction.open_table(STATE)?;
        let count = commits.len();
        let mut group = Self {
            verdicts: Vec::with_capacity(count),
            batches: Vec::with_capacity(count),
            last,
        };
        for commit in commits.drain(..) {
            let verdict = match holds(&state, &commit.expect)? {
                Ok(true) => Ok(group.take(&mut state, commit)?),
                Ok(false) => Err(StoreError::Conflict),
                Err(damaged) => Err(damaged),
            };
            group.verdicts.push(verdict);
        }
        if !group.batches.is_empty() {
            transaction.open_table(META)?.insert(LAST_REVISION, group.last.0)?;
        }
        Ok(group)
    }

    fn take(
        &mut self,
        state: &mut Table<'_, &'static [u8], &'static [u8]>,
        mut commit: Commit,
    ) -> Result<Revision, redb::Error> {
        commit.settle();
        let revision = Revision(self.last.0 + 1);
        let mut changes = Vec::with_capacity(commit.puts.len() + commit.deletes.len());
        for (key, value) in commit.puts {
            let mut stored = state.insert_reserve(key.as_str().as_bytes(), HEAD + value.len())?;
            let (head, body) = stored.as_mut().split_at_mut(HEAD);
            head.copy_from_slice(&revision.0.to_le_bytes());
            body.copy_from_slice(&value);
            changes.push(Change::Put(Entry { key, value, revision }));
        }
        for key in commit.deletes {
            if state.remove(key.as_str().as_bytes())?.is_some() {
                changes.push(Change::Deleted(key, revision));
            }
        }
        if !changes.is_empty() {
            self.last = revision;
            self.batches.push(Batch { revision, changes });
        }
        Ok(self.last)
    }
}

/// Whether all of it is true now. The inner error is about one entry only.
fn holds(
    state: &Table<'_, &'static [u8], &'static [u8]>,
    expected: &[Expect],
) -> Result<Result<bool, StoreError>, redb::Error> {
    for expect in expected {
        let holds = match expect {
            Expect::Absent(key) => state.get(key.as_str().as_bytes())?.is_none(),
            Expect::At(key, wanted) => match state.get(key.as_str().as_bytes())? {
                Some(stored) => match revision_of(stored.value()) {
                    Ok(revision) => revision == *wanted,
                    Err(damaged) => return Ok(Err(damaged)),
                },
                None => false,
            },
        };
        if !holds {
            return Ok(Ok(false));
        }
    }
    Ok(Ok(true))
}

/// The same error for another member of the group.
fn copy(error: &StoreError) -> StoreError {
    match error {
        StoreError::Conflict => StoreError::Conflict,
        StoreError::Unavailable(why) => StoreError::Unavailable(why.clone()),
        StoreError::Full(why) => StoreError::Full(why.clone()),
        StoreError::Compacted(revision) => StoreError::Compacted(*revision),
        StoreError::Damaged(what) => StoreError::Damaged(what.clone()),
    }
}
