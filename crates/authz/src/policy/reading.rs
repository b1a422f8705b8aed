//! Reading policies: their form, what they name beside what there is, and what they open.

use super::{
    Catalogue, Fault, PolicyError, Rule, bounds,
    catalogue::{api_of, type_of},
    names,
    rule::Breadth,
    source::Texts,
};
use cedar_policy::{
    ParseErrors, Policy, PolicyId, PolicySet, Schema, ValidationError, ValidationMode, ValidationWarning, Validator,
};
use edgeapp_core::{authorizer::ReferencePoint, principal::Role};
use miette::Diagnostic;
use std::path::Path;

/// The files of a set while they are read: what is wrong is collected, so that all of it can be told at once.
pub(super) struct Reading<'a> {
    catalogue: &'a Catalogue,
    pub(super) rules: Vec<Rule>,
    pub(super) set: PolicySet,
    faults: Vec<Fault>,
    pub(super) lints: Vec<Fault>,
}

impl<'a> Reading<'a> {
    /// Reads and checks all of them.
    pub(super) fn of(
        catalogue: &'a Catalogue,
        schema: &Schema,
        texts: &Texts,
        permit_everything: bool,
    ) -> Result<Self, PolicyError> {
        let mut reading = Self {
            catalogue,
            rules: Vec::new(),
            set: PolicySet::new(),
            faults: Vec::new(),
            lints: Vec::new(),
        };
        for (file, text) in &texts.files {
            reading.file(file, text);
        }
        reading.against(schema, texts);
        reading.breadths(texts, permit_everything);
        if reading.faults.is_empty() {
            Ok(reading)
        } else {
            Err(PolicyError::Wrong(reading.faults))
        }
    }

    fn file(&mut self, file: &Path, text: &str) {
        let fault = |line, reason: String, remedy: &str| Fault {
            file: file.to_owned(),
            line,
            reason,
            remedy: remedy.to_owned(),
        };
        if let Some(deep) = bounds::too_deep(file, text) {
            self.faults.push(deep);
            return;
        }
        let read: Result<PolicySet, ParseErrors> = text.parse();
        let read = match read {
            Ok(read) => read,
            Err(errors) => {
                let told = errors.iter().map(|error| {
                    let line = line_at(text, offset_of(error).unwrap_or_default());
                    let help = help_of(error).or_else(|| expected(error));
                    let help = help.unwrap_or_else(|| "correct this line".to_owned());
                    fault(line, format!("no Cedar policy: {error}"), &help)
                });
                self.faults.extend(told);
                return;
            }
        };
        for template in read.templates() {
            let line = line_at(text, begin_of(template.as_ref().loc().map(|loc| loc.start())));
            self.faults.push(fault(
                line,
                "is a template, and nothing here fills it in".to_owned(),
                "name callers and listeners instead of ?principal and ?resource",
            ));
        }
        let mut policies: Vec<(usize, &Policy)> = read
            .policies()
            .map(|policy| (begin_of(policy.as_ref().loc().map(|loc| loc.start())), policy))
            .collect();
        policies.sort_by_key(|(begin, _)| *begin);
        for (begin, policy) in policies {
            let line = line_at(text, begin);
            let id = match policy.annotation("id") {
                Some(id) if !id.is_empty() => id.to_owned(),
                _ => format!("{}:{line}", file.display()),
            };
            if let Some(other) = self.rules.iter().find(|rule| rule.id == id) {
                let reason = format!("has the same @id as {}: {id:?}", other.place());
                self.faults
                    .push(fault(line, reason, "give each policy an @id of its own"));
                continue;
            }
            let rule = Rule::of(policy, id.clone(), file.to_owned(), line, self.catalogue.served());
            let roles: Vec<Role> = rule.about.iter().map(|(point, _)| point.caller()).collect();
            for odd in names::odd(policy, &roles) {
                let place = text[begin..].find(&odd.literal).map_or(begin, |at| begin + at);
                let told = fault(
                    line_at(text, place),
                    format!("policy {id:?} {}", odd.reason),
                    &odd.remedy,
                );
                if odd.nobody {
                    self.faults.push(told);
                } else {
                    self.lints.push(told);
                }
            }
            if let Err(error) = self.set.add(policy.new_id(PolicyId::new(id))) {
                self.faults
                    .push(fault(line, error.to_string(), "give each policy an @id of its own"));
                continue;
            }
            self.rules.push(rule);
        }
    }

    /// Compares with what there is: callers, operations, listeners, attributes.
    fn against(&mut self, schema: &Schema, texts: &Texts) {
        let validator = Validator::new(schema.clone());
        let found = validator.validate(&self.set, ValidationMode::Strict);
        for error in found.validation_errors() {
            let fault = self.fault(texts, error.policy_id(), error, self.remedy(error));
            self.faults.push(fault);
        }
        for warning in found.validation_warnings() {
            let dead = matches!(
                warning,
                ValidationWarning::ImpossiblePolicy(_) | ValidationWarning::InvalidActionApplication(_)
            );
            let remedy = match dead {
                true => "it never decides anything: correct it or take it away",
                false => "write it in plain characters",
            };
            let fault = self.fault(texts, warning.policy_id(), warning, remedy.to_owned());
            if dead {
                self.faults.push(fault);
            } else {
                self.lints.push(fault);
            }
        }
        for rule in &self.rules {
            // An unknown name says better what is wrong.
            let told = self.faults.iter().any(|fault| fault.file == rule.file);
            if rule.about.is_empty() && !told {
                self.faults.push(Fault {
                    file: rule.file.clone(),
                    line: rule.line,
                    reason: format!(
                        "policy {:?} is about nothing: no such caller reaches such an operation on such a listener",
                        rule.id
                    ),
                    remedy: format!("compare it with what is served: {}", self.served()),
                });
            }
        }
    }

    /// Looks for policies that open more than anybody means to.
    fn breadths(&mut self, texts: &Texts, permit_everything: bool) {
        for rule in self.rules.iter().filter(|rule| rule.permits) {
            let told = |reason: &str, remedy: &str| Fault {
                file: rule.file.clone(),
                line: rule.line,
                reason: format!("policy {:?} {reason}", rule.id),
                remedy: remedy.to_owned(),
            };
            match rule.breadth {
                Breadth::Everything => {
                    let reason = "names neither callers nor operations nor listeners: it permits everything";
                    if permit_everything {
                        self.lints.push(told(reason, "name what it is meant for"));
                    } else {
                        self.faults.push(told(
                            reason,
                            "name what it is meant for, or set authorization.allow_policies_that_permit_everything = true",
                        ));
                    }
                }
                Breadth::AllOperations => self.lints.push(told(
                    "permits all operations, those of later versions too",
                    "name the APIs: action in [Action::\"..\", ..]",
                )),
                Breadth::Named => {}
            }
        }
        if self.faults.is_empty() && !self.rules.iter().any(|rule| rule.permits) {
            self.lints.push(Fault {
                file: texts.files.first().map(|(file, _)| file.clone()).unwrap_or_default(),
                line: 1,
                reason: "no policy permits anything: every request is refused".to_owned(),
                remedy: "begin with the policies that `policies --out` writes".to_owned(),
            });
        }
    }

    fn fault(&self, texts: &Texts, id: &PolicyId, error: &dyn Diagnostic, remedy: String) -> Fault {
        let id: &str = id.as_ref();
        let rule = self.rules.iter().find(|rule| rule.id == id);
        let file = rule.map(|rule| rule.file.clone()).unwrap_or_default();
        let text = texts.files.iter().find(|(name, _)| *name == file);
        let place = text
            .zip(offset_of(error))
            .map(|((_, text), offset)| line_at(text, offset));
        Fault {
            line: place.or(rule.map(|rule| rule.line)).unwrap_or(1),
            file,
            reason: plain(error, id),
            remedy,
        }
    }

    fn remedy(&self, error: &ValidationError) -> String {
        match error {
            ValidationError::UnrecognizedEntityType(_) => {
                let roles = Role::ALL.map(type_of).join(", ");
                format!(
                    "callers are {roles}; listeners are written Listener::\"{}\"",
                    self.points().join("\", Listener::\"")
                )
            }
            ValidationError::UnrecognizedActionId(_) => {
                let near = help_of(error).map(|help| format!("{help}; ")).unwrap_or_default();
                format!("{near}operations and APIs of this server: {}", self.served())
            }
            ValidationError::InvalidEnumEntity(_) => format!("listeners of this server: {}", self.points().join(", ")),
            _ => help_of(error)
                .unwrap_or_else(|| "compare it with the schema that `policies --schema` prints".to_owned()),
        }
    }

    fn points(&self) -> Vec<&'static str> {
        self.catalogue
            .points()
            .into_iter()
            .map(ReferencePoint::as_str)
            .collect()
    }

    /// Each listener with its APIs.
    fn served(&self) -> String {
        let of = |point: ReferencePoint| {
            let at = self.catalogue.served().iter().filter(|(at, _)| *at == point);
            let mut apis: Vec<&str> = at.map(|(_, operation)| api_of(operation)).collect();
            apis.dedup();
            format!("{point} ({}): {}", type_of(point.caller()), apis.join(", "))
        };
        let all: Vec<String> = self.catalogue.points().into_iter().map(of).collect();
        all.join("; ")
    }
}

/// What the error says, without the identifier of the policy, which Cedar puts in front.
fn plain(error: &dyn Diagnostic, id: &str) -> String {
    let text = error.to_string();
    let rest = text.strip_prefix(&format!("for policy `{id}`, ")).unwrap_or(&text);
    format!("policy {id:?}: {rest}")
}

fn offset_of(error: &dyn Diagnostic) -> Option<usize> {
    error.labels()?.map(|label| label.offset()).next()
}

fn help_of(error: &dyn Diagnostic) -> Option<String> {
    error.help().map(|help| help.to_string())
}

/// What the parser would rather have found.
fn expected(error: &dyn Diagnostic) -> Option<String> {
    error.labels()?.find_map(|label| label.label().map(str::to_owned))
}

fn begin_of(offset: Option<usize>) -> usize {
    offset.unwrap_or_default()
}

/// The line, from 1, that this byte of the text is in.
fn line_at(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}
