//! Whom an EAS means: the identifiers that it may use for UEs and groups, as the core network knows them.

use crate::ue_identifier::EdgeUeIds;
use edgeapp_core::{
    error::{Cause, Error, Kind},
    network::Target,
    principal::Principal,
};
use edgeapp_openapi::{
    acr_management_event::TargetUeIdentification,
    common::{ExternalGroupId, GroupId},
    ids::Gpsi,
};
use std::{collections::BTreeMap, sync::Arc};

/// Finds out whom an EAS means.
#[derive(Clone)]
pub struct UeTargets {
    ues: Arc<dyn EdgeUeIds>,
    groups: BTreeMap<GroupId, ExternalGroupId>,
}

impl UeTargets {
    /// Edge UE IDs are looked up in `ues`; `groups` tells the external group behind an internal one, as far as the operator configured it.
    pub fn new(ues: Arc<dyn EdgeUeIds>, groups: BTreeMap<GroupId, ExternalGroupId>) -> Self {
        Self { ues, groups }
    }

    /// The UE that the caller means by an identifier, which may be an Edge UE ID; `at` points to it.
    ///
    /// # Errors
    /// 404 for an Edge UE ID that has ended or is somebody else's.
    pub async fn ue(&self, caller: &Principal, named: &Gpsi, at: &str) -> Result<Gpsi, Error> {
        self.ues
            .ue_behind(caller, named)
            .await
            .map_err(|error| pointed(error, at))
    }

    /// The external group of an internal one; `at` points to it.
    ///
    /// # Errors
    /// When none is configured: the core network takes external groups only.
    pub fn group(&self, internal: &GroupId, at: &str) -> Result<ExternalGroupId, Error> {
        self.groups.get(internal).cloned().ok_or_else(|| {
            let refused = Error::forbidden(
                Cause::CoreNetworkRefused,
                format!("{at}: the core network takes external groups, and none is configured for this internal one"),
            );
            pointed(refused, at)
        })
    }

    /// Whom the caller means; `at` points to the identification.
    ///
    /// # Errors
    /// As [`UeTargets::ue`] and [`UeTargets::group`].
    pub async fn target(&self, caller: &Principal, named: &TargetUeIdentification, at: &str) -> Result<Target, Error> {
        Ok(match named {
            TargetUeIdentification::Gpsi(ue) => Target::Ue(self.ue(caller, ue, &format!("{at}/gpsi")).await?),
            TargetUeIdentification::EdgeUeId(id) => {
                let at = format!("{at}/edgeUeId");
                let found = self.ues.gpsi_of(id, caller).await?;
                Target::Ue(found.ok_or_else(|| {
                    let unknown = Error::new(
                        Kind::NotFound,
                        Cause::UeNotFound,
                        format!("{at}: no UE has this identifier for the caller now"),
                    );
                    pointed(unknown, &at)
                })?)
            }
            TargetUeIdentification::IntGrpId(internal) => {
                Target::Group(self.group(internal, &format!("{at}/intGrpId"))?)
            }
            TargetUeIdentification::ExtGrpId(group) => Target::Group(group.clone()),
            TargetUeIdentification::UeIpAddr(address) => Target::Address(address.clone()),
        })
    }
}

fn pointed(error: Error, at: &str) -> Error {
    if error.kind == Kind::Internal || error.kind == Kind::Unavailable || !error.invalid.is_empty() {
        return error;
    }
    Error {
        invalid: Error::optional_incorrect(at, "names nobody here").invalid,
        ..error
    }
}
