//! Events (TS 29.222 clause 5.4): who subscribed to what, and what is told. Told from the outbox: at least once, in order per subscription.

use crate::{
    caller::{Function, Proof, function_key},
    core_function::CoreFunction,
};
use async_trait::async_trait;
use bytes::Bytes;
use edgeapp_core::{
    collection::Change,
    error::{Cause, Error},
    kept::Kept,
    notifier::{NotDelivered, Notifier},
    outbox::{Outcome, Reactions, Task, Todo},
    patch::{self, PatchRules},
    principal::Role,
    room::{Decision, Room, Seen, contended, fresh_id},
    store::{Key, Span},
};
use edgeapp_openapi::{
    capif::{
        ApiInvokerId, FunctionId, ServiceApiId,
        aef_security::RevokeAuthorizationReq,
        events::{CapifEvent, CapifEventDetail, CapifEventFilter, EventNotification, EventSubscription},
        features::{self, events::ENHANCED_EVENT_REPORT, events::SERVED},
        security::SecurityNotification,
    },
    common::{DateTime, NotificationMethod, TestNotification, Uri},
    features::NOTIFICATION_TEST_EVENT,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, sync::Arc};

/// Keys of subscriptions: `capif/event-subscription/<subscriberId>/<subscriptionId>`.
pub const SUBSCRIPTIONS: &str = "capif/event-subscription/";

const PATCH: PatchRules = PatchRules {
    changeable: &["events", "eventFilters", "eventReq", "notificationDestination"],
    clearable: &["eventFilters", "eventReq"],
    fixed: &["supportedFeatures", "requestTestNotification"],
};

/// What an event is about: what filters look at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// APIs.
    pub api_ids: Vec<ServiceApiId>,
    /// Invokers.
    pub api_invoker_ids: Vec<ApiInvokerId>,
    /// Exposing functions.
    pub aef_ids: Vec<FunctionId>,
}

/// Something that was committed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// One of the events of the standard.
    Told {
        /// Which one.
        event: CapifEvent,
        /// What exactly happened.
        detail: Box<CapifEventDetail>,
        /// What it is about.
        about: About,
    },
    /// An invoker lost an authorization.
    Revoked {
        /// Which one.
        notification: SecurityNotification,
        /// Where the invoker wants to hear of it.
        to_invoker: Uri,
        /// Where the exposing function takes it, unless it was its own wish.
        to_aef: Option<Uri>,
    },
    /// Somebody asked for a test notification.
    TestAsked {
        /// Where to send it.
        destination: Uri,
        /// Key of what it was asked with.
        guard: String,
    },
}

impl Event {
    /// One of the events of the standard.
    pub(crate) fn told(event: CapifEvent, detail: CapifEventDetail, about: About) -> Self {
        Self::Told {
            event,
            detail: Box::new(detail),
            about,
        }
    }

    pub(crate) fn test(destination: &Uri, guard: &str) -> Self {
        Self::TestAsked {
            destination: destination.clone(),
            guard: guard.to_owned(),
        }
    }
}

/// A piece of work that an event led to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Work {
    /// Tell a subscriber.
    Notify {
        /// Key of the subscription.
        subscription: String,
        /// What.
        notification: Box<EventNotification>,
    },
    /// Send this body.
    Send {
        /// Where.
        destination: Uri,
        /// What.
        body: serde_json::Value,
        /// Only once, whatever comes of it.
        once: bool,
    },
}

/// Who subscribed: what somebody hears depends on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subscriber {
    /// An invoker: of APIs everything, of invokers only itself.
    Invoker(ApiInvokerId),
    /// A function of a provider: of invocations only those at exposing functions of its domain.
    Function {
        /// Its registration.
        registration: String,
    },
}

/// A subscription as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Whose.
    pub subscriber: Subscriber,
    /// As it is answered.
    pub asked: EventSubscription,
    /// How often was told.
    #[serde(default)]
    pub told: u64,
}

fn folder(subscriber: &str) -> String {
    format!("{SUBSCRIPTIONS}{}/", Key::part(subscriber))
}

fn subscription_key(subscriber: &str, id: &str) -> Key {
    Key::from(format!("{}{}", folder(subscriber), Key::part(id)))
}

/// The keys of somebody's subscriptions.
pub(crate) async fn of_subscriber(room: &Room, subscriber: &str) -> Result<Vec<Key>, Error> {
    let entries = room.store().range(Span::prefix(folder(subscriber))).await?.entries;
    Ok(entries.into_iter().map(|entry| entry.key).collect())
}

/// The members of a filter that have a meaning for an event (clause 5.4.2.2.2).
fn filters_of(event: &CapifEvent) -> &'static [&'static str] {
    match event {
        CapifEvent::ServiceApiAvailable | CapifEvent::ServiceApiUnavailable | CapifEvent::ServiceApiUpdate => {
            &["apiIds"]
        }
        CapifEvent::ApiInvokerOnboarded | CapifEvent::ApiInvokerOffboarded | CapifEvent::ApiInvokerUpdated => {
            &["apiInvokerIds"]
        }
        CapifEvent::ServiceApiInvocationSuccess
        | CapifEvent::ServiceApiInvocationFailure
        | CapifEvent::ApiInvokerAuthorizationRevoked => &["apiIds", "apiInvokerIds", "aefIds"],
        CapifEvent::AccessControlPolicyUpdate | CapifEvent::AccessControlPolicyUnavailable => {
            &["apiIds", "apiInvokerIds"]
        }
        CapifEvent::ApiTopologyHidingCreated | CapifEvent::ApiTopologyHidingRevoked => &["apiIds", "aefIds"],
        CapifEvent::Other(_) => &[],
    }
}

/// Pure: what a subscription has to satisfy beyond its schema.
///
/// # Errors
/// The member that is wrong, and why.
pub fn check(asked: &EventSubscription, subscriber: &Subscriber) -> Result<(), Error> {
    for (place, event) in asked.events.iter().enumerate() {
        let pointer = format!("/events/{place}");
        if matches!(event, CapifEvent::Other(_)) {
            return Err(Error::mandatory_incorrect(pointer, "is no event of this core function"));
        }
        let of_invocations = matches!(
            event,
            CapifEvent::ServiceApiInvocationSuccess
                | CapifEvent::ServiceApiInvocationFailure
                | CapifEvent::ApiTopologyHidingCreated
                | CapifEvent::ApiTopologyHidingRevoked
        );
        if of_invocations && matches!(subscriber, Subscriber::Invoker(_)) {
            return Err(Error::forbidden(
                Cause::Unauthorized,
                format!("{pointer}: {event} is for functions of API providers; the caller is an API invoker"),
            ));
        }
        let Some(filter) = asked.event_filters.get(place) else {
            continue;
        };
        let given = [
            ("apiIds", filter.api_ids.is_empty()),
            ("apiInvokerIds", filter.api_invoker_ids.is_empty()),
            ("aefIds", filter.aef_ids.is_empty()),
        ];
        for (member, absent) in given {
            if !absent && !filters_of(event).contains(&member) {
                let pointer = format!("/eventFilters/{place}/{member}");
                return Err(Error::optional_incorrect(pointer, format!("does not go with {event}")));
            }
        }
    }
    let Some(wanted) = &asked.event_req else {
        return Ok(());
    };
    if wanted.notif_method == Some(NotificationMethod::Periodic) {
        return Err(Error::optional_incorrect(
            "/eventReq/notifMethod",
            "PERIODIC is not offered: events are told when they happen",
        ));
    }
    if wanted.imm_rep {
        return Err(Error::optional_incorrect(
            "/eventReq/immRep",
            "is not offered: events are told when they happen",
        ));
    }
    if wanted.max_report_nbr == Some(0) {
        return Err(Error::optional_incorrect(
            "/eventReq/maxReportNbr",
            "must be at least 1",
        ));
    }
    Ok(())
}

/// Whether a filter lets an event through.
fn lets_through(filter: &CapifEventFilter, about: &About) -> bool {
    fn meets<T: PartialEq>(wanted: &[T], is: &[T]) -> bool {
        wanted.is_empty() || wanted.iter().any(|wanted| is.contains(wanted))
    }
    meets(&filter.api_ids, &about.api_ids)
        && meets(&filter.api_invoker_ids, &about.api_invoker_ids)
        && meets(&filter.aef_ids, &about.aef_ids)
}

/// Pure: whether a subscription wants to hear of an event, and may. `own` are the exposing functions of the subscriber's domain.
pub fn hears(subscription: &Subscription, event: &CapifEvent, about: &About, own: &BTreeSet<FunctionId>) -> bool {
    let asked = &subscription.asked;
    let mut places = asked.events.iter().enumerate().filter(|(_, wanted)| *wanted == event);
    let wants = places.any(|(place, _)| {
        asked
            .event_filters
            .get(place)
            .is_none_or(|filter| lets_through(filter, about))
    });
    let may = match (&subscription.subscriber, event) {
        (Subscriber::Invoker(id), _) => about.api_invoker_ids.is_empty() || about.api_invoker_ids.contains(id),
        (
            Subscriber::Function { .. },
            CapifEvent::ServiceApiInvocationSuccess
            | CapifEvent::ServiceApiInvocationFailure
            | CapifEvent::ApiTopologyHidingCreated
            | CapifEvent::ApiTopologyHidingRevoked
            | CapifEvent::ApiInvokerAuthorizationRevoked
            | CapifEvent::AccessControlPolicyUpdate
            | CapifEvent::AccessControlPolicyUnavailable,
        ) => about.aef_ids.iter().any(|id| own.contains(id)),
        (Subscriber::Function { .. }, _) => true,
    };
    wants && may
}

/// After how many notifications a subscription ends.
fn most(asked: &EventSubscription) -> Option<u64> {
    let wanted = asked.event_req.as_ref()?;
    match wanted.notif_method {
        Some(NotificationMethod::OneTime) => Some(1),
        _ => wanted.max_report_nbr,
    }
}

/// Pure: a subscription with the features in common, and without what belongs to others.
fn negotiated(mut asked: EventSubscription, before: Option<&EventSubscription>) -> EventSubscription {
    let offered = asked.supported_features.map(|offered| SERVED.common(&offered));
    let common = offered.or(before.and_then(|before| before.supported_features));
    if common.is_some_and(|common| !common.has(ENHANCED_EVENT_REPORT)) {
        asked.event_filters = Vec::new();
        asked.event_req = None;
    }
    asked.supported_features = common;
    asked.websock_notif_config = None;
    asked.request_test_notification &= common.is_some_and(|common| common.has(NOTIFICATION_TEST_EVENT));
    asked
}

impl CoreFunction {
    /// Who calls, if that is the subscriber of this path.
    async fn subscriber(&self, proof: &Proof<'_>, subscriber: &str) -> Result<Subscriber, Error> {
        let (id, is) = match proof.principal.role() {
            Role::Provider => {
                let Function { id, registration, .. } = self.any_function(proof).await?;
                (id.to_string(), Subscriber::Function { registration })
            }
            _ => {
                let invoker = self.invoker(proof).await?;
                (invoker.id.to_string(), Subscriber::Invoker(invoker.id))
            }
        };
        if id != subscriber {
            return Err(Error::not_yours("subscriberId", "identifier"));
        }
        Ok(is)
    }

    fn admit(
        &self,
        asked: &EventSubscription,
        subscriber: &Subscriber,
        now: DateTime,
    ) -> Result<Option<DateTime>, Error> {
        check(asked, subscriber)?;
        self.rules()
            .callbacks
            .check_listed(&asked.notification_destination, "/notificationDestination")?;
        let until = asked.event_req.as_ref().and_then(|wanted| wanted.mon_dur);
        if until.is_some_and(|until| until <= now) {
            return Err(Error::optional_incorrect("/eventReq/monDur", "must be in the future"));
        }
        Ok(until)
    }

    /// Subscribes.
    ///
    /// # Errors
    /// When the caller is not that subscriber, or the request breaks a rule.
    pub async fn subscribe(
        &self,
        proof: &Proof<'_>,
        subscriber_id: &str,
        request: EventSubscription,
    ) -> Result<(String, EventSubscription), Error> {
        let subscriber = self.subscriber(proof, subscriber_id).await?;
        let asked = negotiated(request, None);
        for mut seen in self.room().attempts() {
            let until = self.admit(&asked, &subscriber, seen.now())?;
            let id = fresh_id();
            let key = subscription_key(subscriber_id, &id);
            seen.fresh(&key);
            let subscription = Subscription {
                subscriber: subscriber.clone(),
                asked: asked.clone(),
                told: 0,
            };
            let mut decision = Decision::of(()).put(&key, &Kept::new(proof.principal, until, subscription))?;
            if asked.request_test_notification {
                decision = decision.tell(&Event::test(&asked.notification_destination, key.as_str()))?;
            }
            if self.room().commit(seen, decision).await?.is_some() {
                return Ok((id, asked));
            }
        }
        Err(contended())
    }

    async fn own_subscription(seen: &mut Seen, key: &Key) -> Result<Kept<Subscription>, Error> {
        seen.kept(key).await?.ok_or_else(Error::subscription_not_found)
    }

    /// Changes a subscription.
    ///
    /// # Errors
    /// As [`CoreFunction::subscribe`]; when there is no such subscription.
    pub async fn change_subscription(
        &self,
        proof: &Proof<'_>,
        subscriber_id: &str,
        id: &str,
        change: &Change<EventSubscription>,
    ) -> Result<EventSubscription, Error> {
        let subscriber = self.subscriber(proof, subscriber_id).await?;
        let key = subscription_key(subscriber_id, id);
        for mut seen in self.room().attempts() {
            let kept = Self::own_subscription(&mut seen, &key).await?;
            let before = &kept.value.asked;
            let next = match change {
                Change::Replace(next) => next.clone(),
                Change::Patch(patch) => patch::apply(before, patch, &PATCH)?,
            };
            let asked = negotiated(next, Some(before));
            let until = self.admit(&asked, &subscriber, seen.now())?;
            let next = Kept {
                owner: kept.owner.clone(),
                expires_at: until,
                value: Subscription {
                    asked: asked.clone(),
                    ..kept.value.clone()
                },
            };
            let decision = Decision::of(()).put(&key, &next)?;
            if self.room().commit(seen, decision).await?.is_some() {
                return Ok(asked);
            }
        }
        Err(contended())
    }

    /// Ends a subscription.
    ///
    /// # Errors
    /// When the caller is not that subscriber, or there is no such subscription.
    pub async fn unsubscribe(&self, proof: &Proof<'_>, subscriber_id: &str, id: &str) -> Result<(), Error> {
        self.subscriber(proof, subscriber_id).await?;
        let key = subscription_key(subscriber_id, id);
        for mut seen in self.room().attempts() {
            Self::own_subscription(&mut seen, &key).await?;
            let decision = Decision::of(()).delete(&key);
            if self.room().commit(seen, decision).await?.is_some() {
                return Ok(());
            }
        }
        Err(contended())
    }
}

/// What a core function does about its events.
pub struct CoreReactions {
    core: Arc<CoreFunction>,
    notifier: Arc<dyn Notifier>,
}

impl CoreReactions {
    /// The reactions of this core function; notifications go by this notifier.
    pub fn new(core: Arc<CoreFunction>, notifier: Arc<dyn Notifier>) -> Self {
        Self { core, notifier }
    }

    /// The exposing functions of a domain; none when it is gone.
    async fn exposing(&self, registration: &str) -> Result<BTreeSet<FunctionId>, Error> {
        let mut seen = self.core.room().look();
        let Ok(domain) = self.core.domain(&mut seen, registration).await else {
            return Ok(BTreeSet::new());
        };
        let mut own = BTreeSet::new();
        for id in domain.functions {
            let kept: Option<Kept<Function>> = seen.kept(&function_key(id.as_str())).await?;
            own.extend(kept.map(|kept| kept.value.id));
        }
        Ok(own)
    }

    async fn subscribers(
        &self,
        event: &CapifEvent,
        detail: &CapifEventDetail,
        about: &About,
    ) -> Result<Vec<Todo<Work>>, Error> {
        let room = self.core.room();
        let now = room.now();
        let mut todos = Vec::new();
        for entry in room.store().range(Span::prefix(SUBSCRIPTIONS)).await?.entries {
            let kept: Kept<Subscription> = Kept::from_entry(&entry)?;
            let subscription = &kept.value;
            if !kept.is_live(now) || !subscription.asked.events.contains(event) {
                continue;
            }
            let own = match &subscription.subscriber {
                Subscriber::Invoker(_) => BTreeSet::new(),
                Subscriber::Function { registration } => self.exposing(registration).await?,
            };
            if !hears(subscription, event, about, &own) {
                continue;
            }
            let key = entry.key.as_str();
            let features = subscription.asked.supported_features;
            let detailed = features.is_some_and(|common| common.has(ENHANCED_EVENT_REPORT));
            let notification = EventNotification {
                subscription_id: key.rsplit('/').next().unwrap_or_default().to_owned(),
                events: event.clone(),
                event_detail: detailed.then(|| detail.clone()),
            };
            todos.push(Todo {
                lane: key.to_owned(),
                task: Task {
                    work: Work::Notify {
                        subscription: key.to_owned(),
                        notification: Box::new(notification),
                    },
                    guard: Some(key.to_owned()),
                    until: kept.expires_at,
                },
            });
        }
        Ok(todos)
    }

    async fn send(&self, destination: &Uri, body: &impl Serialize) -> Result<Option<Uri>, Outcome> {
        let body = serde_json::to_vec(body).map_err(|error| Outcome::Hopeless(error.to_string()))?;
        match self.notifier.notify(destination, Bytes::from(body)).await {
            Ok(delivered) => Ok(delivered.moved_to),
            Err(NotDelivered::Later { reason, after }) => Err(Outcome::Again { reason, after }),
            Err(error) => Err(Outcome::Hopeless(error.to_string())),
        }
    }

    async fn notify(&self, subscription: &str, notification: &EventNotification) -> Result<Outcome, Error> {
        let room = self.core.room();
        let key = Key::new(subscription);
        let kept: Option<Kept<Subscription>> = room.read(&key).await?;
        let Some(kept) = kept else { return Ok(Outcome::Done) };
        let moved_to = match self
            .send(&kept.value.asked.notification_destination, notification)
            .await
        {
            Ok(moved_to) => moved_to,
            Err(outcome) => return Ok(outcome),
        };
        // Most subscriptions have no end to count towards.
        if moved_to.is_none() && most(&kept.value.asked).is_none() {
            return Ok(Outcome::Done);
        }
        for mut seen in room.attempts() {
            let Some(mut kept) = seen.kept::<Subscription>(&key).await? else {
                return Ok(Outcome::Done);
            };
            kept.value.told += 1;
            if let Some(moved_to) = &moved_to {
                kept.value.asked.notification_destination = moved_to.clone();
            }
            let decision = match most(&kept.value.asked).is_some_and(|most| most <= kept.value.told) {
                true => Decision::of(()).delete(&key),
                false => Decision::of(()).put(&key, &kept)?,
            };
            if room.commit(seen, decision).await?.is_some() {
                return Ok(Outcome::Done);
            }
        }
        Err(contended())
    }
}

fn send(
    lane: &str,
    destination: Uri,
    body: &impl Serialize,
    once: bool,
    guard: Option<String>,
) -> Result<Todo<Work>, Error> {
    Ok(Todo {
        lane: lane.to_owned(),
        task: Task {
            work: Work::Send {
                destination,
                body: serde_json::to_value(body).map_err(Error::internal)?,
                once,
            },
            guard,
            until: None,
        },
    })
}

#[async_trait]
impl Reactions for CoreReactions {
    type Event = Event;
    type Work = Work;

    async fn react(&self, event: Event) -> Result<Vec<Todo<Work>>, Error> {
        match event {
            Event::Told { event, detail, about } => self.subscribers(&event, &detail, &about).await,
            Event::Revoked {
                notification,
                to_invoker,
                to_aef,
            } => {
                let invoker = format!("capif/revoked/{}", notification.api_invoker_id);
                let mut todos = Vec::new();
                // First who has to stop it, then who has to know.
                if let Some(to_aef) = to_aef {
                    let aef = notification.aef_id.as_ref().map_or("", FunctionId::as_str);
                    let request = RevokeAuthorizationReq {
                        revoke_info: notification.clone(),
                        supported_features: features::NONE,
                    };
                    todos.push(send(&format!("capif/revoke/{aef}"), to_aef, &request, false, None)?);
                }
                todos.push(send(&invoker, to_invoker, &notification, false, None)?);
                Ok(todos)
            }
            Event::TestAsked { destination, guard } => {
                let subscription = format!("urn:edgeapp:{}", guard.replace('/', ":"));
                let subscription = subscription.parse().map_err(Error::internal)?;
                let body = TestNotification { subscription };
                Ok(vec![send(&guard.clone(), destination, &body, true, Some(guard))?])
            }
        }
    }

    fn may_give_way(&self, work: &Work) -> bool {
        matches!(work, Work::Notify { .. })
    }

    async fn perform(&self, work: &Work, attempt: u32) -> Outcome {
        /// A notification to an invoker that nobody takes is given up at last; one to an exposing function never is.
        const MOST_ATTEMPTS: u32 = 40;
        let outcome = match work {
            Work::Notify {
                subscription,
                notification,
            } => self
                .notify(subscription, notification)
                .await
                .unwrap_or_else(|error| Outcome::Again {
                    reason: error.to_string(),
                    after: None,
                }),
            Work::Send {
                destination,
                body,
                once,
            } => match self.send(destination, body).await {
                Ok(_) => Outcome::Done,
                Err(Outcome::Again { reason, .. }) if *once => Outcome::Hopeless(reason),
                Err(outcome) => outcome,
            },
        };
        let to_aef = matches!(work, Work::Send { body, .. } if body.get("revokeInfo").is_some());
        match outcome {
            Outcome::Again { reason, .. } if attempt >= MOST_ATTEMPTS && !to_aef => Outcome::Hopeless(reason),
            outcome => outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn asked(text: &str) -> EventSubscription {
        let text = format!(r#"{{{text}, "notificationDestination": "https://ees.example/n"}}"#);
        serde_json::from_str(&text).expect("a subscription")
    }

    fn invoker() -> Subscriber {
        Subscriber::Invoker("I".parse().expect("an identifier"))
    }

    fn function() -> Subscriber {
        Subscriber::Function {
            registration: "r".to_owned(),
        }
    }

    #[test]
    fn filters_go_with_their_events() {
        let verdict = |text: &str, subscriber: &Subscriber| {
            check(&asked(text), subscriber)
                .map_err(|error| error.invalid.first().map(|bad| bad.param.clone()).unwrap_or_default())
        };
        let good =
            r#""events": ["SERVICE_API_UPDATE", "API_INVOKER_ONBOARDED"], "eventFilters": [{"apiIds": ["a"]}, {}]"#;
        assert_eq!(verdict(good, &invoker()), Ok(()));
        for (text, pointer) in [
            (r#""events": ["NEW_EVENT"]"#, "/events/0"),
            (
                r#""events": ["API_INVOKER_ONBOARDED"], "eventFilters": [{"apiIds": ["a"]}]"#,
                "/eventFilters/0/apiIds",
            ),
            (
                r#""events": ["SERVICE_API_UPDATE"], "eventFilters": [{"aefIds": ["a"]}]"#,
                "/eventFilters/0/aefIds",
            ),
            (
                r#""events": ["SERVICE_API_UPDATE"], "eventReq": {"notifMethod": "PERIODIC"}"#,
                "/eventReq/notifMethod",
            ),
            (
                r#""events": ["SERVICE_API_UPDATE"], "eventReq": {"immRep": true}"#,
                "/eventReq/immRep",
            ),
        ] {
            assert_eq!(verdict(text, &function()), Err(pointer.to_owned()), "{text}");
        }
        let invocations = asked(r#""events": ["SERVICE_API_INVOCATION_SUCCESS"]"#);
        assert!(check(&invocations, &invoker()).is_err_and(|error| error.cause == Cause::Unauthorized));
        assert!(check(&invocations, &function()).is_ok());
    }

    fn subscription(subscriber: Subscriber, text: &str) -> Subscription {
        Subscription {
            subscriber,
            asked: asked(text),
            told: 0,
        }
    }

    #[test]
    fn an_invoker_hears_of_no_other_invoker() {
        let of = |id: &str| About {
            api_invoker_ids: vec![id.parse().expect("an identifier")],
            ..About::default()
        };
        let listens = subscription(invoker(), r#""events": ["API_INVOKER_OFFBOARDED"]"#);
        let hears_of = |id| hears(&listens, &CapifEvent::ApiInvokerOffboarded, &of(id), &BTreeSet::new());
        assert!(hears_of("I") && !hears_of("J"));
        assert!(!hears(
            &listens,
            &CapifEvent::ApiInvokerOnboarded,
            &of("I"),
            &BTreeSet::new()
        ));
    }

    #[test]
    fn a_provider_hears_of_invocations_at_its_own_functions() {
        let listens = subscription(function(), r#""events": ["SERVICE_API_INVOCATION_FAILURE"]"#);
        let about = About {
            aef_ids: vec!["A".parse().expect("an identifier")],
            ..About::default()
        };
        let own = |id: &str| BTreeSet::from([id.parse().expect("an identifier")]);
        let event = CapifEvent::ServiceApiInvocationFailure;
        assert!(hears(&listens, &event, &about, &own("A")) && !hears(&listens, &event, &about, &own("B")));
    }

    #[test]
    fn details_and_filters_need_their_feature() {
        let text =
            r#""events": ["SERVICE_API_UPDATE"], "eventFilters": [{"apiIds": ["a"]}], "supportedFeatures": "FEATURES""#;
        let with = |features| negotiated(asked(&text.replace("FEATURES", features)), None);
        assert!(with("0").event_filters.is_empty());
        assert_eq!(
            with("6").supported_features.map(|common| common.to_string()).as_deref(),
            Some("4")
        );
        assert_eq!(with("4").event_filters.len(), 1);
    }

    proptest! {
        /// Another filter never lets more through than an empty one.
        #[test]
        fn a_filter_only_takes_away(wanted in "[ab]", is in prop::collection::vec("[ab]", 0..3)) {
            let about = About {
                api_ids: is.iter().map(|id| id.parse().expect("an identifier")).collect(),
                ..About::default()
            };
            let all = subscription(function(), r#""events": ["SERVICE_API_UPDATE"]"#);
            let some = subscription(
                function(),
                &format!(r#""events": ["SERVICE_API_UPDATE"], "eventFilters": [{{"apiIds": ["{wanted}"]}}]"#),
            );
            let event = CapifEvent::ServiceApiUpdate;
            prop_assert!(hears(&all, &event, &about, &BTreeSet::new()));
            prop_assert_eq!(hears(&some, &event, &about, &BTreeSet::new()), is.contains(&wanted));
        }
    }
}
