//! The whole system over real TLS on loopback.

mod network;
mod support;

mod abuse;
mod audit;
mod ccf;
mod check_config;
mod common_eas;
mod core_network;
mod corpus;
mod demo;
mod dns;
mod durability;
mod easdf;
mod encryption;
mod events;
mod exposure;
mod forged;
mod link;
mod load;
mod managed;
mod notifications;
mod page;
mod policy;
mod relocation;
#[cfg(feature = "etcd")]
mod replicas;
mod steering;
mod sweep;
mod table;
mod tls;
mod tokens;
mod trace;
