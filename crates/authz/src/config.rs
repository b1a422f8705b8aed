//! The section `[authorization]` of a server's configuration: who decides what callers may use.

use crate::{
    policy::{Catalogue, LocalPolicy, PolicyError},
    token::{claims::Expected, verifier::Rules},
};
use edgeapp_core::{authorizer::ReferencePoint, hardening::Check, token::LONGEST_LIFE};
use serde::{Deserialize, Serialize};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Who decides what callers may use.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthorizationConfig {
    /// `policies`: a folder of `*.cedar` files, or one such file. They take the place of the policies that the server comes with, and
    /// are read again when they change and on SIGHUP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policies: Option<PathBuf>,
    /// `allow_policies_that_permit_everything`: a policy may permit all callers all operations on all listeners. For laboratories.
    pub allow_policies_that_permit_everything: bool,
    /// `mode`: `local_policy` decides by the certificate alone, `token` demands access tokens of the ECS at `reference_points`. With
    /// `token` there is no way around them there; local policy decides as well, and alone at the others. `local_policy` when not given.
    /// An ECS has local policy only.
    pub mode: Mode,
    /// `issuer`: who issues the tokens, letter by letter as in their `iss`: the `tokens.issuer` of the ECS. Needed with `mode = "token"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// `reference_points`: where tokens are demanded: `edge1`, `edge3`, `edge9`. `["edge1"]` when not given.
    pub reference_points: Vec<TokenPoint>,
    /// `pull_seconds`: how often the ECS is asked for what it revoked, 1 to 5; 3 when not given.
    pub pull_seconds: u8,
    /// `stale_seconds`: how long keys and revocations count when the ECS cannot be reached, an hour when not given, at most a day. After an
    /// hour without an ECS every token that it issued is over: more serves nobody but who signs tokens with a key that was withdrawn.
    pub stale_seconds: u32,
    /// `accept_tokens_typed_jwt`: tokens with the header `typ: JWT` are taken too, for an issuer that does not know RFC 9068.
    pub accept_tokens_typed_jwt: bool,
}

/// Who decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The certificate alone.
    #[default]
    LocalPolicy,
    /// Access tokens of the ECS.
    Token,
}

/// A reference point at which tokens can be demanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenPoint {
    /// Of EECs.
    Edge1,
    /// Of EASs.
    Edge3,
    /// Of other EESs.
    Edge9,
}

impl From<TokenPoint> for ReferencePoint {
    fn from(point: TokenPoint) -> Self {
        match point {
            TokenPoint::Edge1 => Self::Edge1,
            TokenPoint::Edge3 => Self::Edge3,
            TokenPoint::Edge9 => Self::Edge9,
        }
    }
}

const DAY: u32 = 86_400;

impl Default for AuthorizationConfig {
    fn default() -> Self {
        Self {
            policies: None,
            allow_policies_that_permit_everything: false,
            mode: Mode::default(),
            issuer: None,
            reference_points: vec![TokenPoint::Edge1],
            pull_seconds: 3,
            stale_seconds: LONGEST_LIFE,
            accept_tokens_typed_jwt: false,
        }
    }
}

impl AuthorizationConfig {
    /// What the hardened reference says about `[authorization]`.
    pub const CHECKS: &[Check<Self>] = &[
        Check::on(
            "authorization.allow_policies_that_permit_everything",
            |authorization| authorization.allow_policies_that_permit_everything,
            "one policy opens every operation to every caller",
        ),
        Check::on(
            "authorization.accept_tokens_typed_jwt",
            |authorization| authorization.accept_tokens_typed_jwt,
            "what the issuer signed for another purpose can pass for an access token",
        ),
        Check::most(
            "authorization.stale_seconds",
            LONGEST_LIFE as u64,
            |authorization| authorization.stale_seconds.into(),
            "whoever keeps the ECS from being heard and has a key that was withdrawn signs tokens that count",
        ),
    ];

    /// Makes the path relative to `folder`, where it is relative.
    pub fn resolve(&mut self, folder: &Path) {
        if let Some(policies) = &mut self.policies {
            *policies = folder.join(&*policies);
        }
    }

    /// The local policy of a server that serves this.
    ///
    /// # Errors
    /// When the policies cannot be used.
    pub fn open(&self, catalogue: Catalogue) -> Result<Arc<LocalPolicy>, PolicyError> {
        LocalPolicy::open(self, catalogue).map(Arc::new)
    }

    /// What is wrong with it: the key below `authorization`, and why.
    pub fn wrong(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        if !(1..=5).contains(&self.pull_seconds) {
            let reason = "is at least 1 and at most 5: what is revoked has to be refused within ten seconds";
            wrong.push(("pull_seconds", reason.to_owned()));
        }
        if !(60..=DAY).contains(&self.stale_seconds) {
            wrong.push(("stale_seconds", format!("is at least 60 and at most {DAY}")));
        }
        if self.mode == Mode::Token && self.reference_points.is_empty() {
            let reason = "names none, with mode = \"token\"; name edge1, or use mode = \"local_policy\"";
            wrong.push(("reference_points", reason.to_owned()));
        }
        if self.mode == Mode::Token && self.issuer.as_ref().is_none_or(String::is_empty) {
            let reason = "is needed with mode = \"token\": tokens.issuer of the ECS, such as https://ecs.example";
            wrong.push(("issuer", reason.to_owned()));
        } else if self
            .issuer
            .as_ref()
            .is_some_and(|issuer| !issuer.starts_with("https://"))
        {
            let reason = "must begin with https://: it is the tokens.issuer of the ECS letter by letter, such as https://ecs.example";
            wrong.push(("issuer", reason.to_owned()));
        }
        wrong
    }

    /// Where tokens are demanded; nowhere by local policy.
    pub fn token_points(&self) -> Vec<ReferencePoint> {
        match self.mode {
            Mode::LocalPolicy => Vec::new(),
            Mode::Token => self.reference_points.iter().map(|point| (*point).into()).collect(),
        }
    }

    /// What the EES `ees_id` asks of tokens.
    pub fn rules(&self, ees_id: &str) -> Rules {
        Rules {
            expected: Expected {
                issuer: self.issuer.clone().unwrap_or_default(),
                audience: ees_id.to_owned(),
            },
            stale_after: u64::from(self.stale_seconds),
            accept_typ_jwt: self.accept_tokens_typed_jwt,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> Vec<&'static str> {
        let config: AuthorizationConfig = toml::from_str(text).expect("TOML");
        config.wrong().into_iter().map(|(key, _)| key).collect()
    }

    #[test]
    fn local_policy_is_the_default_and_a_token_needs_an_issuer() {
        assert!(wrong("").is_empty());
        assert!(AuthorizationConfig::default().token_points().is_empty());
        assert_eq!(wrong("mode = \"token\""), ["issuer"]);
        assert!(wrong("mode = \"token\"\nissuer = \"https://ecs.example\"").is_empty());
        assert_eq!(wrong("mode = \"token\"\nissuer = \"ecs.example\""), ["issuer"]);
        assert_eq!(wrong("issuer = \"http://ecs.example\""), ["issuer"]);
        assert_eq!(
            wrong("mode = \"token\"\nissuer = \"https://x\"\nreference_points = []"),
            ["reference_points"]
        );
        assert_eq!(
            wrong("pull_seconds = 6\nstale_seconds = 86401"),
            ["pull_seconds", "stale_seconds"]
        );
        assert!(toml::from_str::<AuthorizationConfig>("mode = \"none\"").is_err());
        assert!(toml::from_str::<AuthorizationConfig>("reference_points = [\"edge4\"]").is_err());
    }
}
