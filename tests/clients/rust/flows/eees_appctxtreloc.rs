//! An EEC has its application relocated to an EAS it names (TS 24.558 clause 6.5).

use crate::world::{CHESS, EEC, World, read, refused};
use edgeapp_client_tests::eees_appctxtreloc::Client;
use edgeapp_system_tests::lab::ue_of;
use serde_json::json;

#[tokio::test]
async fn relocates_to_the_eas_it_names() {
    let world = World::open().await;
    world.register_eas("eas.chess.example#1", "one.example").await;
    world.register_eas("eas.chess.example#2", "two.example").await;
    world.register_eec().await;
    let (base, client) = world.way(EEC, "edge1", "eees-appctxtreloc");
    let eec = Client::new_with_client(&base, client);
    let order = json!({"requestorId": EEC, "ueId": ue_of(EEC), "easId": CHESS, "acId": "ac.chess", "easNotifInd": false,
        "sEasEndpoint": {"fqdn": "one.example"}, "tEasEndpoint": {"fqdn": "two.example"}});
    let order = eec.initiate(&read(order)).await;
    assert!(order.is_ok(), "{order:?}");
    let (base, client) = world.way("eas.chess.example#1", "edge3", "eees-appctxtreloc");
    let eas = Client::new_with_client(&base, client);
    let choice = json!({"ueId": ue_of(EEC), "tEasId": CHESS, "tEasEndpoint": {"fqdn": "two.example"}});
    assert!(eas.declare(&read(choice)).await.is_ok());
    let elsewhere = json!({"requestorId": EEC, "ueId": "msisdn-491700000099", "easId": CHESS, "sEasEndpoint": {"fqdn": "no.example"}});
    refused!(eec.determine(&read(elsewhere)), 404);
}
