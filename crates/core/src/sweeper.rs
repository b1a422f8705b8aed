//! Removes what has expired. Any number of replicas can sweep: each removal holds only at the revision that was seen.

use crate::{
    error::{Cause, Error},
    pseudonym,
    room::{Decision, EXPIRY, Room, Seen, expiry_key},
    store::{Commit, Entry, Expect, Key, Span, StoreError},
};
use async_trait::async_trait;
use std::{sync::Arc, time::Duration};

/// How many expired resources one round removes before it looks at the time again.
const ROUND: usize = 256;

/// What a product does when one of its resources expires: the same as for an explicit removal.
#[async_trait]
pub trait Expiring: Send + Sync + 'static {
    /// The removal of the resource under `key`, with the events that tell of it. What it puts there again stays.
    ///
    /// # Errors
    /// When the state cannot be read.
    async fn expired(&self, key: &Key, seen: &mut Seen) -> Result<Decision<()>, Error>;
}

/// Removes everything that expired until now. Says how much that was.
///
/// # Errors
/// When the store fails.
pub async fn sweep(room: &Room, products: &dyn Expiring) -> Result<usize, Error> {
    let (mut removed, mut after) = (0, None);
    loop {
        let end = expiry_key(room.now(), &Key::new(""));
        let mut span = Span::prefix(EXPIRY).before(end).limit(ROUND);
        span.after = after.take();
        let due = room.store().range(span).await?;
        for entry in &due.entries {
            match remove(room, products, entry).await {
                Ok(true) => removed += 1,
                Ok(false) => {}
                // What cannot be removed must not keep the rest: the next sweep tries it again.
                Err(error) if error.cause == Cause::SystemFailure => {
                    tracing::error!(key = %pseudonym::of_key(&entry.key), %error, "an expired resource cannot be removed");
                }
                Err(error) => return Err(error),
            }
        }
        // On from here, not from the beginning: what stays would come again and again.
        after = due.entries.last().map(|entry| entry.key.clone());
        if !due.more {
            return Ok(removed);
        }
    }
}

/// Removes what an entry of the expiry index points at. False when there is nothing to remove, or somebody changed it meanwhile.
async fn remove(room: &Room, products: &dyn Expiring, entry: &Entry) -> Result<bool, Error> {
    let Some((instant, key)) = entry.key.as_str()[EXPIRY.len()..].split_once('/') else {
        return Ok(false);
    };
    let key = Key::new(key);
    let mut seen = room.look();
    let known =
        seen.entry(&key).await?.is_some() && seen.expiry_of(&key).is_some_and(|at| expiry_key(at, &key) == entry.key);
    if !known {
        // The resource was renewed or removed and left its index behind.
        tracing::debug!(key = %pseudonym::of_key(&key), instant, "a stale expiry is removed");
        let stale = Commit::new()
            .expect(Expect::At(entry.key.clone(), entry.revision))
            .delete(entry.key.clone());
        return match room.store().commit(stale).await {
            // It was renewed for the same instant just now: no longer stale.
            Ok(_) | Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        };
    }
    let removal = products.expired(&key, &mut seen).await?;
    // A timer that is set again stays.
    let removal = if removal.keeps(&key) {
        removal
    } else {
        removal.delete(&key)
    };
    Ok(room.commit(seen, removal).await?.is_some())
}

/// Sweeps again and again, until dropped.
pub async fn run(room: Room, products: Arc<dyn Expiring>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match sweep(&room, products.as_ref()).await {
            Ok(0) => {}
            Ok(removed) => tracing::debug!(removed, "expired resources were removed"),
            Err(error) => tracing::warn!(%error, "the sweep failed; the next one tries again"),
        }
    }
}
