//! What is for operators alone, and what nobody is told.

use crate::support::{CHESS, EAS_REGISTRATIONS, EEC_REGISTRATIONS, eas_registration};
use edgeapp_core::principal::Role;
use edgeapp_system_tests::{caller::Caller, lab::Lab};
use http::{HeaderMap, Method};

/// Proves: WP-37, WP-40
#[tokio::test]
async fn figures_are_for_operators_alone() {
    let lab = Lab::new();
    let (ees, ecs) = (lab.ees("a").start().await, lab.ecs().start().await);
    for (server, process) in [(Role::Ees, &ees), (Role::Ecs, &ecs)] {
        let root = process.root("operator");
        for path in ["/metrics", "/health", "/ready", "/version"] {
            for (role, id) in [
                (Role::Eec, "eec-1"),
                (Role::Eas, "eas.chess.example#1"),
                (Role::Ees, "ees-b.example"),
                (Role::Ecs, "ecs.example"),
            ] {
                let caller = Caller::new(&lab, &lab.who(role, id), server, root);
                let answer = caller.try_send(Method::GET, path, "", "").await;
                assert!(answer.is_err(), "{role} got {path}: {answer:?}");
            }
            let nobody = Caller::anonymous(&lab, server, root);
            assert!(nobody.try_send(Method::GET, path, "", "").await.is_err(), "{path}");
            let answer = lab.operator(server, root).get(path).await;
            assert!(answer.status.is_success(), "{path}: {answer:?}");
        }
    }
}

fn tells_nothing(headers: &HeaderMap) {
    for (name, value) in headers {
        let telling = ["server", "via", "x-powered-by", "x-version"];
        assert!(!telling.contains(&name.as_str()), "{name}: {value:?}");
        let value = String::from_utf8_lossy(value.as_bytes()).to_lowercase();
        for word in [env!("CARGO_PKG_VERSION"), "hyper", "axum", "rustls", "edgeapp/"] {
            assert!(!value.contains(word), "{name}: {value}");
        }
    }
}

/// Neither an answer nor a refusal says which software in which version it comes from.
///
/// Proves: WP-52
#[tokio::test]
async fn answers_do_not_say_what_answers() {
    let lab = Lab::new();
    let ees = lab.ees("a").start().await;
    let eas = lab.eas("eas.chess.example#1", ees.root("edge3"));
    let made = eas
        .post(EAS_REGISTRATIONS, &eas_registration(CHESS, "one", "ENABLED"))
        .await;
    let path = made.created();
    tells_nothing(&made.headers);
    for answer in [
        eas.get(&path).await,
        eas.get("/nothing").await,
        eas.get(EAS_REGISTRATIONS).await,
        eas.send(Method::POST, EAS_REGISTRATIONS, "application/json", "{").await,
        lab.eec("eec-1", ees.root("edge1")).get(EEC_REGISTRATIONS).await,
    ] {
        tells_nothing(&answer.headers);
        let body = answer.body.to_string().to_lowercase();
        for word in ["hyper", "axum", "rustls", "serde", ".rs:", "panicked"] {
            assert!(!body.contains(word), "{body}");
        }
    }
}
