//! The documents that the doors emit.

use crate::harness::Doors;
use std::path::Path;

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

#[tokio::test]
async fn published_documents_are_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi/published");
    for api in edgeapp_ees::apis().await.expect("all APIs") {
        for (path, document) in api.files().expect("documents") {
            let published = std::fs::read_to_string(folder.join(&path)).unwrap_or_default();
            assert!(
                published == document,
                "openapi/published/{path} is stale; renew it with: cargo run -p edgeapp-ees -- openapi --out openapi/published"
            );
        }
    }
}
