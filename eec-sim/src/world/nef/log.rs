//! What happened at the simulated NEF: every request and every callback.

use edgeapp_openapi::common::DateTime;
use serde::Serialize;
use serde_json::Value;
use std::sync::{Mutex, PoisonError};

/// Most entries that are kept; the oldest go.
const MOST: usize = 10_000;

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A client asked.
    Request,
    /// The NEF told.
    Callback,
    /// A UE moved, or the network changed otherwise.
    Network,
}

/// One thing that happened.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// When.
    pub at: DateTime,
    /// What it is about.
    pub kind: Kind,
    /// In one line. The last part of a callback's address is left out: whoever knows it can report in the NEF's place.
    pub what: String,
    /// The status code that was answered; absent when no answer came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

/// Is told of each entry as it is made.
pub type Listener = Box<dyn Fn(&Entry) + Send + Sync>;

/// The entries, oldest first.
pub struct Log {
    entries: Mutex<Vec<Entry>>,
    listener: Listener,
}

impl Log {
    /// An empty log.
    pub fn new(listener: Listener) -> Self {
        Self {
            entries: Mutex::default(),
            listener,
        }
    }

    /// Writes an entry down.
    pub fn add(&self, entry: Entry) {
        (self.listener)(&entry);
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MOST {
            entries.drain(..MOST / 10);
        }
        entries.push(entry);
    }

    /// All entries that are kept.
    pub fn entries(&self) -> Vec<Entry> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// An address without its last part.
pub fn masked(address: &str) -> &str {
    address.rsplit_once('/').map_or(address, |(front, _)| front)
}
