//! How much one caller, one address and all of them together may ask of a server: `[limits]` of its configuration, and what keeps to it.
//!
//! | module | bounds |
//! |---|---|
//! | `callers` | requests per second, requests at a time and connections of one principal |
//! | `addresses` | connections and handshakes of one address |
//! | `load` | requests at a time of all of them: what is given up first when there are too many |
//! | `sampled` | how often the evidence is told of the same |
//!
//! All listeners of a server share one [`Guards`]: who floods one of them is known at the others.

mod addresses;
mod callers;
mod load;
mod sampled;
mod settings;

pub use load::{Work, admits};
pub use settings::{LimitSettings, Rate};

pub(crate) use addresses::Arrival;
pub(crate) use callers::Caller;

use crate::{problem::Problem, screen::Names};
use addresses::Addresses;
use axum::{
    extract::Request,
    http::{HeaderValue, StatusCode, header},
};
use callers::{Callers, Refused, Running};
use edgeapp_core::{
    authorizer::ReferencePoint,
    error::Cause,
    evidence::{Evidence, NoEvidence, SecurityEvent, SecurityEventKind},
    principal::Principal,
    pseudonym::of_address,
};
use load::{Load, Underway};
use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// What keeps a server within its `[limits]`. One for all its listeners.
pub struct Guards {
    callers: Callers,
    addresses: Arc<Addresses>,
    load: Load,
    evidence: Arc<dyn Evidence>,
}

impl Guards {
    /// Guards of these settings that tell this evidence.
    pub fn new(settings: &LimitSettings, evidence: Arc<dyn Evidence>) -> Self {
        Self {
            callers: Callers::new(settings),
            addresses: Arc::new(Addresses::new(settings)),
            load: Load::new(settings.requests_at_a_time),
            evidence,
        }
    }

    /// A place for a connection from this address, unless it has too many.
    pub(crate) fn arrive(&self, address: IpAddr) -> Option<Arrival> {
        let refused = match Addresses::arrive(&self.addresses, address) {
            Ok(arrival) => return Some(arrival),
            Err(refused) => refused,
        };
        if let Some(times) = refused {
            let reason = format!("more connections than one address may have; {times} refused");
            tracing::warn!(%address, times, "connections refused: the address has too many (limits.connections_per_address)");
            let event = SecurityEvent::new(SecurityEventKind::ConnLimited, reason);
            self.evidence.record(event.from(address));
        }
        None
    }

    /// The caller at the other end of a connection from this address, unless it has too many connections.
    pub(crate) fn meet(&self, principal: &Principal, address: IpAddr) -> Option<Arc<Caller>> {
        let refused = match self.callers.meet(principal) {
            Ok(caller) => return Some(caller),
            Err(refused) => refused,
        };
        if let Some(times) = refused {
            let reason = format!("more connections than one caller may have; {times} refused");
            tracing::warn!(%address, times, "connections refused: the caller has too many (limits.connections_per_caller)");
            let event = SecurityEvent::new(SecurityEventKind::ConnLimited, reason);
            self.evidence.record(event.by(principal.owner()).from(address));
        }
        None
    }
}

impl Default for Guards {
    fn default() -> Self {
        Self::new(&LimitSettings::default(), Arc::new(NoEvidence))
    }
}

/// One connection of a caller, as its requests are looked at.
pub(crate) struct Visit {
    caller: Arc<Caller>,
    address: IpAddr,
    guards: Arc<Guards>,
    /// The names under which this server is reached.
    pub(crate) names: Arc<Names>,
    /// Requests that began on this connection.
    begun: AtomicU64,
    /// Those of them that have ended.
    ended: AtomicU64,
}

/// The permission to serve one request; gives back its places when it is dropped.
pub(crate) struct Place<'a> {
    _running: Running<'a>,
    _underway: Option<Underway<'a>>,
    visit: &'a Visit,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.visit.ended.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.caller.leave();
    }
}

impl Visit {
    pub(crate) fn new(caller: Arc<Caller>, address: IpAddr, guards: Arc<Guards>, names: Arc<Names>) -> Self {
        Self {
            caller,
            address,
            guards,
            names,
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
        }
    }

    /// A place for this request: 429 when its caller asks too much, 503 when the server has too much to do for it.
    pub(crate) fn admit(&self, request: &Request, point: ReferencePoint) -> Result<Place<'_>, Problem> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        let refused = |problem| {
            self.ended.fetch_add(1, Ordering::Relaxed);
            problem
        };
        let running = self.caller.admit().map_err(|why| refused(self.too_often(why)))?;
        let underway = match Work::of(request.method(), point) {
            None => None,
            Some(work) => Some(
                self.guards
                    .load
                    .enter(work)
                    .map_err(|times| refused(overloaded(times)))?,
            ),
        };
        Ok(Place {
            _running: running,
            _underway: underway,
            visit: self,
        })
    }

    fn too_often(&self, refused: Refused) -> Problem {
        let (wait, what) = match refused.wait {
            Some(wait) => (wait, "more requests per second than this caller may make"),
            None => (Duration::ZERO, "more requests at a time than this caller may make"),
        };
        if let Some(times) = refused.times {
            let owner = self.caller.owner();
            tracing::warn!(role = %self.caller.role(), times, "requests refused: {what}");
            let event = SecurityEvent::new(SecurityEventKind::RateLimited, format!("{what}; {times} refused"));
            self.guards.evidence.record(event.by(owner).from(self.address));
        }
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, Cause::NfCongestionRisk, what);
        problem.with_header(header::RETRY_AFTER, seconds(wait))
    }

    /// Comes back when no request was under way for `idle`, or for up to half of that longer.
    pub(crate) async fn idle(&self, idle: Duration) {
        let (mut before, mut quiet) = (0, 0);
        while quiet < 2 {
            tokio::time::sleep(idle / 2).await;
            let begun = self.begun.load(Ordering::Relaxed);
            let nothing = begun == before && self.ended.load(Ordering::Relaxed) == begun;
            quiet = if nothing { quiet + 1 } else { 0 };
            before = begun;
        }
    }

    /// Remembers that the peer abused HTTP/2.
    pub(crate) fn abused(&self, reason: &'static str) {
        let address = of_address(self.address);
        tracing::warn!(%address, role = %self.caller.role(), reason, "a connection was cut: abuse of HTTP/2");
        let event = SecurityEvent::new(SecurityEventKind::H2Abuse, reason);
        self.guards
            .evidence
            .record(event.by(self.caller.owner()).from(self.address));
    }
}

fn overloaded(times: Option<u64>) -> Problem {
    if let Some(times) = times {
        tracing::warn!(
            times,
            "requests refused: the server has too much to do (limits.requests_at_a_time)"
        );
    }
    let detail = "the server has too much to do; renewals and ends of what is there go first";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, Cause::NfCongestionRisk, detail)
        .with_header(header::RETRY_AFTER, seconds(Duration::from_secs(2)))
}

/// Whole seconds to wait, at least one.
fn seconds(wait: Duration) -> HeaderValue {
    HeaderValue::from(wait.as_secs() + u64::from(wait.subsec_nanos() > 0 || wait.is_zero()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_to_wait_is_told_whole_seconds() {
        for (wait, told) in [(0, "1"), (1, "1"), (999, "1"), (1000, "1"), (1001, "2")] {
            assert_eq!(seconds(Duration::from_millis(wait)), told, "{wait} ms");
        }
    }

    #[tokio::test]
    async fn a_connection_without_requests_is_idle_and_one_with_a_long_request_is_not() {
        let principal = Principal::from_names(["urn:edgeapp:eec:eec-1"], []).expect("an identity");
        let guards = Arc::new(Guards::default());
        let address = IpAddr::from([192, 0, 2, 1]);
        let caller = guards.meet(&principal, address).expect("a place");
        let visit = Visit::new(caller, address, guards, Arc::default());
        let idle = Duration::from_millis(20);
        let begun = std::time::Instant::now();
        visit.idle(idle).await;
        assert!(begun.elapsed() >= idle, "{:?}", begun.elapsed());
        let request = Request::new(axum::body::Body::empty());
        let place = visit.admit(&request, ReferencePoint::Edge1).expect("a place");
        let long = tokio::time::timeout(10 * idle, visit.idle(idle)).await;
        assert!(long.is_err(), "a request is under way");
        drop(place);
        visit.idle(idle).await;
    }
}
