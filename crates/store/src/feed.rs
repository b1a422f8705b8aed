//! What watchers are told: recent history, and who wants to hear of what comes next.

use edgeapp_core::store::{Batch, Change, Key, Revision, StoreError, Watch};
use std::collections::VecDeque;
use tokio::sync::mpsc;

/// Commits kept for watchers that begin a little late.
const HISTORY_COMMITS: usize = 4096;

/// Bytes of values kept for them: large values shorten the history, not the memory.
const HISTORY_BYTES: usize = 32 << 20;

/// Batches that may wait for one watcher. One more, and it is cut off.
const WATCHER_BACKLOG: usize = 1024;

pub(crate) struct Feed {
    /// Recent batches, oldest first, complete after `floor`.
    history: VecDeque<Batch>,
    bytes: usize,
    floor: Revision,
    watchers: Vec<Watcher>,
}

struct Watcher {
    prefix: String,
    /// What it has seen already; a reader may know of a commit a moment before it is published here.
    from: Revision,
    sender: mpsc::Sender<Batch>,
}

impl Feed {
    /// A feed that knows nothing before `now`.
    pub(crate) fn starting_at(now: Revision) -> Self {
        Self {
            history: VecDeque::new(),
            bytes: 0,
            floor: now,
            watchers: Vec::new(),
        }
    }

    /// Tells every watcher, and remembers. Never waits: a watcher with a full channel loses it.
    pub(crate) fn publish(&mut self, batches: impl IntoIterator<Item = Batch>) {
        for batch in batches {
            self.watchers.retain(|watcher| watcher.tell(&batch));
            self.bytes += weight(&batch);
            self.history.push_back(batch);
            while self.history.len() > HISTORY_COMMITS || self.bytes > HISTORY_BYTES {
                let Some(oldest) = self.history.pop_front() else { break };
                self.bytes -= weight(&oldest);
                self.floor = oldest.revision;
            }
        }
    }

    /// Begins a watch: history after `from` first, then whatever is published.
    pub(crate) fn watch(&mut self, prefix: &str, from: Revision) -> Result<Watch, StoreError> {
        if from < self.floor {
            return Err(StoreError::Compacted(from));
        }
        let first = self.history.partition_point(|batch| batch.revision <= from);
        let missed: Vec<Batch> = self
            .history
            .range(first..)
            .filter_map(|batch| under(prefix, batch))
            .collect();
        let (sender, receiver) = mpsc::channel(missed.len() + WATCHER_BACKLOG);
        for batch in missed {
            // Cannot fail: the channel was made with room for these.
            let _ = sender.try_send(batch);
        }
        self.watchers.push(Watcher {
            prefix: prefix.to_owned(),
            from,
            sender,
        });
        Ok(receiver)
    }

    /// Forgets everything: history has a gap, and all watchers have to read again.
    pub(crate) fn restart_at(&mut self, now: Revision) {
        *self = Self::starting_at(now);
    }
}

impl Watcher {
    /// Whether it is still there afterwards.
    fn tell(&self, batch: &Batch) -> bool {
        if batch.revision <= self.from {
            return true;
        }
        match under(&self.prefix, batch) {
            Some(batch) => self.sender.try_send(batch).is_ok(),
            None => !self.sender.is_closed(),
        }
    }
}

/// The part of a batch under a prefix, if there is one.
fn under(prefix: &str, batch: &Batch) -> Option<Batch> {
    let wanted = |change: &&Change| key(change).as_str().starts_with(prefix);
    let changes: Vec<Change> = batch.changes.iter().filter(wanted).cloned().collect();
    (!changes.is_empty()).then_some(Batch {
        revision: batch.revision,
        changes,
    })
}

fn key(change: &Change) -> &Key {
    match change {
        Change::Put(entry) => &entry.key,
        Change::Deleted(key, _) => key,
    }
}

fn weight(batch: &Batch) -> usize {
    let value = |change: &Change| {
        if let Change::Put(entry) = change {
            entry.value.len()
        } else {
            0
        }
    };
    batch
        .changes
        .iter()
        .map(|change| key(change).as_str().len() + value(change))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use edgeapp_core::store::Entry;
    use tokio::sync::mpsc::error::TryRecvError;

    fn batch(number: u64, key: &str, size: usize) -> Batch {
        let revision = Revision(number);
        let entry = Entry {
            key: key.into(),
            value: Bytes::from(vec![0; size]),
            revision,
        };
        Batch {
            revision,
            changes: vec![Change::Put(entry)],
        }
    }

    #[test]
    fn a_watcher_that_lags_is_cut_off_and_the_others_are_not() {
        let mut feed = Feed::starting_at(Revision(0));
        let mut slow = feed.watch("a/", Revision(0)).expect("watch");
        let mut elsewhere = feed.watch("b/", Revision(0)).expect("watch");
        feed.publish((1..=WATCHER_BACKLOG as u64 + 1).map(|number| batch(number, "a/1", 1)));
        feed.publish([batch(WATCHER_BACKLOG as u64 + 2, "b/1", 1)]);

        let mut seen = 0;
        while slow.try_recv().is_ok() {
            seen += 1;
        }
        assert_eq!(seen, WATCHER_BACKLOG);
        assert_eq!(slow.try_recv(), Err(TryRecvError::Disconnected));
        assert!(elsewhere.try_recv().is_ok());
    }

    #[test]
    fn history_is_bounded_by_commits_and_older_revisions_are_compacted() {
        let mut feed = Feed::starting_at(Revision(7));
        assert!(matches!(
            feed.watch("", Revision(6)),
            Err(StoreError::Compacted(Revision(6)))
        ));
        feed.publish((8..=8 + HISTORY_COMMITS as u64).map(|number| batch(number, "a/1", 1)));
        assert!(matches!(feed.watch("", Revision(7)), Err(StoreError::Compacted(_))));
        let mut all = feed.watch("", Revision(8)).expect("the oldest kept");
        assert_eq!(all.try_recv().expect("history").revision, Revision(9));
    }

    #[test]
    fn history_is_bounded_by_bytes() {
        let mut feed = Feed::starting_at(Revision(0));
        feed.publish((1..=5).map(|number| batch(number, "a/1", HISTORY_BYTES / 4)));
        assert!(matches!(feed.watch("", Revision(0)), Err(StoreError::Compacted(_))));
        assert!(feed.bytes <= HISTORY_BYTES);
    }

    #[test]
    fn a_watcher_that_read_ahead_of_the_feed_hears_nothing_twice() {
        let mut feed = Feed::starting_at(Revision(0));
        let mut watch = feed.watch("", Revision(2)).expect("watch");
        feed.publish((1..=3).map(|number| batch(number, "a/1", 1)));
        assert_eq!(watch.try_recv().expect("one").revision, Revision(3));
        assert_eq!(watch.try_recv(), Err(TryRecvError::Empty));
    }

    #[test]
    fn a_watcher_that_left_is_forgotten() {
        let mut feed = Feed::starting_at(Revision(0));
        drop(feed.watch("b/", Revision(0)));
        feed.publish([batch(1, "a/1", 1)]);
        assert!(feed.watchers.is_empty());
    }
}
