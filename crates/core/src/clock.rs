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
    /// Lives of a minute and more are shorter by up to so many percent, at random: what began together is not renewed together.
    pub spread_percent: u8,
}

/// Shorter lives than this, in seconds, are granted as they are.
const SPREAD_FROM: i64 = 60;

/// A life of so many seconds, shortened by up to `percent` of it; `draw` says how far, 0 not at all.
///
/// ```
/// # use edgeapp_core::clock::spread;
/// assert_eq!(spread(3600, 5, 0), 3600);
/// assert_eq!(spread(3600, 5, u32::MAX), 3420);
/// assert_eq!(spread(59, 5, u32::MAX), 59);
/// ```
pub fn spread(life: i64, percent: u8, draw: u32) -> i64 {
    if life < SPREAD_FROM {
        return life;
    }
    let most = i128::from(life) * i128::from(percent.min(100)) / 100;
    // Less than `life`, which fits.
    let less = most * i128::from(draw) / i128::from(u32::MAX);
    life - i64::try_from(less).unwrap_or_default()
}

impl Lifetimes {
    /// The expiry granted for a proposed one: as asked, or earlier where the maximum says so or lives are spread, never later. The answer
    /// carries it.
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
        let granted = match (asked, self.max.map(after)) {
            (Some(asked), Some(limit)) => Some(asked.min(limit)),
            (None, limit) => limit,
            (asked, None) => asked,
        };
        Ok(granted.map(|end| {
            let life = end.0.duration_since(now.0).as_secs();
            let less = life - spread(life, self.spread_percent, rand::random());
            DateTime(end.0 - SignedDuration::from_secs(less))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever is asked for, what is granted ends when it was asked for or before, and is not much shorter than it might have been.
        ///
        /// Proves: WP-42, T-36
        #[test]
        fn nothing_is_granted_longer_than_asked(
            asked in prop::option::of(1_i64..10_000_000),
            max in prop::option::of(1_u32..1_000_000),
            default in prop::option::of(1_u32..1_000_000),
            spread_percent in 0_u8..=50,
        ) {
            let now = DateTime("2026-01-05T12:00:00Z".parse().expect("a time"));
            let lives = Lifetimes { max, default, spread_percent };
            let exact = Lifetimes { spread_percent: 0, ..lives };
            let proposed = asked.map(|seconds| DateTime(now.0 + SignedDuration::from_secs(seconds)));
            let life = |lives: Lifetimes| {
                let end = lives.grant(proposed, now, "/expTime").expect("it lies ahead");
                end.map(|end| end.0.duration_since(now.0).as_secs())
            };
            let (granted, longest) = (life(lives), life(exact));
            prop_assert_eq!(granted.is_some(), longest.is_some());
            if let (Some(granted), Some(longest)) = (granted, longest) {
                prop_assert!(granted <= longest && granted >= 1);
                prop_assert!(asked.is_none_or(|asked| granted <= asked));
                prop_assert!(longest < SPREAD_FROM && granted == longest || granted * 100 >= longest * (100 - i64::from(spread_percent)));
            }
        }
    }

    /// Many who ask for the same at the same instant do not come back at the same instant.
    ///
    /// Proves: WP-42
    #[test]
    fn renewals_do_not_align() {
        let now = DateTime("2026-01-05T12:00:00Z".parse().expect("a time"));
        let lives = Lifetimes {
            max: Some(86_400),
            default: Some(3600),
            spread_percent: 5,
        };
        let mut in_each_minute = [0; 3];
        for _ in 0..3000 {
            let end = lives.grant(None, now, "").expect("granted").expect("an end");
            let early = 3600 - end.0.duration_since(now.0).as_secs();
            in_each_minute[usize::try_from(early / 61).expect("not later")] += 1;
        }
        assert!(
            in_each_minute.iter().all(|renewals| (700..1300).contains(renewals)),
            "{in_each_minute:?}"
        );
    }

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
            clock.accept();
            assert!(clock.now() < first, "somebody vouched for the machine's time");
        }
        let clock = SystemClock::default();
        assert!(clock.now() <= clock.now());
    }
}
