//! What goes wrong on purpose: whether, when, and how.

use super::{Shared, device::Broken, life::Life};
use crate::{
    scenario::{self, FaultName, Moment, Scenario},
    world::nef,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::sleep;

/// The faults of a scenario; the seed has said which of them happen.
pub(super) struct Faults {
    all: Vec<scenario::Fault>,
    /// Those that happened; where they happened to somebody, to whom.
    done: Mutex<BTreeMap<usize, Option<Hit>>>,
}

/// To which relocation something happened: of which UE and application client, in which stay.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    pub(super) ue: usize,
    pub(super) ac: usize,
    pub(super) stay: usize,
}

impl Faults {
    /// Those of the faults that the seed lets happen.
    pub(super) fn of(scenario: &Scenario) -> Self {
        let mut chance = StdRng::seed_from_u64(scenario.seed);
        let happens = |fault: &&scenario::Fault| chance.random::<f64>() < fault.probability;
        Self {
            all: scenario.fault.iter().filter(happens).cloned().collect(),
            done: Mutex::default(),
        }
    }

    fn done(&self) -> MutexGuard<'_, BTreeMap<usize, Option<Hit>>> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The faults that happened.
    pub(super) fn hit(&self) -> Vec<FaultName> {
        let done = self.done();
        done.keys().map(|n| self.all[*n].name).collect()
    }

    /// The faults that happened and concern this relocation.
    pub(super) fn hit_of(&self, scenario: &Scenario, of: Hit) -> Vec<FaultName> {
        let bundled = scenario.bundle.is_some();
        let concerns = |name: FaultName, hit: Hit| match name {
            FaultName::EecCancels | FaultName::DuplicateInit => {
                hit.ue == of.ue && hit.stay == of.stay && (bundled || hit.ac == of.ac)
            }
            FaultName::TeasFull | FaultName::SeasDead => {
                bundled || scenario.ac[hit.ac].eas_id == scenario.ac[of.ac].eas_id
            }
            FaultName::NotificationLost => hit.ue == of.ue,
            _ => true,
        };
        let done = self.done();
        let names = done.iter().map(|(n, hit)| (self.all[*n].name, *hit));
        names
            .filter(|(name, hit)| hit.is_none_or(|hit| concerns(*name, hit)))
            .map(|(name, _)| name)
            .collect()
    }

    /// Whether the EEC has to do this wrong, here; once.
    pub(super) fn is_due(&self, name: FaultName, here: Hit) -> bool {
        let mut done = self.done();
        let due = (0..self.all.len()).find(|n| self.all[*n].name == name && !done.contains_key(n));
        due.is_some_and(|n| done.insert(n, Some(here)).is_none())
    }

    /// What goes wrong from the beginning.
    pub(super) async fn begin(&self, shared: &Shared<'_>) -> Result<(), Broken> {
        for n in self.at(Moment::Start, None) {
            match self.all[n].name {
                FaultName::PathEventLost => shared
                    .world
                    .network
                    .iter()
                    .for_each(|network| network.lose_path_reports()),
                // The world was started without it, or the clock was set when the scenario was read.
                FaultName::EcsHasNoTees | FaultName::ClockSkew => {}
                other => return Err(Broken(format!("{other} cannot happen at the start"))),
            }
        }
        Ok(())
    }

    /// The faults of this moment that did not happen yet; they count as happened from here on.
    fn at(&self, moment: Moment, hit: Option<Hit>) -> Vec<usize> {
        let mut done = self.done();
        let by_the_eec = |name| matches!(name, FaultName::EecCancels | FaultName::DuplicateInit);
        let due: Vec<_> = (0..self.all.len())
            .filter(|n| self.all[*n].moment() == moment && !by_the_eec(self.all[*n].name) && !done.contains_key(n))
            .collect();
        done.extend(due.iter().map(|n| (*n, hit)));
        due
    }

    /// Lets happen what happens at this moment of a relocation between two instances.
    pub(super) async fn inject(
        &self,
        moment: Moment,
        life: &Life<'_>,
        (source, target): (&str, &str),
        hit: Hit,
    ) -> Result<(), Broken> {
        for n in self.at(moment, Some(hit)) {
            let fault = &self.all[n];
            if fault.after_ms > 0 {
                sleep(Duration::from_millis(fault.after_ms)).await;
            }
            life.shared
                .recorder
                .step(&format!("on purpose: {}", fault.name.plain()));
            self.happen(fault.name, life, (source, target), hit.ac).await?;
        }
        Ok(())
    }

    async fn happen(
        &self,
        name: FaultName,
        life: &Life<'_>,
        (source, target): (&str, &str),
        ac: usize,
    ) -> Result<(), Broken> {
        let (shared, world) = (life.shared, life.shared.world);
        let application = &shared.scenario.ac[ac].eas_id;
        let ees = |instance: &str| {
            shared
                .scenario
                .site_of(application, instance)
                .map(|site| site.edn.ees.clone())
        };
        let at_the_core = |status: Option<u16>, delay_ms| {
            if let Some(network) = &world.network {
                network.fault(nef::fault::Fault {
                    api: Some("3gpp-traffic-influence".to_owned()),
                    status,
                    delay_ms,
                    drop: false,
                    done: false,
                    count: 4,
                });
            }
        };
        match name {
            FaultName::TeesDown => {
                if let Some(ees) = ees(target) {
                    world.kill_ees(&ees).await?;
                }
            }
            FaultName::TeasFull => shared.eas(target).into_iter().for_each(|eas| eas.is_full()),
            FaultName::SeasDead => shared.eas(source).into_iter().for_each(|eas| eas.is_deaf()),
            FaultName::NefDown => at_the_core(Some(503), 0),
            FaultName::NefSlow => at_the_core(None, 1500),
            FaultName::NotificationLost => life.lose_notifications(2),
            FaultName::SeesRestart => {
                if let Some(ees) = ees(source) {
                    world.kill_ees(&ees).await?;
                    world.restart_ees(&ees).await?;
                }
            }
            FaultName::SeesDiskFull => {
                if let Some(ees) = ees(source) {
                    world.fill_disk_of(&ees).await?;
                }
            }
            FaultName::PathEventLost => world.network.iter().for_each(|network| network.lose_path_reports()),
            FaultName::EcsHasNoTees | FaultName::ClockSkew | FaultName::EecCancels | FaultName::DuplicateInit => {}
        }
        Ok(())
    }

    /// Everything works again, so that what is left can be looked for.
    pub(super) async fn heal(&self, shared: &Shared<'_>) {
        if let Some(network) = &shared.world.network {
            network.heal();
        }
        if self.hit().contains(&FaultName::SeesDiskFull) {
            shared.world.empty_disks().await;
        }
        if self.hit().contains(&FaultName::TeesDown) {
            for edn in &shared.scenario.edn {
                if shared.world.pid_of(&edn.ees).await.is_none() && shared.world.is_own() {
                    let _ = shared.world.restart_ees(&edn.ees).await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::SHIPPED;

    #[test]
    fn the_seed_says_what_happens() {
        let of = |seed: u64| {
            let mut scenario = Scenario::parse(SHIPPED[1].text, "b").unwrap();
            scenario.seed = seed;
            scenario.fault = vec![
                scenario::Fault {
                    probability: 0.5,
                    ..scenario::Fault::usual(FaultName::DuplicateInit)
                };
                64
            ];
            Faults::of(&scenario).all.len()
        };
        assert_eq!(of(7), of(7));
        assert!((10..54).contains(&of(7)) && (1..9).any(|seed| of(seed) != of(7)));
    }
}
