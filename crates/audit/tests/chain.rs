//! What the verifier finds: every single change, removal, repetition, swap and cut of a log that was closed.

use edgeapp_audit::{
    files::files_of,
    keys::{AuditKey, PublicKey},
    log::{AuditLog, Policy},
    record::{CHECKPOINT, line, sha256},
    verify::{Demands, Finding, Known, Report, Verifier, VerifyError, last_of, verify_folder},
};
use edgeapp_core::evidence::{Evidence, SecurityEvent, SecurityEventKind};
use proptest::prelude::*;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
    time::Duration,
};
use tempfile::TempDir;

fn policy() -> Policy {
    Policy {
        checkpoint_records: 4,
        rotate_bytes: 1500,
        ..Policy::default()
    }
}

/// Waits until a log has so many records on the disk.
fn wait_for(log: &AuditLog, number: u64) {
    let mut durable = log.durable();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let work = async {
        tokio::time::timeout(Duration::from_secs(30), durable.wait_for(|there| *there >= number))
            .await
            .map(|seen| seen.is_ok())
    };
    assert_eq!(runtime.block_on(work), Ok(true), "record {number} did not come");
}

fn tell(log: &AuditLog, reason: String) {
    log.record(SecurityEvent::new(SecurityEventKind::AuthzDenied, reason));
}

fn key_in(lab: &Path) -> (AuditKey, PublicKey) {
    let file = lab.join("audit.key");
    if !file.is_file() {
        let (key, public) = AuditKey::generate().expect("a key");
        edgeapp_audit::files::write_private(&file, key.to_pem().as_bytes()).expect("written");
        fs::write(lab.join("audit.pub"), public.to_pem()).expect("written");
    }
    (
        AuditKey::load(&file).expect("a key"),
        PublicKey::load(&lab.join("audit.pub")).expect("a key"),
    )
}

fn folder(lab: &TempDir) -> PathBuf {
    lab.path().join("audit")
}

/// A closed log of several files.
fn closed_log() -> (TempDir, PublicKey) {
    let lab = tempfile::tempdir().expect("a folder");
    let (key, public) = key_in(lab.path());
    let log = AuditLog::open(&folder(&lab), key, policy()).expect("a log");
    for number in 0..24 {
        tell(&log, format!("reason {number}"));
        wait_for(&log, number + 1);
    }
    log.close();
    (lab, public)
}

type Files = Vec<(PathBuf, Vec<u8>)>;

fn content_of(folder: &Path) -> Files {
    let files = files_of(folder).expect("files");
    files
        .into_iter()
        .map(|(_, path)| (path.clone(), fs::read(path).expect("a file")))
        .collect()
}

static LOG: LazyLock<(Files, PublicKey)> = LazyLock::new(|| {
    let (lab, public) = closed_log();
    (content_of(&folder(&lab)), public)
});

fn verify(files: &Files, demands: &Demands) -> Result<Report, Finding> {
    let keys = [LOG.1.clone()];
    let mut verifier = Verifier::new(&keys, demands);
    for (path, bytes) in files {
        verifier.file(path, bytes)?;
    }
    verifier.finish(Path::new("log"))
}

/// The lines of all files, with the file that each is in.
fn lines(files: &Files) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    for (file, (_, bytes)) in files.iter().enumerate() {
        let text = std::str::from_utf8(bytes).expect("text");
        lines.extend(text.lines().map(|line| (file, line.to_owned())));
    }
    lines
}

fn with_lines(files: &Files, lines: &[(usize, String)]) -> Files {
    let mut changed: Files = files.iter().map(|(path, _)| (path.clone(), Vec::new())).collect();
    for (file, line) in lines {
        changed[*file].1.extend_from_slice(line.as_bytes());
        changed[*file].1.push(b'\n');
    }
    changed.retain(|(_, bytes)| !bytes.is_empty());
    changed
}

fn last() -> Demands {
    let last = verify(&LOG.0, &Demands::default()).expect("good").last;
    Demands { last, unsigned: None }
}

#[test]
fn a_log_as_it_was_written_is_good() {
    let report = verify(&LOG.0, &last()).expect("good");
    assert!(LOG.0.len() > 2, "several files: {}", LOG.0.len());
    assert_eq!(
        (report.first, report.signed),
        (1, report.last.as_ref().map(|last| last.number))
    );
    assert!(report.checkpoints >= 6, "{report:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_changed_byte_is_found_and_named(place in any::<prop::sample::Index>(), by in 1..=255u8) {
        let mut files = LOG.0.clone();
        let place = place.index(files.iter().map(|(_, bytes)| bytes.len()).sum());
        let (mut at, mut file) = (place, 0);
        while at >= files[file].1.len() {
            at -= files[file].1.len();
            file += 1;
        }
        let bytes = &mut files[file].1;
        bytes[at] ^= by;
        let number = lines(&LOG.0[..file].to_vec()).len() + LOG.0[file].1[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        let finding = verify(&files, &last()).expect_err("found");
        // Where the hash of the record before was changed, one of the two is bad.
        prop_assert!([number as u64, number as u64 - 1].contains(&finding.number), "{} of {}", finding, number);
    }

    #[test]
    fn any_removed_record_is_found_and_named(place in any::<prop::sample::Index>()) {
        let mut lines = lines(&LOG.0);
        let place = place.index(lines.len());
        lines.remove(place);
        let finding = verify(&with_lines(&LOG.0, &lines), &last()).expect_err("found");
        prop_assert_eq!(finding.number, place as u64 + 1, "{}", finding);
    }

    #[test]
    fn any_two_records_that_changed_places_are_found(one in any::<prop::sample::Index>(), other in any::<prop::sample::Index>()) {
        let mut lines = lines(&LOG.0);
        let (one, other) = (one.index(lines.len()), other.index(lines.len()));
        prop_assume!(one != other);
        let (first, second) = (lines[one].1.clone(), lines[other].1.clone());
        (lines[one].1, lines[other].1) = (second, first);
        let finding = verify(&with_lines(&LOG.0, &lines), &Demands::default()).expect_err("found");
        prop_assert_eq!(finding.number, one.min(other) as u64 + 1, "{}", finding);
    }

    #[test]
    fn a_record_that_stands_there_twice_is_found(place in any::<prop::sample::Index>()) {
        let mut lines = lines(&LOG.0);
        let place = place.index(lines.len());
        lines.insert(place, lines[place].clone());
        let finding = verify(&with_lines(&LOG.0, &lines), &Demands::default()).expect_err("found");
        prop_assert_eq!(finding.number, place as u64 + 2, "{}", finding);
    }

    #[test]
    fn any_cut_end_is_found_by_what_is_known_from_elsewhere(keep in any::<prop::sample::Index>()) {
        let mut lines = lines(&LOG.0);
        let keep = keep.index(lines.len());
        lines.truncate(keep);
        let finding = verify(&with_lines(&LOG.0, &lines), &last()).expect_err("found");
        prop_assert_eq!(finding.number, keep as u64 + 1, "{}", finding);
    }

    #[test]
    fn any_cut_beginning_is_found(gone in any::<prop::sample::Index>()) {
        let lines = lines(&LOG.0);
        let gone = gone.index(lines.len() - 1) + 1;
        let finding = verify(&with_lines(&LOG.0, &lines[gone..]), &Demands::default()).expect_err("found");
        prop_assert!(finding.number <= gone as u64, "{}", finding);
    }
}

#[test]
fn a_chain_that_was_written_anew_has_no_signatures() {
    let mut prev = String::new();
    let mut forged = String::new();
    for (number, (_, old)) in lines(&LOG.0).into_iter().enumerate() {
        let mut content: serde_json::Value = serde_json::from_str(&old).expect("JSON");
        if number == 3 {
            content["reason"] = "nothing to see".into();
        }
        if number > 3 {
            content["prev"] = prev.clone().into();
        }
        let signed = content["event"] == CHECKPOINT && number > 3;
        let text = if number < 3 { old } else { content.to_string() };
        prev = sha256(text.as_bytes());
        forged.push_str(&text);
        forged.push('\n');
        if signed {
            break;
        }
    }
    let files = vec![(LOG.0[0].0.clone(), forged.into_bytes())];
    let finding = verify(&files, &Demands::default()).expect_err("found");
    assert!(finding.what.contains("signature"), "{finding}");
}

#[test]
fn records_that_nobody_signed_in_time_are_found() {
    let lines = lines(&LOG.0);
    let end = lines
        .iter()
        .rposition(|(_, line)| !line.contains(CHECKPOINT))
        .expect("a record");
    let unsigned = with_lines(&LOG.0, &lines[..=end]);
    let now = jiff::Timestamp::now();
    let demands = |age: u64| Demands {
        last: None,
        unsigned: Some((now + jiff::SignedDuration::from_secs(600), Duration::from_secs(age))),
    };
    assert!(verify(&unsigned, &demands(3600)).is_ok());
    let finding = verify(&unsigned, &demands(300)).expect_err("found");
    assert!(finding.what.contains("signed by no checkpoint"), "{finding}");
    assert!(
        verify(&LOG.0, &demands(300)).is_ok(),
        "a closed log is signed to its end"
    );
}

#[test]
fn another_key_verifies_nothing() {
    let (_, stranger) = AuditKey::generate().expect("a key");
    let demands = Demands::default();
    let keys = [stranger];
    let mut verifier = Verifier::new(&keys, &demands);
    let finding = verifier.file(&LOG.0[0].0, &LOG.0[0].1).expect_err("found");
    assert!(finding.what.contains("was not given"), "{finding}");
}

#[test]
fn a_restart_goes_on_with_the_chain_and_a_torn_line_is_told_of() {
    let (lab, public) = closed_log();
    let folder = folder(&lab);
    let before = content_of(&folder);
    let (_, newest) = files_of(&folder).expect("files").pop().expect("a file");
    let mut torn = fs::read(&newest).expect("a file");
    torn.extend_from_slice(b"{\"number\":99,\"ti");
    fs::write(&newest, torn).expect("written");
    let log = AuditLog::open(&folder, key_in(lab.path()).0, policy()).expect("a log");
    tell(&log, "after the crash".to_owned());
    log.close();
    let report = verify_folder(&folder, &[public], &Demands::default()).expect("good");
    let all = lines(&content_of(&folder));
    let old = lines(&before).len();
    assert_eq!(report.last.map(|last| last.number), Some(all.len() as u64));
    let gap: serde_json::Value = serde_json::from_str(&all[old].1).expect("JSON");
    assert_eq!(gap["event"], "LOG_GAP");
    assert!(
        gap["reason"].as_str().is_some_and(|reason| reason.contains("16 bytes")),
        "{gap}"
    );
    assert!(all[old + 1].1.contains("after the crash"));
}

#[test]
fn a_file_without_a_record_and_another_key_do_not_break_the_chain() {
    let (lab, public) = closed_log();
    let folder = folder(&lab);
    let last = last_of(&content_of(&folder).pop().expect("a file").1).expect("a record");
    fs::write(folder.join(format!("audit-{:020}.jsonl", last.number + 1)), "").expect("written");
    let (key, new) = AuditKey::generate().expect("a key");
    AuditLog::open(&folder, key, policy()).expect("a log").close();
    let report = verify_folder(&folder, &[public, new], &Demands::default()).expect("good");
    assert_eq!(report.last.map(|end| end.number), Some(last.number + 2));
    assert!(
        lines(&content_of(&folder))[usize::try_from(last.number).expect("small")]
            .1
            .contains("KEY_ROTATED")
    );
}

#[test]
fn an_end_that_was_removed_while_the_server_was_down_leaves_a_gap() {
    let (lab, public) = closed_log();
    let folder = folder(&lab);
    let (_, newest) = files_of(&folder).expect("files").pop().expect("a file");
    let end = last_of(&fs::read(&newest).expect("a file")).expect("a record").number;
    fs::write(folder.join("uploaded"), format!("{end}\n")).expect("written");
    fs::remove_file(&newest).expect("removed");
    let log = AuditLog::open(&folder, key_in(lab.path()).0, policy()).expect("a log");
    log.close();
    match verify_folder(&folder, &[public], &Demands::default()) {
        Err(VerifyError::Bad(finding)) => assert!(finding.what.contains("is missing"), "{finding}"),
        other => panic!("{other:?}"),
    }
    let last_lines = lines(&content_of(&folder));
    assert!(last_lines.iter().any(|(_, line)| line.contains("its end was removed")));
}

#[test]
fn one_process_writes_a_log_at_a_time() {
    let lab = tempfile::tempdir().expect("a folder");
    let open = || AuditLog::open(&folder(&lab), key_in(lab.path()).0, Policy::default());
    let log = open().expect("a log");
    let refused = open().expect_err("taken").to_string();
    assert!(refused.contains("another process"), "{refused}");
    drop(log);
    open().expect("free again");
}

#[test]
fn what_has_no_place_in_the_queue_is_counted() {
    let lab = tempfile::tempdir().expect("a folder");
    let (key, public) = key_in(lab.path());
    let policy = Policy {
        queue: 1,
        burst: u64::MAX,
        ..Policy::default()
    };
    let log = AuditLog::open(&folder(&lab), key, policy).expect("a log");
    for number in 0..2000 {
        tell(&log, format!("{number}"));
    }
    log.close();
    verify_folder(&folder(&lab), &[public], &Demands::default()).expect("good");
    assert_eq!(
        told(&folder(&lab), "AUTHZ_DENIED") + counted(&folder(&lab), "LOG_GAP"),
        2000
    );
}

#[test]
fn a_flood_of_the_same_is_counted_and_does_not_hide_the_rest() {
    let lab = tempfile::tempdir().expect("a folder");
    let policy = Policy {
        burst: 5,
        ..Policy::default()
    };
    let log = AuditLog::open(&folder(&lab), key_in(lab.path()).0, policy).expect("a log");
    for number in 0..500 {
        tell(&log, format!("{number}"));
    }
    log.record(SecurityEvent::new(SecurityEventKind::CallbackBlocked, "another matter"));
    log.close();
    assert_eq!(told(&folder(&lab), "CALLBACK_BLOCKED"), 1);
    assert_eq!(
        told(&folder(&lab), "AUTHZ_DENIED") + counted(&folder(&lab), "AUTHZ_DENIED"),
        500
    );
    assert_eq!(told(&folder(&lab), "AUTHZ_DENIED"), 5);
}

/// Records of this event that stand for one each.
fn told(folder: &Path, event: &str) -> u64 {
    let records = lines(&content_of(folder))
        .into_iter()
        .map(|(_, line)| serde_json::from_str::<serde_json::Value>(&line).expect("JSON"));
    records
        .filter(|record| record["event"] == event && record["count"].is_null())
        .count() as u64
}

/// The sum of what records of this event count.
fn counted(folder: &Path, event: &str) -> u64 {
    let records = lines(&content_of(folder))
        .into_iter()
        .map(|(_, line)| serde_json::from_str::<serde_json::Value>(&line).expect("JSON"));
    records
        .filter(|record| record["event"] == event)
        .filter_map(|record| record["count"].as_u64())
        .sum()
}

#[test]
fn a_log_that_has_its_size_removes_its_oldest_files_and_says_so() {
    let lab = tempfile::tempdir().expect("a folder");
    let (key, public) = key_in(lab.path());
    let policy = Policy {
        max_bytes: 8000,
        burst: u64::MAX,
        ..policy()
    };
    let log = AuditLog::open(&folder(&lab), key, policy).expect("a log");
    for number in 0..200 {
        // One after the other: what comes at once is written at once, and has its room.
        let before = *log.durable().borrow();
        tell(&log, format!("{number}"));
        wait_for(&log, before + 1);
    }
    log.close();
    let files = content_of(&folder(&lab));
    assert!(files.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() < 12_000);
    let report = verify_folder(&folder(&lab), std::slice::from_ref(&public), &Demands::default()).expect("good");
    assert!(report.first > 1, "{report:?}");
    fs::remove_file(&files[0].0).expect("removed");
    match verify_folder(&folder(&lab), &[public], &Demands::default()) {
        Err(VerifyError::Bad(finding)) => assert_eq!(finding.number, report.first, "{finding}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_no_collector_has_stays_and_what_follows_is_counted() {
    let lab = tempfile::tempdir().expect("a folder");
    let (key, public) = key_in(lab.path());
    let policy = Policy {
        max_bytes: 6000,
        uploaded: true,
        burst: u64::MAX,
        ..policy()
    };
    let log = AuditLog::open(&folder(&lab), key, policy).expect("a log");
    for number in 0..200 {
        tell(&log, format!("{number}"));
    }
    log.close();
    drop(log);
    let report = verify_folder(&folder(&lab), std::slice::from_ref(&public), &Demands::default()).expect("good");
    assert_eq!(report.first, 1, "nothing was removed");
    // The collector gets all of it: there is room again, and the number of what was lost is told.
    let end = report.last.expect("a record");
    fs::write(folder(&lab).join("uploaded"), format!("{}\n", end.number)).expect("written");
    let (written, lost) = (told(&folder(&lab), "AUTHZ_DENIED"), counted(&folder(&lab), "LOG_GAP"));
    assert!(written < 200, "{written}");
    assert_eq!(written + lost, 200, "what was not written was counted");
    let log = AuditLog::open(&folder(&lab), key_in(lab.path()).0, policy).expect("a log");
    tell(&log, "room again".to_owned());
    log.close();
    verify_folder(&folder(&lab), &[public], &Demands::default()).expect("good");
    assert!(
        lines(&content_of(&folder(&lab)))
            .iter()
            .any(|(_, line)| line.contains("room again"))
    );
}

/// A log that its collector is too slow for says that it takes no more before anything is lost, and takes records again when there is room.
///
/// Proves: T-29, T-30, WP-32
#[test]
fn a_log_takes_no_more_before_it_loses_something() {
    let lab = tempfile::tempdir().expect("a folder");
    let (key, public) = key_in(lab.path());
    let policy = Policy {
        max_bytes: 16_000,
        uploaded: true,
        burst: u64::MAX,
        ..policy()
    };
    let log = AuditLog::open(&folder(&lab), key, policy).expect("a log");
    let mut asked = 0;
    while log.takes_more() {
        assert!(asked < 1000, "it never gets full");
        let before = *log.durable().borrow();
        tell(&log, format!("{asked}"));
        wait_for(&log, before + 1);
        // The writer looks whether there is room after each batch, and at least twice a second.
        std::thread::sleep(Duration::from_millis(5));
        asked += 1;
    }
    // What was under way when it became full still has room.
    tell(&log, "the last".to_owned());
    log.close();
    drop(log);
    assert_eq!(told(&folder(&lab), "AUTHZ_DENIED"), asked + 1);
    assert_eq!(counted(&folder(&lab), "LOG_GAP"), 0);
    let report = verify_folder(&folder(&lab), std::slice::from_ref(&public), &Demands::default()).expect("good");
    let end = report.last.expect("a record");

    let lossy = AuditLog::open(&folder(&lab), key_in(lab.path()).0, Policy { lossy: true, ..policy }).expect("a log");
    assert!(lossy.takes_more(), "who wants it so goes on");
    drop(lossy);
    fs::write(folder(&lab).join("uploaded"), format!("{}\n", end.number)).expect("written");
    let log = AuditLog::open(&folder(&lab), key_in(lab.path()).0, policy).expect("a log");
    assert!(log.takes_more(), "the collector has it all");
}

#[test]
fn names_of_users_do_not_reach_the_log() {
    let lab = tempfile::tempdir().expect("a folder");
    let log = AuditLog::open(&folder(&lab), key_in(lab.path()).0, Policy::default()).expect("a log");
    let event = SecurityEvent::new(
        SecurityEventKind::OwnerMismatch,
        "gpsi msisdn-491700000001 of urn:edgeapp:eec:alice at 192.0.2.7:443",
    )
    .about("extid-bob@example.com")
    .by(&edgeapp_core::principal::Owner::eec(&"alice".parse().expect("an id")))
    .from([192, 0, 2, 7].into());
    log.record(event);
    log.close();
    let text: String = lines(&content_of(&folder(&lab)))
        .into_iter()
        .map(|(_, line)| line)
        .collect();
    for secret in ["4917", "alice", "192.0.2.7", "bob"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    assert!(text.contains(&edgeapp_core::pseudonym::in_use().of("alice")), "{text}");
}

/// T-28: whatever others send stays in its member.
#[test]
fn no_text_makes_a_record_of_its_own() {
    let lab = tempfile::tempdir().expect("a folder");
    let (key, public) = key_in(lab.path());
    let log = AuditLog::open(&folder(&lab), key, Policy::default()).expect("a log");
    let hostile: Vec<char> = ('\0'..='\u{1f}')
        .chain(['\u{7f}', '\u{85}', '\u{2028}', '\u{202e}', '"', '\\', '}'])
        .collect();
    for c in &hostile {
        let text = format!("a{c}\"}}\n{{\"number\":1{c}");
        log.record(SecurityEvent::new(SecurityEventKind::BodyRejected, text.clone()).about(text));
    }
    log.close();
    let report = verify_folder(&folder(&lab), &[public], &Demands::default()).expect("good");
    assert_eq!(report.last.map(|last| last.number), Some(hostile.len() as u64 + 1));
    assert_eq!(told(&folder(&lab), "BODY_REJECTED"), hostile.len() as u64);
}

#[cfg(unix)]
#[test]
fn files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let (lab, _) = closed_log();
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&folder(&lab)), 0o700);
    for entry in fs::read_dir(folder(&lab)).expect("a folder") {
        let path = entry.expect("a file").path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    fs::set_permissions(folder(&lab), fs::Permissions::from_mode(0o750)).expect("changed");
    let refused = AuditLog::open(&folder(&lab), key_in(lab.path()).0, policy())
        .expect_err("refused")
        .to_string();
    assert!(refused.contains("chmod 700"), "{refused}");
}

#[test]
fn the_last_record_of_a_file_is_what_a_log_can_be_held_to() {
    let known = last_of(&LOG.0[1].1).expect("a record");
    let demands = Demands {
        last: Some(known.clone()),
        unsigned: None,
    };
    assert!(verify(&LOG.0, &demands).is_ok());
    let other = Demands {
        last: Some(Known {
            hash: sha256(line(1, &Default::default(), "").as_bytes()),
            ..known.clone()
        }),
        unsigned: None,
    };
    assert_eq!(verify(&LOG.0, &other).expect_err("found").number, known.number);
}
