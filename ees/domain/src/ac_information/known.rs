//! What is known of the application clients of an EEC, and how it became known.

use super::terms::Trigger;
use crate::{context, eec::EecIndex};
use edgeapp_core::{error::Error, room::Seen};
use edgeapp_openapi::{
    eec_context_relocation::EecContext,
    eec_registration::AcProfile,
    ids::{EecContextId, EecId, Gpsi},
};
use serde::{Deserialize, Serialize};

/// That application clients are known; what is known of them is looked up when it is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AcsKnown {
    /// Their EEC.
    pub eec_id: EecId,
    /// How they became known.
    pub by: KnownBy,
}

/// How application clients became known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum KnownBy {
    /// Their EEC registered, or changed its registration.
    Registration,
    /// The context of their EEC came from another EES.
    Context(EecContextId),
    /// Their EEC looked for EASs, and said this.
    Discovery {
        /// The UE it is on.
        ue_id: Option<Gpsi>,
        /// The application clients it looked for EASs for.
        ac_profs: Vec<AcProfile>,
    },
}

/// The application clients of an EEC.
#[derive(Clone, Debug)]
pub struct Known {
    /// Whether their EEC is registered.
    pub registered: bool,
    /// Their UE.
    pub ue: Option<Gpsi>,
    /// Their profiles.
    pub profiles: Vec<AcProfile>,
    /// The context of their EEC.
    pub context: Option<EecContextId>,
}

impl AcsKnown {
    /// What set it off.
    pub fn trigger(&self) -> Trigger {
        match self.by {
            KnownBy::Registration | KnownBy::Context(_) => Trigger::Registration,
            KnownBy::Discovery { .. } => Trigger::Discovery,
        }
    }

    /// What is known now; `None` when the EEC and its context are gone. What an EEC registered counts more than a context.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn load(&self, seen: &mut Seen) -> Result<Option<Known>, Error> {
        let index = EecIndex::load(seen, &self.eec_id).await?;
        let registration = match &index {
            Some(index) => index.registration(seen, &self.eec_id).await?,
            None => None,
        };
        Ok(match (&self.by, registration) {
            (KnownBy::Discovery { ue_id, ac_profs }, registration) => Some(Known {
                registered: registration.is_some(),
                ue: ue_id
                    .clone()
                    .or(registration.and_then(|registration| registration.ue_id)),
                profiles: ac_profs.clone(),
                context: index.map(|index| index.context),
            }),
            (_, Some(registration)) => Some(Known {
                registered: true,
                ue: registration.ue_id,
                profiles: registration.ac_profs,
                context: index.map(|index| index.context),
            }),
            (KnownBy::Context(id), None) => {
                let context = seen.kept::<EecContext>(&context::key(id)).await?;
                context.map(|kept| Known {
                    registered: false,
                    ue: kept.value.ue_id,
                    profiles: kept.value.ac_profs,
                    context: Some(id.clone()),
                })
            }
            (KnownBy::Registration, None) => None,
        })
    }
}
