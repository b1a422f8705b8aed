//! Bodies that nobody read. A request may be refused before its body is: then the rest is taken and thrown away, so that whoever sends
//! it gets to see the refusal. Otherwise HTTP/2 resets the stream and HTTP/1.1 closes the connection, and some clients drop the answer
//! that came before.

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

/// How much of an unread body is taken.
const MOST: usize = 256 * 1024;
/// How long it is waited for.
const LONGEST: Duration = Duration::from_secs(5);

/// A body whose rest is taken when it is dropped before its end.
struct Unread {
    body: Body,
    ended: bool,
}

/// The same body; what is left of it when it is dropped is taken and thrown away, up to a quarter of a megabyte.
pub(crate) fn taken_to_its_end(body: Body) -> Body {
    match body.is_end_stream() {
        true => body,
        false => Body::new(Unread { body, ended: false }),
    }
}

impl HttpBody for Unread {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(None | Some(Err(_))) = polled {
            self.ended = true;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        if self.ended || self.body.is_end_stream() {
            return;
        }
        let body = std::mem::take(&mut self.body);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tokio::time::timeout(LONGEST, discard(body)));
        }
    }
}

async fn discard(mut body: Body) {
    let mut left = MOST;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        if length > left {
            return;
        }
        left -= length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{StreamExt, stream};
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    /// A body of so many pieces of a kilobyte that counts what is taken of it.
    fn body(pieces: usize) -> (Body, Arc<AtomicUsize>) {
        let taken = Arc::new(AtomicUsize::new(0));
        let counted = taken.clone();
        let pieces = stream::iter(0..pieces).map(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            Ok::<_, std::convert::Infallible>(vec![0_u8; 1024])
        });
        (Body::from_stream(pieces), taken)
    }

    async fn until(taken: &AtomicUsize, pieces: usize) {
        let all = async {
            while taken.load(Ordering::SeqCst) < pieces {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), all).await.expect("taken");
    }

    #[tokio::test]
    async fn what_nobody_reads_is_taken() {
        let (body, taken) = body(20);
        drop(taken_to_its_end(body));
        until(&taken, 20).await;
    }

    #[tokio::test]
    async fn the_rest_of_what_somebody_began_to_read_is_taken() {
        let (body, taken) = body(20);
        let mut body = taken_to_its_end(body);
        body.frame().await.expect("a frame").expect("readable");
        drop(body);
        until(&taken, 20).await;
    }

    /// Proves: T-16
    #[tokio::test]
    async fn of_a_long_one_so_much_is_taken_and_no_more() {
        let (body, taken) = body(10_000);
        drop(taken_to_its_end(body));
        until(&taken, MOST / 1024 + 1).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(taken.load(Ordering::SeqCst), MOST / 1024 + 1);
    }
}
