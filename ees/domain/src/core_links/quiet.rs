//! A service of the core that does not serve is left alone for longer and longer by the upkeep.

use edgeapp_core::network::Service;
use edgeapp_openapi::common::DateTime;
use jiff::SignedDuration;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// The longest pause of our own making.
const LONGEST: SignedDuration = SignedDuration::from_secs(60);
/// The longest pause that the core is granted.
const LONGEST_WISH: SignedDuration = SignedDuration::from_secs(300);

/// Which services are left alone, and until when.
#[derive(Default)]
pub(super) struct Quiet(Mutex<HashMap<Service, Pause>>);

#[derive(Clone, Copy)]
struct Pause {
    failures: u32,
    until: DateTime,
}

impl Quiet {
    /// Whether this service is left alone now.
    pub(super) fn is_kept(&self, service: Service, now: DateTime) -> bool {
        let pauses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pauses.get(&service).is_some_and(|pause| now < pause.until)
    }

    /// It did not serve in a round of the upkeep, which come `period` apart: the first time nothing changes, later ones are left out.
    pub(super) fn failed(&self, service: Service, wish: Option<Duration>, period: SignedDuration, now: DateTime) {
        let mut pauses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = pauses.get(&service).map_or(0, |pause| pause.failures).saturating_add(1);
        let own = match failures {
            1 => SignedDuration::ZERO,
            more => period.saturating_mul(1 << (more - 1).min(16)).min(LONGEST.max(period)),
        };
        let wish = wish
            .and_then(|wish| SignedDuration::try_from(wish).ok())
            .unwrap_or_default();
        let until = DateTime(now.0 + own.max(wish.min(LONGEST_WISH)));
        pauses.insert(service, Pause { failures, until });
    }

    /// It served.
    pub(super) fn served(&self, service: Service) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&service);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: SignedDuration = SignedDuration::from_secs(10);

    fn noon() -> DateTime {
        "2026-01-05T12:00:00Z".parse().unwrap()
    }

    fn kept_after(quiet: &Quiet, seconds: i64) -> bool {
        quiet.is_kept(
            Service::Location,
            DateTime(noon().0 + SignedDuration::from_secs(seconds)),
        )
    }

    #[test]
    fn pauses_grow_up_to_a_limit_and_end_with_success() {
        let quiet = Quiet::default();
        let fail = || quiet.failed(Service::Location, None, PERIOD, noon());
        fail();
        assert!(!kept_after(&quiet, 0), "the next round comes as usual");
        fail();
        assert!(kept_after(&quiet, 19) && !kept_after(&quiet, 20));
        for _ in 0..40 {
            fail();
        }
        assert!(kept_after(&quiet, 59) && !kept_after(&quiet, 60));
        assert!(!quiet.is_kept(Service::Qos, noon()));
        quiet.served(Service::Location);
        assert!(!kept_after(&quiet, 0));
    }

    #[test]
    fn what_the_core_asks_for_is_granted_up_to_a_limit() {
        let quiet = Quiet::default();
        quiet.failed(Service::Location, Some(Duration::from_secs(45)), PERIOD, noon());
        assert!(kept_after(&quiet, 44) && !kept_after(&quiet, 45));
        quiet.failed(Service::Location, Some(Duration::MAX), PERIOD, noon());
        assert!(kept_after(&quiet, 19) && !kept_after(&quiet, 300));
        quiet.failed(Service::Location, Some(Duration::from_secs(86_400)), PERIOD, noon());
        assert!(kept_after(&quiet, 299) && !kept_after(&quiet, 300));
    }
}
