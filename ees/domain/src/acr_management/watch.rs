//! What an event needs of the core network, and which of its reports it is about.

use super::{
    rules::{needs_user_plane, seeks_target, wants_to_be_asked},
    state::State,
    targets::TargetEass,
};
use edgeapp_core::network::{Asked, PathInfluence, Target};
use edgeapp_openapi::{
    acr_management_event::{AcrMgntEventFilter, AcrMgntEventSubsc, AcrMgntEventsSubscription, UpPathChangeInfo},
    common::DnaiChangeType,
    ids::{Dnai, EasId},
};

/// Which changes an event is about: as it says. By default both moments of a change; before the change where a target is sought for it.
pub(super) fn changes(wanted: &AcrMgntEventSubsc) -> DnaiChangeType {
    let usual = if seeks_target(&wanted.event) {
        DnaiChangeType::Early
    } else {
        DnaiChangeType::EarlyLate
    };
    wanted.dnai_chg_type.clone().unwrap_or(usual)
}

/// What the core network is asked to watch for an event about this target.
pub(super) fn asked(eas_id: &EasId, wanted: &AcrMgntEventSubsc, target: Target) -> Asked {
    Asked::Path(Box::new(PathInfluence {
        target,
        eas_id: eas_id.clone(),
        traffic: wanted.traf_filter_info.clone(),
        report: Some(changes(wanted)),
        acknowledged: wants_to_be_asked(wanted),
        routes: Vec::new(),
        both_paths_seconds: None,
    }))
}

/// Where the path leads to.
pub(super) fn target_dnai(change: &UpPathChangeInfo) -> Option<&Dnai> {
    let route = change.target_traffic_route.as_ref().map(|route| &route.dnai);
    change.target_dnai.as_ref().or(route)
}

/// Whether a change is of the kind of mobility that is wanted. Where the path leads to an unknown place, no kind can be told.
fn is_of_kind(filter: Option<&AcrMgntEventFilter>, change: &UpPathChangeInfo, eass: &TargetEass) -> bool {
    let Some(filter) = filter else { return true };
    let Some(dnai) = target_dnai(change) else { return false };
    (*filter == AcrMgntEventFilter::IntraEdnMobility) == eass.is_ours(dnai)
}

/// The events (by their places) that a change is about which was reported for `watch`.
pub(super) fn concerned(
    subscription: &AcrMgntEventsSubscription,
    state: &State,
    watch: &Asked,
    change: &UpPathChangeInfo,
    eass: &TargetEass,
) -> Vec<usize> {
    let is_concerned = |n: &usize| {
        let (wanted, state) = (&subscription.event_subscs[*n], &state.events[*n]);
        let moment = changes(wanted);
        needs_user_plane(&wanted.event)
            && !state.over
            && state.watch.as_ref() == Some(watch)
            && (moment == DnaiChangeType::EarlyLate || moment == change.dnai_chg_type)
            && is_of_kind(wanted.event_filter.as_ref(), change, eass)
    };
    (0..subscription.event_subscs.len()).filter(is_concerned).collect()
}
