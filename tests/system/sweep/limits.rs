//! The limits of a listener: sizes, times, resets, protocols.

use crate::support::{CHESS, EAS_REGISTRATIONS, eas_registration};
use bytes::Bytes;
use edgeapp_authz::RoleOfReferencePoint;
use edgeapp_core::{authorizer::ReferencePoint, principal::Role};
use edgeapp_http::{
    request::BODY_TIMEOUT,
    server::{Limits, Listener},
    tls::server_config,
};
use edgeapp_system_tests::{caller::tls, lab::Lab, process::Process, wait::DEADLINE};
use http::{Request, StatusCode};
use rustls::{ClientConfig, pki_types::ServerName};
use std::{net::Ipv4Addr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_util::sync::CancellationToken;

const EAS: &str = "eas.chess.example#1";

struct Site {
    lab: Lab,
    ees: Process,
}

impl Site {
    async fn open() -> Self {
        let lab = Lab::new();
        let ees = lab.ees("a").start().await;
        Self { lab, ees }
    }

    fn address(&self) -> &str {
        self.ees.root("edge3").trim_start_matches("https://")
    }

    fn tls(&self, alpn: &[&[u8]]) -> ClientConfig {
        let mut config = tls(&self.lab, Some(&self.lab.who(Role::Eas, EAS)), Role::Ees);
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        config
    }

    async fn connect(&self, alpn: &[&[u8]]) -> TlsStream<TcpStream> {
        connect(self.address(), self.tls(alpn)).await
    }

    /// The server still serves: a registration is accepted.
    async fn still_serves(&self) {
        let eas = self.lab.eas(EAS, self.ees.root("edge3"));
        eas.post(EAS_REGISTRATIONS, &eas_registration(CHESS, "one", "ENABLED"))
            .await
            .created();
    }
}

async fn connect(address: &str, tls: ClientConfig) -> TlsStream<TcpStream> {
    let tcp = TcpStream::connect(address).await.unwrap();
    let name = ServerName::from(std::net::IpAddr::from(Ipv4Addr::LOCALHOST));
    TlsConnector::from(Arc::new(tls)).connect(name, tcp).await.unwrap()
}

/// Everything that comes until the other side closes.
async fn read_to_end(stream: &mut (impl AsyncReadExt + Unpin)) -> Vec<u8> {
    let mut all = Vec::new();
    // A reset after the last byte is as good as an end.
    let _ = timeout(DEADLINE, stream.read_to_end(&mut all))
        .await
        .expect("the server closes");
    all
}

/// Both protocols are offered, and who offers none gets HTTP/1.1 or HTTP/2 by what it says.
#[tokio::test]
async fn both_protocols_are_negotiated() {
    let site = Site::open().await;
    let h2 = site.connect(&[b"h2"]).await;
    assert_eq!(h2.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let preferred = site.connect(&[b"http/1.1", b"h2"]).await;
    assert_eq!(
        preferred.get_ref().1.alpn_protocol(),
        Some(&b"h2"[..]),
        "HTTP/2 comes first"
    );
    let mut h1 = site.connect(&[b"http/1.1"]).await;
    assert_eq!(h1.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    h1.write_all(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let answer = String::from_utf8(read_to_end(&mut h1).await).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 404") && answer.contains("application/problem+json"),
        "{answer}"
    );
    let mut broken = site.connect(&[b"http/1.1"]).await;
    broken.write_all(b"GET / HTTP/9.9\r\n\r\n").await.unwrap();
    let refusal = String::from_utf8(read_to_end(&mut broken).await).unwrap();
    assert!(refusal.starts_with("HTTP/1.1 4"), "{refusal}");
    for answer in [answer, refusal] {
        let head = answer.to_lowercase();
        assert!(!head.contains("\r\nserver:") && !head.contains("hyper"), "{answer}");
    }
    let unknown = site.tls(&[b"smtp"]);
    let tcp = TcpStream::connect(site.address()).await.unwrap();
    let name = ServerName::from(std::net::IpAddr::from(Ipv4Addr::LOCALHOST));
    assert!(
        TlsConnector::from(Arc::new(unknown)).connect(name, tcp).await.is_err(),
        "a protocol that is not served"
    );
}

/// Without HTTP/1.1 in the configuration there is none.
///
/// Proves: H-76
#[tokio::test]
async fn the_strict_profile_serves_http_2_alone() {
    let lab = Lab::new();
    let ees = lab.ees("a").with("http1 = false").start().await;
    let site = Site { lab, ees };
    let h2 = site.connect(&[b"h2"]).await;
    assert_eq!(h2.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let tcp = TcpStream::connect(site.address()).await.unwrap();
    let name = ServerName::from(std::net::IpAddr::from(Ipv4Addr::LOCALHOST));
    let refused = TlsConnector::from(Arc::new(site.tls(&[b"http/1.1"])))
        .connect(name, tcp)
        .await;
    assert!(refused.is_err());
    site.still_serves().await;
}

/// There is no clear text: neither protocol gets a byte of HTTP.
///
/// Proves: WP-01, H-76
#[tokio::test]
async fn clear_text_gets_no_http() {
    let site = Site::open().await;
    for hello in [
        &b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
    ] {
        let mut tcp = TcpStream::connect(site.address()).await.unwrap();
        tcp.write_all(hello).await.unwrap();
        let answer = read_to_end(&mut tcp).await;
        assert!(answer.is_empty() || answer[0] == 0x15, "not a TLS alert: {answer:?}");
    }
    site.still_serves().await;
}

/// TLS 1.1 and older, as a ClientHello that offers nothing newer, get an alert.
///
/// Proves: WP-02
#[tokio::test]
async fn old_tls_gets_an_alert() {
    let site = Site::open().await;
    for version in [0x00, 0x01, 0x02] {
        // A ClientHello: version, random, no session, one cipher suite, no compression, no extensions.
        let body = [&[0x03, version][..], &[7; 32], &[0], &[0, 2, 0xc0, 0x13], &[1, 0]].concat();
        let length = u8::try_from(body.len()).unwrap();
        let hello = [&[0x16, 0x03, version, 0, length + 4, 1, 0, 0, length][..], &body].concat();
        let mut tcp = TcpStream::connect(site.address()).await.unwrap();
        tcp.write_all(&hello).await.unwrap();
        let answer = read_to_end(&mut tcp).await;
        assert!(
            answer.first() == Some(&0x15),
            "TLS 1.{}: {answer:?}",
            i32::from(version) - 1
        );
    }
    site.still_serves().await;
}

/// A URI of more than 2048 bytes: 414, over both protocols.
///
/// Proves: H-53
#[tokio::test]
async fn a_long_uri_is_refused() {
    let site = Site::open().await;
    let eas = site.lab.eas(EAS, site.ees.root("edge3"));
    for path in [
        format!("/{}", "x".repeat(2048)),
        format!("{EAS_REGISTRATIONS}/1?{}", "q".repeat(2048)),
    ] {
        eas.get(&path).await.refused(414, "URI_TOO_LONG");
        let mut h1 = site.connect(&[b"http/1.1"]).await;
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        h1.write_all(request.as_bytes()).await.unwrap();
        let answer = String::from_utf8(read_to_end(&mut h1).await).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 414") && answer.contains("URI_TOO_LONG"),
            "{answer}"
        );
    }
    site.still_serves().await;
}

/// A header list of more than 16 KiB is refused, over both protocols, and the server serves on.
///
/// Proves: T-15, H-51
#[tokio::test]
async fn a_large_header_list_is_refused() {
    let site = Site::open().await;
    let mut h1 = site.connect(&[b"http/1.1"]).await;
    let fields: String = (0..20).map(|n| format!("X-{n}: {}\r\n", "y".repeat(1000))).collect();
    let request = format!("GET /nothing HTTP/1.1\r\nHost: localhost\r\n{fields}Connection: close\r\n\r\n");
    h1.write_all(request.as_bytes()).await.unwrap();
    let answer = String::from_utf8(read_to_end(&mut h1).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 431") || answer.is_empty(), "{answer}");
    let (mut h2, connection) = h2::client::handshake(site.connect(&[b"h2"]).await).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut request = Request::builder().uri(format!("https://{}/nothing", site.address()));
    for n in 0..20 {
        request = request.header(format!("x-{n}"), "y".repeat(1000));
    }
    let (answer, _) = h2.send_request(request.body(()).unwrap(), true).unwrap();
    match timeout(DEADLINE, answer).await.expect("an answer") {
        Ok(answer) => assert_eq!(answer.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE),
        Err(error) => assert!(error.is_reset() || error.is_go_away() || error.is_io(), "{error}"),
    }
    connection.abort();
    site.still_serves().await;
}

/// Streams that are opened and reset at once (CVE-2023-44487) cost the attacker its connection and others nothing.
///
/// Proves: T-14, WP-41
#[tokio::test]
async fn rapid_resets_end_the_connection() {
    let site = Site::open().await;
    let (h2, connection) = h2::client::Builder::new()
        .max_concurrent_reset_streams(1_000_000)
        .handshake::<_, Bytes>(site.connect(&[b"h2"]).await)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let mut cut = false;
    for _ in 0..100_000 {
        let Ok(mut ready) = timeout(DEADLINE, h2.clone().ready())
            .await
            .expect("the server goes on or closes")
        else {
            cut = true;
            break;
        };
        let request = Request::get(format!("https://{}/nothing", site.address()))
            .body(())
            .unwrap();
        let Ok((answer, mut stream)) = ready.send_request(request, false) else {
            cut = true;
            break;
        };
        stream.send_reset(h2::Reason::CANCEL);
        drop(answer);
        tokio::task::yield_now().await;
    }
    assert!(cut, "100,000 resets were tolerated");
    let ended = timeout(DEADLINE, connection)
        .await
        .expect("the connection ends")
        .unwrap();
    assert!(ended.is_err_and(|error| error.is_go_away() || error.is_io()));
    site.still_serves().await;
}

/// The times that a listener waits are bounded, in the limits that both servers use.
///
/// Proves: T-13
#[test]
fn all_waiting_is_bounded() {
    let limits = Limits::default();
    for time in [
        limits.handshake_timeout,
        limits.header_timeout,
        limits.drain,
        BODY_TIMEOUT,
    ] {
        assert!(time > Duration::ZERO && time <= Duration::from_secs(30), "{time:?}");
    }
    assert!(
        limits.header_list == 16 * 1024 && limits.streams <= 256 && limits.resets <= 1000 && limits.connections > 0
    );
}

/// Who connects and says nothing, or half of something, is sent away when its time is over.
///
/// Proves: T-13, WP-41
#[tokio::test]
async fn slow_callers_are_sent_away() {
    let lab = Lab::new();
    let short = Duration::from_millis(200);
    let limits = Limits {
        handshake_timeout: short,
        header_timeout: short,
        ..Limits::default()
    };
    let identity = lab.pki.files("ees-a").identity().unwrap();
    let config = server_config(&identity, &[(Role::Eas, lab.pki.trust(Role::Eas).unwrap())], true).unwrap();
    let listener = Listener::bind((Ipv4Addr::LOCALHOST, 0).into(), config, Arc::new(RoleOfReferencePoint))
        .await
        .unwrap();
    let address = listener.local_address().unwrap().to_string();
    let stop = CancellationToken::new();
    let doors = vec![(ReferencePoint::Edge3, axum::Router::new())];
    let serving = tokio::spawn(listener.limits(limits).serve(doors, stop.clone()));
    // No handshake.
    let mut tcp = TcpStream::connect(&address).await.unwrap();
    assert!(read_to_end(&mut tcp).await.iter().all(|byte| *byte != b'H'));
    // Half of a header, over both protocols; nothing at all over HTTP/2, where the sign of life does not come.
    for (alpn, half) in [
        (&b"http/1.1"[..], &b"GET / HTTP/1.1\r\nHost: e"[..]),
        (b"h2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ] {
        let mut config = tls(&lab, Some(&lab.who(Role::Eas, EAS)), Role::Ees);
        config.alpn_protocols = vec![alpn.to_vec()];
        let mut stream = connect(&address, config).await;
        stream.write_all(half).await.unwrap();
        read_to_end(&mut stream).await;
    }
    stop.cancel();
    serving.await.unwrap();
}
