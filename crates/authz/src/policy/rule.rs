//! One policy and what it is about.

use super::catalogue::{api_of, type_of};
use cedar_policy::{
    ActionConstraint, Effect, EntityTypeName, EntityUid, Policy, PrincipalConstraint, ResourceConstraint,
};
use edgeapp_core::{authorizer::ReferencePoint, principal::Role};
use std::path::PathBuf;

/// One policy: where it stands, and what it is about.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its `@id`; `<file>:<line>` when it has none.
    pub id: String,
    /// Its `@why`: what it is for.
    pub why: Option<String>,
    /// The file it stands in.
    pub file: PathBuf,
    /// The line that it begins in, from 1.
    pub line: usize,
    /// Whether it permits; it forbids otherwise.
    pub permits: bool,
    /// The operations that its head (`permit (..)`) names, at the reference points that serve them; conditions may narrow it further.
    pub about: Vec<(ReferencePoint, &'static str)>,
    /// Whether it asks for more of the caller than its role.
    pub by_identity: bool,
    /// How much its head leaves open.
    pub(super) breadth: Breadth,
}

/// How much the head of a policy leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Breadth {
    /// Callers, operations and listeners: everything.
    Everything,
    /// All operations.
    AllOperations,
    /// It names operations.
    Named,
}

impl Rule {
    pub(super) fn of(
        policy: &Policy,
        id: String,
        file: PathBuf,
        line: usize,
        served: &[(ReferencePoint, &'static str)],
    ) -> Self {
        let (callers, operations, listeners) = (
            policy.principal_constraint(),
            policy.action_constraint(),
            policy.resource_constraint(),
        );
        let about = served.iter().filter(|(point, operation)| {
            caller_fits(&callers, point.caller())
                && operation_fits(&operations, operation)
                && listener_fits(&listeners, *point)
        });
        let open = (
            callers == PrincipalConstraint::Any,
            operations == ActionConstraint::Any,
            matches!(listeners, ResourceConstraint::Any | ResourceConstraint::Is(_)),
        );
        Self {
            why: policy.annotation("why").map(str::to_owned),
            id,
            file,
            line,
            permits: policy.effect() == Effect::Permit,
            about: about.copied().collect(),
            by_identity: !matches!(callers, PrincipalConstraint::Any | PrincipalConstraint::Is(_))
                || conditions_ask_who(policy),
            breadth: match open {
                (true, true, true) => Breadth::Everything,
                (_, true, _) => Breadth::AllOperations,
                _ => Breadth::Named,
            },
        }
    }

    /// Where it stands: `file:line`.
    pub fn place(&self) -> String {
        format!("{}:{}", self.file.display(), self.line)
    }

    /// Whether its head is about this operation at this reference point.
    pub fn is_about(&self, point: ReferencePoint, operation: &str) -> bool {
        self.about.contains(&(point, operation))
    }
}

fn caller_fits(constraint: &PrincipalConstraint, role: Role) -> bool {
    let is = |name: &EntityTypeName| name.basename() == type_of(role);
    match constraint {
        PrincipalConstraint::Any => true,
        PrincipalConstraint::Is(name) => is(name),
        PrincipalConstraint::IsIn(name, one) => is(name) && is(one.type_name()),
        PrincipalConstraint::In(one) | PrincipalConstraint::Eq(one) => is(one.type_name()),
    }
}

fn operation_fits(constraint: &ActionConstraint, operation: &str) -> bool {
    let is = |one: &EntityUid| one.id().unescaped() == operation;
    match constraint {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(one) => is(one),
        ActionConstraint::In(some) => some
            .iter()
            .any(|one| is(one) || one.id().unescaped() == api_of(operation)),
    }
}

fn listener_fits(constraint: &ResourceConstraint, point: ReferencePoint) -> bool {
    let is = |one: &EntityUid| one.id().unescaped() == point.as_str();
    match constraint {
        ResourceConstraint::Any | ResourceConstraint::Is(_) => true,
        ResourceConstraint::In(one) | ResourceConstraint::Eq(one) | ResourceConstraint::IsIn(_, one) => is(one),
    }
}

/// Whether the conditions of a policy look at the caller.
fn conditions_ask_who(policy: &Policy) -> bool {
    // The JSON form of Cedar writes each use of the variable as {"Var": "principal"}.
    match policy.to_json() {
        Ok(json) => json["conditions"].to_string().contains(r#""Var":"principal""#),
        Err(_) => true,
    }
}
