//! The core network of scenarios that have one: a simulated NEF in this process, over real TLS, whose UEs go where the scenarios say.

use super::{
    NoWorld,
    nef::{
        configuration::{Configuration, Roots},
        log::{Entry, Kind},
        model::{Cell, CellKind, Ue},
        server::{self, Running},
    },
};
use crate::{
    pki::Pki,
    record::{Message, Part, Recorder, Seen},
    scenario::{self, Scenario},
};
use edgeapp_core::{clock::SystemClock, principal::Role};
use edgeapp_http::assembly::{IdentityFiles, ListenAt};
use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Hears of what happens at the NEF while a scenario is played.
type Follower = Box<dyn Fn(&Entry) + Send + Sync>;

/// The core network. It ends when this value goes away.
pub struct Network {
    running: Running,
    follower: Arc<Mutex<Option<Follower>>>,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Network")
            .field("root", &self.running.root)
            .finish_non_exhaustive()
    }
}

impl Network {
    /// The network of those of these scenarios that have one; `None` when none has.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn of(scenarios: &[Scenario], pki: &Pki) -> Result<Option<Self>, NoWorld> {
        let (mut cells, mut ues) = (BTreeMap::new(), BTreeMap::new());
        for scenario in scenarios {
            let Some(core) = &scenario.core else { continue };
            cells.extend(
                scenario
                    .cell
                    .iter()
                    .map(|cell| (cell.nr_cell_id.to_string(), cell_of(scenario, cell))),
            );
            ues.insert(scenario.ue.gpsi.to_string(), ue_of(scenario, core));
        }
        if ues.is_empty() {
            return Ok(None);
        }
        let files = pki.files("nef");
        let anywhere = || ListenAt {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            api_root: None,
        };
        let configuration = Configuration {
            nef_id: "nef.example".to_owned(),
            identity: IdentityFiles {
                certificate: files.certificate,
                key: files.key,
            },
            trust: Roots {
                ees: Some(pki.ca(Role::Ees)),
                ecs: None,
                operator: pki.ca(Role::Operator),
            },
            apis: anywhere(),
            control: anywhere(),
            allowed: None,
            ack_timeout_ms: 3000,
            allow_callbacks_to_private_addresses: true,
            token_clients: Vec::new(),
            cells: cells.into_values().collect(),
            ues: ues.into_values().collect(),
        };
        let follower: Arc<Mutex<Option<Follower>>> = Arc::default();
        let heard = follower.clone();
        let listener = Box::new(move |entry: &Entry| {
            if let Some(follower) = &*heard.lock().unwrap_or_else(PoisonError::into_inner) {
                follower(entry);
            }
        });
        let running = server::start(&configuration, Arc::new(SystemClock::default()), listener).await?;
        Ok(Some(Self { running, follower }))
    }

    /// The `apiRoot` of the NEF.
    pub fn root(&self) -> &str {
        &self.running.root
    }

    /// From now on what passes between the EESs of this scenario and the NEF is written down.
    pub fn follow(&self, scenario: &Scenario, recorder: &Arc<Recorder>) {
        let (recorder, source) = (recorder.clone(), scenario.crossing().source.edn.ees.to_string());
        let follower: Follower = Box::new(move |entry| {
            if let Some(message) = message(entry, &source, recorder.now()) {
                recorder.message(message);
            }
        });
        *self.follower.lock().unwrap_or_else(PoisonError::into_inner) = Some(follower);
    }

    /// Nothing is written down any more.
    pub fn leave(&self) {
        *self.follower.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The UE of a scenario goes to a cell. Whoever watches it has been told when this comes back.
    ///
    /// # Errors
    /// When the network has no such UE or cell.
    pub async fn move_ue(&self, scenario: &Scenario, cell: &scenario::Cell) -> Result<(), String> {
        let gpsi = scenario.ue.gpsi.as_str();
        let moved = self.running.nef.move_ue(gpsi, Some(cell.nr_cell_id.as_str())).await;
        moved.map_err(|error| format!("the core network cannot move the UE: {error}"))
    }
}

fn cell_of(scenario: &Scenario, cell: &scenario::Cell) -> Cell {
    let edn = scenario.edn_of(cell);
    Cell {
        id: cell.nr_cell_id.to_string(),
        tac: cell.tai.tac.clone(),
        mcc: cell.tai.mcc.clone(),
        mnc: cell.tai.mnc.clone(),
        dnai: edn.and_then(|edn| edn.dnais.first().cloned()),
        kind: CellKind::FiveGc,
        position: None,
        polygon: Vec::new(),
        crowded: false,
    }
}

fn ue_of(scenario: &Scenario, core: &scenario::Core) -> Ue {
    let first = scenario.way().first().map(|cell| cell.nr_cell_id.to_string());
    Ue {
        gpsi: scenario.ue.gpsi.clone(),
        external_id: Some(core.external_id.to_string()),
        msisdn: None,
        ip: None,
        dnn: None,
        cell: first,
        groups: Vec::new(),
        route: Vec::new(),
        again: false,
    }
}

/// A request of the EES of the site that is left, or a report to it, as a message; `None` for its upkeep and for what others ask.
fn message(entry: &Entry, source: &str, at: Duration) -> Option<Message> {
    let words: Vec<&str> = entry.what.split(' ').collect();
    let (from, to, operation, method, path) = match (entry.kind, words.as_slice()) {
        (Kind::Request, [method, path, ..]) if *method != "GET" && path.contains(&format!("/{source}/")) => {
            let operation = match (*method, entry.status) {
                ("POST", Some(200)) => "Location fetch",
                ("POST", _) => "Location watch",
                ("PUT", _) => "Location watch, changed",
                _ => "Location watch, ended",
            };
            (
                Part::SEes,
                Part::Nef,
                operation.to_owned(),
                (*method).to_owned(),
                (*path).to_owned(),
            )
        }
        (Kind::Callback, _) => {
            let cell = entry
                .body
                .as_ref()?
                .pointer("/monitoringEventReports/0/locationInfo/cellId")?;
            let operation = format!("Notification: UE in cell {}", cell.as_str()?);
            (
                Part::Nef,
                Part::SEes,
                operation,
                "POST".to_owned(),
                "/edge2/reports/…".to_owned(),
            )
        }
        _ => return None,
    };
    Some(Message {
        at,
        took: Duration::ZERO,
        from,
        to,
        point: "EDGE-2",
        operation,
        method,
        path,
        status: entry.status,
        error: entry.error.clone(),
        seen: Seen::AtAnEnd,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::shipped;
    use serde_json::json;

    fn entry(kind: Kind, what: &str, body: Option<serde_json::Value>) -> Entry {
        Entry {
            at: "2026-01-05T12:00:00Z".parse().unwrap(),
            kind,
            what: what.to_owned(),
            status: Some(204),
            error: None,
            body,
        }
    }

    #[test]
    fn the_way_of_the_ue_lies_in_cells_with_the_places_of_their_sites() {
        let shipped = shipped("located").unwrap();
        let scenario = Scenario::parse(shipped.text, shipped.name).unwrap();
        let dnais: Vec<_> = scenario
            .way()
            .into_iter()
            .map(|cell| cell_of(&scenario, cell).dnai.unwrap().to_string())
            .collect();
        assert_eq!(dnais, ["edge-a", "edge-a", "edge-b"]);
        let ue = ue_of(&scenario, scenario.core.as_ref().unwrap());
        assert_eq!(
            (ue.cell.as_deref(), ue.external_id().as_deref()),
            (Some("000000a01"), Some("ue1@example.org"))
        );
    }

    #[test]
    fn what_passes_between_an_ees_and_the_nef_becomes_messages() {
        let of = |entry: &Entry| message(entry, "ees-a.example", Duration::ZERO).map(|message| message.operation);
        let path = "/3gpp-monitoring-event/v1/ees-a.example/subscriptions";
        let asked = entry(Kind::Request, &format!("POST {path} from ees"), None);
        assert_eq!(of(&asked).as_deref(), Some("Location watch"));
        let report = json!({"monitoringEventReports": [{"locationInfo": {"cellId": "000000a02"}}]});
        let told = entry(
            Kind::Callback,
            "report to https://127.0.0.1:1/edge2/reports",
            Some(report),
        );
        assert_eq!(of(&told).as_deref(), Some("Notification: UE in cell 000000a02"));
        let looked = entry(Kind::Request, &format!("GET {path} from ees"), None);
        let other = entry(
            Kind::Request,
            "POST /3gpp-monitoring-event/v1/ees-b.example/subscriptions from ees",
            None,
        );
        let moved = entry(Kind::Network, "it moves", None);
        assert_eq!([of(&looked), of(&other), of(&moved)], [None, None, None]);
    }
}
