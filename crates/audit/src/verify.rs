//! Finds the first record of a log that is not as it was written.
//!
//! | somebody | is found by |
//! |---|---|
//! | changed a record | the hash in the record after it; in the last one, its signature |
//! | removed, doubled or moved records | the numbers, and the hashes |
//! | removed the beginning | the numbers: only what a later record says was removed may be missing |
//! | removed the end | a record kept elsewhere ([`Demands::last`]); also, records at the end that nobody signed in time |
//! | wrote the whole chain anew | the signatures |

use crate::{
    files::{files_of, first_of},
    keys::PublicKey,
    record::{CHECKPOINT, PRUNED, Seen, sha256, signature_of},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

/// A record by its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Its number.
    pub number: u64,
    /// The SHA-256 of its line.
    pub hash: String,
}

/// What a log is held to, beside its own chain.
#[derive(Clone, Debug, Default)]
pub struct Demands {
    /// A record that is known to have been in the log: the log has it, and reaches at least to it.
    pub last: Option<Known>,
    /// What time it is and how old a record may be that no checkpoint covers yet; not looked at when absent.
    pub unsigned: Option<(Timestamp, Duration)>,
}

/// The first thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub file: PathBuf,
    /// The line of the file, from 1; 0 when it is about none.
    pub line: usize,
    /// The record that is bad or missing.
    pub number: u64,
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": record {}: {}", self.number, self.what)
    }
}

impl std::error::Error for Finding {}

/// Why a log is not proved to be good.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It is bad.
    #[error(transparent)]
    Bad(#[from] Finding),
    /// It cannot be read.
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
    /// There is none.
    #[error("{0}: there is no audit log here; name the folder of a server's log, or a file of a collector")]
    Nothing(PathBuf),
    /// There are several: a folder in which a collector keeps those of several servers.
    #[error("{}: there are the logs of several servers here, and one is verified at a time; name one of {}", .0.display(), .1.join(", "))]
    Several(PathBuf, Vec<String>),
}

/// What a good log holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Number of the first record that is there.
    pub first: u64,
    /// The last record.
    pub last: Option<Known>,
    /// Number of the last checkpoint, whose signature covers all before it.
    pub signed: Option<u64>,
    /// How many checkpoints there are.
    pub checkpoints: u64,
}

/// Goes through the files of a log, one after the other.
#[derive(Debug)]
pub struct Verifier<'a> {
    keys: &'a [PublicKey],
    demands: &'a Demands,
    report: Report,
    /// Through which record the log itself says that its beginning is gone.
    removed: u64,
    /// The first record after the last checkpoint, and when it was written.
    unsigned: Option<(u64, Timestamp)>,
    met: bool,
}

impl<'a> Verifier<'a> {
    /// Holds a log to these keys and demands.
    pub fn new(keys: &'a [PublicKey], demands: &'a Demands) -> Self {
        Self {
            keys,
            demands,
            report: Report::default(),
            removed: 0,
            unsigned: None,
            met: demands.last.is_none(),
        }
    }

    /// The next file.
    ///
    /// # Errors
    /// The first bad record.
    pub fn file(&mut self, path: &Path, bytes: &[u8]) -> Result<(), Finding> {
        let finding = |line: usize, number: u64, what: String| Finding {
            file: path.to_owned(),
            line,
            number,
            what,
        };
        let next = self.report.last.as_ref().map(|last| last.number + 1);
        if let (Some(next), Some(named)) = (next, first_of(path))
            && named != next
        {
            let what = format!("is missing: the file begins with record {named}");
            return Err(finding(0, next, what));
        }
        let mut rest = bytes;
        let mut line = 0;
        while !rest.is_empty() {
            line += 1;
            let number = self
                .report
                .last
                .as_ref()
                .map(|last| last.number + 1)
                .or_else(|| first_of(path));
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                let what = "was not written to its end, or was cut".to_owned();
                return Err(finding(line, number.unwrap_or(1), what));
            };
            let record = &rest[..end];
            rest = &rest[end + 1..];
            self.record(record, number)
                .map_err(|(number, what)| finding(line, number, what))?;
        }
        Ok(())
    }

    fn record(&mut self, record: &[u8], expected: Option<u64>) -> Result<(), (u64, String)> {
        let text = std::str::from_utf8(record).map_err(|_| (expected.unwrap_or(1), "is no UTF-8".to_owned()))?;
        let seen: Seen =
            serde_json::from_str(text).map_err(|error| (expected.unwrap_or(1), format!("is no record: {error}")))?;
        let number = seen.number;
        if let Some(expected) = expected.filter(|expected| *expected != number) {
            return Err((expected, format!("is missing: record {number} stands in its place")));
        }
        if let Some(last) = self.report.last.as_ref().filter(|last| last.hash != seen.prev) {
            let what = format!("was changed: record {number} holds another hash of it");
            return Err((last.number, what));
        }
        if seen.event == CHECKPOINT {
            self.checkpoint(text, &seen)?;
        } else if self.unsigned.is_none() {
            self.unsigned = Some((number, seen.time));
        }
        if seen.event == PRUNED {
            self.removed = self.removed.max(seen.through.unwrap_or(0));
        }
        let hash = sha256(record);
        if let Some(known) = self.demands.last.as_ref().filter(|known| known.number == number) {
            if known.hash != hash {
                return Err((number, "is not the one that is known from elsewhere".to_owned()));
            }
            self.met = true;
        }
        if self.report.last.is_none() {
            self.report.first = number;
        }
        self.report.last = Some(Known { number, hash });
        Ok(())
    }

    fn checkpoint(&mut self, text: &str, seen: &Seen) -> Result<(), (u64, String)> {
        let bad = |what: String| (seen.number, what);
        let name = seen.key.as_deref().unwrap_or_default();
        let key = self.keys.iter().find(|key| key.name() == name);
        let key = key.ok_or_else(|| bad(format!("is signed with the key {name}, which was not given")))?;
        let (line, signature) =
            signature_of(text).ok_or_else(|| bad("is a checkpoint without a signature".to_owned()))?;
        if !key.verifies(&line, signature) {
            return Err(bad("has a signature that does not fit".to_owned()));
        }
        self.report.checkpoints += 1;
        self.report.signed = Some(seen.number);
        self.unsigned = None;
        Ok(())
    }

    /// What the whole log holds; `path` is where it lies.
    ///
    /// # Errors
    /// When its beginning or its end is missing.
    pub fn finish(self, path: &Path) -> Result<Report, Finding> {
        let finding = |number: u64, what: String| {
            Err(Finding {
                file: path.to_owned(),
                line: 0,
                number,
                what,
            })
        };
        let (first, last) = (
            self.report.first,
            self.report.last.as_ref().map_or(0, |last| last.number),
        );
        if first > self.removed + 1 {
            return finding(
                self.removed + 1,
                format!(
                    "is missing: the log begins with record {first}, and no record says that those before it were removed"
                ),
            );
        }
        if let Some(known) = self.demands.last.as_ref().filter(|_| !self.met) {
            let what = match known.number > last {
                true => format!(
                    "is missing: the log ends with record {last}, and record {} is known from elsewhere",
                    known.number
                ),
                false => "was removed, and is known from elsewhere".to_owned(),
            };
            return finding(if known.number > last { last + 1 } else { known.number }, what);
        }
        if let (Some((now, age)), Some((number, time))) = (self.demands.unsigned, self.unsigned)
            && now.duration_since(time) > age.try_into().unwrap_or(jiff::SignedDuration::MAX)
        {
            return finding(
                number,
                format!(
                    "and all after it were signed by no checkpoint since {time}: the end was removed or forged, or the server died and was not started again"
                ),
            );
        }
        Ok(self.report)
    }
}

/// Verifies one file, or all files of a folder: that of a server, or that of a collector which keeps the log of one.
///
/// # Errors
/// See [`VerifyError`].
pub fn verify_folder(path: &Path, keys: &[PublicKey], demands: &Demands) -> Result<Report, VerifyError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |error| VerifyError::Io(path, error)
    };
    let mut files: Vec<PathBuf> = match path.is_dir() {
        true => files_of(path)
            .map_err(unreadable(path))?
            .into_iter()
            .map(|(_, path)| path)
            .collect(),
        false => vec![path.to_owned()],
    };
    if files.is_empty() {
        files = collected_in(path).map_err(unreadable(path))?;
    }
    match files.as_slice() {
        [] => return Err(VerifyError::Nothing(path.to_owned())),
        // A collector keeps each log in one file.
        [_, _, ..] if first_of(&files[0]).is_none() => {
            let names = files.iter().map(|file| file.display().to_string());
            return Err(VerifyError::Several(path.to_owned(), names.collect()));
        }
        _ => {}
    }
    let mut verifier = Verifier::new(keys, demands);
    for file in files {
        let bytes = fs::read(&file).map_err(unreadable(&file))?;
        verifier.file(&file, &bytes)?;
    }
    if !path.is_dir() {
        // One of several files: those before it are not at hand.
        verifier.removed = verifier.removed.max(verifier.report.first.saturating_sub(1));
    }
    Ok(verifier.finish(path)?)
}

/// The files of a folder in which a collector keeps logs: lines of JSON, `<role>-<name of the log>.jsonl` of ours.
fn collected_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "jsonl") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The last record in a file of lines, such as the one that a collector keeps.
///
/// # Errors
/// When the last line is no record.
pub fn last_of(bytes: &[u8]) -> Result<Known, String> {
    let line = bytes
        .split(|byte| *byte == b'\n')
        .rfind(|line| !line.is_empty())
        .ok_or("it is empty")?;
    let seen: Seen = serde_json::from_slice(line).map_err(|error| format!("its last line is no record: {error}"))?;
    Ok(Known {
        number: seen.number,
        hash: sha256(line),
    })
}
