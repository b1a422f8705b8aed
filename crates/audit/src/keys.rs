//! The key that signs checkpoints: ECDSA on P-256 with SHA-256, used for nothing else.

use crate::record::sha256;
use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use edgeapp_core::secrets::open_to_others;
use pem::Pem;
use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};
use zeroize::{Zeroize, Zeroizing};

const PRIVATE: &str = "PRIVATE KEY";
const PUBLIC: &str = "PUBLIC KEY";

/// Why a key cannot be used. Names the file, never its content.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("{}: {}; {}", .0.display(), .1, remedy(.1))]
    File(PathBuf, io::Error),
    /// Others can read it.
    #[error("{0}: other users can read this key; take that from them with chmod 600, or make another one")]
    Open(PathBuf),
    /// It holds something else.
    #[error("{0}: {1}")]
    Content(PathBuf, &'static str),
    /// It could not be made.
    #[error("a key cannot be made")]
    Made,
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "let the server's user read it",
        io::ErrorKind::NotFound => "make a key with `audit keygen`",
        _ => "name a file with a key; `audit keygen` makes one",
    }
}

/// The private key.
pub struct AuditKey {
    pair: EcdsaKeyPair,
    public: PublicKey,
    pkcs8: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuditKey({})", self.public.name)
    }
}

/// The public key, with which anybody can verify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    der: Vec<u8>,
    name: String,
}

impl AuditKey {
    /// A new key, and the one that verifies what it signs.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn generate() -> Result<(Self, PublicKey), KeyError> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map_err(|_| KeyError::Made)?;
        let key = Self::of(document.as_ref().to_vec()).ok_or(KeyError::Made)?;
        let public = key.public.clone();
        Ok((key, public))
    }

    fn of(pkcs8: Vec<u8>) -> Option<Self> {
        let pkcs8 = Zeroizing::new(pkcs8);
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8).ok()?;
        let der: PublicKeyX509Der<'_> = pair.public_key().as_der().ok()?;
        let public = PublicKey::of(der.as_ref().to_vec());
        Some(Self { pair, public, pkcs8 })
    }

    /// Reads a PEM file that only its owner may read.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let text = fs::read(path).map_err(|error| KeyError::File(path.to_owned(), error))?;
        let text = Zeroizing::new(text);
        let open = open_to_others(path).map_err(|error| KeyError::File(path.to_owned(), error))?;
        if open.is_some() {
            return Err(KeyError::Open(path.to_owned()));
        }
        let content = |what| KeyError::Content(path.to_owned(), what);
        let pem = pem::parse(&*text).map_err(|_| content("no PEM"))?;
        if pem.tag() != PRIVATE {
            return Err(content("no private key in PKCS #8"));
        }
        Self::of(pem.into_contents()).ok_or_else(|| content("no key on the curve P-256; make one with `audit keygen`"))
    }

    /// The private key in PEM, to be kept in a file that only its owner may read.
    pub fn to_pem(&self) -> Zeroizing<String> {
        let pem = Pem::new(PRIVATE, self.pkcs8.to_vec());
        let text = Zeroizing::new(pem::encode(&pem));
        pem.into_contents().zeroize();
        text
    }

    /// The key that verifies what this one signs.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// A signature, or nothing when there is no randomness for it.
    pub(crate) fn sign(&self, line: &str) -> Option<String> {
        let signature = self.pair.sign(&SystemRandom::new(), line.as_bytes()).ok()?;
        Some(BASE64_URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}

impl PublicKey {
    fn of(der: Vec<u8>) -> Self {
        let name = sha256(&der)[..16].to_owned();
        Self { der, name }
    }

    /// Reads a PEM file.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let text = fs::read(path).map_err(|error| KeyError::File(path.to_owned(), error))?;
        let content = |what| KeyError::Content(path.to_owned(), what);
        let pem = pem::parse(text).map_err(|_| content("no PEM"))?;
        if pem.tag() != PUBLIC {
            return Err(content(
                "no public key; `audit keygen` writes one beside the private one",
            ));
        }
        Ok(Self::of(pem.into_contents()))
    }

    /// The key in PEM.
    pub fn to_pem(&self) -> String {
        pem::encode(&Pem::new(PUBLIC, self.der.clone()))
    }

    /// Its name in checkpoints: the beginning of the SHA-256 of its encoding.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the signature is that of this line.
    pub(crate) fn verifies(&self, line: &str, signature: &str) -> bool {
        let Ok(signature) = BASE64_URL_SAFE_NO_PAD.decode(signature) else {
            return false;
        };
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.der)
            .verify(line.as_bytes(), &signature)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A secret that can be copied or written down is, sooner or later.
    static_assertions::assert_not_impl_any!(AuditKey: Clone, fmt::Display, serde::Serialize);

    #[test]
    fn keys_survive_their_files_and_verify_what_was_signed() {
        let folder = tempfile::tempdir().expect("a folder");
        let (key, public) = AuditKey::generate().expect("a key");
        let (file, public_file) = (folder.path().join("audit.key"), folder.path().join("audit.pub"));
        crate::files::write_private(&file, key.to_pem().as_bytes()).expect("written");
        fs::write(&public_file, public.to_pem()).expect("written");
        let (read, public) = (
            AuditKey::load(&file).expect("read"),
            PublicKey::load(&public_file).expect("read"),
        );
        let signature = read.sign("a line").expect("signed");
        assert!(public.verifies("a line", &signature));
        assert!(!public.verifies("another line", &signature));
        assert!(!AuditKey::generate().expect("a key").1.verifies("a line", &signature));
        assert!(matches!(PublicKey::load(&file), Err(KeyError::Content(..))));
        assert!(matches!(
            AuditKey::load(&public_file),
            Err(KeyError::Open(_) | KeyError::Content(..))
        ));
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("audit.key");
        fs::write(&file, AuditKey::generate().expect("a key").0.to_pem()).expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("changed");
        assert!(matches!(AuditKey::load(&file), Err(KeyError::Open(_))));
    }

    #[test]
    fn the_remedy_fits_what_is_wrong_with_the_file() {
        let said = |kind: io::ErrorKind| KeyError::File("audit.key".into(), kind.into()).to_string();
        assert!(said(io::ErrorKind::PermissionDenied).ends_with("let the server's user read it"));
        assert!(said(io::ErrorKind::NotFound).ends_with("make a key with `audit keygen`"));
    }

    /// Proves: WP-45
    #[test]
    fn a_key_is_not_shown() {
        let (key, public) = AuditKey::generate().expect("a key");
        assert_eq!(format!("{key:?}"), format!("AuditKey({})", public.name()));
    }
}
