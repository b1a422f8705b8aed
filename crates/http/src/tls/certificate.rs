//! What a certificate says, and whether it is of the kind that takes part here (TS 33.310 clause 6.1, TS 33.501 clause 13.1).

use aws_lc_rs::digest::{SHA256, digest};
use edgeapp_core::{
    principal::{IdentityError, Principal},
    token::Thumbprint,
};
use rustls::pki_types::{CertificateDer, UnixTime};
use std::fmt;
use x509_parser::{
    certificate::X509Certificate, extensions::GeneralName, prelude::FromDer, time::ASN1Time, x509::X509Version,
};

/// Most certificates in a chain that is shown to us.
const MAX_CHAIN: usize = 4;
/// Most bytes of such a chain.
const MAX_CHAIN_BYTES: usize = 16 * 1024;

/// What a certificate is used for in a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Its holder calls.
    Client,
    /// Its holder is called.
    Server,
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client authentication",
            Self::Server => "server authentication",
        })
    }
}

/// Why a certificate takes no part, whoever issued it. What the verifier of rustls takes for granted is asked for here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    /// It is no certificate.
    #[error("the certificate cannot be read")]
    Unreadable,
    /// It is of another version.
    #[error("the certificate is not of version 3")]
    Version,
    /// It belongs to an authority.
    #[error("the certificate is one of an authority, which does not speak for itself")]
    Authority,
    /// It was issued for something else.
    #[error("the certificate does not name {0} among its extended key usages")]
    Purpose(Purpose),
    /// Its key was issued for something else.
    #[error("the certificate does not say that its key is for signatures (key usage digitalSignature)")]
    Signature,
    /// It comes with too many others.
    #[error("the chain has more than {MAX_CHAIN} certificates or {MAX_CHAIN_BYTES} bytes")]
    Chain,
}

/// When a certificate or a revocation list holds, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) from: i64,
    pub(super) until: i64,
}

impl Validity {
    pub(super) fn of(from: ASN1Time, until: ASN1Time) -> Self {
        Self {
            from: from.timestamp(),
            until: until.timestamp(),
        }
    }

    /// Why it does not hold now, in words.
    pub(super) fn refused(&self, now: i64) -> Option<String> {
        if now < self.from {
            Some(format!("is not valid before {}", date(self.from)))
        } else if now > self.until {
            Some(format!("has been invalid since {}", date(self.until)))
        } else {
            None
        }
    }
}

/// The time that TLS itself goes by.
pub(super) fn now() -> i64 {
    seconds(UnixTime::now())
}

pub(super) fn seconds(time: UnixTime) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

/// An instant for people.
pub(super) fn date(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| format!("second {seconds}"), |time| time.to_string())
}

/// A certificate, read.
pub(super) fn parse(certificate: &[u8]) -> Result<X509Certificate<'_>, Unfit> {
    match X509Certificate::from_der(certificate) {
        Ok(([], parsed)) => Ok(parsed),
        _ => Err(Unfit::Unreadable),
    }
}

/// Whether a certificate may be used for this.
pub(super) fn fit_for(parsed: &X509Certificate<'_>, purpose: Purpose) -> Result<(), Unfit> {
    if parsed.version() != X509Version::V3 {
        return Err(Unfit::Version);
    }
    let basic = parsed.basic_constraints().map_err(|_| Unfit::Unreadable)?;
    if basic.is_some_and(|basic| basic.value.ca) {
        return Err(Unfit::Authority);
    }
    let purposes = parsed.extended_key_usage().map_err(|_| Unfit::Unreadable)?;
    let named = purposes.is_some_and(|purposes| match purpose {
        Purpose::Client => purposes.value.client_auth,
        Purpose::Server => purposes.value.server_auth,
    });
    if !named {
        return Err(Unfit::Purpose(purpose));
    }
    let usage = parsed.key_usage().map_err(|_| Unfit::Unreadable)?;
    if !usage.is_some_and(|usage| usage.value.digital_signature()) {
        return Err(Unfit::Signature);
    }
    Ok(())
}

/// Whether a chain is of a size that is looked at.
pub(super) fn short_enough(end_entity: &[u8], intermediates: &[CertificateDer<'_>]) -> Result<(), Unfit> {
    let bytes = end_entity.len() + intermediates.iter().map(|certificate| certificate.len()).sum::<usize>();
    if intermediates.len() < MAX_CHAIN && bytes <= MAX_CHAIN_BYTES {
        Ok(())
    } else {
        Err(Unfit::Chain)
    }
}

/// What a token of the owner of this certificate is bound to.
pub fn thumbprint_of(certificate: &[u8]) -> Thumbprint {
    let mut thumbprint = [0; 32];
    thumbprint.copy_from_slice(digest(&SHA256, certificate).as_ref());
    Thumbprint::new(thumbprint)
}

/// The principal that a verified certificate names.
///
/// # Errors
/// When its alternative names hold no identity, several, or one that cannot be read.
pub fn principal_of(certificate: &[u8]) -> Result<Principal, IdentityError> {
    let parsed = parse(certificate).map_err(|_| unreadable())?;
    named_in(&parsed)
}

fn unreadable() -> IdentityError {
    IdentityError::Malformed("certificate".to_owned())
}

/// The principal that a certificate names.
pub(super) fn named_in(parsed: &X509Certificate<'_>) -> Result<Principal, IdentityError> {
    let names = parsed
        .subject_alternative_name()
        .map_err(|_| unreadable())?
        .ok_or(IdentityError::None)?;
    let (mut uris, mut dns_names) = (Vec::new(), Vec::new());
    for name in &names.value.general_names {
        match name {
            GeneralName::URI(uri) => uris.push(*uri),
            GeneralName::DNSName(name) => dns_names.push(*name),
            GeneralName::Invalid(..) => return Err(unreadable()),
            _ => {}
        }
    }
    Principal::from_names(uris, dns_names)
}

/// Until when a chain holds: the earliest end of its certificates.
pub(crate) fn end_of<'a>(chain: impl IntoIterator<Item = &'a CertificateDer<'static>>) -> Option<i64> {
    let ends = chain.into_iter().map(|certificate| {
        let parsed = parse(certificate).ok()?;
        Some(parsed.validity().not_after.timestamp())
    });
    ends.min().flatten()
}
