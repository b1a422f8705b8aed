//! EDGE-1: what an EEC asks of an EES.

use crate::call::{Caller, Failed, NOTHING, id_of, segment};
use axum::http::{Method, StatusCode};
use edgeapp_openapi::{
    acr_events::AcrEventsSubscription,
    app_context_relocation::{AcrDetermReq, AcrInitReq},
    eas_discovery::{EasDiscoveryReq, EasDiscoveryResp},
    eas_information_provisioning::EasInfoProvReq,
    eec_registration::{EecRegistration, EecRegistrationPatch},
};

const REGISTRATIONS: &str = "/eees-eecregistration/v1/registrations";
const SUBSCRIPTIONS: &str = "/eees-acrevents/v1/subscriptions";

/// An EEC's way to an EES.
#[derive(Clone)]
pub struct Ees(pub Caller);

impl Ees {
    /// Eees_EECRegistration: registers the EEC. Answers with the id of the registration.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn register(&self, request: &EecRegistration) -> Result<(String, EecRegistration), Failed> {
        const NAME: &str = "EEC registration";
        let (made, answer) = self.0.ask(NAME, Method::POST, REGISTRATIONS, Some(request)).await?;
        let no_location = || {
            self.0
                .unexpected(NAME, Method::POST, REGISTRATIONS, "201 without a Location")
        };
        Ok((id_of(answer.location.as_deref()).ok_or_else(no_location)?, made))
    }

    /// Eees_EECRegistration: changes a registration; one that the EES made of a pushed context as well.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn update(&self, id: &str, patch: &EecRegistrationPatch) -> Result<EecRegistration, Failed> {
        let path = format!("{REGISTRATIONS}/{}", segment(id));
        Ok(self
            .0
            .ask("EEC registration update", Method::PATCH, &path, Some(patch))
            .await?
            .0)
    }

    /// Eees_EECRegistration: ends a registration.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn deregister(&self, id: &str) -> Result<(), Failed> {
        let path = format!("{REGISTRATIONS}/{}", segment(id));
        self.0
            .call("EEC deregistration", Method::DELETE, &path, NOTHING)
            .await
            .map(|_| ())
    }

    /// Eees_EASDiscovery request: which EASs are there? None is an empty list.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn discover(&self, request: &EasDiscoveryReq) -> Result<EasDiscoveryResp, Failed> {
        const PATH: &str = "/eees-easdiscovery/v1/eas-profiles/request-discovery";
        match self.0.ask("EAS discovery", Method::POST, PATH, Some(request)).await {
            Ok((found, _)) => Ok(found),
            Err(failed) if failed.error.status() == Some(StatusCode::NOT_FOUND) => Ok(EasDiscoveryResp::default()),
            Err(failed) => Err(failed),
        }
    }

    /// Eees_ACREvents: subscribes to news of relocations. Answers with the id of the subscription.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn subscribe(&self, request: &AcrEventsSubscription) -> Result<String, Failed> {
        let name = format!("ACR events subscription ({})", request.event_ids);
        let answer = self.0.call(&name, Method::POST, SUBSCRIPTIONS, Some(request)).await?;
        let no_location = || {
            self.0
                .unexpected(&name, Method::POST, SUBSCRIPTIONS, "201 without a Location")
        };
        id_of(answer.location.as_deref()).ok_or_else(no_location)
    }

    /// Eees_ACREvents: ends a subscription.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn unsubscribe(&self, id: &str) -> Result<(), Failed> {
        let path = format!("{SUBSCRIPTIONS}/{}", segment(id));
        self.0
            .call("ACR events unsubscription", Method::DELETE, &path, NOTHING)
            .await
            .map(|_| ())
    }

    /// Eees_AppContextRelocation initiate: the application relocates.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn initiate(&self, request: &AcrInitReq) -> Result<(), Failed> {
        const PATH: &str = "/eees-appctxtreloc/v1/initiate";
        let name = if request.eas_notif_ind {
            "ACR initiation (notify the EAS)"
        } else {
            "ACR initiation"
        };
        self.0.call(name, Method::POST, PATH, Some(request)).await.map(|_| ())
    }

    /// Eees_AppContextRelocation determine: is a relocation needed?
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn determine(&self, request: &AcrDetermReq) -> Result<(), Failed> {
        const PATH: &str = "/eees-appctxtreloc/v1/determine";
        let asked = self.0.call("ACR determination", Method::POST, PATH, Some(request));
        asked.await.map(|_| ())
    }

    /// Eees_EASInformationProvisioning declare: the EEC has selected.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn declare_selection(&self, request: &EasInfoProvReq) -> Result<(), Failed> {
        const PATH: &str = "/eees-easinfoprov/v1/declare";
        let name = if request.cas_info.is_some() {
            "EAS information provisioning (CAS)"
        } else {
            "EAS information provisioning"
        };
        self.0.call(name, Method::POST, PATH, Some(request)).await.map(|_| ())
    }
}
