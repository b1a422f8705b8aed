//! The relocation itself, in the ways that are played.

use super::{
    Facts,
    device::{Broken, Device, Left, Other, Predicted, Site, Wish},
    life::{ApplicationSwitch, Draft, Home, Life, NotAsked, Serving, Start},
};
use crate::{
    call::url_of,
    milestone::Milestone,
    record::{Part, Recorder},
    scenario::{Cell, Ending, FaultName, Moment, Plan},
    witness::Sights,
};
use edgeapp_openapi::{
    acr_events::{AcrEventIds, AcrInfoNotification},
    eas_discovery::DiscoveredEas,
    eas_registration::EndPoint,
    ees_registration::AcrScenario,
};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// How long the EEC waits for what EESs do by themselves, before it says where the UE is.
const UNHEARD: Duration = Duration::from_millis(1500);

/// How long an application of a bundle waits for what another one brings to the new site.
const BROUGHT: Duration = Duration::from_secs(3);

/// Why a relocation did not come to the end that everybody hopes for.
pub(super) enum Stop {
    /// The simulator cannot go on.
    Broken(String),
    /// It was told to have failed.
    Failed(String),
    /// There is nowhere to go.
    Stays(String),
    /// The EEC does not want it any more.
    Cancelled,
}

impl Stop {
    /// How it ended, and why.
    fn told(&self) -> (Ending, String) {
        match self {
            Self::Broken(why) => (Ending::Settled, why.clone()),
            Self::Failed(why) => (Ending::Failed, why.clone()),
            Self::Stays(why) => (Ending::Stays, why.clone()),
            Self::Cancelled => (Ending::Cancelled, "the EEC gave it up".to_owned()),
        }
    }

    /// The news for the other applications of a bundle.
    fn not_asked(&self, stay: usize) -> Option<NotAsked> {
        let (ending, why) = self.told();
        Some(NotAsked { stay, ending, why })
    }
}

impl From<Broken> for Stop {
    fn from(Broken(reason): Broken) -> Self {
        Self::Broken(reason)
    }
}

/// The site that is entered.
pub(super) struct Entered {
    pub(super) home: Home,
    pub(super) eas: DiscoveredEas,
}

/// What was found at the new place.
struct Found {
    site: Site,
    eas: DiscoveredEas,
}

impl Life<'_> {
    /// Relocates one application. Answers with what became of it, and who serves now.
    pub(super) async fn relocate(
        &self,
        device: &Device,
        start: Start,
        client: ApplicationSwitch,
    ) -> (Draft, Serving, ApplicationSwitch) {
        let scenario = &self.shared.scenario;
        let home = self.home(&start.serving.ees);
        let mut facts = Facts {
            source: Some(url_of(&start.serving.eas.eas.end_pt)),
            at_source: home.as_ref().and_then(|home| home.known.clone()),
            copied_at: start.track.recorder.reached(Milestone::ActDone),
            ..Facts::default()
        };
        let limit = Duration::from_millis(scenario.timing.limit_ms);
        let done = match home {
            None => Err(Stop::Broken(format!("the EEC has nothing at {}", start.serving.ees))),
            Some(home) => {
                let work = self.carry_out(device, &start, &home, &client, &mut facts);
                let done = timeout(limit, work).await;
                done.unwrap_or_else(|_| Err(Stop::Broken(format!("the relocation did not end within {limit:?}"))))
            }
        };
        let (ending, broken, serving) = match done {
            Ok(serving) => (Ending::Complete, None, serving),
            Err(stop) => {
                let (ending, why) = stop.told();
                if ending == Ending::Stays {
                    self.forget_prepared(device, &start).await;
                }
                self.shared
                    .recorder
                    .step(&format!("the application stays where it is: {why}"));
                (ending, Some(why), start.serving.clone())
            }
        };
        let draft = Draft {
            ac: start.ac,
            holders: self.holders(start.ac, &start.track),
            track: start.track,
            source: start.serving.instance,
            target: start.target,
            stay: start.stay,
            facts,
            ending,
            broken,
        };
        (draft, serving, client)
    }

    /// What was prepared where the UE was expected is not needed: the application stays where it is.
    async fn forget_prepared(&self, device: &Device, start: &Start) {
        let prepared = self.take_prepared(start.ac).zip(self.home(&start.serving.ees));
        let Some((target, home)) = prepared else { return };
        self.shared
            .recorder
            .step("the device tells that what was prepared is not needed");
        let source = home.site.seen_by(&start.track.recorder, Part::SEes);
        let here = &start.serving.eas.eas.end_pt;
        let back = Wish {
            source: here,
            target: here,
            notify_eas: false,
            context: &home.context,
            other_ees: Other::Nobody,
            predicted: None,
            instead_of: Some(&target),
            bundle: None,
        };
        if device.initiate(&source, self.ac(start.ac), &back).await.is_ok() {
            let dropped = |sights: &Sights| (!sights.dropped.is_empty()).then_some(());
            let _ = timeout(Duration::from_secs(5), start.track.witness.until(dropped)).await;
        }
    }

    async fn carry_out(
        &self,
        device: &Device,
        start: &Start,
        home: &Home,
        client: &ApplicationSwitch,
        facts: &mut Facts,
    ) -> Result<Serving, Stop> {
        let scenario = &self.shared.scenario;
        let recorder = &start.track.recorder;
        let cell = self.cell(start.stay)?;
        let application = &self.ac(start.ac).eas_id;
        let falls_back = scenario.is_cloud(application, &start.target);
        let comes_back = scenario.is_cloud(application, &start.serving.instance);
        let by_the_eec = matches!(
            scenario.acr,
            AcrScenario::EecInitiated | AcrScenario::EecExecutedViaSourceEes | AcrScenario::EecExecutedViaTargetEes
        );
        if by_the_eec || comes_back {
            sleep(scenario.time(scenario.timing.detection_ms)).await;
            recorder.reach(Milestone::Detected);
            // The EEC's rule: the application moves as soon as its EAS does not serve the new place.
            recorder.reach(Milestone::Decided);
        }
        let entered = match scenario.acr {
            _ if comes_back => self.leave_the_cloud(device, start, home, cell, facts).await?,
            _ if falls_back && by_the_eec => self.to_the_cloud(device, start, home, cell, facts).await?,
            AcrScenario::EecInitiated => self.by_the_eec(device, start, home, cell, client, facts).await?,
            AcrScenario::EecExecutedViaSourceEes => self.via_source_ees(device, start, home, cell, facts).await?,
            AcrScenario::EecExecutedViaTargetEes => self.via_target_ees(device, start, home, cell, facts).await?,
            _ => self.by_others(device, start, home, cell, facts).await?,
        };
        self.switch(start, client, &entered.eas).await?;
        if falls_back {
            self.shared.recorder.step("the application goes on in the cloud");
            self.leave_the_edge(device, start).await?;
            return Ok(Serving {
                instance: start.target.clone(),
                // It stays the EES of the UE until another one is.
                ees: start.serving.ees.clone(),
                eas: entered.eas,
            });
        }
        let context = entered.home.context.clone();
        facts.at_target = self.context_at(&entered.home.site, &context).await.ok();
        self.shared.recorder.step("the application goes on at the new site");
        self.clean_up(device, start, home, &entered, facts).await?;
        Ok(Serving {
            instance: start.target.clone(),
            ees: entered.home.site.info.ees_id.to_string(),
            eas: entered.eas,
        })
    }

    /// Provisioning at the new place.
    async fn look_around(&self, device: &Device, start: &Start, cell: &Cell, facts: &mut Facts) -> Result<Site, Stop> {
        self.shared
            .recorder
            .step("the device asks which site is in charge here");
        let found = device
            .provision(cell, Some((&start.track.recorder, Part::TEes)))
            .await?;
        let site = found.ok_or_else(|| Stop::Stays("the ECS named no EES at the new place".to_owned()))?;
        if site.info.ees_id.as_str() == start.serving.ees {
            return Err(Stop::Stays("the ECS named the EES that serves already".to_owned()));
        }
        start.track.recorder.reach(Milestone::Provisioned);
        facts.target_ees = Some(site.info.ees_id.to_string());
        Ok(site)
    }

    /// Discovery and choice at the new site.
    pub(super) async fn choose(
        &self,
        device: &Device,
        start: &Start,
        site: &Site,
        cell: &Cell,
        facts: &mut Facts,
    ) -> Result<DiscoveredEas, Stop> {
        self.shared.recorder.step("the device looks for the application there");
        // What it knows by name is of the old site (TS 23.548 clause 6.2.3.3).
        device.forget(self.ac(start.ac));
        let found = device.discover(site, self.ac(start.ac), cell).await;
        let found = found.map_err(|Broken(why)| Stop::Stays(format!("the target EES cannot be asked: {why}")))?;
        let eas = found.ok_or_else(|| Stop::Stays("the target EES found no EAS".to_owned()))?;
        start.track.recorder.reach(Milestone::TEasFound);
        start.track.recorder.reach(Milestone::TEasSelected);
        facts.target = Some(url_of(&eas.eas.end_pt));
        if device.name_of(self.ac(start.ac)).is_some() {
            facts.named.push((Part::TEes, url_of(&eas.eas.end_pt)));
        }
        Ok(eas)
    }

    /// What the EEC has at the site already, with another application; else it registers, with its context.
    pub(super) async fn enroll(&self, device: &Device, site: &Site, left: Option<&Home>) -> Result<Home, Stop> {
        if let Some(home) = self.home(site.info.ees_id.as_str()) {
            return Ok(Home {
                site: site.clone(),
                ..home
            });
        }
        let left = left.map(|home| Left {
            context: home.context.clone(),
            ees: &home.site.info,
        });
        let made = device.register(site, left.as_ref()).await;
        let (registration, known) = made.map_err(|Broken(why)| Stop::Stays(why))?;
        let home = Home {
            site: site.clone(),
            registration,
            context: known.eec_cntx_id.map(|id| id.to_string()).unwrap_or_default(),
            subscriptions: Vec::new(),
            known: None,
        };
        self.settle(home.clone());
        Ok(home)
    }

    fn between(start: &Start) -> (&str, &str) {
        (start.serving.instance.as_str(), start.target.as_str())
    }

    /// Scenario A: the EEC does it all, the application moves its own state.
    async fn by_the_eec(
        &self,
        device: &Device,
        start: &Start,
        home: &Home,
        cell: &Cell,
        client: &ApplicationSwitch,
        facts: &mut Facts,
    ) -> Result<Entered, Stop> {
        let recorder = &start.track.recorder;
        let site = self.look_around(device, start, cell, facts).await?;
        let target = self.enroll(device, &site, Some(home)).await?;
        recorder.reach(Milestone::EecCtxMoved);
        let eas = self.choose(device, start, &site, cell, facts).await?;
        let source = home.site.seen_by(recorder, Part::SEes);
        let wish = Wish {
            source: &start.serving.eas.eas.end_pt,
            target: &eas.eas.end_pt,
            notify_eas: false,
            context: &home.context,
            other_ees: Other::Target(&site),
            predicted: None,
            instead_of: None,
            bundle: None,
        };
        // What comes of it is better routes and a context that moves: the application goes on without.
        match device.initiate(&source, self.ac(start.ac), &wish).await {
            Ok(()) => recorder.reach(Milestone::InitAck),
            Err(Broken(why)) => self.shared.recorder.step(&format!("the EES does not help: {why}")),
        }
        self.inject(Moment::Accepted, start).await?;
        if let Some(name) = device.name_of(self.ac(start.ac)) {
            // The relocation is in force: whoever is asked leads to the new server.
            device.forget(self.ac(start.ac));
            let located = device.locate(&source, name).await?;
            facts.named.extend(located.map(|located| (Part::SEes, located.root)));
        }
        self.shared
            .recorder
            .step("the application moves its state to the new server");
        let (from, to) = (url_of(&start.serving.eas.eas.end_pt), url_of(&eas.eas.end_pt));
        device.connect(&to).await;
        recorder.reach(Milestone::ActStart);
        self.inject(Moment::ActStart, start).await?;
        let handed = device.application_at(recorder, Part::SEas, &from).hand_over(&to).await;
        handed.map_err(|error| Stop::Failed(format!("the state was not handed over: {error}")))?;
        let _ = client;
        Ok(Entered { home: target, eas })
    }

    async fn inject(&self, moment: Moment, start: &Start) -> Result<(), Broken> {
        let faults = &self.shared.faults;
        faults.inject(moment, self, Self::between(start), self.hit(start)).await
    }

    async fn find(&self, device: &Device, start: &Start, cell: &Cell, facts: &mut Facts) -> Result<Found, Stop> {
        let site = self.look_around(device, start, cell, facts).await?;
        if site.info.eec_reg_conf {
            self.enroll(device, &site, None).await?;
        }
        let eas = self.choose(device, start, &site, cell, facts).await?;
        Ok(Found { site, eas })
    }

    /// Asks for the relocation; twice where that is the fault, and gives it up where that is.
    pub(super) async fn ask(&self, device: &Device, start: &Start, at: &Site, wish: &Wish<'_>) -> Result<(), Stop> {
        let (recorder, ac) = (&start.track.recorder, self.ac(start.ac));
        // Who cannot write it down refuses it, and nothing has begun.
        let full = self.shared.faults.hit().contains(&FaultName::SeesDiskFull);
        let refused = |Broken(why): Broken| match full {
            true => Stop::Stays(format!("the EES refused: {why}")),
            false => Stop::Failed(format!("the EES refused: {why}")),
        };
        if self.shared.faults.is_due(FaultName::DuplicateInit, self.hit(start)) {
            let (first, second) = tokio::join!(device.initiate(at, ac, wish), device.initiate(at, ac, wish));
            first.and(second).map_err(refused)?;
        } else {
            device.initiate(at, ac, wish).await.map_err(refused)?;
        }
        recorder.reach(Milestone::InitAck);
        self.inject(Moment::Accepted, start).await?;
        if self.shared.faults.is_due(FaultName::EecCancels, self.hit(start)) {
            self.shared.recorder.step("on purpose: the EEC gives the relocation up");
            let back = Wish {
                source: wish.source,
                target: wish.source,
                notify_eas: false,
                context: wish.context,
                other_ees: Other::Nobody,
                predicted: None,
                instead_of: Some(wish.target),
                bundle: None,
            };
            device.initiate(at, ac, &back).await.map_err(refused)?;
            let dropped = |sights: &Sights| {
                let stopped = sights.told.iter().any(|told| told.status == "ACT_STOP");
                stopped.then_some(())
            };
            let told = timeout(Duration::from_secs(5), start.track.witness.until(dropped)).await;
            told.map_err(|_| Stop::Broken("no EAS was told to stop".to_owned()))?;
            // The copy that nobody needs goes with it.
            let gone = |sights: &Sights| (!sights.dropped.is_empty() || sights.arrived.is_empty()).then_some(());
            let _ = timeout(Duration::from_secs(2), start.track.witness.until(gone)).await;
            return Err(Stop::Cancelled);
        }
        Ok(())
    }

    /// Waits for ACR_COMPLETE; an unsuccessful one ends the relocation.
    pub(super) async fn complete(&self, start: &Start, after: usize) -> Result<AcrInfoNotification, Stop> {
        let witness = &start.track.witness;
        // What is to go wrong when the transfer begins goes wrong while the end is waited for.
        let begun = async {
            witness.until(|sights| has_begun(sights).then_some(())).await;
            match self.inject(Moment::ActStart, start).await {
                Ok(()) => std::future::pending().await,
                Err(broken) => broken,
            }
        };
        let complete = tokio::select! {
            complete = witness.until(|sights: &Sights| nth_complete(sights, after)) => complete,
            broken = begun => return Err(broken.into()),
        };
        if !is_successful(&complete) {
            let status = complete.acr_status.as_ref();
            let why = status.and_then(|status| status.fail_reason.clone());
            let why = why.unwrap_or_else(|| "no reason told".to_owned());
            return Err(Stop::Failed(format!("an EES told that the relocation failed: {why}")));
        }
        Ok(complete)
    }

    /// The registration that the T-EES made of the context that was pushed to it.
    async fn implicit(
        &self,
        device: &Device,
        start: &Start,
        site: Site,
        complete: &AcrInfoNotification,
        facts: &mut Facts,
    ) -> Result<Home, Stop> {
        let implicit = complete
            .eec_ctxt_reloc
            .as_ref()
            .and_then(|context| context.impl_reg.as_ref());
        let id = implicit.map(|details| details.reg_id.to_string());
        if id.is_none() && self.shared.scenario.bundle.is_some() {
            // Another application of the bundle brings the context: a registration made now would end the one that came with it.
            let there = async {
                while self.home(site.info.ees_id.as_str()).is_none() {
                    sleep(Duration::from_millis(20)).await;
                }
            };
            let _ = timeout(BROUGHT, there).await;
        }
        let own = self.home(site.info.ees_id.as_str());
        let id = match (id, own) {
            (Some(id), own) => {
                let known = device.use_registration(&site, &id).await?;
                facts.implicit_used = true;
                device.hold_registration(&site, &id);
                start.track.recorder.reach(Milestone::EecCtxMoved);
                if let Some(own) = own.filter(|own| own.registration != id) {
                    device.end(&site, &own.registration).await?;
                }
                let context = known.eec_cntx_id.map(|id| id.to_string()).unwrap_or_default();
                Home {
                    site,
                    registration: id,
                    context,
                    subscriptions: Vec::new(),
                    known: None,
                }
            }
            // Its context did not come: it registers by itself, and says where it was.
            (None, _) => {
                let left = self.home(&start.serving.ees);
                self.enroll(device, &site, left.as_ref()).await?
            }
        };
        self.settle(id.clone());
        Ok(id)
    }

    async fn reported(&self, start: &Start) {
        let both = |sights: &Sights| {
            let of = |eas| sights.reported.iter().find(|report| report.eas == eas);
            Some(of(Part::SEas)?.at.max(of(Part::TEas)?.at))
        };
        if let Ok(at) = timeout(Duration::from_secs(2), start.track.witness.until(both)).await {
            start.track.recorder.reach_at(Milestone::StatusReported, at);
        }
    }

    /// Scenario B: the EES of the old site carries it out.
    async fn via_source_ees(
        &self,
        device: &Device,
        start: &Start,
        home: &Home,
        cell: &Cell,
        facts: &mut Facts,
    ) -> Result<Entered, Stop> {
        if self.shared.scenario.is_led(self.ue, start.ac) {
            let Found { site, eas } = self.find(device, start, cell, facts).await?;
            // The first of the bundle asks for all.
            device.connect(&url_of(&eas.eas.end_pt)).await;
            let complete = tokio::select! {
                complete = self.complete(start, 0) => match complete {
                    // Whoever asked for all gave it up for all.
                    Err(Stop::Failed(_)) if self.is_cancelled(start) => return Err(Stop::Cancelled),
                    complete => complete?,
                },
                stop = self.not_asked(start.stay) => return Err(stop),
            };
            self.reported(start).await;
            let home = self.implicit(device, start, site, &complete, facts).await?;
            return Ok(Entered { home, eas });
        }
        let asked = self.ask_the_source(device, start, home, cell, facts).await;
        let (Found { site, eas }, heard) = match asked {
            Ok(asked) => asked,
            Err(stop) => {
                self.not_asked.send_replace(stop.not_asked(start.stay));
                return Err(stop);
            }
        };
        device.connect(&url_of(&eas.eas.end_pt)).await;
        let complete = self.complete(start, heard).await?;
        self.reported(start).await;
        let home = self.implicit(device, start, site, &complete, facts).await?;
        Ok(Entered { home, eas })
    }

    fn is_cancelled(&self, start: &Start) -> bool {
        let shared = self.shared;
        let hit = shared.faults.hit_of(&shared.scenario, self.hit(start));
        hit.contains(&FaultName::EecCancels)
    }

    /// Waits for the news that nothing came of the request for the whole bundle, in this stay.
    async fn not_asked(&self, stay: usize) -> Stop {
        let mut news = self.not_asked.subscribe();
        let here = |news: &Option<NotAsked>| news.as_ref().is_some_and(|news| news.stay == stay);
        let news = match news.wait_for(here).await {
            Ok(news) => news.clone(),
            Err(_) => None,
        };
        match news {
            Some(NotAsked {
                ending: Ending::Cancelled,
                ..
            })
            | None => Stop::Cancelled,
            Some(NotAsked {
                ending: Ending::Failed,
                why,
                ..
            }) => Stop::Failed(why),
            Some(NotAsked { why, .. }) => Stop::Stays(why),
        }
    }

    /// Looks for a target and asks the old site to relocate. Answers with the target, and how often the EEC had heard of an end before.
    async fn ask_the_source(
        &self,
        device: &Device,
        start: &Start,
        home: &Home,
        cell: &Cell,
        facts: &mut Facts,
    ) -> Result<(Found, usize), Stop> {
        let Found { site, eas } = self.find(device, start, cell, facts).await?;
        let bundle = self.bundle(device, &site, cell).await?;
        let source = home.site.seen_by(&start.track.recorder, Part::SEes);
        let wish = Wish {
            source: &start.serving.eas.eas.end_pt,
            target: &eas.eas.end_pt,
            notify_eas: true,
            context: &home.context,
            other_ees: Other::Target(&site),
            predicted: None,
            instead_of: None,
            bundle,
        };
        self.shared
            .recorder
            .step("the device asks the old site to relocate the application");
        // Of a relocation that was foreseen it has heard already that the copy is complete.
        let heard = completes(&start.track.witness.sights());
        self.ask(device, start, &source, &wish).await?;
        Ok((Found { site, eas }, heard))
    }

    /// The bundle of the applications, with where each of them goes at a site.
    async fn bundle(
        &self,
        device: &Device,
        site: &Site,
        cell: &Cell,
    ) -> Result<Option<(serde_json::Value, Vec<EndPoint>)>, Stop> {
        let scenario = &self.shared.scenario;
        let Some(bundle) = &scenario.bundle else {
            return Ok(None);
        };
        let mut targets = Vec::new();
        for ac in &scenario.ac {
            let found = device.discover(site, ac, cell).await;
            let found = found.map_err(|Broken(why)| Stop::Stays(format!("the target EES cannot be asked: {why}")))?;
            let found = found.ok_or_else(|| Stop::Stays(format!("the target EES has no {}", ac.eas_id)))?;
            targets.push(found.eas.end_pt);
        }
        Ok(Some((bundle.on_the_wire(scenario), targets)))
    }

    /// Scenario E: the EES of the new site carries it out, and its EAS fetches the state.
    async fn via_target_ees(
        &self,
        device: &Device,
        start: &Start,
        home: &Home,
        cell: &Cell,
        facts: &mut Facts,
    ) -> Result<Entered, Stop> {
        let site = self.look_around(device, start, cell, facts).await?;
        let mut target = self.enroll(device, &site, Some(home)).await?;
        start.track.recorder.reach(Milestone::EecCtxMoved);
        let eas = self.choose(device, start, &site, cell, facts).await?;
        if target.subscriptions.is_empty() {
            self.subscribe(device, &mut target).await?;
            self.settle(target.clone());
        }
        let wish = Wish {
            source: &start.serving.eas.eas.end_pt,
            target: &eas.eas.end_pt,
            notify_eas: true,
            context: &home.context,
            other_ees: Other::Source(&home.site),
            predicted: None,
            instead_of: None,
            bundle: None,
        };
        self.shared
            .recorder
            .step("the device asks the new site to relocate the application");
        self.ask(device, start, &site, &wish).await?;
        device.connect(&url_of(&eas.eas.end_pt)).await;
        self.complete(start, 0).await?;
        self.reported(start).await;
        Ok(Entered { home: target, eas })
    }

    /// Scenarios C, D and F: the EEC only hears of it, and follows.
    async fn by_others(
        &self,
        device: &Device,
        start: &Start,
        home: &Home,
        cell: &Cell,
        facts: &mut Facts,
    ) -> Result<Entered, Stop> {
        let (scenario, recorder) = (&self.shared.scenario, &start.track.recorder);
        let told = |sights: &Sights| {
            let mut all = sights.notified.iter().map(|notified| &notified.notification);
            all.find(|notification| notification.event_id == AcrEventIds::TargetInformation)
                .cloned()
        };
        // News of the end may come first, where the news of the target got lost on its way.
        let failed = |sights: &Sights| nth_complete(sights, 0).filter(|complete| !is_successful(complete));
        let either = |sights: &Sights| told(sights).map(Ok).or_else(|| failed(sights).map(Err));
        let mut heard = None;
        let by_the_eas = matches!(scenario.acr, AcrScenario::SourceEasDecided | AcrScenario::EelManagedAcr);
        if by_the_eas && scenario.core.is_none() {
            // Where no network tells the application's server, its client does.
            sleep(scenario.time(scenario.timing.detection_ms)).await;
            let root = url_of(&start.serving.eas.eas.end_pt);
            let dnai = scenario
                .edn_of(cell)
                .and_then(|edn| edn.dnais.first())
                .map(ToString::to_string);
            let moved = device.application_at(recorder, Part::SEas, &root).moved(dnai).await;
            moved.map_err(|error| Stop::Stays(error.to_string()))?;
        }
        if scenario.acr == AcrScenario::SourceEesExecuted {
            // Where the network tells nothing the EEC says where the UE is.
            let patience = if scenario.core.is_some() {
                UNHEARD
            } else {
                scenario.time(scenario.timing.detection_ms)
            };
            heard = timeout(patience, start.track.witness.until(either)).await.ok();
            if heard.is_none() {
                recorder.reach(Milestone::Detected);
                let site = home.site.seen_by(recorder, Part::SEes);
                let source: &EndPoint = &start.serving.eas.eas.end_pt;
                let asked = device.determine(&site, self.ac(start.ac), source, cell).await;
                asked.map_err(|Broken(why)| Stop::Stays(why))?;
                // Of a bundle the EES may have begun with this one when it was asked for another.
                let began = first_seen(recorder, &start.track.witness.sights());
                let now = recorder.now();
                recorder.reach_at(Milestone::Decided, began.map_or(now, |began| began.min(now)));
            }
        }
        let heard = match heard {
            Some(heard) => heard,
            None => {
                let patience = Duration::from_millis(scenario.timing.limit_ms / 2);
                let heard = timeout(patience, start.track.witness.until(either)).await;
                heard.map_err(|_| Stop::Stays("nobody told the EEC of a target".to_owned()))?
            }
        };
        let target = match heard {
            Ok(target) => target,
            // It failed before a target was told.
            Err(_) => {
                return Err(self
                    .complete(start, 0)
                    .await
                    .err()
                    .unwrap_or(Stop::Failed("no target was told".to_owned())));
            }
        };
        self.shared.recorder.step("the device is told of the new server");
        for milestone in [Milestone::Provisioned, Milestone::TEasFound, Milestone::TEasSelected] {
            // What the EESs asked of each other is seen by what came of it.
            if let Some(at) = first_seen(recorder, &start.track.witness.sights()) {
                recorder.reach_at(milestone, at);
            }
        }
        let info = target.trgt_info.as_ref();
        let eas = info.and_then(|info| info.target_eas_info.clone());
        let eas = eas.ok_or_else(|| Stop::Broken("TARGET_INFORMATION names no EAS".to_owned()))?;
        facts.target = Some(url_of(&eas.eas.end_pt));
        let ees = info.and_then(|info| info.target_ees_info.as_ref()?.eess.first().cloned());
        facts.target_ees = ees.as_ref().map(|ees| ees.ees_id.to_string());
        device.connect(&url_of(&eas.eas.end_pt)).await;
        self.inject(Moment::Accepted, start).await?;
        let complete = self.complete(start, 0).await?;
        if scenario.is_cloud(&self.ac(start.ac).eas_id, &start.target) {
            self.reported_by(start, Part::SEas).await;
            facts.declared = self.heard_in_the_cloud(start, home).await;
            return Ok(Entered {
                home: home.clone(),
                eas,
            });
        }
        if scenario.acr != AcrScenario::EelManagedAcr {
            self.reported(start).await;
        }
        let site = match ees {
            Some(ees) => device.site(ees, recorder, Part::TEes, true).await?,
            None => return Err(Stop::Broken("TARGET_INFORMATION names no EES".to_owned())),
        };
        let home = self.implicit(device, start, site, &complete, facts).await?;
        Ok(Entered { home, eas })
    }

    /// A relocation that is foreseen: the context is copied before the UE moves.
    pub(super) async fn plan(&self, device: &Device, start: &Start, plan: &Plan) -> Result<(), Broken> {
        let scenario = &self.shared.scenario;
        let Some(home) = self.home(&start.serving.ees) else {
            return Ok(());
        };
        let cell = scenario
            .cell(&plan.cell)
            .ok_or_else(|| "nobody knows the cell of the plan".to_owned())?;
        sleep(scenario.time(plan.at_ms)).await;
        self.shared
            .recorder
            .step(&format!("the UE is expected in cell {:?}", plan.cell));
        let found = self.find(device, start, cell, &mut Facts::default()).await;
        let found = match found {
            Ok(found) => found,
            // Nothing is prepared, and nothing is lost: it is looked for again when the UE is there.
            Err(stop) => {
                let (_, why) = stop.told();
                self.shared
                    .recorder
                    .step(&format!("nothing is prepared where the UE is expected: {why}"));
                return Ok(());
            }
        };
        let source = home.site.seen_by(&start.track.recorder, Part::SEes);
        let holds = Duration::from_millis(plan.holds_ms);
        let wish = |until: String| Wish {
            source: &start.serving.eas.eas.end_pt,
            target: &found.eas.eas.end_pt,
            notify_eas: true,
            context: &home.context,
            other_ees: Other::Target(&found.site),
            predicted: Some(Predicted { cell, until }),
            instead_of: None,
            bundle: None,
        };
        let ac = self.ac(start.ac);
        let first = wish(scenario.instant_of_the_eec(holds));
        if let Err(Broken(why)) = device.initiate(&source, ac, &first).await {
            self.shared
                .recorder
                .step(&format!("nothing is prepared where the UE is expected: {why}"));
            return Ok(());
        }
        self.prepared(start.ac, found.eas.eas.end_pt.clone());
        let copied = timeout(Duration::from_secs(10), self.complete(start, 0)).await;
        match copied {
            Ok(Ok(_)) => {}
            Ok(Err(_)) => return Err(Broken("the copy for the expected place failed".to_owned())),
            Err(_) => {
                return Err(Broken(
                    "nobody told that the copy for the expected place is complete".to_owned(),
                ));
            }
        }
        if let Some(renewed) = plan.renewed_ms {
            sleep(scenario.time(renewed)).await;
            self.shared.recorder.step("the UE is expected there for longer");
            device
                .initiate(&source, ac, &wish(scenario.instant_of_the_eec(holds)))
                .await?;
        }
        Ok(())
    }

    /// The application client goes over to the new server.
    async fn switch(&self, start: &Start, client: &ApplicationSwitch, eas: &DiscoveredEas) -> Result<(), Stop> {
        self.shared.recorder.step("the application switches to the new server");
        client.switch(&url_of(&eas.eas.end_pt));
        let served = timeout(Duration::from_secs(5), client.served_by(&start.target)).await;
        let served = served.map_err(|_| Stop::Broken("the application got no reply from the chosen EAS".to_owned()))?;
        start.track.recorder.reach_at(Milestone::FirstTReply, served);
        Ok(())
    }

    /// Nothing stays behind at the old site, unless another application of the UE is still there.
    async fn clean_up(
        &self,
        device: &Device,
        start: &Start,
        home: &Home,
        entered: &Entered,
        facts: &mut Facts,
    ) -> Result<(), Stop> {
        let recorder = &start.track.recorder;
        self.shared.recorder.step("the device leaves the old site");
        let from = url_of(&start.serving.eas.eas.end_pt);
        let left = device.application_at(recorder, Part::SEas, &from).leave().await;
        left.map_err(|error| Stop::Broken(error.to_string()))?;
        if self.shared.scenario.crossings(self.ue, start.ac).len() > 1 && entered.home.subscriptions.is_empty() {
            let mut here = entered.home.clone();
            here.known = self.context_at(&here.site, &here.context).await.ok();
            self.subscribe(device, &mut here).await?;
            self.settle(here);
        }
        let entered_at = entered.home.site.info.ees_id.as_str();
        self.moves_in(start.ac, entered_at);
        // Who comes back from the cloud to where it was leaves nobody.
        if entered_at == start.serving.ees || !self.moves_out(start.ac, &start.serving.ees) {
            recorder.reach(Milestone::Cleaned);
            return Ok(());
        }
        facts.left_source = true;
        let source = home.site.seen_by(recorder, Part::SEes);
        // Another application of the UE may have found more here meanwhile.
        let home = self.leave_home(&start.serving.ees).unwrap_or_else(|| home.clone());
        let broken = |error: crate::call::Failed| Stop::Broken(error.to_string());
        for subscription in &home.subscriptions {
            source.ees.unsubscribe(subscription).await.map_err(broken)?;
        }
        source.ees.deregister(&home.registration).await.map_err(broken)?;
        let still = device.end(&home.site, &home.registration).await?;
        facts.still_at_source = Some(still);
        let holders = self.holders(start.ac, &start.track);
        if !still && holders.len() == 1 && url_of(&entered.eas.eas.end_pt) != from {
            recorder.reach(Milestone::Cleaned);
        }
        Ok(())
    }
}

/// Whether an EAS was told to transfer the context, or does so.
fn has_begun(sights: &Sights) -> bool {
    let told = sights.told.iter().any(|told| told.status != "ACT_STOP");
    told || !sights.declared.is_empty() || !sights.arrived.is_empty()
}

/// When somebody was first told something that shows that a target was chosen: the EEC, or the S-EAS.
fn first_seen(recorder: &Recorder, sights: &Sights) -> Option<Duration> {
    let told = sights.told.iter().filter(|told| told.status != "ACT_STOP");
    let told = told.map(|told| told.at);
    told.chain(recorder.reached(Milestone::TargetNotified)).min()
}

fn is_successful(complete: &AcrInfoNotification) -> bool {
    complete.acr_status.as_ref().is_some_and(|status| status.acr_res)
}

pub(super) fn completes(sights: &Sights) -> usize {
    let complete = |notified: &&crate::witness::Notified| notified.notification.acr_status.is_some();
    sights.notified.iter().filter(complete).count()
}

/// The ACR_COMPLETE that came after so many others.
fn nth_complete(sights: &Sights, after: usize) -> Option<AcrInfoNotification> {
    let all = sights.notified.iter().map(|notified| &notified.notification);
    all.filter(|notification| notification.acr_status.is_some())
        .nth(after)
        .cloned()
}
