//! How networks, slices, addresses and traffic routes are named (TS 29.571): all of it is re-exported from [`crate::common`].

use crate::ids::Dnai;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type},
    },
};

/// Whether all of it is hexadecimal digits, between `least` and `most` of them.
pub(crate) fn hex(value: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&value.len()) && value.bytes().all(|digit| digit.is_ascii_hexdigit())
}

fn digits(value: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&value.len()) && value.bytes().all(|digit| digit.is_ascii_digit())
}

text!(
    /// Mobile country code: three digits.
    Mcc,
    r"^\d{3}$",
    |value| digits(value, 3, 3),
    "must be three digits"
);
text!(
    /// Mobile network code: two or three digits.
    Mnc,
    r"^\d{2,3}$",
    |value| digits(value, 2, 3),
    "must be two or three digits"
);
text!(any_case
    /// Network identifier of a stand-alone non-public network: eleven hexadecimal digits.
    Nid,
    r"^[A-Fa-f0-9]{11}$",
    |value| hex(value, 11, 11),
    "must be eleven hexadecimal digits"
);

/// A public network (TS 29.571 clause 5.4.4).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct PlmnId {
    /// `mcc`: its country.
    pub mcc: Mcc,
    /// `mnc`: its number within the country.
    pub mnc: Mnc,
}

/// A public network, or with a network identifier a stand-alone non-public one (TS 29.571 clause 5.4.4).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct PlmnIdNid {
    /// `mcc`: its country.
    pub mcc: Mcc,
    /// `mnc`: its number within the country.
    pub mnc: Mnc,
    /// `nid`: present for a stand-alone non-public network only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub nid: Option<Nid>,
}

text!(any_case
    /// Slice differentiator: six hexadecimal digits.
    SliceDifferentiator,
    r"^[A-Fa-f0-9]{6}$",
    |value| hex(value, 6, 6),
    "must be six hexadecimal digits"
);

/// A network slice, S-NSSAI (TS 29.571 clause 5.4.4).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Snssai {
    /// `sst`: the slice and service type, 0 to 255; up to 127 the standard gives the meaning.
    pub sst: u8,
    /// `sd`: tells slices of the same type apart; absent means the operator has only one of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sd: Option<SliceDifferentiator>,
}

/// Whether it is a domain name with at least two labels: what the standard's pattern says.
fn is_fqdn(value: &str) -> bool {
    let name = value.strip_suffix('.').unwrap_or(value);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (4..=253).contains(&value.len())
        && name.rsplit_once('.').is_some_and(|(front, top)| {
            (2..=63).contains(&top.len())
                && top.bytes().all(|byte| byte.is_ascii_alphabetic())
                && front.split('.').all(label)
        })
}

text!(any_case
    /// A fully qualified domain name (`Fqdn`, TS 29.571 clause 5.2.2), kept as it came; upper and lower case are equal.
    Fqdn,
    r"^([0-9A-Za-z]([-0-9A-Za-z]{0,61}[0-9A-Za-z])?\.)+[A-Za-z]{2,63}\.?$",
    is_fqdn,
    "must be a fully qualified domain name, such as eas.edge-a.example"
);

text!(any_case
    /// A group of UEs as the network knows it (`GroupId`): service, country, network and group number.
    GroupId,
    r"^[A-Fa-f0-9]{8}-[0-9]{3}-[0-9]{2,3}-([A-Fa-f0-9][A-Fa-f0-9]){1,10}$",
    |value| {
        let mut parts = value.split('-');
        let mut next = || parts.next().unwrap_or_default();
        let shaped = hex(next(), 8, 8) && digits(next(), 3, 3) && digits(next(), 2, 3);
        let local = next();
        shaped && hex(local, 2, 20) && local.len() % 2 == 0 && parts.next().is_none()
    },
    "must be a group identifier, such as 0000000a-001-01-0b"
);
text!(
    /// A group of UEs as the outside knows it (`ExternalGroupId`): `extgroupid-`, a name, `@` and a domain.
    ExternalGroupId,
    r"^extgroupid-[^@]+@[^@]+$",
    |value| {
        value.len() <= crate::ids::MAX_LENGTH
            && value
                .strip_prefix("extgroupid-")
                .and_then(|rest| rest.split_once('@'))
                .is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty() && !domain.contains('@'))
    },
    "must be an external group identifier, such as extgroupid-drivers@example.org"
);

macro_rules! address {
    ($(#[$meta:meta])* $name:ident, $format:expr) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub std::net::$name);

        impl std::str::FromStr for $name {
            type Err = std::net::AddrParseError;
            fn from_str(value: &str) -> Result<Self, Self::Err> {
                value.parse().map(Self)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let format = Some(SchemaFormat::KnownFormat($format));
                ObjectBuilder::new().schema_type(Type::String).format(format).into()
            }
        }

        impl ToSchema for $name {}
    };
}

address!(
    /// An IPv4 address in dotted decimal.
    Ipv4Addr,
    KnownFormat::Ipv4
);
address!(
    /// An IPv6 address, written in the short form of RFC 5952.
    Ipv6Addr,
    KnownFormat::Ipv6
);

text!(
    /// An IPv6 prefix: an address, `/` and a length from 0 to 128, kept as it came.
    Ipv6Prefix,
    r"^[0-9A-Fa-f:.]+/[0-9]{1,3}$",
    |value| {
        value.split_once('/').is_some_and(|(address, length)| {
            address.parse::<std::net::Ipv6Addr>().is_ok()
                && digits(length, 1, 3)
                && length.parse::<u8>().is_ok_and(|length| length <= 128)
        })
    },
    "must be an IPv6 prefix, such as 2001:db8:1::/64"
);

one_of!(
    /// One address or prefix (`IpAddr`, TS 29.571 clause 5.4.4).
    #[derive(Eq, Hash)]
    IpAddr {
        /// `ipv4Addr`: an IPv4 address.
        Ipv4Addr(Ipv4Addr) = "ipv4Addr",
        /// `ipv6Addr`: an IPv6 address.
        Ipv6Addr(Ipv6Addr) = "ipv6Addr",
        /// `ipv6Prefix`: an IPv6 prefix, such as a UE has it.
        Ipv6Prefix(Ipv6Prefix) = "ipv6Prefix",
    }
);

/// Where traffic leaves or enters at a place (`RouteInformation`, TS 29.571 clause 5.4.4): a tunnel end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RouteInformation {
    /// `ipv4Addr`: the tunnel end's IPv4 address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ipv4_addr: Option<Ipv4Addr>,
    /// `ipv6Addr`: the tunnel end's IPv6 address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ipv6_addr: Option<Ipv6Addr>,
    /// `portNumber`: the tunnel end's UDP port.
    pub port_number: u64,
}

/// How traffic reaches the applications at one place (`RouteToLocation`, TS 29.571 clause 5.4.4): at least one of
/// `routeInfo` and `routeProfId` is on the wire, and either may be null there, which means "none".
///
/// Both are `None` only if the peer sent a null; `routeInfo` is then written as null again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "RouteMembers", into = "RouteMembers", rename_all = "camelCase")]
pub struct RouteToLocation {
    /// `dnai`: the place.
    pub dnai: Dnai,
    /// `routeInfo`: the tunnel that ends there.
    #[schema(nullable = true)]
    pub route_info: Option<RouteInformation>,
    /// `routeProfId`: name of a routing profile that the core network knows.
    #[schema(nullable = true)]
    pub route_prof_id: Option<String>,
}

/// [`RouteToLocation`] as it is on the wire, where a null is something else than an absent member.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct RouteMembers {
    dnai: Dnai,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    route_info: Option<Option<RouteInformation>>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    route_prof_id: Option<Option<String>>,
}

fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl TryFrom<RouteMembers> for RouteToLocation {
    type Error = &'static str;
    fn try_from(members: RouteMembers) -> Result<Self, Self::Error> {
        match members {
            RouteMembers {
                route_info: None,
                route_prof_id: None,
                ..
            } => Err("must have at least one of these members: routeInfo routeProfId"),
            RouteMembers {
                dnai,
                route_info,
                route_prof_id,
            } => Ok(Self {
                dnai,
                route_info: route_info.flatten(),
                route_prof_id: route_prof_id.flatten(),
            }),
        }
    }
}

impl From<RouteToLocation> for RouteMembers {
    fn from(route: RouteToLocation) -> Self {
        let none = route.route_info.is_none() && route.route_prof_id.is_none();
        Self {
            dnai: route.dnai,
            route_info: if none { Some(None) } else { route.route_info.map(Some) },
            route_prof_id: route.route_prof_id.map(Some),
        }
    }
}

open_enum!(
    /// When the network tells about a change of the user plane path (TS 29.571 clause 5.4.3).
    DnaiChangeType as "DnaiChangeType" {
        /// Before the path changes.
        Early = "EARLY",
        /// Before the path changes, and again after it has.
        EarlyLate = "EARLY_LATE",
        /// After the path has changed.
        Late = "LATE",
    }
);

open_enum!(
    /// A transport protocol (TS 29.571 clause 5.4.3).
    TransportProtocol as "TransportProtocol" {
        /// UDP.
        Udp = "UDP",
        /// TCP.
        Tcp = "TCP",
    }
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{needs, refused, same};

    #[test]
    fn names_of_networks_and_slices() {
        needs::<PlmnId>(r#"{"mcc": "001", "mnc": "01"}"#, &["mcc", "mnc"]);
        needs::<PlmnIdNid>(r#"{"mcc": "001", "mnc": "001", "nid": "0000000000a"}"#, &["mcc", "mnc"]);
        needs::<Snssai>(r#"{"sst": 1, "sd": "00000a"}"#, &["sst"]);
        let (upper, lower): (Nid, Nid) = ("0000000000A".parse().unwrap(), "0000000000a".parse().unwrap());
        assert_eq!(upper, lower);
        assert_eq!(upper.as_str(), "0000000000A");
        assert_eq!(std::collections::HashSet::from([upper, lower]).len(), 1);
        for bad in [
            r#"{"mcc": "1", "mnc": "01"}"#,
            r#"{"mcc": "001", "mnc": "1"}"#,
            r#"{"mcc": 1, "mnc": 1}"#,
        ] {
            refused::<PlmnId>(bad);
        }
    }

    #[test]
    fn domain_names() {
        for good in ["eas.edge-a.example", "EAS.example.", "a1.bc"] {
            assert!(good.parse::<Fqdn>().is_ok(), "{good}");
        }
        for bad in [
            "example",
            "a..bc",
            "-a.bc",
            "a-.bc",
            "a.b1",
            "a.b",
            "a_b.example",
            "a.example..",
            &format!("{}.bc", "a".repeat(64)),
        ] {
            assert!(bad.parse::<Fqdn>().is_err(), "{bad}");
        }
    }

    #[test]
    fn address_is_of_one_kind() {
        same::<IpAddr>(r#"{"ipv4Addr": "192.0.2.1"}"#);
        same::<IpAddr>(r#"{"ipv6Addr": "2001:db8::1"}"#);
        same::<IpAddr>(r#"{"ipv6Prefix": "2001:db8::/64"}"#);
        for bad in [
            "{}",
            r#"{"ipv4Addr": "192.0.2.1", "ipv6Addr": "2001:db8::1"}"#,
            r#"{"ipv4Addr": "192.0.2.256"}"#,
            r#"{"ipv6Prefix": "2001:db8::"}"#,
            r#"{"ipv6Prefix": "2001:db8::/129"}"#,
        ] {
            refused::<IpAddr>(bad);
        }
    }

    #[test]
    fn route_has_a_tunnel_or_a_profile() {
        same::<RouteToLocation>(r#"{"dnai": "a", "routeProfId": "p"}"#);
        same::<RouteToLocation>(
            r#"{"dnai": "a", "routeInfo": {"portNumber": 1, "ipv4Addr": "192.0.2.1"}, "routeProfId": "p"}"#,
        );
        let none: RouteToLocation = same(r#"{"dnai": "a", "routeInfo": null}"#);
        assert_eq!((none.route_info, none.route_prof_id), (None, None));
        refused::<RouteToLocation>(r#"{"dnai": "a"}"#);
        refused::<RouteToLocation>(r#"{"routeProfId": "p"}"#);
        refused::<RouteToLocation>(r#"{"dnai": "a", "routeInfo": {}}"#);
        let text = r#"{"dnai": "a", "routeInfo": {"portNumber": "x"}}"#;
        let error =
            serde_path_to_error::deserialize::<_, RouteToLocation>(&mut serde_json::Deserializer::from_str(text));
        assert_eq!(error.unwrap_err().path().to_string(), "routeInfo.portNumber");
    }
}
