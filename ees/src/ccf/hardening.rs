//! The hardened reference of a core function.

use super::{config::CcfConfig, settings::CoreSettings};
use edgeapp_audit::settings::AuditSettings;
use edgeapp_core::hardening::{Check, Hardened, Profile};
use edgeapp_http::{limits::LimitSettings, tls::TlsSettings};
use edgeapp_store::StoreSettings;

const EVERYWHERE: &str = "it is reached from every network of the machine, not only from the one it is for";
const ONE_ADDRESS: &str = "an address of one network";
const FILLS: &str = "one caller can fill the store";

/// What is weaker in the settings of the store: the value, and the key below its section.
fn store(core: &CoreSettings) -> Option<String> {
    let findings = StoreSettings::CHECKS.iter();
    let mut weaker = findings.filter_map(|check| check.finding(&core.store));
    weaker
        .next()
        .map(|finding| format!("{} = {}", finding.key, finding.value))
}

/// The checks of a core function whose settings stand in this section.
macro_rules! checks {
    ($section:literal) => {
        &[
            Check::new(
                concat!($section, ".listen"),
                ONE_ADDRESS,
                |core| core.listen_at().on_every_address(),
                EVERYWHERE,
            ),
            Check::most(
                concat!($section, ".certificate_seconds"),
                90 * 86_400,
                |core| core.certificate_seconds.into(),
                "a key that was stolen is good for so long, as far as nobody offboards its owner",
            ),
            Check::most(
                concat!($section, ".token_seconds"),
                3600,
                |core| core.token_seconds.into(),
                "exposing functions that a revocation does not reach take tokens for so long",
            ),
            Check::most(
                concat!($section, ".key_rotation_seconds"),
                30 * 86_400,
                |core| core.key_rotation_seconds.into(),
                "whoever gets a signing key can make tokens for so long",
            ),
            Check::most(
                concat!($section, ".quotas.apis"),
                10_000,
                |core| core.quotas.apis.get().into(),
                FILLS,
            ),
            Check::most(
                concat!($section, ".quotas.event_subscriptions"),
                1_000,
                |core| core.quotas.event_subscriptions.get().into(),
                FILLS,
            ),
            Check::new(
                concat!($section, ".store"),
                "a file or a cluster, encrypted",
                store,
                "what was promised is lost, or read by whoever gets the disk",
            ),
        ]
    };
}

/// Of `[core]`.
static CORE: &[Check<CoreSettings>] = checks!("core");
/// Of `[capif.core]`.
pub(crate) static EMBEDDED: &[Check<CoreSettings>] = checks!("capif.core");

/// What is not in the list of a part of its own.
static CHECKS: &[Check<CcfConfig>] = &[
    Check::new(
        "operator.listen",
        ONE_ADDRESS,
        |ccf| ccf.operator.on_every_address(),
        EVERYWHERE,
    ),
    Check::on(
        "notifications.allow_callbacks_to_private_addresses",
        |ccf| ccf.notifications.allow_callbacks_to_private_addresses,
        "clients can make this server send requests into its own network",
    ),
    Check::most(
        "notifications.timeout_seconds",
        30,
        |ccf| ccf.notifications.timeout_seconds.into(),
        "subscribers that do not answer hold up what is meant for the others",
    ),
    Check::most(
        "notifications.backlog_per_subscription",
        10_000,
        |ccf| ccf.notifications.backlog_per_subscription.into(),
        "a subscriber that is away fills the store",
    ),
    Check::on(
        "privacy.log_identifiers_as_they_are",
        |ccf| ccf.privacy.log_identifiers_as_they_are,
        "logs name users and devices",
    ),
    Check::new(
        "crl",
        "a list for each role",
        |ccf| {
            let lists = [&ccf.crl.operator, &ccf.crl.eas, &ccf.crl.ees];
            lists
                .iter()
                .any(|list| list.is_empty())
                .then(|| "not for all".to_owned())
        },
        "a certificate that was stolen is good until it ends",
    ),
    Check::new(
        "audit",
        "an audit log",
        |ccf| ccf.audit.is_none().then(|| "none".to_owned()),
        "nobody can find out afterwards what happened",
    ),
    Check::on(
        "limits.unlimited_rates_for_load_tests",
        |ccf| ccf.limits.unlimited_rates_for_load_tests,
        "one caller can keep this server from all others",
    ),
];

impl Hardened for CcfConfig {
    fn profile(&self) -> Profile<'_, Self> {
        Profile::of(self)
            .with(CHECKS)
            .part(|ccf| Some(&ccf.core), CORE)
            .part(|ccf| Some(&ccf.tls), TlsSettings::CHECKS)
            .part(|ccf| Some(&ccf.limits), LimitSettings::CHECKS)
            .part(|ccf| ccf.audit.as_ref(), AuditSettings::CHECKS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgeapp_http::settings::Effective;
    use std::{collections::BTreeSet, path::Path};

    /// The smallest file that is read.
    const SMALLEST: &str = r#"
        trust.operator = "operator.pem"
        operator = { listen = "192.0.2.2:9448" }
        [core]
        ccf_id = "ccf.example"
        listen = "192.0.2.1:9443"
        identity = { certificate = "ccf.pem", key = "ccf.key" }
        authority = { certificate = "capif-ca.pem", key = "capif-ca.key" }
        trust = { eas = "eas.pem", ees = "ees.pem" }
        store = { kind = "redb", path = "ccf.redb" }
    "#;

    /// What has to be added so that nothing is weaker.
    const HARDENED: &str = r#"
        audit = { folder = "audit", key = "audit.key" }
        crl = { eas = ["crl"], ees = ["crl"], operator = ["crl"] }
        core.store = { kind = "redb", path = "ccf.redb", encryption_key_file = "state.key" }
    "#;

    /// A change that makes the hardened configuration weaker, and the key that is to be named.
    const WEAKENED: &[(&str, &str)] = &[
        ("tls.check_files_seconds", "tls.check_files_seconds = 61"),
        ("audit.checkpoint_seconds", "audit.checkpoint_seconds = 301"),
        ("audit.checkpoint_records", "audit.checkpoint_records = 10001"),
        ("limits.connections", "limits.connections = 1000001"),
        (
            "limits.connections_per_address",
            "limits.connections_per_address = 100001",
        ),
        ("limits.handshakes_per_address", "limits.handshakes_per_address = 10001"),
        ("limits.connections_per_caller", "limits.connections_per_caller = 10001"),
        ("limits.idle_seconds", "limits.idle_seconds = 3601"),
        ("limits.requests_at_a_time", "limits.requests_at_a_time = 100001"),
        (
            "limits.requests_at_a_time_per_caller",
            "limits.requests_at_a_time_per_caller = 10001",
        ),
        (
            "limits.eec.requests_per_second",
            "limits.eec = { requests_per_second = 10001, burst = 1 }",
        ),
        ("limits.eec.burst", "limits.eec.burst = 20001"),
        (
            "limits.eas.requests_per_second",
            "limits.eas = { requests_per_second = 50001, burst = 1 }",
        ),
        ("limits.eas.burst", "limits.eas.burst = 100001"),
        (
            "limits.ees.requests_per_second",
            "limits.ees = { requests_per_second = 100001, burst = 1 }",
        ),
        ("limits.ees.burst", "limits.ees.burst = 200001"),
        (
            "limits.nef.requests_per_second",
            "limits.nef = { requests_per_second = 500001, burst = 1 }",
        ),
        ("limits.nef.burst", "limits.nef.burst = 1000001"),
        (
            "limits.operator.requests_per_second",
            "limits.operator = { requests_per_second = 10001, burst = 1 }",
        ),
        ("limits.operator.burst", "limits.operator.burst = 20001"),
        ("operator.listen", "operator.listen = \"0.0.0.0:9448\""),
        (
            "notifications.allow_callbacks_to_private_addresses",
            "notifications.allow_callbacks_to_private_addresses = true",
        ),
        ("notifications.timeout_seconds", "notifications.timeout_seconds = 31"),
        (
            "notifications.backlog_per_subscription",
            "notifications.backlog_per_subscription = 10001",
        ),
        (
            "privacy.log_identifiers_as_they_are",
            "privacy.log_identifiers_as_they_are = true",
        ),
        ("crl", "crl.eas = []"),
        ("audit", "audit = false"),
        (
            "limits.unlimited_rates_for_load_tests",
            "limits.unlimited_rates_for_load_tests = true",
        ),
        ("core.listen", "core.listen = \"[::]:9443\""),
        ("core.certificate_seconds", "core.certificate_seconds = 7776001"),
        ("core.token_seconds", "core.token_seconds = 3601"),
        ("core.key_rotation_seconds", "core.key_rotation_seconds = 2592001"),
        ("core.quotas.apis", "core.quotas.apis = 10001"),
        (
            "core.quotas.event_subscriptions",
            "core.quotas.event_subscriptions = 1001",
        ),
        ("core.store", "core.store = { kind = \"memory-lost-at-exit\" }"),
        (
            "tls.allow_key_files_readable_by_others",
            "tls.allow_key_files_readable_by_others = true",
        ),
        ("tls.allow_test_certificates", "tls.allow_test_certificates = true"),
        (
            "tls.connection_max_age_seconds",
            "tls.connection_max_age_seconds = 7200",
        ),
        (
            "audit.serve_although_records_are_lost",
            "audit.serve_although_records_are_lost = true",
        ),
    ];

    /// Tables take what is new, everything else gives way to it.
    fn over(base: &mut toml::Table, more: toml::Table) {
        for (key, value) in more {
            match (base.get_mut(&key), value) {
                (Some(toml::Value::Table(base)), toml::Value::Table(more)) if !more.contains_key("kind") => {
                    over(base, more);
                }
                (_, toml::Value::Boolean(false)) if key == "audit" => drop(base.remove(&key)),
                (_, value) => drop(base.insert(key, value)),
            }
        }
    }

    fn config(texts: &[&str]) -> CcfConfig {
        let mut table = toml::Table::new();
        for text in texts {
            over(&mut table, text.parse().unwrap());
        }
        table.try_into().unwrap()
    }

    fn verdict(config: &CcfConfig) -> Vec<String> {
        let verdict = Effective::of(config).unwrap().verdict();
        let lines = verdict.err().unwrap_or_default();
        lines.lines().skip(1).map(|line| line.trim().to_owned()).collect()
    }

    #[test]
    fn nothing_of_the_hardened_configuration_is_weaker() {
        assert_eq!(verdict(&config(&[SMALLEST, HARDENED])), [""; 0]);
    }

    /// Each key that is checked is weakened alone, and named alone, with its value.
    #[test]
    fn each_weaker_setting_is_named_alone() {
        for (key, change) in WEAKENED {
            let lines = verdict(&config(&[SMALLEST, HARDENED, change]));
            assert_eq!(lines.len(), 1, "{change}: {lines:?}");
            assert!(lines[0].starts_with(&format!("{key} = ")), "{change}: {lines:?}");
        }
        let strict = config(&[SMALLEST, HARDENED]);
        let checked: BTreeSet<_> = strict.profile().keys().iter().copied().collect();
        let weakened: BTreeSet<_> = WEAKENED.iter().map(|(key, _)| *key).collect();
        assert_eq!(checked, weakened, "each check has its change in this table");
    }

    /// What the smallest file comes to, every setting of it. RENEW=1 writes the file anew: look at the difference.
    #[test]
    fn the_effective_default_is_the_golden_one() {
        let effective = Effective::of(&config(&[SMALLEST])).unwrap();
        let weaker = effective.verdict().expect_err("not all defaults are hardened");
        let text = format!(
            "{}{}\n",
            effective.text(),
            weaker.replace('\n', "\n#").replacen("weaker", "# weaker", 1)
        );
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/effective-ccf.toml");
        if std::env::var_os("RENEW").is_some() {
            std::fs::write(&golden, &text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(golden).unwrap(), text);
    }
}
