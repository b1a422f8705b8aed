//! How we get to hosts that clients named: names are resolved and looked at before they are used, connections are looked at again
//! once they stand, and no host is called more often than the rule says.

use edgeapp_core::callback::CallbackRule;
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use hyper::Uri;
use hyper_util::{
    client::legacy::connect::{HttpConnector, dns::Name},
    rt::TokioIo,
};
use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    num::NonZeroU32,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{net::TcpStream, sync::Semaphore};
use tower::Service;

/// Names looked up at a time. Each look-up holds one of the threads that the store reads with, and slow names must leave it some.
const LOOKUPS: usize = 64;
/// So many hosts are counted before those that have been quiet are forgotten.
const MANY: usize = 4096;

/// Finds the addresses of a name.
pub(crate) type Lookup = Arc<dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync>;

/// The resolver of the system.
pub(crate) fn system() -> Lookup {
    Arc::new(|name| Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect()))
}

/// How often each host is called.
pub(crate) struct Hosts {
    limiter: DefaultKeyedRateLimiter<String>,
}

impl Hosts {
    pub(crate) fn new(per_second: u32) -> Self {
        let per_second = NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN);
        let burst = per_second.saturating_mul(NonZeroU32::MIN.saturating_add(1));
        let limiter = RateLimiter::hashmap(Quota::per_second(per_second).allow_burst(burst));
        Self { limiter }
    }

    /// Counts one more call of this host, or says how long to wait.
    pub(crate) fn call(&self, host: &str) -> Result<(), Duration> {
        if self.limiter.len() >= MANY {
            self.limiter.retain_recent();
        }
        self.limiter
            .check_key(&host.to_ascii_lowercase())
            .map_err(|until| until.wait_time_from(DefaultClock::default().now()))
    }
}

/// Resolves names and leaves out the addresses that the callback rule forbids, so that the address that was checked is the one
/// that is used.
#[derive(Clone)]
pub(crate) struct CheckedResolver {
    rule: Arc<CallbackRule>,
    lookup: Lookup,
    places: Arc<Semaphore>,
}

impl Service<Name> for CheckedResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, io::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let Self { rule, lookup, places } = self.clone();
        Box::pin(async move {
            let place = places.acquire_owned().await.map_err(io::Error::other)?;
            // The place is taken for as long as the thread is, also when nobody waits for the answer any more.
            let found = tokio::task::spawn_blocking(move || {
                let found = lookup(name.as_str());
                drop(place);
                found
            });
            let found = found.await.map_err(io::Error::other)??;
            let allowed: Vec<_> = found
                .into_iter()
                .filter(|address| rule.may_connect(*address))
                .map(|address| SocketAddr::new(address, 0))
                .collect();
            if allowed.is_empty() {
                return Err(forbidden("the name has no address that may be used"));
            }
            Ok(allowed.into_iter())
        })
    }
}

fn forbidden(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, reason)
}

/// Connects where the rule allows, as often as it allows.
#[derive(Clone)]
pub(crate) struct CheckedConnector {
    tcp: HttpConnector<CheckedResolver>,
    rule: Arc<CallbackRule>,
    hosts: Option<Arc<Hosts>>,
}

impl CheckedConnector {
    pub(crate) fn new(rule: Arc<CallbackRule>, lookup: Lookup, timeout: Duration) -> Self {
        let resolver = CheckedResolver {
            rule: rule.clone(),
            lookup,
            places: Arc::new(Semaphore::new(LOOKUPS)),
        };
        let mut tcp = HttpConnector::new_with_resolver(resolver);
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(timeout));
        let hosts = rule.pace.map(|pace| Arc::new(Hosts::new(pace.connections)));
        Self { tcp, rule, hosts }
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl Service<Uri> for CheckedConnector {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let host = uri.host().unwrap_or_default();
        let paced = self.hosts.as_ref().map_or(Ok(()), |hosts| hosts.call(host));
        if paced.is_err() {
            let error = io::Error::new(
                io::ErrorKind::QuotaExceeded,
                "connections to this host are opened too often",
            );
            return Box::pin(std::future::ready(Err(error.into())));
        }
        let (connecting, rule) = (self.tcp.call(uri), self.rule.clone());
        Box::pin(async move {
            let stream = connecting.await?;
            let (far, near) = (stream.inner().peer_addr()?, stream.inner().local_addr()?);
            match rule.may_use(far, far.ip() == near.ip()) {
                true => Ok(stream),
                false => Err(forbidden("the address may not be used").into()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::net::TcpListener;

    fn names(lookup: impl Fn(&str) -> Vec<IpAddr> + Send + Sync + 'static) -> Lookup {
        Arc::new(move |name| Ok(lookup(name)))
    }

    async fn connect(rule: CallbackRule, lookup: Lookup, uri: &str) -> Result<TokioIo<TcpStream>, BoxError> {
        let connector = CheckedConnector::new(Arc::new(rule), lookup, Duration::from_secs(5));
        tower::ServiceExt::oneshot(connector, uri.parse().expect("a URI")).await
    }

    /// A resolver that first says what may be used and then what may not: what is used is what was looked at, each time.
    #[tokio::test]
    async fn a_name_that_changes_its_address_leads_nowhere() {
        let inside = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = inside.local_addr().expect("an address").port();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let lookup = names(move |_| {
            // The name is public to whoever looks at it first.
            match count.fetch_add(1, Ordering::SeqCst) {
                0 => vec![IpAddr::from([192, 0, 2, 1])],
                _ => vec![IpAddr::from([127, 0, 0, 1])],
            }
        });
        assert_eq!(
            lookup("rebind.example").expect("an address"),
            [IpAddr::from([192, 0, 2, 1])]
        );
        let uri = format!("https://rebind.example:{port}/");
        let error = connect(CallbackRule::default(), lookup, &uri)
            .await
            .expect_err("refused");
        let story = std::iter::successors(Some(error.as_ref() as &dyn std::error::Error), |error| error.source());
        let story: Vec<_> = story.map(ToString::to_string).collect();
        assert!(story.concat().contains("no address that may be used"), "{story:?}");
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        let nobody = tokio::time::timeout(Duration::from_millis(50), inside.accept()).await;
        assert!(nobody.is_err(), "not one packet");
    }

    #[tokio::test]
    async fn of_several_addresses_the_allowed_ones_are_used() {
        let there = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = there.local_addr().expect("an address").port();
        let lookup = names(|_| vec![IpAddr::from([169, 254, 169, 254]), IpAddr::from([127, 0, 0, 1])]);
        let stream = connect(
            CallbackRule::anywhere(),
            lookup,
            &format!("https://both.example:{port}/"),
        )
        .await
        .expect("connected");
        assert_eq!(stream.inner().peer_addr().expect("an address").port(), port);
    }

    #[tokio::test]
    async fn a_name_for_ourselves_is_noticed_once_connected() {
        let own = TcpListener::bind("0.0.0.0:0").await.expect("a port");
        let address = own.local_addr().expect("an address");
        let rule = CallbackRule::anywhere();
        rule.own.add(address);
        let lookup = names(|_| vec![IpAddr::from([127, 0, 0, 1])]);
        let uri = format!("https://ourselves.example:{}/", address.port());
        assert!(connect(rule, lookup, &uri).await.is_err());
    }

    #[test]
    fn one_host_is_called_so_often_and_others_do_not_wait() {
        let hosts = Hosts::new(1);
        assert!(hosts.call("a.example").is_ok() && hosts.call("A.example").is_ok());
        let wait = hosts.call("a.example").expect_err("too often");
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(1), "{wait:?}");
        assert!(hosts.call("b.example").is_ok());
    }
}
