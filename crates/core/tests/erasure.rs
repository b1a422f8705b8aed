//! What is left of the state when somebody was to be forgotten.

use async_trait::async_trait;
use edgeapp_core::{
    clock::ManualClock,
    consent::{Consent, Purpose, Withdrawal},
    erasure::{Subject, consents::ConsentsOfTheRemembered, erase},
    room::Room,
    store::{Commit, Key, Span, Store},
};
use edgeapp_openapi::ids::Gpsi;
use edgeapp_store::MemoryStore;
use std::sync::Arc;
use tokio::sync::broadcast;

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

/// An EEC may be called like a word of the store, or like a server: that takes nothing from anybody else.
///
/// Proves: WP-51
#[tokio::test]
async fn a_name_that_is_also_a_word_of_the_store_takes_its_own_only() {
    let entries = [
        (
            "eec/alice/r1",
            "{\"owner\":\"urn:edgeapp:eec:alice\",\"value\":{\"eecId\":\"alice\"}}",
        ),
        ("eec-by-id/alice", "\"eec/alice/r1\""),
        (
            "context/c1",
            "{\"value\":{\"eecId\":\"alice\",\"uri\":\"https://ue.example/context/1\"}}",
        ),
        ("quota/eec/urn:edgeapp:eec:alice", "1"),
        (
            "ees/urn:edgeapp:ees:ees-a.example/r1",
            "{\"value\":{\"eesId\":\"ees-a.example\"}}",
        ),
        ("ees-by-id/ees-a.example", "{}"),
        ("privacy/pseudonym-key", "secret"),
        ("token/signing-keys", "secret"),
    ];
    for name in [
        "eec",
        "context",
        "ees",
        "token",
        "https:",
        "quota",
        "pseudonym-key",
        "ees-a.example",
    ] {
        let own = [
            (
                format!("eec/{name}/r2"),
                format!("{{\"value\":{{\"eecId\":\"{name}\"}}}}"),
            ),
            (format!("eec-by-id/{name}"), format!("\"eec/{name}/r2\"")),
            (
                "context/c2".to_owned(),
                format!("{{\"value\":{{\"eecId\":\"{name}\"}}}}"),
            ),
            (format!("quota/eec/urn:edgeapp:eec:{name}"), "1".to_owned()),
        ];
        let own = own.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let room = room(&entries.into_iter().chain(own).collect::<Vec<_>>()).await;
        let erased = erase(&room, &Subject::Eec(name.parse().expect("an id")), &[]).await;
        assert_eq!(erased, Ok(4), "{name}");
        assert_eq!(left(&room).await.len(), entries.len(), "{name}");
    }
}

/// A client that was revoked stays revoked when it is forgotten, and so do its tokens.
///
/// Proves: WP-51, WP-22
#[tokio::test]
async fn revocations_stay() {
    let client = "urn:edgeapp:eec:alice";
    let (of_client, of_token) = (
        format!("token/revoked-client/{}", Key::part(client)),
        format!("token/revoked/{}/jti-1", Key::part(client)),
    );
    let value = format!("{{\"client_id\":\"{client}\"}}");
    let room = room(&[
        (&of_client, &value),
        (&of_token, &value),
        ("token/registered", "[\"alice\"]"),
        ("eec/alice/r1", "{}"),
    ])
    .await;
    let alice = Subject::Eec("alice".parse().expect("an id"));
    assert_eq!(erase(&room, &alice, &[]).await, Ok(1));
    let mut stays = vec!["token/registered".to_owned(), of_client, of_token];
    stays.sort();
    assert_eq!(left(&room).await, stays);
}

/// Everybody agreed to everything.
struct Agreed(broadcast::Sender<Withdrawal>);

#[async_trait]
impl Consent for Agreed {
    async fn granted(&self, _: &Gpsi, _: Purpose) -> bool {
        true
    }

    async fn everybody_granted(&self, _: Purpose) -> bool {
        true
    }

    fn withdrawals(&self) -> broadcast::Receiver<Withdrawal> {
        self.0.subscribe()
    }
}

/// Proves: WP-51, WP-30
#[tokio::test]
async fn consents_end_with_whom_they_are_of_and_stay_ended_over_a_restart() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let provider = Arc::new(Agreed(broadcast::Sender::new(4)));
    let (ue, other): (Gpsi, Gpsi) = (
        "msisdn-49".parse().expect("a GPSI"),
        "msisdn-50".parse().expect("a GPSI"),
    );
    let consents = ConsentsOfTheRemembered::over(provider.clone(), store.clone())
        .await
        .expect("a state");
    let mut withdrawals = consents.withdrawals();
    assert!(consents.granted(&ue, Purpose::Qos).await && consents.everybody_granted(Purpose::Qos).await);
    consents.end(&ue).await.expect("ended");
    let ended = withdrawals.recv().await.expect("told");
    assert_eq!(
        ended,
        Withdrawal {
            ue: Some(ue.clone()),
            purpose: None
        }
    );

    let again = ConsentsOfTheRemembered::over(provider.clone(), store.clone())
        .await
        .expect("a state");
    for consents in [&consents, &again] {
        assert!(!consents.granted(&ue, Purpose::Qos).await);
        assert!(consents.granted(&other, Purpose::Qos).await);
        assert!(!consents.everybody_granted(Purpose::Qos).await, "one did not");
    }
    for entry in store.range(Span::prefix("")).await.expect("read").entries {
        let text = format!("{} {}", entry.key, String::from_utf8_lossy(&entry.value));
        assert!(!text.contains("msisdn"), "{text}");
    }
    assert_eq!(again.begin_anew(&ue).await, Ok(true));
    assert_eq!(again.begin_anew(&ue).await, Ok(false));
    assert!(again.granted(&ue, Purpose::Qos).await && again.everybody_granted(Purpose::Qos).await);
    // What the provider itself tells is passed on.
    let taken_back = Withdrawal {
        ue: Some(other),
        purpose: Some(Purpose::Location),
    };
    let mut withdrawals = again.withdrawals();
    provider.0.send(taken_back.clone()).expect("somebody listens");
    assert_eq!(withdrawals.recv().await, Ok(taken_back));
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
