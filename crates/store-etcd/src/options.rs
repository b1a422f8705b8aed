//! Where the cluster is and how to get in.

use etcd_client::{Certificate, ConnectOptions, Identity, TlsOptions};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// How to reach the cluster. Secrets are named by path.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EtcdOptions {
    /// Client URLs of the members, `https://…` unless they are on loopback.
    pub endpoints: Vec<String>,
    /// Which system this is: all keys begin with `/edgeapp/<name>/`.
    pub name: String,
    /// Certificates (PEM) that the members' certificates must lead to. Needed for `https`.
    pub ca_file: Option<PathBuf>,
    /// Our own certificate and its key (PEM), where etcd asks for one.
    pub identity_files: Option<(PathBuf, PathBuf)>,
    /// User name, and the file that holds the password.
    pub user: Option<(String, PathBuf)>,
    /// How long one request may take, connecting included. Default 5 s.
    pub timeout: Duration,
}

impl EtcdOptions {
    /// These members, this system, and no credentials.
    pub fn new(endpoints: impl IntoIterator<Item = impl Into<String>>, name: impl Into<String>) -> Self {
        Self {
            endpoints: endpoints.into_iter().map(Into::into).collect(),
            name: name.into(),
            ca_file: None,
            identity_files: None,
            user: None,
            timeout: Duration::from_secs(5),
        }
    }

    /// Trusts members whose certificates lead to one in this file.
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// Shows this certificate to the members.
    pub fn identity_files(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.identity_files = Some((certificate.into(), key.into()));
        self
    }

    /// Logs in with the password in this file; white space around it does not count.
    pub fn user(mut self, name: impl Into<String>, password_file: impl Into<PathBuf>) -> Self {
        self.user = Some((name.into(), password_file.into()));
        self
    }

    /// Gives a request this long.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// What all keys begin with.
    pub(crate) fn namespace(&self) -> Result<String, ConnectError> {
        let fits = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
        if self.name.is_empty() || !self.name.chars().all(fits) {
            return Err(ConnectError::Name(self.name.clone()));
        }
        Ok(format!("/edgeapp/{}/", self.name))
    }

    pub(crate) async fn for_client(&self) -> Result<ConnectOptions, ConnectError> {
        let mut options = ConnectOptions::new()
            .with_connect_timeout(self.timeout)
            // A watch is silent for long: without these, a member that vanished would look like one with no news.
            .with_keep_alive(Duration::from_secs(10), self.timeout)
            .with_keep_alive_while_idle(true)
            // A member cut off from the others ends our watches, and we turn to another.
            .with_require_leader(true);
        if self.ca_file.is_some() || self.identity_files.is_some() {
            let mut tls = TlsOptions::new();
            if let Some(ca) = &self.ca_file {
                tls = tls.ca_certificate(Certificate::from_pem(read(ca).await?));
            }
            if let Some((certificate, key)) = &self.identity_files {
                tls = tls.identity(Identity::from_pem(read(certificate).await?, read(key).await?));
            }
            options = options.with_tls(tls);
        }
        if let Some((name, password_file)) = &self.user {
            let password = String::from_utf8_lossy(&read(password_file).await?).trim().to_owned();
            options = options.with_user(name, password).with_auto_token_refresh(true);
        }
        Ok(options)
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The name would not make one part of a key.
    #[error("the name {0:?} may hold letters, digits, '-', '_' and '.' only")]
    Name(String),
    /// A file with a certificate, a key or a password cannot be read.
    #[error("{}: {source}", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// An endpoint is no URL, TLS is set up wrongly, or the cluster refuses us.
    #[error("etcd: {0}")]
    Client(Box<etcd_client::Error>),
    /// No member answered in time.
    #[error("no etcd member answered within {} s ({endpoints})", .timeout.as_secs_f32())]
    Silent {
        /// Who was asked.
        endpoints: String,
        /// How long.
        timeout: Duration,
    },
}

async fn read(path: &Path) -> Result<Vec<u8>, ConnectError> {
    tokio::fs::read(path).await.map_err(|source| ConnectError::File {
        path: path.to_path_buf(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_could_leave_the_namespace_is_refused() {
        for name in ["", "a/b", "../x", "ä", "a b"] {
            assert!(
                matches!(
                    EtcdOptions::new(["http://[::1]:2379"], name).namespace(),
                    Err(ConnectError::Name(_))
                ),
                "{name}"
            );
        }
        assert_eq!(
            EtcdOptions::new(["http://[::1]:2379"], "edn-1")
                .namespace()
                .expect("a good name"),
            "/edgeapp/edn-1/"
        );
    }

    #[tokio::test]
    async fn a_missing_file_is_named() {
        let options = EtcdOptions::new(["https://[::1]:2379"], "edn-1").user("ees", "/does/not/exist");
        let error = options.for_client().await.expect_err("there is no such file");
        assert!(error.to_string().starts_with("/does/not/exist: "), "{error}");
    }
}
