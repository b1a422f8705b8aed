//! EDGE-5 (TS 23.558 clause 8.14): what application clients ask of the EEC on their UE, and what it tells them. The two are one process:
//! an application client links this, and has an EEC that speaks EDGE-1 and EDGE-4 with real servers.
//!
//! | what an AC does | here |
//! |---|---|
//! | registers with its EEC | [`Eec::attach`] |
//! | asks where its application runs | [`ApplicationClient::discover`] |
//! | wants its context relocated | [`ApplicationClient::trigger_acr`] |
//! | hears of relocations | [`ApplicationClient::notice`] |
//!
//! ```no_run
//! use eec_sim::{edge5::{Eec, Notice, Settings}, pki::Pki};
//! # async fn play() -> Result<(), Box<dyn std::error::Error>> {
//! let pki = Pki::open("lab".as_ref())?;
//! let settings = Settings::new("eec-1", "msisdn-491700000001", "https://127.0.0.1:9304", pki.files("eec-1"));
//! let eec = Eec::start(settings, pki)?;
//! eec.moved_to(serde_json::json!({"trackingAreaId": "000001", "plmnId": "00101"}));
//! let mut chess = eec.attach("ac.chess", "eas.chess.example").await?;
//! let server = chess.discover().await?;
//! // The device moves on; the application has to follow.
//! eec.moved_to(serde_json::json!({"trackingAreaId": "000002", "plmnId": "00101"}));
//! chess.trigger_acr().await?;
//! while let Notice::Target { .. } = chess.notice().await {}
//! # Ok(()) }
//! ```

use crate::{
    call::{Caller, PATIENCE, client, url_of},
    edge1, edge4,
    pki::{Files, Pki},
    record::{Part, Recorder, Unwatched},
    tokens::Tokens,
    witness::Sights,
    world::{
        callbacks::Callbacks,
        tracks::{Track, Tracks},
    },
};
use edgeapp_core::principal::Role;
use edgeapp_http::{client::HttpClient, tls::TlsError};
use edgeapp_openapi::{
    acr_events::AcrEventIds, eas_discovery::DiscoveredEas, ees_registration::AcrScenario, service_provisioning::EesInfo,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Why an EEC cannot do what its application client asks for.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Its certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// It cannot listen for notifications.
    #[error("the EEC cannot listen: {0}")]
    Listen(#[from] io::Error),
    /// A server gave no good answer.
    #[error(transparent)]
    Failed(Box<crate::call::Failed>),
    /// A message cannot be made of what was given.
    #[error("a message cannot be made of these values: {0}")]
    Message(#[from] serde_json::Error),
    /// Nobody serves the application where the UE is.
    #[error("nobody serves {0} where the UE is")]
    Nobody(String),
    /// The application has not been discovered yet, so that there is nothing to relocate.
    #[error("{0} has no server yet; discover one first")]
    NotServed(String),
    /// The server that serves it is in charge of the place where the UE is.
    #[error("{0} is served where the UE is already")]
    ServedHere(String),
}

impl From<crate::call::Failed> for Refused {
    fn from(failed: crate::call::Failed) -> Self {
        Self::Failed(Box::new(failed))
    }
}

/// Who an EEC is, and whom it asks.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The EEC's identifier.
    pub eec_id: String,
    /// The UE's GPSI.
    pub gpsi: String,
    /// The `apiRoot` of the ECS on EDGE-4.
    pub ecs: String,
    /// The certificate and key of the EEC.
    pub files: Files,
    /// Whose relocations it takes part in; EEC executed ACR via the S-EES unless told otherwise.
    pub scenario: AcrScenario,
}

impl Settings {
    /// An EEC that leaves the execution of relocations to the S-EES.
    pub fn new(eec_id: &str, gpsi: &str, ecs: &str, files: Files) -> Self {
        Self {
            eec_id: eec_id.to_owned(),
            gpsi: gpsi.to_owned(),
            ecs: ecs.to_owned(),
            files,
            scenario: AcrScenario::EecExecutedViaSourceEes,
        }
    }
}

/// What an EEC tells an application client of its relocation (clause 8.14.2.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The server that it will go on with is known: it may open a connection.
    Target {
        /// Where that is.
        endpoint: String,
    },
    /// The context is there: it goes on with that server.
    Complete {
        /// Where that is.
        endpoint: String,
    },
    /// It goes on with the server that it has.
    Failed {
        /// Why.
        reason: String,
    },
}

/// A site that the EEC is registered at.
#[derive(Clone)]
struct Site {
    info: EesInfo,
    ees: edge1::Ees,
    registration: String,
    context: String,
}

/// The EEC of a UE.
pub struct Eec {
    settings: Settings,
    pki: Pki,
    recorder: Arc<Recorder>,
    tracks: Arc<Tracks>,
    ecs: edge4::Ecs,
    eess: HttpClient,
    location: Mutex<Value>,
    profiles: Mutex<BTreeMap<String, Value>>,
    site: tokio::sync::Mutex<Option<Site>>,
    ear: tokio::sync::Mutex<Option<Arc<Callbacks>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn message<T: DeserializeOwned>(value: Value) -> Result<T, Refused> {
    Ok(serde_json::from_value(value)?)
}

impl Eec {
    /// An EEC with these settings. It asks nobody yet.
    ///
    /// # Errors
    /// When its certificate cannot be used.
    pub fn start(settings: Settings, pki: Pki) -> Result<Arc<Self>, Refused> {
        let identity = settings.files.identity()?;
        let recorder = Recorder::new(Arc::new(Unwatched));
        let ecs = client(&identity, &pki.trust(Role::Ecs)?, PATIENCE)?;
        let ecs = edge4::Ecs(Caller::new(ecs, &recorder, (Part::Ue, Part::Ecs), "EDGE-4", &settings.ecs).quietly());
        Ok(Arc::new(Self {
            eess: client(&identity, &pki.trust(Role::Ees)?, PATIENCE)?,
            settings,
            pki,
            recorder,
            tracks: Arc::default(),
            ecs,
            location: Mutex::new(json!({})),
            profiles: Mutex::default(),
            site: tokio::sync::Mutex::default(),
            ear: tokio::sync::Mutex::default(),
        }))
    }

    /// The UE is elsewhere now: a `LocationInfo` of TS 29.122 in JSON.
    pub fn moved_to(&self, location: Value) {
        *lock(&self.location) = location;
    }

    fn profile_list(&self) -> Vec<Value> {
        lock(&self.profiles).values().cloned().collect()
    }

    /// The EES that is in charge where the UE is.
    async fn provisioned(&self, application: &str) -> Result<(EesInfo, edge1::Ees), Refused> {
        let location = lock(&self.location).clone();
        let request = message(json!({
            "eecId": self.settings.eec_id, "ueId": self.settings.gpsi, "acProfs": self.profile_list(),
            "eecSvcContSupp": [self.settings.scenario], "locInf": location,
        }))?;
        let nobody = || Refused::Nobody(application.to_owned());
        let found = self.ecs.service_provisioning(&request).await?.ok_or_else(nobody)?;
        let mut eess = found.edn_cnfg_info.into_iter().flat_map(|edn| edn.eess);
        let info = eess.next().ok_or_else(nobody)?;
        let root = info.end_pt.as_ref().map(url_of).ok_or_else(nobody)?;
        let tokens = Tokens::first(&self.ecs, &self.settings.eec_id, &info.ees_id).await?;
        let caller = Caller::new(
            self.eess.clone(),
            &self.recorder,
            (Part::Ue, Part::SEes),
            "EDGE-1",
            &root,
        );
        let caller = caller.quietly().with_tokens(tokens.map(Arc::new));
        Ok((info, edge1::Ees(caller)))
    }

    /// The site that the EEC is registered at; at first the one that is in charge where the UE is.
    async fn home(&self, application: &str) -> Result<Site, Refused> {
        let mut site = self.site.lock().await;
        let registration = json!({
            "eecId": self.settings.eec_id, "ueId": self.settings.gpsi, "acProfs": self.profile_list(),
            "eecSvcContSupp": [self.settings.scenario],
        });
        if let Some(site) = &*site {
            // A further application client: the EES hears of it.
            let patch = message(json!({"acProfs": self.profile_list()}))?;
            site.ees.update(&site.registration, &patch).await?;
            return Ok(site.clone());
        }
        let (info, ees) = self.provisioned(application).await?;
        let (id, made) = ees.register(&message(registration)?).await?;
        let home = Site {
            info,
            ees,
            registration: id,
            context: made.eec_cntx_id.map(|id| id.to_string()).unwrap_or_default(),
        };
        *site = Some(home.clone());
        Ok(home)
    }

    async fn destination(&self) -> Result<String, Refused> {
        let mut ear = self.ear.lock().await;
        let ear = match &*ear {
            Some(ear) => ear.clone(),
            None => {
                let opened =
                    Callbacks::start(&self.settings.files, &self.pki, &self.settings.gpsi, &self.tracks).await?;
                ear.insert(Arc::new(opened)).clone()
            }
        };
        Ok(ear.destination())
    }

    /// An application client registers (clause 8.14.2.2): the EEC registers with its profile, and wants to hear of its relocations.
    ///
    /// # Errors
    /// When nobody is in charge where the UE is, or a server refuses.
    pub async fn attach(self: &Arc<Self>, ac: &str, application: &str) -> Result<ApplicationClient, Refused> {
        let profile = json!({"acId": ac, "acSvcContSupp": [self.settings.scenario], "eass": [{"easId": application}]});
        lock(&self.profiles).insert(ac.to_owned(), profile);
        let home = self.home(application).await?;
        let ees = home.info.ees_id.as_str();
        let track = Track::new(
            (self.settings.gpsi.as_str(), ac),
            (ees, ees),
            None,
            self.recorder.clone(),
        );
        self.tracks.begin(application, track.clone());
        let mut subscriptions = Vec::new();
        for event in ["TARGET_INFORMATION", "ACR_COMPLETE"] {
            let request = message(json!({
                "eecId": self.settings.eec_id, "ueId": self.settings.gpsi, "easIds": [application], "acIds": [ac],
                "eventIds": event, "notificationDestination": self.destination().await?,
            }))?;
            subscriptions.push(home.ees.subscribe(&request).await?);
        }
        Ok(ApplicationClient {
            eec: self.clone(),
            ac: ac.to_owned(),
            application: application.to_owned(),
            track,
            heard: 0,
            served_by: None,
            subscriptions,
        })
    }

    /// The UE goes off: its registration ends.
    ///
    /// # Errors
    /// When the EES refuses.
    pub async fn stop(&self) -> Result<(), Refused> {
        if let Some(site) = self.site.lock().await.take() {
            site.ees.deregister(&site.registration).await?;
        }
        Ok(())
    }
}

/// An application client that is registered with its EEC.
pub struct ApplicationClient {
    eec: Arc<Eec>,
    ac: String,
    application: String,
    track: Arc<Track>,
    /// How many notifications it has been told.
    heard: usize,
    served_by: Option<DiscoveredEas>,
    subscriptions: Vec<String>,
}

impl ApplicationClient {
    async fn found(&self, ees: &edge1::Ees) -> Result<DiscoveredEas, Refused> {
        let settings = &self.eec.settings;
        let location = lock(&self.eec.location).clone();
        let request = message(json!({
            "requestorId": {"eecId": settings.eec_id}, "ueId": settings.gpsi, "locInf": location,
            "eecSvcContinuity": [settings.scenario], "easDiscoveryFilter": {"easChars": [{"easId": self.application}]},
        }))?;
        let found = ees.discover(&request).await?.discovered_eas;
        let fits = |found: &DiscoveredEas| found.eas.eas_id.as_str() == self.application;
        found
            .into_iter()
            .find(fits)
            .ok_or_else(|| Refused::Nobody(self.application.clone()))
    }

    /// Where the application runs (clause 8.14.2.3). The server that is answered with is the one that relocations start from.
    ///
    /// # Errors
    /// When there is none, or the EES refuses.
    pub async fn discover(&mut self) -> Result<DiscoveredEas, Refused> {
        let home = self.eec.home(&self.application).await?;
        let found = self.found(&home.ees).await?;
        self.served_by = Some(found.clone());
        Ok(found)
    }

    /// The context has to follow the UE (clause 8.14.2.4): the EEC finds the server at the new place and has the S-EES relocate to it.
    /// Answers with that server; what comes of it is told by [`ApplicationClient::notice`].
    ///
    /// # Errors
    /// When it has no server yet, nobody else is in charge where the UE is, or an EES refuses.
    pub async fn trigger_acr(&mut self) -> Result<DiscoveredEas, Refused> {
        let served_by = self
            .served_by
            .clone()
            .ok_or_else(|| Refused::NotServed(self.application.clone()))?;
        let home = self.eec.home(&self.application).await?;
        let (there, ees) = self.eec.provisioned(&self.application).await?;
        if there.ees_id == home.info.ees_id {
            return Err(Refused::ServedHere(self.application.clone()));
        }
        let settings = &self.eec.settings;
        if there.eec_reg_conf {
            let registration = json!({
                "eecId": settings.eec_id, "ueId": settings.gpsi, "acProfs": self.eec.profile_list(),
                "eecSvcContSupp": [settings.scenario],
            });
            ees.register(&message(registration)?).await?;
        }
        let target = self.found(&ees).await?;
        let request = message(json!({
            "requestorId": settings.eec_id, "ueId": settings.gpsi, "acId": self.ac, "easId": self.application,
            "sEasEndpoint": served_by.eas.end_pt, "tEasEndpoint": target.eas.end_pt, "easNotifInd": true,
            "eecCtxtReloc": {"eecCtxtId": home.context, "tEesId": there.ees_id, "tEecEndpoint": there.end_pt},
        }))?;
        home.ees.initiate(&request).await?;
        Ok(target)
    }

    /// Waits for the next news of its relocation.
    pub async fn notice(&mut self) -> Notice {
        let nth = self.heard;
        let next = |sights: &Sights| sights.notified.get(nth).map(|notified| notified.notification.clone());
        let notification = self.track.witness.until(next).await;
        self.heard += 1;
        if notification.event_id == AcrEventIds::TargetInformation {
            let target = notification.trgt_info.and_then(|info| info.target_eas_info);
            let endpoint = target.map(|eas| url_of(&eas.eas.end_pt)).unwrap_or_default();
            return Notice::Target { endpoint };
        }
        match notification.acr_status {
            Some(status) if status.acr_res => Notice::Complete {
                endpoint: url_of(&status.t_eas_endpoint),
            },
            status => Notice::Failed {
                reason: status.and_then(|status| status.fail_reason).unwrap_or_default(),
            },
        }
    }

    /// Leaves its EEC (clause 8.14.2.2): the EEC hears no more of its relocations.
    ///
    /// # Errors
    /// When the EES refuses.
    pub async fn detach(self) -> Result<(), Refused> {
        lock(&self.eec.profiles).remove(&self.ac);
        if let Some(home) = &*self.eec.site.lock().await {
            for subscription in &self.subscriptions {
                home.ees.unsubscribe(subscription).await?;
            }
        }
        Ok(())
    }
}
