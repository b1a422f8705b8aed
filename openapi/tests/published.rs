//! What people read in the published documents.

use serde_json::Value;
use std::path::{Path, PathBuf};

fn documents() -> Vec<(PathBuf, Value)> {
    let published = Path::new(env!("CARGO_MANIFEST_DIR")).join("published");
    let mut documents = Vec::new();
    for folder in [published.clone(), published.join("3.0"), published.join("easdf")] {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|ending| ending == "yaml") {
                let text = std::fs::read_to_string(&path).expect("a document");
                documents.push((path, yaml_serde::from_str(&text).expect("YAML")));
            }
        }
    }
    assert!(documents.len() > 40, "both levels of every API");
    documents
}

/// Every value under the key `name`, with the path to it.
fn under<'v>(name: &str, value: &'v Value, path: &str, found: &mut Vec<(String, &'v Value)>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                let path = format!("{path}/{key}");
                if key == name {
                    found.push((path.clone(), value));
                }
                under(name, value, &path, found);
            }
        }
        Value::Array(items) => {
            for (n, value) in items.iter().enumerate() {
                under(name, value, &format!("{path}/{n}"), found);
            }
        }
        _ => {}
    }
}

/// Descriptions speak of the wire: who reads them does not see our code.
#[test]
fn descriptions_name_no_code() {
    let mut read = 0;
    for (file, document) in documents() {
        for key in ["description", "summary"] {
            let mut texts = Vec::new();
            under(key, &document, "", &mut texts);
            for (path, text) in texts {
                let Some(text) = text.as_str() else { continue };
                read += 1;
                for never in ["::", "crate", "[`", "`Option", "struct ", "impl ", "serde"] {
                    assert!(
                        !text.contains(never),
                        "{}: {path}: {never:?} in: {text}",
                        file.display()
                    );
                }
            }
        }
    }
    assert!(read > 4000, "{read} texts");
}

/// An example that lists nothing in particular explains nothing.
#[test]
fn examples_list_no_empty_objects() {
    let mut read = 0;
    for (file, document) in documents() {
        let mut examples = Vec::new();
        under("example", &document, "", &mut examples);
        for (path, example) in examples {
            read += 1;
            let text = example.to_string();
            assert!(!text.contains("[{}"), "{}: {path}: {text}", file.display());
        }
    }
    assert!(read > 40, "{read} examples");
}
