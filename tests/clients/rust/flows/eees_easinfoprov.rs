//! An EEC tells which EAS it selected, and has relocation scenarios selected (TS 24.558 clause 6.6).

use crate::world::{CHESS, EEC, World, answer_if_any, read, refused};
use edgeapp_client_tests::eees_easinfoprov::Client;
use serde_json::json;

#[tokio::test]
async fn tells_what_it_selected() {
    let world = World::open().await;
    world.register_eas("eas.chess.example#1", "one.example").await;
    world.register_eec().await;
    let (base, client) = world.way(EEC, "edge1", "eees-easinfoprov");
    let client = Client::new_with_client(&base, client);
    let about = |more: serde_json::Value| {
        let mut request = json!({"eecId": EEC, "acId": "ac.chess", "selEasIds": [CHESS]});
        for (name, value) in more.as_object().expect("members") {
            request[name] = value.clone();
        }
        read(request)
    };
    let selection = json!({"reqType": "EAS_SELECTION", "appGrpId": "players"});
    let answer = client.declare(&about(selection)).await.expect("noted").into_inner();
    let answer = serde_json::to_value(answer).expect("JSON");
    assert_eq!(answer["instEasInfo"]["eas"]["endPt"], json!({"fqdn": "one.example"}));
    let wish = json!({"reqType": "ACR_SCENARIO_SELECTION_REQUEST", "eecSvcContSupp": ["EEC_INITIATED"]});
    let answer = client.declare(&about(wish)).await.expect("selected").into_inner();
    let answer = serde_json::to_value(answer).expect("JSON");
    assert_eq!(answer["selAcrScenarioList"], json!(["EEC_INITIATED"]));
    let announcement = json!({"reqType": "ACR_SCENARIO_SELECTION_ANNOUNCEMENT", "selAcrScenarios": ["EEC_INITIATED"]});
    assert!(answer_if_any!(client.declare(&about(announcement))).is_none());
    let elsewhere = json!({"selEasEndPoints": [{"fqdn": "nowhere.example"}]});
    refused!(client.declare(&about(elsewhere)), 404);
}
