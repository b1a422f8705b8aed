//! An EEC asks the ECS for its EES, and subscribes to changes (TS 24.558 clause 8.1).

use crate::world::{EEC, World, made, read, refused};
use edgeapp_client_tests::eecs_serviceprovisioning::{Client, types::EcsServProvSubscription};
use serde_json::json;

#[tokio::test]
async fn asks_for_its_ees_and_subscribes() {
    let world = World::open().await;
    let (base, client) = world.way(EEC, "edge4", "eecs-serviceprovisioning");
    let client = Client::new_with_client(&base, client);
    let answer = client.request_serv_prov(&read(json!({"eecId": EEC}))).await.unwrap();
    let uri = answer.edn_cnfg_info[0].eess[0].end_pt.as_ref().and_then(|at| at.uri.as_ref()).unwrap();
    assert_eq!(uri.as_str(), world.root("edge1"));

    let request: EcsServProvSubscription = read(json!({
        "eecId": EEC, "notificationDestination": "https://127.0.0.1:9/news", "eecSvcContSupp": ["EEC_INITIATED"]}));
    let answer = client.create_serv_prov_sub(&request).await.unwrap();
    let (id, _) = made(answer.headers());
    let patch = read(json!({"eecSvcContSupp": ["SOURCE_EAS_DECIDED"]}));
    let changed = client.modify_ind_serv_prov_sub(&id, &patch).await.unwrap();
    assert_eq!(changed.eec_svc_cont_supp[0].as_str(), "SOURCE_EAS_DECIDED");
    assert!(client.update_ind_serv_prov_sub(&id, &request).await.is_ok());
    assert!(client.delete_ind_serv_prov_sub(&id).await.is_ok());
    refused!(client.delete_ind_serv_prov_sub(&id), 404);
}
