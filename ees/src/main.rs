//! The program `ees`.

use clap::{Parser, Subcommand, ValueEnum};
use edgeapp_audit::command::{AuditCommand, CommandError};
use edgeapp_ees::{
    config::EesConfig,
    ees::{EesBuilder, StartError, check_files},
};
use edgeapp_http::{
    assembly::stop_signal,
    secrets::keep_memory_private,
    settings::Effective,
    telemetry::{Identifiers, LogFormat, start_logging},
};
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};
use tokio_util::sync::CancellationToken;

/// Requests make many short-lived allocations on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Edge Enabler Server of 3GPP EDGEAPP (TS 23.558).
#[derive(Parser)]
#[command(name = "ees", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until SIGTERM or SIGINT; prints where it listens, then `ready`.
    Serve {
        /// The configuration file.
        #[arg(long)]
        config: PathBuf,
        /// How log lines are written; by default text on a terminal, JSON elsewhere.
        #[arg(long, value_enum)]
        log_format: Option<Format>,
        /// Which log lines are written: a level, or a list such as `info,edgeapp_core=debug`.
        #[arg(long, default_value = "info")]
        log: String,
    },
    /// Check a configuration file and what it names, print the settings that it leads to, and say what is weaker than the hardened
    /// reference. Exit status 1 when anything is, 2 when the file cannot be used.
    CheckConfig {
        /// The configuration file.
        #[arg(long)]
        config: PathBuf,
    },
    /// Keys of audit logs, and whether a log is as it was written.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Write the OpenAPI documents of what this program serves.
    Openapi {
        /// The folder to write them to; without it they are printed.
        #[arg(long)]
        out: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Json,
    Text,
}

/// What went wrong, and the exit code that says so.
enum Failure {
    /// 1: it failed.
    Failed(String),
    /// 2: wrong usage or configuration.
    Usage(String),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Serve {
            config,
            log_format,
            log,
        } => serve(&config, log_format, &log),
        Command::CheckConfig { config } => check_config(&config),
        Command::Audit(command) => audit(command),
        Command::Openapi { out } => openapi(out.as_deref()),
    };
    let (text, code) = match done {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Failed(text)) => (text, 1),
        Err(Failure::Usage(text)) => (text, 2),
    };
    let _ = writeln!(std::io::stderr(), "ees: {text}");
    ExitCode::from(code)
}

fn say(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| Failure::Failed(error.to_string()))
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Runtime::new().map_err(|error| Failure::Failed(error.to_string()))
}

fn serve(file: &Path, format: Option<Format>, log: &str) -> Result<(), Failure> {
    let config = EesConfig::read(file).map_err(|error| Failure::Usage(error.to_string()))?;
    let format = match format {
        Some(Format::Json) => LogFormat::Json,
        Some(Format::Text) => LogFormat::Text,
        None => LogFormat::fitting(),
    };
    let identifiers = match config.privacy.log_identifiers_as_they_are {
        true => Identifiers::AsTheyAre,
        false => Identifiers::Replaced,
    };
    start_logging(format, log, identifiers).map_err(Failure::Usage)?;
    Effective::of(&config).map_err(Failure::Failed)?.log();
    keep_memory_private();
    runtime()?.block_on(async {
        let server = EesBuilder::new(config).build().await;
        let server = server.map_err(|error| not_started(file, &error))?;
        let stop = CancellationToken::new();
        let stopping = stop.clone();
        let wish = stop_signal().map_err(|error| Failure::Failed(error.to_string()))?;
        tokio::spawn(async move {
            wish.await;
            tracing::info!("stopping: requests that run may finish");
            stopping.cancel();
        });
        say(&server.serving().announcement())?;
        server.serve(stop).await;
        Ok(())
    })
}

/// Why a server with the configuration of this file did not start.
fn not_started(file: &Path, error: &StartError) -> Failure {
    let text = format!("{}: {error}", file.display());
    if error.is_of_configuration() {
        Failure::Usage(text)
    } else {
        Failure::Failed(text)
    }
}

fn audit(command: AuditCommand) -> Result<(), Failure> {
    let done = command.run().map_err(|error| match error {
        CommandError::Usage(text) => Failure::Usage(text),
        CommandError::Failed(text) => Failure::Failed(text),
    })?;
    say(&done)
}

fn check_config(file: &Path) -> Result<(), Failure> {
    let config = EesConfig::read(file).map_err(|error| Failure::Usage(error.to_string()))?;
    runtime()?
        .block_on(async { check_files(&config) })
        .map_err(|error| not_started(file, &error))?;
    let effective = Effective::of(&config).map_err(Failure::Failed)?;
    say(&effective.text())?;
    effective.verdict().map_err(Failure::Failed)
}

fn openapi(out: Option<&Path>) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(error.to_string());
    let apis = runtime()?
        .block_on(edgeapp_ees::apis())
        .map_err(|error| failed(&error))?;
    for api in apis {
        for (path, document) in api.files().map_err(|error| failed(&error))? {
            match out {
                None => say(&format!("---\n{document}"))?,
                Some(folder) => {
                    let file = folder.join(path);
                    std::fs::create_dir_all(file.parent().unwrap_or(folder)).map_err(|error| failed(&error))?;
                    std::fs::write(&file, document)
                        .map_err(|error| Failure::Failed(format!("{}: {error}", file.display())))?;
                    say(&format!("{}\n", file.display()))?;
                }
            }
        }
    }
    Ok(())
}
