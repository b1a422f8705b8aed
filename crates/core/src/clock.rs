//! The only place that reads the time. Whether it can be believed is said by [`trust`].

pub mod trust;

use edgeapp_openapi::common::DateTime;
use jiff::{SignedDuration, Timestamp};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

/// What time it is. It never runs backwards, so that nothing that expired comes to life again.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> DateTime;

    /// Goes by the machine's time from here on, also where that is back: somebody looked at it and vouches for it.
    fn accept(&self) {}
}

/// The machine's clock; where that steps back, it stands still until the machine has caught up.
#[derive(Debug, Default)]
pub struct SystemClock {
    latest: AtomicI64,
}

impl Clock for SystemClock {
    fn now(&self) -> DateTime {
        let now = Timestamp::now().as_microsecond();
        let latest = self.latest.fetch_max(now, Ordering::Relaxed).max(now);
        DateTime(Timestamp::from_microsecond(latest).unwrap_or(Timestamp::MAX))
    }

    fn accept(&self) {
        self.latest.store(Timestamp::now().as_microsecond(), Ordering::Relaxed);
    }
}

/// A clock for tests, moved by hand.
#[derive(Debug)]
pub struct ManualClock {
    now: AtomicI64,
}

impl ManualClock {
    /// A clock that stands at this instant.
    pub fn at(now: DateTime) -> Arc<Self> {
        Arc::new(Self {
            now: AtomicI64::new(now.0.as_microsecond()),
        })
    }

    /// Moves it forward.
    pub fn advance(&self, seconds: u32) {
        self.now.fetch_add(i64::from(seconds) * 1_000_000, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime {
        DateTime(Timestamp::from_microsecond(self.now.load(Ordering::Relaxed)).unwrap_or(Timestamp::MAX))
    }
}

/// How long things live: what a client may ask for, and what it gets when it does not ask.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// Longest life granted, in seconds; `None` grants what is asked for.
    pub max: Option<u32>,
    /// Life granted when the client proposes none, in seconds; `None` means for ever.
    pub default: Option<u32>,
}

impl Lifetimes {
    /// The expiry granted for a proposed one: as asked, or earlier where the maximum says so. The answer carries it.
    ///
    /// # Errors
    /// When the proposed instant is not in the future; `pointer` says where it stood.
    pub fn grant(
        &self,
        proposed: Option<DateTime>,
        now: DateTime,
        pointer: &str,
    ) -> Result<Option<DateTime>, crate::error::Error> {
        if proposed.is_some_and(|at| at <= now) {
            return Err(crate::error::Error::optional_incorrect(
                pointer,
                "must be in the future",
            ));
        }
        let after = |seconds: u32| DateTime(now.0 + SignedDuration::from_secs(i64::from(seconds)));
        let asked = proposed.or_else(|| self.default.map(after));
        Ok(match (asked, self.max.map(after)) {
            (Some(asked), Some(limit)) => Some(asked.min(limit)),
            (None, limit) => limit,
            (asked, None) => asked,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine whose clock was set back: until it has caught up, the time stands still.
    ///
    /// Proves: T-32, WP-59
    #[test]
    fn a_clock_that_was_set_back_stands_still() {
        for ahead in [3_600, 365 * 24 * 3_600] {
            let latest = Timestamp::now() + SignedDuration::from_secs(ahead);
            let clock = SystemClock {
                latest: AtomicI64::new(latest.as_microsecond()),
            };
            let first = clock.now();
            assert_eq!(first.0.as_microsecond(), latest.as_microsecond());
            assert_eq!(clock.now(), first);
        }
        let clock = SystemClock::default();
        assert!(clock.now() <= clock.now());
    }
}
            clock.accept();
            assert!(clock.now() < first, "somebody vouched for the machine's time");
