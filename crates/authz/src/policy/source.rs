//! Where policies come from: the ones in the program, a file, or a folder of files.

use super::{Catalogue, PolicyError, bounds};
use aws_lc_rs::digest::{Context, SHA256};
use std::{
    fs::Metadata,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Files of policies as they were read together.
#[derive(Clone, Debug)]
pub(super) struct Texts {
    /// Name and content of each.
    pub(super) files: Vec<(PathBuf, String)>,
    /// SHA-256 of all of it, in hexadecimal digits.
    pub(super) hash: String,
}

impl Texts {
    fn of(files: Vec<(PathBuf, String)>) -> Self {
        let mut hash = Context::new(&SHA256);
        for (file, text) in &files {
            // With lengths, so that no two sets of files look alike.
            let name = file.file_name().unwrap_or_default().as_encoded_bytes();
            for part in [name, text.as_bytes()] {
                hash.update(&part.len().to_be_bytes());
                hash.update(part);
            }
        }
        let hash = hash
            .finish()
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self { files, hash }
    }

    /// The ones in the program.
    pub(super) fn shipped(catalogue: &Catalogue) -> Self {
        let files = catalogue.shipped().iter();
        Self::of(
            files
                .map(|file| (PathBuf::from(file.name), file.text.to_owned()))
                .collect(),
        )
    }

    /// The files at this path.
    pub(super) fn read(path: &Path) -> Result<Self, PolicyError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |source| PolicyError::Unreadable { path, source }
        };
        let place = std::fs::metadata(path).map_err(unreadable(path))?;
        if place.is_dir() && writable_by_all(&place) && !sticky(&place) {
            return Err(PolicyError::WritableByAll(path.to_owned()));
        }
        let mut files = Vec::new();
        for file in files_at(path).map_err(unreadable(path))? {
            let facts = std::fs::metadata(&file).map_err(unreadable(&file))?;
            if writable_by_all(&facts) {
                return Err(PolicyError::WritableByAll(file));
            }
            // Whoever reads a pipe waits until somebody writes.
            if !facts.is_file() {
                return Err(unreadable(&file)(std::io::Error::other("is no regular file")));
            }
            if let Some(fault) = bounds::too_large(&file, facts.len()) {
                return Err(PolicyError::Wrong(vec![fault]));
            }
            let text = std::fs::read_to_string(&file).map_err(unreadable(&file))?;
            files.push((file, text));
        }
        if files.is_empty() {
            return Err(PolicyError::NoFiles(path.to_owned()));
        }
        Ok(Self::of(files))
    }
}

/// The file itself, or the files `*.cedar` in the folder, by name.
fn files_at(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !std::fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let file = entry?.path();
        if file.extension().is_some_and(|ending| ending == "cedar") {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(unix)]
fn writable_by_all(facts: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    facts.permissions().mode() & 0o002 != 0
}

/// Whether files in a folder can be taken away by who owns them alone.
#[cfg(unix)]
fn sticky(facts: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    facts.permissions().mode() & 0o1000 != 0
}

#[cfg(not(unix))]
fn sticky(_: &Metadata) -> bool {
    true
}

#[cfg(not(unix))]
fn writable_by_all(_: &Metadata) -> bool {
    false
}

/// What tells whether files have changed, without reading them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Look(Vec<(PathBuf, Option<(SystemTime, u64)>)>);

impl Look {
    /// How the files at this path look now.
    pub(super) fn at(path: &Path) -> Self {
        let facts = |file: &Path| {
            let facts = std::fs::metadata(file).ok()?;
            Some((facts.modified().ok()?, facts.len()))
        };
        let files = files_at(path).unwrap_or_default();
        Self(files.into_iter().map(|file| (file.clone(), facts(&file))).collect())
    }

    /// The file that was written last; the path itself when there is none.
    fn newest<'a>(&'a self, path: &'a Path) -> &'a Path {
        let newest = self.0.iter().max_by_key(|(_, facts)| facts.map(|(written, _)| written));
        newest.map_or(path, |(file, _)| file)
    }

    /// The user who owns the file that was written last, by number.
    #[cfg(unix)]
    pub(super) fn owner(&self, path: &Path) -> Option<u32> {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata(self.newest(path)).ok().map(|facts| facts.uid())
    }

    /// The user who owns the file that was written last: not known here.
    #[cfg(not(unix))]
    pub(super) fn owner(&self, path: &Path) -> Option<u32> {
        let _ = self.newest(path);
        None
    }
}
