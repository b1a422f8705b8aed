//! The program `sbom`: writes the software bill of materials of this workspace, and checks that it holds what the lock file holds.
//!
//! `cargo run -p edgeapp-sbom -- FILE` writes CycloneDX 1.5 (JSON). The file depends on nothing but the lock file and the manifests:
//! the same commit gives the same bytes. Exit status 1 when it cannot be made, or when a package is missing in it or one too many.

mod bill;
mod lock;

use std::{io::Write, process::ExitCode};

fn main() -> ExitCode {
    let Some(file) = std::env::args().nth(1) else {
        let _ = writeln!(std::io::stderr(), "sbom: name the file to write");
        return ExitCode::from(2);
    };
    match write(&file) {
        Ok(count) => {
            let _ = writeln!(std::io::stdout(), "{file}: {count} packages, those of the lock file");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            let _ = writeln!(std::io::stderr(), "sbom: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn write(file: &str) -> Result<usize, String> {
    let mut command = cargo_metadata::MetadataCommand::new();
    command.features(cargo_metadata::CargoOpt::AllFeatures);
    command.other_options(["--locked".to_owned()]);
    let metadata = command.exec().map_err(|error| error.to_string())?;
    let path = metadata.workspace_root.join("Cargo.lock");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let locked = lock::packages(&text)?;
    let written = bill::json(&metadata, &locked)?;
    std::fs::write(file, &written).map_err(|error| format!("{file}: {error}"))?;
    // What is checked is what was written, as a stranger reads it.
    lock::same(&locked, &bill::packages(&written)?)?;
    Ok(locked.len())
}
