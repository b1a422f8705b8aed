//! Answers that go wrong on purpose.

use serde::Deserialize;
use std::sync::{Mutex, PoisonError};

fn once() -> u32 {
    1
}

/// How the next answers of an API go wrong.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Fault {
    /// `api`: its name as in paths, such as `3gpp-monitoring-event`; any when absent.
    #[serde(default)]
    pub api: Option<String>,
    /// `status`: this status instead of an answer.
    #[serde(default)]
    pub status: Option<u16>,
    /// `delayMs`: the answer comes so many milliseconds late.
    #[serde(default)]
    pub delay_ms: u64,
    /// `drop`: no answer; the connection, or the HTTP/2 stream, breaks.
    #[serde(default)]
    pub drop: bool,
    /// `done`: the request is carried out all the same, only its answer is lost.
    #[serde(default)]
    pub done: bool,
    /// `count`: how many answers; 1 when absent.
    #[serde(default = "once")]
    pub count: u32,
}

/// The faults to come, in the order they were asked for.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    /// One more.
    pub fn add(&self, fault: Fault) {
        if fault.count > 0 {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
        }
    }

    /// None of them happens any more.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The fault for the next answer of this API.
    pub fn take(&self, api: &str) -> Option<Fault> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = faults
            .iter()
            .position(|fault| fault.api.as_deref().is_none_or(|of| of == api))?;
        faults[at].count -= 1;
        if faults[at].count == 0 {
            return Some(faults.remove(at));
        }
        Some(faults[at].clone())
    }
}
