//! Subscriptions of EECs to the course of their relocations (TS 24.558 clause 5.4).

use crate::{
    Ees,
    event::{Event, Notification},
};
use async_trait::async_trait;
use edgeapp_core::{
    callback::CallbackRule,
    clock::Lifetimes,
    collection::{Change, Collection, Resource, key_of},
    error::Error,
    kept::Kept,
    outbox::{Task, Todo},
    patch::PatchRules,
    principal::Principal,
    room::{Decision, Room, Seen},
    store::{Key, Span},
};
use edgeapp_openapi::{
    acr_events::{AcrEventIds, AcrEventsSubscription, AcrInfoNotification},
    common::DateTime,
    ids::{AcId, EasId, EecId, SubscriptionId},
    negotiation::{negotiate, negotiate_again},
};

impl Resource<Ees> for AcrEventsSubscription {
    const PREFIX: &'static str = "acr-events-subscription/";
    const PATCH: PatchRules = PatchRules {
        changeable: &["expTime", "easIds", "eventIds", "notificationDestination"],
        clearable: &[],
        fixed: &[
            "eecId",
            "ueId",
            "acIds",
            "requestTestNotification",
            "websockNotifConfig",
            "suppFeat",
        ],
    };

    fn not_found() -> Error {
        Error::subscription_not_found()
    }

    fn expiry(&mut self) -> Option<&mut Option<DateTime>> {
        Some(&mut self.exp_time)
    }

    fn may_become(&self, next: &Self) -> Result<(), Error> {
        if next.eec_id != self.eec_id {
            return Err(Error::not_changeable("/eecId"));
        }
        if next.ue_id != self.ue_id {
            return Err(Error::not_changeable("/ueId"));
        }
        Ok(())
    }

    fn folder(owner: &Principal) -> String {
        folder(owner.id())
    }
}

fn folder(eec_id: &str) -> String {
    format!("{}/", Key::part(eec_id))
}

/// What an EES does for EECs that want to hear of relocations.
#[async_trait]
pub trait AcrEventsSubscriptions: Send + Sync {
    /// Keeps a new subscription; `uri_of` makes its absolute URI out of its id.
    ///
    /// # Errors
    /// When it is not the caller's EEC or UE, the event is unknown, or the callback address is not allowed.
    async fn subscribe(
        &self,
        principal: &Principal,
        request: AcrEventsSubscription,
        uri_of: &(dyn for<'a> Fn(&'a str) -> String + Send + Sync),
    ) -> Result<(String, AcrEventsSubscription), Error>;

    /// Replaces or patches a subscription.
    ///
    /// # Errors
    /// As for a new one; 404 for a stranger's. Nothing has changed then.
    async fn change(
        &self,
        principal: &Principal,
        id: &str,
        change: Change<AcrEventsSubscription>,
    ) -> Result<AcrEventsSubscription, Error>;

    /// Ends a subscription; nothing is sent to it from then on.
    ///
    /// # Errors
    /// 404 when it is not there or somebody else's.
    async fn unsubscribe(&self, principal: &Principal, id: &str) -> Result<(), Error>;
}

/// The service behind [`AcrEventsSubscriptions`].
pub struct AcrEventsService {
    kept: Collection<AcrEventsSubscription, Ees>,
    callbacks: CallbackRule,
}

impl AcrEventsService {
    /// A service over this room.
    pub fn new(room: Room, lifetimes: Lifetimes, callbacks: CallbackRule) -> Self {
        Self {
            kept: Collection::new(room, lifetimes),
            callbacks,
        }
    }

    fn acceptable(&self, principal: &Principal, subscription: &AcrEventsSubscription) -> Result<(), Error> {
        if !principal.is_eec(&subscription.eec_id) {
            return Err(Error::not_yours("/eecId", "EECID"));
        }
        crate::eec::proved_ue(principal, subscription.ue_id.as_ref(), "/ueId")?;
        if matches!(subscription.event_ids, AcrEventIds::Other(_)) {
            let known: Vec<&str> = AcrEventIds::KNOWN.iter().map(AcrEventIds::as_str).collect();
            return Err(Error::mandatory_incorrect(
                "/eventIds",
                format!("is not served here; served are {}", known.join(", ")),
            ));
        }
        let destination = &subscription.notification_destination;
        self.callbacks
            .check_of(principal, destination, "/notificationDestination")?;
        Ok(())
    }
}

#[async_trait]
impl AcrEventsSubscriptions for AcrEventsService {
    async fn subscribe(
        &self,
        principal: &Principal,
        mut request: AcrEventsSubscription,
        uri_of: &(dyn for<'a> Fn(&'a str) -> String + Send + Sync),
    ) -> Result<(String, AcrEventsSubscription), Error> {
        self.acceptable(principal, &request)?;
        negotiate(&mut request);
        let test = request.request_test_notification;
        let also = |id: &str, subscription: &mut AcrEventsSubscription, _: &mut Seen| match test {
            false => Ok(Decision::of(())),
            true => Decision::of(()).tell(&Event::TestAsked {
                subscription: key_of::<AcrEventsSubscription, Ees>(principal, id).to_string(),
                uri: uri_of(id),
                destination: subscription.notification_destination.clone(),
            }),
        };
        let (id, made) = self.kept.create(principal, request, also).await?;
        Ok((id, made.value))
    }

    async fn change(
        &self,
        principal: &Principal,
        id: &str,
        change: Change<AcrEventsSubscription>,
    ) -> Result<AcrEventsSubscription, Error> {
        let also = |before: &AcrEventsSubscription, after: &mut AcrEventsSubscription| {
            self.acceptable(principal, after)?;
            negotiate_again(after, before.supp_feat);
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

/// What a notification is about; who hears of it depends on the subscriptions.
#[derive(Clone, Debug)]
pub struct AcrNews {
    /// The EEC whose application relocates.
    pub eec_id: EecId,
    /// The application.
    pub eas_id: EasId,
    /// The application client, if it is known.
    pub ac_id: Option<AcId>,
    /// What happened.
    pub event: AcrEventIds,
}

impl AcrNews {
    /// Pure: whether this subscription wants to hear it.
    fn concerns(&self, subscription: &AcrEventsSubscription) -> bool {
        subscription.event_ids == self.event
            && subscription.eas_ids.contains(&self.eas_id)
            && (subscription.ac_ids.is_empty() || self.ac_id.as_ref().is_none_or(|ac| subscription.ac_ids.contains(ac)))
    }
}

/// The notifications that a piece of news leads to; `say` completes each one.
///
/// # Errors
/// When the subscriptions cannot be read.
pub async fn notifications(
    room: &Room,
    news: &AcrNews,
    say: impl Fn(AcrInfoNotification) -> AcrInfoNotification + Send,
) -> Result<Vec<Todo<Notification>>, Error> {
    let prefix = format!("{}{}", AcrEventsSubscription::PREFIX, folder(news.eec_id.as_str()));
    let mut todos = Vec::new();
    for entry in room.store().range(Span::prefix(&prefix)).await?.entries {
        let kept = Kept::<AcrEventsSubscription>::from_entry(&entry)?;
        if !kept.is_live(room.now()) || !news.concerns(&kept.value) {
            continue;
        }
        let id = &entry.key.as_str()[prefix.len()..];
        let notification = say(AcrInfoNotification {
            sub_id: SubscriptionId::try_from(id).map_err(Error::internal)?,
            eas_id: news.eas_id.clone(),
            ac_id: news.ac_id.clone(),
            event_id: news.event.clone(),
            trgt_info: None,
            acr_status: None,
            eec_ctxt_reloc: None,
            acr_scenario_list: Vec::new(),
            eas_bundle_info: None,
            t_eas_end_point_bundle_list: Vec::new(),
        });
        let body = serde_json::to_value(&notification).map_err(Error::internal)?;
        let subscription = entry.key.to_string();
        let work = Notification {
            destination: kept.value.notification_destination,
            subscription,
            body,
            for_acr: None,
        };
        let task = Task {
            work,
            guard: Some(entry.key.to_string()),
            // The guard knows when the subscription ends, also when its life was extended meanwhile.
            until: None,
        };
        todos.push(Todo {
            lane: entry.key.to_string(),
            task,
        });
    }
    Ok(todos)
}
