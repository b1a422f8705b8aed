//! The ECS as authorization server (TS 33.558 clause 6.2, RFC 6749): access tokens for EESs that want them.
//!
//! | module | what it holds |
//! |---|---|
//! | [`registry`] | who may have tokens, for which EESs, with which scopes |
//! | [`registered`] | what they could have before, and have no more |
//! | [`request`] | from the parameters of a request to what is granted: plain functions |
//! | [`refusal`] | the refusals of RFC 6749, 7009 and 8707 |
//! | [`keys`] | signing keys: one in use, one announced, some that only verify; their rotation |
//! | [`revoked`] | what was taken back, and the list of it |
//! | [`service`] | load, decide, commit, sign |

pub mod keys;
pub mod refusal;
pub mod registered;
pub mod registry;
pub mod request;
pub mod revoked;
pub mod service;
#[cfg(test)]
mod tests;
