//! The documents that the doors emit.

use crate::harness::Doors;

/// `EDGEAPP_DOCUMENTS=DIR` also writes them there, for a comparison with the standard's.
#[tokio::test]
async fn every_api_emits_its_document() {
    let doors = Doors::open().await;
    for (name, document) in doors.documents() {
        assert!(document.contains(&format!("{{apiRoot}}/{name}/v1")), "{name}");
        assert!(document.contains("application/problem+json"), "{name}");
        if let Ok(folder) = std::env::var("EDGEAPP_DOCUMENTS") {
            std::fs::write(format!("{folder}/{name}.yaml"), document).unwrap();
        }
    }
}
