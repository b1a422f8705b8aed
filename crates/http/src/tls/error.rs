//! Why certificates, keys or lists cannot be used.

use std::path::PathBuf;

/// Why certificates or keys cannot be used. Names the file, never its content.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read, or not as PEM.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The parts do not fit together.
    #[error("certificate {certificate}: {reason}")]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// A certificate of ours is past its time, before it, or was not issued for what we do with it.
    #[error("certificate {certificate}: {reason}")]
    Unfit {
        /// The certificate's file.
        certificate: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Others than its owner can read a key.
    #[error("{path}: the key can be read by others than its owner (mode {mode:o})")]
    OpenKey {
        /// The key's file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A certificate comes from the laboratory's authorities, whose keys anybody may have.
    #[error("{path}: is a test certificate of eec-sim")]
    TestCertificate {
        /// The certificate's file.
        path: PathBuf,
    },
    /// The certificates that the peers must be issued by cannot be used.
    #[error("trusted certificates: {0}")]
    Trust(String),
    /// A list of revoked certificates cannot be used.
    #[error("{path}: {reason}")]
    Revocations {
        /// The list's file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl TlsError {
    /// What to do about it, for who wrote the configuration.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::File { .. } => "name a PEM file that can be read and holds it",
            Self::Mismatch { .. } => "name a certificate of this server, with the key that belongs to it",
            Self::Unfit { .. } => {
                "have a new one issued, for digital signatures and for server and client authentication"
            }
            Self::OpenKey { .. } => {
                "do `chmod 600` on it, or set tls.allow_key_files_readable_by_others if something else keeps others out"
            }
            Self::TestCertificate { .. } => {
                "use an authority of your own, or set tls.allow_test_certificates in a laboratory"
            }
            Self::Trust(_) => "name a PEM file with the certificates that the callers' lead to",
            Self::Revocations { .. } => "have the authority issue a new list, in PEM or DER, and put it there",
        }
    }
}
