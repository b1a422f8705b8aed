//! N88, the serving end: what SMFs ask of the EASDF in this EES (TS 23.548 clause 5.1, TS 29.556), and its work on DNS messages.

/// The folder of its published documents: they are of the core network's family, not of EDGEAPP.
const PUBLISHED: &str = "easdf/";

pub mod baseline_dns_pattern;
pub mod dns_context;
pub mod settings;
pub(crate) mod steering;
