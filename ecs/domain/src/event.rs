//! What happens in an ECS, and what is to be done about it.
//!
//! Events are committed with the change they tell of; the outbox turns them into work, in order per lane, at least once.

use edgeapp_openapi::{common::Uri, ids::EesId};
use serde::{Deserialize, Serialize};

/// Something that was committed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// An EES registered, changed, or is gone.
    EesChanged {
        /// Which one.
        ees_id: EesId,
    },
    /// The edge data networks or partners that the configuration describes are others than before.
    ConfigurationChanged,
    /// What a subscriber is to know may differ from what it was told: its subscription is new or changed, or the EESs changed.
    NewsDue {
        /// Key of the subscription.
        subscription: String,
    },
    /// A subscriber asked for a test notification (TS 29.122 clause 5.2.5.3).
    TestAsked {
        /// Key of the subscription.
        subscription: String,
        /// Its URI, which the test notification carries.
        uri: Uri,
        /// Where to send it.
        destination: Uri,
    },
}

/// A piece of work that an event led to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Work {
    /// Find the subscribers whose answer differs from what they were told.
    Compare,
    /// Tell a subscriber its answer, if that still differs from what it was told.
    Notify {
        /// Key of the subscription.
        subscription: String,
    },
    /// Send a test notification, once.
    Test {
        /// The URI of the subscription.
        uri: Uri,
        /// Where to send it.
        destination: Uri,
    },
}
