//! The client registry in its file. It is read again when it has changed and nobody writes to it any more; a file with an error, or one
//! that has lost all clients, leaves the registry as it was and says so.

use edgeapp_audit::record::sha256;
use edgeapp_core::{
    evidence::{Evidence, SecurityEvent, SecurityEventKind},
    principal::{Owner, Principal},
};
use edgeapp_ecs_domain::tokens::{registry::Registry, service::TokenService};
use std::{
    fs::Metadata,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

/// 1 while the file cannot be used, and an older one is in force.
const REFUSED: &str = "edgeapp_client_registry_refused";

/// How often the file is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// The registry in a file, and what the file looked like when it was read.
pub struct RegistryFile {
    path: PathBuf,
    read_at: Option<(SystemTime, u64)>,
    registry: Option<Registry>,
    /// SHA-256 of the file that is in force.
    hash: String,
    /// Whether the registry in force has clients.
    has_clients: bool,
}

impl RegistryFile {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read, or what is in it is no registry. Names the file and the remedy.
    pub fn open(path: &Path) -> Result<Self, String> {
        let read_at = written_at(path);
        let (registry, hash) = read(path);
        let registry = registry?;
        Ok(Self {
            path: path.to_owned(),
            read_at,
            hash,
            has_clients: !registry.rights().is_empty(),
            registry: Some(registry),
        })
    }

    /// The registry, once.
    pub fn take(&mut self) -> Registry {
        self.registry.take().unwrap_or_default()
    }

    /// Follows changes of the file, until dropped.
    pub async fn follow(mut self, tokens: Arc<TokenService>, evidence: Arc<dyn Evidence>) {
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut pending: Option<Registry> = None;
        let mut before = self.read_at;
        metrics::gauge!(REFUSED).set(0.0);
        loop {
            ticks.tick().await;
            let now = written_at(&self.path);
            // Who is still writing gets the time until the next look.
            let settled = now == before;
            before = now;
            if settled && now != self.read_at {
                self.read_at = now;
                let before = self.hash.clone();
                let (reason, refused) = match self.read_again() {
                    Ok(registry) => {
                        tracing::info!(file = %self.path.display(), "the client registry has changed");
                        pending = Some(registry);
                        (format!("taken: before {before}, in force {}", self.hash), false)
                    }
                    Err((offered, error)) => {
                        tracing::error!(%error, "the client registry stays as it was");
                        // A record is short: the mistake has to be in it.
                        let (before, offered) = (version(&before), version(&offered));
                        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
                        let error = error.replace(&*self.path.to_string_lossy(), &name);
                        let error = error.split_whitespace().collect::<Vec<_>>().join(" ");
                        let reason = format!("refused: before {before}, offered {offered}, in force {before}: {error}");
                        (reason, true)
                    }
                };
                metrics::gauge!(REFUSED).set(if refused { 1.0 } else { 0.0 });
                let event = SecurityEvent::new(SecurityEventKind::ConfigChanged, reason);
                let event = event.about(format!("client registry {}", self.path.display()));
                evidence.record(match writer(&self.path) {
                    Some(actor) => event.by(&actor),
                    None => event,
                });
            }
            if let Some(registry) = pending.take()
                && let Err(error) = tokens.register(registry.clone()).await
            {
                tracing::error!(%error, "tokens that the registry grants no more are not revoked yet");
                pending = Some(registry);
            }
        }
    }

    /// Reads the file while the server runs. When it is refused, with its hash.
    fn read_again(&mut self) -> Result<Registry, (String, String)> {
        let (registry, hash) = read(&self.path);
        let registry = registry.map_err(|error| (hash.clone(), error))?;
        let has_clients = !registry.rights().is_empty();
        if self.has_clients && !has_clients {
            let reason = format!(
                "{}: no [[client]] is left, which would revoke all tokens of all clients; to do that, start the server again with this \
                 file, or revoke client by client: POST /oauth2/revoke on the operator's port",
                self.path.display()
            );
            return Err((hash, reason));
        }
        (self.has_clients, self.hash) = (has_clients, hash);
        Ok(registry)
    }
}

/// The beginning of a hash.
fn version(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// Whoever may write the file acts as the operator; the file system knows the number of the user.
#[cfg(unix)]
fn writer(path: &Path) -> Option<Owner> {
    use std::os::unix::fs::MetadataExt;
    let name = format!("urn:edgeapp:operator:user-{}", std::fs::metadata(path).ok()?.uid());
    Principal::from_names([name.as_str()], [])
        .ok()
        .map(|user| user.owner().clone())
}

#[cfg(not(unix))]
fn writer(_: &Path) -> Option<Owner> {
    None
}

#[cfg(unix)]
fn writable_by_all(facts: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    facts.permissions().mode() & 0o002 != 0
}

#[cfg(not(unix))]
fn writable_by_all(_: &Metadata) -> bool {
    false
}

fn written_at(path: &Path) -> Option<(SystemTime, u64)> {
    let facts = std::fs::metadata(path).ok()?;
    Some((facts.modified().ok()?, facts.len()))
}

/// What is in the file, and its hash; a word instead of one when it could not be read.
fn read(path: &Path) -> (Result<Registry, String>, String) {
    match text(path) {
        Ok(text) => {
            let registry = Registry::parse(&text).map_err(|reason| format!("{}: {reason}", path.display()));
            (registry, sha256(text.as_bytes()))
        }
        Err(error) => (Err(error), "unreadable".to_owned()),
    }
}

fn text(path: &Path) -> Result<String, String> {
    let unreadable =
        |error: std::io::Error| format!("{}: {error}; name a client registry that can be read", path.display());
    let facts = std::fs::metadata(path).map_err(unreadable)?;
    // Whoever reads a pipe waits until somebody writes.
    if !facts.is_file() {
        return Err(unreadable(std::io::Error::other("is no regular file")));
    }
    if writable_by_all(&facts) {
        return Err(format!(
            "{}: everybody may write to it; take that right away: chmod o-w",
            path.display()
        ));
    }
    std::fs::read_to_string(path).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EES: &str = "[[ees]]\nees_id = \"ees-a.example\"\nauthorization = \"token\"\n";
    const CLIENT: &str = "[[client]]\nidentity = \"urn:edgeapp:eec:eec-1\"\naudiences = [\"ees-a.example\"]\nscopes = [\"eees-easdiscovery\"]\n";

    #[test]
    fn a_file_that_lost_all_clients_is_not_taken_while_the_server_runs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clients.toml");
        std::fs::write(&path, format!("{EES}{CLIENT}")).unwrap();
        let mut file = RegistryFile::open(&path).unwrap();
        assert_eq!(file.take().rights().len(), 1);
        std::fs::write(&path, EES).unwrap();
        let before = file.hash.clone();
        let (offered, refused) = file.read_again().unwrap_err();
        assert!(refused.contains("no [[client]] is left"), "{refused}");
        assert!(file.hash == before && offered == sha256(EES.as_bytes()), "{offered}");
        std::fs::write(&path, format!("{EES}{CLIENT}")).unwrap();
        assert!(file.read_again().is_ok());
        // Who starts with it means it.
        std::fs::write(&path, EES).unwrap();
        assert!(RegistryFile::open(&path).unwrap().read_again().is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_everybody_may_write_to_is_not_taken() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clients.toml");
        std::fs::write(&path, EES).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        assert!(RegistryFile::open(&path).is_err_and(|reason| reason.contains("chmod o-w")));
    }
}
