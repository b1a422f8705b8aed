//! The bill of materials, to and from JSON.

use crate::lock::Package;
use cargo_metadata::Metadata;
use cyclonedx_bom::{
    external_models::{normalized_string::NormalizedString, spdx::SpdxExpression, uri::Purl},
    models::{
        bom::SpecVersion,
        component::{Classification, Component, Components},
        dependency::{Dependencies, Dependency},
        hash::{Hash, HashAlgorithm, HashValue, Hashes},
        license::{LicenseChoice, Licenses},
    },
    prelude::{Bom, Validate},
};
use std::collections::{BTreeMap, BTreeSet};

/// CycloneDX 1.5 of everything in the resolved graph: all features, all targets, what tests and tools use included.
pub(crate) fn json(metadata: &Metadata, locked: &BTreeMap<Package, Option<String>>) -> Result<Vec<u8>, String> {
    let mut components = Vec::new();
    for package in &metadata.packages {
        let key = (package.name.to_string(), package.version.to_string());
        let mut component = Component::new(Classification::Library, &key.0, &key.1, Some(reference(&key)));
        component.purl = Some(Purl::new("cargo", &key.0, &key.1).map_err(|error| format!("{}: {error}", key.0))?);
        component.description = package
            .description
            .as_deref()
            .map(|text| NormalizedString::new(text.trim()));
        if let Some(license) = &package.license {
            let license = SpdxExpression::parse_lax(license.clone());
            let license = license.map_err(|error| format!("the licence of {}: {error}", key.0))?;
            component.licenses = Some(Licenses(vec![LicenseChoice::Expression(license)]));
        }
        component.hashes = locked.get(&key).cloned().flatten().map(|sum| {
            Hashes(vec![Hash {
                alg: HashAlgorithm::SHA_256,
                content: HashValue(sum),
            }])
        });
        components.push((key, component));
    }
    components.sort_by(|(one, _), (other, _)| one.cmp(other));
    let bill = Bom {
        serial_number: None,
        components: Some(Components(
            components.into_iter().map(|(_, component)| component).collect(),
        )),
        dependencies: Some(Dependencies(dependencies(metadata))),
        ..Bom::default()
    };
    let valid = bill.validate_version(SpecVersion::V1_5);
    if !valid.passed() {
        return Err(format!("the bill of materials is not valid: {valid:?}"));
    }
    let mut json = Vec::new();
    bill.output_as_json_v1_5(&mut json).map_err(|error| error.to_string())?;
    json.push(b'\n');
    Ok(json)
}

fn reference((name, version): &Package) -> String {
    format!("pkg:cargo/{name}@{version}")
}

fn dependencies(metadata: &Metadata) -> Vec<Dependency> {
    let known: BTreeMap<_, _> = metadata
        .packages
        .iter()
        .map(|package| {
            let key = (package.name.to_string(), package.version.to_string());
            (&package.id, reference(&key))
        })
        .collect();
    let nodes = metadata.resolve.iter().flat_map(|resolve| &resolve.nodes);
    let mut all: Vec<_> = nodes
        .filter_map(|node| {
            let needs: BTreeSet<_> = node.dependencies.iter().filter_map(|id| known.get(id)).collect();
            Some(Dependency {
                dependency_ref: known.get(&node.id)?.clone(),
                dependencies: needs.into_iter().cloned().collect(),
            })
        })
        .collect();
    all.sort_by(|one, other| one.dependency_ref.cmp(&other.dependency_ref));
    all
}

/// The packages that a bill of materials lists.
pub(crate) fn packages(json: &[u8]) -> Result<BTreeSet<Package>, String> {
    let bill = Bom::parse_from_json(json).map_err(|error| format!("it cannot be read again: {error}"))?;
    let components = bill.components.map(|components| components.0).unwrap_or_default();
    let package = |component: &Component| {
        let version = component.version.as_ref().map(ToString::to_string);
        (component.name.to_string(), version.unwrap_or_default())
    };
    Ok(components.iter().map(package).collect())
}
