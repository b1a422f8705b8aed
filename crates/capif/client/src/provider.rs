//! The functions of an API provider: AMF, APF and AEF, and what each asks of a core function.

use crate::{
    core::{Core, asked, certified},
    error::CapifError,
    held::{FreshKey, Held},
};
use axum::http::Method;
use edgeapp_http::client::HttpClient;
use edgeapp_openapi::{
    capif::{
        ApiInvokerId, FunctionId, ServiceApiId,
        access_control_policy::AccessControlPolicyList,
        events::{CapifEvent, EventSubscription},
        features,
        logging::InvocationLog,
        provider_management::{ApiProviderEnrolmentDetails, ApiProviderFuncRole},
        publish_service::ServiceApiDescription,
        security::{Cause, SecurityNotification, ServiceSecurity},
    },
    common::Uri,
};
use serde::{Deserialize, Serialize};

/// A provider domain as it is registered: what its provider keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Domain {
    /// `apiRoot` of the core function that it is registered at.
    pub root: String,
    /// The URI of its registration.
    pub registration: String,
    /// Its API management function.
    pub amf: Held,
    /// Its API publishing function.
    pub apf: Held,
    /// Its API exposing function.
    pub aef: Held,
}

/// A function of a provider that calls its core function. Cheap to clone.
#[derive(Clone)]
pub struct Function {
    id: String,
    root: String,
    client: HttpClient,
}

impl Function {
    pub(crate) fn new(core: &Core, held: &Held) -> Result<Self, CapifError> {
        Ok(Self {
            id: held.id.clone(),
            root: core.root().to_owned(),
            client: core.client(held)?,
        })
    }

    /// Its identifier.
    pub fn id(&self) -> &str {
        &self.id
    }

    fn apis(&self) -> String {
        format!("{}/published-apis/v1/{}/service-apis", self.root, self.id)
    }

    fn trusted_at(&self, invoker: &ApiInvokerId) -> String {
        format!("{}/capif-security/v1/trustedInvokers/{invoker}", self.root)
    }

    /// As AMF: has new keys of all three functions certified (clause 5.11.2.3). What is certified anew counts from the answer on.
    ///
    /// # Errors
    /// When the core function refuses or cannot be reached.
    pub async fn renew(&self, domain: &Domain, about: &str) -> Result<Domain, CapifError> {
        const WHAT: &str = "renewal of the registration";
        let held = [
            (ApiProviderFuncRole::Amf, &domain.amf),
            (ApiProviderFuncRole::Apf, &domain.apf),
            (ApiProviderFuncRole::Aef, &domain.aef),
        ];
        let (mut keys, mut functions) = (Vec::new(), Vec::new());
        for (role, held) in held {
            let key = FreshKey::new()?;
            functions.push(asked(&role, &key, Some(&held.id)));
            keys.push((role, key));
        }
        let request = ApiProviderEnrolmentDetails {
            api_prov_dom_id: None,
            reg_sec: String::new(),
            api_prov_funcs: functions,
            api_prov_dom_info: Some(about.to_owned()),
            supp_feat: Some(features::provider_management::SERVED),
            fail_reason: None,
            api_prov_name: None,
        };
        let answer = self
            .client
            .call(Method::PUT, &domain.registration, Some(&request))
            .await;
        let made: ApiProviderEnrolmentDetails =
            answer.and_then(|answer| answer.json()).map_err(CapifError::of(WHAT))?;
        let mut renewed = domain.clone();
        for (role, held) in certified(keys, &made)? {
            match role {
                ApiProviderFuncRole::Amf => renewed.amf = held,
                ApiProviderFuncRole::Apf => renewed.apf = held,
                _ => renewed.aef = held,
            }
        }
        Ok(renewed)
    }

    /// As AMF: ends the registration and with it everything that was published (clause 5.11.2.4).
    ///
    /// # Errors
    /// When the core function refuses or cannot be reached.
    pub async fn deregister(&self, domain: &Domain) -> Result<(), CapifError> {
        let gone = self.client.call::<()>(Method::DELETE, &domain.registration, None).await;
        gone.map(drop).map_err(CapifError::of("deregistration"))
    }

    /// As APF: what it has published (clause 5.3.2.4).
    ///
    /// # Errors
    /// When the core function refuses or cannot be reached.
    pub async fn published(&self) -> Result<Vec<ServiceApiDescription>, CapifError> {
        let answer = self.client.call::<()>(Method::GET, &self.apis(), None).await;
        answer
            .and_then(|answer| answer.json())
            .map_err(CapifError::of("published APIs"))
    }

    /// As APF: publishes an API (clause 5.3.2.2).
    ///
    /// # Errors
    /// When the core function refuses or cannot be reached, or gives no identifier.
    pub async fn publish(&self, api: &ServiceApiDescription) -> Result<ServiceApiDescription, CapifError> {
        const WHAT: &str = "publication of an API";
        let answer = self.client.call(Method::POST, &self.apis(), Some(api)).await;
        let made: ServiceApiDescription = answer.and_then(|answer| answer.json()).map_err(CapifError::of(WHAT))?;
        match made.api_id {
            Some(_) => Ok(made),
            None => Err(CapifError::Incomplete {
                what: WHAT,
                member: "apiId",
            }),
        }
    }

    /// As APF: describes an API otherwise than before (clause 5.3.2.5).
    ///
    /// # Errors
    /// When the core function refuses or cannot be reached.
    pub async fn update(&self, id: &ServiceApiId, api: &ServiceApiDescription) -> Result<(), CapifError> {
        let url = format!("{}/{id}", self.apis());
        let done = self.client.call(Method::PUT, &url, Some(api)).await;
        done.map(drop).map_err(CapifError::of("update of an API"))
    }

    /// As APF: withdraws an API (clause 5.3.2.3). One that is gone already is withdrawn.
    ///
    /// # Errors
    /// When the core function refuses or cannot be reached.
    pub async fn withdraw(&self, id: &ServiceApiId) -> Result<(), CapifError> {
        let url = format!("{}/{id}", self.apis());
        let gone = self.client.call::<()>(Method::DELETE, &url, None).await;
        match gone.map_err(CapifError::of("withdrawal of an API")) {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(()),
        }
    }

    /// As AEF: what an invoker may use here (clause 5.6.2.4); `None` when the core function knows of nothing.
    ///
    /// # Errors
    /// When the core function refuses or cannot be reached.
    pub async fn trusted(&self, invoker: &ApiInvokerId) -> Result<Option<ServiceSecurity>, CapifError> {
        let url = format!(
            "{}?authenticationInfo=true&authorizationInfo=true",
            self.trusted_at(invoker)
        );
        let answer = self.client.call::<()>(Method::GET, &url, None).await;
        match answer
            .and_then(|answer| answer.json())
            .map_err(CapifError::of("security context"))
        {
            Ok(context) => Ok(Some(context)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// As AEF: takes back what an invoker may do with some APIs (clause 5.6.2.5).
    ///
    /// # Errors
    /// When the core function refuses or cannot be reached.
    pub async fn revoke(
        &self,
        invoker: &ApiInvokerId,
        apis: Vec<ServiceApiId>,
        cause: Cause,
    ) -> Result<(), CapifError> {
        let request = SecurityNotification {
            api_invoker_id: invoker.clone(),
            aef_id: self.id.parse::<FunctionId>().ok(),
            api_ids: apis,
            cause,
        };
        let url = format!("{}/delete", self.trusted_at(invoker));
        let done = self.client.call(Method::POST, &url, Some(&request)).await;
        done.map(drop).map_err(CapifError::of("revocation"))
    }

    /// As AEF: how much invokers may use an API (clause 5.10.2.2).
    ///
    /// # Errors
    /// When the core function refuses or cannot be reached.
    pub async fn policies(&self, api: &ServiceApiId) -> Result<AccessControlPolicyList, CapifError> {
        let url = format!(
            "{}/access-control-policy/v1/accessControlPolicyList/{api}?aef-id={}",
            self.root, self.id
        );
        let answer = self.client.call::<()>(Method::GET, &url, None).await;
        match answer
            .and_then(|answer| answer.json())
            .map_err(CapifError::of("access control policies"))
        {
            Err(error) if error.is_not_found() => Ok(AccessControlPolicyList::default()),
            answered => answered,
        }
    }

    /// Is told of these events at `destination` (clause 5.4.2.2). The URI of the subscription.
    ///
    /// # Errors
    /// When the core function refuses or cannot be reached, or does not say where the subscription is.
    pub async fn subscribe(&self, events: &[CapifEvent], destination: &Uri) -> Result<String, CapifError> {
        const WHAT: &str = "subscription to events";
        let url = format!("{}/capif-events/v1/{}/subscriptions", self.root, self.id);
        let answer = self
            .client
            .call(Method::POST, &url, Some(&subscription(events, destination)))
            .await;
        let location = answer.map_err(CapifError::of(WHAT))?.location;
        let location = location.ok_or(CapifError::Incomplete {
            what: WHAT,
            member: "Location",
        })?;
        Ok(match location.starts_with('/') {
            true => format!("{}{location}", self.root),
            false => location,
        })
    }

    /// Is told of these events at `destination` from now on by a subscription that is there (clause 5.4.2.3); false when it is not.
    ///
    /// # Errors
    /// When the core function refuses or cannot be reached.
    pub async fn resubscribe(&self, uri: &str, events: &[CapifEvent], destination: &Uri) -> Result<bool, CapifError> {
        let done = self
            .client
            .call(Method::PUT, uri, Some(&subscription(events, destination)))
            .await;
        match done.map_err(CapifError::of("subscription to events")) {
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
            Ok(_) => Ok(true),
        }
    }

    /// Ends a subscription to events (clause 5.4.2.4). One that is gone already is ended.
    ///
    /// # Errors
    /// When the core function refuses or cannot be reached.
    pub async fn unsubscribe(&self, uri: &str) -> Result<(), CapifError> {
        let gone = self.client.call::<()>(Method::DELETE, uri, None).await;
        match gone.map_err(CapifError::of("end of a subscription to events")) {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(()),
        }
    }

    /// As AEF: tells how its APIs were used (clause 5.8.2.2).
    ///
    /// # Errors
    /// When the core function refuses or cannot be reached.
    pub async fn log(&self, log: &InvocationLog) -> Result<(), CapifError> {
        let url = format!("{}/api-invocation-logs/v1/{}/logs", self.root, self.id);
        let done = self.client.call(Method::POST, &url, Some(log)).await;
        done.map(drop).map_err(CapifError::of("invocation log"))
    }
}

fn subscription(events: &[CapifEvent], destination: &Uri) -> EventSubscription {
    EventSubscription {
        events: events.to_vec(),
        event_filters: Vec::new(),
        event_req: None,
        notification_destination: destination.clone(),
        request_test_notification: false,
        websock_notif_config: None,
        supported_features: Some(features::events::SERVED),
    }
}
