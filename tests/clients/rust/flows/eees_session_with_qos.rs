//! An EAS asks for a quality of a session (TS 29.558 clause 8.5).

use crate::world::{CHESS, UE, World, made, read, refused};
use edgeapp_client_tests::eees_session_with_qos::Client;
use serde_json::json;

const EAS: &str = "eas.chess.example#1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asks_for_a_quality() {
    let world = World::open().await;
    world.register_eas(EAS, "chess.edge-a.example").await;
    let (base, client) = world.way(EAS, "edge3", "eees-session-with-qos");
    let client = Client::new_with_client(&base, client);
    let session = json!({"easId": CHESS, "ueId": UE, "ipFlows": ["permit out ip from any to any"], "qosReference": "gold"});
    let answer = client.create_ind_session_with_qo_s(&read(session.clone())).await;
    let (id, _) = made(answer.expect("a session").headers());
    let all = client.read_all_sessions_with_qo_s(CHESS).await;
    assert_eq!(all.expect("a list").into_inner().len(), 1);
    let changed = client.modify_ind_session_with_qo_s(&id, &read(json!({"qosReference": "silver"}))).await;
    let changed = serde_json::to_value(changed.expect("changed").into_inner()).expect("JSON");
    assert_eq!(changed["qosReference"], "silver");
    client.update_ind_session_with_qo_s(&id, &read(session)).await.expect("replaced");
    client.read_ind_session_with_qo_s(&id).await.expect("the session");
    client.delete_ind_session_with_qo_s(&id).await.expect("ended");
    refused!(client.read_ind_session_with_qo_s(&id), 404);
}
