//! Topology hiding and routing (TS 29.222 clause 5.12): invokers see an entry point, which asks where invocations really go.

use crate::{
    caller::Proof,
    core_function::CoreFunction,
    events::{About, Event},
    publish::{PublishedApi, unknown_api},
};
use edgeapp_core::error::Error;
use edgeapp_openapi::capif::{
    FunctionId,
    events::{CapifEvent, CapifEventDetail, TopologyHiding},
    provider_management::ApiProviderFuncRole,
    publish_service::{AefProfile, InterfaceDescription, ServiceApiDescription},
    routing_info::{RoutingInfo, RoutingRule},
};
use serde::{Deserialize, Serialize};

/// An API that is reached by an entry point alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hiding {
    /// `api_name`: the name of the API.
    pub api_name: String,
    /// `entry`: the exposing function that invokers see.
    pub entry: FunctionId,
    /// `interfaces`: where it is reached, written as in a published description.
    pub interfaces: Vec<InterfaceDescription>,
}

/// Pure: the rules by which an entry point forwards invocations of an API: to its other exposing functions, from anywhere.
pub fn rules_of(description: &ServiceApiDescription, hiding: &Hiding) -> Vec<RoutingRule> {
    let behind = description.aef_profiles.iter();
    behind
        .filter(|profile| profile.aef_id != hiding.entry)
        .map(|profile| RoutingRule {
            ipv4_addr_ranges: Vec::new(),
            ipv6_addr_ranges: Vec::new(),
            aef_profile: profile.clone(),
        })
        .collect()
}

/// Pure: a description as invokers see it: behind an entry point only that is seen.
pub fn behind_entry_points(description: ServiceApiDescription, hidden: &[Hiding]) -> ServiceApiDescription {
    let Some(hiding) = hidden.iter().find(|hiding| hiding.api_name == description.api_name) else {
        return description;
    };
    let Some(first) = description.aef_profiles.first() else {
        return description;
    };
    let entry = AefProfile {
        aef_id: hiding.entry.clone(),
        domain_name: None,
        interface_descriptions: hiding.interfaces.clone(),
        aef_location: None,
        ..first.clone()
    };
    ServiceApiDescription {
        aef_profiles: vec![entry],
        ..description
    }
}

impl CoreFunction {
    /// The events that tell an entry point of an API behind it.
    pub(crate) fn hidden(&self, api: &PublishedApi, event: CapifEvent) -> Vec<Event> {
        let of = self.rules().hiding.iter();
        let of = of.filter(|hiding| hiding.api_name == api.description.api_name);
        of.filter_map(|hiding| {
            let rules = rules_of(&api.description, hiding);
            let api_id = api.description.api_id.clone()?;
            let detail = CapifEventDetail {
                api_topo_hide: (!rules.is_empty()).then_some(TopologyHiding {
                    api_id,
                    routing_rules: rules,
                }),
                ..CapifEventDetail::default()
            };
            let about = About {
                aef_ids: vec![hiding.entry.clone()],
                ..api.about()
            };
            detail
                .api_topo_hide
                .is_some()
                .then(|| Event::told(event.clone(), detail, about))
        })
        .collect()
    }

    /// Where an entry point forwards invocations of an API to.
    ///
    /// # Errors
    /// When the caller is not that exposing function, or there is nothing to forward.
    pub async fn routing_info(
        &self,
        proof: &Proof<'_>,
        api_id: &str,
        aef_id: &FunctionId,
    ) -> Result<RoutingInfo, Error> {
        let aef = self.function(proof, &ApiProviderFuncRole::Aef).await?;
        if aef.id != *aef_id {
            return Err(Error::not_yours("aef-id", "AEF identifier"));
        }
        let nothing = || unknown_api("serviceApiId");
        let api = self.api(api_id).ok_or_else(nothing)?;
        let hiding = self.rules().hiding.iter();
        let mut hiding = hiding.filter(|hiding| hiding.entry == aef.id && hiding.api_name == api.description.api_name);
        let routing_rules = hiding.next().map(|hiding| rules_of(&api.description, hiding));
        let routing_rules = routing_rules.filter(|rules| !rules.is_empty()).ok_or_else(nothing)?;
        Ok(RoutingInfo { routing_rules })
    }
}
