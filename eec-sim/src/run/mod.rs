//! Plays a scenario: preparation, the move, the relocation, the clean-up; then judges what was seen.

mod device;
mod effects;
pub mod verdict;

use crate::{
    call::url_of,
    milestone::{Derived, Milestone, Reached, Reply, derive},
    record::{Message, Part, Recorder, Watcher},
    scenario::{Cell, Scenario},
    witness::{Sights, Witness},
    world::{World, ac::ApplicationClient, callbacks::Callbacks, eas::Eas},
};
use device::{Broken, Device, Left, Site, Wish};
use edgeapp_openapi::{
    acr_events::AcrInfoNotification, eas_discovery::DiscoveredEas, eec_registration::EecRegistration, ees_registration::AcrScenario,
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
    /// What the source EES knew about the EEC.
    pub at_source: Option<EecRegistration>,
    /// What the target EES knows about the EEC.
    pub at_target: Option<EecRegistration>,
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
    let mut stage = Stage { scenario, world, recorder: recorder.clone(), witness: witness.clone(), facts: Facts::default(), replies: Vec::new() };
    let broken = stage.play().await.err().map(|Broken(reason)| reason);
    let Stage { facts, replies, .. } = stage;
    let (milestones, messages) = recorder.finish();
    let derived = derive(&milestones, &replies, scenario.ac.period());
    let sights = witness.sights();
    let mut run =
        Run { scenario: scenario.clone(), began, milestones, messages, replies, derived, sights, facts, broken, assertions: Vec::new() };
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

    async fn play(&mut self) -> Result<(), Broken> {
        let crossing = self.scenario.crossing();
        let mut eass = Vec::new();
        self.recorder.step("application servers register at their sites");
        for (part, its_ees, site) in
            [(Part::SEas, Part::SEes, crossing.source), (Part::TEas, Part::TEes, crossing.target)]
        {
            let edge3 = self.world.eess.get(&site.edn.ees).ok_or_else(|| format!("{} is unknown", site.edn.ees))?;
            let (pki, shared) = (&self.world.pki, (&self.recorder, &self.witness));
            match Eas::start((part, its_ees), self.scenario, site, (pki, edge3), shared, self.eas_take_part()).await {
                Ok(eas) => eass.push(eas),
                Err(error) => {
                    leave(eass).await?;
                    return Err(Broken(error.to_string()));
                }
            }
        }
        let device = Device::new(self.scenario, self.world, &self.recorder).map_err(|error| error.to_string())?;
        let mut home = None;
        let played = self.with_the_device(&device, &mut home).await;
        if let (Err(_), Some(home)) = (&played, &home) {
            // Given servers outlive the run: what failed must not stay behind in them.
            let _ = device.end(&home.source, &home.registration).await;
        }
        self.recorder.step("application servers leave");
        played.and(leave(eass).await)
    }

    async fn with_the_device(&mut self, device: &Device<'a>, kept: &mut Option<AtSource>) -> Result<(), Broken> {
        let files = self.world.pki.files(&self.scenario.ue.certificate);
        let ees = &self.scenario.crossing().source.edn.ees;
        let callbacks = Callbacks::start(&files, &self.world.pki, ees, &self.recorder, &self.witness).await;
        let callbacks = callbacks.map_err(|error| format!("the EEC cannot listen: {error}"))?;
        let home = kept.insert(self.settle_in(device, &callbacks).await?);
        let ac = self.start_application(device, home).await?;
        let limit = Duration::from_millis(self.scenario.timing.limit_ms);
        let travelled = timeout(limit, self.travel(device, &ac, home)).await;
        // The replies count whatever became of the relocation.
        self.replies = ac.finish().await;
        travelled.map_err(|_| Broken(format!("the relocation did not end within {limit:?}")))?
    }

    fn cell(&self, stay: usize) -> Result<&'a Cell, Broken> {
        let stay = self.scenario.ue.route.get(stay).and_then(|stay| self.scenario.cell(&stay.cell));
        stay.ok_or_else(|| Broken("the route leads nowhere".to_owned()))
    }

    /// The preconditions: the EEC is provisioned and registered, and knows where its application runs.
    async fn settle_in(&mut self, device: &Device<'a>, callbacks: &Callbacks) -> Result<AtSource, Broken> {
        let crossing = self.scenario.crossing();
        self.recorder.step("waiting until the ECS knows both sites");
        for (stay, part, site) in [(crossing.stay, Part::TEes, crossing.target), (0, Part::SEes, crossing.source)] {
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
            told.map_err(|_| format!("the ECS did not name {} for cell {:?} within {PREPARATION:?}", site.edn.ees, cell.name))??;
        }
        self.recorder.step("the device finds its edge site, registers and starts its application");
        let cell = self.cell(0)?;
        let nobody = || Broken("the ECS named no EES at the start of the route".to_owned());
        let source = device.provision(cell, Part::SEes, false).await?.ok_or_else(nobody)?;
        let (registration, known) = device.register(&source, None).await?;
        let context = known.eec_cntx_id.as_ref().map(ToString::to_string);
        let context = context.ok_or_else(|| "the source EES gave the registration no eecCntxId".to_owned())?;
        self.facts.at_source = Some(known);
        let no_eas = || Broken("the source EES found no EAS".to_owned());
        let eas = device.discover(&source, cell).await?.ok_or_else(no_eas)?;
        self.facts.source = Some(url_of(&eas.eas.end_pt));
        let mut subscriptions = Vec::new();
        if self.eas_take_part() {
            for event in ["TARGET_INFORMATION", "ACR_COMPLETE"] {
                subscriptions.push(device.subscribe(&source, event, &callbacks.destination()).await?);
            }
        }
        Ok(AtSource { source, registration, context, eas, subscriptions })
    }

    /// The application is served at the first site.
    async fn start_application(&self, device: &Device<'a>, home: &AtSource) -> Result<ApplicationClient, Broken> {
        let (scenario, root) = (self.scenario, url_of(&home.eas.eas.end_pt));
        let (ue, period) = (scenario.ue.gpsi.as_str(), scenario.ac.period());
        let ac = ApplicationClient::start(device.application(), self.recorder.clone(), ue, period, &root);
        let served = timeout(Duration::from_secs(5), ac.served_by(&scenario.crossing().source.eas.instance)).await;
        served.map_err(|_| Broken("the application got no reply from the EAS that was discovered".to_owned()))?;
        Ok(ac)
    }

    /// The UE travels; when it crosses the border the application relocates.
    async fn travel(&mut self, device: &Device<'a>, ac: &ApplicationClient, home: &AtSource) -> Result<(), Broken> {
        let scenario = self.scenario;
        let crossing = scenario.crossing();
        for stay in &scenario.ue.route[..crossing.stay] {
            self.recorder.step(&format!("the UE is in cell {:?}", stay.cell));
            sleep(Duration::from_millis(stay.dwell_ms)).await;
        }
        let cell = self.cell(crossing.stay)?;
        self.recorder.reach(Milestone::Move);
        self.recorder.step(&format!("the UE has entered cell {:?}, which another site serves", cell.name));
        sleep(Duration::from_millis(scenario.timing.detection_ms)).await;
        self.recorder.reach(Milestone::Detected);
        // The EEC's rule: the application moves as soon as its EAS does not serve the new place.
        self.recorder.reach(Milestone::Decided);
        let entered = match scenario.acr {
            AcrScenario::EecExecutedViaSourceEes => self.via_source_ees(device, ac, home, cell).await?,
            _ => self.by_the_eec(device, ac, home, cell).await?,
        };
        self.recorder.step("the application goes on at the new site");
        let rest: u64 = scenario.ue.route[crossing.stay..].iter().map(|stay| stay.dwell_ms).sum();
        self.clean_up(device, home, &entered).await?;
        sleep(Duration::from_millis(scenario.timing.settle_ms.max(rest.min(2000)))).await;
        // The UE goes off; nothing of it stays behind.
        device.end(&entered.site, &entered.registration).await.map(|_| ())
    }

    /// Provisioning at the new place.
    async fn look_around(&mut self, device: &Device<'a>, cell: &Cell) -> Result<Site, Broken> {
        self.recorder.step("the device asks which site is in charge here");
        let nobody = || Broken("the ECS named no EES at the new place".to_owned());
        let site = device.provision(cell, Part::TEes, false).await?.ok_or_else(nobody)?;
        self.recorder.reach(Milestone::Provisioned);
        self.facts.target_ees = Some(site.info.ees_id.to_string());
        Ok(site)
    }

    /// Discovery and choice at the new site.
    async fn choose(&mut self, device: &Device<'a>, site: &Site, cell: &Cell) -> Result<DiscoveredEas, Broken> {
        self.recorder.step("the device looks for the application there");
        let no_eas = || Broken("the target EES found no EAS".to_owned());
        let eas = device.discover(site, cell).await?.ok_or_else(no_eas)?;
        self.recorder.reach(Milestone::TEasFound);
        self.recorder.reach(Milestone::TEasSelected);
        self.facts.target = Some(url_of(&eas.eas.end_pt));
        Ok(eas)
    }

    /// Scenario A: the EEC does it all, the application moves its own state.
    async fn by_the_eec(
        &mut self,
        device: &Device<'a>,
        ac: &ApplicationClient,
        home: &AtSource,
        cell: &Cell,
    ) -> Result<Entered, Broken> {
        let site = self.look_around(device, cell).await?;
        let left = Left { context: home.context.clone(), ees: &home.source.info };
        let (registration, known) = device.register(&site, Some(&left)).await?;
        self.recorder.reach(Milestone::EecCtxMoved);
        self.facts.at_target = Some(known);
        let eas = self.choose(device, &site, cell).await?;
        let wish = Wish {
            source: &home.eas.eas.end_pt,
            target: &eas.eas.end_pt,
            notify_eas: false,
            context: &home.context,
            target_ees: &site,
        };
        device.initiate(&home.source, wish).await?;
        self.recorder.reach(Milestone::InitAck);
        self.recorder.step("the application moves its state to the new server");
        let (from, to) = (url_of(&home.eas.eas.end_pt), url_of(&eas.eas.end_pt));
        device.connect(&to).await;
        self.recorder.reach(Milestone::ActStart);
        device.application_at(Part::SEas, &from).hand_over(&to).await?;
        self.switch(ac, &to).await?;
        Ok(Entered { site, registration, eas })
    }

    /// Scenario B: the EES of the old site carries it out.
    async fn via_source_ees(
        &mut self,
        device: &Device<'a>,
        ac: &ApplicationClient,
        home: &AtSource,
        cell: &Cell,
    ) -> Result<Entered, Broken> {
        let site = self.look_around(device, cell).await?;
        let mut registration = None;
        if site.info.eec_reg_conf {
            registration = Some(device.register(&site, None).await?.0);
        }
        let eas = self.choose(device, &site, cell).await?;
        let to = url_of(&eas.eas.end_pt);
        let wish = Wish {
            source: &home.eas.eas.end_pt,
            target: &eas.eas.end_pt,
            notify_eas: true,
            context: &home.context,
            target_ees: &site,
        };
        self.recorder.step("the device asks the old site to relocate the application");
        device.initiate(&home.source, wish).await?;
        self.recorder.reach(Milestone::InitAck);
        device.connect(&to).await;
        let complete = self.witness.until(acr_complete).await;
        if !complete.acr_status.as_ref().is_some_and(|status| status.acr_res) {
            let why = complete.acr_status.and_then(|status| status.fail_reason).unwrap_or_else(|| "no reason told".to_owned());
            return Err(Broken(format!("the source EES told that the relocation failed: {why}")));
        }
        self.switch(ac, &to).await?;
        let both = |sights: &Sights| (sights.reported.len() >= 2).then(|| sights.reported.iter().map(|report| report.at).max()).flatten();
        if let Ok(at) = timeout(Duration::from_secs(2), self.witness.until(both)).await {
            self.recorder.reach_at(Milestone::StatusReported, at);
        }
        let implicit = complete.eec_ctxt_reloc.and_then(|context| context.impl_reg).map(|details| details.reg_id.to_string());
        let id = implicit.ok_or_else(|| Broken("ACR_COMPLETE carried no eecCtxtReloc.implReg".to_owned()))?;
        self.facts.at_target = Some(device.use_registration(&site, &id).await?);
        // It was told of only when the relocation was complete.
        if let Some(at) = self.recorder.reached(Milestone::AcrComplete) {
            self.recorder.reach_at(Milestone::EecCtxMoved, at);
        }
        if let Some(own) = registration.filter(|own| *own != id) {
            device.end(&site, &own).await?;
        }
        Ok(Entered { site, registration: id, eas })
    }

    /// The application client goes over to the new server.
    async fn switch(&mut self, ac: &ApplicationClient, to: &str) -> Result<(), Broken> {
        self.recorder.step("the application switches to the new server");
        ac.switch(to);
        let instance = &self.scenario.crossing().target.eas.instance;
        let served = timeout(Duration::from_secs(5), ac.served_by(instance)).await;
        served.map_err(|_| Broken("the application got no reply from the chosen EAS".to_owned()))
    }

    /// Nothing stays behind at the old site.
    async fn clean_up(&mut self, device: &Device<'a>, home: &AtSource, entered: &Entered) -> Result<(), Broken> {
        self.recorder.step("the device leaves the old site");
        device.application_at(Part::SEas, &url_of(&home.eas.eas.end_pt)).leave().await?;
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

fn acr_complete(sights: &Sights) -> Option<AcrInfoNotification> {
    let complete = |notification: &&AcrInfoNotification| notification.acr_status.is_some();
    sights.notified.iter().map(|notified| &notified.notification).find(complete).cloned()
}
