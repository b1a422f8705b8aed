//! The connections of a listener that stand, and when each has to end: because the server stops, because it is old, or because its
//! certificate no longer does.

use crate::tls::{Callers, Refused, ServerTls};
use rustls::pki_types::{CertificateDer, UnixTime};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// How often ages and ends are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Why a connection has to end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The server stops: requests that run are finished.
    Stop,
    /// It is old: requests that run are finished.
    Age,
    /// Its caller may not call any more: at once.
    Refused(Refused),
}

/// A connection that stands.
struct Standing {
    chain: Arc<[CertificateDer<'static>]>,
    /// When it is too old.
    until: Instant,
    /// When its certificates end.
    ends: i64,
    tell: oneshot::Sender<Ending>,
}

#[derive(Default)]
struct All {
    next: u64,
    stopped: bool,
    standing: HashMap<u64, Standing>,
}

/// The connections of a listener.
#[derive(Default)]
pub(crate) struct Connections(Mutex<All>);

/// A connection's place among them, which it leaves when this value goes away.
pub(crate) struct Place {
    id: u64,
    connections: Arc<Connections>,
    told: oneshot::Receiver<Ending>,
}

impl Place {
    /// Waits until the connection has to end.
    pub(crate) async fn ending(&mut self) -> Ending {
        (&mut self.told).await.unwrap_or(Ending::Stop)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.lock().standing.remove(&self.id);
    }
}

impl Connections {
    fn lock(&self) -> MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more connection, of a caller with this chain, which ends at `ends`; it may become so old.
    pub(crate) fn enter(self: &Arc<Self>, chain: Arc<[CertificateDer<'static>]>, ends: i64, age: Duration) -> Place {
        // Callers that came together do not all have to come again together.
        let age = age.mul_f64(rand::random_range(0.9..1.0));
        let (tell, told) = oneshot::channel();
        let mut all = self.lock();
        let id = all.next;
        all.next += 1;
        let until = Instant::now() + age;
        if all.stopped {
            let _ = tell.send(Ending::Stop);
        } else {
            let standing = Standing {
                chain,
                until,
                ends,
                tell,
            };
            all.standing.insert(id, standing);
        }
        Place {
            id,
            connections: self.clone(),
            told,
        }
    }

    /// Tells connections that have to end, until `stop`, and then all of them.
    pub(crate) async fn watch(self: Arc<Self>, tls: ServerTls, stop: CancellationToken) {
        let mut changes = tls.changes();
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let changed = async {
                if let Some(changes) = &mut changes
                    && changes.changed().await.is_ok()
                {
                    return;
                }
                std::future::pending().await
            };
            tokio::select! {
                _ = ticks.tick() => self.end_the_old(Instant::now(), UnixTime::now()),
                () = changed => {
                    if let Some(callers) = tls.callers() {
                        let connections = self.clone();
                        let checked = tokio::task::spawn_blocking(move || connections.check_all(&callers));
                        if let Err(error) = checked.await {
                            tracing::error!(%error, "connections could not be checked again");
                        }
                    }
                }
                () = stop.cancelled() => break,
            }
        }
        let mut all = self.lock();
        all.stopped = true;
        for (_, standing) in all.standing.drain() {
            let _ = standing.tell.send(Ending::Stop);
        }
    }

    fn end_the_old(&self, instant: Instant, now: UnixTime) {
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let mut all = self.lock();
        let ended = all
            .standing
            .extract_if(|_, standing| standing.until <= instant || standing.ends < now);
        for (_, standing) in ended {
            let ending = match standing.ends < now {
                true => Ending::Refused(Refused::ended()),
                false => Ending::Age,
            };
            let _ = standing.tell.send(ending);
        }
    }

    /// Looks at the certificates of all again, as if they came anew.
    fn check_all(&self, callers: &Callers) {
        let chains: Vec<_> = self
            .lock()
            .standing
            .iter()
            // Who showed no certificate has none that could have become worse.
            .filter(|(_, standing)| !standing.chain.is_empty())
            .map(|(id, standing)| (*id, standing.chain.clone()))
            .collect();
        for (id, chain) in chains {
            let Err(refused) = check(callers, &chain) else {
                continue;
            };
            if let Some(standing) = self.lock().standing.remove(&id) {
                let _ = standing.tell.send(Ending::Refused(refused));
            }
        }
    }
}

/// Whether the holder of a chain may call now.
pub(crate) fn check(callers: &Callers, chain: &[CertificateDer<'static>]) -> Result<(), Refused> {
    if chain.is_empty() && callers.admits_strangers() {
        return Ok(());
    }
    let Some((end_entity, intermediates)) = chain.split_first() else {
        return Err(Refused::of_tls(&rustls::Error::NoCertificatesPresented));
    };
    callers
        .check(end_entity, intermediates, UnixTime::now())
        .map_err(|error| Refused::of_tls(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(second: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(second))
    }

    #[tokio::test]
    async fn a_connection_ends_when_it_is_old_and_with_its_certificate() {
        let connections = Arc::new(Connections::default());
        let mut old = connections.enter(Arc::from([]), 1000, HOUR);
        let mut ended = connections.enter(Arc::from([]), 500, 3 * HOUR);
        let mut young = connections.enter(Arc::from([]), 1000, 3 * HOUR);
        let began = Instant::now();
        connections.end_the_old(began, at(500));
        assert_eq!(connections.lock().standing.len(), 3, "none is due");
        // The certificate is past, and so is the age of one.
        connections.end_the_old(began + HOUR, at(501));
        assert_eq!(old.ending().await, Ending::Age);
        assert_eq!(ended.ending().await, Ending::Refused(Refused::ended()));
        assert!(young.told.try_recv().is_err());
        drop((old, ended, young));
        assert!(connections.lock().standing.is_empty());
    }

    #[tokio::test]
    async fn all_are_told_when_the_server_stops_and_those_that_come_later() {
        let connections = Arc::new(Connections::default());
        let mut early = connections.enter(Arc::from([]), i64::MAX, HOUR);
        let stop = CancellationToken::new();
        stop.cancel();
        let config = crate::tls::ServerTls::from(no_listener());
        connections.clone().watch(config, stop).await;
        assert_eq!(early.ending().await, Ending::Stop);
        let mut late = connections.enter(Arc::from([]), i64::MAX, HOUR);
        assert_eq!(late.ending().await, Ending::Stop);
    }

    fn no_listener() -> Arc<rustls::ServerConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(provider);
        let resolver = Arc::new(rustls::server::ResolvesServerCertUsingSni::new());
        let config = builder.with_safe_default_protocol_versions().expect("versions");
        Arc::new(config.with_no_client_auth().with_cert_resolver(resolver))
    }
}
