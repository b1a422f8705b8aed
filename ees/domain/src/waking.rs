//! EECs that cannot be called are woken up through the core network, and come to ask again (TS 23.558 clause 8.16; `eecTriggerRequest`
//! of TS 24.558 clause 6.3.5).

use edgeapp_core::{
    network::{CoreNetwork, NetworkError, Wake},
    outbox::Outcome,
};
use edgeapp_openapi::ids::{EesId, Gpsi};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// For how many seconds the core network tries to reach a UE.
const TRIES: u32 = 60;

/// An EEC that has to be woken up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Awakening {
    /// Its UE.
    pub ue: Gpsi,
    /// Key of the subscription there is news for.
    pub subscription: String,
}

/// Wakes EECs up.
pub struct Waker {
    core: Arc<dyn CoreNetwork>,
    own_id: EesId,
    port: Option<u16>,
}

impl Waker {
    /// Wakes through this core network the EECs that listen at `port`, which `own_id` has news for; none without a port.
    pub fn new(core: Arc<dyn CoreNetwork>, own_id: EesId, port: Option<u16>) -> Self {
        Self { core, own_id, port }
    }

    /// Whether EECs can be woken up at all.
    pub fn can(&self) -> bool {
        self.port.is_some() && self.core.is_configured()
    }

    /// Wakes one. It is told which EES has news for which of its subscriptions, as JSON: `eesId` and `subId`.
    pub async fn perform(&self, awakening: &Awakening) -> Outcome {
        let Some(port) = self.port else {
            return Outcome::Hopeless(
                "EECs are not woken up any more: core_network.eec_trigger_port is not set".to_owned(),
            );
        };
        let id = awakening.subscription.rsplit('/').next().unwrap_or_default();
        let wake = Wake {
            ue: awakening.ue.clone(),
            port,
            payload: serde_json::json!({"eesId": self.own_id, "subId": id})
                .to_string()
                .into_bytes(),
            seconds: TRIES,
        };
        match self.core.wake(&wake).await {
            Ok(()) => Outcome::Done,
            Err(NetworkError::Unavailable { reason, after }) => Outcome::Again { reason, after },
            Err(error) => Outcome::Hopeless(error.to_string()),
        }
    }
}
