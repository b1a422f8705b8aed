//! Connections and handshakes of one address. Before a handshake is over nothing else is known of a peer.

use super::{LimitSettings, sampled::Sampled};
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The addresses that have connections, over all listeners: as many entries as there are connections at most.
pub(super) struct Addresses {
    present: Mutex<HashMap<IpAddr, Present>>,
    connections: usize,
    handshakes: usize,
}

struct Present {
    connections: usize,
    handshakes: Arc<Semaphore>,
    refused: Arc<Sampled>,
}

/// The place of one connection, given back when it is dropped.
pub(crate) struct Arrival {
    all: Arc<Addresses>,
    address: IpAddr,
    handshakes: Arc<Semaphore>,
}

impl Arrival {
    /// Waits until another handshake of this address may begin: who opens many at once makes only itself wait.
    pub(crate) async fn handshake(&self) -> Option<OwnedSemaphorePermit> {
        self.handshakes.clone().acquire_owned().await.ok()
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        let mut present = self.all.lock();
        if let Some(entry) = present.get_mut(&self.address) {
            entry.connections -= 1;
            if entry.connections == 0 {
                present.remove(&self.address);
            }
        }
    }
}

impl Addresses {
    pub(super) fn new(settings: &LimitSettings) -> Self {
        let number = |number: u32| {
            usize::try_from(number)
                .unwrap_or(usize::MAX)
                .min(Semaphore::MAX_PERMITS)
        };
        Self {
            present: Mutex::default(),
            connections: number(settings.connections_per_address),
            handshakes: number(settings.handshakes_per_address),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Present>> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more connection of this address, or how many were refused when it is time to tell it.
    pub(super) fn arrive(all: &Arc<Self>, address: IpAddr) -> Result<Arrival, Option<u64>> {
        let address = subscriber(address);
        let mut present = all.lock();
        let entry = present.entry(address).or_insert_with(|| Present {
            connections: 0,
            handshakes: Arc::new(Semaphore::new(all.handshakes)),
            refused: Arc::default(),
        });
        if entry.connections >= all.connections {
            return Err(entry.refused.happened());
        }
        entry.connections += 1;
        Ok(Arrival {
            all: all.clone(),
            address,
            handshakes: entry.handshakes.clone(),
        })
    }
}

/// What counts as one address: of IPv6 the first 64 bits, because whoever has one address has the whole network of it.
fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(connections: u32) -> Arc<Addresses> {
        Arc::new(Addresses::new(&LimitSettings {
            connections_per_address: connections,
            handshakes_per_address: 1,
            ..LimitSettings::default()
        }))
    }

    #[test]
    fn one_address_has_so_many_connections_and_others_do_not_notice() {
        let all = addresses(2);
        let of = |address: &str| Addresses::arrive(&all, address.parse().expect("an address"));
        let (first, _second) = (of("192.0.2.1").ok(), of("::ffff:192.0.2.1").expect("a place"));
        assert!(matches!(of("192.0.2.1"), Err(Some(1))), "told at once");
        assert!(matches!(of("192.0.2.1"), Err(None)), "and not again");
        assert!(of("192.0.2.2").is_ok());
        drop(first);
        assert!(of("192.0.2.1").is_ok());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let all = addresses(1);
        let of = |address: &str| Addresses::arrive(&all, address.parse().expect("an address"));
        let _one = of("2001:db8:1:2::1").expect("a place");
        assert!(of("2001:db8:1:2:ffff::9").is_err());
        assert!(of("2001:db8:1:3::1").is_ok());
    }

    #[test]
    fn nothing_is_kept_of_who_left() {
        let all = addresses(5);
        for n in 0..100 {
            drop(Addresses::arrive(&all, IpAddr::from([192, 0, 2, n])));
        }
        assert!(all.lock().is_empty());
    }

    #[tokio::test]
    async fn handshakes_of_one_address_wait_for_each_other() {
        let all = addresses(5);
        let arrive = || Addresses::arrive(&all, IpAddr::from([192, 0, 2, 1])).expect("a place");
        let (one, two) = (arrive(), arrive());
        let first = one.handshake().await.expect("a turn");
        let mut second = Box::pin(two.handshake());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(second.as_mut().poll(&mut context).is_pending());
        drop(first);
        assert!(second.await.is_some());
    }
}
