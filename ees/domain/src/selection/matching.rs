//! The rules by which one EAS fits a question (TS 24.558 clause 5.3.2.2, TS 23.558 clause 8.5.3.2): plain functions of a profile and
//! of what is wanted. An index may narrow the candidates; these decide.

use super::{Selection, schedule};
use edgeapp_core::area::{self, Contains};
use edgeapp_openapi::{
    common::BitRate,
    eas_discovery::EasCharacteristics,
    eas_registration::{EasBundleInfo, EasProfile, EasServiceKpi},
    eec_registration::{AcProfile, AcServiceKpis},
    ees_registration::AcrScenario,
    location::LocationArea5G,
};

/// How many units of `maxRespTime` (milliseconds) one unit of `respTime` (seconds) has.
const EAS_RESPONSE_UNITS: u64 = 1000;

/// How well an EAS fits: smaller is better.
pub type Rank = u32;

/// What an EAS lacks that is worse than any wish unfulfilled: it is not known to serve where the UE is.
const AREA_UNKNOWN: Rank = 1 << 16;

/// How well an EAS fits a question; `None` when it does not.
pub fn judge(profile: &EasProfile, wanted: &Selection) -> Option<Rank> {
    let fits = wanted.eas_id.as_ref().is_none_or(|id| *id == profile.eas_id)
        && is_usable(profile)
        && (wanted.eas_chars.is_empty() || wanted.eas_chars.iter().any(|like| is_like(profile, like, wanted)))
        && is_for_network(profile, wanted)
        && continues(profile, wanted.scenarios.as_deref())
        && wanted
            .dnai
            .as_ref()
            .is_none_or(|dnai| profile.app_locs.iter().any(|place| place.dnai == *dnai))
        && wanted.group.as_ref().is_none_or(|group| {
            group.eas_id == profile.eas_id
                && group
                    .expected_svc_area
                    .as_ref()
                    .is_none_or(|area| serves_area(profile, area, wanted))
        });
    if !fits {
        return None;
    }
    let wishes = if wanted.ac_profiles.is_empty() {
        0
    } else {
        wanted
            .ac_profiles
            .iter()
            .filter_map(|ac| serves_ac(profile, ac, wanted))
            .min()?
    };
    let area = match profile
        .svc_area
        .as_ref()
        .map_or(Contains::Yes, |area| area::contains(area, &wanted.position))
    {
        Contains::Yes => 0,
        Contains::Unknown if !wanted.strict_area => AREA_UNKNOWN,
        Contains::Unknown | Contains::No => return None,
    };
    Some(wishes + area)
}

/// Whether the EAS can be used: its status does not say that it is disabled.
pub fn is_usable(profile: &EasProfile) -> bool {
    const DISABLED: &str = "disabled";
    let status = profile.status.as_deref().map(str::trim_start);
    !status
        .and_then(|status| status.get(..DISABLED.len()))
        .is_some_and(|status| status.eq_ignore_ascii_case(DISABLED))
}

/// Whether subscribers of the serving network may use the EAS.
fn is_for_network(profile: &EasProfile, wanted: &Selection) -> bool {
    match (&profile.allowed_plmn_id, &wanted.network) {
        (Some(allowed), Some(serving)) => allowed == serving,
        _ => true,
    }
}

/// Whether the EAS shares a scenario with the list; no list asks for nothing.
fn continues(profile: &EasProfile, scenarios: Option<&[AcrScenario]>) -> bool {
    scenarios.is_none_or(|scenarios| scenarios.iter().any(|scenario| profile.supports(scenario)))
}

/// Whether the EAS is as described.
fn is_like(profile: &EasProfile, like: &EasCharacteristics, wanted: &Selection) -> bool {
    fn same<T: PartialEq>(wanted: &Option<T>, has: &Option<T>) -> bool {
        wanted.is_none() || wanted == has
    }
    let scenarios = Some(like.eas_svc_continuity.as_slice()).filter(|list| !list.is_empty());
    like.eas_id.as_ref().is_none_or(|id| *id == profile.eas_id)
        && (!like.eas_sync_ind || profile.eas_sync_supp)
        && same(&like.eas_prov_id, &profile.prov_id)
        && same(&like.std_eas_type, &profile.eas_type)
        && same(&like.eas_type, &profile.flex_eas_type)
        && continues(profile, scenarios)
        && like
            .svc_perm_level
            .as_ref()
            .is_none_or(|level| profile.perm_lvl.iter().any(|has| has.as_str() == level))
        && like.svc_feats.iter().all(|feature| profile.eas_feats.contains(feature))
        && like
            .eas_bundle_info
            .as_ref()
            .is_none_or(|bundle| is_in_bundle(profile, bundle))
        && like
            .eas_sched
            .as_ref()
            .is_none_or(|window| schedule::covers(&profile.scheds, window))
        && like
            .svc_area
            .as_ref()
            .is_none_or(|area| serves_area(profile, area, wanted))
}

/// How many expectations the EAS leaves unfulfilled; `None` when it cannot serve this application client.
fn serves_ac(profile: &EasProfile, ac: &AcProfile, wanted: &Selection) -> Option<Rank> {
    let shares_scenario = |scenario: &AcrScenario| {
        profile.supports(scenario) && wanted.scenarios.as_ref().is_none_or(|common| common.contains(scenario))
    };
    let fits = (profile.ac_ids.is_empty() || profile.ac_ids.contains(&ac.ac_id))
        && (ac.ac_svc_cont_supp.is_empty() || ac.ac_svc_cont_supp.iter().any(shares_scenario))
        && ac
            .ac_schedule
            .as_ref()
            .is_none_or(|schedule| schedule::overlaps(&profile.scheds, schedule))
        && (ac.eas_bundle_infos.is_empty() || ac.eas_bundle_infos.iter().any(|bundle| is_in_bundle(profile, bundle)))
        && ac
            .exp_ac_geo_serv_area
            .as_ref()
            .is_none_or(|area| serves_area(profile, area, wanted));
    if !fits {
        return None;
    }
    if ac.eass.is_empty() {
        return Some(0);
    }
    let offered = profile.svc_kpi.as_ref();
    let served = ac.eass.iter().filter(|detail| {
        detail.eas_id == profile.eas_id
            && detail
                .minimum_req_svc_kpis
                .as_ref()
                .is_none_or(|least| meets(least, offered))
    });
    served
        .map(|detail| {
            detail
                .expected_svc_kpis
                .as_ref()
                .map_or(0, |hoped| missed(hoped, offered))
        })
        .min()
}

fn serves_area(profile: &EasProfile, area: &LocationArea5G, wanted: &Selection) -> bool {
    profile.svc_area.as_ref().is_none_or(|service| {
        let shared = area::overlaps(area, service);
        if wanted.strict_area {
            shared.only_yes()
        } else {
            shared.unless_no()
        }
    })
}

/// Whether the EAS is in the bundle: the same kind, and the same name, or all the members listed where one side has no name.
fn is_in_bundle(profile: &EasProfile, wanted: &EasBundleInfo) -> bool {
    profile.eas_bdl_infos.iter().any(|has| {
        has.bdl_type == wanted.bdl_type
            && match (&has.bdl_id, &wanted.bdl_id) {
                (Some(has), Some(wanted)) => has == wanted,
                _ => {
                    !wanted.eas_ids_list.is_empty()
                        && wanted.eas_ids_list.iter().all(|id| has.eas_ids_list.contains(id))
                }
            }
    })
}

/// Whether what an EAS offers is at least what an application client needs. What one side does not tell asks for nothing.
pub fn meets(least: &AcServiceKpis, offered: Option<&EasServiceKpi>) -> bool {
    missed(least, offered) == 0
}

/// How many of these needs the offer does not meet.
fn missed(wanted: &AcServiceKpis, offered: Option<&EasServiceKpi>) -> Rank {
    let Some(offered) = offered else { return 0 };
    // Free words are compared only where they are a plain number.
    let number = |words: &Option<String>| words.as_ref().and_then(|words| words.trim().parse::<u64>().ok());
    let below = |needed: Option<u64>, has: Option<u64>| needed.zip(has).is_some_and(|(needed, has)| has < needed);
    let bps = |rate: &Option<BitRate>| rate.as_ref().map(BitRate::bps);
    let answer_in = wanted
        .resp_time
        .map(|seconds| seconds.saturating_mul(EAS_RESPONSE_UNITS));
    let misses = [
        bps(&wanted.conn_band)
            .zip(bps(&offered.conn_band))
            .is_some_and(|(needed, has)| has < needed),
        below(wanted.req_rate, offered.max_req_rate),
        answer_in
            .zip(offered.max_resp_time)
            .is_some_and(|(needed, has)| has > needed),
        below(wanted.avail, offered.avail),
        below(number(&wanted.req_comp), offered.avl_comp),
        below(number(&wanted.req_grap_comp), offered.avl_gra_comp),
        below(number(&wanted.req_mem), offered.avl_mem),
        below(number(&wanted.req_strg), offered.avl_strg),
    ];
    misses.into_iter().map(Rank::from).sum()
}
