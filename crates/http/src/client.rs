//! Our side of a call: HTTP/2 (or 1.1) over mutual TLS, for notifications and for calls between servers.

use crate::{
    outgoing::{CheckedConnector, Hosts, system},
    tls::{ClientTls, Identity, Refused, TlsError, Trust},
};
use arc_swap::ArcSwap;
use async_trait::async_trait;
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use bytes::Bytes;
use edgeapp_core::{
    callback::CallbackRule,
    error::Error,
    evidence::SecurityEvent,
    notifier::{Delivered, NotDelivered, Notifier},
};
use edgeapp_openapi::{common::Uri, problem::ProblemDetails};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use url::Url;

/// Largest answer that is read, in bytes.
const MAX_ANSWER: usize = 4 * 1024 * 1024;
/// Largest acknowledgement of a notification that is kept, in bytes.
const MAX_ACKNOWLEDGEMENT: usize = 4 * 1024;
/// What stands for a longer body: no message of any API.
const TOO_LONG: &[u8] = b"the answer was too long";
/// How often an open connection is asked for a sign of life.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Redirects followed for one notification.
const MAX_HOPS: usize = 2;
/// How long connections are used for further calls: servers have to prove themselves anew, as callers have to here.
const MAX_AGE: Duration = Duration::from_secs(3600);

/// Why a call did not get the answer it wanted.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No connection: nothing was sent.
    #[error("{0}")]
    NotConnected(String),
    /// The connection broke; whether the request was served is not known.
    #[error("{0}")]
    Unreachable(String),
    /// No answer in time.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// The server refused.
    #[error("status {status}{}", problem.as_ref().and_then(|p| p.detail.as_deref()).map(|d| format!(": {d}")).unwrap_or_default())]
    Refused {
        /// The status code.
        status: StatusCode,
        /// Why, if it said so in the standard's way.
        problem: Option<Box<ProblemDetails>>,
        /// The body as it came: some refusals carry more than ProblemDetails.
        body: Bytes,
        /// What it asked us to wait.
        retry_after: Option<Duration>,
        /// Where it says that the resource is instead (`Location` of a 307 or 308).
        location: Option<String>,
    },
    /// The answer is not what the operation answers.
    #[error("the answer cannot be understood: {0}")]
    Unexpected(String),
}

impl CallError {
    /// The status code, when there was an answer.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }
}

/// An answer with its body read.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code, a 2xx.
    pub status: StatusCode,
    /// `Location`, if there is one.
    pub location: Option<String>,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Errors
    /// [`CallError::Unexpected`].
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        serde_json::from_slice(&self.body).map_err(|error| CallError::Unexpected(error.to_string()))
    }
}

/// A client with an identity of its own. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct HttpClient(Arc<Inside>);

struct Inside {
    tls: ClientTls,
    rule: Arc<CallbackRule>,
    tcp: CheckedConnector,
    hosts: Option<Hosts>,
    timeout: Duration,
    /// Whether it also calls over plain http.
    plain: bool,
    pool: ArcSwap<Pool>,
}

type Connections = Client<HttpsConnector<CheckedConnector>, Full<Bytes>>;

/// Connections that were made with the same settings.
struct Pool {
    client: Connections,
    generation: u64,
    since: Instant,
}

impl HttpClient {
    /// A client that always proves `identity` and trusts `servers`, and connects only where `rule` allows.
    ///
    /// # Errors
    /// When nobody is trusted.
    pub fn new(identity: &Identity, servers: &Trust, rule: CallbackRule, timeout: Duration) -> Result<Self, TlsError> {
        Self::over(ClientTls::fixed(identity, servers)?, rule, timeout)
    }

    /// A client that goes by these settings of TLS, also when others come into force, and connects only where `rule` allows.
    ///
    /// # Errors
    /// When the settings cannot be used.
    pub fn over(tls: ClientTls, rule: CallbackRule, timeout: Duration) -> Result<Self, TlsError> {
        Self::made(tls, rule, timeout, false)
    }

    /// As [`HttpClient::over`], but it also calls servers over plain http, where anybody on the way reads and changes what is said.
    ///
    /// # Errors
    /// When the settings cannot be used.
    pub fn over_plain_http_too(tls: ClientTls, rule: CallbackRule, timeout: Duration) -> Result<Self, TlsError> {
        Self::made(tls, rule, timeout, true)
    }

    fn made(tls: ClientTls, rule: CallbackRule, timeout: Duration, plain: bool) -> Result<Self, TlsError> {
        let rule = Arc::new(rule);
        let tcp = CheckedConnector::new(rule.clone(), system(), timeout);
        let pool = Pool::new(&tls, &tcp, timeout, plain)?;
        let hosts = rule.pace.map(|pace| Hosts::new(pace.notifications));
        Ok(Self(Arc::new(Inside {
            tls,
            rule,
            tcp,
            hosts,
            timeout,
            plain,
            pool: ArcSwap::from_pointee(pool),
        })))
    }

    /// The connections to call by. Once other certificates are in force the older ones only finish what they do.
    fn connections(&self) -> Connections {
        let Inside {
            tls,
            tcp,
            timeout,
            plain,
            pool,
            ..
        } = &*self.0;
        let known = pool.load();
        if known.generation == tls.generation() && known.since.elapsed() < MAX_AGE {
            return known.client.clone();
        }
        match Pool::new(tls, tcp, *timeout, *plain) {
            Ok(fresh) => {
                let client = fresh.client.clone();
                pool.store(Arc::new(fresh));
                client
            }
            // It was tried out before it came into force: this does not happen.
            Err(error) => {
                tracing::error!(%error, "what is in force cannot be used");
                known.client.clone()
            }
        }
    }

    /// Calls with a JSON body, or with none. A status other than 2xx is an error.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn call<B: Serialize>(&self, method: Method, url: &str, body: Option<&B>) -> Result<Answer, CallError> {
        self.call_as(method, url, None, body).await
    }

    /// As [`HttpClient::call`], with a credential in `Authorization`.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn call_as<B: Serialize>(
        &self,
        method: Method,
        url: &str,
        credential: Option<&HeaderValue>,
        body: Option<&B>,
    ) -> Result<Answer, CallError> {
        let media = if method == Method::PATCH {
            crate::request::MERGE_PATCH_JSON
        } else {
            "application/json"
        };
        let body = body
            .map(serde_json::to_vec)
            .transpose()
            .map_err(|error| CallError::Unexpected(error.to_string()))?;
        self.send_as(method, url, media, credential, body.map(Bytes::from))
            .await
    }

    /// Calls with these bytes as a body.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn send(&self, method: Method, url: &str, media: &str, body: Option<Bytes>) -> Result<Answer, CallError> {
        self.send_as(method, url, media, None, body).await
    }

    /// Calls with these bytes as a body, and with a credential in `Authorization`.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn send_as(
        &self,
        method: Method,
        url: &str,
        media: &str,
        credential: Option<&HeaderValue>,
        body: Option<Bytes>,
    ) -> Result<Answer, CallError> {
        let work = async {
            let response = self.request(method, url, media, credential, body).await?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await;
            let location = parts.headers.get(header::LOCATION);
            let location = location.and_then(|value| value.to_str().ok()).map(str::to_owned);
            if parts.status.is_success() {
                let body = body.map_err(|error| match error.is::<LengthLimitError>() {
                    true => CallError::Unexpected(format!("it is longer than {MAX_ANSWER} bytes")),
                    false => CallError::Unreachable(error.to_string()),
                })?;
                return Ok(Answer {
                    status: parts.status,
                    location,
                    body: body.to_bytes(),
                });
            }
            // The status says it all where the rest is too long or broke off.
            let body = body.map(|body| body.to_bytes()).unwrap_or_default();
            let problem = serde_json::from_slice(&body).ok();
            Err(CallError::Refused {
                status: parts.status,
                problem: problem.map(Box::new),
                body,
                retry_after: retry_after(&parts.headers),
                location,
            })
        };
        tokio::time::timeout(self.0.timeout, work)
            .await
            .map_err(|_| CallError::TimedOut(self.0.timeout))?
    }

    async fn request(
        &self,
        method: Method,
        url: &str,
        media: &str,
        credential: Option<&HeaderValue>,
        body: Option<Bytes>,
    ) -> Result<hyper::Response<Incoming>, CallError> {
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .header(header::ACCEPT, "application/json, application/problem+json");
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, media);
        }
        if let Some(credential) = credential {
            request = request.header(header::AUTHORIZATION, credential);
        }
        let request = request
            .body(Full::new(body.unwrap_or_default()))
            .map_err(|error| CallError::NotConnected(error.to_string()))?;
        let authority = request.uri().authority().map(ToString::to_string);
        self.connections().request(request).await.map_err(|error| {
            if let Some(refused) = Refused::among_causes(&error) {
                return self.refused(refused, authority.unwrap_or_default(), error.is_connect());
            }
            match error.is_connect() {
                true => CallError::NotConnected(whole_story(&error)),
                false => CallError::Unreachable(whole_story(&error)),
            }
        })
    }

    /// A server that is not what it should be, or takes us for that.
    fn refused(&self, refused: Refused, authority: String, unconnected: bool) -> CallError {
        let reason = format!("no TLS with {authority}: {}", refused.reason);
        metrics::counter!("edgeapp_tls_calls_refused_total", "event" => refused.kind.as_str()).increment(1);
        if let Some(keyring) = self.0.tls.keyring() {
            tracing::info!(server = authority, event = refused.kind.as_str(), reason = %refused.reason, "TLS with a server failed");
            keyring.record(SecurityEvent::new(refused.kind, refused.reason).about(authority));
        }
        match unconnected {
            true => CallError::NotConnected(reason),
            false => CallError::Unreachable(reason),
        }
    }

    async fn notify_once(&self, url: &Url, body: Bytes) -> Result<hyper::Response<Incoming>, NotDelivered> {
        let response = self.request(Method::POST, url.as_str(), "application/json", None, Some(body));
        response.await.map_err(|error| NotDelivered::Later {
            reason: error.to_string(),
            after: None,
        })
    }
}

impl Pool {
    fn new(tls: &ClientTls, tcp: &CheckedConnector, timeout: Duration, plain: bool) -> Result<Self, TlsError> {
        let (generation, config) = tls.current()?;
        let connector = HttpsConnectorBuilder::new().with_tls_config(config);
        let connector = if plain {
            connector.https_or_http()
        } else {
            connector.https_only()
        };
        let connector = connector.enable_all_versions().wrap_connector(tcp.clone());
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(60))
            .http2_max_header_list_size(16 * 1024)
            // A peer that vanished without a word must not keep its connection in the pool.
            .http2_keep_alive_interval(Some(KEEP_ALIVE))
            .http2_keep_alive_timeout(timeout)
            .http2_keep_alive_while_idle(true)
            .build(connector);
        Ok(Self {
            client,
            generation,
            since: Instant::now(),
        })
    }
}

/// An error with its causes: "client error (Connect)" alone helps nobody.
fn whole_story(error: &dyn std::error::Error) -> String {
    let mut story = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        story = format!("{story}: {error}");
        cause = error.source();
    }
    story
}

/// What `Retry-After` asks for: a number of seconds, or an instant, counted from the `Date` of the same answer (RFC 9110 clause 10.2.3).
fn retry_after(headers: &axum::http::HeaderMap<HeaderValue>) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok();
    let asked = text(header::RETRY_AFTER)?.trim();
    if let Ok(seconds) = asked.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let instant = |text| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok();
    let (until, now) = (instant(asked)?, instant(text(header::DATE)?)?);
    Some(until.duration_since(now).try_into().unwrap_or_default())
}

#[async_trait]
impl Notifier for HttpClient {
    async fn notify(&self, destination: &Uri, body: Bytes) -> Result<Delivered, NotDelivered> {
        let blocked = |error: Error| NotDelivered::NotAllowed(error.detail.into_owned());
        let work = async {
            let mut url = self.0.rule.check(destination, "callback").map_err(blocked)?;
            let mut moved_to = None;
            for _ in 0..=MAX_HOPS {
                if let Some(hosts) = &self.0.hosts {
                    hosts
                        .call(url.host_str().unwrap_or_default())
                        .map_err(|wait| NotDelivered::Later {
                            reason: "this host is called too often".to_owned(),
                            after: Some(wait),
                        })?;
                }
                let response = self.notify_once(&url, body.clone()).await?;
                let (parts, answer) = response.into_parts();
                let status = parts.status;
                if status.is_success() {
                    let answer = Limited::new(answer, MAX_ACKNOWLEDGEMENT).collect().await;
                    let body = match answer {
                        Ok(answer) => answer.to_bytes(),
                        // Too long to be of use, but received all the same, and not the same as having said nothing.
                        Err(error) if error.is::<LengthLimitError>() => Bytes::from_static(TOO_LONG),
                        Err(error) => {
                            return Err(NotDelivered::Later {
                                reason: error.to_string(),
                                after: None,
                            });
                        }
                    };
                    return Ok(Delivered {
                        status: status.as_u16(),
                        body,
                        moved_to,
                    });
                }
                match status {
                    StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => {
                        let refused = || NotDelivered::Refused(status.as_u16());
                        let location = parts
                            .headers
                            .get(header::LOCATION)
                            .and_then(|value| value.to_str().ok());
                        let next = url.join(location.ok_or_else(refused)?).map_err(|_| refused())?;
                        let next: Uri = next.as_str().parse().map_err(|_| refused())?;
                        url = self.0.rule.check_redirect(&url, &next, "callback").map_err(blocked)?;
                        if status == StatusCode::PERMANENT_REDIRECT {
                            moved_to = Some(next);
                        }
                    }
                    StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
                        return Err(NotDelivered::Later {
                            reason: format!("status {status}"),
                            after: retry_after(&parts.headers),
                        });
                    }
                    status if status.is_server_error() => {
                        return Err(NotDelivered::Later {
                            reason: format!("status {status}"),
                            after: retry_after(&parts.headers),
                        });
                    }
                    status => return Err(NotDelivered::Refused(status.as_u16())),
                }
            }
            Err(NotDelivered::Later {
                reason: format!("more than {MAX_HOPS} redirects"),
                after: None,
            })
        };
        match tokio::time::timeout(self.0.timeout, work).await {
            Ok(outcome) => outcome,
            Err(_) => Err(NotDelivered::Later {
                reason: format!("no answer within {:?}", self.0.timeout),
                after: None,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_to_wait_may_be_said_in_seconds_or_as_an_instant() {
        let said = |retry: &'static str, date: Option<&'static str>| {
            let mut headers = axum::http::HeaderMap::new();
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(retry));
            if let Some(date) = date {
                headers.insert(header::DATE, HeaderValue::from_static(date));
            }
            retry_after(&headers)
        };
        let noon = Some("Mon, 05 Jan 2026 12:00:00 GMT");
        assert_eq!(said("120", None), Some(Duration::from_secs(120)));
        let later = "Mon, 05 Jan 2026 12:01:30 GMT";
        assert_eq!(said(later, noon), Some(Duration::from_secs(90)));
        assert_eq!(said("Mon, 05 Jan 2026 11:00:00 GMT", noon), Some(Duration::ZERO));
        assert_eq!(said(later, None), None);
        assert_eq!(said("soon", noon), None);
    }
}
