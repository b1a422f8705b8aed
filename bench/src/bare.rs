//! The reference of discovery: hyper with the TLS and HTTP/2 settings of the EES, and nothing behind it. It takes each request to its
//! end, looks at none, and answers the bytes that the EES answered.

use crate::Failure;
use bytes::Bytes;
use edgeapp_core::principal::Role;
use edgeapp_http::{
    gather::Gathered,
    server::Limits,
    tls::{Identity, Trust, server_config},
};
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::Write,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// The configuration file of a bare server.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Config {
    /// Its certificate.
    pub(crate) certificate: PathBuf,
    /// The key of it.
    pub(crate) key: PathBuf,
    /// The authority of its callers.
    pub(crate) eec: PathBuf,
    /// The bytes it answers.
    pub(crate) answer: PathBuf,
    /// Whether it gathers answers for one write as the EES does.
    pub(crate) gathered: bool,
}

/// Serves until it is killed; announces itself as the EES does.
pub(crate) async fn serve(config: &Path) -> Result<(), Failure> {
    let config: Config = toml::from_str(&fs::read_to_string(config)?)?;
    let answer = Bytes::from(fs::read(&config.answer)?);
    let identity = Identity::load(&config.certificate, &config.key)?;
    let acceptor = TlsAcceptor::from(server_config(
        &identity,
        &[(Role::Eec, Trust::load(&config.eec)?)],
        true,
    )?);
    let http = Arc::new(Limits::default().protocol().http2_only());
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    {
        let mut out = std::io::stdout().lock();
        write!(out, "listening edge1 https://{}\nready\n", socket.local_addr()?)?;
        out.flush()?;
    }
    loop {
        let (stream, _) = socket.accept().await?;
        stream.set_nodelay(true)?;
        let (acceptor, http, answer) = (acceptor.clone(), http.clone(), answer.clone());
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let service = service_fn(move |request| respond(request, answer.clone()));
            // A connection that breaks shows at its other end, where it fails the run.
            if config.gathered {
                let stream = Gathered::new(stream);
                let connection = http.serve_connection(TokioIo::new(stream.clone()), service);
                let _ = stream.drive(connection).await;
            } else {
                let _ = http.serve_connection(TokioIo::new(stream), service).await;
            }
        });
    }
}

async fn respond(request: Request<Incoming>, answer: Bytes) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let mut body = request.into_body();
    while let Some(frame) = body.frame().await {
        frame?;
    }
    let mut response = Response::new(Full::new(answer));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
