//! `demo` and `run`: plays scenarios in a world of its own or in a given one.

use super::{CommandError, Outcome};
use crate::{
    report,
    run::{self, Play},
    scenario::{DEMO, Fault, FaultName, Scenario},
    show::{Show, json::JsonLines, terminal::Terminal},
    world::{NoWorld, World, programs},
};
use edgeapp_openapi::ees_registration::AcrScenario;
use std::{
    fs,
    io::IsTerminal,
    path::{Path, PathBuf},
};

/// How it is to be shown.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// JSON lines instead of text.
    pub json: bool,
    /// A folder for the report.
    pub report: Option<PathBuf>,
}

/// What is to be otherwise than the scenario says.
#[derive(Clone, Debug, Default)]
pub struct Changed {
    /// The seed of everything that is left to chance.
    pub seed: Option<u64>,
    /// How fast time goes by for the UEs.
    pub speed: Option<f64>,
    /// Further faults, by name.
    pub faults: Vec<String>,
}

/// Servers that somebody else runs.
#[derive(Clone, Debug)]
pub struct Given {
    /// The `apiRoot` of the ECS on EDGE-4.
    pub ecs: String,
    /// The folder that `pki init` made.
    pub pki: PathBuf,
}

impl Output {
    fn show(&self) -> Box<dyn Show> {
        if self.json {
            Box::new(JsonLines)
        } else {
            Box::new(Terminal::default())
        }
    }
}

/// `demo`: every way of relocation, one after the other, in a fresh world; with `tokens`, one in which EECs need access tokens.
///
/// # Errors
/// When the servers cannot be had or do not start.
pub async fn demo(tokens: bool, output: &Output) -> Result<Outcome, CommandError> {
    let scenarios: Result<Vec<_>, _> = DEMO.iter().map(|name| Scenario::load(name)).collect();
    play(&scenarios?, None, tokens, output).await
}

/// `run`: scenarios, in fresh worlds or in a given one. With `tokens`, EECs need access tokens in the fresh ones; in a given one they
/// present some where there are some to be had.
///
/// # Errors
/// When a scenario cannot be played, or its world does not come about.
pub async fn some(
    names: &[String],
    given: Option<&Given>,
    tokens: bool,
    changed: &Changed,
    output: &Output,
) -> Result<Outcome, CommandError> {
    let mut scenarios = Vec::new();
    for name in names {
        scenarios.push(changed.applied_to(Scenario::load(name)?, name)?);
    }
    play(&scenarios, given, tokens, output).await
}

impl Changed {
    fn applied_to(&self, mut scenario: Scenario, name: &str) -> Result<Scenario, CommandError> {
        if let Some(seed) = self.seed {
            scenario.seed = seed;
        }
        if let Some(speed) = self.speed {
            scenario.clock.speed = speed;
        }
        for fault in &self.faults {
            let known = FaultName::ALL.iter().find(|known| known.name() == fault);
            let Some(known) = known else {
                let names: Vec<_> = FaultName::ALL.iter().map(|known| known.name()).collect();
                return Err(CommandError::Usage(format!(
                    "there is no fault {fault:?}; there are {}",
                    names.join(", ")
                )));
            };
            scenario.fault.push(Fault::usual(*known));
        }
        Ok(scenario.checked(name)?)
    }
}

/// Whether two scenarios can be played with the same servers.
pub(super) fn share_a_world(one: &Scenario, other: &Scenario) -> bool {
    let sites = |scenario: &Scenario| {
        let site = |edn: &crate::scenario::Edn| (edn.ees.clone(), edn.dnn.clone(), edn.dnais.clone(), edn.tais.clone());
        scenario.edn.iter().map(site).collect::<Vec<_>>()
    };
    sites(one) == sites(other)
        && one.dns == other.dns
        && one.timing.transfer_seconds == other.timing.transfer_seconds
        && run::left_out(one) == run::left_out(other)
}

async fn play(
    scenarios: &[Scenario],
    given: Option<&Given>,
    tokens: bool,
    output: &Output,
) -> Result<Outcome, CommandError> {
    let mut show = output.show();
    let temporary = tempfile::Builder::new().prefix("eec-sim-").tempdir();
    let temporary = temporary.map_err(|error| CommandError::File(std::env::temp_dir(), error))?;
    let logs = output
        .report
        .as_deref()
        .map_or_else(|| temporary.path().join("logs"), |report| report.join("logs"));
    if let Some(report) = &output.report {
        fs::create_dir_all(report).map_err(|error| CommandError::File(report.clone(), error))?;
    }
    let mut plays: Vec<Play> = Vec::new();
    let mut written = Vec::new();
    for (number, together) in scenarios.chunk_by(share_a_world).enumerate() {
        // The first world's folder has no number: most often there is no other.
        let place = |folder: &Path| {
            if number == 0 {
                folder.to_owned()
            } else {
                folder.join(number.to_string())
            }
        };
        let (folder, logs) = (place(&temporary.path().join("world")), place(&logs));
        let world = open(together, given, tokens, output, (&folder, &logs), show.as_mut()).await?;
        for scenario in together {
            let scenario = &without_network(scenario, &world, show.as_mut());
            let watcher = show.begin(&scenario.name, &scenario.title, scenario.acr.as_str());
            let play = run::play(scenario, &world, watcher).await;
            show.end(&play);
            plays.push(play);
        }
        let name = |name: String| {
            if number == 0 {
                name
            } else {
                format!("{name} of world {}", number + 1)
            }
        };
        written.extend(world.logs().into_iter().map(|(of, path)| (name(of), path)));
    }
    let good = plays.iter().all(Play::held);
    show.summary(&plays);
    if let Some(folder) = &output.report {
        report::write(folder, &plays, &written).map_err(|error| CommandError::File(folder.clone(), error))?;
        show.say(&format!("\nThe report: {}", folder.join("index.html").display()));
    } else if !good {
        show_logs(&written, show.as_mut());
    } else if std::io::stdout().is_terminal() {
        show.say("\nWith --report DIR the same can be looked at as a page with diagrams.");
    }
    Ok(if good { Outcome::Good } else { Outcome::Failed })
}

/// The scenario as it is played where no core network is simulated: whoever would hear of the move from it hears it otherwise.
fn without_network(scenario: &Scenario, world: &World, show: &mut dyn Show) -> Scenario {
    let mut scenario = scenario.clone();
    if world.network.is_none() && scenario.core.take().is_some() {
        let who = match scenario.acr {
            AcrScenario::SourceEesExecuted => "the EEC says where the UE is (Eees_AppContextRelocation determine)",
            AcrScenario::SourceEasDecided | AcrScenario::EelManagedAcr => {
                "the application client tells its server that the UE has moved"
            }
            _ => "the EEC notices the move as ever",
        };
        show.say(&format!(
            "No core network is simulated behind servers that run already: {who}. What only a core network shows is not judged."
        ));
    }
    scenario
}

/// The world that these scenarios are played in.
async fn open(
    scenarios: &[Scenario],
    given: Option<&Given>,
    tokens: bool,
    output: &Output,
    (folder, logs): (&Path, &Path),
    show: &mut dyn Show,
) -> Result<World, CommandError> {
    let first = &scenarios[0];
    let world = match given {
        Some(given) => World::given(first, &given.ecs, &given.pki),
        None => {
            let say = |text: &str| {
                if !output.json {
                    anstream::eprintln!("{text}")
                }
            };
            let programs = programs::find(say).map_err(|error| CommandError::Failed(error.to_string()))?;
            let eess = first.edn.len();
            show.say(&format!(
                "Starting one ECS and {eess} EESs as processes of their own, with fresh certificates."
            ));
            if scenarios.iter().any(|scenario| scenario.core.is_some()) {
                show.say("Behind the EESs a core network is simulated, over real TLS.");
            }
            if tokens {
                show.say("EECs need access tokens of the ECS.");
            }
            let left_out = run::left_out(first);
            World::start(first, scenarios, &programs, folder, logs, tokens, left_out.as_ref()).await
        }
    };
    world.map_err(|error| match error {
        NoWorld::NotStarted(error) => CommandError::Failed(error.to_string()),
        error => CommandError::Usage(error.to_string()),
    })
}

/// The ends of the servers' logs: the temporary folder goes away.
fn show_logs(logs: &[(String, PathBuf)], show: &mut dyn Show) {
    for (name, path) in logs {
        show.say(&format!("\nEnd of the log of {name}:"));
        for line in tail(path) {
            show.say(&format!("  {line}"));
        }
    }
}

fn tail(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines[lines.len().saturating_sub(10)..].to_vec()
}
