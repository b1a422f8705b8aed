//! Connections that speak something else than HTTP over the same TLS: the accept loop of such a listener, with the same certificates,
//! limits and endings.

use crate::{
    connections::{Connections, Ending, Place, check},
    handshake::{Accepted, Proved, handshake, tell_of_ended},
    limits::{Arrival, Caller, Guards},
    tls::ServerTls,
};
use async_trait::async_trait;
use edgeapp_core::{evidence::Evidence, principal::Principal};
use rustls::pki_types::CertificateDer;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_rustls::server::TlsStream;
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};

/// What serves the connections of such a listener.
#[async_trait]
pub trait Sessions: Send + Sync + 'static {
    /// Serves one connection until it ends.
    async fn serve(&self, session: Session);
}

/// What such a listener tolerates.
#[derive(Clone, Copy, Debug)]
pub struct SessionLimits {
    /// Most connections at a time; further ones wait in the listen queue.
    pub connections: usize,
    /// How long a TLS handshake may take.
    pub handshake_timeout: Duration,
    /// How old a connection may become.
    pub max_age: Duration,
    /// How long connections may take to finish at shutdown.
    pub drain: Duration,
}

/// A connection after its handshake.
pub struct Session {
    /// What is said on it.
    pub stream: TlsStream<TcpStream>,
    /// Where it comes from.
    pub remote: SocketAddr,
    /// Who is at the other end, where a certificate says so.
    pub principal: Option<Arc<Principal>>,
    standing: Standing,
}

/// A connection's place among the others of its listener, given back when this value goes away.
pub struct Standing {
    place: Place,
    evidence: Arc<dyn Evidence>,
    principal: Option<Arc<Principal>>,
    remote: SocketAddr,
    caller: Option<Arc<Caller>>,
    _arrival: Arrival,
    _permit: OwnedSemaphorePermit,
}

/// How a connection has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// What was asked is answered first.
    Gracefully,
    /// At once: its caller may not call any more.
    AtOnce,
}

impl Session {
    /// The stream, and apart from it what tells when it has to end.
    pub fn split(self) -> (TlsStream<TcpStream>, Standing) {
        (self.stream, self.standing)
    }
}

impl Standing {
    /// Waits until the connection has to end.
    pub async fn ending(&mut self) -> End {
        match self.place.ending().await {
            Ending::Refused(refused) => {
                if let Some(principal) = &self.principal {
                    tell_of_ended(refused, principal, self.remote, &*self.evidence);
                }
                End::AtOnce
            }
            Ending::Stop | Ending::Age => End::Gracefully,
        }
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        if let Some(caller) = &self.caller {
            caller.leave();
        }
    }
}

/// Acknowledges the end of the handshake at once: nothing is answered to it, and a client that holds back small segments (RFC 896) until
/// the one before is acknowledged would wait 40 ms with its first question.
fn acknowledge(stream: &TcpStream) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = stream.set_quickack(true);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = stream;
}

/// One listener of this kind.
pub(crate) struct SessionListener {
    pub(crate) socket: TcpListener,
    pub(crate) tls: ServerTls,
    pub(crate) guards: Arc<Guards>,
    pub(crate) evidence: Arc<dyn Evidence>,
    pub(crate) limits: SessionLimits,
    pub(crate) sessions: Arc<dyn Sessions>,
}

impl SessionListener {
    /// No more connections at a time than these.
    pub(crate) fn connections_at_most(mut self, connections: usize) -> Self {
        self.limits.connections = self.limits.connections.min(connections);
        self
    }

    /// Serves until `stop`, then lets connections finish.
    pub(crate) async fn serve(self, stop: CancellationToken) {
        let Self {
            socket,
            tls,
            guards,
            evidence,
            limits,
            sessions,
        } = self;
        let places = Arc::new(Semaphore::new(limits.connections));
        let (connections, tasks) = (Arc::new(Connections::default()), TaskTracker::new());
        let watching = connections.clone().watch(tls.clone(), stop.clone());
        let watching = AbortOnDropHandle::new(tokio::spawn(watching));
        loop {
            let accepted = tokio::select! {
                accepted = async { (places.clone().acquire_owned().await, socket.accept().await) } => accepted,
                () = stop.cancelled() => break,
            };
            let (permit, (stream, remote)) = match accepted {
                (Ok(permit), Ok(accepted)) => (permit, accepted),
                (Err(_), _) => break,
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
            // Small answers must not wait for the acknowledgement of the one before.
            let _ = stream.set_nodelay(true);
            let (tls, guards, evidence) = (tls.clone(), guards.clone(), evidence.clone());
            let (connections, sessions) = (connections.clone(), sessions.clone());
            tasks.spawn(async move {
                // In a box: what a handshake needs is not kept for as long as the connection stands.
                let entering = Box::pin(async {
                    let turn = arrival.handshake();
                    let accepted = handshake(stream, remote, &tls, limits.handshake_timeout, turn, &*evidence).await?;
                    let Accepted { stream, caller, config } = accepted;
                    acknowledge(stream.get_ref().0);
                    let (principal, chain, ends) = match caller {
                        Some(Proved { principal, chain, ends }) => (Some(Arc::new(principal)), chain, ends),
                        None => (None, Arc::from([] as [CertificateDer<'static>; 0]), i64::MAX),
                    };
                    let place = connections.enter(chain.clone(), ends, limits.max_age);
                    // What came into force during the handshake was not asked, nor will it be.
                    if let Some(principal) = &principal
                        && !Arc::ptr_eq(&config, &tls.current())
                        && let Some(Err(refused)) = tls.callers().map(|callers| check(&callers, &chain))
                    {
                        tell_of_ended(refused, principal, remote, &*evidence);
                        return None;
                    }
                    let caller = match &principal {
                        Some(principal) => Some(guards.meet(principal, remote.ip())?),
                        None => None,
                    };
                    Some((stream, principal, place, caller))
                })
                .await;
                let Some((stream, principal, place, caller)) = entering else {
                    return;
                };
                let standing = Standing {
                    place,
                    evidence,
                    principal: principal.clone(),
                    remote,
                    caller,
                    _arrival: arrival,
                    _permit: permit,
                };
                let session = Session {
                    stream,
                    remote,
                    principal,
                    standing,
                };
                sessions.serve(session).await;
            });
        }
        drop(socket);
        if let Err(error) = watching.await {
            tracing::error!(%error, "connections could not be told to end");
        }
        tasks.close();
        if tokio::time::timeout(limits.drain, tasks.wait()).await.is_err() {
            tracing::warn!("some connections did not finish in time");
        }
    }
}
