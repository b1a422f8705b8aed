//! Tokens made by hand: JSON Web Tokens (RFC 7519) signed with ES256, with any header and any claims.

use aws_lc_rs::{
    digest,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use eec_sim::pki::Files;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use serde_json::{Value, json};

/// Somebody who has a signing key.
#[derive(Debug)]
pub struct Forger {
    key: EcdsaKeyPair,
    kid: String,
}

impl Forger {
    /// With this key (PKCS #8), known as `kid`: that of the server who issues tokens.
    ///
    /// # Panics
    /// When it cannot be used.
    pub fn with(key: &[u8], kid: &str) -> Self {
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key);
        Self {
            key: key.expect("a key on P-256"),
            kid: kid.to_owned(),
        }
    }

    /// With a key that nobody knows.
    ///
    /// # Panics
    /// When none can be made.
    pub fn unknown(kid: &str) -> Self {
        Self {
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"),
            kid: kid.to_owned(),
        }
    }

    /// The usual header.
    pub fn header(&self) -> Value {
        json!({"alg": "ES256", "typ": "at+jwt", "kid": self.kid})
    }

    /// A token with the usual header.
    pub fn token(&self, claims: &Value) -> String {
        self.token_under(&self.header(), claims)
    }

    /// A token with this header, signed whatever that says.
    ///
    /// # Panics
    /// When it cannot be signed.
    pub fn token_under(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
        let signature = self
            .key
            .sign(&SystemRandom::new(), signed.as_bytes())
            .expect("a signature");
        format!("{signed}.{}", encoded(signature))
    }
}

/// Bytes as they stand in a token.
pub fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The thumbprint of a certificate, to which tokens are bound (RFC 8705 clause 3.1).
///
/// # Panics
/// When it cannot be read.
pub fn thumbprint(files: &Files) -> String {
    let certificate = CertificateDer::from_pem_file(&files.certificate).expect("a certificate");
    encoded(digest::digest(&digest::SHA256, &certificate))
}
