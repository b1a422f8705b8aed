//! EEC contexts: what an EES knows of an EEC and hands on when the EEC moves (TS 23.558 clause 8.9, TS 29.558 clause 5.10).

use crate::{
    ac_information::{
        interest::AcInterest,
        known::{AcsKnown, KnownBy},
    },
    acr::{EasDirectory, record, relocation::AcrService},
    eec::{self, EecIndex},
    event::{Event, ScenariosSelected},
    scenarios,
};
use async_trait::async_trait;
use edgeapp_core::{
    clock::Lifetimes,
    error::{Cause, Error, Kind},
    kept::Kept,
    principal::{Owner, Principal},
    room::{Decision, Room, Seen, contended, fresh_id},
    store::Key,
};
use edgeapp_openapi::{
    common::DateTime,
    eas_registration::EasProfile,
    eec_context_relocation::{
        EecContext, EecContextPush, EecContextPushRes, EecContextsQuery, EecSrvContinuitySupport, ImplicitRegDetails,
        SessionContexts,
    },
    eec_registration::{AcProfile, EecRegistration},
    ees_registration::AcrScenario,
    ids::{EecContextId, EesId, RegistrationId},
};
use jiff::SignedDuration;
use std::sync::Arc;

/// First part of the keys of contexts.
pub const PREFIX: &str = "context/";

/// The key of a context.
pub fn key(id: &EecContextId) -> Key {
    Key::from(format!("{PREFIX}{}", Key::part(id.as_str())))
}

/// The refusal for a context that is not here.
pub fn not_found() -> Error {
    Error::new(Kind::NotFound, Cause::ContextNotFound, "there is no such EEC context")
}

/// A fresh context id.
pub fn fresh() -> EecContextId {
    // A random id is always an identifier.
    EecContextId::try_from(fresh_id().as_str()).unwrap_or_else(|_| unreachable!("hexadecimal digits are an identifier"))
}

/// Pure: the context of a registered EEC, built on what was known of it before.
pub fn of_registration(id: EecContextId, registration: &EecRegistration, before: Option<EecContext>) -> EecContext {
    let scenarios = registration.eec_svc_cont_supp.clone();
    EecContext {
        eec_id: registration.eec_id.clone(),
        cntx_id: id,
        ue_id: registration.ue_id.clone(),
        e1_subs: Vec::new(),
        ue_loc: before.as_ref().and_then(|before| before.ue_loc.clone()),
        ac_profs: registration.ac_profs.clone(),
        sess_cntxs: before.and_then(|before| before.sess_cntxs),
        eec_srv_cont_supp: Some(EecSrvContinuitySupport {
            srv_cont_supp: !scenarios.is_empty(),
            acr_scenarios: scenarios,
        }),
        ue_mob_supp_ind: registration.ue_mobility_req,
    }
}

/// What an EES does about contexts that other EESs ask for or bring.
#[async_trait]
pub trait EecContexts: Send + Sync {
    /// The context that another EES asks for.
    ///
    /// # Errors
    /// [`Cause::ContextNotFound`]; [`Cause::OwnerMismatch`] when the query names another EES than the caller.
    async fn pull(&self, principal: &Principal, query: EecContextsQuery) -> Result<EecContext, Error>;

    /// Takes over a context from another EES, and registers its EEC where that is the policy.
    ///
    /// # Errors
    /// [`Cause::OwnerMismatch`] when the body names another EES than the caller, or the context belongs to another EEC.
    async fn push(&self, principal: &Principal, push: EecContextPush) -> Result<Option<EecContextPushRes>, Error>;
}

/// How contexts are treated here.
#[derive(Clone, Copy, Debug)]
pub struct ContextPolicy {
    /// A pushed context registers its EEC implicitly (TS 29.558 clause 5.10.2.3.2).
    pub register_implicitly: bool,
    /// How long a context without a registration is kept for other EESs to fetch, in seconds (TS 23.558 clause 8.9.1.3).
    pub stale_seconds: u32,
}

/// The service behind [`EecContexts`].
pub struct ContextService {
    room: Room,
    policy: ContextPolicy,
    lifetimes: Lifetimes,
    own_scenarios: Vec<AcrScenario>,
    eass: Arc<dyn EasDirectory>,
    relocations: Arc<AcrService>,
    interest: AcInterest,
}

impl ContextService {
    /// A service over this room; implicit registrations live as long as `lifetimes` grants, and what comes with a context for a
    /// relocation goes to `relocations`.
    pub fn new(
        room: Room,
        policy: ContextPolicy,
        lifetimes: Lifetimes,
        own_scenarios: Vec<AcrScenario>,
        eass: Arc<dyn EasDirectory>,
        relocations: Arc<AcrService>,
    ) -> Self {
        Self {
            room,
            policy,
            lifetimes,
            own_scenarios,
            eass,
            relocations,
            interest: AcInterest::nobody(),
        }
    }

    /// Tells of application clients where these could care.
    pub fn watched_by(mut self, interest: AcInterest) -> Self {
        self.interest = interest;
        self
    }

    /// Takes a context over: into that of a registration the EEC made itself, else as a context of its own, with a registration
    /// where that is the policy.
    async fn take_over(
        &self,
        seen: &mut Seen,
        owner: &Owner,
        pushed: &EecContext,
    ) -> Result<Decision<Option<ImplicitRegDetails>>, Error> {
        let kept = |expires_at, value| Kept {
            owner: owner.clone(),
            expires_at,
            value,
        };
        let index = EecIndex::load(seen, &pushed.eec_id).await?;
        let known = match &index {
            Some(index) => index
                .registration(seen, &pushed.eec_id)
                .await?
                .map(|known| (index, known)),
            None => None,
        };
        match known {
            // What the EEC told us itself counts more than what another EES knew of it.
            Some((index, known)) if !(index.implicit && self.policy.register_implicitly) => {
                let key = key(&index.context);
                let before = seen.kept::<EecContext>(&key).await?.map(|kept| kept.value);
                let context = of_registration(index.context.clone(), &known, Some(together(before, pushed)));
                let details = ImplicitRegDetails {
                    reg_id: reg_id(&index.registration)?,
                    exp_time: known.exp_time,
                };
                let details = self.policy.register_implicitly.then_some(details);
                Ok(Decision::of(()).put(&key, &kept(None, context))?.answer(details))
            }
            known if self.policy.register_implicitly => {
                let expires_at = self.lifetimes.grant(None, seen.now(), "")?;
                let id = known.map_or_else(fresh_id, |(index, _)| index.registration.clone());
                let retired = retire(seen, index.as_ref(), &pushed.cntx_id, self.policy.stale_seconds).await?;
                let implied = implied_registration(pushed, expires_at);
                let implied = Kept {
                    owner: owner.clone(),
                    expires_at,
                    value: implied,
                };
                let registered = eec::keep_registration(seen, &implied, &id, true, index).await?;
                let details = ImplicitRegDetails {
                    reg_id: reg_id(&id)?,
                    exp_time: expires_at,
                };
                let context = kept(None, pushed.clone());
                Ok(registered
                    .and(retired)
                    .put(&key(&pushed.cntx_id), &context)?
                    .answer(Some(details)))
            }
            _ => {
                let end = DateTime(seen.now().0 + SignedDuration::from_secs(i64::from(self.policy.stale_seconds)));
                let context = kept(Some(end), pushed.clone());
                Ok(Decision::of(()).put(&key(&pushed.cntx_id), &context)?.answer(None))
            }
        }
    }

    /// The scenarios that were asked for, and what the T-EAS here is to hear of them.
    fn scenarios(&self, push: &EecContextPush) -> (Vec<AcrScenario>, Option<ScenariosSelected>) {
        if !push.acr_scenarios_sel_req {
            return (Vec::new(), None);
        }
        let target = push.tgt_eas.as_ref().and_then(|endpoint| self.eass.at(endpoint, None));
        let supported = target.as_ref().map(|eas| eas.svc_cont_supp.as_slice());
        let scenarios = common_scenarios(&push.eec_cntx, &self.own_scenarios, supported);
        let selected = target.and_then(|eas| selected_for(&eas, &push.eec_cntx, &scenarios));
        (scenarios, selected)
    }
}

/// Pure: the news for an EAS; `None` when nothing was selected, or UE or ACs are not known.
fn selected_for(eas: &EasProfile, context: &EecContext, scenarios: &[AcrScenario]) -> Option<ScenariosSelected> {
    let ue_id = context.ue_id.clone()?;
    let wants = |ac: &&AcProfile| ac.eass.iter().any(|wanted| wanted.eas_id == eas.eas_id);
    let ac_ids: Vec<_> = context
        .ac_profs
        .iter()
        .filter(wants)
        .map(|ac| ac.ac_id.clone())
        .collect();
    let (eas_id, scenarios) = (eas.eas_id.clone(), scenarios.to_vec());
    let tells = !scenarios.is_empty() && !ac_ids.is_empty();
    tells.then(|| ScenariosSelected {
        eas_id,
        eas: eas.end_pt.clone(),
        ue_id,
        ac_ids,
        scenarios,
    })
}

/// Pure: the scenarios that the EEC, its ACs, this EES and the T-EAS all support, in the order the EEC prefers them.
fn common_scenarios(context: &EecContext, ees: &[AcrScenario], t_eas: Option<&[AcrScenario]>) -> Vec<AcrScenario> {
    let eec = context.eec_srv_cont_supp.as_ref();
    let eec = eec.map(|support| support.acr_scenarios.as_slice()).unwrap_or_default();
    scenarios::in_common(eec, context.ac_profs.iter(), ees, t_eas.as_slice())
}

/// Pure: what was known, and what another EES knows of the sessions; where both know one, the other EES knows it better.
fn together(known: Option<EecContext>, pushed: &EecContext) -> EecContext {
    let Some(mut known) = known else { return pushed.clone() };
    let theirs = pushed
        .sess_cntxs
        .as_ref()
        .map(|sessions| sessions.sess_cntxs.as_slice())
        .unwrap_or_default();
    let mut sessions = known.sess_cntxs.map(|sessions| sessions.sess_cntxs).unwrap_or_default();
    sessions.retain(|ours| {
        theirs
            .iter()
            .all(|theirs| (&theirs.eas_id, &theirs.end_pt) != (&ours.eas_id, &ours.end_pt))
    });
    sessions.extend_from_slice(theirs);
    known.sess_cntxs = (!sessions.is_empty()).then_some(SessionContexts { sess_cntxs: sessions });
    known.ue_loc = pushed.ue_loc.clone().or(known.ue_loc);
    known
}

/// Pure: what another EES gets to see of a context.
fn part_asked_for(mut context: EecContext, query: &EecContextsQuery) -> EecContext {
    if let Some(asked) = &query.sess_cntxs {
        let named = |ac: &edgeapp_openapi::ids::AcId| {
            asked
                .sess_cntxs
                .iter()
                .any(|session| session.ac_id.as_ref() == Some(ac))
        };
        context.ac_profs.retain(|profile| named(&profile.ac_id));
        context.sess_cntxs = context.sess_cntxs.and_then(|mut sessions| {
            sessions.sess_cntxs.retain(|session| {
                asked
                    .sess_cntxs
                    .iter()
                    .any(|asked| asked.eas_id == session.eas_id && asked.end_pt == session.end_pt)
            });
            (!sessions.sess_cntxs.is_empty()).then_some(sessions)
        });
    }
    context
}

/// The removal of a registration leaves its context behind for a while, for the T-EES to fetch.
///
/// # Errors
/// When the store fails.
pub async fn grow_stale(seen: &mut Seen, id: &EecContextId, seconds: u32) -> Result<Decision<()>, Error> {
    let key = key(id);
    match seen.kept::<EecContext>(&key).await? {
        Some(kept) => {
            let end = DateTime(seen.now().0 + SignedDuration::from_secs(i64::from(seconds)));
            Decision::of(()).put(
                &key,
                &Kept {
                    expires_at: Some(end),
                    ..kept
                },
            )
        }
        None => Ok(Decision::of(())),
    }
}

/// A registration that takes up another context leaves the one of the older registration behind.
///
/// # Errors
/// When the store fails.
pub async fn retire(
    seen: &mut Seen,
    older: Option<&EecIndex>,
    current: &EecContextId,
    seconds: u32,
) -> Result<Decision<()>, Error> {
    match older {
        Some(older) if older.context != *current => grow_stale(seen, &older.context, seconds).await,
        _ => Ok(Decision::of(())),
    }
}

#[async_trait]
impl EecContexts for ContextService {
    async fn pull(&self, principal: &Principal, query: EecContextsQuery) -> Result<EecContext, Error> {
        called_by(principal, &query.ees_id, "ees-id")?;
        let kept = self
            .room
            .read::<EecContext>(&key(&query.eec_cntx_id))
            .await?
            .ok_or_else(not_found)?;
        Ok(part_asked_for(kept.value, &query))
    }

    async fn push(&self, principal: &Principal, push: EecContextPush) -> Result<Option<EecContextPushRes>, Error> {
        called_by(principal, &push.ees_id, "/eesId")?;
        let owner = Owner::eec(&push.eec_cntx.eec_id);
        let (scenarios, selected) = self.scenarios(&push);
        let context_key = key(&push.eec_cntx.cntx_id);
        for mut seen in self.room.attempts() {
            let known = seen.kept::<EecContext>(&context_key).await?;
            if known.is_some_and(|known| known.owner != owner) {
                return Err(Error::not_yours("/eecCntx/cntxId", "context of that EEC"));
            }
            let mut push = push.clone();
            let handed_over = self.relocations.handed_over(&mut seen, &mut push).await?;
            let taken = self.take_over(&mut seen, &owner, &push.eec_cntx).await?;
            let impl_reg = taken.answer.clone();
            let answer = (impl_reg.is_some() || !scenarios.is_empty()).then(|| EecContextPushRes {
                impl_reg,
                sel_acr_scenarios_list: scenarios.clone(),
            });
            // The UE is back: whatever relocation led away from here is history, and may be asked for anew.
            let finished = record::forget_finished(
                &self.room,
                &mut seen,
                push.eec_cntx.ue_id.as_ref(),
                handed_over.answer.as_ref(),
            )
            .await?;
            let mut decision = taken.and(finished).and(handed_over).answer(answer);
            if let Some(selected) = &selected {
                decision = decision.tell(&Event::ScenariosSelected(Box::new(selected.clone())))?;
            }
            let context = &push.eec_cntx;
            let acs = || AcsKnown {
                eec_id: context.eec_id.clone(),
                by: KnownBy::Context(context.cntx_id.clone()),
            };
            decision = self
                .interest
                .known(decision, acs, context.ue_id.as_ref(), &context.ac_profs)?;
            if let Some((answer, _)) = self.room.commit(seen, decision).await? {
                return Ok(answer);
            }
        }
        Err(contended())
    }
}

fn reg_id(id: &str) -> Result<RegistrationId, Error> {
    id.parse().map_err(Error::internal)
}

fn called_by(principal: &Principal, ees: &EesId, pointer: &str) -> Result<(), Error> {
    if principal.is_ees(ees) {
        Ok(())
    } else {
        Err(Error::not_yours(pointer, "EESID"))
    }
}

/// Pure: the registration that a pushed context stands for.
fn implied_registration(context: &EecContext, expires_at: Option<DateTime>) -> EecRegistration {
    EecRegistration {
        eec_id: context.eec_id.clone(),
        ue_id: context.ue_id.clone(),
        ac_profs: context.ac_profs.clone(),
        exp_time: expires_at,
        eec_svc_cont_supp: context
            .eec_srv_cont_supp
            .as_ref()
            .map(|support| support.acr_scenarios.clone())
            .unwrap_or_default(),
        eec_cntx_id: Some(context.cntx_id.clone()),
        src_ees_id: None,
        end_pt: None,
        ue_mobility_req: context.ue_mob_supp_ind,
        eas_sel_req_ind: false,
        ue_type: None,
        discovered_eas: Vec::new(),
        unfulfill_ac_profs: Vec::new(),
        unfulfilled_ac_profs: None,
    }
}
