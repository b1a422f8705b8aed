//! A second EES registers with the ECS, changes and leaves (TS 29.558 clause 9.1).

use crate::world::{CHESS, World, made, read, refused};
use edgeapp_client_tests::eecs_eesregistration::{Client, types::EesRegistration};
use serde_json::json;

const WHO: &str = "ees-b.example";

#[tokio::test]
async fn registers_and_leaves() {
    let world = World::open().await;
    let (base, client) = world.way(WHO, "edge6", "eecs-eesregistration");
    let client = Client::new_with_client(&base, client);
    let profile = json!({"eesId": WHO, "endPt": {"uri": "https://ees-b.example:8443"}, "easIds": [CHESS], "eecRegConf": true});
    let request: EesRegistration = read(json!({"eesProf": profile}));
    let answer = client.create_ees_registration(&request).await.unwrap();
    let (id, location) = made(answer.headers());
    let wire = world.look(WHO, "edge6", &location).await.body;
    assert_eq!(wire["eesProf"]["endPt"], profile["endPt"]);
    assert_eq!(client.get_ind_ees_reg(&id).await.unwrap().ees_prof.eas_ids.len(), 1);
    let mut profile = request.ees_prof.clone();
    profile.eas_ids.push("eas.quiz.example".parse().unwrap());
    let patch = read(json!({"eesProf": profile}));
    assert_eq!(client.modify_ind_ees_reg(&id, &patch).await.unwrap().ees_prof.eas_ids.len(), 2);
    assert!(client.update_ind_ees_reg(&id, &request).await.is_ok());
    assert!(client.delete_ind_ees_reg(&id).await.is_ok());
    refused!(client.get_ind_ees_reg(&id), 404);
}
