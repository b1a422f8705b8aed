//! Access tokens at the calling end: asked for at the ECS for one EES, used until shortly before they expire.

use crate::{
    call::{Caller, Failed},
    edge4,
};
use axum::http::HeaderValue;
use edgeapp_openapi::ids::EesId;
use serde::Deserialize;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// The answer of a token endpoint (RFC 6749 clause 5.1).
#[derive(Deserialize)]
pub struct TokenAnswer {
    /// `access_token`.
    pub access_token: String,
    /// `expires_in`, in seconds.
    pub expires_in: u32,
}

impl TokenAnswer {
    /// For how long it is used: not to the last moment.
    fn used_for(&self) -> Duration {
        let lives = Duration::from_secs(self.expires_in.into());
        lives.saturating_sub(Duration::from_secs(30).min(lives / 5))
    }

    fn header(&self) -> Option<HeaderValue> {
        HeaderValue::try_from(format!("Bearer {}", self.access_token)).ok()
    }
}

/// The tokens of one client for one EES.
pub struct Tokens {
    ecs: edge4::Ecs,
    client_id: String,
    ees: EesId,
    held: Mutex<Option<(HeaderValue, Instant)>>,
}

impl Tokens {
    /// Asks for a first token. `None` when the ECS issues none for this EES, which then decides by its local policy.
    ///
    /// # Errors
    /// When there is no good answer.
    pub async fn first(ecs: &edge4::Ecs, client_id: &str, ees: &EesId) -> Result<Option<Self>, Failed> {
        let Some(answer) = ecs.token(client_id, ees).await? else {
            return Ok(None);
        };
        let until = Instant::now() + answer.used_for();
        Ok(Some(Self {
            ecs: edge4::Ecs(ecs.0.quietly()),
            client_id: client_id.to_owned(),
            ees: ees.clone(),
            held: Mutex::new(answer.header().map(|header| (header, until))),
        }))
    }

    /// The `Authorization` header of the next call; `None` when the ECS no longer issues tokens.
    ///
    /// # Errors
    /// When a new one is needed and there is no good answer.
    pub async fn now(&self) -> Result<Option<HeaderValue>, Failed> {
        let mut held = self.held.lock().await;
        if let Some((header, until)) = &*held
            && Instant::now() < *until
        {
            return Ok(Some(header.clone()));
        }
        let answer = self.ecs.token(&self.client_id, &self.ees).await?;
        *held = answer.and_then(|answer| Some((answer.header()?, Instant::now() + answer.used_for())));
        Ok(held.as_ref().map(|(header, _)| header.clone()))
    }
}

impl Caller {
    /// The same, presenting these tokens.
    pub fn with_tokens(mut self, tokens: Option<std::sync::Arc<Tokens>>) -> Self {
        self.tokens = tokens;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_used_to_the_last_moment() {
        let used_for = |expires_in| {
            let access_token = String::new();
            TokenAnswer {
                access_token,
                expires_in,
            }
            .used_for()
            .as_secs()
        };
        assert_eq!((used_for(300), used_for(10), used_for(0)), (270, 8, 0));
    }
}
