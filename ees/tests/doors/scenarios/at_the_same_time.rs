//! Two ask for a relocation of one application context at the same time, under different names (TS 23.558 clause 8.8.1: one relocation of
//! a context at a time).

use super::{
    decided_here::{determine, others, serves_one_area},
    *,
};
use crate::harness::{Answer, Settings};
use axum::http::StatusCode;
use edgeapp_core::store::{Commit, Entry, Key, Range, Revision, Span, Store, StoreError, Watch};
use edgeapp_store::MemoryStore;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::Barrier;

const THIRD: &str = "chess.edge-c.example";

/// A store in which the first two relocations that begin are committed at the same moment: both have been decided by then.
struct Racing {
    kept: MemoryStore,
    line: Barrier,
    to_come: AtomicUsize,
}

#[async_trait::async_trait]
impl Store for Racing {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        self.kept.get(key).await
    }

    async fn range(&self, span: Span) -> Result<Range, StoreError> {
        self.kept.range(span).await
    }

    async fn commit(&self, commit: Commit) -> Result<Revision, StoreError> {
        let begins = commit.puts.iter().any(|(key, _)| key.as_str().starts_with("acr/"));
        let one_less = |left: usize| left.checked_sub(1);
        let races = begins
            && self
                .to_come
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less)
                .is_ok();
        if races {
            self.line.wait().await;
        }
        self.kept.commit(commit).await
    }

    async fn watch(&self, prefix: &str, from: Revision) -> Result<Watch, StoreError> {
        self.kept.watch(prefix, from).await
    }

    fn is_shared(&self) -> bool {
        false
    }
}

async fn before_the_race() -> Scene {
    let racing = Racing {
        kept: MemoryStore::new(),
        line: Barrier::new(2),
        to_come: AtomicUsize::new(2),
    };
    let scene = Scene::with(Settings {
        store: Arc::new(racing),
        ..Settings::default()
    })
    .await;
    others(&scene);
    scene
}

/// What the EEC asks for without the name of its AC.
fn of_the_eec(scene: &Scene) -> Value {
    let mut request = scene.executed_via_source(TARGET);
    request.as_object_mut().unwrap().remove("acId");
    request
}

/// What the S-EAS declares of the AC.
fn of_the_eas(host: &str) -> Value {
    json!({"ueId": UE, "acId": "ac.chess", "tEasId": "eas.chess.example", "tEasEndpoint": {"fqdn": host}})
}

async fn both(scene: &Scene, declared: &str) -> [Answer; 2] {
    let race = async {
        tokio::join!(
            scene.eec.post(INITIATE, of_the_eec(scene)),
            scene.eas.post(DECLARE, of_the_eas(declared)),
        )
    };
    let (eec, eas) = tokio::time::timeout(Duration::from_secs(20), race).await.unwrap();
    [eec, eas]
}

/// The EEC and the S-EAS decide on different targets: one of them gets through, the other hears that a relocation runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_an_eec_and_an_s_eas_one_wins() {
    let scene = before_the_race().await;
    let answers = both(&scene, THIRD).await;
    let won = |answer: &&Answer| answer.status == StatusCode::NO_CONTENT;
    assert_eq!(answers.iter().filter(won).count(), 1, "{answers:?}");
    let lost = answers.iter().find(|answer| !won(answer)).unwrap();
    lost.refused(403, "ACR_IN_PROGRESS", "");
    assert_eq!(scene.doors.keys("acr/").await.len(), 1);
    // Whoever came too late may ask again, and hears the same.
    let again = match won(&&answers[0]) {
        true => scene.eas.post(DECLARE, of_the_eas(THIRD)).await,
        false => scene.eec.post(INITIATE, of_the_eec(&scene)).await,
    };
    again.refused(403, "ACR_IN_PROGRESS", "");
}

/// They decide on the same target: both are content with one relocation.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_an_eec_and_an_s_eas_with_one_target_one_runs() {
    let scene = before_the_race().await;
    for answer in both(&scene, TARGET).await {
        answer.done();
    }
    assert_eq!(scene.doors.keys("acr/").await.len(), 1);
}

/// The S-EES has decided and found a target while the EEC asked for a relocation of its own: no EAS is told of both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_an_eec_and_the_s_ees_one_wins() {
    let scene = serves_one_area(before_the_race().await).await;
    scene.eec.post(DETERMINE, determine("eec-1", "000002")).await.done();
    let mut other = of_the_eec(&scene);
    other["tEasEndpoint"]["fqdn"] = THIRD.into();
    let race = async { tokio::join!(scene.doors.settled(), scene.eec.post(INITIATE, other)) };
    let (_, answer) = tokio::time::timeout(Duration::from_secs(20), race).await.unwrap();
    let expected = match answer.status {
        StatusCode::NO_CONTENT => THIRD,
        _ => {
            answer.refused(403, "ACR_IN_PROGRESS", "");
            TARGET
        }
    };
    assert_eq!(scene.doors.keys("acr/").await.len(), 1);
    assert_eq!(scene.eas_told().await, [start(expected)]);
}

/// A turn is over with its relocation, and leaves nothing behind.
#[tokio::test]
async fn turns_go_with_their_relocations() {
    let scene = Scene::set().await;
    scene.doors.others.answer("push", json!({}));
    scene.eec.post(INITIATE, scene.executed_via_source(TARGET)).await.done();
    scene.eas.post(ACR_STATUS, scene.report("SUCCESSFUL")).await.done();
    scene.doors.settled().await;
    assert_eq!(scene.doors.keys("acr-turn/").await.len(), 1);
    scene.doors.pass(61).await;
    assert!(scene.doors.keys("acr-turn/").await.is_empty());
    assert!(scene.doors.keys("acr/").await.is_empty());
}
