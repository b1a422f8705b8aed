//! An EES in memory, and callers with the certificate they like.

use crate::surroundings::{Agreements, Others, Subscribers};
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use edgeapp_authz::RoleOfReferencePoint;
use edgeapp_core::{
    authorizer::{Authorizer, ReferencePoint},
    callback::CallbackRule,
    clock::{Clock, Lifetimes, ManualClock},
    consent::Consent,
    error::{Cause, Error, Kind},
    follow::Follower,
    network::{CoreNetwork, NoCoreNetwork},
    outbox::{Outbox, OutboxSettings},
    principal::Principal,
    room::Room,
    store::{Span, Store},
    sweeper,
    token::Thumbprint,
    whereabouts::Whereabouts,
};
use edgeapp_ees::{easdf, edge1, edge2, edge3, edge9};
use edgeapp_ees_domain::{
    ac_information::{
        self, AcInformationService,
        interest::AcInterest,
        reports::{AcReports, AcTimers},
    },
    acr::{
        decision::DecisionRules,
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
    discovery::{DiscoveryPolicy, DiscoveryService, EasDiscovery, EecKnown, NoTargetSearch, TargetSearch},
    discovery_subscriptions::{self, DiscoverySubscriptionService},
    eas::EasService,
    eas_information::{EasInformationPolicy, EasInformationService},
    easdf::{
        contexts::{self as dns_contexts, Addresses, DnsContextService},
        held::HoldLimits,
        patterns::{self as dns_patterns, BaselinePatternService},
        rules::Allowed,
        steering::{FollowedContexts, FollowedPatterns, Steering},
    },
    eec::EecService,
    expiring::EesExpiring,
    lookups::{EasLookup, SearchBeyond},
    peers::PeerEes,
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
use edgeapp_http::{
    documents::Api,
    problem::PROBLEM_JSON,
    request::Peer,
    stack::{Stack, stack},
};
use edgeapp_openapi::{
    eas_registration::EndPoint,
    ees_registration::AcrScenario,
    ids::{EecId, EesId},
    location::ServiceArea,
};
use edgeapp_store::MemoryStore;
use http_body_util::BodyExt;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

/// When every test begins.
pub(crate) const NOON: &str = "2026-01-05T12:00:00Z";
/// The EES behind the doors.
pub(crate) const OWN_ID: &str = "ees-a.example";
/// How large an application context may be.
pub(crate) const APP_CONTEXT_BYTES: usize = 300 * 1024;
/// Where EECs listen for device triggers.
pub(crate) const WAKE_PORT: u16 = 9050;
/// Where the doors are reached.
pub(crate) const ROOT: &str = "https://ees.example";

/// The DNS server that SMFs may have asked.
pub(crate) const DNS_SERVER: &str = "192.0.2.53";

/// Where CASs reach the EES, as EASs do.
pub(crate) const FOR_CAS: &str = "https://ees.example:9103";

/// What a test wants to be other than usual.
pub(crate) struct Settings {
    pub(crate) lifetimes: Lifetimes,
    pub(crate) service_area: Option<ServiceArea>,
    pub(crate) discovery: DiscoveryPolicy,
    pub(crate) elsewhere: Arc<dyn TargetSearch>,
    pub(crate) contexts: ContextPolicy,
    pub(crate) acr: AcrPolicy,
    /// What the EES decides by itself.
    pub(crate) decisions: DecisionRules,
    pub(crate) common_eas: CommonEasPolicy,
    /// The scenarios of the EES; the usual ones when `None`.
    pub(crate) scenarios: Option<Vec<AcrScenario>>,
    /// The core network; none in most tests.
    pub(crate) core: Arc<dyn CoreNetwork>,
    pub(crate) quotas: QuotaSettings,
    /// What is kept; nothing in most tests.
    pub(crate) store: Arc<dyn Store>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lifetimes: Lifetimes {
                max: Some(3600),
                default: Some(600),
                spread_percent: 0,
            },
            service_area: None,
            discovery: DiscoveryPolicy::default(),
            elsewhere: Arc::new(NoTargetSearch),
            contexts: ContextPolicy {
                register_implicitly: true,
                stale_seconds: 300,
            },
            acr: AcrPolicy {
                transfer_seconds: 30,
                remembered_seconds: 60,
                eec_registration_required: true,
            },
            decisions: DecisionRules::default(),
            common_eas: CommonEasPolicy::default(),
            scenarios: None,
            core: Arc::new(NoCoreNetwork),
            quotas: QuotaSettings::default(),
            store: Arc::new(MemoryStore::new()),
        }
    }
}

/// The EECs whose names begin with `registered`.
struct Registered;

#[async_trait::async_trait]
impl EecKnown for Registered {
    async fn is_registered(&self, eec: &EecId) -> Result<bool, Error> {
        Ok(eec.as_str().starts_with("registered"))
    }
}

/// The doors of one EES.
pub(crate) struct Doors {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) others: Arc<Others>,
    pub(crate) subscribers: Arc<Subscribers>,
    pub(crate) agreements: Arc<Agreements>,
    pub(crate) locations: Arc<UeLocationService>,
    pub(crate) sessions: Arc<QosSessionService>,
    pub(crate) management: Arc<AcrManagementService>,
    /// The rules of SMFs, at work.
    pub(crate) steering: Arc<Steering>,
    links: Arc<CoreLinks>,
    room: Room,
    expiring: EesExpiring,
    outbox: Mutex<Option<Outbox<EesReactions>>>,
    routers: BTreeMap<ReferencePoint, Router>,
    apis: BTreeMap<&'static str, String>,
}

impl Doors {
    /// An EES as usual.
    pub(crate) async fn open() -> Self {
        Self::with(Settings::default()).await
    }

    /// An EES with these settings.
    pub(crate) async fn with(settings: Settings) -> Self {
        let clock = ManualClock::at(NOON.parse().unwrap());
        let store = settings.store.clone();
        let room = Room::new(store.clone(), clock.clone()).with_quotas(settings.quotas.quotas());
        let index = Arc::new(EasIndex::new(None));
        let follower = Follower::start(store.clone(), "eas/", index.clone()).await.unwrap();
        let mirror = Arc::new(discovery_subscriptions::filed());
        let mirrored = Follower::start(store.clone(), "eas-discovery-subscription/", mirror.clone())
            .await
            .unwrap();
        let clients_filed = Arc::new(ac_information::terms::filed());
        let clients_mirrored = Follower::start(store.clone(), ac_information::reports::PREFIX, clients_filed.clone())
            .await
            .unwrap();
        let interest = AcInterest::of(clients_filed.clone(), room.clone());
        let acr_subscribers = AcrManagementSubscribers::start(room.clone(), store.clone()).await;
        let acr_subscribers = acr_subscribers.unwrap();
        let eass = Arc::new(EasService::new(
            room.clone(),
            settings.lifetimes,
            settings.service_area,
            follower,
        ));
        let known: Arc<dyn EecKnown> = Arc::new(Registered);
        let lookup = Arc::new(EasLookup::new(index.clone(), clock.clone()));
        let (others, subscribers) = (Arc::new(Others::default()), Arc::new(Subscribers::default()));
        let own_id: EesId = OWN_ID.parse().unwrap();
        let own = PeerEes {
            id: own_id.clone(),
            endpoint: Some(EndPoint::Uri(ROOT.parse().unwrap())),
        };
        let (groups, eass_here) = (settings.common_eas, lookup.clone());
        let groups = CommonEasService::new(room.clone(), own, groups, lookup.clone(), others.clone());
        let groups = Arc::new(groups);
        let known_eass = index.clone();
        let discovery = DiscoveryService::new(
            index,
            clock.clone() as Arc<dyn Clock>,
            known.clone(),
            settings.elsewhere,
            settings.discovery,
        );
        // What the operator allows beside the names of certificates, which callers of these tests do not have.
        let callbacks = CallbackRule {
            allowed_hosts: vec!["*.example".parse().unwrap()],
            ..CallbackRule::default()
        };
        let lifetimes = settings.lifetimes;
        let registered_only = settings.discovery.eec_registration_required.then_some(known);
        let waker = Arc::new(Waker::new(settings.core.clone(), own_id.clone(), Some(WAKE_PORT)));
        let subscriptions =
            DiscoverySubscriptionService::new(room.clone(), lifetimes, callbacks.clone(), registered_only)
                .waking(waker.can());
        let contexts = settings.contexts;
        let eecs = EecService::new(
            room.clone(),
            lifetimes,
            own_id.clone(),
            contexts,
            lookup.clone(),
            others.clone(),
        )
        .watched_by(interest.clone());
        let acr_events = AcrEventsService::new(room.clone(), lifetimes, callbacks.clone());
        let beyond = Arc::new(SearchBeyond::new(own_id.clone(), others.clone()));
        let relocations = AcrService::new(room.clone(), own_id.clone(), settings.acr, lookup.clone());
        let relocations = relocations.watched_by(interest.clone());
        let relocations = Arc::new(relocations.decided_by(Arc::new(settings.decisions.clone())));
        let scenarios = vec![
            AcrScenario::EecExecutedViaSourceEes,
            AcrScenario::EecExecutedViaTargetEes,
            AcrScenario::EelManagedAcr,
        ];
        let scenarios = settings.scenarios.unwrap_or(scenarios);
        let information = EasInformationPolicy {
            eec_registration_required: settings.acr.eec_registration_required,
            lifetimes,
            scenarios: scenarios.clone(),
            callbacks: callbacks.clone(),
            for_cas: EndPoint::Uri(FOR_CAS.parse().unwrap()),
            own_id,
        };
        let information = EasInformationService::new(room.clone(), information, eass_here, groups.clone());
        let eass_known = lookup.clone();
        let managed = EelManagedService::new(relocations.clone(), callbacks.clone(), scenarios.clone());
        let handover = ContextService::new(
            room.clone(),
            contexts,
            lifetimes,
            scenarios,
            lookup,
            relocations.clone(),
        )
        .watched_by(interest.clone());
        let app_contexts = Arc::new(AppContextService::new(relocations.clone(), APP_CONTEXT_BYTES));
        let follow_up = AcrFollowUp::new(relocations.clone(), others.clone(), acr_subscribers.clone());
        let agreements = Arc::new(Agreements::default());
        let consent: Arc<dyn Consent> = agreements.clone();
        let reports = Arc::new(LocationReports::new(room.clone(), consent.clone()));
        let targets = TargetEass::new(known_eass, clock.clone(), beyond, ["dnai-ours".parse().unwrap()]);
        let targets = Arc::new(targets);
        let paths = AcrManagementReports::new(room.clone(), consent.clone(), targets.clone(), 2);
        let links = CoreLinks::new(room.clone(), settings.core.clone(), LinkPolicy::default())
            .heard_by(reports)
            .heard_by(Arc::new(QosReports::new(room.clone())))
            .heard_by(Arc::new(Influences))
            .heard_by(Arc::new(SteeredRelocations))
            .heard_by(Arc::new(paths))
            .heard_by(Arc::new(AcTimers));
        let links = Arc::new(links);
        let identifiers = IdentifierPolicy::default();
        let identifiers = UeIdentifierService::new(room.clone(), settings.core.clone(), consent.clone(), identifiers);
        let identifiers = Arc::new(identifiers);
        let whereabouts = Whereabouts::new(settings.core, consent.clone(), clock.clone());
        let places = KnownPlaces::new(room.clone(), whereabouts, identifiers.clone(), 10);
        let discovery: Arc<dyn EasDiscovery> = Arc::new(
            discovery
                .with_places(Arc::new(places))
                .with_groups(groups.clone())
                .watched_by(interest.clone()),
        );
        let ues = UeTargets::new(identifiers.clone(), BTreeMap::new());
        let acs = AcReports::new(
            room.clone(),
            clients_filed,
            clients_mirrored.clone(),
            consent.clone(),
            identifiers.clone(),
        );
        let clients = AcInformationService::new(
            room.clone(),
            lifetimes,
            ues.clone(),
            callbacks.clone(),
            clients_mirrored,
        );
        let sessions = QosSessionService::new(
            room.clone(),
            links.clone(),
            consent.clone(),
            ues.clone(),
            callbacks.clone(),
        );
        let sessions = Arc::new(sessions);
        let influences = TrafficInfluenceService::new(room.clone(), links.clone(), eass_known, ues.clone());
        let management = AcrManagementService::new(
            room.clone(),
            callbacks.clone(),
            links.clone(),
            consent.clone(),
            ues,
            acr_subscribers.clone(),
        );
        let management = Arc::new(management);
        let status = AcrStatusService::new(relocations.clone(), management.clone());
        let path_changes = PathFollowUp::new(room.clone(), links.clone(), consent.clone(), targets, acr_subscribers);
        let locations = Arc::new(UeLocationService::new(
            room.clone(),
            lifetimes,
            links.clone(),
            consent,
            identifiers.clone(),
            callbacks.clone(),
            LocationPolicy {
                fresh_seconds: 10,
                ..LocationPolicy::default()
            },
        ));
        let follow = FollowUps {
            acr: follow_up,
            paths: path_changes,
            links: links.clone(),
            groups: groups.clone(),
            discovery: mirror,
            mirrored,
            acs,
            waker: waker.clone(),
            invocations: Arc::new(edgeapp_ees_domain::invocations::NoCoreFunction),
        };
        let reactions = EesReactions::new(room.clone(), follow, subscribers.clone());
        let patience = Duration::from_millis(1);
        let impatient = OutboxSettings {
            first_retry: patience,
            longest_retry: patience,
            ..OutboxSettings::default()
        };
        let reports_door = edge2::reports::router(links.clone());
        let allowed = Arc::new(Allowed {
            servers: [DNS_SERVER.parse().unwrap()].into(),
        });
        let steering = Steering::new(room.clone(), allowed.clone(), HoldLimits::default());
        steering.report_by(subscribers.clone());
        let view = Arc::new(FollowedPatterns(steering.clone()));
        let follower = Follower::start(store.clone(), dns_patterns::PREFIX, view)
            .await
            .unwrap();
        let patterns = BaselinePatternService::new(room.clone(), allowed.clone(), follower);
        let view = Arc::new(FollowedContexts(steering.clone()));
        let follower = Follower::start(store.clone(), dns_contexts::PREFIX, view)
            .await
            .unwrap();
        let addresses = Addresses::of(&["192.0.2.5".parse().unwrap()]);
        let dns_contexts = DnsContextService::new(room.clone(), callbacks.clone(), allowed, addresses, follower);
        let mut doors = Self {
            steering,
            clock,
            store,
            others,
            subscribers,
            agreements,
            locations: locations.clone(),
            sessions: sessions.clone(),
            management: management.clone(),
            expiring: EesExpiring::new(eass.clone(), contexts, links.clone(), groups.clone())
                .watched_by(interest.clone()),
            links,
            outbox: Mutex::new(Some(Outbox::new(room.clone(), Arc::new(reactions), impatient))),
            room,
            routers: BTreeMap::from([
                (ReferencePoint::Edge2, reports_door),
                (ReferencePoint::Edge3, edge3::app_contexts::router(app_contexts)),
            ]),
            apis: BTreeMap::new(),
        };
        let (of_eecs, of_eass, of_eess) = (ReferencePoint::Edge1, ReferencePoint::Edge3, ReferencePoint::Edge9);
        doors.mount(of_eass, &edge3::eas_registration::api(eass));
        doors.mount(of_eass, &edge3::acr_management_event::api(management));
        doors.mount(of_eass, &edge3::acr_status_update::api(Arc::new(status)));
        doors.mount(of_eass, &edge1::app_context_relocation::api(relocations.clone()));
        doors.mount(of_eass, &edge1::eas_discovery::request_api(discovery.clone()));
        doors.mount(of_eass, &edge3::session_with_qos::api(sessions));
        doors.mount(of_eass, &edge3::traffic_influence_eas::api(Arc::new(influences)));
        doors.mount(of_eass, &edge3::ue_location::api(locations));
        doors.mount(of_eass, &edge3::app_client_information::api(Arc::new(clients)));
        doors.mount(of_eass, &edge3::ue_identifier::api(identifiers));
        let act_status = ActStatusService::new(doors.room.clone(), callbacks);
        doors.mount(
            of_eass,
            &edge3::eel_managed_acr::api(Arc::new(managed), Arc::new(act_status)),
        );
        doors.mount(of_eess, &edge9::acr_parameter_information::api(relocations.clone()));
        doors.mount(of_eess, &edge9::eec_context_relocation::api(Arc::new(handover)));
        doors.mount(of_eess, &edge1::eas_discovery::request_api(discovery.clone()));
        doors.mount(of_eess, &edge9::common_eas_announcement::api(groups, &["eees-ceas"]));
        doors.mount(
            of_eecs,
            &edge1::eas_information_provisioning::api(Arc::new(information)),
        );
        let n88 = ReferencePoint::N88;
        doors.mount(n88, &easdf::dns_context::api(Arc::new(dns_contexts)));
        doors.mount(n88, &easdf::baseline_dns_pattern::api(Arc::new(patterns)));
        doors.mount(of_eecs, &edge1::eec_registration::api(Arc::new(eecs)));
        doors.mount(of_eecs, &edge1::acr_events::api(Arc::new(acr_events)));
        doors.mount(of_eecs, &edge1::app_context_relocation::api(relocations));
        doors.mount(of_eecs, &edge1::eas_discovery::api(discovery, Arc::new(subscriptions)));
        doors
    }

    /// Waits until nothing is left to react to or to send. What the subscribers were told is with them then.
    pub(crate) async fn settled(&self) {
        let outbox = self.outbox.lock().unwrap().take();
        if let Some(outbox) = outbox {
            tokio::spawn(outbox.run());
        }
        let idle = async {
            while self.waits("event/").await || self.waits("lane/").await {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), idle).await.unwrap();
    }

    async fn waits(&self, prefix: &str) -> bool {
        !self.store.range(Span::prefix(prefix)).await.unwrap().entries.is_empty()
    }

    /// Time passes, and what expired before then is removed. The sweeper leaves what expires at this very instant to its next round.
    pub(crate) async fn pass(&self, seconds: u32) {
        self.clock.advance(seconds);
        sweeper::sweep(&self.room, &self.expiring).await.unwrap();
    }

    /// The keys of what is kept under this prefix.
    pub(crate) async fn keys(&self, prefix: &str) -> Vec<String> {
        let kept = self.store.range(Span::prefix(prefix)).await.unwrap().entries;
        kept.into_iter().map(|entry| entry.key.to_string()).collect()
    }

    fn mount(&mut self, point: ReferencePoint, api: &Api) {
        let router = self.routers.remove(&point).unwrap_or_default().merge(api.router());
        self.routers.insert(point, router);
        // The home of an API is mounted last; its document is whole.
        self.apis.insert(api.name(), api.document().unwrap());
    }

    /// The documents of all APIs by name.
    pub(crate) fn documents(&self) -> &BTreeMap<&'static str, String> {
        &self.apis
    }

    /// Somebody on a reference point, with these names in the certificate.
    pub(crate) fn caller(&self, point: ReferencePoint, names: &[&str]) -> Caller {
        self.caller_asked_by(Arc::new(RoleOfReferencePoint), point, names)
    }

    /// The same at an EES with another authorizer. The certificate is made of the first name.
    pub(crate) fn caller_asked_by(
        &self,
        authorizer: Arc<dyn Authorizer>,
        point: ReferencePoint,
        names: &[&str],
    ) -> Caller {
        let principal = Principal::from_names(names.iter().copied(), [])
            .map(Arc::new)
            .map_err(|error| Error::new(Kind::Unauthenticated, Cause::Unauthenticated, error.to_string()));
        let peer = Peer {
            principal,
            thumbprint: names.first().map(|name| thumbprint_of(name)),
            point,
            from: None,
            authorizer,
            evidence: Arc::new(edgeapp_core::evidence::NoEvidence),
            api_root: Some(ROOT.into()),
        };
        Caller {
            stack: stack(self.routers[&point].clone(), point),
            peer: Arc::new(peer),
        }
    }

    /// The core network over EDGE-2.
    pub(crate) fn nef(&self) -> Caller {
        self.caller(ReferencePoint::Edge2, &["urn:edgeapp:nef:nef-1"])
    }

    /// The links to the core network are compared with what runs there.
    pub(crate) async fn upkeep(&self) {
        self.links.upkeep().await;
    }

    /// An EEC over EDGE-1; its UE is `msisdn-491700000001`.
    pub(crate) fn eec(&self, id: &str) -> Caller {
        self.caller(
            ReferencePoint::Edge1,
            &[&format!("urn:edgeapp:eec:{id}"), "urn:edgeapp:gpsi:msisdn-491700000001"],
        )
    }

    /// An EAS over EDGE-3: the EASID, `#` and the instance.
    pub(crate) fn eas(&self, id: &str) -> Caller {
        self.caller(
            ReferencePoint::Edge3,
            &[&format!("urn:edgeapp:eas:{id}"), "urn:edgeapp:asp:games-inc"],
        )
    }

    /// An SMF over N88.
    pub(crate) fn smf(&self, id: &str) -> Caller {
        self.caller(ReferencePoint::N88, &[&format!("urn:edgeapp:smf:{id}")])
    }

    /// Another EES over EDGE-9.
    pub(crate) fn ees(&self, id: &str) -> Caller {
        self.caller(ReferencePoint::Edge9, &[&format!("urn:edgeapp:ees:{id}")])
    }
}

/// The certificate of somebody of this name: each has its own.
pub(crate) fn thumbprint_of(name: &str) -> Thumbprint {
    let mut thumbprint = [0; 32];
    for (to, from) in thumbprint.iter_mut().zip(name.bytes().rev()) {
        *to = from;
    }
    Thumbprint::new(thumbprint)
}

/// Somebody who sends requests.
pub(crate) struct Caller {
    stack: Stack,
    peer: Arc<Peer>,
}

/// An answer with its body as JSON; null when there is none.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Caller {
    /// Sends exactly this.
    pub(crate) async fn send(&self, method: Method, path: &str, media: &str, body: String) -> Answer {
        self.presenting(&[], method, path, media, body).await
    }

    /// Sends exactly this, with these `Authorization` headers.
    pub(crate) async fn presenting(
        &self,
        credentials: &[&str],
        method: Method,
        path: &str,
        media: &str,
        body: String,
    ) -> Answer {
        let path = path.strip_prefix(ROOT).unwrap_or(path);
        let mut request = Request::builder().method(method).uri(path).extension(self.peer.clone());
        if !media.is_empty() {
            request = request.header(header::CONTENT_TYPE, media);
        }
        for credential in credentials {
            request = request.header(header::AUTHORIZATION, *credential);
        }
        let response = self.stack.answer(request.body(Body::from(body)).unwrap()).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&body).unwrap()
        };
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "", String::new()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, "application/json", body.to_string())
            .await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, "application/json", body.to_string()).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, "application/merge-patch+json", body.to_string())
            .await
    }

    pub(crate) async fn json_patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, "application/json-patch+json", body.to_string())
            .await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, "", String::new()).await
    }
}

impl Answer {
    /// The new resource of a 201: its absolute URI.
    #[track_caller]
    pub(crate) fn created(&self) -> String {
        assert_eq!(self.status, StatusCode::CREATED, "{}", self.body);
        self.headers[header::LOCATION].to_str().unwrap().to_owned()
    }

    /// The representation of a 200.
    #[track_caller]
    pub(crate) fn found(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/json");
        self.body
    }

    /// Nothing but a 204.
    #[track_caller]
    pub(crate) fn done(&self) {
        assert_eq!((self.status, &self.body), (StatusCode::NO_CONTENT, &Value::Null));
    }

    /// A ProblemDetails with this status, cause and the pointer of the first member at fault, `""` for none.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, cause: &str, pointer: &str) {
        let at_fault = self.body["invalidParams"][0]["param"].as_str().unwrap_or_default();
        let said = (
            self.status.as_u16(),
            self.body["cause"].as_str().unwrap_or_default(),
            at_fault,
        );
        assert_eq!(said, (status, cause, pointer), "{}", self.body);
        assert_eq!(self.headers[header::CONTENT_TYPE], PROBLEM_JSON);
        assert_eq!(self.body["status"], status);
        assert!(self.body["instance"].is_string());
    }
}
