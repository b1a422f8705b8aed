//! The rules of an Edge Enabler Server (3GPP TS 23.558), without HTTP: its crate cannot see any.
//!
//! One module per subject, whichever reference point asks:
//!
//! | room | subject |
//! |---|---|
//! | [`eas`] | EAS registrations |
//! | [`selection`] | the one selection of EASs, for discovery and everything else that asks |
//! | [`easdf`] | what the core network says about the DNS messages of its UEs |
//! | [`eas_names`] | names of EASs, and to whom a name leads a client |
//! | [`discovery`], [`discovery_subscriptions`] | EAS discovery, and who is told of changes |
//! | [`eec`], [`context`] | EEC registrations, EEC contexts and their way between EESs |
//! | [`acr`] | relocations: what is asked, the record, what follows |
//! | [`common_eas`] | the EAS that serves a whole group, agreed between EESs |
//! | [`eas_information`], [`selected_ees`] | what EECs tell of their selections, and what CASs hear of them |
//! | [`scenarios`] | the relocation scenarios that all parties have in common |
//! | [`acr_events`], [`acr_management`], [`act_status`] | who is told of relocations: EECs, EASs, EASs that leave them to the EES |
//! | [`app_contexts`] | storage for application contexts on their way |
//! | [`ue_location`], [`ue_identifier`] | where UEs are, and under which names EASs know them |
//! | [`whereabouts`] | where the UE is for which an EAS is chosen |
//! | [`qos_session`], [`traffic_influence`] | sessions with a quality, traffic steered to EASs |
//! | [`waking`] | EECs that are woken up instead of called |
//! | [`ue_target`] | whom an EAS means by an identifier |
//! | [`flows`] | descriptions of IP flows |
//! | [`core_links`] | what runs at the 3GPP core network, and for which resources |
//! | [`ac_information`] | which application clients there are, and who is told of them |
//! | [`reporting`] | how often and how long subscribers are told |
//! | [`ending`] | what ends with the last registration of an EAS |
//! | [`quotas`] | how many of each kind one caller may keep |
//! | [`event`], [`reactions`], [`expiring`] | what happens and what follows from it |
//! | [`peers`], [`lookups`] | the ports to ECS and other EESs; what rooms ask of each other |

pub mod ac_information;
pub mod acr;
pub mod acr_events;
pub mod acr_management;
pub mod act_status;
pub mod app_contexts;
pub mod common_eas;
pub mod context;
pub mod core_links;
pub mod discovery;
pub mod discovery_subscriptions;
pub mod eas;
pub mod eas_information;
pub mod eas_names;
pub mod easdf;
pub mod eec;
pub mod ending;
pub mod event;
pub mod expiring;
pub mod flows;
pub mod guesses;
pub mod invocations;
pub mod lookups;
pub mod peers;
pub mod qos_session;
pub mod quotas;
pub mod reactions;
pub mod reporting;
pub mod scenarios;
pub mod selected_ees;
pub mod selection;
pub mod traffic_influence;
pub mod ue_identifier;
pub mod ue_location;
pub mod ue_target;
pub mod waking;
pub mod whereabouts;

/// The home of the rules for resources of an EES, see [`edgeapp_core::collection::Resource`].
#[derive(Clone, Copy, Debug)]
pub struct Ees;
