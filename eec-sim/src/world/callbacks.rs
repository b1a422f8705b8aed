//! Where an EEC hears of its relocations.

use super::{
    served::Served,
    tracks::{Track, Tracks},
};
use crate::{
    call::segment,
    milestone::Milestone,
    pki::{Files, Pki},
    record::{Message, Part, Seen},
    witness::Notified,
};
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::post,
};
use edgeapp_core::{authorizer::ReferencePoint, error::Error, room::fresh_id};
use edgeapp_http::{
    problem::Problem,
    reply::NoContent,
    request::{Body, PathId, Permit},
};
use edgeapp_openapi::acr_events::{AcrEventIds, AcrInfoNotification};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

edgeapp_core::operation!(Notify = "eec:notify@ees");

struct Ear {
    /// Whose listener it is; nobody's own where the address names the UE.
    ue: String,
    tracks: Arc<Tracks>,
    /// How many notifications are not taken.
    lost: Arc<AtomicU32>,
}

/// The EEC's listener, at an address that only who was told it knows: an EES that was not asked to notify has nowhere to send to.
pub struct Callbacks {
    served: Served,
    secret: String,
    lost: Arc<AtomicU32>,
}

impl Callbacks {
    /// Listens for notifications of EESs about this UE.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start(files: &Files, pki: &Pki, ue: &str, tracks: &Arc<Tracks>) -> io::Result<Self> {
        let lost = Arc::<AtomicU32>::default();
        let ear = Arc::new(Ear {
            ue: ue.to_owned(),
            tracks: tracks.clone(),
            lost: lost.clone(),
        });
        let secret = fresh_id();
        let path = format!("/acr-events/{secret}");
        let router = |_: &str| Router::new().route(&path, post(notified)).with_state(ear);
        let served = Served::on_loopback(files, pki, &[ReferencePoint::Edge9], router).await?;
        Ok(Self { served, secret, lost })
    }

    /// One listener for UEs in great number, as a relay of notifications is: the address tells them apart.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn for_many(files: &Files, pki: &Pki, tracks: &Arc<Tracks>) -> io::Result<Self> {
        let lost = Arc::<AtomicU32>::default();
        let ear = Arc::new(Ear {
            ue: String::new(),
            tracks: tracks.clone(),
            lost: lost.clone(),
        });
        let secret = fresh_id();
        let path = format!("/acr-events/{secret}/{{ue}}");
        let router = |_: &str| Router::new().route(&path, post(notified_of)).with_state(ear);
        let served = Served::on_loopback(files, pki, &[ReferencePoint::Edge9], router).await?;
        Ok(Self { served, secret, lost })
    }

    /// The address for subscriptions of this UE, at a listener for many.
    pub fn destination_of(&self, ue: &str) -> String {
        format!("{}/{}", self.destination(), segment(ue))
    }

    /// The address for subscriptions.
    pub fn destination(&self) -> String {
        format!("{}/acr-events/{}", self.served.root, self.secret)
    }

    /// The next notifications, so many, are not taken.
    pub fn lose(&self, count: u32) {
        self.lost.store(count, Ordering::SeqCst);
    }
}

fn written_down(track: &Track, from: Part, notification: &AcrInfoNotification, taken: bool) -> std::time::Duration {
    let at = track.recorder.now();
    track.recorder.message(Message {
        at,
        took: track.recorder.now().saturating_sub(at),
        from,
        to: Part::Ue,
        point: "EDGE-1",
        operation: format!("Notification: {}", notification.event_id),
        method: "POST".to_owned(),
        path: "/acr-events".to_owned(),
        status: Some(if taken { 204 } else { 503 }),
        error: (!taken).then(|| "lost on purpose".to_owned()),
        seen: Seen::AtAnEnd,
    });
    at
}

async fn notified(
    State(ear): State<Arc<Ear>>,
    permit: Permit<Notify>,
    Body(notification): Body<AcrInfoNotification>,
) -> Response {
    hear(&ear, &ear.ue, &permit, notification)
}

async fn notified_of(
    State(ear): State<Arc<Ear>>,
    permit: Permit<Notify>,
    PathId(ue): PathId<String>,
    Body(notification): Body<AcrInfoNotification>,
) -> Response {
    hear(&ear, &ue, &permit, notification)
}

fn hear(ear: &Ear, ue: &str, permit: &Permit<Notify>, notification: AcrInfoNotification) -> Response {
    let lose = |left: u32| left.checked_sub(1);
    let taken = ear.lost.fetch_update(Ordering::SeqCst, Ordering::SeqCst, lose).is_err();
    if let Some(track) = ear.tracks.of(ue, notification.eas_id.as_str()) {
        let from = if permit.principal().id() == track.source_ees {
            Part::SEes
        } else {
            Part::TEes
        };
        let at = written_down(&track, from, &notification, taken);
        if taken {
            let successful = notification.acr_status.as_ref().is_none_or(|status| status.acr_res);
            match notification.event_id {
                AcrEventIds::TargetInformation => track.recorder.reach_at(Milestone::TargetNotified, at),
                AcrEventIds::AcrComplete if successful => track.recorder.reach_at(Milestone::AcrComplete, at),
                AcrEventIds::AcrComplete | AcrEventIds::Other(_) => {}
            }
            track.witness.see(|sights| {
                sights.notified.push(Notified { at, from, notification });
            });
        }
    }
    match taken {
        true => NoContent.into_response(),
        false => Problem::from(Error::unavailable("not now")).into_response(),
    }
}
