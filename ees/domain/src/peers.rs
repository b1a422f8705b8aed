//! The ports to the other servers: the ECS over EDGE-6, other EESs over EDGE-9.

use async_trait::async_trait;
use edgeapp_openapi::{
    eas_discovery::{EasDiscoveryReq, EasDiscoveryResp},
    eas_registration::EndPoint,
    eec_context_relocation::{EecContext, EecContextPush, EecContextPushRes, EecContextsQuery},
    ids::EesId,
    service_provisioning::EcsServProvResp,
    target_ees_discovery::EesProfilesQuery,
};

/// Where another EES is: its id, and its endpoint as somebody told us.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PeerEes {
    /// The EESID.
    pub id: EesId,
    /// The endpoint that was told, if any; what the operator configured for this id comes first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<EndPoint>,
}

/// Why another server did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// It has no such thing: its answer was 404, or there is nobody to ask.
    #[error("not found: {0}")]
    NotFound(String),
    /// It refused; asking again gives the same answer.
    #[error("refused: {0}")]
    Refused(String),
    /// It could not be reached or failed; asking again may help.
    #[error("unreachable: {0}")]
    Unreachable(String),
}

/// The other servers.
#[async_trait]
pub trait Peers: Send + Sync + 'static {
    /// Asks the ECS which EESs serve an EAS (Eecs_TargetEESDiscovery, TS 29.558 clause 9.2).
    ///
    /// # Errors
    /// [`PeerError::NotFound`] when there is none.
    async fn target_ees(&self, query: &EesProfilesQuery) -> Result<EcsServProvResp, PeerError>;

    /// Asks another EES for EASs (Eees_EASDiscovery, TS 24.558 clause 6.3).
    ///
    /// # Errors
    /// [`PeerError::NotFound`] when it has none.
    async fn discover(&self, ees: &PeerEes, request: &EasDiscoveryReq) -> Result<EasDiscoveryResp, PeerError>;

    /// Hands an EEC context to another EES (Eees_EECContextRelocation push, TS 29.558 clause 5.10.2.3).
    ///
    /// # Errors
    /// See [`PeerError`].
    async fn push_context(&self, ees: &PeerEes, push: &EecContextPush) -> Result<EecContextPushRes, PeerError>;

    /// Fetches an EEC context from another EES (pull, TS 29.558 clause 5.10.2.2).
    ///
    /// # Errors
    /// [`PeerError::NotFound`] when it has no such context.
    async fn pull_context(&self, ees: &PeerEes, query: &EecContextsQuery) -> Result<EecContext, PeerError>;
}

/// An EES on its own: there is nobody to ask.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPeers;

fn nobody<T>() -> Result<T, PeerError> {
    Err(PeerError::NotFound("no ECS and no other EES is configured".to_owned()))
}

#[async_trait]
impl Peers for NoPeers {
    async fn target_ees(&self, _: &EesProfilesQuery) -> Result<EcsServProvResp, PeerError> {
        nobody()
    }
    async fn discover(&self, _: &PeerEes, _: &EasDiscoveryReq) -> Result<EasDiscoveryResp, PeerError> {
        nobody()
    }
    async fn push_context(&self, _: &PeerEes, _: &EecContextPush) -> Result<EecContextPushRes, PeerError> {
        nobody()
    }
    async fn pull_context(&self, _: &PeerEes, _: &EecContextsQuery) -> Result<EecContext, PeerError> {
        nobody()
    }
}
