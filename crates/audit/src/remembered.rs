//! What the state remembers of the log: its last checkpoint. Who cuts the log off at an earlier one leaves a log that is good by itself;
//! the state, which lies elsewhere, knows better at the next start.

use crate::{files::holds, log::AuditLog, verify::Known};
use edgeapp_core::store::{Commit, Key, Span, Store, StoreError};
use std::{sync::Arc, time::Duration};

/// Under this the state remembers logs, by their names.
const REMEMBERED: &str = "audit/last/";
/// How long a state that does not answer may keep a server from ending.
const LAST: Duration = Duration::from_secs(5);

fn key(log: &AuditLog) -> Key {
    Key::new(format!("{REMEMBERED}{}", log.shared().folder.name()))
}

/// What the state knows of the log and the log does not hold, in words.
///
/// # Errors
/// When the state or the log cannot be read.
pub(crate) async fn missing(store: &dyn Store, log: &AuditLog) -> Result<Vec<String>, StoreError> {
    if let Some(entry) = store.get(&key(log)).await? {
        let damaged = |error: serde_json::Error| StoreError::Damaged(format!("{}: {error}", entry.key.as_str()));
        let known: Known = serde_json::from_slice(&entry.value).map_err(damaged)?;
        let unreadable = |error: std::io::Error| StoreError::Unavailable(error.to_string());
        if holds(log.shared().folder.path(), &known).map_err(unreadable)? {
            return Ok(Vec::new());
        }
        let (ended, number) = (log.shared().began_after, known.number);
        let what = match ended < number {
            true => format!(
                "the log ended with record {ended}, and the state remembers record {number} with SHA-256 {}: its end was removed",
                known.hash
            ),
            false => format!(
                "record {number} is not the one with SHA-256 {} that the state remembers: it was changed or removed",
                known.hash
            ),
        };
        return Ok(vec![what]);
    }
    if store.is_shared() {
        // The others are those of other servers.
        return Ok(Vec::new());
    }
    let others = store.range(Span::prefix(REMEMBERED)).await?.entries;
    let mut told = Vec::new();
    for other in others {
        let name = other.key.as_str().trim_start_matches(REMEMBERED);
        let number = serde_json::from_slice::<Known>(&other.value).map_or(0, |known| known.number);
        told.push(format!(
            "the state remembers another log, {name}, up to record {number}: the log was removed, or `audit.folder` names another folder now"
        ));
        // Once is enough.
        store.commit(Commit::new().delete(other.key.clone())).await?;
    }
    Ok(told)
}

async fn note(store: &dyn Store, log: &AuditLog, known: &Known) -> Result<(), StoreError> {
    let value = serde_json::to_vec(known).unwrap_or_default();
    store.commit(Commit::new().put(key(log), value)).await.map(drop)
}

/// Has the state remember each checkpoint, until dropped.
pub(crate) async fn remember(store: Arc<dyn Store>, log: Arc<AuditLog>) {
    let mut signed = log.shared().signed.subscribe();
    loop {
        let known = signed.borrow_and_update().clone();
        if let Some(known) = known
            && let Err(error) = note(store.as_ref(), &log, &known).await
        {
            tracing::warn!(%error, "the state does not remember the last checkpoint of the audit log");
        }
        if signed.changed().await.is_err() {
            return;
        }
    }
}

/// Has the state remember the last checkpoint of a log that is closed.
pub(crate) async fn last(store: &dyn Store, log: &AuditLog) {
    let known = log.shared().signed.borrow().clone();
    let Some(known) = known else { return };
    match tokio::time::timeout(LAST, note(store, log, &known)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the state does not remember the last checkpoint of the audit log"),
        Err(_) => {
            tracing::warn!("the state does not answer, and does not remember the last checkpoint of the audit log")
        }
    }
}
