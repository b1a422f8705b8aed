//! Subscriptions of EASs to what they have to know about relocations (TS 29.558 clause 5.8).

use crate::{
    Ees,
    acr::AcrRef,
    ending::folder,
    event::{Event, Notification},
};
use async_trait::async_trait;
use edgeapp_core::{
    callback::CallbackRule,
    clock::Lifetimes,
    collection::{Change, Collection, Resource, key_of},
    error::{Cause, Error},
    kept::Kept,
    outbox::{Task, Todo},
    patch::PatchRules,
    principal::{Owner, Principal},
    room::{Decision, Room, Seen},
    store::Span,
};
use edgeapp_openapi::{
    acr_management_event::{
        AcrMgntEvent, AcrMgntEventFailureCode, AcrMgntEventReport, AcrMgntEventsNotification,
        AcrMgntEventsSubscription, AvailabilityNotif, AvailabilityStatus, FailureAcrMgntEventInfo,
        TargetUeIdentification,
    },
    common::{DateTime, SupportedFeatures, Uri},
    ids::{EasId, Gpsi, SubscriptionId},
};

/// Features of this API (TS 29.558 clause 8.6.7): 1 Notification_test_event, 3 EdgeApp_2.
const FEATURES: SupportedFeatures = edgeapp_openapi::features::acr_management_event::SERVED;

impl Resource<Ees> for AcrMgntEventsSubscription {
    const PREFIX: &'static str = "acr-management-subscription/";
    const PATCH: PatchRules = PatchRules {
        changeable: &["eventSubscs", "evtReq", "notificationDestination"],
        clearable: &["evtReq"],
        fixed: &[
            "easId",
            "self",
            "suppFeat",
            "requestTestNotification",
            "websockNotifConfig",
        ],
    };

    fn not_found() -> Error {
        Error::subscription_not_found()
    }

    fn expiry(&mut self) -> Option<&mut Option<DateTime>> {
        None
    }

    fn may_become(&self, next: &Self) -> Result<(), Error> {
        if next.eas_id == self.eas_id {
            Ok(())
        } else {
            Err(Error::not_changeable("/easId"))
        }
    }

    fn folder(owner: &Principal) -> String {
        folder(owner.id())
    }
}

/// What an EES does for EASs that want to hear of relocations.
#[async_trait]
pub trait AcrManagementSubscriptions: Send + Sync {
    /// Keeps a new subscription; `uri_of` makes its absolute URI out of its id. Events that cannot be watched without a core network
    /// are reported in `failEventReports`.
    ///
    /// # Errors
    /// When it is not the caller's EASID, an event or a combination is not possible, or the callback address is not allowed;
    /// [`Cause::MonitoringNotAvailable`] when none of the events can be watched.
    async fn subscribe(
        &self,
        principal: &Principal,
        request: AcrMgntEventsSubscription,
        uri_of: &(dyn for<'a> Fn(&'a str) -> String + Send + Sync),
    ) -> Result<(String, AcrMgntEventsSubscription), Error>;

    /// All subscriptions of the caller.
    ///
    /// # Errors
    /// When the store fails.
    async fn all(&self, principal: &Principal) -> Result<Vec<AcrMgntEventsSubscription>, Error>;

    /// One subscription.
    ///
    /// # Errors
    /// 404 when it is not there or somebody else's.
    async fn read(&self, principal: &Principal, id: &str) -> Result<AcrMgntEventsSubscription, Error>;

    /// Replaces or patches a subscription.
    ///
    /// # Errors
    /// As for a new one; 404 for a stranger's. Nothing has changed then.
    async fn change(
        &self,
        principal: &Principal,
        id: &str,
        change: Change<AcrMgntEventsSubscription>,
    ) -> Result<AcrMgntEventsSubscription, Error>;

    /// Ends a subscription; nothing is sent to it from then on.
    ///
    /// # Errors
    /// 404 when it is not there or somebody else's.
    async fn unsubscribe(&self, principal: &Principal, id: &str) -> Result<(), Error>;
}

/// The service behind [`AcrManagementSubscriptions`].
pub struct AcrManagementService {
    kept: Collection<AcrMgntEventsSubscription, Ees>,
    callbacks: CallbackRule,
}

/// Subscriptions of this API carry no expiry of their own.
const FOR_EVER: Lifetimes = Lifetimes {
    max: None,
    default: None,
};

impl AcrManagementService {
    /// A service over this room.
    pub fn new(room: Room, callbacks: CallbackRule) -> Self {
        Self {
            kept: Collection::new(room, FOR_EVER),
            callbacks,
        }
    }

    fn acceptable(&self, principal: &Principal, subscription: &AcrMgntEventsSubscription) -> Result<(), Error> {
        if !principal.is_eas(&subscription.eas_id) {
            return Err(Error::not_yours("/easId", "EASID"));
        }
        for (n, wanted) in subscription.event_subscs.iter().enumerate() {
            let at = |member: &str| format!("/eventSubscs/{n}/{member}");
            if matches!(wanted.event, AcrMgntEvent::Other(_)) {
                let known: Vec<&str> = AcrMgntEvent::KNOWN.iter().map(AcrMgntEvent::as_str).collect();
                return Err(Error::mandatory_incorrect(
                    at("event"),
                    format!("is not served here; served are {}", known.join(", ")),
                ));
            }
            if wanted.eas_ack_ind && wanted.event != AcrMgntEvent::UpPathChg {
                return Err(Error::optional_incorrect(
                    at("easAckInd"),
                    "is possible with UP_PATH_CHG only",
                ));
            }
            let continuity = matches!(
                wanted.event,
                AcrMgntEvent::AcrMonitoring | AcrMgntEvent::AcrFacilitation
            );
            if wanted.eas_ack_svc_cont && !continuity {
                return Err(Error::optional_incorrect(
                    at("easAckSvcCont"),
                    "is possible with ACR_MONITORING and ACR_FACILITATION only",
                ));
            }
        }
        self.callbacks
            .check(&subscription.notification_destination, "/notificationDestination")?;
        Ok(())
    }
}

/// Pure: completes a subscription with what the answer reports. Without a core network nobody watches the user plane path.
fn complete(subscription: &mut AcrMgntEventsSubscription) -> Result<(), Error> {
    let needs_user_plane = |event: &AcrMgntEvent| {
        matches!(
            event,
            AcrMgntEvent::UpPathChg | AcrMgntEvent::AcrMonitoring | AcrMgntEvent::AcrFacilitation
        )
    };
    let mut failed: Vec<FailureAcrMgntEventInfo> = Vec::new();
    for wanted in &subscription.event_subscs {
        if needs_user_plane(&wanted.event) && failed.iter().all(|failure| failure.event != wanted.event) {
            failed.push(FailureAcrMgntEventInfo {
                event: wanted.event.clone(),
                failure_code: AcrMgntEventFailureCode::UpPathChangeMonNotAvailable,
            });
        }
    }
    if subscription
        .event_subscs
        .iter()
        .all(|wanted| needs_user_plane(&wanted.event))
    {
        return Err(Error::forbidden(
            Cause::MonitoringNotAvailable,
            "the user plane path cannot be watched: no core network is configured; ACT_START_STOP and ACR_SELECTION are served",
        ));
    }
    subscription.availability_info = (!failed.is_empty()).then_some(AvailabilityNotif {
        availability_status: AvailabilityStatus::NotAvailable,
    });
    subscription.fail_event_reports = failed;
    subscription.event_reports = Vec::new();
    subscription.websock_notif_config = None;
    Ok(())
}

fn negotiate(subscription: &mut AcrMgntEventsSubscription) {
    subscription.supp_feat = subscription.supp_feat.map(|offered| FEATURES.common(&offered));
}

#[async_trait]
impl AcrManagementSubscriptions for AcrManagementService {
    async fn subscribe(
        &self,
        principal: &Principal,
        mut request: AcrMgntEventsSubscription,
        uri_of: &(dyn for<'a> Fn(&'a str) -> String + Send + Sync),
    ) -> Result<(String, AcrMgntEventsSubscription), Error> {
        self.acceptable(principal, &request)?;
        negotiate(&mut request);
        complete(&mut request)?;
        let test = request.request_test_notification && request.supp_feat.is_some_and(|features| features.has(1));
        let also = |id: &str, subscription: &mut AcrMgntEventsSubscription, _: &mut Seen| {
            let uri = uri_of(id);
            subscription.self_uri = Some(uri.parse::<Uri>().map_err(Error::internal)?);
            match test {
                false => Ok(Decision::of(())),
                true => Decision::of(()).tell(&Event::TestAsked {
                    subscription: key_of::<AcrMgntEventsSubscription, Ees>(principal, id).to_string(),
                    uri,
                    destination: subscription.notification_destination.clone(),
                }),
            }
        };
        let (id, made) = self.kept.create(principal, request, also).await?;
        Ok((id, made.value))
    }

    async fn all(&self, principal: &Principal) -> Result<Vec<AcrMgntEventsSubscription>, Error> {
        let prefix = format!("{}{}", AcrMgntEventsSubscription::PREFIX, folder(principal.id()));
        let entries = self.kept.room().store().range(Span::prefix(prefix)).await?.entries;
        let kept: Result<Vec<Kept<AcrMgntEventsSubscription>>, Error> = entries.iter().map(Kept::from_entry).collect();
        Ok(kept?
            .into_iter()
            .filter(|kept| kept.is_of(principal))
            .map(|kept| kept.value)
            .collect())
    }

    async fn read(&self, principal: &Principal, id: &str) -> Result<AcrMgntEventsSubscription, Error> {
        self.kept.read(principal, id).await
    }

    async fn change(
        &self,
        principal: &Principal,
        id: &str,
        change: Change<AcrMgntEventsSubscription>,
    ) -> Result<AcrMgntEventsSubscription, Error> {
        let also = |before: &AcrMgntEventsSubscription, after: &mut AcrMgntEventsSubscription| {
            self.acceptable(principal, after)?;
            match &change {
                Change::Replace(_) => negotiate(after),
                Change::Patch(_) => after.supp_feat = before.supp_feat,
            }
            after.self_uri.clone_from(&before.self_uri);
            complete(after)?;
            Ok(Decision::of(()))
        };
        Ok(self.kept.change(principal, id, &change, also).await?.value)
    }

    async fn unsubscribe(&self, principal: &Principal, id: &str) -> Result<(), Error> {
        self.kept
            .remove(principal, id, |_| Ok(Decision::of(())))
            .await
            .map(|_| ())
    }
}

/// Whether a subscription of this UE identification covers the UE; without one it covers all.
fn covers(target: Option<&TargetUeIdentification>, ue: &Gpsi) -> bool {
    match target {
        None => true,
        Some(TargetUeIdentification::Gpsi(gpsi)) => ue == gpsi,
        // Groups and addresses cannot be told apart without a core network.
        Some(_) => false,
    }
}

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

/// The notifications with this report to every subscription of its audience that wants such events.
///
/// # Errors
/// When the subscriptions cannot be read.
pub async fn notifications(
    room: &Room,
    to: Audience<'_>,
    report: &AcrMgntEventReport,
) -> Result<Vec<Todo<Notification>>, Error> {
    let prefix = format!("{}{}", AcrMgntEventsSubscription::PREFIX, folder(to.eas_id.as_str()));
    let mut todos = Vec::new();
    for entry in room.store().range(Span::prefix(&prefix)).await?.entries {
        let kept = Kept::<AcrMgntEventsSubscription>::from_entry(&entry)?;
        let wanted = |subscribed: &edgeapp_openapi::acr_management_event::AcrMgntEventSubsc| {
            subscribed.event == report.event && covers(subscribed.tgt_ue_id.as_ref(), to.ue_id)
        };
        let other_instance = to.instance.is_some_and(|instance| *instance != kept.owner);
        if other_instance || !kept.value.event_subscs.iter().any(wanted) {
            continue;
        }
        let notification = AcrMgntEventsNotification {
            subp_id: SubscriptionId::try_from(&entry.key.as_str()[prefix.len()..]).map_err(Error::internal)?,
            event_reports: vec![report.clone()],
        };
        let body = serde_json::to_value(&notification).map_err(Error::internal)?;
        let subscription = entry.key.to_string();
        let work = Notification {
            destination: kept.value.notification_destination,
            subscription,
            body,
            for_acr: to.for_acr.cloned(),
        };
        let task = Task {
            work,
            guard: Some(entry.key.to_string()),
            until: to.until,
        };
        todos.push(Todo {
            lane: entry.key.to_string(),
            task,
        });
    }
    Ok(todos)
}

impl AcrManagementService {
    /// Whether notifications may go to this address.
    ///
    /// # Errors
    /// [`Cause::CallbackNotAllowed`], with `pointer` to where it stood.
    pub fn may_call(&self, destination: &Uri, pointer: &str) -> Result<(), Error> {
        self.callbacks.check(destination, pointer).map(|_| ())
    }
}

/// Points subscriptions of an EAS to another address: those named, or all of its own when none is named. Answers with their ids.
///
/// # Errors
/// When the store fails.
pub async fn redirect(
    service: &AcrManagementService,
    principal: &Principal,
    ids: &[SubscriptionId],
    destination: Option<&Uri>,
) -> Result<Vec<SubscriptionId>, Error> {
    let prefix = format!("{}{}", AcrMgntEventsSubscription::PREFIX, folder(principal.id()));
    let mut redirected = Vec::new();
    for entry in service.kept.room().store().range(Span::prefix(&prefix)).await?.entries {
        let id = SubscriptionId::try_from(&entry.key.as_str()[prefix.len()..]).map_err(Error::internal)?;
        let kept = Kept::<AcrMgntEventsSubscription>::from_entry(&entry)?;
        if !kept.is_of(principal) || (!ids.is_empty() && !ids.contains(&id)) {
            continue;
        }
        if let Some(destination) = destination {
            let patch = Change::Patch(serde_json::json!({"notificationDestination": destination}));
            match service
                .kept
                .change(principal, id.as_str(), &patch, |_: &_, _: &mut _| Ok(Decision::of(())))
                .await
            {
                Ok(_) => {}
                // Unsubscribed meanwhile: nothing to redirect.
                Err(error) if error.cause == Cause::SubscriptionNotFound => continue,
                Err(error) => return Err(error),
            }
        }
        redirected.push(id);
    }
    Ok(redirected)
}
