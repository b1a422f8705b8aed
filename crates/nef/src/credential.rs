//! The bearer token: none, fixed, or fetched by client credentials and renewed before it ends.

use crate::settings::{NefSettings, NefSettingsError, OauthSettings};
use axum::http::{HeaderValue, Method};
use edgeapp_core::network::NetworkError;
use edgeapp_http::client::{CallError, HttpClient};
use serde::Deserialize;
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tokio::sync::Mutex;

/// A token is renewed this long before it ends.
const EARLY: Duration = Duration::from_secs(30);
/// How long a token lives whose issuer does not say.
const USUAL: Duration = Duration::from_secs(300);

/// Where the credential of a call comes from. Its `Debug` shows no secret, because it has none.
pub(crate) enum Credential {
    None,
    Fixed(HeaderValue),
    Fetched(Box<Fetched>),
}

pub(crate) struct Fetched {
    url: String,
    form: String,
    client: HttpClient,
    held: Mutex<Option<(HeaderValue, Instant)>>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    expires_in: Option<u64>,
}

fn secret(key: &'static str, file: &Path) -> Result<String, NefSettingsError> {
    let text = std::fs::read_to_string(file).map_err(|source| NefSettingsError::File {
        key,
        file: file.to_owned(),
        source,
    })?;
    Ok(text.trim().to_owned())
}

fn bearer(token: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

impl Credential {
    pub(crate) fn of(settings: &NefSettings, client: &HttpClient) -> Result<Self, NefSettingsError> {
        if let Some(file) = &settings.token_file {
            let token = secret("nef.token_file", file)?;
            return bearer(&token).map(Self::Fixed).ok_or(NefSettingsError::Wrong {
                key: "nef.token_file",
                reason: "the file holds no token".to_owned(),
            });
        }
        match &settings.oauth {
            None => Ok(Self::None),
            Some(oauth) => Ok(Self::Fetched(Box::new(Fetched {
                url: oauth.token_url.clone(),
                form: form(oauth)?,
                client: client.clone(),
                held: Mutex::new(None),
            }))),
        }
    }

    /// The credential for the next call.
    pub(crate) async fn now(&self) -> Result<Option<HeaderValue>, NetworkError> {
        match self {
            Self::None => Ok(None),
            Self::Fixed(token) => Ok(Some(token.clone())),
            Self::Fetched(fetched) => fetched.now().await.map(Some),
        }
    }

    /// The NEF did not take this one: the next is fetched anew. False when there is no other.
    pub(crate) async fn refused(&self, used: Option<&HeaderValue>) -> bool {
        let Self::Fetched(fetched) = self else { return false };
        let mut held = fetched.held.lock().await;
        if held.as_ref().map(|(token, _)| token) == used {
            *held = None;
        }
        true
    }
}

fn form(oauth: &OauthSettings) -> Result<String, NefSettingsError> {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials")
        .append_pair("client_id", &oauth.client_id);
    if let Some(file) = &oauth.client_secret_file {
        form.append_pair("client_secret", &secret("nef.oauth.client_secret_file", file)?);
    }
    if let Some(scope) = &oauth.scope {
        form.append_pair("scope", scope);
    }
    Ok(form.finish())
}

impl Fetched {
    async fn now(&self) -> Result<HeaderValue, NetworkError> {
        // Whoever waits here gets the token that the first one fetches.
        let mut held = self.held.lock().await;
        if let Some((token, until)) = held.as_ref()
            && Instant::now() < *until
        {
            return Ok(token.clone());
        }
        let unavailable = |reason: String| NetworkError::Unavailable {
            reason: format!("no token: {reason}"),
            after: None,
        };
        let media = "application/x-www-form-urlencoded";
        let body = Some(self.form.clone().into());
        let answer = self.client.send(Method::POST, &self.url, media, body).await;
        let answer: TokenAnswer = answer
            .and_then(|answer| answer.json())
            // The body of a refusal may repeat what was sent.
            .map_err(|error| {
                unavailable(match error {
                    CallError::Refused { status, .. } => format!("the token endpoint answered {status}"),
                    CallError::Unexpected(_) => "the token endpoint did not answer with a token".to_owned(),
                    error => error.to_string(),
                })
            })?;
        let lives = answer.expires_in.map_or(USUAL, Duration::from_secs);
        let token =
            bearer(&answer.access_token).ok_or_else(|| unavailable("it cannot stand in a header".to_owned()))?;
        let until = Instant::now() + lives.saturating_sub(EARLY.min(lives / 2));
        *held = Some((token.clone(), until));
        Ok(token)
    }
}
