//! Why policies cannot be used.

use std::{fmt, io, path::PathBuf};

/// Why policies cannot be used. None of them is taken then.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// A file or folder cannot be read.
    #[error("{path}: {source}; make it readable, or give the key `authorization.policies` another value")]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A folder without policies.
    #[error(
        "{0}: holds no file *.cedar; begin with those that `policies --out` writes, or refuse everything with one empty file"
    )]
    NoFiles(PathBuf),
    /// Files that everybody on the machine may write to.
    #[error("{0}: everybody may write to it; take that right away: chmod o-w")]
    WritableByAll(PathBuf),
    /// What stands in the files.
    #[error("{}", lines(.0))]
    Wrong(Vec<Fault>),
}

/// Something wrong in a file of policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}: {}; {}",
            self.file.display(),
            self.line,
            self.reason,
            self.remedy
        )
    }
}

fn lines(faults: &[Fault]) -> String {
    let lines: Vec<String> = faults.iter().map(Fault::to_string).collect();
    lines.join("\n")
}
