//! AEF_Security_API: what an exposing function is asked about invokers (TS 29.222 clause 9.1).

use super::{ApiInvokerId, security::SecurityNotification};
use crate::common::SupportedFeatures;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An invoker wants to be known (clause 9.1.4.2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckAuthenticationReq {
    /// `apiInvokerId`: the invoker.
    pub api_invoker_id: ApiInvokerId,
    /// `supportedFeatures`: its features of this API.
    pub supported_features: SupportedFeatures,
}

/// The invoker is known (clause 9.1.4.2.3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckAuthenticationRsp {
    /// `supportedFeatures`: the features in common.
    pub supported_features: SupportedFeatures,
}

/// The core function takes an authorization back (clause 9.1.4.2.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevokeAuthorizationReq {
    /// `revokeInfo`: whose, and for which APIs.
    pub revoke_info: SecurityNotification,
    /// `supportedFeatures`: its features of this API.
    pub supported_features: SupportedFeatures,
}

/// The authorization is taken back (clause 9.1.4.2.5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevokeAuthorizationRsp {
    /// `supportedFeatures`: the features in common.
    pub supported_features: SupportedFeatures,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::needs;

    #[test]
    fn features_are_mandatory() {
        needs::<CheckAuthenticationReq>(
            r#"{"apiInvokerId": "I", "supportedFeatures": "0"}"#,
            &["apiInvokerId", "supportedFeatures"],
        );
        needs::<RevokeAuthorizationReq>(
            r#"{"revokeInfo": {"apiInvokerId": "I", "apiIds": ["a"], "cause": "X"}, "supportedFeatures": "0"}"#,
            &["revokeInfo", "supportedFeatures"],
        );
    }
}
