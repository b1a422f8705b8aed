//! The promises of the module's words: nothing is lost, nothing is told twice without need, wherever the server stops.

use super::*;
use edgeapp_core::{
    clock::{ManualClock, SystemClock},
    notifier::Delivered,
    principal::Principal,
    room::EVENT,
    store::Store,
};
use edgeapp_openapi::ees_registration::EesRegistration;
use edgeapp_store::MemoryStore;
use serde_json::{Value, json};
use std::sync::Mutex;

/// Remembers what it carried. What `meanwhile` holds becomes registered while the first notification is under way.
struct Recorder {
    room: Room,
    meanwhile: Mutex<Option<&'static str>>,
    sent: Mutex<Vec<Value>>,
}

#[async_trait]
impl Notifier for Recorder {
    async fn notify(&self, _: &Uri, body: Bytes) -> Result<Delivered, NotDelivered> {
        self.sent
            .lock()
            .unwrap()
            .push(serde_json::from_slice(&body).expect("JSON"));
        let meanwhile = self.meanwhile.lock().unwrap().take();
        if let Some(id) = meanwhile {
            register(&self.room, id).await;
        }
        Ok(Delivered {
            status: 204,
            body: Bytes::new(),
            moved_to: None,
        })
    }
}

async fn register(room: &Room, id: &str) {
    let body = json!({"eesProf": {"eesId": id, "endPt": {"fqdn": "ees.example"}, "eecRegConf": true}});
    let registration: EesRegistration = serde_json::from_value(body).expect("a registration");
    let uri = format!("urn:edgeapp:ees:{id}");
    let kept = Kept::new(
        &Principal::from_names([uri.as_str()], []).expect("an identity"),
        None,
        registration,
    );
    let decision = Decision::of(())
        .put(&Key::from(format!("ees/{id}")), &kept)
        .expect("JSON");
    room.commit(room.look(), decision).await.expect("stored");
}

struct Lab {
    reactions: EcsReactions,
    recorder: Arc<Recorder>,
    subscription: Key,
}

impl Lab {
    async fn new() -> Self {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let room = Room::new(store, Arc::new(SystemClock::default()));
        let recorder = Arc::new(Recorder {
            room: room.clone(),
            meanwhile: Mutex::default(),
            sent: Mutex::default(),
        });
        let answers = Answers::default();
        let lab = Self {
            reactions: EcsReactions::new(room.clone(), answers, recorder.clone()),
            recorder,
            subscription: Key::from(format!("{PREFIX}s1")),
        };
        let body = json!({"eecId": "eec-1", "notificationDestination": "https://ue.example/cb"});
        let subscription: EcsServProvSubscription = serde_json::from_value(body).expect("a subscription");
        let owner = Principal::from_names(["urn:edgeapp:eec:eec-1"], []).expect("an identity");
        let decision = Decision::of(())
            .put(&lab.subscription, &Kept::new(&owner, None, subscription))
            .expect("JSON");
        room.commit(room.look(), decision).await.expect("stored");
        lab
    }

    async fn perform(&self, work: Work) -> Outcome {
        self.reactions.perform(&work, 0).await
    }

    async fn notify(&self) -> Outcome {
        self.perform(Work::Notify {
            subscription: self.subscription.to_string(),
        })
        .await
    }

    fn sent(&self) -> usize {
        self.recorder.sent.lock().unwrap().len()
    }

    async fn events(&self) -> usize {
        self.reactions
            .room
            .store()
            .range(Span::prefix(EVENT))
            .await
            .expect("events")
            .entries
            .len()
    }

    async fn told(&self) -> Told {
        told(&mut self.reactions.room.look(), &self.subscription)
            .await
            .expect("readable")
    }
}

#[tokio::test]
async fn comparing_twice_asks_for_one_look() {
    let lab = Lab::new().await;
    register(&lab.reactions.room, "ees-a").await;
    assert_eq!(lab.perform(Work::Compare).await, Outcome::Done);
    register(&lab.reactions.room, "ees-b").await;
    assert_eq!(lab.perform(Work::Compare).await, Outcome::Done);
    assert_eq!((lab.events().await, lab.told().await.due), (1, true));
    assert_eq!(lab.notify().await, Outcome::Done);
    assert_eq!(
        lab.recorder.sent.lock().unwrap()[0]["ednCnfgInfo"][0]["eess"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    assert!(!lab.told().await.due);
}

#[tokio::test]
async fn a_task_that_comes_again_tells_nothing_new() {
    let lab = Lab::new().await;
    register(&lab.reactions.room, "ees-a").await;
    assert_eq!((lab.notify().await, lab.notify().await), (Outcome::Done, Outcome::Done));
    assert_eq!(lab.sent(), 1);
}

#[tokio::test]
async fn a_change_while_a_notification_is_under_way_is_not_lost() {
    let lab = Lab::new().await;
    register(&lab.reactions.room, "ees-a").await;
    lab.perform(Work::Compare).await;
    *lab.recorder.meanwhile.lock().unwrap() = Some("ees-b");
    lab.notify().await;
    assert_eq!(lab.told().await.answer[0].eess.len(), 1, "noted is what was told");
    lab.perform(Work::Compare).await;
    assert_eq!(lab.events().await, 2);
    lab.notify().await;
    assert_eq!((lab.sent(), lab.told().await.answer[0].eess.len()), (2, 2));
}

#[tokio::test]
async fn a_mark_set_while_a_notification_is_under_way_stays() {
    let lab = Lab::new().await;
    register(&lab.reactions.room, "ees-a").await;
    let news = lab
        .reactions
        .news(&lab.subscription)
        .await
        .expect("readable")
        .expect("news");
    register(&lab.reactions.room, "ees-b").await;
    lab.perform(Work::Compare).await;
    lab.reactions
        .delivered(&lab.subscription, &news.answer, None)
        .await
        .expect("noted");
    assert!(lab.told().await.due, "the look that it promises is still to come");
}

#[tokio::test]
async fn what_was_told_is_not_noted_for_a_subscription_that_is_gone() {
    let lab = Lab::new().await;
    register(&lab.reactions.room, "ees-a").await;
    let room = &lab.reactions.room;
    let gone = Decision::of(())
        .delete(&lab.subscription)
        .delete(&Told::key(&lab.subscription));
    room.commit(room.look(), gone).await.expect("removed");
    lab.reactions
        .delivered(&lab.subscription, &Answer::default(), None)
        .await
        .expect("nothing to do");
    assert_eq!(lab.notify().await, Outcome::Done);
    assert_eq!((lab.sent(), lab.told().await), (0, Told::default()));
}

#[tokio::test]
async fn an_expired_subscription_is_passed_over() {
    let lab = Lab::new().await;
    let clock = ManualClock::at("2026-01-01T12:00:00Z".parse().expect("an instant"));
    let room = Room::new(lab.reactions.room.store().clone(), clock.clone());
    let reactions = EcsReactions::new(room.clone(), lab.reactions.answers.clone(), lab.recorder.clone());
    let mut kept: Kept<EcsServProvSubscription> = room.read(&lab.subscription).await.expect("readable").expect("there");
    kept.expires_at = "2026-01-01T12:00:10Z".parse().ok();
    room.commit(
        room.look(),
        Decision::of(()).put(&lab.subscription, &kept).expect("JSON"),
    )
    .await
    .expect("stored");
    register(&room, "ees-a").await;
    clock.advance(10);
    assert_eq!(reactions.perform(&Work::Compare, 0).await, Outcome::Done);
    assert_eq!(lab.events().await, 0);
}
