//! An application server: it keeps one context per UE, answers numbered requests, and hands contexts over.
//!
//! A hand-over copies the context and from then on carries every change over before it is answered, until the client leaves: the
//! application goes on at either server without a break. The client's first request makes the new copy the one that counts.

mod application;
mod session;

pub use application::{Answered, Application, Destination, Numbered};

use super::served::Served;
use crate::{
    call::{Caller, Failed, PATIENCE, client},
    edge3,
    pki::Pki,
    record::{Part, Recorder},
    scenario::{Scenario, Site},
    witness::Witness,
};
use edgeapp_core::{authorizer::ReferencePoint, principal::Role};
use edgeapp_http::tls::TlsError;
use serde_json::json;
use session::Played;
use std::{
    io,
    sync::{Arc, Mutex},
};

/// Application clients come with their UE's certificate, other servers with theirs, and EESs to notify.
const CALLERS: [ReferencePoint; 3] = [ReferencePoint::Edge1, ReferencePoint::Edge3, ReferencePoint::Edge9];

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
    /// Its URL.
    pub root: String,
    served: Served,
    ees: edge3::Ees,
    registration: String,
    subscription: String,
    locations: Option<String>,
}

impl Eas {
    /// Starts it, registers it at its EES and subscribes to what it has to know.
    ///
    /// # Errors
    /// When one of this fails.
    pub async fn start(
        (part, its_ees): (Part, Part),
        scenario: &Scenario,
        site: Site<'_>,
        (pki, edge3_root): (&Pki, &str),
        (recorder, witness): (&Arc<Recorder>, &Arc<Witness>),
        reports: bool,
    ) -> Result<Self, NoEas> {
        let files = pki.files(&site.eas.certificate);
        let identity = files.identity()?;
        let provider = identity.principal()?.provider().cloned();
        let to_ees = client(&identity, &pki.trust(Role::Ees)?, PATIENCE)?;
        let ees = edge3::Ees(Caller::new(to_ees, recorder, (part, its_ees), "EDGE-3", edge3_root));
        let others = client(&identity, &pki.trust(Role::Eas)?, PATIENCE)?;
        let router = |root: &str| {
            Played {
                part,
                instance: site.eas.instance.clone(),
                eas_id: site.eas.eas_id.clone(),
                root: root.to_owned(),
                reports,
                recorder: recorder.clone(),
                witness: witness.clone(),
                others,
                ees: ees.clone(),
                sessions: Mutex::default(),
            }
            .routes()
        };
        let served = Served::on_loopback(&files, pki, &CALLERS, router).await?;
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
        let mut profile = json!({
            "easId": site.eas.eas_id, "endPt": {"uri": root}, "acIds": [scenario.ac.ac_id],
            "svcArea": {"topServAr": {"tais": tais}}, "appLocs": places, "svcContSupp": site.eas.svc_cont_supp,
            "svcKpi": {"maxReqRate": 1000, "maxRespTime": 20, "avail": 99},
        });
        if let Some(provider) = provider {
            profile["provId"] = json!(provider);
        }
        let registration = ees
            .register(&serde_json::from_value(
                json!({"easProf": profile, "expTime": scenario.expires_at()}),
            )?)
            .await?;
        let subscription = ees
            .subscribe(&serde_json::from_value(json!({
                "easId": site.eas.eas_id, "eventSubscs": [{"event": "ACT_START_STOP"}],
                "notificationDestination": format!("{root}/notifications"),
            }))?)
            .await?;
        let locations = if part == Part::SEas && scenario.core.is_some() {
            let wanted = json!({
                "easId": site.eas.eas_id, "ueId": scenario.ue.gpsi, "locGran": "CGI_ECGI", "eventReq": {"immRep": true},
                "notificationDestination": format!("{root}/locations"), "expTime": scenario.expires_at(),
            });
            Some(ees.subscribe_location(&serde_json::from_value(wanted)?).await?)
        } else {
            None
        };
        Ok(Self {
            root,
            served,
            ees,
            registration,
            subscription,
            locations,
        })
    }

    /// Takes its subscriptions and registration back.
    ///
    /// # Errors
    /// When its EES refuses.
    pub async fn stop(self) -> Result<(), Failed> {
        if let Some(locations) = &self.locations {
            self.ees.unsubscribe_location(locations).await?;
        }
        self.ees.unsubscribe(&self.subscription).await?;
        self.ees.deregister(&self.registration).await?;
        drop(self.served);
        Ok(())
    }
}
