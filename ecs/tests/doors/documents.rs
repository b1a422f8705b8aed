//! The published documents are those that the program emits.

use std::path::Path;

#[tokio::test]
async fn published_documents_are_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi/published");
    let documents = edgeapp_ecs::ecs::documents().await.expect("documents");
    assert!(!documents.is_empty());
    for (path, document) in documents {
        let published = std::fs::read_to_string(folder.join(&path)).unwrap_or_default();
        assert!(
            published == document,
            "openapi/published/{path} is stale; renew it with: cargo run -p edgeapp-ecs -- openapi --out openapi/published"
        );
    }
}
