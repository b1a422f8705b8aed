//! Somebody with a certificate who sends requests and looks at the whole answer.

use crate::{lab::Lab, wait::DEADLINE};
use bytes::Bytes;
use edgeapp_core::principal::Role;
use edgeapp_http::{
    problem::PROBLEM_JSON,
    request::{JSON_PATCH_JSON, MERGE_PATCH_JSON},
    tls::client_config,
};
use eec_sim::pki::Files;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use serde_json::Value;
use std::{path::Path, sync::Arc, time::Duration};

/// The caller. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Caller {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    root: String,
    authorization: Option<String>,
}

/// An answer with its body read.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as JSON; a string when it is none, null when there is none.
    pub body: Value,
}

/// TLS with this certificate, or with none, towards servers of this role.
///
/// # Panics
/// When a file cannot be used.
pub fn tls(lab: &Lab, who: Option<&Files>, server: Role) -> ClientConfig {
    match who {
        Some(files) => {
            let identity = files.identity().expect("a certificate");
            client_config(&identity, &lab.pki.trust(server).expect("an authority")).expect("a client")
        }
        None => anonymous(&lab.pki.ca(server)),
    }
}

fn anonymous(authority: &Path) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(authority).expect("a certificate");
    roots.add(authority).expect("an authority");
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

impl Caller {
    /// Calls a server of this role at its `apiRoot`, with this certificate.
    pub fn new(lab: &Lab, who: &Files, server: Role, root: &str) -> Self {
        Self::over(tls(lab, Some(who), server), root)
    }

    /// Calls without a certificate.
    pub fn anonymous(lab: &Lab, server: Role, root: &str) -> Self {
        Self::over(tls(lab, None, server), root)
    }

    /// Calls over HTTP/1.1.
    pub fn http1(lab: &Lab, who: &Files, server: Role, root: &str) -> Self {
        Self::speaking(tls(lab, Some(who), server), root, false)
    }

    fn over(tls: ClientConfig, root: &str) -> Self {
        Self::speaking(tls, root, true)
    }

    fn speaking(tls: ClientConfig, root: &str, http2: bool) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_only();
        let connector = match http2 {
            true => connector.enable_all_versions().wrap_connector(tcp),
            false => connector.enable_http1().wrap_connector(tcp),
        };
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(60))
            .build(connector);
        Self {
            client,
            root: root.to_owned(),
            authorization: None,
        }
    }

    /// The same caller at another `apiRoot`, such as that of a server which was started again.
    pub fn at(&self, root: &str) -> Self {
        Self {
            client: self.client.clone(),
            root: root.to_owned(),
            authorization: self.authorization.clone(),
        }
    }

    /// The same caller on the same connections, presenting this access token.
    pub fn bearing(&self, token: &str) -> Self {
        Self {
            authorization: Some(format!("Bearer {token}")),
            ..self.clone()
        }
    }

    /// The `apiRoot` it calls.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Sends exactly this; an empty `media` leaves the header out.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        media: &str,
        body: impl Into<Bytes>,
    ) -> Result<Answer, String> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{}", self.root, path_of(path)));
        if !media.is_empty() {
            request = request.header(header::CONTENT_TYPE, media);
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        self.try_request(request, body).await
    }

    /// Sends this request with every header that it has; its URI is absolute.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn try_request(&self, request: http::request::Builder, body: impl Into<Bytes>) -> Result<Answer, String> {
        let request = request
            .body(Full::new(body.into()))
            .map_err(|error| error.to_string())?;
        let work = async {
            let response = self
                .client
                .request(request)
                .await
                .map_err(|error| format!("{error:?}"))?;
            let (parts, body) = response.into_parts();
            let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
            says_nothing_of_the_server(&parts.headers)?;
            Ok(Answer {
                status: parts.status,
                headers: parts.headers,
                body: json(&body),
            })
        };
        tokio::time::timeout(DEADLINE, work)
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {DEADLINE:?}")))
    }

    /// Sends exactly this.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn send(&self, method: Method, path: &str, media: &str, body: impl Into<Bytes>) -> Answer {
        let name = format!("{method} {path}");
        self.try_send(method, path, media, body)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Calls with JSON in the media type of the method; without a body when `body` is null.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn try_call(&self, method: Method, path: &str, body: &Value) -> Result<Answer, String> {
        let media = match (&method, body) {
            (_, Value::Null) => "",
            (&Method::PATCH, Value::Array(_)) => JSON_PATCH_JSON,
            (&Method::PATCH, _) => MERGE_PATCH_JSON,
            _ => "application/json",
        };
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.try_send(method, path, media, body).await
    }

    /// GET.
    ///
    /// # Panics
    /// When there is no answer; so do the others.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "", "").await
    }

    /// POST with JSON.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, "application/json", body.to_string())
            .await
    }

    /// PUT with JSON.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, "application/json", body.to_string()).await
    }

    /// PATCH with a JSON merge patch.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PATCH, path, MERGE_PATCH_JSON, body.to_string()).await
    }

    /// DELETE.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, "", "").await
    }
}

/// Of every answer in every test: no header says what answers, or in which version.
fn says_nothing_of_the_server(headers: &HeaderMap) -> Result<(), String> {
    let telling = headers.iter().find(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        ["server", "via", "x-powered-by"].contains(&name.as_str()) || value.contains(env!("CARGO_PKG_VERSION"))
    });
    match telling {
        None => Ok(()),
        Some((name, value)) => Err(format!("the answer tells of the server: {name}: {value:?}")),
    }
}

fn json(body: &[u8]) -> Value {
    match body {
        [] => Value::Null,
        body => serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into_owned().into()),
    }
}

/// The path and query of a URI, absolute or not.
pub fn path_of(uri: &str) -> &str {
    match uri.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => uri,
    }
}

impl Answer {
    /// The path of the new resource of a 201.
    ///
    /// # Panics
    /// When it is something else.
    #[track_caller]
    pub fn created(&self) -> String {
        assert_eq!(self.status, StatusCode::CREATED, "{}", self.body);
        let location = self.headers[header::LOCATION].to_str().expect("a URI is ASCII");
        assert!(location.starts_with("https://"), "Location is not absolute: {location}");
        path_of(location).to_owned()
    }

    /// The representation of a 200.
    ///
    /// # Panics
    /// When it is something else.
    #[track_caller]
    pub fn found(&self) -> &Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/json");
        &self.body
    }

    /// Nothing but a 204.
    ///
    /// # Panics
    /// When it is something else.
    #[track_caller]
    pub fn done(&self) {
        assert_eq!((self.status, &self.body), (StatusCode::NO_CONTENT, &Value::Null));
    }

    /// A ProblemDetails with this status and cause and everything that every refusal has.
    ///
    /// # Panics
    /// When it is something else.
    #[track_caller]
    pub fn refused(&self, status: u16, cause: &str) {
        assert_eq!(
            (self.status.as_u16(), self.body["cause"].as_str()),
            (status, Some(cause)),
            "{}",
            self.body
        );
        self.is_a_problem();
    }

    /// A ProblemDetails with everything that every refusal has.
    ///
    /// # Panics
    /// When it is something else.
    #[track_caller]
    pub fn is_a_problem(&self) {
        let body = &self.body;
        assert!(
            self.status.is_client_error() || self.status.is_server_error(),
            "{} {body}",
            self.status
        );
        assert_eq!(self.headers[header::CONTENT_TYPE], PROBLEM_JSON, "{body}");
        assert_eq!(body["status"], self.status.as_u16(), "{body}");
        for member in ["title", "detail", "cause"] {
            assert!(
                body[member].as_str().is_some_and(|text| !text.is_empty()),
                "{member}: {body}"
            );
        }
        let known = edgeapp_core::error::Cause::ALL
            .iter()
            .any(|cause| body["cause"] == cause.as_str());
        assert!(known, "a cause that is not in the list: {body}");
        assert!(
            body["instance"]
                .as_str()
                .is_some_and(|name| name.starts_with("urn:edgeapp:request:")),
            "{body}"
        );
        for invalid in body["invalidParams"].as_array().into_iter().flatten() {
            assert!(invalid["param"].is_string() && invalid["reason"].is_string(), "{body}");
        }
    }

    /// What is at fault: JSON pointers, query parameters or headers.
    pub fn at_fault(&self) -> Vec<&str> {
        let invalid = self.body["invalidParams"].as_array().into_iter().flatten();
        invalid.filter_map(|invalid| invalid["param"].as_str()).collect()
    }
}
