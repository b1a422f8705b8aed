//! The section `[capif]` of `ees.toml`, as far as it is about the EES as an API provider.

use edgeapp_core::{hardening::Check, token::JwkSet};
use edgeapp_openapi::capif::publish_service::SecurityMethod;
use serde::{Deserialize, Serialize};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// `[capif.exposure]`: the core function at which this EES exposes its APIs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExposureSettings {
    /// `url`: `apiRoot` of the core function; the one that is embedded when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `roots`: PEM file with the issuers of its certificate, by which it is called and with which it calls.
    pub roots: PathBuf,
    /// `invoker_roots`: PEM file with the issuers of API invokers' certificates: the authority of the core function. Without it, the
    /// authority of the embedded core function; where `url` names another one, invokers show certificates of the issuers in `trust.eas`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoker_roots: Option<PathBuf>,
    /// `credential_file`: a file with the onboarding credential of a provider. Read while the EES is not registered, and not needed
    /// afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_file: Option<PathBuf>,
    /// `keys`: a file with the keys (JWK set, RFC 7517) of the core function's tokens. Without it they are asked for at
    /// `/.well-known/jwks.json` of the core function, where ours has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<PathBuf>,
    /// `apis`: the APIs to publish; all that EDGE-3 serves when not given. What is not published cannot be used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apis: Vec<String>,
    /// `methods`: the security methods on offer, `OAUTH` and `PKI`; both when not given.
    #[serde(default = "methods")]
    pub methods: Vec<SecurityMethod>,
    /// `data_centre`: where the EES is, as discovery names it; its first DNAI when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_centre: Option<String>,
    /// `shareable`: the core function may tell other core functions of the APIs.
    #[serde(default)]
    pub shareable: bool,
    /// `check_seconds`: how often the EES looks whether the core function has what it should, and for policies and keys; 5 when not
    /// given.
    #[serde(default = "check_seconds")]
    pub check_seconds: u32,
    /// `longest_retry_seconds`: longest pause between attempts while the core function is away; 60 when not given.
    #[serde(default = "minute")]
    pub longest_retry_seconds: u32,
    /// `timeout_seconds`: how long the core function may take to answer; 10 when not given.
    #[serde(default = "timeout_seconds")]
    pub timeout_seconds: u32,
    /// `longest_token_seconds`: tokens that live longer are refused, and what was taken back is remembered for so long; an hour when not
    /// given.
    #[serde(default = "hour")]
    pub longest_token_seconds: u32,
    /// `log_invocations`: each invocation is told to the core function. It is kept before the invoker is answered, and told afterwards.
    #[serde(default = "yes")]
    pub log_invocations: bool,
    /// `accept_tokens_without_a_certificate`: tokens that are bound to no certificate are taken, whichever EAS shows them. For core
    /// functions that bind none.
    #[serde(default)]
    pub accept_tokens_without_a_certificate: bool,
}

fn methods() -> Vec<SecurityMethod> {
    vec![SecurityMethod::Oauth, SecurityMethod::Pki]
}

const fn check_seconds() -> u32 {
    5
}

const fn timeout_seconds() -> u32 {
    10
}

const fn minute() -> u32 {
    60
}

const fn hour() -> u32 {
    3600
}

const fn yes() -> bool {
    true
}

/// Longest onboarding credential that is read, in bytes.
const LONGEST_CREDENTIAL: usize = 4096;

impl ExposureSettings {
    /// What the hardened reference says about `[capif.exposure]`.
    pub const CHECKS: &[Check<Self>] = &[
        Check::on(
            "capif.exposure.accept_tokens_without_a_certificate",
            |to| to.accept_tokens_without_a_certificate,
            "whoever gets hold of a token can use it",
        ),
        Check::most(
            "capif.exposure.longest_token_seconds",
            3600,
            |to| to.longest_token_seconds.into(),
            "a token that was stolen is good for so long where nobody notices",
        ),
    ];

    /// Makes the paths relative to `folder`, where they are relative.
    pub fn resolve(&mut self, folder: &Path) {
        self.roots = folder.join(&self.roots);
        let optional = [&mut self.invoker_roots, &mut self.credential_file, &mut self.keys];
        for path in optional.into_iter().flatten() {
            *path = folder.join(&*path);
        }
    }

    /// What is wrong with it: the key, and why.
    pub fn wrong(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        let mut refuse = |key, reason: &str| wrong.push((key, reason.to_owned()));
        if self.url.as_ref().is_some_and(|url| !url.starts_with("https://")) {
            refuse(
                "capif.exposure.url",
                "must be the https apiRoot of the core function, such as https://ccf.example:9443",
            );
        }
        if self.methods.is_empty() {
            refuse("capif.exposure.methods", "names none; name OAUTH, PKI or both");
        }
        for method in &self.methods {
            if !matches!(method, SecurityMethod::Oauth | SecurityMethod::Pki) {
                let reason = format!(
                    "{method} is not offered: the keys of PSK come from TLS 1.2 sessions, which have no counterpart in TLS 1.3; name OAUTH or PKI"
                );
                refuse("capif.exposure.methods", &reason);
            }
        }
        if self.check_seconds == 0 {
            refuse("capif.exposure.check_seconds", "must be at least 1");
        }
        if self.longest_retry_seconds == 0 {
            refuse("capif.exposure.longest_retry_seconds", "must be at least 1");
        }
        if !(60..=86_400).contains(&self.longest_token_seconds) {
            refuse(
                "capif.exposure.longest_token_seconds",
                "is at least 60 and at most 86400",
            );
        }
        wrong
    }

    /// Whether invokers may call by their certificate alone.
    pub fn offers_pki(&self) -> bool {
        self.methods.contains(&SecurityMethod::Pki)
    }

    /// The keys in a file of ours, where there is one.
    ///
    /// # Errors
    /// When it cannot be read or is no JWK set.
    pub fn own_keys(&self) -> Result<Option<JwkSet>, String> {
        let Some(path) = &self.keys else { return Ok(None) };
        let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        keys_of(&bytes)
            .map(Some)
            .map_err(|reason| format!("{}: {reason}", path.display()))
    }

    /// The onboarding credential.
    ///
    /// # Errors
    /// Says what to do about it.
    pub fn credential(&self) -> Result<String, String> {
        let Some(path) = &self.credential_file else {
            return Err("this EES is not registered at the core function yet; name a file with an onboarding credential for providers in \
                `capif.exposure.credential_file`"
                .to_owned());
        };
        let text = fs::read_to_string(path).map_err(|error| {
            format!(
                "`capif.exposure.credential_file`: {}: {error}; the operator of the core function makes credentials",
                path.display()
            )
        })?;
        let credential = text.trim();
        let good = !credential.is_empty() && credential.len() <= LONGEST_CREDENTIAL && credential.is_ascii();
        match good && !credential.contains(char::is_whitespace) {
            true => Ok(credential.to_owned()),
            false => Err(format!(
                "`capif.exposure.credential_file`: {} holds no credential",
                path.display()
            )),
        }
    }
}

/// Reads a JWK set with at least one key that tokens can be verified with.
///
/// # Errors
/// When it is none.
pub fn keys_of(bytes: &[u8]) -> Result<JwkSet, String> {
    if bytes.len() > 64 * 1024 {
        return Err("is longer than sets of keys are".to_owned());
    }
    let set: JwkSet = serde_json::from_slice(bytes).map_err(|error| format!("is no JWK set: {error}"))?;
    let usable = set
        .keys
        .iter()
        .any(|key| key.kty == "EC" && key.crv.as_deref() == Some("P-256") && key.x.is_some() && key.y.is_some());
    match usable {
        true => Ok(set),
        false => Err("holds no key of P-256, for ES256".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "url = \"https://ccf.example\"\nroots = \"ccf.pem\"\n";

    fn wrong(text: &str) -> Vec<&'static str> {
        let settings: ExposureSettings = toml::from_str(text).expect("TOML");
        settings.wrong().into_iter().map(|(key, _)| key).collect()
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(wrong(GOOD).is_empty());
        assert!(wrong("roots = \"ccf.pem\"").is_empty(), "the embedded one");
        assert_eq!(
            wrong("url = \"http://ccf.example\"\nroots = \"ccf.pem\""),
            ["capif.exposure.url"]
        );
        assert_eq!(wrong(&format!("{GOOD}methods = [\"PSK\"]")), ["capif.exposure.methods"]);
        assert_eq!(wrong(&format!("{GOOD}methods = []")), ["capif.exposure.methods"]);
        let short = format!("{GOOD}longest_token_seconds = 5\ncheck_seconds = 0");
        assert_eq!(
            wrong(&short),
            ["capif.exposure.check_seconds", "capif.exposure.longest_token_seconds"]
        );
        assert!(toml::from_str::<ExposureSettings>(&format!("{GOOD}token = \"x\"")).is_err());
    }

    #[test]
    fn keys_are_a_set_with_one_that_can_be_used() {
        assert!(keys_of(b"[]").is_err());
        assert!(keys_of(br#"{"keys": []}"#).is_err());
        assert!(keys_of(br#"{"keys": [{"kty": "RSA"}]}"#).is_err());
        assert!(keys_of(br#"{"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]}"#).is_ok());
    }
}
