//! Structured logs on standard error: JSON lines for machines, text for people.
//!
//! Logs name no user: what looks like a user identifier, the identity of an EEC or an address is replaced by its pseudonym on the way
//! out, whoever wrote the line. Libraries below us write down what passes through them, where no pattern finds it: of theirs only
//! warnings and errors are written.

use edgeapp_core::{evidence::visible, pseudonym};
use std::io::{self, IsTerminal, Write};
use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{FilterExt, filter_fn},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// Lines to read.
    Text,
}

impl LogFormat {
    /// Text on a terminal, JSON elsewhere.
    pub fn fitting() -> Self {
        if std::io::stderr().is_terminal() {
            Self::Text
        } else {
            Self::Json
        }
    }
}

/// Whether logs may name users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identifiers {
    /// Pseudonyms stand for them.
    Replaced,
    /// They stand in logs as they are, and libraries may write what they like: for laboratories.
    AsTheyAre,
}

/// Starts logging. `filter` is a level or a list such as `info,edgeapp_core=debug`.
///
/// # Errors
/// When the filter cannot be read.
pub fn start_logging(format: LogFormat, filter: &str, identifiers: Identifiers) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter).map_err(|error| format!("log filter {filter:?}: {error}"))?;
    let filter = filter.and(filter_fn(move |line| {
        identifiers == Identifiers::AsTheyAre || is_ours(line) || *line.level() <= Level::WARN
    }));
    let lines = tracing_subscriber::fmt::layer::<Registry>().with_writer(Pseudonymous::default);
    let lines = match format {
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).boxed(),
        LogFormat::Text => lines
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .boxed(),
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .try_init()
        .map_err(|error| error.to_string())
}

fn is_ours(line: &Metadata<'_>) -> bool {
    let target = line.target();
    let whole = |name: &str| {
        target
            .strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    target.starts_with("edgeapp_") || ["security", "settings", "ees", "ecs", "eec_sim"].into_iter().any(whole)
}

/// Standard error, written to a line at a time and without names of users.
#[derive(Default)]
struct Pseudonymous(Vec<u8>);

impl Write for Pseudonymous {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.0);
        if line.is_empty() {
            return Ok(());
        }
        let line = String::from_utf8_lossy(&line);
        // One event is one line, whatever stands in it.
        let line = visible(line.strip_suffix('\n').unwrap_or(&line)).into_owned();
        let mut line = pseudonym::in_use().scrub(&line).into_owned();
        line.push('\n');
        io::stderr().write_all(line.as_bytes())
    }
}

impl Drop for Pseudonymous {
    fn drop(&mut self) {
        // A log that cannot be written cannot be told of in the log.
        let _ = self.flush();
    }
}
