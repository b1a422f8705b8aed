//! A call to the NEF: its credential, its one repetition where that is safe, redirects on its own origin, and what its errors mean.

use crate::{credential::Credential, rest::Rest};
use axum::http::{Method, StatusCode};
use edgeapp_core::network::NetworkError;
use edgeapp_http::client::{Answer, CallError, HttpClient};
use serde_json::Value;
use std::time::{Duration, Instant};
use url::Url;

/// Redirects followed for one call.
const MAX_HOPS: usize = 2;

pub(crate) struct Exchange {
    pub(crate) client: HttpClient,
    pub(crate) credential: Credential,
    /// Where the credential may go.
    pub(crate) root: Url,
    /// How long a call may take with all its attempts.
    pub(crate) share: Duration,
    pub(crate) rest: Rest,
}

impl Exchange {
    /// Calls; where nothing can have happened at the other end, or doing it twice is doing it once, a second time.
    pub(crate) async fn call(&self, method: Method, url: &str, body: Option<&Value>) -> Result<Answer, CallFailed> {
        if let Some(left) = self.rest.left(Instant::now()) {
            return Err(CallFailed::Resting(left));
        }
        let attempts = tokio::time::timeout(self.share, self.attempts(&method, url, body)).await;
        let outcome = attempts.unwrap_or(Err(CallFailed::Call(CallError::TimedOut(self.share))));
        self.rest.learn(Instant::now(), &outcome);
        outcome
    }

    async fn attempts(&self, method: &Method, url: &str, body: Option<&Value>) -> Result<Answer, CallFailed> {
        let bytes = body.map(|body| bytes::Bytes::from(body.to_string()));
        let (mut url, mut renewed, mut again, mut hops) = (url.to_owned(), false, false, 0);
        loop {
            let credential = self.credential.now().await.map_err(CallFailed::NoCredential)?;
            let media = "application/json";
            let sent = self
                .client
                .send_as(method.clone(), &url, media, credential.as_ref(), bytes.clone())
                .await;
            let error = match sent {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            match &error {
                CallError::Refused {
                    status: StatusCode::UNAUTHORIZED,
                    ..
                } if !renewed => {
                    renewed = true;
                    if !self.credential.refused(credential.as_ref()).await {
                        return Err(CallFailed::Call(error));
                    }
                }
                CallError::Refused {
                    status: StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT,
                    location: Some(location),
                    ..
                } if hops < MAX_HOPS => {
                    hops += 1;
                    match self.moved(&url, location) {
                        Some(next) => url = next,
                        None => return Err(CallFailed::Call(error)),
                    }
                }
                error if !again && may_be_repeated(method, error) => {
                    tracing::debug!(%error, "the NEF is tried once more");
                    again = true;
                }
                _ => return Err(CallFailed::Call(error)),
            }
        }
    }

    /// Where a redirect leads, if that is on the origin that the operator named.
    fn moved(&self, url: &str, location: &str) -> Option<String> {
        let next = Url::parse(url).ok()?.join(location).ok()?;
        let plain = next.username().is_empty() && next.password().is_none();
        (plain && next.origin() == self.root.origin()).then(|| next.to_string())
    }
}

/// Whether a call that failed so may be made again at once: nothing was sent, or the answer was lost and a second time changes nothing.
fn may_be_repeated(method: &Method, error: &CallError) -> bool {
    match error {
        CallError::NotConnected(_) => true,
        CallError::Unreachable(_) => *method != Method::POST,
        CallError::Refused {
            status, retry_after, ..
        } => *status == StatusCode::SERVICE_UNAVAILABLE && retry_after.is_none(),
        CallError::TimedOut(_) | CallError::Unexpected(_) => false,
    }
}

/// Why a call came to nothing.
#[derive(Debug)]
pub(crate) enum CallFailed {
    NoCredential(NetworkError),
    /// The NEF is left alone for so long.
    Resting(Duration),
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
        match self {
            Self::Call(CallError::TimedOut(_) | CallError::Unreachable(_) | CallError::Unexpected(_)) => true,
            // Who stands between says so too, and does not know.
            Self::Call(CallError::Refused { status, .. }) => {
                *status == StatusCode::REQUEST_TIMEOUT
                    || (status.is_server_error() && *status != StatusCode::SERVICE_UNAVAILABLE)
            }
            Self::Call(CallError::NotConnected(_)) | Self::NoCredential(_) | Self::Resting(_) => false,
        }
    }

    pub(crate) fn means(self, missing: Missing) -> NetworkError {
        let error = match self {
            Self::NoCredential(error) => return error,
            Self::Resting(left) => {
                return NetworkError::Unavailable {
                    reason: "it is left alone for a while".to_owned(),
                    after: Some(left),
                };
            }
            Self::Call(error) => error,
        };
        let CallError::Refused {
            status,
            problem,
            retry_after,
            ..
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
