//! Plays a scenario: preparation, the way of each UE, the relocations of its applications, the clean-up; then judges what was seen.

mod cloud;
mod device;
mod effects;
mod faults;
mod life;
mod observer;
mod relocate;
#[cfg(test)]
pub(crate) mod sample;
pub mod verdict;

use crate::{
    milestone::{Derived, Milestone, Reached, Reply, derive},
    record::{Message, Part, Recorder, Watcher},
    scenario::{Ac, Crossing, Ending, FaultName, Scenario, Ue},
    witness::Sights,
    world::{
        World,
        eas::Eas,
        tracks::{Track, Tracks},
    },
};
use device::Broken;
use edgeapp_openapi::{eec_context_relocation::EecContext, ees_registration::AcrScenario, ids::EesId};
use faults::Faults;
use futures_util::future::join_all;
use life::{Life, Travelled};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::sleep;
use verdict::Assertion;

/// How long it may take until nothing is left at the core network.
const FORGOTTEN: Duration = Duration::from_secs(8);

/// What the run knows beside milestones, messages and sights.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Endpoint of the EAS that served at first.
    pub source: Option<String>,
    /// Endpoint of the EAS that was chosen.
    pub target: Option<String>,
    /// The EES that was named at the new place.
    pub target_ees: Option<String>,
    /// What the source EES knew about the EEC before the move.
    pub at_source: Option<EecContext>,
    /// What the target EES knows about the EEC after the relocation.
    pub at_target: Option<EecContext>,
    /// Whether the registration that the target EES made by itself could be used.
    pub implicit_used: bool,
    /// Whether the source EES still has a registration of the EEC after the clean-up; unknown where other applications stay there.
    pub still_at_source: Option<bool>,
    /// Whether the EEC left the source altogether.
    pub left_source: bool,
    /// What the EEC heard of a prediction: when the copy was complete.
    pub copied_at: Option<Duration>,
    /// Where the name of the application led once the EEC knew that its EAS changes, and who was asked.
    pub named: Vec<(Part, String)>,
    /// How many acknowledgements the core network got.
    pub acknowledgements: usize,
    /// Which EESs told the server in the cloud that they serve the UE.
    pub declared: Vec<String>,
}

/// One relocation of one application client.
#[derive(Clone, Debug)]
pub struct Run {
    /// The scenario.
    pub scenario: Arc<Scenario>,
    /// The UE, by its place in the scenario.
    pub ue: usize,
    /// The application client, by its place in the scenario.
    pub ac: usize,
    /// Which relocation of that one it is, from 0.
    pub number: usize,
    /// The instance that served until then.
    pub source: String,
    /// The instance that was to serve from then on.
    pub target: String,
    /// The stay in which the UE was then.
    pub stay: usize,
    /// When it began.
    pub began: jiff::Timestamp,
    /// Milestones since then.
    pub milestones: Reached,
    /// Messages since then.
    pub messages: Vec<Message>,
    /// The application's requests since then.
    pub replies: Vec<Reply>,
    /// What follows from these.
    pub derived: Derived,
    /// What the played parties saw.
    pub sights: Sights,
    /// What else is known.
    pub facts: Facts,
    /// How it ended.
    pub ending: Ending,
    /// The faults that were injected.
    pub faults: Vec<FaultName>,
    /// Why it did not come to its end, or to another one than wanted.
    pub broken: Option<String>,
    /// What had to hold, and whether it did.
    pub assertions: Vec<Assertion>,
}

impl Run {
    /// Whether every assertion held.
    pub fn held(&self) -> bool {
        self.assertions.iter().all(|assertion| assertion.held)
    }

    /// The UE.
    pub fn ue(&self) -> &Ue {
        &self.scenario.ue[self.ue]
    }

    /// The application client.
    pub fn ac(&self) -> &Ac {
        &self.scenario.ac[self.ac]
    }

    /// From where to where.
    ///
    /// # Panics
    /// Never: both instances are of the scenario.
    pub fn crossing(&self) -> Crossing<'_> {
        let site = |instance: &str| self.scenario.site_of(&self.ac().eas_id, instance);
        let (source, target) = (site(&self.source), site(&self.target));
        Crossing {
            source: source.expect("it served"),
            target: target.expect("it was in charge of the cell"),
            stay: self.stay,
        }
    }

    /// Whether it leads to the cloud, because no edge site serves the UE.
    pub fn falls_back(&self) -> bool {
        self.scenario.is_cloud(&self.ac().eas_id, &self.target)
    }

    /// Whether it leads back from the cloud to an edge site.
    pub fn comes_back(&self) -> bool {
        self.scenario.is_cloud(&self.ac().eas_id, &self.source)
    }

    /// The way of relocation: that of the scenario, unless an end of it is in the cloud. Only the EES at the other end can help then.
    pub fn way(&self) -> AcrScenario {
        match &self.scenario.acr {
            _ if self.comes_back() => AcrScenario::EecExecutedViaTargetEes,
            AcrScenario::EecExecutedViaTargetEes if self.falls_back() => AcrScenario::EecExecutedViaSourceEes,
            acr => acr.clone(),
        }
    }

    /// A name for it, among all relocations of its scenario.
    pub fn id(&self) -> String {
        let scenario = &self.scenario;
        let several = scenario.ue.len() > 1 || scenario.ac.len() > 1 || self.number > 0;
        let name = &scenario.name;
        match several {
            false => name.clone(),
            true => {
                let ac = self.ac();
                // One client of a bundle uses several applications.
                let of = match scenario.bundle {
                    Some(_) => ac.eas_id.as_str(),
                    None => ac.ac_id.as_str(),
                };
                format!("{name}-{}-{of}-{}", self.ue().eec_id, self.number + 1)
            }
        }
    }

    /// How it had to end.
    pub fn wanted(&self) -> Ending {
        let scenario = &self.scenario;
        match scenario.expect.ending {
            Some(ending) => ending,
            None => {
                let hit = self.faults.iter().map(|fault| fault.ending_in(scenario));
                hit.max_by_key(|ending| *ending != Ending::Complete).unwrap_or_default()
            }
        }
    }
}

/// A scenario that was played.
#[derive(Clone, Debug)]
pub struct Play {
    /// The scenario.
    pub scenario: Arc<Scenario>,
    /// Its relocations, in the order of UEs.
    pub runs: Vec<Run>,
    /// What had to hold on the whole.
    pub whole: Vec<Assertion>,
}

impl Play {
    /// Whether every assertion held.
    pub fn held(&self) -> bool {
        self.runs.iter().all(Run::held) && self.whole.iter().all(|assertion| assertion.held)
    }

    /// All assertions.
    pub fn assertions(&self) -> impl Iterator<Item = &Assertion> {
        self.runs.iter().flat_map(|run| &run.assertions).chain(&self.whole)
    }
}

/// What all UEs share.
struct Shared<'a> {
    scenario: Arc<Scenario>,
    world: &'a World,
    tracks: Arc<Tracks>,
    recorder: Arc<Recorder>,
    eass: Vec<Eas>,
    faults: Faults,
}

impl Shared<'_> {
    fn eas(&self, instance: &str) -> Option<&Eas> {
        self.eass.iter().find(|eas| eas.instance == instance)
    }
}

/// The EES that a world has to be started without, because that is a fault of the scenario.
pub fn left_out(scenario: &Scenario) -> Option<EesId> {
    let missing = scenario.fault.iter().any(|fault| fault.name == FaultName::EcsHasNoTees);
    let ac = *scenario.acs_of(0).first()?;
    let crossing = scenario.crossings(0, ac).into_iter().next()?;
    missing.then(|| crossing.target.edn.ees.clone())
}

/// Plays a scenario in a world.
pub async fn play(scenario: &Scenario, world: &World, watcher: Arc<dyn Watcher>) -> Play {
    let scenario = Arc::new(scenario.clone());
    let began = (jiff::Timestamp::now(), Instant::now());
    let recorder = Recorder::since(began.1, watcher);
    let tracks = Arc::<Tracks>::default();
    let network = world.network.as_ref().filter(|_| scenario.core.is_some());
    if let Some(network) = network {
        network.follow(&scenario, &tracks);
    }
    let mut shared = Shared {
        faults: Faults::of(&scenario),
        scenario: scenario.clone(),
        world,
        tracks,
        recorder: recorder.clone(),
        eass: Vec::new(),
    };
    let mut travelled = Vec::new();
    let mut whole = Vec::new();
    match shared.open().await {
        Ok(()) => {
            let lives = (0..scenario.ue.len()).map(|ue| Life::new(&shared, ue).live());
            travelled = join_all(lives).await;
            recorder.step("application servers leave");
        }
        Err(Broken(reason)) => whole.push(verdict::prepared(Some(&reason))),
    }
    shared.faults.heal(&shared).await;
    let left = shared.close().await;
    if let Some(network) = network {
        whole.push(verdict::nothing_left(&nothing_runs(network).await));
        network.leave();
    }
    let acknowledgements = network.map(|network| network.acknowledgements()).unwrap_or_default();
    if let Err(Broken(reason)) = left {
        whole.push(verdict::left(&reason));
    }
    let mut runs = Vec::new();
    for (ue, travelled) in travelled.into_iter().enumerate() {
        whole.extend(verdict::of_ue(&scenario, ue, &travelled, &shared.faults.hit()));
        runs.extend(judged(&shared, ue, travelled, began.0, acknowledgements));
    }
    whole.extend(verdict::of_bundles(&scenario, &runs));
    Play { scenario, runs, whole }
}

async fn nothing_runs(network: &crate::world::network::Network) -> Vec<String> {
    let began = Instant::now();
    loop {
        let lives = network.lives();
        if lives.is_empty() || began.elapsed() > FORGOTTEN {
            return lives;
        }
        sleep(Duration::from_millis(50)).await;
    }
}

impl Shared<'_> {
    /// The application servers start and register.
    async fn open(&mut self) -> Result<(), Broken> {
        self.faults.begin(self).await?;
        self.recorder.step("application servers register at their sites");
        let left_out = left_out(&self.scenario);
        let scenario = self.scenario.clone();
        for eas in &scenario.eas {
            let Some(site) = scenario.site_of(&eas.eas_id, &eas.instance) else {
                continue;
            };
            if left_out.as_ref() == Some(&site.edn.ees) {
                continue;
            }
            let edge3 = self
                .world
                .eess
                .get(&site.edn.ees)
                .ok_or_else(|| format!("{} is unknown", site.edn.ees))?;
            let started = Eas::start(
                &scenario,
                site,
                (&self.world.pki, edge3),
                &self.tracks,
                self.recorder.began(),
            );
            self.eass.push(started.await.map_err(|error| error.to_string())?);
        }
        if let Some(cloud) = &scenario.cloud
            && let Some(site) = scenario.cloud_of(&cloud.eas.eas_id)
        {
            let began = self.recorder.began();
            let started = Eas::start_in_the_cloud(&scenario, site, &self.world.pki, &self.tracks, began);
            self.eass.push(started.await.map_err(|error| error.to_string())?);
        }
        Ok(())
    }

    async fn close(&self) -> Result<(), Broken> {
        let mut left = Ok(());
        for eas in &self.eass {
            left = left.and(eas.stop().await.map_err(Broken::from));
        }
        left
    }
}

/// Where one relocation ends and the next one of the same client begins, in the time of its replies.
fn share(replies: &[Reply], from: Option<Duration>, until: Option<Duration>) -> Vec<Reply> {
    let within = |reply: &&Reply| {
        from.is_none_or(|from| reply.sent + Duration::from_millis(500) >= from)
            && until.is_none_or(|until| reply.sent < until)
    };
    replies.iter().filter(within).cloned().collect()
}

fn judged(
    shared: &Shared<'_>,
    ue: usize,
    travelled: Travelled,
    began: jiff::Timestamp,
    acknowledgements: usize,
) -> Vec<Run> {
    let scenario = &shared.scenario;
    let mut runs = Vec::new();
    for (ac, replies) in travelled.replies {
        let of: Vec<_> = travelled.drafts.iter().filter(|draft| draft.ac == ac).collect();
        let moved = |n: usize| {
            of.get(n)
                .and_then(|draft| draft.track.recorder.reached(Milestone::Move))
        };
        for (number, draft) in of.iter().enumerate() {
            let from = moved(number).filter(|_| number > 0);
            let replies = share(&replies, from, moved(number + 1));
            let (mut milestones, mut messages) = draft.track.recorder.finish();
            served(&mut milestones, &replies, draft);
            for (instance, part) in [(&draft.source, Part::SEas), (&draft.target, Part::TEas)] {
                messages.extend(shared.eas(instance).iter().flat_map(|eas| eas.preparation(part)));
            }
            let mut sights = draft.track.witness.sights();
            let application = scenario.ac[ac].eas_id.as_str();
            let last = number + 1 == of.len();
            if last {
                let holders = shared.tracks.holders(scenario.ue[ue].gpsi.as_str(), application);
                let part = |instance: &str| draft.track.part_of(instance);
                sights.holders = holders
                    .into_iter()
                    .filter_map(|(instance, origin)| Some((part(&instance)?, origin)))
                    .collect();
            } else {
                sights.holders.clone_from(&draft.holders);
            }
            let mut run = Run {
                scenario: scenario.clone(),
                ue,
                ac,
                number,
                source: draft.source.clone(),
                target: draft.target.clone(),
                stay: draft.stay,
                began,
                derived: derive(&milestones, &replies, scenario.ac[ac].period()),
                milestones,
                messages,
                replies,
                sights,
                facts: Facts {
                    acknowledgements,
                    ..draft.facts.clone()
                },
                ending: draft.ending,
                faults: shared.faults.hit_of(
                    scenario,
                    faults::Hit {
                        ue,
                        ac,
                        stay: draft.stay,
                    },
                ),
                broken: draft.broken.clone(),
                assertions: Vec::new(),
            };
            run.messages.extend(effects::traces(&run));
            run.messages.sort_by_key(|message| message.at);
            run.assertions = verdict::judge(&run);
            runs.push(run);
        }
    }
    runs
}

/// When the old server answered for the last time, and the new one for the first.
fn served(milestones: &mut Reached, replies: &[Reply], draft: &life::Draft) {
    let Some(moved) = milestones.get(&Milestone::Move).copied() else {
        return;
    };
    let by = |reply: &Reply, instance: &str| reply.good.as_ref().is_some_and(|good| good.instance == instance);
    let first = replies
        .iter()
        .find(|reply| reply.done >= moved && by(reply, &draft.target));
    let Some(first) = first else { return };
    milestones.insert(Milestone::FirstTReply, first.done);
    let last = replies
        .iter()
        .rfind(|reply| reply.number < first.number && by(reply, &draft.source));
    if let Some(last) = last {
        milestones.insert(Milestone::LastSReply, last.done);
    }
}

/// What begins when the track of a relocation does.
fn track(
    scenario: &Scenario,
    recorder: &Arc<Recorder>,
    (ue, ac): (usize, usize),
    source: &str,
    target: Option<&str>,
) -> Arc<Track> {
    let application = &scenario.ac[ac].eas_id;
    let ees = scenario
        .site_of(application, source)
        .map(|site| site.edn.ees.to_string());
    Track::new(
        (scenario.ue[ue].gpsi.as_str(), scenario.ac[ac].ac_id.as_str()),
        (source, ees.as_deref().unwrap_or_default()),
        target,
        recorder.beside(),
    )
}
