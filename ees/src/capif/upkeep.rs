//! Keeps true what the core function has of this EES: its domain and certificates, the APIs it serves, and, the other way, the keys of tokens
//! and the access control policies. What was got is kept in the store: a restart goes on with it, and so does an EES whose core function
//! is away.

use super::{
    description::{ToPublish, is_same},
    news::{News, Subscribed},
    settings::{ExposureSettings, keys_of},
};
use async_trait::async_trait;
use edgeapp_capif::{
    admission::{Admission, Policies},
    exposing::{Exposing, Trusted},
    scope::Scope,
};
use edgeapp_capif_client::{
    CapifError,
    core::Core,
    provider::{Domain, Function},
};
use edgeapp_core::{
    error::Error,
    room::Room,
    store::{Commit, Key, Store},
    token::JwkSet,
};
use edgeapp_openapi::capif::{FunctionId, ServiceApiId, publish_service::SecurityMethod};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

/// The registered domain: identifiers, certificates and keys.
const DOMAIN: &str = "capif-provider/domain";
/// The APIs as they are published: identifiers and names.
const PUBLISHED: &str = "capif-provider/published";
/// The keys of tokens, as they were heard last.
const KEYS: &str = "capif-aef/keys";
/// The access control policies, as they were heard last.
const POLICIES: &str = "capif-aef/policies";
/// The subscription to news of policies.
const NEWS: &str = "capif-aef/news";
/// First pause after a failure.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Least time between two looks for keys that tokens named.
const BETWEEN_KEYS: Duration = Duration::from_secs(1);

/// How it stands with the core function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// Whether this EES was ever registered: then tokens count, whether or not the core function is there.
    pub(crate) registered: bool,
    /// What is wrong now.
    pub(crate) trouble: Option<String>,
}

/// Where the exposing function asks, once it is registered.
#[derive(Default)]
pub(crate) struct Asking(RwLock<Option<Function>>);

impl Asking {
    /// The exposing function as it is registered.
    pub(crate) fn aef(&self) -> Option<Function> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn as_of_now(&self, aef: Option<Function>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = aef;
    }
}

#[async_trait]
impl Trusted for Asking {
    async fn authorization(&self, invoker: &str) -> Result<Option<Scope>, Error> {
        let away = || Error::unavailable("the CAPIF core function cannot be asked about this invoker now");
        let aef = self.aef().ok_or_else(away)?;
        let Ok(invoker) = invoker.parse() else { return Ok(None) };
        let context = aef.trusted(&invoker).await.map_err(|error| {
            tracing::warn!(%error, "the core function cannot be asked about an invoker");
            away()
        })?;
        let Some(context) = context else { return Ok(None) };
        let mut allowed = Scope::default();
        for entry in &context.security_info {
            if entry.sel_security_method != Some(SecurityMethod::Pki) {
                continue;
            }
            let scope = entry
                .authorization_info
                .as_deref()
                .and_then(|text| text.parse::<Scope>().ok());
            for (aef_id, api) in scope.iter().flat_map(Scope::pairs) {
                allowed.add(aef_id, api);
            }
        }
        Ok(Some(allowed))
    }
}

/// What the upkeep is made of.
pub(crate) struct Parts {
    pub(crate) core: Core,
    pub(crate) settings: ExposureSettings,
    pub(crate) exposing: Arc<Exposing>,
    pub(crate) admission: Arc<Admission>,
    pub(crate) asking: Arc<Asking>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Room,
    pub(crate) published: Vec<ToPublish>,
    /// The keys of tokens, where a file has them.
    pub(crate) keys: Option<JwkSet>,
    pub(crate) about: String,
    pub(crate) provider: Option<String>,
    /// `apiRoot` of EDGE-3, where news arrives.
    pub(crate) root: String,
}

/// Keeps it true.
pub(crate) struct Upkeep {
    parts: Parts,
    domain: Option<Registered>,
    policies: Policies,
    state: watch::Sender<Link>,
    unknown_key: Arc<Notify>,
    news: News,
    subscribed: Subscribed,
    /// Whether the core function has been asked for news since this run began, or since the domain was registered.
    asked_for_news: bool,
}

/// The domain with its functions, ready to call.
struct Registered {
    domain: Domain,
    amf: Function,
    apf: Function,
    aef: Function,
}

/// Why something could not be kept true.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Core(#[from] CapifError),
    #[error("{0}")]
    Credential(String),
    #[error("the core function's keys of tokens cannot be used: it {0}")]
    Keys(String),
    #[error(transparent)]
    Store(#[from] Error),
}

async fn kept<T: DeserializeOwned>(store: &dyn Store, key: &str) -> Result<Option<T>, Error> {
    let entry = store.get(&Key::new(key)).await?;
    // What serde says could quote a key.
    entry
        .map(|entry| serde_json::from_slice(&entry.value).map_err(|_| Error::internal(format!("{key} is damaged"))))
        .transpose()
}

async fn keep<T: Serialize>(store: &dyn Store, key: &str, value: &T) -> Result<(), Error> {
    let bytes = serde_json::to_vec(value).map_err(|_| Error::internal(format!("{key} cannot be written")))?;
    store.commit(Commit::new().put(key, bytes)).await?;
    Ok(())
}

/// Pure: what has to be done so that the core function has exactly what is wanted.
#[derive(Debug, Default, PartialEq)]
struct Plan {
    publish: Vec<usize>,
    update: Vec<(ServiceApiId, usize)>,
    withdraw: Vec<ServiceApiId>,
    stays: BTreeMap<ServiceApiId, String>,
}

fn plan(
    there: &[edgeapp_openapi::capif::publish_service::ServiceApiDescription],
    wanted: &[edgeapp_openapi::capif::publish_service::ServiceApiDescription],
) -> Plan {
    let mut plan = Plan::default();
    let mut found = vec![false; wanted.len()];
    for api in there {
        let Some(id) = &api.api_id else { continue };
        let place = wanted.iter().position(|wanted| wanted.api_name == api.api_name);
        match place.filter(|place| !found[*place]) {
            None => plan.withdraw.push(id.clone()),
            Some(place) => {
                found[place] = true;
                if !is_same(api, &wanted[place]) {
                    plan.update.push((id.clone(), place));
                }
                plan.stays.insert(id.clone(), api.api_name.clone());
            }
        }
    }
    plan.publish = (0..wanted.len()).filter(|place| !found[*place]).collect();
    plan
}

impl Upkeep {
    /// Takes up what was got before.
    pub(crate) async fn open(parts: Parts) -> Result<Self, Error> {
        let store = parts.store.clone();
        let domain: Option<Domain> = kept(store.as_ref(), DOMAIN).await?;
        let keys = match &parts.keys {
            Some(keys) => Some(keys.clone()),
            None => kept(store.as_ref(), KEYS).await?,
        };
        if let Some(keys) = keys {
            parts.exposing.goes_by(keys);
        }
        let policies: Policies = kept(store.as_ref(), POLICIES).await?.unwrap_or_default();
        parts.admission.goes_by(&policies);
        let state = watch::Sender::new(Link {
            registered: false,
            trouble: Some("the core function has not been asked yet".to_owned()),
        });
        let subscribed: Option<Subscribed> = kept(store.as_ref(), NEWS).await?;
        let subscribed = subscribed.unwrap_or_else(Subscribed::fresh);
        let mut this = Self {
            parts,
            domain: None,
            policies,
            state,
            unknown_key: Arc::default(),
            news: News::at(&subscribed.token),
            subscribed,
            asked_for_news: false,
        };
        // At another core function it is somebody else.
        if let Some(domain) = domain.filter(|domain| domain.root == this.parts.core.root()) {
            let published: BTreeMap<ServiceApiId, String> = kept(store.as_ref(), PUBLISHED).await?.unwrap_or_default();
            this.parts.exposing.publishes(published);
            this.is_now(domain)
                .map_err(|error| Error::internal(format!("{DOMAIN}: {error}")))?;
        }
        Ok(this)
    }

    /// How it stands with the core function, now and later.
    pub(crate) fn state(&self) -> watch::Receiver<Link> {
        self.state.subscribe()
    }

    /// To be told when a token is signed by a key that is not known.
    pub(crate) fn unknown_key(&self) -> Arc<Notify> {
        self.unknown_key.clone()
    }

    /// Where news of policies arrives.
    pub(crate) fn news(&self) -> News {
        self.news.clone()
    }

    fn is_now(&mut self, domain: Domain) -> Result<(), CapifError> {
        let core = &self.parts.core;
        let registered = Registered {
            amf: core.function(&domain.amf)?,
            apf: core.function(&domain.apf)?,
            aef: core.function(&domain.aef)?,
            domain,
        };
        self.parts.asking.as_of_now(Some(registered.aef.clone()));
        self.parts.exposing.is_now(registered.aef.id().parse().ok());
        self.domain = Some(registered);
        self.state
            .send_if_modified(|link| !std::mem::replace(&mut link.registered, true));
        Ok(())
    }

    /// The core function does not know the domain any more: nothing that it gave counts.
    async fn is_nobody(&mut self) -> Result<(), Error> {
        let nothing = Commit::new().delete(DOMAIN).delete(PUBLISHED).delete(NEWS);
        self.parts.store.commit(nothing).await?;
        self.subscribed.uri = None;
        self.asked_for_news = false;
        self.domain = None;
        self.parts.asking.as_of_now(None);
        self.parts.exposing.is_now(None);
        self.state
            .send_if_modified(|link| std::mem::replace(&mut link.registered, false));
        Ok(())
    }

    /// Works until `stop`, then withdraws what is published unless replicas go on.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let check = Duration::from_secs(u64::from(self.parts.settings.check_seconds.max(1)));
        let longest = Duration::from_secs(u64::from(self.parts.settings.longest_retry_seconds.max(1)));
        let mut pause = FIRST_PAUSE;
        let mut told: Option<String> = None;
        loop {
            let work = tokio::select! {
                () = stop.cancelled() => break,
                work = self.bring_up_to_date() => work,
            };
            let wait = match work {
                Ok(()) => {
                    if self.state.borrow().trouble.is_some() {
                        tracing::info!(
                            core_function = self.parts.core.root(),
                            "the core function has what this EES exposes"
                        );
                    }
                    self.state.send_modify(|link| link.trouble = None);
                    (pause, told) = (FIRST_PAUSE, None);
                    check
                }
                Err(trouble) => {
                    // A file that is not there yet costs nobody anything.
                    let waits_for_file = matches!(trouble, Trouble::Credential(_));
                    let trouble = trouble.to_string();
                    // Once per reason: it is tried again and again.
                    if told.as_ref() != Some(&trouble) {
                        tracing::warn!(
                            reason = trouble,
                            "the core function does not have what this EES exposes; trying again"
                        );
                        told = Some(trouble.clone());
                    }
                    self.state.send_modify(|link| link.trouble = Some(trouble));
                    if waits_for_file {
                        check
                    } else {
                        let wait = pause;
                        pause = (pause * 2).min(longest);
                        wait
                    }
                }
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(wait) => {}
                () = self.unknown_key.notified() => tokio::time::sleep(BETWEEN_KEYS).await,
                () = self.news.arrived() => {}
            }
        }
        if self.parts.store.is_shared() {
            return;
        }
        if let Err(trouble) = self.withdraw_all().await {
            tracing::warn!(%trouble, "what is published could not be withdrawn; it is brought up to date with the next start");
        }
    }

    async fn withdraw_all(&self) -> Result<(), Trouble> {
        let Some(registered) = &self.domain else { return Ok(()) };
        if let Some(uri) = &self.subscribed.uri {
            registered.aef.unsubscribe(uri).await?;
        }
        for api in registered.apf.published().await? {
            if let Some(id) = &api.api_id {
                registered.apf.withdraw(id).await?;
            }
        }
        // Their identifiers stay known: a token of before is good while the core function cannot be asked after the next start.
        Ok(())
    }

    /// Makes true what has to be true now.
    async fn bring_up_to_date(&mut self) -> Result<(), Trouble> {
        if self.domain.is_none() {
            let credential = self.parts.settings.credential().map_err(Trouble::Credential)?;
            let parts = &self.parts;
            let domain = parts
                .core
                .register(&credential, parts.provider.as_deref(), &parts.about)
                .await?;
            keep(parts.store.as_ref(), DOMAIN, &domain).await?;
            tracing::info!(aef = domain.aef.id, "registered at the core function");
            // What was subscribed to belongs to a domain of before.
            self.subscribed.uri = None;
            self.asked_for_news = false;
            self.is_now(domain)?;
        }
        match self.all_of_it().await {
            Err(Trouble::Core(error)) if error.is_unknown() => {
                tracing::warn!(%error, "the core function does not know this EES any more");
                self.is_nobody().await?;
                Err(Trouble::Core(error))
            }
            done => done,
        }
    }

    async fn all_of_it(&mut self) -> Result<(), Trouble> {
        self.renew().await?;
        // Who finds an API may come with a token at once.
        self.keys().await?;
        self.publications().await?;
        // First the subscription: what changes while policies are asked for is told.
        self.subscription().await?;
        self.access().await
    }

    /// To be told when policies change, so that they count at once.
    async fn subscription(&mut self) -> Result<(), Trouble> {
        let Some(registered) = &self.domain else { return Ok(()) };
        if self.asked_for_news {
            return Ok(());
        }
        let renewed = self.subscribed.renewed(&registered.aef, &self.parts.root).await?;
        if let Some(renewed) = renewed.filter(|renewed| *renewed != self.subscribed) {
            keep(self.parts.store.as_ref(), NEWS, &renewed).await?;
            self.subscribed = renewed;
        }
        self.asked_for_news = true;
        Ok(())
    }

    /// New keys and certificates in time.
    async fn renew(&mut self) -> Result<(), Trouble> {
        let now = self.parts.clock.now().0.as_second();
        let Some(registered) = &self.domain else { return Ok(()) };
        let domain = &registered.domain;
        if ![&domain.amf, &domain.apf, &domain.aef]
            .iter()
            .any(|held| held.wants_renewal(now))
        {
            return Ok(());
        }
        let renewed = registered.amf.renew(domain, &self.parts.about).await?;
        keep(self.parts.store.as_ref(), DOMAIN, &renewed).await?;
        tracing::info!("the certificates of the functions at the core function are renewed");
        Ok(self.is_now(renewed)?)
    }

    /// The APIs. What the core function has is asked for each time: it is the truth, whatever happened to a request or to its answer.
    async fn publications(&mut self) -> Result<(), Trouble> {
        let Some(registered) = &self.domain else { return Ok(()) };
        let aef_id: FunctionId = registered.aef.id().parse().map_err(Error::internal)?;
        let wanted: Vec<_> = self.parts.published.iter().map(|api| api.of(&aef_id)).collect();
        let there = registered.apf.published().await?;
        let plan = plan(&there, &wanted);
        for id in &plan.withdraw {
            registered.apf.withdraw(id).await?;
        }
        for (id, place) in &plan.update {
            registered.apf.update(id, &wanted[*place]).await?;
            tracing::info!(api = wanted[*place].api_name, "described anew at the core function");
        }
        let mut published = plan.stays;
        for place in plan.publish {
            let made = registered.apf.publish(&wanted[place]).await?;
            published.extend(made.api_id.zip(Some(made.api_name)));
            // It may be called before the next one is published, also after a restart.
            self.published(&published).await?;
        }
        self.published(&published).await
    }

    /// These are the APIs from now on: their invocations and revocations are known by these identifiers.
    async fn published(&self, published: &BTreeMap<ServiceApiId, String>) -> Result<(), Trouble> {
        let before: Option<BTreeMap<ServiceApiId, String>> = kept(self.parts.store.as_ref(), PUBLISHED).await?;
        if before.as_ref() != Some(published) {
            keep(self.parts.store.as_ref(), PUBLISHED, published).await?;
        }
        self.parts.exposing.publishes(published.clone());
        Ok(())
    }

    /// The keys of tokens, unless a file has them.
    async fn keys(&self) -> Result<(), Trouble> {
        if self.parts.keys.is_some() {
            return Ok(());
        }
        let keys = keys_of(&self.parts.core.keys().await?).map_err(Trouble::Keys)?;
        let before: Option<JwkSet> = kept(self.parts.store.as_ref(), KEYS).await?;
        if before.as_ref() != Some(&keys) {
            keep(self.parts.store.as_ref(), KEYS, &keys).await?;
        }
        self.parts.exposing.goes_by(keys);
        Ok(())
    }

    /// The access control policies.
    async fn access(&mut self) -> Result<(), Trouble> {
        let Some(registered) = &self.domain else { return Ok(()) };
        let mut policies = Policies::new();
        for api in &self.parts.published {
            let Some(id) = self.parts.exposing.api_id(&api.name) else {
                continue;
            };
            let list = registered.aef.policies(&id).await?;
            if !list.api_invoker_policies.is_empty() {
                policies.insert(id, list.api_invoker_policies);
            }
        }
        if policies != self.policies {
            keep(self.parts.store.as_ref(), POLICIES, &policies).await?;
            self.parts.admission.goes_by(&policies);
            self.policies = policies;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use edgeapp_openapi::capif::publish_service::ServiceApiDescription;
    use proptest::prelude::*;

    fn api(name: u8, id: Option<usize>, about: u8) -> ServiceApiDescription {
        let mut api: ServiceApiDescription =
            serde_json::from_value(serde_json::json!({"apiName": format!("api-{name}"),
            "description": about.to_string()}))
            .expect("a description");
        api.api_id = id.map(|id| format!("id-{id}").parse().expect("an identifier"));
        api
    }

    proptest! {
        /// Whatever is there: after the plan the core function has exactly what is wanted, each API once, and a second plan is empty.
        #[test]
        fn a_plan_leads_to_what_is_wanted(there in prop::collection::vec((0u8..6, 0u8..2), 0..10), wanted in prop::collection::btree_map(0u8..6, 0u8..2, 0..6)) {
            let mut there: Vec<_> = there.iter().enumerate().map(|(id, (name, about))| api(*name, Some(id), *about)).collect();
            let wanted: Vec<_> = wanted.iter().map(|(name, about)| api(*name, None, *about)).collect();
            let plan = super::plan(&there, &wanted);
            there.retain(|api| api.api_id.as_ref().is_none_or(|id| !plan.withdraw.contains(id)));
            for (id, place) in &plan.update {
                for api in there.iter_mut().filter(|api| api.api_id.as_ref() == Some(id)) {
                    *api = ServiceApiDescription { api_id: Some(id.clone()), ..wanted[*place].clone() };
                }
            }
            for place in &plan.publish {
                there.push(ServiceApiDescription { api_id: format!("new-{place}").parse().ok(), ..wanted[*place].clone() });
            }
            prop_assert_eq!(there.len(), wanted.len());
            let again = super::plan(&there, &wanted);
            prop_assert!(again.publish.is_empty() && again.update.is_empty() && again.withdraw.is_empty());
        }
    }
}
