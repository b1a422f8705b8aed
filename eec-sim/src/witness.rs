//! What the played parties saw with their own eyes, for the assertions.

use crate::record::Part;
use edgeapp_openapi::acr_events::AcrInfoNotification;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// An EAS was told to start or stop the transfer of a context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// When.
    pub at: Duration,
    /// Which EAS.
    pub eas: Part,
    /// `ACT_START` or `ACT_STOP`.
    pub status: String,
    /// The other EAS that was named.
    pub end_point: Option<String>,
    /// The UE that was named.
    pub ue: Option<String>,
    /// The application client that was named.
    pub ac: Option<String>,
}

/// An EAS reported to its EES.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    /// When the report was answered.
    pub at: Duration,
    /// Which EAS.
    pub eas: Part,
    /// Whether the EES took it.
    pub taken: bool,
}

/// An application context arrived at an EAS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// When.
    pub at: Duration,
    /// At which EAS.
    pub eas: Part,
    /// The random number that its creator gave it.
    pub origin: String,
}

/// A notification came to the EEC.
#[derive(Clone, Debug, PartialEq)]
pub struct Notified {
    /// When.
    pub at: Duration,
    /// The EES that sent it.
    pub from: Part,
    /// What it says.
    pub notification: AcrInfoNotification,
}

/// An EAS was told where the UE is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// When.
    pub at: Duration,
    /// Which EAS.
    pub eas: Part,
    /// The UE that was named.
    pub ue: String,
    /// The cell.
    pub cell: String,
}

/// An EAS was told how a relocation ended that it had left to the enabler layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// When.
    pub at: Duration,
    /// Which EAS.
    pub eas: Part,
    /// `SUCCESSFUL` or `FAILED`.
    pub result: String,
}

/// What was seen.
#[derive(Debug, Default, Clone)]
pub struct Sights {
    /// Orders to EASs.
    pub told: Vec<Told>,
    /// Reports of EASs.
    pub reported: Vec<Reported>,
    /// Contexts that arrived.
    pub arrived: Vec<Arrived>,
    /// Which target the S-EAS decided.
    pub declared: Vec<String>,
    /// What EASs that left the relocation to the enabler layer were told of its end.
    pub ended: Vec<Ended>,
    /// The bytes that the S-EAS stored for the T-EAS.
    pub stored: Option<Vec<u8>>,
    /// The bytes that the T-EAS took.
    pub taken: Option<Vec<u8>>,
    /// Contexts that an EAS dropped unused, because it was told to stop.
    pub dropped: Vec<Part>,
    /// Where EASs were told that the UE is.
    pub located: Vec<Located>,
    /// Notifications to the EEC.
    pub notified: Vec<Notified>,
    /// The random number that the first server gave the application's context.
    pub made: Option<String>,
    /// Who holds the application's context now, and the number it was given when it was made.
    pub holders: BTreeMap<Part, String>,
    /// How many later changes were carried over to the new EAS while the old one still served.
    pub mirrored: u64,
}

/// Collects what is seen; shared by the played parties.
#[derive(Debug, Default)]
pub struct Witness(Mutex<Sights>, tokio::sync::Notify);

impl Witness {
    /// Sees something.
    pub fn see(&self, change: impl FnOnce(&mut Sights)) {
        change(&mut self.lock());
        self.1.notify_waiters();
    }

    /// What was seen so far.
    pub fn sights(&self) -> Sights {
        self.lock().clone()
    }

    /// Waits until something is seen, and answers with it.
    pub async fn until<T>(&self, found: impl Fn(&Sights) -> Option<T>) -> T {
        loop {
            let next = self.1.notified();
            tokio::pin!(next);
            // From here on nothing is missed.
            next.as_mut().enable();
            if let Some(value) = found(&self.lock()) {
                return value;
            }
            next.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Sights> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
