//! An EES inside another program, with an authorizer of its own: this one closes an API for everybody but one EEC.
//!
//! ```text
//! cargo run -p eec-sim -- pki init lab
//! cargo run -p edgeapp-ees --example embed -- lab/ees-a.toml
//! ```

use edgeapp_authz::RoleOfReferencePoint;
use edgeapp_core::{
    authorizer::{Ask, Authorizer},
    error::{Cause, Error},
};
use edgeapp_ees::{config::EesConfig, ees::EesBuilder};
use edgeapp_http::assembly::stop_signal;
use std::{path::PathBuf, sync::Arc};
use tokio_util::sync::CancellationToken;

/// What the role may do, except that only `eec-1` discovers.
struct OnlyOneDiscovers;

impl Authorizer for OnlyOneDiscovers {
    fn authorize(&self, ask: &Ask<'_>) -> Result<(), Error> {
        RoleOfReferencePoint.authorize(ask)?;
        if ask.operation.starts_with("eees-easdiscovery:") && ask.principal.id() != "eec-1" {
            return Err(Error::forbidden(Cause::Unauthorized, "discovery is for eec-1 only"));
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = PathBuf::from(std::env::args().nth(1).ok_or("name a configuration file")?);
    let ees = EesBuilder::new(EesConfig::read(&file)?)
        .authorizer(Arc::new(OnlyOneDiscovers))
        .build()
        .await?;
    for (point, address) in ees.serving().addresses() {
        tracing::info!(%point, %address, "listening");
    }
    let wish = stop_signal()?;
    let stop = CancellationToken::new();
    let serving = tokio::spawn(ees.serve(stop.clone()));
    wish.await;
    stop.cancel();
    Ok(serving.await?)
}
