//! A set of policies that was checked as a whole, and its decisions.

use super::{Catalogue, Fault, PolicyError, Rule, bounds, catalogue::type_of, reading::Reading, source::Texts};
use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    RestrictedExpression, Schema,
};
use edgeapp_core::{
    authorizer::{Ask, ReferencePoint},
    error::Error,
    principal::Principal,
};
use quick_cache::{Equivalent, sync::Cache};
use std::{
    collections::{HashMap, HashSet},
    thread::ScopedJoinHandle,
};

/// Decisions that depend on who asks are remembered for so many askers and operations at most.
const REMEMBERED: usize = 16_384;

/// A set of policies, checked, with what it says.
pub struct Policies {
    rules: Vec<Rule>,
    lints: Vec<Fault>,
    hash: String,
    set: PolicySet,
    actions: Entities,
    verdicts: HashMap<(ReferencePoint, &'static str), Verdict>,
    asked: Cache<Asked, bool>,
}

/// What the set says of an operation at a reference point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every caller of the role may use it.
    Allowed,
    /// Nobody may.
    Refused,
    /// Some policy looks at who asks.
    ByIdentity,
}

/// Somebody who asked for something.
#[derive(PartialEq, Eq, Hash)]
struct Asked {
    principal: Principal,
    point: ReferencePoint,
    operation: &'static str,
}

/// The same, to look it up.
#[derive(Hash)]
struct Asking<'a> {
    principal: &'a Principal,
    point: ReferencePoint,
    operation: &'static str,
}

impl Equivalent<Asked> for Asking<'_> {
    fn equivalent(&self, asked: &Asked) -> bool {
        (self.principal, self.point, self.operation) == (&asked.principal, asked.point, asked.operation)
    }
}

/// A decision with its reasons.
pub(super) struct Reached {
    pub(super) allowed: bool,
    /// The identifiers of the policies that decided; none when no policy permits it.
    pub(super) because: Vec<String>,
}

impl Policies {
    /// Checks these texts as a whole, on a stack that has room for the deepest of them.
    pub(super) fn check(catalogue: &Catalogue, texts: &Texts, permit_everything: bool) -> Result<Self, PolicyError> {
        std::thread::scope(|scope| {
            let roomy = std::thread::Builder::new().stack_size(bounds::STACK);
            let checking = roomy.spawn_scoped(scope, || Self::check_here(catalogue, texts, permit_everything));
            match checking.map(ScopedJoinHandle::join) {
                Ok(Ok(checked)) => checked,
                Ok(Err(_)) => Err(ours(&"the policies cannot be checked; the log has the reason")),
                Err(error) => Err(ours(&error)),
            }
        })
    }

    fn check_here(catalogue: &Catalogue, texts: &Texts, permit_everything: bool) -> Result<Self, PolicyError> {
        let (schema, _) = Schema::from_cedarschema_str(&catalogue.schema()).map_err(|error| ours(&error))?;
        let Reading { rules, set, lints, .. } = Reading::of(catalogue, &schema, texts, permit_everything)?;
        let mut policies = Self {
            rules,
            lints,
            hash: texts.hash.clone(),
            set,
            actions: schema.action_entities().map_err(|error| ours(&error))?,
            verdicts: HashMap::new(),
            asked: Cache::new(REMEMBERED),
        };
        let verdicts: Result<_, PolicyError> = catalogue
            .served()
            .iter()
            .map(|at| Ok((*at, policies.verdict_of(*at).map_err(|error| ours(&error))?)))
            .collect();
        policies.verdicts = verdicts?;
        Ok(policies)
    }

    /// The policies, file by file from top to bottom.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// What is allowed and yet looks like a mistake.
    pub fn lints(&self) -> &[Fault] {
        &self.lints
    }

    /// SHA-256 of the files, in hexadecimal digits: the version of the set.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// What the set says of this operation at this reference point; `Refused` where it is not served.
    pub fn verdict(&self, point: ReferencePoint, operation: &str) -> Verdict {
        self.verdicts
            .get(&(point, operation))
            .copied()
            .unwrap_or(Verdict::Refused)
    }

    /// Whether this is allowed.
    pub(super) fn allow(&self, ask: &Ask<'_>) -> Result<bool, Error> {
        match self.verdicts.get(&(ask.point, ask.operation)) {
            Some(Verdict::Allowed) => return Ok(true),
            Some(Verdict::ByIdentity) => {}
            Some(Verdict::Refused) | None => return Ok(false),
        }
        let asking = Asking {
            principal: ask.principal,
            point: ask.point,
            operation: ask.operation,
        };
        if let Some(allowed) = self.asked.get(&asking) {
            return Ok(allowed);
        }
        let allowed = self.decide(ask.principal, ask.point, ask.operation, true)?.allowed;
        let asked = Asked {
            principal: ask.principal.clone(),
            point: ask.point,
            operation: ask.operation,
        };
        self.asked.insert(asked, allowed);
        Ok(allowed)
    }

    /// Asks Cedar.
    pub(super) fn decide(
        &self,
        principal: &Principal,
        point: ReferencePoint,
        operation: &str,
        is_owner: bool,
    ) -> Result<Reached, Error> {
        let caller = entity(principal)?;
        let context = [("is_owner".to_owned(), RestrictedExpression::new_bool(is_owner))];
        let request = Request::new(
            caller.uid(),
            uid("Action", operation)?,
            uid("Listener", point.as_str())?,
            Context::from_pairs(context).map_err(Error::internal)?,
            None,
        );
        let around = self.actions.clone().add_entities([caller], None);
        let response = Authorizer::new().is_authorized(
            &request.map_err(Error::internal)?,
            &self.set,
            &around.map_err(Error::internal)?,
        );
        let said = response.diagnostics();
        // A policy that could not be evaluated may be the one that forbids.
        let failed = said.errors().count() > 0;
        for error in said.errors() {
            tracing::error!(%error, "a policy could not be evaluated: refused");
        }
        let because: HashSet<&str> = said.reason().map(AsRef::as_ref).collect();
        Ok(Reached {
            allowed: response.decision() == Decision::Allow && !failed,
            because: self
                .rules
                .iter()
                .filter(|rule| because.contains(rule.id.as_str()))
                .map(|rule| rule.id.clone())
                .collect(),
        })
    }

    fn verdict_of(&self, (point, operation): (ReferencePoint, &'static str)) -> Result<Verdict, Error> {
        let about = || self.rules.iter().filter(|rule| rule.is_about(point, operation));
        if about().any(|rule| rule.by_identity) {
            return Ok(Verdict::ByIdentity);
        }
        // No policy looks at more than the role: anybody in it will do.
        let anybody = format!("urn:edgeapp:{}:anybody", point.caller());
        let anybody = Principal::from_names([anybody.as_str()], []).map_err(Error::internal)?;
        Ok(match self.decide(&anybody, point, operation, true)?.allowed {
            true => Verdict::Allowed,
            false => Verdict::Refused,
        })
    }
}

/// A defect of ours: what we wrote ourselves cannot be read.
fn ours(error: &dyn std::fmt::Display) -> PolicyError {
    PolicyError::Wrong(vec![Fault {
        file: "the schema of the server".into(),
        line: 1,
        reason: error.to_string(),
        remedy: "this is a defect of the program: report it".to_owned(),
    }])
}

fn uid(kind: &str, id: &str) -> Result<EntityUid, Error> {
    let kind: EntityTypeName = kind.parse().map_err(Error::internal)?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

/// The caller as policies see it.
fn entity(principal: &Principal) -> Result<Entity, Error> {
    let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
    let names = principal.dns_names().iter().map(|name| text(name));
    let mut attributes = HashMap::from([
        ("id".to_owned(), text(principal.id())),
        ("owner".to_owned(), text(principal.owner().as_str())),
        ("dns_names".to_owned(), RestrictedExpression::new_set(names)),
    ]);
    if let Some(provider) = principal.provider() {
        attributes.insert("provider".to_owned(), text(provider.as_str()));
    }
    let uid = uid(type_of(principal.role()), principal.owner().as_str())?;
    Entity::new(uid, attributes, HashSet::new()).map_err(Error::internal)
}
