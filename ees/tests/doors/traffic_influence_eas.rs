//! Eees_TrafficInfluenceEAS (TS 29.558 clauses 5.15 and 8.12), with a core network that does as it is told.

use crate::harness::{Doors, Settings};
use edgeapp_core::network::{Asked, NetworkError, Target};
use edgeapp_testkit::network::FakeCore;
use serde_json::{Value, json};
use std::sync::Arc;

const INSTANCES: &str = "/eees-tie/v1/instances";
const EAS: &str = "eas.chess.example#a1";

async fn site() -> (Doors, Arc<FakeCore>) {
    let core = Arc::new(FakeCore::default());
    let settings = Settings {
        core: core.clone(),
        ..Settings::default()
    };
    let doors = Doors::with(settings).await;
    register(&doors, EAS, json!([{"dnai": "dnai-a", "routeProfId": "p1"}])).await;
    (doors, core)
}

async fn register(doors: &Doors, who: &str, app_locs: Value) {
    let mut profile = json!({"easId": who.split('#').next().unwrap(), "endPt": {"fqdn": "a.example"}});
    if app_locs != json!([]) {
        profile["appLocs"] = app_locs;
    }
    let eas = doors.eas(who);
    eas.post("/eees-easregistration/v1/registrations", json!({"easProf": profile}))
        .await
        .created();
}

fn of(ues: &[&str]) -> Value {
    let targets: Vec<Value> = ues.iter().map(|ue| json!({"gpsi": ue})).collect();
    json!({"tgtUes": targets})
}

/// Whose traffic is influenced at the core.
fn targets(core: &FakeCore) -> Vec<String> {
    let mut targets: Vec<String> = core
        .runs()
        .iter()
        .map(|kept| match &kept.asked {
            Asked::Path(influence) => match &influence.target {
                Target::Ue(ue) => ue.to_string(),
                other => format!("{other:?}"),
            },
            other => panic!("not an influence: {other:?}"),
        })
        .collect();
    targets.sort();
    targets
}

/// Clause 5.15.2.2.2: one influence per target, on the routes of the EAS.
#[tokio::test]
async fn each_target_is_influenced_on_the_routes_of_the_eas() {
    let (doors, core) = site().await;
    let eas = doors.eas(EAS);
    let uri = eas
        .post(INSTANCES, of(&["extid-a@o.example", "extid-b@o.example"]))
        .await
        .created();
    assert_eq!(targets(&core), ["extid-a@o.example", "extid-b@o.example"]);
    let Asked::Path(influence) = &core.runs()[0].asked else {
        panic!("an influence")
    };
    assert_eq!(
        serde_json::to_value(&influence.routes).unwrap(),
        json!([{"dnai": "dnai-a", "routeProfId": "p1"}])
    );
    assert_eq!(
        eas.get(&uri).await.found(),
        of(&["extid-a@o.example", "extid-b@o.example"])
    );
}

/// All succeed, or none remains.
#[tokio::test]
async fn one_refusal_undoes_all() {
    let (doors, core) = site().await;
    let asked = of(&["extid-a@o.example", "extid-b@o.example"]);
    let eas = doors.eas(EAS);
    let uri = eas.post(INSTANCES, of(&["extid-a@o.example"])).await.created();
    core.fail_next(NetworkError::Refused { cause: "NO".to_owned() });
    eas.put(&uri, asked).await.refused(403, "CORE_NETWORK_REFUSED", "");
    assert_eq!(targets(&core), ["extid-a@o.example"]);
    core.fail_next(NetworkError::UnknownUe);
    eas.post(INSTANCES, of(&["extid-c@o.example"]))
        .await
        .refused(404, "UE_NOT_FOUND", "");
    assert_eq!(targets(&core), ["extid-a@o.example"]);
}

/// Clause 5.15.2.2.3: targets come and go.
#[tokio::test]
async fn a_change_adds_and_takes_away() {
    let (doors, core) = site().await;
    let eas = doors.eas(EAS);
    let uri = eas.post(INSTANCES, of(&["extid-a@o.example"])).await.created();
    eas.put(&uri, of(&["extid-b@o.example"])).await.found();
    assert_eq!(targets(&core), ["extid-b@o.example"]);
    let changed = eas.patch(&uri, json!({"anyUe": true})).await.found();
    assert_eq!(changed, json!({"anyUe": true}));
    assert_eq!(targets(&core), ["Any"]);
    eas.delete(&uri).await.done();
    doors.settled().await;
    assert_eq!(core.runs(), []);
    eas.get(&uri).await.refused(404, "RESOURCE_NOT_FOUND", "");
}

#[tokio::test]
async fn refusals_say_why() {
    let (doors, core) = site().await;
    let eas = doors.eas(EAS);
    let both = json!({"tgtUes": [{"gpsi": "extid-a@o.example"}], "anyUe": true});
    eas.post(INSTANCES, both)
        .await
        .refused(400, "MANDATORY_IE_INCORRECT", "");
    eas.post(INSTANCES, json!({"anyUe": false}))
        .await
        .refused(400, "OPTIONAL_IE_INCORRECT", "/anyUe");
    let mut other = of(&["extid-a@o.example"]);
    other["requestorId"] = json!("eas.go.example");
    eas.post(INSTANCES, other)
        .await
        .refused(403, "OWNER_MISMATCH", "/requestorId");
    register(&doors, "eas.go.example#a1", json!([])).await;
    let nowhere = doors
        .eas("eas.go.example#a1")
        .post(INSTANCES, of(&["extid-a@o.example"]))
        .await;
    nowhere.refused(403, "NOT_REGISTERED", "");
    let uri = eas.post(INSTANCES, of(&["extid-a@o.example"])).await.created();
    doors
        .eas("eas.chess.example#b1")
        .get(&uri)
        .await
        .refused(404, "RESOURCE_NOT_FOUND", "");
    assert_eq!(core.runs().len(), 1);
}

#[tokio::test]
async fn without_a_core_network_is_refused_at_once() {
    let doors = Doors::open().await;
    register(&doors, EAS, json!([{"dnai": "dnai-a", "routeProfId": "p1"}])).await;
    let answer = doors.eas(EAS).post(INSTANCES, of(&["extid-a@o.example"])).await;
    answer.refused(503, "CORE_NETWORK_NOT_CONFIGURED", "");
}
