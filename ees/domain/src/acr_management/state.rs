//! How far each event of a subscription has got: kept beside the subscription, and gone with it.

use super::{
    planned::Planned,
    rules::{needs_user_plane, rules_of},
};
use crate::{
    core_links::{KeptLink, held_where, look_at_timer, no_timer, timer},
    event::Event,
    reporting::{Progress, Step, progress_key},
};
use edgeapp_core::{
    error::Error,
    network::Asked,
    room::{Decision, Room, Seen},
    store::Key,
};
use edgeapp_openapi::{
    acr_management_event::{
        AcrMgntEvent, AcrMgntEventReport, AcrMgntEventSubsc, AcrMgntEventsSubscription, AvailabilityNotif,
        AvailabilityStatus,
    },
    common::DateTime,
    eas_registration::EndPoint,
    ids::Gpsi,
};
use serde::{Deserialize, Serialize};

/// Reports that are told again, or at once to who asks for that.
const REMEMBERED: usize = 16;

/// How far one event has got.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct EventState {
    /// What was sent and what is held back.
    pub progress: Progress<AcrMgntEventReport>,
    /// What the core network watches for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<Asked>,
    /// The one UE that it is about, where it is about one that is known by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ue: Option<Gpsi>,
    /// The core network has lost the watch.
    #[serde(default)]
    pub lost: bool,
    /// It cannot be watched, see `failEventReports`.
    #[serde(default)]
    pub failed: bool,
    /// Nothing is reported any more.
    #[serde(default)]
    pub over: bool,
    /// What was reported last.
    #[serde(default)]
    pub last: Vec<AcrMgntEventReport>,
}

/// Traffic of a UE that is steered to a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Steered {
    /// The UE.
    pub ue: Gpsi,
    /// The T-EAS.
    pub target: EndPoint,
    /// What the core network was asked.
    pub asked: Asked,
}

/// How far the events of a subscription have got, in their order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// One for each event.
    pub events: Vec<EventState>,
    /// Traffic that is steered for `ACR_FACILITATION`.
    #[serde(default)]
    pub steered: Vec<Steered>,
    /// UEs that are expected elsewhere.
    #[serde(default)]
    pub planned: Vec<Planned>,
}

impl State {
    fn of(entry: Option<edgeapp_core::store::Entry>, subscription: &AcrMgntEventsSubscription) -> Result<Self, Error> {
        let mut state: Self = match entry {
            Some(entry) => serde_json::from_slice(&entry.value).map_err(Error::internal)?,
            None => Self::default(),
        };
        state
            .events
            .resize_with(subscription.event_subscs.len(), EventState::default);
        Ok(state)
    }

    /// Loads it in an attempt.
    pub(super) async fn load(
        key: &Key,
        subscription: &AcrMgntEventsSubscription,
        seen: &mut Seen,
    ) -> Result<Self, Error> {
        Self::of(seen.entry(&progress_key(key)).await?, subscription)
    }

    /// Reads it, without the wish to change it.
    pub(super) async fn read(room: &Room, key: &Key, subscription: &AcrMgntEventsSubscription) -> Result<Self, Error> {
        Self::of(room.store().get(&progress_key(key)).await?, subscription)
    }

    /// Whether there is anything to keep of the events of this subscription.
    pub(super) fn keeps_account(&self, subscription: &AcrMgntEventsSubscription) -> bool {
        let matters =
            |wanted: &AcrMgntEventSubsc| needs_user_plane(&wanted.event) || rules_of(subscription, wanted).is_some();
        subscription.event_subscs.iter().any(matters)
    }

    /// What goes on for the events of `next`: traffic stays steered as long as a facilitation is asked for, plans as long as they are.
    pub(super) fn keep_what_is_planned(&mut self, old: &State, next: &AcrMgntEventsSubscription) {
        let facilitates = |wanted: &AcrMgntEventSubsc| wanted.event == AcrMgntEvent::AcrFacilitation;
        if next.event_subscs.iter().any(facilitates) {
            self.steered.clone_from(&old.steered);
        }
        if next.event_subscs.iter().any(|wanted| wanted.serv_cont_plan_ind) {
            self.planned.clone_from(&old.planned);
        }
    }

    /// Whether the subscription has said all it had to. One whose events cannot be watched any more stays readable.
    pub(super) fn is_over(&self) -> bool {
        self.events.iter().all(|event| event.over) && self.events.iter().any(|event| !event.failed)
    }

    /// Whether a link on which this was asked is needed.
    pub(super) fn needs(&self, asked: &Asked) -> bool {
        let watched = self
            .events
            .iter()
            .any(|event| !event.over && event.watch.as_ref() == Some(asked));
        watched
            || self.steered.iter().any(|steered| steered.asked == *asked)
            || self.planned.iter().any(|planned| planned.is_watched_by(asked))
    }

    /// Whether all that is watched is watched; `None` when nothing is.
    pub(super) fn availability(&self) -> Option<AvailabilityNotif> {
        let mut watched = self
            .events
            .iter()
            .filter(|event| !event.over && event.watch.is_some())
            .peekable();
        watched.peek()?;
        Some(available(watched.all(|event| !event.lost)))
    }

    /// Takes in a step of an event; answers with what is to be sent.
    pub(super) fn took(&mut self, n: usize, step: Step<AcrMgntEventReport>) -> Vec<AcrMgntEventReport> {
        let event = &mut self.events[n];
        event.progress = step.progress;
        event.over |= step.ended;
        step.send
    }

    /// Takes in what happened for an event; answers with what is to be sent now.
    pub(super) fn offer(
        &mut self,
        n: usize,
        subscription: &AcrMgntEventsSubscription,
        reports: Vec<AcrMgntEventReport>,
        now: DateTime,
    ) -> Vec<AcrMgntEventReport> {
        let rules = rules_of(subscription, &subscription.event_subscs[n]);
        let event = &mut self.events[n];
        if event.over || reports.is_empty() {
            return Vec::new();
        }
        let of_group = event.ue.is_none();
        event.last = reports.iter().take(REMEMBERED).cloned().collect();
        let step = event.progress.clone().offer(rules, reports, of_group, now);
        self.took(n, step)
    }

    /// When somebody has to look next.
    fn due(&self, subscription: &AcrMgntEventsSubscription) -> Option<DateTime> {
        let of_event = |(wanted, state): (&AcrMgntEventSubsc, &EventState)| {
            let both = [state.progress.due, ends_at(subscription, wanted)];
            both.into_iter().flatten().min().filter(|_| !state.over)
        };
        let events = subscription.event_subscs.iter().zip(&self.events).filter_map(of_event);
        events.chain(self.planned.iter().map(|planned| planned.until)).min()
    }

    /// The change that keeps it, and sets the timer.
    pub(super) async fn keep(
        &self,
        decision: Decision<()>,
        key: &Key,
        subscription: &AcrMgntEventsSubscription,
        seen: &mut Seen,
    ) -> Result<Decision<()>, Error> {
        look_at_timer(seen, key).await?;
        if !self.keeps_account(subscription) && self.planned.is_empty() && self.steered.is_empty() {
            return Ok(no_timer(decision.delete(&progress_key(key)), key));
        }
        self.written(decision, key, subscription)
    }

    /// As [`State::keep`], where no timer can have been set before.
    pub(super) fn written(
        &self,
        decision: Decision<()>,
        key: &Key,
        subscription: &AcrMgntEventsSubscription,
    ) -> Result<Decision<()>, Error> {
        let json = serde_json::to_vec(self).map_err(Error::internal)?;
        let decision = decision.put_bytes(&progress_key(key), json.into(), None);
        match self.due(subscription) {
            Some(due) => timer(decision, key, due),
            None => Ok(no_timer(decision, key)),
        }
    }

    /// What is held at the core network and needed no longer is given back.
    pub(super) async fn give_back(
        &self,
        decision: Decision<()>,
        room: &Room,
        key: &Key,
    ) -> Result<Decision<()>, Error> {
        let links = held_where(room, key, |link: &KeptLink| !self.needs_link(link)).await?;
        if links.is_empty() {
            return Ok(decision);
        }
        decision.tell(&Event::LinksGivenBack {
            key: key.to_string(),
            links,
        })
    }

    /// Whether a link is needed, whatever became of the end of its watch.
    pub(super) fn needs_link(&self, link: &KeptLink) -> bool {
        self.needs(&link.asked)
    }
}

/// The instant at which an event ends by its options.
pub(super) fn ends_at(subscription: &AcrMgntEventsSubscription, wanted: &AcrMgntEventSubsc) -> Option<DateTime> {
    rules_of(subscription, wanted)?.mon_dur
}

/// How the standard says it.
pub(super) fn available(is: bool) -> AvailabilityNotif {
    AvailabilityNotif {
        availability_status: match is {
            true => AvailabilityStatus::Available,
            false => AvailabilityStatus::NotAvailable,
        },
    }
}
