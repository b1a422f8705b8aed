//! The report of a fleet: `messages.jsonl`, written while it moves, and `index.html`, in the style of the reports of scenarios.

use super::{
    crossing::Crossed,
    fleet::Played,
    show::{View, line, whole},
};
use crate::report::fleet::page;
use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// Writes a report while another view shows the same.
pub struct Writing<'a> {
    shown: &'a mut dyn View,
    lines: BufWriter<File>,
    failed: Option<io::Error>,
}

impl<'a> Writing<'a> {
    /// Begins in this folder, which has to exist.
    ///
    /// # Errors
    /// When it cannot be written to.
    pub fn begin(folder: &Path, shown: &'a mut dyn View) -> io::Result<Self> {
        Ok(Self {
            shown,
            lines: BufWriter::new(File::create(folder.join("messages.jsonl"))?),
            failed: None,
        })
    }

    fn write(&mut self, line: &serde_json::Value) {
        if let Err(error) = writeln!(self.lines, "{line}") {
            self.failed.get_or_insert(error);
        }
    }

    /// Ends the file; `logs` are the servers' logs by name.
    ///
    /// # Errors
    /// When something could not be written.
    pub fn finish(mut self, folder: &Path, played: &Played, logs: &[(String, PathBuf)]) -> io::Result<()> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.lines.flush()?;
        let logs: Vec<_> = logs
            .iter()
            .map(|(name, path)| {
                let path = path.strip_prefix(folder).unwrap_or(path);
                (name.clone(), path.to_string_lossy().into_owned())
            })
            .collect();
        fs::write(folder.join("index.html"), page(played, &logs))
    }
}

impl View for Writing<'_> {
    fn say(&mut self, text: &str) {
        self.shown.say(text);
    }

    fn phase(&mut self, what: &str, total: Option<u64>) {
        self.shown.phase(what, total);
    }

    fn at(&mut self, done: u64, under_way: usize, failed: u64) {
        self.shown.at(done, under_way, failed);
    }

    fn crossed(&mut self, name: &str, crossed: &Crossed) {
        self.write(&line(name, crossed));
        self.shown.crossed(name, crossed);
    }

    fn end(&mut self, played: &Played) {
        for line in whole(played) {
            self.write(&line);
        }
        self.shown.end(played);
    }
}
