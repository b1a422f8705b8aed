//! A strict client: it asks over TLS, of the server that it was told of, or not at all (RFC 8310, profile *strict*).

use crate::subnet::ClientSubnet;
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hickory_proto::{
    op::{Edns, Message, MessageType, OpCode, Query},
    rr::{Name, RecordType, rdata::opt::EdnsOption},
};
use rustls::{ClientConfig, pki_types::ServerName};
use std::{io, net::SocketAddr, str::FromStr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

/// Queries are padded to a multiple of so many octets (RFC 8467 clause 4.1).
const BLOCK: usize = 128;
const PADDING: u16 = 12;
const SUBNET: u16 = 8;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No connection, or not to who it should be. Nothing was asked.
    #[error("no connection to {server}: {source}")]
    Connect {
        /// The server.
        server: String,
        /// Why.
        source: io::Error,
    },
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(#[from] io::Error),
    /// It took too long.
    #[error("no answer within {0:?}")]
    Late(Duration),
    /// What came is no answer to what was asked.
    #[error("what came is no answer: {0}")]
    NoAnswer(String),
}

/// The key of a server, known beforehand: SHA-256 of its `SubjectPublicKeyInfo` (RFC 7858 clause 4.2), in Base64 where it is text.
///
/// It comes on top of the name and the authority, and is looked for in the server's own certificate only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin([u8; 32]);

/// Not 32 octets in Base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pin is SHA-256 of a public key, 32 octets in Base64")]
pub struct BadPin;

impl FromStr for Pin {
    type Err = BadPin;

    fn from_str(text: &str) -> Result<Self, BadPin> {
        let octets = STANDARD.decode(text).map_err(|_| BadPin)?;
        octets.try_into().map(Self).map_err(|_| BadPin)
    }
}

impl Pin {
    /// The pin of a certificate in DER; `None` when it cannot be read.
    pub fn of_certificate(certificate: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
        let hash = digest(&SHA256, certificate.public_key().raw);
        hash.as_ref().try_into().ok().map(Self)
    }
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The name.
    pub name: Name,
    /// The type.
    pub kind: RecordType,
    /// The network that it is asked for.
    pub subnet: Option<ClientSubnet>,
}

impl Ask {
    /// This type of this name.
    pub fn new(name: Name, kind: RecordType) -> Self {
        Self {
            name,
            kind,
            subnet: None,
        }
    }

    /// The query, padded.
    ///
    /// # Errors
    /// When the name is none that can be sent.
    pub fn message(&self, id: u16) -> Result<Vec<u8>, ClientError> {
        let mut message = Message::new(id, MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = true;
        message.add_query(Query::query(self.name.clone(), self.kind));
        let written = |padding: Option<usize>| {
            let mut edns = Edns::new();
            if let Some(subnet) = &self.subnet {
                edns.options_mut().insert(EdnsOption::Unknown(SUBNET, subnet.data(0)));
            }
            if let Some(padding) = padding {
                edns.options_mut()
                    .insert(EdnsOption::Unknown(PADDING, vec![0; padding]));
            }
            let mut message = message.clone();
            message.set_edns(edns);
            message
                .to_vec()
                .map_err(|error| ClientError::NoAnswer(error.to_string()))
        };
        let bare = written(Some(0))?.len();
        written(Some(bare.next_multiple_of(BLOCK) - bare))
    }
}

/// Takes the next message out of what was read, if all of it is there.
pub(crate) fn take_message(incoming: &mut Vec<u8>) -> Option<Vec<u8>> {
    let length = usize::from(u16::from_be_bytes(*incoming.first_chunk()?));
    let end = 2 + length;
    if incoming.len() < end {
        return None;
    }
    let message = incoming[2..end].to_vec();
    incoming.drain(..end);
    Some(message)
}

/// A connection to a server.
pub struct DotClient {
    stream: TlsStream<TcpStream>,
    patience: Duration,
}

impl DotClient {
    /// Connects to a server that has to prove to be `name`. `tls` says whom it is believed; ALPN is seen to here.
    ///
    /// # Errors
    /// When there is nobody, or somebody else.
    pub async fn connect(
        address: SocketAddr,
        name: &str,
        tls: ClientConfig,
        patience: Duration,
    ) -> Result<Self, ClientError> {
        Self::connect_pinned(address, name, tls, &[], patience).await
    }

    /// The same, where the server also has to have one of these keys, unless there are none.
    ///
    /// # Errors
    /// When there is nobody, or somebody else.
    pub async fn connect_pinned(
        address: SocketAddr,
        name: &str,
        mut tls: ClientConfig,
        pins: &[Pin],
        patience: Duration,
    ) -> Result<Self, ClientError> {
        let failed = |source| ClientError::Connect {
            server: format!("{name} ({address})"),
            source,
        };
        tls.alpn_protocols = vec![b"dot".to_vec()];
        tls.enable_early_data = false;
        let server = ServerName::try_from(name.to_owned());
        let server = server.map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
        let connecting = async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let stream = TlsConnector::from(Arc::new(tls)).connect(server, stream).await?;
            let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
            let pin = shown.and_then(|certificate| Pin::of_certificate(certificate));
            if !pins.is_empty() && !pin.is_some_and(|pin| pins.contains(&pin)) {
                return Err(io::Error::other("its key is none of those that are pinned"));
            }
            Ok(stream)
        };
        match timeout(patience, connecting).await {
            Ok(Ok(stream)) => Ok(Self { stream, patience }),
            Ok(Err(error)) => Err(failed(error)),
            Err(_) => Err(ClientError::Late(patience)),
        }
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// When there is none.
    pub async fn ask(&mut self, ask: &Ask) -> Result<Message, ClientError> {
        let id = rand::random();
        let message = ask.message(id)?;
        self.send(&message).await?;
        let (patience, kind, name) = (self.patience, ask.kind, ask.name.clone());
        let answer = async {
            loop {
                let answer = self.receive().await?;
                if answer.metadata.id == id {
                    return Ok(answer);
                }
            }
        };
        let answer: Result<Message, ClientError> = timeout(patience, answer)
            .await
            .unwrap_or(Err(ClientError::Late(patience)));
        let answer = answer?;
        let [question] = answer.queries.as_slice() else {
            return Err(ClientError::NoAnswer("it has no question".to_owned()));
        };
        if answer.metadata.message_type != MessageType::Response
            || question.query_type() != kind
            || !question.name().eq_case(&name)
        {
            return Err(ClientError::NoAnswer("it answers another question".to_owned()));
        }
        Ok(answer)
    }

    /// Sends a message as it is.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn send(&mut self, message: &[u8]) -> Result<(), ClientError> {
        let length = u16::try_from(message.len()).map_err(|error| ClientError::NoAnswer(error.to_string()))?;
        // One write: a length alone would be a packet of its own.
        let mut framed = length.to_be_bytes().to_vec();
        framed.extend_from_slice(message);
        self.send_bytes(&framed).await
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn send_bytes(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        self.stream.write_all(bytes).await?;
        Ok(self.stream.flush().await?)
    }

    /// The next message, whatever it answers.
    ///
    /// # Errors
    /// When the connection ends, or what comes cannot be decoded.
    pub async fn receive(&mut self) -> Result<Message, ClientError> {
        let message = self.receive_bytes().await?;
        Message::from_vec(&message).map_err(|error| ClientError::NoAnswer(error.to_string()))
    }

    /// The same, not decoded.
    ///
    /// # Errors
    /// When the connection ends.
    pub async fn receive_bytes(&mut self) -> Result<Vec<u8>, ClientError> {
        let length = usize::from(self.stream.read_u16().await?);
        let mut message = vec![0; length];
        self.stream.read_exact(&mut message).await?;
        Ok(message)
    }

    /// Reads what there is to `incoming`. May be given up at any time: nothing is lost.
    ///
    /// # Errors
    /// When the connection ends.
    pub(crate) async fn read_more(&mut self, incoming: &mut Vec<u8>) -> Result<(), ClientError> {
        match self.stream.read_buf(incoming).await? {
            0 => Err(ClientError::Broken(io::ErrorKind::UnexpectedEof.into())),
            _ => Ok(()),
        }
    }

    /// The connection itself.
    pub fn stream(&self) -> &TlsStream<TcpStream> {
        &self.stream
    }
}

#[cfg(test)]
mod tests;
