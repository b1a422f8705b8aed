//! Eees_EELManagedACR: an S-EAS leaves its relocation to the enabler layer (TS 29.558 clause 5.11, TS 23.558 clause 8.8.3.6).
//!
//! The S-EES keeps the wish as a relocation without a target, finds one, and hands over where the application context lies: to a T-EAS
//! that is registered here directly, else to its EES with the EEC context. There the address stands in the session that relocates, in
//! the place of an S-EAS, so that the T-EES tells it to the T-EAS as the peer to take the context from.

use super::{
    one_at_a_time::{Meeting, begins},
    record::{self, Acr, AcrEvent, ContextMove, Side, Transfer, key},
    relocation::AcrService,
};
use crate::{
    app_contexts::{self, AppContext},
    event::Event,
};
use async_trait::async_trait;
use edgeapp_core::{
    callback::CallbackRule,
    error::{Cause, Error, Kind},
    kept::Kept,
    principal::{Owner, Principal},
    room::{Decision, Seen, contended, fresh_id},
    store::{Key, Span},
};
use edgeapp_openapi::{
    acr_status_update::ActResult,
    common::Uri,
    eas_discovery::EasCharacteristics,
    eas_registration::{EasProfile, EndPoint},
    eec_context_relocation::{EecContext, EecContextPush, IndividualSessionContext},
    eel_managed_acr::{EelAcrReq, EelAcrResp},
    ees_registration::AcrScenario,
    features,
    ids::EasId,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What an S-EES has to know of a relocation that it manages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Managed {
    /// What the T-EAS has to be like.
    pub wanted: Vec<EasCharacteristics>,
    /// Where the application context lies, or will.
    pub store: Uri,
    /// Whether it lies there already.
    pub stored: bool,
}

impl Managed {
    /// Where the application context lies, as an endpoint.
    pub fn lies_at(&self) -> EndPoint {
        EndPoint::Uri(self.store.clone())
    }
}

/// What an EES does for EASs that leave their relocations to it.
#[async_trait]
pub trait EelManagedAcrs: Send + Sync {
    /// Takes a relocation over. It is kept before the answer, and runs afterwards. Where the EAS names no place for its application
    /// context, one is made here; `uri_of` makes its absolute URI out of its token.
    ///
    /// # Errors
    /// [`Cause::AcrScenarioNotSupported`] when this EES or the EAS takes no part in such relocations, [`Cause::NotRegistered`],
    /// [`Cause::UeNotFound`] when the EAS serves no such UE, [`Cause::AcrInProgress`] when one of this UE and application runs, and
    /// when a member is wrong.
    async fn request(
        &self,
        principal: &Principal,
        request: EelAcrReq,
        uri_of: &(dyn for<'a> Fn(&'a str) -> String + Send + Sync),
    ) -> Result<EelAcrResp, Error>;
}

/// The service behind [`EelManagedAcrs`].
pub struct EelManagedService {
    relocations: Arc<AcrService>,
    callbacks: CallbackRule,
    scenarios: Vec<AcrScenario>,
}

impl EelManagedService {
    /// A service that keeps its relocations with the others of this EES, which takes part in these scenarios.
    pub fn new(relocations: Arc<AcrService>, callbacks: CallbackRule, scenarios: Vec<AcrScenario>) -> Self {
        Self {
            relocations,
            callbacks,
            scenarios,
        }
    }

    /// The registration of the caller that takes part in such relocations.
    fn source(&self, principal: &Principal, eas_id: &EasId) -> Result<Arc<EasProfile>, Error> {
        let managed = &AcrScenario::EelManagedAcr;
        if !self.scenarios.contains(managed) {
            return Err(Error::forbidden(
                Cause::AcrScenarioNotSupported,
                "this EES does not take part in EEL_MANAGED_ACR",
            ));
        }
        let registered = self.relocations.eass.registered_by(principal.owner(), eas_id);
        if registered.is_empty() {
            return Err(Error::forbidden(
                Cause::NotRegistered,
                "an EAS has to be registered here before it leaves relocations to this EES",
            ));
        }
        registered.into_iter().find(|eas| eas.supports(managed)).ok_or_else(|| {
            Error::forbidden(
                Cause::AcrScenarioNotSupported,
                "EEL_MANAGED_ACR is not among svcContSupp of the caller's registration",
            )
        })
    }

    /// The place for an application context: the one the EAS named, or a fresh one of ours with its token.
    fn place(
        &self,
        named: Option<Uri>,
        uri_of: &(dyn for<'a> Fn(&'a str) -> String + Send + Sync),
    ) -> Result<(Uri, Option<String>), Error> {
        match named {
            Some(named) => {
                self.callbacks.check(&named, "/appCtxtStoreAddr")?;
                Ok((named, None))
            }
            None => {
                let token = fresh_id();
                let uri = uri_of(&token).parse().map_err(Error::internal)?;
                Ok((uri, Some(token)))
            }
        }
    }
}

/// Pure: the application of the target is that of the source: another one could not use its context.
fn of_application(mut wanted: Vec<EasCharacteristics>, eas_id: &EasId) -> Result<Vec<EasCharacteristics>, Error> {
    for (n, like) in wanted.iter_mut().enumerate() {
        if like.eas_id.get_or_insert_with(|| eas_id.clone()) != eas_id {
            return Err(Error::mandatory_incorrect(
                format!("/easCharacs/{n}/easId"),
                "must be the application of the caller: another one cannot use its context",
            ));
        }
    }
    Ok(wanted)
}

#[async_trait]
impl EelManagedAcrs for EelManagedService {
    async fn request(
        &self,
        principal: &Principal,
        request: EelAcrReq,
        uri_of: &(dyn for<'a> Fn(&'a str) -> String + Send + Sync),
    ) -> Result<EelAcrResp, Error> {
        let eas_id: EasId = principal.id().parse().map_err(Error::internal)?;
        let eas = self.source(principal, &eas_id)?;
        let wanted = of_application(request.eas_characs, &eas_id)?;
        let (store, token) = self.place(request.app_ctxt_store_addr, uri_of)?;
        let (eec_id, ac_id) = self
            .relocations
            .served(std::slice::from_ref(&eas), &request.ue_id)
            .await?;
        let acr = Acr {
            id: fresh_id(),
            side: Side::Source,
            scenario: AcrScenario::EelManagedAcr,
            eec_id: Some(eec_id),
            ue_id: request.ue_id,
            eas_id,
            ac_id,
            s_eas: Some(eas.end_pt.clone()),
            t_eas: None,
            context: ContextMove::NotAsked,
            transfer: Transfer::Awaited,
            complete: false,
            managed: Some(Box::new(Managed {
                wanted,
                store: store.clone(),
                stored: token.is_none(),
            })),
            plan: None,
            bundle: None,
        };
        let service = &self.relocations;
        for mut seen in service.room.attempts() {
            let (now, policy) = (seen.now(), &service.policy);
            service.none_runs(&mut seen, &acr).await?;
            let mut decision = Decision::of(());
            if let Some(token) = &token {
                // It outlives the relocation by as long as that is remembered, for a T-EAS whose download broke off.
                let seconds = policy.transfer_seconds.saturating_add(policy.remembered_seconds);
                let kept = Kept::new(principal, Some(service.later(now, seconds)), AppContext::of(&acr));
                let key = app_contexts::key(token);
                seen.fresh(&key);
                decision = decision.put(&key, &kept)?;
            }
            let end = Some(service.later(now, policy.transfer_seconds));
            decision = begins(decision, &Kept::new(principal, end, acr.clone()), now)?
                .tell(&Event::Acr(AcrEvent::LeftToUs(acr.reference())))?;
            if service.room.commit(seen, decision).await?.is_some() {
                return Ok(EelAcrResp {
                    app_ctxt_store_addr: Some(store),
                    supp_feat: request.supp_feat.map(|offered| features::NONE.common(&offered)),
                });
            }
        }
        Err(contended())
    }
}

fn in_progress() -> Error {
    Error::forbidden(
        Cause::AcrInProgress,
        "a relocation of this application of this UE is running",
    )
}

impl AcrService {
    /// No relocation of the same application of the same UE may run, whichever AC it is of.
    async fn none_runs(&self, seen: &mut Seen, next: &Acr) -> Result<(), Error> {
        self.turn_of(seen, next).await?;
        let folder = record::folder(&next.ue_id, &next.eas_id);
        let listed = self.room.store().range(Span::prefix(folder)).await?.entries;
        let mut keys: Vec<Key> = listed.into_iter().map(|entry| entry.key).collect();
        keys.push(next.key());
        for key in keys {
            if seen.kept::<Acr>(&key).await?.is_some_and(|known| known.value.runs()) {
                return Err(in_progress());
            }
        }
        Ok(())
    }

    /// At the T-EES: takes over what the S-EES of a relocation that it manages hands over with the EEC context, so that the T-EAS here
    /// is told where to take its application context from. That session is no session with an S-EAS: it leaves the context. Also
    /// answers with the key of the record that is kept or stays.
    ///
    /// # Errors
    /// When the T-EAS is not registered here, the UE is not named, or another relocation of its runs.
    pub(crate) async fn handed_over(
        &self,
        seen: &mut Seen,
        push: &mut EecContextPush,
    ) -> Result<Decision<Option<Key>>, Error> {
        let Some(t_eas) = push.tgt_eas.clone() else {
            return Ok(Decision::of(None));
        };
        let Some(session) = take_managed(&mut push.eec_cntx) else {
            return Ok(Decision::of(None));
        };
        let ue_id = push.eec_cntx.ue_id.clone().ok_or_else(|| {
            Error::mandatory_missing("/eecCntx/ueId", "is needed to hand an application context over")
        })?;
        let known = self.eass.at(&t_eas, Some(&session.eas_id));
        if !known.is_some_and(|eas| eas.supports(&AcrScenario::EelManagedAcr)) {
            return Err(Error::new(
                Kind::NotFound,
                Cause::ResourceNotFound,
                "/tgtEas: no such EAS that takes part in EEL_MANAGED_ACR is registered here",
            ));
        }
        let key = key(&ue_id, &session.eas_id, session.ac_id.as_ref());
        let owner = Owner::eec(&push.eec_cntx.eec_id);
        let acr = Acr {
            id: fresh_id(),
            side: Side::Target,
            scenario: AcrScenario::EelManagedAcr,
            eec_id: Some(push.eec_cntx.eec_id.clone()),
            ue_id,
            eas_id: session.eas_id,
            ac_id: session.ac_id,
            s_eas: Some(session.end_pt),
            t_eas: Some(t_eas),
            context: ContextMove::NotAsked,
            transfer: Transfer::Awaited,
            complete: false,
            managed: None,
            plan: None,
            bundle: None,
        };
        if let Some(known) = seen.kept::<Acr>(&key).await?.map(|kept| kept.value) {
            // The same once more, because our answer was lost: the T-EAS is not told twice.
            let failed = known.result().is_some_and(|result| result.is_err());
            if !failed && (&known.s_eas, &known.t_eas) == (&acr.s_eas, &acr.t_eas) {
                return Ok(Decision::of(Some(key)));
            }
            if known.runs() {
                return Err(in_progress());
            }
        }
        if self.beside(seen, &acr).await? != Meeting::Apart {
            return Err(in_progress());
        }
        let kept = Kept {
            owner,
            expires_at: Some(self.later(seen.now(), self.policy.transfer_seconds)),
            value: acr.clone(),
        };
        Ok(begins(Decision::of(()), &kept, seen.now())?
            .tell(&Event::Acr(AcrEvent::Started(Box::new(acr))))?
            .answer(Some(key)))
    }
}

/// Pure: whether a session is the hand-over of a managed relocation: it names a URI where an EAS would stand.
pub(super) fn is_hand_over(session: &IndividualSessionContext) -> bool {
    session.acr_list == [AcrScenario::EelManagedAcr] && matches!(session.end_pt, EndPoint::Uri(_))
}

/// Pure: takes the session out of a context that an S-EES manages: it names a URI where an S-EAS would stand.
fn take_managed(context: &mut EecContext) -> Option<IndividualSessionContext> {
    let sessions = context.sess_cntxs.as_mut()?;
    // The last one is that of this relocation; others of this kind are of no use here.
    let at = sessions.sess_cntxs.iter().rposition(is_hand_over)?;
    let session = sessions.sess_cntxs.remove(at);
    sessions.sess_cntxs.retain(|known| !is_hand_over(known));
    if sessions.sess_cntxs.is_empty() {
        context.sess_cntxs = None;
    }
    Some(session)
}

/// How a relocation that the enabler layer managed ended, as it is told.
pub(super) fn told_result(acr: &Acr) -> Option<ActResult> {
    let managed = acr.scenario == AcrScenario::EelManagedAcr;
    let result = acr.result().filter(|_| managed)?;
    Some(if result.is_ok() {
        ActResult::Successful
    } else {
        ActResult::Failed
    })
}
