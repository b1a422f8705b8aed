//! Onboarding credentials (TS 33.122 clause 6.1): an operator makes them, invokers and providers use them up. Of the secret only a hash is kept.

use crate::core_function::{CoreFunction, same_digest, sha256};
use edgeapp_core::{
    error::{Cause, Error, Kind},
    evidence::{SecurityEvent, SecurityEventKind},
    kept::Kept,
    principal::Principal,
    room::{Decision, Seen, contended, fresh_id},
    store::{Key, Span},
    token::to_base64url,
};
use edgeapp_openapi::{common::DateTime, ids::EasId};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// Keys of credentials.
pub const CREDENTIALS: &str = "capif/credential/";
/// How long after its end a credential is remembered, so that its bearer hears why it does not count, in hours.
const REMEMBERED: i64 = 7 * 24;

/// Whom a credential is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "lowercase")]
pub enum Bearer {
    /// API invokers of this application.
    Invoker {
        /// `easId`: the EASID that their certificates name.
        #[serde(rename = "easId")]
        eas_id: EasId,
    },
    /// API providers.
    Provider,
}

impl Bearer {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Invoker { .. } => "API invokers",
            Self::Provider => "API providers",
        }
    }
}

/// A credential to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewCredential {
    /// Whom it is for.
    #[serde(flatten)]
    pub bearer: Bearer,
    /// `uses`: how often it can be used; once when not given.
    #[serde(default = "once")]
    pub uses: u32,
    /// `ttl`: how long it can be used, in seconds; a day when not given.
    #[serde(default = "a_day")]
    pub ttl: u32,
    /// `note`: what it is for, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

fn once() -> u32 {
    1
}

fn a_day() -> u32 {
    86_400
}

/// A credential as operators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Credential {
    /// `id`: its name.
    pub id: String,
    /// Whom it is for.
    #[serde(flatten)]
    pub bearer: Bearer,
    /// `usesLeft`: how often it can still be used.
    pub uses_left: u32,
    /// `endsAt`: until when.
    pub ends_at: DateTime,
    /// `note`: what it is for, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A credential as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KeptCredential {
    #[serde(flatten)]
    credential: Credential,
    hash: String,
}

/// A credential with its secret, which is told once. Its `Debug` shows no secret.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// The credential.
    #[serde(flatten)]
    pub credential: Credential,
    /// `secret`: what its bearer presents.
    pub secret: String,
}

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} with its secret", self.credential)
    }
}

fn credential_key(id: &str) -> Key {
    Key::from(format!("{CREDENTIALS}{}", Key::part(id)))
}

fn refused(why: impl Into<String>) -> Error {
    Error::new(Kind::Unauthenticated, Cause::CredentialNotAccepted, why.into())
}

/// Pure: the credential after one more use by this kind of bearer.
///
/// # Errors
/// Why it cannot be used: it is for somebody else, past its time, or used up.
pub fn used(credential: &Credential, wanted: Wanted, now: DateTime) -> Result<Credential, Error> {
    let fits = match (&credential.bearer, wanted) {
        (Bearer::Invoker { .. }, Wanted::Invoker) | (Bearer::Provider, Wanted::Provider) => true,
        (Bearer::Invoker { .. } | Bearer::Provider, Wanted::Invoker | Wanted::Provider) => false,
    };
    if !fits {
        return Err(refused(format!(
            "the onboarding credential is one for {}",
            credential.bearer.as_str()
        )));
    }
    if credential.ends_at <= now {
        return Err(refused(format!(
            "the onboarding credential expired at {}",
            credential.ends_at
        )));
    }
    let uses_left = credential.uses_left.checked_sub(1);
    let uses_left =
        uses_left.ok_or_else(|| refused("the onboarding credential is used up; ask the operator for another one"))?;
    Ok(Credential {
        uses_left,
        ..credential.clone()
    })
}

/// What a credential is presented for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// To be onboarded as an API invoker.
    Invoker,
    /// To register a provider domain.
    Provider,
}

impl CoreFunction {
    /// Makes a credential. Its secret is told in the answer, and never again.
    ///
    /// # Errors
    /// When uses or time are out of bounds; when the store fails.
    pub async fn new_credential(&self, by: &Principal, wanted: &NewCredential) -> Result<Told, Error> {
        if wanted.uses == 0 || wanted.uses > 100_000 {
            return Err(Error::optional_incorrect("/uses", "must be from 1 to 100000"));
        }
        if wanted.ttl == 0 || wanted.ttl > 366 * 86_400 {
            return Err(Error::optional_incorrect("/ttl", "must be from 1 to 31622400 seconds"));
        }
        let mut secret = [0; 32];
        aws_lc_rs::rand::fill(&mut secret).map_err(|_| Error::internal("the system has no randomness"))?;
        let (id, secret) = (fresh_id(), to_base64url(&secret));
        let ends_at = DateTime(self.room().now().0 + SignedDuration::from_secs(i64::from(wanted.ttl)));
        let credential = Credential {
            id: id.clone(),
            bearer: wanted.bearer.clone(),
            uses_left: wanted.uses,
            ends_at,
            note: wanted.note.clone(),
        };
        let kept = KeptCredential {
            credential: credential.clone(),
            hash: sha256(&secret),
        };
        let remembered = DateTime(ends_at.0 + SignedDuration::from_hours(REMEMBERED));
        let key = credential_key(&id);
        let mut seen = self.room().look();
        seen.fresh(&key);
        let decision = Decision::of(()).put(&key, &Kept::new(by, Some(remembered), kept))?;
        self.room().commit(seen, decision).await?.ok_or_else(contended)?;
        let made = format!("made an onboarding credential for {}", wanted.bearer.as_str());
        let event = SecurityEvent::new(SecurityEventKind::AdminAction, made);
        self.remember(event.by(by.owner()).about(format!("credential {id}")));
        Ok(Told {
            credential,
            secret: format!("{id}.{secret}"),
        })
    }

    /// All credentials that are remembered.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn credentials(&self) -> Result<Vec<Credential>, Error> {
        let now = self.room().now();
        let entries = self.room().store().range(Span::prefix(CREDENTIALS)).await?.entries;
        let kept = entries.iter().map(Kept::<KeptCredential>::from_entry);
        let live = kept.filter(|kept| kept.as_ref().map_or(true, |kept| kept.is_live(now)));
        live.map(|kept| Ok(kept?.value.credential)).collect()
    }

    /// Ends a credential: it counts no more.
    ///
    /// # Errors
    /// When there is no such credential; when the store fails.
    pub async fn revoke_credential(&self, by: &Principal, id: &str) -> Result<(), Error> {
        let key = credential_key(id);
        for mut seen in self.room().attempts() {
            if seen.kept::<KeptCredential>(&key).await?.is_none() {
                return Err(Error::not_found("onboarding credential"));
            }
            let decision = Decision::of(()).delete(&key);
            if self.room().commit(seen, decision).await?.is_some() {
                let event = SecurityEvent::new(SecurityEventKind::AdminAction, "revoked an onboarding credential");
                self.remember(event.by(by.owner()).about(format!("credential {id}")));
                return Ok(());
            }
        }
        Err(contended())
    }

    /// Uses a credential once, within an attempt: what it says of its bearer, and the change to commit.
    pub(crate) async fn use_credential(
        &self,
        seen: &mut Seen,
        presented: Option<&str>,
        wanted: Wanted,
    ) -> Result<(Credential, Decision<()>), Error> {
        self.rests_on_dates()?;
        let unknown = || refused("the onboarding credential is not known here; it may have been revoked");
        let presented = presented.ok_or_else(|| {
            refused("an onboarding credential is missing: send the one that the operator gave you, as Authorization: Bearer")
        })?;
        let (id, secret) = presented.trim().split_once('.').ok_or_else(unknown)?;
        let key = credential_key(id);
        let kept: Kept<KeptCredential> = seen.kept(&key).await?.ok_or_else(unknown)?;
        // Whoever does not have the secret learns nothing of the credential.
        if !same_digest(&kept.value.hash, &sha256(secret)) {
            return Err(unknown());
        }
        let next = used(&kept.value.credential, wanted, seen.now())?;
        let value = KeptCredential {
            credential: next.clone(),
            hash: kept.value.hash.clone(),
        };
        let decision = Decision::of(()).put(&key, &Kept { value, ..kept })?;
        Ok((next, decision))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn credential(bearer: Bearer, uses_left: u32) -> Credential {
        Credential {
            id: "c".to_owned(),
            bearer,
            uses_left,
            ends_at: "2030-01-01T00:00:00Z".parse().expect("an instant"),
            note: None,
        }
    }

    fn at(text: &str) -> DateTime {
        text.parse().expect("an instant")
    }

    #[test]
    fn a_credential_says_why_it_does_not_count() {
        let early = at("2029-12-31T23:59:59Z");
        let why = |credential: &Credential, wanted, now| {
            used(credential, wanted, now).expect_err("refused").detail.into_owned()
        };
        let provider = credential(Bearer::Provider, 1);
        assert!(why(&provider, Wanted::Invoker, early).contains("API providers"));
        assert!(why(&provider, Wanted::Provider, at("2030-01-01T00:00:00Z")).contains("expired"));
        assert!(why(&credential(Bearer::Provider, 0), Wanted::Provider, early).contains("used up"));
    }

    proptest! {
        #[test]
        fn a_credential_can_be_used_as_often_as_it_says(uses in 0u32..20) {
            let eas_id = "eas.example".parse().expect("an identifier");
            let mut credential = credential(Bearer::Invoker { eas_id }, uses);
            let mut used_times = 0;
            while let Ok(next) = used(&credential, Wanted::Invoker, at("2029-01-01T00:00:00Z")) {
                credential = next;
                used_times += 1;
            }
            prop_assert_eq!(used_times, uses);
        }
    }
}
