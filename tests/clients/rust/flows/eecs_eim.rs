//! An EES binds the EAS of a group at the ECS (TS 29.558 clause 9.3).

use crate::world::{CHESS, World, read, refused};
use edgeapp_client_tests::eecs_eim::Client;
use serde_json::json;

const EES: &str = "ees-a.example";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn binds_the_eas_of_a_group() {
    let world = World::open().await;
    let (base, client) = world.way(EES, "edge6", "eecs-eim");
    let client = Client::new_with_client(&base, client);
    let binding = json!({"appGroupId": "team", "easId": CHESS, "easEndpoints": [{"fqdn": "one.edge-a.example"}]});
    let made = client.store_eas_info(&read(json!({"requestorId": EES, "binding": binding}))).await;
    let made = serde_json::to_value(made.expect("a binding").into_inner()).expect("JSON");
    assert_eq!(made["binding"], binding);
    let found = client.get_eas_info(&read(json!("team")), &read(json!(CHESS)), &read(json!(EES)), None).await;
    let found = serde_json::to_value(found.expect("a binding").into_inner()).expect("JSON");
    assert_eq!(found["binding"], binding);
    let other = read(json!({"requestorId": "ees-b.example", "binding": binding}));
    refused!(client.store_eas_info(&other), 403);
}
