//! The link between EES and ECS over EDGE-6, seen from both ends (TS 23.558 clauses 8.3.3 and 8.4.4), and the operator's port.

use crate::{
    network::{PROVISIONING_SUBSCRIPTIONS, eec_at, eess_in, lasting_ecs, provisioned, until_provisioned},
    support::{CHESS, EAS_REGISTRATIONS, EEC_REGISTRATIONS, eas_registration, nothing_waits, register_eec},
};
use edgeapp_core::principal::Role;
use edgeapp_system_tests::{
    caller::Caller,
    ear::Ear,
    lab::{Lab, Plan},
    process::Process,
    wait::until_it_is_so,
};
use serde_json::{Value, json};

const EEC: &str = "eec-newcomer";
const GO: &str = "eas.go.example";
const EES: &str = "ees-a.example";

/// One ECS and one EES that the ECS knows, and an EEC that asks the ECS.
struct Link {
    lab: Lab,
    ecs_plan: Plan,
    ees_plan: Plan,
    eec: Caller,
}

impl Link {
    async fn up() -> (Self, Process, Process) {
        let lab = Lab::new();
        let ecs_plan = lasting_ecs(&lab);
        let ecs = ecs_plan.start().await;
        let ees_plan = lab.ees("a").at_ecs(ecs.root("edge6"));
        let eec = eec_at(&lab, &ecs, EEC);
        let link = Self {
            lab,
            ecs_plan,
            ees_plan,
            eec,
        };
        assert_eq!(link.told().await, [json!(null); 0], "the ECS knows nobody yet");
        let ees = link.ees_plan.start().await;
        until_provisioned(&link.eec, EEC, &[EES]).await;
        (link, ecs, ees)
    }

    async fn told(&self) -> Vec<Value> {
        provisioned(&self.eec, EEC).await
    }

    /// Registers an instance of an application. Answers with who did, and the path.
    async fn register(&self, ees: &Process, eas_id: &str, name: &str) -> (Caller, String) {
        let eas = self.lab.eas(&format!("{eas_id}#{name}"), ees.root("edge3"));
        let registration = eas
            .post(EAS_REGISTRATIONS, &eas_registration(eas_id, name, "ENABLED"))
            .await
            .created();
        (eas, registration)
    }

    /// Waits until the ECS tells of these applications at its only EES.
    async fn until_served(&self, eas_ids: &[&str]) {
        let served = async || {
            let told = self.told().await;
            assert!(told.len() <= 1, "one EES, once: {told:#?}");
            // An EES without EASs says nothing of them.
            let eas_ids_told = told
                .first()
                .map(|ees| ees["easIds"].as_array().cloned().unwrap_or_default());
            eas_ids_told == Some(eas_ids.iter().map(|id| json!(id)).collect())
        };
        until_it_is_so(&format!("the ECS tells of {eas_ids:?}"), served).await;
    }
}

/// An EEC is told where the EES is and what it is like, as the configuration of the EES says.
#[tokio::test]
async fn an_ees_makes_itself_known() {
    let (link, _ecs, ees) = Link::up().await;
    let told = link.told().await.remove(0);
    assert_eq!(told["endPt"], json!({"uri": ees.root("edge1")}));
    assert_eq!(
        (&told["ecspInfo"], &told["dnais"]),
        (&json!("operator.example"), &json!(["dnai-a"]))
    );
    assert_eq!(told["eecRegConf"], json!(true));
    // What the EEC was told is enough to go on with.
    let eec = link.lab.eec(EEC, told["endPt"]["uri"].as_str().unwrap_or_default());
    register_eec(&eec, EEC).await;
}

/// The EASIDs that the ECS knows are those of the EASs that are registered, each once.
#[tokio::test]
async fn applications_follow_the_registrations_of_eass() {
    let (link, _ecs, ees) = Link::up().await;
    link.until_served(&[]).await;
    let (one, first) = link.register(&ees, CHESS, "one").await;
    link.until_served(&[CHESS]).await;
    let (two, second) = link.register(&ees, CHESS, "two").await;
    let (go, third) = link.register(&ees, GO, "three").await;
    link.until_served(&[CHESS, GO]).await;
    one.delete(&first).await.done();
    go.delete(&third).await.done();
    link.until_served(&[CHESS]).await;
    two.delete(&second).await.done();
    link.until_served(&[]).await;
}

/// An EEC that subscribed at the ECS hears when an EES gets the application it looks for.
#[tokio::test]
async fn a_subscriber_of_the_ecs_hears_of_applications() {
    let (link, ecs, ees) = Link::up().await;
    let ear = Ear::open(&link.lab, &link.lab.who(Role::Eec, EEC)).await;
    let wish = json!({"eecId": EEC, "notificationDestination": ear.uri("/eess?of=chess"),
        "acProfs": [{"acId": "ac.chess", "eass": [{"easId": CHESS}]}]});
    let subscription = link.eec.post(PROVISIONING_SUBSCRIPTIONS, &wish).await.created();
    link.register(&ees, GO, "go").await;
    link.register(&ees, CHESS, "one").await;
    let heard = ear.hears_many(1).await.remove(0);
    assert_eq!(
        (heard.target.as_str(), heard.from.as_str()),
        ("/eess?of=chess", "urn:edgeapp:ecs:ecs.example")
    );
    assert_eq!(heard.body["subId"].as_str(), subscription.rsplit('/').next());
    let told = eess_in(&heard.body);
    assert_eq!(
        (told.len(), &told[0]["eesId"], &told[0]["easIds"]),
        (1, &json!(EES), &json!([CHESS]))
    );
    nothing_waits(&link.lab, Role::Ecs, &ecs).await;
    assert_eq!(ear.heard().len(), 1);
}

/// What the ECS knows outlives it, even while no EES is there to tell it anew; and the EES goes on with the registration it has.
///
/// Proves: WP-48
#[tokio::test]
async fn the_ecs_remembers_over_a_restart() {
    let (link, ecs, ees) = Link::up().await;
    link.register(&ees, CHESS, "one").await;
    link.until_served(&[CHESS]).await;
    ees.kill().await;
    ecs.kill().await;
    let _ecs = link.ecs_plan.start().await;
    let told = link.told().await;
    assert_eq!(
        (told.len(), &told[0]["eesId"], &told[0]["easIds"]),
        (1, &json!(EES), &json!([CHESS]))
    );
    let ees = link.ees_plan.start().await;
    link.register(&ees, GO, "go").await;
    link.until_served(&[CHESS, GO]).await;
    assert_eq!(
        link.told().await[0]["endPt"],
        json!({"uri": ees.root("edge1")}),
        "where the EES is now"
    );
}

/// An ECS that lost everything is told anew, without anybody's help.
#[tokio::test]
async fn an_ecs_that_forgot_is_told_again() {
    let (link, ecs, ees) = Link::up().await;
    link.register(&ees, CHESS, "one").await;
    link.until_served(&[CHESS]).await;
    assert!(ecs.stop().await.success());
    std::fs::remove_file(link.ecs_plan.state()).expect("state that can be removed");
    let _ecs = link.ecs_plan.start().await;
    link.until_served(&[CHESS]).await;
    // From then on it is kept truthful again.
    link.register(&ees, GO, "go").await;
    link.until_served(&[CHESS, GO]).await;
}

/// An EES that starts before its ECS is there serves EECs all the same, and makes itself known later.
///
/// Proves: WP-48
#[tokio::test]
async fn an_ees_does_not_wait_for_its_ecs() {
    let lab = Lab::new();
    let ecs_plan = lasting_ecs(&lab);
    let ecs = ecs_plan.start().await;
    let (root, eec) = (ecs.root("edge6").to_owned(), eec_at(&lab, &ecs, EEC));
    assert!(ecs.stop().await.success());
    let ees = lab.ees("a").at_ecs(&root).start().await;
    register_eec(&lab.eec(EEC, ees.root("edge1")), EEC).await;
    let operator = lab.operator(Role::Ees, ees.root("operator"));
    operator.get("/health").await.found();
    operator.get("/ready").await.refused(503, "INSUFFICIENT_RESOURCES");
    let _ecs = ecs_plan.start().await;
    until_provisioned(&eec, EEC, &[EES]).await;
}

/// A server that is asked to stop the moment it said that it is ready ends as asked, not as if it had been shot.
#[tokio::test]
async fn a_server_can_be_stopped_as_soon_as_it_is_ready() {
    let lab = Lab::new();
    for _ in 0..5 {
        for plan in [lab.ecs(), lab.ees("a")] {
            assert!(plan.start().await.stop().await.success(), "{plan:?}");
        }
    }
}

/// An EES that is asked to stop takes its leave: no EEC is sent to it any more.
#[tokio::test]
async fn an_ees_that_stops_is_not_told_of_any_more() {
    let (link, _ecs, ees) = Link::up().await;
    assert!(ees.stop().await.success());
    assert_eq!(link.told().await, [json!(null); 0]);
}

/// Readiness says whether the ECS knows the EES; health does not depend on anybody else.
#[tokio::test]
async fn readiness_follows_the_link() {
    let (link, ecs, ees) = Link::up().await;
    let operator = link.lab.operator(Role::Ees, ees.root("operator"));
    let ready = async || operator.get("/ready").await;
    until_it_is_so("ready", async || ready().await.status == 200).await;
    let needs = ready().await.found()["needs"].clone();
    assert_eq!(
        needs,
        json!([{"name": "store", "ready": true}, {"name": "ecs", "ready": true}])
    );
    ecs.kill().await;
    until_it_is_so("not ready", async || ready().await.status != 200).await;
    let refusal = ready().await;
    refusal.refused(503, "INSUFFICIENT_RESOURCES");
    let detail = refusal.body["detail"].as_str().unwrap_or_default();
    assert!(detail.starts_with("ecs: "), "{detail}");
    assert_eq!(operator.get("/health").await.found(), &json!({"status": "up"}));
    let _ecs = link.ecs_plan.start().await;
    until_it_is_so("ready again", async || ready().await.status == 200).await;
}

/// How many requests of an operation came to this outcome.
async fn requests(operator: &Caller, operation: &str, outcome: &str) -> f64 {
    let text = operator.get("/metrics").await.body;
    let labels = [format!("operation=\"{operation}\""), format!("outcome=\"{outcome}\"")];
    let lines = text
        .as_str()
        .unwrap_or_default()
        .lines()
        .filter(|line| line.starts_with("edgeapp_requests_total{"));
    let lines = lines.filter(|line| labels.iter().all(|label| line.contains(label)));
    lines
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

/// Requests are counted by operation and outcome, at both servers.
///
/// Proves: WP-37
#[tokio::test]
async fn requests_are_counted_by_operation_and_outcome() {
    let (link, ecs, ees) = Link::up().await;
    let at_ees = link.lab.operator(Role::Ees, ees.root("operator"));
    let at_ecs = link.lab.operator(Role::Ecs, ecs.root("operator"));
    let eec = link.lab.eec(EEC, ees.root("edge1"));
    let create = "eees-eecregistration:create";
    assert_eq!(requests(&at_ees, create, "served").await, 0.0);
    register_eec(&eec, EEC).await;
    eec.post(EEC_REGISTRATIONS, &json!({"eecId": "eec-other"}))
        .await
        .refused(403, "OWNER_MISMATCH");
    register_eec(&eec, EEC).await;
    assert_eq!(
        (
            requests(&at_ees, create, "served").await,
            requests(&at_ees, create, "refused").await
        ),
        (2.0, 1.0)
    );
    assert_eq!(requests(&at_ees, "eees-eecregistration:delete", "served").await, 0.0);
    // For another EES, which comes in by the same listener, there is no such path: counted, though no operation was meant.
    let other = Caller::new(&link.lab, &link.lab.pki.files("ees-b"), Role::Ees, ees.root("edge1"));
    other
        .post(EEC_REGISTRATIONS, &json!({"eecId": EEC}))
        .await
        .refused(404, "RESOURCE_URI_STRUCTURE_NOT_FOUND");
    assert_eq!(
        (
            requests(&at_ees, create, "refused").await,
            requests(&at_ees, "none", "refused").await
        ),
        (1.0, 1.0)
    );
    let before = requests(&at_ecs, "eecs-serviceprovisioning:request", "served").await;
    link.told().await;
    assert_eq!(
        requests(&at_ecs, "eecs-serviceprovisioning:request", "served").await,
        before + 1.0
    );
    assert_eq!(requests(&at_ecs, "eecs-eesregistration:create", "served").await, 1.0);
}
