//! What security asks to be remembered: the [`Evidence`] port, and the catalogue of the events that are told to it.
//!
//! An event names who and what by identifiers, never by content: no token, no key, no body, and no user identifier as it is; whoever
//! writes an event down replaces those of users and devices by pseudonyms.

use crate::principal::Owner;
use async_trait::async_trait;
use bytes::Bytes;
use std::{
    borrow::Cow,
    fmt::{self, Write as _},
    net::IpAddr,
};

/// The catalogue: what can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SecurityEventKind {
    /// A TLS handshake failed.
    TlsHandshakeFail,
    /// A certificate is past its time, or ours will soon be.
    CertExpired,
    /// A certificate was revoked.
    CertRevoked,
    /// A certificate was issued.
    CertIssued,
    /// A certificate leads to no root that we trust for its role.
    CertUntrusted,
    /// A certificate names no identity, several, or one that is not served here.
    CertIdMismatch,
    /// A revocation list is past its time, or will soon be.
    CrlStale,
    /// A token was issued.
    TokenIssued,
    /// A request for a token was refused.
    TokenDenied,
    /// A token was revoked.
    TokenRevoked,
    /// A token that was shown is not valid.
    TokenInvalid,
    /// A token was shown by somebody else than it was issued to.
    TokenBindingMismatch,
    /// The authorizer refused an operation.
    AuthzDenied,
    /// One principal tries again and again what is not its own.
    AuthzProbe,
    /// A body names somebody else than its sender.
    OwnerMismatch,
    /// A user did not agree.
    ConsentDenied,
    /// A user took back a consent.
    ConsentRevoked,
    /// Somebody sends more than the rate of a principal.
    RateLimited,
    /// Somebody opens more connections than one address may.
    ConnLimited,
    /// A peer abuses HTTP/2.
    H2Abuse,
    /// A body is not what the standard says.
    BodyRejected,
    /// A callback leads where it must not.
    CallbackBlocked,
    /// A name was asked for that is not answered.
    DnsRefused,
    /// Settings, policies, certificates or lists in force have changed, or a change was refused.
    ConfigChanged,
    /// A key has taken the place of another.
    KeyRotated,
    /// Records of the audit log are missing.
    LogGap,
    /// The disk is full or nearly so.
    DiskLow,
    /// The clock has jumped.
    ClockJump,
    /// State cannot be read.
    StateCorrupt,
    /// The server starts.
    Start,
    /// The server stops.
    Stop,
    /// An operator did something.
    AdminAction,
    /// What was kept of somebody was erased.
    DataErased,
}

impl SecurityEventKind {
    /// All of them.
    pub const ALL: [Self; 33] = [
        Self::TlsHandshakeFail,
        Self::CertExpired,
        Self::CertRevoked,
        Self::CertIssued,
        Self::CertUntrusted,
        Self::CertIdMismatch,
        Self::CrlStale,
        Self::TokenIssued,
        Self::TokenDenied,
        Self::TokenRevoked,
        Self::TokenInvalid,
        Self::TokenBindingMismatch,
        Self::AuthzDenied,
        Self::AuthzProbe,
        Self::OwnerMismatch,
        Self::ConsentDenied,
        Self::ConsentRevoked,
        Self::RateLimited,
        Self::ConnLimited,
        Self::H2Abuse,
        Self::BodyRejected,
        Self::CallbackBlocked,
        Self::DnsRefused,
        Self::ConfigChanged,
        Self::KeyRotated,
        Self::LogGap,
        Self::DiskLow,
        Self::ClockJump,
        Self::StateCorrupt,
        Self::Start,
        Self::Stop,
        Self::AdminAction,
        Self::DataErased,
    ];

    /// The name that it has in the audit log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TlsHandshakeFail => "TLS_HANDSHAKE_FAIL",
            Self::CertExpired => "CERT_EXPIRED",
            Self::CertRevoked => "CERT_REVOKED",
            Self::CertIssued => "CERT_ISSUED",
            Self::CertUntrusted => "CERT_UNTRUSTED",
            Self::CertIdMismatch => "CERT_ID_MISMATCH",
            Self::CrlStale => "CRL_STALE",
            Self::TokenIssued => "TOKEN_ISSUED",
            Self::TokenDenied => "TOKEN_DENIED",
            Self::TokenRevoked => "TOKEN_REVOKED",
            Self::TokenInvalid => "TOKEN_INVALID",
            Self::TokenBindingMismatch => "TOKEN_BINDING_MISMATCH",
            Self::AuthzDenied => "AUTHZ_DENIED",
            Self::AuthzProbe => "AUTHZ_PROBE",
            Self::OwnerMismatch => "OWNER_MISMATCH",
            Self::ConsentDenied => "CONSENT_DENIED",
            Self::ConsentRevoked => "CONSENT_REVOKED",
            Self::RateLimited => "RATE_LIMITED",
            Self::ConnLimited => "CONN_LIMITED",
            Self::H2Abuse => "H2_ABUSE",
            Self::BodyRejected => "BODY_REJECTED",
            Self::CallbackBlocked => "CALLBACK_BLOCKED",
            Self::DnsRefused => "DNS_REFUSED",
            Self::ConfigChanged => "CONFIG_CHANGED",
            Self::KeyRotated => "KEY_ROTATED",
            Self::LogGap => "LOG_GAP",
            Self::DiskLow => "DISK_LOW",
            Self::ClockJump => "CLOCK_JUMP",
            Self::StateCorrupt => "STATE_CORRUPT",
            Self::Start => "START",
            Self::Stop => "STOP",
            Self::AdminAction => "ADMIN_ACTION",
            Self::DataErased => "DATA_ERASED",
        }
    }
}

impl fmt::Display for SecurityEventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something that happened. When it happened is the time at which it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityEvent {
    /// What.
    pub kind: SecurityEventKind,
    /// By whom, where that is proved.
    pub actor: Option<Owner>,
    /// From where, where that is known.
    pub from: Option<IpAddr>,
    /// The operation or the thing that it is about: `eees-easdiscovery:request`, a file, an identifier of a key.
    pub target: Option<Cow<'static, str>>,
    /// Why, in few words; of what others sent at most a short quote.
    pub reason: Cow<'static, str>,
}

impl SecurityEvent {
    /// This happened, for this reason.
    pub fn new(kind: SecurityEventKind, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            actor: None,
            from: None,
            target: None,
            reason: reason.into(),
        }
    }

    /// The same, done by this principal.
    pub fn by(mut self, actor: &Owner) -> Self {
        self.actor = Some(actor.clone());
        self
    }

    /// The same, coming from this address.
    pub fn from(mut self, address: IpAddr) -> Self {
        self.from = Some(address);
        self
    }

    /// The same, about this.
    pub fn about(mut self, target: impl Into<Cow<'static, str>>) -> Self {
        self.target = Some(target.into());
        self
    }
}

/// The port: remembers security events. Telling one never waits and never fails for who tells it.
pub trait Evidence: Send + Sync + 'static {
    /// Remembers it.
    fn record(&self, event: SecurityEvent);

    /// Whether more can be remembered. While it cannot, servers do nothing new: nothing is to happen that would leave no trace.
    fn takes_more(&self) -> bool {
        true
    }
}

/// A line of a log in which nothing stands that a terminal or an editor would obey: ends of lines, control characters, marks that change the
/// direction of writing. In JSON it says the same. What stays are tabs and the colours of a terminal, which formatters put in themselves.
///
/// ```
/// # use edgeapp_core::evidence::visible;
/// assert_eq!(visible("{\"a\":\"b\u{202e}\"}"), r#"{"a":"b\u202e"}"#);
/// assert_eq!(visible("one\nand the same"), r"one\u000aand the same");
/// ```
pub fn visible(line: &str) -> Cow<'_, str> {
    let hidden = |c: char| {
        matches!(c, '\0'..='\u{8}' | '\n'..='\u{1a}' | '\u{1c}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{61c}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
    };
    if !line.contains(hidden) {
        return Cow::Borrowed(line);
    }
    let mut text = String::with_capacity(line.len() + 16);
    for c in line.chars() {
        if hidden(c) {
            // Writing to a text does not fail.
            let _ = write!(text, "\\u{:04x}", u32::from(c));
        } else {
            text.push(c);
        }
    }
    Cow::Owned(text)
}

/// Remembers nothing: for tests, and for programs that keep no audit log.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEvidence;

impl Evidence for NoEvidence {
    fn record(&self, _: SecurityEvent) {}
}

/// Why records did not reach a collector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCollected {
    /// Perhaps later.
    #[error("{0}")]
    Later(String),
    /// The collector has records up to this one, and cannot go on with those that were sent.
    #[error("the collector goes on after record {0}")]
    GoesOnAfter(u64),
}

/// The port to whoever keeps audit records elsewhere.
#[async_trait]
pub trait Collector: Send + Sync + 'static {
    /// Hands over lines of records that follow each other, of the log with this name. Answers with the number of the last record
    /// that is kept there, all before it included; handing over something twice changes nothing.
    ///
    /// # Errors
    /// See [`NotCollected`].
    async fn keep(&self, log: &str, lines: Bytes) -> Result<u64, NotCollected>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_kind_has_a_name_of_its_own() {
        let names: BTreeSet<_> = SecurityEventKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(names.len(), SecurityEventKind::ALL.len());
    }
}
