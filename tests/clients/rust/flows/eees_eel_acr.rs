//! An EAS leaves a relocation to its EES and hears how it ended (TS 29.558 clause 8.8).

use crate::world::{CHESS, EEC, World, made, read, refused};
use edgeapp_client_tests::{
    eees_easregistration as eas_registration, eees_eecregistration as eec_registration, eees_eel_acr::Client,
};
use edgeapp_system_tests::lab::ue_of;
use serde_json::json;

const EAS: &str = "eas.chess.example#1";

#[tokio::test]
async fn leaves_a_relocation_to_the_ees() {
    let world = World::open().await;
    let (base, client) = world.way(EAS, "edge3", "eees-easregistration");
    let registrations = eas_registration::Client::new_with_client(&base, client);
    let profile = json!({"easId": CHESS, "endPt": {"fqdn": "chess.edge-a.example"}, "svcContSupp": ["EEL_MANAGED_ACR"]});
    let registered = registrations.create_eas_registration(&read(json!({"easProf": profile}))).await;
    assert!(registered.is_ok(), "{registered:?}");
    let (base, client) = world.way(EEC, "edge1", "eees-eecregistration");
    let registrations = eec_registration::Client::new_with_client(&base, client);
    let plays = json!({"acId": "ac.chess", "eass": [{"easId": CHESS}]});
    let registration = json!({"eecId": EEC, "ueId": ue_of(EEC), "acProfs": [plays]});
    let registered = registrations.create_eec_reg(&read(registration)).await;
    assert!(registered.is_ok(), "{registered:?}");

    let (base, client) = world.way(EAS, "edge3", "eees-eel-acr");
    let client = Client::new_with_client(&base, client);
    let wish = read(json!({"easId": CHESS, "notificationUri": "https://127.0.0.1:9/managed"}));
    let answer = client.create_act_status_subsc(&wish).await.expect("a subscription");
    let (id, _) = made(answer.headers());
    let shown = client.get_act_status_subscription(&id).await.expect("the subscription");
    assert_eq!(shown.into_inner().notification_uri.to_string(), "https://127.0.0.1:9/managed");
    let all = client.get_act_status_subscriptions().await.expect("the subscriptions");
    assert_eq!(all.into_inner().len(), 1);
    let request = read(json!({"ueId": ue_of(EEC), "easCharacs": [{"easId": CHESS}]}));
    let answer = client.request_eel_managed_acr(&request).await.expect("taken over").into_inner();
    assert!(answer.app_ctxt_store_addr.is_some_and(|place| place.to_string().contains("/app-contexts/")));
    let stranger = read(json!({"ueId": "msisdn-491700000099", "easCharacs": [{"easId": CHESS}]}));
    refused!(client.request_eel_managed_acr(&stranger), 404);
}
