//! What is ready at about the same time leaves in one write: one system call, one TLS record, one packet for many short answers.
//!
//! Two things would keep them apart. HTTP/2 flushes each longer body by itself: [`Gathered`] takes what is flushed and writes it when
//! the connection has done all it can. And the first answer that is ready wakes its connection, which would run at once and find that
//! answer alone: [`Gathered::drive`] lets those go first that wait to run already.

use std::{
    future::{Future, poll_fn},
    io::{self, IoSlice},
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that are kept for one write: the longest TLS record.
const RECORD: usize = 16 * 1024;

/// A stream that keeps short writes, also when they are flushed, until whoever drives its connection writes them. One clone goes into
/// the connection, with the other one that is driven.
pub struct Gathered<S>(Arc<Mutex<Kept<S>>>);

struct Kept<S> {
    stream: S,
    /// Holds memory only from a write until it is done.
    bytes: Vec<u8>,
    /// How many of them are written already.
    written: usize,
    /// Whether the stream itself may hold back what was written to it.
    unflushed: bool,
}

impl<S> Clone for Gathered<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: AsyncWrite + Unpin> Gathered<S> {
    /// Around this stream.
    pub fn new(stream: S) -> Self {
        Self(Arc::new(Mutex::new(Kept {
            stream,
            bytes: Vec::new(),
            written: 0,
            unflushed: false,
        })))
    }

    /// Drives the connection over this stream, as a task of its own. Whenever the task is woken those go first that wait to run
    /// already, among them the other requests of the same read, and their answers are taken along. With nobody waiting that costs one
    /// more turn of the scheduler.
    ///
    /// # Errors
    /// When what was kept cannot be written.
    pub async fn drive<F: Future>(self, connection: F) -> io::Result<F::Output> {
        let mut connection = pin!(connection);
        let mut others_first = false;
        let output = poll_fn(|context| {
            others_first = !others_first;
            if others_first {
                // A task that wakes itself while it runs goes to the end of the queue.
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            if let Poll::Ready(output) = connection.as_mut().poll(context) {
                return Poll::Ready(Ok(output));
            }
            match self.lock().write_kept(context) {
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
            }
        })
        .await?;
        poll_fn(|context| self.lock().write_kept(context)).await?;
        Ok(output)
    }

    // Only its own task uses a stream: nobody ever waits here.
    fn lock(&self) -> MutexGuard<'_, Kept<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: AsyncWrite + Unpin> Kept<S> {
    fn write_kept(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.bytes.len() {
            match ready!(Pin::new(&mut self.stream).poll_write(context, &self.bytes[self.written..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.written += written,
            }
        }
        if self.written > 0 {
            (self.bytes, self.written, self.unflushed) = (Vec::new(), 0, true);
        }
        if self.unflushed {
            ready!(Pin::new(&mut self.stream).poll_flush(context))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Takes all parts, or writes what was kept before and passes them on when they are too long to be kept.
    fn take(&mut self, context: &mut Context<'_>, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let length = parts.iter().map(|part| part.len()).sum();
        if self.bytes.len() + length > RECORD {
            ready!(self.write_kept(context))?;
        }
        if length >= RECORD {
            return Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        }
        if self.bytes.capacity() == 0 {
            self.bytes.reserve_exact(RECORD);
        }
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part));
        Poll::Ready(Ok(length))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Gathered<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gathered<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.lock().take(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.lock().take(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut kept = self.lock();
        // What is kept leaves when the connection has done all it can; what was too long for that leaves now.
        if kept.bytes.is_empty() {
            Pin::new(&mut kept.stream).poll_flush(context)
        } else {
            Poll::Ready(Ok(()))
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut kept = self.lock();
        ready!(kept.write_kept(context))?;
        Pin::new(&mut kept.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{io::AsyncWriteExt, sync::Notify};

    /// Takes at most so many bytes at a time, and shows them once it is flushed, which it does not do at once.
    struct Narrow {
        width: usize,
        held: Vec<u8>,
        asked: bool,
        shown: Arc<Mutex<Vec<Vec<u8>>>>,
    }

    impl AsyncWrite for Narrow {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            let taken = bytes.len().min(self.width);
            self.held.extend_from_slice(&bytes[..taken]);
            Poll::Ready(Ok(taken))
        }
        fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.asked = !self.asked;
            if self.asked {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            let held = std::mem::take(&mut self.held);
            self.shown.lock().expect("not poisoned").push(held);
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.poll_flush(context)
        }
    }

    fn narrow(width: usize) -> (Gathered<Narrow>, impl Fn() -> Vec<Vec<u8>>) {
        let shown = Arc::new(Mutex::new(Vec::new()));
        let stream = Narrow {
            width,
            held: Vec::new(),
            asked: false,
            shown: shown.clone(),
        };
        (Gathered::new(stream), move || {
            shown.lock().expect("not poisoned").clone()
        })
    }

    // One worker: the runtime of servers, with an order that can be told.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn others_that_wait_to_run_go_first() {
        let (stream, writes) = narrow(usize::MAX);
        let (waits, ready) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let answers = Arc::new(Mutex::new(Vec::new()));
        let (waiting, woken, taken, mut own) = (waits.clone(), ready.clone(), answers.clone(), stream.clone());
        let connection = tokio::spawn(stream.drive(async move {
            waiting.notify_one();
            woken.notified().await;
            let answers: Vec<&[u8]> = std::mem::take(&mut *taken.lock().expect("not poisoned"));
            for answer in answers {
                own.write_all(answer).await.expect("taken");
                own.flush().await.expect("taken");
            }
        }));
        waits.notified().await;
        let handlers = tokio::spawn(async move {
            for answer in [&b"one "[..], b"two ", b"three "] {
                let (ready, answers) = (ready.clone(), answers.clone());
                tokio::spawn(async move {
                    answers.lock().expect("not poisoned").push(answer);
                    ready.notify_one();
                });
            }
        });
        handlers.await.expect("spawned");
        connection.await.expect("no panic").expect("written");
        let [write] = &*writes() else {
            panic!("not one write: {:?}", writes())
        };
        assert_eq!(write.len(), b"one two three ".len());
    }

    #[tokio::test]
    async fn what_is_kept_leaves_when_the_connection_waits() {
        let (stream, writes) = narrow(usize::MAX);
        let mut own = stream.clone();
        let connection = stream.drive(async move {
            own.write_all(b"one ").await.expect("taken");
            own.flush().await.expect("taken");
            let parts = [IoSlice::new(b"two "), IoSlice::new(b"three")];
            assert_eq!(own.write_vectored(&parts).await.expect("taken"), 9);
            own.flush().await.expect("taken");
            std::future::pending::<()>().await;
        });
        let mut connection = pin!(connection);
        let mut context = Context::from_waker(std::task::Waker::noop());
        while writes().is_empty() {
            assert!(connection.as_mut().poll(&mut context).is_pending());
        }
        assert_eq!(writes(), [b"one two three"]);
    }

    #[tokio::test]
    async fn nothing_is_lost_or_exchanged_whatever_the_lengths() {
        for width in [1000, 7, usize::MAX] {
            let (stream, writes) = narrow(width);
            let mut own = stream.clone();
            let lengths = [1, RECORD, 5, RECORD - 1, RECORD + 1, 300, 3 * RECORD, RECORD - 300, 2];
            let sent = stream.drive(async move {
                let mut sent = Vec::new();
                for (n, length) in lengths.into_iter().enumerate() {
                    let bytes = vec![u8::try_from(n).expect("few"); length];
                    own.write_all(&bytes).await.expect("taken");
                    sent.extend(bytes);
                }
                sent
            });
            assert!(sent.await.expect("written") == writes().concat(), "{width}");
        }
    }
}
