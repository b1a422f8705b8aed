//! CAPIF_API_Invoker_Management_API: an invoker is onboarded, and leaves (TS 29.222 clause 8.4).

use super::{ApiInvokerId, publish_service::ServiceApiDescription};
use crate::common::{DateTime, SupportedFeatures, Uri, WebsockNotifConfig, non_empty};
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// The enrolment of an invoker (clause 8.4.4.2.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = APIInvokerEnrolmentDetails)]
pub struct ApiInvokerEnrolmentDetails {
    /// `apiInvokerId`: the invoker's identifier, given by the core function; absent in the request that onboards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, read_only)]
    pub api_invoker_id: Option<ApiInvokerId>,
    /// `onboardingInformation`: its key, and what the core function made of it.
    pub onboarding_information: OnboardingInformation,
    /// `notificationDestination`: where the core function tells it of things.
    pub notification_destination: Uri,
    /// `requestTestNotification`: it asks for a test notification.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub request_test_notification: bool,
    /// `websockNotifConfig`: notifications over a WebSocket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub websock_notif_config: Option<WebsockNotifConfig>,
    /// `apiList`: in a request the APIs it wants, in an answer those it may call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub api_list: Option<ApiList>,
    /// `apiInvokerInformation`: about the invoker, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub api_invoker_information: Option<String>,
    /// `expTime`: when the enrolment ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub exp_time: Option<DateTime>,
    /// `supportedFeatures`: in a request the invoker's, in an answer those in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supported_features: Option<SupportedFeatures>,
}

/// What a merge patch may change in an enrolment (clause 8.4.4.2.8). A sender's type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = APIInvokerEnrolmentDetailsPatch)]
pub struct ApiInvokerEnrolmentDetailsPatch {
    /// `onboardingInformation`: its key, which has to be the known one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub onboarding_information: Option<OnboardingInformation>,
    /// `notificationDestination`: where the core function tells it of things.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub notification_destination: Option<Uri>,
    /// `apiList`: the APIs it wants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub api_list: Option<ApiList>,
    /// `apiInvokerInformation`: about the invoker, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub api_invoker_information: Option<String>,
    /// `expTime`: when the enrolment is to end; null leaves the choice to the core function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = true)]
    pub exp_time: Option<DateTime>,
}

/// The key of an invoker, and what the core function made of it (clause 8.4.4.2.5). Its `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OnboardingInformation {
    /// `apiInvokerPublicKey`: its public key: a certification request (PKCS#10) in PEM.
    pub api_invoker_public_key: String,
    /// `apiInvokerCertificate`: its certificate in PEM, with the invoker's identifier as common name; given by the core function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub api_invoker_certificate: Option<String>,
    /// `onboardingSecret`: its secret, given by the core function once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub onboarding_secret: Option<String>,
}

impl fmt::Debug for OnboardingInformation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnboardingInformation").finish_non_exhaustive()
    }
}

/// A list of APIs (clause 8.4.4.2.4).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = APIList)]
pub struct ApiList {
    /// `serviceAPIDescriptions`: the APIs, at least one when present.
    #[serde(
        rename = "serviceAPIDescriptions",
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schema(min_items = 1)]
    pub service_api_descriptions: Vec<ServiceApiDescription>,
}

/// How an onboarding or an update that took longer ended (clause 8.4.4.2.7).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OnboardingNotification {
    /// `result`: whether it succeeded.
    pub result: bool,
    /// `resourceLocation`: the enrolment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub resource_location: Option<Uri>,
    /// `apiInvokerEnrolmentDetails`: the enrolment itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub api_invoker_enrolment_details: Option<ApiInvokerEnrolmentDetails>,
    /// `apiList`: the APIs that it may call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub api_list: Option<ApiList>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    #[test]
    fn an_enrolment() {
        let text = r#"{"apiInvokerId": "INV1", "onboardingInformation": {"apiInvokerPublicKey": "k",
            "apiInvokerCertificate": "c", "onboardingSecret": "s3cret"}, "notificationDestination": "https://eas.example/n",
            "requestTestNotification": true, "websockNotifConfig": {}, "apiList": {}, "apiInvokerInformation": "i",
            "expTime": "2030-01-01T00:00:00Z", "supportedFeatures": "4"}"#;
        let details: ApiInvokerEnrolmentDetails = same(text);
        needs::<ApiInvokerEnrolmentDetails>(text, &["onboardingInformation", "notificationDestination"]);
        assert!(!format!("{details:?}").contains("s3cret"));
        refused::<ApiList>(r#"{"serviceAPIDescriptions": []}"#);
        needs::<OnboardingNotification>(r#"{"result": true}"#, &["result"]);
    }
}
