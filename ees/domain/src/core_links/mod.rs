//! What this EES has running at the 3GPP core network, and for which of its resources.
//!
//! A *link* is one thing that lasts at the core (a watch on a location, an influence on paths, a session with a quality) together
//! with its *holders*: the resources here that need it. A link lives as long as one of its holders does. Its record is kept before
//! the core is asked, under a random [`Token`] that also ends the address to which the core reports; so whatever a crash leaves
//! behind is recognised by its token and ended or adopted ([`upkeep`](CoreLinks::upkeep)), and nothing leaks.
//!
//! Watches on the same UE are shared, because deployed networks allow one per UE; a watch becomes finer when a new holder needs that.
//!
//! `hold` begins and shares, `several` looks after resources with more than one, `reports` takes in what the core says, `upkeep` keeps
//! both sides truthful, and `quiet` keeps it from asking a core that is down.

mod hold;
mod quiet;
mod reports;
mod several;
mod upkeep;

use async_trait::async_trait;
use edgeapp_core::{
    error::Error,
    network::{Asked, CoreNetwork, CoreReport, Link, LocationReport, LocationWatch, Target, Token},
    room::{Decision, Room, Seen},
    store::{Key, Span},
    turns::Turns,
};
use edgeapp_openapi::{common::DateTime, ids::Gpsi, ue_location::Accuracy};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::sync::MutexGuard;

/// Records of links: `core-link/<token>`.
pub const LINK: &str = "core-link/";
/// Which link is shared under a name: `core-share/<name>`.
const SHARE: &str = "core-share/";
/// Which links a resource holds: `core-held/<key of the resource>/<token>`.
const HELD: &str = "core-held/";
/// Where UEs were last: `ue-location/<gpsi>`.
const LAST_LOCATION: &str = "ue-location/";
/// Timers of holders: `timer/<key of the resource>`; they ring when they expire.
pub const TIMER: &str = "timer/";

/// Seconds that a holder has to come into being after its link was begun.
const GRACE: i64 = 30;
/// Turns that changes of shared links take, so that two do not begin the same.
const TURNS: usize = 64;

/// A link as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptLink {
    /// What was asked of the core.
    pub asked: Asked,
    /// The name under which it is shared, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    share: Option<String>,
    /// Who needs it.
    pub holders: Vec<Holding>,
    /// Where it runs; absent while it is begun, or after the core ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
    /// When it was last begun; absent after the core ended or lost it, when nobody is at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    begun: Option<DateTime>,
    /// Who held it until now, where nobody does any more and the core has yet to be told: the last reports are about that resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_holder: Option<String>,
    /// Its holders have been told that the core is silent about it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    silent: bool,
}

impl KeptLink {
    /// Whether somebody is beginning it just now; who takes longer than [`GRACE`] has crashed.
    fn is_beginning(&self, now: DateTime) -> bool {
        self.link.is_none()
            && self
                .begun
                .is_some_and(|since| since.0 + SignedDuration::from_secs(GRACE) > now.0)
    }
}

/// A holder of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// Key of the resource.
    pub key: String,
    /// Since when it holds the link.
    since: DateTime,
}

/// By which of its links a resource hears.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// The link.
    pub token: &'a Token,
    /// What was asked of the core for it.
    pub asked: &'a Asked,
}

/// What happened to a link that its holders have to hear of.
#[derive(Clone, Copy, Debug)]
pub enum Heard<'a> {
    /// The core reported.
    Report(&'a CoreReport),
    /// The core ended it, lost it or does not answer; it is begun again as soon as the core lets it.
    Lost,
    /// It runs again.
    Regained,
}

/// What a room makes of reports to its resources, and of their timers. Its decisions are committed before the core is answered.
#[async_trait]
pub trait Holder: Send + Sync + 'static {
    /// First part of the keys of its resources.
    fn prefix(&self) -> &'static str;

    /// What follows for the resource under `key`, which hears this by one of its links. A resource that is gone needs nothing.
    ///
    /// # Errors
    /// When the state cannot be read.
    async fn heard(&self, key: &Key, by: By<'_>, heard: Heard<'_>, seen: &mut Seen) -> Result<Decision<()>, Error>;

    /// Whether the resource under `key` still needs a link on which this was asked, in a room that keeps account of it: what a crash
    /// kept it from taking note of is recognised by this, and what it needs is not given back. `None` where no account is kept: there a
    /// resource needs what it holds as long as it exists.
    ///
    /// # Errors
    /// When the state cannot be read.
    async fn needs(&self, _key: &Key, _asked: &Asked) -> Result<Option<bool>, Error> {
        Ok(None)
    }

    /// What follows when the timer of the resource rings, see [`timer`].
    ///
    /// # Errors
    /// When the state cannot be read.
    async fn rang(&self, _key: &Key, _seen: &mut Seen) -> Result<Decision<()>, Error> {
        Ok(Decision::of(()))
    }

    /// What follows from the last reports on what was `asked` for the resource that was under `key` and is gone.
    ///
    /// # Errors
    /// Never in practice: an event cannot be written as JSON.
    fn farewell(
        &self,
        _key: &Key,
        _asked: &Asked,
        _reports: &[CoreReport],
        _now: DateTime,
    ) -> Result<Decision<()>, Error> {
        Ok(Decision::of(()))
    }
}

/// Work on a link that the outbox does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkWork {
    /// See whether it is still needed, and end it or begin it again. A holder that is gone is named.
    Tidy {
        /// The link.
        token: Token,
        /// Who no longer holds it.
        gone: Option<String>,
    },
    /// Compare everything with what runs at the core, see [`CoreLinks::upkeep`].
    Upkeep,
}

/// The timer of the upkeep.
const UPKEEP: &str = "timer/core-upkeep";
/// The lane of the upkeep.
const UPKEEP_LANE: &str = "core-upkeep";

/// How links are looked after.
#[derive(Clone, Copy, Debug)]
pub struct LinkPolicy {
    /// Watches are asked for this many seconds at a time and renewed while they are needed; at least 10.
    pub watch_seconds: u32,
    /// Seconds from one comparison with what runs at the core to the next; at least 1.
    pub upkeep_seconds: u32,
}

impl Default for LinkPolicy {
    fn default() -> Self {
        Self {
            watch_seconds: 3600,
            upkeep_seconds: 10,
        }
    }
}

/// The links of an EES.
pub struct CoreLinks {
    room: Room,
    core: Arc<dyn CoreNetwork>,
    holders: Vec<Arc<dyn Holder>>,
    watch: SignedDuration,
    upkeep: SignedDuration,
    turns: Turns,
    /// Reports on the same link are taken in one after the other.
    arrivals: Turns,
    quiet: quiet::Quiet,
}

impl CoreLinks {
    /// Links to this core network.
    pub fn new(room: Room, core: Arc<dyn CoreNetwork>, policy: LinkPolicy) -> Self {
        Self {
            room,
            core,
            holders: Vec::new(),
            watch: SignedDuration::from_secs(i64::from(policy.watch_seconds.max(10))),
            upkeep: SignedDuration::from_secs(i64::from(policy.upkeep_seconds.max(1))),
            turns: Turns::new(TURNS),
            arrivals: Turns::new(TURNS),
            quiet: quiet::Quiet::default(),
        }
    }

    /// Lets this room hear what concerns its resources.
    pub fn heard_by(mut self, holder: Arc<dyn Holder>) -> Self {
        self.holders.push(holder);
        self
    }

    /// The core network itself, for questions that are answered at once.
    pub fn core(&self) -> &Arc<dyn CoreNetwork> {
        &self.core
    }

    /// When a watch ends that is begun at this instant.
    pub fn watch_until(&self) -> DateTime {
        DateTime(self.room.now().0 + self.watch)
    }

    fn holder_of(&self, key: &str) -> Option<&Arc<dyn Holder>> {
        self.holders.iter().find(|holder| key.starts_with(holder.prefix()))
    }

    /// Whether resources under keys like this one hold links.
    pub(crate) fn is_holder(&self, key: &str) -> bool {
        self.holder_of(key).is_some()
    }

    async fn turn(&self, share: &str) -> MutexGuard<'_, ()> {
        self.turns.turn(share).await
    }

    /// The links that a resource holds.
    async fn held_by(&self, holder: &str) -> Result<Vec<Token>, Error> {
        tokens_of(&self.room, holder).await
    }

    async fn record(&self, token: &Token) -> Result<Option<KeptLink>, Error> {
        let entry = self.room.store().get(&link_key(token)).await?;
        entry
            .map(|entry| serde_json::from_slice(&entry.value).map_err(Error::internal))
            .transpose()
    }
}

/// Where a UE was last, as the core reported for any holder, and when that arrived.
///
/// # Errors
/// When the store cannot be read.
pub async fn last_location(room: &Room, ue: &Gpsi) -> Result<Option<(LocationReport, DateTime)>, Error> {
    let Some(entry) = room.store().get(&last_location_key(ue)).await? else {
        return Ok(None);
    };
    let last: LastLocation = serde_json::from_slice(&entry.value).map_err(Error::internal)?;
    Ok((last.expires_at > room.now()).then_some((last.report, last.received)))
}

/// The one UE whose location is watched for a resource; `None` when there is no such watch, or it is for a group.
///
/// # Errors
/// When the store cannot be read.
pub async fn watched_ue(room: &Room, holder: &Key) -> Result<Option<Gpsi>, Error> {
    for token in tokens_of(room, holder.as_str()).await? {
        if let Some(entry) = room.store().get(&link_key(&token)).await? {
            let record: KeptLink = serde_json::from_slice(&entry.value).map_err(Error::internal)?;
            if let Asked::Location(LocationWatch {
                target: Target::Ue(ue), ..
            }) = record.asked
            {
                return Ok(Some(ue));
            }
        }
    }
    Ok(None)
}

/// Those links that a resource holds which `chosen` accepts.
///
/// # Errors
/// When the store cannot be read.
pub(crate) async fn held_where(
    room: &Room,
    holder: &Key,
    chosen: impl Fn(&KeptLink) -> bool + Send,
) -> Result<Vec<Token>, Error> {
    let mut tokens = Vec::new();
    for token in tokens_of(room, holder.as_str()).await? {
        if let Some(entry) = room.store().get(&link_key(&token)).await? {
            let record: KeptLink = serde_json::from_slice(&entry.value).map_err(Error::internal)?;
            if chosen(&record) {
                tokens.push(token);
            }
        }
    }
    Ok(tokens)
}

/// The links that a resource holds.
///
/// # Errors
/// When the store cannot be read.
pub(crate) async fn tokens_of(room: &Room, holder: &str) -> Result<Vec<Token>, Error> {
    let prefix = format!("{HELD}{}/", Key::part(holder));
    let entries = room.store().range(Span::prefix(&prefix)).await?.entries;
    let token = |entry: &edgeapp_core::store::Entry| Token::new(&entry.key.as_str()[prefix.len()..]);
    Ok(entries.iter().map(token).collect())
}

/// The last location of a UE, as it is kept.
#[derive(Serialize, Deserialize)]
struct LastLocation {
    report: LocationReport,
    received: DateTime,
    expires_at: DateTime,
}

fn link_key(token: &Token) -> Key {
    Key::from(format!("{LINK}{}", Key::part(token.reveal())))
}

fn share_key(share: &str) -> Key {
    Key::from(format!("{SHARE}{share}"))
}

fn held_key(holder: &str, token: &Token) -> Key {
    Key::from(format!("{HELD}{}/{}", Key::part(holder), Key::part(token.reveal())))
}

fn last_location_key(ue: &Gpsi) -> Key {
    Key::from(format!("{LAST_LOCATION}{}", Key::part(ue.as_str())))
}

/// Loads the record of a link in an attempt.
async fn seen_record(seen: &mut Seen, token: &Token) -> Result<Option<KeptLink>, Error> {
    let entry = seen.entry(&link_key(token)).await?;
    entry
        .map(|entry| serde_json::from_slice(&entry.value).map_err(Error::internal))
        .transpose()
}

/// The change that keeps this record.
fn put_record(decision: Decision<()>, token: &Token, record: &KeptLink) -> Result<Decision<()>, Error> {
    let json = serde_json::to_vec(record).map_err(Error::internal)?;
    Ok(decision.put_bytes(&link_key(token), json.into(), None))
}

/// The change that forgets this record and what leads to it.
fn forget_record(token: &Token, record: &KeptLink) -> Decision<()> {
    let mut decision = Decision::of(()).delete(&link_key(token));
    if let Some(share) = &record.share {
        decision = decision.delete(&share_key(share));
    }
    record.holders.iter().fold(decision, |decision, holding| {
        decision.delete(&held_key(&holding.key, token))
    })
}

/// Sets the timer of a resource: [`Holder::rang`] is called at that instant, also after a restart. `seen` must have looked at the timer
/// before (see [`look_at_timer`]), so that an earlier one is replaced.
///
/// # Errors
/// Never in practice: the timer cannot be written as JSON.
pub fn timer(decision: Decision<()>, holder: &Key, at: DateTime) -> Result<Decision<()>, Error> {
    ringing(decision, &timer_key(holder), at)
}

/// Keeps a key that expires at this instant: what the sweeper does about it is the ringing.
fn ringing(decision: Decision<()>, key: &Key, at: DateTime) -> Result<Decision<()>, Error> {
    let json = serde_json::to_vec(&serde_json::json!({"expires_at": at})).map_err(Error::internal)?;
    Ok(decision.put_bytes(key, json.into(), Some(at)))
}

/// Stops the timer of a resource.
pub fn no_timer(decision: Decision<()>, holder: &Key) -> Decision<()> {
    decision.delete(&timer_key(holder))
}

/// Takes note of the timer of a resource, in order to set or stop it.
///
/// # Errors
/// When the store cannot be read.
pub async fn look_at_timer(seen: &mut Seen, holder: &Key) -> Result<(), Error> {
    seen.entry(&timer_key(holder)).await.map(|_| ())
}

fn timer_key(holder: &Key) -> Key {
    Key::from(format!("{TIMER}{holder}"))
}

/// Pure: the name under which what is asked is shared with others; `None` when it is for its holder alone.
fn share_of(asked: &Asked) -> Option<String> {
    let Asked::Location(watch) = asked else { return None };
    let who = match &watch.target {
        Target::Ue(ue) => format!("ue/{}", Key::part(ue.as_str())),
        Target::Group(group) => format!("group/{}", Key::part(group.as_str())),
        Target::Address(_) | Target::Any => return None,
    };
    // A shape or a street cannot stand in for a cell, nor one quality for another.
    let kind = match watch.accuracy.as_ref().map(fineness) {
        None | Some(Some(_)) => "cells".to_owned(),
        Some(None) => watch
            .accuracy
            .as_ref()
            .map(|accuracy| Key::part(accuracy.as_str()))
            .unwrap_or_default(),
    };
    let quality = watch.qos.as_ref().and_then(|qos| serde_json::to_string(qos).ok());
    Some(match quality {
        None => format!("location/{who}/{kind}"),
        Some(quality) => format!("location/{who}/{kind}/{}", Key::part(&quality)),
    })
}

/// How fine a location is that is told by the network's own areas; `None` for the other ways of telling it.
fn fineness(accuracy: &Accuracy) -> Option<u8> {
    match accuracy {
        Accuracy::Plmn => Some(0),
        Accuracy::TaRa => Some(1),
        Accuracy::Enodeb => Some(2),
        Accuracy::CgiEcgi => Some(3),
        _ => None,
    }
}

/// Pure: what has to be asked so that both are served; `None` when the first does already.
fn both(running: &LocationWatch, asked: &LocationWatch) -> Option<LocationWatch> {
    // Without an accuracy the core chooses; a holder who asked for none is content with any.
    let asked_fineness = asked.accuracy.as_ref().and_then(fineness)?;
    let served = running.accuracy.as_ref().and_then(fineness);
    served
        .is_none_or(|served| served < asked_fineness)
        .then(|| LocationWatch {
            accuracy: asked.accuracy.clone(),
            ..running.clone()
        })
}

#[cfg(test)]
mod tests;
