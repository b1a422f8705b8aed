//! EDGE-6: what an ECS does for EESs (TS 29.558).

pub mod eas_info_management;
pub mod ees_registration;
pub mod target_ees_discovery;
