//! Who holds the key that the keys of the state are wrapped by: key files, or whatever stands behind the same port.

use super::seal::{KEY, cipher, fresh, open_behind, seal_behind};
use async_trait::async_trait;
use aws_lc_rs::{
    aead::LessSafeKey,
    digest::{SHA256, digest},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use edgeapp_core::secrets::open_to_others;
use std::{
    fmt::Write as _,
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// What wrapped keys are bound to.
const ABOUT: &[u8] = b"edgeapp keys of the state 1";

/// Why a key of keys cannot be used. Names the file, never what is in it.
#[derive(Debug, thiserror::Error)]
pub enum KeyProviderError {
    /// The file cannot be read or made.
    #[error("{}: {}; {}", .0.display(), .1, remedy(.1))]
    File(PathBuf, io::Error),
    /// Others can read it.
    #[error("{0}: other users can read this key (mode {1:o}); take that from them with chmod 600, or make another one")]
    Open(PathBuf, u32),
    /// It holds something else.
    #[error("{0}: is no key of 32 bytes in base64; `ees state-key FILE` and `ecs state-key FILE` make one")]
    Content(PathBuf),
    /// There is no randomness.
    #[error("there is no randomness for a key")]
    NoRandomness,
    /// The state was sealed by a key that is not here.
    #[error(
        "the state is encrypted by the key {0}, which is none of `store.encryption_key_file` and `store.old_encryption_key_files`"
    )]
    Unknown(String),
    /// The key is here, but what it wrapped has changed.
    #[error("the keys of the state are not what was written: bring back a copy of the state")]
    Changed,
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "let the server's user read it",
        io::ErrorKind::AlreadyExists => "name another file, or move this one away if nothing is encrypted with it",
        _ => "`ees state-key FILE` and `ecs state-key FILE` make one",
    }
}

/// Holds the key that wraps the keys of the state, and never gives it away. Key files are one way; hardware is another.
#[async_trait]
pub trait KeyProvider: Send + Sync + 'static {
    /// The name of the key that wraps from now on. It is no secret.
    fn newest(&self) -> &str;

    /// Wraps `keys` by the newest key.
    ///
    /// # Errors
    /// When that cannot be done.
    async fn wrap(&self, keys: &[u8]) -> Result<Vec<u8>, KeyProviderError>;

    /// What the key of this name wrapped.
    ///
    /// # Errors
    /// When there is no such key, or it wrapped something else.
    async fn unwrap(&self, by: &str, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyProviderError>;
}

/// A key in a file: 32 random bytes in base64, readable by their owner alone.
struct KeyFile {
    name: String,
    cipher: LessSafeKey,
}

impl KeyFile {
    fn read(path: &Path) -> Result<Self, KeyProviderError> {
        let failed = |error| KeyProviderError::File(path.to_owned(), error);
        let text = Zeroizing::new(fs::read(path).map_err(failed)?);
        if let Some(mode) = open_to_others(path).map_err(failed)? {
            return Err(KeyProviderError::Open(path.to_owned(), mode));
        }
        let content = || KeyProviderError::Content(path.to_owned());
        let key = BASE64_STANDARD.decode(text.trim_ascii()).map_err(|_| content())?;
        let key = Zeroizing::new(key);
        Self::of(key.as_slice().try_into().map_err(|_| content())?).ok_or_else(content)
    }

    fn of(key: &[u8; KEY]) -> Option<Self> {
        // Of a random key this tells nothing.
        let named = Zeroizing::new([ABOUT, key].concat());
        let mut name = String::with_capacity(16);
        for byte in &digest(&SHA256, &named).as_ref()[..8] {
            write!(name, "{byte:02x}").ok()?;
        }
        Some(Self {
            name,
            cipher: cipher(key)?,
        })
    }
}

/// Keys in files: one that wraps, and those that did so before.
pub struct KeyFiles {
    newest: KeyFile,
    old: Vec<KeyFile>,
}

impl KeyFiles {
    /// Reads the files.
    ///
    /// # Errors
    /// When one of them cannot be used, or others can read it.
    pub fn read(newest: &Path, old: &[PathBuf]) -> Result<Self, KeyProviderError> {
        Ok(Self {
            newest: KeyFile::read(newest)?,
            old: old.iter().map(|path| KeyFile::read(path)).collect::<Result<_, _>>()?,
        })
    }

    /// Makes a file with a new key, for its owner only. One that is there stays as it is.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make(path: &Path) -> Result<(), KeyProviderError> {
        let key = fresh().ok_or(KeyProviderError::NoRandomness)?;
        let mut text = Zeroizing::new(BASE64_STANDARD.encode(key.as_slice()));
        text.push('\n');
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(path).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        written.map_err(|error| KeyProviderError::File(path.to_owned(), error))
    }
}

#[async_trait]
impl KeyProvider for KeyFiles {
    fn newest(&self) -> &str {
        &self.newest.name
    }

    async fn wrap(&self, keys: &[u8]) -> Result<Vec<u8>, KeyProviderError> {
        seal_behind(&[], &self.newest.cipher, ABOUT, keys).ok_or(KeyProviderError::NoRandomness)
    }

    async fn unwrap(&self, by: &str, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyProviderError> {
        let mut files = std::iter::once(&self.newest).chain(&self.old);
        let file = files
            .find(|file| file.name == by)
            .ok_or_else(|| KeyProviderError::Unknown(by.to_owned()))?;
        open_behind(0, &file.cipher, ABOUT, wrapped).ok_or(KeyProviderError::Changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A secret that can be shown is shown, sooner or later.
    static_assertions::assert_not_impl_any!(KeyFiles: std::fmt::Debug, std::fmt::Display, Clone);

    /// Proves: WP-45, T-31
    #[cfg(unix)]
    #[test]
    fn a_key_is_made_for_its_owner_and_refused_when_others_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.key");
        KeyFiles::make(&path).expect("made");
        assert!(
            matches!(KeyFiles::make(&path), Err(KeyProviderError::File(..))),
            "it is not written over"
        );
        KeyFiles::read(&path, &[]).expect("read");
        for mode in [0o640, 0o604, 0o660] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("changed");
            let refused = KeyFiles::read(&path, &[]).err().expect("refused").to_string();
            assert!(
                refused.contains("chmod 600") && refused.contains("state.key"),
                "{refused}"
            );
        }
    }

    #[test]
    fn a_file_without_a_key_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state.key");
        KeyFiles::make(&path).expect("made");
        for wrong in ["", "c2hvcnQ=", "no key", &"QUFB".repeat(11)] {
            fs::write(&path, wrong).expect("written");
            let refused = KeyFiles::read(&path, &[]).err().expect("refused");
            assert!(matches!(refused, KeyProviderError::Content(_)), "{wrong}: {refused}");
        }
    }
}
