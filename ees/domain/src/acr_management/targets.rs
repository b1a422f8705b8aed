//! The EASs that a relocation may go to: those that the one selection finds here, else those of the EESs that the ECS names
//! (TS 23.558 clauses 8.6.3.1 and 8.8.3.2).

use crate::{
    lookups::SearchBeyond,
    peers::PeerError,
    selection::{self, EasIndex, Selection},
};
use edgeapp_core::{clock::Clock, principal::Owner};
use edgeapp_openapi::{
    acr_management_event::EasInBundleInfo,
    eas_discovery::{DiscoveredEas, EasCharacteristics, EasDiscoveryFilter, EasDiscoveryReq, RequestorId},
    eas_registration::{EasProfile, EndPoint},
    ids::{Dnai, EasId, Gpsi},
    service_provisioning::EdnConfigInfo,
};
use std::{collections::BTreeSet, sync::Arc};

/// Finds T-EASs.
pub struct TargetEass {
    index: Arc<EasIndex>,
    clock: Arc<dyn Clock>,
    beyond: Arc<SearchBeyond>,
    own: BTreeSet<Dnai>,
}

/// For whom a T-EAS is sought.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sought<'a> {
    /// The instance that serves the UE until now.
    pub owner: &'a Owner,
    /// The application.
    pub eas_id: &'a EasId,
    /// Descriptions one of which the T-EAS has to meet.
    pub chars: &'a [EasCharacteristics],
    /// Behind which DNAI it has to sit.
    pub dnai: Option<&'a Dnai>,
    /// The UE.
    pub ue: Option<&'a Gpsi>,
}

/// A T-EAS.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Candidate {
    /// The EAS.
    pub eas: DiscoveredEas,
    /// Its edge data network and EES, when it is registered elsewhere.
    pub edn: Option<EdnConfigInfo>,
    /// The other EASs of its bundles.
    pub bundle: Vec<EasInBundleInfo>,
}

impl TargetEass {
    /// EASs in this index, or `beyond`. `own` are the DNAIs of this edge data network, beside those that the EASs registered here name.
    pub fn new(
        index: Arc<EasIndex>,
        clock: Arc<dyn Clock>,
        beyond: Arc<SearchBeyond>,
        own: impl IntoIterator<Item = Dnai>,
    ) -> Self {
        Self {
            index,
            clock,
            beyond,
            own: own.into_iter().collect(),
        }
    }

    /// Whether a DNAI leads into the edge data network of this EES.
    pub(super) fn is_ours(&self, dnai: &Dnai) -> bool {
        let behind = Selection {
            dnai: Some(dnai.clone()),
            ..Selection::default()
        };
        let known = self.index.snapshot();
        self.own.contains(dnai) || !selection::select(&behind, &known, self.clock.now()).is_empty()
    }

    /// What this owner registered of the application.
    pub(super) fn registered_by(&self, owner: &Owner, eas_id: &EasId) -> Vec<EasProfile> {
        let (known, now) = (self.index.snapshot(), self.clock.now());
        let own = known
            .instances(eas_id)
            .filter(|entry| entry.is_live(now) && entry.owner == *owner);
        own.map(|entry| entry.profile().clone()).collect()
    }

    /// The EASs that fit, best first.
    pub(super) async fn find(&self, sought: Sought<'_>) -> Result<Vec<Candidate>, PeerError> {
        let mut like = sought.chars.to_vec();
        if like.is_empty() {
            like.push(EasCharacteristics::default());
        }
        for like in &mut like {
            like.eas_id.get_or_insert_with(|| sought.eas_id.clone());
        }
        let here = self.here(&sought, &like);
        if !here.is_empty() {
            return Ok(here);
        }
        let request = EasDiscoveryReq {
            ue_id: sought.ue.cloned(),
            eas_discovery_filter: Some(EasDiscoveryFilter {
                eas_chars: like,
                ..EasDiscoveryFilter::default()
            }),
            eas_t_dnai: sought.dnai.cloned(),
            ..EasDiscoveryReq::new(RequestorId::Eas(sought.eas_id.clone()))
        };
        let own = self.registered_by(sought.owner, sought.eas_id);
        let other = |found: &DiscoveredEas| {
            found.eas.eas_id == *sought.eas_id && own.iter().all(|own| own.end_pt != found.eas.end_pt)
        };
        let found = self.beyond.candidates(sought.eas_id, &request).await?;
        Ok(found
            .into_iter()
            .filter(|(_, eas)| other(eas))
            .map(|(edn, eas)| self.candidate(eas, Some(edn)))
            .collect())
    }

    fn here(&self, sought: &Sought<'_>, like: &[EasCharacteristics]) -> Vec<Candidate> {
        let wanted = Selection {
            eas_id: Some(sought.eas_id.clone()),
            eas_chars: like.to_vec(),
            dnai: sought.dnai.cloned(),
            except: Some(sought.owner.clone()),
            ..Selection::default()
        };
        let known = self.index.snapshot();
        let found = selection::select(&wanted, &known, self.clock.now());
        found
            .into_iter()
            .map(|entry| self.candidate(entry.discovered.as_ref().clone(), None))
            .collect()
    }

    fn candidate(&self, eas: DiscoveredEas, edn: Option<EdnConfigInfo>) -> Candidate {
        let (known, now) = (self.index.snapshot(), self.clock.now());
        let members: BTreeSet<&EasId> = eas
            .eas
            .eas_bdl_infos
            .iter()
            .flat_map(|bundle| &bundle.eas_ids_list)
            .filter(|member| **member != eas.eas.eas_id)
            .collect();
        let member = |id: &EasId| {
            // Where it is, as far as that is known here.
            let profile = known
                .instances(id)
                .find(|entry| entry.is_live(now))
                .map(|entry| entry.profile());
            let places = profile.iter().flat_map(|profile| &profile.app_locs);
            EasInBundleInfo {
                eas_id: id.clone(),
                dnais: places.map(|place| place.dnai.clone()).collect(),
                svc_area: profile.and_then(|profile| profile.svc_area.clone()),
            }
        };
        Candidate {
            bundle: members.into_iter().map(member).collect(),
            eas,
            edn,
        }
    }
}

/// Whether one of these instances sits behind a DNAI.
pub(super) fn sits_behind(instances: &[EasProfile], dnai: &Dnai) -> bool {
    let mut places = instances.iter().flat_map(|instance| &instance.app_locs);
    places.any(|place| place.dnai == *dnai)
}

/// The endpoint of the instance that serves until now: behind the DNAI that the path leaves, where one is.
pub(super) fn source(instances: &[EasProfile], dnai: Option<&Dnai>) -> Option<EndPoint> {
    let there = |instance: &&EasProfile| dnai.is_some_and(|dnai| instance.app_locs.iter().any(|at| at.dnai == *dnai));
    let instance = instances.iter().find(there).or(instances.first());
    instance.map(|instance| instance.end_pt.clone())
}
