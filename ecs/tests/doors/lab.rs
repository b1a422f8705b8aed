//! The ECS under test and its callers.

use async_trait::async_trait;
use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use bytes::Bytes;
use edgeapp_authz::RoleOfReferencePoint;
use edgeapp_core::{
    authorizer::ReferencePoint,
    clock::ManualClock,
    notifier::{Delivered, NotDelivered, Notifier},
    outbox::{Outcome, Reactions},
    principal::Principal,
    quota::Quotas,
    room::{EVENT, Room},
    store::{Commit, Key, Span, Store},
    sweeper,
    token::Thumbprint,
};
use edgeapp_ecs::ecs::{Ecs, EcsBuilder, EcsRules};
use edgeapp_ecs_domain::{edn::Edns, expiring::Lapses};
use edgeapp_http::{
    request::Peer,
    stack::{Stack, stack},
};
use edgeapp_openapi::common::{DateTime, Uri};
use edgeapp_store::MemoryStore;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

pub(crate) const REGISTRATIONS: &str = "/eecs-eesregistration/v1/registrations";
pub(crate) const REQUEST: &str = "/eecs-serviceprovisioning/v1/request";
pub(crate) const TARGETS: &str = "/eecs-targeteesdiscovery/v1/ees-profiles";
pub(crate) const SUBSCRIPTIONS: &str = "/eecs-serviceprovisioning/v1/subscriptions";
pub(crate) const MERGE_PATCH: &str = "application/merge-patch+json";

/// The instant at which every test begins.
pub(crate) const START: &str = "2026-01-01T12:00:00Z";

/// A notifier that remembers what it carried, and answers as it was told to; 204 when it was not.
#[derive(Default)]
pub(crate) struct Recorder {
    sent: Mutex<Vec<(String, Value)>>,
    answers: Mutex<VecDeque<Result<Delivered, NotDelivered>>>,
    arrived: tokio::sync::Notify,
}

pub(crate) fn received() -> Delivered {
    Delivered {
        status: 204,
        body: Bytes::new(),
        moved_to: None,
    }
}

#[async_trait]
impl Notifier for Recorder {
    async fn notify(&self, destination: &Uri, body: Bytes) -> Result<Delivered, NotDelivered> {
        let body = serde_json::from_slice(&body).expect("JSON");
        self.sent.lock().unwrap().push((destination.to_string(), body));
        self.arrived.notify_one();
        self.answers
            .lock()
            .unwrap()
            .pop_front()
            .unwrap_or_else(|| Ok(received()))
    }
}

pub(crate) struct Lab {
    pub(crate) ecs: Ecs,
    pub(crate) clock: Arc<ManualClock>,
    quotas: Quotas,
    store: Arc<MemoryStore>,
    recorder: Arc<Recorder>,
    edge4: Stack,
    edge6: Stack,
}

/// An answer with its body read.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) location: Option<String>,
    pub(crate) media_type: Option<String>,
    pub(crate) body: Value,
}

impl Reply {
    /// Asserts the status and hands the body out.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body
    }

    /// Asserts a refusal that speaks ProblemDetails.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, cause: &str) -> Value {
        assert_eq!(
            (self.status.as_u16(), self.body["cause"].as_str()),
            (status, Some(cause)),
            "{}",
            self.body
        );
        assert_eq!(self.media_type.as_deref(), Some("application/problem+json"));
        assert_eq!(self.body["status"], status);
        self.body
    }

    /// Asserts a refusal that points at one member or parameter.
    #[track_caller]
    pub(crate) fn refused_at(self, status: u16, cause: &str, param: &str) {
        let body = self.refused(status, cause);
        assert_eq!(body["invalidParams"][0]["param"], param, "{body}");
    }

    /// Asserts a creation and hands out the path of what was made, and the body.
    #[track_caller]
    pub(crate) fn created(self) -> (String, Value) {
        let location = self.location.clone().expect("a Location");
        let body = self.is(201);
        let path = location
            .strip_prefix("https://ecs.example")
            .expect("absolute")
            .to_owned();
        (path, body)
    }
}

pub(crate) fn eec(id: &str) -> Principal {
    Principal::from_names(
        [
            format!("urn:edgeapp:eec:{id}").as_str(),
            "urn:edgeapp:gpsi:msisdn-491700000001",
        ],
        [],
    )
    .expect("an identity")
}

/// The certificate of somebody: each has its own.
pub(crate) fn thumbprint_of(who: &Principal) -> Thumbprint {
    let mut thumbprint = [0; 32];
    let name = who.owner().as_str().as_bytes();
    let length = name.len().min(32);
    thumbprint[..length].copy_from_slice(&name[name.len() - length..]);
    Thumbprint::new(thumbprint)
}

pub(crate) fn ees(id: &str) -> Principal {
    Principal::from_names([format!("urn:edgeapp:ees:{id}").as_str()], []).expect("an identity")
}

impl Lab {
    pub(crate) async fn new() -> Self {
        Self::with(EcsRules::default()).await
    }

    /// With `[[edn]]` entries, as JSON.
    pub(crate) async fn with_networks(networks: Value) -> Self {
        let mut rules = EcsRules::default();
        rules.answers.edns = Arc::new(Edns::new(serde_json::from_value(networks).expect("networks")).expect("fit"));
        Self::with(rules).await
    }

    pub(crate) async fn with(rules: EcsRules) -> Self {
        Self::behind(rules, |builder| builder).await
    }

    /// With other parts, as `chosen`.
    pub(crate) async fn behind(rules: EcsRules, chosen: impl FnOnce(EcsBuilder) -> EcsBuilder) -> Self {
        let (store, recorder) = (Arc::new(MemoryStore::new()), Arc::new(Recorder::default()));
        let clock = ManualClock::at(START.parse().expect("an instant"));
        Self::over(store, recorder, clock, rules, chosen).await
    }

    /// The ECS begins anew over what it kept, with these rules.
    pub(crate) async fn restarted(self, rules: EcsRules) -> Self {
        Self::over(self.store, self.recorder, self.clock, rules, |builder| builder).await
    }

    async fn over(
        store: Arc<MemoryStore>,
        recorder: Arc<Recorder>,
        clock: Arc<ManualClock>,
        mut rules: EcsRules,
        chosen: impl FnOnce(EcsBuilder) -> EcsBuilder,
    ) -> Self {
        // What the operator allows beside the names of certificates, which callers of these tests do not have.
        rules.provisioning.callbacks.allowed_hosts = vec!["*.example".parse().expect("a pattern")];
        let quotas = rules.quotas.quotas();
        let builder = Ecs::builder(rules, store.clone(), recorder.clone())
            .clock(clock.clone())
            .sweep_every(std::time::Duration::from_millis(5));
        let ecs = chosen(builder).build().await.expect("an ECS");
        let stacked = |point| stack(ecs.router(point), point);
        let (edge4, edge6) = (stacked(ReferencePoint::Edge4), stacked(ReferencePoint::Edge6));
        Self {
            ecs,
            clock,
            quotas,
            store,
            recorder,
            edge4,
            edge6,
        }
    }

    /// Calls with any body.
    pub(crate) async fn send(&self, caller: &Principal, method: Method, path: &str, media: &str, body: &str) -> Reply {
        let api = path.split('/').nth(1).unwrap_or_default();
        let (point, stack) = match api {
            "eecs-serviceprovisioning" => (ReferencePoint::Edge4, &self.edge4),
            _ => (ReferencePoint::Edge6, &self.edge6),
        };
        let peer = Peer {
            principal: Ok(Arc::new(caller.clone())),
            thumbprint: Some(thumbprint_of(caller)),
            point,
            from: None,
            authorizer: Arc::new(RoleOfReferencePoint),
            evidence: Arc::new(edgeapp_core::evidence::NoEvidence),
            api_root: Some("https://ecs.example".into()),
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, media)
            .extension(Arc::new(peer))
            .body(Body::from(body.to_owned()))
            .expect("a request");
        let response = stack.answer(request).await;
        let (parts, body) = response.into_parts();
        let text = |name| {
            parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let body = body.collect().await.expect("a body").to_bytes();
        let body = if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&body).expect("JSON")
        };
        Reply {
            status: parts.status,
            location: text(header::LOCATION),
            media_type: text(header::CONTENT_TYPE),
            body,
        }
    }

    pub(crate) async fn post(&self, caller: &Principal, path: &str, body: Value) -> Reply {
        self.send(caller, Method::POST, path, "application/json", &body.to_string())
            .await
    }

    pub(crate) async fn put(&self, caller: &Principal, path: &str, body: Value) -> Reply {
        self.send(caller, Method::PUT, path, "application/json", &body.to_string())
            .await
    }

    pub(crate) async fn patch(&self, caller: &Principal, path: &str, body: Value) -> Reply {
        self.send(caller, Method::PATCH, path, MERGE_PATCH, &body.to_string())
            .await
    }

    pub(crate) async fn get(&self, caller: &Principal, path: &str) -> Reply {
        self.send(caller, Method::GET, path, "", "").await
    }

    pub(crate) async fn delete(&self, caller: &Principal, path: &str) -> Reply {
        self.send(caller, Method::DELETE, path, "", "").await
    }

    /// Registers the EES of this id with these members more; says where the registration is.
    pub(crate) async fn register(&self, id: &str, more: Value) -> String {
        self.post(&ees(id), REGISTRATIONS, json!({"eesProf": profile(id, more)}))
            .await
            .created()
            .0
    }

    /// What the EEC `eec-1` gets for a request with these members more: the EESIDs.
    pub(crate) async fn found(&self, more: Value) -> Vec<String> {
        let reply = self
            .post(&eec("eec-1"), REQUEST, with(json!({"eecId": "eec-1"}), more))
            .await;
        match reply.status {
            StatusCode::NO_CONTENT => Vec::new(),
            _ => ids(&reply.is(200)),
        }
    }

    /// Lets everything happen that committed events lead to, as the outbox does it, without waiting between attempts. The answer is
    /// what came of each task in the end.
    pub(crate) async fn settle(&self) -> Vec<Outcome> {
        let (reactions, room) = (self.ecs.reactions(), Room::new(self.store.clone(), self.clock.clone()));
        let mut outcomes = Vec::new();
        loop {
            let mut events = self.store.range(Span::prefix(EVENT)).await.expect("events").entries;
            events.sort_by(|a, b| (a.revision, &a.key).cmp(&(b.revision, &b.key)));
            let Some(entry) = events.first() else { return outcomes };
            self.store
                .commit(Commit::new().delete(entry.key.clone()))
                .await
                .expect("removed");
            for todo in reactions
                .react(serde_json::from_slice(&entry.value).expect("an event"))
                .await
                .expect("tasks")
            {
                let guard = todo.task.guard.as_deref().map(Key::new);
                for attempt in 0..10 {
                    if let Some(guard) = &guard
                        && room.read::<Value>(guard).await.expect("a guard").is_none()
                    {
                        break;
                    }
                    let outcome = reactions.perform(&todo.task.work, attempt).await;
                    if !matches!(outcome, Outcome::Again { .. }) {
                        outcomes.push(outcome);
                        break;
                    }
                }
            }
        }
    }

    /// Moves the clock and sweeps.
    pub(crate) async fn pass(&self, seconds: u32) {
        self.clock.advance(seconds);
        let room = Room::new(self.store.clone(), self.clock.clone()).with_quotas(self.quotas.clone());
        sweeper::sweep(&room, &Lapses).await.expect("a sweep");
    }

    /// What was sent since the last look: destination and body.
    pub(crate) fn sent(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.recorder.sent.lock().unwrap())
    }

    /// Waits for something to be sent, for at most half a minute.
    pub(crate) async fn next_sent(&self) -> Vec<(String, Value)> {
        let arrival = async {
            loop {
                let sent = self.sent();
                if !sent.is_empty() {
                    return sent;
                }
                self.recorder.arrived.notified().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), arrival)
            .await
            .expect("something is sent")
    }

    /// How the next notifications are answered.
    pub(crate) fn will_answer(&self, answers: impl IntoIterator<Item = Result<Delivered, NotDelivered>>) {
        self.recorder.answers.lock().unwrap().extend(answers);
    }

    /// All keys in the store but those that every ECS has from its start.
    pub(crate) async fn keys(&self) -> Vec<String> {
        let all = self.store.range(Span::prefix("")).await.expect("keys").entries;
        let of_start = |key: &String| key.starts_with("configuration/") || key.starts_with("quota-counted/");
        let keys = all.into_iter().map(|entry| entry.key.to_string());
        keys.filter(|key| !of_start(key)).collect()
    }
}

/// The members of `more` over those of `base`.
pub(crate) fn with(mut base: Value, more: Value) -> Value {
    for (name, value) in more.as_object().expect("an object") {
        base[name] = value.clone();
    }
    base
}

/// A profile of an EES with one EAS.
pub(crate) fn profile(id: &str, more: Value) -> Value {
    let base = json!({
        "eesId": id, "endPt": {"uri": format!("https://{id}.example:8443")}, "eecRegConf": true,
        "easIds": ["eas.chess.example"], "ednInfoSets": {"dnn": "edge-a"},
    });
    with(base, more)
}

/// The EESIDs in an answer or a notification, network by network.
pub(crate) fn ids(answer: &Value) -> Vec<String> {
    let networks = answer["ednCnfgInfo"].as_array().expect("ednCnfgInfo");
    let eess = networks.iter().flat_map(|edn| edn["eess"].as_array().expect("eess"));
    eess.map(|ees| ees["eesId"].as_str().expect("eesId").to_owned())
        .collect()
}

/// The instant this long after the start.
pub(crate) fn after(seconds: i64) -> String {
    let start: DateTime = START.parse().expect("an instant");
    start
        .0
        .checked_add(jiff::SignedDuration::from_secs(seconds))
        .expect("an instant")
        .to_string()
}
