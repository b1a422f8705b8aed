//! Keys that are made here, and the certificates that a core function made of them.

use crate::error::CapifError;
use edgeapp_http::tls::Identity;
use rcgen::{CertificateParams, DnType, KeyPair};
use serde::{Deserialize, Serialize};
use std::fmt;
use x509_parser::{certificate::X509Certificate, prelude::FromDer};
use zeroize::Zeroizing;

/// A private key that nobody has certified yet. Its `Debug` shows nothing of it.
pub struct FreshKey {
    pem: Zeroizing<String>,
    request: String,
}

impl fmt::Debug for FreshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FreshKey")
    }
}

impl FreshKey {
    /// A new key of P-256.
    ///
    /// # Errors
    /// When none can be made.
    pub fn new() -> Result<Self, CapifError> {
        let failed = |error: rcgen::Error| CapifError::Key(error.to_string());
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::default();
        // Names are the core function's to give.
        params.distinguished_name.remove(DnType::CommonName);
        let request = params.serialize_request(&key).map_err(failed)?;
        Ok(Self {
            pem: Zeroizing::new(key.serialize_pem()),
            request: request.pem().map_err(failed)?,
        })
    }

    /// The certification request (PKCS#10) in PEM.
    pub fn request(&self) -> &str {
        &self.request
    }

    /// The key with the certificate that was made of its request.
    pub fn certified(self, id: String, certificate: String) -> Held {
        Held {
            id,
            certificate,
            key: self.pem.to_string(),
            secret: None,
        }
    }
}

/// An identifier, a certificate and its key, as a core function gave them: what its holder keeps. Its `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The identifier.
    pub id: String,
    /// The certificate in PEM.
    pub certificate: String,
    /// The private key in PEM.
    pub key: String,
    /// The onboarding secret of an API invoker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Held {{ id: {:?}, .. }}", self.id)
    }
}

impl Held {
    /// What proves it in handshakes.
    ///
    /// # Errors
    /// When certificate and key cannot be used.
    pub fn identity(&self) -> Result<Identity, CapifError> {
        let name = format!("what the core function gave {}", self.id);
        Ok(Identity::from_pem(&name, &self.certificate, &self.key)?)
    }

    /// From when to when the certificate holds, in seconds since 1970; `None` when it cannot be read.
    pub fn holds(&self) -> Option<(i64, i64)> {
        let block = pem::parse(&self.certificate).ok()?;
        let (_, parsed) = X509Certificate::from_der(block.contents()).ok()?;
        let validity = parsed.validity();
        Some((validity.not_before.timestamp(), validity.not_after.timestamp()))
    }

    /// Pure: whether it is time to have another key certified: two thirds of the certificate's life are over.
    pub fn wants_renewal(&self, now: i64) -> bool {
        self.holds()
            .is_some_and(|(from, until)| now >= from + (until - from) / 3 * 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_key_is_shown() {
        let key = FreshKey::new().expect("a key");
        assert!(key.request().starts_with("-----BEGIN CERTIFICATE REQUEST-----"));
        let held = key.certified("AEF1".to_owned(), "c".to_owned());
        assert!(held.key.contains("PRIVATE KEY"));
        assert!(!format!("{held:?}").contains("PRIVATE"));
        assert!(held.identity().is_err(), "the certificate is none");
    }

    #[test]
    fn a_certificate_is_renewed_when_two_thirds_of_its_life_are_over() {
        let key = KeyPair::generate().expect("a key");
        let certificate = CertificateParams::default().self_signed(&key).expect("a certificate");
        let held = Held {
            id: "AEF1".to_owned(),
            certificate: certificate.pem(),
            key: key.serialize_pem(),
            secret: None,
        };
        let (from, until) = held.holds().expect("dates");
        assert!(!held.wants_renewal(from + (until - from) / 2));
        assert!(held.wants_renewal(until - (until - from) / 4));
        assert!(held.identity().is_ok());
    }
}
