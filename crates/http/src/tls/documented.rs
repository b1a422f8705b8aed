//! The PKI that docs/certificates.md describes, made as it is printed there.

use super::{Identity, Trust};
use std::{path::Path, process::Command};

/// The blocks of shell in a page, in their order.
fn blocks(page: &str) -> Vec<&str> {
    let parts = page.split("\n```sh\n").skip(1);
    parts.filter_map(|rest| rest.split("\n```").next()).collect()
}

/// What is printed is run, and each certificate says what its line says: a name that the tools lose on the way is lost without a word.
#[test]
fn the_printed_pki_makes_the_certificates_that_it_names() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/certificates.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let blocks = blocks(&page);
    let (make, revoke) = (blocks[0], blocks[1]);
    assert!(
        make.starts_with("mkdir -p ca crl certs") && revoke.contains("-revoke certs/eec-1.pem"),
        "the page was rearranged"
    );
    if Command::new("openssl").arg("version").output().is_err() {
        // Who has no openssl cannot follow the page either.
        return;
    }
    let lab = tempfile::tempdir().expect("a folder");
    let script = format!("set -e\n{make}\ncp crl/eec.pem before.pem\n{revoke}\n");
    let ran = Command::new("sh")
        .arg("-c")
        .arg(script)
        .current_dir(lab.path())
        .output()
        .expect("a shell");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    for (role, file, owner, id, host) in [
        (
            "ecs",
            "ecs",
            "urn:edgeapp:ecs:ecs.example",
            "ecs.example",
            Some("ecs.example"),
        ),
        (
            "ees",
            "ees-a",
            "urn:edgeapp:ees:ees-a.example",
            "ees-a.example",
            Some("ees-a.example"),
        ),
        (
            "eas",
            "chess",
            "urn:edgeapp:eas:eas.chess.example#1",
            "eas.chess.example",
            Some("chess.example"),
        ),
        ("eec", "eec-1", "urn:edgeapp:eec:eec-1", "eec-1", None),
        (
            "operator",
            "operator",
            "urn:edgeapp:operator:operator",
            "operator",
            None,
        ),
    ] {
        let at = |ending: &str| lab.path().join("certs").join(format!("{file}.{ending}"));
        let identity = Identity::load(&at("pem"), &at("key")).expect("an identity");
        let principal = identity.principal().expect("a principal");
        assert_eq!((principal.owner().as_str(), principal.id()), (owner, id));
        assert_eq!(principal.dns_names(), host.as_slice(), "{file}");
        Trust::load(lab.path().join("ca").join(format!("{role}.pem"))).expect("roots");
    }
    let list = |name: &str| std::fs::read(lab.path().join(name)).expect("a list");
    assert_ne!(
        list("before.pem"),
        list("crl/eec.pem"),
        "the list names who was revoked"
    );
}
