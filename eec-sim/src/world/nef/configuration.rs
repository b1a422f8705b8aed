//! The file `nef.toml`.

use super::{
    Behaviour,
    model::{Cell, Network, Ue},
    state::State,
    token::Secret,
};
use edgeapp_core::error::Error;
use edgeapp_http::{
    assembly::{IdentityFiles, ListenAt},
    settings::{self, SettingsError},
    tls::TlsError,
};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

/// The network of the laboratory: two sites, a UE that walks between them, and what else can be said.
pub const SAMPLE: &str = include_str!("../../../nef.toml");

/// Why a NEF cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum BadNef {
    /// The file.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Certificates.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An address cannot be had.
    #[error("{0} cannot be bound: {1}")]
    Address(SocketAddr, io::Error),
    /// A secret cannot be read.
    #[error("{0}: {1}")]
    Secret(PathBuf, io::Error),
    /// The network contradicts itself.
    #[error("UE {0}: {1}")]
    Network(String, Error),
}

fn three_seconds() -> u64 {
    3000
}

/// The certificates that callers must be issued by.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roots {
    /// `ees`: of EESs.
    pub ees: Option<PathBuf>,
    /// `ecs`: of ECSs.
    pub ecs: Option<PathBuf>,
    /// `operator`: of whoever uses `/sim`.
    pub operator: PathBuf,
}

/// A client of the token endpoint.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenClient {
    /// `id`: its `client_id`.
    pub id: String,
    /// `secret_file`: a file with its secret.
    pub secret_file: PathBuf,
}

/// The file as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// `nef_id`: the identifier in its certificate.
    pub nef_id: String,
    /// `identity`: its certificate and key.
    pub identity: IdentityFiles,
    /// `trust`: whose certificates count.
    pub trust: Roots,
    /// `apis`: where EESs and ECSs come in.
    pub apis: ListenAt,
    /// `control`: where the operator comes in.
    pub control: ListenAt,
    /// `allowed`: the `scsAsId`s and `afId`s that may use it; anyone when absent.
    #[serde(default)]
    pub allowed: Option<BTreeSet<String>>,
    /// `ack_timeout_ms`: how long a change of path waits for acknowledgements.
    #[serde(default = "three_seconds")]
    pub ack_timeout_ms: u64,
    /// `allow_callbacks_to_private_addresses`: for a laboratory.
    #[serde(default)]
    pub allow_callbacks_to_private_addresses: bool,
    /// `token_client`: who gets tokens; with any, every request needs one.
    #[serde(default, rename = "token_client")]
    pub token_clients: Vec<TokenClient>,
    /// `cell`: the cells.
    #[serde(default, rename = "cell")]
    pub cells: Vec<Cell>,
    /// `ue`: the UEs.
    #[serde(default, rename = "ue")]
    pub ues: Vec<Ue>,
}

impl Configuration {
    /// Reads the file, and variables `NEF__…` of the environment over it.
    ///
    /// # Errors
    /// When it cannot be read, or keys are missing, unknown or wrong.
    pub fn read(file: &Path) -> Result<Self, SettingsError> {
        let mut read: Self = settings::read(file, "NEF")?;
        let folder = settings::folder_of(file);
        read.identity.resolve(&folder);
        let roots = [&mut read.trust.ees, &mut read.trust.ecs];
        for path in roots.into_iter().flatten().chain([&mut read.trust.operator]) {
            *path = folder.join(&*path);
        }
        for client in &mut read.token_clients {
            client.secret_file = folder.join(&client.secret_file);
        }
        Ok(read)
    }

    pub(super) fn behaviour(&self, root: &str) -> Result<Behaviour, BadNef> {
        let mut clients = BTreeMap::new();
        for TokenClient { id, secret_file } in &self.token_clients {
            let secret = fs::read_to_string(secret_file).map_err(|error| BadNef::Secret(secret_file.clone(), error))?;
            clients.insert(id.clone(), Secret::new(secret.trim()));
        }
        Ok(Behaviour {
            root: root.trim_end_matches('/').to_owned(),
            allowed: self.allowed.clone(),
            ack_timeout: Duration::from_millis(self.ack_timeout_ms),
            clients,
        })
    }

    /// The network as it is in the beginning.
    ///
    /// # Errors
    /// When a UE names a cell that is not there.
    pub fn network(&self) -> Result<State, BadNef> {
        let mut network = Network::new(self.cells.iter().cloned());
        for ue in &self.ues {
            network
                .put(ue.clone())
                .map_err(|error| BadNef::Network(ue.gpsi.to_string(), error))?;
        }
        Ok(State::new(network))
    }
}
