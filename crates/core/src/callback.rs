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
            invalid: vec![InvalidParam { param: pointer.to_owned(), reason: Some(reason.to_owned()) }],
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
            Some(Host::Domain(name)) => !self.allow_private_addresses && (name == "localhost" || name.ends_with(".localhost")),
            None => return Err(refuse(Kind::Invalid, "must name a host")),
        };
        if inside {
            return Err(refuse(Kind::Forbidden, "must not lead to a loopback, private or link-local address"));
        }
        Ok(url)
    }

    /// Whether a connection to this address, after name resolution, is allowed.
    pub fn may_connect(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.may_connect_v4(address),
            IpAddr::V6(address) => match address.to_ipv4_mapped() {
                Some(mapped) => self.may_connect_v4(mapped),
                None => self.may_connect_v6(address),
            },
        }
    }

    fn may_connect_v4(&self, address: Ipv4Addr) -> bool {
        let [a, b, ..] = address.octets();
        if address.is_unspecified() || address.is_multicast() || address.is_broadcast() {
            return false;
        }
        // 100.64.0.0/10 is shared between carriers and their customers: as private as the others.
        let inside = address.is_loopback() || address.is_private() || address.is_link_local() || (a == 100 && b & 0xc0 == 64);
        self.allow_private_addresses || !inside
    }

    fn may_connect_v6(&self, address: Ipv6Addr) -> bool {
        if address.is_unspecified() || address.is_multicast() {
            return false;
        }
        let inside = address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local();
        self.allow_private_addresses || !inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(rule: CallbackRule, address: &str) -> Option<Kind> {
        rule.check(&address.parse().expect("a URI"), "/notificationDestination").err().map(|error| error.kind)
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
        ] {
            assert_eq!(verdict(strict, inside), Some(Kind::Forbidden), "{inside}");
        }
        assert_eq!(verdict(strict, "https://ue.example/cb?x=1"), None);
    }

    #[test]
    fn what_is_no_callback_is_refused_even_when_relaxed() {
        let relaxed = CallbackRule { allow_private_addresses: true };
        for never in ["http://ue.example/", "https://good.example@evil.example/", "https://ue.example/#f", "file:///etc/passwd"] {
            assert_eq!(verdict(relaxed, never), Some(Kind::Invalid), "{never}");
        }
        assert_eq!(verdict(relaxed, "https://127.0.0.1:8443/cb"), None);
        assert_eq!(verdict(relaxed, "https://0.0.0.0/"), Some(Kind::Forbidden));
    }
}
