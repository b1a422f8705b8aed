//! Eees_AppClientInformation (TS 29.558 clauses 5.5 and 8.4): EASs hear of application clients.

mod life;
mod options;
mod privacy;
mod reports;

use crate::{
    harness::{Caller, Doors, Settings},
    scene::{REGISTRATIONS, id_of, register_eas},
};
use edgeapp_core::authorizer::ReferencePoint;
use serde_json::{Value, json};

const SUBSCRIPTIONS: &str = "/eees-appclientinformation/v1/subscriptions";
const HEARS: &str = "https://chess.edge-a.example/clients";
const EAS: &str = "eas.chess.example#a1";

/// An EES with a registered EAS.
async fn site() -> Doors {
    site_with(Settings::default()).await
}

async fn site_with(settings: Settings) -> Doors {
    let doors = Doors::with(settings).await;
    register_eas(&doors.eas(EAS), "a.example").await;
    doors
}

fn subscription(members: Value) -> Value {
    let mut body = json!({"easId": "eas.chess.example", "notificationDestination": HEARS});
    body.as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    body
}

fn to_clients(ids: &[&str]) -> Value {
    subscription(json!({"acFltrs": [{"acIds": ids}]}))
}

/// An EEC on a UE of its own.
fn eec(doors: &Doors, n: u32) -> Caller {
    let (id, ue) = (
        format!("urn:edgeapp:eec:eec-{n}"),
        format!("urn:edgeapp:gpsi:{}", ue(n)),
    );
    doors.caller(ReferencePoint::Edge1, &[&id, &ue])
}

fn ue(n: u32) -> String {
    format!("msisdn-49170000000{n}")
}

fn registration(n: u32, clients: &Value) -> Value {
    json!({"eecId": format!("eec-{n}"), "ueId": ue(n), "acProfs": clients})
}

/// Registers an EEC with these application clients.
async fn register(doors: &Doors, n: u32, clients: Value) -> String {
    let made = eec(doors, n).post(REGISTRATIONS, registration(n, &clients)).await;
    made.created()
}

async fn subscribe(doors: &Doors, body: Value) -> String {
    doors.eas(EAS).post(SUBSCRIPTIONS, body).await.created()
}

/// What was told since the last look: the application clients of each notification.
async fn told(doors: &Doors) -> Vec<Vec<String>> {
    let ids = |told: &Value| {
        let groups = told["acInfs"].as_array().unwrap().iter();
        let profiles = groups.flat_map(|group| group["acProfs"].as_array().unwrap());
        profiles
            .map(|profile| profile["acId"].as_str().unwrap().to_owned())
            .collect()
    };
    raw(doors).await.iter().map(ids).collect()
}

/// The notifications since the last look.
async fn raw(doors: &Doors) -> Vec<Value> {
    doors.settled().await;
    doors.subscribers.told_at(HEARS)
}
