//! Eees_CommonEASAnnouncement: an EES tells others which EAS serves a whole group (TS 29.558 clause 8.11).

use crate::{
    eas_registration::EndPoint,
    ids::{AppGroupId, EasId, RequestorName},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The EAS that serves a group (clause 8.11.6.2.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CommonEASInfo)]
pub struct CommonEasInfo {
    /// `requestorId`: the EES that tells.
    pub requestor_id: RequestorName,
    /// `requestorEndPt`: where that EES is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub requestor_end_pt: Option<EndPoint>,
    /// `easId`: the application.
    pub eas_id: EasId,
    /// `easEndPt`: where the EAS is reached.
    pub eas_end_pt: EndPoint,
    /// `appGrpId`: the group.
    pub app_grp_id: AppGroupId,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, same};

    #[test]
    fn every_mandatory_member_is_needed() {
        let text = r#"{"requestorId": "r", "easId": "e", "easEndPt": {"fqdn": "t.example"}, "appGrpId": "g"}"#;
        same::<CommonEasInfo>(text);
        needs::<CommonEasInfo>(text, &["requestorId", "easId", "easEndPt", "appGrpId"]);
    }
}
