//! Neasdf_BaselineDNSPattern over N88 (TS 29.556 clause 6.2): an SMF keeps patterns that the contexts of many UEs refer to.
//!
//! What an SMF makes up behind its name may be one part of the path or several; the document has one parameter for it.

use axum::{
    extract::{FromRequestParts, RawPathParams, State},
    http::{StatusCode, request::Parts},
    routing::put,
};
use edgeapp_core::{error::Cause, operation};
use edgeapp_ees_domain::easdf::patterns::{BaselinePatterns, PatternName};
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::{Created, CreatedOrNoContent, FoundOrNone, NoContent},
    request::{Body, JsonPatch, Permit, ResourceUri},
};
use edgeapp_openapi::easdf::{
    patch::{PatchItem, PatchResult},
    pattern::{BaseDnsPatternCreateData, BaseDnsPatternCreatedData, VarNfId},
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation!(
    PutBaseDnsPattern = "neasdf-baselinednspattern:put",
    UpdateBaseDnsPattern = "neasdf-baselinednspattern:modify",
    DeleteBaseDnsPattern = "neasdf-baselinednspattern:delete",
);

type Kept = State<Arc<dyn BaselinePatterns>>;

/// How many parts of a path an SMF may make up.
const PARTS: usize = 8;

/// The API over these patterns.
pub fn api(patterns: Arc<dyn BaselinePatterns>) -> Api {
    let mut routes = OpenApiRouter::new().routes(routes!(
        put_base_dns_pattern,
        update_base_dns_pattern,
        delete_base_dns_pattern
    ));
    let mut path = "/base-dns-patterns/{smfId}/{smfImplementationSegmentPaths}".to_owned();
    for part in 2..=PARTS {
        path = format!("{path}/{{part{part}}}");
        let methods = put(put_base_dns_pattern)
            .patch(update_base_dns_pattern)
            .delete(delete_base_dns_pattern);
        routes = routes.route(&path, methods);
    }
    Api::new(
        "neasdf-baselinednspattern",
        "Neasdf_BaselineDNSPattern",
        "Patterns that the DNS contexts of many UEs refer to, for Session Management Functions (TS 29.556 clause 6.2).",
        routes.with_state(patterns),
    )
    .published_in(super::PUBLISHED)
    .schema::<VarNfId>()
}

/// The name of a pattern, as it stands in the path.
struct Named(PatternName);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let nothing = || {
            Problem::new(
                StatusCode::NOT_FOUND,
                Cause::ResourceUriStructureNotFound,
                "the path names no resource: write base-dns-patterns/smfInstanceId=<UUID>/<path>, or with smfSetId= or setId=",
            )
        };
        let path = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| nothing())?;
        let mut path = path.iter().map(|(_, part)| part);
        let smf = path
            .next()
            .and_then(|smf| smf.parse::<VarNfId>().ok())
            .ok_or_else(nothing)?;
        let rest: Vec<&str> = path.collect();
        let good = |part: &&str| {
            let plain = |byte: u8| byte.is_ascii_graphic() && !b"/\\%".contains(&byte);
            !part.is_empty() && part.len() <= 128 && !part.contains("..") && part.bytes().all(plain)
        };
        if rest.is_empty() || !rest.iter().all(good) {
            return Err(nothing());
        }
        let path = rest.join("/");
        Ok(Self(PatternName { smf, path }))
    }
}

/// Keeps a pattern, in place of the one that is there.
#[utoipa::path(put, path = "/base-dns-patterns/{smfId}/{smfImplementationSegmentPaths}",
    operation_id = "CreateOrReplaceBaseDnsPattern", request_body = BaseDnsPatternCreateData,
    params(
        ("smfId" = VarNfId, Path, style = Simple, explode, description = "The SMF, or the set of SMFs, whose it is."),
        ("smfImplementationSegmentPaths" = String, Path, description = "What the SMF makes up, one part of a path or several.")),
    responses(
        (status = 201, description = "It is new.", body = BaseDnsPatternCreatedData,
            headers(("Location" = String, description = "Absolute URI of the pattern."))),
        (status = 204, description = "It has taken the place of the one that was there."),
        CommonProblems))]
async fn put_base_dns_pattern(
    State(patterns): Kept,
    permit: Permit<PutBaseDnsPattern>,
    here: ResourceUri,
    Named(name): Named,
    Body(request): Body<BaseDnsPatternCreateData>,
) -> Result<CreatedOrNoContent<BaseDnsPatternCreatedData>, Problem> {
    let made = patterns.put(permit.principal(), &name, request).await?;
    Ok(CreatedOrNoContent(
        made.map(|made| Created::at(here.as_str().to_owned(), made)),
    ))
}

/// Changes parts of a pattern.
#[utoipa::path(patch, path = "/base-dns-patterns/{smfId}/{smfImplementationSegmentPaths}",
    operation_id = "UpdateBaseDNSPattern",
    request_body(content = Vec<PatchItem>, content_type = "application/json-patch+json"),
    params(
        ("smfId" = VarNfId, Path, style = Simple, explode, description = "The SMF, or the set of SMFs, whose it is."),
        ("smfImplementationSegmentPaths" = String, Path, description = "What the SMF makes up, one part of a path or several.")),
    responses(
        (status = 200, description = "Part of it could not be changed; the rest was.", body = PatchResult),
        (status = 204, description = "Changed."),
        CommonProblems))]
async fn update_base_dns_pattern(
    State(patterns): Kept,
    permit: Permit<UpdateBaseDnsPattern>,
    Named(name): Named,
    JsonPatch(patch): JsonPatch,
) -> Result<FoundOrNone<PatchResult>, Problem> {
    Ok(FoundOrNone(patterns.modify(permit.principal(), &name, &patch).await?))
}

/// Removes a pattern; what refers to it does nothing from now on.
#[utoipa::path(delete, path = "/base-dns-patterns/{smfId}/{smfImplementationSegmentPaths}",
    operation_id = "DeleteBaseDnsPattern",
    params(
        ("smfId" = VarNfId, Path, style = Simple, explode, description = "The SMF, or the set of SMFs, whose it is."),
        ("smfImplementationSegmentPaths" = String, Path, description = "What the SMF makes up, one part of a path or several.")),
    responses((status = 204, description = "Removed."), CommonProblems))]
async fn delete_base_dns_pattern(
    State(patterns): Kept,
    permit: Permit<DeleteBaseDnsPattern>,
    Named(name): Named,
) -> Result<NoContent, Problem> {
    patterns.remove(permit.principal(), &name).await?;
    Ok(NoContent)
}
