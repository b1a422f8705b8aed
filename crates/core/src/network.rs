//! The `CoreNetwork` port: what the enabler layer asks of the 3GPP core behind EDGE-2, EDGE-7 and EDGE-8 (TS 23.558 clauses 8.10
//! and 8.6), whatever interface leads there.
//!
//! Some questions are answered at once ([`CoreNetwork::locate`], [`CoreNetwork::identify`], [`CoreNetwork::predict`]). What lasts, a
//! watch on a location, an influence on a path, a session with a quality, is [`Asked`] for and runs at the core until it is ended.
//! The core reports on it to an address that ends in our [`Token`]; a report is matched by the token it arrived with, never by what
//! its body claims.

use crate::error::{Cause, Error, Kind};
use async_trait::async_trait;
use edgeapp_openapi::{
    acr_management_event::{TrafficFilterInfo, UpPathChangeInfo},
    common::{DateTime, DnaiChangeType, ExternalGroupId, IpAddr, RouteToLocation, Uri},
    ids::{EasId, ExternalId, Gpsi},
    location::LocationInfo,
    session_with_qos::{SessionWithQos, UserPlaneEventReport},
    ue_location::{Accuracy, ConsentRevoked, LocationQos, UeMobilityExposure},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Whom something at the core is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// One UE by its GPSI.
    Ue(Gpsi),
    /// The UEs of an external group.
    Group(ExternalGroupId),
    /// One UE by its address.
    Address(IpAddr),
    /// Every UE.
    Any,
}

/// A question for where a UE is now.
#[derive(Clone, Debug, PartialEq)]
pub struct LocationAsk {
    /// The UE.
    pub ue: Gpsi,
    /// How fine the answer has to be; as fine as the core likes when absent.
    pub accuracy: Option<Accuracy>,
    /// The quality asked for.
    pub qos: Option<LocationQos>,
}

/// A question for who has an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressAsk {
    /// The address.
    pub address: IpAddr,
    /// The port behind which an address translator hides the UE.
    pub port: Option<u16>,
    /// The port of the application at the UE.
    pub application_port: Option<u16>,
}

/// A message that wakes the EEC on a UE (TS 23.558 clause 8.16).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wake {
    /// The UE.
    pub ue: Gpsi,
    /// The port at which the EEC listens.
    pub port: u16,
    /// What it is told.
    pub payload: Vec<u8>,
    /// For how many seconds the core tries.
    pub seconds: u32,
}

/// Something that lasts at the core.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// Reports of a UE's or group's location.
    Location(LocationWatch),
    /// Reports of changes of user plane paths, or traffic steered to a place.
    Path(Box<PathInfluence>),
    /// A data session with a quality.
    Qos(Box<SessionWithQos>),
}

impl Asked {
    /// The service of the core that does it.
    pub fn service(&self) -> Service {
        match self {
            Asked::Location(_) => Service::Location,
            Asked::Path(_) => Service::Path,
            Asked::Qos(_) => Service::Qos,
        }
    }
}

/// The services of the core with something that lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// Event monitoring, of locations (TS 29.122 clause 5.3).
    Location,
    /// Traffic influence (TS 29.522 clause 5.4).
    Path,
    /// Sessions with a required quality (TS 29.122 clause 5.14).
    Qos,
}

impl Service {
    /// All of them.
    pub const ALL: [Service; 3] = [Service::Location, Service::Path, Service::Qos];
}

/// Reports of locations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LocationWatch {
    /// Whose: a UE or a group.
    pub target: Target,
    /// How fine reports have to be; as fine as the core likes when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<Accuracy>,
    /// The quality asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qos: Option<LocationQos>,
    /// The watch ends then unless it is altered before: the core needs an end.
    pub until: DateTime,
}

/// Reports of path changes, or an influence on paths, or both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PathInfluence {
    /// Whose traffic.
    pub target: Target,
    /// The application whose traffic it is.
    pub eas_id: EasId,
    /// The traffic, where it is described by filters instead of by the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic: Option<TrafficFilterInfo>,
    /// Which changes are reported; none are when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<DnaiChangeType>,
    /// The core waits for our [`CoreNetwork::acknowledge`] before it changes a path.
    #[serde(default)]
    pub acknowledged: bool,
    /// Where the traffic has to go; empty to watch only.
    #[serde(default)]
    pub routes: Vec<RouteToLocation>,
    /// Seconds for which the old path is kept beside the new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub both_paths_seconds: Option<u32>,
}

/// What the address ends in to which the core reports: random, so that nobody else can report in its place.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(String);

impl Token {
    /// A token of this text, which must be unguessable and fit in a path segment.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the address.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

/// Something that runs at the core.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Link {
    /// Which service runs it.
    pub service: Service,
    /// Its absolute URI there.
    pub uri: Uri,
}

/// What the core said when it began.
#[derive(Clone, Debug, PartialEq)]
pub struct Begun {
    /// Where it runs.
    pub link: Link,
    /// What it reported in the same answer.
    pub reports: Vec<CoreReport>,
}

/// Something of ours that the core says is running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Where it runs.
    pub link: Link,
    /// The token to which it reports, when that address is ours.
    pub token: Option<Token>,
}

/// What the core reports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoreReport {
    /// Where a UE is.
    Location(Box<LocationReport>),
    /// A user plane path changes or has changed.
    Path(Box<PathReport>),
    /// What happened in a session with a quality.
    Qos(Vec<UserPlaneEventReport>),
    /// The core ended it; nothing else comes.
    Ended,
    /// Users took back their consent.
    Revoked(Vec<ConsentRevoked>),
}

/// Where a UE is, as the core said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LocationReport {
    /// The UE; absent when the core did not say because only one can be meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ue: Option<Gpsi>,
    /// Where it is; absent when the core could not find out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationInfo>,
    /// Why the core could not find out, in its words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// When it was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<DateTime>,
}

/// A change of a user plane path, as the core said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PathReport {
    /// The change.
    pub change: UpPathChangeInfo,
    /// How to acknowledge it, when the core waits for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledge: Option<AckTo>,
}

/// Where and for what an acknowledgement is awaited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AckTo {
    /// The address.
    pub uri: Uri,
    /// The transaction that the core named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
    /// The UE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ue: Option<Gpsi>,
}

/// What the application says to a change of path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The path may change.
    Accepted,
    /// It must not.
    Rejected,
    /// We are too busy to ask.
    Congested,
}

/// Why the core did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// There is no core network behind this server.
    #[error("no core network is configured")]
    NotConfigured,
    /// The core does not know the UE.
    #[error("the core network does not know the UE")]
    UnknownUe,
    /// It no longer runs, or never did.
    #[error("the core network knows of no such subscription")]
    Gone,
    /// The core already does this for the same UE and wants no second one.
    #[error("the core network already has one: {0}")]
    Duplicate(String),
    /// The core refuses; asking again gives the same answer.
    #[error("the core network refuses: {cause}")]
    Refused {
        /// Its cause or title, without its detail.
        cause: String,
    },
    /// It could not be reached, failed or answered nonsense; asking again may help.
    #[error("the core network does not serve now: {reason}")]
    Unavailable {
        /// What happened.
        reason: String,
        /// How long it asked to wait.
        after: Option<Duration>,
    },
}

impl From<NetworkError> for Error {
    fn from(error: NetworkError) -> Self {
        match &error {
            NetworkError::NotConfigured => Self::new(
                Kind::Unavailable,
                Cause::CoreNetworkNotConfigured,
                "this needs the 3GPP core network, and none is configured behind this server",
            ),
            NetworkError::UnknownUe => Self::new(
                Kind::NotFound,
                Cause::UeNotFound,
                "the core network does not know the UE",
            ),
            NetworkError::Refused { cause } => {
                Self::forbidden(Cause::CoreNetworkRefused, format!("the core network refuses: {cause}"))
            }
            NetworkError::Unavailable { reason, .. } => {
                tracing::warn!(reason, "the core network does not serve");
                Self::new(
                    Kind::Unavailable,
                    Cause::CoreNetworkUnavailable,
                    "the core network does not serve now; try again later",
                )
            }
            NetworkError::Gone | NetworkError::Duplicate(_) => Self::internal(&error),
        }
    }
}

/// The port. One call is one attempt (with the adapter's own quick retry where that is safe); upkeep is the rooms' business.
#[async_trait]
pub trait CoreNetwork: Send + Sync + 'static {
    /// Whether there is a core network at all.
    fn is_configured(&self) -> bool;

    /// Where a UE is now, or was last.
    ///
    /// # Errors
    /// See [`NetworkError`]; a location that the core could not find is a report with a failure.
    async fn locate(&self, ask: &LocationAsk) -> Result<LocationReport, NetworkError>;

    /// The identifier by which this application function may know the UE at an address.
    ///
    /// # Errors
    /// [`NetworkError::UnknownUe`] when nobody has the address.
    async fn identify(&self, ask: &AddressAsk) -> Result<ExternalId, NetworkError>;

    /// Where a UE will probably be; empty when nothing is known.
    ///
    /// # Errors
    /// See [`NetworkError`].
    async fn predict(&self, ue: &Gpsi) -> Result<Vec<UeMobilityExposure>, NetworkError>;

    /// Wakes the EEC on a UE.
    ///
    /// # Errors
    /// See [`NetworkError`].
    async fn wake(&self, wake: &Wake) -> Result<(), NetworkError>;

    /// Begins something that lasts; reports arrive with `token`.
    ///
    /// # Errors
    /// [`NetworkError::Duplicate`] when the core wants no second one for this UE. When the answer was lost, it may run all the same:
    /// [`CoreNetwork::running`] tells.
    async fn begin(&self, asked: &Asked, token: &Token) -> Result<Begun, NetworkError>;

    /// Makes it what is asked now.
    ///
    /// # Errors
    /// [`NetworkError::Gone`] when it no longer runs.
    async fn alter(&self, link: &Link, asked: &Asked, token: &Token) -> Result<(), NetworkError>;

    /// Ends it. What no longer runs is ended. Answers with the last reports.
    ///
    /// # Errors
    /// See [`NetworkError`].
    async fn end(&self, link: &Link) -> Result<Vec<CoreReport>, NetworkError>;

    /// Everything of ours that runs.
    ///
    /// # Errors
    /// See [`NetworkError`].
    async fn running(&self, service: Service) -> Result<Vec<Running>, NetworkError>;

    /// Says whether a path may change.
    ///
    /// # Errors
    /// See [`NetworkError`].
    async fn acknowledge(&self, to: &AckTo, verdict: Verdict) -> Result<(), NetworkError>;

    /// What the body of a report says that arrived for this link. `link` is absent while the answer that names it is still awaited.
    ///
    /// # Errors
    /// When it cannot be a report of that service, or names another subscription: with JSON pointers.
    fn understand(&self, service: Service, link: Option<&Link>, body: &[u8]) -> Result<Vec<CoreReport>, Error>;
}

/// No core network: every question is refused at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCoreNetwork;

#[async_trait]
impl CoreNetwork for NoCoreNetwork {
    fn is_configured(&self) -> bool {
        false
    }
    async fn locate(&self, _: &LocationAsk) -> Result<LocationReport, NetworkError> {
        Err(NetworkError::NotConfigured)
    }
    async fn identify(&self, _: &AddressAsk) -> Result<ExternalId, NetworkError> {
        Err(NetworkError::NotConfigured)
    }
    async fn predict(&self, _: &Gpsi) -> Result<Vec<UeMobilityExposure>, NetworkError> {
        Err(NetworkError::NotConfigured)
    }
    async fn wake(&self, _: &Wake) -> Result<(), NetworkError> {
        Err(NetworkError::NotConfigured)
    }
    async fn begin(&self, _: &Asked, _: &Token) -> Result<Begun, NetworkError> {
        Err(NetworkError::NotConfigured)
    }
    async fn alter(&self, _: &Link, _: &Asked, _: &Token) -> Result<(), NetworkError> {
        Err(NetworkError::NotConfigured)
    }
    async fn end(&self, _: &Link) -> Result<Vec<CoreReport>, NetworkError> {
        Err(NetworkError::NotConfigured)
    }
    async fn running(&self, _: Service) -> Result<Vec<Running>, NetworkError> {
        Err(NetworkError::NotConfigured)
    }
    async fn acknowledge(&self, _: &AckTo, _: Verdict) -> Result<(), NetworkError> {
        Err(NetworkError::NotConfigured)
    }
    fn understand(&self, _: Service, _: Option<&Link>, _: &[u8]) -> Result<Vec<CoreReport>, Error> {
        Err(NetworkError::NotConfigured.into())
    }
}
