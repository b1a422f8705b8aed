//! The program as people call it. That it has a test here also makes `cargo test` build it, which the whole-system tests rely on.

use eec_sim::scenario::SHIPPED;
use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

/// `list` shows every scenario that comes with the program.
#[test]
fn list_shows_the_shipped_scenarios() {
    let ran = Command::new(env!("CARGO_BIN_EXE_eec-sim"))
        .arg("list")
        .output()
        .expect("the program runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let shown = String::from_utf8(ran.stdout).expect("text");
    for shipped in SHIPPED {
        assert!(shown.contains(shipped.name), "{} is not in:\n{shown}", shipped.name);
    }
}

/// Wrong usage is told apart from failure by the exit code.
#[test]
fn wrong_usage_is_exit_code_two() {
    let ran = Command::new(env!("CARGO_BIN_EXE_eec-sim"))
        .args(["run", "no-such-scenario"])
        .output()
        .expect("the program runs");
    assert_eq!(ran.status.code(), Some(2), "{}", String::from_utf8_lossy(&ran.stderr));
}

/// `nef` runs with what `pki init` leaves, and says where it listens.
#[test]
fn a_nef_runs_with_the_configuration_of_pki_init() {
    let dir = tempfile::tempdir().expect("a folder");
    let sim = || Command::new(env!("CARGO_BIN_EXE_eec-sim"));
    let made = sim()
        .args(["pki", "init"])
        .arg(dir.path())
        .output()
        .expect("the program runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut nef = sim()
        .args(["nef", "--speed", "1000", "--config"])
        .arg(dir.path().join("nef.toml"))
        .env("NEF__APIS__LISTEN", "127.0.0.1:0")
        .env("NEF__CONTROL__LISTEN", "127.0.0.1:0")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let out = BufReader::new(nef.stdout.take().expect("a pipe"));
    let lines: Vec<_> = out.lines().map_while(Result::ok).take(3).collect();
    nef.kill().expect("it runs until it is told to stop");
    nef.wait().expect("it ended");
    assert!(lines[0].starts_with("listening apis https://127.0.0.1:"), "{lines:?}");
    assert!(
        lines[1].starts_with("listening control https://127.0.0.1:"),
        "{lines:?}"
    );
    assert_eq!(lines[2], "ready");
}

/// What a configuration says wrongly is told with its key.
#[test]
fn a_nef_with_an_unknown_key_is_exit_code_two() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("nef.toml");
    std::fs::write(&file, "nefid = \"x\"\n").expect("a file");
    let ran = sim_nef(&file);
    assert_eq!(ran.status.code(), Some(2));
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(said.contains("nefid"), "{said}");
}

fn sim_nef(file: &std::path::Path) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eec-sim"));
    command
        .args(["nef", "--config"])
        .arg(file)
        .output()
        .expect("the program runs")
}
