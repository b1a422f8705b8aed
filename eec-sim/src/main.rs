//! The program `eec-sim`.

use clap::{Parser, Subcommand};
use edgeapp_http::assembly::stop_signal;
use eec_sim::{
    command::{self, AtCore, Changed, CommandError, DnsQuestion, Given, Outcome, Output, Steered, Trial},
    load::{Way, Wish, wish::time},
};
use std::{
    future::Future,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

/// Plays UEs, Edge Enabler Clients, application clients and Edge Application Servers against real EDGEAPP servers.
///
/// Exit code 0: every assertion held. 1: something failed. 2: wrong usage or configuration.
#[derive(Parser)]
#[command(name = "eec-sim", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Starts an ECS, two EESs and application servers, and lets a UE move between two edge sites.
    Demo {
        /// Has the EESs demand access tokens of the ECS from EECs.
        #[arg(long)]
        tokens: bool,
        #[command(flatten)]
        output: OutputArguments,
    },
    /// Plays scenarios: shipped ones by name, or files. Those that have the same sites share their servers.
    Run {
        /// Names of shipped scenarios, or TOML files.
        #[arg(required = true, value_name = "SCENARIO")]
        scenarios: Vec<String>,
        /// The ECS of running servers, such as https://127.0.0.1:9304; without it fresh servers are started.
        #[arg(long, value_name = "URL", requires = "pki")]
        ecs: Option<String>,
        /// The folder that `pki init` made for these servers.
        #[arg(long, value_name = "DIR", requires = "ecs")]
        pki: Option<PathBuf>,
        /// Has fresh EESs demand access tokens of the ECS from EECs. Running servers are asked whether they do.
        #[arg(long, conflicts_with = "ecs")]
        tokens: bool,
        /// What goes wrong on purpose, by name; may be given several times. `eec-sim list` shows the names.
        #[arg(long = "fault", value_name = "NAME")]
        faults: Vec<String>,
        /// The seed of everything that is left to chance.
        #[arg(long)]
        seed: Option<u64>,
        /// How many times as fast time goes by for the UEs.
        #[arg(long, value_name = "TIMES")]
        speed: Option<f64>,
        #[command(flatten)]
        output: OutputArguments,
    },
    /// Lets many UEs register and move between sites, bounded in count and time; measures, and judges the whole.
    Load(LoadArguments),
    /// Plays every shipped scenario, and prints a table of what came of each.
    Trial {
        /// With how many seeds each is played.
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=100))]
        seeds: u64,
        /// Plays each with every fault that it can have, too; takes a while.
        #[arg(long)]
        faults: bool,
        /// Only scenarios in whose name this stands.
        #[arg(long, value_name = "TEXT")]
        only: Option<String>,
        /// How many worlds there are at a time, each with servers of its own.
        #[arg(long, value_name = "N", default_value_t = 2)]
        at_once: usize,
        /// Keeps the report of everything that failed in this folder.
        #[arg(long, value_name = "DIR")]
        report: Option<PathBuf>,
        /// Prints JSON lines and nothing else.
        #[arg(long)]
        json: bool,
    },
    /// Shows the scenarios that come with the program.
    List,
    /// Compares two reports: percentiles of every value, and assertions that no longer hold. Exit code 1 when there are such.
    Compare {
        /// The folder of the earlier report.
        before: PathBuf,
        /// The folder of the later one.
        after: PathBuf,
    },
    /// Runs a simulated NEF: the 3GPP core network that EESs and ECSs ask for locations, paths and quality.
    Nef {
        /// The configuration; `pki init` makes one.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// How many times as fast UEs walk their routes.
        #[arg(long, default_value_t = 1.0)]
        speed: f64,
        /// Prints JSON lines and nothing else.
        #[arg(long)]
        json: bool,
    },
    /// Runs a callback server that thanks for every notification and prints it.
    Callbacks {
        /// The folder that `pki init` made.
        #[arg(long, value_name = "DIR")]
        pki: PathBuf,
        /// Whose certificate it shows: the name of the file without its ending.
        #[arg(long = "as", value_name = "NAME")]
        who: String,
        /// The port on loopback; 0 lets the system choose.
        #[arg(long, default_value_t = 9999)]
        port: u16,
        /// Prints JSON lines and nothing else.
        #[arg(long)]
        json: bool,
    },
    /// Runs a simulated collector that keeps the audit records of EESs and ECSs.
    Collector {
        /// The folder that `pki init` made.
        #[arg(long, value_name = "DIR")]
        pki: PathBuf,
        /// Whose certificate it shows: the name of the file without its ending.
        #[arg(long = "as", value_name = "NAME", default_value = "collector")]
        who: String,
        /// The port on loopback; 0 lets the system choose.
        #[arg(long, default_value_t = 9514)]
        port: u16,
        /// The folder for the records.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Asks for an EAS by its name: over TLS, of a server that proves its own name, or not at all. Exit code 0 when every type is
    /// answered.
    Dns {
        /// The name.
        name: String,
        /// The type, such as A, AAAA, HTTPS or SRV; may be given several times.
        #[arg(long = "type", value_name = "TYPE", default_value = "A")]
        kinds: Vec<String>,
        /// Where the server is.
        #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:853")]
        server: SocketAddr,
        /// The name that its certificate has to have.
        #[arg(long, value_name = "NAME", default_value = "localhost")]
        server_name: String,
        /// A key that it has to have: SHA-256 of its public key in Base64, as kdig takes it. May be given several times.
        #[arg(long = "pin", value_name = "BASE64")]
        pins: Vec<String>,
        /// The folder that `pki init` made.
        #[arg(long, value_name = "DIR")]
        pki: PathBuf,
        /// Whose certificate is shown: the name of the file without its ending. Without it none is.
        #[arg(long = "as", value_name = "NAME")]
        who: Option<String>,
        /// The network that it is asked for, as a resolver does that asks for its clients.
        #[arg(long, value_name = "NETWORK")]
        subnet: Option<String>,
        /// Prints JSON lines and nothing else.
        #[arg(long)]
        json: bool,
    },
    /// Plays an SMF: says what becomes of the DNS messages of a UE, prints what it is told of them, and takes it all back when told to
    /// end.
    Smf {
        /// The folder that `pki init` made.
        #[arg(long, value_name = "DIR")]
        pki: PathBuf,
        /// Whose certificate it shows: the name of the file without its ending.
        #[arg(long = "as", value_name = "NAME", default_value = "smf")]
        who: String,
        /// The EES that is the EASDF.
        #[arg(long, value_name = "URL", default_value = "https://localhost:9188")]
        easdf: String,
        /// Where the queries of the UE come from.
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
        ue: IpAddr,
        /// The network for which they are asked.
        #[arg(long, value_name = "NETWORK", conflicts_with = "respond")]
        network: Option<String>,
        /// What they are answered with; may be given several times.
        #[arg(long, value_name = "ADDRESS")]
        respond: Vec<IpAddr>,
        /// Holds responses for so many milliseconds, as if the traffic of the UE were led elsewhere meanwhile.
        #[arg(long, value_name = "MS")]
        hold: Option<u64>,
        /// The port for reports on loopback; 0 lets the system choose.
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// Prints JSON lines and nothing else.
        #[arg(long)]
        json: bool,
    },
    /// Plays an EAS as an API invoker of a CAPIF core function: onboarding, discovery, tokens, calls.
    #[command(subcommand)]
    Capif(CapifCommand),
    /// Certificates and configuration files for a laboratory.
    #[command(subcommand)]
    Pki(PkiCommand),
}

#[derive(clap::Args)]
struct OutputArguments {
    /// Writes a page with diagrams, the messages and the servers' logs into this folder.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Prints JSON lines and nothing else.
    #[arg(long)]
    json: bool,
}

impl From<OutputArguments> for Output {
    fn from(OutputArguments { report, json }: OutputArguments) -> Self {
        Self { json, report }
    }
}

/// Where the core function is, and what the invoker keeps.
#[derive(clap::Args)]
struct CoreArguments {
    /// The core function, such as https://127.0.0.1:9443.
    #[arg(long, value_name = "URL")]
    ccf: String,
    /// The issuers of its certificate, in PEM.
    #[arg(long, value_name = "FILE")]
    roots: PathBuf,
    /// The folder in which the invoker keeps its key, its certificate and its token.
    #[arg(long, value_name = "DIR", default_value = "invoker")]
    invoker: PathBuf,
    /// Prints JSON and nothing else.
    #[arg(long)]
    json: bool,
}

impl CoreArguments {
    fn at(&self) -> AtCore<'_> {
        AtCore {
            url: &self.ccf,
            roots: &self.roots,
            folder: &self.invoker,
            json: self.json,
        }
    }
}

#[derive(Subcommand)]
enum CapifCommand {
    /// Becomes an API invoker: a key is made here, and certified for a credential.
    Onboard {
        #[command(flatten)]
        core: CoreArguments,
        /// A file with the onboarding credential: `ees ccf credential new --role invoker`.
        #[arg(long, value_name = "FILE")]
        credential: PathBuf,
        /// Where the core function tells the invoker of things.
        #[arg(long, value_name = "URL", default_value = "https://127.0.0.1:9999/capif")]
        told_at: String,
    },
    /// Shows the APIs that fit a query. Exit code 0 when there are any.
    Discover {
        #[command(flatten)]
        core: CoreArguments,
        /// Parameters by their names in the standard, such as api-name=eees-easregistration.
        #[arg(value_name = "NAME=VALUE")]
        query: Vec<String>,
    },
    /// Agrees on tokens with the exposing functions of some APIs, and gets one.
    Token {
        #[command(flatten)]
        core: CoreArguments,
        /// An API; may be given several times.
        #[arg(long = "api", value_name = "NAME", required = true)]
        apis: Vec<String>,
        /// What the token is to allow, such as 3gpp#AEF1:eees-easregistration; all that was agreed on when not given.
        #[arg(long)]
        scope: Option<String>,
        /// Where the core function tells the invoker of revocations.
        #[arg(long, value_name = "URL", default_value = "https://127.0.0.1:9999/capif")]
        told_at: String,
    },
    /// Calls an exposed API with the token. Exit code 0 when the answer is a 2xx.
    Call {
        #[command(flatten)]
        core: CoreArguments,
        /// The method, such as GET.
        method: String,
        /// The URI.
        url: String,
        /// A file with the JSON body.
        #[arg(long, value_name = "FILE")]
        body: Option<PathBuf>,
        /// The issuers of the server's certificate, in PEM.
        #[arg(long, value_name = "FILE")]
        servers: PathBuf,
    },
    /// Plays the whole scenario against servers that run: an EAS is onboarded, finds the EES, gets a token, registers over EDGE-3, loses
    /// its authorization and is refused on the connection that it holds. `run capif` starts servers of its own.
    Walk {
        /// The core function.
        #[arg(long, value_name = "URL")]
        ccf: String,
        /// The operator's port of the core function.
        #[arg(long, value_name = "URL")]
        operator: String,
        /// The folder that `pki init` made for them.
        #[arg(long, value_name = "DIR")]
        pki: PathBuf,
        /// The core function is embedded in the EES, whose operator's port it shares.
        #[arg(long)]
        embedded: bool,
        /// Prints JSON lines and nothing else.
        #[arg(long)]
        json: bool,
    },
}

#[derive(clap::Args)]
struct LoadArguments {
    /// UEs that register and move.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    ues: u32,
    /// For how long UEs set out, such as 60s, 500ms or 5m.
    #[arg(long = "for", value_name = "TIME", default_value = "60s", value_parser = time)]
    lasts: Duration,
    /// Sites, each with an EES and an application server.
    #[arg(long, value_name = "N", default_value_t = 10)]
    edns: u32,
    /// How applications follow: b (the EEC decides, the S-EES executes), d (the S-EES decides and executes), none (EECs only register).
    #[arg(long, value_name = "WAY", default_value_t = Way::B)]
    scenario: Way,
    /// How long a UE stays at a site on average.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = time)]
    stay: Duration,
    /// Every UE crosses a border once, within this time, and no more.
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with_all = ["stay"])]
    cross_within: Option<Duration>,
    /// No UE sets out after so many have.
    #[arg(long, value_name = "N")]
    crossings: Option<u64>,
    /// Further EECs that are registered and do nothing; of fresh servers only.
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "ecs")]
    bystanders: u32,
    /// From one request of an application to the next, while its UE moves.
    #[arg(long, value_name = "TIME", default_value = "50ms", value_parser = time)]
    period: Duration,
    /// UEs that talk at the same time, at most.
    #[arg(long, value_name = "N", default_value_t = 128)]
    at_once: u32,
    /// The seed of everything that is left to chance.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The ECS of running servers, such as https://127.0.0.1:9304; without it fresh servers are started.
    #[arg(long, value_name = "URL", requires = "pki")]
    ecs: Option<String>,
    /// The folder that `pki init` made for these servers.
    #[arg(long, value_name = "DIR", requires = "ecs")]
    pki: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArguments,
}

impl From<LoadArguments> for (Wish, Option<Given>, Output) {
    fn from(given: LoadArguments) -> Self {
        let wish = Wish {
            ues: given.ues,
            bystanders: given.bystanders,
            edns: given.edns,
            way: given.scenario,
            // Who crosses within a time sets out within it.
            lasts: given.lasts.max(given.cross_within.unwrap_or_default()),
            stay: given.stay,
            cross_within: given.cross_within,
            crossings: given.crossings,
            period: given.period,
            at_once: given.at_once,
            seed: given.seed,
        };
        let servers = given.ecs.zip(given.pki).map(|(ecs, pki)| Given { ecs, pki });
        (wish, servers, given.output.into())
    }
}

#[derive(Subcommand)]
enum PkiCommand {
    /// Makes authorities, certificates and configuration files for one ECS and two EESs in a new folder.
    Init {
        /// The folder.
        dir: PathBuf,
        /// A further name or address under which the servers will be reached.
        #[arg(long = "host", value_name = "NAME_OR_IP")]
        hosts: Vec<String>,
        /// The EESs demand access tokens of the ECS from EECs.
        #[arg(long)]
        tokens: bool,
    },
    /// Revokes certificates of such a folder: their authorities' lists name them from now on.
    Revoke {
        /// The folder.
        dir: PathBuf,
        /// Whose: the name of the file without its ending, such as `eec-1`.
        #[arg(required = true)]
        names: Vec<String>,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Demo { tokens, output } => wait(command::demo(tokens, &output.into())),
        Command::Run {
            scenarios,
            ecs,
            pki,
            tokens,
            faults,
            seed,
            speed,
            output,
        } => {
            if scenarios.iter().any(|name| name == command::CAPIF) {
                return finished(match (scenarios.len(), &ecs, tokens, &output.report) {
                    (1, None, false, None) if faults.is_empty() => wait(command::capif_demo(output.json)),
                    _ => Err(CommandError::Usage(format!(
                        "{} is played alone, with servers of its own, and takes --json only; against servers that run: eec-sim capif walk",
                        command::CAPIF
                    ))),
                });
            }
            let given = ecs.zip(pki).map(|(ecs, pki)| Given { ecs, pki });
            let changed = Changed { seed, speed, faults };
            wait(command::some(
                &scenarios,
                given.as_ref(),
                tokens,
                &changed,
                &output.into(),
            ))
        }
        Command::Load(arguments) => {
            let (wish, given, output) = arguments.into();
            wait(command::load(wish, given.as_ref(), &output))
        }
        Command::Trial {
            seeds,
            faults,
            only,
            at_once,
            report,
            json,
        } => wait(command::trial(&Trial {
            seeds,
            faults,
            only,
            at_once,
            report,
            json,
        })),
        Command::List => command::list(),
        Command::Compare { before, after } => command::compare(&before, &after),
        Command::Nef { config, speed, json } => wait(command::nef(&config, speed, json)),
        Command::Callbacks { pki, who, port, json } => wait(command::callbacks(&pki, &who, port, json)),
        Command::Collector { pki, who, port, out } => wait(command::collector(&pki, &who, port, &out)),
        Command::Dns {
            name,
            kinds,
            server,
            server_name,
            pins,
            pki,
            who,
            subnet,
            json,
        } => wait(command::dns(
            &pki,
            &DnsQuestion {
                name: &name,
                kinds: &kinds,
                server,
                server_name: &server_name,
                pins: &pins,
                who: who.as_deref(),
                subnet: subnet.as_deref(),
                json,
            },
        )),
        Command::Smf {
            pki,
            who,
            easdf,
            ue,
            network,
            respond,
            hold,
            port,
            json,
        } => wait_to_its_end(command::smf(
            &pki,
            &Steered {
                easdf: &easdf,
                who: &who,
                ue,
                network: network.as_deref(),
                respond: &respond,
                hold: hold.map(Duration::from_millis),
                port,
                json,
            },
        )),
        Command::Capif(command) => wait(capif(command)),
        Command::Pki(PkiCommand::Init { dir, hosts, tokens }) => command::pki_init(&dir, &hosts, tokens),
        Command::Pki(PkiCommand::Revoke { dir, names }) => command::pki_revoke(&dir, &names),
    };
    finished(outcome)
}

fn finished(outcome: Result<Outcome, CommandError>) -> ExitCode {
    match outcome {
        Ok(Outcome::Good) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::from(1),
        Err(error) => {
            anstream::eprintln!("eec-sim: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

async fn capif(command: CapifCommand) -> Result<Outcome, CommandError> {
    match command {
        CapifCommand::Onboard {
            core,
            credential,
            told_at,
        } => core.at().onboard(&credential, &told_at).await,
        CapifCommand::Discover { core, query } => core.at().discover(&query).await,
        CapifCommand::Token {
            core,
            apis,
            scope,
            told_at,
        } => core.at().token(&apis, scope.as_deref(), &told_at).await,
        CapifCommand::Call {
            core,
            method,
            url,
            body,
            servers,
        } => core.at().call(&method, &url, body.as_deref(), &servers).await,
        CapifCommand::Walk {
            ccf,
            operator,
            pki,
            embedded,
            json,
        } => command::capif_walk(&pki, &ccf, &operator, embedded, json).await,
    }
}

fn wait(work: impl Future<Output = Result<Outcome, CommandError>>) -> Result<Outcome, CommandError> {
    wait_to_its_end(async {
        let wish =
            stop_signal().map_err(|error| CommandError::Failed(format!("signals cannot be listened for: {error}")))?;
        tokio::select! {
            outcome = work => outcome,
            // What was started goes with the work that is dropped here.
            () = wish => Err(CommandError::Failed("interrupted".to_owned())),
        }
    })
}

/// As [`wait`], for work that listens for signals by itself: it has something to take back.
fn wait_to_its_end(work: impl Future<Output = Result<Outcome, CommandError>>) -> Result<Outcome, CommandError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CommandError::Usage(format!("no threads can be started: {error}")))?;
    runtime.block_on(work)
}
