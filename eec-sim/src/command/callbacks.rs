//! `callbacks`: a callback server on the laptop of somebody who tries subscriptions. It thanks for every notification and prints it.

use super::{CommandError, Outcome};
use crate::{
    pki::Pki,
    world::nef::{doors::Reply, server::accept},
};
use anstream::println;
use anstyle::{AnsiColor, Style};
use edgeapp_core::principal::Role;
use edgeapp_http::tls::server_config;
use std::{net::Ipv4Addr, path::Path};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// `callbacks`: listens on this port with the certificate `who` of a folder that `pki init` made, for EESs and ECSs, until told to stop.
///
/// # Errors
/// When the certificates cannot be used or the port cannot be had.
pub async fn callbacks(pki: &Path, who: &str, port: u16, json: bool) -> Result<Outcome, CommandError> {
    let pki = Pki::open(pki)?;
    let usage = |error: edgeapp_http::tls::TlsError| CommandError::Usage(error.to_string());
    let identity = pki.files(who).identity().map_err(usage)?;
    let mut clients = Vec::new();
    for role in [Role::Ees, Role::Ecs] {
        clients.push((role, pki.trust(role).map_err(usage)?));
    }
    let tls = server_config(&identity, &clients, true).map_err(usage)?;
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let socket = socket.map_err(|error| CommandError::Usage(format!("port {port} cannot be had: {error}")))?;
    let at = socket
        .local_addr()
        .map_err(|error| CommandError::Failed(error.to_string()))?;
    if !json {
        println!("listening https://localhost:{}", at.port());
    }
    let strong = Style::new().bold().fg_color(Some(AnsiColor::Cyan.into()));
    let handler = move |request: crate::world::nef::doors::Request| {
        let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap_or_default();
        if json {
            println!(
                "{}",
                serde_json::json!({"method": request.method.as_str(), "path": request.path, "body": body})
            );
        } else {
            let pretty = serde_json::to_string_pretty(&body).unwrap_or_default();
            println!("{strong}{} {}{strong:#}\n{pretty}", request.method, request.path);
        }
        async { Some(Reply::nothing()) }
    };
    accept(socket, tls, CancellationToken::new(), handler).await;
    Ok(Outcome::Good)
}
