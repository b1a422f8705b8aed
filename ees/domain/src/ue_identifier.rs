//! Under which names EASs know UEs (Eees_UEIdentifier, TS 29.558 clause 5.4; TS 23.558 clauses 7.2.9 and 8.6.5).
//!
//! An EAS that saw an address gets an identifier for the UE behind it: either the external identifier that the core network gives to
//! this application function, or an *Edge UE ID* that this EES made up. An Edge UE ID is random, differs from EAS to EAS, ends after a
//! while, and is understood wherever an EAS names a UE to this EES. An MSISDN is never told.

use crate::{eas, eec::proved_ue, guesses::Guesses};
use async_trait::async_trait;
use edgeapp_core::{
    consent::{Consent, Purpose},
    error::{Cause, Error, Kind},
    network::{AddressAsk, CoreNetwork, NetworkError},
    principal::{Principal, Role},
    room::{Decision, Room, contended, fresh_id},
    store::{Entry, Key, Span},
};
use edgeapp_openapi::{
    common::{DateTime, IpAddr},
    ids::{EasId, EdgeUeId, Gpsi},
    ue_identifier::{UeId, UeIdInfo, UserInfo, UserInformation},
};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What Edge UE IDs stand for: `edge-ue-id/<id>`.
const BY_ID: &str = "edge-ue-id/";
/// The Edge UE ID of a UE for an EAS: `edge-ue-of/<GPSI>/<EASID>`.
const BY_UE: &str = "edge-ue-of/";

/// When an EES makes up identifiers of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgeUeIdUse {
    /// Only where the core network gives none that may be told.
    #[default]
    WhenTheCoreGivesNone,
    /// For every UE and EAS, so that no identifier of the operator leaves.
    Always,
    /// Never.
    Never,
}

/// What the operator decides about identifiers.
#[derive(Clone, Copy, Debug)]
pub struct IdentifierPolicy {
    /// When an EES makes up identifiers of its own.
    pub edge_ue_ids: EdgeUeIdUse,
    /// Seconds that one lives.
    pub edge_ue_id_seconds: u32,
}

impl Default for IdentifierPolicy {
    fn default() -> Self {
        Self {
            edge_ue_ids: EdgeUeIdUse::default(),
            edge_ue_id_seconds: 86_400,
        }
    }
}

/// The UEs behind Edge UE IDs.
#[async_trait]
pub trait EdgeUeIds: Send + Sync + 'static {
    /// The UE behind an Edge UE ID, if it is one of the caller's that still lives.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn gpsi_of(&self, id: &EdgeUeId, caller: &Principal) -> Result<Option<Gpsi>, Error>;

    /// The UE that an EAS means by an identifier: the one behind it if it is an Edge UE ID, else the identifier itself.
    ///
    /// # Errors
    /// 404 for an Edge UE ID that has ended or is somebody else's.
    async fn ue_behind(&self, caller: &Principal, named: &Gpsi) -> Result<Gpsi, Error> {
        if !named.as_str().starts_with(PREFIX) {
            return Ok(named.clone());
        }
        let id: EdgeUeId = named.as_str().parse().map_err(Error::internal)?;
        self.gpsi_of(&id, caller).await?.ok_or_else(ue_not_found)
    }
}

/// The UE that EASs of this application know by an Edge UE ID now.
///
/// # Errors
/// When the store cannot be read.
pub async fn known_as(room: &Room, id: &EdgeUeId, eas_id: &EasId) -> Result<Option<Gpsi>, Error> {
    let Some(entry) = room.store().get(&by_id(id)).await? else {
        return Ok(None);
    };
    let kept: KeptId = serde_json::from_slice(&entry.value).map_err(Error::internal)?;
    Ok((kept.expires_at > room.now() && kept.eas_id == *eas_id).then_some(kept.ue))
}

/// The name that this EES made up for a UE and that EASs of this application know it by now.
///
/// # Errors
/// When the store cannot be read.
pub(crate) async fn name_of(room: &Room, ue: &Gpsi, eas_id: &EasId) -> Result<Option<EdgeUeId>, Error> {
    let Some(entry) = room.store().get(&by_ue(ue, eas_id)).await? else {
        return Ok(None);
    };
    let kept: KeptId = serde_json::from_slice(&entry.value).map_err(Error::internal)?;
    Ok((kept.expires_at > room.now()).then_some(kept.id))
}

/// A UE has this name for an application: as [`UeIdentifierService`] keeps it, for an hour.
#[cfg(test)]
pub(crate) fn tests_only_named(
    decision: Decision<()>,
    seen: &mut edgeapp_core::room::Seen,
    name: &str,
    ue: &Gpsi,
    eas_id: &EasId,
) -> Decision<()> {
    let kept = KeptId {
        id: name.parse().expect("a name"),
        ue: ue.clone(),
        eas_id: eas_id.clone(),
        expires_at: DateTime(seen.now().0 + SignedDuration::from_hours(1)),
    };
    let json = serde_json::to_vec(&kept).expect("JSON");
    let (by_id, by_ue) = (by_id(&kept.id), by_ue(ue, eas_id));
    seen.fresh(&by_id);
    seen.fresh(&by_ue);
    decision
        .put_bytes(&by_id, json.clone().into(), Some(kept.expires_at))
        .put_bytes(&by_ue, json.into(), Some(kept.expires_at))
}

/// The names of UEs, as EASs may know them.
#[async_trait]
pub trait UeNames: Send + Sync + 'static {
    /// The name of this UE that an EAS may be told; none where the user did not agree, or there is none.
    ///
    /// # Errors
    /// When the store fails.
    async fn for_eas(&self, ue: &Gpsi, eas_id: &EasId) -> Result<Option<Gpsi>, Error>;

    /// The names by which an EAS may mean this UE now.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn meant_by(&self, ue: &Gpsi, eas_id: &EasId) -> Result<Vec<Gpsi>, Error>;

    /// The names by which any EAS may mean this UE now.
    ///
    /// # Errors
    /// When the store cannot be read.
    async fn all(&self, ue: &Gpsi) -> Result<Vec<Gpsi>, Error>;
}

/// How every Edge UE ID begins, so that it cannot be taken for a GPSI of another kind.
pub(crate) const PREFIX: &str = "edgeueid-";

/// What an EES tells about the identifiers of UEs.
#[async_trait]
pub trait UeIdentifiers: Send + Sync {
    /// The identifiers by which EASs may know a user.
    ///
    /// # Errors
    /// When an EASID is not the caller's; 403 when the user of a UE that was named did not agree; 404 when nobody has the address, or the
    /// user of who has it did not agree: who does not know a UE yet does not learn here that there is one.
    async fn identify(&self, principal: &Principal, request: UserInfo) -> Result<UeIdInfo, Error>;

    /// The identifier that the core network gives (the older operation of the API).
    ///
    /// # Errors
    /// As [`UeIdentifiers::identify`].
    async fn fetch(&self, principal: &Principal, request: UserInformation) -> Result<Gpsi, Error>;
}

/// The service behind [`UeIdentifiers`] and [`EdgeUeIds`].
pub struct UeIdentifierService {
    room: Room,
    core: Arc<dyn CoreNetwork>,
    consent: Arc<dyn Consent>,
    policy: IdentifierPolicy,
    guesses: Guesses,
}

/// An Edge UE ID as it is kept.
#[derive(Serialize, Deserialize)]
struct KeptId {
    id: EdgeUeId,
    ue: Gpsi,
    eas_id: EasId,
    expires_at: DateTime,
}

impl UeIdentifierService {
    /// A service over this room and this core network.
    pub fn new(room: Room, core: Arc<dyn CoreNetwork>, consent: Arc<dyn Consent>, policy: IdentifierPolicy) -> Self {
        Self {
            room,
            core,
            consent,
            policy,
            guesses: Guesses::default(),
        }
    }

    async fn at_address(
        &self,
        address: IpAddr,
        port: Option<u16>,
        application_port: Option<u16>,
    ) -> Result<Gpsi, Error> {
        let ask = AddressAsk {
            address,
            port,
            application_port,
        };
        let external = self.core.identify(&ask).await.map_err(|error| match error {
            NetworkError::UnknownUe => ue_not_found(),
            error => error.into(),
        })?;
        format!("extid-{external}").parse().map_err(Error::internal)
    }

    /// The UE that is asked for, whose user agreed.
    async fn user(&self, principal: &Principal, request: &UserInfo) -> Result<Gpsi, Error> {
        let ue = match (&request.ue_id, &request.ip_addr) {
            (Some(named), _) if principal.role() == Role::Eec => named.clone(),
            (Some(named), _) => self.ue_behind(principal, named).await?,
            (None, Some(address)) => {
                return self
                    .user_at(address.clone(), request.port_number, request.app_port_id)
                    .await;
            }
            (None, None) => return Err(Error::mandatory_missing("/ueId", "or /ipAddr is needed")),
        };
        self.agreed(&ue).await?;
        Ok(ue)
    }

    /// The UE at an address, whose user agreed; another one is not there.
    async fn user_at(&self, address: IpAddr, port: Option<u16>, application_port: Option<u16>) -> Result<Gpsi, Error> {
        let ue = self.at_address(address, port, application_port).await?;
        match self.consent.granted(&ue, Purpose::Identifier).await {
            true => Ok(ue),
            false => Err(ue_not_found()),
        }
    }

    async fn agreed(&self, ue: &Gpsi) -> Result<(), Error> {
        if self.consent.granted(ue, Purpose::Identifier).await {
            return Ok(());
        }
        Err(Error::forbidden(
            Cause::UserConsentNotGranted,
            "the user of this UE did not agree that an identifier is told",
        ))
    }

    /// The identifier of this UE for this EAS.
    async fn for_eas(&self, ue: &Gpsi, eas_id: &EasId) -> Result<UeId, Error> {
        let tellable = ue.as_str().starts_with("extid-");
        let edge = match self.policy.edge_ue_ids {
            EdgeUeIdUse::Always => true,
            EdgeUeIdUse::WhenTheCoreGivesNone => !tellable,
            EdgeUeIdUse::Never => false,
        };
        if edge {
            return Ok(UeId {
                edge_ue_id: Some(self.edge_ue_id(ue, eas_id).await?),
                af_spec_ue_id: None,
                eas_id: Some(eas_id.clone()),
            });
        }
        if tellable {
            return Ok(UeId {
                edge_ue_id: None,
                af_spec_ue_id: Some(ue.clone()),
                eas_id: Some(eas_id.clone()),
            });
        }
        Err(ue_not_found())
    }

    /// The Edge UE ID of this UE for this EAS: the one it has, or a new one.
    async fn edge_ue_id(&self, ue: &Gpsi, eas_id: &EasId) -> Result<EdgeUeId, Error> {
        let by_ue = by_ue(ue, eas_id);
        for mut seen in self.room.attempts() {
            if let Some(entry) = seen.entry(&by_ue).await? {
                let kept: KeptId = serde_json::from_slice(&entry.value).map_err(Error::internal)?;
                if kept.expires_at > seen.now() {
                    return Ok(kept.id);
                }
            }
            let seconds = i64::from(self.policy.edge_ue_id_seconds.max(1));
            let kept = KeptId {
                id: format!("{PREFIX}{}", fresh_id()).parse().map_err(Error::internal)?,
                ue: ue.clone(),
                eas_id: eas_id.clone(),
                expires_at: DateTime(seen.now().0 + SignedDuration::from_secs(seconds)),
            };
            let by_id = by_id(&kept.id);
            seen.fresh(&by_id);
            let json = serde_json::to_vec(&kept).map_err(Error::internal)?;
            let decision = Decision::of(())
                .put_bytes(&by_id, json.clone().into(), Some(kept.expires_at))
                .put_bytes(&by_ue, json.into(), Some(kept.expires_at));
            if self.room.commit(seen, decision).await?.is_some() {
                return Ok(kept.id);
            }
        }
        Err(contended())
    }
}

impl UeIdentifierService {
    /// A UE by its own name, and by those of these that still hold.
    fn and_made_up(&self, ue: &Gpsi, made_up: impl IntoIterator<Item = Entry>) -> Result<Vec<Gpsi>, Error> {
        let mut names = vec![ue.clone()];
        for entry in made_up {
            let kept: KeptId = serde_json::from_slice(&entry.value).map_err(Error::internal)?;
            if kept.expires_at > self.room.now() {
                names.push(kept.id.as_str().parse().map_err(Error::internal)?);
            }
        }
        Ok(names)
    }
}

fn by_id(id: &EdgeUeId) -> Key {
    Key::from(format!("{BY_ID}{}", Key::part(id.as_str())))
}

fn by_ue(ue: &Gpsi, eas_id: &EasId) -> Key {
    Key::from(format!("{}{}", all_of_ue(ue), Key::part(eas_id.as_str())))
}

/// First part of the keys of all Edge UE IDs of a UE.
fn all_of_ue(ue: &Gpsi) -> String {
    format!("{BY_UE}{}/", Key::part(ue.as_str()))
}

fn ue_not_found() -> Error {
    Error::new(Kind::NotFound, Cause::UeNotFound, "nobody here knows this UE")
}

/// The EASIDs that are asked for: those named, which must all be the caller's, or the caller's own. An EEC names those its UE uses.
fn asked_for(principal: &Principal, named: &[EasId]) -> Result<Vec<EasId>, Error> {
    if principal.role() == Role::Eec {
        return match named {
            [] => Err(Error::mandatory_missing("/easIds", "an EEC names the EASs")),
            named => Ok(named.to_vec()),
        };
    }
    if named.is_empty() {
        return Ok(vec![principal.id().parse().map_err(Error::internal)?]);
    }
    match named.iter().position(|eas_id| !principal.is_eas(eas_id)) {
        Some(n) => Err(Error::not_yours(&format!("/easIds/{n}"), "EASID")),
        None => Ok(named.to_vec()),
    }
}

/// An EEC hears of its own UE only.
fn own_ue(principal: &Principal, named: Option<&Gpsi>) -> Result<(), Error> {
    let named = named.ok_or_else(|| Error::mandatory_missing("/ueId", "an EEC names its own UE"))?;
    proved_ue(principal, Some(named), "/ueId")
}

#[async_trait]
impl EdgeUeIds for UeIdentifierService {
    async fn gpsi_of(&self, id: &EdgeUeId, caller: &Principal) -> Result<Option<Gpsi>, Error> {
        let Some(entry) = self.room.store().get(&by_id(id)).await? else {
            return Ok(None);
        };
        let kept: KeptId = serde_json::from_slice(&entry.value).map_err(Error::internal)?;
        let is_theirs = kept.expires_at > self.room.now() && caller.is_eas(&kept.eas_id);
        Ok(is_theirs.then_some(kept.ue))
    }
}

#[async_trait]
impl UeNames for UeIdentifierService {
    async fn for_eas(&self, ue: &Gpsi, eas_id: &EasId) -> Result<Option<Gpsi>, Error> {
        if !self.consent.granted(ue, Purpose::Identifier).await {
            return Ok(None);
        }
        let name = match self.for_eas(ue, eas_id).await {
            Ok(name) => name,
            Err(error) if error.kind == Kind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match name.edge_ue_id {
            Some(id) => id.as_str().parse().map(Some).map_err(Error::internal),
            None => Ok(name.af_spec_ue_id),
        }
    }

    async fn meant_by(&self, ue: &Gpsi, eas_id: &EasId) -> Result<Vec<Gpsi>, Error> {
        let made_up = self.room.store().get(&by_ue(ue, eas_id)).await?;
        self.and_made_up(ue, made_up)
    }

    async fn all(&self, ue: &Gpsi) -> Result<Vec<Gpsi>, Error> {
        let made_up = self.room.store().range(Span::prefix(all_of_ue(ue))).await?;
        self.and_made_up(ue, made_up.entries)
    }
}

#[async_trait]
impl UeIdentifiers for UeIdentifierService {
    async fn identify(&self, principal: &Principal, request: UserInfo) -> Result<UeIdInfo, Error> {
        match principal.role() {
            Role::Eec => own_ue(principal, request.ue_id.as_ref())?,
            _ => eas::registered(&self.room, principal).await?,
        }
        let eas_ids = asked_for(principal, &request.eas_ids)?;
        self.guesses.ask(principal, self.room.now())?;
        let ue = self.user(principal, &request).await;
        let ue = self.guesses.answered(principal, ue)?;
        let mut ue_ids = Vec::new();
        for eas_id in eas_ids {
            match self.for_eas(&ue, &eas_id).await {
                Ok(id) => ue_ids.push(id),
                // One EAS that gets none does not keep the others from theirs.
                Err(error) if error.kind == Kind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        if ue_ids.is_empty() {
            return Err(ue_not_found());
        }
        Ok(UeIdInfo { ue_ids })
    }

    async fn fetch(&self, principal: &Principal, request: UserInformation) -> Result<Gpsi, Error> {
        if !principal.is_eas(&request.eas_id) {
            return Err(Error::not_yours("/easId", "EASID"));
        }
        eas::registered(&self.room, principal).await?;
        self.guesses.ask(principal, self.room.now())?;
        let found = self.user_at(request.ip_addr, None, None).await;
        self.guesses.answered(principal, found)
    }
}
