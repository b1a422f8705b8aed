//! What people read first in a document: an example of every body, and the clause that an operation is of.

use serde_json::{Map, Value, json};

/// Members that are shown although they are not mandatory: with them an example does something.
const TELLING: [&str; 7] = [
    "notificationDestination",
    "ueId",
    "easIds",
    "easId",
    "actResultInfo",
    "qosReference",
    "tgtUes",
];

/// Gives every operation the clause of its API, and every request body an example that its schema accepts.
pub(super) fn add(document: &mut Value) {
    let known = document["components"]["schemas"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    let about = document["info"]["description"].as_str().unwrap_or_default();
    let clause = about
        .rsplit_once('(')
        .and_then(|(_, rest)| rest.split_once(')'))
        .map(|(clause, _)| clause.to_owned());
    let items = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    let operations = items.filter_map(Value::as_object_mut).flat_map(Map::values_mut);
    for operation in operations.filter_map(Value::as_object_mut) {
        if let (Some(clause), None) = (&clause, operation.get("description")) {
            operation.insert("description".to_owned(), json!(format!("Specified in {clause}.")));
        }
        let bodies = operation
            .get_mut("requestBody")
            .and_then(|body| body["content"].as_object_mut());
        for body in bodies.into_iter().flat_map(Map::values_mut) {
            if let Some(example) = example(&body["schema"], &known, true)
                && body.get("example").is_none()
            {
                body["example"] = example;
            }
        }
    }
}

/// The text of an identifier or of a string with a pattern, by the name of its schema.
fn text(schema: &str) -> Option<&'static str> {
    Some(match schema {
        "EasId" => "eas.chess.example",
        "AcId" => "ac.chess",
        "EecId" | "RequestorName" => "eec-1",
        "EesId" => "ees-a.example",
        "ProviderId" => "chess.example",
        "Gpsi" => "msisdn-491700000001",
        "EecContextId" => "context-7",
        "Uri" => "https://chess.edge-a.example",
        "Fqdn" => "chess.edge-a.example",
        "DateTime" => "2030-01-01T12:00:00Z",
        "Mcc" => "001",
        "Mnc" => "01",
        "Tac" => "000001",
        "SupportedFeatures" => "1",
        "ExternalGroupId" => "extgroupid-players@chess.example",
        _ => return None,
    })
}

/// The smallest value that a schema accepts, with the telling members at the top; none where a schema wants more than is known here.
fn example(schema: &Value, known: &Map<String, Value>, top: bool) -> Option<Value> {
    if let Some(name) = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
        return match text(name) {
            Some(text) => Some(json!(text)),
            None => example(known.get(name)?, known, top),
        };
    }
    if let Some(told) = schema.get("example") {
        return Some(told.clone());
    }
    for word in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[word].as_array() {
            return choices.iter().find_map(|choice| example(choice, known, top));
        }
    }
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return Some(first.clone());
    }
    match schema["type"].as_str()? {
        "object" => object(schema, known, top),
        "array" => {
            let items = &schema["items"];
            let item = example(items, known, false)?;
            // A list of nothing in particular explains nothing.
            let empty = item.as_object().is_some_and(Map::is_empty);
            let item = if empty {
                telling(items, known).unwrap_or(item)
            } else {
                item
            };
            Some(json!([item]))
        }
        "boolean" => Some(json!(false)),
        "integer" | "number" => Some(schema.get("minimum").cloned().unwrap_or(json!(1))),
        "string" => match (schema["format"].as_str(), schema.get("pattern")) {
            (Some("ipv4"), _) => Some(json!("192.0.2.7")),
            (Some("ipv6"), _) => Some(json!("2001:db8::7")),
            (Some("date-time"), _) => Some(json!("2030-01-01T12:00:00Z")),
            (_, None) => Some(json!("example")),
            _ => None,
        },
        _ => None,
    }
}

/// An object with the first of the telling members that it may have.
fn telling(schema: &Value, known: &Map<String, Value>) -> Option<Value> {
    if let Some(name) = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
        return telling(known.get(name)?, known);
    }
    let members = schema["properties"].as_object()?;
    TELLING
        .iter()
        .find_map(|name| Some(json!({*name: example(members.get(*name)?, known, false)?})))
}

fn object(schema: &Value, known: &Map<String, Value>, top: bool) -> Option<Value> {
    let members = schema["properties"].as_object();
    let mut shown = Map::new();
    let required = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    for name in required {
        shown.insert(name.to_owned(), example(members?.get(name)?, known, false)?);
    }
    let known_of = |name: &str| Some((name.to_owned(), example(members?.get(name)?, known, false)?));
    if top {
        shown.extend(
            TELLING
                .iter()
                .filter_map(|name| known_of(name))
                .filter(|(name, _)| name != "ueId" || speaks_for_a_ue(schema)),
        );
    }
    if shown.is_empty() && (top || schema["minProperties"].is_number()) {
        // An instant without quotes is no string to readers of older YAML.
        let others = members?.keys().map(String::as_str).filter(|name| *name != "expTime");
        let first = ["eecId", "fqdn"].into_iter().chain(others);
        shown.extend(first.into_iter().find_map(known_of));
    }
    Some(shown.into())
}

/// A UE stands in an example where the one who sends it speaks for that UE, and where it has to be named in one of several ways.
fn speaks_for_a_ue(schema: &Value) -> bool {
    let members = &schema["properties"];
    ["eecId", "requestorId", "extGrpId", "ipAddr"]
        .iter()
        .any(|member| !members[member].is_null())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(schema: Value, schemas: Value) -> Value {
        let mut document = json!({"info": {"description": "Things (TS 29.558 clause 8.1)."},
            "paths": {"/a": {"post": {"requestBody": {"content": {"application/json": {"schema": schema}}}}}},
            "components": {"schemas": schemas}});
        add(&mut document);
        document["paths"]["/a"]["post"].take()
    }

    #[test]
    fn mandatory_and_telling_members_are_shown() {
        let schema = json!({"type": "object", "required": ["easId", "at", "kinds"], "properties": {
            "easId": {"$ref": "#/components/schemas/EasId"}, "notificationDestination": {"$ref": "#/components/schemas/Uri"},
            "at": {"type": "object", "minProperties": 1, "properties": {"uri": {"type": "string"}, "fqdn": {"type": "string"}}},
            "kinds": {"type": "array", "items": {"type": "string", "oneOf": [
                {"type": "string", "enum": ["A", "B"]}, {"type": "string", "not": {"enum": ["A", "B"]}}]}},
            "more": {"type": "string"}}});
        let operation = of(schema, json!({"EasId": {"type": "string"}, "Uri": {"type": "string"}}));
        assert_eq!(operation["description"], "Specified in TS 29.558 clause 8.1.");
        assert_eq!(
            operation["requestBody"]["content"]["application/json"]["example"],
            json!({"easId": "eas.chess.example", "at": {"fqdn": "example"}, "kinds": ["A"], "notificationDestination": "https://chess.edge-a.example"})
        );
    }

    #[test]
    fn an_item_without_mandatory_members_shows_a_telling_one() {
        let schema = json!({"type": "object", "required": ["list", "plain"], "properties": {
            "list": {"type": "array", "items": {"$ref": "#/components/schemas/Item"}},
            "plain": {"type": "array", "items": {"type": "object", "properties": {"other": {"type": "string"}}}}}});
        let item = json!({"type": "object", "properties": {
            "other": {"type": "string"}, "easId": {"$ref": "#/components/schemas/EasId"}}});
        let operation = of(schema, json!({"Item": item, "EasId": {"type": "string"}}));
        assert_eq!(
            operation["requestBody"]["content"]["application/json"]["example"],
            json!({"list": [{"easId": "eas.chess.example"}], "plain": [{}]})
        );
    }

    #[test]
    fn a_pattern_that_nobody_knows_gives_no_example() {
        let schema =
            json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "pattern": "^x$"}}});
        let operation = of(schema, json!({}));
        assert!(
            operation["requestBody"]["content"]["application/json"]
                .get("example")
                .is_none()
        );
    }
}
