//! The 3GPP core network behind its northbound APIs: the adapter of [`edgeapp_core::network::CoreNetwork`].
//!
//! It speaks MonitoringEvent, AsSessionWithQoS and DeviceTriggering of TS 29.122 and TrafficInfluence, UEId and AnalyticsExposure of
//! TS 29.522 to an NEF or SCEF: exact in what it sends, lenient in what it reads, because deployed ones differ.
//!
//! | module | what it holds |
//! |---|---|
//! | [`settings`] | the section `[nef]` of a configuration |
//! | [`client`] | the adapter: which operation of the port is which call |
//! | `connect` | how a server reaches its NEF |
//! | `asked` | what is asked for, as the bodies of the standard |
//! | `understood` | what is reported, from the bodies that arrive |
//! | `exchange` | a call with its credential, its one repetition and its errors |
//! | `rest` | how long the NEF is left alone |
//! | `credential` | the bearer token: fixed, or fetched and renewed |

mod asked;
pub mod client;
mod connect;
mod credential;
mod exchange;
mod rest;
pub mod settings;
#[cfg(test)]
mod tests;
mod understood;

pub use client::NefClient;
pub use connect::http_client;
pub use settings::{NefSettings, NefSettingsError};
pub use understood::understand;
