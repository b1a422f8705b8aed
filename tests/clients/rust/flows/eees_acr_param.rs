//! Another EES tells of the prediction that a relocation rests on (TS 29.558 clause 8.10).

use crate::world::{EEC, World, read, refused};
use edgeapp_client_tests::eees_acr_param::Client;
use edgeapp_core::clock::{Clock, SystemClock};
use serde_json::{Value, json};
use std::time::Duration;

fn told(by: &str, parameters: Value) -> Value {
    json!({"requestorId": by, "eecId": EEC, "acId": "ac.chess", "sAsEndPoint": {"fqdn": "chess.edge-b.example"},
        "tAsEndPoint": {"fqdn": "chess.edge-a.example"}, "acrParams": parameters})
}

#[tokio::test]
async fn tells_of_a_prediction() {
    let world = World::open().await;
    world.register_eas("eas.chess.example#1", "chess.edge-a.example").await;
    world.register_eec().await;
    let (base, client) = world.way("ees-b.example", "edge1", "eees-acr-param");
    let client = Client::new_with_client(&base, client);
    let in_an_hour = SystemClock::default().now().0 + Duration::from_secs(3600);
    let prediction = json!({"predictExpTime": in_an_hour.to_string()});
    let taken = client.request(&read(told("ees-b.example", prediction.clone()))).await;
    assert!(taken.is_ok(), "{taken:?}");
    let arrived = client.request(&read(told("ees-b.example", json!({})))).await;
    assert!(arrived.is_ok(), "{arrived:?}");
    refused!(client.request(&read(told("ees-c.example", prediction))), 403);
}
