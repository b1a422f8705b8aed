//! An EAS subscribes to relocations that concern it (TS 29.558 clause 8.6).

use crate::world::{CHESS, UE, World, made, read};
use edgeapp_client_tests::eees_acrmgntevent::{
    Client,
    types::{AcrMgntEventsSubscription, Gpsi, TargetUeIdentification},
};
use serde_json::json;

const WHO: &str = "eas.chess.example#1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscribes_for_one_ue() {
    let world = World::open().await;
    world.register_eas(WHO, "chess.edge-a.example").await;
    let (base, client) = world.way(WHO, "edge3", "eees-acrmgntevent");
    let client = Client::new_with_client(&base, client);

    let mut request: AcrMgntEventsSubscription = read(json!({
        "easId": CHESS, "eventSubscs": [{"event": "ACT_START_STOP"}], "notificationDestination": "https://127.0.0.1:9/news"}));
    request.event_subscs[0].tgt_ue_id = Some(TargetUeIdentification {
        gpsi: Some(Gpsi::try_from("msisdn-491700000001").unwrap()),
        ..TargetUeIdentification::default()
    });
    let answer = client.create_acr_mng_event_subscr(&request).await.unwrap();
    let (id, location) = made(answer.headers());
    let wire = world.look(WHO, "edge3", &location).await.body;
    assert_eq!(wire["eventSubscs"][0]["tgtUeId"], json!({"gpsi": "msisdn-491700000001"}));
    let read_back = client.get_ind_acr_mng_event_subscr(&id, None).await.unwrap();
    assert_eq!(read_back.event_subscs[0].event.as_str(), "ACT_START_STOP");
    assert_eq!(client.get_acr_mng_event_subscrs(None).await.unwrap().len(), 1);
    let patch = read(json!({"notificationDestination": "https://127.0.0.1:9/other"}));
    let changed = client.modify_ind_acr_mng_event_subscr(&id, &patch).await.unwrap();
    assert!(changed.notification_destination.ends_with("/other"));
    assert!(client.update_ind_acr_mng_event_subscr(&id, &request).await.is_ok());
    let events = json!([{"event": "UP_PATH_CHG", "tgtUeId": {"gpsi": UE}, "dnaiChgType": "EARLY", "easAckInd": true}]);
    let patch = read(json!({"eventSubscs": events}));
    assert!(client.modify_ind_acr_mng_event_subscr(&id, &patch).await.is_ok());
    let wire = world.look(WHO, "edge3", &location).await.body;
    assert_eq!(wire["availabilityInfo"], json!({"availabilityStatus": "AVAILABLE"}));
    assert!(client.delete_ind_acr_mng_event_subscr(&id).await.is_ok());
}
