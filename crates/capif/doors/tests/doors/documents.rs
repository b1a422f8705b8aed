//! The published documents are those that the doors emit.

use crate::harness::Doors;
use std::{fs, path::Path};

#[tokio::test]
async fn published_documents_are_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../openapi/published/capif");
    let doors = Doors::new().await;
    let renew = std::env::var_os("RENEW").is_some();
    for api in doors.apis() {
        for (path, document) in api.files().expect("a document") {
            let file = folder.join(&path);
            if renew {
                fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
                fs::write(&file, &document).expect("written");
            }
            let published = fs::read_to_string(&file).unwrap_or_default();
            assert!(
                published == document,
                "openapi/published/capif/{path} is stale; renew it with: RENEW=1 cargo test -p edgeapp-capif-doors documents"
            );
        }
    }
}
