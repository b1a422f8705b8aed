//! Policies that change while the server runs: the new set is checked as a whole and takes the place of the old one at once, or the
//! old one stays.

use super::{
    LocalPolicy, Policies, PolicyError,
    source::{Look, Texts},
};
use edgeapp_core::{
    evidence::{Evidence, SecurityEvent, SecurityEventKind},
    principal::{Owner, Principal},
};
use std::{
    path::Path,
    sync::{Arc, Weak},
    time::Duration,
};

/// 1 while there are policies that cannot be used, and older ones are in force.
const REFUSED: &str = "edgeapp_policies_refused";

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// What became of an attempt to take new policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reloaded {
    /// They are in force.
    Taken,
    /// They are the ones in force.
    Same,
}

impl LocalPolicy {
    /// Reads the policies again when their files change and on SIGHUP, until this policy is no longer used. Needs a runtime. Nothing
    /// is done where the server's own policies are in force: these cannot change.
    pub fn follow(self: &Arc<Self>, evidence: Arc<dyn Evidence>) {
        if let Some(path) = self.path.clone() {
            metrics::gauge!(REFUSED).set(0.0);
            let (policy, look) = (Arc::downgrade(self), self.first_look.clone());
            tokio::spawn(follow(policy, path.into(), look, Asked::listen(), evidence));
        }
    }

    /// Reads the policies again, and tells what became of it.
    ///
    /// # Errors
    /// When they cannot be used; those in force stay.
    pub fn reload(&self, evidence: &dyn Evidence) -> Result<Reloaded, PolicyError> {
        let Some(path) = &self.path else {
            return Ok(Reloaded::Same);
        };
        let before = self.in_force();
        let tell = |outcome: String| {
            let event = SecurityEvent::new(SecurityEventKind::ConfigChanged, outcome);
            let event = event.about(format!("policies {}", path.display()));
            evidence.record(match writer(path) {
                Some(actor) => event.by(&actor),
                None => event,
            });
        };
        let refused = |error: PolicyError, hash: &str| {
            metrics::gauge!(REFUSED).set(1.0);
            tracing::error!(%error, "the policies stay as they were");
            let error_line = error.to_string();
            let first = error_line.lines().next().unwrap_or_default();
            // A record is short: file and mistake have to be in it, and what the event is about says the folder.
            let first = first.replace(&*path.with_file_name("").to_string_lossy(), "");
            let (before, offered) = (version(before.hash()), version(hash));
            tell(format!(
                "refused: before {before}, offered {offered}, in force {before}: {first}"
            ));
            Err(error)
        };
        let texts = match Texts::read(path) {
            Ok(texts) if texts.hash == before.hash() => {
                metrics::gauge!(REFUSED).set(0.0);
                tracing::info!("the policies were read again: nothing has changed");
                return Ok(Reloaded::Same);
            }
            Ok(texts) => texts,
            Err(error) => return refused(error, "unreadable"),
        };
        match Policies::check(&self.catalogue, &texts, self.permit_everything) {
            Ok(fresh) => {
                for lint in fresh.lints() {
                    tracing::warn!("{lint}");
                }
                tracing::info!(
                    policies = fresh.rules().len(),
                    hash = fresh.hash(),
                    "new policies are in force"
                );
                metrics::gauge!(REFUSED).set(0.0);
                tell(format!("taken: before {}, in force {}", before.hash(), fresh.hash()));
                self.in_force.store(Arc::new(fresh));
                Ok(Reloaded::Taken)
            }
            Err(error) => refused(error, &texts.hash),
        }
    }
}

/// The beginning of a hash, as `check-policy` shows it.
fn version(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// Whoever may write the files acts as the operator; the file system knows the number of the user.
fn writer(path: &Path) -> Option<Owner> {
    let user = Look::at(path).owner(path)?;
    let name = format!("urn:edgeapp:operator:user-{user}");
    let operator = Principal::from_names([name.as_str()], []).ok()?;
    Some(operator.owner().clone())
}

async fn follow(
    policy: Weak<LocalPolicy>,
    path: Arc<Path>,
    mut read: Option<Look>,
    mut asked: Asked,
    evidence: Arc<dyn Evidence>,
) {
    let mut looks = tokio::time::interval(LOOK);
    let mut before = read.clone();
    loop {
        let wanted = tokio::select! {
            _ = looks.tick() => false,
            () = asked.again() => true,
        };
        let Some(policy) = policy.upgrade() else { return };
        let now = Some(Look::at(&path));
        // Who is still writing gets the time until the next look.
        let settled = now == before;
        before.clone_from(&now);
        if wanted || (settled && now != read) {
            read = now;
            // What is wrong has been told: in the log, and as evidence.
            let _ = policy.reload(&*evidence);
        }
    }
}

/// The operator asks for it: SIGHUP.
struct Asked {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Asked {
    #[cfg(unix)]
    fn listen() -> Self {
        let signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup());
        let signal = signal.inspect_err(|error| tracing::warn!(%error, "SIGHUP cannot be listened for"));
        Self { signal: signal.ok() }
    }

    #[cfg(not(unix))]
    fn listen() -> Self {
        Self {}
    }

    async fn again(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending().await
    }
}
