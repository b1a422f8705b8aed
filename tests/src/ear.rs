//! A subscriber: a TLS server that writes down what it hears and answers as it was told.

use crate::{lab::Lab, wait::DEADLINE};
use bytes::Bytes;
use edgeapp_core::principal::Role;
use edgeapp_http::tls::{principal_of, server_config};
use eec_sim::pki::Files;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use serde_json::Value;
use std::{
    collections::VecDeque,
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Instant,
};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::watch,
    task::{AbortHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

/// A notification as it came.
#[derive(Clone, Debug)]
pub struct Heard {
    /// When its body was complete.
    pub at: Instant,
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The media type.
    pub media: String,
    /// Who sent it: the identity of its certificate.
    pub from: String,
    /// The body.
    pub body: Value,
}

/// What to answer.
#[derive(Clone, Debug)]
pub enum Say {
    /// 204.
    Thanks,
    /// 200 with this body.
    Answer(Value),
    /// This status, with `Retry-After` when there is a number.
    Status(u16, Option<u32>),
    /// This status with this `Location`.
    MovedTo(u16, String),
    /// Nothing, ever.
    Silence,
}

struct Inside {
    heard: watch::Sender<Vec<Heard>>,
    script: Mutex<VecDeque<Say>>,
}

/// The subscriber; it stops listening and breaks its connections when this value goes away.
pub struct Ear {
    address: SocketAddr,
    inside: Arc<Inside>,
    listening: AbortHandle,
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Ear {
    /// Listens on a port of its own with this certificate, for EESs, ECSs and CAPIF core functions.
    pub async fn open(lab: &Lab, who: &Files) -> Self {
        Self::open_at(lab, who, (Ipv4Addr::LOCALHOST, 0).into()).await
    }

    /// Listens at this address, where nobody may have listened until now.
    ///
    /// # Panics
    /// When the address cannot be had.
    pub async fn open_at(lab: &Lab, who: &Files, address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("an option");
        socket.bind(address).expect("an address");
        let socket = socket.listen(128).expect("a listener");
        let clients = [Role::Ees, Role::Ecs, Role::Ccf].map(|role| (role, lab.pki.trust(role).expect("an authority")));
        let tls = server_config(&who.identity().expect("a certificate"), &clients, true).expect("TLS");
        let inside = Arc::new(Inside {
            heard: watch::Sender::new(Vec::new()),
            script: Mutex::default(),
        });
        let address = socket.local_addr().expect("an address");
        let listening = tokio::spawn(listen(socket, TlsAcceptor::from(tls), inside.clone())).abort_handle();
        Self {
            address,
            inside,
            listening,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The callback address with this path and query.
    pub fn uri(&self, target: &str) -> String {
        format!("https://{}{target}", self.address)
    }

    /// From the next notification on, answers in this order; afterwards 204 again.
    ///
    /// # Panics
    /// Never, unless a test panicked inside.
    pub fn will_say(&self, answers: impl IntoIterator<Item = Say>) {
        self.inside.script.lock().expect("unbroken").extend(answers);
    }

    /// Everything heard so far.
    pub fn heard(&self) -> Vec<Heard> {
        self.inside.heard.borrow().clone()
    }

    /// What was heard after the first `count` notifications.
    pub fn since(&self, count: usize) -> Vec<Heard> {
        self.inside.heard.borrow()[count..].to_vec()
    }

    /// Waits until what was heard holds something; `what` says what was expected.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn hears<T>(&self, what: &str, look: impl Fn(&[Heard]) -> Option<T>) -> T {
        let mut heard = self.inside.heard.subscribe();
        let found = async {
            loop {
                let found = look(&heard.borrow_and_update());
                if let Some(found) = found {
                    return found;
                }
                heard.changed().await.expect("the sender is ours");
            }
        };
        match tokio::time::timeout(DEADLINE, found).await {
            Ok(found) => found,
            Err(_) => panic!("not heard within {DEADLINE:?}: {what}; heard was {:#?}", self.heard()),
        }
    }

    /// Waits for `count` notifications in all and returns them.
    ///
    /// # Panics
    /// When they do not come.
    pub async fn hears_many(&self, count: usize) -> Vec<Heard> {
        self.hears(&format!("{count} notifications"), |heard| {
            (heard.len() >= count).then(|| heard.to_vec())
        })
        .await
    }
}

/// A loopback address where nobody listens, though somebody may later.
///
/// # Panics
/// When loopback has no free port.
pub async fn nobody_there() -> SocketAddr {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    socket.local_addr().expect("an address")
}

async fn listen(socket: TcpListener, acceptor: TlsAcceptor, inside: Arc<Inside>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = socket.accept().await {
        let (acceptor, inside) = (acceptor.clone(), inside.clone());
        while connections.try_join_next().is_some() {}
        connections.spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
            let from = certificate
                .and_then(|certificate| principal_of(certificate).ok())
                .map(|who| who.to_string());
            let from = from.unwrap_or_default();
            let service = service_fn(move |request| answer(request, inside.clone(), from.clone()));
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    inside: Arc<Inside>,
    from: String,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let Ok(body) = body.collect().await else {
        return Ok(response);
    };
    let target = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let media = parts
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let heard = Heard {
        at: Instant::now(),
        method: parts.method.to_string(),
        target,
        media: media.to_owned(),
        from,
        body: serde_json::from_slice(&body.to_bytes()).unwrap_or_default(),
    };
    let said = inside.script.lock().expect("unbroken").pop_front();
    inside.heard.send_modify(|all| all.push(heard));
    let with = |response: &mut Response<_>, name, value: String| {
        response
            .headers_mut()
            .insert(name, value.parse().expect("a header value"));
    };
    match said {
        None | Some(Say::Thanks) => {}
        Some(Say::Answer(body)) => {
            *response.status_mut() = StatusCode::OK;
            *response.body_mut() = Full::new(Bytes::from(body.to_string()));
            with(&mut response, header::CONTENT_TYPE, "application/json".to_owned());
        }
        Some(Say::Status(status, retry_after)) => {
            *response.status_mut() = StatusCode::from_u16(status).expect("a status");
            if let Some(seconds) = retry_after {
                with(&mut response, header::RETRY_AFTER, seconds.to_string());
            }
        }
        Some(Say::MovedTo(status, location)) => {
            *response.status_mut() = StatusCode::from_u16(status).expect("a status");
            with(&mut response, header::LOCATION, location);
        }
        Some(Say::Silence) => std::future::pending().await,
    }
    Ok(response)
}
