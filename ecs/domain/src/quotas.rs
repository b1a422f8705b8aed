//! How many resources of each kind one caller may keep at an ECS; see [`edgeapp_core::quota`].

use crate::Ecs;
use edgeapp_core::{
    collection::Resource,
    quota::{Kind, Quotas},
};
use edgeapp_openapi::service_provisioning::EcsServProvSubscription;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// `[quotas]`: the most that one caller may have of each kind, at least 1. An EES has one registration anyway: a newer one takes the
/// place of the older. What exceeds a number that was made smaller stays; the caller gets no more until it has less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuotaSettings {
    /// `provisioning_subscriptions`: subscriptions of one EEC; 100 when not given.
    pub provisioning_subscriptions: NonZeroU32,
}

const HUNDRED: NonZeroU32 = match NonZeroU32::new(100) {
    Some(hundred) => hundred,
    None => NonZeroU32::MIN,
};

impl Default for QuotaSettings {
    fn default() -> Self {
        Self {
            provisioning_subscriptions: HUNDRED,
        }
    }
}

impl QuotaSettings {
    /// The quotas, for the room that everything is kept in.
    pub fn quotas(&self) -> Quotas {
        Quotas::new(vec![Kind {
            prefix: <EcsServProvSubscription as Resource<Ecs>>::PREFIX,
            what: "subscriptions to service provisioning",
            setting: "quotas.provisioning_subscriptions",
            most: self.provisioning_subscriptions.get(),
        }])
    }
}
