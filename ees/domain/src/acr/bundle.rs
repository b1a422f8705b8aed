//! Bundles: EASs that belong together relocate together (TS 23.558 clauses 8.8.1.6 and 8.8.2.7 to 8.8.2.9).
//!
//! Each member has a relocation of its own, in a record of its own; all of them begin in one commit. Where the members need
//! each other (coordinated ACR with the failure action `CANCEL`), a success is told only when all have succeeded, and the first failure
//! calls off the others: their EASs are told to stop, the EEC hears of each that it failed, and nobody has moved. With `PROCEED` each
//! goes its own way.

use super::{
    EasDirectory,
    record::{Acr, AcrEvent, AcrRef, ContextMove, Step, Transfer},
};
use crate::selection::Selection;
use edgeapp_core::{
    error::{Cause, Error, Kind},
    room::fresh_id,
};
use edgeapp_openapi::{
    acr_status_update::ActResult,
    eas_discovery::{DiscoveredEas, EasCharacteristics},
    eas_registration::{Affinity, BdlType, EasBundleInfo, EasProfile, EndPoint, FailureAction},
    ids::EasId,
    service_provisioning::EdnConfigInfo,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How many EASs of a bundle relocate at once.
const MEMBERS: usize = 16;

/// How a relocation belongs to those of the other EASs of its bundle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bundled {
    /// The bundle.
    pub info: EasBundleInfo,
    /// Where its EASs go, in the order of `easIdsList`.
    pub targets: Vec<EndPoint>,
    /// The relocations of its other members.
    pub others: Vec<AcrRef>,
    /// All of them move, or none.
    pub together: bool,
    /// All of them have succeeded.
    pub all_succeeded: bool,
}

/// An EAS of a bundle that relocates beside the one that was asked about.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Member {
    /// The application.
    pub eas_id: EasId,
    /// The EAS that serves until now.
    pub s_eas: EndPoint,
    /// The EAS that will serve.
    pub t_eas: EndPoint,
    /// What is known of that one, where this EES has found it.
    pub found: Option<(Box<DiscoveredEas>, Option<Box<EdnConfigInfo>>)>,
}

/// The members that relocate beside the one that was asked about, with the bundle as it is told to all.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Beside {
    /// The bundle.
    pub info: EasBundleInfo,
    /// Where all its EASs go, in the order of `easIdsList`.
    pub targets: Vec<EndPoint>,
    /// The others.
    pub members: Vec<Member>,
}

/// Pure: whether the members of a bundle move all or none. Who demands coordination and does not say what a failure means has
/// demanded that they stay together.
pub(super) fn moves_together(info: &EasBundleInfo) -> bool {
    let coordinated = info
        .eas_bdl_reqs
        .as_ref()
        .and_then(|reqs| reqs.coordinated_acr.as_ref());
    coordinated.is_some_and(|coordinated| {
        coordinated.coordinated_acr_ind && coordinated.failure_action != Some(FailureAction::Proceed)
    })
}

/// Pure: how much the members have to be in one edge data network; it does not matter where nothing is said.
pub(super) fn affinity(info: &EasBundleInfo) -> Affinity {
    let reqs = info.eas_bdl_reqs.as_ref();
    reqs.and_then(|reqs| reqs.affinity.clone()).unwrap_or(Affinity::Weak)
}

/// Pure: the bundle of an EAS whose members have to relocate when it does.
pub(super) fn coordinated(eas: &EasProfile) -> Option<&EasBundleInfo> {
    eas.eas_bdl_infos.iter().find(|info| {
        let reqs = info.eas_bdl_reqs.as_ref();
        let coordinated = reqs.and_then(|reqs| reqs.coordinated_acr.as_ref());
        coordinated.is_some_and(|coordinated| coordinated.coordinated_acr_ind) && info.eas_ids_list.len() > 1
    })
}

/// An EAS of a bundle, and the endpoint of the T-EAS that it goes to.
type Move<'a> = (&'a EasId, &'a EndPoint);

/// Pure: which EAS of the bundle goes where, but for the one that the request is about. `None` when nobody else has to move.
///
/// # Errors
/// When list and bundle do not fit together, at the member that does not.
fn pairs<'a>(
    info: Option<&'a EasBundleInfo>,
    targets: &'a [EndPoint],
    (main, t_eas): Move<'_>,
) -> Result<Option<(&'a EasBundleInfo, Vec<Move<'a>>)>, Error> {
    const LIST: &str = "/tEasEndPointBundleList";
    if targets.is_empty() {
        return Ok(None);
    }
    let Some(info) = info else {
        return Err(Error::optional_incorrect(
            "/easBundleInfo",
            "is needed with tEasEndPointBundleList: it says which endpoint is of which EAS",
        ));
    };
    let ids = &info.eas_ids_list;
    if ids.len() != targets.len() {
        return Err(Error::optional_incorrect(
            LIST,
            "must have one endpoint for each EAS of easBundleInfo.easIdsList, in the same order",
        ));
    }
    if ids.len() > MEMBERS {
        return Err(Error::optional_incorrect(
            "/easBundleInfo/easIdsList",
            format!("has too many members: {MEMBERS} relocate at once"),
        ));
    }
    if ids.iter().collect::<BTreeSet<_>>().len() != ids.len() {
        return Err(Error::optional_incorrect(
            "/easBundleInfo/easIdsList",
            "names an EAS twice",
        ));
    }
    if info.bdl_type == BdlType::Proxy && info.main_eas_id.as_ref().is_some_and(|proxy| proxy != main) {
        return Err(Error::optional_incorrect(
            "/easBundleInfo/mainEasId",
            "must be the EAS that the request is about: clients talk to that one",
        ));
    }
    let Some(own) = ids.iter().position(|id| id == main) else {
        return Err(Error::optional_incorrect(
            "/easBundleInfo/easIdsList",
            "must have the EAS that the request is about",
        ));
    };
    if targets[own] != *t_eas {
        return Err(Error::optional_incorrect(
            format!("{LIST}/{own}"),
            "contradicts tEasEndpoint",
        ));
    }
    let others = ids.iter().zip(targets).filter(|(id, _)| *id != main).collect();
    Ok(Some((info, others)))
}

/// Whose word it is that an EAS belongs to a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// Its own registration has to say so: another EAS asks, or nobody does.
    ItsRegistration,
    /// The EEC's: it relocates what serves its own UE.
    TheEec,
}

/// The instance of a member that is registered here and says that it is of the bundle; where the word of the EEC is enough, else any.
pub(super) fn source_of(eass: &dyn EasDirectory, eas_id: &EasId, info: &EasBundleInfo, who: Says) -> Option<EndPoint> {
    let like = EasCharacteristics {
        eas_id: Some(eas_id.clone()),
        eas_bundle_info: Some(info.clone()),
        ..EasCharacteristics::default()
    };
    let of_bundle = Selection {
        eas_chars: vec![like],
        ..Selection::of_application(eas_id.clone())
    };
    let found = eass.best(&of_bundle);
    let any = || {
        eass.best(&Selection::of_application(eas_id.clone()))
            .filter(|_| who == Says::TheEec)
    };
    found.or_else(any).map(|found| found.eas.end_pt)
}

/// The members that relocate beside the EAS of a request.
///
/// # Errors
/// When list and bundle do not fit together, or a member is not registered here.
pub(super) fn beside(
    info: Option<&EasBundleInfo>,
    targets: &[EndPoint],
    main: (&EasId, &EndPoint),
    (eass, who): (&dyn EasDirectory, Says),
) -> Result<Option<Beside>, Error> {
    let Some((info, pairs)) = pairs(info, targets, main)? else {
        return Ok(None);
    };
    if who == Says::ItsRegistration && source_of(eass, main.0, info, who).is_none() {
        return Err(Error::forbidden(
            Cause::OwnerMismatch,
            "/easBundleInfo must be a bundle among easBdlInfos of the caller's registration",
        ));
    }
    let member = |(eas_id, t_eas): &(&EasId, &EndPoint)| {
        let n = info
            .eas_ids_list
            .iter()
            .position(|id| id == *eas_id)
            .unwrap_or_default();
        let pointer = format!("/easBundleInfo/easIdsList/{n}");
        let s_eas = source_of(eass, eas_id, info, who).ok_or_else(|| {
            let reason = match who {
                Says::TheEec => "no EAS of this application is registered here",
                Says::ItsRegistration => "no EAS of this application that is of the bundle is registered here",
            };
            Error {
                invalid: Error::optional_incorrect(pointer.clone(), reason).invalid,
                ..Error::new(Kind::NotFound, Cause::ResourceNotFound, format!("{pointer}: {reason}"))
            }
        })?;
        Ok(Member {
            eas_id: (*eas_id).clone(),
            s_eas,
            t_eas: (*t_eas).clone(),
            found: None,
        })
    };
    let members = pairs.iter().map(member).collect::<Result<Vec<_>, Error>>()?;
    Ok((!members.is_empty()).then(|| Beside {
        info: info.clone(),
        targets: targets.to_vec(),
        members,
    }))
}

impl Beside {
    /// Pure: what moves of a bundle, when these members do beside the EAS that was asked about; `None` when that one is alone. What stays
    /// is not part of what is told.
    pub(super) fn of(info: &EasBundleInfo, (main, t_eas): (&EasId, &EndPoint), members: Vec<Member>) -> Option<Self> {
        let target = |id: &EasId| match members.iter().find(|member| member.eas_id == *id) {
            Some(member) => Some(member.t_eas.clone()),
            None => (id == main).then(|| t_eas.clone()),
        };
        let moving = info
            .eas_ids_list
            .iter()
            .filter_map(|id| Some((id.clone(), target(id)?)));
        let (eas_ids_list, targets): (Vec<EasId>, Vec<EndPoint>) = moving.unzip();
        let info = EasBundleInfo {
            eas_ids_list,
            ..info.clone()
        };
        (!members.is_empty()).then_some(Self { info, targets, members })
    }

    /// What is known of this member.
    pub(super) fn member(&self, eas_id: &EasId) -> Option<&Member> {
        self.members.iter().find(|member| member.eas_id == *eas_id)
    }

    /// Pure: the relocation that was asked for and those of the other members, each knowing the others. The context of the EEC goes
    /// with the first.
    pub(super) fn all(&self, main: Acr) -> Vec<Acr> {
        let of_member = |member: &Member| Acr {
            id: fresh_id(),
            eas_id: member.eas_id.clone(),
            s_eas: Some(member.s_eas.clone()),
            t_eas: Some(member.t_eas.clone()),
            context: ContextMove::NotAsked,
            transfer: Transfer::Awaited,
            complete: false,
            managed: None,
            plan: None,
            ..main.clone()
        };
        let mut all: Vec<Acr> = self.members.iter().map(of_member).collect();
        all.insert(0, main);
        let references: Vec<AcrRef> = all.iter().map(Acr::reference).collect();
        for acr in &mut all {
            let own = acr.reference();
            acr.bundle = Some(Box::new(Bundled {
                info: self.info.clone(),
                targets: self.targets.clone(),
                others: references.iter().filter(|other| **other != own).cloned().collect(),
                together: moves_together(&self.info),
                all_succeeded: false,
            }));
        }
        all
    }
}

impl Acr {
    /// Whether a success of it counts only with those of the other members of its bundle, and they are not there yet.
    pub fn waits_for_others(&self) -> bool {
        self.bundle
            .as_ref()
            .is_some_and(|bundle| bundle.together && !bundle.all_succeeded)
    }

    fn has_failed(&self) -> bool {
        self.result().is_some_and(|result| result.is_err())
    }

    fn has_succeeded(&self) -> bool {
        matches!(self.transfer, Transfer::Reported(ActResult::Successful, _))
    }
}

/// Pure: what follows for all members from what one of them has come to: each that changes, with what is to be told. `others` are those
/// that are still there.
///
/// # Errors
/// None in practice: the steps contradict nothing.
pub(super) fn consequences(one: &Acr, others: &[Acr]) -> Result<Vec<(Acr, Vec<AcrEvent>)>, Error> {
    let Some(bundle) = one
        .bundle
        .as_ref()
        .filter(|bundle| bundle.together && !bundle.all_succeeded)
    else {
        return Ok(Vec::new());
    };
    // One that is there no more has been given up or replaced.
    let missing = others.len() < bundle.others.len();
    let step = if missing || one.has_failed() || others.iter().any(Acr::has_failed) {
        Step::CalledOff
    } else if one.has_succeeded() && others.iter().all(Acr::has_succeeded) {
        Step::AllSucceeded
    } else {
        return Ok(Vec::new());
    };
    let mut changed = Vec::new();
    for acr in std::iter::once(one).chain(others) {
        changed.extend(acr.clone().after(step.clone())?);
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acr::record::tests::sample;
    use proptest::prelude::*;
    use serde_json::json;

    fn at(host: &str) -> EndPoint {
        serde_json::from_value(json!({"fqdn": host})).expect("an endpoint")
    }

    fn bundle(action: Option<&str>) -> EasBundleInfo {
        let mut acr = json!({"coordinatedAcrInd": true});
        if let Some(action) = action {
            acr["failureAction"] = json!(action);
        }
        serde_json::from_value(json!({"bdlType": "DIRECT", "bdlId": "b1",
            "easIdsList": ["eas.chess.example", "eas.chat.example", "eas.clock.example"],
            "easBdlReqs": {"coordinatedAcr": acr, "affinity": "STRONG"}}))
        .expect("a bundle")
    }

    fn members(action: Option<&str>) -> Vec<Acr> {
        let info = bundle(action);
        let member = |id: &EasId| Member {
            eas_id: id.clone(),
            s_eas: at("a.example"),
            t_eas: at("b.example"),
            found: None,
        };
        let beside = Beside {
            members: info.eas_ids_list[1..].iter().map(member).collect(),
            targets: vec![at("chess.edge-b.example"), at("b.example"), at("b.example")],
            info,
        };
        beside.all(sample(ContextMove::NotAsked, Transfer::Awaited))
    }

    #[test]
    fn each_member_knows_the_others() {
        let all = members(None);
        assert_eq!(all.len(), 3);
        for acr in &all {
            let others = &acr.bundle.as_ref().expect("of a bundle").others;
            assert!(others.len() == 2 && !others.contains(&acr.reference()));
        }
    }

    #[test]
    fn a_list_has_to_fit_its_bundle() {
        let (info, main) = (bundle(None), "eas.chess.example".parse().expect("an EASID"));
        let t_eas = at("1.example");
        let fits = [t_eas.clone(), at("2.example"), at("3.example")];
        let judged = |info: Option<&EasBundleInfo>, list: &[EndPoint]| {
            pairs(info, list, (&main, &t_eas)).map(|found| found.map_or(0, |(_, others)| others.len()))
        };
        assert_eq!(judged(Some(&info), &fits).ok(), Some(2));
        assert_eq!(judged(Some(&info), &[]).ok(), Some(0));
        assert!(judged(None, &fits).is_err());
        assert!(judged(Some(&info), &fits[..2]).is_err());
        assert!(judged(Some(&info), &[at("2.example"), t_eas.clone(), at("3.example")]).is_err());
        let mut proxy = info.clone();
        proxy.bdl_type = BdlType::Proxy;
        proxy.main_eas_id = "eas.chat.example".parse().ok();
        assert!(judged(Some(&proxy), &fits).is_err());
        let mut strangers = info.clone();
        strangers.eas_ids_list[0] = "eas.go.example".parse().expect("an EASID");
        assert!(judged(Some(&strangers), &fits).is_err());
        let mut twice = info;
        twice.eas_ids_list[2] = twice.eas_ids_list[1].clone();
        assert!(judged(Some(&twice), &fits).is_err());
    }

    /// Plays steps on the members of a bundle, as the service does. Answers with what each was told: `true` for a success.
    fn played(mut all: Vec<Acr>, steps: Vec<(usize, Step)>) -> Vec<Vec<bool>> {
        let mut told = vec![Vec::new(); all.len()];
        let note = |all: &mut Vec<Acr>, told: &mut Vec<Vec<bool>>, (acr, events): (Acr, Vec<AcrEvent>)| {
            let n = all.iter().position(|known| known.id == acr.id).expect("a member");
            for event in events {
                if let AcrEvent::Completed(acr) = event {
                    told[n].push(acr.result() == Some(Ok(())));
                }
            }
            all[n] = acr;
        };
        for (n, step) in steps {
            let n = n % all.len();
            let Ok(Some(changed)) = all[n].clone().after(step) else {
                continue;
            };
            note(&mut all, &mut told, changed);
            let one = all[n].clone();
            let others: Vec<Acr> = all.iter().filter(|other| other.id != one.id).cloned().collect();
            for changed in consequences(&one, &others).expect("no contradiction") {
                note(&mut all, &mut told, changed);
            }
        }
        told
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => Just(Step::Reported(ActResult::Successful, None)),
            1 => Just(Step::Reported(ActResult::Failed, None)),
            1 => Just(Step::GivenUp("late".to_owned())),
            1 => Just(Step::ContextFailed),
        ]
    }

    proptest! {
        /// CANCEL: whatever happens in whatever order, all are told the same, each at most once, and a success only once all have
        /// succeeded.
        #[test]
        fn with_cancel_all_move_or_none(steps in prop::collection::vec((0_usize..3, step()), 0..16), silent: bool) {
            let told = played(members((!silent).then_some("CANCEL")), steps);
            prop_assert!(told.iter().all(|told| told.len() <= 1), "{told:?}");
            let all: Vec<bool> = told.iter().flatten().copied().collect();
            prop_assert!(all.is_empty() || all.len() == 3, "some heard nothing: {told:?}");
            prop_assert!(all.iter().all(|told| *told == all[0]), "{told:?}");
        }

        /// PROCEED: each is told of itself alone, as if there were no bundle.
        #[test]
        fn with_proceed_each_goes_its_own_way(steps in prop::collection::vec((0_usize..3, step()), 0..16)) {
            let alone: Vec<Acr> = members(Some("PROCEED")).into_iter().map(|acr| Acr { bundle: None, ..acr }).collect();
            prop_assert_eq!(played(members(Some("PROCEED")), steps.clone()), played(alone, steps));
        }
    }
}
