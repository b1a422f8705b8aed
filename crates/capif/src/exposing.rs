//! The rules of an API exposing function (TS 29.558 clause 10.2, TS 29.222 clause 6): which token lets an invoker call which API, and
//! which authorizations were taken back.

use crate::{scope::Scope, token::Claims};
use async_trait::async_trait;
use edgeapp_core::{
    error::{Cause, Error},
    follow::{Follower, View},
    kept::Kept,
    principal::{Principal, Role},
    room::{Decision, Room, contended},
    store::{Change, Entry, Key},
    token::{ACCESS_TOKEN, Jwk, JwkSet, Thumbprint},
};
use edgeapp_openapi::{
    capif::{
        FunctionId, ServiceApiId,
        aef_security::{
            CheckAuthenticationReq, CheckAuthenticationRsp, RevokeAuthorizationReq, RevokeAuthorizationRsp,
        },
        features,
    },
    common::DateTime,
};
use jiff::SignedDuration;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, PoisonError, RwLock},
};

/// Keys of what was taken back: `capif-aef/revoked/<invoker>/<apiId>`.
const REVOKED: &str = "capif-aef/revoked/";
/// How far clocks may differ, in seconds (TS 33.122 clause C.2.2).
const LEEWAY: u64 = 30;
/// Longest token that is looked at, in bytes.
const LONGEST: usize = 16 * 1024;

/// Why a token does not let its bearer call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// It is no token of the core function: unreadable, of another kind, or not signed by one of its keys.
    #[error("the token is none of the core function")]
    NotOurs,
    /// Its claims name two invokers.
    #[error("the token names two API invokers")]
    TwoInvokers,
    /// It is past its time.
    #[error("the token is past its time")]
    Expired,
    /// It is bound to another certificate than that of the connection.
    #[error("the token is bound to another certificate")]
    Bound,
    /// It is for other exposing functions.
    #[error("the token is for another AEF")]
    OtherAef,
    /// It is for other APIs of this one.
    #[error("the token is for another API")]
    OtherApi,
    /// What it allows was taken back.
    #[error("the authorization was taken back")]
    Revoked,
}

impl Flaw {
    /// Whether another token of the same invoker could do: then it is told which scope is missing, and otherwise only that this is none.
    pub fn is_about_scope(self) -> bool {
        matches!(self, Self::OtherAef | Self::OtherApi)
    }
}

/// Pure: the claims of a token that one of these keys signed.
///
/// # Errors
/// [`Flaw::NotOurs`].
pub fn signed(token: &str, keys: &JwkSet) -> Result<Claims, Flaw> {
    if token.len() > LONGEST {
        return Err(Flaw::NotOurs);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| Flaw::NotOurs)?;
    let typed = header
        .typ
        .as_deref()
        .is_none_or(|typ| typ == ACCESS_TOKEN || typ.eq_ignore_ascii_case("jwt"));
    if header.alg != Algorithm::ES256 || !typed {
        return Err(Flaw::NotOurs);
    }
    let named = |key: &&Jwk| key.kty == "EC" && (header.kid.is_none() || key.kid == header.kid);
    let mut rules = Validation::new(Algorithm::ES256);
    rules.validate_exp = false;
    rules.validate_aud = false;
    rules.required_spec_claims.clear();
    keys.keys
        .iter()
        .filter(named)
        .filter_map(|key| DecodingKey::from_ec_components(key.x.as_deref()?, key.y.as_deref()?).ok())
        .find_map(|key| jsonwebtoken::decode::<Claims>(token, &key, &rules).ok())
        .map(|token| token.claims)
        .ok_or(Flaw::NotOurs)
}

/// Pure: whether claims let the holder of a certificate call an API: the four checks of TS 29.558 clause 10.2, and the binding.
///
/// # Errors
/// The first check that fails.
pub fn check(
    claims: &Claims,
    aef_id: &str,
    api_name: &str,
    proved: Option<&Thumbprint>,
    now: u64,
) -> Result<String, Flaw> {
    let invoker = claims.invoker().ok_or(Flaw::TwoInvokers)?;
    if claims.exp.saturating_add(LEEWAY) <= now || claims.iat.is_some_and(|iat| iat > now + LEEWAY) {
        return Err(Flaw::Expired);
    }
    if let Some(bound) = &claims.cnf
        && proved.is_none_or(|proved| proved.to_text() != bound.x5t_s256)
    {
        return Err(Flaw::Bound);
    }
    let scope: Scope = claims.scope.parse().map_err(|_| Flaw::OtherAef)?;
    if !scope.names(aef_id) {
        return Err(Flaw::OtherAef);
    }
    match scope.allows(aef_id, api_name) {
        true => Ok(invoker.to_owned()),
        false => Err(Flaw::OtherApi),
    }
}

/// Where an exposing function asks what an invoker may use: its core function.
#[async_trait]
pub trait Trusted: Send + Sync + 'static {
    /// What the invoker may use here; `None` when the core function knows of nothing.
    ///
    /// # Errors
    /// When it cannot be asked.
    async fn authorization(&self, invoker: &str) -> Result<Option<Scope>, Error>;
}

/// What an exposing function is asked over AEF_Security.
#[async_trait]
pub trait AefSecurity: Send + Sync + 'static {
    /// Makes sure that an invoker is known here.
    ///
    /// # Errors
    /// When the core function does not know it, or cannot be asked.
    async fn check_authentication(
        &self,
        by: &Principal,
        request: &CheckAuthenticationReq,
    ) -> Result<CheckAuthenticationRsp, Error>;

    /// Takes authorizations back. They stay so across restarts.
    ///
    /// # Errors
    /// When it is not the core function that asks, or the store fails.
    async fn revoke_authorization(
        &self,
        by: &Principal,
        request: &RevokeAuthorizationReq,
    ) -> Result<RevokeAuthorizationRsp, Error>;
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Revoked {
    invoker: String,
    api: ServiceApiId,
}

/// What was taken back: a read model.
#[derive(Default)]
struct TakenBack(RwLock<BTreeMap<Key, (Revoked, Option<DateTime>)>>);

impl View for TakenBack {
    fn reset(&self, entries: Vec<Entry>) {
        let of = |entry: Entry| {
            let kept = Kept::<Revoked>::from_entry(&entry).ok()?;
            Some((entry.key, (kept.value, kept.expires_at)))
        };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = entries.into_iter().filter_map(of).collect();
    }

    fn apply(&self, changes: Vec<Change>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            match change {
                Change::Put(entry) => {
                    if let Ok(kept) = Kept::<Revoked>::from_entry(&entry) {
                        known.insert(entry.key, (kept.value, kept.expires_at));
                    }
                }
                Change::Deleted(key, _) => {
                    known.remove(&key);
                }
            }
        }
    }
}

/// An exposing function at work: the APIs it published, the keys of its core function, what was taken back.
pub struct Exposing {
    room: Room,
    aef_id: FunctionId,
    /// How long a token of the core function can live at most, in seconds.
    longest_token: u32,
    trusted: Arc<dyn Trusted>,
    apis: RwLock<BTreeMap<ServiceApiId, String>>,
    keys: RwLock<Arc<JwkSet>>,
    taken_back: Arc<TakenBack>,
    follower: Follower,
}

fn revoked_key(invoker: &str, api: &str) -> Key {
    Key::from(format!("{REVOKED}{}/{}", Key::part(invoker), Key::part(api)))
}

impl Exposing {
    /// Takes up what was taken back before.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn start(
        room: Room,
        aef_id: FunctionId,
        longest_token: u32,
        trusted: Arc<dyn Trusted>,
    ) -> Result<Arc<Self>, Error> {
        let taken_back = Arc::new(TakenBack::default());
        let follower = Follower::start(room.store().clone(), REVOKED, taken_back.clone()).await?;
        Ok(Arc::new(Self {
            room,
            aef_id,
            longest_token,
            trusted,
            apis: RwLock::default(),
            keys: RwLock::default(),
            taken_back,
            follower,
        }))
    }

    /// The APIs that are published: their identifiers and names.
    pub fn publishes(&self, apis: BTreeMap<ServiceApiId, String>) {
        *self.apis.write().unwrap_or_else(PoisonError::into_inner) = apis;
    }

    /// The keys that tokens are verified with from now on.
    pub fn goes_by(&self, keys: JwkSet) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// Whether what an invoker may do with an API was taken back. A revocation counts as long as a token from before it can live.
    pub fn is_revoked(&self, invoker: &str, api_name: &str) -> bool {
        let names: HashSet<ServiceApiId> = {
            let apis = self.apis.read().unwrap_or_else(PoisonError::into_inner);
            let of_name = apis.iter().filter(|(_, name)| *name == api_name);
            of_name.map(|(id, _)| id.clone()).collect()
        };
        let now = self.room.now();
        let known = self.taken_back.0.read().unwrap_or_else(PoisonError::into_inner);
        names.iter().any(|id| {
            known
                .get(&revoked_key(invoker, id.as_str()))
                .is_some_and(|(_, until)| until.is_none_or(|until| now < until))
        })
    }

    /// The invoker whom this token lets call an API.
    ///
    /// # Errors
    /// Why it does not.
    pub fn verify(&self, token: &str, api_name: &str, proved: Option<&Thumbprint>) -> Result<String, Flaw> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner).clone();
        let claims = signed(token, &keys)?;
        let now = u64::try_from(self.room.now().0.as_second()).unwrap_or_default();
        let invoker = check(&claims, self.aef_id.as_str(), api_name, proved, now)?;
        match self.is_revoked(&invoker, api_name) {
            true => Err(Flaw::Revoked),
            false => Ok(invoker),
        }
    }
}

#[async_trait]
impl AefSecurity for Exposing {
    async fn check_authentication(
        &self,
        _: &Principal,
        request: &CheckAuthenticationReq,
    ) -> Result<CheckAuthenticationRsp, Error> {
        let known = self.trusted.authorization(request.api_invoker_id.as_str()).await?;
        known.ok_or_else(|| Error::not_found("API invoker with a security context for this AEF"))?;
        Ok(CheckAuthenticationRsp {
            supported_features: features::NONE,
        })
    }

    async fn revoke_authorization(
        &self,
        by: &Principal,
        request: &RevokeAuthorizationReq,
    ) -> Result<RevokeAuthorizationRsp, Error> {
        if by.role() != Role::Ccf {
            return Err(Error::forbidden(
                Cause::Unauthorized,
                "only the CAPIF core function takes authorizations back",
            ));
        }
        let info = &request.revoke_info;
        if info.aef_id.as_ref().is_some_and(|named| *named != self.aef_id) {
            return Err(Error::optional_incorrect("/revokeInfo/aefId", "is another AEF"));
        }
        for mut seen in self.room.attempts() {
            let until = DateTime(seen.now().0 + SignedDuration::from_secs(i64::from(self.longest_token)));
            let mut decision = Decision::of(());
            for api in &info.api_ids {
                let key = revoked_key(info.api_invoker_id.as_str(), api.as_str());
                seen.entry(&key).await?;
                let revoked = Revoked {
                    invoker: info.api_invoker_id.to_string(),
                    api: api.clone(),
                };
                decision = decision.put(&key, &Kept::new(by, Some(until), revoked))?;
            }
            if let Some(((), revision)) = self.room.commit(seen, decision).await? {
                self.follower.caught_up(revision).await;
                return Ok(RevokeAuthorizationRsp {
                    supported_features: features::NONE,
                });
            }
        }
        Err(contended())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgeapp_core::token::Confirmation;
    use proptest::prelude::*;

    fn claims(scope: &str, exp: u64) -> Claims {
        Claims {
            iss: "INV1".to_owned(),
            client_id: Some("INV1".to_owned()),
            scope: scope.to_owned(),
            exp,
            iat: None,
            jti: None,
            cnf: None,
        }
    }

    #[test]
    fn the_four_checks() {
        let verdict = |claims: &Claims, now| check(claims, "AEF1", "a", None, now);
        let good = claims("3gpp#AEF1:a", 100);
        assert_eq!(verdict(&good, 99), Ok("INV1".to_owned()));
        assert_eq!(verdict(&good, 100 + LEEWAY), Err(Flaw::Expired));
        assert_eq!(verdict(&claims("3gpp#AEF2:a", 100), 1), Err(Flaw::OtherAef));
        assert_eq!(verdict(&claims("3gpp#AEF1:b", 100), 1), Err(Flaw::OtherApi));
        assert_eq!(verdict(&claims("AEF1:a", 100), 1), Err(Flaw::OtherAef));
        let two = Claims {
            client_id: Some("INV2".to_owned()),
            ..good.clone()
        };
        assert_eq!(verdict(&two, 1), Err(Flaw::TwoInvokers));
        let only_iss = Claims {
            client_id: None,
            ..good
        };
        assert!(verdict(&only_iss, 1).is_ok());
    }

    #[test]
    fn a_bound_token_needs_its_certificate() {
        let (own, other) = (Thumbprint::new([1; 32]), Thumbprint::new([2; 32]));
        let bound = Claims {
            cnf: Some(Confirmation {
                x5t_s256: own.to_text(),
            }),
            ..claims("3gpp#AEF1:a", 100)
        };
        let verdict = |proved| check(&bound, "AEF1", "a", proved, 1);
        assert!(verdict(Some(&own)).is_ok());
        assert_eq!(verdict(Some(&other)), Err(Flaw::Bound));
        assert_eq!(verdict(None), Err(Flaw::Bound));
    }

    proptest! {
        #[test]
        fn what_is_no_token_is_refused(text in ".{0,80}") {
            prop_assert_eq!(signed(&text, &JwkSet::default()), Err(Flaw::NotOurs));
        }
    }
}
