//! What an EES asks of the ECS as issuer of access tokens: its keys, and what it revoked. The address is that of the configuration, and
//! no answer leads anywhere else.

use async_trait::async_trait;
use axum::http::Method;
use edgeapp_authz::token::follow::Issuer;
use edgeapp_http::client::{Answer, CallError, HttpClient};

/// The ECS over EDGE-6.
pub struct EcsAsIssuer {
    client: HttpClient,
    root: String,
}

impl EcsAsIssuer {
    /// The ECS at this `apiRoot` of EDGE-6.
    pub fn new(client: HttpClient, root: &str) -> Self {
        Self {
            client,
            root: root.trim_end_matches('/').to_owned(),
        }
    }

    async fn get(&self, path: &str) -> Result<Answer, String> {
        let url = format!("{}{path}", self.root);
        let answer = self.client.call::<()>(Method::GET, &url, None).await;
        answer.map_err(|error| match error {
            CallError::Refused { status, .. } if status == 404 => {
                format!("{url}: the ECS issues no tokens; give it a [tokens] section")
            }
            error => format!("{url}: {error}"),
        })
    }
}

#[async_trait]
impl Issuer for EcsAsIssuer {
    async fn keys(&self) -> Result<Vec<u8>, String> {
        Ok(self.get("/jwks").await?.body.to_vec())
    }

    async fn revocations(&self) -> Result<String, String> {
        let answer = self.get("/oauth2/revocations").await?;
        String::from_utf8(answer.body.to_vec()).map_err(|_| "the list of revocations is no text".to_owned())
    }
}
