//! Where the programs `ecs` and `ees` are: beside this one, built first where a checkout has them missing or out of date.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::SystemTime,
};

/// Why the programs cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum NoPrograms {
    /// This program does not know where it is itself.
    #[error("the folder of this program cannot be found: {0}")]
    Where(io::Error),
    /// They are not there and there is nothing to build them from.
    #[error("{0} is missing; install it beside this program, or run from a checkout, where it is built when needed")]
    Missing(PathBuf),
    /// They cannot be built.
    #[error("building ees and ecs failed ({0}); the messages of cargo above say why")]
    Build(String),
}

/// The two server programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    /// The ECS.
    pub ecs: PathBuf,
    /// The EES.
    pub ees: PathBuf,
}

/// Finds the programs, and builds them first where a checkout has them missing or older than the sources.
///
/// # Errors
/// When they are not there and cannot be built.
pub fn find(say: impl Fn(&str)) -> Result<Programs, NoPrograms> {
    let own = env::current_exe()
        .and_then(|path| path.canonicalize())
        .map_err(NoPrograms::Where)?;
    let folder = own.parent().unwrap_or(Path::new(".")).to_owned();
    // Test programs lie one folder deeper.
    let folder = if folder.ends_with("deps") {
        folder.parent().map(Path::to_owned).unwrap_or(folder)
    } else {
        folder
    };
    let program = |name: &str| folder.join(format!("{name}{}", env::consts::EXE_SUFFIX));
    let programs = Programs {
        ecs: program("ecs"),
        ees: program("ees"),
    };
    if let Some(workspace) = workspace_of(&folder) {
        let newest = newest(&workspace);
        let stale = |path: &Path| modified(path).is_none_or(|built| newest.is_some_and(|newest| built < newest));
        if stale(&programs.ecs) || stale(&programs.ees) {
            say("building the servers (ees, ecs) first");
            build(&workspace, &folder)?;
        }
    }
    for path in [&programs.ecs, &programs.ees] {
        if !path.is_file() {
            return Err(NoPrograms::Missing(path.clone()));
        }
    }
    Ok(programs)
}

/// The checkout that a program in this folder was built from, if it is one.
fn workspace_of(folder: &Path) -> Option<PathBuf> {
    let compiled = Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned);
    let is_ours = |root: &Path| {
        ["Cargo.lock", "ees/Cargo.toml", "ecs/Cargo.toml"]
            .iter()
            .all(|file| root.join(file).is_file())
    };
    let above = folder.ancestors().find(|root| is_ours(root)).map(Path::to_owned);
    // A program that was copied elsewhere is not a checkout's, even if that checkout still exists.
    let profile = folder
        .parent()
        .is_some_and(|target| target.join("CACHEDIR.TAG").is_file());
    above.or_else(|| compiled.filter(|root| profile && is_ours(root)))
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|data| data.modified()).ok()
}

/// When the sources of the servers changed last.
fn newest(workspace: &Path) -> Option<SystemTime> {
    let mut newest = None;
    let mut folders: Vec<_> = ["openapi", "crates", "ees", "ecs"]
        .iter()
        .map(|name| workspace.join(name))
        .collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                // Neither tests nor examples end up in the programs.
                if !["tests", "examples", "benches", "published", "target"]
                    .iter()
                    .any(|other| name == *other)
                {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|ending| ending == "rs") || name == "Cargo.toml" {
                newest = newest.max(modified(&path));
            }
        }
    }
    newest
}

fn build(workspace: &Path, folder: &Path) -> Result<(), NoPrograms> {
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        None | Some("debug") => "dev",
        Some(name) => name,
    };
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(workspace)
        .args(["build", "-p", "edgeapp-ees", "-p", "edgeapp-ecs", "--profile", profile]);
    if let Some(target) = folder.parent().filter(|target| target.join("CACHEDIR.TAG").is_file()) {
        command.env("CARGO_TARGET_DIR", target);
    }
    // Cargo's own progress is the progress that is shown; standard output stays ours.
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit());
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(NoPrograms::Build(status.to_string())),
        Err(error) => Err(NoPrograms::Build(format!("cargo cannot be started: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkout_is_recognized_by_its_files() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("target/debug");
        fs::create_dir_all(&folder).unwrap();
        assert_eq!(workspace_of(&folder), None);
        for crate_name in ["ees", "ecs"] {
            fs::create_dir_all(dir.path().join(crate_name).join("src")).unwrap();
            fs::write(dir.path().join(crate_name).join("Cargo.toml"), "").unwrap();
        }
        fs::write(dir.path().join("Cargo.lock"), "").unwrap();
        assert_eq!(workspace_of(&folder).as_deref(), Some(dir.path()));
        let source = dir.path().join("ees/src/lib.rs");
        fs::write(&source, "").unwrap();
        assert!(newest(dir.path()) >= modified(&source));
    }
}
