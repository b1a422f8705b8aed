//! An EES and an ECS for the corpus, with what its rows need to be there: resources of the callers and of others.

use crate::support::{
    ACR_EVENTS, DISCOVERY_SUBSCRIPTIONS, EAS_REGISTRATIONS, EEC_REGISTRATIONS, acr_events, availability, nothing_waits,
    register_eec,
};
use edgeapp_core::principal::Role;
use edgeapp_system_tests::{
    caller::Caller,
    jwt::Forger,
    lab::{Lab, ue_of},
    network::Network,
    process::Process,
};
use eec_sim::{configuration::consent_of, pki::Files};
use serde_json::{Value, json};
use std::fs;

/// The EEC that calls, and another one.
pub(crate) const EEC: &str = "eec-corpus-1";
pub(crate) const OTHER_EEC: &str = "eec-corpus-2";
/// EECs of one row each: one that goes, one that wants too much.
pub(crate) const GONE: &str = "eec-corpus-3";
pub(crate) const MANY: &str = "eec-corpus-4";
/// The EAS that calls, by its EASID, and another one. Instances are numbered.
pub(crate) const EAS: &str = crate::support::CHESS;
pub(crate) const OTHER_EAS: &str = "eas.other.example";
/// The EES that calls, and another one.
pub(crate) const EES: &str = "ees-corpus.example";
pub(crate) const OTHER_EES: &str = "ees-other.example";
/// The EES that is called.
pub(crate) const CALLED: &str = "ees-a.example";
/// The same, as the resource of a token.
pub(crate) const AUDIENCE: &str = "https://ees-a.example/";
/// The host for which everybody's certificate speaks.
pub(crate) const HOST: &str = "corpus.example";

/// Where a request goes, and with it the role whose door that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// EECs at the EES.
    Edge1,
    /// EASs at the EES.
    Edge3,
    /// EESs at the EES.
    Edge9,
    /// EECs at the ECS.
    Edge4,
    /// EESs at the ECS.
    Edge6,
}

impl Door {
    /// The role at the calling end.
    pub(crate) fn role(self) -> Role {
        match self {
            Self::Edge1 | Self::Edge4 => Role::Eec,
            Self::Edge3 => Role::Eas,
            Self::Edge9 | Self::Edge6 => Role::Ees,
        }
    }

    /// The server.
    pub(crate) fn server(self) -> Role {
        match self {
            Self::Edge1 | Self::Edge3 | Self::Edge9 => Role::Ees,
            Self::Edge4 | Self::Edge6 => Role::Ecs,
        }
    }

    fn listener(self) -> &'static str {
        match self {
            Self::Edge1 => "edge1",
            Self::Edge3 => "edge3",
            Self::Edge9 => "edge9",
            Self::Edge4 => "edge4",
            Self::Edge6 => "edge6",
        }
    }
}

/// Who calls in a role when nothing else is said.
pub(crate) fn usual(role: Role) -> &'static str {
    match role {
        Role::Eec => EEC,
        Role::Eas => "eas.chess.example#1",
        Role::Ees => EES,
        Role::Ecs => "ecs.example",
        _ => "operator",
    }
}

/// The servers, and what was made there.
pub(crate) struct Site {
    pub(crate) lab: Lab,
    /// Who signs tokens. Nobody knows the key as long as there is no server that issues any.
    pub(crate) forger: Forger,
    _network: Network,
    ees: Process,
    ecs: Process,
    /// Paths of what the callers own.
    pub(crate) eec_registration: String,
    pub(crate) eas_registration: String,
    pub(crate) acr_subscription: String,
    /// The path of the registration of [`GONE`].
    pub(crate) to_be_removed: String,
    /// Paths and names of what others own.
    pub(crate) others_eec_registration: String,
    pub(crate) others_discovery_subscription: String,
    pub(crate) others_context: String,
}

/// An address that callers may name for callbacks.
pub(crate) fn callback(path: &str) -> String {
    format!("https://{HOST}:8443{path}")
}

/// A registration of an EAS at the host that its certificate speaks for.
pub(crate) fn eas_at(eas_id: &str, name: &str) -> Value {
    json!({"easProf": {"easId": eas_id, "endPt": {"uri": format!("https://{HOST}:8443/{name}")}, "status": "ENABLED"}})
}

impl Site {
    /// Starts both servers, strict in what callers may name, with a core network whose second user agreed to nothing.
    pub(crate) async fn open() -> Self {
        let lab = Lab::new();
        let ues = [ue_of(EEC), ue_of(OTHER_EEC)];
        let network = Network::open(&lab, &[&ues[0], &ues[1]]).await;
        let consent = lab.path().join("consent.toml");
        fs::write(&consent, consent_of([ues[0].as_str(), "extid-ue1@operator.example"])).unwrap();
        let consent = toml::Value::String(consent.to_string_lossy().into_owned());
        let strict = "[notifications]\nallow_callbacks_to_private_addresses = false\n";
        let ees = network.behind(lab.ees("a"), &lab).with(&format!(
            "{strict}[consent]\nevery_user_agreed_by_other_means = false\nfile = {consent}\n[quotas]\ndiscovery_subscriptions = 2\n"
        ));
        let (ees, ecs) = (ees.start().await, lab.ecs().with(strict).start().await);
        let mut site = Self {
            lab,
            forger: Forger::unknown("corpus"),
            _network: network,
            ees,
            ecs,
            eec_registration: String::new(),
            eas_registration: String::new(),
            acr_subscription: String::new(),
            to_be_removed: String::new(),
            others_eec_registration: String::new(),
            others_discovery_subscription: String::new(),
            others_context: String::new(),
        };
        site.settle().await;
        site
    }

    async fn settle(&mut self) {
        let (one, other) = (self.caller(Door::Edge1, EEC), self.caller(Door::Edge1, OTHER_EEC));
        self.eec_registration = one.post(EEC_REGISTRATIONS, &json!({"eecId": EEC})).await.created();
        let registered = other.post(EEC_REGISTRATIONS, &json!({"eecId": OTHER_EEC})).await;
        self.others_eec_registration = registered.created();
        self.others_context = registered.body["eecCntxId"].as_str().unwrap().to_owned();
        for (id, path) in [(GONE, Some(&mut self.to_be_removed)), (MANY, None)] {
            let eec = Caller::new(
                &self.lab,
                &self.lab.who_at(Role::Eec, id, &[HOST]),
                Role::Ees,
                self.ees.root("edge1"),
            );
            let made = register_eec(&eec, id).await;
            path.into_iter().for_each(|path| path.clone_from(&made));
        }
        let subscription = availability(OTHER_EEC, &callback("/others"));
        self.others_discovery_subscription = other.post(DISCOVERY_SUBSCRIPTIONS, &subscription).await.created();
        let subscription = acr_events(EEC, "ACR_COMPLETE", &callback("/acr"));
        self.acr_subscription = one.post(ACR_EVENTS, &subscription).await.created();
        let eas = self.caller(Door::Edge3, usual(Role::Eas));
        self.eas_registration = eas.post(EAS_REGISTRATIONS, &eas_at(EAS, "one")).await.created();
        nothing_waits(&self.lab, Role::Ees, &self.ees).await;
    }

    /// The `apiRoot` of a door.
    pub(crate) fn root(&self, door: Door) -> &str {
        let server = if door.server() == Role::Ecs {
            &self.ecs
        } else {
            &self.ees
        };
        server.root(door.listener())
    }

    /// Host and port of a door.
    pub(crate) fn address(&self, door: Door) -> &str {
        self.root(door).trim_start_matches("https://")
    }

    /// The certificate of this id in a role; it speaks for [`HOST`].
    pub(crate) fn who(&self, role: Role, id: &str) -> Files {
        match role {
            // The laboratory has one already.
            Role::Operator => self.lab.pki.files("operator"),
            _ => self.lab.who_at(role, id, &[HOST]),
        }
    }

    /// Somebody in the role of a door, calling there.
    pub(crate) fn caller(&self, door: Door, id: &str) -> Caller {
        Caller::new(&self.lab, &self.who(door.role(), id), door.server(), self.root(door))
    }
}
