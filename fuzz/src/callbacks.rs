//! URIs that clients name for callbacks.

use crate::{Target, refusal};
use edgeapp_core::callback::CallbackRule;
use edgeapp_openapi::common::Uri;
use std::net::{IpAddr, Ipv4Addr, ToSocketAddrs};

/// The one rule for all of them.
pub static TARGETS: &[Target] = &[Target {
    name: "callback-uri",
    run: callback,
}];

/// What is allowed is https to a host outside, without user or fragment, however it was written; said again it is allowed again.
fn callback(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(uri) = text.parse::<Uri>() else { return };
    let rule = CallbackRule::default();
    let url = match rule.check(&uri, "/notificationDestination") {
        Ok(url) => url,
        Err(error) => return refusal(&error),
    };
    assert_eq!(url.scheme(), "https");
    assert!(
        url.username().is_empty() && url.password().is_none() && url.fragment().is_none(),
        "{url}"
    );
    let host = url.host_str().expect("a host");
    assert!(!host.is_empty() && !host.contains(['@', '/', '\\', '#', '?']), "{url}");
    // Addresses as the system reads them, not as the parser of URIs does; names are not resolved.
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = literal.parse::<IpAddr>() {
        assert!(outside(address), "{url}");
        let (resolved, port) = ((literal, 443).to_socket_addrs(), url.port_or_known_default());
        assert!(
            resolved.is_ok_and(|mut all| all.all(|at| outside(at.ip()))) && port.is_some(),
            "{url}"
        );
    }
    let again = url.as_str().parse::<Uri>().expect("a URI");
    assert!(rule.check(&again, "/a").is_ok_and(|again| again == url), "{url}");
}

fn outside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => outside_v4(address),
        IpAddr::V6(address) => {
            let inside = address.is_loopback()
                || address.is_unspecified()
                || address.is_multicast()
                || address.is_unique_local()
                || address.is_unicast_link_local();
            !inside && address.to_ipv4_mapped().is_none_or(outside_v4)
        }
    }
}

fn outside_v4(address: Ipv4Addr) -> bool {
    !(address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_unspecified()
        || address.is_broadcast()
        || address.is_multicast())
}
