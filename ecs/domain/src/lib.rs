//! What is true in an Edge Configuration Server (TS 23.558), whichever door asks. No HTTP in here.
//!
//! | module | what it holds |
//! |---|---|
//! | [`ees_registration`] | EESs register: one live registration per EESID |
//! | [`provisioning`] | EECs ask which edge data networks and EESs there are for them, once or as subscribers |
//! | [`target_ees_discovery`] | EESs ask where application contexts may move to |
//! | [`eas_info`] | EESs agree on the EAS that serves a group |
//! | [`selection`] | which EESs fit: one plain function for all who ask |
//! | [`edn`] | edge data networks as configured, and answers put together by them |
//! | [`partners`] | other ECSs, to which UEs are sent that they serve |
//! | [`quotas`] | how many of each kind one caller may keep |
//! | [`known`] | the read model of registered EESs |
//! | [`event`], [`reactions`] | what happened, and who is told |
//! | [`tokens`] | access tokens for EESs that want them |
//! | [`expiring`] | what the end of a lifetime means |

pub mod eas_info;
pub mod edn;
pub mod ees_registration;
pub mod event;
pub mod expiring;
pub mod known;
pub mod partners;
pub mod provisioning;
pub mod quotas;
pub mod reactions;
pub mod selection;
pub mod target_ees_discovery;
pub mod tokens;

/// The home of the rules that this crate gives to resources ([`edgeapp_core::collection::Resource`]).
#[derive(Clone, Copy, Debug)]
pub struct Ecs;
