//! EDGE-3: what EASs call (TS 29.558).

pub mod acr_management_event;
pub mod acr_status_update;
pub mod app_client_information;
pub mod app_contexts;
pub mod eas_registration;
pub mod eel_managed_acr;
pub mod session_with_qos;
pub mod traffic_influence_eas;
pub mod ue_identifier;
pub mod ue_location;
