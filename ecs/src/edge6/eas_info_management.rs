//! Eecs_EASInfoManagement (TS 29.558 clause 9.3): EESs agree on the EAS that serves a group.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use edgeapp_core::{
    error::{Cause, Error},
    operation,
};
use edgeapp_ecs_domain::eas_info::{Bound, EasBindings};
use edgeapp_http::{
    documents::Api,
    problem::{CommonProblems, Problem},
    reply::{Created, Found, NoContent},
    request::{Body, Permit, QueryPairs, ResourceUri},
};
use edgeapp_openapi::{
    common::SupportedFeatures,
    eas_info_management::{CommonEasBindReq, CommonEasBindResp, ProblemDetailsEimExt},
    features,
    ids::{AppGroupId, EasId, RequestorName},
    query::Parameters,
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

operation! {
    StoreEasInfo = "eecs-eim:store",
    GetEasInfo = "eecs-eim:get",
}

type Bindings = State<Arc<dyn EasBindings>>;

/// The API over these bindings.
pub fn api(bindings: Arc<dyn EasBindings>) -> Api {
    let routes = OpenApiRouter::new()
        .routes(routes!(store_eas_info, get_eas_info))
        .with_state(bindings);
    Api::new(
        "eecs-eim",
        "Eecs_EASInfoManagement",
        "EESs agree at the ECS on the EAS that serves a whole group of UEs (TS 29.558 clause 9.3).",
        routes,
    )
    .schema::<ProblemDetailsEimExt>()
}

/// Stores which EAS serves a group, unless another is in force (TS 29.558 clause 9.3.3.2).
#[utoipa::path(post, path = "/bindings", operation_id = "StoreEasInfo", request_body = CommonEasBindReq,
    responses(
        (status = 201, description = "It is in force.", body = CommonEasBindResp,
            headers(("Location" = String, description = "Absolute URI of the binding."))),
        (status = 403, description = "Another is in force: the refusal carries it. Or the caller may not bind.",
            body = ProblemDetailsEimExt, content_type = "application/problem+json"),
        CommonProblems))]
async fn store_eas_info(
    State(bindings): Bindings,
    permit: Permit<StoreEasInfo>,
    here: ResourceUri,
    Body(request): Body<CommonEasBindReq>,
) -> Result<Response, Problem> {
    let supp_feat = request.supp_feat.map(|offered| features::NONE.common(&offered));
    match bindings.bind(permit.principal(), request).await? {
        Bound::Stored { id, binding } => {
            Ok(Created::at(here.child(id), CommonEasBindResp { binding, supp_feat }).into_response())
        }
        Bound::Taken(binding) => {
            let detail = "another EAS was bound to this group before; the refusal names it";
            let problem = Problem::new(StatusCode::FORBIDDEN, Cause::CommonEasExists, detail);
            Err(problem.with_members(&*binding)?)
        }
    }
}

/// Tells which EAS serves a group (TS 29.558 clause 9.3.3.2).
#[utoipa::path(get, path = "/bindings", operation_id = "GetEASInfo",
    params(
        ("requestor-id" = RequestorName, Query, description = "The EES that asks."),
        ("app-group-id" = AppGroupId, Query, description = "The group."),
        ("eas-id" = EasId, Query, description = "The application."),
        ("supp-feats" = Option<String>, Query, description = "Features of the API that the caller supports.")),
    responses(
        (status = 200, description = "The binding in force.", body = CommonEasBindResp),
        (status = 204, description = "Nothing is bound."),
        CommonProblems))]
async fn get_eas_info(
    State(bindings): Bindings,
    permit: Permit<GetEasInfo>,
    QueryPairs(query): QueryPairs,
) -> Result<Response, Problem> {
    let query = Parameters::new(query);
    let requestor: RequestorName = query.required("requestor-id").map_err(Error::from)?;
    let group: AppGroupId = query.required("app-group-id").map_err(Error::from)?;
    let eas_id: EasId = query.required("eas-id").map_err(Error::from)?;
    let offered: Option<SupportedFeatures> = query.optional("supp-feats").map_err(Error::from)?;
    let found = bindings
        .binding(permit.principal(), &requestor, &group, &eas_id)
        .await?;
    Ok(match found {
        None => NoContent.into_response(),
        Some(binding) => Found(CommonEasBindResp {
            binding,
            supp_feat: offered.map(|offered| features::NONE.common(&offered)),
        })
        .into_response(),
    })
}
