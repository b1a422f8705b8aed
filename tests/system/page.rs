//! The page of documents on the operator's port.

use edgeapp_core::principal::Role;
use edgeapp_system_tests::lab::Lab;
use std::{fs, path::PathBuf};

#[tokio::test]
async fn every_published_document_is_on_the_page_of_its_program() {
    let lab = Lab::new();
    let ecs = lab.ecs().start().await;
    let ees = lab.ees("a").start().await;
    let published = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../openapi/published");
    let mut shown = 0;
    for (role, program, prefix) in [(Role::Ecs, &ecs, "eecs-"), (Role::Ees, &ees, "eees-")] {
        let operator = lab.operator(role, program.root("operator"));
        let page = operator.get("/docs/").await;
        assert_eq!(page.status, 200);
        let script = operator.get("/docs/swagger-initializer.js").await.body;
        let script = script.as_str().expect("a script");
        for file in fs::read_dir(&published).unwrap().map(|entry| entry.unwrap().path()) {
            let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
            if file.is_dir() || !name.starts_with(prefix) {
                continue;
            }
            assert!(script.contains(&format!("\"{name}\"")), "{name} is not listed");
            let document = operator.get(&format!("/docs/{name}")).await.body;
            assert_eq!(
                document.as_str(),
                Some(fs::read_to_string(&file).unwrap().as_str()),
                "{name}"
            );
            shown += 1;
        }
        let eec = lab.eec("eec-1", program.root("operator"));
        assert!(
            eec.try_send(http::Method::GET, "/docs/", "", "").await.is_err(),
            "it is for operators"
        );
    }
    assert!(shown >= 11, "only {shown} documents are shown");
}
