//! What a CAS hears of the EES that serves a UE (Ecas_SelectedEES, TS 29.558 clauses 6A.2 and 8A.1): the calling end.

use crate::{
    harness::{Answer, Doors, FOR_CAS, OWN_ID},
    scene::{REGISTRATIONS, UE, register_eas},
};
use edgeapp_core::{authorizer::ReferencePoint, notifier::NotDelivered};
use serde_json::{Value, json};

const DECLARE: &str = "/eees-easinfoprov/v1/declare";
const CHESS: &str = "eas.chess.example";
const CAS: &str = "https://cas.example:8443/api";
const CAS_HEARS: &str = "https://cas.example:8443/api/ecas-selected-ees/v1/declare";

async fn site() -> Doors {
    let doors = Doors::open().await;
    let request = json!({"eecId": "eec-1", "ueId": UE});
    doors.eec("eec-1").post(REGISTRATIONS, request).await.created();
    doors
}

async fn select(doors: &Doors, cas: &str) -> Answer {
    let request = json!({"eecId": "eec-1", "acId": "ac.chess", "selEasIds": [CHESS], "reqType": "EAS_SELECTION",
        "casInfo": {"uri": cas}});
    doors.eec("eec-1").post(DECLARE, request).await
}

/// The declaration that a CAS hears.
fn declaration() -> Value {
    json!({"ueId": UE, "seleEesId": OWN_ID, "seleEndpoint": {"uri": FOR_CAS}, "easId": CHESS, "acId": "ac.chess"})
}

/// Clause 6A.2.2.2: the CAS that was selected hears which EES serves the UE, and where it is reached. The same selection again is no
/// news; another CAS is.
#[tokio::test]
async fn a_cas_that_is_selected_hears_of_the_ees_once() {
    let doors = site().await;
    select(&doors, CAS).await.done();
    doors.settled().await;
    assert_eq!(doors.subscribers.told_at(CAS_HEARS), [declaration()]);
    select(&doors, CAS).await.done();
    doors.settled().await;
    assert_eq!(doors.subscribers.told(), []);
    select(&doors, "https://other.example").await.done();
    doors.settled().await;
    let at = "https://other.example/ecas-selected-ees/v1/declare";
    assert_eq!(doors.subscribers.told_at(at), [declaration()]);
}

/// Back at the edge and out again: the CAS hears it anew.
#[tokio::test]
async fn a_cas_that_is_selected_again_hears_it_again() {
    let doors = site().await;
    register_eas(&doors.eas("eas.chess.example#a1"), "a.example").await;
    select(&doors, CAS).await.done();
    let back = json!({"eecId": "eec-1", "acId": "ac.chess", "selEasIds": [CHESS]});
    doors.eec("eec-1").post(DECLARE, back).await.found();
    select(&doors, CAS).await.done();
    doors.settled().await;
    assert_eq!(doors.subscribers.told_at(CAS_HEARS), [declaration(), declaration()]);
}

/// A CAS that is away hears it when it is back; one that refuses three times is left alone.
#[tokio::test]
async fn a_cas_that_is_away_hears_it_later() {
    let doors = site().await;
    let away = NotDelivered::Later {
        reason: "away".to_owned(),
        after: None,
    };
    doors.subscribers.refuse(CAS_HEARS, away);
    select(&doors, CAS).await.done();
    let back = async {
        while doors.subscribers.refused() < 2 {
            tokio::task::yield_now().await;
        }
        doors.subscribers.take_again(CAS_HEARS);
    };
    tokio::join!(doors.settled(), back);
    assert_eq!(doors.subscribers.told_at(CAS_HEARS), [declaration()]);

    let doors = site().await;
    doors.subscribers.refuse(CAS_HEARS, NotDelivered::Refused(403));
    select(&doors, CAS).await.done();
    doors.settled().await;
    assert_eq!((doors.subscribers.refused(), doors.subscribers.told()), (3, Vec::new()));
}

/// Nobody is told of a selection that is kept no more.
#[tokio::test]
async fn a_selection_that_is_over_is_not_told() {
    let doors = site().await;
    let away = NotDelivered::Later {
        reason: "away".to_owned(),
        after: None,
    };
    doors.subscribers.refuse(CAS_HEARS, away);
    select(&doors, CAS).await.done();
    let over = async {
        while doors.subscribers.refused() < 1 {
            tokio::task::yield_now().await;
        }
        doors.pass(700).await;
        doors.subscribers.take_again(CAS_HEARS);
    };
    tokio::join!(doors.settled(), over);
    assert_eq!(doors.subscribers.told(), []);
}

/// Neither is a CAS that another one took the place of, while it was away.
#[tokio::test]
async fn a_cas_that_is_selected_no_more_is_not_told() {
    let doors = site().await;
    let away = NotDelivered::Later {
        reason: "away".to_owned(),
        after: None,
    };
    doors.subscribers.refuse(CAS_HEARS, away);
    select(&doors, CAS).await.done();
    let replaced = async {
        while doors.subscribers.refused() < 1 {
            tokio::task::yield_now().await;
        }
        select(&doors, "https://other.example").await.done();
        doors.subscribers.take_again(CAS_HEARS);
    };
    tokio::join!(doors.settled(), replaced);
    doors.settled().await;
    let told: Vec<String> = doors.subscribers.told().into_iter().map(|told| told.at).collect();
    assert_eq!(told, ["https://other.example/ecas-selected-ees/v1/declare"]);
}

/// The address is an EEC's choice: it must not lead inside. Nothing is noted then.
///
/// Proves: T-11
#[tokio::test]
async fn an_address_that_may_not_be_called_is_refused() {
    let doors = site().await;
    for (cas, status) in [
        ("https://127.0.0.1:8443", 403),
        ("https://10.0.0.1", 403),
        ("https://localhost", 403),
        ("http://cas.example", 400),
        ("https://user@cas.example", 400),
        ("https://cas.example/#x", 400),
    ] {
        let answer = select(&doors, cas).await;
        answer.refused(status, "CALLBACK_NOT_ALLOWED", "/casInfo");
    }
    let addresses =
        json!({"eecId": "eec-1", "acId": "ac.chess", "selEasIds": [CHESS], "casInfo": {"ipv6Addrs": ["::1"]}});
    let answer = doors.eec("eec-1").post(DECLARE, addresses).await;
    answer.refused(403, "CALLBACK_NOT_ALLOWED", "/casInfo");
    assert!(doors.keys("eas-selection/").await.is_empty());
    doors.settled().await;
    assert_eq!(doors.subscribers.told(), []);
}

/// A CAS hears whose EES it is: without a UE that somebody vouches for there is nothing to say.
#[tokio::test]
async fn without_a_ue_it_is_refused() {
    let doors = Doors::open().await;
    let nobody = doors.caller(ReferencePoint::Edge1, &["urn:edgeapp:eec:eec-9"]);
    nobody.post(REGISTRATIONS, json!({"eecId": "eec-9"})).await.created();
    let request = json!({"eecId": "eec-9", "acId": "ac.chess", "selEasIds": [CHESS], "casInfo": {"uri": CAS}});
    nobody
        .post(DECLARE, request)
        .await
        .refused(403, "UE_ID_NOT_VERIFIED", "");
}
