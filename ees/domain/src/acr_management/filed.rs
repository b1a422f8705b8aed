//! Subscriptions of EASs, filed under what they are about: what concerns one UE finds the few that want it, however many UEs their EAS
//! subscribed to.

use crate::{Ees, ue_identifier};
use edgeapp_core::{
    collection::Resource,
    error::Error,
    filed::Filed,
    follow::Follower,
    kept::Kept,
    room::Room,
    store::{Key, Revision, Store},
};
use edgeapp_openapi::{
    acr_management_event::{AcrMgntEvent, AcrMgntEventSubsc, AcrMgntEventsSubscription, TargetUeIdentification},
    ids::{EasId, EdgeUeId, Gpsi},
};
use std::sync::Arc;

const PREFIX: &str = <AcrMgntEventsSubscription as Resource<Ees>>::PREFIX;

/// Whom a subscription is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Whom {
    /// All UEs, or some that are not known one by one.
    All,
    /// This UE.
    Ue(Gpsi),
    /// The UE that the EAS knows by this name.
    Named(EdgeUeId),
    /// A UE that the EAS knows by a name that this EES made up.
    AnyNamed,
}

/// What a subscription wants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Want {
    /// Reports of this event.
    Event(AcrMgntEvent),
    /// To be told when a UE is where it was expected.
    Plans,
}

/// What a subscription of an EAS wants, and of whom.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Term {
    eas_id: EasId,
    want: Want,
    whom: Whom,
}

/// The terms under which a subscription is filed: one event that it may be told has one of them at least.
fn terms(subscription: &AcrMgntEventsSubscription) -> Vec<Term> {
    let of = |wanted: &AcrMgntEventSubsc| {
        let whoms = match &wanted.tgt_ue_id {
            Some(TargetUeIdentification::Gpsi(gpsi)) => vec![Whom::Ue(gpsi.clone())],
            Some(TargetUeIdentification::EdgeUeId(id)) => vec![Whom::Named(id.clone()), Whom::AnyNamed],
            _ => vec![Whom::All],
        };
        let plans = wanted.serv_cont_plan_ind.then_some(Want::Plans);
        let wants: Vec<Want> = plans.into_iter().chain([Want::Event(wanted.event.clone())]).collect();
        let term = |want: &Want, whom: &Whom| Term {
            eas_id: subscription.eas_id.clone(),
            want: want.clone(),
            whom: whom.clone(),
        };
        let each = |want: &Want| whoms.iter().map(|whom| term(want, whom)).collect::<Vec<_>>();
        wants.iter().flat_map(each).collect::<Vec<_>>()
    };
    subscription.event_subscs.iter().flat_map(of).collect()
}

/// The read model of what EASs subscribed to.
#[derive(Clone)]
pub struct AcrManagementSubscribers {
    room: Room,
    filed: Arc<Filed<AcrMgntEventsSubscription, Term>>,
    mirrored: Follower,
}

impl AcrManagementSubscribers {
    /// Files what there is in `store`, and goes on in the background.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn start(room: Room, store: Arc<dyn Store>) -> Result<Self, Error> {
        let filed = Arc::new(Filed::new(terms));
        let mirrored = Follower::start(store, PREFIX, filed.clone()).await?;
        Ok(Self { room, filed, mirrored })
    }

    pub(super) fn room(&self) -> &Room {
        &self.room
    }

    /// Waits until what was written with this revision is filed: who answers then has no order missed that follows the answer.
    pub async fn caught_up(&self, revision: Revision) {
        self.mirrored.caught_up(revision).await;
    }

    /// Waits until what anybody had subscribed before this revision is filed, whichever replica took it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn show_all_until(&self, revision: Revision) -> Result<(), Error> {
        self.mirrored.shows_all_until(revision).await
    }

    /// The subscriptions of an application that may want this of a UE, as the store has them: what decides is what they say.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn wanting(
        &self,
        eas_id: &EasId,
        wants: &[Want],
        ue: &Gpsi,
    ) -> Result<Vec<(Key, Kept<AcrMgntEventsSubscription>)>, Error> {
        let name = ue_identifier::name_of(&self.room, ue, eas_id).await?;
        let whoms = [Whom::All, Whom::Ue(ue.clone())]
            .into_iter()
            .chain(name.map(Whom::Named));
        self.under(eas_id, wants, whoms.collect()).await
    }

    /// The same, and those about a UE whose name may have been this one's: names end.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn that_may_have_wanted(
        &self,
        eas_id: &EasId,
        wants: &[Want],
        ue: &Gpsi,
    ) -> Result<Vec<(Key, Kept<AcrMgntEventsSubscription>)>, Error> {
        let whoms = vec![Whom::All, Whom::Ue(ue.clone()), Whom::AnyNamed];
        self.under(eas_id, wants, whoms).await
    }

    async fn under(
        &self,
        eas_id: &EasId,
        wants: &[Want],
        whoms: Vec<Whom>,
    ) -> Result<Vec<(Key, Kept<AcrMgntEventsSubscription>)>, Error> {
        let term = |want: &Want, whom: &Whom| Term {
            eas_id: eas_id.clone(),
            want: want.clone(),
            whom: whom.clone(),
        };
        let each = |want: &Want| whoms.iter().map(|whom| term(want, whom)).collect::<Vec<_>>();
        let asked: Vec<Term> = wants.iter().flat_map(each).collect();
        let mut found = Vec::new();
        for (key, _) in self.filed.candidates(&asked) {
            let kept = self.room.read::<AcrMgntEventsSubscription>(&key).await?;
            found.extend(kept.map(|kept| (key, kept)));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        acr_management::{Audience, notifications, orders, report},
        ending::folder,
        event::Notification,
    };
    use edgeapp_core::{clock::ManualClock, outbox::Todo, principal::Principal, room::Decision, store::Span};
    use edgeapp_store::MemoryStore;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const EASS: [&str; 2] = ["eas.chess.example", "eas.go.example"];
    const NOON: &str = "2026-01-05T12:00:00Z";

    fn ue(n: usize) -> Gpsi {
        format!("msisdn-4917000000{n:02}").parse().expect("a GPSI")
    }

    fn name(n: usize) -> String {
        format!("edgeueid-{n}")
    }

    fn eas(n: usize) -> EasId {
        EASS[n].parse().expect("an EASID")
    }

    /// A part of a subscription: the event, whom it is about, whether it wants plans.
    type Part = (usize, usize, usize, bool);

    const EVENTS: [&str; 4] = ["ACT_START_STOP", "ACR_SELECTION", "ACR_FACILITATION", "UP_PATH_CHG"];

    fn part((event, whom, n, plans): Part) -> Value {
        let mut part = json!({"event": EVENTS[event]});
        match whom {
            0 => {}
            1 => part["tgtUeId"] = json!({"gpsi": ue(n)}),
            _ => part["tgtUeId"] = json!({"edgeUeId": name(n)}),
        }
        if plans {
            part["servContPlanInd"] = json!(true);
        }
        part
    }

    struct Scene {
        room: Room,
        subscribers: AcrManagementSubscribers,
    }

    /// Subscriptions of instances of two applications. The UE `n` is known as `name(n)` to both where `named` says so.
    async fn scene(subscriptions: &[(usize, usize, Vec<Part>)], named: &[bool]) -> Scene {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let room = Room::new(store.clone(), ManualClock::at(NOON.parse().expect("an instant")));
        let subscribers = AcrManagementSubscribers::start(room.clone(), store)
            .await
            .expect("a file");
        let mut seen = room.look();
        let mut decision = Decision::of(());
        for (n, (application, instance, parts)) in subscriptions.iter().enumerate() {
            let id = format!("urn:edgeapp:eas:{}%23{instance}", EASS[*application]);
            let owner = Principal::from_names([id.as_str()], []).expect("an EAS");
            let parts: Vec<Value> = parts.iter().copied().map(part).collect();
            let body = json!({"easId": EASS[*application], "eventSubscs": parts,
                "notificationDestination": "https://eas.example/notifications"});
            let value: AcrMgntEventsSubscription = serde_json::from_value(body).expect("a subscription");
            let key = Key::from(format!("{PREFIX}{}{n:03}", folder(EASS[*application])));
            seen.fresh(&key);
            decision = decision.put(&key, &Kept::new(&owner, None, value)).expect("JSON");
        }
        for (n, _) in named.iter().enumerate().filter(|(_, named)| **named) {
            // A made-up name is one application's.
            let eas_id = eas(n % EASS.len());
            decision = ue_identifier::tests_only_named(decision, &mut seen, &name(n), &ue(n), &eas_id);
        }
        let (_, revision) = room
            .commit(seen, decision)
            .await
            .expect("a commit")
            .expect("no conflict");
        subscribers.caught_up(revision).await;
        Scene { room, subscribers }
    }

    /// What every subscription of the application is asked for, one by one.
    async fn by_looking_at_all(scene: &Scene, to: Audience<'_>, event: &AcrMgntEvent) -> Vec<Todo<Notification>> {
        let prefix = format!("{PREFIX}{}", folder(to.eas_id.as_str()));
        let report = report(event.clone(), scene.room.now());
        let mut todos = Vec::new();
        for entry in scene
            .room
            .store()
            .range(Span::prefix(&prefix))
            .await
            .expect("entries")
            .entries
        {
            let kept = Kept::from_entry(&entry).expect("a subscription");
            let todo = orders::wanted(&scene.room, to, &report, &entry.key, &kept).await;
            todos.extend(todo.expect("a readable state"));
        }
        todos
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// What is filed finds whom looking at every subscription finds, for every event and UE, whatever name it has.
        #[test]
        fn the_same_are_told_as_by_looking_at_all(
            subscriptions in prop::collection::vec(
                (0_usize..2, 0_usize..2, prop::collection::vec((0_usize..4, 0_usize..3, 0_usize..4, any::<bool>()), 1..4)),
                0..12,
            ),
            named in prop::collection::vec(any::<bool>(), 4),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let scene = scene(&subscriptions, &named).await;
                for (n, event) in (0..4).flat_map(|n| EVENTS.iter().map(move |event| (n, *event))) {
                    for application in 0..EASS.len() {
                        let event: AcrMgntEvent = serde_json::from_value(json!(event)).expect("an event");
                        let (eas_id, ue_id) = (eas(application), ue(n));
                        let to = Audience { eas_id: &eas_id, instance: None, ue_id: &ue_id, for_acr: None, until: None };
                        let wanted = by_looking_at_all(&scene, to, &event).await;
                        let told = notifications(&scene.subscribers, to, &report(event, scene.room.now())).await;
                        let keys = |todos: Vec<Todo<Notification>>| todos.into_iter().map(|todo| todo.lane).collect::<Vec<_>>();
                        assert_eq!(keys(told.expect("readable")), keys(wanted));
                    }
                }
            });
        }
    }

    /// What a UE is told costs the store the same, however many others its EAS subscribed to.
    #[tokio::test]
    async fn only_what_concerns_the_ue_is_looked_at() {
        let of = |n: usize| (0, 0, vec![(0, 1, n, false)]);
        let many: Vec<_> = (0..90).map(of).collect();
        let scene = scene(&many, &[]).await;
        let found = scene
            .subscribers
            .wanting(&eas(0), &[Want::Event(AcrMgntEvent::ActStartStop)], &ue(7))
            .await;
        assert_eq!(found.expect("readable").len(), 1);
    }
}
