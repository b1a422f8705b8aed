//! A relocation that an S-EAS leaves to the enabler layer, from `ees-a` to `ees-b` (TS 23.558 clause 8.8.3.6): storage, search, hand-over
//! and news over real TLS; the EEC and the EASs are the test's.

use crate::{
    network::{eec_at, provisioned, until_provisioned},
    support::{
        ACR_EVENTS, ACR_MANAGEMENT, CHESS, EAS_REGISTRATIONS, EEC_REGISTRATIONS, REPORT, acr_events, act_start_stop,
        eas_registration, end_pt, nothing_waits,
    },
};
use edgeapp_core::principal::Role;
use edgeapp_system_tests::{
    caller::Caller,
    ear::Ear,
    lab::{Lab, ue_of},
    process::Process,
    wait::until_it_is_so,
};
use http::Method;
use serde_json::json;

const EEC: &str = "eec-mover";
const REQUEST: &str = "/eees-eel-acr/v1/request-eelacr";
const SUBSCRIPTIONS: &str = "/eees-eel-acr/v1/subscriptions";
/// More than any other body may have.
const CONTEXT_BYTES: usize = 400_000;

/// An instance of the application at this EES that takes part in managed relocations, with its ear. It wants to hear when to start and
/// how it ends.
async fn eas(lab: &Lab, name: &str, ees: &Process) -> (Caller, Ear) {
    let id = format!("{CHESS}#{name}");
    let eas = lab.eas(&id, ees.root("edge3"));
    let mut registration = eas_registration(CHESS, name, "ENABLED");
    registration["easProf"]["svcContSupp"] = json!(["EEL_MANAGED_ACR"]);
    eas.post(EAS_REGISTRATIONS, &registration).await.created();
    let ear = Ear::open(lab, &lab.who(Role::Eas, &id)).await;
    eas.post(ACR_MANAGEMENT, &act_start_stop(CHESS, &ear.uri("/act")))
        .await
        .created();
    let status = json!({"easId": CHESS, "notificationUri": ear.uri("/managed")});
    eas.post(SUBSCRIPTIONS, &status).await.created();
    (eas, ear)
}

/// From the request to the end: the T-EAS gets the very bytes that the S-EAS stored, though neither knows the other, and everybody hears
/// once that it is done. The storage and the wish survive a restart in between.
#[tokio::test]
async fn ends_with_the_context_at_the_target() {
    let lab = Lab::new();
    let ecs = lab.ecs().start().await;
    let [plan_a, plan_b] = ["a", "b"].map(|letter| lab.ees(letter).at_ecs(ecs.root("edge6")));
    let (mut a, b) = (plan_a.start().await, plan_b.start().await);
    let (source, source_ear) = eas(&lab, "one", &a).await;
    let (target, target_ear) = eas(&lab, "two", &b).await;
    let at_ecs = eec_at(&lab, &ecs, EEC);
    until_provisioned(&at_ecs, EEC, &["ees-a.example", "ees-b.example"]).await;
    until_it_is_so("the ECS knows the application at both EESs", async || {
        let told = provisioned(&at_ecs, EEC).await;
        told.iter().all(|ees| ees["easIds"] == json!([CHESS]))
    })
    .await;
    let eec = lab.eec(EEC, a.root("edge1"));
    let profile = json!({"acId": "ac.chess", "eass": [{"easId": CHESS}]});
    eec.post(
        EEC_REGISTRATIONS,
        &json!({"eecId": EEC, "ueId": ue_of(EEC), "acProfs": [profile]}),
    )
    .await
    .created();
    let eec_ear = Ear::open(&lab, &lab.who(Role::Eec, EEC)).await;
    eec.post(ACR_EVENTS, &acr_events(EEC, "ACR_COMPLETE", &eec_ear.uri("/complete")))
        .await
        .created();

    let wish = json!({"ueId": ue_of(EEC), "easCharacs": [{}]});
    let place = source.post(REQUEST, &wish).await.found()["appCtxtStoreAddr"].clone();
    let place = place.as_str().expect("an address").to_owned();
    source.post(REQUEST, &wish).await.refused(403, "ACR_IN_PROGRESS");
    let context: Vec<u8> = (0..CONTEXT_BYTES).map(|n| b'a' + (n % 23) as u8).collect();
    a.kill().await;
    a = plan_a.start().await;
    let (source, reader) = (source.at(a.root("edge3")), target.at(a.root("edge3")));
    let put = source
        .send(Method::PUT, &place, "application/octet-stream", context.clone())
        .await;
    put.done();

    let orders = target_ear.hears_many(1).await;
    let report = &orders[0].body["eventReports"][0];
    assert_eq!(
        (&report["actStatus"], &report["ueId"]["gpsi"]),
        (&json!("ACT_START"), &json!(ue_of(EEC)))
    );
    assert_eq!(report["easEndPoint"], json!({"uri": place}));
    // Strangers do not get it, whatever they know.
    lab.eas("eas.other.example#1", a.root("edge3"))
        .get(&place)
        .await
        .refused(404, "RESOURCE_NOT_FOUND");
    let taken = reader.get(&place).await;
    assert_eq!(taken.status, 200);
    assert_eq!(taken.body.as_str().expect("text").as_bytes(), context);
    let result = json!({"actResult": "SUCCESSFUL", "ueId": ue_of(EEC), "easEndPoint": report["easEndPoint"]});
    let report = json!({"easId": CHESS, "acId": "ac.chess", "actResultInfo": result});
    target.post(REPORT, &report).await.done();

    let news = source_ear.hears_many(1).await;
    assert_eq!(
        (news[0].target.as_str(), &news[0].body["actStatus"]),
        ("/managed/act-status", &json!("SUCCESSFUL"))
    );
    let news = target_ear.hears_many(2).await;
    assert_eq!(
        (news[1].target.as_str(), &news[1].body["actStatus"]),
        ("/managed/act-status", &json!("SUCCESSFUL"))
    );
    let complete = eec_ear.hears_many(1).await[0].body.clone();
    assert_eq!(
        complete["acrStatus"],
        json!({"acrRes": true, "tEasEndpoint": end_pt("two")})
    );
    let registration = complete["eecCtxtReloc"]["implReg"]["regId"]
        .as_str()
        .expect("a registration");
    let there = eec.at(b.root("edge1"));
    let again = json!({"eecId": EEC, "ueId": ue_of(EEC)});
    there
        .put(&format!("{EEC_REGISTRATIONS}/{registration}"), &again)
        .await
        .found();
    for ees in [&a, &b] {
        nothing_waits(&lab, Role::Ees, ees).await;
    }
    assert_eq!(
        (
            source_ear.heard().len(),
            target_ear.heard().len(),
            eec_ear.heard().len()
        ),
        (1, 2, 1)
    );
}
