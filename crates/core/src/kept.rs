//! What the store keeps of a resource beside the resource itself.

use crate::{
    error::Error,
    principal::{Owner, Principal},
    store::{Entry, Revision},
};
use bytes::Bytes;
use edgeapp_openapi::common::DateTime;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Bytes that most resources fit in.
const ROOM: usize = 1024;

/// A resource with what the standard does not send: who owns it and when it ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept<T> {
    /// Who created it.
    pub owner: Owner,
    /// When it ends by itself; `None` means never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime>,
    /// The resource.
    pub value: T,
}

impl<T> Kept<T> {
    /// A resource of this principal.
    pub fn new(owner: &Principal, expires_at: Option<DateTime>, value: T) -> Self {
        Self {
            owner: owner.owner().clone(),
            expires_at,
            value,
        }
    }

    /// Whether it belongs to this principal.
    pub fn is_of(&self, principal: &Principal) -> bool {
        self.owner == *principal.owner()
    }

    /// Whether it is still there at `now`: what expired is invisible at once, and swept later.
    pub fn is_live(&self, now: DateTime) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

impl<T: Serialize> Kept<T> {
    /// As the store keeps it.
    ///
    /// # Errors
    /// When the value cannot be written as JSON.
    pub fn to_bytes(&self) -> Result<Bytes, Error> {
        // Most fit in at once; what is kept, perhaps for long, has no room to spare.
        let mut json = Vec::with_capacity(ROOM);
        serde_json::to_writer(&mut json, self).map_err(Error::internal)?;
        Ok(Bytes::copy_from_slice(&json))
    }
}

impl<T: DeserializeOwned> Kept<T> {
    /// From what the store kept.
    ///
    /// # Errors
    /// When it is not what [`Kept::to_bytes`] wrote.
    pub fn from_entry(entry: &Entry) -> Result<Self, Error> {
        serde_json::from_slice(&entry.value)
            .map_err(|error| Error::internal(format_args!("{} cannot be read: {error}", entry.key)))
    }
}

/// A resource as it was loaded, with the revision that a change has to match.
#[derive(Clone, Debug)]
pub struct Loaded<T> {
    /// The resource.
    pub kept: Kept<T>,
    /// When it was last written.
    pub revision: Revision,
}
