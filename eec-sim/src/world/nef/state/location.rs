//! Where UEs are: who is told, and whether its user agrees.

use super::{Callback, State, Told, no_consent};
use crate::world::nef::{
    model::{Cell, Ue},
    want::{Want, Watch},
};
use edgeapp_core::error::Error;
use edgeapp_openapi::common::DateTime;
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::collections::BTreeSet;

impl State {
    /// `MonitoringEventReport` of the one UE, `MonitoringEventReports` of a group.
    pub(super) fn located(&self, watch: &Watch, now: DateTime) -> Result<Value, Error> {
        let reports = self
            .network
            .meant(&watch.target)
            .filter(|ue| !self.is_revoked(ue))
            .map(|ue| report(ue, self.network.cell_of(ue), watch, now));
        let mut reports: Vec<_> = reports.collect();
        if reports.is_empty() {
            return Err(no_consent());
        }
        if watch.target.is_many() {
            return Ok(json!({"monitoringEventReports": reports}));
        }
        Ok(reports.swap_remove(0))
    }

    /// Reports of where a UE is now, to those who watch it and to whom that is news. `forced` counts as news.
    pub fn reports(&mut self, gpsi: &str, forced: Option<u64>, now: DateTime) -> Vec<Callback> {
        self.forget(now);
        let Some(ue) = self.network.ue(gpsi).filter(|ue| !self.is_revoked(ue)) else {
            return Vec::new();
        };
        let cell = self.network.cell_of(ue);
        let (mut callbacks, mut over) = (Vec::new(), Vec::new());
        for ((api, id), resource) in &mut self.resources {
            let Want::Watch(watch) = &resource.want else { continue };
            if !watch.target.is(ue) {
                continue;
            }
            let told = resource.told.entry(gpsi.to_owned()).or_default();
            let place = seen(cell, watch);
            let news = told.seen.as_ref() != Some(&place) || forced == Some(*id);
            if !news {
                // Back where it was before the interval passed: nothing to tell.
                told.held = false;
                continue;
            }
            if watch.reports.is_some_and(|most| told.reports >= most) {
                continue;
            }
            let pause = SignedDuration::from_secs(i64::from(watch.interval));
            if told.at.is_some_and(|at| now.0 < at.0 + pause) {
                told.held = true;
                continue;
            }
            *told = Told {
                reports: told.reports + 1,
                at: Some(now),
                seen: Some(place),
                held: false,
            };
            let done = |gpsi: &str| {
                let told = resource.told.get(gpsi).map_or(0, |told| told.reports);
                watch.reports.is_some_and(|most| told >= most)
            };
            let last = self.network.meant(&watch.target).all(|ue| done(ue.gpsi.as_str()));
            callbacks.push(Callback {
                of: (*api, *id),
                to: watch.to.clone(),
                body: json!({"subscription": resource.uri, "monitoringEventReports": [report(ue, cell, watch, now)]}),
                what: format!("location of {gpsi}: {}", ue.cell.as_deref().unwrap_or("switched off")),
                last,
            });
            if last {
                over.push((*api, *id));
            }
        }
        for key in over {
            self.resources.remove(&key);
        }
        callbacks
    }

    /// Reports that waited for their interval. What expired is gone afterwards.
    pub fn due(&mut self, now: DateTime) -> Vec<Callback> {
        self.forget(now);
        let held: BTreeSet<String> = self
            .resources
            .values()
            .flat_map(|resource| resource.told.iter().filter(|(_, told)| told.held))
            .map(|(gpsi, _)| gpsi.clone())
            .collect();
        held.iter().flat_map(|gpsi| self.reports(gpsi, None, now)).collect()
    }

    /// A user agrees, or no longer does; those who watch the location and want to know are told of the latter.
    pub fn consent(&mut self, id: &str, purpose: &str, granted: bool) -> Vec<Callback> {
        if granted {
            self.revoked.remove(id);
            return Vec::new();
        }
        self.revoked.insert(id.to_owned());
        let mut callbacks = Vec::new();
        for ((api, number), resource) in &self.resources {
            let Want::Watch(watch) = &resource.want else { continue };
            let Some(to) = &watch.revocations else { continue };
            for ue in self.network.meant(&watch.target) {
                let (name, of_ue) = ue.named();
                if of_ue != id {
                    continue;
                }
                callbacks.push(Callback {
                    of: (*api, *number),
                    to: to.clone(),
                    body: json!({
                        "subscriptionId": number.to_string(),
                        "consentsRevoked": [{"ucPurpose": purpose, name: of_ue}],
                    }),
                    what: format!("consent of {id} revoked"),
                    last: false,
                });
            }
        }
        callbacks
    }
}

/// Where a UE is, as fine as a watch wants it: a report is due when it changes.
pub(super) fn seen(cell: Option<&Cell>, watch: &Watch) -> String {
    cell.map(|cell| cell.seen_with(watch.accuracy)).unwrap_or_default()
}

/// `MonitoringEventReport` of a UE.
pub(super) fn report(ue: &Ue, cell: Option<&Cell>, watch: &Watch, now: DateTime) -> Value {
    let (name, id) = ue.named();
    let mut report = json!({"monitoringType": "LOCATION_REPORTING", "eventTime": now.0.to_string(), name: id});
    match cell {
        Some(cell) => report["locationInfo"] = cell.location(watch.accuracy),
        None => report["locFailureCause"] = json!("NOT_REGISTED_UE"),
    }
    report
}
