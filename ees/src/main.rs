//! The program `ees`.

use clap::{Parser, Subcommand, ValueEnum};
use edgeapp_audit::{
    command::{AuditCommand, CommandError},
    settings::PrivacySettings,
};
use edgeapp_authz::policy::{
    Catalogue,
    check::{self, Asked},
};
use edgeapp_ees::{
    ccf::{
        self,
        command::{CcfCommand, CommandError as CcfError},
        config::CcfConfig,
        server::CcfServer,
    },
    config::EesConfig,
    ees::{EesBuilder, StartError, check_files},
    operations,
};
use edgeapp_http::{
    assembly::stop_signal,
    secrets::keep_memory_private,
    settings::Effective,
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
    /// Make a key that the state is encrypted with (`store.encryption_key_file`), readable by its owner alone.
    StateKey {
        /// The file to make.
        file: PathBuf,
    },
    /// Say what the policies allow: a table of what each role may use, or the answer to one question and the policies that lead to it.
    /// Exit status 0 allowed, 1 refused, 2 when policies or question cannot be used.
    CheckPolicy {
        /// The configuration file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        #[command(flatten)]
        question: Option<Question>,
    },
    /// Print the policies that this program comes with, to begin with.
    Policies {
        /// The folder to write them to, with the schema for editors; without it they are printed.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// Print the schema: what policies can speak of.
        #[arg(long, conflicts_with = "out")]
        schema: bool,
    },
    /// Be a CAPIF core function (TS 29.222), or look after one that runs.
    Ccf(CcfArguments),
    /// Write the OpenAPI documents of what this program serves.
    Openapi {
        /// The folder to write them to; without it they are printed.
        #[arg(long)]
        out: Option<PathBuf>,
    },
}

/// Without a subcommand: serve until SIGTERM or SIGINT; prints where it listens, then `ready`.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct CcfArguments {
    #[command(flatten)]
    serve: CcfServe,
    #[command(subcommand)]
    command: Option<CcfCommand>,
}

#[derive(clap::Args)]
struct CcfServe {
    /// The configuration file.
    #[arg(long, required = true)]
    config: Option<PathBuf>,
    /// How log lines are written; by default text on a terminal, JSON elsewhere.
    #[arg(long, value_enum)]
    log_format: Option<Format>,
    /// Which log lines are written: a level, or a list such as `info,edgeapp_core=debug`.
    #[arg(long, default_value = "info")]
    log: String,
}

/// May this caller use this operation on this listener?
#[derive(clap::Args)]
#[group(requires_all = ["principal", "operation", "listener"])]
struct Question {
    /// Who asks: the identity URI of its certificate, such as urn:edgeapp:eec:eec-1.
    #[arg(long, value_name = "URI", required = false)]
    principal: String,
    /// What it wants, such as eees-easdiscovery:request.
    #[arg(long, value_name = "NAME", required = false)]
    operation: String,
    /// Where the request comes in, by reference point, such as edge1.
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

/// What went wrong, and the exit code that says so.
enum Failure {
    /// 1: it failed.
    Failed(String),
    /// 2: wrong usage or configuration.
    Usage(String),
    /// 1: a question was answered with no, and that has been said.
    Refused,
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
        Command::StateKey { file } => state_key(&file),
        Command::CheckPolicy { config, question } => check_policy(&config, question),
        Command::Policies { out, schema } => policies(&operations::catalogue(), out.as_deref(), schema),
        Command::Ccf(arguments) => core_function(arguments),
        Command::Openapi { out } => openapi(out.as_deref()),
    };
    let (text, code) = match done {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Failed(text)) => (text, 1),
        Err(Failure::Usage(text)) => (text, 2),
        Err(Failure::Refused) => return ExitCode::from(1),
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

fn logging(format: Option<Format>, log: &str, privacy: &PrivacySettings) -> Result<(), Failure> {
    let format = match format {
        Some(Format::Json) => LogFormat::Json,
        Some(Format::Text) => LogFormat::Text,
        None => LogFormat::fitting(),
    };
    let identifiers = match privacy.log_identifiers_as_they_are {
        true => Identifiers::AsTheyAre,
        false => Identifiers::Replaced,
    };
    start_logging(format, log, identifiers).map_err(Failure::Usage)
}

/// Cancelled once somebody wishes that the process end.
fn stop() -> Result<CancellationToken, Failure> {
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    let wish = stop_signal().map_err(|error| Failure::Failed(error.to_string()))?;
    tokio::spawn(async move {
        wish.await;
        tracing::info!("stopping: requests that run may finish");
        stopping.cancel();
    });
    Ok(stop)
}

fn serve(file: &Path, format: Option<Format>, log: &str) -> Result<(), Failure> {
    let config = EesConfig::read(file).map_err(|error| Failure::Usage(error.to_string()))?;
    logging(format, log, &config.privacy)?;
    Effective::of(&config).map_err(Failure::Failed)?.log();
    for hint in config.hints() {
        tracing::warn!("{hint}");
    }
    keep_memory_private();
    runtime()?.block_on(async {
        let server = EesBuilder::new(config).build().await;
        let server = server.map_err(|error| not_started(file, &error))?;
        let stop = stop()?;
        say(&server.announcement())?;
        server.serve(stop).await;
        Ok(())
    })
}

fn core_function(arguments: CcfArguments) -> Result<(), Failure> {
    match arguments.command {
        None => serve_core_function(&arguments.serve),
        Some(CcfCommand::CheckConfig { config: file }) => {
            let config = CcfConfig::read(&file).map_err(|error| Failure::Usage(error.to_string()))?;
            runtime()?
                .block_on(async { ccf::server::check_files(&config) })
                .map_err(|error| not_started(&file, &error))?;
            verdict(&Effective::of(&config).map_err(Failure::Failed)?)
        }
        Some(CcfCommand::Policies { out, schema }) => policies(&ccf::operations::catalogue(), out.as_deref(), schema),
        Some(command) => {
            let done = runtime()?.block_on(command.run()).map_err(|error| match error {
                CcfError::Usage(text) => Failure::Usage(text),
                CcfError::Failed(text) => Failure::Failed(text),
            })?;
            say(&done)
        }
    }
}

fn serve_core_function(arguments: &CcfServe) -> Result<(), Failure> {
    let Some(file) = &arguments.config else {
        return Err(Failure::Usage("ccf: name a configuration with --config".to_owned()));
    };
    let config = CcfConfig::read(file).map_err(|error| Failure::Usage(error.to_string()))?;
    logging(arguments.log_format, &arguments.log, &config.privacy)?;
    Effective::of(&config).map_err(Failure::Failed)?.log();
    keep_memory_private();
    runtime()?.block_on(async {
        let server = CcfServer::open(&config)
            .await
            .map_err(|error| not_started(file, &error))?;
        let stop = stop()?;
        say(&server.announcement())?;
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
    let config = EesConfig::read(file).map_err(|error| Failure::Usage(error.to_string()))?;
    runtime()?
        .block_on(async { check_files(&config) })
        .map_err(|error| not_started(file, &error))?;
    let mut out = std::io::stderr().lock();
    for hint in config.hints() {
        let _ = writeln!(out, "hint: {}: {hint}", file.display());
    }
    drop(out);
    verdict(&Effective::of(&config).map_err(Failure::Failed)?)
}

fn verdict(effective: &Effective) -> Result<(), Failure> {
    say(&effective.text())?;
    effective.verdict().map_err(Failure::Failed)
}

fn check_policy(file: &Path, question: Option<Question>) -> Result<(), Failure> {
    let usage = |error: &dyn std::fmt::Display| Failure::Usage(error.to_string());
    let config = EesConfig::read(file).map_err(|error| Failure::Usage(error.to_string()))?;
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

fn policies(catalogue: &Catalogue, out: Option<&Path>, schema: bool) -> Result<(), Failure> {
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

fn openapi(out: Option<&Path>) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(error.to_string());
    let of_ees = runtime()?
        .block_on(edgeapp_ees::apis())
        .map_err(|error| failed(&error))?;
    let of_core = runtime()?.block_on(ccf::documented()).map_err(|error| failed(&error))?;
    let apis = of_ees.iter().map(|api| ("", api));
    for (group, api) in apis.chain(of_core.iter().map(|api| ("capif", api))) {
        for (path, document) in api.files().map_err(|error| failed(&error))? {
            match out {
                None => say(&format!("---\n{document}"))?,
                Some(folder) => {
                    let file = folder.join(group).join(path);
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
