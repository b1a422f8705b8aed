//! The APIs of an EASDF, by which the core network steers the discovery of EASs by name (TS 29.556).
//!
//! | module | what it holds |
//! |---|---|
//! | [`context`] | Neasdf_DNSContext: what becomes of the DNS messages of one UE |
//! | [`pattern`] | Neasdf_BaselineDNSPattern: patterns that the contexts of many UEs refer to |
//! | [`matching`] | names by pattern, ranges of addresses |
//! | [`patch`] | JSON Patch, and what is answered when part of one failed |

pub mod context;
pub mod matching;
pub mod patch;
pub mod pattern;
