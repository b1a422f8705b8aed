//! `trial`: every shipped scenario, with several seeds and with every fault that it can have, and a table of what came of it.

use super::{CommandError, Outcome, play::share_a_world};
use crate::{
    record::Unwatched,
    report,
    run::{self, Play},
    scenario::{BadScenario, Fault, FaultName, SHIPPED, Scenario},
    world::{World, programs},
};
use anstream::println;
use futures_util::{StreamExt, stream};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

/// What is to be tried.
#[derive(Clone, Debug)]
pub struct Trial {
    /// How many seeds each scenario is played with.
    pub seeds: u64,
    /// Whether each is played with every fault as well.
    pub faults: bool,
    /// Only scenarios in whose name this stands.
    pub only: Option<String>,
    /// How many worlds there are at a time.
    pub at_once: usize,
    /// A folder for the reports of what failed.
    pub report: Option<PathBuf>,
    /// JSON lines instead of text.
    pub json: bool,
}

/// A scenario that is to be played, and what it is called here.
struct Case {
    name: String,
    scenario: Scenario,
}

/// What came of it.
struct Tried {
    name: String,
    failed: Vec<String>,
    took: Duration,
}

/// A pair that cannot be, by its name, and the reason.
type Impossible = (String, BadScenario);

impl Trial {
    /// What is played, and what cannot be, with the reason.
    fn cases(&self) -> Result<(Vec<Case>, Vec<Impossible>), BadScenario> {
        let (mut cases, mut impossible) = (Vec::new(), Vec::new());
        let wanted = |name: &str| self.only.as_ref().is_none_or(|only| name.contains(only.as_str()));
        for shipped in SHIPPED.iter().filter(|shipped| wanted(shipped.name)) {
            let scenario = Scenario::parse(shipped.text, shipped.name)?;
            for seed in 1..=self.seeds {
                cases.push(Case {
                    name: format!("{} seed {seed}", shipped.name),
                    scenario: Scenario {
                        seed,
                        ..scenario.clone()
                    },
                });
            }
            // What goes wrong already needs no company.
            if !self.faults || !scenario.fault.is_empty() {
                continue;
            }
            for fault in FaultName::ALL {
                let name = format!("{} with {fault}", shipped.name);
                let mut broken = scenario.clone();
                broken.fault.push(Fault::usual(*fault));
                match broken.checked(shipped.name) {
                    Ok(scenario) => cases.push(Case { name, scenario }),
                    Err(error) => impossible.push((name, error)),
                }
            }
        }
        Ok((cases, impossible))
    }

    fn say(&self, tried: &Tried) {
        if self.json {
            println!(
                "{}",
                json!({"type": "trial", "name": tried.name, "held": tried.failed.is_empty(), "failed": tried.failed,
                    "seconds": tried.took.as_secs_f64()})
            );
            return;
        }
        let word = if tried.failed.is_empty() { "good" } else { "failed" };
        println!("{word:>6}  {:<58} {:>6.1} s", tried.name, tried.took.as_secs_f64());
        for reason in &tried.failed {
            println!("        {reason}");
        }
    }
}

/// Plays all of them.
///
/// # Errors
/// When the programs cannot be had, or nothing fits.
pub async fn trial(trial: &Trial) -> Result<Outcome, CommandError> {
    let (cases, impossible) = trial.cases()?;
    if cases.is_empty() {
        return Err(CommandError::Usage(
            "no shipped scenario has that in its name; `eec-sim list` shows them".to_owned(),
        ));
    }
    let build = |text: &str| anstream::eprintln!("{text}");
    let programs = programs::find(build).map_err(|error| CommandError::Failed(error.to_string()))?;
    let temporary = tempfile::Builder::new().prefix("eec-sim-").tempdir();
    let temporary = temporary.map_err(|error| CommandError::File(std::env::temp_dir(), error))?;
    let programs = &programs;
    // What goes wrong leaves traces in its world: only undisturbed scenarios share one.
    let share = |one: &Case, other: &Case| {
        one.scenario.fault.is_empty()
            && other.scenario.fault.is_empty()
            && share_a_world(&one.scenario, &other.scenario)
    };
    let groups: Vec<&[Case]> = cases.chunk_by(share).flat_map(|group| group.chunks(TOGETHER)).collect();
    let folder = temporary.path();
    let works = groups.into_iter().enumerate().map(|(number, group)| {
        let place = folder.join(number.to_string());
        async move { together(trial, group, programs, &place).await }
    });
    let mut playing = stream::iter(works).buffer_unordered(trial.at_once.max(1));
    let (mut good, mut failed) = (0, Vec::new());
    while let Some(tried) = playing.next().await {
        for tried in tried? {
            match tried.failed.is_empty() {
                true => good += 1,
                false => failed.push(tried.name),
            }
        }
    }
    if trial.json {
        println!(
            "{}",
            json!({"type": "summary", "good": good, "failed": failed,
                "impossible": impossible.iter().map(|(name, _)| name).collect::<Vec<_>>()})
        );
    } else {
        for (name, why) in &impossible {
            println!("     –  {name:<58} {}", why.reason);
        }
        println!(
            "\n{good} good, {} failed, {} impossible",
            failed.len(),
            impossible.len()
        );
    }
    Ok(if failed.is_empty() {
        Outcome::Good
    } else {
        Outcome::Failed
    })
}

/// So many scenarios are played one after the other in one world, at most.
const TOGETHER: usize = 6;

/// Scenarios one after the other in one world.
async fn together(
    trial: &Trial,
    group: &[Case],
    programs: &programs::Programs,
    place: &Path,
) -> Result<Vec<Tried>, CommandError> {
    let mut all = Vec::new();
    let scenarios: Vec<_> = group.iter().map(|case| case.scenario.clone()).collect();
    let Some(first) = scenarios.first() else { return Ok(all) };
    let mut began = Instant::now();
    let left_out = run::left_out(first);
    let (folder, logs) = (place.join("world"), place.join("logs"));
    let world = World::start(first, &scenarios, programs, &folder, &logs, false, left_out.as_ref());
    let world = world.await.map_err(|error| CommandError::Failed(error.to_string()))?;
    for case in group {
        let play = run::play(&case.scenario, &world, Arc::new(Unwatched)).await;
        let reasons = play.assertions().filter(|assertion| !assertion.held);
        let tried = Tried {
            name: case.name.clone(),
            failed: reasons
                .map(|assertion| format!("{}: {}", assertion.id, assertion.seen))
                .collect(),
            took: began.elapsed(),
        };
        trial.say(&tried);
        if !tried.failed.is_empty() {
            keep(trial, &tried, play, &world)?;
        }
        all.push(tried);
        began = Instant::now();
    }
    Ok(all)
}

/// The report of one that failed, with the servers' logs so far.
fn keep(trial: &Trial, tried: &Tried, play: Play, world: &World) -> Result<(), CommandError> {
    let Some(folder) = &trial.report else { return Ok(()) };
    let folder = folder.join(tried.name.replace(' ', "-"));
    let file = |error| CommandError::File(folder.clone(), error);
    let logs = folder.join("logs");
    fs::create_dir_all(&logs).map_err(file)?;
    let mut written = Vec::new();
    for (name, path) in world.logs() {
        let copy = logs.join(path.file_name().unwrap_or_default());
        fs::copy(&path, &copy).map_err(file)?;
        written.push((name, copy));
    }
    report::write(&folder, &[play], &written).map_err(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_meets_every_fault_that_it_can_have() {
        let trial = |faults, only: Option<&str>| Trial {
            seeds: 3,
            faults,
            only: only.map(str::to_owned),
            at_once: 1,
            report: None,
            json: false,
        };
        let (cases, impossible) = trial(false, None).cases().unwrap();
        assert_eq!((cases.len(), impossible.len()), (3 * SHIPPED.len(), 0));
        let (cases, impossible) = trial(true, Some("d-s-ees-executed")).cases().unwrap();
        assert_eq!(cases.len() + impossible.len(), 3 + FaultName::ALL.len());
        assert!(impossible.iter().any(|(name, _)| name.ends_with("duplicate-init")));
    }
}
