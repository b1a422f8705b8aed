//! Access control policies (TS 29.222 clause 5.10): how much invokers may use APIs. The operator writes them; exposing functions apply
//! them.

use crate::{
    caller::{INVOKERS, Invoker, Proof},
    core_function::CoreFunction,
    events::{About, Event},
    publish::{PublishedApi, unknown_api},
};
use edgeapp_core::{
    error::Error,
    kept::Kept,
    room::{Decision, contended},
    store::{Key, Span},
};
use edgeapp_openapi::{
    capif::{
        ApiInvokerId, FunctionId,
        access_control_policy::{AccessControlPolicyList, ApiInvokerPolicy, TimeRangeList},
        events::{AccessControlPolicyListExt, CapifEvent, CapifEventDetail},
        provider_management::ApiProviderFuncRole,
    },
    ids::EasId,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Where the policies of the last run are kept.
const IN_FORCE: &str = "capif/policies";

/// How much some invokers may use an API. Of several rules for the same API and invoker the first counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyRule {
    /// `api_name`: the name of the API.
    pub api_name: String,
    /// `eas_id`: invokers of this application; of any when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eas_id: Option<EasId>,
    /// `invoker`: this invoker only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoker: Option<ApiInvokerId>,
    /// `total`: how often altogether.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// `per_second`: how often per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_second: Option<u64>,
    /// `times`: when: a list of `startTime` and `stopTime`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub times: Vec<TimeRangeList>,
}

/// Pure: the policy of an invoker for an API, if there is one.
pub fn policy_of(rules: &[PolicyRule], api_name: &str, id: &ApiInvokerId, eas_id: &EasId) -> Option<ApiInvokerPolicy> {
    let mut of = rules.iter().filter(|rule| {
        rule.api_name == api_name
            && rule.eas_id.as_ref().is_none_or(|wanted| wanted == eas_id)
            && rule.invoker.as_ref().is_none_or(|wanted| wanted == id)
    });
    of.next().map(|rule| ApiInvokerPolicy {
        api_invoker_id: id.clone(),
        allowed_total_invocations: rule.total,
        allowed_invocations_per_second: rule.per_second,
        allowed_invocation_time_range_list: rule.times.clone(),
    })
}

/// Pure: the names of the APIs whose rules differ.
fn differing<'a>(before: &'a [PolicyRule], now: &'a [PolicyRule]) -> BTreeSet<&'a str> {
    let names = before.iter().chain(now).map(|rule| rule.api_name.as_str());
    let of = |rules: &'a [PolicyRule], name: &str| -> Vec<&'a PolicyRule> {
        rules.iter().filter(|rule| rule.api_name == name).collect()
    };
    names.filter(|name| of(before, name) != of(now, name)).collect()
}

impl CoreFunction {
    async fn policies(&self, api: &PublishedApi, of: Option<&ApiInvokerId>) -> Result<Vec<ApiInvokerPolicy>, Error> {
        let rules = &self.rules().policies;
        let name = &api.description.api_name;
        if !rules.iter().any(|rule| rule.api_name == *name) {
            return Ok(Vec::new());
        }
        let span = match of {
            Some(id) => Span::prefix(crate::caller::invoker_key(id.as_str()).as_str()),
            None => Span::prefix(INVOKERS),
        };
        let now = self.room().now();
        let mut policies = Vec::new();
        for entry in self.room().store().range(span).await?.entries {
            let kept: Kept<Invoker> = Kept::from_entry(&entry)?;
            let invoker = &kept.value;
            if kept.is_live(now) && of.is_none_or(|id| *id == invoker.id) {
                policies.extend(policy_of(rules, name, &invoker.id, &invoker.eas_id));
            }
        }
        Ok(policies)
    }

    /// The policies of an API, of all invokers or of one.
    ///
    /// # Errors
    /// When the caller is not that exposing function, or does not expose the API.
    pub async fn access_control_policies(
        &self,
        proof: &Proof<'_>,
        api_id: &str,
        aef_id: &FunctionId,
        invoker: Option<&ApiInvokerId>,
    ) -> Result<AccessControlPolicyList, Error> {
        let aef = self.function(proof, &ApiProviderFuncRole::Aef).await?;
        if aef.id != *aef_id {
            return Err(Error::not_yours("aef-id", "AEF identifier"));
        }
        let exposed = self.api(api_id).filter(|api| api.aef_ids().contains(aef.id.as_str()));
        let api = exposed.ok_or_else(|| unknown_api("serviceApiId"))?;
        Ok(AccessControlPolicyList {
            api_invoker_policies: self.policies(&api, invoker).await?,
        })
    }

    /// Tells of policies that differ from those of the last run.
    pub(crate) async fn policies_in_force(&self) -> Result<(), Error> {
        let key = Key::new(IN_FORCE);
        let now = &self.rules().policies;
        for mut seen in self.room().attempts() {
            let entry = seen.entry(&key).await?;
            let before: Vec<PolicyRule> = match &entry {
                None => Vec::new(),
                Some(entry) => serde_json::from_slice(&entry.value).map_err(Error::internal)?,
            };
            let names = differing(&before, now);
            if names.is_empty() {
                return Ok(());
            }
            let bytes = serde_json::to_vec(now).map_err(Error::internal)?;
            let mut decision = Decision::of(()).put_bytes(&key, bytes.into(), None);
            for api in self.catalogue().all() {
                let name = api.description.api_name.as_str();
                let (true, Some(api_id)) = (names.contains(name), api.description.api_id.clone()) else {
                    continue;
                };
                let about = api.about();
                decision = match now.iter().any(|rule| rule.api_name == name) {
                    true => {
                        let detail = CapifEventDetail {
                            acc_ctrl_pol_list: Some(AccessControlPolicyListExt {
                                api_invoker_policies: self.policies(&api, None).await?,
                                api_id,
                            }),
                            ..CapifEventDetail::default()
                        };
                        decision.tell(&Event::told(CapifEvent::AccessControlPolicyUpdate, detail, about))?
                    }
                    false => {
                        let detail = CapifEventDetail {
                            api_ids: vec![api_id],
                            ..CapifEventDetail::default()
                        };
                        let about = About {
                            api_invoker_ids: Vec::new(),
                            ..about
                        };
                        decision.tell(&Event::told(CapifEvent::AccessControlPolicyUnavailable, detail, about))?
                    }
                };
            }
            if self.room().commit(seen, decision).await?.is_some() {
                return Ok(());
            }
        }
        Err(contended())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(api_name: &str, eas_id: Option<&str>, total: u64) -> PolicyRule {
        PolicyRule {
            api_name: api_name.to_owned(),
            eas_id: eas_id.map(|id| id.parse().expect("an identifier")),
            invoker: None,
            total: Some(total),
            per_second: None,
            times: Vec::new(),
        }
    }

    #[test]
    fn the_first_rule_that_fits_counts() {
        let rules = [
            rule("a", Some("chess"), 1),
            rule("a", None, 2),
            rule("b", Some("go"), 3),
        ];
        let id = "INV1".parse().expect("an identifier");
        let total = |api: &str, eas: &str| {
            policy_of(&rules, api, &id, &eas.parse().expect("an identifier"))
                .and_then(|policy| policy.allowed_total_invocations)
        };
        assert_eq!(
            (total("a", "chess"), total("a", "go"), total("b", "chess")),
            (Some(1), Some(2), None)
        );
    }

    #[test]
    fn apis_whose_rules_differ_are_told() {
        let (one, other) = (
            [rule("a", None, 1), rule("b", None, 1)],
            [rule("a", None, 1), rule("b", None, 2)],
        );
        assert_eq!(differing(&one, &other), ["b"].into());
        assert_eq!(differing(&one, &one[..1]), ["b"].into());
        assert!(differing(&one, &one).is_empty());
    }
}
