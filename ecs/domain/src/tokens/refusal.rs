//! Refusals of an authorization server. They have a body of their own (RFC 6749 clause 5.2), not ProblemDetails.

use serde::Serialize;

/// What kind of refusal it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OauthError {
    /// A parameter is missing, repeated or malformed.
    InvalidRequest,
    /// The client is unknown, or not the one that it says to be.
    InvalidClient,
    /// The grant is another than client credentials.
    UnsupportedGrantType,
    /// A scope is unknown, malformed or more than the client may have.
    InvalidScope,
    /// The server that the token is to be for is none for this client (RFC 8707).
    InvalidTarget,
    /// Tokens cannot be signed or revoked now.
    TemporarilyUnavailable,
}

impl OauthError {
    /// The code as it stands in the body.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
        }
    }
}

/// A refusal. The description is ours, in ASCII; it never repeats what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// `error`.
    pub error: OauthError,
    /// `error_description`: what is wrong and what would do.
    #[serde(rename = "error_description")]
    pub description: &'static str,
}

impl Refusal {
    /// This refusal.
    pub const fn new(error: OauthError, description: &'static str) -> Self {
        Self { error, description }
    }

    /// Not now.
    pub const NOT_NOW: Self = Self::new(OauthError::TemporarilyUnavailable, "try again in a moment");
}

impl From<edgeapp_core::error::Error> for Refusal {
    fn from(error: edgeapp_core::error::Error) -> Self {
        tracing::error!(%error, "the authorization server fails");
        Self::NOT_NOW
    }
}
