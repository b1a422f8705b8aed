//! The ports to the other servers: the ECS over EDGE-6, other EESs over EDGE-9.

use async_trait::async_trait;
use edgeapp_openapi::{
    acr_parameter_information::AcrParamsInfo,
    common_eas_announcement::CommonEasInfo,
    eas_discovery::{EasDiscoveryReq, EasDiscoveryResp},
    eas_info_management::{CommonEasBindReq, CommonEasBinding},
    eas_registration::EndPoint,
    eec_context_relocation::{EecContext, EecContextPush, EecContextPushRes, EecContextsQuery},
    ids::{AppGroupId, EasId, EesId},
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

/// What came of the wish to bind a group to an EAS at the ECS.
#[derive(Clone, Debug, PartialEq)]
pub enum Bound {
    /// The EAS is in force.
    Stored,
    /// Another one is.
    Taken(Box<CommonEasBinding>),
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

    /// Tells another EES which EAS serves a group (Eees_CommonEASAnnouncement, TS 29.558 clause 5.14).
    ///
    /// # Errors
    /// [`PeerError::Refused`] when it knows another one.
    async fn announce_common_eas(&self, ees: &PeerEes, common: &CommonEasInfo) -> Result<(), PeerError>;

    /// Binds a group to an EAS at the ECS, unless another EES was faster (Eecs_EASInfoManagement, TS 29.558 clause 6.4).
    ///
    /// # Errors
    /// See [`PeerError`]; a group that is bound already is none.
    async fn bind_common_eas(&self, request: &CommonEasBindReq) -> Result<Bound, PeerError>;

    /// Asks the ECS which EAS a group is bound to; `ees_id` is who asks.
    ///
    /// # Errors
    /// See [`PeerError`]; a group that is not bound is none.
    async fn common_eas(
        &self,
        ees_id: &EesId,
        group: &AppGroupId,
        eas_id: &EasId,
    ) -> Result<Option<CommonEasBinding>, PeerError>;
    /// Tells another EES parameters of a relocation (Eees_ACRParameterInformation, TS 29.558 clause 5.13).
    ///
    /// # Errors
    /// [`PeerError::NotFound`] when it does not know the EEC or the EASs.
    async fn tell_acr_params(&self, ees: &PeerEes, info: &AcrParamsInfo) -> Result<(), PeerError>;
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
    async fn announce_common_eas(&self, _: &PeerEes, _: &CommonEasInfo) -> Result<(), PeerError> {
        nobody()
    }
    async fn bind_common_eas(&self, _: &CommonEasBindReq) -> Result<Bound, PeerError> {
        nobody()
    }
    async fn common_eas(&self, _: &EesId, _: &AppGroupId, _: &EasId) -> Result<Option<CommonEasBinding>, PeerError> {
        nobody()
    }
    async fn tell_acr_params(&self, _: &PeerEes, _: &AcrParamsInfo) -> Result<(), PeerError> {
        nobody()
    }
}
