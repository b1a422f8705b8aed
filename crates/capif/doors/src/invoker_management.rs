//! CAPIF_API_Invoker_Management_API (TS 29.222 clause 8.4).

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
use edgeapp_openapi::capif::{
    ApiInvokerId,
    invoker_management::{ApiInvokerEnrolmentDetails, ApiInvokerEnrolmentDetailsPatch, OnboardingNotification},
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation! {
    OnboardInvoker = "api-invoker-management:onboard",
    UpdateInvoker = "api-invoker-management:update",
    ModifyInvoker = "api-invoker-management:modify",
    OffboardInvoker = "api-invoker-management:offboard",
}

type Core = State<Arc<CoreFunction>>;

const DESTINATION: &str = "{$request.body#/notificationDestination}";

/// The API of this core function.
pub fn api(core: Arc<CoreFunction>) -> Api {
    let routes = OpenApiRouter::new()
        .routes(routes!(onboard_invoker))
        .routes(routes!(update_invoker, modify_invoker, offboard_invoker))
        .with_state(core);
    Api::new(
        "api-invoker-management",
        "CAPIF_API_Invoker_Management_API",
        "An API invoker is onboarded, gets its certificate, and leaves (TS 29.222 clause 8.4).",
        routes,
    )
    .callback::<OnboardingNotification>("OnboardAPIInvoker", "notificationDestination", DESTINATION)
    .callback::<OnboardingNotification>("UpdateAPIInvoker", "notificationDestination", DESTINATION)
    .clearable("APIInvokerEnrolmentDetailsPatch", "apiList")
    .clearable("APIInvokerEnrolmentDetailsPatch", "apiInvokerInformation")
    .clearable("APIInvokerEnrolmentDetailsPatch", "expTime")
}

/// Onboards an invoker, with the onboarding credential in `Authorization: Bearer`; the caller needs no certificate.
#[utoipa::path(post, path = "/onboardedInvokers", operation_id = "OnboardAPIInvoker",
    request_body = ApiInvokerEnrolmentDetails,
    responses(
        (status = 201, description = "The invoker is onboarded. Its onboarding secret is told here and never again.",
            body = ApiInvokerEnrolmentDetails, headers(("Location" = String, description = "The URI of the enrolment."))),
        (status = 202, description = "It will be decided later; this server decides at once."),
        CommonProblems))]
async fn onboard_invoker(
    State(core): Core,
    presented: Presented<OnboardInvoker>,
    here: ResourceUri,
    request: Result<Body<ApiInvokerEnrolmentDetails>, Problem>,
) -> Result<Created<ApiInvokerEnrolmentDetails>, Problem> {
    core.may_onboard(presented.credential()).await?;
    let Body(request) = request?;
    let (id, details) = core.onboard(presented.credential(), &request).await?;
    Ok(Created::at(here.child(id), details))
}

/// Replaces an enrolment; its identifier and its key stay.
#[utoipa::path(put, path = "/onboardedInvokers/{onboardingId}", operation_id = "UpdateAPIInvoker",
    params(("onboardingId" = String, Path, description = "The enrolment.")),
    request_body = ApiInvokerEnrolmentDetails,
    responses(
        (status = 200, description = "The enrolment as it is now.", body = ApiInvokerEnrolmentDetails),
        (status = 202, description = "It will be decided later; this server decides at once."),
        (status = 204, description = "Replaced as asked for; this server answers 200."),
        CommonProblems))]
async fn update_invoker(
    State(core): Core,
    permit: Permit<UpdateInvoker>,
    PathId(id): PathId<ApiInvokerId>,
    Body(request): Body<ApiInvokerEnrolmentDetails>,
) -> Result<Found<ApiInvokerEnrolmentDetails>, Problem> {
    let change = Change::Replace(request);
    Ok(Found(core.change_invoker(&proof(&permit), id.as_str(), &change).await?))
}

/// Changes parts of an enrolment.
#[utoipa::path(patch, path = "/onboardedInvokers/{onboardingId}", operation_id = "ModifyIndApiInvokeEnrolment",
    params(("onboardingId" = String, Path, description = "The enrolment.")),
    request_body(content = ApiInvokerEnrolmentDetailsPatch, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, description = "The enrolment as it is now.", body = ApiInvokerEnrolmentDetails),
        (status = 202, description = "It will be decided later; this server decides at once."),
        (status = 204, description = "Changed as asked for; this server answers 200."),
        CommonProblems))]
async fn modify_invoker(
    State(core): Core,
    permit: Permit<ModifyInvoker>,
    PathId(id): PathId<ApiInvokerId>,
    MergePatch(patch): MergePatch,
) -> Result<Found<ApiInvokerEnrolmentDetails>, Problem> {
    let change = Change::Patch(patch);
    Ok(Found(core.change_invoker(&proof(&permit), id.as_str(), &change).await?))
}

/// Offboards an invoker.
#[utoipa::path(delete, path = "/onboardedInvokers/{onboardingId}", operation_id = "OffboardAPIInvoker",
    params(("onboardingId" = String, Path, description = "The enrolment.")),
    responses((status = 204, description = "The invoker is not onboarded any more."), CommonProblems))]
async fn offboard_invoker(
    State(core): Core,
    permit: Permit<OffboardInvoker>,
    PathId(id): PathId<ApiInvokerId>,
) -> Result<NoContent, Problem> {
    core.offboard(&proof(&permit), id.as_str()).await?;
    Ok(NoContent)
}
