//! The battery against a private etcd, and what only etcd can do: forget its history and go away.
#![cfg(feature = "client")]

use edgeapp_core::store::{Commit, Expect, Revision, Span, Store, StoreError};
use edgeapp_store_etcd::{ConnectError, EtcdOptions, EtcdStore};
use edgeapp_testkit::{etcd::PrivateEtcd, store::keeps_the_contract};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

/// An etcd for one test; without one, says so and what to do.
#[expect(
    clippy::print_stderr,
    reason = "whoever runs the tests must see that one did not run"
)]
async fn etcd(test: &str) -> Option<PrivateEtcd> {
    let etcd = PrivateEtcd::start().await;
    if etcd.is_none() {
        eprintln!(
            "SKIPPED {test}: no etcd on this machine. To run it: apt-get install etcd-server protobuf-compiler, \
             then cargo test -p edgeapp-store-etcd --features client"
        );
    }
    etcd
}

async fn store(etcd: &PrivateEtcd, name: &str) -> EtcdStore {
    EtcdStore::connect(EtcdOptions::new([etcd.endpoint()], name))
        .await
        .expect("etcd is there")
}

async fn raw(etcd: &PrivateEtcd) -> etcd_client::Client {
    etcd_client::Client::connect([etcd.endpoint()], None)
        .await
        .expect("etcd is there")
}

#[tokio::test]
async fn etcd_keeps_the_contract() {
    let Some(etcd) = etcd("etcd_keeps_the_contract").await else {
        return;
    };
    let made = AtomicUsize::new(0);
    keeps_the_contract(async || store(&etcd, &format!("battery-{}", made.fetch_add(1, Ordering::Relaxed))).await).await;
}

#[tokio::test]
async fn replicas_share_state_and_names_do_not() {
    let Some(etcd) = etcd("replicas_share_state_and_names_do_not").await else {
        return;
    };
    let (one, two, other) = (
        store(&etcd, "edn-1").await,
        store(&etcd, "edn-1").await,
        store(&etcd, "edn-10").await,
    );
    assert!(one.is_shared());
    let mut watch = two.watch("eas/", Revision(0)).await.expect("watch");
    let revision = one.commit(Commit::new().put("eas/1", "profile")).await.expect("commit");
    assert_eq!(watch.recv().await.expect("a change").revision, revision);
    assert_eq!(
        two.get(&"eas/1".into())
            .await
            .expect("get")
            .expect("it was put")
            .revision,
        revision
    );
    let taken = two
        .commit(
            Commit::new()
                .expect(Expect::Absent("eas/1".into()))
                .put("eas/1", "mine"),
        )
        .await;
    assert!(matches!(taken, Err(StoreError::Conflict)));
    assert!(other.range(Span::prefix("")).await.expect("range").entries.is_empty());
}

#[tokio::test]
async fn forgotten_history_is_compacted() {
    let Some(etcd) = etcd("forgotten_history_is_compacted").await else {
        return;
    };
    let store = store(&etcd, "edn-1").await;
    let first = store.commit(Commit::new().put("eas/1", "one")).await.expect("commit");
    store.commit(Commit::new().put("eas/1", "two")).await.expect("commit");
    let last = store.commit(Commit::new().put("eas/1", "three")).await.expect("commit");
    raw(&etcd).await.compact(last.0 as i64, None).await.expect("compact");
    assert!(matches!(store.watch("eas/", first).await, Err(StoreError::Compacted(from)) if from == first));
    let mut watch = store.watch("eas/", last).await.expect("the present is never compacted");
    let next = store.commit(Commit::new().put("eas/1", "four")).await.expect("commit");
    assert_eq!(watch.recv().await.expect("a change").revision, next);
}

#[tokio::test]
async fn a_commit_beyond_the_limits_changes_nothing() {
    let Some(etcd) = etcd("a_commit_beyond_the_limits_changes_nothing").await else {
        return;
    };
    let store = store(&etcd, "edn-1").await;
    let large = store.commit(Commit::new().put("eas/1", vec![0; 2_000_000])).await;
    assert!(matches!(large, Err(StoreError::Full(_))), "{large:?}");
    let many = (0..200).fold(Commit::new(), |commit, number| {
        commit.put(format!("eas/{number}"), "value")
    });
    let many = store.commit(many).await;
    assert!(matches!(many, Err(StoreError::Full(_))), "{many:?}");
    assert!(store.range(Span::prefix("")).await.expect("range").entries.is_empty());
}

#[tokio::test]
async fn when_etcd_goes_away_watches_end_and_requests_fail_in_time() {
    let Some(etcd) = etcd("when_etcd_goes_away_watches_end_and_requests_fail_in_time").await else {
        return;
    };
    let options = EtcdOptions::new([etcd.endpoint()], "edn-1").timeout(Duration::from_millis(500));
    let store = EtcdStore::connect(options.clone()).await.expect("etcd is there");
    let mut watch = store.watch("", Revision(0)).await.expect("watch");
    drop(etcd);
    assert_eq!(watch.recv().await, None);
    assert!(matches!(store.check().await, Err(StoreError::Unavailable(_))));
    assert!(matches!(
        store.commit(Commit::new().put("eas/1", "one")).await,
        Err(StoreError::Unavailable(_))
    ));
    let refused = EtcdStore::connect(options).await.err().expect("nobody is there");
    assert!(
        matches!(refused, ConnectError::Silent { .. } | ConnectError::Client(_)),
        "{refused}"
    );
}
