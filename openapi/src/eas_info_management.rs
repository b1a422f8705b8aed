//! Eecs_EASInfoManagement: the ECS remembers which EAS serves a group (TS 29.558 clause 9.3).

use crate::{
    common::{SupportedFeatures, non_empty},
    eas_registration::EndPoint,
    ees_registration::EdnInfo,
    ids::{AppGroupId, EasId, RequestorName},
    problem::InvalidParam,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A binding to remember (clause 9.3.6.2.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CommonEASBindReq)]
pub struct CommonEasBindReq {
    /// `requestorId`: the EES that asks.
    pub requestor_id: RequestorName,
    /// `binding`: the binding.
    pub binding: CommonEasBinding,
    /// `suppFeat`: optional features that the caller supports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supp_feat: Option<SupportedFeatures>,
}

/// A binding that is remembered (clause 9.3.6.2.3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CommonEASBindResp)]
pub struct CommonEasBindResp {
    /// `binding`: the binding.
    pub binding: CommonEasBinding,
    /// `suppFeat`: optional features that both sides support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supp_feat: Option<SupportedFeatures>,
}

/// Which EAS serves a group (clause 9.3.6.2.4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CommonEASBinding)]
pub struct CommonEasBinding {
    /// `appGroupId`: the group.
    pub app_group_id: AppGroupId,
    /// `easId`: the application.
    pub eas_id: EasId,
    /// `easEndpoints`: where the EAS is reached, at least one way.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub eas_endpoints: Vec<EndPoint>,
    /// `eesEndpoint`: where its EES is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ees_endpoint: Option<EndPoint>,
    /// `ednInfo`: the edge data network it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub edn_info: Option<EdnInfo>,
}

/// The refusal of a binding because another is in force (clause 9.3.6.4.1): ProblemDetails with the members of the binding in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProblemDetailsEIMExt)]
pub struct ProblemDetailsEimExt {
    /// `type`: a URI that names the kind of problem.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub kind: Option<String>,
    /// `title`: the kind of problem in a few words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub title: Option<String>,
    /// `status`: the HTTP status code once more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub status: Option<u16>,
    /// `detail`: what is wrong with this request and what to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub detail: Option<String>,
    /// `instance`: a URN of this one request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub instance: Option<String>,
    /// `cause`: machine-readable reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cause: Option<String>,
    /// `invalidParams`: which members are wrong.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub invalid_params: Vec<InvalidParam>,
    /// `supportedFeatures`: features of the API that the server supports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supported_features: Option<SupportedFeatures>,
    /// `appGroupId`: the group.
    pub app_group_id: AppGroupId,
    /// `easId`: the application.
    pub eas_id: EasId,
    /// `easEndpoints`: where the EAS in force is reached, at least one way.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub eas_endpoints: Vec<EndPoint>,
    /// `eesEndpoint`: where its EES is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ees_endpoint: Option<EndPoint>,
    /// `ednInfo`: the edge data network it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub edn_info: Option<EdnInfo>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    #[test]
    fn a_binding_says_who_serves_which_group() {
        let text = r#"{"requestorId": "r", "binding": {"appGroupId": "g", "easId": "e", "easEndpoints": [{"fqdn": "eas.example"}],
            "eesEndpoint": {"fqdn": "ees.example"}, "ednInfo": {"dnn": "edn-a"}}}"#;
        same::<CommonEasBindReq>(text);
        needs::<CommonEasBindReq>(text, &["requestorId", "binding"]);
        refused::<CommonEasBinding>(r#"{"appGroupId": "g", "easId": "e", "easEndpoints": []}"#);
    }
}
