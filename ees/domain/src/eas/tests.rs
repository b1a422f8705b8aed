use super::*;
use edgeapp_core::{
    clock::ManualClock,
    store::{Span, Store},
    sweeper::{Expiring, sweep},
};
use edgeapp_store::MemoryStore;
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc};

/// A read model that nobody reads.
struct Nowhere;

impl edgeapp_core::follow::View for Nowhere {
    fn reset(&self, _: Vec<edgeapp_core::store::Entry>) {}
    fn apply(&self, _: Vec<edgeapp_core::store::Change>) {}
}

struct Place {
    store: Arc<dyn Store>,
    clock: Arc<ManualClock>,
    room: Room,
    eass: EasService,
}

async fn place() -> Place {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let clock = ManualClock::at("2026-01-05T12:00:00Z".parse().unwrap());
    let room = Room::new(store.clone(), clock.clone());
    let follower = Follower::start(store.clone(), "eas/", Arc::new(Nowhere)).await.unwrap();
    let eass = EasService::new(
        room.clone(),
        Lifetimes {
            max: None,
            default: Some(60),
            spread_percent: 0,
        },
        None,
        follower,
    );
    Place {
        store,
        clock,
        room,
        eass,
    }
}

fn instance(name: &str) -> Principal {
    Principal::from_names([format!("urn:edgeapp:eas:eas.chess%23{name}").as_str()], []).unwrap()
}

fn chess(end_pt: Value) -> EasRegistration {
    serde_json::from_value(json!({"easProf": {"easId": "eas.chess", "endPt": end_pt}})).unwrap()
}

impl Place {
    /// The events told so far, as pairs of the hosts before and after.
    async fn events(&self) -> BTreeSet<(Option<String>, Option<String>)> {
        let entries = self.store.range(Span::prefix("event/")).await.unwrap().entries;
        let host =
            |profile: Option<Box<EasProfile>>| profile.map(|profile| serde_json::to_string(&profile.end_pt).unwrap());
        let told = entries
            .iter()
            .filter_map(|entry| match serde_json::from_slice(&entry.value).unwrap() {
                Event::EasChanged { before, after, .. } => Some((host(before), host(after))),
                Event::EasRegistrationEnded(_) => None,
                other => panic!("{other:?}"),
            });
        told.collect()
    }

    async fn keys(&self, prefix: &str) -> usize {
        self.store.range(Span::prefix(prefix)).await.unwrap().entries.len()
    }
}

#[async_trait]
impl Expiring for EasService {
    async fn expired(&self, key: &Key, seen: &mut Seen) -> Result<Decision<()>, Error> {
        Self::expired(self, key, seen).await
    }
}

#[test]
fn an_endpoint_is_the_same_however_it_is_written() {
    let key = |end_pt: Value| endpoint_key(&chess(end_pt).eas_prof);
    assert_eq!(key(json!({"fqdn": "A.example."})), key(json!({"fqdn": "a.example"})));
    assert_eq!(
        key(json!({"ipv4Addrs": ["192.0.2.2", "192.0.2.1"]})),
        key(json!({"ipv4Addrs": ["192.0.2.1", "192.0.2.2", "192.0.2.1"]}))
    );
    assert_ne!(
        key(json!({"uri": "https://a.example"})),
        key(json!({"fqdn": "a.example"}))
    );
    let text = key(json!({"fqdn": "a.example"})).to_string();
    assert_eq!(text.len(), "eas-endpoint/eas.chess/".len() + 32, "{text}");
}

#[tokio::test]
async fn expiry_frees_the_endpoint_and_is_told_as_an_end() {
    let place = place().await;
    place
        .eass
        .register(&instance("a"), chess(json!({"fqdn": "a.example"})))
        .await
        .unwrap();
    assert_eq!((place.keys("eas/").await, place.keys("eas-endpoint/").await), (1, 1));
    place.clock.advance(61);
    assert_eq!(sweep(&place.room, &place.eass).await.unwrap(), 1);
    assert_eq!(
        (
            place.keys("eas/").await,
            place.keys("eas-endpoint/").await,
            place.keys("expiry/").await
        ),
        (0, 0, 0)
    );
    let a = || Some(r#"{"fqdn":"a.example"}"#.to_owned());
    assert_eq!(place.events().await, [(None, a()), (a(), None)].into());
}

#[tokio::test]
async fn an_instance_that_moves_onto_its_own_older_registration_ends_that() {
    let place = place().await;
    let owner = instance("a");
    let first = place
        .eass
        .register(&owner, chess(json!({"fqdn": "a.example"})))
        .await
        .unwrap();
    let second = place
        .eass
        .register(&owner, chess(json!({"fqdn": "b.example"})))
        .await
        .unwrap();
    let moved = Change::Replace(chess(json!({"fqdn": "a.example"})));
    place.eass.change(&owner, &second.id, moved).await.unwrap();
    assert!(place.eass.read(&owner, &first.id).await.is_err());
    assert_eq!(
        (
            place.keys("eas/").await,
            place.keys("eas-endpoint/").await,
            place.keys("expiry/").await
        ),
        (1, 1, 1)
    );
    place.eass.deregister(&owner, &second.id).await.unwrap();
    assert_eq!(
        (
            place.keys("eas/").await,
            place.keys("eas-endpoint/").await,
            place.keys("expiry/").await
        ),
        (0, 0, 0)
    );
}

#[tokio::test]
async fn a_renewal_that_changes_nothing_else_is_not_told() {
    let place = place().await;
    let made = place
        .eass
        .register(&instance("a"), chess(json!({"fqdn": "a.example"})))
        .await
        .unwrap();
    let renewal = Change::Patch(json!({"expTime": "2026-01-05T13:00:00Z"}));
    let renewed = place.eass.change(&instance("a"), &made.id, renewal).await.unwrap();
    assert_eq!(renewed.exp_time.unwrap().to_string(), "2026-01-05T13:00:00Z");
    assert_eq!(place.events().await.len(), 1);
}

#[tokio::test]
async fn of_many_at_once_one_instance_gets_an_endpoint() {
    let place = Arc::new(place().await);
    let racers = (0..8).map(|n| {
        let place = place.clone();
        tokio::spawn(async move {
            let request = chess(json!({"fqdn": "a.example"}));
            place
                .eass
                .register(&instance(&n.to_string()), request)
                .await
                .map_err(|error| error.cause)
        })
    });
    let mut outcomes = Vec::new();
    for racer in racers.collect::<Vec<_>>() {
        outcomes.push(racer.await.unwrap());
    }
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let refused = outcomes
        .into_iter()
        .filter_map(Result::err)
        .all(|cause| cause == Cause::EasAlreadyRegistered);
    assert!(refused);
    assert_eq!((place.keys("eas/").await, place.keys("eas-endpoint/").await), (1, 1));
}

/// Where it is demanded, an EAS is reached at a name of its certificate: nobody announces another's host as its own.
#[tokio::test]
async fn strict_endpoints_are_names_of_the_certificate() {
    let place = place().await;
    let eass = place.eass.with_only_names_of_certificates(true);
    let names = ["chess.example", "one.edge.example"];
    let eas = Principal::from_names(["urn:edgeapp:eas:eas.chess%23a"], names).unwrap();
    for fine in [
        json!({"uri": "https://chess.example:8443/play"}),
        json!({"fqdn": "Chess.Example."}),
        json!({"fqdn": "one.edge.example"}),
    ] {
        eass.register(&eas, chess(fine.clone()))
            .await
            .unwrap_or_else(|error| panic!("{fine}: {error}"));
    }
    let refused = |error: Error| {
        assert_eq!(error.cause, Cause::EndpointNotAllowed);
        assert_eq!(error.invalid[0].param, "/easProf/endPt");
    };
    for foreign in [
        json!({"uri": "https://victim.example/"}),
        json!({"uri": "https://192.0.2.1/"}),
        json!({"uri": "https://chess.example@victim.example/"}),
        json!({"fqdn": "chess.example.victim.example"}),
        json!({"ipv4Addrs": ["192.0.2.1"]}),
    ] {
        refused(eass.register(&eas, chess(foreign)).await.unwrap_err());
    }
    let own = eass
        .register(&eas, chess(json!({"fqdn": "chess.example"})))
        .await
        .unwrap();
    let patch = Change::Patch(json!({"easProf": {"endPt": {"fqdn": "victim.example"}}}));
    refused(eass.change(&eas, &own.id, patch).await.unwrap_err());
    let foreign = Change::Replace(chess(json!({"fqdn": "victim.example"})));
    refused(eass.change(&eas, &own.id, foreign).await.unwrap_err());
}
