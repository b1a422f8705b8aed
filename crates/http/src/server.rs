//! The accept loop: TLS, the certificate's principal, HTTP/2 or HTTP/1.1, limits, drain.

use crate::{
    connections::{Connections, Ending, check},
    frames::Counted,
    gather::Gathered,
    handshake::{Accepted, Proved, handshake, tell_of_ended},
    limits::{Guards, Visit},
    patience::Patient,
    request::Peer,
    screen::{MAX_HEADER_LIST, Names},
    stack,
    tls::{ServerTls, thumbprint_of},
};
use axum::{Router, body::Body};
use edgeapp_core::{
    authorizer::{Authorizer, ReferencePoint},
    error::{Cause, Error, Kind},
    evidence::{Evidence, NoEvidence},
    principal::Role,
    pseudonym::of_address,
};
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use std::{convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};

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
    /// Largest header list, in bytes. HTTP/2 takes twice as much, so that who sends too much can be told what is wrong.
    pub header_list: u32,
    /// How old a connection may become: then its caller has to prove itself anew. Requests that run are finished.
    pub max_age: Duration,
    /// How long a connection may ask for nothing.
    pub idle: Duration,
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
            header_list: u32::try_from(MAX_HEADER_LIST).unwrap_or(u32::MAX),
            max_age: Duration::from_secs(3600),
            idle: Duration::from_secs(60),
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
            .max_header_list_size(2 * self.header_list)
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
    tls: ServerTls,
    authorizer: Arc<dyn Authorizer>,
    evidence: Arc<dyn Evidence>,
    api_root: Option<Arc<str>>,
    names: Names,
    guards: Arc<Guards>,
    limits: Limits,
}

impl Listener {
    /// Binds a listener. Nothing is served before [`Listener::serve`].
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind(
        address: SocketAddr,
        tls: impl Into<ServerTls>,
        authorizer: Arc<dyn Authorizer>,
    ) -> io::Result<Self> {
        Ok(Self::on(TcpListener::bind(address).await?, tls, authorizer))
    }

    /// A listener on a socket that is bound already.
    pub fn on(socket: TcpListener, tls: impl Into<ServerTls>, authorizer: Arc<dyn Authorizer>) -> Self {
        Self {
            socket,
            tls: tls.into(),
            authorizer,
            evidence: Arc::new(NoEvidence),
            api_root: None,
            names: Names::default(),
            guards: Arc::default(),
            limits: Limits::default(),
        }
    }

    /// The hosts under which clients reach it; requests for others are refused with 421. Without any, for none.
    pub fn names(mut self, names: Names) -> Self {
        self.names = names;
        self
    }

    /// What keeps callers within their limits; listeners of one server share it.
    pub fn guards(mut self, guards: Arc<Guards>) -> Self {
        self.guards = guards;
        self
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
            names,
            guards,
            limits,
        } = self;
        let names = Arc::new(names);
        let doors: Arc<[_]> = doors
            .into_iter()
            .map(|(point, router)| (point, stack::stack(router, point)))
            .collect();
        // The version is what was agreed on, not what the first bytes look like: guessing would wait for them without a limit.
        let (http1, http2) = (
            Arc::new(limits.protocol().http1_only()),
            Arc::new(limits.protocol().http2_only()),
        );
        let strict = !tls.current().alpn_protocols.iter().any(|name| name == b"http/1.1");
        let places = Arc::new(Semaphore::new(limits.connections));
        let (connections, tasks) = (Arc::new(Connections::default()), TaskTracker::new());
        let watching = connections.clone().watch(tls.clone(), stop.clone());
        let watching = AbortOnDropHandle::new(tokio::spawn(watching));
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
            let Some(arrival) = guards.arrive(remote.ip()) else {
                continue;
            };
            let _ = stream.set_nodelay(true);
            let (tls, http1, http2, doors) = (tls.clone(), http1.clone(), http2.clone(), doors.clone());
            let (authorizer, evidence, api_root) = (authorizer.clone(), evidence.clone(), api_root.clone());
            let (limits, guards, names, connections) =
                (limits.clone(), guards.clone(), names.clone(), connections.clone());
            tasks.spawn(async move {
                let _place = place;
                let turn = arrival.handshake();
                let accepted = handshake(stream, remote, &tls, limits.handshake_timeout, turn, &*evidence).await;
                let Some(Accepted { stream, caller, config }) = accepted else {
                    return;
                };
                // Only a listener with a door for strangers does not insist on a certificate.
                let Proved { principal, chain, ends } = caller.unwrap_or_else(|| Proved::nothing(remote));
                let principal = Arc::new(principal);
                let mut standing = connections.enter(chain.clone(), ends, limits.max_age);
                // What came into force during the handshake was not asked, nor will it be.
                if !Arc::ptr_eq(&config, &tls.current())
                    && let Some(Err(refused)) = tls.callers().map(|callers| check(&callers, &chain))
                {
                    return tell_of_ended(refused, &principal, remote, &*evidence);
                }
                let thumbprint = chain.first().map(|certificate| thumbprint_of(certificate));
                drop((config, chain));
                let Some((point, stack)) = doors
                    .iter()
                    .find(|(point, _)| point.caller() == principal.role())
                    .cloned()
                else {
                    return tracing::info!(remote = %of_address(remote.ip()), role = %principal.role(), "no reference point for this role here");
                };
                let Some(caller) = guards.meet(&principal, remote.ip()) else {
                    return;
                };
                let visit = Arc::new(Visit::new(caller, remote.ip(), guards, names));
                let peer = Arc::new(Peer {
                    principal: match principal.role() {
                        Role::Stranger => Err(Error::new(
                            Kind::Unauthenticated,
                            Cause::Unauthenticated,
                            "this needs a client certificate; be onboarded or registered first",
                        )),
                        _ => Ok(principal.clone()),
                    },
                    thumbprint,
                    point,
                    from: Some(remote.ip()),
                    authorizer,
                    evidence: evidence.clone(),
                    api_root,
                });
                let visiting = visit.clone();
                let service = service_fn(move |mut request: Request<Incoming>| {
                    request.extensions_mut().insert(peer.clone());
                    let (stack, visit) = (stack.clone(), visiting.clone());
                    async move { Ok::<_, Infallible>(stack.answer_to(Some(&visit), request.map(Body::new)).await) }
                });
                let (http, is_http2) = match stream.get_ref().1.alpn_protocol() {
                    Some(b"h2") => (http2, true),
                    None if strict => (http2, true),
                    _ => (http1, false),
                };
                let told = visit.clone();
                let stream = Patient::new(stream, limits.header_timeout, limits.stall_timeout);
                let stream = Counted::new(stream, is_http2, Arc::new(move |reason| told.abused(reason)));
                let stream = Gathered::new(stream);
                let connection = http
                    .serve_connection(TokioIo::new(stream.clone()), service)
                    .into_owned();
                let served = async {
                    let mut connection = pin!(connection);
                    let ending = tokio::select! {
                        biased;
                        ended = connection.as_mut() => return ended,
                        ending = standing.ending() => Some(ending),
                        () = visit.idle(limits.idle) => None,
                    };
                    let idle = ending.is_none();
                    match ending {
                        Some(Ending::Refused(refused)) => {
                            tell_of_ended(refused, &principal, remote, &*evidence);
                            return Ok(());
                        }
                        Some(_) => {}
                        None => tracing::debug!(%point, remote = %of_address(remote.ip()), "connection idle"),
                    }
                    // What asks for nothing has nothing to finish.
                    let patience = if idle { limits.drain.min(limits.idle) } else { limits.drain };
                    connection.as_mut().graceful_shutdown();
                    // Whoever keeps it longer than a request may take does not mean to end it, or does not take its answers.
                    tokio::time::timeout(patience, connection).await.unwrap_or(Ok(()))
                };
                let ended = stream.drive(served).await;
                if let Err(error) = ended.map_err(Into::into).and_then(|ended| ended) {
                    if too_many_resets(error.as_ref()) {
                        visit.abused("streams that are reset");
                    }
                    tracing::debug!(%point, remote = %of_address(remote.ip()), %error, "connection ended");
                }
            });
        }
        drop(socket);
        if let Err(error) = watching.await {
            tracing::error!(%error, "connections could not be told to end");
        }
        tasks.close();
        if tokio::time::timeout(limits.drain, tasks.wait()).await.is_err() {
            tracing::warn!("some requests did not finish in time");
        }
    }
}

/// Whether h2 ended the connection because of what its peer did.
fn too_many_resets(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            return error.is_library() && error.reason() == Some(h2::Reason::ENHANCE_YOUR_CALM);
        }
        cause = error.source();
    }
    false
}
