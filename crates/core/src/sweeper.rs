//! Removes what has expired. Any number of replicas can sweep: each removal holds only at the revision that was seen.

use crate::{
    error::Error,
    room::{Decision, EXPIRY, Room, Seen, expiry_key},
    store::{Commit, Key, Span},
};
use async_trait::async_trait;
use std::{sync::Arc, time::Duration};

/// How many expired resources one round removes before it looks at the time again.
const ROUND: usize = 256;

/// What a product does when one of its resources expires: the same as for an explicit removal.
#[async_trait]
pub trait Expiring: Send + Sync + 'static {
    /// The removal of the resource under `key`, with the events that tell of it.
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
    let mut removed = 0;
    loop {
        let end = expiry_key(room.now(), &Key::new(""));
        let due = room.store().range(Span::prefix(EXPIRY).before(end).limit(ROUND)).await?;
        for entry in &due.entries {
            let index = entry.key.as_str();
            let Some((instant, key)) = index[EXPIRY.len()..].split_once('/') else { continue };
            let key = Key::new(key);
            let mut seen = room.look();
            let known = seen.entry(&key).await?.is_some() && seen.expiry_of(&key).is_some_and(|at| expiry_key(at, &key) == entry.key);
            if !known {
                // The resource was renewed or removed and left its index behind.
                tracing::debug!(%key, instant, "a stale expiry is removed");
                room.store().commit(Commit::new().delete(entry.key.clone())).await?;
                continue;
            }
            let removal = products.expired(&key, &mut seen).await?;
            // Somebody changed it meanwhile: the next round looks again.
            if room.commit(seen, removal.delete(&key)).await?.is_some() {
                removed += 1;
            }
        }
        if !due.more {
            return Ok(removed);
        }
    }
}

/// Sweeps again and again, until dropped.
pub async fn run(room: Room, products: Arc<dyn Expiring>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match sweep(&room, products.as_ref()).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "expired resources were removed"),
            Err(error) => tracing::warn!(%error, "the sweep failed; the next one tries again"),
        }
    }
}
