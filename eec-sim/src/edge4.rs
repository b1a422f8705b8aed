//! EDGE-4: what an EEC asks of an ECS.

use crate::call::{Caller, Failed};
use axum::http::{Method, StatusCode};
use edgeapp_openapi::service_provisioning::{EcsServProvReq, EcsServProvResp};

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
}
