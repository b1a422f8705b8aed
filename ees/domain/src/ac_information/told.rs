//! What subscribers were told of application clients, so that nothing is told twice, also after a restart.
//!
//! `ac-told/<subscription>/<EECID>` keeps a fingerprint of each application client as it was told; `ac-told-to/<EECID>/<subscription>`
//! leads there from the EEC. Both go with whichever of the two ends first, so there is never more than one entry for each subscription
//! and EEC that exist. Of an EEC that is not registered here nobody hears when it goes: that entry ends by itself.

use super::known::{Known, KnownBy};
use edgeapp_core::{
    error::Error,
    room::{Decision, Room, Seen},
    store::{Key, Span},
};
use edgeapp_openapi::{
    common::DateTime,
    eec_registration::AcProfile,
    ids::{AcId, EecId, Gpsi},
};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const TOLD: &str = "ac-told/";
const TOLD_TO: &str = "ac-told-to/";
/// Seconds for which it is remembered what was told of an EEC that is not registered.
const UNREGISTERED: i64 = 86_400;
/// Application clients of an EEC that are remembered although only discoveries named them.
const NAMED: usize = 64;
/// Entries removed by one commit.
const PAGE: usize = 32;

/// What a subscriber was told of the application clients of one EEC.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// When it is forgotten by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<DateTime>,
    /// A fingerprint of each as it was told.
    acs: BTreeMap<AcId, String>,
}

/// What is the same as long as nothing changed that a subscriber may want to hear. FNV-1a: the same for ever and everywhere.
fn fingerprint(profile: &AcProfile, ue: Option<&Gpsi>) -> Result<String, Error> {
    let json = serde_json::to_vec(&(profile, ue)).map_err(Error::internal)?;
    let hash = json
        .iter()
        .fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
            (hash ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
        });
    Ok(format!("{hash:032x}"))
}

fn key(subscription: &Key, eec_id: &EecId) -> Key {
    let eec = Key::part(eec_id.as_str());
    Key::from(format!("{TOLD}{}/{eec}", Key::part(subscription.as_str())))
}

fn key_from_eec(subscription: &Key, eec_id: &EecId) -> Key {
    let subscription = Key::part(subscription.as_str());
    Key::from(format!("{TOLD_TO}{}/{subscription}", Key::part(eec_id.as_str())))
}

impl Told {
    /// What the subscriber was told of this EEC.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn load(seen: &mut Seen, subscription: &Key, eec_id: &EecId) -> Result<Self, Error> {
        let entry = seen.entry(&key(subscription, eec_id)).await?;
        let told: Option<Self> = entry
            .map(|entry| serde_json::from_slice(&entry.value).map_err(Error::internal))
            .transpose()?;
        let live = |told: &Self| told.expires_at.is_none_or(|end| seen.now() < end);
        Ok(told.filter(live).unwrap_or_default())
    }

    /// Pure: those of the fitting application clients that the subscriber does not know as they are, and what it was told after that.
    ///
    /// # Errors
    /// Never in practice: a profile cannot be written as JSON.
    pub fn compare(
        &self,
        by: &KnownBy,
        known: &Known,
        fitting: &[&AcProfile],
        now: DateTime,
    ) -> Result<(Vec<AcProfile>, Self), Error> {
        let mut next = self.clone();
        let mut fresh = Vec::new();
        for profile in fitting {
            let mark = fingerprint(profile, known.ue.as_ref())?;
            if next.acs.get(&profile.ac_id) != Some(&mark) {
                next.acs.insert(profile.ac_id.clone(), mark);
                fresh.push((*profile).clone());
            }
        }
        // What the EEC no longer has is new when it comes back; a discovery does not name all that it has.
        let is_whole = !matches!(by, KnownBy::Discovery { .. });
        if is_whole || next.acs.len() > NAMED {
            next.acs
                .retain(|id, _| known.profiles.iter().any(|profile| profile.ac_id == *id));
        }
        next.expires_at = match known.registered {
            true => None,
            false => Some(DateTime(now.0 + SignedDuration::from_secs(UNREGISTERED))),
        };
        Ok((fresh, next))
    }

    /// Whether this has to be kept in place of what was.
    pub fn has_changed(&self, before: &Self) -> bool {
        self.acs != before.acs || self.expires_at.is_none() != before.expires_at.is_none()
    }

    /// The change that keeps this. `seen` has loaded what was before.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn keep(
        &self,
        decision: Decision<()>,
        seen: &mut Seen,
        subscription: &Key,
        eec_id: &EecId,
    ) -> Result<Decision<()>, Error> {
        let json = serde_json::to_vec(self).map_err(Error::internal)?;
        let way = serde_json::to_vec(&serde_json::json!({"expires_at": self.expires_at})).map_err(Error::internal)?;
        let back = key_from_eec(subscription, eec_id);
        seen.entry(&back).await?;
        Ok(decision
            .put_bytes(&key(subscription, eec_id), json.into(), self.expires_at)
            .put_bytes(&back, way.into(), self.expires_at))
    }
}

/// Forgets what anybody was told of an EEC.
///
/// # Errors
/// When the state cannot be read or written.
pub async fn forget_eec(room: &Room, eec_id: &EecId) -> Result<(), Error> {
    forget(room, TOLD_TO, &Key::part(eec_id.as_str()), TOLD).await
}

/// Forgets what a subscriber was told.
///
/// # Errors
/// When the state cannot be read or written.
pub async fn forget_subscription(room: &Room, subscription: &Key) -> Result<(), Error> {
    forget(room, TOLD, &Key::part(subscription.as_str()), TOLD_TO).await
}

/// Removes everything under `<prefix><one>/<other>`, and `<counterpart><other>/<one>` with it.
async fn forget(room: &Room, prefix: &str, one: &str, counterpart: &str) -> Result<(), Error> {
    let folder = format!("{prefix}{one}/");
    loop {
        let page = room.store().range(Span::prefix(&folder).limit(PAGE)).await?.entries;
        if page.is_empty() {
            return Ok(());
        }
        // Who keeps something here meanwhile wins; the next look sees it.
        let mut seen = room.look();
        let mut decision = Decision::of(());
        for entry in page {
            let other = &entry.key.as_str()[folder.len()..];
            for key in [entry.key.clone(), Key::from(format!("{counterpart}{other}/{one}"))] {
                seen.entry(&key).await?;
                decision = decision.delete(&key);
            }
        }
        room.commit(seen, decision).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn known(profiles: serde_json::Value, registered: bool) -> Known {
        Known {
            registered,
            ue: Some("msisdn-491700000001".parse().unwrap()),
            profiles: serde_json::from_value(profiles).unwrap(),
            context: None,
        }
    }

    fn compare(told: &Told, by: &KnownBy, known: &Known) -> (Vec<String>, Told) {
        let now = "2026-01-05T12:00:00Z".parse().unwrap();
        let all: Vec<&AcProfile> = known.profiles.iter().collect();
        let (fresh, next) = told.compare(by, known, &all, now).unwrap();
        (fresh.iter().map(|profile| profile.ac_id.to_string()).collect(), next)
    }

    #[test]
    fn what_is_unchanged_is_fresh_once() {
        let both = known(json!([{"acId": "a"}, {"acId": "b", "acType": "game"}]), true);
        let (fresh, told) = compare(&Told::default(), &KnownBy::Registration, &both);
        assert_eq!(fresh, ["a", "b"]);
        assert_eq!(compare(&told, &KnownBy::Registration, &both), (vec![], told.clone()));
        let changed = known(json!([{"acId": "a"}, {"acId": "b", "acType": "work"}]), true);
        assert_eq!(compare(&told, &KnownBy::Registration, &changed).0, ["b"]);
        let moved = Known {
            ue: None,
            ..both.clone()
        };
        assert_eq!(compare(&told, &KnownBy::Registration, &moved).0, ["a", "b"]);
    }

    #[test]
    fn what_is_gone_is_fresh_when_it_is_back_and_discoveries_add_up_only_so_far() {
        let (a, b) = (known(json!([{"acId": "a"}]), true), known(json!([{"acId": "b"}]), true));
        let (_, told) = compare(&Told::default(), &KnownBy::Registration, &a);
        let (_, told) = compare(&told, &KnownBy::Registration, &b);
        assert_eq!(compare(&told, &KnownBy::Registration, &a).0, ["a"]);
        let by = KnownBy::Discovery {
            ue_id: None,
            ac_profs: Vec::new(),
        };
        let mut told = Told::default();
        for n in 0..200 {
            told = compare(&told, &by, &known(json!([{"acId": format!("ac{n}")}]), true)).1;
            assert!(told.acs.len() <= NAMED);
        }
        assert!(
            compare(&told, &by, &known(json!([{"acId": "ac199"}]), true))
                .0
                .is_empty()
        );
    }

    #[test]
    fn of_an_unregistered_eec_it_ends_by_itself() {
        let (_, told) = compare(
            &Told::default(),
            &KnownBy::Registration,
            &known(json!([{"acId": "a"}]), false),
        );
        assert!(told.expires_at.is_some());
        let (fresh, kept) = compare(&told, &KnownBy::Registration, &known(json!([{"acId": "a"}]), true));
        assert!(fresh.is_empty() && kept.expires_at.is_none() && kept.has_changed(&told));
    }
}
