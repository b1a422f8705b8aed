//! The configuration of a core function that is a process of its own: `ccf.toml`.

use super::settings::CoreSettings;
use crate::config::NotificationsConfig;
use edgeapp_audit::settings::{AuditSettings, PrivacySettings};
use edgeapp_core::{
    callback::{CallbackRule, OwnListeners},
    principal::Role,
};
use edgeapp_http::{
    assembly::ListenAt,
    callbacks::CallbackSettings,
    limits::LimitSettings,
    settings::{self, SettingsError},
    tls::{CrlFiles, KeyFiles, TlsSettings},
};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// `ccf.toml`. Relative paths start from the folder of the file; `CCF__SECTION__KEY` in the environment overrides a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CcfConfig {
    /// `http1`: HTTP/1.1 is offered beside HTTP/2, as TS 29.222 clause 7.3 asks for; true when not given.
    #[serde(default = "yes")]
    pub http1: bool,
    /// `[trust]`: the roots of operators.
    pub trust: TrustFiles,
    /// `[crl]`: lists of revoked certificates: of operators, and of the servers that are called (`eas`, `ees`). Certificates that the core
    /// function issued need none: they count as long as the record of their holder names them.
    #[serde(default, skip_serializing_if = "CrlFiles::is_empty")]
    pub crl: CrlFiles,
    /// `[tls]`: versions, ages of connections, reading files again.
    #[serde(default)]
    pub tls: TlsSettings,
    /// `[operator]`: health, readiness, metrics, version; state, credentials and revocations.
    pub operator: ListenAt,
    /// `[core]`: the core function.
    pub core: CoreSettings,
    /// `[notifications]`: how subscribers are reached.
    #[serde(default)]
    pub notifications: NotificationsConfig,
    /// `[callbacks]`: where clients may have notifications sent to.
    #[serde(default)]
    pub callbacks: CallbackSettings,
    /// `[limits]`: how much callers may ask.
    #[serde(default)]
    pub limits: LimitSettings,
    /// `[privacy]`: how users and devices are named in logs.
    #[serde(default)]
    pub privacy: PrivacySettings,
    /// `[audit]`: the audit log. Without this section no file is written, and security events stand in the ordinary log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditSettings>,
}

const fn yes() -> bool {
    true
}

/// PEM files with roots.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustFiles {
    /// `operator`: issuers of operators.
    pub operator: PathBuf,
}

impl CcfConfig {
    /// Reads a file and checks it.
    ///
    /// # Errors
    /// Names file, key and remedy.
    pub fn read(file: &Path) -> Result<Self, SettingsError> {
        let mut config: Self = settings::read(file, "CCF")?;
        let folder = settings::folder_of(file);
        config.trust.operator = folder.join(&config.trust.operator);
        config.crl.resolve(&folder);
        config.core.resolve(&folder);
        config.privacy.resolve(&folder);
        if let Some(audit) = &mut config.audit {
            audit.resolve(&folder);
        }
        SettingsError::all(config.wrong(file))?;
        Ok(config)
    }

    /// The files behind the operator's port.
    pub fn key_files(&self) -> KeyFiles {
        KeyFiles {
            identity: self.core.identity.clone(),
            role: Role::Ccf,
            id: self.core.ccf_id.clone(),
            trust: vec![(Role::Operator, self.trust.operator.clone())],
            crl: CrlFiles {
                operator: self.crl.operator.clone(),
                ..CrlFiles::default()
            },
            settings: self.tls,
        }
    }

    /// Where clients may have notifications sent to, by a server that listens at `own`.
    pub fn callback_rule(&self, own: &OwnListeners) -> CallbackRule {
        let private = self.notifications.allow_callbacks_to_private_addresses;
        self.callbacks.rule(private, own)
    }

    fn wrong(&self, file: &Path) -> Vec<SettingsError> {
        let mut wrong = Vec::new();
        let mut refuse = |key: &str, reason: &str| wrong.push(SettingsError::of_key(file, key, reason));
        let capif = self.core.listen_at();
        for (key, reason) in ListenAt::collisions(&[("core", &capif), ("operator", &self.operator)]) {
            refuse(&key, &reason);
        }
        for (key, reason) in self.core.wrong() {
            refuse(&format!("core.{key}"), &reason);
        }
        if self.core.trust.is_none() {
            refuse(
                "core.trust",
                "is missing: name the issuers (PEM) of the servers that are called, trust = { eas = \"..\", ees = \"..\" }",
            );
        }
        for (key, files) in [
            ("crl.eec", &self.crl.eec),
            ("crl.ecs", &self.crl.ecs),
            ("crl.nef", &self.crl.nef),
        ] {
            if !files.is_empty() {
                refuse(
                    key,
                    "is of no use: nobody of this role comes to a core function; remove it",
                );
            }
        }
        for (key, reason) in self.tls.wrong() {
            refuse(key, reason);
        }
        for (key, reason) in self.limits.wrong() {
            refuse(&key, reason);
        }
        for (key, reason) in self.callbacks.wrong() {
            refuse(key, &reason);
        }
        for (key, reason) in self.audit.iter().flat_map(AuditSettings::conflicts) {
            refuse(key, reason);
        }
        wrong
    }
}
