//! A group of UEs at two edge data networks that is served by one EAS, and a CAS that hears which EES serves (TS 23.558 clauses 8.19,
//! 8.20, 8.8.3.10 and Annex E). The CAS is simulated.

use crate::{
    network::{eec_at, lasting_ecs, until_provisioned},
    support::{CHESS, DISCOVERY, EAS_REGISTRATIONS, eas_registration, end_pt, found_in, nothing_waits},
};
use edgeapp_core::principal::Role;
use edgeapp_system_tests::{
    caller::{Answer, Caller},
    lab::{Lab, Plan, ue_of},
    process::Process,
    wait::until_it_is_so,
};
use eec_sim::world::cas::SimulatedCas;
use serde_json::{Value, json};

const DECLARE: &str = "/eees-easinfoprov/v1/declare";
const GROUP: &str = "players";
const ANNA: &str = "eec-anna";
const BERT: &str = "eec-bert";

/// Two EESs with an instance of the application each, `one` at the first and `two` at the second, and an EEC registered at each.
struct Sites {
    lab: Lab,
    plans: [Plan; 2],
    a: Process,
    b: Process,
    anna: Caller,
    bert: Caller,
}

/// Registers an EEC with its UE.
async fn register(eec: &Caller, id: &str) {
    let registration = json!({"eecId": id, "ueId": ue_of(id)});
    eec.post(crate::support::EEC_REGISTRATIONS, &registration)
        .await
        .created();
}

impl Sites {
    async fn of(lab: Lab, plans: [Plan; 2]) -> Self {
        let (a, b) = (plans[0].start().await, plans[1].start().await);
        for (name, ees) in [("one", &a), ("two", &b)] {
            let eas = lab.eas(&format!("{CHESS}#{name}"), ees.root("edge3"));
            let registration = eas_registration(CHESS, name, "ENABLED");
            eas.post(EAS_REGISTRATIONS, &registration).await.created();
        }
        let (anna, bert) = (lab.eec(ANNA, a.root("edge1")), lab.eec(BERT, b.root("edge1")));
        register(&anna, ANNA).await;
        register(&bert, BERT).await;
        Self {
            lab,
            plans,
            a,
            b,
            anna,
            bert,
        }
    }
}

/// What an EEC tells of the EAS that it selected, with these members too.
async fn select(eec: &Caller, id: &str, more: Value) -> Answer {
    let mut selection = json!({"eecId": id, "acId": "ac.chess", "selEasIds": [CHESS], "reqType": "EAS_SELECTION"});
    for (name, value) in more.as_object().into_iter().flatten() {
        selection[name] = value.clone();
    }
    eec.post(DECLARE, &selection).await
}

fn for_the_group(name: &str) -> Value {
    json!({"appGrpId": GROUP, "selEasEndPoints": [end_pt(name)]})
}

/// Where the EASs are that somebody of the group finds.
async fn found(eec: &Caller, id: &str) -> Vec<Value> {
    let group = json!({"appGrpId": GROUP, "easId": CHESS});
    let request = json!({"requestorId": {"eecId": id}, "easDiscoveryFilter": {"appGroupProfile": group}});
    let found = found_in(&eec.post(DISCOVERY, &request).await);
    found.into_iter().map(|eas| eas["endPt"].clone()).collect()
}

/// Two EESs, and what of each the other has to know.
async fn two_alone() -> Sites {
    let lab = Lab::new();
    let (at_a, at_b) = (crate::network::lasting_address(), crate::network::lasting_address());
    let knows = |plan: Plan, at, other: &str, there| {
        plan.with(&format!(
            "[edge1]\nlisten = \"{at}\"\n[[neighbour]]\nees_id = \"ees-{other}.example\"\nurl = \"https://{there}\"\n"
        ))
    };
    let plans = [
        knows(lab.ees("a"), at_a, "b", at_b),
        knows(lab.ees("b"), at_b, "a", at_a),
    ];
    Sites::of(lab, plans).await
}

/// Where the ECS keeps the choice: the EES that is asked second leads its EEC to the EAS of the first, also after a restart of all.
#[tokio::test]
async fn the_ecs_makes_two_eess_agree() {
    let lab = Lab::new();
    let ecs_plan = lasting_ecs(&lab);
    let ecs = ecs_plan.start().await;
    let plans = ["a", "b"].map(|letter| lab.ees(letter).at_ecs(ecs.root("edge6")));
    let eec = eec_at(&lab, &ecs, "eec-observer");
    let sites = Sites::of(lab, plans).await;
    until_provisioned(&eec, "eec-observer", &["ees-a.example", "ees-b.example"]).await;

    let answer = select(&sites.anna, ANNA, for_the_group("one")).await;
    assert_eq!(answer.found()["instEasInfo"]["eas"]["endPt"], end_pt("one"));
    // Found before anything else was asked at the other EES.
    assert_eq!(found(&sites.bert, BERT).await, [end_pt("one")]);
    let answer = select(&sites.bert, BERT, for_the_group("two")).await;
    assert_eq!(
        (&answer.found()["comEasEndpoint"], &answer.found()["comEesEndpoint"]),
        (&end_pt("one"), &json!({"uri": sites.a.root("edge1")}))
    );
    assert_eq!(found(&sites.anna, ANNA).await, [end_pt("one")]);

    // What was agreed is on disk at the ECS, and what it said last at the EES.
    sites.b.kill().await;
    ecs.kill().await;
    let b = sites.plans[1].start().await;
    assert_eq!(found(&sites.bert.at(b.root("edge1")), BERT).await, [end_pt("one")]);
    let _ecs = ecs_plan.start().await;
    assert_eq!(found(&sites.bert.at(b.root("edge1")), BERT).await, [end_pt("one")]);
}

/// EESs that decide at the same time: one choice comes out of it.
#[tokio::test]
async fn a_race_has_one_winner() {
    let lab = Lab::new();
    let ecs = lab.ecs().start().await;
    let plans = ["a", "b"].map(|letter| lab.ees(letter).at_ecs(ecs.root("edge6")));
    let eec = eec_at(&lab, &ecs, "eec-observer");
    let sites = Sites::of(lab, plans).await;
    until_provisioned(&eec, "eec-observer", &["ees-a.example", "ees-b.example"]).await;
    let (one, two) = tokio::join!(
        select(&sites.anna, ANNA, for_the_group("one")),
        select(&sites.bert, BERT, for_the_group("two"))
    );
    let told = |answer: &Answer| answer.found()["comEasEndpoint"].clone();
    let agreed = match (told(&one), told(&two)) {
        (Value::Null, other) if !other.is_null() => other,
        (other, Value::Null) if !other.is_null() => other,
        both => panic!("both or none had to give way: {both:?}"),
    };
    assert_eq!(found(&sites.anna, ANNA).await, std::slice::from_ref(&agreed));
    assert_eq!(found(&sites.bert, BERT).await, [agreed]);
}

/// Without an ECS the EES that chose tells its neighbour, also one that was away at the time, and also after it was killed itself.
#[tokio::test]
async fn an_announcement_reaches_the_other_ees() {
    let sites = two_alone().await;
    sites.b.kill().await;
    let answer = select(&sites.anna, ANNA, for_the_group("one")).await;
    assert_eq!(answer.found()["instEasInfo"]["eas"]["endPt"], end_pt("one"));
    sites.a.kill().await;
    let a = sites.plans[0].start().await;
    let b = sites.plans[1].start().await;
    let bert = sites.bert.at(b.root("edge1"));
    until_it_is_so("the group is led to one EAS", async || {
        found(&bert, BERT).await == [end_pt("one")]
    })
    .await;
    let answer = select(&bert, BERT, for_the_group("two")).await;
    assert_eq!(answer.found()["comEasEndpoint"], end_pt("one"));
    nothing_waits(&sites.lab, Role::Ees, &a).await;
    assert_eq!(found(&sites.anna.at(a.root("edge1")), ANNA).await, [end_pt("one")]);
}

/// A CAS that an EEC selected hears once which EES serves the UE, though the EES was killed after it had answered.
#[tokio::test]
async fn a_cas_hears_of_the_selected_ees_once() {
    let lab = Lab::new();
    // A CAS is the application's server in the cloud: its certificate is of the kind that EASs have.
    let cas = SimulatedCas::start(&lab.who(Role::Eas, "eas.chess.example#cloud"), &lab.pki)
        .await
        .expect("a CAS");
    let plan = lab.ees("a");
    let ees = plan.start().await;
    let anna = lab.eec(ANNA, ees.root("edge1"));
    register(&anna, ANNA).await;
    let selection = json!({"casInfo": {"uri": cas.root()}});
    select(&anna, ANNA, selection.clone()).await.done();
    ees.kill().await;
    let ees = plan.start().await;
    let mut declared = cas.declared();
    let heard = tokio::time::timeout(
        edgeapp_system_tests::wait::DEADLINE,
        declared.wait_for(|declared| !declared.is_empty()),
    );
    let first = heard.await.expect("a declaration in time").expect("a CAS")[0].clone();
    let info = serde_json::to_value(&first.info).expect("JSON");
    assert_eq!(
        (
            first.by.as_str(),
            &info["ueId"],
            &info["seleEesId"],
            &info["easId"],
            &info["acId"]
        ),
        (
            "ees-a.example",
            &json!(ue_of(ANNA)),
            &json!("ees-a.example"),
            &json!(CHESS),
            &json!("ac.chess")
        )
    );
    assert!(info["seleEndpoint"]["uri"].is_string(), "{info}");
    // The same selection again, as after a lost answer.
    select(&anna.at(ees.root("edge1")), ANNA, selection).await.done();
    nothing_waits(&lab, Role::Ees, &ees).await;
    assert_eq!(cas.declared().borrow().len(), 1);
}
