//! What sets a report off, what it says, and that nothing is said twice (clause 5.5.2.5).

use super::*;
use crate::scene::{CONTEXTS, INITIATE, T_EES, player};
use edgeapp_core::store::Store;
use edgeapp_ees_domain::context::ContextPolicy;
use edgeapp_store::MemoryStore;
use std::sync::Arc;

/// Clause 5.5.2.5: a registration that brings a client is told, with its profile as it was registered.
#[tokio::test]
async fn a_registration_is_told_with_the_profiles_that_fit() {
    let doors = site().await;
    let id = subscribe(&doors, to_clients(&["ac.chess", "ac.go"])).await;
    let chess = json!({"acId": "ac.chess", "acType": "game", "prefEcsps": ["ecsp-1"]});
    register(&doors, 1, json!([chess, {"acId": "ac.mail"}])).await;
    let expected = json!({"subId": id_of(&id), "acInfs": [{"acProfs": [chess]}]});
    assert_eq!(raw(&doors).await, [expected]);
}

/// Filters are alternatives, the members of one are demanded together.
#[tokio::test]
async fn filters_are_alternatives_and_their_members_are_not() {
    let doors = site().await;
    let filters = json!({"acFltrs": [{"acTypes": ["game"], "ecspIds": ["ecsp-1"]}, {"acIds": ["ac.mail"]}]});
    subscribe(&doors, subscription(filters)).await;
    let clients = json!([{"acId": "both", "acType": "game", "prefEcsps": ["ecsp-2", "ecsp-1"]}, {"acId": "ac.mail"},
        {"acId": "type", "acType": "game"}, {"acId": "provider", "acType": "work", "prefEcsps": ["ecsp-1"]}]);
    register(&doors, 1, clients).await;
    assert_eq!(told(&doors).await, [["both", "ac.mail"]]);
}

/// An update that adds a client is one notification with that client alone; one that changes nothing, a renewal or a new registration
/// with the same clients is none.
#[tokio::test]
async fn nothing_is_told_twice() {
    let doors = site().await;
    subscribe(&doors, subscription(json!({}))).await;
    let at = register(&doors, 1, json!([{"acId": "a"}])).await;
    assert_eq!(told(&doors).await, [["a"]]);
    let caller = eec(&doors, 1);
    caller
        .put(&at, registration(1, &json!([{"acId": "a"}, {"acId": "b"}])))
        .await
        .found();
    assert_eq!(told(&doors).await, [["b"]]);
    caller
        .put(&at, registration(1, &json!([{"acId": "b"}, {"acId": "a"}])))
        .await
        .found();
    register(&doors, 1, json!([{"acId": "a"}, {"acId": "b"}])).await;
    assert!(told(&doors).await.is_empty());
    register(&doors, 1, json!([{"acId": "a", "acType": "game"}, {"acId": "b"}])).await;
    assert_eq!(told(&doors).await, [["a"]], "what changed is news");
    // Another subscriber knows nothing of it yet.
    register(&doors, 2, json!([{"acId": "a"}])).await;
    assert_eq!(told(&doors).await, [["a"]], "the same client on another UE");
}

/// A deregistration tells nothing; who comes back is told anew, and nothing is remembered meanwhile.
#[tokio::test]
async fn a_deregistration_tells_nothing_and_is_forgotten() {
    let doors = site().await;
    subscribe(&doors, subscription(json!({}))).await;
    let at = register(&doors, 1, json!([{"acId": "a"}])).await;
    assert_eq!(told(&doors).await.len(), 1);
    assert_eq!(doors.keys("ac-told").await.len(), 2);
    eec(&doors, 1).delete(&at).await.done();
    assert!(told(&doors).await.is_empty());
    assert!(doors.keys("ac-told").await.is_empty());
    register(&doors, 1, json!([{"acId": "a"}])).await;
    assert_eq!(told(&doors).await, [["a"]]);
    // An expiry is the same as a deregistration.
    doors.pass(601).await;
    doors.settled().await;
    assert!(doors.keys("ac-told").await.is_empty());
}

/// Registrations are frequent: where nobody could care nothing is committed beside them.
#[tokio::test]
async fn a_registration_that_concerns_nobody_leads_to_no_event() {
    let doors = site().await;
    doors.settled().await;
    // From here on the outbox is held up by nothing: an event would be seen in the revision of the store.
    let events = async || doors.keys("event/").await.len() + doors.keys("lane/").await.len();
    register(&doors, 1, json!([{"acId": "a"}])).await;
    assert_eq!(events().await, 0);
    subscribe(&doors, to_clients(&["ac.chess"])).await;
    register(&doors, 1, json!([{"acId": "a"}])).await;
    register(&doors, 2, json!([])).await;
    assert_eq!(events().await, 0);
}

/// A context that another EES brings registers its EEC, and its clients are told.
#[tokio::test]
async fn an_implicit_registration_is_told() {
    let doors = site().await;
    subscribe(&doors, to_clients(&["ac.chess"])).await;
    let context = json!({"eecId": "eec-1", "cntxId": "ctx-b", "ueId": ue(1), "acProfs": [player()]});
    let push = json!({"eesId": T_EES, "eecCntx": context});
    for _ in 0..2 {
        doors.ees(T_EES).post(CONTEXTS, push.clone()).await.found();
    }
    assert_eq!(told(&doors).await, [["ac.chess"]]);
}

/// A context alone is told too, once; when its EEC registers there is nothing new.
#[tokio::test]
async fn a_context_without_a_registration_is_told() {
    let contexts = ContextPolicy {
        register_implicitly: false,
        stale_seconds: 300,
    };
    let doors = Doors::with(Settings {
        contexts,
        ..Settings::default()
    })
    .await;
    register_eas(&doors.eas(EAS), "a.example").await;
    subscribe(&doors, to_clients(&["ac.chess"])).await;
    let context = json!({"eecId": "eec-1", "cntxId": "ctx-b", "ueId": ue(1), "acProfs": [player()]});
    let push = json!({"eesId": T_EES, "eecCntx": context});
    doors.ees(T_EES).post(CONTEXTS, push).await.done();
    assert_eq!(told(&doors).await, [["ac.chess"]]);
    register(&doors, 1, json!([player()])).await;
    assert!(told(&doors).await.is_empty());
}

/// A context that this EES fetches for a relocation is told.
#[tokio::test]
async fn a_context_that_is_fetched_is_told() {
    let doors = site().await;
    subscribe(&doors, to_clients(&["ac.chess"])).await;
    let context = json!({"eecId": "eec-1", "cntxId": "ctx-b", "ueId": ue(1), "acProfs": [player()]});
    doors.others.answer("pull", context);
    let request = json!({"requestorId": "eec-1", "ueId": ue(1), "easId": "eas.chess.example", "easNotifInd": false,
        "sEasEndpoint": {"fqdn": "chess.edge-b.example"}, "tEasEndpoint": {"fqdn": "a.example"},
        "eecCtxtReloc": {"eecCtxtId": "ctx-b", "sEesId": T_EES, "sEecEndpoint": {"uri": "https://ees-b.example"}}});
    eec(&doors, 1).post(INITIATE, request).await.done();
    assert_eq!(told(&doors).await, [["ac.chess"]]);
}

/// A discovery is told to who asked for that, and to nobody else.
#[tokio::test]
async fn a_discovery_is_told_where_that_was_asked_for() {
    let doors = site().await;
    subscribe(&doors, to_clients(&["ac.chess"])).await;
    let asks = |client: &str| json!({"requestorId": {"eecId": "eec-1"}, "ueId": ue(1), "easDiscoveryFilter": {"acChars": [{"acProf": {"acId": client}}]}});
    const DISCOVER: &str = "/eees-easdiscovery/v1/eas-profiles/request-discovery";
    let caller = eec(&doors, 1);
    caller.post(DISCOVER, asks("ac.chess")).await.found();
    assert!(told(&doors).await.is_empty());
    for (trigger, heard) in [("EAS_DISCOVERY", 1), ("UNSPECIFIED", 1), ("EEC_REGISTRATION", 0)] {
        let wanted = json!({"acFltrs": [{"acIds": ["ac.chess"]}], "trigCondParams": [trigger]});
        let at = subscribe(&doors, subscription(wanted)).await;
        for client in ["ac.chess", "ac.chess", "ac.mail"] {
            caller.post(DISCOVER, asks(client)).await.found();
        }
        assert_eq!(told(&doors).await.len(), heard, "{trigger}");
        doors.eas(EAS).delete(&at).await.done();
    }
    let wanted = json!({"acFltrs": [{"acIds": ["ac.go"]}], "trigCondParams": ["EAS_DISCOVERY"]});
    subscribe(&doors, subscription(wanted)).await;
    register(&doors, 2, json!([{"acId": "ac.go"}])).await;
    assert!(told(&doors).await.is_empty(), "a registration is not a discovery");
}

/// What happened before a restart is told after it, and what was told before is not told again.
#[test]
fn a_restart_loses_nothing_and_repeats_nothing() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let settings = || Settings {
        store: store.clone(),
        ..Settings::default()
    };
    let run = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    // A runtime ends with all that runs in it, as a program does.
    run().block_on(async {
        let doors = site_with(settings()).await;
        subscribe(&doors, subscription(json!({}))).await;
        register(&doors, 1, json!([{"acId": "a"}])).await;
        assert_eq!(told(&doors).await, [["a"]]);
    });
    run().block_on(async {
        let doors = Doors::with(settings()).await;
        register(&doors, 1, json!([{"acId": "a"}])).await;
        assert!(told(&doors).await.is_empty());
    });
    run().block_on(async {
        // Nothing is sent before the program ends.
        let doors = Doors::with(settings()).await;
        register(&doors, 1, json!([{"acId": "a"}, {"acId": "b"}])).await;
    });
    run().block_on(async {
        let doors = Doors::with(settings()).await;
        assert_eq!(told(&doors).await, [["b"]]);
    });
}

/// Each subscriber hears of it, each under its own subscription.
#[tokio::test]
async fn every_subscriber_that_is_concerned_hears() {
    let doors = site().await;
    let mut ids = Vec::new();
    for wanted in [to_clients(&["a"]), subscription(json!({})), to_clients(&["b"])] {
        ids.push(subscribe(&doors, wanted).await);
    }
    register(&doors, 1, json!([{"acId": "a"}])).await;
    let told = raw(&doors).await;
    let mut heard: Vec<_> = told.iter().map(|told| told["subId"].as_str().unwrap()).collect();
    let mut expected: Vec<_> = ids[..2].iter().map(|id| id_of(id)).collect();
    heard.sort_unstable();
    expected.sort_unstable();
    assert_eq!(heard, expected);
}
