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
use zeroize::Zeroizing;

/// A token is renewed this long before it ends.
const EARLY: Duration = Duration::from_secs(30);
/// How long a token lives whose issuer does not say.
const USUAL: Duration = Duration::from_secs(300);
/// A token that lives longer is renewed all the same.
const LONGEST: Duration = Duration::from_secs(86_400);

/// Where the credential of a call comes from. Its `Debug` shows no secret, because it has none.
pub(crate) enum Credential {
    None,
    Fixed(HeaderValue),
    Fetched(Box<Fetched>),
}

pub(crate) struct Fetched {
    url: String,
    /// It holds the secret of the client, and is wiped like one.
    form: Zeroizing<String>,
    client: HttpClient,
    held: Mutex<Held>,
}

/// What came of fetching.
#[derive(Default)]
struct Held {
    /// The token, and when the next one is fetched.
    token: Option<(HeaderValue, Instant)>,
    /// When it failed last, and how: whoever waited meanwhile does not ask again.
    failed: Option<(Instant, NetworkError)>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    token_type: Option<String>,
    expires_in: Option<Seconds>,
}

/// A number; some write it as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(u64),
    Text(String),
}

impl TokenAnswer {
    /// For how long the token is used.
    fn used_for(&self) -> Duration {
        let said = match &self.expires_in {
            Some(Seconds::Number(seconds)) => Some(*seconds),
            Some(Seconds::Text(text)) => text.parse().ok(),
            None => None,
        };
        let lives = said.map_or(USUAL, Duration::from_secs).min(LONGEST);
        lives.saturating_sub(EARLY.min(lives / 2))
    }
}

fn secret(key: &'static str, file: &Path) -> Result<Zeroizing<String>, NefSettingsError> {
    let text = std::fs::read_to_string(file)
        .map(Zeroizing::new)
        .map_err(|source| NefSettingsError::File {
            key,
            file: file.to_owned(),
            source,
        })?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}

fn bearer(token: &str) -> Option<HeaderValue> {
    let text = Zeroizing::new(format!("Bearer {token}"));
    let mut value = HeaderValue::from_str(&text).ok()?;
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
                held: Mutex::default(),
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
        if held.token.as_ref().map(|(token, _)| token) == used {
            held.token = None;
        }
        true
    }
}

fn form(oauth: &OauthSettings) -> Result<Zeroizing<String>, NefSettingsError> {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials")
        .append_pair("client_id", &oauth.client_id);
    if let Some(file) = &oauth.client_secret_file {
        form.append_pair("client_secret", &secret("nef.oauth.client_secret_file", file)?);
    }
    if let Some(scope) = &oauth.scope {
        form.append_pair("scope", scope);
    }
    Ok(Zeroizing::new(form.finish()))
}

impl Fetched {
    async fn now(&self) -> Result<HeaderValue, NetworkError> {
        let asked = Instant::now();
        // Whoever waits here gets what the first one fetches, or hears why it could not.
        let mut held = self.held.lock().await;
        if let Some((token, until)) = &held.token
            && Instant::now() < *until
        {
            return Ok(token.clone());
        }
        if let Some((at, error)) = &held.failed
            && *at >= asked
        {
            return Err(error.clone());
        }
        match self.fetch().await {
            Ok((token, used_for)) => {
                held.token = Some((token.clone(), Instant::now() + used_for));
                held.failed = None;
                Ok(token)
            }
            Err(error) => {
                held.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    async fn fetch(&self) -> Result<(HeaderValue, Duration), NetworkError> {
        let unavailable = |reason: String, after| NetworkError::Unavailable {
            reason: format!("no token: {reason}"),
            after,
        };
        let media = "application/x-www-form-urlencoded";
        let body = Some(self.form.as_str().to_owned().into());
        let answer = self.client.send(Method::POST, &self.url, media, body).await;
        let answer: TokenAnswer = answer
            .and_then(|answer| answer.json())
            // The body of a refusal may repeat what was sent.
            .map_err(|error| match error {
                CallError::Refused {
                    status, retry_after, ..
                } => unavailable(format!("the token endpoint answered {status}"), retry_after),
                CallError::Unexpected(_) => {
                    unavailable("the token endpoint did not answer with a token".to_owned(), None)
                }
                error => unavailable(error.to_string(), None),
            })?;
        let kind = answer.token_type.as_deref().unwrap_or("bearer");
        if !kind.eq_ignore_ascii_case("bearer") {
            return Err(unavailable("it is no bearer token".to_owned(), None));
        }
        let token = bearer(&answer.access_token);
        let token = token.ok_or_else(|| unavailable("it cannot stand in a header".to_owned(), None))?;
        Ok((token, answer.used_for()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_renewed_before_it_ends() {
        let used_for = |answer: &str| {
            let answer: TokenAnswer = serde_json::from_str(answer).expect("an answer");
            answer.used_for().as_secs_f64()
        };
        let said = |expires_in: &str| used_for(&format!(r#"{{"access_token": "t", "expires_in": {expires_in}}}"#));
        assert_eq!((said("3600"), said("\"3600\"")), (3570.0, 3570.0));
        assert_eq!((said("10"), said("0")), (5.0, 0.0));
        assert_eq!(said("18446744073709551615"), 86_370.0);
        assert_eq!((used_for(r#"{"access_token": "t"}"#), said("\"soon\"")), (270.0, 270.0));
    }
}
