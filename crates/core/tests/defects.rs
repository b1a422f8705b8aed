//! One bad resource, event or task must not stop the work on all the others.

use async_trait::async_trait;
use edgeapp_core::{
    clock::ManualClock,
    error::Error,
    outbox::{Outbox, OutboxSettings, Outcome, Reactions, Task, Todo},
    room::{Decision, EVENT, Room, Seen},
    store::{Commit, Key, Span},
    sweeper::{Expiring, sweep},
};
use edgeapp_store::MemoryStore;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::Notify;

fn room() -> (Room, Arc<ManualClock>) {
    let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
    (Room::new(Arc::new(MemoryStore::new()), clock.clone()), clock)
}

/// Cannot read what is kept under `bad`.
struct Picky;

#[async_trait]
impl Expiring for Picky {
    async fn expired(&self, key: &Key, _: &mut Seen) -> Result<Decision<()>, Error> {
        if key.as_str() == "bad" {
            Err(Error::internal("cannot be read"))
        } else {
            Ok(Decision::of(()))
        }
    }
}

#[tokio::test]
async fn what_cannot_be_removed_does_not_keep_the_rest() {
    let (room, clock) = room();
    for key in ["a", "bad", "c"] {
        let end = "2026-01-01T00:00:01Z".parse().unwrap();
        let value = format!(r#"{{"expires_at":"{end}"}}"#).into_bytes().into();
        let mut seen = room.look();
        seen.fresh(&Key::new(key));
        room.commit(seen, Decision::of(()).put_bytes(&Key::new(key), value, Some(end)))
            .await
            .unwrap()
            .unwrap();
    }
    clock.advance(2);
    assert_eq!(sweep(&room, &Picky).await.unwrap(), 2);
    let left = room.store().range(Span::prefix("")).await.unwrap().entries;
    assert!(left.iter().all(|entry| entry.key.as_str().ends_with("bad")), "{left:?}");
}

/// Panics once at the task "panic" and always at the event "poison"; cannot react to "lost"; notes what it did.
#[derive(Default)]
struct Clumsy {
    done: Mutex<Vec<String>>,
    progress: Notify,
}

#[async_trait]
impl Reactions for Clumsy {
    type Event = String;
    type Work = String;

    async fn react(&self, event: String) -> Result<Vec<Todo<String>>, Error> {
        assert_ne!(event, "poison");
        if event == "lost" {
            return Err(Error::internal("cannot be read"));
        }
        Ok(vec![Todo {
            lane: "lane".to_owned(),
            task: Task {
                work: event,
                guard: None,
                until: None,
            },
        }])
    }

    async fn perform(&self, work: &String, attempt: u32) -> Outcome {
        assert!(work != "panic" || attempt > 0, "the first attempt panics");
        self.done.lock().unwrap().push(work.clone());
        self.progress.notify_one();
        Outcome::Done
    }
}

/// Proves: WP-60
#[tokio::test]
async fn bad_events_are_put_aside_and_a_panic_is_an_attempt() {
    let (room, _) = room();
    let clumsy = Arc::new(Clumsy::default());
    for (n, event) in ["panic", "poison", "lost", "after"].into_iter().enumerate() {
        let event = serde_json::to_vec(event).unwrap();
        room.store()
            .commit(Commit::new().put(format!("{EVENT}{n}-0000"), event))
            .await
            .unwrap();
    }
    let settings = OutboxSettings {
        first_retry: Duration::from_millis(1),
        ..OutboxSettings::default()
    };
    let running = tokio::spawn(Outbox::new(room.clone(), clumsy.clone(), settings).run());
    while clumsy.done.lock().unwrap().len() < 2 {
        clumsy.progress.notified().await;
    }
    running.abort();
    assert_eq!(*clumsy.done.lock().unwrap(), ["panic", "after"]);
    assert_eq!(
        room.store().range(Span::prefix("dead/")).await.unwrap().entries.len(),
        2
    );
}

/// Does nothing before it is let; then notes what it did. "keep" never gives way.
struct Slow {
    gate: tokio::sync::Semaphore,
    began: Notify,
    done: Mutex<Vec<String>>,
}

#[async_trait]
impl Reactions for Slow {
    type Event = String;
    type Work = String;

    async fn react(&self, event: String) -> Result<Vec<Todo<String>>, Error> {
        let task = Task {
            work: event,
            guard: None,
            until: None,
        };
        Ok(vec![Todo {
            lane: "lane".to_owned(),
            task,
        }])
    }

    fn may_give_way(&self, work: &String) -> bool {
        work != "keep"
    }

    async fn perform(&self, work: &String, _: u32) -> Outcome {
        self.began.notify_one();
        self.gate.acquire().await.unwrap().forget();
        self.done.lock().unwrap().push(work.clone());
        Outcome::Done
    }
}

async fn tell(room: &Room, event: &str) {
    let key = format!("{EVENT}{event}-0000");
    let told = serde_json::to_vec(event).unwrap();
    room.store().commit(Commit::new().put(key, told)).await.unwrap();
}

async fn until_there_are(room: &Room, prefix: &str, wanted: usize) {
    let counted = async {
        while room.store().range(Span::prefix(prefix)).await.unwrap().entries.len() != wanted {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), counted).await.unwrap();
}

#[tokio::test]
async fn in_a_lane_that_is_too_long_the_oldest_give_way() {
    let (room, _) = room();
    let slow = Arc::new(Slow {
        gate: tokio::sync::Semaphore::new(0),
        began: Notify::new(),
        done: Mutex::default(),
    });
    let settings = OutboxSettings {
        backlog: 4,
        ..OutboxSettings::default()
    };
    let running = tokio::spawn(Outbox::new(room.clone(), slow.clone(), settings).run());
    tell(&room, "first").await;
    slow.began.notified().await;
    for event in ["keep", "a", "b", "c", "d", "e"] {
        tell(&room, event).await;
        until_there_are(&room, EVENT, 0).await;
    }
    // The first is under way, "keep" must be done: "a", "b" and "c" made room.
    until_there_are(&room, "lane/", 4).await;
    slow.gate.add_permits(10);
    until_there_are(&room, "lane/", 0).await;
    running.abort();
    assert_eq!(*slow.done.lock().unwrap(), ["first", "keep", "d", "e"]);
}
