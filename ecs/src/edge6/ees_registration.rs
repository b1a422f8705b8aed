//! Eecs_EESRegistration (TS 29.558 clause 9.1).

use axum::extract::State;
use edgeapp_core::{collection::Change, operation};
use edgeapp_ecs_domain::ees_registration::EesRegistrations;
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::{Created, Found, NoContent},
    request::{Body, MergePatch, PathId, Permit, ResourceUri},
};
use edgeapp_openapi::{
    ees_registration::{EesRegistration, EesRegistrationPatch},
    ids::RegistrationId,
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation! {
    CreateEesReg = "eecs-eesregistration:create",
    ReadEesReg = "eecs-eesregistration:read",
    UpdateEesReg = "eecs-eesregistration:update",
    ModifyEesReg = "eecs-eesregistration:modify",
    DeleteEesReg = "eecs-eesregistration:delete",
}

/// The API over this room.
pub fn api(eess: Arc<dyn EesRegistrations>) -> Api {
    let routes = OpenApiRouter::new()
        .routes(routes!(create_ees_registration))
        .routes(routes!(
            read_ees_registration,
            update_ees_registration,
            modify_ees_registration,
            delete_ees_registration
        ))
        .with_state(eess);
    Api::new(
        "eecs-eesregistration",
        "Eecs_EESRegistration",
        "An EES tells the ECS what it is, where it is and which EASs it has (TS 29.558 clause 9.1).",
        routes,
    )
    .clearable("EESRegistrationPatch", "expTime")
}

/// Registers an EES with this ECS, in place of an older registration of the same EES.
#[utoipa::path(post, path = "/registrations", operation_id = "CreateEESRegistration",
    request_body = EesRegistration,
    responses(
        (status = 201, description = "The EES is registered.", body = EesRegistration,
            headers(("Location" = String, description = "The URI of the registration."))),
        CommonProblems))]
async fn create_ees_registration(
    State(eess): State<Arc<dyn EesRegistrations>>,
    permit: Permit<CreateEesReg>,
    here: ResourceUri,
    Body(request): Body<EesRegistration>,
) -> Result<Created<EesRegistration>, Problem> {
    let made = eess.register(permit.principal(), request).await?;
    Ok(Created::at(here.child(made.id), made.registration))
}

/// Reads a registration.
#[utoipa::path(get, path = "/registrations/{registrationId}", operation_id = "GetIndEESReg",
    params(("registrationId" = String, Path, description = "The registration.")),
    responses((status = 200, description = "The registration.", body = EesRegistration), CommonProblems))]
async fn read_ees_registration(
    State(eess): State<Arc<dyn EesRegistrations>>,
    permit: Permit<ReadEesReg>,
    PathId(id): PathId<RegistrationId>,
) -> Result<Found<EesRegistration>, Problem> {
    Ok(Found(eess.read(permit.principal(), &id).await?))
}

/// Replaces a registration.
#[utoipa::path(put, path = "/registrations/{registrationId}", operation_id = "UpdateIndEESReg",
    params(("registrationId" = String, Path, description = "The registration.")),
    request_body = EesRegistration,
    responses(
        (status = 200, description = "The registration as it is now.", body = EesRegistration),
        (status = 204, description = "Replaced as asked for; this server answers 200."),
        CommonProblems))]
async fn update_ees_registration(
    State(eess): State<Arc<dyn EesRegistrations>>,
    permit: Permit<UpdateEesReg>,
    PathId(id): PathId<RegistrationId>,
    Body(request): Body<EesRegistration>,
) -> Result<Found<EesRegistration>, Problem> {
    Ok(Found(
        eess.change(permit.principal(), &id, Change::Replace(request)).await?,
    ))
}

/// Changes parts of a registration.
#[utoipa::path(patch, path = "/registrations/{registrationId}", operation_id = "ModifyIndEESReg",
    params(("registrationId" = String, Path, description = "The registration.")),
    request_body(content = EesRegistrationPatch, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, description = "The registration as it is now.", body = EesRegistration),
        (status = 204, description = "Changed as asked for; this server answers 200."),
        CommonProblems))]
async fn modify_ees_registration(
    State(eess): State<Arc<dyn EesRegistrations>>,
    permit: Permit<ModifyEesReg>,
    PathId(id): PathId<RegistrationId>,
    MergePatch(patch): MergePatch,
) -> Result<Found<EesRegistration>, Problem> {
    Ok(Found(eess.change(permit.principal(), &id, Change::Patch(patch)).await?))
}

/// Removes a registration.
#[utoipa::path(delete, path = "/registrations/{registrationId}", operation_id = "DeleteIndEESReg",
    params(("registrationId" = String, Path, description = "The registration.")),
    responses((status = 204, description = "The EES is not registered any more."), CommonProblems))]
async fn delete_ees_registration(
    State(eess): State<Arc<dyn EesRegistrations>>,
    permit: Permit<DeleteEesReg>,
    PathId(id): PathId<RegistrationId>,
) -> Result<NoContent, Problem> {
    eess.deregister(permit.principal(), &id).await?;
    Ok(NoContent)
}
