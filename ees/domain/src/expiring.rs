//! What happens when something in an EES expires: the same as when it is removed.

use crate::{
    ac_information::interest::AcInterest,
    acr::{
        Acr, AcrEvent,
        record::{self, Step},
    },
    acr_management, app_contexts,
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
use edgeapp_openapi::{
    acr_status_update::ActFailureCause, common::DateTime, eas_registration::EasRegistration,
    eec_registration::EecRegistration,
};
use std::sync::Arc;

/// The expiry of an EES's resources.
pub struct EesExpiring {
    eass: Arc<EasService>,
    contexts: ContextPolicy,
    links: Arc<CoreLinks>,
    groups: Arc<CommonEasService>,
    interest: AcInterest,
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
            interest: AcInterest::nobody(),
        }
    }

    /// Tells of EECs that are gone where these could care.
    pub fn watched_by(mut self, interest: AcInterest) -> Self {
        self.interest = interest;
        self
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
            let forgotten = eec::forget(seen, &kept.value, id, self.contexts.stale_seconds).await?;
            return self.interest.gone(forgotten, &kept.value.eec_id);
        }
        if name.starts_with(record::PREFIX) {
            let Some(kept) = seen.even_expired::<Acr>(key).await? else {
                return Ok(Decision::of(()));
            };
            return given_up(kept.value, seen.now());
        }
        if name.starts_with(app_contexts::PREFIX) {
            return Ok(Decision::of(()).delete(&app_contexts::bytes_key(key)));
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
fn given_up(acr: Acr, now: DateTime) -> Result<Decision<()>, Error> {
    let void = acr.plan.as_ref().is_some_and(|plan| plan.predict_exp_time <= now);
    let reason = match void {
        true => ActFailureCause::AcrCancellation.as_str(),
        false => "no result of the transfer was reported in time",
    };
    let late = Step::GivenUp(reason.to_owned());
    // The UE never came to where it was expected: what the EAS has got for it is of no use.
    let useless = |acr: &Acr| void && acr.plan.as_ref().is_some_and(|plan| plan.eas_told);
    let failed = |acr: &Acr| acr.result().is_some_and(|result| result.is_err());
    let events: Vec<AcrEvent> = match acr.transfer {
        record::Transfer::NotAwaited if useless(&acr) => vec![AcrEvent::Abandoned(Box::new(acr))],
        record::Transfer::Reported(..) if acr.complete && useless(&acr) && !failed(&acr) => {
            vec![AcrEvent::Abandoned(Box::new(acr))]
        }
        record::Transfer::NotAwaited => Vec::new(),
        _ if acr.complete => Vec::new(),
        // Its bundle has to move as a whole, and the others never came to an end.
        record::Transfer::Reported(..) if acr.waits_for_others() => {
            let called_off = acr.after(Step::CalledOff)?;
            called_off.map(|(_, events)| events).unwrap_or_default()
        }
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
