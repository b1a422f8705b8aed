//! Where a UE is for which something is chosen, when the request does not say: asked at the core network, told to nobody.

use crate::{
    clock::Clock,
    consent::{Consent, Purpose},
    network::{CoreNetwork, LocationAsk, NetworkError},
};
use edgeapp_openapi::{common::DateTime, ids::Gpsi, location::LocationInfo};
use jiff::SignedDuration;
use std::sync::{Arc, Mutex, PoisonError};

/// For how long a core network that does not serve is left alone.
const REST: SignedDuration = SignedDuration::from_secs(10);

/// Asks the core network where UEs are whose users agreed.
pub struct Whereabouts {
    core: Arc<dyn CoreNetwork>,
    consent: Arc<dyn Consent>,
    clock: Arc<dyn Clock>,
    rests_until: Mutex<Option<DateTime>>,
}

impl Whereabouts {
    /// Asks this core network, and `consent` before it.
    pub fn new(core: Arc<dyn CoreNetwork>, consent: Arc<dyn Consent>, clock: Arc<dyn Clock>) -> Self {
        Self {
            core,
            consent,
            clock,
            rests_until: Mutex::default(),
        }
    }

    /// Whether anything may be known of this UE: there is a core network, and its user agreed to the purpose `location`.
    pub async fn may_know(&self, ue: &Gpsi) -> bool {
        self.core.is_configured() && self.consent.granted(ue, Purpose::Location).await
    }

    /// Where the UE is. `None` when that cannot be known: there is no core network, it does not say, or the user did not agree. A choice
    /// is made without a place then. A core network that does not serve is left alone for ten seconds, so that nobody waits for it.
    pub async fn of(&self, ue: &Gpsi) -> Option<LocationInfo> {
        if self.core_rests() || !self.may_know(ue).await {
            return None;
        }
        let ask = LocationAsk {
            ue: ue.clone(),
            accuracy: None,
            qos: None,
        };
        match self.core.locate(&ask).await {
            Ok(report) => report.location,
            Err(error) => {
                if let NetworkError::Unavailable { .. } = error {
                    let until = DateTime(self.clock.now().0 + REST);
                    *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
                }
                tracing::info!(%error, "a choice is made without knowing where the UE is");
                None
            }
        }
    }

    fn core_rests(&self) -> bool {
        let until = *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| self.clock.now() < until)
    }
}
