//! Which store a server uses, as its configuration says it.

use crate::{
    MemoryStore, OpenError, RedbStore,
    sealed::{KeyFiles, KeyProviderError, SealedError, SealedStore, is_sealed},
};
use edgeapp_core::{hardening::Check, store::Store};
use serde::{Deserialize, Serialize};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The section `[store]` of a configuration.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum StoreSettings {
    /// `kind = "redb"`: a file of this server alone.
    Redb {
        /// `path`: the file; it is made, with its folder, when it is not there.
        path: PathBuf,
        /// `encryption_key_file`: the key that the state is encrypted with, as `state-key` makes it; without it the state lies there in
        /// plain.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        encryption_key_file: Option<PathBuf>,
        /// `old_encryption_key_files`: keys that it was encrypted with before. After one start with the new key they are needed no more.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        old_encryption_key_files: Vec<PathBuf>,
    },
    /// `kind = "memory-lost-at-exit"`: nothing outlives the process. For tests and demonstrations.
    MemoryLostAtExit,
    /// `kind = "etcd"`: a cluster that several replicas share.
    Etcd {
        /// `endpoints`: client URLs of the members.
        endpoints: Vec<String>,
        /// `namespace`: which system this is; replicas of one system have the same.
        namespace: String,
        /// `ca`: certificates (PEM) that the members' certificates lead to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ca: Option<PathBuf>,
        /// `certificate`: what this server shows the members (PEM); with `key`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        certificate: Option<PathBuf>,
        /// `key`: the key of `certificate` (PEM).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<PathBuf>,
        /// `user`: the name to log in with; with `password_file`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        /// `password_file`: the file that holds the password.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password_file: Option<PathBuf>,
        /// `encryption_key_file`: the key that the state is encrypted with, the same for all replicas; without it etcd and its
        /// backups hold it in plain.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        encryption_key_file: Option<PathBuf>,
        /// `old_encryption_key_files`: keys that it was encrypted with before, or will be.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        old_encryption_key_files: Vec<PathBuf>,
    },
}

impl StoreSettings {
    /// What the hardened reference says about `[store]`.
    pub const CHECKS: &[Check<Self>] = &[
        Check::new(
            "store.kind",
            "\"redb\" or \"etcd\"",
            |store| matches!(store, Self::MemoryLostAtExit).then(|| "\"memory-lost-at-exit\"".to_owned()),
            "nothing that was promised outlives the process",
        ),
        Check::new(
            "store.endpoints",
            "https:// alone",
            |store| match store {
                Self::Etcd { endpoints, .. } => endpoints.iter().find(|url| !url.starts_with("https://")).cloned(),
                _ => None,
            },
            "the whole state can be read and changed on its way to etcd",
        ),
        Check::new(
            "store.certificate",
            "a certificate, or a user with a password file",
            |store| match store {
                Self::Etcd {
                    certificate: None,
                    user: None,
                    ..
                } => Some("none".to_owned()),
                _ => None,
            },
            "etcd that takes us without proof takes anybody who reaches it",
        ),
        Check::new(
            "store.encryption_key_file",
            "a key file",
            |store| match store.encryption() {
                Some((None, _)) => Some("none".to_owned()),
                _ => None,
            },
            "whoever gets the disk, the file or a backup reads who is where",
        ),
    ];
}

/// Why a store did not open.
#[derive(Debug, thiserror::Error)]
pub enum StoreSettingsError {
    /// The file cannot be opened.
    #[error(transparent)]
    Redb(#[from] OpenError),
    /// The folder of the file cannot be made.
    #[error("{}: {source}", .folder.display())]
    Folder {
        /// Which folder.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The program was built without the adapter.
    #[error("kind \"etcd\" is not in this program; build it with `--features etcd`, or use kind \"redb\"")]
    NoEtcd,
    /// The cluster cannot be used.
    #[error("{0}")]
    Etcd(String),
    /// Old keys without a new one.
    #[error("old_encryption_key_files are of no use without encryption_key_file")]
    OldKeysOnly,
    /// The state is encrypted and does not open.
    #[error(transparent)]
    Sealed(#[from] SealedError),
}

impl StoreSettingsError {
    /// Whether the state is there but not as it was written.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Sealed(error) => error.is_damage(),
            Self::Redb(error) => matches!(error, OpenError::Damaged { .. }),
            _ => false,
        }
    }
}

impl StoreSettings {
    /// The files of the key that encrypts and of older ones; nothing for a store that keeps nothing.
    fn encryption(&self) -> Option<(Option<&Path>, &[PathBuf])> {
        match self {
            Self::Redb {
                encryption_key_file,
                old_encryption_key_files,
                ..
            }
            | Self::Etcd {
                encryption_key_file,
                old_encryption_key_files,
                ..
            } => Some((encryption_key_file.as_deref(), old_encryption_key_files)),
            Self::MemoryLostAtExit => None,
        }
    }

    /// Reads the keys that the state is encrypted with, if it is to be.
    ///
    /// # Errors
    /// When a file cannot be used, or others can read it.
    pub fn keys(&self) -> Result<Option<KeyFiles>, StoreSettingsError> {
        let read = |error: KeyProviderError| StoreSettingsError::Sealed(error.into());
        match self.encryption() {
            Some((Some(newest), old)) => KeyFiles::read(newest, old).map(Some).map_err(read),
            _ => Ok(None),
        }
    }

    /// Makes paths relative to `folder`, where they are relative.
    pub fn resolve(&mut self, folder: &Path) {
        match self {
            Self::Redb {
                path,
                encryption_key_file,
                old_encryption_key_files,
            } => {
                *path = folder.join(&path);
                for path in encryption_key_file.iter_mut().chain(old_encryption_key_files) {
                    *path = folder.join(&path);
                }
            }
            Self::MemoryLostAtExit => {}
            Self::Etcd {
                ca,
                certificate,
                key,
                password_file,
                encryption_key_file,
                old_encryption_key_files,
                ..
            } => {
                let files = [ca, certificate, key, password_file, encryption_key_file];
                for path in files.into_iter().flatten().chain(old_encryption_key_files) {
                    *path = folder.join(&path);
                }
            }
        }
    }

    /// Whether the program can open it at all, without touching anything.
    ///
    /// # Errors
    /// When its adapter was not built in, or settings do not fit together.
    pub fn check(&self) -> Result<(), StoreSettingsError> {
        if let Some((None, [_, ..])) = self.encryption() {
            return Err(StoreSettingsError::OldKeysOnly);
        }
        let Self::Etcd {
            certificate,
            key,
            user,
            password_file,
            ..
        } = self
        else {
            return Ok(());
        };
        if cfg!(not(feature = "etcd")) {
            return Err(StoreSettingsError::NoEtcd);
        }
        if certificate.is_some() == key.is_some() && user.is_some() == password_file.is_some() {
            return Ok(());
        }
        Err(StoreSettingsError::Etcd(
            "certificate and key, user and password_file come in pairs".to_owned(),
        ))
    }

    /// Opens the store.
    ///
    /// # Errors
    /// When it cannot be opened, or its state not be read with the keys that are given.
    pub async fn open(&self) -> Result<Arc<dyn Store>, StoreSettingsError> {
        self.check()?;
        let keys = self.keys()?;
        let store = self.open_as_it_lies().await?;
        match keys {
            Some(keys) => Ok(Arc::new(SealedStore::open(store, Arc::new(keys)).await?)),
            None if is_sealed(store.as_ref()).await.map_err(SealedError::Store)? => Err(SealedError::NoKey.into()),
            None => Ok(store),
        }
    }

    async fn open_as_it_lies(&self) -> Result<Arc<dyn Store>, StoreSettingsError> {
        match self {
            Self::MemoryLostAtExit => Ok(Arc::new(MemoryStore::new())),
            Self::Redb { path, .. } => {
                if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                    let failed = |source| StoreSettingsError::Folder {
                        folder: folder.to_owned(),
                        source,
                    };
                    std::fs::create_dir_all(folder).map_err(failed)?;
                }
                Ok(Arc::new(RedbStore::open(path)?))
            }
            Self::Etcd { .. } => self.open_etcd().await,
        }
    }

    #[cfg(not(feature = "etcd"))]
    async fn open_etcd(&self) -> Result<Arc<dyn Store>, StoreSettingsError> {
        Err(StoreSettingsError::NoEtcd)
    }

    #[cfg(feature = "etcd")]
    async fn open_etcd(&self) -> Result<Arc<dyn Store>, StoreSettingsError> {
        use edgeapp_store_etcd::{EtcdOptions, EtcdStore};

        let Self::Etcd {
            endpoints,
            namespace,
            ca,
            certificate,
            key,
            user,
            password_file,
            ..
        } = self
        else {
            return Err(StoreSettingsError::NoEtcd);
        };
        let mut options = EtcdOptions::new(endpoints, namespace);
        if let Some(ca) = ca {
            options = options.ca_file(ca);
        }
        if let (Some(certificate), Some(key)) = (certificate, key) {
            options = options.identity_files(certificate, key);
        }
        if let (Some(user), Some(file)) = (user, password_file) {
            options = options.user(user, file);
        }
        let store = EtcdStore::connect(options)
            .await
            .map_err(|error| StoreSettingsError::Etcd(error.to_string()))?;
        Ok(Arc::new(store))
    }
}
