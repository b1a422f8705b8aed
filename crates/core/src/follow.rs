//! Read models: views of the store that follow it, at most one watch delay behind.

use crate::kept::Kept;
use crate::{
    error::Error,
    store::{Batch, Change, Commit, Entry, Key, Revision, Span, Store, StoreError, Watch},
};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::sync::watch;

/// Something that follows the entries under one prefix.
pub trait View: Send + Sync + 'static {
    /// The whole state, in place of anything seen before.
    fn reset(&self, entries: Vec<Entry>);

    /// The changes of one or more commits, in order.
    fn apply(&self, changes: Vec<Change>);
}

/// Keeps a [`View`] in step with the store.
#[derive(Clone)]
pub struct Follower {
    applied: watch::Receiver<Revision>,
    store: Arc<dyn Store>,
    prefix: &'static str,
}

/// Last part of the key by which a follower asks the store how far the changes under its prefix go. No view sees it.
const MARK: &str = "~mark";

impl Follower {
    /// Loads the view and goes on following in the background until the runtime ends.
    ///
    /// # Errors
    /// When the state cannot be read at the start; later failures are retried.
    pub async fn start(store: Arc<dyn Store>, prefix: &'static str, view: Arc<dyn View>) -> Result<Self, Error> {
        let range = store.range(Span::prefix(prefix)).await?;
        let from = range.revision;
        view.reset(without_mark(range.entries, prefix));
        let (sender, applied) = watch::channel(from);
        tokio::spawn(follow(store.clone(), prefix, view, sender));
        Ok(Self { applied, store, prefix })
    }

    /// Waits until the view shows the commit of this revision, for at most five seconds.
    pub async fn caught_up(&self, revision: Revision) {
        let mut applied = self.applied.clone();
        let shown = tokio::time::timeout(Duration::from_secs(5), applied.wait_for(|seen| *seen >= revision)).await;
        if shown.is_err() {
            tracing::warn!(revision = revision.0, "a read model is behind");
        }
    }
}

impl Follower {
    /// Waits until the view shows whatever was committed by anybody before or with this revision.
    ///
    /// A commit that touches nothing under the prefix is never seen there, so its revision cannot be waited for. Where other replicas
    /// write too, a mark is committed under the prefix and waited for instead: what came before it is shown before it. Where nobody
    /// else writes, answers to writes have waited already ([`Follower::caught_up`]).
    ///
    /// # Errors
    /// When the mark cannot be written.
    pub async fn shows_all_until(&self, revision: Revision) -> Result<(), Error> {
        if !self.store.is_shared() || *self.applied.borrow() >= revision {
            return Ok(());
        }
        let mark = Commit::new().put(mark(self.prefix), Bytes::new());
        let marked = self.store.commit(mark).await?;
        self.caught_up(marked).await;
        Ok(())
    }
}

fn mark(prefix: &str) -> Key {
    Key::from(format!("{prefix}{MARK}"))
}

fn without_mark(mut entries: Vec<Entry>, prefix: &str) -> Vec<Entry> {
    let mark = mark(prefix);
    entries.retain(|entry| entry.key != mark);
    entries
}

async fn follow(store: Arc<dyn Store>, prefix: &'static str, view: Arc<dyn View>, applied: watch::Sender<Revision>) {
    let mut from = *applied.borrow();
    loop {
        if let Ok(mut watch) = store.watch(prefix, from).await {
            while let Some(batch) = watch.recv().await {
                from = show(view.as_ref(), batch, &mut watch, from);
                applied.send_replace(from);
            }
        }
        // Fell behind, or the store went away: start over from the whole. The watch begins first, because reading the whole can
        // take longer than the history reaches back.
        match begin_again(&store, prefix, view.as_ref()).await {
            Ok((whole, mut watch)) => {
                from = whole;
                applied.send_replace(from);
                while let Some(batch) = watch.recv().await {
                    from = show(view.as_ref(), batch, &mut watch, from);
                    applied.send_replace(from);
                }
            }
            Err(error) => {
                tracing::warn!(prefix, %error, "a read model waits for the store");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }
}

/// Shows a batch, and what else has arrived, in one go: one new snapshot instead of many. What the view has seen already, up to
/// `seen`, is left out.
fn show(view: &dyn View, first: Batch, watch: &mut Watch, seen: Revision) -> Revision {
    let (mut upto, mut changes) = (seen, Vec::new());
    let mut next = Some(first);
    while let Some(batch) = next {
        if batch.revision > seen {
            upto = upto.max(batch.revision);
            changes.extend(batch.changes);
        }
        next = watch.try_recv().ok();
    }
    changes.retain(|change| !matches!(change, Change::Put(entry) if entry.key.as_str().ends_with(MARK)));
    if !changes.is_empty() {
        view.apply(changes);
    }
    upto
}

async fn begin_again(store: &Arc<dyn Store>, prefix: &str, view: &dyn View) -> Result<(Revision, Watch), StoreError> {
    let now = store.range(Span::prefix(prefix).limit(1)).await?.revision;
    let watch = store.watch(prefix, now).await?;
    let whole = store.range(Span::prefix(prefix)).await?;
    view.reset(without_mark(whole.entries, prefix));
    Ok((whole.revision, watch))
}

/// A read model of all resources under a prefix, as they are.
#[derive(Debug)]
pub struct Mirror<T> {
    kept: RwLock<BTreeMap<Key, Arc<Kept<T>>>>,
}

impl<T> Default for Mirror<T> {
    fn default() -> Self {
        Self {
            kept: RwLock::default(),
        }
    }
}

impl<T: Send + Sync + 'static> Mirror<T> {
    /// All resources with their keys, in the order of the keys. Some may have expired.
    pub fn all(&self) -> Vec<(Key, Arc<Kept<T>>)> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.iter().map(|(key, kept)| (key.clone(), kept.clone())).collect()
    }
}

impl<T: DeserializeOwned + Send + Sync + 'static> View for Mirror<T> {
    fn reset(&self, entries: Vec<Entry>) {
        let fresh = entries
            .iter()
            .filter_map(|entry| Some((entry.key.clone(), Arc::new(Kept::from_entry(entry).ok()?))));
        let fresh = fresh.collect();
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = fresh;
    }

    fn apply(&self, changes: Vec<Change>) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            match change {
                Change::Put(entry) => {
                    if let Ok(fresh) = Kept::from_entry(&entry) {
                        kept.insert(entry.key, Arc::new(fresh));
                    }
                }
                Change::Deleted(key, _) => {
                    kept.remove(&key);
                }
            }
        }
    }
}
