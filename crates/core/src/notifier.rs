//! The `Notifier` port: carries one notification to its subscriber.

use async_trait::async_trait;
use bytes::Bytes;
use edgeapp_openapi::common::Uri;
use std::time::Duration;

/// A notification that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The status code of the acknowledgement, any 2xx.
    pub status: u16,
    /// The body of the acknowledgement, cut at 4 KiB; most are empty.
    pub body: Bytes,
    /// Where the subscriber wants later notifications (it answered 308).
    pub moved_to: Option<Uri>,
}

/// Why a notification did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDelivered {
    /// The address may not be used: nothing was sent.
    #[error("the callback address is not allowed: {0}")]
    NotAllowed(String),
    /// The subscriber refused with this status; asking again is pointless.
    #[error("the subscriber refused with status {0}")]
    Refused(u16),
    /// No connection, no answer, or an answer that asks for patience.
    #[error("{reason}")]
    Later {
        /// What happened.
        reason: String,
        /// How long the subscriber asked to wait.
        after: Option<Duration>,
    },
}

/// The port. One call is one attempt; repeating is the outbox's business.
#[async_trait]
pub trait Notifier: Send + Sync + 'static {
    /// POSTs a JSON body to a callback address, following a permitted redirect.
    ///
    /// # Errors
    /// See [`NotDelivered`].
    async fn notify(&self, destination: &Uri, body: Bytes) -> Result<Delivered, NotDelivered>;
}
