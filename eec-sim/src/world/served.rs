//! Listeners of the parties that this process plays: real TLS, one role per operation.

use crate::pki::{Files, Pki};
use axum::Router;
use edgeapp_core::{
    authorizer::{Ask, Authorizer, ReferencePoint},
    error::{Cause, Error},
    principal::Role,
};
use edgeapp_http::{server::Listener, tls::server_config};
use std::{io, net::Ipv4Addr, sync::Arc};
use tokio_util::sync::CancellationToken;

/// Lets the roles in that the operations are for: an operation's name ends with `@<role>`.
struct RoleOfOperation;

impl Authorizer for RoleOfOperation {
    fn authorize(&self, ask: &Ask<'_>) -> Result<(), Error> {
        match ask.operation.rsplit_once('@') {
            Some((_, role)) if role == Role::as_str(ask.principal.role()) => Ok(()),
            _ => Err(Error::forbidden(
                Cause::Unauthorized,
                format!("{} is not for {}", ask.operation, ask.principal.role()),
            )),
        }
    }
}

/// A listener on loopback; it ends when this value goes away.
#[derive(Debug)]
pub(super) struct Served {
    /// Its `apiRoot`.
    pub(super) root: String,
    stop: CancellationToken,
}

impl Served {
    /// Serves what `router` makes of the root, with this identity, to callers of these reference points.
    pub(super) async fn on_loopback(
        files: &Files,
        pki: &Pki,
        points: &[ReferencePoint],
        router: impl FnOnce(&str) -> Router,
    ) -> io::Result<Self> {
        let clients: Result<Vec<_>, _> = points
            .iter()
            .map(|point| Ok((point.caller(), pki.trust(point.caller())?)))
            .collect();
        let tls = clients
            .and_then(|clients| server_config(&files.identity()?, &clients, true))
            .map_err(io::Error::other)?;
        let listener = Listener::bind((Ipv4Addr::LOCALHOST, 0).into(), tls, Arc::new(RoleOfOperation)).await?;
        let root = format!("https://{}", listener.local_address()?);
        let router = router(&root);
        let doors = points.iter().map(|point| (*point, router.clone())).collect();
        let stop = CancellationToken::new();
        tokio::spawn(listener.serve(doors, stop.clone()));
        Ok(Self { root, stop })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
