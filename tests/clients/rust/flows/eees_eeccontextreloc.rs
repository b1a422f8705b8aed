//! Another EES brings the context of an EEC that moves, and one asks for a context (TS 29.558 clause 8.8).

use crate::world::{World, answer_if_any, read, refused};
use edgeapp_client_tests::eees_eeccontextreloc::Client;
use serde_json::json;

#[tokio::test]
async fn brings_a_context() {
    let world = World::open().await;
    let (base, client) = world.way("ees-b.example", "edge1", "eees-eeccontextreloc");
    let client = Client::new_with_client(&base, client);
    let context = json!({"cntxId": "context-of-a-traveller", "eecId": "eec-2", "ueId": "msisdn-491700000002",
        "acProfs": [{"acId": "ac.chess", "acSvcContSupp": ["EEC_INITIATED"]}]});
    let _ = answer_if_any!(client.push_eec_contexts(&read(json!({"eesId": "ees-b.example", "eecCntx": context}))));
    refused!(client.pull_eec_contexts("context-of-nobody", "ees-b.example"), 404);
}
