//! `check-config` of both programs: what they say of a configuration, and the exit status that scripts go by.

use edgeapp_system_tests::{
    lab::{Lab, Plan},
    process::program,
};
use std::process::Command;

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
        lab.ees("a").with(strict).with("[edge9]\nlisten = \"127.0.0.1:0\"\n"),
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
