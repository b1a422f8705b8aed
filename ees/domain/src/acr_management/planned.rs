//! UEs that are expected elsewhere (service continuity planning, TS 23.558 clause 8.8.1.2): where a relocation is planned for a UE, its
//! location is watched for the EASs that want that (`servContPlanInd`), and they hear when the UE is there.

use super::{
    naming,
    orders::report,
    path_change::{PathEvent, Pending},
    reports::finish,
    rules::wants_to_be_asked,
    state::State,
    subscription::may_tell,
};
use crate::{
    acr::{Acr, AcrRef},
    event::Event,
};
use edgeapp_core::{
    area::{self, Cell, Position},
    consent::Consent,
    error::Error,
    kept::Kept,
    network::{Asked, LocationReport, Target},
    room::{Decision, Room, Seen},
    store::Key,
};
use edgeapp_openapi::{
    acr_management_event::{
        AcrMgntEventReport, AcrMgntEventSubsc, AcrMgntEventsSubscription, AcrParameters, IndUeIdentification,
        TargetUeIdentification, UpPathChangeInfo,
    },
    app_context_relocation::ExpectedLocationArea,
    common::{DateTime, DnaiChangeType},
    eas_registration::EndPoint,
    ids::{AcId, EasId, Gpsi},
    location::{GeographicalServiceArea, LocationInfo, ServiceArea, TopologicalServiceArea},
};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// Seconds for which a UE is expected where nobody said how long.
const EXPECTED: i64 = 3600;

/// A UE that is expected elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// The UE.
    pub ue: Gpsi,
    /// The application.
    pub eas_id: EasId,
    /// The application client, when it is known.
    pub ac_id: Option<AcId>,
    /// Where the T-EAS is.
    pub target: EndPoint,
    /// Where the UE is expected.
    pub area: ServiceArea,
    /// Until when.
    pub until: DateTime,
    /// Whether somebody said so.
    pub predicted: bool,
    /// The relocation.
    pub acr: AcrRef,
}

impl Planned {
    /// Whether it is what a watch is for.
    pub(super) fn is_watched_by(&self, asked: &Asked) -> bool {
        matches!(asked, Asked::Location(watch) if watch.target == Target::Ue(self.ue.clone()))
    }

    /// Whether the UE is where it is expected.
    pub(super) fn is_there(&self, seen: &LocationInfo) -> bool {
        area::contains(&self.area, &Position::of_ue(seen)).only_yes()
    }

    /// A change of path that says nothing but which UE it is.
    pub(super) fn place(&self) -> UpPathChangeInfo {
        UpPathChangeInfo {
            ue_id: IndUeIdentification::Gpsi(self.ue.clone()),
            dnai_chg_type: DnaiChangeType::Late,
            source_traffic_route: None,
            target_traffic_route: None,
            source_dnai: None,
            target_dnai: None,
            src_ue_ipv4_addr: None,
            src_ue_ipv6_prefix: None,
            tgt_ue_ipv4_addr: None,
            tgt_ue_ipv6_prefix: None,
        }
    }

    /// What a subscriber is told about it.
    fn report(&self, wanted: &AcrMgntEventSubsc, now: DateTime) -> Option<AcrMgntEventReport> {
        // A change of path of this UE would be told under this name.
        let named = naming::path_report(wanted, Some(&self.ue), &self.place(), now)?;
        Some(AcrMgntEventReport {
            eas_end_point: Some(self.target.clone()),
            ac_id: self.ac_id.clone(),
            ue_id: named.ue_id,
            acr_params: self.predicted.then_some(AcrParameters {
                predict_exp_time: Some(self.until),
            }),
            serv_cont_plan_ind: true,
            ..report(wanted.event.clone(), now)
        })
    }
}

/// Also tells that the UE of a relocation is expected somewhere, if it is and that can be recognised.
///
/// # Errors
/// Never in practice: the event cannot be written as JSON.
pub fn expected(
    decision: Decision<()>,
    acr: &Acr,
    expected: Option<&ExpectedLocationArea>,
    predicted: Option<DateTime>,
    now: DateTime,
) -> Result<Decision<()>, Error> {
    let (Some(area), Some(target)) = (expected.and_then(area_of), acr.t_eas.clone()) else {
        return Ok(decision);
    };
    let planned = Planned {
        ue: acr.ue_id.clone(),
        eas_id: acr.eas_id.clone(),
        ac_id: acr.ac_id.clone(),
        target,
        area,
        until: predicted.unwrap_or(DateTime(now.0 + SignedDuration::from_secs(EXPECTED))),
        predicted: predicted.is_some(),
        acr: acr.reference(),
    };
    decision.tell(&Event::Path(PathEvent::Planned(Box::new(planned))))
}

/// Pure: what is expected, as an area; `None` when it says nothing that a location can be compared with.
fn area_of(expected: &ExpectedLocationArea) -> Option<ServiceArea> {
    let position = match (&expected.svc_area, &expected.loc_info) {
        (Some(area), _) => Position::of_area(area),
        (None, Some(at)) => Position::of_ue(at),
        (None, None) => return None,
    };
    let mut network = TopologicalServiceArea::default();
    for place in position.places {
        match (place.cell, place.tai) {
            (Some(Cell::Nr(cell)), _) => network.ncgis.push(cell),
            (Some(Cell::Eutra(cell)), _) => network.ecgis.push(cell),
            (_, Some(tai)) => network.tais.push(tai),
            _ => {}
        }
    }
    let globe = GeographicalServiceArea {
        geo_ars: position.shapes,
        ..GeographicalServiceArea::default()
    };
    let area = ServiceArea {
        top_serv_ar: (network != TopologicalServiceArea::default()).then_some(network),
        geo_serv_ar: (globe != GeographicalServiceArea::default()).then_some(globe),
    };
    (!area::is_everywhere(&area)).then_some(area)
}

/// The events (by their places) that want to hear of a UE that is expected elsewhere.
pub(super) fn wanting(subscription: &AcrMgntEventsSubscription, state: &State, planned: &Planned) -> Vec<usize> {
    let wants = |n: &usize| {
        let (wanted, state) = (&subscription.event_subscs[*n], &state.events[*n]);
        let about_it = match (&wanted.tgt_ue_id, &state.ue) {
            (None, _) => true,
            (Some(TargetUeIdentification::Gpsi(named)), None) => *named == planned.ue,
            (Some(_), ue) => ue.as_ref() == Some(&planned.ue),
        };
        wanted.serv_cont_plan_ind && about_it && !state.over
    };
    (0..subscription.event_subscs.len()).filter(wants).collect()
}

/// Takes the plans out whose UE is where it is expected: what is told of them, and the work where the EAS has to be asked.
pub(super) async fn arrived(
    room: &Room,
    consent: &dyn Consent,
    key: &Key,
    kept: &Kept<AcrMgntEventsSubscription>,
    state: &mut State,
    (ue, location): (&Gpsi, &LocationInfo),
    seen: &mut Seen,
) -> Result<Decision<()>, Error> {
    let now = seen.now();
    let is_there = |planned: &Planned| planned.ue == *ue && planned.until > now && planned.is_there(location);
    let (there, rest) = state.planned.iter().cloned().partition(is_there);
    let (there, rest): (Vec<Planned>, Vec<Planned>) = (there, rest);
    state.planned = rest;
    let mut decision = Decision::of(());
    let mut sends = Vec::new();
    if may_tell(consent, Some(ue)).await {
        for planned in there {
            for n in wanting(&kept.value, state, &planned) {
                let wanted = &kept.value.event_subscs[n];
                let Some(report) = planned.report(wanted, now) else {
                    continue;
                };
                if wants_to_be_asked(wanted) {
                    let pending = Pending::of_plan(key, wanted, report, &planned);
                    decision = pending.begun(decision, &kept.owner, super::path_change::PATIENCE, seen)?;
                } else {
                    sends.extend(state.offer(n, &kept.value, vec![report], now));
                }
            }
        }
    }
    finish(room, key, &kept.value, state, (sends, None), decision, seen).await
}

/// The location of a UE that is watched for a subscription.
pub(super) async fn seen_at(
    room: &Room,
    consent: &dyn Consent,
    key: &Key,
    kept: &Kept<AcrMgntEventsSubscription>,
    watch: &Asked,
    report: &LocationReport,
    seen: &mut Seen,
) -> Result<Decision<()>, Error> {
    let Asked::Location(watch) = watch else {
        return Ok(Decision::of(()));
    };
    let (Target::Ue(ue), Some(location)) = (&watch.target, &report.location) else {
        return Ok(Decision::of(()));
    };
    let mut state = State::load(key, &kept.value, seen).await?;
    arrived(room, consent, key, kept, &mut state, (ue, location), seen).await
}
