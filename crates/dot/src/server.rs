//! DNS over TLS (RFC 7858, RFC 7766): frames in, frames out; many queries at a time, answers in any order.

use crate::responder::{Client, Outcome, Responder};
use async_trait::async_trait;
use bytes::{Buf, BytesMut};
use edgeapp_http::session::{End, Session, Sessions};
use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use std::{
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Instant, sleep_until, timeout},
};

/// Octets of the length before a message.
const LENGTH: usize = 2;
/// What is kept to read into while nothing is read.
const SMALL: usize = 512;

/// How long connections are borne with.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How long one may ask for nothing.
    pub idle: Duration,
    /// How long a message may take to arrive once it has begun.
    pub frame: Duration,
    /// How long a peer may take nothing of what is sent to it.
    pub stall: Duration,
    /// How many answers may be on their way before no more is read.
    pub in_flight: usize,
}

/// Serves connections from a responder.
pub struct DotServer {
    responder: Arc<Responder>,
    patience: Patience,
}

impl DotServer {
    /// Answers as this responder does.
    pub fn new(responder: Arc<Responder>, patience: Patience) -> Self {
        Self { responder, patience }
    }
}

#[async_trait]
impl Sessions for DotServer {
    async fn serve(&self, session: Session) {
        let client = Arc::new(self.responder.client(session.remote.ip(), session.principal.clone()));
        let (stream, mut standing) = session.split();
        let conversation = Conversation {
            responder: &self.responder,
            client: &client,
            patience: self.patience,
        };
        conversation.hold(stream, standing.ending()).await;
    }
}

struct Conversation<'a> {
    responder: &'a Arc<Responder>,
    client: &'a Arc<Client>,
    patience: Patience,
}

type Pending = FuturesUnordered<Pin<Box<dyn Future<Output = Vec<u8>> + Send>>>;

fn frame(output: &mut Vec<u8>, message: &[u8]) {
    if message.is_empty() {
        return;
    }
    // Longer than this no answer of ours is.
    let length = u16::try_from(message.len()).unwrap_or_default();
    output.extend_from_slice(&length.to_be_bytes());
    output.extend_from_slice(&message[..usize::from(length)]);
}

/// The next message, if all of it is there.
fn next_frame(input: &mut BytesMut) -> Option<BytesMut> {
    let (length, _) = input.split_first_chunk::<LENGTH>()?;
    let length = usize::from(u16::from_be_bytes(*length));
    if input.len() < LENGTH + length {
        return None;
    }
    input.advance(LENGTH);
    Some(input.split_to(length))
}

impl Conversation<'_> {
    /// Answers what has arrived; how many messages that were, or `None` when the peer is not worth going on with.
    fn answer(&self, input: &mut BytesMut, pending: &mut Pending, output: &mut Vec<u8>) -> Option<usize> {
        let mut messages = 0;
        while pending.len() < self.patience.in_flight
            && let Some(message) = next_frame(input)
        {
            messages += 1;
            match self.responder.answer(&message, self.client) {
                Outcome::Now(answer) => frame(output, &answer),
                Outcome::Later(answer) => pending.push(answer),
                Outcome::Nothing => {}
                Outcome::Hangup => return None,
            }
        }
        Some(messages)
    }

    async fn hold(self, mut stream: impl AsyncRead + AsyncWrite + Unpin, ending: impl Future<Output = End>) {
        let patience = self.patience;
        let (mut input, mut output) = (BytesMut::with_capacity(SMALL), Vec::new());
        let mut pending = Pending::new();
        let (mut finishing, mut heard_all) = (false, false);
        let (mut quiet_since, mut partial_since) = (Instant::now(), None);
        let mut ending = pin!(ending);
        let mut timer = pin!(sleep_until(quiet_since + patience.idle));
        loop {
            let answered = self.answer(&mut input, &mut pending, &mut output);
            if answered.is_some_and(|messages| messages > 0) {
                (quiet_since, partial_since) = (Instant::now(), None);
            }
            while let Some(Some(answer)) = pending.next().now_or_never() {
                frame(&mut output, &answer);
            }
            if !output.is_empty() {
                // Together: each alone would be a record and a packet of its own.
                let sent = timeout(patience.stall, async {
                    stream.write_all(&output).await?;
                    stream.flush().await
                });
                if !matches!(sent.await, Ok(Ok(()))) {
                    return;
                }
                output.clear();
                output.shrink_to(SMALL);
                quiet_since = Instant::now();
            }
            if answered.is_none() || ((finishing || heard_all) && pending.is_empty()) {
                break;
            }
            if input.is_empty() {
                partial_since = None;
                if input.capacity() > 8 * SMALL || input.capacity() < LENGTH {
                    input = BytesMut::with_capacity(SMALL);
                }
            } else if partial_since.is_none() {
                partial_since = Some(Instant::now());
                timer.as_mut().reset(Instant::now() + patience.frame);
            }
            let may_read = !finishing && !heard_all && pending.len() < patience.in_flight;
            tokio::select! {
                biased;
                end = ending.as_mut(), if !finishing => match end {
                    End::AtOnce => return,
                    End::Gracefully => finishing = true,
                },
                Some(answer) = pending.next(), if !pending.is_empty() => frame(&mut output, &answer),
                read = stream.read_buf(&mut input), if may_read => match read {
                    Ok(0) => heard_all = true,
                    Ok(_) => {}
                    // Most clients go without a word: nothing is wrong with what they asked before.
                    Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => heard_all = true,
                    Err(_) => return,
                },
                () = timer.as_mut(), if pending.is_empty() => {
                    // The timer is moved only when it rings: moving it with each query would cost more than the rest of it.
                    let until = match partial_since {
                        Some(since) => since + patience.frame,
                        None => quiet_since + patience.idle,
                    };
                    if Instant::now() >= until {
                        break;
                    }
                    timer.as_mut().reset(until);
                }
            }
        }
        let _ = timeout(patience.stall, stream.shutdown()).await;
    }
}

#[cfg(test)]
mod tests;
