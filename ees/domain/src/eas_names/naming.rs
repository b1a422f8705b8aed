//! Which names an EAS has, and how it is reached: plain functions of its profile and of what the operator decided.

use edgeapp_openapi::{
    eas_registration::{EasProfile, EndPoint},
    ids::EasId,
};
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};
use url::{Host, Url};

/// What the operator decided about names. All of them in small letters, without the last dot.
#[derive(Clone, Debug, Default)]
pub struct Naming {
    /// The zones that are served; names elsewhere belong to others.
    pub zones: Vec<String>,
    /// The service names of applications, where they are not made of the EASID.
    pub of_applications: HashMap<EasId, String>,
    /// The names, with all below them, that instances of an application may have beside its service name.
    pub owners: HashMap<EasId, Vec<String>>,
    /// The addresses of hosts.
    pub hosts: HashMap<String, Vec<IpAddr>>,
    /// Addresses that lead nowhere but to the asking machine and its link are told too.
    pub publish_loopback_addresses: bool,
}

/// How an EAS is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Its addresses, as far as they are known.
    pub addresses: Vec<IpAddr>,
    /// The host that it is at.
    pub host: Option<String>,
    /// The scheme of its URI.
    pub scheme: Option<String>,
    /// Its port.
    pub port: Option<u16>,
}

impl Reach {
    /// Whether anybody could get there.
    pub fn leads_somewhere(&self) -> bool {
        !self.addresses.is_empty() || self.host.is_some()
    }
}

/// The names of an EAS, and how it is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Its names: that of its application, and its own.
    pub names: Vec<String>,
    /// How it is reached.
    pub reach: Reach,
}

fn within(name: &str, zone: &str) -> bool {
    name.strip_suffix(zone).is_some_and(|rest| rest.ends_with('.'))
}

fn within_or_same(name: &str, zone: &str) -> bool {
    name == zone || within(name, zone)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_host_name(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_label)
}

/// As names are compared.
fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// Whether an address could be that of an EAS for UEs of a network.
fn can_be_reached(address: &IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => !address.is_loopback() && !address.is_link_local() && is_of_one(address.into()),
        IpAddr::V6(address) => !address.is_loopback() && !address.is_unicast_link_local() && is_of_one(address.into()),
    }
}

/// Neither nobody's nor everybody's address.
fn is_of_one(address: IpAddr) -> bool {
    let of_all = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    !address.is_unspecified() && !address.is_multicast() && !of_all
}

impl Naming {
    /// The names of an EAS with this profile, and how it is reached.
    pub fn of(&self, profile: &EasProfile) -> Named {
        let reach = self.reach(&profile.end_pt);
        let service = self.service_name(&profile.eas_id);
        let own = reach
            .host
            .clone()
            .filter(|host| Some(host) != service.as_ref() && self.may_have(&profile.eas_id, service.as_deref(), host));
        Named {
            names: service.into_iter().chain(own).collect(),
            reach,
        }
    }

    /// The name of an application: as configured, else its EASID where that is a name within a zone, else its EASID as one label.
    pub fn service_name(&self, eas_id: &EasId) -> Option<String> {
        if let Some(name) = self.of_applications.get(eas_id) {
            return Some(name.clone());
        }
        let name = eas_id.as_str();
        // EASIDs that differ in their letters alone are of different applications, and names would not tell them apart.
        if name != plain(name) {
            return None;
        }
        let taken = |name: &String| self.of_applications.values().any(|other| other == name);
        if is_host_name(name) && self.zones.iter().any(|zone| within(name, zone)) {
            return Some(name.to_owned()).filter(|name| !taken(name));
        }
        let label: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' })
            .collect();
        // Where more than dots had to be replaced, another EASID could become the same label.
        let unmistakable = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.') && is_label(&label);
        let zone = self.zones.first().filter(|_| unmistakable)?;
        Some(format!("{label}.{zone}")).filter(|name| is_host_name(name) && !taken(name))
    }

    /// Whether an instance of this application may have a name: one within a zone, that is below the name of its application or that
    /// the operator lets it have. The EASID is proved by its certificate; what else a registration says of its provider is not.
    fn may_have(&self, eas_id: &EasId, service: Option<&str>, host: &str) -> bool {
        let granted = self.owners.get(eas_id).into_iter().flatten();
        self.zones.iter().any(|zone| within(host, zone))
            && (service.is_some_and(|service| within(host, service))
                || granted.into_iter().any(|name| within_or_same(host, name)))
    }

    /// How the EAS at an endpoint is reached.
    pub fn reach(&self, endpoint: &EndPoint) -> Reach {
        match endpoint {
            EndPoint::Fqdn(name) => self.at_host(name.as_str(), None, None),
            EndPoint::Ipv4Addrs(addresses) => {
                let addresses = addresses
                    .iter()
                    .filter_map(|address| address.to_string().parse::<Ipv4Addr>().ok());
                self.at(addresses.map(IpAddr::from).collect(), None, None)
            }
            EndPoint::Ipv6Addrs(addresses) => {
                let addresses = addresses
                    .iter()
                    .filter_map(|address| address.to_string().parse::<Ipv6Addr>().ok());
                self.at(addresses.map(IpAddr::from).collect(), None, None)
            }
            EndPoint::Uri(uri) => {
                let Ok(uri) = Url::parse(uri.as_str()) else {
                    return Reach::default();
                };
                let (scheme, port) = (Some(uri.scheme().to_owned()), uri.port_or_known_default());
                match uri.host() {
                    Some(Host::Ipv4(address)) => self.at(vec![address.into()], scheme, port),
                    Some(Host::Ipv6(address)) => self.at(vec![address.into()], scheme, port),
                    // Of schemes that the library does not know the host is not taken apart.
                    Some(Host::Domain(name)) => match name.parse::<IpAddr>() {
                        Ok(address) => self.at(vec![address], scheme, port),
                        Err(_) => self.at_host(name, scheme, port),
                    },
                    None => Reach::default(),
                }
            }
        }
    }

    fn at(&self, mut addresses: Vec<IpAddr>, scheme: Option<String>, port: Option<u16>) -> Reach {
        addresses.retain(|address| match self.publish_loopback_addresses {
            true => is_of_one(*address),
            false => can_be_reached(address),
        });
        Reach {
            addresses,
            host: None,
            scheme,
            port,
        }
    }

    fn at_host(&self, name: &str, scheme: Option<String>, port: Option<u16>) -> Reach {
        let host = plain(name);
        Reach {
            // These are the operator's own word.
            addresses: self.hosts.get(&host).cloned().unwrap_or_default(),
            host: is_host_name(&host).then_some(host),
            scheme,
            port,
        }
    }
}
