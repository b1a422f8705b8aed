//! The relocation itself, in the ways that are played.

use super::{
    AtSource, Entered, Stage,
    device::{Broken, Device, Left, Site, Wish},
    observer,
};
use crate::{
    call::url_of, milestone::Milestone, record::Part, scenario::Cell, witness::Sights, world::ac::ApplicationClient,
};
use edgeapp_openapi::{acr_events::AcrInfoNotification, eas_discovery::DiscoveredEas};
use std::time::Duration;
use tokio::time::timeout;

impl<'a> Stage<'a> {
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
    pub(super) async fn by_the_eec(
        &mut self,
        device: &Device<'a>,
        ac: &ApplicationClient,
        home: &AtSource,
        cell: &Cell,
    ) -> Result<Entered, Broken> {
        let site = self.look_around(device, cell).await?;
        let left = Left {
            context: home.context.clone(),
            ees: &home.source.info,
        };
        let (registration, known) = device.register(&site, Some(&left)).await?;
        self.recorder.reach(Milestone::EecCtxMoved);
        let context = known.eec_cntx_id.map(|id| id.to_string()).unwrap_or_default();
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
        self.look_at_target(&site, &context).await?;
        Ok(Entered {
            site,
            registration,
            eas,
        })
    }

    /// Scenario B: the EES of the old site carries it out.
    pub(super) async fn via_source_ees(
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
        self.recorder
            .step("the device asks the old site to relocate the application");
        device.initiate(&home.source, wish).await?;
        self.recorder.reach(Milestone::InitAck);
        device.connect(&to).await;
        let complete = self.witness.until(acr_complete).await;
        if !complete.acr_status.as_ref().is_some_and(|status| status.acr_res) {
            let why = complete
                .acr_status
                .and_then(|status| status.fail_reason)
                .unwrap_or_else(|| "no reason told".to_owned());
            return Err(Broken(format!("the source EES told that the relocation failed: {why}")));
        }
        self.switch(ac, &to).await?;
        let both = |sights: &Sights| {
            (sights.reported.len() >= 2)
                .then(|| sights.reported.iter().map(|report| report.at).max())
                .flatten()
        };
        if let Ok(at) = timeout(Duration::from_secs(2), self.witness.until(both)).await {
            self.recorder.reach_at(Milestone::StatusReported, at);
        }
        let implicit = complete
            .eec_ctxt_reloc
            .and_then(|context| context.impl_reg)
            .map(|details| details.reg_id.to_string());
        let id = implicit.ok_or_else(|| Broken("ACR_COMPLETE carried no eecCtxtReloc.implReg".to_owned()))?;
        let known = device.use_registration(&site, &id).await?;
        self.facts.implicit_used = true;
        let context = known.eec_cntx_id.map(|id| id.to_string()).unwrap_or_default();
        self.look_at_target(&site, &context).await?;
        // It was told of only when the relocation was complete.
        if let Some(at) = self.recorder.reached(Milestone::AcrComplete) {
            self.recorder.reach_at(Milestone::EecCtxMoved, at);
        }
        if let Some(own) = registration.filter(|own| *own != id) {
            device.end(&site, &own).await?;
        }
        Ok(Entered {
            site,
            registration: id,
            eas,
        })
    }

    async fn look_at_target(&mut self, site: &Site, context: &str) -> Result<(), Broken> {
        let source = self.scenario.crossing().source.edn;
        self.facts.at_target = Some(observer::context_at(self.world, source, site, context).await?);
        Ok(())
    }

    /// The application client goes over to the new server.
    async fn switch(&mut self, ac: &ApplicationClient, to: &str) -> Result<(), Broken> {
        self.recorder.step("the application switches to the new server");
        ac.switch(to);
        let instance = &self.scenario.crossing().target.eas.instance;
        let served = timeout(Duration::from_secs(5), ac.served_by(instance)).await;
        served.map_err(|_| Broken("the application got no reply from the chosen EAS".to_owned()))
    }
}

fn acr_complete(sights: &Sights) -> Option<AcrInfoNotification> {
    let complete = |notification: &&AcrInfoNotification| notification.acr_status.is_some();
    sights
        .notified
        .iter()
        .map(|notified| &notified.notification)
        .find(complete)
        .cloned()
}
