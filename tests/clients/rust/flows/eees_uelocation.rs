//! An EAS asks where a UE is, at once and by subscription (TS 29.558 clause 8.2).

use crate::world::{CHESS, UE, World, made, read, refused};
use edgeapp_client_tests::eees_uelocation::Client;
use serde_json::json;

const EAS: &str = "eas.chess.example#1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asks_where_a_ue_is() {
    let world = World::open().await;
    world.register_eas(EAS, "chess.edge-a.example").await;
    let (base, client) = world.way(EAS, "edge3", "eees-uelocation");
    let client = Client::new_with_client(&base, client);
    let answer = client.fetch_ue_location(&read(json!({"ueId": UE, "gran": "CGI_ECGI"}))).await;
    let location = answer.expect("a location").into_inner().ue_location;
    assert!(location.cell_id.is_some(), "{location:?}");
    let subscription = json!({"easId": CHESS, "ueId": UE, "notificationDestination": "https://127.0.0.1:9/locations"});
    let answer = client.create_location_info_subscription(&read(subscription.clone())).await;
    let (id, _) = made(answer.expect("a subscription").headers());
    let changed = client.modify_ind_location_info_subscription(&id, &read(json!({"locGran": "TA_RA"}))).await;
    let changed = serde_json::to_value(changed.expect("changed").into_inner()).expect("JSON");
    assert_eq!(changed["locGran"], "TA_RA");
    let replaced = client.update_ind_location_info_subscription(&id, &read(subscription)).await;
    let replaced = serde_json::to_value(replaced.expect("replaced").into_inner()).expect("JSON");
    assert_eq!(replaced.get("locGran"), None);
    client.delete_ind_location_info_subscription(&id).await.expect("ended");
    refused!(client.read_ind_location_info_subscription(&id), 404);
}
