//! The load generator: HTTP/2 connections over mutual TLS with a number of requests at a time on each. It sends prepared bytes and
//! checks status and length of the answers; what it does costs both sides of a comparison the same.

use bytes::Bytes;
use edgeapp_http::{
    gather::Gathered,
    tls::{Identity, TlsError, Trust, client_config},
};
use h2::client::SendRequest;
use hdrhistogram::Histogram;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use std::{
    io,
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, task::JoinSet};
use tokio_rustls::TlsConnector;

/// Large enough never to be what limits an answer.
const STREAM_WINDOW: u32 = 16 << 20;
const CONNECTION_WINDOW: u32 = 1 << 30;

/// Why a load cannot be applied.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No connection.
    #[error("{0} cannot be reached: {1}")]
    Connect(String, io::Error),
    /// HTTP/2 broke.
    #[error("the connection broke: {0}")]
    Broken(#[from] h2::Error),
    /// The answer is another than the expected one.
    #[error("{path}: status {status} with {length} bytes instead of {wanted}")]
    Answer {
        /// Where it was asked.
        path: String,
        /// The status that came.
        status: StatusCode,
        /// The length of the body that came.
        length: usize,
        /// What was expected.
        wanted: String,
    },
    /// A latency cannot be recorded, a worker ended: a defect of this program.
    #[error("{0}")]
    Defect(String),
}

/// What is sent again and again.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    head: Request<()>,
    body: Bytes,
}

impl Question {
    /// A POST of this JSON.
    pub(crate) fn post(root: &str, path: &str, body: Bytes) -> Result<Self, LoadError> {
        Self::of(Method::POST, root, path, "application/json", body)
    }

    /// A PUT of this JSON.
    pub(crate) fn put(root: &str, path: &str, body: Bytes) -> Result<Self, LoadError> {
        Self::of(Method::PUT, root, path, "application/json", body)
    }

    /// A POST of this form.
    pub(crate) fn form(root: &str, path: &str, body: Bytes) -> Result<Self, LoadError> {
        Self::of(Method::POST, root, path, "application/x-www-form-urlencoded", body)
    }

    /// A GET.
    pub(crate) fn get(root: &str, path: &str) -> Result<Self, LoadError> {
        let head = Request::builder().uri(format!("{root}{path}")).body(());
        let head = head.map_err(|error| LoadError::Defect(error.to_string()))?;
        Ok(Self {
            head,
            body: Bytes::new(),
        })
    }

    fn of(method: Method, root: &str, path: &str, media: &str, body: Bytes) -> Result<Self, LoadError> {
        let head = Request::builder()
            .method(method)
            .uri(format!("{root}{path}"))
            .header(header::CONTENT_TYPE, media)
            .header(header::CONTENT_LENGTH, body.len())
            .body(())
            .map_err(|error| LoadError::Defect(error.to_string()))?;
        Ok(Self { head, body })
    }

    /// The same, presenting an access token. The header may be indexed: who sends the same one again and again says it in a byte.
    pub(crate) fn bearing(mut self, token: &str) -> Result<Self, LoadError> {
        let value = HeaderValue::try_from(format!("Bearer {token}"));
        let value = value.map_err(|_| LoadError::Defect("the token cannot stand in a header".to_owned()))?;
        self.head.headers_mut().insert(header::AUTHORIZATION, value);
        Ok(self)
    }
}

/// What a good answer is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    /// Its status.
    pub(crate) status: StatusCode,
    /// The length of its body, where it is known.
    pub(crate) length: Option<usize>,
}

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The header fields.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Bytes,
}

/// A connection to a server.
#[derive(Clone)]
pub(crate) struct Connection(SendRequest<Bytes>);

impl Connection {
    /// Connects with a client certificate.
    pub(crate) async fn open(root: &str, identity: &Identity, servers: &Trust) -> Result<Self, LoadError> {
        Self::over(root, client_config(identity, servers)?).await
    }

    /// Connects without one, to a server whose certificate leads to this authority.
    pub(crate) async fn anonymous(root: &str, authority: &Path) -> Result<Self, LoadError> {
        let defect = |error: String| LoadError::Defect(error);
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_file(authority).map_err(|error| defect(error.to_string()))?;
        roots.add(authority).map_err(|error| defect(error.to_string()))?;
        let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| defect(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self::over(root, tls).await
    }

    async fn over(root: &str, mut tls: ClientConfig) -> Result<Self, LoadError> {
        let failed = |error| LoadError::Connect(root.to_owned(), error);
        let address: SocketAddr = root
            .trim_start_matches("https://")
            .parse()
            .map_err(|error| failed(io::Error::other(error)))?;
        tls.alpn_protocols = vec![b"h2".to_vec()];
        let stream = TcpStream::connect(address).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        let name = ServerName::IpAddress(address.ip().into());
        let stream = TlsConnector::from(Arc::new(tls))
            .connect(name, stream)
            .await
            .map_err(failed)?;
        let gathered = Gathered::new(stream);
        let mut builder = h2::client::Builder::new();
        builder
            .enable_push(false)
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW);
        let (sender, connection) = builder.handshake(gathered.clone()).await?;
        tokio::spawn(gathered.drive(connection));
        Ok(Self(sender))
    }

    /// Asks once and keeps the answer.
    pub(crate) async fn ask(&mut self, question: &Question, expected: Expected) -> Result<Answer, LoadError> {
        let mut body = Vec::new();
        let response = self.send(question).await?;
        let (parts, mut stream) = response.into_parts();
        while let Some(data) = stream.data().await {
            let data = data?;
            let _ = stream.flow_control().release_capacity(data.len());
            body.extend_from_slice(&data);
        }
        check(question, expected, parts.status, body.len())?;
        Ok(Answer {
            headers: parts.headers,
            body: body.into(),
        })
    }

    /// Asks once and counts the bytes of the answer.
    pub(crate) async fn count(&mut self, question: &Question, expected: Expected) -> Result<(), LoadError> {
        let response = self.send(question).await?;
        let status = response.status();
        let mut stream = response.into_body();
        let mut length = 0;
        while let Some(data) = stream.data().await {
            let arrived = data?.len();
            let _ = stream.flow_control().release_capacity(arrived);
            length += arrived;
        }
        check(question, expected, status, length)
    }

    async fn send(&mut self, question: &Question) -> Result<http::Response<h2::RecvStream>, LoadError> {
        self.0 = self.0.clone().ready().await?;
        let (response, mut body) = self.0.send_request(question.head.clone(), false)?;
        body.send_data(question.body.clone(), true)?;
        Ok(response.await?)
    }
}

fn check(question: &Question, expected: Expected, status: StatusCode, length: usize) -> Result<(), LoadError> {
    if status == expected.status && expected.length.is_none_or(|wanted| wanted == length) {
        return Ok(());
    }
    let bytes = expected
        .length
        .map(|length| format!(" with {length} bytes"))
        .unwrap_or_default();
    let wanted = format!("{}{bytes}", expected.status);
    Err(LoadError::Answer {
        path: question.head.uri().path().to_owned(),
        status,
        length,
        wanted,
    })
}

/// Connections of their own for each of these, with a question each.
pub(crate) struct Load {
    lines: Vec<(Connection, Question)>,
    streams: u16,
    expected: Expected,
}

/// What came of a round.
pub(crate) struct Round {
    /// Requests that were answered.
    pub(crate) requests: u64,
    /// How long it took.
    pub(crate) took: Duration,
    /// Latencies in microseconds.
    pub(crate) latencies: Histogram<u64>,
}

impl Load {
    /// `streams` requests at a time on each line.
    pub(crate) fn new(lines: Vec<(Connection, Question)>, streams: u16, expected: Expected) -> Self {
        Self {
            lines,
            streams,
            expected,
        }
    }

    /// Keeps asking for a while.
    pub(crate) async fn round(&self, length: Duration) -> Result<Round, LoadError> {
        let began = Instant::now();
        let workers = self.lines.iter().flat_map(|(connection, question)| {
            let expected = self.expected;
            (0..self.streams).map(move |_| {
                let (mut connection, question) = (connection.clone(), question.clone());
                async move {
                    let mut latencies = latencies()?;
                    while began.elapsed() < length {
                        let asked = Instant::now();
                        connection.count(&question, expected).await?;
                        record(&mut latencies, asked);
                    }
                    Ok(latencies)
                }
            })
        });
        gather(workers.collect(), began).await
    }
}

/// An empty record of latencies: microseconds up to a minute, two digits.
pub(crate) fn latencies() -> Result<Histogram<u64>, LoadError> {
    Histogram::new_with_bounds(1, 60_000_000, 2).map_err(|error| LoadError::Defect(error.to_string()))
}

/// Records what began at `asked` and ends now.
pub(crate) fn record(latencies: &mut Histogram<u64>, asked: Instant) {
    latencies.saturating_record(u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX));
}

/// Waits for all workers of a round.
pub(crate) async fn gather<W>(workers: JoinSet<Result<Histogram<u64>, W>>, began: Instant) -> Result<Round, W>
where
    W: From<LoadError> + 'static,
{
    let mut workers = workers;
    let mut all = latencies()?;
    while let Some(ended) = workers.join_next().await {
        let latencies = ended.map_err(|error| LoadError::Defect(error.to_string()))??;
        all.add(latencies)
            .map_err(|error| LoadError::Defect(error.to_string()))?;
    }
    Ok(Round {
        requests: all.len(),
        took: began.elapsed(),
        latencies: all,
    })
}
