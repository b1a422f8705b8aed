//! The doors of an EES in process: every operation through the router, without sockets.

mod documents;
mod eas_discovery;
mod eas_discovery_subscriptions;
mod eas_registration;
mod harness;
