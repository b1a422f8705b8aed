//! Relocations of application contexts (ACR, TS 23.558 clause 8.8): one durable record per UE, application and application client.
//!
//! [`record`] holds the record and its pure transitions, [`relocation`] what EECs and EASs ask for, [`status`] what EASs report,
//! [`managed`] what EASs leave to the enabler layer, [`plan`] relocations that rest on a prediction, `one_at_a_time` what becomes of two, `bundle` several that belong together,
//! [`decision`] what an S-EES decides by itself, `leaving` what it does when an EAS is overloaded or shuts down,
//! [`traffic`] where the traffic of a UE goes meanwhile, [`follow_up`] what happens after the answer: notifications, the move of the EEC context, the search for a target.

mod bundle;
mod context_move;
pub mod decision;
pub mod follow_up;
mod leaving;
pub mod managed;
mod one_at_a_time;
pub mod plan;
pub mod record;
pub mod relocation;
mod request;
mod search;
mod served;
pub mod status;
pub mod traffic;

pub use record::{Acr, AcrEvent, AcrRef, AcrWork};

use crate::selection::Selection;
use edgeapp_core::principal::Owner;
use edgeapp_openapi::{
    eas_discovery::DiscoveredEas, eas_registration::EasProfile, eas_registration::EndPoint, ids::EasId,
};
use std::sync::Arc;

/// Looks up EASs that are registered here by where they are; the index of EASs stands behind it.
pub trait EasDirectory: Send + Sync + 'static {
    /// The live EAS at this endpoint, of this EASID if one is given.
    fn at(&self, endpoint: &EndPoint, eas_id: Option<&EasId>) -> Option<Arc<EasProfile>>;

    /// Who registered the live EAS at this endpoint: one instance of the application.
    fn instance_at(&self, endpoint: &EndPoint, eas_id: &EasId) -> Option<Owner>;

    /// The live EAS that fits best.
    fn best(&self, wanted: &Selection) -> Option<DiscoveredEas>;

    /// The live registrations of this application by this owner.
    fn registered_by(&self, owner: &Owner, eas_id: &EasId) -> Vec<Arc<EasProfile>>;
}
