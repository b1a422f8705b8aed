//! Neasdf_DNSContext (TS 29.556 clause 6.1): what becomes of the DNS messages of one UE.
//!
//! ```
//! use edgeapp_openapi::easdf::context::{ApplyAction, DnsContextCreateData};
//!
//! let context: DnsContextCreateData = serde_json::from_str(
//!     r#"{"ueIpv4Addr": "10.45.0.7", "dnn": "edge", "sNssai": {"sst": 1},
//!         "dnsRules": {"r1": {"actionList": {"a1": {"applyAction": "FORWARD"}}}}}"#,
//! )?;
//! assert_eq!(context.dns_rules["r1"].action_list["a1"].apply_action, ApplyAction::Forward);
//! # Ok::<(), serde_json::Error>(())
//! ```

use super::matching::{FqdnPatternMatchingRule, Ipv4AddressRange, Ipv6PrefixRange};
use crate::{
    common::{
        DateTime, Fqdn, IpAddr, Ipv4Addr, Ipv6Addr, Ipv6Prefix, PlmnId, Snssai, SupportedFeatures, Uri, non_empty,
        non_empty_map, some_non_empty, within,
    },
    ids::Dnn,
};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr, Schema,
        schema::{AnyOfBuilder, ArrayBuilder},
    },
};

/// What is to become of the DNS messages of a UE (clause 6.1.6.2.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", remote = "Self")]
#[schema(example = json!({"ueIpv4Addr": "10.45.0.7", "dnn": "edge-a.example", "sNssai": {"sst": 1},
    "dnsRules": {"r1": {"actionList": {"a1": {"applyAction": "FORWARD"}}}}}))]
pub struct DnsContextCreateData {
    /// `ueIpv4Addr`: where its queries come from; all zero when that is not known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ue_ipv4_addr: Option<Ipv4Addr>,
    /// `ueIpv6Prefix`: where its queries come from; all zero when that is not known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ue_ipv6_prefix: Option<Ipv6Prefix>,
    /// `dnn`: the data network of its session.
    pub dnn: Dnn,
    /// `sNssai`: the slice of its session.
    pub s_nssai: Snssai,
    /// `hplmnId`: its home network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub hplmn_id: Option<PlmnId>,
    /// `n6RoutingInfo`: how its traffic gets to this server and back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub n6_routing_info: Option<N6RoutingInfo>,
    /// `dnsRules`: the rules, by keys that the SMF chose, at least one.
    #[serde(deserialize_with = "non_empty_map")]
    pub dns_rules: BTreeMap<String, DnsRule>,
    /// `notifyUri`: where reports go; needed where a rule reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub notify_uri: Option<Uri>,
    /// `supportedFeatures`: optional features that the SMF supports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supported_features: Option<SupportedFeatures>,
}

checked!(DnsContextCreateData, |context| {
    match (&context.ue_ipv4_addr, &context.ue_ipv6_prefix) {
        (None, None) => Err("must have at least one of these members: ueIpv4Addr ueIpv6Prefix"),
        _ => Ok(()),
    }
});

/// How traffic of a UE reaches an EASDF over N6 (clause 6.1.6.2.23).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct N6RoutingInfo {
    /// `ipv4Address`: the tunnel end's IPv4 address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ipv4_address: Option<Ipv4Addr>,
    /// `ipv6Address`: the tunnel end's IPv6 address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ipv6_address: Option<Ipv6Addr>,
    /// `portNumber`: its port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub port_number: Option<u64>,
}

/// The answer to who created a context (clause 6.1.6.2.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", remote = "Self")]
pub struct DnsContextCreatedData {
    /// `easdfIpv4Addr`: where the UE asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub easdf_ipv4_addr: Option<Ipv4Addr>,
    /// `easdfIpv6Addr`: where the UE asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub easdf_ipv6_addr: Option<Ipv6Addr>,
    /// `supportedFeatures`: optional features that both support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supported_features: Option<SupportedFeatures>,
}

checked!(DnsContextCreatedData, |made| {
    match (&made.easdf_ipv4_addr, &made.easdf_ipv6_addr) {
        (None, None) => Err("must have at least one of these members: easdfIpv4Addr easdfIpv6Addr"),
        _ => Ok(()),
    }
});

/// What is done with the messages that it is about (clause 6.1.6.2.4). With `dnsMsgId` it is about one message that is held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", remote = "Self")]
pub struct DnsRule {
    /// `dnsRuleId`: its name in reports; its key when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dns_rule_id: Option<String>,
    /// `label`: what it is for, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub label: Option<String>,
    /// `precedence`: of several that match the one with the lowest number counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub precedence: Option<u32>,
    /// `dnsQueryMdtList`: queries that it is about, any of these.
    #[serde(
        default,
        deserialize_with = "non_empty_map",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub dns_query_mdt_list: BTreeMap<String, DnsQueryMdt>,
    /// `baseDnsQueryMdtList`: queries that it is about, by baseline patterns.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub base_dns_query_mdt_list: Vec<BaselineDnsQueryMdtInfo>,
    /// `dnsRspMdtList`: responses that it is about, any of these.
    #[serde(
        default,
        deserialize_with = "non_empty_map",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub dns_rsp_mdt_list: BTreeMap<String, DnsRspMdt>,
    /// `baseDnsRspMdtList`: responses that it is about, by baseline patterns.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub base_dns_rsp_mdt_list: Vec<BaselineDnsRspMdtInfo>,
    /// `dnsMsgId`: the message that is held and that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dns_msg_id: Option<String>,
    /// `actionList`: what is done, by keys that the SMF chose, at least one.
    #[serde(deserialize_with = "non_empty_map")]
    pub action_list: BTreeMap<String, Action>,
}

impl DnsRule {
    /// Whether it is about queries that it describes.
    pub fn is_of_queries(&self) -> bool {
        !self.dns_query_mdt_list.is_empty() || !self.base_dns_query_mdt_list.is_empty()
    }

    /// Whether it is about responses that it describes.
    pub fn is_of_responses(&self) -> bool {
        !self.dns_rsp_mdt_list.is_empty() || !self.base_dns_rsp_mdt_list.is_empty()
    }
}

checked!(DnsRule, |rule| match rule.is_of_queries() && rule.is_of_responses() {
    true => Err("must not have templates of queries and of responses together"),
    false => Ok(()),
});

/// Queries: all that is said here holds (clause 6.1.6.2.5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DnsQueryMdt {
    /// `mdtId`: its name.
    pub mdt_id: String,
    /// `label`: what it is for, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub label: Option<String>,
    /// `sourceIpv4Addr`: where the query comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub source_ipv4_addr: Option<Ipv4Addr>,
    /// `sourceIpv6Prefix`: where the query comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub source_ipv6_prefix: Option<Ipv6Prefix>,
    /// `fqdnPatternList`: what it asks for, any of these.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub fqdn_pattern_list: Vec<FqdnPatternMatchingRule>,
}

/// Responses: all that is said here holds (clause 6.1.6.2.6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DnsRspMdt {
    /// `mdtId`: its name.
    pub mdt_id: String,
    /// `label`: what it is for, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub label: Option<String>,
    /// `fqdnPatternList`: what was asked for, any of these.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub fqdn_pattern_list: Vec<FqdnPatternMatchingRule>,
    /// `easIpv4AddrRanges`: an address in the response is in any of these.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub eas_ipv4_addr_ranges: Vec<Ipv4AddressRange>,
    /// `easIpv6PrefixRanges`: an address in the response is in any of these.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub eas_ipv6_prefix_ranges: Vec<Ipv6PrefixRange>,
    /// `dnsServerSrcAddrList`: the response comes from any of these servers.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub dns_server_src_addr_list: Vec<IpAddr>,
}

/// Queries by baseline patterns (clause 6.1.6.2.20).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BaselineDnsQueryMdtInfo {
    /// `sourceIpv4Addr`: where the query comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub source_ipv4_addr: Option<Ipv4Addr>,
    /// `sourceIpv6Prefix`: where the query comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub source_ipv6_prefix: Option<Ipv6Prefix>,
    /// `baseDnsMdtList`: the templates, any of these.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub base_dns_mdt_list: Vec<BaselineDnsMdtId>,
}

/// Responses by baseline patterns (clause 6.1.6.2.21).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BaselineDnsRspMdtInfo {
    /// `baseDnsMdtList`: the templates, any of these.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub base_dns_mdt_list: Vec<BaselineDnsMdtId>,
}

/// A template of a baseline pattern (clause 6.1.6.2.15).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BaselineDnsMdtId {
    /// `baseDnsPatternUri`: the pattern.
    pub base_dns_pattern_uri: PatternUri,
    /// `mdtId`: the template in it.
    pub mdt_id: String,
}

/// Action information of a baseline pattern (clause 6.1.6.2.16).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BaselineDnsAitId {
    /// `baseDnsPatternUri`: the pattern.
    pub base_dns_pattern_uri: PatternUri,
    /// `aitId`: the action information in it.
    pub ait_id: String,
}

/// The URI of a baseline pattern. The standard's file can be read as a URI and as a list of one: both are taken, and the former is
/// written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PatternUri(pub Uri);

impl<'de> Deserialize<'de> for PatternUri {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "must be a URI, or a list of one")]
        enum Either {
            Plain(Uri),
            Listed([Uri; 1]),
        }
        Ok(match Either::deserialize(deserializer)? {
            Either::Plain(uri) | Either::Listed([uri]) => Self(uri),
        })
    }
}

impl PartialSchema for PatternUri {
    fn schema() -> RefOr<Schema> {
        AnyOfBuilder::new()
            .item(
                ArrayBuilder::new()
                    .items(Uri::schema())
                    .min_items(Some(1))
                    .max_items(Some(1)),
            )
            .item(Uri::schema())
            .into()
    }
}

// Inline, as the standard writes it.
impl ToSchema for PatternUri {}

open_enum!(
    /// What is done with a message (clause 6.1.6.3.3).
    ApplyAction as "ApplyAction" {
        /// It is held until the SMF decides.
        Buffer = "BUFFER",
        /// The SMF is told of it.
        Report = "REPORT",
        /// It goes on: a query to who can answer it, a response to the UE.
        Forward = "FORWARD",
        /// It is dropped.
        Discard = "DISCARD",
        /// It is answered with given addresses.
        Respond = "RESPOND",
        /// Instead of a response, another server is asked, or for another network.
        SendAnotherDnsQuery = "SEND_ANOTHER_DNS_QUERY",
    }
);

/// Something that is done (clause 6.1.6.2.9).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Action {
    /// `applyAction`: what.
    pub apply_action: ApplyAction,
    /// `fwdParas`: where it goes, and for which network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub fwd_paras: Option<ForwardingParameters>,
    /// `reportingOnceInd`: only the first message is reported; false when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reporting_once_ind: Option<bool>,
    /// `resetReportingOnceInd`: the next message is reported again as if it were the first; false when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reset_reporting_once_ind: Option<bool>,
    /// `respParas`: the addresses that it is answered with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub resp_paras: Option<RespondParameters>,
}

impl Action {
    /// Does this, and nothing more is said about it.
    pub fn of(apply_action: ApplyAction) -> Self {
        Self {
            apply_action,
            fwd_paras: None,
            reporting_once_ind: None,
            reset_reporting_once_ind: None,
            resp_paras: None,
        }
    }
}

/// Where a query goes, or for which network (clause 6.1.6.2.11).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", remote = "Self")]
pub struct ForwardingParameters {
    /// `ecsOptionInfo`: for this network (option A).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ecs_option_info: Option<EcsOptionInfo>,
    /// `dnsServerAddressInfo`: to this server (option B).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dns_server_address_info: Option<DnsServerAddressInfo>,
}

// TS 23.548 clause 6.2.3.2.2: one of the options, not both.
checked!(ForwardingParameters, |parameters| {
    match (&parameters.ecs_option_info, &parameters.dns_server_address_info) {
        (Some(_), Some(_)) => Err("must not have ecsOptionInfo and dnsServerAddressInfo together"),
        _ => Ok(()),
    }
});

one_of!(
    /// A client subnet, as it is or by a baseline pattern (clause 6.1.6.2.12).
    EcsOptionInfo {
        /// `ecsOption`: this one.
        EcsOption(EcsOption) = "ecsOption",
        /// `baseDnsAitId`: that of this action information.
        BaseDnsAitId(BaselineDnsAitId) = "baseDnsAitId",
    }
);

one_of!(
    /// DNS servers, as they are or by a baseline pattern (clause 6.1.6.2.13).
    DnsServerAddressInfo {
        /// `dnsServerAddressList`: these.
        DnsServerAddressList(Vec<IpAddr>) = "dnsServerAddressList" with "some_non_empty",
        /// `baseDnsAitId`: those of this action information.
        BaseDnsAitId(BaselineDnsAitId) = "baseDnsAitId",
    }
);

fn bits<'de, D: Deserializer<'de>, T: Deserialize<'de> + crate::common::Number>(
    deserializer: D,
) -> Result<T, D::Error> {
    within(deserializer, 0.0, 128.0)
}

/// A client subnet (RFC 7871; clause 6.1.6.2.17).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", remote = "Self")]
pub struct EcsOption {
    /// `sourcePrefixLength`: how many bits of the address are told.
    #[serde(deserialize_with = "bits")]
    #[schema(minimum = 0, maximum = 128)]
    pub source_prefix_length: u8,
    /// `scopePrefixLength`: of a response, how many bits it depends on.
    #[serde(default, deserialize_with = "bits", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 128)]
    pub scope_prefix_length: Option<u8>,
    /// `ipAddr`: the address.
    pub ip_addr: IpAddr,
}

checked!(EcsOption, |option| {
    let longest = option
        .source_prefix_length
        .max(option.scope_prefix_length.unwrap_or_default());
    match option.ip_addr {
        IpAddr::Ipv4Addr(_) if longest > 32 => Err("must not have a prefix of more than 32 bits where ipAddr is IPv4"),
        _ => Ok(()),
    }
});

/// Addresses that a query is answered with (clause 6.1.6.2.22).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RespondParameters {
    /// `easIpv4Addresses`: IPv4 addresses.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub eas_ipv4_addresses: Vec<Ipv4Addr>,
    /// `easIpv6Addresses`: IPv6 addresses.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub eas_ipv6_addresses: Vec<Ipv6Addr>,
}

/// What an SMF is told (clause 6.1.6.2.10).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DnsContextNotification {
    /// `eventreportList`: what happened, the oldest first.
    #[serde(
        default,
        rename = "eventreportList",
        deserialize_with = "non_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schema(min_items = 1)]
    pub event_report_list: Vec<DnsContextEventReport>,
}

/// A message that a rule matched (clause 6.1.6.2.18).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DnsContextEventReport {
    /// `timestamp`: when.
    pub timestamp: DateTime,
    /// `dnsRuleId`: the rule, where its name is a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dns_rule_id: Option<u32>,
    /// `dnsQueryReport`: the query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dns_query_report: Option<DnsQueryReport>,
    /// `dnsRspReport`: the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dns_rsp_report: Option<DnsRspReport>,
    /// `dnsMsgId`: the message, where it is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dns_msg_id: Option<String>,
}

/// A query (clause 6.1.6.2.19).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DnsQueryReport {
    /// `fqdn`: what it asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub fqdn: Option<Fqdn>,
}

/// A response (clause 6.1.6.2.19).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DnsRspReport {
    /// `fqdn`: what was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub fqdn: Option<Fqdn>,
    /// `easIpv4Addresses`: the IPv4 addresses in it.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub eas_ipv4_addresses: Vec<Ipv4Addr>,
    /// `easIpv6Addresses`: the IPv6 addresses in it.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub eas_ipv6_addresses: Vec<Ipv6Addr>,
    /// `ecsOption`: the client subnet in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ecs_option: Option<EcsOption>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, only, refused, same};

    const CONTEXT: &str = r#"{
        "ueIpv4Addr": "10.45.0.7", "ueIpv6Prefix": "2001:db8:45::/64", "dnn": "edge", "sNssai": {"sst": 1},
        "hplmnId": {"mcc": "001", "mnc": "01"}, "n6RoutingInfo": {"ipv4Address": "192.0.2.9", "portNumber": 2152},
        "notifyUri": "https://smf.example/n", "supportedFeatures": "0",
        "dnsRules": {"r/1": {"dnsRuleId": "7", "precedence": 1, "label": "all",
            "dnsQueryMdtList": {"q": {"mdtId": "q", "fqdnPatternList": [{"regex": "x"}]}},
            "actionList": {"a": {"applyAction": "FORWARD", "fwdParas": {"ecsOptionInfo":
                {"ecsOption": {"sourcePrefixLength": 24, "ipAddr": {"ipv4Addr": "192.0.2.0"}}}}}}}}}"#;

    #[test]
    fn a_context_is_of_a_ue_and_has_rules() {
        same::<DnsContextCreateData>(CONTEXT);
        only::<DnsContextCreateData>(CONTEXT, &["ueIpv4Addr", "ueIpv6Prefix"], &["dnn", "sNssai", "dnsRules"]);
        let nobody =
            r#"{"dnn": "edge", "sNssai": {"sst": 1}, "dnsRules": {"a": {"actionList": {"a": {"applyAction": "X"}}}}}"#;
        assert!(refused::<DnsContextCreateData>(nobody).contains("ueIpv4Addr"));
        refused::<DnsContextCreateData>(
            r#"{"ueIpv4Addr": "10.0.0.1", "dnn": "edge", "sNssai": {"sst": 1}, "dnsRules": {}}"#,
        );
        refused::<DnsContextCreatedData>("{}");
    }

    #[test]
    fn a_rule_is_of_one_kind_of_message() {
        let (query, response) = (
            r#""dnsQueryMdtList": {"a": {"mdtId": "a"}}"#,
            r#""dnsRspMdtList": {"a": {"mdtId": "a"}}"#,
        );
        let base = r#"[{"baseDnsMdtList": [{"baseDnsPatternUri": "https://e.example/p", "mdtId": "m"}]}]"#;
        let action = r#""actionList": {"a": {"applyAction": "DISCARD"}}"#;
        same::<DnsRule>(&format!("{{{query}, \"baseDnsQueryMdtList\": {base}, {action}}}"));
        same::<DnsRule>(&format!("{{{response}, \"baseDnsRspMdtList\": {base}, {action}}}"));
        same::<DnsRule>(&format!("{{{action}}}"));
        for both in [
            format!("{query}, {response}"),
            format!("{query}, \"baseDnsRspMdtList\": {base}"),
            format!("\"baseDnsQueryMdtList\": {base}, {response}"),
            format!("\"baseDnsQueryMdtList\": {base}, \"baseDnsRspMdtList\": {base}"),
        ] {
            refused::<DnsRule>(&format!("{{{both}, {action}}}"));
        }
        refused::<DnsRule>(r#"{"actionList": {}}"#);
    }

    #[test]
    fn forwarding_is_for_a_network_or_to_a_server() {
        let (ecs, server) = (
            r#""ecsOptionInfo": {"ecsOption": {"sourcePrefixLength": 24, "ipAddr": {"ipv4Addr": "192.0.2.0"}}}"#,
            r#""dnsServerAddressInfo": {"dnsServerAddressList": [{"ipv4Addr": "192.0.2.53"}]}"#,
        );
        same::<ForwardingParameters>(&format!("{{{ecs}}}"));
        same::<ForwardingParameters>(&format!("{{{server}}}"));
        refused::<ForwardingParameters>(&format!("{{{ecs}, {server}}}"));
        refused::<EcsOption>(r#"{"sourcePrefixLength": 33, "ipAddr": {"ipv4Addr": "192.0.2.0"}}"#);
        refused::<EcsOption>(r#"{"sourcePrefixLength": 129, "ipAddr": {"ipv6Addr": "2001:db8::"}}"#);
        needs::<EcsOption>(
            r#"{"sourcePrefixLength": 56, "scopePrefixLength": 0, "ipAddr": {"ipv6Addr": "2001:db8::"}}"#,
            &["sourcePrefixLength", "ipAddr"],
        );
    }

    #[test]
    fn a_pattern_is_named_by_a_uri_or_a_list_of_one() {
        let plain: BaselineDnsAitId = same(r#"{"baseDnsPatternUri": "https://e.example/p", "aitId": "a"}"#);
        let listed = r#"{"baseDnsPatternUri": ["https://e.example/p"], "aitId": "a"}"#;
        assert_eq!(serde_json::from_str::<BaselineDnsAitId>(listed).unwrap(), plain);
        refused::<BaselineDnsAitId>(r#"{"baseDnsPatternUri": [], "aitId": "a"}"#);
    }

    #[test]
    fn a_report_carries_a_number() {
        same::<DnsContextNotification>(
            r#"{"eventreportList": [{"timestamp": "2026-01-05T12:00:00Z", "dnsRuleId": 7, "dnsMsgId": "m",
                "dnsRspReport": {"fqdn": "chess.edge.example", "easIpv4Addresses": ["192.0.2.1"]}}]}"#,
        );
    }
}
