//! Why a handshake failed: the event it is, and words for people.

use super::verifier::Refusal;
use edgeapp_core::evidence::SecurityEventKind;
use rustls::{AlertDescription, CertRevocationListError, CertificateError, Error};
use std::{borrow::Cow, io};

/// A handshake that failed, or a connection that may not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The event.
    pub kind: SecurityEventKind,
    /// Why, in words.
    pub reason: Cow<'static, str>,
}

impl Refused {
    fn new(kind: SecurityEventKind, reason: impl Into<Cow<'static, str>>) -> Self {
        let reason = reason.into();
        Self { kind, reason }
    }

    /// A handshake that took too long.
    pub(crate) fn late() -> Self {
        Self::new(SecurityEventKind::TlsHandshakeFail, "the handshake took too long")
    }

    /// A certificate that ended during its connection.
    pub(crate) fn ended() -> Self {
        Self::new(
            SecurityEventKind::CertExpired,
            "the certificate ended during the connection",
        )
    }

    /// What the failure of an accept or a connect was.
    pub fn of_stream(error: &io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            Some(error) => Self::of_tls(error),
            None => Self::new(
                SecurityEventKind::TlsHandshakeFail,
                format!("the connection broke during the handshake: {error}"),
            ),
        }
    }

    /// The failure of TLS among the causes of an error, if there is one.
    pub fn among_causes(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(tls) = error.downcast_ref::<Error>() {
                return Some(Self::of_tls(tls));
            }
            // The source of this one is not what it wraps, but the source of that.
            let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            next = match wrapped {
                Some(wrapped) => Some(wrapped as &(dyn std::error::Error + 'static)),
                None => error.source(),
            };
        }
        None
    }

    /// What an error of TLS is.
    pub fn of_tls(error: &Error) -> Self {
        use SecurityEventKind::{CertIdMismatch, CertUntrusted, CrlStale, TlsHandshakeFail};
        match error {
            Error::InvalidCertificate(error) => of_certificate(error),
            Error::InvalidCertRevocationList(CertRevocationListError::BadSignature) => {
                Self::new(CrlStale, "the revocation list is not signed by its issuer")
            }
            Error::InvalidCertRevocationList(error) => {
                Self::new(CrlStale, format!("the revocation list cannot be used: {error:?}"))
            }
            Error::NoCertificatesPresented => Self::new(TlsHandshakeFail, "the caller showed no certificate"),
            Error::PeerIncompatible(_) => Self::new(
                TlsHandshakeFail,
                format!("there is no version, suite or group that both sides speak ({error})"),
            ),
            Error::NoApplicationProtocol => Self::new(
                TlsHandshakeFail,
                "the caller speaks no version of HTTP that is offered (ALPN)",
            ),
            Error::AlertReceived(alert) => of_alert(*alert),
            Error::InvalidMessage(_) | Error::InappropriateMessage { .. } => Self::new(
                TlsHandshakeFail,
                format!("what came is not TLS as it should be ({error})"),
            ),
            Error::UnsupportedNameType => Self::new(CertIdMismatch, "the server's name is none that can be verified"),
            Error::InvalidEncryptedClientHello(_) | Error::DecryptError => {
                Self::new(TlsHandshakeFail, "what came cannot be decrypted")
            }
            Error::BadMaxFragmentSize | Error::PeerMisbehaved(_) => Self::new(
                TlsHandshakeFail,
                format!("the other side breaks the rules of TLS ({error})"),
            ),
            Error::Other(_) => Self::new(CertUntrusted, error.to_string()),
            error => Self::new(TlsHandshakeFail, error.to_string()),
        }
    }
}

fn of_alert(alert: AlertDescription) -> Refused {
    let reason = match alert {
        AlertDescription::CertificateExpired => "the other side says that our certificate has expired",
        AlertDescription::CertificateRevoked => "the other side says that our certificate was revoked",
        AlertDescription::UnknownCA => "the other side does not trust the issuer of our certificate",
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateUnknown => "the other side does not take our certificate",
        AlertDescription::CertificateRequired => "the other side wants a certificate of ours",
        alert => {
            return Refused::new(
                SecurityEventKind::TlsHandshakeFail,
                format!("the other side gave up ({alert:?})"),
            );
        }
    };
    Refused::new(SecurityEventKind::TlsHandshakeFail, reason)
}

fn of_certificate(error: &CertificateError) -> Refused {
    use CertificateError as C;
    use SecurityEventKind::{CertExpired, CertIdMismatch, CertRevoked, CertUntrusted, CrlStale};
    match error {
        C::Expired | C::ExpiredContext { .. } => Refused::new(CertExpired, "the certificate has expired"),
        C::NotValidYet | C::NotValidYetContext { .. } => {
            Refused::new(CertExpired, "the certificate is not valid yet; compare the clocks")
        }
        C::Revoked => Refused::new(CertRevoked, "the certificate was revoked"),
        C::ExpiredRevocationList | C::ExpiredRevocationListContext { .. } => Refused::new(
            CrlStale,
            "the list that would tell whether the certificate was revoked is past its time",
        ),
        C::UnknownRevocationStatus => Refused::new(CertUntrusted, "no list tells whether the certificate was revoked"),
        C::UnknownIssuer => Refused::new(CertUntrusted, "the certificate leads to none of the roots of its role"),
        C::BadSignature => Refused::new(CertUntrusted, "the certificate was not signed by its issuer"),
        C::NotValidForName | C::NotValidForNameContext { .. } => {
            Refused::new(CertIdMismatch, "the certificate is not for the name that was called")
        }
        C::InvalidPurpose | C::InvalidPurposeContext { .. } => {
            Refused::new(CertUntrusted, "the certificate was issued for another purpose")
        }
        C::Other(other) => {
            let refusal = other.0.downcast_ref::<Refusal>();
            match refusal {
                Some(Refusal::RootsEnded(_)) => Refused::new(CertExpired, refusal_text(refusal)),
                Some(Refusal::Unfit(_)) => Refused::new(CertUntrusted, refusal_text(refusal)),
                Some(_) => Refused::new(CertIdMismatch, refusal_text(refusal)),
                None => Refused::new(CertUntrusted, format!("the certificate cannot be used: {other}")),
            }
        }
        error => Refused::new(CertUntrusted, format!("the certificate cannot be used: {error}")),
    }
}

fn refusal_text(refusal: Option<&Refusal>) -> String {
    refusal.map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::certificate::Unfit;
    use edgeapp_core::principal::{IdentityError, Role};

    #[test]
    fn each_failure_is_an_event_with_words() {
        use SecurityEventKind as K;
        let certificate = |error| Error::InvalidCertificate(error);
        for (error, kind, words) in [
            (certificate(CertificateError::Expired), K::CertExpired, "has expired"),
            (
                certificate(CertificateError::NotValidYet),
                K::CertExpired,
                "not valid yet",
            ),
            (certificate(CertificateError::Revoked), K::CertRevoked, "revoked"),
            (certificate(CertificateError::UnknownIssuer), K::CertUntrusted, "roots"),
            (
                certificate(CertificateError::ExpiredRevocationList),
                K::CrlStale,
                "past its time",
            ),
            (
                certificate(CertificateError::UnknownRevocationStatus),
                K::CertUntrusted,
                "no list",
            ),
            (
                Refusal::Identity(IdentityError::None).into(),
                K::CertIdMismatch,
                "urn:edgeapp",
            ),
            (Refusal::NotServed(Role::Eas).into(), K::CertIdMismatch, "role eas"),
            (Refusal::Unfit(Unfit::Authority).into(), K::CertUntrusted, "authority"),
            (Refusal::RootsEnded(Role::Eec).into(), K::CertExpired, "role eec"),
            (Error::NoCertificatesPresented, K::TlsHandshakeFail, "no certificate"),
            (
                Error::AlertReceived(AlertDescription::CertificateRevoked),
                K::TlsHandshakeFail,
                "our certificate was revoked",
            ),
        ] {
            let wrapped = io::Error::new(io::ErrorKind::InvalidData, error.clone());
            for refused in [Refused::of_tls(&error), Refused::of_stream(&wrapped)] {
                assert_eq!(refused.kind, kind, "{error:?}");
                assert!(refused.reason.contains(words), "{error:?}: {}", refused.reason);
            }
            let deeper = io::Error::other(wrapped);
            assert_eq!(Refused::among_causes(&deeper).map(|refused| refused.kind), Some(kind));
        }
        let broken = Refused::of_stream(&io::ErrorKind::ConnectionReset.into());
        assert_eq!(broken.kind, K::TlsHandshakeFail);
        assert_eq!(Refused::among_causes(&io::Error::other("no TLS")), None);
    }
}
