//! What rooms ask of each other, answered by the index of EASs, the registrations of EECs and the other servers.

use crate::{
    acr::EasDirectory,
    discovery::{EecKnown, TargetSearch},
    eas_information::EassHere,
    eec::{self, AcProfileService, Service},
    peers::{PeerEes, PeerError, Peers},
    selection::{self, EasIndex, Selection, meets},
};
use async_trait::async_trait;
use edgeapp_core::{clock::Clock, error::Error, principal::Owner, room::Room};
use edgeapp_openapi::{
    eas_discovery::{DiscoveredEas, EasDiscoveryReq, RequestorId},
    eas_registration::{EasProfile, EndPoint},
    eec_registration::{AcProfile, UnfulfillAcProfRsn},
    ids::{EasId, EecId, EesId},
    service_provisioning::EdnConfigInfo,
    target_ees_discovery::EesProfilesQuery,
};
use std::sync::Arc;

/// The index of EASs as other rooms ask it.
pub struct EasLookup {
    index: Arc<EasIndex>,
    clock: Arc<dyn Clock>,
}

impl EasLookup {
    /// Answers from this index.
    pub fn new(index: Arc<EasIndex>, clock: Arc<dyn Clock>) -> Self {
        Self { index, clock }
    }
}

impl EasDirectory for EasLookup {
    fn at(&self, endpoint: &EndPoint, eas_id: Option<&EasId>) -> Option<Arc<EasProfile>> {
        let (known, now) = (self.index.snapshot(), self.clock.now());
        let is_it = |entry: &&selection::Entry| entry.is_live(now) && entry.profile().end_pt == *endpoint;
        let found = match eas_id {
            Some(id) => known.instances(id).find(is_it).map(|entry| entry.profile().clone()),
            None => known.all().find(is_it).map(|entry| entry.profile().clone()),
        };
        found.map(Arc::new)
    }

    fn instance_at(&self, endpoint: &EndPoint, eas_id: &EasId) -> Option<Owner> {
        let (known, now) = (self.index.snapshot(), self.clock.now());
        let mut live = known.instances(eas_id).filter(|entry| entry.is_live(now));
        live.find(|entry| entry.profile().end_pt == *endpoint)
            .map(|entry| entry.owner.clone())
    }

    fn best(&self, wanted: &Selection) -> Option<DiscoveredEas> {
        let (known, now) = (self.index.snapshot(), self.clock.now());
        let found = selection::select(wanted, &known, now);
        found.first().map(|best| DiscoveredEas::clone(&best.discovered))
    }

    fn registered_by(&self, owner: &Owner, eas_id: &EasId) -> Vec<Arc<EasProfile>> {
        let (known, now) = (self.index.snapshot(), self.clock.now());
        known
            .instances(eas_id)
            .filter(|entry| entry.is_live(now) && entry.owner == *owner)
            .map(|entry| Arc::new(entry.profile().clone()))
            .collect()
    }
}

impl AcProfileService for EasLookup {
    fn service(&self, profile: &AcProfile) -> Service {
        if profile.eass.is_empty() {
            return Service::NothingAsked;
        }
        let (known, now) = (self.index.snapshot(), self.clock.now());
        if let Some(best) = selection::select(&Selection::of_ac(profile.clone()), &known, now).first() {
            return Service::By(best.discovered.clone());
        }
        // An EAS of that name is here and only its KPIs fall short, or there is none that could serve at all.
        let falls_short = profile.eass.iter().any(|wanted| {
            let least = wanted.minimum_req_svc_kpis.as_ref();
            let short = |eas: &EasProfile| least.is_some_and(|least| !meets(least, eas.svc_kpi.as_ref()));
            known
                .instances(&wanted.eas_id)
                .any(|entry| entry.is_live(now) && short(entry.profile()))
        });
        Service::No(if falls_short {
            UnfulfillAcProfRsn::ReqUnfulfilled
        } else {
            UnfulfillAcProfRsn::EasNotAvailable
        })
    }
}

impl EassHere for EasLookup {
    fn fitting(&self, wanted: &Selection) -> Vec<Arc<DiscoveredEas>> {
        let (known, now) = (self.index.snapshot(), self.clock.now());
        let found = selection::select(wanted, &known, now);
        found.into_iter().map(|entry| entry.discovered.clone()).collect()
    }
}

/// The registrations of EECs as other rooms ask them.
pub struct EecLookup(pub Room);

#[async_trait]
impl EecKnown for EecLookup {
    async fn is_registered(&self, eec_id: &EecId) -> Result<bool, Error> {
        Ok(eec::registered(&self.0, eec_id).await?.is_some())
    }
}

/// Looks for EASs at the EESs that the ECS names (TS 23.558 clause 8.8.3.2).
pub struct SearchBeyond {
    own_id: EesId,
    peers: Arc<dyn Peers>,
}

impl SearchBeyond {
    /// A search by the EES of this id.
    pub fn new(own_id: EesId, peers: Arc<dyn Peers>) -> Self {
        Self { own_id, peers }
    }

    /// The EASs that the EESs offer which the ECS names for this application, each with its edge data network and that EES.
    ///
    /// # Errors
    /// When the ECS cannot be asked. EESs that cannot be asked offer nothing.
    pub async fn candidates(
        &self,
        eas_id: &EasId,
        request: &EasDiscoveryReq,
    ) -> Result<Vec<(EdnConfigInfo, DiscoveredEas)>, PeerError> {
        let mut query = EesProfilesQuery::new(self.own_id.clone(), eas_id.clone());
        query.target_dnai.clone_from(&request.eas_t_dnai);
        let edns = match self.peers.target_ees(&query).await {
            Ok(answer) => answer.edn_cnfg_info,
            Err(PeerError::NotFound(_)) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let forwarded = EasDiscoveryReq {
            requestor_id: RequestorId::Ees(self.own_id.clone()),
            supp_feat: None,
            ..request.clone()
        };
        let mut found = Vec::new();
        for edn in edns {
            for ees in edn.eess.iter().filter(|ees| ees.ees_id != self.own_id) {
                let peer = PeerEes {
                    id: ees.ees_id.clone(),
                    endpoint: ees.end_pt.clone(),
                };
                let there = EdnConfigInfo {
                    eess: vec![ees.clone()],
                    ..edn.clone()
                };
                match self.peers.discover(&peer, &forwarded).await {
                    Ok(answer) => found.extend(answer.discovered_eas.into_iter().map(|eas| (there.clone(), eas))),
                    Err(PeerError::NotFound(_)) => {}
                    Err(error) => tracing::warn!(ees = %peer.id, %error, "an EES could not be asked for EASs"),
                }
            }
        }
        Ok(found)
    }
}

#[async_trait]
impl TargetSearch for SearchBeyond {
    async fn find(&self, request: &EasDiscoveryReq) -> Result<Vec<DiscoveredEas>, Error> {
        let RequestorId::Eas(eas_id) = &request.requestor_id else {
            return Ok(Vec::new());
        };
        match self.candidates(eas_id, request).await {
            Ok(found) => Ok(found.into_iter().map(|(_, eas)| eas).collect()),
            Err(error) => {
                tracing::warn!(%error, "the ECS could not be asked for target EESs");
                Err(Error::unavailable("the ECS could not be asked for other EESs"))
            }
        }
    }
}
