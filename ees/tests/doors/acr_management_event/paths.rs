//! `UP_PATH_CHG`: what the core reports of paths reaches the EAS.

use super::site::*;
use crate::{
    harness::{Doors, Settings},
    scene::{ACR_MANAGEMENT, EAS_HEARS, SOURCE, id_of},
};
use edgeapp_core::{
    consent::Purpose,
    network::{NetworkError, Target},
};
use edgeapp_openapi::common::DnaiChangeType;
use edgeapp_testkit::network::FakeCore;
use serde_json::{Value, json};
use std::sync::Arc;

/// TS 29.558 clause 5.8.2.5: a report of the core is told, once, under the name that the EAS uses.
#[tokio::test]
async fn a_change_reaches_the_eas_once() {
    let (doors, core) = site().await;
    let made = doors.eas(EAS).post(ACR_MANAGEMENT, one("UP_PATH_CHG", json!({}))).await;
    let uri = made.created();
    assert_eq!(
        made.body["availabilityInfo"],
        json!({"availabilityStatus": "AVAILABLE"})
    );
    assert_eq!(made.body["failEventReports"], Value::Null);
    let [(_, watch)] = &paths(&core)[..] else {
        panic!("one watch")
    };
    assert_eq!(watch.target, Target::Ue(UE.parse().unwrap()));
    assert_eq!(
        (watch.report.as_ref(), watch.acknowledged, watch.routes.len()),
        (Some(&DnaiChangeType::EarlyLate), false, 0)
    );
    moves(&doors, &core, "EARLY", AWAY, false).await;
    moves(&doors, &core, "LATE", AWAY, false).await;
    doors.settled().await;
    let expected = |moment| json!({"subpId": id_of(&uri), "eventReports": [told("UP_PATH_CHG", moment, AWAY)]});
    assert_eq!(
        doors.subscribers.told_at(EAS_HEARS),
        [expected("EARLY"), expected("LATE")]
    );
    assert_eq!(core.acknowledged(), []);
}

/// `dnaiChgType`, `trafFilterInfo` and the target go to the core as they are asked for.
#[tokio::test]
async fn what_is_watched_is_what_was_asked_for() {
    let (doors, core) = site().await;
    let flow = json!({"ipFlows": ["permit out ip from any to any"]});
    subscribe(
        &doors,
        one("UP_PATH_CHG", json!({"dnaiChgType": "LATE", "trafFilterInfo": flow})),
    )
    .await;
    let [(_, watch)] = &paths(&core)[..] else {
        panic!("one watch")
    };
    assert_eq!(watch.report, Some(DnaiChangeType::Late));
    assert_eq!(serde_json::to_value(&watch.traffic).unwrap(), flow);
    // A core that reports more than it was asked for is not believed to be wanted.
    moves(&doors, &core, "EARLY", AWAY, false).await;
    assert_eq!(heard(&doors).await, [] as [Value; 0]);
}

/// Without a target all UEs are watched; told of are those who agreed and have a name that may be told.
#[tokio::test]
async fn without_a_target_every_ue_that_agreed_is_told_of() {
    let (doors, core) = site().await;
    subscribe(&doors, of(json!([{"event": "UP_PATH_CHG"}]))).await;
    let [(token, watch)] = &paths(&core)[..] else {
        panic!("one watch")
    };
    assert_eq!(watch.target, Target::Any);
    doors.agreements.agree("msisdn-491700000009", Purpose::Location);
    for ue in [UE, "extid-ue2@operator.example", "msisdn-491700000009"] {
        let change = json!([{"path": {"change": {"ueId": {"gpsi": ue}, "dnaiChgType": "LATE", "sourceDnai": AWAY.0, "targetDnai": AWAY.1}}}]);
        let path = format!("/edge2/reports/{}", token.reveal());
        doors.nef().post(&path, change).await.done();
    }
    assert_eq!(heard(&doors).await, [told("UP_PATH_CHG", "LATE", AWAY)]);
}

/// Where the core names an address only, it is asked whose it is: that user counts.
#[tokio::test]
async fn a_ue_that_is_named_by_its_address_is_found_out_first() {
    let (doors, core) = site().await;
    subscribe(&doors, of(json!([{"event": "UP_PATH_CHG"}]))).await;
    let [(token, _)] = &paths(&core)[..] else {
        panic!("one watch")
    };
    let address = json!({"ipv4Addr": "198.51.100.1"});
    let change =
        json!([{"path": {"change": {"ueId": {"ueIpAddr": address}, "dnaiChgType": "LATE", "targetDnai": "dnai-b"}}}]);
    let path = format!("/edge2/reports/{}", token.reveal());
    doors.nef().post(&path, change.clone()).await.done();
    assert_eq!(heard(&doors).await, [] as [Value; 0], "nobody knows who it is");
    core.give_address(&address.to_string(), "ue1@operator.example".parse().unwrap());
    doors.nef().post(&path, change).await.done();
    let heard = heard(&doors).await;
    assert_eq!((heard.len(), &heard[0]["ueId"]), (1, &json!({"gpsi": UE})));
}

/// By address: the user behind it counts, and the address is the name.
#[tokio::test]
async fn a_target_by_address_is_told_of_by_its_address() {
    let (doors, core) = site().await;
    let address = json!({"ipv4Addr": "198.51.100.1"});
    core.give_address(&address.to_string(), "ue1@operator.example".parse().unwrap());
    let about = of(json!([{"event": "UP_PATH_CHG", "tgtUeId": {"ueIpAddr": address}}]));
    subscribe(&doors, about).await;
    moves(&doors, &core, "LATE", AWAY, false).await;
    let heard = heard(&doors).await;
    assert_eq!(
        (&heard[0]["ueId"], &heard[0]["upPathChgInfo"]["ueId"]),
        (&json!({"ueIpAddr": address}), &json!({"ueIpAddr": address}))
    );
}

/// `INTRA_EDN_MOBILITY` is about places that lead to this network: those of the EASs here and of the EES; `INTER_EDN_MOBILITY` the rest.
#[tokio::test]
async fn the_kind_of_mobility_is_told_by_where_the_path_leads() {
    for (filter, kinds) in [
        ("INTRA_EDN_MOBILITY", ["dnai-ours", "dnai-c"]),
        ("INTER_EDN_MOBILITY", ["dnai-x", ""]),
    ] {
        let (doors, core) = site().await;
        register(&doors, "eas.chess.example#c1", "chess.edge-c.example", "dnai-c").await;
        subscribe(
            &doors,
            one("UP_PATH_CHG", json!({"eventFilter": filter, "dnaiChgType": "LATE"})),
        )
        .await;
        for to in ["dnai-ours", "dnai-c", "dnai-x"] {
            moves(&doors, &core, "LATE", ("dnai-a", to), false).await;
        }
        let heard = heard(&doors).await;
        let to: Vec<&str> = heard
            .iter()
            .map(|told| told["upPathChgInfo"]["targetDnai"].as_str().unwrap())
            .collect();
        let kinds: Vec<&str> = kinds.into_iter().filter(|kind| !kind.is_empty()).collect();
        assert_eq!(to, kinds, "{filter}");
    }
}

/// Clause 5.8.2.2.2: who may not be watched, and whom nobody knows.
#[tokio::test]
async fn refusals_name_the_member() {
    let (doors, core) = site().await;
    let eas = doors.eas(EAS);
    let about = |target: Value| of(json!([{"event": "ACT_START_STOP"}, {"event": "UP_PATH_CHG", "tgtUeId": target}]));
    for (target, status, cause, pointer) in [
        (
            json!({"gpsi": "extid-ue2@operator.example"}),
            403,
            "USER_CONSENT_NOT_GRANTED",
            "/eventSubscs/1/tgtUeId",
        ),
        (
            json!({"edgeUeId": "edgeueid-nobody"}),
            404,
            "UE_NOT_FOUND",
            "/eventSubscs/1/tgtUeId/edgeUeId",
        ),
        (
            json!({"intGrpId": "0000000a-001-01-0b"}),
            403,
            "CORE_NETWORK_REFUSED",
            "/eventSubscs/1/tgtUeId/intGrpId",
        ),
    ] {
        eas.post(ACR_MANAGEMENT, about(target))
            .await
            .refused(status, cause, pointer);
    }
    let stranger = doors.eas("eas.chess.example#b1");
    let answer = stranger.post(ACR_MANAGEMENT, one("UP_PATH_CHG", json!({}))).await;
    answer.refused(403, "NOT_REGISTERED", "");
    assert_eq!(core.runs(), []);
    for prefix in [
        "acr-management-subscription/",
        "core-link/",
        "core-held/",
        "progress/",
        "timer/acr",
    ] {
        assert_eq!(doors.keys(prefix).await, [] as [String; 0], "{prefix}");
    }
}

/// What the core refuses is reported beside what it does; when nothing is left, nothing is kept.
#[tokio::test]
async fn what_the_core_refuses_is_reported() {
    let (doors, core) = site().await;
    let eas = doors.eas(EAS);
    core.fail_next(NetworkError::Refused {
        cause: "REQUEST_NOT_AUTHORIZED".to_owned(),
    });
    let both = json!([{"event": "UP_PATH_CHG", "tgtUeId": {"gpsi": UE}}, {"event": "ACR_MONITORING", "tgtUeId": {"gpsi": UE}}]);
    let made = eas.post(ACR_MANAGEMENT, of(both.clone())).await;
    let uri = made.created();
    let failed = json!([{"event": "UP_PATH_CHG", "failureCode": "3GPP_UP_PATH_CHANGE_MON_NOT_AVAILABLE"}]);
    assert_eq!(
        (&made.body["failEventReports"], &made.body["availabilityInfo"]),
        (&failed, &json!({"availabilityStatus": "NOT_AVAILABLE"}))
    );
    assert_eq!(paths(&core).len(), 1);
    // Asked for again, it is tried again.
    let after = eas.patch(&uri, json!({"eventSubscs": both})).await.found();
    assert_eq!(
        (&after["failEventReports"], &after["availabilityInfo"]),
        (&Value::Null, &json!({"availabilityStatus": "AVAILABLE"}))
    );
    eas.delete(&uri).await.done();
    doors.settled().await;
    assert_eq!(core.runs(), []);
    core.fail_next(NetworkError::UnknownUe);
    let answer = eas.post(ACR_MANAGEMENT, one("UP_PATH_CHG", json!({}))).await;
    answer.refused(403, "MONITORING_NOT_AVAILABLE", "");
    assert_eq!(doors.keys("core-link/").await, [] as [String; 0]);
    core.fail_next(NetworkError::UnknownUe);
    let two = json!([{"event": "UP_PATH_CHG", "tgtUeId": {"gpsi": UE}}, {"event": "ACR_SELECTION"}]);
    let made = eas.post(ACR_MANAGEMENT, of(two)).await;
    made.created();
    assert_eq!(made.body["failEventReports"][0]["failureCode"], "OTHER_REASONS");
}

/// A user who takes back the consent: the event ends at once, and stands among those that cannot be reported.
#[tokio::test]
async fn a_withdrawn_consent_ends_the_event_and_its_watch() {
    let (doors, core) = site().await;
    let events = json!([{"event": "UP_PATH_CHG", "tgtUeId": {"gpsi": UE}}, {"event": "ACT_START_STOP"}]);
    let uri = subscribe(&doors, of(events)).await;
    let withdrawal = doors.agreements.withdraw(UE, Purpose::Location);
    doors.management.withdrawn(&withdrawal).await.unwrap();
    moves(&doors, &core, "LATE", AWAY, false).await;
    assert_eq!(heard(&doors).await, [] as [Value; 0]);
    assert_eq!(core.runs(), []);
    let shown = doors.eas(EAS).get(&uri).await.found();
    assert_eq!(
        shown["failEventReports"],
        json!([{"event": "UP_PATH_CHG", "failureCode": "OTHER_REASONS"}])
    );
}

/// Watches end with the subscription, and with the last registration of its EAS.
#[tokio::test]
async fn watches_end_with_the_subscription_and_with_the_registration() {
    let core = Arc::new(FakeCore::default());
    let doors = Doors::with(Settings {
        core: core.clone(),
        ..Settings::default()
    })
    .await;
    let registration = register(&doors, EAS, SOURCE, "dnai-a").await;
    doors.agreements.agree(UE, Purpose::Location);
    let uri = subscribe(&doors, one("UP_PATH_CHG", json!({}))).await;
    doors.eas(EAS).delete(&uri).await.done();
    doors.settled().await;
    assert_eq!(core.runs(), []);
    subscribe(&doors, one("UP_PATH_CHG", json!({}))).await;
    subscribe(&doors, one("ACR_FACILITATION", json!({}))).await;
    assert_eq!(core.runs().len(), 2);
    doors.eas(EAS).delete(&registration).await.done();
    doors.settled().await;
    assert_eq!(core.runs(), []);
    for prefix in [
        "acr-management-subscription/",
        "core-link/",
        "core-held/",
        "progress/",
        "timer/acr",
    ] {
        assert_eq!(doors.keys(prefix).await, [] as [String; 0], "{prefix}");
    }
}
