//! A peer that writes its bytes by hand: what no library would send, over real TLS.
//!
//! ```no_run
//! # async fn example(tls: rustls::ClientConfig) {
//! use edgeapp_system_tests::raw::{Frames, exchange};
//!
//! let request = Frames::begin().headers(&[(":method", b"GET"), (":scheme", b"https"), (":path", b"/"), ("connection", b"close")], true);
//! let came = exchange("127.0.0.1:9103", tls, &[b"h2"], &request.0).await;
//! assert_eq!(came.reset(), Some(1), "PROTOCOL_ERROR");
//! # }
//! ```

use crate::wait::DEADLINE;
use rustls::{ClientConfig, pki_types::ServerName};
use std::{net::Ipv4Addr, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// Largest frame that a peer takes before it said anything else.
const FRAME: usize = 16 * 1024;
/// The stream that everything happens on.
const STREAM: u32 = 1;

/// Bytes of HTTP/2 from the beginning of a connection, with one request on its first stream.
#[derive(Clone, Debug)]
pub struct Frames(pub Vec<u8>);

impl Frames {
    /// The preface and empty settings.
    pub fn begin() -> Self {
        Self(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()).frame(SETTINGS, 0, 0, &[])
    }

    /// One more frame, whatever it says.
    ///
    /// # Panics
    /// When the payload has no length that a frame can tell.
    pub fn frame(mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Self {
        let length = u32::try_from(payload.len()).expect("a short payload").to_be_bytes();
        assert_eq!(length[0], 0, "longer than any frame");
        self.0.extend_from_slice(&length[1..]);
        self.0.extend_from_slice(&[kind, flags]);
        self.0.extend_from_slice(&stream.to_be_bytes());
        self.0.extend_from_slice(payload);
        self
    }

    /// A header list as it is written here, without compression, in as many frames as it takes.
    pub fn headers(mut self, fields: &[(&str, &[u8])], end: bool) -> Self {
        let mut block = Vec::new();
        for (name, value) in fields {
            // A literal that is not to be remembered, with its name (RFC 7541 clause 6.2.2).
            block.push(0);
            string(&mut block, name.as_bytes());
            string(&mut block, value);
        }
        let parts: Vec<_> = block.chunks(FRAME).collect();
        for (n, part) in parts.iter().enumerate() {
            let kind = if n == 0 { HEADERS } else { CONTINUATION };
            let last = if n + 1 == parts.len() { END_HEADERS } else { 0 };
            let ends = if n == 0 && end { END_STREAM } else { 0 };
            self = self.frame(kind, last | ends, STREAM, part);
        }
        self
    }

    /// A part of the body.
    pub fn data(self, bytes: &[u8], end: bool) -> Self {
        self.frame(DATA, if end { END_STREAM } else { 0 }, STREAM, bytes)
    }
}

/// A string of HPACK without Huffman's code (RFC 7541 clause 5.2).
fn string(block: &mut Vec<u8>, text: &[u8]) {
    let mut length = text.len();
    if length < 127 {
        block.push(length as u8);
    } else {
        block.push(127);
        length -= 127;
        while length >= 128 {
            block.push((length % 128) as u8 | 128);
            length /= 128;
        }
        block.push(length as u8);
    }
    block.extend_from_slice(text);
}

/// What came of an exchange.
#[derive(Clone, Debug, Default)]
pub struct Came {
    /// Why there was no TLS, or how it ended before its time.
    pub refused: Option<String>,
    /// The bytes of HTTP that came.
    pub bytes: Vec<u8>,
}

/// Connects, sends these bytes and takes what comes: until the answer on the first stream is whole, or the other side has had enough.
/// Nobody without these bytes of HTTP in hand has heard anything of what the server serves.
///
/// # Panics
/// When the server neither answers nor closes.
pub async fn exchange(address: &str, mut tls: ClientConfig, alpn: &[&[u8]], bytes: &[u8]) -> Came {
    tls.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let name = ServerName::from(std::net::IpAddr::from(Ipv4Addr::LOCALHOST));
    let work = async {
        let tcp = match TcpStream::connect(address).await {
            Ok(tcp) => tcp,
            Err(error) => return refused(error),
        };
        match TlsConnector::from(Arc::new(tls)).connect(name, tcp).await {
            Ok(stream) => converse(stream, bytes).await,
            Err(error) => refused(error),
        }
    };
    timeout(DEADLINE, work).await.expect("the server answers or closes")
}

/// The same without TLS.
///
/// # Panics
/// When the server neither answers nor closes.
pub async fn exchange_in_clear_text(address: &str, bytes: &[u8]) -> Came {
    let work = async {
        match TcpStream::connect(address).await {
            Ok(tcp) => converse(tcp, bytes).await,
            Err(error) => refused(error),
        }
    };
    timeout(DEADLINE, work).await.expect("the server answers or closes")
}

fn refused(error: impl ToString) -> Came {
    Came {
        refused: Some(error.to_string()),
        bytes: Vec::new(),
    }
}

async fn converse(stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite, bytes: &[u8]) -> Came {
    let (mut from, mut to) = tokio::io::split(stream);
    let sending = async {
        // Who is refused in the middle cannot send the rest.
        let _ = to.write_all(bytes).await;
        let _ = to.flush().await;
    };
    let taking = async {
        let mut came = Came::default();
        let mut part = [0; 4096];
        while !came.is_over() {
            match from.read(&mut part).await {
                Ok(0) => break,
                Ok(length) => came.bytes.extend_from_slice(&part[..length]),
                Err(error) => {
                    came.refused = Some(error.to_string());
                    break;
                }
            }
        }
        came
    };
    let mut taking = std::pin::pin!(taking);
    let mut sending = std::pin::pin!(sending);
    tokio::select! {
        came = &mut taking => came,
        () = &mut sending => taking.await,
    }
}

impl Came {
    /// The whole frames among the bytes: kind, flags, stream, payload.
    fn frames(&self) -> impl Iterator<Item = (u8, u8, u32, &[u8])> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || {
            let (head, body) = rest.split_at_checked(9)?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
            let (payload, more) = body.split_at_checked(length)?;
            rest = more;
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            Some((head[3], head[4], stream, payload))
        })
    }

    /// Whether the answer is whole or there will be none. An answer of HTTP/1.1 ends with its connection.
    fn is_over(&self) -> bool {
        if self.bytes.starts_with(b"HTTP/1.1") {
            return false;
        }
        self.frames().any(|(kind, flags, stream, _)| match kind {
            HEADERS | DATA => stream == STREAM && flags & END_STREAM != 0,
            RST_STREAM => stream == STREAM,
            GOAWAY => true,
            _ => false,
        })
    }

    /// The code with which the stream was reset.
    pub fn reset(&self) -> Option<u32> {
        let mut frames = self.frames();
        let (.., payload) = frames.find(|(kind, _, stream, _)| *kind == RST_STREAM && *stream == STREAM)?;
        Some(u32::from_be_bytes(payload.get(..4)?.try_into().ok()?))
    }

    /// The code with which the connection was given up.
    pub fn gave_up(&self) -> Option<u32> {
        let mut frames = self.frames();
        let (.., payload) = frames.find(|(kind, ..)| *kind == GOAWAY)?;
        Some(u32::from_be_bytes(payload.get(4..8)?.try_into().ok()?))
    }

    /// The status of the answer.
    pub fn status(&self) -> Option<u16> {
        let mut frames = self.frames();
        let (.., block) = frames.find(|(kind, _, stream, _)| *kind == HEADERS && *stream == STREAM)?;
        status(block)
    }

    /// The body of the answer.
    pub fn body(&self) -> Vec<u8> {
        let of_answer = |&(kind, _, stream, _): &(u8, u8, u32, &[u8])| kind == DATA && stream == STREAM;
        self.frames()
            .filter(of_answer)
            .flat_map(|(.., payload)| payload.to_vec())
            .collect()
    }
}

/// The status at the beginning of a header block that is the first of its connection (RFC 7541 appendix A, indices 8 to 14).
fn status(block: &[u8]) -> Option<u16> {
    const IN_THE_TABLE: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];
    let (first, rest) = block.split_first()?;
    match first {
        0x88..=0x8e => Some(IN_THE_TABLE[usize::from(first - 0x88)]),
        0x48 | 0x08 | 0x18 => {
            let (length, rest) = rest.split_first()?;
            let text = rest.get(..usize::from(length & 0x7f))?;
            if length & 0x80 == 0 {
                std::str::from_utf8(text).ok()?.parse().ok()
            } else {
                digits(text)
            }
        }
        _ => None,
    }
}

/// Three digits in Huffman's code (RFC 7541 appendix B): `0` to `2` have five bits, the others six.
fn digits(text: &[u8]) -> Option<u16> {
    let bits = text
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |at| u16::from(byte >> at & 1)));
    let bits: Vec<_> = bits.collect();
    let (mut at, mut number) = (0, 0);
    for _ in 0..3 {
        let read = |count: usize| Some(bits.get(at..at + count)?.iter().fold(0, |all, bit| all << 1 | bit));
        let short = read(5)?;
        let digit = if short < 3 {
            at += 5;
            short
        } else {
            let long = read(6)?;
            at += 6;
            // 011001 is the three.
            long.checked_sub(0b01_1001)? + 3
        };
        number = number * 10 + digit;
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_as_hpack_has_it() {
        let mut block = Vec::new();
        string(&mut block, &[b'x'; 127 + 300]);
        // 300 is 0b10_0101100.
        assert_eq!(block[..4], [127, 0x80 | 44, 2, b'x']);
    }

    #[test]
    fn a_status_is_read_however_it_is_written() {
        assert_eq!(status(&[0x8d]), Some(404));
        assert_eq!(status(b"\x48\x03421"), Some(421));
        // 4 is 011010, 3 is 011001, 1 is 00001: the rest are ones.
        assert_eq!(status(&[0x48, 0x83, 0b0110_1001, 0b1001_0000, 0b1111_1111]), Some(431));
        assert_eq!(status(&[0x48, 0x83, 0b0110_1000, 0b0100_0011, 0b1111_1111]), None);
    }

    #[test]
    fn frames_are_found_again() {
        let sent = Frames::begin()
            .headers(&[("x", &[b'y'; 40_000])], false)
            .data(b"abc", true);
        let came = Came {
            refused: None,
            bytes: sent.0[24..].to_vec(),
        };
        let kinds: Vec<_> = came.frames().map(|(kind, flags, ..)| (kind, flags)).collect();
        assert_eq!(kinds, [(4, 0), (1, 0), (9, 0), (9, 4), (0, 1)]);
        assert_eq!(came.body(), b"abc");
        assert!(came.is_over());
    }
}
