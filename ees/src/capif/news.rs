//! What the core function tells of its own accord: that policies changed. The news itself is not looked at: it is a reason to ask at once.

use axum::{Router, extract::State, routing::post};
use edgeapp_capif_client::{CapifError, provider::Function};
use edgeapp_core::{error::Error, operation, room::fresh_id};
use edgeapp_http::{
    problem::Problem,
    reply::NoContent,
    request::{JsonBytes, PathId, Permit},
};
use edgeapp_openapi::{capif::events::CapifEvent, common::Uri};
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};
use tokio::sync::Notify;

operation!(TakeNews = "capif3:news");

/// The path before the token.
pub(crate) const PATH: &str = "/capif-news/";

/// What makes a difference to an exposing function.
const EVENTS: [CapifEvent; 2] = [
    CapifEvent::AccessControlPolicyUpdate,
    CapifEvent::AccessControlPolicyUnavailable,
];

/// Where news arrives, and who is told that some did.
#[derive(Clone)]
pub(crate) struct News {
    /// The end of the path: news is matched by where it arrives, whatever it says.
    token: Arc<str>,
    arrived: Arc<Notify>,
}

impl News {
    /// At this token.
    pub(crate) fn at(token: &str) -> Self {
        Self {
            token: token.into(),
            arrived: Arc::default(),
        }
    }

    /// Comes back once news arrived.
    pub(crate) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// The routes.
    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/capif-news/{token}", post(take))
            .with_state(self.clone())
    }
}

/// Takes news. 404 for a token that belongs to nothing.
async fn take(
    State(news): State<News>,
    _permit: Permit<TakeNews>,
    PathId(token): PathId<String>,
    JsonBytes(_): JsonBytes,
) -> Result<NoContent, Problem> {
    if token != *news.token {
        return Err(Error::not_found("subscription to events").into());
    }
    news.arrived.notify_one();
    Ok(NoContent)
}

/// A subscription to news, as it is kept. Its `Debug` shows no token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Subscribed {
    /// The end of the path at which news arrives.
    pub(crate) token: String,
    /// The URI of the subscription; none while there is no subscription.
    pub(crate) uri: Option<String>,
}

impl fmt::Debug for Subscribed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subscribed {{ uri: {:?}, .. }}", self.uri)
    }
}

impl Subscribed {
    /// None yet.
    pub(crate) fn fresh() -> Self {
        Self {
            token: fresh_id(),
            uri: None,
        }
    }

    /// Subscribes, or makes sure that the subscription is there, for an EES whose EDGE-3 has this `apiRoot`. `None` where the core function
    /// does not want to: then policies are asked for now and then.
    ///
    /// # Errors
    /// When the core function cannot be reached, or does not know the function.
    pub(crate) async fn renewed(&self, aef: &Function, root: &str) -> Result<Option<Self>, CapifError> {
        let destination = format!("{}{PATH}{}", root.trim_end_matches('/'), self.token);
        let Ok(destination) = destination.parse::<Uri>() else {
            return Ok(None);
        };
        let done = async {
            if let Some(uri) = &self.uri
                && aef.resubscribe(uri, &EVENTS, &destination).await?
            {
                return Ok(uri.clone());
            }
            aef.subscribe(&EVENTS, &destination).await
        };
        match done.await {
            Ok(uri) => Ok(Some(Self {
                uri: Some(uri),
                ..self.clone()
            })),
            Err(error) if error.is_unknown() || (error.is_passing() && error.status().is_none()) => Err(error),
            Err(error) => {
                tracing::info!(%error, "the core function tells no news; it is asked for policies now and then");
                Ok(None)
            }
        }
    }
}
