//! Addresses for people, compared on the members that are given.

use super::Contains;
use edgeapp_openapi::location::CivicAddress;
use serde_json::{Map, Value};

/// Members that say nothing about the place.
const ABOUT: [&str; 3] = ["usageRules", "method", "providedBy"];

fn members(address: &CivicAddress) -> Map<String, Value> {
    match serde_json::to_value(address) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

fn same(one: &Value, other: &Value) -> bool {
    let text = |value: &Value| value.as_str().map(|text| text.trim().to_lowercase());
    text(one) == text(other)
}

/// Whether one of the addresses is in the place that `area` names: equal in every member that the area gives.
pub(super) fn contains_any(area: &CivicAddress, addresses: &[CivicAddress]) -> Contains {
    let mut wanted = members(area);
    wanted.retain(|name, _| !ABOUT.contains(&name.as_str()));
    Contains::any(addresses.iter().map(|address| {
        let given = members(address);
        Contains::all(wanted.iter().map(|(name, value)| match given.get(name) {
            Some(given) => Contains::of(same(given, value)),
            None => Contains::Unknown,
        }))
    }))
}
