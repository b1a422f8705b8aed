//! EDGE-1: what EECs call (TS 24.558).

pub mod acr_events;
pub mod app_context_relocation;
pub mod eas_discovery;
pub mod eas_information_provisioning;
pub mod eec_registration;
