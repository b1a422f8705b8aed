//! Where an EEC hears of its relocations.

use super::served::Served;
use crate::{
    milestone::Milestone,
    pki::{Files, Pki},
    record::{Message, Part, Recorder, Seen},
    witness::{Notified, Witness},
};
use axum::{Router, extract::State, routing::post};
use edgeapp_core::{authorizer::ReferencePoint, room::fresh_id};
use edgeapp_http::{
    reply::NoContent,
    request::{Body, Permit},
};
use edgeapp_openapi::{
    acr_events::{AcrEventIds, AcrInfoNotification},
    ids::EesId,
};
use std::{io, sync::Arc};

edgeapp_core::operation!(Notify = "eec:notify@ees");

struct Ear {
    source: EesId,
    recorder: Arc<Recorder>,
    witness: Arc<Witness>,
}

/// The EEC's listener, at an address that only who was told it knows: an EES that was not asked to notify has nowhere to send to.
pub struct Callbacks {
    served: Served,
    secret: String,
}

impl Callbacks {
    /// Listens for notifications of EESs; `source` is the one of the site that is left.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start(
        files: &Files,
        pki: &Pki,
        source: &EesId,
        recorder: &Arc<Recorder>,
        witness: &Arc<Witness>,
    ) -> io::Result<Self> {
        let ear = Arc::new(Ear {
            source: source.clone(),
            recorder: recorder.clone(),
            witness: witness.clone(),
        });
        let secret = fresh_id();
        let path = format!("/acr-events/{secret}");
        let router = |_: &str| Router::new().route(&path, post(notified)).with_state(ear);
        let served = Served::on_loopback(files, pki, &[ReferencePoint::Edge9], router).await?;
        Ok(Self { served, secret })
    }

    /// The address for subscriptions.
    pub fn destination(&self) -> String {
        format!("{}/acr-events/{}", self.served.root, self.secret)
    }
}

async fn notified(
    State(ear): State<Arc<Ear>>,
    permit: Permit<Notify>,
    Body(notification): Body<AcrInfoNotification>,
) -> NoContent {
    let at = ear.recorder.now();
    let from = if permit.principal().is_ees(&ear.source) {
        Part::SEes
    } else {
        Part::TEes
    };
    ear.recorder.message(Message {
        at,
        took: ear.recorder.now().saturating_sub(at),
        from,
        to: Part::Ue,
        point: "EDGE-1",
        operation: format!("Notification: {}", notification.event_id),
        method: "POST".to_owned(),
        path: "/acr-events".to_owned(),
        status: Some(204),
        error: None,
        seen: Seen::AtAnEnd,
    });
    match notification.event_id {
        AcrEventIds::TargetInformation => ear.recorder.reach_at(Milestone::TargetNotified, at),
        AcrEventIds::AcrComplete => ear.recorder.reach_at(Milestone::AcrComplete, at),
        AcrEventIds::Other(_) => {}
    }
    ear.witness
        .see(|sights| sights.notified.push(Notified { at, from, notification }));
    NoContent
}
