//! A simulated NEF: the northbound APIs of the 3GPP core that Edge Enabler and Configuration Servers use (EDGE-2 and EDGE-8 of TS 23.558),
//! over real mutual TLS, driven by a small model of a network in which UEs move.
//!
//! | module | what it holds |
//! |---|---|
//! | [`model`] | cells, UEs, who is meant by a request |
//! | [`want`] | what clients ask for, and the rules of the standard for it |
//! | [`state`] | resources, paths, consent: decisions without time or network of their own |
//! | [`doors`], [`control`], [`fault`] | the APIs; the operator's `/sim`; answers that go wrong on purpose |
//! | [`server`] | the listeners |
//! | [`configuration`], [`log`], [`token`] | the file; what happened; the token endpoint |

pub mod configuration;
pub mod control;
pub mod doors;
pub mod fault;
pub mod log;
pub mod model;
pub mod server;
pub mod state;
pub mod token;
pub mod want;

#[cfg(test)]
mod tests;

use edgeapp_core::{
    clock::Clock,
    error::Error,
    notifier::{NotDelivered, Notifier},
};
use edgeapp_openapi::common::DateTime;
use fault::Faults;
use log::{Entry, Kind, Log};
use model::Ue;
use serde_json::json;
use state::{Callback, Change, Moment, State};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use token::{Secret, Tokens};
use tokio::sync::oneshot;

/// How a simulated NEF behaves beside its network.
#[derive(Clone, Debug)]
pub struct Behaviour {
    /// `apiRoot` under which clients reach it.
    pub root: String,
    /// The clients that may use it, as they name themselves in the path; anyone when absent.
    pub allowed: Option<BTreeSet<String>>,
    /// How long a change of path waits for acknowledgements.
    pub ack_timeout: Duration,
    /// Clients of the token endpoint with their secrets; when there are any, every request needs a token.
    pub clients: BTreeMap<String, Secret>,
}

/// The simulated NEF itself, apart from its listeners.
pub struct Nef {
    behaviour: Behaviour,
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
    notifier: Arc<dyn Notifier>,
    log: Log,
    faults: Faults,
    tokens: Tokens,
    /// One thing happens in the network after the other.
    moving: tokio::sync::Mutex<()>,
    acks: Mutex<Acks>,
    paths_lost: AtomicBool,
}

#[derive(Default)]
struct Acks {
    last: u64,
    awaited: BTreeMap<u64, oneshot::Sender<String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Nef {
    /// A NEF with this network; callbacks go out by `notifier`, and `listener` hears of everything.
    pub fn new(
        behaviour: Behaviour,
        state: State,
        clock: Arc<dyn Clock>,
        notifier: Arc<dyn Notifier>,
        listener: log::Listener,
    ) -> Arc<Self> {
        Arc::new(Self {
            tokens: Tokens::of(behaviour.clients.clone()),
            behaviour,
            state: Mutex::new(state),
            clock,
            notifier,
            log: Log::new(listener),
            faults: Faults::default(),
            moving: tokio::sync::Mutex::default(),
            acks: Mutex::default(),
            paths_lost: AtomicBool::new(false),
        })
    }

    /// What it knows.
    pub fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// What happened.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Answers that are to go wrong.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Whether reports of changed paths get lost on their way.
    pub fn lose_path_reports(&self, lost: bool) {
        self.paths_lost.store(lost, Ordering::SeqCst);
    }

    fn now(&self) -> DateTime {
        self.clock.now()
    }

    fn note(&self, what: String) {
        self.log.add(Entry {
            at: self.now(),
            kind: Kind::Network,
            what,
            status: None,
            error: None,
            body: None,
        });
    }

    /// Puts a UE into the network, or another state of one that is there; who watches it is told.
    ///
    /// # Errors
    /// When a cell that it names does not exist.
    pub async fn put_ue(&self, ue: Ue) -> Result<(), Error> {
        let _one = self.moving.lock().await;
        let gpsi = ue.gpsi.to_string();
        self.state().network.put(ue)?;
        self.note(format!("{gpsi} is in the network"));
        self.follow(&gpsi).await;
        Ok(())
    }

    /// Moves a UE to a cell, or out of all of them. Comes back when everybody who watches it was told and has answered or failed.
    ///
    /// # Errors
    /// When there is no such UE or cell.
    pub async fn move_ue(&self, gpsi: &str, cell: Option<&str>) -> Result<(), Error> {
        let _one = self.moving.lock().await;
        let before = self.state().network.move_ue(gpsi, cell)?;
        if before.as_deref() == cell {
            return Ok(());
        }
        let words = |cell: Option<&str>| cell.unwrap_or("nowhere").to_owned();
        self.note(format!(
            "{gpsi} moves from {} to {}",
            words(before.as_deref()),
            words(cell)
        ));
        self.follow(gpsi).await;
        Ok(())
    }

    /// What follows from where a UE is.
    async fn follow(&self, gpsi: &str) {
        let now = self.now();
        let reports = self.state().reports(gpsi, None, now);
        self.tell(reports).await;
        self.reroute(gpsi).await;
        let sessions = self.state().session_events(gpsi);
        self.tell(sessions).await;
        let predictions = self.state().predictions(gpsi, now);
        self.tell(predictions).await;
    }

    /// Brings the paths of a UE to where they have to be.
    async fn reroute(&self, gpsi: &str) {
        let changes = self.state().changes(gpsi);
        for change in changes {
            self.change(&change).await;
        }
    }

    async fn change(&self, change: &Change) {
        let early = self.state().events(change, Moment::Early);
        let mut answers = Vec::new();
        for (mut callback, acknowledged) in early {
            let awaited = acknowledged.then(|| {
                let mut acks = lock(&self.acks);
                acks.last += 1;
                let (number, (sender, receiver)) = (acks.last, oneshot::channel());
                acks.awaited.insert(number, sender);
                callback.body["afAckUri"] = json!(format!("{}/ack/{number}", self.behaviour.root));
                (number, receiver)
            });
            let arrived = self.send(callback).await;
            if let Some((number, receiver)) = awaited {
                if arrived {
                    answers.push((number, receiver));
                } else {
                    lock(&self.acks).awaited.remove(&number);
                }
            }
        }
        let wait = async {
            let mut refused = None;
            for (_, receiver) in &mut answers {
                if let Ok(status) = receiver.await
                    && status != "SUCCESS"
                {
                    refused = Some(status);
                }
            }
            refused
        };
        let refused = tokio::time::timeout(self.behaviour.ack_timeout, wait).await;
        for (number, _) in &answers {
            lock(&self.acks).awaited.remove(number);
        }
        let (gpsi, traffic) = (&change.gpsi, &change.traffic);
        match refused {
            Ok(Some(status)) => {
                return self.note(format!(
                    "path of {gpsi} for {traffic} stays at {}: {status}",
                    change.from
                ));
            }
            Ok(None) => {}
            Err(_) => self.note(format!(
                "nobody acknowledged the change of {gpsi} for {traffic} in time"
            )),
        }
        let late = {
            let mut state = self.state();
            state.switch(change);
            state.events(change, Moment::Late)
        };
        self.note(format!("path of {gpsi} for {traffic} is at {}", change.to));
        self.tell(late.into_iter().map(|(callback, _)| callback).collect())
            .await;
    }

    /// Takes an acknowledgement; whether it was awaited.
    fn acknowledge(&self, number: u64, status: &str) -> bool {
        let awaited = lock(&self.acks).awaited.remove(&number);
        awaited.is_some_and(|awaited| awaited.send(status.to_owned()).is_ok())
    }

    /// What the passing of time brings: reports whose interval is over, the end of what expired.
    pub async fn tick(&self) {
        let _one = self.moving.lock().await;
        let due = self.state().due(self.now());
        self.tell(due).await;
    }

    /// A user agrees, or no longer does.
    pub async fn consent(&self, id: &str, purpose: &str, granted: bool) {
        let _one = self.moving.lock().await;
        self.note(format!("consent of {id} for {purpose}: {granted}"));
        let callbacks = self.state().consent(id, purpose, granted);
        self.tell(callbacks).await;
    }

    /// Something happens to the sessions of a UE.
    ///
    /// # Errors
    /// When there is no such UE.
    pub async fn session_event(&self, gpsi: &str, event: &str) -> Result<(), Error> {
        let _one = self.moving.lock().await;
        let callbacks = {
            let mut state = self.state();
            state.network.ue(gpsi).ok_or_else(model::unknown_ue)?;
            state.tell_sessions(gpsi, event)
        };
        self.tell(callbacks).await;
        Ok(())
    }

    /// What follows from a resource that was created or changed, after its client got the answer.
    async fn begin(&self, api: want::Api, id: u64) {
        let _one = self.moving.lock().await;
        let now = self.now();
        let meant: Vec<String> = {
            let state = self.state();
            match state.resource(api, id) {
                Some(resource) => {
                    let all = resource.want.targets().iter();
                    let all = all.flat_map(|target| state.network.meant(target));
                    all.map(|ue| ue.gpsi.to_string()).collect()
                }
                // Without it paths may go back to where they were.
                None if api == want::Api::Influence => state.network.ues().map(|ue| ue.gpsi.to_string()).collect(),
                None => return,
            }
        };
        if api == want::Api::Triggering {
            let callback = self.state().delivered(id);
            self.tell(callback.into_iter().collect()).await;
        }
        for gpsi in &meant {
            match api {
                want::Api::Influence => self.reroute(gpsi).await,
                want::Api::Qos => {
                    let callbacks = self.state().session_events(gpsi);
                    self.tell(callbacks).await;
                }
                want::Api::Monitoring => {
                    let wanted = self.state().resource(api, id).is_some_and(
                        |resource| matches!(&resource.want, want::Want::Watch(watch) if watch.immediate && watch.target.is_many()),
                    );
                    let callbacks = if wanted {
                        self.state().reports(gpsi, Some(id), now)
                    } else {
                        Vec::new()
                    };
                    self.tell(callbacks).await;
                }
                want::Api::Analytics | want::Api::Triggering => {}
            }
        }
    }

    async fn tell(&self, callbacks: Vec<Callback>) {
        for callback in callbacks {
            self.send(callback).await;
        }
    }

    /// Sends once; whether it arrived. What was removed meanwhile is not told any more.
    async fn send(&self, callback: Callback) -> bool {
        let (api, id) = callback.of;
        if !callback.last && self.state().resource(api, id).is_none() {
            return false;
        }
        if api == want::Api::Influence && self.paths_lost.load(Ordering::SeqCst) {
            self.note(format!("{}: lost on purpose", callback.what));
            return false;
        }
        let body = callback.body.to_string();
        let outcome = match callback.to.parse() {
            Ok(to) => self.notifier.notify(&to, body.into()).await,
            Err(_) => Err(NotDelivered::NotAllowed("is no URI".to_owned())),
        };
        let (status, error) = match &outcome {
            Ok(delivered) => (Some(delivered.status), None),
            Err(NotDelivered::Refused(status)) => (Some(*status), Some("refused".to_owned())),
            Err(NotDelivered::Later { reason, .. } | NotDelivered::NotAllowed(reason)) => (None, Some(reason.clone())),
        };
        self.log.add(Entry {
            at: self.now(),
            kind: Kind::Callback,
            what: format!("{} to {}", callback.what, log::masked(&callback.to)),
            status,
            error,
            body: Some(callback.body),
        });
        outcome.is_ok()
    }
}
