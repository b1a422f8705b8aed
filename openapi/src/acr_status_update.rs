//! Eees_ACRStatusUpdate: an EAS tells its EES how a relocation went (TS 29.558 clause 8.9).
//!
//! ```
//! use edgeapp_openapi::acr_status_update::{ActResult, AcrUpdateData};
//!
//! let update: AcrUpdateData = serde_json::from_str(
//!     r#"{"easId": "eas.chess.example", "actResultInfo": {"actResult": "SUCCESSFUL", "ueId": "msisdn-491700000001",
//!         "easEndPoint": {"fqdn": "chess.edge-b.example"}}}"#,
//! )?;
//! assert_eq!(update.act_result_info.unwrap().act_result, ActResult::Successful);
//! # Ok::<(), serde_json::Error>(())
//! ```

use crate::{
    common::{Uri, non_empty},
    eas_registration::EndPoint,
    ids::{AcId, EasId, Gpsi, SubscriptionId},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a relocation went, or where notifications go after it (clause 8.9.5.2): at least one of `actResultInfo`,
/// `e3SubscIds` and `e3NotificationUri` is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase")]
#[schema(as = ACRUpdateData)]
pub struct AcrUpdateData {
    /// `easId`: the EAS that tells it.
    pub eas_id: EasId,
    /// `acId`: the application client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ac_id: Option<AcId>,
    /// `actResultInfo`: how the transfer of the application context went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub act_result_info: Option<ActResultInfo>,
    /// `e3SubscIds`: the subscriptions over EDGE-3 to take over.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub e3_subsc_ids: Vec<SubscriptionId>,
    /// `e3NotificationUri`: where their notifications go from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub e3_notification_uri: Option<Uri>,
}

checked!(AcrUpdateData, |update| {
    if update.act_result_info.is_none() && update.e3_subsc_ids.is_empty() && update.e3_notification_uri.is_none() {
        return Err("must have at least one of these members: actResultInfo e3SubscIds e3NotificationUri");
    }
    Ok(())
});

/// What became of the subscriptions (clause 8.9.5.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ACRDataStatus)]
pub struct AcrDataStatus {
    /// `e3SubscsStatus`: whether they were taken over.
    pub e3_subscs_status: E3SubscsStatus,
    /// `e3SubscIds`: the subscriptions as they are called now.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub e3_subsc_ids: Vec<SubscriptionId>,
}

/// How the transfer of an application context went (clause 8.9.5.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ACTResultInfo)]
pub struct ActResultInfo {
    /// `actResult`: good or bad.
    pub act_result: ActResult,
    /// `actFailureCause`: why bad.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub act_failure_cause: Option<ActFailureCause>,
    /// `ueId`: the UE.
    pub ue_id: Gpsi,
    /// `easEndPoint`: the EAS at the other side.
    pub eas_end_point: EndPoint,
}

open_enum!(
    /// How the transfer of an application context went (clause 8.9.5.3).
    ActResult as "ACTResult" {
        /// Good.
        Successful = "SUCCESSFUL",
        /// Bad.
        Failed = "FAILED",
    }
);

open_enum!(
    /// Whether subscriptions over EDGE-3 were taken over (clause 8.9.5.3).
    E3SubscsStatus as "E3SubscsStatus" {
        /// They were.
        Successful = "SUCCESSFUL",
        /// They were not.
        Failed = "FAILED",
    }
);

open_enum!(
    /// Why the transfer of an application context went wrong (clause 8.9.5.3).
    ActFailureCause as "ACTFailureCause" {
        /// The relocation was called off.
        AcrCancellation = "ACR_CANCELLATION",
        /// Anything else the standard has no value for.
        Unspecified = "OTHER",
    }
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    const RESULT: &str = r#"{"actResult": "FAILED", "actFailureCause": "OTHER", "ueId": "u",
        "easEndPoint": {"uri": "https://eas.example"}}"#;

    #[test]
    fn update_says_something() {
        let text = format!(
            r#"{{"easId": "e", "acId": "a", "actResultInfo": {RESULT}, "e3SubscIds": ["s1"], "e3NotificationUri": "https://eas.example/n"}}"#
        );
        same::<AcrUpdateData>(&text);
        needs::<AcrUpdateData>(&text, &["easId"]);
        for part in [
            format!(r#""actResultInfo": {RESULT}"#),
            r#""e3SubscIds": ["s1"]"#.into(),
            r#""e3NotificationUri": "a:b""#.into(),
        ] {
            same::<AcrUpdateData>(&format!(r#"{{"easId": "e", {part}}}"#));
        }
        refused::<AcrUpdateData>(r#"{"easId": "e", "acId": "a"}"#);
        refused::<AcrUpdateData>(r#"{"easId": "e", "e3NotificationUri": "a:b", "e3SubscIds": []}"#);
    }

    #[test]
    fn parts_need_their_members() {
        let result: ActResultInfo = same(RESULT);
        assert_eq!(result.act_failure_cause, Some(ActFailureCause::Unspecified));
        needs::<ActResultInfo>(RESULT, &["actResult", "ueId", "easEndPoint"]);
        needs::<AcrDataStatus>(
            r#"{"e3SubscsStatus": "NOT_YET_NAMED", "e3SubscIds": ["s2"]}"#,
            &["e3SubscsStatus"],
        );
        refused::<AcrDataStatus>(r#"{"e3SubscsStatus": "FAILED", "e3SubscIds": []}"#);
    }

    #[test]
    fn a_bad_member_is_pointed_at() {
        let text =
            r#"{"easId": "e", "actResultInfo": {"actResult": "FAILED", "ueId": "u", "easEndPoint": {"uri": "eas"}}}"#;
        let error = serde_path_to_error::deserialize::<_, AcrUpdateData>(&mut serde_json::Deserializer::from_str(text));
        assert_eq!(error.unwrap_err().path().to_string(), "actResultInfo.easEndPoint.uri");
    }
}
