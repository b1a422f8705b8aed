//! HTTP/2 frames that cost a peer nothing and us something: counted below HTTP, where none can be missed.
//!
//! h2 keeps little memory for whatever comes: one PING and one SETTINGS at a time, so many resets, headers of a bounded length. It
//! answers as many of them as are sent, though, and a peer can send a million a second. So frames that carry no request and no body
//! are paid for, from what requests, bodies and what we send earn, and from an allowance; who runs out of it is sent away.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The preface of HTTP/2, which comes before the first frame.
const PREFACE: usize = 24;
/// The header of a frame.
const HEADER: usize = 9;
/// What a peer has at the beginning, and at most.
const MOST: i64 = 1000;
/// What it is given each second.
const PER_SECOND: i64 = 200;
/// What it earns by a request: acknowledgements, windows, priorities go with it.
const REQUEST: i64 = 4;
/// What it costs to give a request up. One of two may be, not all of them (CVE-2023-44487).
const RESET: i64 = 5;
/// So many bytes that we send earn one, because the peer has to widen its windows for them.
const BYTES: usize = 512;
/// A piece of a body that is shorter than this is no use to anybody, unless it is the last one.
const SHORT: usize = 64;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const END_STREAM: u8 = 1;

/// What is counted of one connection.
struct Account {
    /// Bytes to skip before the next header: of the preface, or of a payload.
    skip: usize,
    header: [u8; HEADER],
    filled: usize,
    credit: i64,
    topped_up: Instant,
    /// Bytes sent that have not earned anything yet.
    sent: usize,
}

impl Account {
    fn new(now: Instant) -> Self {
        Self {
            skip: PREFACE,
            header: [0; HEADER],
            filled: 0,
            credit: MOST,
            topped_up: now,
            sent: 0,
        }
    }

    /// These bytes came; `now` is asked only when the credit is used up.
    fn came(&mut self, mut bytes: &[u8], now: impl Fn() -> Instant) -> Result<(), &'static str> {
        loop {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            if bytes.is_empty() {
                return Ok(());
            }
            let taken = (HEADER - self.filled).min(bytes.len());
            self.header[self.filled..self.filled + taken].copy_from_slice(&bytes[..taken]);
            self.filled += taken;
            bytes = &bytes[taken..];
            if self.filled == HEADER {
                self.filled = 0;
                let [a, b, c, kind, flags, ..] = self.header;
                self.skip = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
                self.count(kind, flags, &now)?;
            }
        }
    }

    fn count(&mut self, kind: u8, flags: u8, now: &impl Fn() -> Instant) -> Result<(), &'static str> {
        let (worth, reason) = match kind {
            HEADERS => (REQUEST, ""),
            DATA if self.skip >= SHORT || flags & END_STREAM != 0 => (1, ""),
            DATA => (-1, "pieces of bodies with next to nothing in them"),
            RST_STREAM => (-RESET, "requests that are given up"),
            // PRIORITY, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION, and what nobody knows.
            _ => (-1, "frames that ask for nothing"),
        };
        self.credit = (self.credit + worth).min(MOST);
        if self.credit >= 0 {
            return Ok(());
        }
        let now = now();
        let millis = now.saturating_duration_since(self.topped_up).as_millis();
        let given = i64::try_from(millis).unwrap_or(i64::MAX).saturating_mul(PER_SECOND) / 1000;
        if given > 0 {
            self.topped_up = now;
            self.credit = self.credit.saturating_add(given).min(MOST);
        }
        if self.credit >= 0 { Ok(()) } else { Err(reason) }
    }

    fn went(&mut self, bytes: usize) {
        self.sent += bytes;
        let earned = i64::try_from(self.sent / BYTES).unwrap_or(MOST);
        self.sent %= BYTES;
        self.credit = (self.credit + earned).min(MOST);
    }
}

/// A stream of HTTP/2 that fails when its peer sends too many frames for nothing. Says so to whoever wants to know.
pub(crate) struct Counted<S> {
    stream: S,
    account: Option<Account>,
    abused: Arc<dyn Fn(&'static str) + Send + Sync>,
}

impl<S> Counted<S> {
    /// Around this stream; frames are counted where `http2` is spoken.
    pub(crate) fn new(stream: S, http2: bool, abused: Arc<dyn Fn(&'static str) + Send + Sync>) -> Self {
        Self {
            stream,
            account: http2.then(|| Account::new(Instant::now())),
            abused,
        }
    }

    fn wrote(&mut self, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let (Some(account), Poll::Ready(Ok(bytes))) = (&mut self.account, &outcome) {
            account.went(*bytes);
        }
        outcome
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut this.stream).poll_read(context, buffer);
        if let Some(account) = &mut this.account
            && let Err(reason) = account.came(&buffer.filled()[before..], Instant::now)
        {
            this.account = None;
            (this.abused)(reason);
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, reason)));
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.wrote(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const SETTINGS: u8 = 4;
    const PING: u8 = 6;
    const WINDOW_UPDATE: u8 = 8;
    const CONTINUATION: u8 = 9;

    fn frame(kind: u8, flags: u8, length: usize) -> Vec<u8> {
        let [.., a, b, c] = u32::try_from(length).expect("short").to_be_bytes();
        let mut frame = vec![a, b, c, kind, flags, 0, 0, 0, 1];
        frame.resize(HEADER + length, 7);
        frame
    }

    fn opened(began: Instant) -> Account {
        let mut account = Account::new(began);
        account.came(&[0; PREFACE], || began).expect("a beginning");
        account
    }

    /// How many of these frames pass, at one moment.
    fn pass(account: &mut Account, frames: &[u8], at: Instant) -> usize {
        (0..100_000).take_while(|_| account.came(frames, || at).is_ok()).count()
    }

    #[test]
    fn floods_end_and_are_named() {
        let began = Instant::now();
        for (kind, length) in [
            (SETTINGS, 0),
            (PING, 8),
            (WINDOW_UPDATE, 4),
            (CONTINUATION, 30),
            (DATA, 0),
            (2, 5),
            (99, 1),
        ] {
            let passed = pass(&mut opened(began), &frame(kind, 0, length), began);
            assert_eq!(i64::try_from(passed), Ok(MOST), "frame {kind}");
        }
        let resets = [frame(HEADERS, 4, 40), frame(RST_STREAM, 0, 4)].concat();
        let passed = pass(&mut opened(began), &resets, began);
        assert!((900..=1100).contains(&passed), "{passed}");
    }

    #[test]
    fn what_requests_bring_along_is_paid_for() {
        let began = Instant::now();
        let request = [
            frame(HEADERS, 4, 40),
            frame(WINDOW_UPDATE, 0, 4),
            frame(DATA, 0, 500),
            frame(DATA, END_STREAM, 0),
            frame(WINDOW_UPDATE, 0, 4),
            frame(PING, 0, 8),
        ]
        .concat();
        assert_eq!(pass(&mut opened(began), &request, began), 100_000);
        let half_given_up = [frame(HEADERS, 4, 40), frame(HEADERS, 4, 40), frame(RST_STREAM, 0, 4)].concat();
        assert_eq!(pass(&mut opened(began), &half_given_up, began), 100_000);
    }

    #[test]
    fn windows_for_what_we_send_are_paid_for() {
        let began = Instant::now();
        let mut account = opened(began);
        for _ in 0..10_000 {
            account.went(2000);
            account
                .came(&frame(WINDOW_UPDATE, 0, 4).repeat(2), || began)
                .expect("earned");
        }
    }

    #[test]
    fn a_peer_that_pings_now_and_then_stays() {
        let began = Instant::now();
        let mut account = opened(began);
        let second = |second| began + Duration::from_secs(second);
        for n in 0..10_000 {
            let few = frame(PING, 0, 8).repeat(100);
            account.came(&few, || second(n)).expect("within the allowance");
        }
    }

    #[test]
    fn frames_are_found_however_the_bytes_come() {
        let began = Instant::now();
        let all = [
            vec![0; PREFACE],
            frame(HEADERS, 4, 40),
            frame(PING, 0, 8).repeat(3),
            frame(DATA, 0, 70),
        ]
        .concat();
        for step in [1, 2, 7, 9, 10, 1000] {
            let mut account = Account::new(began);
            account.credit = 100;
            for piece in all.chunks(step) {
                account.came(piece, || began).expect("few");
            }
            assert_eq!(account.credit, 100 + REQUEST - 3 + 1, "pieces of {step}");
        }
    }
}
