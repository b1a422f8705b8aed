//! What follows from a relocation's events: notifications to EEC and EAS, and the work that the neighbouring modules do.

use super::{
    managed::told_result,
    plan::Prediction,
    record::{Acr, AcrEvent, AcrRef, AcrWork, ContextMove, Step, Transfer},
    relocation::AcrService,
    traffic,
};
use crate::{
    acr_events::{self, AcrNews},
    acr_management::{self, AcrManagementSubscribers, Audience, PathWork},
    act_status,
    event::{Notification, ScenariosSelected, Work},
    peers::Peers,
};
use edgeapp_core::{
    error::Error,
    outbox::{Outcome, Task, Todo},
    store::{Key, Revision},
};
use edgeapp_openapi::{
    acr_events::{AcrCompleteEventInfo, AcrEventIds, AcrInfoNotification, EecCtxtRelocStatus, TargetInfo},
    acr_management_event::{AcrMgntEvent, AcrMgntEventReport, ActStatus, SelectedAcrScenarios, TargetUeIdentification},
    common::DateTime,
    eas_discovery::DiscoveredEas,
    eas_registration::{EasProfile, EndPoint},
    ids::AcId,
    service_provisioning::EdnConfigInfo,
};
use jiff::SignedDuration;
use std::sync::Arc;

/// How long another EES is told that a UE has arrived.
const ARRIVAL_MATTERS: SignedDuration = SignedDuration::from_hours(1);

/// Follows up on relocations.
pub struct AcrFollowUp {
    pub(super) service: Arc<AcrService>,
    pub(super) peers: Arc<dyn Peers>,
    subscribers: AcrManagementSubscribers,
}

fn named(todo: Todo<Notification>) -> Todo<Work> {
    Todo {
        lane: todo.lane,
        task: Task {
            work: Work::Notify(todo.task.work),
            guard: todo.task.guard,
            until: todo.task.until,
        },
    }
}

fn in_lane_of(acr: &Key, work: AcrWork) -> Todo<Work> {
    Todo {
        lane: acr.to_string(),
        task: Task {
            work: Work::Acr(work),
            guard: None,
            until: None,
        },
    }
}

/// The move of the EEC context, where one is asked for.
fn moves(acr: &Acr) -> Option<Todo<Work>> {
    matches!(acr.context, ContextMove::ToPush(..) | ContextMove::ToPull(..))
        .then(|| in_lane_of(&acr.key(), AcrWork::MoveContext(acr.reference())))
}

/// Pure: the T-EAS of a relocation that this EES manages is at another EES, which tells it.
fn is_told_elsewhere(acr: &Acr) -> bool {
    acr.managed.is_some() && acr.context != ContextMove::NotAsked
}

/// What another EES hears of predictions is in an order of its own: it must not keep the relocation waiting.
fn word_to_peer(word: Box<Prediction>, now: DateTime) -> Todo<Work> {
    let predicted = word.info.acr_params.predict_exp_time;
    let until = Some(predicted.unwrap_or(DateTime(now.0 + ARRIVAL_MATTERS)));
    Todo {
        lane: format!("prediction/{}", word.acr.key),
        task: Task {
            work: Work::Acr(AcrWork::TellPrediction(word)),
            guard: None,
            until,
        },
    }
}

/// The T-EAS as far as a declaration tells it: its application and its endpoint.
pub(super) fn bare_target(acr: &Acr, at: &EndPoint) -> DiscoveredEas {
    DiscoveredEas {
        eas: EasProfile::new(acr.eas_id.clone(), at.clone()),
        ees_end_pt: None,
        life_time: None,
    }
}

/// Pure: with the bundle that relocates together, and where its EASs go.
fn of_bundle(acr: &Acr, notification: AcrInfoNotification) -> AcrInfoNotification {
    match &acr.bundle {
        None => notification,
        Some(bundle) => AcrInfoNotification {
            eas_bundle_info: Some(bundle.info.clone()),
            t_eas_end_point_bundle_list: bundle.targets.clone(),
            ..notification
        },
    }
}

/// Pure: the report that tells an EAS to start or stop a transfer with its peer, and what to know of the prediction if there is one.
fn act_report(acr: &Acr, status: ActStatus, now: DateTime) -> AcrMgntEventReport {
    AcrMgntEventReport {
        eas_end_point: acr.peer(),
        acr_params: acr.parameters(),
        serv_cont_plan_ind: acr.plan.is_some(),
        act_status: Some(status),
        ac_id: acr.ac_id.clone(),
        ue_id: Some(TargetUeIdentification::Gpsi(acr.ue_id.clone())),
        ..acr_management::report(AcrMgntEvent::ActStartStop, now)
    }
}

impl AcrFollowUp {
    /// Follows up on the relocations of this service with the help of these peers, and tells these subscribers.
    pub fn new(service: Arc<AcrService>, peers: Arc<dyn Peers>, subscribers: AcrManagementSubscribers) -> Self {
        Self {
            service,
            peers,
            subscribers,
        }
    }

    /// Waits until all that EASs subscribed to before this revision is known, whichever replica took it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn ready(&self, revision: Revision) -> Result<(), Error> {
        self.subscribers.show_all_until(revision).await
    }

    /// The work that an event asks for.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn react(&self, event: AcrEvent) -> Result<Vec<Todo<Work>>, Error> {
        match event {
            AcrEvent::Started(acr) => self.started(&acr).await,
            AcrEvent::Facilitated(acr) => self.facilitated(&acr).await,
            AcrEvent::Abandoned(acr) => {
                let mut todos = self.tell_eas(&acr, ActStatus::ActStop, None).await?;
                // Traffic that was steered there need not go there any more.
                let earlier = Acr {
                    id: String::new(),
                    ..*acr
                };
                todos.extend(PathWork::of_failed(&earlier));
                Ok(todos)
            }
            AcrEvent::TargetSelected { acr, target, ees } => self.tell_target(&acr, &target, ees.as_deref()).await,
            AcrEvent::Completed(acr) => self.completed(&acr).await,
            AcrEvent::LeftToUs(acr) => Ok(vec![in_lane_of(
                &Key::new(acr.key.as_str()),
                AcrWork::SeekForManaged(acr),
            )]),
            AcrEvent::Declared(acr) => Ok(vec![in_lane_of(
                &Key::new(acr.key.as_str()),
                AcrWork::SeekDeclared(acr),
            )]),
            AcrEvent::Predicted(acr) => self.tell_of_prediction(&acr).await,
            AcrEvent::PredictionToTell(word) => Ok(vec![word_to_peer(word, self.service.room.now())]),
            AcrEvent::TrafficWanted(route) => Ok(vec![PathWork::of_route(*route)]),
            AcrEvent::TrafficOver(id) => self.traffic_over(&id).await,
            AcrEvent::TargetWanted(wanted) => {
                let key = super::record::key(&wanted.ue_id, &wanted.eas_id, wanted.ac_id.as_ref());
                // Who has to wait for it must not keep another relocation waiting.
                let aside = Key::from(format!("seek/{key}"));
                Ok(vec![in_lane_of(&aside, AcrWork::SeekTarget(wanted))])
            }
        }
    }

    async fn started(&self, acr: &Acr) -> Result<Vec<Todo<Work>>, Error> {
        let key = acr.key();
        let mut todos = Vec::new();
        let kept = self.service.room.read::<Acr>(&key).await?;
        // Another relocation took its place, or its time is over.
        let Some(kept) = kept.filter(|kept| kept.value.id == acr.id) else {
            return Ok(todos);
        };
        // Where the T-EAS of a managed relocation is at another EES, that one tells it.
        if kept.value.transfer == Transfer::Awaited && !is_told_elsewhere(acr) {
            todos = self.tell_eas(acr, ActStatus::ActStart, kept.expires_at).await?;
            if todos.is_empty() {
                let reason = "the EAS is not subscribed to ACT_START_STOP, so it cannot be told to start".to_owned();
                todos.push(in_lane_of(
                    &key,
                    AcrWork::GiveUp {
                        acr: acr.reference(),
                        reason,
                    },
                ));
            }
        }
        todos.extend(moves(acr));
        Ok(todos)
    }

    /// The EAS hears of the target by a facilitation report: only the context has to be moved.
    async fn facilitated(&self, acr: &Acr) -> Result<Vec<Todo<Work>>, Error> {
        let kept = self.service.room.read::<Acr>(&acr.key()).await?;
        let is_live = kept.is_some_and(|kept| kept.value.id == acr.id);
        Ok(moves(acr).filter(|_| is_live).into_iter().collect())
    }

    async fn tell_eas(&self, acr: &Acr, status: ActStatus, until: Option<DateTime>) -> Result<Vec<Todo<Work>>, Error> {
        let reference = acr.reference();
        let instance = acr
            .local_eas()
            .and_then(|endpoint| self.service.eass.instance_at(endpoint, &acr.eas_id));
        if acr.managed.is_some() && (instance.is_none() || is_told_elsewhere(acr)) {
            return Ok(Vec::new());
        }
        let to = Audience {
            eas_id: &acr.eas_id,
            instance: instance.as_ref(),
            ue_id: &acr.ue_id,
            for_acr: (status == ActStatus::ActStart).then_some(&reference),
            until,
        };
        let report = act_report(acr, status, self.service.room.now());
        let todos = acr_management::notifications(&self.subscribers, to, &report).await?;
        Ok(todos.into_iter().map(named).collect())
    }

    /// Tells the EAS here of a prediction: once for each subscription, whichever of the two events it is for.
    async fn tell_of_prediction(&self, acr: &Acr) -> Result<Vec<Todo<Work>>, Error> {
        let kept = self.service.room.read::<Acr>(&acr.key()).await?;
        // Another prediction took its place, or it is over.
        let Some(kept) = kept.filter(|kept| kept.value.id == acr.id && kept.value.plan == acr.plan) else {
            return Ok(Vec::new());
        };
        let mut todos = self.tell_eas(acr, ActStatus::ActStart, kept.expires_at).await?;
        let instance = acr
            .local_eas()
            .and_then(|endpoint| self.service.eass.instance_at(endpoint, &acr.eas_id));
        let to = Audience {
            eas_id: &acr.eas_id,
            instance: instance.as_ref(),
            ue_id: &acr.ue_id,
            for_acr: None,
            until: kept.expires_at,
        };
        let report = AcrMgntEventReport {
            act_status: None,
            event: AcrMgntEvent::AcrFacilitation,
            ..act_report(acr, ActStatus::ActStart, self.service.room.now())
        };
        let more = acr_management::notifications(&self.subscribers, to, &report).await?;
        let told: Vec<String> = todos.iter().map(|todo| todo.lane.clone()).collect();
        todos.extend(more.into_iter().filter(|todo| !told.contains(&todo.lane)).map(named));
        Ok(todos)
    }

    /// Tells an EAS in which scenarios the sessions with it relocate.
    ///
    /// # Errors
    /// When the subscriptions cannot be read.
    pub async fn selected(&self, selected: &ScenariosSelected) -> Result<Vec<Todo<Work>>, Error> {
        let ScenariosSelected {
            eas_id,
            eas,
            ue_id,
            ac_ids,
            scenarios,
        } = selected;
        let for_ac = |ac_id: &AcId| SelectedAcrScenarios {
            acr_list: scenarios.clone(),
            ac_id: ac_id.clone(),
            ue_id: ue_id.clone(),
        };
        let report = AcrMgntEventReport {
            sel_acr_scen: ac_ids.iter().map(for_ac).collect(),
            ..acr_management::report(AcrMgntEvent::AcrSelection, self.service.room.now())
        };
        let instance = self.service.eass.instance_at(eas, eas_id);
        let to = Audience {
            eas_id,
            instance: instance.as_ref(),
            ue_id,
            for_acr: None,
            until: None,
        };
        let todos = acr_management::notifications(&self.subscribers, to, &report).await?;
        Ok(todos.into_iter().map(named).collect())
    }

    async fn tell_target(
        &self,
        acr: &Acr,
        target: &DiscoveredEas,
        ees: Option<&EdnConfigInfo>,
    ) -> Result<Vec<Todo<Work>>, Error> {
        let info = TargetInfo {
            target_eas_info: Some(target.clone()),
            target_ees_info: ees.cloned(),
        };
        self.tell_eec(acr, AcrEventIds::TargetInformation, |mut notification| {
            notification.trgt_info = Some(info.clone());
            of_bundle(acr, notification)
        })
        .await
    }

    async fn completed(&self, acr: &Acr) -> Result<Vec<Todo<Work>>, Error> {
        let Some(result) = acr.result() else {
            return Ok(Vec::new());
        };
        let registration = match &acr.context {
            ContextMove::Moved(Some(registration)) => Some(EecCtxtRelocStatus {
                impl_reg: Some(registration.clone()),
            }),
            _ => None,
        };
        let mut todos = self.traffic_over(&acr.id).await?;
        // Of a relocation that never had a target the EEC has not heard.
        if let Some(t_eas_endpoint) = acr.t_eas.clone() {
            let status = AcrCompleteEventInfo {
                acr_res: result.is_ok(),
                t_eas_endpoint,
                fail_reason: result.err(),
            };
            let told = self.tell_eec(acr, AcrEventIds::AcrComplete, |mut notification| {
                notification.acr_status = Some(status.clone());
                notification.eec_ctxt_reloc.clone_from(&registration);
                of_bundle(acr, notification)
            });
            todos.extend(told.await?);
            if status.fail_reason.is_some() {
                todos.extend(PathWork::of_failed(acr));
            }
        }
        if let Some(result) = told_result(acr) {
            todos.extend(act_status::notifications(&self.service.room, &acr.eas_id, &result).await?);
        }
        // An EAS that never reported may still be at work: it need not go on.
        if matches!(acr.transfer, Transfer::GivenUp(_)) && acr.may_begin() {
            todos.extend(self.tell_eas(acr, ActStatus::ActStop, None).await?);
        }
        Ok(todos)
    }

    /// Traffic that is steered for a relocation is so no more; nothing is to be done where none is.
    async fn traffic_over(&self, id: &str) -> Result<Vec<Todo<Work>>, Error> {
        let steered = self.service.room.store().get(&traffic::key(id)).await?;
        Ok(steered.map(|_| PathWork::of_end(id)).into_iter().collect())
    }

    async fn tell_eec(
        &self,
        acr: &Acr,
        event: AcrEventIds,
        say: impl Fn(AcrInfoNotification) -> AcrInfoNotification + Send,
    ) -> Result<Vec<Todo<Work>>, Error> {
        let Some(eec_id) = acr.eec_id.clone() else {
            return Ok(Vec::new());
        };
        let news = AcrNews {
            eec_id,
            eas_id: acr.eas_id.clone(),
            ac_id: acr.ac_id.clone(),
            event,
        };
        let todos = acr_events::notifications(&self.service.room, &news, say).await?;
        Ok(todos.into_iter().map(named).collect())
    }

    /// Does a piece of work. Doing it twice is harmless: the record knows what has happened.
    pub async fn perform(&self, work: &AcrWork, attempt: u32) -> Outcome {
        let done = match work {
            AcrWork::MoveContext(acr) => self.move_context(acr, attempt).await,
            AcrWork::GiveUp { acr, reason } => self.give_up(acr, reason).await,
            AcrWork::SeekTarget(wanted) => self.seek_target(wanted, attempt).await,
            AcrWork::SeekForManaged(acr) => self.seek_for_managed(acr, attempt).await,
            AcrWork::SeekDeclared(acr) => self.seek_declared(acr, attempt).await,
            AcrWork::TellPrediction(word) => Ok(self.tell_prediction(word, attempt).await),
            AcrWork::Leave { eas_id, eas } => self.leave(eas_id, eas).await,
        };
        done.unwrap_or_else(|error| Outcome::Again {
            reason: error.to_string(),
            after: None,
        })
    }

    /// Gives a relocation up whose EAS cannot be told to start.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn give_up(&self, acr: &AcrRef, reason: &str) -> Result<Outcome, Error> {
        let step = Step::GivenUp(reason.to_owned());
        self.service
            .step(&Key::new(acr.key.as_str()), &step, |known| known.id == acr.id)
            .await
            .map(|_| Outcome::Done)
    }
}
