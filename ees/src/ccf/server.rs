//! A core function as a process of its own: `ees ccf serve`.

use super::{
    config::CcfConfig,
    core::{Around, Core, Loaded},
};
use crate::ees::StartError;
use async_trait::async_trait;
use edgeapp_audit::{keeping::Keeping, settings::PrivacySettings};
use edgeapp_authz::consent::NobodyAgreed;
use edgeapp_core::{
    authorizer::ReferencePoint,
    clock::{Clock, SystemClock, trust::Trust as ClockTrust},
    consent::Consent,
    pseudonym,
    store::Store,
};
use edgeapp_http::{
    assembly::{Door, Serving},
    clock, documents,
    operator::{self, Need, Readiness, Version},
    places,
    settings::Effective,
    tls::Keyring,
};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Reads every file that the configuration names and looks at the places that it writes to, without a socket or a store.
///
/// # Errors
/// See [`StartError`].
pub fn check_files(config: &CcfConfig) -> Result<(), StartError> {
    read(config)?;
    let refused = |(key, reason): (&str, String)| StartError::Config(format!("key `{key}`: {reason}"));
    if let Some(audit) = &config.audit {
        audit.check().map_err(refused)?;
        places::can_be_written(&audit.folder).map_err(|reason| refused(("audit.folder", reason)))?;
    }
    if let Some((path, read)) = config.privacy.check() {
        let made = match path.exists() {
            true => read,
            false => places::can_be_made_in_its_folder(path),
        };
        made.map_err(|reason| refused(("privacy.pseudonym_key", reason)))?;
    }
    Ok(())
}

/// The core function, and the keyring of the operator's port.
fn read(config: &CcfConfig) -> Result<(Loaded, Arc<Keyring>), StartError> {
    let around = Around {
        section: "core",
        http1: config.http1,
        tls: config.tls,
        crl: &config.crl,
        limits: &config.limits,
        notifications: config.notifications,
        trust: None,
    };
    let loaded = Loaded::read(&config.core, &around, |own| config.callback_rule(own))?;
    let keyring = Keyring::load(config.key_files())?;
    Ok((loaded, keyring))
}

/// A process with bound listeners.
pub struct CcfServer {
    core: Core,
    serving: Serving,
    keeping: Keeping,
    trust: Arc<ClockTrust>,
}

impl CcfServer {
    /// Loads certificates and state and binds the listeners. Nothing is served before [`CcfServer::serve`].
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn open(config: &CcfConfig) -> Result<Self, StartError> {
        let names = config.privacy.pseudonyms()?;
        let names_lie_in_the_store = names.is_none();
        names.into_iter().for_each(pseudonym::install);
        let effective = Effective::of(config).map_err(StartError::Config)?;
        let keeping = Keeping::open(None, config.audit.as_ref(), effective.fingerprint())?;
        let (loaded, keyring) = read(config)?;
        let store = loaded.store(&keeping).await?;
        let keeping = keeping.remembered_by(store.clone()).await;
        if names_lie_in_the_store {
            pseudonym::install(PrivacySettings::pseudonyms_of(store.as_ref()).await?);
        }
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let trust = ClockTrust::open(store.clone(), clock.clone()).await?;
        let policy = loaded.policy();
        let core = loaded
            .open(store.clone(), clock, trust.clone(), keeping.evidence())
            .await?;
        let mut serving = Serving::new(keyring, config.http1, policy)
            .evidence(keeping.evidence())
            .within(&config.limits);
        let metrics = operator::install_metrics().map_err(StartError::Config)?;
        let version = Version {
            server: "ccf",
            version: env!("CARGO_PKG_VERSION"),
        };
        let page = documents::page(&core.apis()).map_err(|error| StartError::Config(error.to_string()))?;
        let router = operator::router(Arc::new(CcfReadiness(store)), metrics, version)
            .merge(page)
            .merge(clock::router(trust.clone()))
            .merge(core.operator());
        let door = Door {
            point: ReferencePoint::Operator,
            router,
        };
        core.never_notifies(serving.bind(&config.operator, vec![door]).await?);
        Ok(Self {
            core,
            serving,
            keeping,
            trust,
        })
    }

    /// What it prints once its listeners stand.
    pub fn announcement(&self) -> String {
        format!("{}{}", self.core.announcement(), self.serving.announcement())
    }

    /// Serves until `stop`, then lets running requests finish.
    pub async fn serve(self, stop: CancellationToken) {
        self.keeping.begin("ccf");
        // Nothing here is about users, whose consents are watched elsewhere.
        let consent: Arc<dyn Consent> = Arc::new(NobodyAgreed::default());
        let evidence = tokio::spawn(self.keeping.work(consent, self.trust, stop.clone()));
        tokio::join!(self.core.serve(stop.clone()), self.serving.serve(stop));
        evidence.abort();
        // Aborted: nothing but the end is waited for.
        let _ = evidence.await;
        self.keeping.end("ccf").await;
    }
}

/// What a core function needs in order to serve.
struct CcfReadiness(Arc<dyn Store>);

#[async_trait]
impl Readiness for CcfReadiness {
    async fn needs(&self) -> Vec<Need> {
        let detail = self.0.check().await.err().map(|error| error.to_string());
        vec![Need {
            name: "store",
            ready: detail.is_none(),
            detail,
        }]
    }
}
