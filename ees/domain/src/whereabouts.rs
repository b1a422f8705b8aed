//! Where the UE is that somebody looks for EASs for, when the request does not say (TS 24.558 clause 5.3.2.2.2, TS 23.558 clause 8.5.2.2):
//! from the last report of the core network, or asked there.

use crate::{core_links::last_location, ue_identifier::EdgeUeIds};
use edgeapp_core::{principal::Principal, room::Room, whereabouts::Whereabouts};
use edgeapp_openapi::{ids::Gpsi, location::LocationInfo};
use std::sync::Arc;

/// Finds out where UEs are, for the choice of EASs only.
pub struct KnownPlaces {
    room: Room,
    core: Whereabouts,
    ids: Arc<dyn EdgeUeIds>,
    fresh_seconds: u32,
}

impl KnownPlaces {
    /// What was reported to this room at most `fresh_seconds` ago is not asked for again.
    pub fn new(room: Room, core: Whereabouts, ids: Arc<dyn EdgeUeIds>, fresh_seconds: u32) -> Self {
        Self {
            room,
            core,
            ids,
            fresh_seconds,
        }
    }

    /// Where the UE is that `caller` means by this identifier; `None` when that cannot be known.
    pub async fn of(&self, caller: &Principal, named: &Gpsi) -> Option<LocationInfo> {
        let ue = self.ids.ue_behind(caller, named).await.ok()?;
        if !self.core.may_know(&ue).await {
            return None;
        }
        if let Ok(Some((known, received))) = last_location(&self.room, &ue).await
            && self.room.now().0.duration_since(received.0).as_secs() <= i64::from(self.fresh_seconds)
        {
            return known.location;
        }
        self.core.of(&ue).await
    }
}
