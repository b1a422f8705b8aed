//! Which application clients there are, for EASs (Eees_AppClientInformation, TS 29.558 clause 5.5; TS 23.558 clause 8.6.4).
//!
//! | module | what it holds |
//! |---|---|
//! | [`filters`] | which application client fits which subscription, as plain functions |
//! | [`terms`] | under which terms subscriptions are filed, so that news of one EEC finds the few that it may concern |
//! | [`interest`] | whether anybody could care: only then is an event committed with a registration |
//! | [`known`] | what is known of the application clients of an EEC, and how it became known |
//! | [`told`] | what subscribers were told, so that they are not told again |
//! | [`reports`] | from an event to notifications |
//! | `subscription` | the life of a subscription |
//!
//! An EEC registers, changes, comes with its context from another EES, or discovers: an event tells so, in the same transaction. The
//! outbox finds the subscriptions concerned and gives each a task, which looks at what is known *now*, compares it with what that
//! subscriber was told, and lets the reporting options decide when it is sent.
//!
//! Profiles are told as they were registered. The UE is named only where its user agreed to that, by a name that the EAS may know, and
//! where it is only where the user agreed to that; a filter that asks for either finds nobody who did not agree.

pub mod filters;
pub mod interest;
pub mod known;
pub mod reports;
mod subscription;
pub mod terms;
pub mod told;

use crate::{Ees, ue_target::UeTargets};
use async_trait::async_trait;
use edgeapp_core::{
    callback::CallbackRule,
    clock::Lifetimes,
    collection::{Change, Collection},
    error::Error,
    follow::Follower,
    principal::Principal,
    room::Room,
};
use edgeapp_openapi::app_client_information::AcInfoSubscription;

/// What an EES does for EASs that want to hear of application clients.
#[async_trait]
pub trait AcInformation: Send + Sync {
    /// Keeps a new subscription; `uri_of` makes its absolute URI out of its id.
    ///
    /// # Errors
    /// When it is not the caller's EASID or that is not registered here, an option cannot be served, a UE is not known, or the callback
    /// address is not allowed.
    async fn subscribe(
        &self,
        principal: &Principal,
        request: AcInfoSubscription,
        uri_of: &(dyn for<'a> Fn(&'a str) -> String + Send + Sync),
    ) -> Result<(String, AcInfoSubscription), Error>;

    /// One subscription.
    ///
    /// # Errors
    /// 404 when it is not there or somebody else's.
    async fn read(&self, principal: &Principal, id: &str) -> Result<AcInfoSubscription, Error>;

    /// Replaces or patches a subscription.
    ///
    /// # Errors
    /// As for a new one; 404 for a stranger's. Nothing has changed then.
    async fn change(
        &self,
        principal: &Principal,
        id: &str,
        change: Change<AcInfoSubscription>,
    ) -> Result<AcInfoSubscription, Error>;

    /// Ends a subscription; nothing is sent to it from then on.
    ///
    /// # Errors
    /// 404 when it is not there or somebody else's.
    async fn unsubscribe(&self, principal: &Principal, id: &str) -> Result<(), Error>;
}

/// The service behind [`AcInformation`].
pub struct AcInformationService {
    kept: Collection<AcInfoSubscription, Ees>,
    ues: UeTargets,
    callbacks: CallbackRule,
    matched_by: Follower,
}

impl AcInformationService {
    /// A service over this room; UEs that EASs name are looked up in `ues`. Answers wait until the read model behind `matched_by` shows
    /// what they say: no news that follow an answer are missed.
    pub fn new(
        room: Room,
        lifetimes: Lifetimes,
        ues: UeTargets,
        callbacks: CallbackRule,
        matched_by: Follower,
    ) -> Self {
        Self {
            kept: Collection::new(room, lifetimes),
            ues,
            callbacks,
            matched_by,
        }
    }
}
