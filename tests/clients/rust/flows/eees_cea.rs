//! An EES announces the EAS that serves a group (TS 29.558 clause 8.11).

use crate::world::{CHESS, World, read, refused};
use edgeapp_client_tests::eees_cea::Client;
use serde_json::json;

#[tokio::test]
async fn announces_a_common_eas() {
    let world = World::open().await;
    let (base, client) = world.way("ees-b.example", "edge1", "eees-cea");
    let client = Client::new_with_client(&base, client);
    let common = |requestor: &str, host: &str| {
        read(json!({"requestorId": requestor, "easId": CHESS, "easEndPt": {"fqdn": host}, "appGrpId": "players"}))
    };
    for host in ["one.example", "two.example"] {
        let noted = client.declare(&common("ees-b.example", host)).await;
        assert!(noted.is_ok(), "{noted:?}");
    }
    refused!(client.declare(&common("ees-c.example", "one.example")), 403);
}
