//! A core function, and what is asked of it without a certificate.

use crate::{
    error::CapifError,
    held::{FreshKey, Held},
    invoker::Invoker,
    provider::{Domain, Function},
};
use axum::http::{HeaderValue, Method};
use bytes::Bytes;
use edgeapp_core::callback::CallbackRule;
use edgeapp_http::{
    client::HttpClient,
    tls::{ClientTls, Trust},
};
use edgeapp_openapi::{
    capif::{
        features,
        invoker_management::{ApiInvokerEnrolmentDetails, OnboardingInformation},
        provider_management::{
            ApiProviderEnrolmentDetails, ApiProviderFuncRole, ApiProviderFunctionDetails, RegistrationInformation,
        },
    },
    common::Uri,
};
use std::time::Duration;

/// How long a core function may take to answer, when nothing else is said.
const PATIENCE: Duration = Duration::from_secs(10);

/// A core function: where it is, and the roots that its certificate has to lead to. Cheap to clone.
#[derive(Clone)]
pub struct Core {
    root: String,
    roots: Trust,
    patience: Duration,
    nobody: HttpClient,
}

/// What an API invoker says when it asks to be onboarded.
#[derive(Clone, Debug)]
pub struct Onboarding {
    /// Where it is told of what happens to it.
    pub notification_destination: Uri,
    /// About the invoker, in words.
    pub information: Option<String>,
}

impl Onboarding {
    /// An invoker that is told there of what happens to it.
    pub fn told_at(notification_destination: Uri) -> Self {
        Self {
            notification_destination,
            information: None,
        }
    }
}

impl Core {
    /// The core function under this `apiRoot`.
    ///
    /// # Errors
    /// When the address is none, or nobody is trusted.
    pub fn new(api_root: &str, roots: Trust) -> Result<Self, CapifError> {
        Self::patient(api_root, roots, PATIENCE)
    }

    /// As [`Core::new`], with how long it may take to answer.
    ///
    /// # Errors
    /// As [`Core::new`].
    pub fn patient(api_root: &str, roots: Trust, patience: Duration) -> Result<Self, CapifError> {
        let root = api_root.trim_end_matches('/');
        let good = url::Url::parse(root).is_ok_and(|url| url.scheme() == "https" && url.has_host());
        if !good {
            return Err(CapifError::Address(api_root.to_owned()));
        }
        // Where the core function is, is the choice of who runs this.
        let tls = ClientTls::without_certificate(&roots)?;
        let nobody = HttpClient::over(tls, CallbackRule::anywhere(), patience)?;
        Ok(Self {
            root: root.to_owned(),
            roots,
            patience,
            nobody,
        })
    }

    /// Its `apiRoot`.
    pub fn root(&self) -> &str {
        &self.root
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }

    /// A client that proves what `held` says.
    pub(crate) fn client(&self, held: &Held) -> Result<HttpClient, CapifError> {
        let identity = held.identity()?;
        Ok(HttpClient::new(
            &identity,
            &self.roots,
            CallbackRule::anywhere(),
            self.patience,
        )?)
    }

    /// Onboards an API invoker (clause 5.5.2.2) by a credential, with a key that is made here.
    ///
    /// # Errors
    /// When the core function refuses or cannot be reached; or decides later (202), which is not waited for.
    pub async fn onboard(&self, credential: &str, wanted: &Onboarding) -> Result<Held, CapifError> {
        const WHAT: &str = "onboarding";
        let key = FreshKey::new()?;
        let request = ApiInvokerEnrolmentDetails {
            api_invoker_id: None,
            onboarding_information: OnboardingInformation {
                api_invoker_public_key: key.request().to_owned(),
                api_invoker_certificate: None,
                onboarding_secret: None,
            },
            notification_destination: wanted.notification_destination.clone(),
            request_test_notification: false,
            websock_notif_config: None,
            api_list: None,
            api_invoker_information: wanted.information.clone(),
            exp_time: None,
            supported_features: Some(features::invoker_management::SERVED),
        };
        let mut credential = HeaderValue::try_from(format!("Bearer {credential}"))
            .map_err(|_| CapifError::Key("the credential has characters that no header can carry".to_owned()))?;
        credential.set_sensitive(true);
        let url = self.at("/api-invoker-management/v1/onboardedInvokers");
        let answer = self
            .nobody
            .call_as(Method::POST, &url, Some(&credential), Some(&request))
            .await
            .map_err(CapifError::of(WHAT))?;
        let made: ApiInvokerEnrolmentDetails = answer.json().map_err(CapifError::of(WHAT))?;
        let incomplete = |member| CapifError::Incomplete { what: WHAT, member };
        let id = made.api_invoker_id.ok_or_else(|| incomplete("apiInvokerId"))?;
        let information = made.onboarding_information;
        let certificate = information.api_invoker_certificate;
        let certificate = certificate.ok_or_else(|| incomplete("apiInvokerCertificate"))?;
        Ok(Held {
            secret: information.onboarding_secret,
            ..key.certified(id.to_string(), certificate)
        })
    }

    /// Registers a provider domain with one AMF, one APF and one AEF (clause 5.11.2.2) by a credential, with keys that are made here.
    ///
    /// # Errors
    /// When the core function refuses, cannot be reached, or does not register all three.
    pub async fn register(&self, credential: &str, provider: Option<&str>, about: &str) -> Result<Domain, CapifError> {
        const WHAT: &str = "registration";
        let roles = [
            ApiProviderFuncRole::Amf,
            ApiProviderFuncRole::Apf,
            ApiProviderFuncRole::Aef,
        ];
        let mut keys = Vec::new();
        for role in roles {
            keys.push((role, FreshKey::new()?));
        }
        let functions = keys.iter().map(|(role, key)| asked(role, key, None));
        let request = ApiProviderEnrolmentDetails {
            api_prov_dom_id: None,
            reg_sec: credential.to_owned(),
            api_prov_funcs: functions.collect(),
            api_prov_dom_info: Some(about.to_owned()),
            supp_feat: Some(features::provider_management::SERVED),
            fail_reason: None,
            api_prov_name: provider.map(str::to_owned),
        };
        let url = self.at("/api-provider-management/v1/registrations");
        let answer = self
            .nobody
            .call(Method::POST, &url, Some(&request))
            .await
            .map_err(CapifError::of(WHAT))?;
        let made: ApiProviderEnrolmentDetails = answer.json().map_err(CapifError::of(WHAT))?;
        let location = answer.location.ok_or(CapifError::Incomplete {
            what: WHAT,
            member: "Location",
        })?;
        let location = match location.starts_with('/') {
            true => self.at(&location),
            false => location,
        };
        let mut all = certified(keys, &made)?;
        let mut take = |role: ApiProviderFuncRole| {
            let found = all.iter().position(|(of, _)| *of == role);
            let found = found.map(|place| all.swap_remove(place).1);
            found.ok_or_else(|| CapifError::NotRegistered {
                missing: role.to_string(),
                reason: made.fail_reason.clone().unwrap_or_else(|| "no reason given".to_owned()),
            })
        };
        Ok(Domain {
            root: self.root.clone(),
            registration: location,
            amf: take(ApiProviderFuncRole::Amf)?,
            apf: take(ApiProviderFuncRole::Apf)?,
            aef: take(ApiProviderFuncRole::Aef)?,
        })
    }

    /// The keys that tokens of our own core function are verified with: a JWK set, as it came. Where a foreign one has them is not laid
    /// down.
    ///
    /// # Errors
    /// When they cannot be had.
    pub async fn keys(&self) -> Result<Bytes, CapifError> {
        let url = self.at("/.well-known/jwks.json");
        let answer = self.nobody.call::<()>(Method::GET, &url, None).await;
        Ok(answer.map_err(CapifError::of("keys of tokens"))?.body)
    }

    /// The API invoker that holds this.
    ///
    /// # Errors
    /// When what it holds cannot be used.
    pub fn invoker(&self, held: Held) -> Result<Invoker, CapifError> {
        Invoker::new(self.clone(), held)
    }

    /// The function of a provider that holds this.
    ///
    /// # Errors
    /// When what it holds cannot be used.
    pub fn function(&self, held: &Held) -> Result<Function, CapifError> {
        Function::new(self, held)
    }
}

/// A function as a request names it.
pub(crate) fn asked(role: &ApiProviderFuncRole, key: &FreshKey, id: Option<&str>) -> ApiProviderFunctionDetails {
    ApiProviderFunctionDetails {
        api_prov_func_id: id.and_then(|id| id.parse().ok()),
        reg_info: RegistrationInformation {
            api_prov_pub_key: key.request().to_owned(),
            api_prov_cert: None,
        },
        api_prov_func_role: role.clone(),
        api_prov_func_info: None,
    }
}

/// The keys with the certificates that an answer gives them. They are matched by the request, which is theirs alone.
pub(crate) fn certified(
    keys: Vec<(ApiProviderFuncRole, FreshKey)>,
    made: &ApiProviderEnrolmentDetails,
) -> Result<Vec<(ApiProviderFuncRole, Held)>, CapifError> {
    const WHAT: &str = "registration";
    let mut all = Vec::new();
    for (role, key) in keys {
        let ours = |details: &&ApiProviderFunctionDetails| {
            details.api_prov_func_role == role && details.reg_info.api_prov_pub_key.trim() == key.request().trim()
        };
        // Some core functions do not repeat the request: then the role decides.
        let by_role = |details: &&ApiProviderFunctionDetails| details.api_prov_func_role == role;
        let functions = &made.api_prov_funcs;
        let Some(details) = functions.iter().find(ours).or_else(|| functions.iter().find(by_role)) else {
            continue;
        };
        let incomplete = |member| CapifError::Incomplete { what: WHAT, member };
        let id = details.api_prov_func_id.as_ref();
        let id = id.ok_or_else(|| incomplete("apiProvFuncId"))?.to_string();
        let certificate = details.reg_info.api_prov_cert.clone();
        let certificate = certificate.ok_or_else(|| incomplete("apiProvCert"))?;
        all.push((role, key.certified(id, certificate)));
    }
    Ok(all)
}
