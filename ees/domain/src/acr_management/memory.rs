//! Where the paths of UEs lead, as it was reported last: for who wants to know at once.

use edgeapp_core::{
    error::Error,
    room::{Decision, Room, Seen},
    store::{Key, Span},
};
use edgeapp_openapi::{
    acr_management_event::UpPathChangeInfo,
    common::DateTime,
    ids::{EasId, Gpsi},
};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// Last changes of paths: `ue-path/<EASID>/<GPSI>`.
const LAST_PATH: &str = "ue-path/";
/// Seconds for which one is remembered.
const REMEMBERED: i64 = 86_400;
/// UEs told of at once at most.
const MOST: usize = 64;

/// The last change of the path of a UE's traffic with an application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct LastPath {
    /// The UE.
    pub ue: Gpsi,
    /// The change.
    pub change: UpPathChangeInfo,
    /// When it was reported.
    pub at: DateTime,
    expires_at: DateTime,
}

fn key(eas_id: &EasId, ue: &Gpsi) -> Key {
    Key::from(format!("{}{}", folder(eas_id), Key::part(ue.as_str())))
}

fn folder(eas_id: &EasId) -> String {
    format!("{LAST_PATH}{}/", Key::part(eas_id.as_str()))
}

/// The change that remembers this.
pub(super) async fn remember(
    decision: Decision<()>,
    eas_id: &EasId,
    ue: &Gpsi,
    change: &UpPathChangeInfo,
    seen: &mut Seen,
) -> Result<Decision<()>, Error> {
    let key = key(eas_id, ue);
    seen.entry(&key).await?;
    let expires_at = DateTime(seen.now().0 + SignedDuration::from_secs(REMEMBERED));
    let last = LastPath {
        ue: ue.clone(),
        change: change.clone(),
        at: seen.now(),
        expires_at,
    };
    let json = serde_json::to_vec(&last).map_err(Error::internal)?;
    Ok(decision.put_bytes(&key, json.into(), Some(expires_at)))
}

/// What is remembered of the UE, or of all of them.
pub(super) async fn last(room: &Room, eas_id: &EasId, ue: Option<&Gpsi>) -> Result<Vec<LastPath>, Error> {
    let entries = match ue {
        Some(ue) => room.store().get(&key(eas_id, ue)).await?.into_iter().collect(),
        None => {
            room.store()
                .range(Span::prefix(folder(eas_id)).limit(MOST))
                .await?
                .entries
        }
    };
    let mut known = Vec::new();
    for entry in entries {
        let last: LastPath = serde_json::from_slice(&entry.value).map_err(Error::internal)?;
        if last.expires_at > room.now() {
            known.push(last);
        }
    }
    Ok(known)
}
