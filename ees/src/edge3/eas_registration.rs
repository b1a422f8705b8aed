//! Eees_EASRegistration over EDGE-3 (TS 29.558 clause 8.1): an EAS registers with this EES.

use axum::extract::State;
use edgeapp_core::{collection::Change, operation};
use edgeapp_ees_domain::eas::EasRegistrations;
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::{Created, Found, NoContent},
    request::{Body, MergePatch, PathId, Permit, ResourceUri},
};
use edgeapp_openapi::{
    eas_registration::{EasRegistration, EasRegistrationPatch},
    ids::RegistrationId,
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation!(
    CreateEasReg = "eees-easregistration:create",
    ReadEasReg = "eees-easregistration:read",
    ReplaceEasReg = "eees-easregistration:replace",
    ModifyEasReg = "eees-easregistration:modify",
    DeleteEasReg = "eees-easregistration:delete",
);

type Eass = State<Arc<dyn EasRegistrations>>;

/// The API over these registrations.
pub fn api(eass: Arc<dyn EasRegistrations>) -> Api {
    let routes = OpenApiRouter::new()
        .routes(routes!(create_eas_registration))
        .routes(routes!(
            read_eas_registration,
            replace_eas_registration,
            modify_eas_registration,
            delete_eas_registration
        ))
        .with_state(eass);
    Api::new(
        "eees-easregistration",
        "Eees_EASRegistration",
        "Registration of Edge Application Servers with an Edge Enabler Server (TS 29.558 clause 8.1).",
        routes,
    )
    .clearable("EASRegistrationPatch", "expTime")
}

/// Registers an EAS with this EES.
#[utoipa::path(post, path = "/registrations", operation_id = "CreateEASRegistration", request_body = EasRegistration,
    responses(
        (status = 201, description = "Registered.", body = EasRegistration,
            headers(("Location" = String, description = "Absolute URI of the registration."))),
        CommonProblems))]
async fn create_eas_registration(
    State(eass): Eass,
    permit: Permit<CreateEasReg>,
    here: ResourceUri,
    Body(request): Body<EasRegistration>,
) -> Result<Created<EasRegistration>, Problem> {
    let made = eass.register(permit.principal(), request).await?;
    Ok(Created::at(here.child(made.id), made.registration))
}

/// Shows a registration.
#[utoipa::path(get, path = "/registrations/{registrationId}", operation_id = "ReadIndEASRegistration",
    params(("registrationId" = String, Path, description = "Id of the registration.")),
    responses((status = 200, description = "The registration.", body = EasRegistration), CommonProblems))]
async fn read_eas_registration(
    State(eass): Eass,
    permit: Permit<ReadEasReg>,
    PathId(id): PathId<RegistrationId>,
) -> Result<Found<EasRegistration>, Problem> {
    Ok(Found(eass.read(permit.principal(), id.as_str()).await?))
}

/// Replaces a registration; its EASID and provider never change.
#[utoipa::path(put, path = "/registrations/{registrationId}", operation_id = "UpdateIndEASRegistration",
    request_body = EasRegistration,
    params(("registrationId" = String, Path, description = "Id of the registration.")),
    responses(
        (status = 200, description = "Replaced.", body = EasRegistration),
        (status = 204, description = "Replaced as asked."),
        CommonProblems))]
async fn replace_eas_registration(
    State(eass): Eass,
    permit: Permit<ReplaceEasReg>,
    PathId(id): PathId<RegistrationId>,
    Body(request): Body<EasRegistration>,
) -> Result<Found<EasRegistration>, Problem> {
    Ok(Found(
        eass.change(permit.principal(), id.as_str(), Change::Replace(request))
            .await?,
    ))
}

/// Changes parts of a registration.
#[utoipa::path(patch, path = "/registrations/{registrationId}", operation_id = "ModifyIndEASRegistration",
    request_body(content = EasRegistrationPatch, content_type = "application/merge-patch+json"),
    params(("registrationId" = String, Path, description = "Id of the registration.")),
    responses(
        (status = 200, description = "Changed.", body = EasRegistration),
        (status = 204, description = "Changed as asked."),
        CommonProblems))]
async fn modify_eas_registration(
    State(eass): Eass,
    permit: Permit<ModifyEasReg>,
    PathId(id): PathId<RegistrationId>,
    MergePatch(patch): MergePatch,
) -> Result<Found<EasRegistration>, Problem> {
    Ok(Found(
        eass.change(permit.principal(), id.as_str(), Change::Patch(patch))
            .await?,
    ))
}

/// Ends a registration.
#[utoipa::path(delete, path = "/registrations/{registrationId}", operation_id = "DeleteIndEASRegistration",
    params(("registrationId" = String, Path, description = "Id of the registration.")),
    responses((status = 204, description = "Ended."), CommonProblems))]
async fn delete_eas_registration(
    State(eass): Eass,
    permit: Permit<DeleteEasReg>,
    PathId(id): PathId<RegistrationId>,
) -> Result<NoContent, Problem> {
    eass.deregister(permit.principal(), id.as_str()).await?;
    Ok(NoContent)
}
