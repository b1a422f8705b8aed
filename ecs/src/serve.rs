//! From a configuration to a serving ECS.

use crate::{
    config::EcsConfig,
    ecs::{Ecs, EcsRules},
    oauth::{IssueToken, registry_file::RegistryFile},
    operations,
};
use edgeapp_audit::{
    keeping::Keeping,
    settings::{AuditError, PrivacySettings},
    watch::Watched,
};
use edgeapp_authz::policy::LocalPolicy;
use edgeapp_core::{
    authorizer::{Ask, Operation, ReferencePoint},
    callback::{CallbackRule, OwnListeners},
    clock::{
        Clock, SystemClock,
        trust::{Trust as ClockTrust, WhileTrusted},
    },
    consent::Consent,
    erasure::consents::ConsentsOfTheRemembered,
    error::Error,
    evidence::Collector,
    outbox::OutboxSettings,
    principal::Role,
    pseudonym,
};
use edgeapp_http::{
    assembly::{BindError, Door, Serving},
    client::HttpClient,
    clock,
    collector::HttpCollector,
    documents::{self, DocumentError},
    erasure,
    operator::{self, Version},
    places,
    settings::{Effective, SettingsError},
    tls::{Keyring, TlsError, Trust},
};
use edgeapp_nef::{NefClient, NefSettingsError};
use edgeapp_store::{StoreSettings, StoreSettingsError};
use metrics_exporter_prometheus::PrometheusHandle;
use std::{path::Path, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// The path of an address at which nothing is mounted.
const NO_REPORTS: &str = "/nothing-is-reported-here/";

/// Why an ECS does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Its configuration cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A listener does not stand.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// Its store does not open.
    #[error("key `store`: {0}")]
    Store(#[from] StoreSettingsError),
    /// The settings of the NEF.
    #[error(transparent)]
    Nef(#[from] NefSettingsError),
    /// The audit log, or the key of pseudonyms.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// Its state cannot be read.
    #[error("the state cannot be read: {0}")]
    State(#[from] Error),
    /// A document cannot be shown.
    #[error("a document cannot be shown: {0}")]
    Document(#[from] DocumentError),
}

/// Everything that a configuration names, read and checked. No socket is open yet, no state touched.
pub struct Loaded {
    config: EcsConfig,
    rules: EcsRules,
    own: OwnListeners,
    keyring: Arc<Keyring>,
    notifier: HttpClient,
    nef: Option<HttpClient>,
    consent: Arc<dyn Consent>,
    collector: Option<Arc<dyn Collector>>,
    /// The sum of the settings in force.
    fingerprint: String,
    policy: Arc<LocalPolicy>,
    registry: Option<RegistryFile>,
}

impl Loaded {
    /// Reads the files that the configuration names; `file` is the configuration itself, for error messages.
    ///
    /// # Errors
    /// When one cannot be used.
    pub fn from_config(config: EcsConfig, file: &Path) -> Result<Self, SettingsError> {
        let key = |key: &'static str| {
            move |error: TlsError| SettingsError::of_key(file, key, format_args!("{error}; {}", error.remedy()))
        };
        let effective = Effective::of(&config).map_err(|error| SettingsError::of_key(file, "audit", error))?;
        let own = OwnListeners::default();
        let callbacks = config.callback_rule(&own);
        let rules = config
            .rules(callbacks.clone())
            .map_err(|error| SettingsError::of_key(file, error.key(), error))?;
        let keyring = Keyring::load(config.key_files()).map_err(|error| {
            let remedy = error.source.remedy();
            SettingsError::of_key(file, &error.key, format_args!("{}; {remedy}", error.source))
        })?;
        let timeout = Duration::from_secs(config.notifications.timeout_seconds.into());
        let notifier = keyring
            .client(&[Role::Eec])
            .and_then(|tls| HttpClient::over(tls, callbacks, timeout))
            .map_err(key("trust.eec"))?;
        let nef = config.nef.as_ref().map(|settings| {
            let tls = keyring.client(&[Role::Nef]);
            tls.and_then(|tls| edgeapp_nef::http_client(settings, tls))
                .map_err(key("trust.nef"))
        });
        let nef = nef.transpose()?;
        let consent = config
            .consent
            .open()
            .map_err(|error| SettingsError::of_key(file, "consent", error))?;
        let refused = |(key, reason): (&str, String)| SettingsError::of_key(file, key, reason);
        if let Some(audit) = &config.audit {
            audit.check().map_err(refused)?;
            places::can_be_written(&audit.folder).map_err(|reason| refused(("audit.folder", reason)))?;
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
        let collector = match config.audit.as_ref().and_then(|audit| audit.collector.as_ref()) {
            Some(collector) => {
                // Where the collector is, is the operator's choice.
                let anywhere = CallbackRule::anywhere();
                let identity = config.identity.load(Role::Ecs, &config.ecs_id);
                let identity = identity.map_err(key("identity"))?;
                let roots = Trust::load(&collector.roots).map_err(key("audit.collector.roots"))?;
                let client = HttpClient::new(&identity, &roots, anywhere, Duration::from_secs(10));
                let client = client.map_err(key("audit.collector.roots"))?;
                Some(Arc::new(HttpCollector::new(client, &collector.url)) as Arc<dyn Collector>)
            }
            None => None,
        };
        config
            .store
            .check()
            .map_err(|error| SettingsError::of_key(file, "store", error))?;
        config
            .store
            .keys()
            .map_err(|error| SettingsError::of_key(file, "store", error))?;
        let policy = config
            .authorization
            .open(operations::catalogue())
            .map_err(|error| SettingsError::of_key(file, "authorization.policies", error))?;
        let registry = match &config.tokens {
            Some(tokens) => Some(
                RegistryFile::open(&tokens.registry)
                    .map_err(|error| SettingsError::of_key(file, "tokens.registry", error))?,
            ),
            None => None,
        };
        Ok(Self {
            nef,
            consent,
            collector,
            fingerprint: effective.fingerprint().to_owned(),
            policy,
            registry,
            config,
            rules,
            own,
            keyring,
            notifier,
        })
    }

    /// Opens the state and the listeners.
    ///
    /// # Errors
    /// When one of them cannot be opened.
    pub async fn open(self, metrics: PrometheusHandle) -> Result<Running, ServeError> {
        let Self {
            config,
            rules,
            own,
            keyring,
            notifier,
            nef,
            consent,
            collector,
            fingerprint,
            policy,
            mut registry,
        } = self;
        let names = config.privacy.pseudonyms()?;
        let names_lie_in_the_store = names.is_none();
        names.into_iter().for_each(pseudonym::install);
        let keeping = Keeping::open(None, config.audit.as_ref(), &fingerprint)?.collector(collector);
        let opened = config.store.open().await;
        let store = opened.inspect_err(|error| {
            if error.is_damage() {
                keeping.state_is_corrupt(error.to_string());
            }
        })?;
        if names_lie_in_the_store {
            pseudonym::install(PrivacySettings::pseudonyms_of(store.as_ref()).await?);
        }
        let store = Watched::over(store, keeping.evidence());
        let keeping = keeping.remembered_by(store.clone()).await;
        let outbox = OutboxSettings {
            longest_retry: Duration::from_secs(config.notifications.longest_retry_seconds.max(1).into()),
            ..OutboxSettings::default()
        };
        let remembered = ConsentsOfTheRemembered::over(consent, store.clone()).await?;
        let consent: Arc<dyn Consent> = remembered.clone();
        let machine: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let trust = ClockTrust::open(store.clone(), machine.clone()).await?;
        // A token that is issued by a clock that is back lives longer than anybody granted.
        let issues = |ask: &Ask<'_>| ask.operation == IssueToken::NAME;
        let authorizer = WhileTrusted::new(trust.clone(), issues, policy.clone());
        let mut ecs = Ecs::builder(rules, store, Arc::new(notifier))
            .clock(machine)
            .outbox(outbox)
            .authorizer(Arc::new(authorizer))
            .consent(consent.clone())
            .evidence(keeping.evidence());
        if let (Some(tokens), Some(registry)) = (&config.tokens, &mut registry) {
            ecs = ecs.tokens(tokens.rules(&config.ecs_id), registry.take());
        }
        if let (Some(settings), Some(client)) = (&config.nef, nef) {
            // What an ECS asks is answered at once: nothing is reported to the address that the interface wants to be given.
            let root = config.edge6.api_root.clone();
            let root = root.unwrap_or_else(|| format!("https://{}", config.edge6.listen));
            let reports = format!("{}{NO_REPORTS}", root.trim_end_matches('/'));
            ecs = ecs.core_network(Arc::new(NefClient::new(settings.clone(), client, reports)?));
        }
        let ecs = ecs.build().await?;
        policy.follow(ecs.evidence());
        keyring.evidence(ecs.evidence());
        let mut serving = Serving::new(keyring, config.http1, ecs.authorizer())
            .evidence(ecs.evidence())
            .within(&config.limits);
        let version = Version {
            server: "ecs",
            version: env!("CARGO_PKG_VERSION"),
        };
        let apis: Vec<_> = [ReferencePoint::Edge4, ReferencePoint::Edge6]
            .into_iter()
            .flat_map(|point| ecs.apis(point))
            .collect();
        let of_operator = operator::router(ecs.readiness(), metrics, version)
            .merge(documents::page(&apis)?)
            .merge(erasure::router(ecs.room().clone(), remembered, &[]))
            .merge(clock::router(trust.clone()))
            .merge(ecs.router(ReferencePoint::Operator));
        let door = |point, router| vec![Door { point, router }];
        let mut edge4 = door(ReferencePoint::Edge4, ecs.router(ReferencePoint::Edge4));
        if config.trust.eas.is_some() && ecs.tokens().is_some() {
            // EASs have no reference point of their own here; they come for tokens, and for nothing else.
            edge4.extend(door(ReferencePoint::Edge3, ecs.router(ReferencePoint::Edge3)));
        }
        let edge6 = door(ReferencePoint::Edge6, ecs.router(ReferencePoint::Edge6));
        serving.bind(&config.edge4, edge4).await?;
        serving.bind(&config.edge6, edge6).await?;
        serving
            .bind(&config.operator, door(ReferencePoint::Operator, of_operator))
            .await?;
        for (_, address) in serving.addresses() {
            own.add(address);
        }
        Ok(Running {
            ecs,
            serving,
            keeping,
            consent,
            trust,
            registry,
        })
    }
}

/// An ECS with its listeners bound.
pub struct Running {
    ecs: Ecs,
    serving: Serving,
    keeping: Keeping,
    consent: Arc<dyn Consent>,
    trust: Arc<ClockTrust>,
    registry: Option<RegistryFile>,
}

impl Running {
    /// The listeners.
    pub fn serving(&self) -> &Serving {
        &self.serving
    }

    /// Serves until `stop`, then lets running requests finish.
    pub async fn serve(self, stop: CancellationToken) {
        let Self {
            ecs,
            serving,
            keeping,
            consent,
            trust,
            registry,
        } = self;
        keeping.begin("ecs");
        let evidence = tokio::spawn(keeping.work(consent, trust, stop.clone()));
        let drained = CancellationToken::new();
        let served = async {
            serving.serve(stop).await;
            drained.cancel();
        };
        // Events of the last requests are in the store: what is not sent now is sent by the next run.
        let followed = async {
            if let (Some(registry), Some(tokens)) = (registry, ecs.tokens()) {
                let followed = registry.follow(tokens, ecs.evidence());
                drained.clone().run_until_cancelled(followed).await;
            }
        };
        tokio::join!(served, ecs.work(drained.clone()), followed);
        evidence.abort();
        // Aborted: nothing but the end is waited for.
        let _ = evidence.await;
        keeping.end("ecs").await;
    }
}
