//! Merge patches that want more than to change a member: every PATCH, every member of its resource, many values.

use super::{
    sample::resolve,
    world::{Place, World},
};
use edgeapp_system_tests::caller::{Answer, Caller};
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Members that say who or whom: no patch changes them.
const IDENTITY: [&str; 8] = [
    "eecId",
    "easId",
    "eesId",
    "ueId",
    "gpsi",
    "provId",
    "eecCntxId",
    "suppFeat",
];

/// A resource that can be patched by its owner.
struct Target {
    place: Place,
    owner: Caller,
    /// The members of its schema.
    members: Vec<String>,
    before: Value,
}

impl Target {
    async fn patch(&self, patch: &Value) -> Answer {
        self.owner
            .try_call(Method::PATCH, &self.place.path, patch)
            .await
            .unwrap_or_else(|error| panic!("{} {patch}: {error}", self.place.operation))
    }

    /// The resource as it is now.
    async fn now(&self) -> Value {
        self.patch(&json!({})).await.found().clone()
    }
}

async fn targets(world: &World) -> Vec<Target> {
    let places = world.places().await;
    let mut targets = Vec::new();
    let merged = |place: &&Place| place.operation.method == Method::PATCH && !place.operation.takes_changes();
    for place in places.iter().filter(merged) {
        let whole = places
            .iter()
            .find(|other| other.operation.method == Method::PUT && other.path == place.path);
        let (_, schema) = whole.unwrap_or(place).operation.body.clone().unwrap();
        let members = resolve(&schema, &place.operation.schemas)["properties"]
            .as_object()
            .unwrap()
            .keys();
        let mut target = Target {
            place: place.clone(),
            owner: world.owner(place),
            members: members.cloned().collect(),
            before: Value::Null,
        };
        target.before = target.now().await;
        targets.push(target);
    }
    targets
}

/// Everything in a representation that says who or whom, with where it stands.
fn identity(value: &Value, at: &str, found: &mut Map<String, Value>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let at = format!("{at}/{name}");
        if IDENTITY.contains(&name.as_str()) {
            found.insert(at.clone(), value.clone());
        }
        identity(value, &at, found);
    }
}

fn identity_of(value: &Value) -> Map<String, Value> {
    let mut found = Map::new();
    identity(value, "", &mut found);
    found
}

/// Whatever a patch says: it is refused and nothing has changed, or what came of it is a whole resource of the same owner about the same.
///
/// Proves: T-18, H-22, H-24, H-41, H-42
#[tokio::test]
async fn no_patch_changes_who_or_breaks_what() {
    let world = World::open().await;
    let (mut refused, mut served) = (0, BTreeSet::new());
    for target in targets(&world).await {
        let same = identity_of(&target.before);
        // Whose traffic is steered may change: the standard has the UEs in the patch.
        let is_about_many = target.place.operation.api == "eees-tie";
        assert!(
            !same.is_empty() || is_about_many,
            "{}: {}",
            target.place.operation,
            target.before
        );
        let deep = (0..20).fold(json!(1), |inner, _| json!({"x": inner}));
        for member in &target.members {
            let values = [
                Value::Null,
                json!("somebody-else"),
                json!(7),
                json!([]),
                json!([{}]),
                json!([null]),
                json!({}),
                deep.clone(),
                json!("\u{0}\r\nx: y"),
            ];
            for value in values {
                let before = target.now().await;
                let patch = json!({ member: value });
                let answer = target.patch(&patch).await;
                let context = format!("{} {patch}: {} {}", target.place.operation, answer.status, answer.body);
                let after = target.now().await;
                if answer.status == StatusCode::OK {
                    served.insert(target.place.operation.to_string());
                    assert_eq!(answer.body, after, "{context}");
                } else {
                    answer.is_a_problem();
                    assert!(matches!(answer.status.as_u16(), 400 | 403), "{context}");
                    assert_eq!(after, before, "{context}");
                    refused += 1;
                }
                for (at, value) in &same {
                    assert_eq!(after.pointer(at), Some(value), "{context} changed {at}");
                }
            }
        }
    }
    assert!(
        refused > 200 && served.len() >= 5,
        "{refused} were refused; {served:?} changed something"
    );
}

/// An identity inside a profile is as fixed as one outside, and a patch that touches it among others does nothing of the rest.
///
/// Proves: T-18, H-41
#[tokio::test]
async fn a_patch_of_identity_does_nothing_else_either() {
    let world = World::open().await;
    let mut swept = 0;
    for target in targets(&world).await {
        for (at, _) in identity_of(&target.before) {
            let names: Vec<_> = at.split('/').skip(1).collect();
            // What the server says of itself may be repeated or left out.
            if names == ["suppFeat"] {
                continue;
            }
            for other in [json!("somebody-else.example"), Value::Null] {
                let mut patch = names.iter().rev().fold(other, |inner, name| json!({ *name: inner }));
                patch["expTime"] = json!("2098-01-01T00:00:00Z");
                let answer = target.patch(&patch).await;
                let context = format!("{} {patch}: {} {}", target.place.operation, answer.status, answer.body);
                assert!(matches!(answer.status.as_u16(), 400 | 403), "{context}");
                assert_eq!(target.now().await, target.before, "{context}");
                swept += 1;
            }
        }
    }
    assert!(swept >= 10, "{swept}");
}
