//! Handshakes at the EDGE-1 listener of an EES beside those at a bare rustls acceptor that demands client certificates too: what the
//! rules for identities, roles, key usages and the book-keeping about connections cost.
//!
//! A handshake counts when the first byte of the server has come: a client of TLS 1.3 is done before the server has looked at its
//! certificate. No session is resumed.

use crate::{
    Failure, Report,
    arguments::Tls,
    comparison::{Alternation, Comparison, Round},
    laboratory::Laboratory,
    load::{self, LoadError},
    process, say,
};
use edgeapp_core::principal::Role;
use edgeapp_http::tls::client_config;
use eec_sim::{pki::Files, world::process::Server};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    server::{NoServerSessionStorage, WebPkiClientVerifier},
};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

const EEC: &str = "eec-of-the-bench.example";
/// How long the acceptor waits for its callers to go.
const PATIENCE: Duration = Duration::from_secs(30);
/// What HTTP/2 says first: SETTINGS without any.
const FIRST: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];

/// The configuration file of the bare acceptor.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Config {
    certificate: PathBuf,
    key: PathBuf,
    /// The authority of its callers.
    eec: PathBuf,
}

/// Accepts until it is killed; announces itself as the EES does.
pub(crate) async fn accept(config: &Path) -> Result<(), Failure> {
    let config: Config = toml::from_str(&fs::read_to_string(config)?)?;
    let acceptor = TlsAcceptor::from(bare(&config)?);
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    {
        let mut out = io::stdout().lock();
        write!(out, "listening edge1 https://{}\nready\n", socket.local_addr()?)?;
        out.flush()?;
    }
    loop {
        let (stream, _) = socket.accept().await?;
        stream.set_nodelay(true)?;
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // What goes wrong shows at the other end, where it fails the run.
            let Ok(mut stream) = acceptor.accept(stream).await else {
                return;
            };
            if stream.write_all(&FIRST).await.is_ok() && stream.flush().await.is_ok() {
                let _ = tokio::time::timeout(PATIENCE, stream.read_u8()).await;
            }
        });
    }
}

/// The settings of the EES, with the verifier of rustls as it is.
fn bare(config: &Config) -> Result<Arc<ServerConfig>, Failure> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&config.eec)?)?;
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .clear_root_hint_subjects()
        .build()?;
    let chain = CertificateDer::pem_file_iter(&config.certificate)?.collect::<Result<Vec<_>, _>>()?;
    let mut settings = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(&config.key)?)?;
    settings.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    settings.session_storage = Arc::new(NoServerSessionStorage {});
    settings.send_tls13_tickets = 0;
    Ok(Arc::new(settings))
}

/// A server under load.
struct Side {
    server: Server,
    address: SocketAddr,
    client: Arc<ClientConfig>,
    at_a_time: u16,
}

impl Side {
    fn new(server: Server, client: &Arc<ClientConfig>, at_a_time: u16) -> Result<Self, Failure> {
        let address = server.root("edge1")?.trim_start_matches("https://").parse()?;
        Ok(Self {
            server,
            address,
            client: client.clone(),
            at_a_time,
        })
    }

    async fn round(&self, length: Duration) -> Result<Round, Failure> {
        let cpu = || self.server.pid().and_then(process::cpu_time);
        let (before, began) = (cpu(), Instant::now());
        let workers = (0..self.at_a_time).map(|_| {
            let (address, connector) = (self.address, TlsConnector::from(self.client.clone()));
            async move {
                let mut latencies = load::latencies()?;
                while began.elapsed() < length {
                    let asked = Instant::now();
                    let done = handshake(address, &connector).await;
                    done.map_err(|error| LoadError::Connect(address.to_string(), error))?;
                    load::record(&mut latencies, asked);
                }
                Ok::<_, LoadError>(latencies)
            }
        });
        let load = load::gather(workers.collect(), began).await?;
        Ok(Round {
            load,
            cpu: cpu().zip(before).map(|(after, before)| after.saturating_sub(before)),
        })
    }
}

async fn handshake(address: SocketAddr, connector: &TlsConnector) -> io::Result<()> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    // Thousands of closed connections in a second would use up the ports otherwise.
    stream.set_zero_linger()?;
    let name = ServerName::IpAddress(address.ip().into());
    connector.connect(name, stream).await?.read_u8().await.map(|_| ())
}

/// Measures.
pub(crate) async fn run(arguments: &Tls) -> Result<Report, Failure> {
    let laboratory = Laboratory::within(arguments.folder.as_deref())?;
    let eec = laboratory.eec(EEC)?;
    let mut client = client_config(&eec, &laboratory.pki().trust(Role::Ees)?)?;
    client.alpn_protocols = vec![b"h2".to_vec()];
    let client = Arc::new(client);
    let ees = Side::new(laboratory.ees().await?, &client, arguments.at_a_time)?;
    let bare = Side::new(acceptor(&laboratory).await?, &client, arguments.at_a_time)?;
    let length = Duration::from_secs(arguments.seconds.into());
    say("warming up");
    for side in [&ees, &bare] {
        side.round(length.min(Duration::from_secs(2))).await?;
    }
    let mut alternations = Vec::new();
    for number in 1..=arguments.rounds {
        let both = Alternation {
            ees: ees.round(length).await?,
            reference: bare.round(length).await?,
        };
        let ratio = both.ratio();
        say(&format!(
            "alternation {number} of {}: ratio {ratio:.3}",
            arguments.rounds
        ));
        alternations.push(both);
    }
    let title = format!(
        "TLS handshakes with client certificates, {} at a time, rounds of {} s",
        arguments.at_a_time, arguments.seconds
    );
    Ok(Comparison {
        title,
        reference: "rustls",
        alternations,
    }
    .report())
}

/// Starts the bare acceptor with the certificate of the EES.
async fn acceptor(laboratory: &Laboratory) -> Result<Server, Failure> {
    let Files { certificate, key } = laboratory.pki().files("ees-a");
    let eec = laboratory.pki().ca(Role::Eec);
    let config = laboratory.folder().join("acceptor.toml");
    fs::write(&config, toml::to_string(&Config { certificate, key, eec })?)?;
    let log = laboratory.folder().join("acceptor.log");
    let program = std::env::current_exe()?;
    Ok(Server::start_as(&program, "accept", "acceptor", &config, &log).await?)
}
