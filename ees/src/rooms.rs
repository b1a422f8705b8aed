//! The rooms of an EES, wired to each other, and the APIs that stand before them on each reference point.

use crate::{
    config::{EesConfig, LifetimesConfig},
    dns, easdf, edge1, edge2, edge3, edge9,
    ees::StartError,
};
use edgeapp_authz::consent::NobodyAgreed;
use edgeapp_core::{
    callback::CallbackRule,
    clock::{Clock, SystemClock},
    consent::Consent,
    follow::Follower,
    network::{CoreNetwork, NoCoreNetwork},
    notifier::Notifier,
    room::Room,
    store::Store,
    whereabouts::Whereabouts,
};
use edgeapp_ees_domain::{
    ac_information::{
        self, AcInformationService,
        interest::AcInterest,
        reports::{AcReports, AcTimers},
        terms::FiledSubscriptions as FiledAcSubscriptions,
    },
    acr::{
        decision::{DecisionPolicy, DecisionRules},
        follow_up::AcrFollowUp,
        managed::EelManagedService,
        relocation::{AcrPolicy, AcrService},
        status::AcrStatusService,
        traffic::SteeredRelocations,
    },
    acr_events::AcrEventsService,
    acr_management::{AcrManagementReports, AcrManagementService, AcrManagementSubscribers, PathFollowUp, TargetEass},
    act_status::ActStatusService,
    app_contexts::AppContextService,
    common_eas::{CommonEasPolicy, CommonEasService},
    context::{ContextPolicy, ContextService},
    core_links::{CoreLinks, LinkPolicy},
    discovery::{DiscoveryPolicy, DiscoveryService, EecKnown},
    discovery_subscriptions::{self, DiscoverySubscriptionService, FiledSubscriptions},
    eas::EasService,
    eas_information::{EasInformationPolicy, EasInformationService},
    eas_names::{EasNames, Naming},
    easdf::{
        contexts::{self, Addresses, DnsContextService},
        held::HoldLimits,
        patterns::{self, BaselinePatternService},
        rules::Allowed,
        steering::{FollowedContexts, FollowedPatterns, Steering},
    },
    eec::EecService,
    expiring::EesExpiring,
    invocations::InvocationLogs,
    lookups::{EasLookup, EecLookup, SearchBeyond},
    peers::{NoPeers, PeerEes, Peers},
    qos_session::{QosReports, QosSessionService},
    quotas::QuotaSettings,
    reactions::{EesReactions, FollowUps},
    selection::EasIndex,
    traffic_influence::{Influences, TrafficInfluenceService},
    ue_identifier::{IdentifierPolicy, UeIdentifierService},
    ue_location::{LocationPolicy, UeLocationService, reports::LocationReports},
    ue_target::UeTargets,
    waking::Waker,
    whereabouts::KnownPlaces,
};
use edgeapp_http::documents::Api;
use edgeapp_openapi::{
    eas_registration::EndPoint,
    ees_registration::AcrScenario,
    ids::{Dnai, EesId},
    location::ServiceArea,
};
use std::sync::Arc;

/// All APIs that an EES serves, each once, for their documents. Nothing is kept behind them.
///
/// # Errors
/// When they cannot be assembled, which is a defect.
pub async fn apis() -> Result<Vec<Api>, StartError> {
    let room = Parts::for_documents()?;
    let around = Around {
        store: Arc::new(edgeapp_store::MemoryStore::new()),
        clock: Arc::new(SystemClock::default()),
        peers: Arc::new(NoPeers),
        core: Arc::new(NoCoreNetwork),
        consent: Arc::new(NobodyAgreed::default()),
        decides: Arc::new(DecisionRules::default()),
    };
    let rooms = Rooms::new(&room, around).await?;
    Ok(rooms.apis())
}

/// What the rooms need to know of the configuration.
pub(crate) struct Parts {
    own_id: EesId,
    endpoint: EndPoint,
    for_cas: EndPoint,
    common_eas: CommonEasPolicy,
    other_announcement_names: Vec<&'static str>,
    scenarios: Vec<AcrScenario>,
    service_area: Option<ServiceArea>,
    strict_eas_endpoints: bool,
    lifetimes: LifetimesConfig,
    callbacks: CallbackRule,
    contexts: ContextPolicy,
    acr: AcrPolicy,
    discovery: DiscoveryPolicy,
    links: LinkPolicy,
    identifiers: IdentifierPolicy,
    locations: LocationPolicy,
    quotas: QuotaSettings,
    answer_seconds: u32,
    eec_trigger_port: Option<u16>,
    dnais: Vec<Dnai>,
    naming: Option<Arc<Naming>>,
    easdf: EasdfParts,
    app_context_bytes: usize,
}

/// What the rooms of the EASDF need to know.
#[derive(Clone, Default)]
struct EasdfParts {
    served: bool,
    allowed: Allowed,
    addresses: Addresses,
    limits: HoldLimits,
}

/// What is around the rooms.
pub(crate) struct Around {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) peers: Arc<dyn Peers>,
    pub(crate) core: Arc<dyn CoreNetwork>,
    pub(crate) consent: Arc<dyn Consent>,
    pub(crate) decides: Arc<dyn DecisionPolicy>,
}

impl Parts {
    /// EECs and other EESs reach it at `endpoint`, EASs and CASs at `for_cas`.
    pub(crate) fn of(config: &EesConfig, callbacks: CallbackRule, endpoint: EndPoint, for_cas: EndPoint) -> Self {
        let required = config.eec_registration_required;
        let relocation = &config.relocation;
        Self {
            own_id: config.ees_id.clone(),
            endpoint,
            for_cas,
            common_eas: config.common_eas(),
            other_announcement_names: config
                .common_eas
                .other_api_names
                .iter()
                .map(|name| name.as_str())
                .collect(),
            scenarios: config.scenarios.clone(),
            service_area: config.service_area.clone(),
            strict_eas_endpoints: config.strict_eas_endpoints,
            lifetimes: config.lifetimes,
            callbacks,
            contexts: ContextPolicy {
                register_implicitly: relocation.register_implicitly,
                stale_seconds: relocation.stale_context_seconds,
            },
            acr: AcrPolicy {
                transfer_seconds: relocation.transfer_seconds,
                remembered_seconds: relocation.remembered_seconds,
                eec_registration_required: required,
            },
            discovery: DiscoveryPolicy {
                empty: config.empty_discovery,
                eec_registration_required: required,
                strict_area: config.strict_service_area,
            },
            links: config.core_network.links(),
            identifiers: config.core_network.identifiers(),
            locations: config.core_network.locations(),
            quotas: config.quotas,
            answer_seconds: config.core_network.eas_answer_seconds,
            eec_trigger_port: config.core_network.eec_trigger_port,
            dnais: config.edn.as_ref().map(|edn| edn.dnais.clone()).unwrap_or_default(),
            naming: config.dns.as_ref().map(|settings| Arc::new(dns::naming(settings))),
            easdf: match (&config.easdf, &config.dns) {
                (Some(easdf), Some(dns)) => EasdfParts {
                    served: true,
                    allowed: easdf.allowed(),
                    addresses: easdf.addresses(dns),
                    limits: easdf.hold_limits(),
                },
                _ => EasdfParts::default(),
            },
            app_context_bytes: usize::try_from(relocation.app_context_bytes).unwrap_or(usize::MAX),
        }
    }

    /// An EES that only describes itself.
    fn for_documents() -> Result<Self, StartError> {
        let example = "ees.example";
        let id = example
            .parse()
            .map_err(|error| StartError::Config(format!("{example}: {error}")))?;
        let uri = format!("https://{example}");
        let endpoint = EndPoint::Uri(
            uri.parse()
                .map_err(|error| StartError::Config(format!("{uri}: {error}")))?,
        );
        Ok(Self {
            own_id: id,
            for_cas: endpoint.clone(),
            endpoint,
            common_eas: CommonEasPolicy::default(),
            other_announcement_names: Vec::new(),
            scenarios: Vec::new(),
            service_area: None,
            strict_eas_endpoints: false,
            lifetimes: LifetimesConfig::default(),
            callbacks: CallbackRule::default(),
            contexts: ContextPolicy {
                register_implicitly: true,
                stale_seconds: 0,
            },
            acr: AcrPolicy {
                transfer_seconds: 0,
                remembered_seconds: 0,
                eec_registration_required: true,
            },
            discovery: DiscoveryPolicy::default(),
            links: LinkPolicy::default(),
            identifiers: IdentifierPolicy::default(),
            locations: LocationPolicy::default(),
            quotas: QuotaSettings::default(),
            answer_seconds: 0,
            eec_trigger_port: None,
            dnais: Vec::new(),
            naming: None,
            easdf: EasdfParts::default(),
            app_context_bytes: 0,
        })
    }
}

/// The rooms of an EES, wired to each other.
pub(crate) struct Rooms {
    pub(crate) room: Room,
    eass: Arc<EasService>,
    eecs: Arc<EecService>,
    discovery: Arc<DiscoveryService>,
    discovery_subscriptions: Arc<DiscoverySubscriptionService>,
    discovery_filed: Arc<FiledSubscriptions>,
    waker: Arc<Waker>,
    mirrored: Follower,
    clients: Arc<AcInformationService>,
    clients_filed: Arc<FiledAcSubscriptions>,
    clients_mirrored: Follower,
    acr_subscribers: AcrManagementSubscribers,
    interest: AcInterest,
    acr_events: Arc<AcrEventsService>,
    pub(crate) acr_management: Arc<AcrManagementService>,
    targets: Arc<TargetEass>,
    consent: Arc<dyn Consent>,
    relocations: Arc<AcrService>,
    status: Arc<AcrStatusService>,
    contexts: Arc<ContextService>,
    managed: Arc<EelManagedService>,
    act_status: Arc<ActStatusService>,
    app_contexts: Arc<AppContextService>,
    links: Arc<CoreLinks>,
    identifiers: Arc<UeIdentifierService>,
    pub(crate) locations: Arc<UeLocationService>,
    pub(crate) sessions: Arc<QosSessionService>,
    influences: Arc<TrafficInfluenceService>,
    groups: Arc<CommonEasService>,
    information: Arc<EasInformationService>,
    other_announcement_names: Vec<&'static str>,
    context_policy: ContextPolicy,
    peers: Arc<dyn Peers>,
    /// Who knows the EASs by their names, where names are served.
    pub(crate) names: Option<Arc<EasNames>>,
    dns_contexts: Arc<DnsContextService>,
    dns_patterns: Arc<BaselinePatternService>,
    steering: Option<Arc<Steering>>,
}

impl Rooms {
    pub(crate) async fn new(parts: &Parts, around: Around) -> Result<Self, StartError> {
        let Around {
            store,
            clock,
            peers,
            core,
            consent,
            decides,
        } = around;
        let room = Room::new(store.clone(), clock.clone()).with_quotas(parts.quotas.quotas());
        let steers = core.is_configured();
        room.quotas().prepare(&room).await?;
        let index = EasIndex::new(Some(parts.endpoint.clone()));
        let index = Arc::new(match &parts.naming {
            Some(naming) => index.named_by(naming.clone()),
            None => index,
        });
        let follower = Follower::start(store.clone(), "eas/", index.clone()).await?;
        let allowed = Arc::new(parts.easdf.allowed.clone());
        let steering = Steering::new(room.clone(), allowed.clone(), parts.easdf.limits);
        // Patterns first: contexts refer to them.
        let view = Arc::new(FollowedPatterns(steering.clone()));
        let patterns = Follower::start(store.clone(), patterns::PREFIX, view).await?;
        let dns_patterns = BaselinePatternService::new(room.clone(), allowed.clone(), patterns);
        let view = Arc::new(FollowedContexts(steering.clone()));
        let contexts = Follower::start(store.clone(), contexts::PREFIX, view).await?;
        let (callbacks, addresses) = (parts.callbacks.clone(), parts.easdf.addresses);
        let dns_contexts = DnsContextService::new(room.clone(), callbacks, allowed, addresses, contexts);
        let discovery_filed = Arc::new(discovery_subscriptions::filed());
        let mirrored = Follower::start(store.clone(), "eas-discovery-subscription/", discovery_filed.clone()).await?;
        let clients_filed = Arc::new(ac_information::terms::filed());
        let clients_mirrored =
            Follower::start(store.clone(), ac_information::reports::PREFIX, clients_filed.clone()).await?;
        let acr_subscribers = AcrManagementSubscribers::start(room.clone(), store).await?;
        let interest = AcInterest::of(clients_filed.clone(), room.clone());

        let reports = Arc::new(LocationReports::new(room.clone(), consent.clone()));
        let beyond = Arc::new(SearchBeyond::new(parts.own_id.clone(), peers.clone()));
        let dnais = parts.dnais.iter().cloned();
        let targets = Arc::new(TargetEass::new(index.clone(), clock.clone(), beyond.clone(), dnais));
        let paths = AcrManagementReports::new(room.clone(), consent.clone(), targets.clone(), parts.answer_seconds);
        let links = CoreLinks::new(room.clone(), core.clone(), parts.links)
            .heard_by(reports)
            .heard_by(Arc::new(QosReports::new(room.clone())))
            .heard_by(Arc::new(Influences))
            .heard_by(Arc::new(SteeredRelocations))
            .heard_by(Arc::new(paths))
            .heard_by(Arc::new(AcTimers));
        let links = Arc::new(links);
        links.start_upkeep().await?;
        let identifiers = UeIdentifierService::new(room.clone(), core.clone(), consent.clone(), parts.identifiers);
        let identifiers = Arc::new(identifiers);
        let ues = UeTargets::new(identifiers.clone(), parts.locations.groups.clone());
        let waker = Waker::new(core.clone(), parts.own_id.clone(), parts.eec_trigger_port);
        let whereabouts = Whereabouts::new(core, consent.clone(), clock.clone());
        let fresh = parts.locations.fresh_seconds;
        let places = Arc::new(KnownPlaces::new(room.clone(), whereabouts, identifiers.clone(), fresh));
        let names = parts.naming.clone().map(|naming| {
            let strict = parts.discovery.strict_area;
            Arc::new(EasNames::new(
                index.clone(),
                naming,
                clock.clone(),
                room.clone(),
                places.clone(),
                strict,
            ))
        });
        let sessions = QosSessionService::new(
            room.clone(),
            links.clone(),
            consent.clone(),
            ues.clone(),
            parts.callbacks.clone(),
        );
        let locations = Arc::new(UeLocationService::new(
            room.clone(),
            parts.lifetimes.subscriptions(),
            links.clone(),
            consent.clone(),
            identifiers.clone(),
            parts.callbacks.clone(),
            parts.locations.clone(),
        ));
        let lookup = Arc::new(EasLookup::new(index.clone(), clock.clone()));
        let clients = AcInformationService::new(
            room.clone(),
            parts.lifetimes.subscriptions(),
            ues.clone(),
            parts.callbacks.clone(),
            clients_mirrored.clone(),
        );
        let influences = TrafficInfluenceService::new(room.clone(), links.clone(), lookup.clone(), ues.clone());
        let known: Arc<dyn EecKnown> = Arc::new(EecLookup(room.clone()));
        let own_id = parts.own_id.clone();
        let own = PeerEes {
            id: own_id.clone(),
            endpoint: Some(parts.endpoint.clone()),
        };
        let groups = CommonEasService::new(
            room.clone(),
            own,
            parts.common_eas.clone(),
            lookup.clone(),
            peers.clone(),
        );
        let groups = Arc::new(groups);
        let information = EasInformationPolicy {
            eec_registration_required: parts.discovery.eec_registration_required,
            lifetimes: parts.lifetimes.eec(),
            scenarios: parts.scenarios.clone(),
            callbacks: parts.callbacks.clone(),
            for_cas: parts.for_cas.clone(),
            own_id: own_id.clone(),
        };
        let information = EasInformationService::new(room.clone(), information, lookup.clone(), groups.clone());
        let (callbacks, lifetimes) = (&parts.callbacks, &parts.lifetimes);
        let acr_management = AcrManagementService::new(
            room.clone(),
            callbacks.clone(),
            links.clone(),
            consent.clone(),
            ues,
            acr_subscribers.clone(),
        );
        let acr_management = Arc::new(acr_management);
        let relocations = AcrService::new(room.clone(), own_id.clone(), parts.acr, lookup.clone());
        let relocations = relocations
            .watched_by(interest.clone())
            .decided_by(decides)
            .steering(steers);
        let relocations = Arc::new(relocations);
        let eecs = EecService::new(
            room.clone(),
            lifetimes.eec(),
            own_id,
            parts.contexts,
            lookup.clone(),
            peers.clone(),
        );
        let scenarios = parts.scenarios.clone();
        let managed = EelManagedService::new(relocations.clone(), callbacks.clone(), scenarios.clone());
        let contexts = ContextService::new(
            room.clone(),
            parts.contexts,
            lifetimes.eec(),
            scenarios,
            lookup,
            relocations.clone(),
        );
        let registered_only = parts.discovery.eec_registration_required.then(|| known.clone());
        let subscriptions = lifetimes.subscriptions();
        let discovery = DiscoveryService::new(index, clock, known, beyond, parts.discovery)
            .with_places(places)
            .with_groups(groups.clone())
            .watched_by(interest.clone());
        Ok(Self {
            eass: Arc::new(
                EasService::new(room.clone(), lifetimes.eas(), parts.service_area.clone(), follower)
                    .with_only_names_of_certificates(parts.strict_eas_endpoints),
            ),
            eecs: Arc::new(eecs.watched_by(interest.clone())),
            discovery: Arc::new(discovery),
            discovery_subscriptions: Arc::new(
                DiscoverySubscriptionService::new(room.clone(), subscriptions, callbacks.clone(), registered_only)
                    .matched_by(mirrored.clone())
                    .waking(waker.can()),
            ),
            waker: Arc::new(waker),
            discovery_filed,
            mirrored,
            clients: Arc::new(clients),
            clients_filed,
            clients_mirrored,
            acr_subscribers,
            acr_events: Arc::new(AcrEventsService::new(room.clone(), subscriptions, callbacks.clone())),
            status: Arc::new(AcrStatusService::new(relocations.clone(), acr_management.clone())),
            contexts: Arc::new(contexts.watched_by(interest.clone())),
            managed: Arc::new(managed),
            act_status: Arc::new(ActStatusService::new(room.clone(), callbacks.clone())),
            app_contexts: Arc::new(AppContextService::new(relocations.clone(), parts.app_context_bytes)),
            interest,
            links,
            identifiers,
            locations,
            sessions: Arc::new(sessions),
            influences: Arc::new(influences),
            groups,
            information: Arc::new(information),
            other_announcement_names: parts.other_announcement_names.clone(),
            acr_management,
            targets,
            consent,
            relocations,
            context_policy: parts.contexts,
            peers,
            names,
            dns_contexts: Arc::new(dns_contexts),
            dns_patterns: Arc::new(dns_patterns),
            steering: parts.easdf.served.then_some(steering),
            room,
        })
    }

    pub(crate) fn edge1(&self) -> Vec<Api> {
        vec![
            edge1::eec_registration::api(self.eecs.clone()),
            edge1::eas_discovery::api(self.discovery.clone(), self.discovery_subscriptions.clone()),
            edge1::acr_events::api(self.acr_events.clone()),
            edge1::app_context_relocation::api(self.relocations.clone()),
            edge1::eas_information_provisioning::api(self.information.clone()),
            // EECs ask for identifiers of their own UE (TS 24.558 clause 5.6).
            edge3::ue_identifier::api(self.identifiers.clone()),
        ]
    }

    pub(crate) fn edge3(&self) -> Vec<Api> {
        vec![
            edge3::eas_registration::api(self.eass.clone()),
            edge3::acr_management_event::api(self.acr_management.clone()),
            edge3::acr_status_update::api(self.status.clone()),
            edge3::eel_managed_acr::api(self.managed.clone(), self.act_status.clone()),
            edge3::ue_location::api(self.locations.clone()),
            edge3::ue_identifier::api(self.identifiers.clone()),
            edge3::session_with_qos::api(self.sessions.clone()),
            edge3::traffic_influence_eas::api(self.influences.clone()),
            edge3::app_client_information::api(self.clients.clone()),
            // EASs look for a T-EAS and declare it (TS 29.558 clauses 5.7 and 5.9).
            edge1::eas_discovery::request_api(self.discovery.clone()),
            edge1::app_context_relocation::api(self.relocations.clone()),
        ]
    }

    pub(crate) fn edge9(&self) -> Vec<Api> {
        vec![
            edge9::eec_context_relocation::api(self.contexts.clone()),
            edge9::common_eas_announcement::api(self.groups.clone(), &self.other_announcement_names),
            edge9::acr_parameter_information::api(self.relocations.clone()),
            edge1::eas_discovery::request_api(self.discovery.clone()),
        ]
    }

    pub(crate) fn n88(&self) -> Vec<Api> {
        vec![
            easdf::dns_context::api(self.dns_contexts.clone()),
            easdf::baseline_dns_pattern::api(self.dns_patterns.clone()),
        ]
    }

    /// The rules of SMFs, where these are served; SMFs are told by this notifier.
    pub(crate) fn steering(&self, notifier: Arc<dyn Notifier>) -> Option<Arc<Steering>> {
        let steering = self.steering.clone()?;
        steering.report_by(notifier);
        Some(steering)
    }

    /// Where the core network reports to.
    pub(crate) fn edge2(&self) -> axum::Router {
        edge2::reports::router(self.links.clone())
    }

    /// Where application contexts lie on their way, beside the APIs of EDGE-3.
    pub(crate) fn app_contexts(&self) -> axum::Router {
        edge3::app_contexts::router(self.app_contexts.clone())
    }

    /// All of them, each once.
    pub(crate) fn apis(&self) -> Vec<Api> {
        let mut apis: Vec<Api> = Vec::new();
        let all = self.edge1().into_iter().chain(self.edge3()).chain(self.edge9());
        for api in all.chain(self.n88()) {
            // The whole API comes before the part of it that another reference point serves.
            if apis.iter().all(|known| known.name() != api.name()) {
                apis.push(api);
            }
        }
        apis
    }

    pub(crate) fn reactions(&self, notifier: Arc<dyn Notifier>, invocations: Arc<dyn InvocationLogs>) -> EesReactions {
        let acr = AcrFollowUp::new(
            self.relocations.clone(),
            self.peers.clone(),
            self.acr_subscribers.clone(),
        );
        let paths = PathFollowUp::new(
            self.room.clone(),
            self.links.clone(),
            self.consent.clone(),
            self.targets.clone(),
            self.acr_subscribers.clone(),
        );
        let acs = AcReports::new(
            self.room.clone(),
            self.clients_filed.clone(),
            self.clients_mirrored.clone(),
            self.consent.clone(),
            self.identifiers.clone(),
        );
        let follow = FollowUps {
            acr,
            paths,
            links: self.links.clone(),
            groups: self.groups.clone(),
            discovery: self.discovery_filed.clone(),
            mirrored: self.mirrored.clone(),
            acs,
            waker: self.waker.clone(),
            invocations,
        };
        EesReactions::new(self.room.clone(), follow, notifier)
    }

    pub(crate) fn expiring(&self) -> Arc<EesExpiring> {
        let (eass, groups) = (self.eass.clone(), self.groups.clone());
        let expiring = EesExpiring::new(eass, self.context_policy, self.links.clone(), groups);
        Arc::new(expiring.watched_by(self.interest.clone()))
    }
}
