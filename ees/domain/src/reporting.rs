//! How often and how long a subscriber is told: the reporting options that subscriptions over EDGE-3 share (TS 29.523,
//! `ReportingInformation`).
//!
//! What is reported are items of any kind (an event about a UE, say). [`Progress`] is kept beside the subscription; its steps are pure:
//! what is sent now, what is held back until when, and whether the subscription has said all it had to say.

use crate::{
    core_links::{look_at_timer, no_timer},
    event::Event,
};
use edgeapp_core::{
    error::Error,
    room::{Decision, Room, Seen, contended},
    store::Key,
};
use edgeapp_openapi::common::{DateTime, NotificationFlag, NotificationMethod, ReportingInformation};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Where progress is kept: `progress/<key of the subscription>`.
const PROGRESS: &str = "progress/";
/// How many items are held back at most; the oldest give way.
const HELD: usize = 256;

/// How far the reports of a subscription have got.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress<T> {
    /// Notifications sent.
    pub sent: u64,
    /// Items held back.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<T>,
    /// When what is held back, or the present state, has to go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<DateTime>,
}

impl<T> Default for Progress<T> {
    fn default() -> Self {
        Self {
            sent: 0,
            held: Vec::new(),
            due: None,
        }
    }
}

/// What follows from one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step<T> {
    /// The progress afterwards.
    pub progress: Progress<T>,
    /// What goes into a notification now; nothing is sent when empty.
    pub send: Vec<T>,
    /// Whether that was the last notification: the subscription has said all it had to.
    pub ended: bool,
}

/// Why options cannot be served, with the member.
///
/// # Errors
/// For a period without the method that uses it, or the other way round.
pub fn acceptable(rules: Option<&ReportingInformation>, at: &str) -> Result<(), Error> {
    let Some(rules) = rules else { return Ok(()) };
    if rules.notif_method == Some(NotificationMethod::Periodic) && rules.rep_period.is_none_or(|seconds| seconds == 0) {
        return Err(Error::optional_incorrect(
            format!("{at}/repPeriod"),
            "must be at least 1 when notifMethod is PERIODIC",
        ));
    }
    if let Some(NotificationMethod::Other(method)) = &rules.notif_method {
        return Err(Error::optional_incorrect(
            format!("{at}/notifMethod"),
            format!("{method} is not served here; served are PERIODIC, ONE_TIME, ON_EVENT_DETECTION"),
        ));
    }
    if rules.max_report_nbr == Some(0) {
        return Err(Error::optional_incorrect(
            format!("{at}/maxReportNbr"),
            "must be at least 1",
        ));
    }
    if !rules.partition_criteria.is_empty() {
        return Err(Error::optional_incorrect(
            format!("{at}/partitionCriteria"),
            "cannot be served here: UEs are not parted before sampling",
        ));
    }
    Ok(())
}

/// Whether a member of a group is in the sample: the same members each time.
pub fn in_sample(rules: Option<&ReportingInformation>, member: &str) -> bool {
    let Some(ratio) = rules.and_then(|rules| rules.samp_ratio) else {
        return true;
    };
    let mut hasher = DefaultHasher::new();
    member.hash(&mut hasher);
    hasher.finish() % 100 < u64::from(ratio)
}

impl<T: Clone> Progress<T> {
    /// The subscription begins; `known` is what is known at once. Periods begin to run.
    pub fn begin(rules: Option<&ReportingInformation>, known: Vec<T>, now: DateTime) -> Step<T> {
        let progress = Self {
            due: period(rules).map(|period| DateTime(now.0 + period)),
            ..Self::default()
        };
        let immediate = rules.is_some_and(|rules| rules.imm_rep) && !known.is_empty();
        if immediate && !is_muted(rules) {
            return progress.sending(rules, known);
        }
        Step {
            progress,
            send: Vec::new(),
            ended: false,
        }
    }

    /// Something happened.
    pub fn offer(
        mut self,
        rules: Option<&ReportingInformation>,
        fresh: Vec<T>,
        of_group: bool,
        now: DateTime,
    ) -> Step<T> {
        if fresh.is_empty() || self.is_over(rules) {
            return self.quiet(rules);
        }
        if is_muted(rules) {
            return self.hold(fresh).quiet(rules);
        }
        if period(rules).is_some() {
            // The period decides when; what is held then is what happened last.
            return self.hold(fresh).quiet(rules);
        }
        let gather = rules.and_then(|rules| rules.grp_rep_time).filter(|_| of_group);
        if let Some(seconds) = gather.filter(|seconds| *seconds > 0) {
            let due = DateTime(now.0 + SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX / 4)));
            self = self.hold(fresh);
            self.due = self.due.or(Some(due));
            return self.quiet(rules);
        }
        let mut send = std::mem::take(&mut self.held);
        send.extend(fresh);
        self.sending(rules, send)
    }

    /// The timer rang; `present` is the present state, for periods in which nothing happened.
    pub fn ring(mut self, rules: Option<&ReportingInformation>, present: Vec<T>, now: DateTime) -> Step<T> {
        self.due = period(rules).map(|period| DateTime(now.0 + period));
        if self.is_over(rules) || is_muted(rules) {
            return self.quiet(rules);
        }
        let held = std::mem::take(&mut self.held);
        let send = if held.is_empty() { present } else { held };
        if send.is_empty() {
            return self.quiet(rules);
        }
        self.sending(rules, send)
    }

    /// The options changed: what was held back may have to go, periods begin anew.
    pub fn changed(mut self, rules: Option<&ReportingInformation>, now: DateTime) -> Step<T> {
        self.due = period(rules).map(|period| DateTime(now.0 + period));
        let fetched = rules.is_some_and(|rules| rules.notif_flag == Some(NotificationFlag::Retrieval));
        if (is_muted(rules) && !fetched) || self.held.is_empty() || self.due.is_some() || self.is_over(rules) {
            return self.quiet(rules);
        }
        let send = std::mem::take(&mut self.held);
        self.sending(rules, send)
    }

    fn is_over(&self, rules: Option<&ReportingInformation>) -> bool {
        most(rules).is_some_and(|most| self.sent >= most)
    }

    /// Whether so much is held back that something may have given way.
    pub fn is_full(&self) -> bool {
        self.held.len() >= HELD
    }

    fn hold(mut self, fresh: Vec<T>) -> Self {
        self.held.extend(fresh);
        let surplus = self.held.len().saturating_sub(HELD);
        self.held.drain(..surplus);
        self
    }

    fn quiet(self, rules: Option<&ReportingInformation>) -> Step<T> {
        let ended = self.is_over(rules);
        Step {
            progress: self,
            send: Vec::new(),
            ended,
        }
    }

    fn sending(mut self, rules: Option<&ReportingInformation>, send: Vec<T>) -> Step<T> {
        self.sent += 1;
        let ended = self.is_over(rules);
        Step {
            progress: self,
            send,
            ended,
        }
    }
}

/// The period of reports, if they are periodic.
fn period(rules: Option<&ReportingInformation>) -> Option<SignedDuration> {
    let rules = rules.filter(|rules| rules.notif_method == Some(NotificationMethod::Periodic))?;
    let seconds = i64::try_from(rules.rep_period?).unwrap_or(i64::MAX).min(366 * 86_400);
    Some(SignedDuration::from_secs(seconds.max(1)))
}

/// How many notifications are sent at most.
fn most(rules: Option<&ReportingInformation>) -> Option<u64> {
    let rules = rules?;
    let once = (rules.notif_method == Some(NotificationMethod::OneTime)).then_some(1);
    once.into_iter().chain(rules.max_report_nbr).min()
}

fn is_muted(rules: Option<&ReportingInformation>) -> bool {
    let flag = rules.and_then(|rules| rules.notif_flag.as_ref());
    matches!(flag, Some(NotificationFlag::Deactivate | NotificationFlag::Retrieval))
}

/// The key of the progress of a subscription.
pub fn progress_key(subscription: &Key) -> Key {
    Key::from(format!("{PROGRESS}{subscription}"))
}

/// The progress of a subscription, as far as it was kept.
///
/// # Errors
/// When the store cannot be read.
pub async fn progress_of<T: DeserializeOwned>(subscription: &Key, seen: &mut Seen) -> Result<Progress<T>, Error> {
    match seen.entry(&progress_key(subscription)).await? {
        Some(entry) => serde_json::from_slice(&entry.value).map_err(Error::internal),
        None => Ok(Progress::default()),
    }
}

/// The change that keeps the progress of a subscription.
///
/// # Errors
/// Never in practice: the items cannot be written as JSON.
pub fn keep_progress<T: Serialize>(
    decision: Decision<()>,
    subscription: &Key,
    progress: &Progress<T>,
) -> Result<Decision<()>, Error> {
    let json = serde_json::to_vec(progress).map_err(Error::internal)?;
    Ok(decision.put_bytes(&progress_key(subscription), json.into(), None))
}

/// What goes with the end of a subscription: its progress, its timer, what it holds at the core network.
///
/// # Errors
/// Never in practice: the event cannot be written as JSON.
pub fn farewell(decision: Decision<()>, subscription: &Key) -> Result<Decision<()>, Error> {
    no_timer(decision.delete(&progress_key(subscription)), subscription).tell(&Event::HolderGone {
        key: subscription.to_string(),
    })
}

/// Ends a subscription that has said all it had to say.
///
/// # Errors
/// When the store fails.
pub async fn end(room: &Room, subscription: &Key) -> Result<(), Error> {
    for mut seen in room.attempts() {
        if seen.entry(subscription).await?.is_none() {
            return Ok(());
        }
        look_at_timer(&mut seen, subscription).await?;
        let decision = farewell(Decision::of(()).delete(subscription), subscription)?;
        if room.commit(seen, decision).await?.is_some() {
            return Ok(());
        }
    }
    Err(contended())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime {
        DateTime(jiff::Timestamp::from_second(1_800_000_000 + second).unwrap_or_default())
    }

    fn rules(json: serde_json::Value) -> ReportingInformation {
        serde_json::from_value(json).expect("reporting information")
    }

    #[test]
    fn without_options_every_event_is_sent_at_once() {
        let step = Progress::begin(None, vec![1], at(0));
        assert!(step.send.is_empty(), "nobody asked for what is known");
        let step = step.progress.offer(None, vec![2], false, at(1));
        assert_eq!((step.send, step.ended), (vec![2], false));
    }

    #[test]
    fn what_is_known_is_sent_at_once_when_asked_for() {
        let rules = rules(serde_json::json!({"immRep": true}));
        let step = Progress::begin(Some(&rules), vec![1], at(0));
        assert_eq!(step.send, vec![1]);
    }

    #[test]
    fn one_time_ends_after_the_first() {
        let rules = rules(serde_json::json!({"notifMethod": "ONE_TIME"}));
        let step = Progress::begin(Some(&rules), vec![], at(0))
            .progress
            .offer(Some(&rules), vec![1], false, at(1));
        assert_eq!((&step.send, step.ended), (&vec![1], true));
        let after = step.progress.offer(Some(&rules), vec![2], false, at(2));
        assert!(after.send.is_empty() && after.ended);
    }

    #[test]
    fn a_number_of_reports_counts_immediate_ones_too() {
        let rules = rules(serde_json::json!({"immRep": true, "maxReportNbr": 2}));
        let first = Progress::begin(Some(&rules), vec![1], at(0));
        assert!(!first.ended);
        let second = first.progress.offer(Some(&rules), vec![2], false, at(1));
        assert!(second.ended);
    }

    #[test]
    fn periodic_reports_wait_for_the_period_and_repeat_the_present_state() {
        let rules = rules(serde_json::json!({"notifMethod": "PERIODIC", "repPeriod": 10}));
        let step = Progress::begin(Some(&rules), vec![], at(0));
        assert_eq!(step.progress.due, Some(at(10)));
        let step = step.progress.offer(Some(&rules), vec![1], false, at(3));
        assert!(step.send.is_empty());
        let step = step.progress.ring(Some(&rules), vec![1], at(10));
        assert_eq!((&step.send, step.progress.due), (&vec![1], Some(at(20))));
        let step = step.progress.ring(Some(&rules), vec![1], at(20));
        assert_eq!(step.send, vec![1], "nothing happened: the present state is told");
    }

    #[test]
    fn reports_of_a_group_are_gathered() {
        let rules = rules(serde_json::json!({"grpRepTime": 5}));
        let step = Progress::begin(Some(&rules), vec![], at(0))
            .progress
            .offer(Some(&rules), vec![1], true, at(1));
        assert!(step.send.is_empty());
        let step = step.progress.offer(Some(&rules), vec![2], true, at(3));
        assert_eq!(step.progress.due, Some(at(6)), "the first one set the time");
        let step = step.progress.ring(Some(&rules), vec![], at(6));
        assert_eq!((step.send, step.progress.due), (vec![1, 2], None));
    }

    #[test]
    fn muted_reports_go_when_they_are_let_go() {
        let muted = rules(serde_json::json!({"notifFlag": "DEACTIVATE"}));
        let step = Progress::begin(Some(&muted), vec![], at(0))
            .progress
            .offer(Some(&muted), vec![1], false, at(1));
        assert!(step.send.is_empty());
        let open = rules(serde_json::json!({"notifFlag": "ACTIVATE"}));
        assert_eq!(step.progress.changed(Some(&open), at(2)).send, vec![1]);
    }

    #[test]
    fn what_cannot_be_served_is_refused_with_its_member() {
        let refused = |json| {
            acceptable(Some(&rules(json)), "/eventReq")
                .expect_err("refused")
                .invalid[0]
                .param
                .clone()
        };
        assert_eq!(
            refused(serde_json::json!({"notifMethod": "PERIODIC"})),
            "/eventReq/repPeriod"
        );
        assert_eq!(
            refused(serde_json::json!({"notifMethod": "SOMETIMES"})),
            "/eventReq/notifMethod"
        );
        assert_eq!(
            refused(serde_json::json!({"maxReportNbr": 0})),
            "/eventReq/maxReportNbr"
        );
    }

    #[test]
    fn a_sample_is_the_same_each_time() {
        let half = rules(serde_json::json!({"sampRatio": 50}));
        let first: Vec<bool> = (0..200).map(|n| in_sample(Some(&half), &format!("ue{n}"))).collect();
        let again: Vec<bool> = (0..200).map(|n| in_sample(Some(&half), &format!("ue{n}"))).collect();
        assert_eq!(first, again);
        let taken = first.iter().filter(|taken| **taken).count();
        assert!((60..140).contains(&taken), "{taken} of 200");
    }
}
