//! `[audit]` and `[privacy]` of a configuration.

use crate::{
    files::{for_its_owner_only, write_private},
    keys::{AuditKey, KeyError},
    log::{AuditLog, OpenError, Policy},
};
use edgeapp_core::{
    hardening::Check,
    pseudonym::Pseudonyms,
    secrets::open_to_others,
    store::{Commit, Expect, Key, Store, StoreError},
};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};
use zeroize::Zeroizing;

/// `[audit]`: the audit log.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditSettings {
    /// `folder`: where its files lie; made when it is not there.
    pub folder: PathBuf,
    /// `key`: the private key that signs checkpoints, as `audit keygen` makes it.
    pub key: PathBuf,
    /// `rotate_bytes`: a file that is so long is followed by another one; 16 MiB when not given.
    #[serde(default = "rotate_bytes")]
    pub rotate_bytes: u64,
    /// `rotate_seconds`: so is one that is so old; a day when not given.
    #[serde(default = "rotate_seconds")]
    pub rotate_seconds: u32,
    /// `checkpoint_records`: so many records are signed at once, at most; 1000 when not given.
    #[serde(default = "checkpoint_records")]
    pub checkpoint_records: u32,
    /// `checkpoint_seconds`: a record waits so long for its checkpoint, at most; 60 when not given.
    #[serde(default = "checkpoint_seconds")]
    pub checkpoint_seconds: u32,
    /// `max_bytes`: how much of the disk the log may take, 1 GiB when not given. Then the oldest files go, but none that a collector has
    /// not got: with a collector that is away, new work is refused before there is no room.
    #[serde(default = "max_bytes")]
    pub max_bytes: u64,
    /// `serve_although_records_are_lost`: when no more can be recorded, requests are served all the same and their events counted.
    #[serde(default)]
    pub serve_although_records_are_lost: bool,
    /// `[audit.collector]`: who keeps the records elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collector: Option<CollectorSettings>,
}

/// `[audit.collector]`: who keeps the records elsewhere.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectorSettings {
    /// `url`: the https address to which records are posted.
    pub url: String,
    /// `roots`: PEM file with the roots that the collector's certificate leads to.
    pub roots: PathBuf,
}

const fn rotate_bytes() -> u64 {
    16 * 1024 * 1024
}

const fn rotate_seconds() -> u32 {
    24 * 3600
}

const fn checkpoint_records() -> u32 {
    1000
}

const fn checkpoint_seconds() -> u32 {
    60
}

const fn max_bytes() -> u64 {
    1024 * 1024 * 1024
}

const UNSIGNED: &str = "what is not signed yet can be written anew by who may write the files";

/// Why the audit log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// Its key.
    #[error("key `audit.key`: {0}")]
    Key(#[from] KeyError),
    /// Its folder.
    #[error("key `audit.folder`: {0}")]
    Folder(#[from] OpenError),
    /// The key of the pseudonyms.
    #[error("key `privacy.pseudonym_key`: {0}")]
    Pseudonyms(String),
    /// The key of the pseudonyms, in the store.
    #[error("the key of the pseudonyms cannot be kept in the store: {0}")]
    Store(#[from] StoreError),
}

impl AuditSettings {
    /// What the hardened reference says about `[audit]`.
    pub const CHECKS: &[Check<Self>] = &[
        Check::on(
            "audit.serve_although_records_are_lost",
            |audit| audit.serve_although_records_are_lost,
            "who fills the log can then do what leaves no trace",
        ),
        Check::most(
            "audit.checkpoint_seconds",
            300,
            |audit| audit.checkpoint_seconds.into(),
            UNSIGNED,
        ),
        Check::most(
            "audit.checkpoint_records",
            10_000,
            |audit| audit.checkpoint_records.into(),
            UNSIGNED,
        ),
    ];

    /// Makes the paths relative to `folder`, where they are relative.
    pub fn resolve(&mut self, folder: &Path) {
        self.folder = folder.join(&self.folder);
        self.key = folder.join(&self.key);
        if let Some(collector) = &mut self.collector {
            collector.roots = folder.join(&collector.roots);
        }
    }

    /// What is wrong with the values: key and reason.
    pub fn conflicts(&self) -> Vec<(&'static str, &'static str)> {
        let mut wrong = Vec::new();
        if self.rotate_bytes == 0 || self.rotate_seconds == 0 {
            wrong.push(("audit.rotate_bytes", "and rotate_seconds must be at least 1"));
        }
        if self.checkpoint_records == 0 || self.checkpoint_seconds == 0 {
            wrong.push(("audit.checkpoint_records", "and checkpoint_seconds must be at least 1"));
        }
        if self.max_bytes < 2 * self.rotate_bytes {
            wrong.push((
                "audit.max_bytes",
                "must be at least twice rotate_bytes: only whole files are removed",
            ));
        }
        if self
            .collector
            .as_ref()
            .is_some_and(|collector| !collector.url.starts_with("https://"))
        {
            wrong.push(("audit.collector.url", "must begin with https://"));
        }
        wrong
    }

    /// Looks at key and folder, without making anything: what is wrong, and the key of the configuration that names it.
    ///
    /// # Errors
    /// When one of them cannot be used.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        AuditKey::load(&self.key).map_err(|error| ("audit.key", error.to_string()))?;
        if self.folder.is_dir() {
            for_its_owner_only(&self.folder).map_err(|error| ("audit.folder", error.to_string()))?;
        }
        Ok(())
    }

    /// Opens the log.
    ///
    /// # Errors
    /// When key or folder cannot be used.
    pub fn open(&self) -> Result<AuditLog, AuditError> {
        let policy = Policy {
            rotate_bytes: self.rotate_bytes,
            rotate_after: Duration::from_secs(self.rotate_seconds.into()),
            checkpoint_records: self.checkpoint_records.into(),
            checkpoint_after: Duration::from_secs(self.checkpoint_seconds.into()),
            max_bytes: self.max_bytes,
            uploaded: self.collector.is_some(),
            lossy: self.serve_although_records_are_lost,
            ..Policy::default()
        };
        Ok(AuditLog::open(&self.folder, AuditKey::load(&self.key)?, policy)?)
    }
}

/// `[privacy]`: how users and devices are named in logs and in the audit log.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PrivacySettings {
    /// `pseudonym_key`: file with the key of the pseudonyms, made at the first start; without it the key lies in the store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pseudonym_key: Option<PathBuf>,
    /// `log_identifiers_as_they_are`: GPSIs, EECIDs and addresses stand in logs as they are. For laboratories without real users.
    pub log_identifiers_as_they_are: bool,
}

/// Where the store keeps the key.
const IN_STORE: &str = "privacy/pseudonym-key";
/// Bytes of a key that is made here.
const LENGTH: usize = 32;

impl PrivacySettings {
    /// Makes the path relative to `folder`, where it is relative.
    pub fn resolve(&mut self, folder: &Path) {
        if let Some(key) = &mut self.pseudonym_key {
            *key = folder.join(&*key);
        }
    }

    /// How names are written, where the configuration alone says it; nothing when the key lies in the store.
    ///
    /// # Errors
    /// When the file of the key cannot be used.
    pub fn pseudonyms(&self) -> Result<Option<Pseudonyms>, AuditError> {
        if self.log_identifiers_as_they_are {
            return Ok(Some(Pseudonyms::names_as_they_are()));
        }
        let Some(path) = &self.pseudonym_key else {
            return Ok(None);
        };
        let failed = |what: String| AuditError::Pseudonyms(format!("{}: {what}", path.display()));
        Ok(Some(read_key(path).map_err(|error| failed(error.to_string()))?))
    }

    /// The file of the key, where names are written by one, and what is wrong with it if it is there already. Nothing is made.
    pub fn check(&self) -> Option<(&Path, Result<(), String>)> {
        let path = self
            .pseudonym_key
            .as_deref()
            .filter(|_| !self.log_identifiers_as_they_are)?;
        let read = match path.exists() {
            true => read_made(path).map(drop),
            false => Ok(()),
        };
        Some((path, read.map_err(|error| format!("{}: {error}", path.display()))))
    }

    /// How names are written when the key lies in the store; made there when there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn pseudonyms_of(store: &dyn Store) -> Result<Pseudonyms, AuditError> {
        let key = Key::new(IN_STORE);
        loop {
            if let Some(entry) = store.get(&key).await? {
                return Ok(Pseudonyms::keyed(&entry.value));
            }
            let made = rand::random::<[u8; LENGTH]>().to_vec();
            let commit = Commit::new().expect(Expect::Absent(key.clone())).put(key.clone(), made);
            match store.commit(commit).await {
                Ok(_) | Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The key of pseudonyms in a file, made when it is not there.
///
/// # Errors
/// When it cannot be used.
pub fn read_key(path: &Path) -> io::Result<Pseudonyms> {
    match write_private(path, &rand::random::<[u8; LENGTH]>()) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    read_made(path)
}

fn read_made(path: &Path) -> io::Result<Pseudonyms> {
    if open_to_others(path)?.is_some() {
        return Err(io::Error::other(
            "other users can read this key; take that from them with chmod 600",
        ));
    }
    let key = fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => {
            io::Error::new(error.kind(), format!("{error}; let the server's user read it"))
        }
        _ => error,
    });
    let key = Zeroizing::new(key?);
    if key.len() < 16 {
        return Err(io::Error::other(
            "a key has at least 16 bytes; remove the file, and another one is made",
        ));
    }
    Ok(Pseudonyms::keyed(&key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_pseudonyms_is_made_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = PrivacySettings {
            pseudonym_key: Some(folder.path().join("pseudonym.key")),
            ..PrivacySettings::default()
        };
        let made = settings.pseudonyms().expect("made").expect("a key");
        let read = settings.pseudonyms().expect("read").expect("a key");
        assert_eq!(made.of("eec-1"), read.of("eec-1"));
        fs::write(folder.path().join("pseudonym.key"), "short").expect("written");
        assert!(settings.pseudonyms().is_err());
    }

    #[test]
    fn what_is_checked_is_not_made() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let audit: AuditSettings =
            serde_json::from_value(serde_json::json!({"folder": at("audit"), "key": at("audit.key")}))
                .expect("settings");
        assert_eq!(audit.check().expect_err("no key").0, "audit.key");
        let (key, _) = AuditKey::generate().expect("a key");
        write_private(&audit.key, key.to_pem().as_bytes()).expect("written");
        assert_eq!(audit.check(), Ok(()));
        assert!(!audit.folder.exists());
        let privacy = PrivacySettings {
            pseudonym_key: Some(at("pseudonym.key")),
            ..PrivacySettings::default()
        };
        assert_eq!(privacy.check(), Some((&*at("pseudonym.key"), Ok(()))));
        assert!(!at("pseudonym.key").exists());
        write_private(&at("pseudonym.key"), b"short").expect("written");
        assert!(privacy.check().is_some_and(|(_, read)| read.is_err()));
        assert_eq!(PrivacySettings::default().check(), None);
    }

    #[test]
    fn values_that_contradict_each_other_are_named() {
        let mut settings: AuditSettings =
            serde_json::from_value(serde_json::json!({"folder": "audit", "key": "audit.key"})).expect("settings");
        assert!(settings.conflicts().is_empty());
        settings.max_bytes = settings.rotate_bytes;
        settings.collector = Some(CollectorSettings {
            url: "http://collector".to_owned(),
            roots: "roots".into(),
        });
        let keys: Vec<_> = settings.conflicts().iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, ["audit.max_bytes", "audit.collector.url"]);
    }
}
