//! Access tokens instead of local policy: what an EES asks of its callers when its ECS issues tokens for it (TS 33.558 clause 6.3).
//!
//! | module | what it holds |
//! |---|---|
//! | [`jws`], [`keys`] | size, form, header, key, signature |
//! | [`claims`] | what a token says: issuer, audience, dates |
//! | [`revocations`] | what was taken back |
//! | [`verifier`] | the whole order, and what is remembered of it |
//! | [`follow`] | how keys and revocations are kept up with, and kept |
//! | [`flaw`] | what can be wrong |
//!
//! The authorizer here decides by the token and the operation; what stands behind it (roles, local policy) decides as well. Nothing is
//! ever allowed without a token at a reference point that demands one.

pub mod claims;
pub mod flaw;
pub mod follow;
pub mod jws;
pub mod keys;
pub mod revocations;
#[cfg(test)]
mod tests;
pub mod verifier;

use edgeapp_core::{
    authorizer::{Ask, Authorizer, Credentials, ReferencePoint},
    clock::Clock,
    error::{Cause, Challenge, ChallengeError, Error, Kind},
    evidence::{Evidence, SecurityEvent, SecurityEventKind},
    token::scope,
};
use std::sync::Arc;
use tokio::sync::Notify;
use verifier::{Refusal, Verifier};

/// Demands a token at some reference points.
pub struct TokenAuthorizer {
    points: Vec<ReferencePoint>,
    verifier: Arc<Verifier>,
    realm: Arc<str>,
    clock: Arc<dyn Clock>,
    evidence: Arc<dyn Evidence>,
    behind: Arc<dyn Authorizer>,
    unknown_key: Arc<Notify>,
}

impl TokenAuthorizer {
    /// Demands a token that `verifier` finds good at these reference points; everywhere, `behind` decides too.
    pub fn new(
        points: Vec<ReferencePoint>,
        verifier: Arc<Verifier>,
        clock: Arc<dyn Clock>,
        evidence: Arc<dyn Evidence>,
        behind: Arc<dyn Authorizer>,
    ) -> Self {
        Self {
            points,
            realm: verifier.rules().expected.audience.as_str().into(),
            verifier,
            clock,
            evidence,
            behind,
            unknown_key: Arc::default(),
        }
    }

    /// Tells this when a token names a key that is not known: there may be a new one.
    pub fn ask_for_keys(mut self, unknown_key: Arc<Notify>) -> Self {
        self.unknown_key = unknown_key;
        self
    }

    fn by_token(&self, ask: &Ask<'_>) -> Result<(), Error> {
        let token = match ask.credentials {
            Credentials::Bearer(token) => token,
            Credentials::None => {
                self.tell(ask, SecurityEventKind::AuthzDenied, "no token");
                return Err(self.refusal(Kind::Unauthenticated, None, "this server wants an access token"));
            }
            Credentials::Unclear => {
                self.tell(ask, SecurityEventKind::TokenInvalid, "UNCLEAR");
                let error = Some(ChallengeError::InvalidRequest);
                return Err(self.refusal(
                    Kind::Invalid,
                    error,
                    "present one access token, in the Authorization header",
                ));
            }
        };
        let Some(thumbprint) = ask.thumbprint else {
            return Err(Error::internal("a request without a certificate"));
        };
        let now = u64::try_from(self.clock.now().0.as_second()).unwrap_or_default();
        let verified = match self.verifier.verify(token, thumbprint, ask.principal, now) {
            Ok(verified) => verified,
            Err(Refusal::Flawed(flaw)) => {
                if flaw == flaw::Flaw::UnknownKey {
                    self.unknown_key.notify_one();
                }
                let kind = if flaw.is_of_binding() {
                    SecurityEventKind::TokenBindingMismatch
                } else {
                    SecurityEventKind::TokenInvalid
                };
                self.tell(ask, kind, flaw.as_str());
                let error = Some(ChallengeError::InvalidToken);
                return Err(self.refusal(
                    Kind::Unauthenticated,
                    error,
                    "the access token is not good here and now",
                ));
            }
            Err(Refusal::NotNow) => {
                tracing::warn!(
                    "tokens cannot be judged: the keys or revocations of the issuer are not known or too old"
                );
                return Err(Error::unavailable("access tokens cannot be verified now"));
            }
        };
        if verified.scopes().any(|scope| scope::covers(scope, ask.operation)) {
            return Ok(());
        }
        // The refusal is the event: whoever answers with it tells of it.
        let error = Some(ChallengeError::InsufficientScope(ask.operation));
        Err(self.refusal(Kind::Forbidden, error, "the access token does not allow this operation"))
    }

    fn refusal(&self, kind: Kind, error: Option<ChallengeError>, detail: &'static str) -> Error {
        let cause = match kind {
            Kind::Invalid => Cause::InvalidMsgFormat,
            Kind::Forbidden => Cause::Unauthorized,
            _ => Cause::Unauthenticated,
        };
        Error::new(kind, cause, detail).with_challenge(Challenge {
            realm: self.realm.clone(),
            error,
        })
    }

    fn tell(&self, ask: &Ask<'_>, kind: SecurityEventKind, reason: &'static str) {
        let mut event = SecurityEvent::new(kind, reason)
            .by(ask.principal.owner())
            .about(ask.operation);
        event.from = ask.from;
        self.evidence.record(event);
    }
}

impl Authorizer for TokenAuthorizer {
    fn authorize(&self, ask: &Ask<'_>) -> Result<(), Error> {
        if self.points.contains(&ask.point) {
            self.by_token(ask)?;
        }
        self.behind.authorize(ask)
    }
}
