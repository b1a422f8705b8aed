//! Who we are: a certificate chain with its private key.

use super::{
    certificate::{self, Purpose, Validity},
    error::TlsError,
    trust::certificates,
};
use edgeapp_core::{principal::Principal, secrets::open_to_others, token::Thumbprint};
use rustls::{
    crypto::aws_lc_rs::sign::any_supported_type,
    pki_types::{PrivateKeyDer, pem::PemObject},
    sign::{CertifiedKey, SingleCertAndKey},
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};
use zeroize::{Zeroize, Zeroizing};

/// A certificate chain with its private key, from PEM files. The key is kept by the cryptographic library alone, which wipes it; what
/// was read of its file is wiped at once.
#[derive(Clone)]
pub struct Identity {
    certified: Arc<CertifiedKey>,
    certificate: PathBuf,
}

impl Identity {
    /// Reads both files.
    ///
    /// # Errors
    /// When one cannot be read or holds nothing usable, or they do not belong together.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        Self::parse(certificate, &read(certificate)?, key, &read(key)?)
    }

    /// A certificate chain and its key, both in PEM, that lie in no file; `name` says in errors whose they are.
    ///
    /// # Errors
    /// When they cannot be used or do not belong together.
    pub fn from_pem(name: &str, certificate: &str, key: &str) -> Result<Self, TlsError> {
        let name = Path::new(name);
        Self::parse(name, certificate.as_bytes(), name, key.as_bytes())
    }

    /// What was read of both files, or was never written to any: their names are for messages.
    ///
    /// # Errors
    /// As [`Identity::load`].
    pub fn parse(certificate: &Path, chain: &[u8], key_file: &Path, key: &[u8]) -> Result<Self, TlsError> {
        let chain = certificates(certificate, chain)?;
        let unusable = |reason: String| TlsError::File {
            path: key_file.to_owned(),
            reason,
        };
        let mut der =
            PrivateKeyDer::from_pem_slice(key).map_err(|error| unusable(format!("no private key in PEM: {error}")))?;
        let signing = any_supported_type(&der);
        der.zeroize();
        let signing = signing.map_err(|error| unusable(error.to_string()))?;
        let certified = CertifiedKey::new(chain, signing);
        certified.keys_match().map_err(|error| TlsError::Mismatch {
            certificate: certificate.to_owned(),
            reason: format!("the key in {} does not belong to it: {error}", key_file.display()),
        })?;
        Ok(Self {
            certified: Arc::new(certified),
            certificate: certificate.to_owned(),
        })
    }

    /// The certificate itself, without those that lead to its root.
    pub fn certificate(&self) -> &[u8] {
        &self.certified.cert[0]
    }

    /// What tokens of its owner are bound to.
    pub fn thumbprint(&self) -> Thumbprint {
        certificate::thumbprint_of(self.certificate())
    }

    /// Who this certificate says we are.
    ///
    /// # Errors
    /// When it has no identity of ours.
    pub fn principal(&self) -> Result<Principal, TlsError> {
        certificate::principal_of(&self.certified.cert[0]).map_err(|error| self.mismatch(error))
    }

    /// The certificate's file.
    pub(super) fn file(&self) -> &Path {
        &self.certificate
    }

    /// Whether it may be used by a server, which also calls others, at this time.
    pub(super) fn fit_for_a_server(&self, now: i64) -> Result<Validity, TlsError> {
        let unfit = |reason: String| TlsError::Unfit {
            certificate: self.certificate.clone(),
            reason,
        };
        let mut all: Option<Validity> = None;
        for (place, der) in self.certified.cert.iter().enumerate() {
            let parsed = certificate::parse(der).map_err(|error| unfit(error.to_string()))?;
            if place == 0 {
                for purpose in [Purpose::Server, Purpose::Client] {
                    certificate::fit_for(&parsed, purpose).map_err(|error| unfit(error.to_string()))?;
                }
            }
            let its = Validity::of(parsed.validity().not_before, parsed.validity().not_after);
            if let Some(reason) = its.refused(now) {
                return Err(unfit(format!("{} {reason}", parsed.subject())));
            }
            all = Some(Validity {
                from: all.map_or(its.from, |all| all.from.max(its.from)),
                until: all.map_or(its.until, |all| all.until.min(its.until)),
            });
        }
        all.ok_or_else(|| unfit("is empty".to_owned()))
    }

    /// Its certificates, the own one first.
    pub(super) fn chain(&self) -> &[rustls::pki_types::CertificateDer<'static>] {
        &self.certified.cert
    }

    /// What shows it in handshakes.
    pub(super) fn resolver(&self) -> Arc<SingleCertAndKey> {
        Arc::new(SingleCertAndKey::from(self.certified.clone()))
    }

    pub(super) fn mismatch(&self, error: impl ToString) -> TlsError {
        TlsError::Mismatch {
            certificate: self.certificate.clone(),
            reason: error.to_string(),
        }
    }
}

/// The bytes of a file, wiped when they are done with: it may be a key.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    fs::read(path).map(Zeroizing::new).map_err(|error| TlsError::File {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

/// Refuses a file with a secret that others than its owner can read or change. Where files have no modes there is nothing to see.
///
/// # Errors
/// When its permissions are too wide, or not to be had.
pub fn readable_by_its_owner_only(path: &Path) -> Result<(), TlsError> {
    let open = open_to_others(path).map_err(|error| TlsError::File {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    match open {
        None => Ok(()),
        Some(mode) => Err(TlsError::OpenKey {
            path: path.to_owned(),
            mode,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A secret that can be shown is shown, sooner or later.
    static_assertions::assert_not_impl_any!(Identity: std::fmt::Debug, std::fmt::Display);

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused_with_its_remedy() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let key = folder.path().join("server.key");
        fs::write(&key, "secret").expect("written");
        for (mode, good) in [
            (0o600, true),
            (0o400, true),
            (0o640, false),
            (0o604, false),
            (0o620, false),
        ] {
            fs::set_permissions(&key, fs::Permissions::from_mode(mode)).expect("permissions");
            assert_eq!(readable_by_its_owner_only(&key).is_ok(), good, "{mode:o}");
        }
        let refused = readable_by_its_owner_only(&key).expect_err("refused");
        assert!(refused.to_string().contains("mode 620"), "{refused}");
        assert!(refused.remedy().contains("chmod 600"));
    }
}
