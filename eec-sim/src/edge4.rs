//! EDGE-4: what an EEC asks of an ECS.

use crate::{
    call::{Caller, Failed},
    tokens::TokenAnswer,
};
use axum::http::{Method, StatusCode};
use edgeapp_core::token::resource_of;
use edgeapp_openapi::{
    ids::EesId,
    service_provisioning::{EcsServProvReq, EcsServProvResp},
};

/// An EEC's way to an ECS.
#[derive(Clone)]
pub struct Ecs(pub Caller);

impl Ecs {
    /// Eecs_ServiceProvisioning request: which EESs are there? `None` when there are none.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn service_provisioning(&self, request: &EcsServProvReq) -> Result<Option<EcsServProvResp>, Failed> {
        const PATH: &str = "/eecs-serviceprovisioning/v1/request";
        const NAME: &str = "Service provisioning";
        let answer = self.0.call(NAME, Method::POST, PATH, Some(request)).await?;
        if answer.status == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        let found = answer
            .json()
            .map_err(|error| self.0.unexpected(NAME, Method::POST, PATH, &error.to_string()))?;
        Ok(Some(found))
    }

    /// An access token for an EES. `None` when there are none for it, or for this client.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn token(&self, client_id: &str, ees: &EesId) -> Result<Option<TokenAnswer>, Failed> {
        const PATH: &str = "/oauth2/token";
        const NAME: &str = "Access token";
        let resource = resource_of(ees.as_str());
        let parameters = [
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("resource", &resource),
        ];
        match self.0.form(NAME, PATH, &parameters).await {
            Ok(answer) => answer
                .json()
                .map(Some)
                .map_err(|error| self.0.unexpected(NAME, Method::POST, PATH, &error.to_string())),
            Err(failed) if failed.error.status().is_some_and(|status| status.is_client_error()) => Ok(None),
            Err(failed) => Err(failed),
        }
    }
}
