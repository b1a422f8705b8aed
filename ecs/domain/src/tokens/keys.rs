//! Signing keys. One is in use; the next one is published long before it is, so that every EES knows it by then; former ones stay
//! published for as long as a token that they signed can live. All of them are one entry of the store: replicas sign alike, and a key is
//! on disk before anybody hears of it.

use aws_lc_rs::{
    error::Unspecified,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use edgeapp_core::{
    error::Error,
    token::{ES256, Jwk, JwkSet, LONGEST_LIFE, SKEW, from_base64url, to_base64url},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::{Zeroize, Zeroizing};

/// With so many keys, none is rotated by hand. An EES takes twice as many: the ones that come with time find room.
pub const MOST_KEYS: usize = 12;

/// A key as it is kept. Its `Debug` shows no secret, and its text is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptKey {
    /// Its name.
    pub name: String,
    /// From when it signs, in seconds since 1970.
    pub signs_from: u64,
    /// PKCS#8, in base64url.
    private: String,
    /// The point, in base64url.
    public: String,
}

impl Drop for KeptKey {
    fn drop(&mut self) {
        self.private.zeroize();
    }
}

impl fmt::Debug for KeptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {}", self.name, self.signs_from)
    }
}

impl KeptKey {
    /// A fresh key.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn fresh(signs_from: u64) -> Result<Self, Error> {
        let failed = |_: Unspecified| Error::internal("no signing key can be made");
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
        let private = pair.to_pkcs8v1().map_err(failed)?;
        let public = to_base64url(pair.public_key().as_ref());
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, pair.public_key().as_ref());
        Ok(Self {
            name: to_base64url(&digest.as_ref()[..12]),
            signs_from,
            private: to_base64url(private.as_ref()),
            public,
        })
    }

    /// As everybody may see it.
    pub fn jwk(&self) -> Option<Jwk> {
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

    /// Signs claims as a JWT of this type.
    ///
    /// # Errors
    /// When the key cannot be used.
    pub fn sign<T: Serialize>(&self, typ: &str, claims: &T) -> Result<String, Error> {
        let private = from_base64url(&self.private).map(Zeroizing::new);
        let private = private.ok_or_else(|| Error::internal("a signing key is damaged"))?;
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some(typ.to_owned());
        header.kid = Some(self.name.clone());
        let key = EncodingKey::from_ec_der(&private);
        // The reason could quote the key.
        jsonwebtoken::encode(&header, claims, &key).map_err(|_| Error::internal("a token cannot be signed"))
    }
}

/// All keys, those that sign first coming first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ring {
    keys: Vec<KeptKey>,
}

impl Ring {
    /// The key that signs now.
    pub fn current(&self, now: u64) -> Option<&KeptKey> {
        self.keys.iter().rfind(|key| key.signs_from <= now)
    }

    /// Names of the keys in force: those that sign or will, and those whose tokens may still live.
    pub fn names(&self) -> Vec<String> {
        self.keys.iter().map(|key| key.name.clone()).collect()
    }

    /// All of them as everybody may see them.
    pub fn document(&self) -> JwkSet {
        JwkSet {
            keys: self.keys.iter().filter_map(KeptKey::jwk).collect(),
        }
    }

    /// The keys as they have to be now: one that signs, one that will, and no former ones whose tokens have all expired. `rotation` is
    /// how long a key signs, in seconds.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn kept_up(&self, now: u64, rotation: u64) -> Result<Self, Error> {
        let mut keys = self.keys.clone();
        if !keys.iter().any(|key| key.signs_from <= now) {
            keys.insert(0, KeptKey::fresh(now)?);
        }
        let last = keys.last().map_or(now, |key| key.signs_from);
        if last <= now {
            keys.push(KeptKey::fresh((last + rotation).max(now + rotation / 2))?);
        }
        let lives = u64::from(LONGEST_LIFE) + 2 * u64::from(SKEW);
        let former: Vec<bool> = keys
            .windows(2)
            .map(|pair| pair[1].signs_from + lives < now)
            .chain([false])
            .collect();
        let mut former = former.into_iter();
        keys.retain(|_| !former.next().unwrap_or_default());
        Ok(Self { keys })
    }

    /// The announced key signs from now on.
    ///
    /// # Errors
    /// When no key can be made, or there are [`MOST_KEYS`]: former ones leave when their tokens have expired.
    pub fn rotated(&self, now: u64, rotation: u64) -> Result<Self, Error> {
        let mut ring = self.kept_up(now, rotation)?;
        if ring.keys.len() >= MOST_KEYS {
            return Err(Error::unavailable(
                "there are 12 signing keys already; try again when the oldest has left (an hour after it stopped signing), or send \
                 compromised=true to withdraw all of them",
            ));
        }
        if let Some(next) = ring.keys.iter_mut().find(|key| key.signs_from > now) {
            next.signs_from = now;
        }
        ring.kept_up(now, rotation)
    }

    /// Fresh keys only. All that were there are in force no more, and with them all tokens: they were kept together, so whoever took one
    /// took the announced one too.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn replaced(now: u64, rotation: u64) -> Result<Self, Error> {
        Self::default().kept_up(now, rotation)
    }
}
