//! Eees_EECRegistration over EDGE-1 (TS 24.558 clause 6.2): an EEC registers with this EES.

use axum::extract::State;
use edgeapp_core::{collection::Change, operation};
use edgeapp_ees_domain::eec::EecRegistrations;
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::{Created, Found, NoContent},
    request::{Body, MergePatch, PathId, Permit, ResourceUri},
};
use edgeapp_openapi::{
    eec_registration::{EecRegistration, EecRegistrationPatch},
    ids::RegistrationId,
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation!(
    CreateEecReg = "eees-eecregistration:create",
    ReplaceEecReg = "eees-eecregistration:replace",
    ModifyEecReg = "eees-eecregistration:modify",
    DeleteEecReg = "eees-eecregistration:delete",
);

type Eecs = State<Arc<dyn EecRegistrations>>;

/// The API over these registrations.
pub fn api(eecs: Arc<dyn EecRegistrations>) -> Api {
    let routes = OpenApiRouter::new()
        .routes(routes!(create_eec_registration))
        .routes(routes!(
            replace_eec_registration,
            modify_eec_registration,
            delete_eec_registration
        ))
        .with_state(eecs);
    Api::new(
        "eees-eecregistration",
        "Eees_EECRegistration",
        "Registration of Edge Enabler Clients with an Edge Enabler Server (TS 24.558 clause 6.2).",
        routes,
    )
}

/// Registers an EEC with this EES.
#[utoipa::path(post, path = "/registrations", operation_id = "CreateEECReg", request_body = EecRegistration,
    responses(
        (status = 201, description = "Registered; AC profiles that cannot be served are reported.", body = EecRegistration,
            headers(("Location" = String, description = "Absolute URI of the registration."))),
        CommonProblems))]
async fn create_eec_registration(
    State(eecs): Eecs,
    permit: Permit<CreateEecReg>,
    here: ResourceUri,
    Body(request): Body<EecRegistration>,
) -> Result<Created<EecRegistration>, Problem> {
    let made = eecs.register(permit.principal(), request).await?;
    Ok(Created::at(here.child(made.id), made.registration))
}

/// Replaces a registration; its EEC and UE never change.
#[utoipa::path(put, path = "/registrations/{registrationId}", operation_id = "UpdateIndEECReg", request_body = EecRegistration,
    params(("registrationId" = String, Path, description = "Id of the registration.")),
    responses(
        (status = 200, description = "Replaced.", body = EecRegistration),
        (status = 204, description = "Replaced as asked."),
        CommonProblems))]
async fn replace_eec_registration(
    State(eecs): Eecs,
    permit: Permit<ReplaceEecReg>,
    PathId(id): PathId<RegistrationId>,
    Body(request): Body<EecRegistration>,
) -> Result<Found<EecRegistration>, Problem> {
    Ok(Found(
        eecs.change(permit.principal(), id.as_str(), Change::Replace(request))
            .await?,
    ))
}

/// Changes parts of a registration.
#[utoipa::path(patch, path = "/registrations/{registrationId}", operation_id = "ModifyIndEECReg",
    request_body(content = EecRegistrationPatch, content_type = "application/merge-patch+json"),
    params(("registrationId" = String, Path, description = "Id of the registration.")),
    responses(
        (status = 200, description = "Changed.", body = EecRegistration),
        (status = 204, description = "Changed as asked."),
        CommonProblems))]
async fn modify_eec_registration(
    State(eecs): Eecs,
    permit: Permit<ModifyEecReg>,
    PathId(id): PathId<RegistrationId>,
    MergePatch(patch): MergePatch,
) -> Result<Found<EecRegistration>, Problem> {
    Ok(Found(
        eecs.change(permit.principal(), id.as_str(), Change::Patch(patch))
            .await?,
    ))
}

/// Ends a registration.
#[utoipa::path(delete, path = "/registrations/{registrationId}", operation_id = "DeleteIndEECReg",
    params(("registrationId" = String, Path, description = "Id of the registration.")),
    responses((status = 204, description = "Ended."), CommonProblems))]
async fn delete_eec_registration(
    State(eecs): Eecs,
    permit: Permit<DeleteEecReg>,
    PathId(id): PathId<RegistrationId>,
) -> Result<NoContent, Problem> {
    eecs.deregister(permit.principal(), id.as_str()).await?;
    Ok(NoContent)
}
