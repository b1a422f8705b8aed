//! What an ECS does on its own: the outbox and the sweeper at work.

use crate::lab::{Lab, SUBSCRIPTIONS, eec, ids};
use serde_json::json;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn subscribers_are_told_of_what_comes_and_of_what_expires() {
    let lab = Lab::new().await;
    let body = json!({"eecId": "eec-1", "notificationDestination": "https://ue.example/cb"});
    lab.post(&eec("eec-1"), SUBSCRIPTIONS, body).await.created();
    let stop = CancellationToken::new();
    let course = async {
        lab.register("ees-a", json!({})).await;
        assert_eq!(ids(&lab.next_sent().await[0].1), ["ees-a"]);
        lab.clock.advance(1800);
        lab.register("ees-b", json!({})).await;
        assert_eq!(ids(&lab.next_sent().await[0].1), ["ees-a", "ees-b"]);
        lab.clock.advance(1801);
        assert_eq!(
            ids(&lab.next_sent().await[0].1),
            ["ees-b"],
            "the sweeper found the end of ees-a"
        );
        stop.cancel();
    };
    tokio::join!(lab.ecs.work(stop.clone()), course);
}

#[tokio::test]
async fn what_was_not_sent_when_it_stopped_is_sent_by_the_next_run() {
    let lab = Lab::new().await;
    let body = json!({"eecId": "eec-1", "notificationDestination": "https://ue.example/cb"});
    lab.post(&eec("eec-1"), SUBSCRIPTIONS, body).await.created();
    lab.register("ees-a", json!({})).await;
    let stopped = CancellationToken::new();
    stopped.cancel();
    lab.ecs.work(stopped).await;
    let stop = CancellationToken::new();
    let course = async {
        assert_eq!(ids(&lab.next_sent().await[0].1), ["ees-a"]);
        stop.cancel();
    };
    tokio::join!(lab.ecs.work(stop.clone()), course);
}
