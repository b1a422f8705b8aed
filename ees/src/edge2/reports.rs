//! Reports of the core network. Each thing that lasts there has an address of its own here, which ends in a random token: a report is
//! matched by where it arrives, whatever its body says.

use axum::{Router, extract::State, routing::post};
use edgeapp_core::{network::Token, operation};
use edgeapp_ees_domain::core_links::CoreLinks;
use edgeapp_http::{
    problem::Problem,
    reply::NoContent,
    request::{JsonBytes, PathId, Permit},
};
use std::sync::Arc;

operation!(Report = "edge2:report");

/// The path before the token.
pub const PATH: &str = "/edge2/reports/";

/// The routes over these links.
pub fn router(links: Arc<CoreLinks>) -> Router {
    Router::new()
        .route("/edge2/reports/{token}", post(report))
        .with_state(links)
}

/// Takes in a report. 204 once it is committed with everything that follows from it; 404 for a token that belongs to nothing, which
/// tells the core that nobody listens there.
async fn report(
    State(links): State<Arc<CoreLinks>>,
    _permit: Permit<Report>,
    PathId(token): PathId<String>,
    JsonBytes(body): JsonBytes,
) -> Result<NoContent, Problem> {
    links.arrived(&Token::new(token), &body).await?;
    Ok(NoContent)
}
