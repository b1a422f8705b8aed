//! CAPIF_Routing_Info_API: where an exposing function forwards invocations to (TS 29.222 clause 8.10).

use super::publish_service::{AefProfile, Ipv6AddressRange};
use crate::common::{Ipv4Addr, non_empty};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where invocations of an API go (clause 8.10.4.2.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoutingInfo {
    /// `routingRules`: the rules, at least one.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub routing_rules: Vec<RoutingRule>,
}

/// Where invocations from some addresses go; from any when it names none (clause 8.10.4.2.3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoutingRule {
    /// `ipv4AddrRanges`: addresses of invokers, at least one range when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub ipv4_addr_ranges: Vec<SourceRange>,
    /// `ipv6AddrRanges`: addresses of invokers, at least one range when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub ipv6_addr_ranges: Vec<Ipv6AddressRange>,
    /// `aefProfile`: the exposing function that they go to.
    pub aef_profile: AefProfile,
}

/// IPv4 addresses from one to another, both included; open at the end that is absent (TS 29.510).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceRange {
    /// `start`: the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub start: Option<Ipv4Addr>,
    /// `end`: the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub end: Option<Ipv4Addr>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    #[test]
    fn a_rule_says_where_to() {
        let text = r#"{"ipv4AddrRanges": [{"start": "192.0.2.0"}],
            "ipv6AddrRanges": [{"start": "2001:db8::", "end": "2001:db8::ff"}],
            "aefProfile": {"aefId": "A", "versions": [{"apiVersion": "v1"}], "domainName": "ees.example"}}"#;
        same::<RoutingRule>(text);
        needs::<RoutingRule>(text, &["aefProfile"]);
        refused::<RoutingInfo>(r#"{"routingRules": []}"#);
    }
}
