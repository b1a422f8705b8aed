//! An EES with a core network that does as it is told, and a chess EAS that hears of paths.

use crate::{
    harness::{Answer, Doors, Settings},
    scene::{ACR_MANAGEMENT, EAS_HEARS, SOURCE, chess},
};
use edgeapp_core::{
    consent::Purpose,
    network::{Asked, CoreReport, PathInfluence, PathReport, Token},
};
use edgeapp_testkit::network::FakeCore;
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) const EAS: &str = "eas.chess.example#a1";
pub(super) const UE: &str = "extid-ue1@operator.example";
pub(super) const HEARS_AVAILABILITY: &str = "https://chess.edge-a.example/acr/report-availability";

/// Where a path goes: from the EAS's own place to the neighbour's.
pub(super) const AWAY: (&str, &str) = ("dnai-a", "dnai-b");

pub(super) fn place(dnai: &str) -> Value {
    json!({"dnai": dnai, "routeProfId": format!("to-{dnai}")})
}

/// The registration of a chess EAS at this host, behind this DNAI.
pub(super) fn chess_behind(host: &str, dnai: &str) -> Value {
    let mut registration = chess(host);
    registration["easProf"]["appLocs"] = json!([place(dnai)]);
    registration
}

/// The EAS sits behind `dnai-a`; the user of the UE agreed.
pub(super) async fn site() -> (Doors, Arc<FakeCore>) {
    let core = Arc::new(FakeCore::default());
    let settings = Settings {
        core: core.clone(),
        ..Settings::default()
    };
    let doors = Doors::with(settings).await;
    register(&doors, EAS, SOURCE, "dnai-a").await;
    doors.agreements.agree(UE, Purpose::Location);
    (doors, core)
}

/// Registers a chess EAS behind a DNAI.
pub(super) async fn register(doors: &Doors, who: &str, host: &str, dnai: &str) -> String {
    let registration = chess_behind(host, dnai);
    doors
        .eas(who)
        .post("/eees-easregistration/v1/registrations", registration)
        .await
        .created()
}

pub(super) fn of(events: Value) -> Value {
    json!({"easId": "eas.chess.example", "eventSubscs": events, "notificationDestination": EAS_HEARS})
}

/// A subscription to one event about the UE, with more members.
pub(super) fn one(event: &str, more: Value) -> Value {
    let mut wanted = json!({"event": event, "tgtUeId": {"gpsi": UE}});
    for (member, value) in more.as_object().unwrap() {
        wanted[member] = value.clone();
    }
    of(json!([wanted]))
}

/// Subscribes; answers with where the subscription is.
pub(super) async fn subscribe(doors: &Doors, body: Value) -> String {
    doors.eas(EAS).post(ACR_MANAGEMENT, body).await.created()
}

/// What runs at the core and concerns paths.
pub(super) fn paths(core: &FakeCore) -> Vec<(Token, PathInfluence)> {
    let path = |asked| match asked {
        Asked::Path(path) => Some(*path),
        _ => None,
    };
    core.runs()
        .into_iter()
        .filter_map(|kept| Some((kept.token, path(kept.asked)?)))
        .collect()
}

/// The report of a change; with `waits`, the core wants to hear what the EAS says.
pub(super) fn report(moment: &str, (from, to): (&str, &str), waits: bool) -> CoreReport {
    let change = json!({"ueId": {"gpsi": UE}, "dnaiChgType": moment, "sourceDnai": from, "targetDnai": to});
    let acknowledge = json!({"uri": "https://nef.example/ack/1", "transaction": "42", "ue": UE});
    CoreReport::Path(Box::new(PathReport {
        change: serde_json::from_value(change).unwrap(),
        acknowledge: waits.then(|| serde_json::from_value(acknowledge).unwrap()),
    }))
}

/// The core sends these reports to whoever has this token.
pub(super) async fn send(doors: &Doors, token: &Token, reports: &[CoreReport]) -> Answer {
    let path = format!("/edge2/reports/{}", token.reveal());
    doors.nef().post(&path, serde_json::to_value(reports).unwrap()).await
}

/// The core reports a change to whoever watches paths.
pub(super) async fn moves(doors: &Doors, core: &FakeCore, moment: &str, way: (&str, &str), waits: bool) {
    for (token, path) in paths(core) {
        if path.report.is_some() {
            send(doors, &token, &[report(moment, way, waits)]).await.done();
        }
    }
}

/// What the EAS heard since the last look: all reports, once the outbox is empty.
pub(super) async fn heard(doors: &Doors) -> Vec<Value> {
    doors.settled().await;
    doors
        .subscribers
        .told_at(EAS_HEARS)
        .into_iter()
        .flat_map(|told| told["eventReports"].as_array().cloned().unwrap_or_default())
        .collect()
}

/// The report that an EAS gets of a change.
pub(super) fn told(event: &str, moment: &str, (from, to): (&str, &str)) -> Value {
    json!({"event": event, "timeStamp": "2026-01-05T12:00:00Z", "ueId": {"gpsi": UE},
        "upPathChgInfo": {"ueId": {"gpsi": UE}, "dnaiChgType": moment, "sourceDnai": from, "targetDnai": to}})
}
