//! What went wrong with a core function, and what it answered.

use axum::http::StatusCode;
use edgeapp_http::{client::CallError, tls::TlsError};
use edgeapp_openapi::capif::security::AccessTokenErr;
use std::{fmt, time::Duration};

/// Why something could not be had from a core function. It says what was asked for and what was answered, and no secret.
#[derive(Debug, thiserror::Error)]
pub enum CapifError {
    /// The core function refused, failed, or could not be reached.
    #[error("{what}: {}", Answered(source))]
    Call {
        /// What was asked for.
        what: &'static str,
        /// What came of it.
        source: CallError,
    },
    /// There is no token (RFC 6749 clause 5.2).
    #[error("token: the core function answered {}{}", code(error), error.error_description.as_deref().map(|why| format!(": {why}")).unwrap_or_default())]
    NoToken {
        /// Why not.
        error: AccessTokenErr,
    },
    /// The answer lacks something.
    #[error("{what}: the core function's answer has no {member}")]
    Incomplete {
        /// What was asked for.
        what: &'static str,
        /// What is missing.
        member: &'static str,
    },
    /// Not all functions were registered.
    #[error("registration: the core function did not register {missing}: {reason}")]
    NotRegistered {
        /// The functions.
        missing: String,
        /// What it said.
        reason: String,
    },
    /// Keys, certificates or trust cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No key can be made.
    #[error("no key can be made: {0}")]
    Key(String),
    /// The address of the core function is none.
    #[error("{0:?} is no https address of a core function, such as https://ccf.example:8443")]
    Address(String),
}

impl CapifError {
    pub(crate) fn of(what: &'static str) -> impl Fn(CallError) -> Self {
        move |source| Self::Call { what, source }
    }

    /// The status code, where there was an answer.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Call { source, .. } => source.status(),
            Self::NoToken { .. } => Some(StatusCode::BAD_REQUEST),
            _ => None,
        }
    }

    /// Whether the core function does not know the caller's certificate, or not any more.
    pub fn is_unknown(&self) -> bool {
        self.status() == Some(StatusCode::UNAUTHORIZED)
    }

    /// Whether what was asked for is not there.
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(StatusCode::NOT_FOUND)
    }

    /// Whether asking again can help: nobody answered, or the answer speaks of a passing trouble.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Call { source, .. } => match source {
                CallError::NotConnected(_) | CallError::Unreachable(_) | CallError::TimedOut(_) => true,
                CallError::Refused { status, .. } => {
                    status.is_server_error() || matches!(status.as_u16(), 401 | 404 | 408 | 425 | 429)
                }
                CallError::Unexpected(_) => false,
            },
            _ => false,
        }
    }

    /// What the core function asked us to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Call {
                source: CallError::Refused { retry_after, .. },
                ..
            } => *retry_after,
            _ => None,
        }
    }
}

/// A failed call with the cause and the parameters that the answer names.
struct Answered<'a>(&'a CallError);

impl fmt::Display for Answered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CallError::Refused { status, problem, .. } = self.0 else {
            return write!(f, "the core function cannot be reached: {}", self.0);
        };
        write!(f, "the core function answered {status}")?;
        let Some(problem) = problem else { return Ok(()) };
        if let Some(cause) = &problem.cause {
            write!(f, " {cause}")?;
        }
        if let Some(detail) = &problem.detail {
            write!(f, ": {detail}")?;
        }
        for wrong in &problem.invalid_params {
            write!(f, "; {}", wrong.param)?;
            if let Some(reason) = &wrong.reason {
                write!(f, " {reason}")?;
            }
        }
        Ok(())
    }
}

/// The code of RFC 6749 as it is written.
fn code(error: &AccessTokenErr) -> String {
    let code = serde_json::to_value(error.error).ok();
    code.and_then(|code| code.as_str().map(str::to_owned))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgeapp_openapi::capif::security::TokenError;
    use edgeapp_openapi::problem::{InvalidParam, ProblemDetails};

    #[test]
    fn an_error_says_what_was_answered() {
        let problem = ProblemDetails {
            cause: Some("CREDENTIAL_NOT_ACCEPTED".to_owned()),
            detail: Some("the credential is used up".to_owned()),
            invalid_params: vec![InvalidParam {
                param: "/regSec".to_owned(),
                reason: Some("is used up".to_owned()),
            }],
            ..ProblemDetails::default()
        };
        let refused = CapifError::of("registration")(CallError::Refused {
            status: StatusCode::FORBIDDEN,
            problem: Some(Box::new(problem)),
            body: bytes::Bytes::new(),
            retry_after: None,
            location: None,
        });
        let said = refused.to_string();
        for part in ["registration", "403", "CREDENTIAL_NOT_ACCEPTED", "used up", "/regSec"] {
            assert!(said.contains(part), "{said}");
        }
        assert!(!refused.is_passing() && !refused.is_unknown());
        let away = CapifError::of("discovery")(CallError::NotConnected("connection refused".to_owned()));
        assert!(away.is_passing() && away.to_string().contains("cannot be reached"));
        let error = AccessTokenErr {
            error: TokenError::InvalidScope,
            error_description: Some("AEF2: not an AEF".to_owned()),
            error_uri: None,
        };
        assert!(
            CapifError::NoToken { error }
                .to_string()
                .contains("invalid_scope: AEF2")
        );
    }
}
