//! Tokens (TS 29.222 clause 5.6.2.3, TS 33.122 annex C): JWTs for what a security context grants, bound to the invoker's certificate.

use crate::{
    caller::Proof,
    core_function::{CoreFunction, same_digest, sha256},
    scope::Scope,
    security::{is_no_context, scope_of},
};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use edgeapp_core::{
    error::Error,
    evidence::{SecurityEvent, SecurityEventKind},
    room::{Decision, Room, contended, fresh_id},
    store::Key,
    token::{ACCESS_TOKEN, Confirmation, ES256, Jwk, JwkSet, from_base64url, to_base64url},
};
use edgeapp_openapi::{
    capif::{
        publish_service::SecurityMethod,
        security::{AccessTokenErr, AccessTokenRsp, TokenError, TokenType},
    },
    common::DateTime,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

/// Where the signing keys are kept.
const KEYS: &str = "capif/signing-keys";
/// Longest value of a parameter that is read, in bytes.
const LONGEST: usize = 16 * 1024;

/// The claims of a token. Both standards name the invoker, each in its own claim: TS 29.222 as `iss`, TS 33.122 as `client_id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// `iss`: the API invoker (TS 29.222 clause 8.5.4.2.8).
    pub iss: String,
    /// `client_id`: the API invoker (TS 33.122 clause C.2.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// `scope`: what it allows, see [`Scope`].
    pub scope: String,
    /// `exp`: until when it counts, in seconds since 1970.
    pub exp: u64,
    /// `iat`: when it was issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iat: Option<u64>,
    /// `jti`: its own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// `cnf`: the certificate that it is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
}

impl Claims {
    /// The API invoker, where the claims agree on it.
    pub fn invoker(&self) -> Option<&str> {
        match &self.client_id {
            Some(client) if *client != self.iss => None,
            _ => Some(&self.iss),
        }
    }
}

/// A signing key as it is kept. Its `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SigningKey {
    name: String,
    since: u64,
    private: String,
    public: String,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} since {}", self.name, self.since)
    }
}

impl SigningKey {
    fn fresh(since: u64) -> Result<Self, Error> {
        let failed = |_| Error::internal("no signing key can be made");
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
        let private = pair.to_pkcs8v1().map_err(failed)?;
        let public = to_base64url(pair.public_key().as_ref());
        Ok(Self {
            name: sha256(&public)[..16].to_owned(),
            since,
            private: to_base64url(private.as_ref()),
            public,
        })
    }

    fn jwk(&self) -> Option<Jwk> {
        let point = from_base64url(&self.public)?;
        let (x, y) = point.get(1..65)?.split_at(32);
        Some(Jwk {
            kty: "EC".to_owned(),
            crv: Some("P-256".to_owned()),
            use_for: Some("sig".to_owned()),
            alg: Some(ES256.to_owned()),
            kid: Some(self.name.clone()),
            x: Some(to_base64url(x)),
            y: Some(to_base64url(y)),
        })
    }
}

/// Pure: the keys as they have to be now: the last one signs, former ones are published as long as a token of theirs may live.
fn kept_up(
    keys: &[SigningKey],
    now: u64,
    rotation: u64,
    fresh: impl Fn() -> Result<SigningKey, Error>,
) -> Result<Vec<SigningKey>, Error> {
    /// No token lives longer, in seconds.
    const LONGEST_LIFE: u64 = 86_400;
    let mut keys = keys.to_vec();
    if keys.last().is_none_or(|last| last.since + rotation <= now) {
        keys.push(fresh()?);
    }
    let ends: Vec<Option<u64>> = keys.iter().skip(1).map(|next| Some(next.since)).chain([None]).collect();
    let mut ends = ends.into_iter();
    keys.retain(|_| ends.next().flatten().is_none_or(|end| now <= end + LONGEST_LIFE));
    Ok(keys)
}

/// The signing keys of a core function.
pub struct SigningKeys {
    keys: RwLock<Arc<Vec<SigningKey>>>,
    signer: RwLock<Option<(String, Arc<EncodingKey>)>>,
    rotation: u64,
}

fn seconds(now: DateTime) -> u64 {
    u64::try_from(now.0.as_second()).unwrap_or_default()
}

impl SigningKeys {
    pub(crate) async fn start(room: &Room, rotation: u32) -> Result<Self, Error> {
        let this = Self {
            keys: RwLock::default(),
            signer: RwLock::default(),
            rotation: u64::from(rotation.max(60)),
        };
        this.keep_up(room).await?;
        Ok(this)
    }

    async fn keep_up(&self, room: &Room) -> Result<(), Error> {
        let place = Key::new(KEYS);
        for mut seen in room.attempts() {
            let before: Vec<SigningKey> = match seen.entry(&place).await? {
                None => Vec::new(),
                // What serde says could quote a key.
                Some(entry) => {
                    serde_json::from_slice(&entry.value).map_err(|_| Error::internal("the signing keys are damaged"))?
                }
            };
            let now = seconds(seen.now());
            let next = kept_up(&before, now, self.rotation, || SigningKey::fresh(now))?;
            let mut decision = Decision::of(());
            if next != before {
                let bytes =
                    serde_json::to_vec(&next).map_err(|_| Error::internal("the signing keys cannot be written"))?;
                decision = decision.put_bytes(&place, bytes.into(), None);
            }
            if room.commit(seen, decision).await?.is_none() {
                continue;
            }
            if let Some(last) = next.last() {
                let private =
                    from_base64url(&last.private).ok_or_else(|| Error::internal("a signing key is damaged"))?;
                let signer = (last.name.clone(), Arc::new(EncodingKey::from_ec_der(&private)));
                *self.signer.write().unwrap_or_else(PoisonError::into_inner) = Some(signer);
            }
            *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
            return Ok(());
        }
        Err(contended())
    }

    fn document(&self) -> JwkSet {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner).clone();
        JwkSet {
            keys: keys.iter().filter_map(SigningKey::jwk).collect(),
        }
    }

    /// Signs claims.
    ///
    /// # Errors
    /// When the key cannot be used.
    pub fn sign(&self, claims: &Claims) -> Result<String, Error> {
        let signer = self.signer.read().unwrap_or_else(PoisonError::into_inner).clone();
        let (name, key) = signer.ok_or_else(|| Error::unavailable("there is no signing key yet"))?;
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some(ACCESS_TOKEN.to_owned());
        header.kid = Some(name);
        jsonwebtoken::encode(&header, claims, &key).map_err(|_| Error::internal("a token cannot be signed"))
    }
}

/// Keeps keys up, until dropped.
pub(crate) async fn keep_up(keys: &SigningKeys, room: &Room) {
    let mut ticks = tokio::time::interval(Duration::from_secs(30));
    loop {
        ticks.tick().await;
        if let Err(error) = keys.keep_up(room).await {
            tracing::warn!(%error, "the signing keys cannot be kept up");
        }
    }
}

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoToken {
    /// As RFC 6749 says it.
    Refused(AccessTokenErr),
    /// As everything else says it.
    Problem(Error),
}

impl fmt::Display for NoToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => f.write_str(error.error_description.as_deref().unwrap_or("refused")),
            Self::Problem(error) => f.write_str(&error.detail),
        }
    }
}

impl From<Error> for NoToken {
    fn from(error: Error) -> Self {
        Self::Problem(error)
    }
}

fn refused(error: TokenError, description: impl Into<String>) -> NoToken {
    NoToken::Refused(AccessTokenErr {
        error,
        error_description: Some(description.into()),
        error_uri: None,
    })
}

/// The parameters of a form, each there once.
struct Form<'a>(&'a [(String, String)]);

impl<'a> Form<'a> {
    fn of(given: &'a [(String, String)]) -> Result<Self, NoToken> {
        for (place, (name, value)) in given.iter().enumerate() {
            if given[..place].iter().any(|(other, _)| other == name) {
                return Err(refused(
                    TokenError::InvalidRequest,
                    "a parameter is there more than once",
                ));
            }
            if value.len() > LONGEST {
                return Err(refused(TokenError::InvalidRequest, "a parameter is too long"));
            }
        }
        Ok(Self(given))
    }

    /// A parameter; an empty one counts as none.
    fn get(&self, name: &str) -> Option<&'a str> {
        let mut found = self
            .0
            .iter()
            .filter(|(known, value)| known == name && !value.is_empty());
        found.next().map(|(_, value)| value.as_str())
    }
}

/// Pure: what a token is to allow: what is asked for, which has to lie within what is granted; all of it when nothing is asked for.
///
/// # Errors
/// When the text is no scope, or asks for more than is granted.
pub fn granted(asked: Option<&str>, may: &Scope) -> Result<Scope, NoToken> {
    let Some(asked) = asked else {
        return match may.is_empty() {
            true => Err(refused(
                TokenError::InvalidScope,
                "the security context grants no API by OAUTH: agree on that method for an AEF first",
            )),
            false => Ok(may.clone()),
        };
    };
    let wanted: Scope = asked
        .parse()
        .map_err(|error: crate::scope::BadScope| refused(TokenError::InvalidScope, error.to_string()))?;
    let outside = wanted.pairs().find(|(aef_id, api)| !may.allows(aef_id, api));
    if let Some((aef_id, api)) = outside {
        let what = match may.names(aef_id) {
            true => format!("{api} of {aef_id}: not an API that the security context grants by OAUTH"),
            false => format!("{aef_id}: not an AEF that the security context grants anything of by OAUTH"),
        };
        return Err(refused(TokenError::InvalidScope, what));
    }
    Ok(wanted)
}

impl CoreFunction {
    /// The keys that tokens are verified with.
    pub fn jwks(&self) -> JwkSet {
        self.keys().document()
    }

    /// Issues a token to an invoker. `basic` is what an `Authorization: Basic` header said, identifier and secret.
    ///
    /// # Errors
    /// See [`NoToken`].
    pub async fn issue_token(
        &self,
        proof: &Proof<'_>,
        security_id: &str,
        form: &[(String, String)],
        basic: Option<(&str, &str)>,
    ) -> Result<AccessTokenRsp, NoToken> {
        let issued = self.token_for(proof, security_id, form, basic).await;
        let event = match &issued {
            Ok((_, name)) => {
                self.done("token");
                SecurityEvent::new(SecurityEventKind::TokenIssued, "a CAPIF token").about(name.clone())
            }
            Err(refused) => {
                let why = refused.to_string();
                self.failures().note("token", &why, self.room().now());
                SecurityEvent::new(SecurityEventKind::TokenDenied, why)
            }
        };
        self.remember(event.by(proof.principal.owner()));
        issued.map(|(token, _)| token)
    }

    /// The token and its name.
    async fn token_for(
        &self,
        proof: &Proof<'_>,
        security_id: &str,
        form: &[(String, String)],
        basic: Option<(&str, &str)>,
    ) -> Result<(AccessTokenRsp, String), NoToken> {
        let invoker = self
            .invoker(proof)
            .await
            .map_err(|error| match proof.principal.role() {
                edgeapp_core::principal::Role::Provider => refused(
                    TokenError::UnauthorizedClient,
                    "tokens are for API invokers; the caller is a function of a provider",
                ),
                _ => NoToken::Problem(error),
            })?;
        let form = Form::of(form)?;
        match form.get("grant_type") {
            Some("client_credentials") => {}
            Some("authorization_code") => {
                return Err(refused(
                    TokenError::UnsupportedGrantType,
                    "authorization by resource owners is not offered here; ask for client_credentials",
                ));
            }
            Some(_) => return Err(refused(TokenError::UnsupportedGrantType, "ask for client_credentials")),
            None => return Err(refused(TokenError::InvalidRequest, "grant_type is missing")),
        }
        let id = invoker.id.as_str();
        let named = form.get("client_id").or(basic.map(|(id, _)| id));
        match named {
            None => return Err(refused(TokenError::InvalidRequest, "client_id is missing")),
            Some(named) if named != id => {
                return Err(refused(
                    TokenError::InvalidClient,
                    "client_id is not the API invoker identifier of the certificate",
                ));
            }
            Some(_) => {}
        }
        let secrets = [form.get("client_secret"), basic.map(|(_, secret)| secret)];
        if basic.is_some_and(|(of_header, _)| of_header != id)
            || secrets
                .into_iter()
                .flatten()
                .any(|secret| !same_digest(&sha256(secret), &invoker.secret))
        {
            return Err(refused(
                TokenError::InvalidClient,
                "the secret is not the onboarding secret of the API invoker",
            ));
        }
        if security_id != id {
            return Err(NoToken::Problem(Error::not_found("security context")));
        }
        let grants = self
            .granted(&invoker.id)
            .await
            .map_err(|error| match is_no_context(&error) {
                true => NoToken::Problem(Error::not_found(
                    "security context: agree on methods first, with PUT trustedInvokers/{apiInvokerId}",
                )),
                false => NoToken::Problem(error),
            })?;
        let scope = granted(form.get("scope"), &scope_of(&grants, &SecurityMethod::Oauth))?;
        let thumbprint = proof
            .thumbprint
            .ok_or_else(|| Error::internal("a token for nobody's certificate"))?;
        let now = seconds(self.room().now());
        let lifetime = self.rules().token_lifetime;
        let name = fresh_id();
        let claims = Claims {
            iss: id.to_owned(),
            client_id: Some(id.to_owned()),
            scope: scope.to_string(),
            exp: now + u64::from(lifetime),
            iat: Some(now),
            jti: Some(name.clone()),
            cnf: Some(Confirmation {
                x5t_s256: thumbprint.to_text(),
            }),
        };
        let token = AccessTokenRsp {
            access_token: self.keys().sign(&claims)?,
            token_type: TokenType::Bearer,
            expires_in: lifetime,
            scope: Some(claims.scope),
        };
        Ok((token, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(name: &str, since: u64) -> SigningKey {
        SigningKey {
            name: name.to_owned(),
            since,
            private: String::new(),
            public: String::new(),
        }
    }

    #[test]
    fn a_key_signs_for_its_time_and_is_published_while_its_tokens_live() {
        let next = |keys: &[SigningKey], now| kept_up(keys, now, 1000, || Ok(key("new", now))).expect("keys");
        let first = next(&[], 5);
        assert_eq!(first, [key("new", 5)]);
        assert_eq!(next(&first, 1004), first);
        let second = next(&first, 1005);
        assert_eq!(second, [key("new", 5), key("new", 1005)]);
        assert_eq!(next(&[key("a", 0), key("b", 90_000)], 90_500).len(), 2);
        assert_eq!(
            next(&[key("a", 0), key("b", 1000)], 1000 + 86_401),
            [key("b", 1000), key("new", 87_401)]
        );
    }

    #[test]
    fn a_scope_lies_within_the_context() {
        let may: Scope = "3gpp#A:a,b;B:c".parse().expect("a scope");
        let asked = |text| granted(text, &may).map(|scope| scope.to_string());
        assert_eq!(asked(None), Ok("3gpp#A:a,b;B:c".to_owned()));
        assert_eq!(asked(Some("3gpp#A:b")), Ok("3gpp#A:b".to_owned()));
        for outside in ["3gpp#A:c", "3gpp#C:a", "3gpp#A:a;B:b", "A:a"] {
            assert!(
                matches!(asked(Some(outside)), Err(NoToken::Refused(error)) if error.error == TokenError::InvalidScope)
            );
        }
        assert!(granted(None, &Scope::default()).is_err());
    }

    proptest! {
        /// Whatever is asked for, nothing is granted that was not agreed on.
        #[test]
        fn no_token_allows_more_than_the_context(
            may in prop::collection::vec(("[AB]", "[abc]"), 0..6),
            asked in prop::option::of(prop::collection::vec(("[ABC]", "[abcd]"), 1..6)),
        ) {
            let of = |pairs: &[(String, String)]| {
                let mut scope = Scope::default();
                pairs.iter().for_each(|(aef_id, api)| scope.add(aef_id, api));
                scope
            };
            let may = of(&may);
            let asked = asked.map(|pairs| of(&pairs).to_string());
            if let Ok(scope) = granted(asked.as_deref(), &may) {
                prop_assert!(scope.pairs().all(|(aef_id, api)| may.allows(aef_id, api)));
            }
        }
    }
}
