//! The end of a registration, asked for or by itself (TS 24.558 clause 5.2.2.4).

use super::*;

/// A stranger finds nothing and changes nothing; what ended is not there.
#[tokio::test]
async fn a_registration_ends_once_and_for_its_owner_only() {
    let doors = Doors::open().await;
    let (eec, stranger) = (doors.eec("eec-1"), doors.eec("eec-2"));
    let at = eec.post(REGISTRATIONS, registration()).await.created();
    stranger
        .put(&at, json!({"eecId": "eec-2"}))
        .await
        .refused(404, "RESOURCE_NOT_FOUND", "");
    stranger
        .patch(&at, json!({}))
        .await
        .refused(404, "RESOURCE_NOT_FOUND", "");
    stranger.delete(&at).await.refused(404, "RESOURCE_NOT_FOUND", "");
    eec.delete(&at).await.done();
    eec.delete(&at).await.refused(404, "RESOURCE_NOT_FOUND", "");
    for odd in ["..%2f..%2fadmin", "%00", &"x".repeat(600)] {
        let answer = eec.delete(&format!("{REGISTRATIONS}/{odd}")).await;
        assert_eq!(answer.status, 404, "{odd}: {}", answer.body);
    }
}

/// TS 23.558 clause 8.9.1.3: the context outlives its registration for a while, for the next EES to fetch.
#[tokio::test]
async fn the_context_is_kept_for_a_while_after_the_end() {
    let doors = Doors::open().await;
    let eec = doors.eec("eec-1");
    let made = eec.post(REGISTRATIONS, registration()).await;
    let context = format!(
        "{CONTEXTS}?ees-id={T_EES}&eec-cntx-id={}",
        made.body["eecCntxId"].as_str().unwrap()
    );
    eec.delete(&made.created()).await.done();
    doors.pass(299).await;
    doors.ees(T_EES).get(&context).await.found();
    doors.clock.advance(1);
    doors
        .ees(T_EES)
        .get(&context)
        .await
        .refused(404, "CONTEXT_NOT_FOUND", "");
    doors.pass(1).await;
    assert!(doors.keys("").await.is_empty(), "{:?}", doors.keys("").await);
}

/// Expiry is invisible at once and has the effects of an end.
#[tokio::test]
async fn what_expires_ends_as_if_it_had_been_ended() {
    let doors = Doors::open().await;
    let eec = doors.eec("eec-1");
    let made = eec.post(REGISTRATIONS, registration()).await;
    let (at, context) = (made.created(), made.body["eecCntxId"].as_str().unwrap().to_owned());
    doors.pass(599).await;
    eec.patch(&at, json!({"ueMobilityReq": true})).await.found();
    doors.clock.advance(1);
    eec.patch(&at, json!({})).await.refused(404, "RESOURCE_NOT_FOUND", "");
    doors.pass(1).await;
    let left: Vec<String> = doors
        .keys("")
        .await
        .into_iter()
        .filter(|key| !key.starts_with("expiry/"))
        .collect();
    assert_eq!(left, [format!("context/{context}")]);
    doors.pass(301).await;
    assert!(doors.keys("").await.is_empty());
}

/// Renewed before its end it goes on; the sweep of the older end does nothing.
#[tokio::test]
async fn what_is_renewed_in_time_goes_on() {
    let doors = Doors::open().await;
    let eec = doors.eec("eec-1");
    let at = eec.post(REGISTRATIONS, registration()).await.created();
    doors.pass(500).await;
    let renewed = eec.put(&at, registration()).await.found();
    assert_eq!(renewed["expTime"], "2026-01-05T12:18:20Z");
    doors.pass(200).await;
    eec.patch(&at, json!({})).await.found();
    assert_eq!(id_of(&at).len(), 32);
}
