//! How much one caller may keep: whatever meets whatever, the maximum holds and the counts are true.

use async_trait::async_trait;
use edgeapp_core::{
    clock::{Lifetimes, ManualClock},
    collection::{Change, Collection, Resource, key_of},
    error::{Cause, Error},
    kept::Kept,
    patch::PatchRules,
    principal::{Owner, Principal},
    quota::{Kind, Quotas},
    room::{Decision, Room, Seen},
    store::{Commit, Entry, Key, Range, Revision, Span, Store, StoreError, Watch},
    sweeper::{self, Expiring},
};
use edgeapp_openapi::common::DateTime;
use edgeapp_store::MemoryStore;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};
use tokio::task::JoinSet;

const MOST: u32 = 3;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
struct Thing {
    size: u32,
    end: Option<DateTime>,
}

impl Resource for Thing {
    const PREFIX: &'static str = "thing/";
    const PATCH: PatchRules = PatchRules {
        changeable: &["size", "end"],
        clearable: &[],
        fixed: &[],
    };

    fn not_found() -> Error {
        Error::not_found("thing")
    }

    fn expiry(&mut self) -> Option<&mut Option<DateTime>> {
        Some(&mut self.end)
    }

    fn may_become(&self, _: &Self) -> Result<(), Error> {
        Ok(())
    }
}

struct Nothing;

#[async_trait]
impl Expiring for Nothing {
    async fn expired(&self, _: &Key, _: &mut Seen) -> Result<Decision<()>, Error> {
        Ok(Decision::of(()))
    }
}

/// A store between whose steps others get their turn, now more, now less; after each commit it looks whether the maximum holds.
struct Interleaving {
    inner: MemoryStore,
    steps: AtomicU32,
}

impl Interleaving {
    async fn others(&self) {
        let step = self.steps.fetch_add(0x9e37_79b9, Ordering::Relaxed);
        for _ in 0..(step >> 29) {
            tokio::task::yield_now().await;
        }
    }

    async fn kept(&self) -> BTreeMap<Owner, u32> {
        let mut counts = BTreeMap::new();
        for entry in self.inner.range(Span::prefix("thing/")).await.unwrap().entries {
            *counts
                .entry(Kept::<Thing>::from_entry(&entry).unwrap().owner)
                .or_default() += 1;
        }
        counts
    }
}

#[async_trait]
impl Store for Interleaving {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        self.others().await;
        self.inner.get(key).await
    }

    async fn range(&self, span: Span) -> Result<Range, StoreError> {
        self.others().await;
        self.inner.range(span).await
    }

    async fn commit(&self, commit: Commit) -> Result<Revision, StoreError> {
        self.others().await;
        let done = self.inner.commit(commit).await;
        let kept = self.kept().await;
        assert!(kept.values().all(|count| *count <= MOST), "{kept:?}");
        self.others().await;
        done
    }

    async fn watch(&self, prefix: &str, from: Revision) -> Result<Watch, StoreError> {
        self.inner.watch(prefix, from).await
    }

    fn is_shared(&self) -> bool {
        true
    }
}

fn quotas(most: u32) -> Quotas {
    Quotas::new(vec![Kind {
        prefix: Thing::PREFIX,
        what: "things",
        setting: "quotas.things",
        most,
    }])
}

fn somebody(n: u32) -> Principal {
    let name = format!("urn:edgeapp:eas:eas.example#{n}");
    Principal::from_names([name.as_str()], []).unwrap()
}

fn things(store: &Arc<dyn Store>, clock: &Arc<ManualClock>) -> Collection<Thing> {
    let room = Room::new(store.clone(), clock.clone()).with_quotas(quotas(MOST));
    let for_a_minute = Lifetimes {
        max: None,
        default: Some(60),
        spread_percent: 0,
    };
    Collection::new(room, for_a_minute)
}

async fn make(things: &Collection<Thing>, who: &Principal) -> Result<String, Error> {
    let thing = Thing { size: 1, end: None };
    let alone = |_: &str, _: &mut Thing, _: &mut Seen| Ok(Decision::of(()));
    things.create(who, thing, alone).await.map(|(id, _)| id)
}

async fn counts(store: &dyn Store) -> BTreeMap<String, String> {
    let entries = store.range(Span::prefix("quota/")).await.unwrap().entries;
    let text = |entry: Entry| {
        (
            entry.key.to_string(),
            String::from_utf8_lossy(&entry.value).into_owned(),
        )
    };
    entries.into_iter().map(text).collect()
}

fn memory() -> (Arc<dyn Store>, Arc<ManualClock>) {
    let clock = ManualClock::at("2026-01-05T12:00:00Z".parse().unwrap());
    (Arc::new(MemoryStore::new()), clock)
}

/// Proves: WP-42, T-36
#[tokio::test]
async fn one_more_than_the_maximum_is_refused_with_the_remedy() {
    let (store, clock) = memory();
    let things = things(&store, &clock);
    let (one, other) = (somebody(1), somebody(2));
    for _ in 0..MOST {
        things.allow_another(&one).await.unwrap();
        make(&things, &one).await.unwrap();
    }
    for refusal in [make(&things, &one).await.map(|_| ()), things.allow_another(&one).await] {
        let refusal = refusal.expect_err("refused");
        assert_eq!(refusal.cause, Cause::QuotaExceeded);
        assert!(
            refusal.detail.contains("3 things") && refusal.detail.contains("quotas.things"),
            "{refusal}"
        );
    }
    make(&things, &other).await.expect("another caller has its own");
}

#[tokio::test]
async fn removal_and_expiry_make_room() {
    let (store, clock) = memory();
    let things = things(&store, &clock);
    let one = somebody(1);
    let mut ids = Vec::new();
    for _ in 0..MOST {
        ids.push(make(&things, &one).await.unwrap());
    }
    let also = |_: &Thing| Ok(Decision::of(()));
    things.remove(&one, &ids[0], also).await.unwrap();
    make(&things, &one).await.expect("there is room again");
    make(&things, &one).await.expect_err("and no more");
    clock.advance(61);
    assert_eq!(sweeper::sweep(things.room(), &Nothing).await.unwrap(), MOST as usize);
    assert!(counts(&*store).await.is_empty(), "no count is kept of nothing");
    make(&things, &one).await.expect("all have expired");
}

#[tokio::test]
async fn what_takes_the_place_of_another_counts_once() {
    let (store, clock) = memory();
    let things = things(&store, &clock);
    let one = somebody(1);
    let mut last = String::new();
    for _ in 0..MOST {
        last = make(&things, &one).await.unwrap();
    }
    let old = key_of::<Thing, ()>(&one, &last);
    let instead = |_: &str, _: &mut Thing, _: &mut Seen| Ok(Decision::of(()).delete(&old));
    let thing = Thing { size: 2, end: None };
    things.create(&one, thing, instead).await.expect("as many as before");
    assert_eq!(counts(&*store).await.into_values().collect::<Vec<_>>(), ["3"]);
}

/// A server of an earlier version kept things without counting them.
#[tokio::test]
async fn what_was_kept_before_is_counted_once() {
    let (store, clock) = memory();
    let before = Collection::<Thing>::new(
        Room::new(store.clone(), clock.clone()),
        Lifetimes {
            max: None,
            default: None,
            spread_percent: 0,
        },
    );
    let one = somebody(1);
    for n in 0..200 {
        make(&before, &somebody(n % 100)).await.unwrap();
    }
    let things = things(&store, &clock);
    for _ in 0..2 {
        things.room().quotas().prepare(things.room()).await.unwrap();
        assert_eq!(
            counts(&*store).await.values().filter(|count| *count == "2").count(),
            100
        );
    }
    make(&things, &one).await.expect("the third");
    make(&things, &one).await.expect_err("the fourth");
    things.room().quotas().prepare(things.room()).await.unwrap();
    make(&things, &one).await.expect_err("it is counted once and for all");
}

#[tokio::test]
async fn a_lower_maximum_takes_nothing_away() {
    let (store, clock) = memory();
    let things = things(&store, &clock);
    let one = somebody(1);
    let mut ids = Vec::new();
    for _ in 0..MOST {
        ids.push(make(&things, &one).await.unwrap());
    }
    let room = Room::new(store.clone(), clock.clone()).with_quotas(quotas(1));
    let fewer = Collection::<Thing>::new(
        room,
        Lifetimes {
            max: None,
            default: None,
            spread_percent: 0,
        },
    );
    let bigger = Change::Patch(serde_json::json!({"size": 5}));
    let also = |_: &Thing, _: &mut Thing| Ok(Decision::of(()));
    assert_eq!(fewer.change(&one, &ids[0], &bigger, also).await.unwrap().value.size, 5);
    for id in &ids {
        make(&fewer, &one).await.expect_err("too many already");
        fewer.remove(&one, id, |_: &Thing| Ok(Decision::of(()))).await.unwrap();
    }
    make(&fewer, &one).await.expect("room for one");
}

/// Of two that meet at the last place, one gets it, in one process and among replicas.
///
/// Proves: WP-42
#[tokio::test]
async fn of_many_at_once_as_many_as_there_is_room_for_get_through() {
    let (store, clock) = memory();
    let replicas = [things(&store, &clock), things(&store, &clock)];
    let mut all = JoinSet::new();
    for n in 0..60 {
        let things = replicas[n % 2].clone();
        all.spawn(async move { make(&things, &somebody(1)).await });
    }
    let results = all.join_all().await;
    let made = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(made, MOST as usize);
    let refused = |result: &&Result<_, Error>| result.as_ref().is_err_and(|error| error.cause == Cause::QuotaExceeded);
    assert_eq!(results.iter().filter(refused).count(), 60 - made);
}

/// What a caller does in the property test.
#[derive(Clone, Copy, Debug)]
enum Step {
    Make,
    RemoveOldest,
    Grow,
    Wait,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Make),
        2 => Just(Step::RemoveOldest),
        1 => Just(Step::Grow),
        1 => Just(Step::Wait),
    ];
    prop::collection::vec(step, 1..12)
}

async fn act(things: Collection<Thing>, clock: Arc<ManualClock>, who: Principal, steps: Vec<Step>) {
    let mut mine = Vec::new();
    for step in steps {
        match step {
            Step::Make => match make(&things, &who).await {
                Ok(id) => mine.push(id),
                Err(error) => assert_eq!(error.cause, Cause::QuotaExceeded, "{error}"),
            },
            Step::RemoveOldest if !mine.is_empty() => {
                // It may have expired.
                let _ = things
                    .remove(&who, &mine.remove(0), |_: &Thing| Ok(Decision::of(())))
                    .await;
            }
            Step::Grow if !mine.is_empty() => {
                let bigger = Change::Patch(serde_json::json!({"size": 2}));
                let _ = things
                    .change(&who, &mine[0], &bigger, |_: &Thing, _: &mut Thing| Ok(Decision::of(())))
                    .await;
            }
            Step::RemoveOldest | Step::Grow => {}
            Step::Wait => {
                clock.advance(25);
                sweeper::sweep(things.room(), &Nothing).await.unwrap();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Two callers, each at several places and two replicas at once, and sweeps in between: at no commit does one have more than it may
    /// (the store looks), and in the end the counts say what is there.
    ///
    /// Proves: WP-42, T-36
    #[test]
    fn no_interleaving_leads_past_the_maximum(
        seed in any::<u32>(),
        acts in prop::collection::vec((0..2_u32, 0..2_usize, steps()), 1..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (_, clock) = memory();
            let inner = Arc::new(Interleaving { inner: MemoryStore::new(), steps: AtomicU32::new(seed) });
            let store: Arc<dyn Store> = inner.clone();
            let replicas = [things(&store, &clock), things(&store, &clock)];
            let mut all = JoinSet::new();
            for (who, replica, steps) in acts {
                all.spawn(act(replicas[replica].clone(), clock.clone(), somebody(who), steps));
            }
            while let Some(done) = all.join_next().await {
                done.unwrap();
            }
            let kept: BTreeMap<String, String> = inner
                .kept()
                .await
                .into_iter()
                .map(|(owner, count)| (format!("quota/thing/{}", Key::part(owner.as_str())), count.to_string()))
                .collect();
            assert_eq!(counts(&*store).await, kept);
        });
    }
}
