//! An issuer of access tokens that signs whatever it is told to, right or wrong.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use edgeapp_core::token::{ACCESS_TOKEN, ES256, Jwk, JwkSet, REVOCATIONS, Thumbprint, to_base64url};
use serde_json::{Value, json};

/// An issuer with one key.
pub struct Issuer {
    name: String,
    key_name: String,
    key: EcdsaKeyPair,
}

impl Issuer {
    /// An issuer of this name with a fresh key.
    ///
    /// # Panics
    /// When no key can be made.
    pub fn new(name: &str) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let key_name = to_base64url(&key.public_key().as_ref()[1..9]);
        Self {
            name: name.to_owned(),
            key_name,
            key,
        }
    }

    /// The name of its key.
    pub fn key_name(&self) -> &str {
        &self.key_name
    }

    /// The public key: a point without compression.
    pub fn public_key(&self) -> &[u8] {
        self.key.public_key().as_ref()
    }

    /// Its keys as they are published.
    pub fn jwks(&self) -> JwkSet {
        let point = self.public_key();
        JwkSet {
            keys: vec![Jwk {
                kty: "EC".to_owned(),
                crv: Some("P-256".to_owned()),
                use_for: Some("sig".to_owned()),
                alg: Some(ES256.to_owned()),
                kid: Some(self.key_name.clone()),
                x: Some(to_base64url(&point[1..33])),
                y: Some(to_base64url(&point[33..])),
            }],
        }
    }

    /// The header of its tokens.
    pub fn header(&self) -> Value {
        json!({"alg": ES256, "typ": ACCESS_TOKEN, "kid": self.key_name})
    }

    /// The claims of a token for five minutes.
    pub fn claims(&self, client: &str, ees_id: &str, thumbprint: &Thumbprint, scope: &str, iat: i64) -> Value {
        json!({"iss": self.name, "sub": client, "client_id": client, "aud": ees_id, "scope": scope,
            "iat": iat, "nbf": iat, "exp": iat + 300, "jti": format!("jti-of-{client}"),
            "cnf": {"x5t#S256": thumbprint.to_text()}})
    }

    /// A token with this header and these claims.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    /// As [`Issuer::sign`], of texts that need not even be JSON.
    ///
    /// # Panics
    /// When the key does not sign.
    pub fn sign_text(&self, header: &str, claims: &str) -> String {
        let signed = format!(
            "{}.{}",
            to_base64url(header.as_bytes()),
            to_base64url(claims.as_bytes())
        );
        let signature = self
            .key
            .sign(&SystemRandom::new(), signed.as_bytes())
            .expect("a signature");
        format!("{signed}.{}", to_base64url(signature.as_ref()))
    }

    /// A list of revocations.
    pub fn list(&self, seq: u64, iat: i64, tokens: &[(&str, i64)], clients: &[(&str, i64)]) -> String {
        let tokens: Vec<_> = tokens
            .iter()
            .map(|(jti, exp)| json!({"jti": jti, "exp": exp}))
            .collect();
        let clients: Vec<_> = clients
            .iter()
            .map(|(sub, until)| json!({"sub": sub, "until": until, "exp": until + 3630}))
            .collect();
        let list = json!({"iss": self.name, "iat": iat, "seq": seq, "keys": [self.key_name],
            "tokens": tokens, "clients": clients});
        self.sign(&json!({"alg": ES256, "typ": REVOCATIONS, "kid": self.key_name}), &list)
    }
}
