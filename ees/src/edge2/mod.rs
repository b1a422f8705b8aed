//! EDGE-2: what the 3GPP core network calls back (TS 23.558 clause 8.10). What we ask of it goes out by the adapter behind
//! [`edgeapp_core::network::CoreNetwork`].

pub mod reports;
