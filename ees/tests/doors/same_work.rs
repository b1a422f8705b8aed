//! What belongs to somebody else takes the same way through the server as what never was: the same answer after the same questions to
//! the store. Compared is the work and not the clock, which would tell as much of the machine as of the server.

use crate::{
    harness::{Answer, Caller, Doors, Settings},
    scene::{ACR_EVENTS, EAS_HEARS, EEC_HEARS, REGISTRATIONS, chess, subscribe_eas},
};
use async_trait::async_trait;
use axum::http::Method;
use edgeapp_core::store::{Commit, Entry, Key, Range, Revision, Span, Store, StoreError, Watch};
use edgeapp_store::MemoryStore;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const EAS_REGISTRATIONS: &str = "/eees-easregistration/v1/registrations";
const DISCOVERY_SUBSCRIPTIONS: &str = "/eees-easdiscovery/v1/subscriptions";

/// A store that notes what it is asked for: the kind of question and the folder that it is about.
#[derive(Default)]
struct Noted {
    store: MemoryStore,
    asked: Mutex<Vec<String>>,
}

impl Noted {
    fn note(&self, what: &str, key: &str) {
        let folder = key.split('/').next().unwrap_or_default();
        self.asked.lock().unwrap().push(format!("{what} {folder}"));
    }

    /// What it was asked for since the last time.
    fn taken(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

#[async_trait]
impl Store for Noted {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        self.note("get", key.as_str());
        self.store.get(key).await
    }

    async fn range(&self, span: Span) -> Result<Range, StoreError> {
        self.note("range", &span.prefix);
        self.store.range(span).await
    }

    async fn commit(&self, commit: Commit) -> Result<Revision, StoreError> {
        self.note("commit", "");
        self.store.commit(commit).await
    }

    async fn watch(&self, prefix: &str, from: Revision) -> Result<Watch, StoreError> {
        self.store.watch(prefix, from).await
    }

    fn is_shared(&self) -> bool {
        self.store.is_shared()
    }
}

/// What somebody has: its path, and a body with which another would replace it.
struct Object {
    path: String,
    another: Value,
    by_eas: bool,
}

async fn objects(doors: &Doors) -> Vec<Object> {
    let (eec, eas) = (doors.eec("registered-1"), doors.eas("eas.chess.example#1"));
    let registered = eec
        .post(REGISTRATIONS, json!({"eecId": "registered-1"}))
        .await
        .created();
    let events = |eec: &str| {
        json!({"eecId": eec, "easIds": ["eas.chess.example"], "eventIds": "ACR_COMPLETE",
        "notificationDestination": EEC_HEARS})
    };
    let watch = |eec: &str| {
        json!({"eecId": eec, "easEventType": "EAS_AVAILABILITY_CHANGE",
        "notificationDestination": EEC_HEARS})
    };
    let eas_path = eas.post(EAS_REGISTRATIONS, chess("a.example")).await.created();
    let other_eas = json!({"easProf": {"easId": "eas.other.example", "endPt": {"fqdn": "b.example"}}});
    let management = json!({"easId": "eas.other.example", "eventSubscs": [{"event": "ACT_START_STOP"}],
        "notificationDestination": EAS_HEARS});
    let of = |path: String, another: Value, by_eas: bool| Object { path, another, by_eas };
    vec![
        of(registered, json!({"eecId": "registered-2"}), false),
        of(
            eec.post(ACR_EVENTS, events("registered-1")).await.created(),
            events("registered-2"),
            false,
        ),
        of(
            eec.post(DISCOVERY_SUBSCRIPTIONS, watch("registered-1")).await.created(),
            watch("registered-2"),
            false,
        ),
        of(eas_path, other_eas, true),
        of(subscribe_eas(&eas, EAS_HEARS).await, management, true),
    ]
}

async fn call(caller: &Caller, method: &Method, path: &str, another: &Value) -> Answer {
    let (media, body) = match *method {
        Method::PUT => ("application/json", another.to_string()),
        Method::PATCH => ("application/merge-patch+json", "{}".to_owned()),
        _ => ("", String::new()),
    };
    let mut answer = caller.send(method.clone(), path, media, body).await;
    answer.body["instance"].take();
    answer
}

/// Proves: T-27, T-08, WP-27
#[tokio::test]
async fn a_strangers_object_is_as_much_work_as_none() {
    let noted = Arc::new(Noted::default());
    let doors = Doors::with(Settings {
        store: noted.clone(),
        ..Settings::default()
    })
    .await;
    let (eec, eas) = (doors.eec("registered-2"), doors.eas("eas.other.example#1"));
    let mut compared = 0;
    for object in objects(&doors).await {
        let stranger = if object.by_eas { &eas } else { &eec };
        let (collection, id) = object.path.rsplit_once('/').unwrap();
        let never: String = id.chars().rev().collect();
        let never = format!("{collection}/{never}");
        for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE] {
            noted.taken();
            let there = call(stranger, &method, &object.path, &object.another).await;
            let work = noted.taken();
            let nowhere = call(stranger, &method, &never, &object.another).await;
            assert_eq!(noted.taken(), work, "{method} {}", object.path);
            assert_eq!((there.status, &there.body), (nowhere.status, &nowhere.body), "{method}");
            assert_eq!(there.headers, nowhere.headers, "{method} {}", object.path);
            assert!(
                matches!(there.status.as_u16(), 404 | 405),
                "{method} {}: {}",
                object.path,
                there.body
            );
            assert!(!work.iter().any(|asked| asked.starts_with("commit")), "{work:?}");
            compared += usize::from(!work.is_empty());
        }
    }
    assert!(compared >= 12, "only {compared} requests came to the store");
}
