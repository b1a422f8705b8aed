//! Which EAS serves a whole group of UEs, agreed between EESs at the ECS (Eecs_EASInfoManagement, TS 29.558 clause 6.4; TS 23.558
//! clause 8.20).
//!
//! One binding is in force per group, application and edge data network: the first EES that stores one wins, and the others hear
//! which it is. A binding is in force for as long as the EES that stored it is registered here; that EES may store another in its place.

use crate::ees_registration;
use async_trait::async_trait;
use edgeapp_core::{
    error::{Cause, Error},
    kept::Kept,
    principal::Principal,
    room::{Decision, Room, contended, fresh_id},
    store::{Key, Span},
};
use edgeapp_openapi::{
    eas_info_management::{CommonEasBindReq, CommonEasBinding},
    ids::{AppGroupId, EasId, EesId, RequestorName},
};
use serde::{Deserialize, Serialize};

/// Where bindings are kept: `eas-binding/<group>/<EASID>/<EDN>`.
const PREFIX: &str = "eas-binding/";

/// What the ECS does for EESs that agree on the EAS of a group.
#[async_trait]
pub trait EasBindings: Send + Sync {
    /// The binding in force for a group and an application: that of the caller's own edge data network, if there is one, else any.
    ///
    /// # Errors
    /// When the caller says to be somebody else, or is not registered.
    async fn binding(
        &self,
        principal: &Principal,
        requestor: &RequestorName,
        group: &AppGroupId,
        eas_id: &EasId,
    ) -> Result<Option<CommonEasBinding>, Error>;

    /// Stores a binding unless another EES's is in force.
    ///
    /// # Errors
    /// When the caller says to be somebody else, or is not registered.
    async fn bind(&self, principal: &Principal, request: CommonEasBindReq) -> Result<Bound, Error>;
}

/// What came of a wish to bind.
#[derive(Clone, Debug, PartialEq)]
pub enum Bound {
    /// It is in force.
    Stored {
        /// Its identifier.
        id: String,
        /// The binding.
        binding: CommonEasBinding,
    },
    /// Another EES was faster; this one is in force.
    Taken(Box<CommonEasBinding>),
}

/// A binding as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Stored {
    id: String,
    ees_id: EesId,
    binding: CommonEasBinding,
}

/// The bindings in a store.
pub struct EasBindingService {
    room: Room,
}

impl EasBindingService {
    /// A service over this room.
    pub fn new(room: Room) -> Self {
        Self { room }
    }

    /// The caller as a registered EES.
    async fn registered(&self, principal: &Principal, requestor: &RequestorName) -> Result<EesId, Error> {
        if requestor.as_str() != principal.id() {
            return Err(Error::not_yours("/requestorId", "EESID"));
        }
        let id: EesId = principal.id().parse().map_err(Error::internal)?;
        if ees_registration::is_registered(&self.room, &id).await? {
            return Ok(id);
        }
        Err(Error::forbidden(
            Cause::NotRegistered,
            "an EES has to be registered here before it binds groups",
        ))
    }
}

impl EasBindingService {
    /// An EES binds for its own edge data network, at its own endpoint.
    async fn of_caller(&self, caller: &EesId, binding: &CommonEasBinding) -> Result<(), Error> {
        let own = ees_registration::edn_of(&self.room, caller).await?;
        if let Some(said) = &binding.edn_info
            && own.as_ref() != Some(&said.dnn)
        {
            return Err(Error::not_yours(
                "/binding/ednInfo/dnn",
                "edge data network, as registered,",
            ));
        }
        if let Some(said) = &binding.ees_endpoint
            && ees_registration::endpoint_of(&self.room, caller).await?.as_ref() != Some(said)
        {
            return Err(Error::not_yours("/binding/eesEndpoint", "endpoint, as registered,"));
        }
        Ok(())
    }
}

/// The EESs whose bindings of this group and application are in force.
///
/// # Errors
/// When the store cannot be read.
pub async fn holders(room: &Room, group: &AppGroupId, eas_id: &EasId) -> Result<Vec<EesId>, Error> {
    let mut holders = Vec::new();
    for entry in room.store().range(Span::prefix(folder(group, eas_id))).await?.entries {
        let stored = Kept::<Stored>::from_entry(&entry)?.value;
        if ees_registration::is_registered(room, &stored.ees_id).await? {
            holders.push(stored.ees_id);
        }
    }
    Ok(holders)
}

fn key(binding: &CommonEasBinding) -> Key {
    let edn = binding
        .edn_info
        .as_ref()
        .map(|edn| Key::part(edn.dnn.as_str()))
        .unwrap_or_default();
    Key::from(format!("{}{edn}", folder(&binding.app_group_id, &binding.eas_id)))
}

fn folder(group: &AppGroupId, eas_id: &EasId) -> String {
    format!("{PREFIX}{}/{}/", Key::part(group.as_str()), Key::part(eas_id.as_str()))
}

#[async_trait]
impl EasBindings for EasBindingService {
    async fn binding(
        &self,
        principal: &Principal,
        requestor: &RequestorName,
        group: &AppGroupId,
        eas_id: &EasId,
    ) -> Result<Option<CommonEasBinding>, Error> {
        let caller = self.registered(principal, requestor).await?;
        let own = ees_registration::edn_of(&self.room, &caller).await?;
        let mut found = None;
        for entry in self
            .room
            .store()
            .range(Span::prefix(folder(group, eas_id)))
            .await?
            .entries
        {
            let stored = Kept::<Stored>::from_entry(&entry)?.value;
            if !ees_registration::is_registered(&self.room, &stored.ees_id).await? {
                continue;
            }
            let there = stored.binding.edn_info.as_ref().map(|edn| &edn.dnn);
            if there.is_some() && there == own.as_ref() {
                return Ok(Some(stored.binding));
            }
            found = found.or(Some(stored.binding));
        }
        Ok(found)
    }

    async fn bind(&self, principal: &Principal, request: CommonEasBindReq) -> Result<Bound, Error> {
        let caller = self.registered(principal, &request.requestor_id).await?;
        self.of_caller(&caller, &request.binding).await?;
        let key = key(&request.binding);
        for mut seen in self.room.attempts() {
            if let Some(kept) = seen.kept::<Stored>(&key).await?
                && kept.value.ees_id != caller
                && ees_registration::is_registered(&self.room, &kept.value.ees_id).await?
            {
                return Ok(Bound::Taken(Box::new(kept.value.binding)));
            }
            let stored = Stored {
                id: fresh_id(),
                ees_id: caller.clone(),
                binding: request.binding.clone(),
            };
            let decision = Decision::of(()).put(&key, &Kept::new(principal, None, stored.clone()))?;
            if self.room.commit(seen, decision).await?.is_some() {
                let Stored { id, binding, .. } = stored;
                return Ok(Bound::Stored { id, binding });
            }
        }
        Err(contended())
    }
}
