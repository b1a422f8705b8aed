//! Storage for application contexts whose EASs leave their relocation to this EES and have no place of their own for them
//! (TS 23.558 clause 8.8.3.6).
//!
//! Each place has an address that nobody can guess. The EAS that it was made for writes and reads it; other instances of the same
//! application read it once the relocation has begun, and with that the context has arrived. A place is there for one relocation and
//! ends soon after it.

use crate::acr::{Acr, AcrRef, record::Step, relocation::AcrService};
use crate::event::Event;
use async_trait::async_trait;
use bytes::Bytes;
use edgeapp_core::{
    error::{Cause, Error},
    kept::Kept,
    principal::Principal,
    room::{Decision, Seen, contended},
    store::Key,
};
use edgeapp_openapi::{acr_status_update::ActResult, common::DateTime, ids::EasId};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// First part of the keys of places.
pub const PREFIX: &str = "app-context/";
/// First part of the keys of what lies there.
const BYTES: &str = "app-context-bytes/";
/// How long a context is there after it was handed over.
const DOWNLOAD: SignedDuration = SignedDuration::from_secs(10);
/// What a context is called that does not say what it is.
const ANYTHING: &str = "application/octet-stream";

/// A place for an application context.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AppContext {
    /// The application.
    eas_id: EasId,
    /// The relocation that it is for.
    acr: AcrRef,
    /// The media type of what lies there; `None` while nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    media: Option<String>,
}

impl AppContext {
    /// An empty place for the context of this relocation.
    pub(crate) fn of(acr: &Acr) -> Self {
        Self {
            eas_id: acr.eas_id.clone(),
            acr: acr.reference(),
            media: None,
        }
    }
}

/// What becomes of the place of a relocation that has come to its end: one that failed needs it no more; after a success it is there a
/// while longer, for a T-EAS whose download broke off.
///
/// # Errors
/// When the store fails.
pub(crate) async fn left(seen: &mut Seen, acr: &Acr) -> Result<Decision<()>, Error> {
    let nothing = Decision::of(());
    let Some(managed) = acr.managed.as_ref().filter(|_| acr.complete) else {
        return Ok(nothing);
    };
    // Where the EAS named a place of its own there is none of this name here.
    let token = managed.store.as_str().rsplit('/').next().unwrap_or_default();
    let place = key(token);
    let Some(kept) = seen.kept::<AppContext>(&place).await? else {
        return Ok(nothing);
    };
    if kept.value.acr != acr.reference() {
        return Ok(nothing);
    }
    if acr.result().is_some_and(|result| result.is_err()) {
        return Ok(nothing.delete(&place).delete(&bytes_key(&place)));
    }
    let soon = DateTime(seen.now().0 + DOWNLOAD);
    let expires_at = Some(kept.expires_at.map_or(soon, |end| end.min(soon)));
    nothing.put(&place, &Kept { expires_at, ..kept })
}

/// The key of a place.
pub(crate) fn key(token: &str) -> Key {
    Key::from(format!("{PREFIX}{}", Key::part(token)))
}

/// The key of what lies at a place.
pub(crate) fn bytes_key(place: &Key) -> Key {
    let token = place.as_str().strip_prefix(PREFIX).unwrap_or_default();
    Key::from(format!("{BYTES}{token}"))
}

/// What lies at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its media type.
    pub media: String,
    /// The context.
    pub bytes: Bytes,
}

/// What an EES does about application contexts.
#[async_trait]
pub trait AppContexts: Send + Sync {
    /// How large a context may be, in bytes.
    fn limit(&self) -> usize;

    /// Keeps a context at its place, instead of what was there.
    ///
    /// # Errors
    /// 404 when the place is not there, is somebody else's, or its relocation is over.
    async fn put(&self, principal: &Principal, token: &str, media: Option<String>, bytes: Bytes) -> Result<(), Error>;

    /// The context at a place. To the T-EAS it has been handed over with that.
    ///
    /// # Errors
    /// 404 when nothing is there for the caller.
    async fn take(&self, principal: &Principal, token: &str) -> Result<Stored, Error>;
}

/// The service behind [`AppContexts`].
pub struct AppContextService {
    relocations: Arc<AcrService>,
    limit: usize,
}

impl AppContextService {
    /// A service for the contexts of these relocations, of at most `limit` bytes each.
    pub fn new(relocations: Arc<AcrService>, limit: usize) -> Self {
        Self { relocations, limit }
    }
}

fn not_found() -> Error {
    Error::not_found("application context")
}

#[async_trait]
impl AppContexts for AppContextService {
    fn limit(&self) -> usize {
        self.limit
    }

    async fn put(&self, principal: &Principal, token: &str, media: Option<String>, bytes: Bytes) -> Result<(), Error> {
        let (room, key) = (self.relocations.room(), key(token));
        for mut seen in room.attempts() {
            let place = seen
                .kept::<AppContext>(&key)
                .await?
                .filter(|kept| kept.is_of(principal));
            let mut place = place.ok_or_else(not_found)?;
            let record = Key::new(place.value.acr.key.as_str());
            let acr = seen.kept::<Acr>(&record).await?;
            let acr = acr.filter(|kept| kept.value.id == place.value.acr.id && !kept.value.complete);
            let acr = acr.ok_or_else(not_found)?;
            place.value.media = Some(media.clone().unwrap_or_else(|| ANYTHING.to_owned()));
            let mut decision = Decision::of(())
                .put(&key, &place)?
                .put_bytes(&bytes_key(&key), bytes.clone(), None);
            if let Some((next, events)) = acr.value.after(Step::Stored)? {
                let next = Kept {
                    owner: acr.owner,
                    expires_at: acr.expires_at,
                    value: next,
                };
                decision = decision.put(&record, &next)?;
                for event in events {
                    decision = decision.tell(&Event::Acr(event))?;
                }
            }
            if room.commit(seen, decision).await?.is_some() {
                return Ok(());
            }
        }
        Err(contended())
    }

    async fn take(&self, principal: &Principal, token: &str) -> Result<Stored, Error> {
        let (room, key) = (self.relocations.room(), key(token));
        let place = room.read::<AppContext>(&key).await?.ok_or_else(not_found)?;
        let own = place.is_of(principal);
        let AppContext { eas_id, acr, media } = place.value;
        let media = media.ok_or_else(not_found)?;
        if !own && !principal.is_eas(&eas_id) {
            return Err(not_found());
        }
        let entry = room.store().get(&bytes_key(&key)).await?.ok_or_else(not_found)?;
        if !own {
            let taken = Step::Reported(ActResult::Successful, None);
            let begun = |known: &Acr| known.id == acr.id && known.may_begin();
            match self.relocations.step(&Key::new(acr.key.as_str()), &taken, begun).await {
                Ok(true) => {}
                Ok(false) => return Err(not_found()),
                // It has failed: nobody goes on from this context any more.
                Err(error) if error.cause == Cause::AcrResultConflict => return Err(not_found()),
                Err(error) => return Err(error),
            }
        }
        Ok(Stored {
            media,
            bytes: entry.value,
        })
    }
}
