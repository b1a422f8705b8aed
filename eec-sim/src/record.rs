//! What happens in a run, written down while it happens.

use crate::milestone::{Milestone, Reached, as_milliseconds};
use serde::Serialize;
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Who takes part in a relocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The UE: its EEC and its application client.
    Ue,
    /// The ECS.
    Ecs,
    /// The EES of the site that is left.
    SEes,
    /// The EES of the site that is entered.
    TEes,
    /// The EAS of the site that is left.
    SEas,
    /// The EAS of the site that is entered.
    TEas,
    /// The core network behind the EESs, by its NEF.
    Nef,
}

impl Part {
    /// All of them, from left to right in a diagram.
    pub const ALL: [Self; 7] = [
        Self::Ue,
        Self::Ecs,
        Self::SEes,
        Self::TEes,
        Self::SEas,
        Self::TEas,
        Self::Nef,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ue => "UE (EEC, AC)",
            Self::Ecs => "ECS",
            Self::SEes => "S-EES",
            Self::TEes => "T-EES",
            Self::SEas => "S-EAS",
            Self::TEas => "T-EAS",
            Self::Nef => "NEF",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How the simulator knows of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// It sent or received it.
    AtAnEnd,
    /// Two servers exchanged it; only its effect was seen.
    InEffect,
}

/// A request and its answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Message {
    /// When it left, or arrived at the end that the simulator plays.
    #[serde(rename = "t_ms", serialize_with = "as_milliseconds")]
    pub at: Duration,
    /// Until the answer.
    #[serde(rename = "took_ms", serialize_with = "as_milliseconds")]
    pub took: Duration,
    /// Who asks.
    pub from: Part,
    /// Who answers.
    pub to: Part,
    /// The reference point, `EDGE-1` and so on; `app` for the application's own protocol.
    pub point: &'static str,
    /// The operation, in a few words.
    pub operation: String,
    /// The method.
    pub method: String,
    /// The path and query.
    pub path: String,
    /// The status code; absent when there was no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why there was no good answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How the simulator knows.
    pub seen: Seen,
}

/// Something that somebody who watches wants to hear of.
#[derive(Clone, Copy, Debug)]
pub enum News<'a> {
    /// What is being done.
    Step(&'a str),
    /// A milestone, and when it was reached since the move.
    Milestone(Milestone, Option<f64>),
    /// A message.
    Message(&'a Message),
}

/// Somebody who watches a run.
pub trait Watcher: Send + Sync {
    /// Hears what happened.
    fn hear(&self, news: &News<'_>);
}

/// Nobody watches.
#[derive(Clone, Copy, Debug)]
pub struct Unwatched;

impl Watcher for Unwatched {
    fn hear(&self, _: &News<'_>) {}
}

#[derive(Default)]
struct Log {
    milestones: Reached,
    messages: Vec<Message>,
}

/// Writes down what happens; shared by everybody who takes part.
pub struct Recorder {
    began: Instant,
    log: Mutex<Log>,
    watcher: Arc<dyn Watcher>,
    brief: bool,
}

impl Recorder {
    /// Begins now.
    pub fn new(watcher: Arc<dyn Watcher>) -> Arc<Self> {
        Self::since(Instant::now(), watcher)
    }

    /// Began then.
    pub fn since(began: Instant, watcher: Arc<dyn Watcher>) -> Arc<Self> {
        Arc::new(Self {
            began,
            log: Mutex::default(),
            watcher,
            brief: false,
        })
    }

    /// Began then, and keeps milestones only: whoever watches hears of the messages, and they are gone. For UEs in great number.
    pub fn brief(began: Instant, watcher: Arc<dyn Watcher>) -> Arc<Self> {
        Arc::new(Self {
            began,
            log: Mutex::default(),
            watcher,
            brief: true,
        })
    }

    /// When it began.
    pub fn began(&self) -> Instant {
        self.began
    }

    /// The same beginning, another log.
    pub fn beside(&self) -> Arc<Self> {
        Arc::new(Self {
            began: self.began,
            log: Mutex::default(),
            watcher: self.watcher.clone(),
            brief: self.brief,
        })
    }

    /// Time since the run began.
    pub fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Says what is being done.
    pub fn step(&self, text: &str) {
        self.watcher.hear(&News::Step(text));
    }

    /// A milestone is reached now. Only the first time counts.
    pub fn reach(&self, milestone: Milestone) {
        self.reach_at(milestone, self.now());
    }

    /// A milestone was reached then. Only the first time counts.
    pub fn reach_at(&self, milestone: Milestone, at: Duration) {
        let since = {
            let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
            if log.milestones.contains_key(&milestone) {
                return;
            }
            log.milestones.insert(milestone, at);
            crate::milestone::between(&log.milestones, Milestone::Move, milestone)
        };
        self.watcher.hear(&News::Milestone(milestone, since));
    }

    /// A message went by.
    pub fn message(&self, message: Message) {
        self.watcher.hear(&News::Message(&message));
        if self.brief {
            return;
        }
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .messages
            .push(message);
    }

    /// When a milestone was reached, if it was.
    pub fn reached(&self, milestone: Milestone) -> Option<Duration> {
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .milestones
            .get(&milestone)
            .copied()
    }

    /// What was written down, messages in the order of their time.
    pub fn finish(&self) -> (Reached, Vec<Message>) {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let mut messages = log.messages.clone();
        messages.sort_by_key(|message| message.at);
        (log.milestones.clone(), messages)
    }
}
