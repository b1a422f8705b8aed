//! EEC registration beside the bare commit of the same keys and bytes, both among many registered EECs. Two registrations of one EEC exclude each other, therefore there
//! are as many EECs as requests at a time, each on a connection of its own, and as many writers at the bare store.

use crate::{
    Failure, Report,
    arguments::Registration,
    bodies,
    comparison::{Alternation, Comparison, Round},
    footprint::Footprint,
    laboratory::Laboratory,
    load::{self, Expected, Load, LoadError, Question},
    population::{Neighbour, eec},
    process, say,
};
use edgeapp_core::store::{Store, StoreError};
use edgeapp_store::RedbStore;
use eec_sim::world::process::Server;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::StatusCode;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::Mutex, task::JoinSet};

/// The EES under load.
struct Ees {
    server: Server,
    load: Load,
}

impl Ees {
    async fn new(laboratory: &Laboratory, server: Server, active: &[u32]) -> Result<Self, Failure> {
        let root = server.root("edge1")?;
        let mut lines = Vec::new();
        for number in active {
            let eec = &eec(*number);
            let question = Question::post(root, bodies::EEC_REGISTRATIONS, bodies::eec_registration(eec))?;
            lines.push((laboratory.connect(root, &laboratory.eec(eec)?).await?, question));
        }
        let expected = Expected {
            status: StatusCode::CREATED,
            length: None,
        };
        Ok(Self {
            load: Load::new(lines, 1, expected),
            server,
        })
    }

    async fn round(&self, length: Duration) -> Result<Round, Failure> {
        let cpu = || self.server.pid().and_then(process::cpu_time);
        let before = cpu();
        let load = self.load.round(length).await?;
        Ok(Round {
            load,
            cpu: cpu().zip(before).map(|(after, before)| after.saturating_sub(before)),
        })
    }
}

/// The bare store, in this process.
struct Bare {
    store: Arc<RedbStore>,
    footprints: Vec<Arc<Mutex<Footprint>>>,
}

/// Why a bare commit failed.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl Bare {
    /// Registers so many EECs, and keeps the footprints of those that will register anew.
    async fn new(laboratory: &Laboratory, eecs: u32, active: &[u32]) -> Result<Self, Failure> {
        let store = Arc::new(RedbStore::open(laboratory.folder().join("bare.redb"))?);
        let registering = (0..eecs).map(|number| {
            let store = store.clone();
            async move {
                let mut footprint = Footprint::of_registration(&eec(number)).await?;
                store.commit(footprint.next()).await?;
                Ok::<_, Failure>(active.contains(&number).then(|| Arc::new(Mutex::new(footprint))))
            }
        });
        let kept = stream::iter(registering)
            .buffer_unordered(active.len())
            .try_filter_map(async |kept| Ok(kept));
        Ok(Self {
            footprints: kept.try_collect().await?,
            store,
        })
    }

    async fn round(&self, length: Duration) -> Result<Round, Failure> {
        let cpu = || process::cpu_time(std::process::id());
        let (began, before) = (Instant::now(), cpu());
        let mut writers = JoinSet::new();
        for footprint in &self.footprints {
            let (store, footprint) = (self.store.clone(), footprint.clone());
            writers.spawn(async move {
                let (mut footprint, mut latencies) = (footprint.lock().await, load::latencies()?);
                while began.elapsed() < length {
                    let asked = Instant::now();
                    store.commit(footprint.next()).await?;
                    load::record(&mut latencies, asked);
                }
                Ok::<_, WriteError>(latencies)
            });
        }
        let load = load::gather(writers, began).await?;
        Ok(Round {
            load,
            cpu: cpu().zip(before).map(|(after, before)| after.saturating_sub(before)),
        })
    }
}

/// Measures.
pub(crate) async fn run(arguments: &Registration) -> Result<Report, Failure> {
    let common = &arguments.common;
    let laboratory = Laboratory::new(common)?;
    let ees = laboratory.ees().await?;
    laboratory.register_eass(&ees, arguments.eas, 1).await?;
    say(&format!("registering {} EECs", arguments.eecs));
    Neighbour::connect(&laboratory, &ees)
        .await?
        .bring(0..arguments.eecs)
        .await?;
    let active = spread(arguments.eecs, common.concurrency())?;
    let ees = Ees::new(&laboratory, ees, &active).await?;
    say("committing the same to the bare store");
    let bare = Bare::new(&laboratory, arguments.eecs, &active).await?;
    let bytes = match bare.footprints.first() {
        Some(first) => first.lock().await.bytes(),
        None => 0,
    };

    say("warming up");
    let short = common.round().min(Duration::from_secs(2));
    ees.round(short).await?;
    bare.round(short).await?;
    let mut alternations = Vec::new();
    for number in 1..=common.rounds {
        let both = Alternation {
            ees: ees.round(common.round()).await?,
            reference: bare.round(common.round()).await?,
        };
        say(&format!(
            "alternation {number} of {}: ratio {:.3}",
            common.rounds,
            both.ratio()
        ));
        alternations.push(both);
    }
    let title = format!(
        "EEC registration: {} EECs, body of {} bytes, {bytes} bytes to the store, {} at a time, rounds of {} s",
        arguments.eecs,
        bodies::eec_registration(&eec(0)).len(),
        common.concurrency(),
        common.seconds
    );
    Ok(Comparison {
        title,
        reference: "commit",
        alternations,
    }
    .report())
}

/// So many EECs that register anew, evenly among all of them.
fn spread(eecs: u32, active: usize) -> Result<Vec<u32>, Failure> {
    let active = u32::try_from(active)?;
    if active > eecs {
        return Err(format!("{active} requests at a time need as many EECs: --eecs {active}").into());
    }
    Ok((0..active).map(|number| number * (eecs / active)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_register_anew_are_spread_and_distinct() {
        assert_eq!(spread(20_000, 4).unwrap(), [0, 5000, 10_000, 15_000]);
        assert_eq!(spread(3, 3).unwrap(), [0, 1, 2]);
        assert!(spread(100, 128).is_err());
    }
}
