//! The client registry in its file. It is read again when it changes; a file with an error leaves the registry as it was and says so.

use edgeapp_core::evidence::{Evidence, SecurityEvent, SecurityEventKind};
use edgeapp_ecs_domain::tokens::{registry::Registry, service::TokenService};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

/// How often the file is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// The registry in a file, and what the file looked like when it was read.
pub struct RegistryFile {
    path: PathBuf,
    read_at: Option<(SystemTime, u64)>,
    registry: Option<Registry>,
}

impl RegistryFile {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read, or what is in it is no registry. Names the file and the remedy.
    pub fn open(path: &Path) -> Result<Self, String> {
        let read_at = written_at(path);
        Ok(Self {
            path: path.to_owned(),
            read_at,
            registry: Some(read(path)?),
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
        loop {
            ticks.tick().await;
            let now = written_at(&self.path);
            if now != self.read_at {
                self.read_at = now;
                let tell = |reason: String| {
                    let event = SecurityEvent::new(SecurityEventKind::ConfigChanged, reason);
                    evidence.record(event.about("client registry"));
                };
                match read(&self.path) {
                    Ok(registry) => {
                        tracing::info!(file = %self.path.display(), "the client registry has changed");
                        tell("read again".to_owned());
                        pending = Some(registry);
                    }
                    Err(error) => {
                        tracing::error!(%error, "the client registry stays as it was");
                        tell("refused: the file has an error".to_owned());
                    }
                }
            }
            if let Some(registry) = pending.take()
                && let Err(error) = tokens.register(registry.clone()).await
            {
                tracing::error!(%error, "tokens of clients that left the registry are not revoked yet");
                pending = Some(registry);
            }
        }
    }
}

fn written_at(path: &Path) -> Option<(SystemTime, u64)> {
    let facts = std::fs::metadata(path).ok()?;
    Some((facts.modified().ok()?, facts.len()))
}

fn read(path: &Path) -> Result<Registry, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("{}: {error}; name a client registry that can be read", path.display()))?;
    Registry::parse(&text).map_err(|reason| format!("{}: {reason}", path.display()))
}
