//! How long a connection may keep us waiting below HTTP: for its first bytes, and for taking what we send.
//!
//! The timeouts of HTTP begin with its first complete message; a peer that proves who it is and then says nothing, or stops
//! reading, would otherwise hold its place for ever.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// Bytes that the first message of either version has at least: the length of the preface of HTTP/2.
const OPENING: usize = 24;

/// A stream that fails with [`io::ErrorKind::TimedOut`] when its peer makes us wait too long.
pub(crate) struct Patient<S> {
    stream: S,
    /// Bytes of the opening that are still to come, and until when.
    opening: Option<(usize, Pin<Box<Sleep>>)>,
    stall: Duration,
    /// Runs while the peer takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    /// The first bytes have to come within `opening`; what we send has to move on within `stall`.
    pub(crate) fn new(stream: S, opening: Duration, stall: Duration) -> Self {
        Self {
            stream,
            opening: Some((OPENING, Box::pin(sleep(opening)))),
            stall,
            stalled: None,
        }
    }

    /// Passes the outcome of a write on; one that waits begins the time, any other ends it.
    fn moves<T>(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.stalled = None;
            return outcome;
        }
        let stall = self.stall;
        ready!(
            self.stalled
                .get_or_insert_with(|| Box::pin(sleep(stall)))
                .as_mut()
                .poll(context)
        );
        Poll::Ready(Err(too_long("the peer takes nothing")))
    }
}

fn too_long(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut this.stream).poll_read(context, buffer);
        if let Some((left, deadline)) = &mut this.opening {
            *left = left.saturating_sub(buffer.filled().len() - before);
            if *left == 0 {
                this.opening = None;
            } else if deadline.as_mut().poll(context).is_ready() {
                return Poll::Ready(Err(too_long("the peer does not begin")));
            }
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.moves(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.moves(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(context);
        self.moves(context, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(context);
        self.moves(context, outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(3600);

    /// Proves: T-13
    #[tokio::test]
    async fn a_peer_that_does_not_begin_is_given_up() {
        let (mut peer, ours) = duplex(64);
        peer.write_all(b"PRI * HTTP").await.expect("written");
        let mut ours = Patient::new(ours, SHORT, LONG);
        let mut opening = [0; OPENING];
        let error = ours.read_exact(&mut opening).await.expect_err("given up");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_peer_that_began_may_be_silent() {
        let (mut peer, ours) = duplex(64);
        peer.write_all(&[0; OPENING]).await.expect("written");
        let mut ours = Patient::new(ours, SHORT, LONG);
        ours.read_exact(&mut [0; OPENING]).await.expect("read");
        let more = tokio::time::timeout(3 * SHORT, ours.read_u8()).await;
        assert!(more.is_err(), "still waiting");
    }

    /// Proves: T-13
    #[tokio::test]
    async fn a_peer_that_takes_nothing_is_given_up() {
        let (_peer, ours) = duplex(64);
        let mut ours = Patient::new(ours, LONG, SHORT);
        let error = ours.write_all(&[0; 1000]).await.expect_err("given up");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
