//! Which application client fits which subscription: plain functions.
//!
//! Filters are alternatives; of one filter every member has to fit, of a list in it one element. What an application client does not
//! tell does not fit, but for its schedule: without one it is in use at any time.

use crate::selection::overlaps;
use edgeapp_core::area::{self, Contains, Position};
use edgeapp_openapi::{
    app_client_information::{AcFilters, AcInfoSubscription, EasBdlInd},
    common::BitRate,
    eec_registration::{AcProfile, AcServiceKpis},
    ids::{EasId, Gpsi},
    location::{LocationArea5G, ServiceArea},
};

/// The UE of an application client, as far as a subscriber may know it.
#[derive(Clone, Debug, Default)]
pub struct Ue {
    /// The names by which the subscriber may mean it.
    pub names: Vec<Gpsi>,
    /// Where it is.
    pub place: Option<Place>,
}

/// A place, to be compared and to be told.
#[derive(Clone, Debug)]
pub struct Place {
    /// To be compared with areas.
    pub position: Position,
    /// To be told.
    pub area: LocationArea5G,
}

/// Whether the application client fits, as far as its profile tells; its UE may still not.
pub fn may_fit(subscription: &AcInfoSubscription, profile: &AcProfile) -> bool {
    let fits = |filter: &AcFilters| profile_fits(filter, profile, &subscription.eas_id);
    subscription.ac_fltrs.is_empty() || subscription.ac_fltrs.iter().any(fits)
}

/// Whether the application client on this UE fits.
pub fn fits(subscription: &AcInfoSubscription, profile: &AcProfile, ue: &Ue) -> bool {
    let fits = |filter: &AcFilters| profile_fits(filter, profile, &subscription.eas_id) && ue_fits(filter, ue);
    subscription.ac_fltrs.is_empty() || subscription.ac_fltrs.iter().any(fits)
}

fn profile_fits(filter: &AcFilters, profile: &AcProfile, subscriber: &EasId) -> bool {
    (filter.ac_ids.is_empty() || filter.ac_ids.contains(&profile.ac_id))
        && (filter.ac_types.is_empty()
            || profile
                .ac_type
                .as_ref()
                .is_some_and(|ac_type| filter.ac_types.contains(ac_type)))
        && (filter.ecsp_ids.is_empty() || profile.pref_ecsps.iter().any(|ecsp| filter.ecsp_ids.contains(ecsp)))
        && filter
            .svc_area
            .as_ref()
            .is_none_or(|area| is_expected_within(area, profile.exp_ac_geo_serv_area.as_ref()))
        && expects_between(filter, profile, subscriber)
        && (filter.op_schds.is_empty()
            || profile
                .ac_schedule
                .as_ref()
                .is_none_or(|schedule| overlaps(&filter.op_schds, schedule)))
        && filter
            .eas_bund_ind
            .as_ref()
            .is_none_or(|wanted| has_bundle(profile, wanted, subscriber))
}

fn ue_fits(filter: &AcFilters, ue: &Ue) -> bool {
    (filter.ue_ids.is_empty() || ue.names.iter().any(|name| filter.ue_ids.contains(name)))
        && filter
            .loc_infs
            .as_ref()
            .is_none_or(|area| ue.place.as_ref().is_some_and(|place| is_within(area, &place.position)))
}

/// Whether a client that is expected in `expected` stays within an area.
fn is_expected_within(area: &ServiceArea, expected: Option<&LocationArea5G>) -> bool {
    if area::is_everywhere(area) {
        return true;
    }
    let Some(expected) = expected else { return false };
    // The cells of a radio node are not known here.
    let names_nodes = expected
        .nw_area_info
        .as_ref()
        .is_some_and(|network| !network.g_ran_node_ids.is_empty());
    let expected = area::to_service_area(expected);
    !names_nodes && !area::is_everywhere(&expected) && area::covers(area, &expected).only_yes()
}

fn is_within(area: &LocationArea5G, position: &Position) -> bool {
    let nodes = area
        .nw_area_info
        .as_ref()
        .map(|network| network.g_ran_node_ids.as_slice())
        .unwrap_or_default();
    if nodes.iter().any(|node| position.is_at_node(node)) {
        return true;
    }
    let area = area::to_service_area(area);
    match area::is_everywhere(&area) {
        true => nodes.is_empty(),
        false => area::contains(&area, position) == Contains::Yes,
    }
}

/// Whether what a client expects lies between the bounds of a filter: of the subscriber if the client names it, else of any EAS.
fn expects_between(filter: &AcFilters, profile: &AcProfile, subscriber: &EasId) -> bool {
    if filter.min_ac_kpi.is_none() && filter.max_ac_kpi.is_none() {
        return true;
    }
    let names_subscriber = profile.eass.iter().any(|eas| eas.eas_id == *subscriber);
    let concerned = profile
        .eass
        .iter()
        .filter(|eas| !names_subscriber || eas.eas_id == *subscriber);
    concerned
        .filter_map(|eas| eas.expected_svc_kpis.as_ref())
        .any(|expected| lies_between(filter.min_ac_kpi.as_ref(), filter.max_ac_kpi.as_ref(), expected))
}

/// Whether each member that has a bound lies within it.
fn lies_between(least: Option<&AcServiceKpis>, most: Option<&AcServiceKpis>, has: &AcServiceKpis) -> bool {
    let nothing = AcServiceKpis::default();
    let (least, most) = (least.unwrap_or(&nothing), most.unwrap_or(&nothing));
    let bps = |rate: &Option<BitRate>| rate.as_ref().map(BitRate::bps);
    between(bps(&least.conn_band), bps(&most.conn_band), bps(&has.conn_band))
        && between(least.req_rate, most.req_rate, has.req_rate)
        && between(least.resp_time, most.resp_time, has.resp_time)
        && between(least.avail, most.avail, has.avail)
        && words_between(&least.req_comp, &most.req_comp, &has.req_comp)
        && words_between(&least.req_grap_comp, &most.req_grap_comp, &has.req_grap_comp)
        && words_between(&least.req_mem, &most.req_mem, &has.req_mem)
        && words_between(&least.req_strg, &most.req_strg, &has.req_strg)
}

fn between<T: PartialOrd>(least: Option<T>, most: Option<T>, has: Option<T>) -> bool {
    match (has, least.is_some() || most.is_some()) {
        (_, false) => true,
        (None, true) => false,
        (Some(has), true) => least.is_none_or(|least| has >= least) && most.is_none_or(|most| has <= most),
    }
}

/// Free words are compared as numbers where they are plain numbers; otherwise they have to be the same.
fn words_between(least: &Option<String>, most: &Option<String>, has: &Option<String>) -> bool {
    let number = |words: &String| words.trim().parse::<u64>().ok();
    let all = [least, most, has].into_iter().flatten();
    if all.clone().all(|words| number(words).is_some()) {
        let number = |words: &Option<String>| words.as_ref().and_then(number);
        return between(number(least), number(most), number(has));
    }
    [least, most]
        .into_iter()
        .flatten()
        .all(|bound| has.as_ref() == Some(bound))
}

/// Whether the client expects such a bundle. Where parts of a bundle count, one without a name does that lists the subscriber.
fn has_bundle(profile: &AcProfile, wanted: &EasBdlInd, subscriber: &EasId) -> bool {
    let parts_count = wanted.par_bund_det == Some(true);
    profile.eas_bundle_infos.iter().any(|has| {
        wanted.bdl_type.as_ref().is_none_or(|kind| *kind == has.bdl_type)
            && wanted
                .eas_bdl_reqs
                .as_ref()
                .is_none_or(|needs| has.eas_bdl_reqs.as_ref() == Some(needs))
            && match (&wanted.bdl_id, &has.bdl_id) {
                (None, _) => true,
                (Some(wanted), Some(has)) => wanted == has,
                (Some(_), None) => parts_count && has.eas_ids_list.contains(subscriber),
            }
    })
}

/// The member of a lower bound that is above the upper one, which no client can meet.
pub fn contradiction(filter: &AcFilters) -> Option<&'static str> {
    let (least, most) = (filter.min_ac_kpi.as_ref()?, filter.max_ac_kpi.as_ref()?);
    let bps = |rate: &Option<BitRate>| rate.as_ref().map(BitRate::bps);
    let above = |least: Option<u64>, most: Option<u64>| least.zip(most).is_some_and(|(least, most)| least > most);
    let band = bps(&least.conn_band).zip(bps(&most.conn_band));
    let all = [
        ("connBand", band.is_some_and(|(least, most)| least > most)),
        ("reqRate", above(least.req_rate, most.req_rate)),
        ("respTime", above(least.resp_time, most.resp_time)),
        ("avail", above(least.avail, most.avail)),
    ];
    all.into_iter().find(|(_, above)| *above).map(|(member, _)| member)
}

#[cfg(test)]
mod tests;
