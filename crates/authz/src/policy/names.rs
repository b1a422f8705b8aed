//! Names of callers in policies that no caller can have: a rule that compares with one never decides anything, and whoever wrote it to keep
//! somebody out would never hear of it.

use super::catalogue::type_of;
use cedar_policy::Policy;
use edgeapp_core::principal::{Principal, Role};
use serde_json::Value;

/// What begins all identity URIs.
const URN: &str = "urn:edgeapp:";

/// A name in a policy that something is wrong with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Odd {
    /// The text as it stands in quotation marks.
    pub(super) literal: String,
    /// What is wrong with it.
    pub(super) reason: String,
    /// What to write instead.
    pub(super) remedy: String,
    /// Whether nobody can have it; somebody may, otherwise, though hardly the one who is meant.
    pub(super) nobody: bool,
}

/// The odd names of this policy. `roles` are those of the callers that its head is about.
pub(super) fn odd(policy: &Policy, roles: &[Role]) -> Vec<Odd> {
    // Policies that have no JSON form are templates, which are refused.
    let Ok(json) = policy.to_json() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let head = &json["principal"];
    for one in [&head["entity"], &head["in"]["entity"]] {
        found.extend(entity(one));
    }
    walk(&json["conditions"], roles, &mut found);
    found.dedup();
    found
}

fn walk(value: &Value, roles: &[Role], found: &mut Vec<Odd>) {
    match value {
        Value::Array(all) => all.iter().for_each(|one| walk(one, roles, found)),
        Value::Object(members) => {
            for (name, inner) in members {
                match name.as_str() {
                    "__entity" => found.extend(entity(inner)),
                    "==" | "!=" | "contains" | "containsAll" | "containsAny" | "in" => {
                        let (left, right) = (&inner["left"], &inner["right"]);
                        for (attribute, other) in [(attribute(left), right), (attribute(right), left)] {
                            let Some(attribute) = attribute else { continue };
                            let texts = texts(other).into_iter();
                            found.extend(texts.filter_map(|text| compared(attribute, text, roles)));
                        }
                    }
                    "like" => {
                        let begin = beginning(&inner["pattern"]);
                        let uri = begin.starts_with(URN);
                        if uri && attribute(&inner["left"]).is_some_and(|name| ["id", "provider"].contains(&name)) {
                            found.extend(attribute(&inner["left"]).and_then(|name| compared(name, &begin, roles)));
                        }
                    }
                    _ => {}
                }
                walk(inner, roles, found);
            }
        }
        _ => {}
    }
}

/// The attribute of the caller that this expression is.
fn attribute(expression: &Value) -> Option<&str> {
    let access = &expression["."];
    (access["left"]["Var"] == "principal")
        .then(|| access["attr"].as_str())
        .flatten()
}

/// The texts that this expression is, or is the set of.
fn texts(expression: &Value) -> Vec<&str> {
    match &expression["Set"] {
        Value::Array(all) => all.iter().filter_map(|value| value["Value"].as_str()).collect(),
        _ => expression["Value"].as_str().into_iter().collect(),
    }
}

/// What a pattern begins with, before its first wildcard.
fn beginning(pattern: &Value) -> String {
    match pattern {
        Value::String(text) => text.split('*').next().unwrap_or_default().to_owned(),
        Value::Array(parts) => parts.iter().map_while(|part| part["Literal"].as_str()).collect(),
        _ => String::new(),
    }
}

/// The caller that an identity URI is about, with the URI as it is written here.
fn identity(uri: &str) -> Option<Principal> {
    Principal::from_names([uri], []).ok()
}

/// An entity of one of the roles: its name has to be an identity URI of that role.
fn entity(entity: &Value) -> Option<Odd> {
    let (kind, id) = (entity["type"].as_str()?, entity["id"].as_str()?);
    let role = Role::ALL.into_iter().find(|role| type_of(*role) == kind)?;
    let write = |id: &str| format!("write {kind}::\"{id}\", the identity URI of its certificate");
    let odd = |reason: String, remedy: String, nobody| {
        Some(Odd {
            literal: id.to_owned(),
            reason,
            remedy,
            nobody,
        })
    };
    match identity(id) {
        Some(principal) if principal.role() == role && principal.owner().as_str() == id => {
            if role == Role::Eas && !id.contains('#') {
                let all = format!("of all instances write principal.id == \"{}\"", principal.id());
                return odd(
                    format!(
                        "names {kind}::\"{id}\" without an instance, and means one whose certificate has none, not the instances"
                    ),
                    format!("of one instance write {kind}::\"{id}#<instance>\"; {all}"),
                    false,
                );
            }
            None
        }
        Some(principal) if principal.role() == role => odd(
            format!("names {kind}::\"{id}\", which is another way to write an identity"),
            write(principal.owner().as_str()),
            true,
        ),
        other => {
            let instance = if role == Role::Eas { "#<instance>" } else { "" };
            let name = other.as_ref().map_or(id, Principal::id);
            let name = if name.starts_with("urn:") || name.is_empty() {
                "<id>"
            } else {
                name.split('#').next().unwrap_or(name)
            };
            odd(
                format!("names {kind}::\"{id}\", and no certificate of an {kind} has that identity: it never applies"),
                write(&format!("{URN}{role}:{name}{instance}")),
                true,
            )
        }
    }
}

/// A text that an attribute of the caller is compared with.
fn compared(attribute: &str, text: &str, roles: &[Role]) -> Option<Odd> {
    let odd = |reason: &str, remedy: String| {
        Some(Odd {
            literal: text.to_owned(),
            reason: format!("compares principal.{attribute} with \"{text}\", {reason}: it never holds"),
            remedy,
            nobody: true,
        })
    };
    let plain = |uri: &str| match identity(uri) {
        Some(principal) => principal.id().to_owned(),
        None => uri.rsplit(':').next().unwrap_or_default().to_owned(),
    };
    match attribute {
        "id" if text.starts_with(URN) => odd(
            "and it is the identifier alone, without urn:edgeapp:<role>:",
            format!("write \"{}\", or compare principal.owner", plain(text)),
        ),
        "id" if text.contains('#') && roles.iter().all(|role| *role == Role::Eas) => odd(
            "and it is the EASID, without instance",
            format!(
                "write \"{}\", or compare principal.owner",
                text.split('#').next().unwrap_or_default()
            ),
        ),
        "owner" if identity(text).is_none_or(|principal| principal.owner().as_str() != text) => odd(
            "and it is the identity URI of a certificate",
            format!("write \"{URN}<role>:<id>\", or compare principal.id"),
        ),
        "provider" if text.starts_with(URN) => odd(
            "and it is the name alone, without urn:edgeapp:asp:",
            format!("write \"{}\"", plain(text)),
        ),
        "dns_names" if text.chars().any(char::is_uppercase) => odd(
            "and DNS names are in lower case",
            format!("write \"{}\"", text.to_lowercase()),
        ),
        _ => None,
    }
}
