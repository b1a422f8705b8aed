//! A folder that shows what happened: `index.html`, which needs nothing else, `messages.jsonl` for machines, the servers' logs.

pub(crate) mod fleet;
mod journey;
mod overview;
mod page;
mod replies;
mod sequence;
mod svg;
mod timeline;
mod words;

use crate::{
    run::Play,
    show::json::{lines, whole},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Writes the report of these scenarios; `logs` are the servers' logs by name.
///
/// # Errors
/// When a file cannot be written.
pub fn write(folder: &Path, plays: &[Play], logs: &[(String, PathBuf)]) -> io::Result<()> {
    let of = |play: &Play| -> Vec<_> { play.runs.iter().flat_map(lines).chain(whole(play)).collect() };
    let lines: String = plays.iter().flat_map(of).map(|line| format!("{line}\n")).collect();
    fs::write(folder.join("messages.jsonl"), lines)?;
    let logs: Vec<_> = logs
        .iter()
        .map(|(name, path)| {
            let path = path.strip_prefix(folder).unwrap_or(path);
            (name.clone(), path.to_string_lossy().into_owned())
        })
        .collect();
    fs::write(folder.join("index.html"), page::page(plays, &logs))
}

#[cfg(test)]
mod tests;
