//! The store of several replicas, behind the port [`edgeapp_core::store::Store`]: etcd v3.
//!
//! A commit is one etcd transaction that compares modification revisions; a range is read at one revision, page by page; a watch is an
//! etcd watch whose events are put together commit by commit. Everything lives under one prefix, so that several systems can share a
//! cluster.
//!
//! Limits are etcd's: by default 128 operations and 1.5 MiB in one commit.
//!
//! The adapter is behind the feature `client`, because building it needs `protoc` (Debian: `apt-get install protobuf-compiler`).
//! Its tests need etcd itself: `apt-get install etcd-server`, then `cargo test -p edgeapp-store-etcd --features client`.
#![cfg_attr(
    feature = "client",
    doc = r#"
Inside: `options` says where the cluster is, `store` is the adapter.

```
use edgeapp_core::store::{Commit, Store};
use edgeapp_store_etcd::{EtcdOptions, EtcdStore};

# #[tokio::main(flavor = "current_thread")]
# async fn main() -> Result<(), Box<dyn std::error::Error>> {
# let Some(etcd) = edgeapp_testkit::etcd::PrivateEtcd::start().await else { return Ok(()) };
# let endpoint = etcd.endpoint();
let store = EtcdStore::connect(EtcdOptions::new([endpoint], "edn-1")).await?;
store.commit(Commit::new().put("eas/1", "profile")).await?;
assert_eq!(store.get(&"eas/1".into()).await?.expect("it was put").value, "profile");
# Ok(())
# }
```
"#
)]

#[cfg(feature = "client")]
mod options;
#[cfg(feature = "client")]
mod store;

#[cfg(feature = "client")]
pub use self::{
    options::{ConnectError, EtcdOptions},
    store::EtcdStore,
};
