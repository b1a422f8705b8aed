//! Which addresses a client may name for callbacks.
//!
//! | what | when it is looked at |
//! |---|---|
//! | form: `https`, no user information, no fragment | when it is named |
//! | place: no way into our own network, to metadata services, to our own listeners | when it is named, after name resolution, and once more of the connection that was made |
//! | name: one of the subscriber's certificate, or one that the operator allows | when it is named; a redirect stays on its host |

use crate::{
    error::{Cause, Error, Kind},
    principal::Principal,
};
use edgeapp_openapi::{common::Uri, problem::InvalidParam};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
    sync::{Arc, PoisonError, RwLock},
};
use url::{Host, Url};

/// The rule for every URI that a client can name.
#[derive(Clone, Debug, Default)]
pub struct CallbackRule {
    /// Loopback, private and link-local addresses may be used. For laboratories and tests: with this a client can make the
    /// server send requests into the operator's own network.
    pub allow_private_addresses: bool,
    /// Names that clients may use although they do not stand in their certificates: those of notification proxies.
    pub allowed_hosts: Vec<HostPattern>,
    /// Ports that may be used; all when there are none.
    pub allowed_ports: Vec<u16>,
    /// Where we listen ourselves: nobody makes us call ourselves.
    pub own: OwnListeners,
    /// How often one host is called; as often as there is something to say without it.
    pub pace: Option<Pace>,
}

/// How often one host is called, whoever named it: nobody makes us flood a third party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Notifications per second.
    pub notifications: u32,
    /// New connections per second. Whoever is not the subscriber never gets further than to refuse one.
    pub connections: u32,
}

/// A name, or with `*.` before it every name below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPattern(String);

impl HostPattern {
    /// Whether a host is meant by it.
    pub fn covers(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        match self.0.strip_prefix('*') {
            // The dot stays: `*.example` does not cover `anexample`.
            Some(parent) => {
                host.len() > parent.len()
                    && host.is_char_boundary(host.len() - parent.len())
                    && host[host.len() - parent.len()..].eq_ignore_ascii_case(parent)
            }
            None => host.eq_ignore_ascii_case(&self.0),
        }
    }
}

impl FromStr for HostPattern {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.strip_prefix("*.").unwrap_or(text);
        let label = |label: &str| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if name.len() <= 253 && name.split('.').all(label) && name.parse::<IpAddr>().is_err() {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err("is no host name, with or without `*.` before it")
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The addresses of our own listeners, as they become known.
#[derive(Clone, Debug, Default)]
pub struct OwnListeners(Arc<RwLock<Vec<SocketAddr>>>);

impl OwnListeners {
    /// We listen here too.
    pub fn add(&self, address: SocketAddr) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).push(address);
    }

    /// Whether we listen there. A listener on all addresses is at any address that leads to this machine, which `here` tells.
    pub fn hold(&self, address: SocketAddr, here: bool) -> bool {
        let ip = address.ip().to_canonical();
        let here = here || ip.is_loopback();
        let own = self.0.read().unwrap_or_else(PoisonError::into_inner);
        own.iter()
            .filter(|own| own.port() == address.port())
            .any(|own| own.ip() == ip || (own.ip().is_unspecified() && here))
    }
}

impl CallbackRule {
    /// A rule for servers that the operator chose: they may be anywhere.
    pub fn anywhere() -> Self {
        Self {
            allow_private_addresses: true,
            ..Self::default()
        }
    }

    /// Checks a callback address that this client named for itself: as [`CallbackRule::check`], and a name has to be one of its
    /// certificate, or one that the operator allows. `pointer` says where it stood.
    ///
    /// # Errors
    /// As [`CallbackRule::check`].
    pub fn check_of(&self, by: &Principal, address: &Uri, pointer: &str) -> Result<Url, Error> {
        let url = self.check(address, pointer)?;
        match url.host() {
            Some(Host::Domain(name)) if !self.allows_name(name) && !by.has_name(name) => Err(refuse(
                Kind::Forbidden,
                pointer,
                "must name a host that stands in the certificate of the subscriber, or that the operator allows",
            )),
            _ => Ok(url),
        }
    }

    /// Checks a callback address of a client whose certificate cannot hold names, because the server that it calls has issued it: as
    /// [`CallbackRule::check`], and where the operator lists names, a name has to be among them.
    ///
    /// # Errors
    /// As [`CallbackRule::check`].
    pub fn check_listed(&self, address: &Uri, pointer: &str) -> Result<Url, Error> {
        let url = self.check(address, pointer)?;
        match url.host() {
            Some(Host::Domain(name)) if !self.allowed_hosts.is_empty() && !self.allows_name(name) => Err(refuse(
                Kind::Forbidden,
                pointer,
                "must name a host that the operator allows",
            )),
            _ => Ok(url),
        }
    }

    /// Checks where a subscriber says that its address has moved to: the same host, or one that the operator allows.
    ///
    /// # Errors
    /// As [`CallbackRule::check`].
    pub fn check_redirect(&self, from: &Url, to: &Uri, pointer: &str) -> Result<Url, Error> {
        let url = self.check(to, pointer)?;
        let allowed = match (from.host(), url.host()) {
            (from, to) if from == to => true,
            (_, Some(Host::Domain(name))) => self.allows_name(name),
            _ => false,
        };
        match allowed {
            true => Ok(url),
            false => Err(refuse(Kind::Forbidden, pointer, "must stay on the same host")),
        }
    }

    fn allows_name(&self, name: &str) -> bool {
        self.allowed_hosts.iter().any(|pattern| pattern.covers(name))
    }

    /// Checks an address as it was written, whoever named it; `pointer` says where it stood.
    ///
    /// # Errors
    /// [`Cause::CallbackNotAllowed`]: kind `Invalid` for what can never be a callback address, `Forbidden` for one that leads
    /// where it must not.
    pub fn check(&self, address: &Uri, pointer: &str) -> Result<Url, Error> {
        let refuse = |kind, reason: &str| refuse(kind, pointer, reason);
        let url = Url::parse(address.as_str()).map_err(|_| refuse(Kind::Invalid, "must be an absolute https URI"))?;
        if url.scheme() != "https" {
            return Err(refuse(Kind::Invalid, "must be an absolute https URI"));
        }
        // A parser forgets an empty one, which is nothing but a trap for the next reader.
        if !url.username().is_empty() || url.password().is_some() || authority(address.as_str()).contains('@') {
            return Err(refuse(Kind::Invalid, "must not carry user information"));
        }
        if url.fragment().is_some() {
            return Err(refuse(Kind::Invalid, "must not have a fragment"));
        }
        let port = url.port_or_known_default().unwrap_or_default();
        let ours = |address: IpAddr| self.own.hold(SocketAddr::new(address, port), false);
        let (inside, ours) = match url.host() {
            Some(Host::Ipv4(address)) => (!self.may_connect(address.into()), ours(address.into())),
            Some(Host::Ipv6(address)) => (!self.may_connect(address.into()), ours(address.into())),
            Some(Host::Domain(name)) if is_metadata_name(name) => (true, false),
            Some(Host::Domain(name)) if is_local_name(name) => {
                (!self.allow_private_addresses, ours(Ipv4Addr::LOCALHOST.into()))
            }
            Some(Host::Domain(_)) => (false, false),
            None => return Err(refuse(Kind::Invalid, "must name a host")),
        };
        if inside {
            return Err(refuse(
                Kind::Forbidden,
                "must not lead to a loopback, private or link-local address",
            ));
        }
        if ours {
            return Err(refuse(Kind::Forbidden, "must not lead to this server itself"));
        }
        if !self.allowed_ports.is_empty() && !self.allowed_ports.contains(&port) {
            return Err(refuse(Kind::Forbidden, "must use a port that the operator allows"));
        }
        Ok(url)
    }

    /// Whether a connection that was made may be used: its far end is an allowed address and none of our own listeners. `here` says
    /// that both ends are on this machine.
    pub fn may_use(&self, address: SocketAddr, here: bool) -> bool {
        self.may_connect(address.ip()) && !self.own.hold(address, here)
    }

    /// Whether a connection to this address, after name resolution, is allowed.
    pub fn may_connect(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.may_connect_v4(address),
            // Both sides count where one address stands for the other: a gateway leads to the embedded one.
            IpAddr::V6(address) => {
                let embedded = embedded_v4(address);
                embedded.is_none_or(|embedded| self.may_connect_v4(embedded)) && self.may_connect_v6(address)
            }
        }
    }

    fn may_connect_v4(&self, address: Ipv4Addr) -> bool {
        let [a, b, ..] = address.octets();
        if METADATA_V4.contains(&address.octets()) {
            return false;
        }
        // 0.0.0.0/8 is "this network", 240.0.0.0/4 nobody's.
        if a == 0 || a >= 240 || address.is_multicast() {
            return false;
        }
        // 100.64.0.0/10 is shared between carriers and their customers, 192.0.0.0/24 and 198.18.0.0/15 serve a network's own
        // equipment and its tests: as private as the others.
        let special =
            (a == 100 && b & 0xc0 == 64) || address.octets().starts_with(&[192, 0, 0]) || (a == 198 && b & 0xfe == 18);
        let inside = address.is_loopback() || address.is_private() || address.is_link_local() || special;
        self.allow_private_addresses || !inside
    }

    fn may_connect_v6(&self, address: Ipv6Addr) -> bool {
        if address.is_unspecified() || address.is_multicast() || METADATA_V6.contains(&address.segments()) {
            return false;
        }
        // fec0::/10 is what site-local addresses were.
        let site_local = address.segments()[0] & 0xffc0 == 0xfec0;
        // 64:ff9b:1::/48 is for translators of one's own network.
        let translated = address.segments().starts_with(&[0x64, 0xff9b, 1]);
        let inside = address.is_loopback()
            || address.is_unique_local()
            || address.is_unicast_link_local()
            || site_local
            || translated;
        self.allow_private_addresses || !inside
    }
}

/// Where clouds tell a machine its own secrets: never a subscriber, not even in a laboratory.
const METADATA_V4: [[u8; 4]; 4] = [
    [169, 254, 169, 254],
    [169, 254, 170, 2],
    [100, 100, 100, 200],
    [192, 0, 0, 192],
];
const METADATA_V6: [[u16; 8]; 2] = [
    [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254],
    [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254],
];

fn is_metadata_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    ["metadata.google.internal", "metadata.internal", "instance-data"].contains(&name)
}

fn refuse(kind: Kind, pointer: &str, reason: &str) -> Error {
    Error {
        invalid: vec![InvalidParam {
            param: pointer.to_owned(),
            reason: Some(reason.to_owned()),
        }],
        ..Error::new(kind, Cause::CallbackNotAllowed, format!("{pointer}: {reason}"))
    }
}

/// The authority of a URI as it was written.
fn authority(uri: &str) -> &str {
    let rest = uri.split_once("//").map_or(uri, |(_, rest)| rest);
    rest.split(['/', '?', '#', '\\']).next().unwrap_or_default()
}

/// Whether a name means this machine (RFC 6761), with or without the dot of the root.
fn is_local_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}

/// The IPv4 address that an IPv6 address stands for: mapped, translated, compatible, behind NAT64 (64:ff9b::/96), 6to4 (2002::/16) or
/// Teredo (2001::/32, inverted).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        // `::` and `::1` are addresses of their own.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            Some(v4(high, low))
        }
        [0, 0, 0, 0, 0xffff, 0, high, low] => Some(v4(high, low)),
        [0x2001, 0, _, _, _, _, high, low] => Some(v4(!high, !low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(rule: &CallbackRule, address: &str) -> Option<Kind> {
        rule.check(&address.parse().expect("a URI"), "/notificationDestination")
            .err()
            .map(|error| error.kind)
    }

    #[test]
    fn where_names_are_listed_others_are_refused() {
        let mut rule = CallbackRule::default();
        let listed = |rule: &CallbackRule, address: &str| {
            let address = address.parse().expect("a URI");
            rule.check_listed(&address, "/notificationDestination")
                .err()
                .map(|error| error.kind)
        };
        assert_eq!(listed(&rule, "https://eas.example/n"), None);
        rule.allowed_hosts = vec!["*.good.example".parse().expect("a pattern")];
        assert_eq!(listed(&rule, "https://eas.example/n"), Some(Kind::Forbidden));
        assert_eq!(listed(&rule, "https://eas.good.example/n"), None);
        assert_eq!(listed(&rule, "https://10.0.0.1/n"), Some(Kind::Forbidden));
    }

    /// Proves: T-11, H-33
    #[test]
    fn what_leads_inside_is_refused() {
        let strict = CallbackRule::default();
        for inside in [
            "https://127.0.0.1/",
            "https://[::ffff:7f00:1]/",
            "https://2130706433/",
            "https://localhost/cb",
            "https://10.0.0.1/",
            "https://169.254.169.254/latest",
            "https://[fe80::1]/",
            "https://[fd00::1]/",
            "https://100.64.0.1/",
            "https://0.0.0.0/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://LOCALHOST./",
            "https://a.localhost/",
            "https://0.1.2.3/",
            "https://198.18.0.1/",
            "https://255.255.255.255/",
            "https://[::]/",
            "https://[::1]/",
            "https://[::7f00:1]/",
            "https://[64:ff9b::a00:1]/",
            "https://[2002:c0a8:101::1]/",
            "https://[fec0::1]/",
            "https://0x7f000001/",
            "https://017700000001/",
            "https://127.1/",
            "https://127.0.0.1./",
            "https://[::ffff:127.0.0.1]/",
            "https://[0:0:0:0:0:ffff:a00:1]/",
            "https://[::ffff:0:7f00:1]/",
            "https://[2001:0:0:0:0:0:80ff:fffe]/",
            "https://[64:ff9b:1::a00:1]/",
            "https://%31%32%37.0.0.1/",
            "https://192.0.0.192/",
            "https://224.0.0.1/",
            "https://[ff02::1]/",
            "https://metadata.google.internal/computeMetadata/v1/",
        ] {
            assert_eq!(verdict(&strict, inside), Some(Kind::Forbidden), "{inside}");
        }
        for outside in [
            "https://8.8.8.8/",
            "https://[2606:4700::1111]/",
            "https://[64:ff9b::808:808]/",
        ] {
            assert_eq!(verdict(&strict, outside), None, "{outside}");
        }
        assert_eq!(verdict(&strict, "https://ue.example/cb?x=1"), None);
    }

    /// Proves: T-11, H-34
    #[test]
    fn what_is_no_callback_is_refused_even_when_relaxed() {
        let relaxed = CallbackRule::anywhere();
        for never in [
            "https://@ue.example/",
            "https://:@ue.example/",
            "https://ue.example:x@169.254.169.254/",
            "gopher://ue.example/",
            "http://ue.example/",
            "https://good.example@evil.example/",
            "https://ue.example/#f",
            "file:///etc/passwd",
        ] {
            assert_eq!(verdict(&relaxed, never), Some(Kind::Invalid), "{never}");
        }
        assert_eq!(verdict(&relaxed, "https://127.0.0.1:8443/cb"), None);
        assert_eq!(verdict(&relaxed, "https://0.0.0.0/"), Some(Kind::Forbidden));
    }

    #[test]
    fn metadata_services_are_never_called() {
        for never in [
            "https://169.254.169.254/latest",
            "https://[fd00:ec2::254]/",
            "https://[::ffff:169.254.169.254]/",
            "https://100.100.100.200/",
            "https://metadata.google.internal./",
        ] {
            assert_eq!(
                verdict(&CallbackRule::anywhere(), never),
                Some(Kind::Forbidden),
                "{never}"
            );
        }
    }

    fn subscriber(names: &[&str]) -> Principal {
        Principal::from_names(["urn:edgeapp:eec:eec-1"], names.iter().copied()).expect("an identity")
    }

    #[test]
    fn a_name_is_the_subscribers_or_the_operator_allows_it() {
        let rule = CallbackRule {
            allowed_hosts: vec!["*.proxy.example".parse().expect("a pattern")],
            ..CallbackRule::default()
        };
        let client = subscriber(&["ue.example", "a.ue.example"]);
        let check = |address: &str| rule.check_of(&client, &address.parse().expect("a URI"), "/uri").is_ok();
        for fine in [
            "https://ue.example/cb",
            "https://UE.example.:8443/cb",
            "https://a.ue.example/",
            "https://one.proxy.example/",
            "https://a.b.proxy.example/",
            "https://8.8.8.8/",
        ] {
            assert!(check(fine), "{fine}");
        }
        for foreign in [
            "https://victim.example/",
            "https://ue.example.victim.example/",
            "https://a.b.ue.example/",
            "https://proxy.example/",
            "https://eproxy.example/",
        ] {
            assert!(!check(foreign), "{foreign}");
        }
        let nobody = subscriber(&[]);
        let own = rule.check_of(&nobody, &"https://ue.example/".parse().expect("a URI"), "/uri");
        let error = own.expect_err("another's name");
        assert_eq!((error.kind, error.cause), (Kind::Forbidden, Cause::CallbackNotAllowed));
        assert_eq!(error.invalid[0].param, "/uri");
    }

    #[test]
    fn a_redirect_stays_where_it_is() {
        let rule = CallbackRule {
            allowed_hosts: vec!["proxy.example".parse().expect("a pattern")],
            ..CallbackRule::default()
        };
        let from = Url::parse("https://ue.example/cb").expect("a URL");
        let check = |to: &str| {
            rule.check_redirect(&from, &to.parse().expect("a URI"), "callback")
                .is_ok()
        };
        assert!(check("https://ue.example:8443/other") && check("https://proxy.example/"));
        for elsewhere in [
            "https://victim.example/",
            "https://8.8.8.8/",
            "http://ue.example/",
            "https://127.0.0.1/",
        ] {
            assert!(!check(elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn nobody_makes_us_call_ourselves() {
        let rule = CallbackRule::anywhere();
        rule.own.add(SocketAddr::from(([127, 0, 0, 1], 9101)));
        rule.own.add(SocketAddr::from(([0, 0, 0, 0], 9103)));
        for ours in [
            "https://127.0.0.1:9101/",
            "https://localhost:9101/",
            "https://[::ffff:127.0.0.1]:9101/",
            "https://127.0.0.2:9103/",
        ] {
            assert_eq!(verdict(&rule, ours), Some(Kind::Forbidden), "{ours}");
        }
        assert_eq!(verdict(&rule, "https://127.0.0.1:9999/"), None);
        let at = |address: [u8; 4], port| SocketAddr::from((address, port));
        assert!(rule.may_use(at([192, 168, 0, 7], 9103), false), "another machine");
        assert!(
            !rule.may_use(at([192, 168, 0, 7], 9103), true),
            "this machine by another of its addresses"
        );
    }

    #[test]
    fn ports_are_the_operators_choice() {
        let rule = CallbackRule {
            allowed_ports: vec![443, 8443],
            ..CallbackRule::default()
        };
        assert_eq!(verdict(&rule, "https://ue.example/"), None);
        assert_eq!(verdict(&rule, "https://ue.example:8443/"), None);
        assert_eq!(verdict(&rule, "https://ue.example:22/"), Some(Kind::Forbidden));
    }

    #[test]
    fn patterns_are_names() {
        for wrong in [
            "",
            "*",
            "*.",
            "a..b",
            "https://a.example",
            "a.example:1",
            "a.*.example",
            "10.0.0.1",
        ] {
            assert!(wrong.parse::<HostPattern>().is_err(), "{wrong}");
        }
    }
}
