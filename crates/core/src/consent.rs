//! The `Consent` port: whether a user agreed to what the enabler layer is asked to reveal (TS 33.558 clause 5.1.4; TS 23.558 clause 8.6.2).

use async_trait::async_trait;
use edgeapp_openapi::ids::Gpsi;
use serde::{Deserialize, Serialize};
use std::fmt;
use tokio::sync::broadcast;

/// What the enabler layer wants to do with what the network knows of a user. Consent to one says nothing of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Tell where the UE is (`EDGEAPP_UE_LOCATION`).
    Location,
    /// Tell an identifier of the UE.
    Identifier,
    /// Ask the network for another quality of the UE's sessions, and tell of it (`NW_CAP_EXPOSURE`).
    Qos,
    /// Tell what the network predicts of the UE (`ANALYTICS`).
    Analytics,
}

impl Purpose {
    /// All purposes.
    pub const ALL: [Purpose; 4] = [Purpose::Location, Purpose::Identifier, Purpose::Qos, Purpose::Analytics];

    /// The name in files and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::Location => "location",
            Purpose::Identifier => "identifier",
            Purpose::Qos => "qos",
            Purpose::Analytics => "analytics",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A consent that was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Withdrawal {
    /// The UE; every UE when absent: then each consent has to be asked for anew.
    pub ue: Option<Gpsi>,
    /// For what; everything when absent.
    pub purpose: Option<Purpose>,
}

/// The port.
#[async_trait]
pub trait Consent: Send + Sync + 'static {
    /// Whether the user of this UE agreed. What is not known is not agreed.
    async fn granted(&self, ue: &Gpsi, purpose: Purpose) -> bool;

    /// Whether every user agreed, also those whom nobody can name: what is about a whole group needs that.
    async fn everybody_granted(&self, _purpose: Purpose) -> bool {
        false
    }

    /// Consents taken back from now on. Who missed some (the receiver lagged) has to ask anew for everything that runs.
    fn withdrawals(&self) -> broadcast::Receiver<Withdrawal>;
}
