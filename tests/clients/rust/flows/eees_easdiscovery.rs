//! An EEC finds an EAS, and subscribes to news of it (TS 24.558 clause 6.3).

use crate::world::{CHESS, EEC, World, made, read, refused};
use edgeapp_client_tests::eees_easdiscovery::{Client, types::EasDiscoverySubscription};
use serde_json::json;

#[tokio::test]
async fn finds_an_application_and_subscribes() {
    let world = World::open().await;
    world.register_eas("eas.chess.example#1", "chess.edge-a.example").await;
    world.register_eec().await;
    let (base, client) = world.way(EEC, "edge1", "eees-easdiscovery");
    let client = Client::new_with_client(&base, client);

    let of = |eas: &str| json!({"easChars": [{"easId": eas}]});
    let ask = |eas: &str| read(json!({"requestorId": {"eecId": EEC}, "easDiscoveryFilter": of(eas)}));
    let found = client.get_eas_disc_info(&ask(CHESS)).await.unwrap();
    assert_eq!(found.discovered_eas.len(), 1);
    refused!(client.get_eas_disc_info(&ask("eas.unknown.example")), 404);

    let request: EasDiscoverySubscription = read(json!({
        "eecId": EEC, "easEventType": "EAS_AVAILABILITY_CHANGE", "easDiscoveryFilter": of(CHESS),
        "notificationDestination": "https://127.0.0.1:9/news"}));
    let answer = client.create_eas_disc_sub(&request).await.unwrap();
    let (id, _) = made(answer.headers());
    assert_eq!(answer.eas_event_type.as_str(), "EAS_AVAILABILITY_CHANGE");
    let patch = read(json!({"easDiscoveryFilter": of("eas.quiz.example")}));
    let changed = client.modify_ind_eas_disc_sub(&id, &patch).await.unwrap();
    let filter = changed.into_inner().eas_discovery_filter.unwrap();
    assert_eq!(filter.eas_chars[0].eas_id.as_ref().unwrap().as_str(), "eas.quiz.example");
    assert!(client.update_ind_eas_disc_sub(&id, &request).await.is_ok());
    assert!(client.delete_ind_eas_disc_sub(&id).await.is_ok());
}
