//! A call to the NEF: its credential, its one repetition where that is safe, and what its errors mean.

use crate::credential::Credential;
use axum::http::{Method, StatusCode};
use edgeapp_core::network::NetworkError;
use edgeapp_http::client::{Answer, CallError, HttpClient};
use serde_json::Value;

pub(crate) struct Exchange {
    pub(crate) client: HttpClient,
    pub(crate) credential: Credential,
}

impl Exchange {
    /// Calls; where nothing can have happened at the other end, once more.
    pub(crate) async fn call(&self, method: Method, url: &str, body: Option<&Value>) -> Result<Answer, CallFailed> {
        match self.once(&method, url, body).await {
            Err(CallFailed::Call(CallError::NotConnected(reason))) => {
                tracing::debug!(reason, "the NEF is tried once more");
                self.once(&method, url, body).await
            }
            Err(CallFailed::Call(CallError::Refused {
                status,
                retry_after: None,
                ..
            })) if status == StatusCode::SERVICE_UNAVAILABLE => self.once(&method, url, body).await,
            outcome => outcome,
        }
    }

    async fn once(&self, method: &Method, url: &str, body: Option<&Value>) -> Result<Answer, CallFailed> {
        let bytes = body.map(|body| bytes::Bytes::from(body.to_string()));
        let mut renewed = false;
        loop {
            let credential = self.credential.now().await.map_err(CallFailed::NoCredential)?;
            let sent = self
                .client
                .send_as(
                    method.clone(),
                    url,
                    "application/json",
                    credential.as_ref(),
                    bytes.clone(),
                )
                .await;
            match sent {
                Err(CallError::Refused { status, .. }) if status == StatusCode::UNAUTHORIZED && !renewed => {
                    renewed = true;
                    if self.credential.refused(credential.as_ref()).await {
                        continue;
                    }
                    return sent.map_err(CallFailed::Call);
                }
                sent => return sent.map_err(CallFailed::Call),
            }
        }
    }
}

/// Why a call came to nothing.
#[derive(Debug)]
pub(crate) enum CallFailed {
    NoCredential(NetworkError),
    Call(CallError),
}

/// What a 404 means.
#[derive(Clone, Copy)]
pub(crate) enum Missing {
    TheUe,
    TheResource,
}

impl CallFailed {
    /// Whether the request may have been served although no answer came.
    pub(crate) fn is_in_doubt(&self) -> bool {
        matches!(self, Self::Call(CallError::TimedOut(_) | CallError::Unreachable(_)))
    }

    pub(crate) fn means(self, missing: Missing) -> NetworkError {
        let error = match self {
            Self::NoCredential(error) => return error,
            Self::Call(error) => error,
        };
        let CallError::Refused {
            status,
            problem,
            retry_after,
        } = &error
        else {
            return NetworkError::Unavailable {
                reason: error.to_string(),
                after: None,
            };
        };
        // The cause, else the title; the detail may say more than an EAS should hear.
        let cause = problem
            .as_ref()
            .and_then(|problem| problem.cause.clone().or_else(|| problem.title.clone()));
        let cause = cause.unwrap_or_else(|| status.to_string());
        let known_twice = ["DUPLICATE", "ALREADY", "CONFLICT"]
            .iter()
            .any(|word| cause.to_uppercase().contains(word));
        match *status {
            StatusCode::NOT_FOUND => match missing {
                Missing::TheUe => NetworkError::UnknownUe,
                Missing::TheResource => NetworkError::Gone,
            },
            StatusCode::GONE => NetworkError::Gone,
            StatusCode::CONFLICT => NetworkError::Duplicate(cause),
            StatusCode::FORBIDDEN if known_twice => NetworkError::Duplicate(cause),
            StatusCode::FORBIDDEN => NetworkError::Refused { cause },
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT | StatusCode::UNAUTHORIZED => {
                NetworkError::Unavailable {
                    reason: cause,
                    after: *retry_after,
                }
            }
            status if status.is_client_error() => NetworkError::Refused { cause },
            _ => NetworkError::Unavailable {
                reason: cause,
                after: *retry_after,
            },
        }
    }
}
