//! What reaches a collector that is sometimes away, sometimes forgets, and sometimes does not say that it has something.

use async_trait::async_trait;
use bytes::Bytes;
use edgeapp_audit::{
    files::files_of,
    keys::AuditKey,
    log::{AuditLog, Policy},
    upload,
};
use edgeapp_core::evidence::{Collector, Evidence, NotCollected, SecurityEvent, SecurityEventKind};
use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What a collector does with the next lines.
#[derive(Clone, Copy, Debug)]
enum Mood {
    Keeps,
    Away,
    KeepsWithoutAnAnswer,
}

struct Fake {
    kept: watch::Sender<Vec<String>>,
    moods: Mutex<Vec<Mood>>,
    calls: watch::Sender<usize>,
}

impl Fake {
    fn with(moods: &[Mood]) -> Arc<Self> {
        Arc::new(Self {
            kept: watch::Sender::new(Vec::new()),
            moods: Mutex::new(moods.iter().rev().copied().collect()),
            calls: watch::Sender::new(0),
        })
    }

    async fn until(&self, records: usize) {
        let mut kept = self.kept.subscribe();
        let all = kept.wait_for(|kept| kept.len() >= records);
        let waited = tokio::time::timeout(Duration::from_secs(30), all).await;
        assert!(
            waited.is_ok_and(|seen| seen.is_ok()),
            "{} of {records} records",
            self.kept.borrow().len()
        );
    }
}

#[async_trait]
impl Collector for Fake {
    async fn keep(&self, _: &str, lines: Bytes) -> Result<u64, NotCollected> {
        self.calls.send_modify(|calls| *calls += 1);
        let mood = self.moods.lock().expect("nobody panics").pop().unwrap_or(Mood::Keeps);
        if matches!(mood, Mood::Away) {
            return Err(NotCollected::Later("away".to_owned()));
        }
        let mut gap = None;
        self.kept.send_modify(|kept| {
            for line in std::str::from_utf8(&lines).expect("text").lines() {
                let number = number_of(line);
                let last = kept.last().map_or(0, |line| number_of(line));
                if number == last + 1 {
                    kept.push(line.to_owned());
                } else if number > last {
                    gap = Some(last);
                    return;
                }
            }
        });
        let last = self.kept.borrow().last().map_or(0, |line| number_of(line));
        match (mood, gap) {
            (_, Some(last)) => Err(NotCollected::GoesOnAfter(last)),
            (Mood::KeepsWithoutAnAnswer, None) => Err(NotCollected::Later("it broke".to_owned())),
            (_, None) => Ok(last),
        }
    }
}

fn number_of(line: &str) -> u64 {
    let record: serde_json::Value = serde_json::from_str(line).expect("JSON");
    record["number"].as_u64().expect("a number")
}

fn lines(folder: &Path) -> Vec<String> {
    let files = files_of(folder).expect("files");
    let text: String = files
        .iter()
        .map(|(_, path)| fs::read_to_string(path).expect("a file"))
        .collect();
    text.lines().map(str::to_owned).collect()
}

fn open(folder: &Path) -> Arc<AuditLog> {
    let policy = Policy {
        rotate_bytes: 2000,
        burst: u64::MAX,
        ..Policy::default()
    };
    let (key, _) = AuditKey::generate().expect("a key");
    Arc::new(AuditLog::open(folder, key, policy).expect("a log"))
}

fn tell(log: &AuditLog, count: usize) {
    for number in 0..count {
        log.record(SecurityEvent::new(SecurityEventKind::AuthzDenied, format!("{number}")));
    }
}

#[tokio::test]
async fn each_record_gets_there_once_whatever_happens_on_the_way() {
    let lab = tempfile::tempdir().expect("a folder");
    let folder = lab.path().join("audit");
    let log = open(&folder);
    let collector = Fake::with(&[Mood::Away, Mood::KeepsWithoutAnAnswer, Mood::Keeps, Mood::Away]);
    let stop = CancellationToken::new();
    let task = tokio::spawn(upload::run(log.clone(), collector.clone(), stop.clone()));
    tell(&log, 30);
    collector.until(30).await;
    tell(&log, 30);
    collector.until(60).await;
    stop.cancel();
    task.await.expect("it ends");
    log.close();
    assert!(upload::last_words(&log, collector.clone()).await);
    assert_eq!(*collector.kept.borrow(), lines(&folder));
    drop(log);

    // The next run of the server goes on where this one was.
    let log = open(&folder);
    let stop = CancellationToken::new();
    let task = tokio::spawn(upload::run(log.clone(), collector.clone(), stop.clone()));
    let before = collector.kept.borrow().len();
    tell(&log, 5);
    collector.until(before + 5).await;
    stop.cancel();
    task.await.expect("it ends");
    log.close();
    assert!(upload::last_words(&log, collector.clone()).await);
    assert_eq!(*collector.kept.borrow(), lines(&folder));
}

#[tokio::test]
async fn a_collector_that_lost_its_records_gets_them_again() {
    let lab = tempfile::tempdir().expect("a folder");
    let folder = lab.path().join("audit");
    let log = open(&folder);
    let first = Fake::with(&[]);
    tell(&log, 20);
    log.close();
    assert!(upload::last_words(&log, first).await);
    drop(log);
    let log = open(&folder);
    tell(&log, 1);
    log.close();
    let second = Fake::with(&[]);
    assert!(upload::last_words(&log, second.clone()).await);
    assert_eq!(*second.kept.borrow(), lines(&folder));
}

#[tokio::test]
async fn who_keeps_more_than_there_is_gets_nothing_more() {
    struct Liar;
    #[async_trait]
    impl Collector for Liar {
        async fn keep(&self, _: &str, _: Bytes) -> Result<u64, NotCollected> {
            Ok(1_000_000)
        }
    }
    let lab = tempfile::tempdir().expect("a folder");
    let log = open(&lab.path().join("audit"));
    tell(&log, 3);
    log.close();
    assert!(!upload::last_words(&log, Arc::new(Liar)).await);
    assert_eq!(
        fs::read_to_string(lab.path().join("audit/uploaded")).unwrap_or_default(),
        ""
    );
}
