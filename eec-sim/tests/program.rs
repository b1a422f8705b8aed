//! The program on the command line. That these tests are here makes `cargo test --workspace` build `eec-sim`, which the tests of the
//! whole system run: for a package without a folder `tests` cargo would leave the program out.

use std::process::{Command, Output};

fn eec_sim(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_eec-sim");
    Command::new(program)
        .args(arguments)
        .output()
        .expect("the program can be run")
}

#[test]
fn help_names_every_command() {
    let help = eec_sim(&["--help"]);
    assert!(help.status.success());
    let text = String::from_utf8_lossy(&help.stdout).into_owned();
    for command in ["demo", "run", "list", "pki"] {
        assert!(
            text.lines().any(|line| line.trim_start().starts_with(command)),
            "{command}: {text}"
        );
    }
}

#[test]
fn wrong_usage_is_2() {
    for arguments in [
        &["dance"][..],
        &["run"],
        &["run", "a-eec-initiated", "--ecs", "https://127.0.0.1:9304"],
    ] {
        let refused = eec_sim(arguments);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        assert!(refused.stdout.is_empty() && !refused.stderr.is_empty(), "{arguments:?}");
    }
}
