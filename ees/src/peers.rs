//! The calling ends of EDGE-6 (target EES discovery) and EDGE-9, over our mutual TLS client.

use async_trait::async_trait;
use axum::http::{Method, StatusCode};
use edgeapp_ees_domain::peers::{Bound, PeerEes, PeerError, Peers};
use edgeapp_http::client::{Answer, CallError, HttpClient};
use edgeapp_openapi::{
    acr_parameter_information::AcrParamsInfo,
    common_eas_announcement::CommonEasInfo,
    eas_discovery::{EasDiscoveryReq, EasDiscoveryResp},
    eas_info_management::{CommonEasBindReq, CommonEasBindResp, CommonEasBinding},
    eas_registration::EndPoint,
    eec_context_relocation::{EecContext, EecContextPush, EecContextPushRes, EecContextsQuery},
    ids::{AppGroupId, EasId, EesId},
    service_provisioning::EcsServProvResp,
    target_ees_discovery::EesProfilesQuery,
};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;

/// The other servers, reached over HTTP.
pub struct HttpPeers {
    ecs: Option<(HttpClient, String)>,
    eess: HttpClient,
    told: HttpClient,
    neighbours: BTreeMap<EesId, String>,
}

/// The names under which EESs serve common EAS announcement, that of Release 18 first: later levels of the standard have another.
const COMMON_EAS_ANNOUNCEMENT: [&str; 2] = ["eees-cea", "eees-ceas"];

/// No body.
const NOTHING: Option<&()> = None;

impl HttpPeers {
    /// The ECS at its `apiRoot`, and other EESs where `neighbours` or their endpoints say.
    pub fn new(ecs: Option<(HttpClient, String)>, eess: HttpClient, neighbours: BTreeMap<EesId, String>) -> Self {
        let told = eess.clone();
        Self {
            ecs,
            eess,
            told,
            neighbours,
        }
    }

    /// The same; announcements to EESs that are not configured leave by this client: clients may have named where those are.
    pub fn announcing_by(self, told: HttpClient) -> Self {
        Self { told, ..self }
    }

    /// `apiRoot` of another EES: as configured, else as told.
    fn root_of(&self, ees: &PeerEes) -> Result<String, PeerError> {
        let told = || ees.endpoint.as_ref().map(EndPoint::api_root);
        let root = self.neighbours.get(&ees.id).cloned().or_else(told);
        let root = root.ok_or_else(|| PeerError::NotFound(format!("nobody told where {} is", ees.id)))?;
        Ok(root.trim_end_matches('/').to_owned())
    }

    /// The bindings at the ECS.
    fn bindings(&self) -> Result<(&HttpClient, String), PeerError> {
        match &self.ecs {
            Some((client, root)) => Ok((client, format!("{root}/eecs-eim/v1/bindings"))),
            None => Err(PeerError::NotFound("no ECS is configured".to_owned())),
        }
    }

    async fn ask<B: Serialize, T: DeserializeOwned>(
        client: &HttpClient,
        method: Method,
        url: &str,
        body: Option<&B>,
    ) -> Result<Option<T>, PeerError> {
        let answer: Answer = client.call(method, url, body).await.map_err(peer_error)?;
        if answer.status == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        answer.json().map(Some).map_err(peer_error)
    }
}

fn peer_error(error: CallError) -> PeerError {
    let text = error.to_string();
    match error.status() {
        Some(StatusCode::NOT_FOUND) => PeerError::NotFound(text),
        Some(StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT) => PeerError::Unreachable(text),
        Some(status) if status.is_client_error() => PeerError::Refused(text),
        Some(_) => PeerError::Unreachable(text),
        None if matches!(error, CallError::Unexpected(_)) => PeerError::Refused(text),
        None => PeerError::Unreachable(text),
    }
}

/// The binding in force that a refusal to bind carries (TS 29.558 clause 9.3.6.4.1); other refusals carry none.
fn in_force(error: &CallError) -> Option<Box<CommonEasBinding>> {
    match error {
        CallError::Refused { status, body, .. } if *status == StatusCode::FORBIDDEN => {
            serde_json::from_slice(body).ok()
        }
        _ => None,
    }
}

fn empty<T>(answer: Option<T>) -> Result<T, PeerError> {
    answer.ok_or_else(|| PeerError::NotFound("the answer is empty".to_owned()))
}

fn with_query(url: String, pairs: Vec<(&'static str, String)>) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    format!("{url}?{query}")
}

#[async_trait]
impl Peers for HttpPeers {
    async fn target_ees(&self, query: &EesProfilesQuery) -> Result<EcsServProvResp, PeerError> {
        let Some((client, root)) = &self.ecs else {
            return Err(PeerError::NotFound("no ECS is configured".to_owned()));
        };
        let url = with_query(
            format!("{root}/eecs-targeteesdiscovery/v1/ees-profiles"),
            query.to_pairs(),
        );
        empty(Self::ask(client, Method::GET, &url, NOTHING).await?)
    }

    async fn discover(&self, ees: &PeerEes, request: &EasDiscoveryReq) -> Result<EasDiscoveryResp, PeerError> {
        let url = format!(
            "{}/eees-easdiscovery/v1/eas-profiles/request-discovery",
            self.root_of(ees)?
        );
        empty(Self::ask(&self.eess, Method::POST, &url, Some(request)).await?)
    }

    async fn push_context(&self, ees: &PeerEes, push: &EecContextPush) -> Result<EecContextPushRes, PeerError> {
        let url = format!("{}/eees-eeccontextreloc/v1/eec-contexts", self.root_of(ees)?);
        Ok(Self::ask(&self.eess, Method::POST, &url, Some(push))
            .await?
            .unwrap_or_default())
    }

    async fn pull_context(&self, ees: &PeerEes, query: &EecContextsQuery) -> Result<EecContext, PeerError> {
        let url = with_query(
            format!("{}/eees-eeccontextreloc/v1/eec-contexts", self.root_of(ees)?),
            query.to_pairs(),
        );
        empty(Self::ask(&self.eess, Method::GET, &url, NOTHING).await?)
    }

    async fn announce_common_eas(&self, ees: &PeerEes, common: &CommonEasInfo) -> Result<(), PeerError> {
        let root = self.root_of(ees)?;
        let client = match self.neighbours.contains_key(&ees.id) {
            true => &self.eess,
            false => &self.told,
        };
        let mut unknown = None;
        for name in COMMON_EAS_ANNOUNCEMENT {
            let url = format!("{root}/{name}/v1/declare");
            match client.call(Method::POST, &url, Some(common)).await {
                Ok(_) => return Ok(()),
                Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => unknown = Some(error),
                Err(error) => return Err(peer_error(error)),
            }
        }
        unknown.map_or(Ok(()), |error| Err(peer_error(error)))
    }

    async fn bind_common_eas(&self, request: &CommonEasBindReq) -> Result<Bound, PeerError> {
        let (client, url) = self.bindings()?;
        match client.call(Method::POST, &url, Some(request)).await {
            Ok(_) => Ok(Bound::Stored),
            Err(error) => in_force(&error).map_or_else(|| Err(peer_error(error)), |binding| Ok(Bound::Taken(binding))),
        }
    }

    async fn common_eas(
        &self,
        ees_id: &EesId,
        group: &AppGroupId,
        eas_id: &EasId,
    ) -> Result<Option<CommonEasBinding>, PeerError> {
        let (client, url) = self.bindings()?;
        let pairs = vec![
            ("requestor-id", ees_id.to_string()),
            ("app-group-id", group.to_string()),
            ("eas-id", eas_id.to_string()),
        ];
        let answer: Option<CommonEasBindResp> =
            Self::ask(client, Method::GET, &with_query(url, pairs), NOTHING).await?;
        Ok(answer.map(|answer| answer.binding))
    }

    async fn tell_acr_params(&self, ees: &PeerEes, info: &AcrParamsInfo) -> Result<(), PeerError> {
        let url = format!("{}/eees-acr-param/v1/send-acrparamsinfo", self.root_of(ees)?);
        // What an answer says beyond that it was taken does not matter.
        let answer = self.eess.call(Method::POST, &url, Some(info)).await;
        answer.map(|_| ()).map_err(peer_error)
    }
}
