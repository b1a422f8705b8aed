//! The program `ees` when its configuration cannot be used.

use std::process::Command;

/// Each key names a file that is not there: the first is reported with the file of the configuration, its key and what to do.
#[test]
fn a_missing_certificate_names_file_key_and_remedy() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("ees.toml");
    let text = r#"
ees_id = "ees-a.example"
[identity]
certificate = "none.pem"
key = "none.key"
[trust]
eec = "none.pem"
eas = "none.pem"
ees = "none.pem"
ecs = "none.pem"
operator = "none.pem"
[edge1]
listen = "127.0.0.1:0"
[edge3]
listen = "127.0.0.1:0"
[operator]
listen = "127.0.0.1:0"
[store]
kind = "memory-lost-at-exit"
"#;
    std::fs::write(&file, text).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_ees"));
    let ran = program.args(["serve", "--config"]).arg(&file).output().unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(2), "{said}");
    for part in [
        "ees.toml: key `identity.certificate`: ",
        "none.pem",
        "; name a PEM file",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}
