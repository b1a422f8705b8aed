//! `[dns]` of a configuration.

use crate::{
    directory::Whereabouts,
    responder::Rules,
    server::Patience,
    subnet::PrefixTable,
    upstream::{Upstream, UpstreamError},
    zone::{Terms, Zone, is_within, plain},
};
use edgeapp_core::{area::Position, hardening::Check};
use edgeapp_http::{limits::LimitSettings, session::SessionLimits, tls::ClientCertificates};
use edgeapp_openapi::{
    ids::{Dnai, EasId},
    location::LocationInfo,
};
use hickory_proto::rr::Name;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

/// EAS discovery by name, over DNS over TLS.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DnsSettings {
    /// `listen`: address and port, 853 where nothing speaks against it; port 0 takes any free one.
    pub listen: SocketAddr,
    /// `zones`: the names that this server answers for, with all that is below them.
    pub zones: Vec<String>,
    /// `name_server`: the name of this server in the zones, `ns` in each of them when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_server: Option<String>,
    /// `name_server_addresses`: where that is; the address of `listen` when not given, unless it is every address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub name_server_addresses: Vec<IpAddr>,
    /// `clients`: networks of UEs that may ask without a certificate. Without any, only EECs with certificates may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<IpNet>,
    /// `client_certificates`: `optional` lets EECs show a certificate, by which they are known, `required` refuses all others, `none`
    /// asks for none.
    #[serde(default)]
    pub client_certificates: ClientCertificates,
    /// `trusted_forwarders`: networks of resolvers whose client subnets (RFC 7871) say where a UE is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trusted_forwarders: Vec<IpNet>,
    /// `[[dns.place]]`: where the UEs of a network are.
    #[serde(default, rename = "place", skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<PlaceSettings>,
    /// `[dns.names]`: the name of an application by its EASID. Without one it is the EASID itself, when that is a name within a zone,
    /// else the EASID as one label within the first zone, if it can be one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<EasId, String>,
    /// `[dns.owners]`: by EASID the names, with all below them, that instances of an application may have beside its own name and what
    /// is below that. Whoever registers has proved its EASID by its certificate.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub owners: BTreeMap<EasId, Vec<String>>,
    /// `[dns.hosts]`: the addresses of hosts at which EASs say that they are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hosts: BTreeMap<String, Vec<IpAddr>>,
    /// `[[dns.upstream]]`: resolvers that are asked, over TLS, for names that are not served here, and for addresses of hosts at which EASs
    /// say that they are. Without any, such names are refused.
    #[serde(default, rename = "upstream", skip_serializing_if = "Vec::is_empty")]
    pub upstreams: Vec<UpstreamSettings>,
    /// `upstream_roots`: a PEM file with the roots of their certificates; read at the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_roots: Option<PathBuf>,
    /// `ttl_seconds`: how long an answer may be kept, 30 when not given, 10 at most where it depends on the place of the client.
    #[serde(default = "ttl")]
    pub ttl_seconds: u32,
    /// `negative_ttl_seconds`: how long it may be kept that there is nothing, 5 when not given.
    #[serde(default = "negative_ttl")]
    pub negative_ttl_seconds: u32,
    /// `https_alpn`: what EASs with an `https` URI speak, told in HTTPS records; `h2` when not given.
    #[serde(default = "https_alpn")]
    pub https_alpn: Vec<String>,
    /// `publish_loopback_addresses`: EASs at loopback and link-local addresses are told too, for laboratories.
    #[serde(default)]
    pub publish_loopback_addresses: bool,
    /// `idle_seconds`: a connection on which nothing was asked for so long is closed, 30 when not given.
    #[serde(default = "idle")]
    pub idle_seconds: u32,
    /// `connections`: how many connections stand at a time, 4,096 when not given; further ones wait.
    #[serde(default = "connections")]
    pub connections: u32,
    /// `connections_per_address`: how many of them one address may have (of IPv6 one network of 64 bits), 32 when not given.
    #[serde(default = "connections_per_address")]
    pub connections_per_address: u32,
    /// `queries_at_a_time`: how many answers one connection may wait for before no more is read of it, 64 when not given.
    #[serde(default = "queries_at_a_time")]
    pub queries_at_a_time: u32,
}

/// A resolver.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamSettings {
    /// `address`: address and port, most often 853.
    pub address: SocketAddr,
    /// `name`: the name that its certificate has to have.
    pub name: String,
}

/// Where the UEs of a network are.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceSettings {
    /// `prefix`: the network.
    pub prefix: IpNet,
    /// `dnai`: where their traffic reaches the edge data network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dnai: Option<Dnai>,
    /// `location`: where they are, as a `LocationInfo` of the standard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Box<LocationInfo>>,
}

const fn ttl() -> u32 {
    30
}

const fn negative_ttl() -> u32 {
    5
}

fn https_alpn() -> Vec<String> {
    vec!["h2".to_owned()]
}

const fn idle() -> u32 {
    30
}

const fn connections() -> u32 {
    4096
}

const fn connections_per_address() -> u32 {
    32
}

const fn queries_at_a_time() -> u32 {
    64
}

/// How long a handshake may take, and a message.
const ARRIVAL: Duration = Duration::from_secs(5);
/// How long a peer may take nothing.
const STALL: Duration = Duration::from_secs(10);

/// A name as it is compared: small letters, without the last dot. `None` when it is no name of a host.
pub fn host_name(text: &str) -> Option<String> {
    let name = Name::from_ascii(text).ok().filter(|name| !name.is_root())?;
    plain(&name).filter(|name| {
        name.split('.')
            .all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && !label.contains('_'))
    })
}

fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(seconds.into())
}

fn number(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn networks(list: &[IpNet]) -> PrefixTable<()> {
    let mut table = PrefixTable::default();
    for network in list {
        table.insert(network.trunc(), ());
    }
    table
}

/// The first of these networks that holds everybody.
fn everybody(networks: &[IpNet]) -> Option<String> {
    let all = networks.iter().find(|network| network.prefix_len() == 0);
    all.map(|network| format!("\"{network}\""))
}

impl DnsSettings {
    /// What can be set to something weaker than the hardened reference.
    pub const CHECKS: &[Check<Self>] = &[
        Check::new(
            "dns.listen",
            "an address of one network",
            |dns| dns.listen.ip().is_unspecified().then(|| format!("\"{}\"", dns.listen)),
            "it is reached from every network of the machine, not only from that of UEs",
        ),
        Check::new(
            "dns.clients",
            "networks of UEs",
            |dns| everybody(&dns.clients),
            "anybody can learn which EASs there are and where",
        ),
        Check::new(
            "dns.trusted_forwarders",
            "single resolvers",
            |dns| everybody(&dns.trusted_forwarders),
            "anybody can say where a UE is, and find out by it where EASs are",
        ),
        Check::on(
            "dns.publish_loopback_addresses",
            |dns| dns.publish_loopback_addresses,
            "a registration can lead UEs to services of their own machine",
        ),
    ];

    /// What is wrong, by key.
    pub fn wrong(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        if self.zones.is_empty() {
            wrong.push((
                "dns.zones",
                "is empty: name the zone that is served, such as edge.example".to_owned(),
            ));
        }
        let mut no_names = |key: &'static str, names: &mut dyn Iterator<Item = &String>| {
            for name in names.filter(|name| host_name(name).is_none()) {
                wrong.push((key, format!("{name:?} is no name of a host")));
            }
        };
        no_names("dns.zones", &mut self.zones.iter());
        no_names("dns.name_server", &mut self.name_server.iter());
        no_names("dns.names", &mut self.names.values());
        no_names("dns.owners", &mut self.owners.values().flatten());
        no_names("dns.hosts", &mut self.hosts.keys());
        no_names(
            "dns.upstream.name",
            &mut self.upstreams.iter().map(|upstream| &upstream.name),
        );
        if self.upstreams.is_empty() != self.upstream_roots.is_none() {
            let reason = "goes with [[dns.upstream]]: give both or neither".to_owned();
            wrong.push(("dns.upstream_roots", reason));
        }
        let zones: Vec<String> = self.zones.iter().filter_map(|zone| host_name(zone)).collect();
        for (eas_id, name) in &self.names {
            if host_name(name).is_some_and(|name| !zones.iter().any(|zone| is_within(&name, zone) && name != *zone)) {
                let reason = format!("{name:?} of {eas_id} is not below one of dns.zones");
                wrong.push(("dns.names", reason));
            }
        }
        let mut seen = PrefixTable::default();
        for place in &self.places {
            if seen.insert(place.prefix.trunc(), ()) {
                wrong.push(("dns.place.prefix", format!("{} stands there twice", place.prefix)));
            }
            if place.dnai.is_none() && place.location.is_none() {
                wrong.push((
                    "dns.place",
                    format!("{} needs a dnai, a location or both", place.prefix),
                ));
            }
        }
        if self.client_certificates == ClientCertificates::None && self.clients.is_empty() {
            let reason = "is none and dns.clients is empty, so that nobody may ask: name the networks of UEs";
            wrong.push(("dns.client_certificates", reason.to_owned()));
        }
        for (key, value) in [
            ("dns.ttl_seconds", self.ttl_seconds),
            ("dns.idle_seconds", self.idle_seconds),
            ("dns.connections", self.connections),
            ("dns.connections_per_address", self.connections_per_address),
            ("dns.queries_at_a_time", self.queries_at_a_time),
        ] {
            if value == 0 {
                wrong.push((key, "must be at least 1".to_owned()));
            }
        }
        for name in self
            .https_alpn
            .iter()
            .filter(|name| name.is_empty() || name.len() > 255)
        {
            wrong.push(("dns.https_alpn", format!("{name:?} is no name of a protocol")));
        }
        wrong
    }

    /// Makes the paths relative to `folder`, where they are relative.
    pub fn resolve(&mut self, folder: &Path) {
        if let Some(roots) = &mut self.upstream_roots {
            *roots = folder.join(&*roots);
        }
    }

    /// The resolvers for names that are not served here, where there are any.
    ///
    /// # Errors
    /// When the file of their roots cannot be used.
    pub fn upstream(&self) -> Result<Option<Upstream>, UpstreamError> {
        match &self.upstream_roots {
            Some(roots) if !self.upstreams.is_empty() => Upstream::new(&self.upstreams, roots).map(Some),
            _ => Ok(None),
        }
    }

    /// What answers go by, at a server that listens here. The settings are good.
    pub fn rules(&self, listening: SocketAddr) -> Rules {
        let own = Some(listening.ip()).filter(|address| !address.is_unspecified());
        let addresses: Vec<IpAddr> = match self.name_server_addresses.is_empty() {
            true => own.into_iter().collect(),
            false => self.name_server_addresses.clone(),
        };
        let absolute = |text: &str| {
            let mut name = Name::from_ascii(text).unwrap_or_default();
            name.set_fqdn(true);
            name
        };
        let zones = self.zones.iter().filter_map(|zone| host_name(zone)).map(|zone| {
            let named = self.name_server.as_deref().and_then(host_name);
            let server = named.unwrap_or_else(|| format!("ns.{zone}"));
            Zone {
                origin: absolute(&zone),
                name_server: absolute(&server),
                plain_name_server: server,
                name_server_addresses: addresses.clone(),
                plain: zone,
            }
        });
        let mut places = PrefixTable::default();
        for place in &self.places {
            let whereabouts = Whereabouts {
                dnai: place.dnai.clone(),
                position: place.location.as_deref().map(Position::of_ue).unwrap_or_default(),
            };
            places.insert(place.prefix.trunc(), whereabouts);
        }
        Rules {
            zones: zones.collect(),
            terms: Terms {
                ttl: self.ttl_seconds,
                negative_ttl: self.negative_ttl_seconds,
                https_alpn: self.https_alpn.clone(),
            },
            admitted: networks(&self.clients),
            trusted: networks(&self.trusted_forwarders),
            places,
            idle: seconds(self.idle_seconds),
        }
    }

    /// How long connections are borne with.
    pub fn patience(&self) -> Patience {
        Patience {
            idle: seconds(self.idle_seconds),
            frame: ARRIVAL,
            stall: STALL,
            in_flight: number(self.queries_at_a_time),
        }
    }

    /// What the listener tolerates.
    pub fn session_limits(&self) -> SessionLimits {
        SessionLimits {
            connections: number(self.connections),
            handshake_timeout: ARRIVAL,
            max_age: Duration::MAX,
            drain: ARRIVAL,
        }
    }

    /// How many connections one address may have.
    pub fn limits(&self) -> LimitSettings {
        LimitSettings {
            connections_per_address: self.connections_per_address,
            connections_per_caller: self.connections_per_address,
            ..LimitSettings::default()
        }
    }
}
