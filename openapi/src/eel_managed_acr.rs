//! Eees_EELManagedACR: the enabler layer relocates an application context on its own (TS 29.558 clause 8.8).
//!
//! ```
//! use edgeapp_openapi::eel_managed_acr::EelAcrReq;
//!
//! let request: EelAcrReq = serde_json::from_str(
//!     r#"{"ueId": "extid-ue1@operator.example", "easCharacs": [{"easId": "eas.chess.example"}]}"#,
//! )?;
//! assert!(request.app_ctxt_store_addr.is_none());
//! # Ok::<(), serde_json::Error>(())
//! ```

use crate::{
    acr_status_update::ActResult,
    common::{SupportedFeatures, Uri, non_empty},
    eas_discovery::EasCharacteristics,
    ids::{EasId, Gpsi, SubscriptionId},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A wish to have a relocation managed (clause 8.8.6.2.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EELACRReq)]
pub struct EelAcrReq {
    /// `ueId`: the UE.
    pub ue_id: Gpsi,
    /// `easCharacs`: what the EAS at the other end has to be like, at least one.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub eas_characs: Vec<EasCharacteristics>,
    /// `appCtxtStoreAddr`: where the application context lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub app_ctxt_store_addr: Option<Uri>,
    /// `suppFeat`: optional features that the caller supports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supp_feat: Option<SupportedFeatures>,
}

/// The answer to the wish (clause 8.8.6.2.3).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EELACRResp)]
pub struct EelAcrResp {
    /// `appCtxtStoreAddr`: where the application context has to be put.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub app_ctxt_store_addr: Option<Uri>,
    /// `suppFeat`: optional features that both sides support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supp_feat: Option<SupportedFeatures>,
}

/// A subscription of an EAS to how transfers end (clause 8.8.6.2.4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ACTStatusSubsc)]
pub struct ActStatusSubsc {
    /// `easId`: the EAS that subscribes.
    pub eas_id: EasId,
    /// `notificationUri`: where to send notifications; `/act-status` is added.
    pub notification_uri: Uri,
    /// `suppFeat`: optional features; in a request the client's, in an answer those in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supp_feat: Option<SupportedFeatures>,
}

/// How a transfer ended (clause 8.8.6.2.5).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ACTStatusNotif)]
pub struct ActStatusNotif {
    /// `subscriptionId`: the subscription.
    pub subscription_id: SubscriptionId,
    /// `actStatus`: how it ended.
    pub act_status: ActResult,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    #[test]
    fn a_wish_says_for_whom_and_where_to() {
        let text =
            r#"{"ueId": "u", "easCharacs": [{"easId": "e"}], "appCtxtStoreAddr": "https://eas.example/context"}"#;
        same::<EelAcrReq>(text);
        needs::<EelAcrReq>(text, &["ueId", "easCharacs"]);
        refused::<EelAcrReq>(r#"{"ueId": "u", "easCharacs": []}"#);
    }

    #[test]
    fn a_subscription_and_its_notification() {
        let text = r#"{"easId": "e", "notificationUri": "https://eas.example/n"}"#;
        same::<ActStatusSubsc>(text);
        needs::<ActStatusSubsc>(text, &["easId", "notificationUri"]);
        needs::<ActStatusNotif>(
            r#"{"subscriptionId": "s", "actStatus": "FAILED"}"#,
            &["subscriptionId", "actStatus"],
        );
    }
}
