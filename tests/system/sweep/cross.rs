//! Every principal against every object of somebody else, by every method, through every door.

use super::world::{DOORS, EEC, Place, World, owner};
use edgeapp_core::principal::Role;
use edgeapp_system_tests::{
    caller::{Answer, Caller},
    lab::ue_of,
};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const METHODS: [Method; 6] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

/// Who tries: at each door a stranger, the nearest relative of the owner there, and the owner of what belongs to that door.
fn principals(role: Role) -> [&'static str; 3] {
    let [stranger, relative] = super::world::others(role);
    [stranger, relative, owner(role)]
}

/// An object: where it is, whose it is, bodies that would replace and change it, and a path like it that never was.
struct Object {
    path: String,
    never: String,
    role: Role,
    body: Value,
    patch: Value,
}

fn objects(world: &World, places: &[Place]) -> Vec<Object> {
    let mut objects = BTreeMap::new();
    // Where everybody has names of their own, nobody says that of another.
    let chosen: Vec<_> = places
        .iter()
        .filter(|place| place.operation.names_what_it_creates())
        .map(|place| &place.path)
        .collect();
    let made = places
        .iter()
        .filter(|place| place.operation.is_on_an_item() && !chosen.contains(&&place.path));
    for place in made.filter(|place| world.has_created(&place.operation)) {
        let object = objects.entry(place.path.clone()).or_insert_with(|| Object {
            path: place.path.clone(),
            never: place.operation.path("0123456789abcdef0123456789abcdef"),
            role: place.caller,
            body: json!({}),
            patch: json!({}),
        });
        if place.operation.method == Method::PUT {
            object.body = world.body(place).unwrap();
        }
        if place.operation.takes_changes() {
            object.patch = world.body(place).unwrap();
        }
    }
    objects.into_values().collect()
}

/// What can be told of an answer, without the number of the request.
fn shape(mut answer: Answer) -> (StatusCode, Value, Vec<(String, String)>) {
    if answer.body.is_object() {
        answer.body["instance"].take();
    }
    // The number of the request stands in the body, and may be longer by a digit.
    let told = answer
        .headers
        .iter()
        .filter(|(name, _)| *name != "date" && *name != "content-length");
    let headers = told.map(|(name, value)| (name.to_string(), format!("{value:?}")));
    let mut headers: Vec<_> = headers.collect();
    headers.sort();
    (answer.status, answer.body, headers)
}

/// Not there, for all but the owner: the answer is that for what never was, to the last header. Nothing is changed.
///
/// Proves: T-08, WP-27, WP-28, H-20, H-37
#[tokio::test]
async fn nobody_reaches_what_belongs_to_another() {
    let mut world = World::open().await;
    let places = world.places().await;
    let roots: BTreeMap<_, _> = places
        .iter()
        .map(|place| ((place.server, place.caller), place.root.clone()))
        .collect();
    let objects = objects(&world, &places);
    assert!(objects.len() >= 12, "only {} objects", objects.len());
    let (mut tried, mut hidden) = (0, BTreeSet::new());
    for (server, _, role) in DOORS {
        let root = &roots[&(server, role)];
        for id in principals(role) {
            let caller = Caller::new(&world.lab, &world.lab.who(role, id), server, root);
            for object in &objects {
                if role == object.role && id == owner(role) {
                    continue;
                }
                for method in METHODS {
                    let body = match method {
                        Method::PUT | Method::POST => object.body.clone(),
                        Method::PATCH => object.patch.clone(),
                        _ => Value::Null,
                    };
                    let context = format!("{method} {} by {role} {id} at {root}", object.path);
                    let send = async |path: &str| {
                        let answer = caller.try_call(method.clone(), path, &body).await;
                        shape(answer.unwrap_or_else(|error| panic!("{context}: {error}")))
                    };
                    let (there, never) = (send(&object.path).await, send(&object.never).await);
                    assert_eq!(there, never, "{context}");
                    assert!(matches!(there.0.as_u16(), 404 | 405), "{context}: {there:?}");
                    tried += 1;
                    if there.0 == StatusCode::NOT_FOUND {
                        hidden.insert(object.path.clone());
                    }
                }
            }
        }
    }
    assert_eq!(hidden.len(), objects.len());
    assert!(tried > 900, "{tried}");
    world.keeps_what_it_had().await;
}

/// Nobody subscribes to, asks for or registers with the UE of somebody else: wherever a body takes a UE, an EEC has to have proved it.
///
/// Proves: T-08, T-09, T-27, H-08
#[tokio::test]
async fn the_ue_of_another_is_nobodys_to_name() {
    let mut world = World::open().await;
    let mut swept = BTreeSet::new();
    for place in world.places().await {
        if place.caller != Role::Eec {
            continue;
        }
        let Some((_, schema)) = &place.operation.body else {
            continue;
        };
        let schema = super::sample::resolve(schema, &place.operation.schemas);
        if schema["properties"]["ueId"].is_null() || place.operation.method == Method::PATCH {
            continue;
        }
        let mut body = world.body(&place).unwrap();
        body["ueId"] = json!(ue_of("eec-stranger"));
        let answer = world
            .owner(&place)
            .try_call(place.operation.method.clone(), &place.path, &body)
            .await
            .unwrap();
        let context = format!("{}: {} {}", place.operation, answer.status, answer.body);
        assert!(matches!(answer.status.as_u16(), 403 | 404), "{context}");
        if answer.body["cause"] == "UNAUTHORIZED" {
            // No EEC may do this, for its own UE as little.
            let own = world.body(&place).unwrap();
            let owner = world.owner(&place);
            let answer = owner.try_call(place.operation.method.clone(), &place.path, &own);
            assert_eq!(answer.await.unwrap().body["cause"], "UNAUTHORIZED", "{context}");
            continue;
        }
        let causes = [
            "UE_ID_NOT_VERIFIED",
            "MODIFICATION_NOT_ALLOWED",
            "OWNER_MISMATCH",
            "UE_NOT_FOUND",
        ];
        assert!(causes.iter().any(|cause| answer.body["cause"] == *cause), "{context}");
        assert!(!answer.body.to_string().contains(&ue_of(EEC)), "{context}");
        swept.insert(place.operation.to_string());
    }
    assert!(swept.len() >= 5, "{swept:?}");
    world.keeps_what_it_had().await;
}
