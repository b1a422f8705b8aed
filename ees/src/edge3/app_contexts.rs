//! Storage for application contexts on their way between EASs, for those that leave their relocation to this EES and name no place of
//! their own (TS 23.558 clause 8.8.3.6). It is no API of the standard: all that a client knows is an address that ends in a random
//! token, `PUT` and `GET`. Any media type will do.

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};
use edgeapp_core::{
    error::{Cause, Error, Kind},
    operation,
};
use edgeapp_ees_domain::app_contexts::{AppContexts, Stored};
use edgeapp_http::{
    problem::Problem,
    reply::NoContent,
    request::{PathId, Permit, read_at_most},
};
use std::sync::Arc;

operation!(PutAppContext = "app-contexts:put", TakeAppContext = "app-contexts:take",);

/// The path before the token.
pub const PATH: &str = "/app-contexts/";

type Contexts = State<Arc<dyn AppContexts>>;

/// The routes over these contexts.
pub fn router(contexts: Arc<dyn AppContexts>) -> Router {
    Router::new()
        .route("/app-contexts/{token}", get(take_app_context).put(put_app_context))
        .with_state(contexts)
}

/// Keeps an application context, instead of what was there.
async fn put_app_context(
    State(contexts): Contexts,
    permit: Permit<PutAppContext>,
    PathId(token): PathId<String>,
    request: Request,
) -> Result<NoContent, Problem> {
    let media = match request.headers().get(header::CONTENT_TYPE).map(HeaderValue::to_str) {
        None => None,
        Some(Ok(media)) => Some(media.to_owned()),
        Some(Err(_)) => {
            let reason = "Content-Type: is no media type";
            return Err(Error::new(Kind::Invalid, Cause::InvalidMsgFormat, reason).into());
        }
    };
    let bytes = read_at_most(request.into_body(), contexts.limit()).await?;
    contexts.put(permit.principal(), &token, media, bytes).await?;
    Ok(NoContent)
}

/// Hands an application context out.
async fn take_app_context(
    State(contexts): Contexts,
    permit: Permit<TakeAppContext>,
    PathId(token): PathId<String>,
) -> Result<Response, Problem> {
    let Stored { media, bytes } = contexts.take(permit.principal(), &token).await?;
    let media = HeaderValue::try_from(media).map_err(Error::internal)?;
    Ok(([(header::CONTENT_TYPE, media)], bytes).into_response())
}
