//! An EEC registers, changes and leaves (TS 24.558 clause 6.2).

use crate::world::{CHESS, EEC, World, made, read, refused};
use edgeapp_client_tests::eees_eecregistration::{Client, types::EecRegistrationPatch};
use serde_json::json;

#[tokio::test]
async fn registers_and_hears_of_its_application() {
    let world = World::open().await;
    world.register_eas("eas.chess.example#1", "chess.edge-a.example").await;
    let (base, client) = world.way(EEC, "edge1", "eees-eecregistration");
    let client = Client::new_with_client(&base, client);

    let wish = json!({"acId": "ac.chess", "eass": [{"easId": CHESS}], "acSvcContSupp": ["EEC_INITIATED"]});
    let request = read(json!({"eecId": EEC, "acProfs": [wish], "easSelReqInd": true}));
    let answer = client.create_eec_reg(&request).await.unwrap();
    let (id, _) = made(answer.headers());
    let found = answer.discovered_eas[0].eas.end_pt.fqdn.as_ref().unwrap();
    assert_eq!(found.as_str(), "chess.edge-a.example");

    let patch = EecRegistrationPatch {
        ue_mobility_req: Some(true),
        ..EecRegistrationPatch::default()
    };
    let changed = client.modify_ind_eec_reg(&id, &patch).await.unwrap();
    assert!(changed.ue_mobility_req);
    assert!(!client.update_ind_eec_reg(&id, &request).await.unwrap().ue_mobility_req);
    assert!(client.delete_ind_eec_reg(&id).await.is_ok());
    refused!(client.delete_ind_eec_reg(&id), 404);
}
