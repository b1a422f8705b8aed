//! Plays a scenario: preparation, the move, the relocation, the clean-up; then judges what was seen.

mod device;
mod effects;
mod observer;
mod relocate;
#[cfg(test)]
pub(crate) mod sample;
pub mod verdict;

use crate::{
    call::url_of,
    milestone::{Derived, Milestone, Reached, Reply, derive},
    record::{Message, Part, Recorder, Watcher},
    scenario::{Cell, Scenario},
    witness::{Sights, Witness},
    world::{World, ac::ApplicationClient, callbacks::Callbacks, eas::Eas},
};
use device::{Broken, Device, Site};
use edgeapp_openapi::{
    eas_discovery::DiscoveredEas, eec_context_relocation::EecContext, ees_registration::AcrScenario,
};
use std::{sync::Arc, time::Duration};
use tokio::time::{sleep, timeout};
use verdict::Assertion;

/// How long the servers may take until they know of each other.
const PREPARATION: Duration = Duration::from_secs(15);

/// What the run knows beside milestones, messages and sights.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Endpoint of the EAS that served at first.
    pub source: Option<String>,
    /// Endpoint of the EAS that was chosen.
    pub target: Option<String>,
    /// The EES that the ECS named at the new place.
    pub target_ees: Option<String>,
    /// What the source EES knew about the EEC before the move.
    pub at_source: Option<EecContext>,
    /// What the target EES knows about the EEC after the relocation.
    pub at_target: Option<EecContext>,
    /// Whether the registration that the target EES made by itself could be used.
    pub implicit_used: bool,
    /// Whether the source EES still has a registration of the EEC after the clean-up.
    pub still_at_source: Option<bool>,
}

/// A scenario that was played.
#[derive(Clone, Debug)]
pub struct Run {
    /// The scenario.
    pub scenario: Scenario,
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
    /// Why it did not come to its end.
    pub broken: Option<String>,
    /// What had to hold, and whether it did.
    pub assertions: Vec<Assertion>,
}

impl Run {
    /// Whether every assertion held.
    pub fn held(&self) -> bool {
        self.assertions.iter().all(|assertion| assertion.held)
    }
}

/// Plays a scenario in a world.
pub async fn play(scenario: &Scenario, world: &World, watcher: Arc<dyn Watcher>) -> Run {
    let began = jiff::Timestamp::now();
    let recorder = Recorder::new(watcher);
    let witness = Arc::new(Witness::default());
    let mut stage = Stage {
        scenario,
        world,
        recorder: recorder.clone(),
        witness: witness.clone(),
        facts: Facts::default(),
        replies: Vec::new(),
    };
    let network = world.network.as_ref().filter(|_| scenario.core.is_some());
    if let Some(network) = network {
        network.follow(scenario, &recorder);
    }
    let broken = stage.play().await.err().map(|Broken(reason)| reason);
    if let Some(network) = network {
        network.leave();
    }
    let Stage { facts, replies, .. } = stage;
    let (milestones, messages) = recorder.finish();
    let derived = derive(&milestones, &replies, scenario.ac.period());
    let sights = witness.sights();
    let mut run = Run {
        scenario: scenario.clone(),
        began,
        milestones,
        messages,
        replies,
        derived,
        sights,
        facts,
        broken,
        assertions: Vec::new(),
    };
    run.assertions = verdict::judge(&run);
    run.messages.extend(effects::traces(&run));
    run.messages.sort_by_key(|message| message.at);
    run
}

struct Stage<'a> {
    scenario: &'a Scenario,
    world: &'a World,
    recorder: Arc<Recorder>,
    witness: Arc<Witness>,
    facts: Facts,
    replies: Vec<Reply>,
}

/// The site that is entered.
struct Entered {
    site: Site,
    registration: String,
    eas: DiscoveredEas,
}

impl<'a> Stage<'a> {
    /// Whether the EASs have a part in the signalling.
    fn eas_take_part(&self) -> bool {
        self.scenario.acr == AcrScenario::EecExecutedViaSourceEes
    }

    /// The UE is in a cell: the core network knows it first, where there is one.
    async fn enter(&self, cell: &Cell) -> Result<(), Broken> {
        match &self.world.network {
            Some(network) if self.scenario.core.is_some() => Ok(network.move_ue(self.scenario, cell).await?),
            _ => Ok(()),
        }
    }

    async fn play(&mut self) -> Result<(), Broken> {
        let crossing = self.scenario.crossing();
        self.enter(self.cell(0)?).await?;
        let mut eass = Vec::new();
        self.recorder.step("application servers register at their sites");
        for (part, its_ees, site) in [
            (Part::SEas, Part::SEes, crossing.source),
            (Part::TEas, Part::TEes, crossing.target),
        ] {
            let edge3 = self
                .world
                .eess
                .get(&site.edn.ees)
                .ok_or_else(|| format!("{} is unknown", site.edn.ees))?;
            let (pki, shared) = (&self.world.pki, (&self.recorder, &self.witness));
            match Eas::start(
                (part, its_ees),
                self.scenario,
                site,
                (pki, edge3),
                shared,
                self.eas_take_part(),
            )
            .await
            {
                Ok(eas) => eass.push(eas),
                Err(error) => {
                    leave(eass).await?;
                    return Err(Broken(error.to_string()));
                }
            }
        }
        let device = Device::new(self.scenario, self.world, &self.recorder).map_err(|error| error.to_string())?;
        let played = self.with_the_device(&device).await;
        if played.is_err() {
            // Given servers outlive the run: what failed must not stay behind in them.
            device.let_go().await;
        }
        self.recorder.step("application servers leave");
        played.and(leave(eass).await)
    }

    async fn with_the_device(&mut self, device: &Device<'a>) -> Result<(), Broken> {
        let files = self.world.pki.files(&self.scenario.ue.certificate);
        let ees = &self.scenario.crossing().source.edn.ees;
        let callbacks = Callbacks::start(&files, &self.world.pki, ees, &self.recorder, &self.witness).await;
        let callbacks = callbacks.map_err(|error| format!("the EEC cannot listen: {error}"))?;
        let home = self.settle_in(device, &callbacks).await?;
        let ac = self.start_application(device, &home).await?;
        let limit = Duration::from_millis(self.scenario.timing.limit_ms);
        let travelled = timeout(limit, self.travel(device, &ac, &home)).await;
        // The replies count whatever became of the relocation.
        self.replies = ac.finish().await;
        travelled.map_err(|_| Broken(format!("the relocation did not end within {limit:?}")))?
    }

    fn cell(&self, stay: usize) -> Result<&'a Cell, Broken> {
        let stay = self
            .scenario
            .ue
            .route
            .get(stay)
            .and_then(|stay| self.scenario.cell(&stay.cell));
        stay.ok_or_else(|| Broken("the route leads nowhere".to_owned()))
    }

    /// The preconditions: the EEC is provisioned and registered, and knows where its application runs.
    async fn settle_in(&mut self, device: &Device<'a>, callbacks: &Callbacks) -> Result<AtSource, Broken> {
        let crossing = self.scenario.crossing();
        self.recorder.step("waiting until the ECS knows both sites");
        for (stay, part, site) in [
            (crossing.stay, Part::TEes, crossing.target),
            (0, Part::SEes, crossing.source),
        ] {
            let cell = self.cell(stay)?;
            let known = async {
                loop {
                    if let Some(found) = device.provision(cell, part, true).await?
                        && found.info.ees_id == site.edn.ees
                    {
                        return Ok::<_, Broken>(());
                    }
                    sleep(Duration::from_millis(50)).await;
                }
            };
            let told = timeout(PREPARATION, known).await;
            told.map_err(|_| {
                format!(
                    "the ECS did not name {} for cell {:?} within {PREPARATION:?}",
                    site.edn.ees, cell.name
                )
            })??;
        }
        self.recorder
            .step("the device finds its edge site, registers and starts its application");
        let cell = self.cell(0)?;
        let nobody = || Broken("the ECS named no EES at the start of the route".to_owned());
        let source = device.provision(cell, Part::SEes, false).await?.ok_or_else(nobody)?;
        let (registration, known) = device.register(&source, None).await?;
        let context = known.eec_cntx_id.as_ref().map(ToString::to_string);
        let context = context.ok_or_else(|| "the source EES gave the registration no eecCntxId".to_owned())?;
        self.facts.at_source = Some(observer::context_at(self.world, crossing.target.edn, &source, &context).await?);
        let no_eas = || Broken("the source EES found no EAS".to_owned());
        let eas = device.discover(&source, cell).await?.ok_or_else(no_eas)?;
        self.facts.source = Some(url_of(&eas.eas.end_pt));
        let mut subscriptions = Vec::new();
        if self.eas_take_part() {
            for event in ["TARGET_INFORMATION", "ACR_COMPLETE"] {
                subscriptions.push(device.subscribe(&source, event, &callbacks.destination()).await?);
            }
        }
        Ok(AtSource {
            source,
            registration,
            context,
            eas,
            subscriptions,
        })
    }

    /// The application is served at the first site.
    async fn start_application(&self, device: &Device<'a>, home: &AtSource) -> Result<ApplicationClient, Broken> {
        let (scenario, root) = (self.scenario, url_of(&home.eas.eas.end_pt));
        let (ue, period) = (scenario.ue.gpsi.as_str(), scenario.ac.period());
        let ac = ApplicationClient::start(device.application(), self.recorder.clone(), ue, period, &root);
        let served = timeout(
            Duration::from_secs(5),
            ac.served_by(&scenario.crossing().source.eas.instance),
        )
        .await;
        served.map_err(|_| Broken("the application got no reply from the EAS that was discovered".to_owned()))?;
        Ok(ac)
    }

    /// The UE travels; when it crosses the border the application relocates.
    async fn travel(&mut self, device: &Device<'a>, ac: &ApplicationClient, home: &AtSource) -> Result<(), Broken> {
        let scenario = self.scenario;
        let crossing = scenario.crossing();
        for stay in &scenario.ue.route[..crossing.stay] {
            self.recorder.step(&format!("the UE is in cell {:?}", stay.cell));
            if let Some(cell) = scenario.cell(&stay.cell) {
                self.enter(cell).await?;
            }
            sleep(Duration::from_millis(stay.dwell_ms)).await;
        }
        let cell = self.cell(crossing.stay)?;
        self.recorder.reach(Milestone::Move);
        self.recorder.step(&format!(
            "the UE has entered cell {:?}, which another site serves",
            cell.name
        ));
        self.enter(cell).await?;
        sleep(Duration::from_millis(scenario.timing.detection_ms)).await;
        self.recorder.reach(Milestone::Detected);
        // The EEC's rule: the application moves as soon as its EAS does not serve the new place.
        self.recorder.reach(Milestone::Decided);
        let entered = match scenario.acr {
            AcrScenario::EecExecutedViaSourceEes => self.via_source_ees(device, ac, home, cell).await?,
            _ => self.by_the_eec(device, ac, home, cell).await?,
        };
        self.recorder.step("the application goes on at the new site");
        let rest: u64 = scenario.ue.route[crossing.stay..]
            .iter()
            .map(|stay| stay.dwell_ms)
            .sum();
        self.clean_up(device, home, &entered).await?;
        sleep(Duration::from_millis(scenario.timing.settle_ms.max(rest.min(2000)))).await;
        // The UE goes off; nothing of it stays behind.
        device.end(&entered.site, &entered.registration).await.map(|_| ())
    }

    /// Nothing stays behind at the old site.
    async fn clean_up(&mut self, device: &Device<'a>, home: &AtSource, entered: &Entered) -> Result<(), Broken> {
        self.recorder.step("the device leaves the old site");
        device
            .application_at(Part::SEas, &url_of(&home.eas.eas.end_pt))
            .leave()
            .await?;
        for subscription in &home.subscriptions {
            home.source.ees.unsubscribe(subscription).await?;
        }
        home.source.ees.deregister(&home.registration).await?;
        let still = device.end(&home.source, &home.registration).await?;
        self.facts.still_at_source = Some(still);
        let holders = self.witness.sights().holders;
        if !still && holders.len() == 1 && url_of(&entered.eas.eas.end_pt) != url_of(&home.eas.eas.end_pt) {
            self.recorder.reach(Milestone::Cleaned);
        }
        Ok(())
    }
}

/// What the EEC has at the site that it leaves.
struct AtSource {
    source: Site,
    registration: String,
    context: String,
    eas: DiscoveredEas,
    subscriptions: Vec<String>,
}

async fn leave(eass: Vec<Eas>) -> Result<(), Broken> {
    let mut left = Ok(());
    for eas in eass {
        left = left.and(eas.stop().await.map_err(Broken::from));
    }
    left
}
