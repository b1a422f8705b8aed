//! Eees_UEIdentifier: by which names EASs may know UEs (TS 29.558 clause 8.3).
//!
//! ```
//! use edgeapp_openapi::ue_identifier::UserInfo;
//!
//! let request: UserInfo = serde_json::from_str(r#"{"ipAddr": {"ipv4Addr": "198.51.100.4"}}"#)?;
//! assert!(request.ue_id.is_none());
//! assert!(serde_json::from_str::<UserInfo>("{}").is_err());
//! # Ok::<(), serde_json::Error>(())
//! ```

use crate::{
    common::{IpAddr, SupportedFeatures, non_empty},
    ids::{EasId, EdgeUeId, Gpsi, ProviderId},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The user whose identifiers are asked for (clause 8.3.5.2.3). At least one of `ueId` and `ipAddr` is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase")]
pub struct UserInfo {
    /// `easIds`: the EASs that want to know the UE; the caller's when absent.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub eas_ids: Vec<EasId>,
    /// `easProviderId`: the provider of these EASs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_provider_id: Option<ProviderId>,
    /// `ueId`: the UE, by a name that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ue_id: Option<Gpsi>,
    /// `ipAddr`: the UE, by its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ip_addr: Option<IpAddr>,
    /// `appPortId`: the port of the application at the UE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub app_port_id: Option<u16>,
    /// `portNumber`: the port behind which an address translator hides the UE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub port_number: Option<u16>,
    /// `suppFeat`: optional features that the caller supports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supp_feat: Option<SupportedFeatures>,
}

checked!(UserInfo, |user| match (&user.ue_id, &user.ip_addr) {
    (None, None) => Err("must have at least one of these members: ueId ipAddr"),
    _ => Ok(()),
});

/// The user whose identifier is asked for, in the older operation (clause 8.3.5.2.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserInformation {
    /// `easId`: the EAS that wants to know the UE.
    pub eas_id: EasId,
    /// `easProviderId`: the provider of the EAS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_provider_id: Option<ProviderId>,
    /// `ipAddr`: the address of the UE.
    pub ip_addr: IpAddr,
    /// `suppFeat`: optional features that the caller supports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supp_feat: Option<SupportedFeatures>,
}

/// Identifiers of a user (clause 8.3.5.2.4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UeIdInfo {
    /// `ueIds`: the identifiers, at least one.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub ue_ids: Vec<UeId>,
}

/// An identifier of a user for one EAS (clause 8.3.5.2.5). Exactly one of `edgeUeId` and `afSpecUeId` is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase")]
pub struct UeId {
    /// `edgeUeId`: a name that this EES made up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub edge_ue_id: Option<EdgeUeId>,
    /// `afSpecUeId`: the name that the core network gives to this application function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub af_spec_ue_id: Option<Gpsi>,
    /// `easId`: the EAS that may use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub eas_id: Option<EasId>,
}

checked!(UeId, |id| match (&id.edge_ue_id, &id.af_spec_ue_id) {
    (Some(_), None) | (None, Some(_)) => Ok(()),
    _ => Err("must have exactly one of these members: edgeUeId afSpecUeId"),
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    #[test]
    fn a_user_is_named_or_found_by_an_address() {
        same::<UserInfo>(r#"{"easIds": ["e"], "ueId": "u", "ipAddr": {"ipv4Addr": "192.0.2.1"}, "portNumber": 7}"#);
        refused::<UserInfo>(r#"{"easIds": ["e"]}"#);
        refused::<UserInfo>(r#"{"easIds": [], "ueId": "u"}"#);
        let older = r#"{"easId": "e", "ipAddr": {"ipv4Addr": "192.0.2.1"}}"#;
        same::<UserInformation>(older);
        needs::<UserInformation>(older, &["easId", "ipAddr"]);
    }

    #[test]
    fn an_identifier_is_of_one_kind() {
        same::<UeIdInfo>(r#"{"ueIds": [{"edgeUeId": "x", "easId": "e"}, {"afSpecUeId": "extid-u@o"}]}"#);
        refused::<UeIdInfo>(r#"{"ueIds": []}"#);
        refused::<UeId>(r#"{"easId": "e"}"#);
        refused::<UeId>(r#"{"edgeUeId": "x", "afSpecUeId": "extid-u@o"}"#);
    }
}
