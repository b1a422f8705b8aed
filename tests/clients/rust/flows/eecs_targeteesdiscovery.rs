//! An EES asks the ECS where a UE may move to (TS 29.558 clause 9.2).

use crate::world::{CHESS, World, read, refused};
use edgeapp_client_tests::{
    eecs_eesregistration as registering,
    eecs_targeteesdiscovery::{Client, types::AcrScenario},
};
use serde_json::json;

#[tokio::test]
async fn finds_the_other_site() {
    let world = World::open().await;
    let (base, client) = world.way("ees-b.example", "edge6", "eecs-eesregistration");
    let target = registering::Client::new_with_client(&base, client);
    let profile = json!({"eesId": "ees-b.example", "endPt": {"uri": "https://ees-b.example:8443"}, "easIds": [CHESS],
        "eecRegConf": true, "svcContSupp": ["EEC_INITIATED"]});
    assert!(target.create_ees_registration(&read(json!({"eesProf": profile}))).await.is_ok());

    let (base, client) = world.way("ees-a.example", "edge6", "eecs-targeteesdiscovery");
    let client = Client::new_with_client(&base, client);
    let scenarios = vec![AcrScenario("EEC_INITIATED".to_owned())];
    let ask = |eas| client.get_ees_profiles(Some(&scenarios), None, None, None, eas, "ees-a.example", None, None, None);
    let found = ask(CHESS).await.unwrap();
    let uri = found.edn_cnfg_info[0].eess[0].end_pt.as_ref().and_then(|at| at.uri.as_ref()).unwrap();
    assert_eq!(uri.as_str(), "https://ees-b.example:8443");
    refused!(ask("eas.unknown.example"), 404);
}
