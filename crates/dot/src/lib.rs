//! EAS discovery by name: DNS over TLS (RFC 7858, RFC 8310) whose answers follow the registrations of an EES (TS 23.548, TS 33.558).
//!
//! A client that knows no more than a name is led to the EAS that is best for where it is. Who that is, is not decided here: the
//! [`directory::Directory`] is a port to the same selection that answers Eees_EASDiscovery.
//!
//! | module | what it holds |
//! |---|---|
//! | [`message`] | messages on the wire, read strictly |
//! | [`subnet`] | client subnets, tables by prefix, and scopes that do not overlap |
//! | [`zone`] | the records that an EAS is told by, and how it is told that there are none |
//! | [`directory`] | the port to whoever knows the EASs |
//! | [`responder`] | questions in, answers out |
//! | [`steering`] | the port to rules that come before all of this |
//! | [`server`] | connections |
//! | [`upstream`] | resolvers for names that are not served here |
//! | [`client`] | a strict client (RFC 8310) |
//! | [`settings`] | `[dns]` |
//!
//! ```
//! use edgeapp_dot::subnet::ClientSubnet;
//!
//! let subnet = ClientSubnet::of_query(&[0, 1, 24, 0, 10, 45, 3])?;
//! assert_eq!(subnet.network().expect("a network").to_string(), "10.45.3.0/24");
//! # Ok::<(), edgeapp_dot::subnet::BadSubnet>(())
//! ```

pub mod client;
pub mod directory;
pub mod message;
mod meters;
pub mod responder;
pub mod server;
pub mod settings;
pub mod steering;
pub mod subnet;
pub mod upstream;
pub mod zone;

pub use hickory_proto as proto;
