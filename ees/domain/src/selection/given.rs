//! Long answers that were given a moment ago: when many ask the same, such as all clients of one application, each is put together
//! once.

use super::{Entry, Selection, Snapshot};
use bytes::Bytes;
use edgeapp_openapi::common::DateTime;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Shorter answers are put together faster than they are found here.
const LONG: usize = 16 * 1024;
/// Bytes that are kept in all.
const MOST: usize = 16 * 1024 * 1024;

/// The long answers of one snapshot.
#[derive(Debug, Default)]
pub struct Given(Mutex<Answers>);

#[derive(Debug, Default)]
struct Answers {
    /// Kept weakly: as long as it is here no other snapshot can lie at its address.
    known: Weak<Snapshot>,
    bytes: usize,
    answers: Vec<Answer>,
}

#[derive(Debug)]
struct Answer {
    wanted: Selection,
    /// When the first of its EASs expires.
    until: Option<DateTime>,
    json: Bytes,
}

impl Given {
    /// The answer to this question, if it was given of this snapshot and nothing in it has expired.
    pub fn find(&self, wanted: &Selection, known: &Arc<Snapshot>, now: DateTime) -> Option<Bytes> {
        let given = self.lock();
        if given.answers.is_empty() || given.known.as_ptr() != Arc::as_ptr(known) {
            return None;
        }
        let live = |answer: &&Answer| answer.until.is_none_or(|until| now < until) && answer.wanted == *wanted;
        given.answers.iter().find(live).map(|answer| answer.json.clone())
    }

    /// Keeps an answer that was just put together, if it is long and there is room.
    pub fn keep(&self, wanted: &Selection, known: &Arc<Snapshot>, found: &[&Entry], json: &Bytes) {
        if !(LONG..=MOST).contains(&json.len()) {
            return;
        }
        let until = found.iter().filter_map(|entry| entry.discovered.life_time).min();
        let mut given = self.lock();
        if given.known.as_ptr() != Arc::as_ptr(known) || given.bytes + json.len() > MOST {
            *given = Answers {
                known: Arc::downgrade(known),
                ..Answers::default()
            };
        }
        given.bytes += json.len();
        given.answers.push(Answer {
            wanted: wanted.clone(),
            until,
            json: json.clone(),
        });
    }

    fn lock(&self) -> MutexGuard<'_, Answers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
