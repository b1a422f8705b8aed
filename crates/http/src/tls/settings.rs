//! The sections `[tls]` and `[crl]` of a configuration.

use edgeapp_core::{hardening::Check, principal::Role};
use serde::{Deserialize, Serialize};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// `[tls]`: how TLS behaves on all listeners and in all calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSettings {
    /// `min_version`: the oldest version that is spoken, `1.2` when not given; `1.3` leaves TLS 1.2 out.
    pub min_version: TlsVersion,
    /// `connection_max_age_seconds`: a caller has to connect and prove itself anew after so long at most, 3600 when not given. Requests
    /// that run are finished.
    pub connection_max_age_seconds: u32,
    /// `check_files_seconds`: how often certificates, keys and revocation lists are read again, 5 when not given; SIGHUP does so at once.
    pub check_files_seconds: u32,
    /// `allow_key_files_readable_by_others`: private keys may lie in files that others than their owner can read. For systems that keep
    /// others out by other means.
    pub allow_key_files_readable_by_others: bool,
    /// `allow_test_certificates`: certificates of `eec-sim pki init` are taken. For laboratories.
    pub allow_test_certificates: bool,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TlsVersion {
    /// TLS 1.2, with AEAD suites and extended master secret only.
    #[default]
    #[serde(rename = "1.2")]
    Tls12,
    /// TLS 1.3.
    #[serde(rename = "1.3")]
    Tls13,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self {
            min_version: TlsVersion::default(),
            connection_max_age_seconds: 3600,
            check_files_seconds: 5,
            allow_key_files_readable_by_others: false,
            allow_test_certificates: false,
        }
    }
}

impl TlsSettings {
    /// How old a connection may become.
    pub fn connection_max_age(&self) -> Duration {
        Duration::from_secs(u64::from(self.connection_max_age_seconds.max(1)))
    }

    /// How often files are looked at.
    pub fn check_files(&self) -> Duration {
        Duration::from_secs(u64::from(self.check_files_seconds.max(1)))
    }

    /// The key and the reason of each value that is out of bounds.
    pub fn wrong(&self) -> Vec<(&'static str, &'static str)> {
        let seconds = [
            ("tls.connection_max_age_seconds", self.connection_max_age_seconds),
            ("tls.check_files_seconds", self.check_files_seconds),
        ];
        let zero = seconds.into_iter().filter(|(_, seconds)| *seconds == 0);
        zero.map(|(key, _)| (key, "must be at least 1")).collect()
    }

    /// What in these settings is weaker than the hardened reference.
    pub const CHECKS: &[Check<Self>] = &[
        Check::on(
            "tls.allow_key_files_readable_by_others",
            |tls| tls.allow_key_files_readable_by_others,
            "whoever can log in on the machine can be this server",
        ),
        Check::on(
            "tls.allow_test_certificates",
            |tls| tls.allow_test_certificates,
            "the keys of test authorities lie about in laboratories",
        ),
        Check::most(
            "tls.connection_max_age_seconds",
            3600,
            |tls| tls.connection_max_age_seconds.into(),
            "who lost an identity keeps its connections for so long",
        ),
        Check::most(
            "tls.check_files_seconds",
            60,
            |tls| tls.check_files_seconds.into(),
            "a certificate that was revoked is good for so long",
        ),
    ];
}

/// `[crl]`: lists of revoked certificates (PEM or DER) of the authorities of each role: files, or folders with files. Where a role has
/// any, certificates whose state no fresh list tells are refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CrlFiles {
    /// `eec`: of the issuers of EECs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub eec: Vec<PathBuf>,
    /// `eas`: of the issuers of EASs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub eas: Vec<PathBuf>,
    /// `ees`: of the issuers of EESs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ees: Vec<PathBuf>,
    /// `ecs`: of the issuers of ECSs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ecs: Vec<PathBuf>,
    /// `operator`: of the issuers of operators.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub operator: Vec<PathBuf>,
    /// `nef`: of the issuers of the NEF.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nef: Vec<PathBuf>,
    /// `ccf`: of the issuers of CAPIF core functions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ccf: Vec<PathBuf>,
    /// `smf`: of the issuers of SMFs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub smf: Vec<PathBuf>,
}

impl CrlFiles {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Makes the paths relative to `folder`, where they are relative.
    pub fn resolve(&mut self, folder: &Path) {
        let Self {
            eec,
            eas,
            ees,
            ecs,
            operator,
            nef,
            ccf,
            smf,
        } = self;
        for path in [eec, eas, ees, ecs, operator, nef, ccf, smf].into_iter().flatten() {
            *path = folder.join(&*path);
        }
    }

    /// The lists of each role that has any.
    pub fn of_roles(&self) -> Vec<(Role, Vec<PathBuf>)> {
        let all = [
            (Role::Eec, &self.eec),
            (Role::Eas, &self.eas),
            (Role::Ees, &self.ees),
            (Role::Ecs, &self.ecs),
            (Role::Operator, &self.operator),
            (Role::Nef, &self.nef),
            (Role::Ccf, &self.ccf),
            (Role::Smf, &self.smf),
        ];
        let given = all.into_iter().filter(|(_, paths)| !paths.is_empty());
        given.map(|(role, paths)| (role, paths.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_may_only_be_narrowed() {
        let read = |text: &str| toml::from_str::<TlsSettings>(text);
        assert_eq!(read("").expect("defaults"), TlsSettings::default());
        let narrow = read("min_version = \"1.3\"").expect("accepted");
        assert_eq!(narrow.min_version, TlsVersion::Tls13);
        let refused = read("min_version = \"1.1\"").expect_err("refused").to_string();
        assert!(refused.contains("1.2") && refused.contains("1.3"), "{refused}");
    }

    #[test]
    fn a_time_of_nothing_is_wrong() {
        let never = TlsSettings {
            check_files_seconds: 0,
            ..TlsSettings::default()
        };
        assert_eq!(never.wrong().len(), 1);
    }
}
