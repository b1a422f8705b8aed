//! A fake NEF: a listener over real mutual TLS that answers as a test scripts it and remembers what arrived. It knows nothing of the
//! APIs; the simulated NEF, which does, is in `eec-sim`.

use crate::{client::NefClient, settings::NefSettings};
use axum::http::{HeaderMap, Method, StatusCode, Version, header};
use bytes::Bytes;
use edgeapp_core::{callback::CallbackRule, principal::Role};
use edgeapp_http::{
    client::HttpClient,
    tls::{Identity, Trust, principal_of, server_config},
};
use futures_util::StreamExt;
use http_body_util::{BodyExt, StreamBody, combinators::BoxBody};
use hyper::{
    Request, Response,
    body::{Frame, Incoming},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Where the EES of these tests is reported to.
pub(crate) const REPORTS: &str = "https://ees.example/edge2/reports/";

/// What the fake does with a request.
pub(crate) enum Turn {
    /// Answers.
    Answer(Answer),
    /// Takes the request and breaks the connection.
    Break,
    /// Takes the request and never answers.
    Silence,
}

/// An answer, as it is to be written.
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    /// Says that it is longer than it is, and breaks.
    cut: bool,
}

/// An answer without a body.
pub(crate) fn status(status: u16) -> Answer {
    Answer {
        status,
        headers: Vec::new(),
        body: Vec::new(),
        cut: false,
    }
}

impl Answer {
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.text("application/json", body.to_string())
    }

    pub(crate) fn text(mut self, media: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.with("content-type", media)
    }

    pub(crate) fn cut(mut self) -> Self {
        self.cut = true;
        self
    }
}

impl From<Answer> for Turn {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) who: String,
    pub(crate) version: Version,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Arrived {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON arrived")
    }

    pub(crate) fn credential(&self) -> &str {
        let credential = self.headers.get(header::AUTHORIZATION);
        credential.map_or("", |value| value.to_str().expect("text"))
    }

    /// Method and path.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

type Script = dyn FnMut(&Arrived) -> Option<Turn> + Send;

struct Shared {
    arrived: Mutex<Vec<Arrived>>,
    script: Mutex<Box<Script>>,
}

/// The fake with the certificates of both ends.
pub(crate) struct FakeNef {
    shared: Arc<Shared>,
    folder: TempDir,
    pub(crate) origin: String,
    _stop: DropGuard,
}

/// Certificates of one authority for a role.
fn issue(folder: &Path, name: &str, role: Role) -> (PathBuf, PathBuf, PathBuf) {
    let file = |ending: &str, text: String| {
        let path = folder.join(format!("{name}.{ending}"));
        std::fs::write(&path, text).expect("written");
        path
    };
    let root_key = rcgen::KeyPair::generate().expect("a key");
    let mut root = rcgen::CertificateParams::default();
    root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root_certificate = root.self_signed(&root_key).expect("a root");
    let issuer = rcgen::Issuer::from_params(&root, &root_key);
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut leaf = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("parameters");
    let uri = format!("urn:edgeapp:{role}:{name}.example");
    leaf.subject_alt_names
        .push(rcgen::SanType::URI(uri.try_into().expect("a URI")));
    leaf.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![
        rcgen::ExtendedKeyUsagePurpose::ClientAuth,
        rcgen::ExtendedKeyUsagePurpose::ServerAuth,
    ];
    let certificate = leaf.signed_by(&key, &issuer).expect("a certificate");
    (
        file("pem", certificate.pem()),
        file("key", key.serialize_pem()),
        file("ca", root_certificate.pem()),
    )
}

impl FakeNef {
    /// A fake that takes these turns one after the other, and has nothing to say after them.
    pub(crate) async fn with<T: Into<Turn>>(turns: impl IntoIterator<Item = T>) -> Self {
        let mut turns: VecDeque<Turn> = turns.into_iter().map(Into::into).collect();
        Self::that(move |_| turns.pop_front()).await
    }

    /// A fake that does what this says of each request; what it says nothing of gets 599, which no test expects.
    pub(crate) async fn that(script: impl FnMut(&Arrived) -> Option<Turn> + Send + 'static) -> Self {
        Self::speaking(true, script).await
    }

    /// The same; without `http2` it offers HTTP/1.1 only.
    pub(crate) async fn speaking(http2: bool, script: impl FnMut(&Arrived) -> Option<Turn> + Send + 'static) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (certificate, key, _) = issue(folder.path(), "nef", Role::Nef);
        let (_, _, clients) = issue(folder.path(), "ees", Role::Ees);
        let identity = Identity::load(&certificate, &key).expect("an identity");
        let clients = [(Role::Ees, Trust::load(clients).expect("roots"))];
        let tls = server_config(&identity, &clients, true).expect("settings");
        let mut tls = Arc::unwrap_or_clone(tls);
        if !http2 {
            tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        }
        let socket = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("https://{}", socket.local_addr().expect("an address"));
        let shared = Arc::new(Shared {
            arrived: Mutex::default(),
            script: Mutex::new(Box::new(script)),
        });
        let stop = CancellationToken::new();
        let accepting = accept(socket, TlsAcceptor::from(Arc::new(tls)), shared.clone(), stop.clone());
        tokio::spawn(stop.clone().run_until_cancelled_owned(accepting));
        Self {
            shared,
            folder,
            origin,
            _stop: stop.drop_guard(),
        }
    }

    /// An adapter that calls it as `ees-a`, at `<origin>/gw`; `more` is added to its settings.
    pub(crate) fn client(&self, more: Value) -> NefClient {
        let mut settings = json!({"api_root": format!("{}/gw", self.origin), "scs_as_id": "ees-a", "timeout_ms": 1000});
        for (name, value) in more.as_object().expect("settings") {
            settings[name] = value.clone();
        }
        let settings: NefSettings = serde_json::from_value(settings).expect("settings");
        let timeout = Duration::from_millis(settings.timeout_ms.into());
        NefClient::new(settings, self.http(timeout), REPORTS.to_owned()).expect("a client")
    }

    fn http(&self, timeout: Duration) -> HttpClient {
        let file = |name: &str| self.folder.path().join(name);
        let identity = Identity::load(&file("ees.pem"), &file("ees.key")).expect("an identity");
        let rule = CallbackRule::anywhere();
        let trust = Trust::load(file("nef.ca")).expect("roots");
        HttpClient::new(&identity, &trust, rule, timeout).expect("a client")
    }

    /// A file in the folder of this fake.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    }

    /// What arrived so far.
    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        self.shared.arrived.lock().expect("not poisoned").clone()
    }

    /// Methods and paths of what arrived.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.arrived().iter().map(Arrived::line).collect()
    }
}

async fn accept(socket: TcpListener, tls: TlsAcceptor, shared: Arc<Shared>, stop: CancellationToken) {
    while let Ok((stream, _)) = socket.accept().await {
        let connection = serve(stream, tls.clone(), shared.clone());
        tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
            // It breaks where a test wants it to.
            let _ = connection.await;
        }));
    }
}

async fn serve(stream: tokio::net::TcpStream, tls: TlsAcceptor, shared: Arc<Shared>) -> Result<(), io::Error> {
    let stream = tls.accept(stream).await?;
    let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let principal = principal_of(certificate.expect("a certificate is demanded")).expect("an identity");
    let who = principal.owner().as_str().to_owned();
    let service = service_fn(move |request: Request<Incoming>| answer(who.clone(), request, shared.clone()));
    let http = auto::Builder::new(TokioExecutor::new());
    let served = http.serve_connection(TokioIo::new(stream), service).await;
    served.map_err(io::Error::other)
}

async fn answer(
    who: String,
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<BoxBody<Bytes, io::Error>>, io::Error> {
    let (parts, body) = request.into_parts();
    let arrived = Arrived {
        who,
        version: parts.version,
        method: parts.method,
        path: parts.uri.path().to_owned(),
        headers: parts.headers,
        body: body.collect().await.map_err(io::Error::other)?.to_bytes(),
    };
    shared.arrived.lock().expect("not poisoned").push(arrived.clone());
    let turn = (shared.script.lock().expect("not poisoned"))(&arrived);
    let answer = match turn {
        Some(Turn::Answer(answer)) => answer,
        Some(Turn::Break) => return Err(io::Error::other("broken on purpose")),
        Some(Turn::Silence) => return std::future::pending().await,
        None => status(599),
    };
    let mut response = Response::builder().status(StatusCode::from_u16(answer.status).expect("a status"));
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    if answer.cut {
        response = response.header(header::CONTENT_LENGTH, answer.body.len() + 100);
    }
    let whole = futures_util::stream::iter([Ok(Frame::data(Bytes::from(answer.body)))]);
    let rest = answer.cut.then(|| Err(io::Error::other("cut on purpose")));
    let body = StreamBody::new(whole.chain(futures_util::stream::iter(rest)));
    Ok(response.body(BodyExt::boxed(body)).expect("a response"))
}
