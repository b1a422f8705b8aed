//! What the programs of all servers do alike around their APIs: sections of the configuration, listeners, announcing, draining.
//!
//! A program reads its configuration ([`settings::read`](crate::settings::read)), loads certificates ([`Keyring::load`]), binds its
//! listeners into a [`Serving`], tells the world where they are ([`Serving::announcement`]) and serves until [`stop_signal`].

pub use crate::tls::IdentityFiles;
use crate::{
    descriptors,
    limits::{Guards, LimitSettings},
    screen::Names,
    server::{Limits, Listener},
    session::{SessionLimits, SessionListener, Sessions},
    tls::{Hangup, Keyring, Speaks, TlsError},
};
use axum::Router;
use edgeapp_core::{
    authorizer::{Authorizer, ReferencePoint},
    evidence::{Evidence, NoEvidence},
    principal::Role,
    pseudonym,
};
use serde::{Deserialize, Serialize};
use std::{io, net::SocketAddr, sync::Arc};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

/// Where a listener listens, as the configuration says it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListenAt {
    /// `listen`: address and port; port 0 takes any free one.
    pub listen: SocketAddr,
    /// `api_root`: scheme, authority and optional prefix under which clients reach the listener; without it each `Location` has the
    /// authority of its request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_root: Option<String>,
}

impl ListenAt {
    /// Whether both cannot be had at the same time.
    pub fn collides_with(&self, other: &Self) -> bool {
        let (one, other) = (self.listen, other.listen);
        let covers = |all: SocketAddr, one: SocketAddr| all.ip().is_unspecified() && all.is_ipv4() == one.is_ipv4();
        one.port() != 0
            && one.port() == other.port()
            && (one.ip() == other.ip() || covers(one, other) || covers(other, one))
    }

    /// Which of these listeners, named by their sections, collide with one before them: the key, and why not.
    pub fn collisions(all: &[(&str, &Self)]) -> Vec<(String, String)> {
        let taken = |(number, (section, at)): (usize, &(&str, &Self))| {
            let (before, _) = all[..number].iter().find(|(_, before)| before.collides_with(at))?;
            let reason = format!(
                "{} is taken by `{before}.listen`: give each listener a port or an address of its own",
                at.listen
            );
            Some((format!("{section}.listen"), reason))
        };
        all.iter().enumerate().filter_map(taken).collect()
    }

    /// For the hardened reference: the address, where it is every address of the machine.
    pub fn on_every_address(&self) -> Option<String> {
        self.listen
            .ip()
            .is_unspecified()
            .then(|| format!("\"{}\"", self.listen))
    }
}

/// Why a listener does not stand.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Its certificates cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Its address cannot be had.
    #[error(
        "key `{section}.listen`: {address} cannot be bound: {source}; stop what holds it, or give the key another value"
    )]
    Address {
        /// The section of the configuration.
        section: &'static str,
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
}

/// A bound socket that nobody serves yet.
pub struct Socket {
    listener: TcpListener,
    address: SocketAddr,
    api_root: Option<String>,
}

impl Socket {
    /// Binds the address that this section of the configuration gives.
    ///
    /// # Errors
    /// When it cannot be had.
    pub async fn bind(section: &'static str, at: &ListenAt) -> Result<Self, BindError> {
        let failed = |source| BindError::Address {
            section,
            address: at.listen,
            source,
        };
        let listener = TcpListener::bind(at.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        pseudonym::ours(address);
        Ok(Self {
            listener,
            address,
            api_root: at.api_root.clone(),
        })
    }

    /// Where it is; the port is real even when 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `apiRoot` under which clients reach it: as configured, else by its address.
    pub fn api_root(&self) -> String {
        self.api_root
            .clone()
            .unwrap_or_else(|| format!("https://{}", self.address))
    }
}

/// What a listener serves of one reference point, to the role at its calling end.
pub struct Door {
    /// The reference point.
    pub point: ReferencePoint,
    /// The routes.
    pub router: Router,
}

/// A listener with the routes of each reference point.
struct Opened {
    address: SocketAddr,
    listener: Listener,
    doors: Vec<(ReferencePoint, Router)>,
}

/// A listener that speaks something else than HTTP.
struct OpenedOther {
    name: &'static str,
    address: SocketAddr,
    listener: SessionListener,
}

/// What a listener speaks beside HTTP, to whom and within which limits.
pub struct OtherProtocol {
    /// The name under which programs announce it.
    pub name: &'static str,
    /// What it speaks over TLS.
    pub speaks: Speaks,
    /// Of whom certificates may be.
    pub callers: Vec<Role>,
    /// How many connections one address and one caller may have, in this protocol alone.
    pub settings: LimitSettings,
    /// What it tolerates; connections become as old as those of the other listeners at most.
    pub limits: SessionLimits,
    /// What serves the connections.
    pub sessions: Arc<dyn Sessions>,
}

/// The bound listeners of a server with their routes.
pub struct Serving {
    keyring: Arc<Keyring>,
    hangup: Hangup,
    http1: bool,
    authorizer: Arc<dyn Authorizer>,
    evidence: Arc<dyn Evidence>,
    limits: Limits,
    settings: LimitSettings,
    /// One for all listeners, made with the first one.
    guards: Option<Arc<Guards>>,
    listeners: Vec<Opened>,
    others: Vec<OpenedOther>,
}

impl Serving {
    /// No listener yet. All that follow go by this keyring, whose files are followed while they serve, and ask this authorizer; HTTP/1.1
    /// is offered beside HTTP/2 where `http1` says so.
    pub fn new(keyring: Arc<Keyring>, http1: bool, authorizer: Arc<dyn Authorizer>) -> Self {
        Self {
            keyring,
            hangup: Hangup::listen(),
            http1,
            authorizer,
            evidence: Arc::new(NoEvidence),
            limits: Limits::default(),
            settings: LimitSettings::default(),
            guards: None,
            listeners: Vec::new(),
            others: Vec::new(),
        }
    }

    /// Tells this of what security asks to be remembered, from the listeners that follow and of the keyring.
    pub fn evidence(mut self, evidence: Arc<dyn Evidence>) -> Self {
        self.keyring.evidence(evidence.clone());
        self.evidence = evidence;
        self
    }

    /// Other limits than the default ones, for the listeners that follow.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Keeps callers within these settings. To be said before the first listener.
    pub fn within(mut self, settings: &LimitSettings) -> Self {
        self.settings = *settings;
        self.limits = settings.of_listener();
        self
    }

    /// Binds one more listener with its doors and says where it is. Nothing is served before [`Serving::serve`].
    ///
    /// # Errors
    /// When certificates cannot be used or the address cannot be had.
    pub async fn bind(&mut self, at: &ListenAt, doors: Vec<Door>) -> Result<SocketAddr, BindError> {
        let section = doors.first().map_or(ReferencePoint::Operator, |door| door.point);
        let socket = Socket::bind(section.as_str(), at).await?;
        let address = socket.address();
        self.open(socket, doors)?;
        Ok(address)
    }

    /// Opens doors on a socket that was bound before, so that what stands behind them could learn its address.
    ///
    /// # Errors
    /// When certificates cannot be used.
    pub fn open(&mut self, socket: Socket, doors: Vec<Door>) -> Result<(), BindError> {
        let callers: Vec<_> = doors.iter().map(|door| door.point.caller()).collect();
        let tls = self.keyring.server(&callers, self.http1)?;
        let limits = Limits {
            max_age: self.keyring.settings().connection_max_age(),
            ..self.limits.clone()
        };
        let guards = self
            .guards
            .get_or_insert_with(|| Arc::new(Guards::new(&self.settings, self.evidence.clone())));
        let names = Names::of_certificate(&self.keyring.certificate()).and_of(socket.api_root.as_deref());
        let listener = Listener::on(socket.listener, tls, self.authorizer.clone())
            .evidence(self.evidence.clone())
            .names(names)
            .guards(guards.clone())
            .api_root(socket.api_root)
            .limits(limits);
        let doors = doors.into_iter().map(|door| (door.point, door.router)).collect();
        self.listeners.push(Opened {
            address: socket.address,
            listener,
            doors,
        });
        Ok(())
    }

    /// Opens a listener that speaks something else than HTTP.
    ///
    /// # Errors
    /// When certificates cannot be used.
    pub fn open_other(&mut self, socket: Socket, protocol: OtherProtocol) -> Result<(), BindError> {
        let tls = self.keyring.server_speaking(&protocol.callers, protocol.speaks)?;
        let max_age = protocol
            .limits
            .max_age
            .min(self.keyring.settings().connection_max_age());
        let listener = SessionListener {
            socket: socket.listener,
            tls,
            guards: Arc::new(Guards::new(&protocol.settings, self.evidence.clone())),
            evidence: self.evidence.clone(),
            limits: SessionLimits {
                max_age,
                ..protocol.limits
            },
            sessions: protocol.sessions,
        };
        self.others.push(OpenedOther {
            name: protocol.name,
            address: socket.address,
            listener,
        });
        Ok(())
    }

    /// The real address of each listener that speaks something else than HTTP.
    pub fn other_addresses(&self) -> Vec<(&'static str, SocketAddr)> {
        self.others.iter().map(|other| (other.name, other.address)).collect()
    }

    /// The real address of each reference point, in the order they were bound.
    pub fn addresses(&self) -> Vec<(ReferencePoint, SocketAddr)> {
        let of_listener = |opened: &Opened| {
            opened
                .doors
                .iter()
                .map(|(point, _)| (*point, opened.address))
                .collect::<Vec<_>>()
        };
        self.listeners.iter().flat_map(of_listener).collect()
    }

    /// What programs print once all listeners stand: a line per reference point, then `ready`. Scripts learn real ports from it.
    pub fn announcement(&self) -> String {
        let lines = self
            .addresses()
            .into_iter()
            .map(|(point, address)| format!("listening {point} https://{address}\n"));
        let others = self
            .others
            .iter()
            .map(|other| format!("listening {} tls://{}\n", other.name, other.address));
        lines.chain(others).chain(["ready\n".to_owned()]).collect()
    }

    /// Serves all of them until `stop`, then lets running requests finish. Raises the process's limit of open files where that is
    /// possible; where it stays too low, the listeners hold fewer connections.
    pub async fn serve(self, stop: CancellationToken) {
        let mut running = JoinSet::new();
        let following = self.keyring.follow(self.hangup, stop.clone());
        let following = AbortOnDropHandle::new(tokio::spawn(following));
        let (files, count) = (descriptors::raise(), self.listeners.len() + self.others.len());
        let connections = descriptors::share(files, count, self.limits.connections);
        if connections < self.limits.connections {
            let wanted = self.limits.connections;
            tracing::warn!(
                files,
                connections,
                wanted,
                "the limit of open files is low: each listener holds fewer connections at a time; raise the hard limit (ulimit -Hn, LimitNOFILE)"
            );
        }
        for mut opened in self.listeners {
            opened.listener = opened.listener.connections_at_most(connections);
            running.spawn(opened.listener.serve(opened.doors, stop.clone()));
        }
        for opened in self.others {
            let listener = opened.listener.connections_at_most(connections);
            running.spawn(listener.serve(stop.clone()));
        }
        while let Some(ended) = running.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a listener ended");
                // Half a server is none: let the others finish, and whoever watches over us start us again.
                stop.cancel();
            }
        }
        drop(following);
    }
}

/// Listens from now on for the wish that the process end, SIGTERM or SIGINT; what it answers with waits for that. Call it before
/// anybody is told that the server is ready: without it such a wish ends the process at once.
///
/// # Errors
/// When signals cannot be listened for.
pub fn stop_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        Ok(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        // Where it cannot be waited for, the process is ended by other means.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_at_one_address_collide() {
        let at = |listen: &str| ListenAt {
            listen: listen.parse().expect("an address"),
            api_root: None,
        };
        let all = [
            ("edge1", at("192.0.2.1:9101")),
            ("edge3", at("192.0.2.1:9103")),
            ("edge9", at("0.0.0.0:9101")),
            ("operator", at("192.0.2.2:9103")),
            ("free", at("192.0.2.1:0")),
            ("also free", at("192.0.2.1:0")),
        ];
        let all: Vec<_> = all.iter().map(|(name, at)| (*name, at)).collect();
        let found = ListenAt::collisions(&all);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, "edge9.listen");
        assert!(found[0].1.contains("`edge1.listen`"), "{found:?}");
    }
}
