//! From a change over one API to a notification at a subscriber (TS 29.122 clause 5.2.5, TS 23.558 clauses 8.5.2.3, 8.8.3).

use crate::support::{
    ACR_EVENTS, ACR_MANAGEMENT, CHESS, DISCOVERY_SUBSCRIPTIONS, EAS_REGISTRATIONS, INITIATE, REPORT, acr_events,
    act_start_stop, availability, eas_registration, end_pt, nothing_waits, register_eec, status_of,
};
use edgeapp_core::principal::Role;
use edgeapp_system_tests::{
    caller::Caller,
    ear::{Ear, Heard, Say, nobody_there},
    lab::{Lab, Plan, ue_of},
    process::Process,
};
use serde_json::{Value, json};
use std::time::Duration;

const EEC: &str = "eec-listener";

/// An EES on its own with a registered EEC and an EAS that is not registered yet.
struct Site {
    lab: Lab,
    plan: Plan,
    ees: Process,
    eec: Caller,
    eas: Caller,
}

impl Site {
    async fn open() -> Self {
        let lab = Lab::new();
        let plan = lab
            .ees("a")
            .with("[notifications]\nlongest_retry_seconds = 1\ntimeout_seconds = 2\n");
        let ees = plan.start().await;
        let eec = lab.eec(EEC, ees.root("edge1"));
        let eas = lab.eas(&format!("{CHESS}#1"), ees.root("edge3"));
        register_eec(&eec, EEC).await;
        Self {
            lab,
            plan,
            ees,
            eec,
            eas,
        }
    }

    async fn ear(&self) -> Ear {
        Ear::open(&self.lab, &self.lab.who(Role::Eec, EEC)).await
    }

    async fn subscribe(&self, subscription: Value) -> String {
        self.eec.post(DISCOVERY_SUBSCRIPTIONS, &subscription).await.created()
    }

    /// Registers an instance. Answers with the path of the registration.
    async fn register(&self, name: &str, status: &str) -> String {
        self.eas
            .post(EAS_REGISTRATIONS, &eas_registration(CHESS, name, status))
            .await
            .created()
    }

    async fn set_status(&self, registration: &str, status: &str) {
        self.eas
            .patch(registration, &json!({"easProf": {"status": status}}))
            .await
            .found();
    }

    async fn all_is_sent(&self) {
        nothing_waits(&self.lab, Role::Ees, &self.ees).await;
    }
}

fn id_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

fn eas_in(heard: &Heard) -> &Value {
    &heard.body["discoveredEas"][0]["eas"]
}

fn statuses(heard: &[Heard]) -> Vec<&str> {
    heard
        .iter()
        .filter_map(|heard| eas_in(heard)["status"].as_str())
        .collect()
}

/// A change is told once, at exactly the address that was given, by the EES itself.
#[tokio::test]
async fn a_change_reaches_its_subscriber_once_at_its_exact_address() {
    let site = Site::open().await;
    let ear = site.ear().await;
    let target = "/call/back?token=a%20b&x=%2F&empty=";
    let subscription = site.subscribe(availability(EEC, &ear.uri(target))).await;
    let registration = site.register("one", "ENABLED").await;
    let heard = ear.hears_many(1).await.remove(0);
    assert_eq!(
        (heard.method.as_str(), heard.target.as_str(), heard.media.as_str()),
        ("POST", target, "application/json")
    );
    assert_eq!(heard.from, "urn:edgeapp:ees:ees-a.example");
    assert_eq!(heard.body["subId"], id_of(&subscription));
    assert_eq!(heard.body["eventType"], "EAS_AVAILABILITY_CHANGE");
    assert_eq!(
        (&eas_in(&heard)["easId"], &eas_in(&heard)["endPt"]),
        (&json!(CHESS), &end_pt("one"))
    );
    site.eas.delete(&registration).await.done();
    let gone = ear.hears_many(2).await.remove(1);
    assert_eq!(
        (&eas_in(&gone)["endPt"], &eas_in(&gone)["status"]),
        (&end_pt("one"), &json!("DISABLED"))
    );
    site.all_is_sent().await;
    assert_eq!(ear.heard().len(), 2, "{:#?}", ear.heard());
}

/// What happened first is told first, within a subscription.
#[tokio::test]
async fn a_subscription_hears_changes_in_order() {
    let site = Site::open().await;
    let ear = site.ear().await;
    site.subscribe(status_of(EEC, CHESS, &ear.uri("/status"))).await;
    // A refusal in the middle does not let the next one overtake.
    ear.will_say([Say::Thanks, Say::Status(503, None), Say::Thanks]);
    let registration = site.register("one", "s0").await;
    let mut expected: Vec<String> = Vec::new();
    for n in 1..=20 {
        let status = format!("s{n}");
        site.set_status(&registration, &status).await;
        expected.push(status);
    }
    expected.insert(1, "s2".to_owned());
    let heard = ear.hears_many(21).await;
    assert_eq!(statuses(&heard), expected);
}

/// Subscribers that do not answer, or are not there, cost the others nothing.
#[tokio::test]
async fn a_dead_subscriber_does_not_delay_another() {
    let site = Site::open().await;
    let (living, silent, dead) = (site.ear().await, site.ear().await, nobody_there().await);
    for _ in 0..3 {
        site.subscribe(status_of(EEC, CHESS, &format!("https://{dead}/dead")))
            .await;
    }
    silent.will_say(vec![Say::Silence; 100]);
    site.subscribe(status_of(EEC, CHESS, &silent.uri("/silent"))).await;
    site.subscribe(status_of(EEC, CHESS, &living.uri("/living"))).await;
    let registration = site.register("one", "s0").await;
    for n in 1..=10 {
        site.set_status(&registration, &format!("s{n}")).await;
    }
    let heard = living.hears_many(10).await;
    assert_eq!(statuses(&heard).last(), Some(&"s10"));
    assert!(
        silent.heard().len() < 10,
        "the silent one heard everything before it answered anything"
    );
}

/// A test notification comes when it was asked for and the feature was negotiated, and carries the URI of the subscription.
#[tokio::test]
async fn a_test_notification_comes_when_it_is_negotiated() {
    let site = Site::open().await;
    let ear = site.ear().await;
    let with = |mut subscription: Value, features: Value| {
        subscription["requestTestNotification"] = true.into();
        subscription["suppFeat"] = features;
        subscription
    };
    let asked = site
        .subscribe(with(availability(EEC, &ear.uri("/discovery")), json!("1")))
        .await;
    let events = with(acr_events(EEC, "ACR_COMPLETE", &ear.uri("/events")), json!("1"));
    let events = site.eec.post(ACR_EVENTS, &events).await.created();
    let management = with(act_start_stop(CHESS, &ear.uri("/management")), json!("1"));
    let management = site.eas.post(ACR_MANAGEMENT, &management).await.created();
    ear.hears_many(3).await;
    site.all_is_sent().await;
    let heard = ear.heard();
    assert_eq!(heard.len(), 3, "{heard:#?}");
    for (target, path) in [
        ("/discovery", &asked),
        ("/events", &events),
        ("/management", &management),
    ] {
        let found = heard
            .iter()
            .find(|heard| heard.target == target)
            .unwrap_or_else(|| panic!("no test at {target}"));
        assert!(
            found.body["subscription"]
                .as_str()
                .is_some_and(|uri| uri.ends_with(path.as_str())),
            "{}",
            found.body
        );
    }
    // Without the feature nobody is tested: what follows is the first to come.
    let quiet = site.ear().await;
    site.subscribe(with(availability(EEC, &quiet.uri("/quiet")), json!("4")))
        .await;
    site.register("one", "ENABLED").await;
    assert_eq!(eas_in(&quiet.hears_many(1).await[0])["easId"], CHESS);
}

/// Who has unsubscribed hears nothing, not even of what was on its way.
#[tokio::test]
async fn nothing_comes_after_a_subscription_was_deleted() {
    let site = Site::open().await;
    let (leaving, staying) = (site.ear().await, site.ear().await);
    let left = site.subscribe(status_of(EEC, CHESS, &leaving.uri("/"))).await;
    site.subscribe(status_of(EEC, CHESS, &staying.uri("/"))).await;
    let registration = site.register("one", "s0").await;
    leaving.will_say(vec![Say::Status(503, None)]);
    site.set_status(&registration, "s1").await;
    leaving.hears_many(1).await;
    site.eec.delete(&left).await.done();
    site.eec.delete(&left).await.refused(404, "SUBSCRIPTION_NOT_FOUND");
    site.set_status(&registration, "s2").await;
    assert_eq!(statuses(&staying.hears_many(2).await), ["s1", "s2"]);
    site.all_is_sent().await;
    // The attempt that ran while the subscription was deleted may have been repeated once.
    let heard = leaving.heard();
    assert!(heard.len() <= 2 && !statuses(&heard).contains(&"s2"), "{heard:#?}");
}

/// What could not be delivered before the server stopped is delivered after it was started again.
#[tokio::test]
async fn an_undelivered_notification_survives_a_restart() {
    let site = Site::open().await;
    let address = nobody_there().await;
    site.subscribe(availability(EEC, &format!("https://{address}/later")))
        .await;
    site.register("one", "ENABLED").await;
    let Site { lab, plan, ees, .. } = site;
    assert!(ees.stop().await.success());
    let ear = Ear::open_at(&lab, &lab.who(Role::Eec, EEC), address).await;
    let ees = plan.start().await;
    let heard = ear.hears_many(1).await;
    assert_eq!(eas_in(&heard[0])["endPt"], end_pt("one"));
    nothing_waits(&lab, Role::Ees, &ees).await;
    assert_eq!(ear.heard().len(), 1);
}

/// A subscriber may send the notification elsewhere, for once (307) or for good (308).
#[tokio::test]
async fn a_redirect_is_followed() {
    for status in [307, 308] {
        let site = Site::open().await;
        let (old, new) = (site.ear().await, site.ear().await);
        old.will_say([Say::MovedTo(status, new.uri("/new?place=1"))]);
        site.subscribe(availability(EEC, &old.uri("/old"))).await;
        site.register("one", "ENABLED").await;
        let heard = new.hears_many(1).await.remove(0);
        assert_eq!((heard.method.as_str(), heard.target.as_str()), ("POST", "/new?place=1"));
        assert_eq!(heard.body, old.heard()[0].body);
    }
}

/// A redirect to where callbacks must not lead is not followed.
///
/// Proves: T-11
#[tokio::test]
async fn a_redirect_without_tls_is_not_followed() {
    let site = Site::open().await;
    let ear = site.ear().await;
    ear.will_say([Say::MovedTo(307, format!("http://{}/plain", ear.address()))]);
    site.subscribe(availability(EEC, &ear.uri("/old"))).await;
    let registration = site.register("one", "ENABLED").await;
    ear.hears_many(1).await;
    site.eas.delete(&registration).await.done();
    // The first one is given up, the second one comes.
    assert_eq!(eas_in(&ear.hears_many(2).await[1])["status"], "DISABLED");
    assert!(ear.heard().iter().all(|heard| heard.target == "/old"));
}

/// A subscriber that asks for patience gets it.
#[tokio::test]
async fn retry_after_is_respected() {
    let site = Site::open().await;
    let ear = site.ear().await;
    ear.will_say([Say::Status(503, Some(2)), Say::Status(429, Some(1))]);
    site.subscribe(availability(EEC, &ear.uri("/"))).await;
    site.register("one", "ENABLED").await;
    let heard = ear.hears_many(3).await;
    assert!(
        heard[1].at - heard[0].at >= Duration::from_secs(2),
        "{:?}",
        heard[1].at - heard[0].at
    );
    assert!(
        heard[2].at - heard[1].at >= Duration::from_secs(1),
        "{:?}",
        heard[2].at - heard[1].at
    );
    assert!(heard.iter().all(|again| again.body == heard[0].body));
}

/// A callback server that is not of the expected role gets nothing.
///
/// Proves: WP-05
#[tokio::test]
async fn a_callback_server_with_a_foreign_certificate_hears_nothing() {
    let site = Site::open().await;
    let foreign = Ear::open(&site.lab, &site.lab.pki.files("ecs")).await;
    let ear = site.ear().await;
    site.subscribe(availability(EEC, &foreign.uri("/"))).await;
    site.subscribe(availability(EEC, &ear.uri("/"))).await;
    site.register("one", "ENABLED").await;
    ear.hears_many(1).await;
    assert!(foreign.heard().is_empty());
}

/// Scenario B within one EES: the order to the S-EAS, its report, the news for the EEC.
#[tokio::test]
async fn a_relocation_is_told_to_eas_and_eec() {
    let site = Site::open().await;
    let of_eec = site.ear().await;
    let of_eas = Ear::open(&site.lab, &site.lab.who(Role::Eas, &format!("{CHESS}#1"))).await;
    site.register("one", "ENABLED").await;
    let management = site
        .eas
        .post(ACR_MANAGEMENT, &act_start_stop(CHESS, &of_eas.uri("/act?s=1")))
        .await
        .created();
    let events = acr_events(EEC, "ACR_COMPLETE", &of_eec.uri("/acr?e=1"));
    let events = site.eec.post(ACR_EVENTS, &events).await.created();
    let initiation = json!({"requestorId": EEC, "easNotifInd": true, "sEasEndpoint": end_pt("one"), "tEasEndpoint": end_pt("two"),
        "acId": "ac.chess"});
    site.eec.post(INITIATE, &initiation).await.done();
    let order = of_eas.hears_many(1).await.remove(0);
    assert_eq!(order.target, "/act?s=1");
    assert_eq!(order.body["subpId"], id_of(&management));
    let report = &order.body["eventReports"][0];
    assert_eq!(
        (&report["event"], &report["actStatus"]),
        (&json!("ACT_START_STOP"), &json!("ACT_START")),
        "{report}"
    );
    assert_eq!(
        (&report["easEndPoint"], &report["acId"]),
        (&end_pt("two"), &json!("ac.chess")),
        "{report}"
    );
    assert!(of_eec.heard().is_empty());
    let result = json!({"easId": CHESS, "acId": "ac.chess",
        "actResultInfo": {"actResult": "SUCCESSFUL", "ueId": ue_of(EEC), "easEndPoint": end_pt("two")}});
    site.eas.post(REPORT, &result).await.done();
    let news = of_eec.hears_many(1).await.remove(0);
    assert_eq!(news.target, "/acr?e=1");
    assert_eq!(
        (&news.body["subId"], &news.body["eventId"]),
        (&json!(id_of(&events)), &json!("ACR_COMPLETE"))
    );
    assert_eq!(
        news.body["acrStatus"],
        json!({"acrRes": true, "tEasEndpoint": end_pt("two")})
    );
    site.all_is_sent().await;
    assert_eq!((of_eas.heard().len(), of_eec.heard().len()), (1, 1));
}

/// A transfer that nobody reports has failed: the EEC hears it, the EAS is told to stop.
#[tokio::test]
async fn a_relocation_without_a_report_is_told_as_failed() {
    let lab = Lab::new();
    let plan = lab.ees("a").with("[relocation]\ntransfer_seconds = 1\n");
    let ees = plan.start().await;
    let (eec, eas) = (
        lab.eec(EEC, ees.root("edge1")),
        lab.eas(&format!("{CHESS}#1"), ees.root("edge3")),
    );
    register_eec(&eec, EEC).await;
    eas.post(EAS_REGISTRATIONS, &eas_registration(CHESS, "one", "ENABLED"))
        .await
        .created();
    let ear = Ear::open(&lab, &lab.who(Role::Eec, EEC)).await;
    eas.post(ACR_MANAGEMENT, &act_start_stop(CHESS, &ear.uri("/eas")))
        .await
        .created();
    eec.post(ACR_EVENTS, &acr_events(EEC, "ACR_COMPLETE", &ear.uri("/eec")))
        .await
        .created();
    let initiation =
        json!({"requestorId": EEC, "easNotifInd": true, "sEasEndpoint": end_pt("one"), "tEasEndpoint": end_pt("two")});
    eec.post(INITIATE, &initiation).await.done();
    let heard = ear.hears_many(3).await;
    let at = |target: &str| heard.iter().filter(|heard| heard.target == target).collect::<Vec<_>>();
    let status = &at("/eec")[0].body["acrStatus"];
    assert_eq!(
        (&status["acrRes"], &status["tEasEndpoint"]),
        (&json!(false), &end_pt("two")),
        "{status}"
    );
    assert!(status["failReason"].is_string(), "{status}");
    let orders: Vec<_> = at("/eas")
        .iter()
        .map(|heard| heard.body["eventReports"][0]["actStatus"].clone())
        .collect();
    assert_eq!(orders, ["ACT_START", "ACT_STOP"]);
}
