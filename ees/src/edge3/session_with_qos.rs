//! Eees_SessionWithQoS over EDGE-3 (TS 29.558 clause 8.5): an EAS asks for a quality of the data sessions with it.

use axum::extract::State;
use edgeapp_core::{collection::Change, operation};
use edgeapp_ees_domain::qos_session::QosSessions;
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::{Created, Found, NoContent},
    request::{Body, MergePatch, PathId, Permit, QueryPairs, ResourceUri},
};
use edgeapp_openapi::{
    ids::{EasId, SubscriptionId},
    query::Parameters,
    session_with_qos::{SessionWithQos, SessionWithQosPatch, UserPlaneEventNotification},
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation!(
    CreateQosSession = "eees-session-with-qos:create",
    ListQosSessions = "eees-session-with-qos:list",
    ReadQosSession = "eees-session-with-qos:read",
    ReplaceQosSession = "eees-session-with-qos:replace",
    ModifyQosSession = "eees-session-with-qos:modify",
    DeleteQosSession = "eees-session-with-qos:delete",
);

type Sessions = State<Arc<dyn QosSessions>>;

/// The API over these sessions.
pub fn api(sessions: Arc<dyn QosSessions>) -> Api {
    let routes = OpenApiRouter::new()
        .routes(routes!(create_qos_session, list_qos_sessions))
        .routes(routes!(
            read_qos_session,
            replace_qos_session,
            modify_qos_session,
            delete_qos_session
        ))
        .with_state(sessions);
    Api::new(
        "eees-session-with-qos",
        "Eees_SessionWithQoS",
        "Data sessions with a required quality of service for Edge Application Servers (TS 29.558 clause 8.5).",
        routes,
    )
    .callback::<UserPlaneEventNotification>(
        "CreateIndSessionWithQoS",
        "notificationDestination",
        "{$request.body#/notificationDestination}",
    )
    .clearable("SessionWithQoSPatch", "qosMonInfo")
    .clearable("SessionWithQoSPatch", "maxbrUl")
    .clearable("SessionWithQoSPatch", "maxbrDl")
}

/// Asks for a quality of the data sessions with an EAS.
#[utoipa::path(post, path = "/sessions", operation_id = "CreateIndSessionWithQoS", request_body = SessionWithQos,
    responses(
        (status = 201, description = "The core network grants it.", body = SessionWithQos,
            headers(("Location" = String, description = "Absolute URI of the session."))),
        CommonProblems))]
async fn create_qos_session(
    State(sessions): Sessions,
    permit: Permit<CreateQosSession>,
    here: ResourceUri,
    Body(request): Body<SessionWithQos>,
) -> Result<Created<SessionWithQos>, Problem> {
    let (id, made) = sessions
        .create(permit.principal(), request, &|id| here.child(id))
        .await?;
    Ok(Created::at(here.child(id), made))
}

/// Shows the caller's sessions of an application.
#[utoipa::path(get, path = "/sessions", operation_id = "ReadAllSessionsWithQoS",
    params(("eas-id" = String, Query, description = "The application.")),
    responses((status = 200, description = "The sessions, at least one.", body = [SessionWithQos]), CommonProblems))]
async fn list_qos_sessions(
    State(sessions): Sessions,
    permit: Permit<ListQosSessions>,
    QueryPairs(query): QueryPairs,
) -> Result<Found<Vec<SessionWithQos>>, Problem> {
    let eas_id = eas_id(query)?;
    Ok(Found(sessions.all(permit.principal(), &eas_id).await?))
}

fn eas_id(query: Vec<(String, String)>) -> Result<EasId, edgeapp_core::error::Error> {
    Ok(Parameters::new(query).required::<EasId>("eas-id")?)
}

/// Shows one session.
#[utoipa::path(get, path = "/sessions/{sessionId}", operation_id = "ReadIndSessionWithQoS",
    params(("sessionId" = String, Path, description = "Id of the session.")),
    responses((status = 200, description = "The session.", body = SessionWithQos), CommonProblems))]
async fn read_qos_session(
    State(sessions): Sessions,
    permit: Permit<ReadQosSession>,
    PathId(id): PathId<SubscriptionId>,
) -> Result<Found<SessionWithQos>, Problem> {
    Ok(Found(sessions.read(permit.principal(), id.as_str()).await?))
}

/// Replaces a session; its EAS and UE never change.
#[utoipa::path(put, path = "/sessions/{sessionId}", operation_id = "UpdateIndSessionWithQoS", request_body = SessionWithQos,
    params(("sessionId" = String, Path, description = "Id of the session.")),
    responses(
        (status = 200, description = "Replaced; the core network agreed.", body = SessionWithQos),
        (status = 204, description = "Replaced as asked."),
        CommonProblems))]
async fn replace_qos_session(
    State(sessions): Sessions,
    permit: Permit<ReplaceQosSession>,
    PathId(id): PathId<SubscriptionId>,
    Body(request): Body<SessionWithQos>,
) -> Result<Found<SessionWithQos>, Problem> {
    let change = Change::Replace(request);
    Ok(Found(sessions.change(permit.principal(), id.as_str(), change).await?))
}

/// Changes parts of a session.
#[utoipa::path(patch, path = "/sessions/{sessionId}", operation_id = "ModifyIndSessionWithQoS",
    request_body(content = SessionWithQosPatch, content_type = "application/merge-patch+json"),
    params(("sessionId" = String, Path, description = "Id of the session.")),
    responses(
        (status = 200, description = "Changed; the core network agreed.", body = SessionWithQos),
        (status = 204, description = "Changed as asked."),
        CommonProblems))]
async fn modify_qos_session(
    State(sessions): Sessions,
    permit: Permit<ModifyQosSession>,
    PathId(id): PathId<SubscriptionId>,
    MergePatch(patch): MergePatch,
) -> Result<Found<SessionWithQos>, Problem> {
    let change = Change::Patch(patch);
    Ok(Found(sessions.change(permit.principal(), id.as_str(), change).await?))
}

/// Ends a session.
#[utoipa::path(delete, path = "/sessions/{sessionId}", operation_id = "DeleteIndSessionWithQoS",
    params(("sessionId" = String, Path, description = "Id of the session.")),
    responses((status = 204, description = "Ended."), CommonProblems))]
async fn delete_qos_session(
    State(sessions): Sessions,
    permit: Permit<DeleteQosSession>,
    PathId(id): PathId<SubscriptionId>,
) -> Result<NoContent, Problem> {
    sessions.remove(permit.principal(), id.as_str()).await?;
    Ok(NoContent)
}
