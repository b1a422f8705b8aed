//! The program `ees` when its configuration cannot be used.

use std::process::Command;

const CONFIGURATION: &str = r#"
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

/// What the program says when it is started with the configuration and more; it does not start.
fn said(name: &str, more: &str) -> String {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.toml"));
    std::fs::write(&file, format!("{CONFIGURATION}{more}")).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_ees"));
    let ran = program.args(["serve", "--config"]).arg(&file).output().unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(2), "{said}");
    said
}

/// Each key names a file that is not there: the first is reported with the file of the configuration, its key and what to do.
///
/// Proves: WP-49
#[test]
fn a_missing_certificate_names_file_key_and_remedy() {
    let said = said("ees", "");
    for part in [
        "ees.toml: key `identity.certificate`: ",
        "none.pem",
        "; name a PEM file",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

/// What does not fit together in how EESs agree on common EASs.
#[test]
fn common_eas_settings_that_do_not_fit_are_named() {
    let ecs = "[ecs]\nurl = \"https://ecs.example\"\n";
    let edn = "[edn]\ndnn = \"edge-a\"\n";
    for (n, (more, key)) in [
        (
            "[common_eas]\nagreed_by = \"repository\"\n".to_owned(),
            "common_eas.agreed_by",
        ),
        (
            format!("{edn}[common_eas]\none_per = \"edge_data_network\"\n"),
            "common_eas.one_per",
        ),
        (
            format!("{ecs}[common_eas]\none_per = \"edge_data_network\"\n"),
            "common_eas.one_per",
        ),
        (
            format!("{ecs}{edn}[common_eas]\none_per = \"edge_data_network\"\nagreed_by = \"announcement\"\n"),
            "common_eas.one_per",
        ),
        (
            "[common_eas]\nremembered_seconds = 1\n".to_owned(),
            "common_eas.remembered_seconds",
        ),
        (
            "[common_eas]\nother_api_names = [\"eees-cea2\"]\n".to_owned(),
            "common_eas.other_api_names",
        ),
        // What fits is not what is complained of.
        (
            format!(
                "{ecs}{edn}[common_eas]\none_per = \"edge_data_network\"\nother_api_names = [\"eees-common-eas\"]\n"
            ),
            "identity.certificate",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let said = said(&format!("common-eas-{n}"), &more);
        assert!(said.contains(&format!("`{key}")), "{key}: {said}");
    }
}
