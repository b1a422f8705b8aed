//! An EES and an ECS with a resource of every kind, their owners, and strangers.

use super::{
    published::{Operation, operations},
    sample::{ENDPOINT, Names, smallest},
};
use crate::support::{CHESS, nothing_waits};
use bytes::Bytes;
use edgeapp_core::{
    principal::Role,
    store::{Span, Store},
};
use edgeapp_store::RedbStore;
use edgeapp_system_tests::{
    caller::{Answer, Caller},
    lab::{Lab, Plan, ue_of},
    network::Network,
    process::Process,
};
use http::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a server has on disk.
type Entries = BTreeMap<String, Bytes>;

/// Listeners, with who is served there: server, listener, role of the caller.
pub(super) const DOORS: [(Role, &str, Role); 5] = [
    (Role::Ees, "edge1", Role::Eec),
    (Role::Ees, "edge3", Role::Eas),
    (Role::Ees, "edge9", Role::Ees),
    (Role::Ecs, "edge4", Role::Eec),
    (Role::Ecs, "edge6", Role::Ees),
];

pub(super) const EEC: &str = "eec-owner";
pub(super) const EES: &str = "ees-owner.example";

/// A place where an operation is served, and who may use it there.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) operation: Operation,
    pub(super) server: Role,
    pub(super) caller: Role,
    pub(super) root: String,
    /// The path of a resource that the owner has, for operations on one; otherwise the path of the operation with its query.
    pub(super) path: String,
}

/// The servers and what is in them.
pub(super) struct World {
    pub(super) lab: Lab,
    /// Answers the EES for as long as the world is there.
    _network: Network,
    pub(super) plans: [Plan; 2],
    servers: Vec<Process>,
    created: BTreeMap<String, String>,
    before: [Entries; 2],
}

/// Who creates things in this role.
pub(super) fn owner(role: Role) -> &'static str {
    match role {
        Role::Eec => EEC,
        Role::Eas => "eas.chess.example#1",
        _ => EES,
    }
}

/// Others in this role: a stranger, and the nearest relative that is not the owner.
pub(super) fn others(role: Role) -> [&'static str; 2] {
    match role {
        Role::Eec => ["eec-stranger", "eec-owner2"],
        Role::Eas => ["eas.other.example#1", "eas.chess.example#2"],
        _ => ["ees-stranger.example", "ees-owner.example.org"],
    }
}

/// The identities in the messages of an owner.
pub(super) fn names(role: Role, context: &str) -> Names {
    let own = owner(role).split('#').next().unwrap().to_owned();
    // What another EES brings is about an EEC that has not come yet.
    let (eec, context) = match role {
        Role::Ees => ("eec-brought", "context-brought"),
        _ => (EEC, context),
    };
    let role = match role {
        Role::Eec => "eec",
        Role::Eas => "eas",
        _ => "ees",
    };
    Names {
        role,
        own,
        eec: eec.to_owned(),
        ue: ue_of(eec),
        eas: CHESS.to_owned(),
        ees: EES.to_owned(),
        context: context.to_owned(),
    }
}

impl World {
    /// Starts both servers, lets the owners make one of everything, and remembers what is stored then.
    pub(super) async fn open() -> Self {
        Self::open_with(["", ""]).await
    }

    /// The same, with these settings over those of the EES and the ECS.
    pub(super) async fn open_with(settings: [&str; 2]) -> Self {
        let lab = Lab::new();
        let network = Network::open(&lab, &[&ue_of(EEC), &ue_of("eec-brought")]).await;
        // The hosts of the samples stand in nobody's certificate, and the sweeps are faster than any client.
        let samples = "[callbacks]\nallowed_hosts = [\"*.example\"]\n[limits]\nunlimited_rates_for_load_tests = true\n";
        let plans = [network.behind(lab.ees("a"), &lab), lab.ecs()].map(|plan| plan.with(samples));
        let [of_ees, of_ecs] = plans;
        let plans = [of_ees.with(settings[0]), of_ecs.with(settings[1])];
        let servers = vec![plans[0].start().await, plans[1].start().await];
        let mut world = Self {
            lab,
            _network: network,
            plans,
            servers,
            created: BTreeMap::new(),
            before: Default::default(),
        };
        let mut creating: Vec<Place> = world.places().await;
        creating.retain(|place| place.operation.creates());
        // EECs and EASs come first: what else there is is about them.
        creating.sort_by_key(|place| !place.operation.api.ends_with("registration"));
        // One more site, for who looks for a target.
        let target = world.lab.who(Role::Ees, "ees-target.example");
        let target = Caller::new(&world.lab, &target, Role::Ecs, world.server(Role::Ecs).root("edge6"));
        let profile =
            json!({"eesId": "ees-target.example", "endPt": {"uri": ENDPOINT}, "easIds": [CHESS], "eecRegConf": false});
        target
            .post("/eecs-eesregistration/v1/registrations", &json!({"eesProf": profile}))
            .await
            .created();
        for place in creating {
            if world.created.contains_key(&place.operation.collection()) {
                continue;
            }
            let body = world.body(&place).unwrap();
            let answer = world.owner(&place).post(&place.path, &body).await;
            if answer.status != http::StatusCode::FORBIDDEN {
                let path = answer.created();
                if place.operation.api == "eees-eecregistration" {
                    let context = answer.body["eecCntxId"].as_str().unwrap();
                    world.created.insert("context".to_owned(), context.to_owned());
                }
                world.created.insert(place.operation.collection(), path);
            }
        }
        world.settle().await;
        world
    }

    /// Remembers what is stored now.
    async fn settle(&mut self) {
        for (server, role) in self.servers.iter().zip([Role::Ees, Role::Ecs]) {
            nothing_waits(&self.lab, role, server).await;
        }
        self.before = self.stored().await;
    }

    /// What both servers have on disk: they are stopped for it and started again.
    async fn stored(&mut self) -> [Entries; 2] {
        for server in std::mem::take(&mut self.servers) {
            assert!(server.stop().await.success());
        }
        let stored = [entries(&self.plans[0]).await, entries(&self.plans[1]).await];
        self.servers = vec![self.plans[0].start().await, self.plans[1].start().await];
        stored
    }

    /// Asserts that everything is stored as it was, and nothing else.
    pub(super) async fn remains_as_it_was(&mut self) {
        for (before, after) in self.before_and_after().await {
            let added: Vec<_> = after.keys().filter(|key| !before.contains_key(*key)).collect();
            assert!(added.is_empty(), "stored by refused requests: {added:?}");
        }
    }

    /// Asserts that everything that was stored is as it was; there may be more.
    pub(super) async fn keeps_what_it_had(&mut self) {
        self.before_and_after().await;
    }

    async fn before_and_after(&mut self) -> Vec<(Entries, Entries)> {
        let before = std::mem::take(&mut self.before);
        let both: Vec<_> = before.into_iter().zip(self.stored().await).collect();
        for (before, after) in &both {
            for (key, value) in before {
                assert_eq!(after.get(key), Some(value), "{key} was changed by refused requests");
            }
        }
        both
    }

    fn server(&self, role: Role) -> &Process {
        if role == Role::Ecs {
            &self.servers[1]
        } else {
            &self.servers[0]
        }
    }

    /// Every operation on every listener that serves it.
    ///
    /// # Panics
    /// When an operation is served nowhere.
    pub(super) async fn places(&self) -> Vec<Place> {
        let mut places = Vec::new();
        for operation in operations() {
            let mut served = 0;
            for (server, listener, role) in DOORS {
                let root = self.server(server).root(listener).to_owned();
                let caller = Caller::new(&self.lab, &self.lab.who(role, owner(role)), server, &root);
                if !is_served(&caller, &operation).await {
                    continue;
                }
                served += 1;
                let path = match (operation.is_on_an_item(), self.created.get(&operation.collection())) {
                    (true, Some(path)) => path.clone(),
                    (true, None) => operation.path("not-there"),
                    (false, _) => operation.path("") + &self.query(&operation, role),
                };
                places.push(Place {
                    operation: operation.clone(),
                    server,
                    caller: role,
                    root,
                    path,
                });
            }
            assert!(served > 0, "{operation} is published and served nowhere");
        }
        places
    }

    fn query(&self, operation: &Operation, role: Role) -> String {
        let mut names = names(role, self.context());
        names.context = self.context().to_owned();
        let value = |name: &str, schema: &Value| match (name, smallest(schema, &operation.schemas, &names)) {
            ("ees-id", _) => names.ees.clone(),
            ("eas-id", _) => names.eas.clone(),
            ("eec-cntx-id", _) => names.context.clone(),
            (_, Value::String(text)) => text,
            (_, other) => other.to_string(),
        };
        let pairs: Vec<_> = operation
            .query
            .iter()
            .map(|(name, schema)| format!("{name}={}", value(name, schema)))
            .collect();
        if pairs.is_empty() {
            String::new()
        } else {
            format!("?{}", pairs.join("&"))
        }
    }

    /// Whether the owner has a resource made by this operation.
    pub(super) fn has_created(&self, operation: &Operation) -> bool {
        self.created.contains_key(&operation.collection())
    }

    fn context(&self) -> &str {
        self.created.get("context").map_or("context-unknown", String::as_str)
    }

    /// The smallest valid body that the owner sends; for PATCH an empty one.
    pub(super) fn body(&self, place: &Place) -> Option<Value> {
        let (_, schema) = place.operation.body.as_ref()?;
        Some(smallest(
            schema,
            &place.operation.schemas,
            &names(place.caller, self.context()),
        ))
    }

    /// The owner, calling this place.
    pub(super) fn owner(&self, place: &Place) -> Caller {
        self.caller(place, owner(place.caller))
    }

    /// Somebody else in the same role, calling this place.
    pub(super) fn caller(&self, place: &Place, id: &str) -> Caller {
        Caller::new(&self.lab, &self.lab.who(place.caller, id), place.server, &place.root)
    }
}

/// Whether a listener has the path of an operation with its method. The request cannot succeed.
async fn is_served(caller: &Caller, operation: &Operation) -> bool {
    let answer = caller.send(Method::OPTIONS, &operation.path("not-there"), "", "").await;
    if answer.body["cause"] == "RESOURCE_URI_STRUCTURE_NOT_FOUND" {
        return false;
    }
    answer.refused(405, "METHOD_NOT_ALLOWED");
    allowed(&answer).contains(&operation.method.to_string())
}

/// The methods in an `Allow` header.
pub(super) fn allowed(answer: &Answer) -> Vec<String> {
    let allow = answer
        .headers
        .get(http::header::ALLOW)
        .unwrap_or_else(|| panic!("405 without Allow: {}", answer.body));
    let mut methods: Vec<_> = allow
        .to_str()
        .unwrap()
        .split(',')
        .map(|method| method.trim().to_owned())
        .collect();
    methods.sort();
    methods
}

async fn entries(plan: &Plan) -> Entries {
    let store = RedbStore::open(plan.state()).unwrap();
    let all = store.range(Span::prefix("")).await.unwrap().entries;
    // What the EES does by itself all the time was not done by a request.
    let own = |key: &str| key.contains("core-upkeep") || key.starts_with("clock/") || key.starts_with("audit/");
    all.into_iter()
        .filter(|entry| !own(entry.key.as_str()))
        .map(|entry| (entry.key.as_str().to_owned(), entry.value))
        .collect()
}
