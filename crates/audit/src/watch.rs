//! What the server sees of its surroundings: a clock that jumps, a state that cannot be read or written, consents that end.

use async_trait::async_trait;
use edgeapp_core::{
    consent::Consent,
    evidence::{Evidence, SecurityEvent, SecurityEventKind},
    store::{Commit, Entry, Key, Range, Revision, Span, Store, StoreError, Watch},
};
use jiff::{SignedDuration, Timestamp};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::broadcast::error::RecvError;

/// Wall clock and monotonic clock may drift apart by this much between two looks.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(30);
/// How often the clocks are compared.
const EVERY: Duration = Duration::from_secs(5);

/// By how much the wall clock jumped while `passed` went by on the monotonic one; nothing when within tolerance.
pub fn jump(before: Timestamp, after: Timestamp, passed: Duration) -> Option<SignedDuration> {
    let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
    let off = after.duration_since(before).saturating_sub(passed);
    (off.abs() > TOLERANCE).then_some(off)
}

/// How many seconds `now` lies before a time that was written down earlier; nothing when within tolerance.
pub(crate) fn backwards(written: Timestamp, now: Timestamp) -> Option<i64> {
    let back = written.duration_since(now);
    (back > TOLERANCE).then(|| back.as_secs())
}

/// Both clocks as they were at the last look.
struct Clocks {
    wall: Timestamp,
    monotonic: Instant,
}

impl Clocks {
    /// Tells of a jump since the last look.
    fn look(&mut self, wall: Timestamp, monotonic: Instant, evidence: &dyn Evidence) {
        if let Some(off) = jump(self.wall, wall, monotonic.duration_since(self.monotonic)) {
            tracing::warn!(seconds = off.as_secs(), "the clock has jumped");
            let reason = format!("the clock went {} s away from the time that passed", off.as_secs());
            evidence.record(SecurityEvent::new(SecurityEventKind::ClockJump, reason).about("wall clock"));
        }
        *self = Self { wall, monotonic };
    }
}

/// Compares the wall clock with the monotonic one again and again, until dropped. The wall clock is read as it is: the port
/// [`Clock`](edgeapp_core::clock::Clock) hides steps backwards.
pub async fn clock(evidence: Arc<dyn Evidence>) {
    let mut clocks = Clocks {
        wall: Timestamp::now(),
        monotonic: Instant::now(),
    };
    loop {
        tokio::time::sleep(EVERY).await;
        clocks.look(Timestamp::now(), Instant::now(), evidence.as_ref());
    }
}

/// Tells of each consent that a user takes back, until dropped.
pub async fn withdrawals(consent: Arc<dyn Consent>, evidence: Arc<dyn Evidence>) {
    let mut withdrawals = consent.withdrawals();
    loop {
        let (about, reason) = match withdrawals.recv().await {
            Ok(withdrawal) => {
                let about = withdrawal.ue.map_or_else(
                    || "every UE".to_owned(),
                    |ue| edgeapp_core::pseudonym::of(ue).to_string(),
                );
                let purpose = withdrawal.purpose.map_or("every purpose", |purpose| purpose.as_str());
                (about, format!("the consent to {purpose} was taken back"))
            }
            Err(RecvError::Lagged(count)) => ("several UEs".to_owned(), format!("{count} consents were taken back")),
            Err(RecvError::Closed) => return,
        };
        evidence.record(SecurityEvent::new(SecurityEventKind::ConsentRevoked, reason).about(about));
    }
}

/// A store that tells of what it cannot read or write, once until it works again.
pub struct Watched {
    store: Arc<dyn Store>,
    evidence: Arc<dyn Evidence>,
    full: AtomicBool,
    damaged: AtomicBool,
}

impl Watched {
    /// The same store, told of by this.
    pub fn over(store: Arc<dyn Store>, evidence: Arc<dyn Evidence>) -> Arc<dyn Store> {
        Arc::new(Self {
            store,
            evidence,
            full: AtomicBool::new(false),
            damaged: AtomicBool::new(false),
        })
    }

    fn seen<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        let (kind, said, reason) = match &result {
            Err(StoreError::Full(reason)) => (SecurityEventKind::DiskLow, &self.full, reason),
            Err(StoreError::Damaged(reason)) => (SecurityEventKind::StateCorrupt, &self.damaged, reason),
            _ => return result,
        };
        if !said.swap(true, Ordering::Relaxed) {
            self.evidence
                .record(SecurityEvent::new(kind, reason.clone()).about("store"));
        }
        result
    }
}

#[async_trait]
impl Store for Watched {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        self.seen(self.store.get(key).await)
    }

    async fn range(&self, span: Span) -> Result<Range, StoreError> {
        self.seen(self.store.range(span).await)
    }

    async fn commit(&self, commit: Commit) -> Result<Revision, StoreError> {
        let done = self.store.commit(commit).await;
        if done.is_ok() && self.full.load(Ordering::Relaxed) {
            self.full.store(false, Ordering::Relaxed);
        }
        self.seen(done)
    }

    async fn watch(&self, prefix: &str, from: Revision) -> Result<Watch, StoreError> {
        self.seen(self.store.watch(prefix, from).await)
    }

    fn is_shared(&self) -> bool {
        self.store.is_shared()
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.seen(self.store.check().await)
    }
}

/// Without an audit log, events are lines of the ordinary log, of the target `security`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ToTheLog;

impl Evidence for ToTheLog {
    fn record(&self, event: SecurityEvent) {
        let names = edgeapp_core::pseudonym::in_use();
        let actor = event
            .actor
            .as_ref()
            .map(|actor| names.of_owner(actor))
            .unwrap_or_default();
        let from = event
            .from
            .map(|from| names.of(&from.to_canonical().to_string()))
            .unwrap_or_default();
        let target = names.scrub(event.target.as_deref().unwrap_or_default()).into_owned();
        let reason = crate::record::capped(&names.scrub(&event.reason));
        tracing::info!(target: "security", event = event.kind.as_str(), actor, from, about = target, reason, "security event");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    fn noon() -> Timestamp {
        "2026-01-05T12:00:00Z".parse().expect("a time")
    }

    #[derive(Default)]
    struct Told(Mutex<Vec<SecurityEvent>>);

    impl Evidence for Told {
        fn record(&self, event: SecurityEvent) {
            self.0.lock().expect("nobody panics").push(event);
        }
    }

    #[test]
    fn a_jump_is_what_passed_on_one_clock_only() {
        let after = |seconds: i64| noon() + SignedDuration::from_secs(seconds);
        let five = Duration::from_secs(5);
        assert_eq!(jump(noon(), after(5), five), None);
        assert_eq!(jump(noon(), after(35), five), None);
        assert_eq!(jump(noon(), after(36), five), Some(SignedDuration::from_secs(31)));
        assert_eq!(jump(noon(), after(-3600), five), Some(SignedDuration::from_secs(-3605)));
        assert_eq!(backwards(noon(), after(60)), None);
        assert_eq!(backwards(noon(), after(-30)), None);
        assert_eq!(backwards(noon(), after(-3600)), Some(3600));
    }

    #[test]
    fn a_clock_that_jumps_is_told_of_once() {
        let (told, began) = (Told::default(), Instant::now());
        let mut clocks = Clocks {
            wall: noon(),
            monotonic: began,
        };
        let kinds = || -> Vec<_> { told.0.lock().expect("told").iter().map(|event| event.kind).collect() };
        let at = |seconds: i64| noon() + SignedDuration::from_secs(seconds);
        clocks.look(at(5), began + EVERY, &told);
        assert_eq!(kinds(), []);
        clocks.look(at(3610), began + 2 * EVERY, &told);
        clocks.look(at(3615), began + 3 * EVERY, &told);
        assert_eq!(kinds(), [SecurityEventKind::ClockJump]);
        clocks.look(at(20), began + 4 * EVERY, &told);
        assert_eq!(kinds(), [SecurityEventKind::ClockJump; 2]);
    }

    struct Broken(fn() -> StoreError);

    #[async_trait]
    impl Store for Broken {
        async fn get(&self, _: &Key) -> Result<Option<Entry>, StoreError> {
            Err((self.0)())
        }

        async fn range(&self, _: Span) -> Result<Range, StoreError> {
            Err((self.0)())
        }

        async fn commit(&self, commit: Commit) -> Result<Revision, StoreError> {
            if commit.is_empty() {
                Ok(Revision(1))
            } else {
                Err((self.0)())
            }
        }

        async fn watch(&self, _: &str, _: Revision) -> Result<Watch, StoreError> {
            Err((self.0)())
        }

        fn is_shared(&self) -> bool {
            false
        }
    }

    #[tokio::test]
    async fn a_full_or_damaged_store_is_told_of_once_until_it_works_again() {
        let told = Arc::new(Told::default());
        let full = Watched::over(Arc::new(Broken(|| StoreError::Full("no space".into()))), told.clone());
        let change = || Commit::new().put("a", "b");
        assert!(full.commit(change()).await.is_err());
        assert!(full.commit(change()).await.is_err());
        assert!(full.commit(Commit::new()).await.is_ok());
        assert!(full.commit(change()).await.is_err());
        let damaged = Watched::over(Arc::new(Broken(|| StoreError::Damaged("page 7".into()))), told.clone());
        assert!(damaged.get(&"a".into()).await.is_err());
        let kinds: Vec<_> = told.0.lock().expect("told").iter().map(|event| event.kind).collect();
        assert_eq!(
            kinds,
            [
                SecurityEventKind::DiskLow,
                SecurityEventKind::DiskLow,
                SecurityEventKind::StateCorrupt
            ]
        );
    }
}
