//! CAPIF_Access_Control_Policy_API: how much each invoker may use an API (TS 29.222 clause 8.6).

use super::ApiInvokerId;
use crate::common::{DateTime, bounded};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The policies of an API (clause 8.6.4.2.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessControlPolicyList {
    /// `apiInvokerPolicies`: those of each invoker that has any.
    #[serde(default, deserialize_with = "bounded")]
    #[schema(required = false)]
    pub api_invoker_policies: Vec<ApiInvokerPolicy>,
}

/// How much one invoker may use an API (clause 8.6.4.2.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiInvokerPolicy {
    /// `apiInvokerId`: the invoker.
    pub api_invoker_id: ApiInvokerId,
    /// `allowedTotalInvocations`: how often altogether; without limit when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub allowed_total_invocations: Option<u64>,
    /// `allowedInvocationsPerSecond`: how often per second; without limit when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub allowed_invocations_per_second: Option<u64>,
    /// `allowedInvocationTimeRangeList`: when; always when absent or empty.
    #[serde(default, deserialize_with = "bounded", skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub allowed_invocation_time_range_list: Vec<TimeRangeList>,
}

/// A range of time (clause 8.6.4.2.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimeRangeList {
    /// `startTime`: from when; since ever when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub start_time: Option<DateTime>,
    /// `stopTime`: until when; for ever when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub stop_time: Option<DateTime>,
}

impl TimeRangeList {
    /// Whether an instant lies in the range.
    pub fn holds(&self, at: DateTime) -> bool {
        self.start_time.is_none_or(|start| start <= at) && self.stop_time.is_none_or(|stop| at < stop)
    }
}

impl ApiInvokerPolicy {
    /// Whether the invoker may use the API at this instant.
    pub fn allows_at(&self, at: DateTime) -> bool {
        self.allowed_invocation_time_range_list.is_empty()
            || self
                .allowed_invocation_time_range_list
                .iter()
                .any(|range| range.holds(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, same};

    #[test]
    fn a_policy() {
        let text = r#"{"apiInvokerId": "I", "allowedTotalInvocations": 10, "allowedInvocationsPerSecond": 2,
            "allowedInvocationTimeRangeList": [{"startTime": "2030-01-01T00:00:00Z", "stopTime": "2030-01-02T00:00:00Z"}]}"#;
        let policy: ApiInvokerPolicy = same(text);
        needs::<ApiInvokerPolicy>(text, &["apiInvokerId"]);
        let at = |text: &str| policy.allows_at(text.parse().unwrap());
        assert!(at("2030-01-01T00:00:00Z") && !at("2030-01-02T00:00:00Z") && !at("2029-12-31T23:59:59Z"));
        same::<AccessControlPolicyList>(r#"{"apiInvokerPolicies": []}"#);
    }
}
