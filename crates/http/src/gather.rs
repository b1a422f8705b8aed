//! What is ready at about the same time leaves in one write: one system call, one TLS record, one packet for many short answers.
//!
//! Two things would keep them apart. The first answer that is ready wakes its connection, which by itself would run at once and find
//! that answer alone: [`gathering`] lets the others go first. And HTTP/2 writes each longer body by itself: [`Gathered`] keeps what
//! is written until it is flushed.

use std::{
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that are kept for one write: the longest TLS record.
const RECORD: usize = 16 * 1024;

/// Drives a connection that serves or makes several requests at a time, as a task of its own.
///
/// Whenever it is woken, those go first that wait to run already, among them the other requests of the same read, so that their
/// answers are taken along. With nobody waiting it costs one more turn of the scheduler.
pub async fn gathering<F: Future>(connection: F) -> F::Output {
    let mut connection = pin!(connection);
    let mut let_others_go = false;
    poll_fn(move |context| {
        let_others_go = !let_others_go;
        if let_others_go {
            // A task that wakes itself while it runs goes to the end of the queue.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        connection.as_mut().poll(context)
    })
    .await
}

/// A stream that keeps short writes until they are flushed.
pub struct Gathered<S> {
    stream: S,
    kept: Vec<u8>,
    /// How much of what was kept is written already.
    written: usize,
}

impl<S> Gathered<S> {
    /// Around this stream. It holds memory only between a write and the next flush.
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            kept: Vec::new(),
            written: 0,
        }
    }
}

impl<S: AsyncWrite + Unpin> Gathered<S> {
    /// Writes all that was kept.
    fn drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.kept.len() {
            match ready!(Pin::new(&mut self.stream).poll_write(context, &self.kept[self.written..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.written += written,
            }
        }
        (self.kept, self.written) = (Vec::new(), 0);
        Poll::Ready(Ok(()))
    }

    /// Makes room for so many bytes; `false` when they are too many to be kept.
    fn room_for(&mut self, length: usize, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if self.kept.len() + length > RECORD {
            ready!(self.drain(context))?;
        }
        if length < RECORD && self.kept.capacity() == 0 {
            self.kept.reserve_exact(RECORD);
        }
        Poll::Ready(Ok(length < RECORD))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gathered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gathered<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if !ready!(self.room_for(bytes.len(), context))? {
            return Pin::new(&mut self.stream).poll_write(context, bytes);
        }
        self.kept.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = parts.iter().map(|part| part.len()).sum();
        if !ready!(self.room_for(length, context))? {
            return Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        }
        parts.iter().for_each(|part| self.kept.extend_from_slice(part));
        Poll::Ready(Ok(length))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.drain(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.drain(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    /// Takes at most so many bytes at a time, and notes each write.
    struct Narrow(usize, Vec<Vec<u8>>);

    impl AsyncWrite for Narrow {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            let taken = bytes.len().min(self.0);
            self.1.push(bytes[..taken].to_vec());
            Poll::Ready(Ok(taken))
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn short_writes_leave_together_when_they_are_flushed() {
        let mut stream = Gathered::new(Narrow(usize::MAX, Vec::new()));
        stream.write_all(b"one ").await.expect("kept");
        let parts = [io::IoSlice::new(b"two "), io::IoSlice::new(b"three")];
        assert_eq!(stream.write_vectored(&parts).await.expect("kept"), 9);
        assert!(stream.stream.1.is_empty());
        stream.flush().await.expect("written");
        assert_eq!(stream.stream.1, [b"one two three"]);
        assert_eq!(stream.kept.capacity(), 0);
    }

    #[tokio::test]
    async fn nothing_is_lost_or_exchanged_whatever_the_lengths() {
        for width in [1000, 7, usize::MAX] {
            let mut stream = Gathered::new(Narrow(width, Vec::new()));
            let mut sent = Vec::new();
            for (n, length) in [1, RECORD, 5, RECORD - 1, RECORD + 1, 300, 3 * RECORD, RECORD - 300, 2]
                .into_iter()
                .enumerate()
            {
                let bytes = vec![u8::try_from(n).expect("few"); length];
                stream.write_all(&bytes).await.expect("written");
                sent.extend(bytes);
            }
            stream.shutdown().await.expect("written");
            assert!(stream.stream.1.concat() == sent, "{width}");
        }
    }
}
