//! EDGE-3: what an EAS asks of its EES.

use crate::call::{Caller, Failed, NOTHING, id_of, segment};
use axum::http::Method;
use edgeapp_openapi::{
    acr_management_event::AcrMgntEventsSubscription, acr_status_update::AcrUpdateData,
    eas_registration::EasRegistration, ue_location::LocationSubscription,
};

const REGISTRATIONS: &str = "/eees-easregistration/v1/registrations";
const LOCATIONS: &str = "/eees-uelocation/v1/subscriptions";
const SUBSCRIPTIONS: &str = "/eees-acrmgntevent/v1/subscriptions";

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
}
