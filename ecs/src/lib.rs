//! An Edge Configuration Server (TS 23.558): it knows the edge data networks and the EESs in them, and tells EECs which of them to use.
//!
//! | folder | serves |
//! |---|---|
//! | [`edge4`] | EECs: Eecs_ServiceProvisioning |
//! | [`edge6`] | EESs: Eecs_EESRegistration, Eecs_TargetEESDiscovery |
//! | [`oauth`] | both, with access tokens |
//!
//! The rules are in `edgeapp-ecs-domain`; here they meet HTTP ([`edge4`], [`edge6`]), a configuration file ([`config`]) and each other
//! ([`ecs`]). The program `ecs` is [`serve`] with a command line.
//!
//! A whole ECS without sockets, ready to be mounted into another program:
//!
//! ```
//! use edgeapp_core::authorizer::ReferencePoint;
//! use edgeapp_ecs::ecs::{Ecs, EcsRules, NoNotifications};
//! use edgeapp_store::MemoryStore;
//! use std::sync::Arc;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let ecs = Ecs::builder(EcsRules::default(), Arc::new(MemoryStore::new()), Arc::new(NoNotifications)).build().await?;
//! let edge4: axum::Router = ecs.router(ReferencePoint::Edge4);
//! # let _ = edge4;
//! # Ok(())
//! # }
//! ```

pub mod config;
pub mod ecs;
pub mod edge4;
pub mod edge6;
mod hardening;
pub mod oauth;
pub mod operations;
pub mod serve;
