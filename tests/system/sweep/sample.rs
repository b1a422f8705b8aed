//! The smallest valid message of a schema: its mandatory members, with the identities of who sends it.

use serde_json::{Map, Value, json};

/// The identities that stand in a message.
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// Who sends it: `eec`, `eas`, `ees` or `smf`.
    pub(super) role: &'static str,
    /// Its identifier.
    pub(super) own: String,
    /// The EEC that it is about.
    pub(super) eec: String,
    /// The UE of that EEC.
    pub(super) ue: String,
    /// The EAS that it is about.
    pub(super) eas: String,
    /// The EES that sends it, or any.
    pub(super) ees: String,
    /// A context that exists.
    pub(super) context: String,
}

/// Where all endpoints of samples are.
pub(super) const ENDPOINT: &str = "https://sample.chess.example:8443/play";

/// The schema behind references.
pub(super) fn resolve<'a>(schema: &'a Value, schemas: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => {
            let name = reference.rsplit('/').next().unwrap();
            let target = &schemas[name];
            assert!(!target.is_null(), "no schema {name}");
            resolve(target, schemas)
        }
        None => schema,
    }
}

fn name_of(schema: &Value) -> &str {
    schema["$ref"]
        .as_str()
        .and_then(|reference| reference.rsplit('/').next())
        .unwrap_or_default()
}

/// The smallest valid message of this schema.
pub(super) fn smallest(schema: &Value, schemas: &Value, names: &Names) -> Value {
    // What a schema cannot say: which of several values is served without a core network, and who is who.
    match name_of(schema) {
        "AcrMgntEvent" => return json!("ACT_START_STOP"),
        // Relocations that an EAS leaves to its EES.
        "ACRScenario" => return json!("EEL_MANAGED_ACR"),
        "EecId" => return json!(names.eec),
        "EasId" => return json!(names.eas),
        "EesId" => return json!(names.ees),
        "Gpsi" => return json!(names.ue),
        "RequestorName" => return json!(names.own),
        "RequestorId" => return json!({ format!("{}Id", names.role): names.own }),
        "EecContextId" => return json!(names.context),
        "Uri" => return json!(ENDPOINT),
        "TargetUeIdentification" => return json!({"gpsi": names.ue}),
        // The first UE of the simulated network.
        "IpAddr" => return json!({"ipv4Addr": "198.51.100.1"}),
        "EndPoint" => return json!({"uri": ENDPOINT}),
        "DateTime" => return json!("2099-01-01T00:00:00Z"),
        // One address is needed, and a rule with an action.
        "DnsContextCreateData" => {
            return json!({"ueIpv4Addr": "198.51.100.1", "dnn": "edge", "sNssai": {"sst": 1}, "supportedFeatures": "0",
                "dnsRules": {"r": {"actionList": {"a": {"applyAction": "FORWARD"}}}}});
        }
        "BaseDnsPatternCreateData" => return json!({"label": "sample", "supportedFeatures": "0"}),
        // A change that changes nothing.
        "PatchItem" => return json!({"op": "test", "path": "/supportedFeatures", "value": "0"}),
        _ => {}
    }
    let resolved = resolve(schema, schemas);
    if let Some(told) = resolved.get("example") {
        return told.clone();
    }
    for alternatives in ["oneOf", "anyOf"] {
        if let Some(first) = resolved[alternatives].as_array().and_then(|list| list.first()) {
            return smallest(first, schemas, names);
        }
    }
    if let Some(parts) = resolved["allOf"].as_array() {
        let mut whole = Map::new();
        for part in parts {
            match smallest(part, schemas, names) {
                Value::Object(members) => whole.extend(members),
                other => return other,
            }
        }
        return whole.into();
    }
    if let Some(first) = resolved["enum"].as_array().and_then(|list| list.first()) {
        return first.clone();
    }
    match resolved["type"].as_str() {
        Some("object") => object(resolved, schemas, names, needed_in(name_of(schema))),
        Some("array") => json!([smallest(&resolved["items"], schemas, names)]),
        Some("boolean") => json!(false),
        Some("integer" | "number") => resolved.get("minimum").cloned().unwrap_or(json!(1)),
        Some("string") => json!("sample"),
        other => panic!("a schema of type {other:?} needs a sample: {resolved}"),
    }
}

fn object(schema: &Value, schemas: &Value, names: &Names, more: &[&str]) -> Value {
    let mandatory = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let member = |name: &str| (name.to_owned(), smallest(&schema["properties"][name], schemas, names));
    let mut members: Map<_, _> = mandatory.chain(more.iter().copied()).map(member).collect();
    if members.is_empty() && schema["minProperties"] == 1 {
        members.extend(
            schema["properties"]
                .as_object()
                .and_then(|all| all.keys().next())
                .map(|name| member(name)),
        );
    }
    members.into()
}

/// Members that are needed though the schema does not make them mandatory.
fn needed_in(schema: &str) -> &'static [&'static str] {
    match schema {
        // Without WebSockets servers need an address.
        "ECSServProvSubscription" | "ACInfoSubscription" | "EasDiscoverySubscription" => &["notificationDestination"],
        // An EAS that is about to lose a UE names it, and the UE has to be known.
        "EECRegistration" => &["ueId", "acProfs"],
        "AcrDetermReq" | "EECContext" => &["ueId"],
        // Whom it is about, and where to send notifications while WebSockets are not served.
        "LocationSubscription" => &["ueId", "notificationDestination"],
        "SessionWithQoS" => &["ueId", "qosReference"],
        // Where an EAS sits: traffic is steered there.
        "EASProfile" => &["appLocs", "svcContSupp"],
        // Which applications its UE uses.
        "ACProfile" => &["eass"],
        "AppTrafficInfluence" => &["tgtUes"],
        "RouteToLocation" => &["routeProfId"],
        "UserInfo" => &["ueId", "easIds"],
        // One of three has to be there.
        "ACRUpdateData" => &["actResultInfo"],
        _ => &[],
    }
}

/// The members that an object schema describes, and which of them are mandatory.
pub(super) fn members(schema: &Value, schemas: &Value) -> Vec<(String, Value, bool)> {
    let schema = resolve(schema, schemas);
    let is_mandatory = |name: &str| {
        schema["required"]
            .as_array()
            .is_some_and(|list| list.contains(&json!(name)))
    };
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties
        .map(|(name, schema)| (name.clone(), schema.clone(), is_mandatory(name)))
        .collect()
}

/// A value of another type than this schema wants.
pub(super) fn of_wrong_type(schema: &Value, schemas: &Value) -> Value {
    match resolve(schema, schemas)["type"].as_str() {
        Some("integer" | "number") => json!("seven"),
        _ => json!(7),
    }
}
