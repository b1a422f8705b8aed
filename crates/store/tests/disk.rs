//! What is left after restarts, crashes and disks that fail.

use edgeapp_core::store::{Commit, Expect, Revision, Span, Store, StoreError};
use edgeapp_store::{OpenError, RedbOptions, RedbStore};
use proptest::prelude::*;
use redb::StorageBackend;
use std::{
    io,
    sync::{Arc, Mutex, MutexGuard},
};

const FOREVER: usize = usize::MAX;

/// A disk in memory. Writes reach `durable` with a flush only; it can refuse work, and it can be copied as a power cut would leave it.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<Platters>>);

#[derive(Clone, Debug, Default)]
struct Platters {
    /// As seen through the cache of the system.
    seen: Vec<u8>,
    durable: Vec<u8>,
    /// Since the last flush, in order.
    unflushed: Vec<Write>,
    /// After this many more writes and flushes, this many fail.
    trouble: Option<(usize, usize)>,
    flushes: usize,
}

#[derive(Clone, Debug)]
enum Write {
    Bytes(usize, Vec<u8>),
    Length(usize),
}

impl Write {
    fn apply(&self, image: &mut Vec<u8>) {
        match self {
            Self::Bytes(at, bytes) => {
                if image.len() < at + bytes.len() {
                    image.resize(at + bytes.len(), 0);
                }
                image[*at..at + bytes.len()].copy_from_slice(bytes);
            }
            Self::Length(length) => image.resize(*length, 0),
        }
    }
}

impl Disk {
    fn platters(&self) -> MutexGuard<'_, Platters> {
        self.0.lock().expect("no test panics while it holds the disk")
    }

    /// After `well` more writes and flushes, `badly` of them fail.
    fn fails_after(&self, well: usize, badly: usize) {
        self.platters().trouble = Some((well, badly));
    }

    fn is_repaired(&self) {
        self.platters().trouble = None;
    }

    /// The disk after a power cut: what was flushed, and of the later writes those that `survives` picks.
    fn after_power_cut(&self, mut survives: impl FnMut(usize) -> bool) -> Self {
        let platters = self.platters();
        let mut image = platters.durable.clone();
        for (number, write) in platters.unflushed.iter().enumerate() {
            if survives(number) {
                write.apply(&mut image);
            }
        }
        Self(Arc::new(Mutex::new(Platters {
            seen: image.clone(),
            durable: image,
            ..Platters::default()
        })))
    }
}

impl Platters {
    fn work(&mut self) -> io::Result<()> {
        match &mut self.trouble {
            Some((0, 0)) | None => Ok(()),
            Some((0, badly)) => {
                *badly -= 1;
                Err(io::Error::new(
                    io::ErrorKind::StorageFull,
                    "no space left on the test disk",
                ))
            }
            Some((well, _)) => {
                *well -= 1;
                Ok(())
            }
        }
    }

    fn write(&mut self, write: Write) -> io::Result<()> {
        self.work()?;
        write.apply(&mut self.seen);
        self.unflushed.push(write);
        Ok(())
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.platters().seen.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let offset = offset as usize;
        out.copy_from_slice(
            self.platters()
                .seen
                .get(offset..offset + out.len())
                .ok_or(io::ErrorKind::UnexpectedEof)?,
        );
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.platters().write(Write::Length(len as usize))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut platters = self.platters();
        platters.work()?;
        platters.flushes += 1;
        platters.durable = platters.seen.clone();
        platters.unflushed.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.platters().write(Write::Bytes(offset as usize, data.to_vec()))
    }
}

fn open(disk: &Disk) -> RedbStore {
    RedbStore::with_backend(disk.clone(), RedbOptions::default().cache_bytes(1 << 20)).expect("the store opens")
}

/// Commit number `number` writes two keys; of a whole commit both are there.
fn numbered(number: usize) -> Commit {
    let value = vec![number as u8; 900];
    Commit::new()
        .put(format!("one/{number:03}"), value.clone())
        .put(format!("two/{number:03}"), value)
}

/// Which numbered commits a store has, all of them whole.
async fn found(store: &dyn Store) -> Vec<usize> {
    let one = store.range(Span::prefix("one/")).await.expect("range");
    let two = store.range(Span::prefix("two/")).await.expect("range");
    let numbers = |range: &edgeapp_core::store::Range| -> Vec<usize> {
        range
            .entries
            .iter()
            .map(|entry| entry.key.as_str()[4..].parse().expect("a number"))
            .collect()
    };
    assert_eq!(numbers(&one), numbers(&two), "half a commit");
    numbers(&one)
}

#[tokio::test]
async fn reopening_keeps_state_and_revisions() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("store.redb");
    let store = RedbStore::open(&path).expect("a new store");
    let first = store.commit(numbered(1)).await.expect("commit");
    let second = store.commit(Commit::new().put("key", "value")).await.expect("commit");
    drop(store);

    let store = RedbStore::open(&path).expect("the same store");
    assert_eq!(found(&store).await, [1]);
    let entry = store.get(&"key".into()).await.expect("get").expect("it was put");
    assert_eq!((entry.revision, &entry.value[..]), (second, &b"value"[..]));
    let third = store
        .commit(Commit::new().expect(Expect::At("key".into(), second)).delete("key"))
        .await
        .expect("commit");
    assert!(third > second);
    drop(store);

    let store = RedbStore::open(&path).expect("the same store");
    assert_eq!(store.range(Span::prefix("")).await.expect("range").revision, third);
    assert!(
        store.watch("", third).await.is_ok(),
        "watching from the present is fine"
    );
    assert!(
        matches!(store.watch("", first).await, Err(StoreError::Compacted(_))),
        "the past is not kept"
    );
}

#[tokio::test]
async fn a_file_in_use_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("store.redb");
    let store = RedbStore::open(&path).expect("a new store");
    let refused = RedbStore::open(&path).err().expect("it is in use");
    assert!(matches!(refused, OpenError::InUse(_)));
    assert!(
        refused.to_string().contains(path.to_str().expect("a path of text")),
        "{refused}"
    );
    drop(store);
    RedbStore::open(&path).expect("it is free again");
}

#[tokio::test]
async fn a_file_that_is_no_store_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("ees.toml");
    std::fs::write(&path, "[server]").expect("write");
    assert!(matches!(RedbStore::open(&path), Err(OpenError::Failed { .. })));
    assert_eq!(std::fs::read_to_string(&path).expect("read"), "[server]");
}

/// Proves: T-31
#[cfg(unix)]
#[tokio::test]
async fn a_new_file_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("store.redb");
    let _store = RedbStore::open(&path).expect("a new store");
    assert_eq!(path.metadata().expect("metadata").permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn dropping_the_store_finishes_what_was_asked() {
    let disk = Disk::default();
    let store = Arc::new(open(&disk));
    let waiting: Vec<_> = (0..50)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move { store.commit(numbered(number)).await })
        })
        .collect();
    drop(store);
    for commit in waiting {
        commit.await.expect("no panic").expect("commit");
    }
    assert_eq!(found(&open(&disk)).await.len(), 50);
}

#[tokio::test]
async fn concurrent_commits_share_flushes() {
    let disk = Disk::default();
    let store = open(&disk);
    let before = disk.platters().flushes;
    let commits = (0..200).map(|number| store.commit(numbered(number)));
    let done = futures_util::future::join_all(commits).await;
    let mut revisions: Vec<Revision> = done.into_iter().map(|revision| revision.expect("commit")).collect();
    revisions.sort();
    revisions.dedup();
    assert_eq!(revisions.len(), 200, "each commit has its own revision");
    let flushes = disk.platters().flushes - before;
    assert!(flushes < 100, "{flushes} flushes for 200 commits");
}

/// Proves: T-30
#[tokio::test]
async fn a_full_disk_refuses_changes_nothing_and_heals() {
    let disk = Disk::default();
    let store = open(&disk);
    store.commit(numbered(1)).await.expect("commit");
    let from = store.range(Span::prefix("")).await.expect("range").revision;
    let mut watch = store.watch("", from).await.expect("watch");

    disk.fails_after(0, FOREVER);
    for number in 2..4 {
        let refused = store.commit(numbered(number)).await;
        assert!(
            matches!(refused, Err(StoreError::Full(_) | StoreError::Unavailable(_))),
            "{refused:?}"
        );
    }
    assert!(watch.try_recv().is_err(), "nothing is published");
    assert!(
        store.check().await.is_err(),
        "a store that cannot write is not ready, even if it can be read"
    );

    disk.is_repaired();
    let healed = store.commit(numbered(4)).await.expect("the disk works again");
    assert_eq!(found(&store).await, [1, 4]);
    assert!(healed > from);
    assert_eq!(watch.recv().await.expect("the watch goes on").revision, healed);
    drop(store);
    assert_eq!(found(&open(&disk)).await, [1, 4]);
}

#[tokio::test]
async fn a_reader_alone_gets_the_store_open_again() {
    let disk = Disk::default();
    let store = open(&disk);
    store.commit(numbered(1)).await.expect("commit");
    disk.fails_after(0, FOREVER);
    store.commit(numbered(2)).await.expect_err("the disk is full");
    disk.is_repaired();
    while store.check().await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(found(&store).await, [1]);
}

/// Wherever in its work the disk begins to fail: what was acknowledged stays, what was refused as [`StoreError::Full`] never shows,
/// what is unknown is whole or absent, and a watcher that is not cut off agrees with the state.
///
/// Proves: T-30, T-33
#[tokio::test]
async fn a_disk_that_fails_anywhere_shows_no_refused_commit() {
    let mut refusals = 0;
    for (works_for, badly) in (0..40).flat_map(|well| [(well, 1), (well, 3), (well, FOREVER)]) {
        let disk = Disk::default();
        let store = open(&disk);
        let mut acknowledged = Vec::new();
        let mut refused = Vec::new();
        for number in 0..5 {
            store.commit(numbered(number)).await.expect("the disk works");
            acknowledged.push(number);
        }
        let from = store.range(Span::prefix("")).await.expect("range").revision;
        let mut watch = store.watch("one/", from).await.expect("watch");
        disk.fails_after(works_for, badly);
        for group in 0..4 {
            let numbers = 10 * (group + 1)..10 * (group + 1) + 5;
            let outcomes =
                futures_util::future::join_all(numbers.clone().map(|number| store.commit(numbered(number)))).await;
            for (number, outcome) in numbers.zip(outcomes) {
                match outcome {
                    Ok(_) => acknowledged.push(number),
                    Err(StoreError::Full(_)) => refused.push(number),
                    Err(StoreError::Unavailable(_)) => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
        }
        refusals += refused.len();
        disk.is_repaired();
        store.commit(numbered(99)).await.expect("the disk works again");
        acknowledged.push(99);

        let visible = found(&store).await;
        assert!(
            acknowledged.iter().all(|number| visible.contains(number)),
            "lost: {acknowledged:?} in {visible:?}"
        );
        assert!(
            !refused.iter().any(|number| visible.contains(number)),
            "refused: {refused:?} in {visible:?}"
        );

        let mut heard = 0;
        let cut_off = loop {
            match watch.try_recv() {
                Ok(_) => heard += 1,
                Err(error) => break error == tokio::sync::mpsc::error::TryRecvError::Disconnected,
            }
        };
        assert!(cut_off || heard == visible.len() - 5, "heard {heard} of {visible:?}");
        drop(store);
        assert_eq!(found(&open(&disk)).await, visible, "the same after a restart");
    }
    assert!(refusals > 0, "the disk did fail");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// The power goes in the middle of a flush: any part of the unflushed writes may have reached the disk.
    ///
    /// Proves: T-33, WP-47
    #[test]
    fn a_crash_loses_nothing_acknowledged(works_for in 0_usize..80, survivors in prop::collection::vec(any::<bool>(), 64)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let disk = Disk::default();
            let store = open(&disk);
            disk.fails_after(works_for, FOREVER);
            let mut acknowledged = Vec::new();
            for number in 0..20 {
                if store.commit(numbered(number)).await.is_err() {
                    break;
                }
                acknowledged.push(number);
            }
            let image = disk.after_power_cut(|number| survivors[number % survivors.len()]);
            let visible = found(&open(&image)).await;
            prop_assert!(acknowledged.iter().all(|number| visible.contains(number)), "{:?} in {:?}", acknowledged, visible);
            prop_assert!(visible.len() <= acknowledged.len() + 1);
            Ok(())
        })?;
    }
}

/// Proves: WP-47
#[tokio::test]
async fn a_copy_of_the_open_file_opens_with_everything_acknowledged() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (path, copy) = (folder.path().join("store.redb"), folder.path().join("copy.redb"));
    let store = RedbStore::open(&path).expect("a new store");
    for number in 0..10 {
        store.commit(numbered(number)).await.expect("commit");
    }
    std::fs::copy(&path, &copy).expect("copy");
    assert_eq!(found(&RedbStore::open(&copy).expect("the copy opens")).await.len(), 10);
}

/// What somebody wrote over, or cut off, is told with the file and the remedy, and left as it is.
///
/// Proves: WP-47
#[tokio::test]
async fn a_file_that_is_damaged_is_told_of_and_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("store.redb");
    let store = RedbStore::open(&path).expect("a new store");
    for number in 0..60 {
        store.commit(numbered(number)).await.expect("commit");
    }
    drop(store);
    let whole = std::fs::read(&path).expect("the file");
    let page = 4096;
    let overwritten = |pages: std::ops::Range<usize>, with: u8| {
        let mut bytes = whole.clone();
        let end = (pages.end * page).min(bytes.len());
        bytes[pages.start * page..end].fill(with);
        bytes
    };
    let pages = whole.len() / page;
    let damaged = [
        overwritten(1..pages, 0xa5),
        overwritten(1..pages, 0),
        overwritten(1..pages, 0xff),
        whole[..whole.len() / 2].to_vec(),
        whole[..page].to_vec(),
    ];
    for (number, bytes) in damaged.into_iter().enumerate() {
        let name = format!("damaged-{number}.redb");
        let path = folder.path().join(&name);
        std::fs::write(&path, &bytes).expect("written");
        let told = RedbStore::open(&path).err().map(|error| error.to_string());
        let told = told.unwrap_or_else(|| panic!("{number}: it was opened"));
        assert!(
            told.contains(&name) && told.contains("bring back a copy"),
            "{number}: {told}"
        );
    }
    // Of a part of it that was written over, either nothing was in use or it is told.
    for (number, first) in (1..pages.saturating_sub(8)).step_by(5).enumerate() {
        let path = folder.path().join(format!("partly-{number}.redb"));
        std::fs::write(&path, overwritten(first..first + 8, 0xa5)).expect("written");
        match RedbStore::open(&path) {
            Ok(store) => assert_eq!(found(&store).await.len(), 60, "pages from {first}"),
            Err(error) => assert!(error.to_string().contains("bring back a copy"), "{error}"),
        }
    }
    assert_eq!(found(&RedbStore::open(&path).expect("it is sound")).await.len(), 60);
}
