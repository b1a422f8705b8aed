//! HTTP/2 frames made by hand, over a TLS connection: what no library sends.

use edgeapp_core::principal::Role;
use edgeapp_system_tests::{caller::tls, lab::Lab, wait::DEADLINE};
use eec_sim::pki::Files;
use rustls::pki_types::ServerName;
use std::{net::SocketAddr, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split},
    net::{TcpSocket, TcpStream},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const PRIORITY: u8 = 2;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;
pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

/// A frame.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A header block: each field as it is, with nothing compressed and nothing kept.
pub(super) fn block<'a>(fields: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut block = Vec::new();
    let string = |block: &mut Vec<u8>, bytes: &[u8]| {
        // An integer with a prefix of seven bits (RFC 7541 clause 5.1).
        if bytes.len() < 127 {
            block.push(u8::try_from(bytes.len()).expect("short"));
        } else {
            block.push(127);
            let mut rest = bytes.len() - 127;
            while rest >= 128 {
                block.push(u8::try_from(rest % 128).expect("seven bits") | 128);
                rest /= 128;
            }
            block.push(u8::try_from(rest).expect("seven bits"));
        }
        block.extend(bytes);
    };
    for (name, value) in fields {
        block.push(0);
        string(&mut block, name.as_bytes());
        string(&mut block, value);
    }
    block
}

/// The fields of a request to this authority.
pub(super) fn request<'a>(method: &'a str, authority: &'a str, path: &'a str) -> Vec<(&'a str, &'a [u8])> {
    vec![
        (":method", method.as_bytes()),
        (":scheme", &b"https"[..]),
        (":authority", authority.as_bytes()),
        (":path", path.as_bytes()),
    ]
}

/// A frame as it came.
#[derive(Clone, Debug)]
pub(super) struct Came {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

/// One end of a connection. What comes is read all the time, so that the server never waits for us.
pub(super) struct Raw {
    write: WriteHalf<TlsStream<TcpStream>>,
    reading: JoinHandle<()>,
    came: UnboundedReceiver<Came>,
}

/// A TLS connection from this address of the loopback network.
pub(super) async fn connect(lab: &Lab, who: &Files, to: &str, from: &str, alpn: &[u8]) -> TlsStream<TcpStream> {
    try_connect(lab, who, to, from, alpn).await.expect("a connection")
}

/// As [`connect`], where it may fail.
pub(super) async fn try_connect(
    lab: &Lab,
    who: &Files,
    to: &str,
    from: &str,
    alpn: &[u8],
) -> std::io::Result<TlsStream<TcpStream>> {
    let tcp = plain(to, from).await?;
    let mut config = tls(lab, Some(who), Role::Ees);
    config.alpn_protocols = vec![alpn.to_vec()];
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}

/// A TCP connection from this address of the loopback network.
pub(super) async fn plain(to: &str, from: &str) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(from.parse().expect("an address"), 0))?;
    socket.connect(to.parse().expect("an address")).await
}

impl Raw {
    /// Connects and begins HTTP/2.
    pub(super) async fn open(lab: &Lab, who: &Files, to: &str, from: &str) -> Self {
        let (read, mut write) = split(connect(lab, who, to, from, b"h2").await);
        write
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .await
            .expect("written");
        write.write_all(&frame(SETTINGS, 0, 0, &[])).await.expect("written");
        let (tell, came) = unbounded_channel();
        let reading = tokio::spawn(read_all(read, tell));
        Self { write, reading, came }
    }

    /// Sends these bytes; false when the server has closed.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> bool {
        let sent = async { self.write.write_all(bytes).await.is_ok() && self.write.flush().await.is_ok() };
        timeout(DEADLINE, sent).await.expect("the server reads or closes")
    }

    /// Sends the same again and again, `times` at most, in pieces of a hundred: how often until the server closed.
    pub(super) async fn flood(&mut self, times: usize, mut bytes: impl FnMut(usize) -> Vec<u8>) -> usize {
        let mut sent = 0;
        while sent < times && !self.reading.is_finished() {
            let piece: Vec<u8> = (sent..sent + 100).flat_map(&mut bytes).collect();
            if !self.send(&piece).await {
                break;
            }
            sent += 100;
        }
        sent
    }

    /// Everything that came until the server closed.
    pub(super) async fn came(self) -> Vec<Came> {
        self.came_until(|_| false).await
    }

    /// Everything that came up to this frame, or until the server closed.
    pub(super) async fn came_until(mut self, mut last: impl FnMut(&Came) -> bool) -> Vec<Came> {
        let mut all = Vec::new();
        let reading = async {
            while let Some(came) = self.came.recv().await {
                let enough = last(&came);
                all.push(came);
                if enough {
                    break;
                }
            }
        };
        timeout(DEADLINE, reading)
            .await
            .expect("it comes, or the server closes");
        all
    }
}

async fn read_all(mut read: ReadHalf<TlsStream<TcpStream>>, tell: UnboundedSender<Came>) {
    let mut told = 0;
    loop {
        let mut header = [0; 9];
        // A reset is as good as an end.
        if read.read_exact(&mut header).await.is_err() {
            return;
        }
        let [a, b, c, kind, flags, stream @ ..] = header;
        let length = u32::from_be_bytes([0, a, b, c]);
        let mut payload = vec![0; usize::try_from(length).expect("short")];
        if read.read_exact(&mut payload).await.is_err() {
            return;
        }
        // Of floods of acknowledgements nobody wants to see more.
        if told < 10_000 {
            told += 1;
            let stream = u32::from_be_bytes(stream);
            let _ = tell.send(Came {
                kind,
                flags,
                stream,
                payload,
            });
        }
    }
}
