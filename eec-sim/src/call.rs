//! A call to a server, written down as a message.

use crate::{
    record::{Message, Part, Recorder, Seen},
    tokens::Tokens,
};
use axum::http::Method;
use edgeapp_core::callback::CallbackRule;
use edgeapp_http::{
    client::{Answer, CallError, HttpClient},
    tls::{Identity, TlsError, Trust},
};
use edgeapp_openapi::eas_registration::EndPoint;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Serialize, de::DeserializeOwned};
use std::{sync::Arc, time::Duration};

/// How long a server may take to answer.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Why a call did not get what it wanted, with the call that it was.
#[derive(Debug, thiserror::Error)]
#[error("{operation} ({method} {url}): {error}")]
pub struct Failed {
    /// The operation.
    pub operation: String,
    /// The method.
    pub method: Method,
    /// The URL.
    pub url: String,
    /// What went wrong.
    pub error: CallError,
}

/// A client that proves `identity` and calls servers whose certificates `servers` issued.
///
/// # Errors
/// When key and certificate do not fit.
pub fn client(identity: &Identity, servers: &Trust, patience: Duration) -> Result<HttpClient, TlsError> {
    // The simulator's own world is on loopback.
    HttpClient::new(identity, servers, CallbackRule::anywhere(), patience)
}

/// The calling end of a reference point: one caller, one called server.
#[derive(Clone)]
pub struct Caller {
    client: HttpClient,
    recorder: Option<Arc<Recorder>>,
    from: Part,
    to: Part,
    point: &'static str,
    root: String,
    pub(crate) tokens: Option<Arc<Tokens>>,
}

impl Caller {
    /// Calls from `from` to `to`, whose `apiRoot` is `root`.
    pub fn new(
        client: HttpClient,
        recorder: &Arc<Recorder>,
        (from, to): (Part, Part),
        point: &'static str,
        root: &str,
    ) -> Self {
        let root = root.trim_end_matches('/').to_owned();
        Self {
            client,
            recorder: Some(recorder.clone()),
            from,
            to,
            point,
            root,
            tokens: None,
        }
    }

    /// The same, but nothing is written down: for preparations.
    pub fn quietly(&self) -> Self {
        Self {
            recorder: None,
            ..self.clone()
        }
    }

    /// The same, written down there.
    pub fn written_down_by(&self, recorder: &Arc<Recorder>) -> Self {
        Self {
            recorder: Some(recorder.clone()),
            ..self.clone()
        }
    }

    /// The same, where who is called has this part.
    pub fn towards(&self, part: Part) -> Self {
        Self {
            to: part,
            ..self.clone()
        }
    }

    /// Now, as it is written down.
    pub fn now(&self) -> Option<Duration> {
        self.recorder.as_ref().map(|recorder| recorder.now())
    }

    /// Writes down that who is called was asked for a name, and how that ended.
    pub fn asked_for(&self, name: &str, at: Option<Duration>, error: Option<String>) {
        if let (Some(recorder), Some(at)) = (&self.recorder, at) {
            recorder.message(Message {
                at,
                took: recorder.now().saturating_sub(at),
                from: self.from,
                to: self.to,
                point: "DNS",
                operation: "EAS discovery by name".to_owned(),
                method: "DNS".to_owned(),
                path: name.to_owned(),
                status: None,
                error,
                seen: Seen::AtAnEnd,
            });
        }
    }

    /// Calls an operation with a JSON body, or with none.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn call<B: Serialize>(
        &self,
        operation: &str,
        method: Method,
        path: &str,
        body: Option<&B>,
    ) -> Result<Answer, Failed> {
        let url = format!("{}{path}", self.root);
        let credential = match &self.tokens {
            Some(tokens) => tokens.now().await?,
            None => None,
        };
        let at = self.recorder.as_ref().map(|recorder| recorder.now());
        let answer = self
            .client
            .call_as(method.clone(), &url, credential.as_ref(), body)
            .await;
        self.note(operation, &method, path, at, &answer);
        answer.map_err(|error| Failed {
            operation: operation.to_owned(),
            method,
            url,
            error,
        })
    }

    /// Sends a form, and writes it down only when it gets what it wanted.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn form(&self, operation: &str, path: &str, parameters: &[(&str, &str)]) -> Result<Answer, Failed> {
        let url = format!("{}{path}", self.root);
        let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let pairs: Vec<_> = parameters
            .iter()
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
            .collect();
        let at = self.recorder.as_ref().map(|recorder| recorder.now());
        let media = "application/x-www-form-urlencoded";
        let body = Some(pairs.join("&").into());
        let answer = self.client.send(Method::POST, &url, media, body).await;
        if answer.is_ok() {
            self.note(operation, &Method::POST, path, at, &answer);
        }
        answer.map_err(|error| Failed {
            operation: operation.to_owned(),
            method: Method::POST,
            url,
            error,
        })
    }

    /// Calls an absolute URL with bytes, or with none.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn bytes(
        &self,
        operation: &str,
        method: Method,
        url: &str,
        body: Option<bytes::Bytes>,
    ) -> Result<Answer, Failed> {
        let at = self.recorder.as_ref().map(|recorder| recorder.now());
        let media = "application/octet-stream";
        let answer = self.client.send(method.clone(), url, media, body).await;
        // Who knows where a context lies may have it: the end of the address is left out.
        self.note(operation, &method, "/app-contexts/…", at, &answer);
        answer.map_err(|error| Failed {
            operation: operation.to_owned(),
            method,
            url: "…".to_owned(),
            error,
        })
    }

    /// Writes a call down that began at this time.
    fn note(
        &self,
        operation: &str,
        method: &Method,
        path: &str,
        at: Option<Duration>,
        answer: &Result<Answer, CallError>,
    ) {
        if let (Some(recorder), Some(at)) = (&self.recorder, at) {
            let status = match answer {
                Ok(answer) => Some(answer.status),
                Err(error) => error.status(),
            };
            recorder.message(Message {
                at,
                took: recorder.now().saturating_sub(at),
                from: self.from,
                to: self.to,
                point: self.point,
                operation: operation.to_owned(),
                method: method.to_string(),
                path: path.to_owned(),
                status: status.map(|status| status.as_u16()),
                error: answer.as_ref().err().map(ToString::to_string),
                seen: Seen::AtAnEnd,
            });
        }
    }

    /// Calls an operation that answers with JSON.
    ///
    /// # Errors
    /// When there is no good answer, or it is not what the operation answers.
    pub async fn ask<B: Serialize, T: DeserializeOwned>(
        &self,
        operation: &str,
        method: Method,
        path: &str,
        body: Option<&B>,
    ) -> Result<(T, Answer), Failed> {
        let answer = self.call(operation, method.clone(), path, body).await?;
        match answer.json() {
            Ok(value) => Ok((value, answer)),
            Err(error) => Err(Failed {
                operation: operation.to_owned(),
                method,
                url: format!("{}{path}", self.root),
                error,
            }),
        }
    }

    /// An answer that the operation must not give.
    pub(crate) fn unexpected(&self, operation: &str, method: Method, path: &str, what: &str) -> Failed {
        let error = CallError::Unexpected(what.to_owned());
        Failed {
            operation: operation.to_owned(),
            method,
            url: format!("{}{path}", self.root),
            error,
        }
    }
}

/// A call without a body.
pub const NOTHING: Option<&()> = None;

/// The id that a `Location` ends with.
pub fn id_of(location: Option<&str>) -> Option<String> {
    let id = location?.trim_end_matches('/').rsplit('/').next()?;
    (!id.is_empty()).then(|| id.to_owned())
}

/// One segment of a path.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// The URL that an endpoint stands for.
pub fn url_of(end_point: &EndPoint) -> String {
    match end_point {
        EndPoint::Uri(uri) => uri.as_str().trim_end_matches('/').to_owned(),
        EndPoint::Fqdn(name) => format!("https://{name}"),
        EndPoint::Ipv4Addrs(addresses) => addresses
            .first()
            .map(|address| format!("https://{address}"))
            .unwrap_or_default(),
        EndPoint::Ipv6Addrs(addresses) => addresses
            .first()
            .map(|address| format!("https://[{address}]"))
            .unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_urls() {
        assert_eq!(
            id_of(Some("https://ees.example/eees-x/v1/registrations/r-1")).as_deref(),
            Some("r-1")
        );
        assert_eq!(id_of(None), None);
        assert_eq!(segment("a/b c"), "a%2Fb%20c");
        let end_point: EndPoint = serde_json::from_str(r#"{"ipv6Addrs": ["2001:db8::7"]}"#).unwrap();
        assert_eq!(url_of(&end_point), "https://[2001:db8::7]");
        let end_point: EndPoint = serde_json::from_str(r#"{"uri": "https://eas.example:8443/"}"#).unwrap();
        assert_eq!(url_of(&end_point), "https://eas.example:8443");
    }
}
