//! What the S-EES decides by itself (TS 23.558 clauses 8.8.1.1, 8.8.2.5 and 8.8.2A): an EAS that shuts down or is overloaded is left, a
//! server in the cloud takes over where no EAS does, and one relocation after the other takes its time.

use super::{
    decided_here::{determine, others, serves_one_area},
    *,
};
use crate::harness::{Caller, Settings};
use edgeapp_ees_domain::acr::decision::DecisionRules;

const CLOUD: &str = "https://chess.cloud.example";
const NEIGHBOUR: &str = "other.edge-a.example";

/// The EAS says how it is.
async fn says(scene: &Scene, status: &str) {
    let mut chess = crate::scene::chess(SOURCE);
    chess["easProf"]["status"] = status.into();
    let made = scene.eas.post("/eees-easregistration/v1/registrations", chess);
    made.await.created();
}

async fn neighbour(scene: &Scene) -> Caller {
    let other = scene.doors.eas("eas.chess.example#a2");
    register_eas(&other, NEIGHBOUR).await;
    other
}

/// An EAS that shuts down is left at once.
#[tokio::test]
async fn an_eas_that_shuts_down_is_left() {
    let scene = Scene::set().await;
    others(&scene);
    says(&scene, "enabled").await;
    assert!(scene.eas_told().await.is_empty());
    says(&scene, "Shutting down").await;
    assert_eq!(scene.eas_told().await, [start(TARGET)]);
    // To say it again changes nothing.
    says(&scene, "Shutting down").await;
    assert!(scene.eas_told().await.is_empty());
}

/// Where nobody knows which of two instances serves, nobody is sent away.
#[tokio::test]
async fn who_may_be_served_elsewhere_stays() {
    let scene = Scene::set().await;
    let _other = neighbour(&scene).await;
    says(&scene, "shutting down").await;
    assert!(scene.eas_told().await.is_empty());
}

/// Who uses the instance that shuts down goes to the one beside it.
#[tokio::test]
async fn another_instance_here_comes_first() {
    let scene = Scene::set().await;
    let _other = neighbour(&scene).await;
    // A context that came with the session: it says who serves.
    let session = json!({"easId": "eas.chess.example", "endPt": {"fqdn": SOURCE}, "acId": "ac.chess"});
    let push = json!({"eesId": T_EES, "eecCntx": {"eecId": "eec-1", "cntxId": scene.context, "ueId": UE,
        "acProfs": [crate::scene::player()], "sessCntxs": {"sessCntxs": [session]}}});
    scene.doors.ees(T_EES).post(CONTEXTS, push).await.found();
    says(&scene, "shutting down").await;
    assert_eq!(scene.eas_told().await, [start(NEIGHBOUR)]);
}

/// An overloaded EAS is left by a share of its users; of one, with the usual half, nobody is left over to stay.
#[tokio::test]
async fn an_overloaded_eas_is_left() {
    let scene = Scene::set().await;
    others(&scene);
    says(&scene, "overloaded").await;
    assert_eq!(scene.eas_told().await, [start(TARGET)]);
}

/// Where no EAS takes over, the server in the cloud that the operator named does, and the EEC hears of it.
#[tokio::test]
async fn the_cloud_takes_over_where_no_eas_does() {
    let rules = DecisionRules {
        cloud: [("eas.chess.example".parse().unwrap(), CLOUD.parse().unwrap())].into(),
        ..DecisionRules::default()
    };
    let scene = Scene::with(Settings {
        decisions: rules,
        ..Settings::default()
    });
    let scene = serves_one_area(scene.await).await;
    scene.eec.post(DETERMINE, determine("eec-1", "000002")).await.done();
    scene.doors.settled().await;
    let told = scene.doors.subscribers.told();
    let to_eec = &told.iter().find(|told| told.at == EEC_HEARS).unwrap().body;
    assert_eq!(
        to_eec["trgtInfo"]["trgetEASInfo"]["eas"]["endPt"],
        json!({"uri": CLOUD})
    );
    assert_eq!(to_eec["trgtInfo"]["trgetEESInfo"], Value::Null);
    let to_eas = &told.iter().find(|told| told.at == EAS_HEARS).unwrap().body["eventReports"][0];
    assert_eq!(
        (&to_eas["actStatus"], &to_eas["easEndPoint"]),
        (&json!("ACT_START"), &json!({"uri": CLOUD}))
    );
    let mut report = scene.report("SUCCESSFUL");
    report["actResultInfo"]["easEndPoint"] = json!({"uri": CLOUD});
    scene.eas.post(ACR_STATUS, report).await.done();
    let told = scene.eec_told().await;
    assert_eq!((told.len(), &told[0]["acrStatus"]["acrRes"]), (1, &json!(true)));
}

/// An EAS elsewhere comes before the cloud.
#[tokio::test]
async fn an_eas_comes_before_the_cloud() {
    let rules = DecisionRules {
        cloud: [("eas.chess.example".parse().unwrap(), CLOUD.parse().unwrap())].into(),
        ..DecisionRules::default()
    };
    let scene = Scene::with(Settings {
        decisions: rules,
        ..Settings::default()
    });
    let scene = serves_one_area(scene.await).await;
    others(&scene);
    scene.eec.post(DETERMINE, determine("eec-1", "000002")).await.done();
    assert_eq!(scene.eas_told().await, [start(TARGET)]);
}

/// After the hold-off a UE that leaves again is relocated again.
#[tokio::test]
async fn one_relocation_after_the_other_takes_its_time() {
    let scene = serves_one_area(Scene::set().await).await;
    others(&scene);
    let request = determine("eec-1", "000002");
    scene.eec.post(DETERMINE, request.clone()).await.done();
    assert_eq!(scene.eas_told().await, [start(TARGET)]);
    scene.eas.post(ACR_STATUS, scene.report("SUCCESSFUL")).await.done();
    assert_eq!(scene.eec_told().await.len(), 1);
    // After the hold-off it goes its way again.
    scene.doors.clock.advance(6);
    scene.eec.post(DETERMINE, request).await.done();
    assert_eq!(scene.eas_told().await, [start(TARGET)]);
}

/// With a wish for something better, an EAS elsewhere that answers fast enough is one.
#[tokio::test]
async fn a_better_eas_is_used_where_that_is_wanted() {
    for (better_by_percent, begun) in [(0, 0), (50, 1), (95, 0)] {
        let rules = DecisionRules {
            better_by_percent,
            ..DecisionRules::default()
        };
        let scene = Scene::with(Settings {
            decisions: rules,
            ..Settings::default()
        })
        .await;
        let mut chess = crate::scene::chess(SOURCE);
        chess["easProf"]["svcKpi"] = json!({"maxRespTime": 100});
        let made = scene.eas.post("/eees-easregistration/v1/registrations", chess);
        made.await.created();
        others(&scene);
        scene.doors.others.answer(
            "discover",
            json!({"discoveredEas": [{"eas": {"easId": "eas.chess.example", "endPt": {"fqdn": TARGET},
                "svcKpi": {"maxRespTime": 20}}}]}),
        );
        scene.eec.post(DETERMINE, determine("eec-1", "000001")).await.done();
        scene.doors.settled().await;
        let kept = scene.doors.keys("acr/").await.len();
        assert_eq!(kept, begun, "better by {better_by_percent} percent");
    }
}
