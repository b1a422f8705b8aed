//! What can be wrong with a token. The caller never hears which; evidence and log do.

use std::fmt;

/// Why a token is refused, in the order in which it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flaw {
    /// It is longer than any of ours.
    TooLong,
    /// It is not three parts in base64url without padding.
    Form,
    /// Its header cannot be read, or has a parameter that ours never have.
    Header,
    /// It is signed in a way that is not allowed for this issuer.
    Algorithm,
    /// It is no access token.
    Type,
    /// The name of its key cannot be one.
    KeyName,
    /// Its key is not one of the issuer's.
    UnknownKey,
    /// The signature is not that of its key.
    Signature,
    /// Its claims cannot be read, repeat each other or contradict themselves.
    Claims,
    /// Somebody else issued it.
    Issuer,
    /// It is for another server.
    Audience,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYet,
    /// It lives longer than a token may.
    LivesTooLong,
    /// It was revoked.
    Revoked,
    /// It is not bound to a certificate.
    Unbound,
    /// It is bound to another certificate than that of the connection.
    OtherCertificate,
    /// It was issued to somebody else.
    OtherClient,
}

impl Flaw {
    /// The reason code in the evidence.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "TOO_LONG",
            Self::Form => "FORM",
            Self::Header => "HEADER",
            Self::Algorithm => "ALGORITHM",
            Self::Type => "TYPE",
            Self::KeyName => "KEY_NAME",
            Self::UnknownKey => "UNKNOWN_KEY",
            Self::Signature => "SIGNATURE",
            Self::Claims => "CLAIMS",
            Self::Issuer => "ISSUER",
            Self::Audience => "AUDIENCE",
            Self::Expired => "EXPIRED",
            Self::NotYet => "NOT_YET",
            Self::LivesTooLong => "LIVES_TOO_LONG",
            Self::Revoked => "REVOKED",
            Self::Unbound => "UNBOUND",
            Self::OtherCertificate => "OTHER_CERTIFICATE",
            Self::OtherClient => "OTHER_CLIENT",
        }
    }

    /// Whether it was shown by somebody else than it was issued to.
    pub const fn is_of_binding(self) -> bool {
        matches!(self, Self::OtherCertificate | Self::OtherClient)
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
