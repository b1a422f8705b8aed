//! An EAS has the traffic of UEs steered to it (TS 29.558 clause 8.12).

use crate::world::{CHESS, UE, World, made, read, refused};
use edgeapp_client_tests::{eees_easregistration, eees_tie::Client};
use serde_json::json;

const EAS: &str = "eas.chess.example#1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steers_traffic() {
    let world = World::open().await;
    let (base, client) = world.way(EAS, "edge3", "eees-easregistration");
    let registrations = eees_easregistration::Client::new_with_client(&base, client);
    let route = json!({"dnai": "dnai-a", "routeProfId": "profile-1"});
    let profile = json!({"easId": CHESS, "endPt": {"fqdn": "chess.edge-a.example"}, "appLocs": [route]});
    registrations.create_eas_registration(&read(json!({"easProf": profile}))).await.expect("registered");
    let (base, client) = world.way(EAS, "edge3", "eees-tie");
    let client = Client::new_with_client(&base, client);
    let one = json!({"tgtUes": [{"gpsi": UE}]});
    let answer = client.create_traff_influ_instance(&read(one.clone())).await;
    let (id, _) = made(answer.expect("an instance").headers());
    let replaced = client.update_ind_traff_influ_instance(&id, &read(json!({"anyUe": true}))).await;
    let replaced = serde_json::to_value(replaced.expect("replaced").into_inner()).expect("JSON");
    assert_eq!(replaced, json!({"anyUe": true}));
    client.modify_ind_traff_influ_instance(&id, &read(one.clone())).await.expect("changed");
    let found = client.get_ind_traff_influ_instance(&id).await.expect("the instance").into_inner();
    assert_eq!(serde_json::to_value(found).expect("JSON"), one);
    client.delete_ind_traff_influ_instance(&id).await.expect("ended");
    refused!(client.get_ind_traff_influ_instance(&id), 404);
}
