//! Stores that belong to one process, behind the port [`edgeapp_core::store::Store`].
//!
//! | type | keeps | for |
//! |---|---|---|
//! | [`RedbStore`] | one file on disk; an acknowledged commit survives a crash | the default of both servers |
//! | [`MemoryStore`] | nothing beyond the process | tests, demonstrations |
//!
//! Several processes over one state need `edgeapp-store-etcd`. All three pass the battery `edgeapp_testkit::store`, and so does
//! [`sealed::SealedStore`] over any of them, which keeps nothing that can be read without its key.
//!
//! Inside: `file` holds the file and its readers, `writer` the one thread that writes (group commit, recovery from disk
//! errors), `feed` the recent history and the watchers, `memory` the map, `settings` the section `[store]` of a configuration.
//!
//! ```
//! use edgeapp_core::store::{Commit, Expect, Span, Store};
//! use edgeapp_store::RedbStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("ees.redb");
//! let store = RedbStore::open(&path)?;
//! let first = store.commit(Commit::new().expect(Expect::Absent("eas/1".into())).put("eas/1", "profile")).await?;
//!
//! let mut changes = store.watch("eas/", first).await?;
//! store.commit(Commit::new().expect(Expect::At("eas/1".into(), first)).put("eas/1", "newer profile")).await?;
//! assert!(changes.recv().await.is_some());
//!
//! drop(store);
//! let store = RedbStore::open(&path)?;
//! assert_eq!(store.range(Span::prefix("eas/")).await?.entries[0].value, "newer profile");
//! # Ok(())
//! # }
//! ```

mod feed;
mod file;
mod memory;
pub mod sealed;
mod settings;
mod writer;

pub use self::{
    file::{OpenError, RedbOptions, RedbStore},
    memory::MemoryStore,
    settings::{StoreSettings, StoreSettingsError},
};
