//! An ECS and an EES as processes, and who calls them.

use edgeapp_client_tests::{eees_easregistration as eas_registration, eees_eecregistration as eec_registration};
use edgeapp_core::principal::Role;
use edgeapp_system_tests::{
    caller::{Answer, Caller, tls},
    lab::{Lab, ue_of},
    network::Network,
    process::Process,
    wait::until_it_is_so,
};
use eec_sim::pki::Files;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Duration;

pub(crate) const CHESS: &str = "eas.chess.example";
pub(crate) const EEC: &str = "eec-1";
/// A UE that the core network knows.
pub(crate) const UE: &str = "msisdn-491700000001";

/// The servers.
pub(crate) struct World {
    lab: Lab,
    /// Answers the EES for as long as the world is there.
    _network: Network,
    ecs: Process,
    ees: Process,
}

impl World {
    pub(crate) async fn open() -> Self {
        let lab = Lab::new();
        let ecs = lab.ecs().start().await;
        let network = Network::open(&lab, &[UE]).await;
        let ees = network.behind(lab.ees("a"), &lab).at_ecs(ecs.root("edge6"));
        let ees = ees.start().await;
        let operator = lab.operator(Role::Ees, ees.root("operator"));
        until_it_is_so("the EES is registered", async || {
            operator.get("/ready").await.status == 200
        })
        .await;
        Self {
            lab,
            _network: network,
            ecs,
            ees,
        }
    }

    /// The `apiRoot` of a listener.
    pub(crate) fn root(&self, listener: &str) -> &str {
        self.server(listener).0.root(listener)
    }

    fn server(&self, listener: &str) -> (&Process, Role) {
        match listener {
            "edge4" | "edge6" => (&self.ecs, Role::Ecs),
            _ => (&self.ees, Role::Ees),
        }
    }

    fn files(&self, who: &str) -> Files {
        let role = match who.split('-').next() {
            Some("eec") => Role::Eec,
            Some("ees") => Role::Ees,
            _ => Role::Eas,
        };
        self.lab.who(role, who)
    }

    /// What a generated client needs: where an API is on a listener, and somebody's way to it.
    pub(crate) fn way(&self, who: &str, listener: &str, api: &str) -> (String, reqwest::Client) {
        let (_, role) = self.server(listener);
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(&self.lab, Some(&self.files(who)), role))
            .timeout(Duration::from_secs(20))
            .build()
            .expect("a client");
        (format!("{}/{api}/v1", self.root(listener)), client)
    }

    /// A request without generated code, to see what is there.
    pub(crate) async fn look(&self, who: &str, listener: &str, url: &str) -> Answer {
        let (_, role) = self.server(listener);
        let root = self.root(listener);
        let path = url.strip_prefix(root).unwrap_or(url);
        Caller::new(&self.lab, &self.files(who), role, root).get(path).await
    }

    /// Registers an EAS of the application [`CHESS`] at this domain name.
    pub(crate) async fn register_eas(&self, who: &str, fqdn: &str) {
        let (base, client) = self.way(who, "edge3", "eees-easregistration");
        let client = eas_registration::Client::new_with_client(&base, client);
        let profile = json!({"easId": CHESS, "endPt": {"fqdn": fqdn}, "svcContSupp": ["EEC_INITIATED"]});
        let made = client.create_eas_registration(&read(json!({"easProf": profile}))).await;
        assert!(made.is_ok(), "{made:?}");
    }

    /// Registers [`EEC`] with its UE.
    pub(crate) async fn register_eec(&self) {
        let (base, client) = self.way(EEC, "edge1", "eees-eecregistration");
        let client = eec_registration::Client::new_with_client(&base, client);
        let made = client
            .create_eec_reg(&read(json!({"eecId": EEC, "ueId": ue_of(EEC)})))
            .await;
        assert!(made.is_ok(), "{made:?}");
    }
}

/// A value of a generated type: what has many mandatory members is shorter as JSON.
pub(crate) fn read<T: DeserializeOwned>(json: Value) -> T {
    serde_json::from_value(json).expect("a value of a generated type")
}

/// The id of what was created, and its address.
pub(crate) fn made(headers: &reqwest::header::HeaderMap) -> (String, String) {
    let location = headers["location"].to_str().expect("an address").to_owned();
    let id = location.rsplit('/').next().unwrap_or_default().to_owned();
    (id, location)
}

/// Asserts that a call was refused with this status and ProblemDetails.
macro_rules! refused {
    ($call:expr, $status:literal) => {
        match $call.await {
            Err(edgeapp_client_tests::Refusal::ErrorResponse(problem)) => {
                assert_eq!(problem.status().as_u16(), $status, "{problem:?}");
                assert_eq!(problem.status, Some($status), "{problem:?}");
            }
            other => panic!("not refused with ProblemDetails: {other:?}"),
        }
    };
}

/// The answer, or none where it has no body: the generator knows one kind of success per operation.
macro_rules! answer_if_any {
    ($call:expr) => {
        match $call.await {
            Ok(answer) => Some(answer.into_inner()),
            Err(edgeapp_client_tests::Refusal::UnexpectedResponse(answer)) if answer.status() == 204 => None,
            Err(other) => panic!("{other:?}"),
        }
    };
}

pub(crate) use {answer_if_any, refused};
