//! The settings of rustls for new connections, on both sides.

use super::{
    error::TlsError,
    identity::Identity,
    keyring::{Keyring, Material},
    settings::TlsVersion,
    trust::Trust,
    verifier::{Called, Callers, UnlessNone},
};
use arc_swap::ArcSwap;
use edgeapp_core::principal::Role;
use rustls::{
    ClientConfig, ServerConfig, SupportedProtocolVersion,
    client::Resumption,
    server::{NoClientAuth, NoServerSessionStorage, danger::ClientCertVerifier},
    version::{TLS12, TLS13},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::sync::watch;

static BOTH_VERSIONS: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];
static NEWEST_VERSION: &[&SupportedProtocolVersion] = &[&TLS13];

fn versions(oldest: TlsVersion) -> &'static [&'static SupportedProtocolVersion] {
    match oldest {
        TlsVersion::Tls12 => BOTH_VERSIONS,
        TlsVersion::Tls13 => NEWEST_VERSION,
    }
}

/// Whether a listener asks its callers for certificates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientCertificates {
    /// Nobody comes in without one.
    Required,
    /// Who shows one is known by it.
    #[default]
    Optional,
    /// Nobody is asked.
    None,
}

/// What a listener speaks over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// HTTP/2, to callers with certificates.
    Http {
        /// And HTTP/1.1.
        http1: bool,
    },
    /// Another protocol.
    Other {
        /// Its name in ALPN.
        alpn: &'static str,
        /// Whether callers show certificates.
        certificates: ClientCertificates,
    },
}

impl Speaks {
    fn names(self) -> Vec<Vec<u8>> {
        match self {
            Self::Http { http1: true } => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            Self::Http { http1: false } => vec![b"h2".to_vec()],
            Self::Other { alpn, .. } => vec![alpn.as_bytes().to_vec()],
        }
    }

    fn verifier(self, callers: Arc<Callers>) -> Arc<dyn ClientCertVerifier> {
        match self {
            Self::Http { .. }
            | Self::Other {
                certificates: ClientCertificates::Required,
                ..
            } => callers,
            Self::Other {
                certificates: ClientCertificates::Optional,
                ..
            } => Arc::new(UnlessNone(callers)),
            Self::Other {
                certificates: ClientCertificates::None,
                ..
            } => Arc::new(NoClientAuth),
        }
    }
}

fn serving(
    identity: &Identity,
    callers: Arc<Callers>,
    speaks: Speaks,
    oldest: TlsVersion,
) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = ServerConfig::builder_with_provider(super::crypto())
        .with_protocol_versions(versions(oldest))
        .map_err(|error| identity.mismatch(error))?
        .with_client_cert_verifier(speaks.verifier(callers))
        .with_cert_resolver(identity.resolver());
    config.alpn_protocols = speaks.names();
    // A resumed session would keep the old client certificate without another look at it.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    config.require_ems = true;
    Ok(Arc::new(config))
}

fn calling(identity: Option<&Identity>, called: Called, oldest: TlsVersion) -> Result<ClientConfig, TlsError> {
    let config = ClientConfig::builder_with_provider(super::crypto())
        .with_protocol_versions(versions(oldest))
        .map_err(|error| match identity {
            Some(identity) => identity.mismatch(error),
            None => TlsError::Trust(error.to_string()),
        })?
        .dangerous()
        // Not less than the usual verifier: it is asked within, with the lists of what was revoked.
        .with_custom_certificate_verifier(Arc::new(called));
    let mut config = match identity {
        Some(identity) => config.with_client_cert_resolver(identity.resolver()),
        None => config.with_no_client_auth(),
    };
    // As at a server: no certificate counts without another look at it.
    config.resumption = Resumption::disabled();
    config.require_ems = true;
    Ok(config)
}

/// The settings of a listener: its identity, the roots of each role it serves, whether HTTP/1.1 is offered beside HTTP/2.
///
/// # Errors
/// When nobody is trusted.
pub fn server_config(
    identity: &Identity,
    clients: &[(Role, Trust)],
    http1: bool,
) -> Result<Arc<ServerConfig>, TlsError> {
    let callers = Arc::new(Callers::new(clients)?);
    serving(identity, callers, Speaks::Http { http1 }, TlsVersion::default())
}

/// The settings of our client: its identity and the servers it trusts.
///
/// # Errors
/// When nobody is trusted.
pub fn client_config(identity: &Identity, servers: &Trust) -> Result<ClientConfig, TlsError> {
    calling(Some(identity), Called::of_any_role(servers)?, TlsVersion::default())
}

/// What the handshakes of a listener go by. Cheap to clone.
#[derive(Clone)]
pub struct ServerTls(Arc<Listening>);

enum Listening {
    /// Always the same.
    Fixed(Arc<ServerConfig>),
    /// What the keyring holds.
    Following {
        keyring: Arc<Keyring>,
        roles: Vec<Role>,
        speaks: Speaks,
        made: ArcSwap<Made>,
    },
}

/// Settings made of what a keyring held.
struct Made {
    generation: u64,
    config: Arc<ServerConfig>,
    callers: Arc<Callers>,
}

impl Made {
    fn of(material: &Material, roles: &[Role], speaks: Speaks) -> Result<Self, TlsError> {
        let strangers = roles.contains(&Role::Stranger);
        let known: Vec<Role> = roles.iter().copied().filter(|role| *role != Role::Stranger).collect();
        let callers = Callers::new(&material.of_roles(&known)?)?.and_strangers(strangers);
        let callers = Arc::new(callers);
        Ok(Self {
            generation: material.generation,
            config: serving(&material.identity, callers.clone(), speaks, material.oldest)?,
            callers,
        })
    }
}

impl From<Arc<ServerConfig>> for ServerTls {
    fn from(config: Arc<ServerConfig>) -> Self {
        Self(Arc::new(Listening::Fixed(config)))
    }
}

impl ServerTls {
    pub(super) fn following(keyring: Arc<Keyring>, roles: Vec<Role>, speaks: Speaks) -> Result<Self, TlsError> {
        let made = Made::of(&keyring.material(), &roles, speaks)?;
        Ok(Self(Arc::new(Listening::Following {
            keyring,
            roles,
            speaks,
            made: ArcSwap::from_pointee(made),
        })))
    }

    fn made(keyring: &Keyring, roles: &[Role], speaks: Speaks, made: &ArcSwap<Made>) -> Arc<Made> {
        let known = made.load_full();
        let material = keyring.material();
        if known.generation == material.generation {
            return known;
        }
        match Made::of(&material, roles, speaks) {
            Ok(fresh) => {
                let fresh = Arc::new(fresh);
                made.store(fresh.clone());
                fresh
            }
            // It was tried out before it came into force: this does not happen.
            Err(error) => {
                tracing::error!(%error, "what is in force cannot be used");
                known
            }
        }
    }

    /// The settings for a handshake now.
    pub fn current(&self) -> Arc<ServerConfig> {
        match &*self.0 {
            Listening::Fixed(config) => config.clone(),
            Listening::Following {
                keyring,
                roles,
                speaks,
                made,
            } => Self::made(keyring, roles, *speaks, made).config.clone(),
        }
    }

    /// Who may call now; not known where the settings are always the same.
    pub(crate) fn callers(&self) -> Option<Arc<Callers>> {
        match &*self.0 {
            Listening::Fixed(_) => None,
            Listening::Following {
                keyring,
                roles,
                speaks,
                made,
            } => Some(Self::made(keyring, roles, *speaks, made).callers.clone()),
        }
    }

    /// Tells when other settings are in force.
    pub(crate) fn changes(&self) -> Option<watch::Receiver<u64>> {
        match &*self.0 {
            Listening::Fixed(_) => None,
            Listening::Following { keyring, .. } => Some(keyring.changes()),
        }
    }
}

/// Whom our client is and whom it calls. Cheap to clone.
#[derive(Clone)]
pub struct ClientTls(Calling);

#[derive(Clone)]
enum Calling {
    Fixed(Arc<ClientConfig>),
    Following { keyring: Arc<Keyring>, roles: Arc<[Role]> },
}

impl ClientTls {
    /// Always this identity, and these servers.
    ///
    /// # Errors
    /// When nobody is trusted.
    pub fn fixed(identity: &Identity, servers: &Trust) -> Result<Self, TlsError> {
        Ok(Self(Calling::Fixed(Arc::new(client_config(identity, servers)?))))
    }

    /// Shows no certificate, for whoever has none yet, and always trusts these servers.
    ///
    /// # Errors
    /// When nobody is trusted.
    pub fn without_certificate(servers: &Trust) -> Result<Self, TlsError> {
        let config = calling(None, Called::of_any_role(servers)?, TlsVersion::default())?;
        Ok(Self(Calling::Fixed(Arc::new(config))))
    }

    pub(super) fn following(keyring: Arc<Keyring>, roles: &[Role]) -> Result<Self, TlsError> {
        let this = Self(Calling::Following {
            keyring,
            roles: roles.into(),
        });
        this.current()?;
        Ok(this)
    }

    /// Which settings are in force: another number when others are.
    pub(crate) fn generation(&self) -> u64 {
        match &self.0 {
            Calling::Fixed(_) => 0,
            Calling::Following { keyring, .. } => keyring.material().generation,
        }
    }

    /// The settings for connections from now on, with their number.
    pub(crate) fn current(&self) -> Result<(u64, ClientConfig), TlsError> {
        match &self.0 {
            Calling::Fixed(config) => Ok((0, config.as_ref().clone())),
            Calling::Following { keyring, roles } => {
                let material = keyring.material();
                let called = Called::of_roles(&material.of_roles(roles)?)?;
                Ok((
                    material.generation,
                    calling(Some(&material.identity), called, material.oldest)?,
                ))
            }
        }
    }

    /// Who is told of servers that are not what they should be.
    pub(crate) fn keyring(&self) -> Option<&Arc<Keyring>> {
        match &self.0 {
            Calling::Fixed(_) => None,
            Calling::Following { keyring, .. } => Some(keyring),
        }
    }
}

/// Tries all settings out that could be made of this.
pub(super) fn try_out(material: &Material) -> Result<(), TlsError> {
    let callers = Callers::new(&material.trust)?;
    let speaks = Speaks::Http { http1: true };
    serving(&material.identity, Arc::new(callers), speaks, material.oldest)?;
    calling(
        Some(&material.identity),
        Called::of_roles(&material.trust)?,
        material.oldest,
    )?;
    Ok(())
}
