//! The core network of scenarios that have one: a simulated NEF in this process, over real TLS, whose UEs go where the scenarios say.

use super::{
    NoWorld,
    nef::{
        configuration::{Configuration, Roots},
        fault::Fault,
        log::{Entry, Kind},
        model::{Cell, CellKind, Ue},
        server::{self, Running},
    },
};
use crate::{
    milestone::Milestone,
    pki::Pki,
    record::{Message, Part, Seen},
    scenario::{self, Scenario},
    world::tracks::{Track, Tracks},
};
use edgeapp_core::{clock::SystemClock, principal::Role};
use edgeapp_http::assembly::{IdentityFiles, ListenAt};
use edgeapp_openapi::ees_registration::AcrScenario;
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
            if scenario.core.is_none() {
                continue;
            }
            cells.extend(
                scenario
                    .cell
                    .iter()
                    .map(|cell| (cell.nr_cell_id.to_string(), cell_of(scenario, cell))),
            );
            for n in 0..scenario.ue.len() {
                ues.insert(scenario.ue[n].gpsi.to_string(), ue_of(scenario, n));
            }
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

    /// From now on what passes between the EESs of this scenario and the NEF is written down, each where it belongs.
    pub fn follow(&self, scenario: &Arc<Scenario>, tracks: &Arc<Tracks>) {
        let (scenario, tracks) = (scenario.clone(), tracks.clone());
        let follower: Follower = Box::new(move |entry| {
            let of = match ue_in(&scenario, entry) {
                Some(ue) => tracks.of_ue(ue.gpsi.as_str()),
                // A request names its UE in a body that is not written down: where there is one UE only it is about that.
                None if scenario.ue.len() == 1 => tracks.of_ue(scenario.ue[0].gpsi.as_str()),
                None => return,
            };
            for track in of {
                let at = track.recorder.now();
                if let Some(message) = message(entry, &track.source_ees, at) {
                    if is_path(entry) {
                        noticed(&scenario, &track);
                    }
                    track.recorder.message(message);
                }
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
    pub async fn move_ue(&self, gpsi: &str, cell: &scenario::Cell) -> Result<(), String> {
        let moved = self.running.nef.move_ue(gpsi, Some(cell.nr_cell_id.as_str())).await;
        moved.map_err(|error| format!("the core network cannot move the UE: {error}"))
    }

    /// The next answers of an API go wrong like this.
    pub fn fault(&self, fault: Fault) {
        self.running.nef.faults().add(fault);
    }

    /// All goes well again.
    pub fn heal(&self) {
        self.running.nef.faults().clear();
        self.running.nef.lose_path_reports(false);
    }

    /// Reports of changed paths get lost.
    pub fn lose_path_reports(&self) {
        self.running.nef.lose_path_reports(true);
    }

    /// How many subscriptions and influences live, and in what they are about.
    pub fn lives(&self) -> Vec<String> {
        let state = self.running.nef.state();
        let shown = state
            .resources()
            .map(|(api, id, resource)| format!("{} {id} of {}", api.name(), resource.scs_as));
        shown.collect()
    }

    /// What is odd: several influences on the traffic of one UE.
    pub fn odd(&self) -> Vec<String> {
        self.running.nef.state().doubled()
    }

    /// How many acknowledgements of EASs came.
    pub fn acknowledgements(&self) -> usize {
        let entries = self.running.nef.log().entries();
        let acknowledged = |entry: &&Entry| entry.kind == Kind::Request && entry.what.starts_with("POST /ack/");
        entries.iter().filter(acknowledged).count()
    }
}

/// The UE that a report of the NEF is about.
fn ue_in<'a>(scenario: &'a Scenario, entry: &Entry) -> Option<&'a scenario::Ue> {
    let body = entry.body.as_ref()?;
    let word = |pointer: &str| body.pointer(pointer).and_then(serde_json::Value::as_str);
    let report = "/monitoringEventReports/0";
    let (gpsi, number) = (word("/gpsi"), word(&format!("{report}/msisdn")));
    let external = word(&format!("{report}/externalId"));
    scenario.ue.iter().find(|ue| {
        gpsi == Some(ue.gpsi.as_str())
            || number.is_some_and(|number| ue.gpsi.as_str().strip_prefix("msisdn-") == Some(number))
            || external.is_some_and(|external| {
                ue.external_id.as_ref().map(|id| id.as_str()) == Some(external)
                    || ue.gpsi.as_str().strip_prefix("extid-") == Some(external)
            })
    })
}

fn is_path(entry: &Entry) -> bool {
    let event = entry.body.as_ref().and_then(|body| body.get("subscribedEvent"));
    event.is_some_and(|event| event == "UP_PATH_CHANGE")
}

/// Where the S-EES decides, it knows and has decided as soon as it has taken the report: what it does then it does by itself.
fn noticed(scenario: &Scenario, track: &Track) {
    if scenario.acr == AcrScenario::SourceEesExecuted && track.recorder.reached(Milestone::Move).is_some() {
        track.recorder.reach(Milestone::Detected);
        track.recorder.reach(Milestone::Decided);
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

fn ue_of(scenario: &Scenario, n: usize) -> Ue {
    let ue = &scenario.ue[n];
    Ue {
        gpsi: ue.gpsi.clone(),
        external_id: ue.external_id.as_ref().map(ToString::to_string),
        msisdn: None,
        ip: None,
        dnn: None,
        cell: scenario.way(n).first().map(|cell| cell.nr_cell_id.to_string()),
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
                ("POST", _) if path.contains("traffic-influence") => "Path watch or influence",
                ("PUT" | "PATCH", _) if path.contains("traffic-influence") => "Path watch or influence, changed",
                (_, _) if path.contains("traffic-influence") => "Path watch or influence, ended",
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
        (Kind::Request, ["POST", path, ..]) if path.starts_with("/ack/") => (
            Part::SEes,
            Part::Nef,
            "Acknowledgement of the path".to_owned(),
            "POST".to_owned(),
            "/ack".to_owned(),
        ),
        (Kind::Callback, _) if is_path(entry) => {
            let body = entry.body.as_ref()?;
            let word = |name: &str| body.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
            let operation = format!("Notification: path {} to {}", word("dnaiChgType"), word("targetDnai"));
            let path = "/edge2/reports/…".to_owned();
            (Part::Nef, Part::SEes, operation, "POST".to_owned(), path)
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
            .way(0)
            .into_iter()
            .map(|cell| cell_of(&scenario, cell).dnai.unwrap().to_string())
            .collect();
        assert_eq!(dnais, ["edge-a", "edge-a", "edge-b"]);
        let ue = ue_of(&scenario, 0);
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
