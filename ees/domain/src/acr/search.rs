//! The search for a target, and the relocation that an S-EES executes once it has one (TS 23.558 clause 8.8.2.5).

use super::{
    follow_up::AcrFollowUp,
    record::{Acr, AcrEvent, ContextMove, Side, Transfer, Wanted},
    relocation::index_of,
};
use crate::{
    event::Event,
    peers::{PeerEes, PeerError},
};
use edgeapp_core::{
    error::Error,
    kept::Kept,
    outbox::Outcome,
    principal::Owner,
    room::{Decision, contended, fresh_id},
};
use edgeapp_openapi::{
    eas_discovery::{DiscoveredEas, EasCharacteristics, EasDiscoveryFilter, EasDiscoveryReq, RequestorId},
    ees_registration::AcrScenario,
    ids::EesId,
    service_provisioning::EdnConfigInfo,
    target_ees_discovery::EesProfilesQuery,
};

/// How often the ECS and other EESs are asked for a target.
const SEARCH_ATTEMPTS: u32 = 3;

impl AcrFollowUp {
    pub(super) async fn seek_target(&self, wanted: &Wanted, attempt: u32) -> Result<Outcome, Error> {
        let found = match self.search(wanted).await {
            Ok(found) => found,
            Err(PeerError::Unreachable(reason)) if attempt + 1 < SEARCH_ATTEMPTS => {
                return Ok(Outcome::Again { reason, after: None });
            }
            // Nobody was promised anything yet: the next trigger looks again.
            Err(error) => return Ok(Outcome::Hopeless(format!("no target for the relocation: {error}"))),
        };
        self.begin(wanted, found).await
    }

    async fn search(&self, wanted: &Wanted) -> Result<(DiscoveredEas, EdnConfigInfo), PeerError> {
        let mut query = EesProfilesQuery::new(self.service.own_id.clone(), wanted.eas_id.clone());
        query.ue_location.clone_from(&wanted.area);
        let answer = self.peers.target_ees(&query).await?;
        let mut last = PeerError::NotFound("no EES has this EAS".to_owned());
        for edn in &answer.edn_cnfg_info {
            for ees in edn.eess.iter().filter(|ees| ees.ees_id != self.service.own_id) {
                let peer = PeerEes {
                    id: ees.ees_id.clone(),
                    endpoint: ees.end_pt.clone(),
                };
                match self
                    .peers
                    .discover(&peer, &discovery(&self.service.own_id, wanted))
                    .await
                {
                    Ok(found) => {
                        let other =
                            |eas: &DiscoveredEas| eas.eas.eas_id == wanted.eas_id && eas.eas.end_pt != wanted.s_eas;
                        if let Some(target) = found.discovered_eas.into_iter().find(other) {
                            let ees = EdnConfigInfo {
                                eess: vec![ees.clone()],
                                ..edn.clone()
                            };
                            return Ok((target, ees));
                        }
                    }
                    Err(error) => last = error,
                }
            }
        }
        Err(last)
    }

    /// The S-EES executes: the record, the news for the EEC and the order for the S-EAS come from one commit.
    async fn begin(&self, wanted: &Wanted, (target, ees): (DiscoveredEas, EdnConfigInfo)) -> Result<Outcome, Error> {
        let room = &self.service.room;
        let index = match &wanted.eec_id {
            Some(eec_id) => index_of(room, eec_id).await?,
            None => None,
        };
        let peer = ees.eess.first().map(|ees| PeerEes {
            id: ees.ees_id.clone(),
            endpoint: ees.end_pt.clone(),
        });
        let context = match (index, peer) {
            (Some(index), Some(peer)) => ContextMove::ToPush(index.context, peer),
            _ => ContextMove::NotAsked,
        };
        let acr = Acr {
            id: fresh_id(),
            side: Side::Source,
            scenario: AcrScenario::SourceEesExecuted,
            eec_id: wanted.eec_id.clone(),
            ue_id: wanted.ue_id.clone(),
            eas_id: wanted.eas_id.clone(),
            ac_id: wanted.ac_id.clone(),
            s_eas: Some(wanted.s_eas.clone()),
            t_eas: target.eas.end_pt.clone(),
            context,
            transfer: Transfer::Awaited,
            complete: false,
        };
        let owner = wanted
            .eec_id
            .as_ref()
            .map_or_else(|| Owner::ees(&self.service.own_id), Owner::eec);
        let key = acr.key();
        for mut seen in room.attempts() {
            if seen.kept::<Acr>(&key).await?.is_some_and(|known| !known.value.complete) {
                return Ok(Outcome::Done);
            }
            let end = Some(self.service.later(seen.now(), self.service.policy.transfer_seconds));
            let selected = AcrEvent::TargetSelected {
                acr: Box::new(acr.clone()),
                target: Box::new(target.clone()),
                ees: Some(Box::new(ees.clone())),
            };
            let decision = Decision::of(())
                .put(
                    &key,
                    &Kept {
                        owner: owner.clone(),
                        expires_at: end,
                        value: acr.clone(),
                    },
                )?
                .tell(&Event::Acr(selected))?
                .tell(&Event::Acr(AcrEvent::Started(Box::new(acr.clone()))))?;
            if room.commit(seen, decision).await?.is_some() {
                return Ok(Outcome::Done);
            }
        }
        Err(contended())
    }
}

/// Pure: the discovery request for the same application elsewhere (TS 23.558 clause 8.8.3.2).
fn discovery(own_id: &EesId, wanted: &Wanted) -> EasDiscoveryReq {
    let chars = EasCharacteristics {
        eas_id: Some(wanted.eas_id.clone()),
        svc_area: wanted.area.clone(),
        ..Default::default()
    };
    EasDiscoveryReq {
        ue_id: Some(wanted.ue_id.clone()),
        eas_discovery_filter: Some(EasDiscoveryFilter {
            eas_chars: vec![chars],
            ..Default::default()
        }),
        loc_inf: wanted.position.clone(),
        ..EasDiscoveryReq::new(RequestorId::Ees(own_id.clone()))
    }
}
