//! Following the files of a keyring: what is new and good comes into force, what is not leaves the old in force and is told.

use super::{
    certificate,
    crl::{Freshness, freshness},
    keyring::{Keyring, KeyringError, Material},
};
use edgeapp_core::{
    evidence::{SecurityEvent, SecurityEventKind},
    principal::Role,
};
use std::{
    collections::BTreeMap,
    future::pending,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio_util::sync::CancellationToken;

const DAY: i64 = 24 * 3600;

/// SIGHUP, which asks for the files to be read at once. From when this is made the signal no longer ends the process.
pub(crate) struct Hangup {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangup {
    /// Listens from now on, inside a runtime.
    pub(crate) fn listen() -> Self {
        Self {
            #[cfg(unix)]
            signal: tokio::runtime::Handle::try_current()
                .ok()
                .and_then(|_| tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok()),
        }
    }

    async fn comes(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return;
        }
        pending().await
    }
}

/// How near the end of a certificate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    Far,
    Month,
    Week,
    Tomorrow,
    Past,
}

/// Pure: how near the end of a certificate is that holds until then.
fn nearness(until: i64, now: i64) -> Nearness {
    match until - now {
        left if left < 0 => Nearness::Past,
        left if left <= DAY => Nearness::Tomorrow,
        left if left <= 7 * DAY => Nearness::Week,
        left if left <= 30 * DAY => Nearness::Month,
        _ => Nearness::Far,
    }
}

/// What was told already.
#[derive(Default)]
struct Told {
    /// Of the certificates, how near their end is.
    ends: BTreeMap<String, Nearness>,
    /// Of the lists, until when they hold and how fresh they are.
    lists: BTreeMap<PathBuf, (i64, Freshness)>,
    /// What is in the files and cannot be used: seen once, and whether it was told.
    refused: Option<(BTreeMap<PathBuf, u64>, bool)>,
}

impl Keyring {
    /// Follows the files of a keyring by which no listener goes, until `stop`. Listeners see to theirs themselves.
    pub async fn follow_files(self: Arc<Self>, stop: CancellationToken) {
        self.follow(Hangup::listen(), stop).await;
    }

    /// Follows the files until `stop`.
    pub(crate) async fn follow(self: Arc<Self>, mut hangup: Hangup, stop: CancellationToken) {
        let mut told = Told::default();
        let mut ticks = tokio::time::interval(self.settings().check_files());
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let asked = tokio::select! {
                _ = ticks.tick() => false,
                () = hangup.comes() => true,
                () = stop.cancelled() => return,
            };
            let keyring = self.clone();
            let looked = tokio::task::spawn_blocking(move || {
                let mut told = told;
                keyring.look(asked, certificate::now(), &mut told);
                told
            });
            told = looked.await.unwrap_or_else(|error| {
                tracing::error!(%error, "the files of certificates could not be looked at");
                Told::default()
            });
        }
    }

    /// Reads the files and does what follows from what is in them.
    fn look(&self, asked: bool, now: i64, told: &mut Told) {
        let (contents, in_force) = (self.files.read(), self.material());
        // A root that came to its end is left out when the same files are read again.
        let root_ended = in_force
            .trust
            .iter()
            .any(|(_, trust)| trust.ends().0 < now && trust.ends().1 >= now);
        if contents.prints == in_force.prints && !root_ended {
            if told.refused.take().is_some_and(|(_, told)| told) {
                tracing::info!("the files of certificates are again what is in force");
            }
            if asked {
                tracing::info!("the files of certificates have not changed");
            }
        } else if asked
            || told
                .refused
                .as_ref()
                .is_none_or(|(known, told)| *known != contents.prints || !told)
        {
            let prints = contents.prints.clone();
            let fresh = Material::of(&self.files, &contents, in_force.generation + 1, now)
                .and_then(|fresh| fresh.no_list_is_older_than_in(&in_force));
            match fresh {
                Ok(fresh) => {
                    told.refused = None;
                    self.replace(&in_force, fresh);
                }
                Err(error) => {
                    // Several files are not replaced in one instant: at first it may be half of what is meant.
                    let again = told.refused.as_ref().is_some_and(|(known, _)| *known == prints);
                    // Who was revoked does not stay because our own certificate is half renewed.
                    let beside = error
                        .is_of_our_own()
                        .then(|| in_force.beside_our_own(&self.files, &contents, now));
                    let beside = beside
                        .flatten()
                        .map(|fresh| fresh.and_then(|fresh| fresh.no_list_is_older_than_in(&in_force)));
                    let mut errors = vec![error];
                    match beside {
                        Some(Ok(fresh)) => {
                            self.replace(&in_force, fresh);
                            let (key, error) = (&errors[0].key, &errors[0]);
                            tracing::warn!(key, %error, "the own certificate and key in the files wait: they cannot be used yet");
                        }
                        Some(Err(error)) => errors.push(error),
                        None => {}
                    }
                    if asked || again {
                        errors.iter().for_each(|error| self.refuse(error));
                    }
                    told.refused = Some((prints, asked || again));
                }
            }
        }
        let refused = told.refused.as_ref().is_some_and(|(_, told)| *told);
        metrics::gauge!("edgeapp_tls_files_refused").set(if refused { 1.0 } else { 0.0 });
        self.tell_ends(now, told);
    }

    /// Tells what cannot be used.
    fn refuse(&self, error: &KeyringError) {
        let (key, remedy) = (&error.key, error.source.remedy());
        tracing::error!(
            key,
            %error,
            remedy,
            "files of certificates have changed and cannot be used: what was in force before stays in force"
        );
        metrics::counter!("edgeapp_tls_reloads_total", "outcome" => "refused").increment(1);
        let reason = format!("refused: {error}");
        self.record(SecurityEvent::new(SecurityEventKind::ConfigChanged, reason).about(key.clone()));
    }

    fn replace(&self, old: &Material, fresh: Material) {
        let files = changed(&old.prints, &fresh.prints).join(", ");
        let rotated = old.identity.chain() != fresh.identity.chain();
        let ends = certificate::date(fresh.identity_ends);
        self.install(fresh);
        tracing::info!(
            files,
            "certificates, keys or lists were read anew: new handshakes go by them"
        );
        metrics::counter!("edgeapp_tls_reloads_total", "outcome" => "in_force").increment(1);
        let event = SecurityEvent::new(
            SecurityEventKind::ConfigChanged,
            "certificates, keys or lists were read anew",
        );
        self.record(event.about(files));
        if rotated {
            let event = SecurityEvent::new(
                SecurityEventKind::KeyRotated,
                format!("our certificate, valid until {ends}"),
            );
            self.record(event.about("identity.certificate"));
        }
    }

    /// Tells what comes to its end, each time it has come nearer.
    fn tell_ends(&self, now: i64, told: &mut Told) {
        let material = self.material();
        let of_roles = material
            .trust
            .iter()
            .map(|(role, trust)| (format!("trust.{role}"), trust.ends().0));
        for (what, until) in of_roles.chain([("identity.certificate".to_owned(), material.identity_ends)]) {
            metrics::gauge!("edgeapp_certificate_days_left", "certificate" => what.clone()).set(days(until - now));
            let near = nearness(until, now);
            if told.ends.insert(what.clone(), near).unwrap_or(Nearness::Far) < near {
                let date = certificate::date(until);
                tracing::warn!(certificate = what, date, "a certificate comes to its end: renew it");
                let reason = match near {
                    Nearness::Past => format!("ended on {date}"),
                    _ => format!("ends on {date}"),
                };
                self.record(SecurityEvent::new(SecurityEventKind::CertExpired, reason).about(what));
            }
        }
        for (role, trust) in &material.trust {
            self.tell_lists(*role, trust, now, told);
        }
    }

    fn tell_lists(&self, role: Role, trust: &super::trust::Trust, now: i64, told: &mut Told) {
        let Some(due) = trust.crls().iter().map(|crl| crl.validity.until).min() else {
            return;
        };
        metrics::gauge!("edgeapp_crl_days_left", "role" => role.as_str()).set(days(due - now));
        for crl in trust.crls() {
            let fresh = freshness(crl.validity, now);
            let path: &Path = &crl.path;
            // Of each list once: one that takes the place of another has a time of its own.
            let until = crl.validity.until;
            let before = told.lists.insert(path.to_owned(), (until, fresh));
            let before = before.filter(|(of, _)| *of == until).map(|(_, before)| before);
            if before.unwrap_or(Freshness::Fresh) >= fresh {
                continue;
            }
            let (file, date) = (path.display().to_string(), certificate::date(crl.validity.until));
            let reason = if fresh == Freshness::Past {
                tracing::error!(%role, file, date, "a revocation list is past its time: certificates it is about are refused");
                format!("the next list was due on {date}: certificates of the role {role} are refused")
            } else {
                tracing::warn!(%role, file, date, "half of the time of a revocation list is over: there should be a newer one");
                format!("half of its time is over; the next list is due on {date}")
            };
            self.record(SecurityEvent::new(SecurityEventKind::CrlStale, reason).about(file));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a date is far smaller than 2^52")]
fn days(seconds: i64) -> f64 {
    seconds as f64 / DAY as f64
}

/// The files that say something else now.
fn changed(before: &BTreeMap<PathBuf, u64>, now: &BTreeMap<PathBuf, u64>) -> Vec<String> {
    let all = before
        .keys()
        .chain(now.keys().filter(|path| !before.contains_key(*path)));
    all.filter(|path| before.get(*path) != now.get(*path))
        .map(|path| path.display().to_string())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_told_thirty_days_seven_days_and_a_day_before() {
        for (left, wanted) in [
            (31 * DAY, Nearness::Far),
            (30 * DAY, Nearness::Month),
            (7 * DAY + 1, Nearness::Month),
            (7 * DAY, Nearness::Week),
            (DAY, Nearness::Tomorrow),
            (0, Nearness::Tomorrow),
            (-1, Nearness::Past),
        ] {
            assert_eq!(nearness(1_000_000 + left, 1_000_000), wanted, "{left}");
        }
    }

    #[test]
    fn what_changed_is_named() {
        let files = |all: &[(&str, u64)]| all.iter().map(|(path, print)| (PathBuf::from(path), *print)).collect();
        let (before, now) = (
            files(&[("a", 1), ("b", 2), ("gone", 3)]),
            files(&[("a", 1), ("b", 9), ("new", 4)]),
        );
        assert_eq!(changed(&before, &now), ["b", "gone", "new"]);
        assert!(changed(&now, &now).is_empty());
    }
}
