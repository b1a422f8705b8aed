//! Under which terms subscriptions to application clients are filed, so that news of one EEC finds the few that it may concern.

use edgeapp_core::filed::Filed;
use edgeapp_openapi::{
    app_client_information::{AcFilters, AcInfoSubscription, TrigCondParams},
    eec_registration::AcProfile,
    ids::{AcId, Gpsi, ProviderId},
};

/// The subscriptions to application clients, filed.
pub type FiledSubscriptions = Filed<AcInfoSubscription, AcTerm>;

/// No subscriptions yet, for a follower to fill.
pub fn filed() -> FiledSubscriptions {
    Filed::new(AcTerm::of_subscription)
}

/// What sets a report off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// An EEC registered, changed its registration, or came with its context.
    Registration,
    /// An EEC discovered EASs for its application clients.
    Discovery,
}

/// What is known of an application client, by what happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AcTerm {
    /// What happened.
    pub by: Trigger,
    /// What is known.
    pub what: What,
}

/// Something that is true of an application client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// It is one.
    Any,
    /// It is this one.
    Client(AcId),
    /// It is of this type.
    Type(String),
    /// It prefers this provider.
    Provider(ProviderId),
    /// It is on the UE that has this name, for some EAS at least.
    OnUe(Gpsi),
    /// It is on a UE, which may have names that the EES made up.
    OnNamedUe,
}

/// How every Edge UE ID begins.
fn is_made_up(name: &Gpsi) -> bool {
    name.as_str().starts_with(crate::ue_identifier::PREFIX)
}

/// What sets off reports to a subscription: registrations when it does not say, everything when it leaves it open.
pub fn triggers(subscription: &AcInfoSubscription) -> Vec<Trigger> {
    let asked = &subscription.trig_cond_params;
    let any = asked.contains(&TrigCondParams::Unspecified);
    let registration = asked.is_empty() || any || asked.contains(&TrigCondParams::EecRegistration);
    let discovery = any || asked.contains(&TrigCondParams::EasDiscovery);
    let both = [(registration, Trigger::Registration), (discovery, Trigger::Discovery)];
    both.into_iter()
        .filter_map(|(wanted, trigger)| wanted.then_some(trigger))
        .collect()
}

impl AcTerm {
    /// The terms under which a subscription is filed.
    pub fn of_subscription(subscription: &AcInfoSubscription) -> Vec<Self> {
        let whats: Vec<What> = match subscription.ac_fltrs.as_slice() {
            [] => vec![What::Any],
            filters => filters.iter().flat_map(of_filter).collect(),
        };
        let by = |by: Trigger| whats.iter().cloned().map(move |what| Self { by, what });
        triggers(subscription).into_iter().flat_map(by).collect()
    }

    /// The terms that news of these application clients ask for. `names` are those of their UE.
    pub fn of_news(by: Trigger, profiles: &[AcProfile], names: &[Gpsi]) -> Vec<Self> {
        let mut whats = vec![What::Any];
        whats.extend(names.iter().cloned().map(What::OnUe));
        for profile in profiles {
            whats.push(What::Client(profile.ac_id.clone()));
            whats.extend(profile.ac_type.clone().map(What::Type));
            whats.extend(profile.pref_ecsps.iter().cloned().map(What::Provider));
        }
        whats.into_iter().map(|what| Self { by, what }).collect()
    }
}

/// Of what a filter demands all at once, the demand that fewest clients meet; of a list each element.
fn of_filter(filter: &AcFilters) -> Vec<What> {
    if !filter.ac_ids.is_empty() {
        return filter.ac_ids.iter().cloned().map(What::Client).collect();
    }
    if !filter.ue_ids.is_empty() {
        let made_up = filter.ue_ids.iter().any(is_made_up).then_some(What::OnNamedUe);
        return filter.ue_ids.iter().cloned().map(What::OnUe).chain(made_up).collect();
    }
    if !filter.ac_types.is_empty() {
        return filter.ac_types.iter().cloned().map(What::Type).collect();
    }
    if !filter.ecsp_ids.is_empty() {
        return filter.ecsp_ids.iter().cloned().map(What::Provider).collect();
    }
    vec![What::Any]
}

#[cfg(test)]
mod tests;
