//! The hardened reference of an EES: one line for each key that can be set to something weaker.

use crate::{
    capif::settings::ExposureSettings, ccf::hardening::EMBEDDED, config::EesConfig, easdf::settings::EasdfSettings,
};
use edgeapp_audit::settings::AuditSettings;
use edgeapp_authz::{config::AuthorizationConfig, consent::ConsentConfig};
use edgeapp_core::hardening::{Check, Hardened, Profile};
use edgeapp_dot::settings::DnsSettings;
use edgeapp_ees_domain::quotas::QuotaSettings;
use edgeapp_http::{assembly::ListenAt, limits::LimitSettings, tls::TlsSettings};
use edgeapp_nef::NefSettings;
use edgeapp_store::StoreSettings;

const WEEK: u64 = 7 * 86_400;
const EVERYWHERE: &str = "it is reached from every network of the machine, not only from the one it is for";
const FORGOTTEN: &str = "what nobody renews stays for longer than anybody remembers it";
const ONE_ADDRESS: &str = "an address of one network";
const FILLS: &str = "one caller can fill the store";

/// What is not in the list of a part of its own.
static CHECKS: &[Check<EesConfig>] = &[
    Check::on(
        "http1",
        |ees| ees.http1,
        "TS 33.558 asks for HTTP/2 alone; one protocol less to attack",
    ),
    Check::new(
        "edge1.listen",
        ONE_ADDRESS,
        |ees| ees.edge1.on_every_address(),
        EVERYWHERE,
    ),
    Check::new(
        "edge2.listen",
        ONE_ADDRESS,
        |ees| everywhere(ees.edge2.as_ref()),
        EVERYWHERE,
    ),
    Check::new(
        "edge3.listen",
        ONE_ADDRESS,
        |ees| ees.edge3.on_every_address(),
        EVERYWHERE,
    ),
    Check::new(
        "edge9.listen",
        ONE_ADDRESS,
        |ees| everywhere(ees.edge9.as_ref()),
        EVERYWHERE,
    ),
    Check::new(
        "operator.listen",
        ONE_ADDRESS,
        |ees| ees.operator.on_every_address(),
        EVERYWHERE,
    ),
    Check::new(
        "edge9",
        "a listener of its own",
        |ees| ees.edge9.is_none().then(|| "none".to_owned()),
        "other EESs come in where EECs do, so that no firewall can tell them apart",
    ),
    Check::limit(
        "lifetimes.eec_registration_max",
        WEEK,
        |ees| ees.lifetimes.eec_registration_max.into(),
        FORGOTTEN,
    ),
    Check::limit(
        "lifetimes.eas_registration_max",
        WEEK,
        |ees| ees.lifetimes.eas_registration_max.into(),
        FORGOTTEN,
    ),
    Check::limit(
        "lifetimes.subscription_max",
        WEEK,
        |ees| ees.lifetimes.subscription_max.into(),
        FORGOTTEN,
    ),
    Check::most(
        "relocation.app_context_bytes",
        16 * 1024 * 1024,
        |ees| ees.relocation.app_context_bytes.into(),
        "a few application contexts fill the memory",
    ),
    Check::on(
        "notifications.allow_callbacks_to_private_addresses",
        |ees| ees.notifications.allow_callbacks_to_private_addresses,
        "clients can make this server send requests into its own network",
    ),
    Check::on(
        "privacy.log_identifiers_as_they_are",
        |ees| ees.privacy.log_identifiers_as_they_are,
        "logs name users and devices",
    ),
    Check::new(
        "crl",
        "a list for each role",
        |ees| ees.key_files().without_lists(),
        "a certificate that was stolen is good until it ends",
    ),
    Check::new(
        "audit",
        "an audit log",
        |ees| ees.audit.is_none().then(|| "none".to_owned()),
        "nobody can find out afterwards what happened",
    ),
    Check::on(
        "limits.unlimited_rates_for_load_tests",
        |ees| ees.limits.unlimited_rates_for_load_tests,
        "one caller can keep this server from all others",
    ),
    Check::most(
        "notifications.timeout_seconds",
        30,
        |ees| ees.notifications.timeout_seconds.into(),
        "subscribers that do not answer hold up what is meant for the others",
    ),
    Check::most(
        "notifications.backlog_per_subscription",
        10_000,
        |ees| ees.notifications.backlog_per_subscription.into(),
        "a subscriber that is away fills the store",
    ),
];

/// `[quotas]`: ten times the default is still a limit.
static QUOTAS: &[Check<QuotaSettings>] = &[
    Check::most(
        "quotas.eas_registrations",
        1_000,
        |quotas| quotas.eas_registrations.get().into(),
        FILLS,
    ),
    Check::most(
        "quotas.discovery_subscriptions",
        1_000,
        |quotas| quotas.discovery_subscriptions.get().into(),
        FILLS,
    ),
    Check::most(
        "quotas.acr_events_subscriptions",
        1_000,
        |quotas| quotas.acr_events_subscriptions.get().into(),
        FILLS,
    ),
    Check::most(
        "quotas.acr_management_subscriptions",
        10_000,
        |quotas| quotas.acr_management_subscriptions.get().into(),
        FILLS,
    ),
    Check::most(
        "quotas.location_subscriptions",
        100_000,
        |quotas| quotas.location_subscriptions.get().into(),
        FILLS,
    ),
    Check::most(
        "quotas.ac_information_subscriptions",
        10_000,
        |quotas| quotas.ac_information_subscriptions.get().into(),
        FILLS,
    ),
    Check::most(
        "quotas.act_status_subscriptions",
        1_000,
        |quotas| quotas.act_status_subscriptions.get().into(),
        FILLS,
    ),
    Check::most(
        "quotas.app_contexts",
        1_000,
        |quotas| quotas.app_contexts.get().into(),
        FILLS,
    ),
    Check::most(
        "quotas.qos_sessions",
        100_000,
        |quotas| quotas.qos_sessions.get().into(),
        FILLS,
    ),
    Check::most(
        "quotas.traffic_influences",
        10_000,
        |quotas| quotas.traffic_influences.get().into(),
        FILLS,
    ),
    Check::most(
        "quotas.dns_contexts",
        1_000_000,
        |quotas| quotas.dns_contexts.get().into(),
        FILLS,
    ),
    Check::most(
        "quotas.baseline_dns_patterns",
        10_000,
        |quotas| quotas.baseline_dns_patterns.get().into(),
        FILLS,
    ),
];

fn everywhere(at: Option<&ListenAt>) -> Option<String> {
    at.and_then(ListenAt::on_every_address)
}

impl Hardened for EesConfig {
    fn profile(&self) -> Profile<'_, Self> {
        Profile::of(self)
            .with(CHECKS)
            .part(|ees| Some(&ees.quotas), QUOTAS)
            .part(|ees| Some(&ees.tls), TlsSettings::CHECKS)
            .part(|ees| Some(&ees.limits), LimitSettings::CHECKS)
            .part(|ees| Some(&ees.store), StoreSettings::CHECKS)
            .part(|ees| ees.audit.as_ref(), AuditSettings::CHECKS)
            .part(|ees| ees.nef.as_ref(), NefSettings::CHECKS)
            .part(|ees| ees.dns.as_ref(), DnsSettings::CHECKS)
            .part(EesConfig::embedded_core, EMBEDDED)
            .part(|ees| ees.easdf.as_ref(), EasdfSettings::CHECKS)
            .part(|ees| Some(&ees.consent), ConsentConfig::CHECKS)
            .part(|ees| Some(&ees.authorization), AuthorizationConfig::CHECKS)
            .part(EesConfig::exposure, ExposureSettings::CHECKS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgeapp_http::settings::Effective;
    use std::{collections::BTreeSet, path::Path};

    /// The smallest file that is read.
    const SMALLEST: &str = r#"
        ees_id = "ees-a.example"
        identity = { certificate = "ees.pem", key = "ees.key" }
        trust = { eec = "eec.pem", eas = "eas.pem", ees = "ees-ca.pem", ecs = "ecs.pem", operator = "operator.pem" }
        edge1 = { listen = "192.0.2.1:9101" }
        edge3 = { listen = "192.0.2.1:9103" }
        operator = { listen = "192.0.2.2:9108" }
        store = { kind = "redb", path = "ees.redb" }
    "#;

    /// What has to be added so that nothing is weaker, with everything in it that may be left out.
    const HARDENED: &str = r#"
        http1 = false
        store.encryption_key_file = "state.key"
        audit = { folder = "audit", key = "audit.key" }
        edge2 = { listen = "192.0.2.3:9102" }
        edge9 = { listen = "192.0.2.4:9109" }
        trust.nef = "nef.pem"
        trust.smf = "smf.pem"
        crl = { eec = ["crl"], eas = ["crl"], ees = ["crl"], ecs = ["crl"], operator = ["crl"], nef = ["crl"], smf = ["crl"], ccf = ["crl"] }
        nef = { api_root = "https://nef.example", scs_as_id = "ees-a" }
        dns = { listen = "192.0.2.5:853", zones = ["edge.example"], clients = ["10.45.0.0/16"] }
        easdf = { listen = "192.0.2.6:9188" }
        [capif]
        embedded = true
        [capif.core]
        ccf_id = "ccf.example"
        listen = "192.0.2.6:9443"
        identity = { certificate = "ccf.pem", key = "ccf.key" }
        authority = { certificate = "capif-ca.pem", key = "capif-ca.key" }
        store = { kind = "redb", path = "ccf.redb", encryption_key_file = "state.key" }
        [capif.exposure]
        url = "https://ccf.example"
        roots = "ccf-ca.pem"
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
        (
            "capif.exposure.accept_tokens_without_a_certificate",
            "capif.exposure.accept_tokens_without_a_certificate = true",
        ),
        (
            "capif.exposure.longest_token_seconds",
            "capif.exposure.longest_token_seconds = 7200",
        ),
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
        ("edge1.listen", "edge1.listen = \"0.0.0.0:9101\""),
        ("edge2.listen", "edge2.listen = \"[::]:9102\""),
        ("edge3.listen", "edge3.listen = \"0.0.0.0:0\""),
        ("edge9.listen", "edge9.listen = \"0.0.0.0:9109\""),
        ("operator.listen", "operator.listen = \"0.0.0.0:9108\""),
        ("edge9", "edge9 = false"),
        ("lifetimes.eec_registration_max", "lifetimes.eec_registration_max = 0"),
        (
            "lifetimes.eas_registration_max",
            "lifetimes.eas_registration_max = 604801",
        ),
        ("lifetimes.subscription_max", "lifetimes.subscription_max = 0"),
        (
            "relocation.app_context_bytes",
            "relocation.app_context_bytes = 16777217",
        ),
        (
            "notifications.allow_callbacks_to_private_addresses",
            "notifications.allow_callbacks_to_private_addresses = true",
        ),
        ("notifications.timeout_seconds", "notifications.timeout_seconds = 31"),
        (
            "notifications.backlog_per_subscription",
            "notifications.backlog_per_subscription = 10001",
        ),
        ("quotas.eas_registrations", "quotas.eas_registrations = 1001"),
        (
            "quotas.discovery_subscriptions",
            "quotas.discovery_subscriptions = 1001",
        ),
        (
            "quotas.acr_events_subscriptions",
            "quotas.acr_events_subscriptions = 1001",
        ),
        (
            "quotas.acr_management_subscriptions",
            "quotas.acr_management_subscriptions = 10001",
        ),
        (
            "quotas.location_subscriptions",
            "quotas.location_subscriptions = 100001",
        ),
        (
            "quotas.ac_information_subscriptions",
            "quotas.ac_information_subscriptions = 10001",
        ),
        (
            "quotas.act_status_subscriptions",
            "quotas.act_status_subscriptions = 1001",
        ),
        ("quotas.app_contexts", "quotas.app_contexts = 1001"),
        ("quotas.qos_sessions", "quotas.qos_sessions = 100001"),
        ("quotas.traffic_influences", "quotas.traffic_influences = 10001"),
        ("store.kind", "store = { kind = \"memory-lost-at-exit\" }"),
        ("store.endpoints", PLAIN_ETCD),
        ("store.certificate", NAMELESS_ETCD),
        (
            "store.encryption_key_file",
            "store = { kind = \"redb\", path = \"ees.redb\" }",
        ),
        (
            "nef.allow_plain_http_to_nef_on_trusted_networks_only",
            "nef.allow_plain_http_to_nef_on_trusted_networks_only = true",
        ),
        ("nef.token_file", "nef.token_file = \"token\""),
        ("dns.listen", "dns.listen = \"0.0.0.0:853\""),
        ("dns.clients", "dns.clients = [\"10.45.0.0/16\", \"::/0\"]"),
        ("dns.trusted_forwarders", "dns.trusted_forwarders = [\"0.0.0.0/0\"]"),
        (
            "dns.publish_loopback_addresses",
            "dns.publish_loopback_addresses = true",
        ),
        ("easdf.listen", "easdf.listen = \"0.0.0.0:9188\""),
        ("easdf.held", "easdf.held = 100001"),
        ("quotas.dns_contexts", "quotas.dns_contexts = 1000001"),
        ("quotas.baseline_dns_patterns", "quotas.baseline_dns_patterns = 10001"),
        (
            "consent.every_user_agreed_by_other_means",
            "consent.every_user_agreed_by_other_means = true",
        ),
        ("capif.core.listen", "capif.core.listen = \"[::]:9443\""),
        (
            "capif.core.certificate_seconds",
            "capif.core.certificate_seconds = 7776001",
        ),
        ("capif.core.token_seconds", "capif.core.token_seconds = 3601"),
        (
            "capif.core.key_rotation_seconds",
            "capif.core.key_rotation_seconds = 2592001",
        ),
        ("capif.core.quotas.apis", "capif.core.quotas.apis = 10001"),
        (
            "capif.core.quotas.event_subscriptions",
            "capif.core.quotas.event_subscriptions = 1001",
        ),
        (
            "capif.core.store",
            "capif.core.store = { kind = \"memory-lost-at-exit\" }",
        ),
    ];
    const PLAIN_ETCD: &str = r#"
        [store]
        kind = "etcd"
        endpoints = ["https://192.0.2.9:2379", "http://192.0.2.8:2379"]
        namespace = "a"
        user = "ees"
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
        merge(base, text.parse().unwrap());
    }

    fn merge(base: &mut toml::Table, more: toml::Table) {
        for (key, value) in more {
            match (base.get_mut(&key), value) {
                (Some(toml::Value::Table(base)), toml::Value::Table(more)) if !more.contains_key("kind") => {
                    merge(base, more);
                }
                (_, toml::Value::Boolean(false)) if ["edge9", "audit", "crl"].contains(&&*key) => {
                    drop(base.remove(&key))
                }
                (_, value) => drop(base.insert(key, value)),
            }
        }
    }

    /// The settings that these texts come to, one over the other.
    fn config(texts: &[&str]) -> EesConfig {
        let mut table = toml::Table::new();
        for text in texts {
            over(&mut table, text);
        }
        table.try_into().unwrap()
    }

    fn verdict(config: &EesConfig) -> Vec<String> {
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
