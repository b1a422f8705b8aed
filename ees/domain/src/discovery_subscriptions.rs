//! EAS discovery, told whenever something changes (TS 24.558 clauses 5.3.2.3 to 5.3.2.6, TS 23.558 clause 8.5.2.3).

mod terms;

pub use terms::{EasTerm, FiledSubscriptions, filed, terms_of_change};

use crate::{
    Ees,
    discovery::{EecKnown, registration_comes_first},
    eec::proved_ue,
    event::Event,
    selection::{Selection, matching},
};
use async_trait::async_trait;
use edgeapp_core::{
    callback::CallbackRule,
    clock::Lifetimes,
    collection::{Change, Changed, Collection, Resource, key_of},
    error::Error,
    follow::Follower,
    kept::Kept,
    patch::PatchRules,
    principal::Principal,
    room::{Decision, Room, Seen},
    store::Key,
};
use edgeapp_openapi::{
    common::{DateTime, Uri},
    eas_discovery::{
        DiscoveredEas, EasDiscEventIds, EasDiscoveryNotification, EasDiscoverySubscription, EasDynamicInfoFilterData,
    },
    eas_registration::EasProfile,
    features::eas_discovery::EDGE_APP_2,
    ids::{Gpsi, SubscriptionId},
    negotiation::{Agreed, as_before_release_18, negotiate, negotiate_again},
};
use std::sync::Arc;

/// What the status of an EAS says in the notification that it is gone.
const GONE: &str = "DISABLED";

impl Resource<Ees> for EasDiscoverySubscription {
    const PREFIX: &'static str = "eas-discovery-subscription/";
    const PATCH: PatchRules = PatchRules {
        changeable: &[
            "easDiscoveryFilter",
            "easDynInfoFilter",
            "easSvcContinuity",
            "expTime",
            "easEventType",
        ],
        clearable: &[],
        fixed: &[
            "eecId",
            "ueId",
            "notificationDestination",
            "requestTestNotification",
            "websockNotifConfig",
            "suppFeat",
            "easIntTrigSup",
            "eecTriggerRequest",
        ],
    };

    fn not_found() -> Error {
        Error::subscription_not_found()
    }

    fn expiry(&mut self) -> Option<&mut Option<DateTime>> {
        Some(&mut self.exp_time)
    }

    fn may_become(&self, next: &Self) -> Result<(), Error> {
        if next.eec_id != self.eec_id {
            return Err(Error::not_changeable("/eecId"));
        }
        if next.ue_id != self.ue_id {
            return Err(Error::not_changeable("/ueId"));
        }
        Ok(())
    }
}

/// What an EES does for EECs that want to hear of changes among EASs.
#[async_trait]
pub trait EasDiscoverySubscriptions: Send + Sync {
    /// Keeps a new subscription; `uri_of` makes its absolute URI out of its id.
    ///
    /// # Errors
    /// When it is not the caller's EEC or UE, the event is unknown or lacks its filter, or the callback address is not allowed.
    async fn subscribe(
        &self,
        principal: &Principal,
        request: EasDiscoverySubscription,
        uri_of: &(dyn for<'a> Fn(&'a str) -> String + Send + Sync),
    ) -> Result<(String, EasDiscoverySubscription), Error>;

    /// Replaces or patches a subscription.
    ///
    /// # Errors
    /// As for a new one; 404 for a stranger's. Nothing has changed then.
    async fn change(
        &self,
        principal: &Principal,
        id: &str,
        change: Change<EasDiscoverySubscription>,
    ) -> Result<EasDiscoverySubscription, Error>;

    /// Ends a subscription; nothing is sent to it from then on.
    ///
    /// # Errors
    /// 404 when it is not there or somebody else's.
    async fn unsubscribe(&self, principal: &Principal, id: &str) -> Result<(), Error>;
}

/// The service behind [`EasDiscoverySubscriptions`].
pub struct DiscoverySubscriptionService {
    kept: Collection<EasDiscoverySubscription, Ees>,
    callbacks: CallbackRule,
    registered_only: Option<Arc<dyn EecKnown>>,
    matched_by: Option<Follower>,
    wakes: bool,
}

impl DiscoverySubscriptionService {
    /// A service over this room. With `registered_only`, EECs have to be registered there before they subscribe.
    pub fn new(
        room: Room,
        lifetimes: Lifetimes,
        callbacks: CallbackRule,
        registered_only: Option<Arc<dyn EecKnown>>,
    ) -> Self {
        Self {
            kept: Collection::new(room, lifetimes),
            callbacks,
            registered_only,
            matched_by: None,
            wakes: false,
        }
    }

    /// EECs may ask to be woken up instead of being called, if `wakes`.
    pub fn waking(mut self, wakes: bool) -> Self {
        self.wakes = wakes;
        self
    }

    /// Answers wait until the read model behind `mirror` shows what they say: no change that follows an answer is missed.
    pub fn matched_by(mut self, mirror: Follower) -> Self {
        self.matched_by = Some(mirror);
        self
    }

    async fn shown(&self, changed: Changed<EasDiscoverySubscription>) -> EasDiscoverySubscription {
        if let Some(mirror) = &self.matched_by {
            mirror.caught_up(changed.revision).await;
        }
        changed.value
    }

    fn acceptable(&self, principal: &Principal, subscription: &EasDiscoverySubscription) -> Result<(), Error> {
        if !principal.is_eec(&subscription.eec_id) {
            return Err(Error::not_yours("/eecId", "EECID"));
        }
        proved_ue(principal, subscription.ue_id.as_ref(), "/ueId")?;
        self.reachable(principal, subscription)?;
        complete(subscription)
    }

    /// There is one way in which the subscriber can be reached.
    fn reachable(&self, principal: &Principal, subscription: &EasDiscoverySubscription) -> Result<(), Error> {
        const TRIGGER: &str = "/eecTriggerRequest";
        match (&subscription.notification_destination, subscription.eec_trigger_request) {
            (Some(_), true) => Err(Error::optional_incorrect(TRIGGER, "excludes notificationDestination")),
            (Some(destination), false) => self
                .callbacks
                .check_of(principal, destination, "/notificationDestination")
                .map(|_| ()),
            (None, true) if !self.wakes => Err(Error::optional_incorrect(
                TRIGGER,
                "cannot be granted: this EES wakes up no EECs; name a notificationDestination",
            )),
            (None, true) if subscription.ue_id.is_none() => {
                Err(Error::mandatory_missing("/ueId", "is needed with eecTriggerRequest"))
            }
            (None, true) => Ok(()),
            (None, false) => Err(Error::mandatory_missing(
                "/notificationDestination",
                match self.wakes {
                    true => "is needed, or eecTriggerRequest: nobody could be told otherwise",
                    false => "is needed: this EES notifies by calls to the subscriber alone",
                },
            )),
        }
    }
}

/// A subscription is to a known event, and has what this event needs.
fn complete(subscription: &EasDiscoverySubscription) -> Result<(), Error> {
    match subscription.eas_event_type {
        EasDiscEventIds::EasAvailabilityChange => Ok(()),
        EasDiscEventIds::EasDynamicInfoChange if subscription.eas_dyn_info_filter.is_some() => Ok(()),
        EasDiscEventIds::EasDynamicInfoChange => Err(Error::mandatory_missing(
            "/easDynInfoFilter",
            "is needed for EAS_DYNAMIC_INFO_CHANGE",
        )),
        EasDiscEventIds::Other(_) => {
            let known: Vec<&str> = EasDiscEventIds::KNOWN.iter().map(EasDiscEventIds::as_str).collect();
            Err(Error::mandatory_incorrect(
                "/easEventType",
                format!("is not served here; served are {}", known.join(", ")),
            ))
        }
    }
}

#[async_trait]
impl EasDiscoverySubscriptions for DiscoverySubscriptionService {
    async fn subscribe(
        &self,
        principal: &Principal,
        mut request: EasDiscoverySubscription,
        uri_of: &(dyn for<'a> Fn(&'a str) -> String + Send + Sync),
    ) -> Result<(String, EasDiscoverySubscription), Error> {
        negotiate(&mut request);
        self.acceptable(principal, &request)?;
        if let Some(eecs) = &self.registered_only
            && !eecs.is_registered(&request.eec_id).await?
        {
            return Err(registration_comes_first());
        }
        let test = request
            .notification_destination
            .clone()
            .filter(|_| request.request_test_notification);
        let also = |id: &str, _: &mut EasDiscoverySubscription, _: &mut Seen| match &test {
            None => Ok(Decision::of(())),
            Some(destination) => Decision::of(()).tell(&Event::TestAsked {
                subscription: key_of::<EasDiscoverySubscription, Ees>(principal, id).to_string(),
                uri: uri_of(id),
                destination: destination.clone(),
            }),
        };
        let (id, made) = self.kept.create(principal, request, also).await?;
        Ok((id, self.shown(made).await))
    }

    async fn change(
        &self,
        principal: &Principal,
        id: &str,
        change: Change<EasDiscoverySubscription>,
    ) -> Result<EasDiscoverySubscription, Error> {
        let also = |before: &EasDiscoverySubscription, after: &mut EasDiscoverySubscription| {
            negotiate_again(after, before.supp_feat);
            self.acceptable(principal, after)?;
            Ok(Decision::of(()))
        };
        Ok(self.shown(self.kept.change(principal, id, &change, also).await?).await)
    }

    async fn unsubscribe(&self, principal: &Principal, id: &str) -> Result<(), Error> {
        self.kept
            .remove(principal, id, |_| Ok(Decision::of(())))
            .await
            .map(|_| ())
    }
}

/// One notification to send.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The key of the subscription.
    pub subscription: Key,
    /// How it is told.
    pub way: Way,
    /// What it says.
    pub notification: EasDiscoveryNotification,
}

/// How a subscriber is reached.
#[derive(Clone, Debug, PartialEq)]
pub enum Way {
    /// It is called here.
    Call(Uri),
    /// Its UE is woken up; what there is to know it asks for.
    Wake(Gpsi),
}

fn way(subscription: &EasDiscoverySubscription) -> Option<Way> {
    let called = subscription.notification_destination.clone().map(Way::Call);
    called.or_else(|| {
        let ue = subscription.ue_id.clone().filter(|_| subscription.eec_trigger_request);
        ue.map(Way::Wake)
    })
}

/// Pure: who is told what about an EAS whose profile was `before` and is `after`, at most once per subscription.
pub fn notifications_for(
    before: Option<&EasProfile>,
    after: Option<&EasProfile>,
    expires_at: Option<DateTime>,
    subscriptions: &[(Key, Arc<Kept<EasDiscoverySubscription>>)],
    now: DateTime,
) -> Vec<Told> {
    let live = subscriptions.iter().filter(|(_, kept)| kept.is_live(now));
    live.filter_map(|(key, kept)| {
        let subscription = &kept.value;
        let way = way(subscription)?;
        let discovered = match subscription.eas_event_type {
            EasDiscEventIds::EasAvailabilityChange => availability(subscription, before, after, expires_at, now)?,
            EasDiscEventIds::EasDynamicInfoChange => dynamic_info(subscription, before?, after?, expires_at)?,
            EasDiscEventIds::Other(_) => return None,
        };
        let mut discovered = discovered;
        if !Agreed(subscription.supp_feat).counts(EDGE_APP_2) {
            as_before_release_18(&mut discovered);
        }
        let id = key
            .as_str()
            .rsplit('/')
            .next()
            .and_then(|id| id.parse::<SubscriptionId>().ok())?;
        let notification = EasDiscoveryNotification {
            sub_id: id,
            event_type: subscription.eas_event_type.clone(),
            discovered_eas: vec![discovered],
            eas_inst_infos: Default::default(),
            edge_load_analytics: Default::default(),
        };
        Some(Told {
            subscription: key.clone(),
            way,
            notification,
        })
    })
    .collect()
}

/// The EAS, if it begins or ceases to fit the subscription. One that ceases is shown as it last fitted, disabled and out of date.
fn availability(
    subscription: &EasDiscoverySubscription,
    before: Option<&EasProfile>,
    after: Option<&EasProfile>,
    expires_at: Option<DateTime>,
    now: DateTime,
) -> Option<DiscoveredEas> {
    let wanted = wanted(subscription);
    let fits = |profile: &&EasProfile| matching::judge(profile, &wanted).is_some();
    match (before.filter(fits), after.filter(fits)) {
        (None, Some(eas)) => Some(DiscoveredEas {
            eas: eas.clone(),
            ees_end_pt: None,
            life_time: expires_at,
        }),
        (Some(last), None) => {
            let past = DateTime(now.0 - jiff::SignedDuration::from_secs(1));
            let eas = EasProfile {
                status: Some(GONE.to_owned()),
                ..last.clone()
            };
            Some(DiscoveredEas {
                eas,
                ees_end_pt: None,
                life_time: Some(expires_at.map_or(past, |end| end.min(past))),
            })
        }
        (None, None) | (Some(_), Some(_)) => None,
    }
}

/// What an EAS has to be like to matter to a subscription to availability.
fn wanted(subscription: &EasDiscoverySubscription) -> Selection {
    Selection {
        scenarios: Some(subscription.eas_svc_continuity.clone()).filter(|list| !list.is_empty()),
        ..Selection::of_filter(subscription.eas_discovery_filter.clone().unwrap_or_default())
    }
}

/// The EAS as it now is, if one of the watched members has another value than before.
fn dynamic_info(
    subscription: &EasDiscoverySubscription,
    before: &EasProfile,
    after: &EasProfile,
    expires_at: Option<DateTime>,
) -> Option<DiscoveredEas> {
    let filter = subscription.eas_dyn_info_filter.as_ref()?;
    let concerned = filter
        .dyn_info_filter
        .iter()
        .any(|watch| is_watched(watch, before, after));
    concerned.then(|| DiscoveredEas {
        eas: after.clone(),
        ees_end_pt: None,
        life_time: expires_at,
    })
}

fn is_watched(watch: &EasDynamicInfoFilterData, before: &EasProfile, after: &EasProfile) -> bool {
    let this_one = watch.eas_id == after.eas_id
        && watch
            .eas_end_point
            .as_ref()
            .is_none_or(|end_pt| *end_pt == before.end_pt || *end_pt == after.end_pt);
    this_one
        && [
            watch.eas_status && before.status != after.status,
            watch.eas_ac_ids && before.ac_ids != after.ac_ids,
            watch.eas_pt && before.end_pt != after.end_pt,
            watch.eas_feature && before.eas_feats != after.eas_feats,
            watch.eas_schedule && before.scheds != after.scheds,
            watch.svc_area && before.svc_area != after.svc_area,
            watch.svc_kpi && before.svc_kpi != after.svc_kpi,
            watch.svc_cont && before.svc_cont_supp != after.svc_cont_supp,
        ]
        .contains(&true)
}

#[cfg(test)]
mod tests;
