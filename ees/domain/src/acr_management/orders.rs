//! What relocations tell EASs: the start and stop of transfers, the scenarios that were selected. Somebody waits for what these lead to:
//! they are never held back and know no period. How many there may be is counted when they have been delivered.

use super::{
    filed::{AcrManagementSubscribers, Want},
    rules::{needs_user_plane, rules_of},
    state::{State, ends_at},
};
use crate::{
    acr::AcrRef,
    eas,
    event::{Event, Notification},
    reporting, ue_identifier,
};
use edgeapp_core::{
    collection::Resource,
    error::Error,
    kept::Kept,
    outbox::{Task, Todo},
    principal::Owner,
    room::{Decision, Room, contended},
    store::Key,
};
use edgeapp_openapi::{
    acr_management_event::{
        AcrMgntEvent, AcrMgntEventFilter, AcrMgntEventReport, AcrMgntEventSubsc, AcrMgntEventsNotification,
        AcrMgntEventsSubscription, TargetUeIdentification,
    },
    common::{DateTime, NotificationMethod},
    eas_registration::EndPoint,
    ids::{EasId, Gpsi, SubscriptionId},
};

const PREFIX: &str = <AcrMgntEventsSubscription as Resource<crate::Ees>>::PREFIX;

/// Whom a report concerns, and how long.
#[derive(Clone, Copy, Debug)]
pub struct Audience<'a> {
    /// The application.
    pub eas_id: &'a EasId,
    /// This instance of it, where that is known; else all.
    pub instance: Option<&'a Owner>,
    /// The UE the report is about.
    pub ue_id: &'a Gpsi,
    /// The relocation that wants to hear how the notification went.
    pub for_acr: Option<&'a AcrRef>,
    /// After this instant nobody has to be told any more.
    pub until: Option<DateTime>,
}

/// A report of this event at this instant that says nothing else yet.
pub fn report(event: AcrMgntEvent, now: DateTime) -> AcrMgntEventReport {
    AcrMgntEventReport {
        event,
        time_stamp: Some(now),
        up_path_chg_info: None,
        eas_end_point: None,
        act_status: None,
        acr_params: None,
        ac_id: None,
        ue_id: None,
        sel_acr_scen: Vec::new(),
        eas_in_bdl_info_list: Vec::new(),
        serv_cont_plan_ind: false,
    }
}

/// Whether a subscription of an EAS for these UEs covers the UE; without a target it covers all.
async fn covers(
    room: &Room,
    eas_id: &EasId,
    target: Option<&TargetUeIdentification>,
    ue: &Gpsi,
) -> Result<bool, Error> {
    Ok(match target {
        None => true,
        Some(TargetUeIdentification::Gpsi(gpsi)) => ue == gpsi,
        Some(TargetUeIdentification::EdgeUeId(id)) => {
            ue_identifier::known_as(room, id, eas_id).await?.as_ref() == Some(ue)
        }
        // Refused when subscribed.
        Some(_) => false,
    })
}

/// Whether a relocation with this peer is of the kind that is wanted: within an edge data network where the peer is registered here too.
async fn is_of_kind(
    room: &Room,
    eas_id: &EasId,
    filter: Option<&AcrMgntEventFilter>,
    peer: Option<&EndPoint>,
) -> Result<bool, Error> {
    let (Some(filter), Some(peer)) = (filter, peer) else {
        return Ok(true);
    };
    Ok((*filter == AcrMgntEventFilter::IntraEdnMobility) == eas::is_here(room, eas_id, peer).await?)
}

/// The notifications with this report to every subscription of its audience that wants such events.
///
/// # Errors
/// When the subscriptions cannot be read.
pub async fn notifications(
    subscribers: &AcrManagementSubscribers,
    to: Audience<'_>,
    report: &AcrMgntEventReport,
) -> Result<Vec<Todo<Notification>>, Error> {
    let wants = [Want::Event(report.event.clone())];
    let mut todos = Vec::new();
    for (key, kept) in subscribers.wanting(to.eas_id, &wants, to.ue_id).await? {
        todos.extend(wanted(subscribers.room(), to, report, &key, &kept).await?);
    }
    Ok(todos)
}

/// The notification with this report to the subscription under `key`, if it is of the audience and wants it.
pub(super) async fn wanted(
    room: &Room,
    to: Audience<'_>,
    report: &AcrMgntEventReport,
    key: &Key,
    kept: &Kept<AcrMgntEventsSubscription>,
) -> Result<Option<Todo<Notification>>, Error> {
    let subscription = &kept.value;
    let of_event = |wanted: &&AcrMgntEventSubsc| wanted.event == report.event;
    let of_instance = to.instance.is_none_or(|instance| *instance == kept.owner);
    // Most want something else, and their state need not be read to know it.
    if !of_instance || !subscription.event_subscs.iter().any(|wanted| of_event(&wanted)) {
        return Ok(None);
    }
    let state = State::read(room, key, subscription).await?;
    let mut is_wanted = false;
    for (wanted, state) in subscription.event_subscs.iter().zip(&state.events) {
        is_wanted |= of_event(&wanted)
            && !state.over
            && ends_at(subscription, wanted).is_none_or(|end| end > room.now())
            && covers(room, to.eas_id, wanted.tgt_ue_id.as_ref(), to.ue_id).await?
            && is_of_kind(
                room,
                to.eas_id,
                wanted.event_filter.as_ref(),
                report.eas_end_point.as_ref(),
            )
            .await?;
    }
    if !is_wanted {
        return Ok(None);
    }
    let task = Task {
        work: notification(key, subscription, vec![report.clone()], to.for_acr.cloned())?,
        guard: Some(key.to_string()),
        until: to.until,
    };
    Ok(Some(Todo {
        lane: key.to_string(),
        task,
    }))
}

/// The notification with these reports for the subscription under `key`.
pub(super) fn notification(
    key: &Key,
    subscription: &AcrMgntEventsSubscription,
    event_reports: Vec<AcrMgntEventReport>,
    for_acr: Option<AcrRef>,
) -> Result<Notification, Error> {
    let id = key.as_str().rsplit('/').next().unwrap_or_default();
    let body = AcrMgntEventsNotification {
        subp_id: SubscriptionId::try_from(id).map_err(Error::internal)?,
        event_reports,
    };
    Ok(Notification {
        destination: subscription.notification_destination.clone(),
        subscription: key.to_string(),
        body: serde_json::to_value(&body).map_err(Error::internal)?,
        for_acr,
    })
}

/// How many orders the options allow: a number of reports, or one.
fn most(subscription: &AcrMgntEventsSubscription, wanted: &AcrMgntEventSubsc) -> Option<u64> {
    let rules = rules_of(subscription, wanted)?;
    let once = (rules.notif_method == Some(NotificationMethod::OneTime)).then_some(1);
    once.into_iter().chain(rules.max_report_nbr).min()
}

/// The events of the orders in a notification; none when it is about something else.
fn ordered(notification: &Notification) -> Vec<AcrMgntEvent> {
    if !notification.subscription.starts_with(PREFIX) {
        return Vec::new();
    }
    let body = serde_json::from_value::<AcrMgntEventsNotification>(notification.body.clone());
    let reports = body.map(|body| body.event_reports).unwrap_or_default();
    let events = reports.into_iter().map(|report| report.event);
    events.filter(|event| !needs_user_plane(event)).collect()
}

/// A notification has been delivered: the orders in it count, and a subscription that has said all it had to ends.
///
/// # Errors
/// When the store fails.
pub async fn delivered(room: &Room, notification: &Notification) -> Result<(), Error> {
    let events = ordered(notification);
    if events.is_empty() {
        return Ok(());
    }
    let key = Key::new(notification.subscription.as_str());
    for mut seen in room.attempts() {
        let Some(kept) = seen.kept::<AcrMgntEventsSubscription>(&key).await? else {
            return Ok(());
        };
        let mut state = State::load(&key, &kept.value, &mut seen).await?;
        let mut counted = false;
        for (wanted, state) in kept.value.event_subscs.iter().zip(&mut state.events) {
            if let Some(most) = most(&kept.value, wanted).filter(|_| events.contains(&wanted.event)) {
                state.progress.sent += 1;
                state.over = state.progress.sent >= most;
                counted = true;
            }
        }
        if !counted {
            return Ok(());
        }
        let decision = if state.is_over() {
            reporting::farewell(Decision::of(()).delete(&key), &key)?
        } else {
            state.keep(Decision::of(()), &key, &kept.value, &mut seen).await?
        };
        if room.commit(seen, decision).await?.is_some() {
            return Ok(());
        }
    }
    Err(contended())
}

/// The event that tells a subscriber, for the last time if so.
pub(super) fn telling(notification: Notification, last: bool) -> Event {
    match last {
        true => Event::TellLast(Box::new(notification)),
        false => Event::Tell(Box::new(notification)),
    }
}
