//! The context that an EEC left at another EES (TS 23.558 clause 8.9.1.1).

use super::*;

fn moved() -> Value {
    with(json!({"eecCntxId": "ctx-b", "srcEesId": T_EES, "endPt": {"uri": "https://ees-b.example"}}))
}

fn left_behind(eec: &str) -> Value {
    json!({"eecId": eec, "cntxId": "ctx-b", "sessCntxs": {"sessCntxs": [
        {"easId": "eas.chess.example", "endPt": {"fqdn": "b.example"}}]}})
}

/// Clause 5.2.2.2.2: the context comes from the EES that issued it, under its own id, and is ours from then on.
#[tokio::test]
async fn a_context_is_fetched_from_where_it_was_left() {
    let doors = Doors::open().await;
    doors.others.answer("pull", left_behind("eec-1"));
    let made = doors.eec("eec-1").post(REGISTRATIONS, moved()).await;
    made.created();
    assert_eq!(made.body["eecCntxId"], "ctx-b");
    let asked = doors.others.asked();
    assert_eq!((asked.len(), asked[0].what, asked[0].of.as_str()), (1, "pull", T_EES));
    assert_eq!(
        asked[0].body,
        json!({"ees-id": "ees-a.example", "eec-cntx-id": "ctx-b"})
    );
    let path = format!("{CONTEXTS}?ees-id=ees-c.example&eec-cntx-id=ctx-b");
    let context = doors.ees("ees-c.example").get(&path).await.found();
    assert_eq!((&context["eecId"], &context["ueId"]), (&json!("eec-1"), &json!(UE)));
    assert_eq!(context["sessCntxs"], left_behind("eec-1")["sessCntxs"]);
}

/// A source that does not answer, or has nothing, or sends something else, does not stop the registration.
#[tokio::test]
async fn a_context_that_cannot_be_had_does_not_stop_the_registration() {
    let doors = Doors::open().await;
    let eec = doors.eec("eec-1");
    for error in [
        PeerError::Unreachable("no".into()),
        PeerError::NotFound("no".into()),
        PeerError::Refused("no".into()),
    ] {
        doors.others.fail("pull", error);
        let made = eec.post(REGISTRATIONS, moved()).await;
        made.created();
        assert_ne!(made.body["eecCntxId"], "ctx-b");
    }
    let mut other = left_behind("eec-1");
    other["cntxId"] = "ctx-x".into();
    doors.others.answer("pull", other);
    let made = eec.post(REGISTRATIONS, moved()).await;
    made.created();
    assert!(made.body["eecCntxId"] != "ctx-x" && made.body["eecCntxId"] != "ctx-b");
}

/// With one half of the pair there is nothing to fetch.
#[tokio::test]
async fn half_a_pair_is_no_move() {
    let doors = Doors::open().await;
    let eec = doors.eec("eec-1");
    for half in [json!({"eecCntxId": "ctx-b"}), json!({"srcEesId": T_EES})] {
        let made = eec.post(REGISTRATIONS, with(half)).await;
        made.created();
        assert_ne!(made.body["eecCntxId"], "ctx-b");
    }
    assert!(doors.others.asked().is_empty());
}

/// A context of another EEC is refused, whether it comes from elsewhere or lies here; nothing is kept.
///
/// Proves: T-24, H-17
#[tokio::test]
async fn a_context_of_another_eec_is_refused() {
    let doors = Doors::open().await;
    let eec = doors.eec("eec-1");
    doors.others.answer("pull", left_behind("eec-2"));
    eec.post(REGISTRATIONS, moved())
        .await
        .refused(403, "OWNER_MISMATCH", "/eecCntxId");
    assert!(doors.keys("eec/").await.is_empty());
    let theirs = doors
        .eec("eec-2")
        .post(REGISTRATIONS, json!({"eecId": "eec-2"}))
        .await
        .body["eecCntxId"]
        .clone();
    let stolen = with(json!({"eecCntxId": theirs, "srcEesId": "ees-a.example"}));
    eec.post(REGISTRATIONS, stolen)
        .await
        .refused(403, "OWNER_MISMATCH", "/eecCntxId");
    // A context from elsewhere under an id that another EEC has here.
    let mut forged = left_behind("eec-1");
    forged["cntxId"] = theirs.clone();
    doors.others.answer("pull", forged);
    let forged = with(json!({"eecCntxId": theirs, "srcEesId": T_EES}));
    eec.post(REGISTRATIONS, forged)
        .await
        .refused(403, "OWNER_MISMATCH", "/eecCntxId");
}

/// An EEC that comes back finds the context it left here, without a question to anybody.
#[tokio::test]
async fn a_context_that_was_left_here_is_taken_up_again() {
    let doors = Doors::open().await;
    let eec = doors.eec("eec-1");
    let made = eec.post(REGISTRATIONS, registration()).await;
    let context = made.body["eecCntxId"].clone();
    eec.delete(&made.created()).await.done();
    let back = eec
        .post(
            REGISTRATIONS,
            with(json!({"eecCntxId": context, "srcEesId": "ees-a.example"})),
        )
        .await;
    assert_eq!(back.body["eecCntxId"], context);
    assert!(doors.others.asked().is_empty());
    eec.patch(&back.created(), json!({"expTime": "2026-01-05T12:59:00Z"}))
        .await
        .found();
    doors.pass(400).await;
    assert_eq!(doors.keys("context/").await.len(), 1);
}

/// A registration that takes up another context leaves the older one to grow stale.
#[tokio::test]
async fn a_context_that_is_replaced_grows_stale() {
    let doors = Doors::open().await;
    let eec = doors.eec("eec-1");
    eec.post(REGISTRATIONS, registration()).await.created();
    doors.others.answer("pull", left_behind("eec-1"));
    eec.post(REGISTRATIONS, moved()).await.created();
    assert_eq!(doors.keys("context/").await.len(), 2);
    doors.pass(301).await;
    assert_eq!(doors.keys("context/").await, ["context/ctx-b"]);
}
