//! The milestones of a relocation and the values derived from them.

use serde::{Deserialize, Serialize, Serializer};
use std::{collections::BTreeMap, time::Duration};

macro_rules! milestones {
    ($($variant:ident $id:literal $name:literal $plain:literal),+ $(,)?) => {
        /// A point that a relocation passes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Milestone {
            $(#[doc = $plain] $variant),+
        }

        impl Milestone {
            /// All of them, in the usual order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its short name, `m0` to `m16`.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$variant => $id),+ }
            }

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// What it means, in plain words.
            pub const fn plain(self) -> &'static str {
                match self { $(Self::$variant => $plain),+ }
            }
        }
    };
}

milestones! {
    Move "m0" "move" "The UE leaves the area of the site that serves it.",
    Detected "m1" "detected" "The EEC on the UE notices the new cell.",
    Decided "m2" "decided" "The EEC decides that the application has to move.",
    Provisioned "m3" "provisioned" "The ECS has told which edge site is in charge here.",
    TEasFound "m4" "t_eas_found" "The new site's EES has told where the application runs there.",
    TEasSelected "m5" "t_eas_selected" "The new application server is chosen.",
    TargetNotified "m6" "target_notified" "The EEC has been told the new application server.",
    InitAck "m7" "init_ack" "The old site's EES has accepted the request to relocate.",
    Influenced "m8" "influenced" "The network has been asked to route to the new site.",
    ActStart "m9" "act_start" "The transfer of the application's state starts.",
    EecCtxMoved "m10" "eec_ctx_moved" "The new EES has what the old one knew about the EEC.",
    ActDone "m11" "act_done" "The new application server has the application's state.",
    StatusReported "m12" "status_reported" "Both application servers have reported the result to their EES.",
    AcrComplete "m13" "acr_complete" "The EEC has been told that the relocation is complete.",
    FirstTReply "m14" "first_t_reply" "The new application server answers the application for the first time.",
    LastSReply "m15" "last_s_reply" "The old application server has answered for the last time.",
    Cleaned "m16" "cleaned" "Nothing of the relocation is left at the old site.",
}

impl Serialize for Milestone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

/// When each milestone was reached, since the run began.
pub type Reached = BTreeMap<Milestone, Duration>;

/// A time in milliseconds, with microseconds behind the point.
pub fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// Milliseconds from one milestone to another; negative when the second came first.
pub fn between(reached: &Reached, from: Milestone, to: Milestone) -> Option<f64> {
    let (from, to) = (reached.get(&from)?, reached.get(&to)?);
    Some(((to.as_secs_f64() - from.as_secs_f64()) * 1e6).round() / 1e3)
}

/// What the milestones and the application's replies say about a relocation, in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Derived {
    /// From the move to its detection.
    pub detection_ms: Option<f64>,
    /// From the detection to the decision.
    pub decision_ms: Option<f64>,
    /// From the decision to the new application server being found.
    pub discovery_ms: Option<f64>,
    /// From the decision to the start of the transfer.
    pub signalling_ms: Option<f64>,
    /// From the start of the transfer to its end.
    pub transfer_ms: Option<f64>,
    /// From the move to the news that it is complete; to the first reply of the new server where nobody tells.
    pub completion_ms: Option<f64>,
    /// How long the application got no reply, beyond its usual period.
    pub interruption_ms: Option<f64>,
    /// Requests of the application that were sent.
    pub requests: usize,
    /// Requests of the application that got no good reply.
    pub lost_requests: usize,
}

impl Derived {
    /// The values as rows for people: name, value, meaning.
    pub fn rows(&self) -> Vec<(&'static str, String, &'static str)> {
        let time = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.1} ms"));
        vec![
            (
                "service interruption",
                time(self.interruption_ms),
                "longest silence since the move, beyond the usual period",
            ),
            (
                "lost requests",
                format!("{} of {}", self.lost_requests, self.requests),
                "requests without a good reply",
            ),
            (
                "detection delay",
                time(self.detection_ms),
                "move to detection (m1 − m0)",
            ),
            ("decision", time(self.decision_ms), "detection to decision (m2 − m1)"),
            (
                "discovery",
                time(self.discovery_ms),
                "decision to target found (m4 − m2)",
            ),
            (
                "signalling",
                time(self.signalling_ms),
                "decision to start of the transfer (m9 − m2)",
            ),
            (
                "transfer",
                time(self.transfer_ms),
                "start to end of the state transfer (m11 − m9)",
            ),
            (
                "completion",
                time(self.completion_ms),
                "move to completion (m13 − m0, without m13 m14 − m0)",
            ),
        ]
    }
}

/// One numbered request of the application client and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reply {
    /// The number of the request.
    pub number: u64,
    /// When the request left.
    #[serde(serialize_with = "as_milliseconds", rename = "sent_ms")]
    pub sent: Duration,
    /// When the reply was there, or the request given up.
    #[serde(serialize_with = "as_milliseconds", rename = "done_ms")]
    pub done: Duration,
    /// The instance that replied and its state counter; absent when there was no good reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub good: Option<Good>,
}

/// A good reply of an application server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Good {
    /// The instance of the EAS.
    pub instance: String,
    /// The counter in the application context.
    pub counter: u64,
}

/// Serializes a time in milliseconds.
pub(crate) fn as_milliseconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(milliseconds(*time))
}

/// Longest silence between two consecutive good replies beyond the period, with its two ends; only what lies after `since` counts. A
/// silence that nothing ends lasts until the last request was given up.
pub fn interruption(replies: &[Reply], since: Duration, period: Duration) -> Option<(Duration, Duration, Duration)> {
    let mut good: Vec<_> = replies
        .iter()
        .filter(|reply| reply.good.is_some())
        .map(|reply| reply.done)
        .collect();
    let unanswered = replies.last().filter(|last| last.good.is_none());
    if let Some(last) = unanswered.filter(|_| !good.is_empty()) {
        good.push(last.done);
    }
    let longest = good
        .windows(2)
        .filter(|pair| pair[1] >= since)
        .max_by_key(|pair| pair[1].saturating_sub(pair[0]))?;
    Some((
        (longest[1].saturating_sub(longest[0])).saturating_sub(period),
        longest[0],
        longest[1],
    ))
}

/// Derives the values of a run.
pub fn derive(reached: &Reached, replies: &[Reply], period: Duration) -> Derived {
    use Milestone::{AcrComplete, ActDone, ActStart, Decided, Detected, FirstTReply, Move, TEasFound};
    Derived {
        detection_ms: between(reached, Move, Detected),
        decision_ms: between(reached, Detected, Decided),
        discovery_ms: between(reached, Decided, TEasFound),
        signalling_ms: between(reached, Decided, ActStart),
        transfer_ms: between(reached, ActStart, ActDone),
        completion_ms: between(reached, Move, AcrComplete).or_else(|| between(reached, Move, FirstTReply)),
        interruption_ms: interruption(replies, reached.get(&Move).copied().unwrap_or_default(), period)
            .map(|(silence, ..)| milliseconds(silence)),
        requests: replies.len(),
        lost_requests: replies.iter().filter(|reply| reply.good.is_none()).count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(time: u64) -> Duration {
        Duration::from_millis(time)
    }

    fn reply(number: u64, done: u64, instance: Option<&str>) -> Reply {
        let good = instance.map(|instance| Good {
            instance: instance.to_owned(),
            counter: number,
        });
        Reply {
            number,
            sent: ms(done.saturating_sub(1)),
            done: ms(done),
            good,
        }
    }

    #[test]
    fn the_longest_silence_counts_beyond_the_period() {
        let replies = [
            reply(1, 20, Some("a")),
            reply(2, 40, Some("a")),
            reply(3, 65, None),
            reply(4, 95, Some("b")),
        ];
        assert_eq!(interruption(&replies, ms(0), ms(20)), Some((ms(35), ms(40), ms(95))));
        let derived = derive(&Reached::new(), &replies, ms(20));
        assert_eq!(
            (derived.interruption_ms, derived.lost_requests, derived.requests),
            (Some(35.0), 1, 4)
        );
    }

    #[test]
    fn a_silence_at_the_end_counts() {
        let replies = [reply(1, 20, Some("a")), reply(2, 40, Some("a")), reply(3, 900, None)];
        assert_eq!(interruption(&replies, ms(0), ms(20)), Some((ms(840), ms(40), ms(900))));
        assert_eq!(interruption(&replies[2..], ms(0), ms(20)), None);
    }

    #[test]
    fn replies_without_a_gap_are_no_interruption() {
        let replies = [
            reply(1, 20, Some("a")),
            reply(2, 39, Some("b")),
            reply(3, 58, Some("b")),
        ];
        assert_eq!(derive(&Reached::new(), &replies, ms(20)).interruption_ms, Some(0.0));
        assert_eq!(interruption(&replies, ms(50), ms(20)), Some((ms(0), ms(39), ms(58))));
        assert_eq!(interruption(&[], ms(0), ms(20)), None);
    }

    #[test]
    fn completion_falls_back_to_the_first_reply() {
        let mut reached = Reached::from([(Milestone::Move, ms(100)), (Milestone::FirstTReply, ms(180))]);
        assert_eq!(derive(&reached, &[], ms(20)).completion_ms, Some(80.0));
        reached.insert(Milestone::AcrComplete, ms(150));
        assert_eq!(derive(&reached, &[], ms(20)).completion_ms, Some(50.0));
        assert_eq!(
            between(&reached, Milestone::FirstTReply, Milestone::AcrComplete),
            Some(-30.0)
        );
    }
}
