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
//! | [`eas_information_provisioning`] | Eees_EASInformationProvisioning | TS 24.558 clause 6.6 |
//! | [`ue_location`] | Eees_UELocation | TS 29.558 clause 8.2 |
//! | [`ue_identifier`] | Eees_UEIdentifier | TS 29.558 clause 8.3 |
//! | [`app_client_information`] | Eees_AppClientInformation | TS 29.558 clause 8.4 |
//! | [`session_with_qos`] | Eees_SessionWithQoS | TS 29.558 clause 8.5 |
//! | [`eel_managed_acr`] | Eees_EELManagedACR | TS 29.558 clause 8.8 |
//! | [`acr_parameter_information`] | Eees_ACRParameterInformation | TS 29.558 clause 8.10 |
//! | [`common_eas_announcement`] | Eees_CommonEASAnnouncement | TS 29.558 clause 8.11 |
//! | [`traffic_influence_eas`] | Eees_TrafficInfluenceEAS | TS 29.558 clause 8.12 |
//! | [`selected_ees`] | Ecas_SelectedEES | TS 29.558 clause 8A.1 |
//! | [`eas_info_management`] | Eecs_EASInfoManagement | TS 29.558 clause 9.3 |
//! | [`easdf`] | Neasdf_DNSContext, Neasdf_BaselineDNSPattern | TS 29.556 clause 6 |
//! | [`capif`] | the eleven APIs of CAPIF | TS 29.222 clauses 8 and 9 |
//! | [`features`] | the optional features of all of them | |
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
pub mod acr_parameter_information;
pub mod acr_status_update;
pub mod app_client_information;
pub mod app_context_relocation;
pub mod capif;
pub mod common;
pub mod common_eas_announcement;
pub mod eas_discovery;
pub mod eas_info_management;
pub mod eas_information_provisioning;
pub mod eas_registration;
pub mod easdf;
pub mod eec_context_relocation;
pub mod eec_registration;
pub mod eel_managed_acr;
pub mod ees_registration;
pub mod features;
pub mod ids;
pub mod location;
pub mod negotiation;
pub mod network;
pub mod problem;
#[cfg(test)]
mod proof;
pub mod query;
pub mod reporting;
pub mod schedule;
pub mod selected_ees;
pub mod service_provisioning;
pub mod session_with_qos;
pub mod target_ees_discovery;
pub mod traffic_influence_eas;
pub mod ue_identifier;
pub mod ue_location;
