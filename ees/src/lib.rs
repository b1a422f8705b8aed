//! An Edge Enabler Server (3GPP TS 23.558): the doors of its APIs and the assembly around the rules of `edgeapp-ees-domain`.
//!
//! The tree is the figure of the standard: what serves or calls over EDGE-*n* stands in `edge`*n*. [`config`] is the configuration as
//! written, [`ees`] names every pluggable part once.

pub mod capif;
pub mod ccf;
pub mod config;
mod dns;
pub mod easdf;
pub mod edge1;
pub mod edge2;
pub mod edge3;
pub mod edge6;
pub mod edge9;
pub mod ees;
mod hardening;
pub mod operations;
pub mod peers;
mod rooms;

pub use rooms::apis;
