//! Ends far in the future: whoever asks for the year 9999 gets the operator's maximum, wherever there is an end to ask for.

use super::{sample::resolve, world::World};
use http::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Longer than any maximum of the default configurations: a week and an hour.
const LONGEST: i64 = (7 * 24 + 1) * 3_600;

fn seconds_from_now(end: &Value) -> i64 {
    let end: jiff::Timestamp = end.as_str().unwrap_or_default().parse().unwrap_or(jiff::Timestamp::MAX);
    end.as_second() - jiff::Timestamp::now().as_second()
}

/// Proves: T-36, WP-42
#[tokio::test]
async fn nobody_keeps_anything_until_the_year_9999() {
    let world = World::open().await;
    let mut asked = BTreeSet::new();
    for place in world.places().await {
        let changes = [Method::PUT, Method::PATCH].contains(&place.operation.method);
        if !changes || !place.operation.is_on_an_item() {
            continue;
        }
        let Some((_, schema)) = &place.operation.body else {
            continue;
        };
        let properties = &resolve(schema, &place.operation.schemas)["properties"];
        if properties["expTime"].is_null() {
            continue;
        }
        let mut body = world.body(&place).unwrap();
        body["expTime"] = json!("9999-12-31T23:59:59Z");
        let answer = world
            .owner(&place)
            .try_call(place.operation.method.clone(), &place.path, &body)
            .await
            .unwrap();
        let granted = answer.found()["expTime"].clone();
        let seconds = seconds_from_now(&granted);
        assert!(
            seconds > 0 && seconds <= LONGEST,
            "{}: {granted}, {seconds} s from now",
            place.operation
        );
        asked.insert(place.operation.to_string());
    }
    assert!(asked.len() >= 8, "{asked:?}");
}
