//! Subscribers: each is a listener of its own over mutual TLS that thanks for every notification, or is dead in one of three ways.

use crate::Failure;
use edgeapp_core::principal::Role;
use edgeapp_http::{server::Limits, tls::server_config};
use eec_sim::pki::Pki;
use http_body_util::{BodyExt, Empty};
use hyper::{Request, Response, StatusCode, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{net::Ipv4Addr, sync::Arc};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{AbortHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

/// How a subscriber is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// It thanks for every notification.
    Living,
    /// It takes notifications and never answers.
    Silent,
    /// It takes connections and says nothing, not even its name.
    Mute,
    /// It takes no connection.
    Away,
}

impl Life {
    /// Of the dead one with this number: all three ways in turn.
    pub(crate) fn of_dead(number: u32) -> Self {
        [Self::Silent, Self::Mute, Self::Away][usize::try_from(number % 3).unwrap_or_default()]
    }
}

/// Many subscribers. They stop when this value goes away.
pub(crate) struct Ears {
    /// Where notifications go.
    pub(crate) addresses: Vec<String>,
    heard: watch::Receiver<u64>,
    _listening: Listening,
}

struct Listening(Vec<AbortHandle>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

impl Ears {
    /// A listener for each of these.
    pub(crate) async fn open(pki: &Pki, lives: &[Life]) -> Result<Self, Failure> {
        let identity = pki.files("eas-chess-a").identity()?;
        let tls = TlsAcceptor::from(server_config(&identity, &[(Role::Ees, pki.trust(Role::Ees)?)], true)?);
        let (count, heard) = watch::channel(0);
        let count = Arc::new(count);
        let (mut addresses, mut listening) = (Vec::new(), Vec::new());
        for life in lives {
            let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            addresses.push(format!("https://{}/notifications", socket.local_addr()?));
            // Whoever is away has given its port back.
            if *life != Life::Away {
                let listener = tokio::spawn(listen(socket, tls.clone(), *life, count.clone()));
                listening.push(listener.abort_handle());
            }
        }
        Ok(Self {
            addresses,
            heard,
            _listening: Listening(listening),
        })
    }

    /// Waits until the living ones heard so many notifications together.
    pub(crate) async fn hear(&self, notifications: u64) -> Result<(), Failure> {
        let mut heard = self.heard.clone();
        heard.wait_for(|heard| *heard >= notifications).await?;
        Ok(())
    }
}

async fn listen(socket: TcpListener, tls: TlsAcceptor, life: Life, count: Arc<watch::Sender<u64>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = socket.accept().await {
        let _ = stream.set_nodelay(true);
        connections.spawn(serve(stream, tls.clone(), life, count.clone()));
    }
}

async fn serve(stream: TcpStream, tls: TlsAcceptor, life: Life, count: Arc<watch::Sender<u64>>) {
    if life == Life::Mute {
        // The stream stays open.
        let _stream = stream;
        return std::future::pending().await;
    }
    let Ok(stream) = tls.accept(stream).await else { return };
    let service = service_fn(move |request: Request<Incoming>| {
        let count = count.clone();
        async move {
            request.into_body().collect().await?;
            if life == Life::Silent {
                std::future::pending::<()>().await;
            }
            count.send_modify(|heard| *heard += 1);
            let mut thanks = Response::new(Empty::<bytes::Bytes>::new());
            *thanks.status_mut() = StatusCode::NO_CONTENT;
            Ok::<_, hyper::Error>(thanks)
        }
    });
    // A connection that breaks shows at its other end.
    let _ = Limits::default()
        .protocol()
        .http2_only()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
