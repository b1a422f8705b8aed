//! CAPIF_Publish_Service_API (TS 29.222 clause 8.2).

use crate::proof;
use axum::extract::State;
use edgeapp_capif::core_function::CoreFunction;
use edgeapp_core::{collection::Change, operation};
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::{Created, Found, NoContent},
    request::{Body, MergePatch, PathId, PathIds, Permit, ResourceUri},
};
use edgeapp_openapi::capif::{
    FunctionId, ServiceApiId,
    publish_service::{ServiceApiDescription, ServiceApiDescriptionPatch},
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation! {
    PublishApi = "published-apis:publish",
    ListApis = "published-apis:list",
    ReadApi = "published-apis:read",
    ReplaceApi = "published-apis:replace",
    ModifyApi = "published-apis:modify",
    WithdrawApi = "published-apis:withdraw",
}

type Core = State<Arc<CoreFunction>>;

/// The API of this core function.
pub fn api(core: Arc<CoreFunction>) -> Api {
    let routes = OpenApiRouter::new()
        .routes(routes!(publish_api, list_apis))
        .routes(routes!(read_api, replace_api, modify_api, withdraw_api))
        .with_state(core);
    let api = Api::new(
        "published-apis",
        "CAPIF_Publish_Service_API",
        "An API provider describes its service APIs (TS 29.222 clause 8.2).",
        routes,
    );
    let clearable = [
        "apiStatus",
        "description",
        "shareableInfo",
        "serviceAPICategory",
        "apiSuppFeats",
        "pubApiPath",
        "ccfId",
    ];
    clearable
        .into_iter()
        .fold(api, |api, member| api.clearable("ServiceAPIDescriptionPatch", member))
}

/// Publishes an API.
#[utoipa::path(post, path = "/{apfId}/service-apis", operation_id = "PublishServiceAPI",
    params(("apfId" = String, Path, description = "The publishing function.")),
    request_body = ServiceApiDescription,
    responses(
        (status = 201, description = "The API is published.", body = ServiceApiDescription,
            headers(("Location" = String, description = "The URI of the published API."))),
        CommonProblems))]
async fn publish_api(
    State(core): Core,
    permit: Permit<PublishApi>,
    PathId(apf_id): PathId<FunctionId>,
    here: ResourceUri,
    Body(request): Body<ServiceApiDescription>,
) -> Result<Created<ServiceApiDescription>, Problem> {
    let (id, description) = core.publish(&proof(&permit), &apf_id, request).await?;
    Ok(Created::at(here.child(id), description))
}

/// All APIs that a function published.
#[utoipa::path(get, path = "/{apfId}/service-apis", operation_id = "ListPublishedAPIs",
    params(("apfId" = String, Path, description = "The publishing function.")),
    responses((status = 200, description = "The APIs.", body = Vec<ServiceApiDescription>), CommonProblems))]
async fn list_apis(
    State(core): Core,
    permit: Permit<ListApis>,
    PathId(apf_id): PathId<FunctionId>,
) -> Result<Found<Vec<ServiceApiDescription>>, Problem> {
    Ok(Found(core.published(&proof(&permit), &apf_id).await?))
}

/// One published API.
#[utoipa::path(get, path = "/{apfId}/service-apis/{serviceApiId}", operation_id = "ReadPublishedAPI",
    params(("apfId" = String, Path, description = "The publishing function."),
        ("serviceApiId" = String, Path, description = "The API.")),
    responses((status = 200, description = "The API.", body = ServiceApiDescription), CommonProblems))]
async fn read_api(
    State(core): Core,
    permit: Permit<ReadApi>,
    PathIds(apf_id, id): PathIds<FunctionId, ServiceApiId>,
) -> Result<Found<ServiceApiDescription>, Problem> {
    Ok(Found(core.published_api(&proof(&permit), &apf_id, &id).await?))
}

/// Replaces the description of an API.
#[utoipa::path(put, path = "/{apfId}/service-apis/{serviceApiId}", operation_id = "ReplacePublishedAPI",
    params(("apfId" = String, Path, description = "The publishing function."),
        ("serviceApiId" = String, Path, description = "The API.")),
    request_body = ServiceApiDescription,
    responses(
        (status = 200, description = "The API as it is now.", body = ServiceApiDescription),
        (status = 204, description = "Replaced as asked for; this server answers 200."),
        CommonProblems))]
async fn replace_api(
    State(core): Core,
    permit: Permit<ReplaceApi>,
    PathIds(apf_id, id): PathIds<FunctionId, ServiceApiId>,
    Body(request): Body<ServiceApiDescription>,
) -> Result<Found<ServiceApiDescription>, Problem> {
    let changed = core
        .change_api(&proof(&permit), &apf_id, &id, &Change::Replace(request))
        .await?;
    Ok(Found(changed.value))
}

/// Changes parts of the description of an API.
#[utoipa::path(patch, path = "/{apfId}/service-apis/{serviceApiId}", operation_id = "ModifyIndAPFPubAPI",
    params(("apfId" = String, Path, description = "The publishing function."),
        ("serviceApiId" = String, Path, description = "The API.")),
    request_body(content = ServiceApiDescriptionPatch, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, description = "The API as it is now.", body = ServiceApiDescription),
        (status = 204, description = "Changed as asked for; this server answers 200."),
        CommonProblems))]
async fn modify_api(
    State(core): Core,
    permit: Permit<ModifyApi>,
    PathIds(apf_id, id): PathIds<FunctionId, ServiceApiId>,
    MergePatch(patch): MergePatch,
) -> Result<Found<ServiceApiDescription>, Problem> {
    let changed = core
        .change_api(&proof(&permit), &apf_id, &id, &Change::Patch(patch))
        .await?;
    Ok(Found(changed.value))
}

/// Withdraws an API.
#[utoipa::path(delete, path = "/{apfId}/service-apis/{serviceApiId}", operation_id = "WithdrawPublishedAPI",
    params(("apfId" = String, Path, description = "The publishing function."),
        ("serviceApiId" = String, Path, description = "The API.")),
    responses((status = 204, description = "The API is not published any more."), CommonProblems))]
async fn withdraw_api(
    State(core): Core,
    permit: Permit<WithdrawApi>,
    PathIds(apf_id, id): PathIds<FunctionId, ServiceApiId>,
) -> Result<NoContent, Problem> {
    core.withdraw(&proof(&permit), &apf_id, &id).await?;
    Ok(NoContent)
}
