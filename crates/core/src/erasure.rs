//! Erases what is kept of a user: every entry of the store that names an EEC or a UE, in its key or anywhere in its value.
//!
//! Resources are removed as their owners would remove them, with their index of expiry and their count among the quotas, but nobody is
//! notified: a notification would name whom is to be forgotten. What runs at the core network without an entry here is ended there by
//! the upkeep of links. What users agreed to is kept by somebody else: [`consents`] says that it has ended. Revocations of access tokens stay,
//! because without them the tokens would be good again; they go when the tokens have ended.

pub mod consents;

use crate::{
    error::Error,
    principal::Owner,
    room::{Decision, Room, contended},
    store::{Entry, Key, Span},
};
use edgeapp_openapi::ids::{EecId, Gpsi};
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// Entries looked at at a time.
const PAGE: usize = 256;
/// What stays although it may name somebody, and what is the server's own or another server's.
const STAYS: [&str; 10] = [
    "audit/",
    "token/",
    "privacy/",
    "clock/",
    "lease/",
    "configuration/",
    "ees/",
    "ees-by-id/",
    "eas/",
    "eas-endpoint/",
];
/// Members that name somebody else than a user, who may have the same name.
const OTHERS: [&str; 6] = ["easId", "eesId", "ecsId", "acId", "dnn", "appGroupId"];
/// Members that name a user.
const USERS: [&str; 4] = ["eecId", "gpsi", "ueId", "owner"];
/// Parts of keys behind which the name of an EEC stands.
const BEFORE_EECS: [&str; 2] = ["eec", "eec-by-id"];
/// Words that stand in keys and lanes without being names of anybody. An EEC may be called like one of them all the same.
const WORDS: [&str; 62] = [
    "ac",
    "ac-told",
    "ac-told-to",
    "acknowledge",
    "acr",
    "acr-events",
    "act-status",
    "app-context",
    "app-context-bytes",
    "clock",
    "common-eas",
    "common-eas-chosen",
    "configuration",
    "consents",
    "context",
    "core-held",
    "core-link",
    "core-share",
    "core-upkeep",
    "dead",
    "discovery",
    "eas",
    "eas-binding",
    "eas-endpoint",
    "eas-selection",
    "ecs",
    "edge-ue-id",
    "edge-ue-of",
    "eec",
    "eec-by-id",
    "eec-by-ue",
    "ees",
    "ees-by-id",
    "erased",
    "erased-key",
    "event",
    "expiry",
    "group",
    "health",
    "https:",
    "lane",
    "lease",
    "location",
    "outbox",
    "path-change",
    "path-plan",
    "prediction",
    "privacy",
    "progress",
    "provisioning",
    "pseudonym-key",
    "quota",
    "quota-counted",
    "subscriptions",
    "timer",
    "token",
    "told",
    "ue",
    "ue-location",
    "ue-path",
    "v1",
    "urn:edgeapp",
];
/// How often the store is gone through until nothing is found any more: others may write meanwhile.
const PASSES: usize = 16;

/// Whom to forget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An Edge Enabler Client.
    Eec(EecId),
    /// A UE.
    Ue(Gpsi),
}

impl Subject {
    /// The name.
    pub fn name(&self) -> &str {
        match self {
            Self::Eec(id) => id.as_str(),
            Self::Ue(gpsi) => gpsi.as_str(),
        }
    }
}

/// What an entry is looked through for.
struct Wanted {
    name: String,
    owner: Option<String>,
    /// The name is also a word of keys: it counts only where nothing but a name can stand.
    ambiguous: bool,
}

impl Wanted {
    fn of(subject: &Subject) -> Self {
        Self {
            name: subject.name().to_owned(),
            owner: match subject {
                Subject::Eec(id) => Some(Owner::eec(id).as_str().to_owned()),
                Subject::Ue(_) => None,
            },
            ambiguous: WORDS.contains(&subject.name()),
        }
    }

    fn is(&self, text: &str) -> bool {
        text == self.name || self.owner.as_deref() == Some(text)
    }

    /// Whether a text is the name, or a path or key with the name among its parts.
    fn is_in(&self, text: &str) -> bool {
        let is = |part: &str| self.is(part) || percent_decode_str(part).decode_utf8().is_ok_and(|part| self.is(&part));
        if !self.ambiguous {
            return is(text) || text.split('/').any(is);
        }
        let owns = |part: &str| {
            let part = percent_decode_str(part).decode_utf8().unwrap_or_default();
            self.owner.as_deref() == Some(&*part)
        };
        let parts: Vec<&str> = text.split('/').collect();
        let named = |pair: &[&str]| BEFORE_EECS.contains(&pair[0]) && is(pair[1]);
        parts.iter().copied().any(owns) || parts.windows(2).any(named)
    }

    fn is_in_value(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.is_in(text),
            Value::Array(items) => items.iter().any(|item| self.is_in_value(item)),
            Value::Object(members) => members.iter().any(|(name, value)| {
                let names = USERS.contains(&name.as_str()) && value.as_str().is_some_and(|text| self.is(text));
                names || self.is_in(name) || (!OTHERS.contains(&name.as_str()) && self.is_in_value(value))
            }),
            _ => false,
        }
    }

    fn is_in_entry(&self, entry: &Entry) -> bool {
        self.is_in(entry.key.as_str())
            || match serde_json::from_slice::<Value>(&entry.value) {
                Ok(value) => self.is_in_value(&value),
                Err(_) => std::str::from_utf8(&entry.value).is_ok_and(|text| self.is_in(text)),
            }
    }
}

/// Erases what is kept of somebody; says how many entries that were. `attached` pairs prefixes of keys: what lies under the second one
/// belongs to what has the same name under the first, and goes with it.
///
/// # Errors
/// When the store fails, or others write about the same faster than it can be removed.
pub async fn erase(room: &Room, subject: &Subject, attached: &[(&str, &str)]) -> Result<u64, Error> {
    let wanted = Wanted::of(subject);
    let mut erased = 0;
    for _ in 0..PASSES {
        let found = find(room, &wanted).await?;
        if found.is_empty() {
            return Ok(erased);
        }
        for key in found {
            let with = attached
                .iter()
                .filter_map(|(of, at)| Some(Key::new(format!("{at}{}", key.as_str().strip_prefix(of)?))));
            let with: Vec<Key> = with.collect();
            erased += u64::from(remove(room, &key, &with).await?);
        }
    }
    Err(contended())
}

/// The keys of all entries that name somebody.
async fn find(room: &Room, wanted: &Wanted) -> Result<Vec<Key>, Error> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let mut span = Span::prefix("").limit(PAGE);
        span.after = after.take();
        let page = room.store().range(span).await?;
        found.extend(
            page.entries
                .iter()
                .filter(|entry| {
                    !STAYS.iter().any(|stays| entry.key.as_str().starts_with(stays)) && wanted.is_in_entry(entry)
                })
                .map(|entry| entry.key.clone()),
        );
        after = page.entries.last().map(|entry| entry.key.clone());
        if !page.more {
            return Ok(found);
        }
    }
}

/// Removes one entry with what is attached to it; whether it was still there.
async fn remove(room: &Room, key: &Key, with: &[Key]) -> Result<bool, Error> {
    for mut seen in room.attempts() {
        if seen.entry(key).await?.is_none() {
            return Ok(false);
        }
        let removal = with
            .iter()
            .fold(Decision::of(()).delete(key), |removal, key| removal.delete(key));
        if room.commit(seen, removal).await?.is_some() {
            return Ok(true);
        }
    }
    Err(contended())
}
