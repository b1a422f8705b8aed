//! What is left of the state when somebody was to be forgotten.

use edgeapp_core::{
    clock::ManualClock,
    erasure::{Subject, erase},
    room::Room,
    store::{Commit, Span},
};
use edgeapp_store::MemoryStore;
use std::sync::Arc;

const NOON: &str = "2026-01-05T12:00:00Z";

async fn room(entries: &[(&str, &str)]) -> Room {
    let room = Room::new(
        Arc::new(MemoryStore::new()),
        ManualClock::at(NOON.parse().expect("a time")),
    );
    let commit = entries.iter().fold(Commit::new(), |commit, (key, value)| {
        commit.put(*key, (*value).to_owned())
    });
    room.store().commit(commit).await.expect("stored");
    room
}

async fn left(room: &Room) -> Vec<String> {
    let all = room.store().range(Span::prefix("")).await.expect("read");
    all.entries.iter().map(|entry| entry.key.as_str().to_owned()).collect()
}

#[tokio::test]
async fn whatever_names_an_eec_goes_and_nothing_else() {
    let room = room(&[
        ("eec/alice%201/r1", "{\"value\":{}}"),
        ("eec-by-id/r1", "\"eec/alice%201/r1\""),
        ("eec-by-ue/r1", "eec/alice%201/r1"),
        ("context/c1", "{\"value\":{\"eecId\":\"alice 1\"}}"),
        ("quota/subscriptions/urn:edgeapp:eec:alice%25201", "3"),
        ("thing/t1", "{\"owner\":\"urn:edgeapp:eec:alice%201\"}"),
        ("app-context/a1", "{\"value\":[{\"alice 1\":7}]}"),
        ("app-context-bytes/a1", "anything"),
        ("app-context-bytes/a2", "anything else"),
        (
            "eec/alice/r2",
            "{\"value\":{\"eecId\":\"alice\",\"text\":\"not alice 1\"}}",
        ),
    ])
    .await;
    let alice = Subject::Eec("alice 1".parse().expect("an id"));
    let erased = erase(&room, &alice, &[("app-context/", "app-context-bytes/")])
        .await
        .expect("erased");
    assert_eq!(left(&room).await, ["app-context-bytes/a2", "eec/alice/r2"]);
    assert_eq!(erased, 7);
    assert_eq!(erase(&room, &alice, &[]).await, Ok(0), "there is nothing left");
}

#[tokio::test]
async fn a_resource_goes_with_its_expiry() {
    let expiry = "expiry/00001767614400000000/location/l1";
    let value =
        format!("{{\"owner\":\"urn:edgeapp:eas:a\",\"expires_at\":\"{NOON}\",\"value\":{{\"gpsi\":\"msisdn-49\"}}}}");
    let room = room(&[
        ("location/l1", &value),
        (expiry, ""),
        ("location/l2", "{\"value\":{\"gpsi\":\"msisdn-491\"}}"),
    ])
    .await;
    let ue = Subject::Ue("msisdn-49".parse().expect("a GPSI"));
    assert_eq!(erase(&room, &ue, &[]).await, Ok(1));
    assert_eq!(left(&room).await, ["location/l2"]);
}
