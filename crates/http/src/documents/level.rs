//! The same document at OpenAPI 3.0, for generators that know nothing newer.

use serde_json::{Map, Value, json};

/// A document of OpenAPI 3.1 in the words of 3.0.
pub(super) fn at_3_0(mut document: Value) -> Value {
    document["openapi"] = json!("3.0.3");
    downgrade(&mut document);
    document
}

fn downgrade(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.values_mut().for_each(downgrade);
            nullable(object);
            open_enumeration(object);
            described_reference(object);
        }
        Value::Array(items) => items.iter_mut().for_each(downgrade),
        _ => {}
    }
}

/// Here null is no type: `oneOf` of a schema and null becomes a schema that may be null.
fn nullable(schema: &mut Map<String, Value>) {
    let Some(Value::Array(choices)) = schema.get("oneOf") else {
        return;
    };
    let others: Vec<_> = choices
        .iter()
        .filter(|choice| choice["type"] != "null")
        .cloned()
        .collect();
    if let ([other], true) = (others.as_slice(), others.len() < choices.len()) {
        schema.remove("oneOf");
        let description = other.get("description").cloned();
        schema.insert("allOf".to_owned(), json!([without_description(other)]));
        schema.insert("nullable".to_owned(), json!(true));
        schema.extend(description.map(|text| ("description".to_owned(), text)));
    }
}

fn without_description(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(members) = schema.as_object_mut() {
        members.remove("description");
    }
    // What the walk made of a reference with a description is a reference again.
    match schema["allOf"].as_array().map(Vec::as_slice) {
        Some([only]) => only.clone(),
        _ => schema,
    }
}

/// Generators that stop at 3.0 make a class of every `oneOf`: an open enumeration is a string, with its values in an extension.
fn open_enumeration(schema: &mut Map<String, Value>) {
    let Some(Value::Array(choices)) = schema.get("oneOf") else {
        return;
    };
    let [known, other] = choices.as_slice() else {
        return;
    };
    if other["not"]["enum"].is_array() && other["not"]["enum"] == known["enum"] {
        let values = known["enum"].clone();
        schema.remove("oneOf");
        schema.insert("x-extensible-enum".to_owned(), values);
    }
}

/// Here nothing may stand beside a reference.
fn described_reference(schema: &mut Map<String, Value>) {
    if schema.len() > 1
        && let Some(reference) = schema.get("$ref").filter(|reference| reference.is_string()).cloned()
    {
        schema.remove("$ref");
        schema.insert("allOf".to_owned(), json!([{"$ref": reference}]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_stands_alone() {
        let written = json!({"a": {"$ref": "#/b"}, "c": {"$ref": "#/d", "description": "text"}});
        let expected = json!({"openapi": "3.0.3", "a": {"$ref": "#/b"},
            "c": {"allOf": [{"$ref": "#/d"}], "description": "text"}});
        assert_eq!(at_3_0(written), expected);
    }

    #[test]
    fn null_is_a_property_of_a_schema() {
        let written = json!({"a": {"oneOf": [{"$ref": "#/d", "description": "text"}, {"type": "null"}]}});
        let expected = json!({"openapi": "3.0.3",
            "a": {"allOf": [{"$ref": "#/d"}], "nullable": true, "description": "text"}});
        assert_eq!(at_3_0(written), expected);
    }

    #[test]
    fn an_open_enumeration_is_a_string() {
        let written = json!({"a": {"type": "string", "description": "text", "oneOf": [
            {"type": "string", "enum": ["A", "B"]}, {"type": "string", "not": {"enum": ["A", "B"]}}]}});
        let expected = json!({"openapi": "3.0.3",
            "a": {"type": "string", "description": "text", "x-extensible-enum": ["A", "B"]}});
        assert_eq!(at_3_0(written), expected);
    }
}
