//! Which addresses a client may name for callbacks.

use crate::error::{Cause, Error, Kind};
use edgeapp_openapi::{common::Uri, problem::InvalidParam};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// The rule for every URI that a client can name: `https`, no user information, no fragment, and no way into our own network.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallbackRule {
    /// Loopback, private and link-local addresses may be used. For laboratories and tests: with this a client can make the
    /// server send requests into the operator's own network.
    pub allow_private_addresses: bool,
}

impl CallbackRule {
    /// Checks a callback address as it was written; `pointer` says where it stood.
    ///
    /// # Errors
    /// [`Cause::CallbackNotAllowed`]: kind `Invalid` for what can never be a callback address, `Forbidden` for one that leads
    /// where it must not.
    pub fn check(&self, address: &Uri, pointer: &str) -> Result<Url, Error> {
        let refuse = |kind, reason: &str| Error {
            invalid: vec![InvalidParam {
                param: pointer.to_owned(),
                reason: Some(reason.to_owned()),
            }],
            ..Error::new(kind, Cause::CallbackNotAllowed, format!("{pointer}: {reason}"))
        };
        let url = Url::parse(address.as_str()).map_err(|_| refuse(Kind::Invalid, "must be an absolute https URI"))?;
        if url.scheme() != "https" {
            return Err(refuse(Kind::Invalid, "must be an absolute https URI"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse(Kind::Invalid, "must not carry user information"));
        }
        if url.fragment().is_some() {
            return Err(refuse(Kind::Invalid, "must not have a fragment"));
        }
        let inside = match url.host() {
            Some(Host::Ipv4(address)) => !self.may_connect(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => !self.may_connect(IpAddr::V6(address)),
            Some(Host::Domain(name)) => !self.allow_private_addresses && is_local_name(name),
            None => return Err(refuse(Kind::Invalid, "must name a host")),
        };
        if inside {
            return Err(refuse(
                Kind::Forbidden,
                "must not lead to a loopback, private or link-local address",
            ));
        }
        Ok(url)
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
        if address.is_unspecified() || address.is_multicast() {
            return false;
        }
        // fec0::/10 is what site-local addresses were.
        let site_local = address.segments()[0] & 0xffc0 == 0xfec0;
        let inside =
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local() || site_local;
        self.allow_private_addresses || !inside
    }
}

/// Whether a name means this machine (RFC 6761), with or without the dot of the root.
fn is_local_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, behind NAT64 (64:ff9b::/96) or 6to4 (2002::/16).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        // `::` and `::1` are addresses of their own.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            Some(v4(high, low))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(rule: CallbackRule, address: &str) -> Option<Kind> {
        rule.check(&address.parse().expect("a URI"), "/notificationDestination")
            .err()
            .map(|error| error.kind)
    }

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
        ] {
            assert_eq!(verdict(strict, inside), Some(Kind::Forbidden), "{inside}");
        }
        for outside in [
            "https://8.8.8.8/",
            "https://[2606:4700::1111]/",
            "https://[64:ff9b::808:808]/",
        ] {
            assert_eq!(verdict(strict, outside), None, "{outside}");
        }
        assert_eq!(verdict(strict, "https://ue.example/cb?x=1"), None);
    }

    #[test]
    fn what_is_no_callback_is_refused_even_when_relaxed() {
        let relaxed = CallbackRule {
            allow_private_addresses: true,
        };
        for never in [
            "http://ue.example/",
            "https://good.example@evil.example/",
            "https://ue.example/#f",
            "file:///etc/passwd",
        ] {
            assert_eq!(verdict(relaxed, never), Some(Kind::Invalid), "{never}");
        }
        assert_eq!(verdict(relaxed, "https://127.0.0.1:8443/cb"), None);
        assert_eq!(verdict(relaxed, "https://0.0.0.0/"), Some(Kind::Forbidden));
    }
}
