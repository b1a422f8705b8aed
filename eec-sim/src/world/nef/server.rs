//! The listeners: one for EESs and ECSs, one for the operator. Mutual TLS, HTTP/2 and HTTP/1.1. A connection can break on purpose, and
//! an ECS gets in as well as an EES: that is why these are not the listeners of our servers.

use super::{
    Nef,
    configuration::{BadNef, Configuration},
    doors::{Reply, Request},
};
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use edgeapp_core::{callback::CallbackRule, clock::Clock, error::Cause, principal::Role};
use edgeapp_http::{
    assembly::IdentityFiles,
    client::HttpClient,
    problem::{PROBLEM_JSON, Problem},
    request::MAX_BODY,
    server::Limits,
    tls::{Trust, principal_of, server_config},
};
use http_body_util::{BodyExt, Limited};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// How long a client may take to answer a callback.
const PATIENCE: Duration = Duration::from_secs(5);

/// A running NEF. It ends when this value goes away.
pub struct Running {
    /// The NEF itself.
    pub nef: Arc<Nef>,
    /// `apiRoot` of the APIs.
    pub root: String,
    /// Where the operator's `/sim` is.
    pub control: String,
    stop: CancellationToken,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Starts a NEF as its configuration says.
///
/// # Errors
/// When certificates cannot be used, an address cannot be had, or the network contradicts itself.
pub async fn start(
    configuration: &Configuration,
    clock: Arc<dyn Clock>,
    listener: super::log::Listener,
) -> Result<Running, BadNef> {
    let files = IdentityFiles {
        certificate: configuration.identity.certificate.clone(),
        key: configuration.identity.key.clone(),
    };
    let identity = files.load(Role::Nef, &configuration.nef_id)?;
    let mut clients = Vec::new();
    for (role, file) in [
        (Role::Ees, &configuration.trust.ees),
        (Role::Ecs, &configuration.trust.ecs),
    ] {
        if let Some(file) = file {
            clients.push((role, Trust::load(file)?));
        }
    }
    let servers = Trust::union(clients.iter().map(|(_, trust)| trust));
    let operators = [(Role::Operator, Trust::load(&configuration.trust.operator)?)];
    let apis = server_config(&identity, &clients, true)?;
    let control = server_config(&identity, &operators, true)?;
    let rule = CallbackRule {
        allow_private_addresses: configuration.allow_callbacks_to_private_addresses,
        ..CallbackRule::default()
    };
    let client = HttpClient::new(&identity, &servers, rule, PATIENCE)?;
    let bind = async |at: SocketAddr| {
        let socket = TcpListener::bind(at)
            .await
            .map_err(|error| BadNef::Address(at, error))?;
        let address = socket.local_addr().map_err(|error| BadNef::Address(at, error))?;
        Ok::<_, BadNef>((socket, format!("https://{address}")))
    };
    let (api_socket, at) = bind(configuration.apis.listen).await?;
    let (control_socket, control_at) = bind(configuration.control.listen).await?;
    let root = configuration.apis.api_root.clone().unwrap_or(at);
    let behaviour = configuration.behaviour(&root)?;
    let nef = Nef::new(behaviour, configuration.network()?, clock, Arc::new(client), listener);
    let stop = CancellationToken::new();
    let handler = {
        let nef = nef.clone();
        move |request| {
            let nef = nef.clone();
            async move { nef.answer(request).await }
        }
    };
    tokio::spawn(accept(api_socket, apis, stop.clone(), handler));
    let handler = {
        let nef = nef.clone();
        move |request| {
            let nef = nef.clone();
            async move { Some(nef.control(request).await) }
        }
    };
    tokio::spawn(accept(control_socket, control, stop.clone(), handler));
    Ok(Running {
        nef,
        root,
        control: configuration.control.api_root.clone().unwrap_or(control_at),
        stop,
    })
}

/// Serves connections until `stop`. Where the handler has no reply, the connection breaks, or the stream of HTTP/2.
pub(crate) async fn accept<H, F>(socket: TcpListener, tls: Arc<ServerConfig>, stop: CancellationToken, handler: H)
where
    H: Fn(Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Option<Reply>> + Send + 'static,
{
    let tls = TlsAcceptor::from(tls);
    while let Some(accepted) = stop.run_until_cancelled(socket.accept()).await {
        match accepted {
            Ok((stream, remote)) => {
                let (tls, stop, handler) = (tls.clone(), stop.clone(), handler.clone());
                tokio::spawn(async move {
                    let ended = stop.run_until_cancelled(serve(stream, tls, handler)).await;
                    if let Some(Err(error)) = ended {
                        tracing::debug!(%remote, %error, "connection ended");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be accepted");
                // Most often too many open files: leave the others time to close theirs.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn serve<H, F>(stream: TcpStream, tls: TlsAcceptor, handler: H) -> Result<(), io::Error>
where
    H: Fn(Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Option<Reply>> + Send + 'static,
{
    let limits = Limits::default();
    stream.set_nodelay(true)?;
    let stream = tokio::time::timeout(limits.handshake_timeout, tls.accept(stream)).await??;
    let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let principal = certificate.and_then(|certificate| principal_of(certificate).ok());
    let role = principal
        .ok_or_else(|| io::Error::other("nobody proved to be there"))?
        .role();
    let http = match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => limits.protocol().http2_only(),
        _ => limits.protocol().http1_only(),
    };
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let handler = handler.clone();
        async move {
            let reply = match whole(request, role).await {
                Ok(request) => handler(request).await,
                Err(reply) => Some(reply),
            };
            reply.map(response).ok_or_else(|| io::Error::other("broken on purpose"))
        }
    });
    http.serve_connection(TokioIo::new(stream), service)
        .await
        .map_err(io::Error::other)
}

/// A request with its body read.
async fn whole(request: hyper::Request<Incoming>, role: Role) -> Result<Request, Reply> {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
        let detail = "the body is larger than is accepted, or broke off";
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, Cause::PayloadTooLarge, detail).into());
    };
    Ok(Request {
        role,
        method: parts.method,
        path: parts.uri.path().to_owned(),
        headers: parts.headers,
        body: body.to_bytes(),
    })
}

fn response(reply: Reply) -> Response {
    let media = if reply.status.is_success() {
        "application/json"
    } else {
        PROBLEM_JSON
    };
    let empty = reply.body.is_none();
    let body = reply.body.map(|body| body.to_string()).unwrap_or_default();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = reply.status;
    if !empty {
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    }
    if let Some(location) = reply.location.and_then(|location| HeaderValue::try_from(location).ok()) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}
