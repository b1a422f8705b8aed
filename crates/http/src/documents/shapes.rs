//! How schemas are written so that a client generated from them says what it means.
//!
//! The standard writes three things in ways that generators of clients take for classes without members, which then send `{}`:
//! open enumerations, objects of which one member is present, and alternatives of which one contains another. Each is
//! written here in an equivalent way that generators understand; what a schema accepts stays the same.

use serde_json::{Map, Value, json};

/// Rewrites every schema in a document, the innermost first.
pub(super) fn for_generators(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.values_mut().for_each(for_generators);
            if let Some(Value::String(text)) = object.get_mut("description") {
                *text = without_links(text);
            }
            without_null(object);
            open_enumeration(object);
            either_or(object);
        }
        Value::Array(items) => items.iter_mut().for_each(for_generators),
        _ => {}
    }
}

/// The text without the links of our own documentation, which lead nowhere in a document.
fn without_links(text: &str) -> String {
    let mut rest = text;
    let mut plain = String::with_capacity(text.len());
    while let Some((before, name, after)) = rest
        .split_once("[`")
        .and_then(|(before, link)| link.split_once("`]").map(|(name, after)| (before, name, after)))
    {
        plain.extend([before, "`", name, "`"]);
        let target = after.strip_prefix('(').and_then(|target| target.split_once(')'));
        rest = target.map_or(after, |(_, after)| after);
    }
    plain + rest
}

/// Optional is absent, not null: takes `null` out. [`super::Api::clearable`] puts it back where it has a meaning.
fn without_null(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    for word in ["oneOf", "anyOf"] {
        let Some(Value::Array(choices)) = schema.get_mut(word) else {
            continue;
        };
        choices.retain(|choice| choice["type"] != "null");
        if let [only] = choices.as_slice() {
            let only = only.clone();
            schema.remove(word);
            if let Value::Object(only) = only {
                schema.extend(only);
            }
        }
    }
}

/// `anyOf` of an enumeration and a free string becomes a string that is one of the values or another one: a client has a string.
fn open_enumeration(schema: &mut Map<String, Value>) {
    let Some(Value::Array(choices)) = schema.get("anyOf") else {
        return;
    };
    let [known, other] = choices.as_slice() else {
        return;
    };
    let is_free = other["type"] == "string" && ["enum", "pattern"].iter().all(|word| other.get(word).is_none());
    if known["type"] != "string" || !known["enum"].is_array() || !is_free {
        return;
    }
    let mut other = other.clone();
    other["not"] = json!({"enum": known["enum"]});
    let choices = json!([known, other]);
    schema.remove("anyOf");
    schema.insert("type".to_owned(), json!("string"));
    schema.insert("oneOf".to_owned(), choices);
}

/// `oneOf` of objects with one mandatory member each becomes one object with exactly one of the members.
fn either_or(schema: &mut Map<String, Value>) {
    let Some(Value::Array(branches)) = schema.get("oneOf") else {
        return;
    };
    let Some(members) = branches.iter().map(only_member).collect::<Option<Map<_, _>>>() else {
        return;
    };
    schema.remove("oneOf");
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), members.into());
    schema.insert("minProperties".to_owned(), json!(1));
    schema.insert("maxProperties".to_owned(), json!(1));
}

fn only_member(branch: &Value) -> Option<(String, Value)> {
    let mut members = branch["properties"].as_object()?.iter();
    let (name, member) = members.next()?;
    let is_all = members.next().is_none() && branch["required"] == json!([name]);
    is_all.then(|| (name.clone(), member.clone()))
}

/// Generated clients take the first alternative that fits: puts the ones that demand most first. Of objects that contain one another
/// several fit, which `oneOf` would forbid.
pub(super) fn demanding_first(document: &mut Value) {
    let Some(schemas) = document["components"]["schemas"].as_object() else {
        return;
    };
    let known = schemas.clone();
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else {
        return;
    };
    for schema in schemas.values_mut().filter_map(Value::as_object_mut) {
        for word in ["oneOf", "anyOf"] {
            let Some(Value::Array(choices)) = schema.get(word) else {
                continue;
            };
            let demands: Option<Vec<_>> = choices.iter().map(|choice| demands(choice, &known)).collect();
            let Some(demands) = demands else { continue };
            let mut sorted: Vec<_> = demands.into_iter().zip(choices.clone()).collect();
            sorted.sort_by_key(|(demands, _)| std::cmp::Reverse(*demands));
            let choices: Vec<_> = sorted.into_iter().map(|(_, choice)| choice).collect();
            schema.remove(word);
            schema.insert("anyOf".to_owned(), choices.into());
        }
    }
}

/// A query parameter that is an object, or a list of objects, is JSON text: says so, for clients would spread its members.
pub(super) fn json_parameters(document: &mut Value) {
    let schemas = document["components"]["schemas"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    let items = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    let operations = items.filter_map(Value::as_object_mut).flat_map(Map::values_mut);
    let parameters = operations.filter_map(|operation| operation.get_mut("parameters")?.as_array_mut());
    for parameter in parameters.flatten().filter_map(Value::as_object_mut) {
        if parameter.get("in").is_some_and(|place| place == "path") {
            continue;
        }
        let schema = parameter.get("schema").map(|schema| behind(schema, &schemas));
        let is_object = |schema: &Value| schema["type"] == "object" || schema["properties"].is_object();
        let is_json = schema.is_some_and(|schema| is_object(schema) || is_object(behind(&schema["items"], &schemas)));
        if is_json && let Some(schema) = parameter.remove("schema") {
            parameter.insert("content".to_owned(), json!({"application/json": {"schema": schema}}));
        }
    }
}

/// The schema that a schema refers to, or itself.
fn behind<'a>(schema: &'a Value, known: &'a Map<String, Value>) -> &'a Value {
    let name = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next());
    name.and_then(|name| known.get(name)).unwrap_or(schema)
}

/// The first schema that a document refers to and does not have.
pub(super) fn dangling(document: &Value) -> Option<String> {
    fn among(value: &Value, document: &Value) -> Option<String> {
        match value {
            Value::Object(object) => {
                let reference = object.get("$ref").and_then(Value::as_str);
                let gone = reference.filter(|to| document.pointer(to.trim_start_matches('#')).is_none());
                gone.map(str::to_owned)
                    .or_else(|| object.values().find_map(|member| among(member, document)))
            }
            Value::Array(items) => items.iter().find_map(|item| among(item, document)),
            _ => None,
        }
    }
    among(document, document)
}

/// How many members an object demands, or none where the schema is of no object.
fn demands(schema: &Value, known: &Map<String, Value>) -> Option<usize> {
    let schema = behind(schema, known);
    schema["properties"].as_object()?;
    Some(schema["required"].as_array().map_or(0, Vec::len))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(mut schema: Value) -> Value {
        for_generators(&mut schema);
        schema
    }

    #[test]
    fn null_is_no_type_of_an_optional_member() {
        assert_eq!(
            rewritten(json!({"type": ["string", "null"]})),
            json!({"type": "string"})
        );
        assert_eq!(
            rewritten(json!({"oneOf": [{"type": "null"}, {"$ref": "#/a"}]})),
            json!({"$ref": "#/a"})
        );
    }

    #[test]
    fn a_description_has_no_links_of_ours() {
        let written = json!({"description": "See [`a::B`] and [`c`](super::c) (clause 8.1)."});
        assert_eq!(
            rewritten(written),
            json!({"description": "See `a::B` and `c` (clause 8.1)."})
        );
        let nothing = json!({"description": "A list [1] and [`open."});
        assert_eq!(rewritten(nothing.clone()), nothing);
    }

    #[test]
    fn an_open_enumeration_is_a_string() {
        let written = json!({"description": "Colours.", "anyOf": [
            {"type": "string", "enum": ["RED", "BLUE"]}, {"type": "string", "description": "Others."}]});
        let expected = json!({"description": "Colours.", "type": "string", "oneOf": [
            {"type": "string", "enum": ["RED", "BLUE"]},
            {"type": "string", "description": "Others.", "not": {"enum": ["RED", "BLUE"]}}]});
        assert_eq!(rewritten(json!({"items": written})), json!({"items": expected}));
    }

    #[test]
    fn an_object_with_one_of_its_members_is_one_object() {
        let written = json!({"description": "Where.", "oneOf": [
            {"type": "object", "properties": {"uri": {"type": "string"}}, "required": ["uri"]},
            {"type": "object", "properties": {"fqdn": {"$ref": "#/b"}}, "required": ["fqdn"]}]});
        let expected = json!({"description": "Where.", "type": "object", "minProperties": 1, "maxProperties": 1,
            "properties": {"uri": {"type": "string"}, "fqdn": {"$ref": "#/b"}}});
        assert_eq!(rewritten(written), expected);
    }

    #[test]
    fn alternatives_of_another_kind_stay_as_they_are() {
        for schema in [
            json!({"oneOf": [{"type": "string"}, {"type": "integer"}]}),
            json!({"oneOf": [
                {"properties": {"a": {}, "b": {}}, "required": ["a", "b"]}, {"properties": {"c": {}}, "required": ["c"]}]}),
            json!({"oneOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}, "required": ["b"]}]}),
            json!({"anyOf": [{"type": "string", "enum": ["A"]}, {"type": "string", "pattern": "^B"}]}),
        ] {
            assert_eq!(rewritten(schema.clone()), schema);
        }
    }

    #[test]
    fn a_parameter_that_is_an_object_is_json_text() {
        let parameter = |schema: Value| json!({"in": "query", "name": "q", "schema": schema});
        let mut document = json!({
            "paths": {"/a": {"get": {"parameters": [
                parameter(json!({"$ref": "#/components/schemas/Area"})), parameter(json!({"type": "string"})),
                parameter(json!({"type": "array", "items": {"$ref": "#/components/schemas/Area"}}))]}}},
            "components": {"schemas": {"Area": {"type": "object"}}}});
        json_parameters(&mut document);
        let parameters = &document["paths"]["/a"]["get"]["parameters"];
        let content = |number: usize| &parameters[number]["content"]["application/json"]["schema"];
        assert_eq!(content(0), &json!({"$ref": "#/components/schemas/Area"}));
        assert_eq!(parameters[1], parameter(json!({"type": "string"})));
        assert_eq!(content(2)["type"], "array");
    }

    #[test]
    fn a_reference_without_its_schema_is_found() {
        let mut document =
            json!({"a": [{"$ref": "#/components/schemas/Area"}], "components": {"schemas": {"Area": {}}}});
        assert_eq!(dangling(&document), None);
        document["components"] = json!({});
        assert_eq!(dangling(&document), Some("#/components/schemas/Area".to_owned()));
    }

    #[test]
    fn the_alternative_that_demands_most_comes_first() {
        let object = |members: &[&str]| {
            let all: Map<_, _> = members.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
            json!({"properties": all, "required": members})
        };
        let mut document = json!({"components": {"schemas": {
            "Speed": {"oneOf": [{"$ref": "#/components/schemas/Plane"}, {"$ref": "#/components/schemas/Space"}, object(&["s", "t"])]},
            "Plane": object(&["s"]), "Space": object(&["s", "t", "u"])}}});
        demanding_first(&mut document);
        assert_eq!(
            document["components"]["schemas"]["Speed"],
            json!({"anyOf": [{"$ref": "#/components/schemas/Space"}, object(&["s", "t"]), {"$ref": "#/components/schemas/Plane"}]})
        );
    }
}
