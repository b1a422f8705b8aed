//! Keeps the registration of this EES at its ECS truthful (Eecs_EESRegistration, TS 29.558 clause 6.2): registers at the start,
//! tells every change of its EASs, renews in time, registers anew when the ECS forgot it, deregisters at the end.

use axum::http::{Method, StatusCode};
use edgeapp_core::{
    follow::View,
    kept::Kept,
    store::{Change, Commit, Entry, Key, Store},
};
use edgeapp_http::client::{Answer, CallError, HttpClient};
use edgeapp_openapi::{
    eas_registration::{EasBundleInfo, EasRegistration},
    ees_registration::{EesProfile, EesRegistration},
    ids::EasId,
};
use jiff::Timestamp;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Where the URI of the registration is kept, so that a restarted EES and its replicas go on with the same one.
const KEPT: &str = "edge6/registration";

/// What of the EASs the ECS has to know. A read model over the EAS registrations.
pub struct ServedEass {
    known: Mutex<BTreeMap<Key, (EasId, Vec<EasBundleInfo>)>>,
    changed: watch::Sender<()>,
}

impl Default for ServedEass {
    fn default() -> Self {
        Self {
            known: Mutex::default(),
            changed: watch::Sender::new(()),
        }
    }
}

impl ServedEass {
    /// The EASIDs, each once, and the bundles of each.
    fn profile(&self, fixed: &EesProfile) -> EesProfile {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bundles: BTreeMap<EasId, Vec<EasBundleInfo>> = BTreeMap::new();
        let mut eas_ids: Vec<EasId> = Vec::new();
        for (eas_id, of_eas) in known.values() {
            eas_ids.push(eas_id.clone());
            for bundle in of_eas {
                // At the ECS the main EAS is not part of a bundle's description.
                let bundle = EasBundleInfo {
                    main_eas_id: None,
                    ..bundle.clone()
                };
                let all = bundles.entry(eas_id.clone()).or_default();
                if !all.contains(&bundle) {
                    all.push(bundle);
                }
            }
        }
        eas_ids.sort();
        eas_ids.dedup();
        EesProfile {
            eas_ids,
            eas_bdl_infos: bundles,
            ..fixed.clone()
        }
    }

    fn put(known: &mut BTreeMap<Key, (EasId, Vec<EasBundleInfo>)>, entry: &Entry) {
        if let Ok(kept) = Kept::<EasRegistration>::from_entry(entry) {
            let profile = kept.value.eas_prof;
            known.insert(entry.key.clone(), (profile.eas_id, profile.eas_bdl_infos));
        }
    }
}

impl View for ServedEass {
    fn reset(&self, entries: Vec<Entry>) {
        let mut fresh = BTreeMap::new();
        entries.iter().for_each(|entry| Self::put(&mut fresh, entry));
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        self.changed.send_replace(());
    }

    fn apply(&self, changes: Vec<Change>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            match change {
                Change::Put(entry) => Self::put(&mut known, &entry),
                Change::Deleted(key, _) => drop(known.remove(&key)),
            }
        }
        drop(known);
        self.changed.send_replace(());
    }
}

/// Whether the ECS knows this EES as it is; `Err` says what is wrong.
pub type LinkState = Result<(), String>;

/// The registration and who keeps it.
pub struct EesRegistrationUpkeep {
    client: HttpClient,
    collection: String,
    fixed: EesProfile,
    served: Arc<ServedEass>,
    store: Arc<dyn Store>,
    check: Duration,
    state: watch::Sender<LinkState>,
}

/// The registration as the ECS last confirmed it.
struct Confirmed {
    uri: String,
    profile: EesProfile,
    renew_at: Option<Timestamp>,
}

impl EesRegistrationUpkeep {
    /// Keeps `fixed`, completed with what is served, registered at the ECS whose EDGE-6 has this `apiRoot`.
    pub fn new(
        client: HttpClient,
        api_root: &str,
        fixed: EesProfile,
        served: Arc<ServedEass>,
        store: Arc<dyn Store>,
        check: Duration,
    ) -> Self {
        let collection = format!(
            "{}/eecs-eesregistration/v1/registrations",
            api_root.trim_end_matches('/')
        );
        let state = watch::Sender::new(Err("the ECS has not been asked yet".to_owned()));
        Self {
            client,
            collection,
            fixed,
            served,
            store,
            check,
            state,
        }
    }

    /// Whether the ECS knows this EES, now and later.
    pub fn state(&self) -> watch::Receiver<LinkState> {
        self.state.subscribe()
    }

    /// Works until `stop`, then deregisters unless replicas go on.
    pub async fn run(self, stop: CancellationToken) {
        let mut changed = self.served.changed.subscribe();
        let mut confirmed: Option<Confirmed> = None;
        let mut pause = Duration::from_millis(200);
        loop {
            changed.mark_unchanged();
            match self.bring_up_to_date(confirmed.take()).await {
                Ok(now) => {
                    if self.state.borrow().is_err() {
                        tracing::info!(registration = now.uri, "the ECS knows this EES");
                    }
                    let _ = self.state.send_replace(Ok(()));
                    confirmed = Some(now);
                    pause = Duration::from_millis(200);
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = tokio::time::sleep(self.check) => {}
                        _ = changed.changed() => {
                            // Several EASs that come at once are told at once.
                            tokio::time::sleep(Duration::from_millis(20)).await;
                        }
                    }
                }
                Err(error) => {
                    if self.state.borrow().is_ok() || pause <= Duration::from_millis(200) {
                        tracing::warn!(%error, "the ECS does not know this EES as it is; trying again");
                    }
                    let _ = self.state.send_replace(Err(error.to_string()));
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = tokio::time::sleep(pause) => {}
                    }
                    pause = (pause * 2).min(self.check);
                }
            }
        }
        if let (Some(confirmed), false) = (confirmed, self.store.is_shared()) {
            let gone = self.client.call(Method::DELETE, &confirmed.uri, None::<&()>).await;
            if let Err(error) = gone {
                tracing::warn!(%error, "this EES could not deregister; the ECS forgets it when the registration expires");
            }
            let _ = self.store.commit(Commit::new().delete(KEPT)).await;
        }
    }

    /// Makes the ECS know what is true now.
    async fn bring_up_to_date(&self, confirmed: Option<Confirmed>) -> Result<Confirmed, CallError> {
        let profile = self.served.profile(&self.fixed);
        let uri = match &confirmed {
            Some(confirmed) => Some(confirmed.uri.clone()),
            None => self.kept_uri().await,
        };
        let Some(uri) = uri else {
            return self.register(profile).await;
        };
        let known = match &confirmed {
            Some(confirmed)
                if confirmed.profile == profile && confirmed.renew_at.is_none_or(|at| Timestamp::now() < at) =>
            {
                self.client
                    .call(Method::GET, &uri, None::<&()>)
                    .await
                    .map(|answer| (answer, false))
            }
            _ => self
                .client
                .call(Method::PUT, &uri, Some(&registration(profile.clone())))
                .await
                .map(|answer| (answer, true)),
        };
        match known {
            Ok((answer, renewed)) => {
                let renew_at = match (&confirmed, renewed) {
                    (Some(confirmed), false) => confirmed.renew_at,
                    _ => half_life(&answer),
                };
                Ok(Confirmed { uri, profile, renew_at })
            }
            // Forgotten, or never heard of: begin anew.
            Err(error) if matches!(error.status(), Some(StatusCode::NOT_FOUND | StatusCode::FORBIDDEN)) => {
                tracing::info!(%error, "the ECS has no registration of this EES; registering anew");
                self.register(profile).await
            }
            Err(error) => Err(error),
        }
    }

    async fn register(&self, profile: EesProfile) -> Result<Confirmed, CallError> {
        let answer = self
            .client
            .call(Method::POST, &self.collection, Some(&registration(profile.clone())))
            .await?;
        let uri = answer.location.clone();
        let uri = uri.ok_or_else(|| CallError::Unexpected("the ECS answered without a Location".to_owned()))?;
        // Not kept: the next start registers anew, which does no harm.
        if let Err(error) = self.store.commit(Commit::new().put(KEPT, uri.clone())).await {
            tracing::warn!(%error, "the URI of the registration could not be kept");
        }
        Ok(Confirmed {
            uri,
            profile,
            renew_at: half_life(&answer),
        })
    }

    async fn kept_uri(&self) -> Option<String> {
        let entry = self.store.get(&Key::new(KEPT)).await.ok()??;
        // The ECS may have moved: a URI of another place is of no use.
        String::from_utf8(entry.value.to_vec())
            .ok()
            .filter(|uri| uri.starts_with(&self.collection))
    }
}

fn registration(profile: EesProfile) -> EesRegistration {
    EesRegistration {
        ees_prof: profile,
        exp_time: None,
        supp_feat: "1".parse().ok(),
    }
}

/// Half of the time that the registration has left: early enough to renew, even after a failure.
fn half_life(answer: &Answer) -> Option<Timestamp> {
    let end = answer.json::<EesRegistration>().ok()?.exp_time?.0;
    let now = Timestamp::now();
    Some(now + end.duration_since(now) / 2)
}
