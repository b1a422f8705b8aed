//! An application server: it keeps one context per UE, answers numbered requests, and hands contexts over.
//!
//! A hand-over copies the context and from then on carries every change over before it is answered, until the client leaves: the
//! application goes on at either server without a break. The client's first request makes the new copy the one that counts.

mod application;
mod session;

pub use application::{Answered, Application, Destination, Numbered};

use super::{
    cas::{self, Declared},
    served::Served,
    tracks::{Tracks, ees_of},
};
use crate::{
    call::{Caller, Failed, PATIENCE, client},
    edge3,
    pki::Pki,
    record::{Message, Part, Recorder, Unwatched},
    scenario::{Scenario, Site},
};
use edgeapp_core::{authorizer::ReferencePoint, principal::Role};
use edgeapp_http::tls::TlsError;
use edgeapp_openapi::ees_registration::AcrScenario;
use serde_json::json;
use session::Played;
use std::{
    io,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::Instant,
};
use tokio::sync::watch;

/// Application clients come with their UE's certificate, other servers with theirs.
const CALLERS: [ReferencePoint; 2] = [ReferencePoint::Edge1, ReferencePoint::Edge3];

/// Why an application server cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum NoEas {
    /// Its certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// It cannot listen.
    #[error("an EAS cannot listen: {0}")]
    Listen(#[from] io::Error),
    /// Its EES does not want it.
    #[error(transparent)]
    Refused(#[from] Failed),
    /// What it would tell cannot be said.
    #[error("a message cannot be made: {0}")]
    Message(#[from] serde_json::Error),
}

/// An application server that runs and is registered.
pub struct Eas {
    /// Its URL for clients and other servers.
    pub root: String,
    /// The instance.
    pub instance: String,
    played: Arc<Played>,
    _served: Served,
    /// Where its EES tells it something; gone where that is a fault.
    control: Mutex<Option<Served>>,
    house: Arc<Recorder>,
    enrolled: Option<Enrolled>,
    declared: watch::Receiver<Vec<Declared>>,
}

/// What it has at its EES.
struct Enrolled {
    ees: edge3::Ees,
    registration: String,
    subscriptions: Vec<String>,
}

impl Eas {
    /// Starts it in the cloud: it registers nowhere, and EESs tell it at the same address as others which of them serves a UE.
    ///
    /// # Errors
    /// When its certificate cannot be used, or it cannot listen.
    pub async fn start_in_the_cloud(
        scenario: &Arc<Scenario>,
        site: Site<'_>,
        pki: &Pki,
        tracks: &Arc<Tracks>,
        began: Instant,
    ) -> Result<Self, NoEas> {
        let files = pki.files(&site.eas.certificate);
        let identity = files.identity()?;
        let others = client(&identity, &pki.trust(Role::Eas)?, PATIENCE)?;
        let to_ees = client(&identity, &pki.trust(Role::Ees)?, PATIENCE)?;
        let (sender, declared) = watch::channel(Vec::new());
        let mut played = None;
        let router = |root: &str| {
            let eas = Played::at(scenario, site, (root, None), tracks, (others, to_ees));
            let routes = eas.clone().routes().merge(cas::routes(sender));
            played = Some(eas);
            routes
        };
        let callers = [CALLERS.as_slice(), &[ReferencePoint::Edge9]].concat();
        let served = Served::on_loopback(&files, pki, &callers, router).await?;
        let Some(played) = played else {
            return Err(io::Error::other("nothing is served").into());
        };
        Ok(Self {
            root: served.root.clone(),
            instance: site.eas.instance.clone(),
            played,
            _served: served,
            control: Mutex::default(),
            house: Recorder::since(began, Arc::new(Unwatched)),
            enrolled: None,
            declared,
        })
    }

    /// Which EESs told it that they serve a UE, in order, now and later; nothing unless it is in the cloud.
    pub fn declared(&self) -> watch::Receiver<Vec<Declared>> {
        self.declared.clone()
    }

    /// Starts it, registers it at its EES and subscribes to what it has to know.
    ///
    /// # Errors
    /// When one of this fails.
    pub async fn start(
        scenario: &Arc<Scenario>,
        site: Site<'_>,
        (pki, edge3_root): (&Pki, &str),
        tracks: &Arc<Tracks>,
        began: Instant,
    ) -> Result<Self, NoEas> {
        let files = pki.files(&site.eas.certificate);
        let identity = files.identity()?;
        let provider = identity.principal()?.provider().cloned();
        let to_ees = client(&identity, &pki.trust(Role::Ees)?, PATIENCE)?;
        let house = Recorder::since(began, Arc::new(Unwatched));
        let parts = (Part::SEas, Part::SEes);
        let ees = edge3::Ees(Caller::new(to_ees.clone(), &house, parts, "EDGE-3", edge3_root));
        let others = client(&identity, &pki.trust(Role::Eas)?, PATIENCE)?;
        // Where clients and other servers come in, and where EESs do.
        let mut played = None;
        let router = |root: &str| {
            let eas = Played::at(scenario, site, (root, Some(edge3_root)), tracks, (others, to_ees));
            let routes = eas.clone().routes();
            played = Some(eas);
            routes
        };
        let served = Served::on_loopback(&files, pki, &CALLERS, router).await?;
        let Some(played) = played else {
            return Err(io::Error::other("nothing is served").into());
        };
        let told = played.clone();
        let control = Served::on_loopback(&files, pki, &[ReferencePoint::Edge9], |_: &str| told.callbacks()).await?;
        *played.control.lock().unwrap_or_else(PoisonError::into_inner) = control.root.clone();
        let root = served.root.clone();
        let tais: Vec<_> = site
            .edn
            .tais
            .iter()
            .map(crate::configuration::Tai::on_the_wire)
            .collect();
        let places: Vec<_> = site
            .edn
            .dnais
            .iter()
            .map(|dnai| json!({"dnai": dnai, "routeProfId": "internet"}))
            .collect();
        let acs: Vec<_> = scenario
            .ac
            .iter()
            .filter(|ac| ac.eas_id == site.eas.eas_id)
            .map(|ac| &ac.ac_id)
            .collect();
        let mut profile = json!({
            "easId": site.eas.eas_id, "endPt": {"uri": root}, "acIds": acs,
            "svcArea": {"topServAr": {"tais": tais}}, "appLocs": places, "svcContSupp": site.eas.svc_cont_supp,
            "svcKpi": {"maxReqRate": 1000, "maxRespTime": 20, "avail": 99},
        });
        if let Some(bundle) = &scenario.bundle {
            profile["easBdlInfos"] = json!([bundle.on_the_wire(scenario)]);
        }
        if let Some(provider) = provider {
            profile["provId"] = json!(provider);
        }
        let registration = ees
            .register(&serde_json::from_value(
                json!({"easProf": profile, "expTime": scenario.expires_at()}),
            )?)
            .await?;
        let orders = ees
            .subscribe(&serde_json::from_value(json!({
                "easId": site.eas.eas_id, "eventSubscs": [{"event": "ACT_START_STOP"}],
                "notificationDestination": format!("{}/notifications", control.root),
            }))?)
            .await?;
        if scenario.acr == AcrScenario::EelManagedAcr {
            let wanted = json!({"easId": site.eas.eas_id, "notificationUri": format!("{}/managed", control.root)});
            ees.subscribe_ended(&serde_json::from_value(wanted)?).await?;
        }
        Ok(Self {
            root,
            instance: site.eas.instance.clone(),
            played,
            _served: served,
            control: Mutex::new(Some(control)),
            house,
            enrolled: Some(Enrolled {
                ees,
                registration,
                subscriptions: vec![orders],
            }),
            declared: watch::channel(Vec::new()).1,
        })
    }

    /// From now on it takes no application context.
    pub fn is_full(&self) {
        self.played.full.store(true, Ordering::SeqCst);
    }

    /// From now on its EES does not reach it.
    pub fn is_deaf(&self) {
        self.control.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// What passed between it and its EES that belongs to no relocation, as a relocation sees it in which it has this part.
    pub fn preparation(&self, part: Part) -> Vec<Message> {
        let (_, messages) = self.house.finish();
        let seen_as = |of| if of == Part::SEas { part } else { ees_of(part) };
        messages
            .into_iter()
            .map(|message| Message {
                from: seen_as(message.from),
                to: seen_as(message.to),
                ..message
            })
            .collect()
    }

    /// Takes its subscriptions and registration back.
    ///
    /// # Errors
    /// When its EES refuses.
    pub async fn stop(&self) -> Result<(), Failed> {
        let mut left = self.played.leave_all().await;
        let Some(enrolled) = &self.enrolled else { return left };
        for subscription in &enrolled.subscriptions {
            left = left.and(enrolled.ees.unsubscribe(subscription).await);
        }
        left.and(enrolled.ees.deregister(&enrolled.registration).await)
    }
}
