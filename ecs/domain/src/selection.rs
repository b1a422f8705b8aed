//! Which EESs fit (TS 24.558 clause 7.2.2.2.2, TS 29.558 clause 6.3.2.2.2): one plain function for provisioning, notifications and
//! the discovery of target EESs.
//!
//! What is absent on one side constrains nobody, with two exceptions: an EES without service continuity fits nobody who asks for some,
//! and an EES without the EAS fits nobody who asks for that. A position that leaves open whether a UE is inside an area counts as
//! inside, unless the policy is strict.

use crate::{edn::Edns, known::KnownEes};
use edgeapp_core::area::{self, Contains, Position};
use edgeapp_openapi::{
    eas_registration::{BdlType, EasBundleInfo},
    ees_registration::{AcrScenario, EesProfile},
    ids::{AppGroupId, BundleId, Dnai, EasId, EesId, ProviderId},
    location::{LocationArea5G, ServiceArea},
};
use std::collections::BTreeSet;

/// What somebody wants of an EES. All of it has to be so; of [`Wish::needs`], one has to be met.
#[derive(Clone, Debug, Default)]
pub struct Wish<'a> {
    /// What application clients need, each judged alone; nothing in particular when empty.
    pub needs: Vec<Need<'a>>,
    /// Lists of relocation scenarios; the EES has to share one of each that is not empty.
    pub scenarios: Vec<&'a [AcrScenario]>,
    /// Providers of which it has to be; any when empty.
    pub ecsps: &'a [ProviderId],
    /// The place where user plane traffic has to reach it.
    pub dnai: Option<&'a Dnai>,
    /// The bundle that it has to carry.
    pub bundle: Option<BundleWish<'a>>,
    /// The group of UEs that one EAS is to serve, and the EESs that hold its common EAS: these come first.
    pub group: Option<(&'a AppGroupId, &'a [EesId])>,
    /// Where the UE is.
    pub position: Position,
    /// The EES that does not count.
    pub but: Option<&'a EesId>,
    /// Whether a position that leaves open if it is inside counts as outside.
    pub strict_areas: bool,
}

/// What one application client needs.
#[derive(Clone, Debug, Default)]
pub struct Need<'a> {
    /// EASs of which the EES has to have one; together with [`Need::bundles`].
    pub eas_ids: Vec<&'a EasId>,
    /// Bundles of which it may carry one instead.
    pub bundles: Vec<&'a BundleId>,
    /// Relocation scenarios of which it has to share one; any when empty.
    pub scenarios: &'a [AcrScenario],
    /// Providers that come first.
    pub preferred: &'a [ProviderId],
    /// Where the client will be in use, for when the position of the UE is unknown.
    pub area: Option<&'a LocationArea5G>,
}

/// The bundle of an EAS.
#[derive(Clone, Debug)]
pub struct BundleWish<'a> {
    /// The EAS that belongs to it.
    pub eas_id: &'a EasId,
    /// Its name, where it has one.
    pub id: Option<&'a BundleId>,
    /// Its type, where that is known.
    pub kind: Option<&'a BdlType>,
    /// Its members, where they are known: an EES that has them all carries the bundle too.
    pub members: BTreeSet<&'a EasId>,
}

/// An EES that fits.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The EES.
    pub ees: KnownEes,
    /// Those of its EASs that were asked for; all when `None`.
    pub eas_ids: Option<BTreeSet<EasId>>,
    /// The group asked for, if the EES holds its common EAS.
    pub group: Option<AppGroupId>,
    /// Whether it can relocate the bundle asked for as a whole.
    pub moves_bundle: bool,
    /// Whether its provider is one that is preferred.
    pub preferred: bool,
}

impl Chosen {
    /// What it is.
    pub fn profile(&self) -> &EesProfile {
        &self.ees.value.ees_prof
    }

    /// Whether this EAS was asked for.
    pub fn wants(&self, eas: &EasId) -> bool {
        self.eas_ids.as_ref().is_none_or(|wanted| wanted.contains(eas))
    }
}

/// Those of the known EESs that fit. First comes who holds the common EAS of the group, then who can relocate the bundle as a whole, then
/// who is of a preferred provider; else the order is that of their EESIDs.
pub fn select(wish: &Wish<'_>, edns: &Edns, known: &[KnownEes]) -> Vec<Chosen> {
    let mut chosen: Vec<Chosen> = known.iter().filter_map(|ees| judge(wish, edns, ees)).collect();
    let rank = |one: &Chosen| (one.group.is_none(), !one.moves_bundle, !one.preferred);
    chosen.sort_by(|a, b| (rank(a), &a.profile().ees_id).cmp(&(rank(b), &b.profile().ees_id)));
    chosen
}

fn judge(wish: &Wish<'_>, edns: &Edns, ees: &KnownEes) -> Option<Chosen> {
    let profile = &ees.value.ees_prof;
    let fits = wish.but != Some(&profile.ees_id)
        && wish.scenarios.iter().all(|theirs| shares(profile, theirs))
        && (wish.ecsps.is_empty() || profile.prov_id.as_ref().is_some_and(|id| wish.ecsps.contains(id)))
        && wish.dnai.is_none_or(|dnai| is_reached_at(profile, dnai))
        && wish.bundle.as_ref().is_none_or(|bundle| carries(profile, bundle))
        && covers(wish, edns, profile);
    if !fits {
        return None;
    }
    let chosen = Chosen {
        ees: ees.clone(),
        eas_ids: None,
        group: wish
            .group
            .filter(|(_, holders)| holders.contains(&profile.ees_id))
            .map(|(group, _)| group.clone()),
        moves_bundle: wish.bundle.as_ref().is_some_and(|bundle| moves(profile, bundle)),
        preferred: false,
    };
    if wish.needs.is_empty() {
        return Some(chosen);
    }
    let areas = areas(edns, profile);
    let mut met = wish
        .needs
        .iter()
        .filter_map(|need| Some((need, meets(wish, need, profile, &areas)?)))
        .peekable();
    met.peek()?;
    let (mut eas_ids, mut preferred) = (Some(BTreeSet::new()), false);
    for (need, asked) in met {
        preferred |= profile.prov_id.as_ref().is_some_and(|id| need.preferred.contains(id));
        eas_ids = match (eas_ids, asked) {
            (Some(mut all), Some(asked)) => {
                all.extend(asked);
                Some(all)
            }
            _ => None,
        };
    }
    Some(Chosen {
        eas_ids,
        preferred,
        ..chosen
    })
}

/// Whether the EES meets this need, and with which EASs: the inner `None` stands for all of them.
fn meets(
    wish: &Wish<'_>,
    need: &Need<'_>,
    profile: &EesProfile,
    areas: &[&ServiceArea],
) -> Option<Option<BTreeSet<EasId>>> {
    let within = || {
        let expected = need.area.filter(|_| wish.position.is_unknown());
        expected.is_none_or(|expected| areas.iter().all(|area| allows(wish, area::overlaps(expected, area))))
    };
    if !shares(profile, need.scenarios) || !within() {
        return None;
    }
    if need.eas_ids.is_empty() && need.bundles.is_empty() {
        return Some(None);
    }
    let asked = need.eas_ids.iter().copied().filter(|eas| has(profile, eas));
    let in_bundles = profile.eas_bdl_infos.iter().filter(|(_, infos)| {
        infos
            .iter()
            .any(|info| info.bdl_id.as_ref().is_some_and(|id| need.bundles.contains(&id)))
    });
    let served: BTreeSet<EasId> = asked.chain(in_bundles.map(|(eas, _)| eas)).cloned().collect();
    (!served.is_empty()).then_some(Some(served))
}

/// Whether the EES has this EAS, or can have it started.
pub fn has(profile: &EesProfile, eas: &EasId) -> bool {
    profile.eas_ids.contains(eas) || profile.eas_inst_info.contains_key(eas)
}

fn shares(profile: &EesProfile, theirs: &[AcrScenario]) -> bool {
    theirs.is_empty() || theirs.iter().any(|scenario| profile.svc_cont_supp.contains(scenario))
}

fn is_reached_at(profile: &EesProfile, dnai: &Dnai) -> bool {
    let of_edn = profile.edn_info_sets.iter().flat_map(|edn| &edn.dnais);
    profile.app_locs.iter().chain(of_edn).any(|place| place == dnai)
}

/// Whether this is the bundle that is meant.
fn is_meant(info: &EasBundleInfo, wish: &BundleWish<'_>) -> bool {
    wish.id.is_none_or(|id| info.bdl_id.as_ref() == Some(id)) && wish.kind.is_none_or(|kind| info.bdl_type == *kind)
}

/// Whether the EES says that it can relocate the EASs of the bundle together.
fn moves(profile: &EesProfile, wish: &BundleWish<'_>) -> bool {
    profile.svc_cont_supp_ext1.iter().any(|info| is_meant(info, wish))
}

fn carries(profile: &EesProfile, wish: &BundleWish<'_>) -> bool {
    let of_eas = profile.eas_bdl_infos.get(wish.eas_id);
    let named = of_eas.is_some_and(|infos| infos.iter().any(|info| is_meant(info, wish)));
    named || (!wish.members.is_empty() && wish.members.iter().all(|member| has(profile, member)))
}

/// The areas that a UE has to be in: that of the network and that of the EES.
fn areas<'a>(edns: &'a Edns, profile: &'a EesProfile) -> Vec<&'a ServiceArea> {
    edns.of(profile)
        .and_then(|edn| edn.area.as_ref())
        .into_iter()
        .chain(&profile.svc_area)
        .collect()
}

fn covers(wish: &Wish<'_>, edns: &Edns, profile: &EesProfile) -> bool {
    // Where a client expects to be is judged with its needs.
    let nowhere = wish.position.is_unknown();
    let expected = !wish.needs.is_empty() && wish.needs.iter().all(|need| need.area.is_some());
    if nowhere && (!wish.strict_areas || expected) {
        return true;
    }
    areas(edns, profile)
        .into_iter()
        .all(|area| allows(wish, area::contains(area, &wish.position)))
}

/// Whether the policy takes this for inside.
pub(crate) fn allows(wish: &Wish<'_>, inside: Contains) -> bool {
    if wish.strict_areas {
        inside.only_yes()
    } else {
        inside.unless_no()
    }
}

#[cfg(test)]
mod tests;
