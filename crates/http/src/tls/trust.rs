//! Whom we trust: the roots of a role, and the lists of what they revoked.

use super::{
    certificate::{self, Validity},
    crl::{self, Crl},
    error::TlsError,
    identity::read,
};
use rustls::{
    RootCertStore,
    client::WebPkiServerVerifier,
    pki_types::{CertificateDer, CertificateRevocationListDer, pem::PemObject},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// What the test certificates of `eec-sim` have as the organization in their subject, so that servers can tell them.
pub const TEST_CERTIFICATES: &str = "EDGEAPP laboratory, for tests only";

/// The certificates that peers must be issued by, from a PEM file, and the lists of what those revoked, where there are any.
#[derive(Clone)]
pub struct Trust {
    roots: Arc<[Root]>,
    crls: Arc<[Crl]>,
}

#[derive(Clone)]
struct Root {
    der: CertificateDer<'static>,
    file: Arc<Path>,
    validity: Validity,
}

impl Trust {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read, holds no certificate, or none that is valid now.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, TlsError> {
        let path = path.as_ref();
        Self::parse(path, &read(path)?, certificate::now())
    }

    /// What was read of the file. Roots that are past their time, or before it, are left out: the verifier of rustls would not look.
    pub(super) fn parse(path: &Path, pem: &[u8], now: i64) -> Result<Self, TlsError> {
        let wrong = |reason: String| TlsError::File {
            path: path.to_owned(),
            reason,
        };
        let file: Arc<Path> = path.into();
        let (mut roots, mut left_out) = (Vec::new(), Vec::new());
        for der in certificates(path, pem)? {
            let (validity, name) = {
                let parsed = certificate::parse(&der).map_err(|error| wrong(error.to_string()))?;
                let validity = Validity::of(parsed.validity().not_before, parsed.validity().not_after);
                (validity, parsed.subject().to_string())
            };
            if let Some(reason) = validity.refused(now) {
                left_out.push(format!("{name} {reason}"));
                continue;
            }
            RootCertStore::empty()
                .add(der.clone())
                .map_err(|error| wrong(error.to_string()))?;
            let file = file.clone();
            roots.push(Root { der, file, validity });
        }
        if roots.is_empty() {
            return Err(wrong(left_out.join("; ")));
        }
        for root in left_out {
            tracing::warn!(file = %path.display(), root, "a root is left out");
        }
        Ok(Self {
            roots: roots.into(),
            crls: Arc::default(),
        })
    }

    /// Whoever one of these trusts.
    pub fn union<'a>(all: impl IntoIterator<Item = &'a Trust>) -> Self {
        let (mut roots, mut crls) = (Vec::new(), Vec::new());
        for trust in all {
            roots.extend(trust.roots.iter().cloned());
            crls.extend(trust.crls.iter().cloned());
        }
        Self {
            roots: roots.into(),
            crls: crls.into(),
        }
    }

    /// The same, with these lists of what the roots revoked; they have to do for all of them.
    pub(super) fn revoking(self, crls: Vec<Crl>) -> Result<Self, TlsError> {
        let crls = crl::newest(crls);
        let roots: Vec<_> = self
            .roots
            .iter()
            .map(|root| (root.file.to_path_buf(), root.der.to_vec()))
            .collect();
        crl::cover(&crls, &roots)?;
        Ok(Self {
            crls: crls.into(),
            ..self
        })
    }

    /// The lists.
    pub(super) fn crls(&self) -> &[Crl] {
        &self.crls
    }

    /// Until when its roots hold: the first that ends, and the last.
    pub(super) fn ends(&self) -> (i64, i64) {
        let ends = || self.roots.iter().map(|root| root.validity.until);
        (ends().min().unwrap_or(i64::MIN), ends().max().unwrap_or(i64::MIN))
    }

    /// The file of a root that is made for tests.
    pub(super) fn for_tests(&self) -> Option<PathBuf> {
        let found = self.roots.iter().find(|root| is_for_tests(&root.der));
        found.map(|root| root.file.to_path_buf())
    }

    fn store(&self) -> Result<Arc<RootCertStore>, TlsError> {
        let mut store = RootCertStore::empty();
        for root in self.roots.iter() {
            store
                .add(root.der.clone())
                .map_err(|error| TlsError::Trust(error.to_string()))?;
        }
        Ok(Arc::new(store))
    }

    fn lists(&self) -> impl Iterator<Item = CertificateRevocationListDer<'static>> + '_ {
        self.crls.iter().map(|crl| crl.der.clone())
    }

    /// What verifies those who call: with lists, over the whole chain, and unknown is refused.
    pub(super) fn clients(&self) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
        WebPkiClientVerifier::builder_with_provider(self.store()?, super::crypto())
            .with_crls(self.lists())
            .enforce_revocation_expiration()
            .build()
            .map_err(|error| TlsError::Trust(error.to_string()))
    }

    /// What verifies those who are called.
    pub(super) fn servers(&self) -> Result<Arc<WebPkiServerVerifier>, TlsError> {
        WebPkiServerVerifier::builder_with_provider(self.store()?, super::crypto())
            .with_crls(self.lists())
            .enforce_revocation_expiration()
            .build()
            .map_err(|error| TlsError::Trust(error.to_string()))
    }
}

/// Whether a certificate comes from the authorities of `eec-sim`.
pub(super) fn is_for_tests(der: &[u8]) -> bool {
    certificate::parse(der).is_ok_and(|parsed| {
        let names = [parsed.subject(), parsed.issuer()];
        let mut organizations = names.into_iter().flat_map(|name| name.iter_organization());
        organizations.any(|name| name.as_str().is_ok_and(|name| name == TEST_CERTIFICATES))
    })
}

/// The certificates in a PEM file, of which there is at least one.
pub(super) fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let file = |reason: String| TlsError::File {
        path: path.to_owned(),
        reason,
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let chain = chain.map_err(|error| file(error.to_string()))?;
    if chain.is_empty() {
        Err(file("no certificate in PEM".to_owned()))
    } else {
        Ok(chain)
    }
}
