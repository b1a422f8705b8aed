//! The hardened reference of an ECS: one line for each key that can be set to something weaker.

use crate::config::EcsConfig;
use edgeapp_audit::settings::AuditSettings;
use edgeapp_authz::{config::AuthorizationConfig, consent::ConsentConfig};
use edgeapp_core::hardening::{Check, Hardened, Profile};
use edgeapp_http::{limits::LimitSettings, tls::TlsSettings};
use edgeapp_nef::NefSettings;
use edgeapp_store::StoreSettings;

const WEEK: u64 = 7 * 86_400;
const EVERYWHERE: &str = "it is reached from every network of the machine, not only from the one it is for";
const FORGOTTEN: &str = "what nobody renews stays for longer than anybody remembers it";
const ONE_ADDRESS: &str = "an address of one network";

/// What is not in the list of a part of its own.
static CHECKS: &[Check<EcsConfig>] = &[
    Check::on(
        "http1",
        |ecs| ecs.http1,
        "TS 33.558 asks for HTTP/2 alone; one protocol less to attack",
    ),
    Check::new(
        "edge4.listen",
        ONE_ADDRESS,
        |ecs| ecs.edge4.on_every_address(),
        EVERYWHERE,
    ),
    Check::new(
        "edge6.listen",
        ONE_ADDRESS,
        |ecs| ecs.edge6.on_every_address(),
        EVERYWHERE,
    ),
    Check::new(
        "operator.listen",
        ONE_ADDRESS,
        |ecs| ecs.operator.on_every_address(),
        EVERYWHERE,
    ),
    Check::limit(
        "lifetimes.ees_registration_max",
        WEEK,
        |ecs| ecs.lifetimes.ees_registration_max.into(),
        FORGOTTEN,
    ),
    Check::limit(
        "lifetimes.subscription_max",
        WEEK,
        |ecs| ecs.lifetimes.subscription_max.into(),
        FORGOTTEN,
    ),
    Check::on(
        "notifications.allow_callbacks_to_private_addresses",
        |ecs| ecs.notifications.allow_callbacks_to_private_addresses,
        "clients can make this server send requests into its own network",
    ),
    Check::on(
        "privacy.log_identifiers_as_they_are",
        |ecs| ecs.privacy.log_identifiers_as_they_are,
        "logs name users and devices",
    ),
    Check::new(
        "crl",
        "a list for each role",
        |ecs| ecs.key_files().without_lists(),
        "a certificate that was stolen is good until it ends",
    ),
    Check::new(
        "audit",
        "an audit log",
        |ecs| ecs.audit.is_none().then(|| "none".to_owned()),
        "nobody can find out afterwards what happened",
    ),
    Check::on(
        "limits.unlimited_rates_for_load_tests",
        |ecs| ecs.limits.unlimited_rates_for_load_tests,
        "one caller can keep this server from all others",
    ),
    Check::most(
        "notifications.timeout_seconds",
        30,
        |ecs| ecs.notifications.timeout_seconds.into(),
        "subscribers that do not answer hold up what is meant for the others",
    ),
    Check::new(
        "registration.allowed_ees",
        "a list",
        |ecs| ecs.registration.allowed_ees.is_none().then(|| "none".to_owned()),
        "every EES with a certificate of a trusted issuer can draw EECs to itself",
    ),
    Check::most(
        "quotas.provisioning_subscriptions",
        10_000,
        |ecs| ecs.quotas.provisioning_subscriptions.get().into(),
        "one caller can fill the store",
    ),
];

impl Hardened for EcsConfig {
    fn profile(&self) -> Profile<'_, Self> {
        Profile::of(self)
            .with(CHECKS)
            .part(|ecs| Some(&ecs.tls), TlsSettings::CHECKS)
            .part(|ecs| Some(&ecs.limits), LimitSettings::CHECKS)
            .part(|ecs| Some(&ecs.store), StoreSettings::CHECKS)
            .part(|ecs| ecs.audit.as_ref(), AuditSettings::CHECKS)
            .part(|ecs| ecs.nef.as_ref(), NefSettings::CHECKS)
            .part(|ecs| Some(&ecs.consent), ConsentConfig::CHECKS)
            .part(|ecs| Some(&ecs.authorization), AuthorizationConfig::CHECKS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgeapp_http::settings::Effective;
    use std::{collections::BTreeSet, path::Path};

    /// The smallest file that is read.
    const SMALLEST: &str = r#"
        ecs_id = "ecs.example"
        identity = { certificate = "ecs.pem", key = "ecs.key" }
        trust = { eec = "eec.pem", ees = "ees.pem", operator = "operator.pem" }
        edge4 = { listen = "192.0.2.1:9304" }
        edge6 = { listen = "192.0.2.2:9306" }
        operator = { listen = "192.0.2.3:9308" }
        store = { kind = "redb", path = "ecs.redb" }
    "#;

    /// What has to be added so that nothing is weaker, with everything in it that may be left out.
    const HARDENED: &str = r#"
        http1 = false
        store.encryption_key_file = "state.key"
        audit = { folder = "audit", key = "audit.key" }
        registration.allowed_ees = ["ees-a.example"]
        trust.nef = "nef.pem"
        crl = { eec = ["crl"], ees = ["crl"], operator = ["crl"], nef = ["crl"] }
        nef = { api_root = "https://nef.example", scs_as_id = "ecs" }
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
        (
            "privacy.log_identifiers_as_they_are",
            "privacy.log_identifiers_as_they_are = true",
        ),
        (
            "authorization.allow_policies_that_permit_everything",
            "authorization.allow_policies_that_permit_everything = true",
        ),
        (
            "authorization.accept_tokens_typed_jwt",
            "authorization.accept_tokens_typed_jwt = true",
        ),
        ("authorization.stale_seconds", "authorization.stale_seconds = 3601"),
        ("audit", "audit = false"),
        ("crl", "crl = false"),
        ("crl", "crl.operator = []"),
        (
            "audit.serve_although_records_are_lost",
            "audit.serve_although_records_are_lost = true",
        ),
        (
            "limits.unlimited_rates_for_load_tests",
            "limits.unlimited_rates_for_load_tests = true",
        ),
        (
            "tls.allow_key_files_readable_by_others",
            "tls.allow_key_files_readable_by_others = true",
        ),
        ("tls.allow_test_certificates", "tls.allow_test_certificates = true"),
        (
            "tls.connection_max_age_seconds",
            "tls.connection_max_age_seconds = 7200",
        ),
        ("http1", "http1 = true"),
        ("edge4.listen", "edge4.listen = \"0.0.0.0:9304\""),
        ("edge6.listen", "edge6.listen = \"[::]:9306\""),
        ("operator.listen", "operator.listen = \"0.0.0.0:0\""),
        (
            "lifetimes.ees_registration_max",
            "lifetimes.ees_registration_max = 604801",
        ),
        ("lifetimes.subscription_max", "lifetimes.subscription_max = 604801"),
        (
            "notifications.allow_callbacks_to_private_addresses",
            "notifications.allow_callbacks_to_private_addresses = true",
        ),
        ("notifications.timeout_seconds", "notifications.timeout_seconds = 31"),
        ("registration.allowed_ees", "registration = {}"),
        (
            "quotas.provisioning_subscriptions",
            "quotas.provisioning_subscriptions = 10001",
        ),
        ("store.kind", "store = { kind = \"memory-lost-at-exit\" }"),
        ("store.endpoints", PLAIN_ETCD),
        ("store.certificate", NAMELESS_ETCD),
        (
            "store.encryption_key_file",
            "store = { kind = \"redb\", path = \"ecs.redb\" }",
        ),
        (
            "nef.allow_plain_http_to_nef_on_trusted_networks_only",
            "nef.allow_plain_http_to_nef_on_trusted_networks_only = true",
        ),
        ("nef.token_file", "nef.token_file = \"token\""),
        (
            "consent.every_user_agreed_by_other_means",
            "consent.every_user_agreed_by_other_means = true",
        ),
    ];
    const PLAIN_ETCD: &str = r#"
        [store]
        kind = "etcd"
        endpoints = ["https://192.0.2.9:2379", "http://192.0.2.8:2379"]
        namespace = "a"
        user = "ecs"
        password_file = "word"
        encryption_key_file = "state.key"
    "#;
    const NAMELESS_ETCD: &str = r#"
        [store]
        kind = "etcd"
        endpoints = ["https://192.0.2.9:2379"]
        namespace = "a"
        encryption_key_file = "state.key"
    "#;

    fn over(base: &mut toml::Table, text: &str) {
        for (key, value) in text.parse::<toml::Table>().unwrap() {
            match (base.get_mut(&key), value) {
                (Some(toml::Value::Table(base)), toml::Value::Table(more))
                    if !more.contains_key("kind") && !more.is_empty() =>
                {
                    base.extend(more);
                }
                (_, toml::Value::Boolean(false)) if ["audit", "crl"].contains(&&*key) => drop(base.remove(&key)),
                (_, value) => drop(base.insert(key, value)),
            }
        }
    }

    /// The settings that these texts come to, one over the other.
    fn config(texts: &[&str]) -> EcsConfig {
        let mut table = toml::Table::new();
        for text in texts {
            over(&mut table, text);
        }
        table.try_into().unwrap()
    }

    fn verdict(config: &EcsConfig) -> Vec<String> {
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
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/effective.toml");
        if std::env::var_os("RENEW").is_some() {
            std::fs::write(&golden, &text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(golden).unwrap(), text);
    }
}
