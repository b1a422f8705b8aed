//! Eees_EECContextRelocation over EDGE-9 (TS 29.558 clause 8.7): an EES hands the context of an EEC to another.

use axum::extract::State;
use edgeapp_core::{error::Error, operation};
use edgeapp_ees_domain::context::EecContexts;
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::{Found, FoundOrNone},
    request::{Body, Permit, QueryPairs},
};
use edgeapp_openapi::eec_context_relocation::{
    EecContext, EecContextPush, EecContextPushRes, EecContextsQuery, SessionContexts,
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation!(
    PullEecContext = "eees-eeccontextreloc:pull",
    PushEecContext = "eees-eeccontextreloc:push",
);

type Contexts = State<Arc<dyn EecContexts>>;

/// The API over these contexts.
pub fn api(contexts: Arc<dyn EecContexts>) -> Api {
    let routes = OpenApiRouter::new()
        .routes(routes!(push_eec_context, pull_eec_context))
        .with_state(contexts);
    Api::new(
        "eees-eeccontextreloc",
        "Eees_EECContextRelocation",
        "Relocation of EEC contexts between Edge Enabler Servers, by pull and by push (TS 29.558 clause 8.7).",
        routes,
    )
}

/// Takes over a context that another EES brings.
#[utoipa::path(post, path = "/eec-contexts", operation_id = "PushEecContexts", request_body = EecContextPush,
    responses(
        (status = 200, description = "Taken over; what came of it.", body = EecContextPushRes),
        (status = 204, description = "Taken over."),
        CommonProblems))]
async fn push_eec_context(
    State(contexts): Contexts,
    permit: Permit<PushEecContext>,
    Body(push): Body<EecContextPush>,
) -> Result<FoundOrNone<EecContextPushRes>, Problem> {
    Ok(FoundOrNone(contexts.push(permit.principal(), push).await?))
}

/// Hands over a context that another EES asks for.
#[utoipa::path(get, path = "/eec-contexts", operation_id = "PullEecContexts",
    params(
        ("ees-id" = String, Query, description = "EESID of the EES that asks."),
        ("eec-cntx-id" = String, Query, description = "Id of the context."),
        ("sess-cntxs" = Option<SessionContexts>, Query, description = "The sessions wanted, as JSON text; all when absent.")),
    responses((status = 200, description = "The context.", body = EecContext), CommonProblems))]
async fn pull_eec_context(
    State(contexts): Contexts,
    permit: Permit<PullEecContext>,
    QueryPairs(query): QueryPairs,
) -> Result<Found<EecContext>, Problem> {
    let query = EecContextsQuery::from_pairs(query).map_err(Error::from)?;
    Ok(Found(contexts.pull(permit.principal(), query).await?))
}
