//! Requests of HTTP/1.1 whose end or aim can be read in two ways: refused, and the connection is over, so that nothing that was hidden
//! behind one is taken for another.

use crate::support::{CHESS, EAS_REGISTRATIONS, eas_registration};
use edgeapp_core::principal::Role;
use edgeapp_system_tests::{
    caller::{Caller, tls},
    lab::Lab,
    raw::exchange,
};
use http::{Method, Request};

const EAS: &str = "eas.chess.example#1";
/// What is hidden: a path of its own that would be answered with 404.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Proves: T-19, WP-50
#[tokio::test]
async fn a_request_with_two_ends_is_none() {
    let lab = Lab::new();
    let ees = lab.ees("a").start().await;
    let address = ees.root("edge3").trim_start_matches("https://");
    let post = |fields: &str, body: &str| {
        format!(
            "POST {EAS_REGISTRATIONS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{fields}\r\n{body}{HIDDEN}"
        )
    };
    for (what, bytes) in [
        ("two lengths", post("Content-Length: 0\r\nContent-Length: 46\r\n", "")),
        ("a list of lengths", post("Content-Length: 0, 46\r\n", "")),
        ("a signed length", post("Content-Length: +0\r\n", "")),
        ("a hexadecimal length", post("Content-Length: 0x0\r\n", "")),
        (
            "an unknown coding",
            post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
        ),
        (
            "chunked is not the last coding",
            post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
        ),
        ("a blank before the colon", post("Content-Length : 0\r\n", "")),
        ("a line that goes on", post("X-Note: a\r\n Content-Length: 0\r\n", "")),
        ("CR alone", post("X-Note: a\rContent-Length: 0\r\n", "")),
        ("NUL", post("X-Note: a\0b\r\nContent-Length: 0\r\n", "")),
        (
            "a chunk whose size is none",
            post("Transfer-Encoding: chunked\r\n", "zz\r\n\r\n"),
        ),
        (
            "a size beyond all numbers",
            post("Transfer-Encoding: chunked\r\n", "ffffffffffffffffff\r\n\r\n"),
        ),
    ] {
        let eas = tls(&lab, Some(&lab.who(Role::Eas, EAS)), Role::Ees);
        let came = exchange(address, eas, &[b"http/1.1"], bytes.as_bytes()).await;
        let text = String::from_utf8_lossy(&came.bytes);
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 400"), "{what}: {text}");
        assert_eq!(
            text.matches("HTTP/1.1 ").count(),
            usize::from(!text.is_empty()),
            "{what}: {text}"
        );
        assert!(!text.contains("/hidden"), "{what}: {text}");
    }
    let eas = lab.eas(EAS, ees.root("edge3"));
    eas.post(EAS_REGISTRATIONS, &eas_registration(CHESS, "one", "ENABLED"))
        .await
        .created();
}

/// What proxies say of whom they speak for counts for nothing: there is no proxy that could.
///
/// Proves: T-35, WP-71, WP-11
#[tokio::test]
async fn what_proxies_say_has_no_effect() {
    let lab = Lab::new();
    let ees = lab.ees("a").start().await;
    let root = ees.root("edge3");
    let owner = lab.eas(EAS, root);
    let path = owner
        .post(EAS_REGISTRATIONS, &eas_registration(CHESS, "one", "ENABLED"))
        .await
        .created();
    let certificate = std::fs::read_to_string(lab.who(Role::Eas, EAS).certificate).unwrap();
    let der: String = certificate.lines().filter(|line| !line.starts_with('-')).collect();
    let stranger = Caller::new(&lab, &lab.who(Role::Eas, "eas.other.example#1"), Role::Ees, root);
    let nobody = Caller::anonymous(&lab, Role::Ees, root);
    for (name, value) in [
        (
            "x-forwarded-client-cert",
            "URI=urn:edgeapp:eas:eas.chess.example%231".to_owned(),
        ),
        ("client-cert", format!(":{der}:")),
        ("x-ssl-client-cert", der.clone()),
        ("x-forwarded-for", "127.0.0.1".to_owned()),
        ("forwarded", "for=127.0.0.1;host=ees-a.example".to_owned()),
        ("x-forwarded-host", "evil.example".to_owned()),
        ("x-original-url", "/metrics".to_owned()),
        ("x-http-method-override", "DELETE".to_owned()),
    ] {
        let get = || {
            Request::builder()
                .method(Method::GET)
                .uri(format!("{root}{path}"))
                .header(name, &value)
        };
        let answer = stranger.try_request(get(), "").await.unwrap();
        answer.refused(404, "RESOURCE_NOT_FOUND");
        assert!(nobody.try_request(get(), "").await.is_err(), "{name}");
        owner.try_request(get(), "").await.unwrap().found();
    }
    // Nor do they show in what is made.
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("{root}{EAS_REGISTRATIONS}"))
        .header("content-type", "application/json")
        .header("x-forwarded-host", "evil.example")
        .header("x-forwarded-proto", "http");
    let made = owner
        .try_request(request, eas_registration(CHESS, "two", "ENABLED").to_string())
        .await
        .unwrap();
    let location = made.headers["location"].to_str().unwrap();
    assert!(location.starts_with(root), "{location}");
}
