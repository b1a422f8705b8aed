//! An EAS subscribes to application clients, changes what it wants to hear of, and ends it (TS 29.558 clause 8.4).

use crate::world::{CHESS, World, made, read, refused};
use edgeapp_client_tests::eees_appclientinformation::Client;
use serde_json::json;

const EAS: &str = "eas.chess.example#1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscribes_to_application_clients() {
    let world = World::open().await;
    world.register_eas(EAS, "chess.edge-a.example").await;
    let (base, client) = world.way(EAS, "edge3", "eees-appclientinformation");
    let client = Client::new_with_client(&base, client);
    let subscription = json!({"easId": CHESS, "acFltrs": [{"acIds": ["ac.chess"]}],
        "notificationDestination": "https://127.0.0.1:9/clients"});
    let answer = client.create_app_client_info_subscription(&read(subscription.clone())).await;
    let (id, _) = made(answer.expect("a subscription").headers());
    let there = client.read_ind_app_client_info_subscription(&id).await.expect("the subscription").into_inner();
    assert_eq!(serde_json::to_value(there).expect("JSON")["acFltrs"], json!([{"acIds": ["ac.chess"]}]));
    let patch = json!({"acFltrs": [{"acTypes": ["game"]}]});
    let changed = client.modify_ind_app_client_info_subscription(&id, &read(patch)).await;
    let changed = serde_json::to_value(changed.expect("changed").into_inner()).expect("JSON");
    assert_eq!(changed["acFltrs"], json!([{"acTypes": ["game"]}]));
    let replaced = client.update_ind_app_client_info_subscription(&id, &read(subscription.clone())).await;
    let replaced = serde_json::to_value(replaced.expect("replaced").into_inner()).expect("JSON");
    assert_eq!(replaced["acFltrs"], subscription["acFltrs"]);
    client.delete_ind_app_client_info_subscription(&id).await.expect("ended");
    refused!(client.read_ind_app_client_info_subscription(&id), 404);
}
