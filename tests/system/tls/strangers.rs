//! Who does not get in (T-20, T-21, T-23), and whom our clients do not talk to (WP-05).

use super::{EEC, Site, connect, is_served};
use edgeapp_core::{callback::CallbackRule, principal::Role};
use edgeapp_http::client::{CallError, HttpClient};
use edgeapp_system_tests::{caller::tls, ear::Ear, lab::Lab, wait::until_it_is_so};
use eec_sim::pki::{Flaw, Request};
use http::Method;
use rustls::{
    AlertDescription, ClientConfig, NamedGroup, ProtocolVersion,
    crypto::aws_lc_rs::{self, kx_group},
};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Each certificate that is not good is refused in the handshake, with the alert of its reason and an event that names it.
///
/// Proves: T-21
#[tokio::test]
async fn certificates_that_are_not_good_are_refused() {
    let site = Site::open().await;
    type Made = fn(Request<'_>) -> Request<'_>;
    let cases: [(&str, Made, AlertDescription, &str); 12] = [
        (
            "other-issuer",
            |r| r.issued_by(Role::Eas),
            AlertDescription::UnknownCA,
            "CERT_UNTRUSTED",
        ),
        (
            "self-signed",
            |r| r.with(Flaw::SelfSigned),
            AlertDescription::UnknownCA,
            "CERT_UNTRUSTED",
        ),
        (
            "expired",
            |r| r.with(Flaw::Expired),
            AlertDescription::CertificateExpired,
            "CERT_EXPIRED",
        ),
        (
            "too-early",
            |r| r.with(Flaw::NotYetValid),
            AlertDescription::CertificateExpired,
            "CERT_EXPIRED",
        ),
        (
            "code",
            |r| r.with(Flaw::AnotherPurpose),
            AlertDescription::CertificateUnknown,
            "CERT_UNTRUSTED",
        ),
        (
            "no-purpose",
            |r| r.with(Flaw::NoPurpose),
            AlertDescription::CertificateUnknown,
            "CERT_UNTRUSTED",
        ),
        (
            "no-usage",
            |r| r.with(Flaw::NoKeyUsage),
            AlertDescription::CertificateUnknown,
            "CERT_UNTRUSTED",
        ),
        (
            "authority",
            |r| r.with(Flaw::Authority),
            AlertDescription::CertificateUnknown,
            "CERT_UNTRUSTED",
        ),
        (
            "nobody",
            |r| r.with(Flaw::NoIdentity),
            AlertDescription::CertificateUnknown,
            "CERT_ID_MISMATCH",
        ),
        (
            "two",
            |r| r.with(Flaw::TwoIdentities),
            AlertDescription::CertificateUnknown,
            "CERT_ID_MISMATCH",
        ),
        (
            "wildcard",
            |r| r.with(Flaw::Wildcard),
            AlertDescription::CertificateUnknown,
            "CERT_ID_MISMATCH",
        ),
        ("revoked", |r| r, AlertDescription::CertificateRevoked, "CERT_REVOKED"),
    ];
    for (name, made, alert, event) in cases {
        let files = made(site.lab.pki.issue(Role::Eec, EEC).named(name)).write().unwrap();
        let config = tls(&site.lab, Some(&files), Role::Ees);
        if name == "revoked" {
            site.lab.pki.revoke(&files).unwrap();
            site.ees.signal("HUP").await;
            until_it_is_so("the list is read", async || {
                is_served(&site.eec(&files), EEC).await.is_err()
            })
            .await;
        }
        let before = site.refused(event).await;
        assert_eq!(site.refusal(config).await, alert, "{name}");
        assert_eq!(site.refused(event).await, before + 1.0, "{name}");
    }
    // Another role, with a certificate that is good elsewhere.
    let eas = tls(&site.lab, Some(&site.lab.pki.files("eas-chess-a")), Role::Ees);
    assert_eq!(site.refusal(eas).await, AlertDescription::CertificateUnknown);
    let nobody = tls(&site.lab, None, Role::Ees);
    assert_eq!(site.refusal(nobody).await, AlertDescription::CertificateRequired);
    is_served(&site.eec(&site.lab.pki.files(EEC)), EEC).await.unwrap();
}

/// Takes one connection for the server at this address, and passes on what comes, but for the first message of the client, which is changed.
async fn between(server: &str, change: fn(&mut Vec<u8>)) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, server) = (listener.local_addr().unwrap().to_string(), server.to_owned());
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut server = TcpStream::connect(server).await.unwrap();
        let mut hello = vec![0; 5];
        client.read_exact(&mut hello).await.unwrap();
        let length = usize::from(u16::from_be_bytes([hello[3], hello[4]]));
        hello.resize(5 + length, 0);
        client.read_exact(&mut hello[5..]).await.unwrap();
        change(&mut hello);
        server.write_all(&hello).await.unwrap();
        // That one side breaks it off is what is looked for.
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    });
    address
}

/// Where these bytes stand in a message, which they have to do once.
fn place_of(bytes: &[u8], message: &[u8]) -> usize {
    let mut places = (0..message.len()).filter(|at| message[*at..].starts_with(bytes));
    let place = places.next().expect("it is offered");
    assert_eq!(places.next(), None, "it is offered once");
    place
}

/// T-20: somebody on the way who takes TLS 1.3, or the groups and suites that are wanted most, out of what a client offers gets no
/// connection: the client sees what became of its offer.
///
/// Proves: T-20
#[tokio::test]
async fn nobody_on_the_way_talks_a_connection_down() {
    let site = Site::open().await;
    let files = site.lab.pki.files(EEC);
    let config = || tls(&site.lab, Some(&files), Role::Ees);
    type Change = (&'static str, fn(&mut Vec<u8>));
    let changes: [Change; 4] = [
        ("nothing", |_| {}),
        ("TLS 1.3", |hello| {
            // supported_versions: 1.3 and 1.2. A number that nobody knows takes the place of the first.
            let at = place_of(&[0, 43, 0, 5, 4, 3, 4, 3, 3], hello);
            hello[at + 5..at + 7].copy_from_slice(&[0x7a, 0x7a]);
        }),
        ("the suites of TLS 1.3", |hello| {
            let at = place_of(&[0x13, 0x02, 0x13, 0x01], hello);
            hello[at..at + 4].copy_from_slice(&[0x13, 0x01, 0x13, 0x02]);
        }),
        ("the best group", |hello| {
            // supported_groups begins with X25519MLKEM768.
            let at = place_of(&[0x11, 0xec, 0x00, 0x1d, 0x00, 0x17], hello);
            hello[at..at + 2].copy_from_slice(&[0x7a, 0x7a]);
        }),
    ];
    for (what, change) in changes {
        let address = between(site.address(), change).await;
        let connected = connect(&address, config()).await;
        match (what, connected) {
            ("nothing", Ok(stream)) => {
                assert_eq!(stream.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_3));
            }
            ("nothing", Err(error)) => panic!("without a change: {error}"),
            (_, Ok(_)) => panic!("{what} was taken away, and the connection stands"),
            (_, Err(_)) => {}
        }
    }
    is_served(&site.eec(&files), EEC).await.unwrap();
}

fn speaking(site: &Site, change: impl FnOnce(&mut rustls::crypto::CryptoProvider)) -> ClientConfig {
    let mut provider = aws_lc_rs::default_provider();
    change(&mut provider);
    let usual = tls(&site.lab, Some(&site.lab.pki.files(EEC)), Role::Ees);
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots(site))
        .with_no_client_auth();
    config.client_auth_cert_resolver = usual.client_auth_cert_resolver.clone();
    config
}

fn roots(site: &Site) -> rustls::RootCertStore {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    let mut roots = rustls::RootCertStore::empty();
    let root = CertificateDer::from_pem_file(site.lab.pki.ca(Role::Ees)).unwrap();
    roots.add(root).unwrap();
    roots
}

/// Who offers the hybrid group first gets it (WP-67); who does not gets a classical one, and versions are the newest that both speak (WP-03).
///
/// Proves: WP-03, WP-67
#[tokio::test]
async fn the_hybrid_group_is_preferred() {
    let site = Site::open().await;
    for (groups, wanted) in [
        (
            vec![kx_group::X25519MLKEM768, kx_group::X25519, kx_group::SECP256R1],
            NamedGroup::X25519MLKEM768,
        ),
        (vec![kx_group::SECP256R1], NamedGroup::secp256r1),
        (vec![kx_group::X25519], NamedGroup::X25519),
    ] {
        let config = speaking(&site, |provider| provider.kx_groups = groups);
        let stream = connect(site.address(), config).await.unwrap();
        let session = stream.get_ref().1;
        assert_eq!(session.negotiated_key_exchange_group().unwrap().name(), wanted);
        assert_eq!(session.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    }
    let counted = "edgeapp_tls_handshakes_total{version=\"TLSv1_3\",group=\"X25519MLKEM768\"}";
    assert!(crate::support::metric(&site.operator, counted).await.unwrap_or(0.0) >= 1.0);
}

/// TLS 1.2 is spoken where it is not switched off, and then only by who has nothing newer; nothing older is ever (WP-02).
///
/// Proves: WP-02
#[tokio::test]
async fn versions_are_two_or_one() {
    let old = |site: &Site| {
        speaking(site, |provider| {
            provider
                .cipher_suites
                .retain(|suite| suite.version().version == ProtocolVersion::TLSv1_2);
        })
    };
    let site = Site::open().await;
    let stream = connect(site.address(), old(&site)).await.unwrap();
    assert_eq!(stream.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_2));
    let narrow = Site::with("[tls]\nmin_version = \"1.3\"\n").await;
    assert_eq!(narrow.refusal(old(&narrow)).await, AlertDescription::ProtocolVersion);
    for site in [&site, &narrow] {
        for version in [0, 1, 2] {
            // A ClientHello: version, random, no session, one cipher suite, no compression, signature algorithms.
            let signatures = [0, 8, 0, 13, 0, 4, 0, 2, 4, 3];
            let head = [&[0x03, version][..], &[7; 32], &[0], &[0, 2, 0xc0, 0x13], &[1, 0]].concat();
            let body = [head, signatures.to_vec()].concat();
            let length = u8::try_from(body.len()).unwrap();
            let hello = [&[0x16, 0x03, version, 0, length + 4, 1, 0, 0, length][..], &body].concat();
            let mut tcp = TcpStream::connect(site.address()).await.unwrap();
            tcp.write_all(&hello).await.unwrap();
            let mut alert = [0; 7];
            tcp.read_exact(&mut alert).await.unwrap();
            assert_eq!(
                (alert[0], alert[5], alert[6]),
                (0x15, 2, 70),
                "protocol_version: {alert:?}"
            );
        }
    }
    let refused = site.plan.clone().named("old").with("[tls]\nmin_version = \"1.1\"\n");
    let refused = refused.try_start().await.expect_err("refused");
    assert!(refused.contains("tls.min_version"), "{refused}");
}

/// No tickets, no early data: each connection is one with a certificate that was looked at (WP-04, T-22).
///
/// Proves: T-22, WP-04
#[tokio::test]
async fn nothing_is_resumed() {
    let site = Site::open().await;
    let mut config = speaking(&site, |_| {});
    config.resumption = rustls::client::Resumption::in_memory_sessions(16);
    config.enable_early_data = true;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    for _ in 0..3 {
        let mut stream = connect(site.address(), config.clone()).await.unwrap();
        stream
            .write_all(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.starts_with(b"HTTP/1.1 404"));
        let session = stream.get_ref().1;
        assert_eq!(session.handshake_kind(), Some(rustls::HandshakeKind::Full));
        assert_eq!(session.tls13_tickets_received(), 0);
    }
}

/// Our clients refuse servers whose certificate is not good, is for another name, or belongs to another role's issuer.
#[tokio::test]
async fn servers_that_are_not_what_was_called_hear_nothing() {
    let lab = Lab::new();
    let me = lab.pki.files("ees-a").identity().unwrap();
    let rule = CallbackRule::anywhere();
    let client = HttpClient::new(&me, &lab.pki.trust(Role::Eec).unwrap(), rule, Duration::from_secs(10)).unwrap();
    type Made = fn(Request<'_>) -> Request<'_>;
    let cases: [(&str, Made, &str); 7] = [
        ("expired", |r| r.with(Flaw::Expired), "has expired"),
        ("self-signed", |r| r.with(Flaw::SelfSigned), "none of the roots"),
        ("other-issuer", |r| r.issued_by(Role::Eas), "none of the roots"),
        ("code", |r| r.with(Flaw::AnotherPurpose), "server authentication"),
        ("no-usage", |r| r.with(Flaw::NoKeyUsage), "digitalSignature"),
        ("authority", |r| r.with(Flaw::Authority), "authority"),
        ("good", |r| r, ""),
    ];
    for (name, made, words) in cases {
        let files = made(lab.pki.issue(Role::Eec, EEC).named(name)).write().unwrap();
        let ear = Ear::open(&lab, &files).await;
        let called = client.call(Method::POST, &ear.uri("/callback"), Some(&json!({}))).await;
        if name == "good" {
            called.unwrap();
            // The same server by a name that is not in its certificate: the address of another loopback host.
            let other = format!("https://127.0.0.2:{}/callback", ear.address().port());
            assert!(client.call(Method::POST, &other, Some(&json!({}))).await.is_err());
            assert_eq!(ear.heard().len(), 1);
            continue;
        }
        match called {
            Err(CallError::NotConnected(reason)) => assert!(reason.contains(words), "{name}: {reason}"),
            other => panic!("{name}: {other:?}"),
        }
        assert!(ear.heard().is_empty(), "{name}");
    }
}
