//! The doors of an EES in process: every operation through the router, without sockets.

mod acr_events;
mod acr_management_event;
mod acr_parameter_information;
mod acr_status_update;
mod app_context_relocation;
mod common_eas_announcement;
mod core_reports;
mod documents;
mod eas_discovery;
mod eas_discovery_subscriptions;
mod eas_information_provisioning;
mod eas_registration;
mod eec_context_relocation;
mod eec_registration;
mod eel_managed_acr;
mod harness;
mod negotiation;
mod quotas;
mod scenarios;
mod scene;
mod selected_ees;
mod session_with_qos;
mod surroundings;
mod traffic_influence_eas;
mod ue_identifier;
mod ue_location;
