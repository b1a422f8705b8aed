//! What follows from a relocation's events: notifications to EEC and EAS, the move of the EEC context, the search for a target.

use super::{
    record::{Acr, AcrEvent, AcrWork, ContextMove, Side, Step, Transfer, Wanted},
    relocation::{AcrService, index_of},
};
use crate::{
    acr_events::{self, AcrNews},
    acr_management, context,
    event::{Event, Notification, Work},
    peers::{PeerEes, PeerError, Peers},
};
use edgeapp_core::{
    error::Error,
    kept::Kept,
    outbox::{Outcome, Task, Todo},
    principal::Owner,
    room::Decision,
    store::Key,
};
use edgeapp_openapi::{
    acr_events::{AcrCompleteEventInfo, AcrEventIds, EecCtxtRelocStatus, TargetInfo},
    acr_management_event::{ActStatus, AcrMgntEvent, AcrMgntEventReport, TargetUeIdentification},
    eas_discovery::{DiscoveredEas, EasCharacteristics, EasDiscoveryFilter, EasDiscoveryReq, RequestorId},
    eas_registration::{EasProfile, EndPoint},
    eec_context_relocation::{
        EecContext, EecContextPush, EecContextsQuery, IndividualSessionContext, SessionContexts,
    },
    ees_registration::AcrScenario,
    service_provisioning::EdnConfigInfo,
    target_ees_discovery::EesProfilesQuery,
};
use std::sync::Arc;

/// How often the other EES is asked before the EEC has to see to its context itself.
const CONTEXT_ATTEMPTS: u32 = 2;
/// How often the ECS and other EESs are asked for a target.
const SEARCH_ATTEMPTS: u32 = 3;

/// Follows up on relocations.
pub struct AcrFollowUp {
    service: Arc<AcrService>,
    peers: Arc<dyn Peers>,
}

fn named(todo: Todo<Notification>) -> Todo<Work> {
    Todo { lane: todo.lane, task: Task { work: Work::Notify(todo.task.work), guard: todo.task.guard, until: todo.task.until } }
}

fn in_lane_of(acr: &Key, work: AcrWork) -> Todo<Work> {
    Todo { lane: acr.to_string(), task: Task { work: Work::Acr(work), guard: None, until: None } }
}

/// The T-EAS as far as a declaration tells it: its application and its endpoint.
pub(super) fn bare_target(acr: &Acr) -> DiscoveredEas {
    DiscoveredEas { eas: EasProfile::new(acr.eas_id.clone(), acr.t_eas.clone()), ees_end_pt: None, life_time: None }
}

/// Pure: the report that tells an EAS to start or stop a transfer with its peer.
fn act_report(acr: &Acr, status: ActStatus) -> AcrMgntEventReport {
    let peer = match acr.side {
        Side::Source => Some(acr.t_eas.clone()),
        Side::Target => acr.s_eas.clone(),
    };
    AcrMgntEventReport {
        event: AcrMgntEvent::ActStartStop,
        time_stamp: None,
        up_path_chg_info: None,
        eas_end_point: peer,
        act_status: Some(status),
        acr_params: None,
        ac_id: acr.ac_id.clone(),
        ue_id: Some(TargetUeIdentification::Gpsi(acr.ue_id.clone())),
        sel_acr_scen: Vec::new(),
        eas_in_bdl_info_list: Vec::new(),
        serv_cont_plan_ind: false,
    }
}

impl AcrFollowUp {
    /// Follows up on the relocations of this service with the help of these peers.
    pub fn new(service: Arc<AcrService>, peers: Arc<dyn Peers>) -> Self {
        Self { service, peers }
    }

    /// The work that an event asks for.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn react(&self, event: AcrEvent) -> Result<Vec<Todo<Work>>, Error> {
        match event {
            AcrEvent::Started(acr) => self.started(&acr).await,
            AcrEvent::Abandoned(acr) => self.tell_eas(&acr, ActStatus::ActStop).await,
            AcrEvent::TargetSelected { acr, target, ees } => self.tell_target(&acr, &target, ees.as_deref()).await,
            AcrEvent::Completed(acr) => self.completed(&acr).await,
            AcrEvent::TargetWanted(wanted) => {
                let key = super::record::key(&wanted.ue_id, &wanted.eas_id, wanted.ac_id.as_ref());
                Ok(vec![in_lane_of(&key, AcrWork::SeekTarget(wanted))])
            }
        }
    }

    async fn started(&self, acr: &Acr) -> Result<Vec<Todo<Work>>, Error> {
        let key = acr.key();
        let mut todos = Vec::new();
        if acr.transfer == Transfer::Awaited {
            todos = self.tell_eas(acr, ActStatus::ActStart).await?;
            if todos.is_empty() {
                let reason = "the EAS is not subscribed to ACT_START_STOP, so it cannot be told to start".to_owned();
                todos.push(in_lane_of(&key, AcrWork::GiveUp { key: key.to_string(), reason }));
            }
        }
        if matches!(acr.context, ContextMove::ToPush(..) | ContextMove::ToPull(..)) {
            todos.push(in_lane_of(&key, AcrWork::MoveContext(key.to_string())));
        }
        Ok(todos)
    }

    async fn tell_eas(&self, acr: &Acr, status: ActStatus) -> Result<Vec<Todo<Work>>, Error> {
        let key = acr.key();
        let wants_to_hear = (status == ActStatus::ActStart).then_some(&key);
        let mut report = act_report(acr, status);
        report.time_stamp = Some(self.service.room.now());
        let todos =
            acr_management::notifications(&self.service.room, &acr.eas_id, Some(&acr.ue_id), &report, wants_to_hear).await?;
        Ok(todos.into_iter().map(named).collect())
    }

    async fn tell_target(
        &self,
        acr: &Acr,
        target: &DiscoveredEas,
        ees: Option<&EdnConfigInfo>,
    ) -> Result<Vec<Todo<Work>>, Error> {
        let info = TargetInfo { target_eas_info: Some(target.clone()), target_ees_info: ees.cloned() };
        self.tell_eec(acr, AcrEventIds::TargetInformation, |mut notification| {
            notification.trgt_info = Some(info.clone());
            notification
        })
        .await
    }

    async fn completed(&self, acr: &Acr) -> Result<Vec<Todo<Work>>, Error> {
        let Some(result) = acr.result() else { return Ok(Vec::new()) };
        let status = AcrCompleteEventInfo {
            acr_res: result.is_ok(),
            t_eas_endpoint: acr.t_eas.clone(),
            fail_reason: result.err(),
        };
        let registration = match &acr.context {
            ContextMove::Moved(Some(registration)) => {
                Some(EecCtxtRelocStatus { impl_reg: Some(registration.clone()) })
            }
            _ => None,
        };
        let mut todos = self
            .tell_eec(acr, AcrEventIds::AcrComplete, |mut notification| {
                notification.acr_status = Some(status.clone());
                notification.eec_ctxt_reloc.clone_from(&registration);
                notification
            })
            .await?;
        // An EAS that never reported may still be at work: it need not go on.
        if matches!(acr.transfer, Transfer::GivenUp(_)) {
            todos.extend(self.tell_eas(acr, ActStatus::ActStop).await?);
        }
        Ok(todos)
    }

    async fn tell_eec(
        &self,
        acr: &Acr,
        event: AcrEventIds,
        say: impl Fn(edgeapp_openapi::acr_events::AcrInfoNotification) -> edgeapp_openapi::acr_events::AcrInfoNotification + Send,
    ) -> Result<Vec<Todo<Work>>, Error> {
        let Some(eec_id) = acr.eec_id.clone() else { return Ok(Vec::new()) };
        let news = AcrNews { eec_id, eas_id: acr.eas_id.clone(), ac_id: acr.ac_id.clone(), event };
        let todos = acr_events::notifications(&self.service.room, &news, say).await?;
        Ok(todos.into_iter().map(named).collect())
    }

    /// Does a piece of work. Doing it twice is harmless: the record knows what has happened.
    pub async fn perform(&self, work: &AcrWork, attempt: u32) -> Outcome {
        let done = match work {
            AcrWork::MoveContext(key) => self.move_context(&Key::new(key.as_str()), attempt).await,
            AcrWork::GiveUp { key, reason } => self.give_up(&Key::new(key.as_str()), reason).await,
            AcrWork::SeekTarget(wanted) => self.seek_target(wanted, attempt).await,
        };
        done.unwrap_or_else(|error| Outcome::Again { reason: error.to_string(), after: None })
    }

    /// Gives a relocation up whose EAS cannot be told to start.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn give_up(&self, key: &Key, reason: &str) -> Result<Outcome, Error> {
        self.service.step(key, &Step::GivenUp(reason.to_owned())).await.map(|_| Outcome::Done)
    }

    async fn move_context(&self, key: &Key, attempt: u32) -> Result<Outcome, Error> {
        let Some(kept) = self.service.room.read::<Acr>(key).await? else { return Ok(Outcome::Done) };
        let moved = match &kept.value.context {
            ContextMove::ToPush(id, ees) => self.push(&kept.value, id, ees).await?,
            ContextMove::ToPull(id, ees) => self.pull(&kept.owner, &kept.value, id, ees).await?,
            ContextMove::NotAsked | ContextMove::Moved(_) | ContextMove::Failed => return Ok(Outcome::Done),
        };
        let step = match moved {
            Ok(registration) => Step::ContextMoved(registration),
            Err(PeerError::Unreachable(reason)) if attempt + 1 < CONTEXT_ATTEMPTS => {
                return Ok(Outcome::Again { reason, after: None });
            }
            Err(error) => {
                tracing::warn!(%key, %error, "an EEC context could not be moved");
                Step::ContextFailed
            }
        };
        self.service.step(key, &step).await.map(|_| Outcome::Done)
    }

    async fn push(
        &self,
        acr: &Acr,
        id: &edgeapp_openapi::ids::EecContextId,
        ees: &PeerEes,
    ) -> Result<Result<Option<edgeapp_openapi::eec_context_relocation::ImplicitRegDetails>, PeerError>, Error> {
        let Some(kept) = self.service.room.read::<EecContext>(&context::key(id)).await? else {
            return Ok(Err(PeerError::NotFound("the context is no longer here".to_owned())));
        };
        let push = EecContextPush {
            ees_id: self.service.own_id.clone(),
            eec_cntx: with_session(kept.value, acr),
            tgt_eas: Some(acr.t_eas.clone()),
            acr_scenarios_sel_req: false,
        };
        Ok(self.peers.push_context(ees, &push).await.map(|answer| answer.impl_reg))
    }

    async fn pull(
        &self,
        owner: &Owner,
        acr: &Acr,
        id: &edgeapp_openapi::ids::EecContextId,
        ees: &PeerEes,
    ) -> Result<Result<Option<edgeapp_openapi::eec_context_relocation::ImplicitRegDetails>, PeerError>, Error> {
        let room = &self.service.room;
        let context_key = context::key(id);
        if let Some(eec_id) = &acr.eec_id
            && index_of(room, eec_id).await?.is_some_and(|index| index.context == *id)
        {
            // The EEC registered here with its context already.
            return Ok(Ok(None));
        }
        let query = EecContextsQuery { ees_id: self.service.own_id.clone(), eec_cntx_id: id.clone(), sess_cntxs: None };
        let context = match self.peers.pull_context(ees, &query).await {
            Ok(context) if Some(&context.eec_id) == acr.eec_id.as_ref() => context,
            Ok(_) => return Ok(Err(PeerError::Refused("the context is of another EEC".to_owned()))),
            Err(error) => return Ok(Err(error)),
        };
        for mut seen in room.attempts() {
            let known = seen.kept::<EecContext>(&context_key).await?;
            if known.is_some_and(|known| known.owner != *owner) {
                return Ok(Err(PeerError::Refused("a context of another EEC has this id".to_owned())));
            }
            let end = Some(self.service.later(seen.now(), self.service.policy.transfer_seconds * 10));
            let kept = Kept { owner: owner.clone(), expires_at: end, value: context.clone() };
            if room.commit(seen, Decision::of(()).put(&context_key, &kept)?).await?.is_some() {
                return Ok(Ok(None));
            }
        }
        Err(edgeapp_core::room::contended())
    }

    async fn seek_target(&self, wanted: &Wanted, attempt: u32) -> Result<Outcome, Error> {
        let found = match self.search(wanted).await {
            Ok(found) => found,
            Err(PeerError::Unreachable(reason)) if attempt + 1 < SEARCH_ATTEMPTS => {
                return Ok(Outcome::Again { reason, after: None });
            }
            // Nobody was promised anything yet: the next trigger looks again.
            Err(error) => return Ok(Outcome::Hopeless(format!("no target for the relocation: {error}"))),
        };
        self.begin(wanted, found).await
    }

    async fn search(&self, wanted: &Wanted) -> Result<(DiscoveredEas, EdnConfigInfo), PeerError> {
        let mut query = EesProfilesQuery::new(self.service.own_id.clone(), wanted.eas_id.clone());
        query.ue_location.clone_from(&wanted.area);
        let answer = self.peers.target_ees(&query).await?;
        let mut last = PeerError::NotFound("no EES has this EAS".to_owned());
        for edn in &answer.edn_cnfg_info {
            for ees in &edn.eess {
                let peer = PeerEes { id: ees.ees_id.clone(), endpoint: ees.end_pt.clone() };
                match self.peers.discover(&peer, &discovery(&self.service.own_id, wanted)).await {
                    Ok(found) => {
                        let other = |eas: &DiscoveredEas| eas.eas.eas_id == wanted.eas_id && eas.eas.end_pt != wanted.s_eas;
                        if let Some(target) = found.discovered_eas.into_iter().find(other) {
                            let ees = EdnConfigInfo { eess: vec![ees.clone()], ..edn.clone() };
                            return Ok((target, ees));
                        }
                    }
                    Err(error) => last = error,
                }
            }
        }
        Err(last)
    }

    /// The S-EES executes: the record, the news for the EEC and the order for the S-EAS come from one commit.
    async fn begin(&self, wanted: &Wanted, (target, ees): (DiscoveredEas, EdnConfigInfo)) -> Result<Outcome, Error> {
        let room = &self.service.room;
        let index = match &wanted.eec_id {
            Some(eec_id) => index_of(room, eec_id).await?,
            None => None,
        };
        let peer = ees.eess.first().map(|ees| PeerEes { id: ees.ees_id.clone(), endpoint: ees.end_pt.clone() });
        let context = match (index, peer) {
            (Some(index), Some(peer)) => ContextMove::ToPush(index.context, peer),
            _ => ContextMove::NotAsked,
        };
        let acr = Acr {
            side: Side::Source,
            scenario: AcrScenario::SourceEesExecuted,
            eec_id: wanted.eec_id.clone(),
            ue_id: wanted.ue_id.clone(),
            eas_id: wanted.eas_id.clone(),
            ac_id: wanted.ac_id.clone(),
            s_eas: Some(wanted.s_eas.clone()),
            t_eas: target.eas.end_pt.clone(),
            context,
            transfer: Transfer::Awaited,
            complete: false,
        };
        let owner = wanted.eec_id.as_ref().map_or_else(|| Owner::ees(&self.service.own_id), Owner::eec);
        let key = acr.key();
        for mut seen in room.attempts() {
            if seen.kept::<Acr>(&key).await?.is_some_and(|known| !known.value.complete) {
                return Ok(Outcome::Done);
            }
            let end = Some(self.service.later(seen.now(), self.service.policy.transfer_seconds));
            let selected = AcrEvent::TargetSelected {
                acr: Box::new(acr.clone()),
                target: Box::new(target.clone()),
                ees: Some(Box::new(ees.clone())),
            };
            let decision = Decision::of(())
                .put(&key, &Kept { owner: owner.clone(), expires_at: end, value: acr.clone() })?
                .tell(&Event::Acr(selected))?
                .tell(&Event::Acr(AcrEvent::Started(Box::new(acr.clone()))))?;
            if room.commit(seen, decision).await?.is_some() {
                return Ok(Outcome::Done);
            }
        }
        Err(edgeapp_core::room::contended())
    }
}

/// Pure: the discovery request for the same application elsewhere (TS 23.558 clause 8.8.3.2).
fn discovery(own_id: &edgeapp_openapi::ids::EesId, wanted: &Wanted) -> EasDiscoveryReq {
    let chars = EasCharacteristics { eas_id: Some(wanted.eas_id.clone()), svc_area: wanted.area.clone(), ..Default::default() };
    EasDiscoveryReq {
        ue_id: Some(wanted.ue_id.clone()),
        eas_discovery_filter: Some(EasDiscoveryFilter { eas_chars: vec![chars], ..Default::default() }),
        loc_inf: wanted.position.clone(),
        ..EasDiscoveryReq::new(RequestorId::Ees(own_id.clone()))
    }
}

/// Pure: the context with the session that relocates, as the T-EES is to know it.
fn with_session(mut context: EecContext, acr: &Acr) -> EecContext {
    let Some(end_pt) = acr.s_eas.clone() else { return context };
    let session = IndividualSessionContext {
        eas_id: acr.eas_id.clone(),
        end_pt: end_pt.clone(),
        ac_id: acr.ac_id.clone(),
        acr_list: vec![acr.scenario.clone()],
    };
    let same = |known: &IndividualSessionContext, end_pt: &EndPoint| known.eas_id == acr.eas_id && known.end_pt == *end_pt;
    let sessions = context.sess_cntxs.get_or_insert(SessionContexts { sess_cntxs: Vec::new() });
    sessions.sess_cntxs.retain(|known| !same(known, &end_pt));
    sessions.sess_cntxs.push(session);
    context
}
