//! An EEC subscribes to news of relocations (TS 24.558 clause 6.4).

use crate::world::{CHESS, EEC, World, made, read, refused};
use edgeapp_client_tests::eees_acrevents::{Client, types::AcrEventsSubscription};
use serde_json::json;

#[tokio::test]
async fn subscribes_and_changes_its_mind() {
    let world = World::open().await;
    world.register_eec().await;
    let (base, client) = world.way(EEC, "edge1", "eees-acrevents");
    let client = Client::new_with_client(&base, client);

    let request: AcrEventsSubscription = read(json!({"eecId": EEC, "easIds": [CHESS], "eventIds": "ACR_COMPLETE",
        "notificationDestination": "https://127.0.0.1:9/news"}));
    let answer = client.create_acr_events_subscripton(&request).await.unwrap();
    let (id, _) = made(answer.headers());
    assert_eq!(answer.event_ids.as_str(), "ACR_COMPLETE");
    let patch = read(json!({"eventIds": "TARGET_INFORMATION"}));
    let changed = client.modify_acr_events_subscription(&id, &patch).await.unwrap();
    assert_eq!(changed.event_ids.as_str(), "TARGET_INFORMATION");
    assert!(client.update_acr_events_subscription(&id, &request).await.is_ok());
    assert!(client.delete_acr_events_subscription(&id).await.is_ok());
    refused!(client.delete_acr_events_subscription(&id), 404);
}
