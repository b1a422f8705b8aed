//! Messages and steps that several tests begin with.

use edgeapp_core::principal::Role;
use edgeapp_system_tests::{
    caller::{Answer, Caller},
    lab::Lab,
    process::Process,
    wait::until_it_is_so,
};
use serde_json::{Value, json};

pub(crate) const EAS_REGISTRATIONS: &str = "/eees-easregistration/v1/registrations";
pub(crate) const EEC_REGISTRATIONS: &str = "/eees-eecregistration/v1/registrations";
pub(crate) const DISCOVERY: &str = "/eees-easdiscovery/v1/eas-profiles/request-discovery";
pub(crate) const DISCOVERY_SUBSCRIPTIONS: &str = "/eees-easdiscovery/v1/subscriptions";
pub(crate) const ACR_EVENTS: &str = "/eees-acrevents/v1/subscriptions";
pub(crate) const ACR_MANAGEMENT: &str = "/eees-acrmgntevent/v1/subscriptions";
pub(crate) const INITIATE: &str = "/eees-appctxtreloc/v1/initiate";
pub(crate) const REPORT: &str = "/eees-acrstatus-update/v1/request-acrupdate";

/// The application of most tests.
pub(crate) const CHESS: &str = "eas.chess.example";

/// The endpoint of the instance with this name.
pub(crate) fn end_pt(name: &str) -> Value {
    json!({"uri": format!("https://{name}.chess.example:8443/play")})
}

/// A registration of an instance, with this status.
pub(crate) fn eas_registration(eas_id: &str, name: &str, status: &str) -> Value {
    json!({"easProf": {"easId": eas_id, "endPt": end_pt(name), "status": status}})
}

/// A subscription to EASs of [`CHESS`] that come and go.
pub(crate) fn availability(eec_id: &str, destination: &str) -> Value {
    json!({"eecId": eec_id, "easEventType": "EAS_AVAILABILITY_CHANGE", "notificationDestination": destination,
        "easDiscoveryFilter": {"easChars": [{"easId": CHESS}]}})
}

/// A subscription to the status of EASs of an application.
pub(crate) fn status_of(eec_id: &str, eas_id: &str, destination: &str) -> Value {
    // The standard calls the identifier of the EAS `eecId` in this place.
    json!({"eecId": eec_id, "easEventType": "EAS_DYNAMIC_INFO_CHANGE", "notificationDestination": destination,
        "easDynInfoFilter": {"dynInfoFilter": [{"eecId": eas_id, "easStatus": true}]}})
}

/// A subscription of an EAS to the orders to start and stop a transfer.
pub(crate) fn act_start_stop(eas_id: &str, destination: &str) -> Value {
    json!({"easId": eas_id, "eventSubscs": [{"event": "ACT_START_STOP"}], "notificationDestination": destination})
}

/// A subscription of an EEC to the course of its relocations.
pub(crate) fn acr_events(eec_id: &str, event: &str, destination: &str) -> Value {
    json!({"eecId": eec_id, "easIds": [CHESS], "eventIds": event, "notificationDestination": destination})
}

/// Registers an EEC, which has to be before it discovers or subscribes. Answers with the path of the registration.
pub(crate) async fn register_eec(eec: &Caller, id: &str) -> String {
    eec.post(EEC_REGISTRATIONS, &json!({"eecId": id})).await.created()
}

/// The EASs of an application that an EEC discovers, by their endpoints.
pub(crate) async fn discover(eec: &Caller, eec_id: &str, eas_id: &str) -> Vec<Value> {
    let request = json!({"requestorId": {"eecId": eec_id}, "easDiscoveryFilter": {"easChars": [{"easId": eas_id}]}});
    found_in(&eec.post(DISCOVERY, &request).await)
}

/// The profiles in an answer to a discovery; none when nothing was found.
pub(crate) fn found_in(answer: &Answer) -> Vec<Value> {
    match answer.status.as_u16() {
        404 => Vec::new(),
        _ => answer.found()["discoveredEas"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|eas| eas["eas"].clone())
            .collect(),
    }
}

/// Waits until a server has sent everything that waits to be sent.
pub(crate) async fn nothing_waits(lab: &Lab, role: Role, server: &Process) {
    let operator = lab.operator(role, server.root("operator"));
    until_it_is_so("the outbox is empty", async || {
        metric(&operator, "edgeapp_outbox_waiting").await.unwrap_or(0.0) == 0.0
    })
    .await;
}

/// The value of a metric; the sum of all that begin with this name and labels.
pub(crate) async fn metric(operator: &Caller, name: &str) -> Option<f64> {
    let text = operator.get("/metrics").await.body;
    let lines = text
        .as_str()
        .unwrap_or_default()
        .lines()
        .filter(|line| line.starts_with(name));
    lines
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .reduce(|sum, value| sum + value)
}
