//! Eees_UEIdentifier (TS 29.558 clauses 5.4 and 8.3).

use crate::harness::{Doors, Settings};
use edgeapp_core::consent::Purpose;
use edgeapp_testkit::network::FakeCore;
use serde_json::{Value, json};
use std::sync::Arc;

const GET: &str = "/eees-ueidentifier/v1/get";
const FETCH: &str = "/eees-ueidentifier/v1/fetch";
const EAS: &str = "eas.chess.example#a1";
const PHONE: &str = "msisdn-491700000009";

/// The EASs that ask: only a registered one is told about UEs.
async fn register(doors: &Doors) {
    for (eas, name) in [(EAS, "a"), ("eas.chess.example#b1", "b"), ("eas.go.example#a1", "go")] {
        let profile = json!({"easId": eas.split('#').next().unwrap(), "endPt": {"fqdn": format!("{name}.example")}});
        let registration = json!({"easProf": profile});
        let eas = doors.eas(eas);
        eas.post("/eees-easregistration/v1/registrations", registration)
            .await
            .created();
    }
}

async fn site() -> (Doors, Arc<FakeCore>) {
    let core = Arc::new(FakeCore::default());
    let address: edgeapp_openapi::common::IpAddr = serde_json::from_value(address()).unwrap();
    core.give_address(
        &serde_json::to_string(&address).unwrap(),
        "ue1@operator.example".parse().unwrap(),
    );
    let settings = Settings {
        core: core.clone(),
        ..Settings::default()
    };
    let doors = Doors::with(settings).await;
    register(&doors).await;
    doors
        .agreements
        .agree("extid-ue1@operator.example", Purpose::Identifier);
    doors.agreements.agree(PHONE, Purpose::Identifier);
    (doors, core)
}

fn address() -> Value {
    json!({"ipv4Addr": "198.51.100.4"})
}

/// Clause 5.4.2.2: the core knows who has the address.
#[tokio::test]
async fn an_address_leads_to_the_identifier_of_the_core() {
    let (doors, _) = site().await;
    let answer = doors.eas(EAS).post(GET, json!({"ipAddr": address()})).await;
    let id = json!({"afSpecUeId": "extid-ue1@operator.example", "easId": "eas.chess.example"});
    assert_eq!(answer.found(), json!({"ueIds": [id]}));
    let older = json!({"easId": "eas.chess.example", "ipAddr": address()});
    assert_eq!(
        doors.eas(EAS).post(FETCH, older).await.found(),
        "extid-ue1@operator.example"
    );
}

/// TS 23.558 clause 7.2.6: a telephone number is never told; an Edge UE ID stands for it.
///
/// Proves: WP-64
#[tokio::test]
async fn a_telephone_number_is_replaced_by_an_edge_ue_id() {
    let (doors, _) = site().await;
    let eas = doors.eas(EAS);
    let first = eas.post(GET, json!({"ueId": PHONE})).await.found();
    let id = first["ueIds"][0]["edgeUeId"].as_str().unwrap().to_owned();
    assert!(!id.contains("49170"), "{id}");
    let again = eas.post(GET, json!({"ueId": PHONE})).await.found();
    assert_eq!(again, first, "the same while it lives");
    let by_itself = eas.post(GET, json!({"ueId": id})).await.found();
    assert_eq!(by_itself, first, "it stands for the UE");
    doors.pass(86_401).await;
    register(&doors).await;
    assert_ne!(eas.post(GET, json!({"ueId": PHONE})).await.found(), first);
}

/// An Edge UE ID names the UE to the other services, for its EAS alone.
///
/// Proves: WP-64
#[tokio::test]
async fn an_edge_ue_id_is_understood_from_its_eas_only() {
    let (doors, core) = site().await;
    doors.agreements.agree(PHONE, Purpose::Location);
    let eas = doors.eas(EAS);
    let found = eas.post(GET, json!({"ueId": PHONE})).await.found();
    let id = found["ueIds"][0]["edgeUeId"].clone();
    let here = serde_json::from_value(json!({"cellId": "000000001"})).unwrap();
    let report = edgeapp_core::network::LocationReport {
        ue: None,
        location: Some(here),
        failure: None,
        at: None,
    };
    core.place(PHONE.parse().unwrap(), report);
    eas.post("/eees-uelocation/v1/fetch", json!({"ueId": id})).await.found();
    let stranger = doors.eas("eas.go.example#a1");
    let answer = stranger.post("/eees-uelocation/v1/fetch", json!({"ueId": id})).await;
    answer.refused(404, "UE_NOT_FOUND", "");
}

/// Proves: T-27
#[tokio::test]
async fn refusals_say_why_to_who_knows_the_ue() {
    let (doors, _) = site().await;
    let eas = doors.eas(EAS);
    let nobody = json!({"ipAddr": {"ipv4Addr": "198.51.100.99"}});
    eas.post(GET, nobody).await.refused(404, "UE_NOT_FOUND", "");
    let others = json!({"ipAddr": address(), "easIds": ["eas.go.example"]});
    eas.post(GET, others).await.refused(403, "OWNER_MISMATCH", "/easIds/0");
    let other = json!({"easId": "eas.go.example", "ipAddr": address()});
    eas.post(FETCH, other).await.refused(403, "OWNER_MISMATCH", "/easId");
    doors
        .agreements
        .withdraw("extid-ue1@operator.example", Purpose::Identifier);
    // An address tells nobody that it is a UE's, as long as the user of that did not agree: by one answer, down to its text.
    let nobody = eas.post(GET, json!({"ipAddr": {"ipv4Addr": "198.51.100.99"}})).await;
    let somebody = eas.post(GET, json!({"ipAddr": address()})).await;
    somebody.refused(404, "UE_NOT_FOUND", "");
    assert_eq!(somebody.body["detail"], nobody.body["detail"]);
    let older = json!({"easId": "eas.chess.example", "ipAddr": address()});
    eas.post(FETCH, older).await.refused(404, "UE_NOT_FOUND", "");
    // Whoever knows the UE hears why, and of one that there is not the same.
    doors.agreements.withdraw(PHONE, Purpose::Identifier);
    for named in [PHONE, "msisdn-491700009999"] {
        let answer = eas.post(GET, json!({"ueId": named})).await;
        answer.refused(403, "USER_CONSENT_NOT_GRANTED", "");
    }
}

#[tokio::test]
async fn without_a_core_network_an_address_leads_nowhere() {
    let doors = Doors::open().await;
    register(&doors).await;
    let answer = doors.eas(EAS).post(GET, json!({"ipAddr": address()})).await;
    answer.refused(503, "CORE_NETWORK_NOT_CONFIGURED", "");
}
