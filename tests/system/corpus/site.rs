//! An EES and an ECS for the corpus, with what its rows need to be there: resources of the callers and of others.

use crate::support::{
    ACR_EVENTS, DISCOVERY_SUBSCRIPTIONS, EAS_REGISTRATIONS, EEC_REGISTRATIONS, acr_events, availability, register_eec,
};
use edgeapp_core::principal::Role;
use edgeapp_core::{
    store::{Key, Store},
    token::from_base64url,
};
use edgeapp_store::RedbStore;
use edgeapp_system_tests::{
    caller::Caller,
    jwt::{Forger, thumbprint},
    lab::{Lab, Plan, ue_of},
    network::Network,
    process::Process,
};
use eec_sim::{
    configuration::{consent_of, registry_of},
    pki::Files,
};
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
/// Who issues tokens.
pub(crate) const ISSUER: &str = "https://ecs.example";
/// How many requests an EEC may send at once where rates are low.
pub(crate) const AT_ONCE: usize = 60;
/// The host for which everybody's certificate speaks.
pub(crate) const HOST: &str = "corpus.example";

/// What the servers of some rows have to be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ground {
    /// Strict in what callers may name.
    Usual,
    /// The same, with access tokens: the ECS issues them, the EES demands them of EECs.
    Tokens,
    /// EECs may send few requests.
    Rates,
    /// There is no room left on the disk of the EES.
    FullDisk,
}

impl Ground {
    /// The test that runs the rows on it.
    pub(crate) const fn test(self) -> &'static str {
        match self {
            Self::Usual => "every_row_ends_as_it_has_to_with_every_certificate",
            Self::Tokens => "every_row_about_tokens_ends_as_it_has_to",
            Self::Rates => "the_row_about_rates_ends_as_it_has_to",
            Self::FullDisk => "the_row_about_a_full_disk_ends_as_it_has_to",
        }
    }
}

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
    ground: Ground,
    /// Who signs tokens: with the key of the ECS where that issues tokens, with one that nobody knows elsewhere.
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

/// A registration that takes some room.
pub(crate) fn large_eas(name: &str) -> Value {
    let mut large = eas_at(EAS, name);
    large["easProf"]["easFeats"] = (0..200).map(|m| format!("{m}-{}", "x".repeat(200))).collect();
    large
}

impl Site {
    /// Starts both servers on this ground, with a core network whose second user agreed to nothing.
    pub(crate) async fn open(ground: Ground) -> Self {
        let lab = Lab::new();
        let ues = [ue_of(EEC), ue_of(OTHER_EEC)];
        let network = Network::open(&lab, &[&ues[0], &ues[1]]).await;
        let consent = lab.path().join("consent.toml");
        fs::write(&consent, consent_of([ues[0].as_str(), "extid-ue1@operator.example"])).unwrap();
        let consent = toml::Value::String(consent.to_string_lossy().into_owned());
        let strict = "[notifications]\nallow_callbacks_to_private_addresses = false\n";
        let ees = network.behind(lab.ees("a"), &lab).with(&format!(
            "strict_eas_endpoints = true\n{strict}[consent]\nevery_user_agreed_by_other_means = false\nfile = {consent}\n[quotas]\ndiscovery_subscriptions = 2\n"
        ));
        let ecs = lab.ecs().with(strict);
        let (ees, ecs, forger) = match ground {
            Ground::Tokens => with_tokens(&lab, ees, ecs).await,
            Ground::Usual => (ees.start().await, ecs.start().await, Forger::unknown("corpus")),
            Ground::Rates => {
                let rates = "[limits]\nunlimited_rates_for_load_tests = false\n[limits.eec]\nrequests_per_second = 1\n";
                let ees = ees.with(&format!("{rates}burst = {AT_ONCE}\n"));
                (ees.start().await, ecs.start().await, Forger::unknown("corpus"))
            }
            Ground::FullDisk => {
                let ees = ees.with("[quotas]\neas_registrations = 100000\n");
                let ees = ees.start_with_small_files(8 * 1024).await;
                (ees, ecs.start().await, Forger::unknown("corpus"))
            }
        };
        let mut site = Self {
            lab,
            ground,
            forger,
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
        if ground == Ground::FullDisk {
            site.fill().await;
        }
        site
    }

    /// An EEC that has what it needs: where tokens are demanded, one that opens everything here.
    fn eec(&self, id: &str) -> Caller {
        let files = self.who(Role::Eec, id);
        let eec = Caller::new(&self.lab, &files, Role::Ees, self.root(Door::Edge1));
        if self.ground != Ground::Tokens {
            return eec;
        }
        let now = jiff::Timestamp::now().as_second();
        let scope = "eees-eecregistration eees-easdiscovery eees-acrevents";
        let claims = json!({
            "iss": ISSUER, "sub": id, "client_id": id, "aud": CALLED, "scope": scope, "jti": format!("settles-{id}"),
            "iat": now, "exp": now + 300, "cnf": {"x5t#S256": thumbprint(&files)},
        });
        eec.bearing(&self.forger.token(&claims))
    }

    /// Registers EASs until there is no more room.
    async fn fill(&self) {
        let eas = self.caller(Door::Edge3, usual(Role::Eas));
        for n in 0..10_000 {
            if eas
                .post(EAS_REGISTRATIONS, &large_eas(&format!("large-{n}")))
                .await
                .status
                != 201
            {
                return;
            }
        }
        panic!("there is room without end");
    }

    async fn settle(&mut self) {
        let (one, other) = (self.eec(EEC), self.eec(OTHER_EEC));
        self.eec_registration = one.post(EEC_REGISTRATIONS, &json!({"eecId": EEC})).await.created();
        let registered = other.post(EEC_REGISTRATIONS, &json!({"eecId": OTHER_EEC})).await;
        self.others_eec_registration = registered.created();
        self.others_context = registered.body["eecCntxId"].as_str().unwrap().to_owned();
        let gone = register_eec(&self.eec(GONE), GONE).await;
        self.to_be_removed = gone;
        register_eec(&self.eec(MANY), MANY).await;
        let subscription = availability(OTHER_EEC, &callback("/others"));
        self.others_discovery_subscription = other.post(DISCOVERY_SUBSCRIPTIONS, &subscription).await.created();
        let subscription = acr_events(EEC, "ACR_COMPLETE", &callback("/acr"));
        self.acr_subscription = one.post(ACR_EVENTS, &subscription).await.created();
        let eas = self.caller(Door::Edge3, usual(Role::Eas));
        self.eas_registration = eas.post(EAS_REGISTRATIONS, &eas_at(EAS, "one")).await.created();
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

/// Both servers with access tokens, and somebody who has stolen the key that signs them.
async fn with_tokens(lab: &Lab, ees: Plan, ecs: Plan) -> (Process, Process, Forger) {
    let registry = lab.path().join("clients.toml");
    fs::write(&registry, registry_of([CALLED], true, [EEC, OTHER_EEC, GONE, MANY])).unwrap();
    let registry = toml::Value::String(registry.to_string_lossy().into_owned());
    let ecs = ecs.with(&format!("[tokens]\nregistry = {registry}\n"));
    // The first start makes the keys.
    assert!(ecs.start().await.stop().await.success());
    let forger = {
        let store = RedbStore::open(ecs.state()).unwrap();
        let keys = store.get(&Key::new("token/signing-keys")).await.unwrap().unwrap();
        let keys: Value = serde_json::from_slice(&keys.value).unwrap();
        let key = &keys["keys"][0];
        let private = key["private"].as_str().and_then(from_base64url).unwrap();
        Forger::with(&private, key["name"].as_str().unwrap())
    };
    let ecs = ecs.start().await;
    let demands = format!("[authorization]\nmode = \"token\"\nissuer = \"{ISSUER}\"\npull_seconds = 1\n");
    let ees = ees.at_ecs(ecs.root("edge6")).with(&demands).start().await;
    (ees, ecs, forger)
}
