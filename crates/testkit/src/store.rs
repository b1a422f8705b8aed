//! The battery that every [`Store`] passes: what the port promises, asked of an adapter from outside.

use bytes::Bytes;
use edgeapp_core::store::{Batch, Change, Commit, Entry, Expect, Key, Range, Revision, Span, Store, StoreError, Watch};
use futures_util::future::join_all;
use std::time::Duration;

/// How long a change may take to reach a watcher before the battery gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Asks an adapter for everything the port promises. `make` gives an empty store each time it is called.
///
/// # Panics
/// When the adapter breaks a promise.
pub async fn keeps_the_contract<S: Store>(make: impl AsyncFn() -> S) {
    keeps_the_contract_but_for_cut_ranges(&make).await;
    a_range_obeys_after_before_and_limit(&make().await).await;
    long_ranges_page_without_gap_or_repeat(&make().await, |paged| paged).await;
}

/// Asks for everything but the order of ranges that are cut by a limit or begin and end in the middle: they are complete, in an order of
/// the store's own. For stores whose keys are not readable below.
///
/// # Panics
/// When the adapter breaks a promise.
pub async fn keeps_the_contract_in_its_own_order<S: Store>(make: impl AsyncFn() -> S) {
    keeps_the_contract_but_for_cut_ranges(&make).await;
    let sorted = |mut paged: Vec<String>| {
        paged.sort();
        paged
    };
    long_ranges_page_without_gap_or_repeat(&make().await, sorted).await;
}

async fn keeps_the_contract_but_for_cut_ranges<S: Store>(make: &impl AsyncFn() -> S) {
    a_put_is_read_back(&make().await).await;
    an_absent_key_reads_as_none(&make().await).await;
    a_delete_removes(&make().await).await;
    deleting_an_absent_key_is_no_error(&make().await).await;
    a_commit_without_changes_only_checks(&make().await).await;
    a_key_named_twice_has_one_fate(&make().await).await;
    revisions_grow(&make().await).await;
    values_of_all_sizes_come_back(&make().await).await;
    keys_with_odd_characters_come_back(&make().await).await;
    a_range_is_in_order_of_keys(&make().await).await;
    a_prefix_ends_where_it_ends(&make().await).await;
    absent_is_checked(&make().await).await;
    at_is_checked(&make().await).await;
    a_refused_commit_changes_nothing(&make().await).await;
    a_commit_is_seen_whole(&make().await).await;
    concurrent_increments_lose_nothing(&make().await).await;
    one_of_many_creators_wins(&make().await).await;
    a_watch_after_a_range_misses_nothing(&make().await).await;
    a_watch_sees_its_prefix_only(&make().await).await;
    a_watch_under_load_sees_each_commit_once_in_order(&make().await).await;
    two_watches_see_the_same(&make().await).await;
    make().await.check().await.expect("a store that works says so");
}

async fn a_put_is_read_back(store: &dyn Store) {
    let revision = put(store, "eas/1", "one").await;
    assert_eq!(get(store, "eas/1").await, Some(entry("eas/1", "one", revision)));
    let newer = put(store, "eas/1", "two").await;
    assert_eq!(get(store, "eas/1").await, Some(entry("eas/1", "two", newer)));
}

async fn an_absent_key_reads_as_none(store: &dyn Store) {
    assert_eq!(get(store, "eas/1").await, None);
    let range = range(store, Span::prefix("eas/")).await;
    assert!(range.entries.is_empty() && !range.more);
}

async fn a_delete_removes(store: &dyn Store) {
    put(store, "eas/1", "one").await;
    put(store, "eas/2", "two").await;
    commit(store, Commit::new().delete("eas/1")).await;
    assert_eq!(get(store, "eas/1").await, None);
    assert_eq!(keys(&range(store, Span::prefix("eas/")).await), ["eas/2"]);
    commit(
        store,
        Commit::new()
            .expect(Expect::Absent("eas/1".into()))
            .put("eas/1", "again"),
    )
    .await;
    assert!(get(store, "eas/1").await.is_some());
}

async fn deleting_an_absent_key_is_no_error(store: &dyn Store) {
    commit(store, Commit::new().delete("eas/1")).await;
    let revision = commit(store, Commit::new().delete("eas/1").put("eas/2", "two")).await;
    assert_eq!(get(store, "eas/2").await, Some(entry("eas/2", "two", revision)));
}

async fn a_commit_without_changes_only_checks(store: &dyn Store) {
    let revision = put(store, "eas/1", "one").await;
    let checked = commit(store, Commit::new().expect(Expect::At("eas/1".into(), revision))).await;
    assert!(checked >= revision, "it answers with the present revision");
    let nothing = commit(store, Commit::new()).await;
    assert!(nothing >= revision);
    is_conflict(store.commit(Commit::new().expect(Expect::Absent("eas/1".into()))).await);
    assert_eq!(get(store, "eas/1").await, Some(entry("eas/1", "one", revision)));
}

async fn a_key_named_twice_has_one_fate(store: &dyn Store) {
    let before = put(store, "b", "old").await;
    let twice = Commit::new()
        .put("a", "first")
        .put("b", "new")
        .put("a", "last")
        .delete("b")
        .delete("b")
        .delete("c");
    let revision = commit(store, twice).await;
    assert_eq!(
        get(store, "a").await,
        Some(entry("a", "last", revision)),
        "the last put counts"
    );
    assert_eq!(get(store, "b").await, None, "a delete counts more than a put");
    let mut watch = watch(store, "", before).await;
    let changes = vec![
        Change::Put(entry("a", "last", revision)),
        Change::Deleted("b".into(), revision),
    ];
    assert_eq!(next(&mut watch).await, Batch { revision, changes });
}

async fn revisions_grow(store: &dyn Store) {
    let mut last = range(store, Span::prefix("")).await.revision;
    for number in 0..20 {
        let key = format!("eas/{}", number % 3);
        let revision = if number % 5 == 4 {
            commit(store, Commit::new().delete(key.as_str())).await
        } else {
            put(store, &key, "value").await
        };
        assert!(revision > last, "{revision:?} comes after {last:?}");
        assert!(
            range(store, Span::prefix("")).await.revision >= revision,
            "a commit is visible when it is acknowledged"
        );
        last = revision;
    }
}

async fn values_of_all_sizes_come_back(store: &dyn Store) {
    for size in [0, 1, 7, 8, 9, 900, 4_096, 65_536, 1_000_000] {
        let value: Bytes = (0..size).map(|at| (at % 251) as u8).collect::<Vec<u8>>().into();
        let key = format!("sized/{size:07}");
        put(store, &key, value.clone()).await;
        assert_eq!(get(store, &key).await.expect("it was put").value, value, "{size} bytes");
    }
    let range = range(store, Span::prefix("sized/")).await;
    let sizes: Vec<usize> = range.entries.iter().map(|entry| entry.value.len()).collect();
    assert_eq!(sizes, [0, 1, 7, 8, 9, 900, 4_096, 65_536, 1_000_000]);
}

async fn keys_with_odd_characters_come_back(store: &dyn Store) {
    let outside = [
        "",
        "..",
        "a/b",
        "%2F",
        "Ünï/çødé",
        "\u{0}",
        "\u{10ffff}",
        "quote\"'",
        "space and\nline",
        "*?[]",
        "a:b@c",
    ];
    let made = outside.iter().map(|part| format!("odd/{}", Key::part(part)));
    let taken_as_they_are = [
        "odd/~~",
        "odd/\u{7f}",
        "odd/ä",
        "odd/ä/\u{10ffff}",
        "odd/!",
        "odd//",
        "odd/a//b",
    ];
    let mut all: Vec<String> = made.chain(taken_as_they_are.map(str::to_owned)).collect();
    for key in &all {
        put(store, key, key.clone()).await;
    }
    all.sort();
    let range = range(store, Span::prefix("odd/")).await;
    assert_eq!(keys(&range), all);
    for found in range.entries {
        assert_eq!(found.value, found.key.as_str());
        assert_eq!(get(store, found.key.as_str()).await, Some(found));
    }
}

async fn a_range_is_in_order_of_keys(store: &dyn Store) {
    let mut revisions = Vec::new();
    for key in ["eas/b", "eas/a", "eas/ab", "eas/B", "eas/10", "eas/9"] {
        revisions.push(put(store, key, key).await);
    }
    let range = range(store, Span::prefix("eas/")).await;
    assert_eq!(keys(&range), ["eas/10", "eas/9", "eas/B", "eas/a", "eas/ab", "eas/b"]);
    assert_eq!(
        range.entries[3],
        entry("eas/a", "eas/a", revisions[1]),
        "each entry knows its own revision"
    );
    assert!(range.revision >= revisions[5]);
}

async fn a_prefix_ends_where_it_ends(store: &dyn Store) {
    for key in ["a", "a.", "a/", "a/1", "a/\u{7f}", "a0", "a0/1", "b", "A/1"] {
        put(store, key, "value").await;
    }
    assert_eq!(keys(&range(store, Span::prefix("a/")).await), ["a/", "a/1", "a/\u{7f}"]);
    assert_eq!(keys(&range(store, Span::prefix("a/1")).await), ["a/1"]);
    assert_eq!(range(store, Span::prefix("")).await.entries.len(), 9);
    assert!(range(store, Span::prefix("c")).await.entries.is_empty());
}

async fn a_range_obeys_after_before_and_limit(store: &dyn Store) {
    for number in 1..=6 {
        put(store, &format!("eas/{number}"), "value").await;
    }
    put(store, "aaa", "before the prefix").await;
    put(store, "zzz", "behind the prefix").await;
    let all = || Span::prefix("eas/");
    let found = async |span| {
        let range = range(store, span).await;
        (
            keys(&range)
                .iter()
                .map(|key| key.trim_start_matches("eas/"))
                .collect::<String>(),
            range.more,
        )
    };
    assert_eq!(found(all()).await, ("123456".into(), false));
    assert_eq!(found(all().after("eas/2".into())).await, ("3456".into(), false));
    assert_eq!(found(all().after("eas/25".into())).await, ("3456".into(), false));
    assert_eq!(found(all().before("eas/3".into())).await, ("12".into(), false));
    assert_eq!(
        found(all().after("eas/1".into()).before("eas/5".into())).await,
        ("234".into(), false)
    );
    assert_eq!(
        found(all().after("eas/1".into()).before("eas/5".into()).limit(2)).await,
        ("23".into(), true)
    );
    assert_eq!(
        found(all().after("eas/1".into()).before("eas/5".into()).limit(3)).await,
        ("234".into(), false)
    );
    assert_eq!(found(all().limit(6)).await, ("123456".into(), false));
    assert_eq!(found(all().limit(5)).await, ("12345".into(), true));
    assert_eq!(found(all().limit(0)).await, (String::new(), true));
    assert_eq!(
        found(all().after("eas/6".into()).limit(0)).await,
        (String::new(), false)
    );
    assert_eq!(found(all().after("eas/6".into())).await, (String::new(), false));
    assert_eq!(
        found(all().after("aaa".into())).await,
        ("123456".into(), false),
        "after lies before the prefix"
    );
    assert_eq!(
        found(all().after("zzz".into())).await,
        (String::new(), false),
        "after lies behind the prefix"
    );
    assert_eq!(
        found(all().before("zzz".into())).await,
        ("123456".into(), false),
        "before lies behind the prefix"
    );
    assert_eq!(
        found(all().before("aaa".into())).await,
        (String::new(), false),
        "before lies before the prefix"
    );
    assert_eq!(
        found(all().after("eas/4".into()).before("eas/2".into())).await,
        (String::new(), false)
    );
    assert_eq!(
        found(all().after("eas/2".into()).before("eas/2".into())).await,
        (String::new(), false)
    );
}

async fn long_ranges_page_without_gap_or_repeat(store: &dyn Store, ordered: impl Fn(Vec<String>) -> Vec<String>) {
    const COUNT: usize = 1_300;
    let mut expected = Vec::with_capacity(COUNT);
    for chunk in 0..COUNT / 100 {
        let mut many = Commit::new();
        for number in chunk * 100..(chunk + 1) * 100 {
            expected.push(format!("eas/{number:05}"));
            many = many.put(format!("eas/{number:05}"), "value");
        }
        commit(store, many).await;
    }
    assert_eq!(
        keys(&range(store, Span::prefix("eas/")).await),
        expected,
        "in one piece"
    );
    let mut paged = Vec::new();
    let mut span = Span::prefix("eas/").limit(97);
    loop {
        let page = range(store, span.clone()).await;
        paged.extend(keys(&page).into_iter().map(str::to_owned));
        match page.entries.last() {
            Some(last) if page.more => span = span.after(last.key.clone()),
            _ => break,
        }
    }
    assert_eq!(ordered(paged), expected, "page by page");
}

async fn absent_is_checked(store: &dyn Store) {
    let create = || Commit::new().expect(Expect::Absent("eas/1".into())).put("eas/1", "one");
    let revision = commit(store, create()).await;
    is_conflict(store.commit(create()).await);
    assert_eq!(get(store, "eas/1").await, Some(entry("eas/1", "one", revision)));
}

async fn at_is_checked(store: &dyn Store) {
    let at = |revision| {
        Commit::new()
            .expect(Expect::At("eas/1".into(), revision))
            .put("eas/1", "new")
    };
    is_conflict(store.commit(at(Revision(1))).await);
    let first = put(store, "eas/1", "one").await;
    put(store, "eas/2", "another key does not matter").await;
    let second = commit(store, at(first)).await;
    is_conflict(store.commit(at(first)).await);
    is_conflict(store.commit(at(Revision(second.0 + 1))).await);
    commit(
        store,
        Commit::new().expect(Expect::At("eas/1".into(), second)).delete("eas/1"),
    )
    .await;
    is_conflict(store.commit(at(second)).await);
    assert_eq!(get(store, "eas/1").await, None);
}

async fn a_refused_commit_changes_nothing(store: &dyn Store) {
    let first = put(store, "eas/1", "one").await;
    let before = range(store, Span::prefix("")).await;
    let refused = Commit::new()
        .expect(Expect::At("eas/1".into(), first))
        .expect(Expect::Absent("eas/1".into()))
        .put("eas/1", "changed")
        .put("eas/2", "made")
        .delete("eas/1");
    is_conflict(store.commit(refused).await);
    let after = range(store, Span::prefix("")).await;
    assert_eq!(after.entries, before.entries);

    let mut watch = watch(store, "", first).await;
    let revision = put(store, "eas/3", "three").await;
    assert_eq!(
        next(&mut watch).await.revision,
        revision,
        "a watcher does not hear of it"
    );
}

/// Two keys that always change together are never seen apart.
async fn a_commit_is_seen_whole(store: &dyn Store) {
    commit(store, Commit::new().put("pair/1", "0").put("pair/2", "0")).await;
    let writer = async {
        for number in 1..=50 {
            let value = number.to_string();
            commit(store, Commit::new().put("pair/1", value.clone()).put("pair/2", value)).await;
        }
    };
    let reader = async {
        for _ in 0..50 {
            let range = range(store, Span::prefix("pair/")).await;
            assert_eq!(range.entries[0].value, range.entries[1].value);
            assert_eq!(range.entries[0].revision, range.entries[1].revision);
            assert!(range.entries[0].revision <= range.revision);
        }
    };
    tokio::join!(writer, reader);
}

/// Optimistic concurrency: load, decide, commit at the loaded revision, and again on conflict.
async fn concurrent_increments_lose_nothing(store: &dyn Store) {
    const WRITERS: usize = 8;
    const TIMES: usize = 12;
    put(store, "counter", "0").await;
    let increments = (0..WRITERS).map(|_| async {
        for _ in 0..TIMES {
            loop {
                let now = get(store, "counter").await.expect("it was put");
                let count: usize = std::str::from_utf8(&now.value)
                    .ok()
                    .and_then(|text| text.parse().ok())
                    .expect("a number");
                let next = Commit::new()
                    .expect(Expect::At("counter".into(), now.revision))
                    .put("counter", (count + 1).to_string());
                match store.commit(next).await {
                    Ok(_) => break,
                    Err(StoreError::Conflict) => {}
                    Err(other) => panic!("increment: {other}"),
                }
            }
        }
    });
    join_all(increments).await;
    let counted = get(store, "counter").await.expect("it was put").value;
    assert_eq!(counted, (WRITERS * TIMES).to_string());
}

async fn one_of_many_creators_wins(store: &dyn Store) {
    let creators = (0..16).map(|number: u8| async move {
        store
            .commit(
                Commit::new()
                    .expect(Expect::Absent("claim".into()))
                    .put("claim", vec![number]),
            )
            .await
    });
    let outcomes = join_all(creators).await;
    let winners: Vec<usize> = (0..outcomes.len()).filter(|number| outcomes[*number].is_ok()).collect();
    assert_eq!(winners.len(), 1, "{outcomes:?}");
    for lost in outcomes.into_iter().filter(Result::is_err) {
        is_conflict(lost);
    }
    assert_eq!(
        get(store, "claim").await.expect("somebody won").value,
        vec![winners[0] as u8]
    );
}

async fn a_watch_after_a_range_misses_nothing(store: &dyn Store) {
    put(store, "eas/old", "seen by the range").await;
    let from = range(store, Span::prefix("eas/")).await.revision;
    let first = put(store, "eas/1", "between range and watch").await;
    let second = commit(
        store,
        Commit::new()
            .delete("eas/old")
            .put("eas/2", "between")
            .put("ees/1", "elsewhere"),
    )
    .await;
    let mut watch = watch(store, "eas/", from).await;
    let third = put(store, "eas/1", "after the watch began").await;

    let changes = vec![Change::Put(entry("eas/1", "between range and watch", first))];
    assert_eq!(
        next(&mut watch).await,
        Batch {
            revision: first,
            changes
        }
    );
    let batch = next(&mut watch).await;
    assert_eq!(batch.revision, second, "one batch for one commit");
    assert_eq!(batch.changes.len(), 2, "{batch:?}");
    assert!(batch.changes.contains(&Change::Put(entry("eas/2", "between", second))));
    assert!(batch.changes.contains(&Change::Deleted("eas/old".into(), second)));
    let changes = vec![Change::Put(entry("eas/1", "after the watch began", third))];
    assert_eq!(
        next(&mut watch).await,
        Batch {
            revision: third,
            changes
        }
    );
}

async fn a_watch_sees_its_prefix_only(store: &dyn Store) {
    let from = put(store, "a/1", "before").await;
    let mut watch = watch(store, "a/", from).await;
    put(store, "a0", "not under the prefix").await;
    put(store, "a", "not under the prefix").await;
    commit(store, Commit::new().delete("a/none")).await;
    let revision = put(store, "a/2", "under the prefix").await;
    let changes = vec![Change::Put(entry("a/2", "under the prefix", revision))];
    assert_eq!(next(&mut watch).await, Batch { revision, changes });
}

async fn a_watch_under_load_sees_each_commit_once_in_order(store: &dyn Store) {
    const WRITERS: usize = 10;
    const TIMES: usize = 20;
    let from = range(store, Span::prefix("")).await.revision;
    let mut watch = watch(store, "load/", from).await;
    let writers = (0..WRITERS).map(|writer| async move {
        let mut made = Vec::with_capacity(TIMES);
        for number in 0..TIMES {
            made.push(put(store, &format!("load/{writer}/{number}"), "value").await);
        }
        made
    });
    let mut made: Vec<Revision> = join_all(writers).await.into_iter().flatten().collect();
    made.sort();
    let mut heard = Vec::with_capacity(made.len());
    while heard.len() < made.len() {
        let batch = next(&mut watch).await;
        assert!(
            batch
                .changes
                .iter()
                .all(|change| matches!(change, Change::Put(put) if put.revision == batch.revision))
        );
        heard.push(batch.revision);
    }
    assert_eq!(heard, made);
}

async fn two_watches_see_the_same(store: &dyn Store) {
    let from = put(store, "eas/0", "before").await;
    let mut one = watch(store, "eas/", from).await;
    let mut two = watch(store, "", from).await;
    for number in 1..5 {
        put(store, &format!("eas/{number}"), "value").await;
    }
    drop(watch(store, "eas/", from).await);
    for _ in 1..5 {
        assert_eq!(next(&mut one).await, next(&mut two).await);
    }
}

// The store in one word each; every failure is a broken promise here.

async fn get(store: &dyn Store, key: &str) -> Option<Entry> {
    store
        .get(&key.into())
        .await
        .unwrap_or_else(|error| panic!("get {key}: {error}"))
}

async fn range(store: &dyn Store, span: Span) -> Range {
    let wanted = format!("{span:?}");
    store
        .range(span)
        .await
        .unwrap_or_else(|error| panic!("range {wanted}: {error}"))
}

async fn commit(store: &dyn Store, commit: Commit) -> Revision {
    store
        .commit(commit)
        .await
        .unwrap_or_else(|error| panic!("commit: {error}"))
}

async fn put(store: &dyn Store, key: &str, value: impl Into<Bytes>) -> Revision {
    commit(store, Commit::new().put(key, value)).await
}

async fn watch(store: &dyn Store, prefix: &str, from: Revision) -> Watch {
    store
        .watch(prefix, from)
        .await
        .unwrap_or_else(|error| panic!("watch {prefix} from {from:?}: {error}"))
}

/// The next batch that has changes; empty ones only say how far the watch has come.
async fn next(watch: &mut Watch) -> Batch {
    loop {
        let batch = tokio::time::timeout(PATIENCE, watch.recv())
            .await
            .expect("a change that was made is heard of");
        let batch = batch.expect("the watch goes on");
        if !batch.changes.is_empty() {
            return batch;
        }
    }
}

fn entry(key: &str, value: &'static str, revision: Revision) -> Entry {
    Entry {
        key: key.into(),
        value: Bytes::from_static(value.as_bytes()),
        revision,
    }
}

fn keys(range: &Range) -> Vec<&str> {
    range.entries.iter().map(|entry| entry.key.as_str()).collect()
}

fn is_conflict(outcome: Result<Revision, StoreError>) {
    assert!(
        matches!(outcome, Err(StoreError::Conflict)),
        "expected a conflict: {outcome:?}"
    );
}
