//! What takes longer when a path changes: targets are sought, the EAS is asked, a relocation begins, the core network hears the answer.
//!
//! A [`Pending`] record is kept with the report of the core network and goes with what follows from it, in one transaction each: so a
//! restart loses nothing and the core network is answered once. A record that outlived its time is swept, and the core network hears
//! that the EAS did not agree ([`overdue`]).
//!
//! `work` does it, `expectation` is about UEs that are expected elsewhere.

mod expectation;
mod work;

use super::{filed::AcrManagementSubscribers, planned::Planned, targets::TargetEass, watch};
use crate::{
    acr::{Acr, AcrRef, follow_up::AcrFollowUp, traffic},
    core_links::CoreLinks,
    event::{Event, Work},
};
use edgeapp_core::{
    consent::Consent,
    error::{Error, Kind},
    kept::Kept,
    network::{AckTo, Asked, NetworkError, Target, Verdict},
    notifier::Notifier,
    outbox::{Outcome, Task, Todo},
    principal::Owner,
    room::{Decision, Room, Seen, fresh_id},
    store::Key,
};
use edgeapp_openapi::{
    acr_management_event::{AcrMgntEvent, AcrMgntEventReport, AcrMgntEventSubsc, UpPathChangeInfo},
    common::DateTime,
    eas_registration::EndPoint,
    ids::{EasId, Gpsi},
};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is under way: `path-change/<id>`.
pub const PENDING: &str = "path-change/";
/// Seconds for which a change of path is worth reporting when nobody waits for an answer.
pub(super) const PATIENCE: u32 = 60;
/// Seconds for which an answer is offered to the core network.
const OFFERED: i64 = 60;

/// A change of path that is worked on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Pending {
    /// Key of the subscription.
    pub subscription: String,
    /// The watch for which it was reported.
    pub watch: Asked,
    /// The change.
    pub change: UpPathChangeInfo,
    /// When it was reported.
    pub at: DateTime,
    /// The UE, as far as it is known.
    pub ue: Option<Gpsi>,
    /// The events that are worked on.
    pub events: Vec<AcrMgntEvent>,
    /// Where the core network waits for the answer of the EAS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledge: Option<AckTo>,
    /// For a UE that is where it was expected: the report, and the relocation that the EAS is asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<Box<(AcrMgntEventReport, AcrRef)>>,
}

impl Pending {
    /// A UE is where it was expected, and the EAS is asked.
    pub(super) fn of_plan(
        key: &Key,
        wanted: &AcrMgntEventSubsc,
        report: AcrMgntEventReport,
        planned: &Planned,
    ) -> Self {
        Self {
            subscription: key.to_string(),
            watch: watch::asked(&planned.eas_id, wanted, Target::Ue(planned.ue.clone())),
            change: planned.place(),
            at: report.time_stamp.unwrap_or(planned.until),
            ue: Some(planned.ue.clone()),
            events: vec![wanted.event.clone()],
            acknowledge: None,
            planned: Some(Box::new((report, planned.acr.clone()))),
        }
    }

    /// The changes that begin the work. Where the core network waits, the EAS has so many seconds.
    pub(super) fn begun(
        &self,
        decision: Decision<()>,
        owner: &Owner,
        answer_seconds: u32,
        seen: &mut Seen,
    ) -> Result<Decision<()>, Error> {
        let seconds = match self.acknowledge {
            Some(_) => answer_seconds.max(1),
            None => PATIENCE,
        };
        let id = fresh_id();
        let key = Key::from(format!("{PENDING}{id}"));
        seen.fresh(&key);
        let kept = Kept {
            owner: owner.clone(),
            expires_at: Some(DateTime(seen.now().0 + SignedDuration::from_secs(i64::from(seconds)))),
            value: self.clone(),
        };
        // What happens to one UE is told in its order.
        let ue = self.ue.as_ref().map_or(id.as_str(), |ue| ue.as_str());
        let lane = format!("path-change/{}/{ue}", self.subscription);
        decision.put(&key, &kept)?.tell(&Event::Path(PathEvent::Pending {
            key: key.to_string(),
            lane,
        }))
    }
}

/// A record outlived its time: who waits hears that the EAS did not agree.
///
/// # Errors
/// When the state cannot be read.
pub async fn overdue(key: &Key, seen: &mut Seen) -> Result<Decision<()>, Error> {
    let pending = seen.even_expired::<Pending>(key).await?;
    match pending.and_then(|kept| kept.value.acknowledge) {
        Some(to) => Decision::of(()).tell(&Event::Path(PathEvent::Acknowledge {
            to,
            verdict: Verdict::Rejected,
        })),
        None => Ok(Decision::of(())),
    }
}

/// Something that happened to paths.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum PathEvent {
    /// There is something to do about a change.
    Pending {
        /// Key of the record.
        key: String,
        /// In which order.
        lane: String,
    },
    /// The core network is to hear an answer.
    Acknowledge {
        /// Where it waits.
        to: AckTo,
        /// The answer.
        verdict: Verdict,
    },
    /// A UE is expected elsewhere.
    Planned(Box<Planned>),
}

/// Work that follows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum PathWork {
    /// Do what is to be done about a change: the key of its record.
    Pending(String),
    /// Answer the core network.
    Acknowledge {
        /// Where it waits.
        to: AckTo,
        /// The answer.
        verdict: Verdict,
    },
    /// Watch for a UE that is expected elsewhere.
    Plan {
        /// Key of the subscription.
        subscription: String,
        /// What is planned.
        planned: Box<Planned>,
    },
    /// A relocation failed: traffic is not steered to its target any more, and the UE is not waited for there.
    Failed {
        /// The relocation.
        acr: AcrRef,
        /// The application.
        eas_id: EasId,
        /// The UE.
        ue: Gpsi,
        /// The target.
        target: EndPoint,
    },
    /// Steer the traffic of a relocation.
    Steer(Box<traffic::Route>),
    /// Traffic of the relocation of this id is steered no more.
    Release(String),
}

impl PathWork {
    /// What is to be done when a relocation to a target has failed.
    pub fn of_failed(acr: &Acr) -> Option<Todo<Work>> {
        let work = PathWork::Failed {
            acr: acr.reference(),
            eas_id: acr.eas_id.clone(),
            ue: acr.ue_id.clone(),
            target: acr.t_eas.clone()?,
        };
        Some(todo(acr.key().to_string(), work, None, None))
    }

    /// What is to be done for the traffic of a relocation.
    pub(crate) fn of_route(route: traffic::Route) -> Todo<Work> {
        let lane = traffic::key(&route.acr.id).to_string();
        todo(lane, Self::Steer(Box::new(route)), None, None)
    }

    /// What is to be done when a relocation is over whose traffic was steered.
    pub(crate) fn of_end(id: &str) -> Todo<Work> {
        todo(traffic::key(id).to_string(), Self::Release(id.to_owned()), None, None)
    }
}

fn todo(lane: String, work: PathWork, guard: Option<String>, until: Option<DateTime>) -> Todo<Work> {
    Todo {
        lane,
        task: Task {
            work: Work::Path(work),
            guard,
            until,
        },
    }
}

/// Follows up on changes of paths.
pub struct PathFollowUp {
    room: Room,
    links: Arc<CoreLinks>,
    consent: Arc<dyn Consent>,
    eass: Arc<TargetEass>,
    subscribers: AcrManagementSubscribers,
}

impl PathFollowUp {
    /// Follow-up with these links to the core network, about users who agreed, to these targets, for these subscribers.
    pub fn new(
        room: Room,
        links: Arc<CoreLinks>,
        consent: Arc<dyn Consent>,
        eass: Arc<TargetEass>,
        subscribers: AcrManagementSubscribers,
    ) -> Self {
        Self {
            room,
            links,
            consent,
            eass,
            subscribers,
        }
    }

    /// The work that an event asks for.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn react(&self, event: PathEvent) -> Result<Vec<Todo<Work>>, Error> {
        match event {
            PathEvent::Pending { key, lane } => Ok(vec![todo(lane, PathWork::Pending(key.clone()), Some(key), None)]),
            PathEvent::Acknowledge { to, verdict } => {
                let until = DateTime(self.room.now().0 + SignedDuration::from_secs(OFFERED));
                let lane = format!("acknowledge/{}", to.uri.as_str());
                Ok(vec![todo(
                    lane,
                    PathWork::Acknowledge { to, verdict },
                    None,
                    Some(until),
                )])
            }
            PathEvent::Planned(planned) => self.plans(&planned).await,
        }
    }

    /// Does a piece of work. Doing it twice is harmless.
    pub async fn perform(
        &self,
        work: &PathWork,
        attempt: u32,
        relocations: &AcrFollowUp,
        notifier: &dyn Notifier,
    ) -> Outcome {
        let done = match work {
            PathWork::Pending(key) => {
                self.work_on(&Key::new(key.as_str()), attempt, relocations, notifier)
                    .await
            }
            PathWork::Acknowledge { to, verdict } => Ok(self.acknowledge(to, *verdict).await),
            PathWork::Plan { subscription, planned } => self.plan(&Key::new(subscription.as_str()), planned).await,
            PathWork::Failed {
                acr,
                eas_id,
                ue,
                target,
            } => self.failed(acr, eas_id, ue, target).await,
            PathWork::Steer(route) => traffic::steer(&self.room, &self.links, route).await,
            PathWork::Release(id) => traffic::release(&self.room, id).await,
        };
        done.unwrap_or_else(|error| match error.kind {
            Kind::Forbidden | Kind::NotFound => Outcome::Hopeless(error.to_string()),
            _ => Outcome::Again {
                reason: error.to_string(),
                after: None,
            },
        })
    }

    async fn acknowledge(&self, to: &AckTo, verdict: Verdict) -> Outcome {
        match self.links.core().acknowledge(to, verdict).await {
            Ok(()) => Outcome::Done,
            Err(NetworkError::Unavailable { reason, after }) => Outcome::Again { reason, after },
            Err(error) => Outcome::Hopeless(error.to_string()),
        }
    }
}
