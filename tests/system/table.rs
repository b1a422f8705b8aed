//! The table of operations in the README: made from the published documents, and from what covers them.

use serde_json::Value;
use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

const BEGIN: &str = "<!-- operations: begin -->\n";
const END: &str = "<!-- operations: end -->";
const RENEW: &str = "RENEW=1 cargo test -p edgeapp-system-tests --test system table";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .filter(|file| file.extension().is_some_and(|found| found == ending))
        .collect();
    files.sort();
    files
}

/// The folder of the reference point that is home to an API, and the name of its door: `edge3`, `eas_registration`.
fn door(program: &str, api: &str) -> (String, String) {
    let quoted = format!("\"{api}\"");
    let mut points: Vec<_> = fs::read_dir(root().join(program).join("src"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    points.sort();
    let of_edgeapp = |path: &&PathBuf| {
        path.is_dir()
            && path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("edge"))
    };
    for point in points.iter().filter(of_edgeapp) {
        for file in files(point, "rs") {
            if fs::read_to_string(&file).unwrap().contains(&quoted) {
                let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
                return (name(point), name(&file));
            }
        }
    }
    panic!("no door of {program} has {quoted}");
}

/// A file of the repository that covers an operation: it has to be there, and to mention what it covers.
fn covering(candidates: &[String], mentions: Option<&str>) -> String {
    let found = candidates.iter().find(|file| root().join(file).is_file());
    let file = found.unwrap_or_else(|| panic!("none of these is there: {candidates:?}"));
    if let Some(operation) = mentions {
        // `CreateEASRegistration` is `create_eas_registration` to a generated client.
        let text = fs::read_to_string(root().join(file))
            .unwrap()
            .replace('_', "")
            .to_lowercase();
        assert!(
            text.contains(&operation.to_lowercase()),
            "{file} does not call {operation}"
        );
    }
    file.clone()
}

fn table() -> String {
    let mut table = "| operation | | home | door tests | client |\n|---|---|---|---|---|\n".to_owned();
    for file in files(&root().join("openapi/published"), "yaml") {
        let api = file.file_stem().unwrap().to_str().unwrap();
        let program = if api.starts_with("eecs-") { "ecs" } else { "ees" };
        let (point, door) = door(program, api);
        let tests = covering(
            &[
                format!("{program}/tests/doors/{door}.rs"),
                format!("{program}/tests/doors/{door}/mod.rs"),
            ],
            None,
        );
        let flow = format!("tests/clients/rust/flows/{}.rs", api.replace('-', "_"));
        let document: Value = yaml_serde::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let Some(id) = operation["operationId"].as_str() else {
                    continue;
                };
                let flow = covering(std::slice::from_ref(&flow), Some(id));
                let home = point.to_uppercase().replace("EDGE", "EDGE-");
                let _ = writeln!(
                    table,
                    "| {id} | `{} /{api}/v1{path}` | {home} | [{door}]({tests}) | [flow]({flow}) |",
                    method.to_uppercase()
                );
            }
        }
    }
    table
}

#[test]
fn the_readme_has_every_operation() {
    let readme = root().join("README.md");
    let text = fs::read_to_string(&readme).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("a beginning of the table");
    let (found, after) = rest.split_once(END).expect("an end of the table");
    let table = table();
    if found == table {
        return;
    }
    assert!(
        std::env::var_os("RENEW").is_some(),
        "the table of operations in README.md is stale; renew it with: {RENEW}"
    );
    fs::write(&readme, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
}
