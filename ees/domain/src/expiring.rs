//! What happens when something in an EES expires: the same as when it is removed.

use crate::{
    acr::{
        Acr, AcrEvent,
        record::{self, Step},
    },
    acr_management,
    common_eas::{self, CommonEasService},
    context::ContextPolicy,
    core_links::{self, CoreLinks},
    eas::EasService,
    eas_information, eec,
    event::Event,
    reporting,
};
use async_trait::async_trait;
use edgeapp_core::{
    collection::Resource,
    error::Error,
    room::{Decision, Seen},
    store::Key,
    sweeper::Expiring,
};
use edgeapp_openapi::{eas_registration::EasRegistration, eec_registration::EecRegistration};
use std::sync::Arc;

/// The expiry of an EES's resources.
pub struct EesExpiring {
    eass: Arc<EasService>,
    contexts: ContextPolicy,
    links: Arc<CoreLinks>,
    groups: Arc<CommonEasService>,
}

impl EesExpiring {
    /// Expiry with these rules.
    pub fn new(
        eass: Arc<EasService>,
        contexts: ContextPolicy,
        links: Arc<CoreLinks>,
        groups: Arc<CommonEasService>,
    ) -> Self {
        Self {
            eass,
            contexts,
            links,
            groups,
        }
    }
}

#[async_trait]
impl Expiring for EesExpiring {
    async fn expired(&self, key: &Key, seen: &mut Seen) -> Result<Decision<()>, Error> {
        let name = key.as_str();
        if name.starts_with(EasRegistration::PREFIX) {
            return self.eass.expired(key, seen).await;
        }
        if name.starts_with(EecRegistration::PREFIX) {
            let Some(kept) = seen.even_expired::<EecRegistration>(key).await? else {
                return Ok(Decision::of(()));
            };
            let id = name.rsplit('/').next().unwrap_or_default();
            return eec::forget(seen, &kept.value, id, self.contexts.stale_seconds).await;
        }
        if name.starts_with(record::PREFIX) {
            let Some(kept) = seen.even_expired::<Acr>(key).await? else {
                return Ok(Decision::of(()));
            };
            return given_up(kept.value);
        }
        if name.starts_with(common_eas::PREFIX) {
            return self.groups.expired(key, seen).await;
        }
        if name.starts_with(eas_information::PREFIX) {
            return eas_information::expired(key, seen).await;
        }
        if name.starts_with(acr_management::PENDING) {
            return acr_management::overdue(key, seen).await;
        }
        if name.starts_with(core_links::TIMER) {
            return self.links.rang(key, seen).await;
        }
        // What an expired resource held at the core network is given back, its progress and timer go; contexts and other subscriptions
        // just end.
        if self.links.is_holder(name) {
            return reporting::farewell(Decision::of(()), key);
        }
        Ok(Decision::of(()))
    }
}

/// Pure: a relocation that nobody finished in time has failed, and the EEC hears of it.
fn given_up(acr: Acr) -> Result<Decision<()>, Error> {
    let late = Step::GivenUp("no result of the transfer was reported in time".to_owned());
    let events: Vec<AcrEvent> = match acr.transfer {
        record::Transfer::NotAwaited => Vec::new(),
        _ if acr.complete => Vec::new(),
        // Reported, but the context never arrived: the result counts all the same.
        record::Transfer::Reported(..) => acr
            .after(Step::ContextFailed)?
            .map(|(_, events)| events)
            .unwrap_or_default(),
        _ => acr.after(late)?.map(|(_, events)| events).unwrap_or_default(),
    };
    events
        .into_iter()
        .try_fold(Decision::of(()), |decision, event| decision.tell(&Event::Acr(event)))
}
