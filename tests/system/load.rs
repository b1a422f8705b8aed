//! Many UEs at once: `eec-sim load` as people and machines call it.

use edgeapp_system_tests::process::program;
use serde_json::Value;
use std::{process::Output, time::Duration};
use tokio::process::Command;

/// Longer than any small fleet takes.
const PATIENCE: Duration = Duration::from_secs(600);

async fn eec_sim(arguments: &[&str]) -> Output {
    let run = Command::new(program("eec-sim"))
        .args(arguments)
        .kill_on_drop(true)
        .output();
    let run = tokio::time::timeout(PATIENCE, run).await;
    run.unwrap_or_else(|_| panic!("eec-sim {arguments:?} did not end"))
        .expect("eec-sim can be started")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A fleet registers at two sites, moves, and leaves nothing behind; its report can be compared.
async fn a_fleet_holds(way: &str, ues: usize, crossings: usize) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let report = folder.path().join("report");
    let report = report.to_str().expect("a path of characters");
    let (ues, most) = (ues.to_string(), crossings.to_string());
    let ran = eec_sim(&[
        "load",
        "--ues",
        &ues,
        "--edns",
        "2",
        "--scenario",
        way,
        "--for",
        "10m",
        "--stay",
        "2s",
        "--crossings",
        &most,
        "--at-once",
        "8",
        "--seed",
        "7",
        "--json",
        "--report",
        report,
    ])
    .await;
    let lines = text(&ran.stdout);
    let context = || format!("{lines}\n{}", text(&ran.stderr));
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("every line is JSON"))
        .collect();
    let of = |kind: &str| lines.iter().filter(|line| line["type"] == kind).collect::<Vec<_>>();
    assert_eq!(ran.status.code(), Some(0), "{}", context());
    let broken: Vec<_> = of("assertion")
        .into_iter()
        .filter(|line| line["held"] != true)
        .collect();
    assert!(
        broken.is_empty() && of("assertion").len() >= 4,
        "{broken:#?}\n{}",
        context()
    );
    assert_eq!(of("relocation").len(), crossings, "{}", context());
    let summary = of("summary");
    assert_eq!(
        (summary.len(), &summary[0]["result"]),
        (1, &"good".into()),
        "{}",
        context()
    );
    assert_eq!(summary[0]["lost_requests"], 0);
    // More crossings than UEs: some have been here and there, and relocate to where they were before.
    assert_eq!(summary[0]["relocations"], crossings);
    let page = std::fs::read_to_string(format!("{report}/index.html")).expect("a page");
    assert!(page.contains("Everything that had to hold did hold"));
    let compared = eec_sim(&["compare", report, report]).await;
    assert_eq!(compared.status.code(), Some(0), "{}", text(&compared.stderr));
    assert!(text(&compared.stdout).contains(&format!("load-{way}: {crossings} relocation(s)")));
}

/// Scenario B (TS 23.558 clause 8.8.2.3), with more crossings than UEs.
#[tokio::test]
async fn a_fleet_moves_by_the_decision_of_its_eecs() {
    a_fleet_holds("b", 20, 50).await;
}

/// Scenario D (clause 8.8.2.5).
#[tokio::test]
async fn a_fleet_moves_by_the_decision_of_its_eess() {
    a_fleet_holds("d", 10, 20).await;
}

/// Contexts follow EECs that register elsewhere (clause 8.9).
#[tokio::test]
async fn a_fleet_without_applications_takes_its_contexts_along() {
    a_fleet_holds("none", 10, 20).await;
}

/// What cannot be meant is refused by the name of the option, before a server starts.
#[tokio::test]
async fn a_wish_that_cannot_be_meant_is_wrong_usage() {
    for (arguments, word) in [
        (["load", "--edns", "1"], "--edns"),
        (["load", "--for", "soon"], "--for"),
        (["load", "--scenario", "z"], "--scenario"),
        (["load", "--ues", "0"], "--ues"),
    ] {
        let ran = eec_sim(&arguments).await;
        assert_eq!(ran.status.code(), Some(2), "{arguments:?}");
        assert!(text(&ran.stderr).contains(word), "{}", text(&ran.stderr));
    }
}
