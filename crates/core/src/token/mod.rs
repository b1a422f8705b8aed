//! Access tokens as they travel: claims, keys and revocations, in the words of the RFCs. Who issues them and how they are verified
//! is said elsewhere; both sides, and clients, share what is here.

pub mod scope;

use crate::principal::{Owner, Principal, Role};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use std::fmt;

/// `typ` of an access token (RFC 9068 clause 2.1).
pub const ACCESS_TOKEN: &str = "at+jwt";
/// `typ` of a revocation list, so that neither can stand for the other.
pub const REVOCATIONS: &str = "revocations+jwt";
/// The one signature algorithm that our own issuer uses (RFC 7518).
pub const ES256: &str = "ES256";
/// The longest life of a token, in seconds.
pub const LONGEST_LIFE: u32 = 3600;
/// How far the clocks of issuer and server may be apart, in seconds (TS 33.122 annex C).
pub const SKEW: u32 = 30;

/// Bytes as base64url without padding, as in every part of a JWT.
pub fn to_base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes behind base64url; `None` when it is padded, has other characters, or leaves bits over.
pub fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// SHA-256 of a certificate in DER: what a token is bound to (RFC 8705 clause 3.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// This digest.
    pub const fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// As it stands in `x5t#S256`.
    pub fn to_text(&self) -> String {
        to_base64url(&self.0)
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

/// The claims of an access token (RFC 9068, TS 33.558 clause 6.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    /// `iss`: the ECS that issued it.
    pub iss: String,
    /// `sub`: the client, as its certificate names it.
    pub sub: String,
    /// `aud`: EESID of the one EES it is for.
    pub aud: String,
    /// `client_id`: the same as `sub`.
    pub client_id: String,
    /// `edgeapp_role`: the role of the client, such as `eec`. Our own issuer says it, because clients of different roles may have one
    /// name; others need not.
    #[serde(default, rename = "edgeapp_role", skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// `scope`: what it allows, see [`scope`].
    pub scope: String,
    /// `iat`: when it was issued, in seconds since 1970.
    pub iat: u64,
    /// `nbf`: from when it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<u64>,
    /// `exp`: until when it counts.
    pub exp: u64,
    /// `jti`: its own name, for revocation.
    pub jti: String,
    /// `cnf`: the certificate that it is bound to.
    pub cnf: Confirmation,
}

/// What a token is bound to (RFC 7800, RFC 8705).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// `x5t#S256`: the [`Thumbprint`] of the client's certificate.
    #[serde(rename = "x5t#S256")]
    pub x5t_s256: String,
}

/// A public key (RFC 7517): a point of the curve P-256.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// `kty`: `EC`.
    pub kty: String,
    /// `crv`: `P-256`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crv: Option<String>,
    /// `use`: `sig`.
    #[serde(default, rename = "use", skip_serializing_if = "Option::is_none")]
    pub use_for: Option<String>,
    /// `alg`: `ES256`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// `kid`: its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// `x`: the first coordinate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// `y`: the second coordinate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
}

/// A set of public keys (RFC 7517 clause 5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JwkSet {
    /// `keys`: the keys.
    pub keys: Vec<Jwk>,
}

/// What an issuer has taken back, as the claims of a signed list. Lists are numbered; one replaces those with lower numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevocationList {
    /// `iss`: who issued list and tokens.
    pub iss: String,
    /// `aud`: EESID of the server that the list was made for, and that it leaves out nothing of; for every one when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aud: Option<String>,
    /// `iat`: when the list was signed.
    pub iat: u64,
    /// `seq`: its number; a change makes it greater.
    pub seq: u64,
    /// `keys`: names of the keys that are in force; tokens of others are void.
    pub keys: Vec<String>,
    /// `tokens`: single tokens that were revoked and have not expired.
    pub tokens: Vec<RevokedToken>,
    /// `clients`: clients all of whose tokens up to an instant were revoked.
    pub clients: Vec<RevokedClient>,
}

/// A token that was revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokedToken {
    /// Its `jti`.
    pub jti: String,
    /// Its `exp`: from then on nobody has to remember it.
    pub exp: u64,
}

/// A client whose tokens were revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokedClient {
    /// The `sub` of its tokens.
    pub sub: String,
    /// Its identity URI. Not given by older issuers: then all clients of that name are meant, whatever their role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Owner>,
    /// Tokens with this `iat` or an earlier one are void.
    pub until: u64,
    /// When the last of them has expired.
    pub exp: u64,
}

/// The name of a client in its tokens: its identifier; of an EAS the whole identity, which tells instances apart.
pub fn client_id(principal: &Principal) -> &str {
    match principal.role() {
        Role::Eas => principal.owner().as_str(),
        _ => principal.id(),
    }
}

/// The identity of the client that has this name in its tokens: the other way round than [`client_id`]. `None` where there is none.
///
/// ```
/// use edgeapp_core::{principal::{Principal, Role}, token::{client_id, identity_of}};
/// for uri in ["urn:edgeapp:eec:eec-1", "urn:edgeapp:eas:eas.chess.example#a"] {
///     let client = Principal::from_names([uri], [])?;
///     assert_eq!(identity_of(client.role(), client_id(&client)).as_ref(), Some(client.owner()));
/// }
/// assert_eq!(identity_of(Role::Eas, "urn:edgeapp:eec:eec-1"), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn identity_of(role: Role, client_id: &str) -> Option<Owner> {
    if role != Role::Eas {
        return Some(Owner::new(role, client_id));
    }
    let eas = Principal::from_names([client_id], []).ok()?;
    (eas.role() == role).then(|| eas.owner().clone())
}

/// The resource indicator (RFC 8707) that stands for an EES in a request for a token.
pub fn resource_of(ees_id: &str) -> String {
    format!("https://{ees_id}/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64url_is_read_strictly() {
        assert_eq!(from_base64url("_-8").as_deref(), Some(&[0xff, 0xef][..]));
        for text in ["_-8=", "_-9", "/+8", "_ -8", "_-8\n", "_"] {
            assert_eq!(from_base64url(text), None, "{text:?}");
        }
    }
}
