//! The authorization server at work.

use super::{
    keys::Ring,
    refusal::{OauthError, Refusal},
    registered::{self, Before, Registered, of_any_role},
    registry::{Registry, Rights},
    request::{Form, decide},
    revoked::{
        self, AllOf, ISSUED, KeptClient, KeptToken, MOST_IN_ALL, MOST_OF_CLIENTS, MOST_OF_ONE_CLIENT, PREFIX,
        REGISTERED, SEQUENCE, SIGNING_KEYS, Sequence,
    },
};
use arc_swap::ArcSwap;
use edgeapp_core::{
    error::Error,
    evidence::{Evidence, SecurityEvent, SecurityEventKind},
    kept::Kept,
    principal::{Owner, Principal, Role},
    pseudonym,
    room::{Decision, Room, Seen, contended, fresh_id},
    store::{Entry, Key, Revision, Span},
    token::{
        ACCESS_TOKEN, AccessTokenClaims, Confirmation, JwkSet, REVOCATIONS, RevocationList, SKEW, Thumbprint,
        client_id, identity_of, scope,
    },
};
use edgeapp_openapi::common::DateTime;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Clients or single tokens that one commit is about at most: each is up to three operations, and etcd takes 128.
const AT_ONCE: usize = 30;
/// It is written down so many seconds ahead that tokens are issued, and so once in that time.
const AHEAD: u64 = 60;
/// Longest `client_id` that is looked up, in bytes: an identity URI may be one.
const LONGEST_CLIENT_ID: usize = 1024;
/// Longest `jti` that is remembered, in bytes.
const LONGEST_JTI: usize = 128;

/// Who wants something, and from where as far as that is known. Evidence says both.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// Who.
    pub principal: &'a Principal,
    /// From where.
    pub from: Option<IpAddr>,
}

impl<'a> From<&'a Principal> for By<'a> {
    fn from(principal: &'a Principal) -> Self {
        Self { principal, from: None }
    }
}

/// Who is said to have done something: a caller, or the server itself.
#[derive(Clone, Copy)]
struct Actor<'a> {
    owner: &'a Owner,
    from: Option<IpAddr>,
}

impl<'a> From<By<'a>> for Actor<'a> {
    fn from(by: By<'a>) -> Self {
        Self {
            owner: by.principal.owner(),
            from: by.from,
        }
    }
}

impl Actor<'_> {
    fn did(self, kind: SecurityEventKind, reason: impl Into<std::borrow::Cow<'static, str>>) -> SecurityEvent {
        let mut event = SecurityEvent::new(kind, reason).by(self.owner);
        event.from = self.from;
        event
    }
}

/// How an authorization server behaves.
#[derive(Clone, Debug)]
pub struct TokenRules {
    /// The ECS itself: who revokes what an operator took out of the registry.
    pub server: Owner,
    /// `iss` of its tokens: an https URI.
    pub issuer: String,
    /// How long a token lives whose client has no other lifetime, in seconds.
    pub lifetime: u32,
    /// How long a key signs, in seconds.
    pub rotation: u64,
}

/// The answer to a request for a token (RFC 6749 clause 5.1). Its `Debug` shows no token.
#[derive(Serialize)]
pub struct Issued {
    /// `access_token`.
    pub access_token: String,
    /// `token_type`.
    pub token_type: &'static str,
    /// `expires_in`, in seconds.
    pub expires_in: u32,
    /// `scope`: what was granted.
    pub scope: String,
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a token for {} s, scope {}", self.expires_in, self.scope)
    }
}

/// Metadata (RFC 8414, RFC 8705 clause 3.3).
#[derive(Clone, Debug, Serialize)]
pub struct Metadata {
    issuer: String,
    token_endpoint: String,
    jwks_uri: String,
    revocation_endpoint: String,
    scopes_supported: Vec<&'static str>,
    response_types_supported: [&'static str; 0],
    grant_types_supported: [&'static str; 1],
    token_endpoint_auth_methods_supported: [&'static str; 1],
    revocation_endpoint_auth_methods_supported: [&'static str; 1],
    tls_client_certificate_bound_access_tokens: bool,
}

/// What is revoked, as of a revision of the sequence.
struct Listed {
    at: Revision,
    seq: Sequence,
    ring: Ring,
    tokens: Vec<KeptToken>,
    clients: Vec<KeptClient>,
}

/// The authorization server.
pub struct TokenService {
    room: Room,
    rules: TokenRules,
    registry: ArcSwap<Registry>,
    /// What registries granted by which tokens were issued here, since the registry was taken note of last.
    issued_by: Mutex<Vec<BTreeMap<Owner, Rights>>>,
    /// Up to which `iat` it is written down that tokens are issued.
    issued: AtomicU64,
    ring: ArcSwap<Ring>,
    /// The key that signs, as far as evidence was given.
    signing: Mutex<Option<String>>,
    listed: Mutex<Option<Arc<Listed>>>,
    /// In which second single tokens were counted, and how many there were.
    counted: Mutex<(u64, usize)>,
    evidence: Arc<dyn Evidence>,
}

fn seconds(now: DateTime) -> u64 {
    u64::try_from(now.0.as_second()).unwrap_or_default()
}

fn read<T: DeserializeOwned + Default>(entry: Option<&Entry>) -> Result<T, Error> {
    let of = |entry: &Entry| {
        // What serde says could quote a key.
        serde_json::from_slice(&entry.value).map_err(|_| Error::internal(format_args!("{} is damaged", entry.key)))
    };
    entry.map_or_else(|| Ok(T::default()), of)
}

fn written<T: Serialize>(value: &T) -> Result<bytes::Bytes, Error> {
    serde_json::to_vec(value).map(Into::into).map_err(Error::internal)
}

/// Whether the list still has what expires then.
fn is_listed(exp: u64, now: DateTime) -> bool {
    exp + 2 * u64::from(SKEW) >= seconds(now)
}

/// A number greater than the last one, for a list that differs from the last one.
async fn renumbered(seen: &mut Seen) -> Result<Decision<()>, Error> {
    let key = Key::new(SEQUENCE);
    let last: Sequence = read(seen.entry(&key).await?.as_ref())?;
    Ok(Decision::of(()).put_bytes(&key, written(&last.next(seen.now()))?, None))
}

impl TokenService {
    /// Takes up keys and revocations, or begins with fresh ones. Clients that were registered when it ran last and are no more, or may have
    /// less than then, lose their tokens.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn start(
        room: Room,
        rules: TokenRules,
        registry: Registry,
        evidence: Arc<dyn Evidence>,
    ) -> Result<Arc<Self>, Error> {
        let service = Self {
            room,
            rules,
            registry: ArcSwap::from_pointee(Registry::default()),
            issued_by: Mutex::default(),
            issued: AtomicU64::new(0),
            ring: ArcSwap::default(),
            signing: Mutex::default(),
            listed: Mutex::default(),
            counted: Mutex::default(),
            evidence,
        };
        service.keep_up_keys(true).await?;
        service.register(registry).await?;
        Ok(Arc::new(service))
    }

    /// Issues a token to a client that proved this certificate.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn issue(
        &self,
        by: impl Into<By<'_>>,
        thumbprint: &Thumbprint,
        parameters: &[(String, String)],
    ) -> Result<Issued, Refusal> {
        let by: By<'_> = by.into();
        let issued = self.issue_quietly(by.principal, thumbprint, parameters).await;
        let actor = Actor::from(by);
        self.evidence.record(match &issued {
            Ok((audience, jti, _)) => actor
                .did(SecurityEventKind::TokenIssued, jti.clone())
                .about(audience.clone()),
            Err(refusal) => actor.did(SecurityEventKind::TokenDenied, refusal.error.as_str()),
        });
        issued.map(|(_, _, issued)| issued)
    }

    async fn issue_quietly(
        &self,
        principal: &Principal,
        thumbprint: &Thumbprint,
        parameters: &[(String, String)],
    ) -> Result<(String, String, Issued), Refusal> {
        // In this order: a registry that grants less comes into force before what it no longer grants is revoked. Whoever still goes by the
        // one before has not seen that revocation, and a time that it covers.
        let revoked: Option<Kept<KeptClient>> = self.room.read(&revoked::client_key(principal.owner())).await?;
        let now = seconds(self.room.now());
        let grant = decide(&self.registry.load(), principal, parameters, self.rules.lifetime)?;
        // What was issued up to an instant may have been revoked: this token is a later one.
        let iat = revoked.map_or(now, |revoked| now.max(revoked.value.until() + 1));
        self.write_down(iat, now).await?;
        let ring = self.ring.load();
        let key = ring.current(now).ok_or(Refusal::NOT_NOW)?;
        let (jti, audience) = (fresh_id(), grant.audience.to_string());
        let claims = AccessTokenClaims {
            iss: self.rules.issuer.clone(),
            sub: grant.client_id.clone(),
            aud: audience.clone(),
            client_id: grant.client_id,
            role: Some(principal.role().to_string()),
            scope: grant.scope.clone(),
            iat,
            nbf: None,
            exp: iat + u64::from(grant.lifetime),
            jti: jti.clone(),
            cnf: Confirmation {
                x5t_s256: thumbprint.to_text(),
            },
        };
        let issued = Issued {
            access_token: key.sign(ACCESS_TOKEN, &claims)?,
            token_type: "Bearer",
            expires_in: grant.lifetime,
            scope: grant.scope,
        };
        Ok((audience, jti, issued))
    }

    /// Writes down that there may be tokens of this `iat`, and a while ahead. Whoever revokes all that a client has by a clock that is back, or
    /// was, revokes those as well.
    async fn write_down(&self, iat: u64, now: u64) -> Result<(), Error> {
        if iat <= self.issued.load(Ordering::Relaxed) {
            return Ok(());
        }
        let key = Key::new(ISSUED);
        for mut seen in self.room.attempts() {
            let written_down: u64 = read(seen.entry(&key).await?.as_ref())?;
            if iat <= written_down {
                self.issued.fetch_max(written_down, Ordering::Relaxed);
                return Ok(());
            }
            let next = iat.max(now + AHEAD);
            let decision = Decision::of(()).put_bytes(&key, written(&next)?, None);
            if self.room.commit(seen, decision).await?.is_some() {
                self.issued.fetch_max(next, Ordering::Relaxed);
                return Ok(());
            }
        }
        Err(contended())
    }

    /// Revokes a token of this client; an operator revokes any, or with `client_id` all that a client has. A token that is unknown or
    /// somebody else's is left as it is, and nobody hears of that (RFC 7009 clause 2.2).
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn revoke(&self, by: impl Into<By<'_>>, parameters: &[(String, String)]) -> Result<(), Refusal> {
        let by: By<'_> = by.into();
        let form = Form::of(parameters)?;
        let operator = by.principal.role() == Role::Operator;
        if let (true, None, Some(client)) = (operator, form.get("token"), form.get("client_id")) {
            let clients = self.clients_called(client).await?;
            self.revoke_clients(by.into(), clients, None).await?;
            return Ok(());
        }
        let missing = Refusal::new(OauthError::InvalidRequest, "token is missing");
        let token = form.get("token").filter(|token| !token.is_empty()).ok_or(missing)?;
        let mismatch = Refusal::new(OauthError::InvalidClient, "client_id is not that of this certificate");
        if !operator
            && form
                .get("client_id")
                .is_some_and(|named| named != client_id(by.principal))
        {
            return Err(mismatch);
        }
        let Some(claims) = self.own(token) else { return Ok(()) };
        if !(1..=LONGEST_JTI).contains(&claims.jti.len()) {
            let description = "the jti of the token has to have 1 to 128 bytes";
            return Err(Refusal::new(OauthError::InvalidRequest, description));
        }
        let owner = self.owner_of(&claims, by.principal);
        if !operator && owner.as_ref() != Some(by.principal.owner()) {
            let event = Actor::from(by).did(SecurityEventKind::TokenDenied, "revocation of somebody else's token");
            self.evidence.record(event.about(claims.jti));
            return Ok(());
        }
        if let Some(owner) = owner {
            self.revoke_token(by, &owner, &claims).await?;
        }
        Ok(())
    }

    /// Whose token this is. One that an earlier version issued does not say the role: it is that of who shows it, if that has the name.
    fn owner_of(&self, claims: &AccessTokenClaims, by: &Principal) -> Option<Owner> {
        let name = &claims.client_id;
        if let Some(role) = &claims.role {
            let role = Role::ALL.into_iter().find(|known| known.as_str() == role)?;
            return identity_of(role, name);
        }
        if by.role() != Role::Operator {
            return (client_id(by) == name).then(|| by.owner().clone());
        }
        let registered = self.registry.load().rights();
        let named = registered.into_iter().find(|(_, rights)| rights.client_id == *name);
        named.map(|(owner, _)| owner).or_else(|| of_any_role(name).next())
    }

    /// The clients that were registered when that was last taken note of.
    async fn registered(&self) -> Result<BTreeMap<Owner, Before>, Error> {
        let entry = self.room.store().get(&Key::new(REGISTERED)).await?;
        let registered: Registered = read(entry.as_ref())?;
        Ok(registered.clients())
    }

    /// All tokens of the client of this name or identity that is registered, now or when that was last taken note of. An operator who
    /// mistypes a name in an emergency must not believe that somebody is out, nor put out who has the same name in another role.
    async fn clients_called(&self, name: &str) -> Result<BTreeMap<Owner, AllOf>, Refusal> {
        let invalid = |description| Err(Refusal::new(OauthError::InvalidRequest, description));
        if !(1..=LONGEST_CLIENT_ID).contains(&name.len()) {
            return invalid("client_id has to have 1 to 1024 bytes");
        }
        let is_it = |owner: &Owner, client_id: &str| owner.as_str() == name || client_id == name;
        let (known, by_name): (Vec<_>, Vec<_>) = self
            .registered()
            .await?
            .into_iter()
            .chain(
                self.registry
                    .load()
                    .rights()
                    .into_iter()
                    .map(|(owner, rights)| (owner, Before::of(rights))),
            )
            .filter(|(owner, before)| is_it(owner, &before.client_id))
            .partition(|(_, before)| before.rights.is_some());
        let mut found: BTreeMap<Owner, AllOf> = BTreeMap::new();
        for (owner, before) in known {
            let all = before.all();
            let all = match found.remove(&owner) {
                Some(other) => all.and_for(other.audiences.as_ref()),
                None => all,
            };
            found.insert(owner, all);
        }
        if found.len() > 1 {
            return invalid(
                "clients of several roles have this name, nothing was revoked; write the identity URI of one of them, as in its certificate",
            );
        }
        if found.is_empty() {
            found = by_name
                .into_iter()
                .map(|(owner, before)| (owner, before.all()))
                .collect();
        }
        if found.is_empty() {
            return invalid(
                "no client of this name is registered, nothing was revoked; write it as in client_id of its tokens, or its identity URI",
            );
        }
        Ok(found)
    }

    /// The claims of a token that one of our keys signed, expired or not.
    fn own(&self, token: &str) -> Option<AccessTokenClaims> {
        if token.len() > 8 * 1024 {
            return None;
        }
        let header = jsonwebtoken::decode_header(token).ok()?;
        let document = self.ring.load().document();
        let jwk = document.keys.iter().find(|jwk| jwk.kid == header.kid)?;
        let key = DecodingKey::from_ec_components(jwk.x.as_deref()?, jwk.y.as_deref()?).ok()?;
        let mut rules = Validation::new(Algorithm::ES256);
        rules.validate_exp = false;
        rules.validate_aud = false;
        rules.required_spec_claims.clear();
        let token = jsonwebtoken::decode::<AccessTokenClaims>(token, &key, &rules).ok()?;
        (token.header.typ.as_deref() == Some(ACCESS_TOKEN)).then_some(token.claims)
    }

    async fn revoke_token(&self, by: By<'_>, owner: &Owner, claims: &AccessTokenClaims) -> Result<(), Error> {
        let key = revoked::token_key(owner, &claims.jti);
        for mut seen in self.room.attempts() {
            let now = seen.now();
            let kept = revoked::token(by.principal, &claims.aud, &claims.jti, claims.exp);
            if !kept.is_live(now) || seen.kept::<KeptToken>(&key).await?.is_some() {
                return Ok(());
            }
            // The number is read first: nobody adds another one meanwhile.
            let numbered = renumbered(&mut seen).await?;
            let span = Span::prefix(revoked::tokens_of(owner)).limit(MOST_OF_ONE_CLIENT);
            let others = self.room.store().range(span).await?.entries.len();
            if others >= MOST_OF_ONE_CLIENT || self.singles(now).await? >= MOST_IN_ALL {
                if self.size_of_clients(now).await? >= MOST_OF_CLIENTS {
                    return Err(Error::unavailable(
                        "the list of revocations is full; it has room as tokens end",
                    ));
                }
                let all = match self.registered().await?.remove(owner) {
                    Some(before) => before.all(),
                    None => AllOf {
                        client_id: claims.client_id.clone(),
                        audiences: None,
                    },
                };
                return self
                    .revoke_clients(by.into(), [(owner.clone(), all)].into(), None)
                    .await;
            }
            let decision = numbered.put(&key, &kept)?;
            if self.room.commit(seen, decision).await?.is_some() {
                self.counted.lock().unwrap_or_else(PoisonError::into_inner).1 += 1;
                let event = Actor::from(by).did(SecurityEventKind::TokenRevoked, claims.jti.clone());
                self.evidence.record(event.about(pseudonym::in_use().of_owner(owner)));
                return Ok(());
            }
        }
        Err(contended())
    }

    /// Single tokens in the list, counted once a second; what this server adds until then counts at once.
    async fn singles(&self, now: DateTime) -> Result<usize, Error> {
        let (at, count) = *self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if at == seconds(now) {
            return Ok(count);
        }
        let listed = self.listed(now).await?;
        let count = listed.tokens.iter().filter(|token| is_listed(token.exp(), now)).count();
        *self.counted.lock().unwrap_or_else(PoisonError::into_inner) = (seconds(now), count);
        Ok(count)
    }

    /// Bytes that clients take in the list, about.
    async fn size_of_clients(&self, now: DateTime) -> Result<usize, Error> {
        Ok(self.listed(now).await?.clients.iter().map(KeptClient::size).sum())
    }

    /// All that these clients have until now is void. `registered` is kept with the last of them, where it is given: whoever is stopped
    /// half way begins again.
    async fn revoke_clients(
        &self,
        by: Actor<'_>,
        clients: BTreeMap<Owner, AllOf>,
        registered: Option<&BTreeMap<Owner, Rights>>,
    ) -> Result<(), Error> {
        let clients: Vec<(Owner, AllOf)> = clients.into_iter().collect();
        let last = clients.len().saturating_sub(1) / AT_ONCE;
        for n in 0..=last {
            let end = clients.len().min((n + 1) * AT_ONCE);
            let registered = registered.filter(|_| n == last);
            self.revoke_some(by, &clients[n * AT_ONCE..end], registered).await?;
        }
        Ok(())
    }

    /// As [`TokenService::revoke_clients`], in one commit.
    async fn revoke_some(
        &self,
        by: Actor<'_>,
        clients: &[(Owner, AllOf)],
        registered: Option<&BTreeMap<Owner, Rights>>,
    ) -> Result<(), Error> {
        for mut seen in self.room.attempts() {
            let mut decision = match clients.is_empty() {
                true => Decision::of(()),
                false => renumbered(&mut seen).await?,
            };
            // Where the clock went back there may be tokens from later than now. Those of replicas differ a little.
            let issued: u64 = read(seen.entry(&Key::new(ISSUED)).await?.as_ref())?;
            let now = seconds(seen.now());
            let is_back = issued > now + AHEAD + u64::from(SKEW);
            let latest = if is_back { issued } else { now };
            let mut singles = Vec::new();
            for (client, all) in clients {
                let key = revoked::client_key(client);
                let before: Option<Kept<KeptClient>> = seen.even_expired(&key).await?;
                // Tokens that came after the last time begin one second after it, be that in the future.
                let until = before.as_ref().map_or(0, |before| before.value.until() + 1);
                let until = until.max(latest);
                // This entry takes the place of the one before: whom that concerned, this does too.
                let all = match before.filter(|before| before.is_live(seen.now())) {
                    Some(before) => all.clone().and_for(before.value.audiences()),
                    None => all.clone(),
                };
                decision = decision.put(&key, &revoked::client(by.owner.clone(), client, all, until))?;
                let span = Span::prefix(revoked::tokens_of(client));
                let entries = self.room.store().range(span).await?.entries;
                singles.extend(entries.into_iter().map(|entry| entry.key));
            }
            if let Some(registered) = registered {
                let key = Key::new(REGISTERED);
                seen.entry(&key).await?;
                decision = decision.put_bytes(&key, written(&Registered::of(registered))?, None);
            }
            if self.room.commit(seen, decision).await?.is_some() {
                for (client, _) in clients {
                    let event = by.did(SecurityEventKind::TokenRevoked, "all tokens of the client");
                    self.evidence.record(event.about(pseudonym::in_use().of_owner(client)));
                }
                // Void with all the others: nobody has to remember them one by one. That is done afterwards and piece by piece, since
                // a commit of any length is more than some stores take.
                if let Err(error) = self.forget(&singles).await {
                    tracing::warn!(%error, "single tokens of a revoked client stay remembered until they expire");
                }
                return Ok(());
            }
        }
        Err(contended())
    }

    /// Forgets single tokens whose client was revoked after them.
    async fn forget(&self, singles: &[Key]) -> Result<(), Error> {
        for some in singles.chunks(AT_ONCE) {
            let mut forgotten = false;
            for mut seen in self.room.attempts() {
                let mut decision = renumbered(&mut seen).await?;
                for single in some {
                    if seen.entry(single).await?.is_some() {
                        decision = decision.delete(single);
                    }
                }
                if self.room.commit(seen, decision).await?.is_some() {
                    forgotten = true;
                    break;
                }
            }
            if !forgotten {
                return Err(contended());
            }
        }
        Ok(())
    }

    /// From now on this is the registry. Clients that are not in it any more, or that may have less than before, lose their tokens: a token
    /// says what it said when it was issued. They get new ones at once, of what is left.
    ///
    /// # Errors
    /// When that cannot be committed; the registry counts all the same.
    pub async fn register(&self, registry: Registry) -> Result<(), Error> {
        let rights = registry.rights();
        let before = self.registry.swap(Arc::new(registry)).rights();
        let issued_by = {
            let mut issued_by = self.issued_by.lock().unwrap_or_else(PoisonError::into_inner);
            issued_by.push(before);
            issued_by.clone()
        };
        self.take_note(issued_by, &rights).await?;
        self.issued_by.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }

    /// Revokes what could be issued before and is granted no more. Before is what was taken note of last, by whichever replica, and what this
    /// one issued by until then: it may have been later than the others to read the file.
    async fn take_note(
        &self,
        issued_by: Vec<BTreeMap<Owner, Rights>>,
        rights: &BTreeMap<Owner, Rights>,
    ) -> Result<(), Error> {
        let noted = self.registered().await?;
        let same = registered::are(&noted, rights);
        let mut gone = registered::exceeding(noted, issued_by, rights);
        if gone.is_empty() && same {
            return Ok(());
        }
        let server = Actor {
            owner: &self.rules.server,
            from: None,
        };
        let size: usize = gone.keys().map(|owner| 2 * owner.as_str().len() + 80).sum();
        if !gone.is_empty() && size + self.size_of_clients(self.room.now()).await? > MOST_OF_CLIENTS {
            let rotation = self.rules.rotation;
            self.change_keys(true, |_, now| Ring::replaced(now, rotation)).await?;
            tracing::warn!(
                clients = gone.len(),
                "the registry takes rights from too many clients to list them: all keys are withdrawn, and with them all tokens"
            );
            let reason = "all tokens of all clients: too many lose rights at once to list them";
            self.evidence
                .record(server.did(SecurityEventKind::TokenRevoked, reason));
            gone = BTreeMap::new();
        }
        self.revoke_clients(server, gone, Some(rights)).await
    }

    /// The public keys.
    pub fn keys(&self) -> JwkSet {
        self.ring.load().document()
    }

    /// The metadata, for clients that reach the server under this `apiRoot`.
    pub fn metadata(&self, root: &str) -> Metadata {
        Metadata {
            issuer: self.rules.issuer.clone(),
            token_endpoint: format!("{root}/oauth2/token"),
            jwks_uri: format!("{root}/jwks"),
            revocation_endpoint: format!("{root}/oauth2/revoke"),
            scopes_supported: scope::all(),
            response_types_supported: [],
            grant_types_supported: ["client_credentials"],
            token_endpoint_auth_methods_supported: ["tls_client_auth"],
            revocation_endpoint_auth_methods_supported: ["tls_client_auth"],
            tls_client_certificate_bound_access_tokens: true,
        }
    }

    /// The signed list of the revocations that concern an EES: of tokens for it, and of clients that could have some for it. It hears of no
    /// others.
    ///
    /// # Errors
    /// When the store or the key fails.
    pub async fn revocations(&self, ees: &str) -> Result<String, Error> {
        let now = self.room.now();
        let listed = self.listed(now).await?;
        let key = listed.ring.current(seconds(now));
        let key = key.ok_or_else(|| Error::unavailable("there is no signing key"))?;
        let live = |exp: u64| is_listed(exp, now);
        let list = RevocationList {
            iss: self.rules.issuer.clone(),
            aud: Some(ees.to_owned()),
            iat: seconds(now),
            seq: listed.seq.0,
            keys: listed.ring.names(),
            tokens: listed
                .tokens
                .iter()
                .filter(|token| live(token.exp()))
                .filter_map(|token| token.for_ees(ees))
                .collect(),
            clients: listed
                .clients
                .iter()
                .filter(|client| live(client.exp()))
                .filter_map(|client| client.for_ees(ees))
                .collect(),
        };
        key.sign(REVOCATIONS, &list)
    }

    async fn listed(&self, now: DateTime) -> Result<Arc<Listed>, Error> {
        let sequence = self.room.store().get(&Key::new(SEQUENCE)).await?;
        let at = sequence.as_ref().map_or(Revision::default(), |entry| entry.revision);
        let known = self.listed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.filter(|known| known.at == at) {
            return Ok(known);
        }
        // All of one revision: the number is that of what is listed.
        let all = self.room.store().range(Span::prefix(PREFIX)).await?.entries;
        let sequence = all.iter().find(|entry| entry.key.as_str() == SEQUENCE);
        let keys = all.iter().find(|entry| entry.key.as_str() == SIGNING_KEYS);
        let (tokens, clients) = revoked::listed(&all, now)?;
        let fresh = Arc::new(Listed {
            at: sequence.map_or(Revision::default(), |entry| entry.revision),
            seq: read(sequence)?,
            ring: read(keys)?,
            tokens,
            clients,
        });
        *self.listed.lock().unwrap_or_else(PoisonError::into_inner) = Some(fresh.clone());
        Ok(fresh)
    }

    /// The announced key signs from now on; with `withdrawn`, fresh keys take the place of all, and all tokens until now are void.
    ///
    /// # Errors
    /// When that cannot be committed; without `withdrawn`, also when there are too many keys.
    pub async fn rotate(&self, by: impl Into<By<'_>>, withdrawn: bool) -> Result<(), Error> {
        let by: By<'_> = by.into();
        let rotation = self.rules.rotation;
        let event = Actor::from(by).did(
            SecurityEventKind::AdminAction,
            if withdrawn {
                "all signing keys withdrawn"
            } else {
                "signing key rotated"
            },
        );
        self.change_keys(true, |ring, now| match withdrawn {
            true => Ring::replaced(now, rotation),
            false => ring.rotated(now, rotation),
        })
        .await?;
        self.evidence.record(event);
        Ok(())
    }

    /// Takes note of the keys in the store, and of the time: keys that are due begin to sign.
    async fn keep_up_keys(&self, renumber: bool) -> Result<(), Error> {
        let rotation = self.rules.rotation;
        self.change_keys(renumber, |ring, now| ring.kept_up(now, rotation))
            .await
    }

    async fn change_keys(
        &self,
        renumber: bool,
        change: impl Fn(&Ring, u64) -> Result<Ring, Error>,
    ) -> Result<(), Error> {
        let key = Key::new(SIGNING_KEYS);
        for mut seen in self.room.attempts() {
            let before: Ring = read(seen.entry(&key).await?.as_ref())?;
            let now = seconds(seen.now());
            let next = change(&before, now)?;
            let mut decision = match renumber || next != before {
                true => renumbered(&mut seen).await?,
                false => Decision::of(()),
            };
            if next != before {
                decision = decision.put_bytes(&key, written(&next)?, None);
            }
            if self.room.commit(seen, decision).await?.is_none() {
                continue;
            }
            let name = |ring: &Ring| ring.current(now).map(|key| key.name.clone());
            let (signed, signs) = (self.signing(), name(&next));
            // A start that finds what it left behind is no rotation.
            let rotated = signed.is_some() || next != before;
            self.ring.store(Arc::new(next));
            if signed != signs
                && let Some(signs) = signs
            {
                tracing::info!(key = signs, "a key signs tokens from now on");
                if rotated {
                    let event = SecurityEvent::new(SecurityEventKind::KeyRotated, "signs tokens from now on");
                    self.evidence.record(event.about(signs.clone()));
                }
                self.signing
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .replace(signs);
            }
            return Ok(());
        }
        Err(contended())
    }

    fn signing(&self) -> Option<String> {
        self.signing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps up with the time and with other replicas, until dropped.
    pub async fn run(&self) {
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = self.keep_up_keys(false).await {
                tracing::warn!(%error, "the signing keys cannot be kept up");
            }
        }
    }

    /// Does what [`TokenService::run`] does each second, once.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tick(&self) -> Result<(), Error> {
        self.keep_up_keys(false).await
    }
}
