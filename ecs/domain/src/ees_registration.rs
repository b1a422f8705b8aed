//! EESs register with the ECS (TS 29.558 clause 6.2): who they are, where they are, which EASs they have.
//!
//! Provisioning answers are keyed by the EESID, so at most one registration per EESID lives: an EES that restarted and lost its
//! registration makes a new one, which takes the place of the old one in the same transaction.

use crate::{Ecs, event::Event, known::KnownEess};
use async_trait::async_trait;
use bytes::Bytes;
use edgeapp_core::{
    clock::Lifetimes,
    collection::{Change, Collection, Resource, key_of},
    error::{Cause, Error},
    kept::Kept,
    patch::PatchRules,
    principal::Principal,
    room::{Decision, Room, Seen, contended, fresh_id},
    store::Key,
};
use edgeapp_openapi::{
    common::DateTime,
    eas_registration::EndPoint,
    ees_registration::{EesProfile, EesRegistration},
    ids::{Dnn, EesId, RegistrationId},
    negotiation::{negotiate, negotiate_again},
};
use std::collections::BTreeSet;

/// Where registrations are kept.
pub const PREFIX: &str = "ees/";

/// What the ECS does for EESs (TS 29.558 clause 6.2).
#[async_trait]
pub trait EesRegistrations: Send + Sync {
    /// Keeps a registration, in place of an older one of the same EES; its owner is `principal`.
    async fn register(&self, principal: &Principal, request: EesRegistration) -> Result<Registered, Error>;

    /// The registration of this id.
    async fn read(&self, principal: &Principal, id: &RegistrationId) -> Result<EesRegistration, Error>;

    /// Replaces or patches the registration of this id.
    async fn change(
        &self,
        principal: &Principal,
        id: &RegistrationId,
        change: Change<EesRegistration>,
    ) -> Result<EesRegistration, Error>;

    /// Removes the registration of this id.
    async fn deregister(&self, principal: &Principal, id: &RegistrationId) -> Result<(), Error>;
}

/// A registration as it was granted.
#[derive(Clone, Debug, PartialEq)]
pub struct Registered {
    /// Its identifier.
    pub id: String,
    /// What is registered.
    pub registration: EesRegistration,
}

/// Who may register, and for how long.
#[derive(Clone, Debug)]
pub struct RegistrationRules {
    /// How long registrations live.
    pub lifetimes: Lifetimes,
    /// The EESs that may register; any with a certificate of its role when `None`.
    pub allowed: Option<BTreeSet<EesId>>,
}

impl Resource<Ecs> for EesRegistration {
    const PREFIX: &'static str = PREFIX;
    const PATCH: PatchRules = PatchRules {
        changeable: &["eesProf", "expTime"],
        clearable: &["expTime"],
        fixed: &["suppFeat"],
    };

    fn not_found() -> Error {
        Error::not_found("EES registration")
    }

    fn expiry(&mut self) -> Option<&mut Option<DateTime>> {
        Some(&mut self.exp_time)
    }

    fn may_become(&self, next: &Self) -> Result<(), Error> {
        let (before, after) = (&self.ees_prof, &next.ees_prof);
        if before.ees_id != after.ees_id {
            return Err(Error::not_changeable("/eesProf/eesId"));
        }
        if before.prov_id != after.prov_id {
            return Err(Error::not_changeable("/eesProf/provId"));
        }
        Ok(())
    }
}

/// Where the key of the one live registration of an EES is kept.
fn by_ees_id(id: &EesId) -> Key {
    Key::from(format!("ees-by-id/{}", Key::part(id.as_str())))
}

/// The live registration of an EES.
async fn live(room: &Room, id: &EesId) -> Result<Option<EesRegistration>, Error> {
    let Some(way) = room.store().get(&by_ees_id(id)).await? else {
        return Ok(None);
    };
    let key = Key::new(String::from_utf8_lossy(&way.value).into_owned());
    Ok(room.read::<EesRegistration>(&key).await?.map(|kept| kept.value))
}

/// Whether an EES has a live registration.
///
/// # Errors
/// When the store cannot be read.
pub async fn is_registered(room: &Room, id: &EesId) -> Result<bool, Error> {
    Ok(live(room, id).await?.is_some())
}

/// The edge data network that a registered EES says to be in.
///
/// # Errors
/// When the store cannot be read.
pub async fn edn_of(room: &Room, id: &EesId) -> Result<Option<Dnn>, Error> {
    let registered = live(room, id).await?;
    Ok(registered
        .and_then(|registered| registered.ees_prof.edn_info_sets)
        .map(|edn| edn.dnn))
}

/// Where a registered EES is reached.
///
/// # Errors
/// When the store cannot be read.
pub async fn endpoint_of(room: &Room, id: &EesId) -> Result<Option<EndPoint>, Error> {
    Ok(live(room, id).await?.map(|registered| registered.ees_prof.end_pt))
}

/// The end of a registration, whether asked for or by itself: the way to it goes with it, and whoever was told of the EES hears.
pub(crate) fn gone(profile: &EesProfile) -> Result<Decision<()>, Error> {
    Decision::of(())
        .delete(&by_ees_id(&profile.ees_id))
        .tell(&Event::EesChanged {
            ees_id: profile.ees_id.clone(),
        })
}

/// Pure: whether the caller may say this of itself.
fn check(rules: &RegistrationRules, principal: &Principal, profile: &EesProfile) -> Result<(), Error> {
    if !principal.is_ees(&profile.ees_id) {
        return Err(Error::not_yours("/eesProf/eesId", "EESID"));
    }
    if rules
        .allowed
        .as_ref()
        .is_some_and(|allowed| !allowed.contains(&profile.ees_id))
    {
        return Err(Error::forbidden(
            Cause::Unauthorized,
            "this EES is not among those that may register here",
        ));
    }
    if let (Some(proved), Some(said)) = (principal.provider(), &profile.prov_id)
        && proved != said
    {
        return Err(Error::not_yours("/eesProf/provId", "provider"));
    }
    fit(profile)
}

/// Pure: whether the parts of a profile that name the same EAS agree.
fn fit(profile: &EesProfile) -> Result<(), Error> {
    for (key, info) in &profile.eas_inst_info {
        if *key != info.eas_id {
            let pointer = format!("/eesProf/easInstInfo/{}/easId", escaped(key.as_str()));
            return Err(Error::optional_incorrect(pointer, "must be the key it stands under"));
        }
    }
    for (key, bundles) in &profile.eas_bdl_infos {
        for (n, bundle) in bundles.iter().enumerate() {
            if bundle.main_eas_id.is_some() {
                let pointer = format!("/eesProf/easBdlInfos/{}/{n}/mainEasId", escaped(key.as_str()));
                return Err(Error::optional_incorrect(pointer, "is not used here"));
            }
        }
    }
    Ok(())
}

/// A name as one part of a JSON pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The registrations in a store.
#[derive(Clone)]
pub struct RegistrationService {
    kept: Collection<EesRegistration, Ecs>,
    rules: RegistrationRules,
    known: KnownEess,
}

impl RegistrationService {
    /// The service over this room; answers wait until `known` shows what they say.
    pub fn new(room: Room, rules: RegistrationRules, known: KnownEess) -> Self {
        Self {
            kept: Collection::new(room, rules.lifetimes),
            rules,
            known,
        }
    }

    /// One attempt at a registration: what is replaced goes in the same transaction.
    async fn decide(
        &self,
        seen: &mut Seen,
        principal: &Principal,
        request: &EesRegistration,
    ) -> Result<Decision<Registered>, Error> {
        let mut registration = request.clone();
        let granted = self
            .rules
            .lifetimes
            .grant(registration.exp_time, seen.now(), "/expTime")?;
        registration.exp_time = granted;
        let way = by_ees_id(&registration.ees_prof.ees_id);
        let mut decision = Decision::of(());
        if let Some(entry) = seen.entry(&way).await? {
            let old = Key::new(String::from_utf8_lossy(&entry.value).into_owned());
            seen.entry(&old).await?;
            decision = decision.delete(&old);
        }
        let id = fresh_id();
        let key = key_of::<EesRegistration, Ecs>(principal, &id);
        seen.fresh(&key);
        let kept = Kept::new(principal, granted, registration.clone());
        let changed = Event::EesChanged {
            ees_id: registration.ees_prof.ees_id.clone(),
        };
        let way_there = Bytes::from(key.as_str().to_owned());
        let decision = decision
            .put(&key, &kept)?
            .put_bytes(&way, way_there, None)
            .tell(&changed)?;
        Ok(decision.answer(Registered { id, registration }))
    }
}

#[async_trait]
impl EesRegistrations for RegistrationService {
    async fn register(&self, principal: &Principal, mut request: EesRegistration) -> Result<Registered, Error> {
        negotiate(&mut request);
        check(&self.rules, principal, &request.ees_prof)?;
        for mut seen in self.kept.room().attempts() {
            let decision = self.decide(&mut seen, principal, &request).await?;
            if let Some((registered, revision)) = self.kept.room().commit(seen, decision).await? {
                self.known.caught_up(revision).await;
                return Ok(registered);
            }
        }
        Err(contended())
    }

    async fn read(&self, principal: &Principal, id: &RegistrationId) -> Result<EesRegistration, Error> {
        self.kept.read(principal, id.as_str()).await
    }

    async fn change(
        &self,
        principal: &Principal,
        id: &RegistrationId,
        change: Change<EesRegistration>,
    ) -> Result<EesRegistration, Error> {
        let change = match change {
            Change::Replace(request) => Change::Replace(request),
            Change::Patch(patch) => {
                // Removed, the member would be missing; but what is wrong is that it cannot be changed.
                if patch.pointer("/eesProf/eesId").is_some_and(serde_json::Value::is_null) {
                    self.read(principal, id).await?;
                    return Err(Error::not_changeable("/eesProf/eesId"));
                }
                Change::Patch(patch)
            }
        };
        let also = |before: &EesRegistration, after: &mut EesRegistration| {
            negotiate_again(after, before.supp_feat);
            check(&self.rules, principal, &after.ees_prof)?;
            // Most updates only make the registration live longer: nobody has to hear of those.
            if before.ees_prof == after.ees_prof {
                return Ok(Decision::of(()));
            }
            Decision::of(()).tell(&Event::EesChanged {
                ees_id: after.ees_prof.ees_id.clone(),
            })
        };
        let changed = self.kept.change(principal, id.as_str(), &change, also).await?;
        self.known.caught_up(changed.revision).await;
        Ok(changed.value)
    }

    async fn deregister(&self, principal: &Principal, id: &RegistrationId) -> Result<(), Error> {
        let revision = self
            .kept
            .remove(principal, id.as_str(), |kept| gone(&kept.ees_prof))
            .await?;
        self.known.caught_up(revision).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
