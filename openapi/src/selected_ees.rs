//! Ecas_SelectedEES: an EES tells a cloud application server which EES was selected (TS 29.558 clause 8A.1).

use crate::{
    common::SupportedFeatures,
    eas_registration::EndPoint,
    ids::{AcId, EasId, EesId, Gpsi},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The EES that was selected (clause 8A.1.6.2.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SelEESDecInfo)]
pub struct SelEesDecInfo {
    /// `ueId`: the UE.
    pub ue_id: Gpsi,
    /// `seleEesId`: the EES.
    pub sele_ees_id: EesId,
    /// `seleEndpoint`: where it is reached.
    pub sele_endpoint: EndPoint,
    /// `easId`: the application.
    pub eas_id: EasId,
    /// `acId`: the application client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ac_id: Option<AcId>,
    /// `suppFeat`: optional features that the caller supports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supp_feat: Option<SupportedFeatures>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, same};

    #[test]
    fn every_mandatory_member_is_needed() {
        let text = r#"{"ueId": "u", "seleEesId": "s", "seleEndpoint": {"fqdn": "t.example"}, "easId": "e"}"#;
        same::<SelEesDecInfo>(text);
        needs::<SelEesDecInfo>(text, &["ueId", "seleEesId", "seleEndpoint", "easId"]);
    }
}
