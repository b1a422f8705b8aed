//! EEC registrations (TS 24.558 clause 5.2, TS 23.558 clause 8.4.2).

mod index;

pub use index::{EecIndex, eec_of_ue, forget, keep_registration, registered};

use crate::{
    Ees,
    ac_information::{
        interest::AcInterest,
        known::{AcsKnown, KnownBy},
    },
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
    principal::Principal,
    room::{Decision, Room, contended, fresh_id},
    store::Key,
};
use edgeapp_openapi::{
    common::DateTime,
    eas_discovery::DiscoveredEas,
    eec_context_relocation::{EecContext, EecContextsQuery},
    eec_registration::{AcProfile, EecRegistration, UnfulfillAcProfRsn, UnfulfilledAcProfile},
    ids::{EesId, Gpsi},
};
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

/// Whether an AC profile can be served by an EAS registered here.
#[derive(Clone, Debug)]
pub enum Service {
    /// The profile names no EAS: nothing that could fail.
    NothingAsked,
    /// By this EAS.
    By(Arc<DiscoveredEas>),
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
    async fn change(
        &self,
        principal: &Principal,
        id: &str,
        change: Change<EecRegistration>,
    ) -> Result<EecRegistration, Error>;

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
    interest: AcInterest,
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
        Self {
            room,
            lifetimes,
            own_id,
            policy,
            eass,
            peers,
            interest: AcInterest::nobody(),
        }
    }

    /// Tells of application clients where these could care.
    pub fn watched_by(mut self, interest: AcInterest) -> Self {
        self.interest = interest;
        self
    }

    /// The decision, and the news of the application clients of a registration.
    fn and_news<R>(&self, decision: Decision<R>, registration: &EecRegistration) -> Result<Decision<R>, Error> {
        let acs = || AcsKnown {
            eec_id: registration.eec_id.clone(),
            by: KnownBy::Registration,
        };
        self.interest
            .known(decision, acs, registration.ue_id.as_ref(), &registration.ac_profs)
    }

    /// Pure but for the look at the EASs: matches every profile, fills in what the answer reports.
    fn judge(&self, registration: &mut EecRegistration) -> Result<(), Error> {
        registration.discovered_eas = Vec::new();
        let (mut failed, mut found) = (Vec::new(), Vec::new());
        for profile in &registration.ac_profs {
            match self.eass.service(profile) {
                Service::NothingAsked => {}
                Service::By(eas) => found.push(eas),
                Service::No(reason) => {
                    failed.push(UnfulfilledAcProfile {
                        ac_id: Some(profile.ac_id.clone()),
                        reason: Some(reason),
                    });
                }
            }
        }
        if !registration.ac_profs.is_empty() && failed.len() == registration.ac_profs.len() {
            let ids: Vec<&str> = registration
                .ac_profs
                .iter()
                .map(|profile| profile.ac_id.as_str())
                .collect();
            return Err(Error::new(
                Kind::NotFound,
                Cause::ResourceNotFound,
                format!(
                    "no EAS here can serve any of the AC profiles: {}; compared are EASIDs, acSvcContSupp with svcContSupp, service areas and KPIs",
                    ids.join(", ")
                ),
            ));
        }
        registration.tell_unfulfilled(failed);
        if registration.eas_sel_req_ind {
            for eas in found {
                if registration.discovered_eas.iter().all(|told| told.eas != eas.eas) {
                    registration.discovered_eas.push(Arc::unwrap_or_clone(eas));
                }
            }
        }
        Ok(())
    }

    /// The context that the EEC left at another EES; `None` when there is nothing to fetch or it cannot be had.
    async fn pull(&self, request: &EecRegistration) -> Result<Option<EecContext>, Error> {
        let (Some(id), Some(source)) = (&request.eec_cntx_id, &request.src_ees_id) else {
            return Ok(None);
        };
        if *source == self.own_id {
            return Ok(self
                .room
                .read::<EecContext>(&context::key(id))
                .await?
                .map(|kept| kept.value));
        }
        let peer = PeerEes {
            id: source.clone(),
            endpoint: request.end_pt.clone(),
        };
        let query = EecContextsQuery {
            ees_id: self.own_id.clone(),
            eec_cntx_id: id.clone(),
            sess_cntxs: None,
        };
        let pulled = match tokio::time::timeout(PULL_TIMEOUT, self.peers.pull_context(&peer, &query)).await {
            Ok(pulled) => pulled,
            Err(_) => Err(PeerError::Unreachable(format!("no answer within {PULL_TIMEOUT:?}"))),
        };
        match pulled {
            Ok(context) if context.cntx_id == *id => Ok(Some(context)),
            Ok(context) => {
                tracing::warn!(source = %source, asked = %id, answered = %context.cntx_id, "another context than asked for came");
                Ok(None)
            }
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
        self.lifetimes
            .grant(request.exp_time, self.room.now(), EecRegistration::EXPIRY)?;
        let mut request = request;
        self.judge(&mut request)?;
        let pulled = self.pull(&request).await?;
        if pulled.as_ref().is_some_and(|context| context.eec_id != request.eec_id) {
            return Err(Error::not_yours("/eecCntxId", "context"));
        }
        let id = fresh_id();
        for mut seen in self.room.attempts() {
            let mut registration = request.clone();
            registration.exp_time = self
                .lifetimes
                .grant(request.exp_time, seen.now(), EecRegistration::EXPIRY)?;
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
            registration.eec_cntx_id = Some(context_id.clone());
            let retired = context::retire(&mut seen, older.as_ref(), &context_id, self.policy.stale_seconds).await?;
            let stored = Kept::new(principal, registration.exp_time, without_report(&registration));
            let decision = keep_registration(&mut seen, &stored, &id, false, older)
                .await?
                .and(retired)
                .put(&context_key, &Kept::new(principal, None, context))?;
            let decision = self.and_news(decision, &registration)?.answer(registration);
            if let Some((registration, _)) = self.room.commit(seen, decision).await? {
                return Ok(Registered { id, registration });
            }
        }
        Err(contended())
    }

    async fn change(
        &self,
        principal: &Principal,
        id: &str,
        change: Change<EecRegistration>,
    ) -> Result<EecRegistration, Error> {
        let key = key_of::<EecRegistration, Ees>(principal, id);
        for mut seen in self.room.attempts() {
            let kept = seen
                .kept::<EecRegistration>(&key)
                .await?
                .filter(|kept| kept.is_of(principal));
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
                true => self
                    .lifetimes
                    .grant(next.exp_time, seen.now(), EecRegistration::EXPIRY)?,
                false => kept.expires_at,
            };
            self.judge(&mut next)?;
            next.eec_cntx_id.clone_from(&kept.value.eec_cntx_id);
            let older = EecIndex::load(&mut seen, &next.eec_id).await?;
            let stored = Kept::new(principal, next.exp_time, without_report(&next));
            let mut decision = keep_registration(&mut seen, &stored, id, false, older).await?;
            if let Some(context_id) = &next.eec_cntx_id {
                let context_key = context::key(context_id);
                let before = seen.kept::<EecContext>(&context_key).await?.map(|kept| kept.value);
                let context = context::of_registration(context_id.clone(), &next, before);
                decision = decision.put(&context_key, &Kept::new(principal, None, context))?;
            }
            if (&next.ac_profs, &next.ue_id) != (&kept.value.ac_profs, &kept.value.ue_id) {
                decision = self.and_news(decision, &next)?;
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
            let kept = seen
                .kept::<EecRegistration>(&key)
                .await?
                .filter(|kept| kept.is_of(principal));
            let kept = kept.ok_or_else(EecRegistration::not_found)?;
            let around = forget(&mut seen, &kept.value, id, self.policy.stale_seconds).await?;
            let around = self.interest.gone(around, &kept.value.eec_id)?;
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
