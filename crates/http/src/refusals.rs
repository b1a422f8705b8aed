//! Which refusals security asks to be remembered, and who is refused too often.

use crate::request::Peer;
use edgeapp_core::{
    error::Cause,
    evidence::{SecurityEvent, SecurityEventKind},
    principal::Owner,
};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Refusals of what belongs to others within [`WINDOW`] that make a probe.
const PROBES: u32 = 10;
/// The time in which they are counted.
const WINDOW: Duration = Duration::from_secs(60);
/// Callers counted at a time; further ones are not until some have been quiet.
const CALLERS: usize = 10_000;

/// The event that a refusal with this cause is.
pub(crate) fn event_of(cause: Cause) -> Option<SecurityEventKind> {
    Some(match cause {
        Cause::InvalidMsgFormat
        | Cause::MandatoryIeMissing
        | Cause::MandatoryIeIncorrect
        | Cause::OptionalIeIncorrect
        | Cause::MandatoryQueryParamMissing
        | Cause::MandatoryQueryParamIncorrect
        | Cause::OptionalQueryParamIncorrect
        | Cause::PayloadTooLarge
        | Cause::UriTooLong
        | Cause::UnsupportedMediaType
        | Cause::RequestTimeout => SecurityEventKind::BodyRejected,
        Cause::OwnerMismatch | Cause::UeIdNotVerified => SecurityEventKind::OwnerMismatch,
        Cause::Unauthorized | Cause::CredentialNotAccepted => SecurityEventKind::AuthzDenied,
        Cause::UserConsentNotGranted => SecurityEventKind::ConsentDenied,
        Cause::CallbackNotAllowed => SecurityEventKind::CallbackBlocked,
        Cause::QuotaExceeded | Cause::NfCongestionRisk => SecurityEventKind::RateLimited,
        // What else is refused is no matter of security, or is told where it is found.
        _ => return None,
    })
}

/// Whether a refusal with this cause can be of what belongs to somebody else.
fn of_others(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::ResourceNotFound
            | Cause::SubscriptionNotFound
            | Cause::ContextNotFound
            | Cause::OwnerMismatch
            | Cause::UeIdNotVerified
    )
}

/// How often each caller was refused what belongs to others.
#[derive(Debug, Default)]
pub(crate) struct Probes(Mutex<HashMap<Owner, (Instant, u32)>>);

impl Probes {
    /// Tells of a refusal, and of a caller that collects them.
    pub(crate) fn tell(&self, peer: &Peer, cause: &str, operation: &'static str, detail: &str) {
        let Some(cause) = Cause::ALL.iter().copied().find(|known| known.as_str() == cause) else {
            return;
        };
        let event = |kind, reason: String| {
            let mut event = SecurityEvent::new(kind, reason).about(operation);
            event.actor = peer.principal.as_ref().ok().map(|principal| principal.owner().clone());
            event.from = peer.from;
            event
        };
        if let Some(kind) = event_of(cause) {
            peer.evidence
                .record(event(kind, format!("{}: {detail}", cause.as_str())));
        }
        if let Ok(principal) = &peer.principal
            && of_others(cause)
            && self.probe(principal.owner(), Instant::now())
        {
            let reason = format!(
                "{PROBES} refusals within a minute of what this caller does not own, the last: {}",
                cause.as_str()
            );
            peer.evidence.record(event(SecurityEventKind::AuthzProbe, reason));
        }
    }

    /// Counts one; whether the caller has had enough for a probe.
    fn probe(&self, owner: &Owner, now: Instant) -> bool {
        let mut callers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.len() >= CALLERS && !callers.contains_key(owner) {
            callers.retain(|_, (began, _)| now.duration_since(*began) < WINDOW);
            if callers.len() >= CALLERS {
                return false;
            }
        }
        let (began, count) = callers.entry(owner.clone()).or_insert((now, 0));
        if now.duration_since(*began) >= WINDOW {
            (*began, *count) = (now, 0);
        }
        *count += 1;
        let enough = *count >= PROBES;
        if enough {
            (*began, *count) = (now, 0);
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_refusals_within_a_minute_are_a_probe() {
        let (probes, now) = (Probes::default(), Instant::now());
        let (one, other) = (
            Owner::eec(&"1".parse().expect("an id")),
            Owner::eec(&"2".parse().expect("an id")),
        );
        for _ in 0..9 {
            assert!(!probes.probe(&one, now));
            assert!(!probes.probe(&other, now));
        }
        assert!(probes.probe(&one, now));
        assert!(!probes.probe(&one, now), "it is counted anew");
        assert!(!probes.probe(&other, now + WINDOW), "that was long ago");
    }

    #[test]
    fn callers_without_number_do_not_fill_the_memory() {
        let (probes, now) = (Probes::default(), Instant::now());
        for number in 0..CALLERS + 10 {
            probes.probe(&Owner::eec(&format!("{number}").parse().expect("an id")), now);
        }
        assert_eq!(probes.0.lock().expect("callers").len(), CALLERS);
        probes.probe(&Owner::eec(&"later".parse().expect("an id")), now + WINDOW);
        assert_eq!(probes.0.lock().expect("callers").len(), 1);
    }
}
