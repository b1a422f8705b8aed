//! The program `eec-sim` as people and machines call it.

use edgeapp_system_tests::process::program;
use eec_sim::scenario::{DEMO, SHIPPED};
use serde_json::Value;
use std::{path::Path, process::Output, time::Duration};
use tokio::process::Command;

/// Longer than any demo takes, even where the servers have to be built first.
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

fn as_argument(path: &Path) -> &str {
    path.to_str().expect("a path of characters")
}

/// All ways of relocation hold, line by line and on the whole, and leave a page that names them.
#[tokio::test]
async fn the_demo_holds_and_leaves_a_report() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let report = folder.path().join("report");
    let ran = eec_sim(&["demo", "--json", "--report", as_argument(&report)]).await;
    let lines = text(&ran.stdout);
    let context = || format!("{lines}\n{}", text(&ran.stderr));
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("every line is JSON"))
        .collect();
    let of = |kind: &str| {
        lines
            .iter()
            .filter(move |line| line["type"] == kind)
            .collect::<Vec<_>>()
    };

    let broken: Vec<_> = of("assertion")
        .into_iter()
        .filter(|assertion| assertion["held"] != true)
        .collect();
    assert!(broken.is_empty(), "{broken:#?}\n{}", context());
    assert_eq!(ran.status.code(), Some(0), "{}", context());
    for name in DEMO {
        let about = |kind: &str| of(kind).into_iter().filter(|line| line["scenario"] == *name).count();
        assert!(
            about("assertion") > 0 && about("milestone") > 0 && about("message") > 0,
            "{name}: {}",
            context()
        );
        assert_eq!((about("begin"), about("relocation")), (1, 1), "{name}: {}", context());
    }
    let summary = of("summary");
    assert_eq!(summary.len(), 1);
    assert_eq!(
        (&summary[0]["result"], &summary[0]["good"]),
        (&"good".into(), &DEMO.len().into()),
        "{}",
        summary[0]
    );
    assert_eq!(summary[0]["held"], of("assertion").len());

    let page = std::fs::read_to_string(report.join("index.html")).expect("a page");
    for begin in of("begin") {
        let title = begin["title"].as_str().expect("a title");
        assert!(page.contains(title), "{title} is not on the page");
    }
    // It can be looked at without a network.
    assert!(
        page.contains("<svg") && !page.contains("src=\"http") && !page.contains("<link"),
        "something is loaded from elsewhere"
    );
}

/// Where no edge site serves, the application falls back to its server in the cloud, and comes back: with real servers, also when the
/// S-EES is killed in the middle (TS 23.558 clause 8.8.2A).
#[tokio::test]
async fn the_cloud_takes_over_and_gives_back() {
    for (arguments, relocations) in [
        (&["run", "cloud", "--json"][..], 4),
        (&["run", "cloud-by-s-ees", "--json"], 2),
        (
            &["run", "cloud", "--json", "--fault", "s-ees-restart", "--seed", "2"],
            4,
        ),
    ] {
        let ran = eec_sim(arguments).await;
        let lines = text(&ran.stdout);
        let of = |kind: &str| {
            let lines = lines.lines().map(|line| serde_json::from_str(line).expect("JSON"));
            lines.filter(|line: &Value| line["type"] == kind).collect::<Vec<_>>()
        };
        let broken: Vec<_> = of("assertion")
            .into_iter()
            .filter(|line| line["held"] != true)
            .collect();
        let context = || format!("{arguments:?}: {broken:#?}\n{}", text(&ran.stderr));
        assert_eq!(ran.status.code(), Some(0), "{}", context());
        assert_eq!(of("relocation").len(), relocations, "{}", context());
        let told = |id: &str| of("assertion").iter().filter(|line| line["id"] == id).count();
        assert_eq!((told("cloud_told"), told("one_holder")), (relocations / 2, relocations));
    }
}

/// `list` names what `run` plays.
#[tokio::test]
async fn list_names_the_shipped_scenarios() {
    let ran = eec_sim(&["list"]).await;
    assert_eq!(ran.status.code(), Some(0));
    let named: Vec<_> = text(&ran.stdout)
        .lines()
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect();
    for shipped in SHIPPED {
        assert!(
            named.iter().any(|name| name == shipped.name),
            "{} is not in {named:?}",
            shipped.name
        );
    }
}

mod a_bad_scenario {
    use super::*;

    /// Runs the first shipped scenario with `good` replaced by `bad`. Answers with the refusal; the line must be named.
    async fn refusal(good: &str, bad: &str) -> String {
        let shipped = SHIPPED[0].text;
        let at = shipped.find(good).unwrap_or_else(|| panic!("{good} does not occur"));
        let line = shipped[..at].matches('\n').count() + 1;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("mine.toml");
        std::fs::write(&file, shipped.replacen(good, bad, 1)).expect("a scenario can be written");
        let ran = eec_sim(&["run", as_argument(&file)]).await;
        let refusal = text(&ran.stderr);
        assert_eq!(ran.status.code(), Some(2), "{refusal}");
        assert!(refusal.contains(&format!("mine.toml:{line}")), "line {line}: {refusal}");
        assert!(ran.stdout.is_empty(), "{}", text(&ran.stdout));
        refusal
    }

    /// A key that does not exist.
    #[tokio::test]
    async fn with_an_unknown_key_is_refused_by_line_and_key() {
        let refusal = refusal("period_ms = 20", "perod_ms = 20").await;
        assert!(refusal.contains("perod_ms"), "{refusal}");
    }

    /// A value of another form.
    #[tokio::test]
    async fn with_a_wrong_value_is_refused_by_line_and_key() {
        let refusal = refusal("period_ms = 20", "period_ms = \"often\"").await;
        assert!(refusal.contains("period_ms"), "{refusal}");
    }

    /// A reference to something that is not there.
    #[tokio::test]
    async fn with_a_dangling_reference_is_refused_by_line_and_key() {
        let refusal = refusal("acr = \"EEC_INITIATED\"", "acr = \"BY_PIGEON\"").await;
        assert!(refusal.contains("acr"), "{refusal}");
    }

    /// A file that is not there, and no scenario of that name.
    #[tokio::test]
    async fn that_is_not_there_is_refused_by_name() {
        let ran = eec_sim(&["run", "no-such-scenario"]).await;
        assert_eq!(ran.status.code(), Some(2));
        assert!(text(&ran.stderr).contains("no-such-scenario"), "{}", text(&ran.stderr));
    }
}
