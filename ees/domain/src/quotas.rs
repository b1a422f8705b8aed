//! How many resources of each kind one caller may keep at an EES; see [`edgeapp_core::quota`].

use crate::{
    Ees, app_contexts,
    easdf::{contexts, patterns},
};
use edgeapp_core::{
    collection::Resource,
    quota::{Kind, Quotas},
};
use edgeapp_openapi::{
    acr_events::AcrEventsSubscription, acr_management_event::AcrMgntEventsSubscription,
    app_client_information::AcInfoSubscription, eas_discovery::EasDiscoverySubscription,
    eas_registration::EasRegistration, eel_managed_acr::ActStatusSubsc, session_with_qos::SessionWithQos,
    traffic_influence_eas::AppTrafficInfluence, ue_location::LocationSubscription,
};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// `[quotas]`: the most that one caller may have of each kind, at least 1. An EEC has one registration anyway: a newer one takes the
/// place of the older. What exceeds a number that was made smaller stays; the caller gets no more until it has less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuotaSettings {
    /// `eas_registrations`: registrations of one instance of an EAS, one per endpoint; 100 when not given.
    pub eas_registrations: NonZeroU32,
    /// `discovery_subscriptions`: subscriptions of one EEC to changes among EASs; 100 when not given.
    pub discovery_subscriptions: NonZeroU32,
    /// `acr_events_subscriptions`: subscriptions of one EEC to its relocations; 100 when not given.
    pub acr_events_subscriptions: NonZeroU32,
    /// `acr_management_subscriptions`: subscriptions of one instance of an EAS to relocations; 1,000 when not given.
    pub acr_management_subscriptions: NonZeroU32,
    /// `location_subscriptions`: subscriptions of one instance of an EAS to locations, one per UE or group; 10,000 when not given.
    pub location_subscriptions: NonZeroU32,
    /// `ac_information_subscriptions`: subscriptions of one instance of an EAS to application clients; 1,000 when not given.
    pub ac_information_subscriptions: NonZeroU32,
    /// `act_status_subscriptions`: subscriptions of one instance of an EAS to the results of managed relocations, which end with its
    /// registration only; 100 when not given.
    pub act_status_subscriptions: NonZeroU32,
    /// `app_contexts`: places of one instance of an EAS for application contexts on their way; 100 when not given.
    pub app_contexts: NonZeroU32,
    /// `qos_sessions`: sessions with a quality of one instance of an EAS; 10,000 when not given.
    pub qos_sessions: NonZeroU32,
    /// `traffic_influences`: instances of steered traffic of one instance of an EAS; 1,000 when not given.
    pub traffic_influences: NonZeroU32,
    /// `dns_contexts`: DNS contexts of one SMF, one per session of a UE; 100,000 when not given.
    pub dns_contexts: NonZeroU32,
    /// `baseline_dns_patterns`: baseline DNS patterns of one SMF; 1,000 when not given.
    pub baseline_dns_patterns: NonZeroU32,
}

const fn most(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

impl Default for QuotaSettings {
    fn default() -> Self {
        Self {
            eas_registrations: most(100),
            discovery_subscriptions: most(100),
            acr_events_subscriptions: most(100),
            acr_management_subscriptions: most(1_000),
            location_subscriptions: most(10_000),
            ac_information_subscriptions: most(1_000),
            act_status_subscriptions: most(100),
            app_contexts: most(100),
            qos_sessions: most(10_000),
            traffic_influences: most(1_000),
            dns_contexts: most(100_000),
            baseline_dns_patterns: most(1_000),
        }
    }
}

fn kind<T: Resource<Ees>>(what: &'static str, setting: &'static str, most: NonZeroU32) -> Kind {
    Kind {
        prefix: T::PREFIX,
        what,
        setting,
        most: most.get(),
    }
}

impl QuotaSettings {
    /// The quotas, for the room that everything is kept in.
    pub fn quotas(&self) -> Quotas {
        Quotas::new(vec![
            kind::<EasRegistration>("registrations", "quotas.eas_registrations", self.eas_registrations),
            kind::<EasDiscoverySubscription>(
                "subscriptions to EAS discovery",
                "quotas.discovery_subscriptions",
                self.discovery_subscriptions,
            ),
            kind::<AcrEventsSubscription>(
                "subscriptions to ACR events",
                "quotas.acr_events_subscriptions",
                self.acr_events_subscriptions,
            ),
            kind::<AcrMgntEventsSubscription>(
                "subscriptions to ACR management events",
                "quotas.acr_management_subscriptions",
                self.acr_management_subscriptions,
            ),
            kind::<LocationSubscription>(
                "subscriptions to locations",
                "quotas.location_subscriptions",
                self.location_subscriptions,
            ),
            kind::<AcInfoSubscription>(
                "subscriptions to application clients",
                "quotas.ac_information_subscriptions",
                self.ac_information_subscriptions,
            ),
            kind::<ActStatusSubsc>(
                "subscriptions to managed relocations",
                "quotas.act_status_subscriptions",
                self.act_status_subscriptions,
            ),
            Kind {
                prefix: app_contexts::PREFIX,
                what: "places for application contexts",
                setting: "quotas.app_contexts",
                most: self.app_contexts.get(),
            },
            kind::<SessionWithQos>("sessions with a quality", "quotas.qos_sessions", self.qos_sessions),
            kind::<AppTrafficInfluence>(
                "traffic influences",
                "quotas.traffic_influences",
                self.traffic_influences,
            ),
            Kind {
                prefix: contexts::PREFIX,
                what: "DNS contexts",
                setting: "quotas.dns_contexts",
                most: self.dns_contexts.get(),
            },
            Kind {
                prefix: patterns::PREFIX,
                what: "baseline DNS patterns",
                setting: "quotas.baseline_dns_patterns",
                most: self.baseline_dns_patterns.get(),
            },
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_given_has_its_default_and_nothing_is_not_possible() {
        let some: QuotaSettings = serde_json::from_str(r#"{"qos_sessions": 5}"#).expect("accepted");
        assert_eq!(some.qos_sessions.get(), 5);
        assert_eq!(some.traffic_influences, QuotaSettings::default().traffic_influences);
        serde_json::from_str::<QuotaSettings>(r#"{"qos_sessions": 0}"#).expect_err("refused");
        serde_json::from_str::<QuotaSettings>(r#"{"sessions": 1}"#).expect_err("refused");
    }
}
