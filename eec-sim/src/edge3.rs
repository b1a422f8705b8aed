//! EDGE-3: what an EAS asks of its EES.

use crate::call::{Caller, Failed, NOTHING, id_of, segment};
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use edgeapp_openapi::{
    acr_management_event::AcrMgntEventsSubscription,
    acr_status_update::AcrUpdateData,
    app_context_relocation::AcrDecReq,
    eas_discovery::{EasDiscoveryReq, EasDiscoveryResp},
    eas_registration::EasRegistration,
    eel_managed_acr::{ActStatusSubsc, EelAcrReq, EelAcrResp},
    ue_location::LocationSubscription,
};

const REGISTRATIONS: &str = "/eees-easregistration/v1/registrations";
const LOCATIONS: &str = "/eees-uelocation/v1/subscriptions";
const SUBSCRIPTIONS: &str = "/eees-acrmgntevent/v1/subscriptions";
const ENDED: &str = "/eees-eel-acr/v1/subscriptions";

/// An EAS's way to its EES.
#[derive(Clone)]
pub struct Ees(pub Caller);

impl Ees {
    /// Eees_EASRegistration: registers the EAS. Answers with the id of the registration.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn register(&self, request: &EasRegistration) -> Result<String, Failed> {
        const NAME: &str = "EAS registration";
        let answer = self.0.call(NAME, Method::POST, REGISTRATIONS, Some(request)).await?;
        let no_location = || {
            self.0
                .unexpected(NAME, Method::POST, REGISTRATIONS, "201 without a Location")
        };
        id_of(answer.location.as_deref()).ok_or_else(no_location)
    }

    /// Eees_EASRegistration: ends a registration.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn deregister(&self, id: &str) -> Result<(), Failed> {
        let path = format!("{REGISTRATIONS}/{}", segment(id));
        self.0
            .call("EAS deregistration", Method::DELETE, &path, NOTHING)
            .await
            .map(|_| ())
    }

    /// Eees_ACRManagementEvent: subscribes to what an EAS has to know about relocations. Answers with the id of the subscription.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn subscribe(&self, request: &AcrMgntEventsSubscription) -> Result<String, Failed> {
        const NAME: &str = "ACR management events subscription";
        let answer = self.0.call(NAME, Method::POST, SUBSCRIPTIONS, Some(request)).await?;
        let no_location = || {
            self.0
                .unexpected(NAME, Method::POST, SUBSCRIPTIONS, "201 without a Location")
        };
        id_of(answer.location.as_deref()).ok_or_else(no_location)
    }

    /// Eees_ACRManagementEvent: ends a subscription.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn unsubscribe(&self, id: &str) -> Result<(), Failed> {
        let path = format!("{SUBSCRIPTIONS}/{}", segment(id));
        self.0
            .call("ACR management events unsubscription", Method::DELETE, &path, NOTHING)
            .await
            .map(|_| ())
    }

    /// Eees_UELocation: subscribes to where a UE is. Answers with the id of the subscription.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn subscribe_location(&self, request: &LocationSubscription) -> Result<String, Failed> {
        const NAME: &str = "UE location subscription";
        let answer = self.0.call(NAME, Method::POST, LOCATIONS, Some(request)).await?;
        let no_location = || {
            self.0
                .unexpected(NAME, Method::POST, LOCATIONS, "201 without a Location")
        };
        id_of(answer.location.as_deref()).ok_or_else(no_location)
    }

    /// Eees_UELocation: ends a subscription.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn unsubscribe_location(&self, id: &str) -> Result<(), Failed> {
        let path = format!("{LOCATIONS}/{}", segment(id));
        self.0
            .call("UE location unsubscription", Method::DELETE, &path, NOTHING)
            .await
            .map(|_| ())
    }

    /// Eees_ACRStatusUpdate: tells how the transfer of an application context went.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn report_status(&self, report: &AcrUpdateData) -> Result<(), Failed> {
        const PATH: &str = "/eees-acrstatus-update/v1/request-acrupdate";
        self.0
            .call("ACR status update", Method::POST, PATH, Some(report))
            .await
            .map(|_| ())
    }

    /// Eees_EASDiscovery request: which EASs may a relocation go to? None is an empty list.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn discover(&self, request: &EasDiscoveryReq) -> Result<EasDiscoveryResp, Failed> {
        const PATH: &str = "/eees-easdiscovery/v1/eas-profiles/request-discovery";
        match self.0.ask("T-EAS discovery", Method::POST, PATH, Some(request)).await {
            Ok((found, _)) => Ok(found),
            Err(failed) if failed.error.status() == Some(StatusCode::NOT_FOUND) => Ok(EasDiscoveryResp::default()),
            Err(failed) => Err(failed),
        }
    }

    /// Eees_AppContextRelocation declare: the S-EAS has decided on a target.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn declare(&self, request: &AcrDecReq) -> Result<(), Failed> {
        const PATH: &str = "/eees-appctxtreloc/v1/declare";
        let declared = self.0.call("Target declaration", Method::POST, PATH, Some(request));
        declared.await.map(|_| ())
    }

    /// Eees_EELManagedACR: leaves a relocation to the enabler layer. Answers with the place for the application context.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn leave_relocation(&self, request: &EelAcrReq) -> Result<Option<String>, Failed> {
        const PATH: &str = "/eees-eel-acr/v1/request-eelacr";
        let (answer, _): (EelAcrResp, _) = self.0.ask("EEL managed ACR", Method::POST, PATH, Some(request)).await?;
        Ok(answer.app_ctxt_store_addr.map(|place| place.as_str().to_owned()))
    }

    /// Puts an application context to the place that an EES named.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn store(&self, place: &str, context: Bytes) -> Result<(), Failed> {
        let stored = self
            .0
            .bytes("Application context stored", Method::PUT, place, Some(context));
        stored.await.map(|_| ())
    }

    /// Takes the application context from the place that an EES named.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn stored(&self, place: &str) -> Result<Bytes, Failed> {
        let taken = self.0.bytes("Application context taken", Method::GET, place, None);
        taken.await.map(|answer| answer.body)
    }

    /// Eees_EELManagedACR: subscribes to how such relocations end. The subscription ends with the
    /// registration: the API has no other way. Answers with its id.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn subscribe_ended(&self, request: &ActStatusSubsc) -> Result<String, Failed> {
        const NAME: &str = "ACT status subscription";
        let answer = self.0.call(NAME, Method::POST, ENDED, Some(request)).await?;
        let no_location = || self.0.unexpected(NAME, Method::POST, ENDED, "201 without a Location");
        id_of(answer.location.as_deref()).ok_or_else(no_location)
    }
}
