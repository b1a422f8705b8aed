//! Which EASs fit a question: the one selection function behind EDGE-1, EDGE-3, EDGE-9 and DNS.
//!
//! [`EasIndex`] follows the registrations and keeps an immutable [`Snapshot`] of them: inverted indexes as bitmaps, and every EAS with
//! its answer already written as JSON. [`select`] narrows by the indexes, lets [`matching::judge`] decide, ranks, and the answer is
//! a concatenation.
//!
//! | module | what it holds |
//! |---|---|
//! | [`matching`] | the rules, as plain functions |
//! | `schedule` | weekly schedules |
//! | `terms` | what a profile is indexed by, and which terms a question asks for |
//! | `index`, `posting` | the snapshot, kept up to date incrementally |
//! | `given` | long answers that were given a moment ago |

mod given;
mod index;
pub mod matching;
mod posting;
mod schedule;
mod terms;
#[cfg(test)]
mod tests;

pub use given::Given;
pub use index::{EasIndex, Entry, Snapshot};
pub use matching::{Rank, meets};
pub(crate) use schedule::{next_change, overlaps};

use bytes::Bytes;
use edgeapp_core::{area::Position, principal::Owner};
use edgeapp_openapi::{
    common::{DateTime, PlmnIdNid},
    eas_discovery::{EasCharacteristics, EasDiscoveryFilter, EasDiscoveryReq},
    eec_registration::AcProfile,
    ees_registration::AcrScenario,
    ids::{AppGroupId, Dnai, EasId},
    negotiation::negotiate,
    service_provisioning::AppGroupProfile,
};
use std::collections::HashSet;

/// What is wanted of an EAS. Nothing stated fits every EAS that can be used.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// The application.
    pub eas_id: Option<EasId>,
    /// Descriptions one of which it has to meet.
    pub eas_chars: Vec<EasCharacteristics>,
    /// Application clients one of which it has to serve.
    pub ac_profiles: Vec<AcProfile>,
    /// The group of UEs that it is for.
    pub group: Option<AppGroupProfile>,
    /// Ways of relocation one of which it has to take part in; `None` when that does not matter.
    pub scenarios: Option<Vec<AcrScenario>>,
    /// The DNAI behind which it has to sit.
    pub dnai: Option<Dnai>,
    /// Where the UE is or will be.
    pub position: Position,
    /// The network that serves the UE.
    pub network: Option<PlmnIdNid>,
    /// An EAS that is not known to serve at the UE's position is left out.
    pub strict_area: bool,
    /// The instances of this owner are left out.
    pub except: Option<Owner>,
    /// Only the best instance of each application is wanted.
    pub one_per_application: bool,
}

impl Selection {
    /// Any instance of an application.
    pub fn of_application(eas_id: EasId) -> Self {
        Self {
            eas_id: Some(eas_id),
            ..Self::default()
        }
    }

    /// An EAS that serves an application client.
    pub fn of_ac(profile: AcProfile) -> Self {
        Self {
            ac_profiles: vec![profile],
            ..Self::default()
        }
    }

    /// What a discovery request asks for. Members of Release 18 count unless a feature negotiation left them out.
    pub fn of_request(mut request: EasDiscoveryReq) -> Self {
        negotiate(&mut request);
        let mut position = request.loc_inf.as_deref().map(Position::of_ue).unwrap_or_default();
        if let (true, Some(network)) = (position.places.is_empty(), &request.serving_plmn_info) {
            position.places = Position::of_network(network.clone()).places;
        }
        let lists = [
            &request.eec_svc_continuity,
            &request.ees_svc_continuity,
            &request.eas_svc_continuity,
        ];
        Self {
            scenarios: common(lists.into_iter().filter(|list| !list.is_empty())),
            dnai: request.eas_t_dnai,
            position,
            network: request.serving_plmn_info,
            one_per_application: request.eas_sel_sup_ind,
            ..Self::of_filter(request.eas_discovery_filter.unwrap_or_default())
        }
    }

    /// What a filter asks for, all of which counts.
    pub fn of_filter(filter: EasDiscoveryFilter) -> Self {
        Self {
            eas_chars: filter.eas_chars,
            ac_profiles: filter.ac_chars.into_iter().map(|ac| ac.ac_prof).collect(),
            group: filter.app_group_profile,
            ..Self::default()
        }
    }
}

impl Selection {
    /// The groups that it is for, each with the application that serves it. A group that is named without its application leaves open
    /// which it is, and constrains nothing.
    pub fn groups(&self) -> Vec<(AppGroupId, EasId)> {
        let profile = self
            .group
            .iter()
            .map(|group| (group.app_grp_id.clone(), group.eas_id.clone()));
        let described = self
            .eas_chars
            .iter()
            .filter_map(|like| like.app_grp_id.clone().zip(like.eas_id.clone()));
        let mut groups: Vec<(AppGroupId, EasId)> = Vec::new();
        for group in profile.chain(described) {
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
        groups
    }
}

/// The scenarios that stand in each of the lists; `None` when there is no list.
fn common<'a>(mut lists: impl Iterator<Item = &'a Vec<AcrScenario>>) -> Option<Vec<AcrScenario>> {
    let mut common = lists.next()?.clone();
    for list in lists {
        common.retain(|scenario| list.contains(scenario));
    }
    Some(common)
}

/// The EASs that fit at `now` with their ranks, best first; equals in the order in which they came.
fn ranked<'a>(wanted: &Selection, known: &'a Snapshot, now: DateTime) -> Vec<(Rank, &'a Entry)> {
    let mut found: Vec<(Rank, &Entry)> = known
        .candidates(wanted)
        .filter(|entry| entry.is_live(now) && wanted.except.as_ref().is_none_or(|owner| entry.owner != *owner))
        .filter_map(|entry| Some((matching::judge(entry.profile(), wanted)?, entry)))
        .collect();
    // Stable: equals stay in order.
    found.sort_by_key(|(rank, _)| *rank);
    found
}

/// The EASs that fit at `now` and are better than all others, which begin what [`select`] finds: one, or several that are equally good.
pub fn best<'a>(wanted: &Selection, known: &'a Snapshot, now: DateTime) -> Vec<&'a Entry> {
    let found = ranked(wanted, known, now);
    let first = found.first().map(|(rank, _)| *rank);
    let equals = found.into_iter().take_while(|(rank, _)| Some(*rank) == first);
    equals.map(|(_, entry)| entry).collect()
}

/// The EASs that fit at `now`, best first; equals in the order in which they came.
pub fn select<'a>(wanted: &Selection, known: &'a Snapshot, now: DateTime) -> Vec<&'a Entry> {
    let mut entries: Vec<&Entry> = ranked(wanted, known, now).into_iter().map(|(_, entry)| entry).collect();
    if wanted.one_per_application && entries.len() > 1 {
        let mut seen = HashSet::new();
        entries.retain(|entry| seen.insert(&entry.profile().eas_id));
    }
    entries
}

/// The answer to a discovery request: the JSON of an `EasDiscoveryResp` with these EASs.
pub fn answer(found: &[&Entry]) -> Bytes {
    const BEGIN: &[u8] = br#"{"discoveredEas":["#;
    const END: &[u8] = b"]}";
    let length = found.iter().map(|entry| entry.json.len() + 1).sum::<usize>();
    let mut json = Vec::with_capacity(BEGIN.len() + length + END.len());
    json.extend_from_slice(BEGIN);
    for (n, entry) in found.iter().enumerate() {
        if n > 0 {
            json.push(b',');
        }
        json.extend_from_slice(&entry.json);
    }
    json.extend_from_slice(END);
    json.into()
}
