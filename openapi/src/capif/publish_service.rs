//! CAPIF_Publish_Service_API: a provider describes its service APIs (TS 29.222 clause 8.2).
//!
//! ```
//! use edgeapp_openapi::capif::publish_service::ServiceApiDescription;
//!
//! let api: ServiceApiDescription = serde_json::from_str(
//!     r#"{"apiName": "eees-easdiscovery", "aefProfiles": [{"aefId": "AEF1", "versions": [{"apiVersion": "v1"}],
//!         "interfaceDescriptions": [{"fqdn": "ees-1.edge.example", "port": 8443}]}]}"#,
//! )?;
//! assert_eq!(api.aef_profiles[0].versions[0].api_version, "v1");
//! # Ok::<(), serde_json::Error>(())
//! ```

use super::{FunctionId, ServiceApiId};
use crate::{
    common::{DateTime, Fqdn, Ipv4Addr, Ipv6Addr, SupportedFeatures, non_empty},
    location::{CivicAddress, GeographicArea},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A service API as its provider describes it (clause 8.2.4.2.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ServiceAPIDescription)]
pub struct ServiceApiDescription {
    /// `apiName`: the name in the URI of the API, such as `eees-easdiscovery`.
    pub api_name: String,
    /// `apiId`: the API's identifier, given by the core function; absent in the request that publishes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub api_id: Option<ServiceApiId>,
    /// `apiStatus`: where the API is active; everywhere when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub api_status: Option<ApiStatus>,
    /// `aefProfiles`: who exposes the API and how, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub aef_profiles: Vec<AefProfile>,
    /// `description`: what the API is for, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub description: Option<String>,
    /// `supportedFeatures`: features of the API that carries this description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub supported_features: Option<SupportedFeatures>,
    /// `shareableInfo`: with whom the description may be shared; not at all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub shareable_info: Option<ShareableInformation>,
    /// `serviceAPICategory`: the category of the API, among core functions.
    #[serde(rename = "serviceAPICategory", default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub service_api_category: Option<String>,
    /// `apiSuppFeats`: features of the service API itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub api_supp_feats: Option<SupportedFeatures>,
    /// `pubApiPath`: the core functions that the description came by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pub_api_path: Option<PublishedApiPath>,
    /// `ccfId`: the core function of the category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ccf_id: Option<String>,
    /// `apiProvName`: the name of the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub api_prov_name: Option<String>,
}

/// What a merge patch may change in a description (clause 8.2.4.2.11). A sender's type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ServiceAPIDescriptionPatch)]
pub struct ServiceApiDescriptionPatch {
    /// `apiStatus`: where the API is active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub api_status: Option<ApiStatus>,
    /// `aefProfiles`: who exposes the API and how, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub aef_profiles: Vec<AefProfile>,
    /// `description`: what the API is for, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub description: Option<String>,
    /// `shareableInfo`: with whom the description may be shared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub shareable_info: Option<ShareableInformation>,
    /// `serviceAPICategory`: the category of the API.
    #[serde(rename = "serviceAPICategory", default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub service_api_category: Option<String>,
    /// `apiSuppFeats`: features of the service API itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub api_supp_feats: Option<SupportedFeatures>,
    /// `pubApiPath`: the core functions that the description came by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pub_api_path: Option<PublishedApiPath>,
    /// `ccfId`: the core function of the category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ccf_id: Option<String>,
}

/// One address of an API (clause 8.2.4.2.3): exactly one of IPv4, IPv6 and name; the prefix begins with a slash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase")]
pub struct InterfaceDescription {
    /// `ipv4Addr`: its IPv4 address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ipv4_addr: Option<Ipv4Addr>,
    /// `ipv6Addr`: its IPv6 address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ipv6_addr: Option<Ipv6Addr>,
    /// `fqdn`: its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub fqdn: Option<Fqdn>,
    /// `port`: its port; that of the scheme when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub port: Option<u16>,
    /// `apiPrefix`: the path before the name of the API, beginning with a slash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub api_prefix: Option<String>,
    /// `securityMethods`: the methods of this interface, in place of those of the profile; at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub security_methods: Vec<SecurityMethod>,
}

checked!(InterfaceDescription, |interface| {
    let places = [
        interface.ipv4_addr.is_some(),
        interface.ipv6_addr.is_some(),
        interface.fqdn.is_some(),
    ];
    if places.into_iter().filter(|place| *place).count() != 1 {
        return Err("must have exactly one of these members: ipv4Addr ipv6Addr fqdn");
    }
    match &interface.api_prefix {
        Some(prefix) if !prefix.starts_with('/') => Err("apiPrefix must begin with a slash"),
        _ => Ok(()),
    }
});

impl InterfaceDescription {
    /// Whether both are the same place, whatever their methods are.
    ///
    /// ```
    /// use edgeapp_openapi::capif::publish_service::InterfaceDescription;
    /// let of = |text| serde_json::from_str::<InterfaceDescription>(text);
    /// let (a, b) = (of(r#"{"fqdn": "ees.example.org", "port": 8443}"#)?, of(r#"{"fqdn": "EES.example.org", "port": 8443,
    ///     "securityMethods": ["PKI"]}"#)?);
    /// assert!(a.is_at(&b));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn is_at(&self, other: &Self) -> bool {
        (self.ipv4_addr, self.ipv6_addr, &self.fqdn, self.port)
            == (other.ipv4_addr, other.ipv6_addr, &other.fqdn, other.port)
            && self.api_prefix.as_deref().unwrap_or_default() == other.api_prefix.as_deref().unwrap_or_default()
    }

    /// The host as it stands in a URI.
    pub fn host(&self) -> String {
        match (&self.ipv4_addr, &self.ipv6_addr, &self.fqdn) {
            (Some(address), ..) => address.to_string(),
            (_, Some(address), _) => format!("[{address}]"),
            (.., Some(name)) => name.to_string(),
            _ => String::new(),
        }
    }

    /// `apiRoot` of the APIs behind this interface.
    pub fn api_root(&self) -> String {
        let port = self.port.map_or_else(String::new, |port| format!(":{port}"));
        let prefix = self.api_prefix.as_deref().unwrap_or_default();
        format!("https://{}{port}{}", self.host(), prefix.trim_end_matches('/'))
    }
}

/// One exposing function with its interfaces (clause 8.2.4.2.4): exactly one of `domainName` and `interfaceDescriptions`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase")]
pub struct AefProfile {
    /// `aefId`: the exposing function.
    pub aef_id: FunctionId,
    /// `versions`: the versions of the API, at least one.
    #[serde(deserialize_with = "non_empty")]
    #[schema(min_items = 1)]
    pub versions: Vec<Version>,
    /// `protocol`: the protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub protocol: Option<Protocol>,
    /// `dataFormat`: how data is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub data_format: Option<DataFormat>,
    /// `securityMethods`: the methods of all interfaces that name none of their own, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub security_methods: Vec<SecurityMethod>,
    /// `domainName`: the name, perhaps with a port, under which the API is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub domain_name: Option<String>,
    /// `interfaceDescriptions`: where the API is reached, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub interface_descriptions: Vec<InterfaceDescription>,
    /// `aefLocation`: where the exposing function is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub aef_location: Option<AefLocation>,
    /// `serviceKpis`: what it can deliver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub service_kpis: Option<ServiceKpis>,
    /// `ueIpRange`: addresses of the UEs that it serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ue_ip_range: Option<IpAddrRange>,
}

checked!(AefProfile, |profile| {
    match (&profile.domain_name, profile.interface_descriptions.is_empty()) {
        (Some(name), true) if name.is_empty() => Err("domainName must not be empty"),
        (Some(_), true) | (None, false) => Ok(()),
        _ => Err("must have exactly one of these members: domainName interfaceDescriptions"),
    }
});

/// A version of an API (clause 8.2.4.2.5).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// `apiVersion`: the version in the URI, such as `v1`.
    pub api_version: String,
    /// `expiry`: when the version is planned to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expiry: Option<DateTime>,
    /// `resources`: its resources, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub resources: Vec<Resource>,
    /// `custOperations`: operations that belong to no resource, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub cust_operations: Vec<CustomOperation>,
}

/// A resource of an API (clause 8.2.4.2.6).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// `resourceName`: its name.
    pub resource_name: String,
    /// `commType`: request and response, or subscription and notifications.
    pub comm_type: CommunicationType,
    /// `uri`: its path below the version, variables in braces.
    pub uri: String,
    /// `custOpName`: the name of its custom operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cust_op_name: Option<String>,
    /// `custOperations`: its custom operations, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub cust_operations: Vec<CustomOperation>,
    /// `operations`: its HTTP methods, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub operations: Vec<Operation>,
    /// `description`: what it is, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub description: Option<String>,
}

/// A custom operation (clause 8.2.4.2.7).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomOperation {
    /// `commType`: request and response, or subscription and notifications.
    pub comm_type: CommunicationType,
    /// `custOpName`: its name, the last part of its URI.
    pub cust_op_name: String,
    /// `operations`: its HTTP methods, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub operations: Vec<Operation>,
    /// `description`: what it does, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub description: Option<String>,
}

/// With whom a description may be shared (clause 8.2.4.2.8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShareableInformation {
    /// `isShareable`: whether it may be shared at all.
    pub is_shareable: bool,
    /// `capifProvDoms`: with which provider domains, at least one when present; absent means any.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub capif_prov_doms: Vec<String>,
}

/// The way of a description through core functions (clause 8.2.4.2.9).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublishedApiPath {
    /// `ccfIds`: core functions at which the API is published already, at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub ccf_ids: Vec<String>,
}

/// Where an exposing function is (clause 8.2.4.2.10): at least one of the members.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase")]
pub struct AefLocation {
    /// `civicAddr`: an address for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub civic_addr: Option<CivicAddress>,
    /// `geoArea`: an area on the globe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub geo_area: Option<GeographicArea>,
    /// `dcId`: a data centre.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dc_id: Option<String>,
}

checked!(AefLocation, |at| {
    if at.civic_addr.is_none() && at.geo_area.is_none() && at.dc_id.is_none() {
        return Err("must have at least one of these members: civicAddr geoArea dcId");
    }
    Ok(())
});

/// Where an API is active.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiStatus {
    /// `aefIds`: the exposing functions at which it is active; none means that it is active nowhere.
    #[serde(deserialize_with = "crate::common::bounded")]
    pub aef_ids: Vec<FunctionId>,
}

/// A number with or without a fraction, a space and one of these units.
fn amount(value: &str, units: &[&str]) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let Some((number, unit)) = value.split_once(' ') else {
        return false;
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    number.len() <= 32 && units.contains(&unit) && digits(whole) && digits(fraction)
}

/// The number before the space times the thousands that the unit stands for.
fn worth(value: &str, units: &[&str]) -> f64 {
    let (number, unit) = value.split_once(' ').unwrap_or((value, ""));
    let power = units.iter().position(|known| *known == unit).unwrap_or_default();
    number.parse::<f64>().unwrap_or_default() * 1000_f64.powi(i32::try_from(power).unwrap_or_default())
}

const FLOPS: &[&str] = &["kFLOPS", "MFLOPS", "GFLOPS", "TFLOPS", "PFLOPS", "EFLOPS", "ZFLOPS"];
const BYTES: &[&str] = &["KB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];

text!(
    /// An amount of computing: a number, a space and a unit from `kFLOPS` to `ZFLOPS`.
    Computing,
    r"^\d+(\.\d+)? (kFLOPS|MFLOPS|GFLOPS|TFLOPS|PFLOPS|EFLOPS|ZFLOPS)$",
    |value| amount(value, FLOPS),
    "must be a number, a space and a unit out of kFLOPS, MFLOPS, GFLOPS, TFLOPS, PFLOPS, EFLOPS, ZFLOPS"
);

text!(
    /// An amount of memory or storage: a number, a space and a unit from `KB` to `YB`.
    ByteAmount,
    r"^\d+(\.\d+)? (KB|MB|GB|TB|PB|EB|ZB|YB)$",
    |value| amount(value, BYTES),
    "must be a number, a space and a unit out of KB, MB, GB, TB, PB, EB, ZB, YB"
);

impl Computing {
    /// The amount in thousands of floating point operations per second: what amounts are compared by.
    pub fn worth(&self) -> f64 {
        worth(self.as_str(), FLOPS)
    }
}

impl ByteAmount {
    /// The amount in thousands of bytes: what amounts are compared by.
    pub fn worth(&self) -> f64 {
        worth(self.as_str(), BYTES)
    }
}

/// What a service API can deliver to one invoker.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceKpis {
    /// `maxReqRate`: most requests per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub max_req_rate: Option<u64>,
    /// `maxRestime`: longest time to an answer, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub max_restime: Option<u64>,
    /// `availability`: how much of the time it is there, in per cent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub availability: Option<u64>,
    /// `avalComp`: computing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub aval_comp: Option<Computing>,
    /// `avalGraComp`: graphical computing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub aval_gra_comp: Option<Computing>,
    /// `avalMem`: memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub aval_mem: Option<ByteAmount>,
    /// `avalStor`: storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub aval_stor: Option<ByteAmount>,
    /// `conBand`: bandwidth of the connection, in kbit/s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub con_band: Option<u64>,
}

/// Addresses of UEs: at least one of the lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "camelCase")]
pub struct IpAddrRange {
    /// `ueIpv4AddrRanges`: at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub ue_ipv4_addr_ranges: Vec<Ipv4AddressRange>,
    /// `ueIpv6AddrRanges`: at least one when present.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1)]
    pub ue_ipv6_addr_ranges: Vec<Ipv6AddressRange>,
}

checked!(IpAddrRange, |range| {
    if range.ue_ipv4_addr_ranges.is_empty() && range.ue_ipv6_addr_ranges.is_empty() {
        return Err("must have at least one of these members: ueIpv4AddrRanges ueIpv6AddrRanges");
    }
    Ok(())
});

/// IPv4 addresses from one to another, both included (TS 29.571).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ipv4AddressRange {
    /// `start`: the first.
    pub start: Ipv4Addr,
    /// `end`: the last.
    pub end: Ipv4Addr,
}

/// IPv6 addresses from one to another, both included (TS 29.571).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ipv6AddressRange {
    /// `start`: the first.
    pub start: Ipv6Addr,
    /// `end`: the last.
    pub end: Ipv6Addr,
}

impl IpAddrRange {
    /// Whether an address lies in one of the ranges.
    pub fn holds(&self, address: std::net::IpAddr) -> bool {
        match address {
            std::net::IpAddr::V4(address) => self
                .ue_ipv4_addr_ranges
                .iter()
                .any(|range| (range.start.0..=range.end.0).contains(&address)),
            std::net::IpAddr::V6(address) => self
                .ue_ipv6_addr_ranges
                .iter()
                .any(|range| (range.start.0..=range.end.0).contains(&address)),
        }
    }
}

open_enum!(
    /// Protocol of an API (clause 8.2.4.3.3).
    Protocol as "Protocol" {
        /// HTTP version 1.1.
        Http11 = "HTTP_1_1",
        /// HTTP version 2.
        Http2 = "HTTP_2",
        /// MQTT.
        Mqtt = "MQTT",
        /// WebSocket.
        Websocket = "WEBSOCKET",
    }
);

open_enum!(
    /// How a resource communicates (clause 8.2.4.3.4).
    CommunicationType as "CommunicationType" {
        /// A request gets a response.
        RequestResponse = "REQUEST_RESPONSE",
        /// A subscription gets notifications.
        SubscribeNotify = "SUBSCRIBE_NOTIFY",
    }
);

open_enum!(
    /// How data is written (clause 8.2.4.3.5).
    DataFormat as "DataFormat" {
        /// JSON.
        Json = "JSON",
        /// XML.
        Xml = "XML",
        /// Protocol buffers, version 3.
        Protobuf3 = "PROTOBUF3",
    }
);

open_enum!(
    /// How an invoker and an exposing function secure their calls (clause 8.2.4.3.6, TS 33.122).
    SecurityMethod as "SecurityMethod" {
        /// Method 1: TLS with a shared key.
        Psk = "PSK",
        /// Method 2: TLS with certificates.
        Pki = "PKI",
        /// Method 3: TLS with an access token.
        Oauth = "OAUTH",
    }
);

open_enum!(
    /// An HTTP method (clause 8.2.4.3.7).
    Operation as "Operation" {
        /// GET.
        Get = "GET",
        /// POST.
        Post = "POST",
        /// PUT.
        Put = "PUT",
        /// PATCH.
        Patch = "PATCH",
        /// DELETE.
        Delete = "DELETE",
    }
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, only, refused, same};

    #[test]
    fn a_description_of_an_api() {
        let text = r#"{"apiName": "eees-easdiscovery", "apiId": "a1", "apiStatus": {"aefIds": ["AEF1"]},
            "aefProfiles": [{"aefId": "AEF1", "versions": [{"apiVersion": "v1", "expiry": "2030-01-01T00:00:00Z",
                "resources": [{"resourceName": "EAS Profiles", "commType": "REQUEST_RESPONSE", "uri": "/eas-profiles",
                    "custOpName": "request-discovery", "operations": ["POST"], "description": "d",
                    "custOperations": [{"commType": "REQUEST_RESPONSE", "custOpName": "x", "operations": ["POST"]}]}],
                "custOperations": [{"commType": "NEW", "custOpName": "declare", "description": "d"}]}],
                "protocol": "HTTP_2", "dataFormat": "JSON", "securityMethods": ["OAUTH", "PKI"],
                "interfaceDescriptions": [{"fqdn": "ees.edge.example", "port": 8443, "apiPrefix": "/edge"},
                    {"ipv4Addr": "192.0.2.17", "securityMethods": ["PKI"]}, {"ipv6Addr": "2001:db8::1"}],
                "aefLocation": {"dcId": "dc-1"},
                "serviceKpis": {"maxReqRate": 10, "avalComp": "1.5 GFLOPS", "avalMem": "2 GB"},
                "ueIpRange": {"ueIpv4AddrRanges": [{"start": "192.0.2.0", "end": "192.0.2.255"}]}}],
            "description": "d", "supportedFeatures": "7", "shareableInfo": {"isShareable": true, "capifProvDoms": ["x"]},
            "serviceAPICategory": "edge", "apiSuppFeats": "5", "pubApiPath": {"ccfIds": ["ccf-1"]}, "ccfId": "ccf-1",
            "apiProvName": "provider"}"#;
        let api: ServiceApiDescription = same(text);
        needs::<ServiceApiDescription>(text, &["apiName"]);
        let profile = &api.aef_profiles[0];
        assert_eq!(
            profile.interface_descriptions[0].api_root(),
            "https://ees.edge.example:8443/edge"
        );
        assert_eq!(profile.interface_descriptions[2].api_root(), "https://[2001:db8::1]");
        let range = profile.ue_ip_range.as_ref().unwrap();
        assert!(range.holds("192.0.2.9".parse().unwrap()) && !range.holds("192.0.3.0".parse().unwrap()));
    }

    #[test]
    fn a_profile_has_a_domain_or_interfaces() {
        let versions = r#""aefId": "A", "versions": [{"apiVersion": "v1"}]"#;
        same::<AefProfile>(&format!(r#"{{{versions}, "domainName": "ees.example:8443"}}"#));
        only::<AefProfile>(
            &format!(r#"{{{versions}, "domainName": "ees.example"}}"#),
            &["domainName"],
            &["aefId", "versions"],
        );
        for both in [
            "",
            r#", "domainName": """#,
            r#", "interfaceDescriptions": []"#,
            r#", "domainName": "a", "interfaceDescriptions": [{"fqdn": "ees.example"}]"#,
        ] {
            refused::<AefProfile>(&format!("{{{versions}{both}}}"));
        }
        refused::<AefProfile>(r#"{"aefId": "A", "versions": [], "domainName": "a"}"#);
    }

    #[test]
    fn an_interface_is_at_one_place() {
        for text in [
            "{}",
            r#"{"port": 1}"#,
            r#"{"ipv4Addr": "192.0.2.1", "fqdn": "a.example"}"#,
            r#"{"fqdn": "a.example", "apiPrefix": "x"}"#,
            r#"{"fqdn": "a.example", "port": 65536}"#,
            r#"{"fqdn": "a.example", "securityMethods": []}"#,
        ] {
            refused::<InterfaceDescription>(text);
        }
        refused::<AefLocation>("{}");
        refused::<IpAddrRange>("{}");
    }

    #[test]
    fn amounts_have_units_and_are_compared() {
        let of = |text: &str| text.parse::<ByteAmount>().map(|amount| amount.worth());
        assert!(of("900 KB").unwrap() < of("1 MB").unwrap());
        assert!(
            "1 FLOPS".parse::<Computing>().is_err() && of("1 B").is_err() && of("GB").is_err() && of("1.GB").is_err()
        );
    }
}
