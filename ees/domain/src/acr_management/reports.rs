//! What the core network reports of paths, told to the subscriptions that hold the watch; their timers; whether they are watched at all.

use super::{
    memory, naming,
    orders::{notification, telling},
    path_change::{PathEvent, Pending},
    planned,
    rules::needs_user_plane,
    rules::rules_of,
    state::{State, ends_at},
    subscription::may_tell,
    targets::TargetEass,
    watch,
};
use crate::{
    Ees,
    acr::AcrRef,
    core_links::{By, Heard, Holder},
    event::{Event, Notification},
    reporting,
};
use async_trait::async_trait;
use edgeapp_core::{
    collection::Resource,
    consent::Consent,
    error::Error,
    kept::Kept,
    network::{Asked, CoreReport, PathReport, Verdict},
    room::{Decision, Room, Seen},
    store::Key,
};
use edgeapp_openapi::{
    acr_management_event::{AcrMgntEvent, AcrMgntEventReport, AcrMgntEventsSubscription},
    common::{DateTime, Uri},
};
use std::sync::Arc;

/// Hears of paths, for [`crate::core_links::CoreLinks`].
pub struct AcrManagementReports {
    room: Room,
    consent: Arc<dyn Consent>,
    eass: Arc<TargetEass>,
    answer_seconds: u32,
}

impl AcrManagementReports {
    /// Reports about users who agreed. Where the core network waits for an EAS, the EAS has so many seconds to answer.
    pub fn new(room: Room, consent: Arc<dyn Consent>, eass: Arc<TargetEass>, answer_seconds: u32) -> Self {
        Self {
            room,
            consent,
            eass,
            answer_seconds,
        }
    }

    /// A path changes. What can be told at once is told; what takes longer, or has to be asked, becomes work that survives a restart.
    /// Where the core network waits and nobody wants to be asked, it need not wait.
    async fn path_changed(
        &self,
        key: &Key,
        kept: &Kept<AcrMgntEventsSubscription>,
        watch: &Asked,
        report: &PathReport,
        seen: &mut Seen,
    ) -> Result<Decision<()>, Error> {
        let Asked::Path(path) = watch else {
            return Ok(Decision::of(()));
        };
        let subscription = &kept.value;
        let mut state = State::load(key, subscription, seen).await?;
        let concerned = watch::concerned(subscription, &state, watch, &report.change, &self.eass);
        let of_watch = state.events.iter().find(|event| event.watch.as_ref() == Some(watch));
        let ue = naming::ue_of(watch, of_watch, &report.change);
        let mut decision = Decision::of(());
        if let (Some(ue), None) = (&ue, &path.traffic) {
            decision = memory::remember(decision, &subscription.eas_id, ue, &report.change, seen).await?;
        }
        let may_tell = may_tell(self.consent.as_ref(), ue.as_ref()).await;
        let asks = path.acknowledged && report.acknowledge.is_some();
        // Who it is has to be found out first where the core network tells an address only.
        let is_told_later = |n: &usize| {
            subscription.event_subscs[*n].event != AcrMgntEvent::UpPathChg || asks || (ue.is_none() && !may_tell)
        };
        let (later, at_once): (Vec<usize>, Vec<usize>) = concerned.into_iter().partition(is_told_later);
        let (mut sends, now) = (Vec::new(), seen.now());
        let nothing_told = at_once.is_empty() || !may_tell;
        for n in at_once.into_iter().filter(|_| may_tell) {
            let wanted = &subscription.event_subscs[n];
            if in_sample(subscription, &state, n, ue.as_ref().map(|ue| ue.as_str())) {
                let told = naming::path_report(wanted, ue.as_ref(), &report.change, now);
                sends.extend(state.offer(n, subscription, told.into_iter().collect(), now));
            }
        }
        let mut waiting = report.acknowledge.clone();
        if !later.is_empty() && (may_tell || ue.is_none()) {
            let pending = Pending {
                subscription: key.to_string(),
                watch: watch.clone(),
                change: report.change.clone(),
                at: now,
                ue,
                events: later
                    .into_iter()
                    .map(|n| subscription.event_subscs[n].event.clone())
                    .collect(),
                acknowledge: if asks { waiting.take() } else { None },
                planned: None,
            };
            decision = pending.begun(decision, &kept.owner, self.answer_seconds, seen)?;
        }
        if let Some(to) = waiting {
            let verdict = Verdict::Accepted;
            decision = decision.tell(&Event::Path(PathEvent::Acknowledge { to, verdict }))?;
        }
        if nothing_told {
            return Ok(decision);
        }
        finish(&self.room, key, subscription, &state, (sends, None), decision, seen).await
    }

    /// A watch is lost or there again: the subscriber hears of it when that makes a difference, once.
    async fn watched(
        &self,
        key: &Key,
        mut kept: Kept<AcrMgntEventsSubscription>,
        watch: &Asked,
        lost: bool,
        seen: &mut Seen,
    ) -> Result<Decision<()>, Error> {
        let mut state = State::load(key, &kept.value, seen).await?;
        let before = state.availability();
        for event in &mut state.events {
            if event.watch.as_ref() == Some(watch) {
                event.lost = lost;
            }
        }
        let after = state.availability();
        if before == after {
            return state.keep(Decision::of(()), key, &kept.value, seen).await;
        }
        let Some(says) = after else { return Ok(Decision::of(())) };
        let told = Notification {
            destination: availability_address(&kept.value.notification_destination)?,
            subscription: key.to_string(),
            body: serde_json::to_value(&says).map_err(Error::internal)?,
            for_acr: None,
        };
        if kept.value.fail_event_reports.is_empty() {
            kept.value.availability_info = Some(says);
        }
        let decision = Decision::of(()).put(key, &kept)?.tell(&Event::Tell(Box::new(told)))?;
        state.keep(decision, key, &kept.value, seen).await
    }
}

/// Where availability is reported: a path of its own below the callback address, before any query (TS 29.558 clause 8.6.4.3).
pub(super) fn availability_address(destination: &Uri) -> Result<Uri, Error> {
    let text = destination.as_str();
    let (path, query) = match text.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (text, String::new()),
    };
    let address = format!("{}/report-availability{query}", path.trim_end_matches('/'));
    address.parse().map_err(Error::internal)
}

/// Whether a UE is in the sample of an event about many.
pub(super) fn in_sample(subscription: &AcrMgntEventsSubscription, state: &State, n: usize, ue: Option<&str>) -> bool {
    let one = state.events[n].ue.is_some();
    one || ue.is_none_or(|ue| reporting::in_sample(rules_of(subscription, &subscription.event_subscs[n]), ue))
}

/// What goes with a new state: what is sent goes, what is needed no longer is given back, and a subscription that has said all it had to
/// ends.
pub(super) async fn finish(
    room: &Room,
    key: &Key,
    subscription: &AcrMgntEventsSubscription,
    state: &State,
    (sends, for_acr): (Vec<AcrMgntEventReport>, Option<AcrRef>),
    mut decision: Decision<()>,
    seen: &mut Seen,
) -> Result<Decision<()>, Error> {
    let over = state.is_over();
    if sends.is_empty() && over {
        return reporting::farewell(decision.delete(key), key);
    }
    if !sends.is_empty() {
        decision = decision.tell(&telling(notification(key, subscription, sends, for_acr)?, over))?;
    }
    decision = state.keep(decision, key, subscription, seen).await?;
    state.give_back(decision, room, key).await
}

#[async_trait]
impl Holder for AcrManagementReports {
    fn prefix(&self) -> &'static str {
        <AcrMgntEventsSubscription as Resource<Ees>>::PREFIX
    }

    async fn heard(&self, key: &Key, by: By<'_>, heard: Heard<'_>, seen: &mut Seen) -> Result<Decision<()>, Error> {
        let Some(kept) = seen.kept::<AcrMgntEventsSubscription>(key).await? else {
            return match heard {
                Heard::Report(CoreReport::Path(report)) => accepted(report),
                _ => Ok(Decision::of(())),
            };
        };
        match heard {
            Heard::Report(CoreReport::Path(report)) => self.path_changed(key, &kept, by.asked, report, seen).await,
            Heard::Report(CoreReport::Location(report)) => {
                planned::seen_at(&self.room, self.consent.as_ref(), key, &kept, by.asked, report, seen).await
            }
            Heard::Report(_) => Ok(Decision::of(())),
            Heard::Lost => self.watched(key, kept, by.asked, true, seen).await,
            Heard::Regained => self.watched(key, kept, by.asked, false, seen).await,
        }
    }

    async fn needs(&self, key: &Key, asked: &Asked) -> Result<Option<bool>, Error> {
        let Some(kept) = self.room.read::<AcrMgntEventsSubscription>(key).await? else {
            return Ok(Some(false));
        };
        let state = State::read(&self.room, key, &kept.value).await?;
        Ok(Some(state.needs(asked)))
    }

    async fn rang(&self, key: &Key, seen: &mut Seen) -> Result<Decision<()>, Error> {
        let Some(kept) = seen.kept::<AcrMgntEventsSubscription>(key).await? else {
            return reporting::farewell(Decision::of(()), key);
        };
        let subscription = &kept.value;
        let mut state = State::load(key, subscription, seen).await?;
        let now = seen.now();
        let mut sends = Vec::new();
        let is_due = |at: Option<DateTime>| at.is_some_and(|at| at <= now);
        for n in 0..state.events.len() {
            let (wanted, event) = (&subscription.event_subscs[n], &state.events[n]);
            if event.over {
                continue;
            }
            if is_due(ends_at(subscription, wanted)) {
                state.events[n].over = true;
            } else if is_due(event.progress.due) && needs_user_plane(&wanted.event) {
                let present = match &event.ue {
                    Some(ue) if !may_tell(self.consent.as_ref(), Some(ue)).await => Vec::new(),
                    _ => event.last.clone(),
                };
                let step = event
                    .progress
                    .clone()
                    .ring(rules_of(subscription, wanted), present, now);
                sends.extend(state.took(n, step));
            }
        }
        state.planned.retain(|planned| planned.until > now);
        finish(
            &self.room,
            key,
            subscription,
            &state,
            (sends, None),
            Decision::of(()),
            seen,
        )
        .await
    }
}

/// Nobody is there to be asked: the core network need not wait.
fn accepted(report: &PathReport) -> Result<Decision<()>, Error> {
    match report.acknowledge.clone() {
        Some(to) => Decision::of(()).tell(&Event::Path(PathEvent::Acknowledge {
            to,
            verdict: Verdict::Accepted,
        })),
        None => Ok(Decision::of(())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TS 29.558 clause 8.6.4.3: a segment more, before any query.
    #[test]
    fn availability_has_an_address_of_its_own() {
        for (destination, address) in [
            ("https://a.example/acr", "https://a.example/acr/report-availability"),
            ("https://a.example/acr/", "https://a.example/acr/report-availability"),
            (
                "https://a.example/acr?key=1/2?",
                "https://a.example/acr/report-availability?key=1/2?",
            ),
            ("https://a.example", "https://a.example/report-availability"),
        ] {
            let made = availability_address(&destination.parse().expect("a URI")).expect("a URI");
            assert_eq!(made.as_str(), address);
        }
    }
}
