//! The thread that writes: makes records of events, chains and signs them, changes files, mends what a full disk broke.

use crate::{
    files::{End, files_of},
    keys::AuditKey,
    log::{Policy, Shared},
    record::{self, CHECKPOINT, Content, PRUNED, capped, sha256},
    repeated::Repeated,
    verify::Known,
};
use edgeapp_core::{
    evidence::{SecurityEvent, SecurityEventKind},
    pseudonym::{self, Pseudonyms},
};
use jiff::Timestamp;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::PathBuf,
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

/// Events written and synchronised at once, at most.
const BATCH: usize = 512;
/// How long a disk that does not take records is left alone.
const RETRY: Duration = Duration::from_secs(1);
/// Room for records of what is under way when no new work is taken any more, in bytes.
const RESERVE: u64 = 1024 * 1024;
/// How often the thread looks whether something is due although nothing happens.
const IDLE: Duration = Duration::from_millis(500);
/// An event with the time at which it was told.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) at: Timestamp,
    pub(crate) after: Duration,
    pub(crate) event: SecurityEvent,
}

/// The place in the chain after the last record.
#[derive(Clone, Debug)]
struct Place {
    number: u64,
    hash: String,
}

pub(crate) struct Writer {
    shared: Arc<Shared>,
    key: AuditKey,
    policy: Policy,
    began: Instant,
    place: Place,
    file: Option<Open>,
    /// Bytes of the files before the open one.
    closed: u64,
    unsigned: u64,
    unsigned_since: Instant,
    repeated: Repeated,
    /// Records that had no room on the disk, told as soon as there is some.
    refused: u64,
    failing: bool,
}

struct Open {
    path: PathBuf,
    file: File,
    length: u64,
    since: Instant,
}

impl Writer {
    pub(crate) fn new(
        shared: Arc<Shared>,
        key: AuditKey,
        policy: Policy,
        end: End,
        began: Instant,
    ) -> io::Result<Self> {
        let open = |(path, length): &(PathBuf, u64)| {
            let file = OpenOptions::new().append(true).open(path)?;
            Ok::<_, io::Error>(Open {
                path: path.clone(),
                file,
                length: *length,
                since: began,
            })
        };
        let file = end.file.as_ref().map(open).transpose()?;
        let mut writer = Self {
            shared,
            key,
            policy,
            began,
            place: Place {
                number: end.number,
                hash: end.hash.clone(),
            },
            file,
            closed: 0,
            unsigned: u64::from(!end.signed),
            unsigned_since: began,
            repeated: Repeated::within(policy.burst),
            refused: 0,
            failing: false,
        };
        writer.closed = writer.closed_bytes()?;
        let first = writer.beginning(&end);
        writer.append(&first)?;
        Ok(writer)
    }

    /// What a log that goes on has to say first.
    fn beginning(&self, end: &End) -> Vec<Content> {
        let mut first = Vec::new();
        for defect in &end.defects {
            first.push(self.own(SecurityEventKind::LogGap.as_str(), defect));
        }
        if let Some(before) = end.key.as_ref().filter(|key| *key != self.key.public().name()) {
            let content = self.own(
                SecurityEventKind::KeyRotated.as_str(),
                "another key signs checkpoints from here on",
            );
            first.push(Content {
                target: Some(format!("audit key {before} -> {}", self.key.public().name())),
                ..content
            });
        }
        if let Some(back) = end
            .time
            .and_then(|time| crate::watch::backwards(time, Timestamp::now()))
        {
            let reason = format!("the clock is {back} s behind the last record of the run before");
            first.push(self.own(SecurityEventKind::ClockJump.as_str(), &reason));
        }
        first
    }

    /// A record of the log about itself.
    fn own(&self, event: &str, reason: &str) -> Content {
        Content {
            time: Timestamp::now().to_string(),
            monotonic_ms: millis(self.began.elapsed()),
            event: event.to_owned(),
            reason: Some(reason.to_owned()),
            ..Content::default()
        }
    }

    pub(crate) fn run(mut self, told: &Receiver<Told>) {
        self.say_whether_there_is_room();
        loop {
            let mut batch = Vec::new();
            let open = match told.recv_timeout(IDLE) {
                Ok(first) => {
                    batch.push(first);
                    batch.extend(told.try_iter().take(BATCH - 1));
                    true
                }
                Err(RecvTimeoutError::Timeout) => true,
                Err(RecvTimeoutError::Disconnected) => false,
            };
            let mut records = Vec::with_capacity(batch.len());
            self.shared.waiting.fetch_sub(batch.len(), Ordering::Relaxed);
            let names = pseudonym::in_use();
            for told in batch {
                records.extend(self.repeated.singly(&told.event).then(|| content(&told, &names, None)));
            }
            self.counted(&names, !open, &mut records);
            let lost = self.shared.lost.swap(0, Ordering::Relaxed) + std::mem::take(&mut self.refused);
            if lost > 0 {
                records.push(Content {
                    count: Some(lost),
                    ..self.own(SecurityEventKind::LogGap.as_str(), "so many events were not written: they came faster than the disk takes them, or there was no room")
                });
            }
            self.keep(records, open);
            self.keep_signed(!open);
            self.say_whether_there_is_room();
            if !open {
                return;
            }
        }
    }

    /// Records of what was only counted, once its time is over.
    fn counted(&mut self, names: &Pseudonyms, all: bool, records: &mut Vec<Content>) {
        let (at, after) = (Timestamp::now(), self.began.elapsed());
        for counted in self.repeated.counted(all) {
            let mut event = SecurityEvent::new(
                counted.kind,
                "the same again and again: counted and not written one by one",
            );
            event.from = counted.from;
            let told = Told { at, after, event };
            records.push(Content {
                actor: counted.actor.map(|actor| names.scrub(&actor).into_owned()),
                ..content(&told, names, Some(counted.count))
            });
        }
    }

    /// Writes records, however long that takes; gives up only when nobody waits for more.
    fn keep(&mut self, mut records: Vec<Content>, more: bool) {
        let mut needed = 0;
        let fitting = records.iter().position(|record| {
            // The last word of a log that ends has its place.
            let last_word = !more && record.count.is_some();
            needed += size_of(record);
            !last_word && !self.has_room(needed)
        });
        let mut over = records.split_off(fitting.unwrap_or(records.len()));
        if !more {
            over.retain(|record| {
                let last_word = record.count.is_some();
                if last_word {
                    records.push(record.clone());
                }
                !last_word
            });
        }
        self.refused += over.iter().map(|record| record.count.unwrap_or(1)).sum::<u64>();
        while !records.is_empty() {
            let rest = records.split_off(self.fitting_in_file(&records));
            while let Err(error) = self.append(&records) {
                self.say_that_it_fails(&error);
                if !more || self.shared.closing.load(Ordering::Relaxed) {
                    return;
                }
                std::thread::sleep(RETRY);
            }
            self.keep_signed(false);
            records = rest;
        }
        if std::mem::take(&mut self.failing) {
            let reason =
                "the audit log could not be written for a while; events that had no place to wait are in LOG_GAP";
            let record = self.own(SecurityEventKind::DiskLow.as_str(), reason);
            if let Err(error) = self.append(&[record]) {
                self.say_that_it_fails(&error);
            }
        }
    }

    /// Says that the log is nearly full before it is, so that what still happens finds room.
    fn say_whether_there_is_room(&mut self) {
        let reserve = RESERVE.min(self.policy.max_bytes / 8);
        let full = self.failing || (self.policy.uploaded && !self.has_room(reserve));
        self.tell_full(full);
    }

    fn tell_full(&self, full: bool) {
        if self.shared.full.swap(full, Ordering::Relaxed) == full {
            return;
        }
        metrics::gauge!("edgeapp_audit_full").set(if full { 1.0 } else { 0.0 });
        if full {
            tracing::error!("the audit log takes no more records: new work is refused until there is room");
        } else {
            tracing::info!("the audit log takes records again");
        }
    }

    /// How many of these records still go into the open file, at least one: a file is not much longer than it may be.
    fn fitting_in_file(&self, records: &[Content]) -> usize {
        let mut length = self.file.as_ref().map_or(0, |open| open.length);
        let over = records.iter().position(|record| {
            length += size_of(record);
            length > self.policy.rotate_bytes
        });
        over.unwrap_or(records.len()).max(1)
    }

    fn say_that_it_fails(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.failing, true) {
            tracing::error!(%error, "the audit log cannot be written; trying again");
        }
        self.tell_full(true);
    }

    /// Changes the file where one is due, and signs what waits too long for it, or everything.
    fn keep_signed(&mut self, all: bool) {
        let full = self.file.as_ref().is_some_and(|open| {
            open.length >= self.policy.rotate_bytes || open.since.elapsed() >= self.policy.rotate_after
        });
        let due = self.unsigned >= self.policy.checkpoint_records.max(1)
            || self.unsigned_since.elapsed() >= self.policy.checkpoint_after
            || full
            || all;
        let signed = if self.unsigned > 0 && due {
            self.append_checkpoint()
        } else {
            Ok(())
        };
        if let Err(error) = signed {
            self.say_that_it_fails(&error);
        } else if full && let Some(open) = self.file.take() {
            self.closed += open.length;
        }
    }

    fn append_checkpoint(&mut self) -> io::Result<()> {
        let content = Content {
            event: CHECKPOINT.to_owned(),
            reason: None,
            key: Some(self.key.public().name().to_owned()),
            ..self.own(CHECKPOINT, "")
        };
        let line = record::line(self.place.number + 1, &content, &self.place.hash);
        let signature = self
            .key
            .sign(&line)
            .ok_or_else(|| io::Error::other("no randomness for a signature"))?;
        let line = record::signed(&line, &signature);
        let place = Place {
            number: self.place.number + 1,
            hash: sha256(line.as_bytes()),
        };
        self.write(&(line + "\n"), place)?;
        self.unsigned = 0;
        self.shared.signed.send_replace(Some(Known {
            number: self.place.number,
            hash: self.place.hash.clone(),
        }));
        Ok(())
    }

    fn append(&mut self, records: &[Content]) -> io::Result<()> {
        let (mut text, mut place) = (String::new(), self.place.clone());
        for content in records {
            let line = record::line(place.number + 1, content, &place.hash);
            place = Place {
                number: place.number + 1,
                hash: sha256(line.as_bytes()),
            };
            text.push_str(&line);
            text.push('\n');
        }
        self.write(&text, place)?;
        if self.unsigned == 0 {
            self.unsigned_since = Instant::now();
        }
        self.unsigned += records.len() as u64;
        Ok(())
    }

    /// Writes whole lines; what is not on the disk afterwards was not written at all.
    fn write(&mut self, text: &str, place: Place) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        if self.file.is_none() {
            let (path, file) = self.shared.folder.create(self.place.number + 1)?;
            self.file = Some(Open {
                path,
                file,
                length: 0,
                since: Instant::now(),
            });
        }
        let Some(open) = &mut self.file else {
            return Err(io::Error::other("no file"));
        };
        let written = open
            .file
            .write_all(text.as_bytes())
            .and_then(|()| open.file.sync_data());
        if let Err(error) = written {
            // Half a line must not stay: the next record would be written to its end.
            open.file.set_len(open.length)?;
            return Err(error);
        }
        open.length += text.len() as u64;
        self.place = place;
        self.shared.durable.send_replace(self.place.number);
        Ok(())
    }

    /// Whether so many bytes may still be written; removes old files for them where that is allowed.
    fn has_room(&mut self, needed: u64) -> bool {
        let taken = |writer: &Self| writer.closed + writer.file.as_ref().map_or(0, |open| open.length);
        while taken(self) + needed > self.policy.max_bytes {
            match self.prune() {
                Ok(true) => {}
                // A log that keeps nothing at all would be none: what is being written has its room.
                Ok(false) => return !self.policy.uploaded,
                Err(error) => {
                    self.say_that_it_fails(&error);
                    return false;
                }
            }
        }
        true
    }

    /// Removes the oldest closed file, if it may go. The log says so first.
    fn prune(&mut self) -> io::Result<bool> {
        let files = files_of(self.shared.folder.path())?;
        let [(_, oldest), (next, _), ..] = files.as_slice() else {
            return Ok(false);
        };
        let last = next - 1;
        if self.policy.uploaded && self.shared.uploaded.load(Ordering::Relaxed) < last {
            return Ok(false);
        }
        let length = fs::metadata(oldest)?.len();
        let said = Content {
            through: Some(last),
            ..self.own(PRUNED, "the log has its size: its oldest records were removed")
        };
        self.append(&[said])?;
        fs::remove_file(oldest)?;
        self.shared.folder.sync()?;
        self.closed = self.closed.saturating_sub(length);
        Ok(true)
    }

    fn closed_bytes(&self) -> io::Result<u64> {
        let open = self.file.as_ref().map(|open| open.path.as_path());
        let mut bytes = 0;
        for (_, path) in files_of(self.shared.folder.path())? {
            if Some(path.as_path()) != open {
                bytes += fs::metadata(path)?.len();
            }
        }
        Ok(bytes)
    }
}

/// About how long the line of a record is.
fn size_of(record: &Content) -> u64 {
    let texts = [&record.actor, &record.from, &record.target, &record.reason];
    256 + texts.into_iter().flatten().map(|text| text.len() as u64).sum::<u64>()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn content(told: &Told, names: &Pseudonyms, count: Option<u64>) -> Content {
    let event = &told.event;
    let text = |text: &str| capped(&names.scrub(text));
    Content {
        time: told.at.to_string(),
        monotonic_ms: millis(told.after),
        event: event.kind.as_str().to_owned(),
        actor: event.actor.as_ref().map(|actor| capped(&names.of_owner(actor))),
        from: event.from.map(|address| names.of(&address.to_canonical().to_string())),
        target: event.target.as_deref().map(text),
        reason: Some(text(&event.reason)),
        count,
        ..Content::default()
    }
}
