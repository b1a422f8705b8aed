//! EEC registration beside the bare commit of the same keys and bytes. Two registrations of one EEC exclude each other, therefore there
//! are as many EECs as requests at a time, each on a connection of its own, and as many writers at the bare store.

use crate::{
    Failure, Report,
    arguments::Registration,
    bodies,
    comparison::{Alternation, Comparison, Round},
    footprint::Footprint,
    laboratory::Laboratory,
    load::{self, Expected, Load, LoadError, Question},
    process, say,
};
use edgeapp_core::store::{Store, StoreError};
use edgeapp_store::RedbStore;
use eec_sim::world::process::Server;
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
    async fn new(laboratory: &Laboratory, server: Server, eecs: &[String]) -> Result<Self, Failure> {
        let root = server.root("edge1")?;
        let mut lines = Vec::new();
        for eec in eecs {
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
    async fn new(laboratory: &Laboratory, eecs: &[String]) -> Result<Self, Failure> {
        let mut footprints = Vec::new();
        for eec in eecs {
            footprints.push(Arc::new(Mutex::new(Footprint::of_registration(eec).await?)));
        }
        Ok(Self {
            store: Arc::new(RedbStore::open(laboratory.folder().join("bare.redb"))?),
            footprints,
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
    say(&format!("connecting {} EECs", common.concurrency()));
    let eecs: Vec<String> = (0..common.concurrency())
        .map(|number| format!("eec-{number:06}.example"))
        .collect();
    let ees = Ees::new(&laboratory, ees, &eecs).await?;
    let bare = Bare::new(&laboratory, &eecs).await?;
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
        "EEC registration: body of {} bytes, {bytes} bytes to the store, {} at a time, rounds of {} s",
        bodies::eec_registration(&eecs[0]).len(),
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
