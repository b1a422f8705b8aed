//! CAPIF_API_Provider_Management_API (TS 29.222 clause 8.9).

use crate::proof;
use axum::extract::State;
use edgeapp_capif::core_function::CoreFunction;
use edgeapp_core::{collection::Change, operation};
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::{Created, Found, NoContent},
    request::{Body, MergePatch, PathId, Permit, Presented, ResourceUri},
};
use edgeapp_openapi::{
    capif::provider_management::{ApiProviderEnrolmentDetails, ApiProviderEnrolmentDetailsPatch},
    ids::RegistrationId,
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation! {
    RegisterProvider = "api-provider-management:register",
    UpdateProvider = "api-provider-management:update",
    ModifyProvider = "api-provider-management:modify",
    DeregisterProvider = "api-provider-management:deregister",
}

type Core = State<Arc<CoreFunction>>;

/// The API of this core function.
pub fn api(core: Arc<CoreFunction>) -> Api {
    let routes = OpenApiRouter::new()
        .routes(routes!(register_provider))
        .routes(routes!(update_provider, modify_provider, deregister_provider))
        .with_state(core);
    Api::new(
        "api-provider-management",
        "CAPIF_API_Provider_Management_API",
        "An API provider registers its functions, and each gets its certificate (TS 29.222 clause 8.9).",
        routes,
    )
    .clearable("APIProviderEnrolmentDetailsPatch", "apiProvDomInfo")
}

/// Registers a provider domain, with the credential in `regSec`; the caller needs no certificate.
#[utoipa::path(post, path = "/registrations", operation_id = "RegisterProviderDomain",
    request_body = ApiProviderEnrolmentDetails,
    responses(
        (status = 201, description = "The functions are registered; those that are not are named in failReason.",
            body = ApiProviderEnrolmentDetails,
            headers(("Location" = String, description = "The URI of the registration."))),
        CommonProblems))]
async fn register_provider(
    State(core): Core,
    _: Presented<RegisterProvider>,
    here: ResourceUri,
    Body(request): Body<ApiProviderEnrolmentDetails>,
) -> Result<Created<ApiProviderEnrolmentDetails>, Problem> {
    let (id, details) = core.register_domain(&request).await?;
    Ok(Created::at(here.child(id), details))
}

/// Replaces a registration: functions that are not listed any more are deregistered.
#[utoipa::path(put, path = "/registrations/{registrationId}", operation_id = "UpdateProviderDomain",
    params(("registrationId" = String, Path, description = "The registration.")),
    request_body = ApiProviderEnrolmentDetails,
    responses(
        (status = 200, description = "The registration as it is now.", body = ApiProviderEnrolmentDetails),
        (status = 204, description = "Replaced as asked for; this server answers 200."),
        CommonProblems))]
async fn update_provider(
    State(core): Core,
    permit: Permit<UpdateProvider>,
    PathId(id): PathId<RegistrationId>,
    Body(request): Body<ApiProviderEnrolmentDetails>,
) -> Result<Found<ApiProviderEnrolmentDetails>, Problem> {
    let change = Change::Replace(request);
    Ok(Found(core.change_domain(&proof(&permit), id.as_str(), &change).await?))
}

/// Changes parts of a registration.
#[utoipa::path(patch, path = "/registrations/{registrationId}", operation_id = "ModifyIndApiProviderEnrolment",
    params(("registrationId" = String, Path, description = "The registration.")),
    request_body(content = ApiProviderEnrolmentDetailsPatch, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, description = "The registration as it is now.", body = ApiProviderEnrolmentDetails),
        (status = 204, description = "Changed as asked for; this server answers 200."),
        CommonProblems))]
async fn modify_provider(
    State(core): Core,
    permit: Permit<ModifyProvider>,
    PathId(id): PathId<RegistrationId>,
    MergePatch(patch): MergePatch,
) -> Result<Found<ApiProviderEnrolmentDetails>, Problem> {
    let change = Change::Patch(patch);
    Ok(Found(core.change_domain(&proof(&permit), id.as_str(), &change).await?))
}

/// Deregisters a provider domain with its functions and their APIs.
#[utoipa::path(delete, path = "/registrations/{registrationId}", operation_id = "DeregisterProviderDomain",
    params(("registrationId" = String, Path, description = "The registration.")),
    responses((status = 204, description = "The domain is not registered any more."), CommonProblems))]
async fn deregister_provider(
    State(core): Core,
    permit: Permit<DeregisterProvider>,
    PathId(id): PathId<RegistrationId>,
) -> Result<NoContent, Problem> {
    core.deregister_domain(&proof(&permit), id.as_str()).await?;
    Ok(NoContent)
}
