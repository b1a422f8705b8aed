//! User plane paths: where they have to go, and who is told.

use super::{Callback, Resource, State};
use crate::world::nef::{
    model::Ue,
    want::{Api, Influence, Want},
};
use serde_json::json;
use std::collections::BTreeMap;

/// A change of the path of a UE's traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The UE.
    pub gpsi: String,
    /// The traffic.
    pub traffic: String,
    /// Where it left the network.
    pub from: String,
    /// Where it is to leave it.
    pub to: String,
}

/// The two events of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before it.
    Early,
    /// After it.
    Late,
}

impl State {
    fn influences<'a>(&'a self, ue: &'a Ue) -> impl Iterator<Item = (u64, &'a Resource, &'a Influence)> {
        self.resources
            .iter()
            .filter_map(move |((_, id), resource)| match &resource.want {
                Want::Influence(influence) if influence.target.is(ue) && same_network(influence, ue) => {
                    Some((*id, resource, influence))
                }
                _ => None,
            })
    }

    /// Where the paths of a UE's traffic have to change: to a DNAI of the latest influence with routes, the one of the cell if it is
    /// among them, the first otherwise; without such an influence to the one of the cell. Outside the 5G core paths end silently.
    pub fn changes(&mut self, gpsi: &str) -> Vec<Change> {
        let Some(ue) = self.network.ue(gpsi).cloned() else {
            return Vec::new();
        };
        let Some(natural) = self.network.natural_path(&ue) else {
            self.paths.retain(|(of, _), _| of != gpsi);
            return Vec::new();
        };
        let mut wanted: BTreeMap<String, &[String]> = BTreeMap::new();
        // In the order of their creation.
        let mut influences: Vec<_> = self.influences(&ue).collect();
        influences.sort_by_key(|(id, ..)| *id);
        for (_, _, influence) in influences {
            let routes = wanted.entry(influence.traffic.clone()).or_default();
            if !influence.routes.is_empty() {
                *routes = &influence.routes;
            }
        }
        let targets: BTreeMap<String, String> = wanted
            .into_iter()
            .map(|(traffic, routes)| {
                let to = match routes.first() {
                    Some(first) if !routes.iter().any(|dnai| dnai == natural.as_str()) => first.clone(),
                    _ => natural.to_string(),
                };
                (traffic, to)
            })
            .collect();
        // Nobody cares for the others any more.
        self.paths
            .retain(|(of, traffic), _| of != gpsi || targets.contains_key(traffic));
        let mut changes = Vec::new();
        let mut begun = Vec::new();
        for (traffic, to) in targets {
            match self.paths.get(&(gpsi.to_owned(), traffic.clone())) {
                Some(from) if *from == to => {}
                Some(from) => changes.push(Change {
                    gpsi: gpsi.to_owned(),
                    traffic,
                    from: from.clone(),
                    to,
                }),
                // A path that did not exist does not change.
                None => begun.push(((gpsi.to_owned(), traffic), to)),
            }
        }
        self.paths.extend(begun);
        changes
    }

    /// The events that tell of a change, each with whether it waits for an acknowledgement.
    pub fn events(&self, change: &Change, moment: Moment) -> Vec<(Callback, bool)> {
        let Some(ue) = self.network.ue(&change.gpsi) else {
            return Vec::new();
        };
        let word = match moment {
            Moment::Early => "EARLY",
            Moment::Late => "LATE",
        };
        let mut events = Vec::new();
        for (id, _, influence) in self.influences(ue) {
            let told = match moment {
                Moment::Early => influence.early,
                Moment::Late => influence.late,
            };
            let Some(to) = influence
                .to
                .as_ref()
                .filter(|_| told && influence.traffic == change.traffic)
            else {
                continue;
            };
            let mut body = json!({
                "subscribedEvent": "UP_PATH_CHANGE", "dnaiChgType": word,
                "sourceDnai": change.from, "targetDnai": change.to, "gpsi": ue.gpsi,
            });
            if let Some(transaction) = &influence.transaction {
                body["afTransId"] = json!(transaction);
            }
            let callback = Callback {
                of: (Api::Influence, id),
                to: to.clone(),
                body,
                what: format!("{word} path of {}: {} to {}", change.gpsi, change.from, change.to),
                last: false,
            };
            events.push((callback, moment == Moment::Early && influence.acknowledged));
        }
        events
    }

    /// Changes a path.
    pub fn switch(&mut self, change: &Change) {
        self.paths
            .insert((change.gpsi.clone(), change.traffic.clone()), change.to.clone());
    }

    /// The paths of a UE's traffic that somebody watches or influences.
    pub fn paths(&self, gpsi: &str) -> BTreeMap<&str, &str> {
        let of_ue = self.paths.iter().filter(|((of, _), _)| of == gpsi);
        of_ue
            .map(|((_, traffic), dnai)| (traffic.as_str(), dnai.as_str()))
            .collect()
    }

    /// Several influences with routes for the traffic of one UE: most often a client that forgot to remove one.
    pub fn doubled(&self) -> Vec<String> {
        let mut found = Vec::new();
        for ue in self.network.ues() {
            let mut count: BTreeMap<&str, u32> = BTreeMap::new();
            for (_, _, influence) in self
                .influences(ue)
                .filter(|(_, _, influence)| !influence.routes.is_empty())
            {
                *count.entry(&influence.traffic).or_default() += 1;
            }
            let doubled = count.into_iter().filter(|(_, count)| *count > 1);
            found.extend(doubled.map(|(traffic, count)| format!("{count} influences on {traffic} of {}", ue.gpsi)));
        }
        found
    }
}

fn same_network(influence: &Influence, ue: &Ue) -> bool {
    match (&influence.dnn, &ue.dnn) {
        (Some(wanted), Some(used)) => wanted == used.as_str(),
        _ => true,
    }
}
