//! Plays UEs, Edge Enabler Clients, application clients and Edge Application Servers against real EDGEAPP servers.

pub mod call;
pub mod command;
pub mod configuration;
pub mod edge1;
pub mod edge3;
pub mod edge4;
pub mod milestone;
pub mod pki;
pub mod record;
pub mod report;
pub mod run;
pub mod scenario;
pub mod show;
pub mod witness;
pub mod world;
