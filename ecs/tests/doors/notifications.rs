//! Notifications of Eecs_ServiceProvisioning (TS 24.558 clauses 7.2.2.4 and 8.1.4.2): who is told what, and when not.

use crate::lab::{Lab, REGISTRATIONS, START, SUBSCRIPTIONS, after, eec, ees, ids, profile, received, with};
use edgeapp_core::{
    notifier::{Delivered, NotDelivered},
    outbox::Outcome,
};
use serde_json::{Value, json};
use std::time::Duration;

const DESTINATION: &str = "https://ue.example/cb?x=1";

async fn subscribe(lab: &Lab, more: Value) -> String {
    let body = with(json!({"eecId": "eec-1", "notificationDestination": DESTINATION}), more);
    let (path, _) = lab.post(&eec("eec-1"), SUBSCRIPTIONS, body).await.created();
    lab.settle().await;
    path
}

/// The EESIDs of each notification since the last look.
async fn told(lab: &Lab) -> Vec<Vec<String>> {
    lab.settle().await;
    lab.sent().iter().map(|(_, body)| ids(body)).collect()
}

fn later() -> Result<Delivered, NotDelivered> {
    Err(NotDelivered::Later {
        reason: "busy".into(),
        after: Some(Duration::from_secs(1)),
    })
}

#[tokio::test]
async fn an_ees_that_comes_is_told_at_the_address_as_given() {
    let lab = Lab::new().await;
    let path = subscribe(&lab, json!({"suppFeat": "4"})).await;
    lab.register("ees-a", json!({})).await;
    lab.settle().await;
    let sent = lab.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].0, DESTINATION);
    assert_eq!(sent[0].1["subId"], path.rsplit('/').next().unwrap());
    assert_eq!(ids(&sent[0].1), ["ees-a"]);
    assert_eq!(
        sent[0].1["ednCnfgInfo"][0]["lifeTime"],
        Value::Null,
        "what is kept up to date has no end of its own"
    );
}

#[tokio::test]
async fn what_a_subscriber_knows_is_not_told() {
    let lab = Lab::new().await;
    let path = lab.register("ees-a", json!({})).await;
    subscribe(
        &lab,
        json!({"acProfs": [{"acId": "a", "eass": [{"easId": "eas.chess.example"}]}]}),
    )
    .await;
    assert_eq!(told(&lab).await.len(), 0, "no notification for the subscription itself");
    lab.clock.advance(60);
    lab.patch(&ees("ees-a"), &path, json!({"expTime": after(3000)}))
        .await
        .is(200);
    lab.put(&ees("ees-a"), &path, json!({"eesProf": profile("ees-a", json!({}))}))
        .await
        .is(200);
    lab.register("ees-a", json!({})).await;
    assert_eq!(told(&lab).await.len(), 0, "a longer life is no news");
    lab.register("ees-b", json!({"easIds": ["eas.go"]})).await;
    lab.register("ees-a", json!({"easIds": ["eas.chess.example", "eas.go"]}))
        .await;
    assert_eq!(
        told(&lab).await.len(),
        0,
        "neither are EESs and EASs that were not asked for"
    );
    lab.register("ees-b", json!({})).await;
    assert_eq!(told(&lab).await, [["ees-a", "ees-b"]]);
}

#[tokio::test]
async fn an_ees_that_goes_is_told_however_it_goes() {
    let lab = Lab::new().await;
    let path = lab.register("ees-a", json!({})).await;
    lab.register("ees-b", json!({})).await;
    let body = json!({"eesProf": profile("ees-c", json!({})), "expTime": after(60)});
    lab.post(&ees("ees-c"), REGISTRATIONS, body).await.created();
    subscribe(&lab, json!({})).await;
    lab.delete(&ees("ees-a"), &path).await.is(204);
    assert_eq!(told(&lab).await, [["ees-b", "ees-c"]]);
    lab.pass(59).await;
    assert_eq!(told(&lab).await.len(), 0);
    lab.pass(2).await;
    assert_eq!(
        told(&lab).await,
        [["ees-b"]],
        "the end of a lifetime is a deregistration"
    );
}

#[tokio::test]
async fn the_last_ees_that_goes_ends_what_was_told() {
    let lab = Lab::new().await;
    let path = lab.register("ees-a", json!({})).await;
    subscribe(&lab, json!({})).await;
    lab.delete(&ees("ees-a"), &path).await.is(204);
    lab.settle().await;
    let sent = lab.sent();
    assert_eq!((sent.len(), ids(&sent[0].1)), (1, vec!["ees-a".to_owned()]));
    assert_eq!(sent[0].1["ednCnfgInfo"][0]["lifeTime"], START);
    let other = lab.register("ees-b", json!({"svcArea": {}})).await;
    assert_eq!(told(&lab).await, [["ees-b"]]);
    lab.delete(&ees("ees-b"), &other).await.is(204);
    assert_eq!(told(&lab).await.len(), 1);
}

#[tokio::test]
async fn who_never_had_an_answer_hears_of_no_end() {
    let lab = Lab::new().await;
    subscribe(&lab, json!({})).await;
    let path = lab.register("ees-a", json!({})).await;
    lab.delete(&ees("ees-a"), &path).await.is(204);
    assert_eq!(told(&lab).await.len(), 0);
}

#[tokio::test]
async fn news_are_told_as_they_are_when_they_can_be() {
    let lab = Lab::new().await;
    subscribe(&lab, json!({})).await;
    lab.register("ees-a", json!({})).await;
    lab.register("ees-b", json!({})).await;
    assert_eq!(
        told(&lab).await,
        [["ees-a", "ees-b"]],
        "one notification with the newest state"
    );
}

#[tokio::test]
async fn a_change_of_the_subscription_is_answered_anew() {
    let lab = Lab::new().await;
    lab.register("ees-a", json!({})).await;
    lab.register("ees-b", json!({"easIds": ["eas.go"]})).await;
    let path = subscribe(&lab, json!({})).await;
    lab.patch(&eec("eec-1"), &path, json!({"expTime": after(60)}))
        .await
        .is(200);
    assert_eq!(told(&lab).await.len(), 0);
    lab.patch(
        &eec("eec-1"),
        &path,
        json!({"acProfs": [{"acId": "a", "eass": [{"easId": "eas.go"}]}]}),
    )
    .await
    .is(200);
    assert_eq!(told(&lab).await, [["ees-b"]]);
}

#[tokio::test]
async fn nothing_is_sent_after_the_end_of_a_subscription() {
    let lab = Lab::new().await;
    let path = subscribe(&lab, json!({})).await;
    subscribe(&lab, json!({"expTime": after(10)})).await;
    lab.register("ees-a", json!({})).await;
    lab.delete(&eec("eec-1"), &path).await.is(204);
    lab.clock.advance(10);
    assert_eq!(told(&lab).await.len(), 0);
}

#[tokio::test]
async fn a_busy_subscriber_is_asked_again() {
    let lab = Lab::new().await;
    subscribe(&lab, json!({})).await;
    lab.register("ees-a", json!({})).await;
    lab.will_answer([later(), later(), later(), later(), Ok(received())]);
    assert_eq!(told(&lab).await.len(), 5);
    assert_eq!(told(&lab).await.len(), 0);
}

#[tokio::test]
async fn a_subscriber_that_refuses_is_left_alone_after_three_attempts() {
    let lab = Lab::new().await;
    subscribe(&lab, json!({})).await;
    lab.register("ees-a", json!({})).await;
    lab.will_answer([404, 410, 404].map(|status| Err(NotDelivered::Refused(status))));
    let outcomes = lab.settle().await;
    assert!(matches!(outcomes.last(), Some(Outcome::Hopeless(_))), "{outcomes:?}");
    assert_eq!(lab.sent().len(), 3);
    lab.register("ees-b", json!({})).await;
    assert_eq!(
        told(&lab).await,
        [["ees-a", "ees-b"]],
        "the next change is another chance"
    );
}

#[tokio::test]
async fn a_subscriber_that_moved_is_notified_where_it_is() {
    let lab = Lab::new().await;
    let path = subscribe(&lab, json!({})).await;
    lab.will_answer([Ok(Delivered {
        moved_to: Some("https://new.example/cb".parse().unwrap()),
        ..received()
    })]);
    lab.register("ees-a", json!({})).await;
    assert_eq!(told(&lab).await.len(), 1);
    lab.register("ees-b", json!({})).await;
    lab.settle().await;
    assert_eq!(lab.sent()[0].0, "https://new.example/cb");
    let body = lab.patch(&eec("eec-1"), &path, json!({})).await.is(200);
    assert_eq!(body["notificationDestination"], "https://new.example/cb");
}

#[tokio::test]
async fn test_notification_is_sent_once_and_says_which_subscription() {
    let lab = Lab::new().await;
    lab.will_answer([later()]);
    let path = subscribe(&lab, json!({"requestTestNotification": true, "suppFeat": "1"})).await;
    assert_eq!(
        lab.sent(),
        [(
            DESTINATION.to_owned(),
            json!({"subscription": format!("https://ecs.example{path}")})
        )]
    );
    lab.patch(&eec("eec-1"), &path, json!({})).await.is(200);
    assert_eq!(told(&lab).await.len(), 0);
}

#[tokio::test]
async fn members_of_edge_app_2_are_sent_to_who_agreed_on_it() {
    let lab = Lab::new().await;
    subscribe(&lab, json!({})).await;
    subscribe(&lab, json!({"suppFeat": "4"})).await;
    lab.register("ees-a", json!({})).await;
    lab.settle().await;
    let with_methods = |body: &Value| body["ednCnfgInfo"][0]["eess"][0]["eesAuthMethods"].is_array();
    let mut extended: Vec<bool> = lab.sent().iter().map(|(_, body)| with_methods(body)).collect();
    extended.sort_unstable();
    assert_eq!(extended, [false, true]);
}
