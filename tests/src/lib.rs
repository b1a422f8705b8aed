//! What the whole-system tests share: programs as processes, callers with certificates, a subscriber that listens.
//!
//! The tests themselves are in `system/`, one binary. They run the programs `ees`, `ecs` and `eec-sim` that lie beside them, so build
//! those first: `cargo test --workspace` does.
//!
//! | module | what it holds |
//! |---|---|
//! | [`lab`] | a temporary folder with certificates, configurations and state |
//! | [`process`] | a server as a process that can be stopped and killed |
//! | [`caller`] | somebody with a certificate who sends requests |
//! | [`jwt`] | tokens made by hand |
//! | [`raw`] | a peer that writes its bytes by hand |
//! | [`ear`] | a subscriber: a TLS server that writes down what it hears |
//! | [`network`] | the simulated core network, in this process |
//! | [`wait`] | waiting for what can be observed |

pub mod caller;
pub mod ear;
pub mod jwt;
pub mod lab;
pub mod network;
pub mod process;
pub mod raw;
pub mod wait;
