//! The program as people call it. That it has a test here also makes `cargo test` build it, which the whole-system tests rely on.

use eec_sim::scenario::SHIPPED;
use std::process::Command;

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
