//! The handshake with a caller: who it is, or why there is no connection.

use crate::tls::{Refused, ServerTls, end_of, noting_the_refused, principal_of};
use edgeapp_core::{
    evidence::{Evidence, SecurityEvent},
    principal::Principal,
    pseudonym::of_address,
};
use rustls::{ServerConfig, pki_types::CertificateDer};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// A connection after its handshake.
pub(crate) struct Accepted {
    pub(crate) stream: TlsStream<TcpStream>,
    /// Who is at the other end; nobody that is known, where the listener does not insist on a certificate.
    pub(crate) caller: Option<Proved>,
    /// What the handshake went by.
    pub(crate) config: Arc<ServerConfig>,
}

/// A caller that proved who it is.
pub(crate) struct Proved {
    pub(crate) principal: Principal,
    /// Its certificates, its own first.
    pub(crate) chain: Arc<[CertificateDer<'static>]>,
    /// When the first of them ends.
    pub(crate) ends: i64,
}

impl Proved {
    /// One that showed no certificate, where strangers are let in.
    pub(crate) fn nothing(remote: SocketAddr) -> Self {
        Self {
            principal: Principal::stranger(remote.ip()),
            chain: Arc::new([]),
            ends: i64::MAX,
        }
    }
}

/// Does the handshake within this time, once it is its turn. A failure is told: to whom it may concern, not to the caller beyond its alert.
pub(crate) async fn handshake(
    stream: TcpStream,
    remote: SocketAddr,
    tls: &ServerTls,
    patience: Duration,
    turn: impl Future,
    evidence: &dyn Evidence,
) -> Option<Accepted> {
    let config = tls.current();
    let acceptor = TlsAcceptor::from(config.clone());
    let accepting = tokio::time::timeout(patience, async move {
        let _turn = turn.await;
        acceptor.accept(stream).await
    });
    let (outcome, serial) = noting_the_refused(accepting).await;
    let refused = match outcome {
        Ok(Ok(stream)) => {
            let session = stream.get_ref().1;
            let chain: Arc<[CertificateDer<'static>]> = session.peer_certificates().unwrap_or_default().into();
            let caller = match chain.first().map(|certificate| principal_of(certificate)) {
                // Only a listener that does not insist on certificates lets this happen.
                None => None,
                Some(principal) => {
                    let (Ok(principal), Some(ends)) = (principal, end_of(&*chain)) else {
                        tracing::error!(remote = %of_address(remote.ip()), "a connection without an identity passed the handshake");
                        return None;
                    };
                    Some(Proved { principal, chain, ends })
                }
            };
            let group = session.negotiated_key_exchange_group();
            let group = group.and_then(|group| group.name().as_str()).unwrap_or("none");
            let version = session.protocol_version().and_then(|version| version.as_str());
            metrics::counter!("edgeapp_tls_handshakes_total", "version" => version.unwrap_or("none"), "group" => group)
                .increment(1);
            return Some(Accepted { stream, caller, config });
        }
        Ok(Err(error)) => Refused::of_stream(&error),
        Err(_) => Refused::late(),
    };
    metrics::counter!("edgeapp_tls_handshakes_refused_total", "event" => refused.kind.as_str()).increment(1);
    let (event, reason) = (refused.kind.as_str(), &refused.reason);
    tracing::info!(remote = %of_address(remote.ip()), event, %reason, serial, "TLS handshake refused");
    evidence.record(event_of(refused, serial).from(remote.ip()));
    None
}

/// The event of a handshake or a connection that was refused; the certificate is named by its serial number, as its issuer knows it.
fn event_of(refused: Refused, serial: Option<String>) -> SecurityEvent {
    let event = SecurityEvent::new(refused.kind, refused.reason);
    match serial {
        Some(serial) => event.about(format!("certificate {serial}")),
        None => event,
    }
}

/// Tells of a caller that may not call any more, while its connection stood.
pub(crate) fn tell_of_ended(refused: Refused, principal: &Principal, remote: SocketAddr, evidence: &dyn Evidence) {
    let (event, reason) = (refused.kind.as_str(), &refused.reason);
    tracing::info!(remote = %of_address(remote.ip()), event, %reason, "a connection is ended");
    metrics::counter!("edgeapp_tls_connections_ended_total", "event" => refused.kind.as_str()).increment(1);
    let event = event_of(refused, None).by(principal.owner());
    evidence.record(event.from(remote.ip()));
}
