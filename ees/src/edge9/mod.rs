//! EDGE-9, the serving end: what other EESs ask of this one.

pub mod acr_parameter_information;
pub mod common_eas_announcement;
pub mod eec_context_relocation;
