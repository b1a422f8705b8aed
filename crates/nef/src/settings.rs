//! The section `[nef]` of a configuration.

use edgeapp_core::hardening::Check;
use edgeapp_openapi::{common::Snssai, ids::Dnn};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use url::Url;

/// Where the NEF is, and as whom it is asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NefSettings {
    /// `api_root`: its `apiRoot`, which may have a path.
    pub api_root: String,
    /// `scs_as_id`: the name by which the NEF knows this server (`scsAsId`, `afId`).
    pub scs_as_id: String,
    /// `dnn`: the data network of the edge; needed by networks with several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dnn: Option<Dnn>,
    /// `snssai`: the slice of the edge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snssai: Option<Snssai>,
    /// `token_file`: a file with a bearer token that never changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// `[nef.oauth]`: where bearer tokens are fetched, instead of `token_file`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth: Option<OauthSettings>,
    /// `timeout_ms`: how long one call may take, 2000 when not given.
    #[serde(default = "timeout_ms")]
    pub timeout_ms: u32,
    /// `allow_plain_http_to_nef_on_trusted_networks_only`: `api_root` may begin with http://. Whoever is on the way then reads where
    /// people are, and can change it.
    #[serde(default)]
    pub allow_plain_http_to_nef_on_trusted_networks_only: bool,
}

const fn timeout_ms() -> u32 {
    2000
}

/// Where bearer tokens are fetched (OAuth 2.0, client credentials).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OauthSettings {
    /// `token_url`: the token endpoint.
    pub token_url: String,
    /// `client_id`: as whom.
    pub client_id: String,
    /// `client_secret_file`: a file with the secret; without it the client certificate alone proves who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret_file: Option<PathBuf>,
    /// `scope`: what is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NefSettingsError {
    /// A value is wrong.
    #[error("key `{key}`: {reason}")]
    Wrong {
        /// Which.
        key: &'static str,
        /// Why, and what to do.
        reason: String,
    },
    /// A file cannot be read.
    #[error("key `{key}`: {file}: {source}")]
    File {
        /// Which key names it.
        key: &'static str,
        /// The file.
        file: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

impl NefSettings {
    /// What the hardened reference says about `[nef]`.
    pub const CHECKS: &[Check<Self>] = &[
        Check::on(
            "nef.allow_plain_http_to_nef_on_trusted_networks_only",
            |nef| nef.allow_plain_http_to_nef_on_trusted_networks_only,
            "whoever is on the way reads where people are, and can change it",
        ),
        Check::new(
            "nef.token_file",
            "[nef.oauth]",
            |nef| nef.token_file.as_ref().map(|_| "a token that never changes".to_owned()),
            "who once read that token is us for ever",
        ),
    ];

    /// Makes the paths relative to `folder`, where they are relative.
    pub fn resolve(&mut self, folder: &Path) {
        let secret = self.oauth.as_mut().and_then(|oauth| oauth.client_secret_file.as_mut());
        for file in self.token_file.iter_mut().chain(secret) {
            *file = folder.join(&*file);
        }
    }

    /// `api_root`, parsed.
    pub(crate) fn root(&self) -> Result<Url, NefSettingsError> {
        Url::parse(&self.api_root).map_err(|error| NefSettingsError::Wrong {
            key: "nef.api_root",
            reason: format!("is no URL: {error}"),
        })
    }

    /// Checks what can be checked without the NEF.
    ///
    /// # Errors
    /// Names the key and the remedy.
    pub fn check(&self) -> Result<(), NefSettingsError> {
        let wrong = |key, reason: &str| {
            Err(NefSettingsError::Wrong {
                key,
                reason: reason.to_owned(),
            })
        };
        let plain = self.allow_plain_http_to_nef_on_trusted_networks_only;
        if !(self.api_root.starts_with("https://") || (plain && self.api_root.starts_with("http://"))) {
            return wrong(
                "nef.api_root",
                "must begin with https:// (or set nef.allow_plain_http_to_nef_on_trusted_networks_only)",
            );
        }
        let root = self.root()?;
        let plain = root.username().is_empty() && root.password().is_none();
        if !plain || root.query().is_some() || root.fragment().is_some() {
            return wrong(
                "nef.api_root",
                "must be scheme, host, port and path only; credentials have keys of their own",
            );
        }
        if self.scs_as_id.is_empty() || self.scs_as_id.contains(['/', '?', '#']) {
            return wrong(
                "nef.scs_as_id",
                "must be one part of a path, as the NEF's operator gave it",
            );
        }
        if self.token_file.is_some() && self.oauth.is_some() {
            return wrong("nef.oauth", "and nef.token_file exclude each other; keep one of both");
        }
        if let Some(oauth) = &self.oauth
            && !oauth.token_url.starts_with("https://")
        {
            return wrong("nef.oauth.token_url", "must begin with https://: a secret goes there");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(api_root: &str) -> NefSettings {
        serde_json::from_value(serde_json::json!({"api_root": api_root, "scs_as_id": "ees-a"})).expect("settings")
    }

    #[test]
    fn plain_http_needs_its_long_name() {
        let mut plain = settings("http://nef.example");
        assert!(plain.check().is_err());
        plain.allow_plain_http_to_nef_on_trusted_networks_only = true;
        assert!(plain.check().is_ok());
        assert!(settings("https://nef.example/some/path").check().is_ok());
        for wrong in [
            "https://",
            "https://user:word@nef.example",
            "https://nef.example/a?b",
            "https://nef.example#c",
        ] {
            assert!(settings(wrong).check().is_err(), "{wrong}");
        }
    }

    #[test]
    fn one_way_to_a_token_is_enough() {
        let mut both = settings("https://nef.example");
        both.token_file = Some("token".into());
        both.oauth = Some(OauthSettings {
            token_url: "https://idp.example/token".to_owned(),
            client_id: "ees-a".to_owned(),
            client_secret_file: None,
            scope: None,
        });
        let error = both.check().expect_err("refused").to_string();
        assert!(error.contains("nef.oauth"), "{error}");
    }
}
