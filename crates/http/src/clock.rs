//! `/clock` on the operator's port: whether the clock is to be believed, and who vouches for it.

use crate::{
    problem::Problem,
    request::{Peer, Permit},
};
use axum::{Extension, Json, Router, extract::State, routing::get};
use edgeapp_core::{
    clock::trust::Trust,
    evidence::{SecurityEvent, SecurityEventKind},
    operation,
};
use jiff::Timestamp;
use serde::Serialize;
use std::sync::Arc;

operation! {
    ConfirmClock = "clock:confirm",
}

/// What the server thinks of its clock.
#[derive(Debug, Serialize)]
struct Told {
    /// The wall clock, as it is.
    now: Timestamp,
    /// Whether what rests on dates is done.
    trusted: bool,
    /// The time that it ought to be at least, where the clock is behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    ought: Option<Timestamp>,
}

impl Told {
    fn of(trust: &Trust) -> Self {
        Self {
            now: Timestamp::now(),
            trusted: trust.is_good(),
            ought: trust.ought(),
        }
    }
}

/// `GET` tells, `POST` has an operator vouch for the clock as it is.
pub fn router(trust: Arc<Trust>) -> Router {
    Router::new().route("/clock", get(tell).post(confirm)).with_state(trust)
}

async fn tell(State(trust): State<Arc<Trust>>) -> Json<Told> {
    Json(Told::of(&trust))
}

async fn confirm(
    State(trust): State<Arc<Trust>>,
    permit: Permit<ConfirmClock>,
    Extension(peer): Extension<Arc<Peer>>,
) -> Result<Json<Told>, Problem> {
    let operator = permit.principal();
    let before = match trust.ought() {
        Some(ought) => format!("the clock is taken for right, although it was {ought} before"),
        None => "the clock is taken for right".to_owned(),
    };
    let mut event = SecurityEvent::new(SecurityEventKind::AdminAction, before)
        .by(operator.owner())
        .about("wall clock");
    event.from = peer.from;
    peer.evidence.record(event);
    trust.confirm().await?;
    Ok(Json(Told::of(&trust)))
}
