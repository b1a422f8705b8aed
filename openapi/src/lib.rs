//! The wire vocabulary of EDGEAPP: what travels between EECs, EASs, EESs and ECSs (3GPP TS 24.558 and TS 29.558, Release 18).
//!
//! One module per 3GPP document, named after its API, and the types that several of them share:
//!
//! | module | API | document |
//! |---|---|---|
//! | [`eec_registration`] | Eees_EECRegistration | TS 24.558 clause 6.2 |
//! | [`eas_discovery`] | Eees_EASDiscovery | TS 24.558 clause 6.3 |
//! | [`acr_events`] | Eees_ACREvents | TS 24.558 clause 6.4 |
//! | [`app_context_relocation`] | Eees_AppContextRelocation | TS 24.558 clause 6.5 |
//! | [`service_provisioning`] | Eecs_ServiceProvisioning | TS 24.558 clause 8.1 |
//! | [`eas_registration`] | Eees_EASRegistration | TS 29.558 clause 8.1 |
//! | [`acr_management_event`] | Eees_ACRManagementEvent | TS 29.558 clause 8.6 |
//! | [`eec_context_relocation`] | Eees_EECContextRelocation | TS 29.558 clause 8.7 |
//! | [`acr_status_update`] | Eees_ACRStatusUpdate | TS 29.558 clause 8.9 |
//! | [`ees_registration`] | Eecs_EESRegistration | TS 29.558 clause 9.1 |
//! | [`target_ees_discovery`] | Eecs_TargetEESDiscovery | TS 29.558 clause 9.2 |
//! | [`common`], [`location`], [`ids`] | types of TS 29.571, TS 29.572 and TS 29.122 that these use | |
//!
//! A type that exists satisfies the standard's own rules: either-or, "at least one of" and non-empty lists are checked while
//! parsing, so no later code asks whether a value is valid. Unknown members are ignored, unknown enumeration values are kept.
//!
//! ```
//! use edgeapp_openapi::eas_registration::EasProfile;
//!
//! let profile: EasProfile = serde_json::from_str(
//!     r#"{"easId": "eas.chess.example", "endPt": {"fqdn": "chess.edge-a.example"}, "notYetInvented": 1}"#,
//! )?;
//! assert_eq!(profile.eas_id.as_str(), "eas.chess.example");
//! assert!(serde_json::from_str::<EasProfile>(r#"{"easId": "eas.chess.example", "endPt": {}}"#).is_err());
//! # Ok::<(), serde_json::Error>(())
//! ```

#[macro_use]
mod macros;

pub mod acr_events;
pub mod acr_management_event;
pub mod acr_status_update;
pub mod app_context_relocation;
pub mod common;
pub mod eas_discovery;
pub mod eas_registration;
pub mod eec_context_relocation;
pub mod eec_registration;
pub mod ees_registration;
pub mod ids;
pub mod location;
pub mod network;
pub mod problem;
#[cfg(test)]
mod proof;
pub mod query;
pub mod reporting;
pub mod schedule;
pub mod service_provisioning;
pub mod target_ees_discovery;
