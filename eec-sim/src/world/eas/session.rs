//! What happens at an application server: requests of its clients, contexts of other servers, orders of its EES.

use super::application::{Answered, Destination, Numbered};
use crate::{
    call::{Caller, Failed, segment, url_of},
    edge3,
    milestone::Milestone,
    record::{Message, Part, Recorder, Seen},
    witness::{Arrived, Located, Reported, Told, Witness},
};
use axum::{
    Json, Router,
    extract::State,
    http::Method,
    routing::{post, put},
};
use edgeapp_core::error::Error;
use edgeapp_http::{
    client::HttpClient,
    problem::Problem,
    reply::{Found, NoContent},
    request::{Body, PathId, Permit},
};
use edgeapp_openapi::{
    acr_management_event::{
        AcrMgntEvent, AcrMgntEventReport, AcrMgntEventsNotification, ActStatus, TargetUeIdentification,
    },
    acr_status_update::AcrUpdateData,
    ids::EasId,
    ue_location::LocationNotification,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    collections::{BTreeMap, hash_map::RandomState},
    hash::BuildHasher,
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

/// What is here of one UE.
#[derive(Default)]
pub(super) struct Session {
    /// `None` when no context is here.
    context: Option<Context>,
    /// Where changes are carried over to.
    mirror: Option<String>,
    /// The client has been here.
    serving: bool,
}

/// An application server at work.
pub(super) struct Played {
    pub(super) part: Part,
    pub(super) instance: String,
    pub(super) eas_id: EasId,
    pub(super) root: String,
    /// Whether it reports transfers to its EES.
    pub(super) reports: bool,
    pub(super) recorder: Arc<Recorder>,
    pub(super) witness: Arc<Witness>,
    pub(super) others: HttpClient,
    pub(super) ees: edge3::Ees,
    pub(super) sessions: Mutex<BTreeMap<String, Arc<AsyncMutex<Session>>>>,
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
            Context {
                counter: 0,
                origin,
                from: eas.root.clone(),
                ac: None,
            }
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
    Ok(Found(Answered {
        number: request.number,
        instance: eas.instance.clone(),
        counter,
    }))
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
        eas.recorder.reach_at(Milestone::ActDone, at);
        eas.witness.see(|sights| {
            sights.arrived.push(Arrived {
                at,
                eas: eas.part,
                origin: origin.clone(),
            });
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
    for report in notification
        .event_reports
        .into_iter()
        .filter(|report| report.event == AcrMgntEvent::ActStartStop)
    {
        eas.act(at, &report);
    }
    NoContent
}

/// The EES tells where the UE is.
async fn located(State(eas): Here, _: Permit<Notify>, Body(notification): Body<LocationNotification>) -> NoContent {
    let at = eas.recorder.now();
    for event in notification.loc_evs {
        let info = event.loc_inf.as_ref();
        let cell = info.and_then(|info| info.cell_id.clone()).unwrap_or_default();
        eas.recorder.message(Message {
            at,
            took: eas.recorder.now().saturating_sub(at),
            from: eas.its_ees(),
            to: eas.part,
            point: "EDGE-3",
            operation: format!("Notification: UE in cell {cell}"),
            method: "POST".to_owned(),
            path: "/locations".to_owned(),
            status: Some(204),
            error: None,
            seen: Seen::AtAnEnd,
        });
        let ue = event.ue_id.to_string();
        eas.witness.see(|sights| {
            sights.located.push(Located {
                at,
                eas: eas.part,
                ue,
                cell,
            });
        });
    }
    NoContent
}

impl Played {
    /// What it serves.
    pub(super) fn routes(self) -> Router {
        Router::new()
            .route("/sessions/{ue}", put(receive).delete(leave))
            .route("/sessions/{ue}/requests", post(ask))
            .route("/sessions/{ue}/hand-over", post(hand_over))
            .route("/notifications", post(notified))
            .route("/locations", post(located))
            .with_state(Arc::new(self))
    }

    fn session(&self, ue: &str) -> Arc<AsyncMutex<Session>> {
        self.sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(ue.to_owned())
            .or_default()
            .clone()
    }

    fn its_ees(&self) -> Part {
        if self.part == Part::SEas {
            Part::SEes
        } else {
            Part::TEes
        }
    }

    /// Does what an order to start or stop says.
    fn act(self: &Arc<Self>, at: Duration, report: &AcrMgntEventReport) {
        let status = report.act_status.as_ref().map(ToString::to_string).unwrap_or_default();
        let ue = match &report.ue_id {
            Some(TargetUeIdentification::Gpsi(gpsi)) => Some(gpsi.to_string()),
            _ => None,
        };
        let to = report.eas_end_point.as_ref().map(url_of);
        self.recorder.message(Message {
            at,
            took: self.recorder.now().saturating_sub(at),
            from: self.its_ees(),
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
            self.recorder.reach_at(Milestone::ActStart, at);
        }
        let ac = report.ac_id.as_ref().map(ToString::to_string);
        self.witness.see(|sights| {
            sights.told.push(Told {
                at,
                eas: self.part,
                status,
                end_point: to.clone(),
                ue: ue.clone(),
                ac: ac.clone(),
            });
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
                other
                    .call("Application context transfer", Method::PUT, &path, Some(&*context))
                    .await?
            }
            None => {
                return Err(other.unexpected(
                    "Application context transfer",
                    Method::PUT,
                    &path,
                    "there is no context",
                ));
            }
        };
        session.mirror = Some(to.to_owned());
        Ok(())
    }

    /// Tells the EES how the transfer went.
    async fn report(&self, (ue, ac): (&str, Option<&str>), other: &str, good: bool) {
        let result = if good {
            json!({"actResult": "SUCCESSFUL"})
        } else {
            json!({"actResult": "FAILED", "actFailureCause": "OTHER"})
        };
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
        self.witness.see(|sights| {
            sights.reported.push(Reported {
                at,
                eas: self.part,
                taken,
            })
        });
    }
}
