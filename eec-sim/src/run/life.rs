//! The life of one UE: where it goes, what its EEC has at which site, and its applications, each with its relocations.

use super::{
    Facts, Shared,
    device::{Broken, Device, Site},
    faults::Hit,
    observer, track,
};
use crate::{
    call::url_of,
    milestone::{Milestone, Reply},
    record::{Part, Recorder},
    scenario::{Ac, Cell, Ending, Moment, Stay},
    world::{ac::ApplicationClient, callbacks::Callbacks, tracks::Track},
};
use edgeapp_openapi::{
    eas_discovery::DiscoveredEas, eas_registration::EndPoint, eec_context_relocation::EecContext,
    ees_registration::AcrScenario,
};
use futures_util::{StreamExt, future::LocalBoxFuture, stream::FuturesUnordered};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until, timeout},
};

/// How long the servers may take until they know of each other.
const PREPARATION: Duration = Duration::from_secs(15);

/// A relocation, as far as it came.
pub(super) struct Draft {
    pub(super) ac: usize,
    pub(super) track: Arc<Track>,
    pub(super) source: String,
    pub(super) target: String,
    pub(super) stay: usize,
    pub(super) facts: Facts,
    pub(super) ending: Ending,
    pub(super) broken: Option<String>,
    /// Who held the context when it was over.
    pub(super) holders: BTreeMap<Part, String>,
}

/// What became of a UE.
pub(super) struct Travelled {
    pub(super) drafts: Vec<Draft>,
    /// The replies to each application client.
    pub(super) replies: Vec<(usize, Vec<Reply>)>,
    /// How many servers hold the context of each application client at the end.
    pub(super) holders: Vec<(usize, usize)>,
    /// Why it did not come to its end.
    pub(super) broken: Option<String>,
    /// What was told to a UE that no relocation is known of.
    pub(super) unasked: usize,
}

/// What the EEC has at a site.
#[derive(Clone)]
pub(super) struct Home {
    pub(super) site: Site,
    pub(super) registration: String,
    pub(super) context: String,
    pub(super) subscriptions: Vec<String>,
    pub(super) known: Option<EecContext>,
}

/// Who serves an application.
#[derive(Clone)]
pub(super) struct Serving {
    pub(super) eas: DiscoveredEas,
    pub(super) instance: String,
    pub(super) ees: String,
}

/// An application client at work.
pub(super) struct Agent {
    pub(super) ac: usize,
    pub(super) client: ApplicationClient,
    pub(super) serving: Serving,
    track: Arc<Track>,
    /// Whether the track has been used for a relocation.
    used: bool,
    busy: bool,
    /// The stay in which a relocation was tried without success: not again there.
    tried: Option<usize>,
    quiet_until: Option<Instant>,
    /// When the last relocation was over.
    ended_at: Option<Duration>,
}

/// One UE.
pub(super) struct Life<'a> {
    pub(super) shared: &'a Shared<'a>,
    pub(super) ue: usize,
    pub(super) homes: Mutex<BTreeMap<String, Home>>,
    /// Which applications are served at which site.
    residents: Mutex<BTreeSet<(String, usize)>>,
    callbacks: Mutex<Option<Callbacks>>,
    place: Mutex<usize>,
    /// Where a copy was made beforehand for an application.
    foreseen: Mutex<BTreeMap<usize, EndPoint>>,
    /// What became of the request that was to move a whole bundle, where nothing did: for those that only follow.
    pub(super) not_asked: watch::Sender<Option<NotAsked>>,
}

/// In which stay nothing came of the request for a whole bundle, and why.
#[derive(Clone, Debug)]
pub(super) struct NotAsked {
    pub(super) stay: usize,
    pub(super) ending: Ending,
    pub(super) why: String,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a relocation starts from.
pub(super) struct Start {
    pub(super) ac: usize,
    pub(super) track: Arc<Track>,
    pub(super) serving: Serving,
    pub(super) target: String,
    pub(super) stay: usize,
}

impl<'a> Life<'a> {
    pub(super) fn new(shared: &'a Shared<'a>, ue: usize) -> Self {
        Self {
            shared,
            ue,
            homes: Mutex::default(),
            residents: Mutex::default(),
            callbacks: Mutex::default(),
            place: Mutex::new(0),
            foreseen: Mutex::default(),
            not_asked: watch::Sender::new(None),
        }
    }

    pub(super) fn ac(&self, ac: usize) -> &'a Ac {
        &self.shared.scenario.ac[ac]
    }

    fn route(&self) -> &'a [Stay] {
        &self.shared.scenario.ue[self.ue].route
    }

    pub(super) fn cell(&self, stay: usize) -> Result<&'a Cell, Broken> {
        let cell = self
            .route()
            .get(stay)
            .and_then(|stay| self.shared.scenario.cell(&stay.cell));
        cell.ok_or_else(|| Broken("the route leads nowhere".to_owned()))
    }

    pub(super) fn lose_notifications(&self, count: u32) {
        if let Some(callbacks) = &*lock(&self.callbacks) {
            callbacks.lose(count);
        }
    }

    pub(super) fn destination(&self) -> String {
        lock(&self.callbacks)
            .as_ref()
            .map(Callbacks::destination)
            .unwrap_or_default()
    }

    pub(super) fn home(&self, ees: &str) -> Option<Home> {
        lock(&self.homes).get(ees).cloned()
    }

    pub(super) fn settle(&self, home: Home) {
        lock(&self.homes).insert(home.site.info.ees_id.to_string(), home);
    }

    /// An application is not served at a site any more; whether it was the last one there.
    pub(super) fn moves_out(&self, ac: usize, ees: &str) -> bool {
        let mut residents = lock(&self.residents);
        residents.remove(&(ees.to_owned(), ac));
        residents.iter().all(|(other, _)| other != ees)
    }

    pub(super) fn moves_in(&self, ac: usize, ees: &str) {
        lock(&self.residents).insert((ees.to_owned(), ac));
    }

    pub(super) fn leave_home(&self, ees: &str) -> Option<Home> {
        lock(&self.homes).remove(ees)
    }

    pub(super) fn holders(&self, ac: usize, track: &Track) -> BTreeMap<Part, String> {
        let shared = self.shared;
        let holders = shared.tracks.holders(&track.ue, self.ac(ac).eas_id.as_str());
        let part = |instance: &str| track.part_of(instance);
        holders
            .into_iter()
            .filter_map(|(instance, origin)| Some((part(&instance)?, origin)))
            .collect()
    }

    /// Whether EESs tell EASs and the EEC something in this way of relocation.
    pub(super) fn is_told(&self) -> bool {
        self.shared.scenario.acr != AcrScenario::EecInitiated
    }

    /// From the first cell to the last.
    pub(super) async fn live(self) -> Travelled {
        let mut travelled = Travelled {
            drafts: Vec::new(),
            replies: Vec::new(),
            holders: Vec::new(),
            broken: None,
            unasked: 0,
        };
        let shared = self.shared;
        let device = match Device::new(&shared.scenario, self.ue, shared.world, &shared.recorder) {
            Ok(device) => device,
            Err(error) => {
                travelled.broken = Some(error.to_string());
                return travelled;
            }
        };
        let lived = self.with_the_device(&device, &mut travelled).await;
        if let Err(Broken(reason)) = lived {
            travelled.broken = Some(reason);
        }
        shared.faults.heal(shared).await;
        // Given servers outlive the run: nothing of the UE stays behind in them.
        device.let_go().await;
        travelled
    }

    async fn with_the_device(&self, device: &Device, travelled: &mut Travelled) -> Result<(), Broken> {
        let (shared, scenario) = (self.shared, &*self.shared.scenario);
        let ue = &scenario.ue[self.ue];
        self.enter(0).await?;
        let files = shared.world.pki.files(&ue.certificate);
        let callbacks = Callbacks::start(&files, &shared.world.pki, ue.gpsi.as_str(), &shared.tracks).await;
        *lock(&self.callbacks) = Some(callbacks.map_err(|error| format!("the EEC cannot listen: {error}"))?);
        let mut agents = Vec::new();
        for ac in scenario.acs_of(self.ue) {
            match self.settle_in(device, ac).await {
                Ok(agent) => agents.push(agent),
                Err(error) => {
                    end(agents, travelled).await;
                    return Err(error);
                }
            }
        }
        let went = self.travel(device, &mut agents, travelled).await;
        for agent in &agents {
            let held = self.holders(agent.ac, &agent.track);
            let all = shared
                .tracks
                .holders(&agent.track.ue, self.ac(agent.ac).eas_id.as_str());
            travelled.holders.push((agent.ac, all.len()));
            for draft in travelled.drafts.iter_mut().filter(|draft| draft.ac == agent.ac) {
                if Arc::ptr_eq(&draft.track, &agent.track) {
                    draft.holders.clone_from(&held);
                }
            }
            if !agent.used {
                let sights = agent.track.witness.sights();
                travelled.unasked += sights.told.len() + sights.notified.len();
            }
        }
        end(agents, travelled).await;
        went
    }

    /// The UE is in a cell: the core network knows it first, where there is one.
    async fn enter(&self, stay: usize) -> Result<(), Broken> {
        *lock(&self.place) = stay;
        let scenario = &self.shared.scenario;
        match &self.shared.world.network {
            Some(network) if scenario.core.is_some() => {
                let gpsi = scenario.ue[self.ue].gpsi.as_str();
                Ok(network.move_ue(gpsi, self.cell(stay)?).await?)
            }
            _ => Ok(()),
        }
    }

    /// The preconditions: the EEC is provisioned and registered, knows where its application runs, and that one is served.
    async fn settle_in(&self, device: &Device, ac: usize) -> Result<Agent, Broken> {
        let (shared, scenario) = (self.shared, &*self.shared.scenario);
        let application = &self.ac(ac).eas_id;
        let crossings = scenario.crossings(self.ue, ac);
        let left_out = super::left_out(scenario);
        shared.recorder.step("waiting until the ECS knows the sites");
        let mut asked = BTreeSet::new();
        for (stay, at) in self.route().iter().enumerate() {
            let Some(site) = scenario.site_in(&at.cell, application) else {
                continue;
            };
            if site.is_cloud() || left_out.as_ref() == Some(&site.edn.ees) || !asked.insert(&site.edn.ees) {
                continue;
            }
            let cell = self.cell(stay)?;
            let known = async {
                loop {
                    if let Some(found) = device.provision(cell, None).await?
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
        let cell = self.cell(0)?;
        let first = scenario.site_in(&cell.name, application);
        let first = first.ok_or_else(|| Broken("nobody serves the start of the route".to_owned()))?;
        let planned = scenario
            .plan
            .as_ref()
            .and_then(|plan| scenario.site_in(&plan.cell, application))
            .map(|site| site.eas.instance.as_str());
        let target = crossings.first().map(|crossing| crossing.target.eas.instance.as_str());
        let track = track(
            scenario,
            &shared.recorder,
            (self.ue, ac),
            &first.eas.instance,
            planned.or(target),
        );
        shared.tracks.begin(application.as_str(), track.clone());
        shared
            .recorder
            .step("the device finds its edge site, registers and starts its application");
        let home = self.first_home(device, &track.recorder).await?;
        let no_eas = || Broken("the source EES found no EAS".to_owned());
        let site = home.site.seen_by(&track.recorder, Part::SEes);
        let eas = device.discover(&site, self.ac(ac), cell).await?.ok_or_else(no_eas)?;
        let (root, period) = (url_of(&eas.eas.end_pt), self.ac(ac).period());
        let names = (track.ue.as_str(), track.ac.as_str());
        let client = ApplicationClient::start(device.application(), shared.recorder.clone(), names, period, &root);
        let served = timeout(Duration::from_secs(5), client.served_by(&first.eas.instance)).await;
        if served.is_err() {
            let _ = client.finish().await;
            return Err(Broken(
                "the application got no reply from the EAS that was discovered".to_owned(),
            ));
        }
        self.moves_in(ac, first.edn.ees.as_str());
        if scenario.acr == AcrScenario::SourceEesExecuted {
            // Who decides by itself has to know where to go when no EAS is there.
            self.name_cloud(device, ac, &site).await?;
        }
        Ok(Agent {
            ac,
            client,
            serving: Serving {
                eas,
                instance: first.eas.instance.clone(),
                ees: first.edn.ees.to_string(),
            },
            track,
            used: false,
            busy: false,
            tried: None,
            quiet_until: None,
            ended_at: None,
        })
    }

    /// What the EEC has at its first site; its applications share it.
    async fn first_home(&self, device: &Device, recorder: &Arc<Recorder>) -> Result<Home, Broken> {
        if let Some(home) = lock(&self.homes).values().next().cloned() {
            return Ok(home);
        }
        let cell = self.cell(0)?;
        let nobody = || Broken("the ECS named no EES at the start of the route".to_owned());
        let site = device
            .provision(cell, Some((recorder, Part::SEes)))
            .await?
            .ok_or_else(nobody)?;
        let (registration, known) = device.register(&site, None).await?;
        let context = known.eec_cntx_id.as_ref().map(ToString::to_string);
        let context = context.ok_or_else(|| "the source EES gave the registration no eecCtxtId".to_owned())?;
        let known = self.context_at(&site, &context).await.ok();
        let mut home = Home {
            site,
            registration,
            context,
            subscriptions: Vec::new(),
            known,
        };
        self.subscribe(device, &mut home).await?;
        self.settle(home.clone());
        Ok(home)
    }

    /// To which relocation something happens now.
    pub(super) fn hit(&self, start: &Start) -> Hit {
        Hit {
            ue: self.ue,
            ac: start.ac,
            stay: start.stay,
        }
    }

    /// Keeps in mind what is prepared for an application where the UE is expected.
    pub(super) fn prepared(&self, ac: usize, target: EndPoint) {
        lock(&self.foreseen).insert(ac, target);
    }

    /// What is prepared for an application; asked once.
    pub(super) fn take_prepared(&self, ac: usize) -> Option<EndPoint> {
        lock(&self.foreseen).remove(&ac)
    }

    /// Subscribes to what EESs tell EECs of relocations.
    pub(super) async fn subscribe(&self, device: &Device, home: &mut Home) -> Result<(), Broken> {
        if self.is_told() {
            for event in ["TARGET_INFORMATION", "ACR_COMPLETE"] {
                home.subscriptions
                    .push(device.subscribe(&home.site, event, &self.destination()).await?);
            }
        }
        Ok(())
    }

    /// The EEC context at a site, as the EES of another site sees it.
    pub(super) async fn context_at(&self, site: &Site, context: &str) -> Result<EecContext, Broken> {
        let scenario = &self.shared.scenario;
        let other = scenario.edn.iter().find(|edn| edn.ees != site.info.ees_id);
        let other = other.ok_or_else(|| Broken("there is no other EES to look".to_owned()))?;
        observer::context_at(self.shared.world, other, site, context).await
    }

    /// What an application that was at rest has to do now.
    fn start(&self, agent: &mut Agent, moved_at: Duration) -> Option<Start> {
        let scenario = &self.shared.scenario;
        let stay = *lock(&self.place);
        let site = scenario.site_in(&self.route().get(stay)?.cell, &self.ac(agent.ac).eas_id)?;
        let quiet = agent.quiet_until.is_some_and(|until| until > Instant::now());
        if agent.busy || quiet || agent.tried == Some(stay) || site.eas.instance == agent.serving.instance {
            return None;
        }
        let target = site.eas.instance.clone();
        if agent.used {
            let source = agent.serving.instance.as_str();
            agent.track = track(
                scenario,
                &self.shared.recorder,
                (self.ue, agent.ac),
                source,
                Some(&target),
            );
            self.shared
                .tracks
                .begin(self.ac(agent.ac).eas_id.as_str(), agent.track.clone());
            let made = self.holders(agent.ac, &agent.track).remove(&Part::SEas);
            agent.track.witness.see(|sights| sights.made = made);
        } else {
            agent.track.set_target(&target);
        }
        (agent.used, agent.busy) = (true, true);
        // What the UE did while the last relocation ran or was too fresh counts from now on.
        let quiet = scenario.time(scenario.timing.hold_off_ms);
        let moved_at = match agent.ended_at {
            Some(ended) if ended + quiet > moved_at => self.shared.recorder.now(),
            _ => moved_at,
        };
        agent.track.recorder.reach_at(Milestone::Move, moved_at);
        Some(Start {
            ac: agent.ac,
            track: agent.track.clone(),
            serving: agent.serving.clone(),
            target,
            stay,
        })
    }

    /// The UE travels; where it crosses a border its applications relocate.
    async fn travel(&self, device: &Device, agents: &mut [Agent], travelled: &mut Travelled) -> Result<(), Broken> {
        let (shared, scenario) = (self.shared, &*self.shared.scenario);
        let timing = &scenario.timing;
        sleep(scenario.time(scenario.ue[self.ue].delay_ms)).await;
        if let Some(plan) = &scenario.plan {
            for agent in agents.iter_mut() {
                self.foresee(device, agent, plan).await?;
            }
        }
        let mut next = Some(Instant::now() + scenario.time(self.route()[0].dwell_ms));
        let mut stay = 0;
        let mut under_way: UnderWay<'_> = FuturesUnordered::new();
        let mut moved_at = shared.recorder.now();
        loop {
            let mut starts = Vec::new();
            for agent in agents.iter_mut() {
                if let Some(start) = self.start(agent, moved_at) {
                    starts.push((start, agent.client.handle()));
                }
            }
            for (start, client) in starts {
                under_way.push(Box::pin(self.relocate(device, start, client)));
            }
            let quiet = agents
                .iter()
                .filter(|agent| self.waits(agent))
                .filter_map(|agent| agent.quiet_until)
                .min();
            if next.is_none() && under_way.is_empty() && quiet.is_none() {
                break;
            }
            let wake = [next, quiet].into_iter().flatten().min();
            tokio::select! {
                Some((draft, serving, _)) = under_way.next(), if !under_way.is_empty() => {
                    if let Some(agent) = agents.iter_mut().find(|agent| agent.ac == draft.ac) {
                        agent.busy = false;
                        agent.ended_at = Some(shared.recorder.now());
                        agent.tried = (draft.ending != Ending::Complete).then_some(draft.stay);
                        agent.quiet_until = Some(Instant::now() + scenario.time(timing.hold_off_ms));
                        agent.serving = serving;
                    }
                    travelled.drafts.push(draft);
                }
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {
                    if next.is_some_and(|next| next <= Instant::now()) {
                        stay += 1;
                        next = self.advance(stay, agents, &mut moved_at, &mut under_way, device).await?;
                    }
                }
            }
        }
        // The application runs on for a while.
        sleep(scenario.time(timing.settle_ms)).await;
        Ok(())
    }

    /// Whether an application waits for the end of its quiet time only.
    fn waits(&self, agent: &Agent) -> bool {
        let stay = *lock(&self.place);
        let site = self
            .route()
            .get(stay)
            .and_then(|at| self.shared.scenario.site_in(&at.cell, &self.ac(agent.ac).eas_id));
        let elsewhere = site.is_some_and(|site| site.eas.instance != agent.serving.instance);
        elsewhere && !agent.busy && agent.tried != Some(stay)
    }

    /// On to the next stay. Answers with when the UE leaves it.
    async fn advance<'b>(
        &'b self,
        stay: usize,
        agents: &mut [Agent],
        moved_at: &mut Duration,
        under_way: &mut UnderWay<'b>,
        device: &'b Device,
    ) -> Result<Option<Instant>, Broken> {
        let (shared, scenario) = (self.shared, &*self.shared.scenario);
        let Some(at) = self.route().get(stay) else {
            return Ok(None);
        };
        *lock(&self.place) = stay;
        *moved_at = shared.recorder.now();
        shared
            .recorder
            .step(&format!("{} is in cell {:?}", scenario.ue[self.ue].eec_id, at.cell));
        // Whoever hears of the move by the network finds everything ready.
        for agent in agents.iter_mut() {
            if let Some(start) = self.start(agent, *moved_at) {
                let between = (start.serving.instance.as_str(), start.target.as_str());
                shared
                    .faults
                    .inject(Moment::Move, self, between, self.hit(&start))
                    .await?;
                under_way.push(Box::pin(self.relocate(device, start, agent.client.handle())));
            }
        }
        self.enter(stay).await?;
        Ok(Some(Instant::now() + scenario.time(at.dwell_ms)))
    }

    async fn foresee(&self, device: &Device, agent: &mut Agent, plan: &crate::scenario::Plan) -> Result<(), Broken> {
        let start = Start {
            ac: agent.ac,
            track: agent.track.clone(),
            serving: agent.serving.clone(),
            target: self
                .shared
                .scenario
                .site_in(&plan.cell, &self.ac(agent.ac).eas_id)
                .map(|site| site.eas.instance.clone())
                .unwrap_or_default(),
            stay: 0,
        };
        self.plan(device, &start, plan).await
    }
}

/// The relocations of a UE that run.
type UnderWay<'a> = FuturesUnordered<LocalBoxFuture<'a, (Draft, Serving, ApplicationSwitch)>>;

pub(super) use crate::world::ac::Handle as ApplicationSwitch;

async fn end(agents: Vec<Agent>, travelled: &mut Travelled) {
    for agent in agents {
        travelled.replies.push((agent.ac, agent.client.finish().await));
    }
}
