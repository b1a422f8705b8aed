//! What was taken back, as it is kept: single tokens, and all tokens of a client up to an instant. Each is remembered until what it
//! revokes would have expired anyway.

use edgeapp_core::{
    error::Error,
    kept::Kept,
    principal::{Owner, Principal},
    store::{Entry, Key},
    token::{LONGEST_LIFE, RevokedClient, RevokedToken, SKEW},
};
use edgeapp_openapi::common::DateTime;
use serde::{Deserialize, Serialize};

/// Under which all that has to do with tokens is kept.
pub const PREFIX: &str = "token/";
/// The number of the list of revocations; part of every change to it.
pub const SEQUENCE: &str = "token/sequence";
/// The signing keys.
pub const SIGNING_KEYS: &str = "token/signing-keys";
/// The clients that were registered last.
pub const REGISTERED: &str = "token/registered";
const TOKENS: &str = "token/revoked/";
const CLIENTS: &str = "token/revoked-client/";

/// Single tokens of one client that are remembered; with one more, all that it has are revoked.
pub const MOST_OF_ONE_CLIENT: usize = 100;

/// Single tokens of all clients that are remembered, about: beyond that, whoever revokes one more revokes all that the client has. An EES
/// reads lists of up to 4 MiB; so many single tokens are less than half of it, and the rest is left to revoked clients.
pub const MOST_IN_ALL: usize = 10_000;

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

/// Where the single tokens of a client are remembered.
pub fn tokens_of(client: &str) -> String {
    format!("{TOKENS}{}/", Key::part(client))
}

/// Where a revoked token is remembered.
pub fn token_key(client: &str, jti: &str) -> Key {
    Key::from(format!("{}{}", tokens_of(client), Key::part(jti)))
}

/// Where a revoked client is remembered.
pub fn client_key(client: &str) -> Key {
    Key::from(format!("{CLIENTS}{}", Key::part(client)))
}

/// A token as it is remembered.
pub fn token(by: &Principal, jti: &str, exp: u64) -> Kept<RevokedToken> {
    let value = RevokedToken {
        jti: jti.to_owned(),
        exp,
    };
    Kept {
        owner: by.owner().clone(),
        expires_at: Some(forgotten_at(exp)),
        value,
    }
}

/// A client as it is remembered, all of whose tokens up to `until` are revoked.
pub fn client(owner: Owner, id: &str, until: u64) -> Kept<RevokedClient> {
    let exp = until + u64::from(LONGEST_LIFE);
    let value = RevokedClient {
        sub: id.to_owned(),
        until,
        exp,
    };
    Kept {
        owner,
        expires_at: Some(forgotten_at(exp)),
        value,
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
pub fn listed(entries: &[Entry], now: DateTime) -> Result<(Vec<RevokedToken>, Vec<RevokedClient>), Error> {
    let (mut tokens, mut clients) = (Vec::new(), Vec::new());
    for entry in entries {
        if entry.key.as_str().starts_with(TOKENS) {
            let kept: Kept<RevokedToken> = Kept::from_entry(entry)?;
            tokens.extend(kept.is_live(now).then_some(kept.value));
        } else if entry.key.as_str().starts_with(CLIENTS) {
            let kept: Kept<RevokedClient> = Kept::from_entry(entry)?;
            clients.extend(kept.is_live(now).then_some(kept.value));
        }
    }
    Ok((tokens, clients))
}
