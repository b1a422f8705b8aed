//! CAPIF_Discover_Service_API: an invoker looks for service APIs (TS 29.222 clause 8.1).

use super::{
    ApiInvokerId, FunctionId,
    publish_service::{AefLocation, CommunicationType, DataFormat, Protocol, ServiceApiDescription, ServiceKpis},
};
use crate::{
    common::{Ipv4Addr, Ipv6Addr, SupportedFeatures, non_empty},
    query::{BadQuery, Parameters},
};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use utoipa::ToSchema;

/// What was found (clause 8.1.4.2.3). The list is absent when nothing was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DiscoveredAPIs)]
pub struct DiscoveredApis {
    /// `serviceAPIDescriptions`: the APIs, each with the profiles that fit; at least one when present.
    #[serde(
        rename = "serviceAPIDescriptions",
        default,
        deserialize_with = "non_empty",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schema(min_items = 1)]
    pub service_api_descriptions: Vec<ServiceApiDescription>,
}

one_of!(
    /// The address of a UE.
    #[derive(Eq, Hash)]
    IpAddrInfo {
        /// `ipv4Addr`: an IPv4 address.
        Ipv4Addr(Ipv4Addr) = "ipv4Addr",
        /// `ipv6Addr`: an IPv6 address.
        Ipv6Addr(Ipv6Addr) = "ipv6Addr",
    }
);

impl IpAddrInfo {
    /// The address.
    pub fn address(&self) -> IpAddr {
        match self {
            Self::Ipv4Addr(address) => address.0.into(),
            Self::Ipv6Addr(address) => address.0.into(),
        }
    }
}

/// What an invoker looks for (clause 8.1.2.2.3.1).
#[derive(Clone, Debug, PartialEq)]
pub struct DiscoveryQuery {
    /// `api-invoker-id`: who asks; no filter.
    pub api_invoker_id: ApiInvokerId,
    /// `api-name`.
    pub api_name: Option<String>,
    /// `api-version`.
    pub api_version: Option<String>,
    /// `comm-type`.
    pub comm_type: Option<CommunicationType>,
    /// `protocol`.
    pub protocol: Option<Protocol>,
    /// `aef-id`.
    pub aef_id: Option<FunctionId>,
    /// `data-format`.
    pub data_format: Option<DataFormat>,
    /// `api-cat`.
    pub api_cat: Option<String>,
    /// `preferred-aef-loc`: a preference, ignored when nothing is there.
    pub preferred_aef_loc: Option<AefLocation>,
    /// `req-api-prov-name`.
    pub req_api_prov_name: Option<String>,
    /// `supported-features`.
    pub supported_features: Option<SupportedFeatures>,
    /// `api-supported-features`: features of the API that `api-name` names.
    pub api_supported_features: Option<SupportedFeatures>,
    /// `ue-ip-addr`.
    pub ue_ip_addr: Option<IpAddrInfo>,
    /// `service-kpis`: what the API has to deliver at least.
    pub service_kpis: Option<ServiceKpis>,
}

impl DiscoveryQuery {
    /// The query with nothing but who asks.
    pub fn of(api_invoker_id: ApiInvokerId) -> Self {
        Self {
            api_invoker_id,
            api_name: None,
            api_version: None,
            comm_type: None,
            protocol: None,
            aef_id: None,
            data_format: None,
            api_cat: None,
            preferred_aef_loc: None,
            req_api_prov_name: None,
            supported_features: None,
            api_supported_features: None,
            ue_ip_addr: None,
            service_kpis: None,
        }
    }

    /// Reads the parameters of a query.
    ///
    /// # Errors
    /// When one that has to be there is not, or one does not parse.
    pub fn parse(given: &Parameters) -> Result<Self, BadQuery> {
        let query = Self {
            api_invoker_id: given.required("api-invoker-id")?,
            api_name: given.word("api-name")?,
            api_version: given.word("api-version")?,
            comm_type: given.word("comm-type")?,
            protocol: given.word("protocol")?,
            aef_id: given.optional("aef-id")?,
            data_format: given.word("data-format")?,
            api_cat: given.word("api-cat")?,
            preferred_aef_loc: given.json("preferred-aef-loc")?,
            req_api_prov_name: given.word("req-api-prov-name")?,
            supported_features: given.optional("supported-features")?,
            api_supported_features: given.optional("api-supported-features")?,
            ue_ip_addr: given.json("ue-ip-addr")?,
            service_kpis: given.json("service-kpis")?,
        };
        if query.api_supported_features.is_some() && query.api_name.is_none() {
            return Err(BadQuery {
                param: "api-supported-features",
                mandatory: false,
                reason: Some("goes only with api-name, whose features it means".to_owned()),
            });
        }
        Ok(query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{refused, same};

    #[test]
    fn nothing_found_is_an_empty_object() {
        same::<DiscoveredApis>("{}");
        refused::<DiscoveredApis>(r#"{"serviceAPIDescriptions": []}"#);
        same::<DiscoveredApis>(r#"{"serviceAPIDescriptions": [{"apiName": "a"}]}"#);
    }

    #[test]
    fn a_query_says_who_asks() {
        let of = |pairs: &[(&str, &str)]| DiscoveryQuery::parse(&Parameters::new(pairs.iter().copied()));
        let who = ("api-invoker-id", "INV1");
        assert!(of(&[("api-name", "a")]).unwrap_err().is_missing());
        let all = of(&[
            who,
            ("api-name", "a"),
            ("preferred-aef-loc", r#"{"dcId": "d"}"#),
            ("api-supported-features", "5"),
            ("ue-ip-addr", r#"{"ipv4Addr": "192.0.2.1"}"#),
        ]);
        assert_eq!(all.unwrap().api_name.as_deref(), Some("a"));
        assert_eq!(of(&[who]).unwrap(), DiscoveryQuery::of("INV1".parse().unwrap()));
        for bad in [
            ("api-supported-features", "1"),
            ("preferred-aef-loc", "{}"),
            ("ue-ip-addr", "192.0.2.1"),
            ("api-name", ""),
            ("service-kpis", r#"{"avalMem": "2"}"#),
        ] {
            assert_eq!(of(&[who, bad]).unwrap_err().param, bad.0);
        }
    }
}
