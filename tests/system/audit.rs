//! The audit log of real servers: what is refused stands in it, nobody changes it unseen, a collector has all of it, no user is in it.

use crate::support::{DISCOVERY, DISCOVERY_SUBSCRIPTIONS, EEC_REGISTRATIONS, availability, register_eec};
use edgeapp_core::principal::Role;
use edgeapp_system_tests::{
    caller::Caller,
    lab::{Lab, Plan, ue_of},
    process::{Process, program},
    wait::until_it_is_so,
};
use eec_sim::world::collector::Collector;
use http::Method;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tokio_util::sync::CancellationToken;

const EEC: &str = "alice-in-edgeland";
const AUDIT: &str = "[audit]\nfolder = \"audit\"\nkey = \"pki/audit.key\"\n";

fn folder(lab: &Lab) -> PathBuf {
    lab.path().join("audit")
}

fn audited(lab: &Lab) -> Plan {
    lab.ees("a").with(AUDIT)
}

/// The lines of the log, in their order.
pub(crate) fn lines(folder: &Path) -> Vec<String> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("a file").path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "jsonl"));
    files.sort();
    let text: String = files
        .iter()
        .map(|path| fs::read_to_string(path).expect("a file"))
        .collect();
    text.lines().map(str::to_owned).collect()
}

pub(crate) fn records(folder: &Path) -> Vec<Value> {
    lines(folder)
        .iter()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// The events that are there so far; a line may still be on its way.
fn events(folder: &Path) -> BTreeSet<String> {
    let whole = lines(folder)
        .into_iter()
        .filter_map(|line| serde_json::from_str::<Value>(&line).ok());
    whole
        .filter_map(|record| Some(record["event"].as_str()?.to_owned()))
        .collect()
}

pub(crate) fn verify(lab: &Lab, server: &str, log: &Path, more: &[&str]) -> Output {
    let command = Command::new(program(server))
        .args(["audit", "verify"])
        .arg(log)
        .arg("--key")
        .arg(lab.pki.dir().join("audit.pub"))
        .args(more)
        .output();
    command.expect("it runs")
}

#[track_caller]
fn good(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[track_caller]
fn bad(output: &Output, words: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains(words), "{said}");
}

/// Requests that are refused, each for another reason. Answers with the bodies.
async fn refused(lab: &Lab, ees: &Process) -> Vec<Value> {
    let eec = lab.eec(EEC, ees.root("edge1"));
    register_eec(&eec, EEC).await;
    let mut bodies = Vec::new();
    let not_json = eec
        .send(Method::POST, EEC_REGISTRATIONS, "application/json", "{\"eecId\": ")
        .await;
    bodies.push(not_json.body);
    let other = json!({"eecId": "somebody-else"});
    let foreign = eec.post(EEC_REGISTRATIONS, &other).await;
    foreign.refused(403, "OWNER_MISMATCH");
    bodies.push(foreign.body);
    let plain = eec
        .post(
            DISCOVERY_SUBSCRIPTIONS,
            &availability(EEC, "https://user:secret@127.0.0.1:1/x"),
        )
        .await;
    bodies.push(plain.body);
    let ue = json!({"requestorId": {"eecId": EEC}, "easDiscoveryFilter": {}, "locInf": {"geographicArea": 7}, "ueId": ue_of("bob")});
    bodies.push(eec.post(DISCOVERY, &ue).await.body);
    for number in 0..10 {
        let probe = eec.delete(&format!("{EEC_REGISTRATIONS}/{EEC}-{number}")).await;
        bodies.push(probe.body);
    }
    let nobody = Caller::anonymous(lab, Role::Ees, ees.root("edge1"));
    assert!(
        nobody
            .try_call(Method::GET, EEC_REGISTRATIONS, &Value::Null)
            .await
            .is_err()
    );
    bodies
}

/// WP-32: each refusal leaves its event, the start and the end of the server theirs.
///
/// Proves: WP-32
#[tokio::test]
async fn what_is_refused_stands_in_the_log() {
    let lab = Lab::new();
    let ees = audited(&lab).start().await;
    refused(&lab, &ees).await;
    assert!(ees.stop().await.success());
    let there = events(&folder(&lab));
    for event in [
        "START",
        "BODY_REJECTED",
        "OWNER_MISMATCH",
        "CALLBACK_BLOCKED",
        "AUTHZ_PROBE",
        "TLS_HANDSHAKE_FAIL",
        "STOP",
        "CHECKPOINT",
    ] {
        assert!(there.contains(event), "{event} is not among {there:?}");
    }
    let all = records(&folder(&lab));
    let configurations: BTreeSet<_> = all
        .iter()
        .filter(|record| record["event"] == "START" || record["event"] == "STOP")
        .map(|record| record["reason"].as_str().expect("a reason"))
        .collect();
    assert_eq!(configurations.len(), 1, "{configurations:?}");
    let mismatch = all
        .iter()
        .find(|record| record["event"] == "OWNER_MISMATCH")
        .expect("found above");
    assert_eq!(mismatch["target"], "eees-eecregistration:create");
    assert!(
        mismatch["actor"]
            .as_str()
            .is_some_and(|actor| actor.starts_with("urn:edgeapp:eec:~")),
        "{mismatch}"
    );
    assert!(
        mismatch["from"].as_str().is_some_and(|from| from.starts_with('~')),
        "{mismatch}"
    );
    good(&verify(&lab, "ees", &folder(&lab), &[]));
    good(&verify(&lab, "ecs", &folder(&lab), &[]));
}

/// WP-35, T-29: the chain goes on after a crash; what somebody changes or cuts afterwards is found.
///
/// Proves: T-29, WP-35
#[tokio::test]
async fn a_log_survives_a_crash_and_shows_what_was_done_to_it() {
    let lab = Lab::new();
    let plan = audited(&lab);
    let ees = plan.start().await;
    refused(&lab, &ees).await;
    until_it_is_so("the refusals are on the disk", async || {
        events(&folder(&lab)).contains("AUTHZ_PROBE")
    })
    .await;
    let before = records(&folder(&lab)).len();
    ees.kill().await;
    let ees = plan.start().await;
    assert!(ees.stop().await.success());
    let all = lines(&folder(&lab));
    assert!(all.len() > before, "{before} records, then {}", all.len());
    good(&verify(&lab, "ees", &folder(&lab), &[]));

    let file = lab.path().join("copy.jsonl");
    let copy = |lines: &[String]| fs::write(&file, lines.join("\n") + "\n").expect("written");
    let mut edited = all.clone();
    edited[1] = edited[1]
        .replace("edgeapp", "nothing")
        .replace("BODY_REJECTED", "STOP_REJECTED");
    assert_ne!(edited[1], all[1]);
    copy(&edited);
    bad(&verify(&lab, "ees", &file, &[]), "record 2");
    let mut shorter = all.clone();
    shorter.remove(2);
    copy(&shorter);
    bad(&verify(&lab, "ees", &file, &[]), "record 3: is missing");
    let mut swapped = all.clone();
    swapped.swap(2, 3);
    copy(&swapped);
    bad(&verify(&lab, "ees", &file, &[]), "record 3");
    let kept = lab.path().join("kept.jsonl");
    fs::write(&kept, all.last().expect("a record").to_owned() + "\n").expect("written");
    copy(&all[..all.len() - 1]);
    let checkpoint = kept.to_str().expect("a path");
    bad(
        &verify(&lab, "ees", &file, &["--checkpoint", checkpoint]),
        &format!("record {}: is missing", all.len()),
    );
    copy(&all);
    good(&verify(&lab, "ees", &file, &["--checkpoint", checkpoint]));
}

/// WP-34: only the owner reads the log, whatever the umask.
///
/// Proves: WP-34
#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_reads_the_log() {
    use std::os::unix::fs::PermissionsExt;
    let lab = Lab::new();
    let plan = audited(&lab)
        .with("[privacy]\npseudonym_key = \"pseudonym.key\"\n")
        .without_umask();
    let ees = plan.start().await;
    assert!(ees.stop().await.success());
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&folder(&lab)), 0o700);
    assert_eq!(mode(&lab.path().join("pseudonym.key")), 0o600);
    for entry in fs::read_dir(folder(&lab)).expect("a folder") {
        let path = entry.expect("a file").path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

/// A collector on this port of loopback, 0 for any, and where it is.
async fn collector(lab: &Lab, name: &str, port: u16) -> (String, CancellationToken, tokio::task::JoinHandle<()>) {
    let collector = Collector::bind(&lab.pki.files(name), &lab.pki, port, &lab.path().join("collected")).await;
    let collector = collector.expect("a collector");
    let (url, stop) = (collector.url().expect("an address"), CancellationToken::new());
    let task = tokio::spawn(collector.serve(stop.clone()));
    (url, stop, task)
}

fn with_collector(lab: &Lab, url: &str) -> Plan {
    audited(lab).with(&format!(
        "[audit.collector]\nurl = \"{url}\"\nroots = \"pki/ca/collector.pem\"\n"
    ))
}

fn port_of(url: &str) -> u16 {
    let authority = url
        .trim_start_matches("https://")
        .split('/')
        .next()
        .expect("an authority");
    authority
        .rsplit(':')
        .next()
        .and_then(|port| port.parse().ok())
        .expect("a port")
}

/// WP-33: what happens while the collector is away gets there afterwards, each record once and none missing.
///
/// Proves: WP-33
#[tokio::test]
async fn a_collector_that_was_away_has_every_record_once() {
    let lab = Lab::new();
    let (url, stop, task) = collector(&lab, "collector", 0).await;
    let ees = with_collector(&lab, &url).start().await;
    let collected = lab.path().join("collected");
    until_it_is_so("the start was collected", async || !lines(&collected).is_empty()).await;
    stop.cancel();
    task.await.expect("it ends");
    refused(&lab, &ees).await;
    until_it_is_so("the refusals are on the disk", async || {
        events(&folder(&lab)).contains("AUTHZ_PROBE")
    })
    .await;
    assert!(!events(&collected).contains("AUTHZ_PROBE"), "nobody collects");
    let (_, _stop, _task) = collector(&lab, "collector", port_of(&url)).await;
    until_it_is_so("all was collected", async || events(&collected).contains("AUTHZ_PROBE")).await;
    assert!(ees.stop().await.success());
    assert_eq!(lines(&collected), lines(&folder(&lab)), "also the last words");
}

/// WP-33: somebody else at the collector's address receives nothing.
///
/// Proves: WP-33
#[tokio::test]
async fn a_stranger_in_the_place_of_the_collector_gets_nothing() {
    let lab = Lab::new();
    lab.pki
        .issue(Role::Operator, "stranger")
        .issued_by(Role::Eec)
        .serving()
        .write()
        .expect("a certificate");
    let (url, _stop, _task) = collector(&lab, "stranger", 0).await;
    let ees = with_collector(&lab, &url).start().await;
    until_it_is_so("the EES has tried", async || {
        ees.log().contains("does not take audit records")
    })
    .await;
    assert!(ees.stop().await.success());
    assert_eq!(lines(&lab.path().join("collected")), [""; 0]);
    good(&verify(&lab, "ees", &folder(&lab), &[]));
}

/// Who keeps the evidence is no operator: no door lets it in.
///
/// Proves: WP-33
#[tokio::test]
async fn the_collector_is_let_in_nowhere() {
    let lab = Lab::new();
    let ees = audited(&lab).start().await;
    let collector = Caller::new(&lab, &lab.pki.files("collector"), Role::Ees, ees.root("operator"));
    assert!(
        collector.try_call(Method::GET, "/ready", &Value::Null).await.is_err(),
        "the handshake is refused"
    );
    assert!(ees.stop().await.success());
}

/// What the operator's port says in all.
async fn metrics(lab: &Lab, role: Role, server: &Process) -> String {
    let operator = lab.operator(role, server.root("operator"));
    operator.get("/metrics").await.body.as_str().expect("text").to_owned()
}

/// The text without the addresses at which the server itself listens: those are nobody's.
fn without_ours(text: &str, roots: &[impl AsRef<str>]) -> String {
    let address = |root: &str| root.trim_start_matches("https://").to_owned();
    roots.iter().fold(text.to_owned(), |text, root| {
        text.replace(&address(root.as_ref()), "ours")
    })
}

/// WP-29: neither logs, whatever their level, nor metrics, refusals or the audit log name users, UEs and their addresses.
///
/// Proves: WP-29
#[tokio::test]
async fn nothing_that_is_written_names_a_user() {
    let lab = Lab::new();
    let plan = audited(&lab).logging("trace");
    let ees = plan.start().await;
    let bodies = refused(&lab, &ees).await;
    let ours = ["edge1", "edge3", "operator"].map(|point| ees.root(point).to_owned());
    let metrics = metrics(&lab, Role::Ees, &ees).await;
    assert!(ees.stop().await.success());
    let log = fs::read_to_string(plan.log()).expect("a log");
    assert!(log.lines().count() > 10, "there is something to look at:\n{log}");
    let written = [
        ("log", log),
        ("metrics", metrics),
        ("refusals", json!(bodies).to_string()),
        ("audit log", lines(&folder(&lab)).join("\n")),
    ];
    for secret in [EEC.to_owned(), ue_of(EEC), ue_of("bob"), "127.0.0.1".to_owned()] {
        for (what, text) in &written {
            let text = without_ours(text, &ours);
            let found = text.lines().find(|line| line.contains(&secret));
            assert_eq!(found, None, "{secret} stands in: {what}");
        }
    }
}

/// In a laboratory one can see who is meant.
#[tokio::test]
async fn a_laboratory_can_have_names_as_they_are() {
    let lab = Lab::new();
    let plan = audited(&lab)
        .with("[privacy]\nlog_identifiers_as_they_are = true\n")
        .logging("info");
    let ees = plan.start().await;
    refused(&lab, &ees).await;
    assert!(ees.stop().await.success());
    assert!(fs::read_to_string(plan.log()).expect("a log").contains(EEC));
    assert!(lines(&folder(&lab)).join("\n").contains(EEC));
}

/// Without `[audit]` no file is written, and events stand in the ordinary log.
#[tokio::test]
async fn without_an_audit_log_events_stand_in_the_log() {
    let lab = Lab::new();
    let plan = lab.ees("a");
    let ees = plan.start().await;
    refused(&lab, &ees).await;
    assert!(ees.stop().await.success());
    let log = fs::read_to_string(plan.log()).expect("a log");
    let of_security = log
        .lines()
        .filter(|line| line.contains("\"target\":\"security\""))
        .count();
    assert!(of_security >= 5, "{log}");
    assert!(!folder(&lab).exists());
}

/// The ECS keeps the same log.
#[tokio::test]
async fn an_ecs_keeps_its_log_too() {
    let lab = Lab::new();
    let plan = lab.ecs().with(AUDIT).logging("trace");
    let ecs = plan.start().await;
    let eec = Caller::new(&lab, &lab.who(Role::Eec, EEC), Role::Ecs, ecs.root("edge4"));
    let path = "/eecs-serviceprovisioning/v1/request";
    eec.post(path, &json!({"eecId": "somebody-else"})).await;
    eec.send(Method::POST, path, "application/json", "{").await;
    let ours = ["edge4", "edge6", "operator"].map(|point| ecs.root(point).to_owned());
    assert!(ecs.stop().await.success());
    let there = events(&folder(&lab));
    for event in ["START", "OWNER_MISMATCH", "BODY_REJECTED", "STOP"] {
        assert!(there.contains(event), "{event} is not among {there:?}");
    }
    good(&verify(&lab, "ecs", &folder(&lab), &[]));
    let written = fs::read_to_string(plan.log()).expect("a log") + &lines(&folder(&lab)).join("\n");
    let written = without_ours(&written, &ours);
    for secret in [EEC.to_owned(), ue_of(EEC), "127.0.0.1".to_owned()] {
        assert_eq!(written.lines().find(|line| line.contains(&secret)), None, "{secret}");
    }
}

/// WP-51: an operator has an EEC and its UE forgotten; state that is written afterwards does not name them, and the log says who did it.
///
/// Proves: WP-51
#[tokio::test]
async fn an_operator_has_a_user_forgotten() {
    let lab = Lab::new();
    let plan = audited(&lab);
    let ees = plan.start().await;
    let eec = lab.eec(EEC, ees.root("edge1"));
    let registration = json!({"eecId": EEC, "ueId": ue_of(EEC), "acProfs": [{"acId": "ac.chess.example"}]});
    let path = eec.post(EEC_REGISTRATIONS, &registration).await.created();
    let subscription = eec
        .post(DISCOVERY_SUBSCRIPTIONS, &availability(EEC, "https://127.0.0.1:1/x"))
        .await
        .created();
    let operator = lab.operator(Role::Ees, ees.root("operator"));
    operator
        .post("/erase", &json!({"eecId": EEC, "gpsi": ue_of(EEC)}))
        .await
        .refused(400, "MANDATORY_IE_MISSING");
    let by_eec = operator.post("/erase", &json!({"eecId": EEC})).await;
    assert!(
        by_eec.found()["erased"].as_u64().is_some_and(|erased| erased >= 2),
        "{}",
        by_eec.body
    );
    operator.post("/erase", &json!({"gpsi": ue_of(EEC)})).await.found();
    assert_eq!(
        operator.post("/erase", &json!({"eecId": EEC})).await.found()["erased"],
        0
    );
    eec.delete(&path).await.refused(404, "RESOURCE_NOT_FOUND");
    assert_eq!(eec.delete(&subscription).await.status, 404);
    assert!(ees.stop().await.success());
    let there = records(&folder(&lab));
    for event in ["ADMIN_ACTION", "DATA_ERASED"] {
        let told = there
            .iter()
            .find(|record| record["event"] == event)
            .unwrap_or_else(|| panic!("no {event}"));
        assert_eq!(told["actor"], "urn:edgeapp:operator:operator");
        assert!(!told.to_string().contains(EEC), "{told}");
    }
    let store = edgeapp_store::RedbStore::open(plan.state()).expect("a state");
    let all = edgeapp_core::store::Store::range(&store, edgeapp_core::store::Span::prefix(""))
        .await
        .expect("read");
    for entry in all.entries {
        let text = format!("{} {}", entry.key, String::from_utf8_lossy(&entry.value));
        assert!(!text.contains(EEC) && !text.contains(&ue_of(EEC)), "{text}");
    }
}
