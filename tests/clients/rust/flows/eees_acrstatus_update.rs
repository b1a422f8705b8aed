//! An EAS reports how a transfer of application contexts went (TS 29.558 clause 8.9).

use crate::world::{CHESS, World, answer_if_any, read, refused};
use edgeapp_client_tests::eees_acrstatus_update::Client;
use serde_json::json;

#[tokio::test]
async fn reports_a_transfer() {
    let world = World::open().await;
    world.register_eas("eas.chess.example#1", "chess.edge-a.example").await;
    let (base, client) = world.way("eas.chess.example#1", "edge3", "eees-acrstatus-update");
    let client = Client::new_with_client(&base, client);
    let result = json!({"actResult": "SUCCESSFUL", "ueId": "msisdn-491700000001", "easEndPoint": {"fqdn": "two.example"}});
    let report = read(json!({"easId": CHESS, "actResultInfo": result}));
    assert!(answer_if_any!(client.request_acr_update(&report)).is_none(), "there is no subscription to tell of");
    refused!(client.request_acr_update(&read(json!({"easId": CHESS}))), 400);
}
