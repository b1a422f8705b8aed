//! Neasdf_DNSContext over N88 (TS 29.556 clause 6.1): an SMF says what becomes of the DNS messages of a UE.

use axum::extract::State;
use edgeapp_core::operation;
use edgeapp_ees_domain::easdf::contexts::DnsContexts;
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::{Created, FoundOrNone, NoContent},
    request::{Body, JsonPatch, PathId, Permit, ResourceUri},
};
use edgeapp_openapi::{
    easdf::{
        context::{DnsContextCreateData, DnsContextCreatedData, DnsContextNotification},
        patch::{PatchItem, PatchResult},
    },
    ids::SubscriptionId,
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation!(
    CreateDnsContext = "neasdf-dnscontext:create",
    ReplaceDnsContext = "neasdf-dnscontext:replace",
    UpdateDnsContext = "neasdf-dnscontext:modify",
    DeleteDnsContext = "neasdf-dnscontext:delete",
);

type Contexts = State<Arc<dyn DnsContexts>>;

/// The API over these contexts.
pub fn api(contexts: Arc<dyn DnsContexts>) -> Api {
    let routes = OpenApiRouter::new()
        .routes(routes!(create_dns_context))
        .routes(routes!(replace_dns_context, update_dns_context, delete_dns_context))
        .with_state(contexts);
    Api::new(
        "neasdf-dnscontext",
        "Neasdf_DNSContext",
        "What becomes of the DNS messages of a UE, for Session Management Functions (TS 29.556 clause 6.1).",
        routes,
    )
    .published_in(super::PUBLISHED)
    .callback::<DnsContextNotification>(
        "CreateDnsContext",
        "dnsContextNotification",
        "{$request.body#/notifyUri}",
    )
}

/// Says what becomes of the DNS messages of a UE.
#[utoipa::path(post, path = "/dns-contexts", operation_id = "CreateDnsContext", request_body = DnsContextCreateData,
    responses(
        (status = 201, description = "The rules are at work.", body = DnsContextCreatedData,
            headers(("Location" = String, description = "Absolute URI of the context."))),
        CommonProblems))]
async fn create_dns_context(
    State(contexts): Contexts,
    permit: Permit<CreateDnsContext>,
    here: ResourceUri,
    Body(request): Body<DnsContextCreateData>,
) -> Result<Created<DnsContextCreatedData>, Problem> {
    let (id, made) = contexts.create(permit.principal(), request).await?;
    Ok(Created::at(here.child(id), made))
}

/// Says anew, and wholly, what becomes of the DNS messages of a UE.
#[utoipa::path(put, path = "/dns-contexts/{dnsContextId}", operation_id = "ReplaceDnsContext",
    request_body = DnsContextCreateData,
    params(("dnsContextId" = String, Path, description = "Id of the context.")),
    responses((status = 204, description = "The rules are at work."), CommonProblems))]
async fn replace_dns_context(
    State(contexts): Contexts,
    permit: Permit<ReplaceDnsContext>,
    PathId(id): PathId<SubscriptionId>,
    Body(request): Body<DnsContextCreateData>,
) -> Result<NoContent, Problem> {
    contexts.replace(permit.principal(), id.as_str(), request).await?;
    Ok(NoContent)
}

/// Changes parts of a context, or decides about a message that is held.
#[utoipa::path(patch, path = "/dns-contexts/{dnsContextId}", operation_id = "UpdateDnsContext",
    request_body(content = Vec<PatchItem>, content_type = "application/json-patch+json"),
    params(("dnsContextId" = String, Path, description = "Id of the context.")),
    responses(
        (status = 200, description = "Part of it could not be changed; the rest is at work.", body = PatchResult),
        (status = 204, description = "The rules are at work."),
        CommonProblems))]
async fn update_dns_context(
    State(contexts): Contexts,
    permit: Permit<UpdateDnsContext>,
    PathId(id): PathId<SubscriptionId>,
    JsonPatch(patch): JsonPatch,
) -> Result<FoundOrNone<PatchResult>, Problem> {
    Ok(FoundOrNone(
        contexts.modify(permit.principal(), id.as_str(), &patch).await?,
    ))
}

/// Ends a context; messages of it that are held fail.
#[utoipa::path(delete, path = "/dns-contexts/{dnsContextId}", operation_id = "DeleteDnsContext",
    params(("dnsContextId" = String, Path, description = "Id of the context.")),
    responses((status = 204, description = "Ended."), CommonProblems))]
async fn delete_dns_context(
    State(contexts): Contexts,
    permit: Permit<DeleteDnsContext>,
    PathId(id): PathId<SubscriptionId>,
) -> Result<NoContent, Problem> {
    contexts.remove(permit.principal(), id.as_str()).await?;
    Ok(NoContent)
}
