//! The packages of a lock file.

use std::collections::{BTreeMap, BTreeSet};

/// Name and version.
pub(crate) type Package = (String, String);

/// The packages of this lock file, each with its checksum where it comes from a registry.
pub(crate) fn packages(text: &str) -> Result<BTreeMap<Package, Option<String>>, String> {
    let lock: toml::Table = text.parse().map_err(|error| format!("the lock file: {error}"))?;
    let items = lock.get("package").and_then(toml::Value::as_array);
    let items = items.ok_or("the lock file lists no package")?;
    let word = |item: &toml::Value, key: &str| item.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    items
        .iter()
        .map(|item| {
            let package = word(item, "name").zip(word(item, "version"));
            let package = package.ok_or("the lock file has a package without name or version")?;
            Ok((package, word(item, "checksum")))
        })
        .collect()
}

/// That both hold the same packages; names the others.
pub(crate) fn same(locked: &BTreeMap<Package, Option<String>>, listed: &BTreeSet<Package>) -> Result<(), String> {
    let names = |packages: Vec<&Package>| {
        let names: Vec<_> = packages
            .iter()
            .map(|(name, version)| format!("{name} {version}"))
            .collect();
        names.join(", ")
    };
    let missing: Vec<_> = locked.keys().filter(|package| !listed.contains(*package)).collect();
    let surplus: Vec<_> = listed.iter().filter(|package| !locked.contains_key(*package)).collect();
    match (missing.is_empty(), surplus.is_empty()) {
        (true, true) => Ok(()),
        (false, _) => Err(format!(
            "in the lock file, not in the bill of materials: {}",
            names(missing)
        )),
        (true, false) => Err(format!(
            "in the bill of materials, not in the lock file: {}",
            names(surplus)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "version = 4\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nchecksum = \"00\"\n\
        [[package]]\nname = \"a\"\nversion = \"2.0.0\"\n";

    #[test]
    fn packages_of_several_versions_are_several() {
        let packages = packages(LOCK).expect("a lock file");
        let a = |version: &str| ("a".to_owned(), version.to_owned());
        assert_eq!(packages.len(), 2);
        assert_eq!(packages[&a("1.0.0")].as_deref(), Some("00"));
        assert_eq!(packages[&a("2.0.0")], None);
    }

    #[test]
    fn what_differs_is_named() {
        let locked = packages(LOCK).expect("a lock file");
        let mut listed: BTreeSet<Package> = locked.keys().cloned().collect();
        assert_eq!(same(&locked, &listed), Ok(()));
        listed.insert(("b".to_owned(), "3.0.0".to_owned()));
        assert!(same(&locked, &listed).expect_err("one too many").ends_with(": b 3.0.0"));
        listed.remove(&("a".to_owned(), "2.0.0".to_owned()));
        assert!(same(&locked, &listed).expect_err("one missing").ends_with(": a 2.0.0"));
    }
}
