//! The search for a target, and the relocation that an S-EES executes once it has one (TS 23.558 clause 8.8.2.5).

use super::{
    bundle::{self, Beside, Member, Says},
    decision::{EasState, Reason, Situation, Verdict, gain_percent},
    follow_up::{AcrFollowUp, bare_target},
    one_at_a_time::{Meeting, begins},
    record::{Acr, AcrEvent, AcrRef, ContextMove, Side, Step, Transfer, Wanted},
    relocation::{displaced, index_of, target_of_member, with_members},
};
use crate::{
    acr_management, eas_information,
    event::Event,
    peers::{PeerEes, PeerError},
    selection::Selection,
};
use edgeapp_core::{
    area::Position,
    error::{Cause, Error},
    kept::Kept,
    outbox::Outcome,
    principal::Owner,
    room::{Decision, contended, fresh_id},
    store::Key,
};
use edgeapp_openapi::{
    app_context_relocation::ExpectedLocationArea,
    eas_discovery::{DiscoveredEas, EasCharacteristics, EasDiscoveryFilter, EasDiscoveryReq, RequestorId},
    eas_registration::{Affinity, EasBundleInfo, EasProfile},
    ees_registration::AcrScenario,
    ids::{EasId, EecId, EesId},
    location::{LocationArea5G, NetworkAreaInfo},
    service_provisioning::EdnConfigInfo,
    target_ees_discovery::EesProfilesQuery,
};
use std::time::Duration;

/// How often the ECS and other EESs are asked for a target.
const SEARCH_ATTEMPTS: u32 = 3;

impl AcrFollowUp {
    pub(super) async fn seek_target(&self, wanted: &Wanted, attempt: u32) -> Result<Outcome, Error> {
        if self.service.runs(wanted).await? {
            return Ok(Outcome::Done);
        }
        let decides = &self.service.decides;
        let source = self.service.eass.at(&wanted.s_eas, Some(&wanted.eas_id));
        let mut situation = Situation {
            leaves_area: wanted.why == Reason::LeavesArea,
            eas: source.as_deref().map(|eas| decides.state(eas)).unwrap_or_default(),
            gain_percent: None,
            since_last: self.service.since_last(&wanted.ue_id, &wanted.eas_id).await?,
        };
        if wanted.why != Reason::BetterEas {
            match decides.decide(&situation) {
                Verdict::Relocate(_) => {}
                // Its EAS has recovered meanwhile.
                Verdict::Stay => return Ok(Outcome::Done),
                Verdict::Wait(seconds) => {
                    return Ok(Outcome::Again {
                        reason: "the last relocation of this application of this UE began just now".to_owned(),
                        after: Some(Duration::from_secs(seconds.into())),
                    });
                }
            }
        }
        let found = match self.target_here(wanted) {
            Some(found) => Ok((found, None, None)),
            None => self.target_elsewhere(wanted, source.as_deref()).await,
        };
        let (target, ees, bundle) = match found {
            Ok(found) => found,
            Err(PeerError::Unreachable(reason)) if attempt + 1 < SEARCH_ATTEMPTS => {
                return Ok(Outcome::Again { reason, after: None });
            }
            Err(error) => match self.cloud_for(wanted).await? {
                Some(cloud) => (cloud, None, None),
                // Nobody was promised anything yet: the next trigger looks again.
                None => return Ok(Outcome::Hopeless(format!("no target for the relocation: {error}"))),
            },
        };
        if wanted.why == Reason::BetterEas {
            situation.gain_percent = source.and_then(|source| gain_percent(&source, &target.eas));
            if !matches!(decides.decide(&situation), Verdict::Relocate(_)) {
                return Ok(Outcome::Done);
            }
        }
        self.execute_all(wanted, fresh_id(), (target, ees), false, bundle.as_ref())
            .await?;
        Ok(Outcome::Done)
    }

    /// Whether an EAS may take over: not one that shuts down, and one that is overloaded only from one that cannot serve the UE.
    fn may_take_over(&self, wanted: &Wanted, eas: &EasProfile) -> bool {
        match self.service.decides.state(eas) {
            EasState::Serving => true,
            EasState::Overloaded => wanted.why == Reason::LeavesArea,
            EasState::ShuttingDown => false,
        }
    }

    /// Another instance here, for who does not leave for the sake of its place.
    fn target_here(&self, wanted: &Wanted) -> Option<DiscoveredEas> {
        if wanted.why == Reason::LeavesArea {
            return None;
        }
        let eass = &self.service.eass;
        let like = EasCharacteristics {
            eas_id: Some(wanted.eas_id.clone()),
            svc_area: wanted.area.clone(),
            ..EasCharacteristics::default()
        };
        let others = Selection {
            eas_chars: vec![like],
            position: wanted.position.as_deref().map(Position::of_ue).unwrap_or_default(),
            except: eass.instance_at(&wanted.s_eas, &wanted.eas_id),
            ..Selection::of_application(wanted.eas_id.clone())
        };
        let found = eass.best(&others)?;
        let other = found.eas.end_pt != wanted.s_eas && self.may_take_over(wanted, &found.eas);
        other.then_some(found)
    }

    /// An instance at another EES, with those of its bundle where that moves as one.
    async fn target_elsewhere(
        &self,
        wanted: &Wanted,
        source: Option<&EasProfile>,
    ) -> Result<(DiscoveredEas, Option<EdnConfigInfo>, Option<Beside>), PeerError> {
        match source.and_then(bundle::coordinated) {
            Some(info) => {
                let (target, ees, beside) = self.search_bundle(wanted, info).await?;
                Ok((target, Some(ees), beside))
            }
            None => {
                let request = discovery(&self.service.own_id, wanted);
                let fits = |found: &DiscoveredEas| self.may_take_over(wanted, &found.eas);
                let (target, ees) = self.search(wanted, &request, fits).await?;
                Ok((target, Some(ees), None))
            }
        }
    }

    /// The server in the cloud that takes over where no EAS does: the one that the EEC selected, else the one that the policy knows
    /// (TS 23.558 clause 8.8.2A).
    async fn cloud_for(&self, wanted: &Wanted) -> Result<Option<DiscoveredEas>, Error> {
        // For the sake of something better nobody goes further away.
        if wanted.why == Reason::BetterEas {
            return Ok(None);
        }
        let selected = match (&wanted.eec_id, &wanted.ac_id) {
            (Some(eec_id), Some(ac_id)) => {
                eas_information::cas_of(&self.service.room, eec_id, ac_id, &wanted.eas_id).await?
            }
            _ => None,
        };
        let cloud = selected.or_else(|| self.service.decides.cloud(&wanted.eas_id));
        Ok(cloud.filter(|cloud| *cloud != wanted.s_eas).map(|cloud| DiscoveredEas {
            eas: EasProfile::new(wanted.eas_id.clone(), cloud),
            ees_end_pt: None,
            life_time: None,
        }))
    }

    /// The EESs that the ECS names, each with its edge data network; `whole` is a bundle that has to move there.
    async fn ees_elsewhere(
        &self,
        wanted: &Wanted,
        whole: Option<&EasBundleInfo>,
    ) -> Result<Vec<(PeerEes, EdnConfigInfo)>, PeerError> {
        let mut query = EesProfilesQuery::new(self.service.own_id.clone(), wanted.eas_id.clone());
        query.ue_location = wanted.area.clone().or_else(|| surroundings(wanted));
        query.bdl_id = whole.and_then(|info| info.bdl_id.clone());
        query.bdl_type = whole
            .filter(|info| info.bdl_id.is_some())
            .map(|info| info.bdl_type.clone());
        let answer = match self.peers.target_ees(&query).await {
            // EESs may say too little of where they serve: their EASs know it better.
            Err(PeerError::NotFound(_)) if wanted.area.is_none() && query.ue_location.is_some() => {
                query.ue_location = None;
                self.peers.target_ees(&query).await?
            }
            answer => answer?,
        };
        let mut found = Vec::new();
        for edn in &answer.edn_cnfg_info {
            for ees in edn.eess.iter().filter(|ees| ees.ees_id != self.service.own_id) {
                let peer = PeerEes {
                    id: ees.ees_id.clone(),
                    endpoint: ees.end_pt.clone(),
                };
                let there = EdnConfigInfo {
                    eess: vec![ees.clone()],
                    ..edn.clone()
                };
                found.push((peer, there));
            }
        }
        Ok(found)
    }

    /// What an EES offers in the place of an EAS.
    async fn offered(
        &self,
        peer: &PeerEes,
        wanted: &Wanted,
        request: &EasDiscoveryReq,
        fits: impl Fn(&DiscoveredEas) -> bool + Send + Sync,
    ) -> Result<Option<DiscoveredEas>, PeerError> {
        let other =
            |eas: &DiscoveredEas| eas.eas.eas_id == wanted.eas_id && eas.eas.end_pt != wanted.s_eas && fits(eas);
        let found = self.peers.discover(peer, request).await?;
        Ok(found.discovered_eas.into_iter().find(other))
    }

    async fn search(
        &self,
        wanted: &Wanted,
        request: &EasDiscoveryReq,
        fits: impl Fn(&DiscoveredEas) -> bool + Send + Sync,
    ) -> Result<(DiscoveredEas, EdnConfigInfo), PeerError> {
        let mut last = PeerError::NotFound("no EES has this EAS".to_owned());
        for (peer, there) in self.ees_elsewhere(wanted, None).await? {
            match self.offered(&peer, wanted, request, &fits).await {
                Ok(Some(target)) => return Ok((target, there)),
                Ok(None) => {}
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The targets of the EASs of a bundle that are registered here, as near to each other as the bundle demands (TS 23.558 clause 8.8.2.9):
    /// with strong affinity at one EES, else at one that has all of them if there is one and it matters, else wherever they are. A
    /// member without a target stays where it is, unless all have to move.
    async fn search_bundle(
        &self,
        wanted: &Wanted,
        info: &EasBundleInfo,
    ) -> Result<(DiscoveredEas, EdnConfigInfo, Option<Beside>), PeerError> {
        let eass = &*self.service.eass;
        let member = |eas_id: &EasId| {
            Some(Wanted {
                eas_id: eas_id.clone(),
                s_eas: bundle::source_of(eass, eas_id, info, Says::ItsRegistration)?,
                ..wanted.clone()
            })
        };
        let others = info.eas_ids_list.iter().filter(|id| **id != wanted.eas_id);
        let others: Vec<Wanted> = others.filter_map(member).collect();
        let affinity = bundle::affinity(info);
        let request = |wanted: &Wanted| discovery(&self.service.own_id, wanted);
        let mut last = PeerError::NotFound("no EES has the EASs of this bundle".to_owned());
        let mut partly = None;
        for (peer, there) in self.ees_elsewhere(wanted, Some(info)).await? {
            let target = match self.offered(&peer, wanted, &request(wanted), |_| true).await {
                Ok(Some(target)) => target,
                Ok(None) => continue,
                Err(error) => {
                    last = error;
                    continue;
                }
            };
            let mut beside = Vec::new();
            for other in &others {
                beside.push(
                    self.offered(&peer, other, &request(other), |_| true)
                        .await
                        .ok()
                        .flatten(),
                );
            }
            let whole = beside.iter().all(Option::is_some);
            if whole || affinity != Affinity::Strong {
                // What has all of them comes before what came first.
                if whole || partly.is_none() {
                    partly = Some((target, there, beside));
                }
                if whole || affinity == Affinity::Weak {
                    break;
                }
            }
        }
        let Some((target, there, beside)) = partly else {
            return Err(last);
        };
        let mut members = Vec::new();
        for (other, at_once) in others.iter().zip(beside) {
            let found = match at_once {
                Some(found) => Ok((found, there.clone())),
                None => self.search(other, &request(other), |_| true).await,
            };
            let (found, there) = match found {
                Ok(found) => found,
                Err(error) if bundle::moves_together(info) => return Err(error),
                Err(_) => continue,
            };
            members.push(Member {
                eas_id: other.eas_id.clone(),
                s_eas: other.s_eas.clone(),
                t_eas: found.eas.end_pt.clone(),
                found: Some((Box::new(found), Some(Box::new(there)))),
            });
        }
        let beside = Beside::of(info, (&wanted.eas_id, &target.eas.end_pt), members);
        Ok((target, there, beside))
    }

    /// The context of this EEC has to go to the EES of a target.
    async fn context_for(&self, eec_id: Option<&EecId>, ees: &EdnConfigInfo) -> Result<ContextMove, Error> {
        let index = match eec_id {
            Some(eec_id) => index_of(&self.service.room, eec_id).await?,
            None => None,
        };
        let peer = ees.eess.first().map(|ees| PeerEes {
            id: ees.ees_id.clone(),
            endpoint: ees.end_pt.clone(),
        });
        Ok(match (index, peer) {
            (Some(index), Some(peer)) => ContextMove::ToPush(index.context, peer),
            _ => ContextMove::NotAsked,
        })
    }

    /// Finds the EES of a target that an S-EAS declared: the EEC is told where it is, and its context goes there (TS 23.558 clauses
    /// 8.8.2.4 and 8.8.3.7). A target that nobody here can find is told as it was declared.
    pub(super) async fn seek_declared(&self, acr: &AcrRef, attempt: u32) -> Result<Outcome, Error> {
        let (room, key) = (&self.service.room, Key::new(acr.key.as_str()));
        let seeks = |known: &Acr| known.id == acr.id && known.context == ContextMove::ToSeek;
        let Some(kept) = room.read::<Acr>(&key).await?.filter(|kept| seeks(&kept.value)) else {
            return Ok(Outcome::Done);
        };
        let declared = &kept.value;
        let (Some(t_eas), Some(s_eas)) = (&declared.t_eas, &declared.s_eas) else {
            return Ok(Outcome::Done);
        };
        let here = self.service.eass.at(t_eas, Some(&declared.eas_id));
        let (target, ees) = match here {
            Some(eas) => {
                let eas = EasProfile::clone(&eas);
                let found = DiscoveredEas {
                    eas,
                    ..bare_target(declared, t_eas)
                };
                (found, None)
            }
            None => {
                let wanted = Wanted {
                    eec_id: declared.eec_id.clone(),
                    ue_id: declared.ue_id.clone(),
                    eas_id: declared.eas_id.clone(),
                    ac_id: declared.ac_id.clone(),
                    s_eas: s_eas.clone(),
                    position: None,
                    area: None,
                    why: Reason::LeavesArea,
                };
                let request = discovery(&self.service.own_id, &wanted);
                let is_it = |found: &DiscoveredEas| found.eas.end_pt == *t_eas;
                match self.search(&wanted, &request, is_it).await {
                    Ok((found, ees)) => (found, Some(ees)),
                    Err(PeerError::Unreachable(reason)) if attempt + 1 < SEARCH_ATTEMPTS => {
                        return Ok(Outcome::Again { reason, after: None });
                    }
                    Err(error) => {
                        tracing::warn!(acr = acr.id, %error, "the EES of a declared target was not found");
                        (bare_target(declared, t_eas), None)
                    }
                }
            }
        };
        let context = match &ees {
            Some(ees) => self.context_for(declared.eec_id.as_ref(), ees).await?,
            None => ContextMove::NotAsked,
        };
        let step = Step::Located(context);
        for mut seen in room.attempts() {
            let Some(kept) = seen.kept::<Acr>(&key).await?.filter(|kept| seeks(&kept.value)) else {
                return Ok(Outcome::Done);
            };
            let Some((next, events)) = kept.value.after(step.clone())? else {
                return Ok(Outcome::Done);
            };
            let selected = AcrEvent::TargetSelected {
                acr: Box::new(next.clone()),
                target: Box::new(target.clone()),
                ees: ees.clone().map(Box::new),
            };
            let expires_at = match next.complete {
                true => Some(next.ends_at(seen.now(), &self.service.policy)),
                false => kept.expires_at,
            };
            let kept = Kept {
                owner: kept.owner,
                expires_at,
                value: next.clone(),
            };
            // The S-EAS hands its context over by itself: only the context of the EEC has to be moved.
            let decision = Decision::of(())
                .put(&key, &kept)?
                .tell(&Event::Acr(selected))?
                .tell(&Event::Acr(AcrEvent::begun(next.clone(), true)))?;
            let mut decision = self.service.steered(decision, &next, &target.eas.app_locs)?;
            for event in events {
                decision = decision.tell(&Event::Acr(event))?;
            }
            if room.commit(seen, decision).await?.is_some() {
                return Ok(Outcome::Done);
            }
        }
        Err(contended())
    }

    /// Finds the target of a relocation that this EES manages: here if one fits, else where the ECS says.
    pub(super) async fn seek_for_managed(&self, acr: &AcrRef, attempt: u32) -> Result<Outcome, Error> {
        let (room, key) = (&self.service.room, Key::new(acr.key.as_str()));
        let seeks = |known: &Acr| known.id == acr.id && !known.complete && known.t_eas.is_none();
        let Some(kept) = room.read::<Acr>(&key).await?.filter(|kept| seeks(&kept.value)) else {
            return Ok(Outcome::Done);
        };
        let (target, ees) = match self.target_for(&kept).await {
            Ok(found) => found,
            Err(PeerError::Unreachable(reason)) if attempt + 1 < SEARCH_ATTEMPTS => {
                return Ok(Outcome::Again { reason, after: None });
            }
            Err(error) => return self.give_up(acr, &format!("no T-EAS was found: {error}")).await,
        };
        let context = match &ees {
            None => ContextMove::NotAsked,
            Some(ees) => self.context_for(kept.value.eec_id.as_ref(), ees).await?,
        };
        if ees.is_some() && context == ContextMove::NotAsked {
            return self.give_up(acr, "the EEC is no longer registered here").await;
        }
        let step = Step::Targeted(target.eas.end_pt.clone(), context);
        for mut seen in room.attempts() {
            let Some(kept) = seen.kept::<Acr>(&key).await?.filter(|kept| seeks(&kept.value)) else {
                return Ok(Outcome::Done);
            };
            let Some((next, events)) = kept.value.after(step.clone())? else {
                return Ok(Outcome::Done);
            };
            let selected = AcrEvent::TargetSelected {
                acr: Box::new(next.clone()),
                target: Box::new(target.clone()),
                ees: ees.clone().map(Box::new),
            };
            let kept = Kept {
                owner: kept.owner,
                expires_at: kept.expires_at,
                value: next,
            };
            let decision = Decision::of(()).put(&key, &kept)?.tell(&Event::Acr(selected))?;
            let mut decision = self.service.steered(decision, &kept.value, &target.eas.app_locs)?;
            for event in events {
                decision = decision.tell(&Event::Acr(event))?;
            }
            if room.commit(seen, decision).await?.is_some() {
                return Ok(Outcome::Done);
            }
        }
        Err(contended())
    }

    /// The T-EAS of a relocation that this EES manages, with its EES when that is another.
    async fn target_for(&self, kept: &Kept<Acr>) -> Result<(DiscoveredEas, Option<EdnConfigInfo>), PeerError> {
        let acr = &kept.value;
        let (Some(managed), Some(s_eas)) = (&acr.managed, &acr.s_eas) else {
            return Err(PeerError::NotFound(
                "nobody said what the target is to be like".to_owned(),
            ));
        };
        let here = Selection {
            eas_chars: managed.wanted.clone(),
            scenarios: Some(vec![AcrScenario::EelManagedAcr]),
            except: Some(kept.owner.clone()),
            ..Selection::of_application(acr.eas_id.clone())
        };
        if let Some(found) = self.service.eass.best(&here) {
            return Ok((found, None));
        }
        let wanted = Wanted {
            eec_id: acr.eec_id.clone(),
            ue_id: acr.ue_id.clone(),
            eas_id: acr.eas_id.clone(),
            ac_id: acr.ac_id.clone(),
            s_eas: s_eas.clone(),
            position: None,
            area: managed.wanted.iter().find_map(|like| like.svc_area.clone()),
            why: Reason::LeavesArea,
        };
        let request = EasDiscoveryReq {
            eas_discovery_filter: Some(EasDiscoveryFilter {
                eas_chars: managed.wanted.clone(),
                ..Default::default()
            }),
            ees_svc_continuity: vec![AcrScenario::EelManagedAcr],
            ..discovery(&self.service.own_id, &wanted)
        };
        let takes_part = |found: &DiscoveredEas| found.eas.supports(&AcrScenario::EelManagedAcr);
        let (target, ees) = self.search(&wanted, &request, takes_part).await?;
        Ok((target, Some(ees)))
    }

    /// The S-EES executes a relocation of which the S-EAS hears by a facilitation report, so that it needs no order; the other members of
    /// its bundle that have to move with it do, and their EASs are told to start. Answers with the relocation if it runs under this id,
    /// now or already; `None` when another one runs, or a member that has to come along cannot.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn facilitate(
        &self,
        wanted: &Wanted,
        id: String,
        target: DiscoveredEas,
        ees: Option<EdnConfigInfo>,
    ) -> Result<Option<Acr>, Error> {
        let source = self.service.eass.at(&wanted.s_eas, Some(&wanted.eas_id));
        let bundle = match source.as_deref().and_then(bundle::coordinated) {
            None => None,
            Some(info) => match self.beside_target(wanted, info, &target, ees.as_ref()).await {
                Ok(bundle) => bundle,
                Err(error) => {
                    tracing::info!(%error, "a bundle does not follow a path: its EASs have to move together");
                    return Ok(None);
                }
            },
        };
        self.execute_all(wanted, id, (target, ees), true, bundle.as_ref()).await
    }

    /// Where the other members of a bundle go when one follows the path of its traffic: to the same EES. A member that is not there stays
    /// where it is, unless all have to move.
    async fn beside_target(
        &self,
        wanted: &Wanted,
        info: &EasBundleInfo,
        target: &DiscoveredEas,
        ees: Option<&EdnConfigInfo>,
    ) -> Result<Option<Beside>, PeerError> {
        let eass = &*self.service.eass;
        let peer = ees.and_then(|there| there.eess.first()).map(|ees| PeerEes {
            id: ees.ees_id.clone(),
            endpoint: ees.end_pt.clone(),
        });
        let mut members = Vec::new();
        for eas_id in info.eas_ids_list.iter().filter(|id| **id != wanted.eas_id) {
            let Some(s_eas) = bundle::source_of(eass, eas_id, info, Says::ItsRegistration) else {
                continue;
            };
            let other = Wanted {
                eas_id: eas_id.clone(),
                s_eas,
                ..wanted.clone()
            };
            let found = match &peer {
                Some(peer) => {
                    let request = discovery(&self.service.own_id, &other);
                    self.offered(peer, &other, &request, |_| true).await
                }
                None => {
                    let others = Selection {
                        except: eass.instance_at(&other.s_eas, eas_id),
                        ..Selection::of_application(eas_id.clone())
                    };
                    Ok(eass.best(&others).filter(|found| found.eas.end_pt != other.s_eas))
                }
            };
            let found = match found {
                Ok(Some(found)) => found,
                Ok(None) if bundle::moves_together(info) => {
                    return Err(PeerError::NotFound(format!("{eas_id} is not where the path leads")));
                }
                Err(error) if bundle::moves_together(info) => return Err(error),
                Ok(None) | Err(_) => continue,
            };
            members.push(Member {
                eas_id: other.eas_id,
                s_eas: other.s_eas,
                t_eas: found.eas.end_pt.clone(),
                found: Some((Box::new(found), ees.cloned().map(Box::new))),
            });
        }
        Ok(Beside::of(info, (&wanted.eas_id, &target.eas.end_pt), members))
    }

    /// The record, the news for the EEC and the order for the S-EAS come from one commit, together with those of the other members of a
    /// bundle. Answers with the relocation if it runs under this id, now or already; `None` when another one runs.
    async fn execute_all(
        &self,
        wanted: &Wanted,
        id: String,
        (target, ees): (DiscoveredEas, Option<EdnConfigInfo>),
        facilitated: bool,
        bundle: Option<&Beside>,
    ) -> Result<Option<Acr>, Error> {
        let room = &self.service.room;
        let context = match &ees {
            Some(ees) => self.context_for(wanted.eec_id.as_ref(), ees).await?,
            None => ContextMove::NotAsked,
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
            t_eas: Some(target.eas.end_pt.clone()),
            context,
            transfer: Transfer::Awaited,
            complete: false,
            managed: None,
            plan: None,
            bundle: None,
        };
        let owner = wanted
            .eec_id
            .as_ref()
            .map_or_else(|| Owner::ees(&self.service.own_id), Owner::eec);
        let (acr, members) = with_members(bundle, acr);
        let key = acr.key();
        for mut seen in room.attempts() {
            let known = seen.kept::<Acr>(&key).await?.map(|kept| kept.value);
            if let Some(known) = &known {
                if known.id == acr.id {
                    return Ok(Some(known.clone()));
                }
                if known.runs() {
                    return Ok(None);
                }
            }
            if self.service.beside(&mut seen, &acr).await? != Meeting::Apart {
                return Ok(None);
            }
            let end = Some(self.service.later(seen.now(), self.service.policy.transfer_seconds));
            let selected = AcrEvent::TargetSelected {
                acr: Box::new(acr.clone()),
                target: Box::new(target.clone()),
                ees: ees.clone().map(Box::new),
            };
            let begun = AcrEvent::begun(acr.clone(), facilitated);
            let kept = Kept {
                owner: owner.clone(),
                expires_at: end,
                value: acr.clone(),
            };
            let decision = begins(Decision::of(()), &kept, seen.now())?
                .tell(&Event::Acr(selected))?
                .tell(&Event::Acr(begun))?;
            let place = ExpectedLocationArea {
                loc_info: wanted.position.clone(),
                svc_area: wanted.area.clone(),
            };
            let decision = displaced(decision, known.as_ref(), &acr)?;
            let mut decision = self.service.no_longer_steered(decision, known.as_ref())?;
            if !facilitated {
                // Else the subscription to facilitations holds what is steered.
                decision = self.service.steered(decision, &acr, &target.eas.app_locs)?;
            }
            let decision = acr_management::expected(decision, &acr, Some(&place), None, seen.now())?;
            let with_others = self
                .service
                .and_members(&mut seen, decision, &members, (&owner, end))
                .await;
            let mut decision = match with_others {
                Ok(decision) => decision,
                // One of the others is on its way already: the bundle does not move as one.
                Err(error) if error.cause == Cause::AcrInProgress => return Ok(None),
                Err(error) => return Err(error),
            };
            for member in &members {
                let found = bundle.and_then(|bundle| bundle.member(&member.eas_id));
                if let Some(told) = target_of_member(member, found) {
                    decision = decision.tell(&Event::Acr(told))?;
                }
                if let Some((found, _)) = found.and_then(|member| member.found.as_ref()) {
                    decision = self.service.steered(decision, member, &found.eas.app_locs)?;
                }
            }
            if room.commit(seen, decision).await?.is_some() {
                return Ok(Some(acr));
            }
        }
        Err(contended())
    }
}

/// Pure: the tracking areas that the UE is in, so that the ECS names the EESs in charge there first and not all there are: with many edge data
/// networks, asking one after the other would take longer than everything else.
fn surroundings(wanted: &Wanted) -> Option<LocationArea5G> {
    let position = Position::of_ue(wanted.position.as_deref()?);
    let tais: Vec<_> = position.places.into_iter().filter_map(|place| place.tai).collect();
    let network = NetworkAreaInfo {
        tais,
        ..NetworkAreaInfo::default()
    };
    (!network.tais.is_empty()).then(|| LocationArea5G {
        nw_area_info: Some(network),
        ..LocationArea5G::default()
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn wanted(position: Option<serde_json::Value>) -> Wanted {
        Wanted {
            eec_id: None,
            ue_id: "msisdn-491700000001".parse().expect("a GPSI"),
            eas_id: "eas.chess.example".parse().expect("an EASID"),
            ac_id: None,
            s_eas: serde_json::from_value(json!({"fqdn": "chess.edge-a.example"})).expect("an endpoint"),
            position: position.map(|at| serde_json::from_value(at).expect("a location")),
            area: None,
            why: Reason::default(),
        }
    }

    #[test]
    fn the_surroundings_are_the_tracking_area() {
        let plmn = json!({"mcc": "001", "mnc": "01"});
        let tai = json!({"plmnId": plmn, "tac": "000002"});
        let at =
            json!({"userLocation": {"nrLocation": {"tai": tai, "ncgi": {"plmnId": plmn, "nrCellId": "000000b01"}}}});
        let area = surroundings(&wanted(Some(at))).expect("a tracking area");
        assert_eq!(
            serde_json::to_value(area).expect("JSON"),
            json!({"nwAreaInfo": {"tais": [tai]}})
        );
        assert!(surroundings(&wanted(Some(json!({})))).is_none() && surroundings(&wanted(None)).is_none());
    }
}
