//! What the policies that a server comes with have to be like: run it with the catalogue of the server.

use edgeapp_authz::{
    RoleOfReferencePoint,
    config::AuthorizationConfig,
    policy::{Catalogue, LocalPolicy, Rule},
};
use edgeapp_core::{
    authorizer::{Ask, Authorizer, ReferencePoint},
    principal::{Principal, Role},
};
use std::collections::BTreeSet;

const POINTS: [ReferencePoint; 10] = [
    ReferencePoint::Edge1,
    ReferencePoint::Edge2,
    ReferencePoint::Edge3,
    ReferencePoint::Edge4,
    ReferencePoint::Edge6,
    ReferencePoint::Edge9,
    ReferencePoint::Capif1,
    ReferencePoint::Capif5,
    ReferencePoint::N88,
    ReferencePoint::Operator,
];

type Allowed = BTreeSet<(ReferencePoint, &'static str)>;

fn principal(role: Role) -> Principal {
    Principal::from_names([format!("urn:edgeapp:{role}:somebody").as_str()], []).expect("an identity")
}

/// What callers may use; the same for every caller of a role.
fn allowed(policy: &LocalPolicy) -> Allowed {
    let served = policy.catalogue().served().iter().copied();
    let allowed = served.filter(|(point, operation)| {
        let caller = principal(point.caller());
        policy.authorize(&Ask::new(&caller, *point, operation)).is_ok()
    });
    allowed.collect()
}

fn shipped(catalogue: &Catalogue) -> LocalPolicy {
    let config = AuthorizationConfig::default();
    LocalPolicy::open(&config, catalogue.clone()).unwrap_or_else(|error| panic!("{error}"))
}

/// The policies let every role use the operations of its reference point, and nobody anything else: as if there were none but
/// [`RoleOfReferencePoint`].
///
/// # Panics
/// When they differ.
pub fn shipped_policies_permit_each_role_its_reference_point(catalogue: &Catalogue) {
    let policy = shipped(catalogue);
    assert!(policy.in_force().lints().is_empty(), "{:?}", policy.in_force().lints());
    for role in Role::ALL {
        for point in POINTS {
            let here = catalogue.served().iter().filter(|(at, _)| *at == point);
            for (_, operation) in here {
                let (principal, operation) = (principal(role), *operation);
                let ask = Ask::new(&principal, point, operation);
                let usual = RoleOfReferencePoint.authorize(&ask).is_ok();
                assert_eq!(policy.authorize(&ask).is_ok(), usual, "{role} {point} {operation}");
            }
        }
    }
}

/// Each operation at each reference point is permitted by one policy, and without that policy it is refused, and nothing else is.
///
/// # Panics
/// When it is otherwise.
pub fn without_a_rule_exactly_its_operations_are_refused(catalogue: &Catalogue) {
    let everything: Allowed = catalogue.served().iter().copied().collect();
    let all = shipped(catalogue);
    assert_eq!(allowed(&all), everything);
    let in_force = all.in_force();
    let rules: Vec<&Rule> = in_force.rules().iter().filter(|rule| rule.permits).collect();
    for (point, operation) in &everything {
        let about = rules.iter().filter(|rule| rule.is_about(*point, operation)).count();
        assert_eq!(about, 1, "policies that permit {operation} on {point}");
    }
    for rule in rules {
        let folder = tempfile::tempdir().expect("a folder");
        for file in catalogue.shipped() {
            let text = match rule.file.ends_with(file.name) {
                true => without(file.text, rule.line),
                false => file.text.to_owned(),
            };
            std::fs::write(folder.path().join(file.name), text).expect("written");
        }
        let config = AuthorizationConfig {
            policies: Some(folder.path().to_owned()),
            ..AuthorizationConfig::default()
        };
        let rest = LocalPolicy::open(&config, catalogue.clone()).unwrap_or_else(|error| panic!("{}: {error}", rule.id));
        let gone: Allowed = everything.difference(&allowed(&rest)).copied().collect();
        assert_eq!(gone, rule.about.iter().copied().collect(), "without {}", rule.id);
    }
}

/// The text without the policy that begins in this line and ends with a semicolon.
fn without(text: &str, line: usize) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let begin = line - 1;
    let end = begin
        + lines[begin..]
            .iter()
            .position(|line| line.ends_with(';'))
            .expect("a semicolon");
    lines.drain(begin..=end);
    lines.join("\n")
}
