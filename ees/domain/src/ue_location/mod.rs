//! Where UEs are, for EASs (Eees_UELocation, TS 29.558 clause 5.3; TS 23.558 clause 8.6.2).
//!
//! [`fetch`](UeLocations::fetch) answers at once; a subscription holds a watch at the core network ([`crate::core_links`]) and is told
//! what the core reports ([`reports`]). Nothing is told of a UE whose user did not agree, and [`withdrawal`] ends what runs when
//! a consent is taken back.

pub mod reports;
mod subscription;
pub mod withdrawal;

use crate::{
    Ees,
    core_links::{CoreLinks, last_location},
    eas,
    ue_identifier::EdgeUeIds,
};
use async_trait::async_trait;
use edgeapp_core::{
    callback::CallbackRule,
    clock::Lifetimes,
    collection::{Change, Collection},
    consent::{Consent, Purpose},
    error::{Cause, Error, Kind},
    network::{LocationAsk, LocationReport},
    principal::Principal,
    room::Room,
    turns::Turns,
};
use edgeapp_openapi::{
    common::{ExternalGroupId, GroupId},
    features,
    ids::Gpsi,
    ue_location::{LocationRequest, LocationResponse, LocationSubscription},
};
use std::{collections::BTreeMap, sync::Arc};

/// What an EES tells EASs about where UEs are.
#[async_trait]
pub trait UeLocations: Send + Sync {
    /// Where a UE is now, or was last.
    ///
    /// # Errors
    /// 403 when the user did not agree; 404 when nobody knows the UE; 503 when the core network does not serve.
    async fn fetch(&self, principal: &Principal, request: LocationRequest) -> Result<LocationResponse, Error>;

    /// Keeps a new subscription, once the core network watches for it; `uri_of` makes its absolute URI out of its id.
    ///
    /// # Errors
    /// As [`UeLocations::fetch`]; when it is not the caller's EASID, an option cannot be served, or a callback address is not allowed.
    async fn subscribe(
        &self,
        principal: &Principal,
        request: LocationSubscription,
        uri_of: &(dyn for<'a> Fn(&'a str) -> String + Send + Sync),
    ) -> Result<(String, LocationSubscription), Error>;

    /// One subscription.
    ///
    /// # Errors
    /// 404 when it is not there or somebody else's.
    async fn read(&self, principal: &Principal, id: &str) -> Result<LocationSubscription, Error>;

    /// Replaces or patches a subscription.
    ///
    /// # Errors
    /// As for a new one; 404 for a stranger's. Nothing has changed then.
    async fn change(
        &self,
        principal: &Principal,
        id: &str,
        change: Change<LocationSubscription>,
    ) -> Result<LocationSubscription, Error>;

    /// Ends a subscription; nothing is sent to it from then on.
    ///
    /// # Errors
    /// 404 when it is not there or somebody else's.
    async fn unsubscribe(&self, principal: &Principal, id: &str) -> Result<(), Error>;
}

/// What the operator decides about locations.
#[derive(Clone, Debug, Default)]
pub struct LocationPolicy {
    /// A location that was reported at most so many seconds ago answers a fetch without another question to the core.
    pub fresh_seconds: u32,
    /// The external group that stands for an internal one, which the core's interface does not know.
    pub groups: BTreeMap<GroupId, ExternalGroupId>,
}

/// The service behind [`UeLocations`].
pub struct UeLocationService {
    kept: Collection<LocationSubscription, Ees>,
    links: Arc<CoreLinks>,
    consent: Arc<dyn Consent>,
    ids: Arc<dyn EdgeUeIds>,
    callbacks: CallbackRule,
    policy: LocationPolicy,
    turns: Turns,
}

/// Locks behind the turns of changes.
const LOCKS: usize = 1024;

impl UeLocationService {
    /// A service over this room.
    pub fn new(
        room: Room,
        lifetimes: Lifetimes,
        links: Arc<CoreLinks>,
        consent: Arc<dyn Consent>,
        ids: Arc<dyn EdgeUeIds>,
        callbacks: CallbackRule,
        policy: LocationPolicy,
    ) -> Self {
        Self {
            kept: Collection::new(room, lifetimes),
            links,
            consent,
            ids,
            callbacks,
            policy,
            turns: Turns::new(LOCKS),
        }
    }

    /// The UE behind the identifier that a registered EAS uses, at `pointer`.
    async fn ue(&self, principal: &Principal, named: &Gpsi, pointer: &str) -> Result<Gpsi, Error> {
        let ue = self.ids.ue_behind(principal, named).await?;
        if self.consent.granted(&ue, Purpose::Location).await {
            return Ok(ue);
        }
        Err(not_agreed(pointer))
    }

    async fn ask(&self, ue: Gpsi, request: &LocationRequest) -> Result<LocationReport, Error> {
        if let Some((known, received)) = last_location(self.kept.room(), &ue).await?
            && request.gran.is_none()
            && request.loc_qos.is_none()
            && self.kept.room().now().0.duration_since(received.0).as_secs() <= i64::from(self.policy.fresh_seconds)
        {
            return Ok(known);
        }
        let ask = LocationAsk {
            ue,
            accuracy: request.gran.clone(),
            qos: request.loc_qos.clone(),
        };
        Ok(self.links.core().locate(&ask).await?)
    }
}

/// The refusal where the user did not agree.
fn not_agreed(pointer: &str) -> Error {
    Error {
        invalid: vec![edgeapp_openapi::problem::InvalidParam {
            param: pointer.to_owned(),
            reason: Some("the user did not agree".to_owned()),
        }],
        ..Error::forbidden(
            Cause::UserConsentNotGranted,
            "the user of this UE did not agree that its location is told",
        )
    }
}

/// The refusal where the core network could not find out.
fn not_found_out(failure: &str) -> Error {
    match failure {
        "POSITIONING_DENIED" | "REQUESTED_AREA_NOT_ALLOWED" => Error::forbidden(
            Cause::CoreNetworkRefused,
            format!("the core network refuses: {failure}"),
        ),
        "NOT_REGISTED_UE" => Error::new(
            Kind::NotFound,
            Cause::UeNotFound,
            "the UE is not registered at the network",
        ),
        other => {
            tracing::warn!(failure = other, "the core network found no location");
            Error::new(
                Kind::Unavailable,
                Cause::CoreNetworkUnavailable,
                "the core network could not find out where the UE is; try again later",
            )
        }
    }
}

#[async_trait]
impl UeLocations for UeLocationService {
    async fn fetch(&self, principal: &Principal, request: LocationRequest) -> Result<LocationResponse, Error> {
        eas::registered(self.kept.room(), principal).await?;
        let ue = self.ue(principal, &request.ue_id, "/ueId").await?;
        let report = self.ask(ue, &request).await?;
        let Some(location) = report.location else {
            return Err(not_found_out(report.failure.as_deref().unwrap_or("UNSPECIFIED")));
        };
        Ok(LocationResponse {
            ue_location: location,
            supp_feat: request
                .supp_feat
                .map(|offered| features::ue_location::SERVED.common(&offered)),
        })
    }

    async fn subscribe(
        &self,
        principal: &Principal,
        request: LocationSubscription,
        uri_of: &(dyn for<'a> Fn(&'a str) -> String + Send + Sync),
    ) -> Result<(String, LocationSubscription), Error> {
        self.begin(principal, request, uri_of).await
    }

    async fn read(&self, principal: &Principal, id: &str) -> Result<LocationSubscription, Error> {
        self.kept.read(principal, id).await
    }

    async fn change(
        &self,
        principal: &Principal,
        id: &str,
        change: Change<LocationSubscription>,
    ) -> Result<LocationSubscription, Error> {
        self.alter(principal, id, change).await
    }

    async fn unsubscribe(&self, principal: &Principal, id: &str) -> Result<(), Error> {
        self.end(principal, id).await
    }
}

/// Whom a subscription is about, before Edge UE IDs and internal groups are resolved.
fn named_target(subscription: &LocationSubscription) -> Option<&Gpsi> {
    subscription.ue_id.as_ref()
}
