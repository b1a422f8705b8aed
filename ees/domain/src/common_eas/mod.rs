//! The EAS that serves a whole group of UEs in common, agreed between EESs (TS 23.558 clause 8.19 and Annex E).
//!
//! Per group and application this EES knows one common EAS, whoever chose it: an EEC or this EES itself ([`agreement`]), another EES
//! that announced it (Eees_CommonEASAnnouncement, TS 29.558 clause 5.14), or the one bound at the ECS. Who announces tells each of its
//! peers, durably ([`announcing`]). An EAS that is registered here is in force while its registration lives; what others told is
//! forgotten unless they tell it again in time.

pub mod agreement;
pub mod announcing;

use crate::{
    acr::EasDirectory,
    peers::{PeerEes, Peers},
};
use async_trait::async_trait;
use edgeapp_core::{
    error::{Cause, Error},
    kept::Kept,
    principal::{Owner, Principal},
    room::{Decision, Room, Seen, contended},
    store::Key,
};
use edgeapp_openapi::{
    common::DateTime,
    common_eas_announcement::CommonEasInfo,
    eas_registration::EndPoint,
    ees_registration::EdnInfo,
    ids::{AppGroupId, EasId, EesId},
};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// First part of the keys of common EASs.
pub const PREFIX: &str = "common-eas/";

/// The key of the common EAS of a group and an application.
pub fn key(group: &AppGroupId, eas_id: &EasId) -> Key {
    let (group, eas_id) = (Key::part(group.as_str()), Key::part(eas_id.as_str()));
    Key::from(format!("{PREFIX}{group}/{eas_id}"))
}

/// How this EES came to know a common EAS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// It was chosen here, and is registered here.
    Here,
    /// This EES announced it.
    Announced(EesId),
    /// It is bound at the ECS.
    Repository,
}

/// The EAS that serves a group in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommonEas {
    /// The group.
    pub group: AppGroupId,
    /// The application.
    pub eas_id: EasId,
    /// Where the EAS is reached.
    pub eas: EndPoint,
    /// Where its EES is reached, when that was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ees: Option<EndPoint>,
    /// Who says so.
    pub origin: Origin,
    /// The EESs that EECs named and that are told besides the configured ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<PeerEes>,
}

impl CommonEas {
    /// Its key.
    pub fn key(&self) -> Key {
        key(&self.group, &self.eas_id)
    }
}

/// How EESs agree.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Agreement {
    /// Each announces what it chose to its peers.
    #[default]
    Announcement,
    /// The ECS keeps the choice of who was first: one for the whole group, or one in this edge data network.
    Repository(Option<EdnInfo>),
}

/// How common EASs are treated here.
#[derive(Clone, Debug)]
pub struct CommonEasPolicy {
    /// How EESs agree.
    pub agreement: Agreement,
    /// How long something that others told is remembered, in seconds; who announces repeats it twice as often.
    pub remembered_seconds: u32,
    /// The EESs that are told of every choice.
    pub neighbours: Vec<EesId>,
}

impl Default for CommonEasPolicy {
    fn default() -> Self {
        Self {
            agreement: Agreement::default(),
            remembered_seconds: 3600,
            neighbours: Vec::new(),
        }
    }
}

/// What an EES does for other EESs that chose a common EAS.
#[async_trait]
pub trait CommonEasAnnouncements: Send + Sync {
    /// Takes note of the common EAS of a group. The EES that announced it may announce another in its place.
    ///
    /// # Errors
    /// [`Cause::OwnerMismatch`] when the caller speaks for another EES; [`Cause::CommonEasExists`] when another EAS is in force.
    async fn declare(&self, principal: &Principal, common: CommonEasInfo) -> Result<(), Error>;
}

/// The common EASs that this EES knows, and how it agrees with others on new ones.
pub struct CommonEasService {
    room: Room,
    own: PeerEes,
    policy: CommonEasPolicy,
    eass: Arc<dyn EasDirectory>,
    peers: Arc<dyn Peers>,
}

impl CommonEasService {
    /// A service over this room, of the EES `own`; EASs that are registered here stand in `eass`.
    pub fn new(
        room: Room,
        own: PeerEes,
        policy: CommonEasPolicy,
        eass: Arc<dyn EasDirectory>,
        peers: Arc<dyn Peers>,
    ) -> Self {
        Self {
            room,
            own,
            policy,
            eass,
            peers,
        }
    }

    /// This EES, as others are told of it.
    pub fn own(&self) -> &PeerEes {
        &self.own
    }

    fn is_here(&self, eas: &EndPoint, eas_id: &EasId) -> bool {
        self.eass.at(eas, Some(eas_id)).is_some()
    }

    /// An EAS that is chosen here counts while it is registered here.
    fn is_in_force(&self, common: &CommonEas) -> bool {
        common.origin != Origin::Here || self.is_here(&common.eas, &common.eas_id)
    }

    async fn known(&self, seen: &mut Seen, key: &Key) -> Result<Option<Kept<CommonEas>>, Error> {
        let (kept, now) = (seen.even_expired::<CommonEas>(key).await?, seen.now());
        // The time of a choice of our own is when it is told again, not when it ends.
        let counts = |kept: &Kept<CommonEas>| kept.value.origin == Origin::Here || kept.is_live(now);
        Ok(kept.filter(|kept| counts(kept) && self.is_in_force(&kept.value)))
    }

    fn until(&self, now: DateTime, origin: &Origin) -> DateTime {
        // Announced again in good time before the others forget it.
        let parts = if *origin == Origin::Here { 2 } else { 1 };
        let seconds = (self.policy.remembered_seconds / parts).max(1);
        DateTime(now.0 + SignedDuration::from_secs(i64::from(seconds)))
    }

    fn to_keep(&self, common: CommonEas, now: DateTime) -> Kept<CommonEas> {
        let owner = match &common.origin {
            Origin::Announced(ees) => Owner::ees(ees),
            Origin::Here | Origin::Repository => Owner::ees(&self.own.id),
        };
        Kept {
            owner,
            expires_at: Some(self.until(now, &common.origin)),
            value: common,
        }
    }
}

#[async_trait]
impl CommonEasAnnouncements for CommonEasService {
    async fn declare(&self, principal: &Principal, common: CommonEasInfo) -> Result<(), Error> {
        if !principal.is_ees(&common.requestor_id) {
            return Err(Error::not_yours("/requestorId", "EESID"));
        }
        let announced = CommonEas {
            group: common.app_grp_id,
            eas_id: common.eas_id,
            eas: common.eas_end_pt,
            ees: common.requestor_end_pt,
            origin: Origin::Announced(common.requestor_id),
            told: Vec::new(),
        };
        let key = announced.key();
        for mut seen in self.room.attempts() {
            match self.known(&mut seen, &key).await? {
                Some(known) if known.is_of(principal) => {}
                Some(known) if known.value.eas == announced.eas => return Ok(()),
                Some(_) => {
                    return Err(Error::forbidden(
                        Cause::CommonEasExists,
                        "another EAS serves this group in common; the EES that announced it may announce another",
                    ));
                }
                None => {}
            }
            let kept = self.to_keep(announced.clone(), seen.now());
            let decision = Decision::of(()).put(&key, &kept)?;
            if self.room.commit(seen, decision).await?.is_some() {
                return Ok(());
            }
        }
        Err(contended())
    }
}
