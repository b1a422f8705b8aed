//! Eees_AppContextRelocation: determine, initiate, declare (TS 24.558 clause 5.5, TS 29.558 clause 5.9).

use super::{
    EasDirectory,
    bundle::{self, Beside, Member, Says},
    decision::{DecisionPolicy, DecisionRules, Reason, Situation, Verdict},
    follow_up::bare_target,
    one_at_a_time::{Meeting, begins, in_progress},
    plan::{foreseeable, plan_of},
    record::{Acr, AcrEvent, ContextMove, Side, Transfer, Wanted, key},
    request::{Repeat, abandoned, consistent, repeat, requested_by},
};
use crate::{
    ac_information::interest::AcInterest,
    acr_management, context,
    eec::{self, EecIndex, proved_ue},
    event::Event,
    peers::PeerEes,
};
use async_trait::async_trait;
use edgeapp_core::{
    area::{self, Contains},
    error::{Cause, Error, Kind},
    kept::Kept,
    principal::{Owner, Principal, Role},
    room::{Decision, Room, Seen, contended, fresh_id},
};
use edgeapp_openapi::{
    app_context_relocation::{AcrDecReq, AcrDetermReq, AcrInitReq, EecCtxtReloc},
    common::DateTime,
    eas_registration::EasProfile,
    eec_context_relocation::EecContext,
    ees_registration::AcrScenario,
    ids::{EasId, EecId, EesId, Gpsi},
};
use jiff::SignedDuration;
use std::sync::Arc;

/// What an EES does when it is asked to relocate an application.
#[async_trait]
pub trait AppContextRelocation: Send + Sync {
    /// Decides whether a relocation is needed, and if so looks for a target and executes it (TS 23.558 clause 8.8.2.5).
    ///
    /// # Errors
    /// When the requestor is not the caller, EAS or UE cannot be told, or an EAS serves no such UE.
    async fn determine(&self, principal: &Principal, request: AcrDetermReq) -> Result<(), Error>;

    /// Executes a relocation that an EEC decided (TS 23.558 clause 8.8.3.4). The same request again changes nothing.
    ///
    /// # Errors
    /// When the requestor, UE or context is not the caller's, something needed is missing, or another relocation of the same
    /// application runs ([`Cause::AcrInProgress`]).
    async fn initiate(&self, principal: &Principal, request: AcrInitReq) -> Result<(), Error>;

    /// Takes note of the target that an S-EAS decided (TS 23.558 clause 8.8.3.7).
    ///
    /// # Errors
    /// When the caller is not an EAS of that application, not registered here ([`Cause::NotRegistered`]), or serves no such UE
    /// ([`Cause::UeNotFound`]).
    async fn declare(&self, principal: &Principal, request: AcrDecReq) -> Result<(), Error>;
}

/// How relocations are treated here.
#[derive(Clone, Copy, Debug)]
pub struct AcrPolicy {
    /// How long EASs have to report the result of a transfer, in seconds.
    pub transfer_seconds: u32,
    /// How long a completed relocation is remembered, so that repeated messages are recognised, in seconds.
    pub remembered_seconds: u32,
    /// Only registered EECs may ask (TS 23.558 clause 8.3.1).
    pub eec_registration_required: bool,
}

/// The service behind [`AppContextRelocation`] and [`super::status::AcrStatusUpdates`].
pub struct AcrService {
    pub(super) room: Room,
    pub(super) own_id: EesId,
    pub(super) policy: AcrPolicy,
    pub(super) eass: Arc<dyn EasDirectory>,
    pub(super) interest: AcInterest,
    pub(super) decides: Arc<dyn DecisionPolicy>,
    pub(super) steers: bool,
}

impl AcrService {
    /// A service over this room.
    pub fn new(room: Room, own_id: EesId, policy: AcrPolicy, eass: Arc<dyn EasDirectory>) -> Self {
        Self {
            room,
            own_id,
            policy,
            eass,
            interest: AcInterest::nobody(),
            decides: Arc::new(DecisionRules::default()),
            steers: true,
        }
    }

    /// The room that relocations are kept in.
    pub(crate) fn room(&self) -> &Room {
        &self.room
    }

    /// A relocation begins, in place of what was known. When that rested on a prediction, the UE has arrived, and the EES at the other
    /// end hears of it.
    fn begun(
        &self,
        principal: &Principal,
        known: Option<&Acr>,
        next: &Acr,
        request: &AcrInitReq,
        now: DateTime,
    ) -> Result<Decision<()>, Error> {
        let mut decision = Decision::of(());
        match abandoned(next, request) {
            Some(earlier) => decision = decision.tell(&Event::Acr(AcrEvent::Abandoned(Box::new(earlier))))?,
            None => decision = displaced(decision, known, next)?,
        }
        let end = Some(next.ends_at(now, &self.policy));
        decision = begins(decision, &Kept::new(principal, end, next.clone()), now)?
            .tell(&Event::Acr(AcrEvent::Started(Box::new(next.clone()))))?;
        decision = self.no_longer_steered(decision, known)?;
        decision = self.steered_as_asked(decision, next, request)?;
        let planned = known
            .filter(|known| known.t_eas == next.t_eas)
            .and_then(|known| known.plan.as_ref());
        let plan = next.plan.as_ref().or(planned);
        match next.word_of_it(&self.own_id, plan.and_then(|plan| plan.peer.as_ref()))? {
            Some(word) => decision.tell(&Event::Acr(word)),
            None => Ok(decision),
        }
    }

    /// The UE is expected until another time: the EAS here and the other EES hear of it.
    fn predicted_anew(
        &self,
        principal: &Principal,
        known: Acr,
        next: &Acr,
        now: DateTime,
    ) -> Result<Decision<()>, Error> {
        let plan = next.plan.clone().map(|mut plan| {
            let before = known.plan.as_ref();
            plan.peer = plan.peer.or_else(|| before.and_then(|plan| plan.peer.clone()));
            plan.eas_told = plan.eas_told || before.is_some_and(|plan| plan.eas_told);
            plan
        });
        let acr = Acr { plan, ..known };
        let end = Some(acr.ends_at(now, &self.policy));
        let plan = acr.plan.as_ref();
        let mut decision = Decision::of(()).put(&acr.key(), &Kept::new(principal, end, acr.clone()))?;
        if plan.is_some_and(|plan| plan.eas_told) {
            decision = decision.tell(&Event::Acr(AcrEvent::Predicted(Box::new(acr.clone()))))?;
        }
        match acr.word_of_it(&self.own_id, plan.and_then(|plan| plan.peer.as_ref()))? {
            Some(word) => decision.tell(&Event::Acr(word)),
            None => Ok(decision),
        }
    }

    /// Tells of application clients that come with a context where these could care.
    pub fn watched_by(mut self, interest: AcInterest) -> Self {
        self.interest = interest;
        self
    }

    /// Asks this policy what an S-EES decides by itself, instead of the usual rules.
    pub fn decided_by(mut self, policy: Arc<dyn DecisionPolicy>) -> Self {
        self.decides = policy;
        self
    }

    pub(super) fn later(&self, now: DateTime, seconds: u32) -> DateTime {
        DateTime(now.0 + SignedDuration::from_secs(i64::from(seconds)))
    }

    /// The UE that a request is about: as it says, or as the requestor's certificate says.
    async fn ue_of(&self, principal: &Principal, ue: Option<Gpsi>) -> Result<Gpsi, Error> {
        if principal.role() == Role::Eec {
            proved_ue(principal, ue.as_ref(), "/ueId")?;
        }
        let ue = ue.or_else(|| principal.gpsi().cloned());
        ue.ok_or_else(|| {
            Error::mandatory_missing(
                "/ueId",
                "is missing, and the caller's certificate carries no UE identifier",
            )
        })
    }

    async fn must_be_registered(&self, eec_id: &EecId) -> Result<(), Error> {
        if self.policy.eec_registration_required && eec::registered(&self.room, eec_id).await?.is_none() {
            return Err(Error::forbidden(
                Cause::NotRegistered,
                "this EES serves registered EECs only; register first",
            ));
        }
        Ok(())
    }

    /// Which end of the relocation we are, and what is to become of the context.
    fn our_part(&self, request: &AcrInitReq) -> Result<(Side, ContextMove), Error> {
        let here = |id: &EesId| *id == self.own_id;
        let Some(EecCtxtReloc {
            eec_ctxt_id,
            s_ees_id,
            s_eec_endpoint,
            t_ees_id,
            t_eec_endpoint,
        }) = &request.eec_ctxt_reloc
        else {
            let target = self.eass.at(&request.t_eas_endpoint, request.eas_id.as_ref()).is_some();
            let side = if target
                && request
                    .s_eas_endpoint
                    .as_ref()
                    .is_none_or(|s| self.eass.at(s, None).is_none())
            {
                Side::Target
            } else {
                Side::Source
            };
            return Ok((side, ContextMove::NotAsked));
        };
        if let Some(id) = t_ees_id.as_ref().filter(|id| !here(id)) {
            let ees = PeerEes {
                id: id.clone(),
                endpoint: t_eec_endpoint.clone(),
            };
            return Ok((Side::Source, ContextMove::ToPush(eec_ctxt_id.clone(), ees)));
        }
        if let Some(id) = s_ees_id.as_ref().filter(|id| !here(id)) {
            let ees = PeerEes {
                id: id.clone(),
                endpoint: s_eec_endpoint.clone(),
            };
            return Ok((Side::Target, ContextMove::ToPull(eec_ctxt_id.clone(), ees)));
        }
        Err(Error::optional_incorrect(
            "/eecCtxtReloc",
            "must name another EES in sEesId or tEesId",
        ))
    }

    /// The EASs that relocate beside the one that an EEC asks about.
    fn bundle_of(&self, request: &AcrInitReq, next: &Acr) -> Result<Option<Beside>, Error> {
        let targets = &request.t_eas_end_point_bundle_list;
        // Where no EAS is told, only the context of the EEC moves, and that is one for all.
        if targets.is_empty() || !request.eas_notif_ind {
            return Ok(None);
        }
        if next.side == Side::Target {
            return Err(Error::optional_incorrect(
                "/tEasEndPointBundleList",
                "goes to the S-EES: a T-EES does not know who serves the UE until now",
            ));
        }
        if next.plan.is_some() {
            return Err(Error::optional_incorrect(
                "/tEasEndPointBundleList",
                "cannot go with a prediction: a bundle relocates when its UE is there",
            ));
        }
        bundle::beside(
            request.eas_bundle_info.as_ref(),
            targets,
            (&next.eas_id, &request.t_eas_endpoint),
            (&*self.eass, Says::TheEec),
        )
    }

    /// The relocations of the other members of a bundle begin with the first, or none does.
    ///
    /// # Errors
    /// [`Cause::AcrInProgress`] when one of them runs already.
    pub(super) async fn and_members(
        &self,
        seen: &mut Seen,
        mut decision: Decision<()>,
        members: &[Acr],
        (owner, end): (&Owner, Option<DateTime>),
    ) -> Result<Decision<()>, Error> {
        for acr in members {
            let known = seen.kept::<Acr>(&acr.key()).await?;
            let runs = known.is_some_and(|known| known.value.runs());
            if runs || self.beside(seen, acr).await? != Meeting::Apart {
                return Err(in_progress());
            }
            let kept = Kept {
                owner: owner.clone(),
                expires_at: end,
                value: acr.clone(),
            };
            decision =
                begins(decision, &kept, seen.now())?.tell(&Event::Acr(AcrEvent::Started(Box::new(acr.clone()))))?;
        }
        Ok(decision)
    }

    /// The EAS of the pair that is registered here.
    fn local_eas(&self, side: Side, request: &AcrInitReq) -> Option<Arc<EasProfile>> {
        let endpoint = match side {
            Side::Source => request.s_eas_endpoint.as_ref()?,
            Side::Target => &request.t_eas_endpoint,
        };
        self.eass.at(endpoint, request.eas_id.as_ref())
    }

    fn application(&self, side: Side, request: &AcrInitReq) -> Result<EasId, Error> {
        let known = self.local_eas(side, request).map(|eas| eas.eas_id.clone());
        let known = known.or_else(|| request.eas_id.clone());
        known.ok_or_else(|| {
            Error::mandatory_missing(
                "/easId",
                "is missing, and no EAS is registered here at the endpoints given",
            )
        })
    }
}

#[async_trait]
impl AppContextRelocation for AcrService {
    async fn initiate(&self, principal: &Principal, request: AcrInitReq) -> Result<(), Error> {
        if principal.role() != Role::Eec {
            return Err(Error::forbidden(
                Cause::Unauthorized,
                "an EEC initiates relocations; an EAS declares its target",
            ));
        }
        requested_by(principal, &request.requestor_id)?;
        consistent(&request)?;
        foreseeable(&request, self.room.now())?;
        let eec_id: EecId = principal.id().parse().map_err(Error::internal)?;
        let ue_id = self.ue_of(principal, request.ue_id.clone()).await?;
        let (side, context) = self.our_part(&request)?;
        if side == Side::Source || context == ContextMove::NotAsked {
            self.must_be_registered(&eec_id).await?;
        }
        let eas_id = self.application(side, &request)?;
        if request.eas_notif_ind && self.local_eas(side, &request).is_none() {
            let pointer = if side == Side::Source {
                "/sEasEndpoint"
            } else {
                "/tEasEndpoint"
            };
            return Err(Error {
                invalid: Error::optional_incorrect(
                    pointer,
                    "no EAS of this application is registered here with this endpoint",
                )
                .invalid,
                ..Error::new(
                    Kind::NotFound,
                    Cause::ResourceNotFound,
                    format!("{pointer}: no such EAS is registered here"),
                )
            });
        }
        let scenario = match (request.eas_notif_ind, side) {
            (false, _) => AcrScenario::EecInitiated,
            (true, Side::Source) => AcrScenario::EecExecutedViaSourceEes,
            (true, Side::Target) => AcrScenario::EecExecutedViaTargetEes,
        };
        let next = Acr {
            id: fresh_id(),
            side,
            scenario,
            eec_id: Some(eec_id),
            ue_id,
            eas_id,
            ac_id: request.ac_id.clone(),
            s_eas: request.s_eas_endpoint.clone(),
            t_eas: Some(request.t_eas_endpoint.clone()),
            plan: plan_of(&request, &context),
            managed: None,
            bundle: None,
            complete: !request.eas_notif_ind && context == ContextMove::NotAsked,
            context,
            transfer: if request.eas_notif_ind {
                Transfer::Awaited
            } else {
                Transfer::NotAwaited
            },
        };
        let bundle = self.bundle_of(&request, &next)?;
        let (next, members) = with_members(bundle.as_ref(), next);
        for mut seen in self.room.attempts() {
            if let ContextMove::ToPush(id, _) = &next.context {
                let kept = seen
                    .kept::<EecContext>(&context::key(id))
                    .await?
                    .ok_or_else(context::not_found)?;
                if !kept.is_of(principal) {
                    return Err(Error::not_yours("/eecCtxtReloc/eecCtxtId", "context"));
                }
            }
            let key = next.key();
            let known = seen.kept::<Acr>(&key).await?.map(|kept| kept.value);
            let meaning = repeat(known.as_ref(), &next, &request)?;
            if meaning == Repeat::Same {
                return Ok(());
            }
            match self.beside(&mut seen, &next).await? {
                Meeting::Apart => {}
                Meeting::Joined => return Ok(()),
                Meeting::Refused => return Err(in_progress()),
            }
            let decision = match (known, meaning) {
                (Some(known), Repeat::Changed) => self.predicted_anew(principal, known, &next, seen.now())?,
                (known, _) => self.begun(principal, known.as_ref(), &next, &request, seen.now())?,
            };
            let end = Some(next.ends_at(seen.now(), &self.policy));
            let decision = self
                .and_members(&mut seen, decision, &members, (principal.owner(), end))
                .await?;
            let predicted = request.acr_params.as_ref().and_then(|params| params.predict_exp_time);
            let place = request.expected_loc_area.as_ref();
            let decision = acr_management::expected(decision, &next, place, predicted, seen.now())?;
            if self.room.commit(seen, decision).await?.is_some() {
                return Ok(());
            }
        }
        Err(contended())
    }

    async fn declare(&self, principal: &Principal, request: AcrDecReq) -> Result<(), Error> {
        if !principal.is_eas(&request.t_eas_id) {
            return match principal.role() {
                Role::Eas => Err(Error::not_yours("/tEasId", "EASID")),
                _ => Err(Error::forbidden(
                    Cause::Unauthorized,
                    "the S-EAS declares the target that it decided",
                )),
            };
        }
        // The message names no requestor: it is the S-EAS if it is registered here and serves the UE.
        let registered = self.eass.registered_by(principal.owner(), &request.t_eas_id);
        if registered.is_empty() {
            return Err(Error::forbidden(
                Cause::NotRegistered,
                "an EAS has to be registered here before it declares the target of a relocation",
            ));
        }
        let (eec_id, _) = self.served(&registered, &request.ue_id).await?;
        let key = key(&request.ue_id, &request.t_eas_id, request.ac_id.as_ref());
        let bundle = bundle::beside(
            request.eas_bundle_info.as_ref(),
            &request.t_eas_end_point_bundle_list,
            (&request.t_eas_id, &request.t_eas_endpoint),
            (&*self.eass, Says::ItsRegistration),
        )?;
        for mut seen in self.room.attempts() {
            let next = Acr {
                id: fresh_id(),
                side: Side::Source,
                scenario: AcrScenario::SourceEasDecided,
                eec_id: Some(eec_id.clone()),
                ue_id: request.ue_id.clone(),
                eas_id: request.t_eas_id.clone(),
                ac_id: request.ac_id.clone(),
                s_eas: registered.first().map(|eas| eas.end_pt.clone()),
                t_eas: Some(request.t_eas_endpoint.clone()),
                context: ContextMove::ToSeek,
                transfer: Transfer::Awaited,
                complete: false,
                managed: None,
                plan: None,
                bundle: None,
            };
            let (next, members) = with_members(bundle.as_ref(), next);
            let known = seen.kept::<Acr>(&key).await?.map(|kept| kept.value);
            match known.as_ref().filter(|known| known.runs()) {
                Some(known) if known.t_eas == next.t_eas => return Ok(()),
                // The S-EAS may change its mind, but not that of others.
                Some(known) if known.scenario != next.scenario => return Err(in_progress()),
                _ => {}
            }
            match self.beside(&mut seen, &next).await? {
                Meeting::Apart => {}
                Meeting::Joined => return Ok(()),
                Meeting::Refused => return Err(in_progress()),
            }
            let end = Some(self.later(seen.now(), self.policy.transfer_seconds));
            let decision = begins(Decision::of(()), &Kept::new(principal, end, next.clone()), seen.now())?
                .tell(&Event::Acr(AcrEvent::Declared(next.reference())))?;
            let decision = displaced(decision, known.as_ref(), &next)?;
            let decision = self.no_longer_steered(decision, known.as_ref())?;
            let place = request.expected_loc_area.as_ref();
            let decision = acr_management::expected(decision, &next, place, None, seen.now())?;
            // The others have decided nothing: their EASs are told to start, and the EEC where they go.
            let mut decision = self
                .and_members(&mut seen, decision, &members, (principal.owner(), end))
                .await?;
            for told in members.iter().filter_map(|member| target_of_member(member, None)) {
                decision = decision.tell(&Event::Acr(told))?;
            }
            if self.room.commit(seen, decision).await?.is_some() {
                return Ok(());
            }
        }
        Err(contended())
    }

    async fn determine(&self, principal: &Principal, request: AcrDetermReq) -> Result<(), Error> {
        requested_by(principal, &request.requestor_id)?;
        let eas = self.eass.at(&request.s_eas_endpoint, request.eas_id.as_ref());
        let eas = eas.ok_or_else(|| {
            Error::new(
                Kind::NotFound,
                Cause::ResourceNotFound,
                "/sEasEndpoint: no such EAS is registered here",
            )
        })?;
        if principal.role() == Role::Eas && !principal.is_eas(&eas.eas_id) {
            return Err(Error::not_yours("/sEasEndpoint", "endpoint"));
        }
        let ue_id = self.ue_of(principal, request.ue_id.clone()).await?;
        let eec_id = match principal.role() {
            Role::Eec => principal.id().parse::<EecId>().map_err(Error::internal)?,
            _ => self.served(std::slice::from_ref(&eas), &ue_id).await?.0,
        };
        self.must_be_registered(&eec_id).await?;
        let expected = request.expected_loc_area.unwrap_or_default();
        // Whether it would come too soon is seen when a target is looked for.
        let situation = Situation {
            leaves_area: relocation_needed(&eas, &expected),
            eas: self.decides.state(&eas),
            ..Situation::default()
        };
        let why = match self.decides.decide(&situation) {
            Verdict::Relocate(reason) => reason,
            _ if self.decides.looks_for_better() => Reason::BetterEas,
            _ => return Ok(()),
        };
        let wanted = Wanted {
            eec_id: Some(eec_id),
            ue_id,
            eas_id: eas.eas_id.clone(),
            ac_id: request.ac_id,
            s_eas: request.s_eas_endpoint,
            position: expected.loc_info,
            area: expected.svc_area,
            why,
        };
        let seen = self.room.look();
        let decision = Decision::of(()).tell(&Event::Acr(AcrEvent::TargetWanted(Box::new(wanted))))?;
        self.room
            .commit(seen, decision)
            .await?
            .map(|_| ())
            .ok_or_else(contended)
    }
}

/// Pure: the relocation that was asked for, and those of the other members of its bundle.
pub(super) fn with_members(bundle: Option<&Beside>, acr: Acr) -> (Acr, Vec<Acr>) {
    let Some(bundle) = bundle else { return (acr, Vec::new()) };
    let mut all = bundle.all(acr);
    let first = all.remove(0);
    (first, all)
}

/// Pure: what the EEC is told of the target of a member, with what was found of it.
pub(super) fn target_of_member(acr: &Acr, found: Option<&Member>) -> Option<AcrEvent> {
    let known = found.and_then(|member| member.found.clone());
    let bare = || Some((Box::new(bare_target(acr, acr.t_eas.as_ref()?)), None));
    let (target, ees) = known.or_else(bare)?;
    Some(AcrEvent::TargetSelected {
        acr: Box::new(acr.clone()),
        target,
        ees,
    })
}

/// What rested on a prediction of another target is void: its EAS hears that it need not go on.
pub(super) fn displaced(decision: Decision<()>, known: Option<&Acr>, next: &Acr) -> Result<Decision<()>, Error> {
    let void = |known: &&Acr| {
        let told = known.plan.as_ref().is_some_and(|plan| plan.eas_told);
        let failed = known.result().is_some_and(|result| result.is_err());
        told && !failed && known.t_eas != next.t_eas
    };
    match known.filter(void) {
        Some(known) => decision.tell(&Event::Acr(AcrEvent::Abandoned(Box::new(known.clone())))),
        None => Ok(decision),
    }
}

/// Pure: whether the UE will be where the EAS does not serve. An unknown place asks for nothing.
fn relocation_needed(
    eas: &EasProfile,
    expected: &edgeapp_openapi::app_context_relocation::ExpectedLocationArea,
) -> bool {
    let Some(served) = &eas.svc_area else { return false };
    let outside = |position: area::Position| area::contains(served, &position) == Contains::No;
    expected
        .loc_info
        .as_ref()
        .is_some_and(|at| outside(area::Position::of_ue(at)))
        || expected
            .svc_area
            .as_ref()
            .is_some_and(|area| outside(area::Position::of_area(area)))
}

/// The index entry of an EEC, for the work that follows.
pub(super) async fn index_of(room: &Room, eec_id: &EecId) -> Result<Option<EecIndex>, Error> {
    EecIndex::load(&mut room.look(), eec_id).await
}
