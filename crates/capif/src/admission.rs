//! Admission of invocations by access control policies, at an exposing function (TS 29.222 clause 8.6, TS 29.558 clause 10.2 NOTE).

use arc_swap::ArcSwap;
use edgeapp_openapi::{
    capif::{ServiceApiId, access_control_policy::ApiInvokerPolicy},
    common::DateTime,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

/// The policies of each API, as its core function has them.
pub type Policies = BTreeMap<ServiceApiId, Vec<ApiInvokerPolicy>>;

/// Why an invocation is not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Excess {
    /// The invoker used up all that it was allowed.
    #[error("the API invoker has used up the invocations of this API that it is allowed")]
    Total,
    /// It calls too often.
    #[error("the API invoker calls this API more often per second than it is allowed")]
    PerSecond,
    /// It may call at other times only.
    #[error("the API invoker is not allowed to call this API at this time")]
    Time,
}

/// How much an invoker has used of an API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Invocations altogether.
    pub total: u64,
    /// The second that the last one fell into, since 1970.
    second: i64,
    /// Invocations in that second.
    in_second: u64,
}

impl Used {
    /// So many altogether, and none just now.
    pub fn of_total(total: u64) -> Self {
        Self {
            total,
            ..Self::default()
        }
    }
}

/// Pure: what is used after one more invocation at this instant.
///
/// # Errors
/// When a policy does not admit it; then nothing more is used.
pub fn admit(policy: &ApiInvokerPolicy, used: Used, now: DateTime) -> Result<Used, Excess> {
    if !policy.allows_at(now) {
        return Err(Excess::Time);
    }
    let second = now.0.as_second();
    let in_second = match used.second == second {
        true => used.in_second,
        false => 0,
    };
    if policy.allowed_total_invocations.is_some_and(|most| used.total >= most) {
        return Err(Excess::Total);
    }
    if policy
        .allowed_invocations_per_second
        .is_some_and(|most| in_second >= most)
    {
        return Err(Excess::PerSecond);
    }
    Ok(Used {
        total: used.total.saturating_add(1),
        second,
        in_second: in_second + 1,
    })
}

/// Policies in force, and what was used of them.
#[derive(Default)]
pub struct Admission {
    policies: ArcSwap<HashMap<String, HashMap<String, Arc<ApiInvokerPolicy>>>>,
    used: Mutex<HashMap<String, HashMap<String, Used>>>,
}

impl Admission {
    /// These policies are in force from now on.
    pub fn goes_by(&self, policies: &Policies) {
        let of_api = |policies: &Vec<ApiInvokerPolicy>| {
            let of_invoker = |policy: &ApiInvokerPolicy| (policy.api_invoker_id.to_string(), Arc::new(policy.clone()));
            policies.iter().map(of_invoker).collect()
        };
        let all = policies
            .iter()
            .map(|(api, policies)| (api.to_string(), of_api(policies)));
        self.policies.store(Arc::new(all.collect()));
    }

    /// So much was used before.
    pub fn used_before(&self, invoker: &str, api: &str, total: u64) {
        let mut all = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let used = all
            .entry(invoker.to_owned())
            .or_default()
            .entry(api.to_owned())
            .or_default();
        used.total = used.total.max(total);
    }

    /// Admits one invocation and counts it; the total so far where a policy bounds it.
    ///
    /// # Errors
    /// When a policy does not admit it.
    pub fn admit(&self, invoker: &str, api: &str, now: DateTime) -> Result<Option<u64>, Excess> {
        let policies = self.policies.load();
        let Some(policy) = policies.get(api).and_then(|of_api| of_api.get(invoker)) else {
            return Ok(None);
        };
        let mut all = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let used = all
            .entry(invoker.to_owned())
            .or_default()
            .entry(api.to_owned())
            .or_default();
        *used = admit(policy, *used, now)?;
        Ok(policy.allowed_total_invocations.map(|_| used.total))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgeapp_openapi::capif::access_control_policy::TimeRangeList;
    use jiff::Timestamp;
    use proptest::prelude::*;

    fn policy(total: Option<u64>, per_second: Option<u64>) -> ApiInvokerPolicy {
        ApiInvokerPolicy {
            api_invoker_id: "INV1".parse().expect("an identifier"),
            allowed_total_invocations: total,
            allowed_invocations_per_second: per_second,
            allowed_invocation_time_range_list: Vec::new(),
        }
    }

    fn at(milliseconds: i64) -> DateTime {
        DateTime(Timestamp::from_millisecond(1_800_000_000_000 + milliseconds).expect("an instant"))
    }

    #[test]
    fn totals_rates_and_times() {
        let admission = Admission::default();
        let admit = |invoker, millis| admission.admit(invoker, "a", at(millis));
        assert_eq!(admit("INV1", 0), Ok(None), "no policy, no limit");
        let api: ServiceApiId = "a".parse().expect("an identifier");
        let bounded = vec![policy(Some(4), Some(2))];
        admission.goes_by(&Policies::from([(api.clone(), bounded)]));
        admission.used_before("INV1", "a", 1);
        assert_eq!(admit("INV1", 0), Ok(Some(2)));
        assert_eq!(admit("INV1", 10), Ok(Some(3)));
        assert_eq!(admit("INV1", 20), Err(Excess::PerSecond));
        assert_eq!(admit("INV2", 20), Ok(None), "another invoker");
        assert_eq!(admit("INV1", 1000), Ok(Some(4)));
        assert_eq!(admit("INV1", 2000), Err(Excess::Total));
        let timed = ApiInvokerPolicy {
            allowed_invocation_time_range_list: vec![TimeRangeList {
                start_time: Some(at(5000)),
                stop_time: Some(at(6000)),
            }],
            ..policy(None, None)
        };
        admission.goes_by(&Policies::from([(api, vec![timed])]));
        assert_eq!(admit("INV1", 4999), Err(Excess::Time));
        assert_eq!(admit("INV1", 5000), Ok(None));
        assert_eq!(admit("INV1", 6000), Err(Excess::Time));
    }

    proptest! {
        /// Whatever comes when: no more are admitted than are allowed, altogether and in any second.
        #[test]
        fn never_more_than_allowed(total in 0u64..20, per_second in 0u64..5, steps in prop::collection::vec(0i64..700, 0..60)) {
            let policy = policy(Some(total), Some(per_second));
            let (mut used, mut now, mut admitted) = (Used::default(), 0, Vec::new());
            for step in steps {
                now += step;
                if let Ok(next) = admit(&policy, used, at(now)) {
                    used = next;
                    admitted.push(now / 1000);
                }
            }
            prop_assert!(admitted.len() as u64 <= total);
            for second in &admitted {
                prop_assert!(admitted.iter().filter(|other| *other == second).count() as u64 <= per_second);
            }
        }
    }
}
