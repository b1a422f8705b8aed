//! The program `ecs`. Exit status: 0 good, 1 failed, 2 wrong usage or configuration.

use clap::{Parser, Subcommand, ValueEnum};
use edgeapp_audit::{
    command::{AuditCommand, CommandError},
    settings::AuditError,
};
use edgeapp_authz::policy::check::{self, Asked};
use edgeapp_ecs::{
    config::EcsConfig,
    ecs::documents,
    operations,
    serve::{Loaded, ServeError},
};
use edgeapp_http::{
    assembly::stop_signal,
    operator::install_metrics,
    secrets::keep_memory_private,
    settings::{Effective, SettingsError},
    telemetry::{Identifiers, LogFormat, start_logging},
};
use edgeapp_store::sealed::KeyFiles;
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};
use tokio_util::sync::CancellationToken;

/// Requests make many short-lived allocations on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Edge Configuration Server of 3GPP TS 23.558.
#[derive(Parser)]
#[command(name = "ecs", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves until SIGTERM or SIGINT. Prints `listening <reference point> <URL>` per listener and then `ready`.
    Serve {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// How log lines are written on standard error; text on a terminal, JSON elsewhere when absent.
        #[arg(long, value_name = "FORMAT")]
        log_format: Option<Format>,
        /// What is logged: a level, or a list such as `info,edgeapp_core=debug`.
        #[arg(long, value_name = "FILTER", default_value = "info")]
        log: String,
    },
    /// Checks a configuration file and what it names, prints the settings that it leads to, and says what is weaker than the hardened
    /// reference. Exit status 1 when anything is, 2 when the file cannot be used.
    CheckConfig {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Keys of audit logs, and whether a log is as it was written.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Makes a key that the state is encrypted with (`store.encryption_key_file`), readable by its owner alone.
    StateKey {
        /// The file to make.
        file: PathBuf,
    },
    /// Says what the policies allow: a table of what each role may use, or the answer to one question and the policies that lead to it.
    /// Exit status 0 allowed, 1 refused, 2 when policies or question cannot be used.
    CheckPolicy {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        #[command(flatten)]
        question: Option<Question>,
    },
    /// Prints the policies that this program comes with, to begin with.
    Policies {
        /// The folder to write them to, with the schema for editors; without it they are printed.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// Prints the schema: what policies can speak of.
        #[arg(long, conflicts_with = "out")]
        schema: bool,
    },
    /// Writes the OpenAPI documents of the APIs that this program serves.
    Openapi {
        /// The folder to write `<API>.yaml` into; standard output when absent.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

/// May this caller use this operation on this listener?
#[derive(clap::Args)]
#[group(requires_all = ["principal", "operation", "listener"])]
struct Question {
    /// Who asks: the identity URI of its certificate, such as urn:edgeapp:ees:ees-a.example.
    #[arg(long, value_name = "URI", required = false)]
    principal: String,
    /// What it wants, such as eecs-eesregistration:create.
    #[arg(long, value_name = "NAME", required = false)]
    operation: String,
    /// Where the request comes in, by reference point, such as edge6.
    #[arg(long, value_name = "POINT", required = false)]
    listener: String,
    /// Who made what the request is about; the caller itself when not given.
    #[arg(long, value_name = "URI")]
    owner: Option<String>,
    /// The provider in the certificate of the caller (urn:edgeapp:asp:..).
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// A DNS name in the certificate of the caller; may be given several times.
    #[arg(long = "dns-name", value_name = "NAME")]
    dns_names: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Json,
    Text,
}

/// Why the program ends with another status than 0.
enum Failure {
    Usage(String),
    Failed(String),
    /// A question was answered with no, and that has been said.
    Refused,
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl Failure {
    /// Why a server with the configuration of this file did not start.
    fn to_start(file: &Path, error: ServeError) -> Self {
        match error {
            ServeError::Settings(error) => error.into(),
            ServeError::Audit(AuditError::Store(_)) => Self::Failed(error.to_string()),
            ServeError::Store(damaged) if damaged.is_damage() => Self::Failed(damaged.to_string()),
            ServeError::Bind(_) | ServeError::Store(_) | ServeError::Nef(_) | ServeError::Audit(_) => {
                Self::Usage(format!("{}: {error}", file.display()))
            }
            ServeError::State(_) | ServeError::Document(_) => Self::Failed(error.to_string()),
        }
    }
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::Failed(error.to_string())
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Serve {
            config,
            log_format,
            log,
        } => serve(&config, log_format, &log).await,
        Command::CheckConfig { config } => check_config(&config),
        Command::Audit(command) => audit(command),
        Command::StateKey { file } => state_key(&file),
        Command::CheckPolicy { config, question } => check_policy(&config, question),
        Command::Policies { out, schema } => policies(out.as_deref(), schema),
        Command::Openapi { out } => openapi(out.as_deref()).await,
    };
    let (status, words) = match done {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Failed(words)) => (1, words),
        Err(Failure::Usage(words)) => (2, words),
        Err(Failure::Refused) => return ExitCode::from(1),
    };
    let _ = writeln!(std::io::stderr(), "ecs: {words}");
    ExitCode::from(status)
}

fn say(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(failed)
}

async fn serve(file: &Path, format: Option<Format>, log: &str) -> Result<(), Failure> {
    let format = match format {
        Some(Format::Json) => LogFormat::Json,
        Some(Format::Text) => LogFormat::Text,
        None => LogFormat::fitting(),
    };
    let config = EcsConfig::load(file)?;
    let identifiers = match config.privacy.log_identifiers_as_they_are {
        true => Identifiers::AsTheyAre,
        false => Identifiers::Replaced,
    };
    start_logging(format, log, identifiers).map_err(Failure::Usage)?;
    Effective::of(&config).map_err(failed)?.log();
    // Before anything secret is read, and after there is a log that says so.
    keep_memory_private();
    let loaded = Loaded::from_config(config, file)?;
    let running = loaded
        .open(install_metrics().map_err(failed)?)
        .await
        .map_err(|error| Failure::to_start(file, error))?;
    let stop = CancellationToken::new();
    let (asked, wish) = (stop.clone(), stop_signal().map_err(failed)?);
    tokio::spawn(async move {
        wish.await;
        tracing::info!("stopping: running requests may finish");
        asked.cancel();
    });
    say(&running.serving().announcement())?;
    running.serve(stop).await;
    tracing::info!("stopped");
    Ok(())
}

fn state_key(file: &Path) -> Result<(), Failure> {
    KeyFiles::make(file).map_err(|error| Failure::Failed(error.to_string()))
}

fn audit(command: AuditCommand) -> Result<(), Failure> {
    let done = command.run().map_err(|error| match error {
        CommandError::Usage(text) => Failure::Usage(text),
        CommandError::Failed(text) => Failure::Failed(text),
    })?;
    say(&done)
}

fn check_config(file: &Path) -> Result<(), Failure> {
    let config = EcsConfig::load(file)?;
    let effective = Effective::of(&config).map_err(failed)?;
    Loaded::from_config(config, file)?;
    say(&effective.text())?;
    effective.verdict().map_err(Failure::Failed)
}

fn check_policy(file: &Path, question: Option<Question>) -> Result<(), Failure> {
    let usage = |error: &dyn std::fmt::Display| Failure::Usage(error.to_string());
    let config = EcsConfig::load(file)?;
    let policy = config
        .authorization
        .open(operations::catalogue())
        .map_err(|error| usage(&error))?;
    let Some(question) = question else {
        return check::show(&check::table(&policy)).map_err(|error| Failure::Failed(error.to_string()));
    };
    let asked = Asked {
        principal: question.principal,
        provider: question.provider,
        dns_names: question.dns_names,
        operation: question.operation,
        listener: question.listener,
        owner: question.owner,
    };
    let answer = check::answer(&policy, &asked).map_err(|error| usage(&error))?;
    check::show(&answer.text).map_err(|error| Failure::Failed(error.to_string()))?;
    if answer.allowed { Ok(()) } else { Err(Failure::Refused) }
}

fn policies(out: Option<&Path>, schema: bool) -> Result<(), Failure> {
    let catalogue = operations::catalogue();
    if schema {
        return say(&catalogue.schema());
    }
    let Some(folder) = out else {
        let files = catalogue.shipped().iter();
        return say(&files
            .map(|file| format!("// {}\n{}\n", file.name, file.text))
            .collect::<String>());
    };
    let written = catalogue.write(folder).map_err(|error| {
        let remedy = match error.kind() {
            std::io::ErrorKind::AlreadyExists => "; name an empty folder: policies that are there are not overwritten",
            _ => "",
        };
        Failure::Failed(format!("{}: {error}{remedy}", folder.display()))
    })?;
    say(&written
        .iter()
        .map(|file| format!("{}\n", file.display()))
        .collect::<String>())
}

async fn openapi(out: Option<&Path>) -> Result<(), Failure> {
    for (path, document) in documents().await.map_err(failed)? {
        match out {
            None => say(&format!("---\n{document}"))?,
            Some(folder) => {
                let file = folder.join(path);
                let written = std::fs::create_dir_all(file.parent().unwrap_or(folder))
                    .and_then(|()| std::fs::write(&file, document));
                written.map_err(|error| failed(format_args!("{}: {error}", file.display())))?;
            }
        }
    }
    Ok(())
}
