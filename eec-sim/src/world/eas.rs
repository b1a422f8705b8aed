//! An application server: it keeps one context per UE, answers numbered requests, and hands contexts over.
//!
//! A hand-over copies the context and from then on carries every change over before it is answered, until the client leaves: the
//! application goes on at either server without a break. The client's first request makes the new copy the one that counts.

use super::served::Served;
use crate::{
    call::{Caller, Failed, NOTHING, PATIENCE, client, segment, url_of},
    edge3,
    pki::Pki,
    record::{Message, Part, Recorder, Seen},
    scenario::{Scenario, Site},
    witness::{Arrived, Reported, Told, Witness},
};
use axum::{
    Json, Router,
    extract::State,
    http::Method,
    routing::{post, put},
};
use edgeapp_core::{authorizer::ReferencePoint, error::Error, principal::Role};
use edgeapp_http::{
    client::HttpClient,
    problem::Problem,
    reply::{Found, NoContent},
    request::{Body, PathId, Permit},
    tls::TlsError,
};
use edgeapp_openapi::{
    acr_management_event::{AcrMgntEvent, AcrMgntEventReport, AcrMgntEventsNotification, ActStatus, TargetUeIdentification},
    acr_status_update::AcrUpdateData,
    ids::EasId,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    collections::{BTreeMap, hash_map::RandomState},
    hash::BuildHasher,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::Mutex as AsyncMutex;

edgeapp_core::operation!(
    Ask = "chess:ask@eec",
    HandOver = "chess:hand-over@eec",
    Leave = "chess:leave@eec",
    Receive = "chess:receive@eas",
    Notify = "chess:notify@ees",
);

/// Application clients come with their UE's certificate, other servers with theirs, and EESs to notify.
const CALLERS: [ReferencePoint; 3] = [ReferencePoint::Edge1, ReferencePoint::Edge3, ReferencePoint::Edge9];

/// Why an application server cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum NoEas {
    /// Its certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// It cannot listen.
    #[error("an EAS cannot listen: {0}")]
    Listen(#[from] io::Error),
    /// Its EES does not want it.
    #[error(transparent)]
    Refused(#[from] Failed),
    /// What it would tell cannot be said.
    #[error("a message cannot be made: {0}")]
    Message(#[from] serde_json::Error),
}

/// A numbered request of the application.
#[derive(Debug, Serialize, Deserialize)]
pub struct Numbered {
    /// Its number.
    pub number: u64,
}

/// The answer to it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answered {
    /// The number of the request.
    pub number: u64,
    /// The instance that answers.
    pub instance: String,
    /// The counter in the context, raised by one with every request.
    pub counter: u64,
}

/// Where a context is to go.
#[derive(Debug, Serialize, Deserialize)]
pub struct Destination {
    /// The other server.
    pub to: String,
}

/// A context on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Context {
    counter: u64,
    /// A random number that tells contexts apart.
    origin: String,
    /// The server it comes from.
    from: String,
    /// The application client, where the EES told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ac: Option<String>,
}

#[derive(Default)]
struct Session {
    /// `None` when no context is here.
    context: Option<Context>,
    /// Where changes are carried over to.
    mirror: Option<String>,
    /// The client has been here.
    serving: bool,
}

struct Played {
    part: Part,
    instance: String,
    eas_id: EasId,
    root: String,
    /// Whether it reports transfers to its EES.
    reports: bool,
    recorder: Arc<Recorder>,
    witness: Arc<Witness>,
    others: HttpClient,
    ees: edge3::Ees,
    sessions: Mutex<BTreeMap<String, Arc<AsyncMutex<Session>>>>,
}

/// An application server that runs and is registered.
pub struct Eas {
    /// Its URL.
    pub root: String,
    served: Served,
    ees: edge3::Ees,
    registration: String,
    subscription: String,
}

impl Eas {
    /// Starts it, registers it at its EES and subscribes to what it has to know.
    ///
    /// # Errors
    /// When one of this fails.
    pub async fn start(
        (part, its_ees): (Part, Part),
        scenario: &Scenario,
        site: Site<'_>,
        (pki, edge3_root): (&Pki, &str),
        (recorder, witness): (&Arc<Recorder>, &Arc<Witness>),
        reports: bool,
    ) -> Result<Self, NoEas> {
        let files = pki.files(&site.eas.certificate);
        let identity = files.identity()?;
        let to_ees = client(&identity, &pki.trust(Role::Ees)?, PATIENCE)?;
        let ees = edge3::Ees(Caller::new(to_ees, recorder, (part, its_ees), "EDGE-3", edge3_root));
        let others = client(&identity, &pki.trust(Role::Eas)?, PATIENCE)?;
        let router = |root: &str| {
            Router::new()
                .route("/sessions/{ue}", put(receive).delete(leave))
                .route("/sessions/{ue}/requests", post(ask))
                .route("/sessions/{ue}/hand-over", post(hand_over))
                .route("/notifications", post(notified))
                .with_state(Arc::new(Played {
                    part,
                    instance: site.eas.instance.clone(),
                    eas_id: site.eas.eas_id.clone(),
                    root: root.to_owned(),
                    reports,
                    recorder: recorder.clone(),
                    witness: witness.clone(),
                    others,
                    ees: ees.clone(),
                    sessions: Mutex::default(),
                }))
        };
        let served = Served::on_loopback(&files, pki, &CALLERS, router).await?;
        let root = served.root.clone();
        let tais: Vec<_> = site.edn.tais.iter().map(crate::configuration::Tai::on_the_wire).collect();
        let places: Vec<_> =
            site.edn.dnais.iter().map(|dnai| json!({"dnai": dnai, "routeProfId": "internet"})).collect();
        let registration = ees
            .register(&serde_json::from_value(json!({"easProf": {
                "easId": site.eas.eas_id, "endPt": {"uri": root}, "acIds": [scenario.ac.ac_id],
                "provId": crate::pki::CHESS_PROVIDER, "svcArea": {"topServAr": {"tais": tais}}, "appLocs": places,
                "svcContSupp": site.eas.svc_cont_supp, "svcKpi": {"maxReqRate": 1000, "maxRespTime": 20, "avail": 99},
            }}))?)
            .await?;
        let subscription = ees
            .subscribe(&serde_json::from_value(json!({
                "easId": site.eas.eas_id, "eventSubscs": [{"event": "ACT_START_STOP"}],
                "notificationDestination": format!("{root}/notifications"),
            }))?)
            .await?;
        Ok(Self { root, served, ees, registration, subscription })
    }

    /// Takes its subscription and registration back.
    ///
    /// # Errors
    /// When its EES refuses.
    pub async fn stop(self) -> Result<(), Failed> {
        self.ees.unsubscribe(&self.subscription).await?;
        self.ees.deregister(&self.registration).await?;
        drop(self.served);
        Ok(())
    }
}

type Here = State<Arc<Played>>;

/// A numbered request of the application client.
async fn ask(
    State(eas): Here,
    _: Permit<Ask>,
    PathId(ue): PathId<String>,
    Json(request): Json<Numbered>,
) -> Result<Found<Answered>, Problem> {
    let session = eas.session(&ue);
    let mut session = session.lock().await;
    let mut context = match &session.context {
        Some(context) => context.clone(),
        None => {
            let origin = format!("{:016x}", RandomState::new().hash_one(request.number));
            Context { counter: 0, origin, from: eas.root.clone(), ac: None }
        }
    };
    context.counter += 1;
    context.from.clone_from(&eas.root);
    if let Some(to) = &session.mirror {
        let path = format!("{to}/sessions/{}", segment(&ue));
        // Not answered before the other server has it: a change that was answered must not be lost.
        let carried = eas.others.call(Method::PUT, &path, Some(&context)).await;
        carried.map_err(|error| Error::unavailable(format!("the other server does not take the change: {error}")))?;
        eas.witness.see(|sights| sights.mirrored += 1);
    }
    let (counter, first) = (context.counter, !session.serving || session.context.is_none());
    let origin = context.origin.clone();
    if session.context.is_none() {
        eas.witness.see(|sights| {
            sights.made.get_or_insert_with(|| origin.clone());
        });
    }
    session.context = Some(context);
    session.serving = true;
    if first {
        eas.witness.see(|sights| {
            sights.holders.insert(eas.part, origin);
        });
    }
    Ok(Found(Answered { number: request.number, instance: eas.instance.clone(), counter }))
}

/// The application client asks for its context to be handed over.
async fn hand_over(
    State(eas): Here,
    _: Permit<HandOver>,
    PathId(ue): PathId<String>,
    Json(destination): Json<Destination>,
) -> Result<NoContent, Problem> {
    let handed = eas.hand_over(&ue, None, &destination.to).await;
    handed.map_err(|error| Error::unavailable(format!("the other server does not take the context: {error}")))?;
    Ok(NoContent)
}

/// The application client has left: its context is not needed here any more.
async fn leave(State(eas): Here, _: Permit<Leave>, PathId(ue): PathId<String>) -> NoContent {
    eas.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(&ue);
    eas.witness.see(|sights| {
        sights.holders.remove(&eas.part);
    });
    NoContent
}

/// Another server hands a context over, or a change to one.
async fn receive(
    State(eas): Here,
    _: Permit<Receive>,
    PathId(ue): PathId<String>,
    Json(context): Json<Context>,
) -> Result<NoContent, Problem> {
    let session = eas.session(&ue);
    let mut session = session.lock().await;
    if session.serving {
        return Err(Error::unavailable("the client is here already").into());
    }
    let first = session.context.is_none();
    let (origin, from, ac) = (context.origin.clone(), context.from.clone(), context.ac.clone());
    session.context = Some(context);
    if first {
        let at = eas.recorder.now();
        eas.recorder.reach_at(crate::milestone::Milestone::ActDone, at);
        eas.witness.see(|sights| {
            sights.arrived.push(Arrived { at, eas: eas.part, origin: origin.clone() });
            sights.holders.insert(eas.part, origin);
        });
        if eas.reports {
            tokio::spawn(async move { eas.report((&ue, ac.as_deref()), &from, true).await });
        }
    }
    Ok(NoContent)
}

/// The EES tells what is to be known about relocations.
async fn notified(
    State(eas): Here,
    permit: Permit<Notify>,
    Body(notification): Body<AcrMgntEventsNotification>,
) -> NoContent {
    let at = eas.recorder.now();
    tracing::debug!(from = permit.principal().id(), "notified");
    for report in notification.event_reports.into_iter().filter(|report| report.event == AcrMgntEvent::ActStartStop) {
        eas.act(at, &report);
    }
    NoContent
}

impl Played {
    fn session(&self, ue: &str) -> Arc<AsyncMutex<Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).entry(ue.to_owned()).or_default().clone()
    }

    /// Does what an order to start or stop says.
    fn act(self: &Arc<Self>, at: Duration, report: &AcrMgntEventReport) {
        let status = report.act_status.as_ref().map(ToString::to_string).unwrap_or_default();
        let ue = match &report.ue_id {
            Some(TargetUeIdentification::Gpsi(gpsi)) => Some(gpsi.to_string()),
            _ => None,
        };
        let to = report.end_point_url();
        let from = if self.part == Part::SEas { Part::SEes } else { Part::TEes };
        self.recorder.message(Message {
            at,
            took: self.recorder.now().saturating_sub(at),
            from,
            to: self.part,
            point: "EDGE-3",
            operation: format!("Notification: {status}"),
            method: "POST".to_owned(),
            path: "/notifications".to_owned(),
            status: Some(204),
            error: None,
            seen: Seen::AtAnEnd,
        });
        let start = report.act_status == Some(ActStatus::ActStart);
        if start {
            self.recorder.reach_at(crate::milestone::Milestone::ActStart, at);
        }
        let ac = report.ac_id.as_ref().map(ToString::to_string);
        self.witness.see(|sights| {
            sights.told.push(Told { at, eas: self.part, status, end_point: to.clone(), ue: ue.clone(), ac: ac.clone() });
        });
        if let (true, Some(ue), Some(to)) = (start, ue, to) {
            let eas = self.clone();
            tokio::spawn(async move {
                let good = eas.hand_over(&ue, ac.as_deref(), &to).await.is_ok();
                eas.report((&ue, ac.as_deref()), &to, good).await;
            });
        }
    }

    /// Copies a context to another server and carries changes over from now on.
    async fn hand_over(&self, ue: &str, ac: Option<&str>, to: &str) -> Result<(), Failed> {
        let session = self.session(ue);
        let mut session = session.lock().await;
        if session.mirror.as_deref() == Some(to) {
            // Told twice: notifications are delivered at least once.
            return Ok(());
        }
        let other = Caller::new(self.others.clone(), &self.recorder, (self.part, Part::TEas), "app", to);
        let path = format!("/sessions/{}", segment(ue));
        match &mut session.context {
            Some(context) => {
                context.ac = ac.map(str::to_owned);
                other.call("Application context transfer", Method::PUT, &path, Some(&*context)).await?
            }
            None => return Err(other.unexpected("Application context transfer", Method::PUT, &path, "there is no context")),
        };
        session.mirror = Some(to.to_owned());
        Ok(())
    }

    /// Tells the EES how the transfer went.
    async fn report(&self, (ue, ac): (&str, Option<&str>), other: &str, good: bool) {
        let result = if good { json!({"actResult": "SUCCESSFUL"}) } else { json!({"actResult": "FAILED", "actFailureCause": "OTHER"}) };
        let mut report = json!({"easId": self.eas_id, "actResultInfo": result});
        if let Some(ac) = ac {
            report["acId"] = json!(ac);
        }
        report["actResultInfo"]["ueId"] = json!(ue);
        report["actResultInfo"]["easEndPoint"] = json!({"uri": other});
        let taken = match serde_json::from_value::<AcrUpdateData>(report) {
            Ok(report) => self.ees.report_status(&report).await.is_ok(),
            Err(_) => false,
        };
        let at = self.recorder.now();
        self.witness.see(|sights| sights.reported.push(Reported { at, eas: self.part, taken }));
    }
}

/// The other server that a report names.
trait OtherEnd {
    fn end_point_url(&self) -> Option<String>;
}

impl OtherEnd for AcrMgntEventReport {
    fn end_point_url(&self) -> Option<String> {
        self.eas_end_point.as_ref().map(url_of)
    }
}

/// What an application client asks of an application server.
#[derive(Clone)]
pub struct Application {
    caller: Caller,
    ue: String,
}

impl Application {
    /// The application's own way to a server.
    pub fn new(caller: Caller, ue: &str) -> Self {
        Self { caller, ue: segment(ue) }
    }

    /// Asks for the context to be handed over to another server.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn hand_over(&self, to: &str) -> Result<(), Failed> {
        let path = format!("/sessions/{}/hand-over", self.ue);
        let destination = Destination { to: to.to_owned() };
        self.caller.call("Hand the game over", Method::POST, &path, Some(&destination)).await.map(|_| ())
    }

    /// Leaves: the server forgets the context.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn leave(&self) -> Result<(), Failed> {
        let path = format!("/sessions/{}", self.ue);
        self.caller.call("Leave the game server", Method::DELETE, &path, NOTHING).await.map(|_| ())
    }
}
