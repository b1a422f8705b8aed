//! What the core reports of locations reaches the subscriptions that hold the watch.

use super::{subscription::follow, withdrawal};
use crate::{
    core_links::{By, Heard, Holder, last_location, look_at_timer},
    reporting::{self, Progress},
};
use async_trait::async_trait;
use edgeapp_core::{
    consent::{Consent, Purpose},
    error::Error,
    network::CoreReport,
    room::{Decision, Room, Seen},
    store::Key,
};
use edgeapp_openapi::{
    ids::Gpsi,
    location::LocationInfo,
    ue_location::{LocationEvent, LocationSubscription},
};
use std::sync::Arc;

/// Brings reports to location subscriptions.
pub struct LocationReports {
    room: Room,
    consent: Arc<dyn Consent>,
}

impl LocationReports {
    /// Reports about users who agreed here.
    pub fn new(room: Room, consent: Arc<dyn Consent>) -> Self {
        Self { room, consent }
    }
}

/// The event that tells a subscriber where a UE is, under the name the subscriber uses.
pub(super) fn event_about(
    subscription: &LocationSubscription,
    ue: &Gpsi,
    location: Option<LocationInfo>,
) -> Option<LocationEvent> {
    let named = subscription.ue_id.as_ref().unwrap_or(ue);
    // A telephone number is told to nobody who did not know it.
    if subscription.ue_id.is_none() && named.as_str().starts_with("msisdn-") {
        tracing::info!("a member of a group that the core network names by its telephone number is not told of");
        return None;
    }
    Some(LocationEvent {
        ue_id: named.clone(),
        loc_inf: Some(location?),
        loc_inf_pred: None,
    })
}

#[async_trait]
impl Holder for LocationReports {
    fn prefix(&self) -> &'static str {
        "location-subscription/"
    }

    async fn heard(&self, key: &Key, _: By<'_>, heard: Heard<'_>, seen: &mut Seen) -> Result<Decision<()>, Error> {
        let Some(kept) = seen.kept::<LocationSubscription>(key).await? else {
            return Ok(Decision::of(()));
        };
        let (subscription, rules) = (&kept.value, kept.value.event_req.as_ref());
        match heard {
            Heard::Report(CoreReport::Location(report)) => {
                let Some(ue) = &report.ue else {
                    return Ok(Decision::of(()));
                };
                let told =
                    self.consent.granted(ue, Purpose::Location).await && reporting::in_sample(rules, ue.as_str());
                let Some(event) = told
                    .then(|| event_about(subscription, ue, report.location.clone()))
                    .flatten()
                else {
                    return Ok(Decision::of(()));
                };
                let progress: Progress<LocationEvent> = reporting::progress_of(key, seen).await?;
                look_at_timer(seen, key).await?;
                let step = progress.offer(rules, vec![event], subscription.ue_id.is_none(), seen.now());
                follow(Decision::of(()), key, subscription, step)
            }
            Heard::Report(CoreReport::Revoked(revoked)) => {
                // Only one UE can be meant where only one is watched.
                let watched = crate::core_links::watched_ue(&self.room, key).await?;
                withdrawal::revoked(key, subscription, watched.as_ref(), revoked, seen).await
            }
            _ => Ok(Decision::of(())),
        }
    }

    async fn rang(&self, key: &Key, seen: &mut Seen) -> Result<Decision<()>, Error> {
        let Some(kept) = seen.kept::<LocationSubscription>(key).await? else {
            return reporting::farewell(Decision::of(()), key);
        };
        let (subscription, rules) = (&kept.value, kept.value.event_req.as_ref());
        let progress: Progress<LocationEvent> = reporting::progress_of(key, seen).await?;
        let present = match crate::core_links::watched_ue(&self.room, key).await? {
            Some(ue) if self.consent.granted(&ue, Purpose::Location).await => last_location(&self.room, &ue)
                .await?
                .and_then(|(report, _)| event_about(subscription, &ue, report.location)),
            _ => None,
        };
        let step = progress.ring(rules, present.into_iter().collect(), seen.now());
        follow(Decision::of(()), key, subscription, step)
    }
}
