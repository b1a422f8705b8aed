//! Certification requests (PKCS#10), and the certificates that the core function makes of them.
//!
//! Of a request only the key counts. Names, roles and usages that it asks for are not looked at: the core function says who somebody is.

use aws_lc_rs::digest::{SHA256, digest};
use edgeapp_core::{
    error::Error,
    token::{Thumbprint, to_base64url},
};
use edgeapp_openapi::common::DateTime;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType, SubjectPublicKeyInfo,
};
use x509_parser::{
    certificate::X509Certificate, certification_request::X509CertificationRequest, prelude::FromDer,
    public_key::PublicKey,
};

/// Longest request that is read, in bytes.
const LONGEST: usize = 16 * 1024;
/// Shortest RSA key that is certified, in bits.
const SHORTEST_RSA: usize = 2048;
/// How far a certificate reaches back, for clocks that are behind, in seconds.
const BACK: i64 = 300;

/// Why there is no authority.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// Certificate or key cannot be read.
    #[error("certificate or key of the authority cannot be used: {0}")]
    Unusable(String),
    /// They do not belong together.
    #[error("the key does not belong to the certificate of the authority")]
    Mismatch,
    /// It is no authority.
    #[error("the certificate is not one of an authority (basic constraints CA, key usage keyCertSign)")]
    NoAuthority,
}

/// The key of a caller to be, as it asked to have it certified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedKey {
    key: SubjectPublicKeyInfo,
    digest: String,
}

impl RequestedKey {
    /// Reads a PEM text: a certification request, whose signature proves that the sender has the key, or a bare public key.
    /// `pointer` says where it stood.
    ///
    /// # Errors
    /// When it is neither, the signature is not right, or the key is of a kind that is not certified.
    pub fn parse(text: &str, pointer: &str) -> Result<Self, Error> {
        let wrong = |reason: &str| Error::mandatory_incorrect(pointer, reason);
        if text.len() > LONGEST {
            return Err(wrong("is too long for a certification request"));
        }
        let Ok(block) = pem::parse(text) else {
            return Err(wrong("must be a certification request (PKCS#10) in PEM"));
        };
        match block.tag() {
            "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => {
                let Ok(([], request)) = X509CertificationRequest::from_der(block.contents()) else {
                    return Err(wrong("the certification request cannot be read"));
                };
                if request.verify_signature().is_err() {
                    return Err(wrong(
                        "the signature of the certification request is not that of its key",
                    ));
                }
                Self::of(request.certification_request_info.subject_pki.raw, pointer)
            }
            "PUBLIC KEY" => Self::of(block.contents(), pointer),
            tag => Err(wrong(&format!(
                "is PEM of the kind {}; send a CERTIFICATE REQUEST",
                tag.chars().take(40).collect::<String>()
            ))),
        }
    }

    fn of(der: &[u8], pointer: &str) -> Result<Self, Error> {
        let wrong = |reason: &str| Error::mandatory_incorrect(pointer, reason);
        let Ok(([], parsed)) = x509_parser::x509::SubjectPublicKeyInfo::from_der(der) else {
            return Err(wrong("the public key cannot be read"));
        };
        if let Ok(PublicKey::RSA(key)) = parsed.parsed()
            && key.key_size() < SHORTEST_RSA
        {
            return Err(wrong("RSA keys have at least 2048 bits here"));
        }
        let key = SubjectPublicKeyInfo::from_der(der)
            .map_err(|_| wrong("the key is of a kind that is not certified here: take P-256, P-384, Ed25519 or RSA"))?;
        Ok(Self {
            key,
            digest: to_base64url(digest(&SHA256, der).as_ref()),
        })
    }

    /// A fingerprint of the key: the same for the same key, however it came.
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

/// A certificate that was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The certificate in PEM.
    pub pem: String,
    /// What it is known by.
    pub thumbprint: String,
}

/// Whom a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject<'a> {
    /// The common name: the identifier that the core function gave.
    pub name: &'a str,
    /// What it is in CAPIF: the organisational unit.
    pub unit: &'a str,
    /// The identity URI.
    pub identity: &'a str,
}

/// The authority of a core function.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    ends: i64,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

/// A new authority: its certificate and its key, both in PEM.
///
/// # Errors
/// When no key can be made.
pub fn new_authority(name: &str, now: DateTime, days: u32) -> Result<(String, String), AuthorityError> {
    let failed = |error: rcgen::Error| AuthorityError::Unusable(error.to_string());
    let key = KeyPair::generate().map_err(failed)?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let from = now.0.as_second();
    params.not_before = instant(from - BACK).map_err(AuthorityError::Unusable)?;
    params.not_after = instant(from + i64::from(days) * 86_400).map_err(AuthorityError::Unusable)?;
    let certificate = params.self_signed(&key).map_err(failed)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

fn instant(seconds: i64) -> Result<time::OffsetDateTime, String> {
    time::OffsetDateTime::from_unix_timestamp(seconds).map_err(|error| error.to_string())
}

impl Authority {
    /// An authority of this certificate and key, both in PEM.
    ///
    /// # Errors
    /// When they cannot be used or do not belong together.
    pub fn from_pem(certificate: &str, key: &str) -> Result<Self, AuthorityError> {
        let unusable = |reason: &str| AuthorityError::Unusable(reason.to_owned());
        // What the libraries say could quote the key.
        let key = KeyPair::from_pem(key).map_err(|_| unusable("the key is no private key in PEM"))?;
        let block = pem::parse(certificate).map_err(|_| unusable("the certificate is not in PEM"))?;
        let Ok(([], parsed)) = X509Certificate::from_der(block.contents()) else {
            return Err(unusable("the certificate cannot be read"));
        };
        if parsed.public_key().subject_public_key.data != rcgen::PublicKeyData::der_bytes(&key) {
            return Err(AuthorityError::Mismatch);
        }
        let signs = parsed.key_usage().ok().flatten();
        if !parsed.is_ca() || !signs.is_some_and(|usage| usage.value.key_cert_sign()) {
            return Err(AuthorityError::NoAuthority);
        }
        let ends = parsed.validity().not_after.timestamp();
        let issuer =
            Issuer::from_ca_cert_pem(certificate, key).map_err(|error| AuthorityError::Unusable(error.to_string()))?;
        Ok(Self {
            issuer,
            pem: certificate.to_owned(),
            ends,
        })
    }

    /// Its certificate in PEM: the root of all that it issues.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for this key, for so many seconds, but not beyond the authority's own end.
    ///
    /// # Errors
    /// When the authority has come to its end, or cannot sign.
    pub fn issue(
        &self,
        key: &RequestedKey,
        subject: &Subject<'_>,
        now: DateTime,
        lifetime: u32,
    ) -> Result<Issued, Error> {
        let from = now.0.as_second();
        let until = (from + i64::from(lifetime)).min(self.ends);
        if until <= from {
            return Err(Error::unavailable(
                "the authority of the core function is past its time; its operator has to renew it",
            ));
        }
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, subject.name);
        params
            .distinguished_name
            .push(DnType::OrganizationalUnitName, subject.unit);
        let identity = subject.identity.to_owned().try_into().map_err(Error::internal)?;
        params.subject_alt_names = vec![SanType::URI(identity)];
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        params.not_before = instant(from - BACK).map_err(Error::internal)?;
        params.not_after = instant(until).map_err(Error::internal)?;
        let certificate = params.signed_by(&key.key, &self.issuer).map_err(Error::internal)?;
        let mut print = [0; 32];
        print.copy_from_slice(digest(&SHA256, certificate.der()).as_ref());
        Ok(Issued {
            pem: certificate.pem(),
            thumbprint: Thumbprint::new(print).to_text(),
        })
    }
}
