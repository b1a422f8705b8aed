//! An EES that is certified and hostile: what it may fetch, what it may bring, and what it cannot take from EECs.

use crate::{
    harness::Doors,
    scene::{CONTEXTS, REGISTRATIONS, T_EES, UE, player},
};
use edgeapp_core::store::Key;
use serde_json::{Value, json};

const VICTIM: &str = "eec-1";

async fn victim(doors: &Doors) -> Value {
    let registered = doors
        .eec(VICTIM)
        .post(
            REGISTRATIONS,
            json!({"eecId": VICTIM, "ueId": UE, "acProfs": [{"acId": "ac.own"}]}),
        )
        .await;
    registered.created();
    registered.body
}

/// Whom the EES takes for the EEC of the UE.
async fn eec_of_ue(doors: &Doors) -> Value {
    let keys = doors.keys("eec-by-ue/").await;
    assert_eq!(keys.len(), 1, "{keys:?}");
    let entry = doors.store.get(&Key::new(keys[0].as_str())).await.unwrap().unwrap();
    serde_json::from_slice::<Value>(&entry.value).unwrap()["value"].take()
}

fn push(eec: &str, context: &str, more: Value) -> Value {
    let mut context = json!({"eecId": eec, "cntxId": context, "acProfs": [player()]});
    context
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    json!({"eesId": T_EES, "eecCntx": context})
}

/// Contexts have names that cannot be guessed: whatever is near one is as unknown as anything else.
///
/// Proves: T-24, H-72
#[tokio::test]
async fn guessing_finds_no_context() {
    let doors = Doors::open().await;
    let registered = victim(&doors).await;
    let id = registered["eecCntxId"].as_str().unwrap();
    assert!(id.len() >= 32, "128 bits in hexadecimal digits: {id}");
    let ees = doors.ees(T_EES);
    let mut said = Vec::new();
    for guess in [
        "nothing",
        VICTIM,
        UE,
        &id[..id.len() - 1],
        &id.to_uppercase(),
        &format!("{id}%00"),
        &format!("../context/{id}"),
    ] {
        let mut answer = ees.get(&format!("{CONTEXTS}?ees-id={T_EES}&eec-cntx-id={guess}")).await;
        if guess.ends_with("%00") {
            answer.refused(400, "MANDATORY_QUERY_PARAM_INCORRECT", "eec-cntx-id");
            continue;
        }
        answer.refused(404, "CONTEXT_NOT_FOUND", "");
        answer.body["instance"].take();
        said.push(answer.body);
    }
    assert!(said.iter().all(|one| *one == said[0]), "{said:?}");
}

/// An EES that brings an EEC of its own making and says that it runs on the victim's UE does not become the way to that UE.
///
/// Proves: T-24
#[tokio::test]
async fn a_ue_that_an_eec_proved_stays_with_it() {
    let doors = Doors::open().await;
    victim(&doors).await;
    let evil = push("eec-evil", "ctx-evil", json!({"ueId": UE}));
    doors.ees(T_EES).post(CONTEXTS, evil.clone()).await.found();
    assert_eq!(eec_of_ue(&doors).await, VICTIM);
    // Again, once it is here already.
    doors.ees(T_EES).post(CONTEXTS, evil).await.found();
    assert_eq!(eec_of_ue(&doors).await, VICTIM);
}

/// What only another EES said gives way to the EEC that proves its UE.
///
/// Proves: T-24
#[tokio::test]
async fn a_ue_that_was_only_told_of_goes_to_who_proves_it() {
    let doors = Doors::open().await;
    doors
        .ees(T_EES)
        .post(CONTEXTS, push("eec-brought", "ctx-b", json!({"ueId": UE})))
        .await
        .found();
    assert_eq!(eec_of_ue(&doors).await, "eec-brought");
    victim(&doors).await;
    assert_eq!(eec_of_ue(&doors).await, VICTIM);
}

/// What is pushed for a registered EEC changes neither its profile nor its lifetime, and the pusher has no way to its registration.
///
/// Proves: T-24, T-08
#[tokio::test]
async fn a_registration_cannot_be_changed_from_outside() {
    let doors = Doors::open().await;
    let before = victim(&doors).await;
    let at = doors.keys("eec/").await[0].rsplit('/').next().unwrap().to_owned();
    let ees = doors.ees(T_EES);
    let poisoned = push(VICTIM, "ctx-other", json!({"ueId": "msisdn-0666"}));
    let answer = ees.post(CONTEXTS, poisoned).await.found();
    assert_eq!(answer["implReg"]["regId"], at.as_str());
    let path = format!("{REGISTRATIONS}/{at}");
    for answer in [ees.delete(&path).await, ees.patch(&path, json!({"acProfs": []})).await] {
        answer.refused(404, "RESOURCE_URI_STRUCTURE_NOT_FOUND", "");
    }
    let after = doors.eec(VICTIM).patch(&path, json!({})).await.found();
    assert_eq!(after, before);
    assert_eq!(eec_of_ue(&doors).await, VICTIM);
}

/// A context is as bounded as any other message.
///
/// Proves: T-24, T-17
#[tokio::test]
async fn a_context_without_bounds_is_refused() {
    let doors = Doors::open().await;
    let many: Vec<_> = (0..1_001).map(|n| json!({"acId": format!("ac.{n}")})).collect();
    doors
        .ees(T_EES)
        .post(CONTEXTS, push("eec-9", "ctx-9", json!({"acProfs": many})))
        .await
        .refused(400, "OPTIONAL_IE_INCORRECT", "/eecCntx/acProfs");
    assert_eq!(doors.keys("context/").await, Vec::<String>::new());
}
