//! CAPIF_Security_API: invoker and core function agree on methods, tokens are issued, authorization is revoked (TS 29.222 clause 8.5).

use super::{
    ApiInvokerId, FunctionId, ServiceApiId,
    publish_service::{InterfaceDescription, SecurityMethod},
};
use crate::{
    common::{SupportedFeatures, Uri, WebsockNotifConfig, non_empty},
    ids::Gpsi,
};
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// The security context of an invoker: which method goes with which interface (clause 8.5.4.2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceSecurity {
    /// `securityInfo`: the interfaces, at least one.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub security_info: Vec<SecurityInformation>,
    /// `notificationDestination`: where the invoker hears of revocations.
    pub notification_destination: Uri,
    /// `requestTestNotification`: it asks for a test notification.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub request_test_notification: bool,
    /// `websockNotifConfig`: notifications over a WebSocket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub websock_notif_config: Option<WebsockNotifConfig>,
    /// `supportedFeatures`: in a request the invoker's, in an answer those in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supported_features: Option<SupportedFeatures>,
}

/// The method for one interface or exposing function (clause 8.5.4.2.3): exactly one of `interfaceDetails` and `aefId`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase")]
pub struct SecurityInformation {
    /// `interfaceDetails`: the interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub interface_details: Option<InterfaceDescription>,
    /// `aefId`: the exposing function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub aef_id: Option<FunctionId>,
    /// `apiId`: the API; all that are there when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub api_id: Option<ServiceApiId>,
    /// `prefSecurityMethods`: what the invoker would like, the dearest first; at least one.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub pref_security_methods: Vec<SecurityMethod>,
    /// `selSecurityMethod`: what the core function chose; absent when there is none in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sel_security_method: Option<SecurityMethod>,
    /// `authenticationInfo`: what the exposing function needs to know the invoker by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub authentication_info: Option<String>,
    /// `authorizationInfo`: what the invoker may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub authorization_info: Option<String>,
    /// `grantType`: the ways to a token, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub grant_type: Vec<OAuthGrantType>,
}

checked!(SecurityInformation, |information| {
    match (&information.interface_details, &information.aef_id) {
        (Some(_), None) | (None, Some(_)) => Ok(()),
        _ => Err("must have exactly one of these members: interfaceDetails aefId"),
    }
});

/// An authorization that ends (clause 8.5.4.2.5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecurityNotification {
    /// `apiInvokerId`: whose.
    pub api_invoker_id: ApiInvokerId,
    /// `aefId`: at which exposing function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub aef_id: Option<FunctionId>,
    /// `apiIds`: for which APIs, at least one.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub api_ids: Vec<ServiceApiId>,
    /// `cause`: why.
    pub cause: Cause,
}

open_enum!(
    /// Why an authorization ends (clause 8.5.4.3.3).
    Cause as "Cause" {
        /// The invoker used more than it may.
        OverlimitUsage = "OVERLIMIT_USAGE",
        /// Anything else.
        UnexpectedReason = "UNEXPECTED_REASON",
    }
);

open_enum!(
    /// A way to a token.
    OAuthGrantType as "OAuthGrantType" {
        /// The credentials of the client.
        ClientCredentials = "CLIENT_CREDENTIALS",
        /// A code that the resource owner agreed to.
        AuthorizationCode = "AUTHORIZATION_CODE",
        /// The same with proof of who asked for the code.
        AuthorizationCodeWithPkce = "AUTHORIZATION_CODE_WITH_PKCE",
    }
);

/// A request for a token, as a form (clause 8.5.4.2.6). Its `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessTokenReq {
    /// `grant_type`: the way to the token.
    pub grant_type: GrantType,
    /// `client_id`: the identifier of the invoker.
    pub client_id: String,
    /// `resOwnerId`: the resource owner.
    #[serde(rename = "resOwnerId", default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub res_owner_id: Option<ResOwnerId>,
    /// `client_secret`: the onboarding secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub client_secret: Option<String>,
    /// `scope`: what the token is to allow; all that the security context does when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub scope: Option<String>,
    /// `authCode`: the code that the resource owner agreed to.
    #[serde(rename = "authCode", default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub auth_code: Option<String>,
    /// `redirect_uri`: where the code was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub redirect_uri: Option<String>,
}

impl fmt::Debug for AccessTokenReq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessTokenReq of {}", self.client_id)
    }
}

/// The ways to a token as a form writes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// `client_credentials`.
    ClientCredentials,
    /// `authorization_code`.
    AuthorizationCode,
}

/// The owner of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResOwnerId {
    /// `gpsi`: the user.
    pub gpsi: Gpsi,
}

/// A token (clause 8.5.4.2.7). Its `Debug` shows none.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessTokenRsp {
    /// `access_token`: the token, a JWS in compact form.
    pub access_token: String,
    /// `token_type`: always `Bearer`.
    pub token_type: TokenType,
    /// `expires_in`: how long it lives, in seconds.
    pub expires_in: u32,
    /// `scope`: what it allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub scope: Option<String>,
}

impl fmt::Debug for AccessTokenRsp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a token for {} s", self.expires_in)
    }
}

/// How a token is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum TokenType {
    /// By who bears it.
    Bearer,
}

/// Why there is no token (clause 8.5.4.2.9, RFC 6749 clause 5.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessTokenErr {
    /// `error`: why, for a program.
    pub error: TokenError,
    /// `error_description`: why, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error_description: Option<String>,
    /// `error_uri`: a page about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error_uri: Option<String>,
}

/// Why there is no token, for a program (RFC 6749 clause 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenError {
    /// Something is missing, unreadable or there twice.
    InvalidRequest,
    /// The client is not who it says.
    InvalidClient,
    /// What it presents for a token is not good.
    InvalidGrant,
    /// It may not ask in this way.
    UnauthorizedClient,
    /// Nobody may ask in this way.
    UnsupportedGrantType,
    /// The scope is malformed or more than it may have.
    InvalidScope,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, only, refused, same};

    #[test]
    fn a_security_context() {
        let text = r#"{"securityInfo": [{"aefId": "AEF1", "apiId": "a", "prefSecurityMethods": ["OAUTH", "PKI"],
            "selSecurityMethod": "OAUTH", "authenticationInfo": "i", "authorizationInfo": "i",
            "grantType": ["CLIENT_CREDENTIALS"]}], "notificationDestination": "https://eas.example/n",
            "requestTestNotification": true, "websockNotifConfig": {}, "supportedFeatures": "4"}"#;
        same::<ServiceSecurity>(text);
        needs::<ServiceSecurity>(text, &["securityInfo", "notificationDestination"]);
        only::<SecurityInformation>(
            r#"{"aefId": "AEF1", "prefSecurityMethods": ["PKI"]}"#,
            &["aefId"],
            &["prefSecurityMethods"],
        );
        refused::<SecurityInformation>(r#"{"prefSecurityMethods": ["PKI"]}"#);
        refused::<SecurityInformation>(
            r#"{"aefId": "A", "interfaceDetails": {"fqdn": "a.example"}, "prefSecurityMethods": ["PKI"]}"#,
        );
    }

    #[test]
    fn a_revocation() {
        let text = r#"{"apiInvokerId": "INV1", "aefId": "AEF1", "apiIds": ["a"], "cause": "OVERLIMIT_USAGE"}"#;
        same::<SecurityNotification>(text);
        needs::<SecurityNotification>(text, &["apiInvokerId", "apiIds", "cause"]);
        refused::<SecurityNotification>(r#"{"apiInvokerId": "INV1", "apiIds": [], "cause": "NEW"}"#);
    }

    #[test]
    fn tokens_and_refusals() {
        let text = r#"{"access_token": "t", "token_type": "Bearer", "expires_in": 600, "scope": "3gpp#a:b"}"#;
        let token: AccessTokenRsp = same(text);
        assert!(!format!("{token:?}").contains('"'));
        needs::<AccessTokenRsp>(text, &["access_token", "token_type", "expires_in"]);
        same::<AccessTokenErr>(r#"{"error": "unsupported_grant_type", "error_description": "d", "error_uri": "u"}"#);
        same::<AccessTokenReq>(r#"{"grant_type": "client_credentials", "client_id": "INV1", "authCode": "c"}"#);
    }
}
