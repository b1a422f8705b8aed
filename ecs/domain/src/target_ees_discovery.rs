//! An EES asks where the application contexts of a UE may move to (TS 29.558 clause 6.3).

use crate::{
    eas_info,
    edn::Edns,
    known::{KnownEes, KnownEess},
    selection::{BundleWish, Need, Wish, select},
};
use async_trait::async_trait;
use edgeapp_core::{
    area::Position,
    error::{Cause, Error, Kind},
    principal::Principal,
    room::Room,
    whereabouts::Whereabouts,
};
use edgeapp_openapi::{
    ids::{EasId, EesId},
    service_provisioning::EcsServProvResp,
    target_ees_discovery::EesProfilesQuery,
};
use std::{collections::BTreeSet, sync::Arc};

/// What the ECS does for an EES that has to let an application context go (TS 29.558 clause 6.3).
#[async_trait]
pub trait TargetEesDiscovery: Send + Sync {
    /// The EESs that may take over, never the one that asks.
    async fn discover(&self, principal: &Principal, query: EesProfilesQuery) -> Result<EcsServProvResp, Error>;
}

/// Target EES discovery over the read model.
#[derive(Clone)]
pub struct DiscoveryService {
    known: KnownEess,
    edns: Arc<Edns>,
    room: Room,
    strict_areas: bool,
    whereabouts: Arc<Whereabouts>,
}

impl DiscoveryService {
    /// The service over these EESs; `strict_areas` leaves out what may or may not serve the place of the UE, of which `whereabouts` is
    /// asked when the query does not say.
    pub fn new(
        known: KnownEess,
        edns: Arc<Edns>,
        room: Room,
        strict_areas: bool,
        whereabouts: Arc<Whereabouts>,
    ) -> Self {
        Self {
            known,
            edns,
            room,
            strict_areas,
            whereabouts,
        }
    }

    /// Where the UE of the query is.
    async fn position(&self, query: &EesProfilesQuery) -> Position {
        if let Some(told) = &query.ue_location {
            return Position::of_area(told);
        }
        let Some(ue) = &query.ue_id else {
            return Position::default();
        };
        let found = self.whereabouts.of(ue).await;
        found.as_ref().map(Position::of_ue).unwrap_or_default()
    }
}

#[async_trait]
impl TargetEesDiscovery for DiscoveryService {
    async fn discover(&self, principal: &Principal, query: EesProfilesQuery) -> Result<EcsServProvResp, Error> {
        if !principal.is_ees(&query.ees_id) {
            return Err(Error::not_yours("ees-id", "EESID"));
        }
        let position = self.position(&query).await;
        let known = self.known.live(self.room.now());
        let holders: Vec<EesId> = match &query.app_grp_id {
            Some(group) => eas_info::holders(&self.room, group, &query.eas_id).await?,
            None => Vec::new(),
        };
        let wish = Wish {
            position,
            group: query.app_grp_id.as_ref().map(|group| (group, &*holders)),
            strict_areas: self.strict_areas,
            ..wish(&query, &known)
        };
        let edn_cnfg_info = self.edns.describe(&select(&wish, &self.edns, &known), true);
        if edn_cnfg_info.is_empty() {
            return Err(Error::new(
                Kind::NotFound,
                Cause::NoSuitableEes,
                "no other registered EES fits the query",
            ));
        }
        Ok(EcsServProvResp {
            edn_cnfg_info,
            redirected_ecs: Vec::new(),
        })
    }
}

/// Pure: what the query asks of a target. The members of a bundle are known only to who carries it: the asking EES.
fn wish<'a>(query: &'a EesProfilesQuery, known: &'a [KnownEes]) -> Wish<'a> {
    let of_eec = query.eec_srv_cont_supp.as_ref().filter(|support| support.srv_cont_supp);
    let bundle = (query.bdl_id.is_some() || query.bdl_type.is_some()).then(|| BundleWish {
        eas_id: &query.eas_id,
        id: query.bdl_id.as_ref(),
        kind: query.bdl_type.as_ref(),
        members: members(query, known),
    });
    Wish {
        needs: vec![Need {
            eas_ids: vec![&query.eas_id],
            ..Need::default()
        }],
        scenarios: of_eec
            .map(|support| support.acr_scenarios.as_slice())
            .into_iter()
            .chain([&*query.ac_svc_cont_supp])
            .collect(),
        dnai: query.target_dnai.as_ref(),
        bundle,
        but: Some(&query.ees_id),
        ..Wish::default()
    }
}

fn members<'a>(query: &EesProfilesQuery, known: &'a [KnownEes]) -> BTreeSet<&'a EasId> {
    let asking = known
        .iter()
        .map(|ees| &ees.value.ees_prof)
        .find(|profile| profile.ees_id == query.ees_id);
    let infos = asking
        .and_then(|profile| profile.eas_bdl_infos.get(&query.eas_id))
        .into_iter()
        .flatten();
    let meant = infos.filter(|info| {
        query.bdl_id.as_ref().is_none_or(|id| info.bdl_id.as_ref() == Some(id))
            && query.bdl_type.as_ref().is_none_or(|kind| info.bdl_type == *kind)
    });
    meant.flat_map(|info| &info.eas_ids_list).collect()
}
