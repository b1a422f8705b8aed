//! CAPIF_API_Provider_Management_API: a provider registers its functions (TS 29.222 clause 8.9).

use super::{DomainId, FunctionId};
use crate::common::{SupportedFeatures, non_empty};
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// A provider domain with its functions (clause 8.9.4.2.2). Its `Debug` shows no secret.
#[derive(Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = APIProviderEnrolmentDetails)]
pub struct ApiProviderEnrolmentDetails {
    /// `apiProvDomId`: the domain's identifier, given by the core function; absent in the request that registers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, read_only)]
    pub api_prov_dom_id: Option<DomainId>,
    /// `regSec`: what lets the provider register.
    pub reg_sec: String,
    /// `apiProvFuncs`: in a request the functions to register, in an answer those that are; at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub api_prov_funcs: Vec<ApiProviderFunctionDetails>,
    /// `apiProvDomInfo`: about the domain, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub api_prov_dom_info: Option<String>,
    /// `suppFeat`: in a request the provider's features, in an answer those in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supp_feat: Option<SupportedFeatures>,
    /// `failReason`: why functions that were asked for are not registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub fail_reason: Option<String>,
    /// `apiProvName`: the name of the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub api_prov_name: Option<String>,
}

impl fmt::Debug for ApiProviderEnrolmentDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiProviderEnrolmentDetails")
            .field("api_prov_dom_id", &self.api_prov_dom_id)
            .field("api_prov_funcs", &self.api_prov_funcs)
            .finish_non_exhaustive()
    }
}

/// A function of a provider domain (clause 8.9.4.2.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = APIProviderFunctionDetails)]
pub struct ApiProviderFunctionDetails {
    /// `apiProvFuncId`: its identifier, given by the core function; absent for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub api_prov_func_id: Option<FunctionId>,
    /// `regInfo`: its key and certificate.
    pub reg_info: RegistrationInformation,
    /// `apiProvFuncRole`: what it does.
    pub api_prov_func_role: ApiProviderFuncRole,
    /// `apiProvFuncInfo`: about the function, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub api_prov_func_info: Option<String>,
}

/// Key and certificate of a function (clause 8.9.4.2.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegistrationInformation {
    /// `apiProvPubKey`: its public key: a certification request (PKCS#10) in PEM.
    pub api_prov_pub_key: String,
    /// `apiProvCert`: its certificate in PEM, given by the core function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub api_prov_cert: Option<String>,
}

/// What a merge patch may change in a registration (clause 8.9.4.2.5). A sender's type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = APIProviderEnrolmentDetailsPatch)]
pub struct ApiProviderEnrolmentDetailsPatch {
    /// `apiProvFuncs`: the functions as they now are, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub api_prov_funcs: Vec<ApiProviderFunctionDetails>,
    /// `apiProvDomInfo`: about the domain, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub api_prov_dom_info: Option<String>,
}

open_enum!(
    /// What a function of a provider domain does (clause 8.9.4.3.3).
    ApiProviderFuncRole as "ApiProviderFuncRole" {
        /// API exposing function: serves APIs.
        Aef = "AEF",
        /// API publishing function: describes them.
        Apf = "APF",
        /// API management function: registers the domain, audits.
        Amf = "AMF",
    }
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    #[test]
    fn a_domain_and_its_functions() {
        let text = r#"{"apiProvDomId": "d", "regSec": "s3cret", "apiProvFuncs": [{"apiProvFuncId": "AEF1",
            "regInfo": {"apiProvPubKey": "k", "apiProvCert": "c"}, "apiProvFuncRole": "AEF", "apiProvFuncInfo": "i"}],
            "apiProvDomInfo": "i", "suppFeat": "1", "failReason": "r", "apiProvName": "n"}"#;
        let details: ApiProviderEnrolmentDetails = same(text);
        assert!(!format!("{details:?}").contains("s3cret"));
        needs::<ApiProviderEnrolmentDetails>(text, &["regSec"]);
        refused::<ApiProviderEnrolmentDetails>(r#"{"regSec": "s", "apiProvFuncs": []}"#);
    }
}
