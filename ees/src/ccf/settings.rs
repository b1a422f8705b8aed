//! What describes a core function, wherever it runs.

use edgeapp_authz::config::AuthorizationConfig;
use edgeapp_capif::{core_function::CoreRules, policy::PolicyRule, routing::Hiding};
use edgeapp_core::callback::CallbackRule;
use edgeapp_http::assembly::{IdentityFiles, ListenAt};
use edgeapp_store::StoreSettings;
use serde::{Deserialize, Serialize};
use std::{
    net::SocketAddr,
    num::NonZeroU32,
    path::{Path, PathBuf},
};

/// `[core]` of `ccf.toml`; `[capif.core]` of `ees.toml`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoreSettings {
    /// `ccf_id`: its identifier; the certificate of `identity` has to be that of `urn:edgeapp:ccf:<ccf_id>`.
    pub ccf_id: String,
    /// `listen`: where API invokers, functions of providers and those who want to become one reach it; port 0 takes any free one.
    pub listen: SocketAddr,
    /// `api_root`: scheme and authority under which they reach it; without it each `Location` has the authority of its request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_root: Option<String>,
    /// `policies`: a folder of Cedar files, or one such file, in place of the policies that a core function comes with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<PathBuf>,
    /// `certificate_seconds`: how long the certificates that it issues live, 90 days when not given.
    #[serde(default = "certificate_seconds")]
    pub certificate_seconds: u32,
    /// `token_seconds`: how long tokens live, ten minutes when not given, a day at most.
    #[serde(default = "token_seconds")]
    pub token_seconds: u32,
    /// `key_rotation_seconds`: how long a key signs tokens, a week when not given.
    #[serde(default = "key_rotation_seconds")]
    pub key_rotation_seconds: u32,
    /// `log_seconds`: how long logs of invocations are kept, 30 days when not given.
    #[serde(default = "log_seconds")]
    pub log_seconds: u32,
    /// `identity`: its certificate and key.
    pub identity: IdentityFiles,
    /// `authority`: the certificate and key of the authority that issues the certificates of invokers and functions.
    pub authority: IdentityFiles,
    /// `trust`: the issuers of the servers that it calls. An EES in which it is embedded lends its own when they are not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<CalledTrust>,
    /// `store`: where its state is kept; no store of anybody else.
    pub store: StoreSettings,
    /// `quotas`: how much one caller may keep.
    #[serde(default)]
    pub quotas: CoreQuotas,
    /// `[[core.policy]]`: how much invokers may use APIs. Of several rules for the same API and invoker the first counts.
    #[serde(default, rename = "policy", skip_serializing_if = "Vec::is_empty")]
    pub access: Vec<PolicyRule>,
    /// `[[core.hiding]]`: APIs that are reached by an entry point alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hiding: Vec<Hiding>,
}

const DAY: u32 = 86_400;

const fn certificate_seconds() -> u32 {
    90 * DAY
}

const fn token_seconds() -> u32 {
    600
}

const fn key_rotation_seconds() -> u32 {
    7 * DAY
}

const fn log_seconds() -> u32 {
    30 * DAY
}

/// Certificates (PEM) that those of called servers have to lead to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalledTrust {
    /// `eas`: of the servers at which API invokers take notifications.
    pub eas: PathBuf,
    /// `ees`: of exposing functions, which take revocations, and of providers, which take notifications.
    pub ees: PathBuf,
}

/// How much one caller may keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CoreQuotas {
    /// `apis`: published APIs of one publishing function, 1,000 when not given.
    pub apis: NonZeroU32,
    /// `event_subscriptions`: event subscriptions of one caller, 100 when not given.
    pub event_subscriptions: NonZeroU32,
}

impl Default for CoreQuotas {
    fn default() -> Self {
        let rules = CoreRules::default();
        Self {
            apis: rules.apis_per_function,
            event_subscriptions: rules.subscriptions_per_caller,
        }
    }
}

impl CoreSettings {
    /// Makes the paths relative to `folder`, where they are relative.
    pub fn resolve(&mut self, folder: &Path) {
        self.identity.resolve(folder);
        self.authority.resolve(folder);
        self.store.resolve(folder);
        if let Some(CalledTrust { eas, ees }) = &mut self.trust {
            for path in [eas, ees] {
                *path = folder.join(&*path);
            }
        }
        if let Some(policies) = &mut self.policies {
            *policies = folder.join(&*policies);
        }
    }

    /// Where it listens, in the form of all listeners.
    pub fn listen_at(&self) -> ListenAt {
        ListenAt {
            listen: self.listen,
            api_root: self.api_root.clone(),
        }
    }

    /// Who decides what callers may use.
    pub fn authorization(&self) -> AuthorizationConfig {
        AuthorizationConfig {
            policies: self.policies.clone(),
            ..AuthorizationConfig::default()
        }
    }

    /// How it behaves, with notifications to where this rule allows.
    pub fn rules(&self, callbacks: CallbackRule) -> CoreRules {
        CoreRules {
            ccf_id: self.ccf_id.clone(),
            certificate_lifetime: self.certificate_seconds,
            token_lifetime: self.token_seconds,
            key_rotation: self.key_rotation_seconds,
            log_retention: self.log_seconds,
            callbacks,
            policies: self.access.clone(),
            hiding: self.hiding.clone(),
            apis_per_function: self.quotas.apis,
            subscriptions_per_caller: self.quotas.event_subscriptions,
        }
    }

    /// What is wrong with it: the key below its section, and why.
    pub fn wrong(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        if let Some(root) = &self.api_root {
            let authority = root.strip_prefix("https://").unwrap_or_default();
            if authority.is_empty() || authority.trim_end_matches('/').contains('/') {
                let reason =
                    "must be https:// with a host and a port, such as https://ccf.example:9443, without a path";
                wrong.push(("api_root", reason.to_owned()));
            }
        }
        let spans = [
            ("certificate_seconds", self.certificate_seconds, 3600, 825 * DAY),
            ("token_seconds", self.token_seconds, 1, DAY),
            ("key_rotation_seconds", self.key_rotation_seconds, 3600, 366 * DAY),
            ("log_seconds", self.log_seconds, 1, 3660 * DAY),
        ];
        for (key, value, least, most) in spans {
            if !(least..=most).contains(&value) {
                wrong.push((key, format!("must be {least} to {most}")));
            }
        }
        for rule in &self.access {
            if (&rule.total, &rule.per_second, rule.times.is_empty()) == (&None, &None, true) {
                let reason = format!("of {} limits nothing: give total, per_second or times", rule.api_name);
                wrong.push(("policy", reason));
            }
        }
        for hiding in self.hiding.iter().filter(|hiding| hiding.interfaces.is_empty()) {
            let reason = format!(
                "of {} has no interfaces: say where the entry is reached",
                hiding.api_name
            );
            wrong.push(("hiding", reason));
        }
        if let Err(error) = self.store.check() {
            wrong.push(("store", error.to_string()));
        }
        wrong
    }
}
