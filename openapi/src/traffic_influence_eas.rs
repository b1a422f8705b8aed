//! Eees_TrafficInfluenceEAS: an EAS has the traffic of UEs steered to it (TS 29.558 clause 8.12).
//!
//! ```
//! use edgeapp_openapi::traffic_influence_eas::AppTrafficInfluence;
//!
//! let request: AppTrafficInfluence = serde_json::from_str(r#"{"tgtUes": [{"gpsi": "extid-ue1@operator.example"}]}"#)?;
//! assert_eq!(request.tgt_ues.len(), 1);
//! assert!(serde_json::from_str::<AppTrafficInfluence>("{}").is_err());
//! # Ok::<(), serde_json::Error>(())
//! ```

use crate::{acr_management_event::TargetUeIdentification, common::non_empty};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whose traffic goes to an EAS (clause 8.12.5.2.2). Exactly one of `tgtUes` and `anyUe` is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase")]
pub struct AppTrafficInfluence {
    /// `requestorId`: who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub requestor_id: Option<String>,
    /// `tgtUes`: the UEs.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub tgt_ues: Vec<TargetUeIdentification>,
    /// `anyUe`: whether it is the traffic of every UE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub any_ue: Option<bool>,
}

checked!(
    AppTrafficInfluence,
    |influence| match (influence.tgt_ues.is_empty(), influence.any_ue) {
        (false, None) | (true, Some(_)) => Ok(()),
        _ => Err("must have exactly one of these members: tgtUes anyUe"),
    }
);

/// What may change (clause 8.12.5.2.3). At most one of `tgtUes` and `anyUe` is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase")]
pub struct AppTrafficInfluencePatch {
    /// `tgtUes`: the UEs.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub tgt_ues: Vec<TargetUeIdentification>,
    /// `anyUe`: whether it is the traffic of every UE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub any_ue: Option<bool>,
}

checked!(
    AppTrafficInfluencePatch,
    |patch| match (patch.tgt_ues.is_empty(), patch.any_ue) {
        (false, Some(_)) => Err("must have at most one of these members: tgtUes anyUe"),
        _ => Ok(()),
    }
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{refused, same};

    #[test]
    fn it_is_about_some_ues_or_about_all() {
        same::<AppTrafficInfluence>(r#"{"requestorId": "r", "tgtUes": [{"gpsi": "u"}]}"#);
        same::<AppTrafficInfluence>(r#"{"anyUe": true}"#);
        refused::<AppTrafficInfluence>(r#"{"tgtUes": [{"gpsi": "u"}], "anyUe": true}"#);
        refused::<AppTrafficInfluence>(r#"{"tgtUes": []}"#);
        same::<AppTrafficInfluencePatch>("{}");
        refused::<AppTrafficInfluencePatch>(r#"{"tgtUes": [{"gpsi": "u"}], "anyUe": false}"#);
    }
}
