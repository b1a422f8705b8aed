//! An ECS, EESs that register with it, and what an EEC hears of them over EDGE-4.

use edgeapp_core::principal::Role;
use edgeapp_system_tests::{
    caller::Caller,
    lab::{Lab, Plan},
    process::Process,
    wait::until_it_is_so,
};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

pub(crate) const PROVISIONING: &str = "/eecs-serviceprovisioning/v1/request";
pub(crate) const PROVISIONING_SUBSCRIPTIONS: &str = "/eecs-serviceprovisioning/v1/subscriptions";

/// An address to which a server can come back: below the range from which ports are given out by chance.
pub(crate) fn lasting_address() -> SocketAddr {
    loop {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, rand::random_range(20_000..32_000)));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// An ECS that is found at the same addresses when it is started again.
pub(crate) fn lasting_ecs(lab: &Lab) -> Plan {
    let (edge4, edge6) = (lasting_address(), lasting_address());
    lab.ecs().with(&format!(
        "[edge4]\nlisten = \"{edge4}\"\n[edge6]\nlisten = \"{edge6}\"\n"
    ))
}

/// An EEC that calls this ECS.
pub(crate) fn eec_at(lab: &Lab, ecs: &Process, id: &str) -> Caller {
    Caller::new(lab, &lab.who(Role::Eec, id), Role::Ecs, ecs.root("edge4"))
}

/// The EESs that an EEC is told of, each as the answer describes it; none when there is nothing for it.
pub(crate) async fn provisioned(eec: &Caller, eec_id: &str) -> Vec<Value> {
    let answer = eec.post(PROVISIONING, &json!({"eecId": eec_id})).await;
    if answer.body.is_null() {
        answer.done();
        return Vec::new();
    }
    eess_in(answer.found())
}

/// The EESs in an answer or notification of the ECS.
pub(crate) fn eess_in(body: &Value) -> Vec<Value> {
    let edns = body["ednCnfgInfo"].as_array().into_iter().flatten();
    edns.flat_map(|edn| edn["eess"].as_array().into_iter().flatten())
        .cloned()
        .collect()
}

/// Waits until the EEC is told of exactly these EESs.
pub(crate) async fn until_provisioned(eec: &Caller, eec_id: &str, ees_ids: &[&str]) {
    let known = async || provisioned(eec, eec_id).await;
    let exactly = async || {
        known()
            .await
            .iter()
            .map(|ees| ees["eesId"].clone())
            .eq(ees_ids.iter().map(|id| json!(id)))
    };
    until_it_is_so(&format!("the ECS tells of {ees_ids:?}"), exactly).await;
}
