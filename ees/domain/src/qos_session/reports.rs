//! What the core reports of sessions, told to their EASs.

use crate::{
    Ees,
    core_links::{By, Heard, Holder, tokens_of},
    event::{Event, Notification},
    reporting::progress_key,
};
use async_trait::async_trait;
use bytes::Bytes;
use edgeapp_core::{
    collection::Resource,
    error::Error,
    network::{Asked, CoreReport},
    room::{Decision, Room, Seen},
    store::Key,
};
use edgeapp_openapi::{
    common::DateTime,
    session_with_qos::{SessionWithQos, UserPlaneEvent, UserPlaneEventNotification, UserPlaneEventReport},
};
use jiff::SignedDuration;

/// Seconds for which the last notification of a session is tried.
const TRIED: i64 = 86_400;

/// Hears of sessions, for [`crate::core_links::CoreLinks`].
pub struct QosReports(Room);

impl QosReports {
    /// Reports to the sessions in this room.
    pub fn new(room: Room) -> Self {
        Self(room)
    }
}

#[async_trait]
impl Holder for QosReports {
    fn prefix(&self) -> &'static str {
        <SessionWithQos as Resource<Ees>>::PREFIX
    }

    async fn heard(&self, key: &Key, _: By<'_>, heard: Heard<'_>, seen: &mut Seen) -> Result<Decision<()>, Error> {
        match heard {
            Heard::Report(CoreReport::Qos(reports)) => {
                let Some(session) = running(key, seen).await? else {
                    return Ok(Decision::of(()));
                };
                let decision = told_of(Decision::of(()), key, &session, reports.clone())?;
                if reports
                    .iter()
                    .any(|report| report.event == UserPlaneEvent::SessionTermination)
                {
                    return ended(decision, key, &self.0).await;
                }
                Ok(decision)
            }
            Heard::Report(CoreReport::Revoked(_)) => terminated(key, &self.0, seen).await,
            // A session that the core lost is asked for anew by itself: its EAS need not care.
            Heard::Report(_) | Heard::Lost | Heard::Regained => Ok(Decision::of(())),
        }
    }

    /// What was used until the end, for who asked to be told.
    fn farewell(&self, key: &Key, asked: &Asked, reports: &[CoreReport], now: DateTime) -> Result<Decision<()>, Error> {
        let Asked::Qos(session) = asked else {
            return Ok(Decision::of(()));
        };
        let usage = |report: &UserPlaneEventReport| report.event == UserPlaneEvent::UsageReport;
        let mut used = reported_events(reports);
        used.retain(usage);
        match notification(key, session, used)? {
            Some(notification) if session.events.contains(&UserPlaneEvent::UsageReport) => {
                let until = DateTime(now.0 + SignedDuration::from_secs(TRIED));
                Decision::of(()).tell(&Event::Farewell { notification, until })
            }
            _ => Ok(Decision::of(())),
        }
    }
}

/// The session under `key`, if there is one that has not ended.
async fn running(key: &Key, seen: &mut Seen) -> Result<Option<SessionWithQos>, Error> {
    let Some(kept) = seen.kept::<SessionWithQos>(key).await? else {
        return Ok(None);
    };
    Ok(seen.entry(&ended_key(key)).await?.is_none().then_some(kept.value))
}

/// The mark of a session with nothing behind it at the core: how far it has got, like the progress of a subscription, and like that it
/// goes with the session.
pub(super) fn ended_key(key: &Key) -> Key {
    progress_key(key)
}

/// What goes with the end of a session that stays readable: its mark, and the end of what it held at the core.
/// What the EAS asks for anew meanwhile is not among it.
async fn ended(decision: Decision<()>, key: &Key, room: &Room) -> Result<Decision<()>, Error> {
    let links = tokens_of(room, key.as_str()).await?;
    let key_of_session = key.to_string();
    decision
        .put_bytes(&ended_key(key), Bytes::new(), None)
        .tell(&Event::LinksGivenBack {
            key: key_of_session,
            links,
        })
}

/// The end of a session that somebody other than the core wants: its EAS is told once.
pub(super) async fn terminated(key: &Key, room: &Room, seen: &mut Seen) -> Result<Decision<()>, Error> {
    let Some(session) = running(key, seen).await? else {
        return Ok(Decision::of(()));
    };
    let event = serde_json::json!({"event": UserPlaneEvent::SessionTermination});
    let report: UserPlaneEventReport = serde_json::from_value(event).map_err(Error::internal)?;
    ended(told_of(Decision::of(()), key, &session, vec![report])?, key, room).await
}

/// Tells the EAS what the core reported in its answer.
pub(super) fn told(
    decision: Decision<()>,
    key: &Key,
    session: &SessionWithQos,
    reported: &[CoreReport],
) -> Result<Decision<()>, Error> {
    told_of(decision, key, session, reported_events(reported))
}

fn reported_events(reported: &[CoreReport]) -> Vec<UserPlaneEventReport> {
    let events = reported.iter().filter_map(|report| match report {
        CoreReport::Qos(reports) => Some(reports.clone()),
        _ => None,
    });
    events.flatten().collect()
}

fn told_of(
    decision: Decision<()>,
    key: &Key,
    session: &SessionWithQos,
    event_reports: Vec<UserPlaneEventReport>,
) -> Result<Decision<()>, Error> {
    match notification(key, session, event_reports)? {
        Some(notification) => decision.tell(&Event::Tell(notification)),
        None => Ok(decision),
    }
}

/// The notification of these events, if there are any and somebody hears them.
fn notification(
    key: &Key,
    session: &SessionWithQos,
    event_reports: Vec<UserPlaneEventReport>,
) -> Result<Option<Box<Notification>>, Error> {
    let destination = session.notification_destination.clone();
    let Some(destination) = destination.filter(|_| !event_reports.is_empty()) else {
        return Ok(None);
    };
    let session_id = key.as_str().rsplit('/').next().unwrap_or_default().to_owned();
    let body = UserPlaneEventNotification {
        session_id,
        event_reports,
    };
    Ok(Some(Box::new(Notification {
        destination,
        subscription: key.to_string(),
        body: serde_json::to_value(&body).map_err(Error::internal)?,
        for_acr: None,
    })))
}
