//! To the cloud where no edge site serves the UE, and back to the edge (TS 23.558 clause 8.8.2A): only the EES at the edge helps.

use super::{
    Facts,
    device::{Broken, Device, Other, Site, Wish},
    life::{Home, Life, Start},
    relocate::{Entered, Stop, completes},
};
use crate::{call::url_of, milestone::Milestone, record::Part, scenario::Cell, witness::Sights, world::eas::Eas};
use edgeapp_openapi::{eas_discovery::DiscoveredEas, ees_registration::AcrScenario};
use std::time::Duration;
use tokio::time::timeout;

/// How long it may take until the server in the cloud hears of an EES.
const HEARD: Duration = Duration::from_secs(5);

impl Life<'_> {
    fn cloud(&self, ac: usize) -> Option<&Eas> {
        let site = self.shared.scenario.cloud_of(&self.ac(ac).eas_id)?;
        self.shared.eas(&site.eas.instance)
    }

    fn server_in_the_cloud(&self, device: &Device, ac: usize) -> Result<Option<DiscoveredEas>, Broken> {
        let cloud = self
            .cloud(ac)
            .map(|cloud| device.in_the_cloud(self.ac(ac), &cloud.root));
        cloud.transpose()
    }

    /// Tells an EES of the server in the cloud, where there is one.
    pub(super) async fn name_cloud(&self, device: &Device, ac: usize, site: &Site) -> Result<(), Broken> {
        match self.server_in_the_cloud(device, ac)? {
            Some(cloud) => device.select_cloud(site, self.ac(ac), &cloud.eas.end_pt).await,
            None => Ok(()),
        }
    }

    /// No edge site serves here: the EEC lets the S-EES tell the S-EAS to hand its state over to the server in the cloud.
    pub(super) async fn to_the_cloud(
        &self,
        device: &Device,
        start: &Start,
        home: &Home,
        cell: &Cell,
        facts: &mut Facts,
    ) -> Result<Entered, Stop> {
        let (shared, recorder, ac) = (self.shared, &start.track.recorder, self.ac(start.ac));
        shared.recorder.step("the device asks which site is in charge here");
        let found = device.provision(cell, Some((recorder, Part::TEes))).await?;
        recorder.reach(Milestone::Provisioned);
        if let Some(site) = found {
            facts.target_ees = Some(site.info.ees_id.to_string());
            return Err(Stop::Stays(format!("{} is in charge here", site.info.ees_id)));
        }
        let cloud = self.server_in_the_cloud(device, start.ac)?;
        let eas = cloud.ok_or_else(|| Stop::Stays("nobody is in the cloud".to_owned()))?;
        shared.recorder.step(
            "nobody is: the device chooses its server in the cloud, and asks the old site to relocate the application",
        );
        recorder.reach(Milestone::TEasFound);
        recorder.reach(Milestone::TEasSelected);
        facts.target = Some(url_of(&eas.eas.end_pt));
        let source = home.site.seen_by(recorder, Part::SEes);
        device.select_cloud(&source, ac, &eas.eas.end_pt).await?;
        let wish = Wish {
            source: &start.serving.eas.eas.end_pt,
            target: &eas.eas.end_pt,
            notify_eas: true,
            context: &home.context,
            other_ees: Other::Nobody,
            predicted: None,
            instead_of: None,
            bundle: None,
        };
        let heard = completes(&start.track.witness.sights());
        self.ask(device, start, &source, &wish).await?;
        device.connect(&url_of(&eas.eas.end_pt)).await;
        self.complete(start, heard).await?;
        self.reported_by(start, Part::SEas).await;
        facts.declared = self.heard_in_the_cloud(start, home).await;
        Ok(Entered {
            home: home.clone(),
            eas,
        })
    }

    /// An edge site serves the UE again: its EES tells the EAS there to fetch the state from the cloud.
    pub(super) async fn leave_the_cloud(
        &self,
        device: &Device,
        start: &Start,
        home: &Home,
        cell: &Cell,
        facts: &mut Facts,
    ) -> Result<Entered, Stop> {
        let (shared, recorder) = (self.shared, &start.track.recorder);
        shared.recorder.step("the device asks which site is in charge here");
        let found = device.provision(cell, Some((recorder, Part::TEes))).await?;
        let site = found.ok_or_else(|| Stop::Stays("the ECS named no EES at the new place".to_owned()))?;
        recorder.reach(Milestone::Provisioned);
        facts.target_ees = Some(site.info.ees_id.to_string());
        // The EES that served it last still has what it knows of the EEC.
        let mut target = self.enroll(device, &site, Some(home)).await?;
        recorder.reach(Milestone::EecCtxMoved);
        let eas = self.choose(device, start, &site, cell, facts).await?;
        if target.subscriptions.is_empty() {
            self.subscribe(device, &mut target).await?;
            self.settle(target.clone());
        }
        let is_another = site.info.ees_id != home.site.info.ees_id;
        let wish = Wish {
            source: &start.serving.eas.eas.end_pt,
            target: &eas.eas.end_pt,
            notify_eas: true,
            context: &home.context,
            other_ees: if is_another {
                Other::Source(&home.site)
            } else {
                Other::Nobody
            },
            predicted: None,
            instead_of: None,
            bundle: None,
        };
        shared
            .recorder
            .step("the device asks the new site to bring the application back from the cloud");
        self.ask(device, start, &site, &wish).await?;
        device.connect(&url_of(&eas.eas.end_pt)).await;
        self.complete(start, 0).await?;
        self.reported_by(start, Part::TEas).await;
        target.known = self.context_at(&target.site, &target.context).await.ok();
        self.settle(target.clone());
        if shared.scenario.acr == AcrScenario::SourceEesExecuted {
            self.name_cloud(device, start.ac, &site).await?;
        }
        Ok(Entered { home: target, eas })
    }

    /// The EAS at the edge has reported; in the cloud nobody does.
    pub(super) async fn reported_by(&self, start: &Start, eas: Part) {
        let report = |sights: &Sights| Some(sights.reported.iter().find(|report| report.eas == eas)?.at);
        if let Ok(at) = timeout(Duration::from_secs(2), start.track.witness.until(report)).await {
            start.track.recorder.reach_at(Milestone::StatusReported, at);
        }
    }

    /// Which EESs told the server in the cloud that they serve the UE, once that of its home has.
    pub(super) async fn heard_in_the_cloud(&self, start: &Start, home: &Home) -> Vec<String> {
        let Some(mut declared) = self.cloud(start.ac).map(Eas::declared) else {
            return Vec::new();
        };
        let (ue, ees) = (start.track.ue.as_str(), home.site.info.ees_id.as_str());
        let of_the_ue = |declared: &crate::world::cas::Declared| {
            let matches = declared.info.ue_id.as_str() == ue && declared.by == declared.info.sele_ees_id.as_str();
            matches.then(|| declared.by.clone())
        };
        let known = timeout(
            HEARD,
            declared.wait_for(|all| all.iter().filter_map(of_the_ue).any(|by| by == ees)),
        );
        drop(known.await);
        let all = declared.borrow();
        all.iter().filter_map(of_the_ue).collect()
    }

    /// The application leaves the EAS at the edge. Of its EES the EEC stays a client: it is the way back.
    pub(super) async fn leave_the_edge(&self, device: &Device, start: &Start) -> Result<(), Stop> {
        let recorder = &start.track.recorder;
        let from = url_of(&start.serving.eas.eas.end_pt);
        let left = device.application_at(recorder, Part::SEas, &from).leave().await;
        left.map_err(|error| Stop::Broken(error.to_string()))?;
        if self.holders(start.ac, &start.track).len() == 1 {
            recorder.reach(Milestone::Cleaned);
        }
        Ok(())
    }
}
