//! An ECS put together: every part that can be another one is named here, once.

use crate::{
    edge4::service_provisioning,
    edge6::{eas_info_management, ees_registration, target_ees_discovery},
    oauth,
};
use async_trait::async_trait;
use axum::Router;
use edgeapp_authz::{RoleOfReferencePoint, consent::NobodyAgreed};
use edgeapp_core::{
    authorizer::{Authorizer, ReferencePoint},
    callback::CallbackRule,
    clock::{Clock, Lifetimes, SystemClock},
    consent::Consent,
    error::Error,
    evidence::{Evidence, NoEvidence},
    network::{CoreNetwork, NoCoreNetwork},
    notifier::{Delivered, NotDelivered, Notifier},
    outbox::{Outbox, OutboxSettings},
    room::Room,
    store::Store,
    sweeper,
    whereabouts::Whereabouts,
};
use edgeapp_ecs_domain::{
    eas_info::EasBindingService,
    ees_registration::{RegistrationRules, RegistrationService},
    expiring::Lapses,
    known::KnownEess,
    provisioning::{Answers, ProvisioningRules, ProvisioningService},
    quotas::QuotaSettings,
    reactions::{self, EcsReactions},
    target_ees_discovery::DiscoveryService,
    tokens::{
        registry::Registry,
        service::{TokenRules, TokenService},
    },
};
use edgeapp_http::{
    documents::{Api, DocumentError},
    operator::{Need, Readiness},
};
use edgeapp_openapi::common::Uri;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// How an ECS behaves.
#[derive(Clone, Debug)]
pub struct EcsRules {
    /// Who may register, and for how long.
    pub registration: RegistrationRules,
    /// How long subscriptions live, and where notifications may go.
    pub provisioning: ProvisioningRules,
    /// How answers come about.
    pub answers: Answers,
    /// How much one caller may keep.
    pub quotas: QuotaSettings,
}

impl Default for EcsRules {
    fn default() -> Self {
        let lifetimes = |max, default| Lifetimes {
            max: Some(max),
            default: Some(default),
            spread_percent: 0,
        };
        Self {
            registration: RegistrationRules {
                lifetimes: lifetimes(86_400, 3_600),
                allowed: None,
            },
            provisioning: ProvisioningRules {
                lifetimes: lifetimes(604_800, 86_400),
                callbacks: CallbackRule::default(),
            },
            answers: Answers::default(),
            quotas: QuotaSettings::default(),
        }
    }
}

/// The pluggable parts of an ECS.
pub struct EcsBuilder {
    rules: EcsRules,
    store: Arc<dyn Store>,
    notifier: Arc<dyn Notifier>,
    clock: Arc<dyn Clock>,
    authorizer: Arc<dyn Authorizer>,
    outbox: OutboxSettings,
    sweep_every: Duration,
    core: Arc<dyn CoreNetwork>,
    consent: Arc<dyn Consent>,
    tokens: Option<(TokenRules, Registry)>,
    evidence: Arc<dyn Evidence>,
}

impl EcsBuilder {
    /// Issues access tokens to the clients of this registry.
    pub fn tokens(mut self, rules: TokenRules, registry: Registry) -> Self {
        self.tokens = Some((rules, registry));
        self
    }

    /// Who is told of security events; nobody when not given.
    pub fn evidence(mut self, evidence: Arc<dyn Evidence>) -> Self {
        self.evidence = evidence;
        self
    }

    /// Another clock than the machine's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Another authorizer than one that lets each role use its reference point.
    pub fn authorizer(mut self, authorizer: Arc<dyn Authorizer>) -> Self {
        self.authorizer = authorizer;
        self
    }

    /// Other settings of the outbox than the default ones.
    pub fn outbox(mut self, outbox: OutboxSettings) -> Self {
        self.outbox = outbox;
        self
    }

    /// Another pause between two sweeps than a second.
    pub fn sweep_every(mut self, pause: Duration) -> Self {
        self.sweep_every = pause;
        self
    }

    /// The 3GPP core network that is asked where UEs are (EDGE-8); none when not given.
    pub fn core_network(mut self, core: Arc<dyn CoreNetwork>) -> Self {
        self.core = core;
        self
    }

    /// What users agreed to; nobody agreed to anything when not given.
    pub fn consent(mut self, consent: Arc<dyn Consent>) -> Self {
        self.consent = consent;
        self
    }

    /// Loads the read models and puts the parts together.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn build(mut self) -> Result<Ecs, Error> {
        let known = KnownEess::start(self.store.clone()).await?;
        let whereabouts = Whereabouts::new(self.core.clone(), self.consent.clone(), self.clock.clone());
        let room = Room::new(self.store.clone(), self.clock.clone()).with_quotas(self.rules.quotas.quotas());
        room.quotas().prepare(&room).await?;
        reactions::configured(&room, &self.rules.answers).await?;
        let tokens = match self.tokens.take() {
            Some((rules, registry)) => {
                Some(TokenService::start(room.clone(), rules, registry, self.evidence.clone()).await?)
            }
            None => None,
        };
        Ok(Ecs {
            room,
            known,
            tokens,
            whereabouts: Arc::new(whereabouts),
            parts: self,
        })
    }
}

/// An ECS without sockets.
pub struct Ecs {
    parts: EcsBuilder,
    room: Room,
    known: KnownEess,
    whereabouts: Arc<Whereabouts>,
    tokens: Option<Arc<TokenService>>,
}

impl Ecs {
    /// The parts that every ECS needs; the others have defaults.
    pub fn builder(rules: EcsRules, store: Arc<dyn Store>, notifier: Arc<dyn Notifier>) -> EcsBuilder {
        EcsBuilder {
            rules,
            store,
            notifier,
            clock: Arc::new(SystemClock::default()),
            authorizer: Arc::new(RoleOfReferencePoint),
            outbox: OutboxSettings::default(),
            sweep_every: Duration::from_secs(1),
            core: Arc::new(NoCoreNetwork),
            consent: Arc::new(NobodyAgreed::default()),
            tokens: None,
            evidence: Arc::new(NoEvidence),
        }
    }

    /// The APIs that it serves at a reference point.
    pub fn apis(&self, point: ReferencePoint) -> Vec<Api> {
        let EcsRules {
            registration,
            provisioning,
            answers,
            ..
        } = self.parts.rules.clone();
        let (room, known, whereabouts) = (self.room.clone(), self.known.clone(), self.whereabouts.clone());
        match point {
            ReferencePoint::Edge4 => {
                vec![service_provisioning::api(Arc::new(ProvisioningService::new(
                    room,
                    provisioning,
                    answers,
                    known,
                    whereabouts,
                )))]
            }
            ReferencePoint::Edge6 => {
                let Answers { edns, strict_areas, .. } = answers;
                let discovery = DiscoveryService::new(known.clone(), edns, room.clone(), strict_areas, whereabouts);
                vec![
                    eas_info_management::api(Arc::new(EasBindingService::new(room.clone()))),
                    ees_registration::api(Arc::new(RegistrationService::new(room, registration, known))),
                    target_ees_discovery::api(Arc::new(discovery)),
                ]
            }
            _ => Vec::new(),
        }
    }

    /// Their routes, and those of the authorization server, where there is one.
    pub fn router(&self, point: ReferencePoint) -> Router {
        let apis = self
            .apis(point)
            .iter()
            .fold(Router::new(), |all, api| all.merge(api.router()));
        match (point, self.tokens.clone()) {
            (ReferencePoint::Edge4 | ReferencePoint::Edge3, Some(tokens)) => apis.merge(oauth::for_clients(tokens)),
            (ReferencePoint::Edge6, Some(tokens)) => apis.merge(oauth::for_eess(tokens)),
            (ReferencePoint::Operator, Some(tokens)) => apis.merge(oauth::for_operators(tokens)),
            _ => apis,
        }
    }

    /// The authorization server, where there is one.
    pub fn tokens(&self) -> Option<Arc<TokenService>> {
        self.tokens.clone()
    }

    /// Who decides what callers may use.
    pub fn authorizer(&self) -> Arc<dyn Authorizer> {
        self.parts.authorizer.clone()
    }

    /// The state that it works on.
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// Who is told of security events.
    pub fn evidence(&self) -> Arc<dyn Evidence> {
        self.parts.evidence.clone()
    }

    /// What it needs in order to serve.
    pub fn readiness(&self) -> Arc<dyn Readiness> {
        Arc::new(StoreReadiness(self.parts.store.clone()))
    }

    /// The reactions to its events, for an outbox.
    pub fn reactions(&self) -> EcsReactions {
        EcsReactions::new(
            self.room.clone(),
            self.parts.rules.answers.clone(),
            self.parts.notifier.clone(),
        )
    }

    /// Does what is not done within requests, until `stop`: sends notifications, removes what has expired. What is under way when it
    /// stops is taken up again by the next run.
    pub async fn work(&self, stop: CancellationToken) {
        let outbox = Outbox::new(self.room.clone(), Arc::new(self.reactions()), self.parts.outbox.clone());
        let tokens = async {
            match &self.tokens {
                Some(tokens) => tokens.run().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = outbox.run() => {}
            () = tokens => {}
            () = sweeper::run(self.room.clone(), Arc::new(Lapses), self.parts.sweep_every) => {}
            () = stop.cancelled() => {}
        }
    }
}

struct StoreReadiness(Arc<dyn Store>);

#[async_trait]
impl Readiness for StoreReadiness {
    async fn needs(&self) -> Vec<Need> {
        let answer = tokio::time::timeout(Duration::from_secs(2), self.0.check()).await;
        let detail = match answer {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("no answer within two seconds".to_owned()),
        };
        vec![Need {
            name: "store",
            ready: detail.is_none(),
            detail,
        }]
    }
}

/// A notifier that reaches nobody: for programs that only want the documents.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNotifications;

#[async_trait]
impl Notifier for NoNotifications {
    async fn notify(&self, _: &Uri, _: axum::body::Bytes) -> Result<Delivered, NotDelivered> {
        Err(NotDelivered::NotAllowed("nothing is sent from here".to_owned()))
    }
}

/// The published documents of all its APIs: path in the folder of published documents, and YAML.
///
/// # Errors
/// When a document cannot be written, which is a defect of its registration.
pub async fn documents() -> Result<Vec<(String, String)>, DocumentError> {
    let store = Arc::new(edgeapp_store::MemoryStore::new());
    let Ok(ecs) = Ecs::builder(EcsRules::default(), store, Arc::new(NoNotifications))
        .build()
        .await
    else {
        return Ok(Vec::new());
    };
    let apis = [ReferencePoint::Edge4, ReferencePoint::Edge6]
        .into_iter()
        .flat_map(|point| ecs.apis(point));
    let files: Result<Vec<_>, _> = apis.map(|api| api.files()).collect();
    Ok(files?.into_iter().flatten().collect())
}
