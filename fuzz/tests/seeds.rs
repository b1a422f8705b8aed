//! A short run of every target: its seeds, and mutations of them.

mod mutate;

use edgeapp_fuzz::{Target, targets};
use rand::{SeedableRng, rngs::StdRng};
use std::{
    collections::BTreeSet,
    fs,
    panic::catch_unwind,
    path::{Path, PathBuf},
};

/// Mutations of each target, where `FUZZ_CASES` does not say otherwise.
const CASES: u64 = 300;
/// The run that everybody gets, where `FUZZ_SEED` does not ask for another.
const SEED: u64 = 33_558;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

fn number(variable: &str, usual: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{variable} must be a whole number")),
        Err(_) => usual,
    }
}

/// Runs the target, and keeps the input when it panics: as a seed it fails until what it found is mended.
fn run(target: Target, input: &[u8], from: &str) {
    if catch_unwind(|| (target.run)(input)).is_err() {
        let kept = root().join("corpus").join(target.name).join("found");
        fs::write(&kept, input).expect("the input is kept");
        panic!(
            "{} fails on {from}; kept as {}: {}",
            target.name,
            kept.display(),
            String::from_utf8_lossy(input)
        );
    }
}

/// Whatever bytes come, the property of each parser holds.
#[test]
fn every_target_holds_for_its_seeds_and_mutations() {
    let (cases, seed) = (number("FUZZ_CASES", CASES), number("FUZZ_SEED", SEED));
    #[expect(clippy::print_stdout, reason = "the seed of a run that failed repeats it")]
    {
        println!("FUZZ_CASES={cases} FUZZ_SEED={seed}");
    }
    for target in targets() {
        let folder = root().join("corpus").join(target.name);
        let mut seeds = Vec::new();
        for file in files(&folder) {
            let bytes = fs::read(&file).expect("a seed");
            run(target, &bytes, &file.display().to_string());
            seeds.push(bytes);
        }
        assert!(!seeds.is_empty(), "{} has no seeds", target.name);
        for nothing in [&b""[..], b" ", b"{", b"[]", b"\"", &[0xff; 64], &[b'['; 300]] {
            run(target, nothing, "what every parser has to bear");
        }
        let mut random = StdRng::seed_from_u64(seed);
        for case in 0..cases {
            run(
                target,
                &mutate::mutation(&seeds, &mut random),
                &format!("case {case} of seed {seed}"),
            );
        }
    }
}

/// The schemas of the bodies that the published documents let clients send, by media type.
fn published(media_type: &str) -> BTreeSet<String> {
    let mut schemas = BTreeSet::new();
    let folder = root().join("../openapi/published");
    for file in [files(&folder), files(&folder.join("easdf"))].concat() {
        if file.extension().is_none_or(|ending| ending != "yaml") {
            continue;
        }
        let text = fs::read_to_string(&file).expect("a document");
        let document: serde_json::Value = yaml_serde::from_str(&text).expect("YAML");
        let paths = document["paths"].as_object().expect("paths");
        for operation in paths
            .values()
            .filter_map(|item| item.as_object())
            .flat_map(|item| item.values())
        {
            let schema = &operation["requestBody"]["content"][media_type]["schema"]["$ref"];
            schemas.extend(
                schema
                    .as_str()
                    .and_then(|name| name.rsplit('/').next())
                    .map(str::to_owned),
            );
        }
    }
    schemas
}

fn named(prefix: &str) -> BTreeSet<String> {
    let names = targets().filter_map(|target| target.name.strip_prefix(prefix));
    names.map(str::to_owned).collect()
}

/// A new operation with a body has a target, or this fails.
#[test]
fn every_published_body_has_a_target() {
    assert_eq!(published("application/json"), named("body-"));
}

/// A new operation that takes patches has a target, or this fails.
#[test]
fn every_published_patch_has_a_target() {
    let patches = published("application/merge-patch+json");
    let patches: BTreeSet<_> = patches
        .iter()
        .map(|name| name.trim_end_matches("Patch").to_owned())
        .collect();
    assert_eq!(patches, named("patch-"));
}

/// Seeds of a target that nobody runs are no use.
#[test]
fn every_folder_of_seeds_has_a_target() {
    let known: BTreeSet<_> = targets().map(|target| target.name.to_owned()).collect();
    let folders = files(&root().join("corpus"));
    let folders = folders
        .iter()
        .filter_map(|folder| folder.file_name()?.to_str().map(str::to_owned));
    assert_eq!(folders.collect::<BTreeSet<_>>(), known);
}
