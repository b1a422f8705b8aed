//! Eees_CommonEASAnnouncement: an EES tells others which EAS serves a whole group (TS 29.558 clause 8.11).
//!
//! Names of an earlier level of the standard are read as well:
//!
//! ```
//! use edgeapp_openapi::common_eas_announcement::CommonEasInfo;
//!
//! let earlier = r#"{"requestorId": "ees-a.example", "easId": "e", "endPt": {"fqdn": "t.example"}, "appGrpId": "g"}"#;
//! let info: CommonEasInfo = serde_json::from_str(earlier)?;
//! assert_eq!(serde_json::to_value(&info)?["easEndPt"]["fqdn"], "t.example");
//! # Ok::<(), serde_json::Error>(())
//! ```

use crate::{
    eas_registration::EndPoint,
    ids::{AppGroupId, EasId, EesId},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The EAS that serves a group (clause 8.11.6.2.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CommonEASInfo)]
pub struct CommonEasInfo {
    /// `requestorId`: the EES that tells; its certificate says the same.
    pub requestor_id: EesId,
    /// `requestorEndPt`: where that EES is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub requestor_end_pt: Option<EndPoint>,
    /// `easId`: the application.
    pub eas_id: EasId,
    /// `easEndPt`: where the EAS is reached; `endPt` in an earlier level of the standard.
    #[serde(alias = "endPt")]
    pub eas_end_pt: EndPoint,
    /// `appGrpId`: the group of UEs that it serves in common.
    pub app_grp_id: AppGroupId,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    #[test]
    fn every_mandatory_member_is_needed() {
        let text = r#"{"requestorId": "r", "easId": "e", "easEndPt": {"fqdn": "t.example"}, "appGrpId": "g"}"#;
        same::<CommonEasInfo>(text);
        needs::<CommonEasInfo>(text, &["requestorId", "easId", "easEndPt", "appGrpId"]);
    }

    #[test]
    fn the_earlier_name_of_the_endpoint_is_read_and_not_beside_the_later_one() {
        let of = |members: &str| format!(r#"{{"requestorId": "r", "easId": "e", "appGrpId": "g", {members}}}"#);
        let earlier: CommonEasInfo = serde_json::from_str(&of(r#""endPt": {"fqdn": "t.example"}"#)).expect("read");
        same::<CommonEasInfo>(&serde_json::to_string(&earlier).expect("JSON"));
        refused::<CommonEasInfo>(&of(
            r#""endPt": {"fqdn": "t.example"}, "easEndPt": {"fqdn": "t.example"}"#,
        ));
    }
}
