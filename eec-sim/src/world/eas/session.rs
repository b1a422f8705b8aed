//! What happens at an application server: requests of its clients, contexts of other servers, orders of its EES.

use super::{
    super::tracks::{Track, Tracks, ees_of},
    application::{Answered, Destination, Moved, Numbered},
};
use crate::{
    call::{Caller, Failed, segment, url_of},
    edge3,
    milestone::Milestone,
    record::{Message, Part, Seen},
    scenario::{Scenario, Site},
    witness::{Arrived, Ended, Located, Reported, Told},
};
use axum::{
    Json, Router,
    extract::State,
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
    routing::{post, put},
};
use bytes::Bytes;
use edgeapp_core::error::Error;
use edgeapp_http::{
    client::HttpClient,
    problem::Problem,
    reply::{Found, NoContent},
    request::{Body, PathId, Permit},
};
use edgeapp_openapi::{
    acr_management_event::{
        AcrMgntEvent, AcrMgntEventReport, AcrMgntEventsNotification, ActStatus, IndUeIdentification,
        TargetUeIdentification,
    },
    acr_status_update::AcrUpdateData,
    eel_managed_acr::ActStatusNotif,
    ees_registration::AcrScenario,
    ids::{Dnai, Dnn, EasId},
    ue_location::LocationNotification,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    collections::{BTreeMap, hash_map::RandomState},
    hash::BuildHasher,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Mutex as AsyncMutex, task::JoinHandle};

edgeapp_core::operation!(
    Ask = "chess:ask@eec",
    HandOver = "chess:hand-over@eec",
    Leave = "chess:leave@eec",
    Receive = "chess:receive@eas",
    Notify = "chess:notify@ees",
);

/// How often a report is sent to an EES that cannot be reached.
const REPORTS: u32 = 20;
/// How often a context is fetched again from an EES that cannot be reached.
const FETCHES: u32 = 10;
const TRANSFER: &str = "Application context transfer";

/// A context on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Context {
    counter: u64,
    /// A random number that tells contexts apart.
    origin: String,
    /// The server it comes from.
    from: String,
    /// The application client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ac: Option<String>,
    /// It is a later change of one that was handed over before.
    #[serde(default)]
    change: bool,
}

/// What is here of one UE.
#[derive(Default)]
pub(super) struct Session {
    /// `None` when no context is here.
    context: Option<Context>,
    /// Where changes are carried over to.
    mirror: Option<String>,
    /// Where a copy is that is not kept up to date any more.
    old_copy: Option<String>,
    /// The client has been here.
    serving: bool,
    /// The context is on its way by the enabler layer: it does not change any more.
    frozen: bool,
    /// It was told that a relocation is needed, and does something about it.
    relocating: bool,
    /// What it subscribed to about this UE.
    watches: Watches,
    /// Subscriptions that are being made.
    watching: Option<JoinHandle<Watches>>,
}

impl Session {
    fn watches_something(&self) -> bool {
        self.watching.is_some() || self.watches.events.is_some() || self.watches.locations.is_some()
    }

    /// What there is to end, with what is only being made.
    async fn take_watches(&mut self) -> Watches {
        match self.watching.take() {
            Some(watching) => watching.await.unwrap_or_default(),
            None => std::mem::take(&mut self.watches),
        }
    }
}

#[derive(Default)]
struct Watches {
    events: Option<String>,
    locations: Option<String>,
}

/// An application server at work.
pub(super) struct Played {
    pub(super) scenario: Arc<Scenario>,
    pub(super) instance: String,
    pub(super) eas_id: EasId,
    pub(super) dnais: Vec<Dnai>,
    pub(super) edn: Dnn,
    pub(super) root: String,
    /// Where EESs reach it.
    pub(super) control: Mutex<String>,
    pub(super) tracks: Arc<Tracks>,
    pub(super) others: HttpClient,
    pub(super) to_ees: HttpClient,
    /// Where its EES is; in the cloud there is none.
    pub(super) ees_root: Option<String>,
    pub(super) sessions: Mutex<BTreeMap<String, Arc<AsyncMutex<Session>>>>,
    /// It takes no contexts.
    pub(super) full: AtomicBool,
    /// Subscriptions that are being ended.
    pub(super) ending: Mutex<Vec<JoinHandle<()>>>,
}

type Here = State<Arc<Played>>;

/// Not now, but soon: the client asks again.
fn soon() -> Response {
    let problem = Problem::from(Error::unavailable("the context is on its way: ask again"));
    problem.into_response()
}

/// A numbered request of the application client.
async fn ask(
    State(eas): Here,
    _: Permit<Ask>,
    PathId(ue): PathId<String>,
    Json(request): Json<Numbered>,
) -> Result<Response, Problem> {
    let session = eas.session(&ue);
    let mut session = session.lock().await;
    let at_home = eas.part(&ue) == Some(Part::SEas);
    let mut context = match &session.context {
        Some(_) if session.frozen => return Ok(soon()),
        Some(context) => context.clone(),
        // Whoever comes without a context begins at the first server only.
        None if !at_home => return Ok(soon()),
        None => {
            let origin = format!("{:016x}", RandomState::new().hash_one(request.number));
            Context {
                counter: 0,
                origin,
                from: eas.root.clone(),
                ac: Some(request.ac.clone()),
                change: false,
            }
        }
    };
    context.counter += 1;
    context.from.clone_from(&eas.root);
    context.ac = Some(request.ac);
    if let Some(to) = &session.mirror {
        let path = format!("{to}/sessions/{}", segment(&ue));
        // Not answered before the other server has it: a change that was answered must not be lost.
        let change = Context {
            change: true,
            ..context.clone()
        };
        match eas.others.call(Method::PUT, &path, Some(&change)).await {
            Ok(_) => eas.witness(&ue, |sights| sights.mirrored += 1),
            // Nobody is served there yet: this server goes on alone.
            Err(error) if error.status() != Some(StatusCode::CONFLICT) => session.old_copy = session.mirror.take(),
            Err(error) => {
                return Err(Error::unavailable(format!("the other server does not take the change: {error}")).into());
            }
        }
    }
    let (counter, first) = (context.counter, !session.serving);
    let (origin, new) = (context.origin.clone(), session.context.is_none());
    if new {
        eas.witness(&ue, |sights| {
            sights.made.get_or_insert_with(|| origin.clone());
        });
    }
    session.context = Some(context);
    session.serving = true;
    if first {
        eas.tracks.holds(&ue, eas.eas_id.as_str(), &eas.instance, &origin);
        if at_home && new {
            // What it has to hear of the UE it hears from the beginning.
            session.watches = eas.watch(&ue).await;
        } else {
            let (eas, ue) = (eas.clone(), ue.clone());
            session.watching = Some(tokio::spawn(async move { eas.watch(&ue).await }));
        }
    }
    let answered = Answered {
        number: request.number,
        instance: eas.instance.clone(),
        counter,
    };
    Ok(Found(answered).into_response())
}

/// The application client asks for its context to be handed over.
async fn hand_over(
    State(eas): Here,
    _: Permit<HandOver>,
    PathId(ue): PathId<String>,
    Json(destination): Json<Destination>,
) -> Result<NoContent, Problem> {
    let handed = eas.hand_over(&ue, &destination.to).await;
    handed.map_err(|error| Error::unavailable(format!("the other server does not take the context: {error}")))?;
    Ok(NoContent)
}

/// The application client says that its UE is elsewhere now.
async fn moved(
    State(eas): Here,
    _: Permit<Ask>,
    PathId(ue): PathId<String>,
    Json(moved): Json<Moved>,
) -> Result<NoContent, Problem> {
    let Some(track) = eas.track(&ue) else {
        return Err(Error::not_found("application context").into());
    };
    let dnai: Option<Dnai> = moved.dnai.and_then(|dnai| dnai.parse().ok());
    if dnai.as_ref().is_none_or(|dnai| !eas.dnais.contains(dnai)) {
        eas.relocation_needed(&ue, track.recorder.now(), dnai.as_ref());
    }
    Ok(NoContent)
}

/// The application client has left: its context is not needed here any more.
async fn leave(State(eas): Here, _: Permit<Leave>, PathId(ue): PathId<String>) -> NoContent {
    let gone = eas.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(&ue);
    eas.tracks.dropped(&ue, eas.eas_id.as_str(), &eas.instance);
    let Some(gone) = gone else { return NoContent };
    let watches = gone.lock().await.watches_something();
    if watches {
        // The client does not wait for what the EES has to do; whoever ends this server does.
        let server = eas.clone();
        let ending = tokio::spawn(async move {
            let watches = gone.lock().await.take_watches().await;
            let _ = server.watch_no_more(&ue, watches).await;
        });
        eas.ending.lock().unwrap_or_else(PoisonError::into_inner).push(ending);
    }
    NoContent
}

/// Another server hands a context over, or a change to one.
async fn receive(
    State(eas): Here,
    _: Permit<Receive>,
    PathId(ue): PathId<String>,
    Json(context): Json<Context>,
) -> Result<Response, Problem> {
    if eas.full.load(Ordering::SeqCst) {
        return Err(Error::unavailable("this server is full").into());
    }
    let session = eas.session(&ue);
    let mut session = session.lock().await;
    if session.serving {
        let problem = Problem::new(
            StatusCode::CONFLICT,
            edgeapp_core::error::Cause::AcrResultConflict,
            "the client is here already",
        );
        return Err(problem);
    }
    if context.change && session.context.is_none() {
        return Err(Error::not_found("application context").into());
    }
    eas.arrived(&ue, &mut session, context);
    Ok(NoContent.into_response())
}

/// Another server fetches a context, and wants to have later changes of it as well.
async fn copy(
    State(eas): Here,
    _: Permit<Receive>,
    PathId(ue): PathId<String>,
    Json(destination): Json<Destination>,
) -> Result<Found<Context>, Problem> {
    let session = eas.session(&ue);
    let mut session = session.lock().await;
    let context = session.context.clone();
    let context = context.ok_or_else(|| Error::not_found("application context"))?;
    session.mirror = Some(destination.to.clone());
    let (server, ue) = (eas.clone(), ue.clone());
    tokio::spawn(async move { server.report(&ue, &destination.to, true).await });
    Ok(Found(context))
}

/// Nothing comes of a relocation: the copy is not needed.
async fn forget(State(eas): Here, _: Permit<Receive>, PathId(ue): PathId<String>) -> NoContent {
    eas.forget(&ue).await;
    NoContent
}

/// The EES tells what is to be known about relocations.
async fn notified(
    State(eas): Here,
    permit: Permit<Notify>,
    Body(notification): Body<AcrMgntEventsNotification>,
) -> Response {
    tracing::debug!(from = permit.principal().id(), "notified");
    let mut asked = false;
    for report in notification.event_reports {
        asked |= report.event == AcrMgntEvent::UpPathChg && eas.asked_to_agree(&report);
        eas.hear(&report);
    }
    match asked {
        true => Json(json!({"resCode": "ACCEPTED"})).into_response(),
        false => NoContent.into_response(),
    }
}

/// The EES tells how a relocation ended that was left to it.
async fn ended(State(eas): Here, _: Permit<Notify>, Body(notification): Body<ActStatusNotif>) -> NoContent {
    let result = notification.act_status.to_string();
    for track in eas.tracks.of_application(eas.eas_id.as_str()) {
        let Some(part) = track.part_of(&eas.instance) else {
            continue;
        };
        let at = track.recorder.now();
        // The notification names no UE: it belongs to a relocation that has begun and of which nobody told an end here.
        let begun = track.recorder.reached(Milestone::InitAck).is_some();
        let known = track.witness.sights().ended.iter().any(|ended| ended.eas == part);
        if !begun || known {
            continue;
        }
        eas.note(
            &track,
            at,
            &format!("Notification: managed relocation {result}"),
            "/managed/act-status",
        );
        track.witness.see(|sights| {
            sights.ended.push(Ended {
                at,
                eas: part,
                result: result.clone(),
            });
        });
        if result != "SUCCESSFUL" {
            let session = eas.session(&track.ue);
            let mut session = session.lock().await;
            (session.frozen, session.relocating) = (false, false);
        }
    }
    NoContent
}

/// The EES tells where the UE is.
async fn located(State(eas): Here, _: Permit<Notify>, Body(notification): Body<LocationNotification>) -> NoContent {
    for event in notification.loc_evs {
        let info = event.loc_inf.as_ref();
        let cell = info.and_then(|info| info.cell_id.clone()).unwrap_or_default();
        let ue = event.ue_id.to_string();
        let Some(track) = eas.tracks.of(&ue, eas.eas_id.as_str()) else {
            continue;
        };
        let at = track.recorder.now();
        eas.note(&track, at, &format!("Notification: UE in cell {cell}"), "/locations");
        if let Some(part) = track.part_of(&eas.instance) {
            track.witness.see(|sights| {
                sights.located.push(Located {
                    at,
                    eas: part,
                    ue: ue.clone(),
                    cell: cell.clone(),
                });
            });
        }
        let scenario = &eas.scenario;
        let there = scenario.cell.iter().find(|known| known.nr_cell_id.as_str() == cell);
        let site = there.and_then(|cell| scenario.site_at(&cell.tai, &eas.eas_id));
        if let Some(site) = site
            && site.edn.dnn != eas.edn
        {
            eas.relocation_needed(&ue, at, site.edn.dnais.first());
        }
    }
    NoContent
}

impl Played {
    /// The server of a site, which others reach at this root, with its EES.
    pub(super) fn at(
        scenario: &Arc<Scenario>,
        site: Site<'_>,
        (root, ees_root): (&str, Option<&str>),
        tracks: &Arc<Tracks>,
        (others, to_ees): (HttpClient, HttpClient),
    ) -> Arc<Self> {
        Arc::new(Self {
            scenario: scenario.clone(),
            instance: site.eas.instance.clone(),
            eas_id: site.eas.eas_id.clone(),
            dnais: site.edn.dnais.clone(),
            edn: site.edn.dnn.clone(),
            root: root.to_owned(),
            control: Mutex::default(),
            tracks: tracks.clone(),
            others,
            to_ees,
            ees_root: ees_root.map(str::to_owned),
            sessions: Mutex::default(),
            full: AtomicBool::new(false),
            ending: Mutex::default(),
        })
    }

    /// What it serves to clients and other servers.
    pub(super) fn routes(self: Arc<Self>) -> Router {
        Router::new()
            .route("/sessions/{ue}", put(receive).delete(leave))
            .route("/sessions/{ue}/requests", post(ask))
            .route("/sessions/{ue}/moved", post(moved))
            .route("/sessions/{ue}/hand-over", post(hand_over))
            .route("/sessions/{ue}/copy", post(copy).delete(forget))
            .with_state(self)
    }

    /// What it serves to EESs.
    pub(super) fn callbacks(self: Arc<Self>) -> Router {
        Router::new()
            .route("/notifications", post(notified))
            .route("/managed/act-status", post(ended))
            .route("/locations", post(located))
            .with_state(self)
    }

    fn session(&self, ue: &str) -> Arc<AsyncMutex<Session>> {
        self.sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(ue.to_owned())
            .or_default()
            .clone()
    }

    fn track(&self, ue: &str) -> Option<Arc<Track>> {
        self.tracks.of(ue, self.eas_id.as_str())
    }

    fn part(&self, ue: &str) -> Option<Part> {
        self.track(ue)?.part_of(&self.instance)
    }

    fn witness(&self, ue: &str, change: impl FnOnce(&mut crate::witness::Sights)) {
        if let Some(track) = self.track(ue) {
            track.witness.see(change);
        }
    }

    /// Its way to its EES, for what belongs to this relocation; `None` in the cloud.
    fn ees(&self, track: &Track, part: Part) -> Option<edge3::Ees> {
        let parts = (part, ees_of(part));
        let root = self.ees_root.as_ref()?;
        let caller = Caller::new(self.to_ees.clone(), &track.recorder, parts, "EDGE-3", root);
        Some(edge3::Ees(caller))
    }

    /// Writes down what its EES told.
    fn note(&self, track: &Track, at: Duration, operation: &str, path: &str) {
        let Some(part) = track.part_of(&self.instance) else {
            return;
        };
        track.recorder.message(Message {
            at,
            took: track.recorder.now().saturating_sub(at),
            from: ees_of(part),
            to: part,
            point: "EDGE-3",
            operation: operation.to_owned(),
            method: "POST".to_owned(),
            path: path.to_owned(),
            status: Some(204),
            error: None,
            seen: Seen::AtAnEnd,
        });
    }

    /// A context has come.
    fn arrived(self: &Arc<Self>, ue: &str, session: &mut Session, context: Context) {
        let first = session.context.is_none();
        let (origin, from) = (context.origin.clone(), context.from.clone());
        // As it lies here it is whole: it is handed on as such.
        session.context = Some(Context {
            change: false,
            ..context
        });
        if !first {
            return;
        }
        self.tracks.holds(ue, self.eas_id.as_str(), &self.instance, &origin);
        let Some(track) = self.track(ue) else { return };
        let at = track.recorder.now();
        track.recorder.reach_at(Milestone::ActDone, at);
        if let Some(eas) = track.part_of(&self.instance) {
            track
                .witness
                .see(|sights| sights.arrived.push(Arrived { at, eas, origin }));
        }
        let (eas, ue) = (self.clone(), ue.to_owned());
        tokio::spawn(async move { eas.report(&ue, &from, true).await });
    }

    /// Subscribes to what it has to hear of a UE that it serves.
    async fn watch(&self, ue: &str) -> Watches {
        let (Some(track), Some(core)) = (self.track(ue), &self.scenario.core) else {
            return Watches::default();
        };
        let Some(part) = track.part_of(&self.instance) else {
            return Watches::default();
        };
        let Some(ees) = self.ees(&track, part) else {
            return Watches::default();
        };
        let root = self.control.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let event = match self.scenario.acr {
            AcrScenario::SourceEasDecided | AcrScenario::EelManagedAcr => Some(json!({
                "event": "UP_PATH_CHG", "tgtUeId": {"gpsi": ue}, "easAckInd": core.acknowledge,
                "dnaiChgType": if core.acknowledge { "EARLY" } else { "LATE" },
            })),
            AcrScenario::SourceEesExecuted => Some(json!({"event": "ACR_FACILITATION", "tgtUeId": {"gpsi": ue}})),
            _ => None,
        };
        let mut watches = Watches::default();
        if let Some(event) = event {
            let wanted = json!({
                "easId": self.eas_id, "eventSubscs": [event], "notificationDestination": format!("{root}/notifications"),
            });
            if let Ok(wanted) = serde_json::from_value(wanted) {
                watches.events = ees.subscribe(&wanted).await.ok();
            }
        }
        if core.locations {
            let wanted = json!({
                "easId": self.eas_id, "ueId": ue, "locGran": "CGI_ECGI", "eventReq": {"immRep": true},
                "notificationDestination": format!("{root}/locations"), "expTime": self.scenario.expires_at(),
            });
            if let Ok(wanted) = serde_json::from_value(wanted) {
                watches.locations = ees.subscribe_location(&wanted).await.ok();
            }
        }
        watches
    }

    async fn watch_no_more(&self, ue: &str, watches: Watches) -> Result<(), Failed> {
        let Some(track) = self.track(ue) else { return Ok(()) };
        let part = track.part_of(&self.instance).unwrap_or(Part::TEas);
        let Some(ees) = self.ees(&track, part) else {
            return Ok(());
        };
        let mut left = Ok(());
        if let Some(id) = watches.events {
            left = ees.unsubscribe(&id).await;
        }
        if let Some(id) = watches.locations {
            left = left.and(ees.unsubscribe_location(&id).await);
        }
        left
    }

    /// Ends what it subscribed to about any UE.
    pub(super) async fn leave_all(&self) -> Result<(), Failed> {
        let sessions = std::mem::take(&mut *self.sessions.lock().unwrap_or_else(PoisonError::into_inner));
        let ending = std::mem::take(&mut *self.ending.lock().unwrap_or_else(PoisonError::into_inner));
        for ending in ending {
            let _ = ending.await;
        }
        let mut left = Ok(());
        for (ue, session) in sessions {
            let watches = session.lock().await.take_watches().await;
            left = left.and(self.watch_no_more(&ue, watches).await);
        }
        left
    }

    fn asked_to_agree(&self, report: &AcrMgntEventReport) -> bool {
        let early = report
            .up_path_chg_info
            .as_ref()
            .map(|change| change.dnai_chg_type.to_string());
        let core = self.scenario.core.as_ref();
        core.is_some_and(|core| core.acknowledge) && early.as_deref() == Some("EARLY")
    }

    /// Does what a report of its EES asks for.
    fn hear(self: &Arc<Self>, report: &AcrMgntEventReport) {
        let change = report.up_path_chg_info.as_ref();
        let ue = match (&report.ue_id, change.map(|change| &change.ue_id)) {
            (Some(TargetUeIdentification::Gpsi(gpsi)), _) | (_, Some(IndUeIdentification::Gpsi(gpsi))) => {
                gpsi.to_string()
            }
            _ => return,
        };
        let Some(track) = self.track(&ue) else { return };
        let at = track.recorder.now();
        match report.event {
            AcrMgntEvent::ActStartStop | AcrMgntEvent::AcrFacilitation => self.act(&track, at, report),
            AcrMgntEvent::UpPathChg => {
                let to = change.and_then(|change| change.target_dnai.clone());
                let words = to.as_ref().map(ToString::to_string).unwrap_or_default();
                self.note(
                    &track,
                    at,
                    &format!("Notification: path goes to {words}"),
                    "/notifications",
                );
                if let Some(to) = to.filter(|to| !self.dnais.contains(to)) {
                    self.relocation_needed(&ue, at, Some(&to));
                }
            }
            _ => {}
        }
    }

    /// Does what an order to start or stop says.
    fn act(self: &Arc<Self>, track: &Arc<Track>, at: Duration, report: &AcrMgntEventReport) {
        let facilitated = report.event == AcrMgntEvent::AcrFacilitation;
        let status = match &report.act_status {
            Some(status) => status.to_string(),
            None if facilitated => "ACR_FACILITATION".to_owned(),
            None => return,
        };
        let to = report.eas_end_point.as_ref().map(url_of);
        self.note(track, at, &format!("Notification: {status}"), "/notifications");
        let stop = report.act_status == Some(ActStatus::ActStop);
        let Some(part) = track.part_of(&self.instance) else {
            return;
        };
        if !stop {
            track.recorder.reach_at(Milestone::ActStart, at);
        }
        track.witness.see(|sights| {
            sights.told.push(Told {
                at,
                eas: part,
                status,
                end_point: to.clone(),
                ue: Some(track.ue.clone()),
                ac: report.ac_id.as_ref().map(ToString::to_string),
            });
        });
        let (eas, ue) = (self.clone(), track.ue.clone());
        match to {
            _ if stop => drop(tokio::spawn(async move { eas.stop(&ue).await })),
            Some(to) => drop(tokio::spawn(async move { eas.start(&ue, &to).await })),
            None => {}
        }
    }

    /// Gets the context to where it has to be: who serves the client pushes it, who does not pulls it.
    async fn start(self: &Arc<Self>, ue: &str, peer: &str) {
        let serving = self.session(ue).lock().await.serving;
        if serving {
            let handed = self.hand_over(ue, peer).await;
            if let Err(error) = &handed {
                tracing::warn!(%error, peer, "a context was not handed over");
                // A copy that was made there before is of no use either.
                self.stop(ue).await;
            }
            self.report(ue, peer, handed.is_ok()).await;
        } else if self.scenario.acr == AcrScenario::EelManagedAcr {
            if self.take(ue, peer).await.is_err() {
                self.report(ue, peer, false).await;
            }
        } else if self.pulls(ue) && self.pull(ue, peer).await.is_err() {
            self.report(ue, peer, false).await;
        }
    }

    /// Whether it fetches the context when it is told to start: where the T-EES tells it, as it does of what comes back from the cloud.
    fn pulls(&self, ue: &str) -> bool {
        let from_the_cloud = |track: Arc<Track>| self.scenario.is_cloud(&self.eas_id, &track.source);
        self.scenario.acr == AcrScenario::EecExecutedViaTargetEes || self.track(ue).is_some_and(from_the_cloud)
    }

    /// Nothing comes of it: what was copied for it is dropped, here or where this server copied it to.
    async fn stop(&self, ue: &str) {
        let copy = {
            let session = self.session(ue);
            let mut session = session.lock().await;
            (session.frozen, session.relocating) = (false, false);
            let old = session.old_copy.take();
            session.mirror.take().or(old)
        };
        if let Some(copy) = copy {
            let path = format!("{copy}/sessions/{}/copy", segment(ue));
            let forgotten = self.others.call(Method::DELETE, &path, crate::call::NOTHING).await;
            tracing::debug!(good = forgotten.is_ok(), "a copy is not needed any more");
        }
        self.forget(ue).await;
    }

    /// Drops a context that no client has used.
    async fn forget(&self, ue: &str) {
        let session = self.session(ue);
        let mut session = session.lock().await;
        if !session.serving && session.context.take().is_some() {
            self.tracks.dropped(ue, self.eas_id.as_str(), &self.instance);
            if let Some(part) = self.part(ue) {
                self.witness(ue, |sights| sights.dropped.push(part));
            }
        }
    }

    /// The UE has left, or will: in the scenarios where an EAS decides, this one does.
    fn relocation_needed(self: &Arc<Self>, ue: &str, at: Duration, dnai: Option<&Dnai>) {
        let decides = matches!(
            self.scenario.acr,
            AcrScenario::SourceEasDecided | AcrScenario::EelManagedAcr
        );
        if decides && self.part(ue) == Some(Part::SEas) {
            let (eas, ue, dnai) = (self.clone(), ue.to_owned(), dnai.cloned());
            tokio::spawn(async move { eas.decide(&ue, at, dnai.as_ref()).await });
        }
    }

    async fn decide(self: &Arc<Self>, ue: &str, at: Duration, dnai: Option<&Dnai>) {
        {
            let session = self.session(ue);
            let mut session = session.lock().await;
            if !session.serving || session.relocating {
                return;
            }
            session.relocating = true;
        }
        let Some(track) = self.track(ue) else { return };
        track.recorder.reach_at(Milestone::Detected, at);
        track.recorder.reach(Milestone::Decided);
        let done = match self.scenario.acr {
            AcrScenario::SourceEasDecided => self.declare(ue, &track, dnai).await,
            _ => self.leave_to_the_ees(ue, &track, dnai).await,
        };
        if let Err(error) = done {
            tracing::info!(%error, "nothing comes of a relocation");
            let session = self.session(ue);
            let mut session = session.lock().await;
            (session.relocating, session.frozen) = (false, false);
        }
    }

    async fn ac_of(&self, ue: &str) -> Option<String> {
        self.session(ue).lock().await.context.as_ref()?.ac.clone()
    }

    /// Finds a target, declares it and hands the context over (TS 23.558 clause 8.8.2.4).
    async fn declare(self: &Arc<Self>, ue: &str, track: &Track, dnai: Option<&Dnai>) -> Result<(), String> {
        let ees = self.ees(track, Part::SEas).ok_or("it has no EES")?;
        let mut question = json!({
            "requestorId": {"easId": self.eas_id}, "ueId": ue, "easSvcContinuity": [self.scenario.acr],
            "easDiscoveryFilter": {"easChars": [{"easId": self.eas_id}]},
        });
        if let Some(dnai) = dnai {
            question["easTDnai"] = json!(dnai);
        }
        let question = serde_json::from_value(question).map_err(|error| error.to_string())?;
        let found = ees.discover(&question).await.map_err(|error| error.to_string())?;
        let fits = |at: &str| at != self.root;
        let target = found
            .discovered_eas
            .iter()
            .filter(|found| found.eas.supports(&self.scenario.acr))
            .find(|found| fits(&url_of(&found.eas.end_pt)))
            .ok_or("no T-EAS was found")?;
        for milestone in [Milestone::Provisioned, Milestone::TEasFound, Milestone::TEasSelected] {
            track.recorder.reach(milestone);
        }
        let to = url_of(&target.eas.end_pt);
        track.witness.see(|sights| sights.declared.push(to.clone()));
        let declaration = json!({
            "ueId": ue, "acId": self.ac_of(ue).await, "tEasId": self.eas_id, "tEasEndpoint": target.eas.end_pt,
        });
        let declaration = serde_json::from_value(declaration).map_err(|error| error.to_string())?;
        ees.declare(&declaration).await.map_err(|error| error.to_string())?;
        track.recorder.reach(Milestone::InitAck);
        track.recorder.reach(Milestone::ActStart);
        let good = self.hand_over(ue, &to).await.is_ok();
        self.report(ue, &to, good).await;
        match good {
            true => Ok(()),
            false => Err("the T-EAS does not take the context".to_owned()),
        }
    }

    /// Leaves the relocation to the enabler layer: the context goes to a place from which the T-EAS takes it (clause 8.8.3.6).
    async fn leave_to_the_ees(self: &Arc<Self>, ue: &str, track: &Track, dnai: Option<&Dnai>) -> Result<(), String> {
        let ees = self.ees(track, Part::SEas).ok_or("it has no EES")?;
        let there = self
            .scenario
            .edn
            .iter()
            .find(|edn| dnai.is_some_and(|dnai| edn.dnais.contains(dnai)));
        let tais: Vec<_> = there
            .iter()
            .flat_map(|edn| &edn.tais)
            .map(crate::configuration::Tai::on_the_wire)
            .collect();
        let mut like = json!({});
        if !tais.is_empty() {
            like["svcArea"] = json!({"nwAreaInfo": {"tais": tais}});
        }
        let request = json!({"ueId": ue, "easCharacs": [like]});
        let request = serde_json::from_value(request).map_err(|error| error.to_string())?;
        let place = ees
            .leave_relocation(&request)
            .await
            .map_err(|error| error.to_string())?;
        track.recorder.reach(Milestone::InitAck);
        let place = place.ok_or("the EES told no place for the context")?;
        let session = self.session(ue);
        let mut session = session.lock().await;
        let context = session.context.clone().ok_or("there is no context")?;
        // From here on it does not change: what the T-EAS takes is the whole of it.
        session.frozen = true;
        let bytes = serde_json::to_vec(&context).map_err(|error| error.to_string())?;
        track.witness.see(|sights| sights.stored = Some(bytes.clone()));
        ees.store(&place, Bytes::from(bytes))
            .await
            .map_err(|error| error.to_string())
    }

    /// Takes a context from where the EES says that it lies.
    async fn take(self: &Arc<Self>, ue: &str, place: &str) -> Result<(), String> {
        let track = self.track(ue).ok_or("the UE is unknown")?;
        if self.full.load(Ordering::SeqCst) {
            return Err("this server is full".to_owned());
        }
        let session = self.session(ue);
        let mut session = session.lock().await;
        if session.context.is_some() {
            return Ok(());
        }
        let parts = (Part::TEas, Part::SEes);
        let ees = edge3::Ees(Caller::new(self.to_ees.clone(), &track.recorder, parts, "EDGE-3", ""));
        let mut again = FETCHES;
        let bytes = loop {
            match ees.stored(place).await {
                // An EES that is away comes back.
                Err(failed) if failed.error.status().is_none() && again > 0 => {
                    again -= 1;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                fetched => break fetched.map_err(|error| error.to_string())?,
            }
        };
        track.witness.see(|sights| sights.taken = Some(bytes.to_vec()));
        let mut context: Context = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
        // Who reports names where it came from.
        place.clone_into(&mut context.from);
        self.arrived(ue, &mut session, context);
        Ok(())
    }

    /// Fetches a context from the server that serves until now (TS 23.558 clause 8.8.2.6).
    async fn pull(self: &Arc<Self>, ue: &str, from: &str) -> Result<(), String> {
        let track = self.track(ue).ok_or("the UE is unknown")?;
        if self.full.load(Ordering::SeqCst) {
            return Err("this server is full".to_owned());
        }
        let session = self.session(ue);
        let mut session = session.lock().await;
        if session.context.is_some() {
            return Ok(());
        }
        let other = Caller::new(
            self.others.clone(),
            &track.recorder,
            (Part::TEas, Part::SEas),
            "app",
            from,
        );
        let path = format!("/sessions/{}/copy", segment(ue));
        let wanted = Destination { to: self.root.clone() };
        let fetched = other.ask(TRANSFER, Method::POST, &path, Some(&wanted)).await;
        let (context, _): (Context, _) = fetched.map_err(|error| error.to_string())?;
        self.arrived(ue, &mut session, context);
        Ok(())
    }

    /// Copies a context to another server and carries changes over from now on.
    async fn hand_over(&self, ue: &str, to: &str) -> Result<(), String> {
        let track = self.track(ue).ok_or("the UE is unknown")?;
        let session = self.session(ue);
        let mut session = session.lock().await;
        if session.mirror.as_deref() == Some(to) {
            // Told twice: notifications are delivered at least once.
            return Ok(());
        }
        let other = Caller::new(
            self.others.clone(),
            &track.recorder,
            (Part::SEas, Part::TEas),
            "app",
            to,
        );
        let path = format!("/sessions/{}", segment(ue));
        let context = session.context.as_ref().ok_or("there is no context")?;
        let handed = other.call(TRANSFER, Method::PUT, &path, Some(context)).await;
        handed.map_err(|error| error.to_string())?;
        session.mirror = Some(to.to_owned());
        Ok(())
    }

    /// Tells the EES how the transfer went, where EESs have a part in it.
    async fn report(&self, ue: &str, other: &str, good: bool) {
        if self.scenario.acr == AcrScenario::EecInitiated {
            return;
        }
        let Some((track, part)) = self
            .track(ue)
            .and_then(|track| Some((track.clone(), track.part_of(&self.instance)?)))
        else {
            return;
        };
        // In the cloud nobody asks how it went.
        let Some(ees) = self.ees(&track, part) else { return };
        let result = if good {
            json!({"actResult": "SUCCESSFUL"})
        } else {
            json!({"actResult": "FAILED", "actFailureCause": "OTHER"})
        };
        let mut report = json!({"easId": self.eas_id, "acId": track.ac, "actResultInfo": result});
        report["actResultInfo"]["ueId"] = json!(ue);
        report["actResultInfo"]["easEndPoint"] = json!({"uri": other});
        let mut taken = false;
        if let Ok(report) = serde_json::from_value::<AcrUpdateData>(report) {
            for _ in 0..REPORTS {
                match ees.report_status(&report).await {
                    Ok(()) => taken = true,
                    // An EES that is away comes back.
                    Err(failed) if failed.error.status().is_none() => {
                        tokio::time::sleep(Duration::from_secs(1)).await;
                        continue;
                    }
                    Err(_) => {}
                }
                break;
            }
        }
        let at = track.recorder.now();
        track.witness.see(|sights| {
            sights.reported.push(Reported { at, eas: part, taken });
        });
    }
}
