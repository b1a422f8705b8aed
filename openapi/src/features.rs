//! The optional features of each API, in one place (TS 29.122 clause 5.2.7: a bit mask in `suppFeat`).
//!
//! Each API has a module with the number of each feature that anything here depends on, and `SERVED`: the features that our servers
//! offer. Where the standard's feature tables leave a number open, the choice stands here and nowhere else. Delivery over WebSocket has
//! a number (2 in the subscriptions that know it) and is never offered. Which members of a body belong to which feature stands in
//! [`negotiation`](crate::negotiation).

use crate::common::SupportedFeatures;

/// Test notifications, in every API with subscriptions (TS 29.122 clause 5.2.5.3).
pub const NOTIFICATION_TEST_EVENT: u32 = 1;
/// Notifications over a WebSocket, in every API with subscriptions (TS 29.122 clause 5.2.5.4); not served.
pub const NOTIFICATION_WEBSOCKET: u32 = 2;

/// Eees_EASDiscovery (TS 24.558 clause 6.3.7).
pub mod eas_discovery {
    use super::*;
    /// The additions of Release 18.
    pub const EDGE_APP_2: u32 = 3;
    /// What our servers offer.
    pub const SERVED: SupportedFeatures = SupportedFeatures::of(&[NOTIFICATION_TEST_EVENT, EDGE_APP_2]);
}

/// Eees_ACREvents (TS 24.558 clause 6.4.7).
pub mod acr_events {
    use super::*;
    /// What our servers offer.
    pub const SERVED: SupportedFeatures = SupportedFeatures::of(&[NOTIFICATION_TEST_EVENT]);
}

/// Eecs_ServiceProvisioning (TS 24.558 clause 8.1.7).
pub mod service_provisioning {
    use super::*;
    /// The additions of Release 18.
    pub const EDGE_APP_2: u32 = 3;
    /// What our servers offer.
    pub const SERVED: SupportedFeatures = SupportedFeatures::of(&[NOTIFICATION_TEST_EVENT, EDGE_APP_2]);
}

/// Eees_EASRegistration (TS 29.558 clause 8.1.7).
pub mod eas_registration {
    use super::*;
    /// The additions of Release 18.
    pub const EDGE_APP_2: u32 = 1;
    /// What our servers offer.
    pub const SERVED: SupportedFeatures = SupportedFeatures::of(&[EDGE_APP_2]);
}

/// Eecs_EESRegistration (TS 29.558 clause 9.1.7).
pub mod ees_registration {
    use super::*;
    /// The additions of Release 18.
    pub const EDGE_APP_2: u32 = 1;
    /// What our servers offer.
    pub const SERVED: SupportedFeatures = SupportedFeatures::of(&[EDGE_APP_2]);
}

/// Eees_UELocation (TS 29.558 clause 8.2.7).
pub mod ue_location {
    use super::*;
    /// Users may take back their consent, and subscribers are told.
    pub const USER_CONSENT_REVOCATION: u32 = 3;
    /// The additions of Release 18.
    pub const EDGE_APP_2: u32 = 4;
    /// What our servers offer.
    pub const SERVED: SupportedFeatures =
        SupportedFeatures::of(&[NOTIFICATION_TEST_EVENT, USER_CONSENT_REVOCATION, EDGE_APP_2]);
}

/// Eees_AppClientInformation (TS 29.558 clause 8.4.7).
pub mod app_client_information {
    use super::*;
    /// The additions of Release 18.
    pub const EDGE_APP_2: u32 = 3;
    /// What our servers offer.
    pub const SERVED: SupportedFeatures = SupportedFeatures::of(&[NOTIFICATION_TEST_EVENT, EDGE_APP_2]);
}

/// Eees_SessionWithQoS (TS 29.558 clause 8.5.7).
pub mod session_with_qos {
    use super::*;
    /// The additions of Release 18.
    pub const EDGE_APP_2: u32 = 3;
    /// What our servers offer.
    pub const SERVED: SupportedFeatures = SupportedFeatures::of(&[NOTIFICATION_TEST_EVENT, EDGE_APP_2]);
}

/// Eees_ACRManagementEvent (TS 29.558 clause 8.6.7).
pub mod acr_management_event {
    use super::*;
    /// The additions of Release 18.
    pub const EDGE_APP_2: u32 = 3;
    /// What our servers offer.
    pub const SERVED: SupportedFeatures = SupportedFeatures::of(&[NOTIFICATION_TEST_EVENT, EDGE_APP_2]);
}

/// Eees_UEIdentifier (TS 29.558 clause 8.3.7).
pub mod ue_identifier {
    use super::*;
    /// The additions of Release 18.
    pub const EDGE_APP_2: u32 = 1;
    /// What our servers offer.
    pub const SERVED: SupportedFeatures = SupportedFeatures::of(&[EDGE_APP_2]);
}

/// APIs that define no features, or none that anything here depends on: Neasdf_DNSContext, Neasdf_BaselineDNSPattern, Eees_EELManagedACR, Ecas_SelectedEES, Eecs_EASInfoManagement.
pub const NONE: SupportedFeatures = SupportedFeatures::of(&[]);

/// What our servers offer of an API of EDGE-3, by its name; nothing of one that defines no features.
pub fn of_api(name: &str) -> SupportedFeatures {
    match name {
        "eees-easregistration" => eas_registration::SERVED,
        "eees-easdiscovery" => eas_discovery::SERVED,
        "eees-uelocation" => ue_location::SERVED,
        "eees-ueidentifier" => ue_identifier::SERVED,
        "eees-appclientinformation" => app_client_information::SERVED,
        "eees-session-with-qos" => session_with_qos::SERVED,
        "eees-acrmgntevent" => acr_management_event::SERVED,
        _ => NONE,
    }
}
