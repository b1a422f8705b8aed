//! Service continuity planning: relocations that rest on a prediction of where the UE will be, and what EESs tell each other of it
//! (Eees_ACRParameterInformation, TS 29.558 clause 5.13; TS 23.558 clauses 8.8.1.4 and 8.8.3.9).
//!
//! The EES that an EEC asks keeps the prediction with the relocation and tells the other EES, which keeps a relocation of its own for
//! it. At both, the record ends with the prediction: the EAS there is told to stop, and drops the context that nobody needed. The UE
//! has arrived when the same relocation is asked for without a prediction.

use super::{
    follow_up::AcrFollowUp,
    record::{Acr, AcrEvent, AcrRef, ContextMove, Side, Transfer, key},
    relocation::{AcrPolicy, AcrService},
    request::requested_by,
};
use crate::{
    eec,
    event::Event,
    peers::{PeerEes, PeerError},
};
use async_trait::async_trait;
use edgeapp_core::{
    error::{Cause, Error, Kind},
    kept::Kept,
    outbox::Outcome,
    principal::{Owner, Principal, Role},
    room::{Decision, Seen, contended, fresh_id},
    store::Key,
};
use edgeapp_openapi::{
    acr_management_event::AcrParameters,
    acr_parameter_information::AcrParamsInfo,
    app_context_relocation::AcrInitReq,
    common::DateTime,
    eas_registration::EasProfile,
    ees_registration::AcrScenario,
    ids::{EecId, EesId, Gpsi},
};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How often an EES is told that does not know the EEC: its context may be on the way.
const NOT_KNOWN_YET: u32 = 8;
/// How far ahead a prediction may reach.
const FORESIGHT: SignedDuration = SignedDuration::from_hours(24);

/// The prediction that a relocation rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Until when the UE is expected where it was predicted to be.
    pub predict_exp_time: DateTime,
    /// The EES at the other end, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<PeerEes>,
    /// Whether the EAS here was told, and has to be told when nothing comes of it.
    pub eas_told: bool,
}

/// A word on a prediction, on its way to another EES.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Prediction {
    /// The relocation here.
    pub acr: AcrRef,
    /// Who has to hear it.
    pub to: PeerEes,
    /// What it says.
    pub info: AcrParamsInfo,
}

/// What an EES does when another tells it parameters of a relocation.
#[async_trait]
pub trait AcrParameterInformation: Send + Sync {
    /// Takes note of a prediction, and tells the EAS of the pair that is registered here. Without one, a relocation that rested on a
    /// prediction of that EES no longer does: the UE has arrived.
    ///
    /// # Errors
    /// When the requestor is not the caller, the prediction is over, neither EAS is registered here or the EEC is not known
    /// ([`Cause::UeNotFound`]), or another relocation of the application runs ([`Cause::AcrInProgress`]).
    async fn take_note(&self, principal: &Principal, info: AcrParamsInfo) -> Result<(), Error>;
}

/// Pure: until when the UE is expected, as far as an initiation says it; a change counts more than what it changes.
pub(super) fn predicted(request: &AcrInitReq) -> Option<DateTime> {
    let changed = request.acr_modification_params.as_ref();
    let changed = changed.and_then(|change| change.acr_params.as_ref()?.predict_exp_time);
    changed.or_else(|| request.acr_params.as_ref()?.predict_exp_time)
}

/// Pure: a prediction of an initiation has to lie ahead, and has to say enough for the other EES to be told.
pub(super) fn foreseeable(request: &AcrInitReq, now: DateTime) -> Result<(), Error> {
    let Some(until) = predicted(request) else { return Ok(()) };
    let changed = request.acr_modification_params.as_ref();
    let at = match changed.and_then(|change| change.acr_params.as_ref()?.predict_exp_time) {
        Some(_) => "/acrModificationParams/acrParams/predictExpTime",
        None => "/acrParams/predictExpTime",
    };
    lies_ahead(until, now, at)?;
    for (pointer, missing) in [
        ("/acId", request.ac_id.is_none()),
        ("/sEasEndpoint", request.s_eas_endpoint.is_none()),
    ] {
        if missing && request.eec_ctxt_reloc.is_some() {
            return Err(Error::mandatory_missing(
                pointer,
                "is needed with a prediction, because the other EES is told of it",
            ));
        }
    }
    Ok(())
}

/// Pure: a prediction has to lie ahead, and not so far that what rests on it is kept for ever.
fn lies_ahead(until: DateTime, now: DateTime, pointer: &str) -> Result<(), Error> {
    if until <= now {
        return Err(Error::optional_incorrect(
            pointer,
            "is over: a prediction has to lie ahead",
        ));
    }
    if until.0 > now.0 + FORESIGHT {
        return Err(Error::optional_incorrect(
            pointer,
            "is too far ahead: a prediction holds for a day at most",
        ));
    }
    Ok(())
}

/// Pure: the plan of an initiation.
pub(super) fn plan_of(request: &AcrInitReq, context: &ContextMove) -> Option<Box<Plan>> {
    let predict_exp_time = predicted(request)?;
    let peer = match context {
        ContextMove::ToPush(_, peer) | ContextMove::ToPull(_, peer) => Some(peer.clone()),
        ContextMove::NotAsked | ContextMove::ToSeek | ContextMove::Moved(_) | ContextMove::Failed => None,
    };
    Some(Box::new(Plan {
        predict_exp_time,
        peer,
        eas_told: request.eas_notif_ind,
    }))
}

impl Acr {
    /// What goes with the reports to an EAS about it.
    pub(super) fn parameters(&self) -> Option<AcrParameters> {
        self.plan.as_ref().map(|plan| AcrParameters {
            predict_exp_time: Some(plan.predict_exp_time),
        })
    }

    /// Pure: when it is over if nothing happens after `now`. What rests on a prediction ends with that.
    pub(super) fn ends_at(&self, now: DateTime, policy: &AcrPolicy) -> DateTime {
        let seconds = if self.complete {
            policy.remembered_seconds
        } else {
            policy.transfer_seconds
        };
        let usual = DateTime(now.0 + SignedDuration::from_secs(i64::from(seconds)));
        match &self.plan {
            None => usual,
            Some(_) if self.result().is_some_and(|result| result.is_err()) => usual,
            Some(plan) if self.transfer == Transfer::Awaited => DateTime(usual.0.min(plan.predict_exp_time.0)),
            Some(plan) => DateTime(plan.predict_exp_time.0.max(now.0)),
        }
    }

    /// Pure: the word to the other EES about the prediction; none where it is not known. Without a plan it says that none is needed.
    pub(super) fn word_of_it(&self, own_id: &EesId, to: Option<&PeerEes>) -> Result<Option<AcrEvent>, Error> {
        let (Some(to), Some(eec_id), Some(ac_id)) = (to, &self.eec_id, &self.ac_id) else {
            return Ok(None);
        };
        let (Some(s_eas), Some(t_eas)) = (&self.s_eas, &self.t_eas) else {
            return Ok(None);
        };
        let info = AcrParamsInfo {
            requestor_id: own_id.as_str().parse().map_err(Error::internal)?,
            eec_id: eec_id.clone(),
            ac_id: ac_id.clone(),
            s_as_end_point: s_eas.clone(),
            t_as_end_point: t_eas.clone(),
            acr_params: self.parameters().unwrap_or_default(),
        };
        Ok(Some(AcrEvent::PredictionToTell(Box::new(Prediction {
            acr: self.reference(),
            to: to.clone(),
            info,
        }))))
    }

    /// Whether it is about this pair of EASs.
    fn is_between(&self, info: &AcrParamsInfo) -> bool {
        self.t_eas.as_ref() == Some(&info.t_as_end_point)
            && self.s_eas.as_ref().is_none_or(|source| *source == info.s_as_end_point)
    }
}

impl AcrFollowUp {
    /// Tells the other EES. It hears of it for as long as it matters; one that refuses is asked no more.
    pub(super) async fn tell_prediction(&self, word: &Prediction, attempt: u32) -> Outcome {
        match self.peers.tell_acr_params(&word.to, &word.info).await {
            Ok(()) => Outcome::Done,
            Err(PeerError::Unreachable(reason)) => Outcome::Again { reason, after: None },
            Err(PeerError::NotFound(reason)) if attempt + 1 < NOT_KNOWN_YET => Outcome::Again { reason, after: None },
            Err(error) => Outcome::Hopeless(format!("{} was not told of a prediction: {error}", word.to.id)),
        }
    }
}

impl AcrService {
    /// The EAS of the pair that is registered here, and which end it is.
    fn end_here(&self, info: &AcrParamsInfo) -> Result<(Side, Arc<EasProfile>), Error> {
        let target = self.eass.at(&info.t_as_end_point, None).map(|eas| (Side::Target, eas));
        let here = target.or_else(|| Some((Side::Source, self.eass.at(&info.s_as_end_point, None)?)));
        here.ok_or_else(|| {
            Error::new(
                Kind::NotFound,
                Cause::ResourceNotFound,
                "/tAsEndPoint, /sAsEndPoint: neither EAS is registered here",
            )
        })
    }

    async fn ue_of_eec(&self, eec_id: &EecId) -> Result<Gpsi, Error> {
        let known = eec::registered(&self.room, eec_id).await?;
        known
            .and_then(|(index, registration)| registration.ue_id.or(index.ue_id))
            .ok_or_else(|| {
                Error::new(
                    Kind::NotFound,
                    Cause::UeNotFound,
                    "/eecId: no such EEC is registered here with its UE",
                )
            })
    }

    /// The relocation of this pair and AC; an EEC may have left the AC out.
    async fn known_to_be(&self, seen: &mut Seen, usual: &Key, bare: &Key) -> Result<(Key, Option<Kept<Acr>>), Error> {
        if let Some(known) = seen.kept::<Acr>(usual).await? {
            return Ok((usual.clone(), Some(known)));
        }
        match seen.kept::<Acr>(bare).await? {
            Some(known) => Ok((bare.clone(), Some(known))),
            None => Ok((usual.clone(), None)),
        }
    }
}

#[async_trait]
impl AcrParameterInformation for AcrService {
    async fn take_note(&self, principal: &Principal, info: AcrParamsInfo) -> Result<(), Error> {
        if principal.role() != Role::Ees {
            return Err(Error::forbidden(
                Cause::Unauthorized,
                "EESs tell each other parameters of relocations",
            ));
        }
        requested_by(principal, &info.requestor_id)?;
        let teller: EesId = principal.id().parse().map_err(Error::internal)?;
        let predicted = info.acr_params.predict_exp_time;
        if let Some(until) = predicted {
            lies_ahead(until, self.room.now(), "/acrParams/predictExpTime")?;
        }
        let (side, eas) = self.end_here(&info)?;
        let ue_id = self.ue_of_eec(&info.eec_id).await?;
        let usual = key(&ue_id, &eas.eas_id, Some(&info.ac_id));
        let bare = key(&ue_id, &eas.eas_id, None);
        for mut seen in self.room.attempts() {
            let (key, known) = self.known_to_be(&mut seen, &usual, &bare).await?;
            let owner = known
                .as_ref()
                .map_or_else(|| Owner::eec(&info.eec_id), |kept| kept.owner.clone());
            let known = known.map(|kept| kept.value);
            let planned = known.as_ref().is_some_and(|known| known.plan.is_some());
            let same = known.as_ref().filter(|known| known.is_between(&info));
            let Some(until) = predicted else {
                let arrived = same.filter(|known| planned && is_told_by(known, &teller));
                let Some(arrived) = arrived else { return Ok(()) };
                if self.committed(seen, arrived_now(arrived, &key, owner, self)?).await? {
                    return Ok(());
                }
                continue;
            };
            if let Some(plan) = same.and_then(|known| known.plan.as_ref())
                && plan.predict_exp_time == until
            {
                return Ok(());
            }
            // What rests on no prediction, or on one that others told, is not the teller's to change; what runs stays with its pair.
            let in_the_way =
                |known: &Acr| !planned || !is_told_by(known, &teller) || (known.runs() && !known.is_between(&info));
            if known.as_ref().is_some_and(|known| !known.complete && in_the_way(known)) {
                return Err(Error::forbidden(
                    Cause::AcrInProgress,
                    "a relocation of this application of this UE is running",
                ));
            }
            let plan = Box::new(Plan {
                predict_exp_time: until,
                peer: Some(PeerEes {
                    id: teller.clone(),
                    endpoint: None,
                }),
                eas_told: true,
            });
            let next = match same.filter(|_| planned) {
                Some(known) => Acr {
                    plan: Some(plan),
                    ..known.clone()
                },
                None => foreseen(side, &eas, &ue_id, &info, plan),
            };
            let mut decision = Decision::of(());
            // What another pair was told is void.
            if let Some(earlier) = known.filter(|earlier| planned && !earlier.is_between(&info)) {
                decision = decision.tell(&Event::Acr(AcrEvent::Abandoned(Box::new(earlier))))?;
            }
            let kept = Kept {
                owner,
                expires_at: Some(next.ends_at(seen.now(), &self.policy)),
                value: next.clone(),
            };
            // What was known under another name, without the AC, is this one now.
            let place = next.key();
            if place != key {
                decision = decision.delete(&key);
            }
            decision = decision
                .put(&place, &kept)?
                .tell(&Event::Acr(AcrEvent::Predicted(Box::new(next))))?;
            if self.committed(seen, decision).await? {
                return Ok(());
            }
        }
        Err(contended())
    }
}

impl AcrService {
    async fn committed(&self, seen: Seen, decision: Decision<()>) -> Result<bool, Error> {
        Ok(self.room.commit(seen, decision).await?.is_some())
    }
}

/// Pure: whether the prediction came from this EES.
fn is_told_by(known: &Acr, teller: &EesId) -> bool {
    let peer = known.plan.as_ref().and_then(|plan| plan.peer.as_ref());
    peer.is_some_and(|peer| peer.id == *teller)
}

/// Pure: a relocation whose UE has arrived no longer ends with its prediction. What was kept for the prediction alone is forgotten.
fn arrived_now(known: &Acr, key: &Key, owner: Owner, service: &AcrService) -> Result<Decision<()>, Error> {
    if known.transfer == Transfer::NotAwaited {
        return Ok(Decision::of(()).delete(key));
    }
    let next = Acr {
        plan: None,
        ..known.clone()
    };
    let kept = Kept {
        owner,
        expires_at: Some(next.ends_at(service.room.now(), &service.policy)),
        value: next,
    };
    Decision::of(()).put(key, &kept)
}

/// Pure: a relocation that is known by its prediction only.
fn foreseen(side: Side, eas: &EasProfile, ue_id: &Gpsi, info: &AcrParamsInfo, plan: Box<Plan>) -> Acr {
    Acr {
        id: fresh_id(),
        side,
        scenario: match side {
            Side::Target => AcrScenario::EecExecutedViaSourceEes,
            Side::Source => AcrScenario::EecExecutedViaTargetEes,
        },
        eec_id: Some(info.eec_id.clone()),
        ue_id: ue_id.clone(),
        eas_id: eas.eas_id.clone(),
        ac_id: Some(info.ac_id.clone()),
        s_eas: Some(info.s_as_end_point.clone()),
        t_eas: Some(info.t_as_end_point.clone()),
        context: ContextMove::NotAsked,
        transfer: Transfer::NotAwaited,
        complete: false,
        managed: None,
        plan: Some(plan),
        bundle: None,
    }
}
