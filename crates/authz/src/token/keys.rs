//! The public keys of an issuer, by name.

use super::jws::is_key_name;
use edgeapp_core::token::{ES256, Jwk, JwkSet, from_base64url};
use jsonwebtoken::DecodingKey;
use std::{collections::BTreeMap, fmt};

/// Largest document with keys that is read, in bytes.
pub const LARGEST: usize = 64 * 1024;
/// Most keys of an issuer that are taken: the first ones that can be used.
pub const MOST: usize = 24;

/// Keys by name.
#[derive(Clone, Default)]
pub struct KeySet {
    by_name: BTreeMap<String, (Jwk, DecodingKey)>,
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}

impl PartialEq for KeySet {
    fn eq(&self, other: &Self) -> bool {
        let keys = |set: &Self| set.by_name.values().map(|(jwk, _)| jwk.clone()).collect::<Vec<_>>();
        keys(self) == keys(other)
    }
}

/// Why a document is no set of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKeys {
    /// It is longer than such documents are.
    #[error("the document is longer than {LARGEST} bytes")]
    TooLong,
    /// It is no JWK set.
    #[error("the document is no JWK set")]
    Form,
    /// There is none that could be used.
    #[error("there is no key for ES256 with a name")]
    None,
}

impl KeySet {
    /// The keys of a document (RFC 7517) that can be used here: points of P-256 that are meant for signatures by ES256 and have a name.
    ///
    /// # Errors
    /// See [`BadKeys`].
    pub fn parse(document: &[u8]) -> Result<Self, BadKeys> {
        if document.len() > LARGEST {
            return Err(BadKeys::TooLong);
        }
        let set: JwkSet = serde_json::from_slice(document).map_err(|_| BadKeys::Form)?;
        let usable = set.keys.into_iter().filter_map(|jwk| {
            let key = key_of(&jwk)?;
            Some((jwk.kid.clone()?, (jwk, key)))
        });
        let mut by_name = BTreeMap::new();
        for (name, key) in usable {
            by_name.entry(name).or_insert(key);
            // What is left would be a burden, and no reason to stop at what was known before.
            if by_name.len() == MOST {
                break;
            }
        }
        if by_name.is_empty() {
            return Err(BadKeys::None);
        }
        Ok(Self { by_name })
    }

    /// The key of this name.
    pub(super) fn get(&self, name: &str) -> Option<(&str, &DecodingKey)> {
        self.by_name
            .get_key_value(name)
            .map(|(name, (_, key))| (name.as_str(), key))
    }

    /// Whether there is a key of this name.
    pub fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// The names of all.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// Without those of which this is so.
    pub fn but(mut self, is_so: impl Fn(&str) -> bool) -> Self {
        self.by_name.retain(|name, _| !is_so(name));
        self
    }

    /// Only those of these names.
    pub fn only(mut self, names: &[String]) -> Self {
        self.by_name.retain(|name, _| names.contains(name));
        self
    }

    /// As a document again.
    pub fn document(&self) -> JwkSet {
        JwkSet {
            keys: self.by_name.values().map(|(jwk, _)| jwk.clone()).collect(),
        }
    }
}

fn key_of(jwk: &Jwk) -> Option<DecodingKey> {
    let fits = jwk.kty == "EC"
        && jwk.crv.as_deref() == Some("P-256")
        && jwk.alg.as_deref().is_none_or(|alg| alg == ES256)
        && jwk.use_for.as_deref().is_none_or(|purpose| purpose == "sig")
        && jwk.kid.as_deref().is_some_and(is_key_name);
    let (x, y) = (jwk.x.as_deref()?, jwk.y.as_deref()?);
    let whole = |coordinate| from_base64url(coordinate).is_some_and(|bytes| bytes.len() == 32);
    (fits && whole(x) && whole(y))
        .then(|| DecodingKey::from_ec_components(x, y).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgeapp_testkit::issuer::Issuer;
    use serde_json::json;

    #[test]
    fn only_keys_that_fit_are_taken() {
        let issuer = Issuer::new("https://ecs.example");
        let good = serde_json::to_value(&issuer.jwks().keys[0]).unwrap();
        let name = issuer.key_name().to_owned();
        let parsed = |key: &serde_json::Value| KeySet::parse(json!({"keys": [key]}).to_string().as_bytes());
        assert!(parsed(&good).unwrap().has(&name));
        for (member, value) in [
            ("kty", json!("RSA")),
            ("kty", json!("oct")),
            ("crv", json!("P-384")),
            ("alg", json!("HS256")),
            ("use", json!("enc")),
            ("kid", json!("../a")),
            ("kid", json!(null)),
            ("x", json!("AA")),
            ("y", json!(null)),
        ] {
            let mut key = good.clone();
            key[member] = value.clone();
            assert_eq!(parsed(&key), Err(BadKeys::None), "{member} {value}");
        }
        let named = |n: usize| {
            let mut key = good.clone();
            key["kid"] = json!(format!("key-{n}"));
            key
        };
        let many: Vec<_> = (0..=MOST).map(named).collect();
        let taken = KeySet::parse(json!({"keys": many}).to_string().as_bytes()).unwrap();
        assert!(taken.has("key-0") && taken.has(&format!("key-{}", MOST - 1)) && !taken.has(&format!("key-{MOST}")));
        assert_eq!(KeySet::parse(b"[]"), Err(BadKeys::Form));
        assert_eq!(KeySet::parse(&vec![b' '; LARGEST + 1]), Err(BadKeys::TooLong));
    }
}
