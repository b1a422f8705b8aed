//! A CAPIF core function (TS 29.222) in this program: as a process of its own (`ees ccf`), or within an EES (`[capif] embedded = true`).
//!
//! The rules are in `edgeapp-capif`, the doors in `edgeapp-capif-doors`; here they meet sockets, certificates and a store of their own.
//!
//! | module | what |
//! |---|---|
//! | [`settings`] | `[core]` of `ccf.toml`, which is `[capif.core]` of `ees.toml` |
//! | [`config`] | `ccf.toml` |
//! | [`core`] | a core function with its listener, wherever it runs |
//! | [`server`] | the process of its own |
//! | [`operations`] | what policies can speak of |
//! | [`command`] | what operators do with it from a terminal |

pub mod command;
pub mod config;
pub mod core;
pub(crate) mod hardening;
pub mod operations;
pub mod server;
pub mod settings;

use edgeapp_capif::{
    certificate::{Authority, new_authority},
    core_function::{CoreFunction, CoreRules},
    exposing::{Exposing, Trusted},
    scope::Scope,
};
use edgeapp_capif_doors::{aef_security, apis};
use edgeapp_core::{
    clock::{Clock, SystemClock},
    error::Error,
    evidence::NoEvidence,
    room::Room,
};
use edgeapp_http::documents::Api;
use edgeapp_store::MemoryStore;
use std::sync::Arc;

/// Knows nobody: for the documents.
struct Nobody;

#[async_trait::async_trait]
impl Trusted for Nobody {
    async fn authorization(&self, _: &str) -> Result<Option<Scope>, Error> {
        Ok(None)
    }
}

/// The APIs of TS 29.222, for their documents: those of a core function, and that of an exposing function.
///
/// # Errors
/// When no key can be made.
pub async fn documented() -> Result<Vec<Api>, Error> {
    let clock = Arc::new(SystemClock::default());
    let (certificate, key) = new_authority("documents", clock.now(), 1).map_err(Error::internal)?;
    let authority = Authority::from_pem(&certificate, &key).map_err(Error::internal)?;
    let room = Room::new(Arc::new(MemoryStore::new()), clock);
    let core = CoreFunction::start(room.clone(), CoreRules::default(), authority, Arc::new(NoEvidence)).await?;
    let aef_id = "AEF".parse().map_err(Error::internal)?;
    let exposing = Exposing::start(room, aef_id, 600, Arc::new(Nobody)).await?;
    let mut all = apis(&core);
    all.push(aef_security::api(exposing));
    Ok(all)
}
