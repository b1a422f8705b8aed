//! `check-config` of both programs: what they say of a configuration, and the exit status that scripts go by.

use edgeapp_system_tests::{
    lab::{Lab, Plan},
    process::program,
};
use std::{path::Path, process::Command};

/// Exit status, standard output and standard error.
fn checked(plan: &Plan) -> (Option<i32>, String, String) {
    let ran = Command::new(program(plan.program()))
        .args(["check-config", "--config"])
        .arg(plan.write())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (ran.status.code(), text(ran.stdout), text(ran.stderr))
}

/// Both servers of a laboratory, made as strict as the reference.
fn strict(lab: &Lab) -> [Plan; 2] {
    let strict = "http1 = false\naudit = { folder = \"audit\", key = \"pki/audit.key\" }\n[notifications]\nallow_callbacks_to_private_addresses = false\n[store]\nencryption_key_file = \"pki/state.key\"\n";
    [
        lab.ees("a").with(strict).with(
            "[edge9]\nlisten = \"127.0.0.1:0\"\n[[neighbour]]\nees_id = \"ees-b.example\"\nurl = \"https://127.0.0.1:9209\"\n",
        ),
        lab.ecs()
            .with(strict)
            .with("[registration]\nallowed_ees = [\"ees-a.example\"]\n"),
    ]
}

/// What is left of a laboratory when all else is strict: its certificates are for tests.
const TESTS: &str = "  tls.allow_test_certificates = true (reference: false): ";

/// WP-39: of a strict configuration nothing is named but what makes it a laboratory's, and the settings are printed as a file that comes
/// to the same.
///
/// Proves: WP-39
#[test]
fn a_strict_configuration_is_printed_and_nothing_of_it_is_weaker() {
    let lab = Lab::new();
    for plan in strict(&lab) {
        let (status, settings, errors) = checked(&plan);
        assert_eq!(status, Some(1), "{settings}");
        let lines: Vec<_> = errors.lines().skip(1).collect();
        assert!(lines.len() == 1 && lines[0].starts_with(TESTS), "{errors}");
        let read: toml::Table = settings.parse().unwrap();
        assert_eq!(read["http1"].as_bool(), Some(false));
        let again = checked(&plan.clone().with(&settings));
        assert_eq!(again, (Some(1), settings, errors));
    }
}

/// WP-39: any weaker setting fails the check and is named in a line. What `pki init` writes is weaker on purpose.
///
/// Proves: WP-39
#[test]
fn a_weaker_setting_fails_the_check_by_name() {
    let lab = Lab::new();
    for plan in strict(&lab) {
        for (weaker, line) in [
            ("http1 = true", "http1 = true (reference: false): "),
            (
                "[notifications]\nallow_callbacks_to_private_addresses = true",
                "notifications.allow_callbacks_to_private_addresses = true (reference: false): clients can make",
            ),
            (
                "[operator]\nlisten = \"0.0.0.0:0\"",
                "operator.listen = \"0.0.0.0:0\" (reference: an address of one network): ",
            ),
            (
                "[store]\nkind = \"memory-lost-at-exit\"",
                "store.kind = \"memory-lost-at-exit\" (reference: \"redb\" or \"etcd\"): ",
            ),
        ] {
            let (status, settings, errors) = checked(&plan.clone().with(weaker));
            assert_eq!(status, Some(1), "{weaker}: {errors}");
            assert!(settings.parse::<toml::Table>().is_ok(), "{settings}");
            let lines: Vec<_> = errors.lines().skip(1).filter(|line| !line.starts_with(TESTS)).collect();
            assert!(lines.len() == 1 && lines[0].trim().starts_with(line), "{errors}");
        }
    }
    for laboratory in [lab.ees("a"), lab.ecs()] {
        let (status, _, errors) = checked(&laboratory);
        assert_eq!(status, Some(1));
        assert!(
            errors.contains("\n  notifications.allow_callbacks_to_private_addresses = true "),
            "{errors}"
        );
    }
}

/// What cannot be used at all is another exit status, and nothing is printed as if it were in force. Files that it names count.
#[test]
fn an_unusable_configuration_is_told_apart_from_a_weak_one() {
    let lab = Lab::new();
    for plan in strict(&lab) {
        for (wrong, said) in [
            ("http1 = \"no\"", ": key `http1`: must be true or false, and is text"),
            (
                "[operator]\nlisten = \"here\"",
                ": key `operator.listen`: must be an IP address with a port",
            ),
            ("[trust]\noperator = \"none.pem\"", "key `trust.operator`: "),
            ("[identity]\nkey = \"none.key\"", "key `identity.key`: "),
            ("[consent]\nfile = \"none.toml\"", "none.toml"),
            ("[audit]\nfolder = \"audit\"\nkey = \"none.key\"", "key `audit.key`: "),
            (
                "[privacy]\npseudonym_key = \"none/pseudonym.key\"",
                "key `privacy.pseudonym_key`: ",
            ),
            (
                "[audit]\nfolder = \"/proc/x/audit\"",
                "key `audit.folder`: /proc/x/audit: ",
            ),
            (
                "[store]\npath = \"/proc/x/state.redb\"",
                "key `store.path`: /proc/x/state.redb: ",
            ),
        ] {
            let (status, settings, errors) = checked(&plan.clone().with(wrong));
            assert_eq!((status, settings.as_str()), (Some(2), ""), "{wrong}: {errors}");
            assert!(errors.contains(said), "{wrong}: {errors}");
        }
    }
}

/// WP-39: the log says at start which settings are in force, by the same sum that `check-config` prints, and what is weaker.
///
/// Proves: WP-39
#[tokio::test]
async fn a_start_logs_the_sum_of_the_settings() {
    let lab = Lab::new();
    for plan in [lab.ees("a"), lab.ecs()] {
        let (_, settings, _) = checked(&plan);
        let sum = settings
            .lines()
            .find_map(|line| line.strip_prefix("# sha256 of these settings: "))
            .expect("the sum is printed");
        assert_eq!(sum.len(), 64);
        drop(plan.start().await);
        let log = std::fs::read_to_string(plan.log()).unwrap();
        let line = log.lines().find(|line| line.contains("settings in force"));
        assert!(line.is_some_and(|line| line.contains(sum)), "{log}");
        assert!(
            log.lines()
                .any(|line| line.contains("weaker than the hardened reference")
                    && line.contains("notifications.allow_callbacks_to_private_addresses")),
            "{log}"
        );
    }
}

/// An EES whose EDGE-9 has an address of its own is not found there by the others: that is said, and changes no exit status.
#[test]
fn an_edge9_that_no_neighbour_names_is_told_of() {
    let lab = Lab::new();
    let edge9 = lab.ees("a").with("[edge9]\nlisten = \"127.0.0.1:0\"\n");
    let (status, _, errors) = checked(&edge9);
    assert_eq!(status, Some(1));
    assert!(
        errors.contains("hint: ") && errors.contains("write [[neighbour]] with ees_id and url"),
        "{errors}"
    );
    let neighbour = "[[neighbour]]\nees_id = \"ees-b.example\"\nurl = \"https://127.0.0.1:9209\"\n";
    let (_, _, errors) = checked(&edge9.with(neighbour));
    assert!(!errors.contains("hint: "), "{errors}");
}

/// The configurations of `docs/deploy` are usable as they are, with the files of a laboratory in the place of an installation's, and nothing
/// in them is weaker.
///
/// Proves: WP-39
#[test]
fn the_configurations_to_begin_with_are_as_strict_as_the_reference() {
    let lab = Lab::new();
    let at = |name: &str| lab.path().join(name).display().to_string();
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/deploy");
    for (server, own) in [("ees", "ees-a"), ("ecs", "ecs")] {
        let text = std::fs::read_to_string(deploy.join(format!("{server}.toml"))).unwrap();
        let credentials = format!("/run/credentials/{server}.service/");
        let text = text
            .replace(&format!("{credentials}key"), &at(&format!("pki/{own}.key")))
            .replace(&format!("{credentials}state-key"), &at("pki/state.key"))
            .replace(&credentials, &at("pki/"))
            .replace("/etc/edgeapp/certs/", &at("pki/"))
            .replace("/etc/edgeapp/collector-ca.pem", &at("pki/ca/collector.pem"))
            .replace("/etc/edgeapp/", &at("pki/"))
            .replace(&format!("/var/lib/edgeapp-{server}/"), &at(&format!("var-{server}/")));
        let file = lab.path().join(format!("{server}.toml"));
        // The sections that are comments as well, where they need no more than the laboratory has.
        let with_collector = text
            .replace("#[audit.collector]", "[audit.collector]")
            .replace("#url = ", "url = ")
            .replace("#roots = ", "roots = ");
        for text in [text, with_collector] {
            std::fs::write(&file, &text).unwrap();
            let ran = Command::new(program(server))
                .args(["check-config", "--config"])
                .arg(&file)
                .env(
                    format!("{}__TLS__ALLOW_TEST_CERTIFICATES", server.to_uppercase()),
                    "true",
                )
                .output()
                .unwrap();
            let errors = String::from_utf8(ran.stderr).unwrap();
            let lines: Vec<_> = errors.lines().skip(1).collect();
            assert!(lines.len() == 1 && lines[0].starts_with(TESTS), "{server}: {errors}");
            assert_eq!(ran.status.code(), Some(1), "{server}");
        }
    }
}
