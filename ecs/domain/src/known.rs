//! The read model of registered EESs.

use crate::ees_registration::PREFIX;
use edgeapp_core::{
    error::Error,
    follow::{Follower, Mirror},
    kept::Kept,
    room::Room,
    store::{Revision, Span, Store},
};
use edgeapp_openapi::{common::DateTime, ees_registration::EesRegistration};
use std::sync::Arc;

/// A registered EES.
pub type KnownEes = Arc<Kept<EesRegistration>>;

/// All registered EESs, at most one watch delay behind the store.
#[derive(Clone)]
pub struct KnownEess {
    mirror: Arc<Mirror<EesRegistration>>,
    follower: Follower,
}

impl KnownEess {
    /// Loads them and goes on following in the background.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn start(store: Arc<dyn Store>) -> Result<Self, Error> {
        let mirror = Arc::new(Mirror::default());
        let follower = Follower::start(store, PREFIX, mirror.clone()).await?;
        Ok(Self { mirror, follower })
    }

    /// Those whose registration lives at this instant.
    pub fn live(&self, now: DateTime) -> Vec<KnownEes> {
        let all = self.mirror.all().into_iter().map(|(_, kept)| kept);
        all.filter(|kept| kept.is_live(now)).collect()
    }

    /// Waits until the commit of this revision shows.
    pub async fn caught_up(&self, revision: Revision) {
        self.follower.caught_up(revision).await;
    }
}

/// Those whose registration lives now, from the store itself: for decisions that must not miss what was just committed.
///
/// # Errors
/// When the store cannot be read.
pub async fn from_store(room: &Room) -> Result<Vec<KnownEes>, Error> {
    let found = room.store().range(Span::prefix(PREFIX)).await?;
    let now = room.now();
    // One that cannot be read is in the log then, and counts as little as in the read model.
    let all = found.entries.iter().filter_map(|entry| Kept::from_entry(entry).ok());
    Ok(all.filter(|kept| kept.is_live(now)).map(Arc::new).collect())
}
