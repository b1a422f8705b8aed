//! What was taken back, as it is kept: single tokens, and all tokens of a client up to an instant. Each is remembered until what it
//! revokes would have expired anyway.

use edgeapp_core::{
    error::Error,
    kept::Kept,
    principal::{Owner, Principal},
    store::{Entry, Key},
    token::{LONGEST_LIFE, RevokedClient, RevokedToken, SKEW},
};
use edgeapp_openapi::{common::DateTime, ids::EesId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Under which all that has to do with tokens is kept.
pub const PREFIX: &str = "token/";
/// The number of the list of revocations; part of every change to it.
pub const SEQUENCE: &str = "token/sequence";
/// The signing keys.
pub const SIGNING_KEYS: &str = "token/signing-keys";
/// What the clients could have that were registered last.
pub const REGISTERED: &str = "token/registered";
/// Up to which `iat` tokens may have been issued.
pub const ISSUED: &str = "token/issued";
const TOKENS: &str = "token/revoked/";
const CLIENTS: &str = "token/revoked-client/";

/// Single tokens of one client that are remembered; with one more, all that it has are revoked.
pub const MOST_OF_ONE_CLIENT: usize = 100;

/// Single tokens of all clients that are remembered, about: beyond that, whoever revokes one more revokes all that the client has. An EES
/// reads lists of up to 4 MiB; so many single tokens are less than half of it, and the rest is left to revoked clients.
pub const MOST_IN_ALL: usize = 10_000;

/// Bytes that revoked clients take in a list, at most: with the single tokens, less than an EES reads. With more, all keys are withdrawn.
pub const MOST_OF_CLIENTS: usize = 1024 * 1024;

/// The number of a list of revocations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequence(pub u64);

impl Sequence {
    /// The number of the next list. It follows the clock, so that an issuer that was restored from an older state is soon ahead of the
    /// lists that it has forgotten.
    pub fn next(self, now: DateTime) -> Self {
        let millisecond = u64::try_from(now.0.as_millisecond()).unwrap_or_default();
        Self((self.0 + 1).max(millisecond))
    }
}

/// A revoked token, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptToken {
    #[serde(flatten)]
    token: RevokedToken,
    /// The EES that it is for; not known of those that an earlier version kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    audience: Option<String>,
}

impl KeptToken {
    /// When the token has expired.
    pub fn exp(&self) -> u64 {
        self.token.exp
    }

    /// What this EES has to know of it.
    pub fn for_ees(&self, ees: &str) -> Option<RevokedToken> {
        let concerns = self.audience.as_ref().is_none_or(|audience| audience == ees);
        concerns.then(|| self.token.clone())
    }
}

/// A revoked client, as it is kept. Earlier versions kept it under its name, without its identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptClient {
    #[serde(flatten)]
    client: RevokedClient,
    /// The EESs that its tokens are for; not known of those that an earlier version kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    audiences: Option<BTreeSet<EesId>>,
}

impl KeptClient {
    /// Until when its tokens are void: those with this `iat` or an earlier one.
    pub fn until(&self) -> u64 {
        self.client.until
    }

    /// When the last of its tokens has expired.
    pub fn exp(&self) -> u64 {
        self.client.exp
    }

    /// The EESs that its tokens are for.
    pub fn audiences(&self) -> Option<&BTreeSet<EesId>> {
        self.audiences.as_ref()
    }

    /// Bytes that it takes in a list, about.
    pub fn size(&self) -> usize {
        let identity = self
            .client
            .identity
            .as_ref()
            .map_or(0, |identity| identity.as_str().len());
        80 + self.client.sub.len() + identity
    }

    /// What this EES has to know of it.
    pub fn for_ees(&self, ees: &str) -> Option<RevokedClient> {
        let audiences = self.audiences.as_ref();
        let concerns = audiences.is_none_or(|audiences| audiences.iter().any(|audience| audience.as_str() == ees));
        concerns.then(|| self.client.clone())
    }
}

/// Tokens to be revoked, all that a client has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllOf {
    /// Its name in them.
    pub client_id: String,
    /// The EESs that they can be for; any where that is not known.
    pub audiences: Option<BTreeSet<EesId>>,
}

impl AllOf {
    /// The same, and those for these EESs.
    #[must_use]
    pub fn and_for(mut self, audiences: Option<&BTreeSet<EesId>>) -> Self {
        self.audiences = match (self.audiences, audiences) {
            (Some(these), Some(those)) => Some(&these | those),
            _ => None,
        };
        self
    }
}

/// Where the single tokens of a client are remembered.
pub fn tokens_of(client: &Owner) -> String {
    format!("{TOKENS}{}/", Key::part(client.as_str()))
}

/// Where a revoked token is remembered.
pub fn token_key(client: &Owner, jti: &str) -> Key {
    Key::from(format!("{}{}", tokens_of(client), Key::part(jti)))
}

/// Where a revoked client is remembered.
pub fn client_key(client: &Owner) -> Key {
    Key::from(format!("{CLIENTS}{}", Key::part(client.as_str())))
}

/// A token as it is remembered.
pub fn token(by: &Principal, audience: &str, jti: &str, exp: u64) -> Kept<KeptToken> {
    let token = RevokedToken {
        jti: jti.to_owned(),
        exp,
    };
    Kept {
        owner: by.owner().clone(),
        expires_at: Some(forgotten_at(exp)),
        value: KeptToken {
            token,
            audience: Some(audience.to_owned()),
        },
    }
}

/// A client as it is remembered, all of whose tokens up to `until` are revoked.
pub fn client(by: Owner, identity: &Owner, all: AllOf, until: u64) -> Kept<KeptClient> {
    let exp = until + u64::from(LONGEST_LIFE);
    let client = RevokedClient {
        sub: all.client_id,
        identity: Some(identity.clone()),
        until,
        exp,
    };
    Kept {
        owner: by,
        expires_at: Some(forgotten_at(exp)),
        value: KeptClient {
            client,
            audiences: all.audiences,
        },
    }
}

/// When nothing that expires then can be taken for good any more, whatever the clocks.
fn forgotten_at(exp: u64) -> DateTime {
    let second = i64::try_from(exp + 2 * u64::from(SKEW)).unwrap_or(i64::MAX);
    DateTime(jiff::Timestamp::from_second(second).unwrap_or(jiff::Timestamp::MAX))
}

/// What is revoked, out of all entries.
///
/// # Errors
/// When an entry cannot be read.
pub fn listed(entries: &[Entry], now: DateTime) -> Result<(Vec<KeptToken>, Vec<KeptClient>), Error> {
    let (mut tokens, mut clients) = (Vec::new(), Vec::new());
    for entry in entries {
        if entry.key.as_str().starts_with(TOKENS) {
            let kept: Kept<KeptToken> = Kept::from_entry(entry)?;
            tokens.extend(kept.is_live(now).then_some(kept.value));
        } else if entry.key.as_str().starts_with(CLIENTS) {
            let kept: Kept<KeptClient> = Kept::from_entry(entry)?;
            clients.extend(kept.is_live(now).then_some(kept.value));
        }
    }
    Ok((tokens, clients))
}
