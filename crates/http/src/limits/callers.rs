//! What one principal asks, whatever connection it asks by. A connection looks its caller up once; a request then only counts.

use super::{LimitSettings, Rate, sampled::Sampled};
use edgeapp_core::principal::{Owner, Principal, Role};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// So many callers are kept before those that are gone are looked for.
const MANY: usize = 1024;

/// The callers that are connected, and those that left a moment ago: who comes back at once has not got a new bucket.
pub(super) struct Callers {
    known: Mutex<Known>,
    settings: LimitSettings,
}

#[derive(Default)]
struct Known {
    by_owner: HashMap<Owner, Arc<Caller>>,
    /// Those who are gone are looked for when there are so many.
    look_at: usize,
}

/// One caller.
pub(crate) struct Caller<C: Clock = MonotonicClock> {
    owner: Owner,
    role: Role,
    rate: Option<(Bucket<C>, C)>,
    /// How long until its bucket is full again.
    rest: Duration,
    running: AtomicUsize,
    most_running: usize,
    connections: AtomicUsize,
    /// When it left.
    left: Mutex<Option<Instant>>,
    refused: Sampled,
    turned_away: Sampled,
}

type Bucket<C> = RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// Why a caller has to wait.
#[derive(Debug)]
pub(super) struct Refused {
    /// How long, when it is for its rate.
    pub(super) wait: Option<Duration>,
    /// How many of its requests were refused, when it is time to tell it.
    pub(super) times: Option<u64>,
}

/// One request of a caller.
pub(super) struct Running<'a>(&'a AtomicUsize);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn number(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl Callers {
    pub(super) fn new(settings: &LimitSettings) -> Self {
        Self {
            known: Mutex::default(),
            settings: *settings,
        }
    }

    /// The caller with one connection more, or how many were turned away when it is time to tell it.
    pub(super) fn meet(&self, principal: &Principal) -> Result<Arc<Caller>, Option<u64>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(caller) = known.by_owner.get(principal.owner()) {
            if caller.connections.load(Ordering::Relaxed) >= number(self.settings.connections_per_caller) {
                return Err(caller.turned_away.happened());
            }
            caller.connections.fetch_add(1, Ordering::Relaxed);
            return Ok(caller.clone());
        }
        if known.by_owner.len() >= known.look_at.max(MANY) {
            let now = Instant::now();
            known.by_owner.retain(|_, caller| !caller.is_forgotten(now));
            known.look_at = 2 * known.by_owner.len();
        }
        let rate = self.settings.rate(principal.role());
        let caller = Caller::new(principal, rate, &self.settings, MonotonicClock);
        let caller = Arc::new(caller);
        caller.connections.fetch_add(1, Ordering::Relaxed);
        known.by_owner.insert(principal.owner().clone(), caller.clone());
        Ok(caller)
    }
}

impl<C: Clock + Clone> Caller<C> {
    fn new(principal: &Principal, rate: Option<Rate>, settings: &LimitSettings, clock: C) -> Self {
        let quota = |rate: Rate| {
            let second = NonZeroU32::new(rate.requests_per_second).unwrap_or(NonZeroU32::MIN);
            let burst = NonZeroU32::new(rate.burst()).unwrap_or(NonZeroU32::MIN);
            Quota::per_second(second).allow_burst(burst)
        };
        let quota = rate.map(quota);
        Self {
            owner: principal.owner().clone(),
            role: principal.role(),
            rest: quota.map(|quota| quota.burst_size_replenished_in()).unwrap_or_default(),
            rate: quota.map(|quota| (RateLimiter::direct_with_clock(quota, clock.clone()), clock)),
            running: AtomicUsize::new(0),
            most_running: number(settings.requests_at_a_time_per_caller),
            connections: AtomicUsize::new(0),
            left: Mutex::new(None),
            refused: Sampled::default(),
            turned_away: Sampled::default(),
        }
    }

    /// Lets one more request in, or says why not.
    pub(super) fn admit(&self) -> Result<Running<'_>, Refused> {
        let refused = |wait| Refused {
            wait,
            times: self.refused.happened(),
        };
        if let Some((bucket, clock)) = &self.rate {
            bucket
                .check()
                .map_err(|until| refused(Some(until.wait_time_from(clock.now()))))?;
        }
        let before = self.running.fetch_add(1, Ordering::Relaxed);
        let running = Running(&self.running);
        if before < self.most_running {
            Ok(running)
        } else {
            Err(refused(None))
        }
    }
}

impl<C: Clock> Caller<C> {
    pub(super) fn owner(&self) -> &Owner {
        &self.owner
    }

    pub(super) fn role(&self) -> Role {
        self.role
    }

    /// One of its connections has ended.
    pub(crate) fn leave(&self) {
        if self.connections.fetch_sub(1, Ordering::Relaxed) == 1 {
            *self.left.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
    }

    /// Whether it is gone, and would find a full bucket if it came back.
    fn is_forgotten(&self, now: Instant) -> bool {
        let left = *self.left.lock().unwrap_or_else(PoisonError::into_inner);
        self.connections.load(Ordering::Relaxed) == 0 && left.is_none_or(|left| now.duration_since(left) > self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;

    fn eec(number: usize) -> Principal {
        let uri = format!("urn:edgeapp:eec:eec-{number}");
        Principal::from_names([uri.as_str()], []).expect("an identity")
    }

    fn settings(second: u32, burst: u32) -> LimitSettings {
        LimitSettings {
            eec: Rate {
                requests_per_second: second,
                burst: Some(burst),
            },
            connections_per_caller: 2,
            requests_at_a_time_per_caller: 3,
            ..LimitSettings::default()
        }
    }

    #[test]
    fn a_caller_has_its_burst_and_then_its_rate() {
        let (settings, clock) = (settings(10, 20), FakeRelativeClock::default());
        let caller = Caller::new(&eec(1), settings.rate(Role::Eec), &settings, clock.clone());
        for n in 0..20 {
            assert!(caller.admit().is_ok(), "{n}");
        }
        let refused = caller.admit().err().expect("refused");
        assert_eq!(refused.times, Some(1));
        let wait = refused.wait.expect("for its rate");
        assert!(wait > Duration::ZERO && wait <= Duration::from_millis(100), "{wait:?}");
        clock.advance(wait);
        assert!(caller.admit().is_ok(), "after what it was told to wait");
        assert!(caller.admit().is_err());
        clock.advance(Duration::from_secs(1));
        assert_eq!((0..100).filter(|_| caller.admit().is_ok()).count(), 10);
    }

    #[test]
    fn so_many_at_a_time() {
        let settings = settings(1000, 1000);
        let callers = Callers::new(&settings);
        let caller = callers.meet(&eec(1)).expect("a place");
        let mut running: Vec<_> = (0..3).map(|_| caller.admit().expect("a place")).collect();
        let refused = caller.admit().err().expect("refused");
        assert_eq!(refused.wait, None);
        running.pop();
        assert!(caller.admit().is_ok());
    }

    #[test]
    fn so_many_connections_and_one_bucket_for_all_of_them() {
        let callers = Callers::new(&settings(1, 2));
        let (one, two) = (
            callers.meet(&eec(1)).expect("a place"),
            callers.meet(&eec(1)).expect("a place"),
        );
        assert!(callers.meet(&eec(1)).is_err());
        assert!(one.admit().is_ok() && two.admit().is_ok());
        assert!(one.admit().is_err() && two.admit().is_err());
        let other = callers.meet(&eec(2)).expect("a place");
        assert!(other.admit().is_ok(), "others do not notice");
        one.leave();
        let back = callers.meet(&eec(1)).expect("a place");
        assert!(back.admit().is_err(), "a new connection brings no new bucket");
    }

    #[test]
    fn callers_that_are_gone_are_forgotten_once_their_bucket_is_full() {
        let callers = Callers::new(&settings(1, 3600));
        let caller = callers.meet(&eec(0)).expect("a place");
        let now = Instant::now();
        assert!(!caller.is_forgotten(now + Duration::from_secs(7200)), "it is connected");
        caller.leave();
        assert!(
            !caller.is_forgotten(now + Duration::from_secs(60)),
            "its bucket is not full"
        );
        assert!(caller.is_forgotten(now + Duration::from_secs(7200)));
    }

    #[test]
    fn memory_is_bounded_by_who_is_here() {
        let fast = LimitSettings {
            unlimited_rates_for_load_tests: true,
            ..LimitSettings::default()
        };
        let callers = Callers::new(&fast);
        let here: Vec<_> = (0..100).map(|n| callers.meet(&eec(n)).expect("a place")).collect();
        for n in 100..20_000 {
            callers.meet(&eec(n)).expect("a place").leave();
        }
        let kept = callers.known.lock().expect("not poisoned").by_owner.len();
        assert!(kept >= here.len() && kept <= 2 * MANY, "{kept}");
    }
}
