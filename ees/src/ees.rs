//! The assembly of an EES: every pluggable part is named once.

use crate::{
    capif::{self, Exposure, Journal, Link, settings::ExposureSettings},
    ccf::core::{Around as AroundCore, AtOperator, Core, Loaded as LoadedCore},
    config::EesConfig,
    dns,
    easdf::steering::SteeredByContexts,
    edge2,
    edge6::{
        ees_registration::{EesRegistrationUpkeep, LinkState, ServedEass},
        tokens::EcsAsIssuer,
    },
    operations,
    peers::HttpPeers,
    rooms::{Around, Parts, Rooms},
};
use async_trait::async_trait;
use axum::Router;
use edgeapp_audit::{
    keeping::Keeping,
    settings::{AuditError, CollectorSettings, PrivacySettings},
    watch::Watched,
};
use edgeapp_authz::{
    config::Mode,
    consent::ConsentFileError,
    policy::PolicyError,
    token::{TokenAuthorizer, follow::Follower as IssuerFollower, verifier::Verifier},
};
use edgeapp_capif_doors::aef_security;
use edgeapp_core::{
    authorizer::{Ask, Authorizer, ReferencePoint},
    callback::{CallbackRule, OwnListeners},
    clock::{
        Clock, SystemClock,
        trust::{Trust as ClockTrust, WhileTrusted},
    },
    consent::{Consent, Withdrawal},
    erasure::consents::ConsentsOfTheRemembered,
    error::Error,
    evidence::{Collector, Evidence},
    follow::Follower,
    network::{CoreNetwork, NoCoreNetwork},
    notifier::Notifier,
    outbox::{Outbox, OutboxSettings},
    principal::Role,
    pseudonym,
    room::Room,
    store::Store,
    sweeper,
};
use edgeapp_dot::{steering::Steering, upstream::UpstreamError};
use edgeapp_ees_domain::{
    acr::decision::DecisionPolicy,
    acr_management::AcrManagementService,
    expiring::EesExpiring,
    invocations::{InvocationLogs, NoCoreFunction},
    peers::Peers,
    qos_session::QosSessionService,
    reactions::EesReactions,
    ue_location::UeLocationService,
};
use edgeapp_http::{
    assembly::{BindError, Door, Serving, Socket},
    client::HttpClient,
    clock,
    collector::HttpCollector,
    documents::{self, Api},
    erasure,
    operator::{self, Need, Readiness, Version},
    places,
    settings::Effective,
    tls::{Keyring, KeyringError, TlsError, Trust},
};
use edgeapp_nef::{NefClient, NefSettingsError};
use edgeapp_openapi::{
    eas_registration::EndPoint,
    ees_registration::{EdnInfo, EesProfile},
};
use edgeapp_store::{StoreSettings, StoreSettingsError};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{
    sync::{broadcast::error::RecvError, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// How often expired resources are looked for.
const SWEEP: Duration = Duration::from_millis(500);

/// Why an EES does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A certificate or key, and the key of the configuration that names it.
    #[error("key `{}`: {}; {}", .0.key, .0.source, .0.source.remedy())]
    Tls(#[from] KeyringError),
    /// An address.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The store.
    #[error("key `store`: {0}")]
    Store(#[from] StoreSettingsError),
    /// The settings of the NEF.
    #[error(transparent)]
    Nef(#[from] NefSettingsError),
    /// The audit log, or the key of pseudonyms.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// What users agreed to.
    #[error(transparent)]
    Consent(#[from] ConsentFileError),
    /// The resolvers upstream.
    #[error("key `dns.upstream_roots`: {0}")]
    Upstream(#[from] UpstreamError),
    /// The DNS servers that rules may name.
    #[error("key `easdf.server_roots`: {0}")]
    Servers(UpstreamError),
    /// The policies.
    #[error("key `authorization.policies`: {0}")]
    Policy(#[from] PolicyError),
    /// The state in the store.
    #[error("state: {0}")]
    State(#[from] Error),
    /// A value that the configuration did not show to be wrong.
    #[error("{0}")]
    Config(String),
}

impl StartError {
    /// Whether the configuration has to change before the server can start.
    pub fn is_of_configuration(&self) -> bool {
        match self {
            Self::Tls(_)
            | Self::Bind(_)
            | Self::Nef(_)
            | Self::Consent(_)
            | Self::Upstream(_)
            | Self::Servers(_)
            | Self::Policy(_)
            | Self::Config(_) => true,
            Self::Store(error) => !error.is_damage(),
            Self::Audit(error) => !matches!(error, AuditError::Store(_)),
            Self::State(_) => false,
        }
    }

    fn tls(key: &'static str) -> impl Fn(TlsError) -> Self {
        move |source| {
            Self::Tls(KeyringError {
                key: key.to_owned(),
                source,
            })
        }
    }
}

/// Reads every file that the configuration names and looks at the places that it writes to, without a socket or a store.
///
/// # Errors
/// See [`StartError`].
pub fn check_files(config: &EesConfig) -> Result<(), StartError> {
    let keyring = Keyring::load(config.key_files())?;
    let callbacks = config.callback_rule(&OwnListeners::default());
    Clients::new(config, &callbacks, &keyring).map_err(StartError::tls("trust"))?;
    nef(config, &keyring, "https://localhost")?;
    config.consent.open()?;
    config.store.keys()?;
    config.authorization.open(operations::catalogue())?;
    let refused = |(key, reason): (&str, String)| StartError::Config(format!("key `{key}`: {reason}"));
    if let Some(audit) = &config.audit {
        audit.check().map_err(refused)?;
        places::can_be_written(&audit.folder).map_err(|reason| refused(("audit.folder", reason)))?;
        audit
            .collector
            .as_ref()
            .map(|collector| reached(collector, config))
            .transpose()?;
    }
    if let StoreSettings::Redb { path, .. } = &config.store {
        places::can_be_written(path).map_err(|reason| refused(("store.path", reason)))?;
    }
    if let Some((path, read)) = config.privacy.check() {
        let made = match path.exists() {
            true => read,
            false => places::can_be_made_in_its_folder(path),
        };
        made.map_err(|reason| refused(("privacy.pseudonym_key", reason)))?;
    }
    if let Some(dns) = &config.dns {
        dns.upstream()?;
    }
    embedded_core(config)?;
    if let Some(exposure) = config.exposure() {
        capif::core_of(exposure)?;
        exposure
            .own_keys()
            .map_err(|reason| refused(("capif.exposure.keys", reason)))?;
    }
    if let Some(easdf) = &config.easdf {
        easdf.servers().map_err(StartError::Servers)?;
    }
    Ok(())
}

/// The core function that the configuration embeds, as its files describe it.
fn embedded_core(config: &EesConfig) -> Result<Option<LoadedCore>, StartError> {
    let Some(settings) = config.embedded_core() else {
        return Ok(None);
    };
    let around = AroundCore {
        section: "capif.core",
        // TS 29.222 clause 7.3 makes HTTP/1.1 mandatory, whatever the profile of EDGEAPP says.
        http1: true,
        tls: config.tls,
        crl: &config.crl,
        limits: &config.limits,
        notifications: config.notifications,
        trust: Some(config.called_by_core()),
    };
    LoadedCore::read(settings, &around, |own| config.callback_rule(own)).map(Some)
}

/// Builds an EES from its configuration. Parts can be replaced before [`EesBuilder::build`].
pub struct EesBuilder {
    config: EesConfig,
    store: Option<Arc<dyn Store>>,
    clock: Arc<dyn Clock>,
    authorizer: Option<Arc<dyn Authorizer>>,
    notifier: Option<Arc<dyn Notifier>>,
    peers: Option<Arc<dyn Peers>>,
    core: Option<Arc<dyn CoreNetwork>>,
    consent: Option<Arc<dyn Consent>>,
    evidence: Option<Arc<dyn Evidence>>,
    decides: Option<Arc<dyn DecisionPolicy>>,
}

impl EesBuilder {
    /// The parts that the configuration names.
    pub fn new(config: EesConfig) -> Self {
        Self {
            config,
            store: None,
            clock: Arc::new(SystemClock::default()),
            authorizer: None,
            notifier: None,
            peers: None,
            core: None,
            consent: None,
            evidence: None,
            decides: None,
        }
    }

    /// Keeps state here instead of where `[store]` says.
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// Reads the time from this clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Asks this authorizer instead of the policies of `[authorization]`.
    pub fn authorizer(mut self, authorizer: Arc<dyn Authorizer>) -> Self {
        self.authorizer = Some(authorizer);
        self
    }

    /// Sends notifications by this notifier instead of our mutual TLS client.
    pub fn notifier(mut self, notifier: Arc<dyn Notifier>) -> Self {
        self.notifier = Some(notifier);
        self
    }

    /// Reaches ECS and other EESs by these instead of our mutual TLS client.
    pub fn peers(mut self, peers: Arc<dyn Peers>) -> Self {
        self.peers = Some(peers);
        self
    }

    /// Asks this core network instead of the one that `[nef]` leads to.
    pub fn core_network(mut self, core: Arc<dyn CoreNetwork>) -> Self {
        self.core = Some(core);
        self
    }

    /// Asks here what users agreed to, instead of where `[consent]` says.
    pub fn consent(mut self, consent: Arc<dyn Consent>) -> Self {
        self.consent = Some(consent);
        self
    }

    /// Tells security events to this, instead of keeping the audit log that `[audit]` describes.
    pub fn evidence(mut self, evidence: Arc<dyn Evidence>) -> Self {
        self.evidence = Some(evidence);
        self
    }

    /// Asks this policy what the EES decides by itself about relocations, instead of the rules of `[relocation.decisions]`.
    pub fn decision_policy(mut self, policy: Arc<dyn DecisionPolicy>) -> Self {
        self.decides = Some(policy);
        self
    }

    /// Loads certificates and state and binds the listeners. Nothing is served before [`Ees::serve`].
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn build(self) -> Result<Ees, StartError> {
        let config = self.config;
        let names = config.privacy.pseudonyms()?;
        let names_lie_in_the_store = names.is_none();
        names.into_iter().for_each(pseudonym::install);
        let effective = Effective::of(&config).map_err(StartError::Config)?;
        let keeping = Keeping::open(self.evidence, config.audit.as_ref(), effective.fingerprint())?;
        let authorizer: Arc<dyn Authorizer> = match self.authorizer {
            Some(authorizer) => authorizer,
            None => {
                let policy = config.authorization.open(operations::catalogue())?;
                policy.follow(keeping.evidence());
                policy
            }
        };
        let keyring = Keyring::load(config.key_files())?;
        keyring.evidence(keeping.evidence());
        let own = OwnListeners::default();
        let callbacks = config.callback_rule(&own);
        let clients = Clients::new(&config, &callbacks, &keyring).map_err(StartError::tls("trust"))?;
        let store = match self.store {
            Some(store) => store,
            None => {
                let opened = config.store.open().await;
                opened.inspect_err(|error| {
                    if error.is_damage() {
                        keeping.state_is_corrupt(error.to_string());
                    }
                })?
            }
        };
        if names_lie_in_the_store {
            pseudonym::install(PrivacySettings::pseudonyms_of(store.as_ref()).await?);
        }
        let store = Watched::over(store, keeping.evidence());
        let keeping = keeping.remembered_by(store.clone()).await;
        let collector = config.audit.as_ref().and_then(|audit| audit.collector.as_ref());
        let keeping = keeping.collector(collector.map(|collector| reached(collector, &config)).transpose()?);
        let edge1_socket = Socket::bind("edge1", &config.edge1).await?;
        let edge3_socket = Socket::bind("edge3", &config.edge3).await?;
        let (endpoint, for_cas) = (endpoint_of(&edge1_socket)?, endpoint_of(&edge3_socket)?);
        let edge3_root = edge3_socket.api_root();

        let peers = self.peers.unwrap_or_else(|| clients.peers(&config));
        let given = self.notifier.clone();
        let notifier = self.notifier.unwrap_or_else(|| Arc::new(clients.callbacks.clone()));
        let to_smfs: Arc<dyn Notifier> = match (given, &clients.smfs) {
            (None, Some(smfs)) => Arc::new(smfs.clone()),
            _ => notifier.clone(),
        };
        let consent = match self.consent {
            Some(consent) => consent,
            None => config.consent.open()?,
        };
        let remembered = ConsentsOfTheRemembered::over(consent, store.clone()).await?;
        let consent: Arc<dyn Consent> = remembered.clone();
        let edge2_socket = match &config.edge2 {
            Some(at) => Some(Socket::bind("edge2", at).await?),
            None => None,
        };
        let core: Arc<dyn CoreNetwork> = match (self.core, &edge2_socket) {
            (Some(core), _) => core,
            (None, Some(socket)) => nef(&config, &keyring, &socket.api_root())?,
            (None, None) => Arc::new(NoCoreNetwork),
        };
        let clock = self.clock.clone();
        let trust = ClockTrust::open(store.clone(), self.clock.clone()).await?;
        let (authorizer, issuer, verifier) = match (&config.ecs, &clients.ecs) {
            (Some(ecs), Some(client)) if config.authorization.mode == Mode::Token => {
                let verifier = Arc::new(Verifier::new(config.authorization.rules(config.ees_id.as_str())));
                let issuer = EcsAsIssuer::new(client.clone(), &ecs.url);
                let issuer = IssuerFollower::start(
                    verifier.clone(),
                    Arc::new(issuer),
                    store.clone(),
                    self.clock.clone(),
                    keeping.evidence(),
                    Duration::from_secs(config.authorization.pull_seconds.into()),
                )
                .await?;
                let points = config.authorization.token_points();
                let by_token = TokenAuthorizer::new(
                    points,
                    verifier.clone(),
                    self.clock.clone(),
                    keeping.evidence(),
                    authorizer,
                )
                .ask_for_keys(issuer.unknown_key());
                // Tokens whose time was over would be good again by a clock that is back.
                let points = config.authorization.token_points();
                let wants_token = move |ask: &Ask<'_>| points.contains(&ask.point);
                let by_token = WhileTrusted::new(trust.clone(), wants_token, Arc::new(by_token));
                (Arc::new(by_token) as Arc<dyn Authorizer>, Some(issuer), Some(verifier))
            }
            _ => (authorizer, None, None),
        };
        let mut authorizer = authorizer;
        let core_function = match embedded_core(&config)? {
            Some(loaded) => {
                authorizer = Arc::new(AtOperator {
                    server: authorizer,
                    core: loaded.policy(),
                });
                let store = loaded.store(&keeping).await?;
                let evidence = keeping.evidence();
                Some(loaded.open(store, self.clock.clone(), trust.clone(), evidence).await?)
            }
            None => None,
        };
        let around = Around {
            store: store.clone(),
            clock: self.clock,
            peers,
            consent: consent.clone(),
            core,
            decides: self
                .decides
                .unwrap_or_else(|| Arc::new(config.relocation.decisions.clone())),
        };
        let rooms = Rooms::new(&Parts::of(&config, callbacks, endpoint.clone(), for_cas), around).await?;

        let mut serving = Serving::new(keyring, config.http1, authorizer)
            .evidence(keeping.evidence())
            .within(&config.limits);
        let door = |point: ReferencePoint, apis: Vec<Api>| Door {
            point,
            router: apis
                .iter()
                .fold(Router::new(), |router, api| router.merge(api.router())),
        };
        let mut of_edge1 = vec![door(ReferencePoint::Edge1, rooms.edge1())];
        let edge9 = door(ReferencePoint::Edge9, rooms.edge9());
        let edge9 = match &config.edge9 {
            Some(at) => Some((Socket::bind("edge9", at).await?, edge9)),
            None => {
                of_edge1.push(edge9);
                None
            }
        };
        serving.open(edge1_socket, of_edge1)?;
        let mut edge3 = door(ReferencePoint::Edge3, rooms.edge3());
        edge3.router = edge3.router.merge(rooms.app_contexts());
        let exposure = match config.exposure() {
            Some(settings) => Some(exposure(&config, settings, &rooms, edge3_root).await?),
            None => None,
        };
        let mut of_edge3 = Vec::new();
        if let Some(exposure) = &exposure {
            // Asked by invokers, and by the core function, on the listener at which the APIs are.
            let security = aef_security::api(exposure.exposing.clone());
            edge3.router = capif::guarded(edge3.router.merge(security.router()), exposure.gate.clone());
            of_edge3.push(door(ReferencePoint::Capif3, vec![security]));
        }
        of_edge3.insert(0, edge3);
        serving.open(edge3_socket, of_edge3)?;
        if let Some(socket) = edge2_socket {
            let edge2 = Door {
                point: ReferencePoint::Edge2,
                router: rooms.edge2(),
            };
            serving.open(socket, vec![edge2])?;
        }
        if let Some((socket, edge9)) = edge9 {
            serving.open(socket, vec![edge9])?;
        }
        if let Some(easdf) = &config.easdf {
            let socket = Socket::bind("easdf", &easdf.listen_at()).await?;
            serving.open(socket, vec![door(ReferencePoint::N88, rooms.n88())])?;
        }
        if let (Some(settings), Some(names)) = (&config.dns, &rooms.names) {
            let socket = Socket::bind("dns", &dns::listen_at(settings)).await?;
            let steering = match (&config.easdf, rooms.steering(to_smfs)) {
                (Some(easdf), Some(steering)) => {
                    let servers = easdf.servers().map_err(StartError::Servers)?;
                    Some((Arc::new(SteeredByContexts(steering)) as Arc<dyn Steering>, servers))
                }
                _ => None,
            };
            let (address, evidence) = (socket.address(), keeping.evidence());
            let protocol = dns::protocol(settings, address, names.clone(), evidence, steering)?;
            serving.open_other(socket, protocol)?;
        }

        let upkeep = match (&config.ecs, clients.ecs) {
            (Some(ecs), Some(client)) => {
                let served = Arc::new(ServedEass::default());
                Follower::start(store.clone(), "eas/", served.clone()).await?;
                let check = Duration::from_secs(u64::from(ecs.check_seconds.max(1)));
                Some(EesRegistrationUpkeep::new(
                    client,
                    &ecs.url,
                    profile(&config, endpoint),
                    served,
                    store.clone(),
                    check,
                ))
            }
            _ => None,
        };
        let core_store = core_function
            .as_ref()
            .map(|core| core.function().room().store().clone());
        let readiness = Arc::new(EesReadiness {
            store,
            core_store,
            ecs: upkeep.as_ref().map(EesRegistrationUpkeep::state),
            tokens: verifier.map(|verifier| (verifier, clock)),
            capif: exposure.as_ref().map(|exposure| exposure.upkeep.state()),
        });
        let metrics = operator::install_metrics().map_err(StartError::Config)?;
        let version = Version {
            server: "ees",
            version: env!("CARGO_PKG_VERSION"),
        };
        let mut apis = rooms.apis();
        apis.extend(core_function.iter().flat_map(Core::apis));
        let page = documents::page(&apis).map_err(|error| StartError::Config(error.to_string()))?;
        let router = operator::router(readiness, metrics, version)
            .merge(page)
            .merge(clock::router(trust.clone()))
            .merge(erasure::router(
                rooms.room.clone(),
                remembered,
                &[("app-context/", "app-context-bytes/")],
            ));
        let router = core_function
            .iter()
            .fold(router, |router, core| router.merge(core.operator()));
        let at_operator = serving
            .bind(
                &config.operator,
                vec![Door {
                    point: ReferencePoint::Operator,
                    router,
                }],
            )
            .await?;
        if let Some(core) = &core_function {
            core.never_notifies(at_operator);
        }

        for (_, address) in serving.addresses() {
            own.add(address);
        }
        for (_, address) in serving.other_addresses() {
            own.add(address);
        }

        let settings = OutboxSettings {
            longest_retry: Duration::from_secs(u64::from(config.notifications.longest_retry_seconds.max(1))),
            backlog: usize::try_from(config.notifications.backlog_per_subscription.max(1)).unwrap_or(usize::MAX),
            ..OutboxSettings::default()
        };
        let invocations: Arc<dyn InvocationLogs> = match &exposure {
            Some(exposure) => Arc::new(capif::Delivery(exposure.asking.clone())),
            None => Arc::new(NoCoreFunction),
        };
        let outbox = Outbox::new(
            rooms.room.clone(),
            Arc::new(rooms.reactions(notifier, invocations)),
            settings,
        );
        let capif = exposure.map(|Exposure { upkeep, journal, .. }| (upkeep, journal));
        Ok(Ees {
            serving,
            outbox,
            upkeep,
            capif,
            issuer,
            room: rooms.room.clone(),
            expiring: rooms.expiring(),
            consent,
            trust,
            keeping,
            locations: rooms.locations.clone(),
            sessions: rooms.sessions.clone(),
            management: rooms.acr_management.clone(),
            core_function,
        })
    }
}

/// An EES with bound listeners.
pub struct Ees {
    serving: Serving,
    outbox: Outbox<EesReactions>,
    upkeep: Option<EesRegistrationUpkeep>,
    capif: Option<(capif::Upkeep, Journal)>,
    issuer: Option<IssuerFollower>,
    room: Room,
    expiring: Arc<EesExpiring>,
    consent: Arc<dyn Consent>,
    trust: Arc<ClockTrust>,
    keeping: Keeping,
    locations: Arc<UeLocationService>,
    sessions: Arc<QosSessionService>,
    management: Arc<AcrManagementService>,
    core_function: Option<Core>,
}

/// Ends what runs for users who take back a consent, beginning with those who did while we were away.
async fn follow_withdrawals(
    consent: Arc<dyn Consent>,
    locations: Arc<UeLocationService>,
    sessions: Arc<QosSessionService>,
    management: Arc<AcrManagementService>,
) {
    let mut withdrawals = consent.withdrawals();
    let mut next = Some(Withdrawal {
        ue: None,
        purpose: None,
    });
    loop {
        if let Some(withdrawal) = &next {
            let end = async || {
                locations.withdrawn(withdrawal).await?;
                sessions.withdrawn(withdrawal).await?;
                management.withdrawn(withdrawal).await
            };
            while let Err(error) = end().await {
                tracing::warn!(%error, "what a user no longer agrees to could not be ended yet");
                tokio::time::sleep(SWEEP).await;
            }
        }
        next = match withdrawals.recv().await {
            Ok(withdrawal) => Some(withdrawal),
            Err(RecvError::Lagged(_)) => Some(Withdrawal {
                ue: None,
                purpose: None,
            }),
            Err(RecvError::Closed) => return,
        };
    }
}

impl Ees {
    /// Where it listens.
    pub fn serving(&self) -> &Serving {
        &self.serving
    }

    /// The embedded core function, where there is one.
    pub fn core_function(&self) -> Option<&Core> {
        self.core_function.as_ref()
    }

    /// What programs print once all listeners stand.
    pub fn announcement(&self) -> String {
        let core = self.core_function.as_ref().map(Core::announcement);
        format!("{}{}", core.unwrap_or_default(), self.serving.announcement())
    }

    /// Serves until `stop`, then lets running requests finish and deregisters from the ECS.
    pub async fn serve(self, stop: CancellationToken) {
        self.keeping.begin("ees");
        let mut background = JoinSet::new();
        background.spawn(self.keeping.work(self.consent.clone(), self.trust, stop.clone()));
        background.spawn(self.outbox.run());
        if let Some(issuer) = self.issuer {
            background.spawn(issuer.run());
        }
        background.spawn(follow_withdrawals(
            self.consent,
            self.locations,
            self.sessions,
            self.management,
        ));
        background.spawn(sweeper::run(self.room, self.expiring, SWEEP));
        let upkeep = self.upkeep.map(|upkeep| tokio::spawn(upkeep.run(stop.clone())));
        // It goes last: what the EES has to say to it when it stops is still heard.
        let rest = CancellationToken::new();
        let core = self.core_function.map(|core| tokio::spawn(core.serve(rest.clone())));
        let capif = self.capif.map(|(upkeep, journal)| {
            let journal = tokio::spawn(journal.run());
            (tokio::spawn(upkeep.run(stop.clone())), journal)
        });
        self.serving.serve(stop).await;
        if let Some((upkeep, journal)) = capif {
            if let Err(error) = upkeep.await {
                tracing::error!(%error, "the upkeep of what is exposed through CAPIF ended");
            }
            // Whoever invoked was answered after its invocation was kept.
            journal.abort();
        }
        if let Some(upkeep) = upkeep
            && let Err(error) = upkeep.await
        {
            tracing::error!(%error, "the registration with the ECS ended");
        }
        rest.cancel();
        if let Some(core) = core
            && let Err(error) = core.await
        {
            tracing::error!(%error, "the embedded core function ended");
        }
        background.shutdown().await;
        self.keeping.end("ees").await;
    }
}

/// The EES as an API provider.
async fn exposure(
    config: &EesConfig,
    settings: &ExposureSettings,
    rooms: &Rooms,
    root: String,
) -> Result<Exposure, StartError> {
    let interface = capif::description::interface_of(&root);
    let interface = interface.ok_or_else(|| {
        StartError::Config(format!(
            "key `edge3.api_root`: {root} is no https address that can be published"
        ))
    })?;
    let apis = rooms.edge3();
    let served = |name: &&String| apis.iter().any(|api| api.name() == name.as_str());
    if let Some(unknown) = settings.apis.iter().find(|name| !served(name)) {
        let known: Vec<_> = apis.iter().map(Api::name).collect();
        let known = known.join(", ");
        return Err(StartError::Config(format!(
            "key `capif.exposure.apis`: {unknown} is not served over EDGE-3; name some of {known}"
        )));
    }
    let dnai = config.edn.as_ref().and_then(|edn| edn.dnais.first());
    let data_centre = settings.data_centre.clone();
    let provider = config.provider.as_ref().map(ToString::to_string);
    let offer = capif::description::Offer {
        interface,
        methods: settings.methods.clone(),
        location: capif::description::location_of(
            data_centre.or_else(|| dnai.map(ToString::to_string)),
            config.service_area.as_ref(),
        ),
        shareable: settings.shareable,
        provider: provider.clone(),
    };
    let around = capif::Around {
        room: rooms.room.clone(),
        root,
        apis: &apis,
        offer,
        ees_id: config.ees_id.as_str(),
        provider,
    };
    Exposure::open(settings, around).await
}

/// Who keeps audit records elsewhere.
fn reached(settings: &CollectorSettings, config: &EesConfig) -> Result<Arc<dyn Collector>, StartError> {
    let unusable = |key: &str| {
        let key = key.to_owned();
        move |source| StartError::Tls(KeyringError { key, source })
    };
    let identity = config.identity.load(Role::Ees, config.ees_id.as_str());
    let identity = identity.map_err(unusable("identity"))?;
    let roots = Trust::load(&settings.roots).map_err(unusable("audit.collector.roots"))?;
    // Where the collector is, is the operator's choice.
    let client = HttpClient::new(&identity, &roots, CallbackRule::anywhere(), Duration::from_secs(10));
    let client = client.map_err(unusable("audit.collector.roots"))?;
    Ok(Arc::new(HttpCollector::new(client, &settings.url)))
}

/// Our mutual TLS clients: each trusts the servers it is meant for, and no others.
struct Clients {
    callbacks: HttpClient,
    eess: HttpClient,
    /// To EESs that clients may have named.
    announced: HttpClient,
    ecs: Option<HttpClient>,
    smfs: Option<HttpClient>,
}

impl Clients {
    fn new(config: &EesConfig, callbacks: &CallbackRule, keyring: &Arc<Keyring>) -> Result<Self, TlsError> {
        let timeout = Duration::from_secs(u64::from(config.notifications.timeout_seconds.max(1)));
        // Where the operator's own servers are is not a client's choice, but endpoints of other EESs can be.
        let anywhere = CallbackRule::anywhere();
        Ok(Self {
            callbacks: HttpClient::over(keyring.client(&[Role::Eec, Role::Eas])?, callbacks.clone(), timeout)?,
            eess: HttpClient::over(keyring.client(&[Role::Ees])?, anywhere.clone(), timeout)?,
            smfs: match &config.easdf {
                Some(_) => Some(HttpClient::over(
                    keyring.client(&[Role::Smf])?,
                    callbacks.clone(),
                    timeout,
                )?),
                None => None,
            },
            announced: HttpClient::over(keyring.client(&[Role::Ees])?, callbacks.clone(), timeout)?,
            ecs: config
                .ecs
                .as_ref()
                .map(|_| HttpClient::over(keyring.client(&[Role::Ecs])?, anywhere.clone(), timeout))
                .transpose()?,
        })
    }

    fn peers(&self, config: &EesConfig) -> Arc<dyn Peers> {
        let ecs = self
            .ecs
            .clone()
            .zip(config.ecs.as_ref().map(|ecs| ecs.url.trim_end_matches('/').to_owned()));
        let neighbours: BTreeMap<_, _> = config
            .neighbours
            .iter()
            .map(|neighbour| (neighbour.ees_id.clone(), neighbour.url.clone()))
            .collect();
        Arc::new(HttpPeers::new(ecs, self.eess.clone(), neighbours).announcing_by(self.announced.clone()))
    }
}

/// The endpoint of a listener, as others are told of it.
fn endpoint_of(socket: &Socket) -> Result<EndPoint, StartError> {
    let root = socket.api_root();
    let parsed = root.parse();
    parsed
        .map(EndPoint::Uri)
        .map_err(|error| StartError::Config(format!("{root}: {error}")))
}

/// The core network that `[nef]` leads to, which reports to the EDGE-2 listener at `root`.
fn nef(config: &EesConfig, keyring: &Arc<Keyring>, root: &str) -> Result<Arc<dyn CoreNetwork>, StartError> {
    let Some(settings) = &config.nef else {
        return Ok(Arc::new(NoCoreNetwork));
    };
    let client = keyring
        .client(&[Role::Nef])
        .and_then(|tls| edgeapp_nef::http_client(settings, tls))
        .map_err(StartError::tls("trust.nef"))?;
    let reports = format!("{}{}", root.trim_end_matches('/'), edge2::reports::PATH);
    let nef = NefClient::new(settings.clone(), client, reports)?;
    Ok(Arc::new(nef))
}

/// The part of the profile at the ECS that does not change while the EES runs.
fn profile(config: &EesConfig, end_pt: EndPoint) -> EesProfile {
    let dnais = config.edn.as_ref().map(|edn| edn.dnais.clone()).unwrap_or_default();
    EesProfile {
        ees_id: config.ees_id.clone(),
        end_pt,
        eas_ids: Vec::new(),
        eas_bdl_infos: BTreeMap::new(),
        edn_info_sets: config.edn.as_ref().map(|edn| EdnInfo {
            dnn: edn.dnn.clone(),
            dnais: edn.dnais.clone(),
        }),
        eas_inst_info: BTreeMap::new(),
        prov_id: config.provider.clone(),
        svc_area: config.service_area.clone(),
        app_locs: dnais,
        svc_cont_supp: config.scenarios.clone(),
        svc_cont_supp_ext1: Vec::new(),
        eec_reg_conf: config.eec_registration_required,
    }
}

/// What an EES needs in order to serve.
struct EesReadiness {
    store: Arc<dyn Store>,
    core_store: Option<Arc<dyn Store>>,
    ecs: Option<watch::Receiver<LinkState>>,
    tokens: Option<(Arc<Verifier>, Arc<dyn Clock>)>,
    capif: Option<watch::Receiver<Link>>,
}

#[async_trait]
impl Readiness for EesReadiness {
    async fn needs(&self) -> Vec<Need> {
        let need = |name, detail: Option<String>| Need {
            name,
            ready: detail.is_none(),
            detail,
        };
        let mut needs = vec![need(
            "store",
            self.store.check().await.err().map(|error| error.to_string()),
        )];
        if let Some(store) = &self.core_store {
            let detail = store.check().await.err().map(|error| error.to_string());
            needs.push(need("capif store", detail));
        }
        if let Some(ecs) = &self.ecs {
            needs.push(need("ecs", ecs.borrow().as_ref().err().cloned()));
        }
        if let Some((verifier, clock)) = &self.tokens {
            let now = u64::try_from(clock.now().0.as_second()).unwrap_or_default();
            needs.push(need("tokens", verifier.trouble(now)));
        }
        if let Some(capif) = &self.capif {
            // A core function that is away is told of, and no reason to send anybody elsewhere: tokens already issued count.
            let link = capif.borrow().clone();
            needs.push(Need {
                name: "capif",
                ready: link.registered,
                detail: link.trouble,
            });
        }
        needs
    }
}
