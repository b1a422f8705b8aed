//! From a compact JWS (RFC 7515) to the bytes that were signed: size, form, header, key, signature, in this order. Nothing of the
//! payload is looked at before the signature holds.

use super::{flaw::Flaw, keys::KeySet};
use edgeapp_core::token::{ES256, from_base64url};
use jsonwebtoken::Algorithm;
use serde::Deserialize;

/// Longest token that is looked at, in bytes.
pub const LONGEST_TOKEN: usize = 8 * 1024;
/// Longest list of revocations.
pub const LONGEST_LIST: usize = 4 * 1024 * 1024;
/// Bytes of a signature by ES256: two numbers of 32 bytes.
const ES256_SIGNATURE: usize = 64;
/// Longest name of a key.
const LONGEST_KEY_NAME: usize = 64;

/// The three parts of a compact JWS, still in base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
    signed: &'a str,
}

/// The parameters of a header. Any other makes a token invalid, above all those that bring a key along or change what is signed:
/// `crit`, `jku`, `jwk`, `x5u`, `x5c`, `zip`, `b64`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: Option<String>,
    typ: Option<String>,
    kid: Option<String>,
}

/// Takes a token apart.
///
/// # Errors
/// When it is longer than `longest` or has another form.
pub fn split(token: &str, longest: usize) -> Result<Parts<'_>, Flaw> {
    if token.len() > longest {
        return Err(Flaw::TooLong);
    }
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Flaw::Form);
    };
    if header.is_empty() || payload.is_empty() || signature.is_empty() {
        return Err(Flaw::Form);
    }
    let signed = &token[..header.len() + 1 + payload.len()];
    Ok(Parts {
        header,
        payload,
        signature,
        signed,
    })
}

/// The payload of a JWS that one of these keys signed and that says to be of one of these types; with the name of the key.
///
/// # Errors
/// At the first thing that is wrong.
pub fn open<'k>(token: &str, longest: usize, types: &[&str], keys: &'k KeySet) -> Result<(Vec<u8>, &'k str), Flaw> {
    let parts = split(token, longest)?;
    let header = from_base64url(parts.header).ok_or(Flaw::Form)?;
    let payload = from_base64url(parts.payload).ok_or(Flaw::Form)?;
    let signature = from_base64url(parts.signature).ok_or(Flaw::Form)?;
    let header: Header = object(&header).ok_or(Flaw::Header)?;
    if header.alg.as_deref() != Some(ES256) {
        return Err(Flaw::Algorithm);
    }
    if !header.typ.is_some_and(|typ| types.contains(&typ.as_str())) {
        return Err(Flaw::Type);
    }
    let name = header.kid.ok_or(Flaw::KeyName)?;
    if !is_key_name(&name) {
        return Err(Flaw::KeyName);
    }
    let (name, key) = keys.get(&name).ok_or(Flaw::UnknownKey)?;
    if signature.len() != ES256_SIGNATURE {
        return Err(Flaw::Signature);
    }
    match jsonwebtoken::crypto::verify(parts.signature, parts.signed.as_bytes(), key, Algorithm::ES256) {
        Ok(true) => Ok((payload, name)),
        Ok(false) | Err(_) => Err(Flaw::Signature),
    }
}

/// Whether a key can have this name: a plain word, never a path, a query or an address.
pub fn is_key_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=LONGEST_KEY_NAME).contains(&name.len()) && name.bytes().all(plain)
}

/// An object of JSON; what serde derives would take a list for one too.
fn object<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Option<T> {
    if json.first() == Some(&b'{') {
        serde_json::from_slice(json).ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_three_parts() {
        let split = |token| super::split(token, 100);
        assert!(split("a.b.c").is_ok_and(|parts| parts.signed == "a.b" && parts.signature == "c"));
        for token in ["", "a", "a.b", "a.b.c.d", "a.b.c.d.e", ".b.c", "a..c", "a.b.", ".."] {
            assert_eq!(split(token), Err(Flaw::Form), "{token:?}");
        }
        assert_eq!(super::split(&"a".repeat(101), 100), Err(Flaw::TooLong));
    }

    #[test]
    fn a_key_name_is_a_plain_word() {
        assert!(is_key_name("aZ0-_") && is_key_name(&"a".repeat(64)));
        let long = "a".repeat(65);
        for name in [
            "",
            "../../etc/passwd",
            "' OR 1=1",
            "https://evil.example/k",
            "a\0",
            "ä",
            "a.b",
            &long,
        ] {
            assert!(!is_key_name(name), "{name:?}");
        }
    }
}
