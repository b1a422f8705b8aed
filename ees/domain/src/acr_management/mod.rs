//! Subscriptions of EASs to what they have to know about relocations (Eees_ACRManagementEvent, TS 29.558 clause 5.8; TS 23.558
//! clause 8.6.3).
//!
//! Two kinds of events come together in one subscription. What relocations order or tell (`ACT_START_STOP`, `ACR_SELECTION`) comes from
//! [`crate::acr`] by [`notifications`]. What is seen in the user plane path of UEs (`UP_PATH_CHG`, `ACR_MONITORING`,
//! `ACR_FACILITATION`) is watched by the core network: a subscription holds the links it needs ([`crate::core_links`]).
//!
//! | module | what it holds |
//! |---|---|
//! | `rules` | what a subscription may say |
//! | `subscription`, `wishes` | its life: created, changed, with what it holds at the core network |
//! | `state` | how far each of its events has got |
//! | `watch`, `naming` | which reports an event is about, and under which name an EAS hears of a UE |
//! | `reports` | what the core network reports, timers, availability |
//! | `path_change` | what takes longer: targets are sought, the EAS is asked, the core network hears its answer |
//! | `targets` | the EASs that a relocation may go to |
//! | `planned` | UEs that are expected elsewhere |
//! | `filed` | by what they are found: the application, the event, the UE |
//! | `orders`, `redirect` | what relocations tell; where it is sent from now on |
//! | `withdrawal` | what ends when a user takes back a consent |

mod filed;
mod memory;
mod naming;
mod orders;
mod path_change;
mod planned;
mod redirect;
mod reports;
mod rules;
mod state;
mod subscription;
mod targets;
mod watch;
mod wishes;
mod withdrawal;

pub use filed::AcrManagementSubscribers;
pub use orders::{Audience, delivered, notifications, report};
pub use path_change::{PENDING, PathEvent, PathFollowUp, PathWork, overdue};
pub use planned::{Planned, expected};
pub use redirect::redirect;
pub use reports::AcrManagementReports;
pub use targets::TargetEass;

use crate::{Ees, core_links::CoreLinks, ending::folder, ue_target::UeTargets};
use async_trait::async_trait;
use edgeapp_core::{
    callback::CallbackRule,
    clock::Lifetimes,
    collection::{Change, Collection, Resource},
    consent::Consent,
    error::Error,
    kept::Kept,
    principal::Principal,
    room::{Decision, Room},
    store::Span,
};
use edgeapp_openapi::{acr_management_event::AcrMgntEventsSubscription, common::Uri};
use std::sync::Arc;

/// What an EES does for EASs that want to hear of relocations.
#[async_trait]
pub trait AcrManagementSubscriptions: Send + Sync {
    /// Keeps a new subscription; `uri_of` makes its absolute URI out of its id. What has to be watched is watched by the core network
    /// before; events that it does not watch are reported in `failEventReports`.
    ///
    /// # Errors
    /// When it is not the caller's EASID, an event or a combination is not possible, the callback address is not allowed, or a user did
    /// not agree; [`MonitoringNotAvailable`](edgeapp_core::error::Cause::MonitoringNotAvailable) when none of the events can be watched.
    async fn subscribe(
        &self,
        principal: &Principal,
        request: AcrMgntEventsSubscription,
        uri_of: &(dyn for<'a> Fn(&'a str) -> String + Send + Sync),
    ) -> Result<(String, AcrMgntEventsSubscription), Error>;

    /// All subscriptions of the caller.
    ///
    /// # Errors
    /// When the store fails.
    async fn all(&self, principal: &Principal) -> Result<Vec<AcrMgntEventsSubscription>, Error>;

    /// One subscription.
    ///
    /// # Errors
    /// 404 when it is not there or somebody else's.
    async fn read(&self, principal: &Principal, id: &str) -> Result<AcrMgntEventsSubscription, Error>;

    /// Replaces or patches a subscription.
    ///
    /// # Errors
    /// As for a new one; 404 for a stranger's. Nothing has changed then.
    async fn change(
        &self,
        principal: &Principal,
        id: &str,
        change: Change<AcrMgntEventsSubscription>,
    ) -> Result<AcrMgntEventsSubscription, Error>;

    /// Ends a subscription; nothing is sent to it from then on.
    ///
    /// # Errors
    /// 404 when it is not there or somebody else's.
    async fn unsubscribe(&self, principal: &Principal, id: &str) -> Result<(), Error>;
}

/// The service behind [`AcrManagementSubscriptions`].
pub struct AcrManagementService {
    kept: Collection<AcrMgntEventsSubscription, Ees>,
    callbacks: CallbackRule,
    links: Arc<CoreLinks>,
    consent: Arc<dyn Consent>,
    ues: UeTargets,
    subscribers: AcrManagementSubscribers,
}

/// Subscriptions of this API carry no expiry of their own.
const FOR_EVER: Lifetimes = Lifetimes {
    max: None,
    default: None,
    spread_percent: 0,
};

impl AcrManagementService {
    /// A service over this room. `links` has to know [`AcrManagementReports`] as a holder. Answers wait until `subscribers` knows what
    /// they say: no order that follows an answer is missed.
    pub fn new(
        room: Room,
        callbacks: CallbackRule,
        links: Arc<CoreLinks>,
        consent: Arc<dyn Consent>,
        ues: UeTargets,
        subscribers: AcrManagementSubscribers,
    ) -> Self {
        Self {
            kept: Collection::new(room, FOR_EVER),
            callbacks,
            links,
            consent,
            ues,
            subscribers,
        }
    }

    /// Whether notifications to this subscriber may go to this address.
    ///
    /// # Errors
    /// [`CallbackNotAllowed`](edgeapp_core::error::Cause::CallbackNotAllowed), with `pointer` to where it stood.
    pub fn may_call(&self, principal: &Principal, destination: &Uri, pointer: &str) -> Result<(), Error> {
        self.callbacks.check_of(principal, destination, pointer).map(|_| ())
    }
}

#[async_trait]
impl AcrManagementSubscriptions for AcrManagementService {
    async fn subscribe(
        &self,
        principal: &Principal,
        request: AcrMgntEventsSubscription,
        uri_of: &(dyn for<'a> Fn(&'a str) -> String + Send + Sync),
    ) -> Result<(String, AcrMgntEventsSubscription), Error> {
        self.begin(principal, request, uri_of).await
    }

    async fn all(&self, principal: &Principal) -> Result<Vec<AcrMgntEventsSubscription>, Error> {
        let prefix = format!("{}{}", AcrMgntEventsSubscription::PREFIX, folder(principal.id()));
        let entries = self.kept.room().store().range(Span::prefix(prefix)).await?.entries;
        let kept: Result<Vec<Kept<AcrMgntEventsSubscription>>, Error> = entries.iter().map(Kept::from_entry).collect();
        Ok(kept?
            .into_iter()
            .filter(|kept| kept.is_of(principal))
            .map(|kept| kept.value)
            .collect())
    }

    async fn read(&self, principal: &Principal, id: &str) -> Result<AcrMgntEventsSubscription, Error> {
        self.kept.read(principal, id).await
    }

    async fn change(
        &self,
        principal: &Principal,
        id: &str,
        change: Change<AcrMgntEventsSubscription>,
    ) -> Result<AcrMgntEventsSubscription, Error> {
        self.alter(principal, id, change).await
    }

    async fn unsubscribe(&self, principal: &Principal, id: &str) -> Result<(), Error> {
        let key = edgeapp_core::collection::key_of::<AcrMgntEventsSubscription, Ees>(principal, id);
        let gone = |_: &AcrMgntEventsSubscription| crate::reporting::farewell(Decision::of(()), &key);
        self.kept.remove(principal, id, gone).await.map(|_| ())
    }
}
