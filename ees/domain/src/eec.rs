//! EEC registrations (TS 24.558 clause 5.2, TS 23.558 clause 8.4.2).

use crate::{
    Ees,
    context::{self, ContextPolicy},
    peers::{PeerEes, PeerError, Peers},
};
use async_trait::async_trait;
use edgeapp_core::{
    clock::Lifetimes,
    collection::{Change, Resource, key_of},
    error::{Cause, Error, Kind},
    kept::Kept,
    patch::{self, PatchRules},
    principal::{Owner, Principal},
    room::{Decision, Room, Seen, contended, fresh_id},
    store::Key,
};
use edgeapp_openapi::{
    common::DateTime,
    eas_discovery::DiscoveredEas,
    eec_context_relocation::{EecContext, EecContextsQuery},
    eec_registration::{AcProfile, EecRegistration, UnfulfillAcProfRsn, UnfulfilledAcProfile},
    ids::{EecContextId, EecId, EesId, Gpsi},
};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};

/// How long the source EES has to hand over a context before the EEC is registered without it.
const PULL_TIMEOUT: Duration = Duration::from_secs(2);

impl Resource<Ees> for EecRegistration {
    const PREFIX: &'static str = "eec/";
    const PATCH: PatchRules = PatchRules {
        changeable: &["acProfs", "expTime", "ueMobilityReq", "easSelReqInd", "ueType"],
        clearable: &[],
        fixed: &["eecId", "ueId", "eecSvcContSupp", "eecCntxId", "srcEesId", "endPt"],
    };

    fn not_found() -> Error {
        Error::not_found("EEC registration")
    }

    fn expiry(&mut self) -> Option<&mut Option<DateTime>> {
        Some(&mut self.exp_time)
    }

    fn may_become(&self, next: &Self) -> Result<(), Error> {
        if next.eec_id != self.eec_id {
            return Err(Error::not_changeable("/eecId"));
        }
        // A UE id may be added later, never exchanged.
        if self.ue_id.is_some() && next.ue_id != self.ue_id {
            return Err(Error::not_changeable("/ueId"));
        }
        Ok(())
    }

    fn folder(owner: &Principal) -> String {
        folder(owner.id())
    }
}

fn folder(eec_id: &str) -> String {
    format!("{}/", Key::part(eec_id))
}

fn registration_key(eec_id: &EecId, id: &str) -> Key {
    Key::from(format!("{}{}{}", EecRegistration::PREFIX, folder(eec_id.as_str()), Key::part(id)))
}

/// The one live registration of an EEC and its context, by EECID.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EecIndex {
    /// Id of the registration.
    pub registration: String,
    /// Id of the context.
    pub context: EecContextId,
    /// The UE, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ue_id: Option<Gpsi>,
}

impl EecIndex {
    /// The key of the index of this EEC.
    pub fn key(eec_id: &EecId) -> Key {
        Key::from(format!("eec-by-id/{}", Key::part(eec_id.as_str())))
    }

    /// The index of this EEC as an attempt sees it; `None` when the EEC is not registered.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn load(seen: &mut Seen, eec_id: &EecId) -> Result<Option<Self>, Error> {
        Ok(seen.kept::<Self>(&Self::key(eec_id)).await?.map(|kept| kept.value))
    }
}

/// The key that leads from a UE to its EEC.
pub fn ue_key(ue: &Gpsi) -> Key {
    Key::from(format!("eec-by-ue/{}", Key::part(ue.as_str())))
}

/// The EEC of a UE; `None` when it is not registered here.
///
/// # Errors
/// When the store fails.
pub async fn eec_of_ue(room: &Room, ue: &Gpsi) -> Result<Option<EecId>, Error> {
    Ok(room.read::<EecId>(&ue_key(ue)).await?.map(|kept| kept.value))
}

/// The live registration of an EEC with its index; `None` when it is not registered.
///
/// # Errors
/// When the store fails.
pub async fn registered(room: &Room, eec_id: &EecId) -> Result<Option<(EecIndex, EecRegistration)>, Error> {
    let mut seen = room.look();
    let Some(index) = EecIndex::load(&mut seen, eec_id).await? else { return Ok(None) };
    let kept = seen.kept::<EecRegistration>(&registration_key(eec_id, &index.registration)).await?;
    Ok(kept.map(|kept| (index, kept.value)))
}

/// The decision to keep a registration under `id` with its indexes, in place of the older one that `index` leads to. The context is
/// the caller's business.
///
/// # Errors
/// When the store fails or the registration names no context.
pub async fn keep_registration(
    seen: &mut Seen,
    owner: &Owner,
    id: &str,
    registration: &EecRegistration,
    older: Option<EecIndex>,
) -> Result<Decision<()>, Error> {
    let eec_id = &registration.eec_id;
    let key = registration_key(eec_id, id);
    let mut decision = Decision::of(());
    match &older {
        Some(index) if index.registration == id => {
            seen.entry(&key).await?;
        }
        Some(index) => {
            let older = registration_key(eec_id, &index.registration);
            seen.entry(&older).await?;
            seen.fresh(&key);
            decision = decision.delete(&older);
        }
        None => seen.fresh(&key),
    }
    let context = registration.eec_cntx_id.clone().ok_or_else(|| Error::internal("a registration without a context"))?;
    let index = EecIndex { registration: id.to_owned(), context, ue_id: registration.ue_id.clone() };
    // Indexes live as long as the registration, but are removed with it and not on their own.
    let forever = |value| Kept { owner: owner.clone(), expires_at: None, value };
    decision = decision.put(&EecIndex::key(eec_id), &forever(index))?;
    if let Some(ue) = &registration.ue_id {
        let key = ue_key(ue);
        seen.entry(&key).await?;
        decision = decision.put(&key, &Kept { owner: owner.clone(), expires_at: None, value: eec_id.clone() })?;
    }
    decision.put(&key, &Kept { owner: owner.clone(), expires_at: registration.exp_time, value: registration.clone() })
}

/// What becomes of a registration's surroundings when it goes: indexes vanish, the context grows stale.
///
/// # Errors
/// When the store fails.
pub async fn forget(seen: &mut Seen, registration: &EecRegistration, id: &str, stale: u32) -> Result<Decision<()>, Error> {
    let mut decision = Decision::of(());
    // Only if this is still the registration that counts.
    if EecIndex::load(seen, &registration.eec_id).await?.is_some_and(|index| index.registration == id) {
        decision = decision.delete(&EecIndex::key(&registration.eec_id));
        if let Some(ue) = &registration.ue_id {
            let key = ue_key(ue);
            seen.entry(&key).await?;
            decision = decision.delete(&key);
        }
        if let Some(context) = &registration.eec_cntx_id {
            decision = decision.and(context::grow_stale(seen, context, stale).await?);
        }
    }
    Ok(decision)
}

/// Whether an AC profile can be served by an EAS registered here.
#[derive(Clone, Debug)]
pub enum Service {
    /// The profile names no EAS: nothing that could fail.
    NothingAsked,
    /// By this EAS.
    By(Box<DiscoveredEas>),
    /// Not: for this reason.
    No(UnfulfillAcProfRsn),
}

/// Finds the EAS that serves an AC profile; the selection of EASs stands behind it.
pub trait AcProfileService: Send + Sync + 'static {
    /// The service that an AC with this profile can get here.
    fn service(&self, profile: &AcProfile) -> Service;
}

/// A registration as it was made.
#[derive(Clone, Debug)]
pub struct Registered {
    /// Its id.
    pub id: String,
    /// The registration with what the EES added.
    pub registration: EecRegistration,
}

/// What an EES does for Edge Enabler Clients (TS 24.558 clause 5.2).
#[async_trait]
pub trait EecRegistrations: Send + Sync {
    /// Keeps a new registration; its owner is `principal`. An older one of the same EEC is retired.
    ///
    /// # Errors
    /// [`Cause::OwnerMismatch`] when `eecId` or the context is not the caller's, [`Cause::UeIdNotVerified`],
    /// [`Cause::ResourceNotFound`] when none of the AC profiles can be served.
    async fn register(&self, principal: &Principal, request: EecRegistration) -> Result<Registered, Error>;

    /// Replaces or patches a registration.
    ///
    /// # Errors
    /// As [`EecRegistrations::register`]; 404 for a stranger's; [`Cause::ModificationNotAllowed`]. Nothing has changed then.
    async fn change(&self, principal: &Principal, id: &str, change: Change<EecRegistration>) -> Result<EecRegistration, Error>;

    /// Ends a registration; its context is kept for a while (TS 23.558 clause 8.9.1.3).
    ///
    /// # Errors
    /// 404 when it is not there or somebody else's.
    async fn deregister(&self, principal: &Principal, id: &str) -> Result<(), Error>;
}

/// The service behind [`EecRegistrations`].
pub struct EecService {
    room: Room,
    lifetimes: Lifetimes,
    own_id: EesId,
    policy: ContextPolicy,
    eass: Arc<dyn AcProfileService>,
    peers: Arc<dyn Peers>,
}

impl EecService {
    /// A service over this room.
    pub fn new(
        room: Room,
        lifetimes: Lifetimes,
        own_id: EesId,
        policy: ContextPolicy,
        eass: Arc<dyn AcProfileService>,
        peers: Arc<dyn Peers>,
    ) -> Self {
        Self { room, lifetimes, own_id, policy, eass, peers }
    }

    /// Pure but for the look at the EASs: matches every profile, fills in what the answer reports.
    fn judge(&self, registration: &mut EecRegistration) -> Result<(), Error> {
        registration.discovered_eas = Vec::new();
        let (mut failed, mut found) = (Vec::new(), Vec::new());
        for profile in &registration.ac_profs {
            match self.eass.service(profile) {
                Service::NothingAsked => {}
                Service::By(eas) => found.push(*eas),
                Service::No(reason) => {
                    failed.push(UnfulfilledAcProfile { ac_id: Some(profile.ac_id.clone()), reason: Some(reason) });
                }
            }
        }
        if !registration.ac_profs.is_empty() && failed.len() == registration.ac_profs.len() {
            let ids: Vec<&str> = registration.ac_profs.iter().map(|profile| profile.ac_id.as_str()).collect();
            return Err(Error::new(
                Kind::NotFound,
                Cause::ResourceNotFound,
                format!("no EAS here can serve any of the AC profiles: {}", ids.join(", ")),
            ));
        }
        registration.tell_unfulfilled(failed);
        if registration.eas_sel_req_ind {
            found.dedup_by(|a, b| a.eas == b.eas);
            registration.discovered_eas = found;
        }
        Ok(())
    }

    /// The context that the EEC left at another EES; `None` when there is nothing to fetch or it cannot be had.
    async fn pull(&self, request: &EecRegistration) -> Result<Option<EecContext>, Error> {
        let (Some(id), Some(source)) = (&request.eec_cntx_id, &request.src_ees_id) else { return Ok(None) };
        if *source == self.own_id {
            return Ok(self.room.read::<EecContext>(&context::key(id)).await?.map(|kept| kept.value));
        }
        let peer = PeerEes { id: source.clone(), endpoint: request.end_pt.clone() };
        let query = EecContextsQuery { ees_id: self.own_id.clone(), eec_cntx_id: id.clone(), sess_cntxs: None };
        let pulled = match tokio::time::timeout(PULL_TIMEOUT, self.peers.pull_context(&peer, &query)).await {
            Ok(pulled) => pulled,
            Err(_) => Err(PeerError::Unreachable(format!("no answer within {PULL_TIMEOUT:?}"))),
        };
        match pulled {
            Ok(context) => Ok(Some(context)),
            // The registration goes on with a new context (TS 23.558 clause 8.9.1.1).
            Err(error) => {
                tracing::warn!(source = %source, %error, "the context of an EEC could not be fetched");
                Ok(None)
            }
        }
    }
}

/// The identities in a registration must be the caller's.
fn of_caller(principal: &Principal, registration: &EecRegistration) -> Result<(), Error> {
    if !principal.is_eec(&registration.eec_id) {
        return Err(Error::not_yours("/eecId", "EECID"));
    }
    proved_ue(principal, registration.ue_id.as_ref(), "/ueId")
}

/// A UE identifier counts only if the caller's certificate vouches for it (TS 33.558 clause 6.2).
///
/// # Errors
/// [`Cause::UeIdNotVerified`].
pub fn proved_ue(principal: &Principal, ue: Option<&Gpsi>, pointer: &str) -> Result<(), Error> {
    match ue {
        Some(ue) if !principal.proved_ue(ue) => Err(Error {
            cause: Cause::UeIdNotVerified,
            detail: format!("{pointer} must be the UE identifier that the caller's certificate carries").into(),
            ..Error::not_yours(pointer, "UE identifier")
        }),
        _ => Ok(()),
    }
}

#[async_trait]
impl EecRegistrations for EecService {
    async fn register(&self, principal: &Principal, request: EecRegistration) -> Result<Registered, Error> {
        of_caller(principal, &request)?;
        // A bad lifetime is refused before anybody else is asked for anything.
        self.lifetimes.grant(request.exp_time, self.room.now(), EecRegistration::EXPIRY)?;
        let mut request = request;
        self.judge(&mut request)?;
        let pulled = self.pull(&request).await?;
        if pulled.as_ref().is_some_and(|context| context.eec_id != request.eec_id) {
            return Err(Error::not_yours("/eecCntxId", "context"));
        }
        let id = fresh_id();
        for mut seen in self.room.attempts() {
            let mut registration = request.clone();
            registration.exp_time = self.lifetimes.grant(request.exp_time, seen.now(), EecRegistration::EXPIRY)?;
            let older = EecIndex::load(&mut seen, &registration.eec_id).await?;
            let context_id = match (&pulled, &older) {
                (Some(pulled), _) => pulled.cntx_id.clone(),
                (None, Some(older)) => older.context.clone(),
                (None, None) => context::fresh(),
            };
            let context_key = context::key(&context_id);
            let known = seen.kept::<EecContext>(&context_key).await?;
            if known.as_ref().is_some_and(|known| !known.is_of(principal)) {
                return Err(Error::not_yours("/eecCntxId", "context"));
            }
            let before = pulled.clone().or(known.map(|known| known.value));
            let context = context::of_registration(context_id.clone(), &registration, before);
            registration.eec_cntx_id = Some(context_id);
            let stored = without_report(&registration);
            let decision = keep_registration(&mut seen, principal.owner(), &id, &stored, older)
                .await?
                .put(&context_key, &Kept::new(principal, None, context))?
                .answer(registration);
            if let Some((registration, _)) = self.room.commit(seen, decision).await? {
                return Ok(Registered { id, registration });
            }
        }
        Err(contended())
    }

    async fn change(&self, principal: &Principal, id: &str, change: Change<EecRegistration>) -> Result<EecRegistration, Error> {
        let key = key_of::<EecRegistration, Ees>(principal, id);
        for mut seen in self.room.attempts() {
            let kept = seen.kept::<EecRegistration>(&key).await?.filter(|kept| kept.is_of(principal));
            let kept = kept.ok_or_else(EecRegistration::not_found)?;
            let (mut next, renews) = match &change {
                Change::Replace(next) => (next.clone(), true),
                Change::Patch(patch) => {
                    let next = patch::apply(&kept.value, patch, &EecRegistration::PATCH)?;
                    (next, patch.get("expTime").is_some())
                }
            };
            kept.value.may_become(&next)?;
            of_caller(principal, &next)?;
            next.exp_time = match renews {
                true => self.lifetimes.grant(next.exp_time, seen.now(), EecRegistration::EXPIRY)?,
                false => kept.expires_at,
            };
            self.judge(&mut next)?;
            next.eec_cntx_id.clone_from(&kept.value.eec_cntx_id);
            let older = EecIndex::load(&mut seen, &next.eec_id).await?;
            let mut decision = keep_registration(&mut seen, principal.owner(), id, &without_report(&next), older).await?;
            if let Some(context_id) = &next.eec_cntx_id {
                let context_key = context::key(context_id);
                let before = seen.kept::<EecContext>(&context_key).await?.map(|kept| kept.value);
                let context = context::of_registration(context_id.clone(), &next, before);
                decision = decision.put(&context_key, &Kept::new(principal, None, context))?;
            }
            if let Some((next, _)) = self.room.commit(seen, decision.answer(next)).await? {
                return Ok(next);
            }
        }
        Err(contended())
    }

    async fn deregister(&self, principal: &Principal, id: &str) -> Result<(), Error> {
        let key = key_of::<EecRegistration, Ees>(principal, id);
        for mut seen in self.room.attempts() {
            let kept = seen.kept::<EecRegistration>(&key).await?.filter(|kept| kept.is_of(principal));
            let kept = kept.ok_or_else(EecRegistration::not_found)?;
            let around = forget(&mut seen, &kept.value, id, self.policy.stale_seconds).await?;
            if self.room.commit(seen, around.delete(&key)).await?.is_some() {
                return Ok(());
            }
        }
        Err(contended())
    }
}

/// What is kept of a registration: the report and the selection are made anew for every answer.
fn without_report(registration: &EecRegistration) -> EecRegistration {
    EecRegistration {
        discovered_eas: Vec::new(),
        unfulfill_ac_profs: Vec::new(),
        unfulfilled_ac_profs: None,
        ..registration.clone()
    }
}
