//! What the server sees of its surroundings: a clock that jumps, a state that cannot be read or written, consents that end.

use crate::repeated::{Counted, Repeated};
use async_trait::async_trait;
use edgeapp_core::{
    clock::trust::{TOLERANCE, Trust},
    consent::Consent,
    evidence::{Evidence, SecurityEvent, SecurityEventKind},
    store::{Commit, Entry, Key, Range, Revision, Span, Store, StoreError, Watch},
};
use jiff::Timestamp;
use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::broadcast::error::RecvError;

/// How often the clocks are compared.
const EVERY: Duration = Duration::from_secs(5);

/// How many seconds `now` lies before a time that was written down earlier; nothing when within tolerance.
pub(crate) fn backwards(written: Timestamp, now: Timestamp) -> Option<i64> {
    let back = written.duration_since(now);
    (back > TOLERANCE).then(|| back.as_secs())
}

/// Compares the wall clock with the monotonic one again and again, until dropped, and writes down how late it is. The wall clock is read
/// as it is: the port [`Clock`](edgeapp_core::clock::Clock) hides steps backwards.
pub async fn clock(evidence: Arc<dyn Evidence>, trust: Arc<Trust>) {
    if let Some(ought) = trust.ought() {
        let reason = format!("the clock is behind {ought}, the latest time of an earlier run");
        evidence.record(SecurityEvent::new(SecurityEventKind::ClockJump, reason).about("wall clock"));
    }
    loop {
        look(&trust, Timestamp::now(), Instant::now(), evidence.as_ref());
        if let Err(error) = trust.write_down(Timestamp::now()).await {
            tracing::warn!(%error, "the time cannot be written down");
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Looks at both clocks and tells of a jump since the last look.
fn look(trust: &Trust, wall: Timestamp, monotonic: Instant, evidence: &dyn Evidence) {
    if let Some(off) = trust.look(wall, monotonic) {
        tracing::warn!(seconds = off.as_secs(), "the clock has jumped");
        let reason = format!("the clock went {} s away from the time that passed", off.as_secs());
        evidence.record(SecurityEvent::new(SecurityEventKind::ClockJump, reason).about("wall clock"));
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

/// Events of one kind and caller that are lines of their own within ten seconds.
const BURST: u64 = 200;

/// Without an audit log, events are lines of the ordinary log, of the target `security`. What repeats itself is counted as in the audit log;
/// the count is a line when the next event comes.
pub struct ToTheLog(Mutex<Repeated>);

impl Default for ToTheLog {
    fn default() -> Self {
        Self(Mutex::new(Repeated::within(BURST)))
    }
}

impl Evidence for ToTheLog {
    fn record(&self, event: SecurityEvent) {
        let (singly, counted) = {
            let mut repeated = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let counted = repeated.counted(false);
            (repeated.singly(&event), counted)
        };
        let names = edgeapp_core::pseudonym::in_use();
        let address = |from: Option<IpAddr>| {
            from.map(|from| names.of(&from.to_canonical().to_string()))
                .unwrap_or_default()
        };
        for Counted {
            kind,
            actor,
            from,
            count,
        } in counted
        {
            let actor = names.scrub(actor.as_deref().unwrap_or_default()).into_owned();
            tracing::info!(target: "security", event = kind.as_str(), actor, from = address(from), count, "security events that were no lines of their own");
        }
        if !singly {
            return;
        }
        let actor = event
            .actor
            .as_ref()
            .map(|actor| names.of_owner(actor))
            .unwrap_or_default();
        let from = address(event.from);
        let target = names.scrub(event.target.as_deref().unwrap_or_default()).into_owned();
        let reason = crate::record::capped(&names.scrub(&event.reason));
        tracing::info!(target: "security", event = event.kind.as_str(), actor, from, about = target, reason, "security event");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

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
    fn a_clock_behind_the_last_record_is_told() {
        let after = |seconds: i64| noon() + SignedDuration::from_secs(seconds);
        assert_eq!(backwards(noon(), after(60)), None);
        assert_eq!(backwards(noon(), after(-30)), None);
        assert_eq!(backwards(noon(), after(-3600)), Some(3600));
    }

    /// Proves: T-32, WP-59
    #[tokio::test]
    async fn a_clock_that_jumps_is_told_of_once_and_not_believed_when_it_is_back() {
        let told = Told::default();
        let clock = Arc::new(edgeapp_core::clock::SystemClock::default());
        let trust = Trust::open(Arc::new(Broken(|| StoreError::Conflict)), clock.clone()).await;
        assert!(trust.is_err(), "a state that cannot be read is no state without a time");
        let trust = Trust::open(Arc::new(Nothing), clock).await.expect("a state");
        let (began, now) = (Instant::now(), Timestamp::now());
        let kinds = || -> Vec<_> { told.0.lock().expect("told").iter().map(|event| event.kind).collect() };
        let at = |seconds: i64| now + SignedDuration::from_secs(seconds);
        look(&trust, at(5), began + EVERY, &told);
        assert_eq!(kinds(), []);
        look(&trust, at(3610), began + 2 * EVERY, &told);
        look(&trust, at(3615), began + 3 * EVERY, &told);
        assert_eq!(kinds(), [SecurityEventKind::ClockJump]);
        assert!(trust.is_good());
        look(&trust, at(20), began + 4 * EVERY, &told);
        assert_eq!(kinds(), [SecurityEventKind::ClockJump; 2]);
        assert!(!trust.is_good());
    }

    /// A store in which nothing lies, and nothing is kept.
    struct Nothing;

    #[async_trait]
    impl Store for Nothing {
        async fn get(&self, _: &Key) -> Result<Option<Entry>, StoreError> {
            Ok(None)
        }

        async fn range(&self, _: Span) -> Result<Range, StoreError> {
            Ok(Range::default())
        }

        async fn commit(&self, _: Commit) -> Result<Revision, StoreError> {
            Ok(Revision(1))
        }

        async fn watch(&self, _: &str, _: Revision) -> Result<Watch, StoreError> {
            Err(StoreError::Unavailable("nothing changes".into()))
        }

        fn is_shared(&self) -> bool {
            false
        }
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
