//! Verification in the order of the project's security reference, D.4, offline. What holds for as long as keys and revocations do not
//! change is done once per token and certificate; what time, certificate and operation decide is done with each request.

use super::{
    claims::{self, Expected},
    flaw::Flaw,
    jws,
    keys::KeySet,
    revocations::Revocations,
};
use arc_swap::ArcSwap;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use edgeapp_core::{
    principal::{Owner, Principal},
    token::{ACCESS_TOKEN, AccessTokenClaims, Thumbprint, client_id, from_base64url},
};
use quick_cache::{Equivalent, sync::Cache};
use std::{
    hash::{Hash, Hasher},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Verified tokens that are remembered, each of about 1 kB.
const REMEMBERED: usize = 32 * 1024;

/// After so many answers in a row that were refused for what they said, a server is not ready.
const MOST_REFUSED: u32 = 5;

/// What is known of an issuer at one time.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Its keys.
    pub keys: KeySet,
    /// When they were heard last, in seconds since 1970; `None` when never.
    pub keys_heard: Option<u64>,
    /// What it has revoked.
    pub revocations: Revocations,
    /// When that was heard last.
    pub revocations_heard: Option<u64>,
    /// Grows with each change of keys or revocations.
    generation: u64,
}

/// What a server asks of tokens.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Issuer and audience.
    pub expected: Expected,
    /// How long keys and revocations count when the issuer cannot be reached, in seconds.
    pub stale_after: u64,
    /// `typ: JWT` is taken too, for issuers that are older than RFC 9068.
    pub accept_typ_jwt: bool,
}

/// Why there is no verdict that allows anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The token is not good.
    Flawed(Flaw),
    /// What is known of the issuer is too old to tell, or nothing is.
    NotNow,
}

impl From<Flaw> for Refusal {
    fn from(flaw: Flaw) -> Self {
        Self::Flawed(flaw)
    }
}

/// A token whose signature holds.
#[derive(Debug)]
pub struct Verified {
    claims: AccessTokenClaims,
    client: Owner,
    key: String,
    /// The generation of [`Known`] at which it was found neither revoked nor without its key.
    good_at: AtomicU64,
}

impl Verified {
    /// Its claims.
    pub fn claims(&self) -> &AccessTokenClaims {
        &self.claims
    }

    /// The scopes in it.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.claims.scope.split(' ')
    }
}

/// A token on a connection with a certificate.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    token: Box<str>,
    thumbprint: Thumbprint,
}

/// The same, borrowed.
struct Showing<'a> {
    token: &'a str,
    thumbprint: &'a Thumbprint,
}

impl Hash for Shown {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Showing {
            token: &self.token,
            thumbprint: &self.thumbprint,
        }
        .hash(state);
    }
}

// The hash has a key of its own per process, and only tokens that the issuer signed come into the cache: nobody can make them collide.
impl Hash for Showing<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.token.as_bytes());
        state.write(&self.thumbprint.as_bytes()[..8]);
    }
}

impl Equivalent<Shown> for Showing<'_> {
    fn equivalent(&self, shown: &Shown) -> bool {
        *self.token == *shown.token && *self.thumbprint == shown.thumbprint
    }
}

/// Verifies tokens.
pub struct Verifier {
    rules: Rules,
    known: ArcSwap<Known>,
    cache: Cache<Shown, Arc<Verified>>,
    /// Answers of the issuer in a row that were refused for what they said, and why the last one was.
    refused: Mutex<(u32, String)>,
}

impl Verifier {
    /// A verifier that knows nothing of the issuer yet.
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            known: ArcSwap::default(),
            cache: Cache::new(REMEMBERED),
            refused: Mutex::default(),
        }
    }

    /// The rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// What is known of the issuer.
    pub fn known(&self) -> Arc<Known> {
        self.known.load_full()
    }

    /// From now on this is known of the issuer. Whoever calls it calls it alone.
    pub fn learn(&self, mut next: Known) {
        let before = self.known.load();
        let changed = next.keys != before.keys || !next.revocations.same_as(&before.revocations);
        next.generation = before.generation + u64::from(changed);
        self.known.store(Arc::new(next));
    }

    /// Takes note of whether the issuer answered with something that cannot be taken, and why not.
    pub fn heard_nonsense(&self, refused: Option<String>) {
        let mut before = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        *before = match refused {
            Some(reason) => (before.0.saturating_add(1), reason),
            None => (0, String::new()),
        };
    }

    /// Why too little is known of the issuer to judge its tokens, or why what it says cannot be taken: an issuer whose last answers were all
    /// refused is another one than was meant, or was restored from an older state. That it is away is not held against it until what is
    /// known is too old. `None` when nothing is wrong.
    pub fn trouble(&self, now: u64) -> Option<String> {
        let (count, reason) = self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if count >= MOST_REFUSED {
            return Some(format!("the last {count} answers of the ECS were refused: {reason}"));
        }
        let known = self.known.load();
        if self.is_fresh(&known, now) {
            return None;
        }
        let heard = [known.keys_heard, known.revocations_heard];
        Some(match heard.into_iter().min().flatten() {
            None => "the keys and revocations of the ECS are not known yet".to_owned(),
            Some(at) => format!(
                "the keys and revocations of the ECS are {} s old, and authorization.stale_seconds is {}",
                now.saturating_sub(at),
                self.rules.stale_after
            ),
        })
    }

    fn is_fresh(&self, known: &Known, now: u64) -> bool {
        let fresh = |heard: Option<u64>| heard.is_some_and(|at| now <= at.saturating_add(self.rules.stale_after));
        fresh(known.keys_heard) && fresh(known.revocations_heard)
    }

    /// Whether this token is good for this client, who proved this certificate, now.
    ///
    /// # Errors
    /// At the first thing that is wrong.
    pub fn verify(
        &self,
        token: &str,
        thumbprint: &Thumbprint,
        client: &Principal,
        now: u64,
    ) -> Result<Arc<Verified>, Refusal> {
        let known = self.known.load();
        if !self.is_fresh(&known, now) {
            return Err(Refusal::NotNow);
        }
        if let Some(verified) = self.cache.get(&Showing { token, thumbprint }) {
            claims::is_current(verified.claims.exp, now)?;
            if verified.good_at.load(Ordering::Relaxed) != known.generation {
                still_good(&verified, &known)?;
                verified.good_at.store(known.generation, Ordering::Relaxed);
            }
            is_of(&verified.claims, client)?;
            return Ok(verified);
        }
        let verified = Arc::new(examine(token, thumbprint, client, &known, &self.rules, now)?);
        let shown = Shown {
            token: token.into(),
            thumbprint: *thumbprint,
        };
        self.cache.insert(shown, verified.clone());
        Ok(verified)
    }

    /// Forgets which tokens were good.
    pub fn forget(&self) {
        self.cache.clear();
    }
}

/// Everything that can be said of a token without the operation, from the first byte on.
fn examine(
    token: &str,
    thumbprint: &Thumbprint,
    client: &Principal,
    known: &Known,
    rules: &Rules,
    now: u64,
) -> Result<Verified, Flaw> {
    let types: &[&str] = if rules.accept_typ_jwt {
        &[ACCESS_TOKEN, "JWT"]
    } else {
        &[ACCESS_TOKEN]
    };
    let (payload, key) = jws::open(token, jws::LONGEST_TOKEN, types, &known.keys)?;
    let claims = claims::parse(&payload)?;
    claims::check(&claims, &rules.expected, now)?;
    if known.revocations.has(&claims, client.owner()) {
        return Err(Flaw::Revoked);
    }
    is_bound(&claims, thumbprint)?;
    is_of(&claims, client)?;
    Ok(Verified {
        claims,
        client: client.owner().clone(),
        key: key.to_owned(),
        good_at: AtomicU64::new(known.generation),
    })
}

/// Keys or revocations have changed since a token was examined. Its key has not become another one: names of keys are not used again.
fn still_good(verified: &Verified, known: &Known) -> Result<(), Flaw> {
    if !known.keys.has(&verified.key) {
        return Err(Flaw::UnknownKey);
    }
    if known.revocations.has(&verified.claims, &verified.client) {
        return Err(Flaw::Revoked);
    }
    Ok(())
}

fn is_bound(claims: &AccessTokenClaims, thumbprint: &Thumbprint) -> Result<(), Flaw> {
    let bound_to = from_base64url(&claims.cnf.x5t_s256).ok_or(Flaw::Unbound)?;
    verify_slices_are_equal(&bound_to, thumbprint.as_bytes()).map_err(|_| Flaw::OtherCertificate)
}

fn is_of(claims: &AccessTokenClaims, client: &Principal) -> Result<(), Flaw> {
    let name = client_id(client);
    let same_role = |role: &String| role == client.role().as_str();
    if claims.sub == name && claims.client_id == name && claims.role.as_ref().is_none_or(same_role) {
        Ok(())
    } else {
        Err(Flaw::OtherClient)
    }
}
