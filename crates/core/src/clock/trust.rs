//! Whether the clock can be believed. One that went back would have tokens live again whose time was over, so nothing that rests on dates
//! is issued or judged until the clock is right again, or an operator says that it is.
//!
//! [`Clocks`] is the rule, without a clock of its own; [`Trust`] is what servers share: who watches the clock tells it what it sees, who
//! judges dates asks it. The latest time that was seen lies in the store, so that a restart in the past is noticed as well.
//! [`WhileTrusted`] puts the question before an [`Authorizer`].

use super::Clock;
use crate::{
    authorizer::{Ask, Authorizer},
    error::Error,
    store::{Commit, Expect, Key, Store, StoreError},
};
use jiff::{SignedDuration, Timestamp};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// Wall clock and monotonic clock may drift apart by this much between two looks, and a wall clock may be this far behind.
pub const TOLERANCE: SignedDuration = SignedDuration::from_secs(30);
/// Where the latest time that was seen lies.
const HIGH_WATER: &str = "clock/high-water";
/// It is written when it is so far behind.
const EVERY: SignedDuration = SignedDuration::from_secs(60);

/// By how much the wall clock jumped while `passed` went by on the monotonic one; nothing when within tolerance.
///
/// ```
/// # use edgeapp_core::clock::trust::jump;
/// # use std::time::Duration;
/// let noon = "2026-01-05T12:00:00Z".parse().unwrap();
/// assert_eq!(jump(noon, "2026-01-05T12:00:07Z".parse().unwrap(), Duration::from_secs(5)), None);
/// assert!(jump(noon, "2026-01-05T11:00:05Z".parse().unwrap(), Duration::from_secs(5)).is_some());
/// ```
pub fn jump(before: Timestamp, after: Timestamp, passed: Duration) -> Option<SignedDuration> {
    let off = after.duration_since(before).saturating_sub(signed(passed));
    (off.abs() > TOLERANCE).then_some(off)
}

fn signed(passed: Duration) -> SignedDuration {
    SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX)
}

/// Both clocks as they were at the last look, the latest time that was believed, and the time that it ought to be, where the wall clock
/// is behind that.
#[derive(Clone, Copy, Debug)]
pub struct Clocks {
    wall: Timestamp,
    monotonic: Instant,
    latest: Timestamp,
    ought: Option<Timestamp>,
}

impl Clocks {
    /// The first look; `written` is the latest time that an earlier run wrote down.
    pub fn begin(written: Option<Timestamp>, wall: Timestamp, monotonic: Instant) -> Self {
        Self {
            wall,
            monotonic,
            latest: written.map_or(wall, |written| written.max(wall)),
            ought: written.filter(|written| behind(wall, *written)),
        }
    }

    /// Another look; says by how much the clock jumped since the last one.
    pub fn look(&mut self, wall: Timestamp, monotonic: Instant) -> Option<SignedDuration> {
        let passed = monotonic.duration_since(self.monotonic);
        let off = jump(self.wall, wall, passed);
        let jumped_back = off.is_some_and(|off| off.is_negative());
        let before = match self.ought {
            Some(ought) => Some(ought),
            None if jumped_back => Some(self.latest),
            None => None,
        };
        let ought = before.map(|before| before.saturating_add(signed(passed)).unwrap_or(Timestamp::MAX));
        // Back in small steps is back as well.
        let ought = ought.or(Some(self.latest)).filter(|ought| behind(wall, *ought));
        *self = Self {
            wall,
            monotonic,
            latest: if ought.is_none() {
                self.latest.max(wall)
            } else {
                self.latest
            },
            ought,
        };
        off
    }

    /// The time that it ought to be, while the clock is behind it and so not to be believed.
    pub fn ought(&self) -> Option<Timestamp> {
        self.ought
    }

    /// Somebody vouches for the wall clock.
    fn confirm(&mut self, wall: Timestamp, monotonic: Instant) {
        *self = Self::begin(None, wall, monotonic);
    }
}

fn behind(wall: Timestamp, other: Timestamp) -> bool {
    other.duration_since(wall) > TOLERANCE
}

/// What a server knows of its clock.
pub struct Trust {
    clocks: Mutex<Clocks>,
    good: AtomicBool,
    /// The latest time that was written down.
    written: Mutex<Option<Timestamp>>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

impl Trust {
    /// Takes up what an earlier run wrote down in this store. `clock` is the one that the server goes by.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn open(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Result<Arc<Self>, Error> {
        let entry = store.get(&Key::new(HIGH_WATER)).await?;
        let written = match &entry {
            None => None,
            Some(entry) => {
                let text = std::str::from_utf8(&entry.value).map_err(Error::internal)?;
                Some(
                    text.parse()
                        .map_err(|_| Error::internal("the latest time cannot be read"))?,
                )
            }
        };
        let clocks = Clocks::begin(written, Timestamp::now(), Instant::now());
        let trust = Self {
            good: AtomicBool::new(true),
            clocks: Mutex::new(clocks),
            written: Mutex::new(written),
            store,
            clock,
        };
        trust.note(&clocks);
        Ok(Arc::new(trust))
    }

    /// Whether dates can be judged now.
    pub fn is_good(&self) -> bool {
        self.good.load(Ordering::Relaxed)
    }

    /// The time that it ought to be at least, while the clock is behind it.
    pub fn ought(&self) -> Option<Timestamp> {
        self.clocks().ought()
    }

    /// Takes note of both clocks; says by how much the wall clock jumped since the last look.
    pub fn look(&self, wall: Timestamp, monotonic: Instant) -> Option<SignedDuration> {
        let mut clocks = self.clocks();
        let off = clocks.look(wall, monotonic);
        self.note(&clocks);
        off
    }

    /// Writes the time down, if it is to be believed and much later than what was written last.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn write_down(&self, wall: Timestamp) -> Result<(), Error> {
        let due = |written: Option<Timestamp>| written.is_none_or(|written| wall.duration_since(written) >= EVERY);
        if !self.is_good() || !due(*self.written()) {
            return Ok(());
        }
        self.put(wall, |written| wall > written).await
    }

    /// Takes the wall clock for right: somebody looked at it. From here on the server goes by it, also where it is back.
    ///
    /// # Errors
    /// When that cannot be written down; then nothing has changed.
    pub async fn confirm(&self) -> Result<(), Error> {
        let wall = Timestamp::now();
        self.put(wall, |_| true).await?;
        self.clock.accept();
        let mut clocks = self.clocks();
        clocks.confirm(wall, Instant::now());
        self.note(&clocks);
        Ok(())
    }

    /// Puts this time in the place of the one that lies there, if it is to give way. Replicas have one in common.
    async fn put(&self, wall: Timestamp, gives_way: impl Fn(Timestamp) -> bool) -> Result<(), Error> {
        let key = Key::new(HIGH_WATER);
        loop {
            let entry = self.store.get(&key).await?;
            let there = entry
                .as_ref()
                .and_then(|entry| std::str::from_utf8(&entry.value).ok()?.parse().ok());
            if let Some(there) = there.filter(|there| !gives_way(*there)) {
                *self.written() = Some(there);
                return Ok(());
            }
            let expect = match entry {
                None => Expect::Absent(key.clone()),
                Some(entry) => Expect::At(key.clone(), entry.revision),
            };
            let commit = Commit::new().expect(expect).put(key.clone(), wall.to_string());
            match self.store.commit(commit).await {
                Ok(_) => {
                    *self.written() = Some(wall);
                    return Ok(());
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn note(&self, clocks: &Clocks) {
        let good = clocks.ought().is_none();
        if self.good.swap(good, Ordering::Relaxed) != good {
            if good {
                tracing::info!("the clock is to be believed again");
            } else {
                tracing::error!(
                    "the clock is behind the time that it has been: nothing that rests on dates is issued or judged; set it \
                     right, or confirm it with POST /clock on the operator's port"
                );
            }
        }
        metrics::gauge!("edgeapp_clock_trusted").set(if good { 1.0 } else { 0.0 });
    }

    fn clocks(&self) -> MutexGuard<'_, Clocks> {
        self.clocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn written(&self) -> MutexGuard<'_, Option<Timestamp>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an answer rests on dates.
type RestsOnDates = dyn Fn(&Ask<'_>) -> bool + Send + Sync;

/// Asks the authorizer behind it, but for what rests on dates only while the clock is to be believed: otherwise that is refused for now.
pub struct WhileTrusted {
    trust: Arc<Trust>,
    rests_on_dates: Box<RestsOnDates>,
    behind: Arc<dyn Authorizer>,
}

impl WhileTrusted {
    /// Before `behind`, for what `rests_on_dates` picks.
    pub fn new(
        trust: Arc<Trust>,
        rests_on_dates: impl Fn(&Ask<'_>) -> bool + Send + Sync + 'static,
        behind: Arc<dyn Authorizer>,
    ) -> Self {
        Self {
            trust,
            rests_on_dates: Box::new(rests_on_dates),
            behind,
        }
    }
}

impl Authorizer for WhileTrusted {
    fn authorize(&self, ask: &Ask<'_>) -> Result<(), Error> {
        if !self.trust.is_good() && (self.rests_on_dates)(ask) {
            return Err(Error::unavailable("the clock of this server is not to be believed now"));
        }
        self.behind.authorize(ask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: i64 = 3_600;
    const YEAR: i64 = 365 * 24 * HOUR;

    fn noon() -> Timestamp {
        "2026-01-05T12:00:00Z".parse().expect("a time")
    }

    fn after(seconds: i64) -> Timestamp {
        noon() + SignedDuration::from_secs(seconds)
    }

    /// Proves: T-32, WP-59
    #[test]
    fn a_jump_is_what_passed_on_one_clock_only() {
        let five = Duration::from_secs(5);
        assert_eq!(jump(noon(), after(5), five), None);
        assert_eq!(jump(noon(), after(35), five), None);
        assert_eq!(jump(noon(), after(36), five), Some(SignedDuration::from_secs(31)));
        assert_eq!(jump(noon(), after(-3600), five), Some(SignedDuration::from_secs(-3605)));
    }

    /// A clock that was set back is not believed until it has caught up; one that was set forward is, and not when it comes back.
    ///
    /// Proves: T-32, WP-59
    #[test]
    fn a_clock_that_went_back_is_believed_when_it_has_caught_up() {
        let began = Instant::now();
        let at = |passed: u64| began + Duration::from_secs(passed);
        for far in [HOUR, YEAR] {
            let mut clocks = Clocks::begin(None, noon(), began);
            assert_eq!(
                clocks.look(after(5 - far), at(5)),
                Some(SignedDuration::from_secs(-far))
            );
            assert_eq!(clocks.ought(), Some(after(5)));
            assert_eq!(clocks.look(after(10 - far), at(10)), None, "it is told once");
            assert_eq!(clocks.ought(), Some(after(10)), "and goes on");
            clocks.look(after(15), at(15));
            assert_eq!(clocks.ought(), None, "it was set right");

            assert_eq!(
                clocks.look(after(20 + far), at(20)),
                Some(SignedDuration::from_secs(far))
            );
            assert_eq!(
                clocks.ought(),
                None,
                "forward, everything ends early, and nothing returns"
            );
            clocks.look(after(25), at(25));
            assert_eq!(
                clocks.ought(),
                Some(after(25 + far)),
                "what ended meanwhile must not return"
            );
            clocks.confirm(after(25), at(25));
            assert_eq!(clocks.ought(), None);
        }
    }

    /// Proves: T-32, WP-59
    #[test]
    fn a_restart_in_the_past_is_noticed() {
        for far in [HOUR, YEAR] {
            assert_eq!(
                Clocks::begin(Some(noon()), after(-far), Instant::now()).ought(),
                Some(noon())
            );
            assert_eq!(Clocks::begin(Some(noon()), after(far), Instant::now()).ought(), None);
        }
        assert_eq!(Clocks::begin(Some(noon()), after(-30), Instant::now()).ought(), None);
    }

    proptest! {
        /// Whatever the clock does, it is believed only where it is not much behind any time at which it was believed.
        ///
        /// Proves: T-32, WP-59
        #[test]
        fn no_believed_time_comes_again(jumps in prop::collection::vec((0_u64..600, -5_000_i64..5_000), 1..30)) {
            let began = Instant::now();
            let mut clocks = Clocks::begin(None, noon(), began);
            let (mut passed, mut wall, mut latest) = (0, 0_i64, noon());
            for (more, off) in jumps {
                passed += more;
                wall += more as i64 + if off % 3 == 0 { off / 50 } else { 0 } + if off % 5 == 0 { off } else { 0 };
                clocks.look(after(wall), began + Duration::from_secs(passed));
                if clocks.ought().is_none() {
                    prop_assert!(latest.duration_since(after(wall)) <= TOLERANCE);
                    latest = latest.max(after(wall));
                }
            }
        }
    }
}
