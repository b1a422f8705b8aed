//! Who is not the owner, not of the role, or nobody at all.

use super::{
    sample::smallest,
    world::{DOORS, EEC, Place, World, allowed, names, others, owner},
};
use edgeapp_core::principal::Role;
use edgeapp_http::request::MERGE_PATCH_JSON;
use edgeapp_system_tests::caller::{Answer, Caller};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Calls the operation as it should be called.
async fn call(world: &World, place: &Place, caller: &Caller, path: &str) -> Answer {
    let body = world.body(place).unwrap_or_default();
    let answer = caller.try_call(place.operation.method.clone(), path, &body).await;
    answer.unwrap_or_else(|error| panic!("{}: {error}", place.operation))
}

/// The sweep itself is sound: what it sends to others' resources succeeds when the owner sends it.
#[tokio::test]
async fn every_operation_serves_its_owner() {
    // Relocations that others began end before an EES is left with one, and an EES tells of an EEC after it brought it.
    const LAST: [&str; 3] = ["eees-acrstatus-update", "eees-eel-acr", "eees-acr-param"];
    let world = World::open().await;
    let mut places = world.places().await;
    // What removes comes last, and last of all the registrations that others depend on.
    places.sort_by_key(|place| {
        let removes = place.operation.method == Method::DELETE;
        let api = place.operation.api.as_str();
        let last = LAST.iter().position(|last| *last == api).map_or(0, |n| n + 1);
        (removes, last, removes && api.ends_with("registration"))
    });
    let mut served: BTreeMap<String, bool> = BTreeMap::new();
    // A second registration would take the place of the first.
    places.retain(|place| !place.operation.creates() || !world.has_created(&place.operation));
    for place in &places {
        let answer = call(&world, place, &world.owner(place), &place.path).await;
        let success = place.operation.successes.contains(&answer.status);
        if !success {
            // Some operations are not for every role that reaches their listener, and an EAS is no target for itself.
            answer.is_a_problem();
            let legitimate = answer.status == StatusCode::FORBIDDEN || answer.body["cause"] == "NO_SUITABLE_EAS";
            assert!(legitimate, "{} by {}: {}", place.operation, place.caller, answer.body);
        }
        *served.entry(place.operation.to_string()).or_default() |= success;
    }
    let never: Vec<_> = served
        .iter()
        .filter(|(_, served)| !**served)
        .map(|(name, _)| name)
        .collect();
    assert!(never.is_empty(), "never successful: {never:?}");
}

/// Without a certificate there is no request: the handshake fails.
///
/// Proves: WP-05
#[tokio::test]
async fn nobody_without_a_certificate_is_answered() {
    let mut world = World::open().await;
    for place in world.places().await {
        let nobody = Caller::anonymous(&world.lab, place.server, &place.root);
        let body = world.body(&place).unwrap_or_default();
        let answer = nobody
            .try_call(place.operation.method.clone(), &place.path, &body)
            .await;
        assert!(
            answer.is_err(),
            "{} answered without a certificate: {answer:?}",
            place.operation
        );
    }
    world.remains_as_it_was().await;
}

/// A certificate of a role that is not served on a listener is refused in the handshake, and so is one of the right role that another
/// role's authority issued.
///
/// Proves: WP-05, WP-40, T-21, T-23
#[tokio::test]
async fn a_certificate_of_another_role_is_refused() {
    let mut world = World::open().await;
    let places = world.places().await;
    let mut served: BTreeMap<&str, BTreeSet<Role>> = BTreeMap::new();
    for place in &places {
        served.entry(&place.root).or_default().insert(place.caller);
    }
    let forged: Vec<_> = [
        (Role::Eec, EEC),
        (Role::Eas, owner(Role::Eas)),
        (Role::Ees, owner(Role::Ees)),
        (Role::Smf, owner(Role::Smf)),
    ]
    .into_iter()
    .map(|(role, id)| {
        let name = format!("forged-{role}");
        (
            role,
            world
                .lab
                .pki
                .issue(role, id)
                .issued_by(Role::Operator)
                .named(&name)
                .write()
                .unwrap(),
        )
    })
    .collect();
    for place in &places {
        let wrong = [Role::Eec, Role::Eas, Role::Ees, Role::Ecs, Role::Operator].into_iter();
        let wrong = wrong.filter(|role| !served[place.root.as_str()].contains(role));
        let wrong = wrong.map(|role| {
            world.lab.who(
                role,
                if role == Role::Operator {
                    "operator"
                } else {
                    owner(role)
                },
            )
        });
        let forged = forged
            .iter()
            .filter(|(role, _)| *role == place.caller)
            .map(|(_, files)| files.clone());
        for files in wrong.chain(forged) {
            let caller = Caller::new(&world.lab, &files, place.server, &place.root);
            let body = world.body(place).unwrap_or_default();
            let answer = caller
                .try_call(place.operation.method.clone(), &place.path, &body)
                .await;
            let who = files.certificate.file_name().unwrap().to_owned();
            assert!(answer.is_err(), "{} answered {who:?}: {answer:?}", place.operation);
        }
    }
    assert_eq!(
        served.len(),
        5,
        "EDGE-1 and EDGE-9 share a listener, the others have their own"
    );
    world.remains_as_it_was().await;
}

/// Others' resources are not there: the answer is the one for an identifier that never was. Others' identities in a message are refused.
///
/// Proves: WP-27, T-08, T-09
#[tokio::test]
async fn a_stranger_learns_and_changes_nothing() {
    let mut world = World::open().await;
    for place in world.places().await {
        for id in others(place.caller) {
            if place.operation.names_what_it_creates() {
                continue;
            }
            let stranger = world.caller(&place, id);
            let answer = call(&world, &place, &stranger, &place.path).await;
            let context = format!("{} by {id}: {} {}", place.operation, answer.status, answer.body);
            if place.operation.is_on_an_item() {
                let unknown = call(
                    &world,
                    &place,
                    &stranger,
                    &place.operation.path("0123456789abcdef0123456789abcdef"),
                )
                .await;
                assert_eq!(answer.status, StatusCode::NOT_FOUND, "{context}");
                answer.is_a_problem();
                let (mut one, mut other) = (answer.body.clone(), unknown.body.clone());
                one["instance"].take();
                other["instance"].take();
                assert_eq!(one, other, "{context}");
            } else if place.operation.method == Method::GET && place.operation.query.is_empty() {
                let nothing = answer.status == StatusCode::NOT_FOUND || answer.body == json!([]);
                assert!(nothing, "{context}");
            } else if shares_its_name(&place, id) || place.caller == Role::Smf {
                // Another instance of the same application speaks for that application, where no endpoint is at stake; an SMF names
                // nobody, and what it makes is its own.
                assert!(!answer.status.is_server_error(), "{context}");
            } else {
                assert!(matches!(answer.status.as_u16(), 403 | 404), "{context}");
                answer.is_a_problem();
            }
        }
    }
    world.keeps_what_it_had().await;
}

/// The identities of the sender that the messages of these operations carry, wherever they stand.
const IDENTITIES: [&str; 10] = [
    "/eecId",
    "/easId",
    "/eesId",
    "/tEasId",
    "/requestorId",
    "/easProf/easId",
    "/eesProf/eesId",
    "/requestorId/eecId",
    "/requestorId/easId",
    "/requestorId/eesId",
];

/// Whether the member at this pointer names who sends the message: an EEC names itself by its EECID, and an EAS it wants by EASID.
fn names_its_sender(place: &Place, pointer: &str) -> bool {
    match pointer {
        "/eecId" => place.caller == Role::Eec,
        "/easId" | "/tEasId" => place.caller == Role::Eas,
        "/eesId" => place.caller == Role::Ees,
        _ => true,
    }
}

/// Whoever speaks for somebody else is refused, with the member that does so: in the body of what creates, asks or replaces, and in
/// the query (T-09).
#[tokio::test]
async fn who_speaks_for_somebody_else_is_refused() {
    let mut world = World::open().await;
    let mut swept = BTreeSet::new();
    for place in world.places().await {
        let caller = world.owner(&place);
        let stranger = others(place.caller)[0].split('#').next().unwrap();
        let method = place.operation.method.clone();
        let mut refuse = async |at: &str, path: &str, body: &Value| {
            let answer = caller.try_call(method.clone(), path, body).await.unwrap();
            let context = format!(
                "{} by {} {at}: {} {}",
                place.operation, place.caller, answer.status, answer.body
            );
            answer.is_a_problem();
            let cause = answer.body["cause"].as_str().unwrap_or_default();
            // Some operations are not for every role that reaches their listener, and an identity once given is not changed.
            let causes: &[&str] = match method {
                Method::PUT => &["OWNER_MISMATCH", "MODIFICATION_NOT_ALLOWED"],
                _ => &["OWNER_MISMATCH", "UNAUTHORIZED"],
            };
            assert!(
                answer.status == StatusCode::FORBIDDEN && causes.contains(&cause),
                "{context}"
            );
            if cause != "UNAUTHORIZED" {
                let named = answer.at_fault()[0];
                assert!(named.starts_with(at) || at.starts_with(named), "{context}");
                swept.insert((place.operation.api.clone(), place.caller, at.to_owned()));
            }
        };
        let own = world.body(&place).unwrap_or_default();
        for pointer in IDENTITIES {
            let named = own.pointer(pointer).is_some_and(Value::is_string);
            if named && method != Method::PATCH && names_its_sender(&place, pointer) {
                let mut body = own.clone();
                *body.pointer_mut(pointer).unwrap() = json!(stranger);
                refuse(pointer, &place.path, &body).await;
            }
        }
        if place.caller == Role::Ees && place.path.contains("ees-id=") {
            let path = place
                .path
                .replace(&format!("ees-id={}", owner(Role::Ees)), &format!("ees-id={stranger}"));
            refuse("ees-id", &path, &own).await;
        }
    }
    for (api, role, at) in [
        ("eees-eecregistration", Role::Eec, "/eecId"),
        ("eees-easdiscovery", Role::Eec, "/eecId"),
        ("eees-acrevents", Role::Eec, "/eecId"),
        ("eees-easinfoprov", Role::Eec, "/eecId"),
        ("eees-appctxtreloc", Role::Eec, "/requestorId"),
        ("eecs-serviceprovisioning", Role::Eec, "/eecId"),
        ("eees-easregistration", Role::Eas, "/easProf/easId"),
        ("eees-appctxtreloc", Role::Eas, "/tEasId"),
        ("eees-acrmgntevent", Role::Eas, "/easId"),
        ("eees-acrstatus-update", Role::Eas, "/easId"),
        ("eees-eel-acr", Role::Eas, "/easId"),
        ("eees-uelocation", Role::Eas, "/easId"),
        ("eees-session-with-qos", Role::Eas, "/easId"),
        ("eees-appclientinformation", Role::Eas, "/easId"),
        ("eees-cea", Role::Ees, "/requestorId"),
        ("eees-acr-param", Role::Ees, "/requestorId"),
        ("eees-eeccontextreloc", Role::Ees, "/eesId"),
        ("eees-eeccontextreloc", Role::Ees, "ees-id"),
        ("eecs-eesregistration", Role::Ees, "/eesProf/eesId"),
        ("eecs-targeteesdiscovery", Role::Ees, "ees-id"),
    ] {
        let known = (api.to_owned(), role, at.to_owned());
        assert!(swept.contains(&known), "{known:?} is not among {swept:?}");
    }
    world.remains_as_it_was().await;
}

/// Every identifier in an item's path, whoever made the item, with every method of the path: who made it gets at it, and for the
/// others of the role it is as if it had never been (T-08).
#[tokio::test]
async fn each_principal_gets_at_its_own_resources_only() {
    let mut world = World::open().await;
    let items: Vec<Place> = world
        .places()
        .await
        .into_iter()
        .filter(|place| place.operation.is_on_an_item() && world.has_created(&place.operation))
        .filter(|place| !place.operation.names_what_it_creates())
        .collect();
    let mut strangers: BTreeMap<(&str, &str), Caller> = BTreeMap::new();
    let mut tried = 0;
    for place in &items {
        let item = place.path.rsplit('/').next().unwrap();
        // All methods of its own kind; and an identifier of one kind names nothing of another kind either.
        let here = items.iter().filter(|other| {
            let same_kind = other.operation.api == place.operation.api || other.operation.method == Method::DELETE;
            same_kind && (other.caller, &other.root) == (place.caller, &place.root)
        });
        for (other, id) in here.flat_map(|other| others(place.caller).map(|id| (other, id))) {
            let stranger = strangers
                .entry((place.root.as_str(), id))
                .or_insert_with(|| world.caller(place, id));
            let path = other.operation.path(item);
            let answer = call(&world, other, stranger, &path).await;
            let context = format!("{} {path} by {id}: {}", other.operation, answer.body);
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{context}");
            tried += 1;
        }
    }
    assert!(tried > 200, "only {tried} attempts");
    world.remains_as_it_was().await;
}

/// Whether the identity that messages carry is the same: the EASID of another instance.
fn shares_its_name(place: &Place, id: &str) -> bool {
    place.caller == Role::Eas && id.split('#').next() == owner(Role::Eas).split('#').next()
}

/// What is not there is not there, for the owner of everything else too.
///
/// Proves: H-25, H-26
#[tokio::test]
async fn an_unknown_identifier_is_not_found() {
    let mut world = World::open().await;
    for place in world.places().await {
        if !place.operation.is_on_an_item() || place.operation.names_what_it_creates() {
            continue;
        }
        let caller = world.owner(&place);
        for id in [
            "0123456789abcdef0123456789abcdef",
            "%2e%2e%2f1",
            "%00",
            "a%2Fb",
            "%ff",
            &"x".repeat(1000),
        ] {
            let answer = call(&world, &place, &caller, &place.operation.path(id)).await;
            assert_eq!(
                answer.status,
                StatusCode::NOT_FOUND,
                "{} {id}: {}",
                place.operation,
                answer.body
            );
            answer.is_a_problem();
        }
    }
    world.remains_as_it_was().await;
}

/// A method that a path does not have is refused with the ones that it has, which are the published ones.
///
/// Proves: H-18
#[tokio::test]
async fn a_wrong_method_is_refused_with_the_right_ones() {
    let mut world = World::open().await;
    let places = world.places().await;
    for place in &places {
        let path = place.operation.path("any");
        let same = |other: &&Place| {
            other.root == place.root && other.caller == place.caller && other.operation.path("any") == path
        };
        let mut published: Vec<_> = places
            .iter()
            .filter(same)
            .map(|place| place.operation.method.to_string())
            .collect();
        if published.contains(&"GET".to_owned()) {
            published.push("HEAD".to_owned());
        }
        published.sort();
        let caller = world.owner(place);
        for method in ["GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"] {
            if published.iter().any(|published| published == method) {
                continue;
            }
            let method: Method = method.parse().unwrap();
            let answer = caller.send(method.clone(), &path, MERGE_PATCH_JSON, "{}").await;
            assert_eq!(
                answer.status,
                StatusCode::METHOD_NOT_ALLOWED,
                "{method} {path}: {}",
                answer.body
            );
            answer.refused(405, "METHOD_NOT_ALLOWED");
            assert_eq!(allowed(&answer), published, "{method} {path}");
        }
    }
    world.remains_as_it_was().await;
}

/// Unknown query parameters change nothing about an answer and are not echoed.
#[tokio::test]
async fn unknown_query_parameters_are_ignored() {
    let mut world = World::open().await;
    for place in world.places().await {
        let method = &place.operation.method;
        // What reads, and what can be said twice.
        if *method != Method::GET && *method != Method::PATCH {
            continue;
        }
        let caller = world.owner(&place);
        let plain = call(&world, &place, &caller, &place.path).await;
        assert!(
            place.operation.successes.contains(&plain.status),
            "{}: {}",
            place.operation,
            plain.body
        );
        let glue = if place.path.contains('?') { '&' } else { '?' };
        for garbage in [
            "surprise=1",
            "%00=%ff&%zz",
            "&&&=&==&a[]=b",
            "api-version=9",
            &format!("x={}", "y".repeat(500)),
        ] {
            let path = format!("{}{glue}{garbage}", place.path);
            let answer = call(&world, &place, &caller, &path).await;
            assert_eq!(
                (answer.status, &answer.body),
                (plain.status, &plain.body),
                "{} {garbage}",
                place.operation
            );
        }
    }
    world.remains_as_it_was().await;
}

/// A mandatory query parameter that is missing or wrong is named.
///
/// Proves: H-43
#[tokio::test]
async fn a_missing_query_parameter_is_named() {
    let mut world = World::open().await;
    let mut swept = 0;
    for place in world.places().await {
        let (path, query) = place.path.split_once('?').unwrap_or((&place.path, ""));
        for (name, _) in &place.operation.query {
            let rest: Vec<_> = query
                .split('&')
                .filter(|pair| !pair.starts_with(&format!("{name}=")))
                .collect();
            for (pairs, cause) in [
                (rest.clone(), "MANDATORY_QUERY_PARAM_MISSING"),
                (
                    [rest.as_slice(), &[&format!("{name}=")]].concat(),
                    "MANDATORY_QUERY_PARAM_INCORRECT",
                ),
            ] {
                let answer = call(
                    &world,
                    &place,
                    &world.owner(&place),
                    &format!("{path}?{}", pairs.join("&")),
                )
                .await;
                answer.refused(400, cause);
                assert_eq!(answer.at_fault(), [name], "{}", answer.body);
                swept += 1;
            }
        }
    }
    assert!(swept > 0);
    world.remains_as_it_was().await;
}

/// There is nothing outside of the published paths, and nothing of one listener on another.
///
/// Proves: WP-28, WP-40, H-27
#[tokio::test]
async fn other_paths_lead_nowhere() {
    let mut world = World::open().await;
    let places = world.places().await;
    let roots: BTreeSet<_> = places
        .iter()
        .map(|place| (place.root.clone(), place.caller, place.server))
        .collect();
    assert_eq!(roots.len(), DOORS.len());
    for (root, role, server) in roots {
        let caller = Caller::new(&world.lab, &world.lab.who(role, owner(role)), server, &root);
        for path in [
            "/",
            "/health",
            "/metrics",
            "/ready",
            "/eees-easdiscovery/v1",
            "//",
            "/../../etc/passwd",
            "/%2e%2e/x",
            "/*",
        ] {
            let answer = caller.get(path).await;
            answer.refused(404, "RESOURCE_URI_STRUCTURE_NOT_FOUND");
            assert!(!answer.body.to_string().contains("passwd"), "{}", answer.body);
        }
        for place in places.iter().filter(|place| place.root == root) {
            let other = place.operation.path("x").replace("/v1/", "/v7/");
            caller.get(&other).await.refused(400, "INVALID_API");
        }
        let here = |path: &str| {
            places
                .iter()
                .any(|place| place.root == root && place.caller == role && place.operation.path("x") == path)
        };
        for place in &places {
            let path = place.operation.path("x");
            if !here(&path) {
                caller.get(&path).await.refused(404, "RESOURCE_URI_STRUCTURE_NOT_FOUND");
            }
        }
    }
    world.remains_as_it_was().await;
}

/// Every schema of a body has a smallest message; a new one that has none says so here rather than in the middle of a sweep.
#[test]
fn every_body_has_a_sample() {
    for operation in super::published::operations() {
        if let Some((_, schema)) = &operation.body {
            let sample = smallest(schema, &operation.schemas, &names(Role::Eec, "context"));
            let fits = sample.is_object() || (operation.takes_changes() && sample.is_array());
            assert!(fits, "{operation}: {sample}");
        }
    }
}
