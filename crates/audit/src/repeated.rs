//! Events that repeat themselves: how many of them get a record of their own, and how many are only counted.
//!
//! Of one kind of event, each actor has so many records in ten seconds, from however many addresses it comes; who proved nothing has as many per
//! address, and of IPv6 per network of 64 bits, which one host can fill. So nobody can write a log full, or bury in it what others did.

use edgeapp_core::evidence::{SecurityEvent, SecurityEventKind};
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    time::{Duration, Instant},
};

/// Time in which events that repeat themselves are counted together.
const WINDOW: Duration = Duration::from_secs(10);
/// Different repetitions that are told apart at a time. Further ones share one.
const REPETITIONS: usize = 10_000;
/// How many times the records of one repetition those that share one have together.
const TOGETHER: u64 = 10;

/// Events of one kind, by one actor or else from one address. Without either: all those that are not told apart.
type Repetition = (SecurityEventKind, Option<String>, Option<IpAddr>);

struct Window {
    began: Instant,
    written: u64,
    counted: u64,
}

/// Events that were only counted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) kind: SecurityEventKind,
    /// The identity URI of who did it, where that is known.
    pub(crate) actor: Option<String>,
    /// From where, where it is not known who did it.
    pub(crate) from: Option<IpAddr>,
    /// How many there were.
    pub(crate) count: u64,
}

/// The repetitions of the last seconds.
pub(crate) struct Repeated {
    burst: u64,
    windows: HashMap<Repetition, Window>,
}

impl Repeated {
    /// With so many records of their own.
    pub(crate) fn within(burst: u64) -> Self {
        Self {
            burst,
            windows: HashMap::new(),
        }
    }

    /// Whether this event gets a record of its own; otherwise it is counted.
    pub(crate) fn singly(&mut self, event: &SecurityEvent) -> bool {
        let actor = event.actor.as_ref().map(|actor| actor.as_str().to_owned());
        let from = if actor.is_some() { None } else { event.from.map(network) };
        let mut repetition = (event.kind, actor, from);
        let mut burst = self.burst;
        if self.windows.len() >= REPETITIONS && !self.windows.contains_key(&repetition) {
            repetition = (event.kind, None, None);
            burst = burst.saturating_mul(TOGETHER);
        }
        let window = self.windows.entry(repetition).or_insert_with(|| Window {
            began: Instant::now(),
            written: 0,
            counted: 0,
        });
        if window.written < burst {
            window.written += 1;
            true
        } else {
            window.counted += 1;
            false
        }
    }

    /// What was only counted, once its time is over; `all` of it when there is no more time.
    pub(crate) fn counted(&mut self, all: bool) -> Vec<Counted> {
        let mut counted = Vec::new();
        self.windows.retain(|(kind, actor, from), window| {
            if !all && window.began.elapsed() < WINDOW {
                return true;
            }
            if window.counted > 0 {
                counted.push(Counted {
                    kind: *kind,
                    actor: actor.clone(),
                    from: *from,
                    count: window.counted,
                });
            }
            false
        });
        counted
    }
}

/// The network that one host can have all addresses of.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let bits = u128::from(address) & !u128::from(u64::MAX);
            Ipv6Addr::from(bits).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgeapp_core::principal::Owner;

    fn event(actor: Option<&Owner>, from: &str) -> SecurityEvent {
        let mut event = SecurityEvent::new(SecurityEventKind::TokenDenied, "invalid_scope");
        event.actor = actor.cloned();
        event.from(from.parse().expect("an address"))
    }

    /// T-28: addresses give an actor no more records, and who proved nothing none for each address of its own network.
    ///
    /// Proves: T-28
    #[test]
    fn a_caller_with_many_addresses_has_no_more_records_than_with_one() {
        let eec = Owner::eec(&"eec-1".parse().expect("an id"));
        for (actor, from) in [
            (Some(&eec), "192.0.2"),
            (Some(&eec), "2001:db8::"),
            (None, "2001:db8::"),
        ] {
            let mut repeated = Repeated::within(3);
            let at = |n: u32| match from.ends_with(':') {
                true => format!("{from}{n:x}"),
                false => format!("{from}.{n}"),
            };
            let singly = (1..=20).filter(|n| repeated.singly(&event(actor, &at(*n)))).count();
            assert_eq!(singly, 3);
            let counted = repeated.counted(true);
            assert_eq!((counted.len(), counted[0].count), (1, 17));
            assert_eq!(counted[0].actor.as_deref(), actor.map(Owner::as_str));
            assert!(repeated.counted(true).is_empty());
        }
    }

    #[test]
    fn callers_and_strangers_of_different_networks_are_told_apart() {
        let mut repeated = Repeated::within(1);
        let (one, other) = ("eec-1".parse().expect("an id"), "eec-2".parse().expect("an id"));
        assert!(repeated.singly(&event(Some(&Owner::eec(&one)), "192.0.2.1")));
        assert!(repeated.singly(&event(Some(&Owner::eec(&other)), "192.0.2.1")));
        assert!(repeated.singly(&event(None, "192.0.2.1")));
        assert!(repeated.singly(&event(None, "192.0.2.2")));
        assert!(!repeated.singly(&event(None, "::ffff:192.0.2.2")));
        assert!(repeated.counted(false).is_empty(), "their time is not over");
    }

    /// T-28: so many callers that they are not told apart have records together, and the rest is counted.
    ///
    /// Proves: T-28
    #[test]
    fn callers_without_number_are_counted_together() {
        let mut repeated = Repeated::within(1);
        let callers = u32::try_from(REPETITIONS).expect("few");
        let from = |n: u32| std::net::Ipv4Addr::from(n).to_string();
        assert!((0..callers).all(|n| repeated.singly(&event(None, &from(n)))));
        let singly = (callers..callers + 100)
            .filter(|n| repeated.singly(&event(None, &from(*n))))
            .count();
        assert_eq!(singly, 10);
        let counted = repeated.counted(true);
        assert_eq!((counted.len(), counted[0].count, counted[0].from), (1, 90, None));
    }
}
