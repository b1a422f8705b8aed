//! Whether anybody could care about application clients: registrations of EECs are frequent, so nothing is committed with them for
//! subscriptions that do not exist.

use super::{
    known::{AcsKnown, KnownBy},
    terms::{AcTerm, FiledSubscriptions, Trigger, What},
};
use crate::event::Event;
use edgeapp_core::{
    error::Error,
    room::{Decision, Room},
};
use edgeapp_openapi::{
    eec_registration::AcProfile,
    ids::{EecId, Gpsi},
};
use std::sync::Arc;

/// Tells of application clients where somebody could care.
#[derive(Clone, Default)]
pub struct AcInterest {
    subscriptions: Option<(Arc<FiledSubscriptions>, Room)>,
}

impl AcInterest {
    /// Nobody ever cares.
    pub fn nobody() -> Self {
        Self::default()
    }

    /// These subscriptions care; events are committed in `room`.
    pub fn of(subscriptions: Arc<FiledSubscriptions>, room: Room) -> Self {
        Self {
            subscriptions: Some((subscriptions, room)),
        }
    }

    fn could_care(&self, by: Trigger, ue: Option<&Gpsi>, profiles: &[AcProfile]) -> bool {
        let Some((subscriptions, _)) = &self.subscriptions else {
            return false;
        };
        if profiles.is_empty() || subscriptions.is_empty() {
            return false;
        }
        let names: Vec<Gpsi> = ue.cloned().into_iter().collect();
        let mut terms = AcTerm::of_news(by, profiles, &names);
        // Which names the UE has is looked up later, in the outbox.
        let what = What::OnNamedUe;
        terms.extend(ue.map(|_| AcTerm { by, what }));
        subscriptions.has_any(&terms)
    }

    /// Also tells that these application clients are known, if that could matter to anybody. Where other replicas take subscriptions
    /// too, whoever reacts to the event knows better: it is told in any case.
    ///
    /// # Errors
    /// Never in practice: the event cannot be written as JSON.
    pub fn known<R>(
        &self,
        decision: Decision<R>,
        acs: impl FnOnce() -> AcsKnown,
        ue: Option<&Gpsi>,
        profiles: &[AcProfile],
    ) -> Result<Decision<R>, Error> {
        let shared = |(_, room): &(_, Room)| room.store().is_shared();
        let told = !profiles.is_empty() && self.subscriptions.as_ref().is_some_and(shared);
        match told || self.could_care(Trigger::Registration, ue, profiles) {
            true => decision.tell(&Event::AcsKnown(Box::new(acs()))),
            false => Ok(decision),
        }
    }

    /// Also tells that an EEC is no longer registered, if subscribers may have been told of it.
    ///
    /// # Errors
    /// Never in practice: the event cannot be written as JSON.
    pub fn gone<R>(&self, decision: Decision<R>, eec_id: &EecId) -> Result<Decision<R>, Error> {
        match &self.subscriptions {
            Some((subscriptions, _)) if !subscriptions.is_empty() => {
                decision.tell(&Event::EecGone { eec_id: eec_id.clone() })
            }
            _ => Ok(decision),
        }
    }

    /// An EEC discovers EASs for these application clients. That it does is answered whatever becomes of the news.
    pub async fn sought(&self, eec_id: &EecId, ue: Option<&Gpsi>, profiles: &[AcProfile]) {
        let Some((_, room)) = &self.subscriptions else { return };
        if !self.could_care(Trigger::Discovery, ue, profiles) {
            return;
        }
        let acs = AcsKnown {
            eec_id: eec_id.clone(),
            by: KnownBy::Discovery {
                ue_id: ue.cloned(),
                ac_profs: profiles.to_vec(),
            },
        };
        let told = match Decision::of(()).tell(&Event::AcsKnown(Box::new(acs))) {
            Ok(decision) => room.commit(room.look(), decision).await.map(|_| ()),
            Err(error) => Err(error),
        };
        if let Err(error) = told {
            tracing::warn!(eec_id = %edgeapp_core::pseudonym::of(&eec_id), %error, "that an EEC discovers could not be noted for those who want to hear of it");
        }
    }
}
