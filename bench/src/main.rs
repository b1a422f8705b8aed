//! Compares an EES with a bare reference that does the least that must be done: the same bytes over the same TLS, or the same bytes
//! on the same disk. Both sides run alternately in one run, because a ratio survives a busy machine and an absolute number does not.
//!
//! | module | what it holds |
//! |---|---|
//! | [`arguments`] | the command line |
//! | [`discovery`], [`registration`], [`memory`], [`notify`], [`subscriptions`], [`tls`], [`dot`], [`continuity`], [`capif`] | the measurements |
//! | [`bare`] | the reference of discovery: a server that answers fixed bytes |
//! | [`footprint`] | the reference of registration: what one registration puts and deletes |
//! | [`laboratory`] | certificates, configuration and the `ees` process |
//! | [`ears`] | subscribers of `notify`, living and dead |
//! | [`bodies`], [`population`] | what is sent; EECs in great number |
//! | [`load`] | the load generator |
//! | [`process`] | CPU time and resident memory of a process |
//! | [`comparison`] | rates, ratios, medians, percentiles; table and JSON |

mod arguments;
mod bare;
mod bodies;
mod capif;
mod comparison;
mod continuity;
mod discovery;
mod dot;
mod ears;
mod footprint;
mod laboratory;
mod load;
mod memory;
mod notify;
mod population;
mod process;
mod registration;
mod subscriptions;
mod tls;

use arguments::{Arguments, Command};
use clap::Parser;
use std::{io::Write, process::ExitCode};

/// The allocator of the servers, for both sides of a comparison.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Why a measurement has no result.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A result: a table for people, or one line of JSON.
struct Report {
    table: String,
    json: serde_json::Value,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("edgeapp-bench: {error}"));
            ExitCode::from(1)
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    let runtime = tokio::runtime::Runtime::new()?;
    let (result, json) = match command {
        Command::Serve { config } => return runtime.block_on(bare::serve(&config)),
        Command::Accept { config } => return runtime.block_on(tls::accept(&config)),
        Command::Tls(arguments) => (runtime.block_on(tls::run(&arguments))?, arguments.json),
        Command::Discovery(arguments) => (runtime.block_on(discovery::run(&arguments))?, arguments.common.json),
        Command::Dot(arguments) => (runtime.block_on(dot::run(&arguments))?, arguments.json),
        Command::Continuity(arguments) => (runtime.block_on(continuity::run(&arguments))?, arguments.json),
        Command::Capif(arguments) => (runtime.block_on(capif::run(&arguments))?, arguments.common.json),
        Command::Notify(arguments) => (runtime.block_on(notify::run(&arguments))?, arguments.json),
        Command::Subscriptions(arguments) => (runtime.block_on(subscriptions::run(&arguments))?, arguments.json),
        Command::Registration(arguments) if arguments.memory => {
            (runtime.block_on(memory::run(&arguments))?, arguments.common.json)
        }
        Command::Registration(arguments) => (runtime.block_on(registration::run(&arguments))?, arguments.common.json),
    };
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", result.json)?
    } else {
        write!(out, "{}", result.table)?
    }
    Ok(())
}

/// Progress, for whoever watches; results go to standard output.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
