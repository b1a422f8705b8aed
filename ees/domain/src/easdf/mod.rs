//! The EASDF in an EES: the core network says what becomes of the DNS messages of its UEs (TS 23.548 clause 6.2.3.2.2, TS 29.556).
//!
//! | module | what it holds |
//! |---|---|
//! | [`contexts`], [`patterns`] | what SMFs keep here: contexts of UEs, and baseline patterns that these refer to |
//! | [`rules`] | what a rule matches and comes to: plain functions |
//! | [`steering`] | rules at work: which context a query is of, what is held, what is told |
//! | [`held`] | messages that are held until the SMF decides |
//! | [`reports`] | what SMFs are told |
//! | [`json_patch`] | JSON Patch |

pub mod contexts;
pub mod held;
pub mod json_patch;
pub mod patterns;
pub mod reports;
pub mod rules;
pub mod steering;
