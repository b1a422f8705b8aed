//! Brings the records to a collector, in their order and without gaps.
//!
//! The files of the log are what waits; how far the collector has got stands beside them in the folder. Records are handed over until
//! the collector says that it keeps them, so none is missing there; it tells a record by its number, so none is there twice.

use crate::{
    files::{files_of, first_of},
    log::{AuditLog, Shared},
};
use bytes::Bytes;
use edgeapp_core::evidence::{Collector, NotCollected};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Seek, SeekFrom},
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Records handed over at once, at most.
const RECORDS: u64 = 1000;
/// Bytes handed over at once, about.
const BYTES: usize = 128 * 1024;
/// The shortest and the longest pause after a failure.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));
/// How long the last records of a server that stops may take to get there.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Where in the files the next record lies.
#[derive(Debug)]
struct Cursor {
    next: u64,
    place: Option<(PathBuf, u64)>,
}

/// Hands records over as they come, until `stop`. What is left then is for [`last_words`], once the log is closed.
pub async fn run(log: Arc<AuditLog>, collector: Arc<dyn Collector>, stop: CancellationToken) {
    let shared = log.shared().clone();
    let mut durable = log.durable();
    drop(log);
    let mut uploader = Uploader {
        cursor: Cursor {
            next: shared.uploaded.load(Ordering::Relaxed) + 1,
            place: None,
        },
        shared,
        collector,
    };
    tokio::select! {
        () = uploader.follow(&mut durable) => {}
        () = stop.cancelled() => {}
    }
}

/// Hands over what is on the disk, of a server that stops. False when the collector has not got all of it in time.
pub async fn last_words(log: &AuditLog, collector: Arc<dyn Collector>) -> bool {
    let shared = log.shared().clone();
    let mut uploader = Uploader {
        cursor: Cursor {
            next: shared.uploaded.load(Ordering::Relaxed) + 1,
            place: None,
        },
        shared,
        collector,
    };
    let all = *log.durable().borrow();
    let work = async { while uploader.cursor.next <= all && uploader.hand_over(all).await.is_ok() {} };
    let _ = tokio::time::timeout(LAST_WORDS, work).await;
    log.shared().uploaded.load(Ordering::Relaxed) >= all
}

struct Uploader {
    shared: Arc<Shared>,
    collector: Arc<dyn Collector>,
    cursor: Cursor,
}

impl Uploader {
    async fn follow(&mut self, durable: &mut watch::Receiver<u64>) {
        let mut pause = PAUSES.0;
        let mut failing = false;
        loop {
            let all = *durable.borrow_and_update();
            if self.cursor.next > all {
                if durable.changed().await.is_err() {
                    return;
                }
                continue;
            }
            match self.hand_over(all).await {
                Ok(()) => {
                    if std::mem::take(&mut failing) {
                        tracing::info!("the collector takes audit records again");
                    }
                    pause = PAUSES.0;
                }
                Err(reason) => {
                    if !std::mem::replace(&mut failing, true) {
                        let reason = edgeapp_core::pseudonym::of_text(&reason);
                        tracing::warn!(%reason, "the collector does not take audit records; they wait");
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSES.1);
                }
            }
        }
    }

    /// Hands over what follows, up to record `all`.
    async fn hand_over(&mut self, all: u64) -> Result<(), String> {
        let (shared, cursor) = (
            self.shared.clone(),
            std::mem::replace(&mut self.cursor, Cursor { next: 0, place: None }),
        );
        let next = cursor.next;
        let read = tokio::task::spawn_blocking(move || read(&shared, cursor, all)).await;
        let (lines, after) = match read.map_err(io::Error::other).and_then(|read| read) {
            Ok(read) => read,
            Err(error) => {
                self.cursor = Cursor { next, place: None };
                return Err(format!("the log cannot be read: {error}"));
            }
        };
        let kept = match self.collector.keep(self.shared.folder.name(), lines).await {
            Ok(kept) => kept,
            Err(NotCollected::GoesOnAfter(kept)) => {
                self.cursor = Cursor { next, place: None };
                if kept + 1 == next {
                    return Err(format!(
                        "the collector does not take record {next} and says that it comes next"
                    ));
                }
                kept
            }
            Err(error) => {
                self.cursor = Cursor { next, place: None };
                return Err(error.to_string());
            }
        };
        if kept > all {
            self.cursor = Cursor { next, place: None };
            return Err(format!(
                "the collector says that it has record {kept} of this log, which has {all}"
            ));
        }
        self.cursor = match kept + 1 == after.next {
            true => after,
            false => Cursor {
                next: kept + 1,
                place: None,
            },
        };
        self.shared.uploaded.store(kept, Ordering::Relaxed);
        let shared = self.shared.clone();
        let noted = tokio::task::spawn_blocking(move || shared.folder.note_uploaded(kept)).await;
        noted
            .map_err(io::Error::other)
            .and_then(|noted| noted)
            .map_err(|error| format!("{error}"))
    }
}

/// The lines from the cursor on, at most up to record `all`.
fn read(shared: &Shared, cursor: Cursor, all: u64) -> io::Result<(Bytes, Cursor)> {
    let missing = |number: u64| io::Error::other(format!("record {number} is not in the folder"));
    let (path, offset, mut number) = match cursor.place {
        Some((path, offset)) => (path, offset, cursor.next),
        None => {
            let files = files_of(shared.folder.path())?;
            let file = files.into_iter().rev().find(|(first, _)| *first <= cursor.next);
            let (first, path) = file.ok_or_else(|| missing(cursor.next))?;
            (path, 0, first)
        }
    };
    let mut file = File::open(&path)?;
    file.seek(SeekFrom::Start(offset))?;
    let (mut reader, mut offset, mut lines) = (BufReader::new(file), offset, Vec::new());
    let end = all.min(cursor.next + RECORDS - 1);
    let mut line = Vec::new();
    while number <= end && lines.len() < BYTES {
        line.clear();
        let length = reader.read_until(b'\n', &mut line)?;
        if length == 0 {
            break;
        }
        if number >= cursor.next {
            lines.extend_from_slice(&line);
        }
        offset += length as u64;
        number += 1;
    }
    if lines.is_empty() {
        // The file was read to its end: the next one begins with the record that is wanted.
        let files = files_of(shared.folder.path())?;
        let next = files
            .into_iter()
            .find(|(first, next)| *first == cursor.next && *next != path);
        let (next, path) = next.ok_or_else(|| missing(cursor.next))?;
        debug_assert_eq!(first_of(&path), Some(next));
        return read(
            shared,
            Cursor {
                next,
                place: Some((path, 0)),
            },
            all,
        );
    }
    let after = Cursor {
        next: number,
        place: Some((path, offset)),
    };
    Ok((lines.into(), after))
}
