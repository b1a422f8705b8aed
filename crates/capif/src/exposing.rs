//! The rules of an API exposing function (TS 29.558 clause 10.2, TS 29.222 clause 6): which token lets an invoker call which API, and
//! which authorizations were taken back.

use crate::{scope::Scope, token::Claims};
use arc_swap::ArcSwap;
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
use quick_cache::{Equivalent, sync::Cache};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap},
    hash::{Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
};

/// Keys of what was taken back: `capif-aef/revoked/<invoker>/<API>`.
const REVOKED: &str = "capif-aef/revoked/";
/// How far clocks may differ, in seconds (TS 33.122 clause C.2.2).
const LEEWAY: u64 = 30;
/// Longest token that is looked at, in bytes.
const LONGEST: usize = 16 * 1024;
/// Verified tokens that are remembered, each of about 1 kB.
const REMEMBERED: usize = 32 * 1024;
/// How long what the core function said of an invoker counts, in seconds.
const FRESH: i64 = 30;
/// The same, while it cannot be asked again.
const STALE: i64 = 3600;
/// Invokers of whom that is remembered.
const MOST_CERTIFICATES: usize = 10_000;

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
    /// It is bound to no certificate.
    #[error("the token is bound to no certificate")]
    Unbound,
    /// It lives longer than revocations are remembered.
    #[error("the token lives too long")]
    LivesTooLong,
    /// What it allows was taken back.
    #[error("the authorization was taken back")]
    Revoked,
}

impl Flaw {
    /// The reason code in the evidence.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotOurs => "NOT_OURS",
            Self::TwoInvokers => "TWO_INVOKERS",
            Self::Expired => "EXPIRED",
            Self::Bound => "OTHER_CERTIFICATE",
            Self::OtherAef => "OTHER_AEF",
            Self::OtherApi => "OTHER_API",
            Self::Unbound => "UNBOUND",
            Self::LivesTooLong => "LIVES_TOO_LONG",
            Self::Revoked => "REVOKED",
        }
    }

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

/// Pure: whether the instants in claims allow their use now.
fn dates(exp: u64, iat: Option<u64>, now: u64) -> Result<(), Flaw> {
    match exp.saturating_add(LEEWAY) <= now || iat.is_some_and(|iat| iat > now + LEEWAY) {
        true => Err(Flaw::Expired),
        false => Ok(()),
    }
}

/// Pure: whether the holder of this certificate is the one that a token is bound to.
fn binding(claims: &Claims, proved: Option<&Thumbprint>) -> Result<(), Flaw> {
    match &claims.cnf {
        Some(bound) if proved.is_none_or(|proved| proved.to_text() != bound.x5t_s256) => Err(Flaw::Bound),
        _ => Ok(()),
    }
}

/// Pure: whether a scope holds this API of this exposing function.
fn allows(scope: &Scope, aef_id: &str, api_name: &str) -> Result<(), Flaw> {
    if scope.allows(aef_id, api_name) {
        return Ok(());
    }
    Err(match scope.names(aef_id) {
        true => Flaw::OtherApi,
        false => Flaw::OtherAef,
    })
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
    dates(claims.exp, claims.iat, now)?;
    binding(claims, proved)?;
    let scope: Scope = claims.scope.parse().map_err(|_| Flaw::OtherAef)?;
    allows(&scope, aef_id, api_name)?;
    Ok(invoker.to_owned())
}

/// A token whose signature holds, on the connection that it was shown on.
struct Verified {
    invoker: Arc<str>,
    exp: u64,
    scope: Scope,
    generation: u64,
}

/// A token on a connection with a certificate.
#[derive(PartialEq, Eq)]
struct Shown {
    token: Box<str>,
    proved: Option<Thumbprint>,
}

/// The same, borrowed.
struct Showing<'a> {
    token: &'a str,
    proved: Option<&'a Thumbprint>,
}

impl Hash for Shown {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Showing {
            token: &self.token,
            proved: self.proved.as_ref(),
        }
        .hash(state);
    }
}

// The hash has a key of its own per process, and only tokens that the core function signed come into the cache.
impl Hash for Showing<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.token.as_bytes());
        if let Some(proved) = self.proved {
            state.write(&proved.as_bytes()[..8]);
        }
    }
}

impl Equivalent<Shown> for Showing<'_> {
    fn equivalent(&self, shown: &Shown) -> bool {
        *self.token == *shown.token && self.proved == shown.proved.as_ref()
    }
}

/// What an exposing function asks of tokens beyond the checks of the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenRules {
    /// Longest that a token may have to live, in seconds. What is taken back is remembered for as long.
    pub longest: u32,
    /// Tokens that are bound to no certificate are taken, whoever shows them.
    pub unbound: bool,
}

/// Where an exposing function asks what an invoker may use: its core function.
#[async_trait]
pub trait Trusted: Send + Sync + 'static {
    /// What the invoker may use here by its certificate alone (method PKI), which may be nothing; `None` when the core function knows
    /// of no security context of it here.
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
    /// When it is not the caller, the core function does not know it, or cannot be asked.
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
    /// Its name: it can be published anew under another identifier. The identifier, while no name is known for it.
    api: String,
}

/// By invoker and API: until when what was taken back is remembered; for ever without an instant.
type ByInvoker = HashMap<String, HashMap<String, Option<DateTime>>>;

/// What was taken back: a read model. Requests read a snapshot, without a lock.
#[derive(Default)]
struct TakenBack {
    entries: Mutex<BTreeMap<Key, (Revoked, Option<DateTime>)>>,
    snapshot: ArcSwap<ByInvoker>,
}

impl TakenBack {
    fn publish(&self, entries: &BTreeMap<Key, (Revoked, Option<DateTime>)>) {
        let mut all = ByInvoker::new();
        for (revoked, until) in entries.values() {
            let of_invoker = all.entry(revoked.invoker.clone()).or_default();
            of_invoker.insert(revoked.api.clone(), *until);
        }
        self.snapshot.store(Arc::new(all));
    }

    fn has(&self, invoker: &str, api: &str, now: DateTime) -> bool {
        let known = self.snapshot.load();
        let until = known.get(invoker).and_then(|apis| apis.get(api));
        until.is_some_and(|until| until.is_none_or(|until| now < until))
    }
}

impl View for TakenBack {
    fn reset(&self, entries: Vec<Entry>) {
        let of = |entry: Entry| {
            let kept = Kept::<Revoked>::from_entry(&entry).ok()?;
            Some((entry.key, (kept.value, kept.expires_at)))
        };
        let mut known = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        *known = entries.into_iter().filter_map(of).collect();
        self.publish(&known);
    }

    fn apply(&self, changes: Vec<Change>) {
        let mut known = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
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
        self.publish(&known);
    }
}

/// Who this exposing function is, what it published, and the keys of its core function, as it stands.
#[derive(Clone, Default)]
struct Standing {
    aef_id: Option<FunctionId>,
    ids: HashMap<String, ServiceApiId>,
    keys: JwkSet,
    generation: u64,
}

/// What an invoker may use by its certificate alone, as the core function said it.
struct ByCertificate {
    /// `None` where the core function knows of no context.
    scope: Option<Scope>,
    asked: DateTime,
}

/// An exposing function at work: the APIs it published, the keys of its core function, what was taken back.
pub struct Exposing {
    room: Room,
    rules: TokenRules,
    trusted: Arc<dyn Trusted>,
    standing: ArcSwap<Standing>,
    changing: Mutex<()>,
    cache: Cache<Shown, Arc<Verified>>,
    certificates: Mutex<HashMap<String, ByCertificate>>,
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
        let rules = TokenRules {
            longest: longest_token,
            unbound: false,
        };
        Self::start_with(room, Some(aef_id), rules, trusted).await
    }

    /// As [`Exposing::start`], with other rules for tokens. Without `aef_id`, it is not registered at a core function yet, and no token is good.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn start_with(
        room: Room,
        aef_id: Option<FunctionId>,
        rules: TokenRules,
        trusted: Arc<dyn Trusted>,
    ) -> Result<Arc<Self>, Error> {
        let taken_back = Arc::new(TakenBack::default());
        let follower = Follower::start(room.store().clone(), REVOKED, taken_back.clone()).await?;
        let standing = Standing {
            aef_id,
            ..Standing::default()
        };
        Ok(Arc::new(Self {
            room,
            rules,
            trusted,
            standing: ArcSwap::from_pointee(standing),
            changing: Mutex::default(),
            cache: Cache::new(REMEMBERED),
            certificates: Mutex::default(),
            taken_back,
            follower,
        }))
    }

    fn change(&self, change: impl FnOnce(&mut Standing)) {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = Standing::clone(&self.standing.load());
        change(&mut next);
        next.generation += 1;
        self.standing.store(Arc::new(next));
    }

    /// It is registered under this identifier from now on; nowhere without one.
    pub fn is_now(&self, aef_id: Option<FunctionId>) {
        if self.standing.load().aef_id != aef_id {
            self.change(|standing| standing.aef_id = aef_id);
        }
    }

    /// The APIs that are published: their identifiers and names.
    pub fn publishes(&self, apis: BTreeMap<ServiceApiId, String>) {
        let ids: HashMap<String, ServiceApiId> = apis.into_iter().map(|(id, name)| (name, id)).collect();
        if self.standing.load().ids != ids {
            self.change(|standing| standing.ids = ids);
        }
    }

    /// The keys that tokens are verified with from now on.
    pub fn goes_by(&self, keys: JwkSet) {
        if self.standing.load().keys != keys {
            self.change(|standing| standing.keys = keys);
        }
    }

    /// Its identifier, once it is registered.
    pub fn aef_id(&self) -> Option<FunctionId> {
        self.standing.load().aef_id.clone()
    }

    /// The identifier of an API that is published.
    pub fn api_id(&self, api_name: &str) -> Option<ServiceApiId> {
        self.standing.load().ids.get(api_name).cloned()
    }

    /// Whether what an invoker may do with an API was taken back. A revocation counts as long as a token from before it can live.
    pub fn is_revoked(&self, invoker: &str, api_name: &str) -> bool {
        let standing = self.standing.load();
        let now = self.room.now();
        let taken_back = |api: &str| self.taken_back.has(invoker, api, now);
        taken_back(api_name) || standing.ids.get(api_name).is_some_and(|id| taken_back(id.as_str()))
    }

    /// The invoker whom this token lets call an API. A token that was verified is found again by its text and the certificate of the
    /// connection; dates, scope and revocations are looked at each time.
    ///
    /// # Errors
    /// Why it does not.
    pub fn verify(&self, token: &str, api_name: &str, proved: Option<&Thumbprint>) -> Result<Arc<str>, Flaw> {
        let standing = self.standing.load();
        let aef_id = standing.aef_id.as_ref().ok_or(Flaw::NotOurs)?;
        let now = u64::try_from(self.room.now().0.as_second()).unwrap_or_default();
        let known = self.cache.get(&Showing { token, proved });
        let verified = match known.filter(|known| known.generation == standing.generation) {
            Some(known) => {
                dates(known.exp, None, now)?;
                known
            }
            None => {
                let verified = Arc::new(self.examine(token, &standing, proved, now)?);
                let shown = Shown {
                    token: token.into(),
                    proved: proved.copied(),
                };
                self.cache.insert(shown, verified.clone());
                verified
            }
        };
        allows(&verified.scope, aef_id.as_str(), api_name)?;
        match self.is_revoked(&verified.invoker, api_name) {
            true => Err(Flaw::Revoked),
            false => Ok(verified.invoker.clone()),
        }
    }

    /// Everything that can be said of a token without the API that it is shown for.
    fn examine(
        &self,
        token: &str,
        standing: &Standing,
        proved: Option<&Thumbprint>,
        now: u64,
    ) -> Result<Verified, Flaw> {
        let claims = signed(token, &standing.keys)?;
        let invoker = claims.invoker().ok_or(Flaw::TwoInvokers)?;
        dates(claims.exp, claims.iat, now)?;
        // Revocations are forgotten after the longest life: a token that could outlive them is none.
        if claims.exp > now + u64::from(self.rules.longest) + LEEWAY {
            return Err(Flaw::LivesTooLong);
        }
        if claims.cnf.is_none() && !self.rules.unbound {
            return Err(Flaw::Unbound);
        }
        binding(&claims, proved)?;
        Ok(Verified {
            invoker: invoker.into(),
            exp: claims.exp,
            scope: claims.scope.parse().map_err(|_| Flaw::OtherAef)?,
            generation: standing.generation,
        })
    }

    /// Whether the certificate of this invoker alone lets it call an API (method PKI). The core function is asked when nothing is known,
    /// or what is known is half a minute old; while it cannot be asked, what it said last counts for an hour.
    ///
    /// # Errors
    /// When nothing is known and the core function cannot be asked.
    pub async fn trusts(&self, invoker: &str, api_name: &str) -> Result<bool, Error> {
        let Some(aef_id) = self.aef_id() else { return Ok(false) };
        let allowed = |known: &ByCertificate| {
            let scope = known.scope.as_ref();
            scope.is_some_and(|scope| scope.allows(aef_id.as_str(), api_name))
        };
        let younger =
            |seconds: i64, known: &ByCertificate| self.room.now().0.as_second() - known.asked.0.as_second() < seconds;
        let known = |seconds: i64| {
            let all = self.certificates.lock().unwrap_or_else(PoisonError::into_inner);
            all.get(invoker).filter(|known| younger(seconds, known)).map(allowed)
        };
        let allowed = match known(FRESH) {
            Some(allowed) => allowed,
            None => match self.ask(invoker).await {
                Ok(_) => known(FRESH).unwrap_or(false),
                Err(error) => known(STALE).ok_or(error)?,
            },
        };
        Ok(allowed && !self.is_revoked(invoker, api_name))
    }

    /// Asks the core function about an invoker and remembers the answer.
    async fn ask(&self, invoker: &str) -> Result<bool, Error> {
        let scope = self.trusted.authorization(invoker).await?;
        let is_known = scope.is_some();
        let mut all = self.certificates.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST_CERTIFICATES {
            all.clear();
        }
        let asked = self.room.now();
        all.insert(invoker.to_owned(), ByCertificate { scope, asked });
        Ok(is_known)
    }
}

#[async_trait]
impl AefSecurity for Exposing {
    async fn check_authentication(
        &self,
        by: &Principal,
        request: &CheckAuthenticationReq,
    ) -> Result<CheckAuthenticationRsp, Error> {
        // Nobody learns here who else is an invoker.
        let is_own = by
            .owner()
            .as_str()
            .split_once('#')
            .is_some_and(|(_, own)| own == request.api_invoker_id.as_str());
        if !is_own || !self.ask(request.api_invoker_id.as_str()).await? {
            return Err(Error::not_found("API invoker with a security context for this AEF"));
        }
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
        if info.aef_id.is_some() && info.aef_id != self.aef_id() {
            return Err(Error::optional_incorrect("/revokeInfo/aefId", "is another AEF"));
        }
        for mut seen in self.room.attempts() {
            let until = DateTime(
                seen.now().0 + SignedDuration::from_secs(i64::from(self.rules.longest) + 2 * LEEWAY.cast_signed()),
            );
            let mut decision = Decision::of(());
            let standing = self.standing.load_full();
            for id in &info.api_ids {
                let name = standing.ids.iter().find(|(_, known)| *known == id);
                let revoked = Revoked {
                    invoker: info.api_invoker_id.to_string(),
                    api: name.map_or_else(|| id.to_string(), |(name, _)| name.clone()),
                };
                let key = revoked_key(&revoked.invoker, &revoked.api);
                seen.entry(&key).await?;
                decision = decision.put(&key, &Kept::new(by, Some(until), revoked))?;
            }
            if let Some(((), revision)) = self.room.commit(seen, decision).await? {
                self.follower.caught_up(revision).await;
                let mut all = self.certificates.lock().unwrap_or_else(PoisonError::into_inner);
                all.remove(info.api_invoker_id.as_str());
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
