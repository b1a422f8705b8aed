//! Neasdf_BaselineDNSPattern (TS 29.556 clause 6.2): patterns that the contexts of many UEs refer to.

use super::context::{DnsQueryMdt, DnsRspMdt, EcsOption};
use crate::common::{IpAddr, SupportedFeatures, non_empty, non_empty_map};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, str::FromStr};
use utoipa::ToSchema;

/// Templates of messages, and what is done with them (clause 6.2.6.2.2).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"baseDnsAitList": {"a1": {"aitId": "a1", "ecsOption":
    {"sourcePrefixLength": 24, "ipAddr": {"ipv4Addr": "10.45.3.0"}}}}}))]
pub struct BaseDnsPatternCreateData {
    /// `label`: what it is for, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub label: Option<String>,
    /// `baseDnsMdtList`: the templates, by keys that the SMF chose.
    #[serde(
        default,
        deserialize_with = "non_empty_map",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub base_dns_mdt_list: BTreeMap<String, BaselineDnsMdt>,
    /// `baseDnsAitList`: the action information, by keys that the SMF chose.
    #[serde(
        default,
        deserialize_with = "non_empty_map",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub base_dns_ait_list: BTreeMap<String, BaselineDnsAit>,
    /// `supportedFeatures`: optional features that the SMF supports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supported_features: Option<SupportedFeatures>,
}

/// The answer to who created a pattern (clause 6.2.6.2.3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BaseDnsPatternCreatedData {
    /// `supportedFeatures`: optional features that both support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supported_features: Option<SupportedFeatures>,
}

/// A template of queries or of responses (clause 6.2.6.2.4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", remote = "Self")]
pub struct BaselineDnsMdt {
    /// `mdtId`: its name, by which contexts refer to it.
    pub mdt_id: String,
    /// `label`: what it is for, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub label: Option<String>,
    /// `dnsQueryMdtList`: queries, any of these.
    #[serde(
        default,
        deserialize_with = "non_empty_map",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub dns_query_mdt_list: BTreeMap<String, DnsQueryMdt>,
    /// `dnsRspMdtList`: responses, any of these.
    #[serde(
        default,
        deserialize_with = "non_empty_map",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub dns_rsp_mdt_list: BTreeMap<String, DnsRspMdt>,
}

checked!(BaselineDnsMdt, |template| {
    match template.dns_query_mdt_list.is_empty() == template.dns_rsp_mdt_list.is_empty() {
        true => Err("must have exactly one of these members: dnsQueryMdtList dnsRspMdtList"),
        false => Ok(()),
    }
});

/// For which network and to which servers queries go (clause 6.2.6.2.5).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BaselineDnsAit {
    /// `aitId`: its name, by which contexts refer to it.
    pub ait_id: String,
    /// `label`: what it is for, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub label: Option<String>,
    /// `ecsOption`: the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ecs_option: Option<EcsOption>,
    /// `dnsServerAddressList`: the servers.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub dns_server_address_list: Vec<IpAddr>,
}

/// Whose patterns these are: an SMF or a set of them. One member (clause 6.2.6.2.6).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VarNfId {
    /// `smfSetId`: a set of SMFs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub smf_set_id: Option<String>,
    /// `setId`: the first part of the name of a set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, pattern = r"^([A-Za-z0-9\-]*[A-Za-z0-9])$")]
    pub set_id: Option<String>,
    /// `smfInstanceId`: an SMF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "uuid")]
    pub smf_instance_id: Option<String>,
}

/// A text that does not say whose patterns these are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadVarNfId;

impl fmt::Display for BadVarNfId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be one of smfInstanceId=<UUID>, smfSetId=<set>, setId=<part of a set>")
    }
}

impl std::error::Error for BadVarNfId {}

impl FromStr for VarNfId {
    type Err = BadVarNfId;

    /// As it stands in a path: the members of the object, spread (style `simple`, `explode`).
    fn from_str(text: &str) -> Result<Self, BadVarNfId> {
        let (name, value) = text.split_once('=').ok_or(BadVarNfId)?;
        let mut id = Self::default();
        let (member, good) = match name {
            "smfSetId" => (
                &mut id.smf_set_id,
                value.starts_with("set") && value.contains(".smfset.5gc.") && is_word(value, b"-."),
            ),
            "setId" => (&mut id.set_id, is_word(value, b"-") && !value.ends_with('-')),
            "smfInstanceId" => (&mut id.smf_instance_id, is_uuid(value)),
            _ => return Err(BadVarNfId),
        };
        *member = Some(value.to_owned());
        good.then_some(id).ok_or(BadVarNfId)
    }
}

impl fmt::Display for VarNfId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members = [
            ("smfSetId", &self.smf_set_id),
            ("setId", &self.set_id),
            ("smfInstanceId", &self.smf_instance_id),
        ];
        for (name, value) in members {
            if let Some(value) = value {
                write!(f, "{name}={value}")?;
            }
        }
        Ok(())
    }
}

fn is_word(value: &str, more: &[u8]) -> bool {
    (1..=256).contains(&value.len())
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
}

fn is_uuid(value: &str) -> bool {
    let lengths = value.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && value.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    #[test]
    fn a_pattern_has_templates_and_action_information() {
        same::<BaseDnsPatternCreateData>(
            r#"{"label": "p", "supportedFeatures": "0",
                "baseDnsMdtList": {"m": {"mdtId": "m", "dnsQueryMdtList": {"q": {"mdtId": "q"}}}},
                "baseDnsAitList": {"a": {"aitId": "a", "dnsServerAddressList": [{"ipv4Addr": "192.0.2.53"}]}}}"#,
        );
        same::<BaseDnsPatternCreateData>("{}");
        refused::<BaselineDnsMdt>(r#"{"mdtId": "m"}"#);
        refused::<BaselineDnsMdt>(
            r#"{"mdtId": "m", "dnsQueryMdtList": {"q": {"mdtId": "q"}}, "dnsRspMdtList": {"q": {"mdtId": "q"}}}"#,
        );
        needs::<BaselineDnsAit>(r#"{"aitId": "a", "label": "l"}"#, &["aitId"]);
    }

    #[test]
    fn who_it_is_stands_in_a_part_of_a_path() {
        for good in [
            "smfInstanceId=4ace9d34-2c69-4f99-92d5-a73a3fe8e23b",
            "smfSetId=set12.smfset.5gc.mnc012.mcc345",
            "setId=set12",
        ] {
            assert_eq!(good.parse::<VarNfId>().expect("accepted").to_string(), good);
        }
        for bad in [
            "",
            "setId=",
            "setId=a-",
            "setId=a/b",
            "smfInstanceId=x",
            "smfSetId=x",
            "amf=1",
            "set12",
        ] {
            bad.parse::<VarNfId>().expect_err(bad);
        }
    }
}
