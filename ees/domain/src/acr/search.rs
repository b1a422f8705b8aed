//! The search for a target, and the relocation that an S-EES executes once it has one (TS 23.558 clause 8.8.2.5).

use super::{
    follow_up::AcrFollowUp,
    record::{Acr, AcrEvent, ContextMove, Side, Transfer, Wanted},
    relocation::index_of,
};
use crate::{
    acr_management,
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
    app_context_relocation::ExpectedLocationArea,
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
        let (target, ees) = found;
        self.execute(wanted, fresh_id(), target, Some(ees), false).await?;
        Ok(Outcome::Done)
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

    /// The S-EES executes: the record, the news for the EEC and the order for the S-EAS come from one commit; the S-EAS needs no order
    /// where it hears of the target by a facilitation report. Answers with the relocation if it runs under this id, now or already;
    /// `None` when another one runs.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn execute(
        &self,
        wanted: &Wanted,
        id: String,
        target: DiscoveredEas,
        ees: Option<EdnConfigInfo>,
        facilitated: bool,
    ) -> Result<Option<Acr>, Error> {
        let room = &self.service.room;
        let index = match &wanted.eec_id {
            Some(eec_id) => index_of(room, eec_id).await?,
            None => None,
        };
        let peer = ees.as_ref().and_then(|edn| edn.eess.first()).map(|ees| PeerEes {
            id: ees.ees_id.clone(),
            endpoint: ees.end_pt.clone(),
        });
        let context = match (index, peer) {
            (Some(index), Some(peer)) => ContextMove::ToPush(index.context, peer),
            _ => ContextMove::NotAsked,
        };
        let acr = Acr {
            id,
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
            if let Some(known) = seen.kept::<Acr>(&key).await? {
                if known.value.id == acr.id {
                    return Ok(Some(known.value));
                }
                if !known.value.complete {
                    return Ok(None);
                }
            }
            let end = Some(self.service.later(seen.now(), self.service.policy.transfer_seconds));
            let selected = AcrEvent::TargetSelected {
                acr: Box::new(acr.clone()),
                target: Box::new(target.clone()),
                ees: ees.clone().map(Box::new),
            };
            let begun = AcrEvent::begun(acr.clone(), facilitated);
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
                .tell(&Event::Acr(begun))?;
            let place = ExpectedLocationArea {
                loc_info: wanted.position.clone(),
                svc_area: wanted.area.clone(),
            };
            let decision = acr_management::expected(decision, &acr, Some(&place), None, seen.now())?;
            if room.commit(seen, decision).await?.is_some() {
                return Ok(Some(acr));
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
