//! Under which terms subscriptions to EAS discovery are filed, so that a change of one EAS finds the few that it may concern.

use super::wanted;
use crate::selection::Selection;
use edgeapp_core::filed::Filed;
use edgeapp_openapi::{
    eas_discovery::{EasCharacteristics, EasDiscEventIds, EasDiscoverySubscription},
    eas_registration::{EasCategory, EasProfile},
    eec_registration::AcProfile,
    ids::{AcId, EasId, ProviderId},
};

/// The subscriptions to EAS discovery, filed.
pub type FiledSubscriptions = Filed<EasDiscoverySubscription, EasTerm>;

/// No subscriptions yet, for a follower to fill.
pub fn filed() -> FiledSubscriptions {
    Filed::new(EasTerm::of_subscription)
}

/// Something that is true of an EAS, or was before it changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EasTerm {
    /// It is an EAS.
    Any,
    /// It is of this application.
    Application(EasId),
    /// It is of this provider.
    Provider(ProviderId),
    /// It has this type, one of the standard's.
    StandardType(EasCategory),
    /// It has this type, in its provider's words.
    OwnType(String),
    /// It has this feature.
    Feature(String),
    /// It names this application client among those it serves.
    Client(AcId),
    /// It serves whatever application client comes.
    AnyClient,
}

impl EasTerm {
    /// The terms under which a subscription is filed.
    pub fn of_subscription(subscription: &EasDiscoverySubscription) -> Vec<Self> {
        match subscription.eas_event_type {
            EasDiscEventIds::EasAvailabilityChange => of_selection(&wanted(subscription)),
            EasDiscEventIds::EasDynamicInfoChange => {
                let watched = subscription.eas_dyn_info_filter.iter();
                watched
                    .flat_map(|filter| &filter.dyn_info_filter)
                    .map(|watch| Self::Application(watch.eas_id.clone()))
                    .collect()
            }
            EasDiscEventIds::Other(_) => Vec::new(),
        }
    }
}

/// What is demanded all at once is filed under the demand that fewest EASs meet; of alternatives each is filed.
fn of_selection(wanted: &Selection) -> Vec<EasTerm> {
    if let Some(group) = &wanted.group {
        return vec![EasTerm::Application(group.eas_id.clone())];
    }
    if !wanted.eas_chars.is_empty() {
        return wanted.eas_chars.iter().map(of_characteristics).collect();
    }
    if !wanted.ac_profiles.is_empty() {
        return wanted.ac_profiles.iter().flat_map(of_client).collect();
    }
    vec![EasTerm::Any]
}

fn of_characteristics(like: &EasCharacteristics) -> EasTerm {
    None.or_else(|| like.eas_id.clone().map(EasTerm::Application))
        .or_else(|| like.eas_type.clone().map(EasTerm::OwnType))
        .or_else(|| like.svc_feats.first().cloned().map(EasTerm::Feature))
        .or_else(|| like.eas_prov_id.clone().map(EasTerm::Provider))
        .or_else(|| like.std_eas_type.clone().map(EasTerm::StandardType))
        .unwrap_or(EasTerm::Any)
}

fn of_client(ac: &AcProfile) -> Vec<EasTerm> {
    if ac.eass.is_empty() {
        return vec![EasTerm::Client(ac.ac_id.clone()), EasTerm::AnyClient];
    }
    let named = ac.eass.iter().map(|detail| detail.eas_id.clone());
    named.map(EasTerm::Application).collect()
}

/// The terms that a change of an EAS asks for: what is or was true of it.
pub fn terms_of_change(before: Option<&EasProfile>, after: Option<&EasProfile>) -> Vec<EasTerm> {
    let mut terms = vec![EasTerm::Any];
    for profile in before.into_iter().chain(after) {
        terms.push(EasTerm::Application(profile.eas_id.clone()));
        terms.extend(profile.prov_id.clone().map(EasTerm::Provider));
        terms.extend(profile.eas_type.clone().map(EasTerm::StandardType));
        terms.extend(profile.flex_eas_type.clone().map(EasTerm::OwnType));
        terms.extend(profile.eas_feats.iter().cloned().map(EasTerm::Feature));
        match profile.ac_ids.as_slice() {
            [] => terms.push(EasTerm::AnyClient),
            served => terms.extend(served.iter().cloned().map(EasTerm::Client)),
        }
    }
    terms
}

#[cfg(test)]
mod tests;
