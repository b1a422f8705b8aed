//! An API invoker: an EAS that finds APIs, agrees on methods, gets tokens and calls.

use crate::{core::Core, error::CapifError, held::Held};
use axum::http::{HeaderValue, Method};
use edgeapp_core::callback::CallbackRule;
use edgeapp_http::{
    client::{Answer, CallError, HttpClient},
    tls::Trust,
};
use edgeapp_openapi::{
    capif::{
        FunctionId,
        discover_service::DiscoveredApis,
        features,
        publish_service::{SecurityMethod, ServiceApiDescription},
        security::{AccessTokenErr, AccessTokenRsp, SecurityInformation, ServiceSecurity},
    },
    common::Uri,
};
use serde::Serialize;
use std::{fmt, time::Duration};
use url::form_urlencoded;

/// An onboarded API invoker.
pub struct Invoker {
    core: Core,
    held: Held,
    client: HttpClient,
}

/// A token, ready for use. Its `Debug` shows none of it.
#[derive(Clone)]
pub struct Token {
    header: HeaderValue,
    text: String,
    /// What it allows.
    pub scope: Option<String>,
    /// How long it lives from now on, in seconds.
    pub expires_in: u32,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token of {:?}", self.scope)
    }
}

impl Token {
    /// A token that was got before.
    ///
    /// # Errors
    /// When no header can carry it.
    pub fn of(text: &str) -> Result<Self, CapifError> {
        let header = HeaderValue::try_from(format!("Bearer {text}"));
        let mut header = header.map_err(|_| CapifError::Key("this is no token".to_owned()))?;
        header.set_sensitive(true);
        Ok(Self {
            header,
            text: text.to_owned(),
            scope: None,
            expires_in: 0,
        })
    }

    /// The token itself, a secret of its bearer.
    pub fn secret(&self) -> &str {
        &self.text
    }
}

impl Invoker {
    pub(crate) fn new(core: Core, held: Held) -> Result<Self, CapifError> {
        let client = core.client(&held)?;
        Ok(Self { core, held, client })
    }

    /// Its identifier.
    pub fn id(&self) -> &str {
        &self.held.id
    }

    /// The APIs that fit this query (clause 5.2.2.2); parameters by their names in the standard, such as `api-name`.
    ///
    /// # Errors
    /// When the core function refuses or cannot be reached.
    pub async fn discover(&self, query: &[(&str, &str)]) -> Result<Vec<ServiceApiDescription>, CapifError> {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        pairs.append_pair("api-invoker-id", self.id());
        query.iter().for_each(|(name, value)| {
            pairs.append_pair(name, value);
        });
        let url = self
            .core
            .at(&format!("/service-apis/v1/allServiceAPIs?{}", pairs.finish()));
        let answer = self.client.call::<()>(Method::GET, &url, None).await;
        let found: DiscoveredApis = answer
            .and_then(|answer| answer.json())
            .map_err(CapifError::of("discovery"))?;
        Ok(found.service_api_descriptions)
    }

    /// Agrees on a method with each of these exposing functions (clause 5.6.2.2), the dearest method first. Revocations are told to
    /// `destination`.
    ///
    /// # Errors
    /// When the core function refuses or cannot be reached.
    pub async fn agree(
        &self,
        aefs: &[FunctionId],
        methods: &[SecurityMethod],
        destination: &Uri,
    ) -> Result<ServiceSecurity, CapifError> {
        let of_aef = |aef_id: &FunctionId| SecurityInformation {
            interface_details: None,
            aef_id: Some(aef_id.clone()),
            api_id: None,
            pref_security_methods: methods.to_vec(),
            sel_security_method: None,
            authentication_info: None,
            authorization_info: None,
            grant_type: Vec::new(),
        };
        let request = ServiceSecurity {
            security_info: aefs.iter().map(of_aef).collect(),
            notification_destination: destination.clone(),
            request_test_notification: false,
            websock_notif_config: None,
            supported_features: Some(features::security::SERVED),
        };
        let url = self
            .core
            .at(&format!("/capif-security/v1/trustedInvokers/{}", self.id()));
        let answer = self.client.call(Method::PUT, &url, Some(&request)).await;
        answer
            .and_then(|answer| answer.json())
            .map_err(CapifError::of("security context"))
    }

    /// A token (clause 5.6.2.3) for this scope, or for all that the security context grants.
    ///
    /// # Errors
    /// When the core function refuses or cannot be reached.
    pub async fn token(&self, scope: Option<&str>) -> Result<Token, CapifError> {
        const WHAT: &str = "token";
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        form.append_pair("client_id", self.id());
        if let Some(secret) = &self.held.secret {
            form.append_pair("client_secret", secret);
        }
        if let Some(scope) = scope {
            form.append_pair("scope", scope);
        }
        let url = self
            .core
            .at(&format!("/capif-security/v1/securities/{}/token", self.id()));
        let media = "application/x-www-form-urlencoded";
        let answer = self
            .client
            .send(Method::POST, &url, media, Some(form.finish().into()))
            .await;
        let told: AccessTokenRsp = match answer {
            Ok(answer) => answer.json().map_err(CapifError::of(WHAT))?,
            Err(error) => {
                let said = match &error {
                    CallError::Refused { body, .. } => serde_json::from_slice::<AccessTokenErr>(body).ok(),
                    _ => None,
                };
                return Err(match said {
                    Some(error) => CapifError::NoToken { error },
                    None => CapifError::of(WHAT)(error),
                });
            }
        };
        Ok(Token {
            scope: told.scope,
            expires_in: told.expires_in,
            ..Token::of(&told.access_token)?
        })
    }

    /// Leaves the core function (clause 5.5.2.3): certificate, context and tokens count for nothing any more.
    ///
    /// # Errors
    /// When the core function refuses or cannot be reached.
    pub async fn offboard(&self) -> Result<(), CapifError> {
        let url = self
            .core
            .at(&format!("/api-invoker-management/v1/onboardedInvokers/{}", self.id()));
        let gone = self.client.call::<()>(Method::DELETE, &url, None).await;
        gone.map(drop).map_err(CapifError::of("offboarding"))
    }

    /// What it calls exposing functions with (CAPIF-2): its certificate, towards servers that these roots vouch for. One connection is
    /// used for many calls.
    ///
    /// # Errors
    /// When nobody is trusted.
    pub fn caller(&self, servers: &Trust) -> Result<ApiCaller, CapifError> {
        let identity = self.held.identity()?;
        let client = HttpClient::new(&identity, servers, CallbackRule::anywhere(), Duration::from_secs(10))?;
        Ok(ApiCaller { client })
    }
}

/// An invoker on its way to service APIs.
#[derive(Clone)]
pub struct ApiCaller {
    client: HttpClient,
}

impl ApiCaller {
    /// Calls with a body, or with none. The error is the exposing function's.
    ///
    /// # Errors
    /// When it refuses or cannot be reached.
    pub async fn call<B: Serialize>(
        &self,
        method: Method,
        url: &str,
        token: Option<&Token>,
        body: Option<&B>,
    ) -> Result<Answer, CallError> {
        let header = token.map(|token| &token.header);
        self.client.call_as(method, url, header, body).await
    }

    /// Reads.
    ///
    /// # Errors
    /// As [`ApiCaller::call`].
    pub async fn get(&self, url: &str, token: &Token) -> Result<Answer, CallError> {
        self.call::<()>(Method::GET, url, Some(token), None).await
    }
}
