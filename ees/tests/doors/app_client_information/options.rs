//! When and how often it is told (`eventReq`, TS 29.523).

use super::*;

fn with_options(options: Value) -> Value {
    subscription(json!({"acFltrs": [{"acTypes": ["game"]}], "eventReq": options}))
}

fn game(id: &str) -> Value {
    json!([{"acId": id, "acType": "game"}])
}

/// What is known at once is told at once, and not again when it is registered anew.
#[tokio::test]
async fn what_is_known_is_told_at_once_where_that_is_asked_for() {
    let doors = site().await;
    register(&doors, 1, game("a")).await;
    register(&doors, 2, game("b")).await;
    register(&doors, 3, json!([{"acId": "c"}])).await;
    subscribe(&doors, with_options(json!({}))).await;
    assert!(told(&doors).await.is_empty());
    subscribe(&doors, with_options(json!({"immRep": true}))).await;
    assert_eq!(told(&doors).await, [["a", "b"]]);
    register(&doors, 1, json!([{"acId": "a", "acType": "game"}])).await;
    assert_eq!(
        told(&doors).await.len(),
        1,
        "the other subscriber alone hears it for the first time"
    );
    register(&doors, 1, json!([{"acId": "a", "acType": "game"}])).await;
    assert!(told(&doors).await.is_empty());
}

/// More than one report's worth of EECs is told in several.
#[tokio::test]
async fn many_are_told_in_one_report() {
    let doors = site().await;
    for n in 0..40 {
        let body = json!({"eecId": format!("eec-{n}"), "acProfs": game(&format!("ac-{n}"))});
        doors.eec(&format!("eec-{n}")).post(REGISTRATIONS, body).await.created();
    }
    subscribe(&doors, with_options(json!({"immRep": true, "notifMethod": "ONE_TIME"}))).await;
    let told = told(&doors).await;
    assert_eq!((told.len(), told[0].len()), (1, 40));
    assert!(
        doors.keys("ac-").await.is_empty(),
        "the subscription has said all it had to say"
    );
}

/// One report, or so many, and the subscription ends; what was remembered for it too.
#[tokio::test]
async fn a_number_of_reports_ends_the_subscription() {
    for (options, reports) in [(json!({"notifMethod": "ONE_TIME"}), 1), (json!({"maxReportNbr": 2}), 2)] {
        let doors = site().await;
        let at = subscribe(&doors, with_options(options)).await;
        for n in 1..4 {
            register(&doors, n, game("a")).await;
            doors.settled().await;
        }
        assert_eq!(told(&doors).await.len(), reports);
        doors.eas(EAS).get(&at).await.refused(404, "SUBSCRIPTION_NOT_FOUND", "");
        for left in ["ac-", "progress/ac-", "timer/ac-"] {
            assert!(doors.keys(left).await.is_empty(), "{left}");
        }
    }
}

/// Periods: news wait for the end of one, and when there are none the present state is told again.
#[tokio::test]
async fn periodic_reports_tell_news_or_the_present_state() {
    let doors = site().await;
    subscribe(
        &doors,
        with_options(json!({"notifMethod": "PERIODIC", "repPeriod": 100})),
    )
    .await;
    register(&doors, 1, game("a")).await;
    register(&doors, 2, game("b")).await;
    assert!(told(&doors).await.is_empty());
    doors.pass(101).await;
    assert_eq!(told(&doors).await, [["a", "b"]]);
    doors.pass(101).await;
    assert_eq!(told(&doors).await, [["a", "b"]], "nothing happened: the present state");
    let at = register(&doors, 3, game("c")).await;
    doors.pass(101).await;
    assert_eq!(told(&doors).await, [["c"]], "what happened");
    eec(&doors, 3).delete(&at).await.done();
    doors.pass(101).await;
    assert_eq!(told(&doors).await, [["a", "b"]], "what is gone is not told");
}

/// What is held back is told when it is let go, as it is then; what is gone by then is not.
#[tokio::test]
async fn what_is_held_back_is_told_when_it_is_let_go() {
    let doors = site().await;
    let at = subscribe(&doors, with_options(json!({"notifFlag": "DEACTIVATE"}))).await;
    register(&doors, 1, game("a")).await;
    let gone = register(&doors, 2, game("b")).await;
    doors.settled().await;
    eec(&doors, 2).delete(&gone).await.done();
    register(&doors, 1, game("a2")).await;
    assert!(told(&doors).await.is_empty());
    let eas = doors.eas(EAS);
    eas.patch(&at, json!({"eventReq": {"notifFlag": "RETRIEVAL"}}))
        .await
        .found();
    assert_eq!(told(&doors).await, [["a2"]]);
    register(&doors, 3, game("c")).await;
    assert!(told(&doors).await.is_empty(), "it goes on being held back");
    eas.patch(&at, json!({"eventReq": {"notifFlag": "ACTIVATE"}}))
        .await
        .found();
    assert_eq!(told(&doors).await, [["c"]]);
}

/// News of several UEs within the group time are one report.
#[tokio::test]
async fn news_within_the_group_time_are_one_report() {
    let doors = site().await;
    subscribe(&doors, with_options(json!({"grpRepTime": 10}))).await;
    register(&doors, 1, game("a")).await;
    register(&doors, 2, game("b")).await;
    assert!(told(&doors).await.is_empty());
    doors.pass(11).await;
    assert_eq!(told(&doors).await, [["a", "b"]]);
    register(&doors, 1, game("a")).await;
    doors.pass(11).await;
    assert!(told(&doors).await.is_empty());
}

/// The monitoring duration ends the subscription.
#[tokio::test]
async fn the_monitoring_duration_ends_the_subscription() {
    let doors = site().await;
    let options = with_options(json!({"monDur": "2026-01-05T12:01:00Z"}));
    let made = doors.eas(EAS).post(SUBSCRIPTIONS, options).await;
    assert_eq!(made.body["expTime"], "2026-01-05T12:01:00Z");
    doors.pass(61).await;
    register(&doors, 1, game("a")).await;
    assert!(told(&doors).await.is_empty());
    assert!(doors.keys("progress/ac-").await.is_empty());
}
