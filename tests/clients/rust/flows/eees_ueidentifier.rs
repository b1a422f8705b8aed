//! An EAS asks for the identifier of a UE that it knows by its address (TS 29.558 clause 8.3).

use crate::world::{World, read, refused};
use edgeapp_client_tests::eees_ueidentifier::Client;
use serde_json::json;

const EAS: &str = "eas.chess.example#1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asks_who_has_an_address() {
    let world = World::open().await;
    world.register_eas(EAS, "chess.edge-a.example").await;
    let (base, client) = world.way(EAS, "edge3", "eees-ueidentifier");
    let client = Client::new_with_client(&base, client);
    let known = client.get_ue_id(&read(json!({"ipAddr": {"ipv4Addr": "198.51.100.1"}}))).await;
    let known = serde_json::to_value(known.expect("identifiers").into_inner()).expect("JSON");
    assert_eq!(known["ueIds"][0]["afSpecUeId"], "extid-ue1@operator.example");
    let older = json!({"easId": "eas.chess.example", "ipAddr": {"ipv4Addr": "198.51.100.1"}});
    let id = client.fetch_ue_id(&read(older)).await.expect("an identifier").into_inner();
    assert_eq!(serde_json::to_value(id).expect("JSON"), "extid-ue1@operator.example");
    refused!(client.get_ue_id(&read(json!({"ipAddr": {"ipv4Addr": "198.51.100.99"}}))), 404);
}
