//! How often the same is told: once a second, with how often it happened. Whoever floods must not fill the log with it.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
/// Milliseconds between two tellings.
const PAUSE: u64 = 1000;

/// Counts what happens, and says now and then how often it did.
#[derive(Debug, Default)]
pub(super) struct Sampled {
    untold: AtomicU64,
    /// When it may be told next, in milliseconds since the first event of the process.
    next: AtomicU64,
}

impl Sampled {
    /// It happened: how often since it was told last, when it is time to tell it.
    pub(super) fn happened(&self) -> Option<u64> {
        let now = u64::try_from(BEGAN.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.happened_at(now)
    }

    fn happened_at(&self, now: u64) -> Option<u64> {
        self.untold.fetch_add(1, Ordering::Relaxed);
        let next = self.next.load(Ordering::Relaxed);
        if now < next {
            return None;
        }
        // One of several who find that it is time tells it.
        let told = self
            .next
            .compare_exchange(next, now + PAUSE, Ordering::Relaxed, Ordering::Relaxed);
        told.ok().map(|_| self.untold.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_told_and_the_others_once_a_second_with_their_number() {
        let sampled = Sampled::default();
        assert_eq!(sampled.happened_at(5), Some(1));
        for _ in 0..1000 {
            assert_eq!(sampled.happened_at(900), None);
        }
        assert_eq!(sampled.happened_at(5 + PAUSE), Some(1001));
    }
}
