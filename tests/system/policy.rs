//! Local policy in files: what an operator writes is what callers get, while the servers run (WP-23, WP-24, T-34).

use crate::support::{DISCOVERY, EEC_REGISTRATIONS};
use edgeapp_core::principal::Role;
use edgeapp_system_tests::{
    caller::{Answer, Caller},
    lab::{Lab, Plan},
    process::program,
    wait::until_it_is_so,
};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

const EEC: &str = "eec-1";
const EES_REGISTRATIONS: &str = "/eecs-eesregistration/v1/registrations";

/// The policies that the program comes with, in a folder of the lab.
fn written(lab: &Lab, server: &str) -> PathBuf {
    let folder = lab.path().join(format!("{server}-policies"));
    let ran = run(server, &["policies", "--out", folder.to_str().unwrap()]);
    assert!(ran.status.success(), "{ran:?}");
    folder
}

fn run(server: &str, arguments: &[&str]) -> Output {
    Command::new(program(server)).args(arguments).output().unwrap()
}

fn said(ran: &Output) -> (Option<i32>, String) {
    let text = [&ran.stdout[..], &ran.stderr[..]].concat();
    (ran.status.code(), String::from_utf8(text).unwrap())
}

fn under(plan: Plan, policies: &Path) -> Plan {
    plan.with(&format!("[authorization]\npolicies = {policies:?}\n"))
}

/// The text without the policy of this id.
fn without(text: &str, id: &str) -> String {
    let begin = text.find(&format!("@id({id:?})")).expect("such a policy");
    let end = begin + text[begin..].find(';').expect("its end") + 1;
    text[..begin].to_owned() + &text[end..]
}

async fn discovers(eec: &Caller) -> Answer {
    let request =
        json!({"requestorId": {"eecId": EEC}, "easDiscoveryFilter": {"easChars": [{"easId": "eas.chess.example"}]}});
    eec.post(DISCOVERY, &request).await
}

/// A rule that is taken away takes its operations with it, at once and after a restart; one that is wrong changes nothing.
///
/// Proves: WP-23, T-34
#[tokio::test]
async fn a_rule_that_is_removed_refuses_its_operations_and_no_others() {
    let lab = Lab::new();
    let policies = written(&lab, "ees");
    let plan = under(lab.ees("a"), &policies);
    let ees = plan.start().await;
    let eec = lab.eec(EEC, ees.root("edge1"));
    eec.post(EEC_REGISTRATIONS, &json!({"eecId": EEC})).await.created();
    discovers(&eec).await.refused(404, "NO_SUITABLE_EAS");

    let file = policies.join("edge1.cedar");
    let whole = fs::read_to_string(&file).unwrap();
    fs::write(&file, whole.replace("principal is Eec", "principal is Eek")).unwrap();
    until_it_is_so("the mistake is told", async || {
        ees.log().contains("the policies stay as they were")
    })
    .await;
    assert!(ees.log().contains("edge1.cedar:"), "{}", ees.log());
    discovers(&eec).await.refused(404, "NO_SUITABLE_EAS");

    fs::write(&file, without(&whole, "edge1-discovery")).unwrap();
    until_it_is_so("discovery is refused", async || discovers(&eec).await.status == 403).await;
    discovers(&eec).await.refused(403, "UNAUTHORIZED");
    eec.post(EEC_REGISTRATIONS, &json!({"eecId": EEC})).await.created();

    assert!(ees.stop().await.success());
    let ees = plan.start().await;
    let eec = lab.eec(EEC, ees.root("edge1"));
    discovers(&eec).await.refused(403, "UNAUTHORIZED");
    fs::write(&file, &whole).unwrap();
    until_it_is_so("discovery is served again", async || {
        discovers(&eec).await.status == 404
    })
    .await;
}

/// What operators change is refused without its rule; what they look at needs none.
///
/// Proves: WP-23, WP-36
#[tokio::test]
async fn without_its_rule_an_operator_changes_nothing_and_still_sees_the_server() {
    let lab = Lab::new();
    let policies = written(&lab, "ees");
    let file = policies.join("operator.cedar");
    let whole = fs::read_to_string(&file).unwrap();
    fs::write(&file, without(&whole, "operator-erasure")).unwrap();
    let ees = under(lab.ees("a"), &policies).start().await;
    let eec = lab.eec(EEC, ees.root("edge1"));
    eec.post(EEC_REGISTRATIONS, &json!({"eecId": EEC})).await.created();
    let operator = lab.operator(Role::Ees, ees.root("operator"));
    let erase = async || operator.post("/erase", &json!({"eecId": EEC})).await;
    erase().await.refused(403, "UNAUTHORIZED");
    operator.post("/clock", &json!({})).await.found();
    for path in ["/health", "/ready", "/metrics", "/clock", "/version"] {
        assert_eq!(operator.get(path).await.status, 200, "{path}");
    }
    fs::write(&file, &whole).unwrap();
    until_it_is_so("the operator may erase", async || erase().await.status == 200).await;
}

/// SIGHUP has the files read at once; nothing else says that they have not changed.
#[tokio::test]
async fn a_signal_has_the_policies_read_again() {
    let lab = Lab::new();
    let plan = under(lab.ees("a"), &written(&lab, "ees"));
    let ees = plan.start().await;
    ees.signal("HUP").await;
    until_it_is_so("they were read again", async || {
        ees.log().contains("the policies were read again: nothing has changed")
    })
    .await;
    let eec = lab.eec(EEC, ees.root("edge1"));
    eec.post(EEC_REGISTRATIONS, &json!({"eecId": EEC})).await.created();
}

/// An allow-list of EESs is a condition on who asks.
///
/// Proves: WP-24
#[tokio::test]
async fn an_ees_that_is_not_on_the_list_does_not_register() {
    let lab = Lab::new();
    let policies = written(&lab, "ecs");
    let file = policies.join("edge6.cedar");
    let listed = r#")
when { ["ees-a.example"].contains(principal.id) };"#;
    fs::write(&file, fs::read_to_string(&file).unwrap().replace(");", listed)).unwrap();
    let ecs = under(lab.ecs(), &policies).start().await;
    let register = async |id: &str| {
        let ees = Caller::new(&lab, &lab.who(Role::Ees, id), Role::Ecs, ecs.root("edge6"));
        let profile = json!({"eesId": id, "endPt": {"uri": format!("https://{id}")}, "easIds": ["eas.chess.example"], "eecRegConf": false});
        ees.post(EES_REGISTRATIONS, &json!({"eesProf": profile})).await
    };
    register("ees-a.example").await.created();
    register("ees-b.example").await.refused(403, "UNAUTHORIZED");

    let config = lab.path().join("ecs.toml");
    let asks = |id: &str| {
        let principal = format!("urn:edgeapp:ees:{id}");
        let question = [
            "--principal",
            &principal,
            "--operation",
            "eecs-eesregistration:create",
            "--listener",
            "edge6",
        ];
        let arguments = [&["check-policy", "--config", config.to_str().unwrap()], &question[..]].concat();
        said(&run("ecs", &arguments))
    };
    let (status, text) = asks("ees-a.example");
    assert!(
        status == Some(0) && text.contains("permitted by edge6-registration at "),
        "{text}"
    );
    let (status, text) = asks("ees-b.example");
    assert!(
        status == Some(1) && text.contains("its condition does not hold"),
        "{text}"
    );
}

/// What `check-policy` says, and with which exit status.
///
/// Proves: T-34
#[tokio::test]
async fn policies_are_checked_without_a_server() {
    let lab = Lab::new();
    let policies = written(&lab, "ees");
    let ees = under(lab.ees("a"), &policies).start().await;
    let config = lab.path().join("ees-a.toml");
    let check = |more: &[&str]| {
        let arguments = [&["check-policy", "--config", config.to_str().unwrap()], more].concat();
        said(&run("ees", &arguments))
    };
    let (status, table) = check(&[]);
    assert_eq!(status, Some(0), "{table}");
    let discovery = table
        .lines()
        .find(|line| line.starts_with("eees-easdiscovery"))
        .unwrap();
    let cells: Vec<_> = discovery
        .split("   ")
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
        .collect();
    let expected = ["eees-easdiscovery", "·", "all 1", "all 5", "·", "all 1", "·", "·"];
    assert_eq!(cells, expected, "{table}");
    let question = [
        "--principal",
        "urn:edgeapp:eec:eec-1",
        "--operation",
        "eees-easdiscovery:request",
        "--listener",
        "edge1",
    ];
    assert_eq!(check(&question).0, Some(0));
    let of_another = [&question[..], &["--owner", "urn:edgeapp:eec:eec-2"]].concat();
    let (status, text) = check(&of_another);
    assert!(
        status == Some(1) && text.contains("forbidden by ownership at "),
        "{text}"
    );
    assert_eq!(check(&question[..2]).0, Some(2));

    let file = policies.join("edge9.cedar");
    let whole = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{whole}\npermit (principal, action, resource);\n")).unwrap();
    let (status, text) = check(&[]);
    let line = format!("edge9.cedar:{}: ", whole.lines().count() + 2);
    assert!(
        status == Some(2) && text.contains(&line) && text.contains("permits everything"),
        "{text}"
    );
    // Nor does a server start on it.
    assert!(ees.stop().await.success());
    let refused = under(lab.ees("a"), &policies).try_start().await.expect_err("a server");
    assert!(refused.contains(&line), "{refused}");
    let lab_only = "[authorization]\nallow_policies_that_permit_everything = true\n";
    let _ees = under(lab.ees("a"), &policies).with(lab_only).start().await;
    let (status, text) = check(&[]);
    assert!(
        status == Some(0) && text.contains("warning  ") && text.contains("permits everything"),
        "{text}"
    );
}
