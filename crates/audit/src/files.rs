//! The folder of a log: files `audit-<number of the first record>.jsonl`, its name, how far the collector has got, a lock.
//!
//! The folder is for its owner only (0700), and so is each file (0600), whatever the umask.

use crate::{
    record::{self, Seen, sha256},
    verify::Known,
};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// The file that holds the name of the log.
const NAME: &str = "log-id";
/// The file that says up to which record the collector has all.
const UPLOADED: &str = "uploaded";
/// The file that one process holds at a time.
const LOCK: &str = "lock";

/// Why a folder cannot be used for a log.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file or folder cannot be used.
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
    /// Others can look into it.
    #[error("{0}: other users can look into this folder; take that from them with chmod 700")]
    Open(PathBuf),
    /// Another process writes there.
    #[error("{0}: another process writes its log there; give each server a folder of its own")]
    Taken(PathBuf),
}

fn io_at(path: &Path) -> impl Fn(io::Error) -> FolderError {
    move |error| FolderError::Io(path.to_owned(), error)
}

/// Writes a new file that only its owner may read.
///
/// # Errors
/// When it is there already, or cannot be written.
pub fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = private().write(true).create_new(true).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Refuses a folder that others can look into.
pub(crate) fn for_its_owner_only(path: &Path) -> Result<(), FolderError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if fs::metadata(path).map_err(io_at(path))?.permissions().mode() & 0o077 != 0 {
            return Err(FolderError::Open(path.to_owned()));
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// A folder with a log in it, held by this process.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    name: String,
    /// Holds the lock for as long as it is open.
    _lock: File,
}

/// Where a log goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// The number of the last record; 0 when there is none.
    pub number: u64,
    /// Its hash; that of the name of the log when there is none.
    pub hash: String,
    /// When it was written.
    pub time: Option<jiff::Timestamp>,
    /// The key that signed the last checkpoint of the last file.
    pub key: Option<String>,
    /// Whether the last record is a checkpoint.
    pub signed: bool,
    /// The file to go on in, and its length.
    pub file: Option<(PathBuf, u64)>,
    /// What was found to be wrong, in words.
    pub defects: Vec<String>,
}

impl Folder {
    /// Opens the folder, makes it when it is not there.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        if !path.is_dir() {
            let mut builder = DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(path).map_err(io_at(path))?;
        }
        for_its_owner_only(path)?;
        let lock_path = path.join(LOCK);
        let lock = private()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&lock_path)
            .map_err(io_at(&lock_path))?;
        lock.try_lock().map_err(|_| FolderError::Taken(path.to_owned()))?;
        let name_path = path.join(NAME);
        let name = match fs::read_to_string(&name_path) {
            Ok(name) => name.trim().to_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let name = format!("{:032x}", rand::random::<u128>());
                write_private(&name_path, name.as_bytes()).map_err(io_at(&name_path))?;
                name
            }
            Err(error) => return Err(FolderError::Io(name_path, error)),
        };
        Ok(Self {
            path: path.to_owned(),
            name,
            _lock: lock,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name of the log: random, made with the folder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A new file for the records from this number on.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(&self, first: u64) -> io::Result<(PathBuf, File)> {
        let path = self.path.join(format!("audit-{first:020}.jsonl"));
        let file = private().append(true).create_new(true).open(&path)?;
        self.sync()?;
        Ok((path, file))
    }

    /// Makes what was created or removed in the folder outlive a crash.
    ///
    /// # Errors
    /// When that cannot be done.
    pub fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    /// Up to which record the collector has all; 0 when it has none.
    pub fn uploaded(&self) -> u64 {
        let text = fs::read_to_string(self.path.join(UPLOADED)).unwrap_or_default();
        text.trim().parse().unwrap_or(0)
    }

    /// Notes that the collector has all up to this record.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note_uploaded(&self, number: u64) -> io::Result<()> {
        let (new, path) = (self.path.join("uploaded.new"), self.path.join(UPLOADED));
        let mut file = private().write(true).create(true).truncate(true).open(&new)?;
        writeln!(file, "{number}")?;
        file.sync_data()?;
        fs::rename(new, path)
    }

    /// Finds where the log goes on: takes away a last line that was not written to its end, and files without a record.
    ///
    /// # Errors
    /// When a file cannot be read or mended.
    pub fn end(&self) -> Result<End, FolderError> {
        let mut end = End {
            number: 0,
            hash: sha256(self.name.as_bytes()),
            time: None,
            key: None,
            signed: true,
            file: None,
            defects: Vec::new(),
        };
        for (first, path) in files_of(&self.path).map_err(io_at(&self.path))?.into_iter().rev() {
            let bytes = fs::read(&path).map_err(io_at(&path))?;
            let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            if whole < bytes.len() {
                let torn = &bytes[whole..];
                end.defects.push(format!(
                    "the last record was not written to its end: its {} bytes with SHA-256 {} were taken away",
                    torn.len(),
                    sha256(torn)
                ));
                let file = OpenOptions::new().write(true).open(&path).map_err(io_at(&path))?;
                let cut = file.set_len(whole as u64).and_then(|()| file.sync_all());
                cut.map_err(io_at(&path))?;
            }
            if whole == 0 {
                fs::remove_file(&path).map_err(io_at(&path))?;
                continue;
            }
            read_end(first, &bytes[..whole], &mut end);
            end.file = Some((path, whole as u64));
            break;
        }
        let uploaded = self.uploaded();
        if uploaded > end.number {
            end.defects.push(format!(
                "the log ended with record {}, and the collector has records up to {uploaded}: its end was removed",
                end.number
            ));
            // No number is used twice: the collector would take the new record for the one it has.
            (end.number, end.file) = (uploaded, None);
        }
        Ok(end)
    }
}

/// Whether the log in this folder holds the record with that hash. One that is older than all that is kept counts as held: whether it was
/// right that it went is said by the log itself.
///
/// # Errors
/// When the folder or a file cannot be read.
pub(crate) fn holds(folder: &Path, known: &Known) -> io::Result<bool> {
    let files = files_of(folder)?;
    let Some((_, path)) = files.iter().rfind(|(first, _)| *first <= known.number) else {
        return Ok(!files.is_empty());
    };
    let bytes = fs::read(path)?;
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let number = |line: &[u8]| serde_json::from_slice::<Seen>(line).map(|seen| seen.number).ok();
    Ok(lines
        .filter(|line| number(line) == Some(known.number))
        .any(|line| sha256(line) == known.hash))
}

/// Goes through the lines of the last file. What does not fit is said, and counted: numbers are never used twice.
fn read_end(first: u64, bytes: &[u8], end: &mut End) {
    let mut expected = first;
    let mut prev: Option<String> = None;
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match serde_json::from_slice::<Seen>(line) {
            Ok(seen) => {
                if seen.number != expected || prev.as_ref().is_some_and(|prev| *prev != seen.prev) {
                    end.defects
                        .push(format!("record {} does not follow from the one before it", seen.number));
                }
                expected = expected.max(seen.number);
                end.time = Some(seen.time);
                end.signed = seen.event == record::CHECKPOINT;
                if seen.event == record::CHECKPOINT {
                    end.key = seen.key;
                }
            }
            Err(_) => end.defects.push(format!("record {expected} cannot be read")),
        }
        prev = Some(sha256(line));
        expected += 1;
    }
    // One changed byte makes two complaints for each line that follows; the first ones say it.
    end.defects.truncate(4);
    end.number = expected - 1;
    end.hash = prev.unwrap_or_default();
}

/// The files of a log in their order, each with the number of its first record.
///
/// # Errors
/// When the folder cannot be read.
pub fn files_of(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if let Some(first) = first_of(&path) {
            files.push((first, path));
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// The number of the first record of a file, which its name says.
pub fn first_of(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    name.strip_prefix("audit-")?.strip_suffix(".jsonl")?.parse().ok()
}
