//! The accept loop: TLS, the certificate's principal, HTTP/2 or HTTP/1.1, limits, drain.

use crate::{gather::Gathered, patience::Patient, request::Peer, stack, tls::principal_of};
use axum::{Router, body::Body};
use edgeapp_core::{
    authorizer::{Authorizer, ReferencePoint},
    evidence::{Evidence, NoEvidence, SecurityEvent, SecurityEventKind},
};
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use rustls::ServerConfig;
use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// What a listener tolerates.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How long a TLS handshake may take.
    pub handshake_timeout: Duration,
    /// How long the headers of a request may take (HTTP/1.1), and how long a silent connection is kept before it is asked for a sign of life.
    pub header_timeout: Duration,
    /// How long a peer may take nothing of what is sent to it.
    pub stall_timeout: Duration,
    /// Most connections at a time; further ones wait in the listen queue.
    pub connections: usize,
    /// Most requests at a time on one HTTP/2 connection.
    pub streams: u32,
    /// Most streams that a peer may have reset before it is taken for an attacker.
    pub resets: usize,
    /// Largest header list, in bytes.
    pub header_list: u32,
    /// How long requests may take to finish at shutdown.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake_timeout: Duration::from_secs(5),
            header_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(30),
            connections: 10_000,
            streams: 128,
            resets: 50,
            header_list: 16 * 1024,
            drain: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// HTTP/2 and HTTP/1.1 within these limits.
    pub fn protocol(&self) -> auto::Builder<TokioExecutor> {
        let mut http = auto::Builder::new(TokioExecutor::new());
        http.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header_timeout)
            .max_buf_size(usize::try_from(self.header_list).unwrap_or(usize::MAX));
        http.http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.streams)
            .max_header_list_size(self.header_list)
            .max_pending_accept_reset_streams(self.resets)
            .max_local_error_reset_streams(self.resets)
            .initial_stream_window_size(256 * 1024)
            .initial_connection_window_size(1024 * 1024)
            .max_send_buf_size(256 * 1024)
            .keep_alive_interval(self.header_timeout)
            .keep_alive_timeout(self.header_timeout);
        http
    }
}

/// One listener: an address with its trust and its limits. It may serve several reference points; the role of the caller, which its
/// certificate proves, tells which one a connection belongs to.
pub struct Listener {
    socket: TcpListener,
    tls: Arc<ServerConfig>,
    authorizer: Arc<dyn Authorizer>,
    evidence: Arc<dyn Evidence>,
    api_root: Option<Arc<str>>,
    limits: Limits,
}

impl Listener {
    /// Binds a listener. Nothing is served before [`Listener::serve`].
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind(
        address: SocketAddr,
        tls: Arc<ServerConfig>,
        authorizer: Arc<dyn Authorizer>,
    ) -> io::Result<Self> {
        Ok(Self::on(TcpListener::bind(address).await?, tls, authorizer))
    }

    /// A listener on a socket that is bound already.
    pub fn on(socket: TcpListener, tls: Arc<ServerConfig>, authorizer: Arc<dyn Authorizer>) -> Self {
        Self {
            socket,
            tls,
            authorizer,
            evidence: Arc::new(NoEvidence),
            api_root: None,
            limits: Limits::default(),
        }
    }

    /// The `apiRoot` under which clients reach this listener, for `Location`; without it the authority of each request is used.
    pub fn api_root(mut self, root: Option<String>) -> Self {
        self.api_root = root.map(|root| root.trim_end_matches('/').into());
        self
    }

    /// Tells this of what security asks to be remembered.
    pub fn evidence(mut self, evidence: Arc<dyn Evidence>) -> Self {
        self.evidence = evidence;
        self
    }

    /// Other limits than the default ones.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// No more connections at a time than these.
    pub(crate) fn connections_at_most(mut self, connections: usize) -> Self {
        self.limits.connections = self.limits.connections.min(connections);
        self
    }

    /// Where it listens; the port is real even when 0 was asked for.
    ///
    /// # Errors
    /// When the socket is gone.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Serves the router of each reference point to the role at its calling end until `stop`, then lets running requests finish.
    pub async fn serve(self, doors: Vec<(ReferencePoint, Router)>, stop: CancellationToken) {
        let Self {
            socket,
            tls,
            authorizer,
            evidence,
            api_root,
            limits,
        } = self;
        let doors: Arc<[_]> = doors
            .into_iter()
            .map(|(point, router)| (point, stack::stack(router, point)))
            .collect();
        // The version is what was agreed on, not what the first bytes look like: guessing would wait for them without a limit.
        let (http1, http2) = (
            Arc::new(limits.protocol().http1_only()),
            Arc::new(limits.protocol().http2_only()),
        );
        let strict = !tls.alpn_protocols.iter().any(|name| name == b"http/1.1");
        let acceptor = TlsAcceptor::from(tls);
        let places = Arc::new(Semaphore::new(limits.connections));
        let graceful = GracefulShutdown::new();
        loop {
            // All of it can wait for long: for a place too, when they are taken.
            let accepted = tokio::select! {
                accepted = async { (places.clone().acquire_owned().await, socket.accept().await) } => accepted,
                () = stop.cancelled() => break,
            };
            let (place, (stream, remote)) = match accepted {
                (place, Ok(accepted)) => (place, accepted),
                (_, Err(error)) => {
                    tracing::warn!(%error, "a connection cannot be accepted");
                    // Most often too many open files: leave the others time to close theirs.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let _ = stream.set_nodelay(true);
            let (acceptor, http1, http2, doors) = (acceptor.clone(), http1.clone(), http2.clone(), doors.clone());
            let (authorizer, evidence, api_root) = (authorizer.clone(), evidence.clone(), api_root.clone());
            let (limits, watcher) = (limits.clone(), graceful.watcher());
            tokio::spawn(async move {
                let _place = place;
                let stream = match tokio::time::timeout(limits.handshake_timeout, acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => stream,
                    Ok(Err(error)) => {
                        let event = SecurityEvent::new(SecurityEventKind::TlsHandshakeFail, error.to_string());
                        evidence.record(event.from(remote.ip()));
                        return tracing::info!(%remote, %error, "TLS handshake failed");
                    }
                    Err(_) => {
                        let event = SecurityEvent::new(SecurityEventKind::TlsHandshakeFail, "took too long");
                        evidence.record(event.from(remote.ip()));
                        return tracing::info!(%remote, "TLS handshake took too long");
                    }
                };
                let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
                let Some(Ok(principal)) = certificate.map(|certificate| principal_of(certificate)) else {
                    return tracing::error!(%remote, "a connection without an identity passed the handshake");
                };
                let Some((point, stack)) = doors
                    .iter()
                    .find(|(point, _)| point.caller() == principal.role())
                    .cloned()
                else {
                    return tracing::info!(%remote, role = %principal.role(), "no reference point for this role here");
                };
                let peer = Arc::new(Peer {
                    principal: Ok(Arc::new(principal)),
                    point,
                    authorizer,
                    evidence,
                    api_root,
                });
                let service = service_fn(move |mut request: Request<Incoming>| {
                    request.extensions_mut().insert(peer.clone());
                    let stack = stack.clone();
                    async move { Ok::<_, Infallible>(stack.answer(request.map(Body::new)).await) }
                });
                let http = match stream.get_ref().1.alpn_protocol() {
                    Some(b"h2") => http2,
                    None if strict => http2,
                    _ => http1,
                };
                let stream = Gathered::new(Patient::new(stream, limits.header_timeout, limits.stall_timeout));
                let connection = http
                    .serve_connection(TokioIo::new(stream.clone()), service)
                    .into_owned();
                let ended = stream.drive(watcher.watch(connection)).await;
                if let Err(error) = ended.map_err(Into::into).and_then(|ended| ended) {
                    tracing::debug!(%point, %remote, %error, "connection ended");
                }
            });
        }
        drop(socket);
        if tokio::time::timeout(limits.drain, graceful.shutdown()).await.is_err() {
            tracing::warn!("some requests did not finish in time");
        }
    }
}
