//! A log that was cut between two runs: the state remembers how far it went.

use edgeapp_audit::{
    files::{files_of, write_private},
    keeping::Keeping,
    keys::{AuditKey, PublicKey},
    record::CHECKPOINT,
    settings::AuditSettings,
    verify::{Demands, verify_folder},
};
use edgeapp_core::{
    evidence::{SecurityEvent, SecurityEventKind},
    store::Store,
};
use edgeapp_store::MemoryStore;
use std::{fs, path::Path, sync::Arc};

fn settings(lab: &Path) -> (AuditSettings, PublicKey) {
    let (key, public) = AuditKey::generate().expect("a key");
    write_private(&lab.join("audit.key"), key.to_pem().as_bytes()).expect("written");
    let settings = serde_json::json!({
        "folder": lab.join("audit"), "key": lab.join("audit.key"), "checkpoint_records": 3,
    });
    (serde_json::from_value(settings).expect("settings"), public)
}

/// A run of a server, in which so many requests are refused.
async fn run(settings: &AuditSettings, state: &Arc<dyn Store>, refused: usize) {
    let keeping = Keeping::open(None, Some(settings), "f").expect("a log");
    let keeping = keeping.remembered_by(state.clone()).await;
    keeping.begin("ees");
    for _ in 0..refused {
        keeping
            .evidence()
            .record(SecurityEvent::new(SecurityEventKind::AuthzDenied, "no"));
    }
    keeping.end("ees").await;
}

fn lines(settings: &AuditSettings) -> Vec<String> {
    let files = files_of(&settings.folder).expect("files").into_iter();
    let texts: Vec<String> = files
        .map(|(_, path)| fs::read_to_string(path).expect("a file"))
        .collect();
    texts.concat().lines().map(str::to_owned).collect()
}

fn gaps(settings: &AuditSettings) -> Vec<String> {
    let gaps = lines(settings).into_iter();
    gaps.filter(|line| line.contains("\"LOG_GAP\"")).collect()
}

fn cut_to(settings: &AuditSettings, kept: usize) {
    let files = files_of(&settings.folder).expect("files");
    let [(_, file)] = files.as_slice() else {
        panic!("{files:?}")
    };
    let kept: String = lines(settings)[..kept].iter().map(|line| format!("{line}\n")).collect();
    fs::write(file, kept).expect("written");
}

/// Proves: WP-30
#[tokio::test]
async fn a_log_that_was_cut_at_a_checkpoint_is_told_of_at_the_next_start() {
    let lab = tempfile::tempdir().expect("a folder");
    let (settings, public) = settings(lab.path());
    let state: Arc<dyn Store> = Arc::new(MemoryStore::new());
    run(&settings, &state, 1).await;
    let first = lines(&settings).len();
    assert!(lines(&settings)[first - 1].contains(CHECKPOINT));
    run(&settings, &state, 7).await;
    assert_eq!(gaps(&settings), [""; 0], "nothing is missing");

    cut_to(&settings, first);
    assert!(
        verify_folder(&settings.folder, std::slice::from_ref(&public), &Demands::default()).is_ok(),
        "by itself the rest is good"
    );
    run(&settings, &state, 1).await;
    let told = gaps(&settings);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains(&format!("ended with record {first}")) && told[0].contains("its end was removed"),
        "{told:?}"
    );
    run(&settings, &state, 1).await;
    assert_eq!(gaps(&settings).len(), 1, "it is told once");
}

/// Who writes as many records as were removed is found all the same, and so is who removes all of them.
///
/// Proves: WP-30
#[tokio::test]
async fn another_log_in_the_place_of_the_one_that_was_is_told_of() {
    let lab = tempfile::tempdir().expect("a folder");
    let (settings, _) = settings(lab.path());
    let state: Arc<dyn Store> = Arc::new(MemoryStore::new());
    run(&settings, &state, 2).await;
    let first = lines(&settings).len();
    let elsewhere: Arc<dyn Store> = Arc::new(MemoryStore::new());
    run(&settings, &state, 1).await;
    cut_to(&settings, first);
    run(&settings, &elsewhere, 9).await;
    assert_eq!(gaps(&settings), [""; 0], "who knows nothing finds nothing");
    run(&settings, &state, 1).await;
    let told = gaps(&settings);
    assert!(
        told.len() == 1 && told[0].contains("that the state remembers"),
        "{told:?}"
    );

    fs::remove_dir_all(&settings.folder).expect("removed");
    run(&settings, &state, 1).await;
    let told = gaps(&settings);
    assert!(told.len() == 1 && told[0].contains("remembers another log"), "{told:?}");
    run(&settings, &state, 1).await;
    assert_eq!(gaps(&settings).len(), 1, "it is told once");
}

#[test]
fn a_folder_of_a_collector_is_verified_or_its_files_are_named() {
    let lab = tempfile::tempdir().expect("a folder");
    let (settings, public) = settings(lab.path());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(run(&settings, &(Arc::new(MemoryStore::new()) as Arc<dyn Store>), 3));
    let kept = lab.path().join("kept");
    fs::create_dir(&kept).expect("made");
    let verify = || verify_folder(&kept, std::slice::from_ref(&public), &Demands::default());
    let nothing = verify().expect_err("nothing there").to_string();
    assert!(nothing.contains("name the folder"), "{nothing}");
    let log = lines(&settings);
    let text: String = log.iter().map(|line| format!("{line}\n")).collect();
    fs::write(kept.join("ees-00.jsonl"), &text).expect("written");
    let last = verify().expect("good").last.map(|last| last.number);
    assert_eq!(last, Some(log.len() as u64));
    fs::write(kept.join("ecs-01.jsonl"), &text).expect("written");
    let several = verify().expect_err("several").to_string();
    assert!(
        several.contains("ees-00.jsonl") && several.contains("ecs-01.jsonl"),
        "{several}"
    );
}
