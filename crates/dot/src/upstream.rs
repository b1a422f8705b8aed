//! Resolvers that are asked for names that are not served here: over TLS, strictly, and without a word of who wants to know.
//!
//! Nothing is kept of what they answer. The client subnet of a query stays here: it says more of a UE than a resolver outside has to
//! know (RFC 7871 clause 11.1).

use crate::{
    client::{Ask, ClientError, DotClient},
    message::{ExtendedError, Question, Reply},
    settings::UpstreamSettings,
    subnet::ClientSubnet,
};
use hickory_proto::{
    op::{Message, MessageType, ResponseCode},
    rr::{
        Name, Record, RecordType,
        rdata::opt::{EdnsCode, EdnsOption},
    },
};
use ipnet::IpNet;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

/// How long one resolver may take; a stub gives up after five seconds.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many questions may wait for one resolver.
const WAITING: usize = 1024;
/// How long a connection is kept that nobody needs.
const IDLE: Duration = Duration::from_secs(10);

/// Why upstreams cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {reason}")]
pub struct UpstreamError {
    file: String,
    reason: String,
}

/// A question on its way.
struct Errand {
    ask: Ask,
    answer: oneshot::Sender<Message>,
}

/// Resolvers, the first of which that answers counts.
pub struct Upstream {
    servers: Vec<Server>,
    next: AtomicUsize,
}

struct Server {
    settings: UpstreamSettings,
    tls: ClientConfig,
    errands: tokio::sync::Mutex<Option<mpsc::Sender<Errand>>>,
}

impl Upstream {
    /// These resolvers, whose certificates lead to the roots in this file.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn new(servers: &[UpstreamSettings], roots: &Path) -> Result<Self, UpstreamError> {
        let wrong = |reason: String| UpstreamError {
            file: roots.display().to_string(),
            reason,
        };
        let mut trusted = RootCertStore::empty();
        let certificates = CertificateDer::pem_file_iter(roots).map_err(|error| wrong(error.to_string()))?;
        for certificate in certificates {
            let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
            trusted.add(certificate).map_err(|error| wrong(error.to_string()))?;
        }
        if trusted.is_empty() {
            return Err(wrong("has no certificate in PEM".to_owned()));
        }
        let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(error.to_string()))?
            .with_root_certificates(trusted)
            .with_no_client_auth();
        let servers = servers.iter().map(|settings| Server {
            settings: settings.clone(),
            tls: tls.clone(),
            errands: tokio::sync::Mutex::default(),
        });
        Ok(Self {
            servers: servers.collect(),
            next: AtomicUsize::new(0),
        })
    }

    /// What the resolvers answer to a question; the one that answered last is asked first.
    async fn ask(&self, name: &Name, kind: RecordType) -> Result<Message, ExtendedError> {
        Ok(self.ask_for(name, kind, None).await?.0)
    }

    /// As [`Upstream::ask`], for the clients of a network; also which of the resolvers answered.
    async fn ask_for(
        &self,
        name: &Name,
        kind: RecordType,
        subnet: Option<ClientSubnet>,
    ) -> Result<(Message, SocketAddr), ExtendedError> {
        let first = self.next.load(Ordering::Relaxed);
        for place in (0..self.servers.len()).map(|n| (first + n) % self.servers.len()) {
            let server = &self.servers[place];
            let ask = async |subnet| {
                let ask = Ask {
                    subnet,
                    ..Ask::new(name.clone(), kind)
                };
                timeout(PATIENCE, server.ask(ask)).await.ok().flatten()
            };
            let mut answer = ask(subnet).await;
            if subnet.is_some()
                && answer
                    .as_ref()
                    .is_some_and(|answer| answer.metadata.response_code == ResponseCode::Refused)
            {
                // Some refuse whatever is asked for a network: once without (RFC 7871 clause 7.1.3).
                answer = ask(None).await;
            }
            if let Some(answer) = answer {
                self.next.store(place, Ordering::Relaxed);
                return match answer.metadata.response_code {
                    ResponseCode::NoError | ResponseCode::NXDomain => Ok((answer, server.settings.address)),
                    _ => Err(ExtendedError::NetworkError),
                };
            }
        }
        Err(ExtendedError::NoReachableAuthority)
    }

    /// The answer to a question for a name that is served elsewhere.
    pub async fn forward(&self, question: &Question) -> Reply {
        match self.ask(question.name(), question.record_type()).await {
            Ok(answer) => Reply {
                code: answer.metadata.response_code,
                answers: answer.answers,
                authorities: answer.authorities,
                additionals: answer.additionals,
                ..Reply::default()
            },
            Err(error) => Reply::refused(ResponseCode::ServFail, error),
        }
    }

    /// As [`Upstream::forward`], for the clients of a network and no smaller one (RFC 7871); also which of the resolvers answered.
    pub async fn forward_for(&self, question: &Question, network: Option<IpNet>) -> (Reply, Option<IpAddr>) {
        let subnet = network.map(|network| ClientSubnet::of(network.trunc()));
        let failed = |error| (Reply::refused(ResponseCode::ServFail, error), None);
        match self.ask_for(question.name(), question.record_type(), subnet).await {
            // An answer for another network is none (RFC 7871 clause 7.3).
            Ok((answer, _)) if !is_for(&answer, subnet) => failed(ExtendedError::NetworkError),
            Ok((answer, server)) => (
                Reply {
                    code: answer.metadata.response_code,
                    answers: answer.answers,
                    authorities: answer.authorities,
                    additionals: answer.additionals,
                    ..Reply::default()
                },
                Some(server.ip()),
            ),
            Err(error) => failed(error),
        }
    }

    /// The records of a host that is served elsewhere, none when it has none; they live so long at most.
    pub async fn records(&self, host: &Name, kind: RecordType, ttl: u32) -> Result<Vec<Record>, ExtendedError> {
        let mut records = self.ask(host, kind).await?.answers;
        for record in &mut records {
            record.ttl = record.ttl.min(ttl);
        }
        Ok(records)
    }
}

/// Whether an answer that says for which network it is says the one that was asked for.
fn is_for(answer: &Message, asked: Option<ClientSubnet>) -> bool {
    let edns = answer.edns.as_ref();
    let said = edns.and_then(|edns| match edns.option(EdnsCode::Subnet) {
        Some(EdnsOption::Subnet(said)) => IpNet::new(said.addr(), said.source_prefix()).ok(),
        _ => None,
    });
    said.is_none_or(|said| asked.is_none_or(|asked| ClientSubnet::of(said.trunc()) == asked))
}

impl Server {
    async fn ask(&self, ask: Ask) -> Option<Message> {
        let (answer, answered) = oneshot::channel();
        let mut errand = Errand { ask, answer };
        // A connection that ended in this very moment is replaced, once.
        for _ in 0..2 {
            let errands = {
                let mut known = self.errands.lock().await;
                match known.as_ref().filter(|errands| !errands.is_closed()) {
                    Some(errands) => errands.clone(),
                    None => {
                        let (errands, waiting) = mpsc::channel(WAITING);
                        tokio::spawn(serve(self.settings.clone(), self.tls.clone(), waiting));
                        known.insert(errands).clone()
                    }
                }
            };
            match errands.send(errand).await {
                Ok(()) => return answered.await.ok(),
                Err(mpsc::error::SendError(back)) => errand = back,
            }
        }
        None
    }
}

/// Does errands over one connection until it ends or nobody has any more.
async fn serve(settings: UpstreamSettings, tls: ClientConfig, mut waiting: mpsc::Receiver<Errand>) {
    let connected = DotClient::connect(settings.address, &settings.name, tls, PATIENCE).await;
    let mut client = match connected {
        Ok(client) => client,
        Err(error) => {
            // Counted, and told quietly: while it is away this happens with every question.
            metrics::counter!("edgeapp_dns_upstream_unreachable_total").increment(1);
            return tracing::debug!(%error, "a resolver upstream cannot be asked (dns.upstream)");
        }
    };
    let mut asked: HashMap<u16, Errand> = HashMap::new();
    let mut incoming = Vec::new();
    loop {
        let done = tokio::select! {
            errand = waiting.recv(), if asked.len() < WAITING => match errand {
                Some(errand) => send(&mut client, &mut asked, errand).await,
                None => return,
            },
            read = client.read_more(&mut incoming) => read,
            () = tokio::time::sleep(IDLE) => {
                if asked.is_empty() {
                    return;
                }
                asked.retain(|_, errand| !errand.answer.is_closed());
                Ok(())
            }
        };
        if let Err(error) = done {
            return tracing::debug!(%error, "a connection to a resolver upstream ended");
        }
        while let Some(message) = crate::client::take_message(&mut incoming) {
            match Message::from_vec(&message) {
                Ok(answer) => deliver(&mut asked, answer),
                Err(error) => return tracing::warn!(%error, "a resolver upstream answers what cannot be read"),
            }
        }
    }
}

async fn send(client: &mut DotClient, asked: &mut HashMap<u16, Errand>, errand: Errand) -> Result<(), ClientError> {
    let mut id = rand::random();
    while asked.contains_key(&id) {
        id = rand::random();
    }
    let message = errand.ask.message(id)?;
    if asked.len() >= WAITING / 2 {
        // Who waited too long has gone, and its answer may never come.
        asked.retain(|_, errand| !errand.answer.is_closed());
    }
    asked.insert(id, errand);
    let sent = timeout(PATIENCE, client.send(&message)).await;
    sent.unwrap_or(Err(ClientError::Late(PATIENCE)))
}

/// Hands an answer over, if it answers what was asked under its number.
fn deliver(asked: &mut HashMap<u16, Errand>, answer: Message) {
    let Some(errand) = asked.remove(&answer.metadata.id) else {
        return;
    };
    let fits = answer.metadata.message_type == MessageType::Response
        && matches!(answer.queries.as_slice(), [question]
            if question.query_type() == errand.ask.kind && question.name() == &errand.ask.name);
    if fits {
        // Who asked may have gone.
        let _ = errand.answer.send(answer);
    }
}
