//! What tests of several crates share.
//!
//! * [`store`]: the battery that every adapter of the store port passes;
//! * [`network`]: a core network in memory that does as it is told;
//! * [`issuer`]: an issuer of access tokens that signs whatever it is told to;
//! * [`etcd`]: a private etcd process, where etcd is installed;
//! * [`policy`]: what the policies that a server comes with have to be like.
//!
//! Whoever writes a store runs the battery over it:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! edgeapp_testkit::store::keeps_the_contract(async || edgeapp_store::MemoryStore::new()).await;
//! # }
//! ```

pub mod etcd;
pub mod issuer;
pub mod network;
pub mod policy;
pub mod store;
