//! The token endpoint: OAuth 2.0 client credentials (RFC 6749 clause 4.4).

use edgeapp_core::error::{Cause, Error, Kind};
use edgeapp_openapi::common::DateTime;
use jiff::SignedDuration;
use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, PoisonError},
};

/// Seconds that a token is good for.
pub(super) const LIFE: i64 = 300;

/// What a client proves itself with.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// This text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Clients with their secrets, and the tokens that were given out.
pub(super) struct Tokens {
    clients: BTreeMap<String, Secret>,
    given: Mutex<BTreeMap<String, DateTime>>,
    random: RandomState,
}

impl Tokens {
    pub(super) fn of(clients: BTreeMap<String, Secret>) -> Self {
        Self {
            clients,
            given: Mutex::default(),
            random: RandomState::new(),
        }
    }

    /// A token for a client that proves its secret; `None` for anybody else.
    pub(super) fn give(&self, client: &str, secret: &str, now: DateTime) -> Option<String> {
        self.clients.get(client).filter(|known| known.0 == secret)?;
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.retain(|_, until| now < *until);
        // Good for a laboratory: keyed by what only this process knows.
        let part = |salt: u8| self.random.hash_one((given.len(), client, now.0.as_nanosecond(), salt));
        let token = format!("{:016x}{:016x}", part(0), part(1));
        given.insert(token.clone(), DateTime(now.0 + SignedDuration::from_secs(LIFE)));
        Some(token)
    }

    /// Whether a request with this `Authorization` may pass.
    pub(super) fn check(&self, authorization: Option<&str>, now: DateTime) -> Result<(), Error> {
        if self.clients.is_empty() {
            return Ok(());
        }
        let token = authorization.and_then(|value| value.strip_prefix("Bearer "));
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        match token.and_then(|token| given.get(token)) {
            Some(until) if now < *until => Ok(()),
            _ => Err(Error::new(
                Kind::Unauthenticated,
                Cause::Unauthenticated,
                "a bearer token of the token endpoint is needed",
            )),
        }
    }
}
