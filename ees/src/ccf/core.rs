//! A core function with its listener: what is the same in a process of its own and within an EES.

use super::{
    operations,
    settings::{CalledTrust, CoreSettings},
};
use crate::{config::NotificationsConfig, ees::StartError};
use axum::Router;
use edgeapp_audit::{keeping::Keeping, watch::Watched};
use edgeapp_authz::policy::LocalPolicy;
use edgeapp_capif::{
    certificate::Authority,
    core_function::{CoreFunction, Lapses},
    events::CoreReactions,
};
use edgeapp_capif_doors::{operator, router, security::IssueToken};
use edgeapp_core::{
    authorizer::{Ask, Authorizer, Operation, ReferencePoint},
    callback::{CallbackRule, OwnListeners},
    clock::{
        Clock,
        trust::{Trust as ClockTrust, WhileTrusted},
    },
    error::Error,
    evidence::Evidence,
    outbox::{Outbox, OutboxSettings},
    principal::Role,
    room::Room,
    store::Store,
    sweeper,
};
use edgeapp_http::{
    assembly::{Door, Serving, Socket},
    client::HttpClient,
    documents::Api,
    limits::LimitSettings,
    places,
    tls::{CrlFiles, KeyFiles, Keyring, KeyringError, TlsError, TlsSettings, readable_by_its_owner_only},
};
use edgeapp_store::StoreSettings;
use std::{fs, net::SocketAddr, sync::Arc, time::Duration};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

/// How often expired resources are looked for.
const SWEEP: Duration = Duration::from_millis(500);

/// What a core function takes from the program around it.
pub(crate) struct Around<'a> {
    /// The section that its settings stand in, for error messages: `core` or `capif.core`.
    pub(crate) section: &'static str,
    /// Whether HTTP/1.1 is offered.
    pub(crate) http1: bool,
    /// What is demanded of files and handshakes.
    pub(crate) tls: TlsSettings,
    /// Lists of what the issuers of called servers revoked.
    pub(crate) crl: &'a CrlFiles,
    /// How much callers may ask.
    pub(crate) limits: &'a LimitSettings,
    /// How subscribers are reached.
    pub(crate) notifications: NotificationsConfig,
    /// The issuers of called servers, where its own settings name none.
    pub(crate) trust: Option<CalledTrust>,
}

/// Everything that a core function reads of files. No socket is open yet, no state touched.
pub(crate) struct Loaded {
    settings: CoreSettings,
    http1: bool,
    limits: LimitSettings,
    notifications: NotificationsConfig,
    own: OwnListeners,
    callbacks: CallbackRule,
    authority: Authority,
    policy: Arc<LocalPolicy>,
    /// What the listener goes by: it lets in whom its own authority named.
    callers: Arc<Keyring>,
    /// What calls go by.
    called: Arc<Keyring>,
    notifier: HttpClient,
}

impl Loaded {
    /// Reads and checks the files. `rule` makes the rule of callbacks for listeners of its own.
    ///
    /// # Errors
    /// See [`StartError`].
    pub(crate) fn read(
        settings: &CoreSettings,
        around: &Around<'_>,
        rule: impl FnOnce(&OwnListeners) -> CallbackRule,
    ) -> Result<Self, StartError> {
        let section = around.section;
        let of_key = |key: &str, reason: String| StartError::Config(format!("key `{section}.{key}`: {reason}"));
        let authority = authority(settings, around.tls).map_err(|(key, reason)| of_key(key, reason))?;
        let trust = settings.trust.clone().or_else(|| around.trust.clone());
        let trust = trust.ok_or_else(|| of_key("trust", "is missing".to_owned()))?;
        let in_section = |error: KeyringError| {
            let key = match error.key.as_str() {
                "trust.provider" => "authority.certificate".to_owned(),
                key => key.to_owned(),
            };
            let key = format!("{section}.{key}");
            StartError::Tls(KeyringError { key, ..error })
        };
        let files = |trust: Vec<(Role, std::path::PathBuf)>, crl: CrlFiles| KeyFiles {
            identity: settings.identity.clone(),
            role: Role::Ccf,
            id: settings.ccf_id.clone(),
            trust,
            crl,
            settings: around.tls,
        };
        let root = &settings.authority.certificate;
        let callers = vec![(Role::Provider, root.clone()), (Role::Eas, root.clone())];
        let callers = Keyring::load(files(callers, CrlFiles::default())).map_err(in_section)?;
        let crl = CrlFiles {
            eas: around.crl.eas.clone(),
            ees: around.crl.ees.clone(),
            ..CrlFiles::default()
        };
        let called = vec![(Role::Eas, trust.eas), (Role::Ees, trust.ees)];
        let called = Keyring::load(files(called, crl)).map_err(in_section)?;
        let own = OwnListeners::default();
        let callbacks = rule(&own);
        let timeout = Duration::from_secs(u64::from(around.notifications.timeout_seconds.max(1)));
        let notifier = called
            .client(&[Role::Eas, Role::Ees])
            .and_then(|tls| HttpClient::over(tls, callbacks.clone(), timeout))
            .map_err(|source: TlsError| {
                let key = format!("{section}.trust");
                StartError::Tls(KeyringError { key, source })
            })?;
        let policy = settings.authorization().open(operations::catalogue());
        let policy = policy.map_err(|error| of_key("policies", error.to_string()))?;
        settings
            .store
            .keys()
            .map_err(|error| of_key("store", error.to_string()))?;
        if let StoreSettings::Redb { path, .. } = &settings.store {
            places::can_be_written(path).map_err(|reason| of_key("store.path", reason))?;
        }
        Ok(Self {
            settings: settings.clone(),
            http1: around.http1,
            limits: *around.limits,
            notifications: around.notifications,
            own,
            callbacks,
            authority,
            policy,
            callers,
            called,
            notifier,
        })
    }

    /// Who decides what its callers may use.
    pub(crate) fn policy(&self) -> Arc<LocalPolicy> {
        self.policy.clone()
    }

    /// Opens its store.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(crate) async fn store(&self, keeping: &Keeping) -> Result<Arc<dyn Store>, StartError> {
        let opened = self.settings.store.open().await;
        let store = opened.inspect_err(|error| {
            if error.is_damage() {
                keeping.state_is_corrupt(error.to_string());
            }
        })?;
        Ok(Watched::over(store, keeping.evidence()))
    }

    /// Takes up the state and opens the listener. Nothing is served before [`Core::serve`].
    ///
    /// # Errors
    /// When the state cannot be read, or the address cannot be had.
    pub(crate) async fn open(
        self,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        trust: Arc<ClockTrust>,
        evidence: Arc<dyn Evidence>,
    ) -> Result<Core, StartError> {
        self.policy.follow(evidence.clone());
        self.called.evidence(evidence.clone());
        // A token that is issued by a clock that is back lives longer than anybody granted.
        let issues = |ask: &Ask<'_>| ask.operation == IssueToken::NAME;
        let authorizer: Arc<dyn Authorizer> = Arc::new(WhileTrusted::new(trust.clone(), issues, self.policy.clone()));
        let room = Room::new(store, clock);
        let rules = self.settings.rules(self.callbacks);
        let core = CoreFunction::start(room, rules, self.authority, evidence.clone()).await?;
        core.believes(trust);
        let reactions = CoreReactions::new(core.clone(), Arc::new(self.notifier));
        let outbox = OutboxSettings {
            longest_retry: Duration::from_secs(u64::from(self.notifications.longest_retry_seconds.max(1))),
            backlog: usize::try_from(self.notifications.backlog_per_subscription.max(1)).unwrap_or(usize::MAX),
            ..OutboxSettings::default()
        };
        let outbox = Outbox::new(core.room().clone(), Arc::new(reactions), outbox);
        let mut serving = Serving::new(self.callers, self.http1, authorizer)
            .evidence(evidence)
            .within(&self.limits);
        let socket = Socket::bind("core", &self.settings.listen_at()).await?;
        let address = socket.address();
        let doors = [
            ReferencePoint::Capif1,
            ReferencePoint::Capif5,
            ReferencePoint::Onboarding,
        ];
        let doors = doors.map(|point| Door {
            point,
            router: router(&core),
        });
        serving.open(socket, doors.into())?;
        self.own.add(address);
        Ok(Core {
            core,
            serving,
            outbox,
            called: self.called,
            own: self.own,
            address,
        })
    }
}

/// The authority, or the key that is at fault and why.
fn authority(settings: &CoreSettings, tls: TlsSettings) -> Result<Authority, (&'static str, String)> {
    let read = |path: &std::path::Path| {
        let text = fs::read_to_string(path).map(Zeroizing::new);
        text.map_err(|error| format!("{}: {error}; name a file in PEM that can be read", path.display()))
    };
    let files = &settings.authority;
    let certificate = read(&files.certificate).map_err(|reason| ("authority.certificate", reason))?;
    if !tls.allow_key_files_readable_by_others {
        readable_by_its_owner_only(&files.key)
            .map_err(|error| ("authority.key", format!("{error}; {}", error.remedy())))?;
    }
    let key = read(&files.key).map_err(|reason| ("authority.key", reason))?;
    Authority::from_pem(&certificate, &key).map_err(|error| ("authority", error.to_string()))
}

/// A core function with its listener bound.
pub struct Core {
    core: Arc<CoreFunction>,
    serving: Serving,
    outbox: Outbox<CoreReactions>,
    called: Arc<Keyring>,
    own: OwnListeners,
    address: SocketAddr,
}

impl Core {
    /// The core function.
    pub fn function(&self) -> &Arc<CoreFunction> {
        &self.core
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets no notification go to this listener, which belongs to the same operator.
    pub(crate) fn never_notifies(&self, address: SocketAddr) {
        self.own.add(address);
    }

    /// What programs print about it once it listens: one line.
    pub fn announcement(&self) -> String {
        format!("listening capif https://{}\n", self.address)
    }

    /// What operators ask for, to be mounted on their port.
    pub fn operator(&self) -> Router {
        operator::for_operators(self.core.clone())
    }

    /// Its APIs, for documents.
    pub fn apis(&self) -> Vec<Api> {
        edgeapp_capif_doors::apis(&self.core)
    }

    /// Serves until `stop`, then lets running requests finish. Does what is not done within requests: sends notifications, removes what
    /// has expired, keeps signing keys up.
    pub async fn serve(self, stop: CancellationToken) {
        let mut background = JoinSet::new();
        background.spawn(self.outbox.run());
        background.spawn(sweeper::run(
            self.core.room().clone(),
            Arc::new(Lapses(self.core.clone())),
            SWEEP,
        ));
        let core = self.core.clone();
        background.spawn(async move { core.run().await });
        background.spawn(self.called.follow_files(stop.clone()));
        self.serving.serve(stop).await;
        // Events of the last requests are in the store: what is not sent now is sent by the next run.
        background.shutdown().await;
    }
}

/// The authorizer of an operator's port that serves an embedded core function as well: what is the core function's is decided by its
/// policies, everything else by those of the server.
pub(crate) struct AtOperator {
    pub(crate) server: Arc<dyn Authorizer>,
    pub(crate) core: Arc<LocalPolicy>,
}

impl Authorizer for AtOperator {
    fn authorize(&self, ask: &Ask<'_>) -> Result<(), Error> {
        match ask.point == ReferencePoint::Operator && operator::OPERATIONS.contains(&ask.operation) {
            true => self.core.authorize(ask),
            false => self.server.authorize(ask),
        }
    }
}
