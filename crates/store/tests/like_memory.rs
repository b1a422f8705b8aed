//! Whatever is asked of it, and however often it is reopened, the file answers as the map does.

use edgeapp_core::store::{Commit, Expect, Key, Revision, Span, Store, StoreError};
use edgeapp_store::{MemoryStore, RedbStore};
use proptest::{collection::vec, prelude::*};

#[derive(Clone, Debug)]
enum Step {
    /// Preconditions (key, how many revisions ago; `None` for absent), puts, deletes.
    Commit(Vec<(u8, Option<u64>)>, Vec<(u8, Vec<u8>)>, Vec<u8>),
    Range(Span),
    Reopen,
}

/// Few keys, so that they meet; some are a prefix of others.
fn name(number: u8) -> String {
    ["a", "a/", "a/1", "a/10", "a/2", "a0", "b/1", "b/2"][usize::from(number % 8)].to_owned()
}

fn commits() -> impl Strategy<Value = Step> {
    let expect = vec((any::<u8>(), prop::option::of(0..3_u64)), 0..2);
    let puts = vec((any::<u8>(), vec(any::<u8>(), 0..40)), 0..4);
    (expect, puts, vec(any::<u8>(), 0..3)).prop_map(|(expect, puts, deletes)| Step::Commit(expect, puts, deletes))
}

fn ranges() -> impl Strategy<Value = Step> {
    let key = || prop::option::of(any::<u8>().prop_map(|number| Key::new(name(number))));
    let prefix = prop::sample::select(vec!["", "a", "a/", "a/1", "b/", "c"]);
    (prefix, key(), key(), prop::option::of(0..5_usize)).prop_map(|(prefix, after, before, limit)| {
        Step::Range(Span {
            prefix: prefix.to_owned(),
            after,
            before,
            limit,
        })
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec(
        prop_oneof![8 => commits(), 3 => ranges(), 1 => Just(Step::Reopen)],
        1..40,
    )
}

async fn same_answers(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("store.redb");
    let open = || RedbStore::open(&path).expect("the store opens");
    let (memory, mut file) = (MemoryStore::new(), open());
    for step in steps {
        match step {
            Step::Commit(expected, puts, deletes) => {
                let mut commit = Commit::new();
                for (key, ago) in expected {
                    let key = Key::new(name(key));
                    let revision = memory
                        .get(&key)
                        .await
                        .expect("get")
                        .map_or(Revision(1), |entry| entry.revision);
                    commit = commit.expect(match ago {
                        Some(ago) => Expect::At(key, Revision(revision.0.saturating_sub(ago / 2))),
                        None => Expect::Absent(key),
                    });
                }
                commit.puts = puts
                    .into_iter()
                    .map(|(key, value)| (name(key).into(), value.into()))
                    .collect();
                commit.deletes = deletes.into_iter().map(|key| name(key).into()).collect();
                let before = file.range(Span::prefix("")).await.expect("range").revision;
                let mut heard = (
                    memory.watch("a/", before).await.expect("watch"),
                    file.watch("a/", before).await.expect("watch"),
                );
                match (memory.commit(commit.clone()).await, file.commit(commit).await) {
                    (Ok(one), Ok(two)) => prop_assert_eq!(one, two),
                    (Err(StoreError::Conflict), Err(StoreError::Conflict)) => {}
                    differ => prop_assert!(false, "{differ:?}"),
                }
                prop_assert_eq!(heard.0.try_recv(), heard.1.try_recv());
            }
            Step::Range(span) => {
                let (one, two) = (
                    memory.range(span.clone()).await.expect("range"),
                    file.range(span).await.expect("range"),
                );
                prop_assert_eq!(one.entries, two.entries);
                prop_assert_eq!((one.revision, one.more), (two.revision, two.more));
            }
            Step::Reopen => {
                drop(file);
                file = open();
            }
        }
    }
    let (one, two) = (
        memory.range(Span::prefix("")).await.expect("range"),
        file.range(Span::prefix("")).await.expect("range"),
    );
    prop_assert_eq!(one.entries, two.entries);
    prop_assert_eq!(one.revision, two.revision);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn redb_answers_as_memory_does(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(same_answers(steps))?;
    }
}
