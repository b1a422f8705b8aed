//! Files that cannot be used, at the start and while a server runs; what never gets into a file (WP-43, WP-45, WP-49, T-31).

use super::{EEC, Site, is_served};
use crate::support::metric;
use edgeapp_core::principal::Role;
use edgeapp_system_tests::{
    lab::{Lab, Plan},
    wait::until_it_is_so,
};
use eec_sim::pki::{Files, Flaw};
use std::{fs, path::Path};

/// What is not good does not come into force, whatever it is, and both log and metric say so; the server serves on.
///
/// Proves: WP-43
#[tokio::test]
async fn a_corrupt_file_leaves_the_old_in_force() {
    let site = Site::open().await;
    let pki = &site.lab.pki;
    let (own, other) = (pki.files("ees-a"), pki.files("ees-b"));
    let of_others = fs::read(&other.certificate).unwrap();
    let mut cut = fs::read(&own.certificate).unwrap();
    cut.truncate(cut.len() / 2);
    let mut forged = fs::read_to_string(pki.crl(Role::Eec)).unwrap();
    // A character of the signature, which comes last.
    let at = forged.rfind("\n-----END").unwrap() - 8;
    let other_character = if &forged[at..=at] == "A" { "B" } else { "A" };
    forged.replace_range(at..=at, other_character);
    let before = site.shown().await;
    let cases: [(&Path, Vec<u8>, &str); 7] = [
        (&own.certificate, b"no certificate".to_vec(), "identity.certificate"),
        (&own.certificate, cut, "identity.certificate"),
        (&own.certificate, of_others, "identity.certificate"),
        (&own.key, fs::read(&other.key).unwrap(), "identity.certificate"),
        (&pki.ca(Role::Eec), Vec::new(), "trust.eec"),
        (
            &pki.crl(Role::Eec),
            b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n".to_vec(),
            "crl.eec",
        ),
        (&pki.crl(Role::Eec), forged.into_bytes(), "crl.eec"),
    ];
    let refused = async || metric(&site.operator, "edgeapp_tls_files_refused").await == Some(1.0);
    for (number, (path, bad, key)) in cases.into_iter().enumerate() {
        let good = fs::read(path).unwrap();
        fs::write(path, bad).unwrap();
        if number % 2 == 0 {
            site.ees.signal("HUP").await;
        }
        until_it_is_so(&format!("{key} is refused"), refused).await;
        let log = site.ees.log();
        let told = log
            .lines()
            .rfind(|line| line.contains("stays in force"))
            .unwrap_or_default();
        assert!(told.contains(key), "{number}: {key} is not in {told}");
        assert_eq!(site.shown().await, before, "{number}");
        is_served(&site.eec(&pki.files(EEC)), EEC).await.unwrap();
        fs::write(path, good).unwrap();
        until_it_is_so("all is well again", async || !refused().await).await;
    }
}

/// Why a server with this plan does not start.
async fn refused(plan: &Plan) -> String {
    plan.try_start().await.expect_err("refused")
}

/// An EES with other files of its identity.
fn with_identity(lab: &Lab, files: &Files) -> Plan {
    let text = |path: &Path| toml::Value::String(path.to_string_lossy().into_owned()).to_string();
    let (certificate, key) = (text(&files.certificate), text(&files.key));
    lab.ees("a")
        .with(&format!("[identity]\ncertificate = {certificate}\nkey = {key}\n"))
}

/// Proves: WP-45, T-31
#[cfg(unix)]
#[tokio::test]
async fn keys_that_others_can_read_are_refused_unless_that_is_allowed() {
    use std::os::unix::fs::PermissionsExt;
    let lab = Lab::new();
    let key = lab.pki.files("ees-a").key;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let why = refused(&lab.ees("a")).await;
    assert!(why.contains("identity.key") && why.contains("chmod 600"), "{why}");
    fs::set_permissions(lab.pki.files("ecs").key, fs::Permissions::from_mode(0o640)).unwrap();
    let why = refused(&lab.ecs()).await;
    assert!(why.contains("identity.key") && why.contains("chmod 600"), "{why}");
    let allowed = lab.ees("a").with("[tls]\nallow_key_files_readable_by_others = true\n");
    assert!(allowed.start().await.stop().await.success());
}

#[tokio::test]
async fn test_certificates_are_refused_unless_they_are_allowed() {
    let lab = Lab::new();
    for plan in [lab.ees("a"), lab.ecs()] {
        let why = refused(&plan.with("[tls]\nallow_test_certificates = false\n")).await;
        assert!(
            why.contains("test certificate") && why.contains("allow_test_certificates"),
            "{why}"
        );
    }
}

#[tokio::test]
async fn a_server_does_not_start_with_a_certificate_that_is_not_good() {
    let lab = Lab::new();
    for (flaw, words) in [
        (Flaw::Expired, "has been invalid since"),
        (Flaw::NotYetValid, "is not valid before"),
        (Flaw::AnotherPurpose, "server authentication"),
        (Flaw::NoKeyUsage, "digitalSignature"),
        (Flaw::Authority, "authority"),
    ] {
        let request = lab.pki.issue(Role::Ees, "ees-a.example").with(flaw);
        let files = request.named(&format!("bad-{flaw:?}")).write().unwrap();
        let why = refused(&with_identity(&lab, &files)).await;
        assert!(
            why.contains("identity.certificate") && why.contains(words),
            "{flaw:?}: {why}"
        );
    }
    let of_another = refused(&with_identity(&lab, &lab.pki.files("ees-b"))).await;
    assert!(of_another.contains("urn:edgeapp:ees:ees-a.example"), "{of_another}");
    fs::remove_file(lab.pki.crl(Role::Eec)).unwrap();
    let without_a_list = refused(&lab.ees("a").with("[crl]\neec = [\"nothing-there.pem\"]\n")).await;
    assert!(without_a_list.contains("crl.eec"), "{without_a_list}");
}

/// Proves: WP-06
#[tokio::test]
async fn keys_of_akma_and_gba_are_refused_with_the_reason() {
    let lab = Lab::new();
    for method in ["TLS_WITH_AKMA", "TLS_WITH_GBA", "SERVER_SIDE_CERTIFICATE_BASED"] {
        let why = refused(&lab.ees("a").with(&format!("auth_methods = [\"{method}\"]\n"))).await;
        assert!(why.contains("auth_methods") && why.contains(method), "{why}");
    }
    let certificates = lab
        .ees("a")
        .with("auth_methods = [\"TLS_CLIENT_SERVER_CERTIFICATE\"]\n");
    assert!(certificates.start().await.stop().await.success());
}

/// No switch in the environment has keys of sessions written down, no crash has the memory, and nothing secret stands among what a list of
/// processes shows.
///
/// Proves: WP-45, T-31
#[tokio::test]
async fn no_keys_leave_the_process() {
    let lab = Lab::new();
    let file = lab.path().join("keys.log");
    let plan = lab.ees("a").with("eec_registration_required = false\n");
    let ees = plan.start_with(&[("SSLKEYLOGFILE", &file)]).await.unwrap();
    is_served(&lab.eec(EEC, ees.root("edge1")), EEC).await.unwrap();
    assert!(!file.exists());
    #[cfg(target_os = "linux")]
    {
        let limits = fs::read_to_string(format!("/proc/{}/limits", ees.id())).unwrap();
        let core = limits
            .lines()
            .find(|line| line.starts_with("Max core file size"))
            .unwrap();
        let values: Vec<_> = core.split_whitespace().rev().skip(1).take(2).collect();
        assert_eq!(values, ["0", "0"], "{core}");
        let key = fs::read_to_string(lab.pki.files("ees-a").key).unwrap();
        let secret = key.lines().nth(1).unwrap();
        for list in ["cmdline", "environ"] {
            let shown = fs::read(format!("/proc/{}/{list}", ees.id())).unwrap();
            assert!(!String::from_utf8_lossy(&shown).contains(secret), "{list}");
        }
    }
    assert!(ees.stop().await.success());
}
